package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wontfix"
)

// children are what this test binary does instead of testing when another
// test starts it with their name in STORE_TEST_CHILD.
var children = map[string]func(){"apply": applyChild, "small": smallChild, "hold": holdChild, "history": historyChild}

func child(t *testing.T, name, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+name, "STORE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// applyChild applies a large update and says when it begins.
func applyChild() {
	fmt.Println("begins")
	if _, err := Apply(context.Background(), os.Getenv("STORE_TEST_PATH"), update("ubuntu", true), synthetic(4000)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
}

// TestKill kills a process that applies an update, at random moments. The old
// database or the new one is there, whole, and the next update cleans up.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m := newModel(3)
	before := apply(t, path, update("ubuntu", true), m.changes(50))
	start := time.Now()
	if out, err := child(t, "apply", filepath.Join(t.TempDir(), "y.db")).Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)
	r := rand.New(rand.NewPCG(5, 6))
	killed := 0
	for range 10 {
		cmd := child(t, "apply", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan()
		time.Sleep(time.Duration(r.Float64() * float64(whole)))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		finished := lines.Scan() && lines.Text() == "done"
		_ = cmd.Wait()
		db, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		found, err := db.Verify(context.Background())
		if err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
		n := db.Counts("ubuntu").Entries
		db.Close()
		if n != before.Entries && n != 4000 || finished && n != 4000 {
			t.Fatalf("the database has %d entries", n)
		}
		if n == before.Entries {
			killed++
		}
		if n != before.Entries {
			apply(t, path, update("ubuntu", true), changesOf(m))
		}
	}
	apply(t, path, update("ubuntu", false), m.changes(5))
	check(t, path, "ubuntu", m)
	if killed == 0 {
		t.Error("no process was killed before it was done")
	}
}

// historyChild applies a history and says when it begins to.
func historyChild() {
	u := update("ubuntu", false)
	u.History = syntheticHistory(3000, 0, 3000)
	files := u.History.Files
	u.History.Files = func(yield func(HistoryFile, error) bool) {
		fmt.Println("begins")
		files(yield)
	}
	if _, err := Apply(context.Background(), os.Getenv("STORE_TEST_PATH"), u, sequence(nil)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
}

// TestKillHistory kills a process that writes a history, at random moments. The
// old history or the new one is there, whole.
func TestKillHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	past := newPastModel(3)
	apply(t, path, withHistory(update("ubuntu", true), past.update(60, true)), newModel(3).changes(10))
	before := read(t, path)
	if err := os.WriteFile(path+".probe", before, 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if out, err := child(t, "history", path+".probe").Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)
	os.Remove(path + ".probe")
	os.Remove(path + ".probe.lock")
	r := rand.New(rand.NewPCG(7, 8))
	killed := 0
	for range 8 {
		cmd := child(t, "history", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan()
		time.Sleep(time.Duration(r.Float64() * float64(whole) * 0.8))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		finished := lines.Scan() && lines.Text() == "done"
		_ = cmd.Wait()
		if !finished && bytes.Equal(read(t, path), before) {
			killed++
			checkHistory(t, path, "ubuntu", past)
			continue
		}
		db, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := db.HistoryIDs(context.Background(), "ubuntu")
		if err != nil || len(ids) < 3000 {
			t.Errorf("the new database has %d entries with a history, %v", len(ids), err)
		}
		if found, err := db.Verify(context.Background()); err != nil || len(found) > 0 {
			t.Error(found, err)
		}
		db.Close()
		write(t, path, before)
	}
	apply(t, path, withHistory(update("ubuntu", false), past.update(20, false)), nil)
	checkHistory(t, path, "ubuntu", past)
	if killed == 0 {
		t.Error("no process was killed before it was done")
	}
}

func changesOf(m *model) (list []wontfix.Change) {
	for _, c := range m.live {
		list = append(list, c)
	}
	return list
}

// smallChild applies an update where no file may grow beyond 300 kB, which is
// to a program what a full disk is.
func smallChild() {
	signal.Ignore(syscall.SIGXFSZ)
	limit := unix.Rlimit{Cur: 300_000, Max: 300_000}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("setrlimit:", err)
		return
	}
	_, err := Apply(context.Background(), os.Getenv("STORE_TEST_PATH"), update("ubuntu", true), synthetic(4000))
	fmt.Println("error:", err)
}

func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m := newModel(4)
	apply(t, path, update("ubuntu", true), m.changes(20))
	out, err := child(t, "small", path).Output()
	if err != nil || !strings.HasPrefix(string(out), "error: database") {
		t.Fatalf("%v: %s", err, out)
	}
	onlyDatabase(t, path)
	check(t, path, "ubuntu", m)
}

// holdChild holds the lock until its input ends.
func holdChild() {
	unlock, err := lock(os.Getenv("STORE_TEST_PATH"))
	fmt.Println(err)
	if err == nil {
		_, _ = os.Stdin.Read(make([]byte, 1))
		unlock()
	}
}

func TestLockedByProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	cmd := child(t, "hold", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "<nil>" {
		t.Fatal(lines.Text())
	}
	_, err = Apply(context.Background(), path, update("ubuntu", true), synthetic(1))
	if want := fmt.Sprintf("process %d", cmd.Process.Pid); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), want) {
		t.Errorf("Apply: %v, want %s", err, want)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	apply(t, path, update("ubuntu", true), nil)
}

// TestLockedAtOnce has several calls in one process: each is done, or says
// that it was kept out, and one is done at least.
func TestLockedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := 0
	for range 6 {
		wg.Go(func() {
			_, err := Apply(context.Background(), path, update("ubuntu", true), synthetic(300))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errors.Is(err, ErrLocked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done == 0 {
		t.Error("nobody got in")
	}
	onlyDatabase(t, path)
}
