package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var theAuthority = sync.OnceValues(func() (*Authority, error) { return NewAuthority(time.Now()) })

func authority(t testing.TB) *Authority {
	t.Helper()
	a, err := theAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func serve(t testing.TB, id, protocol string) *Server {
	t.Helper()
	c, ok := CaseByID(id)
	if !ok {
		t.Fatalf("there is no case %s", id)
	}
	s, err := authority(t).Serve(c, ServeOptions{Protocol: protocol})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get is a client of crypto/tls. It goes to the server whatever the name is,
// and follows redirects to it.
func get(s *Server, c *tls.Config) error {
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	tr := &http.Transport{TLSClientConfig: c, DialContext: dial, DisableKeepAlives: true}
	if s.Case.proxy {
		tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: s.Addr.String()})
	}
	answer, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get(s.URL())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && !bytes.Contains(body, []byte(s.Proof)) {
		err = errors.New("another answer")
	}
	return err
}

func roots(t testing.TB) *x509.CertPool {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority(t).PEM()) {
		t.Fatal("no certificate in PEM()")
	}
	return pool
}

// likeGo are the cases in which crypto/tls does otherwise than a client should,
// or cannot be told from one that does.
var likeGo = map[string]Verdict{
	"N04": Accept,                // what a top-level domain is is not its business
	"K04": Accept,                // RSA of 1024 bits
	"R01": Accept, "R02": Accept, // it looks at no stapled answer
	"C09": Accept,
	"N27": Accept, // to package net the two forms of an address are one
	"S01": Accept, // no pin
}

// TestGo runs each case against crypto/tls and net/http.
func TestGo(t *testing.T) {
	pool := roots(t)
	for _, c := range Cases() {
		if !c.applies("https") {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.ID, "https")
			err := get(s, &tls.Config{RootCAs: pool})
			seen := s.Close()
			got := Judge(seen, false, err != nil)
			if c.half != nil && got == Leak {
				got = Accept // the client cannot get an answer
			}
			want := Verdict(c.Expect)
			if w, ok := likeGo[c.ID]; ok {
				want = w
			}
			if c.Expect != ExpectEither && got != want {
				t.Errorf("%s: %s, want %s; saw %+v, client says %v", c.Presents, got, want, seen, err)
			}
			if c.Expect == ExpectAccept && seen.Connections != 1 {
				t.Errorf("%d connections", seen.Connections)
			}
		})
	}
}

// TestPastProxy has a client that does not use the proxy that it is told of: it
// hears so at once.
func TestPastProxy(t *testing.T) {
	for _, id := range []string{"X02", "X03"} {
		s := serve(t, id, "https")
		began := time.Now()
		conn, err := tls.Dial("tcp", s.Addr.String(), &tls.Config{RootCAs: roots(t), ServerName: s.Host})
		if err == nil {
			conn.Close()
			t.Errorf("%s: a handshake without CONNECT", id)
		}
		if seen := s.Close(); seen.Note != "the client does not use the proxy" || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %+v after %v", id, seen, time.Since(began))
		}
	}
}

// TestLax says that a client which checks nothing is found out in every case
// that is about certificates: no case is refused for another reason.
func TestLax(t *testing.T) {
	for _, c := range Cases() {
		if !c.applies("https") || c.half != nil || slices.Contains([]string{"T11", "X05", "K03", "N26"}, c.ID) {
			continue // the key exchange, passwords, short keys and the form of names are checked even so
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.ID, "https")
			err := get(s, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, CipherSuites: serverConfig(tls.Certificate{}).CipherSuites})
			seen := s.Close()
			if got := Judge(seen, false, err != nil); got != Accept {
				t.Errorf("%s: %s, saw %+v, client says %v", c.Presents, got, seen, err)
			}
		})
	}
}

// opensslSays is the word of OpenSSL for what is wrong with each chain, by its
// own numbers; 0 is nothing.
var opensslSays = map[string][]int{
	"T02": {19}, "T03": {18}, "T04": {20, 21}, "T05": {10}, "T06": {9}, "T07": {10}, "T08": {10},
	"T09": {19, 7}, "T10": {7}, "T14": {2, 20, 22},
	"N01": {62}, "N03": {62}, "N04": {62}, "N05": {62, 0}, "N06": {62}, "N08": {62}, "N10": {64}, "N12": {64}, "N13": {64},
	"N14": {62}, "N17": {62}, "N20": {62}, "N21": {62}, "N23": {62}, "N24": {62}, "N26": {62}, "N27": {64},
	"C01": {24, 79}, "C02": {24, 79}, "C03": {25}, "C04": {47}, "C05": {48}, "C07": {26}, "C08": {26}, "C09": {26}, "C10": {32, 24, 79},
	"C11": {34}, "C12": {34}, "C14": {24, 79}, "C16": {47}, "C17": {0}, "K02": {68, 0}, "K03": {66, 0},
}

// TestOpenSSL asks openssl verify what is wrong with each chain: the property
// that the case is about and no other.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	a := authority(t)
	dir := t.TempDir()
	file := func(name string, der ...[]byte) string {
		var b []byte
		for _, d := range der {
			b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d})...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := filepath.Join(dir, "ca")
	if err := os.WriteFile(ca, a.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range Cases() {
		if strings.HasPrefix(c.ID, "P") || strings.HasPrefix(c.ID, "X") || strings.HasPrefix(c.ID, "M") || c.Expect == ExpectEither {
			continue
		}
		want, known := opensslSays[c.ID]
		if !known && c.Expect == ExpectReject {
			continue // openssl verify does not look at it
		}
		p := a.plan(c, c.Host)
		chain, err := p.chain()
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"verify", "-purpose", "sslserver", "-no-CApath", "-no-CAstore", "-CAfile", ca}
		if c.Host == hostIP {
			args = append(args, "-verify_ip", c.Host)
		} else {
			args = append(args, "-verify_hostname", c.Host)
		}
		if len(chain.Certificate) > 1 {
			args = append(args, "-untrusted", file(c.ID+"-sent", chain.Certificate[1:]...))
		}
		out, _ := exec.Command(openssl, append(args, file(c.ID, chain.Certificate[0]))...).CombinedOutput()
		got := 0
		for line := range strings.Lines(string(out)) {
			if n, err := fmt.Sscanf(line, "error %d at", &got); err == nil && n == 1 {
				break
			}
		}
		if c.Expect == ExpectAccept {
			want = []int{0}
		}
		if !slices.Contains(want, got) {
			t.Errorf("%s %s: openssl says %d, want %v\n%s", c.ID, c.Presents, got, want, out)
		}
	}
}

// TestVerdicts is a client for each verdict.
func TestVerdicts(t *testing.T) {
	pool := roots(t)
	strict := func(s *Server) *tls.Config { return &tls.Config{RootCAs: pool, ServerName: s.Host} }
	for _, test := range []struct {
		name    string
		id      string
		client  func(*Server) error
		stopped bool
		want    Verdict
		alert   int
	}{
		{"accepts", "T01", func(s *Server) error { return get(s, strict(s)) }, false, Accept, 0},
		{"refuses in the handshake", "T02", func(s *Server) error { return get(s, strict(s)) }, false, Reject, 42},
		{"accepts all", "T02", func(s *Server) error { return get(s, &tls.Config{InsecureSkipVerify: true}) }, false, Accept, 0},
		{"sends first, refuses then", "T02", func(s *Server) error {
			c, err := tls.Dial("tcp", s.Addr.String(), &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				return err
			}
			defer c.Close()
			fmt.Fprintf(c, "GET /%s HTTP/1.0\r\n\r\n", s.Token)
			return errors.New("certificate refused")
		}, false, Leak, 0},
		{"checks after the handshake, sends nothing", "T02", func(s *Server) error {
			c, err := tls.Dial("tcp", s.Addr.String(), &tls.Config{InsecureSkipVerify: true})
			if err == nil {
				c.Close()
			}
			return errors.New("refused")
		}, false, Reject, 0},
		{"asks for something else", "T02", func(s *Server) error {
			c, err := tls.Dial("tcp", s.Addr.String(), &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				return err
			}
			defer c.Close()
			fmt.Fprint(c, "GET /latest.json HTTP/1.0\r\n\r\n")
			return nil
		}, false, Reject, 0},
		{"sends the request in clear", "T02", func(s *Server) error {
			c, err := net.Dial("tcp", s.Addr.String())
			if err != nil {
				return err
			}
			defer c.Close()
			fmt.Fprintf(c, "GET /%s HTTP/1.0\r\n\r\n", s.Token)
			io.Copy(io.Discard, c)
			return nil
		}, false, Reject, 0},
		{"sleeps", "T02", func(s *Server) error {
			c, err := net.Dial("tcp", s.Addr.String())
			if err == nil {
				c.Close()
			}
			return err
		}, true, Timeout, 0},
		{"never connects", "T02", func(*Server) error { return nil }, false, Error, 0},
	} {
		s := serve(t, test.id, "https")
		err := test.client(s)
		seen := s.Close()
		if got := Judge(seen, test.stopped, err != nil); got != test.want || seen.Alert != test.alert {
			t.Errorf("%s: %s, want %s; alert %d, want %d; saw %+v, client says %v", test.name, got, test.want, seen.Alert, test.alert, seen, err)
		}
	}
}

// TestClearAlert is the alert that clients of OpenSSL send in clear where TLS
// 1.3 has an encrypted one.
func TestClearAlert(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	s := serve(t, "T02", "https")
	cmd := exec.Command(openssl, "s_client", "-verify_return_error", "-no-CApath", "-no-CAfile", "-no-CAstore", "-connect", s.Addr.String())
	out, err := cmd.CombinedOutput()
	seen := s.Close()
	if got := Judge(seen, false, err != nil); got != Reject || seen.Alert != 48 {
		t.Errorf("%s, alert %d, want a refusal with alert 48 (%s)\n%s", got, seen.Alert, AlertName(48), out)
	}
}

// TestPasses says that what a client connects with at the very end is seen.
func TestPasses(t *testing.T) {
	for range 50 {
		s := serve(t, "T01", "tls")
		c, err := tls.Dial("tcp", s.Addr.String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /%s HTTP/1.0\r\n\r\n", s.Token)
		c.Close()
		if seen := s.Close(); !seen.Request {
			t.Fatalf("the request was not seen: %+v", seen)
		}
	}
}

// TestMail speaks each protocol, in which TLS comes first or is asked for.
func TestMail(t *testing.T) {
	for _, test := range []struct {
		protocol, id string
		before       []string // commands before TLS
		after        string   // the command that carries the token
		want         bool
	}{
		{"smtps", "T01", nil, "EHLO %s", true},
		{"imaps", "T01", nil, "a LOGIN %s x", true},
		{"pop3s", "T01", nil, "USER %s", true},
		{"smtp", "T01", []string{"EHLO %s", "STARTTLS"}, "EHLO %s", true},
		{"imap", "M02", []string{"a CAPABILITY", "a STARTTLS"}, "a LOGIN %s x", true},
		{"pop3", "T01", []string{"STLS"}, "USER %s", true},
		{"ftps", "M04", []string{"AUTH TLS"}, "USER %s", true},
		{"smtp", "M05", []string{"EHLO %s"}, "", false},
	} {
		t.Run(test.protocol+" "+test.id, func(t *testing.T) {
			s := serve(t, test.id, test.protocol)
			conn, err := net.Dial("tcp", s.Addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			if test.before != nil {
				r := bufio.NewReader(conn)
				r.ReadString('\n')
				for _, command := range test.before {
					if strings.Contains(command, "%") {
						command = fmt.Sprintf(command, s.Token)
					}
					fmt.Fprintf(conn, "%s\r\n", command)
					for {
						line, err := r.ReadString('\n')
						if err != nil {
							t.Fatalf("%s: %v", command, err)
						}
						if len(line) < 4 || line[3] != '-' && !strings.HasPrefix(line, "* ") {
							break
						}
					}
				}
			}
			if test.after != "" {
				c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
				fmt.Fprintf(c, test.after+"\r\n", s.Token)
				bufio.NewReader(c).ReadString('\n')
				c.Close()
			}
			conn.Close()
			if seen := s.Close(); seen.Request != test.want {
				t.Errorf("request seen: %t, want %t: %+v", seen.Request, test.want, seen)
			}
		})
	}
}

// TestStripped is a client that goes on without the TLS that it asked for.
func TestStripped(t *testing.T) {
	s := serve(t, "M05", "imap")
	conn, err := net.Dial("tcp", s.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	r.ReadString('\n')
	fmt.Fprint(conn, "a STARTTLS\r\n")
	r.ReadString('\n')
	fmt.Fprintf(conn, "b LOGIN %s x\r\n", s.Token)
	r.ReadString('\n')
	conn.Close()
	if seen := s.Close(); !seen.Request {
		t.Errorf("the login in clear was not seen: %+v", seen)
	}
}

func TestPrimes(t *testing.T) {
	for _, b := range [][]byte{oakley2, prime512} {
		p := new(big.Int).SetBytes(b)
		q := new(big.Int).Rsh(p, 1)
		if p.BitLen() != 8*len(b) || !p.ProbablyPrime(20) || !q.ProbablyPrime(20) {
			t.Errorf("%x is no safe prime of %d bits", b, 8*len(b))
		}
	}
}

// FuzzHello says that what is made of a hello agrees with crypto/tls where both
// take it, and that no hello is taken which has bytes left.
func FuzzHello(f *testing.F) {
	for _, name := range []string{"good.tlsprobe.test", "a.test"} {
		a, b := net.Pipe()
		go tls.Client(a, &tls.Config{ServerName: name}).Handshake()
		_, body, err := readRecord(b)
		if err != nil {
			f.Fatal(err)
		}
		a.Close()
		f.Add(body[4:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseClientHello(b)
		if err != nil {
			return
		}
		if len(h.random) != 32 || len(h.versions) == 0 && !bytes.Contains(b, []byte{0, 43}) {
			t.Fatalf("random of %d bytes, %d versions", len(h.random), len(h.versions))
		}
		if h2, err := parseClientHello(append(slices.Clone(b), 0)); err == nil && len(h2.suites) == len(h.suites) && h2.name != h.name {
			t.Fatalf("a byte more changes the name from %q to %q", h.name, h2.name)
		}
		state, seen := serverSees(b)
		if seen && state.ServerName != "" && !strings.EqualFold(state.ServerName, strings.TrimSuffix(h.name, ".")) && state.ServerName != h.name {
			t.Fatalf("name %q, crypto/tls has %q", h.name, state.ServerName)
		}
		if seen && !slices.Equal(state.CipherSuites, h.suites) {
			t.Fatalf("suites %x, crypto/tls has %x", h.suites, state.CipherSuites)
		}
	})
}

// serverSees gives a hello to crypto/tls.
func serverSees(body []byte) (*tls.ClientHelloInfo, bool) {
	if len(body) > 1<<13 {
		return nil, false
	}
	h := &half{version: 0x0301}
	var info *tls.ClientHelloInfo
	conn := &replay{r: bytes.NewReader(h.record(recordHandshake, message(messageClientHello, body)))}
	tls.Server(conn, &tls.Config{GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
		info = i
		return nil, errors.New("seen")
	}}).Handshake()
	return info, info != nil
}

// A replay is a connection on which a client has said all that it will.
type replay struct {
	net.Conn
	r io.Reader
}

func (c *replay) Read(b []byte) (int, error)       { return c.r.Read(b) }
func (c *replay) Write(b []byte) (int, error)      { return len(b), nil }
func (c *replay) Close() error                     { return nil }
func (c *replay) SetDeadline(time.Time) error      { return nil }
func (c *replay) SetReadDeadline(time.Time) error  { return nil }
func (c *replay) SetWriteDeadline(time.Time) error { return nil }
func (c *replay) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *replay) LocalAddr() net.Addr              { return &net.TCPAddr{} }
