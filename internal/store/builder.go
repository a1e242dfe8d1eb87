package store

import (
	"encoding/binary"
	"fmt"
	"slices"

	"wontfix"
)

// maxText is the size of the largest text that an entry may have.
const maxText = 64 << 20

// A builder gathers changes. It keeps a few bytes for each statement, and of
// the texts only what a frame needs.
type builder struct {
	dict    *dictionary
	entries []entry
	dead    []bool            // by entry: taken back by a later change
	index   map[string]uint32 // live entry by id
	base    int               // entries before this were in the database already
	touched map[code]struct{} // codes whose old rows do not count any more
	named   map[string]struct{}

	labels   []newLabel
	byLabel  map[string]uint32
	sources  map[string]*source
	order    []*source
	last     *source
	problems map[string][]wontfix.Problem // by file; an empty list takes back what was known
	frames   *framer
	words    map[string]string // priorities and so on, one copy of each
}

type newLabel struct {
	id      int // in the database; 0 if it is new
	text    string
	release wontfix.Release
	written string // the release's text
}

// A source has the rows of one source package, by label.
type source struct {
	name string
	rows []packedRows
}

// packedRows is a list of rows: for each the distance of its entry to the one
// before, its saying, its line, and its evidence's line if that is its own.
type packedRows struct {
	last uint32
	data []byte
}

func newBuilder(frames *framer) *builder {
	return &builder{
		dict: newDictionary(), index: map[string]uint32{},
		touched: map[code]struct{}{}, named: map[string]struct{}{},
		byLabel: map[string]uint32{}, sources: map[string]*source{},
		problems: map[string][]wontfix.Problem{}, frames: frames, words: map[string]string{},
	}
}

// start takes over what the database has.
func (b *builder) start(entries []entry, labels []label) {
	b.entries, b.base = entries, len(entries)
	b.dead = make([]bool, len(entries))
	for i := range entries {
		b.index[entries[i].id] = uint32(i)
	}
	for _, l := range labels {
		b.byLabel[l.text] = uint32(len(b.labels))
		b.labels = append(b.labels, newLabel{l.id, l.text, l.release, l.release.String()})
	}
}

// add takes in one change.
func (b *builder) add(c *wontfix.Change) error {
	if i, ok := b.index[c.ID]; ok && (c.Entry != nil || b.entries[i].file == c.File) {
		b.kill(i)
		b.problems[b.entries[i].file] = nil
	}
	b.problems[b.copy(c.File)] = slices.Clone(c.Problems)
	if c.Entry == nil {
		return nil
	}
	if err := b.check(c); err != nil {
		return err
	}
	e := entry{
		id: b.copy(c.ID), file: b.copy(c.File), priority: b.copy(c.Entry.Priority.Word),
		day: dayOf(c.Entry.PublishedAt()), withdrawn: c.Entry.Withdrawn != "",
	}
	e.code, _ = encodeID(e.id)
	e.frame, e.offset, e.size = b.frames.add(c.Text)
	published := dayText(e.day)
	number := uint32(len(b.entries))
	b.entries, b.dead = append(b.entries, e), append(b.dead, false)
	b.index[e.id] = number
	for i := range c.Entry.Statements {
		if err := b.statement(c, number, published, &c.Entry.Statements[i]); err != nil {
			return err
		}
	}
	return nil
}

// kill takes entry i back.
func (b *builder) kill(i uint32) {
	e := &b.entries[i]
	b.dead[i] = true
	delete(b.index, e.id)
	if int(i) >= b.base {
		return
	}
	if v, ok := encodeID(e.id); ok {
		b.touched[v] = struct{}{}
	} else {
		b.named[e.id] = struct{}{}
	}
}

// copy returns s in memory of its own, the same for the same text.
func (b *builder) copy(s string) string {
	c, ok := b.words[s]
	if !ok {
		c = string([]byte(s))
		b.words[c] = c
	}
	return c
}

func (b *builder) check(c *wontfix.Change) error {
	switch {
	case c.ID == "" || c.File == "":
		return fmt.Errorf("change of %q in %q: has no id or no file: every entry needs both", c.ID, c.File)
	case c.Entry.ID != c.ID || c.Entry.File != c.File:
		return fmt.Errorf("change of %q in %q: its entry is %q in %q: they must be the same", c.ID, c.File, c.Entry.ID, c.Entry.File)
	case len(c.Text) > maxText:
		return fmt.Errorf("change of %q: the text has %d bytes, and the most is %d: leave the file out", c.File, len(c.Text), maxText)
	}
	return nil
}

// statement takes in one statement of an entry that was published on a day.
func (b *builder) statement(c *wontfix.Change, number uint32, published string, s *wontfix.Statement) error {
	if s.ID != c.ID || s.File == "" {
		return fmt.Errorf("change of %q in %q: has a statement on %q in %q: it needs the same id, and a file", c.ID, c.File, s.ID, s.File)
	}
	if s.Published != published {
		return fmt.Errorf("change of %q: a statement has the date %q and its entry %q: they must be the same", c.ID, s.Published, published)
	}
	if s.Line < 0 || s.Line > maxLine || s.EvidenceLine < 0 || s.EvidenceLine > maxLine {
		return fmt.Errorf("change of %q: line %d or %d is out of range: lines are 0 to %d", c.ID, s.Line, s.EvidenceLine, maxLine)
	}
	l, other, err := b.label(s)
	if err != nil {
		return err
	}
	src := b.last
	if src == nil || src.name != s.Source {
		var ok bool
		if src, ok = b.sources[s.Source]; !ok {
			src = &source{name: b.copy(s.Source)}
			b.sources[src.name] = src
			b.order = append(b.order, src)
		}
		b.last = src
	}
	for int(l) >= len(src.rows) {
		src.rows = append(src.rows, packedRows{})
	}
	file := s.File
	if file == c.File {
		file = ""
	}
	says := b.dict.add(s, other, file)
	r := &src.rows[l]
	r.data = binary.AppendUvarint(r.data, uint64(number-r.last))
	r.data = binary.AppendUvarint(r.data, uint64(says))
	r.data = binary.AppendUvarint(r.data, uint64(s.Line))
	if b.dict.sayings[says].mode == evidenceOwn {
		r.data = binary.AppendUvarint(r.data, uint64(s.EvidenceLine))
	}
	r.last = number
	return nil
}

// label returns the number of a statement's label and the text of its release
// if that is not the one that the label stands for.
func (b *builder) label(s *wontfix.Statement) (number uint32, other string, err error) {
	n, ok := b.byLabel[s.Label]
	if ok && b.labels[n].release == s.Release {
		return n, "", nil
	}
	text := s.Release.String()
	if back, err := parseRelease(text); err != nil || back != s.Release {
		return 0, "", fmt.Errorf("statement on %q: release %q cannot be written down: give distribution and series", s.ID, text)
	}
	if !ok {
		n = uint32(len(b.labels))
		name := b.copy(s.Label)
		b.byLabel[name] = n
		r := s.Release
		r.Distribution, r.Series, r.Product = b.copy(r.Distribution), b.copy(r.Series), b.copy(r.Product)
		b.labels = append(b.labels, newLabel{0, name, r, r.String()})
		return n, "", nil
	}
	if text == "" {
		text = noRelease
	}
	return n, text, nil
}

// rows appends the rows of r that still count to list.
func (b *builder) rows(list []row, r *packedRows) []row {
	in := reader{data: r.data}
	number := uint32(0)
	for len(in.data) > 0 {
		number += uint32(in.uvarint())
		v := row{saying: uint32(in.uvarint()), line: uint32(in.uvarint())}
		if b.dict.sayings[v.saying].mode == evidenceOwn {
			v.evidence = uint32(in.uvarint())
		}
		if b.dead[number] {
			continue
		}
		e := &b.entries[number]
		v.code = e.code
		if _, ok := encodeID(e.id); !ok {
			v.name = e.id
		}
		list = append(list, v)
	}
	return list
}

// live returns the entries that count, in the order of the catalog.
func (b *builder) live() []entry {
	list := make([]entry, 0, len(b.index))
	for i := range b.entries {
		if !b.dead[i] {
			list = append(list, b.entries[i])
		}
	}
	slices.SortFunc(list, func(x, y entry) int { return compareEntries(&x, &y) })
	return list
}

// size returns how many bytes of text the live entries have.
func (b *builder) size() (n int64) {
	for i := range b.entries {
		if !b.dead[i] {
			n += int64(b.entries[i].size)
		}
	}
	return n
}
