package query

import (
	"bytes"
	"cmp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLiterals is how many strings a set of alternatives may have before
// looking for all of them costs more than it saves.
const maxLiterals = 16

// A literalSet is strings of which every matching line contains at least one.
type literalSet []string

// in reports whether the line contains one of the strings.
func (s literalSet) in(line []byte) bool {
	for _, text := range s {
		if bytes.Contains(line, []byte(text)) {
			return true
		}
	}
	return false
}

// compare orders sets: the one that fewer lines will contain comes first. A
// long string is rarer than a short one, and one string is found faster than
// several.
func (s literalSet) compare(t literalSet) int {
	return cmp.Or(cmp.Compare(t.shortest(), s.shortest()), cmp.Compare(len(s), len(t)))
}

// shortest returns the length of the shortest string, at most 8.
func (s literalSet) shortest() int {
	n := 8
	for _, text := range s {
		n = min(n, len(text))
	}
	return n
}

// requiredLiterals returns the sets of which every line that matches one of
// the patterns contains something: the best set first, nil if there is none.
// The patterns are in regexp's syntax, and each line must match all of them.
func requiredLiterals(patterns []string) []literalSet {
	var sets []literalSet
	for _, p := range patterns {
		re, err := syntax.Parse(p, syntax.Perl)
		if err != nil {
			continue
		}
		sets = append(sets, literalsOf(re)...)
	}
	slices.SortStableFunc(sets, literalSet.compare)
	return slices.CompactFunc(sets, slices.Equal)
}

// exact returns the strings that re matches, if they are few.
func exact(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, true
	case syntax.OpLiteral:
		return foldings(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpCharClass:
		var texts []string
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if r == utf8.RuneError || len(texts) == maxLiterals {
					return nil, false
				}
				texts = append(texts, string(r))
			}
		}
		return texts, len(texts) > 0
	case syntax.OpCapture:
		return exact(re.Sub[0])
	case syntax.OpQuest:
		texts, ok := exact(re.Sub[0])
		return append(texts, ""), ok && len(texts) < maxLiterals
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range re.Sub {
			texts, ok := exact(sub)
			if !ok || len(all)*len(texts) > maxLiterals {
				return nil, false
			}
			all = cross(all, texts)
		}
		return all, true
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			texts, ok := exact(sub)
			if !ok || len(all)+len(texts) > maxLiterals {
				return nil, false
			}
			all = append(all, texts...)
		}
		return all, true
	}
	return nil, false
}

func cross(heads, tails []string) []string {
	all := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			all = append(all, h+t)
		}
	}
	return all
}

// foldings returns the text in all its spellings: with fold, in upper and
// lower case, as far as any engine takes them for the same.
func foldings(text []rune, fold bool) ([]string, bool) {
	all := []string{""}
	for _, r := range text {
		spellings := []string{string(r)}
		if fold {
			spellings = spellingsOf(r)
		}
		if r == utf8.RuneError || len(all)*len(spellings) > maxLiterals {
			return nil, false
		}
		all = cross(all, spellings)
	}
	return all, true
}

// spellingsOf returns the characters that are r in another case. The dotted
// and the dotless i belong to i in some tables and not in others: they are
// taken in, for a line too many costs little.
func spellingsOf(r rune) []string {
	all := []string{string(r)}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		all = append(all, string(f))
	}
	if strings.ContainsRune("iIİı", r) {
		return []string{"i", "I", "İ", "ı"}
	}
	return all
}

// literalsOf returns sets of which every string that re matches contains
// something.
func literalsOf(re *syntax.Regexp) []literalSet {
	if texts, ok := exact(re); ok {
		return useful(texts)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return longestFolding(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return literalsOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literalsOf(re.Sub[0])
		}
	case syntax.OpConcat:
		return literalsOfConcat(re.Sub)
	case syntax.OpAlternate:
		var all literalSet
		for _, sub := range re.Sub {
			sets := literalsOf(sub)
			if len(sets) == 0 {
				return nil
			}
			all = append(all, slices.MinFunc(sets, literalSet.compare)...)
		}
		return useful(all)
	}
	return nil
}

// literalsOfConcat joins neighbours whose strings are known.
func literalsOfConcat(subs []*syntax.Regexp) []literalSet {
	var sets []literalSet
	run := []string{""}
	for _, sub := range subs {
		texts, ok := exact(sub)
		if ok && len(run)*len(texts) <= maxLiterals {
			run = cross(run, texts)
			continue
		}
		sets = append(sets, useful(run)...)
		run = []string{""}
		if ok {
			run = texts
		} else {
			sets = append(sets, literalsOf(sub)...)
		}
	}
	return append(sets, useful(run)...)
}

// useful returns the set, sorted, unless it says nothing: it has the empty
// string, or too many.
func useful(texts []string) []literalSet {
	slices.Sort(texts)
	texts = slices.Compact(texts)
	if len(texts) == 0 || len(texts) > maxLiterals || slices.Contains(texts, "") {
		return nil
	}
	return []literalSet{texts}
}

// longestFolding returns the spellings of that part of a text in either case
// which is longest and has few of them.
func longestFolding(text []rune) []literalSet {
	var best literalSet
	for i := range text {
		for j := i + 1; j <= len(text); j++ {
			texts, ok := foldings(text[i:j], true)
			if !ok {
				break
			}
			if best == nil || literalSet(texts).compare(best) < 0 {
				best = texts
			}
		}
	}
	return useful(best)
}

// A finder yields the places of a set's strings in a text, from left to right.
type finder struct {
	text []byte
	set  [][]byte
	next []int // where each string occurs next; len(text) if nowhere
}

func newFinder(text []byte, set literalSet) *finder {
	f := &finder{text: text, set: make([][]byte, len(set)), next: make([]int, len(set))}
	for i, s := range set {
		f.set[i] = []byte(s)
		f.next[i] = -1
	}
	return f
}

// find returns the first place at or after from, or -1. The text is read once
// for each string of the set, however often find is called.
func (f *finder) find(from int) int {
	first := len(f.text)
	for i, s := range f.set {
		if f.next[i] < from {
			f.next[i] = len(f.text)
			if n := bytes.Index(f.text[from:], s); n >= 0 {
				f.next[i] = from + n
			}
		}
		first = min(first, f.next[i])
	}
	if first == len(f.text) {
		return -1
	}
	return first
}
