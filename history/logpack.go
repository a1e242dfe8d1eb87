package history

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"wontfix"
)

// Pack packs a log.
//
// The form, in unsigned varints unless said otherwise: a table of strings
// (their number, their lengths, their bytes: authors and addresses, labels,
// nicks); the number of commits; then columns, each with a value for every
// commit: length of the ID in bytes and the IDs, number of parents and the
// distance to each, author, address, author's time as the distance to the one
// before (zigzag), zone in minutes (zigzag), the time of commit as the
// distance to the author's (zigzag), number of entries doubled plus one for a
// gap, length of the message; the messages. Then the labels spread, the nicks
// the tips and
// the holes.
func (l *Log) Pack() []byte {
	w := logWriter{numbers: map[string]int{}}
	cs := l.Commits
	w.uint(len(cs))
	for i := range cs {
		id, _ := hex.DecodeString(cs[i].ID)
		w.bytes(id)
	}
	for i := range cs {
		w.uint(len(cs[i].Parents))
		for _, p := range cs[i].Parents {
			w.uint(i - p)
		}
	}
	for i := range cs {
		w.string(cs[i].Author)
		w.string(cs[i].Email)
	}
	last := int64(0)
	for i := range cs {
		at := cs[i].Time.Unix()
		_, zone := cs[i].Time.Zone()
		w.int(at - last)
		w.int(int64(zone / 60))
		w.int(cs[i].Committed.Unix() - at)
		last = at
	}
	for i := range cs {
		n := cs[i].Entries << 1
		if cs[i].Gap {
			n |= 1
		}
		w.uint(n)
	}
	for i := range cs {
		w.bytes([]byte(cs[i].Message))
	}
	w.uint(len(l.spread))
	for _, c := range slices.Sorted(maps.Keys(l.spread)) {
		w.uint(c)
		w.uint(len(l.spread[c]))
		for _, label := range l.spread[c] {
			w.string(label)
		}
	}
	w.uint(len(l.nicks))
	for _, nick := range slices.Sorted(maps.Keys(l.nicks)) {
		w.string(nick)
		w.uint(len(l.nicks[nick]))
		for _, who := range slices.Sorted(maps.Keys(l.nicks[nick])) {
			w.string(who)
			w.uint(l.nicks[nick][who])
		}
	}
	w.uint(len(l.tips))
	for _, n := range l.tips {
		w.uint(n)
	}
	w.uint(l.Holes)
	implied := 0
	if l.Implied {
		implied = 1
	}
	w.uint(implied)
	out := binary.AppendUvarint(nil, uint64(len(w.table)))
	for _, s := range w.table {
		out = append(binary.AppendUvarint(out, uint64(len(s))), s...)
	}
	return append(out, w.data...)
}

type logWriter struct {
	data    []byte
	table   []string
	numbers map[string]int
}

func (w *logWriter) uint(v int)  { w.data = binary.AppendUvarint(w.data, uint64(v)) }
func (w *logWriter) int(v int64) { w.data = binary.AppendVarint(w.data, v) }

func (w *logWriter) bytes(b []byte) {
	w.uint(len(b))
	w.data = append(w.data, b...)
}

func (w *logWriter) string(s string) {
	n, ok := w.numbers[s]
	if !ok {
		n = len(w.table)
		w.numbers[s] = n
		w.table = append(w.table, s)
	}
	w.uint(n)
}

// UnpackLog reads what [Log.Pack] has written. The error is [ErrBytes].
//
// Every answer about history begins here, so the strings of the log are parts
// of one copy of data, and its lists parts of one list.
func UnpackLog(data []byte) (*Log, error) {
	r := newReader(data)
	for range r.uint(len(data)) {
		r.table = append(r.table, r.text())
	}
	cs := make([]wontfix.Commit, r.uint(len(r.data)))
	r.ids(cs)
	parents := make([]int, 0, len(cs)+len(cs)/8)
	for i := range cs {
		from := len(parents)
		for range r.uint(len(r.data)) {
			parents = append(parents, i-r.uint(i))
		}
		cs[i].Parents = parents[from:len(parents):len(parents)]
	}
	for i := range cs {
		cs[i].Author, cs[i].Email = r.string(), r.string()
	}
	zones := map[int]*time.Location{}
	at := int64(0)
	for i := range cs {
		at += r.int()
		zone := int(r.int())
		if zone < -24*60 || zone > 24*60 || at > 1<<40 || at < -1<<40 {
			return nil, ErrBytes
		}
		if zones[zone] == nil {
			zones[zone] = time.FixedZone("", zone*60)
		}
		cs[i].Time = time.Unix(at, 0).In(zones[zone])
		cs[i].Committed = time.Unix(at+r.int(), 0).UTC()
	}
	for i := range cs {
		n := r.uint(1 << 40)
		cs[i].Entries, cs[i].Gap = n>>1, n&1 != 0
	}
	for i := range cs {
		cs[i].Message = r.text()
	}
	if r.bad {
		return nil, ErrBytes
	}
	l, err := NewLog(cs)
	if err != nil {
		return nil, ErrBytes
	}
	l.tips = nil
	r.rest(l)
	if r.bad || len(r.data) > 0 {
		return nil, ErrBytes
	}
	return l, nil
}

// ids reads the IDs of commits, which stand as bytes and are shown in
// hexadecimal.
func (r *reader) ids(cs []wontfix.Commit) {
	all := make([]byte, 0, 40*len(cs))
	ends := make([]int, len(cs))
	for i := range cs {
		all = hex.AppendEncode(all, []byte(r.text()))
		ends[i] = len(all)
	}
	text, from := string(all), 0
	for i := range cs {
		cs[i].ID = text[from:ends[i]]
		from = ends[i]
	}
}

// rest reads what a log has beside its commits.
func (r *reader) rest(l *Log) {
	for range r.uint(len(r.data)) {
		c := r.uint(len(l.Commits))
		for range r.uint(len(r.data)) {
			l.spread[c] = append(l.spread[c], r.string())
		}
	}
	for range r.uint(len(r.data)) {
		nick := r.string()
		for range r.uint(len(r.data)) {
			who := r.string()
			l.nicks.add(nick, who, r.uint(1<<40))
		}
	}
	for range r.uint(len(r.data)) {
		n := r.uint(len(l.Commits))
		r.bad = r.bad || n >= len(l.Commits)
		l.tips = append(l.tips, n)
	}
	l.Holes, l.Implied = r.uint(1<<40), r.uint(1) == 1
}

// A reader reads numbers and strings. After the first that is not there it is
// bad, and all that it reads is zero.
type reader struct {
	data  string
	table []string
	bad   bool
}

func newReader(data []byte) *reader { return &reader{data: string(data)} }

func (r *reader) fail() {
	r.bad, r.data = true, ""
}

// varint reads an unsigned varint, as encoding/binary has it.
func (r *reader) varint() uint64 {
	var v uint64
	for i := range min(len(r.data), binary.MaxVarintLen64) {
		b := r.data[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.data = r.data[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

// uint reads a number up to limit.
func (r *reader) uint(limit int) int {
	v := r.varint()
	if v > uint64(limit) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) int() int64 {
	v := r.varint()
	return int64(v>>1) ^ -int64(v&1)
}

// text reads a string that follows its length.
func (r *reader) text() string {
	n := r.uint(len(r.data))
	if n > len(r.data) {
		r.fail()
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}

// string reads the number of a string of the table.
func (r *reader) string() string {
	n := r.uint(len(r.table))
	if n >= len(r.table) {
		r.fail()
		return ""
	}
	return r.table[n]
}
