// Package openssl reads statements.json of the OpenSSL project: the CVEs that
// it does not take for vulnerabilities. It is a voice from upstream, not a
// distribution's. docs/formats/openssl.md has the form.
package openssl

import (
	"fmt"
	"iter"
	"regexp"

	"wontfix"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

var cveForm = regexp.MustCompile(`^CVE-\d{4}-\d{4,}$`)

// Parse yields an entry for each disputed CVE. The error is for a text without
// a list of them.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		if err == nil && !v.Get("disputed").Exists() {
			err = fmt.Errorf("want a list called disputed")
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: statements: %w", file, err))
			return
		}
		for _, d := range v.Get("disputed").Elements() {
			c := wontfix.Change{File: file, ID: d.Get("cve").Text()}
			if !cveForm.MatchString(c.ID) {
				c.Problems = []wontfix.Problem{{File: file, Line: d.Line(), Text: fmt.Sprintf("disputed: %q is no CVE ID", c.ID)}}
				c.ID = ""
			} else {
				c.Entry = &wontfix.Entry{ID: c.ID, File: file, Statements: []wontfix.Statement{{ID: c.ID, Source: "openssl",
					Release: wontfix.Release{Distribution: "openssl-upstream"}, Label: "all", File: file, Line: d.Line(), Pointer: d.Pointer(),
					Word: "disputed", Detail: d.Get("text").Text(), Meaning: wontfix.Meaning{Status: wontfix.NotAffected,
						Decision: wontfix.DecisionNotAffected, Reasons: wontfix.Disputed, Evidence: wontfix.EvidenceWord}}}}
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}
