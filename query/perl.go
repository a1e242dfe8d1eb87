package query

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"wontfix/internal/lazyregexp"
)

// maxPattern is the length in bytes of the longest pattern that is accepted.
const maxPattern = 10_000

// maxRepeat is the largest count in braces that Perl takes.
const maxRepeat = 65_534

// A PatternError says what is wrong with a pattern, and where.
type PatternError struct {
	Pattern string
	Offset  int // in bytes
	Text    string
}

// Error returns the text, the pattern, and a line with a mark below the place.
func (e *PatternError) Error() string {
	return "pattern: " + e.Text + "\n" + caret(e.Pattern, e.Offset)
}

// A translation is one Perl pattern in the words of the two engines.
//
// net is the pattern for regexp2 with its options RE2 and MaintainCaptureOrder.
// std is for regexp. Where backtracks is false they match the same lines.
// Else std matches these lines and more: it lacks the look-arounds, and each
// back-reference in it matches anything.
type translation struct {
	std, net   string
	backtracks bool
	// ahead are patterns for regexp, one for each positive look-around that
	// every matching line must satisfy.
	ahead []string
}

// A translator reads a pattern from left to right. Its stack has an element
// for each parenthesis that is open.
type translator struct {
	src        string
	pos        int
	net        strings.Builder
	std        []*strings.Builder // the last one is written; each open look-around adds one
	open       []parenthesis
	captures   int
	names      []string
	extended   bool // flag x: white space and comments do not count
	repeatable bool // a quantifier may follow
	fold       bool // upper and lower case are the same, here or somewhere before
	flagged    bool // some (?i) or the like was seen
	forked     bool // there is a | outside of all parentheses
	reset      bool // there is a branch reset
	highest    int  // number of the highest group that is referred to
	referred   bool // there is a back-reference
	out        translation
}

type parenthesis struct {
	at       int
	look     bool // a look-around
	positive bool
	extended bool // what the flag was outside
}

// translate rewrites a pattern in Perl's syntax (perlre, perlrecharclass,
// perlrebackslash) so that regexp or regexp2 reads it as Perl would on one
// line without its line feed. What neither engine has is an error, except \K,
// which changes what is reported of a match and never which lines match.
// \w, \d, \s and \b know ASCII alone, as in ack, and where case is ignored
// one character is always like one other: ß is not like ss. \Q..\E is PCRE's.
func translate(pattern string, ignoreCase bool) (translation, error) {
	t := &translator{src: pattern, fold: ignoreCase, std: []*strings.Builder{{}}}
	switch {
	case len(pattern) > maxPattern:
		t.src = ""
		return translation{}, t.fail(0, "%d bytes are too long; the limit is %d", len(pattern), maxPattern)
	case !utf8.ValidString(pattern):
		t.src = strings.ToValidUTF8(pattern, "?")
		return translation{}, t.fail(0, "it is not valid UTF-8")
	}
	for t.pos < len(t.src) {
		if err := t.step(); err != nil {
			return translation{}, err
		}
	}
	switch {
	case len(t.open) > 0:
		return translation{}, t.fail(t.open[len(t.open)-1].at, "( without )")
	case t.highest > t.captures:
		return translation{}, t.fail(0, "it refers to group %d, and has %d", t.highest, t.captures)
	case t.reset && t.referred:
		return translation{}, t.fail(strings.Index(pattern, "(?|"), "(?| together with back-references is not supported; number the groups without it")
	}
	t.out.std, t.out.net = t.std[0].String(), t.net.String()
	if t.forked || t.flagged {
		t.out.ahead = nil
	}
	return t.out, nil
}

func (t *translator) fail(at int, format string, args ...any) error {
	return &PatternError{t.src, at, fmt.Sprintf(format, args...)}
}

func (t *translator) rest() string { return t.src[t.pos:] }

// both writes the same text for both engines.
func (t *translator) both(s string) { t.write(s, s) }

func (t *translator) write(std, net string) {
	t.std[len(t.std)-1].WriteString(std)
	t.net.WriteString(net)
}

// atom writes something that a quantifier may follow.
func (t *translator) atom(s string) {
	t.both(s)
	t.repeatable = true
}

func (t *translator) step() error {
	at, c := t.pos, t.src[t.pos]
	switch c {
	case '\\':
		return t.escape()
	case '[':
		return t.class()
	case '(':
		return t.parenthesis()
	case ')':
		if len(t.open) == 0 {
			return t.fail(at, ") without (")
		}
		t.close()
		return nil
	case '*', '+', '?':
		t.pos++
		return t.quantifier(at, string(c))
	case '{':
		if q, n, err := t.braces(); err != nil {
			return err
		} else if n > 0 {
			t.pos += n
			return t.quantifier(at, q)
		}
	case '|':
		t.pos++
		t.both("|")
		t.repeatable = false
		t.forked = t.forked || len(t.open) == 0
		return nil
	case '.', '^', '$':
		t.pos++
		t.atom(string(c))
		return nil
	case ' ', '\t', '\n', '\v', '\f', '\r':
		if t.extended {
			t.pos++
			return nil
		}
	case '#':
		if t.extended {
			i := strings.IndexByte(t.rest(), '\n')
			if i < 0 {
				i = len(t.rest()) - 1
			}
			t.pos += i + 1
			return nil
		}
	}
	r, n := utf8.DecodeRuneInString(t.rest())
	t.pos += n
	t.atom(literal(r))
	return nil
}

// literal returns the pattern that matches one character, for both engines.
func literal(r rune) string {
	if r < ' ' || r == 0x7f {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return regexp.QuoteMeta(string(r))
}

// member returns a character as it is written inside a class. An escaped - is
// a number, since regexp2 takes none that is written \- for the end of a range.
func member(r rune) string {
	switch {
	case r < ' ' || r == 0x7f || r == '-':
		return fmt.Sprintf(`\x%02x`, r)
	case r < utf8.RuneSelf && !isWord(byte(r)):
		return `\` + string(r)
	}
	return string(r)
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// quantifier writes a quantifier, with the ? or + behind it.
func (t *translator) quantifier(at int, q string) error {
	if !t.repeatable {
		return t.fail(at, "there is nothing that %s could repeat", q)
	}
	t.repeatable = false
	switch {
	case strings.HasPrefix(t.rest(), "?"):
		t.pos++
		t.both(q + "?")
	case strings.HasPrefix(t.rest(), "+"):
		t.pos++
		t.write(q, q+"+")
		t.out.backtracks = true
	default:
		t.both(q)
	}
	return nil
}

var braceQuantifier = lazyregexp.New(`^\{[ \t]*(\d*)[ \t]*(,?)[ \t]*(\d*)[ \t]*\}`)

// braces returns the quantifier that begins with the brace at the present
// place, and its length in the pattern: 0 if the brace stands for itself.
func (t *translator) braces() (string, int, error) {
	m := braceQuantifier.FindStringSubmatch(t.rest())
	if m == nil || m[1] == "" && !t.repeatable || m[1]+m[3] == "" || m[1] == "" && m[2] == "" || m[2] == "" && m[3] != "" {
		return "", 0, nil
	}
	least, most := 0, 0
	for i, s := range []string{m[1], m[3]} {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n > maxRepeat {
			return "", 0, t.fail(t.pos, "%s is too many times; the limit is %d", s, maxRepeat)
		}
		if i == 0 {
			least = n
		} else {
			most = n
		}
	}
	switch {
	case m[2] == "":
		return fmt.Sprintf("{%d}", least), len(m[0]), nil
	case m[3] == "":
		return fmt.Sprintf("{%d,}", least), len(m[0]), nil
	case most < least:
		return "", 0, t.fail(t.pos, "%s has its numbers the wrong way round", m[0])
	}
	return fmt.Sprintf("{%d,%d}", least, most), len(m[0]), nil
}

// reference writes a back-reference to a group by number.
func (t *translator) reference(n int) {
	t.referred = true
	t.highest = max(t.highest, n)
	t.back(fmt.Sprintf(`(?:\%d)`, n))
}

func (t *translator) back(net string) {
	t.out.backtracks = true
	t.write("(?s:.*)", net)
	t.repeatable = true
}

// named writes a back-reference to a group by name.
func (t *translator) named(at int, name string) error {
	if !slices.Contains(t.names, name) {
		return t.fail(at, "no group before this is called %q", name)
	}
	t.referred = true
	t.back(`\k<` + name + `>`)
	return nil
}

func (t *translator) push(at int, std, net string) {
	t.open = append(t.open, parenthesis{at: at, extended: t.extended})
	t.write(std, net)
	t.repeatable = false
}

func (t *translator) look(at int, net string, positive bool) {
	t.out.backtracks = true
	t.push(at, "(?:)", net)
	p := &t.open[len(t.open)-1]
	p.look, p.positive = true, positive
	t.std = append(t.std, new(strings.Builder))
}

// close ends the innermost parenthesis.
func (t *translator) close() {
	p := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	t.pos++
	t.extended = p.extended
	t.repeatable = true
	if !p.look {
		t.both(")")
		return
	}
	body := t.std[len(t.std)-1].String()
	t.std = t.std[:len(t.std)-1]
	t.net.WriteString(")")
	if p.positive && len(t.open) == 0 && !strings.ContainsAny(t.src[t.pos:min(t.pos+1, len(t.src))], "*+?{ \t\n#") {
		t.out.ahead = append(t.out.ahead, body)
	}
}
