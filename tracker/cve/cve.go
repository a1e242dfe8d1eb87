// Package cve reads what is written of a vulnerability where its ID comes from
// and is rated: records of the CVE programme (JSON 5) and answers of NVD's API
// (2.0). They are context, and no distribution's decision: whether the ID was
// rejected, whether the vulnerability is disputed, ratings, and links.
// docs/formats/cve.md has the forms.
package cve

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] and [ParseNVD] make of a text.
const Version = "1"

// All is the source of a statement that is about a vulnerability as a whole.
const All = "*"

var cveForm = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// tagReasons are the tags that say why a vulnerability may stay open.
var tagReasons = map[string]wontfix.Reasons{"disputed": wontfix.Disputed, "unsupported-when-assigned": wontfix.UpstreamDead}

// Parse yields the entry of one record of the CVE programme. The error is for a
// text that is none.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		id := v.Get("cveMetadata", "cveId").Text()
		if err == nil && !cveForm.MatchString(id) {
			err = fmt.Errorf("%q at cveMetadata.cveId is no CVE ID", id)
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: CVE record: %w", file, err))
			return
		}
		cna := v.Get("containers", "cna")
		e := &wontfix.Entry{ID: id, File: file, Published: v.Get("cveMetadata", "datePublished").Text(), Description: english(cna.Get("descriptions"))}
		for _, r := range cna.Get("references").Elements() {
			e.References = appendText(e.References, r.Get("url"))
		}
		rate(e, cna)
		for _, adp := range v.Get("containers", "adp").Elements() {
			rate(e, adp)
		}
		if state := v.Get("cveMetadata", "state"); state.Text() == "REJECTED" {
			why := english(cna.Get("rejectedReasons"))
			e.Withdrawn = "the CVE ID was rejected"
			e.Statements = append(e.Statements, whole(e, state, "REJECTED", why, wontfix.Meaning{Decision: wontfix.DecisionWithdrawn}))
		}
		tags(e, cna.Get("tags"))
		yield(wontfix.Change{File: file, ID: id, Entry: e}, nil)
	}
}

// ParseNVD yields the entries of one page of NVD's answer. The error is for a
// text without a list of vulnerabilities.
func ParseNVD(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		list := v.Get("vulnerabilities")
		if err == nil && (!list.Exists() || list.Raw()[0] != '[') {
			err = fmt.Errorf("no list of vulnerabilities")
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: NVD: %w", file, err))
			return
		}
		for _, x := range list.Elements() {
			c := wontfix.Change{File: file}
			item := x.Get("cve")
			if id := item.Get("id").Text(); cveForm.MatchString(id) {
				c.ID, c.Entry = id, nvdEntry(file, id, item)
			} else {
				c.Problems = []wontfix.Problem{{File: file, Line: x.Line(), Text: fmt.Sprintf("vulnerability: %q is no CVE ID", id)}}
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

func nvdEntry(file, id string, item markup.Value) *wontfix.Entry {
	e := &wontfix.Entry{ID: id, File: file, Published: item.Get("published").Text(), Description: english(item.Get("descriptions"))}
	for _, r := range item.Get("references").Elements() {
		e.References = appendText(e.References, r.Get("url"))
	}
	for _, list := range item.Get("metrics").Members() {
		for _, m := range list.Elements() {
			addCVSS(e, m.Get("source").Text(), m.Get("cvssData"), m.Get("baseSeverity"))
		}
	}
	if status := item.Get("vulnStatus"); status.Text() == "Rejected" {
		e.Withdrawn = "the CVE ID was rejected"
		e.Statements = append(e.Statements, whole(e, status, "Rejected", "", wontfix.Meaning{Decision: wontfix.DecisionWithdrawn}))
	}
	for _, t := range item.Get("cveTags").Elements() {
		tags(e, t.Get("tags"))
	}
	return e
}

// tags adds a statement for each tag that is a reason: it adds to what others
// decide, and decides nothing.
func tags(e *wontfix.Entry, list markup.Value) {
	for _, tag := range list.Elements() {
		if reasons, ok := tagReasons[tag.Text()]; ok {
			e.Statements = append(e.Statements, whole(e, tag, tag.Text(), "", wontfix.Meaning{Strength: wontfix.Soft, Reasons: reasons, Evidence: wontfix.EvidenceWord}))
		}
	}
}

func whole(e *wontfix.Entry, at markup.Value, word, detail string, m wontfix.Meaning) wontfix.Statement {
	return wontfix.Statement{ID: e.ID, Source: All, Release: wontfix.Release{Distribution: "cve"}, Label: "cve", File: e.File, Line: at.Line(), Pointer: at.Pointer(),
		Word: word, Detail: detail, Meaning: m}
}

// rate adds the ratings of a container of a record.
func rate(e *wontfix.Entry, container markup.Value) {
	by := container.Get("providerMetadata", "shortName").Text()
	for _, m := range container.Get("metrics").Elements() {
		for name, data := range m.Members() {
			if strings.HasPrefix(name, "cvssV") {
				addCVSS(e, by, data, data.Get("baseSeverity"))
			}
		}
	}
}

func addCVSS(e *wontfix.Entry, by string, data, severity markup.Value) {
	c := wontfix.CVSS{Source: by, Vector: data.Get("vectorString").Text(), Severity: severity.Text()}
	if s := data.Get("baseSeverity").Text(); s != "" {
		c.Severity = s
	}
	var score float64
	if s := data.Get("baseScore"); s.Exists() && s.Decode(&score) == nil {
		c.Score = strconv.FormatFloat(score, 'f', 1, 64)
	}
	if c.Vector != "" {
		e.CVSS = append(e.CVSS, c)
	}
}

func appendText(list []string, v markup.Value) []string {
	if s := v.Text(); s != "" {
		list = append(list, s)
	}
	return list
}

// english returns the value of a list of texts in that language.
func english(list markup.Value) string {
	for _, d := range list.Elements() {
		if lang := d.Get("lang").Text(); lang == "en" || strings.HasPrefix(lang, "en-") {
			return d.Get("value").Text()
		}
	}
	return ""
}
