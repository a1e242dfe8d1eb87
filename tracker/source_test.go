package tracker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wontfix"
)

// three returns a repository with three entries and things that are none.
func three(t testing.TB) *repo {
	r := newRepo(t)
	r.write("active/CVE-2014-9365", "one\n")
	r.write("retired/CVE-2015-0001", "two\n")
	r.write("ignored/CVE-2016-0002", "three\n")
	r.write("active/00boilerplate", "no entry\n")
	r.write("active/CVE-2014-9365~", "no entry\n")
	r.write("ignored/not-for-us.txt", "no entry\n")
	r.write("README", "no entry\n")
	r.commit()
	return r
}

const threeFiles = "active/CVE-2014-9365 ignored/CVE-2016-0002 retired/CVE-2015-0001"

// TestSources reads the same entries from every kind of source.
func TestSources(t *testing.T) {
	r := three(t)
	head := r.git("rev-parse", "HEAD")
	side := t.TempDir()
	r.git("clone", "-q", "--bare", r.dir, side+"/bare")
	r.git("clone", "-q", "--bare", "--depth=1", "file://"+r.dir, side+"/shallow")
	r.git("worktree", "add", "-q", "--detach", side+"/worktree")
	r.git("bundle", "create", "-q", side+"/tracker.bundle", "master")
	r.git("bundle", "create", "-q", side+"/head.bundle", "HEAD")
	if err := os.MkdirAll(side+"/plain", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"active", "retired", "ignored"} {
		if err := os.CopyFS(filepath.Join(side, "plain", d), os.DirFS(filepath.Join(r.dir, d))); err != nil {
			t.Fatal(err)
		}
	}
	// Of a checkout the commit is read, not what lies there.
	r.write("active/CVE-2014-9365", "changed and not committed\n")
	for _, test := range []struct{ name, source, kind string }{
		{"checkout", r.dir, KindRepository},
		{"the .git of a checkout", r.dir + "/.git", KindRepository},
		{"worktree", side + "/worktree", KindRepository},
		{"bare", side + "/bare", KindRepository},
		{"shallow", side + "/shallow", KindRepository},
		{"bundle", side + "/tracker.bundle", KindBundle},
		{"bundle of HEAD", side + "/head.bundle", KindBundle},
		{"file URL", "file://" + r.dir, KindURL},
		{"plain", side + "/plain", KindFolder},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Cache: t.TempDir()}
			s, err := Open(t.Context(), testSpec(), test.source, o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			st := state{}
			cursor, files, full := st.apply(t, s, "")
			if files != threeFiles || !full || st["CVE-2014-9365"][1] != "one\n" {
				t.Errorf("%s (full %v): %v", files, full, st)
			}
			info := s.Tracker()
			if s.Kind() != test.kind || info.Source != test.source || info.Name != "test" || info.Synced.IsZero() || s.Len() != 3 {
				t.Errorf("kind %s, %+v", s.Kind(), info)
			}
			if test.kind == KindFolder {
				if info.Revision != "" || time.Since(info.Time) > time.Hour || !strings.HasPrefix(cursor, "dir:") {
					t.Errorf("%+v, cursor %s", info, cursor)
				}
			} else if info.Revision != head || info.Time.Unix() != r.tick || cursor != "git:"+head {
				t.Errorf("%+v, cursor %s; want %s", info, cursor, head)
			}
			if _, files, full := st.readAll(t, test.source, cursor, o); files != "" || full {
				t.Errorf("read again: %q, full %v", files, full)
			}
			if _, files, full := st.readAll(t, test.source, "git:"+strings.Repeat("0", 40), o); files != threeFiles || !full {
				t.Errorf("since an unknown commit: %q, full %v", files, full)
			}
			if _, files, full := st.readAll(t, test.source, "--output=x", o); files != threeFiles || !full {
				t.Errorf("since nonsense: %q, full %v", files, full)
			}
		})
	}
}

func TestChanges(t *testing.T) {
	r := three(t)
	bare := t.TempDir()
	r.git("clone", "-q", "--bare", r.dir, bare)
	for _, source := range []string{r.dir, "file://" + r.dir} {
		o := Options{Cache: t.TempDir()}
		st := state{}
		cursor, _, _ := st.readAll(t, source, "", o)
		for _, test := range []struct {
			name string
			do   func()
			want string
		}{
			{"edit", func() { r.write("active/CVE-2014-9365", "one, edited "+source) }, "active/CVE-2014-9365"},
			{"what is no entry", func() { r.write("README", "again "+source) }, ""},
			{"add", func() { r.write("active/CVE-2020-1", "new\n") }, "active/CVE-2020-1"},
			{"move", func() { r.git("mv", "active/CVE-2014-9365", "retired/CVE-2014-9365") }, "retired/CVE-2014-9365"},
			{"move and edit", func() {
				r.git("mv", "retired/CVE-2014-9365", "active/CVE-2014-9365")
				r.write("active/CVE-2014-9365", "one, back\n")
			}, "active/CVE-2014-9365"},
			{"remove", func() { r.write("active/CVE-2020-1", "") }, "-active/CVE-2020-1"},
			{"rename", func() { r.git("mv", "ignored/CVE-2016-0002", "ignored/CVE-2016-2000") }, "-ignored/CVE-2016-0002 ignored/CVE-2016-2000"},
			{"rename back", func() { r.git("mv", "ignored/CVE-2016-2000", "ignored/CVE-2016-0002") }, "ignored/CVE-2016-0002 -ignored/CVE-2016-2000"},
			{"a second file", func() { r.write("ignored/CVE-2014-9365", "second\n") },
				"active/CVE-2014-9365!ignored/CVE-2014-9365: entry is a second one of CVE-2014-9365; active/CVE-2014-9365 counts"},
			{"the second goes", func() { r.write("ignored/CVE-2014-9365", "") }, "active/CVE-2014-9365"},
			{"mode only", func() { chmod(t, r, 0o755) }, ""},
			{"mode back", func() { chmod(t, r, 0o644) }, ""},
		} {
			test.do()
			r.commit()
			var files string
			var full bool
			cursor, files, full = st.readAll(t, source, cursor, o)
			if files != test.want || full {
				t.Errorf("%s: %q (full %v), want %q", test.name, files, full, test.want)
			}
			whole := state{}
			whole.readAll(t, source, "", o)
			if len(whole) != len(st) || whole["CVE-2014-9365"] != st["CVE-2014-9365"] {
				t.Errorf("%s: %v, want %v", test.name, st, whole)
			}
		}
		// The last commit changes the mode only, and is another commit.
		if head := r.git("rev-parse", "HEAD"); cursor != "git:"+head {
			t.Errorf("cursor %s, want %s", cursor, head)
		}
	}
}

func chmod(t *testing.T, r *repo, mode os.FileMode) {
	if err := os.Chmod(filepath.Join(r.dir, "active/CVE-2014-9365"), mode); err != nil {
		t.Fatal(err)
	}
}

// TestRewritten reads a history that was rewritten: as long as the old commit
// is there, the difference; once it is gone, everything.
func TestRewritten(t *testing.T) {
	r := three(t)
	o := Options{Cache: t.TempDir()}
	source := "file://" + r.dir
	st := state{}
	cursor, _, _ := st.readAll(t, source, "", o)
	r.git("checkout", "-q", "--orphan", "other")
	r.write("active/CVE-2014-9365", "rewritten\n")
	r.commit()
	r.git("branch", "-q", "-M", "other", "master")
	r.git("reflog", "expire", "--expire=now", "--all")
	r.git("gc", "-q", "--prune=now")
	if _, files, full := st.readAll(t, source, cursor, o); files != "active/CVE-2014-9365" || full {
		t.Errorf("old commit in the mirror: %q, full %v", files, full)
	}
	if _, files, full := st.readAll(t, r.dir, cursor, Options{}); files != threeFiles || !full {
		t.Errorf("old commit gone: %q, full %v", files, full)
	}
}

// TestUnreadable has files in the tree that are no entries although their
// names say so.
func TestUnreadable(t *testing.T) {
	r := three(t)
	if err := os.Symlink("../retired/CVE-2015-0001", filepath.Join(r.dir, "active/CVE-2015-0001")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(r.dir, "active/CVE-2017-1")); err != nil {
		t.Fatal(err)
	}
	r.write("active/CVE-2017-2/inner", "a folder\n")
	r.write("active/CVE-2017-3", strings.Repeat("x", maxFile+1))
	r.write("active/CVE-2017-4", "after it\n")
	if err := os.MkdirAll(filepath.Join(r.dir, "retired/CVE-2017-5"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",retired/CVE-2017-5")
	r.write("retired/CVE-2017-6", "missing\n")
	r.commit()
	blob := r.git("rev-parse", "HEAD:retired/CVE-2017-6")
	if err := os.Remove(filepath.Join(r.dir, ".git/objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	st := state{}
	_, files, _ := st.readAll(t, r.dir, "", Options{})
	want := []string{
		"active/CVE-2014-9365",
		"-active/CVE-2017-1!active/CVE-2017-1: entry is a symbolic link; want a regular file",
		"-active/CVE-2017-2!active/CVE-2017-2: entry is a folder; want a regular file",
		"-active/CVE-2017-3!active/CVE-2017-3: file: 16777217 bytes, more than the 16777216 that are read",
		"active/CVE-2017-4",
		"ignored/CVE-2016-0002",
		"retired/CVE-2015-0001!active/CVE-2015-0001: entry is a second one of CVE-2015-0001; retired/CVE-2015-0001 counts",
		"-retired/CVE-2017-5!retired/CVE-2017-5: entry is a submodule; want a regular file",
		"-retired/CVE-2017-6!retired/CVE-2017-6: object " + blob + " is missing from the repository",
	}
	if files != strings.Join(want, " ") {
		t.Errorf("Git:\n%s\nwant:\n%s", strings.ReplaceAll(files, " -", "\n-"), strings.Join(want, "\n"))
	}
	// The same as plain files, where nothing is missing and there are no submodules.
	if err := os.RemoveAll(filepath.Join(r.dir, ".git")); err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(filepath.Join(r.dir, "retired/CVE-2017-5"))
	want = append(want[:7:7], "retired/CVE-2017-6")
	if _, files, _ = st.readAll(t, r.dir, "", Options{}); files != strings.Join(want, " ") {
		t.Errorf("plain:\n%s\nwant:\n%s", files, strings.Join(want, " "))
	}
}

// TestFolder: a plain folder is read in full when anything in it has changed.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	r := &repo{t: t, dir: dir}
	r.write("retired/CVE-2015-0001", "two\n")
	st := state{}
	cursor, files, _ := st.readAll(t, dir, "", Options{})
	if files != "retired/CVE-2015-0001" {
		t.Errorf("one folder of three: %q", files)
	}
	r.write("active/CVE-2014-9365", "one\n")
	next, files, full := st.readAll(t, dir, cursor, Options{})
	if files != "active/CVE-2014-9365 retired/CVE-2015-0001" || !full || next == cursor {
		t.Errorf("after a change: %q, full %v", files, full)
	}
	// A folder that is a link out of the tracker is not followed.
	if err := os.Symlink("/etc", filepath.Join(dir, "ignored")); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(t.Context(), testSpec(), dir, Options{}); err == nil {
		s.Close()
		t.Error("a link out of the folder was followed")
	}
}

func TestOpenErrors(t *testing.T) {
	needGit(t)
	dir := t.TempDir()
	r := &repo{t: t, dir: dir}
	r.write("wrong/readme", "x")
	r.write("inside/active/CVE-2014-9365", "x")
	r.write("noentry/active/Makefile", "x")
	r.write("file", "x")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	other := newRepo(t)
	other.write("README", "x")
	other.commit()
	unborn := newRepo(t)
	for _, test := range []struct{ source, want string }{
		{"", "empty, and tracker test has no address"},
		{"--upload-pack=x", "begins with a dash"},
		{"-c", "begins with a dash"},
		{"ext::sh -c whoami", "no such file"},
		{"ext://host/x", "want a URL with scheme"},
		{"https://-oProxyCommand=x/", "not a URL with a host"},
		{"https:///x", "not a URL with a host"},
		{"ssh://-oProxyCommand=x/y", "not a URL with a host"},
		{"git@example.org:tracker.git", "ssh://git@example.org/tracker.git"},
		{"https://example.org/\x1b[31m", "control characters"},
		{filepath.Join(dir, "nowhere"), "no such file"},
		{filepath.Join(dir, "empty"), "empty folder"},
		{filepath.Join(dir, "wrong"), "none of the folders"},
		{filepath.Join(dir, "inside/active"), "give the folder above it"},
		{filepath.Join(dir, "noentry"), "empty tracker"},
		{filepath.Join(dir, "file"), "not one that git bundle wrote"},
		{other.dir, "none of the folders active, retired, ignored: not the Test Tracker"},
		{unborn.dir, "git rev-parse"},
		{"file://" + unborn.dir, "couldn't find remote ref"},
	} {
		s, err := Open(t.Context(), testSpec(), test.source, Options{Cache: t.TempDir()})
		if err == nil {
			s.Close()
			t.Errorf("Open(%q): no error", test.source)
		} else if !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\x1b\n\r") {
			t.Errorf("Open(%q): %q, want %q in it", test.source, err, test.want)
		}
	}
	if _, err := Open(t.Context(), testSpec(), "file://"+other.dir, Options{}); err == nil || !strings.Contains(err.Error(), "no cache folder") {
		t.Errorf("without a cache: %v", err)
	}
	if _, err := Open(t.Context(), testSpec(), other.dir, Options{Git: "no-such-git"}); !errors.Is(err, ErrNoGit) {
		t.Errorf("without git: %v", err)
	}
	if s, err := Open(t.Context(), testSpec(), filepath.Join(dir, "inside"), Options{Git: "no-such-git"}); err != nil {
		t.Errorf("a folder without git: %v", err)
	} else {
		s.Close()
	}
}

// TestHostileConfig opens a repository whose configuration would run programs
// and promises objects that it does not have.
func TestHostileConfig(t *testing.T) {
	r := three(t)
	mark := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch "+mark+"\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	blob := r.git("rev-parse", "HEAD:retired/CVE-2015-0001")
	if err := os.Remove(filepath.Join(r.dir, ".git/objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"core.fsmonitor", script}, {"core.pager", script}, {"core.sshCommand", script}, {"core.hooksPath", filepath.Dir(script)},
		{"diff.external", script}, {"log.showSignature", "true"}, {"gpg.program", script}, {"core.alternateRefsCommand", script},
		{"core.repositoryFormatVersion", "1"}, {"extensions.partialClone", "origin"},
		{"remote.origin.url", "ssh://localhost/x"}, {"remote.origin.promisor", "true"}, {"remote.origin.uploadpack", script},
	} {
		r.git("config", c[0], c[1])
	}
	st := state{}
	_, files, _ := st.readAll(t, r.dir, "", Options{})
	want := "active/CVE-2014-9365 ignored/CVE-2016-0002 -retired/CVE-2015-0001!retired/CVE-2015-0001: object " + blob + " is missing from the repository"
	if files != want {
		t.Errorf("%q, want %q", files, want)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program of the repository's choice ran")
	}
}

// TestStop leaves sequences early and ends their context.
func TestStop(t *testing.T) {
	r := newRepo(t)
	for i := range 1000 {
		r.write("active/CVE-2020-"+string(rune('A'+i/100))+string(rune('A'+i/10%10))+string(rune('A'+i%10)), strings.Repeat("x", 2000+i))
	}
	r.commit()
	var last Progress
	s, err := Open(t.Context(), testSpec(), r.dir, Options{Progress: func(p Progress) { last = p }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, stop := range []int{1, 64, 65, 500} {
		seq, _, err := s.Changes(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == stop {
				break
			}
		}
	}
	if last.Phase != "reading" || last.Total != 1000 {
		t.Errorf("progress %+v", last)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seq, _, err := s.Changes(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var end error
	for _, err := range seq {
		if end = err; err == nil {
			n++
		}
		cancel()
	}
	if !errors.Is(end, context.Canceled) || n == 1000 {
		t.Errorf("after %d changes: %v", n, end)
	}
}

func TestFind(t *testing.T) {
	for _, s := range Trackers() {
		got, err := Find(s.Name)
		if err != nil || got.Title != s.Title || got.Parse == nil || got.Parser == "" || got.Match == nil {
			t.Errorf("Find(%q): %+v, %v", s.Name, got, err)
		}
		info := wontfix.Tracker{PageURL: s.PageURL, LineURL: s.LineURL, Revision: "abc"}
		if page := info.Page("CVE-2014-9365"); s.PageURL != "" && !strings.HasSuffix(strings.TrimSuffix(page, ".html"), "CVE-2014-9365") {
			t.Errorf("%s: page %s", s.Name, page)
		}
		if line := info.Line("active/CVE-2014-9365", 7); s.LineURL != "" && (!strings.Contains(line, "active/CVE-2014-9365") || !strings.Contains(line, "abc") || !strings.HasSuffix(line, "7")) {
			t.Errorf("%s: line %s", s.Name, line)
		}
		if s.Read != nil && s.Feed == nil && s.URL != "" && (s.Branch == "" || len(s.Dirs) == 0) {
			t.Errorf("%s: has documents in Git, and no branch or no folder of them", s.Name)
		}
	}
	if _, err := Find("nobody"); err == nil || !strings.Contains(err.Error(), "ubuntu") {
		t.Errorf("Find(nobody): %v", err)
	}
	for name, want := range map[string]bool{"CVE-2008-NNN1": true, "EMB-abc": true, "UEM-1": true, "CVE-": false, "CVE-2014-9365.swp": false, "00boilerplate": false, "cve-2014-9365": false, "CVE-2014-9365\x1b": false} {
		if ubuntuName(name) != want {
			t.Errorf("ubuntuName(%q) = %v", name, !want)
		}
	}
}

// TestCorrupt damages an object: the sequence ends with an error that names
// it, or the file has a problem; its text is never made up.
func TestCorrupt(t *testing.T) {
	r := three(t)
	blob := r.git("rev-parse", "HEAD:ignored/CVE-2016-0002")
	path := filepath.Join(r.dir, ".git/objects", blob[:2], blob[2:])
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"short": data[:len(data)-6], "empty": {}, "noise": append(data[:4:4], "\xff\xff\xff\xff\xff\xff\xff"...)} {
		if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, bad, 0o644)); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), testSpec(), r.dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		seq, _, err := s.Changes(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for c, err := range seq {
			if err != nil {
				said = err.Error()
			}
			for _, p := range c.Problems {
				said = p.Error()
			}
			if c.ID == "CVE-2016-0002" && c.Entry != nil {
				t.Errorf("%s: read as %q", name, c.Text)
			}
		}
		if !strings.Contains(said, blob) {
			t.Errorf("%s: %q, want object %s in it", name, said, blob)
		}
		s.Close()
	}
}

// Git may pack a repository anew while it is read: what our reader does not find
// where it was, git finds.
func TestPackedAnew(t *testing.T) {
	r := three(t)
	s, err := Open(t.Context(), testSpec(), r.dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r.git("repack", "-adq")
	r.git("prune-packed", "-q")
	changes, full, err := s.Changes(t.Context(), "")
	if err != nil || !full {
		t.Fatalf("full %v, %v", full, err)
	}
	var files []string
	for c, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Problems) > 0 || c.Entry == nil {
			t.Errorf("%s: %v", c.File, c.Problems)
		}
		files = append(files, c.File)
	}
	if have := strings.Join(files, " "); have != threeFiles {
		t.Errorf("%s, want %s", have, threeFiles)
	}
}
