//go:build unix

package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A named pipe in the place of a file does not stop the reader.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	status := filepath.Join(dir, filepath.FromSlash(statusFile))
	if err := errors.Join(os.MkdirAll(filepath.Dir(status), 0o755), os.WriteFile(status, []byte(trapStatus), 0o644),
		os.Mkdir(filepath.Join(dir, "etc"), 0o755), syscall.Mkfifo(filepath.Join(dir, "etc/hostname"), 0o644)); err != nil {
		t.Fatal(err)
	}
	done := make(chan []string)
	go func() {
		m, err := ReadRoot(dir, Options{})
		if err != nil {
			t.Error(err)
			close(done)
			return
		}
		done <- problems(m)
	}()
	select {
	case all := <-done:
		if !strings.Contains(strings.Join(all, "\n"), "etc/hostname: not read: not a regular file") {
			t.Errorf("problems %q", all)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the reader waits for a writer")
	}
}
