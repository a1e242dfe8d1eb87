package cyclonedx

import (
	"bytes"
	"cmp"
	"errors"
	"strings"

	"wontfix"
	"wontfix/internal/markup"
)

func readXML(text []byte) (*document, error) {
	if !bytes.Contains(text, []byte("cyclonedx.org/schema/bom")) {
		return nil, errors.New("it has no name space of CycloneDX")
	}
	d := &document{components: make(map[string]component)}
	for e, err := range markup.Elements(text, "metadata", "component", "vulnerability") {
		if err != nil {
			return nil, err
		}
		switch e.Name {
		case "metadata":
			if c := e.Child("component"); c != nil {
				subject := componentOf(c)
				d.subject = &subject
			}
			fallthrough
		case "component":
			for c := range e.Walk() {
				if ref := c.Attr("bom-ref"); ref != "" && c.Name == "component" {
					d.components[ref] = componentOf(c)
				}
			}
		case "vulnerability":
			d.vulnerabilities = append(d.vulnerabilities, vulnerabilityOf(e))
		}
	}
	return d, nil
}

func componentOf(e *markup.Element) component {
	c := component{purl: e.ChildText("purl"), name: e.ChildText("name"), version: e.ChildText("version")}
	if group := e.ChildText("group"); group != "" {
		c.name = group + "/" + c.name
	}
	return c
}

func partIn(e *markup.Element, name string) part {
	if c := e.Child(name); c != nil {
		return part{c.Text, c.Line}
	}
	return part{}
}

// vulnerabilityOf reads an element. Its pointer is its bom-ref, or else its ID.
func vulnerabilityOf(e *markup.Element) vulnerability {
	analysis := e.Child("analysis")
	u := vulnerability{
		part: part{line: e.Line}, pointer: cmp.Or(e.Attr("bom-ref"), e.ChildText("id")),
		id: e.ChildText("id"), description: e.ChildText("description"), detail: e.ChildText("detail"), workaround: e.ChildText("workaround"),
		published: e.ChildText("published"), rejected: e.ChildText("rejected"),
	}
	if analysis != nil {
		u.state, u.justification, u.note = partIn(analysis, "state"), partIn(analysis, "justification"), partIn(analysis, "detail")
		u.issued = cmp.Or(analysis.ChildText("lastUpdated"), analysis.ChildText("firstIssued"))
		for r := range analysis.Child("responses").All("response") {
			u.responses = append(u.responses, part{r.Text, r.Line})
		}
	}
	for r := range e.Child("references").All("reference") {
		u.aliases = append(u.aliases, r.ChildText("id"))
	}
	if link := e.ChildText("source", "url"); link != "" {
		u.references = append(u.references, link)
	}
	for a := range e.Child("advisories").All("advisory") {
		if link := a.ChildText("url"); link != "" {
			u.references = append(u.references, link)
		}
	}
	for r := range e.Child("ratings").All("rating") {
		if vector := r.ChildText("vector"); vector != "" {
			u.ratings = append(u.ratings, wontfix.CVSS{Source: r.ChildText("source", "name"), Vector: vector, Score: r.ChildText("score"), Severity: r.ChildText("severity")})
		}
	}
	for a := range e.Child("affects").All("target") {
		t := target{part: part{strings.TrimSpace(a.ChildText("ref")), a.Line}, pointer: u.pointer}
		for w := range a.Child("versions").All("version") {
			t.versions = append(t.versions, versions{w.ChildText("version"), w.ChildText("range"), w.ChildText("status")})
		}
		u.affects = append(u.affects, t)
	}
	return u
}
