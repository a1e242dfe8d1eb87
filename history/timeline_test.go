package history

import (
	"slices"
	"testing"
)

// short returns the events of a row's timeline, a line each.
func short(t *Trace, k Key) []string {
	var out []string
	for _, e := range t.Timeline(k).Events {
		s := e.Class.String() + " " + e.From + "→" + e.To
		if e.Row != "" {
			s = e.Row + ": " + s
		}
		if e.CopiedFrom != "" {
			s += " of " + e.CopiedFrom
		}
		out = append(out, s)
	}
	return out
}

// TestTimelineCopyOfSameCommit: a commit that decides about a release and
// copies that to its product is an event of both rows.
func TestTimelineCopyOfSameCommit(t *testing.T) {
	var h handMade
	h.commit(ann, "new", only("trusty_a: needs-triage"))
	h.commit(bob, "no fix", only("trusty_a: ignored (too intrusive)", "trusty/esm_a: ignored (too intrusive)"))
	got := short(h.trace(t, "CVE-2020-1"), Key{"trusty/esm", "a"})
	want := []string{"trusty_a: create →needs-triage", "trusty_a: decision needs-triage→ignored", "copy-parent →ignored of trusty_a"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
