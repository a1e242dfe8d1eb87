package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"wontfix/internal/testkit"
)

// historyHolds reads a history that may be damaged. What is read must be right:
// it returns what went wrong, and fails if anything that was read is not as the
// model has it, or if an error does not say of which kind it is.
func historyHolds(t *testing.T, path string, m *pastModel) (wrong error) {
	t.Helper()
	ctx := context.Background()
	db, err := Open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	if db.HistoryVersion("ubuntu") != "h1" {
		return errors.New("another version, or no tracker: the history is made anew")
	}
	judge := func(what string, err error, same bool) {
		switch {
		case err == nil && !same:
			t.Errorf("%s: is read wrong", what)
		case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotFound):
			t.Errorf("%s: %v", what, err)
		case err != nil:
			wrong = err
		}
	}
	log, err := wholeLog(db, "ubuntu", len(m.log))
	judge("log", err, slices.EqualFunc(log, m.log, bytes.Equal))
	for id, f := range m.files {
		if len(f.Versions) > 0 {
			got, err := db.Versions(ctx, "ubuntu", id)
			judge(id, err, bytes.Equal(got, f.Versions))
		}
	}
	var n, bad, want atomic.Int64
	err = db.EachVersions(ctx, "ubuntu", nil, func(id string, data []byte) error {
		if !bytes.Equal(m.files[id].Versions, data) {
			bad.Add(1)
		}
		return nil
	})
	judge("versions", err, bad.Load() == 0)
	err = db.EachOrigins(ctx, "ubuntu", nil, func(id string, data []byte) error {
		n.Add(1)
		if !bytes.Equal(m.files[id].Origins, data) {
			bad.Add(1)
		}
		return nil
	})
	for _, f := range m.files {
		if len(f.Origins) > 0 {
			want.Add(1)
		}
	}
	judge("origins", err, bad.Load() == 0 && n.Load() == want.Load())
	if wrong != nil {
		if found, err := db.Verify(ctx); err == nil && len(found) == 0 {
			t.Errorf("Verify does not see %v", wrong)
		}
	}
	return wrong
}

// damagedDB makes a database with a history for tests to damage.
func damagedDB(t *testing.T) (path string, past *pastModel) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.db")
	past = newPastModel(21)
	apply(t, path, withHistory(update("ubuntu", true), past.update(150, true)), newModel(21).changes(3))
	apply(t, path, withHistory(update("ubuntu", false), past.update(20, false)), nil)
	return path, past
}

// TestHistoryDamagedColumns changes bytes of each new column, through SQLite, so
// that only our own sums can see it.
func TestHistoryDamagedColumns(t *testing.T) {
	path, past := damagedDB(t)
	whole := read(t, path)
	r := rand.New(rand.NewPCG(9, 9))
	for _, column := range []string{"entries", "log", "data"} {
		for range 30 {
			path := filepath.Join(t.TempDir(), "y.db")
			write(t, path, whole)
			edit, err := sql.Open("sqlite", uri(path, ""))
			if err != nil {
				t.Fatal(err)
			}
			table, where := "history", ""
			if column == "data" {
				var kind, number int
				if err := edit.QueryRow("select kind, number from history_frame order by random() limit 1").Scan(&kind, &number); err != nil {
					t.Fatal(err)
				}
				table, where = "history_frame", fmt.Sprintf(" where kind = %d and number = %d", kind, number)
			}
			var data []byte
			if err := edit.QueryRow("select " + column + " from " + table + where).Scan(&data); err != nil {
				t.Fatal(err)
			}
			i := r.IntN(len(data))
			switch r.IntN(4) {
			case 0:
				data = data[:i]
			default:
				data[i] ^= byte(1 + r.IntN(255))
			}
			if _, err := edit.Exec("update "+table+" set "+column+" = ?"+where, data); err != nil {
				t.Fatal(err)
			}
			edit.Close()
			if err := historyHolds(t, path, past); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s, byte %d: %v", column, i, err)
			}
		}
	}
}

// TestHistoryDamagedRows mixes up rows whose own bytes are whole.
func TestHistoryDamagedRows(t *testing.T) {
	path, past := damagedDB(t)
	whole := read(t, path)
	for what, query := range map[string]string{
		"history gone":        "delete from history",
		"frame gone":          "delete from history_frame where kind = 0 and number = (select min(number) from history_frame where kind = 0)",
		"origins gone":        "delete from history_frame where kind = 1",
		"another number":      "update history_frame set number = number + 1000 where kind = 1 and number = (select max(number) from history_frame where kind = 1)",
		"all numbers":         "update history_frame set number = -number",
		"frame of another":    "update history_frame set data = (select data from history_frame where kind = 0 limit 1) where kind = 1",
		"log for entries":     "update history set entries = log",
		"a frame too many":    "insert into history_frame values (1, 1, 9999, x'00')",
		"version without any": "update tracker set history = ''",
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "y.db")
			write(t, path, whole)
			edit, err := sql.Open("sqlite", uri(path, ""))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := edit.Exec(query); err != nil {
				t.Fatal(err)
			}
			edit.Close()
			historyHolds(t, path, past)
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

// TestHistoryDamagedFile changes single bytes anywhere in the file.
func TestHistoryDamagedFile(t *testing.T) {
	path, past := damagedDB(t)
	whole := read(t, path)
	r := rand.New(rand.NewPCG(4, 4))
	noticed := 0
	for range 80 {
		b := bytes.Clone(whole)
		b[100+r.IntN(len(b)-100)] ^= byte(1 + r.IntN(255))
		path := filepath.Join(t.TempDir(), "y.db")
		write(t, path, b)
		if historyHolds(t, path, past) != nil {
			noticed++
		}
	}
	if noticed < 30 {
		t.Errorf("reading noticed %d of 80 changed bytes", noticed)
	}
}

// TestHistoryExport takes a history through an exported file.
func TestHistoryExport(t *testing.T) {
	path, past := damagedDB(t)
	var file bytes.Buffer
	if _, err := Export(context.Background(), path, &file); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "y.db")
	if _, err := Import(context.Background(), &file, to, ""); err != nil {
		t.Fatal(err)
	}
	checkHistory(t, to, "ubuntu", past)
}

// TestHistoryExportOfUpdates: a history that an update has made is exported as the
// same bytes as one that was read at once.
func TestHistoryExportOfUpdates(t *testing.T) {
	m := newModel(5)
	changes := m.changes(40)
	text := func(what string, n int) []byte { return bytes.Repeat([]byte(what+" and what follows from it\n"), n) }
	file := func(i int, what string) HistoryFile {
		return HistoryFile{ID: fmt.Sprintf("CVE-2020-%d", i), Versions: text(what, 900+i), Origins: text(what, 40)}
	}
	var first, later, all []HistoryFile
	for i := range 60 {
		f := file(i, "one")
		first = append(first, f)
		if i%3 == 0 {
			f = file(i, "another")
			later = append(later, f)
		}
		all = append(all, f)
	}
	random := rand.New(rand.NewPCG(6, 6))
	ids := make([]byte, 100_000) // as IDs, they do not compress
	for i := range ids {
		ids[i] = byte(random.Uint32())
	}
	var head []byte // of this less is left the more a compressor tries
	for range 4000 {
		head = fmt.Appendf(head, "nick%d %d\n", random.IntN(300), random.IntN(20))
	}
	log := [][]byte{head, ids, text("commit", 50)}
	export := func(updates ...*HistoryUpdate) []byte {
		path := filepath.Join(t.TempDir(), "x.db")
		for i, h := range updates {
			h.Version = "h1"
			if i == 0 {
				h.Full = true
				apply(t, path, withHistory(update("ubuntu", true), h), changes)
			} else {
				apply(t, path, withHistory(update("ubuntu", false), h), nil)
			}
		}
		var out bytes.Buffer
		_, err := Export(t.Context(), path, &out)
		testkit.Must(t, err)
		return out.Bytes()
	}
	updated := export(&HistoryUpdate{Log: [][]byte{head[:len(head)/2], ids[:90_000]}, Files: files(first)}, &HistoryUpdate{Log: log, Files: files(later)})
	whole := export(&HistoryUpdate{Log: log, Files: files(all)})
	if !bytes.Equal(updated, whole) {
		t.Errorf("%d bytes after an update, and other %d at once", len(updated), len(whole))
	}
}
