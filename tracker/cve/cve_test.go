package cve_test

import (
	"iter"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/tracker/cve"
)

var records, pages = []string{"cve-v5/*.json", "openssl-secjson/CVE-*.json"}, []string{"nvd-api2/*.json"}

// either is the parser of both forms, by what the text is.
func either(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	if strings.Contains(string(text), `"cveMetadata"`) {
		return cve.Parse(file, text)
	}
	return cve.ParseNVD(file, text)
}

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, either, append(records, pages...)...)
	entry := func(file, id string) *wontfix.Entry {
		for _, c := range all[file] {
			if c.ID == id {
				return c.Entry
			}
		}
		t.Fatalf("%s: no %s", file, id)
		return nil
	}
	e := entry("cve-v5/CVE-2017-20197.json", "CVE-2017-20197")
	if len(e.CVSS) != 4 || e.CVSS[1] != (wontfix.CVSS{Source: "VulDB", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L", Score: "7.3", Severity: "HIGH"}) {
		t.Errorf("CVSS %+v", e.CVSS)
	}
	if e := entry("cve-v5/CVE-2014-9365.json", "CVE-2014-9365"); !strings.HasPrefix(e.Description, "The HTTP clients in the") || len(e.References) < 10 || len(e.Statements) > 0 {
		t.Errorf("%+v", e)
	}
	if e := entry("nvd-api2/full-page.json", "CVE-2023-27314"); len(e.CVSS) != 2 || e.CVSS[0].Source != "nvd@nist.gov" || e.CVSS[0].Score != "7.5" {
		t.Errorf("CVSS %+v", e.CVSS)
	}
}

func TestMapping(t *testing.T) { formattest.Mapping(t, either, "cve5", "cve5 / nvd", "nvd") }

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "x.json: NVD:",
		"[]":                                 "no list of vulnerabilities",
		`{"cveMetadata":{"cveId":"GHSA-1"}}`: `x.json: CVE record: "GHSA-1" at cveMetadata.cveId is no CVE ID`,
		`{"vulnerabilities":{}}`:             "no list of vulnerabilities",
	} {
		if _, err := formattest.Changes(t, either, "x.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, append(records, pages...)...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, either, "x.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, either, append(records, pages...)...) }
