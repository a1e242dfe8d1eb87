package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"wontfix/history"
	"wontfix/internal/store"
	"wontfix/internal/testkit"
	"wontfix/tracker"
	"wontfix/tracker/ubuntu"
)

// corpusPast returns the history of the corpus tracker.
func corpusPast(t testing.TB) *past {
	t.Helper()
	return pastOf(t, database(t))
}

// pastOf returns the history that a database has of Ubuntu's tracker.
func pastOf(t testing.TB, file string) *past {
	t.Helper()
	db, err := store.Open(file)
	testkit.Must(t, err)
	t.Cleanup(func() { db.Close() })
	spec, err := tracker.Find("ubuntu")
	testkit.Must(t, err)
	p, err := openPast(t.Context(), db, spec)
	testkit.Must(t, err)
	if p == nil {
		t.Fatal("the database has no history")
	}
	return p
}

// gitIn runs git on a repository and returns what it writes.
func gitIn(t testing.TB, dir string, stdin io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, "git"), append([]string{"-c", "safe.directory=*", "-C", dir}, args...)...)
	cmd.Stdin = stdin
	var diag bytes.Buffer
	cmd.Stderr = &diag
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args[0], err, diag.String())
	}
	return string(out)
}

// A gitTree is the entries of a commit as git lists them: of each path the
// blob.
type gitTree map[string]string

// treeOf lists the entries of a commit.
func treeOf(t testing.TB, dir, commit string) gitTree {
	t.Helper()
	spec, err := tracker.Find("ubuntu")
	testkit.Must(t, err)
	tree := gitTree{}
	for line := range strings.SplitSeq(gitIn(t, dir, nil, "ls-tree", "-r", "-z", commit, "--", "active", "retired", "ignored"), "\x00") {
		head, name, _ := strings.Cut(line, "\t")
		if f := strings.Fields(head); len(f) == 3 && strings.Count(name, "/") == 1 && spec.Match(path.Base(name)) {
			tree[name] = f[2]
		}
	}
	return tree
}

// blobsOf reads blobs.
func blobsOf(t testing.TB, dir string, ids []string) map[string][]byte {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(gitIn(t, dir, strings.NewReader(strings.Join(ids, "\n")+"\n"), "cat-file", "--batch")))
	blobs := make(map[string][]byte, len(ids))
	for range ids {
		head, err := r.ReadString('\n')
		testkit.Must(t, err)
		f := strings.Fields(head)
		if len(f) != 3 || f[1] != "blob" {
			t.Fatalf("git cat-file: %q", head)
		}
		n, err := strconv.Atoi(f[2])
		testkit.Must(t, err)
		blob := make([]byte, n+1)
		_, err = io.ReadFull(r, blob)
		testkit.Must(t, err)
		blobs[f[0]] = blob[:n]
	}
	return blobs
}

// blobID returns the name that git gives a blob.
func blobID(text []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(text))
	h.Write(text)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// checkStates compares the entries of commits, by their numbers in the log,
// with the trees that git has: no path more, no path less, every text to the
// byte. It returns how many texts it compared.
func checkStates(t *testing.T, p *past, trees map[int]gitTree) int {
	t.Helper()
	var mu sync.Mutex
	compared, wrong := 0, 0
	seen := make(map[int]int, len(trees))
	fail := func(format string, args ...any) {
		if wrong++; wrong <= 10 {
			t.Errorf(format, args...)
		}
	}
	commits := slices.Sorted(maps.Keys(trees))
	err := p.files(t.Context(), allOf(t, p), func(f *history.File) error {
		hashes := map[int]string{}
		type state struct {
			commit int
			path   string
			blob   string
		}
		var states []state
		for _, c := range commits {
			n := f.At(p.log, c)
			if n < 0 {
				continue
			}
			for _, place := range f.Records[n].Places {
				if hashes[place.Text] == "" {
					hashes[place.Text] = "missing"
					if place.Text >= 0 {
						hashes[place.Text] = blobID(f.Text(place.Text))
					}
				}
				states = append(states, state{c, p.spec.Dirs[place.Dir] + "/" + f.ID, hashes[place.Text]})
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for _, s := range states {
			compared++
			seen[s.commit]++
			if want := trees[s.commit][s.path]; s.blob != want {
				fail("commit %d %.12s: %s is %.12s, git has %.12q", s.commit, p.log.Commit(s.commit).ID, s.path, s.blob, want)
			}
		}
		return nil
	})
	testkit.Must(t, err)
	for c, tree := range trees {
		if seen[c] != len(tree) {
			fail("commit %d %.12s: %d paths, git has %d", c, p.log.Commit(c).ID, seen[c], len(tree))
		}
	}
	if wrong > 10 {
		t.Errorf("%d differences in all", wrong)
	}
	return compared
}

// checkRows compares the rows that the history has at its tip with those that
// the parser reads in the tip's texts. It returns how many there are.
func checkRows(t *testing.T, p *past, texts map[string][]byte) int {
	t.Helper()
	var mu sync.Mutex
	rows, wrong, entries := 0, 0, 0
	err := p.files(t.Context(), allOf(t, p), func(f *history.File) error {
		var want []history.Row
		found := false
		for _, dir := range p.spec.Dirs {
			file := dir + "/" + f.ID
			if text, ok := texts[file]; ok {
				entry, _ := ubuntu.Parse(file, text)
				seen := map[history.Key]bool{}
				for _, s := range entry.Statements {
					k := history.Key{Label: s.Label, Source: s.Source}
					if seen[k] {
						return fmt.Errorf("%s: the parser has two rows %v", file, k)
					}
					seen[k] = true
					want = append(want, history.Row{Key: k, Value: history.Value{Word: s.Word, Detail: s.Detail}, Line: s.Line})
				}
				found = true
				break
			}
		}
		got := history.NewTrace(p.log, p.spec.Past, f, p.log.Tip()).Rows()
		mu.Lock()
		defer mu.Unlock()
		if found {
			entries++
		}
		rows += len(got)
		if !slices.EqualFunc(got, want, func(a, b history.Row) bool { return a.Key == b.Key && a.Value == b.Value && a.Line == b.Line }) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: rows\n%+v\nthe parser has\n%+v", f.ID, got, want)
			}
		}
		return nil
	})
	testkit.Must(t, err)
	if wrong > 0 {
		t.Errorf("the rows of %d entries differ", wrong)
	}
	ids := map[string]bool{}
	for file := range texts {
		if p.spec.Match(path.Base(file)) {
			ids[path.Base(file)] = true
		}
	}
	if entries != len(ids) {
		t.Errorf("%d entries have a history, of %d", entries, len(ids))
	}
	return rows
}

// allOf returns the IDs of all entries that have a history.
func allOf(t *testing.T, p *past) []string {
	t.Helper()
	ids, err := p.ids(t.Context())
	testkit.Must(t, err)
	return ids
}

// TestReplayCorpus: history replayed to the tip, and to commits on side
// branches, merges and others, is what git has there.
func TestReplayCorpus(t *testing.T) {
	dir := testkit.Corpus(t, testkit.Tracker)
	p := corpusPast(t)
	testkit.Must(t, p.load())
	main := map[int]bool{}
	for c := p.log.Tip(); ; c = p.log.Commit(c).Parents[0] {
		main[c] = true
		if len(p.log.Commit(c).Parents) == 0 {
			break
		}
	}
	trees := map[int]gitTree{p.log.Tip(): nil}
	r := rand.New(rand.NewPCG(20, 23))
	pick := func(n int, fits func(int) bool) {
		for n > 0 {
			c := r.IntN(p.log.Len())
			if _, ok := trees[c]; !ok && fits(c) {
				trees[c] = nil
				n--
			}
		}
	}
	pick(4, func(c int) bool { return len(p.log.Commit(c).Parents) > 1 })
	pick(4, func(c int) bool { return !main[c] && len(p.log.Commit(c).Parents) == 1 })
	pick(4, func(c int) bool { return main[c] })
	for c := range trees {
		trees[c] = treeOf(t, dir, p.log.Commit(c).ID)
	}
	n := checkStates(t, p, trees)
	rows := checkRows(t, p, trackerTree(t))
	t.Logf("%d texts at %d commits, %d rows at the tip", n, len(trees), rows)
	if rows != 1195019 {
		t.Errorf("%d rows at the tip; the tracker's own loader has 1195019", rows)
	}
}

// A slowRow is a row of which the test itself finds out who introduced it.
type slowRow struct{ file, label, source string }

var slowLine = regexp.MustCompile(`^([a-z][a-z0-9/.-]*)_([^\s:]+)[ \t]*:[ \t]*(\S*)[ \t]*(.*)$`)

// slowRows reads rows as ubuntu.md's section on status lines has it, in the
// plainest way.
func slowRows(text []byte) map[slowRow]string {
	rows := map[slowRow]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		m := slowLine.FindStringSubmatch(strings.TrimRight(line, " \t\r"))
		if m == nil || m[1] == "sid" || m[1] == "product" { // labels of former times, which are no rows
			continue
		}
		word, detail := m[3], strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(m[4]), "("), ")")
		switch {
		case word == "":
			word = "needs-triage"
		case detail == "" && '0' <= word[0] && word[0] <= '9':
			word, detail = "released", word
		}
		if k := (slowRow{label: m[1], source: m[2]}); rows[k] == "" {
			rows[k] = word + " " + detail
		}
	}
	return rows
}

// A slowGraph is what git log says that each commit did to some entries,
// compared with each of its parents.
type slowGraph struct {
	parents map[string][]string
	changes map[[2]string][]slowChange // by commit and parent
}

type slowChange struct{ path, old string } // the blob before; "" if there was none

func readSlowGraph(t *testing.T, dir string, ids map[string]bool) *slowGraph {
	g := &slowGraph{map[string][]string{}, map[[2]string][]slowChange{}}
	for line := range strings.Lines(gitIn(t, dir, nil, "rev-list", "--parents", "HEAD")) {
		f := strings.Fields(line)
		g.parents[f[0]] = f[1:]
	}
	cmd := exec.Command("git", "-c", "safe.directory=*", "-C", dir, "log", "--full-history", "--topo-order", "-m", "--root", "--raw",
		"--no-abbrev", "--no-abbrev-commit", "--no-renames", "--oneline")
	out, err := cmd.StdoutPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	var edge [2]string
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		line := sc.Text()
		if !strings.HasPrefix(line, ":") {
			commit := line[:40]
			edge = [2]string{commit, ""}
			switch p := g.parents[commit]; len(p) {
			case 0:
			case 1:
				edge[1] = p[0]
			default: // a merge that is as all of its parents is named without one
				if from, ok := strings.CutPrefix(line[40:], " (from "); ok {
					edge[1] = from[:40]
				}
			}
			continue
		}
		if edge[1] == "" && len(g.parents[edge[0]]) > 0 {
			t.Fatalf("git log does not say which parent of %s this is about: %s", edge[0], line)
		}
		head, name, _ := strings.Cut(line, "\t")
		if !ids[path.Base(name)] || !slices.Contains([]string{"active", "retired", "ignored"}, path.Dir(name)) {
			continue
		}
		old := strings.Fields(head)[2]
		if strings.Trim(old, "0") == "" {
			old = ""
		}
		g.changes[edge] = append(g.changes[edge], slowChange{name, old})
	}
	testkit.Must(t, sc.Err())
	testkit.Must(t, cmd.Wait())
	return g
}

// introducers goes from the tip to every parent in which a row says the same,
// and returns the commits of which no parent does.
func (g *slowGraph) introducers(row slowRow, tip string, tree gitTree, say func(blob string) string) map[string]bool {
	id := path.Base(row.file)
	type state [3]string // the blobs in each folder
	dirs := []string{"active", "retired", "ignored"}
	value := func(s state) string {
		for _, blob := range s {
			if blob != "" {
				return say(blob)
			}
		}
		return ""
	}
	var first state
	for i, d := range dirs {
		first[i] = tree[d+"/"+id]
	}
	want := value(first)
	at := map[string]state{tip: first}
	found := map[string]bool{}
	for queue := []string{tip}; len(queue) > 0; {
		c := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		same := false
		for _, p := range g.parents[c] {
			s := at[c]
			for _, change := range g.changes[[2]string{c, p}] {
				if path.Base(change.path) == id {
					s[slices.Index(dirs, path.Dir(change.path))] = change.old
				}
			}
			if s != at[c] && value(s) != want {
				continue
			}
			same = true
			if _, ok := at[p]; !ok {
				at[p] = s
				queue = append(queue, p)
			}
		}
		if !same {
			found[c] = true
		}
	}
	return found
}

// TestIntroducedCorpus asks a sample of rows who introduced what they say, and
// compares the answers with a walk over git's own output that shares no code
// with the reader.
func TestIntroducedCorpus(t *testing.T) {
	const sample = 200
	dir := testkit.Corpus(t, testkit.Tracker)
	p := corpusPast(t)
	tip := p.log.Commit(p.log.Tip()).ID
	tree := treeOf(t, dir, tip)
	texts := trackerTree(t)
	var all []slowRow
	for _, file := range slices.Sorted(maps.Keys(tree)) {
		rows := slices.Collect(maps.Keys(slowRows(texts[file])))
		slices.SortFunc(rows, func(a, b slowRow) int { return strings.Compare(a.label+"_"+a.source, b.label+"_"+b.source) })
		for _, r := range rows {
			r.file = file
			all = append(all, r)
		}
	}
	r := rand.New(rand.NewPCG(2014, 9365))
	var rows []slowRow
	ids := map[string]bool{}
	for range sample {
		row := all[r.IntN(len(all))]
		rows = append(rows, row)
		ids[path.Base(row.file)] = true
	}
	g := readSlowGraph(t, dir, ids)
	var blobs []string
	for _, row := range rows {
		for _, d := range []string{"active", "retired", "ignored"} {
			if b := tree[d+"/"+path.Base(row.file)]; b != "" {
				blobs = append(blobs, b)
			}
		}
	}
	for _, changes := range g.changes {
		for _, c := range changes {
			if c.old != "" {
				blobs = append(blobs, c.old)
			}
		}
	}
	slices.Sort(blobs)
	blobs = slices.Compact(blobs)
	says := map[string]map[slowRow]string{}
	for blob, text := range blobsOf(t, dir, blobs) {
		says[blob] = slowRows(text)
	}
	kept, err := p.origins(t.Context(), slices.Sorted(maps.Keys(ids)), nil)
	testkit.Must(t, err)
	compared, ambiguous := 0, 0
	for _, row := range rows {
		want := g.introducers(row, tip, tree, func(blob string) string { return says[blob][slowRow{"", row.label, row.source}] })
		trace, err := p.trace(t.Context(), path.Base(row.file))
		testkit.Must(t, err)
		key := history.Key{Label: row.label, Source: row.source}
		for what, got := range map[string]string{
			"origin":   introducedBy(t, trace, key),
			"timeline": lastChange(trace, key),
			"kept":     keptIntroduced(trace, kept, path.Base(row.file), key),
		} {
			if !want[got] {
				t.Errorf("%s %v: the %s has commit %.12s, git %v", row.file, key, what, got, slices.Collect(maps.Keys(want)))
			}
		}
		compared++
		if len(want) > 1 {
			ambiguous++
		}
	}
	t.Logf("%d rows of %d compared, %d of them with more than one right answer", compared, len(all), ambiguous)
	if compared != sample {
		t.Errorf("%d rows compared, want %d", compared, sample)
	}
}

// introducedBy returns the commit that brought what a row says.
func introducedBy(t testing.TB, trace *history.Trace, k history.Key) string {
	t.Helper()
	o, ok := trace.Origin(k)
	switch {
	case !ok:
		return ""
	case o.Wrote != nil:
		return o.Wrote.Commit
	}
	return o.Decided.Commit
}

// keptIntroduced is the same according to the origins that the database keeps.
func keptIntroduced(trace *history.Trace, kept *originReader, id string, k history.Key) string {
	for _, row := range trace.Rows() {
		if row.Key == k {
			if o := kept.of(id, row.Line); o != nil && o.Wrote != nil {
				return o.Wrote.Commit
			} else if o != nil {
				return o.Decided.Commit
			}
		}
	}
	return ""
}

// lastChange returns the commit of the last change of a row itself in its
// timeline.
func lastChange(trace *history.Trace, k history.Key) string {
	last := ""
	for _, e := range trace.Timeline(k).Events {
		if e.Row == "" && (e.From != e.To || e.FromDetail != e.ToDetail) {
			last = e.Commit
		}
	}
	return last
}
