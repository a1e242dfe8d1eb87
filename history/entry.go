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
		from := t.parent(record)
		c := wontfix.EntryCommit{
			Revision: t.log.Revision(t.file.Records[record].Commit), ToFolder: t.folder(record),
			Notes: t.noteChanges(record), Fields: t.fieldChanges(record),
		}
		if from >= 0 {
			c.FromFolder = t.folder(from)
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

// fieldChanges says which fields a record has otherwise than all of its parents.
func (t *Trace) fieldChanges(record int) []wontfix.FieldChange {
	changes := []wontfix.FieldChange{}
	from, is := t.parent(record), t.text(record)
	if from < 0 || is < 0 || t.text(from) < 0 {
		return changes
	}
	now := t.format.Fields(t.file.Text(is))
	var before [][]Field // the first is that of from
	for _, p := range append([]int{from}, t.file.Records[record].Parents...) {
		if text := t.text(p); text >= 0 {
			if text == is {
				return changes
			}
			before = append(before, t.format.Fields(t.file.Text(text)))
		}
	}
	seen := make(map[string]bool)
	for _, f := range slices.Concat(before[0], now) {
		if seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		to := fieldOf(now, f.Name)
		if !slices.ContainsFunc(before, func(old []Field) bool { return fieldOf(old, f.Name) == to }) {
			changes = append(changes, wontfix.FieldChange{Name: f.Name, From: fieldOf(before[0], f.Name), To: to})
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
