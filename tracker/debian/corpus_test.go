package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// pathOf returns the path in the tracker's repository of a sample of the corpus,
// whose own names tell several copies of one file apart. It is "" for a sample
// that this package does not read.
func pathOf(sample string) string {
	folder, name := filepath.Split(sample)
	for prefix, file := range map[string]string{"CVE-list": fileCVE, "DSA-list": fileDSA, "vunnel-DSA-list": fileDSA, "DLA-list": fileDLA,
		"DTSA-list": fileDTSA, "static-distributions.json": fileSuites} {
		if strings.HasPrefix(name, prefix) {
			return file
		}
	}
	for _, file := range Files() {
		if filepath.Base(file) == name {
			return file
		}
	}
	if filepath.Base(folder) == "debian-json" && strings.HasSuffix(name, ".json") || strings.HasPrefix(name, "security-support-") {
		return name
	}
	return ""
}

// samples returns the texts of the corpus' samples, by their path in its folder
// of vendors.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	dir := testkit.Corpus(t, "vendors")
	all := map[string][]byte{}
	for _, folder := range []string{"debian-tracker", "debian-json", "debian-security-support"} {
		list, err := os.ReadDir(filepath.Join(dir, folder))
		testkit.Must(t, err)
		for _, f := range list {
			sample := folder + "/" + f.Name()
			if pathOf(sample) == "" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(sample)))
			testkit.Must(t, err)
			all[sample] = text
		}
	}
	return all
}

// parse returns the changes of a file; of one that speaks of supported releases
// together with the file that says which they are.
func parse(t testing.TB, file string, text, suites []byte) []wontfix.Change {
	t.Helper()
	seq := Parse(file, text)
	if file == fileNeedDSA || file == fileNeedDLA || file == fileCVE {
		files := map[string][]byte{fileCVE: nil, fileSuites: suites}
		files[file] = text
		seq = Merge(files)
	}
	var all []wontfix.Change
	for c, err := range seq {
		testkit.Must(t, err)
		all = append(all, c)
	}
	return all
}

// TestGolden compares with the statements of the corpus that were normalised by
// hand.
func TestGolden(t *testing.T) {
	texts := samples(t)
	for _, g := range testkit.GoldenRows(t, Name) {
		t.Run(fmt.Sprintf("%s %s %s", g.ID, g.Stream, g.Package), func(t *testing.T) {
			text, ok := texts[g.File]
			if !ok {
				t.Fatalf("the corpus has no sample %s", g.File)
			}
			if !strings.Contains(string(text), g.Words) {
				t.Fatalf("%s does not have the words %q", g.File, g.Words)
			}
			want := fmt.Sprint(g.Decision, " ", g.Strength, " [", g.Reasons, "] ", g.Fixed)
			var got []string
			for _, c := range parse(t, pathOf(g.File), text, texts["debian-tracker/static-distributions.json"]) {
				for _, s := range entryOf(c).Statements {
					if c.ID == g.ID && (s.Source == g.Package || s.Source == "" && g.Package == "-") && streamFits(s.Label, g.Stream) {
						reasons := s.Reasons &^ wontfix.NoReason
						if s.Scope == wontfix.ScopePackage && s.Word == supportEnded {
							// The table has what the text says. That the package is in the list of ended
							// ones says support-scope besides, as the mapping of these lists has it.
							reasons &^= wontfix.SupportScope
						}
						got = append(got, fmt.Sprint(s.Decision, " ", s.Strength, " [", inOrder(reasons, g.Reasons), "] ", s.Fixed))
					}
				}
			}
			if !slices.Contains(got, want) {
				t.Errorf("got %q, want %s", got, want)
			}
		})
	}
}

func entryOf(c wontfix.Change) *wontfix.Entry {
	if c.Entry == nil {
		return &wontfix.Entry{}
	}
	return c.Entry
}

// streamFits reports whether a label is that of a stream of the table; a list
// without a release in its name is for every release.
func streamFits(label, stream string) bool {
	return label == stream || label == ""
}

// inOrder writes reasons in the order of the table, and others behind them.
func inOrder(have wontfix.Reasons, order string) string {
	words := have.Words()
	place := func(w string) int {
		if i := slices.Index(strings.Split(order, ","), w); i >= 0 {
			return i
		}
		return 99
	}
	slices.SortStableFunc(words, func(a, b string) int { return place(a) - place(b) })
	return strings.Join(words, ",")
}

// TestSamples parses every sample of the corpus. The problems that it has are
// those that testdata/problems.tsv explains, and every statement leads to the
// words that it was made of.
func TestSamples(t *testing.T) {
	explained := map[string]bool{}
	table, err := os.ReadFile("testdata/problems.tsv")
	testkit.Must(t, err)
	for line := range strings.Lines(string(table)) {
		if cells := strings.Split(strings.TrimRight(line, "\n"), "\t"); line[0] != '#' && len(cells) == 3 {
			explained[cells[0]+":"+cells[1]] = false
		}
	}
	statements := 0
	for sample, text := range samples(t) {
		file := pathOf(sample)
		if file == fileSuites {
			continue
		}
		all := split(text)
		for c, err := range Parse(file, text) {
			testkit.Must(t, err)
			for _, p := range c.Problems {
				for _, key := range []string{fmt.Sprintf("%s:%d", sample, p.Line), sample + ":*"} {
					if _, ok := explained[key]; ok {
						explained[key] = true
						p.Text = ""
					}
				}
				if p.Text != "" {
					t.Errorf("%s: %v", sample, p)
				}
			}
			statements += len(entryOf(c).Statements)
			checkTraces(t, c, map[string][]string{file: all})
		}
	}
	for key, met := range explained {
		if !met {
			t.Errorf("testdata/problems.tsv explains a problem that %s does not have", key)
		}
	}
	if statements < 10000 {
		t.Errorf("the samples have %d statements: they were not all read", statements)
	}
}

// checkTraces wants every statement to lead to a line with its words.
func checkTraces(t testing.TB, c wontfix.Change, files map[string][]string) {
	t.Helper()
	e := entryOf(c)
	for i := range e.Statements {
		s := &e.Statements[i]
		text, ok := files[s.File]
		if !ok || s.Line < 1 || s.ID != e.ID || s.ID == "" || s.Release.Distribution != Name || s.Release.Series != s.Label {
			t.Fatalf("statement without a trace: %+v", s)
		}
		line := lineOf(text, s.Line)
		if s.Pointer != "" {
			continue // what a pointer leads to is tested with the export
		}
		for _, words := range []string{s.Source, s.Word, s.Detail, s.Fixed} {
			if words == supportEnded || words == supportLimited || words == "dsa-needed" || words == "dla-needed" {
				continue // the name of the file
			}
			if !strings.Contains(line, words) {
				t.Fatalf("%s:%d is %q, and has not %q: %+v", s.File, s.Line, line, words, s)
			}
		}
		if s.EvidenceLine > 0 {
			first, _, _ := strings.Cut(s.Words, "\n")
			if line := lineOf(text, s.EvidenceLine); !strings.Contains(line, first) {
				t.Fatalf("%s:%d is %q, and has not %q", s.File, s.EvidenceLine, line, first)
			}
		}
	}
}

// lineOf returns the line of a text with a number.
func lineOf(text []string, n int) string {
	if n < 1 || n > len(text) {
		return ""
	}
	return text[n-1]
}

func split(text []byte) []string { return strings.Split(textOf(text), "\n") }
