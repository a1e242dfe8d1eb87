package match_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/lifecycle"
	"wontfix/match"
	"wontfix/tracker/ubuntu"
	"wontfix/version"
)

// randomWords are the status words with details that occur in the tracker.
var randomWords = []string{"needed", "needs-triage", "active", "deferred", "deferred (2020-01-02)", "pending", "pending (V)", "released", "released (V)",
	"not-affected", "not-affected (V)", "not-affected (code not present)", "DNE", "DNE (trusty was not-affected)", "DNE (trusty was needs-triage)",
	"ignored", "ignored (end of life)", "ignored (end of standard support, was needed)", "ignored (end of life, was not-affected)",
	"ignored (end of life, was released [V])", "ignored (superseded by linux-hwe)", "ignored (rejected)", "ignored (not a security issue)", "ignored (disputed)", "postponed"}

var randomVersions = []string{"1.0-1", "1.0-2", "1.0-2+esm1", "1.0-3", "1:0.9-1", "1.0-2.fips.1", "1.1~rc1-1", "1.0-2+esm3"}

// randomScenario makes a machine of some packages, and entries about them.
func randomScenario(t testing.TB, r *rand.Rand) *scenario {
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	sources := []string{"a", "b", "linux", "linux-hwe", "openssl"}
	series := pick([]string{"trusty", "xenial", "utopic", "focal", "jammy"})
	machine := "release ubuntu/" + series + "\n" + "now " + pick([]string{"2014-12-01", "2018-01-01", "2020-01-01", "2024-12-01"}) + "\n"
	if r.IntN(2) == 0 {
		machine += "tracker " + pick([]string{"2014-11-01", "2019-01-01", "2024-11-01"}) + "\n"
	}
	if r.IntN(2) == 0 {
		machine += "products " + strings.Join(ubuntu.Products()[:r.IntN(6)+1], " ") + "\n"
	}
	for range 1 + r.IntN(6) {
		v, source := pick(randomVersions), pick(sources)
		own := source
		if strings.HasPrefix(source, "linux") && r.IntN(2) == 0 {
			own = strings.Replace(source, "linux", "linux-signed", 1)
		}
		machine += fmt.Sprintf("package lib%s %s %s %s%s\n", source, v, own, v,
			pick([]string{"", "", " held", " offer=1.0-4@Ubuntu/x-updates/main", " offer=9@LP-PPA-ann/x/main", " from=LP-PPA-ann/x/main"}))
	}
	labels := append(ubuntu.Labels(series), "trusty", "vivid", "xenial", "upstream", "focal")
	var statements []wontfix.Statement
	for i := range 1 + r.IntN(5) {
		var text strings.Builder
		text.WriteString("Assigned-to: ann\n")
		if r.IntN(10) == 0 {
			text.WriteString("Description:\n ** REJECT ** Do not use.\n")
		}
		for _, source := range sources {
			for _, label := range labels {
				if r.IntN(4) == 0 {
					fmt.Fprintf(&text, "%s_%s: %s\n", label, source, strings.Replace(pick(randomWords), "V", pick(randomVersions), 1))
				}
			}
		}
		entry, _ := ubuntu.Parse(fmt.Sprintf("active/CVE-2020-%04d", i), []byte(text.String()))
		statements = append(statements, entry.Statements...)
	}
	return newScenario(t, machine, statements)
}

// TestProperties holds what must be true of every machine and every tracker.
func TestProperties(t *testing.T) {
	kinds := make(map[string]int)
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := randomScenario(t, r)
		findings, dismissed := s.match()
		for i := range findings {
			checkFinding(t, &findings[i])
			kinds[findings[i].Outlook.String()]++
		}
		for _, d := range dismissed {
			if d.Because == "" || d.Says.Line == 0 || !slices.Contains([]string{match.KindFixed, match.KindNotAffected, match.KindWithdrawn}, d.Kind) {
				t.Errorf("a dismissal does not say why: %+v", d)
			}
			kinds[d.Kind]++
		}
		checkNoneIsLost(t, s, findings, dismissed)

		shuffled := *s
		shuffled.statements = slices.Clone(s.statements)
		r.Shuffle(len(shuffled.statements), func(i, j int) {
			shuffled.statements[i], shuffled.statements[j] = shuffled.statements[j], shuffled.statements[i]
		})
		if f, d := shuffled.match(); !reflect.DeepEqual(f, findings) || !reflect.DeepEqual(d, dismissed) {
			t.Errorf("seed %d: another order of the statements gives\n%sinstead of\n%s", seed, describe(f, d), describe(findings, dismissed))
		}
		again := slices.Clone(findings)
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		match.SortFindings(again)
		if !reflect.DeepEqual(again, findings) {
			t.Errorf("seed %d: the order of the findings depends on how they came", seed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, kind := range append(wontfix.Outlooks(), match.KindFixed, match.KindNotAffected, match.KindWithdrawn) {
		if kinds[kind] == 0 {
			t.Errorf("no case came to %s: %v", kind, kinds)
		}
	}
}

func checkFinding(t *testing.T, f *wontfix.Finding) {
	t.Helper()
	switch {
	case f.Status != wontfix.Affected && f.Status != wontfix.UnderInvestigation:
		t.Errorf("a finding has the status %s: %s", f.Status, line(f))
	case f.Because == "" || f.Tracker.Line == 0 || len(f.Binaries) == 0:
		t.Errorf("a finding does not say why or of what: %+v", f)
	case f.Outlook == wontfix.Available && f.Offer == nil && version.Dpkg(f.SourceVersion, f.FixedVersion) >= 0:
		t.Errorf("an available fix is not above what is installed: %s", line(f))
	case f.Outlook == wontfix.Paid && (f.Product == "" || f.FixedVersion == ""):
		t.Errorf("nothing to pay for: %s", line(f))
	case f.Outlook == wontfix.Never && f.Decision != wontfix.DecisionWontFix && f.Decision != wontfix.DecisionEndOfLife:
		t.Errorf("never, and nobody decided so: %s", line(f))
	}
}

// place is a row and the source version that it was compared with.
type place struct {
	file    string
	line    int
	version string
}

// checkNoneIsLost wants every row of the machine's own series and sources whose
// word says open in a finding or a dismissal. Builds of FIPS are left out:
// where their own rows speak the series' rows do not count.
func checkNoneIsLost(t *testing.T, s *scenario, findings []wontfix.Finding, dismissed []wontfix.Dismissal) {
	t.Helper()
	told := make(map[place]bool)
	for _, f := range findings {
		for _, r := range append(f.Others, f.Tracker) {
			told[place{r.File, r.Line, f.SourceVersion}] = true
		}
	}
	for _, d := range dismissed {
		told[place{d.Tracker.File, d.Tracker.Line, d.SourceVersion}] = true
	}
	for _, p := range s.machine.Packages {
		source := strings.Replace(p.Source, "linux-signed", "linux", 1)
		for _, st := range s.statements {
			if st.Source != source || st.Release != s.machine.Base || strings.Contains(p.SourceVersion, "fips") {
				continue
			}
			open := false
			switch st.Word {
			case "needed", "needs-triage", "active", "deferred", "pending", "ignored", "postponed":
				open = true
			case "released":
				open = st.Fixed == "" || version.Dpkg(p.SourceVersion, st.Fixed) < 0
			}
			if open && !told[place{st.File, st.Line, p.SourceVersion}] {
				t.Errorf("%s:%d: %s %s (%s) is open for %s %s, and neither a finding nor dismissed\n%s",
					st.File, st.Line, st.Label, st.Word, st.Detail, p.Source, p.SourceVersion, describe(findings, dismissed))
			}
		}
	}
}

// TestCompareIDs wants an order in which no three IDs go in a circle.
func TestCompareIDs(t *testing.T) {
	sorted := []string{"", "CVE-9-1", "CVE-10", "CVE-10-1", "CVE-2014-1", "CVE-2014-9365", "CVE-2014-10001", "CVE-2015-1", "EMB-2014-1", "UEM-1"}
	for i, a := range sorted {
		for j, b := range sorted {
			got, want := match.CompareIDs(a, b), 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got != want {
				t.Errorf("CompareIDs(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

// TestNeighbours asks the table of releases.
func TestNeighbours(t *testing.T) {
	for _, tt := range []struct{ series, now, want string }{
		{"utopic", "2015-07-23", "[]"},
		{"utopic", "2015-07-24", "[trusty vivid]"},
		{"warty", "2020-01-01", "[]"},
		{"nobody", "2020-01-01", "[]"},
	} {
		m := &wontfix.Machine{Base: wontfix.Release{Distribution: "ubuntu", Series: tt.series}}
		if r, ok := lifecycle.Embedded().Lookup("ubuntu", tt.series); ok {
			m.Support = r.Support()
		}
		if got := fmt.Sprint(match.Neighbours(m, day(t, tt.now))); got != tt.want {
			t.Errorf("Neighbours(%s, %s) = %s, want %s", tt.series, tt.now, got, tt.want)
		}
	}
}

// BenchmarkMatch has the size of a common machine: 700 packages, 5,000
// statements.
func BenchmarkMatch(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var machine strings.Builder
	machine.WriteString("release ubuntu/focal\nproducts esm-infra\nnow 2024-01-01\n")
	for i := range 700 {
		fmt.Fprintf(&machine, "package p%d 1.0-2 s%d 1.0-2\n", i, i/2)
	}
	var statements []wontfix.Statement
	for i := 0; len(statements) < 5000; i++ {
		var text strings.Builder
		text.WriteString("Assigned-to: ann\n")
		for _, label := range []string{"focal", "esm-infra/focal", "devel"} {
			fmt.Fprintf(&text, "%s_s%d: %s\n", label, r.IntN(350), strings.Replace(randomWords[r.IntN(len(randomWords))], "V", randomVersions[r.IntN(len(randomVersions))], 1))
		}
		entry, _ := ubuntu.Parse(fmt.Sprintf("active/CVE-2020-%04d", i), []byte(text.String()))
		statements = append(statements, entry.Statements...)
	}
	s := newScenario(b, machine.String(), statements)
	if len(s.statements) < 5000 {
		b.Fatalf("%d statements", len(s.statements))
	}
	b.ReportAllocs()
	for b.Loop() {
		if findings, _ := s.match(); len(findings) == 0 {
			b.Fatal("no findings")
		}
	}
	b.ReportMetric(float64(b.N*len(s.statements))/b.Elapsed().Seconds(), "statements/s")
}
