package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
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

// findEntry returns the entry of a name in a tree, and false if there is none.
func findEntry(tree []byte, size int, name string) (entry, bool, error) {
	for len(tree) > 0 {
		e, n, err := parseEntry(tree, size)
		if err != nil {
			return e, false, err
		}
		if string(e.name) == name {
			return e, true, nil
		}
		tree = tree[n:]
	}
	return entry{}, false, nil
}

// A side is one of the two trees of diffTrees.
type side struct {
	rest []byte // from the next entry on
	last entry  // the entry before, if any
	size int
}

// parse reads the next entry, which must come after the last, and leaves it in
// place. At the end it returns a length of 0.
func (s *side) parse() (entry, int, error) {
	if len(s.rest) == 0 {
		return entry{}, 0, nil
	}
	e, n, err := parseEntry(s.rest, s.size)
	if err == nil && s.last.name != nil && s.last.order(&e) >= 0 {
		err = errTree
	}
	return e, n, err
}

func (s *side) next(e entry, n int) {
	s.last = e
	s.rest = s.rest[n:]
}

// diffTrees calls fn with every entry in which two trees of the same folder
// differ, in Git's order; an entry without name is not there. Entries that
// both have are passed over without a look at them, save for where they end.
func diffTrees(old, new []byte, size int, fn func(old, new *entry)) error {
	a, b := side{rest: old, size: size}, side{rest: new, size: size}
	for len(a.rest) > 0 || len(b.rest) > 0 {
		if err := skipCommon(&a, &b); err != nil {
			return err
		}
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
			a.next(x, n)
		case c > 0:
			fn(&entry{}, &y)
			b.next(y, m)
		default:
			if x.mode != y.mode || !bytes.Equal(x.id, y.id) {
				fn(&x, &y)
			}
			a.next(x, n)
			b.next(y, m)
		}
	}
	return nil
}

// skipCommon passes over the entries with which both sides go on.
func skipCommon(a, b *side) error {
	same := commonPrefix(a.rest, b.rest)
	if same == len(a.rest) && same == len(b.rest) {
		a.rest, b.rest = nil, nil
		return nil
	}
	at, last := 0, -1
	for at < same {
		n := skipEntry(a.rest[at:], a.size)
		if n == 0 {
			return errTree
		}
		if at+n > same {
			break
		}
		last, at = at, at+n
	}
	if last < 0 {
		return nil
	}
	e, _, err := parseEntry(a.rest[last:], a.size)
	if err != nil {
		return err
	}
	a.next(e, at)
	b.next(e, at)
	return nil
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
