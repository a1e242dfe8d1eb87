package query

import (
	"strings"

	"wontfix/internal/lazyregexp"
)

// looks are the four look-arounds.
var looks = []struct {
	text     string
	positive bool
}{{"(?=", true}, {"(?!", false}, {"(?<=", true}, {"(?<!", false}}

var (
	groupName  = lazyregexp.New(`^\(\?P?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')`)
	groupRefer = lazyregexp.New(`^\(\?P=([A-Za-z_]\w*)\)`)
	groupCall  = lazyregexp.New(`^\(\?(?:R|P>|&|[+-]?\d)`)
	groupFlags = lazyregexp.New(`^\(\?(\^?)([A-Za-z]*)(-[A-Za-z]*)?([:)])`)
)

// parenthesis reads an opening parenthesis with all that makes it a group of
// a kind.
func (t *translator) parenthesis() error {
	at, rest := t.pos, t.rest()
	for _, l := range looks {
		if strings.HasPrefix(rest, l.text) {
			t.pos += len(l.text)
			t.look(at, l.text, l.positive)
			return nil
		}
	}
	switch {
	case strings.HasPrefix(rest, "(*"):
		return t.fail(at, "verbs such as (*SKIP) are not supported")
	case !strings.HasPrefix(rest, "(?"):
		t.pos++
		t.captures++
		t.push(at, "(?:", "(")
		return nil
	case strings.HasPrefix(rest, "(?#"):
		i := strings.IndexByte(rest, ')')
		if i < 0 {
			return t.fail(at, "the comment does not end; put a )")
		}
		t.pos += i + 1
		return nil
	case strings.HasPrefix(rest, "(?|"):
		t.pos += 3
		t.reset = true
		t.push(at, "(?:", "(?:")
		return nil
	case strings.HasPrefix(rest, "(?>"):
		t.pos += 3
		t.out.backtracks = true
		t.push(at, "(?:", "(?>")
		return nil
	case strings.HasPrefix(rest, "(?{"), strings.HasPrefix(rest, "(??{"):
		return t.fail(at, "code in a pattern is not supported")
	case strings.HasPrefix(rest, "(?("):
		return t.fail(at, "conditions, (?(…)…|…), are not supported; use two branches with look-arounds")
	case groupCall.MatchString(rest):
		return t.fail(at, "recursion is not supported")
	}
	if m := groupRefer.FindStringSubmatch(rest); m != nil {
		t.pos += len(m[0])
		return t.named(at, m[1])
	}
	if m := groupName.FindStringSubmatch(rest); m != nil {
		t.pos += len(m[0])
		t.captures++
		t.names = append(t.names, m[1]+m[2])
		t.push(at, "(?:", "(?<"+m[1]+m[2]+">")
		return nil
	}
	return t.flags()
}

// flags reads (?i), (?^i), (?i-x:…) and the like. Flags that change nothing
// for one line of text (a, aa, d, p) are dropped, and x is carried out here.
func (t *translator) flags() error {
	at := t.pos
	m := groupFlags.FindStringSubmatch(t.rest())
	if m == nil {
		return t.fail(at, "this kind of (? is not known")
	}
	outside := t.extended
	if m[1] != "" {
		t.extended = false
	}
	on, err := t.flagLetters(at, m[2], true)
	if err != nil {
		return err
	}
	off, err := t.flagLetters(at, strings.TrimPrefix(m[3], "-"), false)
	if err != nil {
		return err
	}
	if m[1] != "" {
		for _, f := range "ims" {
			if !strings.ContainsRune(on, f) {
				off += string(f)
			}
		}
	}
	if off != "" {
		on += "-" + off
	}
	t.pos += len(m[0])
	t.flagged = true
	if m[4] == ")" {
		t.repeatable = false
		if on != "" {
			t.both("(?" + on + ")")
		}
		return nil
	}
	t.push(at, "(?"+on+":", "(?"+on+":")
	t.open[len(t.open)-1].extended = outside
	return nil
}

// flagLetters returns those of the letters that the engines have to be told.
func (t *translator) flagLetters(at int, letters string, on bool) (string, error) {
	told := ""
	for _, f := range letters {
		switch f {
		case 'i', 'm', 's':
			t.fold = t.fold || on && f == 'i'
			if !strings.ContainsRune(told, f) {
				told += string(f)
			}
		case 'x':
			t.extended = on
		case 'a', 'd', 'p':
		default:
			return "", t.fail(at, "the flag %c is not supported; i, m, s, x and a are", f)
		}
	}
	return told, nil
}
