package report

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// HistoryFormats returns the formats that [WriteHistory] knows.
func HistoryFormats() []string { return []string{"text", "json", "csv", "markdown"} }

// WriteHistory writes histories in one of [HistoryFormats], newest first. Of a
// vulnerability it has each commit that changed the entry, of a package what
// was decided. JSON is an array, whatever the number of histories.
func WriteHistory(w io.Writer, format string, list []*wontfix.EntryHistory, o Options) error {
	switch format {
	case "text":
		return textHistory(w, list, o)
	case "json":
		if list == nil {
			list = []*wontfix.EntryHistory{}
		}
		return writeJSON(w, list, "  ")
	case "csv":
		return csvHistory(w, list)
	case "markdown":
		return markdownHistory(w, list, o)
	}
	return formatError(format, HistoryFormats())
}

func textHistory(w io.Writer, list []*wontfix.EntryHistory, o Options) error {
	p := newPage(w, o)
	p.width = min(p.width, maxProse)
	for i, h := range list {
		if i > 0 {
			p.blank()
			p.blank()
		}
		p.flow(0, 2, []span{strong(historyTitle(h)), text(" · " + many(len(h.Rows), "row") + historyCommits(h))})
		p.para(0, trackerSpans(h.Tracker, h.Tracker.Synced)...)
		p.unseen(h.Rows)
		left := 0
		if h.ID == "" || len(h.Commits) == 0 {
			left = p.decisions(h, o.Limit)
		} else {
			left = p.entryCommits(h, o.Limit)
		}
		if left > 0 {
			p.blank()
			p.para(0, strong(many(left, "more change")+" not shown"), text(": --limit 0 lists all."))
		}
	}
	return p.end()
}

func historyTitle(h *wontfix.EntryHistory) string {
	return strings.Trim(h.ID+" "+h.Package, " ")
}

func historyCommits(h *wontfix.EntryHistory) string {
	if len(h.Commits) == 0 {
		return ""
	}
	return " · " + many(len(h.Commits), "commit")
}

// unseen says what the timelines do not have at hand, each once.
func (p *page) unseen(rows []wontfix.RowHistory) {
	var said []string
	for i := range rows {
		if s := oneLine(rows[i].Timeline.Unseen); s != "" && !slices.Contains(said, s) && len(said) < 3 {
			said = append(said, s)
			p.para(0, dim("Not at hand: "+s))
		}
	}
}

// decisions writes what was decided, and what sweeps did, by day and commit.
func (p *page) decisions(h *wontfix.EntryHistory, limit int) (left int) {
	var made int
	list := slices.DeleteFunc(historySteps(h.Rows), func(s step) bool {
		routine := s.kind() == kindOther || s.class == wontfix.ClassReword
		if routine {
			made++
		}
		return routine
	})
	left = p.stepList(groupSteps(list), limit)
	if made > 0 {
		p.blank()
		p.para(0, dim(many(made, "more change")+" made or copied rows, or reworded them: -f csv lists all"))
	}
	return left
}

// entryCommits writes the commits that changed an entry, newest first, each
// with the rows, the notes and the fields that it changed.
func (p *page) entryCommits(h *wontfix.EntryHistory, limit int) (left int) {
	steps := map[string][]step{}
	for _, s := range historySteps(h.Rows) {
		steps[s.Commit] = append(steps[s.Commit], s)
	}
	today, quiet := "", 0
	for i, c := range slices.Backward(h.Commits) {
		if n := len(h.Commits) - 1 - i; limit > 0 && n >= limit {
			left = i + 1
			break
		}
		rows := groupSteps(steps[c.Commit])
		if len(rows) == 0 && c.Rows == 0 && len(c.Notes) == 0 && len(c.Fields) == 0 && (c.FromFolder == c.ToFolder || c.Entries >= manyEntries) {
			quiet++
			continue
		}
		if d := day(c.Time); d != today {
			p.blank()
			p.rule(strong(d))
			today = d
		}
		p.entryCommit(&c, rows)
	}
	if quiet > 0 {
		p.blank()
		p.para(0, dim(many(quiet, "more commit")+" changed nothing that a reader would see"))
	}
	return left
}

// maxRows is how many rows of a commit a history of an entry shows.
const maxRows = 6

func (p *page) entryCommit(c *wontfix.EntryCommit, groups []stepGroup) {
	who := []span{strong(author(&c.Revision))}
	if c.Entries >= 100 {
		who = []span{text("A commit to " + many(c.Entries, "entry"))}
	} else if c.Entries >= manyEntries {
		who = append(who, dim(", to "+many(c.Entries, "entry")))
	}
	p.flow(0, 2, append(who, text(", "), dim(shortRevision(c.Commit)+": "), quote(cutWords(subject(&c.Revision), p.width+p.width/2))))
	shown := 0
	for i := range groups {
		for j := range groups[i].steps {
			s := &groups[i].steps[j]
			if shown++; shown > maxRows {
				continue
			}
			st := heldText[s.held].style
			if st == styleDim {
				st = plain
			}
			spans := []span{strong(s.source), dim(" in " + some(s.releases, p.width/2) + ": "), in(st, fromTo(s.from, s.to))}
			if s.reverses {
				spans = append(spans, dim(" · a refusal taken back"))
			}
			p.flow(2, 4, spans)
		}
	}
	switch {
	case shown > maxRows:
		p.para(2, dim("and "+count(shown-maxRows, "more change")+" of rows: -f csv lists all"))
	case shown == 0 && c.Rows > 0:
		p.para(2, dim(many(c.Rows, "row")+" changed"))
	}
	p.noteChanges(2, c.Notes)
	p.fields(c)
}

// fields writes what a commit did to the header of an entry, and to its folder.
func (p *page) fields(c *wontfix.EntryCommit) {
	if c.FromFolder != "" && c.ToFolder != "" && c.FromFolder != c.ToFolder {
		p.para(2, dim("moved from "+c.FromFolder+" to "+c.ToFolder))
	}
	if c.FromFolder == "" && c.ToFolder != "" {
		p.para(2, dim("the entry is new"))
		return
	}
	for _, f := range c.Fields {
		p.flow(2, 4, []span{dim(f.Name + ": "), text(fieldText(f, p.width/2))})
	}
}

// fieldText writes what became of a field, n columns of each text.
func fieldText(f wontfix.FieldChange, n int) string {
	from, to := cutWords(oneLine(f.From), n), cutWords(oneLine(f.To), n)
	switch {
	case from == "":
		return "now " + to
	case to == "":
		return "no longer " + from
	}
	return from + " → " + to
}

var historyColumns = []string{"what", "id", "name", "source", "release", "time", "author", "commit", "subject", "entries", "class", "from", "from_detail", "to", "to_detail",
	"reverses", "reasons", "evidence", "words", "confidence", "copied_from", "url"}

// csvHistory writes a row for each change of a row, a note, a field or the
// folder.
func csvHistory(w io.Writer, list []*wontfix.EntryHistory) error {
	cw := csv.NewWriter(w)
	cw.Write(historyColumns)
	write := func(what, id, name, source, release string, e *wontfix.Event) {
		class := e.Class.String()
		if what != "row" {
			class = ""
		}
		writeCells(cw, what, id, name, source, release, moment(e.Time), e.Author, e.Commit, e.Subject, strconv.Itoa(e.Entries), class, e.From, e.FromDetail, e.To, e.ToDetail,
			strconv.FormatBool(e.Reverses), strings.Join(e.Reasons, " "), e.Evidence.String(), e.Words, e.Confidence.String(), e.CopiedFrom, e.URL)
	}
	for _, h := range list {
		for i := range h.Rows {
			r := &h.Rows[i]
			for j := range r.Timeline.Events {
				e := &r.Timeline.Events[j]
				write("row", r.ID, cmp.Or(e.Row, r.Release+"_"+r.Source), r.Source, r.Release, e)
			}
		}
		for _, c := range h.Commits {
			for _, n := range c.Notes {
				from, to := n.Was, n.Text
				if n.Kind == "deleted" {
					from, to = n.Text, ""
				}
				write("note", h.ID, n.Author, "", "", &wontfix.Event{Revision: c.Revision, From: from, To: to})
			}
			for _, f := range c.Fields {
				write("field", h.ID, f.Name, "", "", &wontfix.Event{Revision: c.Revision, From: f.From, To: f.To})
			}
			if c.FromFolder != c.ToFolder {
				write("folder", h.ID, "", "", "", &wontfix.Event{Revision: c.Revision, From: c.FromFolder, To: c.ToFolder})
			}
		}
	}
	cw.Flush()
	return cw.Error()
}

func markdownHistory(w io.Writer, list []*wontfix.EntryHistory, o Options) error {
	b := bufio.NewWriter(w)
	for i, h := range list {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "# History of %s\n\n- %s\n", cleanMarkdown(historyTitle(h)), plainSpans(trackerSpans(h.Tracker, h.Tracker.Synced)))
		fmt.Fprintf(b, "- %s%s\n", many(len(h.Rows), "row"), historyCommits(h))
		markdownSteps(b, groupSteps(historySteps(h.Rows)), o.Limit)
		if len(h.Commits) == 0 {
			continue
		}
		fmt.Fprint(b, "\n## Notes and fields\n\n")
		markdownTable(b, "day", "author", "commit", "rows", "notes", "fields")
		for _, c := range slices.Backward(h.Commits) {
			var fields []string
			for _, f := range c.Fields {
				fields = append(fields, cleanMarkdown(f.Name+": "+fieldText(f, 60)))
			}
			markdownRow(b, cleanMarkdown(day(c.Time)), cleanMarkdown(author(&c.Revision)), link(shortRevision(c.Commit), c.URL)+" "+cleanMarkdown(subject(&c.Revision)),
				strconv.Itoa(c.Rows), strings.Join(markdownNotes(c.Notes), " · "), strings.Join(fields, " · "))
		}
	}
	return b.Flush()
}
