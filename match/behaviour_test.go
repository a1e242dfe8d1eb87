package match

import (
	"fmt"
	"testing"

	"wontfix"
)

func TestBehaviour(t *testing.T) {
	m := &wontfix.Machine{Packages: []wontfix.Package{
		{Name: "python2.7-minimal", Version: "2.7.6-8", Source: "python2.7", SourceVersion: "2.7.6-8"},
		{Name: "curl", Version: "7.35.0-1", Source: "curl"},
		{Name: "axel", Version: "2.17.5-1", Source: "axel"},
	}}
	behaviour := func(id, pkg, version string, s wontfix.Shows) wontfix.Behaviour {
		return wontfix.Behaviour{ID: id, Package: pkg, Version: version, Shows: s, Client: pkg}
	}
	list := []wontfix.Behaviour{
		behaviour("CVE-2020-13614", "axel", "2.17.5-1", wontfix.ShowsVulnerable),
		behaviour("CVE-2014-9365", "python2.7-minimal", "2.7.6-8", wontfix.ShowsFixed),
		behaviour("CVE-2014-9365", "python2.7-minimal", "2.7.6-9", wontfix.ShowsVulnerable), // another version
		behaviour("CVE-2014-9365", "", "", wontfix.ShowsVulnerable),                         // of no package
		behaviour("CVE-2014-9365", "python3.4-minimal", "3.4.0-2", wontfix.ShowsVulnerable), // not on the machine
		behaviour("CVE-2014-0139", "curl", "7.35.0-1", wontfix.ShowsVulnerable),
	}
	findings := []wontfix.Finding{{ID: "CVE-2014-9365", Source: "python2.7"}, {ID: "CVE-2014-9365", Source: "python3.4"}, {ID: "CVE-2013-7040", Source: "python2.7"}}
	statements := []wontfix.Statement{{ID: "CVE-2014-9365", Source: "python2.7"}, {ID: "CVE-2014-0139", Source: "curl"}, {ID: "CVE-2020-13614", Source: "other"}}
	have := ""
	for _, b := range Behaviour(m, list, findings, statements) {
		have += fmt.Sprintln(b.ID, b.Client, b.Shows, b.VersionSays, b.Disagrees())
	}
	want := `CVE-2014-0139 curl vulnerable not-vulnerable true
CVE-2014-9365 python2.7-minimal fixed vulnerable true
CVE-2020-13614 axel vulnerable nothing false
`
	if have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
	if len(findings[0].Behaviour) != 1 || findings[0].Behaviour[0].Shows != wontfix.ShowsFixed || findings[1].Behaviour != nil || findings[2].Behaviour != nil {
		t.Errorf("findings: %+v", findings)
	}

	d := &wontfix.Dossier{ID: "CVE-2014-9365", Subjects: []wontfix.Subject{
		{Source: "python2.7", Installed: "2.7.6-8", Finding: &wontfix.Finding{}}, {Source: "python3.4", Installed: "3.4.0-2"}, {Source: "python2.7"}}}
	DossierBehaviour(m, list, d)
	if n := len(d.Subjects[0].Behaviour); n != 1 || !d.Subjects[0].Behaviour[0].Disagrees() || d.Subjects[1].Behaviour != nil || d.Subjects[2].Behaviour != nil {
		t.Errorf("subjects: %+v", d.Subjects)
	}
	d = &wontfix.Dossier{ID: "CVE-2014-0139", Subjects: []wontfix.Subject{{Source: "curl", Installed: "7.35.0-1", Row: &wontfix.Row{}}}}
	DossierBehaviour(m, list, d)
	if len(d.Subjects[0].Behaviour) != 1 || d.Subjects[0].Behaviour[0].VersionSays != "not-vulnerable" {
		t.Errorf("subjects: %+v", d.Subjects)
	}
}
