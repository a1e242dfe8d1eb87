package tracker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// TestEveryMapping wants each row of the reference's table of words to have a
// case in a package's testdata/mapping.tsv, or to stand in testdata/mapping.tsv
// here with the reason why it has none. That the case agrees with the row is the
// packages' own test.
func TestEveryMapping(t *testing.T) {
	read := func(file string) (rows [][]string) {
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if line != "" && line[0] != '#' {
				rows = append(rows, append(strings.Split(line, "\t"), "", "", "", ""))
			}
		}
		return rows
	}
	key := func(row []string) string { return strings.Join(row[:4], " · ") }
	cases := map[string]bool{}
	files, err := filepath.Glob("*/testdata/mapping.tsv")
	testkit.Must(t, err)
	for _, file := range append(files, "../lifecycle/testdata/mapping.tsv") {
		for _, row := range read(file) {
			cases[key(row)] = true
		}
	}
	without := map[string]bool{}
	for _, row := range read("testdata/mapping.tsv") {
		if row[4] == "" {
			t.Errorf("testdata/mapping.tsv: %s: no reason", key(row))
		}
		without[key(row)] = true
	}
	reference := filepath.Join(testkit.Corpus(t, ""), "..", "reference", "mapping.tsv")
	if _, err := os.Stat(reference); err != nil {
		t.Skip(err)
	}
	for _, row := range read(reference) {
		switch k := key(row); {
		case without[k] && cases[k]:
			t.Errorf("testdata/mapping.tsv: %s has a case", k)
		case !without[k] && !cases[k]:
			t.Errorf("%s: no case", k)
		default:
			delete(without, k)
		}
	}
	for k := range without {
		t.Errorf("testdata/mapping.tsv: the reference has no %s", k)
	}
}
