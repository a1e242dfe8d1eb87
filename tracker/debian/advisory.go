package debian

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wontfix"
)

// Limits of what one entry or file may make. Debian's own are a hundred times
// below them.
const (
	maxRows       = 2000    // of an entry or an advisory
	maxStatements = 1 << 18 // that a file of advisories makes
)

// A collection has the entries that a file makes, by ID in the order in which
// it names them.
type collection struct {
	file     string
	byID     map[string]*wontfix.Entry
	order    []string
	made     int // statements
	problems []wontfix.Problem
}

func newCollection(file string) *collection {
	return &collection{file: file, byID: map[string]*wontfix.Entry{}}
}

// entry returns the entry of an ID, a new one if there is none yet.
func (c *collection) entry(id string) *wontfix.Entry {
	e := c.byID[id]
	if e == nil {
		e = &wontfix.Entry{ID: id, File: c.file}
		c.byID[id] = e
		c.order = append(c.order, id)
	}
	return e
}

func (c *collection) problem(line int, text string) {
	c.problems = append(c.problems, wontfix.Problem{File: c.file, Line: line, Text: text})
}

// changes returns the entries as changes. The first one has the problems.
func (c *collection) changes() []wontfix.Change {
	if len(c.order) == 0 && len(c.problems) > 0 {
		return []wontfix.Change{{File: c.file, Problems: c.problems}}
	}
	list := make([]wontfix.Change, 0, len(c.order))
	for i, id := range c.order {
		change := wontfix.Change{File: c.file, ID: id, Entry: c.byID[id]}
		if i == 0 {
			change.Problems = c.problems
		}
		list = append(list, change)
	}
	return list
}

// An advisory is the header of a DSA, DLA or DTSA with what stands below it.
type advisory struct {
	id, title, day string
	line           int
	names          []string // CVE IDs
	rows           []wontfix.Statement
	notes          []wontfix.Note
}

// parseAdvisories reads a list of advisories. Each of its lines about a package
// is copied to every vulnerability that the advisory names; one that names none
// is an entry of its own.
func parseAdvisories(file string, text []byte, suites suites) *collection {
	c := newCollection(file)
	var a *advisory
	for n, line := range lines(textOf(text), 1) {
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		if !isBlank(line[0]) {
			c.keep(a, suites)
			if a = parseHeader(line, n); a == nil {
				c.problem(n, "header "+quote(line)+": want [DAY MONTH YEAR] and the advisory's name")
			}
			continue
		}
		line = strings.TrimLeft(line, blanks)
		switch {
		case a == nil:
		case line[0] == '{' && line[len(line)-1] == '}':
			for _, id := range strings.Fields(line[1 : len(line)-1]) {
				if isCVE(id) {
					a.names = append(a.names, id)
				}
			}
		case isRow(line):
			r, ok, why := parseRow(line, n)
			if ok && r.release == "" {
				ok, why = false, "package "+r.source+": an advisory's line has to name its release"
			}
			if why != "" {
				c.problem(n, why)
			}
			if ok && len(a.rows) == maxRows {
				ok = false
				c.problem(n, fmt.Sprintf("advisory %s: more than %d packages: this one is left out", a.id, maxRows))
			}
			if ok {
				s := r.statement(file, "")
				s.Advisory, s.Decided = a.id, a.day
				a.rows = append(a.rows, s)
			}
		case strings.HasPrefix(line, "NOTE:"), strings.HasPrefix(line, "TODO:"):
			a.notes = append(a.notes, wontfix.Note{Text: strings.TrimLeft(strings.TrimPrefix(line, "NOTE:"), blanks), Line: n})
		case strings.HasPrefix(line, "NOT-FOR-US:"):
		default:
			c.problem(n, "annotation "+quote(line)+": not one that is known")
		}
	}
	c.keep(a, suites)
	return c
}

// keep adds an advisory's lines to the entries that they count for.
func (c *collection) keep(a *advisory, suites suites) {
	if a == nil {
		return
	}
	names := a.names
	if len(names) == 0 {
		names = []string{a.id}
		c.entry(a.id).VendorText = a.title
	}
	for _, id := range names {
		e := c.entry(id)
		if id != a.id {
			e.References = appendNew(e.References, a.id)
		}
		e.Notes = append(e.Notes, a.notes...)
		if c.made += len(a.rows); c.made > maxStatements {
			c.problem(a.line, fmt.Sprintf("advisory %s: the file makes more than %d statements: the rest is left out", a.id, maxStatements))
			return
		}
		for _, s := range a.rows {
			s.ID = id
			suites.mark(&s)
			copyRow(e, s)
		}
	}
}

// copyRow adds an advisory's row to an entry, by the tracker's own rule: where
// the entry has a row about the same package in the same release, the higher
// version wins, and a row that says that it is not fixed wins over any version.
func copyRow(e *wontfix.Entry, s wontfix.Statement) {
	for i := range e.Statements {
		old := &e.Statements[i]
		if old.Source != s.Source || old.Label != s.Label || beside(old) || beside(&s) || old.Decision == wontfix.DecisionFixPending {
			continue
		}
		if compareRows(&s, old) <= 0 {
			return
		}
		e.Statements = slices.Delete(e.Statements, i, i+1)
		break
	}
	if len(e.Statements) < maxRows {
		e.Statements = append(e.Statements, s)
	}
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// parseHeader reads "[29 Mar 2023] DSA-5380-1 xorg-server - security update"
// and "[August 26th, 2005] DTSA-1-1 kismet - various".
func parseHeader(line string, n int) *advisory {
	if line[0] != '[' {
		return nil
	}
	day, rest, ok := strings.Cut(line[1:], "]")
	if !ok {
		return nil
	}
	id, title := word(strings.TrimLeft(rest, blanks))
	kind, number, ok := strings.Cut(id, "-")
	if !ok || kind != "DSA" && kind != "DLA" && kind != "DTSA" || !digits(strings.ReplaceAll(number, "-", "")) {
		return nil
	}
	return &advisory{id: id, title: title, day: parseDay(day), line: n}
}

// parseDay returns a day as YYYY-MM-DD, "" if it cannot be read.
func parseDay(s string) string {
	f := strings.Fields(s)
	if len(f) == 3 {
		for _, suffix := range []string{"st,", "nd,", "rd,", "th,"} {
			f[1] = strings.TrimSuffix(f[1], suffix)
		}
		s = strings.Join(f, " ")
	}
	for _, layout := range []string{"2 Jan 2006", "2 January 2006", "January 2 2006", "Jan 2 2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.DateOnly)
		}
	}
	return ""
}
