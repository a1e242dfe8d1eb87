package match

import (
	"strings"

	"wontfix"
)

// Kinds of a [wontfix.Difference].
const (
	DiffersInDecision = "decision"
	DiffersInVersion  = "version"
)

// Judged reports whether a statement is one that can be set against that of
// another feed: silence, the end of a release and what has
// not been judged cannot, and neither can what was worked out from other rows.
func Judged(s *wontfix.Statement) bool {
	return s.Release != (wontfix.Release{}) && s.Strength != wontfix.Derived &&
		s.Decision != wontfix.DecisionUnderInvestigation && wontfix.FamilyOf(s.Decision) != wontfix.NoOpinion
}

// Differ returns in which of the ways two statements about the same row say
// different things, "" for none. Formats that have no word for a refusal call
// what will never be fixed affected: that is no difference, and neither is a fix
// on its way beside one that is out. Ubuntu's not-affected with a version is a
// fix, and its exports call it not affected.
func Differ(a, b *wontfix.Statement) string {
	fa, fb := wontfix.FamilyOf(a.Decision), wontfix.FamilyOf(b.Decision)
	open := func(f wontfix.Family) bool { return f == wontfix.FamilyNoFix || f == wontfix.FamilyOpen }
	switch {
	case fa == wontfix.FamilyFix && fb == wontfix.FamilyFix:
		if a.Fixed != "" && b.Fixed != "" && compareIn(a.Release, a.Fixed, b.Fixed) != 0 {
			return DiffersInVersion
		}
	case a.Word == "not-affected" && fb == wontfix.FamilyNotAffected, b.Word == "not-affected" && fa == wontfix.FamilyNotAffected:
	case fa == fb, open(fa) && open(fb):
	case a.Decision == wontfix.DecisionFixPending && open(fb), b.Decision == wontfix.DecisionFixPending && open(fa):
	default:
		return DiffersInDecision
	}
	return ""
}

// compareIn orders two versions of a package of a release.
func compareIn(r wontfix.Release, a, b string) int {
	a, b = strings.TrimPrefix(a, "0:"), strings.TrimPrefix(b, "0:")
	return rulesOf(&wontfix.Machine{Base: r.Base()}).compare(a, b)
}
