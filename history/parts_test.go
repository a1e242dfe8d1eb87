package history

import (
	"bytes"
	"context"
	"testing"

	"wontfix"
)

// TestParts reads histories at once and in two parts, which must give the same
// bytes, also where what came later says something about what was there before,
// and however many entries are kept open.
func TestParts(t *testing.T) {
	refused := func(h *handMade) {
		h.commit(ann, "begin", only("trusty_hello: needed"))
		h.commit(ann, "other", others(1, "trusty_x: needed"))
		h.commit(bob, "no", only("trusty_hello: ignored"))
	}
	for name, test := range map[string]struct {
		first, second func(h *handMade)
	}{
		"a row changes": {
			func(h *handMade) {
				h.commit(ann, "begin", others(30, "trusty_hello: needed"))
				h.commit(ann, "begin", only("trusty_hello: needed", "xenial_hello: needed", "devel_hello: needed"))
				h.commit(ann, "hello: too intrusive", only(" ann> too intrusive", "trusty_hello: ignored", "xenial_hello: needed", "devel_hello: needed"))
			},
			func(h *handMade) {
				h.commit(bob, "fixed", only(" ann> too intrusive", "trusty_hello: ignored", "xenial_hello: released (1.2)", "devel_hello: needed"))
				h.commit(bob, "again", only(" ann> too intrusive", "trusty_hello: ignored", "devel_hello: not-affected", "xenial_hello: ignored (no)"))
			},
		},
		"a row changes and changes back": {
			func(h *handMade) {
				h.commit(ann, "begin", only("trusty_hello: needed"))
				h.commit(ann, "no", only("trusty_hello: ignored"))
			},
			func(h *handMade) {
				h.commit(bob, "yes", only("trusty_hello: needed"))
				h.commit(bob, "no", only("trusty_hello: ignored"))
			},
		},
		"a side that decided first is merged": {
			refused,
			func(h *handMade) {
				h.commit(ann, "no", only("trusty_hello: ignored"), 1)
				h.commits[3].Time = h.commits[1].Time
				h.commit(ann, "merge", nil, 2, 3)
				h.commit(bob, "more", only("trusty_hello: ignored", "xenial_hello: DNE"))
			},
		},
		"a merge mixes two sides": {
			refused,
			func(h *handMade) {
				h.commit(ann, "no", only("trusty_hello: ignored", "xenial_hello: needed"), 1)
				h.commits[3].Time = h.commits[1].Time
				h.commit(ann, "merge", only("trusty_hello: ignored", "xenial_hello: DNE"), 2, 3)
			},
		},
		"a note names a source that comes later": {
			func(h *handMade) {
				h.commit(ann, "begin", only(" bob> will not fix hello-extra, too intrusive", "trusty_hello: needed"))
				h.commit(ann, "no", only(" bob> will not fix hello-extra, too intrusive", "trusty_hello: ignored"))
			},
			func(h *handMade) {
				h.commit(ann, "more", only(" bob> will not fix hello-extra, too intrusive", "trusty_hello: ignored", "trusty_hello-extra: ignored"))
			},
		},
		"a nick becomes another's": {
			func(h *handMade) {
				h.commit(ann, "begin", only("trusty_hello: needed"))
				h.commit(ann, "no", only(" ann> too intrusive", "trusty_hello: ignored"))
				h.commit(ann, "more", with(others(1), " ann> too intrusive", "trusty_hello: ignored", "xenial_hello: DNE"))
			},
			func(h *handMade) {
				for i := range 5 {
					h.commit(bob, "note", map[string]string{"active/CVE-2018-" + string(rune('1'+i)): entry(" ann> a note", "trusty_x: needed")})
				}
				h.commit(bob, "fixed", only(" ann> too intrusive", "trusty_hello: ignored", "xenial_hello: needed"))
			},
		},
		"two names become one person's": {
			func(h *handMade) {
				for i := range 5 {
					h.commit(ann, "note", map[string]string{"active/CVE-2018-" + string(rune('1'+i)): entry(" nick> a note", "trusty_x: needed")})
				}
				h.commit(ann, "begin", only("trusty_hello: needed"))
				h.commit("A. Smith <smith@example.org>", "no", only(" nick> too intrusive", "trusty_hello: ignored"))
			},
			func(h *handMade) {
				h.commit("A. Smith <ann@example.org>", "other", others(1, "trusty_x: needed"))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &handMade{}
			test.first(h)
			cut := len(h.commits)
			test.second(h)
			_, want := h.readParts(t, len(h.commits))
			defer func(most int64) { maxOpen = most }(maxOpen)
			for _, maxOpen = range []int64{maxOpen, 0, 250, 300, 500, 1500} { // all are open, none, some
				_, got := h.readParts(t, cut, len(h.commits))
				if len(got) != len(want) {
					t.Errorf("%d entries in parts, %d at once", len(got), len(want))
				}
				for id, w := range want {
					if g := got[id]; !bytes.Equal(g.Versions, w.Versions) || !bytes.Equal(g.Origins, w.Origins) || g.Since != w.Since {
						t.Errorf("%s, %d open: in parts\n%q\n%q\nat once\n%q\n%q", id, maxOpen, g.Versions, g.Origins, w.Versions, w.Origins)
					}
				}
			}
		})
	}
}

// TestNothingTouched: new commits that touch no entry make nobody read entries.
func TestNothingTouched(t *testing.T) {
	log, err := NewLog([]wontfix.Commit{{ID: "1"}, {ID: "2", Parents: []int{0}}})
	if err != nil {
		t.Fatal(err)
	}
	in := Input{
		Texts: func(context.Context, func(int, [][]byte) error) error { return nil },
		Old: func(_ context.Context, ids []string, _ func(string, []byte, []byte) error) error {
			t.Errorf("entries %q are asked for", ids)
			return nil
		},
		Judged: func(_ context.Context, ids []string, _ func(string, []byte) error) error {
			t.Errorf("origins of %q are asked for", ids)
			return nil
		},
		Known: func(context.Context) ([]string, error) { return nil, nil },
	}
	for p, err := range Build(t.Context(), log, 1, testFormat, in) {
		t.Errorf("%s, %v", p.ID, err)
	}
}
