package history

import (
	"slices"
	"sort"
	"sync"

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

// A turn says what a row says from a record on.
type turn struct{ record, value int32 }

// A meaningOf is what a value means.
type meaningOf struct {
	wontfix.Meaning
	gone bool // it says that others carry the package on, or nobody
}

// A rowOf is what a line says of rows.
type rowOf struct{ key, value int32 }

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

// A numbers has the keys and values of one trace and their numbers. Its memory is
// used again.
type numbers struct {
	key    map[Key]int32
	value  map[Value]int32
	keys   []Key
	values []Value
}

var numbersPool sync.Pool

const numbersKept = 1 << 12

// readLines finds the rows in the lines, which everything needs that has to do
// with rows.
func (t *Trace) readLines() {
	if t.rows != nil {
		return
	}
	t.tables, t.plain = make([][]int32, len(t.file.texts)), make([]bool, len(t.file.texts))
	n, _ := numbersPool.Get().(*numbers)
	if n == nil {
		n = &numbers{key: make(map[Key]int32), value: make(map[Value]int32)}
	}
	defer func() {
		t.keys, t.values = slices.Clone(n.keys), slices.Clone(n.values)
		if len(n.keys)+len(n.values) < numbersKept { // it costs as much to clear as a map has ever had
			clear(n.key)
			clear(n.value)
			clear(n.keys)
			clear(n.values)
			n.keys, n.values = n.keys[:0], n.values[:0]
			numbersPool.Put(n)
		}
	}()
	t.rows = make([]rowOf, len(t.file.lines))
	for i, line := range t.file.lines {
		row := &t.rows[i]
		row.key = none
		t.format.Rows(line, func(k Key, v Value) {
			key, ok := n.key[k]
			if !ok {
				key = int32(len(n.keys))
				n.keys, n.key[k] = append(n.keys, k), key
			}
			value, ok := n.value[v]
			if !ok {
				value = int32(len(n.values))
				n.values, n.value[v] = append(n.values, v), value
			}
			if row.key == none {
				row.key, row.value = key, value
				return
			}
			if t.more == nil {
				t.more = make(map[int32][]rowOf)
			}
			t.more[int32(i)] = append(t.more[int32(i)], rowOf{key, value})
		})
	}
}

// anyRow reports whether is is true of any row in lines.
func (t *Trace) anyRow(lines []int32, is func(*rowOf) bool) bool {
	for _, line := range lines {
		row := &t.rows[line]
		if row.key == none {
			continue
		}
		if is(row) {
			return true
		}
		more := t.more[line]
		for i := range more {
			if is(&more[i]) {
				return true
			}
		}
	}
	return false
}

// table returns the rows of a text: of each key the value that it has first.
func (t *Trace) table(text int) []int32 {
	var way []int // texts, each made of the next
	from := text
	for !t.rough && t.tables[from] == nil && from < len(t.file.made) && t.file.made[from].base >= 0 {
		way = append(way, from)
		from = int(t.file.made[from].base)
	}
	if t.tables[from] == nil {
		t.tables[from] = t.readTable(from)
	}
	for _, n := range slices.Backward(way) {
		if t.tables[n] = t.nextTable(n, from); t.tables[n] == nil {
			t.tables[text], t.rough = t.readTable(text), true
			break
		}
		from = n
	}
	return t.tables[text]
}

// nextTable returns the rows of a text that is made of another, by what differs;
// nil if that does not tell.
func (t *Trace) nextTable(text, base int) []int32 {
	if !t.plain[base] {
		return nil
	}
	table := slices.Clone(t.tables[base])
	hunks := t.file.hunksOf(text)
	for h := range hunks.all() {
		t.anyRow(h.drop, func(r *rowOf) bool {
			table[r.key] = none
			return false
		})
	}
	for h := range hunks.all() {
		if t.anyRow(h.insert, func(r *rowOf) bool {
			had := table[r.key] != none
			table[r.key] = r.value
			return had || t.values[r.value].Word == ""
		}) {
			return nil
		}
	}
	t.plain[text] = true
	return table
}

// readTable returns the rows of a text by all of its lines.
func (t *Trace) readTable(text int) []int32 {
	table := make([]int32, len(t.keys))
	for i := range table {
		table[i] = none
	}
	plain := true
	for _, line := range t.file.linesOf(text) {
		row := &t.rows[line]
		if row.key == none {
			continue
		}
		more := t.more[line]
		plain = plain && table[row.key] == none && more == nil
		if table[row.key] == none {
			table[row.key] = row.value
		}
		for _, row := range more {
			if table[row.key] == none {
				table[row.key] = row.value
			}
		}
	}
	for i, v := range table {
		if v != none && t.values[v].Word == "" {
			table[i], plain = none, false
		}
	}
	t.plain[text] = plain
	return table
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

// isLine reports whether each record comes after the one before it alone, as in
// most entries. Then it finds what became of each row.
func (t *Trace) isLine() bool {
	if t.lineKnown {
		return t.firstOf != nil
	}
	t.lineKnown = true
	for i := range t.file.Records {
		parents := t.file.Records[i].Parents
		if len(parents) > 1 || len(parents) == 1 && parents[0] != i-1 || i > 0 && len(parents) == 0 {
			return false
		}
	}
	if t.follow() {
		return true
	}
	var turns []keyTurn
	before := slices.Repeat([]int32{none}, len(t.keys))
	for i := range t.file.Records {
		table := []int32(nil)
		if text := t.text(i); text >= 0 {
			table = t.table(text)
		}
		for key := range t.keys {
			value := int32(none)
			if table != nil {
				value = table[key]
			}
			if value != before[key] {
				before[key] = value
				turns = append(turns, keyTurn{int32(key), turn{int32(i), value}})
			}
		}
	}
	slices.Reverse(turns)
	t.sortTurns(turns)
	return true
}

// A keyTurn is a turn of a row.
type keyTurn struct {
	key int32
	turn
}

// sortTurns puts turns, newest first, in order of their keys.
func (t *Trace) sortTurns(turns []keyTurn) {
	t.changes, t.firstOf = make([]turn, len(turns)), make([]int32, len(t.keys)+2)
	for _, x := range turns {
		t.firstOf[x.key+2]++
	}
	for key := range t.keys {
		t.firstOf[key+2] += t.firstOf[key+1]
	}
	for _, x := range turns {
		at := &t.firstOf[x.key+1]
		t.changes[*at] = x.turn
		*at++
	}
}

// A followRoom is memory that is used for one entry after the other.
type followRoom struct {
	has           []bool
	now           []int32 // values
	turnedAt      []int32 // the record of the last turn
	before, after []int32 // lines
	later         []rowOf // the rows that differ, as they are in the later text
	turns         []keyTurn
}

var followRooms = sync.Pool{New: func() any { return &followRoom{} }}

// follow finds what became of the rows, back from the last text, by the lines in
// which each differs from the one after it. It reports false if a text has a row
// twice: then the first counts, wherever that is.
func (t *Trace) follow() bool {
	room := followRooms.Get().(*followRoom)
	defer followRooms.Put(room)
	has, now, turnedAt := slices.Grow(room.has[:0], len(t.keys))[:len(t.keys)], room.now[:0], room.turnedAt[:0]
	clear(has)
	for range t.keys {
		now, turnedAt = append(now, none), append(turnedAt, none)
	}
	turns, before, after, later := room.turns[:0], room.before, room.after, room.later
	defer func() { *room = followRoom{has, now, turnedAt, before, after, later, turns} }()
	turnTo := func(record int, key, value int32) {
		if turnedAt[key] != int32(record) {
			turnedAt[key] = int32(record)
			turns = append(turns, keyTurn{key, turn{int32(record), value}})
		}
	}
	// have adds the rows of some lines and reports whether one was there.
	have := func(lines []int32) bool {
		return t.anyRow(lines, func(r *rowOf) bool {
			twice := has[r.key]
			has[r.key], now[r.key] = true, r.value
			if t.values[r.value].Word == "" {
				now[r.key] = none
			}
			return twice
		})
	}
	text := -1
	for i := len(t.file.Records); i >= 0; i-- {
		was := -1
		if i > 0 {
			was = t.text(i - 1)
		}
		switch {
		case was == text:
			continue
		case text < 0:
			if have(t.file.linesOf(was)) {
				return false
			}
			for key, value := range now {
				if i < len(t.file.Records) && value != none {
					turnTo(i, int32(key), none)
				}
			}
		case was < 0:
			for key, value := range now {
				if value != none {
					turnTo(i, int32(key), value)
				}
				has[key], now[key] = false, none
			}
		default:
			before, after = t.file.differing(before[:0], after[:0], was, text)
			later = later[:0]
			note := func(r *rowOf) bool {
				later = append(later, rowOf{r.key, now[r.key]})
				return false
			}
			t.anyRow(before, note)
			t.anyRow(after, note)
			t.anyRow(after, func(r *rowOf) bool {
				has[r.key], now[r.key] = false, none
				return false
			})
			if have(before) {
				return false
			}
			for _, l := range later {
				if l.value != now[l.key] {
					turnTo(i, l.key, l.value)
				}
			}
		}
		text = was
	}
	t.sortTurns(turns)
	return true
}

// turns returns the changes of a row that lie before a record or in it.
func (t *Trace) turns(record int, key int32) []turn {
	list := t.changes[t.firstOf[key]:t.firstOf[key+1]]
	if len(list) == 0 || int(list[0].record) <= record {
		return list
	}
	return list[sort.Search(len(list), func(i int) bool { return int(list[i].record) <= record }):]
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

// A Row is a row that the entry has.
type Row struct {
	Key
	Value
	Line int // in its text, from 1; lines end with LF alone
	key  int32
}

// Rows returns the rows that the entry has at the commit, in the order of its
// text.
func (t *Trace) Rows() []Row {
	lines := t.rowsOf(t.at)
	if len(lines) == 0 {
		return nil
	}
	table := t.table(t.text(t.at))
	rows := make([]Row, len(lines))
	for i, r := range lines {
		rows[i] = Row{t.keys[r.key], t.values[table[r.key]], int(r.line), r.key}
	}
	return rows
}

// A rowLine is a row and its line, from 1.
type rowLine struct{ key, line int32 }

// rowsOf returns the rows of a record.
func (t *Trace) rowsOf(record int) []rowLine {
	text := t.text(record)
	if text < 0 {
		return nil
	}
	table := t.table(text)
	rows := make([]rowLine, 0, len(table))
	seen := make([]bool, len(t.keys))
	lines := t.file.linesOf(text)
	for i := range lines {
		t.anyRow(lines[i:i+1], func(r *rowOf) bool {
			if !seen[r.key] && table[r.key] != none {
				rows = append(rows, rowLine{r.key, int32(i + 1)})
			}
			seen[r.key] = true
			return false
		})
	}
	return rows
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
