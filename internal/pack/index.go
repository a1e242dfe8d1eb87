package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// An index says where in a pack an object begins. It is a view of the bytes of
// an index file of version 2 (gitformat-pack, "Version 2 pack-*.idx files").
type index struct {
	size    int // bytes of an ID
	count   int
	fanout  []byte // 256 numbers of 4 bytes
	names   []byte
	offsets []byte // 4 bytes each
	large   []byte // 8 bytes each
	packSum []byte
}

// parseIndex checks the lengths of all tables and that the fan-out table never
// falls. Offsets are checked when they are asked for. A table of names that is
// not in order is not found out: its objects are missing.
func parseIndex(data []byte, size int) (index, error) {
	const head, fan = 8, 256 * 4
	if len(data) < head+fan+2*size {
		return index{}, fmt.Errorf("%d bytes: cut off: %w", len(data), ErrDamaged)
	}
	if string(data[:4]) != "\xfftOc" {
		return index{}, fmt.Errorf("not an index of version 2; run git repack -ad: %w", ErrDamaged)
	}
	if v := be32(data[4:]); v != 2 {
		return index{}, fmt.Errorf("version %d of indexes is not known; run git repack -ad: %w", v, ErrDamaged)
	}
	x := index{size: size, fanout: data[head : head+fan]}
	last := uint32(0)
	for i := 0; i < fan; i += 4 {
		n := be32(x.fanout[i:])
		if n < last {
			return index{}, fmt.Errorf("fan-out table falls at %d: %w", i/4, ErrDamaged)
		}
		last = n
	}
	need := uint64(last)*uint64(size+8) + head + fan + 2*uint64(size)
	rest := uint64(len(data)) - need
	if uint64(len(data)) < need || rest%8 != 0 || rest/8 > uint64(last) {
		return index{}, fmt.Errorf("%d bytes do not fit %d objects; SHA-1 and SHA-256 may be mixed up: %w", len(data), last, ErrDamaged)
	}
	x.count = int(last)
	data = data[head+fan:]
	x.names, data = data[:x.count*size], data[x.count*(size+4):]
	x.offsets, data = data[:x.count*4], data[x.count*4:]
	x.large, data = data[:rest], data[rest:]
	x.packSum = data[:size]
	return x, nil
}

// find returns the place of an object in the tables.
//
// Names are hashes and so spread evenly: their first bytes say nearly where one
// is, and from there steps that double find the bounds between which to halve.
func (x *index) find(id *ID) (int, bool) {
	lo, hi := 0, int(be32(x.fanout[int(id[0])*4:]))
	if id[0] > 0 {
		lo = int(be32(x.fanout[int(id[0])*4-4:]))
	}
	want := id[:x.size]
	guess := lo + int(uint64(hi-lo)*uint64(be32(id[1:]))>>32)
	if lo < hi && x.compare(guess, want) < 0 {
		lo = guess + 1
		for step := 16; step < hi-lo; step *= 2 {
			if x.compare(lo+step, want) > 0 {
				hi = lo + step
			}
		}
	} else if lo < hi {
		hi = guess + 1
		for step := 16; step < hi-lo; step *= 2 {
			if x.compare(hi-step, want) <= 0 {
				lo = hi - step
			}
		}
	}
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := x.compare(mid, want); {
		case c == 0:
			return mid, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false
}

func (x *index) compare(place int, want []byte) int {
	return bytes.Compare(x.names[place*x.size:place*x.size+x.size], want)
}

// offset returns the offset of the object at a place of the tables.
func (x *index) offset(place int) (uint64, error) {
	off := be32(x.offsets[place*4:])
	if off < 1<<31 {
		return uint64(off), nil
	}
	n := uint64(off&^(1<<31)) * 8
	if n+8 > uint64(len(x.large)) {
		return 0, fmt.Errorf("object %d: no such large offset: %w", place, ErrDamaged)
	}
	return binary.BigEndian.Uint64(x.large[n:]), nil
}
