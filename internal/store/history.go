package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
)

// A HistoryUpdate is what a reading adds to the history of a tracker: how its
// entries came to what they are. The store knows none of the forms of what it
// is given.
type HistoryUpdate struct {
	// Full says that Files is all that there is. Otherwise the database must
	// have a history of the same Version; those of Files take the place of
	// what was there under their ids, and the others stay.
	Full    bool
	Version string // of what made the bytes, not empty; see [DB.HistoryVersion]
	// Log takes the place of the old log. Its parts are compressed apart and
	// read one by one. Files may set it before it yields the first file, or if
	// it yields none.
	Log [][]byte
	// Files is read after the changes of the update, in whose transaction it
	// is. In order of ID it packs best. Of two files with one ID, the later
	// counts. The bytes are the receiver's from then on.
	Files iter.Seq2[HistoryFile, error]
}

// A HistoryFile is the history of one entry, which the catalog need not have:
// entries that are gone have a history too. Without Versions and Origins it
// takes the history of the entry away.
type HistoryFile struct {
	ID       string
	Versions []byte // how it became what it is
	Origins  []byte // where what it says today comes from
}

// historyFrame is how many bytes the frames of each kind have before the next
// one begins. Versions are read one by one and are most of the bytes; origins
// are read in the hundreds, from all over, and so from frames that are small.
var historyFrame = [kinds]int{versions: 512 << 10, origins: 8 << 10}

// HistoryVersion returns the version of what made the history of a tracker: ""
// if it has none.
func (db *DB) HistoryVersion(name string) string {
	t, err := db.tracker(name)
	if err != nil {
		return ""
	}
	return t.history
}

// Log returns a function that returns one part of the log of a tracker's
// history, and an ErrDamaged if there is none of that number. The error is an
// ErrNotFound if the tracker has no history.
func (db *DB) Log(ctx context.Context, name string) (part func(n int) ([]byte, error), err error) {
	parts, err := db.log(ctx, name)
	if err != nil {
		return nil, err
	}
	return func(n int) ([]byte, error) {
		err := errBytes
		if n >= 0 && n < len(parts) {
			var part []byte
			if part, err = parts[n].unpack(); err == nil {
				return part, nil
			}
		}
		return nil, damaged(db.path, fmt.Sprintf("history of %s: part %d of the log: %v", name, n, err))
	}, nil
}

// log returns the parts of the log of a tracker's history.
func (db *DB) log(ctx context.Context, name string) ([]logPart, error) {
	t, err := db.withHistory(name)
	if err != nil {
		return nil, err
	}
	var data []byte
	if err := db.sql.QueryRowContext(ctx, "select log from history where tracker = ?", t.id).Scan(&data); err != nil {
		return nil, db.failed(ctx, fmt.Errorf("history of %s: log: %w", name, err))
	}
	parts, err := readLog(data)
	if err != nil {
		return nil, damaged(db.path, fmt.Sprintf("history of %s: log: %v", name, err))
	}
	return parts, nil
}

// Versions returns the versions of one entry. The error is an ErrNotFound if
// the entry has none.
func (db *DB) Versions(ctx context.Context, name, id string) ([]byte, error) {
	t, err := db.withHistory(name)
	if err != nil {
		return nil, err
	}
	p, err := db.past(t)
	if err != nil {
		return nil, err
	}
	i := p.find(id)
	if i < 0 || p.spans[versions][i].size == 0 {
		return nil, errorf(ErrNotFound, "%s: the tracker %s has no history of it", id, name)
	}
	s := p.spans[versions][i]
	f := p.frames[versions][findFrame(p.frames[versions], s.frame)]
	text, err := db.pastFrame(ctx, t, versions, f, nil)
	if err != nil {
		return nil, err
	}
	return slices.Clone(text[s.offset : s.offset+s.size]), nil
}

// pastFrame reads one frame and appends what it has to to.
func (db *DB) pastFrame(ctx context.Context, t *tracker, kind int, f pastFrame, to []byte) ([]byte, error) {
	text := to
	err := db.blob(ctx, func(data []byte) (err error) {
		text, err = unpackPastFrame(to, data, f)
		return err
	}, "select data from history_frame where tracker = ? and kind = ? and number = ?", t.id, kind, f.number)
	if err != nil {
		return nil, db.failed(ctx, fmt.Errorf("%s: %w", pastName(t, kind, f), err))
	}
	return text, nil
}

// pastName names a frame in an error.
func pastName(t *tracker, kind int, f pastFrame) string {
	return fmt.Sprintf("history of %s: frame %d of the %s", t.Name, f.number, [kinds]string{versions: "versions", origins: "origins"}[kind])
}

// EachVersions calls fn with the versions of the entries with the given ids, or
// of all if ids is nil, in no order, from as many goroutines as there are
// processors. The bytes are valid until fn returns. An id that has no versions
// is passed over. The first error stops the reading and is returned; it is an
// ErrNotFound if the tracker has no history.
func (db *DB) EachVersions(ctx context.Context, name string, ids []string, fn func(id string, data []byte) error) error {
	return db.eachPart(ctx, name, versions, ids, fn)
}

// EachOrigins is as EachVersions, for origins.
func (db *DB) EachOrigins(ctx context.Context, name string, ids []string, fn func(id string, data []byte) error) error {
	return db.eachPart(ctx, name, origins, ids, fn)
}

// HistoryIDs returns the ids of all entries that have a history, in order of
// code point. The error is an ErrNotFound if the tracker has none.
func (db *DB) HistoryIDs(ctx context.Context, name string) ([]string, error) {
	t, err := db.withHistory(name)
	if err != nil {
		return nil, err
	}
	p, err := db.past(t)
	if err != nil {
		return nil, err
	}
	ids := make([]string, p.len())
	for i := range ids {
		ids[i] = p.id(i)
	}
	slices.Sort(ids)
	return ids, ctx.Err()
}

// withHistory returns the tracker with a name, or an ErrNotFound if it has no
// history.
func (db *DB) withHistory(name string) (*tracker, error) {
	t, err := db.tracker(name)
	if err == nil && t.history == "" {
		err = errorf(ErrNotFound, "tracker %q: the database has no history of it: run `wontfix sync`", name)
	}
	return t, err
}

// past returns where the history of a tracker is.
func (db *DB) past(t *tracker) (*past, error) {
	t.pastOnce.Do(func() {
		t.pastErr = db.blob(context.Background(), func(data []byte) (err error) {
			t.past, err = readPast(data)
			return err
		}, "select entries from history where tracker = ?", t.id)
	})
	if t.pastErr != nil {
		return nil, damaged(db.path, fmt.Sprintf("history of %s: %v", t.Name, t.pastErr))
	}
	return t.past, nil
}

// A logPart is a part of a log as the database has it.
type logPart struct {
	size int // unpacked
	data []byte
}

// packLog compresses the parts of a log: their number, for each its size and
// that of its bytes, then the bytes, and in front of it all its sum. One that
// compression makes less than a tenth smaller, as IDs, stays as it is: it is read
// where it lies. A part that is the same in the old log is taken from there, and a
// large one is not tried if that of its number stayed as it was.
func packLog(log [][]byte, old []logPart) ([]byte, error) {
	z, err := newHistoryEncoder(quickLevel) // always: an export takes the log as it is, from a first sync or updates
	if err != nil {
		return nil, err
	}
	defer z.Close()
	b := appendUvarint(nil, uint64(len(log)))
	var data []byte
	for i, part := range log {
		from := len(data)
		switch {
		case i < len(old) && old[i].is(part):
			data = append(data, old[i].data...)
		case i < len(old) && old[i].plain() && min(old[i].size, len(part)) > largePart:
			data = append(data, part...)
		default:
			if data = z.EncodeAll(part, data); len(data)-from > len(part)*9/10 {
				data = append(data[:from], part...)
			}
		}
		b = appendUvarint(b, uint64(len(part)))
		b = appendUvarint(b, uint64(len(data)-from))
	}
	return seal(append(b, data...)), nil
}

// readLog reads what packLog has written.
func readLog(data []byte) ([]logPart, error) {
	data, err := unseal(data)
	if err != nil {
		return nil, err
	}
	r := &reader{data: data}
	n := r.count()
	if n > len(r.data)/2 {
		return nil, errBytes
	}
	parts := make([]logPart, n)
	lengths := make([]int, n)
	for i := range parts {
		parts[i].size, lengths[i] = r.number(maxText), r.number(uint64(len(r.data)))
	}
	for i, n := range lengths {
		parts[i].data = r.bytes(n)
	}
	if len(r.data) > 0 {
		r.fail()
	}
	return parts, r.err()
}

// is reports whether p has the given content.
func (p *logPart) is(content []byte) bool {
	if p.size != len(content) {
		return false
	}
	b, err := p.unpack()
	return err == nil && bytes.Equal(b, content)
}

// largePart is how many bytes are not tried in vain twice.
const largePart = 64 << 10

// plain reports whether the content is not compressed.
func (p *logPart) plain() bool { return p.size == len(p.data) }

// unpack returns the content, which may share the memory of p.
func (p *logPart) unpack() ([]byte, error) {
	if p.plain() {
		return p.data, nil
	}
	return unframe(nil, p.data, p.size)
}

// unpackPastFrame appends what f has to to.
func unpackPastFrame(to, data []byte, f pastFrame) ([]byte, error) {
	if checksum(data) != f.sum {
		return nil, errBytes
	}
	return unframe(to, data, int(f.size))
}

// A pastPart is a part in a frame.
type pastPart struct {
	entry int
	span  span
}

// partsOf returns the parts of one kind that the entries with the given ids
// have, or that all have if ids is nil, in order of place.
func (p *past) partsOf(kind int, ids []string) []pastPart {
	var list []pastPart
	add := func(i int) {
		if s := p.spans[kind][i]; s.size > 0 {
			list = append(list, pastPart{i, s})
		}
	}
	if ids == nil {
		list = make([]pastPart, 0, p.len())
		for i := range p.len() {
			add(i)
		}
	}
	for _, id := range ids {
		if i := p.find(id); i >= 0 {
			add(i)
		}
	}
	slices.SortFunc(list, func(a, b pastPart) int {
		return cmp.Or(cmp.Compare(a.span.frame, b.span.frame), cmp.Compare(a.span.offset, b.span.offset), cmp.Compare(a.entry, b.entry))
	})
	return slices.Compact(list)
}

// A packedPast is a frame as the database has it and the parts to take from it.
type packedPast struct {
	frame pastFrame
	data  []byte
	parts []pastPart
}

func (db *DB) eachPart(ctx context.Context, name string, kind int, ids []string, fn func(id string, data []byte) error) error {
	t, err := db.withHistory(name)
	if err != nil {
		return err
	}
	p, err := db.past(t)
	if err != nil {
		return err
	}
	parts := p.partsOf(kind, ids)
	if len(parts) == 0 && ids != nil {
		return ctx.Err()
	}
	var stop stopper
	work := make(chan packedPast, runtime.GOMAXPROCS(0))
	free := make(chan []byte, 2*cap(work))
	var workers sync.WaitGroup
	for range cap(work) {
		workers.Go(func() {
			var text []byte
			for f := range work {
				if stop.err() == nil {
					stop.set(db.pastParts(t, kind, &f, &text, fn))
				}
				select {
				case free <- f.data[:0]:
				default:
				}
			}
		})
	}
	stop.set(db.readPastFrames(ctx, t, p, kind, parts, ids == nil, &stop, work, free))
	close(work)
	workers.Wait()
	return stop.err()
}

// readPastFrames sends the frames that parts are in, or all of them.
func (db *DB) readPastFrames(ctx context.Context, t *tracker, p *past, kind int, parts []pastPart, all bool, stop *stopper, work chan<- packedPast, free <-chan []byte) error {
	var wanted []packedPast
	var numbers []uint32
	for _, f := range p.frames[kind] {
		n := 0
		for n < len(parts) && parts[n].span.frame == f.number {
			n++
		}
		if n > 0 || all {
			wanted = append(wanted, packedPast{frame: f, parts: parts[:n]})
			numbers = append(numbers, f.number)
		}
		parts = parts[n:]
	}
	query, args := "select number, data from history_frame where tracker = ? and kind = ?", []any{t.id, kind}
	if !all {
		list, err := json.Marshal(numbers)
		if err != nil {
			return err
		}
		query, args = query+" and number in (select value from json_each(?))", append(args, string(list))
	}
	rows, err := db.sql.QueryContext(ctx, query+" order by number", args...)
	if err != nil {
		return db.failed(ctx, err)
	}
	defer rows.Close()
	for rows.Next() && stop.err() == nil {
		var number uint32
		var raw sql.RawBytes
		if err := rows.Scan(&number, &raw); err != nil {
			return db.failed(ctx, err)
		}
		if len(wanted) == 0 || wanted[0].frame.number != number {
			break
		}
		f := wanted[0]
		wanted = wanted[1:]
		select {
		case f.data = <-free:
		default:
		}
		f.data = append(f.data, raw...)
		work <- f
	}
	if err := rows.Err(); err != nil {
		return db.failed(ctx, err)
	}
	if len(wanted) > 0 && stop.err() == nil {
		return damaged(db.path, pastName(t, kind, wanted[0].frame)+" is missing")
	}
	return nil
}

// pastParts unpacks one frame and calls fn with the parts.
func (db *DB) pastParts(t *tracker, kind int, f *packedPast, text *[]byte, fn func(id string, data []byte) error) error {
	unpacked, err := unpackPastFrame((*text)[:0], f.data, f.frame)
	if err != nil {
		return damaged(db.path, fmt.Sprintf("%s: %v", pastName(t, kind, f.frame), err))
	}
	*text = unpacked
	for _, part := range f.parts {
		s := part.span
		if err := fn(t.past.id(part.entry), unpacked[s.offset:s.offset+s.size:s.offset+s.size]); err != nil {
			return err
		}
	}
	return nil
}
