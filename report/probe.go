package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"wontfix"
)

// ProbeFormats returns the formats that [WriteProbe] knows.
func ProbeFormats() []string { return []string{"text", "json", "markdown"} }

// WriteProbe writes a probe in one of [ProbeFormats].
func WriteProbe(w io.Writer, format string, p *wontfix.Probe, o Options) error {
	switch format {
	case "text":
		return textProbe(w, p, o)
	case "json":
		return writeJSON(w, p, "  ")
	case "markdown":
		return markdownProbe(w, p, o)
	}
	return formatError(format, ProbeFormats())
}

// A probeMark says in one column what a client did in a case.
type probeMark rune

// The marks. A case that does not apply has none.
const (
	markNone     probeMark = ' '
	markRight    probeMark = '·'
	markAccepts  probeMark = '✗'
	markLeaks    probeMark = '!'
	markRefuses  probeMark = '○'
	markTakes    probeMark = '+'
	markLeaves   probeMark = '-'
	markUnsaid   probeMark = '?'
	markTimeout  probeMark = 'T'
	markError    probeMark = 'E'
	markSilently probeMark = '='
)

// marks has the meaning and the colour of each, in the order of the legend.
var marks = []struct {
	mark  probeMark
	means string
	style style
}{
	{markAccepts, "accepts what is bad", styleNever},
	{markLeaks, "sends its request, refuses afterwards", styleNever},
	{markRight, "right", styleDim},
	{markRefuses, "refuses what is good", styleWait},
	{markTakes, "accepts, either is right", styleDim},
	{markLeaves, "refuses, either is right", styleDim},
	{markSilently, "does nothing that shows it", styleDim},
	{markUnsaid, "no verdict: its control failed", styleWait},
	{markTimeout, "came to no end, twice", styleWait},
	{markError, "never connected", styleWait},
}

func markStyle(m probeMark) style {
	for _, k := range marks {
		if k.mark == m {
			return k.style
		}
	}
	return plain
}

// markFor returns the mark of an outcome.
func markFor(k wontfix.Case, o wontfix.Outcome) probeMark {
	switch {
	case o.Verdict == wontfix.VerdictTimeout:
		return markTimeout
	case o.Verdict == wontfix.VerdictError:
		return markError
	case o.Verdict == wontfix.VerdictNone && o.Seen.Note != "":
		return markSilently
	case o.Verdict == wontfix.VerdictNone:
		return markUnsaid
	}
	accepted := o.Verdict != wontfix.VerdictReject
	switch k.Expect {
	case wontfix.ExpectEither:
		if accepted {
			return markTakes
		}
		return markLeaves
	case wontfix.ExpectAccept:
		if !accepted {
			return markRefuses
		}
		return markRight
	}
	switch {
	case o.Verdict == wontfix.VerdictLeak:
		return markLeaks
	case accepted:
		return markAccepts
	}
	return markRight
}

// A probeRow is a line of the table: clients of one program that did the same
// in each case.
type probeRow struct {
	clients []wontfix.Client
	marks   []probeMark // by case
	rank    int         // of the worst: an index of probeRanks
}

// probeRanks are the states of clients, worst first.
var probeRanks = []string{string(wontfix.SeverityCritical), string(wontfix.SeverityHigh), string(wontfix.SeverityMedium), string(wontfix.SeverityLow), "undecided", "safe"}

// rankStyle is the colour of a state.
func rankStyle(rank int) style {
	switch probeRanks[rank] {
	case "safe":
		return styleAvailable
	case "undecided":
		return styleWait
	}
	return styleNever
}

// probeRows folds the clients of a probe into rows, in the order that they
// have.
func probeRows(p *wontfix.Probe) []probeRow {
	column := map[string]int{}
	for i, k := range p.Cases {
		column[k.ID] = i
	}
	byClient := map[string][]probeMark{}
	rank := map[string]int{}
	for _, c := range p.Clients {
		byClient[c.ID] = slices.Repeat([]probeMark{markNone}, len(p.Cases))
		rank[c.ID] = len(probeRanks) - 1
	}
	for _, o := range p.Outcomes {
		i, ok := column[o.Case]
		list := byClient[o.Client]
		if !ok || list == nil {
			continue
		}
		m := markFor(p.Cases[i], o)
		list[i] = m
		worst := len(probeRanks) - 1
		switch {
		case m == markAccepts, m == markLeaks:
			worst = max(0, slices.Index(probeRanks, string(p.Cases[i].Severity)))
		case m == markUnsaid, m == markTimeout, m == markError, m == markRefuses && o.Case == "T01":
			worst = len(probeRanks) - 2
		}
		rank[o.Client] = min(rank[o.Client], worst)
	}
	var rows []probeRow
	for _, c := range p.Clients {
		i := slices.IndexFunc(rows, func(r probeRow) bool {
			first := r.clients[0]
			return program(first) == program(c) && first.Path == c.Path && slices.Equal(r.marks, byClient[c.ID])
		})
		if i < 0 {
			rows = append(rows, probeRow{[]wontfix.Client{c}, byClient[c.ID], rank[c.ID]})
			continue
		}
		rows[i].clients = append(rows[i].clients, c)
	}
	slices.SortStableFunc(rows, func(a, b probeRow) int { return cmp.Compare(a.rank, b.rank) })
	return rows
}

// program returns the ID of a client without its library: "python3.11".
func program(c wontfix.Client) string {
	name, _, _ := strings.Cut(c.ID, "/")
	name, _, _ = strings.Cut(name, " (")
	return name
}

// names writes the clients of a row: "python3.11/http.client, urllib".
func (r probeRow) names() string {
	var ids []string
	for _, c := range r.clients {
		ids = append(ids, c.ID)
	}
	return foldIDs(ids)
}

// foldIDs writes IDs, the program of its libraries once, "perl/LWP, Mojo", and
// programs with the same libraries together: "python3.8, python3.9: ssl, pip".
func foldIDs(ids []string) string {
	type entry struct{ programs, libs []string }
	var list []entry
	at := map[string]int{}
	for _, id := range ids {
		name, where, _ := strings.Cut(id, " (")
		prog, lib, _ := strings.Cut(name, "/")
		if where != "" {
			prog += " (" + where
		}
		i, ok := at[prog]
		if !ok || lib == "" || list[i].libs[0] == "" {
			i = len(list)
			at[prog] = i
			list = append(list, entry{programs: []string{prog}})
		}
		list[i].libs = append(list[i].libs, lib)
	}
	var parts []entry
	for _, e := range list {
		i := slices.IndexFunc(parts, func(p entry) bool { return e.libs[0] != "" && slices.Equal(p.libs, e.libs) })
		if i < 0 {
			parts = append(parts, e)
			continue
		}
		parts[i].programs = append(parts[i].programs, e.programs...)
	}
	var out []string
	for _, e := range parts {
		prog, where, _ := strings.Cut(e.programs[0], " (")
		switch {
		case e.libs[0] == "":
			out = append(out, e.programs[0])
		case len(e.programs) > 1:
			out = append(out, strings.Join(e.programs, ", ")+": "+strings.Join(e.libs, ", "))
		case where != "":
			out = append(out, prog+"/"+strings.Join(e.libs, ", ")+" ("+where)
		default:
			out = append(out, prog+"/"+strings.Join(e.libs, ", "))
		}
	}
	return strings.Join(out, "; ")
}

// probeSummary says in a sentence what was found.
func probeSummary(p *wontfix.Probe) (head, rest string) {
	s := p.Summary
	switch {
	case s.Clients == 0:
		return "No client was found", "."
	case s.Unsafe == 0 && s.Undecided == 0:
		return "No client is unsafe", fmt.Sprintf(": %s refused every bad certificate of %s.", plainCount(s.Clients, "client"), count(s.Cases, "case"))
	case s.Unsafe == 0:
		head = "No client was seen to be unsafe"
	case s.Unsafe == 1:
		head = fmt.Sprintf("1 of %s is unsafe", count(s.Clients, "client"))
	default:
		head = fmt.Sprintf("%d of %s are unsafe", s.Unsafe, count(s.Clients, "client"))
	}
	by := map[string]int{}
	for _, f := range p.Failures {
		by[Clean(string(f.Severity))] += len(f.Clients)
	}
	var wrong []string
	for _, name := range wontfix.Severities() {
		if n := by[name]; n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d %s", n, name))
		}
	}
	if s.Leaking > 0 {
		wrong = append(wrong, fmt.Sprintf("%d %s", s.Leaking, singular(s.Leaking, "leak")))
	}
	rest = fmt.Sprintf("%d safe", s.Safe)
	if s.Undecided > 0 {
		rest += fmt.Sprintf(", %d undecided", s.Undecided)
	}
	if len(wrong) > 0 {
		rest = strings.Join(wrong, ", ") + "; " + rest
	}
	return head, fmt.Sprintf(": %s. %s played.", rest, count(s.Cases, "case"))
}

// plainCount is count, with "the" for one.
func plainCount(n int, noun string) string {
	if n == 1 {
		return "the only " + noun
	}
	return "all " + count(n, noun)
}

// roomText says where clients ran.
func roomText(r wontfix.Room) string {
	if !r.Isolated {
		s := "no namespaces of its own"
		if r.Why != "" {
			s += " (" + strings.TrimPrefix(r.Why, "no room of its own: ") + ")"
		}
		return s + ": clients were told by their environment whom to trust; cases that need names of their own were left out, and who cannot be told has no verdict"
	}
	s := "namespaces of its own, no network but the loopback address, nothing can be written"
	if r.Nobody {
		s += ", clients ran as nobody"
	}
	return s
}

// reasonOf returns why a client is undecided: what the first of its outcomes
// without a verdict says.
func reasonOf(p *wontfix.Probe, id string) (string, wontfix.Outcome) {
	for _, o := range p.Outcomes {
		if o.Client != id {
			continue
		}
		control := o.Case == "T01" && o.Verdict != wontfix.VerdictAccept
		if control || o.Verdict == wontfix.VerdictTimeout || o.Verdict == wontfix.VerdictError || o.Verdict == wontfix.VerdictNone && o.Seen.Note == "" {
			return verdictText[o.Verdict], o
		}
	}
	return "", wontfix.Outcome{}
}

// verdictText has the verdicts in everyday words.
var verdictText = map[wontfix.Verdict]string{
	wontfix.VerdictAccept:  "accepted",
	wontfix.VerdictLeak:    "leaked",
	wontfix.VerdictReject:  "refused",
	wontfix.VerdictTimeout: "came to no end",
	wontfix.VerdictError:   "never connected",
	wontfix.VerdictNone:    "no verdict",
}

// overrideText has what overrides do, by class.
var overrideText = map[wontfix.OverrideClass]string{
	wontfix.OverrideOff:      "switch verification off",
	wontfix.OverrideKeyLeak:  "write the keys of connections to a file",
	wontfix.OverrideHook:     "run code in clients",
	wontfix.OverrideWeaker:   "allow what is weak",
	wontfix.OverrideRedirect: "change whom clients trust, or the way",
}

// overridesBy returns the overrides of each class that there are, worst first.
func overridesBy(list []wontfix.Override) (classes []wontfix.OverrideClass, by map[wontfix.OverrideClass][]wontfix.Override) {
	by = map[wontfix.OverrideClass][]wontfix.Override{}
	for _, o := range list {
		by[o.Class] = append(by[o.Class], o)
	}
	for _, word := range wontfix.OverrideClasses() {
		if c := wontfix.OverrideClass(word); by[c] != nil {
			classes = append(classes, c)
		}
	}
	return classes, by
}

// place writes where an override stands.
func overridePlace(o wontfix.Override) string {
	switch {
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Source, o.Line)
	case o.Kind == "env":
		return "environment"
	}
	return o.Source
}

// manyClients is how many clients an override that does nothing names at most.
const manyClients = 3

// effectText writes the effect of an override: "verification off (a, b); no
// effect (c)", many clients in fewer words.
func effectText(o wontfix.Override) string {
	var parts []string
	for part := range strings.SplitSeq(strings.TrimSuffix(o.Summary, ")"), "); ") {
		said, who, ok := strings.Cut(part, " (")
		if !ok || len(o.Effect) == 0 {
			return o.Summary
		}
		ids := strings.Split(who, ", ")
		switch {
		case len(ids) > manyClients && strings.HasPrefix(said, "no effect"):
			parts = append(parts, fmt.Sprintf("%s (%s)", said, count(len(ids), "client")))
		default:
			parts = append(parts, fmt.Sprintf("%s (%s)", said, foldIDs(ids)))
		}
	}
	return strings.Join(parts, "; ")
}

// A shellDifference is what a client does otherwise in the user's shell.
type shellDifference struct {
	clients       []string
	cases         []string
	before, after probeMark
}

// shellDifferences compares the second pass of a probe with the first.
func shellDifferences(p *wontfix.Probe) []shellDifference {
	if p.Shell == nil {
		return nil
	}
	cases := map[string]wontfix.Case{}
	for _, k := range p.Cases {
		cases[k.ID] = k
	}
	type key struct{ client, id string }
	first := map[key]probeMark{}
	for _, o := range p.Outcomes {
		first[key{o.Client, o.Case}] = markFor(cases[o.Case], o)
	}
	var list []shellDifference
	for _, o := range p.Shell.Outcomes {
		before, ok := first[key{o.Client, o.Case}]
		after := markFor(cases[o.Case], o)
		if !ok || before == after {
			continue
		}
		i := slices.IndexFunc(list, func(d shellDifference) bool {
			return d.clients[0] == o.Client && d.before == before && d.after == after
		})
		if i < 0 {
			list = append(list, shellDifference{clients: []string{o.Client}, before: before, after: after})
			i = len(list) - 1
		}
		list[i].cases = append(list[i].cases, o.Case)
	}
	var folded []shellDifference
	for _, d := range list {
		i := slices.IndexFunc(folded, func(f shellDifference) bool {
			return f.before == d.before && f.after == d.after && slices.Equal(f.cases, d.cases)
		})
		if i < 0 {
			folded = append(folded, d)
			continue
		}
		folded[i].clients = append(folded[i].clients, d.clients...)
	}
	return folded
}

// says puts a difference into words: what the mark means in the shell, and what
// it means without.
func (d shellDifference) says() (now, before string) {
	for _, m := range marks {
		if m.mark == d.after {
			now = m.means
		}
		if m.mark == d.before {
			before = m.means
		}
	}
	return now, before
}

// decidedText says in one line what a tracker says of a vulnerability.
func decidedText(d wontfix.Decided) string {
	s := fmt.Sprintf("%s in %s (%s): %s", d.ID, d.Source, d.Release, DecisionPhrase(d.Decision))
	if d.Fixed != "" {
		s += " in " + d.Fixed
	}
	if len(d.Reasons) > 0 {
		s += ", " + reasonList(d.Reasons)
	}
	if who := originText(d.Origin, 0); who != "" {
		s += "; " + who
	}
	return s
}
