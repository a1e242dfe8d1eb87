package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A form says how a database holds what it can hold compressed.
type form struct {
	text func(plain []byte) []byte // a frame of texts
	past func(plain []byte) []byte // a frame of a history
	// exported is the form of what [Export] compresses as a whole. In it
	// nothing is compressed, entries about the same packages lie beside each
	// other, nothing is kept that no entry has any more, and the rows of a blob
	// are columns.
	exported bool
}

var exportedForm = form{storedFrame, storedFrame, true}

// newPackedForm returns the form that [Apply] writes.
func newPackedForm() (form, error) {
	text, err := newTextEncoder()
	if err != nil {
		return form{}, err
	}
	past, err := newHistoryEncoder(historyLevel)
	if err != nil {
		return form{}, err
	}
	encode := func(z *zstd.Encoder) func([]byte) []byte {
		return func(plain []byte) []byte { return z.EncodeAll(plain, nil) }
	}
	return form{encode(text), encode(past), false}, nil
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
// one at from has in the other form, row by row in order of their keys. In the
// form of exports it is the same for databases that have the same, however their
// rows came together.
func rewrite(ctx context.Context, from, to string, f form) (err error) {
	ids := [2]uint32{applicationID, exportedID}
	if !f.exported {
		ids[0], ids[1] = ids[1], ids[0]
	}
	old, err := open(from, ids[0])
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
	if _, err := db.ExecContext(ctx, schema+fmt.Sprintf("pragma application_id = %d;", ids[1])); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer tx.Rollback() // nothing after the commit
	r := &rewriter{old: old, tx: tx, form: f, dir: filepath.Dir(to)}
	for _, table := range []string{"tracker", "label", "problem"} {
		if err := r.copy(ctx, table); err != nil {
			return err
		}
	}
	if err := r.blobs(ctx); err != nil {
		return err
	}
	for _, t := range old.trackers {
		if err := r.entries(ctx, t); err != nil {
			return err
		}
	}
	return tx.Commit()
}

type rewriter struct {
	old  *DB
	tx   *sql.Tx
	form form
	dir  string // of the new database
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
	var c columns
	return r.rows(ctx, func(rows *sql.Rows) error {
		var source string
		var label int
		var data sql.RawBytes
		if err := rows.Scan(&source, &label, &data); err != nil {
			return r.old.failed(ctx, err)
		}
		turned, err := c.turn(source, data, r.form.exported)
		if err != nil {
			return damaged(r.old.path, fmt.Sprintf("statements of %s: %v", source, err))
		}
		return r.insert(ctx, insert, source, label, turned)
	}, "select source, label, data from packed order by source, label")
}

func (r *rewriter) insert(ctx context.Context, insert *sql.Stmt, args ...any) error {
	if _, err := insert.ExecContext(ctx, args...); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// entries rewrites the catalog of a tracker with the texts, and the history.
func (r *rewriter) entries(ctx context.Context, t *tracker) error {
	list, _, err := r.old.entries(ctx, t.Name)
	if err != nil {
		return err
	}
	var order []int
	if r.form.exported {
		if order, err = r.old.byMatter(ctx, t); err != nil {
			return err
		}
	}
	if err := r.texts(ctx, t, list, order); err != nil {
		return err
	}
	head, places := packCatalog(list)
	if _, err := r.tx.ExecContext(ctx, "insert into catalog (tracker, entries, places) values (?, ?, ?)", t.id, head, places); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if t.history == "" {
		return nil
	}
	return r.history(ctx, t, order)
}

// byMatter returns the entries of the catalog of a tracker by the sources that
// they speak of, then in the catalog's order.
func (db *DB) byMatter(ctx context.Context, t *tracker) ([]int, error) {
	of := make([][]uint32, t.catalog.len()) // the sources of each entry
	var in blob
	source, last := uint32(0), ""
	for p, err := range db.packed(ctx, t, Filter{}) {
		if err != nil {
			return nil, err
		}
		if p.source != last {
			source, last = source+1, p.source
		}
		if err := in.read(p.data, p.common()); err != nil {
			return nil, db.damagedBlob(p, err)
		}
		at := 0
		for i := range in.len() {
			entry := t.catalog.of(&in, i, &at)
			if entry < 0 {
				return nil, db.damagedBlob(p, errBytes)
			}
			if list := of[entry]; len(list) == 0 || list[len(list)-1] != source {
				of[entry] = append(list, source)
			}
		}
	}
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(of[a], of[b]) })
	return order, nil
}

// texts rewrites the frames of the texts of a tracker and says in its entries
// where they are then; in another order unless that is nil.
func (r *rewriter) texts(ctx context.Context, t *tracker, entries []entry, order []int) error {
	insert, err := r.tx.PrepareContext(ctx, "insert into frame (tracker, number, size, data) values (?, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	write := func(number uint32, plain []byte) error {
		return r.insert(ctx, insert, t.id, number, len(plain), r.form.text(plain))
	}
	each := func(fn func(number uint32, plain []byte) error) error {
		var plain []byte
		return r.rows(ctx, func(rows *sql.Rows) error {
			var number uint32
			var size int
			var data sql.RawBytes
			if err := rows.Scan(&number, &size, &data); err != nil {
				return r.old.failed(ctx, err)
			}
			var err error
			if plain, err = unframe(plain[:0], data, size); err != nil {
				return damaged(r.old.path, fmt.Sprintf("texts of %s: frame %d: %v", t.Name, number, err))
			}
			return fn(number, plain)
		}, "select number, size, data from frame where tracker = ? order by number", t.id)
	}
	if order == nil {
		return each(write)
	}
	f, err := r.unpack(each)
	if err != nil {
		return err
	}
	defer f.close()
	to := joiner{size: frameSize, write: write}
	for _, i := range order {
		e := &entries[i]
		if e.size == 0 {
			e.frame, e.offset = 0, 0
			continue
		}
		text, err := f.part(e.frame, e.offset, e.size)
		if err != nil {
			return damaged(r.old.path, fmt.Sprintf("text of %s: %v", e.id, err))
		}
		if len(to.text)+len(text) > frameSize {
			if err := to.flush(); err != nil {
				return err
			}
		}
		if e.frame, e.offset, err = to.add(text); err != nil {
			return err
		}
	}
	return to.flush()
}

// history rewrites the history of a tracker, whose list of frames has their
// sums; in another order of the catalog unless that is nil.
func (r *rewriter) history(ctx context.Context, t *tracker, order []int) error {
	p, err := r.old.past(t)
	if err != nil {
		return err
	}
	insert, err := r.tx.PrepareContext(ctx, "insert into history_frame (tracker, kind, number, data) values (?, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	entries := p.entries()
	var frames [kinds][]pastFrame
	for kind := range kinds {
		write := func(number uint32, plain []byte) error {
			data := r.form.past(plain)
			frames[kind] = append(frames[kind], pastFrame{number, uint32(len(plain)), checksum(data)})
			return r.insert(ctx, insert, t.id, kind, number, data)
		}
		each := func(fn func(number uint32, plain []byte) error) error {
			var plain []byte
			for _, f := range p.frames[kind] {
				var err error
				if plain, err = r.old.pastFrame(ctx, t, kind, f, plain[:0]); err != nil {
					return err
				}
				if err := fn(f.number, plain); err != nil {
					return err
				}
			}
			return nil
		}
		if order == nil {
			err = each(write)
		} else {
			err = r.parts(t, kind, p, entries, order, each, write)
		}
		if err != nil {
			return err
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
	if _, err := r.tx.ExecContext(ctx, "insert into history (tracker, entries, log) values (?, ?, ?)", t.id, packPast(entries, frames), log); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// parts writes the parts of one kind in an order of the catalog, then those of
// entries that are gone, and says in entries where they are.
func (r *rewriter) parts(t *tracker, kind int, p *past, entries []pastEntry, order []int, each func(func(uint32, []byte) error) error, write func(uint32, []byte) error) error {
	f, err := r.unpack(each)
	if err != nil {
		return err
	}
	defer f.close()
	var list []int
	seen := make([]bool, len(entries))
	for _, i := range order {
		if n := p.find(t.catalog.id(i)); n >= 0 {
			list, seen[n] = append(list, n), true
		}
	}
	for n := range entries {
		if !seen[n] {
			list = append(list, n)
		}
	}
	to := joiner{size: historyFrame[kind], write: write}
	for _, n := range list {
		s := &entries[n].spans[kind]
		if s.size == 0 {
			continue
		}
		part, err := f.part(s.frame, s.offset, s.size)
		if err != nil {
			return damaged(r.old.path, fmt.Sprintf("history of %s: %v", p.id(n), err))
		}
		if s.frame, s.offset, err = to.add(part); err != nil {
			return err
		}
	}
	return to.flush()
}

// A joiner joins parts into frames of a size or more.
type joiner struct {
	size   int
	write  func(number uint32, frame []byte) error
	number uint32
	text   []byte
}

// add appends a part and returns where it is.
func (j *joiner) add(part []byte) (frame, offset uint32, err error) {
	frame, offset = j.number, uint32(len(j.text))
	j.text = append(j.text, part...)
	if len(j.text) >= j.size {
		err = j.flush()
	}
	return frame, offset, err
}

// flush writes the frame that is being filled.
func (j *joiner) flush() error {
	if len(j.text) == 0 {
		return nil
	}
	err := j.write(j.number, j.text)
	j.number, j.text = j.number+1, j.text[:0]
	return err
}

// unpacked are frames unpacked in a file, so that parts of them can be read in
// any order.
type unpacked struct {
	file   *os.File
	frames map[uint32]frameAt
	text   []byte
}

type frameAt struct {
	at   int64
	size int
}

// unpack unpacks the frames that each yields into a file beside the database
// that is written. The caller closes what it returns.
func (r *rewriter) unpack(each func(func(number uint32, plain []byte) error) error) (u *unpacked, err error) {
	file, err := os.CreateTemp(r.dir, "frames-*")
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	u = &unpacked{file: file, frames: map[uint32]frameAt{}}
	at := int64(0)
	err = each(func(number uint32, plain []byte) error {
		u.frames[number] = frameAt{at, len(plain)}
		at += int64(len(plain))
		if _, err := file.Write(plain); err != nil {
			return fmt.Errorf("database: %w", err)
		}
		return nil
	})
	if err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

// close takes the file away.
func (u *unpacked) close() {
	u.file.Close()
	os.Remove(u.file.Name())
}

// part returns a part of a frame. It is valid until the next one is read.
func (u *unpacked) part(frame, offset, size uint32) ([]byte, error) {
	f, ok := u.frames[frame]
	if !ok || uint64(offset)+uint64(size) > uint64(f.size) {
		return nil, errBytes
	}
	u.text = slices.Grow(u.text[:0], int(size))[:size]
	_, err := u.file.ReadAt(u.text, f.at+int64(offset))
	return u.text, err
}
