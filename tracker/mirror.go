package tracker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"wontfix/internal/lazyregexp"
)

const (
	tipRef      = "refs/wontfix/tip"      // the commit that is read
	previousRef = "refs/wontfix/previous" // the one before the last fetch, kept for the next cursor
)

// maxPacks is how many packs a mirror collects, one for each fetch, before
// they are made into one.
const maxPacks = 40

// openMirror brings the mirror of a URL or a bundle up to date and opens it.
func (s *Source) openMirror(ctx context.Context, source string, o Options) error {
	program, err := findGit(o.Git)
	if err != nil {
		return err
	}
	if o.Cache == "" {
		return fmt.Errorf("no cache folder for a mirror of it")
	}
	if s.kind == KindBundle {
		if source, err = filepath.Abs(source); err != nil {
			return err
		}
	}
	cache, err := filepath.Abs(o.Cache)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(source))
	dir := filepath.Join(cache, fmt.Sprintf("%s-%x.git", s.spec.Name, digest[:8]))
	g := &git{program: program, dir: dir}
	if !o.Offline {
		unlock, err := lock(ctx, dir+".lock", func() { s.meter.report("waiting for another fetch", 0, 0) })
		if err != nil {
			return err
		}
		err = s.update(ctx, g, source, o.History)
		unlock()
		if err != nil {
			return err
		}
	}
	s.git = g
	s.shallow = filepath.Join(dir, "shallow")
	tip, err := g.resolve(ctx, tipRef)
	if err != nil {
		if o.Offline {
			return fmt.Errorf("no mirror of it in %s; fetch it once with the network on", cache)
		}
		return err
	}
	return s.openCommit(ctx, tip)
}

// update fetches into the mirror, making it if there is none. Git moves the
// ref only when all objects have come; until then the old tip stays.
func (s *Source) update(ctx context.Context, g *git, source string, history bool) error {
	clean(g.dir)
	there, shallow := mirrorState(g.dir)
	tip, err := g.resolve(ctx, tipRef)
	if err == nil {
		_, err = g.run(ctx, "cat-file", "-e", tip+"^{tree}")
	}
	if err == nil {
		_, err = g.run(ctx, "update-ref", previousRef, tip)
	}
	good := err == nil
	if !good { // none, or one that is of no use
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := os.RemoveAll(g.dir); err != nil {
			return err
		}
		if _, err := g.run(ctx, "init", "--quiet", "--bare", "--template="); err != nil {
			return err
		}
	}
	g.allow = protocols(source)
	refs := []string{"refs/heads/" + s.spec.Branch, "HEAD"}
	if s.kind == KindBundle {
		if refs, err = g.bundleRefs(ctx, source, s.spec.Branch); err != nil {
			return err
		}
	}
	if err := s.fetch(ctx, g, source, refs, s.depth(there, shallow, good, history)); err != nil {
		return err
	}
	g.allow = ""
	if packs, _ := filepath.Glob(filepath.Join(g.dir, "objects/pack/*.pack")); len(packs) > maxPacks {
		// The mirror is whole with or without this.
		g.run(ctx, "repack", "-a", "-d", "-q")
	}
	return nil
}

// mirrorState reports whether there is a mirror in a folder, and whether it is
// shallow.
func mirrorState(dir string) (made, shallow bool) {
	_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(tipRef)))
	_, cut := os.Lstat(filepath.Join(dir, "shallow"))
	return err == nil, cut == nil
}

// depth returns git fetch's option for how much of the history to fetch, given
// the state of the mirror before, and whether it is of use still. One that is
// whole stays whole: a depth would cut it off, and what was read of it could
// not be brought up to date.
func (s *Source) depth(made, shallow, good, history bool) []string {
	switch {
	case s.kind == KindBundle:
		return nil
	case good && !shallow:
		return nil
	case good && history:
		return []string{"--unshallow"}
	case history, made && !shallow:
		return []string{"--update-shallow"} // the server may be shallow itself
	}
	return []string{"--depth=1"}
}

// fetch fetches the first of the refs that the source has: without history if
// that is asked for and the server can do it, and else with it.
func (s *Source) fetch(ctx context.Context, g *git, source string, refs, depth []string) error {
	var err error
	for _, ref := range refs {
		err = s.fetchRef(ctx, g, source, ref, depth)
		if err != nil && len(depth) > 0 && noDepth.MatchString(err.Error()) {
			depth = nil
			err = s.fetchRef(ctx, g, source, ref, nil)
		}
		if err == nil || !strings.Contains(err.Error(), "couldn't find remote ref") {
			break
		}
	}
	return err
}

// noDepth matches what git says of servers that only give the whole history.
var noDepth = lazyregexp.New(`(?i)shallow|--depth|deepen`)

// fetchRef fetches one ref.
func (s *Source) fetchRef(ctx context.Context, g *git, source, ref string, depth []string) error {
	args := append([]string{"fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--force", "--refmap="}, depth...)
	args = append(args, "--end-of-options", source, "+"+ref+":"+tipRef)
	var stderr tail
	r, w := io.Pipe()
	cmd := g.command(ctx, io.MultiWriter(&stderr, w), args...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.watch(r)
	}()
	err := cmd.Run()
	w.Close()
	<-done
	if err == nil {
		return nil
	}
	err = stderr.error(ctx, "git fetch", err)
	if s.name != source && ctx.Err() == nil {
		return fmt.Errorf("%s", strings.ReplaceAll(err.Error(), source, s.name))
	}
	return err
}

// watch reports the progress that git writes.
func (s *Source) watch(r io.Reader) {
	sc := bufio.NewScanner(r)
	sc.Split(func(data []byte, eof bool) (int, []byte, error) {
		if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
			return i + 1, data[:i], nil
		}
		if eof && len(data) > 0 || len(data) > 1<<10 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	for sc.Scan() {
		if phase, done, total, ok := parseProgress(sc.Text()); ok {
			s.meter.report(phase, done, total)
		}
	}
	io.Copy(io.Discard, r)
}

var progressLine = lazyregexp.New(`^(?:remote: )?([A-Z][a-z]+(?: [a-z]+){0,3}): +(?:[0-9]{1,3}% \(([0-9]{1,18})/([0-9]{1,18})\)|([0-9]{1,18})(?:, done\.)?$)`)

// parseProgress reads one line of git's progress: "Receiving objects:  45%
// (450/1000), 1.2 MiB | 1.1 MiB/s", or "Enumerating objects: 12".
func parseProgress(line string) (phase string, done, total int64, ok bool) {
	m := progressLine.FindStringSubmatch(strings.TrimRight(line, " "))
	if m == nil {
		return "", 0, 0, false
	}
	done, _ = strconv.ParseInt(m[2]+m[4], 10, 64)
	total, _ = strconv.ParseInt(m[3], 10, 64)
	return m[1], done, total, true
}

// protocols returns what a fetch may speak. Only who asks for http gets it: an
// https server cannot send us there.
func protocols(source string) string {
	if u, err := url.Parse(source); err == nil && u.Scheme == "http" {
		return "https:http:ssh:git:file"
	}
	return "https:ssh:git:file"
}

// bundleRefs returns the refs of a bundle to try: the branch, HEAD, or else
// the only one that it has.
func (g *git) bundleRefs(ctx context.Context, source, branch string) ([]string, error) {
	out, err := g.run(ctx, "bundle", "list-heads", source)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		id, ref, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || !isObjectID(id) {
			continue
		}
		all = append(all, ref)
		if ref == "refs/heads/"+branch {
			return []string{ref}, nil
		}
	}
	for _, ref := range all {
		if ref == "HEAD" {
			return []string{ref}, nil
		}
	}
	if len(all) != 1 || !strings.HasPrefix(all[0], "refs/") {
		return nil, fmt.Errorf("bundle: has neither branch %s nor HEAD nor just one branch", branch)
	}
	return all, nil
}

// clean removes what an interrupted fetch has left behind. The caller holds
// the mirror's lock, so nobody is at work on it.
func clean(dir string) {
	for _, pattern := range []string{"*.lock", "refs/wontfix/*.lock", "objects/pack/tmp_*", "objects/pack/.tmp-*", "objects/??/tmp_obj_*", "shallow_*"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range names {
			os.Remove(name)
		}
	}
}

// A blobs asks git cat-file for objects, or another command of its kind. Git
// writes ahead as far as its pipe lets it.
type blobs struct {
	cmd    *exec.Cmd
	in     io.WriteCloser // if no list was given
	out    *bufio.Reader
	stderr tail
	ctx    context.Context // the caller's
	stop   context.CancelFunc
}

// blobs starts git cat-file with a list of object IDs, one a line.
func (g *git) blobs(ctx context.Context, oids io.Reader) (*blobs, error) {
	return g.start(ctx, oids, "cat-file", "--batch", "--buffer")
}

// start starts a git command that reads a list, or what is written to in if
// the list is nil.
func (g *git) start(ctx context.Context, list io.Reader, args ...string) (*blobs, error) {
	b := &blobs{ctx: ctx}
	ctx, b.stop = context.WithCancel(ctx)
	b.cmd = g.command(ctx, &b.stderr, args...)
	var out io.Reader
	var err error
	if list != nil {
		b.cmd.Stdin = list
	} else {
		b.in, err = b.cmd.StdinPipe()
	}
	if err == nil {
		out, err = b.cmd.StdoutPipe()
	}
	if err == nil {
		err = b.cmd.Start()
	}
	if err != nil {
		b.stop()
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	b.out = bufio.NewReaderSize(out, 1<<16)
	return b, nil
}

func (b *blobs) next(it *item) ([]byte, string, error) {
	text, why, err := readBlob(b.out, it.oid)
	if err != nil {
		err = b.failed(err)
	}
	return text, why, err
}

// failed returns why git gave no whole answer: what it complained of says more
// than that its answer is cut off.
func (b *blobs) failed(err error) error {
	b.stop()
	if wait := b.cmd.Wait(); b.ctx.Err() != nil || b.stderr.lines() != "" {
		return b.stderr.error(b.ctx, "git "+b.cmd.Args[2], wait)
	}
	return err
}

func (b *blobs) close() error {
	b.stop()
	b.cmd.Wait() // twice is an error that says only that
	return nil
}
