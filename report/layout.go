package report

import (
	"bufio"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// A style is the parameter of a terminal's SGR sequence; "" is plain.
type style string

const (
	plain          style = ""
	styleStrong    style = "1"
	styleDim       style = "2"
	styleQuote     style = "3"
	styleNever     style = "1;31"
	stylePaid      style = "35"
	styleWait      style = "33"
	stylePending   style = "36"
	styleAvailable style = "32"
	styleUntracked style = "34"
)

// A span is text in one style. Its text is foreign: the page cleans it.
type span struct {
	text  string
	style style
}

func text(s string) span         { return span{s, plain} }
func strong(s string) span       { return span{s, styleStrong} }
func dim(s string) span          { return span{s, styleDim} }
func in(st style, s string) span { return span{s, st} }
func quote(s string) span        { return span{"“" + s + "”", styleQuote} }

// gap is a span that sets what follows apart by two spaces.
var gap = span{text: "  "}

// nbsp is a space at which no line is broken.
const nbsp = "\u00a0"

// A field is a column at the left of a line: a span that takes at least width
// columns, and always ends in a space.
type field struct {
	span
	width int
}

// A page writes lines that are at most width columns wide, except where a
// single address of the web is wider. All text goes through [Clean].
type page struct {
	w     *bufio.Writer
	width int
	color bool

	terminal bool // the width is known, so that pictures fit

	gap int   // spaces that are due before the next text of the line
	now style // what the terminal is set to

	words  []word // of one paragraph; their memory is used again
	pieces []span // of these words
}

func newPage(w io.Writer, o Options) *page {
	return &page{w: bufio.NewWriter(w), width: o.width(), color: o.Color, terminal: o.Width > 0}
}

// end returns the first error of all writes.
func (p *page) end() error { return p.w.Flush() }

// blank ends a line.
func (p *page) blank() {
	p.gap = 0
	p.set(plain)
	p.w.WriteByte('\n')
}

// set brings the terminal to a style, if there is colour.
func (p *page) set(st style) {
	if !p.color || st == p.now {
		return
	}
	if p.now != plain {
		p.w.WriteString("\x1b[0m")
	}
	if st != plain {
		p.w.WriteString("\x1b[" + string(st) + "m")
	}
	p.now = st
}

// space moves n columns on.
func (p *page) space(n int) { p.gap += n }

// put writes clean text in a style. Spaces at its end are due only if more
// text follows on the line.
func (p *page) put(s string, st style) {
	s = strings.ReplaceAll(s, nbsp, " ")
	end := len(s)
	s = strings.TrimRight(s, " ")
	end -= len(s)
	if s == "" {
		p.gap += end
		return
	}
	if p.gap > 0 && st != p.now {
		p.set(plain)
	}
	for range p.gap {
		p.w.WriteByte(' ')
	}
	p.gap = end
	p.set(st)
	p.w.WriteString(s)
}

// para writes a paragraph whose lines are all indented.
func (p *page) para(indent int, spans ...span) { p.flow(indent, indent, spans) }

// maxRule is the column where the line of a heading ends at the latest.
const maxRule = 100

// rule writes a heading with a line to the right edge.
func (p *page) rule(spans ...span) {
	n := 0
	for i := range spans {
		spans[i].text = cut(Clean(spans[i].text), p.width-n)
		n += columns(spans[i].text)
		p.put(spans[i].text, spans[i].style)
	}
	if rest := min(p.width, maxRule) - n - 1; rest > 0 {
		p.put(" "+strings.Repeat("─", rest), styleDim)
	}
	p.blank()
}

// row writes fields and then spans, whose further lines stand under the first.
// Fields that leave too little room for that get lines of their own.
func (p *page) row(indent int, fields []field, spans ...span) {
	col := indent
	p.space(indent)
	for i, f := range fields {
		s := Clean(f.text)
		if i > 0 && p.width-col-1 < min(columns(s), 12) {
			p.blank()
			p.space(indent + 2)
			col = indent + 2
		}
		s = cut(s, p.width-col-1)
		p.put(s, f.style)
		n := columns(s)
		pad := max(f.width-n, 1)
		if col+n+pad > p.width {
			pad = 0
		}
		p.space(pad)
		col += n + pad
	}
	hang := indent
	for _, f := range fields {
		hang += f.width
	}
	if p.width-hang < 24 {
		hang = indent + 2
	}
	if p.width-col < 12 && len(spans) > 0 {
		p.blank()
		p.flow(hang, hang, spans)
		return
	}
	p.fill(col, hang, spans)
}

// flow writes words into lines; the first has its own indent.
func (p *page) flow(first, rest int, spans []span) {
	p.space(first)
	p.fill(first, rest, spans)
}

// fill goes on at column col and ends the line.
func (p *page) fill(col, indent int, spans []span) {
	fresh := true // nothing but the indent is on this line
	newline := func() {
		p.blank()
		p.space(indent)
		col, fresh = indent, true
	}
	for _, word := range p.divide(spans) {
		n, before := word.columns(), 1
		if word.apart {
			before = 2
		}
		if !fresh && col+before+n > p.width {
			newline()
		}
		if fresh && col > indent && col+n > p.width {
			newline()
		}
		if !fresh {
			p.space(before)
			col += before
		}
		fresh = false
		if col+n <= p.width || word.isURL() {
			for _, s := range word.spans {
				p.put(s.text, s.style)
			}
			col += n
			continue
		}
		for _, s := range word.spans {
			for s.text != "" {
				if col >= p.width {
					newline()
					fresh = false
				}
				head := prefix(s.text, p.width-col)
				if head == "" { // a wide rune in the last column
					newline()
					fresh = false
					continue
				}
				p.put(head, s.style)
				col += columns(head)
				s.text = s.text[len(head):]
			}
		}
	}
	p.blank()
}

// A word is what no space divides. Its spans touch each other.
type word struct {
	spans []span
	apart bool // two spaces in front of it
}

func (w word) columns() (n int) {
	for _, s := range w.spans {
		n += columns(s.text)
	}
	return n
}

func (w word) isURL() bool {
	for _, s := range w.spans {
		if isURL(strings.TrimLeft(s.text, "(<“\"'")) {
			return true
		}
	}
	return false
}

// divide cleans spans and divides them at spaces into words, which are valid
// until it is called again.
func (p *page) divide(spans []span) []word {
	p.words, p.pieces = p.words[:0], p.pieces[:0]
	open, apart := false, false
	first := 0 // piece of the last word
	for _, s := range spans {
		if s == gap {
			open, apart = false, true
			continue
		}
		rest := Clean(s.text)
		for rest != "" {
			if rest[0] == ' ' {
				open = false
				rest = rest[1:]
				continue
			}
			n := strings.IndexByte(rest, ' ')
			if n < 0 {
				n = len(rest)
			}
			if !open {
				first = len(p.pieces)
				p.words = append(p.words, word{apart: apart})
				open, apart = true, false
			}
			p.pieces = append(p.pieces, span{rest[:n], s.style})
			p.words[len(p.words)-1].spans = p.pieces[first:]
			rest = rest[n:]
		}
	}
	return p.words
}

// columns returns how many columns clean text takes in a terminal: two for
// each wide rune of East Asian scripts, none for a combining mark.
func columns(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < 0x300 { // most are, and the compiler has this much in line
		return 1
	}
	return rareColumns(r)
}

func rareColumns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// prefix returns the longest beginning of s that fits into n columns, and with
// it the marks that combine with its last rune.
func prefix(s string, n int) string {
	for i, r := range s {
		if n -= runeColumns(r); n < 0 {
			return s[:i]
		}
	}
	return s
}

// cut returns s if it fits into n columns, else as much of it as fits with an
// ellipsis behind.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	return prefix(s, n-1) + "…"
}

// cutWords is cut at the end of a word.
func cutWords(s string, n int) string {
	short := cut(s, n)
	if i := strings.LastIndexByte(short, ' '); short != s && i > 0 {
		return short[:i] + " …"
	}
	return short
}
