package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"wontfix"
	"wontfix/internal/fetch"
	"wontfix/internal/pack"
)

// The kinds of sources.
const (
	KindURL        = "url"        // a Git server, read through a mirror
	KindBundle     = "bundle"     // a file that git bundle wrote, read through a mirror
	KindRepository = "repository" // a local repository, bare or not, read at its HEAD
	KindFolder     = "folder"     // plain files
)

// Options are how a source is opened. The zero value reads local repositories
// and folders.
type Options struct {
	// Cache is the folder for mirrors of URLs and bundles.
	Cache string
	// Offline reads the mirror as it is and fetches nothing.
	Offline bool
	// Progress, if not nil, is called now and then, at most ten times a
	// second and by one goroutine at a time.
	Progress func(Progress)
	// Git is the git program; empty means the one in PATH.
	Git string
	// HTTP makes the requests to web servers, and Agent is what it calls itself.
	HTTP  *http.Client
	Agent string
	// History fetches a mirror of a URL with its whole history. One that has
	// it keeps it, with this or without.
	History bool
	// GitOnly reads objects with the git program alone: slower; for comparison
	// and for repositories that this program's own reader refuses.
	GitOnly bool
}

// Progress says how far a reading has come.
type Progress struct {
	Phase       string // "reading", or what git says that it does: "Receiving objects"
	Done, Total int64  // files or objects; Total is 0 if not known
}

// A meter thins out reports of progress.
type meter struct {
	report1 func(Progress)
	last    time.Time
}

func (m *meter) report(phase string, done, total int64) {
	if m.report1 == nil {
		return
	}
	if now := time.Now(); now.Sub(m.last) >= 100*time.Millisecond {
		m.last = now
		m.report1(Progress{phase, done, total})
	}
}

// A Source is a tracker at one revision. Changes may be called more than once,
// but not at the same time if there is a Progress. Close it after use.
type Source struct {
	spec   Spec
	kind   string
	name   string // for errors: the source without a password
	info   wontfix.Tracker
	cursor string
	items  []item
	git    *git     // nil for a plain folder
	root   *os.Root // the plain folder
	temp   string   // a folder to remove
	meter  meter

	feed    *feedSource // documents that are not in Git
	unlock  func()      // lets others fetch into the feed's folder; nil if they may
	refused []wontfix.Problem
	shallow string // the file that says which commits have no parents here
	gitOnly bool

	packsOnce sync.Once
	packs     *pack.Repository // see packed
	folders   []packedFolder   // of the commit; nil if our own reader has not read them
}

// Open opens a tracker at a source and finds its revision:
//
//   - a URL with scheme https, http, ssh, git or file: the branch is fetched
//     into a mirror in Options.Cache, without history if the server can do
//     that. If that fails the mirror stays as it was and can be read with
//     Options.Offline;
//   - a repository, bare or not, shallow or with objects missing: it is read
//     at its HEAD. Of a checkout too the commit is read, not the files that
//     lie there. Its configuration runs no program;
//   - a file that git bundle wrote;
//   - a plain folder that has the tracker's folders in it, or some of them.
//
// An empty source means the publisher's URL. A source without a single entry is
// an error, so that a wrong one cannot be taken for a tracker whose entries
// are all gone.
func Open(ctx context.Context, spec Spec, source string, o Options) (*Source, error) {
	if source == "" {
		source = spec.URL
	}
	kind, err := detect(&spec, source)
	if err != nil {
		return nil, err
	}
	s := &Source{spec: spec, kind: kind, name: fetch.Redacted(source), meter: meter{report1: o.Progress}, gitOnly: o.GitOnly}
	s.info = wontfix.Tracker{
		Name: spec.Name, Title: spec.Title, Source: s.name, Synced: time.Now().UTC().Truncate(time.Second),
		PageURL: spec.PageURL, LineURL: spec.LineURL,
	}
	documents := spec.Read != nil
	switch {
	case kind == KindFeed:
		err = s.openFeed(ctx, source, o)
	case kind == KindFile, kind == KindFolder && documents:
		err = s.openDocuments(source)
	case kind == KindFolder:
		err = s.openFolder(source)
	case kind == KindRepository:
		err = s.openRepository(ctx, source, o)
	default:
		err = s.openMirror(ctx, source, o)
	}
	if err == nil && len(s.items) == 0 && s.feed == nil {
		err = fmt.Errorf("the folders %s hold no entry: an empty tracker", strings.Join(spec.Dirs, ", "))
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return s, nil
}

// Close releases what the source holds.
func (s *Source) Close() error {
	if s.unlock != nil {
		s.unlock()
	}
	var err error
	if s.root != nil {
		err = s.root.Close()
	}
	if s.packs != nil {
		err = errors.Join(err, s.packs.Close())
	}
	if s.temp != "" {
		err = errors.Join(err, os.RemoveAll(s.temp))
	}
	return err
}

// Tracker returns the tracker with the revision that is read and its time: of
// the commit, or of the youngest file in a plain folder.
func (s *Source) Tracker() wontfix.Tracker { return s.info }

// Refused returns the documents that the publisher names as changed and did not
// give. What was known of them before still stands.
func (s *Source) Refused() []wontfix.Problem { return s.refused }

// Kind returns the kind of the source: one of the Kind constants.
func (s *Source) Kind() string { return s.kind }

// Cursor returns what a later [Source.Changes] needs to find what has changed
// since: "git:" and the commit, or "dir:" and a digest of the files' names,
// sizes and times.
func (s *Source) Cursor() string { return s.cursor }

// Len returns the number of entries at the revision, or of documents if the
// tracker is made of such, 0 if that is not known before they are read.
func (s *Source) Len() int { return len(s.items) }

// schemes are the URLs that git may be given.
var schemes = []string{"https", "http", "ssh", "git", "file"}

// detect returns the kind of a source.
func detect(spec *Spec, source string) (string, error) {
	name := printable(fetch.Redacted(source))
	switch scheme, _, ok := strings.Cut(source, "://"); {
	case source == "":
		return "", fmt.Errorf("source: empty, and tracker %s has no address", spec.Name)
	case strings.HasPrefix(source, "-"):
		return "", fmt.Errorf("source %q: begins with a dash; write ./%s if it is a file", name, name)
	case printable(source) != source:
		return "", fmt.Errorf("source %q: has control characters", name)
	case ok:
		for _, s := range schemes {
			if scheme == s && spec.Feed != nil && strings.HasPrefix(s, "http") {
				if u, err := url.Parse(source); err != nil || u.Host == "" {
					return "", fmt.Errorf("source %q: not a URL with a host", name)
				}
				return KindFeed, nil
			}
			if scheme == s {
				if u, err := url.Parse(source); err != nil || strings.HasPrefix(u.Host, "-") || u.Host == "" && s != "file" {
					return "", fmt.Errorf("source %q: not a URL with a host", name)
				}
				return KindURL, nil
			}
		}
		return "", fmt.Errorf("source %q: want a URL with scheme %s", name, strings.Join(schemes, ", "))
	}
	info, err := os.Stat(source)
	if err != nil {
		if host, path, ok := strings.Cut(source, ":"); ok && strings.Contains(host, "@") && !strings.Contains(host, "/") {
			return "", fmt.Errorf("source %q: no such file; for a server write ssh://%s/%s", name, host, strings.TrimPrefix(path, "/"))
		}
		return "", fmt.Errorf("source %q: %w", name, errors.Unwrap(err))
	}
	if info.Mode().IsRegular() {
		err := checkBundle(source, name)
		if err != nil && spec.Read != nil {
			return KindFile, nil
		}
		return KindBundle, err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("source %q: neither a folder nor a file", name)
	}
	return detectFolder(spec, source, name)
}

func detectFolder(spec *Spec, source, name string) (string, error) {
	has := func(names ...string) bool {
		for _, n := range names {
			if _, err := os.Stat(filepath.Join(source, n)); err != nil {
				return false
			}
		}
		return true
	}
	if has(".git") || has("HEAD", "objects", "refs") {
		return KindRepository, nil
	}
	if spec.Read != nil {
		return KindFolder, nil
	}
	for _, d := range spec.Dirs {
		if info, err := os.Stat(filepath.Join(source, d)); err == nil && info.IsDir() {
			return KindFolder, nil
		}
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		return "", fmt.Errorf("source %q: %w", name, errors.Unwrap(err))
	}
	if len(entries) == 0 {
		return "", fmt.Errorf("source %q: empty folder", name)
	}
	for _, e := range entries {
		if spec.Match(e.Name()) {
			return "", fmt.Errorf("source %q: holds entries itself; give the folder above it, which has %s", name, strings.Join(spec.Dirs, ", "))
		}
	}
	return "", fmt.Errorf("source %q: has none of the folders %s and is no repository: not %s", name, strings.Join(spec.Dirs, ", "), Named(spec.Title))
}

// checkBundle looks for the first words of a bundle.
func checkBundle(source, name string) error {
	f, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("source %q: %w", name, errors.Unwrap(err))
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head)
	if !bytes.HasPrefix(head[:n], []byte("# v2 git bundle\n")) && !bytes.HasPrefix(head[:n], []byte("# v3 git bundle\n")) {
		return fmt.Errorf("source %q: a file, but not one that git bundle wrote", name)
	}
	return nil
}

// openRepository opens a local repository. Its objects are read through an
// empty repository of our own, so that nothing in its configuration counts:
// no filters, no promise of further objects that git would go and fetch.
func (s *Source) openRepository(ctx context.Context, source string, o Options) error {
	program, err := findGit(o.Git)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(source)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		dir = filepath.Join(dir, ".git")
	}
	g := &git{program: program, dir: dir}
	commit, err := g.resolve(ctx, "HEAD", "refs/heads/"+s.spec.Branch)
	if err != nil {
		return err
	}
	objects, err := g.run(ctx, "rev-parse", "--git-path", "objects")
	if err != nil {
		return err
	}
	shallow, err := g.run(ctx, "rev-parse", "--git-path", "shallow")
	if err != nil {
		return err
	}
	s.shallow = strings.TrimSuffix(string(shallow), "\n")
	if s.temp, err = os.MkdirTemp("", "wontfix-git-"); err != nil {
		return err
	}
	if err := emptyRepository(s.temp, len(commit) == 64); err != nil {
		return err
	}
	s.git = &git{program: program, dir: s.temp, objects: strings.TrimSuffix(string(objects), "\n")}
	return s.openCommit(ctx, commit)
}

// resolve returns the object ID of the first of the refs that exists.
func (g *git) resolve(ctx context.Context, refs ...string) (string, error) {
	var first error
	for _, ref := range refs {
		out, err := g.run(ctx, "rev-parse", "--verify", "--end-of-options", ref)
		// Some versions of git print the mark itself.
		id := strings.TrimSpace(strings.TrimPrefix(string(out), "--end-of-options\n"))
		if err == nil && isObjectID(id) {
			return id, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("none of %s names a commit", strings.Join(refs, ", "))
	}
	return "", first
}

// emptyRepository makes the least that git takes for a repository.
func emptyRepository(dir string, sha256 bool) error {
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	if sha256 {
		config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
	}
	return errors.Join(
		os.MkdirAll(filepath.Join(dir, "objects"), 0o700),
		os.MkdirAll(filepath.Join(dir, "refs"), 0o700),
		os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/none\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600),
	)
}

// openCommit reads the time and the list of files of a commit.
func (s *Source) openCommit(ctx context.Context, commit string) error {
	out, err := s.git.run(ctx, "log", "--no-walk", "--no-show-signature", "--no-decorate", "--format=%ct", commit, "--")
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return fmt.Errorf("commit %s: time %.40q cannot be read", commit, out)
	}
	s.info.Revision = commit
	files, err := s.tree(ctx, commit, s.spec.Read != nil)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("commit %.12s has none of the folders %s: not %s", commit, strings.Join(s.spec.Dirs, ", "), Named(s.spec.Title))
	}
	s.items = resolve(&s.spec, files)
	s.info.Time = time.Unix(seconds, 0).UTC()
	s.cursor = "git:" + commit
	return nil
}

// texts returns what reads the texts of the items in the chunks, in order.
func (s *Source) texts(ctx context.Context, chunks [][]item) (texts, error) {
	if s.git == nil {
		return folderTexts{s.root}, nil
	}
	if r := s.packed(); r != nil {
		return &packTexts{ctx: ctx, git: s.git, r: r}, nil
	}
	var oids bytes.Buffer
	for _, chunk := range chunks {
		for i := range chunk {
			if it := &chunk[i]; it.kind == regular && !it.gone {
				oids.WriteString(it.oid)
				oids.WriteByte('\n')
			}
		}
	}
	return s.git.blobs(ctx, &oids)
}
