package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A publisher is a server that misbehaves as it is told to.
type publisher struct {
	*httptest.Server
	mu     sync.Mutex
	body   []byte
	tag    string
	digest string
	cut    int // bytes after which a transfer breaks off, once
	fail   []int
	after  string // Retry-After of a failure
	asked  []http.Header
}

func newPublisher(t *testing.T, body string) *publisher {
	p := &publisher{body: []byte(body), tag: `"1"`}
	mux := http.NewServeMux()
	mux.HandleFunc("/feed", p.serve)
	mux.HandleFunc("/feed.sha256", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, p.digest) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/feed", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+"/feed", http.StatusFound)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Header)
	if len(p.fail) > 0 {
		status := p.fail[0]
		p.fail = p.fail[1:]
		w.Header().Set("Retry-After", p.after)
		w.WriteHeader(status)
		return
	}
	w.Header().Set("ETag", p.tag)
	if p.cut > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(p.body)))
		w.Write(p.body[:p.cut])
		w.(http.Flusher).Flush()
		p.cut = 0
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.body))
}

// client returns one that does not wait, and what it would have waited.
func client() (*Client, *[]time.Duration) {
	var waits []time.Duration
	return &Client{Agent: "test", Sleep: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}}, &waits
}

func get(t *testing.T, c *Client, dir, address string) (State, bool, error) {
	t.Helper()
	return c.Get(context.Background(), dir, Resource{URL: address, Name: "feed"})
}

func want(t *testing.T, dir, text string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, "feed"))
	if err != nil || string(got) != text {
		t.Errorf("the file is %.40q, %v; want %.40q", got, err, text)
	}
}

func TestGet(t *testing.T) {
	p, dir := newPublisher(t, "one"), t.TempDir()
	c, waits := client()
	s, changed, err := get(t, c, dir, p.URL+"/feed")
	if err != nil || !changed || s.ETag != `"1"` || s.Size != 3 {
		t.Fatalf("first: %+v, %v, %v", s, changed, err)
	}
	want(t, dir, "one")

	s2, changed, err := get(t, c, dir, p.URL+"/feed")
	if err != nil || changed || s2.SHA256 != s.SHA256 || p.asked[1].Get("If-None-Match") != `"1"` {
		t.Errorf("again: %+v, %v, %v, asked %v", s2, changed, err, p.asked[1])
	}

	p.body, p.tag = []byte("two!"), `"2"`
	if _, changed, err = get(t, c, dir, p.URL+"/feed"); err != nil || !changed {
		t.Errorf("new bytes: %v, %v", changed, err)
	}
	want(t, dir, "two!")

	// A file that is not as it came is fetched anew, whatever its state says.
	os.WriteFile(filepath.Join(dir, "feed"), []byte("tw"), 0o600)
	if _, _, err = get(t, c, dir, p.URL+"/feed"); err != nil {
		t.Error(err)
	}
	want(t, dir, "two!")
	if len(*waits) > 0 {
		t.Errorf("waited %v", *waits)
	}
}

func TestGetFailures(t *testing.T) {
	for _, test := range []struct {
		name  string
		do    func(p *publisher, r *Resource)
		error string // "" if it goes well in the end
		waits string
	}{
		{"cut off in the middle", func(p *publisher, _ *Resource) { p.cut = 4 }, "", "[1s]"},
		{"too many requests", func(p *publisher, _ *Resource) { p.fail, p.after = []int{429}, "7" }, "", "[7s]"},
		{"too many requests for long", func(p *publisher, _ *Resource) { p.fail, p.after = []int{429}, "7200" }, "wants to be asked again in 2h0m0s", "[]"},
		{"errors", func(p *publisher, _ *Resource) { p.fail = []int{500, 502} }, "", "[1s 2s]"},
		{"nothing but errors", func(p *publisher, _ *Resource) { p.fail = []int{500, 500, 500, 500, 500} }, "500 Internal Server Error", "[1s 2s 4s]"},
		{"not there", func(p *publisher, _ *Resource) { p.fail = []int{404} }, "404 Not Found", "[]"},
		{"forbidden", func(p *publisher, _ *Resource) { p.fail = []int{403} }, "403 Forbidden", "[]"},
		{"wrong digest", func(p *publisher, r *Resource) {
			p.digest = strings.Repeat("ab", 32) + "  feed"
			r.Digest = p.URL + "/feed.sha256"
		}, "the publisher says abab", "[]"},
		{"no digest", func(p *publisher, r *Resource) { p.digest, r.Digest = "<html>", p.URL+"/feed.sha256" }, "is no SHA-256", "[]"},
		{"digest", func(p *publisher, r *Resource) {
			sum := sha256.Sum256(p.body)
			p.digest, r.Digest = hex.EncodeToString(sum[:]), p.URL+"/feed.sha256"
		}, "", "[]"},
		{"another path", func(p *publisher, r *Resource) { r.URL = p.URL + "/moved" }, "", "[]"},
		{"another scheme", func(p *publisher, r *Resource) { r.URL = p.URL + "/away" }, "not the scheme that was asked for", "[]"},
		{"a file", func(p *publisher, r *Resource) { r.URL = p.URL + "/file" }, "not the scheme that was asked for", "[]"},
		{"a loop", func(p *publisher, r *Resource) { r.URL = p.URL + "/loop" }, "more than five times", "[]"},
		{"too large", func(p *publisher, r *Resource) { r.MaxSize = 5 }, "more than the 5 that are taken", "[]"},
		{"another name", func(p *publisher, r *Resource) { r.Name = "../feed" }, "leads out of its folder", "[]"},
		{"another kind of address", func(p *publisher, r *Resource) { r.URL = "file:///etc/passwd" }, "want https://host/path", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, dir := newPublisher(t, "the old bytes"), t.TempDir()
			c, waits := client()
			if _, _, err := get(t, c, dir, p.URL+"/feed"); err != nil {
				t.Fatal(err)
			}
			p.body, p.tag = []byte("the new bytes, and more"), `"2"`
			r := Resource{URL: p.URL + "/feed", Name: "feed"}
			test.do(p, &r)
			_, changed, err := c.Get(context.Background(), dir, r)
			if test.error == "" {
				if err != nil || !changed {
					t.Fatalf("%v, %v", changed, err)
				}
				want(t, dir, "the new bytes, and more")
			} else {
				if err == nil || !strings.Contains(err.Error(), test.error) {
					t.Fatalf("%v; want …%s…", err, test.error)
				}
				want(t, dir, "the old bytes")
				if _, ok := ReadState(filepath.Join(dir, "feed")); !ok {
					t.Error("the state of the old file is lost")
				}
			}
			if got := fmt.Sprint(*waits); got != test.waits {
				t.Errorf("waits %s; want %s", got, test.waits)
			}
		})
	}
}

func TestGetGoesOn(t *testing.T) {
	p, dir := newPublisher(t, "0123456789"), t.TempDir()
	c, _ := client()
	// The process ends in the middle: the next one has the part alone.
	p.cut = 4
	stop, cancel := context.WithCancel(context.Background())
	c.Sleep = func(context.Context, time.Duration) error { cancel(); return context.Canceled }
	if _, _, err := c.Get(stop, dir, Resource{URL: p.URL + "/feed", Name: "feed"}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	c, _ = client()
	if _, _, err := get(t, c, dir, p.URL+"/feed"); err != nil {
		t.Fatal(err)
	}
	want(t, dir, "0123456789")
	p.mu.Lock()
	last := p.asked[len(p.asked)-1]
	p.mu.Unlock()
	if last.Get("Range") != "bytes=4-" || last.Get("If-Range") != `"1"` {
		t.Errorf("asked %v", last)
	}

	// What was there is of other bytes: all of it comes again.
	p.mu.Lock() // a request that was cut off may still be at its end
	p.body, p.tag, p.cut = []byte("abcdefghij"), `"2"`, 4
	p.mu.Unlock()
	stop, cancel = context.WithCancel(context.Background())
	c.Sleep = func(context.Context, time.Duration) error { cancel(); return context.Canceled }
	c.Get(stop, dir, Resource{URL: p.URL + "/feed", Name: "feed"})
	p.mu.Lock()
	p.body, p.tag = []byte("klmnopqrst"), `"3"`
	p.mu.Unlock()
	c, _ = client()
	if _, _, err := get(t, c, dir, p.URL+"/feed"); err != nil {
		t.Fatal(err)
	}
	want(t, dir, "klmnopqrst")
}

// What came in part is no file, however little came, and the rest of another
// file is no rest.
func TestGetInPart(t *testing.T) {
	for _, test := range []struct{ name, tag, span, body string }{
		{"another file", `"2"`, "bytes 4-9/10", "456789"},
		{"not to the end", `"1"`, "bytes 4-5/10", "45"},
		{"from elsewhere", `"1"`, "bytes 5-9/10", "56789"},
		{"nothing said", `"1"`, "", "456789"},
	} {
		n := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			w.Header().Set("ETag", `"1"`)
			switch n {
			case 1: // cut off
				w.Header().Set("Content-Length", "10")
				w.Write([]byte("0123"))
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			case 2:
				if r.Header.Get("Range") != "bytes=4-" {
					t.Errorf("%s: asked for %q", test.name, r.Header.Get("Range"))
				}
				w.Header().Set("ETag", test.tag)
				w.Header().Set("Content-Range", test.span)
				w.WriteHeader(http.StatusPartialContent)
				w.Write([]byte(test.body))
			default:
				w.Write([]byte("abcdefghij"))
			}
		}))
		dir := t.TempDir()
		c, _ := client()
		if _, _, err := get(t, c, dir, s.URL+"/feed"); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		want(t, dir, "abcdefghij")
		s.Close()
	}
	// Cut off before the first byte.
	p, dir := newPublisher(t, "0123456789"), t.TempDir()
	c, _ := client()
	c.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
	part := filepath.Join(dir, "feed"+partEnding)
	os.WriteFile(part, nil, 0o600)
	writeState(part, State{URL: p.URL + "/feed", ETag: `"1"`})
	if _, ok := ReadState(part); ok {
		t.Error("a part has a state")
	}
}

// TestGetPassword: a password that stands in a URL is used, and written nowhere.
func TestGetPassword(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Write([]byte("0123456789"))
	}))
	defer s.Close()
	c, _ := client()
	dir := t.TempDir()
	address := strings.Replace(s.URL, "//", "//ann:secret@", 1) + "/feed"
	for _, wantChanged := range []bool{true, false} {
		if _, changed, err := get(t, c, dir, address); err != nil || changed != wantChanged {
			t.Fatalf("changed %v, %v", changed, err)
		}
	}
	_, _, err := get(t, c, dir, strings.Replace(address, "secret", "wrong", 1))
	if err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("error %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, file := range files {
		if text, _ := os.ReadFile(file); strings.Contains(string(text), "secret") {
			t.Errorf("%s has the password: %s", file, text)
		}
	}
	if len(files) < 2 {
		t.Errorf("files %v", files)
	}
}

func TestGetNobodyThere(t *testing.T) {
	p, dir := newPublisher(t, ""), t.TempDir()
	p.Close()
	c, waits := client()
	if _, _, err := get(t, c, dir, p.URL+"/feed"); err == nil || len(*waits) > 0 {
		t.Errorf("%v after waiting %v", err, *waits)
	}
}
