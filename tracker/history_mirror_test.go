package tracker

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// depthOf opens a source and returns how many commits its history has, and the
// IDs of all of them.
func depthOf(t *testing.T, source string, known []string, o Options) (n int, whole bool, ids []string) {
	t.Helper()
	s, h, err := openHistory(t, source, known, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range h.Commits {
		known = append(known, c.ID)
	}
	return len(h.Commits), s.Whole(), known
}

// TestMirrorHistory fetches without history, then with it, then goes on without
// asking for it.
func TestMirrorHistory(t *testing.T) {
	r, ids := line(t)
	source := "file://" + r.dir
	o := Options{Cache: t.TempDir()}
	with := Options{Cache: o.Cache, History: true}
	check := func(what string, o Options, known []string, want int, wantWhole bool) []string {
		t.Helper()
		n, whole, all := depthOf(t, source, known, o)
		if n != want || whole != wantWhole {
			t.Errorf("%s: %d commits, whole %v; want %d, %v", what, n, whole, want, wantWhole)
		}
		return all
	}
	check("a first fetch", o, nil, 1, false)
	check("another one", o, nil, 1, false)
	known := check("with history", with, nil, 4, true)
	check("with history again", with, known, 0, true)
	r.write("active/CVE-2014-9365", "new commit\n")
	r.commit()
	known = check("without the option", o, known, 1, true)
	r.write("active/CVE-2014-9365", "newer commit\n")
	r.commit()
	check("with it", with, known, 1, true)
	check("all", o, nil, 6, true)

	mirrors, _ := filepath.Glob(filepath.Join(o.Cache, "*.git"))
	if len(mirrors) != 1 {
		t.Fatalf("mirrors %q", mirrors)
	}
	if err := os.RemoveAll(filepath.Join(mirrors[0], "objects/pack")); err != nil {
		t.Fatal(err)
	}
	check("after damage", o, nil, 6, true)
	// An object that only history needs is not looked for when fetching.
	packs, _ := filepath.Glob(filepath.Join(mirrors[0], "objects/pack/*.pack"))
	m := &repo{t: t, dir: mirrors[0]}
	pack, err := os.Open(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer pack.Close()
	for _, name := range packs {
		if err := os.Rename(name, name+".away"); err != nil {
			t.Fatal(err)
		}
	}
	cmd := m.cmd("unpack-objects", "-q")
	cmd.Stdin = pack
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.RemoveAll(filepath.Join(m.dir, "objects/pack")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(m.dir, "objects", ids[1][:2], ids[1][2:])); err != nil {
		t.Fatal(err)
	}
	for name, reader := range readers {
		reader.Cache, reader.Offline = o.Cache, true
		s, h, err := openHistory(t, source, nil, reader)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Commits) != 4 || !h.Commits[0].Gap || h.Commits[1].Gap {
			t.Errorf("%s: damaged: %+v", name, h.Commits)
		}
		haveSteps(t, s, h, nil)
		checkUnseen(t, name, h, "history: 1 commit cannot be read")
	}
	// It was rewritten too.
	r.git("reset", "-q", "--hard", ids[2])
	r.write("active/CVE-2014-9365", "another way\n")
	r.commit()
	r.git("update-ref", "refs/heads/master", "HEAD")
	fresh := Options{Cache: t.TempDir(), History: true}
	n, whole, _ := depthOf(t, source, nil, fresh)
	if n != 4 || !whole {
		t.Errorf("a first fetch with history: %d commits, whole %v", n, whole)
	}
}

// TestMirrorHistoryFails: a fetch of history that is cut off leaves the mirror
// as it was, be it shallow or not there at all.
func TestMirrorHistoryFails(t *testing.T) {
	r := big(t)
	var cut atomic.Int64
	url, _ := serve(t, r, &cut)
	o := Options{Cache: t.TempDir()}
	with := Options{Cache: o.Cache, History: true}
	offline := Options{Cache: o.Cache, Offline: true}
	fails := func(n int64, o Options) {
		t.Helper()
		cut.Store(n)
		defer cut.Store(0)
		if s, err := Open(t.Context(), testSpec(), url, o); err == nil {
			s.Close()
			t.Errorf("cut off after %d bytes: no error", n)
		}
	}
	fails(100_000, with)
	if _, err := Open(t.Context(), testSpec(), url, offline); err == nil || !strings.Contains(err.Error(), "no mirror of it") {
		t.Errorf("offline: %v", err)
	}
	if n, whole, _ := depthOf(t, url, nil, o); n != 1 || whole {
		t.Errorf("after a first fetch that failed: %d commits, whole %v", n, whole)
	}
	fails(100, with)
	fails(200, with)
	if n, whole, _ := depthOf(t, url, nil, offline); n != 1 || whole {
		t.Errorf("after an unshallowing that failed: %d commits, whole %v", n, whole)
	}
	if n, whole, _ := depthOf(t, url, nil, with); n != 2 || !whole {
		t.Errorf("with history: %d commits, whole %v", n, whole)
	}
}

// TestShallowServer: a server that is shallow itself gives what it has.
func TestShallowServer(t *testing.T) {
	r, _ := line(t)
	server := filepath.Join(t.TempDir(), "server")
	r.git("clone", "-q", "--bare", "--depth=2", "file://"+r.dir, server)
	o := Options{Cache: t.TempDir()}
	with := Options{Cache: o.Cache, History: true}
	if n, whole, _ := depthOf(t, "file://"+server, nil, with); n != 2 || whole {
		t.Errorf("a first fetch: %d commits, whole %v", n, whole)
	}
	if n, whole, _ := depthOf(t, "file://"+server, nil, with); n != 2 || whole {
		t.Errorf("again: %d commits, whole %v", n, whole)
	}
	(&repo{t: t, dir: server}).git("fetch", "-q", "--unshallow", "origin")
	if n, whole, _ := depthOf(t, "file://"+server, nil, with); n != 4 || !whole {
		t.Errorf("when it is whole: %d commits, whole %v", n, whole)
	}
}

// TestBundleHistory: a bundle has its history with it.
func TestBundleHistory(t *testing.T) {
	r, _ := line(t)
	bundle := filepath.Join(t.TempDir(), "tracker.bundle")
	r.git("bundle", "create", "-q", bundle, "master")
	o := Options{Cache: t.TempDir()}
	n, whole, known := depthOf(t, bundle, nil, o)
	if n != 4 || !whole {
		t.Errorf("%d commits, whole %v", n, whole)
	}
	r.write("active/CVE-2014-9365", "new commit\n")
	r.commit()
	r.git("bundle", "create", "-q", bundle, "master")
	o.History = true
	if n, whole, _ := depthOf(t, bundle, known, o); n != 1 || !whole {
		t.Errorf("%d new commits, whole %v", n, whole)
	}
}
