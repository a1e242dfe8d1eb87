package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"

	"wontfix"
)

// An Update is one reading of a tracker.
type Update struct {
	Tracker wontfix.Tracker
	Tool    string // name and version of the program that writes
	Cursor  string // where the next reading goes on
	Parser  string // version of the parser
	// Full says that the changes are the whole tracker. Otherwise they are
	// what changed since the cursor that the database has.
	Full bool
	// Base is the cursor from which the changes of an update that is not full
	// go on; if the database has another one by the time it is locked, nothing
	// is written, and the error is an ErrMoved. "" is not checked.
	Base string
	// Replace lets a full update take the place of a database of a later
	// version, whose other trackers are lost with it.
	Replace bool
	// History is what the reading adds to the history of the tracker. Without
	// it a full update leaves the tracker without a history, and one that is
	// not full keeps the history only if it has no change: versions are kept
	// relative to the texts of today.
	History *HistoryUpdate
}

// Stats says what [Apply] did and what the database now has of the tracker.
type Stats struct {
	Counts
	Changes int   // how many changes there were
	Size    int64 // bytes of the database
	// Discarded says why a database that was there before was not taken over:
	// a full update puts a new one in the place of one that cannot be read.
	Discarded error
}

// Apply brings the database at path to what an update says and makes it if
// there is none. A change with an entry takes the place of what the tracker
// had under its ID, in whatever file; one without takes away the entry of its
// file, and in either case the problems of the file are those of the change.
// The texts of a full update are best given in order of file.
//
// The database is built aside and then put in the place of the old one, which
// stays as it was after any error: of the changes, of the disk, or of ctx. A
// second Apply at the same time gets an ErrLocked. Data of other trackers is
// kept. An update that is not full needs a database that has the tracker.
func Apply(ctx context.Context, path string, u Update, changes iter.Seq2[wontfix.Change, error]) (Stats, error) {
	var stats Stats
	if u.Tracker.Name == "" {
		return stats, errors.New("update: the tracker has no name")
	}
	unlock, err := lock(path)
	if err != nil {
		return stats, err
	}
	defer unlock()
	old, err := Open(path)
	switch {
	case err == nil:
		defer old.Close()
		if _, err := old.tracker(u.Tracker.Name); err != nil && !u.Full {
			return stats, err
		}
		if now, _ := old.Cursor(u.Tracker.Name); !u.Full && u.Base != "" && now != u.Base {
			return stats, errorf(ErrMoved, "database %q: another sync has read %s in the meantime: run it again", path, u.Tracker.Name)
		}
	case errors.Is(err, ErrNewer) && !u.Replace:
		return stats, err
	case !u.Full || !isKind(err):
		return stats, err
	case !errors.Is(err, ErrMissing):
		stats.Discarded = err
	}
	aside := asideOf(path)
	defer os.Remove(aside) // after the rename there is nothing of this name
	w, err := newWriter(ctx, aside, old, u)
	if err != nil {
		return stats, err
	}
	err = w.run(ctx, changes, &stats)
	if err := errors.Join(err, w.db.Close()); err != nil {
		return stats, err
	}
	if err := ctx.Err(); err != nil {
		return stats, err
	}
	info, err := os.Stat(aside)
	if err != nil {
		return stats, fmt.Errorf("database: %w", err)
	}
	stats.Size = info.Size()
	if err := install(aside, path); err != nil {
		return stats, fmt.Errorf("database: %w", err)
	}
	return stats, nil
}

// isKind reports whether err says what is wrong with a database, and not that
// it could not be looked at.
func isKind(err error) bool {
	for _, kind := range []error{ErrMissing, ErrDamaged, ErrOlder, ErrNewer} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// A writer writes one update into a database that nobody else sees.
type writer struct {
	u       Update
	db      *sql.DB
	tx      *sql.Tx
	id      int // of the tracker
	old     *DB // the database before; nil if there is none
	build   *builder
	packer  packer
	count   int // statements
	changes int
	history string // version of the history; "" if there is none
	files   iter.Seq2[HistoryFile, error]
	compact bool
}

// newWriter makes the file aside: a copy of the old database, or, for a full
// update, a new one with the other trackers of the old.
func newWriter(ctx context.Context, aside string, old *DB, u Update) (_ *writer, err error) {
	w := &writer{u: u, old: old}
	defer func() {
		if err != nil && w.build != nil {
			w.build.frames.close()
		}
	}()
	if err := w.checkHistory(); err != nil {
		return nil, err
	}
	copied := make(chan error, 1)
	go func() {
		var err error
		if !u.Full {
			err = copyFile(old.path, aside)
		}
		copied <- err
	}()
	err = w.begin(ctx) // meanwhile
	if copyErr := <-copied; copyErr != nil {
		return nil, fmt.Errorf("database: %w", copyErr)
	}
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", uri(aside, "_pragma=page_size(8192)&_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=locking_mode(exclusive)&_pragma=cache_size(-16000)"))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	db.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			db.Close()
		}
	}()
	w.db = db
	if u.Full {
		if _, err := db.Exec(schema); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		if old != nil {
			if _, err := db.Exec("attach database ? as old", uri(old.path, "mode=ro&immutable=1")); err != nil {
				return nil, fmt.Errorf("database: %w", err)
			}
		}
	}
	if w.tx, err = db.Begin(); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if u.Full {
		err = w.takeOthers()
	}
	return w, err
}

// takeOthers takes over what the old database has of other trackers, and finds a
// number for this one.
func (w *writer) takeOthers() error {
	if w.old != nil {
		for _, q := range []string{
			"insert into main.tracker select * from old.tracker where name <> ?1",
			"insert into main.label select * from old.label where tracker in (select id from main.tracker)",
			"insert into main.packed select * from old.packed where label in (select id from main.label) order by source, label",
			"insert into main.catalog select * from old.catalog where tracker in (select id from main.tracker)",
			"insert into main.frame select * from old.frame where tracker in (select id from main.tracker) order by tracker, number",
			"insert into main.problem select * from old.problem where tracker in (select id from main.tracker)",
			"insert into main.history select * from old.history where tracker in (select id from main.tracker)",
			"insert into main.history_frame select * from old.history_frame where tracker in (select id from main.tracker) order by tracker, kind, number",
		} {
			args := []any{w.u.Tracker.Name}
			if !slices.Contains([]byte(q), '?') {
				args = nil
			}
			res, err := w.tx.Exec(q, args...)
			if err != nil {
				return fmt.Errorf("database: %w", err)
			}
			if n, err := res.RowsAffected(); args != nil && n == 0 && err == nil {
				break // there is no other tracker, and a damaged page is of no concern
			}
		}
	}
	if err := w.tx.QueryRow("select coalesce(max(id), 0) + 1 from tracker").Scan(&w.id); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// begin makes what gathers the changes, unless the update is full with the entries
// that the old database has.
func (w *writer) begin(ctx context.Context) error {
	var first uint32
	var entries []entry
	var t *tracker
	if !w.u.Full {
		var err error
		if entries, t, err = w.old.entries(ctx, w.u.Tracker.Name); err != nil {
			return err
		}
		w.id, w.count = t.id, t.counts.Statements
		if err := w.old.sql.QueryRowContext(ctx, "select coalesce(max(number) + 1, 0) from frame where tracker = ?", w.id).Scan(&first); err != nil {
			return w.old.failed(ctx, err)
		}
	}
	frames, err := newFramer(first)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	w.build = newBuilder(frames)
	w.packer.dict = w.build.dict
	if t != nil {
		w.build.start(entries, t.labels)
	}
	return nil
}

// run writes the changes and commits them.
func (w *writer) run(ctx context.Context, changes iter.Seq2[wontfix.Change, error], stats *Stats) (err error) {
	if err := w.gather(ctx, changes, stats); err != nil {
		return err
	}
	w.changes = stats.Changes
	if h := w.u.History; h != nil && h.Files != nil {
		n := filesAhead
		if !h.Full {
			n = filesUpdateAhead
		}
		files, stop := ahead(h.Files, n)
		defer stop()
		w.files = files
	}
	steps := []func(context.Context) error{w.writeLabels, w.writePacked, w.reframe, w.writeCatalog, w.writeProblems, w.writeHistory}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if stats.Counts, err = w.writeTracker(); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := w.tx.Commit(); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if w.compact {
		if _, err := w.db.Exec("vacuum"); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	return nil
}

// gather reads the changes and writes their texts as frames are finished.
func (w *writer) gather(ctx context.Context, changes iter.Seq2[wontfix.Change, error], stats *Stats) (err error) {
	insert, err := w.tx.Prepare("insert into frame (tracker, number, size, data) values (?, ?, ?, ?)")
	if err != nil {
		w.build.frames.close()
		for range w.build.frames.done {
		}
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	var stop stopper
	written := make(chan struct{})
	// The transaction is this goroutine's alone until written is closed.
	go func() {
		defer close(written)
		for f := range w.build.frames.done {
			if stop.err() == nil {
				if _, err := insert.Exec(w.id, f.number, f.size, f.data); err != nil {
					stop.set(fmt.Errorf("database: %w", err))
				}
			}
		}
	}()
	defer func() {
		w.build.frames.close()
		<-written
		err = cmp.Or(err, stop.err())
	}()
	for c, err := range changes {
		if err != nil {
			return err
		}
		if err := cmp.Or(ctx.Err(), stop.err()); err != nil {
			return err
		}
		stats.Changes++
		if err := w.build.add(&c); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) writeLabels(context.Context) error {
	for i := range w.build.labels {
		l := &w.build.labels[i]
		if l.id != 0 {
			continue
		}
		res, err := w.tx.Exec("insert into label (tracker, label, release) values (?, ?, ?)", w.id, l.text, l.written)
		if err != nil {
			return fmt.Errorf("database: %w", err)
		}
		id, err := res.LastInsertId()
		if err != nil {
			return fmt.Errorf("database: %w", err)
		}
		l.id = int(id)
	}
	return nil
}

func (w *writer) writeCatalog(context.Context) error {
	head, places := packCatalog(w.build.live())
	if _, err := w.tx.Exec("insert or replace into catalog (tracker, entries, places) values (?, ?, ?)", w.id, head, places); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

func (w *writer) writeProblems(context.Context) error {
	insert, err := w.tx.Prepare("insert into problem (tracker, changed, position, file, line, text) values (?, ?, ?, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	files := make([]string, 0, len(w.build.problems))
	for file, list := range w.build.problems {
		if len(list) > 0 || !w.u.Full {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	for _, file := range files {
		if !w.u.Full {
			if _, err := w.tx.Exec("delete from problem where tracker = ? and changed = ?", w.id, file); err != nil {
				return fmt.Errorf("database: %w", err)
			}
		}
		for i, p := range w.build.problems[file] {
			if _, err := insert.Exec(w.id, file, i, p.File, p.Line, p.Text); err != nil {
				return fmt.Errorf("database: %w", err)
			}
		}
	}
	return nil
}

// writeTracker counts what there is and writes the row of the tracker.
func (w *writer) writeTracker() (Counts, error) {
	counts := Counts{Entries: len(w.build.index), Statements: w.count}
	if err := w.tx.QueryRow("select count(*) from problem where tracker = ?", w.id).Scan(&counts.Problems); err != nil {
		return counts, err
	}
	t := w.u.Tracker
	_, err := w.tx.Exec(`insert or replace into tracker (id, name, title, source, revision, time, synced, page_url, line_url,
		cursor, parser, tool, entries, statements, problems, history) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.id, t.Name, t.Title, t.Source, t.Revision, timeText(t.Time), timeText(t.Synced), t.PageURL, t.LineURL,
		w.u.Cursor, w.u.Parser, w.u.Tool, counts.Entries, counts.Statements, counts.Problems, w.history)
	return counts, err
}
