package ubuntu

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"wontfix"
)

// FuzzParse checks, for any bytes, that
//   - every statement can be traced to the line that it came from,
//   - no line that looks like a statement is skipped without a word,
//   - what the strict reader accepts, the tolerant one reads the same,
//   - every statement has a meaning that fits its own words.
func FuzzParse(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(c.text)
	}
	f.Add([]byte("jammy_foo: released\r\nA_b:x\f_:\n  y\n\n#\n \n"))
	f.Add([]byte("Priority_Patches_x: low\n a: b\njammy_x: needed [y]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entry, problems := Parse("active/CVE-2001-0001", text)
		lines := strings.Split(strings.ToValidUTF8(string(text), "\uFFFD"), "\n")
		told := make(map[int]bool)
		for _, p := range problems {
			told[p.Line] = true
			if p.Line < 0 || p.Line > len(lines) || p.Text == "" {
				t.Fatalf("problem %+v of %d lines", p, len(lines))
			}
		}
		for _, s := range entry.Statements {
			told[s.Line] = true
			line := lines[s.Line-1]
			if !strings.Contains(line, s.Label+"_"+s.Source) || !strings.Contains(line, s.Detail) {
				t.Fatalf("line %d is %q, statement %+v", s.Line, line, s)
			}
			checkMeaning(t, entry, &s)
		}
		for i, line := range lines {
			if name, _, ok := strings.Cut(line, ":"); ok && !told[i+1] && strings.Contains(name, "_") && !strings.ContainsAny(name, " #\t\r\v\f\x1c\x1d\x1e\x1f\u0085\u00a0\u2028\u2029") &&
				!strings.Contains(name, "Priority") && !strings.Contains(name, "Patches_") && !strings.Contains(name, "Tags_") {
				t.Fatalf("line %d, %q, is neither a statement nor a problem", i+1, line)
			}
		}
		strict, refused := Load("active/CVE-2001-0001", text)
		if (strict == nil) == (len(refused) == 0) {
			t.Fatalf("strict reader: entry %v, problems %v", strict != nil, refused)
		}
		if strict == nil {
			return
		}
		if len(strict.Statements) != len(entry.Statements) {
			t.Fatalf("%d statements read strictly, %d tolerantly", len(strict.Statements), len(entry.Statements))
		}
		for i := range strict.Statements {
			if a, b := rowOf(&strict.Statements[i]), rowOf(&entry.Statements[i]); a != b {
				t.Fatalf("read strictly %v, tolerantly %v", a, b)
			}
		}
	})
}

func checkMeaning(t *testing.T, e *wontfix.Entry, s *wontfix.Statement) {
	switch {
	case s.Fixed != "" && !strings.Contains(s.Detail, s.Fixed),
		s.Decision == wontfix.DecisionFixed && s.Word != "released" && s.Word != "not-affected" && s.Was == "",
		s.Status == wontfix.NotAffected && s.Word != "not-affected" && s.Because == "",
		s.Decision == wontfix.DecisionWithdrawn && s.Because == "",
		s.Evidence == wontfix.EvidenceNote && (s.Words == "" || len(e.Notes) == 0),
		s.Decision == wontfix.DecisionUnknown && bytes.Contains([]byte(strings.Join(statusWords, " ")), []byte(" "+s.Word+" ")),
		s.Reasons.Has(wontfix.NoReason) && s.Reasons != wontfix.NoReason:
		t.Fatalf("statement %+v", s)
	}
}

// FuzzMeaning checks that no word and detail make an open row harmless without
// saying why.
func FuzzMeaning(f *testing.F) {
	for _, word := range statusWords {
		for _, detail := range []string{"", "1.2-3", "end of life, was needed [x (y)]", "superseded by linux-hwe-5.4, was pending", "trusty was needed", "2019-09-06"} {
			f.Add(word, detail)
		}
	}
	f.Fuzz(func(t *testing.T, word, detail string) {
		m := readMeaning(word, trim(detail))
		open := word == "ignored" || word == "needed" || word == "needs-triage" || word == "deferred" || word == "pending"
		if open && m.Because == "" && (m.Status == wontfix.NotAffected || m.Decision == wontfix.DecisionNotAffected || m.Decision == wontfix.DecisionWithdrawn) {
			t.Errorf("%q (%q) is %+v", word, detail, m)
		}
		if m.Fixed != "" && m.Fixed != trim(detail) && m.Fixed != trim(m.WasDetail) {
			t.Errorf("%q (%q): fixed in %q", word, detail, m.Fixed)
		}
	})
}

// A testCase is an archive of testdata.
type testCase struct {
	name, file string
	text, want []byte
	archive    *txtar.Archive
}
