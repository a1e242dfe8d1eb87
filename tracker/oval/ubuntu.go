package oval

import (
	"iter"
	"slices"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
)

// ubuntuComment is what a criterion of Ubuntu's says of a source package, with
// the CVE before it in files that are ordered by package.
var ubuntuComment = lazyregexp.New(`^(?:\((CVE-\d{4}-\d{4,})\) )?(\S+) package in ([a-z]+) ([^(]+?)\.?(?: \(note: '(.*)'\))?\.?$`)

// ubuntuWords are phrases of such comments, the first that is found counts.
var ubuntuWords = []struct {
	phrase  string
	meaning wontfix.Meaning
}{
	{"has been fixed", wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed}},
	{"decision has been made to defer", wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionDeferred, Reasons: wontfix.NoReason}},
	{"decision has been made to ignore", wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.NoReason}},
	{"pending publication", wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionFixPending}},
	{"needs fixing", wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason}},
	{"is affected", wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason}},
	{"is not affected", wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason}},
	{"may need fixing", wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Reasons: wontfix.AnalysisPending}},
}

// ParseUbuntu yields the entries of Ubuntu's definitions, those by CVE and those
// by package. Those of security notices name no source package and have their
// versions in tests: of them nothing is read.
func ParseUbuntu(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return definitions(file, text, func(d *definition) (changes []wontfix.Change) {
		if d.Attr("class") == "patch" {
			return nil
		}
		entries := map[string]*wontfix.Entry{}
		var order []string
		for c, comment := range d.comments() {
			m := ubuntuComment.FindStringSubmatch(comment)
			if m == nil || d.id == "" {
				changes = append(changes, d.problem(c.Line, "definition %q: criterion %q is in no known form", d.id, comment)...)
				continue
			}
			word := slices.IndexFunc(ubuntuWords, func(w struct {
				phrase  string
				meaning wontfix.Meaning
			}) bool {
				return strings.Contains(m[4], w.phrase)
			})
			if word < 0 {
				changes = append(changes, d.problem(c.Line, "definition %s: %q is not known", d.id, m[4])...)
				continue
			}
			s := wontfix.Statement{Source: m[2], Release: wontfix.Release{Distribution: "ubuntu", Series: m[3]}, Label: m[3], File: file, Line: c.Line, Pointer: d.id,
				Word: ubuntuWords[word].phrase, Detail: m[5], Meaning: ubuntuWords[word].meaning}
			if s.Decision == wontfix.DecisionFixed {
				s.Fixed = m[5]
			}
			ids := d.cves
			if m[1] != "" {
				ids = []string{m[1]}
			}
			for _, id := range ids {
				e := entries[id]
				if e == nil {
					e = &wontfix.Entry{ID: id, File: file}
					entries[id], order = e, append(order, id)
				}
				s.ID = id
				e.Statements = append(e.Statements, s)
			}
		}
		for _, id := range order {
			changes = append(changes, wontfix.Change{File: file, ID: id, Entry: entries[id]})
		}
		return changes
	})
}
