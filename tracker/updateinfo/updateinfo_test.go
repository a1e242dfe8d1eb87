package updateinfo_test

import (
	"testing"

	"wontfix/internal/formattest"
	"wontfix/tracker/updateinfo"
)

var samples = []string{"amazon-alas/updateinfo_*.xml", "rocky-errata/updateinfo.xml"}

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, updateinfo.Parse, samples...)
	for name, want := range map[string]string{
		"amazon-alas/updateinfo_2.xml":                     "amzn/2 kernel 4.9.76-38.79.amzn2 ALAS2-2018-939 2018-01-11",
		"amazon-alas/updateinfo_1.xml":                     "amzn/1 httpd-devel 2.2.21-1.18.amzn1 ALAS-2011-1 2011-09-27",
		"amazon-alas/updateinfo_2023_kernel-livepatch.xml": "amzn/2023/kernel-livepatch kernel-livepatch-6.1.12-19.43 1.0-1.amzn2023 ALAS2023LIVEPATCH-2023-001 2023-04-13",
		"rocky-errata/updateinfo.xml":                      "rocky/8 lz4 1.8.3-3.el8_4 RLSA-2021:2575 2021-07-22",
	} {
		changes := all[name]
		if len(changes) == 0 || len(changes[0].Entry.Statements) == 0 {
			t.Errorf("%s: nothing", name)
			continue
		}
		s := changes[0].Entry.Statements[0]
		if got := s.Release.String() + " " + s.Source + " " + s.Fixed + " " + s.Advisory + " " + s.Decided; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestMapping leaves out the words of Amazon's pages about single CVEs, which
// package alas reads.
func TestMapping(t *testing.T) { formattest.Mapping(t, updateinfo.Parse, "rocky-errata") }

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, samples[0]) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, updateinfo.Parse, "updateinfo.xml", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, updateinfo.Parse, samples...) }
