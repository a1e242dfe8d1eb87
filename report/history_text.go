package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wontfix"
)

// styleGone is the style of words that were deleted: struck through.
const styleGone style = "9;2"

// maxEvents is how many events of a row text shows; older ones are counted.
const maxEvents = 12

// maxHistories is how many packages of a dossier have their history in full.
const maxHistories = 2

// who writes who decided what a row says, and what speaks for it.
func (p *page) who(o *wontfix.Origin, given []string, events []wontfix.Event, n int) {
	if o == nil {
		return
	}
	p.blank()
	p.para(0, strong("Who decided"))
	r := o.Decided
	if r == nil {
		p.label("Decision", text("is not known: "+classText[o.Class]))
		return
	}
	change := ""
	for i := range events {
		if e := &events[i]; e.Commit == r.Commit {
			change = changeText(e)
		}
	}
	switch {
	case o.Class == wontfix.ClassDecision:
		p.label("Decision", strong(change), text(" on "+day(r.Time)+", by "), strong(author(r)))
	case o.Class == wontfix.ClassCreate && o.Confidence >= wontfix.ConfidenceMedium:
		p.label("Decision", text("as the entry was made, on "+day(r.Time)+", by "), strong(author(r)))
	default:
		p.label("Decision", text(capital(cmp.Or(originText(&wontfix.Origin{Class: o.Class, Decided: r}, 0), classText[o.Class]))))
	}
	if unseen(r) {
		p.label("Commit", dim(subject(r)))
	} else {
		p.label("Commit", text(shortRevision(r.Commit)+": "), quote(cutWords(subject(r), (p.width-labelWidth-8)*2-20)), dim(among(r.Entries)))
	}
	if r.URL != "" {
		p.label("", dim(r.URL))
	}
	if b := o.Before; b != nil {
		p.label("Before", strong(stated(b.Status, b.Detail)), text(" is the last word of a person: "+author(&b.Revision)+", "+day(b.Time)+", "+shortRevision(b.Commit)))
	}
	if o.CopiedFrom != "" {
		p.label("Copy of", text(o.CopiedFrom+", which was decided about"))
	}
	if w := o.Wrote; w != nil {
		p.label("Written", text(day(w.Time)+", "+classText[o.WroteClass]+", in "+shortRevision(w.Commit)+among(w.Entries)+": "), quote(cutWords(subject(w), 60)))
	}
	spans := []span{text(sourceText[o.Evidence])}
	if o.Words != "" && oneLine(o.Words) != subject(r) {
		spans = append(spans, text(": "), quote(cutWords(oneLine(o.Words), (p.width-labelWidth-8)*n)))
	}
	p.label("Evidence", spans...)
	if list := hiddenReasons(o, given); len(list) > 0 {
		p.label("Reason then", text(reasonList(list)))
	}
	p.label("Certainty", text(confidenceText[o.Confidence]))
	if o.Reversals > 0 {
		p.label("Reversals", text("a refusal was taken back "+times(o.Reversals)))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(n, "time")
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// changeText writes what became of a row: "needed → ignored".
func changeText(e *wontfix.Event) string {
	if e.Class == wontfix.ClassNote {
		return "stays " + cmp.Or(stated(e.To, e.ToDetail), "as it is")
	}
	return fromTo(stated(e.From, e.FromDetail), stated(e.To, e.ToDetail))
}

func fromTo(from, to string) string {
	switch {
	case from == "" && to == "":
		return "no row"
	case from == "":
		return "new: " + to
	case to == "":
		return from + " → no row"
	}
	return from + " → " + to
}

// timeline writes the events of a row, oldest first, with what each commit did
// to the notes.
func (p *page) timeline(h *wontfix.Timeline) {
	events := h.Events
	if n := len(events) - maxEvents; n > 1 {
		p.para(2, dim(fmt.Sprintf("%s before these: -f json has them", count(n, "change"))))
		events = events[n:]
	}
	names := 0
	for i := range events {
		names = max(names, min(columns(author(&events[i].Revision)), 18))
	}
	for i := range events {
		p.event(&events[i], names)
	}
	if h.Folded > 0 {
		p.para(2, dim(many(h.Folded, "more commit")+" changed the entry and not this row"))
	}
	if h.Unseen != "" {
		p.para(2, dim("Not at hand: "+oneLine(h.Unseen)))
	}
}

// dayWidth is the width of the column of days.
const dayWidth = 12

func (p *page) event(e *wontfix.Event, names int) {
	st := heldText[heldBy(e.To)].style
	if st == styleDim {
		st = plain
	}
	spans := []span{in(st, changeText(e))}
	if e.Row != "" {
		spans = append([]span{dim(e.Row + ": ")}, spans...)
	}
	spans = append(spans, dim(nbsp+"· "+kindText(e)), gap, dim(shortRevision(e.Commit)))
	who := author(&e.Revision)
	if sweeps(e.Class) && e.Class != wontfix.ClassRobot {
		who = "-"
	}
	p.row(2, []field{{text(cmp.Or(day(e.Time), "-")), dayWidth}, {strong(cut(who, 18)), names + 2}}, spans...)
	if e.Class == wontfix.ClassDecision || e.Reverses {
		p.para(2+dayWidth, dim(cutWords(subject(&e.Revision), p.width-2-dayWidth)))
	}
	p.noteChanges(2+dayWidth, e.Notes)
}

// kindText says what kind of change an event is.
func kindText(e *wontfix.Event) string {
	switch {
	case e.Reverses:
		return "taken back" + among(e.Entries)
	case e.CopiedFrom != "":
		return "copied from " + e.CopiedFrom
	case e.Class == wontfix.ClassCreate:
		return classText[e.Class]
	}
	return classText[e.Class] + among(e.Entries)
}

// noteLines is how many lines of a note text shows.
const noteLines = 2

// noteChanges writes what a commit did to notes: first what it deleted.
func (p *page) noteChanges(indent int, list []wontfix.NoteChange) {
	room := (p.width - indent - 8) * noteLines
	for _, gone := range []bool{true, false} {
		for _, c := range list {
			words, sign, st := "", "+ ", styleAvailable
			was, is := difference(oneLine(c.Was), oneLine(c.Text))
			switch {
			case c.Kind == "deleted" && gone:
				words = oneLine(c.Text)
			case c.Kind == "deleted":
			case gone:
				words = was
			default:
				words = is
			}
			if words == "" {
				continue
			}
			wordStyle := plain
			if gone {
				sign, st, wordStyle = "- ", styleNever, styleGone
			}
			name := cut(oneLine(c.Author), 16)
			p.flow(indent, indent+2, []span{in(st, sign), dim(name + ": "), in(wordStyle, cutWords(words, max(room-columns(Clean(name)), 20)))})
		}
	}
}

// difference returns the words of two texts that lie between their common
// beginning and their common end.
func difference(a, b string) (was, is string) {
	x, y := strings.Fields(a), strings.Fields(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return strings.Join(x, " "), strings.Join(y, " ")
}

// provenance writes who decided about a package of a dossier, and its history.
// A dossier of many packages has one sentence for each.
func (t dossierText) provenance(s *wontfix.Subject) {
	rows := 0
	for i := range t.d.Subjects {
		if t.d.Subjects[i].Origin != nil || t.d.Subjects[i].History != nil {
			rows++
		}
	}
	if rows > maxHistories {
		if who := originText(s.Origin, 60); who != "" {
			t.label("Who", text(capital(who)))
		}
		return
	}
	var events []wontfix.Event
	if s.History != nil {
		events = s.History.Events
	}
	t.who(s.Origin, s.Reasons, events, 2)
	if s.History == nil {
		return
	}
	t.blank()
	t.para(0, strong("History"))
	if t.terminal && len(events) > 1 {
		t.axis(events, t.d.Tracker.Time)
		t.blank()
	}
	t.timeline(s.History)
}

// markdownProvenance writes the same for Markdown.
func markdownProvenance(d *wontfix.Dossier) string {
	var b strings.Builder
	for i := range d.Subjects {
		s := &d.Subjects[i]
		if s.Origin == nil && s.History == nil {
			continue
		}
		fmt.Fprintf(&b, "\n## Who decided: %s\n\n", cleanMarkdown(s.Source+" in "+s.Release))
		if o := s.Origin; o != nil {
			fmt.Fprintf(&b, "- %s\n", cleanMarkdown(cmp.Or(originText(o, 200), classText[o.Class])))
			if o.Decided != nil {
				fmt.Fprintf(&b, "- commit: %s\n", link(shortRevision(o.Decided.Commit), o.Decided.URL))
			}
			fmt.Fprintf(&b, "- evidence: %s", cleanMarkdown(sourceText[o.Evidence]))
			if o.Words != "" {
				fmt.Fprintf(&b, ": “%s”", cleanMarkdown(oneLine(o.Words)))
			}
			fmt.Fprintf(&b, "\n- certainty: %s\n", cleanMarkdown(confidenceText[o.Confidence]))
			if list := hiddenReasons(o, s.Reasons); len(list) > 0 {
				fmt.Fprintf(&b, "- reason then: %s\n", cleanMarkdown(reasonList(list)))
			}
		}
		if s.History != nil {
			fmt.Fprintln(&b)
			markdownTimeline(&b, s.History)
		}
	}
	return b.String()
}

func markdownTimeline(b *strings.Builder, h *wontfix.Timeline) {
	markdownTable(b, "day", "author", "change", "what", "commit", "notes")
	for i := range h.Events {
		e := &h.Events[i]
		markdownRow(b, cleanMarkdown(day(e.Time)), cleanMarkdown(author(&e.Revision)), cleanMarkdown(strings.TrimPrefix(e.Row+": ", ": ")+changeText(e)),
			cleanMarkdown(kindText(e)), link(shortRevision(e.Commit), e.URL)+" "+cleanMarkdown(subject(&e.Revision)), strings.Join(markdownNotes(e.Notes), " · "))
	}
	if h.Folded > 0 {
		fmt.Fprintf(b, "\n%s changed the entry and not this row.\n", many(h.Folded, "more commit"))
	}
	if h.Unseen != "" {
		fmt.Fprintf(b, "\nNot at hand: %s\n", cleanMarkdown(oneLine(h.Unseen)))
	}
}

// markdownNotes writes what a commit did to notes, deleted words first.
func markdownNotes(list []wontfix.NoteChange) (parts []string) {
	for _, c := range list {
		was, is := difference(oneLine(c.Was), oneLine(c.Text))
		if c.Kind == "deleted" {
			was, is = oneLine(c.Text), ""
		}
		who := cleanMarkdown(oneLine(c.Author))
		if was != "" {
			parts = append(parts, who+" − ~~"+cleanMarkdown(was)+"~~")
		}
		if is != "" {
			parts = append(parts, who+" + "+cleanMarkdown(is))
		}
	}
	slices.SortStableFunc(parts, func(x, y string) int {
		return cmp.Compare(strings.Count(y, " − ~~"), strings.Count(x, " − ~~"))
	})
	return parts
}
