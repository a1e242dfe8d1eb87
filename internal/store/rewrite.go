package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A form says how a database holds what it can hold compressed.
type form struct {
	blob func(b []byte, coded, texts int, plain []byte) []byte
	text func(plain []byte) []byte // a frame of texts
	past func(plain []byte) []byte // a frame of a history
}

// plainForm compresses nothing, so that the whole can be compressed better.
var plainForm = form{plainBlob, storedFrame, storedFrame}

// newPackedForm returns the form that [Apply] writes.
func newPackedForm() (form, error) {
	text, err := newTextEncoder()
	if err != nil {
		return form{}, err
	}
	past, err := newHistoryEncoder()
	if err != nil {
		return form{}, err
	}
	encode := func(z *zstd.Encoder) func([]byte) []byte {
		return func(plain []byte) []byte { return z.EncodeAll(plain, nil) }
	}
	return form{packBlob, encode(text), encode(past)}, nil
}

// maxBlock is the size of the largest block of zstd.
const maxBlock = 128 << 10

// storedFrame makes a frame of zstd whose blocks are raw (RFC 8878, section
// 3.1.1). It has the size of its content and no checksum.
func storedFrame(plain []byte) []byte {
	b := make([]byte, 0, len(plain)+9+3*(1+len(plain)/maxBlock))
	b = append(b, 0x28, 0xb5, 0x2f, 0xfd, 2<<6|1<<5)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(plain)))
	for {
		block := plain[:min(len(plain), maxBlock)]
		plain = plain[len(block):]
		head := uint32(len(block)) << 3
		if len(plain) == 0 {
			head |= 1
		}
		b = append(append(b, byte(head), byte(head>>8), byte(head>>16)), block...)
		if len(plain) == 0 {
			return b
		}
	}
}

// rewrite makes a database at to, where there must be none, that has what the
// one at from has, row by row in order of their keys, in another form. It is
// the same for databases that have the same, however their rows came together.
func rewrite(ctx context.Context, from, to string, f form) (err error) {
	old, err := Open(from)
	if err != nil {
		return err
	}
	defer old.Close()
	db, err := sql.Open("sqlite", uri(to, "_pragma=page_size(8192)&_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=locking_mode(exclusive)"))
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer tx.Rollback() // nothing after the commit
	r := &rewriter{old: old, tx: tx, form: f}
	for _, table := range []string{"tracker", "label", "catalog", "problem"} {
		if err := r.copy(ctx, table); err != nil {
			return err
		}
	}
	if err := errors.Join(r.blobs(ctx), r.texts(ctx)); err != nil {
		return err
	}
	for _, t := range old.trackers {
		if t.history != "" {
			if err := r.history(ctx, t); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

type rewriter struct {
	old  *DB
	tx   *sql.Tx
	form form
}

// rows calls fn with each row that a query to the old database finds.
func (r *rewriter) rows(ctx context.Context, fn func(rows *sql.Rows) error, query string, args ...any) error {
	rows, err := r.old.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return r.old.failed(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return r.old.failed(ctx, err)
	}
	return nil
}

// copy copies a table as it is.
func (r *rewriter) copy(ctx context.Context, table string) error {
	var insert *sql.Stmt
	var values, to []any
	defer func() {
		if insert != nil {
			insert.Close()
		}
	}()
	return r.rows(ctx, func(rows *sql.Rows) error {
		if insert == nil {
			names, err := rows.Columns()
			if err != nil {
				return r.old.failed(ctx, err)
			}
			values = make([]any, len(names))
			for i := range values {
				to = append(to, &values[i])
			}
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ")
			if insert, err = r.tx.PrepareContext(ctx, "insert into "+table+" ("+strings.Join(names, ", ")+") values ("+marks+")"); err != nil {
				return damaged(r.old.path, err.Error()) // it has another column
			}
		}
		if err := rows.Scan(to...); err != nil {
			return r.old.failed(ctx, err)
		}
		return r.insert(ctx, insert, values...)
	}, "select * from "+table)
}

func (r *rewriter) blobs(ctx context.Context) error {
	insert, err := r.tx.PrepareContext(ctx, "insert into packed (source, label, data) values (?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	var in blob
	var packed []byte
	return r.rows(ctx, func(rows *sql.Rows) error {
		var source string
		var label int
		var data sql.RawBytes
		if err := rows.Scan(&source, &label, &data); err != nil {
			return r.old.failed(ctx, err)
		}
		rest, coded, texts := in.open(data)
		if rest.bad {
			return damaged(r.old.path, fmt.Sprintf("statements of %s: %v", source, errBytes))
		}
		packed = r.form.blob(packed[:0], coded, texts, rest.data)
		return r.insert(ctx, insert, source, label, packed)
	}, "select source, label, data from packed order by source, label")
}

func (r *rewriter) insert(ctx context.Context, insert *sql.Stmt, args ...any) error {
	if _, err := insert.ExecContext(ctx, args...); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

func (r *rewriter) texts(ctx context.Context) error {
	insert, err := r.tx.PrepareContext(ctx, "insert into frame (tracker, number, size, data) values (?, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	var plain []byte
	return r.rows(ctx, func(rows *sql.Rows) error {
		var tracker, number, size int
		var data sql.RawBytes
		if err := rows.Scan(&tracker, &number, &size, &data); err != nil {
			return r.old.failed(ctx, err)
		}
		var err error
		if plain, err = unframe(plain[:0], data, size); err != nil {
			return damaged(r.old.path, fmt.Sprintf("texts: frame %d: %v", number, err))
		}
		return r.insert(ctx, insert, tracker, number, size, r.form.text(plain))
	}, "select tracker, number, size, data from frame order by tracker, number")
}

// history rewrites the history of a tracker, whose list of frames has their
// sums.
func (r *rewriter) history(ctx context.Context, t *tracker) error {
	p, err := r.old.past(t)
	if err != nil {
		return err
	}
	insert, err := r.tx.PrepareContext(ctx, "insert into history_frame (tracker, kind, number, data) values (?, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	var frames [kinds][]pastFrame
	var plain []byte
	for kind := range kinds {
		frames[kind] = slices.Clone(p.frames[kind])
		for i := range frames[kind] {
			f := &frames[kind][i]
			if plain, err = r.old.pastFrame(ctx, t, kind, *f, plain[:0]); err != nil {
				return err
			}
			data := r.form.past(plain)
			f.sum = checksum(data)
			if err := r.insert(ctx, insert, t.id, kind, f.number, data); err != nil {
				return err
			}
		}
	}
	var log []byte
	err = r.old.blob(ctx, func(data []byte) error {
		log = bytes.Clone(data)
		return nil
	}, "select log from history where tracker = ?", t.id)
	if err != nil {
		return r.old.failed(ctx, fmt.Errorf("history of %s: log: %w", t.Name, err))
	}
	if _, err := r.tx.ExecContext(ctx, "insert into history (tracker, entries, log) values (?, ?, ?)", t.id, packPast(p.entries(), frames), log); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}
