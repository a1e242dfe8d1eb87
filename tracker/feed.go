package tracker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"wontfix/internal/fetch"
)

// A Feed says how a publisher offers its documents over HTTP. Paths are
// relative to the address of the source.
type Feed struct {
	// Files are documents, or archives of documents. If Some, those that the
	// server does not have are passed over, as long as it has one.
	Files []string
	Some  bool
	// Latest is a file whose text is the name of the archive beside it, which
	// is then read, too: publishers put a date into its name.
	Latest string
	// Digest is what is added to the path of a file to get that of its digest,
	// such as ".sha256"; "" if there are none.
	Digest string
	// Changes is a CSV of paths of documents and the times of their last
	// changes, and Deletions one of paths that are gone. With them only what
	// has changed since the archive was made is fetched, a document at a time.
	Changes, Deletions string
	// Provider says that the address is that of a CSAF provider's metadata, or of
	// its web site; nothing else is set then.
	Provider bool
}

const (
	KindFeed = "feed" // files on a web server, kept in a folder
	KindFile = "file" // a document, or an archive of documents

	// maxDeltas is how many documents are fetched one by one; if more have
	// changed, the archive is fetched again.
	maxDeltas = 2000
	// maxMissing is how many documents of a list of changes may be missing at
	// least: some are taken back between the list and the fetch.
	maxMissing = 5
	// maxRefused is how many of them may be refused before the server is taken
	// for one that gives nothing.
	maxRefused = 5
	// maxDocument is the size in bytes above which a document is not read.
	maxDocument = 512 << 20
)

// A feedSource is what of a Source is about documents.
type feedSource struct {
	dir   string   // where files of a feed are kept
	paths []source // what is read, in order
	delta []delta  // documents that are newer than those of paths, the oldest first
	base  string   // the part of the cursor that stands for paths
	take  func(string) bool
}

// A source is a file or a folder that is read.
type source struct {
	path   string
	folder string // what is before the name of a document that is no archive's
}

// openFeed brings the files of a feed up to date and opens them.
func (s *Source) openFeed(ctx context.Context, source string, o Options) error {
	if o.Cache == "" {
		return errors.New("no cache folder for its files")
	}
	base, err := url.Parse(source)
	if err != nil {
		return err
	}
	if !s.spec.Feed.Provider && !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	digest := sha256.Sum256([]byte(base.String()))
	dir := filepath.Join(o.Cache, fmt.Sprintf("%s-%x.feed", s.spec.Name, digest[:8]))
	f := &feedSource{dir: dir, take: s.spec.Match}
	s.feed = f
	if !o.Offline {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		// Until the source is closed: who fetches takes away what is read here.
		if s.unlock, err = lock(ctx, dir+".lock", func() { s.meter.report("waiting for another fetch", 0, 0) }); err != nil {
			return err
		}
		c := &fetch.Client{Agent: o.Agent, HTTP: o.HTTP, Progress: func(name string, done, total int64) {
			s.meter.report("receiving "+path.Base(name), done, total)
		}}
		if err := s.download(ctx, c, base); err != nil {
			return err
		}
	}
	return s.openFiles(dir)
}

// download fetches what has changed.
func (s *Source) download(ctx context.Context, c *fetch.Client, base *url.URL) error {
	feed, dir := s.spec.Feed, s.feed.dir
	if feed.Provider {
		return s.downloadProvided(ctx, c, base)
	}
	resource := func(name string) fetch.Resource {
		r := fetch.Resource{URL: base.JoinPath(name).String(), Name: path.Join("files", name)}
		if feed.Digest != "" {
			r.Digest = r.URL + feed.Digest
		}
		return r
	}
	there := 0
	for i, name := range feed.Files {
		_, _, err := c.Get(ctx, dir, resource(name))
		if feed.Some && errors.Is(err, fetch.ErrGone) && (i < len(feed.Files)-1 || there > 0) {
			continue
		}
		if err != nil {
			return err
		}
		there++
	}
	if feed.Latest == "" {
		return nil
	}
	if feed.Changes != "" {
		done, err := s.downloadDeltas(ctx, c, base, maxDeltas)
		if done || err != nil {
			return err
		}
	}
	text, err := c.Text(ctx, base.JoinPath(feed.Latest).String(), 4096)
	if err != nil {
		return fmt.Errorf("%s: %w", base.JoinPath(feed.Latest), err)
	}
	name := strings.TrimSpace(string(text))
	if name == "" || strings.ContainsAny(name, "/\\\n") || strings.HasPrefix(name, ".") {
		return fmt.Errorf("%s: %.80q is no name of an archive", base.JoinPath(feed.Latest), name)
	}
	_, changed, err := c.Get(ctx, dir, resource(path.Join(path.Dir(feed.Latest), name)))
	if err != nil {
		return err
	}
	if !changed && feed.Changes != "" { // it has not been made anew since: what changed is not in it
		if done, err := s.downloadDeltas(ctx, c, base, math.MaxInt); done || err != nil {
			return err
		}
	}
	// Archives of earlier days, and what was fetched since then, are in it.
	old, err := os.ReadDir(filepath.Join(dir, "files"))
	if err != nil {
		return err
	}
	for _, e := range old {
		if e.Name() != name && e.Name() != name+".state" && !feed.has(e.Name()) {
			os.Remove(filepath.Join(dir, "files", e.Name()))
		}
	}
	// The list first: documents that no list names are as if they were not there.
	return errors.Join(removeIfThere(filepath.Join(dir, "deltas.json")), os.RemoveAll(filepath.Join(dir, "documents")))
}

// has reports whether a name is that of one of Files, or of what is kept beside
// it.
func (f *Feed) has(name string) bool {
	return slices.ContainsFunc(f.Files, func(file string) bool { return strings.HasPrefix(name, file) })
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openFiles opens what was fetched.
func (s *Source) openFiles(dir string) error {
	f, sum := s.feed, sha256.New()
	files := filepath.Join(dir, "files")
	err := filepath.WalkDir(files, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		state, ok := fetch.ReadState(name)
		if !ok {
			return nil
		}
		rel, err := filepath.Rel(files, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f.paths = append(f.paths, source{name, path.Dir(rel)})
		fmt.Fprintf(sum, "%q %s\n", rel, state.SHA256)
		if t := state.Modified(); t.After(s.info.Time) {
			s.info.Time = t.UTC()
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.delta, err = readDeltas(dir); err != nil {
		return err
	}
	if len(f.paths) == 0 && len(f.delta) == 0 {
		return fmt.Errorf("nothing of it in %s; fetch it once with the network on", dir)
	}
	s.refused = stillRefused(f.delta)
	f.base = fmt.Sprintf("feed:%x", sum.Sum(nil)[:12])
	last := time.Time{}
	for _, d := range f.delta {
		if d.Time.After(last) {
			last = d.Time
		}
	}
	s.cursor = f.base
	if len(f.delta) > 0 {
		s.cursor += "@" + strconv.Itoa(len(f.delta))
		s.info.Time = last
	}
	return nil
}

// openDocuments opens a folder or a file with documents.
func (s *Source) openDocuments(name string) error {
	s.feed = &feedSource{paths: []source{{path: name}}, take: s.spec.Match}
	sum := sha256.New()
	err := filepath.WalkDir(name, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		if t := info.ModTime().UTC().Truncate(time.Second); t.After(s.info.Time) {
			s.info.Time = t
		}
		return nil
	})
	s.cursor = fmt.Sprintf("dir:%x", sum.Sum(nil))
	return err
}
