package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// ListenOptions say how a case is served to clients that come by themselves.
type ListenOptions struct {
	Protocol string // of [Client]; empty is https
	Host     string // the name or address by which clients call the server; empty is that of the case
}

// A Listener serves one case to whoever connects, and judges each connection by
// itself. No token tells its requests from others: any request is one.
type Listener struct {
	Case Case
	Host string // the name that clients have to use
	Addr netip.AddrPort

	server   *Server
	listener net.Listener
}

// A Visit is one connection to a [Listener]. Its outcome has no client, and no
// control stands behind it.
type Visit struct {
	From    netip.AddrPort
	Time    time.Time // of the connection
	Outcome Outcome
}

// Listen serves a case at an address of this machine, with the certificates of
// the authority. An error is one of the address, or of a case that cannot be
// served so.
func (a *Authority) Listen(c Case, address string, o ListenOptions) (*Listener, error) {
	protocol := cmp.Or(o.Protocol, "https")
	switch {
	case !c.applies(protocol):
		return nil, fmt.Errorf("case %s cannot be served in %s", c.ID, protocol)
	case c.proxy || c.act != answerPlainly && c.act != withoutSTARTTLS:
		return nil, fmt.Errorf("case %s needs more than one server", c.ID)
	}
	host := cmp.Or(o.Host, c.Host)
	switch ip := net.ParseIP(host); {
	case host == c.Host:
	case !c.Local() || c.Host == hostIP:
		return nil, fmt.Errorf("case %s is about the name %s: the client has to call the server so", c.ID, c.Host)
	case ip != nil && ip.To4() == nil:
		return nil, fmt.Errorf("case %s: %s: an address of IPv6 cannot be served; give a name", c.ID, host)
	case ip != nil && c.ID[0] == 'C':
		return nil, fmt.Errorf("case %s is about names: the client has to call the server by one", c.ID)
	}
	s := &Server{Case: c, Protocol: protocol, Host: host}
	s.plan = a.plan(c, host)
	var err error
	if s.chain, err = s.plan.chain(); err != nil {
		return nil, err
	}
	s.config = serverConfig(s.chain)
	if c.config != nil {
		wrong, err := a.plan(Case{change: names(dns("wrong.tlsprobe.test"))}, host).chain()
		if err != nil {
			return nil, err
		}
		s.config.Certificates = append(s.config.Certificates, wrong)
		c.config(s.config)
	}
	l := &Listener{Case: c, Host: host, server: s}
	if l.listener, err = net.Listen("tcp", address); err != nil {
		return nil, err
	}
	l.Addr = l.listener.Addr().(*net.TCPAddr).AddrPort()
	return l, nil
}

// URL is what a client is given.
func (l *Listener) URL() string {
	scheme := l.server.Protocol
	if scheme == "tls" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(l.Host, strconv.Itoa(int(l.Addr.Port()))) + "/"
}

// maxVisits is how many connections are served at a time.
const maxVisits = 64

// Visits yields what each connection showed, as they end, until ctx is done.
// The listener is closed then.
func (l *Listener) Visits(ctx context.Context) iter.Seq2[Visit, error] {
	return func(yield func(Visit, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		// Close returns at once where another Close has begun, so there is one
		// that closes, and one that waits for it.
		closed := make(chan struct{})
		context.AfterFunc(ctx, func() { l.listener.Close(); close(closed) })
		defer func() { cancel(); <-closed }()
		out := make(chan Visit)
		failed := make(chan error, 1)
		var wg sync.WaitGroup
		slots := make(chan struct{}, maxVisits)
		go func() {
			for {
				conn, err := l.listener.Accept()
				if err != nil {
					failed <- err
					break
				}
				slots <- struct{}{}
				wg.Go(func() {
					defer func() { <-slots }()
					v := l.visit(conn)
					select {
					case out <- v:
					case <-ctx.Done():
					}
				})
			}
			wg.Wait()
			close(out)
		}()
		for v := range out {
			if !yield(v, nil) {
				return
			}
		}
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			yield(Visit{}, err)
		}
	}
}

// visit plays the case on one connection.
func (l *Listener) visit(conn net.Conn) Visit {
	v := Visit{Time: time.Now()}
	if from, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		v.From = from.AddrPort()
	}
	conn.SetDeadline(v.Time.Add(connectionLimit))
	s := &Server{
		Case: l.Case, Protocol: l.server.Protocol, Host: l.Host, Addr: l.Addr, Proof: random(), Answered: make(chan struct{}),
		config: l.server.config, chain: l.server.chain, plan: l.server.plan, open: map[net.Conn]bool{},
	}
	s.handle(conn)
	conn.Close()
	o := Outcome{Case: l.Case.ID, Seen: s.seen, Duration: time.Since(v.Time)}
	o.Verdict = Judge(s.seen, o.Duration >= connectionLimit, false)
	if o.Seen.Note != "" && o.Verdict != Timeout {
		o.Verdict = NoVerdict
	}
	o.Reason = reason(o, Client{}, nil, "", "")
	v.Outcome = o
	return v
}
