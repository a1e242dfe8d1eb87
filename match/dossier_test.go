package match_test

import (
	"fmt"
	"strings"
	"testing"

	"wontfix"
	"wontfix/match"
	"wontfix/tracker/ubuntu"
)

// certificates is an entry in the form of CVE-2014-9365: the row is a bare
// "ignored", the reason is in a note, and another package of it was fixed.
const certificates = `Candidate: CVE-2014-9365
PublicDate: 2014-12-12 11:59:00 UTC
Notes:
 ann> This is quite a large change to backport,
 ann> and it will break certain setups.
Priority: medium
Tags_python2.7: pep476
Patches_python2.7:
 upstream: https://example.org/1
upstream_python2.7: released (2.7.9-1)
precise_python2.7: ignored (end of life)
trusty_python2.7: ignored
trusty/esm_python2.7: ignored
vivid_python2.7: not-affected (2.7.9-2ubuntu3)
fips/focal_python2.7: needed
devel_python2.7: not-affected
upstream_python3.4: released (3.4.3)
trusty_python3.4: released (3.4.3-1ubuntu1~14.04.2)
`

// told says what a dossier has about each subject.
func told(d *wontfix.Dossier) string {
	var b strings.Builder
	for _, s := range d.Subjects {
		row, outlook := "no row", "nothing to wait for"
		if s.Row != nil {
			row = said(*s.Row)
		}
		if s.Outlook != nil {
			outlook = s.Outlook.String()
		}
		fmt.Fprintf(&b, "%s in %s: [%s] %s, %s, %s %v from %s:%d", s.Source, s.Release, row, s.Decision, s.Status, outlook, s.Reasons, s.Evidence, s.ReasonLine)
		if s.Installed != "" {
			fmt.Fprintf(&b, ", installed %s, finding %v, dismissal %v", s.Installed, s.Finding != nil, s.Dismissal != nil)
		}
		fmt.Fprintf(&b, ", %d elsewhere, %d siblings\n", len(s.Elsewhere), len(s.Siblings))
	}
	return b.String()
}

func TestDossier(t *testing.T) {
	entry, problems := ubuntu.Parse("retired/CVE-2014-9365", []byte(certificates))
	if len(entry.Statements) != 9 {
		t.Fatalf("%d statements: %v", len(entry.Statements), problems)
	}
	release := func(s string) wontfix.Release {
		r, err := wontfix.ParseRelease(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	machine := func(lines string) *wontfix.Machine { return newScenario(t, lines, nil).machine }
	both := machine("release ubuntu/trusty\nnow 2020-01-01\npackage libpython2.7 2.7.6-8 python2.7 2.7.6-8\npackage python3.4 3.4.3-1ubuntu1~14.04.7 python3.4 3.4.3-1ubuntu1~14.04.7")
	fixed := machine("release ubuntu/utopic\nnow 2020-01-01\npackage python2.7 2.7.8-10 python2.7 2.7.8-10")
	for _, tt := range []struct {
		what    string
		options match.DossierOptions
		want    string
	}{
		{"a package in a release", match.DossierOptions{Sources: []string{"python2.7"}, Release: release("ubuntu/trusty")},
			"python2.7 in ubuntu/trusty: [trusty ignored] wont-fix, affected, never [too-intrusive] from note:4, 5 elsewhere, 1 siblings\n"},
		{"a product", match.DossierOptions{Sources: []string{"python2.7"}, Release: release("ubuntu/focal/fips")},
			"python2.7 in ubuntu/focal/fips: [fips/focal needed] affected-no-decision, affected, open [no-reason-given] from none:0, 5 elsewhere, 0 siblings\n"},
		{"every release with a row", match.DossierOptions{Sources: []string{"python2.7"}}, `python2.7 in ubuntu/precise: [precise ignored end of life] end-of-life, affected, never [eol-release] from bracket:11, 5 elsewhere, 0 siblings
python2.7 in ubuntu/trusty: [trusty ignored] wont-fix, affected, never [too-intrusive] from note:4, 5 elsewhere, 1 siblings
python2.7 in ubuntu/vivid: [vivid not-affected 2.7.9-2ubuntu3] fixed, fixed, nothing to wait for [] from word:14, 5 elsewhere, 0 siblings
`},
		{"a machine", match.DossierOptions{Machine: both}, `python2.7 in ubuntu/trusty: [trusty ignored] wont-fix, affected, never [too-intrusive] from note:4, installed 2.7.6-8, finding true, dismissal false, 5 elsewhere, 1 siblings
python3.4 in ubuntu/trusty: [trusty released 3.4.3-1ubuntu1~14.04.2] fixed, fixed, nothing to wait for [] from word:18, installed 3.4.3-1ubuntu1~14.04.7, finding false, dismissal false, 0 elsewhere, 1 siblings
`},
		{"a machine of an ended release without a row", match.DossierOptions{Machine: fixed},
			"python2.7 in ubuntu/utopic: [vivid not-affected 2.7.9-2ubuntu3] wont-fix, affected, never [too-intrusive eol-release] from note:4, installed 2.7.8-10, finding true, dismissal false, 6 elsewhere, 0 siblings\n"},
		{"a package that the entry does not have", match.DossierOptions{Sources: []string{"ruby"}, Release: release("ubuntu/trusty")},
			"ruby in ubuntu/trusty: [no row] unknown, unknown, nothing to wait for [] from none:0, 0 elsewhere, 2 siblings\n"},
	} {
		tt.options.Now = day(t, "2020-01-01")
		tt.options.Tracker = wontfix.Tracker{Name: ubuntu.Name, Time: tt.options.Now}
		d := match.Dossier(entry, tt.options)
		if got := told(d); got != tt.want {
			t.Errorf("%s:\ngot\n%swant\n%s", tt.what, got, tt.want)
		}
		if d.ID != "CVE-2014-9365" || d.Published != "2014-12-12" || d.Priority != "medium" || len(d.Notes) != 1 {
			t.Errorf("%s: the head is %s %s %s with %d notes", tt.what, d.ID, d.Published, d.Priority, len(d.Notes))
		}
	}
	s := match.Dossier(entry, match.DossierOptions{Sources: []string{"python2.7"}, Release: release("ubuntu/trusty"), Now: day(t, "2020-01-01")}).Subjects[0]
	if s.Upstream == nil || s.Upstream.Detail != "2.7.9-1" || len(s.Patches) != 1 || fmt.Sprint(s.Tags) != "[pep476]" || !strings.Contains(s.ReasonText, "quite a large change") {
		t.Errorf("upstream %v, patches %v, tags %v, reason %q", s.Upstream, s.Patches, s.Tags, s.ReasonText)
	}
}
