package report

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"wontfix"
)

// ChangesFormats returns the formats that [WriteChanges] knows.
func ChangesFormats() []string { return []string{"text", "json", "csv", "markdown"} }

// WriteChanges writes what was decided between two times, in one of
// [ChangesFormats]. Text and Markdown have a paragraph for each commit; CSV a
// row for each row of the tracker.
func WriteChanges(w io.Writer, format string, c *wontfix.Changes, o Options) error {
	switch format {
	case "text":
		return textChanges(w, c, o)
	case "json":
		return writeJSON(w, c, "  ")
	case "csv":
		return csvChanges(w, c)
	case "markdown":
		return markdownChanges(w, c, o)
	}
	return formatError(format, ChangesFormats())
}

// changesTitle says what changes are about.
func changesTitle(c *wontfix.Changes) string {
	switch {
	case c.Machine != nil:
		return strings.TrimPrefix(cmp.Or(c.Machine.Name, c.Machine.Place)+" · ", " · ") + systemName(c.Machine)
	case c.Release != "":
		return c.Release
	}
	return publisher(c.Tracker.Name)
}

// changesCount counts what changed, and what it came to.
func changesCount(c *wontfix.Changes) (what, became string) {
	ids, sources, is := map[string]bool{}, map[string]bool{}, map[string]int{}
	for i := range c.Rows {
		r := &c.Rows[i]
		ids[r.ID], sources[r.Source] = true, true
		if r.To == "" {
			is["row taken out"]++
		} else {
			is[DecisionPhrase(r.Is)]++
		}
	}
	return fmt.Sprintf("%s (%s, %s)", many(len(c.Rows), "row"), many(len(ids), "vulnerability"), many(len(sources), "source")),
		counts(is, nil, func(s string) string { return s })
}

func textChanges(w io.Writer, c *wontfix.Changes, o Options) error {
	p := newPage(w, o)
	p.width = min(p.width, maxProse)
	p.flow(0, 2, []span{strong("What changed"), text(" · " + changesTitle(c))})
	p.blank()
	p.label("From", text(revisionText(&c.Since)))
	p.label("To", text(revisionText(&c.Until)))
	p.label("Tracker", trackerSpans(c.Tracker, c.Tracker.Synced)...)
	if len(c.Rows) == 0 {
		p.label("Changed", strong("nothing"))
	} else {
		what, became := changesCount(c)
		p.label("Changed", strong(what), text(": "+became))
	}
	for _, h := range c.Hidden {
		p.label("Hidden", text(many(h.Count, "row")+": "+h.Because))
	}
	if left := p.stepList(groupSteps(changeSteps(c.Rows)), o.Limit); left > 0 {
		p.blank()
		p.para(0, strong(many(left, "more row")+" not shown"), text(": --limit 0 lists all."))
	}
	return p.end()
}

var changeColumns = []string{"id", "source", "release", "priority", "from", "from_detail", "to", "to_detail", "was", "is", "installed_version", "fixed_version",
	"class", "time", "author", "commit", "subject", "entries", "reverses", "reasons", "evidence", "words", "confidence", "steps", "file", "line", "url"}

func csvChanges(w io.Writer, c *wontfix.Changes) error {
	cw := csv.NewWriter(w)
	cw.Write(changeColumns)
	for i := range c.Rows {
		r := &c.Rows[i]
		var e wontfix.Event
		if n := len(r.Events); n > 0 {
			e = r.Events[n-1]
		}
		if o := r.Origin; o != nil && len(r.Events) == 0 {
			e.Class, e.Reasons, e.Evidence, e.Words, e.Confidence = o.Class, o.Reasons, o.Evidence, o.Words, o.Confidence
			if o.Decided != nil {
				e.Revision = *o.Decided
			}
		}
		writeCells(cw, r.ID, r.Source, r.Release, r.Priority, r.From, r.FromText, r.To, r.ToText, r.Was.String(), r.Is.String(), r.Installed, r.Fixed,
			e.Class.String(), moment(e.Time), e.Author, e.Commit, e.Subject, strconv.Itoa(e.Entries), strconv.FormatBool(e.Reverses), strings.Join(e.Reasons, " "),
			e.Evidence.String(), e.Words, e.Confidence.String(), strconv.Itoa(len(r.Events)), r.File, number(r.Line), r.URL)
	}
	cw.Flush()
	return cw.Error()
}

// writeCells writes foreign texts as a row of CSV.
func writeCells(cw *csv.Writer, cells ...string) {
	for i := range cells {
		cells[i] = cleanCell(cells[i])
	}
	cw.Write(cells)
}

func markdownChanges(w io.Writer, c *wontfix.Changes, o Options) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# What changed: %s\n\n", cleanMarkdown(changesTitle(c)))
	fmt.Fprintf(b, "- from %s to %s\n", cleanMarkdown(revisionText(&c.Since)), cleanMarkdown(revisionText(&c.Until)))
	fmt.Fprintf(b, "- %s\n", plainSpans(trackerSpans(c.Tracker, c.Tracker.Synced)))
	what, became := changesCount(c)
	fmt.Fprintf(b, "- %s%s\n", what, cleanMarkdown(after(became)))
	for _, h := range c.Hidden {
		fmt.Fprintf(b, "- %s not in the list: %s\n", many(h.Count, "row"), cleanMarkdown(h.Because))
	}
	markdownSteps(b, groupSteps(changeSteps(c.Rows)), o.Limit)
	return b.Flush()
}

// markdownSteps writes a table of steps, at most limit rows if that is not 0.
func markdownSteps(w io.Writer, groups []stepGroup, limit int) {
	if len(groups) == 0 {
		return
	}
	fmt.Fprintln(w)
	markdownTable(w, "day", "author", "commit", "vulnerability", "package", "release", "change", "reason")
	shown, left := 0, 0
	for _, g := range groups {
		who := author(&g.rev)
		if g.kind != kindDecided {
			who = classText[g.class]
		}
		for _, s := range g.steps {
			if limit > 0 && shown >= limit {
				left += len(s.releases)
				continue
			}
			shown += len(s.releases)
			markdownRow(w, cleanMarkdown(g.day), cleanMarkdown(who), link(shortRevision(s.Commit), s.URL)+" "+cleanMarkdown(subject(&s.Revision)), cleanMarkdown(s.id),
				cleanMarkdown(s.source), cleanMarkdown(strings.Join(s.releases, ", ")), cleanMarkdown(fromTo(s.from, s.to)), cleanMarkdown(stepReasons(&s)))
		}
	}
	if left > 0 {
		fmt.Fprintf(w, "\n%s not shown.\n", many(left, "more row"))
	}
}
