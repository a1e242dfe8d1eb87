package csaf

import (
	"encoding/json"
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
	for _, s := range allSamples(t) {
		ids := 0
		statements := 0
		for _, c := range parse(t, s.publisher, s.name, s.text) {
			for _, p := range c.Problems {
				if !testkit.Explained(t, s.name, p.Line) {
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

// trace wants each statement to lead to a product ID.
func trace(t *testing.T, text []byte, e *wontfix.Entry) {
	t.Helper()
	for i, v := range testkit.TraceJSON(t, text, e) {
		if _, ok := v.(string); !ok {
			t.Errorf("%s leads to %v", e.Statements[i].Pointer, v)
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
			var entries []*wontfix.Entry
			for _, c := range parse(t, p, list[at].name, list[at].text) {
				entries = append(entries, c.Entry)
			}
			g.Check(t, list[at].text, entries)
		}
	}
}

// TestMapping asks each row of testdata/mapping.tsv of a document that is made
// for it.
func TestMapping(t *testing.T) {
	cases := testkit.MappingCases(t, "csaf", "redhat-vex", "redhat-csaf-advisory / osv", "suse-vex", "openvex / csaf flag")
	for _, c := range cases {
		in := c.Inputs()
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
		c.Check(t, e)
		for _, s := range e.Statements {
			if e.Mitigation != in["mitigation"] || s.Advisory != in["advisory"] || !strings.Contains(c.Input, "="+s.Word) {
				t.Errorf("mapping.tsv:%d: mitigation %q, advisory %q, word %q", c.Line, e.Mitigation, s.Advisory, s.Word)
			}
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

// TestOther reads a document in the way of a maker of devices: no
// relationships, versions as branches, groups, vulnerabilities before the
// products, and no CVE.
func TestOther(t *testing.T) {
	const text = `{"vulnerabilities":[
{"ids":[{"system_name":"x","text":"ACME-2024-7"}],
 "notes":[{"category":"details","text":"A patch would be too invasive."}],
 "product_status":{"known_affected":["A-1","A-2"],"known_not_affected":["B"],"last_affected":["C"],"unknown":["D"]},
 "remediations":[{"category":"none_available","details":"None yet.","product_ids":["A-1"]},
  {"category":"no_fix_planned","details":"It is at its end of life.","group_ids":["G"]},
  {"category":"mitigation","details":"Pull the plug.","product_ids":["A-1"]},
  {"category":"vendor_fix","details":"Update.","product_ids":["C"],"date":"2024-05-06T00:00:00Z","url":"https://example.com/ACME-SA-1"}],
 "threats":[{"category":"impact","details":"The vulnerable code is not reachable.","product_ids":["B"]}]},
{"cve":"CVE-24-1"}],
"document":{"category":"csaf_vex","tracking":{"id":"ACME-SA-1"}},
"product_tree":{"product_groups":[{"group_id":"G","product_ids":["A-1","A-2"]}],
 "branches":[{"name":"ACME","category":"vendor","branches":[{"category":"product_name","name":"Router","branches":[
  {"category":"product_version","name":"1.0","product":{"product_id":"A-1","name":"Router 1.0"}},
  {"category":"product_version","name":"2.0","product":{"product_id":"A-2","name":"Router 2.0","product_identification_helper":{"purl":"pkg:deb/debian/router@2.0?arch=source&distro=bookworm"}}}]}]}],
 "full_product_names":[{"product_id":"B","name":"Switch","product_identification_helper":{"cpe":"cpe:2.3:h:acme:switch:7:*:*:*:*:*:*:*"}},{"product_id":"C","name":"Hub"}]}}`
	changes := parse(t, Other("acme"), "a.json", []byte(text))
	if len(changes) != 2 || changes[1].Entry != nil || len(changes[1].Problems) != 1 || changes[1].Problems[0].Line != 10 {
		t.Fatalf("got %+v", changes)
	}
	e := changes[0].Entry
	trace(t, []byte(text), e)
	if e.ID != "ACME-2024-7" || e.Mitigation != "Pull the plug." {
		t.Errorf("got %s, mitigation %q", e.ID, e.Mitigation)
	}
	var got []string
	for _, s := range e.Statements {
		got = append(got, strings.Join([]string{s.Release.String(), s.Source, s.Word, s.Decision.String(), s.Reasons.String(), s.Decided}, " "))
	}
	want := []string{
		"acme Router no_fix_planned wont-fix too-intrusive,eol-release ",
		"debian/bookworm router no_fix_planned wont-fix too-intrusive,eol-release ",
		"acme/7 switch known_not_affected not-affected not-exploitable-here ",
		"acme Hub vendor_fix fixed  2024-05-06",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
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
