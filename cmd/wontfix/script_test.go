package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// today is the day on which the wontfix of the tests runs.
var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(cleaner{m}, map[string]func(){
		"wontfix":       func() { os.Exit(start(func() time.Time { return today })) },
		"measure":       measure,
		"tlsclient":     tlsclient,
		"updatehistory": updateHistory,
	})
}

// A cleaner removes what all tests share when they are done.
type cleaner struct{ m *testing.M }

func (c cleaner) Run() int {
	code := c.m.Run()
	if corpusDB.dir != "" {
		os.RemoveAll(corpusDB.dir)
	}
	return code
}

// TestScript runs the command lines of testdata/script, each script in a
// folder and with a home of its own, which has copies of testdata/tracker, a
// small tracker, and testdata/root, a machine with a finding of each outlook.
// Beside the commands of testscript they have
//
//	exits STATUS COMMAND ARG...
//
// which wants a command to end with a certain exit status, and
//
//	printable stdout|stderr
//
// which wants no byte in an output of which a terminal would make more than
// text.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("WONTFIX_DB", "wontfix.db")
			env.Setenv("LC_ALL", "C.UTF-8")
			for _, name := range []string{"GIT_AUTHOR", "GIT_COMMITTER"} {
				env.Setenv(name+"_NAME", "Ann")
				env.Setenv(name+"_EMAIL", "ann@example.org")
				env.Setenv(name+"_DATE", "2026-11-20T10:00:00Z")
			}
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			for _, name := range []string{"tracker", "root"} {
				if err := os.CopyFS(filepath.Join(env.WorkDir, name), os.DirFS(filepath.Join("testdata", name))); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"printable": printable,
			"servetls":  serveTLS,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, not %d", got, want)
	}
}

func printable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: printable stdout|stderr")
	}
	text := ts.ReadFile(args[0])
	if i := unprintable(text); i >= 0 {
		ts.Fatalf("%s: byte %d is not text: %q", args[0], i, text[max(i-20, 0):min(i+20, len(text))])
	}
}

// unprintable returns the offset of the first character of s that a terminal
// would obey, or -1. Line ends are none.
func unprintable(s string) int {
	for i, r := range s {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e {
			return i
		}
	}
	return -1
}
