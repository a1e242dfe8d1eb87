package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ErrNoGit says that the git program is needed and not there.
var ErrNoGit = errors.New("git: no such program; install git, or read a plain folder that has active/ and retired/, or take a ready database with wontfix db import")

// maxOutput bounds what one git command may print: the list of a tree with
// 47,000 files is 3 MB.
const maxOutput = 256 << 20

// A git runs the git program in one repository.
type git struct {
	program string
	dir     string // the repository
	objects string // its objects, if they are elsewhere
	allow   string // protocols that may be used, with colons between
}

// findGit returns the git program: the one given or the one in PATH.
func findGit(program string) (string, error) {
	if program == "" {
		program = "git"
	}
	path, err := exec.LookPath(program)
	if err != nil && program != "git" {
		return "", fmt.Errorf("%q as %w", program, ErrNoGit)
	} else if err != nil {
		return "", ErrNoGit
	}
	return path, nil
}

// settings override what configuration files say: no program of the
// repository's choice runs, nothing is cleaned up behind our back, and what is
// fetched stays one pack.
var settings = [][2]string{
	{"core.hooksPath", os.DevNull},
	{"core.fsmonitor", "false"},
	{"core.pager", "cat"},
	{"gc.auto", "0"},
	{"maintenance.auto", "false"},
	{"fetch.unpackLimit", "1"},
	{"fetch.writeCommitGraph", "false"},
	{"fetch.recurseSubmodules", "false"},
	{"http.lowSpeedLimit", "1000"}, // bytes a second, over
	{"http.lowSpeedTime", "60"},    // that many seconds
	{"protocol.ext.allow", "never"},
	{"log.showSignature", "false"},
}

// environ returns the environment of a git command: the caller's without the
// variables that would point git elsewhere.
func (g *git) environ() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		keep := !strings.HasPrefix(name, "GIT_")
		for _, prefix := range []string{"GIT_SSH", "GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_PROXY", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"} {
			keep = keep || strings.HasPrefix(name, prefix)
		}
		if keep && name != "LC_ALL" && name != "LANGUAGE" {
			env = append(env, v)
		}
	}
	env = append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_ALLOW_PROTOCOL="+g.allow, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	if g.objects != "" {
		env = append(env, "GIT_OBJECT_DIRECTORY="+g.objects)
	}
	return env
}

// command returns a git command that is interrupted, and killed if it does not
// heed that, when the context ends.
func (g *git) command(ctx context.Context, stderr io.Writer, args ...string) *exec.Cmd {
	// An explicit --git-dir also keeps git from refusing a repository for
	// its owner (safe.directory).
	cmd := exec.CommandContext(ctx, g.program, append([]string{"--git-dir=" + g.dir}, args...)...)
	cmd.Env = g.environ()
	cmd.Dir = string(os.PathSeparator)
	cmd.Stderr = stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// run returns what a git command prints. The error has the last lines of its
// complaint.
func (g *git) run(ctx context.Context, args ...string) ([]byte, error) {
	var stderr tail
	cmd := g.command(ctx, &stderr, args...)
	var out limited
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return nil, stderr.error(ctx, "git "+args[0], err)
	}
	return out.Bytes(), nil
}

// A limited buffer takes no more than maxOutput bytes.
type limited struct{ bytes.Buffer }

func (b *limited) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, errors.New("output: larger than any tracker")
	}
	return b.Buffer.Write(p)
}

// A tail keeps the end of what is written to it.
type tail struct{ b []byte }

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b) - tailSize; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(p), nil
}

// lines returns the last lines of a git command's complaint, without progress
// and control characters.
func (t *tail) lines() string {
	var lines []string
	for line := range strings.FieldsFuncSeq(string(t.b), func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(printable(line))
		if _, _, _, ok := parseProgress(line); line != "" && !ok && !strings.HasPrefix(line, "hint: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-5):], "; ")
}

// error makes one error of a command's end and its complaint.
func (t *tail) error(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	if s := t.lines(); s != "" {
		return fmt.Errorf("%s: %s", what, s)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// printable replaces what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '?'
		}
		return r
	}, s)
}
