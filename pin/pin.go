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
	"crypto/rsa"
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
)

// ErrNone is the error of pins that have neither an authority nor a hash. To
// crypto/x509 an empty set of roots means those of the system.
var ErrNone = errors.New("nothing is pinned: give a certificate or the hash of a public key")

// minRSA is how many bits an RSA key has at least: NIST SP 800-131A.
const minRSA = 2048

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
// does. The error is [ErrNone].
func (p *Pins) Config(host string) (*tls.Config, error) {
	if len(p.CAs) == 0 && len(p.Keys) == 0 {
		return nil, ErrNone
	}
	own := Pins{slices.Clone(p.CAs), slices.Clone(p.Keys)}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool(), SessionTicketsDisabled: true}
	for _, ca := range own.CAs {
		c.RootCAs.AddCert(ca)
	}
	c.VerifyConnection = func(s tls.ConnectionState) error { return own.check(s.VerifiedChains) }
	if len(own.CAs) == 0 {
		// There is no root before the server has sent one, so crypto/tls is told
		// not to look for it, and all that it does is done here.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(s tls.ConnectionState) error {
			name := host
			if name == "" {
				name = s.ServerName
			}
			chains, err := own.chains(s.PeerCertificates, name)
			if err != nil {
				return err
			}
			return own.check(chains)
		}
	}
	return c, nil
}

// Transport returns what sends requests to hosts that the pins vouch for, also
// after a redirect. It uses no proxy.
func (p *Pins) Transport() (*http.Transport, error) {
	c, err := p.Config("")
	if err != nil {
		return nil, err
	}
	return &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}, nil
}

// chains verifies what a server has sent: up to a certificate with a pinned key.
func (p *Pins) chains(sent []*x509.Certificate, host string) ([][]*x509.Certificate, error) {
	if host == "" {
		return nil, errors.New("the name of the server is not known: pin a certificate to connect to an address")
	}
	o := x509.VerifyOptions{DNSName: host, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	found := false
	for _, c := range sent {
		if slices.Contains(p.Keys, SPKIOf(c)) {
			o.Roots.AddCert(c)
			found = true
		} else {
			o.Intermediates.AddCert(c)
		}
	}
	if !found {
		return nil, errors.New("the server has sent no certificate with a pinned key")
	}
	return sent[0].Verify(o)
}

// check returns nil if one of the chains has a pinned key, where keys are
// pinned, and no certificate that is too weak.
func (p *Pins) check(chains [][]*x509.Certificate) error {
	err := errors.New("no certificate was verified")
	for _, chain := range chains {
		if err = p.checkChain(chain); err == nil {
			return nil
		}
	}
	return err
}

func (p *Pins) checkChain(chain []*x509.Certificate) error {
	if len(p.Keys) > 0 && !slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return slices.Contains(p.Keys, SPKIOf(c)) }) {
		return errors.New("no certificate of the verified chain has a pinned key")
	}
	for _, c := range chain {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
			return fmt.Errorf("certificate of %s: an RSA key of %d bits: want at least %d", c.Subject, key.N.BitLen(), minRSA)
		}
		if c.PublicKeyAlgorithm == x509.DSA {
			return fmt.Errorf("certificate of %s: a DSA key", c.Subject)
		}
	}
	for _, name := range chain[0].DNSNames {
		if rest, ok := strings.CutPrefix(name, "*."); ok && !strings.Contains(strings.TrimSuffix(rest, "."), ".") {
			return fmt.Errorf("certificate of %s: %s is good for a whole top-level domain", chain[0].Subject, name)
		}
	}
	return nil
}
