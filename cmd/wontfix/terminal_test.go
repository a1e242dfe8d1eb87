package main

import (
	"strings"
	"testing"
	"wontfix/internal/testkit"
)

// TestColour: there is colour on a terminal that has it, if nobody minds.
func TestColour(t *testing.T) {
	script := testkit.Program(t, "script")
	dir := home(t)
	for _, tt := range []struct {
		env, flag string
		want      bool
	}{
		{"TERM=xterm", "", true},
		{"TERM=xterm", "--no-color", false},
		{"TERM=dumb", "", false},
		{"NO_COLOR=1", "", false},
		{"WONTFIX_NO_COLOR=true", "", false},
	} {
		cmd := wontfixProcess(dir)
		cmd.Path = script
		cmd.Args = []string{"script", "-qec", "wontfix scan --root root " + tt.flag, "/dev/null"}
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=", tt.env)
		r := runProcess(t, cmd)
		if r.status != 0 || !strings.Contains(r.stdout, "CVE-2024-0001") {
			t.Fatalf("%s %s: status %d\n%s%s", tt.env, tt.flag, r.status, r.stdout, r.stderr)
		}
		if got := strings.Contains(r.stdout, "\x1b["); got != tt.want {
			t.Errorf("%s %s: colour %v, want %v", tt.env, tt.flag, got, tt.want)
		}
	}
	if r := wants(t, dir, exitOK, "", "scan", "--root", "root"); strings.Contains(r.stdout, "\x1b") {
		t.Error("colour in a pipe")
	}
}
