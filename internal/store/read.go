package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"wontfix"
)

// Statements returns what a tracker says of any of the given sources in any of
// the releases with the given labels, in the tracker's spelling. Labels and
// sources that the tracker does not have are passed over. The order is that of
// [DB.All].
func (db *DB) Statements(ctx context.Context, name string, labels, sources []string) ([]wontfix.Statement, error) {
	if len(labels) == 0 || len(sources) == 0 {
		return nil, nil
	}
	t, err := db.tracker(name)
	if err != nil {
		return nil, err
	}
	var blobs []packedBlob
	var at []int // where the statements of each blob begin, and all end
	total := 0
	for p, err := range db.packed(ctx, t, Filter{Labels: labels, Sources: sources}) {
		if err != nil {
			return nil, err
		}
		coded, texts, _, r := readCounts(p.data)
		if r.bad {
			return nil, db.damagedBlob(p, errBytes)
		}
		at = append(at, total)
		total += coded + texts
		p.data = slices.Clone(p.data)
		blobs = append(blobs, p)
	}
	if _, err := db.open(ctx, name); err != nil { // it may still be on its way; see Expect
		return nil, err
	}
	// They are as large as all the rest of a scan: no room for more is made,
	// and they are unpacked side by side.
	at = append(at, total)
	list := make([]wontfix.Statement, total)
	errs := make([]error, max(1, min(runtime.GOMAXPROCS(0), len(blobs)/64)))
	var unpacking sync.WaitGroup
	for w := range errs {
		unpacking.Go(func() {
			u := newUnpacker(t.catalog)
			from, _ := slices.BinarySearch(at, total*w/len(errs))
			to, _ := slices.BinarySearch(at, total*(w+1)/len(errs))
			for i := from; i < min(to, len(blobs)) && errs[w] == nil; i++ {
				room := list[at[i]:at[i]:at[i+1]]
				if got, err := u.unpack(room, blobs[i], nil); err != nil || len(got) != cap(room) {
					errs[w] = db.damagedBlob(blobs[i], cmp.Or(err, errBytes))
				}
			}
		})
	}
	unpacking.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return list, nil
}

// A Filter chooses statements. A nil field chooses all.
type Filter struct {
	Labels  []string // releases in the tracker's spelling
	Sources []string
	// Keep is asked about a statement that has no ID, File, Line,
	// EvidenceLine or Published: once for each distinct one of a source and
	// release, not for every vulnerability.
	Keep func(*wontfix.Statement) bool
}

// All yields the statements of a tracker that a filter chooses. The order is
// by source and release (as the database numbers them); within these, ids with
// a year and a number come first,
// in that order, then the others by code point.
func (db *DB) All(ctx context.Context, name string, filter Filter) iter.Seq2[wontfix.Statement, error] {
	return func(yield func(wontfix.Statement, error) bool) {
		t, err := db.open(ctx, name)
		if err != nil {
			yield(wontfix.Statement{}, err)
			return
		}
		u := newUnpacker(t.catalog)
		var list []wontfix.Statement
		for p, err := range db.packed(ctx, t, filter) {
			if err == nil {
				if list, err = u.unpack(list[:0], p, filter.Keep); err != nil {
					err = db.damagedBlob(p, err)
				}
			}
			if err != nil {
				yield(wontfix.Statement{}, err)
				return
			}
			for _, s := range list {
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

func (db *DB) damagedBlob(p packedBlob, err error) error {
	return damaged(db.path, fmt.Sprintf("statements of %s in %s: %v", p.source, p.label.text, err))
}

// A packedBlob is one row of the table packed. Its data is valid until the
// next one is read.
type packedBlob struct {
	label  *label
	source string
	data   []byte
}

// packed yields the blobs that a filter chooses, in order of source and label.
func (db *DB) packed(ctx context.Context, t *tracker, filter Filter) iter.Seq2[packedBlob, error] {
	return func(yield func(packedBlob, error) bool) {
		query, args, byID := packedQuery(t, filter)
		if len(byID) == 0 {
			return
		}
		rows, err := db.sql.QueryContext(ctx, query, args...)
		if err != nil {
			yield(packedBlob{}, db.failed(ctx, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var id int
			var p packedBlob
			var data sql.RawBytes
			if err := rows.Scan(&p.source, &id, &data); err != nil {
				yield(packedBlob{}, db.failed(ctx, err))
				return
			}
			p.label, p.data = byID[id], data
			if !yield(p, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(packedBlob{}, db.failed(ctx, err))
		}
	}
}

// packedQuery returns the query for the blobs that a filter chooses and the
// labels that it may find, by their ids.
func packedQuery(t *tracker, filter Filter) (query string, args []any, byID map[int]*label) {
	byID = map[int]*label{}
	var ids []string
	for i := range t.labels {
		l := &t.labels[i]
		if filter.Labels == nil || slices.Contains(filter.Labels, l.text) {
			byID[l.id] = l
			ids = append(ids, strconv.Itoa(l.id))
		}
	}
	var b strings.Builder
	b.WriteString("select source, label, data from packed where label in (" + strings.Join(ids, ",") + ")")
	if filter.Sources != nil {
		list, err := json.Marshal(filter.Sources)
		if err != nil {
			list = []byte("[]") // strings always have a JSON form
		}
		b.WriteString(" and source in (select value from json_each(?))")
		args = append(args, string(list))
	}
	b.WriteString(" order by source, label")
	return b.String(), args, byID
}

// An unpacker turns blobs into statements. Its memory is used again.
type unpacker struct {
	labeller *labeller
	blob     blob
	keep     []bool
}

func newUnpacker(c *catalog) *unpacker { return &unpacker{labeller: newLabeller(c)} }

// unpack appends the statements of p that keep chooses, or all if it is nil.
func (u *unpacker) unpack(list []wontfix.Statement, p packedBlob, keep func(*wontfix.Statement) bool) ([]wontfix.Statement, error) {
	b := &u.blob
	err := b.read(p.data, &wontfix.Statement{Source: p.source, Label: p.label.text, Release: p.label.release})
	if err != nil {
		return list, err
	}
	if keep != nil {
		u.keep = u.keep[:0]
		for i := range b.says {
			u.keep = append(u.keep, keep(&b.says[i]))
		}
	}
	c := u.labeller.catalog
	at := 0
	for i := range b.len() {
		says, line, evidence, ok := b.next()
		if !ok {
			return list, errBytes
		}
		if keep != nil && !u.keep[says] {
			continue
		}
		entry := -1
		if i < len(b.codes) {
			entry = c.after(at, b.codes[i])
			at = max(entry, 0)
		} else {
			entry = c.find(b.names[i-len(b.codes)])
		}
		if entry < 0 {
			return list, fmt.Errorf("packed data: row %d has an id that the catalog has not", i)
		}
		list = append(list, b.says[says])
		s, of := &list[len(list)-1], u.labeller.entry(entry)
		s.ID, s.Published = of.id, of.published
		if s.File == "" {
			s.File = of.file
		}
		s.Line, s.EvidenceLine = line, evidence
	}
	return list, b.end()
}
