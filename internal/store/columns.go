package store

import (
	"slices"

	"wontfix"
)

// columns turns blobs into the form of exports and back, in the order of their
// source and label. In that form nothing is compressed, and behind what a blob
// says come not rows but columns: the numbers of the sayings; the lines; and the
// lines of evidence of the sayings that have their own. A line is the distance,
// in zigzag, to that of the same vulnerability in the blob of the same source
// before, or else to 0: the rows of an entry are a list of releases in the same
// order in every entry, so that most distances are the same.
type columns struct {
	source string
	codes  map[code]int // the line of each vulnerability, last
	names  map[string]int
	blob   blob
	rows   []placed
	body   []byte
	packed []byte
}

// turn returns a blob in the form of exports, or such a one as [packBlob] makes
// it. It is valid until the next call.
func (c *columns) turn(source string, data []byte, export bool) ([]byte, error) {
	if c.codes == nil || c.source != source {
		c.source, c.codes, c.names = source, map[code]int{}, map[string]int{}
	}
	b := &c.blob
	all, coded, texts := b.open(data)
	r := all
	b.readCodes(&r, coded)
	if err := b.readSayings(r, texts, &wontfix.Statement{}); err != nil {
		return nil, err
	}
	c.body = append(c.body[:0], all.data[:len(all.data)-len(b.rows.data)]...)
	read, write := c.readRows, c.writeColumns
	if !export {
		read, write = c.readColumns, c.writeRows
	}
	if err := read(); err != nil {
		return nil, err
	}
	write()
	c.packed = c.packed[:0]
	if export {
		c.packed = plainBlob(c.packed, coded, texts, c.body)
	} else {
		c.packed = packBlob(c.packed, coded, texts, c.body)
	}
	return c.packed, nil
}

// line returns the line that the vulnerability of row i had last, and keeps the
// one that to makes of it.
func (c *columns) line(i int, to func(before int) int) {
	if b := &c.blob; i < len(b.codes) {
		c.codes[b.codes[i]] = to(c.codes[b.codes[i]])
	} else {
		name := b.names[i-len(b.codes)]
		c.names[name] = to(c.names[name])
	}
}

func (c *columns) readRows() error {
	c.rows = c.rows[:0]
	for i := range c.blob.len() {
		says, line, evidence, ok := c.blob.next()
		if !ok {
			return errBytes
		}
		c.rows = append(c.rows, placed{i, says, line, evidence})
	}
	return c.blob.end()
}

func (c *columns) writeRows() {
	for _, r := range c.rows {
		c.body = appendUvarint(c.body, uint64(r.says))
		c.body = appendUvarint(c.body, uint64(r.line))
		if c.blob.modes[r.says] == evidenceOwn {
			c.body = appendUvarint(c.body, uint64(r.evidence))
		}
	}
}

func (c *columns) writeColumns() {
	for _, r := range c.rows {
		c.body = appendUvarint(c.body, uint64(r.says))
	}
	for i, r := range c.rows {
		c.line(i, func(before int) int {
			c.body = appendUvarint(c.body, zigzag(int64(r.line-before)))
			return r.line
		})
	}
	for _, r := range c.rows {
		if c.blob.modes[r.says] == evidenceOwn {
			c.body = appendUvarint(c.body, uint64(r.evidence))
		}
	}
}

func (c *columns) readColumns() error {
	r := &c.blob.rows
	n := c.blob.len()
	c.rows = slices.Grow(c.rows[:0], n)[:n]
	for i := range c.rows {
		says := r.uvarint()
		if says >= uint64(len(c.blob.modes)) {
			return errBytes
		}
		c.rows[i] = placed{row: i, says: int(says)}
	}
	for i := range c.rows {
		c.line(i, func(before int) int {
			line := int64(before) + unzigzag(r.uvarint())
			if line < 0 || line > maxLine {
				r.fail()
				line = 0
			}
			c.rows[i].line = int(line)
			return int(line)
		})
	}
	for i := range c.rows {
		if row := &c.rows[i]; c.blob.modes[row.says] == evidenceOwn {
			row.evidence = r.number(maxLine)
		}
	}
	return c.blob.end()
}
