// Package openvex reads OpenVEX documents, versions 0.0.1 to 0.2.0: those that
// a user has, and the export that Ubuntu makes of its tracker.
//
// docs/formats/openvex.md has the grammar and the meaning.
package openvex

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
	"wontfix/purl"
	"wontfix/reason"
)

// Version is the version of what this package makes of a text.
const Version = "1"

var cveID = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// Parse yields an entry for each vulnerability that a document names: file is
// the document's path, text its bytes. The error is for a text that is no
// OpenVEX document.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		whole, err := markup.ParseJSON(text)
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: document: %w", file, err))
			return
		}
		head := whole
		if m := whole.Get("metadata"); m.Exists() { // Ubuntu's older form
			head = m
		}
		if !strings.Contains(head.Get("@context").Text(), "openvex") || !whole.Get("statements").Exists() {
			yield(wontfix.Change{}, fmt.Errorf("%s: document: it has no @context of OpenVEX with statements", file))
			return
		}
		d := document{file: file, canonical: strings.HasPrefix(head.Get("author").Text(), "Canonical"),
			author: head.Get("author").Text(), timestamp: head.Get("timestamp").Text()}
		for _, v := range whole.Get("statements").Elements() {
			d.read(v)
		}
		for _, c := range d.changes {
			if !yield(*c, nil) {
				return
			}
		}
	}
}

// A document is one in the reading.
type document struct {
	file, author, timestamp string
	canonical               bool // it is Ubuntu's export, with sentences of its own
	changes                 []*wontfix.Change
}

// change returns the change of a vulnerability, a new one if need be.
func (d *document) change(id string) *wontfix.Change {
	for _, c := range d.changes {
		if c.ID == id {
			return c
		}
	}
	c := &wontfix.Change{File: d.file, ID: id, Entry: &wontfix.Entry{ID: id, File: d.file}}
	d.changes = append(d.changes, c)
	return c
}

// problem adds what is wrong with a part of the document to its first change.
func (d *document) problem(v markup.Value, text string) {
	if len(d.changes) == 0 {
		d.changes = append(d.changes, &wontfix.Change{File: d.file})
	}
	d.changes[0].Problems = append(d.changes[0].Problems, wontfix.Problem{File: d.file, Line: v.Line(), Text: text})
}

// read reads one statement of the document: a status of some products.
func (d *document) read(v markup.Value) {
	ids, aliases, about := identify(v.Get("vulnerability"))
	if len(ids) == 0 {
		d.problem(v, "statement: its vulnerability has no name that is an ID")
		return
	}
	m, ok := d.meaning(v)
	if !ok {
		d.problem(v, fmt.Sprintf("statement: status %q is not known", v.Get("status").Text()))
		return
	}
	products := slices.Collect(subjects(v.Get("products")))
	if len(products) == 0 {
		d.problem(v, "statement: it names no product")
		return
	}
	for _, id := range ids {
		e := d.change(id).Entry
		e.Aliases = union(e.Aliases, aliases.ids)
		e.References = union(e.References, aliases.links)
		e.Description = cmp.Or(e.Description, about)
		s := wontfix.Statement{ID: id, File: d.file, Word: v.Get("status").Text(), Meaning: m,
			Detail: cmp.Or(v.Get("action_statement").Text(), v.Get("impact_statement").Text(), v.Get("status_notes").Text())}
		switch day := date(cmp.Or(v.Get("timestamp").Text(), d.timestamp)); {
		case d.canonical: // it is when the vulnerability was published
			e.Published = cmp.Or(e.Published, date(v.Get("timestamp").Text()))
			s.Published = e.Published
		default:
			s.Decided = day
		}
		if id != v.Get("vulnerability", "name").Text() && strings.HasPrefix(v.Get("vulnerability", "name").Text(), "USN-") {
			s.Advisory = v.Get("vulnerability", "name").Text()
		}
		d.add(e, s, products)
	}
}

// A product is a product or a subcomponent of a statement.
type product struct {
	value markup.Value
	id    string // of the product that it is part of, or its own
	purl  string
}

// subjects yields what a statement is about: the subcomponents of products, or
// the products that have none.
func subjects(products markup.Value) iter.Seq[product] {
	return func(yield func(product) bool) {
		for _, p := range products.Elements() {
			id := cmp.Or(p.Text(), p.Get("@id").Text())
			parts := false
			for _, c := range p.Get("subcomponents").Elements() {
				parts = true
				if !yield(product{c, id, urlOf(c)}) {
					return
				}
			}
			if !parts && !yield(product{p, id, urlOf(p)}) {
				return
			}
		}
	}
}

// urlOf returns the package URL of a product, or the ID that it has instead.
func urlOf(v markup.Value) string {
	return cmp.Or(v.Get("identifiers", "purl").Text(), v.Get("@id").Text(), v.Text())
}

// add makes a statement for each package and release. Binary packages have none
// where the same statement names source packages: Ubuntu's do not say of which
// release they are.
func (d *document) add(e *wontfix.Entry, base wontfix.Statement, products []product) {
	sources := make(map[string]bool)
	for _, p := range products {
		if kind, source := kindOf(p.purl); source {
			sources[kind] = true
		}
	}
	known := make(map[wontfix.Statement]bool)
	for _, p := range products {
		if kind, source := kindOf(p.purl); sources[kind] && !source {
			continue
		}
		s := base
		s.Line, s.Pointer = p.value.Line(), p.value.Pointer()
		u, err := purl.Parse(p.purl)
		if err != nil {
			s.Source, s.Label, s.Release = cmp.Or(p.purl, p.id), p.id, wontfix.Release{Distribution: "openvex"}
			if s.Source == "" {
				d.problem(p.value, "product: it has no @id")
				continue
			}
		} else {
			s.Source, s.Module, s.Release = u.Name, u.Module, u.Release
			s.Label = cmp.Or(labelOf(u.Release), p.id)
			s.Binary = s.Release.Distribution != "" && !u.Source()
			if s.Release.Distribution == "" {
				s.Release.Distribution = u.Type
			}
			if s.Meaning.Status == wontfix.Fixed {
				s.Fixed = u.Version
				if d.canonical && strings.HasPrefix(s.Release.Product, "esm-") {
					s.Status, s.Decision, s.Reasons = wontfix.Affected, wontfix.DecisionPaid, wontfix.PaidTierOnly
				}
			}
		}
		if s.Evidence == wontfix.EvidenceWord && s.EvidenceLine == 0 {
			s.EvidenceLine = s.Line
		}
		key := s
		key.Line, key.Pointer, key.EvidenceLine = 0, "", 0
		if !known[key] {
			known[key] = true
			e.Statements = append(e.Statements, s)
		}
	}
}

// kindOf returns the scheme and type of a package URL, and whether it names a
// source package. It only looks: a statement of Ubuntu has thousands of URLs.
func kindOf(url string) (kind string, source bool) {
	kind, rest, _ := strings.Cut(url, "/")
	return kind, strings.Contains(rest, "arch=source") || strings.Contains(rest, "arch=src")
}

// labelOf returns a release as the qualifier of a package URL has it.
func labelOf(r wontfix.Release) string {
	if r.Product != "" {
		return r.Product + "/" + r.Series
	}
	return r.Series
}

// links are the aliases of a vulnerability.
type aliases struct{ ids, links []string }

// identify returns the IDs by which a vulnerability is known: its name, or, if
// that is an advisory's, the CVEs among its aliases.
func identify(v markup.Value) (ids []string, other aliases, about string) {
	name := cmp.Or(v.Text(), v.Get("name").Text(), v.Get("@id").Text())
	for _, a := range v.Get("aliases").Elements() {
		switch text := a.Text(); {
		case strings.Contains(text, "://"):
			other.links = append(other.links, text)
		case text != "":
			other.ids = append(other.ids, text)
		}
	}
	about = v.Get("description").Text()
	if link := v.Get("@id").Text(); strings.Contains(link, "://") {
		other.links = append(other.links, link)
	}
	if cveID.MatchString(name) {
		return []string{name}, other, about
	}
	for _, a := range other.ids {
		if cveID.MatchString(a) {
			ids = append(ids, a)
		}
	}
	if len(ids) > 0 {
		other.ids = slices.DeleteFunc(other.ids, cveID.MatchString)
		if len(ids) == 1 && !strings.HasPrefix(name, "USN-") && !strings.Contains(name, "://") {
			other.ids = append(other.ids, name)
		}
		return ids, other, about
	}
	if otherID.MatchString(name) {
		return []string{name}, other, about
	}
	return nil, other, about
}

// otherID is the form of IDs that are not of the CVE list: GHSA-…, GO-….
var otherID = lazyregexp.New(`^[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9._:-]{1,60}$`)

// justifications are the labels of OpenVEX.
var justifications = map[string]wontfix.Reasons{
	"component_not_present":                             wontfix.ComponentNotPresent,
	"vulnerable_code_not_present":                       wontfix.CodeNotPresent,
	"vulnerable_code_not_in_execute_path":               wontfix.NotExploitableHere,
	"vulnerable_code_cannot_be_controlled_by_adversary": wontfix.NotExploitableHere,
	"inline_mitigations_already_exist":                  wontfix.MitigatedElsewhere,
}

// meaning says what the status of a statement means with its texts.
func (d *document) meaning(v markup.Value) (m wontfix.Meaning, ok bool) {
	switch v.Get("status").Text() {
	case "not_affected":
		m.Status, m.Decision = wontfix.NotAffected, wontfix.DecisionNotAffected
		if r := justifications[v.Get("justification").Text()]; r != 0 {
			m.Reasons, m.Evidence, m.EvidenceLine = r, wontfix.EvidenceWord, v.Get("justification").Line()
			return m, true
		}
		read(&m, v.Get("impact_statement"), v.Get("impact_statement").Text())
	case "fixed":
		return wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Evidence: wontfix.EvidenceWord}, true
	case "under_investigation":
		return wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation,
			Reasons: wontfix.AnalysisPending, Evidence: wontfix.EvidenceWord}, true
	case "affected":
		m.Status, m.Decision = wontfix.Affected, wontfix.DecisionAffected
		action := v.Get("action_statement")
		if !d.canonical {
			read(&m, action, action.Text())
			break
		}
		sentence, note, _ := strings.Cut(action.Text(), "CVE Notes / justification:")
		for _, k := range sentences {
			if strings.Contains(sentence, k.has) && strings.Contains(sentence, k.and) {
				m.Decision, m.Strength, m.Reasons = k.decision, k.strength, k.reasons
				break
			}
		}
		switch {
		case m.Reasons != 0:
			m.Evidence, m.EvidenceLine = wontfix.EvidenceWord, action.Line()
		case m.Decision == wontfix.DecisionWontFix:
			read(&m, action, note)
		case m.Decision == wontfix.DecisionAffected:
			m.Reasons = wontfix.NoReason
		}
	default:
		return m, false
	}
	return m, true
}

// read gives a meaning the reasons that a text has.
func read(m *wontfix.Meaning, v markup.Value, text string) {
	if r := reason.Fit(m.Decision, reason.Read(text)); r != 0 {
		m.Reasons, m.Evidence, m.EvidenceLine = r, wontfix.EvidenceBracket, v.Line()
		return
	}
	m.Reasons = wontfix.NoReason
}

// sentences are how Ubuntu's export tells the words of its tracker, the more
// telling ones first.
var sentences = []struct {
	has, and string
	decision wontfix.Decision
	strength wontfix.Strength
	reasons  wontfix.Reasons
}{
	{"decided to not fix it", "", wontfix.DecisionWontFix, wontfix.Firm, 0},
	{"is no longer supported", "", wontfix.DecisionEndOfLife, wontfix.Firm, wontfix.EOLRelease},
	{"needs fixing", "actively", wontfix.DecisionFixPending, wontfix.Soft, 0},
	{"needs fixing", "", wontfix.DecisionAffected, wontfix.Firm, 0},
}

// date returns the day of a time stamp, "" if it begins with none.
func date(stamp string) string {
	if len(stamp) < len("2006-01-02") || wontfix.NewDate(stamp[:10]).IsZero() {
		return ""
	}
	return stamp[:10]
}

func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
