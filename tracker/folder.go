package tracker

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// openFolder opens a plain folder with the tracker's folders in it. No
// symbolic link leads out of it.
func (s *Source) openFolder(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	s.root = root
	var files []file
	digest := sha256.New()
	for _, d := range s.spec.Dirs {
		entries, err := fs.ReadDir(root.FS(), d)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !s.spec.Match(e.Name()) {
				continue
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			f := file{path: path.Join(d, e.Name()), kind: kindOf(info.Mode())}
			files = append(files, f)
			fmt.Fprintf(digest, "%q %s %d %d\n", f.path, f.kind, info.Size(), info.ModTime().UnixNano())
			if t := info.ModTime().UTC().Truncate(time.Second); t.After(s.info.Time) {
				s.info.Time = t
			}
		}
	}
	s.items = resolve(&s.spec, files)
	s.cursor = fmt.Sprintf("dir:%x", digest.Sum(nil))
	return nil
}

func kindOf(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return regular
	case fs.ModeDir:
		return folder
	case fs.ModeSymlink:
		return symlink
	}
	return special
}

// folderTexts reads texts from a plain folder.
type folderTexts struct{ root *os.Root }

func (t folderTexts) next(it *item) ([]byte, string, error) {
	f, err := t.root.Open(it.path)
	if err != nil {
		return nil, "file: " + reason(err), nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, "file: " + reason(err), nil
	}
	if info.Size() > maxFile {
		return nil, tooLarge(info.Size()), nil
	}
	text := make([]byte, 0, info.Size()+1)
	for {
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case err == io.EOF:
			return text, "", nil
		case err != nil:
			return nil, "file: " + reason(err), nil
		case len(text) > maxFile: // it grows as we read
			return nil, tooLarge(int64(len(text))), nil
		case len(text) == cap(text):
			text = append(text, 0)[:len(text)]
		}
	}
}

func (t folderTexts) close() error { return nil }

// reason returns an error of the file system without the path, which the
// problem has already.
func reason(err error) string {
	if e := errors.Unwrap(err); e != nil {
		return e.Error()
	}
	return err.Error()
}

func tooLarge(size int64) string {
	return fmt.Sprintf("file: %d bytes, more than the %d that are read", size, maxFile)
}
