package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wontfix/internal/testkit"

	"wontfix"
)

// small makes a database of a random tracker.
func small(t testing.TB, seed uint64, n int) (path string, m *model) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.db")
	m = newModel(seed)
	if _, err := Apply(context.Background(), path, update("ubuntu", true), sequence(m.changes(n))); err != nil {
		t.Fatal(err)
	}
	return path, m
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	path, _ := small(t, 1, 20)
	whole := read(t, path)
	version := func(v uint32) []byte {
		b := bytes.Clone(whole)
		binary.BigEndian.PutUint32(b[60:], v)
		return b
	}
	stranger := bytes.Clone(whole)
	binary.BigEndian.PutUint32(stranger[68:], 1)
	random := make([]byte, 50_000)
	for i, r := 0, rand.New(rand.NewPCG(1, 1)); i < len(random); i++ {
		random[i] = byte(r.Uint32())
	}
	page := int(binary.BigEndian.Uint16(whole[16:]))
	for _, test := range []struct {
		name string
		data []byte
		kind error
		says string
	}{
		{"missing", nil, ErrMissing, "wontfix sync"},
		{"empty", []byte{}, ErrDamaged, "ends in its header"},
		{"random", random, ErrForeign, "not a database"},
		{"newer", version(Version + 6), ErrNewer, "(schema 10, this one reads 4): upgrade wontfix, or build a new one in its place with `wontfix sync --full`"},
		{"older", version(0), ErrOlder, "run `wontfix sync`"},
		{"stranger", stranger, ErrForeign, "another program"},
		{"cut at a page", whole[:len(whole)-page], ErrDamaged, "bytes"},
		{"cut in a page", whole[:len(whole)-page/2], ErrDamaged, "bytes"},
		{"header only", whole[:100], ErrDamaged, "bytes"},
		{"first page zeroed", append(append(bytes.Clone(whole[:100]), make([]byte, page-100)...), whole[page:]...), ErrDamaged, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "y.db")
			if test.data != nil {
				write(t, path, test.data)
			}
			db, err := Open(path)
			if err == nil {
				db.Close()
			}
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("Open: %v; want %v", err, test.kind)
			}
			if _, err := Apply(context.Background(), path, update("ubuntu", false), sequence(nil)); !errors.Is(err, test.kind) {
				t.Errorf("Apply of what changed: %v; want %v", err, test.kind)
			}
			m := newModel(9)
			if test.kind == ErrForeign { // it is somebody's file: nothing may take its place
				_, err := Apply(context.Background(), path, update("ubuntu", true), sequence(m.changes(10)))
				if !errors.Is(err, ErrForeign) || !bytes.Equal(read(t, path), test.data) {
					t.Errorf("Apply in full: %v", err)
				}
				if _, err := Import(context.Background(), bytes.NewReader(nil), path, ""); !errors.Is(err, ErrForeign) || !bytes.Equal(read(t, path), test.data) {
					t.Errorf("Import: %v", err)
				}
				return
			}
			u := update("ubuntu", true)
			if test.kind == ErrNewer { // which may have what this version cannot read
				if _, err := Apply(context.Background(), path, u, sequence(m.changes(10))); !errors.Is(err, ErrNewer) || !bytes.Equal(read(t, path), test.data) {
					t.Errorf("Apply in full: %v", err)
				}
				u.Replace = true
				m = newModel(9)
			}
			stats, err := Apply(context.Background(), path, u, sequence(m.changes(10)))
			if err != nil {
				t.Fatal(err)
			}
			if test.data != nil && !errors.Is(stats.Discarded, test.kind) {
				t.Errorf("Discarded is %v; want %v", stats.Discarded, test.kind)
			}
			check(t, path, "ubuntu", m)
		})
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrForeign) {
		t.Errorf("Open of a folder: %v", err)
	}
}

// TestDamagedPages changes single bytes. Reading must end, without a panic and
// with statements or an error, whatever the byte is.
func TestDamagedPages(t *testing.T) {
	path, _ := small(t, 2, 60)
	whole := read(t, path)
	r := rand.New(rand.NewPCG(3, 3))
	ctx := context.Background()
	noticed := 0
	for range 150 {
		b := bytes.Clone(whole)
		b[100+r.IntN(len(b)-100)] ^= byte(1 + r.IntN(255))
		path := filepath.Join(t.TempDir(), "y.db")
		write(t, path, b)
		db, err := Open(path)
		if err != nil {
			noticed++
			continue
		}
		for _, err := range db.All(ctx, "ubuntu", Filter{}) {
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		}
		for _, err := range db.Sorted(ctx, "ubuntu") {
			if err != nil {
				break
			}
		}
		_ = db.Texts(ctx, "ubuntu", func(string, []byte) error { return nil })
		if found, err := db.Verify(ctx); err != nil || len(found) > 0 {
			noticed++
		}
		db.Close()
	}
	if noticed < 30 {
		t.Errorf("Verify noticed %d of 150 changed bytes", noticed)
	}
}

// TestVerify damages a database in ways that SQLite's own check cannot see.
func TestVerify(t *testing.T) {
	for what, query := range map[string]string{
		"statements":     "update packed set data = x'0100' where (source, label) in (select source, label from packed limit 1)",
		"blob gone":      "delete from packed where (source, label) in (select source, label from packed limit 1)",
		"blob cut":       "update packed set data = substr(data, 1, length(data) - 1) where (source, label) in (select source, label from packed limit 1)",
		"catalog":        "update catalog set entries = x'00'",
		"places":         "update catalog set places = substr(places, 2)",
		"frame gone":     "delete from frame where number = 0",
		"frame cut":      "update frame set data = substr(data, 1, length(data) / 2) where number = 0",
		"problems gone":  "update tracker set problems = problems + 1",
		"label gone":     "delete from label where id in (select label from packed limit 1)",
		"entries differ": "update tracker set entries = entries + 1",
	} {
		t.Run(what, func(t *testing.T) {
			path, _ := small(t, 5, 60)
			edit, err := sql.Open("sqlite", uri(path, ""))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := edit.Exec(query); err != nil {
				t.Fatal(err)
			}
			edit.Close()
			db, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if found, err := db.Verify(context.Background()); err != nil || len(found) == 0 {
				t.Errorf("Verify found nothing: %v", err)
			}
		})
	}
}

// TestApplyStops ends updates in the middle. The database stays as it was.
func TestApplyStops(t *testing.T) {
	path, m := small(t, 6, 40)
	before := read(t, path)
	boom := errors.New("boom")
	ctx, cancel := context.WithCancel(context.Background())
	stops := func(err error, do func()) func(func(wontfix.Change, error) bool) {
		return func(yield func(wontfix.Change, error) bool) {
			for _, c := range newModel(7).changes(30) {
				if !yield(c, nil) {
					return
				}
			}
			do()
			if err != nil {
				yield(wontfix.Change{}, err)
				return
			}
			yield(newModel(8).change(), nil)
		}
	}
	bad := newModel(7).change()
	bad.Entry.Statements = append(bad.Entry.Statements, wontfix.Statement{ID: "another"})
	for _, full := range []bool{true, false} {
		if _, err := Apply(context.Background(), path, update("ubuntu", full), stops(boom, func() {})); !errors.Is(err, boom) {
			t.Errorf("Apply of changes that fail: %v", err)
		}
		if _, err := Apply(context.Background(), path, update("ubuntu", full), sequence([]wontfix.Change{bad})); err == nil {
			t.Error("Apply of a statement on another entry: no error")
		}
	}
	if _, err := Apply(ctx, path, update("ubuntu", true), stops(nil, cancel)); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply with a context that ends: %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = Apply(context.Background(), path, update("ubuntu", true), stops(nil, func() { panic("boom") }))
	}()
	onlyDatabase(t, path)
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the database has changed")
	}
	check(t, path, "ubuntu", m)
	if _, err := Apply(context.Background(), path, update("debian", false), sequence(nil)); !errors.Is(err, ErrNotFound) {
		t.Errorf("Apply of what changed in an absent tracker: %v", err)
	}
}

// TestDeadText replaces texts until most of what the frames have is dead.
func TestDeadText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m := newModel(10)
	size := apply(t, path, update("ubuntu", true), m.changes(300)).Size
	for range 12 {
		size = max(size, apply(t, path, update("ubuntu", false), m.changes(100)).Size)
	}
	check(t, path, "ubuntu", m)
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var mu sync.Mutex
	var total, live int
	if err := db.Frames(context.Background(), "ubuntu", nil, func(f *Frame) error {
		mu.Lock()
		defer mu.Unlock()
		total += len(f.Text)
		for _, s := range f.Files {
			live += s.Len
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if live == 0 || total-live > total/4 {
		t.Errorf("of %d bytes, %d are live", total, live)
	}
}

func TestExport(t *testing.T) {
	path, m := small(t, 11, 50)
	var first, second bytes.Buffer
	digest, err := Export(context.Background(), path, &first)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Export(context.Background(), path, &second); err != nil || again != digest || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("a second Export differs: %+v, %v", again, err)
	}
	to := filepath.Join(t.TempDir(), "folder", "y.db")
	for _, want := range []string{"", digest.Database, digest.File} {
		got, err := Import(context.Background(), bytes.NewReader(first.Bytes()), to, want)
		if err != nil || got != digest {
			t.Fatalf("Import: %+v, %v; want %+v", got, err, digest)
		}
	}
	check(t, to, "ubuntu", m)
	whole := read(t, to)
	if again, err := Export(context.Background(), to, io.Discard); err != nil || again != digest {
		t.Errorf("Export of what was imported: %+v, %v; want %+v", again, err, digest)
	}
	data := first.Bytes()
	flipped := func(i int) []byte {
		b := bytes.Clone(data)
		b[i] ^= 1
		return b
	}
	for what, b := range map[string][]byte{
		"empty": nil, "short header": data[:20], "header only": data[:exportHeader], "cut off": data[:len(data)-10], "half": data[:len(data)/2],
		"wrong magic": flipped(9), "wrong form": flipped(25), "wrong size": flipped(33), "wrong digest": flipped(40), "wrong content": flipped(len(data) / 2),
		"a database": whole,
	} {
		if _, err := Import(context.Background(), bytes.NewReader(b), to, ""); err == nil {
			t.Errorf("Import of %s: no error", what)
		}
		onlyDatabase(t, to)
	}
	if _, err := Import(context.Background(), bytes.NewReader(data), to, strings.Repeat("0", 64)); !errors.Is(err, ErrDamaged) {
		t.Errorf("Import with another digest: %v", err)
	}
	if !bytes.Equal(whole, read(t, to)) {
		t.Error("an import that failed has changed the database")
	}
	cmd := exec.Command(testkit.Program(t, "brotli"), "--decompress", "--stdout")
	cmd.Stdin = bytes.NewReader(data[exportHeader:])
	plain, err := cmd.Output()
	if sum := sha256.Sum256(plain); err != nil || hex.EncodeToString(sum[:]) != digest.Database {
		t.Errorf("the brotli program unpacks something else, of %d bytes, %v", len(plain), err)
	}
	path = filepath.Join(t.TempDir(), "exported.db")
	write(t, path, plain)
	if _, err := Open(path); !errors.Is(err, ErrForeign) {
		t.Errorf("what is exported opens as a database: %v", err)
	}
	older := append(append([]byte("\x57\x2a\x4d\x18:\x00\x00\x00"), exportMagic...), make([]byte, 100)...)
	if _, err := Import(context.Background(), bytes.NewReader(older), to, ""); !errors.Is(err, ErrOlder) {
		t.Errorf("Import of an earlier form: %v", err)
	}
}

// TestExportOfUpdates: what updates have made is exported as what is read at
// once, and an entry that is gone leaves nothing behind.
func TestExportOfUpdates(t *testing.T) {
	m := newModel(21)
	updated, whole := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
	apply(t, updated, update("ubuntu", true), m.changes(60))
	for range 4 {
		apply(t, updated, update("ubuntu", false), m.changes(30))
	}
	apply(t, whole, update("ubuntu", true), slices.Collect(maps.Values(m.live)))
	texts := func(path string) (list []string) {
		var file bytes.Buffer
		_, err := Export(context.Background(), path, &file)
		testkit.Must(t, err)
		to := filepath.Join(t.TempDir(), "to.db")
		_, err = Import(context.Background(), &file, to, "")
		testkit.Must(t, err)
		check(t, to, "ubuntu", m)
		db, err := Open(to)
		testkit.Must(t, err)
		defer db.Close()
		var mu sync.Mutex
		testkit.Must(t, db.Frames(context.Background(), "ubuntu", nil, func(f *Frame) error {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, string(f.Text))
			return nil
		}))
		slices.Sort(list)
		return list
	}
	if a, b := texts(updated), texts(whole); !slices.Equal(a, b) {
		t.Errorf("the texts of updates are %d frames, and at once %d", len(a), len(b))
	}
}

// TestExportStops: an export that is stopped leaves nothing behind.
func TestExportStops(t *testing.T) {
	path, _ := small(t, 11, 50)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Export(ctx, path, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Export: %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestStoredFrame has frames of all sizes around those of blocks unpacked, by
// the reference implementation too.
func TestStoredFrame(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, maxBlock - 1, maxBlock, maxBlock + 1, 2 * maxBlock, 2*maxBlock + 7} {
		want := bytes.Repeat([]byte("wontfix"), size/7+1)[:size]
		frame := storedFrame(want)
		if got, err := unframe(nil, frame, size); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes come back as %d, %v", size, len(got), err)
		}
		if got := zstdProgram(t, frame); got != nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes are %d to the zstd program", size, len(got))
		}
	}
}

// zstdProgram unpacks frames with the reference implementation, nil if that
// is not there.
func zstdProgram(t *testing.T, data []byte) []byte {
	t.Helper()
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Log("zstd: no such program; it was not asked")
		return nil
	}
	cmd := exec.Command("zstd", "-d", "-c")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("zstd -d: %v", err)
	}
	return out
}

// TestSchema compares the schema with the one that databases of this version
// have. If it fails, raise Version and user_version, and write the new text to
// testdata/schema-N.txt.
func TestSchema(t *testing.T) {
	path, _ := small(t, 12, 1)
	db, err := sql.Open("sqlite", uri(path, "mode=ro"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("select sql from sqlite_schema where sql is not null order by name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got strings.Builder
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		got.WriteString(s + ";\n")
	}
	golden := filepath.Join("testdata", fmt.Sprintf("schema-%d.txt", Version))
	if os.Getenv("STORE_TEST_UPDATE") != "" {
		write(t, golden, []byte(got.String()))
	}
	if want := read(t, golden); got.String() != string(want) {
		t.Errorf("the schema is not that of %s:\n%s", golden, got.String())
	}
	var version int
	if err := db.QueryRow("pragma user_version").Scan(&version); err != nil || version != Version {
		t.Errorf("user_version is %d, %v; want %d", version, err, Version)
	}
}

// TestFramesOf asks for the texts of some entries.
func TestFramesOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	apply(t, path, update("ubuntu", true), newModel(11).changes(300))
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	catalog, err := db.Catalog(t.Context(), "ubuntu")
	testkit.Must(t, err)
	for _, step := range []int{1, 7, len(catalog)} {
		want := map[string]string{}
		ids := []string{"CVE-1999-0001"}
		for i := 0; i < len(catalog); i += step {
			ids = append(ids, catalog[i].ID)
			_, text, err := db.Text(t.Context(), "ubuntu", catalog[i].ID)
			testkit.Must(t, err)
			want[catalog[i].ID] = string(text)
		}
		var mu sync.Mutex
		have := map[string]string{}
		testkit.Must(t, db.Frames(t.Context(), "ubuntu", ids, func(f *Frame) error {
			mu.Lock()
			defer mu.Unlock()
			for _, s := range f.Files {
				have[s.ID] = string(f.Text[s.Offset : s.Offset+s.Len])
			}
			return nil
		}))
		if !maps.Equal(have, want) {
			t.Errorf("each %dth: %d texts, want %d, or others", step, len(have), len(want))
		}
	}
	none := 0
	testkit.Must(t, db.Frames(t.Context(), "ubuntu", []string{}, func(*Frame) error { none++; return nil }))
	if none > 0 {
		t.Errorf("%d frames of no entry", none)
	}
}
