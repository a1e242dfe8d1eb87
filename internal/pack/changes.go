package pack

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	treeCache  = 32 << 20 // bytes of trees that a worker keeps
	pairChunk  = 256      // neighbours in history that one worker compares, if there are many
	namesLimit = 1 << 16  // names that a worker keeps
)

// A Pair is two trees of commits (root trees); a zero ID is the empty tree.
type Pair struct{ Old, New ID }

// A FileChange is a file that differs between the trees of a pair. Whatever is
// no folder is a file: symbolic links and submodules too. Where a folder takes
// the place of a file, or the other way round, only the file is told.
type FileChange struct {
	Dir  int    // index in dirs
	Name string // name in that folder
	// Old and New are zero where the file is not there.
	Old, New ID
	// OldMode and NewMode are Git's mode bits, 0 where the file is not there.
	OldMode, NewMode uint32
}

// Changes compares each pair in the folders dirs ("active", "data/CVE":
// slash-separated paths, "" the root), and calls fn once for each pair, from
// several goroutines at once, in any order. The slice is fn's to keep, in order
// of (Dir, Name). Of files for whose name match returns false nothing is told;
// a nil match is for all. Folders inside a dir are not entered and not
// reported; a dir that is not there, or is a file, is empty.
//
// A tree that is missing, damaged or not a tree is the err of its pair, for
// errors.Is as with [Repository.Object], and the work goes on. Entries that
// both trees of a pair have are not checked. An error that fn returns ends the
// work and is returned. Pairs that are neighbours in history should be
// neighbours in the slice: their trees are made from each other.
func (r *Repository) Changes(ctx context.Context, pairs []Pair, dirs []string, match func(name string) bool,
	fn func(pair int, changes []FileChange, err error) error) error {
	paths := make([][]string, len(dirs))
	for i, dir := range dirs {
		if dir != "" {
			paths[i] = strings.Split(strings.Trim(dir, "/"), "/")
		}
	}
	size := min(pairChunk, len(pairs)/runtime.GOMAXPROCS(0)+1)
	chunks := (len(pairs) + size - 1) / size
	return r.work(ctx, chunks, treeCache, func(rd *reader) func(ctx context.Context, chunk int) error {
		rd.ropes = true
		d := &differ{reader: rd, paths: paths, match: match, names: map[string]string{}}
		return func(ctx context.Context, chunk int) error {
			for i := chunk * size; i < min((chunk+1)*size, len(pairs)); i++ {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				changes, err := d.compare(&pairs[i])
				if err := fn(i, changes, err); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// work lets GOMAXPROCS goroutines take the jobs 0 to jobs-1 in order. Each
// makes its function with a reader of its own. The first error ends the work.
func (r *Repository) work(ctx context.Context, jobs, budget int, worker func(rd *reader) func(ctx context.Context, job int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(jobs, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			do := worker(newReader(r, budget))
			for ctx.Err() == nil {
				job := int(next.Add(1)) - 1
				if job >= jobs {
					return
				}
				if err := do(ctx, job); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// A differ compares pairs. It is for one goroutine.
type differ struct {
	*reader
	paths   [][]string
	match   func(name string) bool
	names   map[string]string
	changes []FileChange
}

// compare returns the changes of a pair.
func (d *differ) compare(p *Pair) ([]FileChange, error) {
	d.changes = d.changes[:0]
	for i, path := range d.paths {
		if err := d.folder(i, path, p.Old, p.New); err != nil {
			return nil, err
		}
	}
	return slices.Clone(d.changes), nil
}

// folder adds the changes of one folder.
func (d *differ) folder(dir int, path []string, old, new ID) error {
	var err error
	for _, name := range path {
		if old == new {
			return nil
		}
		if old, err = d.sub(old, name); err != nil {
			return err
		}
		if new, err = d.sub(new, name); err != nil {
			return err
		}
	}
	if old == new {
		return nil
	}
	a, err := d.tree(old)
	if err != nil {
		return err
	}
	defer d.unpin(a)
	b, err := d.tree(new)
	if err != nil {
		return err
	}
	defer d.unpin(b)
	size := d.Repository.size
	if err := diffTrees(a, b, size, func(x, y *entry) { d.add(dir, x, y) }); err != nil {
		return fmt.Errorf("%s and %s: %w: %w", old.Hex(size), new.Hex(size), err, ErrDamaged)
	}
	return nil
}

// add adds the change of an entry, if it is one of a file that is asked for.
func (d *differ) add(dir int, x, y *entry) {
	c := FileChange{Dir: dir}
	name := x.name
	if len(name) == 0 {
		name = y.name
	}
	if len(x.name) > 0 && !x.folder() {
		c.OldMode = x.mode
		copy(c.Old[:], x.id)
	}
	if len(y.name) > 0 && !y.folder() {
		c.NewMode = y.mode
		copy(c.New[:], y.id)
	}
	if c.OldMode == 0 && c.NewMode == 0 {
		return
	}
	var ok bool
	if c.Name, ok = d.names[string(name)]; !ok {
		if len(d.names) == namesLimit {
			clear(d.names)
		}
		c.Name = string(name)
		d.names[c.Name] = c.Name
	}
	if d.match == nil || d.match(c.Name) {
		d.changes = append(d.changes, c)
	}
}

// sub returns the ID of the folder of a name in a tree, zero if there is none.
func (d *differ) sub(tree ID, name string) (ID, error) {
	m, err := d.tree(tree)
	if err != nil {
		return ID{}, err
	}
	defer d.unpin(m)
	e, ok, err := findEntry(m, d.Repository.size, name)
	if err != nil {
		return ID{}, fmt.Errorf("%s: %w: %w", tree.Hex(d.Repository.size), err, ErrDamaged)
	}
	var id ID
	if ok && e.folder() {
		copy(id[:], e.id)
	}
	return id, nil
}

// tree returns a tree, with a pin for the caller to take away.
func (d *differ) tree(id ID) (*made, error) {
	if id == (ID{}) {
		return &made{kind: Tree, pins: 2}, nil
	}
	m, kind, text, err := d.get(&id)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id.Hex(d.Repository.size), err)
	}
	if m == nil {
		m = &made{kind: kind, text: text, pins: 2}
	}
	if kind != Tree {
		d.unpin(m)
		return nil, fmt.Errorf("%s: a %v, not a tree: %w", id.Hex(d.Repository.size), kind, ErrDamaged)
	}
	return m, nil
}
