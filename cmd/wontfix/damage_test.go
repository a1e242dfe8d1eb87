package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// A result is what a process of wontfix left.
type result struct {
	stdout, stderr string
	status         int // -1 if a signal ended it
}

// wontfixProcess returns the command of a process of wontfix in dir.
func wontfixProcess(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("wontfix", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME=", "WONTFIX_DB=wontfix.db", "LC_ALL=C.UTF-8")
	return cmd
}

func runProcess(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, diag bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Stderr = &diag
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), diag.String(), cmd.ProcessState.ExitCode()}
}

// wants fails unless a command line ends with a status and says a sentence.
func wants(t *testing.T, dir string, status int, says string, args ...string) result {
	t.Helper()
	r := runProcess(t, wontfixProcess(dir, args...))
	if r.status != status || !strings.Contains(r.stderr, says) {
		t.Errorf("wontfix %s: exit status %d, want %d; want %q on standard error:\n%s", strings.Join(args, " "), r.status, status, says, r.stderr)
	}
	return r
}

func dumpOf(t *testing.T, dir string) string {
	t.Helper()
	return wants(t, dir, exitOK, "", "db", "dump", "--statements").stdout
}

// home returns a folder with the small tracker and machine of testdata, and
// with a database of the tracker.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"tracker", "root"} {
		testkit.Must(t, os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("testdata", name))))
	}
	wants(t, dir, exitOK, "9 entries", "sync", "ubuntu=tracker")
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	testkit.Must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	testkit.Must(t, os.WriteFile(file, []byte(text), 0o644))
}

// synthetic writes a tracker of n entries. A generation has a word of its own
// in every entry.
func synthetic(t *testing.T, dir string, n int, word string) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("active/CVE-2020-%05d", i)
		if i%3 == 0 {
			name = fmt.Sprintf("retired/CVE-2020-%05d", i)
		}
		write(t, dir, name, fmt.Sprintf(`Candidate: CVE-2020-%05d
PublicDate: 2020-01-01
References:
Description:
 Entry %d, %s.
Ubuntu-Description:
Notes:
Bugs:
Priority: medium
Discovered-by:
Assigned-to:
CVSS:

Patches_p%d:
upstream_p%[4]d: needed
jammy_p%[4]d: %[3]s
devel_p%[4]d: needed
`, i, i, word, i%50))
	}
}

// TestDamagedTracker: files that are cut off, empty or no text cost themselves
// alone, and each is named.
func TestDamagedTracker(t *testing.T) {
	dir := home(t)
	before := dumpOf(t, dir)
	whole, err := os.ReadFile(filepath.Join(dir, "tracker/active/CVE-2024-0001"))
	testkit.Must(t, err)
	random := make([]byte, 5000)
	for i, r := 0, rand.New(rand.NewPCG(7, 7)); i < len(random); i++ {
		random[i] = byte(r.Uint32())
	}
	for name, text := range map[string]string{
		"CVE-2025-0001": string(whole[:len(whole)/3]),
		"CVE-2025-0002": "",
		"CVE-2025-0003": string(random),
		"CVE-2025-0004": strings.Repeat("\x00", 3000),
		"CVE-2025-0005": strings.Repeat("x", 1<<20),
	} {
		write(t, dir, "tracker/active/"+name, text)
	}
	wants(t, dir, exitOK, "problems in their text", "sync", "ubuntu=tracker")
	if after := dumpOf(t, dir); after != before {
		t.Errorf("other entries changed: %d bytes, %d before", len(after), len(before))
	}
	status := wants(t, dir, exitOK, "", "db", "status", "-v").stdout
	for i := 1; i <= 5; i++ {
		if name := fmt.Sprintf("active/CVE-2025-000%d", i); !strings.Contains(status, name) {
			t.Errorf("db status -v does not name %s", name)
		}
	}
	if i := unprintable(status); i >= 0 {
		t.Errorf("db status writes %q", status[i:min(i+20, len(status))])
	}
}

// TestDamagedMachine: a status file that ends in the middle of a field gives
// the packages before it and says so.
func TestDamagedMachine(t *testing.T) {
	dir := home(t)
	file := filepath.Join(dir, "root/var/lib/dpkg/status")
	text, err := os.ReadFile(file)
	testkit.Must(t, err)
	cut := strings.LastIndex(string(text), "Package: ffmpeg")
	testkit.Must(t, os.WriteFile(file, append(text[:cut:cut], "Package: ffmpeg\nStatus: install ok inst"...), 0o644))
	r := wants(t, dir, exitStale, "", "scan", "--root", "root", "--strict", "-f", "json")
	for _, want := range []string{"CVE-2024-0001", "CVE-2024-0007", "var/lib/dpkg/status"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the scan does not have %s", want)
		}
	}
	if r := wants(t, dir, exitOK, "", "scan", "--root", "root"); !strings.Contains(r.stdout, "dpkg/status") {
		t.Errorf("the text does not name the damaged file:\n%s", r.stdout)
	}
}

// TestLinkOut: no symbolic link leads out of a root.
func TestLinkOut(t *testing.T) {
	dir := home(t)
	file := filepath.Join(dir, "root/var/lib/dpkg/status")
	testkit.Must(t, os.Rename(file, filepath.Join(dir, "outside")))
	for _, target := range []string{filepath.Join(dir, "outside"), "../../../../outside"} {
		testkit.Must(t, os.Symlink(target, file))
		r := wants(t, dir, exitError, "dpkg/status", "scan", "--root", "root")
		if strings.Contains(r.stdout, "hello") {
			t.Errorf("a link to %s leads out:\n%s", target, r.stdout)
		}
		testkit.Must(t, os.Remove(file))
	}
}

// TestFullDisk syncs onto a disk of 1 MB.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	testkit.Must(t, os.CopyFS(filepath.Join(dir, "tracker"), os.DirFS("testdata/tracker")))
	synthetic(t, filepath.Join(dir, "large"), 3000, "needed")
	testkit.Must(t, os.Mkdir(filepath.Join(dir, "disk"), 0o755))
	cmd := wontfixProcess(dir)
	cmd.Path, cmd.Err = "/usr/bin/unshare", nil
	cmd.Args = []string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", `
		mount -t tmpfs -o size=300k tmpfs disk || exit 77
		export WONTFIX_DB=disk/db HOME=$PWD/disk
		wontfix sync -q ubuntu=tracker || exit 10
		wontfix db dump --statements >before
		wontfix sync ubuntu=large && exit 11
		wontfix db dump --statements >after || exit 12
		cmp before after || exit 13
		ls disk
		wontfix sync -q --full ubuntu=tracker || exit 14`}
	testkit.Program(t, "unshare")
	r := runProcess(t, cmd)
	if r.status == 77 || strings.Contains(r.stderr, "unshare:") {
		t.Skipf("no file system may be mounted here: %s", r.stderr)
	}
	if r.status != 0 || !strings.Contains(r.stderr, "The database is as it was") || strings.Contains(r.stdout, ".new-") {
		t.Errorf("status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	t.Logf("%s", r.stderr)
}

// TestKilledSync kills a sync at ten random moments. The database of before or
// the new one answers, and the next sync gives what an undisturbed one gives.
func TestKilledSync(t *testing.T) {
	if testing.Short() {
		t.Skip("ten kills take a while")
	}
	dir := t.TempDir()
	synthetic(t, filepath.Join(dir, "old"), 300, "deferred")
	synthetic(t, filepath.Join(dir, "new"), 3000, "needed")
	wants(t, dir, exitOK, "", "sync", "-q", "ubuntu=new")
	undisturbed := dumpOf(t, dir)
	wants(t, dir, exitOK, "", "sync", "-q", "ubuntu=old", "--full")
	before := dumpOf(t, dir)
	start := time.Now()
	wants(t, dir, exitOK, "", "sync", "-q", "ubuntu=new", "--db", "timing.db")
	whole := time.Since(start)
	r := rand.New(rand.NewPCG(1, 2))
	killed := 0
	for i := range 10 {
		cmd := wontfixProcess(dir, "sync", "-q", "--full", "ubuntu=new")
		testkit.Must(t, cmd.Start())
		time.Sleep(time.Duration((float64(i) + r.Float64()) / 10 * float64(whole)))
		testkit.Must(t, cmd.Process.Kill())
		if err := cmd.Wait(); err != nil {
			killed++
		}
		switch dumpOf(t, dir) {
		case before:
		case undisturbed:
			wants(t, dir, exitOK, "", "sync", "-q", "--full", "ubuntu=old")
		default:
			t.Fatalf("kill %d: the database is neither the old nor the new one", i)
		}
		wants(t, dir, exitOK, "", "db", "verify")
	}
	if killed == 0 {
		t.Error("no sync was killed before it was done")
	}
	wants(t, dir, exitOK, "", "sync", "-q", "ubuntu=new")
	if dumpOf(t, dir) != undisturbed {
		t.Error("the sync after the kills differs from an undisturbed one")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.new-*"))
	testkit.Must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	t.Logf("%d of 10 killed, in %v", killed, whole)
}

// TestTwoSyncs: a second sync says who is writing; readers go on.
func TestTwoSyncs(t *testing.T) {
	dir := home(t)
	f, err := os.OpenFile(filepath.Join(dir, "wontfix.db.lock"), os.O_RDWR|os.O_CREATE, 0o644)
	testkit.Must(t, err)
	defer f.Close()
	testkit.Must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	testkit.Must(t, f.Truncate(0))
	_, err = f.WriteAt([]byte("4711\n"), 0)
	testkit.Must(t, err)
	wants(t, dir, exitError, "another sync (process 4711) is writing", "sync", "--full", "ubuntu=tracker")
	wants(t, dir, exitOK, "", "scan", "--root", "root")
	wants(t, dir, exitOK, "", "why", "CVE-2024-0001")
	testkit.Must(t, f.Close())
	wants(t, dir, exitOK, "9 entries", "sync", "--full", "ubuntu=tracker")
}

// TestDamagedDatabase: every command says what is wrong with a database and
// what to do, and a sync builds it anew.
func TestDamagedDatabase(t *testing.T) {
	dir := home(t)
	file := filepath.Join(dir, "wontfix.db")
	whole, err := os.ReadFile(file)
	testkit.Must(t, err)
	dump := dumpOf(t, dir)
	future := bytes.Clone(whole)
	copy(future[60:], []byte{0, 0, 0, 9}) // SQLite's user_version
	for name, content := range map[string][]byte{
		"future": future,
		"empty":  {},
		"cut":    whole[:len(whole)/2],
	} {
		for _, args := range [][]string{
			{"scan", "--root", "root"}, {"scan", "--root", "root", "-f", "json"}, {"why", "CVE-2024-0001"},
			{"search", "release:jammy"}, {"search", "--grep", "jammy"}, {"db", "status"}, {"db", "verify"},
			{"db", "dump", "--statements"}, {"db", "export", "out.export"},
		} {
			testkit.Must(t, os.WriteFile(file, content, 0o644))
			r := wants(t, dir, exitError, "wontfix: database \"wontfix.db\"", args...)
			if !strings.Contains(r.stderr, "`wontfix sync") || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("%s, %s: %q %q", name, args, r.stdout, r.stderr)
			}
		}
		sync := []string{"sync", "ubuntu=tracker"}
		if name == "future" { // it may have other trackers
			wants(t, dir, exitError, "by a newer wontfix", sync...)
			sync = append(sync, "--full")
		}
		wants(t, dir, exitOK, "built anew", sync...)
		if dumpOf(t, dir) != dump {
			t.Errorf("%s: the sync after it gives another database", name)
		}
	}
	// A file that is no database is somebody's, and nothing takes its place.
	foreign := []byte(strings.Repeat("no database\n", 4000))
	testkit.Must(t, os.WriteFile(file, foreign, 0o644))
	for _, args := range [][]string{{"scan", "--root", "root"}, {"db", "status"}, {"sync", "--full", "ubuntu=tracker"}, {"db", "import", "tracker/active/CVE-2024-0001"}} {
		wants(t, dir, exitError, "give another path", args...)
	}
	if left, err := os.ReadFile(file); err != nil || !bytes.Equal(left, foreign) {
		t.Errorf("a file that is no database was written over: %v", err)
	}
	testkit.Must(t, os.WriteFile(file, whole, 0o644))
	wants(t, dir, exitError, "that is the database itself", "db", "export", "wontfix.db")
	// Damage that only a look at everything finds.
	page := len(whole) / 2 &^ 8191
	torn := bytes.Clone(whole)
	clear(torn[page : page+8192])
	testkit.Must(t, os.WriteFile(file, torn, 0o644))
	wants(t, dir, exitError, "wontfix sync --full", "db", "verify")
	wants(t, dir, exitOK, "9 entries", "sync", "--full", "ubuntu=tracker")
	if dumpOf(t, dir) != dump {
		t.Error("sync --full over a torn page gives another database")
	}
	wants(t, dir, exitOK, "", "db", "verify")
}

// TestTerminal: nothing from outside can give an order to a terminal.
func TestTerminal(t *testing.T) {
	const evil = "\x1b]0;owned\a\x1b[31m\u009b1m\u202e\r\b\x7f"
	dir := home(t)
	write(t, dir, "tracker/active/CVE-2025-0001", strings.ReplaceAll(`Candidate: CVE-2025-0001
PublicDate: 2024-02-01!
References:
 https://example.org/!
Description:
 Describes! it.
Ubuntu-Description:
Notes:
 ann!> a note! too intrusive to backport
Bugs:
Priority: hi!gh
Discovered-by:
Assigned-to: !
CVSS:
 nvd: CVSS:3.1!

Patches_hello:
upstream_hello: released (2.12!)
jammy_hello: ignored (change! too intrusive)
noble_hello: nee!ded
devel_hel!lo: needed
`, "!", evil))
	write(t, dir, "tracker/active/CVE-2025-0002"+strings.ReplaceAll(evil, "/", ""), "x")
	write(t, dir, "root/etc/hostname", "inn"+evil+"\n")
	status, err := os.ReadFile(filepath.Join(dir, "root/var/lib/dpkg/status"))
	testkit.Must(t, err)
	write(t, dir, "root/var/lib/dpkg/status", string(status)+strings.ReplaceAll("Package: ev!il\nStatus: install ok installed\nVersion: 1!\nArchitecture: a!\n\nPackage: hello\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.10!\n", "!", evil))
	write(t, dir, "git", "#!/bin/sh\nprintf 'fatal: \\033]0;owned\\007\\033[31m\\nwontfix: all is well\\n' >&2\nexit 128\n")
	testkit.Must(t, os.Chmod(filepath.Join(dir, "git"), 0o755))
	wants(t, dir, exitOK, "10 entries", "sync", "ubuntu=tracker")
	for _, args := range [][]string{
		{"scan", "--root", "root"}, {"scan", "--root", "root", "-f", "csv"}, {"scan", "--root", "root", "-f", "markdown"},
		{"scan", "--root", "root", "-f", "json"}, {"scan", "--root", "root", "-f", "jsonl"},
		{"why", "CVE-2025-0001"}, {"why", "CVE-2025-0001", "--root", "root"}, {"why", "CVE-2025-0001" + evil}, {"why", "CVE-2025-0001", evil},
		{"search", "package:hello"}, {"search", evil + ":"}, {"search", "--grep", "."}, {"search", "--grep", "(" + evil},
		{"db", "status", "-v"}, {"db", "verify"}, {"db", "import", evil},
		{"sync", "ubuntu=" + evil}, {"sync", evil}, {"scan", "--" + evil}, {"scan", evil}, {evil}, {"db", evil}, {"help", evil},
		{"sync", "--git", filepath.Join(dir, "git"), "ubuntu=https://127.0.0.1:9/x" + evil},
		{"sync", "--git", filepath.Join(dir, "git"), "ubuntu=https://127.0.0.1:9/x"},
		{"scan", "--root", "root", "--release", evil}, {"scan", "--root", evil}, {"scan", "--fail-on", evil}, {"scan", "--outlook", evil},
		{"scan", "--limit", evil}, {"scan", "-f", evil}, {"scan", "--root", "root", "-o", "no/" + evil},
		{"report", evil},
	} {
		r := runProcess(t, wontfixProcess(dir, args...))
		for _, text := range []string{r.stdout, r.stderr} {
			if i := unprintable(text); i >= 0 {
				t.Errorf("wontfix %q writes %q", args, text[max(i-40, 0):min(i+20, len(text))])
			}
			if strings.Contains(text, "\nwontfix: all is well") {
				t.Errorf("wontfix %q: a line of a server passes for one of the program: %q", args, text)
			}
		}
		if len(r.stdout)+len(r.stderr) == 0 {
			t.Errorf("wontfix %q says nothing", args)
		}
	}
}

// TestFullOutput: an answer that could not be written is no success.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	testkit.Must(t, err)
	defer full.Close()
	dir := home(t)
	for _, args := range [][]string{
		{"scan", "--root", "root"}, {"scan", "--root", "root", "-f", "json"}, {"scan", "--root", "root", "-o", "/dev/full"}, {"why", "CVE-2024-0001"},
		{"search", "release:jammy"}, {"search", "release:jammy", "-l"}, {"search", "--grep", "jammy"},
		{"db", "status"}, {"db", "verify"}, {"db", "dump", "--statements"}, {"db", "export", "-"},
		{"man"}, {"version"}, {"completion", "bash"}, {"--help"}, {"help", "scan"}, {"db"},
	} {
		cmd := wontfixProcess(dir, args...)
		cmd.Stdout = full
		r := runProcess(t, cmd)
		if r.status != exitError || !strings.Contains(r.stderr, "no space left on device") {
			t.Errorf("wontfix %s: status %d, %q", strings.Join(args, " "), r.status, r.stderr)
		}
	}
}

// TestClosedPipe: whoever has read enough hears nothing more.
func TestClosedPipe(t *testing.T) {
	dir := home(t)
	for _, args := range [][]string{{"scan", "--root", "root"}, {"db", "dump", "--statements"}, {"search", "release:jammy"}, {"--help"}} {
		r, w, err := os.Pipe()
		testkit.Must(t, err)
		testkit.Must(t, r.Close())
		cmd := wontfixProcess(dir, args...)
		cmd.Stdout = w
		got := runProcess(t, cmd)
		testkit.Must(t, w.Close())
		if got.stderr != "" || got.status == exitError {
			t.Errorf("wontfix %s: status %d, %q", strings.Join(args, " "), got.status, got.stderr)
		}
	}
}

// TestPipes has pipes where a machine has files: nobody writes to them, and a
// scan does not wait for it.
func TestPipes(t *testing.T) {
	root := t.TempDir()
	write(t, root, "etc/os-release", "ID=debian\nVERSION_CODENAME=bullseye\n")
	write(t, root, "var/lib/dpkg/status", "")
	testkit.Must(t, os.MkdirAll(filepath.Join(root, "usr/share/distro-info"), 0o755))
	if out, err := exec.Command(testkit.Program(t, "mkfifo"), filepath.Join(root, "usr/share/distro-info/debian.csv")).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v %s", err, out)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := wontfixIn(t.TempDir(), "scan", "--root", root, "--offline", "--db", filepath.Join(root, "none.db"))
		done <- err
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("a scan waits for a pipe")
	}
}
