package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wontfix"
	"wontfix/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestThatDay is the question that all this began with: what should somebody
// with all updates installed have been told on 2015-12-26? The golden file has
// what was said of each finding, who decided it and when.
func TestThatDay(t *testing.T) {
	home := filepath.Dir(database(t)) // where the state of that day is kept
	root := testkit.Corpus(t, "hosts/utopic")
	out, _, err := wontfixIn(home, "scan", "--root", root, "--db", database(t), "--offline", "-f", "json", "--as-of", "2015-12-26")
	testkit.Must(t, err)
	scan := readScan(t, out)
	if want := "3e4b9608005cf48b2ab894c1e4dc7b962188b6ea"; len(scan.Trackers) != 1 || scan.Trackers[0].Revision != want {
		t.Fatalf("trackers are %+v, want one at %s", scan.Trackers, want)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# as of %s, %d findings, %d dismissed\n", scan.AsOf.Format(time.RFC3339), len(scan.Findings), len(scan.Dismissed))
	b.WriteString("# id, source, version, outlook, row, word, reasons, fixed, class, evidence, confidence, decided, by, commit\n")
	seed := false
	for i := range scan.Findings {
		f := &scan.Findings[i]
		cells := []string{f.ID, f.Source, f.SourceVersion, f.Outlook.String(), fmt.Sprintf("%s:%d", f.Tracker.File, f.Tracker.Line), f.Tracker.Status, strings.Join(f.Reasons, ","), f.FixedVersion}
		if o := f.Origin; o != nil && o.Decided != nil {
			cells = append(cells, o.Class.String(), o.Evidence.String(), o.Confidence.String(), o.Decided.Time.Format(time.DateOnly), o.Decided.Author, o.Decided.Commit[:12])
		}
		b.WriteString(strings.Join(cells, "\t") + "\n")
		if f.ID == "CVE-2014-9365" && f.Source == "python2.7" {
			seed = f.Outlook == wontfix.Never && strings.Join(f.Reasons, " ") == "too-intrusive" && f.Origin != nil &&
				f.Origin.Decided.Author == "Marc Deslauriers" && f.Origin.Decided.Time.Format(time.DateOnly) == "2015-01-08"
		}
	}
	if !seed {
		t.Error("CVE-2014-9365 in python2.7 is not said to have been refused by Marc Deslauriers on 2015-01-08 as too intrusive")
	}
	golden := "testdata/utopic-2015-12-26.tsv"
	if *update {
		testkit.Must(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	testkit.Must(t, err)
	got := strings.Split(b.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("line %d differs from %s (go test -run ThatDay -update writes it anew)\nwant %s\ngot  %s", i+1, golden, line, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""))
		}
	}
}
