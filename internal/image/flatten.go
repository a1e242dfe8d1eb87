package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	whiteout = ".wh."         // before the name of what a layer removes
	opaque   = ".wh..wh..opq" // in a folder of which nothing below shows through
	rounds   = 3              // that links may ask for
	maxName  = 4096           // bytes
)

// A flattener lays layers on one another.
type flattener struct {
	Options
	ctx     context.Context
	store   *os.File
	written int64               // bytes in store
	bytes   int64               // uncompressed, of all layers
	entries int                 // of all layers
	extra   map[string]struct{} // files that links of wanted names lead to
}

// flatten returns what the layers are together. A link of a wanted name may
// lead to a file whose own name is not wanted; then the layers are read again.
func flatten(ctx context.Context, layers []layer, store *os.File, o Options) (*tree, error) {
	f := &flattener{Options: o, ctx: ctx, store: store, extra: make(map[string]struct{})}
	for round := 1; ; round++ {
		f.bytes, f.entries, f.written = 0, 0, 0
		root := newTree(store)
		for _, l := range layers {
			if err := f.layer(root, l); err != nil {
				return nil, fmt.Errorf("layer %s: %w", l.name, err)
			}
		}
		missing := false
		for name := range root.links() {
			target, ok := root.resolve(name)
			if _, asked := f.extra[target]; !f.Keep(name) || !ok || asked || f.Keep(target) {
				continue
			}
			f.extra[target] = struct{}{}
			missing = true
		}
		for name := range root.hard {
			if _, asked := f.extra[name]; !asked {
				f.extra[name] = struct{}{}
				missing = true
			}
		}
		switch {
		case !missing:
			return root, nil
		case round == rounds:
			return nil, fmt.Errorf("links to links, of which the layers would have to be read more than %d times", rounds)
		}
	}
}

func (f *flattener) wanted(name string) bool {
	_, ok := f.extra[name]
	return ok || f.Keep(name)
}

// layer lays a layer on what is there.
func (f *flattener) layer(root *tree, l layer) error {
	stored, err := l.open()
	if err != nil {
		return err
	}
	defer stored.Close()
	plain, err := decompress(stored)
	if err != nil {
		return err
	}
	defer plain.Close()
	limited := &meter{flattener: f, r: plain, allowed: max(ratioFloor, l.size*f.Limits.Ratio)}
	top := newTree(f.store)
	var gone, opaques []string
	for r := tar.NewReader(limited); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("no tar file: %w", err)
		}
		if f.entries++; f.entries > f.Limits.Entries {
			return fmt.Errorf("more than %d files in the image", f.Limits.Entries)
		}
		name := clean(h.Name)
		switch {
		case name == ".":
			continue
		case len(name) > maxName:
			return fmt.Errorf("%.80q: a name of %d bytes", name, len(name))
		}
		dir, base := path.Split(name)
		dir = strings.TrimSuffix(dir, "/")
		switch {
		case base == opaque:
			opaques = append(opaques, dir)
		case strings.HasPrefix(base, whiteout+whiteout): // notes of aufs
		case strings.HasPrefix(base, whiteout):
			gone = append(gone, path.Join(dir, base[len(whiteout):]))
		default:
			if err := f.entry(top, r, h, name); err != nil {
				return err
			}
		}
	}
	// The digest of a layer is checked where it ends.
	if _, err := io.Copy(io.Discard, limited); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, stored); err != nil {
		return err
	}
	for _, name := range gone {
		root.remove(name)
	}
	for _, dir := range opaques {
		root.removeBelow(dir)
	}
	root.lay(top)
	return nil
}

// entry puts an entry of a layer into its tree.
func (f *flattener) entry(top *tree, r io.Reader, h *tar.Header, name string) error {
	switch h.Typeflag {
	case tar.TypeDir:
		top.put(name, &node{kind: isDir})
	case tar.TypeSymlink:
		if len(h.Linkname) > maxName {
			return fmt.Errorf("%.80q: link to a name of %d bytes", name, len(h.Linkname))
		}
		top.put(name, &node{kind: isLink, target: h.Linkname})
	case tar.TypeLink:
		top.put(name, &node{kind: isHard, target: clean(h.Linkname), wanted: f.wanted(name)})
	case tar.TypeReg:
		if !f.wanted(name) {
			top.put(name, &node{kind: isOther})
			return nil
		}
		if h.Size > f.Limits.FileSize {
			return fmt.Errorf("%.80q: %d bytes, more than %d", name, h.Size, f.Limits.FileSize)
		}
		if f.written+h.Size > f.Limits.Kept {
			return fmt.Errorf("%.80q: with it more than %d bytes would be kept", name, f.Limits.Kept)
		}
		n, err := io.Copy(io.NewOffsetWriter(f.store, f.written), r)
		if err != nil {
			return fmt.Errorf("%.80q: %w", name, err)
		}
		top.put(name, &node{kind: isFile, at: f.written, size: n, modified: h.ModTime})
		f.written += n
	default: // devices, pipes
		top.put(name, &node{kind: isOther})
	}
	return nil
}

// clean returns a name in an archive as a path in the root; what would lead
// out of it stays in.
func clean(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// A meter counts what a layer expands to.
type meter struct {
	*flattener
	r       io.Reader
	n       int64
	allowed int64
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	m.bytes += int64(n)
	switch {
	case m.bytes > m.Limits.Bytes:
		return n, fmt.Errorf("the image expands to more than %d bytes", m.Limits.Bytes)
	case m.n > m.allowed:
		return n, fmt.Errorf("it expands to more than %d times its size", m.Limits.Ratio)
	}
	return n, err
}

// decompress tells by its first bytes how a file is compressed: gzip, zstd or
// not.
func decompress(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(b), nil
}
