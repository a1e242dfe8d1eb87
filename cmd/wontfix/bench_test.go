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

	"wontfix/internal/testkit"
)

// The benchmarks here run whole processes, cold but for the file cache, and
// where there is a peer, run it in the same run: what counts is the ratio.
// docs/performance.md has their figures.

// program is the built command, made once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "wontfix-bench-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "wontfix")
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

// process runs a program b.N times and reports its wall time and memory.
func process(b *testing.B, name, dir string, args ...string) {
	b.Helper()
	peak := int64(0)
	for b.Loop() {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		var diag bytes.Buffer
		cmd.Stderr = &diag
		if err := cmd.Run(); err != nil {
			b.Fatalf("%s: %v\n%s", cmd, err, diag.String())
		}
		peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/run")
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
		tmp := b.TempDir()
		n := 0
		peak, size := int64(0), int64(0)
		for b.Loop() {
			n++
			db := filepath.Join(tmp, fmt.Sprint(n), "db")
			cmd := exec.Command(file, "sync", "ubuntu="+source, "--db", db)
			cmd.Env = append(os.Environ(), "HOME="+tmp, "XDG_CACHE_HOME=")
			out, err := cmd.CombinedOutput()
			if err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
			if info, err := os.Stat(db); err == nil {
				size = info.Size()
			}
			if n == 1 {
				b.Logf("%s", out)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/run")
		b.ReportMetric(float64(peak)/1024, "MB-peak")
		b.ReportMetric(float64(size)/1e6, "MB-database")
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
	b.Run("text", func(b *testing.B) { process(b, file, "/", "scan", "--root", host, "--db", db, "--offline") })
	b.Run("json", func(b *testing.B) {
		process(b, file, "/", "scan", "--root", host, "--db", db, "--offline", "-f", "json")
	})
	b.Run("start", func(b *testing.B) { process(b, file, "/", "version") })
}

// BenchmarkWhy makes one dossier.
func BenchmarkWhy(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	process(b, file, "/", "why", "CVE-2014-9365", "python2.7", "--release", "trusty", "--db", scaledDB(b))
}

// BenchmarkGrep searches all lines of the tracker for a pattern with
// look-ahead, and has ack and ripgrep do the same on a checkout.
func BenchmarkGrep(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	const pattern = `precise.*ignored(?!.*abandoned)`
	db, dir := scaledDB(b), scaledTracker(b)
	b.Run("wontfix", func(b *testing.B) { process(b, file, "/", "search", "--grep", pattern, "-l", "--db", db) })
	for _, peer := range [][]string{{"rg", "-P", "-l", "--no-ignore", pattern, "active", "retired", "ignored"}, {"ack", "-l", "--noenv", pattern, "active", "retired", "ignored"}} {
		b.Run(peer[0], func(b *testing.B) {
			if _, err := exec.LookPath(peer[0]); err != nil {
				b.Skipf("%s: not on this machine", peer[0])
			}
			process(b, peer[0], dir, peer[1:]...)
		})
	}
}

// BenchmarkSearch searches statements by their fields.
func BenchmarkSearch(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	process(b, file, "/", "search", "release:precise status:ignored", "-l", "--db", scaledDB(b))
}
