package cyclonedx

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

func TestSamples(t *testing.T) {
	for name, text := range testkit.Samples(t, "vendors/cyclonedx", ".json") {
		entries, problems := parse(t, name, text)
		for _, p := range problems {
			if !testkit.Explained(t, name, p.Line) {
				t.Error(p)
			}
		}
		if len(entries) != 1 || len(entries[0].Statements) != 1 {
			t.Fatalf("%s: %d entries", name, len(entries))
		}
		testkit.TraceJSON(t, text, entries[0])
		e, s := entries[0], entries[0].Statements[0]
		if e.ID != "CVE-2018-7489" || len(e.Aliases) != 1 || s.Source != "com.fasterxml.jackson.core/jackson-databind" || s.Release.String() != "maven" ||
			s.Decision != wontfix.DecisionWithdrawn && s.Decision != wontfix.DecisionNotAffected || s.Reasons != wontfix.NotExploitableHere || s.Decided != "2022-02-01" {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestMapping(t *testing.T) {
	for _, c := range testkit.MappingCases(t, "cyclonedx") {
		in := c.Inputs()
		analysis := map[string]any{}
		for _, name := range []string{"state", "justification", "detail"} {
			if in[name] != "" {
				analysis[name] = in[name]
			}
		}
		if in["response"] != "" {
			analysis["response"] = strings.Split(in["response"], ",")
		}
		text, err := json.MarshalIndent(map[string]any{"bomFormat": "CycloneDX",
			"components":      []any{map[string]any{"bom-ref": "c", "name": "pkg", "version": "1.2"}},
			"vulnerabilities": []any{map[string]any{"id": "CVE-2020-0001", "analysis": analysis, "affects": []any{map[string]any{"ref": "c"}}}}}, "", " ")
		testkit.Must(t, err)
		entries, problems := parse(t, "a.json", text)
		if len(entries) != 1 || len(problems) != 0 {
			t.Fatalf("mapping.tsv:%d: %d entries, %v", c.Line, len(entries), problems)
		}
		testkit.TraceJSON(t, text, entries[0])
		c.Check(t, entries[0])
		if w := entries[0].Statements[0].Word; !strings.Contains(c.Input, w) {
			t.Errorf("mapping.tsv:%d: the word is %q", c.Line, w)
		}

		// The same in the other form of document.
		x := "<bom xmlns='http://cyclonedx.org/schema/bom/1.6'><components><component bom-ref='c'><name>pkg</name><version>1.2</version></component></components>\n" +
			"<vulnerabilities><vulnerability bom-ref='v'><id>CVE-2020-0001</id><analysis>"
		for _, name := range []string{"state", "justification", "detail"} {
			if in[name] != "" {
				x += "<" + name + ">" + in[name] + "</" + name + ">"
			}
		}
		x += "<responses>"
		for r := range strings.SplitSeq(in["response"], ",") {
			x += "<response>" + r + "</response>"
		}
		x += "</responses></analysis>\n<affects>\n<target><ref>c</ref></target></affects></vulnerability></vulnerabilities></bom>"
		other, problems := parse(t, "a.xml", []byte(x))
		if len(other) != 1 || len(problems) != 0 {
			t.Fatalf("mapping.tsv:%d: %d entries of XML, %v", c.Line, len(other), problems)
		}
		c.Check(t, other[0])
		if s := other[0].Statements[0]; s.Line != 4 || s.Pointer != "v" || s.Source != "pkg" {
			t.Errorf("mapping.tsv:%d: XML: %+v", c.Line, s)
		}
	}
}

func TestReferences(t *testing.T) {
	const text = `{"bomFormat":"CycloneDX","metadata":{"component":{"name":"app","version":"7"}},
"components":[{"bom-ref":"a","group":"g","name":"n","components":[{"bom-ref":"b","name":"inner","purl":"pkg:deb/debian/curl@7-1?arch=amd64&distro=bookworm"}]}],
"vulnerabilities":[
{"id":"CVE-2020-0001","analysis":{"state":"resolved"},"affects":[
 {"ref":"a"},
 {"ref":"b","versions":[{"range":"vers:deb/>=5|<7-1","status":"affected"}]},
 {"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#b"},
 {"ref":"pkg:rpm/suse/zlib@1?arch=src"},
 {"ref":"unknown"}]},
{"id":"CVE-2020-0002","analysis":{"state":"exploitable","response":["update"]},"affects":[{"ref":"a","versions":[
 {"version":"3","status":"unaffected"},{"range":"vers:generic/<3","status":"affected"}]}]},
{"id":"CVE-2020-0003","analysis":{"state":"exploitable"}},
{"id":"CVE-2020-0004","affects":[{"ref":"a"}]},
{"id":"CVE-2020-0005","analysis":{"state":"perhaps"}},
{"id":"CVE-2020-0006","rejected":"2021-01-01","analysis":{"state":"exploitable"}},
{"id":"x","analysis":{"state":"exploitable"}}]}`
	entries, problems := parse(t, "a.json", []byte(text))
	if len(entries) != 4 || len(problems) != 2 || problems[0].Line != 14 || problems[1].Line != 16 {
		t.Fatalf("got %d entries, problems %v", len(entries), problems)
	}
	var got []string
	for _, e := range entries {
		testkit.TraceJSON(t, []byte(text), e)
		for _, s := range e.Statements {
			got = append(got, strings.Join([]string{s.Release.String(), s.Source, s.Introduced, s.Fixed, s.Decision.String()}, " "))
		}
	}
	want := []string{"cyclonedx g/n   fixed", "debian/bookworm curl  7-1 fixed", "debian/bookworm curl  7-1 fixed", "sles zlib  1 fixed", "cyclonedx unknown   fixed",
		"cyclonedx g/n  3 fixed", "cyclonedx app   affected-no-decision", "cyclonedx app   withdrawn"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNoDocument(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "a: document: ",
		"{}":                 "bomFormat",
		"{\"bomFormat\":\n}": "line 2",
		"<bom/>":             "name space",
		"<bom xmlns='cyclonedx.org/schema/bom'>\n<component></bom>": "line 2",
	} {
		n := 0
		for c, err := range Parse("a", []byte(text)) {
			if n++; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %+v, %v, want %q", text, c, err, want)
			}
		}
		if n != 1 {
			t.Errorf("%q: %d results", text, n)
		}
	}
}

// FuzzParse wants every statement to be traced, in JSON by its pointer, in XML
// by its line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"bomFormat":"CycloneDX","components":[{"bom-ref":"c","name":"p"}],"vulnerabilities":[{"id":"CVE-2020-0001","analysis":{"state":"exploitable","response":["will_not_fix"],"detail":"intrusive"},"affects":[{"ref":"c","versions":[{"range":"vers:deb/<1"}]}]}]}`))
	f.Add([]byte("<bom xmlns='http://cyclonedx.org/schema/bom/1.6'>\n<vulnerability><id>CVE-2020-0001</id><analysis><state>resolved</state></analysis><affects>\n<target><ref>pkg:deb/debian/a@1</ref></target></affects></vulnerability></bom>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Split(string(text), "\n")
		for c, err := range Parse("a", text) {
			switch {
			case err != nil:
				return
			case c.Entry == nil:
				if len(c.Problems) == 0 {
					t.Error("neither an entry nor a problem")
				}
			case json.Valid(text):
				testkit.TraceJSON(t, text, c.Entry)
			default:
				for _, s := range c.Entry.Statements {
					if s.Line < 1 || s.Line > len(lines) || !strings.Contains(lines[s.Line-1], "<") && !strings.Contains(lines[s.Line-1], "{") {
						t.Errorf("statement in line %d", s.Line)
					}
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	files := testkit.Samples(b, "vendors/cyclonedx", ".json")
	bytes, statements := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for name, text := range files {
			entries, _ := parse(b, name, text)
			for _, e := range entries {
				statements += len(e.Statements)
			}
			bytes += len(text)
		}
	}
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
}
