package tracker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"wontfix"
	"wontfix/internal/fetch"
)

// A Document is one file of a publisher that does not keep a file for each
// vulnerability.
type Document struct {
	File string // path in the feed
	Text []byte
}

// A Reader makes entries out of all documents of a publisher. An entry that
// shares its file with others has File set to the path, a # and its ID; its
// statements have the path alone.
type Reader func(docs iter.Seq2[Document, error]) iter.Seq2[wontfix.Change, error]

// A Parser yields the entries of one document. Its error is one with the
// whole document.
type Parser func(file string, text []byte) iter.Seq2[wontfix.Change, error]

// Each returns a Reader for documents that have the entries of their
// vulnerabilities to themselves. It parses them on all cores and keeps none.
func Each(parse Parser) Reader {
	return func(docs iter.Seq2[Document, error]) iter.Seq2[wontfix.Change, error] {
		return func(yield func(wontfix.Change, error) bool) {
			type result struct {
				changes []wontfix.Change
				err     error
			}
			pending := make(chan chan result, 2*runtime.GOMAXPROCS(0))
			stop := make(chan struct{})
			var wg sync.WaitGroup
			defer wg.Wait()
			defer close(stop)
			wg.Go(func() {
				defer close(pending)
				for doc, err := range docs {
					one := make(chan result, 1)
					select {
					case pending <- one:
					case <-stop:
						return
					}
					if err != nil {
						one <- result{err: err}
						return
					}
					wg.Go(func() {
						var r result
						for c := range changesOf(doc, parse) {
							r.changes = append(r.changes, c)
						}
						for i := 1; i < len(r.changes); i++ {
							share(&r.changes[i])
						}
						one <- r
					})
				}
			})
			for one := range pending {
				r := <-one
				for _, c := range r.changes {
					if !yield(c, nil) {
						return
					}
				}
				if r.err != nil {
					yield(wontfix.Change{}, r.err)
					return
				}
			}
		}
	}
}

// Merged returns a Reader for documents that speak of many vulnerabilities
// each, and of one vulnerability in several documents, as advisories do.
// Entries with the same ID become one.
func Merged(parse Parser) Reader {
	return func(docs iter.Seq2[Document, error]) iter.Seq2[wontfix.Change, error] {
		return func(yield func(wontfix.Change, error) bool) {
			byID := map[string]*wontfix.Change{}
			var order []string
			for doc, err := range docs {
				if err != nil {
					yield(wontfix.Change{}, err)
					return
				}
				for c := range changesOf(doc, parse) {
					old, ok := byID[c.ID]
					switch {
					case c.Entry == nil:
						if !yield(c, nil) {
							return
						}
					case ok:
						merge(old.Entry, c.Entry)
						old.Problems = append(old.Problems, c.Problems...)
					default:
						order = append(order, c.ID)
						c.Text = nil
						byID[c.ID] = &c
					}
				}
			}
			for _, id := range order {
				c := byID[id]
				share(c)
				if !yield(*c, nil) {
					return
				}
			}
		}
	}
}

// changesOf yields what a parser makes of a document. One that cannot be read
// is a change without an entry. Files are filled in where the parser leaves
// them open.
func changesOf(doc Document, parse Parser) iter.Seq[wontfix.Change] {
	return func(yield func(wontfix.Change) bool) {
		for c, err := range parse(doc.File, doc.Text) {
			if err != nil {
				p, ok := err.(wontfix.Problem)
				if !ok {
					p = problem(doc.File, "%s", strings.TrimPrefix(err.Error(), doc.File+": "))
				}
				yield(wontfix.Change{File: doc.File, Problems: []wontfix.Problem{p}})
				return
			}
			if e := c.Entry; e != nil {
				if e.File == "" {
					e.File = doc.File
				}
				c.ID, c.File = e.ID, e.File
				for i := range e.Statements {
					s := &e.Statements[i]
					s.ID, s.Published = e.ID, e.PublishedAt()
					if s.File == "" {
						s.File = doc.File
					}
				}
			}
			if !yield(c) {
				return
			}
		}
	}
}

// share gives an entry that shares its file with others a name of its own.
func share(c *wontfix.Change) {
	if c.Entry != nil && !strings.Contains(c.Entry.File, "#") {
		c.Entry.File += "#" + c.ID
		c.File = c.Entry.File
	}
}

// merge adds to e what another document says about the same vulnerability.
func merge(e, other *wontfix.Entry) {
	fill := func(to *string, from string) {
		if *to == "" {
			*to = from
		}
	}
	fill(&e.Published, other.Published)
	fill(&e.Withdrawn, other.Withdrawn)
	fill(&e.Description, other.Description)
	fill(&e.VendorText, other.VendorText)
	fill(&e.Mitigation, other.Mitigation)
	fill(&e.Priority.Word, other.Priority.Word)
	e.Aliases = union(e.Aliases, other.Aliases)
	e.References = union(e.References, other.References)
	e.Bugs = union(e.Bugs, other.Bugs)
	e.Notes = union(e.Notes, other.Notes)
	e.CVSS = union(e.CVSS, other.CVSS)
	e.Statements = append(e.Statements, other.Statements...)
	for i := range e.Statements {
		e.Statements[i].Published = e.PublishedAt()
	}
}

// union returns a with what of b it does not have.
func union[T comparable](a, b []T) []T {
	have := make(map[T]bool, len(a))
	for _, x := range a {
		have[x] = true
	}
	for _, x := range b {
		if !have[x] {
			have[x] = true
			a = append(a, x)
		}
	}
	return a
}

// finish makes of what a reader yields what is kept: the tracker's name is in
// each entry, and the text is what Decode reads, if the reader gives none.
func finish(name string, changes iter.Seq2[wontfix.Change, error]) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		for c, err := range changes {
			if e := c.Entry; err == nil && e != nil {
				e.Tracker = name
				if c.Text == nil {
					if c.Text, err = Encode(e); err == nil && len(c.Text) > maxFile {
						c.Problems = append(c.Problems, problem(c.File, "%d bytes for one vulnerability, more than the %d that are kept", len(c.Text), maxFile))
						c.Entry, c.Text = nil, nil
					}
				}
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Shrunk passes on the changes of a whole reading, and ends with an error if
// there are far fewer entries than before: a publisher's broken export is not
// to take the place of a good one.
func Shrunk(before int, changes iter.Seq2[wontfix.Change, error]) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		n := 0
		for c, err := range changes {
			if !yield(c, err) || err != nil {
				return
			}
			if c.Entry != nil {
				n++
			}
		}
		if 10*n < 9*before {
			yield(wontfix.Change{}, fmt.Errorf("the publisher has %d entries, and had %d before: too few to be true; --full takes them all the same", n, before))
		}
	}
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
