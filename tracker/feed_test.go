package tracker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/tracker"
)

// parseToy reads documents like {"CVE-2014-9365": "ignored"}.
func parseToy(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		var words map[string]string
		if err := json.Unmarshal(text, &words); err != nil {
			yield(wontfix.Change{}, err)
			return
		}
		for _, id := range slices.Sorted(maps.Keys(words)) {
			e := &wontfix.Entry{ID: id, Statements: []wontfix.Statement{{Source: "python", Line: 1, Word: words[id],
				Label: "toy", Release: wontfix.Release{Distribution: "toy", Series: "1"}}}}
			if !yield(wontfix.Change{Entry: e}, nil) {
				return
			}
		}
	}
}

func isToy(name string) bool { return path.Ext(name) == ".json" }

var toy = tracker.Spec{Name: "toy", Title: "Toys", Parser: "1", Match: isToy, Parse: tracker.Decode, Read: tracker.Each(parseToy), Dirs: []string{"data"}}

// A vexServer is a publisher with an archive and a list of changes.
type vexServer struct {
	*httptest.Server
	files   map[string][]byte
	times   map[string]time.Time
	asked   []string
	failing bool
	refused string // a name
}

func newVEXServer(t *testing.T) *vexServer {
	s := &vexServer{files: map[string][]byte{}, times: map[string]time.Time{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/vex/")
		s.asked = append(s.asked, name)
		if s.failing || name == s.refused && name != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		body, ok := s.files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256(body)
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sum[:8])))
		http.ServeContent(w, r, "", s.times[name], bytes.NewReader(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// archive puts an archive on the server, made at a time.
func (s *vexServer) archive(t *testing.T, made time.Time, docs map[string]string) {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	testkit.Must(t, err)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		testkit.Must(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(docs[name]))}))
		_, err := w.Write([]byte(docs[name]))
		testkit.Must(t, err)
	}
	testkit.Must(t, errors.Join(w.Close(), z.Close()))
	name := "vex_" + made.Format(time.DateOnly) + ".tar.zst"
	s.files["archive_latest.txt"] = []byte(name + "\n")
	s.files[name], s.times[name] = b.Bytes(), made
	s.files[name+".sha256"] = fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(b.Bytes()), name)
}

var toyFeed = func() tracker.Spec {
	s := toy
	s.Feed = &tracker.Feed{Latest: "archive_latest.txt", Digest: ".sha256", Changes: "changes.csv", Deletions: "deletions.csv"}
	return s
}()

// read opens a source and returns what changed since a cursor, as words by ID.
func read(t *testing.T, spec tracker.Spec, source, cache, since string) (words map[string]string, full bool, cursor string, err error) {
	t.Helper()
	s, err := tracker.Open(context.Background(), spec, source, tracker.Options{Cache: cache})
	if err != nil {
		return nil, false, "", err
	}
	defer s.Close()
	changes, full, err := s.Changes(context.Background(), since)
	testkit.Must(t, err)
	words = map[string]string{}
	for c, err := range changes {
		if err != nil {
			return words, full, "", err
		}
		if c.Entry == nil {
			words[c.ID] = "gone"
			continue
		}
		// What is kept says the same.
		kept := spec.Parse(c.File, c.Text)
		if len(kept.Problems) > 0 || kept.Entry == nil || kept.Entry.Tracker != "toy" || kept.Entry.File != c.File {
			t.Errorf("%s is kept as %+v with %v", c.ID, kept.Entry, kept.Problems)
		}
		for _, s := range c.Entry.Statements {
			words[c.ID] = strings.TrimPrefix(words[c.ID]+" "+s.File+"="+s.Word, " ")
		}
	}
	return words, full, s.Cursor(), nil
}

func TestFeed(t *testing.T) {
	server, cache := newVEXServer(t), t.TempDir()
	source := server.URL + "/vex/"
	day := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	server.archive(t, day, map[string]string{
		"2014/cve-2014-1.json": `{"CVE-2014-1": "needed"}`,
		"2014/cve-2014-2.json": `{"CVE-2014-2": "needed"}`,
		"2014/cve-2014-3.json": `{"CVE-2014-3": "needed"}`,
		"2014/README":          `nothing`,
	})
	check := func(what, since string, full bool, want map[string]string) string {
		t.Helper()
		words, f, cursor, err := read(t, toyFeed, source, cache, since)
		if err != nil || f != full || !maps.Equal(words, want) {
			t.Fatalf("%s: %v, full %v, %v; want %v, full %v", what, words, f, err, want, full)
		}
		return cursor
	}
	all := map[string]string{"CVE-2014-1": "2014/cve-2014-1.json=needed", "CVE-2014-2": "2014/cve-2014-2.json=needed", "CVE-2014-3": "2014/cve-2014-3.json=needed"}
	first := check("first", "", true, all)

	server.files["changes.csv"] = []byte("\"2014/cve-2014-1.json\",\"2026-03-03T10:00:00+00:00\"\n\"2014/cve-2014-2.json\",\"2026-02-01T10:00:00+00:00\"\n")
	server.files["deletions.csv"] = []byte("\"2014/cve-2014-3.json\",\"2026-03-03T11:00:00+00:00\"\n")
	server.files["2014/cve-2014-1.json"] = []byte(`{"CVE-2014-1": "wontfix"}`)
	server.asked = nil
	second := check("changes", first, false, map[string]string{"CVE-2014-1": "2014/cve-2014-1.json=wontfix", "CVE-2014-3": "gone"})
	if slices.ContainsFunc(server.asked, func(s string) bool { return strings.HasSuffix(s, ".zst") || strings.Contains(s, "2014-2") }) {
		t.Errorf("too much was asked for: %v", server.asked)
	}
	if check("nothing new", second, false, map[string]string{}) != second {
		t.Error("the cursor moved")
	}
	now := map[string]string{"CVE-2014-1": "2014/cve-2014-1.json=wontfix", "CVE-2014-2": "2014/cve-2014-2.json=needed"}
	check("everything again", "", true, now)
	check("after another reading", "git:0123", true, now)

	// A path out of the feed, a time that is none: what was there stays in use.
	for _, bad := range []string{"\"../../etc/passwd\",\"2026-03-04T10:00:00+00:00\"\n", "\"a.json\",\"yesterday\"\n", "\"a.json\n"} {
		server.files["changes.csv"] = []byte(bad)
		if _, _, _, err := read(t, toyFeed, source, cache, second); err == nil || !strings.Contains(err.Error(), "changes.csv") {
			t.Errorf("changes %q: %v", bad, err)
		}
	}
	server.failing = true
	if _, _, _, err := read(t, toyFeed, source, cache, second); err == nil {
		t.Error("a server that refuses: no error")
	}
	s, err := tracker.Open(context.Background(), toyFeed, source, tracker.Options{Cache: cache, Offline: true})
	testkit.Must(t, err)
	if s.Cursor() != second {
		t.Errorf("offline: cursor %s; want %s", s.Cursor(), second)
	}
	s.Close()
	server.failing = false

	// More than is fetched one by one: the archive comes again.
	var many bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&many, "\"2015/cve-2015-%d.json\",\"2026-03-04T10:00:00+00:00\"\n", i)
	}
	server.files["changes.csv"] = many.Bytes()
	server.archive(t, day.AddDate(0, 0, 5), map[string]string{"2014/cve-2014-1.json": `{"CVE-2014-1": "fixed"}`, "2015/cve-2015-1.json": `{"CVE-2015-1": "needed"}`})
	server.asked = nil
	third := check("another archive", second, true, map[string]string{"CVE-2014-1": "2014/cve-2014-1.json=fixed", "CVE-2015-1": "2015/cve-2015-1.json=needed"})
	if slices.ContainsFunc(server.asked, func(s string) bool { return strings.HasPrefix(s, "2015/") }) {
		t.Error("single documents were asked for")
	}

	// An archive that is not what its digest says.
	server.archive(t, day.AddDate(0, 0, 9), map[string]string{"2014/cve-2014-1.json": `{"CVE-2014-1": "bad"}`})
	server.files["vex_2026-03-11.tar.zst.sha256"] = []byte(strings.Repeat("0", 64))
	server.files["changes.csv"] = many.Bytes()
	for i := range server.files["changes.csv"] {
		if bytes.HasPrefix(server.files["changes.csv"][i:], []byte("2026-03-04")) {
			copy(server.files["changes.csv"][i:], "2026-03-10")
		}
	}
	if _, _, _, err := read(t, toyFeed, source, cache, third); err == nil || !strings.Contains(err.Error(), "the publisher says 0000") {
		t.Errorf("a wrong digest: %v", err)
	}
	s, err = tracker.Open(context.Background(), toyFeed, source, tracker.Options{Cache: cache, Offline: true})
	testkit.Must(t, err)
	if s.Cursor() != third {
		t.Errorf("after a wrong digest: cursor %s; want %s", s.Cursor(), third)
	}
	s.Close()
}

// TestFeedIsHeld: nobody fetches into the folder of a feed while it is read.
func TestFeedIsHeld(t *testing.T) {
	server, cache := newVEXServer(t), t.TempDir()
	server.archive(t, time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC), map[string]string{"2014/cve-2014-1.json": `{"CVE-2014-1": "needed"}`})
	server.files["changes.csv"], server.files["deletions.csv"] = []byte{}, []byte{}
	open := func(ctx context.Context) (*tracker.Source, error) {
		return tracker.Open(ctx, toyFeed, server.URL+"/vex/", tracker.Options{Cache: cache})
	}
	first, err := open(context.Background())
	testkit.Must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	server.asked = nil
	if _, err := open(ctx); !errors.Is(err, context.DeadlineExceeded) || len(server.asked) > 0 {
		t.Errorf("beside another: %v, and it asked for %v", err, server.asked)
	}
	testkit.Must(t, first.Close())
	second, err := open(context.Background())
	testkit.Must(t, err)
	testkit.Must(t, second.Close())
}

// TestFeedRefused: a document that the server refuses holds up no other one, and
// is asked for again.
func TestFeedRefused(t *testing.T) {
	s, cache := newVEXServer(t), t.TempDir()
	made := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	s.archive(t, made, map[string]string{"a.json": `{"A":"one"}`, "b.json": `{"B":"one"}`})
	s.files["deletions.csv"] = []byte{}
	s.files["changes.csv"] = []byte{}
	_, _, cursor, err := read(t, toyFeed, s.URL+"/vex/", cache, "")
	testkit.Must(t, err)
	s.files["a.json"], s.files["b.json"] = []byte(`{"A":"two"}`), []byte(`{"B":"two"}`)
	s.refused = "a.json"
	s.files["changes.csv"] = []byte("\"b.json\",\"2026-11-21T02:00:00+00:00\"\n\"a.json\",\"2026-11-21T01:00:00+00:00\"\n")
	for range 2 { // the second time it is refused again
		words, full, _, err := read(t, toyFeed, s.URL+"/vex/", cache, cursor)
		if err != nil || full || words["B"] != "b.json=two" || len(words) != 1 {
			t.Errorf("with a document refused: %v %v %v", words, full, err)
		}
		if all, _, _, err := read(t, toyFeed, s.URL+"/vex/", cache, ""); err != nil || !strings.HasSuffix(all["A"], "=one") || all["B"] != "b.json=two" {
			t.Errorf("read whole: %v %v", all, err)
		}
		src, err := tracker.Open(context.Background(), toyFeed, s.URL+"/vex/", tracker.Options{Cache: cache})
		testkit.Must(t, err)
		if r := src.Refused(); len(r) != 1 || r[0].File != "a.json" || !strings.Contains(r[0].Text, "403") {
			t.Errorf("refused: %v", r)
		}
		src.Close()
		if t.Failed() {
			return
		}
	}
	_, _, cursor, err = read(t, toyFeed, s.URL+"/vex/", cache, cursor)
	testkit.Must(t, err)
	s.refused = ""
	words, full, _, err := read(t, toyFeed, s.URL+"/vex/", cache, cursor)
	if err != nil || full || words["A"] != "a.json=two" || len(words) != 1 {
		t.Errorf("when it is given: %v %v %v", words, full, err)
	}
}

func TestDocuments(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		testkit.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		testkit.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("data/a/1.json", `{"CVE-2014-1": "needed", "CVE-2014-2": "needed"}`)
	write("data/b/2.json", `{"CVE-2014-1": "ignored"}`)
	write("data/bad.json", `{`)
	write("data/list.txt", `nothing`)
	merged := toy
	merged.Read = tracker.Merged(parseToy)
	want := map[string]string{"": "gone", "CVE-2014-1": "data/a/1.json=needed data/b/2.json=ignored", "CVE-2014-2": "data/a/1.json=needed"}
	words, full, cursor, err := read(t, merged, dir, "", "")
	if err != nil || !full || !maps.Equal(words, want) {
		t.Errorf("a folder: %v, %v; want %v", words, err, want)
	}
	if !strings.HasPrefix(cursor, "dir:") {
		t.Errorf("cursor %q", cursor)
	}
	words, _, _, err = read(t, merged, filepath.Join(dir, "data/a/1.json"), "", "")
	if err != nil || !maps.Equal(words, map[string]string{"CVE-2014-1": "1.json=needed", "CVE-2014-2": "1.json=needed"}) {
		t.Errorf("a file: %v, %v", words, err)
	}
	if _, _, _, err := read(t, merged, filepath.Join(dir, "data/bad.json"), "", ""); err == nil || !strings.Contains(err.Error(), "bad.json: unexpected end of JSON") {
		t.Errorf("a document that cannot be read: %v", err)
	}
	if _, _, _, err := read(t, merged, t.TempDir(), "", ""); err == nil || !strings.Contains(err.Error(), "no document") {
		t.Errorf("no document: %v", err)
	}

	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command(testkit.Program(t, "git"), append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "first")
	words, full, cursor, err = read(t, merged, dir, "", "")
	if err != nil || !full || !maps.Equal(words, want) || !strings.HasPrefix(cursor, "git:") {
		t.Errorf("a repository: %v, %v, %s; want %v", words, err, cursor, want)
	}
}

func TestShrunk(t *testing.T) {
	changes := func(yield func(wontfix.Change, error) bool) {
		for range 89 {
			if !yield(wontfix.Change{Entry: &wontfix.Entry{}}, nil) {
				return
			}
		}
	}
	for before, bad := range map[int]bool{0: false, 98: false, 100: true} {
		var last error
		for _, err := range tracker.Shrunk(before, changes) {
			last = err
		}
		if (last != nil) != bad {
			t.Errorf("89 entries after %d: %v", before, last)
		}
	}
}
