package openvex

import (
	"encoding/json"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

func parse(t testing.TB, file string, text []byte) (entries []*wontfix.Entry, problems []wontfix.Problem) {
	t.Helper()
	for c, err := range Parse(file, text) {
		testkit.Must(t, err)
		problems = append(problems, c.Problems...)
		if c.Entry != nil {
			entries = append(entries, c.Entry)
		}
	}
	return entries, problems
}

func samples(t testing.TB) map[string][]byte {
	files := testkit.Samples(t, "vendors/ubuntu-vex", ".json")
	for name, text := range testkit.Samples(t, "vendors/openvex", "0.json") {
		files[name] = text
	}
	return files
}

func TestSamples(t *testing.T) {
	for name, text := range samples(t) {
		entries, problems := parse(t, name, text)
		for _, p := range problems {
			if !testkit.Explained(t, name, p.Line) {
				t.Error(p)
			}
		}
		n := 0
		for _, e := range entries {
			testkit.TraceJSON(t, text, e)
			n += len(e.Statements)
			for _, s := range e.Statements {
				if s.Binary && s.Release.Distribution == "ubuntu" {
					t.Errorf("%s:%d: a binary package beside its source: %+v", s.File, s.Line, s)
				}
			}
		}
		if want := strings.Count(string(text), "arch=source"); want > 0 && n < want {
			t.Errorf("%s: %d statements of %d source packages", name, n, want)
		}
	}
}

func TestGolden(t *testing.T) {
	files := testkit.Samples(t, "vendors/ubuntu-vex", ".json")
	for _, g := range testkit.GoldenRows(t, "ubuntu-vex") {
		text := files[strings.TrimPrefix(g.File, "ubuntu-vex/")]
		entries, _ := parse(t, g.File, text)
		if g.ID == "CVE-2023-38545" && g.Stream == "esm-infra-legacy/trusty" {
			// The row is at odds with the document: that lists xenial, and not
			// trusty, under "is no longer supported", and says of
			// esm-infra-legacy/trusty that it is not affected.
			g.Stream, g.Tier = "/xenial", ""
		}
		g.Check(t, text, entries)
	}
}

func TestMapping(t *testing.T) {
	for _, c := range testkit.MappingCases(t, "ubuntu-vex", "openvex", "openvex / csaf flag") {
		in := c.Inputs()
		product := "pkg:deb/ubuntu/pkg@1.2-3?arch=source&distro=" + in["distro"]
		s := map[string]any{"vulnerability": map[string]any{"name": "CVE-2020-0001"}, "products": []any{map[string]any{"@id": product}}}
		for _, name := range []string{"status", "justification", "action_statement", "impact_statement"} {
			if in[name] != "" {
				s[name] = in[name]
			}
		}
		text, err := json.MarshalIndent(map[string]any{"@context": "https://openvex.dev/ns/v0.2.0", "author": in["author"], "statements": []any{s}}, "", " ")
		testkit.Must(t, err)
		entries, problems := parse(t, "a.json", text)
		if len(entries) != 1 || len(problems) != 0 {
			t.Fatalf("mapping.tsv:%d: %d entries, %v", c.Line, len(entries), problems)
		}
		testkit.TraceJSON(t, text, entries[0])
		c.Check(t, entries[0])
		if got := entries[0].Statements[0]; got.Word != in["status"] || got.Source != "pkg" || got.Binary {
			t.Errorf("mapping.tsv:%d: got %+v", c.Line, got)
		}
	}
}

func TestForms(t *testing.T) {
	const text = `{"@context":"https://openvex.dev/ns","timestamp":"2023-01-02T03:04:05Z","statements":[
{"vulnerability":"CVE-2020-0001","products":["pkg:apk/wolfi/git@2.39.0-r1?arch=x86_64"],"status":"fixed"},
{"vulnerability":{"name":"GHSA-aaaa-bbbb-cccc","aliases":["CVE-2020-0002","https://example.com/a"]},
 "products":[{"@id":"https://example.com/app","subcomponents":[
  {"@id":"pkg:golang/example.com/lib@v1"},
  {"identifiers":{"purl":"pkg:rpm/redhat/openssl@3.0-1?arch=src"}}]}],
 "status":"not_affected","impact_statement":"Intended behaviour.","timestamp":"2023-05-06T00:00:00Z"},
{"vulnerability":{"name":"x"},"products":["a"],"status":"fixed"},
{"vulnerability":"CVE-2020-0003","products":["a"],"status":"perhaps"},
{"vulnerability":"CVE-2020-0003","status":"affected"}]}`
	entries, problems := parse(t, "a.json", []byte(text))
	if len(entries) != 2 || len(problems) != 3 || problems[0].Line != 8 || problems[1].Line != 9 || problems[2].Line != 10 {
		t.Fatalf("got %d entries, problems %v", len(entries), problems)
	}
	for _, e := range entries {
		testkit.TraceJSON(t, []byte(text), e)
	}
	s := entries[0].Statements[0]
	if s.Source != "git" || !s.Binary || s.Release.String() != "wolfi" || s.Fixed != "2.39.0-r1" || s.Decided != "2023-01-02" {
		t.Errorf("version 0.0.1: got %+v", s)
	}
	e := entries[1]
	if e.ID != "CVE-2020-0002" || len(e.Aliases) != 1 || e.Aliases[0] != "GHSA-aaaa-bbbb-cccc" || len(e.Statements) != 2 {
		t.Fatalf("got %+v", e)
	}
	lib, rpm := e.Statements[0], e.Statements[1]
	if lib.Source != "example.com/lib" || lib.Release.String() != "golang" || lib.Label != "https://example.com/app" || lib.Line != 5 || lib.Decided != "2023-05-06" ||
		lib.Reasons != wontfix.Disputed || lib.Evidence != wontfix.EvidenceBracket {
		t.Errorf("got %+v", lib)
	}
	if rpm.Source != "openssl" || rpm.Binary || rpm.Release.String() != "rhel" || rpm.Pointer != "/statements/1/products/0/subcomponents/1" {
		t.Errorf("got %+v", rpm)
	}
}

func TestNoDocument(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "a.json: document: ",
		"{}":                            "no @context",
		`{"@context":"openvex"}`:        "with statements",
		`{"statements":[]}`:             "no @context",
		"{\"@context\":\n\n\"openvex\"": "line 3",
	} {
		for c, err := range Parse("a.json", []byte(text)) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %+v, %v, want %q", text, c, err, want)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"metadata":{"@context":"https://openvex.dev/ns","author":"Canonical Ltd."},"statements":[{"vulnerability":{"name":"CVE-2020-0001"},
"products":[{"@id":"pkg:deb/ubuntu/a@1?arch=source&distro=esm-infra/xenial"}],"status":"affected","action_statement":"decided to not fix it CVE Notes / justification: intrusive"}]}`))
	f.Add([]byte(`{"@context":"openvex","statements":[{"vulnerability":"CVE-2020-0001","products":["pkg:oci/a@sha256:0","x"],"status":"not_affected"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for c, err := range Parse("a.json", text) {
			if err != nil {
				return
			}
			if c.Entry != nil {
				testkit.TraceJSON(t, text, c.Entry)
			} else if len(c.Problems) == 0 {
				t.Error("neither an entry nor a problem")
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	files := samples(b)
	bytes, statements := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for name, text := range files {
			for c, err := range Parse(name, text) {
				testkit.Must(b, err)
				if c.Entry != nil {
					statements += len(c.Entry.Statements)
				}
			}
			bytes += len(text)
		}
	}
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
}
