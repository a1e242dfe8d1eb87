package launchpad_test

import (
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/tracker/launchpad"
)

const samples = "launchpad/*.json"

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, launchpad.Parse, samples)
	c := all["launchpad/bug_task-1458945-barbican.json"]
	if len(c) != 1 || c[0].ID != "LP:1458945" || len(c[0].Entry.Statements) != 1 {
		t.Fatalf("%+v", c)
	}
	if s := c[0].Entry.Statements[0]; s.Decision != wontfix.DecisionFixed || s.Strength != wontfix.Soft || s.Source != "barbican" || s.Decided != "2015-06-24" {
		t.Errorf("%+v", s)
	}
}

func TestMapping(t *testing.T) { formattest.Mapping(t, launchpad.Parse, "launchpad") }

func TestTargets(t *testing.T) {
	text := `{"entries": [
 {"title": "Bug #1 in python2.7 (Ubuntu Trusty): \"CVE-2031-0001 and CVE-2031-0002\"", "status": "Won't Fix", "bug_target_name": "python2.7 (Ubuntu Trusty)"},
 {"title": "CVE-2031-0001", "status": "Triaged", "bug_target_name": "python2.7 (Ubuntu)"},
 {"title": "CVE-2031-0001", "status": "Hesitated", "bug_target_name": "cpython"},
 {"title": "none", "status": "New", "bug_target_name": "cpython"}]}`
	changes, err := formattest.Changes(t, launchpad.Parse, "x.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		for _, p := range c.Problems {
			got = append(got, p.Error())
		}
		if c.Entry == nil {
			continue
		}
		for _, s := range c.Entry.Statements {
			got = append(got, s.ID+" "+s.Source+" "+s.Release.String()+" "+s.Decision.String())
		}
	}
	want := "x.json:5: bug task: the title names no CVE, and there is no bug_link; CVE-2031-0001 python2.7 ubuntu/trusty wont-fix; CVE-2031-0001 python2.7 ubuntu affected-no-decision; CVE-2031-0001 cpython launchpad unknown; CVE-2031-0002 python2.7 ubuntu/trusty wont-fix"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, samples) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, launchpad.Parse, "x.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, launchpad.Parse, samples) }
