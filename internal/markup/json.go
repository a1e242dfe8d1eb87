// Package markup takes JSON and XML texts apart and knows of each part where it
// stands: its line, and for JSON its pointer. What publishers say has to be
// traced to the line where they say it, and the decoders of the standard
// library forget the lines.
//
// Nothing here copies a text as a whole: a part is a piece of it until it is
// decoded, so that a text of 100 MB costs its own size and an index of its
// lines.
package markup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Value is one value of a JSON text. The zero Value is one that is not there:
// it has no elements and no members, and its text is "".
type Value struct {
	doc     *document
	text    []byte
	offset  int
	pointer string
}

// A document is a whole text and the offsets of its line ends.
type document struct {
	text []byte
	ends []int
}

func newDocument(text []byte) *document {
	d := &document{text: text}
	for i := 0; ; {
		n := bytes.IndexByte(text[i:], '\n')
		if n < 0 {
			return d
		}
		i += n + 1
		d.ends = append(d.ends, i-1)
	}
}

// line returns the number of the line, from 1, that an offset is in.
func (d *document) line(offset int) int { return sort.SearchInts(d.ends, offset) + 1 }

// ParseJSON checks that text is one JSON value (RFC 8259) and returns it. The
// error names the line at which it is not.
func ParseJSON(text []byte) (Value, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	d := newDocument(text)
	if !json.Valid(text) {
		var raw json.RawMessage
		err := json.Unmarshal(text, &raw)
		if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
			return Value{}, fmt.Errorf("line %d: %w", d.line(max(int(bad.Offset)-1, 0)), err)
		}
		return Value{}, err
	}
	start := space(text, 0)
	return Value{doc: d, text: text[start:skip(text, start)], offset: start}, nil
}

// Exists reports whether the value is there. A null is not.
func (v Value) Exists() bool { return v.doc != nil && v.text[0] != 'n' }

// Line returns the line of the text that the value begins in, from 1; 0 for a
// value that is not there.
func (v Value) Line() int {
	if v.doc == nil {
		return 0
	}
	return v.doc.line(v.offset)
}

// Pointer returns the JSON Pointer (RFC 6901) of the value.
func (v Value) Pointer() string { return v.pointer }

// Raw returns the value as it is written.
func (v Value) Raw() []byte { return v.text }

// Decode stores the value in what to points to, as json.Unmarshal does. A value
// that is not there changes nothing.
func (v Value) Decode(to any) error {
	if v.doc == nil {
		return nil
	}
	if err := json.Unmarshal(v.text, to); err != nil {
		return fmt.Errorf("%s: %w", v.pointer, err)
	}
	return nil
}

// Text returns the string that the value is, "" if it is no string.
func (v Value) Text() string {
	if v.doc == nil || v.text[0] != '"' {
		return ""
	}
	return unquote(v.text)
}

// Get returns the member that names lead to, one level each. Of members with
// the same name it is the first.
func (v Value) Get(names ...string) Value {
	for _, name := range names {
		var found Value
		for key, member := range v.Members() {
			if key == name {
				found = member
				break
			}
		}
		v = found
	}
	return v
}

// Find returns the value that a JSON Pointer leads to.
func (v Value) Find(pointer string) Value {
	for _, part := range strings.Split(pointer, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		if v.doc == nil || v.text[0] != '[' {
			v = v.Get(part)
			continue
		}
		var found Value
		for i, e := range v.Elements() {
			if strconv.Itoa(i) == part {
				found = e
				break
			}
		}
		v = found
	}
	return v
}

// Elements yields the elements of an array and their indexes. Of a value that
// is no array there are none.
func (v Value) Elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.doc == nil || v.text[0] != '[' {
			return
		}
		i, n := space(v.text, 1), 0
		for v.text[i] != ']' {
			end := skip(v.text, i)
			e := Value{doc: v.doc, text: v.text[i:end], offset: v.offset + i, pointer: v.pointer + "/" + strconv.Itoa(n)}
			if !yield(n, e) {
				return
			}
			n++
			i = next(v.text, end)
		}
	}
}

// Members yields the members of an object and their names. Of a value that is
// no object there are none.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.doc == nil || v.text[0] != '{' {
			return
		}
		i := space(v.text, 1)
		for v.text[i] != '}' {
			end := skip(v.text, i)
			name := unquote(v.text[i:end])
			i = space(v.text, space(v.text, end)+1) // behind the colon
			end = skip(v.text, i)
			m := Value{doc: v.doc, text: v.text[i:end], offset: v.offset + i, pointer: v.pointer + "/" + escape(name)}
			if !yield(name, m) {
				return
			}
			i = next(v.text, end)
		}
	}
}

func escape(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func unquote(text []byte) string {
	if inner := text[1 : len(text)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		return ""
	}
	return s
}

// The functions below take text that json.Valid has passed.

// space returns the offset of the first byte from i on that is no white space.
func space(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// next returns the offset behind the comma that follows a value's end, or of
// the bracket that does.
func next(text []byte, end int) int {
	i := space(text, end)
	if text[i] == ',' {
		i = space(text, i+1)
	}
	return i
}

// skip returns the end of the value that begins at i.
func skip(text []byte, i int) int {
	switch text[i] {
	case '"':
		return skipString(text, i)
	case '{', '[':
		for depth := 0; ; {
			switch text[i] {
			case '"':
				i = skipString(text, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for i < len(text) && !bytes.ContainsRune([]byte(",]} \n\t\r"), rune(text[i])) {
		i++
	}
	return i
}

func skipString(text []byte, i int) int {
	for i++; ; i++ {
		i += bytes.IndexAny(text[i:], `"\`)
		if text[i] == '"' {
			return i + 1
		}
		i++
	}
}
