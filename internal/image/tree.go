package image

import (
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

type kind int

const (
	isOther kind = iota // there, and not kept
	isDir
	isFile
	isLink
	isHard // in a layer alone: another name of a file
)

// A node is a file, a folder or a link.
type node struct {
	kind     kind
	children map[string]*node
	target   string // of a link
	wanted   bool   // of a hard link
	at, size int64  // of a file in the store
	modified time.Time
}

// A tree is a file system in memory whose files lie in a store.
type tree struct {
	root  *node
	store *os.File
	hard  map[string]struct{} // files that were not kept and have a wanted name besides
}

func newTree(store *os.File) *tree {
	return &tree{root: &node{kind: isDir}, store: store, hard: make(map[string]struct{})}
}

// get returns the node of a name, whose folders are no links.
func (t *tree) get(name string) *node {
	n := t.root
	if name == "." || name == "" {
		return n
	}
	for part := range strings.SplitSeq(name, "/") {
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

// put sets a node, and makes folders of what is on the way to it.
func (t *tree) put(name string, n *node) {
	at := t.root
	dir, base := path.Split(name)
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if part == "" {
			continue
		}
		next := at.children[part]
		if next == nil || next.kind != isDir {
			next = &node{kind: isDir}
			at.set(part, next)
		}
		at = next
	}
	if old := at.children[base]; old != nil && old.kind == isDir && n.kind == isDir {
		return
	}
	at.set(base, n)
}

func (n *node) set(name string, child *node) {
	if n.children == nil {
		n.children = make(map[string]*node)
	}
	n.children[name] = child
}

func (t *tree) remove(name string) {
	if dir := t.get(strings.TrimSuffix(path.Dir(name), "/")); dir != nil {
		delete(dir.children, path.Base(name))
	}
}

func (t *tree) removeBelow(name string) {
	if n := t.get(name); n != nil {
		n.children = nil
	}
}

// lay puts the tree of a layer on t.
func (t *tree) lay(top *tree) {
	t.merge(t.root, top.root)
	t.join(t.root, "")
}

func (t *tree) merge(to, from *node) {
	for name, n := range from.children {
		old := to.children[name]
		if n.kind != isDir || old == nil || old.kind != isDir {
			to.set(name, n)
			continue
		}
		t.merge(old, n)
	}
}

// join gives hard links the file whose second name they are.
func (t *tree) join(n *node, name string) {
	for base, child := range n.children {
		own := path.Join(name, base)
		switch child.kind {
		case isDir:
			t.join(child, own)
		case isHard:
			target := t.get(child.target)
			for i := 0; target != nil && target.kind == isHard && i < 8; i++ {
				target = t.get(target.target)
			}
			switch {
			case target != nil && target.kind == isFile:
				n.children[base] = target
			case target != nil && child.wanted:
				t.hard[child.target] = struct{}{}
				n.children[base] = &node{kind: isOther}
			default:
				n.children[base] = &node{kind: isOther}
			}
		}
	}
}

// links yields the names of all symbolic links.
func (t *tree) links() iter.Seq[string] {
	return func(yield func(string) bool) {
		var walk func(*node, string) bool
		walk = func(n *node, name string) bool {
			for base, child := range n.children {
				own := path.Join(name, base)
				if child.kind == isLink && !yield(own) || child.kind == isDir && !walk(child, own) {
					return false
				}
			}
			return true
		}
		walk(t.root, "")
	}
}

// resolve follows the links of a name, as after a chroot. It reports false if
// they go in a circle. The result need not exist.
func (t *tree) resolve(name string) (string, bool) {
	done, rest := "", name
	for followed := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			done = strings.TrimPrefix(path.Dir("/"+done), "/")
			continue
		}
		next := path.Join(done, part)
		n := t.get(next)
		if n == nil || n.kind != isLink {
			done = next
			continue
		}
		if followed++; followed > 40 || len(rest) > 1<<16 {
			return "", false
		}
		if strings.HasPrefix(n.target, "/") {
			done = ""
		}
		rest = n.target + "/" + rest
	}
	if done == "" {
		done = "."
	}
	return done, true
}

// find returns the node that a name leads to.
func (t *tree) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	real, ok := t.resolve(name)
	n := (*node)(nil)
	if ok {
		n = t.get(real)
	}
	if n == nil || n.kind == isOther {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// Open implements [fs.FS].
func (t *tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	f := &file{info: info{path.Base(name), n}, entries: n.entries()}
	f.SectionReader = io.NewSectionReader(t.store, n.at, n.size)
	return f, nil
}

// Stat implements [fs.StatFS].
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), n}, nil
}

// ReadDir implements [fs.ReadDirFS].
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if n.kind != isDir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	return n.entries(), nil
}

// ReadLink implements [fs.ReadLinkFS].
func (t *tree) ReadLink(name string) (string, error) {
	n, err := t.lstat("readlink", name)
	if err == nil && n.kind != isLink {
		err = &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return "", err
	}
	return n.target, nil
}

// Lstat implements [fs.ReadLinkFS].
func (t *tree) Lstat(name string) (fs.FileInfo, error) {
	n, err := t.lstat("lstat", name)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), n}, nil
}

func (t *tree) lstat(op, name string) (*node, error) {
	dir, err := t.find(op, path.Dir(name))
	if err != nil {
		return nil, err
	}
	n := dir.children[path.Base(name)]
	if name == "." {
		n = t.root
	}
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// entries returns what is in a folder, in order of name.
func (n *node) entries() (all []fs.DirEntry) {
	for name, child := range n.children {
		if child.kind != isOther {
			all = append(all, fs.FileInfoToDirEntry(info{name, child}))
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all
}

type info struct {
	name string
	*node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.modified }
func (i info) IsDir() bool        { return i.kind == isDir }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	switch i.kind {
	case isDir:
		return fs.ModeDir | 0o755
	case isLink:
		return fs.ModeSymlink | 0o777
	}
	return 0o644
}

type file struct {
	*io.SectionReader
	info
	entries []fs.DirEntry
}

func (f *file) Size() int64                { return f.size }
func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

func (f *file) Read(p []byte) (int, error) {
	if f.kind == isDir {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
	}
	return f.SectionReader.Read(p)
}

// ReadDir implements [fs.ReadDirFile].
func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		all := f.entries
		f.entries = nil
		return all, nil
	}
	if len(f.entries) == 0 {
		return nil, io.EOF
	}
	some := f.entries[:min(n, len(f.entries))]
	f.entries = f.entries[len(some):]
	return some, nil
}
