package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
)

const (
	objectCache = 4 << 20 // bytes of bases that a reader keeps
	maxDepth    = 4095    // deltas one upon the other; Git's own limit
	maxWork     = 1 << 30 // bytes to make for one object, its bases included
	maxDelta    = 2 * MaxBlob
	maxRatio    = 1032    // of deflate: a byte stands for no more than that
	minInput    = 1 << 16 // compressed bytes that are read of an object, and two for each of its own
)

// A reader makes the objects of a repository. It is for one goroutine.
type reader struct {
	*Repository
	*cache
	view  window
	in    bytes.Reader
	zlib  io.ReadCloser
	delta []byte
	flat  []byte // memory for the text of a rope
	ropes bool   // large trees are made as ropes
	links []link
	last  int // the pack in which an object was found last
}

// A link is a delta on the way from an object to the first base.
type link struct {
	key  key
	data int64  // where the compressed bytes begin
	size uint64 // of the delta
}

func newReader(r *Repository, budget int) *reader {
	return &reader{Repository: r, cache: newCache(budget)}
}

// locate returns where in the packs an object is; false if in none.
func (rd *reader) locate(id *ID) (key, bool, error) {
	for i := range rd.packs {
		p := rd.packs[(rd.last+i)%len(rd.packs)]
		place, ok := p.find(id)
		if !ok {
			continue
		}
		rd.last = p.number
		off, err := p.offset(place)
		if err == nil && off >= uint64(p.end()) {
			err = fmt.Errorf("offset %d: outside the pack: %w", off, ErrDamaged)
		}
		if err != nil {
			return 0, false, fmt.Errorf("%s: index: %w", p.Name(), err)
		}
		return keyOf(p.number, off), true, nil
	}
	return 0, false, nil
}

// object returns the kind of an object and a copy of its bytes.
func (rd *reader) object(id ID) (Kind, []byte, error) {
	m, kind, text, err := rd.get(&id)
	if err != nil || m == nil {
		return kind, text, err
	}
	text = append(make([]byte, 0, len(text)), text...)
	rd.unpin(m)
	return kind, text, nil
}

// get returns an object. If m is not nil the text is m's, and m has a pin for
// the caller to take away; else the text is the caller's own.
func (rd *reader) get(id *ID) (m *made, kind Kind, text []byte, err error) {
	k, ok, err := rd.locate(id)
	if err != nil {
		return nil, 0, nil, err
	}
	if !ok {
		kind, text, err = rd.loose(id)
		return nil, kind, text, err
	}
	if m, err = rd.make(k); err != nil {
		return nil, 0, nil, err
	}
	return m, m.kind, m.text, nil
}

// make returns an object of a pack with a pin for the caller to take away. It
// goes down from delta to base until it meets an object that is whole or in
// the cache, and then up again.
func (rd *reader) make(k key) (*made, error) {
	if m := rd.cache.get(k); m != nil {
		return m, nil
	}
	rd.links = rd.links[:0]
	var base *made
	for at := k; ; {
		h, err := rd.header(at)
		if err != nil {
			return nil, err
		}
		if h.kind >= Commit && h.kind <= Tag {
			if base, err = rd.whole(at, &h); err != nil {
				return nil, err
			}
			break
		}
		if len(rd.links) == maxDepth {
			return nil, rd.bad(k, fmt.Sprintf("more than %d deltas in a chain", maxDepth), ErrDamaged)
		}
		rd.links = append(rd.links, link{at, h.data, h.size})
		if h.ofs {
			at = h.base
		} else if at, base, err = rd.baseOf(at, &h); err != nil {
			return nil, err
		}
		if base == nil {
			base = rd.cache.get(at)
		}
		if base != nil {
			break
		}
	}
	work := 0
	for i := len(rd.links) - 1; i >= 0; i-- {
		m, err := rd.child(&rd.links[i], base)
		rd.unpin(base)
		if err != nil {
			return nil, err
		}
		if work += m.size(); work > maxWork {
			rd.unpin(m)
			return nil, rd.bad(k, fmt.Sprintf("its chain of deltas makes more than %d bytes", maxWork), ErrTooLarge)
		}
		base = m
	}
	return base, nil
}

// whole inflates an object that is not a delta.
func (rd *reader) whole(at key, h *header) (*made, error) {
	if err := rd.sane(at, h.data, h.size, MaxBlob); err != nil {
		return nil, err
	}
	text := rd.alloc(int(h.size))
	if err := rd.inflate(at, h.data, text); err != nil {
		rd.recycle(text)
		return nil, err
	}
	return rd.put(at, h.kind, text), nil
}

// child makes an object from a delta and its base.
func (rd *reader) child(l *link, base *made) (*made, error) {
	if err := rd.sane(l.key, l.data, l.size, maxDelta); err != nil {
		return nil, err
	}
	if uint64(cap(rd.delta)) < l.size {
		rd.delta = make([]byte, l.size+l.size/2)
	}
	delta := rd.delta[:l.size]
	if err := rd.inflate(l.key, l.data, delta); err != nil {
		return nil, err
	}
	from, to, ops, ok := deltaSizes(delta)
	if !ok || from != uint64(base.size()) {
		return nil, rd.bad(l.key, errDelta.Error(), ErrDamaged)
	}
	if to > MaxBlob {
		return nil, rd.bad(l.key, fmt.Sprintf("%d bytes", to), ErrTooLarge)
	}
	if rd.ropes && base.kind == Tree && to >= ropeMin {
		root := base
		if base.rope != nil {
			root = base.rope.root
		}
		r, err := splice(base, ops, int(to), int(to)/ropePiece, len(root.text)/ropeInsert)
		if err != nil {
			return nil, rd.bad(l.key, err.Error(), ErrDamaged)
		}
		if r != nil {
			return rd.putRope(l.key, r), nil
		}
	}
	whole := base.text
	if base.rope != nil {
		rd.flat = base.rope.append(rd.flat[:0])
		whole = rd.flat
	}
	text := rd.alloc(int(to))
	if err := apply(text, whole, ops); err != nil {
		rd.recycle(text)
		return nil, rd.bad(l.key, err.Error(), ErrDamaged)
	}
	return rd.put(l.key, base.kind, text), nil
}

// bad returns an error about an object of a pack.
func (rd *reader) bad(k key, what string, err error) error {
	return fmt.Errorf("%s: offset %d: %s: %w", rd.packs[k.pack()].Name(), k.off(), what, err)
}

// sane says whether a size is possible at all, before memory is spent on it.
func (rd *reader) sane(at key, data int64, size uint64, limit uint64) error {
	p := rd.packs[at.pack()]
	if size > limit {
		return rd.bad(at, fmt.Sprintf("%d bytes", size), ErrTooLarge)
	}
	if size > uint64(p.end()-data)*maxRatio {
		return rd.bad(at, fmt.Sprintf("%d bytes in %d", size, p.end()-data), ErrDamaged)
	}
	return nil
}

// inflate fills dst with the compressed bytes at data, which must give exactly
// so many and have the right checksum.
func (rd *reader) inflate(at key, data int64, dst []byte) error {
	p := rd.packs[at.pack()]
	limit := minInput + 2*len(dst)
	for n := min(len(dst)+64, rd.window); ; n = min(4*n, limit) {
		in, err := rd.view.at(p.source, data, n, rd.window)
		if err != nil {
			return rd.bad(at, err.Error(), ErrDamaged)
		}
		in = in[:min(int64(len(in)), p.end()-data)]
		rd.in.Reset(in)
		err = rd.fill(&rd.in, dst)
		if (err == io.ErrUnexpectedEOF || err == io.EOF) && int64(len(in)) < p.end()-data && n < limit {
			continue // it has more bytes than were read
		}
		if err != nil {
			return rd.bad(at, err.Error(), ErrDamaged)
		}
		return nil
	}
}

var errLong = errors.New("more bytes than it says")

// unzip begins to read a zlib stream; the one before ends.
func (rd *reader) unzip(r io.Reader) (io.Reader, error) {
	var err error
	if rd.zlib == nil {
		rd.zlib, err = zlib.NewReader(r)
	} else {
		err = rd.zlib.(zlib.Resetter).Reset(r, nil)
	}
	return rd.zlib, err
}

// fill reads a zlib stream of exactly len(dst) bytes.
func (rd *reader) fill(r io.Reader, dst []byte) error {
	z, err := rd.unzip(r)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(z, dst); err != nil {
		return err
	}
	var more [1]byte
	switch n, err := z.Read(more[:]); {
	case n > 0:
		return errLong
	case err != io.EOF:
		return err
	}
	return nil
}

// A header is what is before an object's compressed bytes.
type header struct {
	kind Kind
	ofs  bool   // a delta; base says upon what
	base key    // of an ofs-delta
	ref  ID     // the base of a ref-delta
	size uint64 // of the object or the delta, inflated
	data int64  // where the compressed bytes begin
}

const ofsDelta, refDelta = 6, 7

// maxHeader is how many bytes are looked at for a header: the size has up to 10,
// the base 8 or, by its name, 32.
const maxHeader = 64

// header reads the header of the object at a place of a pack (gitformat-pack,
// "pack-*.pack files have the following format").
func (rd *reader) header(at key) (h header, err error) {
	p := rd.packs[at.pack()]
	off := int64(at.off())
	if off < 12 || off >= p.end() {
		return h, rd.bad(at, "outside the pack", ErrDamaged)
	}
	b, err := rd.view.at(p.source, off, maxHeader, rd.window)
	if err != nil {
		return h, rd.bad(at, err.Error(), ErrDamaged)
	}
	h.kind = Kind(b[0] >> 4 & 7)
	h.size = uint64(b[0] & 15)
	n := 1
	if b[0] >= 0x80 {
		v, m := varint(b[1:])
		if m == 0 || v >= 1<<59 {
			return h, rd.bad(at, "size does not end", ErrDamaged)
		}
		h.size |= v << 4
		n += m
	}
	switch h.kind {
	case Commit, Tree, Blob, Tag:
	case ofsDelta:
		back, m := varoff(b[n:])
		if m == 0 || back == 0 || back >= uint64(off) {
			return h, rd.bad(at, "base outside the pack", ErrDamaged)
		}
		h.ofs, h.base = true, keyOf(p.number, uint64(off)-back)
		n += m
	case refDelta:
		if len(b) < n+rd.Repository.size {
			return h, rd.bad(at, "cut off", ErrDamaged)
		}
		copy(h.ref[:], b[n:n+rd.Repository.size])
		n += rd.Repository.size
	default:
		return h, rd.bad(at, fmt.Sprintf("an object of kind %d", h.kind), ErrDamaged)
	}
	if h.data = off + int64(n); h.data >= p.end() {
		return h, rd.bad(at, "cut off", ErrDamaged)
	}
	return h, nil
}

// varoff reads the distance to the base of an ofs-delta: seven bits a byte, the
// highest first, one added for each byte that follows.
func varoff(b []byte) (v uint64, n int) {
	for n < len(b) && n < 8 {
		c := b[n]
		n++
		v |= uint64(c & 0x7f)
		if c < 0x80 {
			return v, n
		}
		v = (v + 1) << 7
	}
	return 0, 0
}

// baseOf finds the base of a ref-delta: where in a pack it is, the delta's own
// before others, or the loose object itself.
func (rd *reader) baseOf(at key, h *header) (key, *made, error) {
	p := rd.packs[at.pack()]
	rd.last = p.number
	k, ok, err := rd.locate(&h.ref)
	if err != nil || ok {
		return k, nil, err
	}
	kind, text, err := rd.loose(&h.ref)
	if err != nil {
		return 0, nil, rd.bad(at, fmt.Sprintf("base of the delta: %v", err), ErrDamaged)
	}
	return 0, &made{kind: kind, text: text, pins: 2}, nil
}
