package csaf

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// A joiner makes entries of a document: it brings together what a vulnerability
// says of a product in several places, and what the product is.
type joiner struct {
	publisher *Publisher
	document  *document
	file      string

	lines      counter
	components map[int32]component
	platforms  map[int32]platform
}

// change makes the change that a vulnerability of the document is. It is not
// ok if the vulnerability has nothing by which it is known.
func (j *joiner) change(index int) (c wontfix.Change, ok bool) {
	d, v := j.document, &j.document.vulnerabilities[index]
	if j.lines.text == "" {
		j.lines.text = d.text
		j.components, j.platforms = make(map[int32]component), make(map[int32]platform)
	}
	e := &wontfix.Entry{ID: v.cve.text, File: j.file}
	if !cveID.MatchString(e.ID) {
		if e.ID != "" {
			c.Problems = append(c.Problems, wontfix.Problem{File: j.file, Line: j.lines.at(v.cve.offset),
				Text: "cve: " + quote(e.ID) + " is no CVE ID"})
		}
		if e.ID = v.otherID.text; !isID(e.ID) {
			if len(c.Problems) == 0 {
				c.Problems = append(c.Problems, wontfix.Problem{File: j.file, Line: 1,
					Text: "vulnerability " + v.title() + ": it has no CVE ID and no other"})
			}
			c.File = j.file
			return c, true
		}
	}
	e.Published = cmp.Or(v.released, v.discovered, d.published.text)
	if d.severity.text != "" {
		e.Priority = wontfix.Priority{Word: d.severity.text, Line: j.lines.at(d.severity.offset)}
	}
	for _, r := range v.ratings {
		e.CVSS = append(e.CVSS, wontfix.CVSS{Source: j.publisher.Name, Vector: r.vector, Score: r.score, Severity: r.severity})
	}
	for _, r := range v.references {
		switch to := &e.References; {
		case strings.Contains(r.text, "://bugzilla."):
			to = &e.Bugs
			fallthrough
		default:
			if !slices.Contains(*to, r.text) {
				*to = append(*to, r.text)
			}
		}
	}
	j.readNotes(e, v)
	e.Statements = j.statements(e, v)
	detach(e)
	c.File, c.ID, c.Entry = j.file, e.ID, e
	return c, true
}

func (v *vulnerability) title() string { return "number " + strconv.Itoa(v.index+1) }

// isID reports whether text can be the ID of a vulnerability in some list.
func isID(text string) bool {
	if len(text) < 4 || len(text) > 64 || !strings.Contains(text, "-") {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r != '-' && r != '.' && r != ':' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// stock is how the sentence begins that Red Hat puts where there is no
// mitigation.
const stock = "Mitigation for this issue is either not available or the currently available options do"

// readNotes reads the texts about a vulnerability as a whole.
func (j *joiner) readNotes(e *wontfix.Entry, v *vulnerability) {
	for _, n := range v.notes {
		title := strings.ToLower(n.title)
		switch {
		case n.text.text == "":
		case n.category == "description" || strings.Contains(title, "description"):
			e.Description = cmp.Or(e.Description, n.text.text)
		case n.category == "summary":
			e.Description = cmp.Or(e.Description, n.text.text)
		case n.category == "other" || n.category == "details" || title == "statement":
			e.Notes = append(e.Notes, wontfix.Note{Author: j.publisher.Name, Text: n.text.text, Line: j.lines.at(n.text.offset)})
		}
	}
	if d := strings.TrimSpace(e.Description); strings.HasPrefix(d, "** REJECT **") || strings.HasPrefix(d, "Rejected reason:") {
		e.Withdrawn = "the description says that the vulnerability was rejected"
	}
	var mitigations []string
	for _, y := range v.remedies {
		text := strings.TrimSpace(y.details.text)
		if mitigates(y.category) && text != "" && !strings.HasPrefix(text, stock) && !slices.Contains(mitigations, text) {
			mitigations = append(mitigations, text)
		}
	}
	e.Mitigation = strings.Join(mitigations, "\n\n")
}

// detach copies the strings of an entry that are parts of the document's text,
// so that the entry does not keep it.
func detach(e *wontfix.Entry) {
	known := make(map[string]string)
	own := func(s *string) {
		if *s == "" {
			return
		}
		c, ok := known[*s]
		if !ok {
			c = strings.Clone(*s)
			known[c] = c
		}
		*s = c
	}
	for _, s := range []*string{&e.ID, &e.Published, &e.Priority.Word, &e.Description, &e.Mitigation} {
		own(s)
	}
	for i := range e.References {
		own(&e.References[i])
	}
	for i := range e.Bugs {
		own(&e.Bugs[i])
	}
	for i := range e.Notes {
		own(&e.Notes[i].Text)
	}
	for i := range e.CVSS {
		own(&e.CVSS[i].Vector)
		own(&e.CVSS[i].Score)
		own(&e.CVSS[i].Severity)
	}
	for i := range e.Statements {
		s := &e.Statements[i]
		for _, p := range []*string{&s.ID, &s.Source, &s.Module, &s.Label, &s.Word, &s.Detail, &s.Priority, &s.Published, &s.Fixed, &s.Advisory, &s.Words, &s.Decided,
			&s.Release.Distribution, &s.Release.Series, &s.Release.Product} {
			own(p)
		}
	}
}
