// Package reason reads reasons for a decision out of a publisher's free text.
//
// The rules are data: rules.tsv has a pattern for each reason. They miss: show
// the text itself beside what they make of it. A reason that a publisher
// declares in a field of its own always beats a rule.
package reason

import (
	_ "embed"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"wontfix"
)

//go:embed rules.tsv
var rulesTSV string

type rule struct {
	reason  wontfix.Reasons
	pattern *regexp.Regexp
	// words, in lower case, are such that a text that matches has one of them.
	// Looking for them first makes Read some thirty times as fast.
	words []string
	// except, if not nil, finds words that the pattern must not see.
	except *regexp.Regexp
}

func (r *rule) match(text, lower string) bool {
	for _, w := range r.words {
		if strings.Contains(lower, w) {
			return r.matchSlow(text)
		}
	}
	return false
}

func (r *rule) matchSlow(text string) bool {
	if r.except != nil {
		text = r.except.ReplaceAllString(text, " ")
	}
	return r.pattern.MatchString(text)
}

// words returns texts of which every match of re has at least one, in lower
// case; nil if there is no such list.
func words(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return words(re.Sub[0])
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			w := words(sub)
			if w == nil {
				return nil
			}
			all = append(all, w...)
		}
		return all
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if w := words(sub); w != nil && shortest(w) > shortest(best) {
				best = w
			}
		}
		return best
	}
	return nil
}

// fold brings text to the case that words are in. The long s is the one letter
// that patterns take for another and ToLower leaves as it is.
func fold(text string) string { return strings.ReplaceAll(strings.ToLower(text), "\u017f", "s") }

func shortest(words []string) int {
	n := 0
	for i, w := range words {
		if i == 0 || len(w) < n {
			n = len(w)
		}
	}
	return n
}

var rules = sync.OnceValue(func() []rule {
	list, err := parseRules(rulesTSV)
	if err != nil {
		panic(err) // it is part of the program
	}
	return list
})

func parseRules(text string) ([]rule, error) {
	var list []rule
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		name, pattern, ok := strings.Cut(line, "\t")
		pattern, except, _ := strings.Cut(pattern, "\t")
		if !ok {
			return nil, fmt.Errorf("rules.tsv:%d: want a reason, a tab and a pattern", n)
		}
		r, err := wontfix.ParseReason(name)
		if err != nil {
			return nil, fmt.Errorf("rules.tsv:%d: %w", n, err)
		}
		re, err := regexp.Compile("(?i)" + pattern)
		if err != nil {
			return nil, fmt.Errorf("rules.tsv:%d: %w", n, err)
		}
		tree, err := syntax.Parse("(?i)"+pattern, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("rules.tsv:%d: %w", n, err)
		}
		w := words(tree)
		if w == nil {
			return nil, fmt.Errorf("rules.tsv:%d: an alternative has no plain word to look for", n)
		}
		next := rule{reason: r, pattern: re, words: w}
		if except != "" {
			if next.except, err = regexp.Compile("(?i)" + except); err != nil {
				return nil, fmt.Errorf("rules.tsv:%d: %w", n, err)
			}
		}
		list = append(list, next)
	}
	return list, nil
}

// read keeps what was found in a text: trackers repeat themselves.
var read sync.Map // string -> wontfix.Reasons

// longest is the length up to which a text's reasons are kept: brackets repeat
// themselves, sentences hardly do.
const longest = 120

// Read returns the reasons that text gives. None is 0, not [wontfix.NoReason]:
// whether anything else gives one is for the caller to find out.
func Read(text string) wontfix.Reasons {
	if len(text) <= longest {
		if v, ok := read.Load(text); ok {
			return v.(wontfix.Reasons)
		}
	}
	var found wontfix.Reasons
	lower := fold(text)
	for _, r := range rules() {
		if r.match(text, lower) {
			found |= r.reason
		}
	}
	if len(text) <= longest {
		read.Store(strings.Clone(text), found)
	}
	return found
}

// decides finds the words by which a text says what was decided.
var decides = sync.OnceValue(func() rule {
	const pattern = `ignor|won'?t (be )?fix|will not|not be fix|not going to|no longer|not (be )?(support|backport|updat|releas)|unsupported|intrusive|invasive|backport|regress|too (large|big|complex|hard|risky|many)|disput|not a (security|vulnerab|bug)|end[- ]of[- ]life|\beol\b|abandon|cannot be|can't be|no (upstream )?(fix|patch)|superseded|defer|postpone|wait`
	list, err := parseRules(wontfix.NoReason.String() + "\t" + pattern)
	if err != nil {
		panic(err) // it is part of the program
	}
	return list[0]
})

// Decides reports whether text says that something was decided: ignored, put
// off, will not be fixed. Of other texts the reasons are not reasons for a
// decision.
func Decides(text string) bool {
	r := decides()
	return r.match(text, fold(text))
}

// Fit returns those of the reasons that a decision can have, where they were
// read from a text about the vulnerability as a whole. Of a package that is
// affected such a text cannot say that the code is absent, nor of one that is
// never fixed that the fix waits for a later update: then it speaks of
// something else, or is older than the decision.
func Fit(d wontfix.Decision, r wontfix.Reasons) wontfix.Reasons {
	switch d {
	case wontfix.DecisionWontFix, wontfix.DecisionEndOfLife:
		r &^= wontfix.Batched | wontfix.AnalysisPending
		fallthrough
	case wontfix.DecisionDeferred, wontfix.DecisionAffected, wontfix.DecisionFixPending:
		r &^= wontfix.CodeNotPresent | wontfix.ComponentNotPresent
	}
	return r
}

// longestWords is how many bytes of a text are kept as the words of a reason.
const longestWords = 600

// Shorten cuts a text at a word if it is too long to be shown beside the
// reasons that were read from it.
func Shorten(text string) string {
	if len(text) <= longestWords {
		return text
	}
	cut := strings.LastIndexByte(text[:longestWords], ' ')
	if cut < 0 {
		cut = longestWords
	}
	return strings.ToValidUTF8(text[:cut], "") + " …"
}

// Quote returns a text on one line, as [Shorten] cuts it.
func Quote(text string) string { return Shorten(strings.Join(strings.Fields(text), " ")) }
