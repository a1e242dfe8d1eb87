package pin

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A manifest says which files of a folder are ours, as sha256sum does.
const manifest = "wontfix-pin.sha256"

// maxManifest is how many bytes a manifest may have.
const maxManifest = 1 << 20

// writeFiles writes files and a manifest of them into a folder, in place of
// those that it has written before.
func writeFiles(dir string, files []file) (written, removed []string, err error) {
	var sums bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.data), f.name)
	}
	old, err := ownFiles(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if path := filepath.Join(dir, f.name); !slices.Contains(old, f.name) {
			if _, err := os.Lstat(path); err == nil {
				return nil, nil, fmt.Errorf("%s: is there already and not wontfix's own: nothing is overwritten; name another folder", path)
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, nil, err
			}
		}
	}
	made, err := makeDirs(dir)
	var fresh []string // what was not there before
	defer func() {
		if err == nil {
			return
		}
		for _, path := range append(fresh, made...) {
			err = errors.Join(err, os.Remove(path))
		}
		written, removed = nil, nil
	}()
	if err != nil {
		return nil, nil, err
	}
	// All is on the disk before anything is replaced; the manifest comes last.
	files = append(files, file{manifest, sums.Bytes()})
	for _, f := range files {
		path, err := writeAside(dir, f)
		if path != "" {
			fresh = append(fresh, path)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	for i, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.Rename(fresh[i], path); err != nil {
			return nil, nil, err
		}
		fresh[i] = path
		written = append(written, path)
	}
	fresh = nil
	for _, name := range old {
		if !slices.ContainsFunc(files, func(f file) bool { return f.name == name }) {
			path := filepath.Join(dir, name)
			if err := os.Remove(path); err != nil {
				return written, removed, err
			}
			removed = append(removed, path)
		}
	}
	return written, removed, nil
}

// writeAside writes a file under another name, which it returns if there is
// such a file then.
func writeAside(dir string, f file) (string, error) {
	w, err := os.CreateTemp(dir, f.name+".new-*")
	if err != nil {
		return "", err
	}
	_, err = w.Write(f.data)
	// Whatever the umask is, they are for other programs and users.
	return w.Name(), errors.Join(err, w.Chmod(0o644), w.Close())
}

// ownFiles returns the names of the files in a folder that are listed in its
// manifest, if it has one. One that somebody has changed is an error.
func ownFiles(dir string) ([]string, error) {
	f, err := openRegular(filepath.Join(dir, manifest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	sums, err := parseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w: name another folder", f.Name(), err)
	}
	list := []string{manifest}
	for _, s := range sums {
		path := filepath.Join(dir, s.name)
		sum, err := sumOf(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case sum != s.sum:
			return nil, fmt.Errorf("%s: somebody has changed it since wontfix wrote it: nothing is overwritten; name another folder", path)
		default:
			list = append(list, s.name)
		}
	}
	return list, nil
}

// A fileSum is a line of a manifest.
type fileSum struct {
	name string
	sum  [sha256.Size]byte
}

// parseManifest reads the lines of sha256sum, with names that are in the folder
// itself. Errors begin with the line.
func parseManifest(data []byte) ([]fileSum, error) {
	if len(data) > maxManifest {
		return nil, fmt.Errorf("1: more than %d MB: wontfix did not write that", maxManifest>>20)
	}
	var list []fileSum
	lines, n := bufio.NewScanner(bytes.NewReader(data)), 1
	for ; lines.Scan(); n++ {
		digits, name, ok := strings.Cut(lines.Text(), "  ")
		sum, err := hex.DecodeString(digits)
		if !ok || err != nil || len(sum) != sha256.Size || name == manifest || !fs.ValidPath(name) || strings.ContainsAny(name, `/\`) || name == "." {
			return nil, fmt.Errorf("%d: want the SHA-256 and the name of a file: wontfix did not write that", n)
		}
		list = append(list, fileSum{name, [sha256.Size]byte(sum)})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%d: %w", n, err)
	}
	return list, nil
}

// openRegular opens a file and nothing else that may be under the name.
func openRegular(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is no regular file: name another folder", path)
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

func sumOf(path string) (sum [sha256.Size]byte, err error) {
	f, err := openRegular(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(nil)), err
}

// makeDirs makes a folder and those above it that are missing, and returns what
// it has made, the innermost first.
func makeDirs(dir string) ([]string, error) {
	switch info, err := os.Stat(dir); {
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("%s: is no folder", dir)
	case err == nil:
		return nil, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	made, err := makeDirs(filepath.Dir(dir))
	if err == nil {
		if err = os.Mkdir(dir, 0o755); err == nil {
			made = append([]string{dir}, made...)
		}
	}
	return made, err
}
