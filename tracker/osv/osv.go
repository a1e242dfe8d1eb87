// Package osv reads documents of the Open Source Vulnerability format (OSV
// schema 1.7): what AlmaLinux, Rocky Linux, Debian, Ubuntu, SUSE, Red Hat,
// Alpine and Chainguard say of their packages, and the Python Software
// Foundation and curl of their own software.
//
// OSV has ranges of versions and no word for a decision. A range that ends in
// a fix is a fix; one that does not end is "affected, nobody has said what will
// happen", which was worked out and is no vendor's word. docs/formats/osv.md
// has the whole mapping.
package osv

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

// A document is what is read of an OSV document at once; affected is walked.
type document struct {
	ID         string     `json:"id"`
	Aliases    []string   `json:"aliases"`
	Upstream   []string   `json:"upstream"`
	Related    []string   `json:"related"`
	Published  string     `json:"published"`
	Withdrawn  string     `json:"withdrawn"`
	Summary    string     `json:"summary"`
	Details    string     `json:"details"`
	Severity   []severity `json:"severity"`
	References []struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"references"`
}

type severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// An affected is one element of a document's affected, ranges left out.
type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Severity []severity `json:"severity"`
	Specific struct {
		Availability string `json:"availability"`
		Urgency      string `json:"urgency"`
		Priority     string `json:"ubuntu_priority"`
	} `json:"ecosystem_specific"`
	Database struct {
		Map struct {
			CVEs []struct {
				ID       string     `json:"id"`
				Severity []severity `json:"severity"`
			} `json:"cves"`
		} `json:"cves_map"`
	} `json:"database_specific"`
}

// advisoryIDs are how the IDs of notices begin that are about all of the
// vulnerabilities that they name. Any other document is about one.
var advisoryIDs = []string{"ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-", "DSA-", "DLA-", "DTSA-", "USN-", "LSN-",
	"RHSA-", "RHBA-", "RHEA-", "SUSE-", "openSUSE-"}

var cveForm = lazyregexp.New(`CVE-\d{4}-\d{4,}$`)

// cves returns the CVE IDs that the document is about, without repetition.
func (d *document) cves() []string {
	var ids []string
	add := func(names ...string) {
		for _, n := range names {
			if id := cveForm.FindString(n); id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	add(d.ID)
	add(d.Aliases...)
	add(d.Upstream...)
	// Older documents have nothing else; in a document about one vulnerability
	// that names it elsewhere these are others that it has to do with.
	if len(ids) == 0 || d.advisory() {
		add(d.Related...)
	}
	return ids
}

func (d *document) advisory() bool {
	return slices.ContainsFunc(advisoryIDs, func(p string) bool { return strings.HasPrefix(d.ID, p) })
}

// Parse yields the entries of one OSV document: one for each CVE that it is
// about, or one with the document's own ID if it names none. The error is for a
// text that is no OSV document.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: %w", file, err))
			return
		}
		var d document
		if v.Raw()[0] != '{' {
			yield(wontfix.Change{}, fmt.Errorf("%s: OSV document: want one JSON object", file))
			return
		}
		if err := v.Decode(&d); err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: OSV document: %w", file, err))
			return
		}
		if d.ID == "" {
			yield(wontfix.Change{}, fmt.Errorf("%s: OSV document: no id", file))
			return
		}
		r := reader{file: file, document: &d, value: v}
		r.read()
		ids := d.cves()
		if len(ids) == 0 {
			if d.advisory() {
				return // about bugs, or enhancements, of no CVE
			}
			ids = []string{d.ID}
		}
		for i, id := range ids {
			c := wontfix.Change{File: file, ID: id, Entry: r.entry(id, len(ids))}
			if i == 0 {
				c.Problems = r.problems
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// A reader turns one document into statements that are the same for each of
// its vulnerabilities.
type reader struct {
	file     string
	document *document
	value    markup.Value
	problems []wontfix.Problem

	statements []statement
	patches    []wontfix.PatchSet
	versioned  bool // a range has versions, not commits
}

// A statement holds for the vulnerabilities of only, or for all if that is nil.
type statement struct {
	wontfix.Statement
	only map[string][]severity
}

func (r *reader) problem(line int, format string, args ...any) {
	r.problems = append(r.problems, wontfix.Problem{File: r.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) entry(id string, of int) *wontfix.Entry {
	d := r.document
	e := &wontfix.Entry{ID: id, File: r.file, Published: d.Published, Patches: r.patches}
	switch {
	case d.advisory():
		e.VendorText = d.Summary
	default:
		e.Description = d.Details
		if e.Description == "" {
			e.Description = d.Summary
		}
		for _, name := range append([]string{d.ID}, d.Aliases...) {
			if name != id && !slices.Contains(e.Aliases, name) && of == 1 {
				e.Aliases = append(e.Aliases, name)
			}
		}
	}
	if d.Withdrawn != "" {
		e.Withdrawn = "withdrawn by the publisher on " + d.Withdrawn
	}
	for _, ref := range d.References {
		if ref.URL != "" {
			e.References = append(e.References, ref.URL)
		}
	}
	r.rate(e, d.Severity)
	for _, s := range r.statements {
		ratings, ok := s.only[id]
		if s.only != nil && !ok {
			continue
		}
		r.rate(e, ratings)
		next := s.Statement
		next.ID = id
		if d.advisory() && next.Decision != wontfix.DecisionWithdrawn {
			next.Advisory = d.ID
		}
		if next.Priority == "" {
			next.Priority = e.Priority.Word
		}
		e.Statements = append(e.Statements, next)
	}
	return e
}

// rate adds ratings to an entry: severities by CVSS, and Ubuntu's priority,
// which is another thing.
func (r *reader) rate(e *wontfix.Entry, ratings []severity) {
	for _, s := range ratings {
		switch {
		case s.Type == "Ubuntu":
			e.Priority = wontfix.Priority{Word: s.Score, Line: r.value.Get("severity").Line()}
		case strings.HasPrefix(s.Type, "CVSS_"):
			c := wontfix.CVSS{Source: r.document.ID, Vector: s.Score}
			if !slices.Contains(e.CVSS, c) {
				e.CVSS = append(e.CVSS, c)
			}
		}
	}
}
