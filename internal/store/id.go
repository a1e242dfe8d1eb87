package store

import (
	"math"
	"strconv"
)

// A code is a CVE id as a number: the year in the upper half, the sequence
// number in the lower. Codes are in the order of year and number, which is not
// the order of the text: CVE-2014-9365 is below CVE-2014-10001.
type code uint64

const maxYear = 9999

// encodeID returns the code of an id of the form CVE-YYYY-N with N as the CVE
// program writes it: at least four digits, and no zero in front of more than
// four. Every other id has no code and is kept as text.
func encodeID(id string) (code, bool) {
	if len(id) < len("CVE-2000-0000") || id[:4] != "CVE-" || id[8] != '-' {
		return 0, false
	}
	year, ok := digits(id[4:8])
	if !ok {
		return 0, false
	}
	number := id[9:]
	n, ok := digits(number)
	if !ok || n > math.MaxUint32 || len(number) > 4 && number[0] == '0' {
		return 0, false
	}
	return code(year<<32 | n), true
}

// digits reads up to ten decimal digits.
func digits(s string) (uint64, bool) {
	if len(s) > 10 {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, true
}

// appendTo appends the id that c stands for.
func (c code) appendTo(b []byte) []byte {
	b = append(b, "CVE-"...)
	b = appendPadded(b, uint64(c>>32))
	b = append(b, '-')
	return appendPadded(b, uint64(uint32(c)))
}

func (c code) String() string { return string(c.appendTo(make([]byte, 0, 24))) }

// appendPadded appends n in decimal, with zeros in front up to four digits.
func appendPadded(b []byte, n uint64) []byte {
	for limit := uint64(1000); limit > 1 && n < limit; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, n, 10)
}

// A codeWriter packs a rising sequence of codes into varints: twice the
// distance to the number before, or, for a number of a later year, twice the
// distance of the years plus one and then the number.
type codeWriter struct{ last code }

func (w *codeWriter) append(b []byte, c code) []byte {
	if c>>32 == w.last>>32 {
		b = appendUvarint(b, uint64(c-w.last)<<1)
	} else {
		b = appendUvarint(b, uint64(c>>32-w.last>>32)<<1|1)
		b = appendUvarint(b, uint64(uint32(c)))
	}
	w.last = c
	return b
}

// A codeReader reads what a codeWriter writes.
type codeReader struct{ last code }

func (r *codeReader) next(b *reader) code {
	v := b.uvarint()
	year, number := uint64(r.last>>32), uint64(uint32(r.last))
	if v&1 == 0 {
		number += v >> 1
	} else {
		if v>>1 == 0 || v>>1 > maxYear {
			b.fail()
			return 0
		}
		year += v >> 1
		number = b.uvarint()
	}
	if year > maxYear || v > math.MaxUint32<<1|1 || number > math.MaxUint32 {
		b.fail()
		return 0
	}
	r.last = code(year<<32 | number)
	return r.last
}
