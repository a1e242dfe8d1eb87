package history

import (
	"slices"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
)

const (
	// manyEntries is how many entries a commit changes that decides about none
	// of them by itself.
	manyEntries = 100
	// fewEntries is how many a commit changes at most whose author had each
	// of them before them.
	fewEntries = 9
	// spreadEntries is how many entries get the first rows of a release in a
	// commit that adds that release.
	spreadEntries = 20
)

// gone matches what is said of a package that others carry on, or nobody.
var gone = lazyregexp.New(`(?i)\bsuper[sc]+e+ded\b|\breplaced by\b|\baband\w+|\bsupplied by\b`)

// A classOf is a class and, of a copy, the row that it was made of.
type classOf struct {
	class wontfix.Class
	from  int32
}

// A rowAt is a row in a record, which tell what changed there.
type rowAt struct{ record, key int32 }

// class says what kind of a change one is, and, of a copy, which row it was
// copied from.
func (t *Trace) class(c change) (wontfix.Class, int32) {
	at := rowAt{int32(c.record), c.key}
	known, ok := t.classes[at]
	if !ok {
		known.class, known.from = t.classify(c)
		if t.classes == nil {
			t.classes = make(map[rowAt]classOf)
		}
		t.classes[at] = known
	}
	return known.class, known.from
}

// classify finds the class of a change: the first that fits counts.
func (t *Trace) classify(c change) (wontfix.Class, int32) {
	commit := t.commit(c.record)
	switch {
	case commit.Gap || t.unread(c.from):
		return wontfix.ClassUnseen, none
	case c.new == none:
		return wontfix.ClassRemoved, none
	case t.born(c.record):
		return wontfix.ClassCreate, none
	}
	value := t.values[c.new]
	if c.old == none {
		if class, from := t.copied(c, value); class != wontfix.ClassUnknown {
			return class, from
		}
	}
	many := commit.Entries >= manyEntries
	if many && c.old != none && t.values[c.old].Word == value.Word {
		return wontfix.ClassReword, none
	}
	m := t.meaning(c.new)
	ignored := value.Word == "ignored"
	superseded := ignored && (m.gone || m.Decision == wontfix.DecisionEndOfLife && m.Reasons.Has(wontfix.Superseded))
	switch {
	case ignored && (m.Reasons.Has(wontfix.EOLRelease) || m.Decision == wontfix.DecisionEndOfLife && !superseded):
		return wontfix.ClassEOLSweep, none
	case superseded:
		return wontfix.ClassGone, none
	case t.robot(c.record):
		return wontfix.ClassRobot, none
	case many:
		return wontfix.ClassBulk, none
	}
	return wontfix.ClassDecision, none
}

// copied finds the row that a new one was copied from. The row is looked for as
// it was before the commit and, of a product, also as the commit left it.
func (t *Trace) copied(c change, value Value) (wontfix.Class, int32) {
	key := t.keys[c.key]
	from := func(k Key) int32 {
		if n := t.keyOf(k); n != none && n != c.key && t.value(c.from, n) == c.new {
			return n
		}
		return none
	}
	if key.Label != t.format.Devel && slices.Contains(t.log.spread[t.file.Records[c.record].Commit], key.Label) {
		if n := from(Key{t.format.Devel, key.Source}); n != none {
			return wontfix.ClassCopyDevel, n
		}
	}
	if parent := t.format.Parent(key.Label); parent != "" {
		n := t.keyOf(Key{parent, key.Source})
		switch {
		case n == none:
		case t.value(c.from, n) == c.new || t.value(c.record, n) == c.new,
			t.value(c.from, n) != none && strings.HasPrefix(value.Detail, parent+" was "):
			return wontfix.ClassCopyParent, n
		}
	}
	if sibling := t.sibling(c, key.Source); sibling != "" {
		if n := from(Key{key.Label, sibling}); n != none {
			return wontfix.ClassCopySibling, n
		}
	}
	return wontfix.ClassUnknown, none
}

// sibling returns the source of the same family that the rows of a new source
// were copied from: the one that has most of them, and at least four fifths.
// Rows that say that a release does not have the source prove nothing. It is
// "" if there is none, or the source is not new.
func (t *Trace) sibling(c change, source string) string {
	family := t.format.Family(source)
	if family == "" {
		return ""
	}
	known := siblingOf{c.record, c.from, source}
	if s, ok := t.siblings[known]; ok {
		return s
	}
	best := ""
	if !t.had(c.from, source) {
		best = t.findSibling(c, source, family)
	}
	if t.siblings == nil {
		t.siblings = make(map[siblingOf]string)
	}
	t.siblings[known] = best
	return best
}

// A siblingOf is the source that was new in a record, after another record.
type siblingOf struct {
	record, from int
	source       string
}

func (t *Trace) findSibling(c change, source, family string) string {
	rows := make(map[string]int32) // of the new source, by label
	for n, k := range t.keys {
		if v := t.value(c.record, int32(n)); k.Source == source && v != none && t.meaning(v).Decision != wontfix.DecisionNotInRelease {
			rows[k.Label] = v
		}
	}
	same := make(map[string]int)
	for n, k := range t.keys {
		if k.Source == source || t.format.Family(k.Source) != family {
			continue
		}
		if v, ok := rows[k.Label]; ok && t.value(c.from, int32(n)) == v {
			same[k.Source]++
		}
	}
	best := ""
	for s, n := range same {
		if 5*n < 4*len(rows) {
			continue
		}
		d := n - same[best]
		if d == 0 {
			d = common(s, source) - common(best, source)
		}
		if best == "" || d > 0 || d == 0 && s < best {
			best = s
		}
	}
	return best
}

// had reports whether a record has any row of a source.
func (t *Trace) had(record int, source string) bool {
	for n, k := range t.keys {
		if k.Source == source && t.value(record, int32(n)) != none {
			return true
		}
	}
	return false
}

// common returns how many bytes two names have in common at their beginning.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
