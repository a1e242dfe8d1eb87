//go:build !linux

package probe

import (
	"context"
	"errors"
	"os/exec"
)

const nobody = -1

// Other systems have no namespaces: the fallback is all there is.

func isolated(ctx context.Context, _ bool, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Err = errors.New("this system has no namespaces")
	return cmd
}

func enter(*Authority) (*Room, error) { return nil, errors.New("this system has no namespaces") }

func (r *Room) cover([]string) {}

func process(*exec.Cmd, bool) {}

func launch(cmd *exec.Cmd, _ bool) error { return cmd.Start() }

func reachable(string) bool { return false }

func killGroup(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return cmd.Process.Kill()
}
