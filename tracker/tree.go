package tracker

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"wontfix"
	"wontfix/internal/pack"
)

// maxFile is the size in bytes above which a file is not read. The largest
// entry of Ubuntu's tracker has 0.3 MB.
const maxFile = 16 << 20

// maxName is the longest name of an entry.
const maxName = 100

// Kinds of files in a tree, as Git's modes have them.
const (
	regular   = "regular file"
	symlink   = "symbolic link"
	folder    = "folder"
	submodule = "submodule"
	special   = "special file"
)

// A file is one file of a tracker.
type file struct {
	path string
	kind string
	oid  string // of its blob; "" in a plain folder
}

// An item is what an ID is at one revision, or that it is gone.
type item struct {
	file
	id     string
	others []string // further files with the same name, which do not count
	gone   bool
}

// parseTree reads what git ls-tree -z prints: for each file its mode, type,
// object ID and path.
func parseTree(data []byte) ([]file, error) {
	files := make([]file, 0, bytes.Count(data, []byte{0}))
	for rest := string(data); rest != ""; {
		record, after, ok := strings.Cut(rest, "\x00")
		if !ok {
			return nil, errors.New("git ls-tree: last record is cut off")
		}
		rest = after
		head, path, ok := strings.Cut(record, "\t")
		mode, typeAndID, _ := strings.Cut(head, " ")
		_, oid, _ := strings.Cut(typeAndID, " ")
		if !ok || path == "" || !isObjectID(oid) {
			return nil, fmt.Errorf("git ls-tree: record %q: want mode, type, object, path", record)
		}
		files = append(files, file{path, kindOfFile(mode), oid})
	}
	return files, nil
}

// isObjectID reports whether s is a full SHA-1 or SHA-256 in hexadecimal.
func isObjectID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// tree returns the entries' files of a commit: those in the folders, or, if
// deep, also those in folders below them.
func (g *git) tree(ctx context.Context, commit string, dirs []string, deep bool) ([]file, error) {
	args := []string{"ls-tree", "-z", "--full-tree"}
	if deep {
		args = append(args, "-r")
	}
	args = append(args, commit, "--")
	for _, d := range dirs {
		if d != "." {
			args = append(args, d+"/")
		}
	}
	out, err := g.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	return parseTree(out)
}

// tree returns the entries' files of the source's commit, as [git.tree] does, which
// it asks for what our own reader cannot read.
func (s *Source) tree(ctx context.Context, commit string, deep bool) ([]file, error) {
	if r := s.packed(); r != nil && !deep {
		folders, err := packedFolders(r, commit, s.spec.Dirs)
		if err == nil {
			var files []file
			if files, err = filesOf(folders, len(commit)/2); err == nil {
				s.folders = folders
				return files, nil
			}
		}
	}
	return s.git.tree(ctx, commit, s.spec.Dirs, deep)
}

// itemsSince returns the items of an earlier commit and of the source's, in order of
// path. Our own reader leaves out those of which neither has another file.
func (s *Source) itemsSince(ctx context.Context, commit string) (old, now []item, err error) {
	if s.folders != nil {
		if names, files, err := packedSince(s.packed(), commit, s.folders, s.spec.Dirs); err == nil {
			for i := range s.items {
				if names[s.items[i].id] {
					now = append(now, s.items[i])
				}
			}
			return resolve(&s.spec, files), now, nil
		}
	}
	files, err := s.git.tree(ctx, commit, s.spec.Dirs, false)
	return resolve(&s.spec, files), s.items, err
}

// packedSince returns the names of the files that are not the same in a commit and
// in later folders, in whichever of them, and the files of these names in the
// commit. A file of another name is the same in both.
func packedSince(r *pack.Repository, commit string, after []packedFolder, dirs []string) (names map[string]bool, files []file, err error) {
	size := len(commit) / 2
	before, err := packedFolders(r, commit, dirs)
	if err != nil {
		return nil, nil, err
	}
	names = make(map[string]bool)
	for i := range before {
		if err := eachDiffering(before[i].tree, after[i].tree, size, func(name []byte) { names[string(name)] = true }); err != nil {
			return nil, nil, err
		}
	}
	for _, f := range before {
		if files, err = f.files(files, size, func(name []byte) bool { return names[string(name)] }); err != nil {
			return nil, nil, err
		}
	}
	return names, files, nil
}

// filesOf lists folders, in order of path but for folders in folders.
func filesOf(folders []packedFolder, size int) (files []file, err error) {
	for i := 0; i < len(folders) && err == nil; i++ {
		files, err = folders[i].files(files, size, func([]byte) bool { return true })
	}
	return files, err
}

// A packedFolder is what a path in front of names begins with, and the bytes of a
// tree.
type packedFolder struct {
	prefix string
	tree   []byte
}

// packedFolders returns the folders dirs of a commit, in order of path.
func packedFolders(r *pack.Repository, commit string, dirs []string) ([]packedFolder, error) {
	id, _ := parseID(commit)
	_, raw, err := r.Object(id)
	if err != nil {
		return nil, err
	}
	size := len(commit) / 2
	c, err := parseCommit(raw, size)
	if err != nil {
		return nil, err
	}
	var folders []packedFolder
	for _, dir := range slices.Sorted(slices.Values(dirs)) {
		id, f := c.tree, packedFolder{}
		if dir != "." {
			f.prefix = dir + "/"
			for name := range strings.SplitSeq(dir, "/") {
				if id, err = folderIn(r, id, size, name); err != nil {
					return nil, err
				}
			}
		}
		if f.tree, err = treeOf(r, id); err != nil {
			return nil, err
		}
		folders = append(folders, f)
	}
	return folders, nil
}

// files appends the files of a folder whose names are taken.
func (f *packedFolder) files(files []file, size int, take func(name []byte) bool) ([]file, error) {
	err := eachEntry(f.tree, size, func(mode, name, id []byte) error {
		if take(name) {
			files = append(files, file{f.prefix + string(name), kindOfFile(string(mode)), hex.EncodeToString(id)})
		}
		return nil
	})
	return files, err
}

// folderIn returns the folder of a name in a tree, zero if there is none.
func folderIn(r *pack.Repository, tree objectID, size int, name string) (found objectID, err error) {
	data, err := treeOf(r, tree)
	if err != nil {
		return found, err
	}
	err = eachEntry(data, size, func(mode, entry, id []byte) error {
		if string(entry) == name && kindOfFile(string(mode)) == folder {
			copy(found[:], id)
		}
		return nil
	})
	return found, err
}

// treeOf returns the bytes of a tree; a zero ID is the empty tree.
func treeOf(r *pack.Repository, id objectID) ([]byte, error) {
	if id == (objectID{}) {
		return nil, nil
	}
	kind, tree, err := r.Object(id)
	if err == nil && kind != pack.Tree {
		err = fmt.Errorf("object is a %s; want a tree", kind)
	}
	return tree, err
}

// eachEntry calls fn with each entry of the bytes of a tree.
func eachEntry(tree []byte, size int, fn func(mode, name, id []byte) error) error {
	for len(tree) > 0 {
		e, rest, err := cutEntry(tree, size)
		if err == nil {
			err = fn(e.mode, e.name, e.id)
		}
		if err != nil {
			return err
		}
		tree = rest
	}
	return nil
}

// eachDiffering calls fn with the names of the entries that two trees have not
// both. It may do so with others, where they are in another order.
func eachDiffering(a, b []byte, size int, fn func(name []byte)) error {
	for len(a) > 0 || len(b) > 0 {
		x, restA, err := cutEntry(a, size)
		if err != nil {
			return err
		}
		y, restB, err := cutEntry(b, size)
		if err != nil {
			return err
		}
		if bytes.Equal(a[:len(a)-len(restA)], b[:len(b)-len(restB)]) {
			a, b = restA, restB
			continue
		}
		if len(b) == 0 || len(a) > 0 && bytes.Compare(x.name, y.name) <= 0 {
			fn(x.name)
			a = restA
		} else {
			fn(y.name)
			b = restB
		}
	}
	return nil
}

type treeEntry struct{ mode, name, id []byte }

// cutEntry reads the first entry of the bytes of a tree: an octal mode, a space, a
// name, a zero byte and the ID. An empty tree has an empty one.
func cutEntry(tree []byte, size int) (e treeEntry, rest []byte, err error) {
	if len(tree) == 0 {
		return e, nil, nil
	}
	mode, rest, ok1 := bytes.Cut(tree, []byte(" "))
	name, rest, ok2 := bytes.Cut(rest, []byte{0})
	if !ok1 || !ok2 || len(rest) < size {
		return e, nil, errors.New("tree: an entry is cut off")
	}
	return treeEntry{mode, name, rest[:size]}, rest[size:], nil
}

// kindOfFile returns the kind of a file by Git's mode.
func kindOfFile(mode string) string {
	switch mode {
	case "100644", "100755", "100664":
		return regular
	case "120000":
		return symlink
	case "40000", "040000":
		return folder
	case "160000":
		return submodule
	}
	return special
}

// resolve returns an item for each ID among the files, in order of path.
// Documents are no entries: each is an item.
func resolve(spec *Spec, files []file) []item {
	if spec.Read != nil {
		var items []item
		for _, f := range files {
			if f.kind == regular && spec.Match(f.path) {
				items = append(items, item{id: f.path, file: f})
			}
		}
		sortItems(items)
		return items
	}
	items := make([]item, 0, len(files))
	index := make(map[string]int, len(files))
	same := make(map[string][]file) // the files of an ID that has several
	for _, f := range files {
		name := path.Base(f.path)
		if !spec.Match(name) || len(name) > maxName {
			continue
		}
		i, again := index[name]
		switch {
		case !again:
			index[name] = len(items)
			items = append(items, item{id: name, file: f})
		case same[name] == nil:
			same[name] = []file{items[i].file, f}
		default:
			same[name] = append(same[name], f)
		}
	}
	rank := func(f file) int {
		r := slices.Index(spec.Dirs, path.Dir(f.path))
		if f.kind != regular {
			r += len(spec.Dirs)
		}
		return r
	}
	for id, fs := range same {
		slices.SortFunc(fs, func(a, b file) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a.path, b.path)) })
		it := &items[index[id]]
		it.file = fs[0]
		for _, f := range fs[1:] {
			it.others = append(it.others, f.path)
		}
	}
	sortItems(items)
	return items
}

// sortItems puts items in order of path, in which git gives them mostly.
func sortItems(items []item) {
	byPath := func(a, b item) int { return strings.Compare(a.path, b.path) }
	if !slices.IsSortedFunc(items, byPath) {
		slices.SortFunc(items, byPath)
	}
}

// changed returns the items of to that are not the same in from, and as gone
// those that to lacks, in order of path. An ID whose file has moved is one
// item.
func changed(from, to []item) []item {
	old := make(map[string]item)
	var fresh []item
	// Both are in order of path, and most items are the same in both.
	for len(from) > 0 || len(to) > 0 {
		switch {
		case len(to) == 0 || len(from) > 0 && from[0].path < to[0].path:
			old[from[0].id] = from[0]
			from = from[1:]
		case len(from) == 0 || to[0].path < from[0].path:
			fresh = append(fresh, to[0])
			to = to[1:]
		default:
			if from[0].file != to[0].file || !slices.Equal(from[0].others, to[0].others) {
				old[from[0].id] = from[0]
				fresh = append(fresh, to[0])
			}
			from, to = from[1:], to[1:]
		}
	}
	var out []item
	for _, it := range fresh {
		was, ok := old[it.id]
		delete(old, it.id)
		if !ok || was.file != it.file || !slices.Equal(was.others, it.others) {
			out = append(out, it)
		}
	}
	for _, it := range old {
		out = append(out, item{id: it.id, file: it.file, gone: true})
	}
	sortItems(out)
	return out
}

// problem returns a problem with a file as a whole.
func problem(file, format string, args ...any) wontfix.Problem {
	return wontfix.Problem{File: file, Text: fmt.Sprintf(format, args...)}
}

// readBlob reads the answer of git cat-file --batch for one object. The text is
// nil if the object is missing, no blob, or larger than maxFile; the reason is
// then in why and the next answer can be read.
func readBlob(r *bufio.Reader, oid string) (text []byte, why string, err error) {
	kind, text, reason, err := readObject(r, oid, nil)
	switch {
	case err != nil:
		return nil, "", err
	case kind != "" && kind != "blob":
		return nil, "object " + oid + " is a " + printable(kind) + ", not a file", nil
	case reason != nil:
		return nil, reason.Error(), nil
	case text == nil:
		text = []byte{}
	}
	return text, "", nil
}

// errMissing says that a repository lacks an object.
var errMissing = errors.New("is missing from the repository")

// readHeader reads the first line of git cat-file's answer for one object. The
// error is io.EOF if there is no answer at all, and an errMissing if the next
// answer can be read.
func readHeader(r *bufio.Reader, oid string) (kind string, size int64, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		if err == io.EOF && len(line) == 0 {
			return "", 0, io.EOF
		}
		return "", 0, fmt.Errorf("git cat-file: header %.80q: cut off or too long", line)
	}
	f := strings.Split(string(line[:len(line)-1]), " ")
	switch {
	case len(f) == 2 && f[0] == oid && f[1] == "missing":
		return "", 0, fmt.Errorf("object %s %w", oid, errMissing)
	case len(f) != 3 || f[0] != oid:
		return "", 0, fmt.Errorf("git cat-file: header %.80q: want one of object %s", line, oid)
	}
	size, err = strconv.ParseInt(f[2], 10, 64)
	if err != nil || size < 0 || f[2] != strconv.FormatInt(size, 10) {
		return "", 0, fmt.Errorf("git cat-file: size %.80q: not a number of bytes", f[2])
	}
	return f[1], size, nil
}

// readObject is readBlob for an object of any kind. It appends what the object
// holds to buf, so that a caller with room to spare allocates nothing.
func readObject(r *bufio.Reader, oid string, buf []byte) (kind string, out []byte, why, err error) {
	kind, size, err := readHeader(r, oid)
	if errors.Is(err, errMissing) {
		return "", buf, err, nil
	}
	if err != nil {
		return "", buf, nil, err
	}
	out = buf
	if size > maxFile {
		why = errors.New(tooLarge(size))
		_, err = io.CopyN(io.Discard, r, size)
	} else {
		out = slices.Grow(buf, int(size))[:len(buf)+int(size)]
		_, err = io.ReadFull(r, out[len(buf):])
	}
	if err == nil {
		var end byte
		if end, err = r.ReadByte(); err == nil && end != '\n' {
			err = errors.New("no end of line after it")
		}
	}
	if err != nil {
		return "", buf, nil, fmt.Errorf("git cat-file: object %s: %v", oid, err)
	}
	return kind, out, why, nil
}
