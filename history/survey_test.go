package history

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSurvey compares what a survey counts of random versions with what their
// tables say: the labels that a version has and the one before had not, and
// the lines of notes that are new.
func TestSurvey(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	pool := []string{"Notes:\n", " ann> a note\n", " bob> another\n", "# a remark\n"}
	for _, label := range []string{"trusty", "xenial", "bionic", "devel"} {
		for _, source := range []string{"a", "b"} {
			for _, said := range []string{"needed", "released (1.0)", "needed [1.0]"} {
				pool = append(pool, fmt.Sprintf("%s_%s: %s\n", label, source, said))
			}
		}
	}
	labelled := 0
	for range 300 {
		h := &handMade{}
		var lines []string
		for range 12 {
			for range 1 + rnd.IntN(3) {
				at := rnd.IntN(len(lines) + 1)
				switch {
				case rnd.IntN(3) == 0 && at < len(lines):
					lines = slices.Delete(lines, at, at+1)
				default:
					lines = slices.Insert(lines, at, pool[rnd.IntN(len(pool))])
				}
			}
			h.commit(ann, "m", map[string]string{"active/CVE-2020-1": strings.Join(lines, "") + "\n"})
		}
		log, files, _ := h.read(t)
		s := NewSurvey(0)
		tr := s.Add(log, testFormat, files["CVE-2020-1"])
		for i := 1; i < len(tr.file.Records); i++ {
			want, had := map[string]int{}, map[string]bool{}
			for key, k := range tr.keys {
				had[k.Label] = had[k.Label] || tr.value(i-1, int32(key)) != none
			}
			for key, k := range tr.keys {
				if tr.value(i, int32(key)) != none && !had[k.Label] {
					want[k.Label] = 1
					labelled++
				}
			}
			var nicks []string
			for _, line := range tr.file.texts[tr.text(i)] {
				if l := tr.file.lines[line]; l[0] == ' ' && !slices.Contains(tr.file.texts[tr.text(i-1)], line) {
					nicks = append(nicks, l[1:4])
				}
			}
			c := tr.file.Records[i].Commit
			if !maps.Equal(s.added[c], want) || !slices.Equal(s.notes[c], nicks) {
				t.Fatalf("%s-- to --\n%s: labels %v, notes by %q; want %v, %q", tr.file.Text(tr.text(i-1)), tr.file.Text(tr.text(i)), s.added[c], s.notes[c], want, nicks)
			}
		}
	}
	if labelled < 100 {
		t.Errorf("%d labels were added; the test does not test them", labelled)
	}
}
