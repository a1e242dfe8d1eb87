package store

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// A CatalogEntry is an entry without its statements and texts.
type CatalogEntry struct {
	ID        string
	File      string // path in the tracker
	Published string // YYYY-MM-DD, or "" if not known
	Priority  string // the tracker's word
	Withdrawn bool
	Size      int // bytes of the file
}

// An entry is what the catalog has of an entry.
type entry struct {
	code      code
	id        string // also if it has a code
	file      string
	priority  string
	day       int32 // of publication, in days since 1970; noDay if not known
	withdrawn bool
	frame     uint32 // the text's place: number of the frame, bytes before it, bytes
	offset    uint32
	size      uint32
}

const noDay = math.MinInt32

func dayOf(published string) int32 {
	t, err := time.Parse(time.DateOnly, published)
	if err != nil {
		return noDay
	}
	return int32(t.Unix() / 86400) // midnight, so nothing is cut off
}

func dayText(day int32) string {
	if day == noDay {
		return ""
	}
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

// compareEntries is the order of the catalog, which is that of blobs.
func compareEntries(a, b *entry) int {
	_, codeA := encodeID(a.id)
	_, codeB := encodeID(b.id)
	if codeA != codeB {
		if codeA {
			return -1
		}
		return 1
	}
	if codeA {
		return cmp.Compare(a.code, b.code)
	}
	return cmp.Compare(a.id, b.id)
}

// packCatalog packs entries, which must be in the order of compareEntries and
// of distinct ids, into the two columns of the table.
//
// The first column has: number of entries whose id has a code, number of those
// whose id is text, the codes, the strings; then for each entry the string
// that its file begins with (its number doubled, plus one if it is the whole
// file: else the id follows), its day of publication plus one as the distance
// to the entry before, in zigzag (0: not known), its priority (the number of
// the string doubled, plus one if the entry is withdrawn), and, for an id that
// is text, the number of its string. The second column has the frame, offset
// and size of each entry's text.
func packCatalog(entries []entry) (head, places []byte) {
	places = []byte{} // not null, even of a tracker without entries
	var table []string
	numbers := map[string]uint64{}
	number := func(s string) uint64 {
		n, ok := numbers[s]
		if !ok {
			n = uint64(len(table))
			numbers[s] = n
			table = append(table, s)
		}
		return n
	}
	var ids, body []byte
	var w codeWriter
	coded, last := 0, int32(0)
	for i := range entries {
		e := &entries[i]
		if _, ok := encodeID(e.id); ok {
			coded++
			ids = w.append(ids, e.code)
		}
		if folder, ok := strings.CutSuffix(e.file, e.id); ok {
			body = appendUvarint(body, number(folder)<<1)
		} else {
			body = appendUvarint(body, number(e.file)<<1|1)
		}
		if e.day == noDay {
			body = append(body, 0)
		} else {
			body = appendUvarint(body, zigzag(int64(e.day)-int64(last))+1)
			last = e.day
		}
		priority := number(e.priority) << 1
		if e.withdrawn {
			priority |= 1
		}
		body = appendUvarint(body, priority)
		if i >= coded {
			body = appendUvarint(body, number(e.id))
		}
		places = appendUvarint(places, uint64(e.frame))
		places = appendUvarint(places, uint64(e.offset))
		places = appendUvarint(places, uint64(e.size))
	}
	head = appendUvarint(head, uint64(coded))
	head = appendUvarint(head, uint64(len(entries)-coded))
	head = append(head, ids...)
	head = appendStrings(head, table)
	return append(head, body...), places
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// A catalog is the first column of a catalog, unpacked as far as every scan
// needs it: an entry is a number, and its texts are made when asked for.
type catalog struct {
	codes   []code
	names   []string // the ids that are text, of the entries after those with codes
	strings []string
	files   []uint32 // as packed
	days    []int32
	words   []uint32 // as packed
}

func readCatalog(data []byte) (*catalog, error) {
	r := &reader{data: data}
	coded, texts := r.count(), r.count()
	c := &catalog{codes: make([]code, 0, coded)}
	var codes codeReader
	for i := range coded {
		v := codes.next(r)
		if i > 0 && v <= c.codes[i-1] {
			r.fail()
		}
		c.codes = append(c.codes, v)
	}
	c.strings = r.strings(nil)
	if n := coded + texts; n > len(r.data)/3 {
		r.fail()
	} else {
		c.files, c.days, c.words = make([]uint32, 0, n), make([]int32, 0, n), make([]uint32, 0, n)
	}
	tableEnd := uint64(2 * len(c.strings))
	day := int64(0)
	for i := 0; i < coded+texts && !r.bad; i++ {
		file := r.uvarint()
		d := r.uvarint()
		word := r.uvarint()
		if file >= tableEnd || word >= tableEnd {
			r.fail()
			break
		}
		published := int32(noDay)
		if d != 0 {
			day += unzigzag(d - 1)
			if day <= noDay || day > math.MaxInt32 {
				r.fail()
				break
			}
			published = int32(day)
		}
		if i >= coded {
			n := r.uvarint()
			if n >= uint64(len(c.strings)) || c.strings[n] == "" {
				r.fail()
				break
			}
			name := c.strings[n]
			if _, ok := encodeID(name); ok || len(c.names) > 0 && name <= c.names[len(c.names)-1] {
				r.fail()
			}
			c.names = append(c.names, name)
		}
		c.files, c.days, c.words = append(c.files, uint32(file)), append(c.days, published), append(c.words, uint32(word))
	}
	if len(r.data) > 0 {
		r.fail()
	}
	return c, r.err()
}

func (c *catalog) len() int { return len(c.files) }

// id returns the id of entry i.
func (c *catalog) id(i int) string {
	if i >= len(c.codes) {
		return c.names[i-len(c.codes)]
	}
	return c.codes[i].String()
}

// idAndFile returns the id and the file of entry i. Where the file ends in the id
// they share their memory.
func (c *catalog) idAndFile(i int) (id, file string) {
	prefix := c.strings[c.files[i]>>1]
	if c.files[i]&1 != 0 {
		return c.id(i), prefix
	}
	if i >= len(c.codes) {
		id = c.names[i-len(c.codes)]
		return id, prefix + id
	}
	b := append(make([]byte, 0, 64), prefix...)
	file = string(c.codes[i].appendTo(b))
	return file[len(prefix):], file
}

// find returns the entry with an id, or -1.
func (c *catalog) find(id string) int {
	if v, ok := encodeID(id); ok {
		if i, ok := slices.BinarySearch(c.codes, v); ok {
			return i
		}
		return -1
	}
	if i, ok := slices.BinarySearch(c.names, id); ok {
		return len(c.codes) + i
	}
	return -1
}

// after returns the entry with code v, given one whose code is not above it:
// a blob's rows are close together, so it looks ahead in growing steps. It
// returns -1 if there is none.
func (c *catalog) after(from int, v code) int {
	step, to := 1, from
	for to < len(c.codes) && c.codes[to] < v {
		from, to = to+1, to+step
		step *= 2
	}
	to = min(to+1, len(c.codes))
	i := from + sort.Search(to-from, func(i int) bool { return c.codes[from+i] >= v })
	if i >= len(c.codes) || c.codes[i] != v {
		return -1
	}
	return i
}

// of returns the entry of row i of a blob, or -1. at is that of the row before.
func (c *catalog) of(b *blob, i int, at *int) int {
	if i >= len(b.codes) {
		return c.find(b.names[i-len(b.codes)])
	}
	entry := c.after(*at, b.codes[i])
	*at = max(entry, 0)
	return entry
}

// entries unpacks the catalog with the places of the texts.
func (c *catalog) entries(places []byte) ([]entry, error) {
	list := make([]entry, c.len())
	r := &reader{data: places}
	for i := range list {
		e := &list[i]
		if i < len(c.codes) {
			e.code = c.codes[i]
		}
		e.id, e.file = c.idAndFile(i)
		e.priority, e.withdrawn = c.strings[c.words[i]>>1], c.words[i]&1 != 0
		e.day = c.days[i]
		e.frame = uint32(r.number(math.MaxUint32))
		e.offset = uint32(r.number(math.MaxUint32))
		e.size = uint32(r.number(math.MaxUint32))
	}
	if len(r.data) > 0 {
		r.fail()
	}
	return list, r.err()
}

// place reads the place of one text.
func place(places []byte, i int) (frame, offset, size int, err error) {
	r := &reader{data: places}
	for range 3 * i {
		r.uvarint()
	}
	frame, offset, size = r.number(math.MaxUint32), r.number(math.MaxUint32), r.number(math.MaxUint32)
	return frame, offset, size, r.err()
}

// A labeller gives rows the texts of their entries, each made once.
type labeller struct {
	catalog *catalog
	index   []uint32 // of entries, in made, plus one; 0: not there yet
	made    []made
}

type made struct{ id, file, published string }

func newLabeller(c *catalog) *labeller {
	return &labeller{catalog: c, index: make([]uint32, c.len())}
}

// entry returns the texts of entry i. They are valid until the next call.
func (l *labeller) entry(i int) *made {
	n := l.index[i]
	if n == 0 {
		m := made{published: dayText(l.catalog.days[i])}
		m.id, m.file = l.catalog.idAndFile(i)
		l.made = append(l.made, m)
		n = uint32(len(l.made))
		l.index[i] = n
	}
	return &l.made[n-1]
}
