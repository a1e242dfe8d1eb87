package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wontfix"
	"wontfix/version"
)

// unmarked is the series whose rows Debian's tracker does not mark. They hold
// for every series as far as a comparison of versions goes.
const unmarked = "sid"

// unimportant is the urgency of what Debian does not count as open work.
const unimportant = "unimportant"

// arrangeDebian sorts the rows of one entry of Debian's tracker.
//
// What the machine's own series says counts. Where it says nothing, or only that
// no advisory will come, the unmarked row is judged against the installed
// version: it has the fix from the version named on, and is vulnerable below it
// or if there is none. Rows of other series and of experimental count nothing.
func (j *judge) arrangeDebian(rows []*wontfix.Statement) {
	var own []*wontfix.Statement
	var general *wontfix.Statement
	for _, r := range rows {
		switch {
		case r.Release.Base() == j.machine.Base:
			own = append(own, j.present(r))
		case r.Release.Series == unmarked:
			general = r
		}
	}
	slices.SortStableFunc(own, func(a, b *wontfix.Statement) int { return cmp.Compare(weightDebian(a), weightDebian(b)) })
	j.chain = own
	if general != nil {
		closed := j.has(general) || general.Decision == wontfix.DecisionNotAffected
		says := func(r *wontfix.Statement) bool { return weightDebian(r) < weightPending }
		switch {
		case len(own) == 0:
			j.chain = []*wontfix.Statement{j.present(general)}
		case closed && !slices.ContainsFunc(own, says):
			j.chain = append([]*wontfix.Statement{general}, own...)
		default:
			j.beside = append(j.beside, general)
		}
		if general.Fixed != "" {
			j.general = general
		}
	}
	j.own = j.chain
}

// Weights of rows of one series: what is fixed or settled comes before what is
// in the queue, and both before the words that only say that there will be no
// advisory.
const (
	weightFixed = iota
	weightSettled
	weightOpen
	weightPending
	weightNoAdvisory
)

func weightDebian(r *wontfix.Statement) int {
	switch r.Decision {
	case wontfix.DecisionFixed:
		return weightFixed
	case wontfix.DecisionNotAffected, wontfix.DecisionWithdrawn:
		return weightSettled
	case wontfix.DecisionFixPending:
		return weightPending
	case wontfix.DecisionDeferred:
		return weightNoAdvisory
	case wontfix.DecisionWontFix:
		if r.Strength == wontfix.Firm {
			return weightNoAdvisory
		}
	}
	return weightOpen
}

// present returns what a row says of a package that is installed, whatever the
// series: a fix that is not in the installed version is none, and neither is
// that the package has left the archive.
func (j *judge) present(r *wontfix.Statement) *wontfix.Statement {
	own := r.Release.Base() == j.machine.Base
	c := *r
	c.Status, c.Strength, c.Fixed = wontfix.Affected, wontfix.Derived, ""
	because := ""
	switch {
	case r.Decision == wontfix.DecisionFixed && !own && j.below(r):
		c.Decision, c.Reasons = wontfix.DecisionAffected, wontfix.NoReason
		because = fmt.Sprintf("unstable has the fix in %s, %s is installed, and nothing is said of %s", r.Fixed, j.in.version, j.machine.Base.Series)
	case r.Decision == wontfix.DecisionNotInRelease && r.Reasons.Has(wontfix.Removed) && own && j.machine.Base.Series == unmarked:
		c.Decision = wontfix.DecisionEndOfLife
		because = "the package was removed from unstable: no fix will come"
	case r.Decision == wontfix.DecisionNotInRelease && r.Reasons.Has(wontfix.Removed):
		c.Decision = wontfix.DecisionAffected
		because = fmt.Sprintf("the package was removed from %s, and is installed", seriesName(r))
	case r.Decision == wontfix.DecisionAffected && !own:
		because = fmt.Sprintf("unstable has no fix, and nothing is said of %s", j.machine.Base.Series)
	case r.Decision == wontfix.DecisionWontFix && r.Strength == wontfix.Derived:
		because = "Debian counts it as unimportant, and plans no work on it"
	default:
		return r
	}
	if r.Priority == unimportant && c.Decision == wontfix.DecisionAffected {
		c.Decision, c.Reasons = wontfix.DecisionWontFix, r.Reasons
		because = "Debian counts it as unimportant, and plans no work on it; " + because
	}
	j.derived, j.why = &c, because
	return &c
}

func seriesName(r *wontfix.Statement) string {
	if r.Release.Series == unmarked {
		return "unstable"
	}
	return r.Release.Series
}

// openDebian goes by what the words mean: a row of Debian's has a version or a
// pseudo-version for a word.
func (j *judge) openDebian(r *wontfix.Statement) bool {
	switch r.Decision {
	case wontfix.DecisionFixed, wontfix.DecisionFixPending:
		return !j.has(r)
	case wontfix.DecisionNotAffected, wontfix.DecisionNotInRelease:
		return false
	case wontfix.DecisionWithdrawn:
		return !slices.Contains([]string{"<not-affected>", "<itp>", "<removed>"}, r.Word) && strings.HasPrefix(r.Word, "<")
	}
	return true
}

// settledDebian: that a package was removed settles nothing where it is
// installed; see present.
func (j *judge) settledDebian(r *wontfix.Statement) bool {
	return !j.openDebian(r) && !(r.Decision == wontfix.DecisionNotInRelease && r.Reasons.Has(wontfix.Removed))
}

// reachable looks for the version with which unstable was fixed in the machine's
// own package lists: a release that is not out yet, or backports.
func (j *judge) reachable(f *wontfix.Finding) {
	if j.general == nil || f.FixedVersion != "" || f.Outlook != wontfix.Open && f.Outlook != wontfix.Deferred && f.Outlook != wontfix.Undecided {
		return
	}
	for _, p := range j.in.packages {
		if p.Offer != nil && p.Offer.Archive != nil && own(j.machine, p.Offer.Archive) &&
			version.Dpkg(binNMU.ReplaceAllString(cmp.Or(p.Offer.SourceVersion, p.Offer.Version), ""), j.general.Fixed) >= 0 {
			f.FixedVersion, f.Outlook = j.general.Fixed, wontfix.Available
			j.offer(f)
			return
		}
	}
}
