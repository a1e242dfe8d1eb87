package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"sort"
)

var errTree = errors.New("bad tree")

// Modes of tree entries: the type bits, and those of a folder.
const (
	modeType = 0o170000
	modeTree = 0o040000
)

// An entry is a line of a tree: octal mode, space, name, zero byte, ID. Name
// and id lie in the tree's bytes.
type entry struct {
	mode uint32
	name []byte
	id   []byte
}

func (e *entry) folder() bool { return e.mode&modeType == modeTree }

// parseEntry reads the entry at the begin of a tree's bytes whose IDs have
// size bytes, and returns how many it has taken.
//
// A name that is empty, ".", ".." or has a slash is an error, and so is an ID
// of zeros: what these mean depends on who reads them.
func parseEntry(b []byte, size int) (e entry, n int, err error) {
	n = skipEntry(b, size)
	if n == 0 {
		return e, 0, errTree
	}
	e.id = b[n-size : n]
	head := b[:n-size-1]
	i := 0
	for ; i < 7 && i < len(head) && head[i] >= '0' && head[i] <= '7'; i++ {
		e.mode = e.mode<<3 | uint32(head[i]-'0')
	}
	if i == 0 || i >= len(head) || head[i] != ' ' || e.mode == 0 {
		return e, 0, errTree
	}
	e.name = head[i+1:]
	if bytes.IndexByte(e.name, '/') >= 0 {
		return e, 0, errTree
	}
	switch string(e.name) {
	case "", ".", "..":
		return e, 0, errTree
	}
	if zero := (ID{}); bytes.Equal(e.id, zero[:size]) {
		return e, 0, errTree
	}
	return e, n, nil
}

// skipEntry returns the length of the entry at the begin of b, 0 if it does
// not end there.
func skipEntry(b []byte, size int) int {
	i := bytes.IndexByte(b, 0)
	if i < 0 || i+1+size > len(b) {
		return 0
	}
	return i + 1 + size
}

// order compares entries as Git orders them in a tree: by their bytes, with a
// slash at the end of a folder's name.
func (e *entry) order(f *entry) int {
	n := min(len(e.name), len(f.name))
	if c := bytes.Compare(e.name[:n], f.name[:n]); c != 0 {
		return c
	}
	end := func(e *entry) int {
		switch {
		case len(e.name) > n:
			return int(e.name[n])
		case e.folder():
			return '/'
		}
		return 0
	}
	return end(e) - end(f)
}

// entryEnds returns where the entries of a tree that is whole end, as far as
// they can be told from each other.
func (m *made) entryEnds(size int) []uint32 {
	if m.ends == nil {
		m.ends = make([]uint32, 0, len(m.text)/(size+16))
		for at := 0; at < len(m.text); {
			n := skipEntry(m.text[at:], size)
			if n == 0 {
				break
			}
			at += n
			m.ends = append(m.ends, uint32(at))
		}
	}
	return m.ends
}

// findEntry returns the entry of a name in a tree, and false if there is none.
func findEntry(tree *made, size int, name string) (entry, bool, error) {
	for s := newSide(tree, size); len(s.rest) > 0; {
		e, n, err := parseEntry(s.entry(&s.place, &s.buf), size)
		if err != nil {
			return e, false, err
		}
		if string(e.name) == name {
			return e, true, nil
		}
		s.advance(n)
	}
	return entry{}, false, nil
}

// A side is one of the two trees of diffTrees.
type side struct {
	place
	root    *made
	mark    int    // how many entries of root end at the place or before
	before  []byte // begins with the entry before the place, if any
	skipped place  // of that entry, if before does not tell yet
	now     []byte // begins with the next entry, once it is parsed
	parsed  entry  // that entry
	length  int    // of it; 0 if it is not parsed
	buf     []byte // for an entry that is not in one piece
	spare   []byte // the one before
	size    int    // of an ID
}

// A place is where an entry of a tree begins.
type place struct {
	rest   []byte  // of a piece, from there on; empty at the end
	at     uint32  // where rest is, as in piece
	end    uint32  // where it ends in the rope
	pieces []piece // behind rest
}

func newSide(tree *made, size int) *side {
	if tree.rope == nil {
		return &side{root: tree, place: place{rest: tree.text, end: uint32(len(tree.text))}, size: size}
	}
	s := &side{root: tree.rope.root, place: place{pieces: tree.rope.pieces}, size: size}
	s.advance(0)
	return s
}

// advance passes over n bytes.
func (s *side) advance(n int) {
	for n >= len(s.rest) && len(s.pieces) > 0 {
		n -= len(s.rest)
		p := s.pieces[0]
		s.rest, s.at, s.end = s.root.bytes(p.at, int(p.end-s.end)), p.at, p.end
		s.pieces = s.pieces[1:]
	}
	s.rest = s.rest[n:]
	s.at += uint32(n)
	s.length = 0
}

// entry returns bytes that begin with the entry at a place and have all of it,
// if it has an end. If it is not in one piece it is put together in buf.
func (s *side) entry(p *place, buf *[]byte) []byte {
	if len(p.pieces) == 0 || skipEntry(p.rest, s.size) > 0 {
		return p.rest
	}
	b := (*buf)[:0]
	end := -1
	at := p.end
	for text, i := p.rest, 0; ; i++ {
		if end < 0 {
			if n := bytes.IndexByte(text, 0); n >= 0 {
				end = len(b) + n + 1 + s.size
			}
		}
		if end >= 0 && end-len(b) < len(text) {
			text = text[:end-len(b)]
		}
		b = append(b, text...)
		if len(b) == end || i == len(p.pieces) {
			*buf = b
			return b
		}
		next := p.pieces[i]
		text, at = s.root.bytes(next.at, int(next.end-at)), next.end
	}
}

// parse reads the next entry, which must come after the last, and leaves it in
// place. At the end it returns a length of 0.
func (s *side) parse() (entry, int, error) {
	if len(s.rest) == 0 || s.length > 0 {
		return s.parsed, s.length, nil
	}
	if s.skipped.rest != nil {
		s.before = s.entry(&s.skipped, &s.spare)
		s.skipped = place{}
	}
	s.now = s.entry(&s.place, &s.buf)
	e, n, err := parseEntry(s.now, s.size)
	if err == nil && s.before != nil {
		last, _, bad := parseEntry(s.before, s.size)
		if bad != nil || last.order(&e) >= 0 {
			err = errTree
		}
	}
	if err == nil {
		s.parsed, s.length = e, n
	}
	return e, n, err
}

// next passes over the entry that was parsed.
func (s *side) next() {
	s.before = s.now
	s.buf, s.spare = s.spare, s.buf
	s.advance(s.length)
}

// skip passes over n bytes, of which the last entry begins with before.
func (s *side) skip(before []byte, n int) {
	s.before, s.skipped = before, place{}
	s.advance(n)
}

// lastEntry returns where the last of the entries begins and ends that lie in
// the first n bytes of rest; both are 0 if there is none.
func (s *side) lastEntry(n int) (from, to int) {
	if s.at < inserted {
		ends := s.root.entryEnds(s.size)
		s.mark = after(ends, s.mark, s.at)
		if s.at == 0 || s.mark > 0 && ends[s.mark-1] == s.at {
			// From here on the entries are those of the root.
			last := after(ends, s.mark, s.at+uint32(n))
			if last == s.mark {
				return 0, 0
			}
			if last--; last > s.mark {
				from = int(ends[last-1] - s.at)
			}
			return from, int(ends[last] - s.at)
		}
	}
	for to < n {
		k := skipEntry(s.rest[to:n], s.size)
		if k == 0 {
			break
		}
		from, to = to, to+k
	}
	return from, to
}

// after returns how many of the ascending numbers are at most limit. It looks
// near a guess first.
func after(numbers []uint32, guess int, limit uint32) int {
	lo, hi := 0, len(numbers)
	if guess > 0 && numbers[guess-1] > limit {
		hi = guess - 1
	} else {
		lo = guess
		for step := 8; lo+step < len(numbers); step *= 2 {
			if numbers[lo+step] > limit {
				hi = lo + step
				break
			}
			lo += step + 1
		}
	}
	return lo + sort.Search(hi-lo, func(i int) bool { return numbers[lo+i] > limit })
}

// diffTrees calls fn with every entry in which two trees of the same folder
// differ, in Git's order; an entry without name is not there. Entries that
// both have are passed over without a look at them, save for where they end.
func diffTrees(old, new *made, size int, fn func(old, new *entry)) error {
	a, b := newSide(old, size), newSide(new, size)
	for len(a.rest) > 0 || len(b.rest) > 0 {
		skipCommon(a, b)
		x, n, err := a.parse()
		if err != nil {
			return err
		}
		y, m, err := b.parse()
		if err != nil {
			return err
		}
		c := 0
		switch {
		case n == 0 && m == 0:
			return nil
		case n == 0:
			c = 1
		case m == 0:
			c = -1
		default:
			c = x.order(&y)
		}
		switch {
		case c < 0:
			fn(&x, &entry{})
			a.next()
		case c > 0:
			fn(&entry{}, &y)
			b.next()
		default:
			if x.mode != y.mode || !bytes.Equal(x.id, y.id) {
				fn(&x, &y)
			}
			a.next()
			b.next()
		}
	}
	return nil
}

// skipCommon passes over the entries with which both sides go on.
func skipCommon(a, b *side) {
	for len(a.rest) > 0 && len(b.rest) > 0 {
		var from, to int
		if a.root == b.root && a.at == b.at {
			from, to = a.lastEntry(min(len(a.rest), len(b.rest)))
			if to == 0 {
				n := commonEntry(a, b)
				if n == 0 {
					return
				}
				a.skipped, b.skipped = a.place, b.place
				a.advance(n)
				b.advance(n)
				continue
			}
		} else if from, to = a.lastEntry(commonPrefix(a.rest, b.rest)); to == 0 {
			return
		}
		before := a.rest[from:to]
		a.skip(before, to)
		b.skip(before, to)
	}
}

// commonEntry returns the length of the next entry if both sides begin with the
// same pieces and have all of it in the same pieces; else 0.
func commonEntry(a, b *side) int {
	if len(a.rest) != len(b.rest) {
		return 0
	}
	end := -1
	text, aEnd, bEnd := a.rest, a.end, b.end
	for n, i := 0, 0; ; i++ {
		if end < 0 {
			if k := bytes.IndexByte(text, 0); k >= 0 {
				end = n + k + 1 + a.size
			}
		}
		if n += len(text); end >= 0 && n >= end {
			return end
		}
		if i >= min(len(a.pieces), len(b.pieces)) || aEnd-a.end != bEnd-b.end {
			return 0
		}
		p, q := a.pieces[i], b.pieces[i]
		if p.at != q.at {
			return 0
		}
		text = a.root.bytes(p.at, int(min(p.end-aEnd, q.end-bEnd)))
		aEnd, bEnd = p.end, q.end
	}
}

// commonPrefix returns how many bytes at the begin of a and b are equal.
func commonPrefix(a, b []byte) int {
	const stride = 2048
	n := min(len(a), len(b))
	i := 0
	for i+stride <= n && bytes.Equal(a[i:i+stride], b[i:i+stride]) {
		i += stride
	}
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
