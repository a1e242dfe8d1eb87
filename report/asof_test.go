package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"wontfix"
)

// TestAsOf checks that ages are counted from the time that an answer is of.
func TestAsOf(t *testing.T) {
	then := time.Date(2015, 12, 26, 23, 59, 59, 0, time.UTC)
	tracker := wontfix.Tracker{Name: "t", Title: "Tracker", Revision: "3e4b9608005c", Time: then.AddDate(0, 0, -2), Synced: then.AddDate(10, 0, 0)}
	scan := &wontfix.Scan{Time: then.AddDate(10, 0, 0), AsOf: then, Trackers: []wontfix.Tracker{tracker},
		Machine: &wontfix.Machine{Support: wontfix.Support{Standard: wontfix.NewDate("2015-07-23")}}}
	dossier := &wontfix.Dossier{ID: "CVE-2015-1", Tracker: tracker, AsOf: then}
	for _, format := range []string{"text", "markdown"} {
		var a, b bytes.Buffer
		if err := WriteScan(&a, format, scan, Options{}); err != nil {
			t.Fatal(err)
		}
		if err := WriteDossiers(&b, format, []*wontfix.Dossier{dossier}, Options{}); err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{a.String(), b.String()} {
			if !strings.Contains(out, "2015-12-26") || !strings.Contains(out, "2 days old") || strings.Contains(out, "years") {
				t.Errorf("%s: want 2015-12-26, 2 days old and no years:\n%s", format, out)
			}
		}
	}
}
