package rpmdb

import (
	"bytes"
	"cmp"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"wontfix/internal/testkit"
)

// encode writes a header of a package as rpm does: files is the number of
// files it lists, which is what makes headers large.
func encode(p Package, files int) []byte {
	return testkit.RpmHeader(p.Name, p.Epoch, p.Version, p.Release, p.Arch, p.SourceRPM, p.Module, files)
}

// sample is a set of packages with headers of all sizes, as one database has
// them.
func sample() (all []Package, headers [][]byte) {
	for i := range 60 {
		p := Package{Name: fmt.Sprintf("package%d", i), Version: fmt.Sprintf("1.%d~rc", i), Release: "3.el9", Arch: "x86_64",
			SourceRPM: fmt.Sprintf("source%d-1-3.el9.src.rpm", i/2)}
		if i%3 == 0 {
			p.Epoch = fmt.Sprint(i)
		}
		if i%5 == 0 {
			p.Module = "perl:5.32:8060020211122104554:9fe1d287"
		}
		if i == 7 {
			p.SourceRPM = ""
		}
		all, headers = append(all, p), append(headers, encode(p, i*i*3))
	}
	return all, headers
}

// The three formats.
var formats = map[string]func(testing.TB, [][]byte) []byte{"sqlite": sqliteFile, "ndb": ndbFile, "bdb": bdbFile}

func sqliteFile(t testing.TB, headers [][]byte) []byte {
	name := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	db := testkit.RpmSQLite(t, name)
	testkit.RpmInstall(t, db, headers)
	testkit.Must(t, db.Close())
	b, err := os.ReadFile(name)
	testkit.Must(t, err)
	return b
}

// ndbFile writes what rpm's rpmpkg.c writes, the sums left out.
func ndbFile(_ testing.TB, headers [][]byte) []byte {
	pages := 1 + (len(headers)+2)*ndbSlot/ndbPage
	slots := make([]byte, pages*ndbPage)
	copy(slots, "RpmP")
	binary.LittleEndian.PutUint32(slots[12:], uint32(pages))
	for i := 32; i < len(slots); i += ndbSlot {
		copy(slots[i:], "Slot")
	}
	out := slots
	for i, h := range headers {
		slot := out[32+i*ndbSlot:]
		binary.LittleEndian.PutUint32(slot[4:], uint32(i+1))
		binary.LittleEndian.PutUint32(slot[8:], uint32(len(out)/ndbSlot))
		head := append([]byte("BlbS"), make([]byte, 12)...)
		binary.LittleEndian.PutUint32(head[4:], uint32(i+1))
		binary.LittleEndian.PutUint32(head[12:], uint32(len(h)))
		out = slices.Concat(out, head, h, make([]byte, ndbSlot-len(h)%ndbSlot))
	}
	return out
}

// bdbFile asks Berkeley DB itself.
func bdbFile(t testing.TB, headers [][]byte) []byte {
	load := testkit.Program(t, "db5.3_load")
	var dump strings.Builder
	dump.WriteString("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n")
	fmt.Fprintf(&dump, " 00000000\n %08x\n", len(headers))
	for i, h := range headers {
		fmt.Fprintf(&dump, " %s\n %s\n", hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, uint32(i+1))), hex.EncodeToString(h))
	}
	dump.WriteString("DATA=END\n")
	name := filepath.Join(t.TempDir(), "Packages")
	cmd := exec.Command(load, name)
	cmd.Stdin = strings.NewReader(dump.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("db5.3_load: %v: %s", err, out)
	}
	b, err := os.ReadFile(name)
	testkit.Must(t, err)
	return b
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// readAll returns the packages in order of name, and the errors.
func readAll(db, wal []byte) (all []Package, errs []error) {
	var log *io.SectionReader
	if wal != nil {
		log = section(wal)
	}
	for p, err := range Packages(section(db), log) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, p)
	}
	sortPackages(all)
	return all, errs
}

func sortPackages(all []Package) {
	slices.SortFunc(all, func(a, b Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
}

func TestFormats(t *testing.T) {
	want, headers := sample()
	sortPackages(want)
	for name, write := range formats {
		t.Run(name, func(t *testing.T) {
			got, errs := readAll(write(t, headers), nil)
			if len(errs) > 0 || !slices.Equal(got, want) {
				t.Errorf("errors %v, packages\n%+v, want\n%+v", errs, got, want)
			}
		})
	}
}

// What rpm itself has written, and says.
func TestConfirm(t *testing.T) {
	root := testkit.RpmRoot(t, "usr/lib/sysimage/rpm", testkit.RpmSpecs...)
	name := filepath.Join(root, "usr/lib/sysimage/rpm/rpmdb.sqlite")
	db, err := os.ReadFile(name)
	testkit.Must(t, err)
	wal, _ := os.ReadFile(name + "-wal")
	all, errs := readAll(db, wal)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, p := range all {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s", p.Name, cmp.Or(p.Epoch, "(none)"), p.Version, p.Release, p.Arch, cmp.Or(p.SourceRPM, "(none)"), cmp.Or(p.Module, "(none)")))
	}
	want := testkit.RpmQuery(t, root, "usr/lib/sysimage/rpm", "%{NAME}|%{EPOCH}|%{VERSION}|%{RELEASE}|%{ARCH}|%{SOURCERPM}|%{MODULARITYLABEL}")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, and rpm says %q", got, want)
	}
}

// A database that rpm did not close: what was written last is in the log.
func TestLog(t *testing.T) {
	want, headers := sample()
	sortPackages(want)
	name := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	db := testkit.RpmSQLite(t, name)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range []string{"pragma journal_mode=wal", "pragma wal_autocheckpoint=0"} {
		_, err := db.Exec(s)
		testkit.Must(t, err)
	}
	testkit.RpmInstall(t, db, headers[:40])
	_, err := db.Exec("pragma wal_checkpoint(truncate)")
	testkit.Must(t, err)
	testkit.RpmInstall(t, db, headers[40:])
	file, err := os.ReadFile(name)
	testkit.Must(t, err)
	wal, err := os.ReadFile(name + "-wal")
	testkit.Must(t, err)
	if got, errs := readAll(file, wal); len(errs) > 0 || !slices.Equal(got, want) {
		t.Errorf("with its log: %d packages, errors %v", len(got), errs)
	}
	if got, errs := readAll(file, nil); len(errs) > 0 || len(got) != 40 {
		t.Errorf("without its log: %d packages, errors %v", len(got), errs)
	}
	// What is left of a transaction that never ended does not count.
	if got, errs := readAll(file, wal[:len(wal)-1]); len(errs) > 0 || len(got) != 40 {
		t.Errorf("with a log that was cut off: %d packages, errors %v", len(got), errs)
	}
}

// TestSideBySide reads a database of many pages on several cores, which must
// keep the order; a page that is in the tree twice, in the parts of two of them,
// is an error as it is to one.
func TestSideBySide(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var headers [][]byte
	for i := range 2000 {
		headers = append(headers, encode(Package{Name: fmt.Sprintf("package%04d", i), Version: "1", Release: "1", Arch: "noarch"}, i%40))
	}
	db := sqliteFile(t, headers)
	names := func(db []byte) (list []string, errs []error) {
		for p, err := range Packages(section(db), nil) {
			if err != nil {
				errs = append(errs, err)
			} else {
				list = append(list, p.Name)
			}
		}
		return list, errs
	}
	got, errs := names(db)
	if len(errs) > 0 || len(got) != len(headers) || !slices.IsSorted(got) {
		t.Fatalf("%d packages, in order: %t, errors %v", len(got), slices.IsSorted(got), errs)
	}
	n := 0
	for range Packages(section(db), nil) {
		if n++; n == 700 {
			break // and nothing is left running, as -race would say of the file
		}
	}
	size := int(binary.BigEndian.Uint16(db[16:]))
	damaged := 0
	for page := size; page < len(db); page += size {
		if db[page] != sqliteInterior || binary.BigEndian.Uint16(db[page+3:]) < 8 {
			continue
		}
		damaged++
		twice := bytes.Clone(db)
		first := int(binary.BigEndian.Uint16(db[page+12:]))
		copy(twice[page+8:], db[page+first:page+first+4])
		for _, readers := range []int{1, 4} {
			defer func(n int) { maxReaders = n }(maxReaders)
			maxReaders = readers
			if _, errs := names(twice); len(errs) != 1 || !Fatal(errs[0]) || !strings.Contains(errs[0].Error(), "no tree") {
				t.Errorf("%d readers: a page that is in the tree twice: %v", readers, errs)
			}
		}
	}
	if damaged == 0 {
		t.Error("no page to damage")
	}
}

func TestErrors(t *testing.T) {
	_, headers := sample()
	whole := ndbFile(t, headers[:2])
	for _, tt := range []struct{ name, db, want string }{
		{"nothing", "", "empty"},
		{"short", "SQLite format 3", "too short"},
		{"text", strings.Repeat("no database ", 9), "neither an SQLite"},
		{"SQLite without the table", string(emptySQLite(t)), "no table Packages"},
		{"ndb cut off", string(whole[:len(whole)-100]), "unexpected EOF"},
		{"one header of zeros", string(ndbFile(t, [][]byte{make([]byte, 64)})), "0 tags"},
		{"no name", string(ndbFile(t, [][]byte{encode(Package{Version: "1"}, 0)})), "no name"},
		{"a long name", string(ndbFile(t, [][]byte{encode(Package{Name: strings.Repeat("a", maxText+1)}, 0)})), "longer than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := readAll([]byte(tt.db), nil)
			if len(errs) == 0 || !strings.Contains(errs[0].Error(), tt.want) {
				t.Errorf("errors %v, want %q", errs, tt.want)
			}
		})
	}
	// A header that is damaged costs no other.
	got, errs := readAll(ndbFile(t, [][]byte{headers[1], make([]byte, 64), headers[2]}), nil)
	if len(got) != 2 || len(errs) != 1 || Fatal(errs[0]) {
		t.Errorf("%d packages, errors %v", len(got), errs)
	}
}

func emptySQLite(t *testing.T) []byte {
	name := filepath.Join(t.TempDir(), "db")
	db, err := sql.Open("sqlite", name)
	testkit.Must(t, err)
	_, err = db.Exec("create table other (packages text)")
	testkit.Must(t, err)
	testkit.Must(t, db.Close())
	b, err := os.ReadFile(name)
	testkit.Must(t, err)
	return b
}

// Slots that all point to one large header are no bomb.
func TestBomb(t *testing.T) {
	big := encode(Package{Name: "a", Version: "1", Release: "1", Module: "m"}, 20000)
	db := ndbFile(t, slices.Repeat([][]byte{{}}, 200))
	at := uint32(len(db) / ndbSlot)
	head := append([]byte("BlbS"), make([]byte, 12)...)
	binary.LittleEndian.PutUint32(head[4:], 1)
	binary.LittleEndian.PutUint32(head[12:], uint32(len(big)))
	for i := range 200 {
		binary.LittleEndian.PutUint32(db[32+i*ndbSlot+4:], 1)
		binary.LittleEndian.PutUint32(db[32+i*ndbSlot+8:], at)
	}
	got, errs := readAll(slices.Concat(db, head, big), nil)
	if len(errs) != 1 || !Fatal(errs[0]) || len(got) > 5 {
		t.Errorf("%d packages, errors %v", len(got), errs)
	}
}

// FuzzPackages holds that the size of what is read at once changes nothing,
// and that no file has more packages than it has room for.
func FuzzPackages(f *testing.F) {
	_, headers := sample()
	for name, write := range formats {
		if name == "bdb" {
			if _, err := exec.LookPath("db5.3_load"); err != nil {
				continue
			}
		}
		f.Add(write(f, headers[:6]), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, db, wal []byte) {
		if len(wal) == 0 {
			wal = nil
		}
		all, errs := readAll(db, wal)
		defer func(n int) { chunkSize = n }(chunkSize)
		chunkSize = 66 << 10
		again, errsAgain := readAll(db, wal)
		if !slices.Equal(all, again) || fmt.Sprint(errs) != fmt.Sprint(errsAgain) {
			t.Errorf("%d packages, errors %v, and in smaller pieces %d and %v", len(all), errs, len(again), errsAgain)
		}
		defer func(n int) { maxReaders = n }(maxReaders)
		maxReaders = 1
		if alone, errs := readAll(db, wal); len(errs) == 0 && (!slices.Equal(all, alone) || len(errsAgain) > 0) {
			t.Errorf("%d packages, errors %v, and read by one %d", len(all), errsAgain, len(alone))
		}
		if len(all) > 4*(2*(len(db)+len(wal))+1<<20)/16 {
			t.Errorf("%d packages in %d bytes", len(all), len(db)+len(wal))
		}
		for _, p := range all {
			if p.Name == "" || len(p.Name)+len(p.Version)+len(p.Module) > 3*maxText {
				t.Errorf("package %+v", p)
			}
		}
	})
}

// BenchmarkPackages reads 3,000 packages with 100 files each.
func BenchmarkPackages(b *testing.B) {
	var headers [][]byte
	for i := range 3000 {
		headers = append(headers, encode(Package{Name: fmt.Sprintf("package%d", i), Version: "1", Release: "1", Arch: "x86_64", SourceRPM: "a-1-1.src.rpm", Module: "m"}, 100+i%200))
	}
	for name, write := range formats {
		b.Run(name, func(b *testing.B) {
			db := write(b, headers)
			b.SetBytes(int64(len(db)))
			for b.Loop() {
				if all, errs := readAll(db, nil); len(all) != len(headers) {
					b.Fatal(len(all), errs)
				}
			}
			b.ReportMetric(float64(len(headers)*b.N)/b.Elapsed().Seconds(), "packages/s")
		})
	}
}
