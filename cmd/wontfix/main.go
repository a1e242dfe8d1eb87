// Command wontfix says what is still open on a machine whose updates are all
// installed, what of it will never be fixed there, and why.
//
// This package alone knows all the others. It has a file for each command.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"wontfix"
	"wontfix/internal/store"
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

	opening func() (*store.DB, error) // see expectDB; nil: nobody expects it
	ahead   sync.WaitGroup            // what is read of it ahead of time
}

// An exitCode is an error that has been told already, or needs no telling.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() { os.Exit(start(time.Now)) }

// start runs the command line of the process and returns its exit status.
func start(now func() time.Time) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: now}
	return run(ctx, e, os.Args[1:])
}

// run runs a command line and returns the exit status.
func run(ctx context.Context, e *env, args []string) int {
	help := &errWriter{w: e.stdout}
	root := newRoot(e, help)
	root.SetArgs(args)
	err := cmp.Or(root.ExecuteContext(ctx), help.err)
	var code exitCode
	var at *fs.PathError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, syscall.EPIPE) && errors.As(err, &at) && at.Path == os.Stdout.Name():
		return exitOK // whoever read the output has seen enough
	case ctx.Err() != nil:
		fmt.Fprintln(e.stderr, "wontfix: interrupted")
		return exitError
	}
	fmt.Fprintln(e.stderr, "wontfix: "+message(err.Error()))
	return exitError
}

// An errWriter keeps the first error of writing to w, for those who do not
// look at it.
type errWriter struct {
	w   io.Writer
	err error
}

func (w *errWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.err = cmp.Or(w.err, err)
	return n, err
}

// message makes s fit for a terminal. Its lines stay lines, and all but the
// first are indented: no text from outside can pass for a line of the program.
func message(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = report.Clean(line)
		if i > 0 && !strings.HasPrefix(line, "  ") {
			lines[i] = "  " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// newRoot makes the tree of commands. What cobra itself writes goes to help.
func newRoot(e *env, help io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:     "wontfix",
		Version: strings.TrimPrefix(toolName(), "wontfix "),
		Short:   "What will this machine never get, and why?",
		Long: `wontfix says what is still open on a machine whose updates are all installed,
what of it will never be fixed there, why, and where that is written.

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
	root.SetOut(help)
	root.SetErr(e.stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&e.db, "db", "", "use the database `FILE` (default in the user's cache folder)")
	flags.BoolVar(&e.offline, "offline", false, "use no network")
	flags.BoolVarP(&e.quiet, "quiet", "q", false, "say nothing but the answer and errors")
	flags.BoolVarP(&e.verbose, "verbose", "v", false, "say more about what is done")
	flags.BoolVar(&e.noColor, "no-color", false, "use no colour (also NO_COLOR)")
	root.AddCommand(newScan(e), newWhy(e), newCompare(e), newSearch(e), newHistory(e), newChanges(e), newStats(e), newSync(e), newDB(e), newReport(e), newMan(e), newVersion(e), newProbe(e), newProbeRoom(), newPin(e))
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	root.InitDefaultCompletionCmd()
	group(root)
	for _, cmd := range root.Commands() {
		if cmd.HasSubCommands() {
			group(cmd)
		}
	}
	return root
}

// group makes a command of one that only has others: alone it shows its help,
// and what it does not know is an error.
func group(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		path := cmd.CommandPath()
		hint := "see " + path + " --help"
		if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
			hint = "did you mean " + strings.Join(names, " or ") + "?"
		}
		return fmt.Errorf("%s %s: there is no such command; %s", path, args[0], hint)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// flagError says what is wrong with a flag and where to read about it.
func flagError(cmd *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		return valueError("--"+bad.GetFlag().Name+" ", bad.GetFlag(), bad.GetValue())
	}
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}

// valueError says which values a flag takes. The name is how the value was
// given: "--limit " or "WONTFIX_LIMIT=".
func valueError(name string, f *pflag.Flag, value string) error {
	want := map[string]string{
		"bool": "true or false", "int": "a whole number", "duration": "a duration such as 10s or 2m",
		"stringSlice": "values separated by commas",
	}[f.Value.Type()]
	return fmt.Errorf("%s%s: want %s", name, value, want)
}

// fromEnvironment sets the flags that the command line did not from variables
// such as WONTFIX_FAIL_ON.
func fromEnvironment(flags *pflag.FlagSet, getenv func(string) string) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "WONTFIX_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := getenv(name); value != "" && !f.Changed && f.Name != "help" && err == nil {
			if e := flags.Set(f.Name, value); e != nil {
				err = valueError(name+"=", f, value)
			}
		}
	})
	return err
}

var errNoPlace = errors.New("no place for the database: set HOME, or give --db FILE")

// cacheDir returns the folder for what can be had again.
func (e *env) cacheDir() (string, error) {
	if dir := e.getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "wontfix"), nil
	}
	if home := e.getenv("HOME"); home != "" {
		return filepath.Join(home, ".cache", "wontfix"), nil
	}
	return "", errNoPlace
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
		fmt.Fprintln(e.stderr, "wontfix: "+message(fmt.Sprintf(format, args...)))
	}
}

// warnFew says of the first problems what they are, and of the rest how many
// there are, as in "more rows that could not be read".
func (e *env) warnFew(problems []wontfix.Problem, more string) {
	const few = 5
	for i, p := range problems {
		if i == few {
			e.warn("… and %d %s", len(problems)-i, more)
			break
		}
		e.warn("%v", p)
	}
}

// plural writes a number with its noun: "1 finding", "2 findings".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// terminal reports whether w is a terminal, and its width, 0 if the terminal
// does not tell.
func terminal(w io.Writer) (width int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, true
	}
	return width, true
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
