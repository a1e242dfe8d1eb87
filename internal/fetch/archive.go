package fetch

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Limits bound what is read of an archive. A zero field is the default.
type Limits struct {
	Files    int   // how many files; 1,000,000
	FileSize int64 // bytes of one file; 512 MiB
	Total    int64 // bytes of all files; 64 GiB
	Ratio    int64 // bytes for each byte of the archive, above 64 MiB; 1,000
}

func (l Limits) orDefault() Limits {
	if l.Files == 0 {
		l.Files = 1_000_000
	}
	if l.FileSize == 0 {
		l.FileSize = 512 << 20
	}
	if l.Total == 0 {
		l.Total = 64 << 30
	}
	if l.Ratio == 0 {
		l.Ratio = 1000
	}
	return l
}

// ratioFloor is the size below which nothing is called a bomb.
const ratioFloor = 64 << 20

// A File is one file of an archive.
type File struct {
	Name string // in the archive, cleaned; of a single file its own name without the ending
	Text []byte
}

// Files yields the files of an archive that take wants: of a zip, of a tar that
// may be compressed, or a single file that may be (gzip, bzip2, xz, zstd, as
// its name ends). A folder yields those below it, in order of name; what is
// compressed there is opened, too. Neither links nor special files are
// followed. An error ends the sequence.
func Files(name string, take func(name string) bool, limits Limits) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		r := &archive{take: take, limits: limits.orDefault(), yield: yield}
		info, err := os.Stat(name)
		if err == nil && info.IsDir() {
			err = r.folder(name)
		} else if err == nil {
			err = r.file(name, filepath.Base(name), info.Size())
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(File{}, err)
		}
	}
}

var errStop = errors.New("stopped")

type archive struct {
	take   func(string) bool
	limits Limits
	yield  func(File, error) bool

	files int
	total int64
	size  int64 // of the archive
}

func (a *archive) folder(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return walk(root, ".", func(name string, size int64) error {
		if !a.take(strings.TrimSuffix(name, ending(name))) && !a.take(name) {
			return nil
		}
		return a.file(filepath.Join(dir, filepath.FromSlash(name)), name, size)
	})
}

// walk calls fn with each regular file below a folder, in order of name.
func walk(root *os.Root, dir string, fn func(name string, size int64) error) error {
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(-1)
	f.Close()
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			err = walk(root, name, fn)
		case e.Type().IsRegular():
			info, e := e.Info()
			if e != nil {
				return e
			}
			err = fn(name, info.Size())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// IsArchive reports whether a name is that of an archive, and not of a single
// file that may be compressed.
func IsArchive(name string) bool {
	name = strings.TrimSuffix(name, ending(name))
	return strings.HasSuffix(name, ".zip") || strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".tgz")
}

// ending returns the ending of a name that says how a file is compressed.
func ending(name string) string {
	for _, e := range []string{".gz", ".bz2", ".xz", ".zst"} {
		if strings.HasSuffix(name, e) {
			return e
		}
	}
	return ""
}

// file reads one file of the disk under the name that it is to have.
func (a *archive) file(file, name string, size int64) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	a.size += size
	if strings.HasSuffix(name, ".zip") {
		return a.zip(f, size, name)
	}
	var r io.Reader = bufio.NewReaderSize(f, 1<<16)
	end := ending(name)
	switch end {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".bz2":
		r = bzip2.NewReader(r)
	case ".xz":
		r, err = xz.NewReader(r)
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20)); err == nil {
			defer z.Close()
			r = z
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	name = strings.TrimSuffix(name, end)
	if rest, ok := strings.CutSuffix(name, ".tgz"); ok {
		z, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r, name = z, rest+".tar"
	}
	r = &bounded{r, a}
	if strings.HasSuffix(name, ".tar") {
		return a.tar(r, name)
	}
	return a.emit(name, r)
}

// A bounded reader counts what is unpacked, wanted or not.
type bounded struct {
	r io.Reader
	a *archive
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	a := b.a
	a.total += int64(n)
	switch {
	case a.total > a.limits.Total:
		return n, fmt.Errorf("more than the %d bytes in all that are unpacked", a.limits.Total)
	case a.total > ratioFloor && a.total/max(a.size, 1) > a.limits.Ratio:
		return n, fmt.Errorf("%d bytes out of %d, more than %d times as many", a.total, a.size, a.limits.Ratio)
	}
	return n, err
}

func (a *archive) tar(r io.Reader, name string) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := a.count(name); err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		member := path.Clean(strings.TrimPrefix(h.Name, "/"))
		if !filepath.IsLocal(member) || !a.take(member) {
			continue
		}
		if err := a.emit(member, t); err != nil {
			return err
		}
	}
}

func (a *archive) zip(f *os.File, size int64, name string) error {
	d := &directory{f, max(minDirectory, int64(a.limits.Files)*perMember)}
	z, err := zip.NewReader(d, size)
	switch {
	case d.left < 0:
		return fmt.Errorf("%s: a directory for more than the %d files that are read", name, a.limits.Files)
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case len(z.File) > a.limits.Files:
		return fmt.Errorf("%s: %d files, more than the %d that are read", name, len(z.File), a.limits.Files)
	}
	d.left = math.MaxInt64
	for _, m := range z.File {
		member := path.Clean(m.Name)
		if !m.Mode().IsRegular() || !filepath.IsLocal(member) || !a.take(member) {
			continue
		}
		r, err := m.Open()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, member, err)
		}
		err = a.emit(member, &bounded{r, a})
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	// minDirectory is how many bytes of a zip are read at least to find its
	// directory, which is at the end.
	minDirectory = 1 << 20
	// perMember is how many bytes of a zip's directory a member may have on
	// average: 46 and its name.
	perMember = 128
)

// A directory reads a zip until more bytes were read than left says: the whole
// directory is read, and kept, before its members can be counted, and it may
// lie about their number.
type directory struct {
	r    io.ReaderAt
	left int64
}

func (d *directory) ReadAt(p []byte, off int64) (int, error) {
	if d.left -= int64(len(p)); d.left < 0 {
		return 0, errors.New("too large a directory")
	}
	return d.r.ReadAt(p, off)
}

// count counts a member, wanted or not.
func (a *archive) count(name string) error {
	if a.files++; a.files > a.limits.Files {
		return fmt.Errorf("%s: more than the %d files that are read", name, a.limits.Files)
	}
	return nil
}

// emit reads a file whole and hands it on.
func (a *archive) emit(name string, r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, a.limits.FileSize+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case int64(len(text)) > a.limits.FileSize:
		return fmt.Errorf("%s: more than the %d bytes of a file that are read", name, a.limits.FileSize)
	}
	if !a.yield(File{name, text}, nil) {
		return errStop
	}
	return nil
}
