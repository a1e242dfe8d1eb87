package tracker_test

import (
	"bytes"
	"reflect"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/tracker"
)

func TestEncode(t *testing.T) {
	e := &wontfix.Entry{
		Tracker: "x", ID: "CVE-2014-9365", File: "feed/cve-2014-9365.json", Aliases: []string{"GHSA-1"}, Published: "2014-12-12",
		Notes: []wontfix.Note{{Author: "a", Text: "two\nlines <b>", Line: 3}}, Priority: wontfix.Priority{Word: "important", Line: 9},
		CVSS: []wontfix.CVSS{{Source: "nvd", Vector: "CVSS:3.1/AV:N"}},
		Statements: []wontfix.Statement{
			{ID: "CVE-2014-9365", File: "feed/cve-2014-9365.json", Line: 40, Pointer: "/a/0", Source: "python", Binary: true, Module: "python39:3.9",
				Release: wontfix.Release{Distribution: "rhel", Series: "9.0", Product: "eus"}, Label: "BaseOS-9.0.0.Z.EUS", Word: "fixed",
				Meaning: wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionPaid, Reasons: wontfix.PaidTierOnly | wontfix.NoReason,
					Strength: wontfix.Derived, Scope: wontfix.ScopePackage, Fixed: "0:1-2", Introduced: "1", Advisory: "A-1", Decided: "2015-01-08"}},
			{ID: "CVE-2014-9365", File: "another", Line: 1, Source: "python3", Meaning: wontfix.Meaning{Evidence: wontfix.EvidenceNote, EvidenceLine: 7}},
		},
	}
	text, err := tracker.Encode(e)
	testkit.Must(t, err)
	c := tracker.Decode(e.File, text)
	if len(c.Problems) > 0 || c.ID != e.ID || !reflect.DeepEqual(c.Entry, e) {
		t.Errorf("came back as %+v with %v\n%s", c.Entry, c.Problems, text)
	}
	if bytes.Count(text, []byte("\n")) != 3 {
		t.Errorf("want a line for the entry and one for each statement:\n%s", text)
	}
}

// FuzzDecode: what can be read is written and read again as the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":"CVE-2014-9365","file":"a"}` + "\n" + `{"source":"python","release":"debian/wheezy","line":3,"decision":"deferred"}` + "\n"))
	f.Add([]byte("{\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := tracker.Decode("file", text)
		if c.Entry == nil {
			if len(text) > 0 && len(c.Problems) == 0 {
				t.Fatal("neither an entry nor a problem")
			}
			return
		}
		again, err := tracker.Encode(c.Entry)
		testkit.Must(t, err)
		d := tracker.Decode("file", again)
		if len(d.Problems) > 0 || len(d.Entry.Statements) != len(c.Entry.Statements) {
			t.Fatalf("%q comes back as %+v, %v", again, d.Entry, d.Problems)
		}
		third, err := tracker.Encode(d.Entry)
		testkit.Must(t, err)
		if !bytes.Equal(again, third) {
			t.Fatalf("%q and then %q", again, third)
		}
	})
}
