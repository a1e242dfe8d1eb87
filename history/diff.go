package history

import (
	"iter"
	"slices"
	"sort"
)

// A hunk says what becomes of a text: so many lines are kept, then some dropped,
// then some inserted.
type hunk struct {
	keep         int
	behind       int32 // the line after which they are inserted; -1: none
	drop, insert []int32
}

// A hunks is a list of hunks. An entry has thousands: they are kept without
// pointers.
type hunks struct {
	heads []hunkHead
	lines []int32 // of each hunk those that it drops, then those that it inserts
}

// A hunkHead has the numbers of a hunk: of lines, but for behind.
type hunkHead struct{ keep, behind, drop, insert int32 }

func (h *hunks) add(x hunk) {
	h.heads = append(h.heads, hunkHead{int32(x.keep), x.behind, int32(len(x.drop)), int32(len(x.insert))})
	h.lines = append(append(h.lines, x.drop...), x.insert...)
}

func (h hunks) all() iter.Seq[hunk] {
	return func(yield func(hunk) bool) {
		lines := h.lines
		for _, x := range h.heads {
			drop, insert := lines[:x.drop], lines[x.drop:x.drop+x.insert]
			lines = lines[x.drop+x.insert:]
			if !yield(hunk{int(x.keep), x.behind, drop, insert}) {
				return
			}
		}
	}
}

// apply appends to lines what the hunks make of from.
func (h hunks) apply(lines, from []int32) []int32 {
	for x := range h.all() {
		lines = append(append(lines, from[:x.keep]...), x.insert...)
		from = from[x.keep+len(x.drop):]
	}
	return append(lines, from...)
}

// size returns how many lines the hunks make of some.
func (h hunks) size(lines int) int {
	for _, x := range h.heads {
		lines += int(x.insert - x.drop)
	}
	return lines
}

// A differ compares texts of one entry, whose lines are numbers below lines.
type differ struct {
	lines  int
	places []int32 // of a line of the one text, plus one; -1: more than one
	seen   []bool  // in the other
	hunks  hunks
}

// diff returns hunks that make b of a, valid until it is called again. It keeps
// what is in the same order in both, found by the lines that each has once, so it
// is not always the shortest.
func (d *differ) diff(a, b []int32) hunks {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	endA, endB := len(a)-tail, len(b)-tail
	d.hunks.heads, d.hunks.lines = d.hunks.heads[:0], d.hunks.lines[:0]
	from, fromB := 0, 0 // what the hunks cover
	emit := func(atA, atB, toA, toB int) {
		if atA < toA || atB < toB {
			h := hunk{atA - from, -1, a[atA:toA], b[atB:toB]}
			if atB > 0 {
				h.behind = b[atB-1]
			}
			d.hunks.add(h)
			from = toA
		}
	}
	fromA := head
	fromB = head
	for _, m := range d.anchors(a[head:endA], b[head:endB]) {
		i, j := m[0]+head, m[1]+head
		if i < fromA || j < fromB {
			continue // an earlier anchor has grown over it
		}
		lo, hi := 0, 1
		for i-lo > fromA && j-lo > fromB && a[i-lo-1] == b[j-lo-1] {
			lo++
		}
		for i+hi < endA && j+hi < endB && a[i+hi] == b[j+hi] {
			hi++
		}
		emit(fromA, fromB, i-lo, j-lo)
		fromA, fromB = i+hi, j+hi
	}
	emit(fromA, fromB, endA, endB)
	return d.hunks
}

// anchors returns places of lines that both texts have exactly once, the
// longest list that is in the same order in both.
func (d *differ) anchors(a, b []int32) [][2]int {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	var cards []card
	if len(a)*len(b) <= 1024 {
		cards = cardsOfFew(a, b)
	} else {
		cards = d.cardsOfMany(a, b)
	}
	// The longest ascending row of places in a, by patience sorting.
	var piles []int // the top card of each
	for n := range cards {
		c := &cards[n]
		k := sort.Search(len(piles), func(k int) bool { return cards[piles[k]].a >= c.a })
		c.below = -1
		if k > 0 {
			c.below = piles[k-1]
		}
		if k == len(piles) {
			piles = append(piles, 0)
		}
		piles[k] = n
	}
	out := make([][2]int, len(piles))
	if len(piles) > 0 {
		for k, n := len(piles)-1, piles[len(piles)-1]; k >= 0; k-- {
			out[k] = [2]int{cards[n].a, cards[n].b}
			n = cards[n].below
		}
	}
	return out
}

// A card is a line that two texts have exactly once, by its places.
type card struct{ a, b, below int }

// cardsOfFew returns the cards of short texts, in order of b.
func cardsOfFew(a, b []int32) []card {
	var cards []card
	for j, line := range b {
		if i := once(a, line); i >= 0 && once(b, line) == j {
			cards = append(cards, card{a: i, b: j})
		}
	}
	return cards
}

// once returns the place of a line, -1 if it is not there exactly once.
func once(lines []int32, line int32) int {
	i := slices.Index(lines, line)
	if i < 0 || slices.Contains(lines[i+1:], line) {
		return -1
	}
	return i
}

// cardsOfMany returns the cards of any texts, in order of b.
func (d *differ) cardsOfMany(a, b []int32) []card {
	if d.places == nil {
		d.places, d.seen = make([]int32, d.lines), make([]bool, d.lines)
	}
	for i, line := range a {
		if d.places[line] != 0 {
			i = -2
		}
		d.places[line] = int32(i + 1)
	}
	for _, line := range b {
		if d.seen[line] {
			d.places[line] = -1
		}
		d.seen[line] = true
	}
	cards := make([]card, 0, min(len(a), len(b)))
	for j, line := range b {
		if i := d.places[line]; i > 0 {
			cards = append(cards, card{a: int(i) - 1, b: j})
		}
	}
	for _, line := range a {
		d.places[line] = 0
	}
	for _, line := range b {
		d.places[line], d.seen[line] = 0, false
	}
	return cards
}
