package pin

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// minRSA is how many bits an RSA key has at least: NIST SP 800-131A.
const minRSA = 2048

// A Check is one of the things that are looked at before a server is trusted.
type Check string

// The checks.
const (
	CheckAuthority Check = "authority" // a chain leads to what is pinned
	CheckKey       Check = "key"       // the verified chain has a pinned key
	CheckName      Check = "name"      // the certificate is for this server
	CheckDates     Check = "dates"     // it is the time of the certificate
	CheckUse       Check = "use"       // each certificate may be used as it is
	CheckStrength  Check = "strength"  // no key or signature is weak
	CheckWildcard  Check = "wildcard"  // no name is good for a whole top-level domain
	CheckRole      Check = "role"      // the server's certificate is made for servers
	CheckStartTLS  Check = "starttls"  // the server begins TLS when it is asked to
	CheckHandshake Check = "handshake" // TLS comes about at all, in a version that is good enough
)

// A checkError is a check of ours that failed.
type checkError struct {
	check Check
	err   error
}

func (e *checkError) Error() string { return e.err.Error() }
func (e *checkError) Unwrap() error { return e.err }

// failed is the error of a check.
func failed(c Check, format string, args ...any) error {
	return &checkError{c, fmt.Errorf(format, args...)}
}

// CheckOf returns the check that failed where a server was refused, and "" for
// errors that are about something else.
func CheckOf(err error) Check {
	var own *checkError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &own):
		return own.check
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return CheckDates
	case errors.As(err, &invalid), errors.As(err, new(x509.UnhandledCriticalExtension)):
		return CheckUse
	case errors.As(err, new(x509.HostnameError)):
		return CheckName
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return CheckAuthority
	case errors.As(err, new(x509.InsecureAlgorithmError)):
		return CheckStrength
	}
	return ""
}

// A Verified is a chain that the pins vouch for.
type Verified struct {
	// Chain begins with the server's certificate and ends with one that is pinned,
	// or whose key is.
	Chain []*x509.Certificate
	// Matches are the pins that certificates of the chain matched.
	Matches []Match
	// Warnings are what is unusual about the server's certificate.
	Warnings []string
}

// A Match is a pin and the certificate that it matched.
type Match struct {
	Certificate int // index in the chain
	CA          int // index in CAs, or -1
	Key         int // index in Keys, or -1
}

// Verify verifies the certificates that a server has sent, its own first, as
// all that comes from [Pins.Config] does. The host is a name or an address.
// The error is [ErrNone] or a [tls.CertificateVerificationError].
func (p *Pins) Verify(sent []*x509.Certificate, host string, now time.Time) (*Verified, error) {
	return p.verify(sent, host, now, false)
}

// verify is Verify; named says that the name needs no check where it is not
// known here.
func (p *Pins) verify(sent []*x509.Certificate, host string, now time.Time, named bool) (*Verified, error) {
	if err := p.valid(); err != nil {
		return nil, err
	}
	chains, err := p.chains(sent, host, now, named)
	var v *Verified
	for _, chain := range chains {
		if v, err = p.judge(chain); err == nil {
			return v, nil
		}
	}
	return nil, &tls.CertificateVerificationError{UnverifiedCertificates: sent, Err: err}
}

// chains returns the chains from the server's certificate to what is pinned,
// at least one if there is no error.
func (p *Pins) chains(sent []*x509.Certificate, host string, now time.Time, named bool) ([][]*x509.Certificate, error) {
	if len(sent) == 0 {
		return nil, failed(CheckAuthority, "the server has sent no certificate")
	}
	if host == "" && !named && !p.KeyOnly {
		return nil, failed(CheckName, "the name of the server is not known: pin a certificate to connect to an address")
	}
	o := x509.VerifyOptions{DNSName: host, CurrentTime: now, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	for _, ca := range p.CAs {
		o.Roots.AddCert(ca)
	}
	found := len(p.CAs) > 0
	for i, c := range sent {
		switch {
		case len(p.CAs) > 0 || !p.pinned(c):
			o.Intermediates.AddCert(c)
		case i == 0 || !p.KeyOnly:
			o.Roots.AddCert(c)
			found = true
		}
	}
	switch {
	case !found && p.KeyOnly:
		return nil, failed(CheckKey, "the key of the server's own certificate is not pinned")
	case !found:
		return nil, failed(CheckKey, "the server has sent no certificate with a pinned key")
	case p.KeyOnly:
		o.DNSName = ""
	}
	return sent[0].Verify(o)
}

// pinned reports whether the key of a certificate is one of the pinned ones.
func (p *Pins) pinned(c *x509.Certificate) bool { return slices.Contains(p.Keys, SPKIOf(c)) }

// judge applies to a chain what crypto/x509 does not.
func (p *Pins) judge(chain []*x509.Certificate) (*Verified, error) {
	v := &Verified{Chain: chain}
	for i, c := range chain {
		if err := strength(c); err != nil {
			return nil, err
		}
		if ca := slices.IndexFunc(p.CAs, c.Equal); ca >= 0 {
			v.Matches = append(v.Matches, Match{i, ca, -1})
		}
		if key := slices.Index(p.Keys, SPKIOf(c)); key >= 0 {
			v.Matches = append(v.Matches, Match{i, -1, key})
		}
	}
	if len(p.Keys) > 0 && !slices.ContainsFunc(chain, p.pinned) {
		return nil, failed(CheckKey, "no certificate of the verified chain has a pinned key")
	}
	leaf := chain[0]
	for _, name := range leaf.DNSNames {
		if rest, ok := strings.CutPrefix(name, "*."); ok && !strings.Contains(strings.TrimSuffix(rest, "."), ".") {
			return nil, failed(CheckWildcard, "certificate of %s: %s is good for a whole top-level domain", leaf.Subject, name)
		}
	}
	roles := roles(leaf)
	if len(roles) > 0 && p.Strict {
		return nil, failed(CheckRole, "certificate of %s: %s", leaf.Subject, roles[0])
	}
	v.Warnings = roles
	if !hasExtendedKeyUsage(leaf) {
		v.Warnings = append(v.Warnings, "it does not say that it is for servers: no extended key usage")
	}
	return v, nil
}

// strength returns an error if the key of a certificate is weak. Weak
// signatures are crypto/x509's affair.
func strength(c *x509.Certificate) error {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
		return failed(CheckStrength, "certificate of %s: an RSA key of %d bits: want at least %d", c.Subject, key.N.BitLen(), minRSA)
	}
	if c.PublicKeyAlgorithm == x509.DSA {
		return failed(CheckStrength, "certificate of %s: a DSA key", c.Subject)
	}
	return nil
}

// roles says what a server's certificate has that one for servers does not:
// RFC 5280 4.2.1.3 and 4.2.1.12, CA/Browser Forum BR 7.1.2.7.
func roles(c *x509.Certificate) []string {
	var list []string
	if c.BasicConstraintsValid && c.IsCA {
		list = append(list, "it is that of an authority, and can issue others")
	} else if c.KeyUsage&x509.KeyUsageCertSign != 0 {
		list = append(list, "its key usage lets it issue others, though it is no authority")
	}
	const server = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement
	if c.KeyUsage != 0 && c.KeyUsage&server == 0 {
		list = append(list, "its key usage has nothing that a server needs")
	}
	if hasExtendedKeyUsage(c) && len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 {
		list = append(list, "its extended key usage is empty")
	}
	return list
}

var oidExtendedKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

func hasExtendedKeyUsage(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(oidExtendedKeyUsage) {
			return true
		}
	}
	return false
}
