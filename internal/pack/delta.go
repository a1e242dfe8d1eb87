package pack

import "errors"

var errDelta = errors.New("delta does not fit its base")

// deltaSizes reads the sizes of base and result at the begin of a delta, and
// returns its instructions.
func deltaSizes(delta []byte) (base, result uint64, rest []byte, ok bool) {
	base, n := varint(delta)
	if n == 0 {
		return 0, 0, nil, false
	}
	result, m := varint(delta[n:])
	return base, result, delta[n+m:], m > 0
}

// varint reads a size: seven bits a byte, the lowest first. It returns how
// many bytes that took, 0 if the size does not end or has more than 63 bits.
func varint(b []byte) (v uint64, n int) {
	for n < len(b) && n < 9 {
		c := b[n]
		v |= uint64(c&0x7f) << (7 * n)
		n++
		if c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}

// An instruction of a delta inserts bytes, or copies n bytes of the base from
// off on.
type instruction struct {
	insert []byte // nil for a copy
	off, n int
}

// nextInstruction reads the first instruction of a delta (gitformat-pack,
// "Deltified representation") and returns those behind it. A copy may lie
// outside the base.
func nextInstruction(delta []byte) (in instruction, rest []byte, ok bool) {
	op := delta[0]
	delta = delta[1:]
	if op < 0x80 {
		n := int(op)
		if n == 0 || n > len(delta) {
			return in, nil, false
		}
		return instruction{insert: delta[:n], n: n}, delta[n:], true
	}
	need, i := copyBytes[op&0x7f], 0
	if int(need) > len(delta) {
		return in, nil, false
	}
	for shift := uint(0); shift < 32; shift += 8 {
		if op&1 != 0 {
			in.off |= int(delta[i]) << shift
			i++
		}
		op >>= 1
	}
	for shift := uint(0); shift < 24; shift += 8 {
		if op&1 != 0 {
			in.n |= int(delta[i]) << shift
			i++
		}
		op >>= 1
	}
	if in.n == 0 {
		in.n = 0x10000
	}
	return in, delta[i:], true
}

// within reports whether a copy lies in a base of so many bytes. An offset can
// be negative where an int has 32 bits.
func (in *instruction) within(base int) bool {
	return in.off >= 0 && in.off <= base && in.n <= base-in.off
}

// apply fills dst with what the instructions of a delta make of base. They
// must fill it exactly.
func apply(dst, base, delta []byte) error {
	for len(delta) > 0 {
		in, rest, ok := nextInstruction(delta)
		if !ok || in.n > len(dst) {
			return errDelta
		}
		if in.insert != nil {
			copy(dst, in.insert)
		} else if !in.within(len(base)) {
			return errDelta
		} else {
			copy(dst, base[in.off:in.off+in.n])
		}
		dst, delta = dst[in.n:], rest
	}
	if len(dst) > 0 {
		return errDelta
	}
	return nil
}

// copyBytes says how many bytes follow a copy instruction: one for each bit.
var copyBytes = func() (t [128]uint8) {
	for i := range t {
		t[i] = t[i/2] + uint8(i&1)
	}
	return t
}()
