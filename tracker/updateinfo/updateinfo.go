// Package updateinfo reads updateinfo.xml, the advisories in the metadata of
// an rpm repository: those of Amazon Linux, and of Rocky Linux and AlmaLinux.
// They are fixes alone. docs/formats/updateinfo.md has the form.
package updateinfo

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

var (
	cveForm = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)
	amazon  = lazyregexp.New(`(?i)^Amazon Linux (AMI|\d+)(?: - (.+))?$`)
	// The publishers' own names, and those that AlmaLinux gives repositories.
	clones = lazyregexp.New(`^(Rocky Linux |AlmaLinux |almalinux-)(\d+)\b`)
)

// release returns the release that a name of a collection is of.
func release(name string) (wontfix.Release, bool) {
	if m := amazon.FindStringSubmatch(name); m != nil {
		r := wontfix.Release{Distribution: "amzn", Series: m[1], Product: strings.ToLower(strings.ReplaceAll(m[2], " ", "-"))}
		if r.Series = strings.ToLower(r.Series); r.Series == "ami" {
			r.Series = "1"
		}
		return r, !strings.Contains(r.Product, "/")
	}
	if m := clones.FindStringSubmatch(name); m != nil {
		d := "almalinux"
		if strings.HasPrefix(name, "Rocky") {
			d = "rocky"
		}
		return wontfix.Release{Distribution: d, Series: m[2]}, true
	}
	return wontfix.Release{}, false
}

// Parse yields the entries of one updateinfo.xml: one for each CVE of each
// advisory. The error is for a text that is not well-formed or has no updates.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		for e, err := range markup.Elements(text, "update") {
			if err != nil {
				yield(wontfix.Change{}, fmt.Errorf("%s: updateinfo: %w", file, err))
				return
			}
			for _, c := range update(file, e) {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// update makes the changes of one advisory.
func update(file string, e *markup.Element) []wontfix.Change {
	id := e.ChildText("id")
	var cves, references []string
	for ref := range e.Child("references").All("reference") {
		if name := ref.Attr("id"); cveForm.MatchString(name) && !slices.Contains(cves, name) {
			cves = append(cves, name)
		}
		if href := ref.Attr("href"); href != "" {
			references = append(references, href)
		}
	}
	if len(cves) == 0 {
		return nil // about bugs
	}
	problem := func(line int, format string, args ...any) []wontfix.Change {
		return []wontfix.Change{{File: file, Problems: []wontfix.Problem{{File: file, Line: line, Text: fmt.Sprintf(format, args...)}}}}
	}
	if id == "" {
		return problem(e.Line, "update: no id")
	}
	var statements []wontfix.Statement
	for c := range e.Child("pkglist").All("collection") {
		label := c.ChildText("name")
		r, ok := release(label)
		if !ok {
			label = e.ChildText("release")
			r, ok = release(label)
		}
		if !ok {
			return problem(c.Line, "update %s: collection %q is of no known release", id, c.ChildText("name"))
		}
		module := ""
		if m := c.Child("module"); m != nil {
			module = m.Attr("name") + ":" + m.Attr("stream")
		}
		for p := range c.All("package") {
			s := wontfix.Statement{Source: p.Attr("name"), Binary: true, Module: module, Release: r, Label: label, File: file, Line: p.Line, Pointer: id,
				Word: "package", Detail: p.ChildText("filename"), Priority: e.ChildText("severity"),
				Meaning: wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: evr(p), Advisory: id, Decided: day(e)}}
			if s.Source == "" || s.Fixed == "" {
				return problem(p.Line, "update %s: package without a name or a version", id)
			}
			// The same is said for each architecture.
			if !slices.ContainsFunc(statements, func(o wontfix.Statement) bool {
				return o.Source == s.Source && o.Fixed == s.Fixed && o.Release == s.Release && o.Module == s.Module
			}) {
				statements = append(statements, s)
			}
		}
	}
	var changes []wontfix.Change
	for _, cve := range cves {
		entry := &wontfix.Entry{ID: cve, File: file, VendorText: e.ChildText("title"), References: references}
		for _, s := range statements {
			s.ID = cve
			entry.Statements = append(entry.Statements, s)
		}
		changes = append(changes, wontfix.Change{File: file, ID: cve, Entry: entry})
	}
	return changes
}

// evr returns the version of a package as rpm writes it: "1:2.3-4". An epoch of
// 0 is none.
func evr(p *markup.Element) string {
	if p.Attr("version") == "" || p.Attr("release") == "" {
		return ""
	}
	s := p.Attr("version") + "-" + p.Attr("release")
	if epoch := p.Attr("epoch"); epoch != "" && epoch != "0" {
		s = epoch + ":" + s
	}
	return s
}

// day returns the day on which the advisory was issued.
func day(e *markup.Element) string {
	if date := e.Child("issued").Attr("date"); len(date) >= 10 && date[4] == '-' && date[7] == '-' {
		return date[:10]
	}
	return ""
}
