package csaf

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

func BenchmarkParse(b *testing.B) {
	for _, folder := range []string{"redhat-vex-v1", "redhat-vex-v2", "redhat-csaf-advisory", "suse-csaf-vex", "suse-csaf-advisory"} {
		b.Run(folder, func(b *testing.B) {
			list := samples(b, folder)
			b.ReportAllocs()
			var n counts
			for b.Loop() {
				for i := range list {
					n.add(b, &list[i])
				}
			}
			n.report(b)
		})
	}
}

// BenchmarkArchive reads as many documents as Red Hat's archive has, one at a
// time, as a reader of the archive does.
func BenchmarkArchive(b *testing.B) {
	list := samples(b, "redhat-vex-v1", "redhat-vex-v2")
	b.ReportAllocs()
	var n counts
	for b.Loop() {
		for i := range 40_000 {
			n.add(b, &list[i%len(list)])
		}
	}
	n.report(b)
	b.ReportMetric(float64(n.peak)/1e6, "peak-MB")
}

// TestBounded wants many documents to take no more memory than one does.
func TestBounded(t *testing.T) {
	list := samples(t, "redhat-vex-v1", "redhat-vex-v2")
	largest := 0
	for i := range list {
		largest = max(largest, len(list[i].text))
	}
	documents := 400
	if testing.Short() {
		documents = 100
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var n counts
	for i := range documents {
		n.add(t, &list[i%len(list)])
	}
	runtime.GC()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	t.Logf("%d documents, %d MB, %d statements, peak %d MB above %d MB", n.documents, n.bytes/1e6, n.statements,
		(int64(n.peak)-int64(before.HeapAlloc))/1e6, before.HeapAlloc/1e6)
	// One document, its copy, its products, and as much again that the
	// collector has not come to.
	if grown, bound := int64(n.peak)-int64(before.HeapAlloc), int64(16*largest+32e6); grown > bound {
		t.Errorf("the heap grew by %d MB, want at most %d", grown/1e6, bound/1e6)
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 8e6 {
		t.Errorf("%d MB are kept after the last document", kept/1e6)
	}
}

// TestDetached wants an entry that is kept to keep no document.
func TestDetached(t *testing.T) {
	s := samples(t, "redhat-vex-v1")
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	var kept []any
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	total := 0
	for i := range 100 {
		total += len(s[i%len(s)].text)
		for c, err := range s[i%len(s)].publisher.Parse(strconv.Itoa(i), s[i%len(s)].text) {
			testkit.Must(t, err)
			kept = append(kept, c)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > int64(total/4) {
		t.Errorf("%d entries of %d MB of text keep %d MB", len(kept), total/1e6, grown/1e6)
	}
	runtime.KeepAlive(kept)
}

// counts are what was read.
type counts struct {
	documents, statements, bytes int
	peak                         uint64 // of the heap
}

func (n *counts) add(tb testing.TB, s *sample) {
	// A reader of an archive has each document in memory of its own.
	text := []byte(strings.Clone(string(s.text)))
	for c, err := range s.publisher.Parse(s.name, text) {
		testkit.Must(tb, err)
		n.statements += len(c.Entry.Statements)
	}
	n.documents++
	n.bytes += len(text)
	if n.documents%16 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		n.peak = max(n.peak, m.HeapAlloc)
	}
}

func (n *counts) report(b *testing.B) {
	s := b.Elapsed().Seconds()
	b.ReportMetric(float64(n.bytes)/1e6/s, "MB/s")
	b.ReportMetric(float64(n.documents)/s, "documents/s")
	b.ReportMetric(float64(n.statements)/s, "statements/s")
}
