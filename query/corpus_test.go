package query

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// TestTrackerLikeAck asks ack and a Pattern the same of a checkout of a real
// tracker: which of its retired files have a matching line.
func TestTrackerLikeAck(t *testing.T) {
	if testing.Short() {
		t.Skip("a checkout takes a while; run without -short")
	}
	repository := testkit.Corpus(t, testkit.Tracker)
	ack, git, tar := testkit.Program(t, "ack"), testkit.Program(t, "git"), testkit.Program(t, "tar")
	dir := t.TempDir()
	archive := exec.Command(git, "-c", "safe.directory=*", "--git-dir", repository, "archive", "HEAD", "retired")
	unpack := exec.Command(tar, "-xf", "-", "-C", dir)
	var err error
	if unpack.Stdin, err = archive.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{unpack, archive} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*exec.Cmd{unpack, archive} {
		if err := c.Wait(); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
	}
	for _, pattern := range []string{
		`precise.*ignored(?!.*abandoned)`,
		`^(?!upstream)[a-z]+_(\w+): ignored \((?=.*\bintrusive)`,
		`released.*\b(\d+)\.\1\b`,
	} {
		cmd := exec.Command(ack, "--noenv", "-l", "--", pattern, "retired")
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("ack %s: %v", pattern, err)
		}
		want := strings.Fields(string(out))
		slices.Sort(want)
		got := filesWith(t, dir, pattern)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d files, ack has %d", pattern, len(got), len(want))
		}
	}
}

// filesWith returns the files below dir/retired with a line that matches.
func filesWith(t *testing.T, dir, pattern string) []string {
	t.Helper()
	// A busy machine and the race detector take their time.
	p, err := Compile(pattern, PatternOptions{Timeout: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "retired"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, "retired", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue // ack reads no binary files
		}
		ok, err := p.Match(text)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			names = append(names, "retired/"+e.Name())
		}
	}
	slices.Sort(names)
	return names
}
