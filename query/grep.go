package query

import "bytes"

// GrepOptions say which lines around a match are wanted.
type GrepOptions struct {
	Before int // lines before each match: ack's -B
	After  int // lines after each match: ack's -A
	Max    int // matches after which to stop; zero means all: ack's -m
}

// A Hit is a line that matches, or one around it.
type Hit struct {
	File    string
	Line    int    // counted from 1
	Text    []byte // a part of the text that was searched, without its line end
	Context bool   // the line is there for a match near it
	Gap     bool   // lines are left out between the hit before and this one
}

// Grep returns the lines of a text that match, with the lines around them that
// the options ask for, each line once and in order. File is the name for
// [Hit.File]. With an error, which is that of [Pattern.Lines], come the hits
// found before it.
func Grep(text []byte, file string, p *Pattern, o GrepOptions) ([]Hit, error) {
	var hits []Hit
	var err error
	at, number := 0, 1 // a line's start and its number
	shown, after := 0, 0
	add := func(s Span, context bool) {
		hits = append(hits, Hit{
			File: file, Line: number, Text: bytes.TrimRight(text[s.Start:s.End], "\r"),
			Context: context, Gap: len(hits) > 0 && number > shown+1,
		})
		shown = number
	}
	next := func(s Span) { at, number = s.End+1, number+1 }
	trail := func(end int) {
		for ; after > 0 && at < end; after-- {
			s := lineAt(text, at)
			add(s, true)
			next(s)
		}
	}
	matches := 0
	for line, e := range p.Lines(text) {
		if e != nil {
			err = e
			break
		}
		trail(line.Start)
		lead := leadStart(text, at, line.Start, o.Before)
		number += bytes.Count(text[at:lead], []byte{'\n'})
		for at = lead; at < line.Start; {
			s := lineAt(text, at)
			add(s, true)
			next(s)
		}
		add(line, false)
		next(line)
		after = o.After
		if matches++; matches == o.Max {
			break
		}
	}
	trail(len(text))
	return hits, err
}

// lineAt returns the line that starts at a place.
func lineAt(text []byte, start int) Span {
	if n := bytes.IndexByte(text[start:], '\n'); n >= 0 {
		return Span{start, start + n}
	}
	return Span{start, len(text)}
}

// leadStart returns where the n lines before the one that starts at end begin,
// at the earliest at from.
func leadStart(text []byte, from, end, n int) int {
	for ; n > 0 && end > from; n-- {
		end = from + bytes.LastIndexByte(text[from:end-1], '\n') + 1
	}
	return end
}

// Count returns how many lines of a text match: ack's -c. The error is that of
// [Pattern.Lines].
func Count(text []byte, p *Pattern) (int, error) {
	n := 0
	for _, err := range p.Lines(text) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
