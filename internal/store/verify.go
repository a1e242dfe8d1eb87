package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"wontfix"
)

// maxFound is how many problems [DB.Verify] lists before it stops.
const maxFound = 100

// Verify reads the whole database and returns what is wrong with it: SQLite's
// own check of its pages, statements that cannot be unpacked or whose entry
// the catalog does not have, texts that are missing, frames and parts of
// the history that cannot be read, and counts that do not agree. A database without a problem is whole.
func (db *DB) Verify(ctx context.Context) ([]wontfix.Problem, error) {
	v := verifier{file: db.path}
	if err := v.pages(ctx, db); err != nil {
		return nil, err
	}
	for _, t := range db.trackers {
		v.tracker(ctx, db, t)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return v.found, nil
}

// A verifier gathers problems from several goroutines.
type verifier struct {
	file  string
	mu    sync.Mutex
	found []wontfix.Problem
}

func (v *verifier) add(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.found) < maxFound {
		v.found = append(v.found, wontfix.Problem{File: v.file, Text: fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) pages(ctx context.Context, db *DB) error {
	rows, err := db.sql.QueryContext(ctx, "pragma quick_check(10)")
	if err != nil {
		v.add("pages: %v", err)
		return ctx.Err()
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			v.add("pages: %v", err)
		} else if text != "ok" {
			v.add("pages: %s", text)
		}
	}
	if err := rows.Err(); err != nil {
		v.add("pages: %v", err)
	}
	return ctx.Err()
}

func (v *verifier) tracker(ctx context.Context, db *DB, t *tracker) {
	list, _, err := db.entries(ctx, t.Name)
	if err != nil {
		v.add("%s: %v", t.Name, err)
		return
	}
	if len(list) != t.counts.Entries {
		v.add("%s: has %d entries, and its row says %d", t.Name, len(list), t.counts.Entries)
	}
	statements := 0
	u := newUnpacker(t.catalog)
	var out []wontfix.Statement
	for p, err := range db.packed(ctx, t, Filter{}) {
		if err == nil {
			if out, err = u.unpack(out[:0], p, nil); err != nil {
				err = db.damagedBlob(p, err)
			}
		}
		if err != nil {
			v.add("%s: %v", t.Name, err)
			break
		}
		statements += len(out)
	}
	if statements != t.counts.Statements {
		v.add("%s: has %d statements, and its row says %d", t.Name, statements, t.counts.Statements)
	}
	var texts atomic.Int64
	err = db.Frames(ctx, t.Name, nil, func(f *Frame) error {
		texts.Add(int64(len(f.Files)))
		return nil
	})
	if err != nil {
		v.add("%s: %v", t.Name, err)
	} else {
		for _, e := range list {
			if e.size == 0 {
				texts.Add(1) // it may be in a frame or in none
			}
		}
		if n := int(texts.Load()); n < len(list) {
			v.add("%s: has %d texts for %d entries", t.Name, n, len(list))
		}
	}
	v.history(ctx, db, t)
	problems, err := db.Problems(ctx, t.Name)
	if err != nil {
		v.add("%s: %v", t.Name, err)
	} else if len(problems) != t.counts.Problems {
		v.add("%s: has %d problems, and its row says %d", t.Name, len(problems), t.counts.Problems)
	}
}

// history reads all that there is of the history of a tracker.
func (v *verifier) history(ctx context.Context, db *DB, t *tracker) {
	var rows, frames int
	err := db.sql.QueryRowContext(ctx, "select (select count(*) from history where tracker = ?1), (select count(*) from history_frame where tracker = ?1)", t.id).Scan(&rows, &frames)
	if err != nil {
		v.add("%s: %v", t.Name, db.failed(ctx, err))
		return
	}
	if t.history == "" {
		if rows+frames > 0 {
			v.add("%s: has a history, and its row says that it has none", t.Name)
		}
		return
	}
	log, err := db.log(ctx, t.Name)
	if err != nil {
		v.add("%s: %v", t.Name, err)
	}
	for n := range log {
		if _, err := log[n].unpack(); err != nil {
			v.add("%s: part %d of the log of its history: %v", t.Name, n, err)
		}
	}
	p, err := db.past(t)
	if err != nil {
		v.add("%s: %v", t.Name, err)
		return
	}
	if n := len(p.frames[versions]) + len(p.frames[origins]); n != frames {
		v.add("%s: has %d frames of history, and its list has %d", t.Name, frames, n)
	}
	for kind := range kinds {
		if err := db.eachPart(ctx, t.Name, kind, nil, func(string, []byte) error { return nil }); err != nil {
			v.add("%s: %v", t.Name, err)
		}
	}
}
