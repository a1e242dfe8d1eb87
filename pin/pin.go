// Package pin connects trusting only what was pinned: certificate authorities
// of one's own, or the hashes of public keys, and nothing that the system
// trusts.
//
// Certificates are verified by [crypto/x509] (RFC 5280), names as RFC 9525 has
// them. Beyond that no certificate of the chain may have an RSA key of less
// than 2048 bits or a DSA key, and the server's none that is good for a whole
// top-level domain.
package pin

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrNone is the error of pins that have neither an authority nor a hash. To
// crypto/x509 an empty set of roots means those of the system.
var ErrNone = errors.New("nothing is pinned: give a certificate or the hash of a public key")

// An SPKI is the SHA-256 of a certificate's SubjectPublicKeyInfo, RFC 7469.
type SPKI [sha256.Size]byte

// SPKIOf returns the hash of a certificate's public key.
func SPKIOf(c *x509.Certificate) SPKI { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// ParseSPKI reads a hash as curl writes it, sha256//BASE64, or in hexadecimal
// with or without colons.
func ParseSPKI(s string) (SPKI, error) {
	var h SPKI
	var b []byte
	var err error
	if text, ok := strings.CutPrefix(s, "sha256//"); ok {
		b, err = base64.StdEncoding.Strict().DecodeString(text)
	} else {
		b, err = hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	}
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("hash %q: want sha256// and 32 bytes in base64, or 64 hexadecimal digits", s)
	}
	return SPKI(b), nil
}

// String returns the form that curl takes.
func (h SPKI) String() string { return "sha256//" + base64.StdEncoding.EncodeToString(h[:]) }

// Pins are what is trusted.
type Pins struct {
	// CAs are the roots, each a certificate that issues others or the server's
	// own.
	CAs []*x509.Certificate
	// Keys are the hashes of keys of which the verified chain must have one. With
	// no CAs, a certificate that the server sends and whose key is pinned is the
	// root.
	Keys []SPKI
	// KeyOnly leaves out the check of the server's name: the key says who it is.
	// It has to be the server's own, and there can be no CAs.
	KeyOnly bool
	// Strict makes errors of the warnings that [Pins.Verify] has about the role of
	// the server's certificate.
	Strict bool
}

// valid returns an error if nothing is pinned, or if the pins make no sense.
func (p *Pins) valid() error {
	switch {
	case len(p.CAs) == 0 && len(p.Keys) == 0:
		return ErrNone
	case p.KeyOnly && (len(p.CAs) > 0 || len(p.Keys) == 0):
		return errors.New("pins: without the name of the server there can be pinned keys alone")
	}
	return nil
}

// ParseCertificates reads certificates, one or many, in PEM or DER. The name is
// that of the file, for errors. What is in PEM but is no certificate is an
// error: a private key has no business there.
func ParseCertificates(name string, data []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		list, err := x509.ParseCertificates(data)
		if err != nil || len(list) == 0 {
			return nil, fmt.Errorf("%s: neither PEM nor DER with a certificate", name)
		}
		return list, nil
	}
	var list []*x509.Certificate
	for n := 1; ; n++ {
		block, rest := pem.Decode(data)
		if block == nil {
			if bytes.Contains(rest, []byte("-----BEGIN ")) {
				return nil, fmt.Errorf("%s: PEM block %d is damaged", name, n)
			}
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s: PEM block %d is %q: want certificates alone", name, n, block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: PEM block %d: %w", name, n, err)
		}
		list, data = append(list, c), rest
	}
	return list, nil
}

// Config returns what connects to host and trusts only the pins. With host
// empty it is for many hosts, and whoever dials sets ServerName, as net/http
// does. The error is [ErrNone], or one about pins that contradict each other.
//
// Where the server is refused the error of the handshake is a
// [tls.CertificateVerificationError]; [CheckOf] says which check failed.
func (p *Pins) Config(host string) (*tls.Config, error) {
	if err := p.valid(); err != nil {
		return nil, err
	}
	own := *p
	own.CAs, own.Keys = slices.Clone(p.CAs), slices.Clone(p.Keys)
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool(), SessionTicketsDisabled: true}
	for _, ca := range own.CAs {
		c.RootCAs.AddCert(ca)
	}
	// There is no root before the server has sent one, so crypto/tls is told not
	// to look for it. With CAs it verifies as well: the name of a host that is an
	// address is known to nobody else.
	c.InsecureSkipVerify = len(own.CAs) == 0
	c.VerifyConnection = func(s tls.ConnectionState) error {
		name, now := cmp.Or(host, s.ServerName), time.Now
		if c.Time != nil {
			now = c.Time
		}
		_, err := own.verify(s.PeerCertificates, name, now(), !c.InsecureSkipVerify)
		return err
	}
	return c, nil
}

// Transport returns what sends requests to hosts that the pins vouch for, also
// after a redirect, and none in clear. It uses no proxy.
func (p *Pins) Transport() (*http.Transport, error) {
	c, err := p.Config("")
	if err != nil {
		return nil, err
	}
	t := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
	t.RegisterProtocol("http", noClear{})
	return t, nil
}

// noClear refuses requests without TLS: no pin vouches for their answers.
type noClear struct{}

func (noClear) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	return nil, fmt.Errorf("%s://%s: without TLS nothing is pinned", r.URL.Scheme, r.URL.Host)
}
