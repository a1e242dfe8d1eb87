package tracker

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// plain is a format that reads nothing.
func plain(file string, text []byte) wontfix.Change {
	return wontfix.Change{Entry: &wontfix.Entry{File: file}}
}

// TestCorpus reads a tracker of 2020 whole.
func TestCorpus(t *testing.T) {
	needGit(t)
	spec, err := Find("ubuntu")
	if err != nil {
		t.Fatal(err)
	}
	spec.Parse = plain
	s, err := Open(t.Context(), spec, testkit.Corpus(t, testkit.Tracker), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info := s.Tracker()
	if got := info.Time.Format("2006-01-02"); s.Kind() != KindRepository || got != "2020-04-07" || info.Revision[:10] != "95f1af5b80" {
		t.Errorf("%s of %s at %s", s.Kind(), got, info.Revision)
	}
	seq, full, err := s.Changes(t.Context(), "")
	if err != nil || !full {
		t.Fatal(full, err)
	}
	n, size, last := 0, 0, ""
	for c, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		if c.Entry == nil || len(c.Problems) > 0 || c.File <= last {
			t.Fatalf("%s after %s: %v", c.File, last, c.Problems)
		}
		n, size, last = n+1, size+len(c.Text), c.File
	}
	out, err := exec.Command("git", "--git-dir="+testkit.Corpus(t, testkit.Tracker), "ls-tree", "-r", "--name-only", "HEAD", "active", "retired", "ignored").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Count(string(out), "/CVE-")
	if n != s.Len() || n != want || size < 50e6 {
		t.Errorf("%d entries of %d, %d bytes; git lists %d", n, s.Len(), size, want)
	}
}

// BenchmarkRead reads a whole tracker without parsing it.
func BenchmarkRead(b *testing.B) {
	needGit(b)
	spec, _ := Find("ubuntu")
	spec.Parse = plain
	benchmark(b, spec)
}

// BenchmarkReadParse reads and parses a whole tracker.
func BenchmarkReadParse(b *testing.B) {
	needGit(b)
	spec, _ := Find("ubuntu")
	benchmark(b, spec)
}

func benchmark(b *testing.B, spec Spec) {
	path := testkit.Corpus(b, testkit.Tracker)
	files, bytes := 0, 0
	for b.Loop() {
		s, err := Open(context.Background(), spec, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		seq, _, err := s.Changes(context.Background(), "")
		if err != nil {
			b.Fatal(err)
		}
		for c, err := range seq {
			if err != nil {
				b.Fatal(err)
			}
			files, bytes = files+1, bytes+len(c.Text)
		}
		s.Close()
	}
	b.ReportMetric(float64(files)/b.Elapsed().Seconds(), "files/s")
	b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
}

// BenchmarkChanges opens a tracker and reads what has changed in its last
// hundred commits.
func BenchmarkChanges(b *testing.B) {
	needGit(b)
	spec, _ := Find("ubuntu")
	path := testkit.Corpus(b, testkit.Tracker)
	out, err := exec.Command("git", "--git-dir="+path, "rev-parse", "HEAD~100").Output()
	if err != nil {
		b.Fatal(err)
	}
	since := "git:" + strings.TrimSpace(string(out))
	n := 0
	for b.Loop() {
		s, err := Open(context.Background(), spec, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		seq, full, err := s.Changes(context.Background(), since)
		if err != nil || full {
			b.Fatal(full, err)
		}
		for _, err := range seq {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		s.Close()
	}
	b.ReportMetric(float64(n)/float64(b.N), "changes/op")
}
