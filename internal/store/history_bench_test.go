package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// syntheticHistory is the history of entries from to to of n, of the shape of a
// real one: numbers, then lines of few words, of some 1300 bytes for most
// entries and up to 200 kB for a few.
func syntheticHistory(n, from, to int) *HistoryUpdate {
	words := []string{"DNE", "not-affected (code not present)", "needed", "needs-triage", "ignored (end of life)", "released (%d.%d-1ubuntu%d)", "ignored (reached end-of-life)"}
	labels := []string{"upstream", "precise/esm", "trusty", "trusty/esm", "xenial", "esm-infra/xenial", "artful", "bionic", "focal", "jammy", "devel"}
	h := &HistoryUpdate{Full: from == 0 && to == n, Version: "h1"}
	r := rand.New(rand.NewPCG(uint64(n), 1))
	var log []byte
	for i := range n * 16 / 19 { // a commit: its digest is what does not compress
		log = fmt.Appendf(log, "%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c", byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()),
			byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()))
		log = fmt.Appendf(log, "%d author%d update CVE-%d-%d from package%d\n", i, r.IntN(60), 2006+i*18/n, r.IntN(9999), r.IntN(3000))
	}
	h.Log = slices.Collect(slices.Chunk(log, 20_000))
	h.Files = func(yield func(HistoryFile, error) bool) {
		for i := from; i < to; i++ {
			r := rand.New(rand.NewPCG(uint64(i), 2))
			f := HistoryFile{ID: fmt.Sprintf("CVE-%d-%04d", 2002+i*18/n, i%2700*7)}
			lines := 5 + r.IntN(30)
			if r.IntN(100) == 0 {
				lines = r.IntN(5000)
			}
			for range lines / 2 {
				f.Versions = appendUvarint(f.Versions, uint64(r.IntN(300)))
			}
			for range lines {
				f.Versions = fmt.Appendf(f.Versions, "%s_package%d: ", labels[r.IntN(len(labels))], int(4000*r.Float64()*r.Float64()*r.Float64()))
				if w := r.IntN(len(words)); w == 5 {
					f.Versions = fmt.Appendf(f.Versions, words[w], r.IntN(4), r.IntN(30), r.IntN(10))
				} else {
					f.Versions = append(f.Versions, words[w]...)
				}
				f.Versions = append(f.Versions, '\n')
			}
			for range 1 + r.IntN(16) {
				f.Origins = fmt.Appendf(f.Origins, "\x01%s\x02", labels[r.IntN(len(labels))])
				f.Origins = appendUvarint(appendUvarint(f.Origins, uint64(r.IntN(40000))), uint64(r.IntN(40000)))
			}
			if r.IntN(3) == 0 {
				f.Origins = fmt.Appendf(f.Origins, "as of %d the fix is too intrusive to backport %x", r.IntN(3000), r.Uint64())
			}
			if !yield(f, nil) {
				return
			}
		}
	}
	return h
}

const pastEntries = 47000

// largePast is a database of the synthetic history, made once.
var largePast = sync.OnceValues(func() (string, error) {
	path, err := large()
	if err != nil {
		return "", err
	}
	to := filepath.Join(filepath.Dir(path), "past.db")
	u := update("ubuntu", true)
	u.History = syntheticHistory(pastEntries, 0, pastEntries)
	_, err = Apply(context.Background(), to, u, sequence(nil))
	return to, err
})

func largePastDB(b *testing.B) string {
	b.Helper()
	benchmarked.Store(true)
	if path := os.Getenv("STORE_BENCH_DB"); path != "" {
		return path
	}
	path, err := largePast()
	if err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkVersions opens a database and reads the head of the log and the versions of one
// entry, each time anew, as a dossier does.
func BenchmarkVersions(b *testing.B) {
	path := largePastDB(b)
	ids := pastIDs(b, path)
	for _, part := range []string{"versions", "log"} {
		b.Run(part, func(b *testing.B) {
			n := 0
			for b.Loop() {
				db, err := Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if part == "log" {
					_, err = wholeLog(db, "ubuntu", 1)
				} else {
					_, err = db.Versions(context.Background(), "ubuntu", ids[n*7919%len(ids)])
				}
				if err != nil {
					b.Fatal(err)
				}
				n++
				db.Close()
			}
		})
	}
}

func pastIDs(b *testing.B, path string) []string {
	b.Helper()
	db, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ids, err := db.HistoryIDs(context.Background(), "ubuntu")
	if err != nil {
		b.Fatal(err)
	}
	return ids
}

// BenchmarkOrigins opens a database and reads the origins of all entries, of
// 300 from all over, and of 300 of the last few years, each time anew.
func BenchmarkOrigins(b *testing.B) {
	path := largePastDB(b)
	ids := pastIDs(b, path)
	var apart, late []string
	for i := range 300 {
		apart = append(apart, ids[i*len(ids)/300])
		late = append(late, ids[len(ids)-1-i*len(ids)/300/6])
	}
	for _, ask := range []struct {
		name string
		ids  []string
	}{{"all", nil}, {"300", apart}, {"300-late", late}} {
		b.Run(ask.name, func(b *testing.B) {
			var n, size atomic.Int64
			for b.Loop() {
				db, err := Open(path)
				if err != nil {
					b.Fatal(err)
				}
				err = db.EachOrigins(context.Background(), "ubuntu", ask.ids, func(_ string, data []byte) error {
					n.Add(1)
					size.Add(int64(len(data)))
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				db.Close()
			}
			b.ReportMetric(float64(n.Load())/float64(b.N), "entries")
			b.ReportMetric(float64(size.Load())/float64(b.N)/1e6, "MB")
		})
	}
}

// BenchmarkHistory writes the whole synthetic history. making is what it costs
// to make it.
func BenchmarkHistory(b *testing.B) {
	before := cpu()
	var raw [kinds]int
	h := syntheticHistory(pastEntries, 0, pastEntries)
	for f := range h.Files {
		raw[versions] += len(f.Versions)
		raw[origins] += len(f.Origins)
	}
	making := cpu() - before
	var stats Stats
	before = cpu()
	for b.Loop() {
		u := update("ubuntu", true)
		u.History = syntheticHistory(pastEntries, 0, pastEntries)
		var err error
		if stats, err = Apply(context.Background(), filepath.Join(b.TempDir(), "x.db"), u, sequence(nil)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((float64(cpu()-before)/float64(b.N)-float64(making))/1e9, "own-cpu-s")
	b.ReportMetric(float64(raw[versions])/1e6, "versions-MB")
	b.ReportMetric(float64(raw[origins])/1e6, "origins-MB")
	b.ReportMetric(float64(len(slices.Concat(h.Log...)))/1e6, "log-MB")
	b.ReportMetric(float64(stats.Size)/1e6, "MB")
}

// BenchmarkHistoryUpdate takes in what became of 300 entries, others each time.
func BenchmarkHistoryUpdate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	if err := copyFile(largePastDB(b), path); err != nil {
		b.Fatal(err)
	}
	n := 0
	var stats Stats
	for b.Loop() {
		u := update("ubuntu", false)
		u.History = syntheticHistory(pastEntries, n%pastEntries, min(n%pastEntries+300, pastEntries))
		n += 300
		var err error
		if stats, err = Apply(context.Background(), path, u, sequence(nil)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(stats.Size)/1e6, "MB")
}
