package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"wontfix/probe"
	"wontfix/report"
)

// roomCommand is what the process in the room is started with.
const roomCommand = "probe-room"

// probeCmd is "wontfix probe".
type probeCmd struct {
	outputs
	cases    []string
	all      bool
	command  string
	protocol string
	failOn   string
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

CLIENT is the beginning of an ID: curl, python3.11, perl/LWP.`,
		Example: `  wontfix probe
  wontfix probe python2.7 --all
  wontfix probe --command 'myclient {url}'`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.Run(cmd.Context(), e, args) },
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&c.cases, "cases", nil, "play these `CASES` (T02,N01) or groups (T,N) instead of the core ones")
	fs.BoolVar(&c.all, "all", false, "play all cases")
	fs.StringVar(&c.command, "command", "", "probe this `COMMAND` instead, with {url}, {host}, {port}, {token} or {ca} in its arguments")
	fs.StringVar(&c.protocol, "protocol", "https", "of --command: https, smtps, imaps, pop3s, smtp, imap, pop3, ftps, tls")
	fs.StringVar(&c.failOn, "fail-on", "", "exit with 2 if a client fails a case of this `SEVERITY` or worse: critical, high, medium, low")
	c.outputs.flags(fs, probeFormats)
	complete(cmd, "format", probeFormats)
	return cmd
}

var probeFormats = []string{"text", "json"}

// newProbeRoom is the process in the room; "wontfix probe" starts it.
func newProbeRoom() *cobra.Command {
	return &cobra.Command{Use: roomCommand, Hidden: true, Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return probe.Inside(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
	}}
}

var severities = []probe.Severity{probe.Critical, probe.High, probe.Medium, probe.Low}

// A probeReport is what a probe found.
type probeReport struct {
	Tool     string          `json:"tool"`
	Time     time.Time       `json:"time"`
	Room     *probe.Room     `json:"room"`
	Cases    []probe.Case    `json:"cases"`
	Clients  []probe.Client  `json:"clients"`
	Outcomes []probe.Outcome `json:"outcomes"`
	Skipped  []probe.Skipped `json:"skipped"`
}

// Run probes and writes what was found.
func (c *probeCmd) Run(ctx context.Context, e *env, args []string) error {
	list, err := c.list(probeFormats)
	if err != nil {
		return err
	}
	gate := slices.Index(severities, probe.Severity(c.failOn))
	if c.failOn != "" && gate < 0 {
		return fmt.Errorf("--fail-on %s: want critical, high, medium or low", c.failOn)
	}
	r := probe.Request{Find: probe.FindOptions{Path: e.getenv("PATH"), Home: e.getenv("HOME")}, Clients: args, Protocol: c.protocol}
	if r.Cases, err = c.wanted(); err != nil {
		return err
	}
	if c.command != "" {
		r.Command = strings.Fields(c.command)
	}
	rep := &probeReport{Tool: toolName(), Time: e.now().UTC(), Cases: []probe.Case{}, Clients: []probe.Client{}, Outcomes: []probe.Outcome{}, Skipped: []probe.Skipped{}}
	if err := rep.collect(ctx, e, r); err != nil {
		return err
	}
	if len(rep.Clients) == 0 {
		return errors.New("probe: no client was found; see wontfix probe --help")
	}
	err = c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		if format == "json" {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(rep)
		}
		return rep.write(w, cmp.Or(o.Width, 80))
	})
	if err != nil {
		return err
	}
	if gate >= 0 && slices.ContainsFunc(rep.Outcomes, func(o probe.Outcome) bool {
		i := slices.Index(severities, rep.unsafe(o))
		return i >= 0 && i <= gate
	}) {
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

// collect runs the probe, in a room if the machine has one to give.
func (rep *probeReport) collect(ctx context.Context, e *env, r probe.Request) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
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
				rep.Room = m.Room
			case m.Client != nil:
				rep.Clients = append(rep.Clients, *m.Client)
			case m.Skipped != nil:
				rep.Skipped = append(rep.Skipped, *m.Skipped)
			case m.Outcome != nil:
				rep.Outcomes = append(rep.Outcomes, *m.Outcome)
			}
		}
		if !errors.Is(failed, probe.ErrNoRoom) {
			if failed != nil {
				return failed
			}
			break
		}
		e.warn("%v: some clients and cases are left out", failed)
		messages = r.Fallback(ctx, failed.Error())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, k := range probe.Cases() {
		if slices.ContainsFunc(rep.Outcomes, func(o probe.Outcome) bool { return o.Case == k.ID }) {
			rep.Cases = append(rep.Cases, k)
		}
	}
	order := func(id string) int { return slices.IndexFunc(rep.Cases, func(k probe.Case) bool { return k.ID == id }) }
	slices.SortFunc(rep.Outcomes, func(a, b probe.Outcome) int {
		return cmp.Or(strings.Compare(a.Client, b.Client), cmp.Compare(order(a.Case), order(b.Case)))
	})
	return nil
}

// unsafe returns the severity of a case that a client accepted and should not
// have, and "" for all other outcomes.
func (rep *probeReport) unsafe(o probe.Outcome) probe.Severity {
	k, _ := probe.CaseByID(o.Case)
	if k.Expect == probe.ExpectReject && (o.Verdict == probe.Accept || o.Verdict == probe.Leak) {
		return k.Severity
	}
	return ""
}

// of returns the outcomes of a client.
func (rep *probeReport) of(id string) []probe.Outcome {
	return slices.DeleteFunc(slices.Clone(rep.Outcomes), func(o probe.Outcome) bool { return o.Client != id })
}

// write writes text: the clients, worst first, and what is wrong with each.
func (rep *probeReport) write(out io.Writer, width int) error {
	w := &errWriter{w: out}
	worst := func(c probe.Client) int {
		rank := len(severities) + 1
		for _, o := range rep.of(c.ID) {
			if i := slices.Index(severities, rep.unsafe(o)); i >= 0 {
				rank = min(rank, i)
			} else if o.Verdict == probe.NoVerdict && o.Case != "P15" && o.Case != "X05" {
				rank = min(rank, len(severities))
			}
		}
		return rank
	}
	clients := slices.Clone(rep.Clients)
	slices.SortStableFunc(clients, func(a, b probe.Client) int { return cmp.Compare(worst(a), worst(b)) })
	count := [3]int{}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range clients {
		state, detail := rep.line(c, worst(c))
		count[map[string]int{"safe": 0, "no verdict": 1}[state]+2*b2i(state != "safe" && state != "no verdict")]++
		fmt.Fprintf(t, "%s\t%s\t%s\n", state, report.Clean(c.ID), report.Clean(cut(strings.TrimSpace(c.Version+" "+c.Library), 30)))
		for _, line := range wrapWords(report.Clean(detail), width-4) {
			fmt.Fprintf(t, "    %s\n", line)
		}
	}
	t.Flush()
	fmt.Fprintf(w, "\n%s probed with %s: %d unsafe, %d safe, %d without a verdict.\n", plural(len(clients), "client"), plural(len(rep.Cases), "case"), count[2], count[0], count[1])
	if rep.Room != nil && !rep.Room.Isolated {
		fmt.Fprintln(w, "No namespaces here: cases that need names of their own were not played, and a client that cannot be told whom to trust has no verdict.")
	}
	for _, s := range rep.Skipped {
		fmt.Fprintf(w, "Not run: %s: %s\n", report.Clean(s.Path), report.Clean(s.Why))
	}
	return w.err
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// line says in a word how a client did, and in a sentence why.
func (rep *probeReport) line(c probe.Client, worst int) (state, detail string) {
	switch {
	case worst < len(severities):
		var wrong []string
		right := 0
		for _, o := range rep.of(c.ID) {
			k, _ := probe.CaseByID(o.Case)
			switch {
			case rep.unsafe(o) == "":
				right += b2i(k.Expect == probe.ExpectReject)
			case o.Verdict == probe.Leak:
				wrong = append(wrong, o.Case+" sends its request before it refuses: "+k.Presents)
			default:
				wrong = append(wrong, o.Case+" accepts: "+k.Presents)
			}
		}
		if n := len(wrong); n > 3 {
			wrong = append(wrong[:2], fmt.Sprintf("and %d more; %s refused", n-2, plural(right, "bad case")))
		}
		return "UNSAFE " + string(severities[worst]), strings.Join(wrong, "; ")
	case worst == len(severities):
		for _, o := range rep.of(c.ID) {
			if o.Verdict == probe.NoVerdict || o.Case == "T01" && o.Verdict != probe.Accept {
				return "no verdict", fmt.Sprintf("%s %s: %s", o.Case, o.Verdict, o.Reason)
			}
		}
	}
	return "safe", ""
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// wrapWords breaks s into lines of at most n characters, at spaces.
func wrapWords(s string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > n {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
