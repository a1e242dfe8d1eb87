package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/store"
	"wontfix/internal/testkit"
	"wontfix/tracker"
)

// The history that Ubuntu's tracker had in 2024 was of 40,000 commits, 930,000
// file changes and 9.9 GB of files, with 47,000 entries and 3.1 million status
// lines at its tip. The repository here has these figures. It is made of the
// corpus repository: its entries as they are, and copies of the largest under
// other IDs, with more releases in each, which change when their originals do;
// and in between, sweeps over the largest copies, as there were ever more.
const (
	scaledCopies = 14_000 // entries that are copied
	scaledLarge  = 1_000  // of these, those that sweeps change
	sweptAtOnce  = 40     // entries that a sweep changes
	sweepEvery   = 5      // commits
	mergeEvery   = 8      // commits with copies, of which one is made on a branch
)

// laterReleases are those that are added to copies.
var laterReleases = []string{"groovy", "hirsute", "impish", "jammy", "kinetic", "lunar", "mantic", "noble", "esm-infra/xenial", "esm-infra/bionic",
	"esm-apps/xenial", "esm-apps/bionic", "esm-apps/focal", "esm-apps/jammy", "fips/xenial", "fips/bionic", "fips-updates/focal", "realtime/jammy"}

var upstreamLine = regexp.MustCompile(`(?m)^upstream_([^ :\n]+):.*\n`)

// widened returns the text of a copy: under another ID, with rows for more
// releases, of which sweeps have changed so many.
func widened(text []byte, from, to string, releases, sweeps int) []byte {
	text = bytes.ReplaceAll(text, []byte(from), []byte(to))
	var out []byte
	last, n := 0, 0
	for _, m := range upstreamLine.FindAllSubmatchIndex(text, -1) {
		out = append(out, text[last:m[1]]...)
		last = m[1]
		for _, r := range laterReleases[:releases] {
			status := "needs-triage"
			if n++; n <= sweeps {
				status = "ignored (end of standard support, was needs-triage)"
			}
			out = fmt.Appendf(out, "%s_%s: %s\n", r, text[m[2]:m[3]], status)
		}
	}
	return append(out, text[last:]...)
}

// A copied entry is one that changes with its original.
type copied struct {
	id, path string
	blob     string // of the original, now
	releases int
	sweeps   int
}

// scaledHistory returns the path of the repository, made once or, if
// WONTFIX_SCALED names a folder, kept there, and the commit a hundred before
// its tip.
func scaledHistory(b *testing.B) (dir, before string) {
	dir = os.Getenv("WONTFIX_SCALED")
	if dir == "" {
		dir = filepath.Join(b.TempDir(), "scaled.git")
	}
	if _, err := os.Stat(filepath.Join(dir, "done")); err != nil {
		makeScaledHistory(b, testkit.Corpus(b, testkit.Tracker), dir)
		testkit.Must(b, os.WriteFile(filepath.Join(dir, "done"), nil, 0o644))
	}
	return dir, strings.TrimSpace(gitOutput(b, dir, "rev-parse", "main~100"))
}

func gitOutput(b *testing.B, dir string, args ...string) string {
	cmd := exec.Command("git", append([]string{"-c", "safe.directory=*", "--git-dir", dir}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	testkit.Must(b, err)
	return string(out)
}

// blobs asks git for objects, by one process.
type blobs struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func (c *blobs) text(b *testing.B, object string) []byte {
	fmt.Fprintln(c.in, object)
	head, err := c.out.ReadString('\n')
	testkit.Must(b, err)
	f := strings.Fields(head)
	if len(f) != 3 {
		b.Fatalf("cat-file: %q", head)
	}
	n, err := strconv.Atoi(f[2])
	testkit.Must(b, err)
	text := make([]byte, n+1)
	_, err = io.ReadFull(c.out, text)
	testkit.Must(b, err)
	return text[:n]
}

func makeScaledHistory(b *testing.B, from, dir string) {
	b.Helper()
	testkit.Must(b, os.MkdirAll(dir, 0o755))
	out, err := exec.Command("sh", "-c", `git init -q --bare "$1" && cp "$0"/objects/pack/*.pack "$0"/objects/pack/*.idx "$1"/objects/pack/ && cd "$1" && git symbolic-ref HEAD refs/heads/main`, from, dir).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	log := gitOutput(b, from, "log", "--raw", "--no-abbrev", "--no-renames", "--first-parent", "-m", "--reverse", "--format=commit %H%n%an <%ae> %at +0000", "HEAD")
	have := map[string]bool{}
	for line := range strings.Lines(gitOutput(b, from, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered")) {
		have[strings.TrimSpace(line)] = true
	}

	// A first look finds the entries with the most bytes in all versions.
	cat := exec.Command("git", "-c", "safe.directory=*", "--git-dir", from, "cat-file", "--batch")
	in, err := cat.StdinPipe()
	testkit.Must(b, err)
	pipe, err := cat.StdoutPipe()
	testkit.Must(b, err)
	testkit.Must(b, cat.Start())
	defer cat.Wait()
	defer in.Close()
	objects := &blobs{in, bufio.NewReaderSize(pipe, 1<<20)}
	weight := map[string]int{}
	sizes := map[string]int{}
	for line := range strings.Lines(gitOutput(b, from, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objectsize)", "--unordered")) {
		f := strings.Fields(line)
		sizes[f[0]], _ = strconv.Atoi(f[1])
	}
	isEntry := func(p string) bool {
		return strings.HasPrefix(path.Base(p), "CVE-") && strings.Count(p, "/") == 1
	}
	for line := range strings.Lines(log) {
		if line[0] == ':' {
			f := strings.Fields(line)
			if p := f[len(f)-1]; isEntry(p) {
				weight[path.Base(p)] += sizes[f[3]]
			}
		}
	}
	names := make([]string, 0, len(weight))
	for name := range weight {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, c string) int {
		if n := weight[c] - weight[a]; n != 0 {
			return n
		}
		return strings.Compare(a, c)
	})
	copies := map[string]*copied{}
	var large []*copied
	for i, name := range names[:scaledCopies] {
		c := &copied{id: fmt.Sprintf("CVE-2031-%05d", i), releases: 9}
		if i < scaledLarge {
			c.releases = len(laterReleases)
			large = append(large, c)
		}
		copies[name] = c
	}
	original := map[*copied]string{}
	for name, c := range copies {
		original[c] = name
	}

	fast := exec.Command("git", "--git-dir", dir, "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--depth=50")
	fast.Stderr = os.Stderr
	stdin, err := fast.StdinPipe()
	testkit.Must(b, err)
	testkit.Must(b, fast.Start())
	w := bufio.NewWriterSize(stdin, 1<<20)
	mark, commits, changes, size := 0, 0, 0, 0
	commit := func(branch, who, message string, parents []int, edits []byte, n int) int {
		mark++
		commits++
		changes += n
		fmt.Fprintf(w, "commit refs/heads/%s\nmark :%d\ncommitter %s\ndata %d\n%s\n", branch, mark, who, len(message), message)
		for i, p := range parents {
			fmt.Fprintf(w, "%s :%d\n", []string{"from", "merge"}[i], p)
		}
		w.Write(edits)
		w.WriteByte('\n')
		return mark
	}
	put := func(edits []byte, c *copied, at string) []byte {
		text := widened(objects.text(b, c.blob), original[c], c.id, c.releases, c.sweeps)
		size += len(text)
		edits = fmt.Appendf(edits, "M 100644 inline %s\ndata %d\n", at, len(text))
		return append(append(edits, text...), '\n')
	}
	tip, turn, swept := 0, 0, 0
	for i, text := range strings.Split(log, "commit ")[1:] {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if len(lines) < 2 {
			continue
		}
		who := lines[1]
		var plain, copying []byte
		nPlain, nCopying := 0, 0
		for _, line := range lines[2:] {
			if line == "" || line[0] != ':' {
				continue
			}
			head, p, _ := strings.Cut(line, "\t")
			f := strings.Fields(head)
			if !isEntry(p) || f[4] != "D" && !have[f[3]] {
				continue
			}
			c := copies[path.Base(p)]
			if f[4] == "D" {
				plain, nPlain = fmt.Appendf(plain, "D %s\n", p), nPlain+1
				if c != nil && c.path == path.Dir(p)+"/"+c.id {
					copying, nCopying = fmt.Appendf(copying, "D %s\n", c.path), nCopying+1
					c.path = ""
				}
				continue
			}
			plain, nPlain = fmt.Appendf(plain, "M 100644 %s %s\n", f[3], p), nPlain+1
			size += sizes[f[3]]
			if c != nil {
				c.blob = f[3]
				at := path.Dir(p) + "/" + c.id
				if c.path != "" && c.path != at { // its deletion comes in the same commit
					copying, nCopying = fmt.Appendf(copying, "D %s\n", c.path), nCopying+1
				}
				c.path = at
				copying, nCopying = put(copying, c, c.path), nCopying+1
			}
		}
		parents := func() []int {
			if tip == 0 {
				return nil
			}
			return []int{tip}
		}
		base := parents()
		if nPlain > 0 {
			tip = commit("main", who, "as it was", parents(), plain, nPlain)
		}
		if nCopying > 0 {
			if turn++; turn%mergeEvery == 0 && base != nil {
				side := commit("side", who, "copies", base, copying, nCopying)
				// What a merge brings has to be said again: fast-import takes the tree of its first parent.
				tip = commit("main", who, "Merge", []int{tip, side}, copying, 0)
			} else {
				tip = commit("main", who, "copies", parents(), copying, nCopying)
			}
		}
		if i%sweepEvery == 0 && i > 4000 {
			var edits []byte
			n := 0
			for k := 0; n < sweptAtOnce && k < len(large); k++ {
				c := large[swept%len(large)]
				swept++
				if c.path == "" {
					continue
				}
				c.sweeps++
				edits, n = put(edits, c, c.path), n+1
			}
			if n > 0 {
				tip = commit("main", who, "sweep", parents(), edits, n)
			}
		}
	}
	testkit.Must(b, w.Flush())
	testkit.Must(b, stdin.Close())
	testkit.Must(b, fast.Wait())
	// fast-import makes deltas of whatever came before; a server has better ones.
	gitOutput(b, dir, "-c", "pack.windowMemory=512m", "repack", "-a", "-d", "-f", "-q", "--window=10", "--depth=50")
	b.Logf("%d commits, %d changes of files, %.2f GB", commits, changes, float64(size)/1e9)
}

// BenchmarkWholeHistory reads the whole history of the corpus tracker and of
// one of the size of 2024 into a new database, and what a hundred more commits
// bring. In the same run git prints the same changes and the same objects.
func BenchmarkWholeHistory(b *testing.B) {
	file, err := program()
	testkit.Must(b, err)
	for _, size := range []string{"2020", "2024"} {
		b.Run(size, func(b *testing.B) {
			dir, before := testkit.Corpus(b, testkit.Tracker), ""
			if size == "2024" {
				dir, before = scaledHistory(b)
			} else {
				before = strings.TrimSpace(gitOutput(b, dir, "rev-parse", "HEAD~100"))
			}
			tip := strings.TrimSpace(gitOutput(b, dir, "rev-parse", "HEAD"))
			// A repository of the same objects whose branch can be moved.
			moving := filepath.Join(b.TempDir(), "moving.git")
			out, err := exec.Command("sh", "-c", `git init -q --bare "$1" && echo "$0/objects" > "$1/objects/info/alternates" && git --git-dir "$1" symbolic-ref HEAD refs/heads/main`, dir, moving).CombinedOutput()
			if err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			at := func(commit string) { gitOutput(b, moving, "update-ref", "refs/heads/main", commit) }
			objects := filepath.Join(b.TempDir(), "objects")
			b.Run("git", func(b *testing.B) {
				script := `git -c safe.directory=* --git-dir "$0" log -m --raw --no-abbrev --no-renames --format=%H HEAD > "$1.raw" &&
					awk '/^:/ && $4 !~ /^0*$/ && !seen[$4]++ { print $4 }' "$1.raw" > "$1" &&
					git -c safe.directory=* --git-dir "$0" cat-file --batch --buffer < "$1" | wc -c > "$1.bytes"`
				process(b, nil, "/", "sh", "-c", script, dir, objects)
			})
			b.Run("raw", func(b *testing.B) { // names alone
				process(b, nil, "/", "sh", "-c", `git -c safe.directory=* --git-dir "$0" log --raw --no-abbrev --format=%H HEAD | wc -c`, dir)
			})
			db := filepath.Join(b.TempDir(), "db")
			b.Run("sync", func(b *testing.B) {
				process(b, func() { os.Remove(db); at(tip) }, "/", file, "sync", "ubuntu="+moving, "--db", db)
				info, err := os.Stat(db)
				testkit.Must(b, err)
				b.ReportMetric(float64(info.Size())/1e6, "MB-database")
			})
			b.Run("export", func(b *testing.B) {
				export := filepath.Join(b.TempDir(), "export")
				process(b, nil, "/", file, "db", "export", export, "--db", db)
				info, err := os.Stat(export)
				testkit.Must(b, err)
				b.ReportMetric(float64(info.Size())/1e6, "MB-export")
			})
			b.Run("why", func(b *testing.B) {
				process(b, nil, "/", file, "why", "CVE-2014-9365", "python2.7", "--release", "trusty", "--db", db)
			})
			b.Run("scan", func(b *testing.B) {
				process(b, nil, "/", file, "scan", "--root", testkit.Corpus(b, "hosts/utopic"), "--db", db, "--offline")
			})
			b.Run("log", func(b *testing.B) { // what why replaces
				process(b, nil, "/", "git", "-c", "safe.directory=*", "--git-dir", dir, "log", "--format=%H", "-m", "--first-parent", "--", "active/CVE-2014-9365", "retired/CVE-2014-9365")
			})
			b.Run("update", func(b *testing.B) {
				old := filepath.Join(b.TempDir(), "old")
				at(before)
				out, err := exec.Command(file, "sync", "ubuntu="+moving, "--db", old).CombinedOutput()
				if err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				kept, err := os.ReadFile(old)
				testkit.Must(b, err)
				at(tip)
				now := filepath.Join(b.TempDir(), "now")
				b.Logf("%s commits", strings.TrimSpace(gitOutput(b, moving, "rev-list", "--count", before+".."+tip)))
				put := func() { testkit.Must(b, os.WriteFile(now, kept, 0o644)) }
				b.Run("all", func(b *testing.B) {
					process(b, put, "/", file, "sync", "ubuntu="+moving, "--db", now)
				})
				b.Run("history", func(b *testing.B) {
					self, err := os.Executable()
					testkit.Must(b, err)
					alone := filepath.Join(b.TempDir(), "updatehistory")
					testkit.Must(b, os.Symlink(self, alone))
					process(b, put, "/", alone, now, moving)
				})
			})
		})
	}
}

// updateHistory brings the history of Ubuntu's tracker in a database up to date
// with a repository, and leaves the entries of today as they were: it is what a
// sync has to do for the history alone. It is a program of its own.
func updateHistory() {
	err := func(db, source string) error {
		ctx := context.Background()
		debug.SetGCPercent(200) // as sync does
		spec, err := tracker.Find("ubuntu")
		if err != nil {
			return err
		}
		src, err := tracker.Open(ctx, spec, source, tracker.Options{})
		if err != nil {
			return err
		}
		defer src.Close()
		old, err := store.Open(db)
		if err != nil {
			return err
		}
		defer old.Close()
		r, err := readPast(ctx, &env{stderr: os.Stderr}, src, spec, old, func() (*past, error) { return loadPast(ctx, old, spec) }, false, false)
		if err != nil {
			return err
		}
		u := store.Update{Tracker: src.Tracker(), Cursor: src.Cursor(), Parser: spec.Parser, History: r.update(ctx, false)}
		_, err = store.Apply(ctx, db, u, func(func(wontfix.Change, error) bool) {})
		return err
	}(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
