package tracker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"wontfix/internal/pack"
)

// What both readers speak of is internal/pack's.
type (
	objectID   = pack.ID         // the name of an object
	treePair   = pack.Pair       // the trees of two commits
	fileChange = pack.FileChange // a file that is not the same in the trees of a pair
)

// parseID reads an ID in hexadecimal.
func parseID(s string) (id objectID, ok bool) {
	if !isObjectID(s) {
		return id, false
	}
	hex.Decode(id[:], []byte(s))
	return id, true
}

// objects reads the objects of a repository. Whichever reads them, the answers
// are the same; only the texts of errors differ.
type objects interface {
	// walk calls visit, never twice at once, with the commit and with each
	// that visit returns, or why it cannot be read.
	walk(ctx context.Context, commit objectID, visit func(id objectID, raw []byte, err error) []objectID) error
	// changes compares pairs and calls fn once for each, from several
	// goroutines at once, in any order. The slice is in order of Dir and Name.
	// Trees that cannot be read are fn's err.
	changes(ctx context.Context, pairs []treePair, spec *Spec, fn func(pair int, changes []fileChange, err error) error) error
	// blobs calls fn once for each group of blobs, from several goroutines at
	// once, in any order. Texts are valid until fn returns.
	blobs(ctx context.Context, groups [][]objectID, fn func(group int, texts [][]byte, errs []error) error) error
}

// objects returns a reader of the source's objects: our own, unless the git
// program is asked for, or the repository is of a kind that only git reads.
func (s *Source) objects() objects {
	if r := s.packed(); r != nil {
		return packObjects{r}
	}
	return &gitObjects{s.git, s.idSize()}
}

// packed returns our own reader, nil if there is none. It is the source's, which
// closes it.
func (s *Source) packed() *pack.Repository {
	s.packsOnce.Do(func() {
		if s.gitOnly {
			return
		}
		dir := s.git.objects
		if dir == "" {
			dir = filepath.Join(s.git.dir, "objects")
		}
		if r, err := pack.Open(dir, s.idSize() == 32); err == nil {
			s.packs = r
		}
	})
	return s.packs
}

// packObjects reads objects from the files in which git keeps them.
type packObjects struct{ r *pack.Repository }

func (p packObjects) walk(ctx context.Context, commit objectID, visit func(objectID, []byte, error) []objectID) error {
	for todo := []objectID{commit}; len(todo) > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		id := todo[len(todo)-1]
		kind, raw, err := p.r.Object(id)
		if err == nil && kind != pack.Commit {
			err = fmt.Errorf("object is a %s; want a commit", kind)
		}
		todo = append(todo[:len(todo)-1], visit(id, raw, err)...)
	}
	return nil
}

func (p packObjects) changes(ctx context.Context, pairs []treePair, spec *Spec, fn func(int, []fileChange, error) error) error {
	return p.r.Changes(ctx, pairs, spec.Dirs, spec.takes, fn)
}

func (p packObjects) blobs(ctx context.Context, groups [][]objectID, fn func(int, [][]byte, []error) error) error {
	return p.r.Blobs(ctx, groups, fn)
}

// packTexts reads the texts of items with our own reader, and asks git for what
// that cannot read: to say what is wrong with it, or because git has packed the
// repository anew since it was opened.
type packTexts struct {
	ctx context.Context
	git *git
	r   *pack.Repository
	b   *blobs // nil until git is asked
}

func (p *packTexts) next(it *item) (text []byte, why string, err error) {
	id, _ := parseID(it.oid)
	kind, text, err := p.r.Object(id)
	if err == nil && kind == pack.Blob && len(text) <= maxFile {
		return text, "", nil
	}
	if p.b == nil {
		if p.b, err = p.git.start(p.ctx, nil, "cat-file", "--batch"); err != nil {
			return nil, "", err
		}
	}
	io.WriteString(p.b.in, it.oid+"\n") // git's end shows in its answer
	return p.b.next(it)
}

func (p *packTexts) close() error {
	if p.b == nil {
		return nil
	}
	return p.b.close()
}

// idSize returns the size of the repository's object IDs in bytes.
func (s *Source) idSize() int { return len(s.info.Revision) / 2 }

// takes reports whether a file name is that of an entry.
func (spec *Spec) takes(name string) bool { return len(name) <= maxName && spec.Match(name) }

// gitObjects reads objects with the git program.
type gitObjects struct {
	git  *git
	size int
}

// maxFailures is how often git is started again after an object that it dies
// of.
const maxFailures = 100

// An idReader gives git the names of objects, one a line.
type idReader struct {
	ids  []objectID
	size int
	rest []byte
}

func (r *idReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(r.rest) == 0 {
			if len(r.ids) == 0 {
				return n, io.EOF
			}
			r.rest = append(hex.AppendEncode(r.rest[:0], r.ids[0][:r.size]), '\n')
			r.ids = r.ids[1:]
		}
		k := copy(p[n:], r.rest)
		n, r.rest = n+k, r.rest[k:]
	}
	return n, nil
}

// A cat has the answers of git cat-file for a list of objects.
type cat struct {
	r   *gitObjects
	ids []objectID
	b   *blobs
}

func (r *gitObjects) cat(ctx context.Context, ids []objectID) (*cat, error) {
	b, err := r.git.blobs(ctx, &idReader{ids: ids, size: r.size})
	return &cat{r, ids, b}, err
}

// next appends the next object to buf. Why says why the object cannot be read;
// err why git has ended.
func (c *cat) next(buf []byte) (kind string, out []byte, why, err error) {
	oid := c.ids[0].Hex(c.r.size)
	kind, out, why, err = readObject(c.b.out, oid, buf)
	if err != nil {
		err = c.b.failed(err)
	}
	c.ids = c.ids[1:]
	return kind, out, why, err
}

// each calls fn with each of the objects, in order. Data is valid until fn
// returns. Where git dies of an object it is started again behind it.
func (r *gitObjects) each(ctx context.Context, ids []objectID, fn func(i int, kind string, data []byte, err error) error) error {
	var buf []byte
	for i, failures := 0, 0; i < len(ids); failures++ {
		c, err := r.cat(ctx, ids[i:])
		if err != nil {
			return err
		}
		for died := false; i < len(ids) && !died; i++ {
			kind, data, why, err := c.next(buf[:0])
			if err != nil {
				if ctx.Err() != nil || failures == maxFailures {
					c.b.close()
					return err
				}
				died, why = true, err
			}
			if err := fn(i, kind, data, why); err != nil {
				c.b.close()
				return err
			}
			buf = data
		}
		c.b.close()
	}
	return nil
}

// walk asks for up to so many commits before it waits for an answer. Their
// names fit in any pipe, so that neither side can wait for the other for ever.
const maxAsked = 64

func (r *gitObjects) walk(ctx context.Context, commit objectID, visit func(objectID, []byte, error) []objectID) error {
	todo := []objectID{commit}
	for failures := 0; len(todo) > 0; failures++ {
		var err error
		todo, err = r.walkSome(ctx, todo, visit)
		if err != nil && (ctx.Err() != nil || failures == maxFailures) {
			return err
		}
	}
	return nil
}

// walkSome walks until all is done or git dies. It returns what is left to do.
func (r *gitObjects) walkSome(ctx context.Context, todo []objectID, visit func(objectID, []byte, error) []objectID) ([]objectID, error) {
	b, err := r.git.start(ctx, nil, "cat-file", "--batch")
	if err != nil {
		return todo, err
	}
	defer b.close()
	var asked []objectID
	var buf, lines []byte
	for len(todo)+len(asked) > 0 {
		lines = lines[:0]
		for len(asked) < maxAsked && len(todo) > 0 {
			id := todo[len(todo)-1]
			todo, asked = todo[:len(todo)-1], append(asked, id)
			lines = append(hex.AppendEncode(lines, id[:r.size]), '\n')
		}
		if len(lines) > 0 {
			b.in.Write(lines) // git's end shows in its answers
		}
		id := asked[0]
		asked = asked[1:]
		kind, data, why, err := readObject(b.out, id.Hex(r.size), buf[:0])
		if err != nil {
			if err = b.failed(err); err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			if ctx.Err() == nil {
				visit(id, nil, err)
			}
			return append(todo, asked...), err
		}
		if why == nil && kind != "commit" {
			why = fmt.Errorf("object %s is a %s; want a commit", id.Hex(r.size), printable(kind))
		}
		todo = append(todo, visit(id, data, why)...)
		buf = data
	}
	return nil, nil
}

// split calls do for parts of n things on as many goroutines as there are
// cores, two at least so that we work while git does.
func split(ctx context.Context, n int, do func(ctx context.Context, from, to int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	parts := min(max(2, runtime.GOMAXPROCS(0)), n)
	for k := range parts {
		wg.Go(func() {
			if err := do(ctx, n*k/parts, n*(k+1)/parts); err != nil {
				once.Do(func() { first = err; cancel(err) })
			}
		})
	}
	wg.Wait()
	return first
}

// maxGroup is how many bytes of versions of one file are held at once.
const maxGroup = 256 << 20

func (r *gitObjects) blobs(ctx context.Context, groups [][]objectID, fn func(int, [][]byte, []error) error) error {
	starts := make([]int, len(groups)+1)
	for i, g := range groups {
		starts[i+1] = starts[i] + len(g)
	}
	all := make([]objectID, 0, starts[len(groups)])
	for _, g := range groups {
		all = append(all, g...)
	}
	// Parts have about as many blobs each.
	return split(ctx, len(all)+1, func(ctx context.Context, from, to int) error {
		var mine []int
		for i := range groups {
			if starts[i] >= from && starts[i] < to {
				mine = append(mine, i)
			}
		}
		if len(mine) == 0 {
			return nil
		}
		return r.groups(ctx, groups, mine, all[starts[mine[0]]:starts[mine[len(mine)-1]+1]], fn)
	})
}

// groups reads the groups with the given indexes, one after another, whose
// blobs are ids.
func (r *gitObjects) groups(ctx context.Context, groups [][]objectID, mine []int, ids []objectID, fn func(int, [][]byte, []error) error) error {
	var buf []byte
	var ends []int
	var errs []error
	k := 0
	flush := func() error {
		for k < len(mine) && len(ends) == len(groups[mine[k]]) {
			texts := make([][]byte, len(ends))
			start := 0
			for i, end := range ends {
				if errs[i] == nil {
					texts[i] = buf[start:end:end]
				}
				start = end
			}
			if err := fn(mine[k], texts, errs); err != nil {
				return err
			}
			buf, ends, errs = buf[:0], ends[:0], nil
			k++
		}
		return ctx.Err()
	}
	if err := flush(); err != nil { // groups without blobs
		return err
	}
	return r.each(ctx, ids, func(i int, kind string, data []byte, err error) error {
		switch {
		case err != nil:
		case kind != "blob":
			err = fmt.Errorf("object %s is a %s, not a file", ids[i].Hex(r.size), printable(kind))
		case len(buf)+len(data) > maxGroup:
			err = fmt.Errorf("object %s: the versions of this file have more than %d bytes together", ids[i].Hex(r.size), maxGroup)
		default:
			buf = append(buf, data...)
		}
		ends, errs = append(ends, len(buf)), append(errs, err)
		return flush()
	})
}

// parseRaw reads one record of git diff-tree --raw -z: ":MODE MODE ID ID X",
// a zero byte, and the path with another. The change has no Dir, and the path
// for its Name.
func parseRaw(r *bufio.Reader, size int) (fileChange, error) {
	var c fileChange
	head, err := readField(r)
	if err != nil {
		return c, err
	}
	f := bytes.Split(head, []byte(" "))
	if len(f) != 5 || len(f[2]) != 2*size || len(f[3]) != 2*size {
		return c, fmt.Errorf("git diff-tree: record %.200q: want modes, objects, status", head)
	}
	mode := func(b []byte) uint32 {
		n, bad := strconv.ParseUint(string(b), 8, 32)
		if bad != nil {
			err = fmt.Errorf("git diff-tree: mode %.20q: not octal", b)
		}
		return uint32(n)
	}
	var ok1, ok2 bool
	c.OldMode, c.NewMode = mode(bytes.TrimPrefix(f[0], []byte(":"))), mode(f[1])
	c.Old, ok1 = parseID(string(f[2]))
	c.New, ok2 = parseID(string(f[3]))
	if !ok1 || !ok2 {
		return c, fmt.Errorf("git diff-tree: record %.200q: want object IDs", head)
	}
	if err != nil {
		return c, err
	}
	path, err := readField(r)
	c.Name = string(path)
	if err == nil && c.Name == "" {
		err = errors.New("git diff-tree: a record without a path")
	}
	return c, err
}

// maxPath bounds a path in a repository.
const maxPath = 1 << 20

// readField reads up to a zero byte, which it leaves out.
func readField(r *bufio.Reader) ([]byte, error) {
	b, err := r.ReadSlice(0)
	if err == bufio.ErrBufferFull {
		var long strings.Builder
		for err == bufio.ErrBufferFull && long.Len() < maxPath {
			long.Write(b)
			b, err = r.ReadSlice(0)
		}
		long.Write(b)
		b = []byte(long.String())
	}
	if err != nil {
		return nil, fmt.Errorf("git diff-tree: record %.80q is cut off", b)
	}
	return b[:len(b)-1], nil
}
