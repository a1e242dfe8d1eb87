package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"wontfix"
)

// maxProse is the width of a dossier at most: longer lines of prose are hard to
// read.
const maxProse = 120

func textDossiers(w io.Writer, ds []*wontfix.Dossier, o Options) error {
	p := newPage(w, o)
	p.width = min(p.width, maxProse)
	for i, d := range ds {
		if i > 0 {
			p.blank()
			p.blank()
		}
		t := dossierText{p, d, o.Limit}
		t.head()
		t.subjects()
		t.notes()
		t.foot()
	}
	return p.end()
}

// dossierText writes a dossier as text.
type dossierText struct {
	*page
	d     *wontfix.Dossier
	limit int
}

// descriptionLines is how many lines of the description text shows: the
// decision is what was asked for.
const descriptionLines = 4

func (t dossierText) head() {
	d := t.d
	spans := []span{strong(d.ID), text(" · " + cmp.Or(d.Priority, "no priority"))}
	if d.PriorityWhy != "" {
		spans = append(spans, dim(" ("+d.PriorityWhy+")"))
	}
	if d.Published != "" {
		spans = append(spans, text(" · published "+d.Published))
	}
	if d.Machine != "" {
		spans = append(spans, text(" · on "+d.Machine))
	}
	if !d.AsOf.IsZero() {
		spans = append(spans, strong(" · as of "+day(d.AsOf.UTC())))
	}
	t.flow(0, 2, spans)
	if s := oneLine(cmp.Or(d.Description, d.VendorText)); s != "" {
		t.para(0, dim(cutWords(s, t.width*descriptionLines-descriptionLines*8)))
	}
	for _, spans := range exploitedSpans(d.Exploitation) {
		t.flow(0, 2, spans)
	}
	if d.Withdrawn != "" {
		t.para(0, strong("Withdrawn: "), text(d.Withdrawn))
	}
}

// oneLine returns clean text with each run of space made one.
func oneLine(s string) string { return strings.Join(strings.Fields(Clean(s)), " ") }

// subjects writes each package; those of which the publisher says nothing, and
// which are not installed, come together at the end.
func (t dossierText) subjects() {
	silent, order := map[string][]string{}, []string{}
	known := map[string]bool{}
	for i := range t.d.Subjects {
		s := &t.d.Subjects[i]
		if len(t.d.Subjects) > 1 && s.Row == nil && s.Finding == nil && s.Installed == "" {
			if silent[s.Release] == nil {
				order = append(order, s.Release)
			}
			silent[s.Release] = append(silent[s.Release], s.Source)
			continue
		}
		if t.limit > 0 && i >= t.limit {
			t.blank()
			t.more(len(t.d.Subjects)-i, "package")
			break
		}
		t.subject(s, !known[s.Source])
		known[s.Source] = true
	}
	for i := range t.d.Subjects {
		// Other releases may say more, so that one is written in full.
		if s := &t.d.Subjects[i]; len(known) == 0 && s.Row == nil && len(s.Elsewhere) > 0 {
			t.subject(s, true)
			known[s.Source] = true
		}
	}
	for _, release := range order {
		t.blank()
		t.para(0, strong("Nothing said in "+release), text(" of "+some(silent[release], t.width*2)))
	}
	if len(t.d.Subjects) == 0 {
		t.blank()
		t.para(0, text(publisher(t.d.Tracker.Name)+" names no package that was asked for in this entry."))
	}
}

// maxPatches is how many patches of a package text shows.
const maxPatches = 4

// subject writes what the publisher decided about one package, and why. What
// holds for the package in every release comes with its first subject.
func (t dossierText) subject(s *wontfix.Subject, first bool) {
	t.blank()
	head := []span{strong(s.Source), text(" in " + s.Release)}
	if s.Installed != "" {
		head = append(head, text(" · installed "+s.Installed))
	}
	if s.Priority != "" && s.Priority != t.d.Priority {
		head = append(head, text(" · "+s.Priority))
	}
	if len(s.Tags) > 0 {
		head = append(head, dim(" · "+strings.Join(s.Tags, ", ")))
	}
	t.rule(head...)
	t.decision(s)
	if s.Fixed != "" {
		t.label("Fixed in", strong(s.Fixed))
	}
	if s.Changelog != "" {
		t.label("Changelog", quote(s.Changelog))
	}
	if s.Finding != nil && s.Finding.Because != "" {
		t.label("Finding", text(s.Finding.Because))
	}
	if d := s.Dismissal; d != nil {
		t.label("No finding", text(plainWord(d.Kind)+": "+d.Because+" "), dim(place(d.Says)))
	}
	for i, line := range behaviourText(s.Behaviour) {
		label := ""
		if i == 0 {
			label = "Behaviour"
		}
		t.label(label, text(line+"; "+versionSays(s.Behaviour[0])))
	}
	if s.Upstream != nil && first {
		t.label("Upstream", append(statementSpans(*s.Upstream, s.Upstream.Release), gap, dim(place(*s.Upstream)))...)
	}
	for i, pt := range s.Patches {
		if !first {
			break
		}
		if i == maxPatches && len(s.Patches) > maxPatches+1 {
			t.label("", text(fmt.Sprintf("and %d more: -f json has them", len(s.Patches)-i)))
			break
		}
		t.label("Patch", text(pt.Text), gap, dim(pt.Kind))
	}
	if lines := others(s.Elsewhere, func(o wontfix.Other) string { return o.Release }); lines != "" {
		t.label("Elsewhere", text(lines))
	}
	if lines := others(s.Siblings, func(o wontfix.Other) string { return o.Source }); lines != "" {
		t.label("Beside it", text(lines))
	}
	if o := options(s); o != "" {
		t.label("Options", text(o))
	}
	t.opinions(s)
	t.provenance(s)
}

// decision writes the row as it stands, the decision, its reason and outlook.
func (t dossierText) decision(s *wontfix.Subject) {
	by := t.d.Tracker.Name
	if s.Row == nil {
		t.label("Decision", text(publisher(by)+" says nothing about this package in this release."))
		return
	}
	by = cmp.Or(s.Row.Name, by)
	says := append([]span{dim(s.Row.Release + "_" + cmp.Or(s.Row.Package, s.Source) + ": ")}, strong(s.Row.Status))
	if s.Row.Detail != "" {
		says = append(says, text(" ("+s.Row.Detail+")"))
	}
	t.label("Row", append(says, gap, dim(place(*s.Row)))...)
	if s.Row.URL != "" {
		t.label("", dim(s.Row.URL))
	}
	st := styleStrong
	if s.Outlook != nil {
		st = outlookText[*s.Outlook].style
	}
	sentence := decisionText[s.Decision].sentence
	if sentence == "" {
		sentence = "%s: " + s.Decision.String()
	}
	t.label("Decision", in(st, fmt.Sprintf(sentence, publisher(by))))
	t.reason(s)
	if s.Outlook != nil {
		t.label("Outlook", in(outlookText[*s.Outlook].style, s.Outlook.String()), text(": "+outlookText[*s.Outlook].means))
	}
	if s.Successor != "" {
		t.label("Successor", text(s.Successor+" carries the work on"))
	}
}

// reason writes why, where that was read, and in whose words.
func (t dossierText) reason(s *wontfix.Subject) {
	switch s.Decision {
	case wontfix.DecisionFixed, wontfix.DecisionNotInRelease:
		if len(s.Reasons) == 0 {
			return
		}
	}
	if len(s.Reasons) == 0 && s.ReasonText == "" {
		return
	}
	var spans []span
	for i, r := range s.Reasons {
		if i > 0 {
			spans = append(spans, text("; "))
		}
		spans = append(spans, strong(ReasonPhrase(r)))
		if w := reasonText[r].why; s.ReasonText == "" && w != "" && w != reasonText[r].phrase {
			spans = append(spans, text(": "+w))
		}
	}
	if where := evidenceText[s.Evidence]; where != "" {
		if s.Evidence == wontfix.EvidenceNote {
			if a := noteAuthor(t.d.Notes, s.ReasonLine); a != "" {
				where += " by " + a
			}
		}
		if s.ReasonLine > 0 && (s.Row == nil || s.ReasonLine != s.Row.Line) {
			where += fmt.Sprintf(", line %d", s.ReasonLine)
		}
		if len(spans) > 0 {
			spans = append(spans, text(". "))
		}
		spans = append(spans, dim(strings.ToUpper(where[:1])+where[1:]))
	}
	if s.ReasonText != "" && s.Evidence != wontfix.EvidenceBracket {
		if len(spans) > 0 {
			spans = append(spans, text(": "))
		}
		spans = append(spans, quote(cutWords(oneLine(s.ReasonText), (t.width-labelWidth-10)*5)))
	}
	t.label("Reason", spans...)
}

// placed reports whether the place of a row has named the entry's file.
func (t dossierText) placed() bool {
	for _, s := range t.d.Subjects {
		if s.Row != nil && s.Row.File == t.d.File {
			return true
		}
	}
	return false
}

// noteAuthor returns who wrote the note that holds a line of the file.
func noteAuthor(notes []wontfix.Note, line int) (author string) {
	if line == 0 {
		return ""
	}
	for _, n := range notes {
		if n.Line <= line {
			author = n.Author
		}
	}
	return author
}

// others writes statements beside the one that was asked for, those that say
// the same together. Those that say that there is no such package are counted.
func others(list []wontfix.Other, name func(wontfix.Other) string) string {
	names := map[string][]string{}
	var order []string
	absent := 0
	for _, o := range list {
		if o.Decision == wontfix.DecisionNotInRelease {
			absent++
			continue
		}
		say := ": " + says(o.Row)
		if o.Decision == wontfix.DecisionFixed && o.Fixed != "" {
			say = " fixed in " + o.Fixed
		}
		if o.Installed != "" {
			say += " (installed here: " + o.Installed + ")"
		}
		if names[say] == nil {
			order = append(order, say)
		}
		names[say] = append(names[say], name(o))
	}
	var parts []string
	for _, say := range order {
		verb := ""
		if say[0] == ' ' {
			verb = " is"
			if len(names[say]) > 1 {
				verb = " are"
			}
		}
		parts = append(parts, some(names[say], 60)+verb+say)
	}
	if len(parts) > 0 && absent > 0 {
		parts = append(parts, "not in "+count(absent, "other"))
	}
	return strings.Join(parts, " · ")
}

// options says, from what the tracker has beside the statement, what the owner
// can do. It is "" if nothing has to be done or nothing is known.
func options(s *wontfix.Subject) string {
	if s.Outlook == nil {
		return ""
	}
	var parts []string
	switch *s.Outlook {
	case wontfix.Available:
		if s.Fixed != "" {
			parts = append(parts, "install "+s.Fixed)
		}
	case wontfix.Paid:
		if s.Finding != nil && s.Finding.Product != "" {
			parts = append(parts, "switch on "+s.Finding.Product)
		}
	}
	var good []string
	for _, o := range s.Elsewhere {
		if o.Decision == wontfix.DecisionFixed || o.Decision == wontfix.DecisionNotAffected {
			good = append(good, o.Release)
		}
	}
	if len(good) > 0 && *s.Outlook != wontfix.Available {
		parts = append(parts, "upgrade the release: fixed or not affected in "+some(good, 60))
	}
	good = nil
	for _, o := range s.Siblings {
		if o.Decision == wontfix.DecisionFixed {
			good = append(good, o.Source)
		}
	}
	if len(good) > 0 && *s.Outlook == wontfix.Never {
		parts = append(parts, "move to what is fixed in this release: "+some(good, 60))
	}
	if s.Successor != "" {
		parts = append(parts, "move to "+s.Successor)
	}
	return strings.Join(parts, " · ")
}

// notes writes the notes of the entry, the author's name before each run of
// notes of one author.
func (t dossierText) notes() {
	if len(t.d.Notes) == 0 {
		return
	}
	t.blank()
	t.rule(strong("Notes"))
	authorWidth := 0
	for _, n := range t.d.Notes {
		authorWidth = max(authorWidth, min(columns(Clean(n.Author)), 14))
	}
	for i := 0; i < len(t.d.Notes); {
		n := t.d.Notes[i]
		words := n.Text
		for i++; i < len(t.d.Notes) && t.d.Notes[i].Author == n.Author; i++ {
			words += " " + t.d.Notes[i].Text
		}
		t.row(2, []field{{strong(cmp.Or(n.Author, "-")), authorWidth + 2}}, text(words))
	}
}

// foot writes what belongs to the entry as a whole.
func (t dossierText) foot() {
	d := t.d
	t.blank()
	if d.VendorText != "" && d.Description != "" {
		t.label("Publisher", text(oneLine(d.VendorText)))
	}
	if d.Mitigation != "" {
		t.label("Mitigation", text(oneLine(d.Mitigation)))
	}
	for _, c := range d.Context {
		t.label("Context", text(publisher(c.Name)+": "), strong(strings.ToLower(c.Status)), text(" "), dim(place(c)))
	}
	for _, c := range d.CVSS {
		t.label("CVSS", text(strings.TrimSpace(c.Score+" "+c.Severity)+" "+c.Vector+" "), dim(c.Source))
	}
	if len(d.Bugs) > 0 {
		t.label("Bugs", text(strings.Join(d.Bugs, " ")))
	}
	if d.AssignedTo != "" {
		t.label("Assigned", text(d.AssignedTo))
	}
	if d.Page != "" {
		t.label("Page", text(d.Page))
	}
	source := trackerSpans(d.Tracker, cmp.Or(d.AsOf, d.Tracker.Synced))
	t.label("Tracker", source...)
	if d.File != "" && !t.placed() {
		t.label("File", text(d.File))
	}
	if len(d.Problems) > 0 {
		t.blank()
		t.problems(d.Problems)
	}
}
