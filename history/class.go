package history

import (
	"regexp"
	"slices"
	"strings"

	"wontfix"
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
var gone = regexp.MustCompile(`(?i)\b(supers[ec]+ded|replaced by|abandoned)\b`)

// A classOf is a class and, of a copy, the row that it was made of.
type classOf struct {
	class wontfix.Class
	from  int32
}

// class says what kind of a change one is, and, of a copy, which row it was
// copied from.
func (t *Trace) class(c change) (wontfix.Class, int32) {
	known, ok := t.classes[c]
	if !ok {
		known.class, known.from = t.classify(c)
		if t.classes == nil {
			t.classes = make(map[change]classOf)
		}
		t.classes[c] = known
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
	superseded := ignored && gone.MatchString(value.Detail)
	switch {
	case ignored && (m.Reasons.Has(wontfix.EOLRelease) || m.Was != "" || m.Decision == wontfix.DecisionEndOfLife && !superseded):
		return wontfix.ClassEOLSweep, none
	case superseded:
		return wontfix.ClassGone, none
	case t.format.Robot(commit):
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
	if family := t.format.Family(key.Source); family != "" && !t.had(c.from, key.Source) {
		best, length := int32(none), -1
		for n, k := range t.keys {
			if k.Label != key.Label || k.Source == key.Source || t.format.Family(k.Source) != family || t.value(c.from, int32(n)) != c.new {
				continue
			}
			if l := common(k.Source, key.Source); l > length {
				best, length = int32(n), l
			}
		}
		if best != none {
			return wontfix.ClassCopySibling, best
		}
	}
	return wontfix.ClassUnknown, none
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
