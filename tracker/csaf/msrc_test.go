package csaf

import (
	"os"
	"path/filepath"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// TestMicrosoft reads documents of a publisher of which nothing is peculiar
// here.
func TestMicrosoft(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testkit.Corpus(t, "vendors/azurelinux"), "msrc_cve-*.json"))
	testkit.Must(t, err)
	if len(files) == 0 {
		t.Fatal("the corpus has no azurelinux/msrc_cve-*.json")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		statements := 0
		for c, err := range Other("microsoft").Parse("x.json", text) {
			testkit.Must(t, err)
			for _, p := range c.Problems {
				t.Errorf("%s: %v", file, p)
			}
			for _, s := range c.Entry.Statements {
				statements++
				if s.Line < 1 || s.Pointer == "" || s.Release == (wontfix.Release{}) || s.Word == "" {
					t.Errorf("%s: %+v", file, s)
				}
			}
		}
		if statements == 0 {
			t.Errorf("%s: no statement", file)
		}
	}
}
