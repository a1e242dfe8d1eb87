package pin

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A made is a certificate and its key.
type made struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func makeCert(t testing.TB, name string, by *made, key crypto.Signer, change func(*x509.Certificate)) *made {
	t.Helper()
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	if by == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	} else {
		c.DNSNames, c.IPAddresses = []string{name}, []net.IP{net.IPv4(127, 0, 0, 1)}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if change != nil {
		change(c)
	}
	parent := &made{c, key}
	if by != nil {
		parent = by
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent.cert, key.Public(), parent.key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &made{c, key}
}

// serve starts a server with a certificate and what it sends beside it.
func serve(t *testing.T, leaf *made, more ...*made) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		io.WriteString(w, "here")
	}))
	c := tls.Certificate{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}
	for _, m := range more {
		c.Certificate = append(c.Certificate, m.cert.Raw)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, p *Pins, url string) error {
	t.Helper()
	tr, err := p.Transport()
	if err != nil {
		t.Fatal(err)
	}
	defer tr.CloseIdleConnections()
	// The name is localhost, whatever the resolver says of it.
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	r, err := (&http.Client{Transport: tr}).Get(url)
	if err == nil {
		r.Body.Close()
	}
	return err
}

func named(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }

// TestOnlyWhatIsPinned is the seed of it all: an authority given as DER, a
// server below it, and one below an authority that others trust.
func TestOnlyWhatIsPinned(t *testing.T) {
	own, public := makeCert(t, "own", nil, nil, nil), makeCert(t, "public", nil, nil, nil)
	leaf := makeCert(t, "localhost", own, nil, nil)
	mine, theirs := serve(t, leaf), serve(t, makeCert(t, "localhost", public, nil, nil))
	list, err := ParseCertificates("own.der", own.cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	store := x509.NewCertPool()
	store.AddCert(public.cert)
	plain := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: store}}}
	if _, err := plain.Get(mine.URL); err == nil {
		t.Error("a client that trusts the public authority accepts the server below one's own")
	}
	if r, err := plain.Get(theirs.URL); err != nil {
		t.Error(err)
	} else {
		r.Body.Close()
	}
	p := &Pins{CAs: list}
	if err := get(t, p, mine.URL); err != nil {
		t.Errorf("pinned: %v", err)
	}
	for name, url := range map[string]string{"other authority": theirs.URL, "redirect": mine.URL + "?to=" + theirs.URL} {
		var unknown x509.UnknownAuthorityError
		if err := get(t, p, url); !errors.As(err, &unknown) {
			t.Errorf("%s: %v, want an unknown authority", name, err)
		}
	}
	clear := httptest.NewServer(http.NotFoundHandler())
	defer clear.Close()
	for name, url := range map[string]string{"in clear": clear.URL, "redirect to one in clear": mine.URL + "?to=" + clear.URL} {
		if err := get(t, p, url); err == nil || !strings.Contains(err.Error(), "without TLS") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := get(t, p, strings.Replace(mine.URL, "127.0.0.1", "other.test", 1)); err == nil {
		t.Error("the name of the server is not checked")
	}
}

func TestKeys(t *testing.T) {
	own, other := makeCert(t, "own", nil, nil, nil), makeCert(t, "other", nil, nil, nil)
	leaf, foreign := makeCert(t, "localhost", own, nil, nil), makeCert(t, "localhost", other, nil, nil)
	for _, test := range []struct {
		name string
		pins Pins
		url  string
		want string // part of the error; "" is none
	}{
		{"key of the server", Pins{Keys: []SPKI{SPKIOf(leaf.cert)}}, serve(t, leaf).URL, ""},
		{"key of the authority that it sends", Pins{Keys: []SPKI{SPKIOf(own.cert)}}, serve(t, leaf, own).URL, ""},
		{"key of an authority that it does not send", Pins{Keys: []SPKI{SPKIOf(own.cert)}}, serve(t, leaf).URL, "no certificate with a pinned key"},
		{"the pinned certificate as an unrelated extra", Pins{Keys: []SPKI{SPKIOf(own.cert)}}, serve(t, foreign, other, own).URL, "unknown authority"},
		{"the same, with the other authority pinned", Pins{CAs: []*x509.Certificate{other.cert}, Keys: []SPKI{SPKIOf(own.cert)}}, serve(t, foreign, own).URL, "verified chain"},
		{"a pinned key in a certificate of another's making", Pins{Keys: []SPKI{SPKIOf(own.cert)}}, serve(t, foreign, other, makeCert(t, "own", other, own.key, nil)).URL, "unknown authority"},
		{"authority and key", Pins{CAs: []*x509.Certificate{own.cert}, Keys: []SPKI{SPKIOf(leaf.cert)}}, serve(t, leaf).URL, ""},
		{"expired", Pins{Keys: []SPKI{SPKIOf(own.cert)}}, serve(t, makeCert(t, "localhost", own, nil, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), own).URL, "expired"},
		{"other name", Pins{Keys: []SPKI{SPKIOf(own.cert)}}, serve(t, makeCert(t, "other.test", own, nil, nil), own).URL, "not localhost"},
	} {
		err := get(t, &test.pins, named(test.url))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	p := Pins{Keys: []SPKI{SPKIOf(leaf.cert)}}
	if err := get(t, &p, serve(t, leaf).URL); err == nil {
		t.Error("a key alone vouches for an address of which the name is not known")
	}
}

// TestResumption: a session that other pins have vouched for is worth nothing,
// though crypto/tls takes it, and one that these have vouched for is judged
// again.
func TestResumption(t *testing.T) {
	own, other := makeCert(t, "own", nil, nil, nil), makeCert(t, "other", nil, nil, nil)
	leaf := makeCert(t, "localhost", own, nil, nil)
	address := serve(t, leaf, own).Listener.Addr().String()
	for name, p := range map[string][2]*Pins{
		"certificates":        {{CAs: []*x509.Certificate{own.cert}}, {CAs: []*x509.Certificate{other.cert}}},
		"certificate and key": {{CAs: []*x509.Certificate{own.cert}}, {CAs: []*x509.Certificate{own.cert}, Keys: []SPKI{SPKIOf(other.cert)}}},
		"keys":                {{Keys: []SPKI{SPKIOf(own.cert)}}, {Keys: []SPKI{SPKIOf(other.cert)}}},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cache := tls.NewLRUClientSessionCache(1)
			connect := func(p *Pins, tickets bool) (resumed bool, err error) {
				c, err := p.Config("localhost")
				if err != nil {
					t.Fatal(err)
				}
				c.ClientSessionCache, c.MaxVersion = cache, version
				if tickets {
					c.SessionTicketsDisabled = false // as somebody may do who knows better
				}
				conn, err := tls.Dial("tcp", address, c)
				if err != nil {
					return false, err
				}
				defer conn.Close()
				// The tickets of TLS 1.3 come with the first answer.
				io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
				_, err = io.ReadAll(conn)
				return conn.ConnectionState().DidResume, err
			}
			for i := range 2 {
				if resumed, err := connect(p[0], false); err != nil || resumed {
					t.Fatalf("%s, by itself: resumed: %v: %v", name, resumed, err)
				}
				if resumed, err := connect(p[0], true); err != nil || resumed != (i == 1) {
					t.Fatalf("%s, with tickets: resumed: %v: %v", name, resumed, err)
				}
			}
			if resumed, err := connect(p[1], true); err == nil {
				t.Errorf("%s: the session of other pins is taken; resumed: %v", name, resumed)
			}
		}
	}
}

func TestPolicy(t *testing.T) {
	own := makeCert(t, "own", nil, nil, nil)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p := &Pins{CAs: []*x509.Certificate{own.cert}}
	for want, leaf := range map[string]*made{
		"1024 bits":        makeCert(t, "localhost", own, weak, nil),
		"top-level domain": makeCert(t, "localhost", own, nil, func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "*.test") }),
	} {
		if err := get(t, p, named(serve(t, leaf).URL)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestNothingPinned(t *testing.T) {
	if _, err := new(Pins).Config("localhost"); err != ErrNone {
		t.Error(err)
	}
	if _, err := new(Pins).Transport(); err != ErrNone {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	c := makeCert(t, "own", nil, nil, nil).cert
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	for name, data := range map[string][]byte{"PEM": text, "two in PEM": append(bytes.Clone(text), text...), "DER": c.Raw, "two in DER": append(bytes.Clone(c.Raw), c.Raw...), "text before": append([]byte("own\n"), text...)} {
		list, err := ParseCertificates("f", data)
		if err != nil || !list[0].Equal(c) || strings.HasPrefix(name, "two") != (len(list) == 2) {
			t.Errorf("%s: %d, %v", name, len(list), err)
		}
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}})
	for name, data := range map[string][]byte{"empty": nil, "noise": []byte("hello"), "key": key, "second cut off": append(bytes.Clone(text), text[:len(text)/2]...)} {
		if list, err := ParseCertificates("f", data); err == nil || list != nil || !strings.HasPrefix(err.Error(), "f: ") {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	h := SPKIOf(c)
	for _, s := range []string{h.String(), hex.EncodeToString(h[:])} {
		if got, err := ParseSPKI(s); err != nil || got != h {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "sha256//", "sha1//AAAA", h.String()[:20], hex.EncodeToString(h[:31])} {
		if _, err := ParseSPKI(s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}

// FuzzParseCertificates: what was read and written as PEM is read the same.
func FuzzParseCertificates(f *testing.F) {
	c := makeCert(f, "own", nil, nil, nil).cert
	f.Add(c.Raw)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseCertificates("f", data)
		if err != nil {
			return
		}
		var text []byte
		for _, c := range list {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
		again, err := ParseCertificates("f", text)
		if err != nil || len(again) != len(list) || len(list) == 0 {
			t.Fatalf("%d certificates, then %d, %v", len(list), len(again), err)
		}
		for i := range list {
			if !again[i].Equal(list[i]) {
				t.Fatalf("certificate %d is another one", i)
			}
		}
	})
}
