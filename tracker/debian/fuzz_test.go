package debian

import (
	"strings"
	"testing"

	"wontfix"
)

// FuzzMerge checks, for any bytes in any of the files, that every statement
// leads to the line and the words that it was made of, and that no line about a
// package in data/CVE/list gets lost without a word.
func FuzzMerge(f *testing.F) {
	f.Add([]byte("CVE-2023-0001 (x)\n\t{DSA-1-1}\n\t- a 1 (bug #1; low)\n\t[buster] - a <no-dsa> (Minor issue)\n\tNOTE: x\n\tNOTE: y\n"),
		[]byte("[29 Mar 2023] DSA-1-1 a - x\n\t{CVE-2023-0001}\n\t[buster] - a 1\n"), []byte("CVE-2023-0001\n\t[buster] - a 2\n"), []byte("--\na (ann)\n  NOTE: x\n--\n"))
	f.Add([]byte("CVE-2023-XXXX [x\n\tREJECTED\n\tNOT-FOR-US: a\n\t- a <unfixed> (unimportant)\n--\n-\n\tTODO: check\nSTOP:\n"), []byte("[1 x 2]"), []byte("CVE\n\t-"), []byte("a/b"))
	f.Fuzz(func(t *testing.T, list, advisories, point, needed []byte) {
		files := map[string][]byte{fileCVE: list, fileDSA: advisories, filePoint: point, fileNeedDLA: needed, fileSuites: []byte(suitesOf2023)}
		all := map[string][]string{}
		for name, text := range files {
			all[name] = split(text)
		}
		told := map[int]bool{}
		for c, err := range Merge(files) {
			if err != nil {
				t.Fatal(err)
			}
			checkTraces(t, c, all)
			for _, p := range c.Problems {
				if p.Line < 0 || p.Line > len(all[p.File]) || p.Text == "" {
					t.Fatalf("problem %+v of %d lines", p, len(all[p.File]))
				}
				told[p.Line] = told[p.Line] || p.File == fileCVE
			}
			for _, s := range entryOf(c).Statements {
				told[s.Line] = told[s.Line] || s.File == fileCVE
				checkMeaning(t, &s)
			}
		}
		if strings.Contains(string(advisories), "CVE-") {
			return // a row of an advisory may have taken another's place
		}
		headless := true
		for i, line := range all[fileCVE] {
			if line != "" && !isBlank(line[0]) && line[0] != '-' {
				headless = !isHeader(line)
			}
			if trimmed := strings.Trim(line, blanks); strings.HasPrefix(trimmed, "- ") && line != trimmed && !told[i+1] && !headless {
				t.Fatalf("line %d, %q, is neither a statement nor a problem", i+1, line)
			}
		}
	})
}

// isHeader reports whether an entry begins at a line. What stands below any
// other line is lost with it.
func isHeader(line string) bool {
	c, _ := parseCVE(fileCVE, line, 1)
	return c.Entry != nil
}

func checkMeaning(t *testing.T, s *wontfix.Statement) {
	switch {
	case s.Decision == wontfix.DecisionFixed && (s.Fixed != s.Word || s.Status != wontfix.Fixed),
		s.Status == wontfix.NotAffected && s.Decision != wontfix.DecisionNotAffected && s.Decision != wontfix.DecisionNotInRelease,
		s.Decision == wontfix.DecisionWithdrawn && s.Because == "",
		s.Evidence == wontfix.EvidenceNote && (s.Words == "" || s.EvidenceLine == 0),
		s.Reasons.Has(wontfix.NoReason) && s.Reasons != wontfix.NoReason,
		s.Reasons != 0 && s.Reasons != wontfix.NoReason && s.Evidence == wontfix.EvidenceNone:
		t.Fatalf("statement %+v", s)
	}
}

// FuzzParse checks of the other formats that every statement has a place, and
// that a document is read to its end or refused.
func FuzzParse(f *testing.F) {
	f.Add("tracker/data/json", []byte(`{"a": {"CVE-2023-0001": {"description": "x", "debianbug": 1, "scope": "local", "releases": {"buster": {"status": "open", "urgency": "low", "nodsa": "Minor", "nodsa_reason": "", "next_point_update": true}}}}}`))
	f.Add("json", []byte(`{"a": {"CVE-2023-0001": {"releases": []}}, "b": {"x": {}}}`))
	f.Add("security-support-ended.deb12", []byte("a.* 1 2023-01-01 text\n# x\nb\n"))
	f.Add("security-support-limited", []byte("a text\n"))
	f.Fuzz(func(t *testing.T, file string, text []byte) {
		all := split(text)
		for c, err := range Parse(file, text) {
			if err != nil {
				return
			}
			for _, s := range entryOf(c).Statements {
				if s.File != file || s.Line < 1 || s.Line > len(all) || s.ID != c.ID || s.Word == "" && s.Decision != wontfix.DecisionUnknown {
					t.Fatalf("statement %+v of %d lines", s, len(all))
				}
			}
		}
	})
}
