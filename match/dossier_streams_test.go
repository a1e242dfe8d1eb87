package match

import (
	"testing"
	"time"

	"wontfix"
)

// TestDossierStreams asks about a machine of a minor release what rows of the
// major one, and rows about binary packages, say of it.
func TestDossierStreams(t *testing.T) {
	release := func(s string) wontfix.Release {
		r, err := wontfix.ParseRelease(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, test := range []struct {
		what, base, source string
		row                wontfix.Statement
		want               wontfix.Decision
		finding            bool
	}{
		{"a row of the major version", "rhel/9.4", "curl", wontfix.Statement{Source: "curl", Release: release("rhel/9"), Label: "rhel:9",
			Meaning: wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected}}, wontfix.DecisionNotAffected, false},
		{"a row about a binary package", "sles/15.5", "curl", wontfix.Statement{Source: "libcurl4", Binary: true, Release: release("sles/15.5"), Label: "sles:15:sp5",
			Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix}}, wontfix.DecisionWontFix, true},
	} {
		m := &wontfix.Machine{Release: release(test.base), Base: release(test.base), Packages: []wontfix.Package{
			{Name: "libcurl4", Version: "7.76-1", Source: "curl", SourceVersion: "7.76-1"}}}
		e := &wontfix.Entry{ID: "CVE-2031-0001", Statements: []wontfix.Statement{test.row}}
		d := Dossier(e, DossierOptions{Machine: m, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		if len(d.Subjects) != 1 {
			t.Fatalf("%s: %d subjects", test.what, len(d.Subjects))
		}
		s := d.Subjects[0]
		if s.Source != test.source || s.Row == nil || s.Decision != test.want || (s.Finding != nil) != test.finding {
			t.Errorf("%s: source %s, row %v, decision %s, finding %v; want %s %s %v", test.what, s.Source, s.Row, s.Decision, s.Finding, test.source, test.want, test.finding)
		}
	}
}

// TestDossierPackages: what is said of a package as a whole counts in a dossier
// as it does in a scan.
func TestDossierPackages(t *testing.T) {
	base := wontfix.Release{Distribution: "debian", Series: "bullseye"}
	m := &wontfix.Machine{Release: base, Base: base, Packages: []wontfix.Package{{Name: "curl", Version: "7.74.0-1", Source: "curl", SourceVersion: "7.74.0-1"}}}
	row := wontfix.Statement{ID: "CVE-2031-0001", Source: "curl", Release: base, Label: "bullseye", Word: "<unfixed>",
		Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected}}
	needed := wontfix.Statement{Source: "curl", Release: base, Label: "bullseye", Word: "dla-needed",
		Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionFixPending, Scope: wontfix.ScopePackage}}
	o := DossierOptions{Machine: m, Now: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	e := &wontfix.Entry{ID: row.ID, Statements: []wontfix.Statement{row}}
	if s := Dossier(e, o).Subjects[0]; s.Outlook == nil || *s.Outlook != wontfix.Open {
		t.Errorf("without: outlook %v, want open", s.Outlook)
	}
	o.Packages = []wontfix.Statement{needed}
	if s := Dossier(e, o).Subjects[0]; s.Outlook == nil || *s.Outlook != wontfix.Pending {
		t.Errorf("dla-needed: outlook %v, want pending", s.Outlook)
	}
}
