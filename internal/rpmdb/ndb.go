package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The database of SUSE (rpm's lib/backend/ndb/rpmpkg.c): pages of slots, two
// of which are the header, then the headers of the packages in blocks of 16
// bytes. Numbers have the low byte first.
const (
	ndbPage    = 4096
	ndbSlot    = 16
	ndbMaxPage = 2048 // half a million packages
)

func readNDB(db *io.SectionReader, visit func(*blob) error) error {
	var head [32]byte
	if _, err := db.ReadAt(head[:], 0); err != nil {
		return err
	}
	version, pages := binary.LittleEndian.Uint32(head[4:]), binary.LittleEndian.Uint32(head[12:])
	if version != 0 || pages == 0 || pages > ndbMaxPage {
		return fmt.Errorf("ndb of version %d with %d pages of slots: not known", version, pages)
	}
	p := pager{file: db, size: ndbPage}
	page := make([]byte, ndbPage)
	for n := range int64(pages) {
		slots, err := p.at(n * ndbPage)
		if err != nil {
			return err
		}
		copy(page, slots)
		for i := 0; i < ndbPage; i += ndbSlot {
			if n == 0 && i < len(head) {
				continue
			}
			slot := page[i : i+ndbSlot]
			if !bytes.HasPrefix(slot, []byte("Slot")) {
				return fmt.Errorf("ndb: byte %d: no slot: the database is damaged", n*ndbPage+int64(i))
			}
			id := binary.LittleEndian.Uint32(slot[4:])
			if id == 0 {
				continue
			}
			b, err := ndbBlob(db, id, int64(binary.LittleEndian.Uint32(slot[8:]))*ndbSlot)
			if err != nil {
				return err
			}
			if err := visit(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// ndbBlob opens the header of a package at an offset.
func ndbBlob(db *io.SectionReader, id uint32, at int64) (*blob, error) {
	var head [16]byte
	if _, err := db.ReadAt(head[:], at); err != nil {
		return nil, fmt.Errorf("ndb: package %d: %w", id, noEOF(err))
	}
	if !bytes.HasPrefix(head[:], []byte("BlbS")) || binary.LittleEndian.Uint32(head[4:]) != id {
		return nil, fmt.Errorf("ndb: package %d: no header at byte %d: the database is damaged", id, at)
	}
	at += int64(len(head))
	left := int64(binary.LittleEndian.Uint32(head[12:]))
	buf := make([]byte, 4096)
	return &blob{left: left, next: func() ([]byte, error) {
		n, err := db.ReadAt(buf, at)
		if n == 0 {
			return nil, noEOF(err)
		}
		at += int64(n)
		return buf[:n], nil
	}}, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
