package query

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"wontfix/internal/lazyregexp"
)

// posixClasses are the classes that have names, in ASCII.
var posixClasses = map[string]string{
	"alnum":  "0-9A-Za-z",
	"alpha":  "A-Za-z",
	"ascii":  `\x00-\x7f`,
	"blank":  `\t `,
	"cntrl":  `\x00-\x1f\x7f`,
	"digit":  "0-9",
	"graph":  "!-~",
	"lower":  "a-z",
	"print":  " -~",
	"punct":  "!-/:-@\\[-`{-~",
	"space":  `\t-\r `,
	"upper":  "A-Z",
	"word":   "0-9A-Z_a-z",
	"xdigit": "0-9A-Fa-f",
}

// notPosixClasses are their complements.
var notPosixClasses = map[string]string{
	"alnum":  "\\x00-/:-@\\[-`{-" + highest,
	"alpha":  "\\x00-@\\[-`{-" + highest,
	"ascii":  "\u0080-" + highest,
	"blank":  classEscapes['H'],
	"cntrl":  " -~\u0080-" + highest,
	"digit":  classEscapes['D'],
	"graph":  `\x00- \x7f-` + highest,
	"lower":  "\\x00-`{-" + highest,
	"print":  `\x00-\x1f\x7f-` + highest,
	"punct":  `\x00- 0-9A-Za-z\x7f-` + highest,
	"space":  classEscapes['S'],
	"upper":  `\x00-@\[-` + highest,
	"word":   classEscapes['W'],
	"xdigit": `\x00-/:-@G-` + "`g-" + highest,
}

var posixClass = lazyregexp.New(`^\[:(\^?)([a-z]+):\]`)

// A classItem is one member of a bracketed class: a character, or, where set
// is not empty, several.
type classItem struct {
	char rune
	set  string
}

// class reads a class in brackets and writes it with every character quoted,
// so that neither engine sees more in it than Perl does: regexp2 would take
// [a-z-[aeiou]] for a difference of sets.
func (t *translator) class() error {
	start := t.pos
	t.both("[")
	t.pos++
	if strings.HasPrefix(t.rest(), "^") {
		t.both("^")
		t.pos++
	}
	for first := true; first || !strings.HasPrefix(t.rest(), "]"); first = false {
		if t.pos >= len(t.src) {
			return t.fail(start, "[ without ]")
		}
		at := t.pos
		item, err := t.classItem()
		if err != nil {
			return err
		}
		if item.set != "" {
			t.write(t.complement(item.set))
			continue
		}
		t.both(member(item.char))
		rest := t.rest()
		if len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
			continue
		}
		t.pos++
		last, err := t.classItem()
		switch {
		case err != nil:
			return err
		case last.set != "":
			t.both(`\-`)
			t.write(t.complement(last.set))
		case last.char < item.char:
			return t.fail(at, "the range %s ends before it begins", t.src[at:t.pos])
		default:
			t.both("-" + member(last.char))
		}
	}
	t.pos++
	t.atom("]")
	return nil
}

// complement returns a set for regexp and for regexp2. If case is ignored, a
// set that has all but letters goes without the characters beyond ASCII that
// the engine takes for a letter of ASCII in another case: with them it would
// have those letters again.
func (t *translator) complement(set string) (std, net string) {
	if !t.fold || !strings.HasSuffix(set, "-"+highest) || !lacksLetters(set) {
		return set, set
	}
	set = strings.TrimSuffix(set, highest)
	return set + "\u017e\u0180-\u2129\u212b-" + highest, set + "\u012f\u0132-\u017e\u0180-\u2129\u212b-" + highest
}

// lacksLetters reports whether a set that ends in a range up to the highest
// character has no letter of ASCII.
func lacksLetters(set string) bool {
	re := regexp.MustCompile("[" + set + "]")
	return !re.MatchString("i")
}

// classItem reads one member of a class.
func (t *translator) classItem() (classItem, error) {
	at, rest := t.pos, t.rest()
	if m := posixClass.FindStringSubmatch(rest); m != nil {
		table := posixClasses
		if m[1] != "" {
			table = notPosixClasses
		}
		set, ok := table[m[2]]
		if !ok {
			return classItem{}, t.fail(at, "there is no class %s", m[0])
		}
		if t.fold && m[1] != "" && (m[2] == "upper" || m[2] == "lower") {
			set = table["alpha"]
		}
		t.pos += len(m[0])
		return classItem{set: set}, nil
	}
	if rest[0] != '\\' {
		r, n := utf8.DecodeRuneInString(rest)
		t.pos += n
		return classItem{char: r}, nil
	}
	if len(rest) == 1 {
		return classItem{}, t.fail(at, `\ at the end; write \\ for the character itself`)
	}
	if set, ok := classEscapes[rest[1]]; ok {
		t.pos += 2
		return classItem{set: set}, nil
	}
	if p, n := propertyOf(rest); n > 0 {
		t.pos += n
		return classItem{set: p}, nil
	}
	if rest[1] == 'b' {
		t.pos += 2
		return classItem{char: '\b'}, nil
	}
	r, n, err := t.character()
	if err != nil {
		return classItem{}, err
	}
	if n == 0 {
		return classItem{}, t.fail(at, `\%c is not supported in brackets`, rest[1])
	}
	t.pos += n
	return classItem{char: r}, nil
}
