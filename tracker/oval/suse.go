package oval

import (
	"iter"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

var (
	susePackage    = lazyregexp.New(`^(\S+)-([^-\s]+-[^-\s]+) (is installed)$`)
	suseWord       = lazyregexp.New(`^(\S+) (is not affected|is affected)$`)
	suseInstalled  = lazyregexp.New(`^(.+) is installed$`)
	suseEnterprise = lazyregexp.New(`^SUSE Linux Enterprise (.+?) (\d+(?:\.\d+)?)(?: SP(\d+))?(?:-(\S+))?$`)
	suseLeap       = lazyregexp.New(`^openSUSE Leap (\d+\.\d+)$`)
	suseProduct    = lazyregexp.New(`^(.+?) (\d[\w.]*)$`)
)

// ParseSUSE yields the entries of SUSE's definitions. A criterion that names a
// package with its version is a fix in that version: its test is for what is
// below. Packages are judged apart for each group of products.
func ParseSUSE(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return definitions(file, text, func(d *definition) []wontfix.Change {
		if len(d.cves) == 0 {
			return nil
		}
		if d.id == "" {
			return d.problem(d.Line, "definition without an id")
		}
		var list []wontfix.Statement
		var walk func(e *markup.Element, products []string)
		walk = func(e *markup.Element, products []string) {
			if e.Attr("operator") == "AND" {
				// Products and packages of one group are beside each other.
				products = append([]string(nil), products...)
				for _, c := range e.Children {
					products = append(products, suseProducts(c)...)
				}
			}
			for _, c := range e.Children {
				if c.Name == "criteria" {
					walk(c, products)
					continue
				}
				list = d.suse(list, c, products)
			}
		}
		if criteria := d.Child("criteria"); criteria != nil {
			walk(criteria, nil)
		}
		if len(list) == 0 {
			return d.problem(d.Line, "definition %s: no criterion names a package of a product", d.id)
		}
		return d.changes(list)
	})
}

// suseProducts returns the products that an element names: a criterion, or an
// OR of criterions of nothing but products.
func suseProducts(e *markup.Element) (names []string) {
	all := []*markup.Element{e}
	if e.Name == "criteria" {
		all = e.Children
	}
	for _, c := range all {
		comment := c.Attr("comment")
		m := suseInstalled.FindStringSubmatch(comment)
		if c.Name != "criterion" || m == nil || susePackage.MatchString(comment) {
			return nil
		}
		names = append(names, m[1])
	}
	return names
}

// suse adds what a criterion says of a package in some products.
func (d *definition) suse(list []wontfix.Statement, c *markup.Element, products []string) []wontfix.Statement {
	comment := c.Attr("comment")
	s := wontfix.Statement{Binary: true, File: d.file, Line: c.Line, Pointer: d.id, Priority: d.ChildText("metadata", "advisory", "severity")}
	if m := susePackage.FindStringSubmatch(comment); m != nil {
		s.Source, s.Word, s.Detail = m[1], m[3], m[2]
		s.Meaning = wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: m[2]}
	} else if m := suseWord.FindStringSubmatch(comment); m != nil {
		s.Source, s.Word = m[1], m[2]
		s.Meaning = wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason}
		if s.Word == "is not affected" {
			s.Meaning = wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason}
		}
	} else {
		return list // a product, or a key
	}
	for _, p := range products {
		s.Release, s.Label = suseRelease(p), p
		list = add(list, s)
	}
	return list
}

// suseRelease reads the name of a product: "SUSE Linux Enterprise Server 15
// SP4-LTSS" is release 15.4 of sles with the product ltss.
func suseRelease(name string) wontfix.Release {
	slug := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "-")) }
	if m := suseEnterprise.FindStringSubmatch(name); m != nil {
		r := wontfix.Release{Distribution: "sles", Series: m[2], Product: slug(m[4])}
		if m[3] != "" {
			r.Series += "." + m[3]
		}
		switch m[1] {
		case "Server":
		case "Desktop":
			r.Distribution = "sled"
		default:
			r.Product = strings.Trim(slug(m[1])+"-"+r.Product, "-")
		}
		return r
	}
	if m := suseLeap.FindStringSubmatch(name); m != nil {
		return wontfix.Release{Distribution: "opensuse-leap", Series: m[1]}
	}
	if name == "openSUSE Tumbleweed" {
		return wontfix.Release{Distribution: "opensuse-tumbleweed", Series: "rolling"}
	}
	if m := suseProduct.FindStringSubmatch(name); m != nil {
		return wontfix.Release{Distribution: "suse", Series: m[2], Product: slug(m[1])}
	}
	return wontfix.Release{Distribution: "suse", Product: slug(name)}
}
