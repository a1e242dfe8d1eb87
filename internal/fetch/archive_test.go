package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

func write(t testing.TB, name string, fill func(w io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := fill(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func packed(t testing.TB, pack func(io.Writer) (io.WriteCloser, error), fill func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		z, err := pack(w)
		if err != nil {
			return err
		}
		if err := fill(z); err != nil {
			return err
		}
		return z.Close()
	}
}

func inGzip(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
func inZstd(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }
func inXZ(w io.Writer) (io.WriteCloser, error)   { return xz.NewWriter(w) }

// members writes a tar with files that are wanted and things that are not.
func members(w io.Writer) error {
	t := tar.NewWriter(w)
	for _, h := range []tar.Header{
		{Name: "2014/", Typeflag: tar.TypeDir},
		{Name: "./2014/a.json", Size: 5},
		{Name: "/2015/b.json", Size: 5},
		{Name: "../../c.json", Size: 5},
		{Name: "d.txt", Size: 5},
		{Name: "e.json", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	} {
		if err := t.WriteHeader(&h); err != nil {
			return err
		}
		if h.Size > 0 {
			io.WriteString(t, "12345")
		}
	}
	return t.Close()
}

func zipped(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, name := range []string{"2014/", "./2014/a.json", "2015/b.json", "../../c.json", "d.txt"} {
		f, err := z.Create(name)
		if err != nil {
			return err
		}
		if !strings.HasSuffix(name, "/") {
			io.WriteString(f, "12345")
		}
	}
	return z.Close()
}

func isJSON(name string) bool { return strings.HasSuffix(name, ".json") }

// list returns names and lengths of what is read.
func list(name string, limits Limits) (string, error) {
	var b strings.Builder
	for f, err := range Files(name, isJSON, limits) {
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "%s:%d ", f.Name, len(f.Text))
	}
	return strings.TrimSpace(b.String()), nil
}

func TestFiles(t *testing.T) {
	both := "2014/a.json:5 2015/b.json:5"
	text := func(w io.Writer) error { _, err := io.WriteString(w, "12345"); return err }
	folder := t.TempDir()
	for name, content := range map[string]string{"x/a.json": "12345", "x/b.txt": "1", "c.json": "12", ".git/d.json": "1"} {
		os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755)
		os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600)
	}
	os.Rename(write(t, "y.json.gz", packed(t, inGzip, text)), filepath.Join(folder, "y.json.gz"))
	os.Symlink("/etc/passwd", filepath.Join(folder, "z.json"))
	for _, test := range []struct{ file, want string }{
		{write(t, "a.tar", members), both},
		{write(t, "a.tar.gz", packed(t, inGzip, members)), both},
		{write(t, "a.tgz", packed(t, inGzip, members)), both},
		{write(t, "a.tar.zst", packed(t, inZstd, members)), both},
		{write(t, "a.tar.xz", packed(t, inXZ, members)), both},
		{write(t, "a.zip", zipped), both},
		{write(t, "a.json.gz", packed(t, inGzip, text)), "a.json:5"},
		{write(t, "a.json", text), "a.json:5"},
		{folder, "c.json:2 x/a.json:5 y.json:5"},
	} {
		if got, err := list(test.file, Limits{}); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", filepath.Base(test.file), got, err, test.want)
		}
	}
}

func TestFilesLimits(t *testing.T) {
	zeros := func(n int64) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.CopyN(w, zero{}, n); return err }
	}
	skipped := func(w io.Writer) error {
		z := tar.NewWriter(w)
		z.WriteHeader(&tar.Header{Name: "not-wanted", Size: 100 << 20})
		zeros(100 << 20)(z)
		return z.Close()
	}
	many := func(w io.Writer) error {
		z := tar.NewWriter(w)
		for range 10_000 {
			z.WriteHeader(&tar.Header{Name: "x", Typeflag: tar.TypeDir})
		}
		return z.Close()
	}
	for _, test := range []struct {
		name   string
		file   string
		limits Limits
		error  string
	}{
		{"a large file", write(t, "a.json", zeros(100)), Limits{FileSize: 99}, "more than the 99 bytes of a file"},
		{"too much in all", write(t, "a.tar", members), Limits{Total: 2000}, "more than the 2000 bytes in all"},
		{"a bomb", write(t, "a.json.gz", packed(t, inGzip, zeros(100<<20))), Limits{Ratio: 100}, "more than 100 times as many"},
		{"a bomb that is passed over", write(t, "a.tar.zst", packed(t, inZstd, skipped)), Limits{}, "more than 1000 times as many"},
		{"many files", write(t, "a.tar.zst", packed(t, inZstd, many)), Limits{Files: 9999}, "more than the 9999 files"},
		{"many files of a zip", write(t, "a.zip", zipped), Limits{Files: 4}, "5 files, more than the 4"},
		{"no gzip", write(t, "a.json.gz", zeros(50)), Limits{}, "gzip: invalid header"},
		{"cut off", write(t, "a.tar", func(w io.Writer) error { _, err := w.Write(make([]byte, 100)); return err }), Limits{}, "unexpected EOF"},
	} {
		if _, err := list(test.file, test.limits); err == nil || !strings.Contains(err.Error(), test.error) {
			t.Errorf("%s: %v; want …%s…", test.name, err, test.error)
		}
	}
	if got, err := list(write(t, "a.tar.zst", packed(t, inZstd, many)), Limits{Files: 10_000}); err != nil || got != "" {
		t.Errorf("10,000 folders: %q, %v", got, err)
	}
}

type zero struct{}

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// tenMillion is how many members a bomb has.
const tenMillion = 10_000_000

// manyTar writes a tar.gz with ten million members. They are the same ones over
// and over, so that it is made in no time: gzip members may follow each other.
func manyTar(w io.Writer) error {
	const each = 10_000
	var part bytes.Buffer
	z := gzip.NewWriter(&part)
	t := tar.NewWriter(z)
	for range each {
		if err := t.WriteHeader(&tar.Header{Name: "a.txt", Typeflag: tar.TypeReg}); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil { // and not the tar, whose end would end it
		return err
	}
	for range tenMillion / each {
		if _, err := w.Write(part.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// manyZip writes a zip whose directory has ten million members, and whose end
// says that there are few.
func manyZip(w io.Writer) error {
	member := make([]byte, 47)
	copy(member, "PK\x01\x02")
	member[28], member[46] = 1, 'a'
	part := bytes.Repeat(member, 10_000)
	for range tenMillion / 10_000 {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint16(end[8:], tenMillion&0xffff)
	binary.LittleEndian.PutUint16(end[10:], tenMillion&0xffff)
	binary.LittleEndian.PutUint32(end[12:], tenMillion*47)
	_, err := w.Write(end)
	return err
}

// An archive with ten million members is refused before it fills the memory.
func TestFilesTenMillion(t *testing.T) {
	for name, fill := range map[string]func(io.Writer) error{"a.tar.gz": manyTar, "a.zip": manyZip} {
		file := filepath.Join(t.TempDir(), name)
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(fill(f), f.Close()); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = list(file, Limits{Files: 100_000})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "more than the 100000 files") {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
			t.Errorf("%s: %d MB were allocated", name, used>>20)
		}
		os.Remove(file)
	}
}

// FuzzFiles: whatever the bytes, what is read stays within the limits, and its
// names within the archive.
func FuzzFiles(f *testing.F) {
	for i, fill := range []func(io.Writer) error{members, packed(f, inGzip, members), packed(f, inZstd, members), packed(f, inXZ, members), zipped} {
		var b bytes.Buffer
		fill(&b)
		f.Add(i, b.Bytes())
	}
	endings := []string{".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".zip", ".json.bz2"}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		file := filepath.Join(dir, "a"+endings[uint(kind)%uint(len(endings))])
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		total, files := 0, 0
		for x, err := range Files(file, func(string) bool { return true }, Limits{Files: 10, FileSize: 1 << 10, Total: 1 << 20}) {
			if err != nil {
				break
			}
			total, files = total+len(x.Text), files+1
			if len(x.Text) > 1<<10 || files > 10 || total > 1<<20 || !filepath.IsLocal(x.Name) {
				t.Fatalf("%q of %d bytes is file %d of %d bytes in all", x.Name, len(x.Text), files, total)
			}
		}
	})
}
