package history

import (
	"encoding/binary"
	"slices"
	"strings"

	"wontfix"
)

// What became of a note.
const (
	Written = "written"
	Changed = "changed"
	Deleted = "deleted"
)

// A noteSet is what the notes of some texts are.
type noteSet struct {
	notes    []wontfix.Note
	deciding []decidingNote
	decides  bool // deciding is made
}

// noteSetOf returns the notes of a text. Most versions of an entry change rows and
// no notes: those that have the same lines between the rows have the same notes,
// and are read once.
func (t *Trace) noteSetOf(text int) *noteSet {
	if t.noteOf == nil {
		t.noteOf = make([]*noteSet, len(t.file.texts))
		t.noteSets = make(map[string]*noteSet)
	}
	if s := t.noteOf[text]; s != nil {
		return s
	}
	texts := []int{text} // they have the same notes
	for t.noteOf[text] == nil {
		other := t.sameNotes(text)
		if other < 0 {
			break
		}
		text = other
		texts = append(texts, text)
	}
	s := t.noteOf[text]
	if s == nil {
		s = t.readNotes(text)
	}
	for _, n := range texts {
		t.noteOf[n] = s
	}
	return s
}

// readNotes returns the notes of a text.
func (t *Trace) readNotes(text int) *noteSet {
	key, row := t.lineKey[:0], false
	for _, line := range t.file.linesOf(text) {
		switch isRow := t.rows[line].key != none; {
		case !isRow:
			key = binary.AppendUvarint(key, uint64(line)+1)
		case !row:
			key = append(key, 0)
		}
		row = t.rows[line].key != none
	}
	t.lineKey = key
	s, ok := t.noteSets[string(key)]
	if !ok {
		s = &noteSet{notes: t.format.Notes(t.file.Text(text))}
		t.noteSets[string(key)] = s
	}
	return s
}

// sameNotes returns the text beside another that differs from it in rows alone,
// -1 if there is none or that does not show at once.
func (t *Trace) sameNotes(text int) int {
	if text < len(t.file.made) {
		base := int(t.file.made[text].base)
		if base < 0 {
			return -1
		}
		for h := range t.file.hunksOf(text).all() {
			if !t.rowsAlone(h.drop, h.insert, h.behind >= 0 && t.rows[h.behind].key != none) {
				return -1
			}
		}
		return base
	}
	if text == 0 || t.noteOf[text-1] == nil {
		return -1
	}
	before, after := between(t.file.linesOf(text-1), t.file.linesOf(text))
	if !t.rowsAlone(before, after, false) {
		return -1
	}
	return text - 1
}

// rowsAlone reports whether rows took the place of rows, or, where they stand
// behind one, came or went: what stands between rows is as it was.
func (t *Trace) rowsAlone(before, after []int32, behind bool) bool {
	other := func(line int32) bool { return t.rows[line].key == none }
	return (behind || len(before) > 0 && len(after) > 0) && !slices.ContainsFunc(before, other) && !slices.ContainsFunc(after, other)
}

// noteChanges returns what a record did to the notes: of a merge, what none of
// its parents has.
func (t *Trace) noteChanges(record int) []wontfix.NoteChange {
	if changes, ok := t.diffs[record]; ok {
		return changes
	}
	changes := t.noteChangesFrom(record, t.parent(record))
	for _, p := range t.file.Records[record].Parents {
		if len(changes) == 0 {
			break
		}
		others := t.noteChangesFrom(record, p)
		changes = slices.DeleteFunc(slices.Clone(changes), func(c wontfix.NoteChange) bool {
			return !slices.ContainsFunc(others, func(o wontfix.NoteChange) bool {
				return o.Author == c.Author && o.Text == c.Text && (o.Kind == Deleted) == (c.Kind == Deleted)
			})
		})
	}
	if t.diffs == nil {
		t.diffs = make(map[int][]wontfix.NoteChange)
	}
	t.diffs[record] = changes
	return changes
}

// noteChangesFrom returns what became of the notes between two records; from
// may be -1.
func (t *Trace) noteChangesFrom(record, from int) []wontfix.NoteChange {
	was, is := -1, t.text(record)
	if from >= 0 {
		was = t.text(from)
	}
	if was == is {
		return []wontfix.NoteChange{}
	}
	before, after := &noteSet{}, &noteSet{}
	if was >= 0 {
		before = t.noteSetOf(was)
	}
	if is >= 0 {
		after = t.noteSetOf(is)
	}
	if before == after {
		return []wontfix.NoteChange{}
	}
	return diffNotes(before.notes, after.notes)
}

// diffNotes says what became of notes. A note that has gone and one of the
// same author that has come, with half of their words the same, are one that
// was changed.
func diffNotes(a, b []wontfix.Note) []wontfix.NoteChange {
	same := func(x, y wontfix.Note) bool {
		return x.Author == y.Author && squeeze(x.Text) == squeeze(y.Text)
	}
	var old []wontfix.Note
	for _, n := range a {
		if !slices.ContainsFunc(b, func(m wontfix.Note) bool { return same(n, m) }) {
			old = append(old, n)
		}
	}
	changes := []wontfix.NoteChange{}
	for _, n := range b {
		if slices.ContainsFunc(a, func(m wontfix.Note) bool { return same(n, m) }) {
			continue
		}
		best, most := -1, 0
		for i, o := range old {
			if shared := sharedWords(o.Text, n.Text); o.Author == n.Author && shared > most {
				best, most = i, shared
			}
		}
		if best < 0 || 2*most < min(len(strings.Fields(n.Text)), len(strings.Fields(old[best].Text))) {
			changes = append(changes, wontfix.NoteChange{Kind: Written, Author: n.Author, Text: n.Text})
			continue
		}
		changes = append(changes, wontfix.NoteChange{Kind: Changed, Author: n.Author, Text: n.Text, Was: old[best].Text})
		old = slices.Delete(old, best, best+1)
	}
	for _, n := range old {
		changes = append(changes, wontfix.NoteChange{Kind: Deleted, Author: n.Author, Text: n.Text})
	}
	return changes
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// sharedWords returns how many words two texts have in common.
func sharedWords(a, b string) int {
	count := make(map[string]int)
	for w := range strings.FieldsSeq(a) {
		count[w]++
	}
	n := 0
	for w := range strings.FieldsSeq(b) {
		if count[w] > 0 {
			count[w]--
			n++
		}
	}
	return n
}

// added returns the part of a note that is new: its lines that the note did not
// have before.
func added(was, is string) string {
	var fresh []string
	for line := range strings.Lines(is) {
		if line = squeeze(line); !slices.ContainsFunc(strings.Split(was, "\n"), func(old string) bool { return squeeze(old) == line }) {
			fresh = append(fresh, line)
		}
	}
	return strings.Join(fresh, " ")
}
