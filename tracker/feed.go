package tracker

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"wontfix"
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

// A delta is a document that was fetched by itself.
type delta struct {
	Path string    `json:"path"`
	Time time.Time `json:"time"`
	Gone bool      `json:"gone,omitempty"`
	// Refused is why the publisher did not give it; it is asked for again the
	// next time.
	Refused string `json:"refused,omitempty"`
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
		unlock, err := lock(ctx, dir+".lock", func() { s.meter.report("waiting for another fetch", 0, 0) })
		if err != nil {
			return err
		}
		defer unlock()
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

// downloadDeltas fetches the documents that have changed since the archive was
// made. It reports whether that was possible: there is an archive, and no more of
// them than limit.
func (s *Source) downloadDeltas(ctx context.Context, c *fetch.Client, base *url.URL, limit int) (bool, error) {
	feed, dir := s.spec.Feed, s.feed.dir
	since, ok := archived(filepath.Join(dir, "files"), feed)
	if !ok {
		return false, nil
	}
	have, err := readDeltas(dir)
	if err != nil {
		return false, nil // the archive has it all again
	}
	type change struct {
		path string
		time time.Time
		gone bool
	}
	known, refused := map[change]bool{}, map[change]delta{}
	for _, d := range have {
		k := change{d.Path, d.Time, d.Gone}
		known[k] = true
		if k.gone = false; d.Refused != "" {
			refused[k] = d
		} else {
			delete(refused, k)
		}
		if d.Time.After(since) {
			since = d.Time
		}
	}
	var news []delta
	for _, d := range refused {
		d.Refused = ""
		news = append(news, d)
	}
	for _, list := range []struct {
		name string
		gone bool
	}{{feed.Changes, false}, {feed.Deletions, true}} {
		if list.name == "" {
			continue
		}
		r := fetch.Resource{URL: base.JoinPath(list.name).String(), Name: path.Base(list.name), MaxSize: 256 << 20}
		if _, _, err := c.Get(ctx, dir, r); err != nil {
			return false, err
		}
		some, err := changedSince(filepath.Join(dir, path.Base(list.name)), since, list.gone)
		if err != nil {
			return false, fmt.Errorf("%s: %w", r.URL, err)
		}
		news = append(news, slices.DeleteFunc(some, func(d delta) bool {
			return known[change{d.Path, d.Time, d.Gone}] || known[change{d.Path, d.Time, true}] // or found to be gone
		})...)
	}
	if len(have)+len(news) > limit {
		return false, nil
	}
	// The oldest first: what was fetched when the run is cut off is kept, and
	// the next one goes on behind it.
	slices.SortStableFunc(news, func(a, b delta) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Path, b.Path))
	})
	missing, failed := 0, 0
	for i := range news {
		d := &news[i]
		s.meter.report("receiving documents", int64(i), int64(len(news)))
		if !d.Gone && s.spec.Match(d.Path) {
			_, _, err := c.Get(ctx, dir, fetch.Resource{URL: base.JoinPath(path.Dir(feed.Changes), d.Path).String(), Name: path.Join("documents", d.Path), MaxSize: maxDocument})
			if errors.Is(err, fetch.ErrGone) {
				d.Gone, err = true, nil
				if missing++; missing > max(maxMissing, len(news)/10) {
					return false, fmt.Errorf("%s: %d of the documents that it names are not on the server: not a list of what there is", base.JoinPath(feed.Changes), missing)
				}
			}
			if err != nil {
				if failed++; failed > maxRefused || ctx.Err() != nil {
					return false, errors.Join(err, writeDeltas(dir, have))
				}
				d.Refused = err.Error()
			}
		}
		if _, before := refused[change{d.Path, d.Time, false}]; before && d.Refused != "" {
			continue // it stands there already
		}
		have = append(have, *d)
	}
	return true, writeDeltas(dir, have)
}

// archived returns the time from which on changes may not be in the archive
// that is there: it is a day old when it is put on the server, at the most.
func archived(dir string, feed *Feed) (since time.Time, ok bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return time.Time{}, false
	}
	for _, e := range entries {
		if feed.has(e.Name()) {
			continue
		}
		if s, ok := fetch.ReadState(filepath.Join(dir, e.Name())); ok {
			return s.Modified().Add(-24 * time.Hour), true
		}
	}
	return time.Time{}, false
}

// changedSince reads a CSV of paths and times and returns the rows of that time
// and of later ones.
func changedSince(file string, since time.Time, gone bool) ([]delta, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReader(f))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	var list []delta
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if len(row) < 2 {
			return nil, fmt.Errorf("line %d: %d fields; want a path and a time", line, len(row))
		}
		t, err := time.Parse(time.RFC3339, row[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if t.Before(since) {
			continue
		}
		name := strings.Clone(row[0])
		if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
			return nil, fmt.Errorf("line %d: path %q leads out of the feed", line, name)
		}
		list = append(list, delta{Path: name, Time: t.UTC(), Gone: gone})
	}
}

// stillRefused returns the documents that no later change of the same name has
// brought.
func stillRefused(deltas []delta) (problems []wontfix.Problem) {
	last := map[string]delta{}
	for _, d := range deltas {
		last[d.Path] = d
	}
	for _, d := range deltas {
		if d.Refused != "" && last[d.Path] == d {
			problems = append(problems, wontfix.Problem{File: d.Path, Text: "not received, and asked for again next time; what was there before stays: " + d.Refused})
		}
	}
	return problems
}

func readDeltas(dir string) ([]delta, error) {
	text, err := os.ReadFile(filepath.Join(dir, "deltas.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []delta
	return list, json.Unmarshal(text, &list)
}

func writeDeltas(dir string, list []delta) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	next := filepath.Join(dir, "deltas.json.next")
	if err := os.WriteFile(next, text, 0o644); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(dir, "deltas.json"))
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

// documents returns the changes of a tracker that is made of documents.
func (s *Source) documents(ctx context.Context, since string) (iter.Seq2[wontfix.Change, error], bool) {
	f := s.feed
	if f != nil && f.base != "" {
		if after, ok := strings.CutPrefix(since, f.base); ok {
			n, err := 0, error(nil)
			if count, ok := strings.CutPrefix(after, "@"); ok {
				n, err = strconv.Atoi(count)
			}
			// Of what a provider has, several documents may speak of one
			// vulnerability, and all of them have to be read.
			whole := s.spec.Feed != nil && s.spec.Feed.Provider && n < len(f.delta)
			if err == nil && n >= 0 && n <= len(f.delta) && !whole {
				return s.deltas(n), false
			}
		}
	}
	return some(finish(s.spec.Name, s.spec.Read(s.allDocuments(ctx)))), true
}

// some passes changes on, and ends with an error if there is no entry among
// them: a wrong source is not to be taken for a tracker whose entries are all
// gone.
func some(changes iter.Seq2[wontfix.Change, error]) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		entries := false
		var first *wontfix.Problem
		for c, err := range changes {
			entries = entries || c.Entry != nil
			if first == nil && len(c.Problems) > 0 {
				first = &c.Problems[0]
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
		switch {
		case entries:
		case first != nil:
			yield(wontfix.Change{}, fmt.Errorf("no entry in any document: %w", *first))
		default:
			yield(wontfix.Change{}, errors.New("no document with an entry in it"))
		}
	}
}

// deltas yields what changed after the first n changes, which come in the order
// in which they were fetched.
func (s *Source) deltas(n int) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		last := map[string]delta{}
		for _, d := range s.feed.delta[n:] {
			if d.Refused == "" {
				last[d.Path] = d
			}
		}
		docs := func(yield func(Document, error) bool) {
			for _, d := range s.feed.delta[n:] {
				if last[d.Path] != d || d.Gone || d.Refused != "" || !s.feed.take(d.Path) {
					continue
				}
				text, err := os.ReadFile(filepath.Join(s.feed.dir, "documents", filepath.FromSlash(d.Path)))
				if !yield(Document{d.Path, text}, err) || err != nil {
					return
				}
			}
		}
		for c, err := range finish(s.spec.Name, s.spec.Read(docs)) {
			if !yield(c, err) || err != nil {
				return
			}
		}
		for name, d := range last {
			if d.Gone && !yield(wontfix.Change{File: name, ID: idOf(name)}, nil) {
				return
			}
		}
	}
}

// idOf returns the ID that the name of a document stands for.
func idOf(name string) string {
	b := path.Base(name)
	return strings.ToUpper(strings.TrimSuffix(b, path.Ext(b)))
}

// allDocuments yields every document.
func (s *Source) allDocuments(ctx context.Context) iter.Seq2[Document, error] {
	if s.git != nil {
		return s.gitDocuments(ctx)
	}
	return func(yield func(Document, error) bool) {
		f := s.feed
		newer := map[string]delta{}
		for _, d := range f.delta {
			if d.Refused == "" {
				newer[d.Path] = d
			}
		}
		n := 0
		stop := errors.New("stopped")
		one := func(name string, text []byte, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			n++
			s.meter.report("reading", int64(n), 0)
			if !yield(Document{name, text}, err) || err != nil {
				return stop
			}
			return nil
		}
		for _, p := range f.paths {
			for file, err := range fetch.Files(p.path, f.take, fetch.Limits{FileSize: maxDocument}) {
				if _, ok := newer[file.Name]; ok && err == nil {
					continue
				}
				if p.folder != "" && !fetch.IsArchive(p.path) {
					file.Name = path.Join(p.folder, file.Name)
				}
				if one(file.Name, file.Text, err) != nil {
					return
				}
			}
		}
		for _, d := range f.delta {
			if newer[d.Path] != d || d.Gone || !f.take(d.Path) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(f.dir, "documents", filepath.FromSlash(d.Path)))
			if one(d.Path, text, err) != nil {
				return
			}
		}
	}
}

// gitDocuments yields the documents of a commit.
func (s *Source) gitDocuments(ctx context.Context) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		var oids bytes.Buffer
		for i := range s.items {
			oids.WriteString(s.items[i].oid + "\n")
		}
		b, err := s.git.blobs(ctx, &oids)
		if err != nil {
			yield(Document{}, err)
			return
		}
		defer b.close()
		for i := range s.items {
			it := &s.items[i]
			s.meter.report("reading", int64(i), int64(len(s.items)))
			doc, err := readDocument(b.out, it)
			if err != nil {
				err = b.failed(err)
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// readDocument reads git cat-file's answer for a document, which may be larger
// than an entry.
func readDocument(r *bufio.Reader, it *item) (Document, error) {
	kind, size, err := readHeader(r, it.oid)
	switch {
	case err != nil:
		return Document{}, err
	case kind != "blob" || size > maxDocument:
		return Document{}, fmt.Errorf("%s: a %s of %d bytes; want a file of at most %d", it.path, printable(kind), size, maxDocument)
	}
	text := make([]byte, size+1)
	if _, err := io.ReadFull(r, text); err != nil {
		return Document{}, fmt.Errorf("git cat-file: object %s: %v", it.oid, err)
	}
	return Document{it.path, text[:size]}, nil
}
