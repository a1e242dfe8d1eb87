package errata_test

import (
	"strings"
	"testing"

	"wontfix/internal/formattest"
	"wontfix/tracker/errata"
)

var samples = []string{"almalinux-errata/*.json", "rocky-errata/*.json"}

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, errata.Parse, samples...)
	for file, want := range map[string]string{
		"almalinux-errata/errata.json":      "CVE-2019-11135 libiscsi almalinux/8 virt:rhel 1.18.0-8.module_el8.4.0+2523+3300d70f ALSA-2020:0279 2020-01-29",
		"almalinux-errata/errata.full.json": "CVE-2019-2510 Judy almalinux/8 mariadb:10.3 1.0.5-18.module_el8.5.0+2632+14ced695 ALSA-2019:3708 2019-11-05",
		"rocky-errata/page1.json":           "CVE-2025-58183 delve rocky/10  1.25.2-1.el10_1 RLSA-2025:21816 2025-11-27",
	} {
		found := false
		for _, c := range all[file] {
			if c.Entry == nil {
				continue
			}
			for _, s := range c.Entry.Statements {
				got := strings.Join([]string{s.ID, s.Source, s.Release.String(), s.Module, s.Fixed, s.Advisory, s.Decided}, " ")
				found = found || got == want
			}
		}
		if !found {
			t.Errorf("%s: no statement %s", file, want)
		}
	}
	// Advisories about bugs are none about vulnerabilities.
	if n := len(all["rocky-errata/page2.json"]); n != 0 {
		t.Errorf("page2.json: %d entries", n)
	}
}

func TestMapping(t *testing.T) {
	formattest.Mapping(t, errata.Parse, "almalinux-errata", "rocky-errata")
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":             "x.json: errata:",
		"{}":           "no list of advisories",
		`{"data": {}}`: "no list of advisories",
		`[{"id":"ALSA-1:1","references":[{"id":"CVE-2031-0001"}],"packages":[{"name":"a","version":"1","release":"2"}]}]`: `x.json:1: advisory ALSA-1:1: release "2" of a is of no known release`,
		`{"advisories":[{"name":"RLSA-1:1","cves":[{"cve":"CVE-2031-0001"}],"packages":[{"nevra":"a.rpm"}]}]}`:            `x.json:1: advisory RLSA-1:1: package "a.rpm": want name-epoch:`,
		`{"advisories":[{"cves":[{"cve":"CVE-2031-0001"}]}]}`:                                                             "advisory : no name",
	} {
		changes, err := formattest.Changes(t, errata.Parse, "x.json", []byte(text))
		var said []string
		if err != nil {
			said = append(said, err.Error())
		}
		for _, c := range changes {
			for _, p := range c.Problems {
				said = append(said, p.Error())
			}
		}
		if got := strings.Join(said, "; "); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, samples...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, errata.Parse, "x.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, errata.Parse, samples...) }
