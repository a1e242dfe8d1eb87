package inventory

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// rootFS is a directory as a file system that symbolic links do not leave.
// [os.Root] refuses absolute links; images are full of them, and they mean a
// path below the root.
type rootFS struct{ root *os.Root }

func (r rootFS) Open(name string) (fs.File, error) {
	f, err := r.root.FS().Open(name)
	if refused(err) {
		if inside, ok := r.resolve(name); ok {
			return r.root.FS().Open(inside)
		}
	}
	return f, err
}

func (r rootFS) Stat(name string) (fs.FileInfo, error) {
	info, err := r.root.Stat(name)
	if refused(err) {
		if inside, ok := r.resolve(name); ok {
			return r.root.Stat(inside)
		}
	}
	return info, err
}

func (r rootFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(r.root.FS(), name)
	if refused(err) {
		if inside, ok := r.resolve(name); ok {
			return fs.ReadDir(r.root.FS(), inside)
		}
	}
	return entries, err
}

func (r rootFS) ReadLink(name string) (string, error) { return r.root.Readlink(name) }

func (r rootFS) Lstat(name string) (fs.FileInfo, error) { return r.root.Lstat(name) }

// refused reports whether an error may be due to an absolute link. A file that
// is not there is none: packages without a changelog are asked for by the
// hundred.
func refused(err error) bool { return err != nil && !errors.Is(err, fs.ErrNotExist) }

// resolve replaces the symbolic links in a path, taking absolute ones as paths
// below the root. It reports false if there is no absolute link in it. The
// result is opened through the root again, which guards it.
func (r rootFS) resolve(name string) (string, bool) {
	done, rest, absolute := ".", name, false
	for links := 0; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, first)
		if !fs.ValidPath(next) {
			return "", false
		}
		target, err := r.root.Readlink(next)
		if err != nil {
			done = next
			continue
		}
		if links++; links > 40 {
			return "", false
		}
		if strings.HasPrefix(target, "/") {
			done, absolute = ".", true
			target = strings.TrimLeft(target, "/")
		}
		rest = strings.Trim(path.Clean("./"+target)+"/"+rest, "/")
	}
	return done, absolute && fs.ValidPath(done)
}
