package tracker

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"

	"wontfix"
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
