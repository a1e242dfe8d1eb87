// Package cyclonedx reads what CycloneDX documents say of vulnerabilities: the
// analysis (state, justification, response) that makes a bill of materials a
// VEX document. JSON and XML, specifications 1.4 to 1.7.
//
// docs/formats/cyclonedx.md has the grammar and the meaning.
package cyclonedx

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/purl"
	"wontfix/reason"
)

// Version is the version of what this package makes of a text.
const Version = "1"

// A part is a text with the line that it begins in.
type part struct {
	text string
	line int
}

// A vulnerability is what is read of one, in either form of document.
type vulnerability struct {
	part
	pointer string

	id, description, detail, workaround string
	published, rejected                 string
	aliases, references                 []string
	ratings                             []wontfix.CVSS

	state, justification, note part
	responses                  []part
	issued                     string // the last day that the analysis gives

	affects []target
}

// A target is a component that is affected, by its reference.
type target struct {
	part
	pointer  string
	versions []versions
}

// versions is one version or a range of them with its status.
type versions struct{ version, within, status string }

// A component is what references lead to.
type component struct{ purl, name, version string }

// A document is a text taken apart.
type document struct {
	subject         *component // what the document as a whole is about
	components      map[string]component
	vulnerabilities []vulnerability
}

// Parse yields an entry for each vulnerability with an analysis: file is the
// document's path, text its bytes. The error is for a text that is no CycloneDX
// document.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		read := readJSON
		if bytes.HasPrefix(bytes.TrimLeft(text, "\ufeff \t\r\n"), []byte("<")) {
			read = readXML
		}
		d, err := read(text)
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: document: %w", file, err))
			return
		}
		for i := range d.vulnerabilities {
			if c, ok := d.change(file, &d.vulnerabilities[i]); ok && !yield(c, nil) {
				return
			}
		}
	}
}

var (
	cveID   = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)
	otherID = lazyregexp.New(`^[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9._:-]{1,60}$`)
)

// change makes the change that a vulnerability is. It is not ok without an
// analysis: that a list names a vulnerability decides nothing.
func (d *document) change(file string, v *vulnerability) (c wontfix.Change, ok bool) {
	problem := func(line int, text string) {
		c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: line, Text: text})
	}
	c.File = file
	m, word, told := meaning(v)
	if !told {
		if v.state.text == "" {
			return c, false
		}
		problem(v.state.line, fmt.Sprintf("analysis: state %q is not known", v.state.text))
		return c, true
	}
	names := append([]string{v.id}, v.aliases...)
	at := slices.IndexFunc(names, cveID.MatchString)
	if at < 0 {
		if at = 0; !otherID.MatchString(v.id) {
			problem(v.line, fmt.Sprintf("vulnerability: its id %q is none", v.id))
			return c, true
		}
	}
	e := &wontfix.Entry{ID: names[at], File: file, Description: v.description, VendorText: v.detail, Mitigation: v.workaround,
		Published: cmp.Or(v.published, ""), References: v.references, CVSS: v.ratings}
	for _, n := range names {
		if n != e.ID && n != "" && !slices.Contains(e.Aliases, n) {
			e.Aliases = append(e.Aliases, n)
		}
	}
	c.ID, c.Entry = e.ID, e
	base := wontfix.Statement{ID: e.ID, File: file, Word: word, Detail: v.note.text, Published: e.PublishedAt(), Meaning: m}
	if len(v.issued) >= len("2006-01-02") && !wontfix.NewDate(v.issued[:10]).IsZero() {
		base.Decided = v.issued[:10]
	}
	if v.rejected != "" {
		e.Withdrawn = "the document gives a day of its rejection"
		if m.Status != wontfix.NotAffected {
			base.Status, base.Decision, base.Because = wontfix.StatusUnknown, wontfix.DecisionWithdrawn, e.Withdrawn
		}
	}
	add := func(s wontfix.Statement) {
		if s.Source == "" {
			problem(s.Line, "affects: it names no component")
			return
		}
		e.Statements = append(e.Statements, s)
	}
	for _, t := range v.affects {
		add(d.statement(base, t))
	}
	if len(v.affects) == 0 {
		add(d.statement(base, target{part: part{line: v.line}, pointer: v.pointer}))
	}
	return c, true
}

// statement says what a statement is about: the component that a target refers
// to, or without a reference the document's own.
func (d *document) statement(s wontfix.Statement, t target) wontfix.Statement {
	s.Line, s.Pointer, s.Label = t.line, t.pointer, t.text
	if s.Evidence == wontfix.EvidenceWord && s.EvidenceLine == 0 {
		s.EvidenceLine = s.Line
	}
	c, known := d.components[t.text]
	if !known {
		if _, ref, ok := strings.Cut(t.text, "#"); ok && strings.HasPrefix(t.text, "urn:cdx:") { // a link into another document
			if plain, err := url.PathUnescape(ref); err == nil {
				ref = plain
			}
			c, known = d.components[ref]
			t.text = ref
		}
	}
	switch {
	case known:
	case t.text == "" && d.subject != nil:
		c = *d.subject
	default:
		c.name = t.text
		if strings.HasPrefix(t.text, "pkg:") {
			c.purl = t.text
		}
	}
	version := c.version
	s.Source, s.Release = c.name, wontfix.Release{Distribution: "cyclonedx"}
	if u, err := purl.Parse(c.purl); err == nil {
		s.Source, s.Module, s.Release = u.Name, u.Module, u.Release
		s.Binary = s.Release.Distribution != "" && !u.Source()
		if s.Release.Distribution == "" {
			s.Release.Distribution = u.Type
		}
		version = cmp.Or(u.Version, version)
	}
	s.Introduced, s.Fixed = bounds(t.versions)
	if s.Status == wontfix.Fixed {
		s.Introduced, s.Fixed = "", cmp.Or(s.Fixed, version)
	}
	return s
}

// bounds returns the first version that is vulnerable and the first that is
// not, where one range in the form vers:type/>=first|<fixed, or one version
// that is not affected, says so.
func bounds(list []versions) (introduced, fixed string) {
	n := 0
	for _, v := range list {
		switch {
		case v.status == "unaffected" && v.version != "":
			n, fixed = n+1, v.version
		case v.status != "unaffected" && v.within != "":
			_, text, ok := strings.Cut(v.within, "/")
			limits := strings.Split(text, "|")
			if last, below := strings.CutPrefix(limits[len(limits)-1], "<"); ok && below && !strings.HasPrefix(last, "=") && len(limits) <= 2 {
				n++
				if len(limits) == 2 {
					introduced = strings.TrimLeft(limits[0], ">=")
				}
				fixed = cmp.Or(fixed, last)
			} else {
				n = 2
			}
		}
	}
	if n > 2 || n == 2 && len(list) != 2 {
		return "", ""
	}
	return introduced, fixed
}

// justifications are why something is not affected.
var justifications = map[string]wontfix.Reasons{
	"code_not_present":                wontfix.CodeNotPresent,
	"code_not_reachable":              wontfix.NotExploitableHere,
	"requires_configuration":          wontfix.NotExploitableHere,
	"requires_dependency":             wontfix.ComponentNotPresent,
	"requires_environment":            wontfix.NotExploitableHere,
	"protected_by_compiler":           wontfix.MitigatedElsewhere,
	"protected_at_runtime":            wontfix.MitigatedElsewhere,
	"protected_at_perimeter":          wontfix.MitigatedElsewhere,
	"protected_by_mitigating_control": wontfix.MitigatedElsewhere,
}

// meaning says what an analysis means, and which of its words decides. A
// response counts only where the vulnerability does.
func meaning(v *vulnerability) (m wontfix.Meaning, word string, ok bool) {
	word = v.state.text
	switch word {
	case "resolved", "resolved_with_pedigree":
		return wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Evidence: wontfix.EvidenceWord, EvidenceLine: v.state.line}, word, true
	case "in_triage":
		return wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation,
			Reasons: wontfix.AnalysisPending, Evidence: wontfix.EvidenceWord, EvidenceLine: v.state.line}, word, true
	case "not_affected", "false_positive":
		m.Status, m.Decision = wontfix.NotAffected, wontfix.DecisionNotAffected
		if r := justifications[v.justification.text]; r != 0 {
			m.Reasons, m.Evidence, m.EvidenceLine = r, wontfix.EvidenceWord, v.justification.line
			return m, word, true
		}
		m.Reasons = wontfix.NoReason
		if word == "false_positive" {
			m.Reasons, m.Evidence, m.EvidenceLine = wontfix.Disputed, wontfix.EvidenceWord, v.state.line
		}
	case "exploitable", "":
		m.Status, m.Decision, m.Reasons = wontfix.Affected, wontfix.DecisionAffected, wontfix.NoReason
		at := slices.IndexFunc(v.responses, func(r part) bool { return r.text == "will_not_fix" })
		if at < 0 {
			at = slices.IndexFunc(v.responses, func(r part) bool { return r.text == "can_not_fix" })
		}
		if at < 0 {
			at = slices.IndexFunc(v.responses, func(r part) bool { return r.text == "update" })
		}
		if at < 0 {
			if word == "" && len(v.responses) == 0 {
				return m, "", false
			}
			if word == "" {
				word = v.responses[0].text
			}
			break
		}
		word = v.responses[at].text
		switch word {
		case "will_not_fix":
			m.Decision = wontfix.DecisionWontFix
		case "can_not_fix":
			m.Decision, m.Reasons, m.Evidence, m.EvidenceLine = wontfix.DecisionWontFix, wontfix.UpstreamUnfixed, wontfix.EvidenceWord, v.responses[at].line
		case "update":
			m.Decision, m.Reasons, m.Evidence, m.EvidenceLine = wontfix.DecisionFixed, 0, wontfix.EvidenceWord, v.responses[at].line
		}
	default:
		return m, word, false
	}
	if m.Evidence == wontfix.EvidenceNone {
		if r := reason.Fit(m.Decision, reason.Read(v.note.text)); r != 0 {
			m.Reasons, m.Evidence, m.EvidenceLine = r, wontfix.EvidenceBracket, v.note.line
		}
	}
	return m, word, true
}
