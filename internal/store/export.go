package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/andybalholm/brotli"
)

// An exported database is a header and, compressed by brotli (RFC 7932), the
// database in the form of exports, see [rewrite]. The header is, in order:
//
//	16 bytes exportMagic
//	2 bytes  version of this form, big endian
//	8 bytes  size of the content, big endian
//	32 bytes SHA-256 of the content
//
// Forms before the third were zstd files, whose first 8 bytes stood before that.
const (
	exportMagic   = "wontfix database"
	exportVersion = 3
	exportHeader  = len(exportMagic) + 2 + 8 + sha256.Size
)

// How exports are compressed: docs/decisions/012 has the figures.
var exportOptions = brotli.WriterOptions{Quality: 9, LGWin: 24}

// maxImport is the size of the largest database that [Import] takes.
const maxImport = 4 << 30

// A Digest says which database a file has, and which file it is.
type Digest struct {
	Database     string `json:"database"` // SHA-256 of the database in the form of exports, in hexadecimal
	DatabaseSize int64  `json:"database_size"`
	File         string `json:"file"` // SHA-256 of the exported file
	FileSize     int64  `json:"file_size"`
}

// Export writes the database at path as one compressed file. The same database
// always gives the same bytes, and so does one that was imported. In the
// meantime the content takes five to ten times the size of the database in the
// folder for temporary files.
func Export(ctx context.Context, path string, w io.Writer) (Digest, error) {
	dir, err := os.MkdirTemp("", "wontfix-export-")
	if err != nil {
		return Digest{}, fmt.Errorf("export: %w", err)
	}
	defer os.RemoveAll(dir)
	plain := filepath.Join(dir, "plain.db")
	if err := rewrite(ctx, path, plain, exportedForm); err != nil {
		return Digest{}, err
	}
	f, err := os.Open(plain)
	if err != nil {
		return Digest{}, fmt.Errorf("export: %w", err)
	}
	defer f.Close()
	content := sha256.New()
	size, err := io.Copy(content, f)
	if err != nil {
		return Digest{}, fmt.Errorf("export: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Digest{}, fmt.Errorf("export: %w", err)
	}
	out := &counter{w: w, sum: sha256.New()}
	head := append([]byte{}, exportMagic...)
	head = binary.BigEndian.AppendUint16(head, exportVersion)
	head = binary.BigEndian.AppendUint64(head, uint64(size))
	head = content.Sum(head)
	if _, err := out.Write(head); err != nil {
		return Digest{}, fmt.Errorf("export: %w", err)
	}
	z := brotli.NewWriterOptions(out, exportOptions)
	_, err = io.Copy(z, contextReader{ctx, f})
	if err := errors.Join(err, z.Close()); err != nil {
		return Digest{}, fmt.Errorf("export: %w", err)
	}
	return Digest{hex.EncodeToString(content.Sum(nil)), size, hex.EncodeToString(out.sum.Sum(nil)), out.n}, nil
}

// A counter passes on what is written and says how much it was.
type counter struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.sum.Write(b[:n])
	c.n += int64(n)
	return n, err
}

// Import puts the database that [Export] wrote at path. The content must have
// the size and digest that the header names, and nothing may be wrong with it;
// otherwise what is at path stays as it was. Whether the digest is the right
// one is for the caller to know, who gives it as want: that of the database or
// that of the file, or "" to take any.
func Import(ctx context.Context, r io.Reader, path, want string) (Digest, error) {
	unlock, err := lock(path)
	if err != nil {
		return Digest{}, err
	}
	defer unlock()
	if err := checkHeader(path, applicationID); errors.Is(err, ErrForeign) {
		return Digest{}, err
	}
	aside := asideOf(path)
	defer os.Remove(aside)
	plain := aside + "-plain"
	defer os.Remove(plain)
	digest, err := unpackExport(ctx, r, plain)
	if err != nil {
		return Digest{}, err
	}
	if want != "" && want != digest.Database && want != digest.File {
		return Digest{}, errorf(ErrDamaged, "import: the digest is %s, and %s was asked for: fetch the file again", digest.File, want)
	}
	packed, err := newPackedForm()
	if err != nil {
		return Digest{}, fmt.Errorf("import: %w", err)
	}
	if err := rewrite(ctx, plain, aside, packed); err != nil {
		return Digest{}, fmt.Errorf("import: %w", err)
	}
	db, err := Open(aside)
	if err != nil {
		return Digest{}, fmt.Errorf("import: %w", err)
	}
	found, err := db.Verify(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		return Digest{}, fmt.Errorf("import: %w", err)
	}
	if len(found) > 0 {
		return Digest{}, errorf(ErrDamaged, "import: the database is not whole: %s: export it again", found[0].Text)
	}
	if err := install(aside, path); err != nil {
		return Digest{}, fmt.Errorf("import: %w", err)
	}
	return digest, nil
}

// readHeader reads the header of an exported database.
func readHeader(r io.Reader) (size int64, sum []byte, err error) {
	head := make([]byte, exportHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errorf(ErrDamaged, "import: the file is cut off: fetch it again")
		}
		return 0, nil, err
	}
	rest, ok := bytes.CutPrefix(head, []byte(exportMagic))
	switch {
	case bytes.HasPrefix(head[8:], []byte(exportMagic)):
		return 0, nil, errorf(ErrOlder, "import: the file was exported by an earlier wontfix: export the database again")
	case !ok:
		return 0, nil, errorf(ErrDamaged, "import: the file is no exported database: make one with `wontfix db export`")
	}
	switch v := binary.BigEndian.Uint16(rest); {
	case v > exportVersion:
		return 0, nil, errorf(ErrNewer, "import: the file has form %d, and this program reads form %d: upgrade wontfix", v, exportVersion)
	case v < exportVersion:
		return 0, nil, errorf(ErrOlder, "import: the file has form %d, of an earlier wontfix, and this program reads form %d: export the database again", v, exportVersion)
	}
	n := binary.BigEndian.Uint64(rest[2:])
	if n > maxImport {
		return 0, nil, errorf(ErrDamaged, "import: the database has %d bytes, and the most is %d", n, int64(maxImport))
	}
	return int64(n), rest[10:], nil
}

// unpackExport writes the database that r has to the new file aside.
func unpackExport(ctx context.Context, r io.Reader, aside string) (Digest, error) {
	in := &counter{w: io.Discard, sum: sha256.New()}
	r = io.TeeReader(r, in)
	size, sum, err := readHeader(r)
	if err != nil {
		return Digest{}, err
	}
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return Digest{}, fmt.Errorf("import: %w", err)
	}
	content := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, content), io.LimitReader(contextReader{ctx, brotli.NewReader(r)}, size+1))
	if err2 := f.Close(); err2 != nil {
		return Digest{}, fmt.Errorf("import: %w", err2)
	}
	switch {
	case ctx.Err() != nil:
		return Digest{}, ctx.Err()
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil && n < size:
		return Digest{}, errorf(ErrDamaged, "import: the file is cut off: fetch it again")
	case err != nil && !errors.As(err, new(*fs.PathError)): // not of the disk, but of the content
		return Digest{}, errorf(ErrDamaged, "import: the file is damaged: %v: fetch it again", err)
	case err != nil:
		return Digest{}, fmt.Errorf("import: %w", err)
	case n > size, !bytes.Equal(content.Sum(nil), sum):
		return Digest{}, errorf(ErrDamaged, "import: the content does not have the digest that the file names: fetch it again")
	}
	return Digest{hex.EncodeToString(sum), n, hex.EncodeToString(in.sum.Sum(nil)), in.n}, nil
}

// A contextReader fails once its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
