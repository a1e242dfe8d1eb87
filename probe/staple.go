package probe

import (
	"crypto/x509"
	"time"

	"golang.org/x/crypto/ocsp"
)

// revoked is a stapled answer, RFC 6960, by which the leaf was revoked an hour
// ago.
func revoked(p *plan) ([]byte, error) {
	return p.answer(ocsp.Response{
		Status: ocsp.Revoked, RevokedAt: p.a.now.Add(-time.Hour), RevocationReason: ocsp.KeyCompromise,
		ThisUpdate: p.a.now.Add(-time.Hour), NextUpdate: p.a.now.Add(time.Hour),
	})
}

// outdated is one that was good until yesterday.
func outdated(p *plan) ([]byte, error) {
	return p.answer(ocsp.Response{Status: ocsp.Good, ThisUpdate: p.a.now.Add(-lifetime), NextUpdate: p.a.now.Add(-lifetime / 3)})
}

func (p *plan) answer(r ocsp.Response) ([]byte, error) {
	raw, err := p.issuer.write()
	if err != nil {
		return nil, err
	}
	issuer, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	if _, err := p.leaf.write(); err != nil {
		return nil, err
	}
	r.SerialNumber = p.leaf.serial
	return ocsp.CreateResponse(issuer, issuer, r, p.issuer.key)
}
