package tracker

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"wontfix"
)

// A history of random commits: each has a tree, and that of a merge may differ
// from those of all its parents.
type randomHistory struct {
	*repo
	ids     []string   // of commits, in order of making
	parents [][]string // of each
}

var randomNames = []string{
	"active/CVE-2001-1", "active/CVE-2001-2", "retired/CVE-2001-1", "ignored/CVE-2001-1", "retired/CVE-2001-3", "ignored/EMB-5",
	"active/CVE-2001-4", "active/UEM-X-1", "retired/CVE-2001-4", "retired/CVE-2001-2", "ignored/CVE-2001-" + strings.Repeat("9", 90),
	// These are none:
	"active/00boilerplate", "active/CVE-2001-1~", "active/sub/CVE-2001-1", "scripts/CVE-2001-1", "CVE-2001-1", "retired/CVE-2001-" + strings.Repeat("9", 91),
	"active/CVE-2001-4/CVE-2001-2", "ignored",
}

// makeRandom makes a bare repository with n commits, of which the last one is
// HEAD and has all others behind it.
func makeRandom(t *testing.T, seed uint64, n int, args ...string) *randomHistory {
	t.Helper()
	needGit(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	h := &randomHistory{repo: &repo{t: t, dir: t.TempDir(), tick: 1586250000}}
	h.git(append([]string{"init", "-q", "--bare", "-b", "master", "."}, args...)...)
	type tree map[string]string // path -> mode and text
	trees := []tree{}
	var tips []int
	var parents [][]int
	var b bytes.Buffer
	for i := range n {
		var from []int
		switch k := rnd.IntN(10); {
		case i == 0 || i == n/3: // a second root
		case i == n-1:
			from = slices.Clone(tips)
		case k < 2 && len(tips) > 1:
			from = slices.Clone(tips[:2+rnd.IntN(len(tips)-1)])
		case k < 5:
			from = []int{rnd.IntN(i)}
		default:
			from = []int{tips[rnd.IntN(len(tips))]}
		}
		rnd.Shuffle(len(from), func(i, k int) { from[i], from[k] = from[k], from[i] })
		own := tree{}
		if len(from) > 0 {
			maps.Copy(own, trees[from[rnd.IntN(len(from))]])
			other := trees[from[rnd.IntN(len(from))]]
			for _, path := range slices.Sorted(maps.Keys(other)) { // the same each time
				if rnd.IntN(3) > 0 {
					own[path] = other[path]
				}
			}
		}
		if rnd.IntN(12) == 0 && i > 2 {
			own = maps.Clone(trees[rnd.IntN(i)]) // a revert
		}
		for range rnd.IntN(4) {
			changeRandom(rnd, own)
		}
		if i == n-1 {
			delete(own, "active")
			own["active/CVE-2099-0001"] = "100644 the tip is a tracker"
		}
		tips = slices.DeleteFunc(tips, func(k int) bool { return slices.Contains(from, k) })
		tips = append(tips, i)
		trees, parents = append(trees, own), append(parents, from)
		importCommit(&b, rnd, i, from, own)
	}
	h.feed(&b)
	h.git("update-ref", "refs/heads/master", h.git("rev-parse", "refs/heads/c"+strconv.Itoa(n-1)))
	for i := range n {
		h.ids = append(h.ids, h.git("rev-parse", "refs/heads/c"+strconv.Itoa(i)))
		var ps []string
		for _, p := range parents[i] {
			ps = append(ps, h.ids[p])
		}
		h.parents = append(h.parents, ps)
	}
	return h
}

// changeRandom makes one change to a tree.
func changeRandom(rnd *rand.Rand, own map[string]string) {
	modes := []string{"100644", "100644", "100644", "100644", "100755", "120000"}
	path := randomNames[rnd.IntN(len(randomNames))]
	switch rnd.IntN(5) {
	case 0:
		delete(own, path)
	case 1: // moved to another folder
		if file, ok := own[path]; ok {
			delete(own, path)
			own[[]string{"active", "retired", "ignored"}[rnd.IntN(3)]+"/"+filepath.Base(path)] = file
		}
	default:
		own[path] = modes[rnd.IntN(len(modes))] + " " + strings.Repeat(fmt.Sprintf("line %d\n", rnd.IntN(9)), rnd.IntN(30))
	}
	for dir := range own { // no file where a folder is
		for under := range own {
			if strings.HasPrefix(under, dir+"/") {
				delete(own, dir)
			}
		}
	}
}

func importCommit(b *bytes.Buffer, rnd *rand.Rand, i int, from []int, own map[string]string) {
	message := fmt.Sprintf("change %d\n\nwith a body\n", i)
	fmt.Fprintf(b, "commit refs/heads/c%d\nmark :%d\n", i, i+1)
	// Dates go back and forth: the order must not come from them.
	fmt.Fprintf(b, "author A. U. Thor %d <a%d@example> %d %s\n", i, i, 1200000000+rnd.IntN(1e6), []string{"+0000", "-0330", "+0200"}[i%3])
	fmt.Fprintf(b, "committer C <c@example.org> %d +0100\n", 1300000000+rnd.IntN(1e6))
	if i%7 == 3 {
		b.WriteString("encoding ISO-8859-1\n")
		message = "Gr\xfc\xdfe\n"
	}
	fmt.Fprintf(b, "data %d\n%s", len(message), message)
	for k, p := range from {
		fmt.Fprintf(b, "%s :%d\n", map[bool]string{true: "from", false: "merge"}[k == 0], p+1)
	}
	b.WriteString("deleteall\n")
	for _, path := range slices.Sorted(maps.Keys(own)) {
		mode, text, _ := strings.Cut(own[path], " ")
		fmt.Fprintf(b, "M %s inline %s\ndata %d\n%s\n", mode, path, len(text), text)
	}
}

func (r *repo) feed(stream *bytes.Buffer) {
	r.t.Helper()
	name := filepath.Join(r.t.TempDir(), "stream")
	if err := os.WriteFile(name, stream.Bytes(), 0o600); err != nil {
		r.t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	cmd := r.cmd("fast-import", "--quiet", "--force")
	cmd.Stdin = f
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git fast-import: %v\n%s", err, out)
	}
}

var entryName = regexp.MustCompile(`^(active|retired|ignored)/(?:CVE|EMB|UEM)-[0-9A-Za-z-]+$`)

// wantSteps returns what git says that the commits did, each as "commit parent
// path: text".
func (h *randomHistory) wantSteps() []string {
	h.t.Helper()
	var want []string
	texts := map[string]string{}
	for i, id := range h.ids {
		for k := range max(1, len(h.parents[i])) {
			parent, args := "", []string{"diff-tree", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-commit-id"}
			if len(h.parents[i]) == 0 {
				args = append(args, "--root", id)
			} else {
				parent = h.parents[i][k]
				args = append(args, parent, id)
			}
			f := strings.Split(strings.TrimSuffix(h.git(args...), "\x00"), "\x00")
			for ; len(f) >= 2; f = f[2:] {
				head, path := strings.Fields(f[0]), f[1]
				isFile := func(mode string) bool { return strings.TrimPrefix(mode, ":")[:3] == "100" }
				if !entryName.MatchString(path) || len(filepath.Base(path)) > 100 || head[2] == head[3] && isFile(head[0]) && isFile(head[1]) {
					continue
				}
				blob, text := head[3], "gone"
				switch {
				case head[1] == "120000":
					text = "a symbolic link"
				case strings.Trim(blob, "0") != "":
					if _, ok := texts[blob]; !ok {
						texts[blob] = strconv.Quote(h.raw("cat-file", "blob", blob))
					}
					text = texts[blob]
				}
				want = append(want, fmt.Sprintf("%s %d/%s %s: %s", id, k, parent, path, text))
			}
		}
	}
	slices.Sort(want)
	return want
}

// haveSteps returns the same of what was read. Known are the IDs of the commits
// that were known.
func haveSteps(t *testing.T, s *Source, h *History, known []string) []string {
	t.Helper()
	ids := slices.Clone(known)
	for _, c := range h.Commits {
		ids = append(ids, c.ID)
	}
	var mu sync.Mutex
	var have []string
	called := make([]int, len(h.Files))
	err := h.Texts(t.Context(), func(file int, texts [][]byte, errs []error) error {
		mu.Lock()
		defer mu.Unlock()
		called[file]++
		f := &h.Files[file]
		if len(texts) != f.Texts() || len(errs) != len(texts) {
			return fmt.Errorf("%s: %d texts, %d errors; want %d", f.ID, len(texts), len(errs), f.Texts())
		}
		distinct := map[string]bool{}
		for i, text := range texts {
			if (text == nil) == (errs[i] == nil) || text != nil && distinct[string(text)] {
				return fmt.Errorf("%s: text %d is %q with error %v", f.ID, i, text, errs[i])
			}
			if text != nil {
				distinct[string(text)] = true
			}
		}
		for _, st := range f.Steps {
			c := h.Commits[int(st.Commit)-h.First]
			parent, text := "", "gone"
			if len(c.Parents) > 0 {
				parent = ids[c.Parents[st.Parent]]
			}
			if st.Text >= 0 {
				text = strconv.Quote(string(texts[st.Text]))
				if err := errs[st.Text]; err != nil {
					text = err.Error()
					if strings.Contains(text, "symbolic link") {
						text = "a symbolic link"
					}
				}
			}
			have = append(have, fmt.Sprintf("%s %d/%s %s/%s: %s", c.ID, st.Parent, parent, s.spec.Dirs[st.Dir], f.ID, text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range called {
		if n != 1 {
			t.Errorf("%s: called %d times", h.Files[i].ID, n)
		}
	}
	checkOrder(t, h)
	slices.Sort(have)
	return have
}

// checkOrder checks what the types promise of order.
func checkOrder(t *testing.T, h *History) {
	t.Helper()
	for i, c := range h.Commits {
		for _, p := range c.Parents {
			if p < 0 || p >= h.First+i {
				t.Errorf("commit %d has parent %d", h.First+i, p)
			}
		}
	}
	if !slices.IsSortedFunc(h.Files, func(a, b FileHistory) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("files are out of order")
	}
	for _, f := range h.Files {
		seen := int32(-1)
		if !slices.IsSortedFunc(f.Steps, func(a, b Step) int {
			return slices.Compare([]int32{a.Commit, a.Parent, a.Dir}, []int32{b.Commit, b.Parent, b.Dir})
		}) {
			t.Errorf("%s: steps are out of order: %v", f.ID, f.Steps)
		}
		for _, st := range f.Steps {
			if st.Text > seen+1 {
				t.Errorf("%s: text %d before %d", f.ID, st.Text, seen+1)
			}
			seen = max(seen, st.Text)
		}
	}
}

// openHistory opens a source and reads its history with one of the readers.
func openHistory(t *testing.T, source string, known []string, o Options) (*Source, *History, error) {
	t.Helper()
	s, err := Open(t.Context(), testSpec(), source, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h, err := s.History(t.Context(), known)
	return s, h, err
}

// readers are the options of each reader.
var readers = map[string]Options{"git": {GitOnly: true}, "own": {}}

// mustSteps compares what was read with what git says.
func mustSteps(t *testing.T, have, want []string) {
	t.Helper()
	if slices.Equal(have, want) {
		return
	}
	bad := 0
	report := func(what string, a, b []string) {
		in := map[string]bool{}
		for _, s := range b {
			in[s] = true
		}
		for _, s := range a {
			if !in[s] && bad < 10 {
				bad++
				t.Errorf("%s: %.300s", what, s)
			}
		}
	}
	report("too many", have, want)
	report("not there", want, have)
	t.Errorf("%d steps, want %d", len(have), len(want))
}

// TestHistory reads random histories whole and in pieces.
func TestHistory(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		var args []string
		if seed%3 == 2 {
			args = []string{"--object-format=sha256"}
		}
		r := makeRandom(t, uint64(seed), 40+seed*10, args...)
		if seed%2 == 1 {
			r.git("repack", "-adfq", "--depth=10")
		}
		want := r.wantSteps()
		tip := r.ids[len(r.ids)-1]
		var first []wontfix.Commit
		for name, o := range readers {
			t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
				r.git("update-ref", "--no-deref", "HEAD", tip)
				s, h, err := openHistory(t, r.dir, nil, o)
				if err != nil {
					t.Fatal(err)
				}
				mustSteps(t, haveSteps(t, s, h, nil), want)
				r.checkCommits(t, h)
				if len(h.Unseen) > 0 || !s.Whole() {
					t.Errorf("unseen %v", h.Unseen)
				}
				if first == nil {
					first = h.Commits
				} else if !slices.EqualFunc(first, h.Commits, func(a, b wontfix.Commit) bool { return a.ID == b.ID }) {
					t.Error("the readers' orders differ")
				}
				r.inPieces(t, o, want)
			})
		}
	}
}

// checkCommits compares commits with what git log says of them.
func (r *randomHistory) checkCommits(t *testing.T, h *History) {
	t.Helper()
	if len(h.Commits) != len(r.ids) {
		t.Errorf("%d commits, want %d", len(h.Commits), len(r.ids))
	}
	for i, c := range h.Commits {
		want := r.raw("log", "--no-walk", "--date=raw", "--format=%P|%an|%ae|%ad|%cd|%B|", "--encoding=UTF-8", c.ID)
		var parents []string
		for _, p := range c.Parents {
			parents = append(parents, h.Commits[p].ID)
		}
		have := fmt.Sprintf("%s|%s|%s|%d %s|%d %s|%s|\n", strings.Join(parents, " "), c.Author, c.Email,
			c.Time.Unix(), c.Time.Format("-0700"), c.Committed.Unix(), c.Committed.Format("-0700"), c.Message)
		if have != want || c.Gap {
			t.Errorf("commit %d (gap %v):\n%q, want\n%q", i, c.Gap, have, want)
		}
	}
}

// inPieces reads the history of an ancestor of the tip, then of one between,
// then of the tip.
func (r *randomHistory) inPieces(t *testing.T, o Options, want []string) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(len(r.ids)), 2))
	for range 4 {
		cuts := []string{r.ids[rnd.IntN(len(r.ids))], r.ids[len(r.ids)-1]}
		for range 20 {
			if id := r.ids[rnd.IntN(len(r.ids))]; r.isAncestor(cuts[0], id) {
				cuts = []string{cuts[0], id, cuts[1]}
				break
			}
		}
		var known, have []string
		for _, id := range cuts {
			r.git("update-ref", "--no-deref", "HEAD", id)
			s, err := Open(t.Context(), testSpec(), r.dir, o)
			if err != nil {
				if strings.Contains(err.Error(), "empty tracker") || strings.Contains(err.Error(), "none of the folders") {
					break // such trees come about
				}
				t.Fatal(err)
			}
			defer s.Close()
			h, err := s.History(t.Context(), known)
			if err != nil {
				t.Fatal(err)
			}
			if h.First != len(known) {
				t.Errorf("first is %d, want %d", h.First, len(known))
			}
			have = append(have, haveSteps(t, s, h, known)...)
			for _, c := range h.Commits {
				known = append(known, c.ID)
			}
			if len(h.Commits) > 0 && known[len(known)-1] != id {
				t.Errorf("the last commit is %s, want %s", known[len(known)-1], id)
			}
			if id == cuts[len(cuts)-1] {
				slices.Sort(have)
				mustSteps(t, have, want)
			}
		}
	}
}

func (r *randomHistory) isAncestor(a, b string) bool {
	return r.cmd("merge-base", "--is-ancestor", a, b).Run() == nil
}

// TestHistoryRewritten asks with commits that do not lead to the revision.
func TestHistoryRewritten(t *testing.T) {
	for name, o := range readers {
		r := three(t)
		first := r.git("rev-parse", "HEAD")
		r.write("active/CVE-2014-9365", "two\n")
		second := r.commit()
		for _, test := range []struct {
			known []string
			ok    bool
		}{
			{[]string{first}, true},
			{[]string{first, second}, true},
			{[]string{first, second, strings.Repeat("1", 40)}, false},
			{[]string{strings.Repeat("1", 64)}, false},
		} {
			_, h, err := openHistory(t, r.dir, test.known, o)
			last := test.known[len(test.known)-1]
			if test.ok != (err == nil) || !test.ok && (!errors.Is(err, ErrRewritten) || !strings.Contains(err.Error(), last)) {
				t.Errorf("%s: %v: %v", name, test.known, err)
			}
			if test.ok && len(h.Commits) != 2-len(test.known) {
				t.Errorf("%s: %v: %d commits", name, test.known, len(h.Commits))
			}
		}
		r.git("checkout", "-q", "--detach", first)
		if _, _, err := openHistory(t, r.dir, []string{first, second}, o); !errors.Is(err, ErrRewritten) {
			t.Errorf("%s: back to an ancestor: %v", name, err)
		}
		r.write("active/CVE-2014-9365", "three\n")
		r.commit()
		if _, _, err := openHistory(t, r.dir, []string{first, second}, o); !errors.Is(err, ErrRewritten) {
			t.Errorf("%s: to a sibling: %v", name, err)
		}
		if _, _, err := openHistory(t, r.dir, []string{"--all"}, o); err == nil || errors.Is(err, ErrRewritten) {
			t.Errorf("%s: nonsense: %v", name, err)
		}
	}
}

func TestNoHistory(t *testing.T) {
	dir := t.TempDir()
	(&repo{t: t, dir: dir}).write("active/CVE-2014-9365", "one\n")
	s, h, err := openHistory(t, dir, nil, Options{})
	if h != nil || !errors.Is(err, ErrNoHistory) || s.Whole() {
		t.Errorf("%v, %v", h, err)
	}
}
