package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/store"
	"wontfix/lifecycle"
	"wontfix/report"
)

// statsCmd is "wontfix stats".
type statsCmd struct {
	outputs
	release string
	asOf    string
}

func newStats(e *env) *cobra.Command {
	c := &statsCmd{}
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Count how a tracker decides: how long it takes, what is refused, and why",
		Long: `Stats counts, for each release, how long it took from the publication of a
vulnerability to its fix or its refusal, how many refusals have no reason
anywhere and how many were taken back; and for each year the reasons of its
refusals. A refusal is a row that says that a vulnerability will not be fixed;
rows that were closed because a release ended are counted by themselves.`,
		Example: `  wontfix stats
  wontfix stats --release trusty -f json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.Run(cmd.Context(), e) },
	}
	fs := cmd.Flags()
	fs.StringVar(&c.release, "release", "", "count the rows of `RELEASE` only: trusty, trusty/esm-infra, ubuntu/14.04")
	asOfFlag(fs, &c.asOf)
	c.outputs.flags(fs, report.StatsFormats())
	complete(cmd, "format", report.StatsFormats())
	return cmd
}

// Run counts and writes the counts.
func (c *statsCmd) Run(ctx context.Context, e *env) error {
	list, err := c.list(report.StatsFormats())
	if err != nil {
		return err
	}
	v, err := e.openView(ctx, c.asOf)
	if err != nil {
		return err
	}
	defer v.Close()
	p, t, err := v.pastOf("")
	if err != nil {
		return err
	}
	stats, err := c.count(ctx, v, p, t)
	if err != nil {
		return err
	}
	stats.Time = p.log.Commit(p.at).Committed
	return c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteStats(w, format, stats, o)
	})
}

// A tally is what is counted of one release.
type tally struct {
	wontfix.ReleaseStats
	fixes, refusals []int // days
}

func (c *statsCmd) count(ctx context.Context, v *view, p *past, t wontfix.Tracker) (*wontfix.Stats, error) {
	wants := func(label string) bool { return label != "upstream" && label != "devel" }
	if c.release != "" {
		var err error
		if wants, err = labelFilter(v, t.Name, c.release); err != nil {
			return nil, err
		}
	}
	all, err := p.ids(ctx)
	if err != nil {
		return nil, err
	}
	origins, err := p.origins(ctx, all, nil)
	if err != nil {
		return nil, err
	}
	releases := make(map[string]*tally)
	years := make(map[int]*wontfix.YearStats)
	var reversed []string
	for s, err := range v.All(ctx, t.Name, store.Filter{}) {
		if err != nil {
			return nil, err
		}
		if !wants(s.Label) || s.Decision == wontfix.DecisionNotInRelease {
			continue
		}
		r := releases[s.Label]
		if r == nil {
			r = &tally{ReleaseStats: wontfix.ReleaseStats{Release: s.Label}}
			releases[s.Label] = r
		}
		o := origins.of(s.ID, s.Line)
		if o == nil {
			o = &wontfix.Origin{}
		}
		r.add(&s, o)
		if o.Reversals > 0 {
			reversed = append(reversed, s.ID)
		}
		if refused(&s, o) && o.Decided != nil {
			addYear(years, o)
		}
	}
	if err := c.countReversals(ctx, p, reversed, wants, years); err != nil {
		return nil, err
	}
	stats := &wontfix.Stats{Schema: wontfix.StatsSchema, Tool: toolName(), Tracker: t, First: p.log.First().UTC(), Releases: []wontfix.ReleaseStats{}, Years: []wontfix.YearStats{}}
	for n := range p.log.Len() {
		if p.log.Reaches(p.at, n) {
			stats.Commits++
		}
	}
	for _, r := range releases {
		r.Fixes, r.Refusals = wait(r.fixes, r.Fixes.Count), wait(r.refusals, r.Refusals.Count)
		stats.Releases = append(stats.Releases, r.ReleaseStats)
	}
	order := releaseOrder(v.Labels(t.Name))
	slices.SortFunc(stats.Releases, func(a, b wontfix.ReleaseStats) int { return order(a.Release, b.Release) })
	for _, y := range slices.Sorted(maps.Keys(years)) {
		stats.Years = append(stats.Years, *years[y])
	}
	return stats, nil
}

// refused reports whether a row says that a vulnerability will not be fixed,
// for another reason than that everything has ended.
func refused(s *wontfix.Statement, o *wontfix.Origin) bool {
	if s.Word != "ignored" || o.Class == wontfix.ClassEOLSweep || o.Class == wontfix.ClassGone {
		return false
	}
	// A refusal in words of today that speak of an end is one all the same.
	reworded := s.Decision == wontfix.DecisionEndOfLife && o.WroteClass == wontfix.ClassReword && o.Class != wontfix.ClassUnknown
	return s.Decision == wontfix.DecisionWontFix || reworded && !slices.Contains(o.Reasons, wontfix.EOLRelease.String())
}

func (r *tally) add(s *wontfix.Statement, o *wontfix.Origin) {
	r.Rows++
	days, dated := waited(s, o)
	switch {
	case refused(s, o):
		r.Refusals.Count++
		if dated {
			r.refusals = append(r.refusals, days)
		}
		if noReason(o) {
			r.NoReason++
		}
	case s.Decision == wontfix.DecisionFixed && s.Word == "released":
		r.Fixes.Count++
		if dated {
			r.fixes = append(r.fixes, days)
		}
	case s.Decision == wontfix.DecisionEndOfLife || s.Word == "ignored" && (o.Class == wontfix.ClassEOLSweep || o.Class == wontfix.ClassGone):
		r.Ended++
	case s.Decision == wontfix.DecisionUnderInvestigation:
		r.Undecided++
	}
	if o.Reversals > 0 {
		r.Reversals++
	}
}

// noReason reports whether a reason stands nowhere.
func noReason(o *wontfix.Origin) bool {
	return len(o.Reasons) == 0 || len(o.Reasons) == 1 && o.Reasons[0] == wontfix.NoReason.String()
}

// waited returns the days from the publication of a vulnerability to the
// decision about a row, false if one of the two is not known. What was decided
// before the publication waited no time.
func waited(s *wontfix.Statement, o *wontfix.Origin) (days int, ok bool) {
	published, err := time.Parse(time.DateOnly, s.Published)
	if err != nil || o.Decided == nil || o.Class == wontfix.ClassUnseen {
		return 0, false
	}
	return max(0, int(o.Decided.Time.Sub(published).Hours()/24)), true
}

// wait sums up how many days something took.
func wait(days []int, count int) wontfix.Wait {
	w := wontfix.Wait{Count: count, Dated: len(days)}
	if len(days) > 0 {
		slices.Sort(days)
		w.Median, w.Ninety = days[(len(days)-1)/2], days[(len(days)*9+9)/10-1]
	}
	return w
}

func yearOf(years map[int]*wontfix.YearStats, year int) *wontfix.YearStats {
	y := years[year]
	if y == nil {
		y = &wontfix.YearStats{Year: year, ByReason: map[string]int{}, ByClass: map[string]int{}}
		years[year] = y
	}
	return y
}

func addYear(years map[int]*wontfix.YearStats, o *wontfix.Origin) {
	y := yearOf(years, o.Decided.Time.Year())
	y.Refusals++
	y.ByClass[o.Class.String()]++
	for _, reason := range o.Reasons {
		y.ByReason[reason]++
	}
	if len(o.Reasons) == 0 {
		y.ByReason[wontfix.NoReason.String()]++
	}
	if noReason(o) {
		y.NoReason++
	}
}

// countReversals counts in which year refusals were taken back.
func (c *statsCmd) countReversals(ctx context.Context, p *past, ids []string, wants func(string) bool, years map[int]*wontfix.YearStats) error {
	slices.Sort(ids)
	var mu sync.Mutex
	return p.files(ctx, slices.Compact(ids), func(f *history.File) error {
		trace := history.NewTrace(p.log, p.spec.Past, f, p.at)
		for _, r := range trace.Rows() {
			if !wants(r.Label) {
				continue
			}
			for _, at := range trace.Reversals(r.Key) {
				mu.Lock()
				yearOf(years, at.Year()).Reversals++
				mu.Unlock()
			}
		}
		return nil
	})
}

// releaseOrder returns what compares labels: by the age of the release, then a
// release before its products.
func releaseOrder(labels map[string]wontfix.Release) func(a, b string) int {
	place := make(map[string]int)
	for _, distribution := range lifecycle.Embedded().Distributions() {
		for i, r := range lifecycle.Embedded().Releases(distribution) {
			place[distribution+"/"+r.Series] = i + 1
		}
	}
	of := func(label string) int {
		r := labels[label]
		if n := place[r.Distribution+"/"+r.Series]; n > 0 {
			return n
		}
		return 1 << 20
	}
	return func(a, b string) int {
		if n := of(a) - of(b); n != 0 {
			return n
		}
		if n := strings.Compare(labels[a].Product, labels[b].Product); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	}
}
