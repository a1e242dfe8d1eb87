package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Each connection has a verdict of its own, whatever others did.
func TestListen(t *testing.T) {
	a, err := NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.PEM())
	for _, test := range []struct {
		id, host        string
		careful, either Verdict // one that checks, and one that does not
	}{
		{"T01", "localhost", Accept, Accept}, {"T02", "localhost", Reject, Accept}, {"T05", "127.0.0.1", Reject, Accept}, {"T01", "127.0.0.1", Accept, Accept},
		{"N01", "localhost", Reject, Accept}, {"K01", "localhost", Reject, Accept}, {"N08", HostGood, Reject, Accept},
	} {
		k, _ := CaseByID(test.id)
		l, err := a.Listen(k, "127.0.0.1:0", ListenOptions{Host: test.host})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		visits := make(chan Visit, 4)
		go func() {
			defer close(visits)
			for v, err := range l.Visits(ctx) {
				if err != nil {
					t.Error(err)
				}
				visits <- v
			}
		}()
		for _, c := range []struct {
			insecure bool
			want     Verdict
		}{{false, test.careful}, {true, test.either}, {false, test.careful}} {
			dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, l.Addr.String())
			}
			tr := &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, InsecureSkipVerify: c.insecure}}
			if answer, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get(l.URL()); err == nil {
				answer.Body.Close()
			}
			if v := <-visits; v.Outcome.Verdict != c.want || v.Outcome.Case != test.id {
				t.Errorf("%s as %s, insecure %t: %+v, want %s", test.id, test.host, c.insecure, v.Outcome, c.want)
			}
		}
		cancel()
		if _, more := <-visits; more {
			t.Errorf("%s: goes on after its end", test.id)
		}
		if _, err := net.DialTimeout("tcp", l.Addr.String(), time.Second); err == nil {
			t.Errorf("%s: still listens after its end", test.id)
		}
	}
}

// A case that would show something else than it says is not served.
func TestListenErrors(t *testing.T) {
	a, err := NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ id, host, protocol, want string }{
		{"X01", "", "", "more than one server"},
		{"X03", "", "", "more than one server"},
		{"N03", "localhost", "", "call the server so"},
		{"N12", "localhost", "", "call the server so"},
		{"C04", "127.0.0.1", "", "is about names"},
		{"T01", "::1", "", "IPv6"},
		{"M01", "localhost", "", "cannot be served in https"},
		{"T01", "localhost", "", ""},
		{"M01", "localhost", "smtps", ""},
		{"N12", "", "", ""},
		{"N03", "", "", ""},
	} {
		k, _ := CaseByID(test.id)
		l, err := a.Listen(k, "127.0.0.1:0", ListenOptions{Host: test.host, Protocol: test.protocol})
		if err == nil {
			l.listener.Close()
		}
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// What has ended no longer listens: a client that comes then is refused.
func TestListenEnd(t *testing.T) {
	a, err := NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	k, _ := CaseByID("T01")
	for range 500 {
		l, err := a.Listen(k, "127.0.0.1:0", ListenOptions{Host: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		for range l.Visits(ctx) {
		}
		if c, err := net.DialTimeout("tcp", l.Addr.String(), time.Second); err == nil {
			c.Close()
			t.Fatal("still listens after its end")
		}
	}
}
