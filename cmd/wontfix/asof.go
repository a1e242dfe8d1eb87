package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/store"
	"wontfix/tracker"
)

// A view is the database as it is, or as it was at an earlier time.
type view struct {
	*store.DB
	pasts  map[string]func() (*past, error)
	now    time.Time // the time that the view is of
	asOf   bool
	closes []func() error
	waits  sync.WaitGroup
}

// Close closes what the view has opened.
func (v *view) Close() error {
	v.waits.Wait()
	var err error
	for _, f := range slices.Backward(v.closes) {
		err = errors.Join(err, f())
	}
	return err
}

// past returns the history of a tracker up to the time of the view, nil if
// there is none.
func (v *view) past(name string) (*past, error) {
	p, err := v.partOfPast(name)
	if p != nil && err == nil {
		err = p.load()
	}
	return p, err
}

// partOfPast is as past, for an answer that needs few commits: see
// [past.checked].
func (v *view) partOfPast(name string) (*past, error) {
	if open := v.pasts[name]; open != nil {
		return open()
	}
	return nil, nil
}

// expectPast begins to read the history of a tracker, which takes longer than
// anything else that an answer needs.
func (v *view) expectPast(name string) {
	if open := v.pasts[name]; open != nil {
		v.waits.Go(func() { open() })
	}
}

// asOfFlag adds --as-of.
func asOfFlag(fs *pflag.FlagSet, asOf *string) {
	fs.StringVar(asOf, "as-of", "", "answer as the tracker stood at `DATE`, such as 2015-12-24, or at a commit")
}

// openView opens the database as it was at a date or a commit, "" for as it is.
func (e *env) openView(ctx context.Context, asOf string) (v *view, err error) {
	db, err := e.openDB()
	if err != nil {
		return nil, err
	}
	v = &view{DB: db, now: e.now(), closes: []func() error{db.Close}, pasts: make(map[string]func() (*past, error))}
	for _, t := range db.Trackers() {
		if spec, err := tracker.Find(t.Name); err == nil && spec.Past != nil { // else of a program that knows more trackers
			v.pasts[t.Name] = sync.OnceValues(func() (*past, error) { return openPast(ctx, db, spec) })
		}
	}
	if asOf == "" {
		return v, nil
	}
	opened := v
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	if len(v.pasts) != 1 {
		return nil, fmt.Errorf("--as-of %s: goes with the history of one tracker, and the database has %d", asOf, len(v.pasts))
	}
	var p *past
	for name := range v.pasts {
		if p, err = v.past(name); err != nil {
			return nil, err
		}
		if p == nil {
			return nil, fmt.Errorf("--as-of %s: %w", asOf, noHistory(v.DB, name))
		}
	}
	if p.at, v.now, err = p.find(asOf); err != nil {
		return nil, fmt.Errorf("--as-of %w", err)
	}
	then, closer, err := e.stateAt(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("--as-of %s: %w", asOf, err)
	}
	v.DB, v.asOf = then, true
	v.closes = append(v.closes, closer)
	return v, nil
}

// find returns the commit that a date or the beginning of a commit's ID stands
// for, and its time. A date stands for the end of its day, UTC.
func (p *past) find(s string) (commit int, at time.Time, err error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04"} {
		at, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if layout == time.DateOnly {
			at = at.AddDate(0, 0, 1).Add(-time.Second)
		}
		if commit = p.log.At(at); commit < 0 {
			return 0, at, fmt.Errorf("%s: before the history that is at hand, which begins on %s", s, p.log.First().UTC().Format(time.DateOnly))
		}
		return commit, at, nil
	}
	if len(s) < 7 || strings.Trim(strings.ToLower(s), "0123456789abcdef") != "" {
		return 0, at, fmt.Errorf("%s: want a date such as 2015-12-24, or at least 7 digits of a commit", s)
	}
	commit, err = p.log.Find(s)
	if err != nil {
		return 0, at, err
	}
	return commit, p.log.Commit(commit).Committed, nil
}

// keptStates is how many earlier states of a tracker are kept ready.
const keptStates = 4

// stateAt opens a database that has a tracker as it was at the commit of a
// past. It is made from the history, and kept for the next time.
func (e *env) stateAt(ctx context.Context, p *past) (*store.DB, func() error, error) {
	name := fmt.Sprintf("%s-%s-%s-%d.db", p.spec.Name, p.log.Commit(p.at).ID, strings.ReplaceAll(pastVersion(&p.spec), "/", "."), store.Version)
	dir, err := e.cacheDir()
	if err == nil {
		dir = filepath.Join(dir, "as-of")
		err = os.MkdirAll(dir, 0o755)
	}
	remove := func() error { return nil }
	if err != nil || p.log.Holes > 0 || p.log.Commit(p.at).ID == "" { // no place, no whole state, or no name
		if dir, err = os.MkdirTemp("", "wontfix-as-of-"); err != nil {
			return nil, nil, err
		}
		remove = func() error { return os.RemoveAll(dir) }
	}
	path := filepath.Join(dir, name)
	db, err := store.Open(path)
	if err != nil {
		if err = p.writeState(ctx, path); err == nil {
			db, err = store.Open(path)
		}
		pruneStates(dir, p.spec.Name, name)
	} else {
		os.Chtimes(path, time.Now(), time.Now()) // was used; that it was not noted does no harm
	}
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return db, func() error { return errors.Join(db.Close(), remove()) }, nil
}

// pruneStates removes the states that were not used for the longest time.
func pruneStates(dir, tracker, keep string) {
	names, _ := filepath.Glob(filepath.Join(dir, tracker+"-*.db"))
	age := func(name string) time.Time {
		info, err := os.Stat(name)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	slices.SortFunc(names, func(a, b string) int { return age(b).Compare(age(a)) })
	for i, name := range names {
		if i >= keptStates && filepath.Base(name) != keep {
			os.Remove(name)
		}
	}
}

// writeState makes a database of a tracker as it was.
func (p *past) writeState(ctx context.Context, path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("is no file")}
	}
	c := p.log.Commit(p.at)
	t := wontfix.Tracker{Name: p.spec.Name, Title: p.spec.Title, Revision: c.ID, Time: c.Committed, PageURL: p.spec.PageURL, LineURL: p.spec.LineURL}
	for _, now := range p.db.Trackers() {
		if now.Name == t.Name {
			t.Source, t.Synced = now.Source, now.Synced
		}
	}
	_, err := store.Apply(ctx, path, store.Update{Tracker: t, Tool: toolName(), Parser: p.spec.Parser, Full: true}, p.state(ctx))
	return err
}

// state yields all entries as they were at the commit.
func (p *past) state(ctx context.Context) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		changes := make(chan wontfix.Change, 256)
		var err error
		go func() {
			defer close(changes)
			var ids []string
			if ids, err = p.ids(ctx); err != nil {
				return
			}
			err = p.files(ctx, ids, func(f *history.File) error {
				c, ok := p.entry(f)
				if !ok {
					return nil
				}
				select {
				case changes <- c:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
		}()
		for c := range changes {
			if !yield(c, nil) {
				cancel()
				for range changes {
				}
				return
			}
		}
		if err != nil {
			yield(wontfix.Change{}, err)
		}
	}
}

// entry returns an entry as it was at the commit, false if there was none.
func (p *past) entry(f *history.File) (wontfix.Change, bool) {
	n := f.At(p.log, p.at)
	if n < 0 {
		return wontfix.Change{}, false
	}
	place, ok := f.Records[n].Place()
	if !ok || place.Dir >= len(p.spec.Dirs) {
		return wontfix.Change{}, false
	}
	file := p.spec.Dirs[place.Dir] + "/" + f.ID
	if place.Text < 0 {
		return wontfix.Change{File: file, ID: f.ID, Problems: []wontfix.Problem{{File: file, Text: "this version is not at hand"}}}, true
	}
	text := f.Text(place.Text)
	c := p.spec.Parse(file, text)
	c.File, c.ID, c.Text = file, f.ID, text
	return c, true
}
