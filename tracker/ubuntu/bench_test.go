package ubuntu

import (
	"testing"
	"wontfix/internal/testkit"
)

func BenchmarkParse(b *testing.B) {
	files := treeOf(b, testkit.Corpus(b, testkit.Tracker))
	b.ReportAllocs()
	statements, bytes := 0, 0
	for b.Loop() {
		for _, f := range files {
			e, _ := Parse(f.name, f.text)
			statements += len(e.Statements)
			bytes += len(f.text)
		}
	}
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
}
