package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// The database of RHEL up to 8 (Berkeley DB's dbinc/db_page.h): a hash of
// package numbers to headers. A value is on the page of its key if it is
// small, and else on a list of pages of its own.
const (
	hashMagic      = 0x00061561
	bdbHead        = 26 // bytes before what a page holds
	bdbUnsorted    = 2  // hash page before Berkeley DB 4.6
	bdbOverflow    = 7
	bdbMeta        = 8
	bdbHash        = 13
	bdbInline      = 1
	bdbOffPage     = 3
	bdbOffPageSize = 12
)

type bdb struct {
	pager
	order binary.ByteOrder
	last  uint32
}

func readBDB(db *io.SectionReader, order binary.ByteOrder, visit func(*blob) error) error {
	var meta [72]byte
	if _, err := db.ReadAt(meta[:], 0); err != nil {
		return noEOF(err)
	}
	size := order.Uint32(meta[20:])
	if size < 512 || size > 64<<10 || size&(size-1) != 0 || meta[24] != 0 || meta[25] != bdbMeta {
		return fmt.Errorf("berkeley db: pages of %d bytes, encryption %d, page type %d: not known", size, meta[24], meta[25])
	}
	d := &bdb{pager: pager{file: db, size: int64(size)}, order: order, last: order.Uint32(meta[32:])}
	d.last = uint32(min(int64(d.last), db.Size()/d.size))
	for n := uint32(1); n <= d.last; n++ {
		if int64(n)*d.size+d.size > db.Size() {
			return fmt.Errorf("berkeley db: page %d of %d lies behind the end: the file was cut off", n, d.last)
		}
		page, err := d.page(n)
		if err != nil {
			return err
		}
		if page[25] != bdbHash && page[25] != bdbUnsorted {
			continue
		}
		if err := d.items(slices.Clone(page), visit); err != nil {
			return fmt.Errorf("berkeley db: page %d: %w", n, err)
		}
	}
	return nil
}

func (d *bdb) page(n uint32) ([]byte, error) { return d.at(int64(n) * d.size) }

// items visits the values on a hash page, which are every second item. The
// offsets of the items stand behind the page's head; the items themselves are
// laid down from the end of the page.
func (d *bdb) items(page []byte, visit func(*blob) error) error {
	count := int(d.order.Uint16(page[20:]))
	if bdbHead+2*count > len(page) || count%2 != 0 {
		return fmt.Errorf("%d items: the database is damaged", count)
	}
	for i := 1; i < count; i += 2 {
		at, end := d.item(page, i), d.item(page, i-1)
		if at < bdbHead+2*count || at >= end || end > len(page) {
			return fmt.Errorf("item %d is not on it: the database is damaged", i)
		}
		switch item := page[at:end]; {
		case item[0] == bdbOffPage && len(item) >= bdbOffPageSize:
			if err := visit(d.blob(d.order.Uint32(item[4:]), d.order.Uint32(item[8:]))); err != nil {
				return err
			}
		case item[0] == bdbInline && len(item) > 16: // not the highest number of a package
			value := item[1:]
			if err := visit(&blob{left: int64(len(value)), next: func() ([]byte, error) { return value, nil }}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *bdb) item(page []byte, i int) int { return int(d.order.Uint16(page[bdbHead+2*i:])) }

// blob returns the value whose pages begin at page n.
func (d *bdb) blob(n, length uint32) *blob {
	return &blob{left: int64(length), next: func() ([]byte, error) {
		if n == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		page, err := d.page(n)
		if err != nil {
			return nil, err
		}
		if page[25] != bdbOverflow {
			return nil, fmt.Errorf("page %d has no part of a header: the database is damaged", n)
		}
		part := page[bdbHead:]
		if n = d.order.Uint32(page[16:]); n == 0 {
			part = part[:min(len(part), int(d.order.Uint16(page[22:])))]
		}
		return part, nil
	}}
}
