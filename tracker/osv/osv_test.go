package osv_test

import (
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/internal/testkit"
	"wontfix/tracker/osv"
)

var samples = []string{"osv-almalinux/*.json", "osv-alpine/*.json", "osv-debian/*.json", "osv-redhat/*.json", "osv-rocky/*.json",
	"osv-suse/*.json", "psf-osv/*.json", "curl-advisories/*.json", "ubuntu-osv/*.json", "ubuntu-osv/*/*.json"}

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, osv.Parse, samples...)
	for name, n := range map[string]int{
		// Counted in the files by hand or with jq.
		"osv-rocky/RLSA-2021_3891.json":                       10,
		"osv-debian/DSA-135.json":                             1,
		"osv-redhat/RHEA-2024:1870.json":                      0, // of a product that is put on a release
		"ubuntu-osv/UBUNTU-CVE-2014-9365.json":                1,
		"ubuntu-osv/vunnel/UBUNTU-CVE-2021-3782.json":         4,
		"curl-advisories/curl_advisory_mock1.json":            1,
		"psf-osv/PSF-2014-7.json":                             2,
		"ubuntu-osv/vunnel/UBUNTU-CVE-2013-2208.json":         1,
		"osv-suse/openSUSE-SU-2016:1623-1.json":               6, // of one CVE
		"ubuntu-osv/vunnel/UBUNTU-CVE-2020-36325.json":        1,
		"ubuntu-osv/vulnerablecode/UBUNTU-CVE-2005-1515.json": 4,
	} {
		got := 0
		for _, c := range all[name] {
			got += len(c.Entry.Statements)
		}
		if got != n {
			t.Errorf("%s: %d statements, want %d", name, got, n)
		}
	}
}

func release(stream, _ string) wontfix.Release {
	switch stream {
	case "Ubuntu:Pro:14.04:LTS":
		return wontfix.Release{Distribution: "ubuntu", Series: "trusty", Product: "pro"}
	case "all":
		return wontfix.Release{Distribution: "python-upstream"}
	}
	return wontfix.Release{}
}

func TestGolden(t *testing.T) {
	formattest.Golden(t, osv.Parse, "ubuntu-osv", release, nil)
	// The table has versions, which this document gives in its prose alone: its
	// range has the commits of the two branches.
	formattest.Golden(t, osv.Parse, "python-upstream", release, func(_ testkit.Golden, got string) bool {
		return slices.Contains([]string{"4ffb0752710f0c0720d4f2af0c4b7ce1ebb9d2bd", "e3e7d40514e5dd0c3847682a719577efcfae1d8f"}, got)
	})
}

func TestMapping(t *testing.T) {
	formattest.Mapping(t, osv.Parse, "osv", "debian-osv", "ubuntu-osv", "chainguard-osv-v3")
}

func parse(t *testing.T, text string) []wontfix.Change {
	t.Helper()
	changes, err := formattest.Changes(t, osv.Parse, "x.json", []byte(text))
	testkit.Must(t, err)
	return changes
}

// TestRanges wants a statement for each stretch of versions.
func TestRanges(t *testing.T) {
	for _, test := range []struct{ events, want string }{
		{`{"introduced":"0"},{"fixed":"2"}`, "fixed -2"},
		{`{"introduced":"1"},{"fixed":"2"},{"introduced":"3"},{"fixed":"4"}`, "fixed 1-2 fixed 3-4"},
		{`{"introduced":"1"},{"fixed":"2"},{"introduced":"3"}`, "fixed 1-2 affected-no-decision 3-"},
		{`{"introduced":"1"},{"last_affected":"2"}`, "affected-no-decision 1-=2"},
		{`{"introduced":"0"},{"limit":"2"}`, "affected-no-decision -"},
		{`{"fixed":"2"}`, "fixed -2"},
		{``, ""},
	} {
		changes := parse(t, `{"id":"ALPINE-CVE-2020-0001","affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[`+test.events+`]}]}]}`)
		var got []string
		for _, s := range changes[0].Entry.Statements {
			end := s.Fixed
			if s.LastAffected != "" {
				end = "=" + s.LastAffected
			}
			got = append(got, s.Decision.String()+" "+s.Introduced+"-"+end)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", test.events, got, test.want)
		}
	}
}

func TestReleases(t *testing.T) {
	for ecosystem, want := range map[string]string{
		"AlmaLinux:8":                              "almalinux/8",
		"Rocky Linux:9":                            "rocky/9",
		"Debian:12":                                "debian/bookworm",
		"Alpine:v3.11":                             "alpine/v3.11",
		"Alpine":                                   "alpine/edge",
		"Ubuntu:22.04:LTS":                         "ubuntu/jammy",
		"Ubuntu:24.10":                             "ubuntu/oracular",
		"Ubuntu:Pro:16.04:LTS":                     "ubuntu/xenial/pro",
		"Ubuntu:Pro:FIPS-updates:20.04:LTS":        "ubuntu/focal/fips-updates",
		"Red Hat:enterprise_linux:9::appstream":    "rhel/9",
		"Red Hat:enterprise_linux:10.0":            "rhel/10",
		"Red Hat:rhel_eus:8.8::baseos":             "rhel/8.8/eus",
		"SUSE:Linux Enterprise Server 15 SP5":      "sles/15.5",
		"SUSE:Linux Enterprise Server 12 SP2-LTSS": "sles/12.2/ltss",
		"SUSE:Linux Enterprise Module for Basesystem 15 SP5": "sles/15.5",
		"SUSE:Package Hub 12":                                "sles/12/packagehub",
		"openSUSE:Leap 15.5":                                 "opensuse-leap/15.5",
		"openSUSE:Tumbleweed":                                "opensuse-tumbleweed/rolling",
		"Wolfi":                                              "wolfi/rolling",
	} {
		changes := parse(t, `{"id":"X-1","upstream":["CVE-2020-0001"],"affected":[{"package":{"ecosystem":"`+ecosystem+`","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`)
		if len(changes[0].Entry.Statements) != 1 {
			t.Errorf("%s: %v", ecosystem, changes[0].Problems)
			continue
		}
		if got := changes[0].Entry.Statements[0].Release.String(); got != want {
			t.Errorf("%s: got %s, want %s", ecosystem, got, want)
		}
	}
}

// TestIDs wants aliases, upstream and related to be read, and what a document
// about one vulnerability merely relates to left alone.
func TestIDs(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`"id":"DSA-1-1","related":["CVE-2020-0001","CVE-2020-0002"]`, "CVE-2020-0001 CVE-2020-0002"},
		{`"id":"USN-1-1","upstream":["UBUNTU-CVE-2020-0001"],"related":["CVE-2020-0002"]`, "CVE-2020-0001 CVE-2020-0002"},
		{`"id":"UBUNTU-CVE-2020-0001","upstream":["CVE-2020-0001"],"related":["USN-1-1","CVE-2020-0002"]`, "CVE-2020-0001"},
		{`"id":"PSF-2020-1","aliases":["CVE-2020-0001","GHSA-x"]`, "CVE-2020-0001"},
		{`"id":"PSF-2020-1"`, "PSF-2020-1"},
		{`"id":"RHBA-2020:1"`, ""},
		{`"id":"ALSA-2020:1","related":["CVE-2020-1","CVE_2020_0001","xCVE-2020-00012"]`, "CVE-2020-00012"},
	} {
		var got []string
		for _, c := range parse(t, "{"+test.text+"}") {
			got = append(got, c.ID)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, "ubuntu-osv/*.json", "psf-osv/PSF-2014-7.json", "osv-debian/DSA-135.json", "curl-advisories/*1.json") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, osv.Parse, "x.json", text) })
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, osv.Parse, samples...) }
