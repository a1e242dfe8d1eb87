package pin

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// clearServer starts a server that says its lines one by one, each but the
// first after something was said to it, and then waits for the end.
func clearServer(t *testing.T, says ...string) string {
	return scripted(t, func(conn net.Conn) {
		for i, s := range says {
			if i > 0 {
				conn.Read(make([]byte, 512))
			}
			io.WriteString(conn, s)
		}
		io.Copy(io.Discard, conn)
	})
}

// scripted starts a server that plays a part with each connection.
func scripted(t *testing.T, part func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(10 * time.Second))
				part(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// goods are what good servers say before TLS; the last is an answer to the
// request for it. The first of a protocol in which the client begins is empty.
var goods = map[string][]string{
	"smtp":     {"220-mail\r\n220 ready\r\n", "250-mail\r\n250-SIZE 1\r\n250-starttls now\r\n250 HELP\r\n", "220 go ahead\r\n"},
	"imap":     {"* OK [CAPABILITY IMAP4rev1] ready\r\n", "a OK begin\r\n"},
	"pop3":     {"+OK ready <1@mail>\r\n", "+OK\r\n"},
	"ldap":     {"", ldapResponse(0, "", startTLSOID)},
	"postgres": {"", "S"},
}

// ldapResponse is the answer to message 1.
func ldapResponse(code byte, text, name string) string {
	element := func(tag byte, content string) string { return string([]byte{tag, byte(len(content))}) + content }
	result := element(0x0a, string([]byte{code})) + element(0x04, "") + element(0x04, text)
	if name != "" {
		result += element(0x8a, name)
	}
	return element(0x30, element(0x02, "\x01")+element(0x78, result))
}

// TestStartTLS: with each protocol a good server is reached, and one whose
// certificate is bad is not.
func TestStartTLS(t *testing.T) {
	own, other := makeCert(t, "own", nil, nil, nil), makeCert(t, "other", nil, nil, nil)
	for protocol, says := range goods {
		for name, leaf := range map[string]*made{"good": makeCert(t, "localhost", own, nil, nil), "bad": makeCert(t, "localhost", other, nil, nil)} {
			sent := make(chan error, 1)
			server := scripted(t, func(conn net.Conn) {
				for i, s := range says {
					if i > 0 {
						conn.Read(make([]byte, 512))
					}
					io.WriteString(conn, s)
				}
				s := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}}})
				_, err := s.Read(make([]byte, 1))
				sent <- err
			})
			_, err := dial(t, &Dialer{Pins: &Pins{CAs: []*x509.Certificate{own.cert}}, Protocol: protocol}, server)
			if (err == nil) != (name == "good") || name == "bad" && CheckOf(err) != CheckAuthority {
				t.Errorf("%s, %s certificate: %v", protocol, name, err)
			}
			if err := <-sent; name == "good" && err != io.EOF {
				t.Errorf("%s: the server had no end of TLS: %v", protocol, err)
			}
		}
	}
}

// TestStartTLSRefused: servers that do not begin TLS, or say too much.
func TestStartTLSRefused(t *testing.T) {
	long := strings.Repeat("x", maxLine+1) + "\r\n"
	for protocol, cases := range map[string]map[string][]string{
		"smtp": {
			"not offered":                   {"220 ready\r\n", "250-mail\r\n250 SIZE 1\r\n"},
			"not offered in the first line": {"220 ready\r\n", "250 STARTTLS\r\n"},
			"offers another thing":          {"220 ready\r\n", "250-mail\r\n250 STARTTLSX\r\n"},
			"not ready":                     {"554 no\r\n"},
			"refused":                       {"220 ready\r\n", "250-mail\r\n250 STARTTLS\r\n", "454 not now\r\n"},
			"response with the answer":      {"220 ready\r\n", "250-mail\r\n250 STARTTLS\r\n", "220 go\r\n250 injected\r\n"},
			"answers before the questions":  {"220 ready\r\n250-mail\r\n250 STARTTLS\r\n220 go\r\n"},
			"answer with the offer":         {"220 ready\r\n", "250-mail\r\n250 STARTTLS\r\n220 go\r\n"},
			"long line":                     {"220 " + long},
			"endless reply":                 {strings.Repeat("220-again\r\n", maxClear/10)},
			"two codes":                     {"220-ready\r\n250 ready\r\n"},
			"no code":                       {"2200 ready\r\n"},
		},
		"imap": {
			"refused":                  {"* OK ready\r\n", "a NO not here\r\n"},
			"not known":                {"* OK ready\r\n", "a BAD what\r\n"},
			"logged in already":        {"* PREAUTH welcome\r\n", "a OK begin\r\n"},
			"response with the answer": {"* OK ready\r\n", "a OK begin\r\n* OK [ALERT] injected\r\n"},
			"answer with the greeting": {"* OK ready\r\na OK begin\r\n"},
			"something else first":     {"* OK ready\r\n", "* CAPABILITY IMAP4rev1\r\na OK begin\r\n"},
			"another tag":              {"* OK ready\r\n", "b OK begin\r\n"},
		},
		"pop3": {
			"refused":                  {"+OK ready\r\n", "-ERR what\r\n"},
			"response with the answer": {"+OK ready\r\n", "+OK begin\r\n+OK injected\r\n"},
			"no word":                  {"+OK ready\r\n", "+OKAY\r\n"},
			"closed":                   {"-ERR busy\r\n"},
		},
		"ldap": {
			"refused":                  {"", ldapResponse(2, "unsupported extended operation", "")},
			"another operation":        {"", ldapResponse(0, "", "1.3.6.1.4.1.1466.20036")},
			"response with the answer": {"", ldapResponse(0, "", "") + "x"},
			"long":                     {"", "\x30\x84\x7f\xff\xff\xff"},
			"another protocol":         {"", "220 ready\r\n"},
		},
		"postgres": {
			"refused":                  {"", "N"},
			"an error":                 {"", "E\x00\x00\x00\x04"},
			"response with the answer": {"", "SR\x00\x00\x00\x08\x00\x00\x00\x00"},
		},
	} {
		own := makeCert(t, "own", nil, nil, nil)
		for name, says := range cases {
			heard := make(chan []byte, 1)
			server := scripted(t, func(conn net.Conn) {
				var all []byte
				b := make([]byte, 512)
				for i, s := range says {
					if i > 0 {
						n, _ := conn.Read(b)
						all = append(all, b[:n]...)
					}
					io.WriteString(conn, s)
				}
				rest, _ := io.ReadAll(conn)
				heard <- append(all, rest...)
			})
			_, err := dial(t, &Dialer{Pins: &Pins{CAs: []*x509.Certificate{own.cert}}, Protocol: protocol}, server)
			if CheckOf(err) != CheckStartTLS {
				t.Errorf("%s, %s: %v", protocol, name, err)
			}
			// Neither a handshake nor anything else follows in clear.
			for _, line := range bytes.SplitAfter(<-heard, []byte("\n")) {
				if len(line) > 0 && !strings.Contains("EHLO localhost\r\nSTARTTLS\r\na STARTTLS\r\nSTLS\r\n"+ldapRequest+"\x00\x00\x00\x08\x04\xd2\x16\x2f", string(line)) {
					t.Errorf("%s, %s: the client says %q", protocol, name, line)
				}
			}
		}
	}
}

func TestStartTLSUnknown(t *testing.T) {
	if err := StartTLS(nil, "gopher"); err == nil || !strings.Contains(err.Error(), "smtp, imap, pop3, ldap, postgres") {
		t.Error(err)
	}
	for protocol, want := range map[string]string{"": "443", "smtp": "25", "imap": "143", "pop3": "110", "ldap": "389", "postgres": "5432"} {
		if got := Port(protocol); got != want {
			t.Errorf("%q: port %s", protocol, got)
		}
	}
}

// A peer has what a server says, all of it there from the start, and keeps what
// was said to it.
type peer struct {
	net.Conn
	says  io.Reader
	heard bytes.Buffer
}

func (p *peer) Read(b []byte) (int, error)  { return p.says.Read(b) }
func (p *peer) Write(b []byte) (int, error) { return p.heard.Write(b) }

// turns gives one answer with each read, as a server that waits for questions.
type turns struct{ says [][]byte }

func (r *turns) Read(b []byte) (int, error) {
	if len(r.says) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.says[0])
	if r.says[0] = r.says[0][n:]; len(r.says[0]) == 0 {
		r.says = r.says[1:]
	}
	return n, nil
}

// FuzzStartTLS: whatever a server says, where TLS may begin nothing that it
// said is left over, the client has asked for TLS last and has asked for nothing
// else, and the server has said at least one thing after that.
func FuzzStartTLS(f *testing.F) {
	for protocol, says := range goods {
		f.Add(protocol, says[0], says[1], says[len(says)-1])
	}
	f.Add("smtp", "220 a\r\n250 STARTTLS\r\n", "220 b\r\n", "")
	f.Add("ldap", "", "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00", "")
	requests := map[string]string{"smtp": "EHLO localhost\r\nSTARTTLS\r\n", "imap": "a STARTTLS\r\n", "pop3": "STLS\r\n", "ldap": ldapRequest, "postgres": "\x00\x00\x00\x08\x04\xd2\x16\x2f"}
	f.Fuzz(func(t *testing.T, protocol, first, second, third string) {
		says := &turns{}
		total := 0
		for _, s := range []string{first, second, third} {
			if total += len(s); s != "" {
				says.says = append(says.says, []byte(s))
			}
		}
		p := &peer{says: says}
		err := StartTLS(p, protocol)
		if !strings.HasPrefix(requests[protocol], p.heard.String()) {
			t.Fatalf("the client says %q", p.heard.String())
		}
		if err != nil {
			return
		}
		if p.heard.String() != requests[protocol] {
			t.Fatalf("TLS may begin after %q", p.heard.String())
		}
		left, _ := io.ReadAll(says)
		// All in one is refused where it takes more than one turn.
		all := &peer{says: strings.NewReader(first + second + third)}
		if err := StartTLS(all, protocol); err == nil && (protocol == "smtp" || protocol == "imap" || protocol == "pop3") {
			t.Fatal("answers that came before the questions are taken")
		} else if err == nil && len(left) > 0 {
			t.Fatalf("%q is left over", left)
		}
	})
}

// FuzzLDAP: the length of a message is that of the answer in it, whichever form
// its lengths have, and an answer that is read can be written and read again.
func FuzzLDAP(f *testing.F) {
	f.Add([]byte(ldapResponse(0, "", startTLSOID)))
	f.Add([]byte(ldapResponse(2, "unsupported", "")))
	f.Add([]byte("\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		message, err := ldapMessage(r)
		if err != nil {
			return
		}
		if used := len(data) - r.Len(); len(message) > used || !bytes.Equal(message, data[used-len(message):used]) {
			t.Fatalf("%d bytes of a message in %d", len(message), used)
		}
		code, text, err := ldapAnswer(message)
		if err != nil {
			if !errors.Is(err, errLDAP) {
				t.Fatal(err)
			}
			return
		}
		if len(text) > 80 {
			return // the writer of the test has short lengths alone
		}
		again, err := ldapMessage(strings.NewReader(ldapResponse(byte(code), text, "")))
		if err != nil {
			t.Fatal(err)
		}
		if c, s, err := ldapAnswer(again); err != nil || c != code || s != text {
			t.Fatalf("%d %q, then %d %q, %v", code, text, c, s, err)
		}
	})
}
