package csaf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// deepest is how many levels of branches a product tree may have.
const deepest = 64

// A place is a string of the document with the offset at which it begins.
type place struct {
	text   string
	offset int
}

// A reader goes through a JSON text once. Strings that it returns are parts of
// one copy of the text.
type reader struct {
	dec  *jsontext.Decoder
	text string
}

func newReader(text []byte) *reader {
	return &reader{
		dec:  jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true)),
		text: string(text),
	}
}

// object calls member with the name of each member of an object; member has to
// take the value. Another kind of value is passed over.
func (r *reader) object(member func(name string) error) error {
	if r.dec.PeekKind() != '{' {
		return r.dec.SkipValue()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() == '"' {
		name, err := r.string()
		if err != nil {
			return err
		}
		if err := member(name.text); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// array calls element with the index of each element of an array; element has
// to take the value. Another kind of value is passed over.
func (r *reader) array(element func(i int) error) error {
	if r.dec.PeekKind() != '[' {
		return r.dec.SkipValue()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		switch r.dec.PeekKind() {
		case ']':
			_, err := r.dec.ReadToken()
			return err
		case 0: // what is wrong is told by reading on
			return r.dec.SkipValue()
		}
		if err := element(i); err != nil {
			return err
		}
	}
}

// string takes a string. Of another kind of value it takes the text as it is
// written, if it is a number, and else nothing.
func (r *reader) string() (place, error) {
	kind := r.dec.PeekKind()
	if kind != '"' && kind != '0' {
		return place{}, r.dec.SkipValue()
	}
	v, err := r.dec.ReadValue()
	if err != nil {
		return place{}, err
	}
	end := int(r.dec.InputOffset())
	p := place{offset: end - len(v)}
	switch {
	case kind == '0':
		p.text = r.text[p.offset:end]
	case bytes.IndexByte(v, '\\') < 0:
		p.text = r.text[p.offset+1 : end-1]
	default:
		b, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return place{}, err
		}
		p.text = string(b)
	}
	return p, nil
}

// take stores a string.
func (r *reader) take(to *place) (err error) {
	*to, err = r.string()
	return err
}

// add appends a string.
func (r *reader) add(to *[]string) error {
	p, err := r.string()
	*to = append(*to, p.text)
	return err
}

// explain makes an error of the decoder say in which line it is.
func (r *reader) explain(err error) error {
	offset := len(r.text)
	if bad, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = int(min(bad.ByteOffset, int64(offset)))
		err = bad.Err
	}
	return fmt.Errorf("document: line %d: %w", 1+strings.Count(r.text[:offset], "\n"), err)
}

// A counter finds the lines of offsets. It is fast if the offsets come in
// order.
type counter struct {
	text   string
	offset int
	line   int // of offset, from 0
}

// at returns the line, from 1, that an offset is in.
func (c *counter) at(offset int) int {
	if offset < c.offset {
		c.offset, c.line = 0, 0
	}
	c.line += strings.Count(c.text[c.offset:offset], "\n")
	c.offset = offset
	return c.line + 1
}
