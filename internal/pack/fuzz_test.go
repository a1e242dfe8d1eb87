package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	sha1sum "crypto/sha1"

	"wontfix/internal/testkit"
)

// makeDelta returns a delta that makes target of base: a copy where eight
// bytes are found in the base, and else what is new.
func makeDelta(base, target []byte) []byte {
	out := delta(uint64(len(base)), uint64(len(target)))
	for len(target) > 0 {
		n := min(8, len(target))
		at := bytes.Index(base, target[:n])
		if at < 0 {
			out = append(append(out, byte(n)), target[:n]...)
			target = target[n:]
			continue
		}
		for n < len(target) && at+n < len(base) && n < 0xffffff && base[at+n] == target[n] {
			n++
		}
		op, args := byte(0x80), []byte(nil)
		for i, v := range []int{at, at >> 8, at >> 16, at >> 24, n, n >> 8, n >> 16} {
			if byte(v) != 0 && (n != 0x10000 || i < 4) {
				op |= 1 << i
				args = append(args, byte(v))
			}
		}
		out = append(append(out, op), args...)
		target = target[n:]
	}
	return out
}

// slowDelta is what gitformat-pack says of a delta, byte by byte. It returns
// nil for a delta that is not right.
func slowDelta(base, delta []byte) []byte {
	number := func() (v uint64, ok bool) {
		for shift := 0; len(delta) > 0 && shift < 63; shift += 7 {
			c := delta[0]
			delta = delta[1:]
			v |= uint64(c&0x7f) << shift
			if c < 0x80 {
				return v, true
			}
		}
		return 0, false
	}
	from, ok1 := number()
	to, ok2 := number()
	if !ok1 || !ok2 || from != uint64(len(base)) {
		return nil
	}
	out := []byte{}
	for len(delta) > 0 {
		op := int(delta[0])
		delta = delta[1:]
		if op == 0 {
			return nil
		}
		if op < 0x80 {
			if op > len(delta) {
				return nil
			}
			out, delta = append(out, delta[:op]...), delta[op:]
			continue
		}
		var v [7]int
		for i := range v {
			if op>>i&1 == 1 {
				if len(delta) == 0 {
					return nil
				}
				v[i], delta = int(delta[0]), delta[1:]
			}
		}
		at, n := v[0]|v[1]<<8|v[2]<<16|v[3]<<24, v[4]|v[5]<<8|v[6]<<16
		if n == 0 {
			n = 0x10000
		}
		if at+n > len(base) || len(out)+n > 1<<22 {
			return nil
		}
		out = append(out, base[at:at+n]...)
	}
	if uint64(len(out)) != to {
		return nil
	}
	return out
}

// FuzzDelta makes deltas and applies them, and compares what apply makes of
// any bytes with a slow copy of the format's description.
func FuzzDelta(f *testing.F) {
	f.Add([]byte("hello world, hello moon"), []byte("hello moon, hello world!"), delta(23, 11, copyOp(11)))
	f.Add([]byte(""), []byte("x"), []byte("\x00\x00"))
	f.Add(bytes.Repeat([]byte("0123456789"), 7000), bytes.Repeat([]byte("0123456789"), 6999), delta(70000, 0x10000, "\x80"))
	f.Fuzz(func(t *testing.T, base, target, any []byte) {
		check := func(d, want []byte) {
			from, to, ops, ok := deltaSizes(d)
			if !ok || from != uint64(len(base)) || to > 1<<22 {
				if want != nil && len(want) <= 1<<22 {
					t.Fatalf("sizes %d, %d, %v of a delta that is right", from, to, ok)
				}
				return
			}
			got := bytes.Repeat([]byte{0xa5}, int(to)+8)
			err := apply(got[:to], base, ops)
			if (err == nil) != (want != nil) || err == nil && !bytes.Equal(got[:to], want) {
				t.Fatalf("%q of %q: %v; want %q", d, base, err, want)
			}
			if string(got[to:]) != strings.Repeat("\xa5", 8) {
				t.Fatal("wrote behind the end")
			}
		}
		check(makeDelta(base, target), target[:len(target):len(target)])
		check(any, slowDelta(base, any))
	})
}

// FuzzIndex reads any bytes as an index, in which every name must then be
// found at its place; and it builds indexes, in which it finds all.
func FuzzIndex(f *testing.F) {
	var names []ID
	var offsets []int
	for n := range 40 {
		names, offsets = append(names, name(n)), append(offsets, 12+n)
	}
	f.Add(buildIndex(names, offsets, make([]byte, 20), true), false)
	f.Add(buildIndex(names, offsets, make([]byte, 20), false), false)
	f.Add(buildIndex(names, offsets, make([]byte, 32), true), true)
	f.Fuzz(func(t *testing.T, data []byte, sha256 bool) {
		size := 20
		if sha256 {
			size = 32
		}
		var names []ID
		var offsets []int
		for i := 0; i+4 <= len(data) && i < 4000; i += 4 {
			var id ID
			copy(id[:], data[i:i+4])
			names, offsets = append(names, id), append(offsets, i)
		}
		slices.SortFunc(names, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
		names = slices.Compact(names)
		x, err := parseIndex(buildIndex(names, offsets[:len(names)], make([]byte, size), len(data)%2 == 0), size)
		if err != nil || x.count != len(names) {
			t.Fatalf("%d objects of %d: %v", x.count, len(names), err)
		}
		for n, id := range names {
			place, ok := x.find(&id)
			if off, err := x.offset(place); !ok || err != nil || off != uint64(offsets[n]) {
				t.Fatalf("%s: %v, offset %d, %v", id.Hex(size), ok, off, err)
			}
			id[size-1] ^= 1
			if place, ok := x.find(&id); ok && x.compare(place, id[:size]) != 0 {
				t.Fatalf("%s: found another", id.Hex(size))
			}
		}

		if x, err = parseIndex(data, size); err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		for n := range x.count {
			var id ID
			copy(id[:], x.names[n*size:])
			place, ok := x.find(&id)
			if ok && x.compare(place, id[:size]) != 0 {
				t.Fatal("found another")
			}
			if off, err := x.offset(n); err != nil && off != 0 {
				t.Fatalf("offset %d with %v", off, err)
			}
		}
	})
}

// slowDiff compares two trees by all their entries. It returns false if one is
// not a tree in order.
func slowDiff(old, new []byte) (list []string, ok bool) {
	all := map[string][2]string{}
	var keys []string
	for side, b := range [][]byte{old, new} {
		last := ""
		for len(b) > 0 {
			e, n, err := parseEntry(b, 20)
			if err != nil {
				return nil, false
			}
			key := string(e.name)
			if e.folder() {
				key += "/"
			} else {
				key += "\x00"
			}
			if key <= last {
				return nil, false
			}
			last = key
			v, there := all[key]
			if !there {
				keys = append(keys, key)
			}
			v[side] = string(e.id) + string(binary.BigEndian.AppendUint32(nil, e.mode))
			all[key] = v
			b = b[n:]
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		if v := all[key]; v[0] != v[1] {
			list = append(list, key+v[0]+">"+v[1])
		}
	}
	return list, true
}

// ropeOf returns a tree as what a delta makes of another.
func ropeOf(t *testing.T, base *made, text []byte) *made {
	t.Helper()
	was := base.text
	if base.rope != nil {
		was = base.rope.append(nil)
	}
	delta := makeDelta(was, text)
	_, _, ops, _ := deltaSizes(delta)
	r, err := splice(base, ops, len(text), 1<<20, 1<<20)
	testkit.Must(t, err)
	m := &made{kind: Tree, rope: r}
	if got := r.append(nil); !bytes.Equal(got, text) || m.size() != len(text) {
		t.Fatalf("rope of %d bytes %q; want %q", m.size(), got, text)
	}
	return m
}

// FuzzTree compares two trees that share a begin and an end with slowDiff, as
// they are and as ropes.
// Where one of them is not a tree, it must end, with an error or without.
func FuzzTree(f *testing.F) {
	e := func(mode, name string, id byte) string {
		return mode + " " + name + "\x00" + strings.Repeat(string(id), 20)
	}
	f.Add([]byte(e("100644", "a", 1)), []byte(e("100644", "b", 1)), []byte(e("100755", "b", 2)), []byte(e("40000", "c", 3)), uint16(0))
	f.Add([]byte(""), []byte(e("40000", "a", 1)), []byte(e("100644", "a", 1)+e("100644", "a.b", 1)), []byte(e("120000", "b", 1)), uint16(300))
	f.Fuzz(func(t *testing.T, head, a, b, tail []byte, many uint16) {
		var fill []byte // makes strides
		for n := range many % 512 {
			fill = append(fill, e("100644", string([]byte{'A', byte('0' + n>>6), byte('0' + n&63)}), 7)...)
		}
		a, b = slices.Concat(fill, head, a, tail), slices.Concat(fill, head, b, tail)
		text := func(e *entry) string {
			if e.name == nil {
				return ""
			}
			return string(e.id) + string(binary.BigEndian.AppendUint32(nil, e.mode))
		}
		want, ok := slowDiff(a, b)
		check := func(how string, old, new *made) {
			t.Helper()
			var got []string
			err := diffTrees(old, new, 20, func(x, y *entry) {
				e := x
				if e.name == nil {
					e = y
				}
				end := "\x00"
				if e.folder() {
					end = "/"
				}
				if x.name != nil && y.name != nil && (string(x.name) != string(y.name) || x.folder() != y.folder()) {
					t.Fatalf("%s with %s", x.name, y.name)
				}
				got = append(got, string(e.name)+end+text(x)+">"+text(y))
			})
			if ok && (err != nil || !slices.Equal(got, want)) {
				t.Fatalf("%s: got %q, %v\nwant %q", how, got, err, want)
			}
			if err != nil && !errors.Is(err, errTree) {
				t.Fatal(err)
			}
		}
		whole := func(text []byte) *made { return &made{kind: Tree, text: text} }
		check("whole", whole(a), whole(b))
		root := whole(a)
		check("rope of the other", root, ropeOf(t, root, b))
		root = whole(b)
		check("the other of a rope", ropeOf(t, root, a), root)
		root = whole(slices.Concat(fill, tail, head))
		old := ropeOf(t, root, a)
		check("ropes of one root", old, ropeOf(t, root, b))
		check("rope of a rope", old, ropeOf(t, old, b))
		check("rope of a rope of a rope", old, ropeOf(t, ropeOf(t, old, slices.Concat(tail, b)), b))
		check("rope with whole", old, whole(b))
	})
}

// FuzzPack reads objects at three places of a pack of any bytes. An object has
// the size that its header or delta tells; anything else is one of the errors.
func FuzzPack(f *testing.F) {
	for _, large := range []bool{false, true} {
		pack, offsets := buildPack([]raw{
			{name: name(0), kind: 3, text: []byte("hello world, hello moon")},
			{name(1), 6, ofs(0), delta(23, 24, copyOp(11), "\x0dand more text"), 0},
			{name(2), 7, ref(name(1)), delta(24, 11, copyOp(11)), 0},
		})
		f.Add(pack[12:len(pack)-20], uint16(offsets[0]), uint16(offsets[1]), uint16(offsets[2]), large)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, body []byte, a, b, c uint16, large bool) {
		pack := append([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x03"), body...)
		sum := sha1sum.Sum(pack)
		names := []ID{name(0), name(1), name(2)}
		writeFiles(t, dir, "p", append(pack, sum[:]...), buildIndex(names, []int{int(a), int(b), int(c)}, sum[:], large))
		r, err := Open(dir, false)
		testkit.Must(t, err)
		defer r.Close()
		slow, err := open(dir, false, 64)
		testkit.Must(t, err)
		defer slow.Close()
		for _, id := range names {
			kind, text, err := r.Object(id)
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTooLarge) || len(text) > MaxBlob {
				t.Fatalf("%d bytes, %v", len(text), err)
			}
			if err == nil && (kind < Commit || kind > Tag) {
				t.Fatalf("kind %v", kind)
			}
			again, copied, err2 := slow.Object(id)
			if again != kind || !bytes.Equal(text, copied) || (err == nil) != (err2 == nil) {
				t.Fatalf("%v %v; by small parts: %v %v", kind, err, again, err2)
			}
		}
	})
}
