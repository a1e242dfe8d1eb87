package pin

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// The directions in which a verifier can differ from what a case expects.
const (
	accepts = "accepts" // what should be refused, --strict or not
	lenient = "lenient" // accepts what should be refused, and --strict refuses it
	refuses = "refuses" // what should be accepted
	strict  = "strict"  // refuses under --strict what should be accepted
)

// exceptions reads a file of testdata: the differences that are known, each
// with a reason.
func exceptions(t *testing.T, name string) map[string]string {
	f, err := os.Open(filepath.Join("testdata", name))
	testkit.Must(t, err)
	defer f.Close()
	known := map[string]string{}
	for lines, n := bufio.NewScanner(f), 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) != 3 || !slices.Contains([]string{accepts, lenient, refuses, strict}, cells[1]) || cells[2] == "" {
			t.Fatalf("%s:%d: want an id, a direction and a reason", name, n)
		}
		if known[cells[0]] != "" {
			t.Fatalf("%s:%d: %s is there already", name, n, cells[0])
		}
		known[cells[0]] = cells[1]
	}
	return known
}

// differs returns the direction in which a verifier differs from the verdict
// that is right, or "". Under Strict it refuses all that it refuses plainly.
func differs(good bool, plainly, strictly error) string {
	switch {
	case good && plainly != nil:
		return refuses
	case plainly != nil:
		return ""
	case !good && strictly == nil:
		return accepts
	case !good:
		return lenient
	case strictly != nil:
		return strict
	}
	return ""
}

// compare fails for each difference that is not known, or not any more.
func compare(t *testing.T, known, found map[string]string, because map[string]error) {
	for id, direction := range found {
		if known[id] != direction {
			t.Errorf("%s: %q, and known is %q: %v", id, direction, known[id], because[id])
		}
	}
	for id, direction := range known {
		if found[id] == "" {
			t.Errorf("%s: %q is known, and there is no difference any more", id, direction)
		}
	}
}

// A limboCase is a case of x509-limbo.
type limboCase struct {
	ID       string   `json:"id"`
	Features []string `json:"features"`
	Kind     string   `json:"validation_kind"`
	Trusted  []string `json:"trusted_certs"`
	Between  []string `json:"untrusted_intermediates"`
	Peer     string   `json:"peer_certificate"`
	Key      string   `json:"peer_certificate_key"`
	Time     string   `json:"validation_time"`
	Uses     []string `json:"extended_key_usage"`
	Expected string   `json:"expected_result"`
	Name     *struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	} `json:"expected_peer_name"`
	Depth *int     `json:"max_chain_depth"`
	CRLs  []string `json:"crls"`
}

// maxTime is how long any case may take. It is far more than they do, for
// machines that are busy.
const maxTime = 10 * time.Second

// TestLimbo asks the verifier about the cases of x509-limbo. Where it differs is
// in testdata/limbo-exceptions.tsv, and nowhere else.
func TestLimbo(t *testing.T) {
	data, err := os.ReadFile(testkit.Corpus(t, "x509/limbo.json"))
	testkit.Must(t, err)
	var limbo struct {
		Cases []limboCase `json:"testcases"`
	}
	testkit.Must(t, json.Unmarshal(data, &limbo))
	found, because := map[string]string{}, map[string]error{}
	skipped := map[string][]string{}
	asked, played, slowest := 0, 0, time.Duration(0)
	for i := range limbo.Cases {
		c := &limbo.Cases[i]
		if why := c.skip(); why != "" {
			skipped[why] = append(skipped[why], c.ID)
			continue
		}
		asked++
		begin := time.Now()
		plainly, strictly := c.verify(t, false), c.verify(t, true)
		if took := time.Since(begin); took > maxTime {
			t.Errorf("%s takes %v", c.ID, took)
		} else {
			slowest = max(slowest, took)
		}
		if d := differs(c.Expected == "SUCCESS", plainly, strictly); d != "" {
			found[c.ID], because[c.ID] = d, plainly
		}
		if err, ok := c.play(t); ok {
			if played++; (err == nil) != (plainly == nil) {
				t.Errorf("%s: over TLS: %v; Verify: %v", c.ID, err, plainly)
			}
		}
	}
	compare(t, exceptions(t, "limbo-exceptions.tsv"), found, because)
	t.Logf("%d cases, %d of them over TLS as well, the slowest in %v", asked, played, slowest)
	for why, ids := range skipped {
		t.Logf("%d left out, %s: %s", len(ids), why, strings.Join(ids, " "))
	}
	if asked == 0 || played == 0 {
		t.Errorf("%d cases were asked about, %d over TLS", asked, played)
	}
}

// skip says why a case is not for a verifier of servers without CRLs.
func (c *limboCase) skip() string {
	switch {
	case c.Kind != "SERVER":
		return "the verifier is a server"
	case len(c.CRLs) > 0:
		return "needs revocation lists"
	case c.Depth != nil:
		return "wants a limit to the length of chains"
	}
	return ""
}

// read returns what is pinned and what the server sends.
func (c *limboCase) read() (cas, sent []*x509.Certificate, err error) {
	for _, text := range c.Trusted {
		list, err := ParseCertificates(c.ID, []byte(text))
		if err != nil {
			return nil, nil, err
		}
		cas = append(cas, list...)
	}
	for _, text := range append([]string{c.Peer}, c.Between...) {
		list, err := ParseCertificates(c.ID, []byte(text))
		if err != nil {
			return nil, nil, err
		}
		sent = append(sent, list...)
	}
	return cas, sent, nil
}

func (c *limboCase) now(t *testing.T) time.Time {
	if c.Time == "" {
		return time.Now()
	}
	at, err := time.Parse(time.RFC3339, c.Time)
	testkit.Must(t, err)
	return at
}

func (c *limboCase) verify(t *testing.T, strict bool) error {
	cas, sent, err := c.read()
	if err != nil {
		return err
	}
	p := &Pins{CAs: cas, Strict: strict}
	if c.Name == nil {
		_, err = p.verify(sent, "", c.now(t), true)
		return err
	}
	_, err = p.Verify(sent, c.Name.Value, c.now(t))
	return err
}

// play has a server with the certificates of the case, and connects with what
// Config returns. It is not ok if there is no key, or if TLS comes to nothing
// for other reasons than the certificates.
func (c *limboCase) play(t *testing.T) (err error, ok bool) {
	cas, sent, err := c.read()
	block, _ := pem.Decode([]byte(c.Key))
	if err != nil || c.Name == nil || block == nil {
		return nil, false
	}
	var key any
	if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		if key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
			if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
				return nil, false
			}
		}
	}
	server := tls.Certificate{PrivateKey: key}
	for _, cert := range sent {
		server.Certificate = append(server.Certificate, cert.Raw)
	}
	config, err := (&Pins{CAs: cas}).Config(c.Name.Value)
	testkit.Must(t, err)
	config.Time = func() time.Time { return c.now(t) }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer l.Close()
	go func() {
		there, err := l.Accept()
		if err != nil {
			return
		}
		defer there.Close()
		there.SetDeadline(time.Now().Add(maxTime))
		tls.Server(there, &tls.Config{Certificates: []tls.Certificate{server}}).Handshake()
	}()
	here, err := net.Dial("tcp", l.Addr().String())
	testkit.Must(t, err)
	defer here.Close()
	here.SetDeadline(time.Now().Add(maxTime))
	err = tls.Client(here, config).Handshake()
	return err, err == nil || CheckOf(err) != ""
}
