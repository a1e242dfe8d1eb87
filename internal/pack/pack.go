// Package pack reads the objects of a Git repository: packs (index version 2),
// loose objects, alternates. It never writes.
//
// The formats are those of Git's own pages: gitformat-pack (packs, indexes and
// deltas), gitrepository-layout (the folder "objects" and its info/alternates)
// and, for loose objects and trees, the book "Pro Git", section "Git Objects".
// Indexes of version 1, which Git has not written since 2008, are an error.
//
// Objects are not hashed again: that an object has the name under which the
// repository keeps it is git fsck's to say. The checksum of the compressed
// bytes and every size are checked, and no object is larger than [MaxBlob].
//
// Packs are read and not mapped into memory: one that another program shortens
// meanwhile is an error and does not end the process.
package pack

import (
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// MaxBlob is the size in bytes of the largest object, of whatever kind, that
// is read. The objects that an object's delta builds upon count too.
const MaxBlob = 16 << 20

var (
	// ErrMissing says that the repository does not have an object.
	ErrMissing = errors.New("object is missing; fetch it, or run git fsck")
	// ErrDamaged says that the bytes of an object or a file are not what the format demands.
	ErrDamaged = errors.New("damaged; run git fsck")
	// ErrTooLarge says that an object is larger than MaxBlob, or takes more work than any that Git writes.
	ErrTooLarge = errors.New("too large")
)

// An ID is the name of an object. Of SHA-1 the first 20 bytes count and the
// rest is zero.
type ID [32]byte

// ParseID reads an ID of 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 40 && len(s) != 64 {
		return id, fmt.Errorf("object name of %d characters; it has 40 or 64 hexadecimal digits", len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("object name %.64q: not hexadecimal", s)
	}
	return id, nil
}

// Hex returns the ID's first size bytes in hexadecimal: 20 for SHA-1, 32 for
// SHA-256.
func (id ID) Hex(size int) string { return hex.EncodeToString(id[:size]) }

// A Kind is the type of an object, with the number that packs give it.
type Kind uint8

// The kinds, as Git names them.
const (
	Commit Kind = 1 + iota
	Tree
	Blob
	Tag
)

func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Repository is an open folder of objects. Its methods may be called from
// several goroutines at once, except for Close.
type Repository struct {
	size   int      // bytes of an ID: 20 or 32
	window int      // bytes of a pack that are read at once
	stores []string // the folder, then those of its alternates
	packs  []*packFile

	mu   sync.Mutex
	idle []*reader
}

// Open opens the folder "objects" of a repository, whose names are SHA-256's
// or else SHA-1's, and the folders that its info/alternates name. Packs that
// arrive later are not seen.
func Open(objects string, sha256 bool) (*Repository, error) {
	return open(objects, sha256, windowSize)
}

func open(objects string, sha256 bool, window int) (*Repository, error) {
	r := &Repository{size: 20, window: window}
	if sha256 {
		r.size = 32
	}
	var err error
	if r.stores, err = stores(objects); err != nil {
		return nil, err
	}
	for _, dir := range r.stores {
		if err := r.openPacks(dir); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// Close lets go of the files. Nothing of the repository may be in use.
func (r *Repository) Close() error {
	var errs []error
	for _, p := range r.packs {
		errs = append(errs, p.Close())
	}
	r.packs, r.idle = nil, nil
	return errors.Join(errs...)
}

// Object returns the kind and the bytes of an object; the bytes are the
// caller's to keep. The error is ErrMissing, ErrDamaged (it names the pack and
// the offset, or the file) or ErrTooLarge, for errors.Is.
func (r *Repository) Object(id ID) (Kind, []byte, error) {
	rd := r.reader()
	defer r.release(rd)
	return rd.object(id)
}

// reader returns a reader that nobody uses, with whatever bases its last user
// left in its cache.
func (r *Repository) reader() *reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		rd := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return rd
	}
	return newReader(r, objectCache)
}

// release takes a reader of r.reader back. Two are kept.
func (r *Repository) release(rd *reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.idle) < 2 {
		r.idle = append(r.idle, rd)
	}
}
