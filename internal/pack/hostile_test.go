package pack

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// delta returns a delta of instructions, with the sizes that it claims.
func delta(base, result uint64, ops ...string) []byte {
	b := binary.AppendUvarint(nil, base)
	b = binary.AppendUvarint(b, result)
	return append(b, strings.Join(ops, "")...)
}

// copyOp is an instruction to copy up to 64 KB from the begin of the base.
func copyOp(n int) string { return string([]byte{0xb0, byte(n), byte(n >> 8)}) }

func openDir(t testing.TB, dir string) *Repository {
	t.Helper()
	r, err := Open(dir, false)
	testkit.Must(t, err)
	t.Cleanup(func() { testkit.Must(t, r.Close()) })
	return r
}

// TestBadObjects has packs that no git has written.
func TestBadObjects(t *testing.T) {
	hello := raw{name: name(0), kind: 3, text: []byte("hello world")}
	for _, c := range []struct {
		title string
		last  []raw // after hello; the first is asked for
		want  error // nil: it is "hello hello"
	}{
		{"good", []raw{{name(1), 6, ofs(0), delta(11, 11, copyOp(6), copyOp(5)), 0}}, nil},
		{"good reference", []raw{{name(1), 7, ref(name(0)), delta(11, 11, copyOp(6), "\x05hello"), 0}}, nil},
		{"base later in the pack", []raw{{name(1), 7, ref(name(2)), delta(11, 11, copyOp(11)), 0}, {name(2), 3, nil, []byte("hello hello"), 0}}, nil},
		{"upon itself", []raw{{name(1), 7, ref(name(1)), delta(11, 11, copyOp(11)), 0}}, ErrDamaged},
		{"circle", []raw{{name(1), 7, ref(name(2)), delta(11, 11, copyOp(11)), 0}, {name(2), 7, ref(name(1)), delta(11, 11, copyOp(11)), 0}}, ErrDamaged},
		{"no base", []raw{{name(1), 7, ref(name(9)), delta(11, 11, copyOp(11)), 0}}, ErrDamaged},
		{"base size", []raw{{name(1), 6, ofs(0), delta(12, 11, copyOp(6), copyOp(5)), 0}}, ErrDamaged},
		{"result too long", []raw{{name(1), 6, ofs(0), delta(11, 10, copyOp(6), copyOp(5)), 0}}, ErrDamaged},
		{"result too short", []raw{{name(1), 6, ofs(0), delta(11, 12, copyOp(6), copyOp(5)), 0}}, ErrDamaged},
		{"insert too long", []raw{{name(1), 6, ofs(0), delta(11, 4, "\x05hello"), 0}}, ErrDamaged},
		{"copy beyond the base", []raw{{name(1), 6, ofs(0), delta(11, 12, copyOp(12)), 0}}, ErrDamaged},
		{"copy from beyond the base", []raw{{name(1), 6, ofs(0), delta(11, 1, "\x9f\xff\xff\xff\xff\x01"), 0}}, ErrDamaged},
		{"copy cut off", []raw{{name(1), 6, ofs(0), delta(11, 11, "\xb0\x01"), 0}}, ErrDamaged},
		{"insert cut off", []raw{{name(1), 6, ofs(0), delta(11, 5, "\x05hell"), 0}}, ErrDamaged},
		{"reserved instruction", []raw{{name(1), 6, ofs(0), delta(11, 0, "\x00"), 0}}, ErrDamaged},
		{"size of 2^62", []raw{{name(1), 6, ofs(0), delta(11, 1<<62, copyOp(11)), 0}}, ErrTooLarge},
		{"endless sizes", []raw{{name(1), 6, ofs(0), bytes.Repeat([]byte{0xff}, 30), 0}}, ErrDamaged},
		{"empty delta", []raw{{name(1), 6, ofs(0), nil, 0}}, ErrDamaged},
		{"kind 0", []raw{{name(1), 0, nil, []byte("hello hello"), 0}}, ErrDamaged},
		{"kind 5", []raw{{name(1), 5, nil, []byte("hello hello"), 0}}, ErrDamaged},
		{"header size too large", []raw{{name(1), 3, nil, []byte("hello hello"), 12}}, ErrDamaged},
		{"header size too small", []raw{{name(1), 3, nil, []byte("hello hello"), 10}}, ErrDamaged},
		{"header size impossible", []raw{{name(1), 3, nil, []byte("hello hello"), 15 << 20}}, ErrDamaged},
		{"header size beyond the limit", []raw{{name(1), 3, nil, []byte("hello hello"), MaxBlob + 1}}, ErrTooLarge},
		{"base before the pack", []raw{{name(1), 6, func(int, []int) []byte { return []byte{0xff, 0x7f} }, nil, 0}}, ErrDamaged},
		{"base of distance 0", []raw{{name(1), 6, func(int, []int) []byte { return []byte{0} }, nil, 0}}, ErrDamaged},
		{"base is the pack's header", []raw{{name(1), 6, func(at int, _ []int) []byte { return []byte{byte(at) - 1} }, nil, 0}}, ErrDamaged},
		{"bad checksum", []raw{{name(1), 3, func(int, []int) []byte { return []byte("\x78\x9c\x4b\x04\x00\x00\x62\x00\x63") }, []byte("x"), 0}}, ErrDamaged},
	} {
		t.Run(c.title, func(t *testing.T) {
			for _, large := range []bool{false, true} {
				dir := t.TempDir()
				writePack(t, dir, "p", append([]raw{hello}, c.last...), large)
				r := openDir(t, dir)
				_, text, err := r.Object(name(1))
				if c.want == nil {
					if err != nil || string(text) != "hello hello" {
						t.Errorf("%q, %v", text, err)
					}
					continue
				}
				if !errors.Is(err, c.want) || errors.Is(err, ErrMissing) || text != nil {
					t.Errorf("%q, %v; want %v", text, err, c.want)
				}
				if err == nil || !strings.Contains(err.Error(), filepath.Join("pack", "p.pack")) || !strings.Contains(err.Error(), "offset ") {
					t.Errorf("%v: pack or offset not named", err)
				}
				if _, text, err := r.Object(name(0)); err != nil || string(text) != "hello world" {
					t.Errorf("after an error: %q, %v", text, err)
				}
			}
		})
	}
}

// TestBases has bases in another pack and in a file of their own.
func TestBases(t *testing.T) {
	dir := t.TempDir()
	writePack(t, dir, "a", []raw{{name(1), 7, ref(name(2)), delta(11, 5, copyOp(5)), 0}, {name(3), 7, ref(name(4)), delta(3, 6, copyOp(3), copyOp(3)), 0}}, false)
	writePack(t, dir, "b", []raw{{name(2), 3, nil, []byte("hello world"), 0}}, true)
	writeLoose(t, dir, name(4), "blob 3\x00abc")
	r := openDir(t, dir)
	err := r.Blobs(t.Context(), [][]ID{{name(1), name(2), name(3), name(4), name(3)}}, func(_ int, texts [][]byte, errs []error) error {
		if got := fmt.Sprintf("%s %v", texts, errs); got != "[hello hello world abcabc abc abcabc] [<nil> <nil> <nil> <nil> <nil>]" {
			t.Error(got)
		}
		return nil
	})
	testkit.Must(t, err)
}

// TestDeepChains has as many deltas one upon the other as Git allows, one
// more, and bombs: chains that make 16 MB again and again.
func TestDeepChains(t *testing.T) {
	chain := []raw{{name: name(0), kind: 3, text: []byte("hello world")}}
	for n := 1; n <= maxDepth+1; n++ {
		chain = append(chain, raw{name(n), 6, ofs(n - 1), delta(11, 11, copyOp(11)), 0})
	}
	dir := t.TempDir()
	writePack(t, dir, "p", chain, false)
	r := openDir(t, dir)
	if _, _, err := r.Object(name(maxDepth + 1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("%d deltas: %v", maxDepth+1, err)
	}
	if _, text, err := r.Object(name(maxDepth)); err != nil || string(text) != "hello world" {
		t.Errorf("%d deltas: %v", maxDepth, err)
	}

	all := "\xff\x00\x00\x00\x00\xff\xff\xff" // copies 16 MB less a byte
	bomb := []raw{{name: name(0), kind: 3, text: make([]byte, MaxBlob-1)}}
	for n := 1; n <= 300; n++ {
		bomb = append(bomb, raw{name(n), 6, ofs(n - 1), delta(MaxBlob-1, MaxBlob-1, all), 0})
	}
	dir = t.TempDir()
	writePack(t, dir, "p", bomb, false)
	r = openDir(t, dir)
	if _, _, err := r.Object(name(300)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("300 times 16 MB: %v", err)
	}
	if _, text, err := r.Object(name(50)); err != nil || len(text) != MaxBlob-1 {
		t.Errorf("50 times 16 MB: %v", err)
	}
	group := make([]ID, 60)
	for i := range group {
		group[i] = name(i)
	}
	testkit.Must(t, r.Blobs(t.Context(), [][]ID{group}, func(_ int, texts [][]byte, errs []error) error {
		size := 0
		for i, text := range texts {
			if size += len(text); (text == nil) != (errs[i] != nil) {
				t.Errorf("%d: %d bytes, %v", i, len(text), errs[i])
			}
		}
		if size > groupLimit || !errors.Is(errs[59], ErrTooLarge) {
			t.Errorf("a group of %d bytes, %v", size, errs[59])
		}
		return nil
	}))
	for _, rd := range r.idle {
		if rd.used > objectCache || rd.pinned != 0 || rd.cache.idle > objectCache {
			t.Errorf("a reader keeps %d, %d and %d bytes", rd.used, rd.pinned, rd.cache.idle)
		}
	}
}

// TestEndlessStream has objects whose compressed bytes do not end: not all of a
// pack must be read to find that out.
func TestEndlessStream(t *testing.T) {
	t.Run("5 bytes", func(t *testing.T) { endlessStream(t, 5, "\x35") })
	t.Run("1 MB", func(t *testing.T) { endlessStream(t, 1<<20, "\xb0\x80\x80\x04") })
}

func endlessStream(t *testing.T, size int, head string) {
	body := []byte(head + "\x78\x9c")
	for range 1 << 20 {
		body = append(body, "\x00\x00\x00\xff\xff"...) // a block without bytes
	}
	pack := append([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01"), body...)
	sum := sha1.Sum(pack)
	dir := t.TempDir()
	writeFiles(t, dir, "p", append(pack, sum[:]...), buildIndex([]ID{name(0)}, []int{12}, sum[:], false))
	r := openDir(t, dir)
	if _, _, err := r.Object(name(0)); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if n := cap(r.idle[0].view.data); n > 2*size+1<<17 {
		t.Errorf("%d bytes were read at once", n)
	}
}

// TestHugeIndex has an index of eight terabytes, all of them holes.
func TestHugeIndex(t *testing.T) {
	dir := t.TempDir()
	writePack(t, dir, "p", []raw{{name: name(0), kind: 3, text: []byte("hello world")}}, false)
	if err := os.Truncate(filepath.Join(dir, "pack", "p.idx"), 8<<40); err != nil {
		t.Skipf("no file of that size here: %v", err)
	}
	if _, err := Open(dir, false); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "p.idx") {
		t.Error(err)
	}
}

// TestRefusedSplice has deltas that are not made into ropes, of which nothing must
// be left.
func TestRefusedSplice(t *testing.T) {
	root := &made{kind: Tree, text: make([]byte, 1000)}
	for _, d := range []string{strings.Repeat("\x01x", 60), "\x02xxx", "\x01x\x00"} {
		r, err := splice(root, []byte(d), 60, 100, 50)
		if r != nil || len(root.inserts) > 0 {
			t.Errorf("%q: %v, %v, %q is left", d, r, err, root.inserts)
		}
	}
}

// TestOrderOfRopes has trees out of order, which are so as ropes too: behind an
// entry in two pieces that both have.
func TestOrderOfRopes(t *testing.T) {
	e := func(name string, id byte) string {
		return "100644 " + name + "\x00" + strings.Repeat(string(rune(id)), 20)
	}
	root := &made{kind: Tree, text: []byte(e("a", 1) + e("z", 2) + e("c", 3))}
	mid := ropeOf(t, root, []byte(e("a", 1)+e("z", 4)+e("c", 3)))
	a, b := ropeOf(t, mid, []byte(e("a", 1)+e("z", 4)+e("c", 5))), ropeOf(t, mid, []byte(e("a", 1)+e("z", 4)+e("c", 6)))
	if err := diffTrees(a, b, 20, func(x, y *entry) {}); !errors.Is(err, errTree) {
		t.Errorf("ropes: %v", err)
	}
}

// TestLongName compares a name of megabytes with many entries before it, in time
// that does not grow with their product.
func TestLongName(t *testing.T) {
	id := strings.Repeat("i", 20)
	var many strings.Builder
	for n := range 20000 {
		fmt.Fprintf(&many, "100644 a%05d\x00%s", n, id)
	}
	a := &made{kind: Tree, text: []byte("100644 b" + strings.Repeat("b", 8<<20) + "\x00" + id)}
	b := &made{kind: Tree, text: []byte(many.String())}
	start, n := time.Now(), 0
	testkit.Must(t, diffTrees(a, b, 20, func(x, y *entry) { n++ }))
	if took := time.Since(start); n != 20001 || took > 2*time.Second {
		t.Errorf("%d changes in %v", n, took)
	}
}

// TestCutWhileOpen has a pack that another program shortens.
func TestCutWhileOpen(t *testing.T) {
	dir := t.TempDir()
	writePack(t, dir, "p", []raw{{name: name(0), kind: 3, text: []byte("hello world")}, {name: name(1), kind: 3, text: []byte("hello moon")}}, false)
	r := openDir(t, dir)
	testkit.Must(t, os.Truncate(filepath.Join(dir, "pack", "p.pack"), 20))
	for n := range 2 {
		if _, _, err := r.Object(name(n)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "p.pack: offset") {
			t.Errorf("object %d: %v", n, err)
		}
	}
}

// TestRopesLetGo compares large trees in little memory. What is left of them
// is within the budget, and nothing once it is dropped.
func TestRopesLetGo(t *testing.T) {
	g := newGitRepo(t, false)
	g.grow(1, 2)
	g.growFolder(60)
	g.git("", "repack", "-adfq", "--depth=50")
	trees := strings.Fields(g.git("", "log", "--format=%T", "main"))
	for _, budget := range []int{1 << 10, 100 << 10, 1 << 30} {
		rd := newReader(g.open(), budget)
		rd.ropes = true
		d := &differ{reader: rd, paths: [][]string{{"active"}}, names: map[string]string{}}
		ropes := 0
		for i := 1; i < len(trees); i++ {
			p := Pair{g.id(trees[i]), g.id(trees[i-1])}
			got, err := d.compare(&p)
			testkit.Must(t, err)
			if want := g.gitChanges(p, []string{"active"}); !slices.Equal(got, want) {
				t.Fatalf("got  %s\nwant %s", show(got), show(want))
			}
			for _, m := range rd.slots {
				if m.rope != nil {
					ropes++
				}
			}
			if rd.used+rd.rooted > max(budget, rd.rooted) {
				t.Fatalf("%d bytes in ropes and %d in their roots; want %d", rd.used, rd.rooted, budget)
			}
		}
		if ropes == 0 && budget > 1<<20 {
			t.Error("no ropes; the test does not test them")
		}
		for rd.ring.prev != &rd.ring {
			rd.drop(rd.ring.prev)
		}
		if rd.used != 0 || rd.pinned != 0 || rd.rooted != 0 || len(rd.slots) != 0 {
			t.Errorf("%d, %d and %d bytes are left, and %d objects", rd.used, rd.pinned, rd.rooted, len(rd.slots))
		}
	}
}

// TestDamagedFiles changes and cuts a pack and its index at every byte. What
// is read then is an error, or an object; opening and reading end.
func TestDamagedFiles(t *testing.T) {
	objects := []raw{
		{name: name(0), kind: 3, text: []byte("hello world, hello moon")},
		{name(1), 6, ofs(0), delta(23, 24, copyOp(11), "\x0dand more text"), 0},
		{name(2), 7, ref(name(1)), delta(24, 11, copyOp(11)), 0},
	}
	pack, offsets := buildPack(objects)
	idx := buildIndex([]ID{name(0), name(1), name(2)}, offsets, pack[len(pack)-20:], true)
	refused := 0
	try := func(pack, idx []byte, cut bool) {
		dir := t.TempDir()
		writeFiles(t, dir, "p", pack, idx)
		r, err := Open(dir, false)
		if err != nil {
			if refused++; !errors.Is(err, ErrDamaged) {
				t.Errorf("open: %v", err)
			}
			return
		}
		defer r.Close()
		if cut {
			t.Errorf("opened, of %d and %d bytes", len(pack), len(idx))
		}
		for n := range objects {
			_, text, err := r.Object(name(n))
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrMissing) && !errors.Is(err, ErrTooLarge) || len(text) > 100 {
				t.Errorf("%d bytes, %v", len(text), err)
			}
		}
	}
	for i := range pack {
		try(pack[:i], idx, true)
		for _, x := range []byte{0x01, 0x80, 0xff} {
			bad := bytes.Clone(pack)
			bad[i] ^= x
			try(bad, idx, false)
		}
	}
	for i := range idx {
		if i%7 == 0 {
			try(pack, idx[:i], true)
		}
		bad := bytes.Clone(idx)
		bad[i] ^= 0x81
		try(pack, bad, false)
	}
	if refused < len(pack)+len(idx)/7 {
		t.Errorf("%d refused", refused)
	}
}

// TestOpen has folders that are not folders of objects, and mixed-up hashes.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none"), false); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	testkit.Must(t, os.WriteFile(file, nil, 0o666))
	if _, err := Open(file, false); err == nil {
		t.Error("a file is opened as a folder")
	}
	writePack(t, dir, "p", []raw{{name: name(0), kind: 3, text: []byte("x")}}, false)
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "pack", "q.pack"), nil, 0o666))
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "pack", "r.idx"), nil, 0o666))
	openDir(t, dir)
	if _, err := Open(dir, true); !errors.Is(err, ErrDamaged) {
		t.Errorf("SHA-1 read as SHA-256: %v", err)
	}
}

func TestAlternates(t *testing.T) {
	dir := t.TempDir()
	store := func(n int) string { return filepath.Join(dir, fmt.Sprint("o", n)) }
	set := func(n int, text string) {
		testkit.Must(t, os.MkdirAll(filepath.Join(store(n), "info"), 0o777))
		testkit.Must(t, os.WriteFile(filepath.Join(store(n), "info", "alternates"), []byte(text), 0o666))
	}
	for n := range 8 {
		set(n, fmt.Sprintf("../o%d\n", n+1))
	}
	set(8, "")
	writeLoose(t, store(8), name(1), "blob 1\x00x")
	if _, err := Open(store(0), false); err == nil {
		t.Error("alternates nested eight deep are read")
	}
	if _, _, err := openDir(t, store(3)).Object(name(1)); err != nil {
		t.Errorf("five deep: %v", err)
	}
	set(8, "../o0\n../o8\n") // a circle
	set(0, `"`+filepath.ToSlash(store(8))+`"`+"\n")
	if _, _, err := openDir(t, store(0)).Object(name(1)); err != nil {
		t.Errorf("circle: %v", err)
	}
	set(0, "../none\n")
	if _, err := Open(store(0), false); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a folder that is not there: %v", err)
	}
	set(0, strings.Repeat("../o8\n", maxAltFile/6+1))
	if _, err := Open(store(0), false); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file of more than 1 MB: %v", err)
	}
}

func TestLoose(t *testing.T) {
	dir := t.TempDir()
	for i, c := range []struct {
		content string
		want    error
	}{
		{"blob 5\x00hello", nil},
		{"blob 4\x00hello", ErrDamaged},
		{"blob 6\x00hello", ErrDamaged},
		{"blob 05\x00hello", ErrDamaged},
		{"blob +5\x00hello", ErrDamaged},
		{"blob -5\x00hello", ErrDamaged},
		{"blob  5\x00hello", ErrDamaged},
		{"blob5\x00hello", ErrDamaged},
		{"blob 5", ErrDamaged},
		{"", ErrDamaged},
		{"bloB 5\x00hello", ErrDamaged},
		{"kind 0 5\x00hello", ErrDamaged},
		{"blob 99999999999999999999\x00hello", ErrDamaged},
		{"blob 16777217\x00hello", ErrTooLarge},
		{"blob 16000000\x00hello", ErrDamaged},
		{strings.Repeat("x", 100) + "\x00hello", ErrDamaged},
	} {
		writeLoose(t, dir, name(i), c.content)
		kind, text, err := openDir(t, dir).Object(name(i))
		if !errors.Is(err, c.want) || err == nil && (kind != Blob || string(text) != "hello") {
			t.Errorf("%q: %q, %v", c.content, text, err)
		}
	}
	path := filepath.Join(dir, name(0).Hex(20)[:2], name(0).Hex(20)[2:])
	data, err := os.ReadFile(path)
	testkit.Must(t, err)
	for i := range data {
		testkit.Must(t, os.WriteFile(path, data[:i], 0o666))
		if _, _, err := openDir(t, dir).Object(name(0)); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	testkit.Must(t, os.Remove(path))
	testkit.Must(t, os.Mkdir(path, 0o777))
	if _, _, err := openDir(t, dir).Object(name(0)); err == nil {
		t.Error("a folder is read as an object")
	}
}

// TestEmpty has the two objects that need not be stored.
func TestEmpty(t *testing.T) {
	for hex, want := range empty {
		id, err := ParseID(hex)
		testkit.Must(t, err)
		r, err := Open(t.TempDir(), len(hex) == 64)
		testkit.Must(t, err)
		if kind, text, err := r.Object(id); err != nil || kind != want || text == nil || len(text) != 0 {
			t.Errorf("%s: %v %q %v", hex, kind, text, err)
		}
	}
	g := newGitRepo(t, true)
	for _, k := range []string{"tree", "blob"} {
		if id := strings.TrimSpace(g.git("", "hash-object", "-t", k, "/dev/null")); empty[id].String() != k {
			t.Errorf("git calls the empty %s %s", k, id)
		}
	}
}

// TestBadTrees compares trees that no git has written with a good one.
func TestBadTrees(t *testing.T) {
	one, two := strings.Repeat("1", 20), strings.Repeat("2", 20)
	good := "100644 a\x00" + one + "100644 b\x00" + one + "40000 d\x00" + one
	for _, c := range []struct {
		tree string
		ok   bool
	}{
		{good, true},
		{"", true},
		{"100644 a\x00" + two, true},
		{"100644 a.b\x00" + one + "40000 a\x00" + one + "100644 a0\x00" + one, true},
		{"100644 a\x00" + two + "100644 a\x00" + one, false},
		{"100644 c\x00" + two + "100644 a\x00" + one, false},
		{"40000 a\x00" + two + "100644 a.b\x00" + one, false},
		{"100644 a/b\x00" + two, false},
		{"100644 /\x00" + two, false},
		{"100644 .\x00" + two, false},
		{"100644 ..\x00" + two, false},
		{"100644 \x00" + two, false},
		{"100644\x00" + two, false},
		{" a\x00" + two, false},
		{"0 a\x00" + two, false},
		{"100844 a\x00" + two, false},
		{"100644100644 a\x00" + two, false},
		{"100644 a\x00" + two[1:], false},
		{"100644 a" + two, false},
		{"100644 a\x00" + strings.Repeat("\x00", 20), false},
		{good + "1", false},
		{good + "100644 c\x00" + one, false},
	} {
		dir := t.TempDir()
		root := "40000 f\x00" + string(name(1).bytes())
		writeLoose(t, dir, name(0), fmt.Sprintf("tree %d\x00%s", len(good), good))
		writeLoose(t, dir, name(1), fmt.Sprintf("tree %d\x00%s", len(c.tree), c.tree))
		writeLoose(t, dir, name(2), fmt.Sprintf("tree %d\x00%s", len(root), root))
		writeLoose(t, dir, name(3), "tree 28\x0040000 f\x00"+string(name(0).bytes()))
		r := openDir(t, dir)
		for _, p := range []Pair{{name(2), name(3)}, {name(3), name(2)}} {
			testkit.Must(t, r.Changes(t.Context(), []Pair{p}, []string{"f"}, nil, func(_ int, changes []FileChange, err error) error {
				if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrDamaged) {
					t.Errorf("%q: %s, %v", c.tree, show(changes), err)
				}
				return nil
			}))
		}
	}
}

func (id ID) bytes() []byte { return id[:20] }
