package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
)

// ErrBytes says that packed bytes are not what this package has written.
var ErrBytes = errors.New("history: bytes cannot be read")

// maxText bounds the lines that all texts of an entry have together, and
// maxHunkLines those that differ.
const (
	maxText      = 1 << 28
	maxHunkLines = 1 << 26
)

// Pack packs the history of an entry. The text of the entry today, which is
// kept elsewhere, is left out; it is empty if the entry is gone.
//
// The form, in unsigned varints: length of what follows up to the lines;
// number of records; for each its commit as the distance to the one before,
// the number of parents, the distance to each parent's record (0: none), the
// number of places, and for each the folder and the text plus one. Then the
// number of texts, 1 if the first is today's, else 0, and for each other text,
// newest first, the text that it is made of plus one (one before it in this
// order; 0: the empty text) and the number of hunks; for each hunk the lines
// kept, dropped and inserted, and the latter: 0 for the next new line, 1 for
// the next new line, which lacks its end, or the number of a line plus two.
// Then come the new lines, each with its end.
//
// Lines are numbered as they come: those of today's text first.
func (f *File) Pack(today []byte) []byte {
	text := -1
	if len(today) > 0 {
		order, _, _ := f.newestFirst(-1)
		for _, n := range order {
			if f.same(n, today) {
				text = n
				break
			}
		}
	}
	return f.pack(text)
}

// packCut is as Pack, with the number of the text of today, or -1.
func (f *File) packCut(today int) []byte {
	// A text that was added has the lines that it was cut into, and so has the one
	// that others were packed by; of what was made of hunks that is to be seen.
	added := len(f.made) == 0 || f.made[0].base == unmade && (today == 0 || today >= len(f.made))
	if today >= 0 && !added && !f.same(today, f.Text(today)) {
		today = -1
	}
	return f.pack(today)
}

// pack is as packCut, of a text that was cut.
func (f *File) pack(today int) []byte {
	order, rank, asToday := f.newestFirst(today)
	p := packers.Get().(*packer)
	defer packers.Put(p)
	p.head, p.lines, p.count = p.head[:0], p.lines[:0], 0
	p.numbers = slices.Grow(p.numbers[:0], len(f.lines))[:len(f.lines)]
	clear(p.numbers)
	p.records(f.Records, rank)
	p.uint(len(order))
	p.uint(asToday)
	bases := f.bases(rank)
	differ := differ{lines: len(f.lines)}
	for i, n := range order {
		if i < asToday {
			for _, line := range f.linesOf(n) {
				p.number(line)
			}
			continue
		}
		base := i - 1
		if later := bases[n]; later >= 0 {
			base = int(later)
		}
		p.uint(base + 1)
		if base >= 0 {
			base = order[base]
		}
		if n < len(f.made) && int(f.made[n].base) == base {
			p.hunks(f, f.hunksOf(n))
		} else {
			p.hunks(f, differ.diff(f.linesOf(base), f.linesOf(n)))
		}
	}
	out := binary.AppendUvarint(make([]byte, 0, len(p.head)+len(p.lines)+binary.MaxVarintLen64), uint64(len(p.head)))
	return append(append(out, p.head...), p.lines...)
}

// A packer is memory that is used for one file after the other.
type packer struct {
	head, lines []byte
	numbers     []int32 // of each line, plus one; 0: has not come yet
	count       int32
}

var packers = sync.Pool{New: func() any { return &packer{} }}

func (p *packer) uint(v int) { p.head = binary.AppendUvarint(p.head, uint64(v)) }

// number gives a line its number if it has none, and reports whether it is new.
func (p *packer) number(line int32) bool {
	if p.numbers[line] != 0 {
		return false
	}
	p.count++
	p.numbers[line] = p.count
	return true
}

func (p *packer) records(records []Record, rank []int) {
	p.uint(len(records))
	last := 0
	for i := range records {
		r := &records[i]
		p.uint(r.Commit - last)
		last = r.Commit
		p.uint(len(r.Parents))
		for _, parent := range r.Parents {
			if parent < 0 {
				parent = i
			}
			p.uint(i - parent)
		}
		p.uint(len(r.Places))
		for _, place := range r.Places {
			p.uint(place.Dir)
			if place.Text == Missing {
				p.uint(0)
			} else {
				p.uint(rank[place.Text] + 1)
			}
		}
	}
}

func (p *packer) hunks(f *File, list hunks) {
	p.uint(len(list.heads))
	for h := range list.all() {
		p.uint(h.keep)
		p.uint(len(h.drop))
		p.uint(len(h.insert))
		for _, n := range h.insert {
			if !p.number(n) {
				p.uint(int(p.numbers[n]) + 1)
				continue
			}
			line, ok := strings.CutSuffix(f.lines[n], "\n")
			if ok {
				p.uint(0)
			} else {
				p.uint(1)
			}
			p.lines = append(append(p.lines, line...), '\n')
		}
	}
}

// newestFirst returns the texts in the order in which they are packed, today's
// first, and the place of each in it. asToday is 1 if there is today's, else today
// is -1.
func (f *File) newestFirst(today int) (order, rank []int, asToday int) {
	last := make([]int, len(f.texts)) // the record that had it last
	for i := range f.Records {
		for _, p := range f.Records[i].Places {
			if p.Text >= 0 {
				last[p.Text] = i + 1
			}
		}
	}
	order, rank = make([]int, len(f.texts)), make([]int, len(f.texts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return last[b] - last[a] })
	if i := slices.Index(order, today); i >= 0 {
		copy(order[1:i+1], order[:i])
		order[0], asToday = today, 1
	}
	for i, n := range order {
		rank[n] = i
	}
	return order, rank, asToday
}

// same reports whether a text has the lines of some bytes, and those that are equal
// by one number, as they have when they are unpacked. Bytes that nobody has packed
// may say otherwise.
func (f *File) same(text int, data []byte) bool {
	lines := f.linesOf(text)
	numbers := make(map[string]int32)
	for line := range bytes.Lines(data) {
		if len(lines) == 0 || f.lines[lines[0]] != string(line) {
			return false
		}
		if n, ok := numbers[string(line)]; ok && n != lines[0] {
			return false
		}
		numbers[f.lines[lines[0]]] = lines[0]
		lines = lines[1:]
	}
	return len(lines) == 0
}

// bases returns, for each text, the place in an order of the last text that took
// its place and comes before it there; -1 if there is none.
func (f *File) bases(rank []int) []int32 {
	bases := slices.Repeat([]int32{-1}, len(f.texts))
	for i := range f.Records {
		to, ok := f.Records[i].Place()
		if !ok || to.Text < 0 {
			continue
		}
		for _, parent := range f.Records[i].Parents {
			if parent < 0 {
				continue
			}
			if from, ok := f.Records[parent].Place(); ok && from.Text >= 0 && rank[to.Text] < rank[from.Text] {
				bases[from.Text] = int32(rank[to.Text])
			}
		}
	}
	return bases
}

// Unpack reads what [File.Pack] has written, with the same text of today. The
// error is [ErrBytes].
func Unpack(id string, data, today []byte) (*File, error) {
	r := &unpacker{data: data, unpackRoom: unpackRooms.Get().(*unpackRoom)}
	n := r.uint(len(data))
	if n > len(r.data) {
		return nil, ErrBytes
	}
	r.data, r.lines = r.data[:n], string(r.data[n:])
	f := &File{ID: id}
	f.Records = r.records()
	texts := r.uint(len(data))
	asToday := r.uint(1)
	total := 0
	f.texts, f.made = make([][]int32, 0, min(texts, len(r.data))), make([]made, 0, min(texts, len(r.data)))
	f.hunks = hunks{r.hunks.heads[:0], r.hunks.lines[:0]}
	for i := 0; i < texts && !r.bad; i++ {
		m := made{unmade, int32(len(f.hunks.heads)), int32(len(f.hunks.lines))}
		if i < asToday {
			f.texts = append(f.texts, r.todays(f, today))
		} else {
			m.base = int32(r.text(f, i))
			f.texts = append(f.texts, nil)
		}
		f.made = append(f.made, m)
		if total += len(*r.recent(i)); total > maxText {
			return nil, ErrBytes
		}
	}
	r.hunks = f.hunks
	f.hunks = hunks{slices.Clone(r.hunks.heads), slices.Clone(r.hunks.lines)}
	r.done()
	for i := range f.Records {
		for _, p := range f.Records[i].Places {
			r.bad = r.bad || p.Text >= len(f.texts)
		}
	}
	if r.bad || len(r.data) > 0 || len(r.lines) > 0 {
		return nil, ErrBytes
	}
	return f, nil
}

// Unchanged returns the packed history of an entry that has been in a folder, as
// it is today, since the first commit: see [Log.Implied].
func Unchanged(id string, dir int, today []byte) []byte {
	f := NewFile(id)
	f.Records = []Record{{Commit: 0, Places: []Place{{dir, f.AddText(today)}}}}
	return f.Pack(today)
}

// Touched reports whether a packed history has a record of a commit that is no
// ancestor of the given one, and so is later.
func Touched(log *Log, data []byte, since int) (bool, error) {
	r := &unpacker{data: data}
	n := r.uint(len(data))
	if n > len(r.data) {
		return false, ErrBytes
	}
	r.data = r.data[:n]
	records := r.records()
	if r.bad {
		return false, ErrBytes
	}
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Commit >= log.Len() {
			return false, ErrBytes
		}
		if !log.Reaches(since, records[i].Commit) {
			return true, nil
		}
	}
	return false, nil
}

type unpacker struct {
	data  []byte
	lines string
	bad   bool
	open  bool // there are lines that lack their end
	*unpackRoom
}

// An unpackRoom is memory that is used for one file after the other.
type unpackRoom struct {
	today map[string]int32
	texts [8][]int32 // the lines of the texts that were read last, by their numbers
	hunks hunks
}

var unpackRooms = sync.Pool{New: func() any { return &unpackRoom{today: make(map[string]int32)} }}

// roomKept is how many lines a list has at most whose memory is used again.
const roomKept = 1 << 20

// done gives the room back, unless it has become large.
func (r *unpackRoom) done() {
	large := len(r.today) >= numbersKept || cap(r.hunks.lines) > roomKept || cap(r.hunks.heads) > roomKept // for today see there
	for i := range r.texts {
		large = large || cap(r.texts[i]) > roomKept
	}
	if !large {
		clear(r.today)
		unpackRooms.Put(r)
	}
}

// recent returns the lines of text number i, one of the last that were read.
func (r *unpackRoom) recent(i int) *[]int32 { return &r.texts[i%len(r.texts)] }

// uint reads a number up to limit.
func (r *unpacker) uint(limit int) int {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || v > uint64(limit) {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return int(v)
}

// todays reads the text of today, which may have a line twice.
func (r *unpacker) todays(f *File, today []byte) []int32 {
	r.open = !bytes.HasSuffix(today, []byte{'\n'})
	count := bytes.Count(today, []byte{'\n'}) + 1
	f.lines = make([]string, 0, count+strings.Count(r.lines, "\n"))
	text := make([]int32, 0, count)
	for line := range strings.Lines(string(today)) {
		n, ok := r.today[line]
		if !ok {
			n = int32(len(f.lines))
			r.today[line] = n
			f.lines = append(f.lines, line)
		}
		text = append(text, n)
	}
	*r.recent(0) = append((*r.recent(0))[:0], text...)
	return text
}

func (r *unpacker) records() []Record {
	count := r.uint(len(r.data))
	records := make([]Record, 0, count)
	parents, places := make([]int, 0, count), make([]Place, 0, count) // most records have one of each
	commit := 0
	for i := range count {
		var rec Record
		step := r.uint(1 << 30)
		r.bad = r.bad || i > 0 && step == 0
		commit += step
		rec.Commit = commit
		from := len(parents)
		for range r.uint(len(r.data)) {
			if d := r.uint(i); d > 0 {
				parents = append(parents, i-d)
			} else {
				parents = append(parents, -1)
			}
		}
		rec.Parents = parents[from:len(parents):len(parents)]
		from = len(places)
		for range r.uint(len(r.data)) {
			places = append(places, Place{r.uint(1 << 16), r.uint(1<<30) - 1})
		}
		rec.Places = places[from:len(places):len(places)]
		if r.bad {
			return nil
		}
		records = append(records, rec)
	}
	return records
}

// text reads how text number i is made, and returns of which.
func (r *unpacker) text(f *File, i int) (base int) {
	base = r.uint(i) - 1
	var from []int32
	if base > i-len(r.texts) && base >= 0 {
		from = *r.recent(base)
	} else {
		from = f.linesOf(base)
	}
	text := (*r.recent(i))[:0]
	for range r.uint(len(r.data)) {
		h := hunk{keep: r.uint(len(from)), behind: -1}
		text = append(text, from[:h.keep]...)
		from = from[h.keep:]
		if len(text) > 0 {
			h.behind = text[len(text)-1]
		}
		drop := r.uint(len(from))
		h.drop, from = from[:drop], from[drop:]
		at := len(text)
		for range r.uint(len(r.data)) {
			switch n := r.uint(len(f.lines) + 1); {
			case r.bad:
				return base
			case n >= 2:
				text = append(text, int32(n-2))
			default:
				end := strings.IndexByte(r.lines, '\n')
				if end < n {
					r.bad = true
					return base
				}
				r.open = r.open || n == 1
				text = append(text, int32(len(f.lines)))
				f.lines = append(f.lines, r.lines[:end+1-n])
				r.lines = r.lines[end+1:]
			}
		}
		h.insert = text[at:]
		f.hunks.add(h)
		if r.bad || len(text) > maxText || len(f.hunks.lines) > maxHunkLines {
			r.bad = true
			return base
		}
	}
	text = append(text, from...)
	// A line that lacks its end can be the last one alone.
	r.bad = r.bad || r.open && len(text) > 0 && slices.ContainsFunc(text[:len(text)-1], func(n int32) bool {
		return !strings.HasSuffix(f.lines[n], "\n")
	})
	*r.recent(i) = text
	return base
}
