package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/store"
	"wontfix/tracker"
)

// A pastReading is what a sync finds of a tracker's history.
type pastReading struct {
	e    *env
	spec tracker.Spec
	src  *tracker.Source
	old  *past // nil: there was none, or it does not count

	log   *history.Log
	first int              // number of the first new commit
	h     *tracker.History // nil: there are no commits to read, and the state of today is one
	judge bool             // all entries are judged anew
	// The state of today, where it is all that there is.
	state map[string]entryState
}

// An entryState is where an entry is and what it says.
type entryState struct {
	dir  int
	text []byte // compressed; nil if it cannot be had
	gone bool
}

// loadPast returns the history that a database has, with all commits read; nil if
// it has none.
func loadPast(ctx context.Context, db *store.DB, spec tracker.Spec) (*past, error) {
	if db == nil {
		return nil, nil
	}
	p, err := openPast(ctx, db, spec)
	if err != nil || p == nil {
		return nil, err
	}
	return p, p.load()
}

// readPast finds the commits that the database does not have, whose history old
// loads. Full says that the update takes the place of all that the database has
// of the tracker.
func readPast(ctx context.Context, e *env, src *tracker.Source, spec tracker.Spec, db *store.DB, old func() (*past, error), full, anew bool) (*pastReading, error) {
	r := &pastReading{e: e, spec: spec, src: src}
	if db != nil {
		var err error
		if r.old, err = old(); err != nil {
			e.warn("%v", err)
			r.old = nil
		}
	}
	if r.old != nil && src.Whole() {
		switch {
		case anew:
			r.old = nil
		case r.old.cutOff():
			e.warn("%s: its whole history is at hand now, and is read", spec.Name)
			r.old = nil
		}
	}
	h, err := src.History(ctx, r.known())
	if n := len(r.known()); n > 0 && r.known()[n-1] == "" { // a folder's state, which no repository knows
		err = tracker.ErrRewritten
	}
	if errors.Is(err, tracker.ErrRewritten) && src.Whole() {
		e.warn("%v: its history is read anew", err)
		r.old = nil
		h, err = src.History(ctx, nil)
	}
	switch {
	case errors.Is(err, tracker.ErrNoHistory), errors.Is(err, tracker.ErrRewritten):
		err = r.begin(nil)
		r.state = make(map[string]entryState)
	case err == nil:
		r.h = h
		err = r.begin(h.Commits)
	}
	r.judge = r.old != nil && (full || db.HistoryVersion(spec.Name) != pastVersion(&spec))
	return r, err
}

// makeRoom lets the heap grow while a whole history is read, up to a limit, and
// returns what takes the limit back. A collector that is tight all the time takes
// a fifth of the time; it needs to be only where there is most in memory, which
// grows with the number of changes.
func (r *pastReading) makeRoom() (restore func()) {
	changes := 0
	if r.h != nil {
		for i := range r.h.Files {
			changes += len(r.h.Files[i].Steps)
		}
	}
	if changes == 0 {
		return func() {}
	}
	debug.SetGCPercent(200)
	before := debug.SetMemoryLimit(460<<20 + 420*int64(changes))
	return func() { debug.SetMemoryLimit(before) }
}

// known returns the IDs of the commits that the database has.
func (r *pastReading) known() []string {
	if r.old == nil {
		return nil
	}
	return r.old.log.IDs()
}

// begin makes the log. Without commits it gets one that stands for the state
// of today and all that led to it.
func (r *pastReading) begin(commits []wontfix.Commit) error {
	if r.old != nil {
		r.log = r.old.log
	} else {
		var err error
		if r.log, err = history.NewLog(nil); err != nil {
			return err
		}
	}
	r.first = r.log.Len()
	if commits == nil && r.h == nil {
		t := r.src.Tracker()
		c := wontfix.Commit{ID: t.Revision, Time: t.Time, Committed: t.Time, Gap: true}
		if tip := r.log.Tip(); tip >= 0 {
			c.Parents = []int{tip}
		}
		commits = []wontfix.Commit{c}
	}
	return r.log.Append(commits)
}

// watch keeps the state that changes bring, if that is what the history is
// made of.
func (r *pastReading) watch(changes iter.Seq2[wontfix.Change, error]) iter.Seq2[wontfix.Change, error] {
	if r.state == nil || r.isFirst() {
		return changes
	}
	return func(yield func(wontfix.Change, error) bool) {
		for c, err := range changes {
			if err == nil {
				s := entryState{dir: slices.Index(r.spec.Dirs, path.Dir(c.File)), gone: c.Entry == nil && len(c.Problems) == 0}
				if c.Entry != nil {
					s.text = s2.Encode(nil, c.Text)
				}
				r.state[c.ID] = s
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// isFirst reports whether there is one state to begin with, and nothing before
// it: then nothing can be said of any entry but that it was so.
func (r *pastReading) isFirst() bool {
	return r.old == nil && r.log.Len() == 1 && r.log.Commit(0).Gap && (r.h == nil || len(r.h.Unseen) <= 1)
}

// update returns what goes into the database. Its log and files are made when
// files are asked for, which is after the changes.
func (r *pastReading) update(ctx context.Context, full bool) *store.HistoryUpdate {
	u := &store.HistoryUpdate{Full: r.old == nil || r.judge, Version: pastVersion(&r.spec)}
	u.Files = func(yield func(store.HistoryFile, error) bool) {
		if r.isFirst() {
			r.log.Imply(r.src.Len())
			u.Log = r.log.Pack()
			return
		}
		in, err := r.input(ctx, full)
		if err != nil {
			yield(store.HistoryFile{}, err)
			return
		}
		from := r.first
		if r.judge {
			from = 0
		}
		for p, err := range history.Build(ctx, r.log, from, r.spec.Past, in) {
			if u.Log == nil && err == nil {
				u.Log = r.log.Pack()
			}
			if err == nil && r.log.Implied && p.Since == 0 {
				continue // as it was when the history began
			}
			if !yield(store.HistoryFile{ID: p.ID, Versions: p.Versions, Origins: p.Origins}, err) {
				return
			}
		}
		if u.Log == nil {
			u.Log = r.log.Pack()
		}
	}
	return u
}

// input gathers what became of which entry.
func (r *pastReading) input(ctx context.Context, full bool) (history.Input, error) {
	if r.state != nil && r.old != nil && full {
		if err := r.forgetUnchanged(ctx); err != nil {
			return history.Input{}, err
		}
	}
	touched := make(map[string]int) // index in h.Files, or -1
	if r.h != nil {
		for i := range r.h.Files {
			touched[r.h.Files[i].ID] = i
		}
	}
	for id := range r.state {
		touched[id] = -1
	}
	in := history.Input{}
	if r.old != nil {
		if r.judge {
			all, err := r.old.db.HistoryIDs(ctx, r.spec.Name)
			if err != nil {
				return in, err
			}
			for _, id := range all {
				if _, ok := touched[id]; !ok {
					touched[id] = -1
				}
			}
		} else {
			in.Judged = func(ctx context.Context, ids []string, fn func(id string, packed []byte) error) error {
				return r.old.db.EachOrigins(ctx, r.spec.Name, ids, fn)
			}
		}
		in.Old = r.old.raw
		in.Known = r.old.ids
	}
	for id := range touched {
		in.IDs = append(in.IDs, id)
	}
	slices.Sort(in.IDs)
	in.Steps = func(i int) []history.Step {
		if r.state != nil {
			return r.stateSteps(in.IDs[i], full)
		}
		k := touched[in.IDs[i]]
		if k < 0 {
			return nil
		}
		steps := make([]history.Step, len(r.h.Files[k].Steps))
		for n, s := range r.h.Files[k].Steps {
			steps[n] = history.Step{Commit: int(s.Commit), Parent: int(s.Parent), Dir: int(s.Dir), Text: int(s.Text)}
			if s.Text < 0 {
				steps[n].Text = history.Gone
			}
		}
		return steps
	}
	in.Texts = func(ctx context.Context, fn func(int, [][]byte) error) error {
		if r.state != nil {
			return r.stateTexts(ctx, in.IDs, fn)
		}
		done := make([]bool, len(in.IDs))
		var mu sync.Mutex
		err := r.h.Texts(ctx, func(k int, texts [][]byte, _ []error) error {
			i, _ := slices.BinarySearch(in.IDs, r.h.Files[k].ID)
			mu.Lock()
			done[i] = true
			mu.Unlock()
			return fn(i, texts)
		})
		for i := 0; i < len(done) && err == nil; i++ {
			if !done[i] {
				err = fn(i, nil)
			}
		}
		return err
	}
	return in, nil
}

// forgetUnchanged leaves of the state the entries that are not as they have
// been since the history begins, and adds those that are gone.
func (r *pastReading) forgetUnchanged(ctx context.Context) error {
	known := make(map[string]bool)
	ids, err := r.old.db.HistoryIDs(ctx, r.spec.Name)
	if err != nil {
		return err
	}
	for _, id := range ids {
		known[id] = true
	}
	var mu sync.Mutex
	return r.old.db.Frames(ctx, r.spec.Name, nil, func(f *store.Frame) error {
		for _, span := range f.Files {
			mu.Lock()
			s, ok := r.state[span.ID]
			mu.Unlock()
			same := ok && !known[span.ID] && r.old.log.Implied && s.text != nil && s.dir >= 0 && r.spec.Dirs[s.dir] == path.Dir(span.File)
			if same {
				text, err := s2.Decode(nil, s.text)
				if err != nil {
					return fmt.Errorf("text of %s: %w", span.ID, err)
				}
				same = bytes.Equal(text, f.Text[span.Offset:span.Offset+span.Len])
			}
			mu.Lock()
			if same {
				delete(r.state, span.ID)
			} else if !ok {
				r.state[span.ID] = entryState{gone: true}
			}
			mu.Unlock()
		}
		return nil
	})
}

// stateSteps returns the step that an entry's state of today is.
func (r *pastReading) stateSteps(id string, full bool) []history.Step {
	s, ok := r.state[id]
	step := history.Step{Commit: r.first, Dir: max(s.dir, 0), Only: true}
	switch {
	case !ok && !full:
		return nil
	case !ok, s.gone:
		step.Text = history.Gone
	}
	return []history.Step{step}
}

// stateTexts calls fn with the text that each entry has today.
func (r *pastReading) stateTexts(ctx context.Context, ids []string, fn func(int, [][]byte) error) error {
	for i, id := range ids {
		var text []byte
		if s := r.state[id]; s.text != nil {
			var err error
			if text, err = s2.Decode([]byte{}, s.text); err != nil {
				return fmt.Errorf("text of %s: %w", id, err)
			}
		}
		if err := fn(i, [][]byte{text}); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// said says in a few words what was read, and what could not be.
func (r *pastReading) said() string {
	switch n := r.log.Len() - r.first; {
	case r.h == nil && r.old == nil:
		return "its history is not at hand, and begins with this reading"
	case r.h == nil:
		return "what led from the last reading to this one is not at hand"
	default:
		return plural(n, "commit")
	}
}

// warnUnseen says what the source lacks.
func (r *pastReading) warnUnseen() {
	if r.h == nil {
		return
	}
	for _, p := range r.h.Unseen {
		r.e.warn("%s", strings.TrimPrefix(p.Error(), "history: "))
	}
}
