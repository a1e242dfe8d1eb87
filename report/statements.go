package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// A statement is the form of a [wontfix.Statement] in JSON and CSV.
type statement struct {
	ID        string           `json:"id"`
	Source    string           `json:"source"`
	Release   wontfix.Release  `json:"release"`
	Label     string           `json:"label"`
	Word      string           `json:"word"`
	Detail    string           `json:"detail"`
	Status    wontfix.Status   `json:"status"`
	Decision  wontfix.Decision `json:"decision"`
	Reasons   []string         `json:"reasons"`
	Evidence  wontfix.Evidence `json:"reason_evidence"`
	Text      string           `json:"reason_text,omitempty"`
	Fixed     string           `json:"fixed_version,omitempty"`
	Was       string           `json:"was,omitempty"`
	WasDetail string           `json:"was_detail,omitempty"`
	Successor string           `json:"successor,omitempty"`
	Priority  string           `json:"priority"`
	Published string           `json:"published"`
	File      string           `json:"file"`
	Line      int              `json:"line"`
	Origin    *wontfix.Origin  `json:"origin,omitempty"`
}

func newStatement(s *wontfix.Statement) statement {
	return statement{s.ID, s.Source, s.Release, s.Label, s.Word, s.Detail, s.Status, s.Decision, s.Reasons.Words(), s.Evidence, s.Words,
		s.Fixed, s.Was, s.WasDetail, s.Successor, s.Priority, s.Published, s.File, s.Line, s.Origin}
}

var statementColumns = []string{"id", "source", "release", "label", "word", "detail", "status", "decision", "reasons", "reason_evidence",
	"reason_text", "fixed_version", "was", "was_detail", "successor", "priority", "published", "file", "line"}

func (s statement) cells() []string {
	return []string{s.ID, s.Source, s.Release.String(), s.Label, s.Word, s.Detail, s.Status.String(), s.Decision.String(),
		strings.Join(s.Reasons, " "), s.Evidence.String(), s.Text, s.Fixed, s.Was, s.WasDetail, s.Successor, s.Priority, s.Published, s.File, number(s.Line)}
}

// StatementFormats returns the formats that [WriteStatements] knows. "ids" and
// "files" are each vulnerability or file once, in the order of the statements;
// "counts" is how many there are, by decision, reason, priority and release.
func StatementFormats() []string {
	return []string{"text", "jsonl", "csv", "ids", "files", "counts"}
}

// WriteStatements writes what a search found, in one of [StatementFormats], as
// it comes, and returns how many statements came. Options.Limit holds for text;
// the statements beyond it are counted. It stops at the first error that the
// sequence yields and returns it.
func WriteStatements(w io.Writer, format string, list iter.Seq2[*wontfix.Statement, error], o Options) (int, error) {
	var out statementWriter
	b := bufio.NewWriter(w)
	switch format {
	case "text":
		out = &statementText{page: newPage(b, o), limit: o.Limit}
	case "jsonl":
		out = statementJSON{b}
	case "csv":
		c := csv.NewWriter(b)
		c.Write(statementColumns)
		out = statementCSV{c}
	case "ids":
		out = &onceEach{b, map[string]bool{}, func(s *wontfix.Statement) string { return s.ID }}
	case "files":
		out = &onceEach{b, map[string]bool{}, func(s *wontfix.Statement) string { return s.File }}
	case "counts":
		out = newStatementCounts(newPage(b, o))
	default:
		return 0, formatError(format, StatementFormats())
	}
	n := 0
	for s, err := range list {
		if err == nil {
			n++
			err = out.write(s)
		}
		if err != nil {
			b.Flush()
			return n, err
		}
	}
	if err := out.end(); err != nil {
		return n, err
	}
	return n, b.Flush()
}

type statementWriter interface {
	write(*wontfix.Statement) error
	end() error
}

type statementJSON struct{ w *bufio.Writer }

func (j statementJSON) write(s *wontfix.Statement) error {
	return writeJSON(j.w, newStatement(s), "")
}
func (j statementJSON) end() error { return nil }

type statementCSV struct{ *csv.Writer }

func (c statementCSV) write(s *wontfix.Statement) error {
	cells := newStatement(s).cells()
	for i := range cells {
		cells[i] = cleanCell(cells[i])
	}
	return c.Writer.Write(cells)
}

func (c statementCSV) end() error {
	c.Flush()
	return c.Error()
}

// onceEach writes each different key on a line, when it first comes.
type onceEach struct {
	w    *bufio.Writer
	seen map[string]bool
	key  func(*wontfix.Statement) string
}

func (e *onceEach) write(s *wontfix.Statement) error {
	k := e.key(s)
	if e.seen[k] {
		return nil
	}
	e.seen[k] = true
	_, err := e.w.WriteString(Clean(k) + "\n")
	return err
}

func (e *onceEach) end() error { return nil }

// statementText writes a line for each statement.
type statementText struct {
	*page
	limit, n int
}

func (t *statementText) write(s *wontfix.Statement) error {
	t.n++
	if t.limit > 0 && t.n > t.limit {
		return nil
	}
	fields := []field{
		{strong(s.ID), 17},
		{text(s.Source), 16},
		{dim(s.Label), 12},
	}
	spans := []span{text(s.Word)}
	if s.Detail != "" {
		spans = append(spans, text(" ("+s.Detail+")"))
	}
	switch said := s.Evidence == wontfix.EvidenceBracket || s.Evidence == wontfix.EvidenceWord; {
	case s.Reasons != 0 && !said:
		spans = append(spans, dim(" · "+reasonList(s.Reasons.Words())))
	case s.Reasons == 0 && s.Decision == wontfix.DecisionPaid:
		spans = append(spans, dim(" · "+DecisionPhrase(s.Decision)))
	}
	t.row(0, fields, spans...)
	return nil
}

func (t *statementText) end() error {
	if t.limit > 0 && t.n > t.limit {
		t.page.para(0, strong(count(t.n-t.limit, "more statement")+" not shown"), text(": --limit 0 lists all."))
	}
	return t.page.end()
}

// statementCounts counts statements by each of several things.
type statementCounts struct {
	*page
	n      int
	titles []string
	by     []map[string]int
}

func newStatementCounts(p *page) *statementCounts {
	c := &statementCounts{page: p, titles: []string{"decision", "reason", "priority", "release"}}
	for range c.titles {
		c.by = append(c.by, map[string]int{})
	}
	return c
}

func (c *statementCounts) write(s *wontfix.Statement) error {
	c.n++
	c.by[0][s.Decision.String()]++
	for _, r := range s.Reasons.Words() {
		c.by[1][r]++
	}
	c.by[2][s.Priority]++
	c.by[3][s.Label]++
	return nil
}

func (c *statementCounts) end() error {
	c.para(0, strong(count(c.n, "statement")))
	for i, title := range c.titles {
		if len(c.by[i]) == 0 {
			continue
		}
		c.blank()
		c.para(0, strong("by "+title))
		keys := slices.SortedFunc(maps.Keys(c.by[i]), func(a, b string) int {
			if d := c.by[i][b] - c.by[i][a]; d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		digits := len(strconv.Itoa(c.n))
		for _, k := range keys {
			c.row(2, []field{{text(fmt.Sprintf("%*d", digits, c.by[i][k])), digits + 2}}, text(k))
		}
	}
	return c.page.end()
}
