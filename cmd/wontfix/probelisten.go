package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"wontfix/probe"
	"wontfix/report"
)

// A listening is "wontfix probe --listen": it serves one case for clients that
// wontfix cannot start.
type listening struct {
	address string
	id      string
	host    string
	caOut   string
	count   int
}

func (l *listening) flags(fs *pflag.FlagSet) {
	fs.StringVar(&l.address, "listen", "", "serve one case at `ADDR` (8443, 127.0.0.1:8443, 192.0.2.1:8443) for clients that wontfix cannot start, and print the verdict of each connection; a port alone is the loopback address")
	fs.StringVar(&l.id, "case", "T02", "of --listen: the `CASE` to serve")
	fs.StringVar(&l.host, "host", "", "of --listen: the `NAME` or address by which the client calls this machine")
	fs.StringVar(&l.caOut, "ca-out", "", "of --listen: write the throw-away authority's certificates, without keys, to `FILE`, for the client to trust")
	fs.IntVar(&l.count, "count", 0, "of --listen: end after `N` connections (default when interrupted)")
	fs.Lookup("count").DefValue = "0"
}

// listenAddress completes an address. Without one of its own it is the loopback
// address: others are listened at only where they are written out.
func listenAddress(s string) (address string, loopback bool, err error) {
	if !strings.Contains(s, ":") {
		s = ":" + s
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", false, fmt.Errorf("--listen %s: want a port, or an address and a port, such as 127.0.0.1:8443", s)
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "", false, fmt.Errorf("--listen %s: %s is no address of this machine; want one such as 192.0.2.1", s, host)
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return "", false, fmt.Errorf("--listen %s: %q is no port", s, port)
	}
	return net.JoinHostPort(host, port), ip.IsLoopback(), nil
}

// run serves until it is interrupted, or has seen enough. It reports whether a
// client was unsafe.
func (l *listening) run(ctx context.Context, e *env, protocol, format string, w io.Writer) (unsafe bool, err error) {
	address, loopback, err := listenAddress(l.address)
	if err != nil {
		return false, err
	}
	k, ok := probe.CaseByID(l.id)
	if !ok {
		return false, fmt.Errorf("--case %s: there is no such case; wontfix probe --help names the groups", l.id)
	}
	host := l.host
	if host == "" && k.Local() && k.Host == probe.HostGood && loopback {
		host = "localhost"
	}
	if host == "" && !loopback {
		host = k.Host
		e.warn("the client has to call this machine %s; --host gives another name", host)
	}
	a, err := probe.NewAuthority(e.now())
	if err != nil {
		return false, err
	}
	server, err := a.Listen(k, address, probe.ListenOptions{Protocol: protocol, Host: host})
	if err != nil {
		return false, fmt.Errorf("--listen: %w", err)
	}
	if l.caOut != "" {
		if err := writeFile(l.caOut, func(w io.Writer) error { _, err := w.Write(a.PEM()); return err }); err != nil {
			return false, fmt.Errorf("--ca-out: %w", err)
		}
	}
	l.instruct(e, server, loopback)
	n := 0
	for v, err := range server.Visits(ctx) {
		if err != nil {
			return unsafe, fmt.Errorf("--listen %s: %w", address, err)
		}
		unsafe = unsafe || probe.Unsafe(k.Case, v.Outcome.Verdict)
		if err := writeVisit(w, format, k, v); err != nil {
			return unsafe, err
		}
		if n++; l.count > 0 && n >= l.count {
			break
		}
	}
	return unsafe, nil
}

// instruct says on standard error what the client has to do.
func (l *listening) instruct(e *env, s *probe.Listener, loopback bool) {
	e.warn("case %s, %s: a client should %s it", s.Case.ID, s.Case.Presents, cmp.Or(map[probe.Expect]string{probe.ExpectAccept: "accept", probe.ExpectReject: "refuse"}[s.Case.Expect], "accept or refuse"))
	e.warn("let it connect to %s", s.URL())
	if s.Host == s.Case.Host && strings.HasSuffix(s.Host, ".test") {
		e.warn("%s has to lead here: put it into the hosts file of the client", s.Host)
	}
	switch {
	case l.caOut != "":
		e.warn("it has to trust %s, and only while you try: its key dies with this process", l.caOut)
	case s.Case.ID != "T02" && s.Case.ID != "T03":
		e.warn("it has to trust the throw-away authority for a refusal to mean something: --ca-out FILE writes it")
	}
	if s.Case.Expect == probe.ExpectReject {
		e.warn("a refusal counts only if the same client accepts the control: --case T01")
	}
	if !loopback {
		e.warn("%s can be reached from other machines", s.Addr)
	}
}

// visitLine is a visit as JSON.
type visitLine struct {
	Time    time.Time     `json:"time"`
	From    string        `json:"from"`
	Unsafe  bool          `json:"unsafe"`
	Outcome probe.Outcome `json:"outcome"`
}

// writeVisit writes a line for one connection.
func writeVisit(w io.Writer, format string, k probe.Case, v probe.Visit) error {
	unsafe := probe.Unsafe(k.Case, v.Outcome.Verdict)
	if format == "json" {
		return json.NewEncoder(w).Encode(visitLine{v.Time.UTC().Truncate(time.Millisecond), v.From.String(), unsafe, v.Outcome})
	}
	said := map[probe.Verdict]string{probe.Accept: "accepted", probe.Reject: "refused", probe.Timeout: "came to no end", probe.NoVerdict: "no verdict"}[v.Outcome.Verdict]
	if unsafe {
		said += ": UNSAFE"
	}
	var more []string
	for _, s := range []string{v.Outcome.Reason, v.Outcome.Seen.Foreign} {
		if s != "" {
			more = append(more, s)
		}
	}
	if s := v.Outcome.Seen.SNI; s != "" {
		more = append(more, "asked for "+s)
	}
	line := fmt.Sprintf("%s %s %s %s", v.Time.UTC().Format(time.RFC3339), v.From, k.ID, said)
	if len(more) > 0 {
		line += " (" + strings.Join(more, "; ") + ")"
	}
	_, err := fmt.Fprintln(w, report.Clean(line))
	return err
}

// errListen is what else cannot be asked for beside --listen.
var errListen = errors.New("--listen serves clients that come by themselves: give no client, no --command, --cases, --all or --environment beside it")
