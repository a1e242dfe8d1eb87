package query

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"wontfix/internal/lazyregexp"
)

// highest is the last character, as it is written in a class.
const highest = "\U0010FFFF"

// classEscapes are the escapes that stand for one of several characters, as
// what goes between brackets.
var classEscapes = map[byte]string{
	'd': "0-9",
	'D': `\x00-/:-` + highest,
	'w': "0-9A-Z_a-z",
	'W': "\\x00-/:-@\\[-^`{-" + highest,
	's': `\t-\r `,
	'S': `\x00-\x08\x0e-\x1f!-` + highest,
	'h': `\t `,
	'H': `\x00-\x08\x0a-\x1f!-` + highest,
	'v': `\n-\r`,
	'V': `\x00-\x09\x0e-` + highest,
}

// boundary and noBoundary are \b and \B for regexp2, whose own ones take
// letters beyond ASCII for parts of a word.
const (
	boundary   = `(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))`
	noBoundary = `(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))`
)

var (
	property    = lazyregexp.New(`^\\([pP])(?:([A-Za-z])|\{(\^?)([A-Za-z][\w ]*)\})`)
	octalBraces = lazyregexp.New(`^\\o\{([0-7]+)\}`)
	hexBraces   = lazyregexp.New(`^\\x\{[ ]*([0-9A-Fa-f]+)[ ]*\}`)
	hexDigits   = lazyregexp.New(`^\\x([0-9A-Fa-f]{0,2})`)
	codePoint   = lazyregexp.New(`^\\N\{U\+([0-9A-Fa-f]+)\}`)
	octalDigits = lazyregexp.New(`^\\([0-7]{1,3})`)
	groupNumber = lazyregexp.New(`^\\(?:g(-?\d+)|g\{(-?\d+)\}|([1-9]\d*))`)
	groupByName = lazyregexp.New(`^\\(?:g\{([A-Za-z_]\w*)\}|k\{([A-Za-z_]\w*)\}|k<([A-Za-z_]\w*)>|k'([A-Za-z_]\w*)')`)
)

// escape reads a backslash outside of brackets.
func (t *translator) escape() error {
	at, rest := t.pos, t.rest()
	if len(rest) == 1 {
		return t.fail(at, `\ at the end; write \\ for the character itself`)
	}
	if m := groupByName.FindStringSubmatch(rest); m != nil {
		t.pos += len(m[0])
		return t.named(at, m[1]+m[2]+m[3]+m[4])
	}
	if m := groupNumber.FindStringSubmatch(rest); m != nil {
		n, err := strconv.Atoi(m[1] + m[2] + m[3])
		if err == nil && n < 0 {
			n += t.captures + 1
		}
		switch {
		case m[3] != "" && (err != nil || n > 9 && n > t.captures): // octal, below
		case err != nil || n < 1 || n > maxPattern:
			return t.fail(at, "there is no group %s", m[1]+m[2])
		default:
			t.pos += len(m[0])
			t.reference(n)
			return nil
		}
	}
	c := rest[1]
	if class, ok := classEscapes[c]; ok {
		t.pos += 2
		t.both("[")
		t.write(t.complement(class))
		t.atom("]")
		return nil
	}
	if p, n := propertyOf(rest); n > 0 {
		t.pos += n
		t.atom(p)
		return nil
	}
	if r, n, err := t.character(); err != nil {
		return err
	} else if n > 0 {
		t.pos += n
		t.atom(literal(r))
		return nil
	}
	return t.special(at, c)
}

// special reads the escapes that no class can have.
func (t *translator) special(at int, c byte) error {
	t.pos += 2
	switch c {
	case 'A', 'G':
		t.atom(`\A`)
	case 'z', 'Z':
		t.atom(`\z`)
	case 'b', 'B':
		if strings.HasPrefix(t.rest(), "{") {
			return t.fail(at, `\%c{…} is not supported; \%c is`, c, c)
		}
		net := boundary
		if c == 'B' {
			net = noBoundary
		}
		t.write(`\`+string(c), net)
		t.repeatable = true
	case 'K', 'E':
	case 'N':
		if strings.HasPrefix(t.rest(), "{") {
			return t.fail(at, `\N{…} is not supported; \N{U+263A} and \x{263A} are`)
		}
		t.atom(`[^\n]`)
	case 'R':
		t.atom(`(?:\r\n|[\n-\r])`)
	case 'Q':
		quoted, _, _ := strings.Cut(t.rest(), `\E`)
		t.pos += len(quoted)
		for _, r := range quoted {
			t.atom(literal(r))
		}
	default:
		return t.fail(at, `\%c is not supported`, c)
	}
	return nil
}

// propertyOf returns the Unicode property that s begins with, as both engines
// have it, and its length in s.
func propertyOf(s string) (string, int) {
	m := property.FindStringSubmatch(s)
	if m == nil {
		return "", 0
	}
	letter := m[1]
	if m[3] != "" {
		letter = map[string]string{"p": "P", "P": "p"}[letter]
	}
	return `\` + letter + "{" + m[2] + m[4] + "}", len(m[0])
}

// controls are the escapes for single characters below the space.
var controls = map[byte]rune{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f', 'a': '\a', 'e': 0x1b}

// character reads an escape that stands for one character. The length is 0 if
// the escape at the present place is none of them.
func (t *translator) character() (rune, int, error) {
	rest := t.rest()
	c := rest[1]
	if r, ok := controls[c]; ok {
		return r, 2, nil
	}
	if c == 'c' && len(rest) > 2 && '?' <= rest[2] && rest[2] < 0x7f {
		return rune(rest[2]&^0x20) ^ 0x40, 3, nil
	}
	for _, e := range []struct {
		re   *lazyregexp.Regexp
		base int
	}{{codePoint, 16}, {hexBraces, 16}, {hexDigits, 16}, {octalBraces, 8}, {octalDigits, 8}} {
		m := e.re.FindStringSubmatch(rest)
		if m == nil {
			continue
		}
		n, err := strconv.ParseUint("0"+m[1], e.base, 32)
		if err != nil || n > unicode.MaxRune || !utf8.ValidRune(rune(n)) {
			return 0, 0, t.fail(t.pos, "%s is no character", m[0])
		}
		return rune(n), len(m[0]), nil
	}
	if c < utf8.RuneSelf && isWord(c) && c != '_' {
		return 0, 0, nil
	}
	r, n := utf8.DecodeRuneInString(rest[1:])
	return r, 1 + n, nil
}
