package tracker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// TestEverySample wants each folder of the corpus' samples to be named in
// testdata/samples.tsv: with the packages whose tests read it, or with the
// reason why there is nothing to read. Those tests want every file to parse, or
// its problem to be explained.
func TestEverySample(t *testing.T) {
	text, err := os.ReadFile("testdata/samples.tsv")
	testkit.Must(t, err)
	rows := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); f[0] != "" && f[0][0] != '#' {
			rows[f[0]] = f[1:]
		}
	}
	folders, err := os.ReadDir(testkit.Corpus(t, "vendors"))
	testkit.Must(t, err)
	for _, f := range folders {
		row, ok := rows[f.Name()]
		delete(rows, f.Name())
		switch {
		case !f.IsDir():
		case !ok || len(row) == 0:
			t.Errorf("testdata/samples.tsv: nothing of %s", f.Name())
		case row[0] == "-" && len(row) > 1 && row[1] != "":
		default:
			for name := range strings.SplitSeq(row[0], " ") {
				tests, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(name), "*_test.go"))
				testkit.Must(t, err)
				read := false
				for _, test := range tests {
					source, err := os.ReadFile(test)
					testkit.Must(t, err)
					read = read || strings.Contains(string(source), f.Name()+"/") || strings.Contains(string(source), `"`+f.Name()+`"`)
				}
				if !read {
					t.Errorf("testdata/samples.tsv: no test of %s reads %s", name, f.Name())
				}
			}
		}
	}
	for name := range rows {
		t.Errorf("testdata/samples.tsv: the corpus has no %s", name)
	}
}
