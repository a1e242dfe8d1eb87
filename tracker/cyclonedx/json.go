package cyclonedx

import (
	"cmp"
	"errors"

	"wontfix"
	"wontfix/internal/markup"
)

func readJSON(text []byte) (*document, error) {
	whole, err := markup.ParseJSON(text)
	if err != nil {
		return nil, err
	}
	if whole.Get("bomFormat").Text() != "CycloneDX" {
		return nil, errors.New(`its bomFormat is not "CycloneDX"`)
	}
	d := &document{components: make(map[string]component)}
	if v := whole.Get("metadata", "component"); v.Exists() {
		c := d.readComponent(v, 0)
		d.subject = &c
	}
	for _, v := range whole.Get("components").Elements() {
		d.readComponent(v, 0)
	}
	for _, v := range whole.Get("vulnerabilities").Elements() {
		d.vulnerabilities = append(d.vulnerabilities, readVulnerability(v))
	}
	return d, nil
}

// deepest is how deep components may be nested.
const deepest = 64

func (d *document) readComponent(v markup.Value, depth int) component {
	c := component{purl: v.Get("purl").Text(), name: v.Get("name").Text(), version: v.Get("version").Text()}
	if group := v.Get("group").Text(); group != "" {
		c.name = group + "/" + c.name
	}
	if ref := v.Get("bom-ref").Text(); ref != "" {
		d.components[ref] = c
	}
	if depth < deepest {
		for _, v := range v.Get("components").Elements() {
			d.readComponent(v, depth+1)
		}
	}
	return c
}

func partOf(v markup.Value) part { return part{v.Text(), v.Line()} }

func readVulnerability(v markup.Value) vulnerability {
	analysis := v.Get("analysis")
	u := vulnerability{
		part: part{line: v.Line()}, pointer: v.Pointer(),
		id: v.Get("id").Text(), description: v.Get("description").Text(), detail: v.Get("detail").Text(),
		workaround: v.Get("workaround").Text(), published: v.Get("published").Text(), rejected: v.Get("rejected").Text(),
		state: partOf(analysis.Get("state")), justification: partOf(analysis.Get("justification")), note: partOf(analysis.Get("detail")),
		issued: cmp.Or(analysis.Get("lastUpdated").Text(), analysis.Get("firstIssued").Text()),
	}
	for _, r := range analysis.Get("response").Elements() {
		u.responses = append(u.responses, partOf(r))
	}
	for _, r := range v.Get("references").Elements() {
		u.aliases = append(u.aliases, r.Get("id").Text())
	}
	for _, a := range append([]markup.Value{v.Get("source")}, values(v.Get("advisories"))...) {
		if link := a.Get("url").Text(); link != "" {
			u.references = append(u.references, link)
		}
	}
	for _, r := range v.Get("ratings").Elements() {
		if vector := r.Get("vector").Text(); vector != "" {
			u.ratings = append(u.ratings, wontfix.CVSS{Source: r.Get("source", "name").Text(), Vector: vector,
				Score: string(raw(r.Get("score"))), Severity: r.Get("severity").Text()})
		}
	}
	for _, a := range v.Get("affects").Elements() {
		t := target{part: part{a.Get("ref").Text(), a.Line()}, pointer: a.Pointer()}
		for _, w := range a.Get("versions").Elements() {
			t.versions = append(t.versions, versions{w.Get("version").Text(), w.Get("range").Text(), w.Get("status").Text()})
		}
		u.affects = append(u.affects, t)
	}
	return u
}

func values(v markup.Value) (list []markup.Value) {
	for _, e := range v.Elements() {
		list = append(list, e)
	}
	return list
}

// raw returns a number as it is written.
func raw(v markup.Value) []byte {
	if !v.Exists() {
		return nil
	}
	return v.Raw()
}
