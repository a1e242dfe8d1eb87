package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/testkit"
	"wontfix/tracker/ubuntu"
)

// A madeCommit is a commit of a random repository: what it was made of, and
// the whole tree that it has.
type madeCommit struct {
	id      string
	parents []int
	tree    map[string]string // by path
}

// A madeRepo is a random repository.
type madeRepo struct {
	dir     string
	commits []madeCommit
	number  map[string]int // of each ID
}

var (
	madeLabels  = []string{"upstream", "trusty", "trusty/esm", "xenial", "esm-infra/xenial", "devel", "sid"}
	madeSources = []string{"hello", "linux", "linux-aws", "linux-aws-hwe"}
	madeValues  = []string{"needed", "needs-triage", "ignored", "ignored (too intrusive)", "ignored (end of life)", "ignored (superseded by x)",
		"released (1.2-3)", "1.2-4", "DNE", "DNE (trusty was needed)", "not-affected", "deferred (2020-01-01)", "", "[odd]", "pending"}
	madeAuthors = []string{"Ann Author <ann@example.org>", "Bob Builder <bob@example.org>", "Kernel Bot <bot@example.org>", " <>"}
	madeFiles   = []string{"CVE-2020-1", "CVE-2020-2", "CVE-2020-3", "CVE-2020-44444", "EMB-5", "CVE-2020-6"}
)

// makeRepo makes a bare repository of n commits, of which the last one has all
// others behind it. Merges take over a side, mix both, or bring content of
// their own; entries are moved, deleted, made again and in two folders at once.
func makeRepo(t testing.TB, seed uint64, n int) *madeRepo {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 77))
	m := &madeRepo{dir: filepath.Join(t.TempDir(), "repo.git"), number: map[string]int{}}
	gitIn(t, ".", nil, "init", "-q", "--bare", "-b", "master", m.dir)
	var b bytes.Buffer
	var tips []int
	for i := range n {
		var from []int
		switch k := r.IntN(10); {
		case i == 0 || i == n/4: // a second root
		case i == n-1:
			from = slices.Clone(tips)
		case k < 3 && len(tips) > 1: // sometimes an octopus
			from = slices.Clone(tips[:2+r.IntN(min(len(tips)-1, 3))])
		case k == 3 && i > 10: // criss-cross, or into what has it already
			from = []int{tips[r.IntN(len(tips))], i - 1 - r.IntN(8)}
			if from[0] == from[1] {
				from = from[:1]
			}
		case k < 6:
			from = []int{max(i-1-r.IntN(12), 0)}
		default:
			from = []int{tips[r.IntN(len(tips))]}
		}
		r.Shuffle(len(from), func(i, k int) { from[i], from[k] = from[k], from[i] })
		tree := map[string]string{}
		if len(from) > 0 {
			maps.Copy(tree, m.commits[from[0]].tree)
		}
		if len(from) > 1 {
			m.mix(r, tree, from)
		}
		if len(from) != 1 && r.IntN(2) == 0 {
			// A merge that changes nothing more.
		} else if i > 5 && r.IntN(10) == 0 { // a revert
			tree = maps.Clone(m.commits[r.IntN(i)].tree)
		} else {
			for range 1 + r.IntN(3) {
				changeEntry(r, tree)
			}
		}
		tree["active/UEM-1"] = "Candidate: UEM-1\n" // without any entry it would be no tracker
		tips = slices.DeleteFunc(tips, func(k int) bool { return slices.Contains(from, k) })
		tips = append(tips, i)
		m.commits = append(m.commits, madeCommit{parents: from, tree: tree})
		writeCommit(&b, r, i, from, tree)
	}
	fmt.Fprintf(&b, "reset refs/heads/master\nfrom :%d\n\n", n)
	marks := filepath.Join(t.TempDir(), "marks")
	gitIn(t, m.dir, &b, "fast-import", "--quiet", "--force", "--export-marks="+marks)
	for line := range strings.Lines(string(readFile(t, marks))) {
		var i int
		var id string
		_, err := fmt.Sscanf(line, ":%d %s", &i, &id)
		testkit.Must(t, err)
		m.commits[i-1].id = id
		m.number[id] = i - 1
	}
	return m
}

// mix makes of a tree that of a merge.
func (m *madeRepo) mix(r *rand.Rand, tree map[string]string, from []int) {
	kind := r.IntN(4)
	if kind == 0 { // -s ours
		return
	}
	for _, p := range from[1:] {
		theirs := m.commits[p].tree
		paths := slices.Sorted(maps.Keys(theirs))
		for _, name := range slices.Sorted(maps.Keys(tree)) {
			if _, ok := theirs[name]; !ok && r.IntN(3) == 0 {
				delete(tree, name)
			}
		}
		for _, name := range paths {
			switch ours, ok := tree[name]; {
			case !ok, kind == 1, r.IntN(3) == 0:
				tree[name] = theirs[name]
			case kind == 2: // lines of both
				a, b := strings.SplitAfter(ours, "\n"), strings.SplitAfter(theirs[name], "\n")
				cut := r.IntN(min(len(a), len(b)))
				tree[name] = strings.Join(a[:cut], "") + strings.Join(b[cut:], "")
			}
		}
	}
}

// changeEntry makes one change to a tree.
func changeEntry(r *rand.Rand, tree map[string]string) {
	dirs := []string{"active", "retired", "ignored"}
	name := dirs[r.IntN(3)] + "/" + madeFiles[r.IntN(len(madeFiles))]
	if r.IntN(3) > 0 { // mostly one that is there
		if names := slices.Sorted(maps.Keys(tree)); len(names) > 0 {
			name = names[r.IntN(len(names))]
		}
	}
	text, ok := tree[name]
	to := dirs[r.IntN(3)] + "/" + path.Base(name)
	switch k := r.IntN(14); {
	case !ok:
		tree[name] = newEntry(r, path.Base(name))
	case k == 0:
		delete(tree, name)
	case k == 1 || k == 2: // moved, and sometimes changed on the way
		delete(tree, name)
		if r.IntN(2) == 0 {
			text = changeLine(r, text)
		}
		tree[to] = text
	case k == 3: // in two folders
		tree[to] = changeLine(r, text)
	case k == 4:
		tree[name] = ""
	default:
		tree[name] = changeLine(r, text)
	}
}

func newEntry(r *rand.Rand, id string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Candidate: %s\nNotes:\n", id)
	if r.IntN(2) == 0 {
		b.WriteString(" ann> too intrusive to backport\n")
	}
	b.WriteString("Priority: low\n\n")
	for range 2 + r.IntN(5) {
		b.WriteString(madeRow(r) + "\n")
	}
	return b.String()
}

func madeRow(r *rand.Rand) string {
	return madeLabels[r.IntN(len(madeLabels))] + "_" + madeSources[r.IntN(len(madeSources))] + ": " + madeValues[r.IntN(len(madeValues))]
}

// changeLine changes one line of an entry, which may end up with a row twice,
// with line ends of all kinds, and without one at its end.
func changeLine(r *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	i := r.IntN(len(lines))
	switch r.IntN(9) {
	case 0, 1:
		lines = slices.Insert(lines, i, madeRow(r)+"\n")
	case 2:
		lines = slices.Delete(lines, i, i+1)
	case 3, 4: // another value
		if name, _, ok := strings.Cut(lines[i], ":"); ok && strings.Contains(name, "_") {
			lines[i] = name + ": " + madeValues[r.IntN(len(madeValues))] + "\n"
		}
	case 5:
		lines[i] = strings.TrimSuffix(lines[i], "\n") + []string{"\r\n", "\v", "\u2028" + madeRow(r) + "\n", "\xff\n", "\x1c\n", ""}[r.IntN(6)]
	case 6:
		lines = slices.Insert(lines, min(2, len(lines)), []string{" ann> no fix\n", " bob> will not be backported\n", "  and more\n"}[r.IntN(3)])
	case 7:
		lines[i], lines[0] = lines[0], lines[i]
	case 8:
		return strings.TrimSuffix(text, "\n")
	}
	return strings.Join(lines, "")
}

func writeCommit(b *bytes.Buffer, r *rand.Rand, i int, from []int, tree map[string]string) {
	message := fmt.Sprintf("%s %d\n", []string{"triage", "too intrusive to backport", "autotriage", "updates\n\nSigned-off-by: x"}[r.IntN(4)], i)
	fmt.Fprintf(b, "commit refs/heads/c%d\nmark :%d\n", i, i+1)
	fmt.Fprintf(b, "author %s %d %s\n", madeAuthors[r.IntN(len(madeAuthors))], 1500000000+r.IntN(1e7), []string{"+0000", "-0330", "+1400"}[i%3])
	fmt.Fprintf(b, "committer C <c@example.org> %d +0100\n", 1500000000+r.IntN(1e7))
	fmt.Fprintf(b, "data %d\n%s", len(message), message)
	for k, p := range from {
		fmt.Fprintf(b, "%s :%d\n", []string{"from", "merge"}[min(k, 1)], p+1)
	}
	b.WriteString("deleteall\n")
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		fmt.Fprintf(b, "M 100644 inline %s\ndata %d\n%s\n", name, len(tree[name]), tree[name])
	}
}

// cuts returns commits that lead to one another and to the last, oldest first:
// first parents alone, or any.
func (m *madeRepo) cuts(r *rand.Rand, n int, first bool) []int {
	var way []int
	for c := len(m.commits) - 1; ; {
		way = append(way, c)
		p := m.commits[c].parents
		if len(p) == 0 {
			break
		}
		if c = p[0]; !first {
			c = p[r.IntN(len(p))]
		}
	}
	cuts := []int{len(m.commits) - 1}
	for range n {
		cuts = append(cuts, way[r.IntN(len(way))])
	}
	slices.SortFunc(cuts, func(a, b int) int { return slices.Index(way, b) - slices.Index(way, a) })
	return slices.Compact(cuts)
}

// value returns what a row says in a tree, by the parser.
func (m *madeRepo) value(tree map[string]string, id string, k history.Key) (v history.Value, ok bool) {
	for _, dir := range []string{"active", "retired", "ignored"} {
		if text, there := tree[dir+"/"+id]; there {
			entry, _ := ubuntu.Parse(dir+"/"+id, []byte(text))
			for _, s := range entry.Statements {
				if s.Label == k.Label && s.Source == k.Source {
					return history.Value{Word: s.Word, Detail: s.Detail}, true
				}
			}
			return v, false
		}
	}
	return v, false
}

// introducers returns the commits that may have introduced what a row says at
// the last commit.
func (m *madeRepo) introducers(id string, k history.Key) map[string]bool {
	tip := len(m.commits) - 1
	want, _ := m.value(m.commits[tip].tree, id, k)
	found, seen := map[string]bool{}, map[int]bool{tip: true}
	for queue := []int{tip}; len(queue) > 0; {
		c := queue[0]
		queue = queue[1:]
		same := false
		for _, p := range m.commits[c].parents {
			if v, ok := m.value(m.commits[p].tree, id, k); ok && v == want {
				same = true
				if !seen[p] {
					seen[p] = true
					queue = append(queue, p)
				}
			}
		}
		if !same {
			found[m.commits[c].id] = true
		}
	}
	return found
}

// check compares a history with the repository: every path at every commit,
// the rows at every commit, and who introduced each row at the last one. It
// returns the origins and timelines of the rows, as JSON.
func (m *madeRepo) check(t *testing.T, p *past) map[string]string {
	t.Helper()
	if p.log.Len() != len(m.commits) {
		t.Fatalf("%d commits, want %d", p.log.Len(), len(m.commits))
	}
	trees := map[int]gitTree{}
	for c := range p.log.Len() {
		tree := gitTree{}
		for name, text := range m.commits[m.number[p.log.Commit(c).ID]].tree {
			tree[name] = blobID([]byte(text))
		}
		trees[c] = tree
	}
	if last := p.log.Commit(p.log.Tip()).ID; m.number[last] != len(m.commits)-1 {
		t.Fatalf("the tip is commit %d", m.number[last])
	}
	checkStates(t, p, trees)
	said := map[string]string{}
	for _, id := range madeFiles {
		f, err := p.file(t.Context(), id)
		testkit.Must(t, err)
		if f == nil {
			continue
		}
		for c := range p.log.Len() {
			tree := m.commits[m.number[p.log.Commit(c).ID]].tree
			rows := history.NewTrace(p.log, p.spec.Past, f, c).Rows()
			for _, row := range rows {
				if v, _ := m.value(tree, id, row.Key); v != row.Value {
					t.Errorf("%s %v at commit %d: %v, want %v", id, row.Key, c, row.Value, v)
				}
			}
		}
		trace := history.NewTrace(p.log, p.spec.Past, f, p.log.Tip())
		kept, err := p.origins(t.Context(), []string{id}, nil)
		testkit.Must(t, err)
		lines := map[int]bool{} // a line may have two rows
		for _, row := range trace.Rows() {
			if o, ok := trace.Origin(row.Key); !lines[row.Line] && (!ok || !reflect.DeepEqual(kept.of(id, row.Line), &o)) {
				t.Errorf("%s %v: the database has the origin\n%+v\nand it is\n%+v", id, row.Key, kept.of(id, row.Line), o)
			}
			lines[row.Line] = true
			want := m.introducers(id, row.Key)
			if got := introducedBy(t, trace, row.Key); !want[got] {
				t.Errorf("%s %v: introduced by %.12s, want one of %v", id, row.Key, got, slices.Collect(maps.Keys(want)))
			}
			if got := lastChange(trace, row.Key); !want[got] {
				t.Errorf("%s %v: last change %.12s in the timeline, want one of %v", id, row.Key, got, slices.Collect(maps.Keys(want)))
			}
			o, _ := trace.Origin(row.Key)
			data, err := json.Marshal(o)
			testkit.Must(t, err)
			said[id+" "+row.Key.String()+" origin"] = string(data)
			data, err = json.Marshal(trace.Timeline(row.Key))
			testkit.Must(t, err)
			said[id+" "+row.Key.String()+" timeline"] = string(data)
		}
	}
	return said
}

// TestReplayRandom makes random repositories and reads the history of each at
// once and in parts. Both are what git has, at every commit, and name who
// introduced each row. If each part ends on the line of first parents, as it
// does where a branch is only ever fetched, both also say the same of every
// row to the byte; elsewhere the events of parallel commits can have another
// order.
func TestReplayRandom(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := makeRepo(t, seed, 150)
			home := t.TempDir()
			sync := func(name string, cuts ...int) map[string]string {
				db := filepath.Join(home, name)
				for _, c := range cuts {
					gitIn(t, m.dir, nil, "update-ref", "refs/heads/master", m.commits[c].id)
					_, _, err := wontfixIn(home, "sync", "ubuntu="+m.dir, "--db", db)
					testkit.Must(t, err)
				}
				return m.check(t, pastOf(t, db))
			}
			r := rand.New(rand.NewPCG(seed, 5))
			want := sync("whole", len(m.commits)-1)
			line := m.cuts(r, 5, true)
			got := sync("line", line...)
			wrong := 0
			for k, w := range want {
				if got[k] != w {
					if wrong++; wrong <= 2 {
						t.Errorf("%s: in parts\n%s\nat once\n%s", k, got[k], w)
					}
				}
			}
			if wrong > 0 || len(got) != len(want) {
				t.Errorf("%d of %d answers differ between whole and parts, which has %d; cut at %v", wrong, len(want), len(got), line)
			}
			ways := m.cuts(r, 5, false)
			got = sync("ways", ways...)
			// Where a part ends beside the line of first parents, commits
			// that were made at the same time have other numbers. Who decided
			// must not depend on that; which way a row took through merges of
			// sides that both changed it back and forth may.
			differ := 0
			for k, w := range want {
				switch a, b := rowEvents(t, got[k]), rowEvents(t, w); {
				case a == b:
				case strings.HasSuffix(k, " timeline"):
					differ++
				default:
					t.Errorf("%s: cut at %v\n%s\nat once\n%s", k, ways, a, b)
				}
			}
			if 10*differ > len(want) {
				t.Errorf("%d of %d timelines differ; cut at %v", differ, len(want), ways)
			}
		})
	}
}

// rowEvents returns of a timeline in JSON what happened to the row, in any
// order, and anything else as it is. What merges of two sides are counted as,
// and beside which side's notes, depends on the numbers of commits.
func rowEvents(t testing.TB, text string) string {
	t.Helper()
	if !strings.HasPrefix(text, `{"events"`) {
		return text
	}
	var line wontfix.Timeline
	testkit.Must(t, json.Unmarshal([]byte(text), &line))
	var events []string
	for _, e := range line.Events {
		if e.Class != wontfix.ClassNote {
			events = append(events, fmt.Sprintf("%s %s %s (%s) -> %s (%s) %s %v", e.Commit, e.Class, e.From, e.FromDetail, e.To, e.ToDetail, e.Evidence, e.Reasons))
		}
	}
	slices.Sort(events)
	return strings.Join(events, "\n")
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	testkit.Must(t, err)
	return data
}
