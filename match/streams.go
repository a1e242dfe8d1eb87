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
		case slices.Contains(free, r.Release.Product):
			c := *r
			c.Release = c.Release.Base()
			j.chain = append(j.chain, &c)
		case slices.Contains(j.machine.Products, r.Release.Product):
			j.chain = append(j.chain, ofTier(r))
		case r.Release.Series == base.Series, r.Release.Series == major(base.Series), major(base.Series) == base.Series:
			paid = append(paid, ofTier(r))
		}
	}
	speaks := slices.ContainsFunc(j.chain, func(r *wontfix.Statement) bool { return weightStream(r) != weightSettled })
	j.chain = slices.DeleteFunc(j.chain, func(r *wontfix.Statement) bool {
		// That one part of a source is not affected says nothing of the others.
		return r.Binary && speaks && r.Decision == wontfix.DecisionNotAffected
	})
	j.chain = j.latest(j.chain)
	slices.SortStableFunc(j.chain, func(a, b *wontfix.Statement) int {
		return cmp.Or(cmp.Compare(weightStream(a), weightStream(b)), -compareSeries(a.Release.Series, b.Release.Series))
	})
	j.own, j.paid = j.chain, bestPaid(paid)
}

// free are products of SUSE that whoever has the service pack can switch on.
var free = []string{"packagehub", "sdk"}

// latest returns the rows of a chain without those that a row nearer to the
// machine's own minor release takes back: a fix of its own is the one that it
// needs, and what was not affected in an earlier minor may be in a later one.
func (j *judge) latest(chain []*wontfix.Statement) []*wontfix.Statement {
	own := j.machine.Base.Series
	if major(own) == own {
		return chain // of which minor release the machine is, is not known
	}
	near := func(r *wontfix.Statement) string { // the series that it speaks of, or the machine's own
		if r.Release.Series == "" || r.Release.Series == major(own) {
			return own
		}
		return r.Release.Series
	}
	takenBack := func(r *wontfix.Statement) bool {
		return slices.ContainsFunc(chain, func(s *wontfix.Statement) bool {
			switch {
			case s.Source != r.Source || s.Module != r.Module || compareSeries(near(s), near(r)) <= 0:
				return false
			case r.Decision == wontfix.DecisionFixed:
				return s.Decision == wontfix.DecisionFixed
			}
			return r.Decision == wontfix.DecisionNotAffected && weightStream(s) != weightSettled
		})
	}
	return slices.DeleteFunc(slices.Clone(chain), takenBack)
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
			return ofStream(p.Module, p.Version, r.Fixed)
		}
		return r.Module == p.Module || r.Module != "" && strings.HasPrefix(p.Module, r.Module+":")
	}) || len(j.in.packages) == 0
}

// ofStream reports whether a version may be of the stream of a module, such as
// nodejs:18:…, of which another version is installed. Where that one has the
// stream's number, as the package has that the module is named after, any other
// of the stream has it too. Other packages of the module, such as buildah of
// container-tools:4.0, stay at one upstream version as long as the stream lives.
// A stream without a number, as in virt:rhel, moves on.
func ofStream(module, installed, fixed string) bool {
	_, rest, ok := strings.Cut(module, ":")
	stream, _, _ := strings.Cut(rest, ":")
	if !ok || stream == "" {
		return false
	}
	if stream[0] < '0' || stream[0] > '9' {
		return true
	}
	installed, fixed = withoutEpoch(installed), withoutEpoch(fixed)
	if hasNumber(installed, stream) {
		return hasNumber(fixed, stream)
	}
	return hasNumber(fixed, minor(installed))
}

// hasNumber reports whether a version without an epoch begins with a number:
// 18.4-1 with 18, and not with 1.
func hasNumber(version, number string) bool {
	rest, ok := strings.CutPrefix(version, number)
	return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// minor returns the first two numbers of a version: 1.24 of 1.24.2-1.
func minor(version string) string {
	upstream, _, _ := strings.Cut(version, "-")
	numbers := strings.SplitN(upstream, ".", 3)
	return strings.Join(numbers[:min(2, len(numbers))], ".")
}

func withoutEpoch(version string) string {
	if _, after, ok := strings.Cut(version, ":"); ok {
		return after
	}
	return version
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
