package testkit

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"wontfix"
)

// TraceJSON wants each statement of an entry to lead to where it is said in a
// JSON text: its pointer to a value, its line to where that begins. It returns
// the values, one for each statement.
func TraceJSON(t testing.TB, text []byte, e *wontfix.Entry) []any {
	t.Helper()
	var whole any
	Must(t, json.Unmarshal(text, &whole))
	lines := strings.Split(string(text), "\n")
	values := make([]any, len(e.Statements))
	for i := range e.Statements {
		s := &e.Statements[i]
		if s.Line < 1 || s.Line > len(lines) {
			t.Fatalf("%s: %s is in line %d of %d", s.File, s.Pointer, s.Line, len(lines))
		}
		values[i] = pointer(whole, s.Pointer)
		begin := map[bool]string{true: "{", false: ""}[values[i] != nil]
		if text, ok := values[i].(string); ok {
			b, err := json.Marshal(text)
			Must(t, err)
			if begin = string(b); strings.Contains(begin, `\`) {
				begin = `"` // the text may escape other letters
			}
		}
		switch {
		case values[i] == nil || !strings.Contains(lines[s.Line-1], begin):
			t.Fatalf("%s:%d: %s leads to %v, and not from the line", s.File, s.Line, s.Pointer, values[i])
		case s.Word == "" || s.Source == "" || s.File == "":
			t.Fatalf("%s:%d: statement %+v", s.File, s.Line, s)
		case s.Reasons.Has(wontfix.NoReason) && s.Reasons != wontfix.NoReason, s.Decision == wontfix.DecisionUnknown,
			s.Evidence != wontfix.EvidenceNone && (s.EvidenceLine < 1 || s.EvidenceLine > len(lines)):
			t.Fatalf("%s:%d: meaning %+v", s.File, s.Line, s.Meaning)
		}
		if back, err := wontfix.ParseRelease(s.Release.String()); err != nil || back != s.Release {
			t.Fatalf("%s:%d: release %+v cannot be written down", s.File, s.Line, s.Release)
		}
	}
	return values
}

// pointer returns the part of what json.Unmarshal made of a text that a JSON
// Pointer leads to, nil if there is none.
func pointer(value any, pointer string) any {
	for _, part := range strings.Split(pointer, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// Check wants one of the entries of a text to have what the row says.
func (g *Golden) Check(t testing.TB, text []byte, entries []*wontfix.Entry) {
	t.Helper()
	d, series, product := g.release()
	want := wontfix.Release{Distribution: d, Series: series, Product: product}
	var near []string
	for _, e := range entries {
		for _, s := range e.Statements {
			if s.Source != g.Package || e.ID != g.ID {
				continue
			}
			near = append(near, fmt.Sprintf("%s %s %s %s %s", s.Release, s.Decision, s.Strength, s.Reasons, s.Fixed))
			if s.Release == want && s.Decision.String() == g.Decision && s.Strength.String() == g.Strength &&
				sameReasons(t, s.Reasons, g.Reasons) && s.Fixed == g.Fixed && strings.Contains(string(text), g.Words) {
				return
			}
		}
		if g.Package == "-" && e.ID == g.ID && len(e.Statements) == 0 {
			return
		}
	}
	t.Errorf("GOLDEN.tsv:%d: no statement %s %s %s %s %s %s; there are\n%s", g.Line, want, g.Package, g.Decision, g.Strength, g.Reasons, g.Fixed,
		strings.Join(near, "\n"))
}

func sameReasons(t testing.TB, got wontfix.Reasons, list string) bool {
	var want wontfix.Reasons
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' }) {
		r, err := wontfix.ParseReason(word)
		Must(t, err)
		want |= r
	}
	return got == want
}

// release returns the distribution, series and product of the release that the
// row is about.
func (g *Golden) release() (distribution, series, product string) {
	if product, series, ok := strings.Cut(g.Stream, "/"); ok {
		return "ubuntu", series, product
	}
	stream := strings.TrimSuffix(g.Stream, "-"+g.Tier)
	if stream == "opensuse-tumbleweed" {
		return stream, "rolling", g.Tier
	}
	if i := strings.LastIndexByte(stream, '-'); i >= 0 {
		return stream[:i], stream[i+1:], g.Tier
	}
	return stream, "", g.Tier
}

// Check wants the entry that was made of the input to have the one statement
// that is expected, in the words of the input.
func (c *MappingCase) Check(t testing.TB, e *wontfix.Entry) {
	t.Helper()
	switch {
	case c.Decision == "-" && len(e.Statements) == 0:
		return
	case c.Decision == "-" || len(e.Statements) != 1:
		t.Errorf("mapping.tsv:%d: %d statements: %+v", c.Line, len(e.Statements), e.Statements)
		return
	}
	s := e.Statements[0]
	if s.Decision.String() != c.Decision || s.Strength.String() != c.Strength || s.Reasons.String() != c.Reasons {
		t.Errorf("mapping.tsv:%d: got %s %s %s, want %s %s %s", c.Line, s.Decision, s.Strength, s.Reasons, c.Decision, c.Strength, c.Reasons)
	}
	if s.Detail != "" && !strings.Contains(c.Input, "="+s.Detail) {
		t.Errorf("mapping.tsv:%d: the detail is %q", c.Line, s.Detail)
	}
}

// Inputs returns the parts of the input, which is written as name=value;….
func (c *MappingCase) Inputs() map[string]string {
	in := make(map[string]string)
	for part := range strings.SplitSeq(c.Input, ";") {
		k, v, _ := strings.Cut(part, "=")
		in[k] = v
	}
	return in
}

// Explained reports whether testdata/problems.tsv of the package under test
// says why something is wrong in a line of a file, or anywhere in it.
func Explained(t testing.TB, file string, line int) bool {
	t.Helper()
	for _, f := range rows(t, "testdata/problems.tsv", 3) {
		if f[0] == file && (f[1] == "*" || f[1] == strconv.Itoa(line)) && f[2] != "" {
			return true
		}
	}
	return false
}
