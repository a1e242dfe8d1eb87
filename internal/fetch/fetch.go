// Package fetch brings files over HTTP into a folder and keeps them there: it
// asks only for what has changed, goes on where a transfer was cut off, waits
// when a server says so, and leaves the old file in place after any error.
package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Client fetches. The zero value is ready.
type Client struct {
	// HTTP makes the requests; nil means one that waits no longer than a
	// minute for an answer to begin. Its CheckRedirect is not used.
	HTTP *http.Client
	// Agent is the User-Agent.
	Agent string
	// Progress, if not nil, is called with how many bytes of a file have come,
	// of how many (0 if that is not known).
	Progress func(name string, done, total int64)

	// Sleep waits before another try; nil means for the time that it is given.
	Sleep func(context.Context, time.Duration) error

	made sync.Once
	own  *http.Client // what makes the requests
}

// A Resource is a file at a URL.
type Resource struct {
	URL  string
	Name string // in the folder; a path with slashes
	// MaxSize is the size in bytes above which it is refused; 0 means 4 GiB.
	MaxSize int64
	// Digest is the URL of a file whose first word is the SHA-256 or SHA-512
	// of it in hexadecimal, "" if there is none.
	Digest string
}

// A State is what is known of a file that was fetched.
type State struct {
	URL          string    `json:"url"` // without a password
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	SHA256       string    `json:"sha256"`
	Size         int64     `json:"size"`
	Fetched      time.Time `json:"fetched"` // when its bytes came
	Checked      time.Time `json:"checked"` // when the server last said that they are the latest
}

// Modified returns when the server says that the file was last changed, or
// else when it was fetched.
func (s *State) Modified() time.Time {
	if t, err := http.ParseTime(s.LastModified); err == nil {
		return t
	}
	return s.Fetched
}

const (
	tries       = 4
	longestWait = 2 * time.Minute
	stallLimit  = 2 * time.Minute
	defaultMax  = 4 << 30
	stateEnding = ".state"
	partEnding  = ".part"
)

// ErrGone is the error of a file that the server does not have.
var ErrGone = errors.New("not on the server")

// Get brings the file of r in a folder up to date. changed says that its bytes
// are others than before. After an error the file is what it was.
func (c *Client) Get(ctx context.Context, dir string, r Resource) (state State, changed bool, err error) {
	target, err := localName(dir, r.Name)
	if err != nil {
		return State{}, false, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return State{}, false, err
	}
	old, have := ReadState(target)
	if have && old.URL != Redacted(r.URL) {
		have = false
	}
	for try := 1; ; try++ {
		state, changed, err = c.once(ctx, target, r, old, have)
		var wait *waitError
		switch {
		case err == nil:
			return state, changed, nil
		case ctx.Err() != nil:
			return State{}, false, fmt.Errorf("%s: %w", Redacted(r.URL), context.Cause(ctx))
		case !errors.As(err, &wait), try == tries:
			return State{}, false, fmt.Errorf("%s: %w", Redacted(r.URL), err)
		}
		pause := max(wait.after, time.Second<<(try-1))
		if pause > longestWait {
			return State{}, false, fmt.Errorf("%s: %w; it wants to be asked again in %v", Redacted(r.URL), err, pause)
		}
		if err := c.sleep(ctx, pause); err != nil {
			return State{}, false, fmt.Errorf("%s: %w", Redacted(r.URL), err)
		}
	}
}

// A waitError is one after which another try may help.
type waitError struct {
	error
	after time.Duration
}

func (e *waitError) Unwrap() error { return e.error }

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ReadState returns what is known of a file, if it is still as it was fetched.
// Nothing is known of one that has come in part.
func ReadState(file string) (State, bool) {
	var s State
	if strings.HasSuffix(file, partEnding) {
		return s, false
	}
	text, err := os.ReadFile(file + stateEnding)
	if err != nil || json.Unmarshal(text, &s) != nil {
		return State{}, false
	}
	info, err := os.Stat(file)
	return s, err == nil && info.Size() == s.Size
}

// localName returns where a file is kept. Names come from servers: none leads
// out of the folder.
func localName(dir, name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("file name %q: leads out of its folder", name)
	}
	return filepath.Join(dir, filepath.FromSlash(name)), nil
}

func (c *Client) client() *http.Client {
	c.made.Do(func() {
		if c.HTTP == nil {
			t := http.DefaultTransport.(*http.Transport).Clone()
			t.ResponseHeaderTimeout = time.Minute
			t.IdleConnTimeout = 10 * time.Second
			c.own = &http.Client{Transport: t, CheckRedirect: sameScheme}
			return
		}
		own := *c.HTTP
		own.CheckRedirect = sameScheme
		c.own = &own
	})
	return c.own
}

var errStalled = fmt.Errorf("nothing came for %v", stallLimit)

var errRedirect = errors.New("answer: sends us on")

// sameScheme refuses to be sent from https to http, or to a file.
func sameScheme(req *http.Request, via []*http.Request) error {
	if first := via[0].URL; req.URL.Scheme != first.Scheme {
		return fmt.Errorf("%w to %s: not the scheme that was asked for", errRedirect, Redacted(req.URL.String()))
	}
	if len(via) >= 5 {
		return fmt.Errorf("%w more than five times", errRedirect)
	}
	return nil
}

// Redacted returns a URL with the password in it hidden; what is no URL, such as
// the name of a file, as it is.
func Redacted(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		return u.Redacted()
	}
	return s
}

// once asks once.
func (c *Client) once(ctx context.Context, target string, r Resource, old State, have bool) (State, bool, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stallLimit, func() { cancel(errStalled) })
	defer stalled.Stop()
	req, err := c.request(ctx, r.URL)
	if err != nil {
		return State{}, false, err
	}
	part := target + partEnding
	begun, resume := partial(part, r.URL)
	switch {
	case resume:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", begun.Size))
		req.Header.Set("If-Range", begun.ETag)
	case have && old.ETag != "":
		req.Header.Set("If-None-Match", old.ETag)
	case have && old.LastModified != "":
		req.Header.Set("If-Modified-Since", old.LastModified)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return State{}, false, transient(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		begun.Size = 0
	case http.StatusPartialContent:
		span := resp.Header.Get("Content-Range")
		from, end, total := readRange(span)
		tag := resp.Header.Get("ETag")
		if !resume || from != begun.Size || end != total-1 || tag != "" && tag != begun.ETag {
			os.Remove(part)
			return State{}, false, &waitError{error: fmt.Errorf("answer: %q of %q, not the rest of %q from byte %d", span, tag, begun.ETag, begun.Size)}
		}
	case http.StatusNotModified:
		if !have {
			return State{}, false, fmt.Errorf("answer: %s to a question without a condition", resp.Status)
		}
		old.Checked = time.Now().UTC().Truncate(time.Second)
		return old, false, writeState(target, old)
	case http.StatusRequestedRangeNotSatisfiable:
		os.Remove(part)
		return State{}, false, &waitError{error: fmt.Errorf("answer: %s", resp.Status)}
	case http.StatusNotFound, http.StatusGone:
		return State{}, false, fmt.Errorf("answer: %s: %w", resp.Status, ErrGone)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return State{}, false, &waitError{fmt.Errorf("answer: %s", resp.Status), retryAfter(resp.Header.Get("Retry-After"))}
	default:
		return State{}, false, fmt.Errorf("answer: %s", resp.Status)
	}
	state := State{URL: Redacted(r.URL), ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified"), Size: begun.Size}
	if begun.Size > 0 { // the rest need not say again what it is the rest of
		state.ETag, state.LastModified = begun.ETag, begun.LastModified
	}
	if err := c.receive(resp, part, r, &state, func() { stalled.Reset(stallLimit) }); err != nil {
		if context.Cause(ctx) == errStalled {
			err = &waitError{error: fmt.Errorf("answer: %w", errStalled)}
		}
		return State{}, false, err
	}
	stalled.Stop()
	if state.SHA256, err = digestOf(part); err != nil {
		return State{}, false, err
	}
	if r.Digest != "" {
		if err := c.verify(ctx, part, r.Digest); err != nil {
			os.Remove(part)
			os.Remove(part + stateEnding)
			return State{}, false, err
		}
	}
	state.Fetched = time.Now().UTC().Truncate(time.Second)
	state.Checked = state.Fetched
	if err := os.Rename(part, target); err != nil {
		return State{}, false, err
	}
	os.Remove(part + stateEnding)
	return state, !have || state.SHA256 != old.SHA256, writeState(target, state)
}

func (c *Client) request(ctx context.Context, address string) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("not an address of a web server: want https://host/path")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.Agent)
	// What is kept are the bytes that the digest and the range are of.
	req.Header.Set("Accept-Encoding", "identity")
	return req, nil
}

// receive appends the body to the part, and calls alive as bytes come. What has
// come stays for the next try.
func (c *Client) receive(resp *http.Response, part string, r Resource, state *State, alive func()) error {
	limit := r.MaxSize
	if limit == 0 {
		limit = defaultMax
	}
	total := int64(0)
	if resp.ContentLength >= 0 {
		total = state.Size + resp.ContentLength
	}
	if total > limit {
		return fmt.Errorf("answer: %d bytes, more than the %d that are taken", total, limit)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if state.Size == 0 {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(part, flags, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := writeState(part, *state); err != nil {
		return err
	}
	w := &counter{w: f, n: state.Size, total: total, report: func(done, total int64) {
		alive()
		if c.Progress != nil {
			c.Progress(r.Name, done, total)
		}
	}}
	_, err = io.Copy(w, io.LimitReader(resp.Body, limit-state.Size+1))
	state.Size = w.n
	if state.Size > limit {
		f.Close()
		os.Remove(part)
		return fmt.Errorf("answer: more than the %d bytes that are taken", limit)
	}
	if err == nil && total > 0 && w.n != total {
		err = io.ErrUnexpectedEOF
	}
	if w.err != nil {
		return w.err // the disk, which no other try helps
	}
	if err != nil {
		return &waitError{error: fmt.Errorf("answer: cut off after %d bytes: %w", w.n, err)}
	}
	return f.Sync()
}

// A counter counts what is written.
type counter struct {
	w        io.Writer
	n, total int64
	err      error
	report   func(done, total int64)
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	c.err = err
	c.report(c.n, c.total)
	return n, err
}

// partial returns the state of a file that has come in part, and whether the
// server can be asked for the rest.
func partial(part, address string) (State, bool) {
	var s State
	text, err := os.ReadFile(part + stateEnding)
	if err != nil || json.Unmarshal(text, &s) != nil || s.URL != Redacted(address) || s.ETag == "" || strings.HasPrefix(s.ETag, "W/") {
		return State{}, false // a weak tag says nothing of single bytes
	}
	info, err := os.Stat(part)
	if err != nil || info.Size() == 0 {
		return State{}, false
	}
	s.Size = info.Size()
	return s, true
}

func writeState(file string, s State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	next := file + stateEnding + ".next"
	if err := os.WriteFile(next, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(next, file+stateEnding)
}

// readRange returns the first and the last byte of an answer, and how many the
// whole file has; −1 for all if it does not say.
func readRange(s string) (from, end, total int64) {
	if n, err := fmt.Sscanf(s, "bytes %d-%d/%d", &from, &end, &total); n != 3 || err != nil {
		return -1, -1, -1
	}
	return from, end, total
}

// retryAfter reads seconds or a date.
func retryAfter(s string) time.Duration {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < 1e6 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}

// transient reports an error of the connection as one to try again after. A
// redirect that was refused is not one, and neither is a server that is not
// there: a machine without a network should hear so at once.
func transient(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.Is(err, errRedirect) || errors.As(err, &op) && op.Op == "dial" {
		return err
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the server hung up without an answer")
	}
	return &waitError{error: err}
}

func digestOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
