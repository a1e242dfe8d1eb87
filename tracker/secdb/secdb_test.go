package secdb_test

import (
	"iter"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/internal/testkit"
	"wontfix/tracker/secdb"
)

var samples = []string{"alpine-secdb/*.yaml", "alpine-secdb/*.json"}

// parse takes a document for what it is by its name.
func parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	switch {
	case strings.Contains(file, "reject"):
		return secdb.ParseRejections(file, text)
	case strings.Contains(file, "unfixed"):
		return secdb.ParseState(file, text)
	}
	return secdb.Parse(file, text)
}

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, parse, append(samples, "alpine-unfixed/*.json")...)
	for name, changes := range all {
		if len(changes) == 0 && name != "alpine-secdb/v3.3-community.yaml" { // which has no package
			t.Errorf("%s: no entry", name)
		}
	}
	if got := len(all["alpine-unfixed/CVE-2019-1003051.json"][0].Entry.Statements); got != 3 {
		t.Errorf("%d open states, want 3", got)
	}
}

func TestGolden(t *testing.T) {
	formattest.Golden(t, parse, "alpine", func(stream, _ string) wontfix.Release {
		return wontfix.Release{Distribution: "alpine", Series: stream}
	}, nil)
}

func TestMapping(t *testing.T) { formattest.Mapping(t, parse, "alpine", "wolfi-secdb") }

// TestIDs wants what is beside an ID to be kept and junk to be reported.
func TestIDs(t *testing.T) {
	text := `distroversion: v3.20
reponame: main
packages:
  - pkg:
      name: xen
      secfixes:
        4.0-r1:
          - CVE-2031-0001 XSA-1
          - CVE-2031-0002 (+ CVE-2031-0003)
          - CVE_2031_0004
          - XSA-2
          - CVE-2031-0001
`
	changes, err := formattest.Changes(t, parse, "main.yaml", []byte(text))
	testkit.Must(t, err)
	var got []string
	for _, c := range changes {
		got = append(got, c.ID+"="+strings.Join(c.Entry.Aliases, ","))
		if len(c.Entry.Statements) != 1 {
			t.Errorf("%s: %d statements", c.ID, len(c.Entry.Statements))
		}
	}
	if s := strings.Join(got, " "); s != "CVE-2031-0001=XSA-1 CVE-2031-0002= CVE-2031-0003= XSA-2=" {
		t.Errorf("got %s", s)
	}
	if p := changes[0].Problems; len(p) != 1 || p[0].Line != 10 || !strings.Contains(p[0].Text, "CVE_2031_0004") {
		t.Errorf("problems %v", p)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{":                     "line 1",
		"a: [":                  "yaml",
		"packages: []":          "no known release",
		"{}":                    "no packages",
		"x: &a [*a]":            "no packages",
		`{"id":"x","state":[]}`: "no packages",
		`{"packages":[],"reponame":"main","distroversion":"v3/x"}`: "no known release",
	} {
		_, err := formattest.Changes(t, parse, "main.json", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParse wants every statement of any text to be traceable, whichever kind
// of document it is taken for.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, "alpine-secdb/json-v3.2-main.json", "alpine-secdb/v3.3-community.yaml", "alpine-unfixed/*.json") {
		f.Add(text)
	}
	f.Add([]byte("curl:\n  - CVE-2031-0001\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{"x", "unfixed", "reject"} {
			formattest.Changes(t, parse, name, text)
		}
	})
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, secdb.Parse, samples...) }
