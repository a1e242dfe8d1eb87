package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

func newHistoryEncoder(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
}

// An update is a twentieth faster for the quick level, and its history 1 % larger;
// of a log it makes no difference, and the other needs megabytes of tables.
const (
	historyLevel = zstd.SpeedBetterCompression
	quickLevel   = zstd.SpeedDefault
)

// checkHistory says what is wrong with the history of an update before
// anything is read.
func (w *writer) checkHistory() error {
	h := w.u.History
	if h == nil {
		return nil
	}
	if h.Version == "" {
		return fmt.Errorf("update of %s: its history has no version: give one", w.u.Tracker.Name)
	}
	for i, part := range h.Log {
		if len(part) > maxText {
			return fmt.Errorf("update of %s: part %d of the log of its history has %d bytes, and the most is %d", w.u.Tracker.Name, i, len(part), maxText)
		}
	}
	if h.Full {
		return nil
	}
	if w.old == nil {
		return errorf(ErrNotFound, "tracker %q: there is no history to add to: give the whole history", w.u.Tracker.Name)
	}
	t, err := w.old.withHistory(w.u.Tracker.Name)
	if err != nil {
		return err
	}
	if t.history != h.Version {
		return fmt.Errorf("update of %s: its history is of version %q, and that of the database of version %q: give the whole history", t.Name, h.Version, t.history)
	}
	return nil
}

// writeHistory brings the history to what the update says.
func (w *writer) writeHistory(ctx context.Context) error {
	h := w.u.History
	if h == nil {
		return w.dropHistory()
	}
	m, err := w.newMemory()
	if err != nil {
		return err
	}
	defer m.encoder.Close()
	if err := m.gather(ctx); err != nil {
		return err
	}
	for kind, list := range m.dropped {
		if len(list) == 0 {
			continue
		}
		numbers, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if _, err := w.tx.Exec("delete from history_frame where tracker = ? and kind = ? and number in (select value from json_each(?))", w.id, kind, string(numbers)); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	m.packLog(ctx)
	log := <-m.log
	if log.err != nil {
		return fmt.Errorf("database: %w", log.err)
	}
	if _, err := w.tx.Exec("insert or replace into history (tracker, entries, log) values (?, ?, ?)", w.id, m.pack(), log.data); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	w.history = h.Version
	return nil
}

// dropHistory takes the history away unless the texts that it is relative to
// are still the same.
func (w *writer) dropHistory() error {
	if w.u.Full {
		return nil
	}
	t, err := w.old.tracker(w.u.Tracker.Name)
	if err != nil {
		return err
	}
	if w.changes == 0 || t.history == "" {
		w.history = t.history
		return nil
	}
	w.compact = true
	return w.deleteHistory("history", "history_frame")
}

func (w *writer) deleteHistory(tables ...string) error {
	for _, table := range tables {
		if _, err := w.tx.Exec("delete from "+table+" where tracker = ?", w.id); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	return nil
}

// How many files of a history are made before they are asked for. Those of an
// update are made while its statements are written.
const (
	filesAhead       = 256
	filesUpdateAhead = 4096
)

// ahead begins to make the files of a history, so that they are made while
// something else is written: up to n that nobody has asked for. After stop they
// are made no more; it is to be called.
func ahead(files iter.Seq2[HistoryFile, error], n int) (made iter.Seq2[HistoryFile, error], stop func()) {
	type result struct {
		file HistoryFile
		err  error
	}
	results := make(chan result, n)
	quit := make(chan struct{})
	var failed any // what files panicked with
	go func() {
		defer close(results)
		defer func() { failed = recover() }()
		for f, err := range files {
			select {
			case results <- result{f, err}:
			case <-quit:
				return
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		close(quit)
		for range results { // until nothing is made any more
		}
	})
	return func(yield func(HistoryFile, error) bool) {
		for r := range results {
			if !yield(r.file, r.err) {
				return
			}
		}
		if failed != nil {
			panic(failed)
		}
	}, stop
}

// A memory is the history of a tracker while it is written.
type memory struct {
	w       *writer
	old     *tracker // in the old database; nil if nothing of it stays
	base    *past    // what it had there
	entries []pastEntry
	added   map[string]int // entries that base has not
	frames  [kinds]pastFramer
	kept    [kinds][]pastFrame // of the old frames
	fresh   [kinds][]pastFrame
	dropped [kinds][]uint32 // numbers of old frames
	queue   chan *pastJob   // in the order of writing
	encoder *zstd.Encoder
	room    chan struct{}  // as many as may be compressed at once
	log     chan packedLog // nil until packLog is called
}

// A packedLog is what packLog returns.
type packedLog struct {
	data []byte
	err  error
}

// packLog begins to compress the log, unless that was begun.
func (m *memory) packLog(ctx context.Context) {
	if m.log != nil {
		return
	}
	var old []logPart
	if m.old != nil {
		old, _ = m.w.old.log(ctx, m.old.Name) // without it everything is compressed
	}
	m.log = make(chan packedLog, 1)
	go func() {
		data, err := packLog(m.w.u.History.Log, old)
		m.log <- packedLog{data, err}
	}()
}

// A pastFramer joins parts into frames.
type pastFramer struct {
	text   []byte
	number uint32 // of the frame that is being filled
}

// A pastJob is a frame that is being compressed.
type pastJob struct {
	kind   int
	number uint32
	text   []byte
	data   chan []byte
}

// newMemory begins with what the update keeps.
func (w *writer) newMemory() (*memory, error) {
	m := &memory{w: w, base: &past{}, added: map[string]int{}, queue: make(chan *pastJob, 2*runtime.GOMAXPROCS(0)), room: make(chan struct{}, runtime.GOMAXPROCS(0))}
	level := historyLevel
	if !w.u.History.Full {
		level = quickLevel
	}
	var err error
	if m.encoder, err = newHistoryEncoder(level); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if w.u.History.Full {
		if w.u.Full {
			return m, nil
		}
		return m, w.deleteHistory("history_frame")
	}
	if m.old, err = w.old.withHistory(w.u.Tracker.Name); err != nil {
		return nil, err
	}
	if m.base, err = w.old.past(m.old); err != nil {
		return nil, err
	}
	if w.u.Full {
		_, err := w.tx.Exec("insert into main.history_frame select ?, kind, number, data from old.history_frame where tracker = ? order by kind, number", w.id, m.old.id)
		if err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
	}
	m.entries = m.base.entries()
	for kind, list := range m.base.frames {
		if len(list) > 0 {
			m.frames[kind].number = list[len(list)-1].number + 1
		}
	}
	return m, nil
}

// gather reads the files of the update and writes their frames.
func (m *memory) gather(ctx context.Context) (err error) {
	insert, err := m.w.tx.Prepare("insert into history_frame (tracker, kind, number, data) values (?, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer insert.Close()
	var stop stopper
	written := make(chan struct{})
	// The transaction and the list of new frames are this goroutine's alone
	// until written is closed.
	go func() {
		defer close(written)
		for j := range m.queue {
			stop.set(m.write(insert, j))
		}
	}()
	defer func() {
		close(m.queue)
		<-written
		err = cmp.Or(err, stop.err())
	}()
	if m.w.files != nil {
		for f, err := range m.w.files {
			if err := cmp.Or(err, ctx.Err(), stop.err()); err != nil {
				return err
			}
			m.packLog(ctx)
			if err := m.add(f); err != nil {
				return err
			}
		}
	}
	for kind := range kinds {
		if err := m.move(ctx, kind); err != nil {
			return err
		}
		m.flush(kind)
	}
	return nil
}

// write writes a frame once it is compressed.
func (m *memory) write(insert *sql.Stmt, j *pastJob) error {
	data := <-j.data
	m.fresh[j.kind] = append(m.fresh[j.kind], pastFrame{j.number, uint32(len(j.text)), checksum(data)})
	if _, err := insert.Exec(m.w.id, j.kind, j.number, data); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// add takes in the history of one entry.
func (m *memory) add(f HistoryFile) error {
	if f.ID == "" {
		return fmt.Errorf("history: a file has no id: every entry needs one")
	}
	if n := max(len(f.Versions), len(f.Origins)); n > maxText {
		return fmt.Errorf("history of %q: has a part of %d bytes, and the most is %d", f.ID, n, maxText)
	}
	i := m.base.find(f.ID)
	if i < 0 {
		var ok bool
		if i, ok = m.added[f.ID]; !ok {
			e := pastEntry{}
			if e.code, ok = encodeID(f.ID); !ok {
				e.name = f.ID
			}
			i = len(m.entries)
			m.added[f.ID] = i
			m.entries = append(m.entries, e)
		}
	}
	m.entries[i].spans = [kinds]span{m.put(versions, f.Versions), m.put(origins, f.Origins)}
	return nil
}

// put appends a part to the frame that is being filled.
func (m *memory) put(kind int, part []byte) span {
	if len(part) == 0 {
		return span{}
	}
	f := &m.frames[kind]
	s := span{f.number, uint32(len(f.text)), uint32(len(part))}
	f.text = append(f.text, part...)
	if len(f.text) >= historyFrame[kind] {
		m.flush(kind)
	}
	return s
}

// flush hands over the frame that is being filled.
func (m *memory) flush(kind int) {
	f := &m.frames[kind]
	if len(f.text) == 0 {
		return
	}
	j := &pastJob{kind, f.number, f.text, make(chan []byte, 1)}
	m.room <- struct{}{}
	go func() {
		j.data <- m.encoder.EncodeAll(j.text, nil)
		<-m.room
	}()
	m.queue <- j
	f.text = make([]byte, 0, historyFrame[kind]+historyFrame[kind]/8)
	f.number++
}

// move takes the parts that are left out of the old frames of which more than
// a third is of no entry any more, and out of the last frame if it is not full,
// so that many small updates do not leave many small frames.
func (m *memory) move(ctx context.Context, kind int) error {
	frames := m.base.frames[kind]
	live := make([]uint32, len(frames))
	for i := range m.base.len() {
		s := m.entries[i].spans[kind]
		if n := findFrame(frames, s.frame); s.size > 0 && n >= 0 {
			live[n] += s.size
		}
	}
	moved := map[uint32][]int{} // by number the entries in a frame
	for n, f := range frames {
		if live[n] > 0 && f.size-live[n] <= f.size/3 && int(f.size) >= historyFrame[kind] {
			m.kept[kind] = append(m.kept[kind], f)
			continue
		}
		m.dropped[kind] = append(m.dropped[kind], f.number)
		moved[f.number] = nil
	}
	for i := range m.base.len() {
		s := m.entries[i].spans[kind]
		if list, ok := moved[s.frame]; ok && s.size > 0 {
			moved[s.frame] = append(list, i)
		}
	}
	var text []byte
	for _, number := range m.dropped[kind] {
		list := moved[number]
		if len(list) == 0 {
			continue
		}
		slices.SortFunc(list, func(a, b int) int {
			return cmp.Compare(m.entries[a].spans[kind].offset, m.entries[b].spans[kind].offset)
		})
		var err error
		if text, err = m.w.old.pastFrame(ctx, m.old, kind, frames[findFrame(frames, number)], text[:0]); err != nil {
			return err
		}
		for _, i := range list {
			s := &m.entries[i].spans[kind]
			*s = m.put(kind, text[s.offset:s.offset+s.size])
		}
	}
	return nil
}

// pack packs where everything is now.
func (m *memory) pack() []byte {
	entries := make([]pastEntry, 0, len(m.entries))
	for _, e := range m.entries {
		if e.spans[versions].size > 0 || e.spans[origins].size > 0 {
			entries = append(entries, e)
		}
	}
	if len(m.added) > 0 {
		slices.SortFunc(entries, comparePast)
	}
	var frames [kinds][]pastFrame
	for kind := range kinds {
		frames[kind] = slices.Concat(m.kept[kind], m.fresh[kind])
	}
	return packPast(entries, frames)
}
