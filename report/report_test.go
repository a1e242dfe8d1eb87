package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"wontfix"
)

func write(t testing.TB, format string, s *wontfix.Scan, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteScan(&b, format, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func statementsOf(words []string) iter.Seq2[*wontfix.Statement, error] {
	return func(yield func(*wontfix.Statement, error) bool) {
		for i, w := range words {
			s := &wontfix.Statement{ID: w, Source: w, Label: w, Word: w, Detail: w, File: w, Line: i, Priority: w}
			s.Words, s.Reasons, s.Decision = w, wontfix.TooIntrusive, wontfix.DecisionWontFix
			if !yield(s, nil) {
				return
			}
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkText checks what holds of every text: no line is wider than the page
// unless it has an address, and nothing hidden is in it.
func checkText(t *testing.T, what, s string, width int) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%s: is not UTF-8", what)
	}
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(line, hidden) {
			t.Errorf("%s: has a hidden character: %q", what, line)
		}
		if n := columns(line); n > width && !strings.Contains(line, "http://") && !strings.Contains(line, "https://") {
			t.Errorf("%s: has %d columns, %d are allowed: %q", what, n, width, line)
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("%s: line ends in space: %q", what, line)
		}
	}
}

// FuzzText puts arbitrary texts into every field of a scan, a dossier and
// statements.
func FuzzText(f *testing.F) {
	f.Add("CVE-2014-9365", "too intrusive", "https://tracker.example/x", uint8(40), uint8(1))
	f.Add("\x1b]0;x\x07", "a\u202eb\u2028c\r\n", "\xff\xc0 \u009b31m", uint8(0), uint8(2))
	f.Add(strings.Repeat("x", 300), strings.Repeat("世 界", 60), strings.Repeat("e\u0301\u0302", 99), uint8(3), uint8(1))
	f.Add("\u00a0", " ", "", uint8(130), uint8(3))
	f.Fuzz(func(t *testing.T, a, b, c string, extra, size uint8) {
		if len(a)+len(b)+len(c) > 2000 {
			t.Skip("each text is written some thousand times")
		}
		list := []string{a, b, c, a + b, b + " " + c, "ubuntu", "http://" + c}
		i := 0
		word := func() string { i++; return list[i%len(list)] }
		n := 0
		number := func() int { n++; return min(int(size)%3+n%2, 2) }
		o := Options{Width: minWidth + int(extra)}
		s, d := new(wontfix.Scan), new(wontfix.Dossier)
		fill(reflect.ValueOf(s).Elem(), word, number)
		fill(reflect.ValueOf(d).Elem(), word, number)
		bare := *s
		bare.Trackers = nil
		texts := func(o Options) map[string]string {
			var dossier, statements bytes.Buffer
			if err := WriteDossiers(&dossier, "text", []*wontfix.Dossier{d, {}}, o); err != nil {
				t.Fatal(err)
			}
			if _, err := WriteStatements(&statements, "text", statementsOf(list), o); err != nil {
				t.Fatal(err)
			}
			if _, err := WriteStatements(&statements, "counts", statementsOf(list), o); err != nil {
				t.Fatal(err)
			}
			return map[string]string{"scan": write(t, "text", s, o), "bare": write(t, "text", &bare, o), "dossier": dossier.String(), "statements": statements.String()}
		}
		plain := texts(o)
		for what, text := range plain {
			width := o.Width
			if what == "dossier" {
				width = min(width, maxProse)
			}
			checkText(t, what, text, width)
		}
		o.Color = true
		for what, text := range texts(o) {
			if got := sgr.ReplaceAllString(text, ""); got != plain[what] {
				t.Errorf("%s: colour changes more than colours:\n%q\n%q", what, got, plain[what])
			}
		}
		checkCells(t, write(t, "csv", s, o), len(s.Findings))
		md := write(t, "markdown", s, o)
		if strings.ContainsFunc(strings.ReplaceAll(md, "\n", ""), hidden) || strings.ContainsAny(md, "<>") {
			t.Errorf("markdown has a hidden character or HTML: %q", md)
		}
		for line := range strings.Lines(md) {
			cells := strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, ""), "|")
			if strings.HasPrefix(line, "| never |") && cells != 4 && cells != 9 {
				t.Errorf("markdown: row has %d bars: %q", cells, line)
			}
		}
	})
}

// checkCells checks that no cell of CSV is a formula.
func checkCells(t *testing.T, text string, rows int) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != rows+1 {
		t.Errorf("csv: %d rows for %d findings", len(all)-1, rows)
	}
	for _, row := range all {
		for _, cell := range row {
			if cell = strings.TrimSpace(cell); cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("csv: cell is a formula: %q", cell)
			}
			if strings.ContainsFunc(cell, hidden) {
				t.Errorf("csv: cell has a hidden character: %q", cell)
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31mred\x1b[0m", "a\u202eb", "\xff\xfe", "tab\tline\n", "\u2067x\u2069\u200b", "世界é", "e\u0301", "\U000e0041", "\u3164"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := Clean(s)
		if strings.ContainsFunc(c, hidden) || !utf8.ValidString(c) {
			t.Errorf("Clean(%q) = %q", s, c)
		}
		if Clean(c) != c {
			t.Errorf("Clean(%q) = %q, which is not clean", s, c)
		}
		if utf8.RuneCountInString(c) != utf8.RuneCountInString(s) {
			t.Errorf("Clean(%q) = %q: a character went away", s, c)
		}
		for _, r := range s {
			if r > ' ' && r < 0x7f && !strings.ContainsRune(c, r) {
				t.Errorf("Clean(%q) = %q: lacks %q", s, c, r)
			}
		}
	})
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ~!":              "plain, ~!",
		"\x1b[31mred\x1b[0m":     "\ufffd[31mred\ufffd[0m",
		"\u009b31m":              "\ufffd31m",
		"a\tb\r\nc":              "a b  c",
		"user\u202egnp.exe":      "user\ufffdgnp.exe",
		"pyt\u200bhon":           "pyt\ufffdhon",
		"line\u2028end":          "line end",
		"\xff\xfe":               "\ufffd\ufffd",
		"soft\u00adhyphen\u3164": "soft\ufffdhyphen\ufffd",
		"世界 é e\u0301 ✓":         "世界 é e\u0301 ✓",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// What is written as JSON is read back as it was, but for what the form leaves
// out: nil lists come back empty.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 300 {
		s := randomScan(rng)
		want := filled(reflect.ValueOf(s)).Interface().(*wontfix.Scan)
		text := write(t, "json", s, Options{})
		got, err := ReadScan(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("scan %d comes back as another:\n%s\n%s", i, text, write(t, "json", got, Options{}))
		}
		if strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), hidden) {
			t.Fatalf("scan %d has a hidden character: %q", i, text)
		}
	}
}

func TestWriteLeavesTheScanAlone(t *testing.T) {
	s, want := exampleScan(), exampleScan()
	s.Findings[5].Reasons, want.Findings[5].Reasons = nil, nil
	for _, f := range ScanFormats() {
		write(t, f, s, Options{Width: 100, Color: true, Limit: 2})
	}
	if !reflect.DeepEqual(s, want) {
		t.Error("writing has changed the scan")
	}
}

func FuzzReadScan(f *testing.F) {
	for _, s := range []*wontfix.Scan{exampleScan(), exampleBare(), hostileScan()} {
		f.Add([]byte(write(f, "json", s, Options{})))
	}
	f.Add([]byte(`{"schema":"wontfix/scan/1"}`))
	f.Add([]byte(`{"schema":"wontfix/scan/1","machine":{"release":"ubuntu/trusty"},"findings":[{"outlook":"paid","offer":{}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadScan(bytes.NewReader(b))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "scan:") {
				t.Errorf("error does not begin with the thing: %v", err)
			}
			return
		}
		first := write(t, "json", s, Options{})
		again, err := ReadScan(strings.NewReader(first))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		if second := write(t, "json", again, Options{}); second != first {
			t.Errorf("not stable:\n%s\n%s", first, second)
		}
		for _, format := range ScanFormats() {
			write(t, format, s, Options{})
		}
	})
}

func TestReadScanErrors(t *testing.T) {
	finding := `{"id":"CVE-2014-9365"}`
	for in, want := range map[string]string{
		"":                                 "is empty",
		" \n":                              "is empty",
		"CVE-2014-9365  medium":            "is not JSON",
		"\x1f\x8b\x08":                     "gzip",
		finding + "\n" + finding:           "jsonl",
		finding:                            `without a "schema"`,
		"[" + finding + "]":                "not an object",
		`{"schema": 1}`:                    `text "schema"`,
		`{"schema":"wontfix/dossier/1"}`:   `"wontfix/dossier/1"`,
		`{"schema":"wontfix/scan/2"}`:      "newer",
		`{"schema":"wontfix/scan/0"}`:      "does not read",
		"{\n\"schema\":\"wontfix/scan/1\"": "scan:2: is JSON that breaks off",
		`{"schema":"wontfix/scan/1","findings":[{"outlook":"soon"}]}`: `outlook "soon"`,
		`{"schema":"wontfix/scan/1","findings":7}`:                    "findings",
	} {
		_, err := ReadScan(strings.NewReader(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", in, err, want)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := ReadScan(io.MultiReader(strings.NewReader("{"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("a reader's error is lost: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWriteErrors(t *testing.T) {
	broken := failing{errors.New("pipe is closed")}
	for _, f := range ScanFormats() {
		if err := WriteScan(broken, f, exampleScan(), Options{}); !errors.Is(err, broken.err) {
			t.Errorf("scan as %s: error is lost: %v", f, err)
		}
	}
	for _, f := range DossierFormats() {
		if err := WriteDossiers(broken, f, []*wontfix.Dossier{exampleDossier()}, Options{}); !errors.Is(err, broken.err) {
			t.Errorf("dossier as %s: error is lost: %v", f, err)
		}
	}
	for _, f := range StatementFormats() {
		if _, err := WriteStatements(broken, f, statementsOf([]string{"a"}), Options{}); !errors.Is(err, broken.err) {
			t.Errorf("statements as %s: error is lost: %v", f, err)
		}
	}
	if err := WriteScan(io.Discard, "xml", exampleScan(), Options{}); err == nil || !strings.Contains(err.Error(), "text, json, jsonl, csv, markdown") {
		t.Errorf("unknown format: %v", err)
	}
}

// Each word of the root's closed lists has its everyday words.
func TestWords(t *testing.T) {
	for i, w := range wontfix.Decisions() {
		if d := decisionText[wontfix.Decision(i)]; d.phrase == "" || strings.Count(d.sentence, "%s") != 1 {
			t.Errorf("decision %q: %+v", w, d)
		}
	}
	for _, w := range wontfix.ReasonNames() {
		if r := reasonText[w]; r.phrase == "" || r.why == "" {
			t.Errorf("reason %q: %+v", w, r)
		}
	}
	for i, w := range wontfix.Outlooks() {
		if o := outlookText[wontfix.Outlook(i)]; o.means == "" || o.style == plain {
			t.Errorf("outlook %q: %+v", w, o)
		}
	}
	if len(decisionText) != len(wontfix.Decisions()) || len(reasonText) != len(wontfix.ReasonNames()) || len(outlookText) != len(wontfix.Outlooks()) {
		t.Error("a table has words of something that does not exist")
	}
	if ReasonPhrase("\x1b[2J") != "\ufffd[2J" || DecisionPhrase(99) != "unknown" {
		t.Error("words that are not known are not passed on clean")
	}
}

func TestStatements(t *testing.T) {
	list := []wontfix.Statement{
		{ID: "CVE-2014-9365", Source: "python2.7", Release: wontfix.Release{Distribution: "ubuntu", Series: "trusty"}, Label: "trusty", Word: "ignored",
			File: "retired/CVE-2014-9365", Line: 45, Priority: "medium", Published: "2014-12-12",
			Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.TooIntrusive, Evidence: wontfix.EvidenceNote, Words: "quite a large change"}},
		{ID: "CVE-2014-9365", Source: "python2.7", Label: "precise", Word: "ignored", Detail: "reached end-of-life", File: "retired/CVE-2014-9365", Line: 43, Priority: "medium",
			Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionEndOfLife, Reasons: wontfix.EOLRelease, Evidence: wontfix.EvidenceBracket}},
		{ID: "CVE-2013-7040", Source: "python2.7", Label: "trusty", Word: "ignored", File: "active/CVE-2013-7040", Line: 31, Priority: "low",
			Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.NoReason}},
	}
	seq := func(yield func(*wontfix.Statement, error) bool) {
		for i := range list {
			if !yield(&list[i], nil) {
				return
			}
		}
	}
	for format, want := range map[string]string{
		"ids":   "CVE-2014-9365\nCVE-2013-7040\n",
		"files": "retired/CVE-2014-9365\nactive/CVE-2013-7040\n",
	} {
		var b strings.Builder
		if n, err := WriteStatements(&b, format, seq, Options{}); n != 3 || err != nil || b.String() != want {
			t.Errorf("%s: %d, %v, %q", format, n, err, b.String())
		}
	}
	for _, format := range []string{"text", "jsonl", "csv", "counts"} {
		var b bytes.Buffer
		if n, err := WriteStatements(&b, format, seq, Options{}); n != 3 || err != nil {
			t.Errorf("%s: %d, %v", format, n, err)
		}
		checkGolden(t, "statements."+format, b.Bytes())
		if format == "jsonl" {
			for line := range bytes.Lines(b.Bytes()) {
				if !json.Valid(line) {
					t.Errorf("jsonl: not JSON: %s", line)
				}
			}
		}
	}
	var b strings.Builder
	if n, err := WriteStatements(&b, "text", seq, Options{Limit: 1}); n != 3 || err != nil || !strings.Contains(b.String(), "2 more statements not shown") || strings.Contains(b.String(), "2013-7040") {
		t.Errorf("limit: %d, %v, %q", n, err, b.String())
	}
	stop := errors.New("the pattern took too long")
	cutOff := func(yield func(*wontfix.Statement, error) bool) {
		if yield(&list[0], nil) {
			yield(nil, stop)
		}
	}
	b.Reset()
	if n, err := WriteStatements(&b, "ids", cutOff, Options{}); n != 1 || err != stop || b.String() != "CVE-2014-9365\n" {
		t.Errorf("error in the middle: %d, %v, %q", n, err, b.String())
	}
}

// Limit counts what it cuts off, and the counts add up.
func TestLimit(t *testing.T) {
	s := exampleScan()
	all := strings.Count(write(t, "text", s, Options{Width: 120}), "\n  CVE-")
	if all != len(s.Findings) {
		t.Fatalf("%d rows for %d findings", all, len(s.Findings))
	}
	for limit := 1; limit < all; limit++ {
		text := write(t, "text", s, Options{Width: 120, Limit: limit})
		more := count(all-limit, "more finding") + " not shown"
		if n := strings.Count(text, "\n  CVE-"); n != limit || !strings.Contains(text, more) {
			t.Errorf("limit %d: %d rows, and %q is %t", limit, n, more, strings.Contains(text, more))
		}
	}
}

// Findings that give the same words one after the other give them once, and the
// place is shortened before it takes a line of its own.
func TestRepeatedWords(t *testing.T) {
	s := exampleScan()
	s.Findings[1].Evidence, s.Findings[1].ReasonText = wontfix.EvidenceNote, s.Findings[0].ReasonText
	text := write(t, "text", s, Options{})
	if n := strings.Count(text, "quite a large change"); n != 1 || !strings.Contains(text, "in the same words as above") {
		t.Errorf("the words are there %d times:\n%s", n, text)
	}
	s.Findings = s.Findings[:1]
	for width, want := range map[int]string{70: "”  retired/CVE-2014-9365:45\n", 80: "release ended  retired/…:45\n", 95: "release ended  retired/CVE-2014-9365:45\n", 190: "release ended  https://"} {
		if text := write(t, "text", s, Options{Width: width}); !strings.Contains(text, want) {
			t.Errorf("%d columns: no %q in\n%s", width, want, text)
		}
	}
}

// A dossier names the packages that the tracker is silent about together, and
// what other releases say of at least one.
func TestSilentSubjects(t *testing.T) {
	d := exampleDossier()
	elsewhere := d.Subjects[0].Elsewhere
	d.Subjects = nil
	for i := range 20 {
		d.Subjects = append(d.Subjects, wontfix.Subject{Source: fmt.Sprint("linux-", i), Release: "ubuntu/focal", Elsewhere: elsewhere})
	}
	var b strings.Builder
	if err := WriteDossiers(&b, "text", []*wontfix.Dossier{d}, Options{}); err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{"Nothing said in ubuntu/focal of linux-0, linux-1": 1, "says nothing about this package": 1, "not-affected": 2} {
		if got := strings.Count(b.String(), want); got != n {
			t.Errorf("%q is there %d times, want %d:\n%s", want, got, n, b.String())
		}
	}
}

// TestReasonCell: words that no reason is known for have no colon before them.
func TestReasonCell(t *testing.T) {
	for _, tt := range []struct {
		reasons []string
		words   string
		want    string
	}{
		{nil, "", ""},
		{nil, "Upstream will not", "“Upstream will not”"},
		{[]string{"too-intrusive"}, "", "too intrusive"},
		{[]string{"too-intrusive"}, "quite\na change", "too intrusive: “quite a change”"},
	} {
		if got := reasonCell(tt.reasons, tt.words); got != tt.want {
			t.Errorf("reasonCell(%q, %q) = %q, want %q", tt.reasons, tt.words, got, tt.want)
		}
	}
}

func BenchmarkText(b *testing.B)     { benchmark(b, "text") }
func BenchmarkJSON(b *testing.B)     { benchmark(b, "json") }
func BenchmarkCSV(b *testing.B)      { benchmark(b, "csv") }
func BenchmarkMarkdown(b *testing.B) { benchmark(b, "markdown") }

func benchmark(b *testing.B, format string) {
	s := exampleScan()
	for i := range 10_000 {
		f := s.Findings[i%10]
		f.ID = fmt.Sprintf("CVE-2019-%d", 10000+i)
		s.Findings = append(s.Findings, f)
	}
	for b.Loop() {
		if err := WriteScan(io.Discard, format, s, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(s.Findings))*float64(b.N)/b.Elapsed().Seconds(), "findings/s")
}
