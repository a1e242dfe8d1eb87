// Package match compares what a machine has with what a tracker says. It is
// pure: it reads no file and no clock, and the same arguments give the same
// answer.
//
// A source package of a machine often has several rows for one vulnerability:
// one for the series, others for products such as esm-infra, one for the series
// under development. [Match] weighs them (judge.go says how) and gives either a
// finding, or for each row whose own word says that something is open, a
// dismissal that names the line which says otherwise.
package match

import (
	"cmp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"wontfix"
	"wontfix/lifecycle"
	"wontfix/version"
)

// Options are for [Match].
type Options struct {
	// Tracker is the one that the statements come from.
	Tracker wontfix.Tracker
	// Now is the time at which a release is past its end or not. If the
	// tracker is older, its own time counts: what it did not know yet it has
	// not decided.
	Now time.Time
}

func (o *Options) asOf() time.Time {
	if t := o.Tracker.Time; !t.IsZero() && t.Before(o.Now) {
		return t
	}
	return o.Now
}

// An installed is one version of a source package on the machine.
type installed struct {
	source   string // as the tracker calls it
	own      string // as the machine calls it, if it never calls it so
	version  string // source version
	packages []*wontfix.Package
	binaries []string // names of packages, each once, in order
	held     bool     // one of them is on hold

	fipsVersion bool // the version is of a FIPS product; see isFIPS
	fips        bool // the version or the source is
	esm         bool // the version was made for subscribers
}

func newInstalled(source, own, version string) *installed {
	fips := isFIPS(version)
	return &installed{source: source, own: own, version: version, fipsVersion: fips, fips: fips || isFIPS(source), esm: esmVersion.MatchString(version)}
}

// Sources returns the names under which a tracker may speak of the source
// packages of m, in order; of the binary packages, too, if its distribution's
// publisher speaks of such.
func Sources(m *wontfix.Machine) []string {
	seen, rules := make(map[string]bool, len(m.Packages)), rulesOf(m)
	for i := range m.Packages {
		if name, _, ok := rules.source(&m.Packages[i]); ok {
			seen[name] = true
		}
		if rules.binaries {
			seen[m.Packages[i].Name] = true
		}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// inventory groups the packages of m by source and source version: a kernel's
// signed image and its modules are one build of one source. Those of other
// sources than are asked for are left out; nil asks for all.
func inventory(m *wontfix.Machine, asked map[string]bool) map[string][]*installed {
	all, rules := make(map[string][]*installed), rulesOf(m)
	for i := range m.Packages {
		p := &m.Packages[i]
		name, v, ok := rules.source(p)
		if !ok || asked != nil && !asked[name] {
			continue
		}
		var in *installed
		for _, have := range all[name] {
			if have.version == v {
				in = have
			}
		}
		if in == nil {
			in = newInstalled(name, p.Source, v)
			all[name] = append(all[name], in)
		}
		if p.Source == name {
			in.own = name
		}
		in.packages = append(in.packages, p)
		in.binaries = append(in.binaries, p.Name)
		in.held = in.held || p.Held
	}
	for _, versions := range all {
		for _, in := range versions {
			slices.Sort(in.binaries)
			in.binaries = slices.Compact(in.binaries)
		}
	}
	return all
}

// sourcesOfBinaries returns a function that gives the source package that a
// statement is about, also where it names a binary package of it.
func sourcesOfBinaries(m *wontfix.Machine) func(*wontfix.Statement) string {
	sources := make(map[string]string, len(m.Packages))
	for i := range m.Packages {
		sources[m.Packages[i].Name] = m.Packages[i].Source
	}
	return func(s *wontfix.Statement) string {
		if source, ok := sources[s.Source]; ok && s.Binary {
			return source
		}
		return s.Source
	}
}

// Matters returns a function that reports whether a statement, among others on
// the same source and vulnerability, may make a finding or a dismissal for m.
// [Match] gives the same without those of which none does. The function can be
// called from several goroutines at once. It is nil if that cannot be told of a
// statement alone.
func Matters(m *wontfix.Machine) func(*wontfix.Statement) bool {
	rules := rulesOf(m)
	if rules.settled == nil {
		return nil
	}
	judges := make(map[string][]*judge)
	for source, versions := range inventory(m, nil) {
		for _, in := range versions {
			judges[source] = append(judges[source], &judge{machine: m, rules: rules, in: in})
		}
	}
	return func(s *wontfix.Statement) bool {
		return s.Scope == wontfix.ScopePackage || slices.ContainsFunc(judges[s.Source], func(j *judge) bool { return !rules.settled(j, s) })
	}
}

// Match says what statements mean for m. The statements are those of the
// machine's series with all its products, those of the series under
// development, and, if the series has ended, those of the series around it
// ([Neighbours]). Findings come in the order in which they are shown, worst
// first; dismissals by source package and ID.
func Match(m *wontfix.Machine, statements []wontfix.Statement, o Options) ([]wontfix.Finding, []wontfix.Dismissal) {
	rules := rulesOf(m)
	sourceOf := func(s *wontfix.Statement) string { return s.Source }
	if rules.binaries {
		sourceOf = sourcesOfBinaries(m)
	}
	type key struct{ source, id string }
	last := make(map[key]int, len(statements)/2) // the last statement of each key
	var order []int                              // the first statement of each key
	next := make([]int, len(statements))         // of the same key; 0: none
	var packages []packageRow
	for i := range statements {
		if statements[i].Scope == wontfix.ScopePackage {
			packages = append(packages, newPackageRow(&statements[i]))
			continue
		}
		k := key{sourceOf(&statements[i]), statements[i].ID}
		if before, ok := last[k]; ok {
			next[before] = i
		} else {
			order = append(order, i)
		}
		last[k] = i
	}
	sources := make(map[string]bool)
	for _, first := range order {
		sources[sourceOf(&statements[first])] = true
	}
	have := inventory(m, sources)
	scopes := make(map[string][]scoped)
	for source := range have {
		if list := scopedTo(m, source, packages); list != nil {
			scopes[source] = list
		}
	}
	// Each core has a part of them, whose verdicts are put together in order.
	type verdicts struct {
		findings  []wontfix.Finding
		dismissed []wontfix.Dismissal
	}
	parts := make([]verdicts, runtime.GOMAXPROCS(0))
	var judging sync.WaitGroup
	for n := range parts {
		judging.Go(func() {
			var v verdicts
			var rows []*wontfix.Statement
			var j judge // its memory is used again
			for _, first := range order[len(order)*n/len(parts) : len(order)*(n+1)/len(parts)] {
				rows = append(rows[:0], &statements[first])
				for i := next[first]; i > 0; i = next[i] {
					rows = append(rows, &statements[i])
				}
				slices.SortStableFunc(rows, func(a, b *wontfix.Statement) int {
					if a.File == b.File {
						return cmp.Compare(a.Line, b.Line)
					}
					return cmp.Compare(a.File, b.File)
				})
				for _, in := range have[sourceOf(&statements[first])] {
					j = judge{machine: m, options: &o, rules: rules, in: in, scoped: scopes[in.source]}
					f, d := j.verdict(rows)
					if f != nil {
						v.findings = append(v.findings, *f)
					}
					v.dismissed = append(v.dismissed, d...)
				}
			}
			parts[n] = v
		})
	}
	judging.Wait()
	findings, dismissed := []wontfix.Finding{}, []wontfix.Dismissal{}
	for _, v := range parts {
		findings, dismissed = append(findings, v.findings...), append(dismissed, v.dismissed...)
	}
	SortFindings(findings)
	sortStable(dismissed, func(a, b *wontfix.Dismissal) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), CompareIDs(a.ID, b.ID), cmp.Compare(a.SourceVersion, b.SourceVersion))
	})
	return findings, dismissed
}

// Neighbours returns the series before and the one after that of m whose rows
// may say something of it; none if m's own is still supported at the time now.
func Neighbours(m *wontfix.Machine, now time.Time) []string {
	if !rulesOf(m).neighbours || !m.Support.Standard.Past(now) {
		return nil
	}
	releases := lifecycle.Embedded().Releases(m.Base.Distribution)
	i := slices.IndexFunc(releases, func(r lifecycle.Release) bool { return r.Series == m.Base.Series })
	if i < 1 || i == len(releases)-1 {
		return nil
	}
	return []string{releases[i-1].Series, releases[i+1].Series}
}

// priorities are in the order in which they are shown.
var priorities = []string{"critical", "high", "medium", "low", "negligible", "untriaged", "not-for-us"}

// PriorityRank returns the place of a priority's word: 0 is the most urgent.
func PriorityRank(word string) int {
	if i := slices.Index(priorities, word); i >= 0 {
		return i
	}
	return len(priorities)
}

// Priorities returns the words of all priorities, the most urgent first.
func Priorities() []string { return slices.Clone(priorities) }

// judged is 0 for what somebody decided about the vulnerability itself, and 1
// for what follows from the end of a release or a package.
func judged(f *wontfix.Finding) int {
	if f.Decision == wontfix.DecisionEndOfLife {
		return 1
	}
	return 0
}

// SortFindings puts findings in the order in which they are shown: by outlook,
// decisions about the vulnerability before ends of releases, by priority, source
// package, newest ID first.
func SortFindings(findings []wontfix.Finding) {
	sortStable(findings, func(a, b *wontfix.Finding) int {
		if a.Outlook != b.Outlook {
			return cmp.Compare(a.Outlook, b.Outlook)
		}
		if n := cmp.Or(cmp.Compare(judged(a), judged(b)), cmp.Compare(PriorityRank(a.Priority), PriorityRank(b.Priority)), cmp.Compare(a.Source, b.Source)); n != 0 {
			return n
		}
		return cmp.Or(
			CompareIDs(b.ID, a.ID),
			version.Dpkg(a.SourceVersion, b.SourceVersion),
			cmp.Compare(a.SourceVersion, b.SourceVersion),
		)
	})
}

// sortStable sorts a list of large values: it moves each of them twice.
func sortStable[T any](list []T, compare func(a, b *T) int) {
	order := make([]*T, len(list))
	for i := range list {
		order[i] = &list[i]
	}
	slices.SortStableFunc(order, compare)
	sorted := make([]T, len(list))
	for i, p := range order {
		sorted[i] = *p
	}
	copy(list, sorted)
}

// CompareIDs orders CVE-2014-9365 before CVE-2014-10001: by the year, then by
// the number, then as text.
func CompareIDs(a, b string) int {
	ap, ar, _ := strings.Cut(a, "-")
	bp, br, _ := strings.Cut(b, "-")
	ayear, an, _ := strings.Cut(ar, "-")
	byear, bn, _ := strings.Cut(br, "-")
	return cmp.Or(cmp.Compare(ap, bp), compareNumbers(ayear, byear), compareNumbers(an, bn), cmp.Compare(a, b))
}

func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
