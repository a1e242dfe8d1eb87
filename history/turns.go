package history

import (
	"slices"
	"sort"
	"sync"
)

// A turn says what a row says from a record on.
type turn struct{ record, value int32 }

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
