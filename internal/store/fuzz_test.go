package store

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"wontfix"
)

// FuzzID: every id comes back from its code as it was, and the order of codes
// is that of the packed sequence.
func FuzzID(f *testing.F) {
	for _, id := range []string{"CVE-2014-9365", "CVE-2008-0001", "CVE-2008-NNN1", "EMB-1", "CVE-2010-00001", "CVE-2020-1000001", "CVE-2020-4294967296", "CVE-2020-999", ""} {
		f.Add(id, "CVE-2014-10001")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, okX := encodeID(a)
		if okX && x.String() != a {
			t.Fatalf("%q comes back as %q", a, x)
		}
		y, okY := encodeID(b)
		if !okX || !okY {
			return
		}
		if x > y {
			x, y = y, x
		}
		var w codeWriter
		data := w.append(w.append(nil, x), y)
		var c codeReader
		r := &reader{data: data}
		if gx, gy := c.next(r), c.next(r); gx != x || gy != y || r.bad || len(r.data) > 0 {
			t.Fatalf("%s, %s come back as %s, %s", x, y, gx, gy)
		}
	})
}

// unpackAll reads a blob as rows of a dictionary of its own.
func unpackAll(data []byte, d *dictionary) ([]row, error) {
	var in blob
	if err := in.read(data, &wontfix.Statement{}); err != nil {
		return nil, err
	}
	var rows []row
	for i := range in.len() {
		says, line, evidence, ok := in.next()
		if !ok {
			return nil, errBytes
		}
		r := row{line: uint32(line), saying: d.again(&in.says[says], in.modes[says], wontfix.Release{})}
		if d.sayings[r.saying].mode == evidenceOwn {
			r.evidence = uint32(evidence)
		}
		if i < len(in.codes) {
			r.code = in.codes[i]
		} else {
			r.name = in.names[i-len(in.codes)]
		}
		rows = append(rows, r)
	}
	return rows, in.end()
}

// FuzzBlob: whatever the bytes, there are few rows for so many; and what can be
// read comes back the same when it is packed again.
func FuzzBlob(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(randomBlob(seed, 4))
	}
	f.Add(randomBlob(4, 200))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDictionary()
		rows, err := unpackAll(data, d)
		if len(rows) > maxRatio/2*len(data) {
			t.Fatalf("%d rows of %d bytes", len(rows), len(data))
		}
		if err != nil {
			return
		}
		p := packer{dict: d}
		again, err := unpackAll(p.pack(nil, rows), d)
		if err != nil || !slices.Equal(rows, again) {
			t.Fatalf("%v comes back as %v, %v", rows, again, err)
		}
	})
}

// TestLargeBlob: a large blob is compressed, and one that claims to be larger
// than it can be asks for no memory.
func TestLargeBlob(t *testing.T) {
	data := randomBlob(5, 400)
	coded, texts, size, rest := readCounts(data)
	if size <= len(rest.data) {
		t.Errorf("%d rows of %d bytes take %d", coded+texts, size, len(rest.data))
	}
	d := newDictionary()
	rows, err := unpackAll(data, d)
	if err != nil || len(rows) != coded+texts {
		t.Fatalf("%d rows, %v; want %d", len(rows), err, coded+texts)
	}
	for name, claim := range map[string][]int{
		"size":         {coded, texts, size + 1},
		"a large size": {coded, texts, (maxRatio + 1) * len(rest.data)},
		"rows":         {size / 2, texts + 1, size},
		"no size":      {coded, texts, 0},
	} {
		var lie []byte
		for _, n := range claim {
			lie = appendUvarint(lie, uint64(n))
		}
		if rows, err := unpackAll(append(lie, rest.data...), d); err == nil {
			t.Errorf("%s: %d rows", name, len(rows))
		}
	}
}

// randomBlob packs random statements of so many entries.
func randomBlob(seed uint64, entries int) []byte {
	m, d := newModel(seed), newDictionary()
	var rows []row
	for range entries {
		c := m.change()
		for i := range min(4, len(c.Entry.Statements)) {
			s := &c.Entry.Statements[i]
			r := row{line: uint32(s.Line), saying: d.add(s, pick(m.r, "", noRelease, "ubuntu/trusty"), pick(m.r, "", "another"))}
			if evidenceMode(s) == evidenceOwn {
				r.evidence = uint32(s.EvidenceLine)
			}
			var ok bool
			if r.code, ok = encodeID(c.ID); !ok {
				r.name = c.ID
			}
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, compareRows)
	p := packer{dict: d}
	return p.pack(nil, rows)
}

// FuzzCatalog: whatever the bytes, there are fewer entries than bytes; every
// one is found under its id; and they come back the same.
func FuzzCatalog(f *testing.F) {
	for seed := range uint64(4) {
		head, places := packCatalog(randomEntries(seed))
		f.Add(head, places)
	}
	f.Fuzz(func(t *testing.T, head, places []byte) {
		c, err := readCatalog(head)
		if err != nil {
			return
		}
		if c.len() > len(head) {
			t.Fatalf("%d entries of %d bytes", c.len(), len(head))
		}
		at := 0
		for i := range c.len() {
			if c.find(c.id(i)) != i {
				t.Fatalf("entry %d is not found under %q", i, c.id(i))
			}
			if i < len(c.codes) {
				if at = c.after(at, c.codes[i]); at != i {
					t.Fatalf("entry %d is found at %d", i, at)
				}
			}
		}
		list, err := c.entries(places)
		if err != nil {
			return
		}
		head2, places2 := packCatalog(list)
		c2, err := readCatalog(head2)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := c2.entries(places2); err != nil || !slices.Equal(list, again) {
			t.Fatalf("%v comes back as %v, %v", list, again, err)
		}
	})
}

func randomEntries(seed uint64) []entry {
	m := newModel(seed)
	m.changes(8)
	var list []entry
	for id, c := range m.live {
		e := entry{id: id, file: c.File, priority: c.Entry.Priority.Word, day: dayOf(c.Entry.PublishedAt()), withdrawn: c.Entry.Withdrawn != "",
			frame: m.r.Uint32(), offset: m.r.Uint32(), size: m.r.Uint32()}
		e.code, _ = encodeID(id)
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int { return compareEntries(&a, &b) })
	return list
}

// FuzzPast: what can be read is packed and read again as it was, every part is
// in its frame, every entry is found under its id, and there are fewer of both
// than bytes. With a byte changed it cannot be read at all. The bytes are
// sealed here, because no fuzzer finds a sum.
func FuzzPast(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(randomPast(seed)[4:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readPast(seal(data))
		if err != nil {
			return
		}
		if p.len() > len(data) || len(p.frames[versions])+len(p.frames[origins]) > len(data) {
			t.Fatalf("%d entries of %d bytes", p.len(), len(data))
		}
		for i := range p.len() {
			if p.find(p.id(i)) != i {
				t.Fatalf("entry %d is not found under %q", i, p.id(i))
			}
			for kind := range kinds {
				s := p.spans[kind][i]
				n := findFrame(p.frames[kind], s.frame)
				if s.size > 0 && (n < 0 || uint64(s.offset)+uint64(s.size) > uint64(p.frames[kind][n].size)) {
					t.Fatalf("entry %d: %+v is in no frame", i, s)
				}
			}
		}
		packed := packPast(p.entries(), p.frames)
		again, err := readPast(packed)
		if err != nil || !slices.Equal(again.entries(), p.entries()) || !slices.Equal(again.frames[versions], p.frames[versions]) ||
			!slices.Equal(again.frames[origins], p.frames[origins]) {
			t.Fatalf("%+v comes back as %+v, %v", p, again, err)
		}
		packed[len(data)%len(packed)] ^= byte(1 + len(data)%255)
		if _, err := readPast(packed); err == nil {
			t.Fatal("a changed byte goes unseen")
		}
	})
}

// randomPast packs parts that are mostly beside each other.
func randomPast(seed uint64) []byte {
	m := newModel(seed)
	var frames [kinds][]pastFrame
	byID := map[string]*pastEntry{}
	for kind := range kinds {
		number, at := m.r.Uint32N(5), uint32(0)
		for range 20 {
			id := m.id()
			e := byID[id]
			if e == nil {
				e = &pastEntry{}
				var ok bool
				if e.code, ok = encodeID(id); !ok {
					e.name = id
				}
				byID[id] = e
			}
			e.spans[kind] = span{number, at, 1 + m.r.Uint32N(500)}
			at += e.spans[kind].size + m.r.Uint32N(2)*m.r.Uint32N(50)
			if m.r.IntN(6) == 0 {
				frames[kind] = append(frames[kind], pastFrame{number, at, m.r.Uint32()})
				number, at = number+1+m.r.Uint32N(3), 0
			}
		}
		frames[kind] = append(frames[kind], pastFrame{number, at, m.r.Uint32()})
	}
	var list []pastEntry
	for _, e := range byID {
		list = append(list, *e)
	}
	slices.SortFunc(list, comparePast)
	return packPast(list, frames)
}

// FuzzImport: what Import takes is whole, and what it refuses leaves nothing.
func FuzzImport(f *testing.F) {
	path, _ := small(f, 1, 2)
	var whole bytes.Buffer
	if _, err := Export(context.Background(), path, &whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:exportHeader])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.db")
		_, err := Import(context.Background(), bytes.NewReader(data), path, "")
		onlyDatabase(t, path)
		db, err2 := Open(path)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("Import: %v, Open: %v", err, err2)
		}
		if err2 == nil {
			db.Close()
		}
	})
}

// TestAfter compares the search that looks ahead with a plain one.
func TestAfter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for range 2000 {
		c := &catalog{}
		for range r.IntN(40) {
			c.codes = append(c.codes, code(r.IntN(60)))
		}
		slices.Sort(c.codes)
		c.codes = slices.Compact(c.codes)
		v := code(r.IntN(62))
		from := 0
		for from+1 < len(c.codes) && c.codes[from+1] <= v && r.IntN(3) > 0 {
			from++
		}
		want, ok := slices.BinarySearchFunc(c.codes, v, cmp.Compare[code])
		if !ok {
			want = -1
		}
		if got := c.after(from, v); got != want {
			t.Fatalf("after(%d, %d) of %v = %d, want %d", from, v, c.codes, got, want)
		}
	}
}
