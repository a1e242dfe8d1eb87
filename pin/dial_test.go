package pin

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// dial connects to localhost at the port of an address.
func dial(t *testing.T, d *Dialer, address string) (*Verified, error) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	testkit.Must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := d.Dial(ctx, net.JoinHostPort("localhost", port))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	v, err := d.Pins.Verify(conn.ConnectionState().PeerCertificates, "localhost", time.Now())
	testkit.Must(t, err)
	return v, nil
}

// TestChecks: each check refuses a server by itself, and says that it did.
func TestChecks(t *testing.T) {
	own, other := makeCert(t, "own", nil, nil, nil), makeCert(t, "other", nil, nil, nil)
	rsa1024, err := rsa.GenerateKey(rand.Reader, 1024)
	testkit.Must(t, err)
	weak := makeCert(t, "weak", own, rsa1024, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.DNSNames, c.IPAddresses = true, true, x509.KeyUsageCertSign, nil, nil
	})
	cas := []*x509.Certificate{own.cert}
	leaf := func(change func(*x509.Certificate)) []*made {
		return []*made{makeCert(t, "localhost", own, nil, change)}
	}
	for _, tt := range []struct {
		name   string
		pins   Pins
		server []*made
		check  Check    // "" is none
		warns  []string // parts of the warnings
	}{
		{"good", Pins{CAs: cas, Strict: true}, leaf(nil), "", nil},
		{"other authority", Pins{CAs: cas}, []*made{makeCert(t, "localhost", other, nil, nil)}, CheckAuthority, nil},
		{"other key", Pins{CAs: cas, Keys: []SPKI{SPKIOf(other.cert)}}, leaf(nil), CheckKey, nil},
		{"other key alone", Pins{Keys: []SPKI{SPKIOf(other.cert)}}, leaf(nil), CheckKey, nil},
		{"name", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.DNSNames = []string{"other.test"} }), CheckName, nil},
		{"name in the subject alone", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.DNSNames = nil }), CheckName, nil},
		{"expired", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), CheckDates, nil},
		{"not yet", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), CheckDates, nil},
		{"for clients", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), CheckUse, nil},
		{"weak key", Pins{CAs: cas}, []*made{makeCert(t, "localhost", own, rsa1024, nil)}, CheckStrength, nil},
		{"weak key of one between", Pins{CAs: cas}, []*made{makeCert(t, "localhost", weak, nil, nil), weak}, CheckStrength, nil},
		{"top-level domain", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "*.test.") }), CheckWildcard, nil},
		{"wildcard below one", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "*.example.test") }), "", nil},
		{"an authority as server", Pins{CAs: cas}, leaf(asCA), "", []string{"authority"}},
		{"an authority as server, strict", Pins{CAs: cas, Strict: true}, leaf(asCA), CheckRole, nil},
		{"key usage", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), "", []string{"key usage"}},
		{"key usage, strict", Pins{CAs: cas, Strict: true}, leaf(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), CheckRole, nil},
		{"may sign certificates", Pins{CAs: cas}, leaf(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign }), "", []string{"no authority"}},
		{"no extended key usage, strict", Pins{CAs: cas, Strict: true}, leaf(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), "", []string{"no extended key usage"}},
		{"self-signed and pinned", Pins{CAs: []*x509.Certificate{other.cert}}, []*made{other}, CheckName, nil},
	} {
		v, err := dial(t, &Dialer{Pins: &tt.pins}, serve(t, tt.server[0], tt.server[1:]...).Listener.Addr().String())
		if CheckOf(err) != tt.check || (err == nil) != (tt.check == "") {
			t.Errorf("%s: %v, check %q, want %q", tt.name, err, CheckOf(err), tt.check)
			continue
		}
		var bad *tls.CertificateVerificationError
		if err != nil && (!errors.As(err, &bad) || len(bad.UnverifiedCertificates) != len(tt.server)) {
			t.Errorf("%s: %v has not the certificates that were sent", tt.name, err)
		}
		if err == nil && (len(v.Warnings) != len(tt.warns) || len(tt.warns) > 0 && !strings.Contains(v.Warnings[0], tt.warns[0])) {
			t.Errorf("%s: warnings %q, want %q", tt.name, v.Warnings, tt.warns)
		}
	}
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign
}

// TestRoles: what certificates of crypto/x509's making cannot have.
func TestRoles(t *testing.T) {
	own := makeCert(t, "own", nil, nil, nil)
	leaf := *makeCert(t, "localhost", own, nil, nil).cert
	leaf.ExtKeyUsage = nil // the extension is still there
	for _, strict := range []bool{false, true} {
		v, err := (&Pins{CAs: []*x509.Certificate{own.cert}, Strict: strict}).judge([]*x509.Certificate{&leaf, own.cert})
		if strict && CheckOf(err) != CheckRole || !strict && (err != nil || len(v.Warnings) != 1) {
			t.Errorf("strict %v: an empty extended key usage: %v, %v", strict, v, err)
		}
	}
	old := *own.cert
	old.PublicKeyAlgorithm, old.PublicKey = x509.DSA, nil
	if _, err := (&Pins{CAs: []*x509.Certificate{own.cert}}).judge([]*x509.Certificate{&leaf, &old}); CheckOf(err) != CheckStrength {
		t.Errorf("a DSA key: %v", err)
	}
}

// TestKeyOnly: the server's own pinned key vouches for it under any name, and
// no other does.
func TestKeyOnly(t *testing.T) {
	own := makeCert(t, "own", nil, nil, nil)
	leaf := makeCert(t, "other.test", own, nil, func(c *x509.Certificate) { c.IPAddresses = nil })
	server := serve(t, leaf, own).Listener.Addr().String()
	for _, tt := range []struct {
		name  string
		pins  Pins
		check Check
	}{
		{"the server's key", Pins{Keys: []SPKI{SPKIOf(leaf.cert)}, KeyOnly: true}, ""},
		{"the server's key, and its name", Pins{Keys: []SPKI{SPKIOf(leaf.cert)}}, CheckName},
		{"the authority's key", Pins{Keys: []SPKI{SPKIOf(own.cert)}, KeyOnly: true}, CheckKey},
	} {
		if _, err := dial(t, &Dialer{Pins: &tt.pins}, server); CheckOf(err) != tt.check || (err == nil) != (tt.check == "") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.check)
		}
	}
	expired := makeCert(t, "other.test", own, nil, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	if _, err := dial(t, &Dialer{Pins: &Pins{Keys: []SPKI{SPKIOf(expired.cert)}, KeyOnly: true}}, serve(t, expired).Listener.Addr().String()); CheckOf(err) != CheckDates {
		t.Errorf("expired: %v", err)
	}
	for _, p := range []Pins{{KeyOnly: true}, {KeyOnly: true, CAs: []*x509.Certificate{own.cert}}} {
		if _, err := p.Config("localhost"); err == nil {
			t.Errorf("%d CAs and no key, and any name will do", len(p.CAs))
		}
	}
}

// TestMatches: which certificate matched which pin.
func TestMatches(t *testing.T) {
	own, other := makeCert(t, "own", nil, nil, nil), makeCert(t, "other", nil, nil, nil)
	leaf := makeCert(t, "localhost", own, nil, nil)
	p := &Pins{CAs: []*x509.Certificate{other.cert, own.cert}, Keys: []SPKI{SPKIOf(other.cert), SPKIOf(leaf.cert)}}
	v, err := dial(t, &Dialer{Pins: p}, serve(t, leaf).Listener.Addr().String())
	testkit.Must(t, err)
	if len(v.Chain) != 2 || len(v.Matches) != 2 || v.Matches[0] != (Match{0, -1, 1}) || v.Matches[1] != (Match{1, 1, -1}) {
		t.Errorf("%d certificates, %v", len(v.Chain), v.Matches)
	}
}

// TestEmptyBeforeDial: with nothing pinned nobody is connected to.
func TestEmptyBeforeDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	if _, err := (&Dialer{Pins: &Pins{}}).Dial(context.Background(), l.Addr().String()); err != ErrNone {
		t.Error(err)
	}
	testkit.Must(t, l.(*net.TCPListener).SetDeadline(time.Now().Add(50*time.Millisecond)))
	if c, err := l.Accept(); err == nil {
		c.Close()
		t.Error("it was connected to")
	}
	l.Close()
}

// TestHandshake: old versions of TLS, and servers that speak none.
func TestHandshake(t *testing.T) {
	own := makeCert(t, "own", nil, nil, nil)
	leaf := makeCert(t, "localhost", own, nil, nil)
	d := &Dialer{Pins: &Pins{CAs: []*x509.Certificate{own.cert}}}
	old := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if _, err := dial(t, d, scripted(t, func(conn net.Conn) { tls.Server(conn, old).Handshake() })); CheckOf(err) != CheckHandshake {
		t.Errorf("TLS 1.1: %v", err)
	}
	if _, err := dial(t, d, clearServer(t, "220 here\r\n")); CheckOf(err) != CheckHandshake {
		t.Errorf("no TLS: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	for _, protocol := range append(Protocols(), "") {
		d.Protocol = protocol
		if _, err := d.Dial(ctx, clearServer(t)); err == nil {
			t.Errorf("%q: a server that says nothing is no error", protocol)
		}
	}
}

func TestParseServer(t *testing.T) {
	for in, want := range map[string][2]string{
		"example.org": {"example.org", ""}, "example.org:8443": {"example.org", "8443"}, "192.0.2.1": {"192.0.2.1", ""},
		"::1": {"::1", ""}, "[::1]": {"::1", ""}, "[2001:db8::1]:25": {"2001:db8::1", "25"}, "a_b.test.": {"a_b.test.", ""},
	} {
		if host, port, err := ParseServer(in); err != nil || host != want[0] || port != want[1] {
			t.Errorf("%q: %q %q %v", in, host, port, err)
		}
	}
	for _, in := range []string{"", ":443", "a:", "a:0", "a:65536", "a:+1", "a b", "https://a", "a/b", "user@a", "-a", "a:1:2", "[::1", "[a]", "[::1%eth0]", "fe80::1%eth0", "bücher.test", "a\x00"} {
		if host, port, err := ParseServer(in); err == nil {
			t.Errorf("%q: %q %q", in, host, port)
		}
	}
}
