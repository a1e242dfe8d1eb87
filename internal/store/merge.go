package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"wontfix"
)

// A blobKey names one row of the table packed: the label by its number in the
// builder, and the source.
type blobKey struct {
	label  int
	source string
}

// writePacked writes the blobs of the sources and labels that the changes
// speak of, or spoke of.
func (w *writer) writePacked(ctx context.Context) error {
	var old []blobKey
	b := w.build
	if !w.u.Full && len(b.touched)+len(b.named) > 0 {
		var err error
		if old, err = w.touchedBlobs(ctx); err != nil {
			return err
		}
	}
	keys := old
	seen := map[blobKey]bool{}
	for _, k := range old {
		seen[k] = true
	}
	for _, src := range b.order {
		for l := range src.rows {
			if k := (blobKey{l, src.name}); len(src.rows[l].data) > 0 && !seen[k] {
				keys = append(keys, k)
			}
		}
	}
	slices.SortFunc(keys, func(x, y blobKey) int {
		if c := strings.Compare(x.source, y.source); c != 0 {
			return c
		}
		return b.labels[x.label].id - b.labels[y.label].id
	})
	return w.writeBlobs(ctx, keys)
}

// touchedBlobs returns the old blobs in which the entries that changed have other
// rows than before. Most that an entry has a row in say the same as they did: such
// rows are taken out of what is to be written.
func (w *writer) touchedBlobs(ctx context.Context) ([]blobKey, error) {
	t, err := w.old.tracker(w.u.Tracker.Name)
	if err != nil {
		return nil, err
	}
	var keys []blobKey
	var in blob
	var before, now []row
	// Most codes are not touched. A set of bits says so faster than a map.
	var maybe [1 << 10]uint64
	for c := range w.build.touched {
		h := spread(c)
		maybe[h>>6] |= 1 << (h & 63)
	}
	for p, err := range w.old.packed(ctx, t, Filter{}) {
		if err != nil {
			return nil, err
		}
		r, coded, texts := in.open(p.data)
		in.readCodes(&r, coded)
		hit := texts > 0 && len(w.build.named) > 0
		if r.bad {
			return nil, w.old.damagedBlob(p, errBytes)
		}
		for _, c := range in.codes {
			if h := spread(c); maybe[h>>6]&(1<<(h&63)) != 0 {
				if _, hit = w.build.touched[c]; hit {
					break
				}
			}
		}
		if !hit {
			continue
		}
		l := w.build.byLabel[p.label.text]
		err := in.readSayings(r, texts, &wontfix.Statement{Source: p.source, Label: p.label.text, Release: p.label.release})
		if err == nil {
			before, err = w.rowsOf(before[:0], &in, &w.build.labels[l], false)
		}
		if err != nil {
			return nil, w.old.damagedBlob(p, err)
		}
		now = now[:0]
		src := w.build.sources[p.source]
		if src != nil && int(l) < len(src.rows) {
			now = w.build.rows(now, &src.rows[l])
			sortRows(now)
		}
		switch {
		case !slices.Equal(before, now):
			keys = append(keys, blobKey{int(l), p.source})
		case len(now) > 0:
			src.rows[l] = packedRows{}
		}
	}
	return keys, nil
}

// spread spreads codes over 16 bits.
func spread(c code) uint32 { return uint32(uint64(c) * 0x9e3779b97f4a7c15 >> 48) }

// writeBlobs packs the blobs with the given keys anew.
func (w *writer) writeBlobs(ctx context.Context, keys []blobKey) error {
	insert, err := w.tx.Prepare("insert or replace into packed (source, label, data) values (?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	read, err := w.tx.Prepare("select data from packed where source = ? and label = ?")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer read.Close()
	var rows []row
	var data []byte
	var in blob
	for i, k := range keys {
		if i%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		l := &w.build.labels[k.label]
		rows = rows[:0]
		if !w.u.Full {
			if rows, err = w.oldRows(rows, read, &in, l, k.source); err != nil {
				return err
			}
		}
		if src := w.build.sources[k.source]; src != nil && k.label < len(src.rows) {
			n := len(rows)
			rows = w.build.rows(rows, &src.rows[k.label])
			w.count += len(rows) - n
		}
		if len(rows) == 0 {
			if _, err := w.tx.Exec("delete from packed where source = ? and label = ?", k.source, l.id); err != nil {
				return fmt.Errorf("database: %w", err)
			}
			continue
		}
		sortRows(rows)
		data = w.packer.pack(data[:0], rows)
		if _, err := insert.Exec(k.source, l.id, data); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	return nil
}

// oldRows appends the rows of an old blob that still count.
func (w *writer) oldRows(rows []row, read *sql.Stmt, in *blob, l *newLabel, source string) ([]row, error) {
	var data []byte
	err := read.QueryRow(source, l.id).Scan(&data)
	if err == sql.ErrNoRows {
		return rows, nil
	}
	if err == nil {
		err = in.read(data, &wontfix.Statement{Source: source, Label: l.text, Release: l.release})
	}
	n := len(rows)
	if err == nil {
		rows, err = w.rowsOf(rows, in, l, true)
	}
	if err != nil {
		return nil, damaged(w.old.path, fmt.Sprintf("statements of %s in %s: %v", source, l.text, err))
	}
	w.count -= in.len() - (len(rows) - n)
	return rows, nil
}

// rowsOf appends the rows of an old blob that still count, or those that do not.
func (w *writer) rowsOf(rows []row, in *blob, l *newLabel, count bool) ([]row, error) {
	ids := make([]uint32, len(in.says))
	for i := range in.says {
		ids[i] = math.MaxUint32 // not numbered yet
	}
	for i := range in.len() {
		says, line, evidence, ok := in.next()
		if !ok {
			return nil, errBytes
		}
		r := row{line: uint32(line)}
		if in.modes[says] == evidenceOwn {
			r.evidence = uint32(evidence)
		}
		gone := false
		if i < len(in.codes) {
			r.code = in.codes[i]
			_, gone = w.build.touched[r.code]
		} else {
			r.name = in.names[i-len(in.codes)]
			_, gone = w.build.named[r.name]
		}
		if gone == count {
			continue
		}
		if ids[says] == math.MaxUint32 {
			ids[says] = w.build.dict.again(&in.says[says], in.modes[says], l.release)
		}
		r.saying = ids[says]
		rows = append(rows, r)
	}
	return rows, nil
}

// reframe writes all texts anew if more than a quarter of what the frames have
// is of no entry any more.
func (w *writer) reframe(ctx context.Context) error {
	var total int64
	if err := w.tx.QueryRow("select coalesce(sum(size), 0) from frame where tracker = ?", w.id).Scan(&total); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if live := w.build.size(); total-live <= total/4 {
		return nil
	}
	var next uint32
	if err := w.tx.QueryRow("select max(number) + 1 from frame where tracker = ?", w.id).Scan(&next); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := w.moveTexts(ctx, next); err != nil {
		return err
	}
	for _, q := range []string{
		"delete from frame where tracker = ?1 and number < ?2",
		"update frame set number = number - ?2 where tracker = ?1",
	} {
		if _, err := w.tx.Exec(q, w.id, next); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	for i := range w.build.entries {
		if e := &w.build.entries[i]; !w.build.dead[i] {
			e.frame -= next
		}
	}
	w.compact = true
	return nil
}

// moveTexts writes the texts of the live entries, in order of file, into
// frames from next on.
func (w *writer) moveTexts(ctx context.Context, next uint32) error {
	var order []int
	for i := range w.build.entries {
		if !w.build.dead[i] {
			order = append(order, i)
		}
	}
	entries := w.build.entries
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(entries[a].file, entries[b].file) })
	frames, err := newFramer(next)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	var finished []compressed
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		for f := range frames.done {
			finished = append(finished, f)
		}
	}()
	texts := textCache{w: w}
	for _, i := range order {
		var text []byte
		if text, err = texts.text(&entries[i]); err != nil {
			break
		}
		if err = ctx.Err(); err != nil {
			break
		}
		entries[i].frame, entries[i].offset, entries[i].size = frames.add(text)
	}
	frames.close()
	<-taken
	if err != nil {
		return err
	}
	for _, f := range finished {
		if _, err := w.tx.Exec("insert into frame (tracker, number, size, data) values (?, ?, ?, ?)", w.id, f.number, f.size, f.data); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	return nil
}

// A textCache reads texts from the database that is being written and keeps
// the frames that it unpacked last.
type textCache struct {
	w      *writer
	frames [16]struct {
		full   bool
		number uint32
		text   []byte
	}
	turn int
}

func (c *textCache) text(e *entry) ([]byte, error) {
	if e.size == 0 {
		return nil, nil
	}
	for i := range c.frames {
		if f := &c.frames[i]; f.full && f.number == e.frame && int(e.offset)+int(e.size) <= len(f.text) {
			return f.text[e.offset : e.offset+e.size], nil
		}
	}
	f := &c.frames[c.turn%len(c.frames)]
	c.turn++
	var data []byte
	var size int
	err := c.w.tx.QueryRow("select size, data from frame where tracker = ? and number = ?", c.w.id, e.frame).Scan(&size, &data)
	if err == nil {
		f.text, err = unframe(f.text[:0], data, size)
	}
	if err == nil && int(e.offset)+int(e.size) > len(f.text) {
		err = errBytes
	}
	if err != nil {
		f.full = false
		return nil, fmt.Errorf("text of %s: %w", e.id, err)
	}
	f.full, f.number = true, e.frame
	return f.text[e.offset : e.offset+e.size], nil
}
