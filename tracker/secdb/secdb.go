// Package secdb reads Alpine's security database, which Wolfi and Chainguard
// publish in the same form, and the two lists that Alpine keeps beside it: what
// its tracker has found to be open, and what it has rejected.
//
// The database has fixes alone: a package or a vulnerability that is not in it
// is one of which nothing is said. docs/formats/alpine-secdb.md has the form.
package secdb

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what this package makes of a text.
const Version = "1"

// A row is one ID of one package's list of fixes, as it is written.
type row struct {
	source, version, text string
	line                  int
	pointer               string
}

// A database is what a document holds.
type database struct {
	distribution, repository string
	rows                     []row
}

// rolling are the repositories that belong to no numbered release.
var rolling = map[string]string{"os": "wolfi", "chainguard": "chainguard", "extra-packages": "chainguard"}

// Parse yields the entries of one security database, JSON or YAML: one for each
// vulnerability that it names, in the order of the text.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		var db database
		var err error
		if isJSON(text) {
			err = db.readJSON(text)
		} else {
			err = db.readYAML(text)
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: security database: %w", file, err))
			return
		}
		release := wontfix.Release{Distribution: "alpine", Series: db.distribution}
		if d, ok := rolling[db.repository]; ok && db.distribution == "" {
			release = wontfix.Release{Distribution: d, Series: "rolling"}
		}
		if release.Series == "" || strings.Contains(release.Series, "/") {
			yield(wontfix.Change{}, fmt.Errorf("%s: security database: distroversion %q of repository %q is no known release", file, db.distribution, db.repository))
			return
		}
		l := list{file: file, index: make(map[string]int)}
		for _, r := range db.rows {
			l.add(r, release, strings.TrimPrefix(db.distribution+"/"+db.repository, "/"))
		}
		l.yield(yield)
	}
}

func isJSON(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n\ufeff")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

func (db *database) readJSON(text []byte) error {
	v, err := markup.ParseJSON(text)
	if err != nil {
		return err
	}
	if !v.Get("packages").Exists() {
		return fmt.Errorf("no packages")
	}
	db.distribution, db.repository = v.Get("distroversion").Text(), v.Get("reponame").Text()
	for _, p := range v.Get("packages").Elements() {
		name := p.Get("pkg", "name").Text()
		for version, ids := range p.Get("pkg", "secfixes").Members() {
			for _, id := range ids.Elements() {
				db.rows = append(db.rows, row{name, version, id.Text(), id.Line(), id.Pointer()})
			}
		}
	}
	return nil
}

func (db *database) readYAML(text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return err
	}
	root := content(&doc)
	packages := member(root, "packages")
	if packages == nil {
		return fmt.Errorf("no packages")
	}
	db.distribution, db.repository = scalar(member(root, "distroversion")), scalar(member(root, "reponame"))
	for i, p := range packages.Content {
		pkg := member(p, "pkg")
		name := scalar(member(pkg, "name"))
		fixes := member(pkg, "secfixes")
		if fixes == nil || fixes.Kind != yaml.MappingNode {
			continue
		}
		for k := 0; k+1 < len(fixes.Content); k += 2 {
			version := fixes.Content[k].Value
			for j, id := range fixes.Content[k+1].Content {
				pointer := "/packages/" + strconv.Itoa(i) + "/pkg/secfixes/" + version + "/" + strconv.Itoa(j)
				db.rows = append(db.rows, row{name, version, scalar(id), id.Line, pointer})
			}
		}
	}
	return nil
}

// content returns the value of a document.
func content(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		return doc.Content[0]
	}
	return nil
}

// member returns the value of a key of a mapping, nil if there is none. An
// alias is no value: nothing in these documents needs one, and they can be
// made to grow without end.
func member(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

var (
	cveForm   = lazyregexp.New(`\bCVE-\d{4}-\d{4,}\b`)
	otherForm = lazyregexp.New(`^[A-Z]+-[A-Za-z0-9]+(-[A-Za-z0-9]+)*$`)
)

// ids returns the IDs in the text of a list's element: the CVE IDs, or, where
// there is none, the first ID of another kind. The rest are other names.
func ids(text string) (list, aliases []string) {
	list = cveForm.FindAllString(text, -1)
	for _, word := range strings.Fields(text) {
		if word = strings.Trim(word, "()[],"); otherForm.MatchString(word) && !strings.HasPrefix(word, "CVE-") {
			aliases = append(aliases, word)
		}
	}
	if len(list) == 0 && len(aliases) > 0 {
		return aliases[:1], aliases[1:]
	}
	return list, aliases
}

// A list collects what a document says into entries.
type list struct {
	file     string
	changes  []wontfix.Change
	index    map[string]int // of changes, by ID
	problems []wontfix.Problem
}

func (l *list) problem(line int, format string, args ...any) {
	l.problems = append(l.problems, wontfix.Problem{File: l.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// entry returns the entry of an ID, a new one if need be.
func (l *list) entry(id string) *wontfix.Entry {
	i, ok := l.index[id]
	if !ok {
		i = len(l.changes)
		l.index[id] = i
		l.changes = append(l.changes, wontfix.Change{File: l.file, ID: id, Entry: &wontfix.Entry{ID: id, File: l.file}})
	}
	return l.changes[i].Entry
}

func (l *list) add(r row, release wontfix.Release, label string) {
	names, aliases := ids(r.text)
	if len(names) == 0 || r.source == "" || r.version == "" {
		l.problem(r.line, "fix of %q in version %q: %q has no ID", r.source, r.version, r.text)
		return
	}
	for _, id := range names {
		e := l.entry(id)
		if len(names) == 1 {
			e.Aliases = appendNew(e.Aliases, aliases...)
		}
		s := wontfix.Statement{ID: id, Source: r.source, Release: release, Label: label, File: l.file, Line: r.line, Pointer: r.pointer, Word: r.version}
		if r.text != id {
			s.Detail = r.text
		}
		s.Meaning = wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: r.version}
		if r.version == "0" {
			s.Meaning = wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason}
		}
		if !said(e.Statements, &s) {
			e.Statements = append(e.Statements, s)
		}
	}
}

// said reports whether the same was said before.
func said(statements []wontfix.Statement, s *wontfix.Statement) bool {
	for i := range statements {
		if t := &statements[i]; t.Source == s.Source && t.Word == s.Word && t.Release == s.Release {
			return true
		}
	}
	return false
}

func appendNew(list []string, names ...string) []string {
next:
	for _, n := range names {
		for _, have := range list {
			if have == n {
				continue next
			}
		}
		list = append(list, n)
	}
	return list
}

// yield passes the changes on. Problems go with the first of them, or alone.
func (l *list) yield(yield func(wontfix.Change, error) bool) {
	if len(l.changes) == 0 && len(l.problems) > 0 {
		yield(wontfix.Change{File: l.file, Problems: l.problems}, nil)
		return
	}
	for i, c := range l.changes {
		if i == 0 {
			c.Problems = l.problems
		}
		if !yield(c, nil) {
			return
		}
	}
}
