package debian

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/lifecycle"
	"wontfix/match"
)

// A mapped is a row of testdata/mapping.tsv: a row of the mapping, and an input
// of our own with what becomes of it.
type mapped struct {
	key             [4]string // source, field, term, condition
	file, input     string
	installed       string // series and version, where a machine has to be asked
	decision        string // "none" for no statement
	strength, words string
	word            string
	line            int
}

func readMapped(t testing.TB) []mapped {
	t.Helper()
	text, err := os.ReadFile("testdata/mapping.tsv")
	testkit.Must(t, err)
	var rows []mapped
	for n, line := range lines(string(text), 1) {
		if line[0] == '#' {
			continue
		}
		f := append(strings.Split(line, "\t"), "", "", "")[:11] // lines lose empty cells at their end
		input := strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(f[5])
		rows = append(rows, mapped{[4]string(f[:4]), f[4], input, f[6], f[7], f[8], f[9], f[10], n})
	}
	return rows
}

// TestMapping has a case for every row of the mapping of Debian's words.
func TestMapping(t *testing.T) {
	for _, m := range readMapped(t) {
		t.Run(strings.Join(m.key[:], " "), func(t *testing.T) {
			if m.file == "bts" {
				got := BugTag(m.input)
				if got.Decision.String() != m.decision || got.Strength.String() != m.strength || got.Reasons.String() != m.words {
					t.Errorf("line %d: %+v", m.line, got)
				}
				return
			}
			changes := parse(t, m.file, []byte(m.input), []byte(suitesOf2023))
			var all []wontfix.Statement
			for _, c := range changes {
				for _, p := range c.Problems {
					t.Errorf("line %d: %v", m.line, p)
				}
				all = append(all, entryOf(c).Statements...)
			}
			if m.installed != "" {
				checkInstalled(t, m, all)
				return
			}
			if m.decision == "none" {
				if len(all) > 0 {
					t.Errorf("line %d: %+v", m.line, all)
				}
				return
			}
			if !slices.ContainsFunc(all, func(s wontfix.Statement) bool {
				return s.Decision.String() == m.decision && (m.strength == "" || s.Strength.String() == m.strength) && s.Reasons.String() == m.words && s.Word == m.word
			}) {
				t.Errorf("line %d: want %s %s [%s] of the word %q, got %+v", m.line, m.decision, m.strength, m.words, m.word, all)
			}
		})
	}
}

// checkInstalled asks what statements mean for a machine.
func checkInstalled(t *testing.T, m mapped, all []wontfix.Statement) {
	t.Helper()
	series, v, _ := strings.Cut(m.installed, " ")
	known, ok := lifecycle.Embedded().Lookup(Name, series)
	if !ok {
		t.Fatalf("line %d: no dates of %s", m.line, series)
	}
	machine := &wontfix.Machine{Base: release(series), Support: known.Support(), Packages: []wontfix.Package{{Name: "a", Version: v, Source: "a", SourceVersion: v}}}
	findings, _ := match.Match(machine, all, match.Options{Now: known.Released.Time})
	switch {
	case m.decision == "fixed":
		if len(findings) > 0 {
			t.Errorf("line %d: %+v", m.line, findings)
		}
	case len(findings) != 1 || findings[0].Decision.String() != m.decision || strings.Join(findings[0].Reasons, ",") != m.words || findings[0].Tracker.Status != m.word:
		t.Errorf("line %d: want %s [%s] of the word %q, got %+v", m.line, m.decision, m.words, m.word, findings)
	}
}

// TestMappingIsWhole wants a case for each row that the study of the formats has
// of Debian, and none with another answer.
func TestMappingIsWhole(t *testing.T) {
	file := filepath.Join(filepath.Dir(testkit.Corpus(t, "vendors")), "..", "reference", "mapping.tsv")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Skip(err)
	}
	cases := map[[4]string][]mapped{}
	for _, m := range readMapped(t) {
		cases[m.key] = append(cases[m.key], m)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if !slices.Contains([]string{"debian-list", "debian-json", "debian-security-support", "debian-bts"}, f[0]) {
			continue
		}
		rows++
		list := cases[[4]string(f[:4])]
		if len(list) == 0 {
			t.Errorf("no case for the row %q", f[:4])
		}
		for _, m := range list {
			// What is in brackets is no decision of its own. A limited package has one
			// in the table of hand-checked statements, which is followed.
			if f[4] != m.decision && f[4][0] != '(' && !(m.decision == "none" && f[4] == "unknown") {
				t.Errorf("line %d: decision %s, and the row has %s", m.line, m.decision, f[4])
			}
			if f[5] != "" && f[5] != m.strength {
				t.Errorf("line %d: strength %s, and the row has %s", m.line, m.strength, f[5])
			}
			if !strings.HasPrefix(f[6], "(text)") && !subset(f[6], m.words) {
				t.Errorf("line %d: reasons %s, and the row has %s", m.line, m.words, f[6])
			}
		}
		delete(cases, [4]string(f[:4]))
	}
	if rows == 0 {
		t.Errorf("%s has no row of Debian", file)
	}
	for key := range cases {
		t.Errorf("a case for a row that there is not: %q", key)
	}
}

// subset reports whether all words of a list are in another: a case may have more
// reasons, where a text of its own gives them.
func subset(want, have string) bool {
	for _, w := range strings.Split(want, ",") {
		if w != "" && !slices.Contains(strings.Split(have, ","), w) {
			return false
		}
	}
	return true
}

// TestExportPointers wants the pointer of every statement of the export to lead
// to its words, and the line to its release.
func TestExportPointers(t *testing.T) {
	texts := map[string][]byte{"data/json": []byte("{\"a\": {\"CVE-2023-0001\": {\"x\": [1, {}],\n\"releases\": {\n \"bullseye\": {\"status\": \"open\",\n\"next_point_update\": true, \"nodsa_reason\": \"ignored\", \"nodsa\": \"Minor\"}\n, \"sid\": {\"status\": \"resolved\", \"fixed_version\": \"2\"}}}}}")}
	for sample, text := range samples(t) {
		if strings.HasPrefix(sample, "debian-json/") && strings.HasSuffix(sample, ".json") {
			texts[sample] = text
		}
	}
	for name, text := range texts {
		all, count := split(text), 0
		for c, err := range Parse(name, text) {
			testkit.Must(t, err)
			for _, s := range entryOf(c).Statements {
				count++
				release, field := atPointer(t, text, s.Pointer)
				if !strings.Contains(lineOf(all, s.Line), `"`+s.Label+`":`) {
					t.Errorf("%s:%d does not name %s", name, s.Line, s.Label)
				}
				if field == "next_point_update" {
					continue
				}
				for _, w := range []string{s.Word, s.Detail, s.Fixed, s.Priority} {
					if w != "" && !slices.Contains(release, w) {
						t.Errorf("%s%s: %q has not %q", name, s.Pointer, release, w)
					}
				}
			}
		}
		if count == 0 && !strings.Contains(name, "osv.dev") {
			t.Errorf("%s has no statement", name)
		}
	}
}

// atPointer returns the texts of the object that a JSON Pointer leads to, and
// the last part of one that leads to a field of it.
func atPointer(t *testing.T, text []byte, pointer string) (values []string, field string) {
	t.Helper()
	var at any
	testkit.Must(t, json.Unmarshal(text, &at))
	for part := range strings.SplitSeq(pointer[1:], "/") {
		object, ok := at.(map[string]any)
		if !ok {
			t.Fatalf("pointer %s leads nowhere", pointer)
		}
		if at, ok = object[part]; !ok {
			t.Fatalf("pointer %s: there is no %s", pointer, part)
		}
		field = part
	}
	object, _ := at.(map[string]any)
	for _, v := range object {
		if s, ok := v.(string); ok {
			values = append(values, s)
		}
	}
	return values, field
}
