package oval

import (
	"iter"
	"slices"
	"strings"

	"wontfix"
	"wontfix/cpe"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
	"wontfix/lifecycle"
	"wontfix/tracker/hydra"
)

var (
	earlier = lazyregexp.New(`^(\S+) (?:DPKG )?is (earlier than) (\S+)$`)
	enabled = lazyregexp.New(`^Module (\S+) is enabled$`)
	present = lazyregexp.New(`^(\S+) (is installed)$`)
	absent  = lazyregexp.New(`^(\S+) (is not installed)$`)

	redhatPlatform = lazyregexp.New(`^Red Hat Enterprise Linux (\d+) is installed$`)
	photonPlatform = lazyregexp.New(`^Photon OS (\d+(?:\.\d+)?) is installed$`)
	debianPlatform = lazyregexp.New(`^Debian (\d+) is installed$`)
)

// comments yields the elements below a definition's criteria with what they say.
func (d *definition) comments() iter.Seq2[*markup.Element, string] {
	return func(yield func(*markup.Element, string) bool) {
		for c := range d.Child("criteria").Walk() {
			if s := c.Attr("comment"); s != "" && !yield(c, s) {
				return
			}
		}
	}
}

// said returns what the first comment of a form names.
func (d *definition) said(form *lazyregexp.Regexp) string {
	for _, s := range d.comments() {
		if m := form.FindStringSubmatch(s); m != nil {
			return m[1]
		}
	}
	return ""
}

// advisory returns the ID of the advisory that a definition is, and its day.
func (d *definition) advisory(source string) (id, day string) {
	for ref := range d.Child("metadata").All("reference") {
		if ref.Attr("source") == source {
			id = ref.Attr("ref_id")
			break
		}
	}
	if date := d.Child("metadata", "advisory", "issued").Attr("date"); len(date) == len("2006-01-02") {
		day = date
	}
	return id, day
}

// add appends a statement unless the same is said for another architecture.
func add(list []wontfix.Statement, s wontfix.Statement) []wontfix.Statement {
	if slices.ContainsFunc(list, func(o wontfix.Statement) bool {
		return o.Source == s.Source && o.Fixed == s.Fixed && o.Release == s.Release && o.Module == s.Module && o.Word == s.Word
	}) {
		return list
	}
	return append(list, s)
}

// fixes returns a statement for each package that is to be earlier than a
// version.
func (d *definition) fixes(base wontfix.Statement) (list []wontfix.Statement) {
	for c, comment := range d.comments() {
		m := earlier.FindStringSubmatch(comment)
		if m == nil {
			continue
		}
		s := base
		s.Source, s.Line, s.Word, s.Detail = m[1], c.Line, m[2], m[3]
		s.Meaning = wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: m[3], Advisory: base.Advisory, Decided: base.Decided}
		list = add(list, s)
	}
	return list
}

// ParseRedHat yields the entries of Red Hat's definitions (version 2, retired in
// 2025): fixes by advisory; components without a fix, in the words of Red Hat's
// data service; and packages that are not affected.
func ParseRedHat(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return definitions(file, text, func(d *definition) []wontfix.Change {
		if len(d.cves) == 0 {
			return nil // about bugs
		}
		series := d.said(redhatPlatform)
		if series == "" || d.id == "" {
			return d.problem(d.Line, "definition %q: no criterion says which Red Hat Enterprise Linux is installed", d.id)
		}
		base := wontfix.Statement{Release: wontfix.Release{Distribution: "rhel", Series: series}, Label: "Red Hat Enterprise Linux " + series, File: file, Pointer: d.id,
			Module: d.said(enabled), Priority: d.ChildText("metadata", "advisory", "severity")}
		if r, label := d.layered(); r != (wontfix.Release{}) {
			base.Release, base.Label = r, label
		}
		base.Advisory, base.Decided = d.advisory("RHSA")
		base.Binary = true
		list := d.fixes(base)
		base.Advisory, base.Decided = "", ""
		if strings.Contains(d.id, ".unaffected:") {
			for c, comment := range d.comments() {
				if m := absent.FindStringSubmatch(comment); m != nil {
					s := base
					s.Source, s.Line, s.Word = m[1], c.Line, m[2]
					s.Meaning = wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason}
					list = add(list, s)
				}
			}
		}
		base.Binary = false
		for resolution := range d.Child("metadata", "advisory", "affected").All("resolution") {
			word := resolution.Attr("state")
			m, ok := hydra.State(word)
			if !ok {
				return d.problem(resolution.Line, "definition %s: state %q is not known", d.id, word)
			}
			if m.Reasons == 0 {
				m.Reasons = wontfix.NoReason
			}
			for component := range resolution.All("component") {
				s := base
				s.Source, s.Line, s.Word, s.Meaning = component.Text, resolution.Line, word, m
				if module, name, ok := strings.Cut(s.Source, "/"); ok && strings.Contains(module, ":") {
					s.Source, s.Module = name, module
				}
				list = add(list, s)
			}
		}
		if len(list) == 0 { // those of the time before there were resolutions
			for c, comment := range d.comments() {
				if m := present.FindStringSubmatch(comment); m != nil {
					s := base
					s.Binary, s.Source, s.Line, s.Word = true, m[1], c.Line, m[2]
					s.Meaning = wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason}
					list = add(list, s)
				}
			}
		}
		if len(list) == 0 {
			return d.problem(d.Line, "definition %s: no criterion and no resolution names a package", d.id)
		}
		return d.changes(list)
	})
}

// layered returns the product that a definition of a layered product is of. The
// names of the base product have no product; the first name counts.
func (d *definition) layered() (wontfix.Release, string) {
	for c := range d.Child("metadata", "advisory", "affected_cpe_list").All("cpe") {
		if n, ok := cpe.Parse(c.Text); ok {
			if r := cpe.Release(n, c.Text); r.Distribution != "rhel" {
				return r, c.Text
			}
		}
		break
	}
	return wontfix.Release{}, ""
}

// ParsePhoton yields the entries of the definitions of Photon OS: fixes alone.
func ParsePhoton(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return definitions(file, text, func(d *definition) []wontfix.Change {
		if len(d.cves) == 0 {
			return nil
		}
		series := d.said(photonPlatform)
		if series == "" || d.id == "" {
			return d.problem(d.Line, "definition %q: no criterion says which Photon OS is installed", d.id)
		}
		if !strings.Contains(series, ".") {
			series += ".0"
		}
		base := wontfix.Statement{Binary: true, Release: wontfix.Release{Distribution: "photon", Series: series}, Label: series, File: file, Pointer: d.id}
		base.Advisory, base.Decided = d.advisory("PHSA")
		return d.changes(d.fixes(base))
	})
}

// ParseDebian yields the entries of Debian's definitions. A version of 0 is
// Debian's for not affected. What has no fix is not told from what is open:
// such a package has no criterion.
func ParseDebian(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return definitions(file, text, func(d *definition) []wontfix.Change {
		if len(d.cves) == 0 {
			return nil // an advisory, whose CVEs have definitions of their own
		}
		number := d.said(debianPlatform)
		r, ok := lifecycle.Embedded().ByVersion("debian", number)
		if !ok || d.id == "" {
			return d.problem(d.Line, "definition %q: no criterion says which Debian is installed", d.id)
		}
		list := d.fixes(wontfix.Statement{Release: wontfix.Release{Distribution: "debian", Series: r.Series}, Label: number, File: file, Pointer: d.id})
		for i := range list {
			s := &list[i]
			if s.Fixed == "0" {
				s.Meaning = wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason}
			} else {
				s.Advisory = d.ChildText("metadata", "debian", "dsa")
			}
		}
		return d.changes(list)
	})
}
