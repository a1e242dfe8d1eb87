package tracker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix"
	"wontfix/internal/pack"
	"wontfix/internal/testkit"
)

func needGit(t testing.TB) {
	t.Helper()
	testkit.Program(t, "git")
}

// testSpec is a tracker whose format is the text itself.
func testSpec() Spec {
	return Spec{
		Name: "test", Title: "Test Tracker", Branch: "master",
		Dirs:  []string{"active", "retired", "ignored"},
		Match: ubuntuName,
		Parse: func(file string, text []byte) wontfix.Change {
			return wontfix.Change{Entry: &wontfix.Entry{File: file, ID: filepath.Base(file), Description: string(text)}}
		},
	}
}

// A repo is a repository that a test makes with the git program.
type repo struct {
	t    testing.TB
	dir  string
	tick int64
}

func newRepo(t testing.TB) *repo {
	needGit(t)
	r := &repo{t: t, dir: t.TempDir(), tick: 1586250000}
	r.git("init", "-q", "-b", "master", ".")
	return r
}

// git runs git in the repository and returns what it prints, without white
// space around it.
func (r *repo) git(args ...string) string {
	r.t.Helper()
	return strings.TrimSpace(r.raw(args...))
}

// raw is git with the white space.
func (r *repo) raw(args ...string) string {
	r.t.Helper()
	out, err := r.cmd(args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (r *repo) cmd(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	date := time.Unix(r.tick, 0).UTC().Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org",
		"GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "LC_ALL=C")
	return cmd
}

// write writes a file; text "" removes it.
func (r *repo) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	var err error
	if text == "" {
		err = os.Remove(path)
	} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// commit commits all files and returns the commit.
func (r *repo) commit() string {
	r.t.Helper()
	r.tick += 60
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "change")
	return r.git("rev-parse", "HEAD")
}

// state is what a consumer of changes holds: file and text of each ID.
type state map[string][2]string

// readAll opens a source and applies its changes since a cursor to st. It returns the
// new cursor, the changes' files, and whether they were all.
func (st state) readAll(t *testing.T, source, since string, o Options) (cursor, files string, full bool) {
	t.Helper()
	s, err := Open(t.Context(), testSpec(), source, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return st.apply(t, s, since)
}

func (st state) apply(t *testing.T, s *Source, since string) (cursor, files string, full bool) {
	t.Helper()
	seq, full, err := s.Changes(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	if full {
		clear(st)
	}
	var list []string
	for c, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		name := c.File
		switch {
		case c.Entry != nil:
			if c.Entry.Description != string(c.Text) || c.Entry.File != c.File || c.Entry.ID != c.ID {
				t.Errorf("%s: %+v with text %q", c.File, c.Entry, c.Text)
			}
			st[c.ID] = [2]string{c.File, string(c.Text)}
		default:
			delete(st, c.ID)
			name = "-" + name
		}
		for _, p := range c.Problems {
			name += "!" + p.Error()
		}
		list = append(list, name)
	}
	return s.Cursor(), strings.Join(list, " "), full
}

// TestPackedTree asks git for the same lists of files.
func TestPackedTree(t *testing.T) {
	r := newRepo(t)
	for _, file := range []string{"active/CVE-2020-1", "active/CVE-2020-1.sub/x", "active/CVE-2020-2/inner", "data/CVE/CVE-2020-3", "data/CVE-2020-4", "top", "file"} {
		r.write(file, file+"\n")
	}
	if err := os.Symlink("../top", filepath.Join(r.dir, "active/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.dir, "top"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",active/sub")
	r.commit()
	commit := r.git("rev-parse", "HEAD")
	for _, packed := range []bool{false, true} {
		if packed {
			r.git("repack", "-adq")
		}
		own, err := pack.Open(filepath.Join(r.dir, ".git/objects"), false)
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		g := &git{program: "git", dir: filepath.Join(r.dir, ".git")}
		for _, dirs := range [][]string{{"data/CVE", "active"}, {"data"}, {"."}, {"none", "active"}, {"file"}, {"active/link"}, {"data/none", "data/CVE"}} {
			want, err := g.tree(t.Context(), commit, dirs, false)
			if err != nil {
				t.Fatal(err)
			}
			folders, err := packedFolders(own, commit, dirs)
			if err != nil {
				t.Fatal(err)
			}
			have, err := filesOf(folders, 20)
			if err != nil || !slices.Equal(have, want) {
				t.Errorf("%v, packed %v: %v, %v, want %v", dirs, packed, have, err, want)
			}
		}
		if _, err := packedFolders(own, strings.Repeat("2", 40), []string{"active"}); err == nil {
			t.Error("no error for a commit that is not there")
		}
	}
}

// TestPackedSince compares what has changed between two commits by the files that
// differ with what has by all of them.
func TestPackedSince(t *testing.T) {
	r := newRepo(t)
	rnd := rand.New(rand.NewPCG(3, 3))
	spec := testSpec()
	var commits []string
	for range 12 {
		for range 1 + rnd.IntN(6) {
			file := fmt.Sprintf("%s/CVE-2020-%d", spec.Dirs[rnd.IntN(len(spec.Dirs))], rnd.IntN(12))
			if err := os.RemoveAll(filepath.Join(r.dir, file)); err != nil {
				t.Fatal(err)
			}
			switch rnd.IntN(8) {
			case 0, 1: // it is gone
			case 2:
				r.write(file+"/inner", "x\n")
			default:
				r.write(file, fmt.Sprint(rnd.IntN(5), "\n"))
			}
		}
		r.write("active/CVE-2020-1000", fmt.Sprint(len(commits), "\n"))
		commits = append(commits, r.commit())
	}
	own, err := pack.Open(filepath.Join(r.dir, ".git/objects"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	list := func(commit string) ([]packedFolder, []item) {
		folders, err := packedFolders(own, commit, spec.Dirs)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filesOf(folders, 20)
		if err != nil {
			t.Fatal(err)
		}
		return folders, resolve(&spec, files)
	}
	left := 0
	for i, old := range commits {
		_, before := list(old)
		for _, now := range commits {
			s := &Source{spec: spec, packs: own}
			s.packsOnce.Do(func() {})
			s.folders, s.items = list(now)
			was, is, err := s.itemsSince(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			left += len(s.items) - len(is)
			if have, want := changed(was, is), changed(before, s.items); !slices.EqualFunc(have, want, same) {
				t.Errorf("commit %d: %v, want %v", i, have, want)
			}
		}
	}
	if left == 0 {
		t.Error("no item is left out")
	}
}
