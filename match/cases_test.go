package match_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"wontfix"
	"wontfix/lifecycle"
	"wontfix/match"
	"wontfix/tracker/ubuntu"
)

var update = flag.Bool("update", false, "write what the code makes of testdata into it")

// A scenario is a machine with the statements that it is compared with.
type scenario struct {
	machine    *wontfix.Machine
	options    match.Options
	statements []wontfix.Statement
	t          testing.TB
}

func (s *scenario) match() ([]wontfix.Finding, []wontfix.Dismissal) {
	return matched(s.t, s.machine, s.statements, s.options)
}

// matched is match.Match, and wants the same of the statements that matter.
func matched(t testing.TB, m *wontfix.Machine, statements []wontfix.Statement, o match.Options) ([]wontfix.Finding, []wontfix.Dismissal) {
	t.Helper()
	findings, dismissed := match.Match(m, statements, o)
	matters := match.Matters(m)
	if matters == nil {
		return findings, dismissed
	}
	type key struct{ source, id string }
	keep := map[key]bool{}
	for i := range statements {
		if matters(&statements[i]) {
			keep[key{statements[i].Source, statements[i].ID}] = true
		}
	}
	few := slices.DeleteFunc(slices.Clone(statements), func(s wontfix.Statement) bool { return !keep[key{s.Source, s.ID}] })
	if f, d := match.Match(m, few, o); !reflect.DeepEqual(f, findings) || !reflect.DeepEqual(d, dismissed) {
		t.Errorf("%d of %d statements matter, and give\n%sinstead of\n%s", len(few), len(statements), describe(f, d), describe(findings, dismissed))
	}
	return findings, dismissed
}

// TestCases runs the archives of testdata. Each is about one rule. It has a
// machine (newMachine has the form), files of the tracker, and in "want" a line
// for every finding and dismissal. A second machine in an archive is called
// "machine NAME" and its answer "want NAME".
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata has no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			statements := trackerFiles(t, ar)
			answers := 0
			for i := range ar.Files {
				name, ok := strings.CutPrefix(ar.Files[i].Name, "want")
				if !ok {
					continue
				}
				answers++
				s := newScenario(t, section(t, ar, "machine"+name), statements)
				got := describe(s.match())
				if *update {
					ar.Files[i].Data = got
				} else if want := ar.Files[i].Data; !bytes.Equal(got, want) {
					t.Errorf("machine%s:\ngot\n%swant\n%s", name, got, want)
				}
			}
			if answers == 0 {
				t.Fatalf("%s has no file want", file)
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func section(t testing.TB, ar *txtar.Archive, name string) string {
	t.Helper()
	for _, f := range ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	t.Fatalf("the archive has no file %q", name)
	return ""
}

// trackerFiles parses those files of an archive that are in a folder.
func trackerFiles(t testing.TB, ar *txtar.Archive) []wontfix.Statement {
	t.Helper()
	var all []wontfix.Statement
	for _, f := range ar.Files {
		if strings.Contains(f.Name, "/") {
			entry, _ := ubuntu.Parse(f.Name, f.Data)
			if len(entry.Statements) == 0 {
				t.Fatalf("%s has no status line", f.Name)
			}
			all = append(all, entry.Statements...)
		}
	}
	return all
}

// newScenario reads the lines that describe a machine:
//
//	release ubuntu/focal
//	products esm-infra esm-apps
//	running 5.4.0-42-generic
//	now 2024-01-01
//	tracker 2023-12-31
//	package NAME VERSION SOURCE SOURCE-VERSION [held] [from=ARCHIVE] [offer=VERSION@ARCHIVE]
//	ended|limited SOURCE DATE TEXT
//
// The tracker is as old as now if no line says otherwise. An ARCHIVE is
// ORIGIN/SUITE/COMPONENT. The statements are those that a scan would read: of
// the machine's series, of the series under development, of its neighbours.
func newScenario(t testing.TB, text string, statements []wontfix.Statement) *scenario {
	t.Helper()
	m := &wontfix.Machine{Products: []string{}}
	s := &scenario{machine: m, t: t}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			t.Fatalf("machine: %q has no value", line)
		}
		value := words[1]
		switch words[0] {
		case "release":
			r, err := wontfix.ParseRelease(value)
			if err != nil {
				t.Fatal(err)
			}
			m.Release, m.Base = r, r
			life, ok := lifecycle.Embedded().Lookup(r.Distribution, r.Series)
			if !ok {
				t.Fatalf("machine: %s has no dates", r)
			}
			m.Support = life.Support()
		case "products":
			m.Products = words[1:]
		case "running":
			m.Kernel.Running = value
		case "now":
			s.options.Now = wontfix.NewDate(value).Time
		case "tracker":
			s.options.Tracker.Time = wontfix.NewDate(value).Time
		case "ended", "limited":
			m.Notices = append(m.Notices, wontfix.Notice{Source: value, Kind: words[0], Since: wontfix.NewDate(words[2]), Text: strings.Join(words[3:], " "), File: "list", Line: 1})
		case "package":
			m.Packages = append(m.Packages, newPackage(t, words[1:]))
		default:
			t.Fatalf("machine: %q is not known", line)
		}
	}
	if s.options.Now.IsZero() {
		t.Fatal("machine: there is no line now")
	}
	if s.options.Tracker.Time.IsZero() {
		s.options.Tracker.Time = s.options.Now
	}
	s.options.Tracker.Name = ubuntu.Name
	for _, p := range m.Packages {
		for _, o := range []*wontfix.Offer{p.From, p.Offer} {
			if o != nil {
				m.Archives = append(m.Archives, *o.Archive)
			}
		}
	}
	labels := append(ubuntu.Labels(m.Base.Series), match.Neighbours(m, s.options.Now)...)
	for _, st := range statements {
		for _, label := range labels {
			if st.Label == label {
				s.statements = append(s.statements, st)
				break
			}
		}
	}
	return s
}

func newPackage(t testing.TB, words []string) wontfix.Package {
	t.Helper()
	if len(words) < 4 {
		t.Fatalf("package: %q has too few words", words)
	}
	p := wontfix.Package{Name: words[0], Version: words[1], Source: words[2], SourceVersion: words[3], Architecture: "amd64", State: "installed"}
	for _, w := range words[4:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "held":
			p.Held = true
		case "from":
			p.From = &wontfix.Offer{Version: p.Version, Archive: newArchive(t, value)}
		case "offer":
			v, archive, _ := strings.Cut(value, "@")
			p.Offer = &wontfix.Offer{Version: v, Archive: newArchive(t, archive)}
		default:
			t.Fatalf("package: %q is not known", w)
		}
	}
	return p
}

func newArchive(t testing.TB, s string) *wontfix.Archive {
	t.Helper()
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		t.Fatalf("archive %q: want ORIGIN/SUITE/COMPONENT", s)
	}
	return &wontfix.Archive{Origin: parts[0], Suite: parts[1], Component: parts[2]}
}

// describe writes findings and dismissals, one on a line.
func describe(findings []wontfix.Finding, dismissed []wontfix.Dismissal) []byte {
	var b bytes.Buffer
	for i := range findings {
		b.WriteString(line(&findings[i]) + "\n")
	}
	for i := range dismissed {
		d := &dismissed[i]
		fmt.Fprintf(&b, "dismissed %s %s %s [%s] %s says=%s:%d | %s\n", d.ID, d.Source, d.SourceVersion, said(d.Tracker), d.Kind, d.Says.Release, d.Says.Line, d.Because)
	}
	return b.Bytes()
}

func said(r wontfix.Row) string {
	return strings.TrimSpace(r.Release + " " + r.Status + " " + r.Detail)
}

// line writes a finding. Parts that say nothing are left out.
func line(f *wontfix.Finding) string {
	parts := []string{f.ID, f.Source, f.SourceVersion, f.Outlook.String(), f.Decision.String(), f.Status.String(), "[" + said(f.Tracker) + "]"}
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+"="+value)
		}
	}
	add("installed", f.Installed)
	add("fixed", f.FixedVersion)
	add("product", f.Product)
	add("reasons", strings.Join(f.Reasons, ","))
	if f.Evidence != wontfix.EvidenceNone {
		add("evidence", f.Evidence.String())
	}
	add("successor", f.Successor)
	add("kernel", f.Kernel)
	if f.Held {
		add("held", strconv.FormatBool(f.Held))
	}
	if f.Offer != nil {
		add("offer", f.Offer.Version)
	}
	if len(f.Others) > 0 {
		var others []string
		for _, o := range f.Others {
			others = append(others, said(o))
		}
		add("others", strings.Join(others, "; "))
	}
	return strings.Join(parts, " ") + " | " + f.Because
}

// day returns midnight of a day written YYYY-MM-DD.
func day(t testing.TB, s string) time.Time {
	t.Helper()
	d := wontfix.NewDate(s)
	if d.IsZero() {
		t.Fatalf("%q is no date", s)
	}
	return d.Time
}
