// Package formattest has what the tests of the packages that read publishers'
// formats share: a statement can be traced to the words it was made from, the
// samples of the corpus parse, and the tables of the corpus hold.
package formattest

import (
	"encoding/json"
	"html"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
	"wontfix/internal/testkit"
)

// A Parse is the function under test: it turns a document into changes.
type Parse func(file string, text []byte) iter.Seq2[wontfix.Change, error]

var idForm = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9:._+-]*$`)

// decisionStatus is the status that each decision has.
var decisionStatus = map[wontfix.Decision]wontfix.Status{
	wontfix.DecisionFixed: wontfix.Fixed, wontfix.DecisionFixPending: wontfix.Affected, wontfix.DecisionPaid: wontfix.Affected,
	wontfix.DecisionNotAffected: wontfix.NotAffected, wontfix.DecisionAffected: wontfix.Affected, wontfix.DecisionDeferred: wontfix.Affected,
	wontfix.DecisionWontFix: wontfix.Affected, wontfix.DecisionEndOfLife: wontfix.Affected,
	wontfix.DecisionUnderInvestigation: wontfix.UnderInvestigation, wontfix.DecisionNotInRelease: wontfix.NotAffected,
}

// Changes parses a document and checks each statement of it: that its file,
// line and pointer lead to its words, that what it means holds together, and
// that it survives being kept as JSON. The error is the document's.
func Changes(t testing.TB, parse Parse, file string, text []byte) ([]wontfix.Change, error) {
	t.Helper()
	var changes []wontfix.Change
	var failed error
	for c, err := range parse(file, text) {
		if err != nil {
			failed = err
			break
		}
		changes = append(changes, c)
	}
	tr := newTracer(text)
	labels := make(map[string]wontfix.Release)
	for _, c := range changes {
		e := c.Entry
		if e == nil {
			continue
		}
		if c.File != file || e.File != file || c.ID != e.ID || !idForm.MatchString(c.ID) {
			t.Fatalf("change %q of %q, entry %q of %q", c.ID, c.File, e.ID, e.File)
		}
		for i := range e.Statements {
			s := &e.Statements[i]
			tr.trace(t, e, s)
			if other, ok := labels[s.Label]; ok && other != s.Release {
				t.Fatalf("%s:%d: label %q is of %s and of %s", file, s.Line, s.Label, other, s.Release)
			}
			labels[s.Label] = s.Release
		}
		kept, err := json.Marshal(e)
		testkit.Must(t, err)
		var again wontfix.Entry
		testkit.Must(t, json.Unmarshal(kept, &again))
		if !reflect.DeepEqual(&again, e) {
			t.Fatalf("%s: %s: kept as JSON and read again it is another:\n%+v\n%+v", file, e.ID, again, *e)
		}
	}
	return changes, failed
}

// A tracer knows a document well enough to look words up in it.
type tracer struct {
	json  markup.Value
	plain string
	lines []string
}

func newTracer(text []byte) *tracer {
	tr := &tracer{plain: html.UnescapeString(string(text)), lines: strings.Split(string(text), "\n")}
	tr.json, _ = markup.ParseJSON(text)
	return tr
}

func (tr *tracer) trace(t testing.TB, e *wontfix.Entry, s *wontfix.Statement) {
	t.Helper()
	switch {
	case s.ID != e.ID || s.File != e.File || s.Line < 1 || s.Line > len(tr.lines) || s.Pointer == "" || s.Word == "" || s.Label == "":
		t.Fatalf("statement without a trace: %+v", *s)
	case s.Release.Distribution == "" || s.Source == "":
		t.Fatalf("%s:%d: statement about nothing: %+v", s.File, s.Line, *s)
	case s.Status != decisionStatus[s.Decision]:
		t.Fatalf("%s:%d: %s is %s", s.File, s.Line, s.Decision, s.Status)
	case s.Reasons.Has(wontfix.NoReason) && s.Reasons != wontfix.NoReason,
		(s.Decision == wontfix.DecisionWontFix || s.Decision == wontfix.DecisionDeferred) && s.Reasons == 0:
		t.Fatalf("%s:%d: %s with reasons %q", s.File, s.Line, s.Decision, s.Reasons)
	}
	if tr.json.Exists() {
		v := tr.json.Find(s.Pointer)
		if !v.Exists() || v.Line() != s.Line {
			t.Fatalf("%s:%d: %s leads to line %d", s.File, s.Line, s.Pointer, v.Line())
		}
		if !says(v, s.Word) && !strings.Contains(unescape.Replace(s.Pointer), "/"+s.Word) {
			t.Fatalf("%s:%d: %s has no %q", s.File, s.Line, s.Pointer, s.Word)
		}
		if !says(tr.json, s.Detail) || !says(tr.json, s.Fixed) && slices.ContainsFunc(parts(s.Fixed), func(part string) bool { return !says(tr.json, part) }) {
			t.Fatalf("%s:%d: the document has no %q or %q", s.File, s.Line, s.Detail, s.Fixed)
		}
		return
	}
	around := html.UnescapeString(strings.Join(tr.lines[s.Line-1:min(s.Line+30, len(tr.lines))], "\n"))
	if !strings.Contains(around, s.Word) && !strings.Contains(s.Pointer, "/"+s.Word) {
		t.Fatalf("%s:%d: no %q at that line", s.File, s.Line, s.Word)
	}
	if slices.ContainsFunc(parts(s.Fixed), func(part string) bool { return !strings.Contains(tr.plain, part) }) {
		t.Fatalf("%s:%d: the document has no %q", s.File, s.Line, s.Fixed)
	}
}

// parts splits a version that may be put together from parts that are written
// apart: epoch, version and release.
func parts(version string) []string {
	return strings.FieldsFunc(version, func(r rune) bool { return r == ':' || r == '-' })
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// says reports whether a name, a string or a number in v has the words.
func says(v markup.Value, words string) bool {
	if strings.Contains(v.Text(), words) {
		return true
	}
	for _, e := range v.Elements() {
		if says(e, words) {
			return true
		}
	}
	for name, m := range v.Members() {
		if strings.Contains(name, words) || says(m, words) {
			return true
		}
	}
	return strings.Contains(string(v.Raw()), words)
}

// Samples parses the files of the corpus' folder vendors that match the
// patterns. A document that cannot be read, and a problem, have to stand in
// testdata/problems.tsv: file, line or *, and why; and each row there has to be
// needed. It returns the changes of each file.
func Samples(t *testing.T, parse Parse, patterns ...string) map[string][]wontfix.Change {
	t.Helper()
	listed := problems(t)
	used := make(map[string]bool)
	all := make(map[string][]wontfix.Change)
	for name, text := range Files(t, patterns...) {
		changes, err := Changes(t, parse, name, text)
		if err != nil && !explained(listed, used, name, "0") {
			t.Errorf("%s: %v", name, err)
		}
		for _, c := range changes {
			for _, p := range c.Problems {
				if !explained(listed, used, name, lineOf(p)) {
					t.Errorf("%v", p)
				}
			}
		}
		all[name] = changes
	}
	for _, row := range listed {
		if !used[row[0]+row[1]] {
			t.Errorf("testdata/problems.tsv: %s %s is no problem any more", row[0], row[1])
		}
	}
	return all
}

func lineOf(p wontfix.Problem) string {
	line, _, _ := strings.Cut(strings.TrimPrefix(p.Error(), p.File+":"), ":")
	if p.Line == 0 {
		return "0"
	}
	return line
}

func explained(listed [][]string, used map[string]bool, name, line string) bool {
	for _, row := range listed {
		if ok, _ := filepath.Match(row[0], name); ok && (row[1] == "*" || row[1] == line) {
			used[row[0]+row[1]] = true
			return true
		}
	}
	return false
}

func problems(t testing.TB) [][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/problems.tsv")
	if os.IsNotExist(err) {
		return nil
	}
	testkit.Must(t, err)
	return rows(t, "testdata/problems.tsv", string(text), 3)
}

func rows(t testing.TB, name, text string, columns int) [][]string {
	t.Helper()
	var list [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) < columns {
			t.Fatalf("%s: row %q has %d columns, want %d", name, line, len(f), columns)
		}
		list = append(list, f)
	}
	return list
}

// Files returns the files of the corpus' folder vendors that match the
// patterns, by name.
func Files(t testing.TB, patterns ...string) map[string][]byte {
	t.Helper()
	root := testkit.Corpus(t, "vendors")
	files := make(map[string][]byte)
	for _, pattern := range patterns {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		testkit.Must(t, err)
		if len(names) == 0 {
			t.Errorf("the corpus has no %s", pattern)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			testkit.Must(t, err)
			rel, err := filepath.Rel(root, name)
			testkit.Must(t, err)
			files[filepath.ToSlash(rel)] = text
		}
	}
	return files
}

// Golden wants, for each row of a vendor in the corpus' table, a statement of
// the sample that the row names. release says which release a row's stream and
// tier are.
func Golden(t *testing.T, parse Parse, vendor string, release func(stream, tier string) wontfix.Release, fixed func(g testkit.Golden, got string) bool) {
	t.Helper()
	for _, g := range testkit.GoldenRows(t, vendor) {
		text := Files(t, g.File)[g.File]
		changes, err := Changes(t, parse, g.File, text)
		testkit.Must(t, err)
		want := release(g.Stream, g.Tier)
		var got []string
		ok := false
		for _, c := range changes {
			if c.Entry == nil {
				continue
			}
			for _, s := range c.Entry.Statements {
				if s.ID != g.ID || s.Source != g.Package {
					continue
				}
				got = append(got, s.Release.String()+" "+s.Decision.String()+" "+s.Strength.String()+" "+s.Reasons.String()+" "+s.Fixed)
				ok = ok || s.Release == want && s.Decision.String() == g.Decision && s.Strength.String() == g.Strength &&
					s.Reasons.String() == g.Reasons && (s.Fixed == g.Fixed || fixed != nil && fixed(g, s.Fixed))
			}
		}
		if !ok {
			t.Errorf("GOLDEN.tsv:%d: want %s %s %s %s %s, got %q", g.Line, want, g.Decision, g.Strength, g.Reasons, g.Fixed, got)
		}
		if !slices.ContainsFunc(strings.Split(g.Words, "\n"), func(w string) bool { return strings.Contains(string(text), w) }) {
			t.Errorf("GOLDEN.tsv:%d: the sample has no %q", g.Line, g.Words)
		}
	}
}

// Mapping checks testdata/mapping.tsv: source, field, term and condition of a
// row of the reference's table of words, then the file of testdata/mapping.txtar
// that has the case, and the decision, strength, reasons and status that each
// of its statements has to have. A decision "-" is for a case that has to have
// no statement. Each row of the sources in the reference has to have a case,
// and the case to expect what the reference says.
func Mapping(t *testing.T, parse Parse, sources ...string) {
	t.Helper()
	text, err := os.ReadFile("testdata/mapping.tsv")
	testkit.Must(t, err)
	archive, err := txtar.ParseFile("testdata/mapping.txtar")
	testkit.Must(t, err)
	cases := rows(t, "testdata/mapping.tsv", string(text), 9)
	for _, f := range cases {
		at := slices.IndexFunc(archive.Files, func(x txtar.File) bool { return x.Name == f[4] })
		if at < 0 {
			t.Errorf("testdata/mapping.txtar: no file %s", f[4])
			continue
		}
		changes, err := Changes(t, parse, f[4], archive.Files[at].Data)
		testkit.Must(t, err)
		n := 0
		for _, c := range changes {
			for _, p := range c.Problems {
				t.Errorf("%v", p)
			}
			if c.Entry == nil {
				continue
			}
			for _, s := range c.Entry.Statements {
				n++
				if got := []string{s.Decision.String(), s.Strength.String(), s.Reasons.String(), status(s.Status)}; !slices.Equal(got, f[5:9]) {
					t.Errorf("testdata/mapping.tsv: %s %s: got %q, want %q", f[0], f[2], got, f[5:9])
				}
			}
		}
		if (n == 0) != (f[5] == "-") {
			t.Errorf("testdata/mapping.tsv: %s %s: %d statements, want %s", f[0], f[2], n, f[5])
		}
	}
	reference, err := os.ReadFile(filepath.Join(testkit.Corpus(t, ""), "..", "reference", "mapping.tsv"))
	if err != nil {
		t.Skip(err)
	}
	for _, want := range rows(t, "the reference's table", string(reference), 8) {
		if !slices.Contains(sources, want[0]) {
			continue
		}
		at := slices.IndexFunc(cases, func(f []string) bool { return slices.Equal(f[:4], want[:4]) })
		if at < 0 {
			t.Errorf("testdata/mapping.tsv: no case for %q", want[:4])
			continue
		}
		got := cases[at]
		if strings.ContainsAny(want[4], "( ") || got[5] == "-" && want[4] == "unknown" {
			continue // no decision, or a pointer to other rows
		}
		if got[5] != want[4] || want[5] != "" && got[6] != want[5] || !strings.Contains(want[6], "(") && got[7] != want[6] && want[5] != "" {
			t.Errorf("testdata/mapping.tsv: %q expects %q, the reference says %q", got[:4], got[5:8], want[4:7])
		}
		if want[7] != "" && got[8] != want[7] && want[4] != "unknown" {
			t.Errorf("testdata/mapping.tsv: %q expects %q, the reference says %q", got[:4], got[8], want[7])
		}
	}
}

func status(s wontfix.Status) string {
	if s == wontfix.StatusUnknown {
		return ""
	}
	return s.String()
}

// Benchmark measures the parsing of the samples.
func Benchmark(b *testing.B, parse Parse, patterns ...string) {
	files := Files(b, patterns...)
	size, statements := 0, 0
	for b.Loop() {
		for name, text := range files {
			size += len(text)
			for c, err := range parse(name, text) {
				if err == nil && c.Entry != nil {
					statements += len(c.Entry.Statements)
				}
			}
		}
	}
	b.ReportMetric(float64(size)/1e6/b.Elapsed().Seconds(), "MB/s")
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
}
