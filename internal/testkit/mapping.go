package testkit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A MappingCase is a row of a package's testdata/mapping.tsv: an input of its
// own for one row of the reference table that says what publishers' words mean.
type MappingCase struct {
	Source, Field, Term, Condition string // of the row of the reference table
	Input                          string // in a form that the package's test knows
	Decision, Strength, Reasons    string // what is expected; "-" for no statement at all
	Line                           int
}

// MappingCases reads testdata/mapping.tsv of the package under test. Where the
// reference table is at hand it fails for a row of one of the sources that has
// no case, and for a case that expects another decision or strength than the
// row has.
func MappingCases(t testing.TB, sources ...string) []MappingCase {
	t.Helper()
	var cases []MappingCase
	for i, f := range rows(t, "testdata/mapping.tsv", 8) {
		cases = append(cases, MappingCase{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], i})
	}
	reference := filepath.Join(Corpus(t, "."), "..", "reference", "mapping.tsv")
	if _, err := os.Stat(reference); err != nil {
		t.Logf("the reference table is not here: %v", err)
		return cases
	}
	found := make(map[string]bool)
	for _, f := range rows(t, reference, 7) {
		if !slices.Contains(sources, f[0]) {
			continue
		}
		found[f[0]] = true
		at := slices.IndexFunc(cases, func(c MappingCase) bool {
			return c.Source == f[0] && c.Field == f[1] && c.Term == f[2] && c.Condition == f[3]
		})
		switch {
		case at < 0:
			t.Errorf("testdata/mapping.tsv: no case for %q", f[:4])
		case strings.HasPrefix(f[4], "("): // it changes no decision
		case f[4] == "unknown" && cases[at].Decision == "-":
		case cases[at].Decision != f[4] || cases[at].Strength != f[5]:
			t.Errorf("testdata/mapping.tsv:%d: expects %s %s, the reference says %s %s", cases[at].Line, cases[at].Decision, cases[at].Strength, f[4], f[5])
		}
	}
	for _, s := range sources {
		if !found[s] {
			t.Errorf("the reference table has no source %q", s)
		}
	}
	return cases
}

// rows returns the rows of a table by their line, each made up to n cells;
// comments and the head of the table are left out.
func rows(t testing.TB, file string, n int) map[int][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	Must(t, err)
	table := make(map[int][]string)
	i := 0
	for line := range strings.Lines(string(text)) {
		i++
		line = strings.TrimRight(line, "\r\n")
		if line != "" && line[0] != '#' && !strings.HasPrefix(line, "source\t") {
			table[i] = append(strings.Split(line, "\t"), make([]string, n)...)
		}
	}
	return table
}
