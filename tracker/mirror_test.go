package tracker

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve serves a bare clone of the repository over HTTP as git http-backend
// does, and returns its URL and its folder. If cut is not zero, answers end
// after as many bytes.
func serve(t *testing.T, r *repo, cut *atomic.Int64) (url, dir string) {
	t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("git has no http-backend here: %v", err)
	}
	root := t.TempDir()
	dir = filepath.Join(root, "tracker.git")
	r.git("clone", "-q", "--bare", r.dir, dir)
	h := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if n := cut.Load(); n > 0 && strings.HasSuffix(req.URL.Path, "/git-upload-pack") {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			body := rec.Body.Bytes()
			w.Write(body[:min(n, int64(len(body)))])
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/tracker.git", dir
}

// big returns a repository whose pack is some 600 KB.
func big(t *testing.T) *repo {
	r := three(t)
	noise := uint32(1)
	for i := range 60 {
		b := make([]byte, 10000)
		for k := range b {
			noise = noise*1664525 + 1013904223
			b[k] = 'a' + byte(noise>>24)%26
		}
		r.write("retired/CVE-2019-"+string(rune('A'+i/26))+string(rune('A'+i%26)), string(b))
	}
	r.commit()
	return r
}

// TestHTTP fetches over HTTP: first with answers that are cut off in the middle,
// which must fail, then whole, then cut off again, which must leave the mirror
// as it was, then again whole.
func TestHTTP(t *testing.T) {
	r := big(t)
	var cut atomic.Int64
	url, dir := serve(t, r, &cut)
	var phases atomic.Int64
	o := Options{Cache: t.TempDir(), Progress: func(Progress) { phases.Add(1) }}
	fails := func(n int64) {
		t.Helper()
		cut.Store(n)
		s, err := Open(t.Context(), testSpec(), url, o)
		if err == nil {
			s.Close()
			t.Fatalf("cut off after %d bytes: no error", n)
		}
		if !strings.Contains(err.Error(), "git fetch") || strings.Contains(err.Error(), "%") {
			t.Errorf("error %q", err)
		}
		cut.Store(0)
	}
	fails(100)
	fails(200_000)
	offline := o
	offline.Offline = true
	if _, err := Open(t.Context(), testSpec(), url, offline); err == nil || !strings.Contains(err.Error(), "no mirror of it") {
		t.Errorf("offline before any fetch: %v", err)
	}
	st := state{}
	cursor, _, full := st.readAll(t, url, "", o)
	if len(st) != 63 || !full {
		t.Fatalf("%d entries, full %v", len(st), full)
	}
	if names, _ := filepath.Glob(filepath.Join(o.Cache, "*.git/shallow")); len(names) != 1 {
		t.Error("the whole history was fetched")
	}

	r.write("active/CVE-2014-9365", "edited\n")
	r.write("retired/CVE-2019-AA", "")
	r.commit()
	r.git("push", "-q", dir, "master")
	fails(150)
	if again, files, _ := st.readAll(t, url, cursor, offline); files != "" || again != cursor || len(st) != 63 {
		t.Errorf("the mirror has changed: %q", files)
	}
	cursor, files, full := st.readAll(t, url, cursor, o)
	if files != "active/CVE-2014-9365 -retired/CVE-2019-AA" || full {
		t.Errorf("after the update: %q, full %v", files, full)
	}
	if again, files, _ := st.readAll(t, url, "", offline); again != cursor || !strings.HasPrefix(files, "active/CVE-2014-9365 ") {
		t.Errorf("offline: %s, want %s", again, cursor)
	}
	if phases.Load() == 0 {
		t.Error("no progress was reported")
	}
}

// TestDumbHTTP fetches from a server that knows nothing of Git and has the
// whole history only.
func TestDumbHTTP(t *testing.T) {
	r := three(t)
	dir := filepath.Join(t.TempDir(), "tracker.git")
	r.git("clone", "-q", "--bare", r.dir, dir)
	(&repo{t: t, dir: dir}).git("update-server-info")
	server := httptest.NewServer(http.StripPrefix("/tracker.git", http.FileServer(http.Dir(dir))))
	defer server.Close()
	st := state{}
	if _, files, _ := st.readAll(t, server.URL+"/tracker.git", "", Options{Cache: t.TempDir()}); files != threeFiles {
		t.Errorf("%q, want %q", files, threeFiles)
	}
}

// TestDead asks a closed port, after a server was there.
func TestDead(t *testing.T) {
	r := three(t)
	dir := filepath.Join(t.TempDir(), "tracker.git")
	r.git("clone", "-q", "--bare", r.dir, dir)
	(&repo{t: t, dir: dir}).git("update-server-info")
	server := httptest.NewServer(http.StripPrefix("/tracker.git", http.FileServer(http.Dir(dir))))
	url := strings.Replace(server.URL, "http://", "http://me:secret@", 1) + "/tracker.git"
	o := Options{Cache: t.TempDir()}
	s, err := Open(t.Context(), testSpec(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	if source := s.Tracker().Source; strings.Contains(source, "secret") {
		t.Errorf("source %s shows the password", source)
	}
	s.Close()
	server.Close()
	_, err = Open(t.Context(), testSpec(), url, o)
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "git fetch") {
		t.Errorf("error %v", err)
	}
	o.Offline = true
	s, err = Open(t.Context(), testSpec(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, files, _ := (state{}).apply(t, s, ""); files != threeFiles {
		t.Errorf("the mirror has %q", files)
	}
}

// TestHang asks a server that takes the connection and says nothing.
func TestHang(t *testing.T) {
	needGit(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, c)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = Open(ctx, testSpec(), "http://"+l.Addr().String()+"/x", Options{Cache: t.TempDir()})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// TestLeftovers fetches into mirrors that an earlier run has left in a bad
// state.
func TestLeftovers(t *testing.T) {
	r := three(t)
	source := "file://" + r.dir
	o := Options{Cache: t.TempDir()}
	st := state{}
	st.readAll(t, source, "", o)
	mirrors, _ := filepath.Glob(filepath.Join(o.Cache, "*.git"))
	if len(mirrors) != 1 {
		t.Fatalf("mirrors %q", mirrors)
	}
	m := mirrors[0]
	packs, _ := filepath.Glob(filepath.Join(m, "objects/pack/*.pack"))
	if len(packs) != 1 {
		t.Fatalf("packs %q", packs)
	}
	for i, test := range []struct {
		name string
		do   func() error
	}{
		{"locks", func() error {
			for _, name := range []string{"shallow.lock", "refs/wontfix/tip.lock", "objects/pack/tmp_pack_abc", "packed-refs.lock"} {
				if err := os.WriteFile(filepath.Join(m, name), nil, 0o644); err != nil {
					return err
				}
			}
			return nil
		}},
		{"no objects", func() error { return os.RemoveAll(filepath.Join(m, "objects/pack")) }},
		{"no repository", func() error { return os.Remove(filepath.Join(m, "HEAD")) }},
		{"nonsense in the ref", func() error { return os.WriteFile(filepath.Join(m, tipRef), []byte("x\n"), 0o644) }},
		{"no folder", func() error { return os.RemoveAll(m) }},
	} {
		if err := test.do(); err != nil {
			t.Fatal(err)
		}
		r.write("active/CVE-2014-9365", strings.Repeat("x", i+1))
		r.commit()
		if _, files, _ := st.readAll(t, source, "", o); files != threeFiles || len(st["CVE-2014-9365"][1]) != i+1 {
			t.Errorf("%s: %q, %v", test.name, files, st)
		}
		if left, _ := filepath.Glob(filepath.Join(m, "objects/pack/tmp_*")); len(left) > 0 {
			t.Errorf("%s: %q is still there", test.name, left)
		}
	}
}

// TestManyFetches: packs do not pile up, and the last cursor survives their
// repacking.
func TestManyFetches(t *testing.T) {
	if testing.Short() {
		t.Skip("makes and fetches 45 commits")
	}
	r := three(t)
	source := "file://" + r.dir
	o := Options{Cache: t.TempDir()}
	st := state{}
	cursor, _, _ := st.readAll(t, source, "", o)
	most := 0
	for i := range maxPacks + 5 {
		r.write("active/CVE-2014-9365", strings.Repeat("x", i+1))
		r.commit()
		var full bool
		var files string
		cursor, files, full = st.readAll(t, source, cursor, o)
		if files != "active/CVE-2014-9365" || full {
			t.Fatalf("fetch %d: %q, full %v", i, files, full)
		}
		packs, _ := filepath.Glob(filepath.Join(o.Cache, "*.git/objects/pack/*.pack"))
		most = max(most, len(packs))
	}
	packs, _ := filepath.Glob(filepath.Join(o.Cache, "*.git/objects/pack/*.pack"))
	if most < maxPacks || len(packs) > maxPacks/2 {
		t.Errorf("%d packs, %d at most", len(packs), most)
	}
}

// TestLock: two fetches into one mirror wait for each other.
func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := lock(t.Context(), name, func() {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	waited := false
	if _, err := lock(ctx, name, func() { waited = true }); !errors.Is(err, context.DeadlineExceeded) || !waited {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	unlock, err = lock(t.Context(), name, func() {})
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestParseProgress(t *testing.T) {
	for _, test := range []struct {
		line        string
		phase       string
		done, total int64
	}{
		{"Receiving objects:  45% (450/1000), 1.20 MiB | 1.10 MiB/s", "Receiving objects", 450, 1000},
		{"remote: Counting objects: 100% (7/7), done.        ", "Counting objects", 7, 7},
		{"remote: Enumerating objects: 12, done.", "Enumerating objects", 12, 0},
		{"Resolving deltas:   0% (0/3)", "Resolving deltas", 0, 3},
		{"fatal: repository 'x' not found", "", 0, 0},
		{"error: 100% (1/1)", "", 0, 0},
		{"Receiving objects:  45% (99999999999999999999/1)", "", 0, 0},
	} {
		phase, done, total, ok := parseProgress(test.line)
		if phase != test.phase || done != test.done || total != test.total || ok != (test.phase != "") {
			t.Errorf("%q: %q %d/%d %v", test.line, phase, done, total, ok)
		}
	}
}
