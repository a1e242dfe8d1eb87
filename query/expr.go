package query

import (
	"slices"
	"strings"
)

// An Expr is a search expression. It may be used by several goroutines.
type Expr struct {
	root node
}

// A node is a part of an expression.
type node interface {
	match(Record) (bool, error)
	needs() needs
	hints() Hints
	each(func(*term))
	write(b *strings.Builder, within int)
}

// Needs say what of a record, beside the statement, is looked at.
type needs uint8

const (
	wantsOrigin needs = 1 << iota // if it is to be had
	needsOrigin
	needsEntry
)

// cost puts needs in the order in which they are met: an origin is cheaper to
// come by than an entry.
func (n needs) cost() int {
	switch {
	case n&needsEntry != 0:
		return 2
	case n != 0:
		return 1
	}
	return 0
}

// The precedences of what may stand around a node.
const (
	withinOr = iota
	withinAnd
	withinNot
)

type (
	orNode  []node
	andNode []node
	notNode struct{ of node }
)

// A value is what a term compares with.
type value struct {
	text string
	glob bool // * and ? stand for other characters
}

// A term is one comparison.
type term struct {
	field   *field
	op      string // ":" for a part of a text, "=", "~", "<", "<=", ">" or ">="
	negated bool
	values  []value // any of them
	pattern *Pattern
}

// Match reports whether the expression holds for a record. It asks for the
// record's origin only if the statement does not decide, and for its entry only
// if neither does. The error is that of [Pattern.Lines], from a term with ~.
func (e *Expr) Match(r Record) (bool, error) { return e.root.match(r) }

// NeedsEntry reports whether the expression has a term that looks at the entry
// and not at the statement alone: author, note, tag, text.
func (e *Expr) NeedsEntry() bool { return e.root.needs()&needsEntry != 0 }

// NeedsOrigin reports whether the expression has a term that looks at who
// decided: by, decided, reversed, class, confidence, reason-then. The field
// evidence looks there too, but has an answer without it.
func (e *Expr) NeedsOrigin() bool { return e.root.needs()&needsOrigin != 0 }

// Releases returns the values without * and ? of all terms that ask for a
// release, each once. See [ReleaseIs].
func (e *Expr) Releases() []string {
	var all []string
	e.root.each(func(t *term) {
		if t.field.name != "release" || t.pattern != nil {
			return
		}
		for _, v := range t.values {
			if !v.glob && !slices.Contains(all, v.text) {
				all = append(all, v.text)
			}
		}
	})
	return all
}

// Hints returns what every statement that matches has, as far as the
// expression alone implies it.
func (e *Expr) Hints() Hints { return e.root.hints() }

// String returns the expression in its canonical form, which [Parse] reads as
// the same expression.
func (e *Expr) String() string {
	var b strings.Builder
	e.root.write(&b, withinOr)
	return b.String()
}

// Hints limit where the statements that match can be. A nil list says nothing;
// else the statement has one of the list's values.
type Hints struct {
	IDs      []string
	Sources  []string // source packages
	Releases []string // as the query spells them: see [ReleaseIs]
}

// each calls f with every list of h beside that of o.
func (h *Hints) each(o Hints, f func(mine *[]string, other []string)) {
	f(&h.IDs, o.IDs)
	f(&h.Sources, o.Sources)
	f(&h.Releases, o.Releases)
}

func (n orNode) match(r Record) (bool, error)  { return matchAll(n, r, true) }
func (n andNode) match(r Record) (bool, error) { return matchAll(n, r, false) }

// matchAll asks nodes until one says what decides, those first that need
// little.
func matchAll(nodes []node, r Record, decides bool) (bool, error) {
	for cost, most := 0, 0; cost <= most; cost++ {
		for _, sub := range nodes {
			if c := sub.needs().cost(); c != cost {
				most = max(most, c)
				continue
			}
			if ok, err := sub.match(r); err != nil {
				return false, err
			} else if ok == decides {
				return decides, nil
			}
		}
	}
	return !decides, nil
}

func (n notNode) match(r Record) (bool, error) {
	ok, err := n.of.match(r)
	return !ok && err == nil, err
}

func (n orNode) needs() needs  { return needsOf(n) }
func (n andNode) needs() needs { return needsOf(n) }
func (n notNode) needs() needs { return n.of.needs() }
func (t *term) needs() needs   { return t.field.needs }

func needsOf(nodes []node) (all needs) {
	for _, sub := range nodes {
		all |= sub.needs()
	}
	return all
}

func (n orNode) each(f func(*term))  { eachOf(n, f) }
func (n andNode) each(f func(*term)) { eachOf(n, f) }
func (n notNode) each(f func(*term)) { n.of.each(f) }
func (t *term) each(f func(*term))   { f(t) }

func eachOf(nodes []node, f func(*term)) {
	for _, sub := range nodes {
		sub.each(f)
	}
}

func (n orNode) hints() Hints {
	h := n[0].hints()
	for _, sub := range n[1:] {
		h.each(sub.hints(), func(mine *[]string, other []string) {
			if *mine == nil || other == nil {
				*mine = nil
				return
			}
			*mine = slices.Concat(*mine, other)
			slices.Sort(*mine)
			*mine = slices.Compact(*mine)
		})
	}
	return h
}

func (n andNode) hints() Hints {
	h := n[0].hints()
	for _, sub := range n[1:] {
		h.each(sub.hints(), func(mine *[]string, other []string) {
			if *mine == nil || other != nil && len(other) < len(*mine) {
				*mine = other
			}
		})
	}
	return h
}

func (n notNode) hints() Hints { return Hints{} }

func (t *term) hints() Hints {
	if t.op != "=" || t.negated || slices.ContainsFunc(t.values, func(v value) bool { return v.glob }) {
		return Hints{}
	}
	texts := make([]string, len(t.values))
	for i, v := range t.values {
		texts[i] = v.text
	}
	switch t.field.name {
	case "id":
		return Hints{IDs: texts}
	case "package":
		return Hints{Sources: texts}
	case "release":
		return Hints{Releases: texts}
	}
	return Hints{}
}

func (t *term) match(r Record) (bool, error) {
	var ok bool
	var err error
	switch f := t.field; {
	case f.text != nil:
		ok, err = t.holds(f.text(r.Statement))
	case f.name == "release" && t.pattern == nil:
		ok = slices.ContainsFunc(t.values, func(v value) bool {
			if v.glob {
				return ReleaseIs(v.text, r.Statement.Label, r.Statement.Release)
			}
			return releaseIs(v.text, r.Statement.Label, r.Statement.Release)
		})
	default:
		for _, text := range f.texts(r) {
			if ok, err = t.holds(text); ok || err != nil {
				break
			}
		}
	}
	return ok != t.negated && err == nil, err
}

// holds reports whether the comparison, without its negation, holds for a text.
func (t *term) holds(text string) (bool, error) {
	if t.pattern != nil {
		return t.pattern.MatchString(text)
	}
	for _, v := range t.values {
		if t.compare(text, v) {
			return true, nil
		}
	}
	return false, nil
}

func (t *term) compare(text string, v value) bool {
	f := t.field
	switch {
	case t.op == ":":
		return strings.Contains(strings.ToLower(text), strings.ToLower(v.text))
	case t.op != "=":
		c, ok := f.compare(text, v.text)
		return ok && (c < 0 && t.op[0] == '<' || c > 0 && t.op[0] == '>' || c == 0 && len(t.op) == 2)
	case v.glob && f.strict:
		return globMatch(v.text, text)
	case v.glob:
		return globMatch(strings.ToLower(v.text), strings.ToLower(text))
	case f.day && v.text != "":
		return strings.HasPrefix(text, v.text)
	case f.strict:
		return text == v.text
	}
	return strings.EqualFold(text, v.text)
}

func (n orNode) write(b *strings.Builder, within int) {
	writeAll(b, n, " or ", withinAnd, within > withinOr)
}
func (n andNode) write(b *strings.Builder, within int) {
	writeAll(b, n, " and ", withinNot, within > withinAnd)
}

func writeAll(b *strings.Builder, nodes []node, between string, within int, parentheses bool) {
	if parentheses {
		b.WriteByte('(')
	}
	for i, n := range nodes {
		if i > 0 {
			b.WriteString(between)
		}
		n.write(b, within)
	}
	if parentheses {
		b.WriteByte(')')
	}
}

func (n notNode) write(b *strings.Builder, _ int) {
	b.WriteString("not ")
	n.of.write(b, withinNot)
}

func (t *term) write(b *strings.Builder, _ int) {
	b.WriteString(t.field.name)
	switch {
	case t.negated:
		b.WriteString("!" + t.op)
	case t.op == "=" && t.field.kind != contains:
		b.WriteByte(':')
	default:
		b.WriteString(t.op)
	}
	for i, v := range t.values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(v.String())
	}
}

// String returns the value as an expression has it, in quotation marks where
// it needs them.
func (v value) String() string {
	if v.glob || v.text != "" && strings.IndexFunc(v.text, special) < 0 {
		return v.text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.text) + `"`
}

// special reports whether a value with the character needs quotation marks.
func special(r rune) bool {
	return r > '~' || r <= ' ' || strings.ContainsRune(`()"',*?\`, r)
}
