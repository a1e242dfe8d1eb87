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
//
// Unless matters is nil, it is asked about each distinct statement as Keep of a
// [Filter] is, from several goroutines at once. Of a source, only what is said
// of vulnerabilities of which one statement matters is then returned.
func (db *DB) Statements(ctx context.Context, name string, labels, sources []string, matters func(*wontfix.Statement) bool) ([]wontfix.Statement, error) {
	if len(labels) == 0 || len(sources) == 0 {
		return nil, nil
	}
	t, err := db.tracker(name)
	if err != nil {
		return nil, err
	}
	var blobs []packedBlob
	var groups []group
	rows := 0
	for p, err := range db.packed(ctx, t, Filter{Labels: labels, Sources: sources}) {
		if err != nil {
			return nil, err
		}
		coded, texts, _, r := readCounts(p.data)
		if r.bad {
			return nil, db.damagedBlob(p, errBytes)
		}
		if n := len(blobs); n == 0 || blobs[n-1].source != p.source {
			groups = append(groups, group{n, rows})
		}
		rows += coded + texts
		p.data = slices.Clone(p.data)
		blobs = append(blobs, p)
	}
	if _, err := db.open(ctx, name); err != nil { // it may still be on its way; see Expect
		return nil, err
	}
	// They are unpacked side by side, each core into a part of a list in which
	// all have room. Memory that is not touched costs nothing.
	list := make([]wontfix.Statement, rows)
	parts := make([][]wontfix.Statement, max(1, min(runtime.GOMAXPROCS(0), len(groups)/16)))
	groups = append(groups, group{len(blobs), rows})
	errs := make([]error, len(parts))
	var unpacking sync.WaitGroup
	for w := range parts {
		unpacking.Go(func() {
			u := newUnpacker(t.catalog)
			from, to := groupAt(groups, rows*w/len(parts)), groupAt(groups, rows*(w+1)/len(parts))
			room := list[groups[from].row:groups[from].row:groups[to].row]
			for i := from; i < to && errs[w] == nil; i++ {
				room, errs[w] = db.unpackGroup(u, room, blobs[groups[i].blob:groups[i+1].blob], matters)
			}
			parts[w] = room
		})
	}
	unpacking.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	n := 0
	for _, part := range parts {
		n += copy(list[n:], part)
	}
	return list[:n:n], nil
}

// A group is the blobs of one source: the number of the first, and how many
// rows are before it.
type group struct{ blob, row int }

// groupAt returns the first group that has no row before the given one.
func groupAt(groups []group, row int) int {
	i, _ := slices.BinarySearchFunc(groups, row, func(g group, row int) int { return cmp.Compare(g.row, row) })
	return i
}

// unpackGroup appends the statements of the blobs of one source, or, unless
// matters is nil, those on vulnerabilities of which one matters.
func (db *DB) unpackGroup(u *unpacker, list []wontfix.Statement, blobs []packedBlob, matters func(*wontfix.Statement) bool) ([]wontfix.Statement, error) {
	if matters == nil {
		for _, p := range blobs {
			var err error
			if list, err = u.unpack(list, p, nil); err != nil {
				return nil, db.damagedBlob(p, err)
			}
		}
		return list, nil
	}
	u.codes, u.names = u.codes[:0], u.names[:0]
	for len(u.opened) < len(blobs) {
		u.opened = append(u.opened, &opened{})
	}
	for i, p := range blobs {
		if err := u.open(u.opened[i], p, matters); err != nil {
			return nil, db.damagedBlob(p, err)
		}
	}
	slices.Sort(u.codes)
	for i, p := range blobs {
		o, at := u.opened[i], 0
		for _, r := range u.choose(o) {
			list = append(list, o.common)
			s := &list[len(list)-1]
			o.saying(r.says, s)
			if err := u.fill(s, &o.blob, r, &at); err != nil {
				return nil, db.damagedBlob(p, err)
			}
		}
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

// common returns what all statements of a blob have.
func (p *packedBlob) common() *wontfix.Statement {
	return &wontfix.Statement{Source: p.source, Label: p.label.text, Release: p.label.release}
}

// packed yields the blobs that a filter chooses, in order of source and label.
func (db *DB) packed(ctx context.Context, t *tracker, filter Filter) iter.Seq2[packedBlob, error] {
	return func(yield func(packedBlob, error) bool) {
		query, args, byID := db.packedQuery(t, filter)
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
func (db *DB) packedQuery(t *tracker, filter Filter) (query string, args []any, byID map[int]*label) {
	byID = map[int]*label{}
	var ids []string
	for i := range t.labels {
		l := &t.labels[i]
		if filter.Labels == nil || slices.Contains(filter.Labels, l.text) {
			byID[l.id] = l
			ids = append(ids, strconv.Itoa(l.id))
		}
	}
	chosen := "label in (" + strings.Join(ids, ",") + ")"
	if filter.Sources == nil {
		return "select source, label, data from packed where " + chosen + " order by source, label", nil, byID
	}
	list, err := json.Marshal(slices.Compact(slices.Sorted(slices.Values(filter.Sources))))
	if err != nil {
		list = []byte("[]") // strings always have a JSON form
	}
	// It is quicker to pass a source's rows of some labels that are not wanted
	// than to look each label up, which is what the + keeps SQLite from doing.
	// That was measured with 4 wanted of 53, and not where far fewer are.
	all := 0
	for _, t := range db.trackers {
		all += len(t.labels)
	}
	if len(ids) > all/16 {
		chosen = "+" + chosen
	}
	// SQLite takes a cross join from the left to the right, and the rows of a
	// source by their key: so they come in order.
	query = "select source, label, data from json_each(?) as wanted cross join packed on source = wanted.value and " + chosen
	return query, []any{string(list)}, byID
}

// An unpacker turns blobs into statements. Its memory is used again.
type unpacker struct {
	labeller *labeller
	blob     blob
	keep     []bool

	opened []*opened // the blobs of one source
	asked  wontfix.Statement
	codes  []code // of the vulnerabilities that matter there
	names  []string
}

// A placed is a row: which it is in its blob, what it says there, and lines.
type placed struct{ row, says, line, evidence int }

func newUnpacker(c *catalog) *unpacker { return &unpacker{labeller: newLabeller(c)} }

// unpack appends the statements of p that keep chooses, or all if it is nil.
func (u *unpacker) unpack(list []wontfix.Statement, p packedBlob, keep func(*wontfix.Statement) bool) ([]wontfix.Statement, error) {
	b := &u.blob
	if err := b.read(p.data, p.common()); err != nil {
		return list, err
	}
	if keep != nil {
		u.keep = u.keep[:0]
		for i := range b.says {
			u.keep = append(u.keep, keep(&b.says[i]))
		}
	}
	at := 0
	for i := range b.len() {
		says, line, evidence, ok := b.next()
		if !ok {
			return list, errBytes
		}
		if keep != nil && !u.keep[says] {
			continue
		}
		list = append(list, b.says[says])
		if err := u.fill(&list[len(list)-1], b, placed{i, says, line, evidence}, &at); err != nil {
			return list, err
		}
	}
	return list, b.end()
}

// fill adds to what a row says which vulnerability it speaks of, and where. at
// is the entry of the row before it.
func (u *unpacker) fill(s *wontfix.Statement, b *blob, r placed, at *int) error {
	entry := u.labeller.catalog.of(b, r.row, at)
	if entry < 0 {
		return fmt.Errorf("packed data: row %d has an id that the catalog has not", r.row)
	}
	of := u.labeller.entry(entry)
	s.ID, s.Published = of.id, of.published
	if s.File == "" {
		s.File = of.file
	}
	s.Line, s.EvidenceLine = r.line, r.evidence
	return nil
}

// An opened is a blob whose rows have been read, and of what they say only
// whether it matters: most does not.
type opened struct {
	blob
	common  wontfix.Statement
	sayings []reader // of each saying
	placed  []placed
}

// saying fills the parts of s that a saying has.
func (o *opened) saying(n int, s *wontfix.Statement) {
	r := o.sayings[n]
	o.readSaying(&r, s)
}

// open reads p into o, and adds the vulnerabilities of which a statement
// matters.
func (u *unpacker) open(o *opened, p packedBlob, matters func(*wontfix.Statement) bool) error {
	r, coded, texts := o.blob.open(p.data)
	o.readCodes(&r, coded)
	o.strings = r.strings(o.strings[:0])
	o.common = *p.common()
	o.sayings, o.modes, u.keep = o.sayings[:0], o.modes[:0], u.keep[:0]
	for range r.count() {
		o.sayings = append(o.sayings, r)
		u.asked = o.common
		o.modes = append(o.modes, o.readSaying(&r, &u.asked))
		u.keep = append(u.keep, !r.bad && matters(&u.asked))
	}
	if err := o.readNames(r, texts); err != nil {
		return err
	}
	o.placed = o.placed[:0]
	for i := range o.len() {
		says, line, evidence, ok := o.next()
		if !ok {
			return errBytes
		}
		o.placed = append(o.placed, placed{i, says, line, evidence})
		switch {
		case !u.keep[says]:
		case i < len(o.codes):
			u.codes = append(u.codes, o.codes[i])
		default:
			u.names = append(u.names, o.names[i-len(o.codes)])
		}
	}
	return o.end()
}

// choose returns the rows on vulnerabilities that matter.
func (u *unpacker) choose(o *opened) []placed {
	codes := u.codes // in order, as those of o
	return slices.DeleteFunc(o.placed, func(r placed) bool {
		if r.row >= len(o.codes) {
			return !slices.Contains(u.names, o.names[r.row-len(o.codes)])
		}
		v := o.codes[r.row]
		for len(codes) > 0 && codes[0] < v {
			codes = codes[1:]
		}
		return len(codes) == 0 || codes[0] != v
	})
}
