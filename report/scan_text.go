package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// labelWidth is the width of the labels at the left of a summary.
const labelWidth = 12

// scanText writes a scan as text.
type scanText struct {
	*page
	s      *wontfix.Scan
	groups []findingGroup // of all findings
	limit  int
}

func textScan(w io.Writer, s *wontfix.Scan, o Options) error {
	t := scanText{newPage(w, o), s, group(s.Findings), o.Limit}
	t.machine()
	t.trackers()
	t.blank()
	if len(s.Trackers) == 0 {
		t.coverage()
	} else {
		t.outlooks()
		t.beside()
		t.list()
	}
	t.behaviour()
	t.unsaid()
	t.problems()
	t.foot(cmp.Or(s.Tool, o.Version))
	return t.end()
}

// label writes a line of a summary: a label and what belongs to it.
func (p *page) label(name string, spans ...span) {
	p.row(2, []field{{dim(name), labelWidth}}, spans...)
}

// machine writes what was looked at and who supports it.
func (t *scanText) machine() {
	m := t.s.Machine
	if m == nil {
		t.para(0, strong("No machine"))
		return
	}
	spans := []span{strong(cmp.Or(m.Name, m.Place, "This machine")), text(" · " + systemName(m))}
	if m.Base != m.Release && m.Base.Series != "" {
		spans = append(spans, text(", built on "+m.Base.String()))
	}
	if m.Architecture != "" {
		spans = append(spans, text(" · "+m.Architecture))
	}
	t.para(0, spans...)
	t.blank()
	t.label("Support", supportSpans(m, timeOf(t.s))...)
	switch {
	case len(m.Products) > 0:
		t.label("Products", text(strings.Join(m.Products, ", ")+from(m.ProductsFrom)))
	case m.Base.Distribution == "ubuntu":
		t.label("Products", text("none is on: no ESM, no FIPS"))
	}
	packages := count(m.Counts.Binary, "package") + " from " + count(m.Counts.Source, "source package")
	if n := m.Counts.Removed; n > 0 {
		packages += fmt.Sprintf("; %d more removed, not purged", n)
	}
	t.label("Installed", text(packages))
	if k := kernelText(m.Kernel); k != "" {
		t.label("Kernel", text(k))
	}
}

func from(file string) string {
	if file == "" {
		return ""
	}
	return " (" + file + ")"
}

func (t *scanText) trackers() {
	for _, tr := range t.s.Trackers {
		t.label("Tracker", trackerSpans(tr, timeOf(t.s))...)
	}
	if !t.s.AsOf.IsZero() {
		t.label("As of", strong(day(t.s.AsOf.UTC())), text(": what the tracker said then of the packages of today"))
	}
}

// outlooks writes how many findings there are of each kind, worst first.
func (t *scanText) outlooks() {
	sum := t.s.Summary
	never := sum.ByOutlook[wontfix.Never]
	switch {
	case sum.Findings == 0:
		t.para(0, strong("No open vulnerability is known"), text(" in the packages that the tracker follows."))
	case never == 0:
		t.para(0, strong(count(sum.Findings, "finding")), text(findingsOf(sum)+"; none of them is refused for good."))
	default:
		t.para(0, strong(fmt.Sprintf("%d of %s", never, count(sum.Findings, "finding"))), text(" will "), in(styleNever, "never"), text(" be fixed here"), text(findingsOf(sum)+"."))
	}
	if sum.Findings == 0 {
		return
	}
	digits := max(4, len(strconv.Itoa(sum.Findings)))
	for _, o := range slices.Sorted(maps.Keys(sum.ByOutlook)) {
		n := sum.ByOutlook[o]
		if n == 0 {
			continue
		}
		t.row(2, []field{{in(outlookText[o].style, o.String()), labelWidth}, {strong(fmt.Sprintf("%*d", digits, n)), digits + 2}}, text(outlookText[o].means))
		if o == wontfix.Never && len(sum.NeverByReason) > 0 {
			t.para(labelWidth+digits+4, dim("why: "), text(counts(sum.NeverByReason, nil, ReasonPhrase)))
		}
	}
	if len(sum.ByPriority) > 0 {
		t.label("priority", text(counts(sum.ByPriority, priorities, plainWord)))
	}
	if ids := exploitedIDs(t.s.Findings); len(ids) > 0 {
		t.label("exploited", in(styleNever, count(len(ids), "vulnerability")), text(" known to be exploited: "+some(ids, t.width)))
	}
}

func findingsOf(sum wontfix.Summary) string {
	return fmt.Sprintf(" (%s, %s)", count(sum.Vulnerabilities, "vulnerability"), count(sum.Sources, "source"))
}

// beside writes what stands beside the findings: packages that can be upgraded
// or that nobody watches, and what is not shown.
func (t *scanText) beside() {
	c, sum := t.s.Coverage, t.s.Summary
	t.blank()
	if n := max(sum.Upgradable, len(c.Upgradable)); n > 0 {
		spans := []span{text(count(n, "package") + " can be upgraded")}
		if k := securityUpgrades(c.Upgradable); k > 0 {
			spans = append(spans, text(", "), strong(strconv.Itoa(k)+" from a security pocket"))
		}
		t.label("Upgradable", spans...)
	}
	if n := max(sum.Unwatched, len(c.Unwatched)); n > 0 {
		t.label("Unwatched", text(count(n, "package")+unwatchedKinds(c.Unwatched)))
	}
	for _, n := range noticeCounts(c.Notices) {
		t.label("Notices", text(n))
	}
	for _, h := range sum.Hidden {
		t.label("Hidden", text(count(h.Count, "finding")+": "+h.Because))
	}
	if n := max(sum.Dismissed, len(t.s.Dismissed)); n > 0 {
		t.label("Dismissed", text(count(n, "open row")+" of the tracker: "+counts(sum.DismissedBy, nil, plainWord)))
	}
}

// list writes the findings, worst outlook first, by source package.
func (t *scanText) list() {
	shown, rest, left := []findingGroup{}, map[string]int{}, t.limit
	ids, urgency := 13, 0 // columns
	for _, g := range t.groups {
		if n := len(g.findings); t.limit > 0 && n > left {
			rest[g.outlook.String()] += n - left
			g.findings = g.findings[:left]
		}
		left -= len(g.findings)
		if len(g.findings) == 0 {
			continue
		}
		shown = append(shown, g)
		for _, f := range g.findings {
			ids = max(ids, min(columns(Clean(f.ID)), 20))
			urgency = max(urgency, min(columns(Clean(f.Priority)), 10))
		}
	}
	who := ""
	for i, g := range shown {
		if i == 0 || g.outlook != shown[i-1].outlook {
			t.blank()
			t.rule(in(outlookText[g.outlook].style, g.outlook.String()), dim(" · "+outlookText[g.outlook].means))
		}
		t.source(g)
		last := ""
		for _, f := range g.findings {
			who = t.finding(f, ids+1, urgency+1, last, who)
			last = f.ReasonText
		}
	}
	if len(rest) > 0 {
		n := 0
		for _, k := range rest {
			n += k
		}
		t.blank()
		t.para(0, strong(count(n, "more finding")+" not shown"), text(" ("+counts(rest, wontfix.Outlooks(), plainWord)+"): --limit 0 lists all, -f json holds all."))
	}
}

// source writes the heading of a source package's findings.
func (t *scanText) source(g findingGroup) {
	f := g.findings[0]
	spans := []span{strong(f.Source), text(" " + f.SourceVersion)}
	if f.Installed != "" {
		spans = append(spans, text(" (installed as "+f.Installed+")"))
	}
	if f.Held {
		spans = append(spans, text(" · on hold"))
	}
	if f.Kernel == "not-running" {
		spans = append(spans, text(" · kernel installed, not running"))
	} else if f.Kernel == "running" {
		spans = append(spans, text(" · the running kernel"))
	}
	if len(f.Binaries) > 1 || len(f.Binaries) == 1 && f.Binaries[0] != f.Source {
		used := 3 // for " · "
		for _, s := range spans {
			used += columns(Clean(s.text))
		}
		spans = append(spans, dim(" · "+some(f.Binaries, max(t.width-used, t.width/2))))
	}
	t.flow(0, 4, spans)
}

// quoteLines is how many lines of a tracker's words a finding shows.
const quoteLines = 3

// finding writes one finding: what the tracker says, why, and where. Words that
// are the same as those of the finding above are not repeated, and neither is
// who decided, which it returns.
func (t *scanText) finding(f *wontfix.Finding, ids, urgency int, above, whoAbove string) (who string) {
	fields := []field{{text(f.ID), ids}, {dim(cmp.Or(f.Priority, "-")), urgency}, {dim(cmp.Or(year(f.Published), "-")), 5}}
	spans := statementSpans(f.Tracker, t.release())
	if f.Tracker.Status == "" {
		spans = []span{text(f.Because)}
	}
	if f.Evidence != wontfix.EvidenceBracket && f.Evidence != wontfix.EvidenceWord && len(f.Reasons) > 0 {
		spans = append(spans, text(": "+reasonList(f.Reasons)))
	}
	spans = append(spans, fixSpans(f)...)
	used := 2 + ids + urgency + 5
	for _, s := range spans {
		used += columns(Clean(s.text))
	}
	below := []span{}
	switch f.ReasonText {
	case "", f.Tracker.Detail:
	case above:
		below = append(below, dim("in the same words as above"))
	default:
		below = append(below, quote(cutWords(oneLine(f.ReasonText), (t.width-ids-4)*quoteLines-8)))
	}
	where := place(f.Tracker)
	for _, s := range []string{f.Tracker.URL, where, shortPlace(f)} {
		if s != "" && used+2+columns(Clean(s)) <= t.width {
			spans = append(spans, gap, dim(s))
			used += 2 + columns(Clean(s))
			where = ""
			break
		}
	}
	if where != "" {
		below = append(below, gap, dim(where))
	}
	who = findingOrigin(f, t.width-ids-2)
	if who != "" && who == whoAbove {
		if s := asAbove(f); len(below) == 0 && used+2+len(s) <= t.width {
			spans = append(spans, gap, dim(s))
		} else {
			below = append(below, gap, dim(s))
		}
	}
	t.row(2, fields, spans...)
	if len(below) > 0 {
		t.para(ids+2, below...)
	}
	if who != "" && who != whoAbove {
		t.flow(ids+2, ids+4, []span{dim(who)})
	}
	if f.Exploitation != nil && len(f.Exploitation.Listed) > 0 {
		t.flow(ids+2, ids+4, exploitedSpans(f.Exploitation)[0])
	}
	for _, s := range behaviourText(f.Behaviour) {
		t.flow(ids+2, ids+4, []span{in(showsStyle(f.Behaviour[0].Shows), s)})
	}
	return who
}

// shortPlace writes where a row stands with an ellipsis for the name of the
// file, if that is the vulnerability's: "retired/…:45".
func shortPlace(f *wontfix.Finding) string {
	if folder, ok := strings.CutSuffix(f.Tracker.File, "/"+f.ID); ok && f.Tracker.Line > 0 {
		return folder + "/…:" + strconv.Itoa(f.Tracker.Line)
	}
	return ""
}

// release is the tracker's likely spelling of the machine's release.
func (t *scanText) release() string {
	if t.s.Machine == nil {
		return ""
	}
	return t.s.Machine.Base.Series
}

// fixSpans says which version has a fix and how to come by it.
func fixSpans(f *wontfix.Finding) (spans []span) {
	if f.FixedVersion != "" && f.FixedVersion != f.Tracker.Status && !strings.Contains(f.Tracker.Detail, f.FixedVersion) {
		spans = append(spans, text(", fixed in "), strong(f.FixedVersion))
	}
	if f.Product != "" {
		spans = append(spans, text(", in "), in(stylePaid, f.Product))
	}
	if f.Offer != nil {
		spans = append(spans, text(", "+f.Offer.Version+" is in "+archiveName(f.Offer.Archive)))
	}
	if f.Successor != "" {
		spans = append(spans, text(", carried on by "+f.Successor))
	}
	return spans
}

func (t *scanText) unsaid() {
	if len(t.s.Unsaid) == 0 {
		return
	}
	t.blank()
	t.rule(strong("What this scan could not say"))
	for _, u := range t.s.Unsaid {
		t.flow(2, 4, []span{text(u.What), text(": "), text(u.Why)})
		if u.Command != "" {
			t.flow(4, 6, []span{dim("$ "), strong(u.Command)})
		}
	}
}

// maxProblems is how many problems text shows of each scan.
const maxProblems = 5

func (t *scanText) problems() {
	t.blankIf(len(t.s.Problems) > 0)
	t.page.problems(t.s.Problems)
}

func (p *page) blankIf(is bool) {
	if is {
		p.blank()
	}
}

func (p *page) problems(list []wontfix.Problem) {
	if len(list) == 0 {
		return
	}
	p.rule(strong(count(len(list), "problem")), dim(" · what could not be read"))
	for i, pr := range list {
		if i == maxProblems && len(list) > maxProblems+1 {
			p.para(2, text(fmt.Sprintf("and %d more: -f json has them", len(list)-i)))
			break
		}
		p.flow(2, 4, []span{text(pr.Error())})
	}
}

func (t *scanText) foot(tool string) {
	if len(t.s.Trackers) == 0 || len(t.s.Findings) == 0 {
		return
	}
	t.blank()
	by := map[string]int{}
	for o, n := range t.s.Summary.ByOutlook {
		by[o.String()] = n
	}
	t.para(0, strong(counts(by, wontfix.Outlooks(), plainWord)))
	spans := []span{text("wontfix why " + t.groups[0].findings[0].ID), dim(" tells what was decided, and why.")}
	if tool != "" {
		spans = append(spans, dim(" "+tool))
	}
	t.para(0, spans...)
}
