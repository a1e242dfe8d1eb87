package history

import (
	"fmt"
	"slices"
	"time"

	"wontfix"
)

// Timeline returns what became of a row up to the commit, oldest first: its
// changes, and the changes of notes beside it in commits that were about few
// entries.
func (t *Trace) Timeline(k Key) wontfix.Timeline {
	line := wontfix.Timeline{Events: []wontfix.Event{}}
	key := t.keyOf(k)
	if key == none || t.at < 0 {
		return line
	}
	changes := make(map[int][]change) // by record, oldest first: one can change a row and copy it
	for _, c := range t.chain(key) {
		changes[c.record] = slices.Insert(changes[c.record], 0, c)
	}
	var last change // the last one of the row, or of the one that it was copied from
	for _, record := range t.path() {
		here, changed := changes[record], true
		if len(here) == 0 {
			changed = false
			c := change{record: record, from: t.parent(record), key: key}
			c.old, c.new = t.value(c.from, key), t.value(record, key)
			if len(line.Events) > 0 && c.new == none { // beside the row that was copied
				c.key, c.new = last.key, last.new
				c.old = c.new
			}
			if c.old != c.new || t.commit(record).Entries >= manyEntries || len(t.noteChanges(record)) == 0 || len(line.Events) == 0 {
				line.Folded++
				continue
			}
			here = []change{c}
		}
		for _, c := range here {
			if changed {
				last = c
			}
			e := t.event(c, changed)
			if c.key != key {
				e.Row = t.keys[c.key].String()
			}
			line.Events = append(line.Events, e)
		}
	}
	line.Unseen = t.unseen()
	return line
}

// EventsSince returns the changes of a row after a commit, oldest first.
func (t *Trace) EventsSince(k Key, commit int) []wontfix.Event {
	events := []wontfix.Event{}
	key := t.keyOf(k)
	if key == none {
		return events
	}
	for _, c := range slices.Backward(t.chain(key)) {
		if c.key == key && !t.log.Reaches(commit, t.file.Records[c.record].Commit) {
			events = append(events, t.event(c, true))
		}
	}
	return events
}

// path returns the records that led to the one that holds, each behind those
// before it, and of two sides of a merge first the one that was made first. A
// merge that only took a side over is left out.
func (t *Trace) path() []int {
	seen := make(map[int]bool)
	var path []int
	var visit func(record int)
	visit = func(record int) {
		if record < 0 || seen[record] {
			return
		}
		seen[record] = true
		r := &t.file.Records[record]
		parents := slices.DeleteFunc(slices.Clone(r.Parents), func(p int) bool { return p < 0 })
		slices.SortFunc(parents, func(a, b int) int {
			if a != b && t.log.earlier(t.file.Records[a].Commit, t.file.Records[b].Commit) {
				return -1
			}
			return 1
		})
		for _, p := range parents {
			visit(p)
		}
		if !slices.ContainsFunc(parents, func(p int) bool { return slices.Equal(t.file.Records[p].Places, r.Places) }) {
			path = append(path, record)
		}
	}
	visit(t.at)
	return path
}

// event says what a change did. If the row did not change it is about notes.
func (t *Trace) event(c change, changed bool) wontfix.Event {
	e := wontfix.Event{Revision: t.log.Revision(t.file.Records[c.record].Commit), Class: wontfix.ClassNote, Notes: t.noteChanges(c.record)}
	if c.old != none {
		e.From, e.FromDetail = t.values[c.old].Word, t.values[c.old].Detail
	}
	if c.new != none {
		e.To, e.ToDetail = t.values[c.new].Word, t.values[c.new].Detail
	}
	if c.from >= 0 {
		e.FromFolder = t.folder(c.from)
	}
	e.ToFolder = t.folder(c.record)
	e.Reasons = []string{}
	if !changed {
		return e
	}
	class, from := t.class(c)
	o := origin{class: class}
	t.explain(&o, c)
	e.Class, e.Evidence, e.Reasons, e.Words, e.Confidence = class, o.evidence, o.reasons.Words(), o.words, o.confidence
	if from != none {
		e.CopiedFrom = t.keys[from].String()
	}
	e.Reverses = t.reverses(c)
	return e
}

// folder returns the folder that the entry is in, "" if it is gone.
func (t *Trace) folder(record int) string {
	if p, ok := t.file.Records[record].Place(); ok && p.Dir < len(t.format.Folders) {
		return t.format.Folders[p.Dir]
	}
	return ""
}

// unseen says what of the entry's past is not at hand.
func (t *Trace) unseen() string {
	gap, missing := -1, 0
	for i := range t.file.Records {
		if i > t.at {
			break
		}
		if t.commit(i).Gap {
			gap = i
		}
		if t.unread(i) {
			missing++
		}
	}
	switch {
	case gap >= 0 && missing > 0:
		return fmt.Sprintf("what led to the state of %s, and %d versions, are not at hand", t.commit(gap).Committed.Format(time.DateOnly), missing)
	case gap >= 0:
		return fmt.Sprintf("what led to the state of %s is not at hand", t.commit(gap).Committed.Format(time.DateOnly))
	case missing > 0:
		return fmt.Sprintf("%d versions are not at hand", missing)
	}
	return ""
}

// Reversals returns when refusals of a row were taken back, oldest first.
func (t *Trace) Reversals(k Key) []time.Time {
	var times []time.Time
	if key := t.keyOf(k); key != none {
		for _, c := range slices.Backward(t.chain(key)) {
			if t.reverses(c) {
				times = append(times, t.commit(c.record).Time)
			}
		}
	}
	return times
}
