package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"wontfix"
	"wontfix/internal/store"
	"wontfix/match"
	"wontfix/query"
	"wontfix/report"
	"wontfix/tracker"
)

// mostOpen is how many statements may wait for their origins. If there are
// more, all statements are gone through again with all origins at hand.
const mostOpen = 1 << 16

// A finder finds the statements of one tracker that meet an expression.
type finder struct {
	v        *view
	spec     tracker.Spec
	past     *past // nil if there is none
	expr     *query.Expr
	in       []string // only these folders; nil: all
	entries  entryReader
	mostOpen int
}

// find yields the statements that meet an expression, in order of ID and line.
func (c *searchCmd) find(ctx context.Context, v *view, expr *query.Expr) iter.Seq2[*wontfix.Statement, error] {
	return func(yield func(*wontfix.Statement, error) bool) {
		for _, t := range v.Trackers() {
			spec, err := tracker.Find(t.Name)
			if err != nil {
				continue // a database of a program that knows more trackers
			}
			f := finder{v: v, spec: spec, expr: expr, in: c.in, mostOpen: mostOpen}
			found, err := f.find(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range found {
				if !yield(&found[i], nil) {
					return
				}
			}
		}
	}
}

// find reads origins, if it has to, once, and only of the entries whose
// statements got that far, if they are not too many.
func (f *finder) find(ctx context.Context) ([]wontfix.Statement, error) {
	var err error
	if f.past, err = f.v.past(f.spec.Name); err != nil {
		return nil, err
	}
	f.entries = entryReader{ctx: ctx, db: f.v.DB, spec: f.spec, have: make(map[string]*wontfix.Entry)}
	found, open, all, err := f.judge(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case !all:
		var ids []string
		if ids, err = f.past.ids(ctx); err != nil {
			return nil, err
		}
		found, err = f.withOrigins(ctx, ids, f.v.All(ctx, f.spec.Name, f.filter()))
	case len(open) > 0:
		var more []wontfix.Statement
		more, err = f.withOrigins(ctx, idsOf(open), func(yield func(wontfix.Statement, error) bool) {
			for _, s := range open {
				if !yield(s, nil) {
					return
				}
			}
		})
		found = append(found, more...)
	}
	slices.SortFunc(found, func(a, b wontfix.Statement) int {
		return cmp.Or(match.CompareIDs(a.ID, b.ID), a.Line-b.Line, strings.Compare(a.Source, b.Source), strings.Compare(a.Label, b.Label))
	})
	return found, err
}

func (f *finder) filter() store.Filter { return store.Filter{Sources: f.expr.Hints().Sources} }

// judge goes through all statements without their origins. It returns those
// that meet the expression, and those that are open without an origin; all is
// false if it gave up because these are too many.
func (f *finder) judge(ctx context.Context) (found, open []wontfix.Statement, all bool, err error) {
	asked := false
	var origin func() *wontfix.Origin
	if f.past != nil {
		origin = func() *wontfix.Origin {
			asked = true
			return nil
		}
	}
	for s, err := range f.v.All(ctx, f.spec.Name, f.filter()) {
		if err != nil {
			return nil, nil, false, err
		}
		asked = false
		ok, err := f.holds(&s, origin)
		switch {
		case err != nil:
			return nil, nil, false, err
		case asked && len(open) >= f.mostOpen:
			return nil, nil, false, nil
		case asked:
			open = append(open, s)
		case ok:
			found = append(found, s)
		}
	}
	return found, open, true, nil
}

// withOrigins returns which of some statements meet the expression, with the
// origins of the entries with these IDs at hand.
func (f *finder) withOrigins(ctx context.Context, ids []string, statements iter.Seq2[wontfix.Statement, error]) ([]wontfix.Statement, error) {
	origins, err := f.past.origins(ctx, ids, nil)
	if err != nil {
		return nil, err
	}
	var found []wontfix.Statement
	for s, err := range statements {
		if err != nil {
			return nil, err
		}
		s.Origin = origins.of(s.ID, s.Line)
		ok, err := f.holds(&s, func() *wontfix.Origin { return s.Origin })
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, s)
		}
	}
	return found, nil
}

// holds reports whether a statement is in the folders and meets the expression.
func (f *finder) holds(s *wontfix.Statement, origin func() *wontfix.Origin) (bool, error) {
	if len(f.in) > 0 && !slices.Contains(f.in, path.Dir(s.File)) {
		return false, nil
	}
	ok, err := f.expr.Match(query.Record{Statement: s, Origin: origin, Entry: func() *wontfix.Entry { return f.entries.read(s.ID) }})
	return ok, cmp.Or(err, f.entries.err)
}

func idsOf(statements []wontfix.Statement) []string {
	ids := make([]string, len(statements))
	for i := range statements {
		ids[i] = statements[i].ID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// An entryReader reads whole entries for the terms that need one.
type entryReader struct {
	ctx  context.Context
	db   *store.DB
	spec tracker.Spec
	have map[string]*wontfix.Entry
	err  error
}

func (r *entryReader) read(id string) *wontfix.Entry {
	if len(r.have) == 0 && r.err == nil {
		var mu sync.Mutex
		r.err = r.db.Texts(r.ctx, r.spec.Name, func(file string, text []byte) error {
			entry := r.spec.Parse(file, slices.Clone(text)).Entry
			entry.Statements = nil
			mu.Lock()
			defer mu.Unlock()
			r.have[entry.ID] = entry
			return nil
		})
	}
	return r.have[id]
}

// checkOrigins says what an expression that asks who decided cannot learn from
// the database: an error if it is everything.
func (v *view) checkOrigins(ctx context.Context, e *env) error {
	var without []string
	told := false
	for _, t := range v.Trackers() {
		p, err := v.past(t.Name)
		switch {
		case err != nil:
			return err
		case p == nil || len(p.log.Gaps()) == p.log.Len():
			without = append(without, t.Name)
			continue
		case p.cutOff():
			e.warn("%s: who decided before %s is not known: that history is not in the database; read it with `wontfix sync --history`",
				t.Name, p.log.First().UTC().Format(time.DateOnly))
		}
		told = true
	}
	if without == nil {
		return nil
	}
	err := fmt.Errorf("who decided is not known: %w", noHistory(v.DB, without...))
	if !told {
		return fmt.Errorf("search: %w", err)
	}
	e.warn("%v", err)
	return nil
}

// checkReleases warns of releases that no tracker in the database speaks of.
func (v *view) checkReleases(e *env, releases []string) {
	for _, r := range releases {
		known := slices.ContainsFunc(v.Trackers(), func(t wontfix.Tracker) bool {
			for label, release := range v.Labels(t.Name) {
				if query.ReleaseIs(r, label, release) {
					return true
				}
			}
			return false
		})
		if !known {
			e.warn("release %s: the tracker has no such release", report.Clean(cmp.Or(r, `""`)))
		}
	}
}

// at says which state an answer is about, if it is not the newest.
func (v *view) at() string {
	if !v.asOf {
		return ""
	}
	t := v.Trackers()[0]
	return fmt.Sprintf(", as %s stood at %.12s of %s", t.Name, report.Clean(t.Revision), t.Time.UTC().Format(time.DateOnly))
}
