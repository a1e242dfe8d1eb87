package history

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"wontfix"
)

// TestClasses has a small history for each class of change.
func TestClasses(t *testing.T) {
	a := func(label string) Key { return Key{label, "a"} }
	merge := func(m ...map[string]string) map[string]string {
		all := map[string]string{}
		for _, x := range m {
			maps.Copy(all, x)
		}
		return all
	}
	for _, tt := range []struct {
		name  string
		make  func(h *handMade)
		row   Key
		class wontfix.Class // of the decision
		by    int           // its commit
		wrote wontfix.Class // of the commit that wrote the row, if it is another one
		wrotn int
		from  string // the row that it was copied from
		conf  wontfix.Confidence
		said  string // what a person had said before
	}{
		{"create", func(h *handMade) {
			h.commit(ann, "triage", only("trusty_a: needs-triage"))
			h.commit(bob, "other", only("trusty_a: needs-triage", "xenial_a: needed"))
		}, a("trusty"), wontfix.ClassCreate, 0, 0, 0, "", wontfix.ConfidenceLow, ""},
		{"create with a note of its author", func(h *handMade) {
			h.commit(ann, "triage", only(" ann> not reachable", "trusty_a: needed"))
		}, a("trusty"), wontfix.ClassCreate, 0, 0, 0, "", wontfix.ConfidenceMedium, ""},
		{"unseen", func(h *handMade) {
			h.commit(ann, "triage", only("trusty_a: needed"))
			h.commits[0].Gap = true
		}, a("trusty"), wontfix.ClassUnseen, 0, 0, 0, "", wontfix.ConfidenceLow, ""},
		{"a version is not at hand", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needed"))
			h.commit(ann, "lost", map[string]string{"active/CVE-2020-1": "?"})
			h.commit(bob, "later", only("trusty_a: deferred"))
		}, a("trusty"), wontfix.ClassUnseen, 2, 0, 0, "", wontfix.ConfidenceLow, ""},
		{"copy-devel in 20 entries", func(h *handMade) {
			h.commit(ann, "new", only("devel_a: needed"))
			h.commit(bob, "new", others(19, "devel_b: needed"))
			h.commit(ann, "triage", only("devel_a: deferred (x)"))
			h.commit(bob, "new release", merge(others(19, "devel_b: needed", "xenial_b: needed"), only("devel_a: deferred (x)", "xenial_a: deferred (x)")))
		}, a("xenial"), wontfix.ClassDecision, 2, wontfix.ClassCopyDevel, 3, "devel_a", wontfix.ConfidenceMedium, ""},
		{"no copy-devel in 19", func(h *handMade) {
			h.commit(ann, "new", only("devel_a: needed"))
			h.commit(bob, "new", others(18, "devel_b: needed"))
			h.commit(bob, "new release", merge(others(18, "devel_b: needed", "xenial_b: needed"), only("devel_a: needed", "xenial_a: needed")))
		}, a("xenial"), wontfix.ClassDecision, 2, 0, 0, "", wontfix.ConfidencePolicy, ""},
		{"copy-parent", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needed"))
			h.commit(ann, "no", only("trusty_a: ignored (too intrusive)"))
			h.commit(bob, "esm", only("trusty_a: ignored (too intrusive)", "trusty/esm_a: ignored (too intrusive)"))
		}, a("trusty/esm"), wontfix.ClassDecision, 1, wontfix.ClassCopyParent, 2, "trusty_a", wontfix.ConfidenceMedium, ""},
		{"copy-parent with what it was", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needs-triage"))
			h.commit(ann, "yes", only("trusty_a: needed"))
			h.commit(bob, "esm", only("trusty_a: needed", "trusty/esm_a: DNE (trusty was needed)"))
		}, a("trusty/esm"), wontfix.ClassDecision, 1, wontfix.ClassCopyParent, 2, "trusty_a", wontfix.ConfidenceMedium, ""},
		{"copy-sibling of the nearest", func(h *handMade) {
			h.commit(ann, "new", only("trusty_linux: pending", "trusty_linux-aws: needs-triage"))
			h.commit(ann, "yes", only("trusty_linux: pending", "trusty_linux-aws: pending"))
			h.commit(bob, "kernel", only("trusty_linux: pending", "trusty_linux-aws: pending", "trusty_linux-aws-hwe: pending"))
		}, Key{"trusty", "linux-aws-hwe"}, wontfix.ClassDecision, 1, wontfix.ClassCopySibling, 2, "trusty_linux-aws", wontfix.ConfidenceMedium, ""},
		{"no sibling of a source that was there", func(h *handMade) {
			h.commit(ann, "new", only("trusty_linux: pending", "xenial_linux-aws: pending"))
			h.commit(bob, "kernel", only("trusty_linux: pending", "xenial_linux-aws: pending", "trusty_linux-aws: pending"))
		}, Key{"trusty", "linux-aws"}, wontfix.ClassDecision, 1, 0, 0, "", wontfix.ConfidenceMedium, ""},
		{"reword in 100 entries", func(h *handMade) {
			h.commit(ann, "new", merge(others(99, "trusty_b: ignored (x)"), only("trusty_a: needed")))
			h.commit(ann, "no", only("trusty_a: ignored (too intrusive)"))
			h.commit(bob, "words", merge(others(99, "trusty_b: ignored (y)"), only("trusty_a: ignored (other words)")))
		}, a("trusty"), wontfix.ClassDecision, 1, wontfix.ClassReword, 2, "", wontfix.ConfidenceMedium, ""},
		{"no reword in 99", func(h *handMade) {
			h.commit(ann, "new", merge(others(98, "trusty_b: ignored (x)"), only("trusty_a: needed")))
			h.commit(ann, "no", only("trusty_a: ignored (too intrusive)"))
			h.commit(bob, "words", merge(others(98, "trusty_b: ignored (y)"), only("trusty_a: ignored (other words)")))
		}, a("trusty"), wontfix.ClassDecision, 2, 0, 0, "", wontfix.ConfidencePolicy, ""},
		{"eol-sweep", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needs-triage"))
			h.commit(ann, "yes", only("trusty_a: needed"))
			h.commit(bob, "end", only("trusty_a: ignored (reached end-of-life)"))
		}, a("trusty"), wontfix.ClassEOLSweep, 2, 0, 0, "", wontfix.ConfidencePolicy, "needed 1"},
		{"gone", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needs-triage"))
			h.commit(bob, "end", only("trusty_a: ignored (superseded by b)"))
		}, a("trusty"), wontfix.ClassGone, 1, 0, 0, "", wontfix.ConfidencePolicy, ""},
		{"robot", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needs-triage"))
			h.commit(ann, "yes", only("trusty_a: needed"))
			h.commit(bot, "update", only("trusty_a: pending (1.2)"))
		}, a("trusty"), wontfix.ClassRobot, 2, 0, 0, "", wontfix.ConfidencePolicy, "needed 1"},
		{"bulk", func(h *handMade) {
			h.commit(ann, "new", merge(others(99, "trusty_b: needed"), only("trusty_a: needed")))
			h.commit(bob, "all", merge(others(99, "trusty_b: deferred"), only("trusty_a: deferred")))
		}, a("trusty"), wontfix.ClassBulk, 1, 0, 0, "", wontfix.ConfidencePolicy, ""},
		{"a side branch decides, not the merge", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needed"))
			h.commit(bob, "other", others(1, "trusty_b: needed"), 0)
			h.commit(ann, "no", only("trusty_a: deferred"), 0)
			h.commit(bob, "merge", only("trusty_a: deferred"), 1, 2)
		}, a("trusty"), wontfix.ClassDecision, 2, 0, 0, "", wontfix.ConfidenceMedium, ""},
		{"a merge decides", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needed"))
			h.commit(bob, "one", only("trusty_a: pending"), 0)
			h.commit(ann, "two", only("trusty_a: deferred"), 0)
			h.commit(bob, "merge", only("trusty_a: ignored (too intrusive)"), 1, 2)
		}, a("trusty"), wontfix.ClassDecision, 3, 0, 0, "", wontfix.ConfidenceMedium, ""},
		{"a move is none", func(h *handMade) {
			h.commit(ann, "new", only("trusty_a: needs-triage"))
			h.commit(ann, "yes", only("trusty_a: needed"))
			h.commit(bob, "retire", map[string]string{"active/CVE-2020-1": "", "retired/CVE-2020-1": entry("trusty_a: needed")})
		}, a("trusty"), wontfix.ClassDecision, 1, 0, 0, "", wontfix.ConfidenceMedium, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h handMade
			tt.make(&h)
			log, files, kept := h.read(t)
			trace := NewTrace(log, testFormat, files["CVE-2020-1"], log.Tip())
			o, ok := trace.Origin(tt.row)
			if !ok {
				t.Fatal("no such row")
			}
			if o.Class != tt.class || o.Decided.Commit != h.commits[tt.by].ID || o.CopiedFrom != tt.from || o.Confidence != tt.conf {
				t.Errorf("%v by %s, copied from %q, %v; want %v by %s, %q, %v", o.Class, o.Decided.Commit, o.CopiedFrom, o.Confidence, tt.class, h.commits[tt.by].ID, tt.from, tt.conf)
			}
			if o.WroteClass != tt.wrote || (o.Wrote == nil) != (tt.wrote == 0) || o.Wrote != nil && o.Wrote.Commit != h.commits[tt.wrotn].ID {
				t.Errorf("written by %+v, %v; want %v", o.Wrote, o.WroteClass, tt.wrote)
			}
			said := ""
			if b := o.Before; b != nil {
				for i := range h.commits {
					if h.commits[i].ID == b.Commit {
						said = fmt.Sprintf("%s %d", b.Status, i)
					}
				}
			}
			if said != tt.said {
				t.Errorf("before it %q, want %q", said, tt.said)
			}
			for _, row := range trace.Rows() {
				want, _ := trace.Origin(row.Key)
				if got := kept["CVE-2020-1"].At(row.Line); got == nil || !reflect.DeepEqual(*got, want) {
					t.Errorf("%v: kept %+v, want %+v", row.Key, got, want)
				}
			}
		})
	}
}

// TestRemoved: a row that is taken out and comes back.
func TestRemoved(t *testing.T) {
	var h handMade
	h.commit(ann, "new", only("trusty_a: needed", "xenial_a: needed"))
	h.commit(bob, "out", only("xenial_a: needed"))
	h.commit(ann, "back", only("trusty_a: deferred", "xenial_a: needed"))
	got := short(h.trace(t, "CVE-2020-1"), Key{"trusty", "a"})
	want := []string{"create →needed", "removed needed→", "decision →deferred"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	h.commit(bob, "out", map[string]string{"active/CVE-2020-1": ""})
	trace := h.trace(t, "CVE-2020-1")
	if rows := trace.Rows(); rows != nil {
		t.Errorf("rows of an entry that is gone: %v", rows)
	}
	if _, ok := trace.Origin(Key{"trusty", "a"}); ok {
		t.Error("an entry that is gone has an origin")
	}
}

// TestDiffNotes: what became of notes.
func TestDiffNotes(t *testing.T) {
	n := func(author, text string) wontfix.Note { return wontfix.Note{Author: author, Text: text} }
	for _, tt := range []struct {
		a, b []wontfix.Note
		want []wontfix.NoteChange
	}{
		{nil, nil, []wontfix.NoteChange{}},
		{nil, []wontfix.Note{n("ann", "x")}, []wontfix.NoteChange{{Kind: Written, Author: "ann", Text: "x"}}},
		{[]wontfix.Note{n("ann", "x")}, nil, []wontfix.NoteChange{{Kind: Deleted, Author: "ann", Text: "x"}}},
		{[]wontfix.Note{n("ann", "x  y\nz")}, []wontfix.Note{n("ann", "x y z")}, []wontfix.NoteChange{}},
		{[]wontfix.Note{n("ann", "x y z")}, []wontfix.Note{n("ann", "x y w")}, []wontfix.NoteChange{{Kind: Changed, Author: "ann", Text: "x y w", Was: "x y z"}}},
		{[]wontfix.Note{n("ann", "x y z")}, []wontfix.Note{n("bob", "x y z")}, []wontfix.NoteChange{{Kind: Written, Author: "bob", Text: "x y z"}, {Kind: Deleted, Author: "ann", Text: "x y z"}}},
		{[]wontfix.Note{n("ann", "x y z q")}, []wontfix.Note{n("ann", "x b c d")}, []wontfix.NoteChange{{Kind: Written, Author: "ann", Text: "x b c d"}, {Kind: Deleted, Author: "ann", Text: "x y z q"}}},
		{[]wontfix.Note{n("ann", "a b"), n("ann", "c d")}, []wontfix.Note{n("ann", "c d"), n("ann", "a b")}, []wontfix.NoteChange{}},
	} {
		if got := diffNotes(tt.a, tt.b); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("from %v to %v: %+v, want %+v", tt.a, tt.b, got, tt.want)
		}
	}
}
