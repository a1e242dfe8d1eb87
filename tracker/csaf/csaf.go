// Package csaf reads documents of the Common Security Advisory Framework,
// CSAF 2.0 and 2.1: the VEX files and the advisories of Red Hat and SUSE, and
// those of any other publisher.
//
// A document has a tree of products, relationships that make one product a
// component of another, and for each vulnerability the status of products,
// remediations and flags. What a product is (the package, the release, the
// tier of support) is told by its package URL and its platform's CPE; its
// product ID is never taken apart for that. docs/formats/csaf.md has the
// grammar and the meaning.
package csaf

import (
	"fmt"
	"iter"

	"wontfix"
)

// Version is the version of what this package makes of a text. It changes
// whenever the same text would give other entries, so that what was stored by
// an earlier version is read again.
const Version = "1"

// A Publisher says how the documents of one publisher are read.
type Publisher struct {
	// Name is the source that ratings of severity are said to be from, and
	// the distribution of products that no table knows.
	Name string

	// identify returns the package that a component is.
	identify func(component *product, versioned bool) component
	// fixes are the statuses that name the versions with the fix.
	fixes map[string]bool
	// ignores are the statuses that say nothing.
	ignores map[string]bool
	// terms maps the details of remediations that are terms of the publisher,
	// and no text with reasons, to what they mean.
	terms map[string]term
	// severity says that threats of category impact are ratings. For others
	// they tell why a product is not affected.
	severity bool
}

// A term is what fixed words of a publisher mean.
type term struct {
	decision wontfix.Decision
	reasons  wontfix.Reasons
}

// Other returns a publisher of which nothing special is known.
func Other(name string) *Publisher {
	return &Publisher{
		Name:     name,
		identify: identifyAny,
		fixes:    map[string]bool{"fixed": true, "first_fixed": true, "recommended": true},
	}
}

// Parse yields an entry for each vulnerability of a document: file is the
// document's path in the feed, text its bytes. A document that has none yields
// an entry without statements if it is about a CVE, else nothing.
//
// The error is for a text that is no CSAF document; then nothing else is
// yielded. What a vulnerability lacks is a problem of its entry.
func (p *Publisher) Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		d, err := read(text)
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: %w", file, err))
			return
		}
		if len(d.vulnerabilities) == 0 {
			if !cveID.MatchString(d.id.text) {
				return
			}
			d.vulnerabilities = []vulnerability{{cve: d.id}}
		}
		j := joiner{publisher: p, document: d, file: file}
		for i := range d.vulnerabilities {
			if c, ok := j.change(i); ok && !yield(c, nil) {
				return
			}
		}
	}
}
