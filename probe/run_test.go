package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test binary a client, or the probe in its room, when it is
// called as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == roomArgument {
		if err := Inside(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if kind := os.Getenv("PROBE_CLIENT"); kind != "" {
		os.Exit(madeClient(kind, os.Args[1], os.Args[2]))
	}
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		os.Exit(roles[os.Args[1]](os.Args[2:]))
	}
	os.Exit(m.Run())
}

// madeClient behaves in one of the ways that a verdict has to tell apart.
func madeClient(kind, url, ca string) int {
	pool := x509.NewCertPool()
	if pem, err := os.ReadFile(ca); err == nil && kind != "rejects" {
		pool.AppendCertsFromPEM(pem)
	}
	get := func(config *tls.Config) error {
		c := http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 5 * time.Second}
		res, err := c.Get(url)
		if err == nil {
			_, err = io.Copy(os.Stdout, res.Body)
		}
		return err
	}
	lax := &tls.Config{InsecureSkipVerify: true}
	strict := &tls.Config{RootCAs: pool}
	var err error
	switch kind {
	case "accepts":
		err = get(lax)
	case "lies": // that it refused, and has accepted
		get(lax)
		fmt.Println("REJECT certificate verify failed")
	case "boasts": // of an answer that it has refused
		get(strict)
		fmt.Println("ACCEPT")
	case "leaks": // and looks at the certificate afterwards
		if out := os.Stdout; get(strict) != nil {
			os.Stdout, _ = os.Open(os.DevNull)
			get(lax)
			os.Stdout = out
			return 1
		}
	case "wavers": // leaks, but for the first time
		if err = get(strict); err == nil {
			break
		}
		if f, e := os.OpenFile(filepath.Join(os.Getenv("PROBE_FOLDER"), "first"), os.O_CREATE|os.O_EXCL, 0o600); e == nil {
			f.Close()
			if u, e := neturl.Parse(url); e == nil {
				if c, e := tls.Dial("tcp", u.Host, lax); e == nil {
					c.Close()
				}
			}
			return 1
		}
		os.Stdout, _ = os.Open(os.DevNull)
		get(lax)
		return 1
	case "counts": // how many there are of it
		os.Exit(countingClient(os.Getenv("PROBE_FOLDER"), func() error { return get(strict) }))
	case "dials":
		_, err = net.DialTimeout("tcp", "192.0.2.1:443", 5*time.Second)
	case "sleeps":
		time.Sleep(time.Minute)
	case "stays away":
		fmt.Println("REJECT certificate verify failed")
		return 1
	default:
		err = get(strict)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestMadeClients(t *testing.T) {
	for kind, want := range map[string]string{
		"accepts": "T01 accept, T02 accept", "strict": "T01 accept, T02 reject", "rejects": "T01 reject, T02 no-verdict",
		"lies": "T01 accept, T02 accept", "boasts": "T01 accept, T02 reject", "leaks": "T01 accept, T02 leak", "sleeps": "T01 timeout, T02 no-verdict", "stays away": "T01 error, T02 no-verdict",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := Request{Command: []string{os.Args[0], "{url}", "{ca}"}, Cases: []string{"T02"}, Env: []string{"PROBE_CLIENT=" + kind}}
			if kind == "sleeps" {
				r.Limit = time.Second
			}
			var have []string
			for m, err := range r.Fallback(t.Context(), "a test") {
				if err != nil {
					t.Fatal(err)
				}
				if o := m.Outcome; o != nil {
					have = append(have, fmt.Sprint(o.Case, " ", o.Verdict))
				}
			}
			if have := strings.Join(have, ", "); have != want {
				t.Errorf("%s, want %s", have, want)
			}
		})
	}
}

// TestWavers: a client that leaks its request, but for the first time, leaks it
// in each case.
func TestWavers(t *testing.T) {
	r := Request{Command: []string{os.Args[0], "{url}", "{ca}"}, Cases: []string{"N01", "T03"}, Env: []string{"PROBE_CLIENT=wavers", "PROBE_FOLDER=" + t.TempDir()}}
	for _, o := range outcomes(probed(t, false, r)) {
		if want := map[string]Verdict{"T01": Accept, "N01": Leak, "T03": Leak}[o.Case]; o.Verdict != want {
			t.Errorf("%s: %s, want %s: %+v", o.Case, o.Verdict, want, o.Seen)
		}
	}
}
