package history

import (
	"slices"

	"wontfix"
)

// Commits returns what each commit did to the entry, oldest first, up to the
// commit that the trace is of.
func (t *Trace) Commits() []wontfix.EntryCommit {
	list := []wontfix.EntryCommit{}
	if t.at < 0 {
		return list
	}
	for _, record := range t.path() {
		from := -1
		if parents := t.file.Records[record].Parents; len(parents) > 0 {
			from = slices.Max(parents)
		}
		c := wontfix.EntryCommit{
			Revision: t.log.Revision(t.file.Records[record].Commit), ToFolder: t.folder(record),
			Notes: t.noteChanges(record, from), Fields: t.fieldChanges(record, from),
		}
		if from >= 0 {
			c.FromFolder = t.folder(from)
		}
		if c.Notes == nil {
			c.Notes = []wontfix.NoteChange{}
		}
		for key := range t.keys {
			if t.changed(record, int32(key)) {
				c.Rows++
			}
		}
		list = append(list, c)
	}
	return list
}

// changed reports whether a record has another value of a row than all of its
// parents.
func (t *Trace) changed(record int, key int32) bool {
	value := t.value(record, key)
	parents := t.file.Records[record].Parents
	if len(parents) == 0 {
		return value != none
	}
	return !slices.ContainsFunc(parents, func(p int) bool { return t.value(p, key) == value })
}

// fieldChanges says which fields differ between two records.
func (t *Trace) fieldChanges(record, from int) []wontfix.FieldChange {
	changes := []wontfix.FieldChange{}
	was, is := -1, t.text(record)
	if from >= 0 {
		was = t.text(from)
	}
	if was < 0 || is < 0 || was == is {
		return changes
	}
	old, now := t.format.Fields(t.file.Text(was)), t.format.Fields(t.file.Text(is))
	seen := make(map[string]bool)
	for _, f := range slices.Concat(old, now) {
		if seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		if a, b := fieldOf(old, f.Name), fieldOf(now, f.Name); a != b {
			changes = append(changes, wontfix.FieldChange{Name: f.Name, From: a, To: b})
		}
	}
	return changes
}

func fieldOf(fields []Field, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Text
		}
	}
	return ""
}

// Since returns the rows that are not as they were at an earlier commit, in
// the order of the text; those that are gone come last.
func (t *Trace) Since(commit int) []Difference {
	before := t.file.At(t.log, commit)
	var out []Difference
	rows := t.Rows()
	here := make([]bool, len(t.keys))
	for _, r := range rows {
		here[r.key] = true
		old := t.value(before, r.key)
		if old != none && t.values[old] == r.Value {
			continue
		}
		d := Difference{Key: r.Key, To: r.Value, Line: r.Line}
		if old != none {
			d.From = t.values[old]
		}
		out = append(out, d)
	}
	for key := range t.keys {
		if old := t.value(before, int32(key)); !here[key] && old != none {
			out = append(out, Difference{Key: t.keys[key], From: t.values[old]})
		}
	}
	return out
}

// A Difference is a row at two times. A word of "" stands for no row.
type Difference struct {
	Key
	From, To Value
	Line     int // of To
}
