package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/store"
	"wontfix/tracker"
)

// A past is the history of one tracker up to one commit, as the database has
// it.
type past struct {
	db   *store.DB
	spec tracker.Spec
	log  *history.Log
	at   int // number of the commit
}

// pastVersion is the version of what the database keeps of a tracker's
// history: of its form, of how it is judged, and of the parser that read the
// rows.
func pastVersion(spec *tracker.Spec) string {
	return history.Form + "/" + history.Judgement + "/" + spec.Parser
}

// openPast returns the history of a tracker, nil if the database has none that
// this program can read. Its commits are read when they are asked for; see
// [past.checked].
func openPast(ctx context.Context, db *store.DB, spec tracker.Spec) (*past, error) {
	if spec.Past == nil || db.HistoryVersion(spec.Name) == "" || otherForm(db, spec.Name) {
		return nil, nil
	}
	part, err := db.Log(ctx, spec.Name)
	if err != nil {
		return nil, err
	}
	log, err := history.UnpackLog(part)
	if err != nil {
		return nil, badLog(&spec, err)
	}
	if spec.CommitURL != "" {
		log.URL = func(id string) string { return strings.ReplaceAll(spec.CommitURL, "{commit}", id) }
	}
	return &past{db, spec, log, log.Tip()}, nil
}

// otherForm reports whether the database has a history of a tracker that this
// program cannot read, for one of another version has written it.
func otherForm(db *store.DB, name string) bool {
	form, _, ok := strings.Cut(db.HistoryVersion(name), "/")
	return ok && form != history.Form
}

// badLog says that commits cannot be read.
func badLog(spec *tracker.Spec, err error) error {
	return fmt.Errorf("history of %s: %w; build it anew with `wontfix sync --full`", spec.Name, err)
}

// load reads all commits.
func (p *past) load() error {
	if err := p.log.Load(); err != nil {
		return badLog(&p.spec, err)
	}
	return nil
}

// checked returns an error if a commit that was asked for could not be read.
func (p *past) checked() error {
	if err := p.log.Err(); err != nil {
		return badLog(&p.spec, err)
	}
	return nil
}

// cutOff reports whether the history begins later than the tracker, has states
// of which nobody knows what led to them, or lacks versions.
func (p *past) cutOff() bool {
	return p.log.Holes > 0 || slices.ContainsFunc(p.log.Gaps(), func(n int) bool {
		c := p.log.Commit(n)
		return len(c.Parents) == 0 || c.Author == ""
	})
}

// ids returns the IDs of all entries that have a history, sorted.
func (p *past) ids(ctx context.Context) ([]string, error) {
	ids, err := p.db.HistoryIDs(ctx, p.spec.Name)
	if err != nil || !p.log.Implied {
		return ids, err
	}
	entries, err := p.db.Catalog(ctx, p.spec.Name)
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// raw calls fn with the history of entries as it is packed, and the text that
// goes with it. It is called from several goroutines at once, in no order.
func (p *past) raw(ctx context.Context, ids []string, fn func(id string, packed, today []byte) error) error {
	const many = 4096 // so many texts are in memory at most
	for some := range slices.Chunk(ids, many) {
		texts, err := p.texts(ctx, some)
		if err == nil {
			err = p.versions(ctx, some, texts, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// texts returns the texts that entries have today; some have none.
func (p *past) texts(ctx context.Context, ids []string) (map[string]todayText, error) {
	const few = 64 // so many are read one by one
	name := p.spec.Name
	texts := make(map[string]todayText, len(ids))
	if len(ids) <= few {
		for _, id := range ids {
			file, text, err := p.db.Text(ctx, name, id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			texts[id] = todayText{file, text}
		}
		return texts, nil
	}
	var mu sync.Mutex
	err := p.db.Frames(ctx, name, ids, func(f *store.Frame) error {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range f.Files {
			texts[s.ID] = todayText{s.File, bytes.Clone(f.Text[s.Offset : s.Offset+s.Len])}
		}
		return nil
	})
	return texts, err
}

// A todayText is the text of an entry and where it is.
type todayText struct {
	file string
	text []byte
}

// versions calls fn with the packed history of entries, also of those that have
// been as they are since the history begins.
func (p *past) versions(ctx context.Context, ids []string, texts map[string]todayText, fn func(id string, packed, today []byte) error) error {
	var mu sync.Mutex
	found := make(map[string]bool, len(ids))
	err := p.db.EachVersions(ctx, p.spec.Name, ids, func(id string, data []byte) error {
		mu.Lock()
		found[id] = true
		mu.Unlock()
		return fn(id, data, texts[id].text)
	})
	if err != nil || !p.log.Implied {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return found[id] || texts[id].file == "" })
	var workers sync.WaitGroup
	var failed atomic.Pointer[error]
	for part := range slices.Chunk(rest, len(rest)/runtime.GOMAXPROCS(0)+1) {
		workers.Go(func() {
			for _, id := range part {
				t := texts[id]
				dir := max(slices.Index(p.spec.Dirs, path.Dir(t.file)), 0)
				if failed.Load() != nil {
					return
				}
				if err := fn(id, history.Unchanged(id, dir, t.text), t.text); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// files is as raw, with the history unpacked.
func (p *past) files(ctx context.Context, ids []string, fn func(*history.File) error) error {
	return p.raw(ctx, ids, func(id string, packed, today []byte) error {
		f, err := history.Unpack(id, packed, today)
		if err != nil {
			return p.damaged(id, err)
		}
		return fn(f)
	})
}

func (p *past) damaged(id string, err error) error {
	return fmt.Errorf("database %q: history of %s: %w; build it anew with `wontfix sync --full`", p.db.Path(), id, err)
}

// file returns the history of one entry, nil if it has none.
func (p *past) file(ctx context.Context, id string) (found *history.File, err error) {
	err = p.files(ctx, []string{id}, func(f *history.File) error {
		found = f
		return nil
	})
	return found, err
}

// trace follows the rows of one entry; nil if it has no history.
func (p *past) trace(ctx context.Context, id string) (*history.Trace, error) {
	f, err := p.file(ctx, id)
	if f == nil || err != nil {
		return nil, err
	}
	return history.NewTrace(p.log, p.spec.Past, f, p.at), nil
}

// An originReader says who decided about rows. At the newest commit that is
// kept ready, at an earlier one it is found out.
type originReader struct {
	p    *past
	mu   sync.Mutex
	rows map[string]*history.Origins
}

// origins returns what reads the origins of the rows of some entries. With
// lines, it is for the rows on those lines alone.
func (p *past) origins(ctx context.Context, ids []string, lines map[string][]int) (*originReader, error) {
	r := &originReader{p: p, rows: make(map[string]*history.Origins, len(ids))}
	if len(ids) == 0 {
		return r, nil
	}
	add := func(id string, o *history.Origins) {
		r.mu.Lock()
		r.rows[id] = o
		r.mu.Unlock()
	}
	if p.at == p.log.Tip() && p.db.HistoryVersion(p.spec.Name) == pastVersion(&p.spec) {
		return r, p.db.EachOrigins(ctx, p.spec.Name, ids, func(id string, data []byte) error {
			o, err := history.UnpackOrigins(p.log, data, lines[id])
			if err != nil {
				return p.damaged(id, err)
			}
			add(id, o)
			return nil
		})
	}
	return r, p.files(ctx, ids, func(f *history.File) error {
		add(f.ID, history.NewTrace(p.log, p.spec.Past, f, p.at).Origins())
		return nil
	})
}

// of returns who decided what a row says, nil if that is not known.
func (r *originReader) of(id string, line int) *wontfix.Origin {
	if o := r.rows[id]; o != nil {
		return o.At(line)
	}
	return nil
}
