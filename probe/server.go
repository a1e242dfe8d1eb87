package probe

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An action is what a server does differently after the handshake.
type action int

const (
	answerPlainly     action = iota
	redirectClear            // leads to http
	redirectUntrusted        // leads to a host whose certificate nobody has to trust
	redirectPassword         // leads to another host, whose certificate is good
	withoutSTARTTLS          // does not offer what it is asked for
)

const (
	connectionLimit = 12 * time.Second
	// answerDelay is how long the client's hello waits for an answer, as it does
	// in any network. Without it the answer is there before a client has looked
	// twice: whether lftp sends its request before it refuses was a matter of luck.
	answerDelay = 20 * time.Millisecond
	maxRequest  = 64 << 10
	maxLine     = 4 << 10
)

// A Server plays one case for one run of a client, and keeps what it sees.
type Server struct {
	Case     Case
	Protocol string
	Host     string         // the name in the URL
	Addr     netip.AddrPort // where it listens: a loopback address
	Token    string         // what makes a request ours: part of the path, of the user's name, …
	Proof    string         // what a client can know from our answer alone
	Answered chan struct{}  // closed when the answer was sent

	listener, second net.Listener
	config, hop      *tls.Config // hop is for where a redirect leads
	chain            tls.Certificate
	plan             *plan

	wg   sync.WaitGroup
	mu   sync.Mutex
	seen Seen
	open map[net.Conn]bool
	shut bool
}

// ServeOptions say how a case is played.
type ServeOptions struct {
	Protocol string // of [Client]; empty is https
	// Local names the host localhost, where the names of the cases lead nowhere.
	Local bool
}

// Serve plays a case on the loopback address until Close. An error is one of
// listening, or of a case that cannot be played so.
func (a *Authority) Serve(c Case, o ServeOptions) (*Server, error) {
	if o.Protocol == "" {
		o.Protocol = "https"
	}
	if !c.applies(o.Protocol) {
		return nil, fmt.Errorf("case %s cannot be played in %s", c.ID, o.Protocol)
	}
	s := &Server{Case: c, Protocol: o.Protocol, Host: c.Host, Token: random(), Proof: random(), Answered: make(chan struct{}), open: map[net.Conn]bool{}}
	if o.Local && c.Host != hostIP {
		if !c.Local() {
			return nil, fmt.Errorf("case %s needs names of its own", c.ID)
		}
		s.Host = "localhost"
	}
	s.plan = a.plan(c, s.Host)
	var err error
	if s.chain, err = s.plan.chain(); err != nil {
		return nil, err
	}
	s.config = serverConfig(s.chain)
	if c.config != nil {
		wrong := a.plan(Case{change: names(dns("wrong.tlsprobe.test"))}, s.Host)
		other, err := wrong.chain()
		if err != nil {
			return nil, err
		}
		s.config.Certificates = append(s.config.Certificates, other)
		c.config(s.config)
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	s.Addr = s.listener.Addr().(*net.TCPAddr).AddrPort()
	if err := s.listenForRedirect(a, o.Local); err != nil {
		s.listener.Close()
		return nil, err
	}
	s.wg.Go(func() { s.accept(s.listener, s.handle) })
	return s, nil
}

// listenForRedirect opens where a redirect leads.
func (s *Server) listenForRedirect(a *Authority, local bool) error {
	handle := s.handleClear
	switch s.Case.act {
	default:
		return nil
	case redirectClear:
	case redirectUntrusted, redirectPassword:
		host := HostOther
		if local {
			host = hostIP
		}
		id := "T01"
		if s.Case.act == redirectUntrusted {
			id = "T02"
		}
		c, _ := CaseByID(id)
		chain, err := a.plan(c, host).chain()
		if err != nil {
			return err
		}
		s.hop = serverConfig(chain)
		handle = s.handleHop
	}
	var err error
	if s.second, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.wg.Go(func() { s.accept(s.second, handle) })
	return nil
}

// serverConfig is that of a server which talks to old clients as well.
func serverConfig(chain tls.Certificate) *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{chain}, MinVersion: tls.VersionTLS10, SessionTicketsDisabled: true}
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		time.Sleep(answerDelay)
		return nil, nil
	}
	for _, suite := range tls.CipherSuites() {
		c.CipherSuites = append(c.CipherSuites, suite.ID)
	}
	c.CipherSuites = append(c.CipherSuites, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256)
	return c
}

// Local reports whether the case can be played where its names lead nowhere, by
// a server that is called localhost.
func (c Case) Local() bool {
	switch c.ID[0] {
	case 'T', 'K', 'P', 'R', 'M', 'S':
		return true
	case 'C':
		return c.ID != "C05" && c.ID != "C06" && c.ID != "C17"
	case 'N':
		return c.Host == hostIP || c.ID == "N01"
	}
	return false
}

// random returns a word that nobody guesses.
func random() string {
	b := make([]byte, 12)
	rand.Read(b)
	return fmt.Sprintf("%x", b)
}

// URL returns what the client is given: https://HOST:PORT/TOKEN for the web. For
// other protocols the scheme is theirs.
func (s *Server) URL() string {
	scheme, user := s.Protocol, ""
	if scheme == "tls" {
		scheme = "https"
	}
	if s.Case.act == redirectPassword {
		user = "wontfix:" + s.Token + "@"
	}
	return scheme + "://" + user + s.hostPort() + "/" + s.Token
}

func (s *Server) hostPort() string { return s.Host + ":" + strconv.Itoa(int(s.Addr.Port())) }

// answered tells that what the client waits for was sent, if its request came.
func (s *Server) answered() {
	s.see(func(n *Seen) {
		select {
		case <-s.Answered:
		default:
			if n.Request {
				close(s.Answered)
			}
		}
	})
}

// Close stops the server and returns what it has seen. It waits until what the
// client has sent is read.
func (s *Server) Close() Seen {
	// What has connected by now is still accepted.
	soon := time.Now().Add(5 * time.Millisecond)
	for _, l := range []net.Listener{s.listener, s.second} {
		if l != nil {
			l.(*net.TCPListener).SetDeadline(soon)
		}
	}
	s.mu.Lock()
	s.shut = true
	for c := range s.open {
		c.SetDeadline(time.Now().Add(time.Second))
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.listener.Close()
	if s.second != nil {
		s.second.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// see changes what was seen.
func (s *Server) see(f func(*Seen)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.seen)
}

func (s *Server) accept(l net.Listener, handle func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open[conn] = true
		limit := connectionLimit
		if s.shut {
			limit = time.Second
		}
		conn.SetDeadline(time.Now().Add(limit))
		s.mu.Unlock()
		s.wg.Go(func() {
			handle(conn)
			conn.Close()
			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		})
	}
}

// handle plays the case on one connection.
func (s *Server) handle(conn net.Conn) {
	s.see(func(n *Seen) { n.Connections++ })
	in := &sniffer{Conn: conn, r: bufio.NewReaderSize(conn, maxLine), alert: func(level, number byte) {
		s.see(func(n *Seen) {
			if n.Alert == 0 && number != 0 {
				n.Alert = int(number)
			}
		})
	}}
	if s.Case.proxy && !s.connect(in) {
		return
	}
	if talk, ok := greetings[s.Protocol]; ok && !s.beforeTLS(in, talk) {
		return
	}
	in.begin()
	if s.Case.half != nil {
		s.playHalf(in)
		return
	}
	c := tls.Server(in, s.config)
	if !s.handshake(c, in) {
		return
	}
	s.afterTLS(c)
}

// handshake plays TLS and keeps the client's alert.
func (s *Server) handshake(c *tls.Conn, in *sniffer) bool {
	ctx, cancel := context.WithTimeout(context.Background(), connectionLimit)
	defer cancel()
	err := c.HandshakeContext(ctx)
	state := c.ConnectionState()
	s.see(func(n *Seen) {
		n.SNI = state.ServerName
		n.Handshake = n.Handshake || err == nil
		if number := alertOf(err); number != 0 && n.Alert == 0 {
			n.Alert = number
		}
		if err != nil && !in.isTLS() && n.Foreign == "" {
			n.Foreign = "no TLS: " + firstLine(in.begun)
		}
	})
	return err == nil
}

func (s *Server) playHalf(in *sniffer) {
	h := &half{version: tls.VersionTLS12, suite: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, chain: s.chain.Certificate, key: s.plan.leaf.key}
	s.Case.half(h)
	hello, end, _ := h.play(in)
	s.see(func(n *Seen) {
		n.SNI = hello.name
		n.Request = n.Request || end.accepted
		n.Note = end.note
		if !in.isTLS() && n.Foreign == "" && len(in.begun) > 0 {
			n.Foreign = "no TLS: " + firstLine(in.begun)
		}
	})
}

// alertOf returns the number of the alert that an error of crypto/tls stands
// for, 0 if it is another error.
func alertOf(err error) int {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0
	}
	for n := 1; n < 256; n++ {
		if tls.AlertError(n).Error() == op.Err.Error() {
			return n
		}
	}
	return 0
}

// AlertName returns the words for the number of an alert: "unknown certificate
// authority".
func AlertName(number int) string {
	return strings.TrimPrefix(tls.AlertError(uint8(number)).Error(), "tls: ")
}

// A sniffer reads the records of a client on their way to crypto/tls, which
// takes an alert in clear for a damaged record where it expects an encrypted
// one.
type sniffer struct {
	net.Conn
	r     *bufio.Reader
	alert func(level, number byte)

	on    bool
	begun []byte // the first bytes, at most 64
	head  []byte // of the present record
	body  []byte // the first two bytes of it
	left  int    // of its body
}

// begin says that TLS begins here.
func (s *sniffer) begin() { s.on = true }

// isTLS reports whether what came began like a record.
func (s *sniffer) isTLS() bool {
	return len(s.begun) == 0 || s.begun[0] >= recordChange && s.begun[0] <= recordApplication && (len(s.begun) < 2 || s.begun[1] == 3)
}

func (s *sniffer) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if s.on {
		s.follow(b[:n])
	}
	return n, err
}

// follow looks for alerts in clear: records of two bytes.
func (s *sniffer) follow(b []byte) {
	s.begun = append(s.begun, b[:min(len(b), 64-len(s.begun))]...)
	for len(b) > 0 {
		if len(s.head) < 5 {
			n := min(5-len(s.head), len(b))
			s.head, b = append(s.head, b[:n]...), b[n:]
			if len(s.head) < 5 {
				return
			}
			s.left, s.body = int(binary.BigEndian.Uint16(s.head[3:])), nil
		}
		n := min(s.left, len(b))
		s.body = append(s.body, b[:min(n, 2-len(s.body))]...)
		s.left, b = s.left-n, b[n:]
		if s.left == 0 {
			if s.head[0] == recordAlert && binary.BigEndian.Uint16(s.head[3:]) == 2 && len(s.body) == 2 {
				s.alert(s.body[0], s.body[1])
			}
			s.head = s.head[:0]
		}
	}
}

// firstLine returns the first line of what came, fit to be printed.
func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return strconv.QuoteToASCII(strings.TrimRight(line[:min(len(line), 64)], "\r"))
}

// readHead reads the head of a request of HTTP, or what there is of it.
func readHead(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for b.Len() < maxRequest {
		line, err := r.ReadSlice('\n')
		b.Write(line)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return b.String(), err
		}
		if len(strings.TrimRight(string(line), "\r\n")) == 0 && b.Len() > 2 {
			return b.String(), nil
		}
	}
	return b.String(), errors.New("the head of the request is too long")
}

// connect answers a client that takes the server for its proxy, RFC 9110
// section 9.3.6. It reports whether TLS follows. One that begins with TLS goes past
// the proxy to the server, which are one here: it is not made to wait.
func (s *Server) connect(in *sniffer) bool {
	if first, err := in.r.Peek(1); err == nil && first[0] == recordHandshake {
		s.see(func(n *Seen) { n.Note = "the client does not use the proxy" })
		return false
	}
	head, err := readHead(in.r)
	if err != nil {
		return false
	}
	method, rest, _ := strings.Cut(head, " ")
	target, _, _ := strings.Cut(rest, " ")
	if method != "CONNECT" || target != s.hostPort() {
		s.see(func(n *Seen) { n.Foreign = firstLine([]byte(head)) })
		io.WriteString(in, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return false
	}
	_, err = io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
	return err == nil
}

// handleClear takes the requests of clients that were led to http.
func (s *Server) handleClear(conn net.Conn) {
	s.answer(bufio.NewReader(conn), conn, true)
}

// handleHop takes those that were led to another host.
func (s *Server) handleHop(conn net.Conn) {
	c := tls.Server(conn, s.hop)
	ctx, cancel := context.WithTimeout(context.Background(), connectionLimit)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		s.see(func(n *Seen) {
			if number := alertOf(err); n.Alert == 0 {
				n.Alert = number
			}
		})
		return
	}
	s.answer(bufio.NewReader(c), c, true)
	c.Close()
}

// afterTLS reads what a client sends when it holds the handshake for good.
func (s *Server) afterTLS(c *tls.Conn) {
	defer s.answered()
	r := bufio.NewReaderSize(c, maxLine)
	if talk, ok := dialogues[s.Protocol]; ok {
		s.talk(r, c, talk, false)
	} else {
		s.answer(r, c, false)
	}
	c.Close()
}

// answer reads one request of HTTP and answers it. Hop is set where a redirect
// has led the client here.
func (s *Server) answer(r *bufio.Reader, w io.Writer, hop bool) {
	head, err := readHead(r)
	if head == "" {
		return
	}
	ours := strings.Contains(head, s.Token)
	password := strings.Contains(head, base64.StdEncoding.EncodeToString([]byte("wontfix:"+s.Token)))
	s.see(func(n *Seen) {
		switch {
		case !ours:
			if n.Foreign == "" {
				n.Foreign = firstLine([]byte(head))
			}
		case s.Case.act == redirectPassword:
			n.Hop = n.Hop || hop
			n.Request = n.Request || hop && password
			if !hop && !password {
				n.Note = "the client does not send the password of a URL"
			}
		case s.second != nil:
			n.Hop = n.Hop || hop
			n.Request = n.Request || hop
		default:
			n.Request = true
		}
	})
	if err != nil {
		return
	}
	if s.second != nil && !hop {
		fmt.Fprintf(w, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", s.location())
		return
	}
	kind, body := s.body(head)
	if strings.HasPrefix(head, "HEAD ") {
		fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", kind, len(body))
		return
	}
	fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", kind, len(body), body)
}

// location is where a redirect leads.
func (s *Server) location() string {
	port := s.second.Addr().(*net.TCPAddr).Port
	scheme, host := "https", HostOther
	if s.Case.act == redirectClear {
		scheme, host = "http", s.Host
	}
	return fmt.Sprintf("%s://%s:%d/%s", scheme, host, port, s.Token)
}

// body is an answer that the client can make something of, as far as its
// request tells what it is: so its exit status and what it prints say whether
// it got the answer.
func (s *Server) body(head string) (kind, body string) {
	target, _, _ := strings.Cut(head, "\n")
	lower := strings.ToLower(head)
	switch {
	case strings.Contains(target, "/info/refs"):
		return "application/x-git-upload-pack-advertisement", "001e# service=git-upload-pack\n00000000"
	case strings.Contains(lower, "content-type: text/xml"):
		return "text/xml", "<?xml version='1.0'?><methodResponse><params><param><value><string>" + s.Proof + "</string></value></param></params></methodResponse>"
	case strings.Contains(lower, "application/vnd.npm"), strings.Contains(lower, "npm/"):
		return "application/json", `{"name":"wontfix","description":"` + s.Proof + `","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"wontfix","version":"1.0.0","description":"` + s.Proof + `","dist":{}}}}`
	case strings.Contains(target, ".info "):
		return "application/json", `{"Version":"v1.0.0"}`
	}
	return "text/plain", s.Proof + "\n"
}
