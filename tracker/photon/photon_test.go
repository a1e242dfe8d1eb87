package photon_test

import (
	"testing"

	"wontfix/internal/formattest"
	"wontfix/tracker/photon"
)

const samples = "photon/*cve_data_photon*.json"

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, photon.Parse, samples)
	n := 0
	for _, c := range all["photon/cve_data_photon4.0.json"] {
		if c.Entry != nil {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
}

func TestMapping(t *testing.T) { formattest.Mapping(t, photon.Parse, "photon") }

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, samples) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, photon.Parse, "cve_data_photon5.0.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, photon.Parse, samples) }
