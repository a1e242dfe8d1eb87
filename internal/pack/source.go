package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A source is a file that is read at random.
type source struct {
	*os.File
	size int64
}

func openSource(name string) (source, error) {
	f, err := os.Open(name)
	if err != nil {
		return source{}, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", name)
	}
	if err != nil {
		return source{}, errors.Join(err, f.Close())
	}
	return source{f, info.Size()}, nil
}

// maxIndex is how many bytes an index has at most: enough for 30 million objects.
const maxIndex = 1 << 30

// readIndex returns the bytes of an index.
func readIndex(name string) ([]byte, error) {
	s, err := openSource(name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if s.size > maxIndex {
		return nil, fmt.Errorf("%s: %d bytes: %w", name, s.size, ErrTooLarge)
	}
	data := make([]byte, s.size)
	_, err = io.ReadFull(s, data)
	return data, err
}

const (
	// windowSize is how many bytes of a pack are read at once: most objects have
	// fewer, and the one that is needed next mostly lies elsewhere.
	windowSize = 2 << 10
	windowKept = 1 << 20 // bytes of memory that are used again
)

// A window is a part of a source. It is for one goroutine.
type window struct {
	source
	off  int64
	data []byte
}

// at returns the bytes of a source from an offset in it on: n or more of them,
// fewer where it ends. They are valid until the next call. If it has not got
// them, it reads size bytes or more.
func (w *window) at(s source, off int64, n, size int) ([]byte, error) {
	if w.source != s || off < w.off || min(off+int64(n), s.size) > w.off+int64(len(w.data)) {
		n = int(min(int64(max(size, n)), s.size-off))
		if cap(w.data) > windowKept {
			w.data = nil
		}
		w.data = slices.Grow(w.data[:0], n)[:n]
		w.source, w.off = s, off
		if _, err := s.ReadAt(w.data, off); err != nil {
			w.source = source{}
			return nil, err
		}
	}
	return w.data[off-w.off:], nil
}

// A packFile is a pack with its index.
type packFile struct {
	source
	index
	number int // its place in Repository.packs
}

// end returns the offset behind the last object: there is only the pack's
// checksum behind it.
func (p *packFile) end() int64 { return p.source.size - int64(p.index.size) }

// maxPacks bounds the packs of a repository: a key has 16 bits for the pack.
const maxPacks = 1 << 16

// openPacks opens the packs of a folder of objects. As Git does it leaves a
// pack without index alone, and an index without pack.
func (r *Repository) openPacks(objects string) error {
	dir := filepath.Join(objects, "pack")
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	have := map[string]bool{}
	for _, e := range list {
		have[e.Name()] = true
	}
	for _, e := range list {
		name, ok := strings.CutSuffix(e.Name(), ".idx")
		if !ok || !have[name+".pack"] {
			continue
		}
		if len(r.packs) == maxPacks {
			return fmt.Errorf("%s: more than %d packs; run git repack -ad", dir, maxPacks)
		}
		p, err := openPack(filepath.Join(dir, name), r.size)
		if err != nil {
			return err
		}
		p.number = len(r.packs)
		r.packs = append(r.packs, p)
	}
	return nil
}

// openPack opens NAME.pack, reads NAME.idx, and checks that they belong
// together.
func openPack(name string, size int) (*packFile, error) {
	p := &packFile{}
	data, err := readIndex(name + ".idx")
	if err != nil {
		return nil, err
	}
	if p.index, err = parseIndex(data, size); err != nil {
		return nil, fmt.Errorf("%s.idx: %w", name, err)
	}
	if p.source, err = openSource(name + ".pack"); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s.pack: %w", name, err), p.Close())
	}
	return p, nil
}

// check compares the pack's header and trailer with its index.
func (p *packFile) check() error {
	if p.source.size < int64(12+p.index.size) {
		return fmt.Errorf("%d bytes: cut off: %w", p.source.size, ErrDamaged)
	}
	if p.source.size >= 1<<keyBits {
		return fmt.Errorf("%d bytes: %w", p.source.size, ErrTooLarge)
	}
	var head [12]byte
	if _, err := p.ReadAt(head[:], 0); err != nil {
		return err
	}
	if string(head[:4]) != "PACK" || be32(head[4:]) != 2 && be32(head[4:]) != 3 {
		return fmt.Errorf("not a pack of version 2 or 3: %w", ErrDamaged)
	}
	if n := be32(head[8:]); int64(n) != int64(p.count) {
		return fmt.Errorf("%d objects, the index has %d: %w", n, p.count, ErrDamaged)
	}
	tail := make([]byte, p.index.size)
	if _, err := p.ReadAt(tail, p.end()); err != nil {
		return err
	}
	if !bytes.Equal(tail, p.packSum) {
		return fmt.Errorf("cut off, or of another index: %w", ErrDamaged)
	}
	return nil
}
