// Package store keeps what trackers say in one SQLite file: statements packed
// into a blob for each source package and release, the texts of the entries in
// compressed frames, and beside them how the entries came to what they are. It
// knows no tracker's format.
//
// A database is never changed in place. [Apply] builds the next one beside it
// and renames it over the old one, so that a reader sees one or the other, and
// a writer that is killed leaves the old one as it was.
package store

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"wontfix"
)

//go:embed schema.sql
var schema string

// Version is the version of the schema that this package reads and writes.
const Version = 4

// applicationID stands in the header of every database: "wfix".
const applicationID = 0x77666978

// exportedID stands in the header of what an export is made of: "wfip".
const exportedID = 0x77666970

// What an error of this package is about; see [errors.Is].
var (
	ErrMissing  = errors.New("no database")
	ErrDamaged  = errors.New("database damaged")
	ErrNewer    = errors.New("database of a later version")
	ErrOlder    = errors.New("database of an earlier version")
	ErrNotFound = errors.New("not found")
	ErrLocked   = errors.New("database being written")
	ErrMoved    = errors.New("database written by another")
	ErrForeign  = errors.New("file of another program") // is never overwritten
)

// kindError is an error whose text says all and that [errors.Is] takes for kind.
type kindError struct {
	kind error
	text string
}

func (e *kindError) Error() string { return e.text }
func (e *kindError) Unwrap() error { return e.kind }

func errorf(kind error, format string, args ...any) error {
	return &kindError{kind, fmt.Sprintf(format, args...)}
}

func damaged(path, what string) error {
	return errorf(ErrDamaged, "database %q: %s: build it anew with `wontfix sync --full`", path, what)
}

// A DB is an open database, for reading. Its methods may be called from
// several goroutines.
type DB struct {
	path     string
	sql      *sql.DB
	trackers []*tracker
}

type tracker struct {
	wontfix.Tracker
	id             int
	cursor, parser string
	counts         Counts
	labels         []label
	byLabel        map[string]int // index in labels

	once    sync.Once
	catalog *catalog
	err     error
	last    lastText

	history  string // version; "" if there is none
	pastOnce sync.Once
	past     *past
	pastErr  error
}

type label struct {
	id      int
	text    string
	release wontfix.Release
}

// Counts says how much a database has of one tracker.
type Counts struct {
	Entries    int
	Statements int
	Problems   int
}

// Open opens the database at path for reading. The error is an ErrMissing if
// there is no such file, an ErrOlder or ErrNewer if it has another schema, and
// an ErrDamaged if it is no database of this program or has been cut short.
func Open(path string) (*DB, error) { return open(path, applicationID) }

func open(path string, id uint32) (*DB, error) {
	if err := checkHeader(path, id); err != nil {
		return nil, err
	}
	handle, err := sql.Open("sqlite", uri(path, "mode=ro&immutable=1&_pragma=cache_size(-256)&_pragma=cell_size_check(1)"))
	if err != nil {
		return nil, damaged(path, err.Error())
	}
	db := &DB{path: path, sql: handle}
	if err := db.readTrackers(); err != nil {
		handle.Close()
		return nil, damaged(path, err.Error())
	}
	return db, nil
}

// Close closes the database.
func (db *DB) Close() error { return db.sql.Close() }

// uri returns the name of a file for SQLite in a form in which no character of
// the path means anything.
func uri(path, options string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: options}).String()
}

// checkHeader reads the first hundred bytes, of which SQLite's file format
// defines those that are looked at (https://sqlite.org/fileformat2.html,
// section 1.3).
func checkHeader(path string, id uint32) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errorf(ErrMissing, "database %q does not exist: make it with `wontfix sync` or `wontfix db import`", path)
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if !info.Mode().IsRegular() {
		return errorf(ErrForeign, "database %q is not a file: give the path of a database", path)
	}
	const magic = "SQLite format 3\x00"
	var head [100]byte
	n, err := io.ReadFull(f, head[:])
	switch {
	case err != nil && n > 0 && err != io.ErrUnexpectedEOF:
		return fmt.Errorf("database: %w", err)
	case n > 0 && string(head[:min(n, 16)]) != magic[:min(n, 16)]:
		return errorf(ErrForeign, "%q is not a database: give another path", path)
	case n < len(head):
		return damaged(path, "ends in its header")
	case binary.BigEndian.Uint32(head[68:]) != id:
		return errorf(ErrForeign, "database %q was made by another program: give another path", path)
	}
	switch v := binary.BigEndian.Uint32(head[60:]); {
	case v > Version:
		return errorf(ErrNewer, "database %q was written by a newer wontfix (schema %d, this one reads %d): upgrade wontfix, or build a new one in its place with `wontfix sync --full`, without the other trackers that it has", path, v, Version)
	case v < Version:
		return errorf(ErrOlder, "database %q was written by an older wontfix (schema %d, this one reads %d): run `wontfix sync`", path, v, Version)
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 65536
	}
	if pages := int64(binary.BigEndian.Uint32(head[28:])); info.Size() != page*pages {
		return damaged(path, fmt.Sprintf("has %d bytes, and its header says %d", info.Size(), page*pages))
	}
	return nil
}

func (db *DB) readTrackers() error {
	rows, err := db.sql.Query(`select t.id, t.name, t.title, t.source, t.revision, t.time, t.synced, t.page_url, t.line_url,
		t.cursor, t.parser, t.entries, t.statements, t.problems, t.history, l.id, l.label, l.release
		from tracker t left join label l on l.tracker = t.id order by t.name, l.label`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		t := &tracker{byLabel: map[string]int{}}
		var made, synced string
		var id sql.NullInt64
		var text, release sql.NullString
		if err := rows.Scan(&t.id, &t.Name, &t.Title, &t.Source, &t.Revision, &made, &synced, &t.PageURL, &t.LineURL,
			&t.cursor, &t.parser, &t.counts.Entries, &t.counts.Statements, &t.counts.Problems, &t.history, &id, &text, &release); err != nil {
			return err
		}
		if n := len(db.trackers); n > 0 && db.trackers[n-1].id == t.id {
			t = db.trackers[n-1]
		} else {
			db.trackers = append(db.trackers, t)
			t.Time, t.Synced = parseTime(made), parseTime(synced)
		}
		if !id.Valid {
			continue
		}
		r, err := parseRelease(release.String)
		if err != nil {
			return fmt.Errorf("label %q: %w", text.String, err)
		}
		t.byLabel[text.String] = len(t.labels)
		t.labels = append(t.labels, label{int(id.Int64), text.String, r})
	}
	return rows.Err()
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// tracker returns the tracker with a name, or an ErrNotFound.
func (db *DB) tracker(name string) (*tracker, error) {
	for _, t := range db.trackers {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, errorf(ErrNotFound, "tracker %q: not in the database: run `wontfix sync`", name)
}

// open returns the tracker with a name and its catalog unpacked.
func (db *DB) open(ctx context.Context, name string) (*tracker, error) {
	t, err := db.tracker(name)
	if err != nil {
		return nil, err
	}
	t.once.Do(func() {
		// Not ctx: what is read serves every later caller too.
		t.err = db.blob(context.Background(), func(data []byte) (err error) {
			t.catalog, err = readCatalog(data)
			return err
		}, "select entries from catalog where tracker = ?", t.id)
	})
	if t.err != nil {
		return nil, damaged(db.path, fmt.Sprintf("catalog of %s: %v", name, t.err))
	}
	return t, ctx.Err()
}

// blob calls fn with the one value that a query gives. It is valid until fn
// returns.
func (db *DB) blob(ctx context.Context, fn func([]byte) error, query string, args ...any) error {
	rows, err := db.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	var data sql.RawBytes // not a copy of what is read once
	if err := rows.Scan(&data); err != nil {
		return err
	}
	return fn(data)
}

// Expect reads what every answer about a tracker needs. That it cannot be read
// is said when it is needed.
func (db *DB) Expect(name string) {
	if t, err := db.open(context.Background(), name); err == nil && t.history != "" {
		db.past(t)
	}
}

// Path returns the path that the database was opened at.
func (db *DB) Path() string { return db.path }

// Trackers returns the trackers that the database has, in order of name.
func (db *DB) Trackers() []wontfix.Tracker {
	list := make([]wontfix.Tracker, 0, len(db.trackers))
	for _, t := range db.trackers {
		list = append(list, t.Tracker)
	}
	return list
}

// Cursor returns where the next reading of a tracker goes on, and the version
// of the parser that read its texts. Both are "" if the database does not have
// the tracker.
func (db *DB) Cursor(name string) (cursor, parser string) {
	t, err := db.tracker(name)
	if err != nil {
		return "", ""
	}
	return t.cursor, t.parser
}

// Counts says how much the database has of a tracker.
func (db *DB) Counts(name string) Counts {
	t, err := db.tracker(name)
	if err != nil {
		return Counts{}
	}
	return t.counts
}

// Labels returns the releases that a tracker speaks of, by its own spelling.
func (db *DB) Labels(name string) map[string]wontfix.Release {
	labels := map[string]wontfix.Release{}
	if t, err := db.tracker(name); err == nil {
		for _, l := range t.labels {
			labels[l.text] = l.release
		}
	}
	return labels
}

// Catalog returns the entries of a tracker: ids with a year and a number first,
// in that order, then the others by code point.
func (db *DB) Catalog(ctx context.Context, name string) ([]CatalogEntry, error) {
	list, _, err := db.entries(ctx, name)
	if err != nil {
		return nil, err
	}
	entries := make([]CatalogEntry, len(list))
	for i, e := range list {
		entries[i] = CatalogEntry{e.id, e.file, dayText(e.day), e.priority, e.withdrawn, int(e.size)}
	}
	return entries, nil
}

// entries returns the whole catalog of a tracker.
func (db *DB) entries(ctx context.Context, name string) ([]entry, *tracker, error) {
	t, err := db.open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	var list []entry
	err = db.blob(ctx, func(places []byte) (err error) {
		list, err = t.catalog.entries(places)
		return err
	}, placesOf, t.id)
	if err != nil {
		return nil, nil, db.failed(ctx, fmt.Errorf("places of %s: %w", name, err))
	}
	return list, t, nil
}

// placesOf asks where the texts of a tracker are.
const placesOf = "select places from catalog where tracker = ?"

// failed turns an error of SQLite into one of this package.
func (db *DB) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return damaged(db.path, err.Error())
}

// Problems returns the lines of a tracker that could not be read, in order of
// file and line.
func (db *DB) Problems(ctx context.Context, name string) ([]wontfix.Problem, error) {
	t, err := db.tracker(name)
	if err != nil {
		return nil, err
	}
	rows, err := db.sql.QueryContext(ctx, "select file, line, text from problem where tracker = ? order by file, line, changed, position", t.id)
	if err != nil {
		return nil, db.failed(ctx, err)
	}
	defer rows.Close()
	var problems []wontfix.Problem
	for rows.Next() {
		var p wontfix.Problem
		if err := rows.Scan(&p.File, &p.Line, &p.Text); err != nil {
			return nil, db.failed(ctx, err)
		}
		problems = append(problems, p)
	}
	if err := rows.Err(); err != nil {
		return nil, db.failed(ctx, err)
	}
	return problems, nil
}
