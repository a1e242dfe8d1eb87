// Package alas reads pages of Amazon Linux's explorer of vulnerabilities: what
// became of one in each of its platforms, the open and the refused ones too, of
// which the advisories say nothing. docs/formats/alas.md has the form.
package alas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"wontfix"
	"wontfix/internal/lazyregexp"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

var (
	cveForm  = lazyregexp.New(`\bCVE-\d{4}-\d{4,}\b`)
	platform = lazyregexp.New(`^Amazon Linux (\d+)(?: - (.+))?$`)
	dayForm  = lazyregexp.New(`^\d{4}-\d{2}-\d{2}`)
)

// columns of the table, in the order in which they are kept.
var columns = []string{"platform", "package", "release date", "advisory", "status"}

// meanings are what the words of a status mean.
var meanings = map[string]wontfix.Meaning{
	"Fixed":          {Status: wontfix.Fixed, Decision: wontfix.DecisionFixed},
	"Pending Fix":    {Status: wontfix.Affected, Decision: wontfix.DecisionFixPending, Strength: wontfix.Soft, Reasons: wontfix.NoReason, Evidence: wontfix.EvidenceWord},
	"Not Affected":   {Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason, Evidence: wontfix.EvidenceWord},
	"No Fix Planned": {Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.NoReason, Evidence: wontfix.EvidenceWord},
}

// A cell is the first text in a cell of a table, and its line.
type cell struct {
	text  string // with single spaces
	words string // its first line, as it is written
	line  int
}

// Parse yields the entry of one page, of the vulnerability that the name of the
// file or else the page itself names first. A status that is not known is a
// statement that says nothing; a row of another platform than Amazon Linux is a
// problem. The error is for a page without the table.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		rows, err := tables(text)
		id := cveForm.FindString(file)
		if id == "" {
			id = cveForm.FindString(string(text))
		}
		switch {
		case err != nil:
		case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
			err = errors.New("no text in UTF-8")
		case id == "":
			err = errors.New("neither its name nor its text has a CVE ID")
		case rows == nil:
			err = errors.New("no table of Platform, Package, Release Date, Advisory and Status")
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: page of the explorer: %w", file, err))
			return
		}
		c := wontfix.Change{File: file, ID: id, Entry: &wontfix.Entry{ID: id, File: file}}
		for i, r := range rows {
			s, problem := statement(r)
			if problem != "" {
				c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: r[0].line, Text: problem})
				continue
			}
			s.ID, s.File, s.Pointer = id, file, fmt.Sprintf("row %d", i+1)
			c.Entry.Statements = append(c.Entry.Statements, s)
		}
		yield(c, nil)
	}
}

// statement reads a row of the table.
func statement(r []cell) (s wontfix.Statement, problem string) {
	m := platform.FindStringSubmatch(r[0].text)
	switch {
	case m == nil || strings.Contains(m[2], "/"):
		return s, fmt.Sprintf("row: %.80q is no platform that is known: left out", r[0].text)
	case r[1].text == "" || r[4].text == "":
		return s, "row: no package, or no status: left out"
	}
	part := strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(m[2], " ", "-")), "-extra")
	if part == "core" {
		part = ""
	}
	s = wontfix.Statement{Source: r[1].text, Label: r[0].text, Release: wontfix.Release{Distribution: "amzn", Series: m[1], Product: part},
		Word: r[4].words, Line: r[4].line, Meaning: meanings[r[4].text]}
	if s.Decision == wontfix.DecisionFixed {
		s.Advisory = r[3].text
		s.Decided = dayForm.FindString(r[2].text)
	}
	return s, ""
}

// tables returns the rows of all tables that have the columns, each in their
// order; nil if there is no such table.
func tables(text []byte) (rows [][]cell, err error) {
	z := html.NewTokenizer(bytes.NewReader(text))
	z.SetMaxBuf(1 << 20)
	line := 1
	var at []int // where each column stands in the table; nil outside of one
	var row []cell
	open := false // in a cell
	found := false
	end := func() {
		switch {
		case row == nil:
		case at == nil:
			if at = order(row); at != nil {
				found = true
			}
		default:
			r := make([]cell, len(columns))
			for i, k := range at {
				if k < len(row) {
					r[i] = row[k]
				}
			}
			if slices.ContainsFunc(r, func(c cell) bool { return c.text != "" }) {
				r[0].line = max(r[0].line, 1)
				rows = append(rows, r)
			}
		}
		row, open = nil, false
	}
	for {
		kind := z.Next()
		begin := line
		line += bytes.Count(z.Raw(), []byte("\n"))
		if kind == html.ErrorToken {
			end()
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return nil, err
			}
			if found && rows == nil {
				rows = [][]cell{}
			}
			return rows, nil
		}
		token := z.Token()
		switch {
		case kind == html.TextToken && open:
			c := &row[len(row)-1]
			if t := strings.TrimLeft(token.Data, " \t\n\f"); c.text == "" && t != "" {
				c.line = begin + strings.Count(token.Data[:len(token.Data)-len(t)], "\n")
				c.words, _, _ = strings.Cut(strings.TrimRight(t, " \t\n\f"), "\n")
				c.text = strings.Join(strings.Fields(t), " ")
			}
		case token.Data == "table":
			end()
			at = nil
		case token.Data == "tr":
			end()
		case kind == html.StartTagToken && (token.Data == "td" || token.Data == "th"):
			row, open = append(row, cell{line: begin}), true
		case kind == html.EndTagToken && (token.Data == "td" || token.Data == "th"):
			open = false
		}
	}
}

// order returns where each column stands in a row of their names, nil if one is
// missing.
func order(row []cell) []int {
	var at []int
	for _, name := range columns {
		k := slices.IndexFunc(row, func(c cell) bool { return strings.EqualFold(c.text, name) })
		if k < 0 {
			return nil
		}
		at = append(at, k)
	}
	return at
}
