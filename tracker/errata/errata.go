// Package errata reads the advisories of AlmaLinux and Rocky Linux as their
// servers give them in JSON: AlmaLinux's errata.full.json and its older form,
// and the pages of Rocky Linux's API. They are fixes alone: silence says
// nothing. docs/formats/errata.md has the forms.
package errata

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

var (
	cveForm = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)
	// dist is what an rpm's release has of the major release that it was built
	// for: .el8_4, .module_el8.5.0+2632, .module+el8.4.0+557.
	dist = lazyregexp.New(`[._+]el(\d+)(?:[._+]|$)`)
	// nevra is a file name of Rocky Linux: name-epoch:version-release.arch.rpm.
	nevra = lazyregexp.New(`^(.+)-(\d+):([^-:]+)-([^-:]+)\.([^.]+)\.rpm$`)
	rocky = lazyregexp.New(`^Rocky Linux (\d+)(?:\.\d+)?(?: |$)`)
)

// Parse yields the entries of one document: one for each CVE of each advisory.
// The error is for a text that has no list of advisories.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		list, read := v, alma
		switch {
		case err != nil:
		case v.Get("advisories").Exists():
			list, read = v.Get("advisories"), rockyAdvisory
		case v.Get("data").Exists():
			list = v.Get("data")
		}
		if err == nil && list.Raw()[0] != '[' {
			err = errors.New("no list of advisories")
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: errata: %w", file, err))
			return
		}
		for _, a := range list.Elements() {
			e := advisory{file: file}
			read(&e, a)
			for _, c := range e.changes() {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// An advisory is what both publishers' are made into.
type advisory struct {
	file, id, title, severity, day string
	cves, references               []string
	statements                     []wontfix.Statement
	problems                       []wontfix.Problem
}

func (a *advisory) problem(at markup.Value, format string, args ...any) {
	a.problems = append(a.problems, wontfix.Problem{File: a.file, Line: at.Line(), Text: fmt.Sprintf("advisory %s: ", a.id) + fmt.Sprintf(format, args...)})
}

func (a *advisory) cve(id string) {
	if cveForm.MatchString(id) && !slices.Contains(a.cves, id) {
		a.cves = append(a.cves, id)
	}
}

// fixed adds a package that has the fix, once for all architectures.
func (a *advisory) fixed(at markup.Value, distribution, series, name, version, module, word string) {
	r := wontfix.Release{Distribution: distribution, Series: series}
	if slices.ContainsFunc(a.statements, func(s wontfix.Statement) bool {
		return s.Source == name && s.Fixed == version && s.Release == r && s.Module == module
	}) {
		return
	}
	a.statements = append(a.statements, wontfix.Statement{Source: name, Binary: true, Module: module, Release: r, Label: distribution + " " + series,
		File: a.file, Line: at.Line(), Pointer: at.Pointer(), Word: word, Priority: a.severity,
		Meaning: wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: version, Advisory: a.id, Decided: a.day}})
}

func (a *advisory) changes() (changes []wontfix.Change) {
	for i, id := range a.cves {
		e := &wontfix.Entry{ID: id, File: a.file, VendorText: a.title, References: a.references}
		for _, s := range a.statements {
			s.ID = id
			e.Statements = append(e.Statements, s)
		}
		c := wontfix.Change{File: a.file, ID: id, Entry: e}
		if i == 0 {
			c.Problems = a.problems
		}
		changes = append(changes, c)
	}
	if len(a.cves) == 0 && len(a.problems) > 0 {
		changes = append(changes, wontfix.Change{File: a.file, Problems: a.problems})
	}
	return changes
}

// alma reads an advisory of AlmaLinux, in either of its forms.
func alma(a *advisory, v markup.Value) {
	packages := v.Get("packages")
	if list := v.Get("pkglist"); list.Exists() {
		packages = list.Get("packages")
	}
	for _, name := range []string{"id", "updateinfo_id"} {
		if s := v.Get(name).Text(); s != "" {
			a.id = s
		}
	}
	a.title, a.severity, a.day = v.Get("title").Text(), v.Get("severity").Text(), almaDay(v.Get("issued_date"))
	for _, ref := range v.Get("references").Elements() {
		a.cve(ref.Get("id").Text())
		if href := ref.Get("href").Text(); href != "" {
			a.references = append(a.references, href)
		}
	}
	if len(a.cves) == 0 {
		return // about bugs
	}
	if a.id == "" {
		a.problem(v, "no id")
		return
	}
	module := ""
	if m := v.Get("pkglist", "module"); m.Get("name").Text() != "" {
		module = m.Get("name").Text() + ":" + m.Get("stream").Text()
	}
	for _, p := range packages.Elements() {
		name, version, release := p.Get("name").Text(), p.Get("version").Text(), p.Get("release").Text()
		m := dist.FindStringSubmatch("." + release)
		switch {
		case name == "" || version == "" || release == "":
			a.problem(p, "a package without name, version and release")
		case m == nil:
			a.problem(p, "release %q of %s is of no known release", release, name)
		default:
			own := module
			if parts := strings.Split(p.Get("module").Text(), ":"); len(parts) > 1 {
				own = parts[0] + ":" + parts[1]
			}
			if epoch := p.Get("epoch").Text(); epoch != "" && epoch != "0" {
				version = epoch + ":" + version
			}
			a.fixed(p, "almalinux", m[1], name, version+"-"+release, own, name)
		}
	}
}

// almaDay reads seconds since 1970, or {"$date": milliseconds}.
func almaDay(v markup.Value) string {
	var n int64
	switch ms := v.Get("$date"); {
	case ms.Exists() && ms.Decode(&n) == nil:
		n /= 1000
	case v.Exists() && v.Decode(&n) == nil:
	default:
		return ""
	}
	if n <= 0 || n > 1<<36 {
		return ""
	}
	return time.Unix(n, 0).UTC().Format(time.DateOnly)
}

// rockyAdvisory reads an advisory of Rocky Linux's API. What was rebuilt for a
// minor release that has ended has a product of its own, marked as legacy: the
// same fix for the same series.
func rockyAdvisory(a *advisory, v markup.Value) {
	a.id, a.title, a.severity = v.Get("name").Text(), v.Get("synopsis").Text(), v.Get("severity").Text()
	if s := v.Get("published_at").Text(); len(s) >= 10 {
		if t, err := time.Parse(time.DateOnly, s[:10]); err == nil {
			a.day = t.Format(time.DateOnly)
		}
	}
	for _, c := range v.Get("cves").Elements() {
		a.cve(c.Get("cve").Text())
	}
	for _, f := range v.Get("fixes").Elements() {
		if s := f.Get("source").Text(); s != "" {
			a.references = append(a.references, s)
		}
	}
	if len(a.cves) == 0 {
		return
	}
	if a.id == "" {
		a.problem(v, "no name")
		return
	}
	for _, p := range v.Get("packages").Elements() {
		file, product := p.Get("nevra").Text(), p.Get("product_name").Text()
		m, r := nevra.FindStringSubmatch(file), rocky.FindStringSubmatch(product)
		switch {
		case m == nil:
			a.problem(p, "package %q: want name-epoch:version-release.architecture.rpm", file)
		case r == nil:
			a.problem(p, "product %q is of no known release", product)
		case m[5] == "src":
		default:
			version := m[3] + "-" + m[4]
			if m[2] != "0" {
				version = m[2] + ":" + version
			}
			module := ""
			if name := p.Get("module_name").Text(); name != "" {
				module = name + ":" + p.Get("module_stream").Text()
			}
			a.fixed(p, "rocky", r[1], m[1], version, module, file)
		}
	}
}
