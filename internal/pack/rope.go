package pack

import (
	"sort"
	"unsafe"
)

const (
	ropeMin    = 16 << 10 // bytes of a tree that is made as a rope, if
	ropePiece  = 256      // it has a piece for so many bytes, or fewer, and
	ropeInsert = 4        // the ropes of its root have inserted one byte for so many of it, or less
)

// A rope is the text of a tree in pieces: of its root, the tree at the end of
// the chain of deltas, and of what the deltas insert. Neighbours in a history
// mostly have the same root; where they have the same pieces they need not be
// compared.
type rope struct {
	root   *made // is whole
	pieces []piece
}

// A piece is a part of a rope, and has at least one byte.
type piece struct {
	at  uint32 // where it begins in the root; from inserted on, in what was inserted
	end uint32 // where it ends in the rope
}

// inserted is above all places in a root.
const inserted = 1 << 31

func (r *rope) cost() int { return cap(r.pieces) * int(unsafe.Sizeof(piece{})) }

// size returns how many bytes the text of an object has.
func (m *made) size() int {
	switch {
	case m.rope == nil:
		return len(m.text)
	case len(m.rope.pieces) == 0:
		return 0
	}
	return int(m.rope.pieces[len(m.rope.pieces)-1].end)
}

// bytes returns n bytes of the root, or of what was inserted.
func (m *made) bytes(at uint32, n int) []byte {
	if at >= inserted {
		return m.inserts[at-inserted:][:n]
	}
	return m.text[at:][:n]
}

// append appends the text to b.
func (r *rope) append(b []byte) []byte {
	start := uint32(0)
	for _, p := range r.pieces {
		b = append(b, r.root.bytes(p.at, int(p.end-start))...)
		start = p.end
	}
	return b
}

// add adds n bytes. What lies behind the last piece makes that one longer.
func (r *rope) add(at uint32, n int) {
	start, end := uint32(0), uint32(0) // of the last piece
	if k := len(r.pieces); k > 0 {
		if k > 1 {
			start = r.pieces[k-2].end
		}
		last := &r.pieces[k-1]
		if end = last.end; last.at+end-start == at {
			last.end += uint32(n)
			return
		}
	}
	r.pieces = append(r.pieces, piece{at, end + uint32(n)})
}

// copy adds n bytes of a tree that has the same root, or is it, from off on.
func (r *rope) copy(m *made, off, n int) {
	if m.rope == nil {
		r.add(uint32(off), n)
		return
	}
	pieces := m.rope.pieces
	i := sort.Search(len(pieces), func(i int) bool { return int(pieces[i].end) > off })
	start := 0
	if i > 0 {
		start = int(pieces[i-1].end)
	}
	for ; n > 0; i++ {
		p := pieces[i]
		k := min(n, int(p.end)-off)
		r.add(p.at+uint32(off-start), k)
		off, n, start = off+k, n-k, int(p.end)
	}
}

// splice returns the rope of size bytes that a delta makes of a tree. It is nil
// if it would have more pieces, or its root more inserted bytes.
func splice(base *made, delta []byte, size, maxPieces, maxInserts int) (r *rope, err error) {
	r = &rope{root: base}
	if base.rope != nil {
		r.root = base.rope.root
		r.pieces = make([]piece, 0, len(base.rope.pieces)+8)
	}
	root, left := r.root, size
	before := len(root.inserts)
	defer func() {
		if r == nil {
			root.inserts = root.inserts[:before]
		}
	}()
	for len(delta) > 0 {
		in, rest, ok := nextInstruction(delta)
		switch {
		case !ok || in.n > left:
			return nil, errDelta
		case in.insert != nil:
			if len(root.inserts)+in.n > maxInserts {
				return nil, nil
			}
			r.add(inserted+uint32(len(root.inserts)), in.n)
			root.inserts = append(root.inserts, in.insert...)
		case !in.within(base.size()):
			return nil, errDelta
		default:
			r.copy(base, in.off, in.n)
		}
		if len(r.pieces) > maxPieces {
			return nil, nil
		}
		left -= in.n
		delta = rest
	}
	if left > 0 {
		return nil, errDelta
	}
	return r, nil
}
