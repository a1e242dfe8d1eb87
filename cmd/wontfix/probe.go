package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/probe"
	"wontfix/report"
	"wontfix/tracker"
)

// roomCommand is what the process in the room is started with.
const roomCommand = "probe-room"

// probeCmd is "wontfix probe".
type probeCmd struct {
	outputs
	cases       []string
	all         bool
	environment bool
	command     string
	protocol    string
	failOn      []string
	release     string
	listening
}

func newProbe(e *env) *cobra.Command {
	c := &probeCmd{}
	cmd := &cobra.Command{
		Use:   "probe [CLIENT...]",
		Short: "Do the TLS clients of this machine reject bad certificates?",
		Long: `Probe finds the programs and libraries of this machine that speak TLS, offers
each bad certificates from a server on the loopback address, and says what they
did. What counts is what the server saw: a client that sends its request has
accepted the certificate. One that refuses a good certificate has no verdict.

Clients run with their default configuration, an empty home and a clean
environment, in namespaces of their own: without a network, unable to write
anything, trusting an authority whose key lives as long as the probe. Where the
machine allows no namespaces, clients are told by their environment what to
trust, and cases that need names of their own are left out.

What changes the verification on this machine (variables, files of the user and
of the system) is looked for apart, and tried. With --environment the clients
run once more, with the environment and the home of this shell.

For a client that cannot be started from here, such as a telephone, --listen
serves one case and prints the verdict of each connection.

CLIENT is the beginning of an ID: curl, python3.11, perl/LWP.`,
		Example: `  wontfix probe
  wontfix probe python2.7 --all
  wontfix probe --environment --fail-on unsafe,override
  wontfix probe --command 'myclient {url}'
  wontfix probe --listen 192.0.2.1:8443 --host pc.example.org --case T01 --ca-out ca.pem`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.Run(cmd.Context(), e, args) },
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&c.cases, "cases", nil, "play these `CASES` (T02,N01) or groups (T,N) instead of the core ones")
	fs.BoolVar(&c.all, "all", false, "play all cases")
	fs.BoolVar(&c.environment, "environment", false, "run the clients once more with the environment and home of this shell, and say what differs")
	fs.StringVar(&c.command, "command", "", "probe this `COMMAND` instead, with {url}, {host}, {port}, {token} or {ca} in its arguments")
	fs.StringVar(&c.protocol, "protocol", "https", "of --command: https, smtps, imaps, pop3s, smtp, imap, pop3, ftps, tls")
	fs.StringSliceVar(&c.failOn, "fail-on", nil, "exit with status 2 if the probe meets one of these `CONDITIONS`: unsafe, leak, a case of a severity or a worse one failed (critical, high, medium, low), override (one was seen to work), undecided")
	fs.StringVar(&c.release, "release", "", "quote what was decided for `RELEASE` (default that of this machine)")
	c.listening.flags(fs)
	c.outputs.flags(fs, report.ProbeFormats())
	complete(cmd, "format", report.ProbeFormats())
	complete(cmd, "fail-on", probe.Gates())
	return cmd
}

// newProbeRoom is the process in the room; "wontfix probe" starts it.
func newProbeRoom() *cobra.Command {
	return &cobra.Command{Use: roomCommand, Hidden: true, Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return probe.Inside(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
	}}
}

// Run probes and writes what was found.
func (c *probeCmd) Run(ctx context.Context, e *env, args []string) error {
	list, err := c.list(report.ProbeFormats())
	if err != nil {
		return err
	}
	for _, name := range c.failOn {
		if _, err := probe.ParseGate(name); err != nil {
			return fmt.Errorf("--fail-on: %w", err)
		}
	}
	if c.address != "" {
		return c.listen(ctx, e, list, args)
	}
	if _, err := parseRelease(c.release); err != nil {
		return err
	}
	r := probe.Request{Find: probe.FindOptions{Path: e.getenv("PATH"), Home: e.getenv("HOME")}, Clients: args, Protocol: c.protocol}
	if r.Cases, err = c.wanted(); err != nil {
		return err
	}
	if c.command != "" {
		if len(args) > 0 {
			return fmt.Errorf("--command and %s: give a command or clients to find", args[0])
		}
		r.Command = strings.Fields(c.command)
	} else {
		r.Overrides = &probe.OverrideOptions{Env: os.Environ(), Home: e.getenv("HOME")}
	}
	p, err := c.probe(ctx, e, r)
	if err != nil {
		return err
	}
	if err := c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteProbe(w, format, p, o)
	}); err != nil {
		return err
	}
	tripped := false
	for _, name := range c.failOn {
		trips, _ := probe.ParseGate(name)
		if n := trips(p); n > 0 {
			noun := "client"
			if name == "override" {
				noun = name
			}
			e.warn("--fail-on %s: %s", name, plural(n, noun))
			tripped = true
		}
	}
	if tripped {
		return exitCode(exitGate)
	}
	return nil
}

// listen serves one case and writes a line for each connection.
func (c *probeCmd) listen(ctx context.Context, e *env, list []output, args []string) error {
	if len(args) > 0 || c.command != "" || c.cases != nil || c.all || c.environment {
		return errListen
	}
	if len(list) != 1 || list[0].file != "" || list[0].format == "markdown" {
		return errors.New("--listen: writes text or json, to standard output")
	}
	unsafe, err := c.listening.run(ctx, e, c.protocol, list[0].format, e.stdout)
	if err != nil {
		return err
	}
	if unsafe && slices.Contains(c.failOn, "unsafe") {
		e.warn("--fail-on unsafe: a client accepted it")
		return exitCode(exitGate)
	}
	return nil
}

// wanted returns the IDs of the cases.
func (c *probeCmd) wanted() ([]string, error) {
	var ids []string
	for _, k := range probe.Cases() {
		named := slices.ContainsFunc(c.cases, func(s string) bool { return s == k.ID || s == k.ID[:1] })
		if named || c.cases == nil && (k.Core || c.all) && (!k.Pinned || c.command != "") {
			ids = append(ids, k.ID)
		}
	}
	for _, s := range c.cases {
		if !slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, s) }) {
			return nil, fmt.Errorf("--cases %s: there is no such case; T, N, C, K, P, R, X, M and S are the groups", s)
		}
	}
	return ids, nil
}

// probe runs the passes and puts together what they found.
func (c *probeCmd) probe(ctx context.Context, e *env, r probe.Request) (*wontfix.Probe, error) {
	p := &wontfix.Probe{Schema: wontfix.ProbeSchema, Tool: toolName(), Time: e.now().UTC().Truncate(time.Second)}
	var clients []probe.Client
	room, err := collect(ctx, e, r, "probing", func(m probe.Message) {
		switch {
		case m.Client != nil:
			clients = append(clients, *m.Client)
			p.Clients = append(p.Clients, m.Client.Client)
		case m.Skipped != nil:
			if concerns(r.Clients, m.Skipped.Path) {
				p.Untested = append(p.Untested, *m.Skipped)
			}
		case m.Outcome != nil:
			p.Outcomes = append(p.Outcomes, *m.Outcome)
		case m.Override != nil:
			// Of clients that were chosen only what concerns them.
			if len(r.Clients) == 0 || slices.ContainsFunc(clients, func(k probe.Client) bool { return slices.ContainsFunc(m.Override.Clients, k.Reads) }) {
				p.Overrides = append(p.Overrides, m.Override.Override)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if len(p.Clients) == 0 {
		return nil, errors.New("probe: no client was found; wontfix probe --help says how to name one, or to give a command")
	}
	p.Room = room
	if c.environment {
		if p.Shell, err = c.again(ctx, e, r, room); err != nil {
			return nil, err
		}
		if p.Shell == nil {
			p.Untested = append(p.Untested, wontfix.Untested{Path: "--environment", Why: "the environment of this shell cannot be tried without namespaces: clients need it to be told whom to trust"})
		}
	}
	for _, k := range probe.Cases() {
		if slices.ContainsFunc(p.Outcomes, func(o wontfix.Outcome) bool { return o.Case == k.ID }) {
			p.Cases = append(p.Cases, k.Case)
		}
	}
	if len(r.Clients) == 0 && len(r.Command) == 0 {
		p.Absent = probe.Absent(p.Clients, p.Untested)
	}
	m := belong(p)
	if len(r.Command) > 0 {
		p.Behaviour = []wontfix.Behaviour{} // its arguments need not be those of the default
	}
	probe.Assess(p)
	if err := c.decided(ctx, e, p, m); err != nil {
		return nil, err
	}
	if err := e.keepBehaviour(p); err != nil {
		e.warn("what was seen cannot be kept for scan and why: %v", err)
	}
	return p, nil
}

// concerns reports whether a program that was not run could be one of those that
// were asked for.
func concerns(clients []string, path string) bool {
	return len(clients) == 0 || slices.ContainsFunc(clients, func(id string) bool {
		program, _, _ := strings.Cut(id, "/")
		return strings.HasPrefix(filepath.Base(path), strings.TrimRight(program, "0123456789."))
	})
}

// again runs the clients with the environment of the user. Without a room there
// is nothing to run them in.
func (c *probeCmd) again(ctx context.Context, e *env, r probe.Request, room wontfix.Room) (*wontfix.ProbeInShell, error) {
	if !room.Isolated {
		return nil, nil
	}
	r.Env, r.Overrides = os.Environ(), nil
	s := &wontfix.ProbeInShell{}
	_, err := collect(ctx, e, r, "in this shell", func(m probe.Message) {
		if o := m.Outcome; o != nil {
			if o.Seen.Alert == 0 {
				o.Reason = "" // a client may print what its environment has
			}
			s.Outcomes = append(s.Outcomes, *o)
		}
	})
	return s, err
}

// collect runs a probe, in a room if the machine has one to give, and tells of
// all that it finds.
func collect(ctx context.Context, e *env, r probe.Request, phase string, tell func(probe.Message)) (room wontfix.Room, err error) {
	self, err := os.Executable()
	if err != nil {
		return room, err
	}
	line := newProgress(e)
	defer line.done()
	var done, total int64
	messages := probe.Isolated(ctx, r, self, roomCommand)
	for range 2 {
		var failed error
		for m, err := range messages {
			if err != nil {
				failed = err
				break
			}
			switch {
			case m.Room != nil:
				room = m.Room.Room
			case m.Client != nil:
				total += int64(len(r.Cases))
			case m.Outcome != nil:
				done++
				total = max(total, done)
			}
			line.show(tracker.Progress{Phase: phase, Done: done, Total: total})
			tell(m)
		}
		if !errors.Is(failed, probe.ErrNoRoom) {
			if failed != nil {
				return room, failed
			}
			break
		}
		e.warn("%v: some clients and cases are left out", failed)
		messages = r.Fallback(ctx, failed.Error())
	}
	return room, ctx.Err()
}
