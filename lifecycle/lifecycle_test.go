package lifecycle

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

var update = flag.Bool("update", false, "write releases.csv from the distro-info tables of this machine")

// distroInfo returns a table of this machine's distro-info-data.
func distroInfo(t *testing.T, distribution string) []byte {
	t.Helper()
	data, err := os.ReadFile("/usr/share/distro-info/" + distribution + ".csv")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("the package distro-info-data is not installed: %v", err)
	}
	return data
}

// TestGenerated makes releases.csv anew from the machine's tables and, where
// the machine has the same version of them, compares. With -update it writes.
func TestGenerated(t *testing.T) {
	version, err := exec.Command("dpkg-query", "-W", "-f=${Version}", "distro-info-data").Output()
	if err != nil {
		t.Skipf("dpkg-query does not know distro-info-data: %v", err)
	}
	source := "distro-info-data " + string(version)
	var releases []Release
	for _, d := range []string{"debian", "ubuntu"} {
		table, problems := Parse(d, distroInfo(t, d))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, r := range table.Releases(d) {
			r.From = source
			releases = append(releases, r)
		}
	}
	if *update {
		text := newTable(releases, nil, changelogDate(t)).Text("made by go generate from " + source)
		if err := os.WriteFile("releases.csv", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !strings.Contains(releasesCSV, source+";") {
		t.Skipf("releases.csv is of another version than %s", source)
	}
	if got := newTable(releases, nil, Embedded().Data()).Text("made by go generate from " + source); got != releasesCSV {
		t.Errorf("releases.csv differs from what %s says; run go generate", source)
	}
}

// changelogDate returns the day of the last change of distro-info-data.
func changelogDate(t *testing.T) wontfix.Date {
	t.Helper()
	files, _ := filepath.Glob("/usr/share/doc/distro-info-data/changelog*.gz")
	if len(files) == 0 {
		t.Fatal("distro-info-data has no changelog here: cannot date the data")
	}
	out, err := exec.Command("dpkg-parsechangelog", "-S", "Timestamp", "-l", files[0]).Output()
	if err == nil {
		out, err = exec.Command("date", "-u", "-d", "@"+strings.TrimSpace(string(out)), "+%F").Output()
	}
	if err != nil {
		// Without dpkg-dev: the first trailer line of the changelog.
		out, err = exec.Command("sh", "-c", `date -u +%F -d "$(zcat "$1" | sed -n 's/^ -- .*>  //p' | head -1)"`, "sh", files[0]).Output()
	}
	if err != nil {
		t.Fatal(err)
	}
	d := wontfix.NewDate(strings.TrimSpace(string(out)))
	if d.IsZero() {
		t.Fatalf("date of %s: %q", files[0], out)
	}
	return d
}

func TestCorrections(t *testing.T) {
	corrections, err := parseCorrections(correctionsCSV)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range corrections {
		r, ok := Embedded().Lookup(c.distribution, c.series)
		if !ok || !r.cell(c.column).Equal(c.is.Time) || !strings.Contains(r.From, c.source) {
			t.Errorf("%s %s: %+v, want %s %s", c.distribution, c.series, r, c.column, c.is)
		}
		// The announcement counts years from the release.
		if want := r.Released.AddDate(15, 0, 0); c.column == "legacy" && !want.Equal(c.is.Time) {
			t.Errorf("%s: legacy ends %s, 15 years after release are %s", c.series, c.is, want)
		}
	}
	for _, bad := range []string{"", "distribution\n", correctionsHeader + "\nubuntu,trusty,eol,,2029-04-17,x", correctionsHeader + "\nubuntu,trusty\n", correctionsHeader + "\nubuntu,trusty,legacy,,x,y\n"} {
		if _, err := parseCorrections(bad); err == nil {
			t.Errorf("parseCorrections(%q): no error", bad)
		}
	}
}

func TestEmbedded(t *testing.T) {
	table := Embedded()
	for _, test := range []struct{ distribution, series, version, released, standard, extended, legacy string }{
		{"ubuntu", "trusty", "14.04 LTS", "2014-04-17", "2019-04-25", "2024-04-25", "2029-04-17"},
		{"ubuntu", "lucid", "10.04 LTS", "2010-04-29", "2015-04-30", "", ""}, // the server's end is the later one
		{"ubuntu", "utopic", "14.10", "2014-10-23", "2015-07-23", "", ""},
		{"debian", "wheezy", "7", "2013-05-04", "2016-04-25", "2018-05-31", "2020-06-30"},
		{"debian", "sid", "", "", "", "", ""},
	} {
		r, ok := table.Lookup(test.distribution, test.series)
		got := []string{r.Version, r.Released.String(), r.Standard.String(), r.Extended.String(), r.Legacy.String()}
		want := []string{test.version, test.released, test.standard, test.extended, test.legacy}
		if !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", test.series, got, want)
		}
	}
	if got := table.Data(); got.Before(wontfix.NewDate("2025-10-18").Time) {
		t.Errorf("Data() = %s", got)
	}
	if got := table.Distributions(); !slices.Equal(got, []string{"debian", "ubuntu"}) {
		t.Errorf("Distributions() = %q", got)
	}
	r, _ := table.Lookup("ubuntu", "trusty")
	s := r.Support()
	if s.Version != "14.04 LTS" || s.Codename != "Trusty Tahr" || s.Legacy != r.Legacy || s.Standard != r.Standard || s.Extended != r.Extended || s.Released != r.Released || s.From != r.From || s.From == "" {
		t.Errorf("Support() = %+v", s)
	}
}

func TestByVersion(t *testing.T) {
	for _, test := range []struct{ distribution, version, series string }{
		{"ubuntu", "14.04", "trusty"},
		{"ubuntu", "14.04 LTS", "trusty"},
		{"ubuntu", "14.04.5", "trusty"},
		{"ubuntu", "5.10", "breezy"},
		{"ubuntu", "14", ""},
		{"debian", "8.11", "jessie"},
		{"debian", "6.0.10", "squeeze"},
		{"debian", "11", "bullseye"},
		{"debian", "", ""},
		{"debian", "...", ""},
		{"plan9", "4", ""},
	} {
		r, ok := Embedded().ByVersion(test.distribution, test.version)
		if r.Series != test.series || ok != (test.series != "") {
			t.Errorf("ByVersion(%s, %q) = %q, %v, want %q", test.distribution, test.version, r.Series, ok, test.series)
		}
	}
}

func TestOrder(t *testing.T) {
	table := Embedded()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"trusty", "utopic", true},
		{"utopic", "trusty", false},
		{"trusty", "trusty", false},
		{"warty", "noble", true},
		{"trusty", "gaudy", false},
		{"gaudy", "trusty", false},
	} {
		if got := table.Older("ubuntu", test.a, test.b); got != test.want {
			t.Errorf("Older(%s, %s) = %v", test.a, test.b, got)
		}
	}
	if table.Older("debian", "trixie", "sid") || table.Older("debian", "sid", "trixie") {
		t.Error("sid has a place in the order of releases")
	}
	for _, test := range []struct{ distribution, series, want string }{
		{"ubuntu", "trusty", "utopic"}, {"debian", "wheezy", "jessie"}, {"debian", "duke", ""}, {"debian", "sid", ""}, {"ubuntu", "gaudy", ""},
	} {
		if got, ok := table.Next(test.distribution, test.series); got != test.want || ok != (test.want != "") {
			t.Errorf("Next(%s) = %q, %v, want %q", test.series, got, ok, test.want)
		}
	}
}

// TestMachine finds every line of the machine's own tables in the embedded
// ones joined with them.
func TestMachine(t *testing.T) {
	for _, d := range []string{"debian", "ubuntu"} {
		own, problems := Parse(d, distroInfo(t, d))
		if len(problems) > 0 || len(own.Releases(d)) < 20 {
			t.Fatalf("%s: %d releases, %v", d, len(own.Releases(d)), problems)
		}
		table := Embedded().With(own)
		for _, r := range own.Releases(d) {
			got, ok := table.Lookup(d, r.Series)
			if !ok || got.Version != r.Version || got.Released.Before(r.Released.Time) {
				t.Errorf("%s %s: %+v, want %+v", d, r.Series, got, r)
			}
		}
	}
}

// TestOldMachine reads the tables of a machine of 2022: the embedded ones are
// newer and stay.
func TestOldMachine(t *testing.T) {
	table := Embedded()
	for _, d := range []string{"debian", "ubuntu"} {
		data, err := os.ReadFile(testkit.Corpus(t, "hosts/focal/usr/share/distro-info/"+d+".csv"))
		testkit.Must(t, err)
		old, problems := Parse(d, data)
		if len(problems) > 0 || len(old.Releases(d)) < 15 {
			t.Fatalf("%s: %d releases, %v", d, len(old.Releases(d)), problems)
		}
		if got := table.With(old); !slices.Equal(got.Releases(d), table.Releases(d)) {
			t.Errorf("%s: an older table has won", d)
		}
		// And the other way round the embedded one wins.
		if got := old.With(table); len(got.Releases(d)) != len(table.Releases(d)) {
			t.Errorf("%s: a newer table has lost", d)
		}
	}
}

const small = "version,codename,series,created,release,eol,eol-server,eol-esm\n" +
	"14.04 LTS,Trusty Tahr,trusty,2013-10-17,2014-04-17,2019-04-25,2019-04-25,2024-04-25\n" +
	"14.10,Utopic Unicorn,utopic,2014-04-17,2014-10-23,2015-07-23\n"

func TestWith(t *testing.T) {
	parse := func(text string) *Table {
		table, problems := Parse("ubuntu", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return table
	}
	ours := parse(small)
	ours.corrections = []correction{{"ubuntu", "trusty", "legacy", wontfix.NewDate("2026-04-28"), wontfix.NewDate("2029-04-17"), "an announcement"}}
	for _, test := range []struct {
		name, text         string
		eol, legacy, newer string
	}{
		{"a new series", small + "15.04,Vivid Vervet,vivid,2014-10-23,2015-04-23,2016-02-04\n", "2015-07-23", "2029-04-17", "vivid"},
		{"fewer series", "version,codename,series,created,release,eol\n14.10,Utopic Unicorn,utopic,2014-04-17,2014-10-23,2019-07-23\n", "2015-07-23", "", ""},
		{"a later end", strings.Replace(small, "2015-07-23", "2015-08-01", 1), "2015-08-01", "2029-04-17", ""},
		{"an earlier end", strings.Replace(small, "2015-07-23", "2015-07-01", 1), "2015-07-23", "", ""},
		{"a new column", strings.Replace(strings.Replace(small, "eol-esm", "eol-esm,eol-legacy", 1), "2024-04-25", "2024-04-25,2026-04-28", 1), "2015-07-23", "2029-04-17", ""},
		{"a new column that knows better", strings.Replace(strings.Replace(small, "eol-esm", "eol-esm,eol-legacy", 1), "2024-04-25", "2024-04-25,2034-04-17", 1), "2015-07-23", "2034-04-17", ""},
		{"no esm column", strings.ReplaceAll(strings.Replace(small, ",eol-esm", "", 1), ",2024-04-25", ""), "2015-07-23", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ours.With(parse(test.text))
			utopic, _ := got.Lookup("ubuntu", "utopic")
			trusty, _ := got.Lookup("ubuntu", "trusty")
			if utopic.Standard.String() != test.eol {
				t.Errorf("utopic ends %s, want %s", utopic.Standard, test.eol)
			}
			if test.legacy != "" && trusty.Legacy.String() != test.legacy {
				t.Errorf("trusty's legacy ends %s, want %s", trusty.Legacy, test.legacy)
			}
			if trusty.Extended.String() != "2024-04-25" {
				t.Errorf("trusty's ESM ends %s", trusty.Extended)
			}
			if next, _ := got.Next("ubuntu", "utopic"); next != test.newer {
				t.Errorf("after utopic comes %q, want %q", next, test.newer)
			}
		})
	}
	if got := ours.With(nil); got != ours {
		t.Error("With(nil) is another table")
	}
	if got, _ := Embedded().With(parse(small)).Lookup("debian", "wheezy"); got.Series != "wheezy" {
		t.Error("a table of Ubuntu has taken Debian away")
	}
}

func TestParseProblems(t *testing.T) {
	text := "version,codename,series,created,release,eol\r\n" +
		"1,One,one,2001-01-01,2001-13-01,2002-01-01\r\n" +
		"2,Two\n" +
		"# a comment\n\n" +
		"1,One again,one,2001-01-01\n" +
		"3,Th\x1b[31mree,three,2003-01-01\n" +
		"4,Four,four\n"
	table, problems := Parse("debian", []byte(text))
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	want := []string{
		`debian.csv:2: release: "2001-13-01" is not a date; want YYYY-MM-DD`,
		`debian.csv:3: line: no series`,
		`debian.csv:6: series one: a second line; the first one counts`,
		`debian.csv:7: line: too long, or with control characters`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if rs := table.Releases("debian"); len(rs) != 2 || rs[0].Series != "four" || rs[1].Standard.String() != "2002-01-01" {
		t.Errorf("releases: %+v", rs)
	}
	for _, bad := range []string{"", "<html>", strings.Repeat("x", maxSize+1)} {
		if table, problems := Parse("debian", []byte(bad)); len(problems) != 1 || len(table.Releases("debian")) != 0 {
			t.Errorf("Parse of %.10q: %v", bad, problems)
		}
	}
}

// FuzzParse: whatever the table is, each series of it is found once, the order
// is total, and writing and reading the result gives the same releases.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("version,codename,series,created,release,eol,eol-lts,eol-elts\n7,Wheezy,wheezy,2011-02-06,2013-05-04,2016-04-25,2018-05-31,2020-06-30\n,Sid,sid,1993-08-16\n"))
	f.Add([]byte("series,created\na,2001-01-01\na,2002-01-01\nb\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, _ := Parse("ubuntu", data)
		rs := table.Releases("ubuntu")
		for i, r := range rs {
			if got, ok := table.Lookup("ubuntu", r.Series); !ok || got != r {
				t.Fatalf("Lookup(%q) = %+v, want %+v", r.Series, got, r)
			}
			if i > 0 && (compare(rs[i-1], r) >= 0 || table.Older("ubuntu", r.Series, rs[i-1].Series)) {
				t.Fatalf("%+v is not before %+v", rs[i-1], r)
			}
		}
		if table.With(table) == nil || !slices.Equal(table.With(table).Releases("ubuntu"), rs) {
			t.Fatal("a table joined with itself differs")
		}
		if len(rs) == 0 {
			return
		}
		day := wontfix.NewDate("2025-10-18")
		got, err := ReadTable(newTable(rs, nil, day).Text("test"))
		if err != nil || got.Data() != day || !slices.Equal(got.Releases("ubuntu"), rs) {
			t.Fatalf("round trip: %v\n%+v\nwant\n%+v", err, got, rs)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data := []byte(small)
	var n int
	for b.Loop() {
		table, _ := Parse("ubuntu", data)
		n += len(table.releases["ubuntu"])
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "releases/s")
}
