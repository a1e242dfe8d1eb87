package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// The benchmarks here run whole processes, cold but for the file cache, and
// where there is a peer, run it in the same run: what counts is the ratio.
// docs/performance.md has their figures.

// program is the built command, made once, as on a machine with Go and nothing
// else: without a C compiler it has no C library to load.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "wontfix-bench-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "wontfix")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

// measure is a command of the tests: it runs another one and prints how long
// that took, in nanoseconds, and how much memory it had at most, in kilobytes.
// A child of the benchmark itself would be charged with the memory of its
// parent, from which it was forked.
func measure() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stderr = os.Stderr
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", cmd, err)
		os.Exit(1)
	}
	elapsed := time.Since(begin)
	fmt.Println(elapsed.Nanoseconds(), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}

// process runs a program b.N times and reports its wall time and its memory.
// before is called ahead of each run, unless it is nil.
func process(b *testing.B, before func(), dir, name string, args ...string) {
	b.Helper()
	self, err := os.Executable()
	testkit.Must(b, err)
	measured := filepath.Join(b.TempDir(), "measure")
	testkit.Must(b, os.Symlink(self, measured))
	var total, peak, fastest int64
	for b.Loop() {
		if before != nil {
			before()
		}
		cmd := exec.Command(measured, append([]string{name}, args...)...)
		cmd.Dir = dir
		var diag bytes.Buffer
		cmd.Stderr = &diag
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("%s: %v\n%s", cmd, err, diag.String())
		}
		var ns, kb int64
		_, err = fmt.Sscan(string(out), &ns, &kb)
		testkit.Must(b, err)
		total, peak = total+ns, max(peak, kb)
		if fastest == 0 || ns < fastest {
			fastest = ns
		}
	}
	b.ReportMetric(float64(total)/1e6/float64(b.N), "ms/run")
	b.ReportMetric(float64(fastest)/1e6, "ms-best")
	b.ReportMetric(float64(peak)/1024, "MB-peak")
}

// scaled is a tracker of the size that Ubuntu's had in 2024: 47,152 files with
// 3.1 million status lines. It is made of the corpus and of copies of its
// larger entries under other IDs, with rows for more releases.
var scaled struct {
	once        sync.Once
	dir         string
	files, rows int
	bytes       int
}

const scaledFiles, scaledRows = 47152, 3_126_708

var (
	statusLine = regexp.MustCompile(`(?m)^[a-z][a-z0-9/-]*_[^ :]+:`)
	xenialLine = regexp.MustCompile(`(?m)^xenial(_.*)\n`)
)

func scaledTracker(b *testing.B) string {
	tree := trackerTree(b)
	scaled.once.Do(func() {
		dir, err := os.MkdirTemp("", "wontfix-scaled-")
		testkit.Must(b, err)
		scaled.dir = dir
		var names []string
		for name := range tree {
			if strings.HasPrefix(filepath.Base(name), "CVE-") {
				names = append(names, name)
			}
		}
		slices.SortFunc(names, func(a, c string) int {
			return cmp.Or(len(tree[c])-len(tree[a]), strings.Compare(a, c))
		})
		write := func(name string, text []byte) {
			testkit.Must(b, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
			testkit.Must(b, os.WriteFile(filepath.Join(dir, name), text, 0o644))
			scaled.files++
			scaled.rows += len(statusLine.FindAll(text, -1))
			scaled.bytes += len(text)
		}
		for _, name := range names {
			write(name, tree[name])
		}
		for i, name := range names[:scaledFiles-len(names)] {
			id := fmt.Sprintf("CVE-2031-%04d", i)
			text := bytes.Replace(tree[name], []byte("Candidate: "+filepath.Base(name)), []byte("Candidate: "+id), 1)
			if left := scaledFiles - scaled.files; scaledRows-scaled.rows > 30*left {
				text = xenialLine.ReplaceAll(text, []byte("xenial$1\nesm-infra/xenial$1\nfocal$1\njammy$1\nesm-apps/focal$1\nfips/xenial$1\ngroovy$1\nhirsute$1\nimpish$1\nkinetic$1\n"))
			}
			write(filepath.Join(filepath.Dir(name), id), text)
		}
		git := exec.Command("sh", "-c", "git init -q . && git config gc.auto 0 && git add . && git -c user.name=x -c user.email=x@example.org commit -q -m x && git gc -q")
		git.Dir = dir
		out, err := git.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	})
	b.Logf("%d files, %d status lines, %d MB", scaled.files, scaled.rows, scaled.bytes/1e6)
	return scaled.dir
}

// BenchmarkSync reads a whole tracker into a new database.
func BenchmarkSync(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	dir := scaledTracker(b)
	plain := filepath.Join(b.TempDir(), "plain")
	out, err := exec.Command("sh", "-c", `mkdir "$1" && cp -r "$0"/active "$0"/retired "$0"/ignored "$1"`, dir, plain).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	run := func(b *testing.B, source string) {
		db := filepath.Join(b.TempDir(), "db")
		process(b, func() { os.Remove(db) }, "/", file, "sync", "ubuntu="+source, "--db", db)
		info, err := os.Stat(db)
		testkit.Must(b, err)
		b.ReportMetric(float64(info.Size())/1e6, "MB-database")
	}
	b.Run("git", func(b *testing.B) { run(b, dir) })
	b.Run("folder", func(b *testing.B) { run(b, plain) })
}

// scaledDB is a database of the scaled tracker.
func scaledDB(b *testing.B) string {
	file, err := program()
	testkit.Must(b, err)
	db := filepath.Join(b.TempDir(), "db")
	out, err := exec.Command(file, "sync", "ubuntu="+scaledTracker(b), "--db", db).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return db
}

// BenchmarkScan scans a machine of 686 packages.
func BenchmarkScan(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	db, host := scaledDB(b), testkit.Corpus(b, "hosts/utopic")
	b.Run("text", func(b *testing.B) { process(b, nil, "/", file, "scan", "--root", host, "--db", db, "--offline") })
	b.Run("json", func(b *testing.B) {
		process(b, nil, "/", file, "scan", "--root", host, "--db", db, "--offline", "-f", "json")
	})
	b.Run("start", func(b *testing.B) { process(b, nil, "/", file, "version") })
}

// BenchmarkScanRpm scans a root of 3,000 rpm packages with 100 files each, with
// the advisories of AlmaLinux that the corpus has, and with no tracker.
func BenchmarkScanRpm(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	root, db := b.TempDir(), filepath.Join(b.TempDir(), "db")
	testkit.Must(b, os.MkdirAll(filepath.Join(root, "var/lib/rpm"), 0o755))
	testkit.Must(b, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	testkit.Must(b, os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=\"almalinux\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"AlmaLinux 9.4\"\n"), 0o644))
	var headers [][]byte
	for i := range 3000 {
		headers = append(headers, testkit.RpmHeader(fmt.Sprintf("package%d", i), "", "1.2", "1.el9", "x86_64", fmt.Sprintf("source%d-1.2-1.el9.src.rpm", i/2), "", 100+i%200))
	}
	rpm := testkit.RpmSQLite(b, filepath.Join(root, "var/lib/rpm/rpmdb.sqlite"))
	testkit.RpmInstall(b, rpm, headers)
	testkit.Must(b, rpm.Close())
	out, err := exec.Command(file, "sync", "almalinux="+testkit.Corpus(b, "vendors/osv-almalinux"), "--db", db).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.Setenv("XDG_CACHE_HOME", b.TempDir()) // where no database is
	b.Run("tracker", func(b *testing.B) { process(b, nil, "/", file, "scan", "--root", root, "--offline", "--db", db) })
	b.Run("none", func(b *testing.B) { process(b, nil, "/", file, "scan", "--root", root, "--offline") })
}

// BenchmarkWhy makes one dossier.
func BenchmarkWhy(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	process(b, nil, "/", file, "why", "CVE-2014-9365", "python2.7", "--release", "trusty", "--db", scaledDB(b))
}

// BenchmarkGrep searches all lines of the tracker for a pattern with
// look-ahead, and has ack and ripgrep do the same on a checkout.
func BenchmarkGrep(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	const pattern = `precise.*ignored(?!.*abandoned)`
	db, dir := scaledDB(b), scaledTracker(b)
	b.Run("wontfix", func(b *testing.B) { process(b, nil, "/", file, "search", "--grep", pattern, "-l", "--db", db) })
	for _, peer := range [][]string{{"rg", "-P", "-l", "--no-ignore", pattern, "active", "retired", "ignored"}, {"ack", "-l", "--noenv", pattern, "active", "retired", "ignored"}} {
		b.Run(peer[0], func(b *testing.B) {
			if _, err := exec.LookPath(peer[0]); err != nil {
				b.Skipf("%s: not on this machine", peer[0])
			}
			process(b, nil, dir, peer[0], peer[1:]...)
		})
	}
}

// BenchmarkSearch searches statements by their fields.
func BenchmarkSearch(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	process(b, nil, "/", file, "search", "release:precise status:ignored", "-l", "--db", scaledDB(b))
}
