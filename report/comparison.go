package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// ComparisonFormats returns the formats that [WriteComparison] knows.
func ComparisonFormats() []string { return []string{"text", "json", "csv", "markdown"} }

// WriteComparison writes what publishers decided, in one of
// [ComparisonFormats]. Text and Markdown have a row for each publisher and a
// column for each vulnerability; CSV has a row for each opinion.
func WriteComparison(w io.Writer, format string, c *wontfix.Comparison, o Options) error {
	switch format {
	case "text":
		return textComparison(w, c, o)
	case "json":
		return writeJSON(w, c, "  ")
	case "csv":
		return csvComparison(w, c)
	case "markdown":
		return markdownComparison(w, c)
	}
	return formatError(format, ComparisonFormats())
}

// comparedMarks are what a cell counts, in the order in which it shows them.
var comparedMarks = []struct {
	decision   wontfix.Decision
	mark, name string
}{
	{wontfix.DecisionFixed, "F", "fixed"},
	{wontfix.DecisionFixPending, "p", "a fix is on its way"},
	{wontfix.DecisionPaid, "$", "fixed for subscribers"},
	{wontfix.DecisionWontFix, "W", "will not be fixed"},
	{wontfix.DecisionDeferred, "D", "put off"},
	{wontfix.DecisionEndOfLife, "E", "end of life"},
	{wontfix.DecisionNotAffected, "n", "not affected"},
	{wontfix.DecisionAffected, "o", "open"},
	{wontfix.DecisionUnderInvestigation, "?", "not judged"},
	{wontfix.DecisionWithdrawn, "x", "withdrawn"},
}

// comparedText returns a cell: how many rows say what.
func comparedText(c *wontfix.Compared) string {
	if !c.Entry {
		return "silent"
	}
	var parts []string
	for _, m := range comparedMarks {
		n := 0
		for i := range c.Opinions {
			if c.Opinions[i].Decision == m.decision {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s%d", m.mark, n))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, " ")
}

// vendorsOf returns the publishers of a comparison, in its order.
func vendorsOf(c *wontfix.Comparison) []string {
	var list []string
	for i := range c.Cells {
		if v := c.Cells[i].Vendor; !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

func cellOf(c *wontfix.Comparison, vendor, id string) *wontfix.Compared {
	for i := range c.Cells {
		if x := &c.Cells[i]; x.Vendor == vendor && x.ID == id {
			return x
		}
	}
	return &wontfix.Compared{}
}

func textComparison(w io.Writer, c *wontfix.Comparison, o Options) error {
	p := newPage(w, o)
	vendors := vendorsOf(c)
	first := 0
	for _, v := range vendors {
		first = max(first, columns(publisher(v)))
	}
	first += 2
	width := 0
	for i := range c.Cells {
		width = max(width, columns(comparedText(&c.Cells[i]))+2, columns(c.Cells[i].ID)+2)
	}
	each := max(1, (p.width-first)/max(width, 1))
	used := map[string]bool{}
	for at := 0; at < len(c.IDs); at += each {
		if at > 0 {
			p.blank()
		}
		ids := c.IDs[at:min(at+each, len(c.IDs))]
		fields := []field{{dim(""), first}}
		for _, id := range ids[:len(ids)-1] {
			fields = append(fields, field{strong(id), width})
		}
		p.row(0, fields, strong(ids[len(ids)-1]))
		for _, v := range vendors {
			fields := []field{{text(publisher(v)), first}}
			last := text("")
			for i, id := range ids {
				cell := comparedText(cellOf(c, v, id))
				for _, m := range comparedMarks {
					used[m.mark] = used[m.mark] || strings.Contains(cell, m.mark) && cell != "silent"
				}
				s := text(cell)
				if cell == "silent" || cell == "-" {
					s = dim(cell)
				}
				if i == len(ids)-1 {
					last = s
				} else {
					fields = append(fields, field{s, width})
				}
			}
			p.row(0, fields, last)
		}
	}
	p.blank()
	var legend []string
	for _, m := range comparedMarks {
		if used[m.mark] {
			legend = append(legend, m.mark+" "+m.name)
		}
	}
	p.para(0, dim("Rows that say so: "+strings.Join(legend, " · ")+". Silence is no opinion. `wontfix why CVE` has the words."))
	return p.end()
}

func csvComparison(w io.Writer, c *wontfix.Comparison) error {
	cw := csv.NewWriter(w)
	cw.Write([]string{"id", "vendor", "voice", "release", "source", "decision", "strength", "reasons", "fixed_version", "advisory", "decided", "words", "file", "line", "url"})
	for i := range c.Cells {
		for _, x := range c.Cells[i].Opinions {
			writeCells(cw, c.Cells[i].ID, x.Vendor, x.Voice, x.Release, x.Source, x.Decision.String(), x.Strength.String(), strings.Join(x.Reasons, ","),
				x.Fixed, x.Advisory, x.Decided, x.Words, x.Row.File, strconv.Itoa(x.Row.Line), x.Row.URL)
		}
	}
	cw.Flush()
	return cw.Error()
}

func markdownComparison(w io.Writer, c *wontfix.Comparison) error {
	var b strings.Builder
	b.WriteString("| publisher |")
	for _, id := range c.IDs {
		b.WriteString(" " + cleanMarkdown(id) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(c.IDs)) + "\n")
	for _, v := range vendorsOf(c) {
		b.WriteString("| " + cleanMarkdown(publisher(v)) + " |")
		for _, id := range c.IDs {
			var words []string
			cell := cellOf(c, v, id)
			for _, m := range comparedMarks {
				if slices.ContainsFunc(cell.Opinions, func(x wontfix.Opinion) bool { return x.Decision == m.decision }) {
					words = append(words, m.name)
				}
			}
			if !cell.Entry {
				words = []string{"silent"}
			}
			b.WriteString(" " + cleanMarkdown(strings.Join(words, ", ")) + " |")
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
