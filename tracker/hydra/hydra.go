// Package hydra reads what Red Hat's security data service, called hydra,
// answers about one vulnerability: a JSON object with the fixes that were
// released (affected_release) and the state of what is not fixed
// (package_state).
//
// docs/formats/redhat-hydra.md has the grammar and the meaning.
package hydra

import (
	"fmt"
	"iter"
	"strings"

	"wontfix"
	"wontfix/cpe"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
	"wontfix/reason"
	"wontfix/version"
)

// Version is the version of what this package makes of a text.
const Version = "1"

// name is the source that ratings are said to be from.
const name = "redhat"

var cveID = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// Parse yields the entry of a document: file is its path, text its bytes. The
// error is for a text that is no such document.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		whole, err := markup.ParseJSON(text)
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: document: %w", file, err))
			return
		}
		e := &wontfix.Entry{ID: whole.Get("name").Text(), File: file}
		if !cveID.MatchString(e.ID) {
			yield(wontfix.Change{}, fmt.Errorf("%s: document: its member name is %q, and no CVE ID", file, e.ID))
			return
		}
		c := wontfix.Change{File: file, ID: e.ID, Entry: e}
		readHead(e, whole)
		seen := make(map[wontfix.Statement]bool)
		add := func(s wontfix.Statement, problem string) {
			if problem != "" {
				c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: s.Line, Text: problem})
				return
			}
			key := s
			key.Line, key.Pointer, key.EvidenceLine, key.Label = 0, "", 0, ""
			if !seen[key] {
				seen[key] = true
				e.Statements = append(e.Statements, s)
			}
		}
		for _, v := range whole.Get("affected_release").Elements() {
			add(released(e, v))
		}
		for _, v := range whole.Get("package_state").Elements() {
			add(state(e, v))
		}
		yield(c, nil)
	}
}

// readHead reads what the document says of the vulnerability as a whole.
func readHead(e *wontfix.Entry, whole markup.Value) {
	e.Published = whole.Get("public_date").Text()
	if v := whole.Get("threat_severity"); v.Text() != "" {
		e.Priority = wontfix.Priority{Word: v.Text(), Line: v.Line()}
	}
	for i, v := range whole.Get("details").Elements() {
		switch text := strings.TrimSpace(v.Text()); i {
		case 0:
			e.Description = text
		case 1:
			e.VendorText = text
		}
	}
	if v := whole.Get("statement"); strings.TrimSpace(v.Text()) != "" {
		e.Notes = []wontfix.Note{{Author: name, Text: strings.TrimSpace(v.Text()), Line: v.Line()}}
	}
	mitigation := whole.Get("mitigation")
	e.Mitigation = strings.TrimSpace(mitigation.Text() + mitigation.Get("value").Text())
	e.DiscoveredBy = strings.TrimSpace(whole.Get("acknowledgement").Text())
	for _, v := range whole.Get("references").Elements() {
		e.References = append(e.References, strings.Fields(v.Text())...)
	}
	if url := whole.Get("bugzilla", "url").Text(); url != "" {
		e.Bugs = []string{url}
	}
	for _, f := range [][3]string{{"cvss3", "cvss3_scoring_vector", "cvss3_base_score"}, {"cvss", "cvss_scoring_vector", "cvss_base_score"}} {
		if vector := whole.Get(f[0], f[1]).Text(); vector != "" {
			e.CVSS = append(e.CVSS, wontfix.CVSS{Source: name, Vector: vector, Score: whole.Get(f[0], f[2]).Text()})
		}
	}
}

// statement begins the statement that an element is, with what both kinds of
// elements have. Elements of products that no table knows are those of Red Hat
// itself.
func statement(e *wontfix.Entry, v markup.Value) wontfix.Statement {
	s := wontfix.Statement{ID: e.ID, File: e.File, Line: v.Line(), Pointer: v.Pointer(), Label: v.Get("product_name").Text(),
		Published: e.PublishedAt(), Priority: e.Priority.Word}
	n, _ := cpe.Parse(v.Get("cpe").Text())
	if s.Release = cpe.Release(n, s.Label); s.Release.Distribution == "" {
		s.Release = wontfix.Release{Distribution: name}
	}
	return s
}

// released reads a fix: an element of affected_release.
func released(e *wontfix.Entry, v markup.Value) (s wontfix.Statement, problem string) {
	s = statement(e, v)
	s.Word, s.Advisory = "affected_release", v.Get("advisory").Text()
	s.Meaning.Status, s.Decision, s.Evidence, s.EvidenceLine = wontfix.Fixed, wontfix.DecisionFixed, wontfix.EvidenceWord, s.Line
	if cpe.Paid(s.Release.Product) {
		s.Status, s.Decision, s.Reasons = wontfix.Affected, wontfix.DecisionPaid, wontfix.PaidTierOnly
	}
	if day, _, _ := strings.Cut(v.Get("release_date").Text(), "T"); len(day) == len("2006-01-02") {
		s.Decided = day
	}
	text := v.Get("package").Text()
	s.Source, s.Module, s.Fixed = readPackage(text)
	if s.Source == "" { // the product is the thing that is fixed
		s.Source = s.Label
	}
	if s.Source == "" {
		return s, "affected_release: it names neither a package nor a product"
	}
	return s, ""
}

// readPackage reads name-epoch:version-release of an rpm, name:stream-build of
// a module, or image:tag of a container image.
func readPackage(text string) (source, module, fixed string) {
	if n, v, arch, ok := version.SplitRPM(text); ok && arch == "" {
		if !strings.Contains(v, ":") {
			v = "0:" + v
		}
		return n, "", v
	}
	before, after, found := strings.Cut(text, ":")
	switch {
	case !found:
		return text, "", ""
	case strings.Contains(before, "/"):
		return before, "", after
	}
	stream, _, _ := strings.Cut(after, "-")
	return before, before + ":" + stream, ""
}

// states are the words of fix_state.
var states = map[string]wontfix.Meaning{
	"Affected":             {Status: wontfix.Affected, Decision: wontfix.DecisionAffected},
	"Fix deferred":         {Status: wontfix.Affected, Decision: wontfix.DecisionDeferred},
	"New":                  {Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Reasons: wontfix.AnalysisPending},
	"Under investigation":  {Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Reasons: wontfix.AnalysisPending},
	"Not affected":         {Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected},
	"Will not fix":         {Status: wontfix.Affected, Decision: wontfix.DecisionWontFix},
	"Out of support scope": {Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.SupportScope},
}

// State returns what a word of fix_state means by itself; ok is false for one
// that is not known.
func State(word string) (m wontfix.Meaning, ok bool) {
	m, ok = states[word]
	return m, ok
}

// state reads an element of package_state. A word that is not known is kept,
// and means nothing.
func state(e *wontfix.Entry, v markup.Value) (s wontfix.Statement, problem string) {
	s = statement(e, v)
	s.Word = v.Get("fix_state").Text()
	s.Source = v.Get("package_name").Text()
	if module, name, ok := strings.Cut(s.Source, "/"); ok && strings.Contains(module, ":") {
		s.Source, s.Module = name, module
	}
	m, ok := State(s.Word)
	switch {
	case s.Source == "":
		return s, "package_state: it names no package"
	case !ok:
		return s, fmt.Sprintf("package_state: fix_state %q is not known", s.Word)
	}
	s.Meaning = m
	if m.Reasons != 0 {
		s.Evidence, s.EvidenceLine = wontfix.EvidenceWord, v.Get("fix_state").Line()
	}
	if s.Decision == wontfix.DecisionWontFix || s.Decision == wontfix.DecisionDeferred {
		for _, note := range e.Notes {
			r := reason.Fit(s.Decision, reason.Read(note.Text))
			if r == 0 {
				continue
			}
			if s.Evidence == wontfix.EvidenceNone {
				s.Evidence, s.EvidenceLine = wontfix.EvidenceNote, note.Line
			}
			s.Reasons, s.Words = s.Reasons|r, reason.Quote(note.Text)
		}
	}
	if s.Reasons == 0 {
		s.Reasons = wontfix.NoReason
	}
	return s, ""
}
