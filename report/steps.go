package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wontfix"
)

// A step is one change of one row, as lists of changes show it.
type step struct {
	wontfix.Revision
	class     wontfix.Class
	id        string
	source    string
	releases  []string
	priority  string
	from, to  string // the tracker's words with what stands in brackets
	held      held   // what the row says after it
	reasons   []string
	words     string
	reverses  bool
	installed string
}

// rowStep makes a step of an event.
func rowStep(id, source, release string, e *wontfix.Event) step {
	s := step{Revision: e.Revision, class: e.Class, id: id, source: source, releases: []string{release}, from: stated(e.From, e.FromDetail),
		to: stated(e.To, e.ToDetail), held: heldBy(e.To), reasons: e.Reasons, reverses: e.Reverses}
	if e.Evidence == wontfix.EvidenceOwnNote {
		s.words = e.Words
	}
	return s
}

// A kind is how a list of changes treats a step: what somebody decided is
// shown row by row, what happened to many rows at once is counted.
type kind uint8

const (
	kindDecided kind = iota
	kindSwept
	kindOther
)

func (s *step) kind() kind {
	switch {
	case s.class == wontfix.ClassDecision:
		return kindDecided
	case sweeps(s.class) || s.class == wontfix.ClassReword:
		return kindSwept
	}
	return kindOther
}

// A stepGroup is what one commit did to rows, of one kind.
type stepGroup struct {
	day   string
	class wontfix.Class
	kind  kind
	rev   wontfix.Revision
	steps []step
	rows  int
}

// heldOrder is the order of steps within a commit: refusals first.
var heldOrder = map[held]int{heldRefused: 0, heldOpen: 1, heldUndecided: 2, heldNothing: 3, heldClosed: 4}

// groupSteps gathers steps by commit, the newest first, worst first within
// each. Steps that differ in their release alone become one.
func groupSteps(list []step) []stepGroup {
	type key struct {
		commit, day string
		kind        kind
	}
	at, groups := map[key]int{}, []stepGroup{}
	for _, s := range list {
		k := key{s.Commit, day(s.Time), s.kind()}
		n, ok := at[k]
		if !ok {
			n = len(groups)
			at[k] = n
			groups = append(groups, stepGroup{day: k.day, class: s.class, kind: k.kind, rev: s.Revision})
		}
		groups[n].steps = append(groups[n].steps, s)
	}
	slices.SortStableFunc(groups, func(x, y stepGroup) int {
		return cmp.Or(strings.Compare(y.day, x.day), y.rev.Time.Compare(x.rev.Time), cmp.Compare(x.kind, y.kind))
	})
	for i := range groups {
		g := &groups[i]
		g.rows = len(g.steps)
		slices.SortStableFunc(g.steps, func(x, y step) int {
			return cmp.Or(cmp.Compare(heldOrder[x.held], heldOrder[y.held]), cmp.Compare(rank(priorities, x.priority), rank(priorities, y.priority)),
				strings.Compare(x.id, y.id), strings.Compare(x.source, y.source), strings.Compare(x.from+"\x00"+x.to, y.from+"\x00"+y.to))
		})
		g.steps = mergeReleases(g.steps)
	}
	return groups
}

func mergeReleases(list []step) (merged []step) {
	for _, s := range list {
		if n := len(merged) - 1; n >= 0 {
			l := &merged[n]
			if l.id == s.id && l.source == s.source && l.from == s.from && l.to == s.to && l.words == s.words && slices.Equal(l.reasons, s.reasons) {
				l.installed = cmp.Or(l.installed, s.installed)
				l.releases = append(l.releases, s.releases...)
				continue
			}
		}
		s.releases = slices.Clone(s.releases)
		merged = append(merged, s)
	}
	return merged
}

// foldFrom is how many rows a commit changes at least for them to be counted,
// where nobody decided about each.
const foldFrom = 4

// stepList writes groups of steps: a heading for each day, a paragraph for each
// commit. At most limit rows are written, if limit is not 0; how many are left
// out is returned.
func (p *page) stepList(groups []stepGroup, limit int) (left int) {
	id, source := 13, 6
	for _, g := range groups {
		for _, s := range g.steps {
			id = max(id, min(columns(Clean(s.id)), 20))
			source = max(source, min(columns(Clean(s.source)), 18))
		}
	}
	today, shown := "", 0
	for _, g := range groups {
		if limit > 0 && shown >= limit {
			left += g.rows
			continue
		}
		if g.day != today {
			p.blank()
			p.rule(strong(g.day))
			today = g.day
		}
		p.commitHead(&g)
		if g.kind != kindDecided && g.rows >= foldFrom {
			p.folded(g.steps)
			shown++
			continue
		}
		words := ""
		for _, s := range g.steps {
			if limit > 0 && shown >= limit {
				left += len(s.releases)
				continue
			}
			shown += len(s.releases)
			p.step(&s, id, source, words)
			words = s.words
		}
	}
	return left
}

// commitHead names a commit: with its author, unless nobody decided.
func (p *page) commitHead(g *stepGroup) {
	r := &g.rev
	spans := []span{strong(author(r))}
	switch {
	case r.Commit == "":
		p.para(0, dim("By a commit that is not at hand"))
		return
	case g.class == wontfix.ClassRobot:
		spans = []span{text("By a program, " + author(r))}
	case g.kind == kindSwept:
		spans = []span{text("By a commit to " + many(r.Entries, "entry") + ", which decided about none of them")}
	case g.kind == kindOther:
		spans = []span{text(capital(classText[g.class]))}
	}
	spans = append(spans, text(", "), dim(shortRevision(r.Commit)+":"))
	if g.kind == kindDecided && r.Entries >= manyEntries {
		spans = append(spans, dim(" ("+many(r.Entries, "entry")+")"))
	}
	spans = append(spans, text(" "), quote(cutWords(subject(r), p.width+p.width/2)))
	p.flow(0, 2, spans)
}

// step writes a row that was changed.
func (p *page) step(s *step, id, source int, wordsAbove string) {
	st := heldText[s.held].style
	if st == styleDim {
		st = plain
	}
	spans := []span{dim(some(s.releases, 24) + ":"), text(" "), in(st, fromTo(s.from, s.to))}
	if list := stepReasons(s); list != "" {
		spans = append(spans, text(": "+list))
	}
	if s.reverses {
		spans = append(spans, dim(" · a refusal taken back"))
	}
	if s.installed != "" {
		spans = append(spans, dim(" · installed "+s.installed))
	}
	p.row(2, []field{{text(s.id), id + 2}, {strong(s.source), source + 2}}, spans...)
	if s.words != "" && s.words != wordsAbove {
		p.para(4, quote(cutWords(oneLine(s.words), (p.width-8)*2)))
	}
}

// stepReasons writes the reasons of a step that its words do not give.
func stepReasons(s *step) string {
	var list []string
	for _, r := range s.reasons {
		if r != "no-reason-given" || s.held == heldRefused {
			list = append(list, r)
		}
	}
	if strings.HasSuffix(s.to, ")") && s.words == "" {
		return ""
	}
	return reasonList(list)
}

// folded counts steps by what became of the rows, with a few of each.
func (p *page) folded(list []step) {
	by, names, order := map[string]int{}, map[string][]string{}, []string{}
	for _, s := range list {
		k := fromTo(s.from, s.to)
		if by[k] == 0 {
			order = append(order, k)
		}
		by[k] += len(s.releases)
		if name := s.id + " " + s.source; !slices.Contains(names[k], name) && len(names[k]) < 3 {
			names[k] = append(names[k], name)
		}
	}
	const most = 4
	for i, k := range order {
		if i == most && len(order) > most+1 {
			p.para(2, dim(fmt.Sprintf("and %s of other kinds: -f csv lists all", count(len(order)-i, "change"))))
			return
		}
		p.flow(2, 4, []span{strong(many(by[k], "row")), text(" "), text(k + ": "), dim("such as " + strings.Join(names[k], ", "))})
	}
	p.para(2, dim("-f csv lists each row"))
}

// historySteps are the events of the rows of a history.
func historySteps(rows []wontfix.RowHistory) (list []step) {
	for i := range rows {
		r := &rows[i]
		for j := range r.Timeline.Events {
			if e := &r.Timeline.Events[j]; e.Row == "" && e.Class != wontfix.ClassNote {
				list = append(list, rowStep(r.ID, r.Source, r.Release, e))
			}
		}
	}
	return list
}

// changeSteps are the rows of changes, each as the last of its events left it.
func changeSteps(rows []wontfix.RowChange) (list []step) {
	for i := range rows {
		r := &rows[i]
		var s step
		if n := len(r.Events); n > 0 {
			s = rowStep(r.ID, r.Source, r.Release, &r.Events[n-1])
		} else if o := r.Origin; o != nil && o.Decided != nil {
			s = step{Revision: *o.Decided, class: o.Class, reasons: o.Reasons}
		}
		s.id, s.source, s.releases, s.priority, s.installed = r.ID, r.Source, []string{r.Release}, r.Priority, r.Installed
		s.from, s.to, s.held = stated(r.From, r.FromText), stated(r.To, r.ToText), heldBy(r.To)
		if len(s.reasons) == 0 && r.Origin != nil {
			s.reasons = r.Origin.Reasons
		}
		list = append(list, s)
	}
	return list
}

// revisionText names a commit of a tracker with its day.
func revisionText(r *wontfix.Revision) string {
	s := day(r.Time)
	if r.Commit != "" {
		s += ", " + shortRevision(r.Commit)
	}
	return s
}
