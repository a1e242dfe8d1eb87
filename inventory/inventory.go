// Package inventory reads a root file system and says what machine it is: the
// distribution, the packages with files on disk, where they come from and what
// is offered above them, the subscriptions, the kernels. It knows the databases
// of dpkg, rpm, apk and pacman; what is offered, and subscriptions, of dpkg's
// machines alone.
//
// It opens files at fixed paths, and at paths made of package names, and walks
// nothing. All of it is foreign: sizes have limits, symbolic links do not lead
// out of the root, and what cannot be read is a [wontfix.Problem] with its
// file and line, never a stop and never a silent gap.
package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"wontfix"
)

// Limits on what is read, in bytes after decompression.
const (
	maxSmall     = 1 << 20   // os-release and other small files
	maxStatus    = 256 << 20 // a dpkg status file
	maxList      = 1 << 30   // one package list
	maxChangelog = 64 << 20  // one changelog
)

// Options change what is read. The zero value reads everything.
type Options struct {
	// NoLists leaves apt's package lists alone: Archives, and From, Offer and
	// Listed of each package, stay empty.
	NoLists bool
	// Release is what the caller says that the machine is. Unless it is zero,
	// it is taken as release and as base, whatever the files say.
	Release wontfix.Release
	// Found, if it is not nil, is told the base of a root as soon as it is known,
	// which is before its packages are.
	Found func(base wontfix.Release)
}

// ReadRoot reads the root file system at a directory: "/" for the running
// machine. No symbolic link leads out of it; absolute links are taken as
// beginning at the root, as they would after a chroot.
func ReadRoot(root string, o Options) (*wontfix.Machine, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("root %s: %w: give a directory that holds a root file system", root, cause(err))
	}
	defer r.Close()
	m, err := Read(rootFS{r}, o)
	if err != nil {
		return nil, fmt.Errorf("root %s: %w", root, err)
	}
	return m, nil
}

// OpenRoot opens a directory as the file system that [ReadRoot] reads, for
// [Changelog] and [Backports]. The caller closes the second value.
func OpenRoot(root string) (fs.FS, io.Closer, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, nil, fmt.Errorf("root %s: %w: give a directory that holds a root file system", root, cause(err))
	}
	return rootFS{r}, r, nil
}

// ErrNoDatabase says that a root has no package database that can be read.
var ErrNoDatabase = errors.New("no package database of dpkg, rpm, apk or pacman")

// Read reads a root file system. The error is [ErrNoDatabase] if there is no
// package database in it; anything less is among the machine's problems. A root
// with databases of several package managers has the packages of its
// distribution's own.
func Read(fsys fs.FS, o Options) (*wontfix.Machine, error) {
	r := newReader(fsys)
	r.readRelease(o.Release)
	if o.Found != nil {
		o.Found(r.m.Base)
	}
	if !r.databases() {
		return nil, r.noDatabase()
	}
	if r.m.Manager == dpkg {
		if len(r.m.Packages) == 0 {
			r.problem(statusFile, 0, "no installed package in it, nor in %s", statusDir)
		}
		r.architecture()
		r.automatic()
		r.readProducts()
	} else {
		if len(r.m.Packages) == 0 {
			r.problem(r.m.Manager, 0, "no installed package in its database")
		}
		r.m.Architecture = commonArchitecture(r.m.Packages)
	}
	r.kernel()
	r.hostname()
	if r.m.Manager == dpkg {
		if !o.NoLists {
			r.lists()
		}
		r.notices()
	}
	return r.done(), nil
}

// databases reads the database of the distribution's package manager, or of
// another one if that has no package, and reports whether there is any.
func (r *reader) databases() bool {
	type database struct {
		manager string
		read    func() bool
	}
	all := []database{{dpkg, r.database}, {rpm, r.rpmDatabase}, {apk, r.apkDatabase}, {pacman, r.pacmanDatabase}}
	own := managerOf(&r.m.OS)
	i := slices.IndexFunc(all, func(d database) bool { return d.manager == own })
	all[0], all[i] = all[i], all[0]
	for _, d := range all {
		found := d.read()
		if found && (r.m.Manager == "" || len(r.m.Packages) > 0) {
			r.m.Manager = d.manager
		}
		if len(r.m.Packages) > 0 {
			break
		}
	}
	if r.m.Manager != "" && r.m.Manager != own && r.m.OS.ID != "" && len(r.m.Packages) > 0 {
		r.problem(r.m.OS.From, 0, "%s uses %s, and the packages are in a database of %s", r.m.OS.ID, own, r.m.Manager)
	}
	return r.m.Manager != ""
}

// ReadStatus reads a dpkg status file on its own, from a file or standard
// input; name is what problems call it. Stanzas without a Status field count
// as installed, as in the databases of distroless images. The release is
// o.Release.
func ReadStatus(name string, rd io.Reader, o Options) (*wontfix.Machine, error) {
	b, err := io.ReadAll(io.LimitReader(rd, maxStatus+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	r := newReader(nil)
	if len(b) > maxStatus {
		b = b[:maxStatus]
		r.problem(name, 0, "longer than %d bytes: the rest is not read", maxStatus)
	}
	stanzas := r.status(name, b, statusLone)
	if stanzas == 0 {
		return nil, fmt.Errorf("%s: no package in it: want the contents of a dpkg status file (/var/lib/dpkg/status)", name)
	}
	r.m.Manager = dpkg
	r.m.Release, r.m.Base = o.Release, o.Release
	r.m.Architecture = commonArchitecture(r.m.Packages)
	r.kernel()
	return r.done(), nil
}

// A reader fills in a machine from one file system.
type reader struct {
	fsys     fs.FS // nil if there is a status file alone
	m        *wontfix.Machine
	seen     map[packageKey]int // index in m.Packages
	problems map[string]int     // how many of each file
}

type packageKey struct{ name, arch string }

func newReader(fsys fs.FS) *reader {
	return &reader{
		fsys:     fsys,
		m:        &wontfix.Machine{Products: []string{}},
		seen:     make(map[packageKey]int),
		problems: make(map[string]int),
	}
}

// done counts the packages.
func (r *reader) done() *wontfix.Machine {
	sources := make(map[string]struct{})
	for i := range r.m.Packages {
		sources[r.m.Packages[i].Source] = struct{}{}
	}
	r.m.Counts.Binary = len(r.m.Packages)
	r.m.Counts.Source = len(sources)
	for file, n := range r.problems {
		if n > maxProblems {
			r.m.Problems = append(r.m.Problems, wontfix.Problem{File: file,
				Text: fmt.Sprintf("%d problems, of which the first %d are listed", n, maxProblems)})
		}
	}
	return r.m
}

const maxProblems = 100 // listed for one file

func (r *reader) problem(file string, line int, format string, args ...any) {
	if r.problems[file]++; r.problems[file] > maxProblems {
		return
	}
	r.m.Problems = append(r.m.Problems, wontfix.Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// file returns the contents of a file, or nil if there is none. A file that is
// there and cannot be read, or is larger than limit, is a problem.
func (r *reader) file(name string, limit int64) []byte {
	if r.fsys == nil {
		return nil
	}
	b, err := readFile(r.fsys, name, limit)
	switch {
	case err == nil:
		return b
	case errors.Is(err, fs.ErrNotExist) && !r.dangling(name):
		return nil
	default:
		r.problem(name, 0, "%s", r.why(name, err))
		return nil
	}
}

// dangling reports whether a file that does not exist is a symbolic link.
func (r *reader) dangling(name string) bool {
	_, err := fs.ReadLink(r.fsys, name)
	return err == nil
}

// why says in a phrase why a file is not read.
func (r *reader) why(name string, err error) string {
	if target, e := fs.ReadLink(r.fsys, name); e == nil {
		return fmt.Sprintf("symbolic link to %q, which is not a file in this root: not followed", target)
	}
	if errors.Is(err, fs.ErrPermission) {
		return "permission denied: not read; run as a user who may read it"
	}
	return fmt.Sprintf("not read: %v", cause(err))
}

func (r *reader) dir(name string) []fs.DirEntry {
	if r.fsys == nil {
		return nil
	}
	entries, err := fs.ReadDir(r.fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.problem(name, 0, "%s", r.why(name, err))
	}
	return entries
}

// openFile opens a regular file. Anything else, such as a named pipe, would
// make a read wait for ever.
func openFile(fsys fs.FS, name string) (fs.File, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return fsys.Open(name)
}

var errNotRegular = errors.New("not a regular file")

func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := openFile(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var buf bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Size() > 0 && info.Size() <= limit {
		buf.Grow(int(info.Size()) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return buf.Bytes(), nil
}

// cause returns what lies below the operation and the path of an error.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// noDatabase says what was looked for.
func (r *reader) noDatabase() error {
	const looked = "looked for var/lib/dpkg/status, var/lib/dpkg/status.d, usr/lib/sysimage/rpm, var/lib/rpm, lib/apk/db/installed and var/lib/pacman/local"
	if len(r.m.Problems) > 0 {
		return fmt.Errorf("%w: %s: %w", ErrNoDatabase, looked, r.m.Problems[0])
	}
	return fmt.Errorf("%w: %s; give the folder of a whole root file system", ErrNoDatabase, looked)
}

func (r *reader) hostname() {
	const name = "etc/hostname"
	for line := range strings.Lines(string(r.file(name, maxSmall))) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if len(line) > 253 || !only(line, "-._") {
			r.problem(name, 1, "%.60q is no host name: left out", line)
			return
		}
		r.m.Name = line
		return
	}
}

// only reports whether s has nothing but ASCII letters, digits and marks.
func only(s, marks string) bool {
	for i := range len(s) {
		c := s[i]
		if ('0' > c || c > '9') && ('a' > c|0x20 || c|0x20 > 'z') && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return true
}
