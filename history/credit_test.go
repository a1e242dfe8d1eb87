package history

import (
	"testing"

	"wontfix"
)

// TestMergeIsCreditedWithItsOwn: a merge that decides is not credited with the
// notes and fields that its sides have brought.
func TestMergeIsCreditedWithItsOwn(t *testing.T) {
	h := &handMade{}
	h.commit(ann, "new", only("trusty_a: needed", "xenial_a: needed"))
	side := h.commit(ann, "a note", only(" ann> too intrusive to backport", "trusty_a: needed", "xenial_a: needed"), 0)
	other := h.commit(bob, "a row", only("trusty_a: needed", "xenial_a: deferred"), 0)
	merge := h.commit(ann, "merge", only(" ann> too intrusive to backport", "trusty_a: ignored", "xenial_a: deferred"), side, other)
	trace := h.trace(t, "CVE-2020-1")
	o, _ := trace.Origin(Key{"trusty", "a"})
	if o.Decided.Commit != h.commits[merge].ID || o.Evidence != wontfix.EvidenceNote || o.Confidence != wontfix.ConfidenceMedium {
		t.Errorf("decided by %s, %v, %v; want the merge %s, by another note, medium", o.Decided.Commit, o.Evidence, o.Confidence, h.commits[merge].ID)
	}
	for _, c := range trace.Commits() {
		if c.Commit == h.commits[merge].ID && (len(c.Notes) != 0 || len(c.Fields) != 0 || c.Rows != 1) {
			t.Errorf("the merge did %+v; want one row", c)
		}
	}
}

// TestSameChangeOnTwoSides: who was first has decided, in whatever order the
// sides were read.
func TestSameChangeOnTwoSides(t *testing.T) {
	h := &handMade{}
	h.commit(ann, "new", only("trusty_a: needed"))
	first := h.commit(ann, "mine", only("trusty_a: ignored"), 0)
	second := h.commit(bob, "mine too", only("trusty_a: ignored"), 0)
	for _, parents := range [][]int{{first, second}, {second, first}} {
		m := &handMade{commits: h.commits[:3:3], trees: h.trees[:3:3]}
		m.commit(bob, "merge", nil, parents...)
		m.commit(bob, "later", only("trusty_a: ignored", "xenial_a: needed"))
		if o, _ := m.trace(t, "CVE-2020-1").Origin(Key{"trusty", "a"}); o.Decided.Commit != h.commits[first].ID {
			t.Errorf("merge of %v: decided by %s, want %s", parents, o.Decided.Commit, h.commits[first].ID)
		}
	}
}

// TestReversals: a refusal is taken back by what opens the row or fixes it, and
// not by its end.
func TestReversals(t *testing.T) {
	for to, want := range map[string]int{
		"needed": 1, "needs-triage": 1, "deferred": 1, "pending (1.2)": 1, "released (1.2)": 1,
		"DNE": 0, "not-affected": 0, "ignored (end of life)": 0, "ignored (other words)": 0,
	} {
		h := &handMade{}
		h.commit(ann, "new", only("trusty_a: needed"))
		h.commit(ann, "no", only("trusty_a: ignored"))
		h.commit(ann, "on second thoughts", only("trusty_a: "+to))
		if o, _ := h.trace(t, "CVE-2020-1").Origin(Key{"trusty", "a"}); o.Reversals != want {
			t.Errorf("to %s: %d reversals, want %d", to, o.Reversals, want)
		}
	}
}

// TestSiblingIsOne: a new kernel is a copy of the one kernel that has four
// fifths of its rows, and DNE proves nothing.
func TestSiblingIsOne(t *testing.T) {
	rows := []string{"trusty_linux: needed", "xenial_linux: ignored (x)", "bionic_linux: deferred", "trusty_linux-a: released (1)", "precise_linux-a: DNE"}
	h := &handMade{}
	h.commit(ann, "new", only(rows...))
	h.commit(bob, "a kernel", only(append(rows, "trusty_linux-b: needed", "xenial_linux-b: ignored (x)", "bionic_linux-b: deferred", "precise_linux-b: DNE")...))
	trace := h.trace(t, "CVE-2020-1")
	for label, from := range map[string]string{"trusty": "trusty_linux", "precise": ""} {
		if o, _ := trace.Origin(Key{label, "linux-b"}); o.CopiedFrom != from {
			t.Errorf("%s_linux-b was copied from %q, want %q", label, o.CopiedFrom, from)
		}
	}
	h = &handMade{}
	h.commit(ann, "new", only("trusty_linux: DNE", "xenial_linux: DNE"))
	h.commit(bob, "a kernel", only("trusty_linux: DNE", "xenial_linux: DNE", "trusty_linux-b: DNE", "xenial_linux-b: DNE"))
	if o, _ := h.trace(t, "CVE-2020-1").Origin(Key{"trusty", "linux-b"}); o.Class != wontfix.ClassDecision || o.CopiedFrom != "" {
		t.Errorf("a kernel of DNE alone: %v, copied from %q", o.Class, o.CopiedFrom)
	}
}

// TestMessageOfOthers: what a message says of one package is no reason for
// another's rows.
func TestMessageOfOthers(t *testing.T) {
	h := &handMade{}
	before := map[string]string{"active/CVE-2020-1": entry("trusty_a: needed"), "active/CVE-2020-2": entry("trusty_expat: needed")}
	h.commit(ann, "new", before)
	h.commit(ann, "look at a. expat: ignored, the fix is a regression and too intrusive", map[string]string{
		"active/CVE-2020-1": entry("trusty_a: ignored"), "active/CVE-2020-2": entry("trusty_expat: ignored"),
	})
	if o, _ := h.trace(t, "CVE-2020-1").Origin(Key{"trusty", "a"}); o.Evidence != wontfix.EvidenceNone {
		t.Errorf("a: evidence is %v, %q", o.Evidence, o.Words)
	}
	if o, _ := h.trace(t, "CVE-2020-2").Origin(Key{"trusty", "expat"}); o.Evidence != wontfix.EvidenceMessage || len(o.Reasons) != 1 || o.Reasons[0] != "too-intrusive" {
		t.Errorf("expat: evidence is %v, %q, reasons %v", o.Evidence, o.Words, o.Reasons)
	}
}

// TestPersons: names that share an address are one person's, unless it is a
// team's.
func TestPersons(t *testing.T) {
	p := newPersons([]writer{
		{"Camila Long Name", "camila@example.org"}, {"camila", "camila@example.org"},
		{"Kernel Bot", "kernel-team@lists.example.org"}, {"Other Bot", "kernel-team@lists.example.org"},
	})
	if a, b := p.of("camila long name"), p.of("camila"); a != b {
		t.Errorf("%q and %q are two persons", a, b)
	}
	if a, b := p.of("kernel bot"), p.of("other bot"); a == b {
		t.Errorf("two bots are %q", a)
	}
}

// TestGone: the tracker's own spellings of what others carry on.
func TestGone(t *testing.T) {
	for detail, want := range map[string]wontfix.Class{
		"superceded by openjdk-6": wontfix.ClassGone, "superseded by x": wontfix.ClassGone, "abandonded branch": wontfix.ClassGone,
		`binary supplied by "linux" now`: wontfix.ClassGone, "end of life": wontfix.ClassEOLSweep, "reached end-of-life, was needed": wontfix.ClassEOLSweep,
		"too intrusive, was needed": wontfix.ClassDecision, "no longer supported by upstream": wontfix.ClassEOLSweep,
	} {
		h := &handMade{}
		h.commit(ann, "new", only("trusty_a: needed"))
		h.commit(bob, "x", only("trusty_a: ignored ("+detail+")"))
		if o, _ := h.trace(t, "CVE-2020-1").Origin(Key{"trusty", "a"}); o.Class != want {
			t.Errorf("%s: %v, want %v", detail, o.Class, want)
		}
	}
}
