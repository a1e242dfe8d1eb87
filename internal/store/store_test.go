package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wontfix"
)

// A model is a tracker as the tests know it: changes by file.
type model struct {
	r    *rand.Rand
	live map[string]wontfix.Change // by id
}

func newModel(seed uint64) *model {
	return &model{rand.New(rand.NewPCG(seed, 7)), map[string]wontfix.Change{}}
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// id returns one of few ids, of every form that there is.
func (m *model) id() string {
	n := m.r.IntN(60)
	switch m.r.IntN(12) {
	case 0:
		return fmt.Sprintf("EMB-%d", n)
	case 1:
		return fmt.Sprintf("CVE-2008-NNN%d", n)
	case 2:
		return fmt.Sprintf("CVE-2010-0%04d", n) // a zero too many
	case 3:
		return fmt.Sprintf("CVE-2021-%d", 4294967290+uint64(n))
	case 4:
		return fmt.Sprintf("CVE-0000-%04d", n)
	}
	return fmt.Sprintf("CVE-%d-%04d", 1999+m.r.IntN(30), n*n*n)
}

func (m *model) statement(e *wontfix.Entry) wontfix.Statement {
	r := m.r
	release := wontfix.Release{Distribution: "ubuntu", Series: pick(r, "trusty", "xenial", "focal"), Product: pick(r, "", "esm-infra")}
	label := strings.TrimPrefix(release.String(), "ubuntu/")
	if r.IntN(20) == 0 {
		release, label = pick(r, wontfix.Release{}, wontfix.Release{Distribution: "upstream"}), pick(r, "trusty", "devel", "")
	}
	s := wontfix.Statement{
		ID: e.ID, File: pick(r, e.File, e.File, "another"), Published: e.PublishedAt(), Source: pick(r, "", "python2.7", "linux", "käse", "a b"), Release: release, Label: label,
		Word: pick(r, "DNE", "ignored", "needed", ""), Detail: pick(r, "", "end of life", "1.2-3", "too intrusive\x00\xff"),
		Line: r.IntN(5000), DevelOf: pick(r, "", "", "focal"), Priority: pick(r, "low", "medium", ""),
		Binary: r.IntN(4) == 0, Module: pick(r, "", "", "python39:3.9"),
		Meaning: wontfix.Meaning{
			Strength: wontfix.Strength(r.IntN(3)), Scope: wontfix.Scope(r.IntN(3)), Introduced: pick(r, "", "1.0"), LastAffected: pick(r, "", "1.9"), Advisory: pick(r, "", "XSA-1"), Decided: pick(r, "", "2015-01-08"),
			Status: wontfix.Status(r.IntN(256)), Decision: wontfix.Decision(r.IntN(256)), Reasons: wontfix.Reasons(r.Uint32() >> r.IntN(33)),
			Evidence: wontfix.Evidence(r.IntN(256)), Fixed: pick(r, "", "1.2-3"), Was: pick(r, "", "needed"), WasDetail: pick(r, "", "was"),
			Successor: pick(r, "", "python3.4"), Words: pick(r, "", "words"), Since: pick(r, "", "2014-02-03"), Because: pick(r, "", "because"),
		},
	}
	s.EvidenceLine = pick(r, 0, s.Line, r.IntN(maxLine))
	return s
}

// change makes an entry anew, in a folder that may be another than before.
func (m *model) change() wontfix.Change {
	id := m.id()
	file := pick(m.r, "active/", "retired/", "ignored/") + id
	if m.r.IntN(10) == 0 {
		file += ".json"
	}
	e := &wontfix.Entry{ID: id, File: file, Published: pick(m.r, "", "2014-12-12 11:59:00 UTC", "unknown", "1970-01-01", "0001-01-01", "9999-12-31"),
		Withdrawn: pick(m.r, "", "rejected"), Priority: wontfix.Priority{Word: pick(m.r, "", "low", "high")}}
	for range m.r.IntN(30) {
		e.Statements = append(e.Statements, m.statement(e))
	}
	text := make([]byte, m.r.IntN(3)*m.r.IntN(4000))
	for i := range text {
		text[i] = byte(m.r.IntN(256))
	}
	c := wontfix.Change{File: file, ID: id, Entry: e, Text: text}
	for range m.r.IntN(12) / 10 {
		c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: m.r.IntN(100), Text: "line: cannot be read"})
	}
	return c
}

// changes makes n changes, applies them to the model and returns them.
func (m *model) changes(n int) []wontfix.Change {
	var list []wontfix.Change
	for range n {
		c := m.change()
		if old, ok := m.live[c.ID]; ok && m.r.IntN(3) == 0 {
			c = wontfix.Change{File: old.File, ID: old.ID}
			delete(m.live, c.ID)
		} else {
			m.live[c.ID] = c
		}
		list = append(list, c)
	}
	return list
}

func sequence(list []wontfix.Change) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		for _, c := range list {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// TestApplyMoved: changes since a cursor that the database no longer has are not
// laid upon what another sync has written.
func TestApplyMoved(t *testing.T) {
	path, m := small(t, 3, 20)
	whole := read(t, path)
	u := update("ubuntu", false)
	u.Base = "git:earlier"
	if _, err := Apply(context.Background(), path, u, sequence(m.changes(5))); !errors.Is(err, ErrMoved) || !bytes.Equal(read(t, path), whole) {
		t.Errorf("changes since another cursor: %v", err)
	}
	u.Base = "git:abc"
	if _, err := Apply(context.Background(), path, u, sequence(nil)); err != nil {
		t.Errorf("changes since its own: %v", err)
	}
}

func update(name string, full bool) Update {
	return Update{
		Tracker: wontfix.Tracker{Name: name, Title: "A tracker", Source: "somewhere", Revision: "abc", Time: time.Date(2020, 4, 7, 1, 2, 3, 4, time.UTC),
			Synced: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), PageURL: "https://example.org/{id}", LineURL: "https://example.org/{file}"},
		Tool: "test", Cursor: "git:abc", Parser: "1", Full: full,
	}
}

func compareStatements(a, b wontfix.Statement) int {
	if c := byText(a, b); c != 0 {
		return c
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return strings.Compare(fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b))
}

// check compares a database with a model in every way that it can be read.
func check(t *testing.T, path, name string, m *model) {
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
	var want, got []wontfix.Statement
	wantTexts, gotTexts := map[string]string{}, map[string]string{}
	var wantProblems []wontfix.Problem
	for id, c := range m.live {
		want = append(want, c.Entry.Statements...)
		wantTexts[c.File] = string(c.Text)
		wantProblems = append(wantProblems, c.Problems...)
		file, text, err := db.Text(ctx, name, id)
		if err != nil || file != c.File || string(text) != string(c.Text) {
			t.Fatalf("Text(%s) = %s, %d bytes, %v; want %s, %d bytes", id, file, len(text), err, c.File, len(c.Text))
		}
		clear(text)
		if _, again, err := db.Text(ctx, name, id); err != nil || string(again) != string(c.Text) {
			t.Fatalf("Text(%s) again: %d bytes, %v; want those of the first time, whatever became of these", id, len(again), err)
		}
	}
	for s, err := range db.All(ctx, name, Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	slices.SortFunc(want, compareStatements)
	slices.SortFunc(got, compareStatements)
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("All differs (-want +got):\n%.4000s", d)
	}
	var sorted []wontfix.Statement
	for s, err := range db.Sorted(ctx, name) {
		if err != nil {
			t.Fatal(err)
		}
		sorted = append(sorted, s)
	}
	if !slices.IsSortedFunc(sorted, byText) {
		t.Error("Sorted is not in order")
	}
	slices.SortFunc(sorted, compareStatements)
	if !slices.Equal(sorted, want) {
		t.Error("Sorted has other statements than All")
	}
	texts := make(chan [2]string, len(m.live))
	if err := db.Texts(ctx, name, func(file string, text []byte) error {
		texts <- [2]string{file, string(text)}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	close(texts)
	for p := range texts {
		gotTexts[p[0]] = p[1]
	}
	maps.DeleteFunc(wantTexts, func(_, text string) bool { return text == "" })
	maps.DeleteFunc(gotTexts, func(_, text string) bool { return text == "" })
	if !maps.Equal(wantTexts, gotTexts) {
		t.Fatalf("Texts: %d, want %d", len(gotTexts), len(wantTexts))
	}
	problems, err := db.Problems(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(wantProblems, func(a, b wontfix.Problem) int { return strings.Compare(a.Error(), b.Error()) })
	slices.SortFunc(problems, func(a, b wontfix.Problem) int { return strings.Compare(a.Error(), b.Error()) })
	if !slices.Equal(problems, wantProblems) {
		t.Fatalf("Problems: %v, want %v", problems, wantProblems)
	}
	checkCatalog(t, db, name, m)
	checkStatements(t, db, name, want)
}

func byText(a, b wontfix.Statement) int {
	if c := strings.Compare(a.ID, b.ID); c != 0 {
		return c
	}
	if c := strings.Compare(a.Source, b.Source); c != 0 {
		return c
	}
	return strings.Compare(a.Label, b.Label)
}

func checkCatalog(t *testing.T, db *DB, name string, m *model) {
	t.Helper()
	entries, err := db.Catalog(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(m.live) || db.Counts(name).Entries != len(m.live) {
		t.Fatalf("Catalog has %d entries, want %d", len(entries), len(m.live))
	}
	for _, e := range entries {
		c := m.live[e.ID]
		if c.Entry == nil {
			t.Fatalf("Catalog has %s", e.ID)
		}
		want := CatalogEntry{c.ID, c.File, c.Entry.PublishedAt(), c.Entry.Priority.Word, c.Entry.Withdrawn != "", len(c.Text)}
		if e != want {
			t.Fatalf("Catalog has %+v, want %+v", e, want)
		}
	}
}

// checkStatements asks for parts of what there is.
func checkStatements(t *testing.T, db *DB, name string, all []wontfix.Statement) {
	t.Helper()
	labels, sources := []string{"trusty", "focal/esm-infra", "nowhere", ""}, []string{"linux", "käse", "linux", "absent", ""}
	got, err := db.Statements(context.Background(), name, labels, sources, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []wontfix.Statement
	for _, s := range all {
		if slices.Contains(labels, s.Label) && slices.Contains(sources, s.Source) {
			want = append(want, s)
		}
	}
	slices.SortFunc(got, compareStatements)
	if !slices.Equal(got, want) {
		t.Fatalf("Statements: %d, want %d", len(got), len(want))
	}
	matters := func(s *wontfix.Statement) bool {
		if s.ID != "" || s.Line != 0 {
			t.Errorf("matters is asked about %s, line %d", s.ID, s.Line)
		}
		return s.Word == "ignored"
	}
	if got, err = db.Statements(context.Background(), name, labels, sources, matters); err != nil {
		t.Fatal(err)
	}
	mattering := map[[2]string]bool{}
	for _, s := range want {
		if s.Word == "ignored" {
			mattering[[2]string{s.Source, s.ID}] = true
		}
	}
	want = slices.DeleteFunc(want, func(s wontfix.Statement) bool { return !mattering[[2]string{s.Source, s.ID}] })
	slices.SortFunc(got, compareStatements)
	if !slices.Equal(got, want) {
		t.Fatalf("Statements that matter: %d, want %d", len(got), len(want))
	}
	n := 0
	for s, err := range db.All(context.Background(), name, Filter{Sources: sources, Keep: func(s *wontfix.Statement) bool { return s.Word == "ignored" }}) {
		if err != nil || s.Word != "ignored" || s.ID == "" {
			t.Fatalf("All with a filter yields %+v, %v", s, err)
		}
		n++
	}
	for _, s := range all {
		if s.Word == "ignored" && slices.Contains(sources, s.Source) {
			n--
		}
	}
	if n != 0 {
		t.Fatalf("All with a filter yields %d too many", n)
	}
}

// TestOrder: statements of some sources in one release or in many come in the
// order of all, whichever way SQLite takes to them.
func TestOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var list []wontfix.Change
	for i := range 20 {
		e := &wontfix.Entry{ID: fmt.Sprintf("CVE-2024-%04d", i), File: fmt.Sprintf("active/CVE-2024-%04d", i)}
		for label := range 40 {
			for _, source := range []string{"zlib", "Käse", "linux", "a b"} {
				e.Statements = append(e.Statements, wontfix.Statement{ID: e.ID, File: e.File, Source: source, Label: fmt.Sprintf("r%d", (label*7+i)%40), Word: "needed", Line: label + 1})
			}
		}
		list = append(list, wontfix.Change{File: e.File, ID: e.ID, Entry: e})
	}
	apply(t, path, update("other", true), list[:5])
	apply(t, path, update("ubuntu", true), list)
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sources := []string{"zlib", "linux", "absent", "zlib", "Käse"}
	for _, labels := range [][]string{{"r17"}, {"r3", "r20", "r1", "r30"}, {"r9", "r39", "r0", "r8", "r7", "r6", "r5"}} {
		var want []wontfix.Statement
		for s, err := range db.All(context.Background(), "ubuntu", Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(labels, s.Label) && slices.Contains(sources, s.Source) {
				want = append(want, s)
			}
		}
		got, err := db.Statements(context.Background(), "ubuntu", labels, sources, nil)
		if err != nil || len(got) != 3*20*len(labels) || !slices.Equal(got, want) {
			t.Errorf("%d labels: %d statements, %v; want %d, in the order of all", len(labels), len(got), err, len(want))
		}
	}
}

// TestRoundTrip applies random updates, whole and partial, to a database with
// two trackers and reads everything back after each.
func TestRoundTrip(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "new folder", "a?b#c%20 d.db")
			m, other := newModel(seed), newModel(seed+1000)
			apply(t, path, update("other", true), other.changes(20))
			apply(t, path, update("ubuntu", true), m.changes(m.r.IntN(80)))
			check(t, path, "ubuntu", m)
			for range 8 {
				if m.r.IntN(4) == 0 {
					m.live = map[string]wontfix.Change{}
					apply(t, path, update("ubuntu", true), m.changes(m.r.IntN(80)))
				} else {
					apply(t, path, update("ubuntu", false), m.changes(m.r.IntN(30)))
				}
				check(t, path, "ubuntu", m)
			}
			check(t, path, "other", other)
		})
	}
}

func apply(t *testing.T, path string, u Update, list []wontfix.Change) Stats {
	t.Helper()
	stats, err := Apply(context.Background(), path, u, sequence(list))
	if err != nil {
		t.Fatal(err)
	}
	if stats.Changes != len(list) {
		t.Fatalf("Apply counted %d changes of %d", stats.Changes, len(list))
	}
	onlyDatabase(t, path)
	return stats
}

// onlyDatabase fails if there is anything beside the database and its lock.
func onlyDatabase(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) && e.Name() != filepath.Base(path)+".lock" {
			t.Fatalf("%s is left over", e.Name())
		}
	}
}

func TestMetadata(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m := newModel(1)
	stats := apply(t, path, update("ubuntu", true), m.changes(30))
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if d := cmp.Diff([]wontfix.Tracker{update("ubuntu", true).Tracker}, db.Trackers()); d != "" {
		t.Error(d)
	}
	if c, p := db.Cursor("ubuntu"); c != "git:abc" || p != "1" {
		t.Errorf("Cursor = %q, %q", c, p)
	}
	if c, p := db.Cursor("debian"); c != "" || p != "" {
		t.Errorf("Cursor of an absent tracker = %q, %q", c, p)
	}
	if got := db.Labels("ubuntu")["trusty/esm-infra"]; got != (wontfix.Release{Distribution: "ubuntu", Series: "trusty", Product: "esm-infra"}) {
		t.Errorf("Labels has %v", got)
	}
	if got := db.Counts("ubuntu"); got != stats.Counts || got.Statements == 0 {
		t.Errorf("Counts = %+v, Apply said %+v", got, stats.Counts)
	}
	if _, _, err := db.Text(context.Background(), "ubuntu", "CVE-1-1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Text of an absent entry: %v", err)
	}
	if _, err := db.Statements(context.Background(), "debian", []string{"x"}, []string{"y"}, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("Statements of an absent tracker: %v", err)
	}
}
