package pack

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sha1sum "crypto/sha1"
	sha256sum "crypto/sha256"

	"wontfix/internal/testkit"
)

// A gitRepo is a bare repository that the git program has made.
type gitRepo struct {
	t    testing.TB
	dir  string
	size int
}

func newGitRepo(t testing.TB, sha256 bool) *gitRepo {
	t.Helper()
	g := &gitRepo{t, t.TempDir(), 20}
	format := "sha1"
	if sha256 {
		g.size, format = 32, "sha256"
	}
	g.git("", "init", "-q", "--bare", "--object-format="+format, g.dir)
	return g
}

// git runs the git program and returns what it prints.
func (g *gitRepo) git(input string, args ...string) string {
	g.t.Helper()
	cmd := exec.Command(testkit.Program(g.t, "git"), append([]string{"-c", "safe.directory=*", "--git-dir=" + g.dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.org", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org")
	cmd.Stdin = strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("git %v: %v\n%s", args, err, stderr.Bytes())
	}
	return string(out)
}

func (g *gitRepo) open() *Repository { return g.openWith(windowSize) }

func (g *gitRepo) openWith(window int) *Repository {
	g.t.Helper()
	r, err := open(filepath.Join(g.dir, "objects"), g.size == 32, window)
	testkit.Must(g.t, err)
	g.t.Cleanup(func() { testkit.Must(g.t, r.Close()) })
	return r
}

// testDirs are the folders that the random histories have.
var testDirs = []string{"active", "data/CVE", "data", ""}

// grow adds commits of random changes to the repository, some of them merges,
// and leaves the objects loose. The same seed gives the same commits.
func (g *gitRepo) grow(seed uint64, commits int) {
	g.t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	files := map[string][]string{}
	line := func() string { return fmt.Sprintf("line %x of some file\n", rnd.Uint64()) }
	names := func() string {
		switch rnd.IntN(12) {
		case 0:
			return []string{"README", "active", "data", "data/CVE", "active-x", "active/CVE-2020-1/sub", "active/CVE-2020-1.x"}[rnd.IntN(7)]
		default:
			return fmt.Sprintf("%s/CVE-2020-%d", []string{"active", "data/CVE", "data"}[rnd.IntN(3)], rnd.IntN(120))
		}
	}
	for c := range commits {
		fmt.Fprintf(&b, "commit refs/heads/main\nmark :%d\ncommitter c <c@example.org> %d +0000\ndata 2\nm\n", c+1, 1e9+c)
		switch {
		case c > 0:
			fmt.Fprintf(&b, "from :%d\n", c)
			if c > 5 && rnd.IntN(4) == 0 {
				fmt.Fprintf(&b, "merge :%d\n", 1+rnd.IntN(c-1))
			}
		case g.has("refs/heads/main"):
			b.WriteString("from refs/heads/main^0\n")
		}
		for range 1 + rnd.IntN(6) {
			name := names()
			if rnd.IntN(6) == 0 {
				if have := slices.Sorted(maps.Keys(files)); len(have) > 0 {
					fmt.Fprintf(&b, "D %s\n", have[rnd.IntN(len(have))])
				}
				continue
			}
			text := files[name]
			if text == nil {
				for range 20 + rnd.IntN(60) {
					text = append(text, line())
				}
			}
			text = slices.Clone(text)
			text[rnd.IntN(len(text))] = line()
			text = slices.Insert(text, rnd.IntN(len(text)), line())
			files[name] = text
			mode := []string{"100644", "100644", "100644", "100755", "120000"}[rnd.IntN(5)]
			all := strings.Join(text, "")
			if rnd.IntN(20) == 0 {
				all = ""
			}
			fmt.Fprintf(&b, "M %s inline %s\ndata %d\n%s\n", mode, name, len(all), all)
		}
		if rnd.IntN(10) == 0 {
			fmt.Fprintf(&b, "M 160000 %s active/module\n", strings.Repeat("12", g.size))
		}
	}
	g.git(b.String(), "-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet", "--force")
}

// growFolder adds commits that change few of the 1,500 files in a folder, the
// last but one of them half of all, so that most trees are ropes.
func (g *gitRepo) growFolder(commits int) {
	g.t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for c := range commits {
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter c <c@example.org> %d +0000\ndata 2\nm\n", 2e9+c)
		if c == 0 {
			b.WriteString("from refs/heads/main^0\n")
		}
		many := 1 + rnd.IntN(4)
		switch c {
		case 0:
			many = 1500
		case commits - 2:
			many = 700
		}
		for n := range many {
			if c > 0 {
				n = rnd.IntN(1600)
			}
			if name := fmt.Sprintf("active/CVE-2019-%04d", n); c > 0 && rnd.IntN(8) == 0 {
				fmt.Fprintf(&b, "D %s\n", name)
			} else {
				fmt.Fprintf(&b, "M 100644 inline %s\ndata 9\n%08x\n", name, rnd.Uint32()|1<<31)
			}
		}
	}
	g.git(b.String(), "-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet", "--force")
}

func (g *gitRepo) has(ref string) bool {
	return strings.Contains(g.git("", "for-each-ref"), ref)
}

func (g *gitRepo) id(hex string) ID {
	g.t.Helper()
	id, err := ParseID(strings.TrimSpace(hex))
	testkit.Must(g.t, err)
	return id
}

func (g *gitRepo) revList(args ...string) []ID {
	g.t.Helper()
	var ids []ID
	for _, word := range strings.Fields(g.git("", append([]string{"rev-list"}, args...)...)) {
		ids = append(ids, g.id(word))
	}
	return ids
}

// An object is what git cat-file says of one.
type object struct {
	id   ID
	kind string
	text []byte
}

// objects returns all objects of the repository.
func (g *gitRepo) objects() []object {
	g.t.Helper()
	return g.batch(g.git("", "cat-file", "--batch-all-objects", "--batch"))
}

func (g *gitRepo) batch(out string) []object {
	g.t.Helper()
	var list []object
	r := bufio.NewReader(strings.NewReader(out))
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return list
		}
		testkit.Must(g.t, err)
		var hex, kind string
		var size int
		_, err = fmt.Sscan(line, &hex, &kind, &size)
		testkit.Must(g.t, err)
		text := make([]byte, size+1)
		_, err = io.ReadFull(r, text)
		testkit.Must(g.t, err)
		list = append(list, object{g.id(hex), kind, text[:size]})
	}
}

// gitChanges asks git diff-tree for what Changes must return.
func (g *gitRepo) gitChanges(p Pair, dirs []string) []FileChange {
	g.t.Helper()
	tree := func(id ID) string {
		if id == (ID{}) {
			return strings.TrimSpace(g.git("", "hash-object", "-t", "tree", "/dev/null"))
		}
		return id.Hex(g.size)
	}
	out := g.git("", "diff-tree", "-r", "--raw", "-z", "--no-renames", "--no-abbrev", tree(p.Old), tree(p.New))
	var list []FileChange
	fields := strings.Split(out, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		var c FileChange
		var old, new, letter string
		_, err := fmt.Sscanf(fields[i], ":%o %o %s %s %s", &c.OldMode, &c.NewMode, &old, &new, &letter)
		testkit.Must(g.t, err)
		c.Old, c.New = g.id(old), g.id(new)
		dir := ""
		c.Name = fields[i+1]
		if n := strings.LastIndexByte(c.Name, '/'); n >= 0 {
			dir, c.Name = c.Name[:n], c.Name[n+1:]
		}
		for c.Dir = range dirs {
			if dirs[c.Dir] == dir {
				list = append(list, c)
			}
		}
	}
	slices.SortFunc(list, func(a, b FileChange) int {
		if a.Dir != b.Dir {
			return a.Dir - b.Dir
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

// A raw is an object as it is written into a test's pack: the kind's number,
// what follows the size (the base of a delta), and the bytes, with a size that
// may lie.
type raw struct {
	name ID
	kind int
	base func(at int, offsets []int) []byte
	text []byte
	size int // 0: that of text
}

// packed returns the bytes of an object in a pack.
func (o *raw) packed(at int, offsets []int) []byte {
	size := o.size
	if size == 0 {
		size = len(o.text)
	}
	b := []byte{byte(o.kind<<4 | size&15)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	if o.base != nil {
		b = append(b, o.base(at, offsets)...)
	}
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(o.text)
	w.Close()
	return append(b, z.Bytes()...)
}

// ofs is the base of an ofs-delta upon an object before it in the pack.
func ofs(n int) func(int, []int) []byte {
	return func(at int, offsets []int) []byte {
		v := uint64(at - offsets[n])
		b := []byte{byte(v & 0x7f)}
		for v >>= 7; v > 0; v >>= 7 {
			v--
			b = append(b, byte(v&0x7f)|0x80)
		}
		slices.Reverse(b)
		return b
	}
}

// ref is the base of a ref-delta.
func ref(id ID) func(int, []int) []byte { return func(int, []int) []byte { return id[:20] } }

// buildPack returns the bytes of a pack of SHA-1 names and where its objects
// begin.
func buildPack(objects []raw) ([]byte, []int) {
	b := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects)))
	var offsets []int
	for i := range objects {
		at := len(b)
		b = append(b, objects[i].packed(at, offsets)...)
		offsets = append(offsets, at)
	}
	sum := sha1sum.Sum(b)
	return append(b, sum[:]...), offsets
}

// buildIndex returns the bytes of an index of version 2. With large set all
// offsets are in the table of 64-bit offsets.
func buildIndex(names []ID, offsets []int, packSum []byte, large bool) []byte {
	size := len(packSum)
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(names[a][:], names[b][:]) })
	b := []byte("\xfftOc\x00\x00\x00\x02")
	n := 0
	for first := range 256 {
		for n < len(order) && int(names[order[n]][0]) <= first {
			n++
		}
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	for _, i := range order {
		b = append(b, names[i][:size]...)
	}
	b = append(b, make([]byte, 4*len(order))...)
	for n, i := range order {
		v := uint32(offsets[i])
		if large {
			v = 1<<31 | uint32(n)
		}
		b = binary.BigEndian.AppendUint32(b, v)
	}
	for _, i := range order {
		if large {
			b = binary.BigEndian.AppendUint64(b, uint64(offsets[i]))
		}
	}
	b = append(b, packSum...)
	var h hash.Hash = sha1sum.New()
	if size == 32 {
		h = sha256sum.New()
	}
	h.Write(b)
	return h.Sum(b)
}

// name returns the n-th of names that tests give to objects.
func name(n int) ID {
	sum := sha1sum.Sum(fmt.Append(nil, n))
	var id ID
	copy(id[:], sum[:])
	return id
}

// writePack writes a pack and its index into a folder of objects.
func writePack(t testing.TB, dir, title string, objects []raw, large bool) {
	t.Helper()
	pack, offsets := buildPack(objects)
	var names []ID
	for i := range objects {
		names = append(names, objects[i].name)
	}
	writeFiles(t, dir, title, pack, buildIndex(names, offsets, pack[len(pack)-20:], large))
}

func writeFiles(t testing.TB, dir, title string, pack, idx []byte) {
	t.Helper()
	testkit.Must(t, os.MkdirAll(filepath.Join(dir, "pack"), 0o777))
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "pack", title+".pack"), pack, 0o666))
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "pack", title+".idx"), idx, 0o666))
}

// writeLoose writes a loose object of any header.
func writeLoose(t testing.TB, dir string, id ID, content string) {
	t.Helper()
	hex := id.Hex(20)
	testkit.Must(t, os.MkdirAll(filepath.Join(dir, hex[:2]), 0o777))
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	io.WriteString(w, content)
	w.Close()
	testkit.Must(t, os.WriteFile(filepath.Join(dir, hex[:2], hex[2:]), z.Bytes(), 0o666))
}
