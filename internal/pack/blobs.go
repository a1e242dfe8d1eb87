package pack

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
)

const (
	blobCache  = 20 << 20  // bytes of bases that a worker keeps from group to group
	blobChunk  = 2048      // blobs, about, that a worker takes at once
	blobShare  = 16        // of few each worker has its share in so many parts
	groupLimit = 256 << 20 // bytes of the texts of one group
)

// Blobs calls fn once for each group, from several goroutines (GOMAXPROCS) at
// once, in the order that is fastest to read, with the texts of its blobs in
// the order asked for. Texts are valid until fn returns, and may share memory:
// fn must not write to them. A blob that is missing, damaged, not a blob or
// larger than MaxBlob has a nil text and errs[i] says why; one that is empty
// has a text that is not nil. An error that fn returns ends the work and is
// returned.
//
// A group should be the versions of one file, which mostly are deltas of each
// other: all of a group is in memory at once. When its texts exceed 256 MB the
// blobs from there on are ErrTooLarge, in the order of the pack.
func (r *Repository) Blobs(ctx context.Context, groups [][]ID, fn func(group int, texts [][]byte, errs []error) error) error {
	order, err := r.readingOrder(ctx, groups)
	if err != nil {
		return err
	}
	all := 0
	for _, ids := range groups {
		all += len(ids)
	}
	most := min(blobChunk, all/(blobShare*runtime.GOMAXPROCS(0)))
	var starts []int // in order, of each chunk
	n := most
	for i, o := range order {
		if n >= most {
			starts, n = append(starts, i), 0
		}
		n += len(groups[o.group])
	}
	return r.work(ctx, len(starts), blobCache, func(rd *reader) func(ctx context.Context, chunk int) error {
		g := grouper{reader: rd}
		return func(ctx context.Context, chunk int) error {
			end := len(order)
			if chunk+1 < len(starts) {
				end = starts[chunk+1]
			}
			for _, o := range order[starts[chunk]:end] {
				if err := g.read(ctx, groups[o.group]); err != nil {
					return err
				}
				err := fn(o.group, g.texts, g.errs)
				g.release()
				if err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// A placed is a group with the place of its first blob.
type placed struct {
	key   key
	group int
}

// readingOrder returns the groups in order of where their first blob is.
func (r *Repository) readingOrder(ctx context.Context, groups [][]ID) ([]placed, error) {
	rd := newReader(r, 0)
	order := make([]placed, len(groups))
	for i, ids := range groups {
		order[i].group = i
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if len(ids) > 0 {
			order[i].key, _, _ = rd.locate(&ids[0])
		}
	}
	slices.SortFunc(order, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.group, b.group))
	})
	return order, nil
}

// A grouper reads groups of blobs. It is for one goroutine.
type grouper struct {
	*reader
	texts [][]byte
	errs  []error
	made  []*made
	todo  []placed // blobs in packs, and their index in the group
}

// read leaves a group in texts and errs, until release. Its blobs are made in
// the order of the pack, where bases mostly come before what needs them.
func (g *grouper) read(ctx context.Context, ids []ID) error {
	g.texts = append(g.texts[:0], make([][]byte, len(ids))...)
	g.errs = append(g.errs[:0], make([]error, len(ids))...)
	g.todo = g.todo[:0]
	size, total := g.Repository.size, 0
	for i := range ids {
		k, ok, err := g.locate(&ids[i])
		switch {
		case err != nil:
			g.errs[i] = fmt.Errorf("blob %s: %w", ids[i].Hex(size), err)
		case ok:
			g.todo = append(g.todo, placed{k, i})
		default:
			var kind Kind
			var text []byte
			if kind, text, err = g.loose(&ids[i]); err == nil {
				total += len(text)
			}
			g.set(&ids[i], i, kind, text, total, err)
		}
	}
	slices.SortFunc(g.todo, func(a, b placed) int { return cmp.Compare(a.key, b.key) })
	for n, t := range g.todo {
		if n%64 == 0 && ctx.Err() != nil {
			g.release()
			return context.Cause(ctx)
		}
		if total+g.pinned > groupLimit {
			g.set(&ids[t.group], t.group, Blob, nil, total+g.pinned, nil)
			continue
		}
		m, err := g.make(t.key)
		if err != nil {
			g.set(&ids[t.group], t.group, 0, nil, 0, err)
			continue
		}
		g.set(&ids[t.group], t.group, m.kind, m.text, total+g.pinned, nil)
		if g.errs[t.group] != nil {
			g.unpin(m)
			continue
		}
		g.made = append(g.made, m)
	}
	return nil
}

// set says what became of a blob.
func (g *grouper) set(id *ID, i int, kind Kind, text []byte, total int, err error) {
	switch {
	case err != nil:
	case kind != Blob:
		err = fmt.Errorf("is a %v, not a blob", kind)
	case total > groupLimit:
		err = fmt.Errorf("group of more than %d bytes: %w", groupLimit, ErrTooLarge)
	default:
		g.texts[i] = text
		return
	}
	g.errs[i] = fmt.Errorf("blob %s: %w", id.Hex(g.Repository.size), err)
}

// release lets go of the texts.
func (g *grouper) release() {
	for _, m := range g.made {
		g.unpin(m)
	}
	clear(g.made)
	g.made = g.made[:0]
}
