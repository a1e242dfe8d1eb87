package tracker

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync"

	"wontfix"
)

// Changes returns what became of the tracker's entries since the reading with
// the given cursor, in order of path. With an empty cursor, or one that this
// source knows nothing of, full is true and the sequence has every entry;
// entries that it does not have are no longer there. Otherwise it has only
// those that differ: an entry that was moved is one change with its new File,
// one that is gone has a nil Entry and the File where it was.
//
// A file that cannot be read (too large, a symbolic link, an object that the
// repository lacks) is a change with a nil Entry and a problem that says why.
// An error ends the sequence: what came before it is sound but not all.
//
// A plain folder has no history: it is read in full unless nothing in it has
// changed.
func (s *Source) Changes(ctx context.Context, since string) (changes iter.Seq2[wontfix.Change, error], full bool, err error) {
	if since == s.cursor {
		return func(func(wontfix.Change, error) bool) {}, false, nil
	}
	if s.spec.Read != nil {
		changes, full := s.documents(ctx, since)
		return changes, full, nil
	}
	items, full := s.items, true
	if commit, ok := strings.CutPrefix(since, "git:"); ok && s.git != nil && isObjectID(commit) {
		// A tree is enough: the commits need not be related, so a history
		// that was rewritten costs nothing as long as the old commit is here.
		if old, now, err := s.itemsSince(ctx, commit); err == nil {
			items, full = changed(old, now), false
		} else if ctx.Err() != nil {
			return nil, false, fmt.Errorf("%s: %w", s.name, context.Cause(ctx))
		}
	}
	return s.read(ctx, items), full, nil
}

const (
	chunkFiles = 32        // files that one goroutine reads in a row
	partBytes  = 256 << 10 // text after which it hands them on
)

// A part is a piece of a chunk.
type part struct {
	changes []wontfix.Change
	last    bool // of its chunk
	err     error
}

// A texts returns the texts of items, in the order in which they were asked for.
type texts interface {
	// next returns the text of an item, or why it has none.
	next(it *item) (text []byte, why string, err error)
	close() error
}

// read reads and parses the items on all cores. Goroutine k of n has the
// chunks k, k+n, k+2n, … and hands them on through a short channel, so that
// order is kept and memory bounded whatever the speed of the consumer.
func (s *Source) read(ctx context.Context, items []item) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		chunks := (len(items) + chunkFiles - 1) / chunkFiles
		n := min(runtime.GOMAXPROCS(0), chunks)
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		parts := make([]chan part, n)
		for k := range n {
			parts[k] = make(chan part, 2)
			var own [][]item
			for c := k; c < chunks; c += n {
				own = append(own, items[c*chunkFiles:min((c+1)*chunkFiles, len(items))])
			}
			wg.Go(func() { s.work(ctx, own, parts[k]) })
		}
		done := 0
		for c := range chunks {
			for last := false; !last; {
				p, ok := <-parts[c%n]
				if !ok {
					p.err = context.Cause(ctx)
				}
				for _, change := range p.changes {
					if !yield(change, nil) {
						return
					}
				}
				if p.err != nil {
					yield(wontfix.Change{}, fmt.Errorf("%s: %w", s.name, p.err))
					return
				}
				last = p.last
				done += len(p.changes)
				s.meter.report("reading", int64(done), int64(len(items)))
			}
		}
	}
}

// work reads the chunks, sends them and closes out. The last part that it
// sends has an error, or ends the last chunk, unless the context is over.
func (s *Source) work(ctx context.Context, chunks [][]item, out chan<- part) {
	defer close(out)
	send := func(p part) bool {
		select {
		case out <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	src, err := s.texts(ctx, chunks)
	if err != nil {
		send(part{err: err})
		return
	}
	defer src.close() // every answer that is wanted has come: what else git may say does not matter
	for _, chunk := range chunks {
		var p part
		size := 0
		for i := range chunk {
			change, err := s.change(src, &chunk[i])
			if err != nil {
				p.err = err
				send(p)
				return
			}
			p.changes = append(p.changes, change)
			if size += len(change.Text); size >= partBytes {
				if !send(p) {
					return
				}
				p, size = part{}, 0
			}
		}
		p.last = true
		if !send(p) {
			return
		}
	}
}

// change reads and parses one item.
func (s *Source) change(src texts, it *item) (wontfix.Change, error) {
	c := wontfix.Change{File: it.path, ID: it.id}
	switch {
	case it.gone:
	case it.kind != regular:
		c.Problems = append(c.Problems, problem(it.path, "entry is a %s; want a regular file", it.kind))
	default:
		text, why, err := src.next(it)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return c, err
		}
		if why != "" {
			c.Problems = append(c.Problems, problem(it.path, "%s", why))
		} else {
			c = s.spec.Parse(it.path, text)
			c.File, c.ID = it.path, it.id
			if c.Entry != nil {
				c.Text = text
			}
		}
	}
	for _, other := range it.others {
		c.Problems = append(c.Problems, problem(other, "entry is a second one of %s; %s counts", it.id, it.path))
	}
	return c, nil
}
