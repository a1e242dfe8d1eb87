package store

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wontfix"
)

// synthetic yields a tracker of n entries that has the shape of a real one:
// some packages with long histories, most with short ones, the same words over
// and over. About 36 statements for each entry.
func synthetic(n int) iter.Seq2[wontfix.Change, error] {
	words := []string{"DNE", "not-affected", "needed", "needs-triage", "ignored", "released"}
	details := []string{"", "end of life", "code not present", "reached end-of-life", "out of standard support", "end of standard support, was needs-triage"}
	labels := strings.Fields("upstream precise precise/esm trusty trusty/esm xenial artful bionic cosmic disco eoan focal devel vivid yakkety zesty")
	releases := make([]wontfix.Release, len(labels))
	for i, l := range labels {
		releases[i].Distribution = "ubuntu"
		releases[i].Series, releases[i].Product, _ = strings.Cut(l, "/")
	}
	return func(yield func(wontfix.Change, error) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		var text []byte
		for i := range n {
			id := fmt.Sprintf("CVE-%d-%04d", 2002+i*18/n, i%2500*7)
			folder := "retired/"
			if i < n/4 {
				folder = "active/"
			}
			e := &wontfix.Entry{ID: id, File: folder + id, Published: "2014-12-12", Priority: wontfix.Priority{Word: "medium"}}
			text = fmt.Appendf(text[:0], "PublicDate: 2014-12-12\nCandidate: %s\nReferences:\n https://example.org/%s\nDescription:\n %x\nUbuntu-Description:\nNotes:\nBugs:\nPriority: medium\nDiscovered-by:\nAssigned-to:\n", id, id, r.Uint64())
			line := 12
			for range 1 + r.IntN(1+r.IntN(6)) {
				source := fmt.Sprintf("package%d", int(4000*r.Float64()*r.Float64()*r.Float64()))
				text = fmt.Appendf(text, "\nPatches_%s:\n", source)
				line += 2
				for l, label := range labels {
					w := r.IntN(len(words))
					s := wontfix.Statement{ID: id, Source: source, Release: releases[l], Label: label, Word: words[w], File: e.File, Line: line,
						Detail: details[r.IntN(len(details))], Priority: "medium", Published: "2014-12-12",
						Meaning: wontfix.Meaning{Decision: wontfix.Decision(w), Status: wontfix.Status(w % 4), Reasons: wontfix.Reasons(w << 3), Evidence: wontfix.EvidenceBracket, EvidenceLine: line}}
					if words[w] == "released" {
						s.Detail = fmt.Sprintf("%d.%d-1ubuntu%d", r.IntN(4), r.IntN(30), r.IntN(10))
						s.Fixed = s.Detail
					}
					text = fmt.Appendf(text, "%s_%s: %s (%s)\n", label, source, s.Word, s.Detail)
					e.Statements = append(e.Statements, s)
					line++
				}
			}
			if !yield(wontfix.Change{File: e.File, ID: id, Entry: e, Text: text}, nil) {
				return
			}
		}
	}
}

// large is a database of 33,000 synthetic entries, made once for all
// benchmarks.
var large = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "store-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "large.db")
	_, err = Apply(context.Background(), path, update("ubuntu", true), synthetic(33000))
	return path, err
})

func TestMain(m *testing.M) {
	if child, ok := children[os.Getenv("STORE_TEST_CHILD")]; ok {
		child()
		return
	}
	code := m.Run()
	if benchmarked.Load() {
		path, _ := large()
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

var benchmarked atomic.Bool

func largeDB(b *testing.B) string {
	b.Helper()
	benchmarked.Store(true)
	path := os.Getenv("STORE_BENCH_DB")
	if path != "" {
		return path
	}
	path, err := large()
	if err != nil {
		b.Fatal(err)
	}
	return path
}

// cpu returns the time that this process has used on processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkApply builds the synthetic tracker. making is what it costs to make
// the changes alone.
func BenchmarkApply(b *testing.B) {
	const entries = 33000
	before, start := cpu(), time.Now()
	for range synthetic(entries) {
	}
	making, makingWall := cpu()-before, time.Since(start)
	var stats Stats
	before = cpu()
	for b.Loop() {
		var err error
		stats, err = Apply(context.Background(), filepath.Join(b.TempDir(), "x.db"), update("ubuntu", true), synthetic(entries))
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(stats.Statements), "statements")
	b.ReportMetric((float64(cpu()-before)/float64(b.N)-float64(making))/1e9, "own-cpu-s")
	b.ReportMetric(makingWall.Seconds(), "making-s")
	b.ReportMetric(float64(stats.Size)/1e6, "MB")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/1e6, "sys-MB")
}

// BenchmarkUpdate brings a large database up to date after 100 changes.
func BenchmarkUpdate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	if err := copyFile(largeDB(b), path); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		_, err := Apply(context.Background(), path, update("ubuntu", false), func(yield func(wontfix.Change, error) bool) {
			for c, err := range synthetic(33000) {
				if n++; n > 100 || !yield(c, err) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkColdScan opens a database and asks for what a machine of 300 source
// packages needs, each time anew.
func BenchmarkColdScan(b *testing.B) {
	path := largeDB(b)
	labels := strings.Fields("upstream precise precise/esm trusty trusty/esm xenial bionic focal devel disco")
	var sources []string
	for i := range 300 {
		sources = append(sources, fmt.Sprintf("package%d", i*13))
	}
	if path == os.Getenv("STORE_BENCH_DB") {
		labels, sources = realQuestion(b, path)
	}
	n := 0
	before := cpu()
	for b.Loop() {
		db, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		list, err := db.Statements(context.Background(), "ubuntu", labels, sources, nil)
		if err != nil || len(list) == 0 {
			b.Fatal(len(list), err)
		}
		n = len(list)
		db.Close()
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/1e6, "cpu-ms/op")
	b.ReportMetric(float64(n), "statements")
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "statements/s")
}

// realQuestion returns ten labels and every tenth source of a database.
func realQuestion(b *testing.B, path string) (labels, sources []string) {
	db, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, l := range slices.Sorted(maps.Keys(db.Labels("ubuntu"))) {
		if len(labels) < 10 && strings.ContainsAny(l, "tb") {
			labels = append(labels, l)
		}
	}
	seen := map[string]bool{}
	for s, err := range db.All(context.Background(), "ubuntu", Filter{}) {
		if err != nil {
			b.Fatal(err)
		}
		if !seen[s.Source] {
			seen[s.Source] = true
			if len(seen)%10 == 0 && len(sources) < 300 {
				sources = append(sources, s.Source)
			}
		}
	}
	return labels, sources
}

func BenchmarkOpen(b *testing.B) {
	path := largeDB(b)
	for b.Loop() {
		db, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
}

func BenchmarkAll(b *testing.B) {
	db := openLarge(b)
	n := 0
	for b.Loop() {
		for _, err := range db.All(context.Background(), "ubuntu", Filter{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "statements/s")
}

func BenchmarkSorted(b *testing.B) {
	db := openLarge(b)
	n := 0
	for b.Loop() {
		for _, err := range db.Sorted(context.Background(), "ubuntu") {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "statements/s")
}

func BenchmarkFrames(b *testing.B) {
	db := openLarge(b)
	var n atomic.Int64
	for b.Loop() {
		err := db.Frames(context.Background(), "ubuntu", nil, func(f *Frame) error {
			n.Add(int64(len(f.Text)))
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n.Load())/1e6/b.Elapsed().Seconds(), "text-MB/s")
	b.ReportMetric(float64(n.Load())/1e6/float64(b.N), "text-MB")
}

func BenchmarkText(b *testing.B) {
	path := largeDB(b)
	entries, err := openLarge(b).Catalog(context.Background(), "ubuntu")
	if err != nil {
		b.Fatal(err)
	}
	id := entries[len(entries)/2].ID
	for b.Loop() {
		db, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := db.Text(context.Background(), "ubuntu", id); err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
}

func BenchmarkVerify(b *testing.B) {
	db := openLarge(b)
	for b.Loop() {
		if found, err := db.Verify(context.Background()); err != nil || len(found) > 0 {
			b.Fatal(found, err)
		}
	}
}

func BenchmarkExport(b *testing.B) {
	path := largeDB(b)
	var d Digest
	for b.Loop() {
		var err error
		if d, err = Export(context.Background(), path, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(d.FileSize)/1e6, "MB")
}

func openLarge(b *testing.B) *DB {
	b.Helper()
	db, err := Open(largeDB(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}
