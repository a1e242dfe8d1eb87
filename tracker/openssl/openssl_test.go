package openssl_test

import (
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/tracker/openssl"
)

const samples = "openssl-secjson/statements.json"

func TestSamples(t *testing.T) {
	if len(formattest.Samples(t, openssl.Parse, samples)[samples]) == 0 {
		t.Error("no entry")
	}
}

func TestGolden(t *testing.T) {
	formattest.Golden(t, openssl.Parse, "openssl-upstream", func(string, string) wontfix.Release {
		return wontfix.Release{Distribution: "openssl-upstream"}
	}, nil)
}

func TestMapping(t *testing.T) { formattest.Mapping(t, openssl.Parse, "openssl statements.json") }

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, samples) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, openssl.Parse, "x.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, openssl.Parse, samples) }
