package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/report"
)

// corpusDB is the database of the corpus tracker, made once for all tests.
var corpusDB struct {
	once sync.Once
	dir  string
	err  error
}

// database returns the path of the corpus tracker's database, made by a sync.
func database(t testing.TB) string {
	t.Helper()
	source := testkit.Corpus(t, testkit.Tracker)
	corpusDB.once.Do(func() {
		corpusDB.dir, corpusDB.err = os.MkdirTemp("", "wontfix-corpus-")
		if corpusDB.err == nil {
			_, _, corpusDB.err = wontfixIn(corpusDB.dir, "sync", "ubuntu="+source, "--db", filepath.Join(corpusDB.dir, "db"))
		}
	})
	if corpusDB.err != nil {
		t.Fatal(corpusDB.err)
	}
	return filepath.Join(corpusDB.dir, "db")
}

// wontfixIn runs a command line in this process, with home as HOME, on a day
// that does not change.
func wontfixIn(home string, args ...string) (stdout, stderr string, err error) {
	var out, diag bytes.Buffer
	e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: &diag, getenv: func(name string) string {
		if name == "HOME" {
			return home
		}
		return ""
	}, now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }}
	if code := run(context.Background(), e, args); code != exitOK {
		err = fmt.Errorf("wontfix %s: exit status %d\n%s", strings.Join(args, " "), code, diag.String())
	}
	return out.String(), diag.String(), err
}

func scanHost(t testing.TB, host string, args ...string) *wontfix.Scan {
	t.Helper()
	root := testkit.Corpus(t, "hosts/"+host)
	out, _, err := wontfixIn(t.TempDir(), append([]string{"scan", "--root", root, "--db", database(t), "--offline", "-f", "json"}, args...)...)
	testkit.Must(t, err)
	return readScan(t, out)
}

func readScan(t testing.TB, text string) *wontfix.Scan {
	t.Helper()
	scan, err := report.ReadScan(strings.NewReader(text))
	testkit.Must(t, err)
	return scan
}

// A claim is one source package version with one vulnerability.
type claim struct{ id, source, version string }

// TestScanIsComplete holds the scans of the corpus hosts against a computation
// that shares no code with them: it reads the status lines with a pattern and
// asks dpkg to compare versions. Each open row must be a finding or dismissed,
// and each finding beyond the open rows must be one of the kinds that need no
// open word.
func TestScanIsComplete(t *testing.T) {
	dpkg := testkit.Program(t, "dpkg")
	tree := trackerTree(t)
	for _, host := range []string{"utopic", "trusty", "focal"} {
		t.Run(host, func(t *testing.T) {
			scan := scanHost(t, host)
			open := openRows(t, dpkg, tree, host, sourcesOf(t, testkit.Corpus(t, "hosts/"+host+"/var/lib/dpkg/status")))
			told := make(map[claim]bool)
			further := make(map[string]int)
			for _, f := range scan.Findings {
				c := claim{f.ID, f.Source, f.SourceVersion}
				told[c] = true
				switch {
				case open[c]:
				case f.Tracker.Status == "not-affected" && f.FixedVersion != "" && lower(t, dpkg, f.SourceVersion, f.FixedVersion):
					further["not-affected in a higher version"]++
				case f.Tracker.Release == "devel":
					further["row of the series under development"]++
				case strings.Contains(f.Because, "the entry has no row for "+host) && len(f.Others) > 0 && lower(t, dpkg, f.SourceVersion, f.FixedVersion):
					further["between two series that tell"]++
				case f.Tracker.Release != host && (f.Outlook == wontfix.Paid || strings.Contains(f.Because, "for subscribers of")):
					further["fixed in a product only"]++
				case f.Tracker.Status == "released" && f.Tracker.Detail == "":
					further["released in an unknown version"]++
				default:
					t.Errorf("finding without an open row: %+v", f)
				}
			}
			findings := len(told)
			for _, d := range scan.Dismissed {
				c := claim{d.ID, d.Source, d.SourceVersion}
				if !open[c] && d.Tracker.Release != "devel" {
					t.Errorf("dismissed, and not open: %+v", d)
				}
				if told[c] {
					t.Errorf("%v is a finding and dismissed", c)
				}
				if d.Because == "" || d.Says.File == "" || d.Says.Line == 0 {
					t.Errorf("dismissed without the line that says so: %+v", d)
				}
				told[c] = true
			}
			for c := range open {
				if !told[c] {
					t.Errorf("open row that is neither finding nor dismissed: %v", c)
				}
			}
			t.Logf("%d open rows, %d findings, %d dismissed; beyond the open rows: %v", len(open), findings, len(scan.Dismissed), further)
		})
	}
}

// sourcesOf reads the source versions of a status file, in the plainest way.
func sourcesOf(t *testing.T, file string) map[string][]string {
	text, err := os.ReadFile(file)
	testkit.Must(t, err)
	sources := make(map[string][]string)
	for stanza := range strings.SplitSeq(string(text), "\n\n") {
		field := func(name string) string {
			m := regexp.MustCompile(`(?m)^` + name + `: *(.*)$`).FindStringSubmatch(stanza)
			if m == nil {
				return ""
			}
			return m[1]
		}
		if s := field("Status"); s == "" || strings.HasSuffix(s, "config-files") || strings.HasSuffix(s, "not-installed") {
			continue
		}
		source, version := field("Package"), field("Version")
		if s := field("Source"); s != "" {
			source, _, _ = strings.Cut(s, " ")
			if m := regexp.MustCompile(`\((.*)\)`).FindStringSubmatch(s); m != nil {
				version = m[1]
			}
		}
		if !slices.Contains(sources[source], version) {
			sources[source] = append(sources[source], version)
		}
	}
	return sources
}

// openRows finds the rows of a series whose own word says open.
func openRows(t *testing.T, dpkg string, tree map[string][]byte, series string, sources map[string][]string) map[claim]bool {
	row := regexp.MustCompile(`(?m)^` + series + `_(\S+?) *: *(\S*) *\(?(.*?)\)?\s*$`)
	open := make(map[claim]bool)
	for file, text := range tree {
		if !strings.HasPrefix(path.Base(file), "CVE-") {
			continue // a template
		}
		for _, m := range row.FindAllSubmatch(text, -1) {
			source, word, detail := string(m[1]), string(m[2]), strings.TrimSpace(string(m[3]))
			for _, v := range sources[source] {
				switch word {
				case "needed", "needs-triage", "deferred", "pending", "ignored", "active", "":
					open[claim{path.Base(file), source, v}] = true
				case "released":
					if detail != "" && lower(t, dpkg, v, detail) {
						open[claim{path.Base(file), source, v}] = true
					}
				}
			}
		}
	}
	return open
}

var compared sync.Map

// lower asks dpkg whether a < b.
func lower(t *testing.T, dpkg, a, b string) bool {
	key := [2]string{a, b}
	if v, ok := compared.Load(key); ok {
		return v.(bool)
	}
	err := exec.Command(dpkg, "--compare-versions", "--", a, "lt", b).Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		err = exec.Command(dpkg, "--compare-versions", a, "lt", b).Run()
	}
	compared.Store(key, err == nil)
	return err == nil
}

// trackerTree returns the files at the tip of the corpus tracker.
func trackerTree(t testing.TB) map[string][]byte {
	return testkit.Tree(t, testkit.Corpus(t, testkit.Tracker), "active", "ignored", "retired")
}

// TestDump compares the database with the rows of the tracker's own loader.
func TestDump(t *testing.T) {
	out, _, err := wontfixIn(t.TempDir(), "db", "dump", "--statements", "--db", database(t))
	testkit.Must(t, err)
	f, err := os.Open(testkit.Corpus(t, "ubuntu-cve-tracker/rows-2020-04-07.ndjson.gz"))
	testkit.Must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	testkit.Must(t, err)
	want := make(map[dumpRow]bool)
	dec := json.NewDecoder(z)
	for dec.More() {
		var r dumpRow
		testkit.Must(t, dec.Decode(&r))
		want[r] = true
	}
	n, extra := 0, 0
	var last dumpRow
	for line := range strings.Lines(out) {
		var r dumpRow
		testkit.Must(t, json.Unmarshal([]byte(line), &r))
		if !want[r] {
			if extra++; extra <= 5 {
				t.Errorf("row that the reference has not: %s", line)
			}
		}
		if r.CVE < last.CVE || r.CVE == last.CVE && (r.Package < last.Package || r.Package == last.Package && r.Release <= last.Release) {
			t.Fatalf("%v comes after %v", r, last)
		}
		last = r
		n++
	}
	if n != len(want) || extra > 0 {
		t.Errorf("%d rows, %d of them extra; the reference has %d", n, extra, len(want))
	}
}

// TestTextIsWhole: text reads less of the history than JSON does, and says the
// same with it and without.
func TestTextIsWhole(t *testing.T) {
	for _, host := range []string{"utopic", "trusty", "focal"} {
		alone, both := filepath.Join(t.TempDir(), "text"), filepath.Join(t.TempDir(), "text")
		scanHost(t, host, "-f", "text="+both)
		_, _, err := wontfixIn(t.TempDir(), "scan", "--root", testkit.Corpus(t, "hosts/"+host), "--db", database(t), "--offline", "-f", "text="+alone)
		testkit.Must(t, err)
		got, err := os.ReadFile(alone)
		testkit.Must(t, err)
		want, err := os.ReadFile(both)
		testkit.Must(t, err)
		if !bytes.Contains(want, []byte(" decided 20")) {
			t.Errorf("%s: the text does not say who decided", host)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: text alone differs from text beside JSON", host)
		}
	}
}

// TestSeed is the case that all this began with.
func TestSeed(t *testing.T) {
	scan := scanHost(t, "utopic")
	i := slices.IndexFunc(scan.Findings, func(f wontfix.Finding) bool { return f.ID == "CVE-2014-9365" && f.Source == "python2.7" })
	if i < 0 {
		t.Fatal("CVE-2014-9365 in python2.7 of utopic is no finding")
	}
	f := scan.Findings[i]
	if f.Outlook != wontfix.Never || f.Evidence != wontfix.EvidenceNote || !strings.Contains(f.ReasonText, "quite a large change") || !slices.Contains(f.Reasons, "too-intrusive") {
		t.Errorf("outlook %s, evidence %s, reasons %v, text %q", f.Outlook, f.Evidence, f.Reasons, f.ReasonText)
	}
	out, _, err := wontfixIn(t.TempDir(), "why", "CVE-2014-9365", "python2.7", "--release", "trusty", "--db", database(t))
	testkit.Must(t, err)
	for _, want := range []string{"ignored", "mdeslaur", "quite a large change", "python3.4", "3.4.3-1ubuntu1~14.04.2", "retired/CVE-2014-9365", "https://ubuntu.com/security/CVE-2014-9365"} {
		if !strings.Contains(out, want) {
			t.Errorf("why: no %q in\n%s", want, out)
		}
	}
}

// TestGrepIsAck compares --grep with what ack prints on a checkout.
func TestGrepIsAck(t *testing.T) {
	ack := testkit.Program(t, "ack")
	dir := t.TempDir()
	for name, text := range trackerTree(t) {
		if !strings.HasPrefix(path.Base(name), "CVE-") {
			continue // templates and lists are no entries
		}
		testkit.Must(t, os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755))
		testkit.Must(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	for _, tt := range []struct {
		pattern, in string
		flags       []string
	}{
		{"precise.*ignored(?!.*abandoned)", "retired", []string{"-l"}},
		{"precise.*ignored(?!.*abandoned)", "active", []string{"-c"}},
		{"(?<=trusty_)python2\\.7: ignored", "retired", nil},
		{"backport(?=ing)", "ignored", []string{"-i", "-C", "2"}},
		{"TOO intrusive", "active", []string{"-i"}},
	} {
		cmd := exec.Command(ack, append(slices.Clone(tt.flags), "--nocolor", "--noenv", "--sort-files", tt.pattern, tt.in)...)
		if slices.Contains(tt.flags, "-c") {
			cmd.Args = slices.Insert(cmd.Args, 1, "-l") // ack counts files without matches too
		}
		cmd.Dir = dir
		want, err := cmd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 1 {
			err = nil // nothing found
		}
		testkit.Must(t, err)
		got, _, err := wontfixIn(dir, append([]string{"search", "--grep", tt.pattern, "--in", tt.in, "--db", database(t)}, tt.flags...)...)
		testkit.Must(t, err)
		if got != string(want) {
			t.Errorf("%s in %s %v: ack has %d lines, wontfix %d", tt.pattern, tt.in, tt.flags, strings.Count(string(want), "\n"), strings.Count(got, "\n"))
		}
	}
}
