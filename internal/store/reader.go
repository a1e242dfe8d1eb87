package store

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errBytes says that packed bytes are not what the writer writes.
var errBytes = errors.New("packed data: damaged; build the database anew with `wontfix sync --full`")

func appendUvarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// A reader takes packed values off the front of a slice. After the first
// value that cannot be read, it has no bytes left and all values are zero.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) fail() { r.data, r.bad = nil, true }

func (r *reader) err() error {
	if r.bad {
		return errBytes
	}
	return nil
}

func (r *reader) uvarint() uint64 {
	if len(r.data) > 0 && r.data[0] < 0x80 {
		v := r.data[0]
		r.data = r.data[1:]
		return uint64(v)
	}
	if len(r.data) > 1 && r.data[1] < 0x80 {
		v := uint64(r.data[0]&0x7f) | uint64(r.data[1])<<7
		r.data = r.data[2:]
		return v
	}
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

// number reads a varint that must not be above max.
func (r *reader) number(max uint64) int {
	v := r.uvarint()
	if v > max {
		r.fail()
		return 0
	}
	return int(v)
}

// count reads how many values follow, each of which takes a byte or more.
func (r *reader) count() int { return r.number(uint64(len(r.data))) }

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail()
		return 0
	}
	v := r.data[0]
	r.data = r.data[1:]
	return v
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.fail()
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

// strings appends a table of strings to list: the number of them, their
// lengths, and then their bytes. All of them share one piece of memory.
func (r *reader) strings(list []string) []string {
	n := r.count()
	lengths := *r
	total := 0
	for range n {
		total += r.number(uint64(len(r.data)))
		if total > len(r.data) {
			r.fail()
		}
	}
	text := string(r.bytes(total))
	if r.bad {
		return list
	}
	list = slices.Grow(list, n)
	for range n {
		l := lengths.number(uint64(len(text)))
		list = append(list, text[:l])
		text = text[l:]
	}
	return list
}

func appendStrings(b []byte, list []string) []byte {
	b = appendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendUvarint(b, uint64(len(s)))
	}
	for _, s := range list {
		b = append(b, s...)
	}
	return b
}
