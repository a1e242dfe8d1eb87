package probe

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"wontfix"
	"wontfix/internal/lazyregexp"
)

//go:embed stubs
var stubs embed.FS

// FindOptions say where clients are looked for.
type FindOptions struct {
	Path string `json:"path"` // folders, as in PATH
	Home string `json:"home"` // of the user, where version managers keep theirs
	Dir  string `json:"-"`    // a folder that can be written
	// Limit is how long a program has to say who it is; 30 seconds if zero.
	Limit time.Duration `json:"limit,omitempty"`

	room Room // in which programs are asked
}

// A description is what a program says of itself.
type description struct {
	version, library string
	modules          map[string]string
	stores           []string
}

// Find returns the clients of the machine, in order of ID, and what it did not
// dare to run. It asks each program once who it is. The error is one of writing
// to Dir.
func Find(ctx context.Context, o FindOptions) ([]Client, []Skipped, error) {
	return o.find(ctx, table())
}

func (o FindOptions) find(ctx context.Context, rows []row) ([]Client, []Skipped, error) {
	entries, err := stubs.ReadDir("stubs")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		data, err := stubs.ReadFile("stubs/" + e.Name())
		if err != nil {
			return nil, nil, err
		}
		if err := os.WriteFile(filepath.Join(o.Dir, e.Name()), data, 0o644); err != nil {
			return nil, nil, err
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var clients []Client
	var skipped []Skipped
	slots := make(chan struct{}, runtime.NumCPU()+1)
	for _, r := range rows {
		for _, path := range o.programs(r) {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				list, err := o.ask(ctx, r, path)
				mu.Lock()
				defer mu.Unlock()
				clients = append(clients, list...)
				if err != nil {
					skipped = append(skipped, Skipped{Path: path, Why: err.Error()})
				}
			})
		}
	}
	wg.Wait()
	slices.SortFunc(clients, func(a, b Client) int { return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Path, b.Path)) })
	slices.SortFunc(skipped, func(a, b Skipped) int { return strings.Compare(a.Path, b.Path) })
	return nameApart(clients), skipped, nil
}

// Absent returns the kinds of clients that are known and of which no program
// was found, whether it could be run or not.
func Absent(clients []wontfix.Client, untested []wontfix.Untested) []string {
	list := []string{}
	for _, r := range table() {
		if slices.ContainsFunc(clients, func(c wontfix.Client) bool { return c.Kind == r.name || strings.HasPrefix(c.Kind, r.name+"/") }) ||
			slices.ContainsFunc(untested, func(u wontfix.Untested) bool { return r.named(u.Path) }) {
			continue
		}
		list = append(list, r.name)
	}
	return list
}

// nameApart adds the path to IDs that more than one client has.
func nameApart(clients []Client) []Client {
	count := map[string]int{}
	for _, c := range clients {
		count[c.ID]++
	}
	for i, c := range clients {
		if count[c.ID] > 1 {
			clients[i].ID += " (" + c.Path + ")"
		}
	}
	return clients
}

// programs returns the files of a row, each once however many names it has.
func (o FindOptions) programs(r row) []string {
	var paths []string
	var patterns []string
	for _, dir := range filepath.SplitList(o.Path) {
		if filepath.IsAbs(dir) && !strings.HasSuffix(dir, "/shims") { // of pyenv and the like: the programs are in versions/
			for _, name := range r.programs {
				patterns = append(patterns, filepath.Join(dir, name))
			}
		}
	}
	for _, p := range r.places {
		if rest, ok := strings.CutPrefix(p, "~"); ok {
			if o.Home == "" {
				continue
			}
			p = o.Home + rest
		}
		patterns = append(patterns, p)
	}
	var seen []os.FileInfo
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // the patterns are ours
		for _, path := range found {
			real, err := filepath.EvalSymlinks(path)
			if err != nil || !r.named(path) {
				continue
			}
			info, err := os.Stat(real)
			if err != nil || slices.ContainsFunc(seen, func(s os.FileInfo) bool { return os.SameFile(s, info) }) {
				continue
			}
			seen = append(seen, info)
			// What a program does may depend on its name, and a script may need what
			// lies beside it.
			if sameName := filepath.Base(real) == filepath.Base(path) && filepath.Base(filepath.Dir(real)) == filepath.Base(filepath.Dir(path)); sameName || r.census != "" && r.named(real) {
				path = real
			}
			paths = append(paths, path)
		}
	}
	return paths
}

// named reports whether a file has the name of one of the row's programs, with
// nothing but a version behind it: python3.11, not python3-config or pypy3clean,
// which are never to be started.
func (r row) named(path string) bool {
	base := filepath.Base(path)
	return slices.ContainsFunc(slices.Concat(r.programs, r.places), func(pattern string) bool {
		name, _, _ := strings.Cut(filepath.Base(pattern), "[")
		return strings.TrimRight(base, "-.0123456789") == strings.TrimRight(name, "-.*0123456789")
	})
}

// trusted returns why a program must not be run: one that others can change, or
// that belongs to another user.
func trusted(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return errors.New("no program")
	}
	if info.Mode()&0o022 != 0 {
		return errors.New("others than its owner can change it")
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Getuid() {
		return fmt.Errorf("it belongs to the user %d", s.Uid)
	}
	for _, name := range []string{path, real} {
		for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
			info, err := os.Stat(dir)
			if err != nil {
				return err
			}
			if info.Mode()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
				return fmt.Errorf("others can put another in its place: all can write to %s", dir)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return nil
}

// ask returns the clients that a program is.
func (o FindOptions) ask(ctx context.Context, r row, path string) ([]Client, error) {
	if err := trusted(path); err != nil {
		return nil, err
	}
	args := r.describe
	if r.census != "" {
		args = []string{filepath.Join(o.Dir, r.census)}
	}
	d := description{}
	if args != nil {
		out, err := o.output(ctx, path, args)
		if err != nil && (r.census != "" || len(out) == 0) {
			return nil, err
		}
		if d = describe(r, out); !strings.Contains(out, r.only) {
			return nil, fmt.Errorf("what it says of itself has no %q", r.only)
		}
	}
	name := r.name
	if strings.HasPrefix(filepath.Base(path), "pypy") {
		name = "pypy"
	}
	if r.numbered {
		name += firstTwo.FindString(d.version)
	}
	var list []Client
	for _, run := range r.runs {
		if _, ok := d.modules[run.module]; run.module != "" && !ok || older(d.version, run.least) {
			continue
		}
		c := Client{
			Client: wontfix.Client{ID: name, Kind: r.name, Path: path, Version: d.version, Library: d.library, Protocol: cmp.Or(run.protocol, "https"), Args: run.args},
			Env:    run.env, Stdin: run.stdin, Stub: run.stub, Build: slices.Clone(run.build), Stores: d.stores, TrustEnv: r.trust, NeedsTrustEnv: r.needs,
		}
		if run.name != "" {
			c.ID += "/" + run.name
			c.Kind += "/" + run.name
		}
		if v := d.modules[run.module]; v != "" {
			c.Version = v
		}
		if run.trust != nil {
			c.TrustEnv = run.trust
		}
		if len(c.Build) > 0 {
			c.Build[0] = strings.ReplaceAll(c.Build[0], "{bin}", filepath.Dir(path))
			if p, err := exec.LookPath(c.Build[0]); err != nil {
				return list, fmt.Errorf("%s is needed to build what it runs", filepath.Base(c.Build[0]))
			} else {
				c.Build[0] = p
			}
		}
		if r.name == "java" {
			c.Stores = append(c.Stores, filepath.Join(filepath.Dir(filepath.Dir(path)), "lib", "security", "cacerts"))
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("it has no library for TLS")
	}
	return list, nil
}

var (
	firstTwo  = lazyregexp.New(`^\d+(\.\d+)?`)
	number    = lazyregexp.New(`\d+(\.\d+)+[-~+\w.]*|\bv?\d+\b`)
	libraries = lazyregexp.New(`(?i)\b(OpenSSL|LibreSSL|GnuTLS|BoringSSL|wolfSSL|mbedTLS|NSS)[ /]+v?([\d.]+\w*)`)
)

// older reports whether a version, numbers and dots, is less than another.
func older(version, least string) bool {
	numbers := func(s string) []int {
		var list []int
		for part := range strings.SplitSeq(s, ".") {
			n, err := strconv.Atoi(part)
			if err != nil {
				break
			}
			list = append(list, n)
		}
		return list
	}
	return slices.Compare(numbers(version), numbers(least)) < 0
}

// describe reads a census, or the words in which a program says its version.
func describe(r row, out string) description {
	d := description{modules: map[string]string{}}
	if r.census == "" {
		d.version = clip(strings.TrimPrefix(number.FindString(out), "v"))
		if m := libraries.FindStringSubmatch(out); m != nil && r.name != "openssl" {
			d.library = clip(m[1] + " " + m[2])
		}
		return d
	}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		switch {
		case len(f) < 2:
		case f[0] == "version":
			d.version = clip(f[1])
		case f[0] == "library":
			d.library = clip(f[1])
			if m := libraries.FindStringSubmatch(f[1]); m != nil {
				d.library = clip(m[1] + " " + m[2])
			}
		case f[0] == "module":
			d.modules[f[1]] = clip(strings.Join(f[2:], " "))
		case f[0] == "store" && filepath.IsAbs(f[1]):
			d.stores = append(d.stores, f[1])
		}
	}
	return d
}

// output runs a program that says who it is.
func (o FindOptions) output(ctx context.Context, path string, args []string) (string, error) {
	limit := cmp.Or(o.Limit, 30*time.Second)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	process(cmd, o.room.Nobody && reachable(path))
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = time.Second
	cmd.Env = cleanEnv(o.Dir)
	cmd.Dir = o.Dir
	b := &limited{left: 1 << 16}
	cmd.Stdout, cmd.Stderr = b, b
	err := launch(cmd, o.room.Isolated)
	if err == nil {
		err = cmd.Wait()
	}
	killGroup(cmd) // what it has left behind
	if ctx.Err() != nil {
		return "", fmt.Errorf("does not say who it is within %v", limit)
	}
	if err != nil {
		return b.String(), fmt.Errorf("does not say who it is: %w", err)
	}
	return b.String(), nil
}

// cleanEnv is the environment of a client: nothing of ours.
func cleanEnv(dir string) []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8", "TERM=dumb", "NO_COLOR=1"}
}

// A limited keeps the first bytes of what is written. A program that is given
// up may still write while it is read.
type limited struct {
	mu   sync.Mutex
	text strings.Builder
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(p), l.left)
	l.text.Write(p[:n])
	l.left -= n
	return len(p), nil
}

func (l *limited) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
