package query

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"

	"wontfix/internal/lazyregexp"
)

// DefaultTimeout is the time limit of a pattern whose options have none.
const DefaultTimeout = 30 * time.Second

// maxBacktracking is how many integers regexp2 may keep for going back.
const maxBacktracking = 4 << 20

// ErrTimeout is in the error of a search that took longer than its pattern's
// time limit. The error names both.
var ErrTimeout = errors.New("the time limit is over")

// PatternOptions say how a pattern is read.
type PatternOptions struct {
	IgnoreCase bool // ack's -i
	Literal    bool // the pattern is plain text: ack's -Q
	Word       bool // whole words only: ack's -w

	// Timeout limits the time that the backtracking engine may take for one
	// Pattern, all calls together; zero means [DefaultTimeout]. It is looked at
	// between lines and within them, and a search may overrun it by as much
	// again where its last line is the one that never ends. Patterns that need
	// no backtracking take time in proportion to the text and have no limit.
	Timeout time.Duration
}

// A Pattern is a regular expression in Perl's syntax that is applied to the
// lines of a text, each on its own, as ack does. It is for one search, whose
// time it counts, and may be used by several goroutines.
type Pattern struct {
	text     string
	std      *regexp.Regexp // nil if net is set
	net      *regexp2.Regexp
	literals []literalSet // each line that matches has something of each
	limit    time.Duration
	spent    atomic.Int64 // nanoseconds in net
}

// A Span is a line's place in a text, in bytes, without its line feed.
type Span struct{ Start, End int }

// Compile reads a pattern. Those that need no backtracking (no look-around,
// back-reference, atomic group or possessive quantifier) run in time linear in
// the text; the others have a time limit. The error is a *[PatternError].
//
// Characters are those of UTF-8. A byte that is no part of one matches what
// U+FFFD matches. ack counts bytes instead; the lines differ only for patterns
// that count characters beyond ASCII, as ^.{10}$ does.
func Compile(pattern string, o PatternOptions) (*Pattern, error) {
	var t translation
	var err error
	source := pattern
	if o.Literal {
		source = regexp.QuoteMeta(pattern)
	}
	if t, err = translate(source, o.IgnoreCase); err != nil {
		return nil, err
	}
	if o.Word {
		if t, err = words(t, source); err != nil {
			return nil, err
		}
	}
	if o.IgnoreCase {
		t.std, t.net = "(?i)"+t.std, "(?i)"+t.net
		for i := range t.ahead {
			t.ahead[i] = "(?i)" + t.ahead[i]
		}
	}
	p := &Pattern{text: pattern, limit: o.Timeout}
	if p.limit <= 0 {
		p.limit = DefaultTimeout
	}
	p.literals = requiredLiterals(append(t.ahead, t.std))
	if !t.backtracks {
		if p.std, err = regexp.Compile(t.std); err == nil {
			return p, nil
		}
		p.std = nil // too many repetitions, or the like: the other engine has other limits
	}
	p.net, err = regexp2.Compile(t.net, regexp2.RE2, regexp2.OptionMaintainCaptureOrder(), regexp2.OptionMaxBacktrackingStackSize(maxBacktracking))
	if err != nil {
		return nil, &PatternError{pattern, 0, engineText(err)}
	}
	p.net.MatchTimeout = p.limit
	return p, nil
}

// engineText returns what an engine says is wrong with a pattern, without the
// translated pattern, which nobody has written.
func engineText(err error) string {
	var e interface{ Unwrap() error }
	if errors.As(err, &e) && e.Unwrap() != nil {
		err = e.Unwrap()
	}
	text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	text, _, _ = strings.Cut(text, " in `")
	return text
}

var (
	simpleWord = lazyregexp.New(`^\w+$`)
	wordStart  = lazyregexp.New(`^(?:\\[wd]|[\w(\[.])`)
	wordEnd    = lazyregexp.New(`[\w})\]+*?.]$`)
	quotedEnd  = lazyregexp.New(`\\[})\]+*?.]$`)
)

// words makes a pattern match whole words only, by the rules of ack 3.
func words(t translation, pattern string) (translation, error) {
	if !wordStart.MatchString(pattern) || !wordEnd.MatchString(pattern) || quotedEnd.MatchString(pattern) {
		return t, &PatternError{pattern, 0, "to match whole words it must begin and end with a word character"}
	}
	if simpleWord.MatchString(pattern) {
		t.std = `\b(?:` + t.std + `)\b`
		t.net = boundary + t.net + boundary
		return t, nil
	}
	t.std = `(?:^|\b|[\t-\r ])(?:` + t.std + `)(?:[\t-\r ]|\b|$)`
	t.net = `(?:^|` + boundary + `|[\t-\r ])(?:` + t.net + `)(?:[\t-\r ]|` + boundary + `|$)`
	return t, nil
}

// String returns the pattern as it was written.
func (p *Pattern) String() string { return p.text }

// Backtracks reports whether the pattern runs in the engine that may need more
// time than the length of a text accounts for.
func (p *Pattern) Backtracks() bool { return p.net != nil }

// Match reports whether some line of the text matches.
func (p *Pattern) Match(text []byte) (bool, error) {
	for _, err := range p.Lines(text) {
		return err == nil, err
	}
	return false, nil
}

// MatchString is [Pattern.Match] for a value, which has a line even if it is
// empty.
func (p *Pattern) MatchString(text string) (bool, error) {
	if text == "" {
		return p.matchLine(nil, new([]rune))
	}
	return p.Match([]byte(text))
}

// Lines yields the lines that match, in order. A line ends before a line feed;
// a carriage return belongs to the line. An error ends the sequence; it wraps
// [ErrTimeout] if the time limit is over.
//
// Where the pattern implies that a line contains some string, only lines that
// do are given to the engine.
func (p *Pattern) Lines(text []byte) iter.Seq2[Span, error] {
	return func(yield func(Span, error) bool) {
		var runes []rune
		for line := range p.candidates(text) {
			ok, err := p.matchLine(text[line.Start:line.End], &runes)
			if err != nil {
				yield(Span{}, err)
				return
			}
			if ok && !yield(line, nil) {
				return
			}
		}
	}
}

// candidates yields the lines that have the required literals.
func (p *Pattern) candidates(text []byte) iter.Seq[Span] {
	if len(p.literals) == 0 {
		return allLines(text)
	}
	return func(yield func(Span) bool) {
		f := newFinder(text, p.literals[0])
	lines:
		for from := 0; from < len(text); {
			at := f.find(from)
			if at < 0 {
				return
			}
			line := Span{from + bytes.LastIndexByte(text[from:at], '\n') + 1, len(text)}
			if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
				line.End = at + n
			}
			from = line.End + 1
			for _, set := range p.literals[1:] {
				if !set.in(text[line.Start:line.End]) {
					continue lines
				}
			}
			if !yield(line) {
				return
			}
		}
	}
}

func allLines(text []byte) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for start := 0; start < len(text); {
			end := len(text)
			if n := bytes.IndexByte(text[start:], '\n'); n >= 0 {
				end = start + n
			}
			if !yield(Span{start, end}) {
				return
			}
			start = end + 1
		}
	}
}

// matchLine runs the engine on one line. Runes is room that is used again.
func (p *Pattern) matchLine(line []byte, runes *[]rune) (bool, error) {
	if p.net == nil {
		return p.std.Match(line), nil
	}
	if p.spent.Load() > int64(p.limit) {
		return false, p.timeout()
	}
	r := (*runes)[:0]
	for i := 0; i < len(line); {
		if c := line[i]; c < utf8.RuneSelf {
			r = append(r, rune(c))
			i++
			continue
		}
		c, n := utf8.DecodeRune(line[i:])
		r = append(r, c)
		i += n
	}
	*runes = r
	start := time.Now()
	ok, err := p.net.MatchRunes(r)
	spent := time.Since(start)
	p.spent.Add(int64(spent))
	switch {
	case err == nil:
		return ok, nil
	case errors.Is(err, regexp2.ErrBacktrackingStackLimit):
		return false, fmt.Errorf("pattern %q: a line of %d bytes needs more room for backtracking than is allowed; make its repetitions less nested", p.text, len(line))
	}
	return false, p.timeout()
}

func (p *Pattern) timeout() error {
	return fmt.Errorf("pattern %q: %w (%s); add a literal word to it, make its repetitions less nested, or allow it more", p.text, ErrTimeout, p.limit)
}
