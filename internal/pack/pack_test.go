package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wontfix/internal/testkit"
)

// layouts are the ways in which git can keep the same objects.
var layouts = []struct {
	name   string
	sha256 bool
	make   func(t testing.TB, g *gitRepo) *gitRepo
}{
	{"loose", false, func(t testing.TB, g *gitRepo) *gitRepo { return g }},
	{"packed", false, func(t testing.TB, g *gitRepo) *gitRepo {
		g.git("", "repack", "-adfq", "--depth=50", "--window=50")
		return g
	}},
	{"ref-delta", false, func(t testing.TB, g *gitRepo) *gitRepo {
		g.git("", "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=50")
		return g
	}},
	{"several packs", false, func(t testing.TB, g *gitRepo) *gitRepo {
		for seed := range uint64(3) {
			g.git("", "repack", "-dq")
			g.grow(10+seed, 20)
		}
		return g
	}},
	{"alternates", false, func(t testing.TB, g *gitRepo) *gitRepo {
		g.git("", "repack", "-adfq")
		g.grow(20, 10)
		mid := shared(t, g)
		mid.grow(21, 20)
		mid.git("", "repack", "-dlq")
		top := shared(t, mid)
		top.grow(22, 20)
		return top
	}},
	{"large folder", false, func(t testing.TB, g *gitRepo) *gitRepo {
		g.growFolder(60)
		g.git("", "repack", "-adfq", "--depth=50", "--window=20")
		return g
	}},
	{"sha256 large folder", true, func(t testing.TB, g *gitRepo) *gitRepo {
		g.growFolder(40)
		g.git("", "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=10")
		return g
	}},
	{"sha256 loose", true, func(t testing.TB, g *gitRepo) *gitRepo { return g }},
	{"sha256 packed", true, func(t testing.TB, g *gitRepo) *gitRepo {
		g.git("", "repack", "-adfq", "--depth=50")
		g.grow(30, 10)
		return g
	}},
	{"sha256 ref-delta", true, func(t testing.TB, g *gitRepo) *gitRepo {
		g.git("", "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")
		return g
	}},
}

// shared returns a repository that has the objects of another by
// info/alternates, as a path that is relative, and its branches.
func shared(t testing.TB, g *gitRepo) *gitRepo {
	t.Helper()
	c := newGitRepo(t, g.size == 32)
	path, err := filepath.Rel(filepath.Join(c.dir, "objects"), filepath.Join(g.dir, "objects"))
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(filepath.Join(c.dir, "objects", "info", "alternates"), []byte("# a remark\n"+path+"\n"), 0o666))
	c.git("", "update-ref", "refs/heads/main", strings.TrimSpace(g.git("", "rev-parse", "main")))
	return c
}

// TestAgainstGit reads whole repositories of every layout, by large parts and by
// small ones, and compares all that it gets with what the git program says.
func TestAgainstGit(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			g := newGitRepo(t, l.sha256)
			g.grow(1, 60)
			g = l.make(t, g)
			objects := g.objects()
			for _, m := range []int{windowSize, 64} {
				r := g.openWith(m)
				checkObjects(t, r, objects)
				checkCommits(t, g, r)
				checkChanges(t, g, r)
				checkBlobs(t, r, objects)
			}
		})
	}
}

func checkObjects(t *testing.T, r *Repository, objects []object) {
	t.Helper()
	deltas := 0
	for _, o := range objects {
		kind, text, err := r.Object(o.id)
		if err != nil || kind.String() != o.kind || !bytes.Equal(text, o.text) {
			t.Fatalf("%s %s: %v, %v", o.kind, o.id.Hex(r.size), kind, err)
		}
		if k, ok, _ := newReader(r, 0).locate(&o.id); ok {
			if h, _ := newReader(r, 0).header(k); h.kind >= ofsDelta {
				deltas++
			}
		}
	}
	if len(r.packs) > 0 && deltas == 0 {
		t.Error("no deltas; the test does not test them")
	}
	if _, _, err := r.Object(ID{1, 2, 3}); !errors.Is(err, ErrMissing) {
		t.Errorf("an object that is not there: %v", err)
	}
}

func checkCommits(t *testing.T, g *gitRepo, r *Repository) {
	t.Helper()
	all := g.revList("main")
	some := g.revList(all[len(all)/2].Hex(g.size))
	left := g.revList("main", "^"+all[len(all)/2].Hex(g.size))
	for _, c := range []struct {
		known func(ID) bool
		want  []ID
	}{
		{nil, all},
		{func(id ID) bool { return slices.Contains(some, id) }, left},
		{func(id ID) bool { return true }, nil},
	} {
		var got []ID
		err := r.Commits(t.Context(), all[0], c.known, func(id ID) { t.Errorf("%s missing", id.Hex(g.size)) }, func(id ID, raw []byte) error {
			got = append(got, id)
			if kind, text, _ := r.Object(id); kind != Commit || !bytes.Equal(text, raw) {
				t.Errorf("%s: other bytes", id.Hex(g.size))
			}
			return nil
		})
		testkit.Must(t, err)
		if !sameIDs(got, c.want) {
			t.Errorf("%d commits, git has %d", len(got), len(c.want))
		}
	}
}

func sameIDs(a, b []ID) bool {
	order := func(a, b ID) int { return bytes.Compare(a[:], b[:]) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

func checkChanges(t *testing.T, g *gitRepo, r *Repository) {
	t.Helper()
	trees := []ID{{}}
	for _, word := range strings.Fields(g.git("", "log", "--format=%T", "main")) {
		trees = append(trees, g.id(word))
	}
	rnd := rand.New(rand.NewPCG(3, 3))
	var pairs []Pair
	for range 40 {
		pairs = append(pairs, Pair{trees[rnd.IntN(len(trees))], trees[rnd.IntN(len(trees))]})
	}
	got := make([][]FileChange, len(pairs))
	err := r.Changes(t.Context(), pairs, testDirs, nil, func(i int, changes []FileChange, err error) error {
		got[i] = changes
		return err
	})
	testkit.Must(t, err)
	for i, p := range pairs {
		if want := g.gitChanges(p, testDirs); !slices.Equal(got[i], want) {
			t.Fatalf("%s %s:\ngot  %s\nwant %s", p.Old.Hex(g.size), p.New.Hex(g.size), show(got[i]), show(want))
		}
	}
}

func show(list []FileChange) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%d/%s %o %o %x %x\n", c.Dir, c.Name, c.OldMode, c.NewMode, c.Old[:4], c.New[:4])
	}
	return b.String()
}

// checkBlobs asks for all objects in random groups, some of them twice, with
// IDs between them that are not there.
func checkBlobs(t *testing.T, r *Repository, objects []object) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(4, 4))
	groups := make([][]ID, 1, 30)
	index := map[ID]int{}
	for _, n := range rnd.Perm(len(objects)) {
		if rnd.IntN(20) == 0 {
			groups = append(groups, nil)
		}
		last := &groups[len(groups)-1]
		index[objects[n].id] = n
		*last = append(*last, objects[n].id)
		switch rnd.IntN(20) {
		case 0:
			*last = append(*last, objects[n].id)
		case 1:
			*last = append(*last, ID{7, byte(n)})
		}
	}
	var mu sync.Mutex
	calls := make([]int, len(groups))
	err := r.Blobs(t.Context(), groups, func(g int, texts [][]byte, errs []error) error {
		mu.Lock()
		calls[g]++
		mu.Unlock()
		for i, id := range groups[g] {
			n, ok := index[id]
			switch {
			case !ok:
				if texts[i] != nil || !errors.Is(errs[i], ErrMissing) {
					t.Errorf("%v: not there, but %v", id, errs[i])
				}
			case objects[n].kind != "blob":
				if texts[i] != nil || errs[i] == nil {
					t.Errorf("%s: read as a blob", objects[n].kind)
				}
			case errs[i] != nil || texts[i] == nil || !bytes.Equal(texts[i], objects[n].text):
				t.Errorf("%s: %v", id.Hex(r.size), errs[i])
			}
		}
		return nil
	})
	testkit.Must(t, err)
	if slices.ContainsFunc(calls, func(n int) bool { return n != 1 }) {
		t.Errorf("calls for each group: %v", calls)
	}
}

// TestShallow has commits whose parents, and a pair whose trees are not there.
func TestShallow(t *testing.T) {
	full := newGitRepo(t, false)
	full.grow(1, 40)
	g := newGitRepo(t, false)
	g.git("", "fetch", "-q", "--depth=5", "file://"+full.dir, "main:main")
	r := g.open()
	var missing, got []ID
	tip := g.revList("-1", "main")[0]
	err := r.Commits(t.Context(), tip, nil, func(id ID) { missing = append(missing, id) }, func(id ID, _ []byte) error {
		got = append(got, id)
		return nil
	})
	testkit.Must(t, err)
	if want := g.revList("main"); !sameIDs(got, want) || len(missing) == 0 {
		t.Errorf("%d commits and %d missing, git has %d", len(got), len(missing), len(want))
	}
	there := g.id(g.git("", "rev-parse", "main^{tree}"))
	pairs := []Pair{{there, ID{1}}, {ID{1}, there}, {ID{}, there}, {tip, there}, {there, there}}
	wants := []error{ErrMissing, ErrMissing, nil, ErrDamaged, nil}
	var mu sync.Mutex
	seen := 0
	testkit.Must(t, r.Changes(t.Context(), pairs, testDirs, nil, func(i int, changes []FileChange, err error) error {
		mu.Lock()
		defer mu.Unlock()
		seen++
		if !errors.Is(err, wants[i]) || err != nil && changes != nil {
			t.Errorf("pair %d: %v", i, err)
		}
		return nil
	}))
	if seen != len(pairs) {
		t.Errorf("%d calls", seen)
	}
	testkit.Must(t, r.Commits(t.Context(), ID{9}, nil, nil, func(ID, []byte) error { return errors.New("called") }))
}

func TestTag(t *testing.T) {
	g := newGitRepo(t, false)
	g.grow(1, 3)
	g.git("", "tag", "-a", "-m", "x", "one", "main")
	g.git("", "tag", "-a", "-m", "x", "two", "one")
	r := g.open()
	n := 0
	count := func(ID, []byte) error { n++; return nil }
	testkit.Must(t, r.Commits(t.Context(), g.id(g.git("", "rev-parse", "two")), nil, nil, count))
	if n != 3 {
		t.Errorf("%d commits behind a tag, not 3", n)
	}
	err := r.Commits(t.Context(), g.id(g.git("", "rev-parse", "main^{tree}")), nil, nil, count)
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("a tree as a commit: %v", err)
	}
}

// TestStop has errors of the caller, and a context that ends.
func TestStop(t *testing.T) {
	g := newGitRepo(t, false)
	g.grow(1, 30)
	g.git("", "repack", "-adq")
	r := g.open()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	tip := g.revList("-1", "main")[0]
	tree := g.id(g.git("", "rev-parse", "main^{tree}"))
	for _, c := range []struct {
		ctx context.Context
		err error
	}{{ctx, nil}, {t.Context(), stop}} {
		for i, err := range []error{
			r.Commits(c.ctx, tip, nil, nil, func(ID, []byte) error { return c.err }),
			r.Changes(c.ctx, make([]Pair, 5000), testDirs, nil, func(int, []FileChange, error) error { return c.err }),
			r.Blobs(c.ctx, [][]ID{{tree}}, func(int, [][]byte, []error) error { return c.err }),
		} {
			if err != stop {
				t.Errorf("%d: %v", i, err)
			}
		}
	}
	testkit.Must(t, r.Changes(t.Context(), nil, nil, nil, nil))
	testkit.Must(t, r.Blobs(t.Context(), nil, nil))
}

func TestMatch(t *testing.T) {
	g := newGitRepo(t, false)
	g.grow(1, 30)
	r := g.open()
	p := Pair{New: g.id(g.git("", "rev-parse", "main^{tree}"))}
	match := func(name string) bool { return strings.HasSuffix(name, "1") }
	want := slices.DeleteFunc(g.gitChanges(p, testDirs), func(c FileChange) bool { return !match(c.Name) })
	testkit.Must(t, r.Changes(t.Context(), []Pair{p}, testDirs, match, func(_ int, got []FileChange, err error) error {
		if !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("got %s\nwant %s", show(got), show(want))
		}
		return err
	}))
}

func TestParseID(t *testing.T) {
	for _, bad := range []string{"", "12", strings.Repeat("z", 40), strings.Repeat("1", 41), strings.Repeat("g", 64)} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("%q is an ID", bad)
		}
	}
	for _, n := range []int{20, 32} {
		hex := strings.Repeat("a7", n)
		if id, err := ParseID(hex); err != nil || id.Hex(n) != hex {
			t.Errorf("%s: %s, %v", hex, id.Hex(n), err)
		}
	}
}
