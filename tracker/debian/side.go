package debian

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"wontfix"
	"wontfix/lifecycle"
)

// suites has what the tracker says of the support of each series: "security",
// "lts", "end-of-life" or "none". It is nil where that is not known.
type suites map[string]string

// parseSuites reads static/distributions.json.
func parseSuites(file string, text []byte) (suites, []wontfix.Problem) {
	var list map[string]struct{ Support string }
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, []wontfix.Problem{{File: file, Text: "suites: " + err.Error()}}
	}
	s := suites{}
	for name, suite := range list {
		if isCodename(name) {
			s[name] = suite.Support
		}
	}
	return s, nil
}

// supported returns the series with one kind of support.
func (s suites) supported(kind string) []string {
	var list []string
	for name, support := range s {
		if support == kind {
			list = append(list, name)
		}
	}
	slices.SortFunc(list, older)
	return list
}

// older orders series by age, those that are not known by name.
func older(a, b string) int {
	switch t := lifecycle.Embedded(); {
	case t.Older(Name, a, b):
		return -1
	case t.Older(Name, b, a):
		return 1
	}
	return strings.Compare(a, b)
}

// mark says of the end of a package's support in a series that has ended itself
// what it comes from.
func (s suites) mark(row *wontfix.Statement) {
	if row.Decision == wontfix.DecisionEndOfLife && s[row.Release.Series] == "end-of-life" {
		row.Reasons = wontfix.EOLRelease
	}
}

// parsePoint reads next-point-update.txt: a CVE ID on a line, and below it the
// versions that are in the queue for the next point release.
func parsePoint(file string, text []byte) *collection {
	c := newCollection(file)
	var e *wontfix.Entry
	for n, line := range lines(textOf(text), 1) {
		indented := line != "" && isBlank(line[0])
		line = strings.TrimLeft(line, blanks)
		switch {
		case line == "", line[0] == '#', strings.HasPrefix(line, "--"):
		case !indented:
			e = nil
			if id, rest := word(line); isCVE(id) && rest == "" {
				e = c.entry(id)
			} else if !strings.HasPrefix(id, "TEMP-") && !strings.HasSuffix(id, "-XXXX") {
				c.problem(n, "header "+quote(line)+": want a CVE ID")
			}
		case e == nil, strings.HasPrefix(line, "NOTE:"), strings.HasPrefix(line, "TODO:"):
		case !isRow(line):
			c.problem(n, "line "+quote(line)+": want [release] - package version")
		default:
			r, ok, why := parseRow(line, n)
			if ok && (r.release == "" || r.pseudo() != "") {
				ok, why = false, "line "+quote(line)+": want [release] - package version"
			}
			if why != "" {
				c.problem(n, why)
			}
			if ok {
				s := r.statement(file, e.ID)
				s.Meaning = wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionFixPending,
					Reasons: wontfix.Batched, Evidence: wontfix.EvidenceWord, Fixed: r.word}
				e.Statements = append(e.Statements, s)
			}
		}
	}
	return c
}

// parseNeeded reads dsa-needed.txt or dla-needed.txt: blocks between lines of
// two hyphens, the first line "package[/release] [(claimer)]". The text above
// the first such line is for people. A package is needed in the series named
// or, where none is, in all that the list is about.
func parseNeeded(file string, text []byte, about suites) *collection {
	c := newCollection(file)
	kind, name := "security", "dsa-needed"
	if strings.HasSuffix(file, "dla-needed.txt") {
		kind, name = "lts", "dla-needed"
	}
	missing := false
	expect, started := false, false
	for n, line := range lines(textOf(text), 1) {
		switch {
		case strings.HasPrefix(line, "--"):
			expect, started = true, true
			continue
		case !started || line == "":
			continue
		case isBlank(line[0]):
			if note, ok := strings.CutPrefix(strings.TrimLeft(line, blanks), "NOTE:"); ok {
				e := c.entry(AnyID)
				e.Notes = append(e.Notes, wontfix.Note{Text: strings.TrimLeft(note, blanks), Line: n})
			}
			continue
		}
		if !expect {
			c.problem(n, "line "+quote(line)+": want it indented, or a line of -- above it")
		}
		expect = false
		source, _ := word(line)
		source, suite, named := strings.Cut(source, "/")
		series := about.supported(kind)
		if named {
			series = seriesNamed(suite, about)
		}
		if !consists(source, ":.+-") || named && len(series) == 0 && !isRole(suite) {
			c.problem(n, "package "+quote(line)+": want package, or package/release")
			continue
		}
		missing = missing || len(series) == 0
		for _, s := range series {
			e := c.entry(AnyID)
			e.Statements = append(e.Statements, wontfix.Statement{ID: AnyID, Source: source, Release: release(s), Label: s, Word: name, Detail: line, File: file, Line: n,
				Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionFixPending, Strength: wontfix.Soft, Scope: wontfix.ScopePackage}})
		}
	}
	if missing {
		c.problem(0, "packages without a release are left out: "+fileSuites+" is needed to know which releases have support")
	}
	return c
}

// isRole reports whether a release is named by the part that it plays.
func isRole(s string) bool {
	return s == "stable" || s == "oldstable" || s == "oldoldstable"
}

// seriesNamed returns the series that a slash behind a package means: a
// codename, or the part that a release plays among those with support.
func seriesNamed(suite string, about suites) []string {
	if !isRole(suite) {
		if isCodename(suite) {
			return []string{suite}
		}
		return nil
	}
	list := about.supported("security")
	if len(list) == 0 {
		return nil
	}
	switch {
	case suite == "stable":
		return list[len(list)-1:]
	case len(list) > 1 && suite != "oldoldstable":
		return list[len(list)-2 : len(list)-1]
	}
	return nil
}

// sideFiles has what other files than data/CVE/list say.
type sideFiles struct {
	suites     suites
	advisories []*collection
	points     []*collection
	packages   []*collection // what is said of packages
	joined     map[string]bool
}

// Merge yields one change for each vulnerability that the tracker's files name
// ([Files]; the keys are their paths in the repository): what data/CVE/list
// says, the rows of the advisories by the tracker's own rule, and what is in the
// queue for the next point release. Every statement has the file and the line
// that it is from. What is said of packages comes last, as the entry [AnyID];
// lists of debian-security-support that lie beside the files have a part in it.
//
// The problems of a file other than data/CVE/list are with the first change.
func Merge(files map[string][]byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		list, text, ok := find(files, fileCVE)
		if !ok {
			yield(wontfix.Change{File: fileCVE}, fmt.Errorf("%s: it is not among the tracker's files; is this a copy of its repository?", fileCVE))
			return
		}
		side, problems := readSide(files)
		for c, err := range parseCVEs(list, text, side) {
			c.Problems = append(c.Problems, problems...)
			problems = nil
			if !yield(c, err) {
				return
			}
		}
		for _, c := range side.rest(list, problems) {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// find returns the file of that path, wherever the repository is.
func find(files map[string][]byte, want string) (file string, text []byte, ok bool) {
	for name, b := range files {
		if isFile(name, want) && (!ok || len(name) < len(file)) {
			file, text, ok = name, b, true
		}
	}
	return file, text, ok
}

func readSide(files map[string][]byte) (*sideFiles, []wontfix.Problem) {
	side := &sideFiles{joined: map[string]bool{}}
	var problems []wontfix.Problem
	if file, text, ok := find(files, fileSuites); ok {
		side.suites, problems = parseSuites(file, text)
	}
	read := func(into *[]*collection, parse func(file string, text []byte, about suites) *collection, names ...string) {
		for _, name := range names {
			if file, text, ok := find(files, name); ok {
				c := parse(file, text, side.suites)
				problems = append(problems, c.problems...)
				*into = append(*into, c)
			}
		}
	}
	read(&side.advisories, parseAdvisories, fileDSA, fileDLA, fileDTSA)
	read(&side.points, func(file string, text []byte, _ suites) *collection { return parsePoint(file, text) }, filePoint, fileOldPoint)
	read(&side.packages, parseNeeded, fileNeedDSA, fileNeedDLA)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if IsSupport(file) {
			c := parseSupport(file, files[file])
			problems = append(problems, c.Problems...)
			side.packages = append(side.packages, &collection{file: file, byID: map[string]*wontfix.Entry{AnyID: c.Entry}})
		}
	}
	return side, problems
}

// join adds to an entry of data/CVE/list what the other files say of it.
func (side *sideFiles) join(c *wontfix.Change) {
	if c.Entry == nil {
		return
	}
	side.joined[c.ID] = true
	for i := range c.Entry.Statements {
		side.suites.mark(&c.Entry.Statements[i])
	}
	side.add(c.Entry)
	// That a number is reserved or nobody has looked says nothing where there is a
	// row about a package.
	if list := c.Entry.Statements; len(list) > 1 && (list[0].Word == "RESERVED" || list[0].Word == "TODO:") {
		c.Entry.Statements = list[1:]
	}
}

func (side *sideFiles) add(e *wontfix.Entry) {
	for _, list := range side.advisories {
		if from := list.byID[e.ID]; from != nil {
			for _, s := range from.Statements {
				copyRow(e, s)
			}
			for _, r := range from.References {
				e.References = appendNew(e.References, r)
			}
			if e.VendorText == "" {
				e.VendorText = from.VendorText
			}
		}
	}
	for _, list := range side.points {
		if from := list.byID[e.ID]; from != nil {
			e.Statements = append(e.Statements, from.Statements...)
		}
	}
}

// rest returns the entries that data/CVE/list has not, and last what is said
// of packages.
func (side *sideFiles) rest(file string, problems []wontfix.Problem) []wontfix.Change {
	var list []wontfix.Change
	for _, from := range append(side.advisories[:len(side.advisories):len(side.advisories)], side.points...) {
		for _, id := range from.order {
			if !side.joined[id] {
				side.joined[id] = true
				e := &wontfix.Entry{ID: id, File: from.file}
				side.add(e)
				list = append(list, wontfix.Change{File: from.file, ID: id, Entry: e})
			}
		}
	}
	packages := &wontfix.Entry{ID: AnyID, File: file}
	for _, from := range side.packages {
		if e := from.byID[AnyID]; e != nil {
			packages.Statements = append(packages.Statements, e.Statements...)
		}
	}
	if len(packages.Statements) > 0 {
		list = append(list, wontfix.Change{File: file, ID: AnyID, Entry: packages})
	}
	if len(problems) > 0 {
		if len(list) == 0 {
			list = append(list, wontfix.Change{File: file})
		}
		list[0].Problems = append(list[0].Problems, problems...)
	}
	return list
}
