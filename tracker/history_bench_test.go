package tracker

import (
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// BenchmarkHistory reads the whole history of a tracker and all versions of
// its entries with each reader; the reference is what git log and git cat-file
// take for the same objects.
func BenchmarkHistory(b *testing.B) {
	needGit(b)
	spec, err := Find("ubuntu")
	if err != nil {
		b.Fatal(err)
	}
	dir := testkit.Corpus(b, testkit.Tracker)
	for name, o := range readers {
		b.Run(name, func(b *testing.B) {
			s, err := Open(b.Context(), spec, dir, o)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for b.Loop() {
				start := time.Now()
				h, err := s.History(b.Context(), nil)
				if err != nil {
					b.Fatal(err)
				}
				read := time.Now()
				var versions, size atomic.Int64
				err = h.Texts(b.Context(), func(_ int, texts [][]byte, _ []error) error {
					versions.Add(int64(len(texts)))
					for _, text := range texts {
						size.Add(int64(len(text)))
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(h.Commits))/read.Sub(start).Seconds(), "commits/s")
				b.ReportMetric(float64(versions.Load())/time.Since(read).Seconds(), "versions/s")
				b.ReportMetric(float64(size.Load())/1e6/time.Since(read).Seconds(), "MB/s")
			}
		})
	}
	b.Run("reference", func(b *testing.B) {
		s, err := Open(b.Context(), spec, dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		h, err := s.History(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		var ids []objectID
		for i := range h.Files {
			ids = append(ids, h.Files[i].texts...)
		}
		for b.Loop() {
			start := time.Now()
			if err := exec.Command("git", "--git-dir="+dir, "log", "--full-history", "-m", "--raw", "--no-renames").Run(); err != nil {
				b.Fatal(err)
			}
			read := time.Now()
			cmd := exec.Command("git", "--git-dir="+dir, "cat-file", "--batch", "--buffer")
			cmd.Stdin = &idReader{ids: ids, size: 20}
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(h.Commits))/read.Sub(start).Seconds(), "commits/s")
			b.ReportMetric(float64(len(ids))/time.Since(read).Seconds(), "versions/s")
		}
	})
	b.Run("100 commits", func(b *testing.B) {
		s, err := Open(b.Context(), spec, dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		out, err := exec.Command("git", "--git-dir="+dir, "rev-list", "--topo-order", "--reverse", "HEAD~100").Output()
		if err != nil {
			b.Fatal(err)
		}
		known := strings.Fields(string(out))
		for b.Loop() {
			h, err := s.History(b.Context(), known)
			if err != nil {
				b.Fatal(err)
			}
			if err := h.Texts(b.Context(), func(int, [][]byte, []error) error { return nil }); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(h.Commits)), "commits")
		}
	})
}
