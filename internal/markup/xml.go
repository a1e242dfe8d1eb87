package markup

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// An Element is one element of an XML text with all that is in it. Names are
// without their name spaces.
type Element struct {
	Name     string
	Attrs    []xml.Attr
	Text     string // the character data directly in it, without white space around it
	Line     int    // the line that it begins in, from 1
	Children []*Element
}

// Attr returns the value of an attribute, "" if there is none.
func (e *Element) Attr(name string) string {
	if e != nil {
		for _, a := range e.Attrs {
			if a.Name.Local == name {
				return a.Value
			}
		}
	}
	return ""
}

// Child returns the element that names lead to, one level each: the first of
// its name. It is nil if there is none.
func (e *Element) Child(names ...string) *Element {
	for _, name := range names {
		var found *Element
		for c := range e.All(name) {
			found = c
			break
		}
		e = found
	}
	return e
}

// ChildText returns the text of the element that names lead to.
func (e *Element) ChildText(names ...string) string {
	if c := e.Child(names...); c != nil {
		return c.Text
	}
	return ""
}

// All yields the children with a name.
func (e *Element) All(name string) iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		if e == nil {
			return
		}
		for _, c := range e.Children {
			if c.Name == name && !yield(c) {
				return
			}
		}
	}
}

// Walk yields the element and all that is in it, in the order of the text.
func (e *Element) Walk() iter.Seq[*Element] {
	return func(yield func(*Element) bool) { e.walk(yield) }
}

func (e *Element) walk(yield func(*Element) bool) bool {
	if e == nil {
		return true
	}
	if !yield(e) {
		return false
	}
	for _, c := range e.Children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// maxDepth is how deep elements may be nested: no format that is read comes
// near it.
const maxDepth = 200

// Elements yields the outermost elements that are called one of names, in the
// order of the text; one of them at a time is in memory. The error is for a text
// that is not well-formed, names the line, and comes last. Entities that the
// text itself declares are an error: nothing is ever expanded.
func Elements(text []byte, names ...string) iter.Seq2[*Element, error] {
	return func(yield func(*Element, error) bool) {
		d := newDocument(text)
		dec := xml.NewDecoder(bytes.NewReader(text))
		dec.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
			if strings.EqualFold(charset, "us-ascii") {
				return r, nil
			}
			return nil, fmt.Errorf("charset %q: want utf-8", charset)
		}
		var open []*Element // the element that is being read and those around it
		depth, seen := 0, false
		for {
			at := int(dec.InputOffset())
			token, err := dec.RawToken()
			if errors.Is(err, io.EOF) {
				switch {
				case !seen:
					yield(nil, errors.New("no element: want an XML text"))
				case depth > 0:
					yield(nil, fmt.Errorf("line %d: the text ends within an element", d.line(at)))
				}
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("line %d: %w", d.line(at), err))
				return
			}
			switch token := token.(type) {
			case xml.StartElement:
				seen = true
				if depth++; depth > maxDepth {
					yield(nil, fmt.Errorf("line %d: elements nested more than %d deep", d.line(at), maxDepth))
					return
				}
				if len(open) == 0 && !contains(names, token.Name.Local) {
					continue
				}
				e := &Element{Name: token.Name.Local, Attrs: token.Copy().Attr, Line: d.line(at)}
				if n := len(open); n > 0 {
					open[n-1].Children = append(open[n-1].Children, e)
				}
				open = append(open, e)
			case xml.EndElement:
				if depth--; depth < 0 {
					yield(nil, fmt.Errorf("line %d: </%s> ends nothing", d.line(at), token.Name.Local))
					return
				}
				n := len(open)
				if n == 0 {
					continue
				}
				e := open[n-1]
				if e.Name != token.Name.Local {
					yield(nil, fmt.Errorf("line %d: </%s> within <%s>", d.line(at), token.Name.Local, e.Name))
					return
				}
				e.Text = strings.TrimSpace(e.Text)
				if open = open[:n-1]; n == 1 && !yield(e, nil) {
					return
				}
			case xml.CharData:
				if n := len(open); n > 0 && len(bytes.TrimSpace(token)) > 0 {
					open[n-1].Text += string(token)
				}
			}
		}
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
