// Package gentoo reads Gentoo's security advisories (GLSA): an XML document for
// each, with the ranges of versions that are vulnerable. docs/formats/gentoo.md
// has the form.
package gentoo

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

var cveForm = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// Parse yields the entries of one advisory, one for each CVE that it refers to.
// The error is for a text that is no advisory.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		found := false
		for e, err := range markup.Elements(text, "glsa") {
			if err != nil {
				yield(wontfix.Change{}, fmt.Errorf("%s: advisory: %w", file, err))
				return
			}
			found = true
			for _, c := range advisory(file, e) {
				if !yield(c, nil) {
					return
				}
			}
		}
		if !found {
			yield(wontfix.Change{}, fmt.Errorf("%s: advisory: no element glsa", file))
		}
	}
}

// advisory makes the changes of one advisory.
func advisory(file string, e *markup.Element) []wontfix.Change {
	var problems []wontfix.Problem
	var statements []wontfix.Statement
	id := e.Attr("id")
	problem := func(line int, format string, args ...any) {
		problems = append(problems, wontfix.Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	for p := range e.Child("affected").All("package") {
		for v := range p.All("vulnerable") {
			s := wontfix.Statement{Source: p.Attr("name"), Release: wontfix.Release{Distribution: "gentoo", Series: "rolling"}, Label: "rolling",
				File: file, Line: v.Line, Pointer: id, Word: "vulnerable", Detail: v.Attr("range") + " " + v.Text}
			s.Advisory, s.Decided = "GLSA-"+id, e.ChildText("announced")
			if slot := v.Attr("slot"); slot != "" && slot != "*" {
				s.Module = "slot:" + slot
			}
			switch {
			case s.Source == "" || v.Text == "" || id == "":
				problem(v.Line, "advisory %q: a package without a name or a version", id)
				continue
			case v.Attr("range") == "lt":
				s.Status, s.Decision, s.Fixed = wontfix.Fixed, wontfix.DecisionFixed, v.Text
			default:
				// Single versions and ranges of revisions: the fix is in the
				// range beside them, or nowhere.
				next := fixed(p, v)
				if next == "" {
					s.Status, s.Decision, s.Reasons = wontfix.Affected, wontfix.DecisionAffected, wontfix.NoReason
					break
				}
				s.Status, s.Decision, s.Fixed = wontfix.Fixed, wontfix.DecisionFixed, next
			}
			statements = append(statements, s)
		}
	}
	var ids []string
	for ref := range e.Child("references").All("uri") {
		if name := strings.TrimSpace(ref.Text); cveForm.MatchString(name) && !slices.Contains(ids, name) {
			ids = append(ids, name)
		}
	}
	if len(ids) == 0 && len(problems) > 0 {
		return []wontfix.Change{{File: file, Problems: problems}}
	}
	var changes []wontfix.Change
	for i, name := range ids {
		entry := &wontfix.Entry{ID: name, File: file, VendorText: e.ChildText("synopsis")}
		for _, s := range statements {
			s.ID = name
			entry.Statements = append(entry.Statements, s)
		}
		c := wontfix.Change{File: file, ID: name, Entry: entry}
		if i == 0 {
			c.Problems = problems
		}
		changes = append(changes, c)
	}
	return changes
}

// fixed returns the version from which on a package is unaffected in the slot
// of a vulnerable range, "" if none is given.
func fixed(p, v *markup.Element) string {
	for u := range p.All("unaffected") {
		if u.Attr("range") == "ge" && u.Attr("slot") == v.Attr("slot") {
			return u.Text
		}
	}
	return ""
}
