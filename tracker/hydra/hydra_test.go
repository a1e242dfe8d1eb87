package hydra

import (
	"encoding/json"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

const folder = "redhat-hydra/"

func parse(file string, text []byte) (wontfix.Change, error) {
	for c, err := range Parse(file, text) {
		return c, err
	}
	return wontfix.Change{}, nil
}

// TestSamples wants each statement of each document to be traced, and each
// element of the document to be told by a statement.
func TestSamples(t *testing.T) {
	for name, text := range testkit.Samples(t, "vendors/"+folder, ".json") {
		c, err := parse(name, text)
		if err != nil {
			if !testkit.Explained(t, name, 0) {
				t.Error(err)
			}
			continue
		}
		for _, p := range c.Problems {
			if !testkit.Explained(t, name, p.Line) {
				t.Error(p)
			}
		}
		testkit.TraceJSON(t, text, c.Entry)
		var whole struct {
			States []struct {
				State   string `json:"fix_state"`
				Package string `json:"package_name"`
				Product string `json:"product_name"`
			} `json:"package_state"`
			Fixes []struct{ Advisory, Package string } `json:"affected_release"`
		}
		testkit.Must(t, json.Unmarshal(text, &whole))
		for _, w := range whole.States {
			if !has(c.Entry, func(s *wontfix.Statement) bool {
				return s.Word == w.State && strings.HasSuffix(w.Package, s.Source) && s.Label == w.Product
			}) {
				t.Errorf("%s: no statement for %+v", name, w)
			}
		}
		for _, w := range whole.Fixes {
			if !has(c.Entry, func(s *wontfix.Statement) bool {
				return s.Advisory == w.Advisory && (w.Package == "" || s.Source != "" && strings.HasPrefix(w.Package, s.Source) && strings.HasSuffix("0:"+w.Package, s.Fixed))
			}) && !strings.Contains(w.Package, "-") {
				t.Errorf("%s: no statement for %+v", name, w)
			}
		}
	}
}

func has(e *wontfix.Entry, is func(*wontfix.Statement) bool) bool {
	for i := range e.Statements {
		if is(&e.Statements[i]) {
			return true
		}
	}
	return false
}

func TestGolden(t *testing.T) {
	files := testkit.Samples(t, "vendors/"+folder, ".json")
	n := 0
	for _, g := range testkit.GoldenRows(t, "redhat") {
		name, ok := strings.CutPrefix(g.File, folder)
		if !ok {
			continue
		}
		n++
		c, err := parse(name, files[name])
		testkit.Must(t, err)
		g.Check(t, files[name], []*wontfix.Entry{c.Entry})
	}
	if n == 0 {
		t.Error("the table has no row of this format")
	}
}

func TestMapping(t *testing.T) {
	for _, c := range testkit.MappingCases(t, "redhat-hydra") {
		in := c.Inputs()
		d := map[string]any{"name": "CVE-2020-0001", "statement": in["statement"]}
		if in["state"] != "" {
			d["package_state"] = []any{map[string]any{"fix_state": in["state"], "package_name": "m:1/pkg", "cpe": "cpe:/o:redhat:enterprise_linux:8"}}
		} else {
			d["affected_release"] = []any{map[string]any{"package": "pkg-0:1.2-3.el8", "cpe": in["released"], "advisory": "RHSA-2020:1"}}
		}
		text, err := json.MarshalIndent(d, "", " ")
		testkit.Must(t, err)
		change, err := parse("a.json", text)
		testkit.Must(t, err)
		testkit.TraceJSON(t, text, change.Entry)
		c.Check(t, change.Entry)
		if s := change.Entry.Statements[0]; s.Source != "pkg" || in["state"] != "" && (s.Word != in["state"] || s.Module != "m:1") || in["state"] == "" && s.Fixed != "0:1.2-3.el8" {
			t.Errorf("mapping.tsv:%d: got %+v", c.Line, s)
		}
	}
}

func TestPackage(t *testing.T) {
	for text, want := range map[string][3]string{
		"python-0:2.7.5-58.el7":                 {"python", "", "0:2.7.5-58.el7"},
		"pidgin-1.5.1-4.el3":                    {"pidgin", "", "0:1.5.1-4.el3"},
		"nodejs:18-8080020231012:9f23":          {"nodejs", "nodejs:18", ""},
		"openshift4/ose-console:v4.12.0-202301": {"openshift4/ose-console", "", "v4.12.0-202301"},
		"openshift4/ose-console":                {"openshift4/ose-console", "", ""},
		"":                                      {},
	} {
		source, module, fixed := readPackage(text)
		if got := [3]string{source, module, fixed}; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		"":                "a.json: document: ",
		"[]":              "its member name is",
		`{"name":"x"}`:    "no CVE ID",
		"{\n\"name\":\n}": "line 3",
	} {
		if c, err := parse("a.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v; want %q", text, c, err, want)
		}
	}
	c, err := parse("a.json", []byte(`{"name":"CVE-2020-0001",
		"package_state":[{"fix_state":"Perhaps","package_name":"p"},
		{"fix_state":"Affected"}],"affected_release":[
		{}]}`))
	testkit.Must(t, err)
	if len(c.Entry.Statements) != 0 || len(c.Problems) != 3 || c.Problems[0].Line != 4 || !strings.Contains(c.Problems[1].Text, `"Perhaps"`) {
		t.Errorf("got %+v, problems %v", c.Entry.Statements, c.Problems)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"CVE-2020-0001","statement":"too intrusive","package_state":[{"fix_state":"Will not fix","package_name":"p","cpe":"cpe:/o:redhat:enterprise_linux:8"}]}`))
	f.Add([]byte(`{"name":"CVE-2020-0001","affected_release":[{"package":"a-1-2","product_name":"x","release_date":"2020-01-01T"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := parse("a.json", text); err == nil {
			testkit.TraceJSON(t, text, c.Entry)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	files := testkit.Samples(b, "vendors/"+folder, ".json")
	bytes, statements := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for name, text := range files {
			if c, err := parse(name, text); err == nil {
				statements += len(c.Entry.Statements)
			}
			bytes += len(text)
		}
	}
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
}
