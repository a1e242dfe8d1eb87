package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"wontfix"
)

// A docRow is a row of a table of docs/scan-json.md.
type docRow struct{ kind, meaning string }

// readDoc reads docs/scan-json.md: type → field → row, and the words of each
// closed list.
func readDoc(t *testing.T) (types map[string]map[string]docRow, doc string) {
	t.Helper()
	b, err := os.ReadFile("../docs/scan-json.md")
	if err != nil {
		t.Fatal(err)
	}
	types = map[string]map[string]docRow{}
	section := ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(line, "## "); ok {
			section = s
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| `") || len(cells) != 3 {
			continue
		}
		if types[section] == nil {
			types[section] = map[string]docRow{}
		}
		types[section][strings.Trim(cells[0], " `")] = docRow{strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])}
	}
	return types, string(b)
}

// jsonField is a field of a struct as JSON has it.
type jsonField struct {
	name     string
	optional bool
	typ      reflect.Type
}

func jsonFields(t reflect.Type) (fields []jsonField) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			fields = append(fields, jsonFields(f.Type)...)
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" {
			fields = append(fields, jsonField{name, opts == "omitempty" || opts == "omitzero", f.Type})
		}
	}
	return fields
}

var closedLists = map[reflect.Type]struct {
	name  string
	words []string
}{
	reflect.TypeFor[wontfix.Status]():   {"status", wontfix.Statuses()},
	reflect.TypeFor[wontfix.Decision](): {"decision", wontfix.Decisions()},
	reflect.TypeFor[wontfix.Outlook]():  {"outlook", wontfix.Outlooks()},
	reflect.TypeFor[wontfix.Evidence](): {"evidence", []string{"none", "word", "bracket", "note", "release", "message", "own-note"}},

	reflect.TypeFor[wontfix.Family]():   {"family", []string{"none", "fix", "no-fix", "not-affected", "open"}},
	reflect.TypeFor[wontfix.Strength](): {"strength", []string{"firm", "soft", "derived"}},

	reflect.TypeFor[wontfix.Class]():      {"class", wontfix.Classes()},
	reflect.TypeFor[wontfix.Confidence](): {"confidence", []string{"none", "low", "policy", "medium", "high"}},

	reflect.TypeFor[wontfix.Verdict]():       {"verdict", wontfix.Verdicts()},
	reflect.TypeFor[wontfix.Expect]():        {"expect", wontfix.Expects()},
	reflect.TypeFor[wontfix.Severity]():      {"severity", wontfix.Severities()},
	reflect.TypeFor[wontfix.OverrideClass](): {"override-class", wontfix.OverrideClasses()},
	reflect.TypeFor[wontfix.Shows]():         {"shows", wontfix.BehaviourShows()},
}

// schemaNames are what the field "schema" of each document says.
var schemaNames = map[string]string{"Scan": wontfix.ScanSchema, "Dossier": wontfix.DossierSchema, "Changes": wontfix.ChangesSchema,
	"Stats": wontfix.StatsSchema, "EntryHistory": wontfix.HistorySchema, "Probe": wontfix.ProbeSchema, "Connection": wontfix.ConnectionSchema, "Comparison": wontfix.ComparisonSchema, "Diagnosis": wontfix.DiagnosisSchema}

// schemaFiles are the schemas, and the type of whose documents each is.
var schemaFiles = []struct {
	file, title string
	typ         reflect.Type
}{
	{"../docs/scan.schema.json", "a scan of wontfix", reflect.TypeFor[wontfix.Scan]()},
	{"../docs/dossier.schema.json", "dossiers of wontfix", reflect.TypeFor[[]wontfix.Dossier]()},
	{"../docs/changes.schema.json", "changes of a tracker, by wontfix", reflect.TypeFor[wontfix.Changes]()},
	{"../docs/stats.schema.json", "statistics of a tracker, by wontfix", reflect.TypeFor[wontfix.Stats]()},
	{"../docs/comparison.schema.json", "what publishers decided, by wontfix", reflect.TypeFor[wontfix.Comparison]()},
	{"../docs/diagnosis.schema.json", "where feeds of one publisher differ, by wontfix", reflect.TypeFor[wontfix.Diagnosis]()},
	{"../docs/history.schema.json", "histories of wontfix", reflect.TypeFor[[]wontfix.EntryHistory]()},
	{"../docs/probe.schema.json", "a probe of wontfix", reflect.TypeFor[wontfix.Probe]()},
	{"../docs/connection.schema.json", "a connection of wontfix", reflect.TypeFor[wontfix.Connection]()},
}

// schemaMaker makes a JSON Schema from the Go types and the words of the page.
type schemaMaker struct {
	doc  map[string]map[string]docRow
	defs map[string]any
}

func (m *schemaMaker) ref(t reflect.Type) map[string]any {
	if l, ok := closedLists[t]; ok {
		m.defs[l.name] = map[string]any{"enum": l.words}
		return map[string]any{"$ref": "#/$defs/" + l.name}
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[wontfix.Date]():
		return map[string]any{"type": "string", "format": "date"}
	case reflect.TypeFor[wontfix.Release]():
		return map[string]any{"type": "string", "pattern": "^([^/]+(/[^/]+){0,2})?$"}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": m.ref(t.Elem())}
	case reflect.Map:
		s := map[string]any{"type": "object", "additionalProperties": m.ref(t.Elem())}
		if t.Key().Kind() != reflect.String {
			s["propertyNames"] = m.ref(t.Key())
		}
		return s
	case reflect.Pointer:
		return m.ref(t.Elem())
	case reflect.Struct:
		m.define(t)
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	}
	panic("schema: no rule for " + t.String())
}

func (m *schemaMaker) define(t reflect.Type) {
	if m.defs[t.Name()] != nil {
		return
	}
	props, required := map[string]any{}, []string{}
	m.defs[t.Name()] = map[string]any{"type": "object", "additionalProperties": false, "properties": props}
	for _, f := range jsonFields(t) {
		s := m.ref(f.typ)
		reason := map[string]any{"$ref": "#/$defs/reason"}
		switch f.name {
		case "reasons":
			m.defs["reason"] = map[string]any{"enum": wontfix.ReasonNames()}
			s["items"] = reason
		case "never_by_reason", "by_reason":
			m.defs["reason"] = map[string]any{"enum": wontfix.ReasonNames()}
			s["propertyNames"] = map[string]any{"anyOf": []any{reason, map[string]any{"const": "other"}}}
		case "by_class":
			s["propertyNames"] = m.ref(reflect.TypeFor[wontfix.Class]())
		}
		if f.typ.Kind() == reflect.Pointer && !f.optional {
			s = map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
		}
		if f.name == "schema" {
			s = map[string]any{"const": schemaNames[t.Name()]}
		}
		s["description"] = m.doc[t.Name()][f.name].meaning
		props[f.name] = s
		if !f.optional {
			required = append(required, f.name)
		}
	}
	m.defs[t.Name()].(map[string]any)["required"] = required
}

// makeSchema makes the schema whose documents are v's type.
func makeSchema(t *testing.T, title string, typ reflect.Type) ([]byte, *schemaMaker) {
	doc, _ := readDoc(t)
	m := &schemaMaker{doc, map[string]any{}}
	s := m.ref(typ)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"], s["$defs"] = title, m.defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), m
}

// The schemas are made from the Go types and the page's words; this test fails
// when one of the three is changed without the others.
func TestSchemaIsCurrent(t *testing.T) {
	for _, c := range schemaFiles {
		got, _ := makeSchema(t, c.title, c.typ)
		if *update {
			if err := os.WriteFile(c.file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the types and docs/scan-json.md give; run go test ./report -update and look at the difference", c.file)
		}
	}
}

// Every field of every type is in the page, with the type and the word
// "optional" where it can be absent, and the page has no other.
func TestDocHasEveryField(t *testing.T) {
	doc, page := readDoc(t)
	defs := map[string]any{}
	for _, c := range schemaFiles {
		_, m := makeSchema(t, "", c.typ)
		maps.Copy(defs, m.defs)
	}
	seen := map[string]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Slice, reflect.Pointer:
			visit(typ.Elem())
		case reflect.Struct:
			if seen[typ.Name()] || defs[typ.Name()] == nil {
				return
			}
			seen[typ.Name()] = true
			rows := doc[typ.Name()]
			for _, f := range jsonFields(typ) {
				row, ok := rows[f.name]
				if !ok || row.meaning == "" {
					t.Errorf("docs/scan-json.md: %s has no row for %q", typ.Name(), f.name)
				}
				if f.optional != strings.HasSuffix(row.kind, ", optional") {
					t.Errorf("docs/scan-json.md: %s.%s: optional is %t, the page has %q", typ.Name(), f.name, f.optional, row.kind)
				}
				delete(rows, f.name)
				visit(f.typ)
			}
			if len(rows) > 0 {
				t.Errorf("docs/scan-json.md: %s has rows for fields that do not exist: %q", typ.Name(), slices.Collect(maps.Keys(rows)))
			}
			delete(doc, typ.Name())
		}
	}
	for _, c := range schemaFiles {
		visit(c.typ)
	}
	if len(doc) > 0 {
		t.Errorf("docs/scan-json.md: has tables for types that do not exist: %q", slices.Collect(maps.Keys(doc)))
	}
	words := wontfix.ReasonNames()
	for _, l := range closedLists {
		words = append(words, l.words...)
	}
	_, list, _ := strings.Cut(page, "## Words")
	for _, w := range words {
		if !strings.Contains(list, "`"+w+"`") {
			t.Errorf("docs/scan-json.md: Words lacks %q", w)
		}
	}
}

func compileSchema(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, schema *jsonschema.Schema, text []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Fatalf("%v\n%.2000s", err, text)
	}
}

func TestSchemaValidates(t *testing.T) {
	scan, dossier := compileSchema(t, "../docs/scan.schema.json"), compileSchema(t, "../docs/dossier.schema.json")
	rng := rand.New(rand.NewPCG(1, 2))
	full := new(wontfix.Scan)
	fill(reflect.ValueOf(full).Elem(), func() string { return "x" }, func() int { return 2 })
	scans := []*wontfix.Scan{{}, full, exampleScan(), exampleBare(), hostileScan()}
	for range 50 {
		scans = append(scans, randomScan(rng))
	}
	for _, s := range scans {
		s.Schema = wontfix.ScanSchema
		closeLists(reflect.ValueOf(s).Elem())
		var b bytes.Buffer
		if err := WriteScan(&b, "json", s, Options{}); err != nil {
			t.Fatal(err)
		}
		validate(t, scan, b.Bytes())
	}
	for _, n := range []int{0, 1, 2} {
		d := new(wontfix.Dossier)
		fill(reflect.ValueOf(d).Elem(), func() string { return "x" }, func() int { return n })
		d.Schema = wontfix.DossierSchema
		closeLists(reflect.ValueOf(d).Elem())
		var b bytes.Buffer
		if err := WriteDossiers(&b, "json", []*wontfix.Dossier{d, exampleDossier()}, Options{}); err != nil {
			t.Fatal(err)
		}
		validate(t, dossier, b.Bytes())
	}
	for _, bad := range []string{`{}`, `{"schema":"wontfix/scan/1"}`, `[]`} {
		v, _ := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if scan.Validate(v) == nil {
			t.Errorf("the schema accepts %s", bad)
		}
	}
}

// closeLists makes the words of reasons and classes such as there are, however
// deep they stand.
func closeLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			closeLists(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			closeLists(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch words := v.Field(i); {
			case !f.IsExported():
			case f.Name == "Reasons" && f.Type == reflect.TypeFor[[]string]():
				for i := range words.Len() {
					words.Index(i).SetString(wontfix.ReasonNames()[i])
				}
			case f.Name == "NeverByReason" || f.Name == "ByReason":
				words.Set(reflect.ValueOf(map[string]int{"too-intrusive": 1, "other": 2}))
			case f.Name == "ByClass":
				words.Set(reflect.ValueOf(map[string]int{"eol-sweep": 3}))
			default:
				closeLists(words)
			}
		}
	}
}

// fill sets every field that JSON has, however deep: texts from word, and
// lengths and numbers from size. Pointers are set if size gives more than 0.
func fill(v reflect.Value, word func() string, size func() int) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Date(2000+size(), 1, 2, 3, 4, 5, 0, time.UTC)
		return
	case *wontfix.Date:
		*p = wontfix.NewDate(fmt.Sprintf("20%02d-03-04", size()))
		return
	case *wontfix.Release:
		*p = wontfix.Release{Distribution: "ubuntu", Series: "trusty", Product: []string{"", "esm-infra"}[size()%2]}
		return
	}
	if l, ok := closedLists[v.Type()]; ok {
		if i := size() % len(l.words); v.Kind() == reflect.String {
			v.SetString(l.words[i])
		} else {
			v.SetUint(uint64(i))
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(word())
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(size()))
	case reflect.Float64:
		v.SetFloat(float64(size()) / 8)
	case reflect.Bool:
		v.SetBool(size() > 0)
	case reflect.Slice:
		n := size()
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), word, size)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range size() {
			k, n := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(k, word, size)
			fill(n, word, size)
			v.SetMapIndex(k, n)
		}
	case reflect.Pointer:
		if size() > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), word, size)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), word, size)
			}
		}
	}
}

// randomScan returns a scan with texts of all kinds of characters.
func randomScan(rng *rand.Rand) *wontfix.Scan {
	alphabet := []rune("ab c<>&\"\\|`=-\n\t\x00\x1b\x7f\u0080\u009b\u00a0\u00ad\u200b\u202e\u2028\u2066\ufeff\ufffdé世界\U0001f600\U000e0041")
	word := func() string {
		s := make([]rune, rng.IntN(8))
		for i := range s {
			s[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(s)
	}
	s := new(wontfix.Scan)
	fill(reflect.ValueOf(s).Elem(), word, func() int { return rng.IntN(4) })
	s.Schema = wontfix.ScanSchema
	return s
}
