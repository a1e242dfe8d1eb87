package history

import (
	"slices"

	"wontfix"
)

// none stands for a row that is not there.
const none = -1

// A Trace is what became of the rows of one entry, up to one commit.
type Trace struct {
	log    *Log
	format *Format
	file   *File
	at     int // the record that holds at the commit; -1: none

	keys   []Key
	values []Value
	tables [][]int32         // for each text the value of each key
	plain  []bool            // of texts: each row has a word and a line of its own
	rough  bool              // not all are
	rows   []rowOf           // for each line
	more   map[int32][]rowOf // by line: a line can hold more than one

	noteOf   []*noteSet                   // of each text; see noteSetOf
	noteSets map[string]*noteSet          // by the lines between the rows
	lineKey  []byte                       // memory for noteSetOf
	diffs    map[int][]wontfix.NoteChange // by record
	own      map[int]string               // by record
	classes  map[rowAt]classOf
	siblings map[siblingOf]string
	reasons  map[string]wontfix.Reasons // see reasonsIn
	queue    []int                      // memory for walks
	seen     []uint32                   // of records: the last walk that came there
	walk     uint32
	texts    []int // of records: see text
	// changes has, for each key, what became of the row, newest first, from its
	// number in firstOf on; firstOf is nil if one record does not lead to the
	// next everywhere. See isLine.
	changes   []turn
	firstOf   []int32
	lineKnown bool
	meanings  []*meaningOf // of values, when asked for
	robots    []int8       // of records: 1 if a robot made the commit, -1 if not
}

// A meaningOf is what a value means.
type meaningOf struct {
	wontfix.Meaning
	gone bool // it says that others carry the package on, or nobody
}

// NewTrace follows the rows of an entry as they were at a commit.
func NewTrace(log *Log, format *Format, file *File, commit int) *Trace {
	t := newTrace(log, format, file)
	t.at = file.At(log, commit)
	return t
}

func newTrace(log *Log, format *Format, file *File) *Trace {
	t := &Trace{log: log, format: format, file: file, at: -1}
	t.readLines()
	return t
}

// text returns the text of a record, -1 if the entry is gone. What cannot be
// had is taken to be as it was before.
func (t *Trace) text(record int) int {
	if record < 0 {
		return -1
	}
	if t.texts == nil {
		t.texts = make([]int, len(t.file.Records)) // plus two; 0: not looked at
	}
	if known := t.texts[record]; known != 0 {
		return known - 2
	}
	r := &t.file.Records[record]
	p, ok := r.Place()
	text := -1
	switch {
	case !ok:
	case p.Text >= 0:
		text = p.Text
	case len(r.Parents) > 0:
		text = t.text(t.parent(record))
	}
	t.texts[record] = text + 2
	return text
}

// unread reports whether the text of a record is missing.
func (t *Trace) unread(record int) bool {
	if record < 0 {
		return false
	}
	p, ok := t.file.Records[record].Place()
	return ok && p.Text == Missing
}

// value returns what a row says in a record.
func (t *Trace) value(record int, key int32) int32 {
	if record < 0 {
		return none
	}
	if t.isLine() {
		if turns := t.turns(record, key); len(turns) > 0 {
			return turns[0].value
		}
		return none
	}
	if text := t.text(record); text >= 0 {
		return t.table(text)[key]
	}
	return none
}

// A change is one event in the life of a row: the record that brought a value,
// and the record before it with another.
type change struct {
	record, from int // from: -1 if there was nothing
	key          int32
	old, new     int32
}

// introduced returns the change that brought the value which a row has in a
// record. It goes to whichever parent has the same value: a side branch that
// decided gets the credit, and not the merge. Of two sides that have made the
// same change, it is the one that was first.
func (t *Trace) introduced(record int, key int32) change {
	if t.isLine() {
		c := change{from: -1, key: key, old: none, new: none}
		turns := t.turns(record, key)
		if len(turns) > 0 {
			c.record, c.new = int(turns[0].record), turns[0].value
		}
		if len(turns) > 1 {
			c.old = turns[1].value
		}
		c.from = c.record - 1
		return c
	}
	value := t.value(record, key)
	for { // up to the first merge
		parents := t.file.Records[record].Parents
		if len(parents) != 1 || parents[0] < 0 || t.value(parents[0], key) != value {
			break
		}
		record = parents[0]
	}
	best := -1
	t.walk++
	if t.seen == nil {
		t.seen = make([]uint32, len(t.file.Records))
	}
	queue := append(t.queue[:0], record)
	for len(queue) > 0 {
		r := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if t.seen[r] == t.walk {
			continue
		}
		t.seen[r] = t.walk
		agree := 0
		for _, p := range t.file.Records[r].Parents {
			if p >= 0 && t.value(p, key) == value {
				queue = append(queue, p)
				agree++
			}
		}
		if agree == 0 && (best < 0 || t.log.earlier(t.file.Records[r].Commit, t.file.Records[best].Commit)) {
			best = r
		}
	}
	t.queue = queue
	c := change{record: best, from: t.parent(best), key: key, old: none, new: value}
	if c.from >= 0 {
		c.old = t.value(c.from, key)
	}
	return c
}

// parent returns the record before another: of a merge, the one that was made
// last. It is -1 if there is none.
func (t *Trace) parent(record int) int {
	last := -1
	for _, p := range t.file.Records[record].Parents {
		if p >= 0 && (last < 0 || t.log.earlier(t.file.Records[last].Commit, t.file.Records[p].Commit)) {
			last = p
		}
	}
	return last
}

// before returns the change before another in the life of the same row, false
// if there is none.
func (t *Trace) before(c change) (change, bool) {
	if c.from < 0 {
		return change{}, false
	}
	b := t.introduced(c.from, c.key)
	return b, b.new != none || b.old != none
}

// commit returns the commit of a record.
func (t *Trace) commit(record int) *wontfix.Commit {
	return t.log.Commit(t.file.Records[record].Commit)
}

// born reports whether there was no such entry before a record.
func (t *Trace) born(record int) bool {
	for _, p := range t.file.Records[record].Parents {
		if p >= 0 && len(t.file.Records[p].Places) > 0 {
			return false
		}
	}
	return true
}

// meaning returns what a value means.
func (t *Trace) meaning(value int32) *meaningOf {
	if t.meanings == nil {
		t.meanings = make([]*meaningOf, len(t.values))
	}
	if t.meanings[value] == nil {
		v := &t.values[value]
		t.meanings[value] = &meaningOf{t.format.Meaning(v.Word, v.Detail), v.Word == "ignored" && gone.MatchString(v.Detail)}
	}
	return t.meanings[value]
}

// robot reports whether a robot made the commit of a record.
func (t *Trace) robot(record int) bool {
	if t.robots == nil {
		t.robots = make([]int8, len(t.file.Records))
	}
	known := &t.robots[record]
	if *known == 0 {
		*known = -1
		if t.format.Robot(t.commit(record)) {
			*known = 1
		}
	}
	return *known > 0
}

// keyOf returns the number of a key, none if no version of the entry has it.
func (t *Trace) keyOf(k Key) int32 { return int32(slices.Index(t.keys, k)) }
