package arch_test

import (
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/tracker/arch"
)

const samples = "arch/*.json"

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, arch.Parse, samples)
	if got := len(all["arch/archlinux.json"]); got != 6 {
		t.Errorf("%d entries, want 6", got)
	}
}

func TestGolden(t *testing.T) {
	formattest.Golden(t, arch.Parse, "arch", func(stream, _ string) wontfix.Release {
		return wontfix.Release{Distribution: "arch", Series: stream}
	}, nil)
}

func TestMapping(t *testing.T) { formattest.Mapping(t, arch.Parse, "arch") }

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, samples) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, arch.Parse, "x.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, arch.Parse, samples) }
