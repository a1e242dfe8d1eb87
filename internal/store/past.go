package store

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"sort"
)

// The kinds of parts that the history of an entry has.
const (
	versions = iota
	origins
	kinds
)

// A span is where a part is: in which frame of its kind, after how many bytes,
// and how many it has. A part without bytes is nowhere.
type span struct{ frame, offset, size uint32 }

// A pastEntry is an entry that has a history.
type pastEntry struct {
	code  code
	name  string // the id, if it has no code
	spans [kinds]span
}

// A pastFrame is what a reader must know of a frame before it unpacks it.
type pastFrame struct {
	number uint32
	size   uint32 // unpacked
	sum    uint32 // of the packed bytes; see checksum
}

// A past says where the history of each entry is. Its entries are in the order
// of blobs: ids with a code by code, then the others by code point.
type past struct {
	codes  []code
	names  []string
	spans  [kinds][]span
	frames [kinds][]pastFrame // in order of number
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C (RFC 3720, appendix B.4) of b.
func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// seal returns b with its sum in front, 4 bytes, little endian.
func seal(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(b)), checksum(b)), b...)
}

// unseal returns what seal was given, which is a part of b.
func unseal(b []byte) ([]byte, error) {
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != checksum(b[4:]) {
		return nil, errBytes
	}
	return b[4:], nil
}

// packPast packs entries, which must be in the order of a past and of distinct
// ids, and the frames of each kind that their spans are in.
//
// The form, in varints where nothing else is said: for each kind the number of
// its frames and, for each, its number less the one before and one (the first:
// its number), its size, and its sum in 4 bytes, little endian. Then the number
// of entries whose id has a code, the codes, and the other ids as a table of
// strings. Then for each kind and entry the size of its part, doubled, plus one
// if it begins where the part before it ends; if it does not, and the size is
// not 0, the number of its frame and its offset follow. In front of it all is
// its sum.
func packPast(entries []pastEntry, frames [kinds][]pastFrame) []byte {
	var b, ids []byte
	for _, list := range frames {
		b = appendUvarint(b, uint64(len(list)))
		next := uint32(0)
		for _, f := range list {
			b = appendUvarint(b, uint64(f.number-next))
			b = appendUvarint(b, uint64(f.size))
			b = binary.LittleEndian.AppendUint32(b, f.sum)
			next = f.number + 1
		}
	}
	var w codeWriter
	var names []string
	for i := range entries {
		if e := &entries[i]; e.name == "" {
			ids = w.append(ids, e.code)
		} else {
			names = append(names, e.name)
		}
	}
	b = appendUvarint(b, uint64(len(entries)-len(names)))
	b = appendStrings(append(b, ids...), names)
	for kind := range kinds {
		last := span{}
		for i := range entries {
			s := entries[i].spans[kind]
			switch {
			case s.size == 0:
				b = append(b, 0)
				continue
			case last.size > 0 && s.frame == last.frame && s.offset == last.offset+last.size:
				b = appendUvarint(b, uint64(s.size)<<1|1)
			default:
				b = appendUvarint(b, uint64(s.size)<<1)
				b = appendUvarint(b, uint64(s.frame))
				b = appendUvarint(b, uint64(s.offset))
			}
			last = s
		}
	}
	return seal(b)
}

// readPast reads what packPast has packed. Every span of what it returns is
// inside its frame, the spans of a frame have no more bytes than it has, and
// every entry has a part.
func readPast(data []byte) (*past, error) {
	data, err := unseal(data)
	if err != nil {
		return nil, err
	}
	r := &reader{data: data}
	p := &past{}
	for kind := range kinds {
		p.frames[kind] = readPastFrames(r)
	}
	coded := r.count()
	p.codes = make([]code, 0, coded)
	var codes codeReader
	for i := range coded {
		v := codes.next(r)
		if i > 0 && v <= p.codes[i-1] {
			r.fail()
		}
		if r.bad {
			return nil, errBytes
		}
		p.codes = append(p.codes, v)
	}
	p.names = r.strings(nil)
	for i, name := range p.names {
		if _, ok := encodeID(name); ok || name == "" || i > 0 && name <= p.names[i-1] {
			r.fail()
		}
	}
	if p.len() > len(r.data)/kinds {
		r.fail()
	}
	for kind := range kinds {
		if r.bad {
			return nil, errBytes
		}
		p.spans[kind] = readSpans(r, p.frames[kind], p.len())
	}
	for i := 0; i < p.len() && !r.bad; i++ {
		if p.spans[versions][i].size == 0 && p.spans[origins][i].size == 0 {
			r.fail()
		}
	}
	if len(r.data) > 0 {
		r.fail()
	}
	return p, r.err()
}

func readPastFrames(r *reader) []pastFrame {
	n := r.count()
	if n > len(r.data)/6 {
		r.fail()
		return nil
	}
	list := make([]pastFrame, 0, n)
	next := uint64(0)
	for range n {
		number := next + uint64(r.number(math.MaxUint32))
		f := pastFrame{uint32(number), uint32(r.number(maxFrame)), 0}
		if sum := r.bytes(4); !r.bad {
			f.sum = binary.LittleEndian.Uint32(sum)
		}
		if number > math.MaxUint32 {
			r.fail()
		}
		if r.bad {
			return nil
		}
		list = append(list, f)
		next = number + 1
	}
	return list
}

// readSpans reads the spans of one kind of n entries.
func readSpans(r *reader, frames []pastFrame, n int) []span {
	spans := make([]span, n)
	used := make([]uint64, len(frames))
	last, in := span{}, 0
	for i := range spans {
		v := r.uvarint()
		if v == 0 {
			continue
		}
		s := span{last.frame, last.offset + last.size, uint32(v >> 1)}
		if v&1 == 0 {
			s.frame, s.offset = uint32(r.number(math.MaxUint32)), uint32(r.number(maxFrame))
			in = findFrame(frames, s.frame)
		} else if last.size == 0 {
			r.fail()
		}
		if r.bad || in < 0 || v>>1 == 0 || v>>1 > maxFrame || uint64(s.offset)+uint64(s.size) > uint64(frames[in].size) {
			r.fail()
			return nil
		}
		if used[in] += uint64(s.size); used[in] > uint64(frames[in].size) {
			r.fail()
			return nil
		}
		spans[i], last = s, s
	}
	return spans
}

// findFrame returns which of frames has a number, or -1.
func findFrame(frames []pastFrame, number uint32) int {
	i := sort.Search(len(frames), func(i int) bool { return frames[i].number >= number })
	if i == len(frames) || frames[i].number != number {
		return -1
	}
	return i
}

func (p *past) len() int { return len(p.codes) + len(p.names) }

// id returns the id of entry i.
func (p *past) id(i int) string {
	if i < len(p.codes) {
		return p.codes[i].String()
	}
	return p.names[i-len(p.codes)]
}

// find returns the entry with an id, or -1.
func (p *past) find(id string) int {
	if v, ok := encodeID(id); ok {
		if i, ok := slices.BinarySearch(p.codes, v); ok {
			return i
		}
	} else if i, ok := slices.BinarySearch(p.names, id); ok {
		return len(p.codes) + i
	}
	return -1
}

// entries returns all entries, in order.
func (p *past) entries() []pastEntry {
	list := make([]pastEntry, p.len())
	for i := range list {
		e := &list[i]
		if i < len(p.codes) {
			e.code = p.codes[i]
		} else {
			e.name = p.names[i-len(p.codes)]
		}
		for kind := range kinds {
			e.spans[kind] = p.spans[kind][i]
		}
	}
	return list
}

// comparePast is the order of entries in a past.
func comparePast(a, b pastEntry) int {
	return compareRows(row{code: a.code, name: a.name}, row{code: b.code, name: b.name})
}
