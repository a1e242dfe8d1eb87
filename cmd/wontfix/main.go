// Command wontfix says what is still open on a machine whose updates are all
// installed, what of it will never be fixed there, and why.
//
// This package alone knows all the others. It has a file for each command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"wontfix/report"
)

// The exit statuses. They do not depend on the output format.
const (
	exitOK    = 0 // ran, and no gate tripped
	exitError = 1 // could not do the job
	exitGate  = 2 // a gate tripped
	exitStale = 3 // ran on stale or partial data, under --strict
)

// version is set by the linker for releases.
var version = ""

// toolName returns the name and version of the program.
func toolName() string {
	v := version
	if v == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			v = info.Main.Version
		}
	}
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	return "wontfix " + v
}

// An env is what a command sees of the world, and the flags that all share.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time

	db      string
	offline bool
	quiet   bool
	verbose bool
	noColor bool
}

// An exitCode is an error that has been told already, or needs no telling.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	e := &env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now}
	code := run(ctx, e, os.Args[1:])
	stop()
	os.Exit(code)
}

// run runs a command line and returns the exit status.
func run(ctx context.Context, e *env, args []string) int {
	root := newRoot(e)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, syscall.EPIPE):
		return exitOK // whoever read the output has seen enough
	case ctx.Err() != nil:
		fmt.Fprintln(e.stderr, "wontfix: interrupted")
		return exitError
	}
	fmt.Fprintln(e.stderr, "wontfix: "+report.Clean(err.Error()))
	return exitError
}

// newRoot makes the tree of commands.
func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "wontfix",
		Short: "What will this machine never get, and who decided that?",
		Long: `wontfix says what is still open on a machine whose updates are all installed,
what of it will never be fixed there, who decided that, why, and where that is
written.

Data goes to standard output, progress and warnings to standard error.

Exit status: 0 ran, and no gate tripped; 1 could not do the job; 2 a gate of
--fail-on tripped; 3 ran on stale or partial data, under --strict.

Every flag can be set in the environment: --fail-on as WONTFIX_FAIL_ON.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags(), e.getenv)
		},
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	fs := root.PersistentFlags()
	fs.StringVar(&e.db, "db", "", "use the database `FILE` (default in the user's cache folder)")
	fs.BoolVar(&e.offline, "offline", false, "use no network")
	fs.BoolVarP(&e.quiet, "quiet", "q", false, "say nothing but the answer and errors")
	fs.BoolVarP(&e.verbose, "verbose", "v", false, "say more about what is done")
	fs.BoolVar(&e.noColor, "no-color", false, "use no colour (also NO_COLOR)")
	root.AddCommand(newScan(e), newWhy(e), newSearch(e), newSync(e), newDB(e), newReport(e), newMan(e), newVersion(e))
	root.InitDefaultCompletionCmd()
	return root
}

// fromEnvironment sets the flags that the command line did not from variables
// such as WONTFIX_FAIL_ON.
func fromEnvironment(fs *pflag.FlagSet, getenv func(string) string) error {
	var err error
	fs.VisitAll(func(f *pflag.Flag) {
		name := "WONTFIX_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := getenv(name); value != "" && !f.Changed && f.Name != "help" && err == nil {
			if e := fs.Set(f.Name, value); e != nil {
				err = fmt.Errorf("%s=%s: %w", name, value, e)
			}
		}
	})
	return err
}

// cacheDir returns the folder for what can be had again.
func (e *env) cacheDir() (string, error) {
	if dir := e.getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "wontfix"), nil
	}
	if home := e.getenv("HOME"); home != "" {
		return filepath.Join(home, ".cache", "wontfix"), nil
	}
	return "", errors.New("no place for the database: set HOME, or give --db FILE")
}

// dbPath returns the path of the database.
func (e *env) dbPath() (string, error) {
	if e.db != "" {
		return e.db, nil
	}
	dir, err := e.cacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "wontfix.db"), nil
}

// warn says something on standard error that is not part of the answer.
func (e *env) warn(format string, args ...any) {
	if !e.quiet {
		fmt.Fprintln(e.stderr, "wontfix: "+report.Clean(fmt.Sprintf(format, args...)))
	}
}

// terminal returns the width of w if it is a terminal.
func terminal(w io.Writer) (width int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil && width > 0
}

// reportOptions returns how text should look on w.
func (e *env) reportOptions(w io.Writer) report.Options {
	o := report.Options{Version: toolName()}
	width, ok := terminal(w)
	if ok {
		o.Width = width
		o.Color = !e.noColor && e.getenv("NO_COLOR") == "" && e.getenv("TERM") != "dumb"
	}
	return o
}
