package gentoo_test

import (
	"strings"
	"testing"

	"wontfix/internal/formattest"
	"wontfix/tracker/gentoo"
)

const samples = "gentoo-glsa/*.xml"

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, gentoo.Parse, samples)
	var got []string
	for _, s := range all["gentoo-glsa/glsa-202511-02.xml"][0].Entry.Statements {
		got = append(got, s.Source+" "+s.Module+" "+s.Fixed+" "+s.Advisory+" "+s.Decided)
	}
	want := "net-libs/webkit-gtk slot:4.1 2.48.5 GLSA-202511-02 2025-11-24, net-libs/webkit-gtk slot:6 2.48.5 GLSA-202511-02 2025-11-24"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s", strings.Join(got, ", "))
	}
}

func TestMapping(t *testing.T) { formattest.Mapping(t, gentoo.Parse, "gentoo") }

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, samples) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, gentoo.Parse, "glsa.xml", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, gentoo.Parse, samples) }
