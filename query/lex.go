package query

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxExpression is the length in bytes of the longest expression, and maxDepth
// how deep it may be nested.
const (
	maxExpression = 16_384
	maxDepth      = 100
)

// A SyntaxError says what is wrong with an expression, and where.
type SyntaxError struct {
	Expr   string
	Offset int // in bytes
	Text   string
}

// Error returns the text, the expression, and a line with a mark below the
// place.
func (e *SyntaxError) Error() string {
	return "search: " + e.Text + "\n" + caret(e.Expr, e.Offset)
}

// A token is a parenthesis, a word that joins, or a term.
type token struct {
	kind tokenKind
	at   int
	term *term // of kind tokenTerm
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenOpen
	tokenClose
	tokenAnd
	tokenOr
	tokenNot
	tokenTerm
)

// A lexer cuts an expression into tokens.
type lexer struct {
	src string
	pos int
}

func (l *lexer) fail(at int, format string, args ...any) error {
	return &SyntaxError{l.src, at, fmt.Sprintf(format, args...)}
}

func (l *lexer) rest() string { return l.src[l.pos:] }

// next returns the next token.
func (l *lexer) next() (token, error) {
	for l.pos < len(l.src) && strings.IndexByte(" \t\r\n", l.src[l.pos]) >= 0 {
		l.pos++
	}
	at := l.pos
	if at == len(l.src) {
		return token{kind: tokenEnd, at: at}, nil
	}
	switch l.src[at] {
	case '(':
		l.pos++
		return token{kind: tokenOpen, at: at}, nil
	case ')':
		l.pos++
		return token{kind: tokenClose, at: at}, nil
	case '!', '-':
		l.pos++
		return token{kind: tokenNot, at: at}, nil
	}
	switch word := l.bare(); strings.ToLower(word) {
	case "and":
		l.pos += len(word)
		return token{kind: tokenAnd, at: at}, nil
	case "or":
		l.pos += len(word)
		return token{kind: tokenOr, at: at}, nil
	case "not":
		l.pos += len(word)
		return token{kind: tokenNot, at: at}, nil
	}
	t, err := l.term()
	return token{kind: tokenTerm, at: at, term: t}, err
}

// bare returns what stands before the next space, parenthesis or quotation
// mark.
func (l *lexer) bare() string {
	rest := l.rest()
	if n := strings.IndexAny(rest, " \t\r\n()\"'"); n >= 0 {
		rest = rest[:n]
	}
	return rest
}

// operators are all operators; those that begin like another come first.
var operators = []string{"!=", "!:", "!~", ">=", "<=", ">", "<", ":", "=", "~"}

// term reads field, operator and values, one text, or the word reversed.
func (l *lexer) term() (*term, error) {
	at := l.pos
	name := l.rest()
	if n := strings.IndexFunc(name, func(r rune) bool { return r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r)) }); n >= 0 {
		name = name[:n]
	}
	op := ""
	for _, o := range operators {
		if name != "" && strings.HasPrefix(l.rest()[len(name):], o) {
			op = o
			break
		}
	}
	if op == "" {
		v, err := l.value(false)
		if err != nil {
			return nil, err
		}
		if c := l.src[at]; c != '"' && c != '\'' && strings.EqualFold(v.text, "reversed") {
			return l.check(at, "reversed", ":", []value{{text: "yes"}}, []int{at})
		}
		return l.check(at, "text", ":", []value{{text: v.text}}, []int{at})
	}
	l.pos += len(name) + len(op)
	var values []value
	var places []int
	for {
		place := l.pos
		v, err := l.value(!strings.HasSuffix(op, "~"))
		if err != nil {
			return nil, err
		}
		values, places = append(values, v), append(places, place)
		if strings.HasSuffix(op, "~") || !strings.HasPrefix(l.rest(), ",") {
			break
		}
		l.pos++
	}
	return l.check(at, name, op, values, places)
}

// value reads a quoted or a bare value. In a list, a comma ends it.
func (l *lexer) value(list bool) (value, error) {
	at := l.pos
	if rest := l.rest(); rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		text, err := l.quoted()
		if err != nil {
			return value{}, err
		}
		if after := l.rest(); after != "" && strings.IndexByte(" \t\r\n(),", after[0]) < 0 {
			return value{}, l.fail(l.pos, "there is no space after the quotation mark")
		}
		return value{text: text}, nil
	}
	text := l.bare()
	if list {
		text, _, _ = strings.Cut(text, ",")
	}
	l.pos += len(text)
	if after := l.rest(); after != "" && (after[0] == '"' || after[0] == '\'') {
		return value{}, l.fail(l.pos, "a quotation mark within a word; put the whole value in quotation marks")
	}
	if text != "" && strings.HasPrefix(l.rest(), "(") {
		return value{}, l.fail(l.pos, "a parenthesis within a word; put the whole value in quotation marks")
	}
	if text == "" {
		return value{}, l.fail(at, `the value is missing; write "" for an empty one`)
	}
	return value{text: text, glob: list && strings.ContainsAny(text, "*?")}, nil
}

// quoted reads a value in quotation marks. Between double ones, a backslash
// before a quotation mark or a backslash takes its meaning; any other
// backslash stands for itself.
func (l *lexer) quoted() (string, error) {
	at := l.pos
	mark := l.src[at]
	var b strings.Builder
	for i := at + 1; i < len(l.src); i++ {
		c := l.src[i]
		switch {
		case c == mark:
			l.pos = i + 1
			return b.String(), nil
		case c == '\\' && mark == '"' && i+1 < len(l.src) && (l.src[i+1] == '"' || l.src[i+1] == '\\'):
			i++
			c = l.src[i]
		}
		b.WriteByte(c)
	}
	return "", l.fail(at, "the quotation mark has no second one")
}

// check makes a term of its parts.
func (l *lexer) check(at int, name, op string, values []value, places []int) (*term, error) {
	name, op, err := expand(name, op)
	if err != nil {
		return nil, l.fail(at, "%v", err)
	}
	f := fieldNamed(name)
	if f == nil {
		hint := ""
		if n := nearest(name); n != "" {
			hint = "; did you mean " + n + "?"
		}
		return nil, l.fail(at, "there is no field %q%s\nThe fields are %s.\nA text with a sign such as : in it needs quotation marks.",
			name, hint, strings.Join(Fields(), ", "))
	}
	t := &term{field: f, values: values}
	t.op, t.negated = strings.CutPrefix(op, "!")
	switch {
	case t.op == ":" && f.kind != contains:
		t.op = "="
	case t.op == "=" && f.name == "text":
		t.op = ":"
	case t.op == "~":
		p, err := Compile(values[0].text, PatternOptions{})
		var wrong *PatternError
		if errors.As(err, &wrong) {
			return nil, l.fail(places[0], "%s", wrong.Text)
		}
		t.pattern = p
		return t, nil
	case strings.ContainsAny(t.op, "<>"):
		if f.kind != ordered {
			return nil, l.fail(at, "the field %s has no order; priority, published, decided and year have", f.name)
		}
		if len(values) > 1 || values[0].glob {
			return nil, l.fail(places[0], "%s takes one value", t.op)
		}
		if f.name == "priority" && priorities[strings.ToLower(values[0].text)] == 0 {
			return nil, l.fail(places[0], "priority %q has no rank; negligible, low, medium, high and critical have", values[0].text)
		}
	}
	for i, v := range values {
		if err := t.accept(i, v); err != nil {
			return nil, l.fail(places[i], "%v", err)
		}
	}
	return t, nil
}

// accept puts a value into the term as its field wants it.
func (t *term) accept(i int, v value) error {
	ranked := strings.ContainsAny(t.op, "<>")
	switch f := t.field; {
	case f.kind == contains:
		v.glob = false
	case f.check == nil, v.text == "" && !ranked && f.kind == ordered, v.glob && f.kind == ordered:
	default:
		if f.kind == closed {
			v = value{text: strings.ToLower(v.text)}
		}
		text, err := f.check(v.text)
		if err != nil {
			return err
		}
		v.text = text
	}
	t.values[i] = v
	return nil
}

// clean returns an error if the text has what no expression needs and no
// terminal should see.
func (l *lexer) clean() error {
	if len(l.src) > maxExpression {
		n := len(l.src)
		l.src = ""
		return l.fail(0, "%d bytes are too long; the limit is %d", n, maxExpression)
	}
	for i, r := range l.src {
		_, size := utf8.DecodeRuneInString(l.src[i:])
		if r == utf8.RuneError && size == 1 {
			return l.fail(i, "this is not valid UTF-8")
		}
		if unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) {
			return l.fail(i, "this is a control character")
		}
	}
	return nil
}
