package history

import (
	"fmt"
	"testing"
)

// benchmarked is a history of 60 entries with 40 versions each.
func benchmarked() *handMade {
	h := &handMade{}
	var rows []string
	for i := range 60 {
		rows = append(rows, fmt.Sprintf("trusty_p%d: needs-triage", i), fmt.Sprintf("xenial_p%d: needed", i), fmt.Sprintf("devel_p%d: needed", i))
	}
	files := map[string]string{}
	for c := range 40 {
		rows[c*4%len(rows)] = fmt.Sprintf("trusty_p%d: ignored (round %d)", c*4/3%60, c)
		rows = append(rows, fmt.Sprintf("label%d_p1: DNE", c))
		for i := range 60 {
			files[fmt.Sprintf("active/CVE-2020-%d", i)] = entry(append(rows, fmt.Sprintf(" ann> note %d", c))...)
		}
		h.commit(ann, "round", files)
	}
	return h
}

// BenchmarkBuild makes a history of steps and texts: versions read, kept and
// judged.
func BenchmarkBuild(b *testing.B) {
	h := benchmarked()
	versions := 0
	for b.Loop() {
		_, files, _ := h.read(b)
		versions = 0
		for _, f := range files {
			versions += len(f.texts)
		}
	}
	b.ReportMetric(float64(versions)*float64(b.N)/b.Elapsed().Seconds(), "versions/s")
}

// BenchmarkTrace answers who decided about every row of an entry.
func BenchmarkTrace(b *testing.B) {
	h := benchmarked()
	log, files, _ := h.read(b)
	rows := 0
	for b.Loop() {
		t := NewTrace(log, testFormat, files["CVE-2020-7"], log.Tip())
		rows = len(t.Origins().rows)
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkUnpackLog reads the log, with which every answer begins.
func BenchmarkUnpackLog(b *testing.B) {
	h := &handMade{}
	for range 2000 {
		h.commit(ann, "process CVEs: triaged 40, ignored 3\n\nSigned-off-by: ann", nil)
	}
	log, err := NewLog(h.commits)
	if err != nil {
		b.Fatal(err)
	}
	data := log.Pack()
	for b.Loop() {
		log, err := UnpackLog(partsOf(data))
		if err != nil {
			b.Fatal(err)
		}
		if err := log.Load(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(h.commits))*float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
