package csaf

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// publishers are the folders of samples and who they are from.
var publishers = map[string]*Publisher{
	"redhat-vex-v1": RedHat, "redhat-vex-v2": RedHat, "redhat-csaf-advisory": RedHat,
	"suse-csaf-vex": SUSE, "suse-csaf-advisory": SUSE,
}

// sample is a document of the corpus.
type sample struct {
	name      string
	text      []byte
	publisher *Publisher
}

// samplesRead are the samples that a test has read before.
var samplesRead = make(map[string][]sample)

func samples(t testing.TB, folders ...string) []sample {
	t.Helper()
	var list []sample
	for _, folder := range folders {
		if known, ok := samplesRead[folder]; ok {
			list = append(list, known...)
			continue
		}
		first := len(list)
		for name, text := range testkit.Samples(t, "vendors/"+folder, ".json", ".json.xz") {
			list = append(list, sample{folder + "/" + name, text, publishers[folder]})
		}
		samplesRead[folder] = slices.Clone(list[first:])
	}
	slices.SortFunc(list, func(a, b sample) int { return strings.Compare(a.name, b.name) })
	return list
}

func allSamples(t testing.TB) []sample {
	return samples(t, "redhat-vex-v1", "redhat-vex-v2", "redhat-csaf-advisory", "suse-csaf-vex", "suse-csaf-advisory")
}

func parse(t testing.TB, p *Publisher, file string, text []byte) []wontfix.Change {
	t.Helper()
	var changes []wontfix.Change
	for c, err := range p.Parse(file, text) {
		testkit.Must(t, err)
		changes = append(changes, c)
	}
	return changes
}

// TestSamples wants every document of the corpus to be read, every statement
// to be traced to its product ID, and no more than the listed problems.
func TestSamples(t *testing.T) {
	explained, err := os.ReadFile("testdata/problems.tsv")
	testkit.Must(t, err)
	for _, s := range allSamples(t) {
		ids := 0
		statements := 0
		for _, c := range parse(t, s.publisher, s.name, s.text) {
			for _, p := range c.Problems {
				if !strings.Contains(string(explained), s.name+"\t") {
					t.Errorf("%v", p)
				}
			}
			if c.Entry != nil {
				trace(t, s.text, c.Entry)
				statements += len(c.Entry.Statements)
			}
		}
		var whole struct {
			Vulnerabilities []struct {
				Status map[string][]string `json:"product_status"`
			}
		}
		testkit.Must(t, json.Unmarshal(s.text, &whole))
		for _, v := range whole.Vulnerabilities {
			for _, list := range v.Status {
				ids += len(list)
			}
		}
		if ids > 0 && statements == 0 {
			t.Errorf("%s: %d product IDs and no statement", s.name, ids)
		}
		t.Logf("%s: %d product IDs, %d statements", s.name, ids, statements)
	}
}

// trace wants the pointer and the line of each statement to lead to where it
// is said, and its words to be words of the text.
func trace(t *testing.T, text []byte, e *wontfix.Entry) {
	t.Helper()
	var whole any
	testkit.Must(t, json.Unmarshal(text, &whole))
	lines := strings.Split(string(text), "\n")
	for i := range e.Statements {
		s := &e.Statements[i]
		id, ok := testkit.Pointer(whole, s.Pointer).(string)
		written, err := json.Marshal(id)
		testkit.Must(t, err)
		switch {
		case !ok || s.Line < 1 || s.Line > len(lines):
			t.Fatalf("%s: %s of line %d leads to no product ID", s.File, s.Pointer, s.Line)
		case !strings.ContainsAny(string(written), `\`) && !strings.Contains(lines[s.Line-1], string(written)):
			t.Fatalf("%s:%d: the line has no %s", s.File, s.Line, written)
		case s.Word == "" || s.Source == "" || s.File == "" || s.Release.Distribution == "":
			t.Fatalf("%s:%d: statement %+v", s.File, s.Line, s)
		case s.Reasons.Has(wontfix.NoReason) && s.Reasons != wontfix.NoReason,
			s.Evidence != wontfix.EvidenceNone && (s.EvidenceLine < 1 || s.EvidenceLine > len(lines)),
			s.Decision == wontfix.DecisionUnknown:
			t.Fatalf("%s:%d: meaning %+v", s.File, s.Line, s.Meaning)
		}
		if back, err := wontfix.ParseRelease(s.Release.String()); err != nil || back != s.Release {
			t.Fatalf("%s:%d: release %+v cannot be written down", s.File, s.Line, s.Release)
		}
	}
}

func TestGolden(t *testing.T) {
	for _, vendor := range []string{"redhat", "suse"} {
		for _, g := range testkit.GoldenRows(t, vendor) {
			folder, _, _ := strings.Cut(g.File, "/")
			p := publishers[folder]
			if p == nil {
				continue // of another format
			}
			list := samples(t, folder)
			at := slices.IndexFunc(list, func(s sample) bool { return s.name == strings.TrimSuffix(g.File, ".xz") })
			if at < 0 {
				t.Fatalf("%s is not there", g.File)
			}
			checkGolden(t, &g, list[at])
		}
	}
}

func checkGolden(t *testing.T, g *testkit.Golden, s sample) {
	t.Helper()
	d, series, product := g.Release()
	want := wontfix.Release{Distribution: d, Series: series, Product: product}
	var near []string
	for _, c := range parse(t, s.publisher, s.name, s.text) {
		for _, got := range c.Entry.Statements {
			if got.Source != g.Package || c.ID != g.ID {
				continue
			}
			near = append(near, fmt.Sprintf("%s %s %s %s %s", got.Release, got.Decision, got.Strength, got.Reasons, got.Fixed))
			if got.Release == want && got.Decision.String() == g.Decision && got.Strength.String() == g.Strength &&
				testkit.SameWords(got.Reasons.Words(), g.Reasons) && got.Fixed == g.Fixed && strings.Contains(string(s.text), g.Words) {
				return
			}
		}
		if g.Package == "-" && c.ID == g.ID && len(c.Entry.Statements) == 0 {
			return
		}
	}
	t.Errorf("GOLDEN.tsv:%d: no statement %s %s %s %s %s %s; there are\n%s", g.Line, want, g.Package, g.Decision, g.Strength, g.Reasons, g.Fixed, strings.Join(near, "\n"))
}

// TestMapping asks each row of testdata/mapping.tsv of a document that is made
// for it.
func TestMapping(t *testing.T) {
	cases := testkit.MappingCases(t, "csaf", "redhat-vex", "redhat-csaf-advisory / osv", "suse-vex", "openvex / csaf flag")
	for _, c := range cases {
		in := make(map[string]string)
		for _, part := range strings.Split(c.Input, ";") {
			k, v, _ := strings.Cut(part, "=")
			in[k] = v
		}
		publisher := map[string]*Publisher{"redhat": RedHat, "suse": SUSE}[in["publisher"]]
		if publisher == nil {
			publisher = Other(in["publisher"])
		}
		text := documentOf(t, in)
		changes := parse(t, publisher, "a.json", text)
		if len(changes) != 1 {
			t.Fatalf("mapping.tsv:%d: %d changes", c.Line, len(changes))
		}
		e := changes[0].Entry
		trace(t, text, e)
		if c.Decision == "-" {
			if len(e.Statements) > 0 {
				t.Errorf("mapping.tsv:%d: got %+v, want no statement", c.Line, e.Statements)
			}
			continue
		}
		if len(e.Statements) != 1 {
			t.Fatalf("mapping.tsv:%d: %d statements", c.Line, len(e.Statements))
		}
		s := e.Statements[0]
		if s.Decision.String() != c.Decision || s.Strength.String() != c.Strength || s.Reasons.String() != c.Reasons {
			t.Errorf("mapping.tsv:%d: got %s %s %s, want %s %s %s", c.Line, s.Decision, s.Strength, s.Reasons, c.Decision, c.Strength, c.Reasons)
		}
		if e.Mitigation != in["mitigation"] || s.Advisory != in["advisory"] || !strings.Contains(c.Input, "="+s.Word) || s.Detail != "" && !strings.Contains(c.Input, "="+s.Detail) {
			t.Errorf("mapping.tsv:%d: mitigation %q, advisory %q, word %q, detail %q", c.Line, e.Mitigation, s.Advisory, s.Word, s.Detail)
		}
	}
}

// documentOf makes a document of one product and one vulnerability.
func documentOf(t *testing.T, in map[string]string) []byte {
	const id = "platform:pkg"
	component := map[string]any{"product_id": "pkg-1.2-3.src", "name": "pkg-1.2-3.src"}
	if in["publisher"] != "suse" {
		component["product_identification_helper"] = map[string]any{"purl": "pkg:rpm/" + in["publisher"] + "/pkg@1.2-3?arch=src"}
	}
	category := in["document"]
	if category == "" {
		category = "csaf_vex"
	}
	d := map[string]any{
		"document": map[string]any{"category": category, "tracking": map[string]any{"id": "DOC-1"}},
		"product_tree": map[string]any{
			"branches": []any{
				map[string]any{"category": "product_name", "name": "P", "product": map[string]any{"product_id": "platform", "name": "P",
					"product_identification_helper": map[string]any{"cpe": in["cpe"]}}},
				map[string]any{"category": "product_version", "name": "pkg", "product": component},
			},
			"relationships": []any{map[string]any{"category": "default_component_of", "product_reference": "pkg-1.2-3.src",
				"relates_to_product_reference": "platform", "full_product_name": map[string]any{"product_id": id, "name": "pkg"}}},
		},
	}
	v := map[string]any{"cve": "CVE-2020-0001"}
	if in["status"] != "" {
		v["product_status"] = map[string]any{in["status"]: []string{id}}
	}
	if in["category"] != "" {
		v["remediations"] = []any{map[string]any{"category": in["category"], "details": in["details"], "product_ids": []string{id}, "url": in["url"]}}
	}
	if in["flag"] != "" {
		v["flags"] = []any{map[string]any{"label": in["flag"], "product_ids": []string{id}}}
	}
	if in["note"] != "" {
		v["notes"] = []any{map[string]any{"category": "other", "title": "Statement", "text": in["note"]}}
	}
	if category == "none" {
		d["document"] = map[string]any{"category": "csaf_vex", "tracking": map[string]any{"id": "CVE-2020-0001"}}
	} else {
		d["vulnerabilities"] = []any{v}
	}
	text, err := json.MarshalIndent(d, "", " ")
	testkit.Must(t, err)
	return text
}

func TestNoDocument(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "a.json: document: line 1: ",
		"[]":                                "no JSON object",
		"{}":                                "member document is missing",
		"{\"document\":{},\n\"x\":}":        "line 2",
		"{\"document\":{}} {}":              "behind the document",
		"{\"document\":{},\n\"vuln":         "line 2",
		"{\"document\": {\"x\": \"\xff\"}}": "line 1",
	} {
		var got error
		for c, err := range RedHat.Parse("a.json", []byte(text)) {
			if got = err; err == nil {
				t.Errorf("%q: got %+v", text, c)
			}
		}
		if got == nil || !strings.Contains(got.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, got, want)
		}
	}
	deep := `{"document":{},"product_tree":{"branches":` + strings.Repeat(`[{"branches":`, 100) + "[]" + strings.Repeat("}]", 100) + "}}"
	for _, err := range RedHat.Parse("a.json", []byte(deep)) {
		if err == nil || !strings.Contains(err.Error(), "nested too deep") {
			t.Errorf("branches 100 deep: got %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, in := range []map[string]string{
		{"publisher": "redhat", "cpe": "cpe:/o:redhat:enterprise_linux:9", "status": "known_affected", "category": "no_fix_planned", "details": "Will not fix"},
		{"publisher": "suse", "cpe": "cpe:/o:suse:sles:15:sp5", "status": "recommended", "category": "vendor_fix"},
	} {
		f.Add(documentOf(&testing.T{}, in))
	}
	for _, file := range []string{`{"document":{"tracking":{"id":"CVE-2020-0001"}}}`, `{"vulnerabilities":[{"cve":"x"}],"document":{}}`} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, p := range []*Publisher{RedHat, SUSE, Other("x")} {
			for c, err := range p.Parse("a.json", text) {
				if err != nil {
					if json.Valid(text) && strings.Contains(err.Error(), "EOF") {
						t.Errorf("%v of valid JSON", err)
					}
					continue
				}
				if c.Entry == nil {
					if len(c.Problems) == 0 {
						t.Error("neither an entry nor a problem")
					}
					continue
				}
				if json.Valid(text) && path.Base(c.File) == "a.json" {
					trace(t, text, c.Entry)
				}
			}
		}
	})
}
