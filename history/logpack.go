package history

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
)

// block is how many commits are packed together.
const block = 64

// Pack packs a log, of which all commits have been read, into parts: the first has what every answer needs, the second
// the IDs, and each other one the next 64 commits.
//
// The form of the first, in unsigned varints unless said otherwise: a table of
// strings (their number, their lengths, their bytes: authors and addresses,
// labels, nicks); the number of writers and for each the author and the
// address; the number of commits; the number of those that have other parents
// than the one before them alone, and for each its distance to the last such
// one, the number of parents and the distance to each; the number of gaps and
// the distance to each from the one before. Then the labels spread, the nicks,
// the tips and the holes.
//
// The second has the IDs of all commits: the size of the longest in bytes, the
// size of each in a byte, and the IDs, each in as many bytes as the longest.
//
// The others are columns, each with a value for every commit, in numbers of a
// fixed size, little endian, so that one commit can be read without the others:
// see [column]. Then follow the messages.
func (l *Log) Pack() [][]byte {
	w := logWriter{numbers: map[string]int{}}
	w.uint(len(l.writers))
	for _, x := range l.writers {
		w.string(x.author)
		w.string(x.email)
	}
	w.uint(l.Len())
	var joints []int
	for i := range l.commits {
		if !follows(i, l.parents(i)) {
			joints = append(joints, i)
		}
	}
	w.uint(len(joints))
	last := 0
	for _, i := range joints {
		w.uint(i - last)
		last = i
		w.uint(len(l.parents(i)))
		for _, p := range l.parents(i) {
			w.uint(i - p)
		}
	}
	gaps := l.Gaps()
	w.uint(len(gaps))
	last = 0
	for _, i := range gaps {
		w.uint(i - last)
		last = i
	}
	w.rest(l)
	head := binary.AppendUvarint(nil, uint64(len(w.table)))
	for _, s := range w.table {
		head = append(binary.AppendUvarint(head, uint64(len(s))), s...)
	}
	parts := [][]byte{append(head, w.data...), l.packIDs()}
	for from := 0; from < l.Len(); from += block {
		parts = append(parts, l.packBlock(from, min(from+block, l.Len())))
	}
	return parts
}

// follows reports whether commit n has the one before it as its only parent.
func follows(n int, parents []int) bool { return len(parents) == 1 && parents[0] == n-1 }

// rest writes what a log has beside its commits.
func (w *logWriter) rest(l *Log) {
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
}

func (l *Log) packIDs() []byte {
	longest := 0
	for i := range l.commits {
		longest = max(longest, len(l.commits[i].ID)/2)
	}
	data := binary.AppendUvarint(nil, uint64(longest))
	for i := range l.commits {
		data = append(data, byte(len(l.commits[i].ID)/2))
	}
	for i := range l.commits {
		id, _ := hex.DecodeString(l.commits[i].ID)
		data = append(append(data, id...), make([]byte, longest-len(id))...)
	}
	return data
}

// The columns of a block.
const (
	columnTime      = iota // author's time, seconds since 1970
	columnZone             // in minutes
	columnCommitted        // time of commit, in seconds after the author's
	columnWriter
	columnEntries
	columnEnd // of the message, in bytes from the end of the columns
	columns
)

// columnSize is how many bytes a value of each column has.
var columnSize = [columns]int{columnTime: 8, columnZone: 2, columnCommitted: 8, columnWriter: 4, columnEntries: 4, columnEnd: 4}

// packBlock packs the commits from one number up to another.
func (l *Log) packBlock(from, to int) []byte {
	var data, messages []byte
	for column, size := range columnSize {
		for i := from; i < to; i++ {
			c, v := &l.commits[i], 0
			switch column {
			case columnTime:
				v = int(c.Time.Unix())
			case columnZone:
				_, zone := c.Time.Zone()
				v = zone / 60
			case columnCommitted:
				v = int(c.Committed.Unix() - c.Time.Unix())
			case columnWriter:
				v = l.writer(c)
			case columnEntries:
				v = c.Entries
			case columnEnd:
				messages = append(messages, c.Message...)
				v = len(messages)
			}
			data = append(data, binary.LittleEndian.AppendUint64(nil, uint64(v))[:size]...)
		}
	}
	return append(data, messages...)
}

type logWriter struct {
	data    []byte
	table   []string
	numbers map[string]int
}

func (w *logWriter) uint(v int) { w.data = binary.AppendUvarint(w.data, uint64(v)) }

func (w *logWriter) string(s string) {
	n, ok := w.numbers[s]
	if !ok {
		n = len(w.table)
		w.numbers[s] = n
		w.table = append(w.table, s)
	}
	w.uint(n)
}
