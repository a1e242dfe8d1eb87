package tracker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// line is a repository of four commits, one after another, all of its objects
// in files of their own.
func line(t *testing.T) (r *repo, ids []string) {
	r = three(t)
	ids = append(ids, r.git("rev-parse", "HEAD"))
	for _, text := range []string{"edited\n", "edited again\n"} {
		r.write("active/CVE-2014-9365", text)
		ids = append(ids, r.commit())
	}
	r.write("retired/CVE-2020-1", "new\n")
	return r, append(ids, r.commit())
}

// outline returns what was read, short: of each commit its number in ids, its
// parents, a "!" for a gap, and its steps.
func outline(t *testing.T, s *Source, h *History, ids []string) string {
	t.Helper()
	steps := map[string][]string{}
	for _, st := range haveSteps(t, s, h, nil) {
		id, rest, _ := strings.Cut(st, " ")
		_, rest, _ = strings.Cut(rest, " ")
		path, text, _ := strings.Cut(rest, ": ")
		if len(text) > 10 && text[0] != '"' {
			text = "?"
		}
		steps[id] = append(steps[id], strings.TrimLeft(filepath.Base(path), "CVE-")+"="+strings.ReplaceAll(text, `\n`, ""))
	}
	var out []string
	for _, c := range h.Commits {
		line := fmt.Sprint(slices.Index(ids, c.ID))
		for _, p := range c.Parents {
			line += fmt.Sprintf("<%d", slices.Index(ids, h.Commits[p].ID))
		}
		if c.Gap {
			line += "!"
		}
		out = append(out, strings.TrimSpace(line+" "+strings.Join(steps[c.ID], " ")))
	}
	return strings.Join(out, "; ")
}

const wholeLine = `0 2014-9365="one" 2016-0002="three" 2015-0001="two"; 1<0 2014-9365="edited"; 2<1 2014-9365="edited again"; 3<2 2020-1="new"`

// TestLack reads repositories that lack an object, or have a damaged one.
func TestLack(t *testing.T) {
	for _, test := range []struct {
		what   string
		want   string
		unseen string // one for each problem
	}{
		{"", wholeLine, ""},
		{":active/CVE-2014-9365", strings.ReplaceAll(wholeLine, `="edited";`, `=?;`), "history: 1 of 6 versions cannot be read"},
		{"^{tree}", `0 2014-9365="one" 2016-0002="three" 2015-0001="two"; 1<0!; 2<1!; 3<2 2020-1="new"`, "history: lists of files are missing: what 2 commits changed"},
		{":active", `0 2014-9365="one" 2016-0002="three" 2015-0001="two"; 1<0!; 2<1!; 3<2 2020-1="new"`, "history: lists of files are missing: what 2 commits changed"},
		{"", `2! 2014-9365="edited again" 2016-0002="three" 2015-0001="two"; 3<2 2020-1="new"`, "history: 1 commit cannot be read"},
	} {
		for _, damage := range []bool{false, true} {
			r, ids := line(t)
			if test.want != wholeLine {
				id := r.git("rev-parse", ids[1]+test.what)
				name := filepath.Join(r.dir, ".git/objects", id[:2], id[2:])
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
				if damage {
					if err := os.WriteFile(name, []byte("damaged"), 0o444); err != nil {
						t.Fatal(err)
					}
				}
			}
			for reader, o := range readers {
				name := fmt.Sprintf("%s %q damage=%v %.30s", reader, test.what, damage, test.unseen)
				s, h, err := openHistory(t, r.dir, nil, o)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if have := outline(t, s, h, ids); have != test.want {
					t.Errorf("%s:\n%s, want\n%s", name, have, test.want)
				}
				checkUnseen(t, name, h, test.unseen)
			}
		}
	}
}

// checkUnseen wants one problem that begins with the text, or none if it is
// empty.
func checkUnseen(t *testing.T, name string, h *History, want string) {
	t.Helper()
	ok := len(h.Unseen) == 0
	if want != "" {
		ok = len(h.Unseen) == 1 && strings.HasPrefix(h.Unseen[0].Error(), want)
	}
	if !ok {
		t.Errorf("%s: unseen %v, want %q", name, h.Unseen, want)
	}
}

// TestClones reads clones that are not whole. What they were made from is gone
// by then, so that nothing can be fetched.
func TestClones(t *testing.T) {
	for _, test := range []struct {
		args   []string
		want   string
		unseen string
		whole  bool
	}{
		{[]string{"--bare"}, wholeLine, "", true},
		{[]string{"--bare", "--depth=2"}, `2! 2014-9365="edited again" 2016-0002="three" 2015-0001="two"; 3<2 2020-1="new"`,
			"history: begins at commit ", false},
		{[]string{"--depth=1"}, `3! 2014-9365="edited again" 2016-0002="three" 2015-0001="two" 2020-1="new"`,
			"history: begins at commit ", false},
		{[]string{"--bare", "--filter=blob:none"}, `0 2014-9365=? 2016-0002=? 2015-0001=?; 1<0 2014-9365=?; 2<1 2014-9365=?; 3<2 2020-1=?`,
			"history: 6 of 6 versions cannot be read", true},
		{[]string{"--filter=tree:0"}, `0!; 1<0!; 2<1!; 3<2!`, "history: lists of files are missing: what 4 commits changed", true},
	} {
		for _, packed := range []bool{false, true} {
			r, ids := line(t)
			r.git("config", "uploadpack.allowFilter", "true")
			clone := filepath.Join(t.TempDir(), "clone")
			r.git(slices.Concat([]string{"clone", "-q"}, test.args, []string{"file://" + r.dir, clone})...)
			if packed {
				(&repo{t: t, dir: clone}).git("repack", "-adq")
			}
			if err := os.Rename(r.dir, r.dir+".away"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Rename(r.dir+".away", r.dir) })
			for reader, o := range readers {
				name := fmt.Sprintf("%s %q packed=%v", reader, test.args, packed)
				s, h, err := openHistory(t, clone, nil, o)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if have := outline(t, s, h, ids); have != test.want || s.Whole() != test.whole {
					t.Errorf("%s (whole %v):\n%s, want\n%s", name, s.Whole(), have, test.want)
				}
				checkUnseen(t, name, h, test.unseen)
			}
		}
	}
}

// TestShallowRandom reads shallow clones of random histories: git shows their
// commits as if they had no more parents than are there.
func TestShallowRandom(t *testing.T) {
	for seed := range uint64(3) {
		r := makeRandom(t, 100+seed, 50)
		clone := filepath.Join(t.TempDir(), "clone")
		r.git("clone", "-q", "--bare", "--depth="+fmt.Sprint(3+seed*2), "file://"+r.dir, clone)
		c := &randomHistory{repo: &repo{t: t, dir: clone}}
		for line := range strings.Lines(c.git("rev-list", "--parents", "HEAD")) {
			f := strings.Fields(line)
			c.ids, c.parents = append(c.ids, f[0]), append(c.parents, f[1:])
		}
		want := c.wantSteps()
		for name, o := range readers {
			s, h, err := openHistory(t, clone, nil, o)
			if err != nil {
				t.Fatal(err)
			}
			mustSteps(t, haveSteps(t, s, h, nil), want)
			gaps := 0
			for _, commit := range h.Commits {
				if commit.Gap {
					gaps++
				}
			}
			cut, err := os.ReadFile(filepath.Join(clone, "shallow"))
			if err != nil || len(h.Commits) != len(c.ids) || gaps == 0 || gaps > strings.Count(string(cut), "\n") {
				t.Errorf("%s: %d commits, want %d; %d gaps; shallow %q", name, len(h.Commits), len(c.ids), gaps, cut)
			}
			checkUnseen(t, name, h, "history: begins at ")
		}
	}
}

// TestAlternates reads a repository whose objects are in another one.
func TestAlternates(t *testing.T) {
	r, ids := line(t)
	clone := filepath.Join(t.TempDir(), "clone")
	r.git("clone", "-q", "--shared", r.dir, clone)
	c := &repo{t: t, dir: clone, tick: r.tick}
	c.write("active/CVE-2014-9365", "in the clone\n")
	ids = append(ids, c.commit())
	for name, o := range readers {
		s, h, err := openHistory(t, clone, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		want := wholeLine + `; 4<3 2014-9365="in the clone"`
		if have := outline(t, s, h, ids); have != want || len(h.Unseen) > 0 {
			t.Errorf("%s:\n%s, want\n%s; unseen %v", name, have, want, h.Unseen)
		}
	}
}

// TestReplaced: replace refs and grafts are opinions about a history and no
// part of it.
func TestReplaced(t *testing.T) {
	r, ids := line(t)
	r.git("replace", ids[2], ids[0])
	if err := os.WriteFile(filepath.Join(r.dir, ".git/info/grafts"), []byte(ids[3]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range readers {
		s, h, err := openHistory(t, r.dir, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if have := outline(t, s, h, ids); have != wholeLine {
			t.Errorf("%s:\n%s, want\n%s", name, have, wholeLine)
		}
	}
}

// TestHistoryEnds: a context that is over and an error of the consumer end the
// work.
func TestHistoryEnds(t *testing.T) {
	r, _ := line(t)
	for name, o := range readers {
		s, h, err := openHistory(t, r.dir, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		stop := errors.New("stop")
		if err := h.Texts(t.Context(), func(int, [][]byte, []error) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("%s: error %v, want that of the consumer", name, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.History(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: history: %v", name, err)
		}
		if err := h.Texts(ctx, func(int, [][]byte, []error) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: texts: %v", name, err)
		}
	}
}

// TestOwnReaderRefuses: git reads what our own reader does not.
func TestOwnReaderRefuses(t *testing.T) {
	r, ids := line(t)
	r.git("-c", "pack.indexVersion=1", "repack", "-adq")
	s, h, err := openHistory(t, r.dir, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	own := s.objects()
	if _, ok := own.(*gitObjects); !ok {
		t.Errorf("an index of version 1 is read with %T", own)
	}
	if have := outline(t, s, h, ids); have != wholeLine {
		t.Errorf("%s, want\n%s", have, wholeLine)
	}
}

// TestCycle: only a repository that lies about the names of its objects has a
// commit that is its own ancestor.
func TestCycle(t *testing.T) {
	id := func(b byte) objectID { return objectID{b} }
	g := &graph{nodes: map[objectID]*node{
		id(1): {parents: []objectID{id(2), id(3)}},
		id(2): {parents: []objectID{id(3)}},
		id(3): {parents: []objectID{id(1), id(4)}},
		id(4): {},
	}}
	var have []string
	for _, n := range g.order(id(1)) {
		have = append(have, fmt.Sprint(n.number, n.commit.Parents, n.commit.Gap))
	}
	if want := "0 [] false 1 [0] true 2 [1] false 3 [2 1] false"; strings.Join(have, " ") != want {
		t.Errorf("%s, want %s", have, want)
	}
}
