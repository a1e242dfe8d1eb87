package openssl_test

import (
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/tracker/openssl"
)

const samples = "openssl-secjson/statements.json"

const records = "openssl-secjson/CVE-*.json"

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, openssl.Parse, samples, records)
	if len(all[samples]) == 0 {
		t.Error("no entry")
	}
	for id, want := range map[string]string{
		"CVE-2015-0206": "1.0.1 fixed 1.0.1k; 1.0.0 fixed 1.0.0p; ",
		"CVE-2022-3996": "3.0 affected-no-decision ; ",
		"CVE-2025-9231": "3.5 fixed 3.5.4; 3.4 fixed 3.4.3; 3.3 fixed 3.3.5; 3.2 fixed 3.2.6; ",
	} {
		got := ""
		for _, c := range all["openssl-secjson/"+id+".json"] {
			for _, s := range c.Entry.Statements {
				got += s.Release.Series + " " + s.Decision.String() + " " + s.Fixed + "; "
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
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
	for _, text := range formattest.Files(f, samples, records) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, openssl.Parse, "x.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, openssl.Parse, samples, records) }
