package match

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"wontfix"
)

// A scoped is what is said of all vulnerabilities of a package.
type scoped struct {
	*wontfix.Statement
	row wontfix.Row // as it is shown; without a name if it is the tracker's
}

// A packageRow is a statement about a package as a whole. Where it gives a
// regular expression for the names of source packages, names is that.
type packageRow struct {
	*wontfix.Statement
	names *regexp.Regexp
}

// newPackageRow reads the name that a statement gives. An expression that cannot
// be read fits no package.
func newPackageRow(s *wontfix.Statement) packageRow {
	r := packageRow{Statement: s}
	if strings.ContainsAny(s.Source, `*?()[]{}|\^$`) {
		r.names, _ = regexp.Compile(`^(?:` + s.Source + `)$`) // nil: compared as a name
	}
	return r
}

func (r *packageRow) fits(source string) bool {
	return r.Source == source || r.names != nil && r.names.MatchString(source)
}

// scopedTo returns what statements and the machine's own notices say of a source
// package as a whole: that its support has ended, that an update is being
// worked on, that its support is limited, in the order in which they count.
func scopedTo(m *wontfix.Machine, source string, rows []packageRow) []scoped {
	var list []scoped
	for i := range m.Notices {
		n := &m.Notices[i]
		if n.Source != source {
			continue
		}
		s := &wontfix.Statement{Source: source, Release: m.Base, Label: m.Base.Series, Word: "security-support-" + n.Kind, Detail: n.Text, File: n.File, Line: n.Line,
			Meaning: wontfix.Meaning{Status: wontfix.Affected, Scope: wontfix.ScopePackage, Reasons: wontfix.SupportScope, Evidence: wontfix.EvidenceWord, Since: n.Since.String()}}
		switch n.Kind {
		case "ended":
			s.Decision = wontfix.DecisionEndOfLife
		case "limited":
			s.Decision, s.Strength = wontfix.DecisionWontFix, wontfix.Soft
		}
		row := RowOf(&wontfix.Tracker{Name: "debian-security-support"}, s)
		list = append(list, scoped{s, row})
	}
	for i := range rows {
		s := rows[i].Statement
		told := slices.ContainsFunc(list, func(have scoped) bool { return have.Word == s.Word })
		if !told && (s.Release.Base() == m.Base || s.Release.Distribution == m.Base.Distribution && s.Release.Series == "") && rows[i].fits(source) {
			list = append(list, scoped{s, wontfix.Row{}})
		}
	}
	slices.SortStableFunc(list, func(a, b scoped) int { return rankScoped(a) - rankScoped(b) })
	return list
}

func rankScoped(s scoped) int {
	return slices.Index([]wontfix.Decision{wontfix.DecisionEndOfLife, wontfix.DecisionFixPending, wontfix.DecisionWontFix}, s.Decision)
}

// weighScoped adds to a finding what is said of its package as a whole. What was
// decided about the vulnerability itself comes first: only an end of the
// package's support changes what was put off, and nothing what is fixed or on
// its way.
func (j *judge) weighScoped(f *wontfix.Finding) {
	for _, s := range j.scoped {
		row := s.row
		if row.Name == "" {
			row = j.row(s.Statement)
		}
		f.Others = append(f.Others, row)
		undecided := f.Outlook == wontfix.Open
		switch s.Decision {
		case wontfix.DecisionEndOfLife:
			j.weighEnded(f, s.Statement)
		case wontfix.DecisionFixPending:
			f.Because += fmt.Sprintf("; %s has the package: an update is to come, and which vulnerabilities it will fix is not said", s.Word)
			if undecided {
				f.Outlook, f.Decision, f.Reasons, f.Evidence = wontfix.Pending, wontfix.DecisionFixPending, s.Reasons.Words(), s.Evidence
			}
		case wontfix.DecisionWontFix:
			f.Because += "; the package has limited support only"
			if undecided {
				j.decide(f, wontfix.DecisionWontFix, s.Statement)
			}
		}
	}
}

func (j *judge) weighEnded(f *wontfix.Finding, s *wontfix.Statement) {
	day := wontfix.NewDate(s.Since)
	if day.IsZero() || j.options.asOf().Before(day.Time) {
		if !day.IsZero() {
			f.Because += fmt.Sprintf("; the support of the package will end on %s", day)
		}
		return
	}
	f.Because += fmt.Sprintf("; the support of the package ended on %s", day)
	switch f.Outlook {
	case wontfix.Open, wontfix.Undecided, wontfix.Deferred:
		j.decide(f, wontfix.DecisionEndOfLife, s)
	}
}

// decide takes over what was decided about the package. The words about the
// vulnerability itself stay where there are any.
func (j *judge) decide(f *wontfix.Finding, d wontfix.Decision, s *wontfix.Statement) {
	f.Outlook, f.Decision = wontfix.Never, d
	f.Reasons = addReason(f.Reasons, s.Reasons)
	if f.ReasonText == "" {
		f.ReasonText, f.ReasonLine, f.Evidence = s.Detail, 0, s.Evidence
	}
}
