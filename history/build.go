package history

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"
)

// An Input is what a reading of a tracker's history has found: for each entry
// that a new commit touched, what became of it.
type Input struct {
	IDs []string // in order
	// Steps returns what became of entry i: the steps of new commits in order
	// of Commit. Their Text is the number of a text that Texts gives, or
	// [Gone].
	Steps func(i int) []Step
	// Texts calls fn once for each of IDs, from several goroutines at once;
	// texts is nil where one cannot be had. They are valid until fn returns.
	Texts func(ctx context.Context, fn func(i int, texts [][]byte) error) error
	// Old calls fn with what [File.Pack] made of the entries with these IDs
	// and the text that they had then, for those that it has, from several
	// goroutines at once.
	Old func(ctx context.Context, ids []string, fn func(id string, packed, today []byte) error) error
	// Judged calls fn with what [Origins.Pack] made of these entries when they
	// were judged last, from several goroutines at once. It is nil if all rows
	// are to be judged anew.
	Judged func(ctx context.Context, ids []string, fn func(id string, packed []byte) error) error
	// Known returns the IDs of all entries that have a history.
	Known func(ctx context.Context) ([]string, error)
}

// A Packed is the history of one entry.
type Packed struct {
	ID       string
	Versions []byte // see [File.Pack]
	Origins  []byte // see [Origins.Pack]
	Since    int    // the commit of its last record
}

// Build adds to a log what was found of its commits from number first on, and
// yields the history of each entry that they touched, in order of ID. If they
// prove somebody else to be behind a nick, it also yields the entries with notes
// of that nick, which are judged again. The log is complete when the first is
// yielded.
func Build(ctx context.Context, log *Log, first int, format *Format, in Input) iter.Seq2[Packed, error] {
	return func(yield func(Packed, error) bool) {
		b := &builder{log: log, first: first, format: format, in: in, ids: in.IDs, files: make([]kept, len(in.IDs))}
		owners := log.owners(first, log.personsBefore(first))
		err := b.gather(ctx)
		if err == nil {
			for nick, names := range log.owners(first, log.persons()) {
				if owners[nick] != names {
					b.moved = append(b.moved, nick)
				}
			}
			err = b.addSigned(ctx)
		}
		if err != nil {
			yield(Packed{}, err)
			return
		}
		b.judge(ctx, yield)
	}
}

type builder struct {
	log    *Log
	first  int
	format *Format
	in     Input
	ids    []string // of files
	files  []kept
	open   atomic.Int64 // how many bytes the entries that are kept open count
	moved  []string     // the nicks that are proved to be others' than before
}

// kept is an entry between the times that it is looked at. They all are in
// memory: compressed, but for the first of an update, which are open.
type kept struct {
	file    *File  // if the entry is open
	trace   *Trace // of no commit yet; may be nil
	packed  []byte // else what [File.Pack] made, with the text of today, both compressed by s2
	today   []byte
	origins []byte // what [Origins.Pack] made of the entry before the update
}

// maxOpen is how many bytes open entries count: what they had when packed, with
// their texts, and the lines of texts that were added. In memory they have three
// times as many.
var maxOpen int64 = 64 << 20

// gather makes files of steps and texts, and surveys them.
func (b *builder) gather(ctx context.Context) error {
	if err := b.old(ctx); err != nil {
		return err
	}
	var mu sync.Mutex
	var holes atomic.Int64
	survey := NewSurvey(b.first)
	free := []*Survey{}
	err := b.in.Texts(ctx, func(i int, texts [][]byte) error {
		f, err := b.file(i)
		if err != nil {
			return err
		}
		steps := b.in.Steps(i)
		for k := range steps {
			switch n := steps[k].Text; {
			case n == Gone:
			case n < 0 || n >= len(texts):
				return fmt.Errorf("%s: text %d: want one of %d", f.ID, n, len(texts))
			case texts[n] == nil:
				steps[k].Text = Missing
				holes.Add(1)
			default:
				steps[k].Text = f.AddText(texts[n])
			}
		}
		if err := f.Extend(b.log, steps); err != nil {
			return err
		}
		f.trim()
		mu.Lock()
		var s *Survey
		if n := len(free); n > 0 {
			s, free = free[n-1], free[:n-1]
		} else {
			s = NewSurvey(b.first)
		}
		mu.Unlock()
		t := s.Add(b.log, b.format, f)
		mu.Lock()
		free = append(free, s)
		mu.Unlock()
		b.keep(&b.files[i], f, t)
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range free {
		survey.Merge(s)
	}
	b.log.Apply(survey)
	b.log.Holes += int(holes.Load())
	return nil
}

// addSigned adds the entries with notes of a nick that is not known to be
// somebody's any more who it was of, or is now.
func (b *builder) addSigned(ctx context.Context) error {
	if b.in.Old == nil || b.in.Known == nil || b.moved == nil {
		return nil
	}
	known, err := b.in.Known(ctx)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(known), func(id string) bool {
		_, touched := slices.BinarySearch(b.in.IDs, id)
		return touched
	})
	found := make(map[string]kept)
	var mu sync.Mutex
	err = b.in.Old(ctx, rest, func(id string, packed, today []byte) error {
		if !slices.ContainsFunc(b.moved, func(nick string) bool {
			return bytes.Contains(packed, []byte(nick)) || bytes.Contains(today, []byte(nick))
		}) {
			return nil
		}
		k := kept{packed: press(packed), today: press(today)}
		mu.Lock()
		defer mu.Unlock()
		found[id] = k
		return nil
	})
	for i, id := range b.ids {
		found[id] = b.files[i]
	}
	b.ids = slices.Sorted(maps.Keys(found))
	b.files = make([]kept, len(b.ids))
	for i, id := range b.ids {
		b.files[i] = found[id]
	}
	return err
}

// keep keeps a file, and its trace, which may be nil, if it is open.
func (b *builder) keep(k *kept, f *File, t *Trace) {
	size := 0
	if k.file == nil && f.near != nil {
		size = len(f.near.text)
	}
	for _, text := range f.texts[len(f.made):] {
		size += 4 * len(text)
	}
	f.added()
	if k.packed != nil || !b.mayOpen(size) {
		*k = kept{packed: press(f.pack(-1)), origins: k.origins}
		return
	}
	k.file, k.trace = f, t
}

// mayOpen reports whether an entry may be open that counts so many bytes more.
func (b *builder) mayOpen(size int) bool {
	if b.first == 0 {
		return false
	}
	if b.open.Add(int64(size)) <= maxOpen {
		return true
	}
	b.open.Add(int64(-size))
	return false
}

// press compresses data. Compressing asks for room for the worst case, which
// must not be kept too.
func press(data []byte) []byte {
	room, _ := rooms.Get().(*[]byte)
	if room == nil {
		room = new([]byte)
	}
	defer rooms.Put(room)
	if n := s2.MaxEncodedLen(len(data)); len(*room) < n {
		*room = make([]byte, n)
	}
	return bytes.Clone(s2.Encode(*room, data))
}

var rooms sync.Pool

// old takes over what there was of the entries.
func (b *builder) old(ctx context.Context) error {
	if b.in.Old == nil || len(b.in.IDs) == 0 {
		return nil
	}
	err := b.in.Old(ctx, b.in.IDs, func(id string, packed, today []byte) error {
		i, ok := slices.BinarySearch(b.in.IDs, id)
		switch {
		case !ok:
		case b.mayOpen(len(packed) + len(today)):
			f, err := unpack(id, packed, today)
			b.files[i].file = f
			return err
		default:
			b.files[i].packed, b.files[i].today = press(packed), press(today)
		}
		return nil
	})
	if err != nil || b.in.Judged == nil {
		return err
	}
	return b.in.Judged(ctx, b.in.IDs, func(id string, packed []byte) error {
		if i, ok := slices.BinarySearch(b.in.IDs, id); ok {
			b.files[i].origins = bytes.Clone(packed)
		}
		return nil
	})
}

// file returns what is kept of entry i.
func (b *builder) file(i int) (*File, error) {
	id, k := b.ids[i], &b.files[i]
	switch {
	case k.file != nil:
		return k.file, nil
	case k.packed == nil:
		return NewFile(id), nil
	}
	packed, err := s2.Decode(nil, k.packed)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", id, err)
	}
	var today []byte
	if k.today != nil {
		if today, err = s2.Decode(nil, k.today); err != nil {
			return nil, fmt.Errorf("history of %s: %w", id, err)
		}
	}
	return unpack(id, packed, today)
}

// unpack is as [Unpack], and names the entry in an error.
func unpack(id string, packed, today []byte) (*File, error) {
	f, err := Unpack(id, packed, today)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", id, err)
	}
	return f, nil
}

// batch is how many entries are judged between two that are yielded.
const batch = 128

// judge finds the origins of the rows of each file and yields the files.
func (b *builder) judge(ctx context.Context, yield func(Packed, error) bool) {
	tip := b.log.Tip()
	for from := 0; from < len(b.files); from += batch {
		to := min(from+batch, len(b.files))
		out := make([]Packed, to-from)
		errs := make([]error, to-from)
		var wg sync.WaitGroup
		var next sync.Mutex
		at := from
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for ctx.Err() == nil {
					next.Lock()
					i := at
					at++
					next.Unlock()
					if i >= to {
						return
					}
					out[i-from], errs[i-from] = b.pack(i, tip)
				}
			})
		}
		wg.Wait()
		if err := ctx.Err(); err != nil {
			yield(Packed{}, context.Cause(ctx))
			return
		}
		for i := range out {
			if !yield(out[i], errs[i]) || errs[i] != nil {
				return
			}
		}
	}
}

func (b *builder) pack(i, tip int) (Packed, error) {
	f, err := b.file(i)
	if err != nil {
		return Packed{}, err
	}
	t, before := b.files[i].trace, b.files[i].origins
	b.files[i] = kept{}
	if t == nil {
		t = newTrace(b.log, b.format, f)
	}
	t.readLines()
	t.at = f.At(b.log, tip)
	today := -1
	if t.at >= 0 {
		if p, ok := f.Records[t.at].Place(); ok && p.Text >= 0 && len(f.linesOf(p.Text)) > 0 {
			today = p.Text
		}
	}
	since := -1
	if n := len(f.Records); n > 0 {
		since = f.Records[n-1].Commit
	}
	origins, err := b.origins(t, before)
	if err != nil {
		return Packed{}, err
	}
	return Packed{f.ID, f.packCut(today), origins.Pack(), since}, nil
}

// origins finds the origins of the rows of an entry, of which before has those
// that were packed before the update.
func (b *builder) origins(t *Trace, before []byte) (*Origins, error) {
	if before == nil || slices.ContainsFunc(b.moved, func(nick string) bool {
		return slices.ContainsFunc(t.file.lines, func(line string) bool { return strings.Contains(line, nick) })
	}) {
		return t.Origins(), nil
	}
	old, err := UnpackOrigins(b.log, before, nil)
	if err != nil {
		return nil, fmt.Errorf("origins of %s: %w", t.file.ID, err)
	}
	return t.originsSince(b.first-1, old), nil
}
