package match

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"wontfix"
)

// A Filter chooses findings. An empty list lets everything through.
type Filter struct {
	Statuses   []wontfix.Status
	Outlooks   []wontfix.Outlook
	Reasons    wontfix.Reasons // any of them
	Priorities []string
	Packages   []string // source or binary packages
	// FixedElsewhere lets through only what another publisher has fixed.
	FixedElsewhere bool
	// Exploited lets through only what a catalogue lists as exploited.
	Exploited bool
}

// Apply returns the findings that pass, and how many did not for which cause. If
// all pass it is the same list.
func (f Filter) Apply(findings []wontfix.Finding) ([]wontfix.Finding, []wontfix.Hidden) {
	kept, hidden := findings, []wontfix.Hidden{}
	for n := range findings {
		because := f.rejects(&findings[n])
		if because == "" {
			if len(hidden) > 0 {
				kept = append(kept, findings[n])
			}
			continue
		}
		if len(hidden) == 0 { // what is kept is another list from here on
			kept = append([]wontfix.Finding{}, findings[:n]...)
		}
		i := slices.IndexFunc(hidden, func(h wontfix.Hidden) bool { return h.Because == because })
		if i < 0 {
			hidden = append(hidden, wontfix.Hidden{Because: because})
			i = len(hidden) - 1
		}
		hidden[i].Count++
	}
	return kept, hidden
}

func (f Filter) rejects(x *wontfix.Finding) string {
	switch {
	case len(f.Outlooks) > 0 && !slices.Contains(f.Outlooks, x.Outlook):
		return "--outlook leaves them out"
	case len(f.Statuses) > 0 && !slices.Contains(f.Statuses, x.Status):
		return "--status leaves them out"
	case f.Reasons != 0 && !slices.ContainsFunc(f.Reasons.Words(), func(w string) bool { return slices.Contains(x.Reasons, w) }):
		return "--reason leaves them out"
	case len(f.Priorities) > 0 && !slices.Contains(f.Priorities, x.Priority):
		return "--priority leaves them out"
	case len(f.Packages) > 0 && !slices.Contains(f.Packages, x.Source) && !slices.ContainsFunc(x.Binaries, func(b string) bool { return slices.Contains(f.Packages, b) }):
		return "--package leaves them out"
	case f.FixedElsewhere && len(x.FixedElsewhere) == 0:
		return "--others fixed leaves them out"
	case f.Exploited && !listed(x):
		return "--exploited leaves them out"
	}
	return ""
}

// listed reports whether a catalogue lists a finding's vulnerability as
// exploited.
func listed(x *wontfix.Finding) bool {
	return x.Exploitation != nil && len(x.Exploitation.Listed) > 0
}

// A Gate is a condition under which a scan counts as failed.
type Gate struct {
	name string
	trip func(f *wontfix.Finding, now time.Time) bool
}

// String returns the condition as it was given.
func (g Gate) String() string { return g.name }

// FixedElsewhere is the gate for what another publisher fixed. It needs
// findings that say so.
const FixedElsewhere = "fixed-elsewhere"

// Exploited is the gate for what is known to be exploited. It needs findings
// that say so, and so does "epss>=".
const Exploited = "exploited"

// maxDays is a hundred years: a limit that keeps dates within bounds.
const maxDays = 36525

// ParseGate reads a condition: an outlook, a priority (it trips for that one
// and every more urgent one), "undocumented" (a decision with no documented
// reason), "fixed-elsewhere" (another publisher fixed it), "exploited" (a
// catalogue lists it as exploited), "epss>=0.1" (its EPSS score is at least
// that), or "undecided-older-than=90d" (not judged, and published longer ago
// than that).
// Conditions with a + between them must all be met by one finding.
func ParseGate(s string) (Gate, error) {
	if first, rest, ok := strings.Cut(s, "+"); ok {
		a, err := ParseGate(first)
		if err != nil {
			return Gate{}, err
		}
		b, err := ParseGate(rest)
		if err != nil {
			return Gate{}, err
		}
		return Gate{s, func(f *wontfix.Finding, now time.Time) bool { return a.trip(f, now) && b.trip(f, now) }}, nil
	}
	if s == FixedElsewhere {
		return Gate{s, func(f *wontfix.Finding, _ time.Time) bool { return len(f.FixedElsewhere) > 0 }}, nil
	}
	if o, err := wontfix.ParseOutlook(s); err == nil {
		return Gate{s, func(f *wontfix.Finding, _ time.Time) bool { return f.Outlook == o }}, nil
	}
	if rank := PriorityRank(s); rank < len(priorities) {
		return Gate{s, func(f *wontfix.Finding, _ time.Time) bool { return PriorityRank(f.Priority) <= rank }}, nil
	}
	if s == "undocumented" {
		return Gate{s, func(f *wontfix.Finding, _ time.Time) bool {
			return slices.Contains(f.Reasons, wontfix.NoReason.String()) &&
				(f.Decision == wontfix.DecisionWontFix || f.Decision == wontfix.DecisionDeferred || f.Decision == wontfix.DecisionEndOfLife)
		}}, nil
	}
	if s == Exploited {
		return Gate{s, func(f *wontfix.Finding, _ time.Time) bool { return listed(f) }}, nil
	}
	if score, ok := strings.CutPrefix(s, "epss>="); ok {
		least, err := strconv.ParseFloat(score, 64)
		if err != nil || !(least >= 0 && least <= 1) {
			return Gate{}, fmt.Errorf("gate %q: want a probability from 0 to 1, such as epss>=0.1", s)
		}
		return Gate{s, func(f *wontfix.Finding, _ time.Time) bool {
			return f.Exploitation != nil && f.Exploitation.EPSS != nil && f.Exploitation.EPSS.Probability >= least
		}}, nil
	}
	if age, ok := strings.CutPrefix(s, "undecided-older-than="); ok {
		days, err := strconv.Atoi(strings.TrimSuffix(age, "d"))
		if err != nil || days < 0 || days > maxDays || !strings.HasSuffix(age, "d") {
			return Gate{}, fmt.Errorf("gate %q: want a number of days up to %d, such as undecided-older-than=90d", s, maxDays)
		}
		return Gate{s, func(f *wontfix.Finding, now time.Time) bool {
			published := wontfix.NewDate(f.Published)
			return f.Decision == wontfix.DecisionUnderInvestigation && !published.IsZero() && now.After(published.AddDate(0, 0, days))
		}}, nil
	}
	return Gate{}, fmt.Errorf("gate %q is not known; it is an outlook (%s), a priority (%s), undocumented, fixed-elsewhere, exploited, epss>=SCORE, undecided-older-than=DAYSd, or several with a + between them",
		s, strings.Join(wontfix.Outlooks(), ", "), strings.Join(priorities, ", "))
}

// Trips returns how many findings the gate finds.
func (g Gate) Trips(findings []wontfix.Finding, now time.Time) int {
	n := 0
	for i := range findings {
		if g.trip(&findings[i], now) {
			n++
		}
	}
	return n
}

// Summarize counts what a scan has found.
func Summarize(findings []wontfix.Finding, dismissed []wontfix.Dismissal, c wontfix.Coverage) wontfix.Summary {
	s := wontfix.Summary{
		Findings: len(findings), ByOutlook: map[wontfix.Outlook]int{}, NeverByReason: map[string]int{}, ByPriority: map[string]int{},
		Dismissed: len(dismissed), DismissedBy: map[string]int{}, Unwatched: len(c.Unwatched), Upgradable: len(c.Upgradable), Hidden: []wontfix.Hidden{},
	}
	ids, sources := map[string]bool{}, map[string]bool{}
	for i := range findings {
		f := &findings[i]
		ids[f.ID], sources[f.Source] = true, true
		s.ByOutlook[f.Outlook]++
		s.ByPriority[f.Priority]++
		if f.Outlook == wontfix.Never {
			for _, r := range f.Reasons {
				s.NeverByReason[r]++
			}
			if len(f.Reasons) == 0 {
				s.NeverByReason["other"]++
			}
		}
	}
	for i := range dismissed {
		s.DismissedBy[dismissed[i].Kind]++
	}
	s.Vulnerabilities, s.Sources = len(ids), len(sources)
	return s
}
