package report

import (
	"bytes"
	"strings"
	"testing"

	"wontfix"
)

// TestVersionAsWord has a tracker whose word for the status is the version with
// the fix, and that gives no priority.
func TestVersionAsWord(t *testing.T) {
	for _, tt := range []struct {
		row   wontfix.Row
		fixed string
		want  string
	}{
		{wontfix.Row{Release: "bullseye", Status: "1.0-2"}, "1.0-2", "fixed in 1.0-2"},
		{wontfix.Row{Release: "sid", Status: "2.0-1", Detail: "bug #1"}, "", "fixed in 2.0-1 (bug #1)"},
		{wontfix.Row{Release: "bullseye", Status: "pending"}, "1.0-2", "pending, fixed in 1.0-2"},
		{wontfix.Row{Release: "bullseye", Status: "<no-dsa>", Detail: "Minor issue"}, "", "<no-dsa> (Minor issue)"},
	} {
		f := wontfix.Finding{ID: "CVE-2023-0001", Source: "a", Tracker: tt.row, FixedVersion: tt.fixed}
		s := &wontfix.Scan{Trackers: []wontfix.Tracker{{Name: "debian", Title: "Debian Security Tracker"}}, Machine: &wontfix.Machine{Base: wontfix.Release{Distribution: "debian", Series: "bullseye"}},
			Findings: []wontfix.Finding{f},
			Summary:  wontfix.Summary{Findings: 1, ByPriority: map[string]int{"": 1}}}
		for _, format := range []string{"text", "markdown"} {
			var b bytes.Buffer
			if err := WriteScan(&b, format, s, Options{Width: 120}); err != nil {
				t.Fatal(err)
			}
			got := strings.NewReplacer(nbsp, " ", `\<`, "<", `\>`, ">", "&lt;", "<", "&gt;", ">", `\#`, "#").Replace(b.String())
			if !strings.Contains(got, tt.want) || strings.Count(got, "fixed in") > 1 {
				t.Errorf("%s of %+v: want %q in it once:\n%s", format, tt.row, tt.want, got)
			}
			if format == "text" && !strings.Contains(got, "none 1") {
				t.Errorf("the priority that is not given is not counted:\n%s", got)
			}
		}
	}
}
