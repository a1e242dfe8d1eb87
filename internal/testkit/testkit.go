// Package testkit has what the tests of several packages share: the real data
// of the corpus, and the programs that tests ask for the right answer.
//
// Where something is missing the test skips with a line that says what. In CI,
// that is with CI=true, it fails instead.
package testkit

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tracker is the corpus' copy of the Ubuntu CVE Tracker, a bare repository.
const Tracker = "ubuntu-cve-tracker/2020-04-07.git"

// Corpus returns the path of a file or folder of the corpus. The corpus is in
// the folder that WONTFIX_CORPUS names, or beside the project in shared/corpus.
func Corpus(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("WONTFIX_CORPUS")
	if dir == "" {
		dir = filepath.Join(moduleRoot(t), "..", "shared", "corpus")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		missing(t, err.Error()+"; set WONTFIX_CORPUS to the folder of the corpus")
	}
	return path
}

// moduleRoot returns the folder with go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Program returns the path of a program.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name+": not on this machine")
	}
	return path
}

func missing(t testing.TB, text string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Tree returns the files of folders at the tip of a repository, by name.
func Tree(t testing.TB, repository string, folders ...string) map[string][]byte {
	t.Helper()
	args := append([]string{"-c", "safe.directory=*", "-C", repository, "archive", "HEAD"}, folders...)
	cmd := exec.Command(Program(t, "git"), args...)
	out, err := cmd.StdoutPipe()
	Must(t, err)
	Must(t, cmd.Start())
	tree := make(map[string][]byte)
	r := tar.NewReader(bufio.NewReaderSize(out, 1<<20))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		Must(t, err)
		if h.Typeflag == tar.TypeReg {
			tree[h.Name], err = io.ReadAll(r)
			Must(t, err)
		}
	}
	Must(t, cmd.Wait())
	return tree
}

// Must ends the test if err is not nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A Golden is one statement of a vendor as it was normalised by hand: a row of
// the corpus' table vendors/GOLDEN.tsv.
type Golden struct {
	ID, Vendor, Stream, Package, Tier  string
	Decision, Strength, Reasons, Fixed string
	File                               string // sample, from the corpus' folder vendors
	Words                              string // the vendor's own words, found in the sample
	Note                               string
	Line                               int // of the table
}

// GoldenRows returns the rows of a vendor. It fails if there is none.
func GoldenRows(t testing.TB, vendor string) []Golden {
	t.Helper()
	text, err := os.ReadFile(Corpus(t, "vendors/GOLDEN.tsv"))
	Must(t, err)
	var rows []Golden
	line := 0
	for text := range strings.Lines(string(text)) {
		line++
		f := strings.Split(strings.TrimRight(text, "\r\n"), "\t")
		if strings.HasPrefix(text, "#") || len(f) < 11 || f[1] != vendor {
			continue
		}
		f = append(f, "")
		rows = append(rows, Golden{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11], line})
	}
	if len(rows) == 0 {
		t.Fatalf("the table has no row of vendor %q", vendor)
	}
	return rows
}
