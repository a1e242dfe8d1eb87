package tracker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// changes compares pairs with git diff-tree. That dies of a tree that it does
// not find, so the trees that matter are looked for first.
func (r *gitObjects) changes(ctx context.Context, pairs []treePair, spec *Spec, fn func(int, []fileChange, error) error) error {
	bad, err := r.lookForTrees(ctx, pairs, spec.Dirs)
	if err != nil {
		return err
	}
	var left []int
	for i, p := range pairs {
		why := bad[p.Old]
		if why == nil {
			why = bad[p.New]
		}
		if why != nil {
			if err := fn(i, nil, why); err != nil {
				return err
			}
			continue
		}
		left = append(left, i)
	}
	return split(ctx, len(left), func(ctx context.Context, from, to int) error {
		d := &treeDiff{r: r, spec: spec, fn: fn, pairs: pairs, left: left[from:to]}
		for failures := 0; len(d.left) > 0; failures++ {
			if err := d.run(ctx, failures > 0); err != nil {
				return err
			}
			if len(d.left) > 0 && failures == maxFailures {
				return errors.New("git diff-tree: ends too often; the repository is damaged, see git fsck")
			}
		}
		return nil
	})
}

// lookForTrees returns the trees of pairs that are missing, or that lack the
// tree of one of the folders, with the reason.
func (r *gitObjects) lookForTrees(ctx context.Context, pairs []treePair, dirs []string) (map[objectID]error, error) {
	seen := map[objectID]bool{{}: true}
	var roots []objectID
	for _, p := range pairs {
		for _, id := range []objectID{p.Old, p.New} {
			if !seen[id] {
				seen[id] = true
				roots = append(roots, id)
			}
		}
	}
	bad := map[objectID]error{}
	under := make([][]objectID, len(roots)) // trees that a root needs, at the present depth
	for i, id := range roots {
		under[i] = []objectID{id}
	}
	deepest := 0
	for _, d := range dirs {
		deepest = max(deepest, 1+strings.Count(d, "/"))
	}
	for depth := range deepest + 1 {
		var ids []objectID
		asked := map[objectID]int{}
		for i := range roots {
			for _, id := range under[i] {
				if _, ok := asked[id]; !ok {
					asked[id] = len(ids)
					ids = append(ids, id)
				}
			}
		}
		children := make([][]objectID, len(ids))
		errs := make([]error, len(ids))
		var err error
		if depth == deepest {
			err = r.exist(ctx, ids, errs)
		} else {
			err = r.each(ctx, ids, func(i int, kind string, data []byte, err error) error {
				if err == nil && kind != "tree" {
					err = fmt.Errorf("object %s is a %s; want a tree", ids[i].Hex(r.size), printable(kind))
				}
				if err == nil {
					children[i], err = subtrees(data, r.size, depth, dirs)
				}
				errs[i] = err
				return nil
			})
		}
		if err != nil {
			return nil, err
		}
		for i, root := range roots {
			var next []objectID
			for _, id := range under[i] {
				if err := errs[asked[id]]; err != nil && bad[root] == nil {
					bad[root] = err
				}
				next = append(next, children[asked[id]]...)
			}
			under[i] = next
		}
	}
	return bad, nil
}

// exist sets the errors of those objects that are not there.
func (r *gitObjects) exist(ctx context.Context, ids []objectID, errs []error) error {
	b, err := r.git.start(ctx, &idReader{ids: ids, size: r.size}, "cat-file", "--batch-check=%(objectname)", "--buffer")
	if err != nil {
		return err
	}
	defer b.close()
	for i, id := range ids {
		line, err := b.out.ReadString('\n')
		if err != nil {
			if err = b.failed(err); err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if name := id.Hex(r.size); line != name+"\n" {
			errs[i] = fmt.Errorf("object %s %w", name, errMissing)
		}
	}
	return nil
}

// subtrees returns the trees in a tree that lead to one of the folders, or are
// it; depth is that of the tree itself.
func subtrees(tree []byte, size, depth int, dirs []string) ([]objectID, error) {
	var ids []objectID
	err := eachEntry(tree, size, func(mode, name, id []byte) error {
		m, err := strconv.ParseUint(string(mode), 8, 32)
		if err != nil {
			return fmt.Errorf("tree: mode %.20q: not octal", mode)
		}
		if m&0o170000 != 0o040000 {
			return nil
		}
		for _, d := range dirs {
			if f := strings.Split(d, "/"); depth < len(f) && f[depth] == string(name) {
				ids = append(ids, objectID{})
				copy(ids[len(ids)-1][:], id)
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// A treeDiff compares pairs, one after another.
type treeDiff struct {
	r     *gitObjects
	spec  *Spec
	fn    func(int, []fileChange, error) error
	pairs []treePair
	left  []int // indexes of pairs, which the results leave
}

// emptyTrees are the names of the tree without entries, by size.
var emptyTrees = map[int]string{
	20: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
	32: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}

// line returns a pair as diff-tree reads and prints it.
func (d *treeDiff) line(pair int) string {
	name := func(id objectID) string {
		if id == (objectID{}) {
			return emptyTrees[d.r.size]
		}
		return id.Hex(d.r.size)
	}
	p := d.pairs[pair]
	return name(p.Old) + " " + name(p.New) + "\n"
}

// run compares until all is done or git dies, of the pair that is then the
// first of those left: it is told as lost. With paths git looks at the folders
// alone, which takes longer, and dies of nothing else.
func (d *treeDiff) run(ctx context.Context, paths bool) error {
	args := []string{"diff-tree", "--stdin", "-r", "--raw", "-z", "--no-renames", "--no-abbrev", "--"}
	if paths {
		for _, dir := range d.spec.Dirs {
			args = append(args, dir+"/")
		}
	}
	left := d.left
	b, err := d.r.git.start(ctx, &lineReader{n: len(left), line: func(i int) string { return d.line(left[i]) }}, args...)
	if err != nil {
		return err
	}
	defer b.close()
	var changes []fileChange
	current := -1 // the pair whose changes come
	for {
		first, err := b.out.Peek(1)
		if err == nil && first[0] == ':' && current >= 0 {
			var c fileChange
			if c, err = parseRaw(b.out, d.r.size); err == nil {
				changes = d.add(changes, c)
				continue
			}
		}
		var header string
		if err == nil {
			header, err = b.out.ReadString('\n')
		}
		if err == io.EOF && ctx.Err() == nil {
			err = b.cmd.Wait()
			if err == nil { // all done
				if err := d.tell(&current, changes, nil); err != nil {
					return err
				}
				return d.skip("")
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return b.failed(err)
			}
			if !paths {
				return nil // again, with paths; what was told is not left
			}
			return d.lost(&current, b.failed(err))
		}
		if err := d.tell(&current, changes, nil); err != nil {
			return err
		}
		changes = nil
		if err := d.skip(header); err != nil {
			return err
		}
		if len(d.left) == 0 {
			return fmt.Errorf("git diff-tree: header %.200q: was not asked for", header)
		}
		current = d.left[0]
	}
}

// tell hands on the changes of the present pair, if there is one.
func (d *treeDiff) tell(current *int, changes []fileChange, err error) error {
	if *current < 0 {
		return nil
	}
	pair := *current
	*current = -1
	d.left = d.left[1:]
	// Git's order is that of paths.
	slices.SortFunc(changes, func(a, b fileChange) int { return cmp.Or(a.Dir-b.Dir, strings.Compare(a.Name, b.Name)) })
	return d.fn(pair, changes, err)
}

// skip tells pairs as lost until one has the header.
func (d *treeDiff) skip(header string) error {
	for len(d.left) > 0 && d.line(d.left[0]) != header {
		pair := d.left[0]
		d.left = d.left[1:]
		if err := d.fn(pair, nil, fmt.Errorf("git diff-tree: trees %s cannot be read", strings.TrimSpace(d.line(pair)))); err != nil {
			return err
		}
	}
	return nil
}

// lost tells the pair of which git has died.
func (d *treeDiff) lost(current *int, why error) error {
	if len(d.left) == 0 {
		return nil
	}
	*current = d.left[0]
	return d.tell(current, nil, why)
}

// add adds a change if it is that of an entry. Its name is still a path.
func (d *treeDiff) add(changes []fileChange, c fileChange) []fileChange {
	for i, dir := range d.spec.Dirs {
		if name, ok := strings.CutPrefix(c.Name, dir+"/"); ok && !strings.Contains(name, "/") && d.spec.takes(name) {
			c.Dir, c.Name = i, name
			return append(changes, c)
		}
	}
	return changes
}

// A lineReader gives git a list of lines.
type lineReader struct {
	i, n int
	line func(i int) string
	rest string
}

func (r *lineReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if r.rest == "" {
			if r.i == r.n {
				return n, io.EOF
			}
			r.rest = r.line(r.i)
			r.i++
		}
		k := copy(p[n:], r.rest)
		n, r.rest = n+k, r.rest[k:]
	}
	return n, nil
}
