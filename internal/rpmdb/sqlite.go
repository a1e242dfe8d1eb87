package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"strings"
	"sync"
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
	pages   [sqliteDepth + 1][]byte // memory for one page of each depth
}

// readSQLite yields the packages of a database, of whose pages no more bytes are
// read than budget by each core.
func readSQLite(db, wal *io.SectionReader, budget int64, yield func(Package, error) bool) error {
	var head [sqliteHead]byte
	if _, err := db.ReadAt(head[:], 0); err != nil {
		return noEOF(err)
	}
	size := int64(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 64 << 10
	}
	s := &sqlite{pager: pager{file: db, size: size, chunk: make([]byte, 0, size)}, usable: size - int64(head[20])}
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
	s.visited = make(map[uint32]struct{})
	pages, err := s.divide(root)
	if err != nil {
		return err
	}
	return s.packages(pages, budget, yield)
}

// A subtree is a page of a tree and how deep it is.
type subtree struct {
	page  uint32
	depth int
}

// divide returns the subtrees of which the tree that begins at a page consists,
// in order: so many that cores can share them, where there are. The pages above
// them are visited then.
func (s *sqlite) divide(root uint32) ([]subtree, error) {
	list := []subtree{{root, 0}}
	for len(list) < 64 {
		var below []subtree
		for _, t := range list {
			page, err := s.enter(t.page, t.depth)
			if err != nil {
				return nil, err
			}
			if page.kind == sqliteLeaf {
				below = append(below, t)
				continue
			}
			err = page.children(func(n uint32) error {
				below = append(below, subtree{n, t.depth + 1})
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		if len(below) == len(list) { // they are leaves, or each has one child
			for _, t := range list {
				delete(s.visited, t.page) // they are visited yet
			}
			break
		}
		list = below
	}
	return list, nil
}

// maxReaders is how many cores read one database at most. Tests change it.
var maxReaders = 4

// maxAhead is how many packages each of them reads before they are asked for.
const maxAhead = 4096

// packages yields the packages in the rows of subtrees, in order. They are read
// side by side: most of the time is the kernel's, which copies pages.
func (s *sqlite) packages(trees []subtree, budget int64, yield func(Package, error) bool) error {
	type found struct {
		Package
		err  error
		last bool // err ends it all
	}
	readers := make([]*sqlite, min(runtime.GOMAXPROCS(0), maxReaders, len(trees)))
	results := make([]chan found, len(readers))
	stop := make(chan struct{})
	var reading sync.WaitGroup
	defer reading.Wait()
	defer close(stop)
	for k := range readers {
		r := &sqlite{pager: pager{file: s.file, size: s.size}, usable: s.usable, logged: s.logged, visited: maps.Clone(s.visited)}
		if s.log != nil {
			r.log = &pager{file: s.log.file, size: s.log.size}
		}
		readers[k], results[k] = r, make(chan found, maxAhead)
		send := func(f found) error {
			select {
			case results[k] <- f:
				return nil
			case <-stop:
				return errStop
			}
		}
		left := budget
		r.row = func(record []byte, b *blob) error {
			if err := b.begin(record); err != nil {
				return err
			}
			b.budget = &left
			p, err := header(b)
			if errors.Is(err, errBudget) {
				return err
			}
			return send(found{p, err, false})
		}
		reading.Go(func() {
			defer close(results[k])
			for _, t := range trees[len(trees)*k/len(readers) : len(trees)*(k+1)/len(readers)] {
				if err := r.walk(t.page, t.depth); err != nil {
					send(found{err: err, last: true})
					return
				}
			}
		})
	}
	before := make(map[uint32]struct{})
	for k, r := range readers {
		for f := range results[k] {
			if f.last {
				return f.err
			}
			if !yield(f.Package, f.err) {
				return errStop
			}
		}
		for n := range r.visited {
			if _, known := s.visited[n]; known {
				continue
			}
			if _, again := before[n]; again {
				return noTree(n)
			}
			before[n] = struct{}{}
		}
	}
	return nil
}

// begin leaves of a row of Packages the header.
func (b *blob) begin(record []byte) error {
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
	return nil
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
	page, err := s.enter(n, depth)
	if err != nil {
		return err
	}
	if page.kind == sqliteInterior {
		return page.children(func(n uint32) error { return s.walk(n, depth+1) })
	}
	for i := range page.count {
		cell, err := page.cell(i)
		if err == nil {
			err = s.cell(cell)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func noTree(n uint32) error {
	return fmt.Errorf("sqlite: page %d: no tree: the database is damaged", n)
}

// A treePage is a page of a tree.
type treePage struct {
	number      uint32
	kind        byte
	data        []byte // up to where content ends
	count       int    // of cells
	cells, last int    // where the pointers to cells are, and that to the last child
}

// enter reads a page of the present tree, in which it must not have been yet.
// It is valid until another one of that depth is read.
func (s *sqlite) enter(n uint32, depth int) (*treePage, error) {
	if _, again := s.visited[n]; again || n == 0 || depth > sqliteDepth {
		return nil, noTree(n)
	}
	s.visited[n] = struct{}{}
	shared, err := s.page(n)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	at := 0
	if n == 1 {
		at = sqliteHead
	}
	s.pages[depth] = append(s.pages[depth][:0], shared...)
	p := &treePage{number: n, kind: shared[at], data: s.pages[depth], cells: at + 8, last: at + 8}
	p.count = int(binary.BigEndian.Uint16(p.data[at+3:]))
	if p.kind == sqliteInterior {
		p.cells = at + 12
	}
	if p.kind != sqliteInterior && p.kind != sqliteLeaf || int64(p.cells+2*p.count) > s.usable {
		return nil, fmt.Errorf("sqlite: page %d of type %d with %d cells: the database is damaged", n, p.kind, p.count)
	}
	p.data = p.data[:s.usable]
	return p, nil
}

// cell returns what begins with cell i.
func (p *treePage) cell(i int) ([]byte, error) {
	at := int(binary.BigEndian.Uint16(p.data[p.cells+2*i:]))
	if at+4 > len(p.data) {
		return nil, fmt.Errorf("sqlite: page %d: cell %d is not on it: the database is damaged", p.number, i)
	}
	return p.data[at:], nil
}

// children calls fn with the pages below an interior one, in order.
func (p *treePage) children(fn func(n uint32) error) error {
	for i := range p.count {
		cell, err := p.cell(i)
		if err == nil {
			err = fn(binary.BigEndian.Uint32(cell))
		}
		if err != nil {
			return err
		}
	}
	return fn(binary.BigEndian.Uint32(p.data[p.last:]))
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
