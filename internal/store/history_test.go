package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"wontfix"
)

// A pastModel is the history of a tracker as the tests know it.
type pastModel struct {
	r     *rand.Rand
	files map[string]HistoryFile
	log   [][]byte
}

func newPastModel(seed uint64) *pastModel {
	return &pastModel{r: rand.New(rand.NewPCG(seed, 11)), files: map[string]HistoryFile{}}
}

// part returns bytes that compress somewhat; now and then none, now and then
// more than a frame is given.
func (m *pastModel) part(usual, much int) []byte {
	n := m.r.IntN(usual)
	switch m.r.IntN(50) {
	case 0:
		n = 0
	case 1:
		n = m.r.IntN(much)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.r.IntN(8)) << m.r.IntN(5)
	}
	return b
}

// update makes the history of n entries, or takes that of a few of them away.
func (m *pastModel) update(n int, full bool) *HistoryUpdate {
	if full {
		clear(m.files)
	}
	ids := newModel(m.r.Uint64())
	var list []HistoryFile
	for range n {
		f := HistoryFile{ID: ids.id()}
		if m.r.IntN(10) > 0 {
			f.Versions, f.Origins = m.part(9000, 1<<20), m.part(2000, 90_000)
		}
		list = append(list, f)
		m.files[f.ID] = f
		if len(f.Versions)+len(f.Origins) == 0 {
			delete(m.files, f.ID)
		}
	}
	m.log = nil
	for range m.r.IntN(4) {
		m.log = append(m.log, m.part(20_000, 40_000))
	}
	return &HistoryUpdate{Full: full, Version: "h1", Log: m.log, Files: files(list)}
}

// files yields copies, which the receiver may do with as it likes.
func files(list []HistoryFile) iter.Seq2[HistoryFile, error] {
	return func(yield func(HistoryFile, error) bool) {
		for _, f := range list {
			f.Versions, f.Origins = bytes.Clone(f.Versions), bytes.Clone(f.Origins)
			if !yield(f, nil) {
				return
			}
		}
	}
}

func withHistory(u Update, h *HistoryUpdate) Update {
	u.History = h
	return u
}

// gathered is what an Each function calls its function with.
func gathered(t *testing.T, each func(context.Context, string, []string, func(string, []byte) error) error, name string, ids []string) map[string]string {
	t.Helper()
	var mu sync.Mutex
	got := map[string]string{}
	err := each(context.Background(), name, ids, func(id string, data []byte) error {
		mu.Lock()
		defer mu.Unlock()
		if _, ok := got[id]; ok {
			return fmt.Errorf("%s comes twice", id)
		}
		got[id] = string(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wholeLog returns n parts of a log.
func wholeLog(db *DB, name string, n int) (parts [][]byte, err error) {
	part, err := db.Log(context.Background(), name)
	for i := 0; i < n && err == nil; i++ {
		var data []byte
		data, err = part(i)
		parts = append(parts, data)
	}
	return parts, err
}

// checkHistory compares a history with a model in every way that it can be
// read.
func checkHistory(t *testing.T, path, name string, m *pastModel) {
	t.Helper()
	ctx := context.Background()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if found, err := db.Verify(ctx); err != nil || len(found) > 0 {
		t.Fatalf("Verify: %v, %v", found, err)
	}
	if v := db.HistoryVersion(name); v != "h1" {
		t.Fatalf("HistoryVersion = %q", v)
	}
	if log, err := wholeLog(db, name, len(m.log)); err != nil || !slices.EqualFunc(log, m.log, bytes.Equal) {
		t.Fatalf("Log: %d parts, %v; want %d", len(log), err, len(m.log))
	}
	if _, err := wholeLog(db, name, len(m.log)+1); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a part of the log that is not there: %v", err)
	}
	ids, err := db.HistoryIDs(ctx, name)
	if want := slices.Sorted(maps.Keys(m.files)); err != nil || !slices.Equal(ids, want) {
		t.Fatalf("HistoryIDs = %q, %v; want %q", ids, err, want)
	}
	some := []string{"CVE-1-1", "absent", ""}
	wantVersions, wantOrigins := map[string]string{}, map[string]string{}
	someVersions, someOrigins := map[string]string{}, map[string]string{}
	for _, id := range ids {
		f := m.files[id]
		chosen := m.r.IntN(5) == 0
		if chosen {
			some = append(some, id, id)
		}
		if len(f.Origins) > 0 {
			wantOrigins[id] = string(f.Origins)
			if chosen {
				someOrigins[id] = string(f.Origins)
			}
		}
		got, err := db.Versions(ctx, name, id)
		if len(f.Versions) == 0 {
			if !errors.Is(err, ErrNotFound) {
				t.Fatalf("Versions(%s), which has none: %v", id, err)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, f.Versions) {
			t.Fatalf("Versions(%s): %d bytes, %v; want %d", id, len(got), err, len(f.Versions))
		}
		wantVersions[id] = string(f.Versions)
		if chosen {
			someVersions[id] = string(f.Versions)
		}
	}
	if !maps.Equal(gathered(t, db.EachVersions, name, nil), wantVersions) || !maps.Equal(gathered(t, db.EachVersions, name, some), someVersions) {
		t.Fatal("EachVersions differs")
	}
	if !maps.Equal(gathered(t, db.EachOrigins, name, nil), wantOrigins) || !maps.Equal(gathered(t, db.EachOrigins, name, some), someOrigins) {
		t.Fatal("EachOrigins differs")
	}
	if got := gathered(t, db.EachOrigins, name, []string{}); len(got) != 0 {
		t.Fatalf("EachOrigins of no ids: %d", len(got))
	}
	if _, err := db.Versions(ctx, name, "absent"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("Versions of an absent entry: %v", err)
	}
}

// checkGarbage fails if more than a third of a frame is of no entry, or if
// there is more than one frame of a kind that is not full.
func checkGarbage(t *testing.T, path, name string) {
	t.Helper()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tr, err := db.tracker(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := db.past(tr)
	if err != nil {
		t.Fatal(err)
	}
	for kind := range kinds {
		live, small := map[uint32]uint32{}, 0
		for _, s := range p.spans[kind] {
			live[s.frame] += s.size
		}
		for _, f := range p.frames[kind] {
			if int(f.size) < historyFrame[kind] {
				small++
			}
			if f.size-live[f.number] > f.size/3 {
				t.Errorf("kind %d: of the %d bytes of frame %d, %d are live", kind, f.size, f.number, live[f.number])
			}
		}
		if small > 1 {
			t.Errorf("kind %d: %d frames of %d are small", kind, small, len(p.frames[kind]))
		}
	}
}

// TestHistory applies random updates of a history, whole and partial, and reads
// everything back after each.
func TestHistory(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.db")
			m, other := newModel(seed), newModel(seed+1000)
			past, otherPast := newPastModel(seed), newPastModel(seed+1000)
			apply(t, path, withHistory(update("other", true), otherPast.update(20, true)), other.changes(20))
			apply(t, path, withHistory(update("ubuntu", true), past.update(past.r.IntN(300), true)), m.changes(20))
			checkHistory(t, path, "ubuntu", past)
			for range 10 {
				full := past.r.IntN(4) == 0
				if full {
					m.live = map[string]wontfix.Change{}
				}
				h := past.update(past.r.IntN(120), past.r.IntN(5) == 0)
				apply(t, path, withHistory(update("ubuntu", full), h), m.changes(10))
				checkHistory(t, path, "ubuntu", past)
				checkHistory(t, path, "other", otherPast)
			}
			check(t, path, "ubuntu", m)
			check(t, path, "other", other)
			// An id may come twice in one update; what that leaves is for
			// the next one.
			apply(t, path, withHistory(update("ubuntu", false), past.update(0, false)), nil)
			checkHistory(t, path, "ubuntu", past)
			checkGarbage(t, path, "ubuntu")
		})
	}
}

// TestHistoryKept: without a history in the update the old one stays only if
// the texts do.
func TestHistoryKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m, past := newModel(1), newPastModel(1)
	none := func(what string) {
		t.Helper()
		db, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ctx := context.Background()
		_, errLog := db.Log(ctx, "ubuntu")
		_, errVersions := db.Versions(ctx, "ubuntu", "EMB-1")
		_, errIDs := db.HistoryIDs(ctx, "ubuntu")
		errEach := db.EachOrigins(ctx, "ubuntu", nil, nil)
		for _, err := range []error{errLog, errVersions, errIDs, errEach} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if v := db.HistoryVersion("ubuntu") + db.HistoryVersion("absent"); v != "" {
			t.Errorf("%s: version %q", what, v)
		}
		if found, err := db.Verify(ctx); err != nil || len(found) > 0 {
			t.Errorf("%s: %v, %v", what, found, err)
		}
	}
	apply(t, path, update("ubuntu", true), m.changes(30))
	none("full update without a history")
	apply(t, path, withHistory(update("ubuntu", false), past.update(50, true)), nil)
	checkHistory(t, path, "ubuntu", past)
	apply(t, path, update("ubuntu", false), nil)
	checkHistory(t, path, "ubuntu", past)
	apply(t, path, update("ubuntu", false), m.changes(1))
	none("update with a change and no history")
	apply(t, path, withHistory(update("ubuntu", false), past.update(50, true)), m.changes(1))
	checkHistory(t, path, "ubuntu", past)
	apply(t, path, update("ubuntu", true), m.changes(30))
	none("second full update without a history")
}

// TestHistoryRefused gives updates whose history cannot be taken. The database
// stays as it was.
func TestHistoryRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m, past := newModel(2), newPastModel(2)
	apply(t, path, withHistory(update("ubuntu", true), past.update(30, true)), m.changes(20))
	apply(t, path, update("bare", true), nil)
	before := read(t, path)
	boom := errors.New("boom")
	fails := func(do func() error) iter.Seq2[HistoryFile, error] {
		return func(yield func(HistoryFile, error) bool) {
			for f, err := range newPastModel(3).update(300, true).Files {
				if !yield(f, err) {
					return
				}
			}
			yield(HistoryFile{}, do())
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	for _, test := range []struct {
		what, name string
		full       bool
		h          HistoryUpdate
		kind       error
	}{
		{"no version", "ubuntu", false, HistoryUpdate{Full: true}, nil},
		{"another version", "ubuntu", false, HistoryUpdate{Version: "h2"}, nil},
		{"nothing to add to", "bare", false, HistoryUpdate{Version: "h1"}, ErrNotFound},
		{"no tracker to add to", "new", true, HistoryUpdate{Version: "h1"}, ErrNotFound},
		{"no id", "ubuntu", false, HistoryUpdate{Version: "h1", Files: files([]HistoryFile{{Versions: []byte("x")}})}, nil},
		{"large part", "ubuntu", false, HistoryUpdate{Version: "h1", Files: files([]HistoryFile{{ID: "EMB-1", Origins: make([]byte, maxText+1)}})}, nil},
		{"large log", "ubuntu", false, HistoryUpdate{Version: "h1", Log: [][]byte{make([]byte, maxText+1)}}, nil},
		{"files that fail", "ubuntu", false, HistoryUpdate{Version: "h1", Files: fails(func() error { return boom })}, boom},
		{"files that fail, in full", "ubuntu", true, HistoryUpdate{Full: true, Version: "h1", Files: fails(func() error { return boom })}, boom},
		{"files that panic", "ubuntu", true, HistoryUpdate{Full: true, Version: "h1", Files: fails(func() error { panic(boom) })}, boom},
		{"context", "ubuntu", false, HistoryUpdate{Version: "h1", Files: fails(func() error { cancel(); return nil })}, context.Canceled},
	} {
		err := func() (err error) {
			defer func() {
				if p, ok := recover().(error); ok {
					err = p
				}
			}()
			_, err = Apply(ctx, path, withHistory(update(test.name, test.full), &test.h), sequence(nil))
			return err
		}()
		if err == nil || test.kind != nil && !errors.Is(err, test.kind) {
			t.Errorf("%s: %v", test.what, err)
		}
		onlyDatabase(t, path)
		if !bytes.Equal(before, read(t, path)) {
			t.Fatalf("%s: the database has changed", test.what)
		}
	}
	checkHistory(t, path, "ubuntu", past)
}

// TestHistorySameBytes: the same updates make the same database, though frames
// are compressed beside each other.
func TestHistorySameBytes(t *testing.T) {
	var first []byte
	for n := range 3 {
		path := filepath.Join(t.TempDir(), "x.db")
		past := newPastModel(5)
		apply(t, path, withHistory(update("ubuntu", true), past.update(400, true)), newModel(5).changes(20))
		for range 4 {
			apply(t, path, withHistory(update("ubuntu", false), past.update(60, false)), nil)
		}
		if b := read(t, path); n == 0 {
			first = b
		} else if !bytes.Equal(b, first) {
			t.Fatal("a second database of the same updates has other bytes")
		}
	}
}

// TestPackLogAgain: what is taken from an old log is what would be made anew, also
// where the old one is damaged or shorter.
func TestPackLogAgain(t *testing.T) {
	long := bytes.Repeat([]byte("a part of a log "), 200)
	log := [][]byte{[]byte("one"), long, {}, []byte("four")}
	want := mustPackLog(t, log, nil)
	for what, before := range map[string][][]byte{
		"the same": log, "shorter": log[:2], "none": nil, "others": {[]byte("eno"), []byte("two"), {}, []byte("four"), []byte("five")},
	} {
		old, err := readLog(mustPackLog(t, before, nil))
		if err != nil {
			t.Fatal(err)
		}
		if len(old) > 1 {
			old[0].data = slices.Clone(old[0].data)
			old[0].data[len(old[0].data)-1] ^= 1
		}
		if got := mustPackLog(t, log, old); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes; want %d, those of a log that is packed alone", what, len(got), len(want))
		}
	}
}

func mustPackLog(t *testing.T, log [][]byte, old []logPart) []byte {
	data, err := packLog(log, old)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPackLogIDs: IDs, of which the sizes alone can be compressed, are read where
// they lie, and with more IDs again.
func TestPackLogIDs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var old []logPart
	for _, commits := range []int{1000, 4000, 4100} {
		ids := bytes.Repeat([]byte{20}, commits)
		for range 20 * commits {
			ids = append(ids, byte(random.Uint32()))
		}
		packed := mustPackLog(t, [][]byte{ids}, old)
		if !bytes.Equal(packed, mustPackLog(t, [][]byte{ids}, nil)) {
			t.Errorf("%d commits: packed after others, other bytes", commits)
		}
		parts, err := readLog(packed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parts[0].unpack(); err != nil || !bytes.Equal(got, ids) || &got[0] != &parts[0].data[0] {
			t.Errorf("%d bytes, %v; want the %d that were packed, uncopied", len(got), err, len(ids))
		}
		old = parts
	}
}
