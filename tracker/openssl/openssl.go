// Package openssl reads what the OpenSSL project says: statements.json, the CVEs
// that it does not take for vulnerabilities, and its records of CVEs, with the
// version that has the fix on each branch. It is a voice from upstream, not a
// distribution's. docs/formats/openssl.md has the forms.
package openssl

import (
	"fmt"
	"iter"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] makes of a text.
const Version = "2"

var cveForm = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// Parse yields an entry for each disputed CVE of statements.json, or the one of a
// record. The error is for a text that is neither.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		if err == nil && v.Get("cveMetadata").Exists() {
			yield(record(file, v), nil)
			return
		}
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

// record reads a record of the CVE programme, of which versions of OpenSSL
// itself matter.
func record(file string, v markup.Value) wontfix.Change {
	c := wontfix.Change{File: file, ID: v.Get("cveMetadata", "cveId").Text()}
	problem := func(at markup.Value, format string, args ...any) {
		c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: at.Line(), Text: fmt.Sprintf("record: "+format, args...)})
	}
	if !cveForm.MatchString(c.ID) {
		problem(v, "%q is no CVE ID", c.ID)
		c.ID = ""
		return c
	}
	cna := v.Get("containers", "cna")
	e := &wontfix.Entry{ID: c.ID, File: file, Published: cna.Get("datePublic").Text(), VendorText: cna.Get("title").Text()}
	for _, r := range cna.Get("references").Elements() {
		if s := r.Get("url").Text(); s != "" {
			e.References = append(e.References, s)
		}
	}
	for _, a := range cna.Get("affected").Elements() {
		if a.Get("product").Text() != "OpenSSL" {
			continue
		}
		for _, x := range a.Get("versions").Elements() {
			first := x.Get("version").Text()
			series, ok := branch(first)
			if x.Get("status").Text() != "affected" || !ok {
				problem(x, "version %q with status %q is not known", first, x.Get("status").Text())
				continue
			}
			s := wontfix.Statement{ID: c.ID, Source: "openssl", Release: wontfix.Release{Distribution: "openssl-upstream", Series: series}, Label: series,
				File: file, Line: x.Line(), Pointer: x.Pointer(), Word: "affected", Detail: first, Published: e.PublishedAt()}
			if fixed := x.Get("lessThan").Text(); fixed != "" {
				s.Meaning = wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Introduced: first, Fixed: fixed}
			} else {
				s.Meaning = wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason, Introduced: first,
					LastAffected: x.Get("lessThanOrEqual").Text()}
			}
			e.Statements = append(e.Statements, s)
		}
	}
	c.Entry = e
	return c
}

var number = lazyregexp.New(`^\d+$`)

// branch returns the branch of a version: two numbers since 3.0, three before,
// as in 1.0.2.
func branch(version string) (string, bool) {
	parts := strings.Split(version, ".")
	n := 2
	if len(parts[0]) == 1 && parts[0] < "3" {
		n = 3
	}
	if len(parts) < n {
		return "", false
	}
	for i := range n {
		if parts[i] = strings.TrimRight(parts[i], "abcdefghijklmnopqrstuvwxyz"); !number.MatchString(parts[i]) {
			return "", false
		}
	}
	return strings.Join(parts[:n], "."), true
}
