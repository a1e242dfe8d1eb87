package pack

import "math/bits"

// A key names an object of a pack: the number of the pack and the offset.
type key uint64

const keyBits = 48

func keyOf(pack int, off uint64) key { return key(pack)<<keyBits | key(off) }

func (k key) pack() int   { return int(k >> keyBits) }
func (k key) off() uint64 { return uint64(k) & (1<<keyBits - 1) }

// A made is an object that has been made from its delta and bases, or
// inflated. It is valid while it is pinned.
type made struct {
	key        key
	kind       Kind
	text       []byte // nil if it is a rope
	rope       *rope
	ropes      int      // of which it is the root; they pin it
	inserts    []byte   // what these have besides its text
	ends       []uint32 // of a tree's entries; see entryEnds
	pins       int
	prev, next *made // in the ring of those without pins
}

// cost returns how many bytes an object has in memory, of which ropes may share
// some.
func (m *made) cost() int {
	if m.rope != nil {
		return m.rope.cost()
	}
	return cap(m.text)
}

// rootCost is what an object costs that has ropes.
func (m *made) rootCost() int { return m.cost() + m.cost()/ropeInsert }

// A cache keeps objects: those that are pinned, and of the others as many
// bytes as its budget allows, the last used. It uses the memory of what it
// drops again. It is for one goroutine.
type cache struct {
	budget int
	used   int // bytes of objects without pins
	pinned int // bytes of objects with pins
	rooted int // bytes of those that are roots of ropes
	slots  map[key]*made
	ring   made // next is the last used
	spare  []*made
	free   [freeClasses][][]byte
	idle   int // bytes in free
}

func newCache(budget int) *cache {
	c := &cache{budget: budget, slots: map[key]*made{}}
	c.ring.next, c.ring.prev = &c.ring, &c.ring
	return c
}

// get returns an object, pinned, or nil.
func (c *cache) get(k key) *made {
	m := c.slots[k]
	if m != nil {
		c.pin(m)
	}
	return m
}

func (c *cache) pin(m *made) {
	if m.pins == 0 {
		m.prev.next, m.next.prev = m.next, m.prev
		c.used -= m.cost()
		c.pinned += m.cost()
	}
	m.pins++
}

// unpin takes a pin away, and drops what no longer fits the budget.
func (c *cache) unpin(m *made) {
	if m.pins--; m.pins > 0 {
		return
	}
	m.prev, m.next = &c.ring, c.ring.next
	m.prev.next, m.next.prev = m, m
	c.pinned -= m.cost()
	c.used += m.cost()
	for c.used+c.rooted > c.budget && c.ring.prev != &c.ring {
		c.drop(c.ring.prev)
	}
}

// drop forgets an object without pins.
func (c *cache) drop(m *made) {
	m.prev.next, m.next.prev = m.next, m.prev
	c.used -= m.cost()
	delete(c.slots, m.key)
	if m.rope == nil {
		c.recycle(m.text)
	} else {
		root := m.rope.root
		if root.ropes--; root.ropes == 0 {
			c.rooted -= root.rootCost()
			root.inserts = nil
		}
		c.unpin(root)
	}
	*m = made{}
	c.spare = append(c.spare, m)
}

// put adds an object that the cache does not have, with a text of alloc. It
// returns it pinned.
func (c *cache) put(k key, kind Kind, text []byte) *made {
	return c.add(made{key: k, kind: kind, text: text, pins: 1})
}

// putRope adds a tree that the cache does not have, and returns it pinned.
func (c *cache) putRope(k key, r *rope) *made {
	if c.pin(r.root); r.root.ropes == 0 {
		c.rooted += r.root.rootCost()
	}
	r.root.ropes++
	return c.add(made{key: k, kind: Tree, rope: r, pins: 1})
}

func (c *cache) add(m made) *made {
	var p *made
	if n := len(c.spare); n > 0 {
		p = c.spare[n-1]
		c.spare = c.spare[:n-1]
	} else {
		p = new(made)
	}
	*p = m
	c.pinned += p.cost()
	c.slots[p.key] = p
	return p
}

// Memory comes in classes of 64 bytes, then four to each power of two.
const (
	minShift    = 4
	freeClasses = (64 - minShift) * 4
)

// class returns the class of n bytes and how many a buffer of that class has.
func class(n int) (class, size int) {
	if n <= 8<<minShift {
		return 0, 8 << minShift
	}
	shift := bits.Len(uint(n-1)) - 3
	steps := (n-1)>>shift + 1 // 5 to 8
	return (shift-minShift)*4 + steps - 4, steps << shift
}

// alloc returns n bytes of whatever content, in memory of up to four classes
// more, which is twice as large, rather than in new memory.
func (c *cache) alloc(n int) []byte {
	first, size := class(n)
	for i := first; i < first+5 && i < freeClasses; i++ {
		if list := c.free[i]; len(list) > 0 {
			b := list[len(list)-1]
			c.free[i] = list[:len(list)-1]
			c.idle -= cap(b)
			return b[:n]
		}
	}
	return make([]byte, n, size)
}

// recycle takes memory of alloc back. When there is too much of it, all of it
// goes: mostly it has sizes that nobody asks for any more.
func (c *cache) recycle(b []byte) {
	i, size := class(cap(b))
	if c.idle+size > c.budget {
		clear(c.free[:])
		c.idle = 0
		if size > c.budget {
			return
		}
	}
	c.idle += size
	c.free[i] = append(c.free[i], b)
}
