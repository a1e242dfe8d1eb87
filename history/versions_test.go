package history

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wontfix"
)

// TestVersions compares what is found by the lines in which random versions
// differ with what they say as a whole: their rows, their notes, and for a survey
// the labels that a version has and the one before had not, and the lines of notes
// that are new.
func TestVersions(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	pool := []string{"Notes:\n", " ann> a note\n", " bob> another\n", "# a remark\n"}
	for _, label := range []string{"trusty", "xenial", "bionic", "devel"} {
		for _, source := range []string{"a", "b"} {
			for _, said := range []string{"needed", "released (1.0)", "needed [1.0]"} {
				pool = append(pool, fmt.Sprintf("%s_%s: %s\n", label, source, said))
			}
		}
	}
	labelled, followed := 0, 0
	for n := range 300 {
		h := &handMade{}
		var lines []string
		for range 12 {
			for range 1 + rnd.IntN(3) {
				at := rnd.IntN(len(lines) + 1)
				switch {
				case rnd.IntN(3) == 0 && at < len(lines):
					lines = slices.Delete(lines, at, at+1)
				default:
					line := pool[rnd.IntN(len(pool))]
					name, _, row := strings.Cut(line, ": ")
					if row && n%2 == 0 && slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name) }) {
						continue
					}
					lines = slices.Insert(lines, at, line)
				}
			}
			text := strings.Join(lines, "") + "\n"
			if rnd.IntN(20) == 0 {
				text = "" // gone
			}
			h.commit(ann, "m", map[string]string{"active/CVE-2020-1": text})
		}
		log, files, _ := h.read(t)
		s := NewSurvey(0)
		tr := s.Add(log, testFormat, files["CVE-2020-1"])
		tr.readLines()
		if newTrace(log, testFormat, tr.file).follow() {
			followed++
		}
		_, files, _ = h.read(t)
		whole := files["CVE-2020-1"] // as it is before it is packed
		for i := range whole.texts {
			whole.linesOf(i)
		}
		whole.made = nil
		for _, tr := range []*Trace{tr, newTrace(log, testFormat, whole)} {
			for i := range tr.file.Records {
				text := tr.text(i)
				if text < 0 {
					continue
				}
				table := tr.table(text)
				for key, want := range tr.readTable(text) {
					if got := tr.value(i, int32(key)); got != want || table[key] != want {
						t.Fatalf("%s: %v has value %d, in the table %d; want %d", tr.file.Text(text), tr.keys[key], got, table[key], want)
					}
				}
				same := func(a, b wontfix.Note) bool { return a.Author == b.Author && a.Text == b.Text }
				if got, want := tr.noteSetOf(text).notes, testFormat.Notes(tr.file.Text(text)); !slices.EqualFunc(got, want, same) {
					t.Fatalf("%s: notes %v; want %v", tr.file.Text(text), got, want)
				}
			}
		}
		for i := 1; i < len(tr.file.Records); i++ {
			want, had := map[string]int{}, map[string]bool{}
			for key, k := range tr.keys {
				had[k.Label] = had[k.Label] || tr.value(i-1, int32(key)) != none
			}
			for key, k := range tr.keys {
				if tr.value(i, int32(key)) != none && !had[k.Label] && tr.text(i-1) >= 0 {
					want[k.Label] = 1
					labelled++
				}
			}
			var nicks []string
			for _, line := range tr.file.linesOf(tr.text(i)) {
				if l := tr.file.lines[line]; l[0] == ' ' && !slices.Contains(tr.file.linesOf(tr.text(i-1)), line) {
					nicks = append(nicks, l[1:4])
				}
			}
			c := tr.file.Records[i].Commit
			if !maps.Equal(s.added[c], want) || !slices.Equal(s.notes[c], nicks) {
				t.Fatalf("%s-- to --\n%s: labels %v, notes by %q; want %v, %q", tr.file.Text(tr.text(i-1)), tr.file.Text(tr.text(i)), s.added[c], s.notes[c], want, nicks)
			}
		}
	}
	if labelled < 100 || followed < 100 || followed > 280 {
		t.Errorf("%d labels were added, %d of 300 had no row twice; the test does not test them", labelled, followed)
	}
}
