package store

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"wontfix"
)

// A row is one statement of a blob: which vulnerability, what it says, where.
type row struct {
	code     code
	name     string // the id, if it has no code
	saying   uint32 // number in a dictionary
	line     uint32
	evidence uint32 // line of the evidence, if the saying's mode is evidenceOwn
}

// compareRows is the order of rows in a blob: ids with a code by year and
// number, then the other ids by code point. Rows of one id stay as they came.
func compareRows(a, b row) int {
	if a.name == "" && b.name == "" {
		return cmp.Compare(a.code, b.code)
	}
	if (a.name == "") != (b.name == "") {
		if a.name == "" {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(a.code, b.code); c != 0 {
		return c
	}
	return cmp.Compare(a.name, b.name)
}

// sortRows puts rows in the order of a blob, in which they mostly are.
func sortRows(rows []row) {
	if !slices.IsSortedFunc(rows, compareRows) {
		slices.SortStableFunc(rows, compareRows)
	}
}

// The fields of a saying that are in a blob only if they are not zero, in the
// order in which they are written; the frequent ones have the low bits, so
// that most masks take one byte.
const (
	hasDetail = 1 << iota
	hasPriority
	hasFixed
	hasReasons
	hasEvidence
	hasModeLow
	hasModeHigh
	hasDevel
	hasWas
	hasWasDetail
	hasSuccessor
	hasWords
	hasSince
	hasBecause
	hasRelease
	hasKind
	hasModule
	hasIntroduced
	hasAdvisory
	hasDecided
	hasFile
	hasLast

	modeShift = 5
	allFields = 1<<22 - 1
)

// A packer makes blobs out of rows. A blob has the statements on one source
// package in one release and needs nothing beside it to be read:
//
//	number of rows whose id has a code, number of rows whose id is text
//	size of what follows if it is compressed by zstd, else 0
//	the codes, as codeWriter packs them
//	the strings
//	number of sayings, and for each: mask, word, status, decision, fields
//	the ids that are text, as numbers of strings
//	for each row: number of the saying, line, line of the evidence if it has its own
//
// All numbers are varints; status, decision and evidence are bytes.
type packer struct {
	dict    *dictionary
	strings local
	sayings local
	list    []string
	body    []byte
	plain   []byte
}

const (
	// minCompressed is how many bytes a blob has before it is compressed.
	// Fewer get little smaller, and most blobs have fewer.
	minCompressed = 512
	// maxRatio is how many times as large as the compressed bytes the plain
	// ones are at most. Real blobs stay far below, and damaged ones cannot ask
	// for memory without end.
	maxRatio = 32
)

// A local numbers things of one blob that have a number already.
type local struct {
	seen  []uint64 // by outer number: turn<<32 | inner number
	turn  uint64
	outer []uint32 // by inner number
}

func (l *local) reset() { l.turn, l.outer = l.turn+1, l.outer[:0] }

func (l *local) number(outer uint32) uint64 {
	if int(outer) >= len(l.seen) {
		l.seen = append(l.seen, make([]uint64, int(outer)+1-len(l.seen))...)
	}
	if v := l.seen[outer]; v>>32 == l.turn {
		return uint64(uint32(v))
	}
	n := uint64(len(l.outer))
	l.seen[outer] = l.turn<<32 | n
	l.outer = append(l.outer, outer)
	return n
}

// pack appends a blob of rows, which must be in the order of compareRows.
func (p *packer) pack(b []byte, rows []row) []byte {
	p.strings.reset()
	p.sayings.reset()
	coded := len(rows)
	for coded > 0 && rows[coded-1].name != "" {
		coded--
	}
	for i := range rows {
		p.sayings.number(rows[i].saying)
	}
	p.body = appendUvarint(p.body[:0], uint64(len(p.sayings.outer)))
	for _, id := range p.sayings.outer {
		p.body = p.appendSaying(p.body, &p.dict.sayings[id])
	}
	for _, r := range rows[coded:] {
		p.body = appendUvarint(p.body, p.strings.number(p.dict.number(r.name)))
	}
	for i := range rows {
		r := &rows[i]
		p.body = appendUvarint(p.body, p.sayings.number(r.saying))
		p.body = appendUvarint(p.body, uint64(r.line))
		if p.dict.sayings[r.saying].mode == evidenceOwn {
			p.body = appendUvarint(p.body, uint64(r.evidence))
		}
	}

	plain := p.plain[:0]
	var w codeWriter
	for i := range rows[:coded] {
		plain = w.append(plain, rows[i].code)
	}
	p.list = p.list[:0]
	for _, n := range p.strings.outer {
		p.list = append(p.list, p.dict.strings[n])
	}
	plain = append(appendStrings(plain, p.list), p.body...)
	p.plain = plain

	return packBlob(b, coded, len(rows)-coded, plain)
}

// packBlob appends a blob, compressed if it is large.
func packBlob(b []byte, coded, texts int, plain []byte) []byte {
	if len(plain) >= minCompressed {
		with := appendUvarint(appendUvarint(b, uint64(coded)), uint64(texts))
		with = appendUvarint(with, uint64(len(plain)))
		from := len(with)
		with = blobEncoder().EncodeAll(plain, with)
		if n := len(with) - from; n < len(plain) && len(plain) <= maxRatio*n {
			return with
		}
	}
	return plainBlob(b, coded, texts, plain)
}

// plainBlob appends a blob that is not compressed.
func plainBlob(b []byte, coded, texts int, plain []byte) []byte {
	b = appendUvarint(appendUvarint(b, uint64(coded)), uint64(texts))
	return append(appendUvarint(b, 0), plain...)
}

// blobEncoder returns what compresses blobs.
var blobEncoder = sync.OnceValue(func() *zstd.Encoder {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are wrong
	}
	return z
})

func (p *packer) appendSaying(b []byte, v *saying) []byte {
	mask := uint64(v.mode) << modeShift
	set := func(bit uint64, on bool) {
		if on {
			mask |= bit
		}
	}
	set(hasDetail, v.detail != 0)
	set(hasPriority, v.priority != 0)
	set(hasFixed, v.fixed != 0)
	set(hasReasons, v.reasons != 0)
	set(hasEvidence, v.evidence != 0)
	set(hasDevel, v.devel != 0)
	set(hasWas, v.was != 0)
	set(hasWasDetail, v.wasDetail != 0)
	set(hasSuccessor, v.successor != 0)
	set(hasWords, v.words != 0)
	set(hasSince, v.since != 0)
	set(hasBecause, v.cause != 0)
	set(hasRelease, v.release != 0)
	set(hasKind, v.kind != 0)
	set(hasModule, v.module != 0)
	set(hasIntroduced, v.introduced != 0)
	set(hasAdvisory, v.advisory != 0)
	set(hasDecided, v.decided != 0)
	set(hasFile, v.file != 0)
	set(hasLast, v.last != 0)
	b = appendUvarint(b, mask)
	b = appendUvarint(b, p.strings.number(v.word))
	b = append(b, byte(v.status), byte(v.decision))
	for _, s := range [...]uint32{v.detail, v.priority, v.fixed} {
		if s != 0 {
			b = appendUvarint(b, p.strings.number(s))
		}
	}
	if v.reasons != 0 {
		b = appendUvarint(b, uint64(v.reasons))
	}
	if v.evidence != 0 {
		b = append(b, byte(v.evidence))
	}
	for _, s := range [...]uint32{v.devel, v.was, v.wasDetail, v.successor, v.words, v.since, v.cause, v.release, v.module, v.introduced, v.advisory, v.decided, v.file, v.last} {
		if s != 0 {
			b = appendUvarint(b, p.strings.number(s))
		}
	}
	if v.kind != 0 {
		b = append(b, v.kind)
	}
	return b
}

// A blob is an unpacked blob. Its memory is used again by the next read.
type blob struct {
	codes   []code
	strings []string
	says    []wontfix.Statement // all that a saying has
	modes   []uint8
	names   []string // ids that are text
	rows    reader   // the rest
	plain   []byte   // what was compressed
}

// maxLine is the highest line that a statement may have.
const maxLine = math.MaxInt32

// readCounts reads the number of rows with a code and of rows with a text, and
// the size of what follows if it is compressed, else 0.
func readCounts(data []byte) (coded, texts, size int, rest reader) {
	r := reader{data: data}
	coded, texts = r.number(maxFrame), r.number(maxFrame)
	size = r.number(uint64(maxRatio * len(r.data)))
	plain := size
	if size == 0 {
		plain = len(r.data)
	}
	if coded+texts > plain/2 { // a row takes two bytes or more
		r.fail()
	}
	return coded, texts, size, r
}

// open reads the beginning of a blob up to its codes, and returns what follows,
// how many ids have a code, and how many are text.
func (b *blob) open(data []byte) (r reader, coded, texts int) {
	coded, texts, size, r := readCounts(data)
	if size > 0 {
		var err error
		if b.plain, err = unframe(b.plain[:0], r.data, size); err != nil {
			r.fail()
		}
		r.data = b.plain
	}
	if r.bad {
		return reader{bad: true}, 0, 0
	}
	return r, coded, texts
}

// readCodes reads n codes.
func (b *blob) readCodes(r *reader, n int) {
	b.codes = slices.Grow(b.codes[:0], n)
	var c codeReader
	for range n {
		b.codes = append(b.codes, c.next(r))
	}
}

// read unpacks data up to the rows. of has the source, label and release of
// the blob's statements.
func (b *blob) read(data []byte, of *wontfix.Statement) error {
	r, coded, texts := b.open(data)
	b.readCodes(&r, coded)
	return b.readSayings(r, texts, of)
}

// readSayings is the part of read behind the codes.
func (b *blob) readSayings(r reader, texts int, of *wontfix.Statement) error {
	b.strings = r.strings(b.strings[:0])
	n := r.count()
	b.says = slices.Grow(b.says[:0], n)
	b.modes = b.modes[:0]
	for range n {
		b.says = append(b.says, *of)
		b.modes = append(b.modes, b.readSaying(&r, &b.says[len(b.says)-1]))
	}
	return b.readNames(r, texts)
}

// readNames reads the ids that are text, behind which the rows begin.
func (b *blob) readNames(r reader, texts int) error {
	b.names = b.names[:0]
	if texts > len(r.data) {
		r.fail()
	}
	for range texts {
		name := b.string(&r)
		if name == "" {
			r.fail() // a row without an id
		}
		if r.bad {
			break
		}
		b.names = append(b.names, name)
	}
	if len(b.codes)+len(b.names) > len(r.data)/2 {
		r.fail() // a row takes two bytes or more
	}
	b.rows = r
	return r.err()
}

func (b *blob) string(r *reader) string {
	n := r.uvarint()
	if n >= uint64(len(b.strings)) {
		r.fail()
		return ""
	}
	return b.strings[n]
}

func (b *blob) readSaying(r *reader, s *wontfix.Statement) (mode uint8) {
	mask := r.number(allFields)
	mode = uint8(mask>>modeShift) & 3
	if mode > evidenceOwn {
		r.fail()
	}
	s.Word = b.string(r)
	s.Status, s.Decision = wontfix.Status(r.byte()), wontfix.Decision(r.byte())
	text := func(bit int, to *string) {
		if mask&bit != 0 {
			*to = b.string(r)
		}
	}
	text(hasDetail, &s.Detail)
	text(hasPriority, &s.Priority)
	text(hasFixed, &s.Fixed)
	if mask&hasReasons != 0 {
		s.Reasons = wontfix.Reasons(r.number(math.MaxUint32))
	}
	if mask&hasEvidence != 0 {
		s.Evidence = wontfix.Evidence(r.byte())
	}
	text(hasDevel, &s.DevelOf)
	text(hasWas, &s.Was)
	text(hasWasDetail, &s.WasDetail)
	text(hasSuccessor, &s.Successor)
	text(hasWords, &s.Words)
	text(hasSince, &s.Since)
	text(hasBecause, &s.Because)
	if mask&hasRelease != 0 {
		var err error
		s.Release = wontfix.Release{}
		if text := b.string(r); text != noRelease {
			s.Release, err = wontfix.ParseRelease(text)
		}
		if err != nil {
			r.fail()
		}
	}
	text(hasModule, &s.Module)
	text(hasIntroduced, &s.Introduced)
	text(hasAdvisory, &s.Advisory)
	text(hasDecided, &s.Decided)
	text(hasFile, &s.File)
	text(hasLast, &s.LastAffected)
	if mask&hasKind != 0 {
		kind := r.byte()
		if kind > allKinds {
			r.fail()
		}
		setKind(s, kind)
	}
	return mode
}

// len returns the number of rows.
func (b *blob) len() int { return len(b.codes) + len(b.names) }

// next reads the row after the last one: the number of its saying, its line,
// and the line of its evidence. At the end of the rows, no bytes must be left.
func (b *blob) next() (saying, line, evidence int, ok bool) {
	r := &b.rows
	n := r.uvarint()
	if n >= uint64(len(b.modes)) {
		r.fail()
		return 0, 0, 0, false
	}
	line = r.number(maxLine)
	switch b.modes[n] {
	case evidenceSame:
		evidence = line
	case evidenceOwn:
		evidence = r.number(maxLine)
	}
	return int(n), line, evidence, !r.bad
}

// end reports whether the rows ended where the blob ends.
func (b *blob) end() error {
	if b.rows.bad || len(b.rows.data) > 0 {
		return errBytes
	}
	return nil
}

// noRelease is written where a statement has no release and its label has one.
const noRelease = "-"

// parseRelease reads a label's release; "" is the zero release.
func parseRelease(s string) (wontfix.Release, error) {
	if s == "" {
		return wontfix.Release{}, nil
	}
	return wontfix.ParseRelease(s)
}
