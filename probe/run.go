package probe

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wontfix"
)

// A Request says what is probed.
type Request struct {
	Find FindOptions `json:"find"`
	// Clients are the beginnings of the IDs of those that are probed; none is all
	// that are found.
	Clients []string `json:"clients,omitempty"`
	// Command is a program with its arguments that is probed instead of what is
	// found; {url} and the like stand for the server, and {ca} for what it may be
	// told to trust.
	Command  []string      `json:"command,omitempty"`
	Protocol string        `json:"protocol,omitempty"` // of Command
	Cases    []string      `json:"cases"`              // IDs
	Env      []string      `json:"env,omitempty"`      // instead of a clean environment
	Limit    time.Duration `json:"limit,omitempty"`    // of a run; 25 seconds if zero
	Trust    bool          `json:"trust,omitempty"`    // by the process's variables, even in a room
	// Overrides, where it is set, asks what changes the clients' verification on
	// this machine, and what each does with it.
	Overrides *OverrideOptions `json:"overrides,omitempty"`
}

// A Message is one thing that a probe has to tell.
type Message struct {
	Room    *Room    `json:"room,omitempty"`
	Client  *Client  `json:"client,omitempty"`
	Skipped *Skipped `json:"skipped,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
	// CPU is the processor time of the run that led to the outcome: the least that
	// it can take on one core.
	CPU time.Duration `json:"cpu,omitempty"`
	// Override comes after all outcomes.
	Override *Override `json:"override,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// Isolated probes in a room of its own: it starts a program, this one, which
// calls [Inside] when it is given these arguments. An error that wraps
// [ErrNoRoom] says that the machine does not allow it.
func Isolated(ctx context.Context, r Request, name string, args ...string) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		request, err := json.Marshal(r)
		if err != nil {
			yield(Message{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		cmd, out, words, err := startIsolated(ctx, request, name, args...)
		if err != nil {
			yield(Message{}, fmt.Errorf("%w: %w", ErrNoRoom, err))
			return
		}
		in := bufio.NewScanner(out)
		in.Buffer(nil, 1<<20)
		first := true
		for in.Scan() {
			var m Message
			if err := json.Unmarshal(in.Bytes(), &m); err != nil {
				yield(Message{}, fmt.Errorf("what the room says: %w", err))
				cancel()
				break
			}
			var failed error
			if m.Error != "" {
				failed = errors.New(m.Error)
				if first {
					failed = fmt.Errorf("%w: %s", ErrNoRoom, m.Error)
				}
			}
			first = false
			if !yield(m, failed) || failed != nil {
				cancel()
				cmd.Wait()
				return
			}
		}
		if err := cmd.Wait(); err != nil {
			yield(Message{}, fmt.Errorf("the room: %w: %s", cmp.Or(ctx.Err(), err), clip(words.String())))
		}
	}
}

// ErrNoRoom is the error of a machine that allows no namespaces.
var ErrNoRoom = errors.New("no room of its own")

func startIsolated(ctx context.Context, request []byte, name string, args ...string) (*exec.Cmd, io.Reader, *limited, error) {
	var last error
	for _, two := range []bool{true, false} {
		if two && os.Getuid() != 0 {
			continue
		}
		cmd := isolated(ctx, two, name, args...)
		words := &limited{left: maxReason}
		cmd.Stdin, cmd.Stderr = bytes.NewReader(request), words
		cmd.WaitDelay = time.Second
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, nil, nil, err
		}
		if last = cmd.Start(); last == nil {
			return cmd, out, words, nil
		}
	}
	return nil, nil, nil, last
}

// Inside is the probe in the room: it reads a [Request] and writes a line of
// JSON for each [Message].
func Inside(ctx context.Context, in io.Reader, out io.Writer) error {
	var r Request
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	for m, err := range r.inside(ctx) {
		if err != nil {
			m.Error = err.Error()
		}
		if err := enc.Encode(m); err != nil {
			return err
		}
	}
	return nil
}

func (r Request) inside(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		a, err := NewAuthority(time.Now())
		if err != nil {
			yield(Message{}, err)
			return
		}
		room, err := enter(a)
		if err != nil {
			yield(Message{}, err)
			return
		}
		r.in(ctx, a, room, yield)
	}
}

// Fallback probes without a room, in a folder that it makes and removes: with
// the cases that need no names, and clients that can be told whom to trust. Why
// is the reason that it gives.
func (r Request) Fallback(ctx context.Context, why string) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		dir, err := os.MkdirTemp("", "wontfix-probe-")
		if err != nil {
			yield(Message{}, err)
			return
		}
		defer os.RemoveAll(dir)
		a, err := NewAuthority(time.Now())
		if err != nil {
			yield(Message{}, err)
			return
		}
		room := &Room{Room: wontfix.Room{Why: why}, Dir: dir}
		if err := room.furnish(a); err != nil {
			yield(Message{}, err)
			return
		}
		r.in(ctx, a, room, yield)
	}
}

// in finds the clients and runs them.
func (r Request) in(ctx context.Context, a *Authority, room *Room, yield func(Message, error) bool) {
	find := r.Find
	find.Dir, find.room = filepath.Join(room.Dir, "stubs"), *room
	if err := os.MkdirAll(find.Dir, 0o755); err != nil {
		yield(Message{}, err)
		return
	}
	if !yield(Message{Room: room}, nil) {
		return
	}
	clients, skipped, err := r.clients(ctx, find)
	if err != nil {
		yield(Message{}, err)
		return
	}
	for _, s := range skipped {
		if !yield(Message{Skipped: &s}, nil) {
			return
		}
	}
	for _, c := range clients {
		room.cover(c.Stores)
		if !yield(Message{Client: &c}, nil) {
			return
		}
	}
	room.cover(trustedBy(r.Env))
	for m := range r.run(ctx, a, room, clients) {
		if !yield(m, nil) {
			return
		}
	}
	if r.Overrides != nil {
		r.overrides(ctx, a, room, clients, yield)
	}
}

// trustedBy returns the files that variables of an environment name as what is
// to be trusted.
func trustedBy(env []string) []string {
	var paths []string
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if filepath.IsAbs(value) && slices.ContainsFunc(variables(), func(k knob) bool { return k.class == Redirect && k.show == showValue && matches(k.key, name) }) {
			paths = append(paths, value)
		}
	}
	return paths
}

// clients returns those that are asked for.
func (r Request) clients(ctx context.Context, find FindOptions) ([]Client, []Skipped, error) {
	if len(r.Command) > 0 {
		if words := strings.Join(r.Command[1:], " "); !strings.Contains(words, "{url}") && !(strings.Contains(words, "{host}") && strings.Contains(words, "{port}")) {
			return nil, nil, fmt.Errorf("%s: its arguments do not say where the server is: they need {url}, or {host} and {port}", r.Command[0])
		}
		path, err := exec.LookPath(r.Command[0])
		if err != nil {
			return nil, nil, err
		}
		if path, err = filepath.Abs(path); err != nil {
			return nil, nil, err
		}
		name := filepath.Base(path)
		return []Client{{Client: wontfix.Client{ID: name, Kind: name, Path: path, Protocol: cmp.Or(r.Protocol, "https"), Args: r.Command[1:]}, TrustEnv: trustOpenSSL}}, nil, nil
	}
	list, skipped, err := Find(ctx, find)
	if len(r.Clients) > 0 {
		list = slices.DeleteFunc(list, func(c Client) bool {
			return !slices.ContainsFunc(r.Clients, func(p string) bool { return strings.HasPrefix(c.ID, p) })
		})
	}
	return list, skipped, err
}
