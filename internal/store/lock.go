package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lock takes the right to write the database at path, makes its folder if
// there is none, and removes what killed writers left behind. The lock goes
// with the process that holds it. The error is an ErrLocked if another
// process, or another call in this one, holds it.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("database lock: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		who := "another process"
		if b, err := io.ReadAll(io.LimitReader(f, 20)); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
				who = fmt.Sprintf("process %d", pid)
			}
		}
		f.Close()
		return nil, errorf(ErrLocked, "database: another sync (%s) is writing %q: wait until it is done", who, path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("database lock: %w", err)
	}
	if err := errors.Join(f.Truncate(0), writePID(f), removeLeftovers(path)); err != nil {
		f.Close()
		return nil, fmt.Errorf("database lock: %w", err)
	}
	return func() { f.Close() }, nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// asideOf returns where the next database for path is built.
func asideOf(path string) string { return path + ".new-" + strconv.Itoa(os.Getpid()) }

// removeLeftovers removes what was built aside and never renamed. Only the
// holder of the lock may call it.
func removeLeftovers(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(path)+".new-") {
			if err := os.Remove(filepath.Join(filepath.Dir(path), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// install puts a finished file in the place of the database: its content is on
// the disk before its name is.
func install(aside, path string) error {
	f, err := os.Open(aside)
	if err != nil {
		return err
	}
	err = f.Sync()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	// Some file systems cannot sync a folder; the rename is done all the same.
	_ = dir.Sync()
	return dir.Close()
}

// copyFile copies a database to a new file.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
