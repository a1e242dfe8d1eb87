package tracker

import (
	"bytes"
	"encoding/json"
	"fmt"

	"wontfix"
)

// Encode returns an entry as text that [Decode] reads again: JSON, the entry on
// the first line and each of its statements on a line of its own. It is kept in
// the place of what the publisher wrote where an entry has no file to itself,
// or one of which only a small part matters here.
func Encode(e *wontfix.Entry) ([]byte, error) {
	head := *e
	head.Statements = nil
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&head); err != nil {
		return nil, fmt.Errorf("%s: entry: %w", e.File, err)
	}
	for _, s := range e.Statements {
		if s.ID == e.ID {
			s.ID = ""
		}
		if s.File == e.File {
			s.File = ""
		}
		if err := enc.Encode(&s); err != nil {
			return nil, fmt.Errorf("%s:%d: statement: %w", s.File, s.Line, err)
		}
	}
	return b.Bytes(), nil
}

// Decode reads what [Encode] wrote. A line that cannot be read is a problem;
// without the first line there is no entry.
func Decode(file string, text []byte) wontfix.Change {
	c := wontfix.Change{File: file, Text: text}
	line := 0
	for part := range bytes.Lines(text) {
		line++
		var err error
		if line == 1 {
			var e wontfix.Entry
			if err = json.Unmarshal(part, &e); err == nil {
				c.ID, c.Entry = e.ID, &e
			}
		} else if c.Entry != nil {
			s := wontfix.Statement{}
			if err = json.Unmarshal(part, &s); err == nil {
				if s.ID == "" {
					s.ID = c.Entry.ID
				}
				if s.File == "" {
					s.File = c.Entry.File
				}
				c.Entry.Statements = append(c.Entry.Statements, s)
			}
		}
		if err != nil {
			c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: line, Text: "kept entry: " + err.Error()})
		}
	}
	return c
}
