package query

import (
	"regexp"
	"strings"
	"unicode/utf8"
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

var posixClass = regexp.MustCompile(`^\[:(\^?)([a-z]+):\]`)

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
	var b strings.Builder
	b.WriteByte('[')
	t.pos++
	if strings.HasPrefix(t.rest(), "^") {
		b.WriteByte('^')
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
			b.WriteString(item.set)
			continue
		}
		b.WriteString(member(item.char))
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
			b.WriteString(`\-` + last.set)
		case last.char < item.char:
			return t.fail(at, "the range %s ends before it begins", t.src[at:t.pos])
		default:
			b.WriteString("-" + member(last.char))
		}
	}
	b.WriteByte(']')
	t.pos++
	t.atom(b.String())
	return nil
}

// complement returns a set without the two characters beyond ASCII that are a
// letter of ASCII in another case, if case is ignored: with them a set that
// has all but some letters would have k and s again.
func (t *translator) complement(set string) string {
	if !t.fold {
		return set
	}
	return strings.ReplaceAll(set, "-"+highest, "-\u017e\u0180-\u2129\u212b-"+highest)
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
		return classItem{set: t.complement(set)}, nil
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
		return classItem{set: t.complement(set)}, nil
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
