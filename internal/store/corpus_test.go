package store_test

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"wontfix"
	"wontfix/internal/store"
	"wontfix/internal/testkit"
	"wontfix/tracker"
)

// corpus opens the tracker of the corpus.
func corpus(t testing.TB) (*tracker.Source, tracker.Spec) {
	t.Helper()
	path := testkit.Corpus(t, testkit.Tracker)
	spec, err := tracker.Find("ubuntu")
	if err != nil {
		t.Fatal(err)
	}
	src, err := tracker.Open(context.Background(), spec, path, tracker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src, spec
}

// TestCorpus stores a real tracker and reads every statement and text back.
func TestCorpus(t *testing.T) {
	src, spec := corpus(t)
	ctx := context.Background()
	changes, full, err := src.Changes(ctx, "")
	if err != nil || !full {
		t.Fatal(full, err)
	}
	seed := maphash.MakeSeed()
	// Sums of hashes do not depend on the order.
	var want, got, wantText, gotText uint64
	statements, entries := 0, 0
	u := store.Update{Tracker: src.Tracker(), Tool: "test", Cursor: src.Cursor(), Parser: spec.Parser, Full: full}
	path := filepath.Join(t.TempDir(), "corpus.db")
	if keep := os.Getenv("WONTFIX_TEST_DB"); keep != "" {
		path = keep
	}
	start := time.Now()
	stats, err := store.Apply(ctx, path, u, func(yield func(wontfix.Change, error) bool) {
		for c, err := range changes {
			if c.Entry != nil {
				entries++
				wantText += maphash.Comparable(seed, c.File) ^ maphash.Bytes(seed, c.Text)
				for _, s := range c.Entry.Statements {
					statements++
					want += maphash.Comparable(seed, s)
				}
			}
			if !yield(c, err) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries, %d statements, %d problems, %.1f MB, %v, peak %d MB", stats.Entries, stats.Statements, stats.Problems,
		float64(stats.Size)/1e6, time.Since(start).Round(time.Millisecond), peak())
	if stats.Entries != entries || stats.Statements != statements || entries < 10_000 {
		t.Errorf("Apply says %+v, want %d entries, %d statements", stats, entries, statements)
	}
	db, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	for s, err := range db.Sorted(ctx, u.Tracker.Name) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		got += maphash.Comparable(seed, s)
	}
	if got != want || n != statements {
		t.Errorf("%d statements read back are not the %d that were stored", n, statements)
	}
	sums := make(chan uint64, entries)
	if err := db.Texts(ctx, u.Tracker.Name, func(file string, text []byte) error {
		sums <- maphash.Comparable(seed, file) ^ maphash.Bytes(seed, text)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	close(sums)
	for s := range sums {
		gotText += s
	}
	if gotText != wantText {
		t.Error("the texts read back are not those that were stored")
	}
	if found, err := db.Verify(ctx); err != nil || len(found) > 0 {
		t.Errorf("Verify: %v, %v", found, err)
	}
}

// peak returns the largest size that this process had in memory, in MB.
func peak() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss / 1024
}

func ExampleDB_Statements() {
	db, err := store.Open("trackers.db")
	if err != nil {
		fmt.Println("there is no database yet")
		return
	}
	defer db.Close()
	list, err := db.Statements(context.Background(), "ubuntu", []string{"trusty", "trusty/esm"}, []string{"python2.7"}, nil)
	fmt.Println(len(list), err)
	// Output: there is no database yet
}
