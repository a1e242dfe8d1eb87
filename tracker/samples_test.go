package tracker_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// patternsOf returns what the tests of the project ask of some folders of the
// corpus: paths, patterns and folders, as "osv-debian/*.json".
func patternsOf(t *testing.T, folders []string) (patterns []string) {
	testkit.Must(t, filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			s, err := strconv.Unquote(lit.Value)
			s = strings.TrimPrefix(s, "vendors/")
			if folder, _, _ := strings.Cut(s, "/"); err == nil && slices.Contains(folders, folder) {
				patterns = append(patterns, strings.TrimSuffix(s, "/"))
			}
			return true
		})
		return nil
	}))
	return patterns
}

// TestEverySample wants each file of the corpus' samples to be asked for by a
// test, or to stand in testdata/samples.tsv with the reason why nothing is read
// of it. The tests that ask for a file want it to parse, or its problems to be
// explained.
func TestEverySample(t *testing.T) {
	text, err := os.ReadFile("testdata/samples.tsv")
	testkit.Must(t, err)
	unread := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, why, _ := strings.Cut(strings.TrimSpace(line), "\t"); name != "" && name[0] != '#' {
			unread[name] = why
		}
	}
	root := testkit.Corpus(t, "vendors")
	entries, err := os.ReadDir(root)
	testkit.Must(t, err)
	var folders []string
	for _, e := range entries {
		folders = append(folders, e.Name())
	}
	patterns := patternsOf(t, folders)
	used := map[string]bool{}
	testkit.Must(t, fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(name, "/") {
			return err
		}
		fits := func(pattern string) bool {
			ok, _ := path.Match(pattern, name)
			return ok || strings.HasPrefix(name, pattern+"/")
		}
		for pattern, why := range unread {
			if ok, _ := path.Match(pattern, path.Base(name)); (ok || fits(pattern)) && why != "" {
				used[pattern] = true
				return nil
			}
		}
		if !slices.ContainsFunc(patterns, fits) {
			t.Errorf("%s: no test asks for it, and testdata/samples.tsv does not say why", name)
		}
		return nil
	}))
	for pattern := range unread {
		if !used[pattern] {
			t.Errorf("testdata/samples.tsv: %s is no sample", pattern)
		}
	}
}
