package history

import (
	"slices"
	"strings"
)

// A Survey counts what commits did to all entries together, which has to be
// known before any one change can be judged. Surveys of parts of the entries
// can be made at the same time and added up.
type Survey struct {
	first   int // the commits below are known
	entries map[int]int
	added   map[int]map[string]int // by commit and label
	notes   map[int][]string       // the nicks of notes that were added
}

// NewSurvey returns a survey of the commits from number first on.
func NewSurvey(first int) *Survey {
	return &Survey{first: first, entries: map[int]int{}, added: map[int]map[string]int{}, notes: map[int][]string{}}
}

// Add counts what became of one entry. It returns the trace that it made for
// this, which is of no commit yet and may not have read the lines; nil if nothing
// became of the entry.
func (s *Survey) Add(log *Log, format *Format, f *File) *Trace {
	from, _ := slices.BinarySearchFunc(f.Records, s.first, func(r Record, first int) int { return r.Commit - first })
	if from == len(f.Records) {
		return nil
	}
	t := &Trace{log: log, format: format, file: f, at: -1}
	for i := from; i < len(f.Records); i++ {
		r := &f.Records[i]
		if slices.ContainsFunc(r.Parents, func(p int) bool { return p >= 0 && slices.Equal(f.Records[p].Places, r.Places) }) {
			continue
		}
		s.entries[r.Commit]++
		if text := t.text(i); text >= 0 {
			before, now := []int32(nil), f.linesOf(text)
			if len(r.Parents) == 1 {
				if was := t.text(r.Parents[0]); was >= 0 {
					before, now = between(f.linesOf(was), now)
				}
			}
			s.countNotes(t, r, now)
			if !t.born(i) && (before == nil || t.mayAdd(before, now)) {
				s.countLabels(t, r, text)
			}
		}
	}
	return t
}

// between returns the lines of two texts between those with which both begin and
// end.
func between(a, b []int32) (x, y []int32) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}

// manyLines is from how many on all lines of an entry are read at once.
const manyLines = 64

// mayAdd reports whether a text may have a row that the one before had not, of
// which they have these lines not in common. Mostly these are few.
func (t *Trace) mayAdd(before, now []int32) bool {
	if t.rows == nil && len(before)+len(now) < manyLines {
		may := false
		var had []Key
		for _, line := range before {
			t.format.Rows(t.file.lines[line], func(k Key, v Value) {
				had = append(had, k)
				may = may || v.Word == ""
			})
		}
		for _, line := range now {
			t.format.Rows(t.file.lines[line], func(k Key, v Value) {
				may = may || v.Word == "" || !slices.Contains(had, k)
			})
		}
		return may
	}
	t.readLines()
	had := make([]bool, len(t.keys))
	return t.anyRow(before, func(r *rowOf) bool {
		had[r.key] = true
		return t.values[r.value].Word == ""
	}) || t.anyRow(now, func(r *rowOf) bool {
		return !had[r.key] || t.values[r.value].Word == ""
	})
}

// countLabels notes the labels that the entry has in a record, and had in none
// of its parents.
func (s *Survey) countLabels(t *Trace, r *Record, text int) {
	t.readLines()
	var fresh []string
	for key, value := range t.table(text) {
		if value == none || slices.Contains(fresh, t.keys[key].Label) || slices.ContainsFunc(r.Parents, func(p int) bool { return t.value(p, int32(key)) != none }) {
			continue
		}
		fresh = append(fresh, t.keys[key].Label)
	}
	for _, label := range fresh {
		if slices.ContainsFunc(r.Parents, func(p int) bool { return t.hasLabel(p, label) }) {
			continue
		}
		if s.added[r.Commit] == nil {
			s.added[r.Commit] = map[string]int{}
		}
		s.added[r.Commit][label]++
	}
}

// hasLabel reports whether a record has any row of a label.
func (t *Trace) hasLabel(record int, label string) bool {
	for n, k := range t.keys {
		if k.Label == label && t.value(record, int32(n)) != none {
			return true
		}
	}
	return false
}

// countNotes notes who signs the notes that a record has and its parents lack,
// of some of its lines.
func (s *Survey) countNotes(t *Trace, r *Record, lines []int32) {
	for _, line := range lines {
		l := t.file.lines[line]
		if len(l) < 4 || l[0] != ' ' || l[1] == ' ' {
			continue
		}
		if slices.ContainsFunc(r.Parents, func(p int) bool {
			was := t.text(p)
			return was >= 0 && slices.Contains(t.file.linesOf(was), line)
		}) {
			continue
		}
		if nick := t.format.Nick(l); nick != "" {
			s.notes[r.Commit] = append(s.notes[r.Commit], strings.Clone(nick))
		}
	}
}

// Merge adds what another survey has counted.
func (s *Survey) Merge(other *Survey) {
	for c, n := range other.entries {
		s.entries[c] += n
	}
	for c, labels := range other.added {
		if s.added[c] == nil {
			s.added[c] = map[string]int{}
		}
		for label, n := range labels {
			s.added[c][label] += n
		}
	}
	for c, names := range other.notes {
		s.notes[c] = append(s.notes[c], names...)
	}
}

// Apply gives a log what a survey of its newest commits has counted.
func (l *Log) Apply(s *Survey) {
	if s.first == 0 {
		l.spread, l.nicks = map[int][]string{}, nicks{}
	}
	l.signed.Store(nil)
	for c := s.first; c < len(l.commits); c++ {
		commit := &l.commits[c]
		if c > 0 || !l.Implied {
			commit.Entries = s.entries[c]
		}
		var labels []string
		for label, n := range s.added[c] {
			if n >= spreadEntries {
				labels = append(labels, label)
			}
		}
		if len(labels) > 0 {
			slices.Sort(labels)
			l.spread[c] = labels
		}
		if commit.Entries <= fewEntries && !commit.Gap {
			for _, nick := range s.notes[c] {
				l.nicks.add(nick, person(commit), 1)
			}
		}
	}
}
