package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/internal/store"
	"wontfix/match"
	"wontfix/report"
	"wontfix/tracker"
)

// doctorCmd is "wontfix db doctor".
type doctorCmd struct{ outputs }

func newDoctor(e *env) *cobra.Command {
	c := &doctorCmd{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say where feeds of one publisher do not say the same",
		Long: `Doctor sets the feeds that one publisher has against each other: the one that
counts, and the exports of it that were synced, too. Of what both have judged
it shows the rows in which one says fixed or not affected and the other does
not, and those that both say to be fixed, in different versions.`,
		Example: "  wontfix sync debian debian-osv\n  wontfix db doctor",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.Run(cmd.Context(), e) },
	}
	c.outputs.flags(cmd.Flags(), report.DiagnosisFormats())
	complete(cmd, "format", report.DiagnosisFormats())
	return cmd
}

// Run writes the diagnosis.
func (c *doctorCmd) Run(ctx context.Context, e *env) error {
	list, err := c.list(report.DiagnosisFormats())
	if err != nil {
		return err
	}
	db, err := e.openDB()
	if err != nil {
		return err
	}
	defer db.Close()
	d := &wontfix.Diagnosis{Schema: wontfix.DiagnosisSchema, Tool: toolName(), Trackers: db.Trackers(), Pairs: []wontfix.FeedPair{}}
	have := map[string]wontfix.Tracker{}
	for _, t := range d.Trackers {
		have[t.Name] = t
	}
	var feeds []string
	for _, spec := range tracker.Trackers() {
		if spec.Of == "" {
			continue
		}
		feeds = append(feeds, spec.Name)
		one, okOne := have[spec.Of]
		other, okOther := have[spec.Name]
		if !okOne || !okOther {
			continue
		}
		pair, err := comparePair(ctx, db, one, other)
		if err != nil {
			return err
		}
		d.Pairs = append(d.Pairs, pair)
	}
	if len(d.Pairs) == 0 {
		return fmt.Errorf("db doctor: the database has no two feeds of one publisher; `wontfix sync debian debian-osv` reads two, and there are %s", strings.Join(feeds, ", "))
	}
	return c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteDiagnosis(w, format, d, o)
	})
}

// A feedRow is what two feeds may both have.
type feedRow struct {
	id, source, module string
	binary             bool // source is the name of a binary package
	release            wontfix.Release
}

func rowOf(s *wontfix.Statement) feedRow {
	return feedRow{s.ID, s.Source, s.Module, s.Binary, s.Release}
}

// comparePair sets a feed against the tracker that counts. A row that one of them
// has more than once, as for several streams of a package, is left out.
func comparePair(ctx context.Context, db *store.DB, one, other wontfix.Tracker) (wontfix.FeedPair, error) {
	pair := wontfix.FeedPair{Tracker: one.Name, Feed: other.Name, Differences: []wontfix.Difference{}}
	type twice struct {
		a, b   wontfix.Statement
		na, nb int
	}
	rows := map[feedRow]*twice{}
	for s, err := range db.All(ctx, other.Name, store.Filter{Keep: match.Judged}) {
		if err != nil {
			return pair, err
		}
		r := rows[rowOf(&s)]
		if r == nil {
			r = &twice{}
			rows[rowOf(&s)] = r
		}
		r.b, r.nb = s, r.nb+1
	}
	for s, err := range db.All(ctx, one.Name, store.Filter{Keep: match.Judged}) {
		if err != nil {
			return pair, err
		}
		if r := rows[rowOf(&s)]; r != nil {
			r.a, r.na = s, r.na+1
		}
	}
	for row, r := range rows {
		if r.na != 1 || r.nb != 1 {
			continue
		}
		pair.Shared++
		if kind := match.Differ(&r.a, &r.b); kind != "" {
			pair.Differences = append(pair.Differences, wontfix.Difference{ID: row.id, Source: row.source, Release: row.release.String(), Kind: kind,
				Tracker: claimOf(&one, &r.a), Feed: claimOf(&other, &r.b)})
		}
	}
	slices.SortFunc(pair.Differences, func(a, b wontfix.Difference) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Release, b.Release))
	})
	return pair, nil
}

func claimOf(t *wontfix.Tracker, s *wontfix.Statement) wontfix.Claim {
	return wontfix.Claim{Decision: s.Decision, Fixed: s.Fixed, Row: match.RowOf(t, s)}
}
