package match

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"wontfix"
	"wontfix/lifecycle"
)

// DossierOptions are for [Dossier].
type DossierOptions struct {
	Tracker wontfix.Tracker
	Now     time.Time
	// Sources are the packages to speak of; none means all that the machine
	// has or, without a machine, all of the entry.
	Sources []string
	// Release is the one to speak of. The zero Release means the machine's, or
	// without a machine every release that has a row for the series itself.
	Release wontfix.Release
	Machine *wontfix.Machine // nil if no machine is looked at
	// Packages are what the tracker says of the packages as a whole, as rows of
	// [wontfix.ScopePackage].
	Packages []wontfix.Statement
}

// Dossier gathers what an entry says about packages in a release, with what
// it says of them elsewhere.
func Dossier(e *wontfix.Entry, o DossierOptions) *wontfix.Dossier {
	d := &wontfix.Dossier{
		Schema: wontfix.DossierSchema, ID: e.ID, Tracker: o.Tracker, Revision: o.Tracker.Revision, File: e.File, Page: o.Tracker.Page(e.ID),
		Published: e.PublishedAt(), Priority: cmp.Or(e.Priority.Word, "untriaged"), PriorityWhy: e.Priority.Reason, Withdrawn: e.Withdrawn,
		Description: e.Description, VendorText: e.VendorText, Mitigation: e.Mitigation, AssignedTo: e.AssignedTo,
		CVSS: e.CVSS, Notes: e.Notes, Bugs: e.Bugs, References: e.References, Subjects: []wontfix.Subject{},
	}
	releases := []wontfix.Release{o.Release}
	if o.Release == (wontfix.Release{}) {
		if o.Machine != nil {
			releases[0] = o.Machine.Base
		} else {
			releases = releasesOf(e, o.Sources)
		}
	}
	var have map[string][]*installed
	sourceOf := func(s *wontfix.Statement) string { return s.Source }
	if o.Machine != nil {
		have = inventory(o.Machine, nil)
		if rulesOf(o.Machine).binaries {
			sourceOf = sourcesOfBinaries(o.Machine)
		}
	}
	for _, source := range subjectsOf(e, o.Sources, have, sourceOf) {
		for _, release := range releases {
			versions := have[source]
			if len(versions) == 0 || release.Base() != o.Machine.Base {
				versions = []*installed{nil}
			}
			for _, in := range versions {
				d.Subjects = append(d.Subjects, subject(e, source, release, in, have, sourceOf, &o))
			}
		}
	}
	return d
}

// releasesOf returns the series with a row for one of the sources, newest last.
func releasesOf(e *wontfix.Entry, sources []string) []wontfix.Release {
	var list []wontfix.Release
	for i := range e.Statements {
		s := &e.Statements[i]
		if s.Release.Product != "" || s.Release.Series == "" || s.Label == "devel" || s.Word == "DNE" || len(sources) > 0 && !slices.Contains(sources, s.Source) {
			continue
		}
		if !slices.Contains(list, s.Release) {
			list = append(list, s.Release)
		}
	}
	slices.SortStableFunc(list, func(a, b wontfix.Release) int { return older(a, b) })
	return list
}

func older(a, b wontfix.Release) int {
	t := lifecycle.Embedded()
	switch {
	case t.Older(a.Distribution, a.Series, b.Series):
		return -1
	case t.Older(b.Distribution, b.Series, a.Series):
		return 1
	}
	return 0
}

// subjectsOf returns the packages that a dossier speaks of.
func subjectsOf(e *wontfix.Entry, asked []string, have map[string][]*installed, sourceOf func(*wontfix.Statement) string) []string {
	if len(asked) > 0 {
		return asked
	}
	var all, here []string
	for i := range e.Statements {
		s := sourceOf(&e.Statements[i])
		if slices.Contains(all, s) {
			continue
		}
		all = append(all, s)
		if have[s] != nil {
			here = append(here, s)
		}
	}
	if len(here) > 0 {
		return here
	}
	return all
}

func subject(e *wontfix.Entry, source string, release wontfix.Release, in *installed, have map[string][]*installed, sourceOf func(*wontfix.Statement) string, o *DossierOptions) wontfix.Subject {
	sub := wontfix.Subject{Source: source, Release: release.String(), Reasons: []string{}, Patches: []wontfix.Patch{},
		Elsewhere: []wontfix.Other{}, Siblings: []wontfix.Other{}, Priority: e.PriorityFor(source, release.Series).Word}
	var rows []*wontfix.Statement
	var row *wontfix.Statement
	for i := range e.Statements {
		s := &e.Statements[i]
		if sourceOf(s) != source {
			continue
		}
		rows = append(rows, s)
		switch {
		case s.Label == "upstream":
			up := RowOf(&o.Tracker, s)
			sub.Upstream = &up
		case s.Release == release:
			row = s
		}
	}
	if row != nil {
		describe(&sub, row, &o.Tracker)
	}
	m := &wontfix.Machine{Base: release.Base(), Release: release.Base()}
	if r, ok := lifecycle.Of(release, nil); ok {
		m.Support = r.Support()
	}
	if in != nil {
		m, sub.Installed = o.Machine, in.version
	} else {
		// Nothing is installed: a version below every other asks what the rows
		// say of somebody who has none of the fixes.
		none := "0~~"
		if release.Product != "" {
			m.Products = []string{release.Product}
		}
		if strings.HasPrefix(release.Product, "fips") {
			none = "0~~fips"
		}
		in = newInstalled(source, source, none)
	}
	j := judge{machine: m, options: &Options{Tracker: o.Tracker, Now: o.Now}, rules: rulesOf(m), in: in}
	if in.packages != nil {
		var packages []packageRow
		for i := range o.Packages {
			packages = append(packages, newPackageRow(&o.Packages[i]))
		}
		j.scoped = scopedTo(m, source, packages)
	}
	f, dismissed := j.verdict(rows)
	if row == nil && f == nil && j.rules.binaries && len(j.chain) > 0 {
		row = j.chain[0] // of the major version, say, where release is a minor one
		describe(&sub, row, &o.Tracker)
	}
	if f != nil && (row != nil || in.packages != nil || j.derived != nil) {
		if row == nil {
			tracker := f.Tracker
			sub.Row, sub.Priority, sub.Successor = &tracker, f.Priority, f.Successor
		}
		if in.packages != nil {
			sub.Finding = f
		}
		if !(in.packages == nil && f.Outlook == wontfix.Available) {
			sub.Outlook = &f.Outlook
		}
		sub.Decision, sub.Status, sub.Reasons, sub.Evidence = f.Decision, f.Status, f.Reasons, f.Evidence
		sub.ReasonText, sub.ReasonLine = f.ReasonText, f.ReasonLine
		sub.Fixed = cmp.Or(f.FixedVersion, sub.Fixed)
		if in.packages == nil && f.Outlook == wontfix.Available && row != nil {
			sub.Status = row.Status
		}
	}
	if len(dismissed) > 0 {
		sub.Dismissal = &dismissed[0]
		if in.packages == nil {
			sub.Dismissal.SourceVersion = ""
		}
	}
	sub.Tags = tagsOf(e, source)
	for _, set := range e.Patches {
		if set.Source == source {
			sub.Patches = append(sub.Patches, set.Patches...)
		}
	}
	sub.Elsewhere, sub.Siblings = others(e, source, release, have, &o.Tracker)
	return sub
}

// describe fills in what a row says by itself.
func describe(sub *wontfix.Subject, s *wontfix.Statement, t *wontfix.Tracker) {
	row := RowOf(t, s)
	sub.Row = &row
	sub.Status, sub.Decision, sub.Reasons, sub.Evidence = s.Status, s.Decision, s.Reasons.Words(), s.Evidence
	sub.ReasonText, sub.ReasonLine = ReasonText(s), s.EvidenceLine
	sub.Fixed, sub.Priority, sub.Successor = s.Fixed, s.Priority, s.Successor
}

func tagsOf(e *wontfix.Entry, source string) []string {
	var words []string
	for _, tag := range e.Tags {
		if tag.Key == "" || tag.Key == source || strings.HasPrefix(tag.Key, source+"_") {
			words = append(words, tag.Words...)
		}
	}
	return words
}

// others returns the rows of the same package in other releases, and those of
// other packages in the same release.
func others(e *wontfix.Entry, source string, release wontfix.Release, have map[string][]*installed, t *wontfix.Tracker) (elsewhere, siblings []wontfix.Other) {
	elsewhere, siblings = []wontfix.Other{}, []wontfix.Other{}
	for i := range e.Statements {
		s := &e.Statements[i]
		if s.Word == "DNE" || s.Label == "upstream" {
			continue
		}
		o := wontfix.Other{Source: s.Source, Release: s.Label, Row: RowOf(t, s), Decision: s.Decision, Fixed: s.Fixed}
		switch {
		case s.Source == source && s.Release != release:
			elsewhere = append(elsewhere, o)
		case s.Source != source && s.Release == release:
			if in := have[s.Source]; len(in) > 0 {
				o.Installed = in[0].version
			}
			siblings = append(siblings, o)
		}
	}
	slices.SortStableFunc(siblings, func(a, b wontfix.Other) int { return strings.Compare(b.Installed, a.Installed) })
	return elsewhere, siblings
}
