// Package photon reads the CVE metadata of Photon OS: a JSON array with a row
// for each CVE and package of one release. It has no word for what is not
// fixed. docs/formats/photon.md has the form.
package photon

import (
	"fmt"
	"iter"
	"path"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

var (
	cveForm  = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)
	fileForm = lazyregexp.New(`cve_data_photon(\d+(?:\.\d+)?)`)
)

// Parse yields the entry of each row with a CVE ID. The release is in the name
// of the file, as in "cve_data_photon5.0.json". The error is for a text that is
// no list of rows.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		name := fileForm.FindStringSubmatch(path.Base(file))
		if name == nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: name of the file: want cve_data_photon and the release", file))
			return
		}
		v, err := markup.ParseJSON(text)
		if err == nil && v.Raw()[0] != '[' {
			err = fmt.Errorf("want a JSON array")
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: rows: %w", file, err))
			return
		}
		for _, e := range v.Elements() {
			if !yield(row(file, name[1], e), nil) {
				return
			}
		}
	}
}

// row makes the change that one row is.
func row(file, series string, v markup.Value) wontfix.Change {
	var r struct {
		ID      string `json:"cve_id"`
		Package string `json:"pkg"`
		Fixed   string `json:"res_ver"`
		Status  string `json:"status"`
	}
	c := wontfix.Change{File: file}
	problem := func(format string, args ...any) wontfix.Change {
		c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: v.Line(), Text: fmt.Sprintf(format, args...)})
		return c
	}
	if err := v.Decode(&r); err != nil {
		return problem("row: %v", err)
	}
	if !cveForm.MatchString(r.ID) || r.Package == "" {
		return problem("row of package %q: %q is no CVE ID", r.Package, r.ID)
	}
	var m wontfix.Meaning
	switch {
	case r.Status == "Fixed" && (r.Fixed == "" || r.Fixed == "NA"):
		return problem("row of %s and package %s: fixed in no version", r.ID, r.Package)
	case r.Status == "Fixed":
		m = wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: r.Fixed}
	case r.Status == "Not Affected":
		m = wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason}
	default:
		return problem("row of %s and package %s: status %q is not known", r.ID, r.Package, r.Status)
	}
	c.ID = r.ID
	c.Entry = &wontfix.Entry{ID: r.ID, File: file, Statements: []wontfix.Statement{{ID: r.ID, Source: r.Package, Binary: true,
		Release: wontfix.Release{Distribution: "photon", Series: series}, Label: series, File: file, Line: v.Line(), Pointer: v.Pointer(),
		Word: r.Status, Meaning: m}}}
	return c
}
