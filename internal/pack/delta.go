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

// apply fills dst with what the instructions of a delta make of base
// (gitformat-pack, "Deltified representation"). They must fill it exactly.
func apply(dst, base, delta []byte) error {
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		if op < 0x80 {
			n := int(op)
			if n == 0 || n > len(delta) || n > len(dst) {
				return errDelta
			}
			copy(dst, delta[:n])
			dst, delta = dst[n:], delta[n:]
			continue
		}
		var off, n uint
		need, i := copyBytes[op&0x7f], 0
		if int(need) > len(delta) {
			return errDelta
		}
		for shift := uint(0); shift < 32; shift += 8 {
			if op&1 != 0 {
				off |= uint(delta[i]) << shift
				i++
			}
			op >>= 1
		}
		for shift := uint(0); shift < 24; shift += 8 {
			if op&1 != 0 {
				n |= uint(delta[i]) << shift
				i++
			}
			op >>= 1
		}
		delta = delta[i:]
		if n == 0 {
			n = 0x10000
		}
		if off > uint(len(base)) || n > uint(len(base))-off || n > uint(len(dst)) {
			return errDelta
		}
		copy(dst, base[off:off+n])
		dst = dst[n:]
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
