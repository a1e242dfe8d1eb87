package pack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A mapper maps a file of some bytes into memory; it returns nil where that
// cannot be done, and a function that undoes it.
type mapper func(f *os.File, size int64) (data []byte, unmap func() error)

// A source is a file that is read at random: mapped, or else with ReadAt.
type source struct {
	name  string
	size  int64
	data  []byte // nil if not mapped
	unmap func() error
	file  *os.File // nil if mapped
}

func openSource(name string, mapFile mapper) (*source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s := &source{name: name, size: info.Size()}
	if s.size > 0 && mapFile != nil {
		s.data, s.unmap = mapFile(f, s.size)
	}
	if s.data != nil {
		return s, f.Close()
	}
	s.file = f
	return s, nil
}

func (s *source) Close() error {
	if s.data != nil {
		s.data = nil
		return s.unmap()
	}
	return s.file.Close()
}

// peek returns up to len(buf) bytes at an offset that lies in the file, fewer
// at its end. It may use buf.
func (s *source) peek(off int64, buf []byte) ([]byte, error) {
	n := min(int64(len(buf)), s.size-off)
	if s.data != nil {
		return s.data[off : off+n], nil
	}
	if _, err := s.file.ReadAt(buf[:n], off); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return buf[:n], nil
}

// all returns the whole file.
func (s *source) all() ([]byte, error) {
	if s.data != nil {
		return s.data, nil
	}
	data := make([]byte, s.size)
	if _, err := s.file.ReadAt(data, 0); err != nil && s.size > 0 {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return data, nil
}

// An input is what the inflater reads: a stretch of a source. It is used again
// for one object after the other.
type input struct {
	bytes bytes.Reader
	file  *bufio.Reader
}

// at returns a reader of the bytes from an offset that lies in the file to the
// offset end.
func (in *input) at(s *source, off, end int64) io.Reader {
	if s.data != nil {
		in.bytes.Reset(s.data[off:end])
		return &in.bytes
	}
	r := io.NewSectionReader(s.file, off, end-off)
	if in.file == nil {
		in.file = bufio.NewReader(r)
	} else {
		in.file.Reset(r)
	}
	return in.file
}

// A packFile is a pack with its index.
type packFile struct {
	*source
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
func (r *Repository) openPacks(objects string, mapFile mapper) error {
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
		p, err := openPack(filepath.Join(dir, name), r.size, mapFile)
		if err != nil {
			return err
		}
		p.number = len(r.packs)
		r.packs = append(r.packs, p)
	}
	return nil
}

// openPack opens NAME.pack and NAME.idx, and checks that they belong together.
func openPack(name string, size int, mapFile mapper) (*packFile, error) {
	idx, err := openSource(name+".idx", mapFile)
	if err != nil {
		return nil, err
	}
	p := &packFile{}
	data, err := idx.all()
	if err == nil {
		p.index, err = parseIndex(data, size)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s.idx: %w", name, err), idx.Close())
	}
	p.source, err = openSource(name+".pack", mapFile)
	if err != nil {
		return nil, errors.Join(err, idx.Close())
	}
	p.index.close = idx.Close
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
	var buf [32]byte
	head, err := p.peek(0, buf[:12])
	if err != nil {
		return err
	}
	if string(head[:4]) != "PACK" || be32(head[4:]) != 2 && be32(head[4:]) != 3 {
		return fmt.Errorf("not a pack of version 2 or 3: %w", ErrDamaged)
	}
	if n := be32(head[8:]); int64(n) != int64(p.count) {
		return fmt.Errorf("%d objects, the index has %d: %w", n, p.count, ErrDamaged)
	}
	tail, err := p.peek(p.end(), buf[:p.index.size])
	if err != nil {
		return err
	}
	if !bytes.Equal(tail, p.packSum) {
		return fmt.Errorf("cut off, or of another index: %w", ErrDamaged)
	}
	return nil
}

// Close lets go of both files.
func (p *packFile) Close() error {
	return errors.Join(p.source.Close(), p.index.close())
}
