package probe

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wontfix/internal/testkit"
)

// TestS01Room: in a room there is the loopback device alone, and who listens,
// listens there.
func TestS01Room(t *testing.T) {
	have := asks(t, true, Request{}, `while read a b; do case $a in *:) echo $a;; esac; done </proc/net/dev
for f in tcp tcp6 udp udp6; do while read a local c state rest; do case $state in 0A|07) echo $f,${local%:*};; esac; done </proc/net/$f; done | sort -u`+" | tr '\\n' ' '")
	if have != "tcp,0100007F" {
		t.Errorf("listening: %s", have)
	}
	if have := asks(t, true, Request{}, `while read a b; do case $a in *:*) echo ${a%%:*};; esac; done </proc/net/dev | tr '\n' ' '`); have != "lo" {
		t.Errorf("devices: %s", have)
	}
	list := outcomes(probed(t, true, Request{Command: []string{os.Args[0], "{url}", "{ca}"}, Cases: []string{"T01"}, Env: []string{"PROBE_CLIENT=dials"}}))
	if len(list) != 1 || list[0].Verdict != Error || !strings.Contains(list[0].Reason, "unreachable") {
		t.Errorf("a client that dials out: %+v", list)
	}
}

// TestS02 compares /etc and the user's home before and after a probe, with a
// client that tries to write to them as the user who probes.
func TestS02(t *testing.T) {
	home, err := os.UserHomeDir()
	testkit.Must(t, err)
	before, there := hashes(t, "/etc"), listing(t, home)
	const name = "wontfix-probe-test"
	kept := filepath.Join(t.TempDir(), "kept")
	testkit.Must(t, os.WriteFile(kept, []byte("as it was"), 0o666))
	have := asks(t, true, Request{Env: []string{"PATH=/usr/bin:/bin"}}, // an environment given: not as nobody
		`(for d in /etc /usr /var/tmp '`+home+`'; do if (echo x >$d/`+name+`) 2>/dev/null; then echo wrote $d; fi; done
if (echo x >'`+kept+`') 2>/dev/null; then echo wrote file; fi
if umount /etc/hosts 2>/dev/null; then echo unmounted; fi
if mount -o remount,bind,rw / 2>/dev/null && (echo x >/etc/`+name+`) 2>/dev/null; then echo remounted; fi
echo tried`+" ) | tr '\n' ' '")
	if have != "tried" {
		t.Error(have)
	}
	for _, dir := range []string{"/etc", "/usr", "/var/tmp", home} {
		if path := filepath.Join(dir, name); os.Remove(path) == nil {
			t.Errorf("the client wrote %s", path)
		}
	}
	if b, _ := os.ReadFile(kept); string(b) != "as it was" {
		t.Errorf("the client wrote %q", b)
	}
	probed(t, false, Request{Command: []string{os.Args[0], "{url}", "{ca}"}, Cases: []string{"T02"}, Env: []string{"PROBE_CLIENT=strict"}})
	after := hashes(t, "/etc")
	for path, sum := range before {
		if after[path] != sum {
			t.Errorf("%s: was %s, is %s", path, sum, after[path])
		}
	}
	for path := range after {
		if before[path] == "" {
			t.Errorf("%s: is new", path)
		}
	}
	if len(before) < 10 {
		t.Errorf("/etc has %d files", len(before))
	}
	if have := listing(t, home); have != there {
		t.Errorf("home was\n%s\nis\n%s", there, have)
	}
}

// hashes returns a word for each file below a folder.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) {
			return fs.SkipDir
		} else if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		list[path] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, fs.ErrPermission) {
				return err
			}
			list[path] += fmt.Sprintf(" %x", sha256.Sum256(b))
		}
		return nil
	})
	testkit.Must(t, err)
	return list
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	testkit.Must(t, err)
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&b, e.Name())
	}
	return b.String()
}

// TestS03Room looks for keys in the whole folder of a room, from within.
func TestS03Room(t *testing.T) {
	have := asks(t, true, Request{Env: []string{"PATH=/usr/bin:/bin"}}, `cd '{dir}'/.. && echo $(find . -type f | wc -l) $(grep -rl 'PRIVATE KEY' . | wc -l)`)
	files, keys, _ := strings.Cut(have, " ")
	if n, err := strconv.Atoi(files); err != nil || n < 8 || keys != "0" {
		t.Errorf("%q: files, and those with a key", have)
	}
}

// TestS04S13: a probe is ended in each way, and in the midst of a run.
// Nothing of it is left: no process, no mount, no file.
func TestS04S13(t *testing.T) {
	needRoom(t)
	for _, test := range []struct {
		name, role string
		signal     syscall.Signal
		room       bool // is what is ended, and not the process that probes
	}{
		{"kill", "probe-outer", syscall.SIGKILL, false},
		{"kill the room", "probe-outer", syscall.SIGKILL, true},
		{"interrupt", "probe-outer", syscall.SIGINT, false},
		{"terminate", "probe-outer", syscall.SIGTERM, false},
		{"interrupt without a room", "probe-fallback", syscall.SIGINT, false},
		{"terminate without a room", "probe-fallback", syscall.SIGTERM, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			// The argument of a sleep is what its process is known by.
			mark := fmt.Sprintf("300.%d%d", os.Getpid(), time.Now().UnixNano())
			left := `trap '' TERM INT HUP; sleep ` + mark + ` & sleep ` + mark
			if test.role == "probe-outer" { // one that leaves its group, too
				left = `setsid sleep ` + mark + ` & ` + left
			}
			request, err := json.Marshal(Request{Command: []string{"/bin/sh", "-c", left, "sh", "{url}"}, Cases: []string{"T01"}})
			testkit.Must(t, err)
			tmp, mounts := t.TempDir(), mountinfo(t)
			cmd := exec.Command(os.Args[0], test.role, mark)
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			cmd.Stdin = bytes.NewReader(request)
			testkit.Must(t, cmd.Start())
			defer func() {
				for _, pid := range processes(t, mark) {
					unix.Kill(pid, unix.SIGKILL)
				}
			}()
			sleeps := func() int {
				n := 0
				for _, pid := range processes(t, mark) {
					if b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(b) == "sleep\n" {
						n++
					}
				}
				return n
			}
			if !eventually(time.Minute, func() bool { return sleeps() >= 2+strings.Count(left, "setsid") }) {
				t.Fatalf("it does not run: %v", processes(t, mark))
			}
			victim := cmd.Process.Pid
			if test.room {
				victim = child(t, victim)
			}
			testkit.Must(t, unix.Kill(victim, test.signal))
			if !eventually(10*time.Second, func() bool { return sleeps() == 0 }) {
				t.Errorf("these processes are left: %v", processes(t, mark))
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Errorf("the process that probes does not end")
				cmd.Process.Kill()
				<-ended
			}
			if have := listing(t, tmp); have != "" {
				t.Errorf("these files are left: %s", have)
			}
			if have := mountinfo(t); have != mounts {
				t.Errorf("mounts were\n%s\nare\n%s", mounts, have)
			}
		})
	}
}

// needRoom skips the test where there are no namespaces.
func needRoom(t *testing.T) {
	t.Helper()
	probed(t, true, Request{Command: []string{"/bin/true", "{url}"}, Cases: []string{"T01"}})
}

// processes returns those that have a word among their arguments.
func processes(t *testing.T, word string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	testkit.Must(t, err)
	var list []int
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && bytes.Contains(b, []byte(word)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			list = append(list, pid)
		}
	}
	return list
}

// child returns the process that another has started.
func child(t *testing.T, pid int) int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	testkit.Must(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		testkit.Must(t, err)
		if f := strings.Fields(string(b)); len(f) > 0 {
			n, err := strconv.Atoi(f[0])
			testkit.Must(t, err)
			return n
		}
	}
	t.Fatalf("process %d has no child", pid)
	return 0
}

func mountinfo(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	testkit.Must(t, err)
	return string(b)
}

func eventually(limit time.Duration, done func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

// TestS07: a client that does not end is ended with its children, whatever
// signals they ignore, and is tried once more. That is no verdict.
func TestS07(t *testing.T) {
	ways(t, func(t *testing.T, isolated bool) {
		mark := fmt.Sprintf("300.%d%d", os.Getpid(), time.Now().UnixNano())
		count := filepath.Join(t.TempDir(), "count")
		r := Request{
			Command: []string{"/bin/sh", "-c", `echo >>'` + count + `'; trap '' TERM INT HUP; (sleep ` + mark + `; sleep ` + mark + `) & sleep ` + mark + `; sleep ` + mark, "sh", "{url}"},
			Cases:   []string{"T02"}, Limit: 500 * time.Millisecond,
		}
		began := time.Now()
		var list []Outcome
		for _, o := range outcomes(probed(t, isolated, r)) {
			list = append(list, o)
			if n := len(processes(t, mark)); n > 0 && !isolated {
				t.Errorf("%s: %d processes are left", o.Case, n)
			}
		}
		if len(list) != 2 || list[0].Verdict != Timeout || list[1].Verdict != NoVerdict {
			t.Errorf("%+v", list)
		}
		if left := processes(t, mark); !isolated && len(left) > 0 || !eventually(5*time.Second, func() bool { return len(processes(t, mark)) == 0 }) {
			t.Errorf("these processes are left: %v", left)
		}
		if d := time.Since(began); d > 15*time.Second {
			t.Errorf("took %v", d)
		}
		if b, _ := os.ReadFile(count); !isolated && len(b) != 2 {
			t.Errorf("ran %d times", len(b))
		}
	})
}

// TestS09Terminal probes from a terminal, which a client must not get hold of:
// it would ask there, and wait.
func TestS09Terminal(t *testing.T) {
	const open = `if (: </dev/tty) 2>/dev/null; then echo a terminal; else echo none; fi`
	if have := onTerminal(t, nil, "/bin/sh", "-c", open); have != "a terminal\n" {
		t.Fatalf("the test has no terminal itself: %q", have)
	}
	request, err := json.Marshal(Request{Command: []string{"/bin/sh", "-c", open, "sh", "{url}"}, Cases: []string{"T01"}, Limit: 3 * time.Second})
	testkit.Must(t, err)
	ways(t, func(t *testing.T, isolated bool) {
		role := "probe-fallback"
		if isolated {
			needRoom(t)
			role = "probe-outer"
		}
		out := onTerminal(t, request, os.Args[0], role)
		var reasons []string
		for s := bufio.NewScanner(strings.NewReader(out)); s.Scan(); {
			var m Message
			testkit.Must(t, json.Unmarshal(s.Bytes(), &m))
			if m.Outcome != nil {
				reasons = append(reasons, m.Outcome.Reason)
			}
		}
		if len(reasons) != 1 || reasons[0] != "none" {
			t.Errorf("%q\n%s", reasons, out)
		}
	})
}

// onTerminal runs a program with a terminal of its own, and returns what it
// writes to its output.
func onTerminal(t *testing.T, stdin []byte, name string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	testkit.Must(t, err)
	defer master.Close()
	testkit.Must(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	testkit.Must(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	testkit.Must(t, err)
	defer slave.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	out, err := cmd.Output()
	testkit.Must(t, err)
	return string(out)
}

// TestS11 probes as root: the client is nobody, reads nothing that is root's
// own, and writes nothing but its own folder.
func TestS11(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run a client as nobody")
	}
	dir, err := os.MkdirTemp("", "wontfix-test-") // those of the test cannot be reached by nobody
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	testkit.Must(t, os.Chmod(dir, 0o755))
	secret, open := filepath.Join(dir, "secret"), filepath.Join(dir, "open")
	testkit.Must(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
	testkit.Must(t, os.WriteFile(open, []byte("open\n"), 0o666))
	testkit.Must(t, os.Chmod(open, 0o666))
	have := asks(t, true, Request{}, `echo $(id -u) $(id -G) $(cat '`+open+`') $(cat '`+secret+`' 2>&1 | grep -c denied) \
$( (echo x >'`+open+`') 2>/dev/null || echo no) $( (echo x >'{dir}'/../x) 2>/dev/null || echo no) $( (echo x >'{ca}') 2>/dev/null || echo no) \
$( (echo x >{dir}/x) && echo own) $(ls '{dir}')`)
	if want := "65534 65534 open 1 no no no own x"; have != want {
		t.Errorf("%q, want %q", have, want)
	}
}

// TestS11Capabilities: a client in a room that cannot be nobody has no power
// over the room.
func TestS11Capabilities(t *testing.T) {
	for _, env := range [][]string{nil, {"PATH=/usr/bin:/bin"}} {
		have := asks(t, true, Request{Env: env}, `while read name value; do case $name in CapPrm:|CapEff:) echo $value;; esac; done </proc/self/status | tr '\n' ' '`)
		if want := strings.Repeat("0", 16); have != want+" "+want {
			t.Errorf("environment %q: the client's capabilities are %s", env, have)
		}
	}
}

// inNetwork returns a command that runs in a network namespace of its own,
// where not even the loopback device is up.
func inNetwork(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	}
	return cmd
}
