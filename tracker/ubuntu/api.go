package ubuntu

import (
	"errors"
	"fmt"
	"iter"
	"strconv"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

var cveForm = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// ParseAPI yields the entries of one page of Ubuntu's security API
// (https://ubuntu.com/security/cves.json): the tracker's words, without its
// history and without the lines that they stand in. The error is for a text
// that has no list of CVEs.
func ParseAPI(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		list := v.Get("cves")
		if err == nil && (!list.Exists() || list.Raw()[0] != '[') {
			err = errors.New("no list of CVEs")
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: answer of the API: %w", file, err))
			return
		}
		for _, item := range list.Elements() {
			c := wontfix.Change{File: file}
			if id := item.Get("id").Text(); cveForm.MatchString(id) {
				c.ID, c.Entry = id, apiEntry(file, id, item)
			} else {
				c.Problems = []wontfix.Problem{{File: file, Line: item.Line(), Text: fmt.Sprintf("CVE: %q is no CVE ID", id)}}
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

func apiEntry(file, id string, item markup.Value) *wontfix.Entry {
	e := &wontfix.Entry{ID: id, File: file, Published: item.Get("published").Text(), Description: item.Get("description").Text(),
		VendorText: item.Get("ubuntu_description").Text(), Mitigation: item.Get("mitigation").Text(), Priority: wontfix.Priority{Word: item.Get("priority").Text()}}
	for _, n := range item.Get("notes").Elements() {
		e.Notes = append(e.Notes, wontfix.Note{Author: n.Get("author").Text(), Text: n.Get("note").Text(), Line: n.Line()})
	}
	for _, r := range item.Get("references").Elements() {
		if s := r.Text(); s != "" {
			e.References = append(e.References, s)
		}
	}
	if cvss := item.Get("impact", "baseMetricV3", "cvssV3"); cvss.Exists() {
		var score float64
		c := wontfix.CVSS{Source: "ubuntu", Vector: cvss.Get("vectorString").Text(), Severity: cvss.Get("baseSeverity").Text()}
		if cvss.Get("baseScore").Decode(&score) == nil {
			c.Score = strconv.FormatFloat(score, 'f', 1, 64)
		}
		e.CVSS = append(e.CVSS, c)
	}
	for _, p := range item.Get("packages").Elements() {
		name := p.Get("name").Text()
		for _, s := range p.Get("statuses").Elements() {
			label, word := s.Get("release_codename").Text(), s.Get("status").Text()
			if name == "" || label == "" || word == "" {
				continue
			}
			if pocket := s.Get("pocket").Text(); pocket != "" && pocket != "security" && pocket != "updates" {
				label = pocket + "/" + label
			}
			r, _ := parseLabel(label)
			detail := s.Get("description").Text()
			e.Statements = append(e.Statements, wontfix.Statement{ID: id, Source: name, Release: r, Label: label, File: file, Line: s.Line(), Pointer: s.Pointer(),
				Word: word, Detail: detail, Priority: e.Priority.Word, Meaning: Meaning(word, detail)})
		}
	}
	return e
}
