package history

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"wontfix"
)

// randomLog makes a log of n commits, appended in parts, of which each has up
// to four parents.
func randomLog(t testing.TB, r *rand.Rand, n int) *Log {
	t.Helper()
	log, err := NewLog(nil)
	if err != nil {
		t.Fatal(err)
	}
	for done := 0; done < n; {
		var part []wontfix.Commit
		for range 1 + r.IntN(n-done) {
			i := done + len(part)
			c := wontfix.Commit{
				ID: fmt.Sprintf("%08x%032x", r.Uint32(), i), Author: fmt.Sprint("author ", r.IntN(5)), Email: "a@example.org", Message: "message\n",
				Time: time.Unix(r.Int64N(2e9), 0).In(time.FixedZone("", 60*(r.IntN(1600)-800))), Committed: time.Unix(r.Int64N(2e9), 0).UTC(),
				Entries: r.IntN(9), Gap: r.IntN(20) == 0,
			}
			switch k := r.IntN(10); {
			case i == 0 || k == 0:
			case k < 5:
				c.Parents = []int{i - 1}
			default:
				for range 1 + r.IntN(4) {
					c.Parents = append(c.Parents, max(0, i-1-r.IntN(min(i, 30))))
				}
			}
			part = append(part, c)
		}
		if err := log.Append(part); err != nil {
			t.Fatal(err)
		}
		done += len(part)
	}
	return log
}

// TestReaches compares Reaches with a plain walk.
func TestReaches(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 60 {
		n := 1 + r.IntN(150)
		log := randomLog(t, r, n)
		unpacked, err := UnpackLog(partsOf(log.Pack()))
		if err != nil {
			t.Fatal(err)
		}
		behind := make([]map[int]bool, n)
		for c := range n {
			behind[c] = map[int]bool{c: true}
			for _, p := range log.parents(c) {
				for a := range behind[p] {
					behind[c][a] = true
				}
			}
			for a := range n {
				if got := log.Reaches(c, a); got != behind[c][a] {
					t.Fatalf("Reaches(%d, %d) = %v", c, a, got)
				}
				if got := unpacked.Reaches(c, a); got != behind[c][a] {
					t.Fatalf("unpacked: Reaches(%d, %d) = %v", c, a, got)
				}
			}
		}
	}
}

// partsOf returns what UnpackLog asks for parts.
func partsOf(parts [][]byte) func(int) ([]byte, error) {
	return func(n int) ([]byte, error) { return parts[n], nil }
}

// TestPackLog packs logs and reads them again.
func TestPackLog(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 100 {
		log := randomLog(t, r, 1+r.IntN(40))
		log.spread[0] = []string{"trusty", "xenial"}
		log.nicks.add("ann", "ann author", 3)
		got, err := UnpackLog(partsOf(log.Pack()))
		if err != nil {
			t.Fatal(err)
		}
		for i := range log.Len() {
			a, b := *log.Commit(i), *got.Commit(i)
			if !a.Time.Equal(b.Time) || a.Time.Format(time.RFC3339) != b.Time.Format(time.RFC3339) || !a.Committed.Equal(b.Committed) || fmt.Sprint(a.Parents) != fmt.Sprint(b.Parents) {
				t.Fatalf("commit %d: %+v, want %+v", i, b, a)
			}
			a.Time, a.Committed, a.Parents = b.Time, b.Committed, b.Parents
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("commit %d: %+v, want %+v", i, b, a)
			}
		}
		if !reflect.DeepEqual(got.spread, log.spread) || !reflect.DeepEqual(got.nicks, log.nicks) || !reflect.DeepEqual(got.tips, log.tips) || got.Tip() != log.Tip() {
			t.Fatalf("unpacked %v %v %v, want %v %v %v", got.spread, got.nicks, got.tips, log.spread, log.nicks, log.tips)
		}
	}
}

// TestAt: of the line of first parents, the newest commit of a time.
func TestAt(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2020, 1, day, 12, 0, 0, 0, time.UTC) }
	log, err := NewLog([]wontfix.Commit{
		{ID: "aa00", Committed: at(2)},
		{ID: "aa11", Committed: at(4), Parents: []int{0}}, // a side branch
		{ID: "bb22", Committed: at(6), Parents: []int{0}},
		{ID: "cc33", Committed: at(5), Parents: []int{2, 1}}, // somebody's clock was wrong
		{ID: "", Committed: at(9), Parents: []int{3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[int]int{1: -1, 2: 0, 4: 0, 5: 3, 6: 3, 8: 3, 9: 4, 20: 4} {
		if got := log.At(at(day)); got != want {
			t.Errorf("At(day %d) = %d, want %d", day, got, want)
		}
	}
	if got := log.First(); !got.Equal(at(2)) {
		t.Errorf("First() = %v", got)
	}
	for prefix, want := range map[string]int{"aa0": 0, "AA11": 1, "c": 3} {
		if got, err := log.Find(prefix); got != want || err != nil {
			t.Errorf("Find(%q) = %d, %v; want %d", prefix, got, err, want)
		}
	}
	for prefix, want := range map[string]string{"aa": "more than one", "dd": "not in the history"} {
		if _, err := log.Find(prefix); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q): %v; want %q", prefix, err, want)
		}
	}
	empty, err := NewLog(nil)
	if err != nil || empty.Tip() != -1 || empty.At(at(1)) != -1 || !empty.First().IsZero() {
		t.Errorf("an empty log: %v, %d", err, empty.Tip())
	}
	if _, err := NewLog([]wontfix.Commit{{ID: "aa", Parents: []int{0}}}); err == nil {
		t.Error("a commit may be its own parent")
	}
}
