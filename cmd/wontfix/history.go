package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/store"
	"wontfix/match"
	"wontfix/query"
	"wontfix/report"
	"wontfix/tracker"
)

// historyCmd is "wontfix history".
type historyCmd struct {
	outputs
	name    string
	release string
	asOf    string
}

func newHistory(e *env) *cobra.Command {
	c := &historyCmd{}
	cmd := &cobra.Command{
		Use:   "history CVE|PACKAGE",
		Short: "Show how a vulnerability's rows, or a package's, came to what they say",
		Long: `History shows, of a vulnerability, every commit that changed what a tracker says
of it: rows, notes, priority and other fields; of a source package, how its rows
in all entries came to what they say.`,
		Example: `  wontfix history CVE-2014-9365
  wontfix history python2.7 --release trusty`,
		Args: exactArgs(1, "the ID of a vulnerability or the name of a source package"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.name = args[0]
			return c.Run(cmd.Context(), e)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&c.release, "release", "", "show the rows of `RELEASE` only: trusty, trusty/esm-infra, ubuntu/14.04")
	asOfFlag(fs, &c.asOf)
	c.outputs.flags(fs, report.HistoryFormats())
	complete(cmd, "format", report.HistoryFormats())
	return cmd
}

// Run writes the history.
func (c *historyCmd) Run(ctx context.Context, e *env) error {
	list, err := c.list(report.HistoryFormats())
	if err != nil {
		return err
	}
	v, err := e.openView(ctx, c.asOf)
	if err != nil {
		return err
	}
	defer v.Close()
	var all []*wontfix.EntryHistory
	var without []string
	for _, t := range v.Trackers() {
		p, err := v.past(t.Name)
		if err != nil {
			return err
		}
		if p == nil {
			without = append(without, t.Name)
			continue
		}
		h, err := c.entry(ctx, v, p, t)
		if errors.Is(err, store.ErrNotFound) {
			if h, err = c.source(ctx, v, p, t); h == nil && err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		all = append(all, h)
	}
	switch {
	case len(all) == 0 && without != nil:
		return noHistory(v.DB, without...)
	case len(all) == 0:
		return fmt.Errorf("%s: no tracker in the database has an entry of that ID, or a row of such a source package%s", c.name, c.inRelease())
	}
	return c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteHistory(w, format, all, o)
	})
}

// noHistory says that a database has no history of some trackers that can be
// read, and how to get one.
func noHistory(db *store.DB, trackers ...string) error {
	other := slices.DeleteFunc(slices.Clone(trackers), func(name string) bool { return !otherForm(db, name) })
	if len(other) > 0 {
		return fmt.Errorf("the database has the history of %s from another version of wontfix; read it anew with `wontfix sync %s`", strings.Join(other, ", "), strings.Join(other, " "))
	}
	return fmt.Errorf("the database has no history of %s; read it with `wontfix sync --history`", strings.Join(trackers, ", "))
}

func (c *historyCmd) inRelease() string {
	if c.release == "" {
		return ""
	}
	return " in " + c.release
}

// wants reports whether rows with a label are asked for.
func (c *historyCmd) wants(v *view, tracker string) (func(label string) bool, error) {
	if c.release == "" {
		return func(string) bool { return true }, nil
	}
	return labelFilter(v, tracker, c.release)
}

// labelFilter returns what tells which of a tracker's labels a release as a
// user writes it means.
func labelFilter(v *view, tracker, release string) (func(label string) bool, error) {
	r, err := parseRelease(release)
	if err == nil {
		release = r.String()
	}
	labels := v.Labels(tracker)
	found := make(map[string]bool)
	for label, r := range labels {
		found[label] = query.ReleaseIs(release, label, r)
	}
	for _, ok := range found {
		if ok {
			return func(label string) bool { return found[label] }, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("--release %s: the tracker %s has no row for it", release, tracker)
	}
	return nil, err
}

// entry returns the history of the entry with the ID that was asked for, an
// ErrNotFound if there is none.
func (c *historyCmd) entry(ctx context.Context, v *view, p *past, t wontfix.Tracker) (*wontfix.EntryHistory, error) {
	id := normalID(c.name)
	trace, err := p.trace(ctx, id)
	if trace == nil && err == nil {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	wants, err := c.wants(v, t.Name)
	if err != nil {
		return nil, err
	}
	return &wontfix.EntryHistory{
		Schema: wontfix.HistorySchema, Tool: toolName(), Tracker: t, ID: id,
		Rows: rowsOf(trace, id, func(k history.Key) bool { return wants(k.Label) }), Commits: trace.Commits(),
	}, nil
}

// rowsOf returns the rows of an entry that are wanted, with their past.
func rowsOf(trace *history.Trace, id string, wants func(history.Key) bool) []wontfix.RowHistory {
	rows := []wontfix.RowHistory{}
	for _, r := range trace.Rows() {
		if !wants(r.Key) {
			continue
		}
		row := wontfix.RowHistory{ID: id, Source: r.Source, Release: r.Label, Status: r.Word, Detail: r.Detail, Timeline: trace.Timeline(r.Key)}
		if o, ok := trace.Origin(r.Key); ok {
			row.Origin = &o
		}
		rows = append(rows, row)
	}
	return rows
}

// source returns the history of the rows of a source package, nil if it has
// none.
func (c *historyCmd) source(ctx context.Context, v *view, p *past, t wontfix.Tracker) (*wontfix.EntryHistory, error) {
	var ids []string
	for s, err := range v.All(ctx, t.Name, store.Filter{Sources: []string{c.name}}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, s.ID)
	}
	if ids == nil {
		return nil, nil
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	wants, err := c.wants(v, t.Name)
	if err != nil {
		return nil, err
	}
	h := &wontfix.EntryHistory{Schema: wontfix.HistorySchema, Tool: toolName(), Tracker: t, Package: c.name, Rows: []wontfix.RowHistory{}, Commits: []wontfix.EntryCommit{}}
	var mu sync.Mutex
	err = p.files(ctx, ids, func(f *history.File) error {
		trace := history.NewTrace(p.log, p.spec.Past, f, p.at)
		rows := rowsOf(trace, f.ID, func(k history.Key) bool { return k.Source == c.name && wants(k.Label) })
		mu.Lock()
		h.Rows = append(h.Rows, rows...)
		mu.Unlock()
		return nil
	})
	slices.SortFunc(h.Rows, func(a, b wontfix.RowHistory) int {
		if n := match.CompareIDs(a.ID, b.ID); n != 0 {
			return n
		}
		return strings.Compare(a.Release, b.Release)
	})
	return h, err
}

// pastOf returns the history of the tracker that a command is about: of the
// given name, or the only one that the database has.
func (v *view) pastOf(name string) (*past, wontfix.Tracker, error) {
	var names []string
	for _, t := range v.Trackers() {
		if name != "" && t.Name != name {
			continue
		}
		if _, err := tracker.Find(t.Name); err != nil {
			continue // a database of a program that knows more trackers
		}
		p, err := v.past(t.Name)
		if p != nil || err != nil {
			return p, t, err
		}
		names = append(names, t.Name)
	}
	if names == nil {
		return nil, wontfix.Tracker{}, fmt.Errorf("the database has no copy of a tracker %s; read it with `wontfix sync`", name)
	}
	return nil, wontfix.Tracker{}, noHistory(v.DB, names...)
}
