package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestStart: no package of wontfix makes large tables when the program starts,
// for every command would wait for them.
func TestStart(t *testing.T) {
	const most = 16 << 10 // bytes
	cmd := wontfixProcess(t.TempDir(), "version")
	cmd.Env = append(cmd.Env, "GODEBUG=inittrace=1")
	packages := 0
	for line := range strings.Lines(runProcess(t, cmd).stderr) {
		var name string
		var at, clock float64
		var size int
		n, _ := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes", &name, &at, &clock, &size)
		if n != 4 || !strings.HasPrefix(name, "wontfix/") || name == "wontfix/cmd/wontfix" { // the tests are in that one
			continue
		}
		if packages++; size > most {
			t.Errorf("%s: %d bytes before main begins, at most %d", name, size, most)
		}
	}
	if packages == 0 {
		t.Error("the trace has no package of wontfix")
	}
}
