package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The database of today: a table Packages of numbers and headers in an SQLite
// file (sqlite.org/fileformat.html). SQLite itself would have to read every
// header whole, and is not made for files of strangers.
const (
	sqliteInterior = 0x05 // pages of a table
	sqliteLeaf     = 0x0d
	sqliteHead     = 100 // bytes before the first page's own
	sqliteDepth    = 20
)

type sqlite struct {
	pager
	usable  int64               // bytes of a page that hold content
	logged  map[uint32]int64    // pages in the log, and where
	log     *pager              // nil if there is none
	visited map[uint32]struct{} // pages of the present tree
	row     func([]byte, *blob) error
}

func readSQLite(db, wal *io.SectionReader, visit func(*blob) error) error {
	var head [sqliteHead]byte
	if _, err := db.ReadAt(head[:], 0); err != nil {
		return noEOF(err)
	}
	size := int64(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 64 << 10
	}
	s := &sqlite{pager: pager{file: db, size: size}, usable: size - int64(head[20])}
	if size < 512 || size&(size-1) != 0 || s.usable < 480 {
		return fmt.Errorf("sqlite: pages of %d bytes: not known", size)
	}
	if wal != nil && wal.Size() > 0 {
		if err := s.readLog(wal); err != nil {
			return err
		}
	}
	root := uint32(0)
	err := s.tree(1, func(record []byte, _ *blob) error {
		if n, ok := packagesRoot(record); ok {
			root = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	if root == 0 {
		return errors.New("sqlite: no table Packages in it: no rpm database")
	}
	return s.tree(root, func(record []byte, b *blob) error {
		skip, length, ok := blobColumn(record)
		if !ok {
			return errors.New("sqlite: a row of Packages holds no header: the database is damaged")
		}
		// The budget is not set yet: what is skipped here is on the first page.
		if skip > int64(len(b.piece)) {
			return errors.New("sqlite: a row of Packages begins behind its page: the database is damaged")
		}
		b.piece = b.piece[skip:]
		if rest := length - int64(len(b.piece)); rest >= 0 {
			b.left = rest
		} else {
			b.piece, b.left = b.piece[:length], 0
		}
		return visit(b)
	})
}

// page returns page n, from the log if it is there.
func (s *sqlite) page(n uint32) ([]byte, error) {
	if at, ok := s.logged[n]; ok {
		return s.log.at(at)
	}
	return s.at((int64(n) - 1) * s.size)
}

// tree visits the rows of the table whose tree begins at a page.
func (s *sqlite) tree(root uint32, row func([]byte, *blob) error) error {
	s.visited, s.row = make(map[uint32]struct{}), row
	return s.walk(root, 0)
}

func (s *sqlite) walk(n uint32, depth int) error {
	if _, again := s.visited[n]; again || n == 0 || depth > sqliteDepth {
		return fmt.Errorf("sqlite: page %d: no tree: the database is damaged", n)
	}
	s.visited[n] = struct{}{}
	shared, err := s.page(n)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	page := append([]byte(nil), shared...)
	at := 0
	if n == 1 {
		at = sqliteHead
	}
	count := int(binary.BigEndian.Uint16(page[at+3:]))
	kind, cells := page[at], at+8
	if kind == sqliteInterior {
		cells = at + 12
	}
	if kind != sqliteInterior && kind != sqliteLeaf || cells+2*count > len(page) {
		return fmt.Errorf("sqlite: page %d of type %d with %d cells: the database is damaged", n, kind, count)
	}
	for i := range count {
		cell := int(binary.BigEndian.Uint16(page[cells+2*i:]))
		if int64(cell)+4 > int64(s.usable) {
			return fmt.Errorf("sqlite: page %d: cell %d is not on it: the database is damaged", n, i)
		}
		if kind == sqliteInterior {
			err = s.walk(binary.BigEndian.Uint32(page[cell:]), depth+1)
		} else {
			err = s.cell(page[cell:s.usable])
		}
		if err != nil {
			return err
		}
	}
	if kind == sqliteInterior {
		return s.walk(binary.BigEndian.Uint32(page[at+8:]), depth+1)
	}
	return nil
}

// cell visits the row in a cell of a leaf: the length of its record, its
// number, and as much of the record as a page may hold.
func (s *sqlite) cell(cell []byte) error {
	length, n := uvarint(cell)
	_, m := uvarint(cell[n:])
	if n == 0 || m == 0 || length > maxHeader+1024 {
		return errors.New("sqlite: a row without a length: the database is damaged")
	}
	rest := cell[n+m:]
	local, u := int64(length), s.usable
	if local > u-35 {
		least := (u-12)*32/255 - 23
		if local = least + (int64(length)-least)%(u-4); local > u-35 {
			local = least
		}
		if local+4 > int64(len(rest)) {
			return errors.New("sqlite: a row leaves its page: the database is damaged")
		}
	}
	if local > int64(len(rest)) {
		return errors.New("sqlite: a row leaves its page: the database is damaged")
	}
	next := uint32(0)
	if local < int64(length) {
		next = binary.BigEndian.Uint32(rest[local:])
	}
	record := rest[:local]
	return s.row(record, &blob{piece: record, left: int64(length) - local, next: func() ([]byte, error) {
		if next == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		page, err := s.page(next)
		if err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(page)
		return page[4:s.usable], nil
	}})
}

// uvarint reads a number of SQLite: seven bits a byte, the highest first, nine
// bytes at most. It returns the number of bytes, 0 if the number is cut off.
func uvarint(b []byte) (v uint64, n int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// columns returns the types of a record's columns and where the first begins.
func columns(record []byte) (types []uint64, start int64) {
	size, n := uvarint(record)
	if n == 0 || size > uint64(len(record)) {
		return nil, 0
	}
	for at := n; at < int(size) && len(types) < 16; {
		t, n := uvarint(record[at:size])
		if n == 0 || t > maxSerial {
			return nil, 0
		}
		types = append(types, t)
		at += n
	}
	return types, int64(size)
}

// maxSerial is the largest type of a column: that of a text of 2 GiB. A larger
// one would have a negative size.
const maxSerial = 1 << 32

// columnSize returns the bytes of a column of a type.
func columnSize(t uint64) int64 {
	switch {
	case t >= 12:
		return int64(t-12) / 2
	case t <= 7:
		return [8]int64{0, 1, 2, 3, 4, 6, 8, 8}[t]
	}
	return 0
}

// packagesRoot returns the first page of the table Packages if a record of
// sqlite_schema (type, name, tbl_name, rootpage, sql) is of it.
func packagesRoot(record []byte) (uint32, bool) {
	types, at := columns(record)
	if len(types) < 5 {
		return 0, false
	}
	var values [4][]byte
	for i := range values {
		n := columnSize(types[i])
		if n > int64(len(record))-at {
			return 0, false
		}
		values[i] = record[at : at+n]
		at += n
	}
	if string(values[0]) != "table" || !strings.EqualFold(string(values[1]), "Packages") || len(values[3]) > 4 || types[3] > 4 {
		return 0, false
	}
	root := uint32(0)
	for _, b := range values[3] {
		root = root<<8 | uint32(b)
	}
	return root, root > 0
}

// blobColumn says where in a record of Packages the header begins, and how
// long it is.
func blobColumn(record []byte) (skip, length int64, ok bool) {
	types, at := columns(record)
	for _, t := range types {
		if t >= 12 && t%2 == 0 && t < 2*maxHeader {
			return at, columnSize(t), true
		}
		at += columnSize(t)
	}
	return 0, 0, false
}

// readLog finds the pages that the write-ahead log has in the place of those of
// the database: of the frames up to the last that ends a transaction, the last
// of each page. Frames of an older log, which lie behind, have other salts.
func (s *sqlite) readLog(wal *io.SectionReader) error {
	var head [32]byte
	if _, err := wal.ReadAt(head[:], 0); err != nil {
		return nil // too short to have a frame
	}
	magic := binary.BigEndian.Uint32(head[:])
	if magic&^1 != 0x377f0682 || int64(binary.BigEndian.Uint32(head[8:])) != s.size {
		return fmt.Errorf("sqlite: write-ahead log with magic %#x: no log of this database", magic)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if magic&1 == 1 {
		order = binary.BigEndian
	}
	sum := walSum(order, [2]uint32{}, head[:24])
	if sum != [2]uint32{binary.BigEndian.Uint32(head[24:]), binary.BigEndian.Uint32(head[28:])} {
		return nil // a log that was begun and holds nothing
	}
	s.log = &pager{file: wal, size: s.size}
	s.logged = make(map[uint32]int64)
	frames := pager{file: wal, size: s.size + 24}
	open := make(map[uint32]int64)
	for at := int64(32); at+frames.size <= wal.Size(); at += frames.size {
		frame, err := frames.at(at)
		if err != nil {
			return fmt.Errorf("sqlite: write-ahead log: %w", err)
		}
		sum = walSum(order, walSum(order, sum, frame[:8]), frame[24:])
		if string(frame[8:16]) != string(head[16:24]) || sum != [2]uint32{binary.BigEndian.Uint32(frame[16:]), binary.BigEndian.Uint32(frame[20:])} {
			break
		}
		open[binary.BigEndian.Uint32(frame)] = at + 24
		if binary.BigEndian.Uint32(frame[4:]) > 0 { // the transaction ends
			for n, where := range open {
				s.logged[n] = where
			}
			clear(open)
		}
	}
	return nil
}

// walSum goes on with the log's sum over b.
func walSum(order binary.ByteOrder, sum [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		sum[0] += order.Uint32(b) + sum[1]
		sum[1] += order.Uint32(b[4:]) + sum[0]
	}
	return sum
}
