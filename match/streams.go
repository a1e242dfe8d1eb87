package match

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"wontfix"
	"wontfix/version"
)

// streamRules are for distributions whose publishers speak of streams: a major
// version with its minors, and tiers of support beside them.
func streamRules(compare func(a, b string) int) *rules {
	return &rules{
		source:  func(p *wontfix.Package) (string, string, bool) { return p.Source, p.SourceVersion, true },
		compare: compare, arrange: (*judge).arrangeStreams, open: (*judge).openStreams, end: streamEnd, binaries: true,
	}
}

var (
	rpmRules    = streamRules(version.Rpm)
	apkRules    = streamRules(version.Apk)
	pacmanRules = streamRules(version.Pacman)
)

// arrangeStreams sorts the rows of an entry. Those of the machine's own stream
// count, and those of earlier minors of the same major version, which are what
// it was built on. A fix of a tier that is not switched on is what money would
// bring. A row of a module speaks of packages of that module alone.
func (j *judge) arrangeStreams(rows []*wontfix.Statement) {
	base := j.machine.Base
	var paid []*wontfix.Statement
	for _, r := range rows {
		switch {
		case r.Release.Distribution != base.Distribution || !inStream(base.Distribution, r.Release.Series, base.Series) || !j.inModule(r) || !j.inRange(r):
		case r.Release.Product == "":
			j.chain = append(j.chain, r)
		case slices.Contains(j.machine.Products, r.Release.Product):
			j.chain = append(j.chain, ofTier(r))
		case r.Release.Series == base.Series || major(base.Series) == base.Series:
			paid = append(paid, ofTier(r))
		}
	}
	speaks := slices.ContainsFunc(j.chain, func(r *wontfix.Statement) bool { return weightStream(r) != weightSettled })
	j.chain = slices.DeleteFunc(j.chain, func(r *wontfix.Statement) bool {
		// That one part of a source is not affected says nothing of the others.
		return r.Binary && speaks && r.Decision == wontfix.DecisionNotAffected
	})
	slices.SortStableFunc(j.chain, func(a, b *wontfix.Statement) int {
		return cmp.Or(cmp.Compare(weightStream(a), weightStream(b)), -compareSeries(a.Release.Series, b.Release.Series))
	})
	j.own, j.paid = j.chain, bestPaid(paid)
}

// ofTier returns what a row says to those who have its tier: a fix for
// subscribers is a fix for them.
func ofTier(r *wontfix.Statement) *wontfix.Statement {
	if r.Decision != wontfix.DecisionPaid {
		return r
	}
	c := *r
	c.Status, c.Decision, c.Reasons = wontfix.Fixed, wontfix.DecisionFixed, c.Reasons&^wontfix.PaidTierOnly
	return &c
}

// weightStream puts a fix before the state that the publisher gave before it:
// an update of a minor release stands beside the row of its first day.
func weightStream(r *wontfix.Statement) int {
	switch r.Decision {
	case wontfix.DecisionFixed:
		return weightFixed
	case wontfix.DecisionNotAffected, wontfix.DecisionWithdrawn:
		return weightSettled
	}
	return weightOpen
}

// streamEnd: what goes on after the end of support has to be paid for.
func streamEnd(s wontfix.Support, product string) wontfix.Date {
	switch product {
	case "":
		return s.Standard
	case "els", "ltss":
		return s.Extended
	}
	return wontfix.Date{}
}

// openStreams goes by what the words mean.
func (j *judge) openStreams(r *wontfix.Statement) bool {
	switch r.Decision {
	case wontfix.DecisionFixed:
		return !j.has(r)
	case wontfix.DecisionNotAffected, wontfix.DecisionNotInRelease, wontfix.DecisionWithdrawn, wontfix.DecisionUnknown:
		return false
	}
	return true
}

// inModule reports whether a row speaks of what is installed: of a module if
// the packages are of it, and of none if they are of none. The advisories of
// AlmaLinux and Rocky Linux do not name modules: there the release of the fix
// tells that it is of one, and its version of which stream.
func (j *judge) inModule(r *wontfix.Statement) bool {
	unnamed := r.Module == "" && strings.Contains(r.Fixed, ".module")
	return slices.ContainsFunc(j.in.packages, func(p *wontfix.Package) bool {
		if unnamed {
			return ofStream(p.Module, r.Fixed)
		}
		return r.Module == p.Module || r.Module != "" && strings.HasPrefix(p.Module, r.Module+":")
	}) || len(j.in.packages) == 0
}

// ofStream reports whether a version may be of the stream of a module, such as
// nodejs:18:…; a stream without a number, as in virt:rhel, is one of all.
func ofStream(module, fixed string) bool {
	_, rest, ok := strings.Cut(module, ":")
	stream, _, _ := strings.Cut(rest, ":")
	if !ok || stream == "" {
		return false
	}
	if _, after, ok := strings.Cut(fixed, ":"); ok {
		fixed = after
	}
	return stream[0] < '0' || stream[0] > '9' || strings.HasPrefix(fixed, stream+".") || strings.HasPrefix(fixed, stream+"-")
}

// inRange reports whether the installed version is one that a row speaks of.
func (j *judge) inRange(r *wontfix.Statement) bool {
	return (r.Introduced == "" || r.Introduced == "0" || j.rules.compare(j.installed(r), r.Introduced) >= 0) &&
		(r.LastAffected == "" || j.rules.compare(j.installed(r), r.LastAffected) <= 0)
}

func major(series string) string { m, _, _ := strings.Cut(series, "."); return m }

// apart are the distributions whose minor releases are code streams of their
// own: SUSE builds a package of each service pack apart, and the versions of two
// do not compare.
var apart = []string{"sles", "sled", "suse", "opensuse-leap"}

// inStream reports whether what is said of a series holds for a machine of
// another: of the same one, of the whole major version, or of an earlier minor.
func inStream(distribution, said, machine string) bool {
	switch {
	case said == machine, said == "", said == major(machine):
		return true
	case strings.HasPrefix(machine, "v"), slices.Contains(apart, distribution): // branches of Alpine are releases of their own
		return false
	}
	return major(said) == major(machine) && (major(machine) == machine || compareSeries(said, machine) <= 0)
}

// compareSeries orders series by their numbers: 9.2 before 9.10.
func compareSeries(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := 0, 0
		if i < len(as) {
			x, _ = strconv.Atoi(as[i])
		}
		if i < len(bs) {
			y, _ = strconv.Atoi(bs[i])
		}
		if x != y {
			return cmp.Compare(x, y)
		}
	}
	return 0
}
