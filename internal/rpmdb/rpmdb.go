// Package rpmdb reads the packages of an rpm database, of any of its three
// formats: SQLite, ndb and Berkeley DB.
//
// A database is foreign. Nothing in it makes the reader run for ever, take
// more memory than a few pages, or write anywhere.
package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A Package is what a header of the database says of one installed package.
type Package struct {
	Name, Version, Release, Arch string
	Epoch                        string // "" for none
	SourceRPM                    string // file name: "bash-5.1.8-6.el9.src.rpm"
	Module                       string // modularity label: "perl:5.32:8060020211122104554:9fe1d287"
}

// Packages yields the packages of a database, in the order of the database.
// wal is the write-ahead log beside one of SQLite, nil if there is none. A
// header that cannot be read is an error in the place of its package, and the
// next one follows; a database that cannot be read further ends with an error
// that [Fatal] reports.
func Packages(db, wal *io.SectionReader) iter.Seq2[Package, error] {
	return func(yield func(Package, error) bool) {
		if err := packages(db, wal, yield); err != nil {
			yield(Package{}, fatal{err})
		}
	}
}

type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// Fatal reports whether the packages behind an error of [Packages] are not
// read.
func Fatal(err error) bool { return errors.As(err, &fatal{}) }

// errStop says that the caller wants no more.
var errStop = errors.New("stopped")

func packages(db, wal *io.SectionReader, yield func(Package, error) bool) error {
	var magic [32]byte
	if n, err := db.ReadAt(magic[:], 0); err != nil && n < len(magic) {
		if n == 0 {
			return errors.New("empty: no rpm database")
		}
		return errors.New("too short for an rpm database")
	}
	// Every header is read once at most: what points twice to the same bytes
	// comes to an end here.
	budget := 2*db.Size() + 1<<20
	if wal != nil {
		budget += 2 * wal.Size()
	}
	visit := func(b *blob) error {
		b.budget = &budget
		p, err := header(b)
		if errors.Is(err, errBudget) {
			return err
		}
		if !yield(p, err) {
			return errStop
		}
		return nil
	}
	var err error
	switch {
	case bytes.HasPrefix(magic[:], []byte("SQLite format 3\x00")):
		err = readSQLite(db, wal, budget, yield)
	case bytes.HasPrefix(magic[:], []byte("RpmP")):
		err = readNDB(db, visit)
	case binary.LittleEndian.Uint32(magic[12:]) == hashMagic:
		err = readBDB(db, binary.LittleEndian, visit)
	case binary.BigEndian.Uint32(magic[12:]) == hashMagic:
		err = readBDB(db, binary.BigEndian, visit)
	default:
		err = errors.New("neither an SQLite, an ndb nor a Berkeley DB hash file: no rpm database")
	}
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

var errBudget = errors.New("its headers overlap: the database is damaged")

// A blob is one header, which lies in pieces.
type blob struct {
	piece  []byte                 // what is left of the present one
	next   func() ([]byte, error) // the one after it
	left   int64                  // bytes of the whole that are behind piece
	budget *int64
}

// more goes to the next piece.
func (b *blob) more() error {
	if b.left <= 0 {
		return io.ErrUnexpectedEOF
	}
	piece, err := b.next()
	if err != nil {
		return err
	}
	if len(piece) == 0 {
		return io.ErrUnexpectedEOF
	}
	b.piece = piece[:min(int64(len(piece)), b.left)]
	b.left -= int64(len(b.piece))
	if *b.budget -= int64(len(b.piece)); *b.budget < 0 {
		return errBudget
	}
	return nil
}

func (b *blob) skip(n int64) error {
	for n > int64(len(b.piece)) {
		n -= int64(len(b.piece))
		b.piece = nil
		if err := b.more(); err != nil {
			return err
		}
	}
	b.piece = b.piece[n:]
	return nil
}

func (b *blob) read(to []byte) error {
	for len(to) > 0 {
		if len(b.piece) == 0 {
			if err := b.more(); err != nil {
				return err
			}
		}
		n := copy(to, b.piece)
		to, b.piece = to[n:], b.piece[n:]
	}
	return nil
}

const maxText = 4096 // bytes of a name, a version, a label

// text reads a string that a NUL ends, and returns how many bytes that took.
func (b *blob) text() (string, int64, error) {
	var s []byte
	for {
		if len(b.piece) == 0 {
			if err := b.more(); err != nil {
				return "", 0, err
			}
		}
		i := bytes.IndexByte(b.piece, 0)
		part := b.piece
		if i >= 0 {
			part = b.piece[:i]
		}
		if len(s)+len(part) > maxText {
			return "", 0, fmt.Errorf("text longer than %d bytes", maxText)
		}
		s = append(s, part...)
		if i >= 0 {
			b.piece = b.piece[i+1:]
			return string(s), int64(len(s)) + 1, nil
		}
		b.piece = nil
	}
}
