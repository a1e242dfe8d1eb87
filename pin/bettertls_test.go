package pin

import (
	"compress/gzip"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"wontfix/internal/testkit"
)

// TestBetterTLS asks the verifier about the cases of BetterTLS. It differs in
// none.
func TestBetterTLS(t *testing.T) {
	f, err := os.Open(testkit.Corpus(t, "x509/bettertls.json.gz"))
	testkit.Must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	testkit.Must(t, err)
	var better struct {
		TrustRoot string `json:"trustRoot"`
		Suites    map[string]struct {
			Cases []struct {
				ID           int      `json:"id"`
				Certificates []string `json:"certificates"`
				Host         string   `json:"hostname"`
				Expected     string   `json:"expected"`
				Soft         bool     `json:"failureIsWarning"`
			} `json:"testCases"`
		} `json:"suites"`
	}
	testkit.Must(t, json.NewDecoder(z).Decode(&better))
	root := decode(t, better.TrustRoot)
	ca, err := x509.ParseCertificate(root)
	testkit.Must(t, err)
	// Those that are to be expired expire a day after they were made, the others
	// after a year.
	now := ca.NotBefore.AddDate(0, 1, 0)
	pins := &Pins{CAs: []*x509.Certificate{ca}}
	strictPins := &Pins{CAs: pins.CAs, Strict: true}
	found, because := map[string]string{}, map[string]error{}
	asked, unread, soft := 0, 0, 0
	for suite, s := range better.Suites {
		for _, c := range s.Cases {
			asked++
			id := fmt.Sprintf("%s/%d", suite, c.ID)
			var sent []*x509.Certificate
			var plainly, strictly error
			for _, text := range c.Certificates {
				cert, err := x509.ParseCertificate(decode(t, text))
				if err != nil {
					plainly = err
					unread++
					break
				}
				sent = append(sent, cert)
			}
			if plainly == nil {
				var v *Verified
				if v, plainly = pins.Verify(sent, c.Host, now); plainly == nil {
					_, strictly = strictPins.judge(v.Chain)
				}
			}
			d := differs(c.Expected == "ACCEPT", plainly, strictly)
			switch {
			case d != "" && c.Soft:
				soft++ // by BetterTLS's own word the other verdict will do
			case d != "":
				found[id], because[id] = d, plainly
			}
		}
	}
	compare(t, nil, found, because)
	t.Logf("%d cases; %d with a certificate that cannot be read; %d differences where either verdict will do", asked, unread, soft)
	if asked == 0 {
		t.Error("no case was asked about")
	}
}

func decode(t *testing.T, text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	testkit.Must(t, err)
	return b
}
