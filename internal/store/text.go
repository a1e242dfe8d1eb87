package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// frameSize is how many bytes of text a frame is given before the next one
// begins: large enough to compress well, small enough that reading one text
// takes less than a millisecond.
const frameSize = 512 << 10

// maxFrame is the size of the largest frame that a reader unpacks.
const maxFrame = frameSize + maxText

// A compressed is a finished frame.
type compressed struct {
	number uint32
	size   int
	data   []byte
}

// A framer joins texts into frames and compresses them beside the caller's
// own work. The caller takes finished frames from done, in order, and must
// not stop doing so before it is closed.
type framer struct {
	number uint32 // of the frame that is being filled
	text   []byte
	work   chan compressed
	done   chan compressed
	free   chan []byte
}

func newTextEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(1<<20), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
}

func newFramer(first uint32) (*framer, error) {
	z, err := newTextEncoder()
	if err != nil {
		return nil, err
	}
	f := &framer{number: first, work: make(chan compressed, 2), done: make(chan compressed, 4), free: make(chan []byte, 4)}
	go func() {
		defer close(f.done)
		defer z.Close()
		for c := range f.work {
			text := c.data
			c.data = z.EncodeAll(text, nil)
			select {
			case f.free <- text[:0]:
			default:
			}
			f.done <- c
		}
	}()
	return f, nil
}

// add appends a text and returns where it is.
func (f *framer) add(text []byte) (frame, offset, size uint32) {
	if len(f.text) > 0 && len(f.text)+len(text) > frameSize {
		f.flush()
	}
	offset = uint32(len(f.text))
	f.text = append(f.text, text...)
	return f.number, offset, uint32(len(text))
}

// flush hands over the frame that is being filled.
func (f *framer) flush() {
	if len(f.text) == 0 {
		return
	}
	f.work <- compressed{f.number, len(f.text), f.text}
	f.number++
	select {
	case f.text = <-f.free:
	default:
		f.text = make([]byte, 0, frameSize)
	}
}

// close hands over the last frame. done is closed after it.
func (f *framer) close() {
	f.flush()
	close(f.work)
}

// decoders keeps zstd decoders, which are costly to make.
var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		return err
	}
	return d
}}

// unframe appends the text of a frame of the given size to to.
func unframe(to, data []byte, size int) ([]byte, error) {
	if size < 0 || size > maxFrame {
		return nil, errBytes
	}
	v := decoders.Get()
	d, ok := v.(*zstd.Decoder)
	if !ok {
		return nil, v.(error)
	}
	defer decoders.Put(d)
	text, err := d.DecodeAll(data, slices.Grow(to, size))
	if err != nil {
		return nil, err
	}
	if len(text)-len(to) != size {
		return nil, errBytes
	}
	return text, nil
}

// A lastText is the text that was asked for last: an answer about one entry
// needs it for what the entry says, and again for how it came to that.
type lastText struct {
	mu       sync.Mutex
	id, file string
	text     []byte // nil: none yet
}

// Text returns the path and the text of the entry with an id, byte for byte as
// the tracker has it. The error is an ErrNotFound if there is none.
func (db *DB) Text(ctx context.Context, name, id string) (file string, text []byte, err error) {
	t, err := db.open(ctx, name)
	if err != nil {
		return "", nil, err
	}
	l := &t.last
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == nil || l.id != id {
		file, text, err := db.text(ctx, t, id)
		if err != nil {
			return "", nil, err
		}
		l.id, l.file, l.text = id, file, text
	}
	return l.file, slices.Clone(l.text), nil
}

// text reads what Text returns; the text is not nil.
func (db *DB) text(ctx context.Context, t *tracker, id string) (file string, text []byte, err error) {
	i := t.catalog.find(id)
	if i < 0 {
		return "", nil, errorf(ErrNotFound, "%s: the tracker %s has no such entry", id, t.Name)
	}
	var number, offset, length int
	err = db.blob(ctx, func(places []byte) (err error) {
		number, offset, length, err = place(places, i)
		return err
	}, placesOf, t.id)
	if err != nil {
		return "", nil, db.failed(ctx, fmt.Errorf("text of %s: %w", id, err))
	}
	_, file = t.catalog.idAndFile(i)
	if length == 0 {
		return file, []byte{}, nil
	}
	var data []byte
	var size int
	row := db.sql.QueryRowContext(ctx, "select size, data from frame where tracker = ? and number = ?", t.id, number)
	if err := row.Scan(&size, &data); err != nil {
		return "", nil, db.failed(ctx, fmt.Errorf("text of %s: %w", id, err))
	}
	frame, err := unframe(nil, data, size)
	if err == nil && offset+length > len(frame) {
		err = errBytes
	}
	if err != nil {
		return "", nil, damaged(db.path, fmt.Sprintf("text of %s: %v", id, err))
	}
	return file, slices.Clone(frame[offset : offset+length]), nil
}

// A Frame is many texts, one after the other. Parts of Text that no span of
// Files covers are of no entry any more, or of none that was asked for.
type Frame struct {
	Number int
	Text   []byte
	Files  []FileSpan // in order of Offset
}

// A FileSpan says where in a frame's text a file is.
type FileSpan struct {
	ID     string
	File   string // path in the tracker
	Offset int
	Len    int
}

// Frames calls fn with the texts of the entries with the given ids, or of all if
// ids is nil, a frame at a time, from as many goroutines as there are processors.
// The frame is valid until fn returns. An id that is of no entry is passed over.
// The first error stops the reading and is returned.
func (db *DB) Frames(ctx context.Context, name string, ids []string, fn func(*Frame) error) error {
	list, t, err := db.entries(ctx, name)
	if err != nil {
		return err
	}
	if ids != nil {
		wanted := make(map[string]bool, len(ids))
		for _, id := range ids {
			wanted[id] = true
		}
		list = slices.DeleteFunc(list, func(e entry) bool { return !wanted[e.id] })
	}
	slices.SortFunc(list, func(a, b entry) int {
		if a.frame != b.frame {
			return int(int64(a.frame) - int64(b.frame))
		}
		return int(int64(a.offset) - int64(b.offset))
	})
	var stop stopper
	work := make(chan packedFrame, runtime.GOMAXPROCS(0))
	free := make(chan []byte, 2*cap(work))
	var workers sync.WaitGroup
	for range cap(work) {
		workers.Go(func() {
			var text []byte
			for p := range work {
				if stop.err() == nil {
					stop.set(db.frame(&p, &text, fn))
				}
				select {
				case free <- p.data[:0]:
				default:
				}
			}
		})
	}
	stop.set(db.readFrames(ctx, t, list, ids == nil, &stop, work, free))
	close(work)
	workers.Wait()
	return stop.err()
}

// A packedFrame is a frame as the database has it.
type packedFrame struct {
	number, size int
	data         []byte
	entries      []entry
}

// readFrames sends the frames that a text of list is in, which may be all.
func (db *DB) readFrames(ctx context.Context, t *tracker, list []entry, all bool, stop *stopper, work chan<- packedFrame, free <-chan []byte) error {
	query, args := "select number, size, data from frame where tracker = ?", []any{t.id}
	if !all {
		numbers := make([]uint32, len(list))
		for i := range list {
			numbers[i] = list[i].frame
		}
		wanted, err := json.Marshal(slices.Compact(numbers))
		if err != nil {
			return err
		}
		query, args = query+" and number in (select value from json_each(?))", append(args, string(wanted))
	}
	rows, err := db.sql.QueryContext(ctx, query+" order by number", args...)
	if err != nil {
		return db.failed(ctx, err)
	}
	defer rows.Close()
	for rows.Next() && stop.err() == nil {
		var p packedFrame
		var raw sql.RawBytes
		if err := rows.Scan(&p.number, &p.size, &raw); err != nil {
			return db.failed(ctx, err)
		}
		var n int
		for n < len(list) && int(list[n].frame) < p.number {
			if list[n].size > 0 {
				return damaged(db.path, fmt.Sprintf("text of %s: frame %d is missing", list[n].id, list[n].frame))
			}
			n++
		}
		list, n = list[n:], 0
		for n < len(list) && int(list[n].frame) == p.number {
			n++
		}
		if p.entries, list = list[:n], list[n:]; n == 0 {
			continue
		}
		select {
		case p.data = <-free:
		default:
		}
		p.data = append(p.data, raw...)
		work <- p
	}
	for _, e := range list {
		if e.size > 0 && stop.err() == nil && rows.Err() == nil {
			return damaged(db.path, fmt.Sprintf("text of %s: frame %d is missing", e.id, e.frame))
		}
	}
	if err := rows.Err(); err != nil {
		return db.failed(ctx, err)
	}
	return nil
}

// frame unpacks one frame and calls fn with it.
func (db *DB) frame(p *packedFrame, text *[]byte, fn func(*Frame) error) error {
	var err error
	*text, err = unframe((*text)[:0], p.data, p.size)
	if err != nil {
		return damaged(db.path, fmt.Sprintf("frame %d: %v", p.number, err))
	}
	f := &Frame{Number: p.number, Text: *text, Files: make([]FileSpan, 0, len(p.entries))}
	for _, e := range p.entries {
		if int(e.offset)+int(e.size) > len(f.Text) {
			return damaged(db.path, fmt.Sprintf("text of %s: %v", e.id, errBytes))
		}
		f.Files = append(f.Files, FileSpan{e.id, e.file, int(e.offset), int(e.size)})
	}
	return fn(f)
}

// Texts calls fn with each text of a tracker, in no order, from as many
// goroutines as there are processors. The text is valid until fn returns. The
// first error stops the reading and is returned.
func (db *DB) Texts(ctx context.Context, name string, fn func(file string, text []byte) error) error {
	return db.Frames(ctx, name, nil, func(f *Frame) error {
		for _, s := range f.Files {
			if err := fn(s.File, f.Text[s.Offset:s.Offset+s.Len:s.Offset+s.Len]); err != nil {
				return err
			}
		}
		return nil
	})
}

// A stopper keeps the first error of several goroutines.
type stopper struct {
	mu    sync.Mutex
	first error
}

func (s *stopper) set(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = err
	}
}

func (s *stopper) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}
