package debian

import (
	"bytes"
	"fmt"
	"iter"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// measure reads a text again and again.
func measure(b *testing.B, size int, read func() iter.Seq2[wontfix.Change, error]) {
	b.ReportAllocs()
	statements := 0
	for b.Loop() {
		for c, err := range read() {
			testkit.Must(b, err)
			statements += len(entryOf(c).Statements)
		}
	}
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
	b.ReportMetric(float64(size)*float64(b.N)/1e6/b.Elapsed().Seconds(), "MB/s")
}

// BenchmarkMerge reads the samples of the tracker's files, data/CVE/list in its
// real size of 30 MB.
func BenchmarkMerge(b *testing.B) {
	texts := samples(b)
	excerpt := texts["debian-tracker/CVE-list.excerpt"]
	files := map[string][]byte{fileCVE: bytes.Repeat(append(excerpt, '\n'), 30_000_000/len(excerpt)), fileDSA: texts["debian-tracker/DSA-list"],
		fileDLA: texts["debian-tracker/DLA-list"], fileNeedDLA: texts["debian-tracker/dla-needed.txt"], fileSuites: texts["debian-tracker/static-distributions.json"]}
	size := 0
	for _, text := range files {
		size += len(text)
	}
	measure(b, size, func() iter.Seq2[wontfix.Change, error] { return Merge(files) })
}

// BenchmarkExport reads an export of the size of the real one, made of a sample
// under many names.
func BenchmarkExport(b *testing.B) {
	sample := samples(b)["debian-json/osv.dev-mock.json"]
	start := bytes.IndexByte(sample[1:], '{') + 1
	value := sample[start:bytes.LastIndexByte(sample, '}')]
	text := []byte("{")
	for i := 0; len(text) < 79_000_000; i++ {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(fmt.Appendf(text, `"package%d":`, i), value...)
	}
	text = append(text, '}')
	measure(b, len(text), func() iter.Seq2[wontfix.Change, error] { return Parse("data/json", text) })
}
