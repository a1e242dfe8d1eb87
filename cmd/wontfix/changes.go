package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/history"
	"wontfix/match"
	"wontfix/report"
	"wontfix/tracker"
)

// changesCmd is "wontfix changes".
type changesCmd struct {
	target
	outputs
	since, until string
	packages     []string
	all          bool
}

func newChanges(e *env) *cobra.Command {
	c := &changesCmd{}
	cmd := &cobra.Command{
		Use:   "changes --since DATE|COMMIT",
		Short: "Show which decisions have changed, and touch this machine",
		Long: `Changes shows the rows that say something else than at an earlier date or commit,
who changed them and why: of the packages of a machine, or with --release of all
packages of a release. With neither, it is about this machine if its
distribution has a tracker.`,
		Example: `  wontfix changes --since 2026-11-01
  wontfix changes --since 2018-04-01 --until 2018-05-01 --release trusty --package python2.7`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.Run(cmd.Context(), e) },
	}
	fs := cmd.Flags()
	c.target.flags(fs)
	fs.StringVar(&c.release, "release", "", "show the rows of `RELEASE`: trusty, trusty/esm-infra, ubuntu/14.04")
	fs.StringVar(&c.since, "since", "", "compare with the tracker as it was at `DATE`, such as 2026-11-01, or at a commit")
	fs.StringVar(&c.until, "until", "", "compare the tracker as it was at `DATE`, or at a commit (default as it is)")
	fs.StringSliceVar(&c.packages, "package", nil, "show only these source `PACKAGES`")
	fs.BoolVar(&c.all, "all", false, "show also other words for the same decision, and packages that a release does not have")
	c.outputs.flags(fs, report.ChangesFormats())
	complete(cmd, "format", report.ChangesFormats())
	complete(cmd, "platform", platforms)
	return cmd
}

// Run writes the changes.
func (c *changesCmd) Run(ctx context.Context, e *env) error {
	list, err := c.list(report.ChangesFormats())
	if err != nil {
		return err
	}
	if c.since == "" {
		return errors.New("changes: since when? Give --since DATE, such as --since 2026-11-01, or a commit")
	}
	v, err := e.openView(ctx, "")
	if err != nil {
		return err
	}
	defer v.Close()
	machine, err := c.machine(ctx, e)
	if err != nil {
		return err
	}
	name := ""
	if machine != nil {
		name = machine.Base.Distribution
	}
	p, t, err := v.pastOf(name)
	if err != nil {
		return err
	}
	if machine != nil {
		if _, known := v.Labels(t.Name)[machine.Base.Series]; !known {
			e.warn("this copy of %s has no row for %s", tracker.Named(t.Title), machine.Base)
		}
	}
	found, err := c.find(ctx, v, p, t, machine)
	if err != nil {
		return err
	}
	return c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteChanges(w, format, found, o)
	})
}

// machine returns the machine that the changes are about, nil if they are about
// a release or everything.
func (c *changesCmd) machine(ctx context.Context, e *env) (*wontfix.Machine, error) {
	if !c.given() && c.release != "" {
		return nil, nil
	}
	m, _, closer, err := c.read(ctx, e)
	if err != nil {
		if c.given() {
			return nil, err
		}
		return nil, nil
	}
	closer.Close()
	if _, err := tracker.ForDistribution(m.Base.Distribution); err != nil && !c.given() {
		return nil, nil
	}
	return m, nil
}

// A rowFilter says which rows are asked for.
type rowFilter struct {
	labels    func(string) bool
	sources   map[string]bool   // nil: all
	installed map[string]string // version by source
}

func (c *changesCmd) filter(v *view, t wontfix.Tracker, m *wontfix.Machine) (f rowFilter, err error) {
	f.labels = func(label string) bool { return label != "upstream" }
	switch {
	case m != nil:
		spec, err := tracker.Find(t.Name)
		if err != nil {
			return f, err
		}
		labels := spec.LabelsFor(v.Labels(t.Name), m.Base)
		f.labels = func(label string) bool { return label != "devel" && slices.Contains(labels, label) }
		f.sources, f.installed = map[string]bool{}, map[string]string{}
		for _, s := range match.Sources(m) {
			f.sources[s] = true
		}
		for _, p := range m.Packages {
			f.installed[p.Source] = p.SourceVersion
		}
	case c.release != "":
		if f.labels, err = labelFilter(v, t.Name, c.release); err != nil {
			return f, err
		}
	}
	if len(c.packages) > 0 {
		f.sources = map[string]bool{}
		for _, s := range c.packages {
			f.sources[s] = true
		}
	}
	return f, nil
}

// find compares the tracker at two times.
func (c *changesCmd) find(ctx context.Context, v *view, p *past, t wontfix.Tracker, m *wontfix.Machine) (*wontfix.Changes, error) {
	since, _, err := p.find(c.since)
	if err != nil {
		return nil, fmt.Errorf("--since %w", err)
	}
	if c.until != "" {
		if p.at, _, err = p.find(c.until); err != nil {
			return nil, fmt.Errorf("--until %w", err)
		}
	}
	filter, err := c.filter(v, t, m)
	if err != nil {
		return nil, err
	}
	out := &wontfix.Changes{
		Schema: wontfix.ChangesSchema, Tool: toolName(), Tracker: t, Machine: m, Release: c.release,
		Since: p.log.Revision(since), Until: p.log.Revision(p.at), Rows: []wontfix.RowChange{}, Hidden: []wontfix.Hidden{},
	}
	var mu sync.Mutex
	var touched []string
	err = p.db.EachVersions(ctx, t.Name, nil, func(id string, data []byte) error {
		ok, err := history.Touched(p.log, data, since)
		if err != nil {
			return p.damaged(id, err)
		}
		if ok {
			mu.Lock()
			touched = append(touched, id)
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(touched)
	hidden := make(map[string]int)
	err = p.files(ctx, touched, func(f *history.File) error {
		rows, hides := c.rows(p, t, f, since, &filter)
		mu.Lock()
		defer mu.Unlock()
		out.Rows = append(out.Rows, rows...)
		for why, n := range hides {
			hidden[why] += n
		}
		return nil
	})
	for why, n := range hidden {
		out.Hidden = append(out.Hidden, wontfix.Hidden{Count: n, Because: why})
	}
	slices.SortFunc(out.Hidden, func(a, b wontfix.Hidden) int { return strings.Compare(a.Because, b.Because) })
	slices.SortFunc(out.Rows, func(a, b wontfix.RowChange) int {
		return cmp.Or(lastTime(&b).Compare(lastTime(&a)), match.CompareIDs(a.ID, b.ID), strings.Compare(a.Source, b.Source), strings.Compare(a.Release, b.Release))
	})
	return out, err
}

// lastTime returns when a row was changed last.
func lastTime(r *wontfix.RowChange) time.Time {
	if n := len(r.Events); n > 0 {
		return r.Events[n-1].Time
	}
	return time.Time{}
}

const (
	hiddenWords  = "other words for the same decision; --all shows them"
	hiddenAbsent = "the release does not have the package; --all shows them"
)

// rows returns the rows of one entry that say something else, and counts those
// that are left out.
func (c *changesCmd) rows(p *past, t wontfix.Tracker, f *history.File, since int, filter *rowFilter) (rows []wontfix.RowChange, hidden map[string]int) {
	trace := history.NewTrace(p.log, p.spec.Past, f, p.at)
	hidden = make(map[string]int)
	var entry *wontfix.Entry
	for _, d := range trace.Since(since) {
		if !filter.labels(d.Label) || filter.sources != nil && !filter.sources[d.Source] {
			continue
		}
		was, is := p.spec.Past.Meaning(d.From.Word, d.From.Detail), p.spec.Past.Meaning(d.To.Word, d.To.Detail)
		switch {
		case c.all:
		case absent(d.From, was) && absent(d.To, is):
			hidden[hiddenAbsent]++
			continue
		case was.Decision == is.Decision && d.From.Word == d.To.Word && was.Reasons == is.Reasons && was.Fixed == is.Fixed:
			hidden[hiddenWords]++
			continue
		}
		if entry == nil {
			change, _ := p.entry(f)
			if entry = change.Entry; entry == nil {
				entry = &wontfix.Entry{File: f.ID}
			}
		}
		r := wontfix.RowChange{
			ID: f.ID, Source: d.Source, Release: d.Label, Priority: entry.PriorityFor(d.Source, d.Label).Word,
			From: d.From.Word, FromText: d.From.Detail, To: d.To.Word, ToText: d.To.Detail, Was: was.Decision, Is: is.Decision,
			File: entry.File, Line: d.Line, Installed: filter.installed[d.Source], Fixed: is.Fixed,
		}
		at := t
		at.Revision = p.log.Commit(p.at).ID
		if r.URL = at.Line(r.File, r.Line); d.Line == 0 || r.URL == "" {
			r.URL = t.Page(f.ID)
		}
		if o, ok := trace.Origin(d.Key); ok {
			r.Origin = &o
		}
		r.Events = trace.EventsSince(d.Key, since)
		rows = append(rows, r)
	}
	return rows, hidden
}

// absent reports whether a row is not there, or says that the release does not
// have the package.
func absent(v history.Value, m wontfix.Meaning) bool {
	return v.Word == "" || m.Decision == wontfix.DecisionNotInRelease
}
