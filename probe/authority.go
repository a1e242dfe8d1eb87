package probe

import (
	"crypto/rsa"
	"encoding/pem"
	"slices"
	"sync"
	"time"
)

// lifetime is how long the certificates of an authority are good for.
const lifetime = 72 * time.Hour

// An Authority is a throw-away certificate authority. Its keys are in memory
// and nowhere else, and die with the process. It may issue for any name: a
// constraint would disturb the cases.
type Authority struct {
	now  time.Time
	keys map[string]*rsa.PrivateKey

	root    *certificate // what the cases hang below
	expired *certificate // trusted, and past its end
	weak    *certificate // trusted, with a key of 1024 bits
	other   *certificate // trusted, and not the one that is pinned
	trusted []byte       // the four of them in PEM
}

// keySizes are the keys of an authority, by what they are for, in bits.
var keySizes = map[string]int{
	"root": 2048, "issuer": 2048, "leaf": 2048, "stranger": 2048, "other": 2048,
	"rsa1024": 1024, "rsa512": 512,
}

// NewAuthority makes an authority whose certificates are good from a day before
// now to two days after it.
func NewAuthority(now time.Time) (*Authority, error) {
	a := &Authority{now: now.Truncate(time.Second), keys: map[string]*rsa.PrivateKey{}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for name, bits := range keySizes {
		wg.Go(func() {
			key, err := newKey(bits)
			mu.Lock()
			defer mu.Unlock()
			a.keys[name] = key
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return nil, failed
	}
	a.root = a.authority("wontfix throw-away root", "root", nil)
	a.expired = a.authority("wontfix throw-away expired root", "stranger", nil)
	a.expired.notBefore, a.expired.notAfter = a.now.Add(-lifetime), a.now.Add(-time.Hour)
	a.weak = a.authority("wontfix throw-away root of 1024 bits", "rsa1024", nil)
	a.other = a.authority("wontfix throw-away other root", "other", nil)
	for _, c := range []*certificate{a.root, a.expired, a.weak, a.other} {
		raw, err := c.write()
		if err != nil {
			return nil, err
		}
		a.trusted = append(a.trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
	}
	return a, nil
}

// PEM returns what a client is made to trust: certificates without their keys.
func (a *Authority) PEM() []byte { return slices.Clone(a.trusted) }

// authority returns a certificate that may issue others. Without an issuer it
// signs itself.
func (a *Authority) authority(name, key string, issuer *certificate) *certificate {
	c := &certificate{
		subject: common(name), key: a.keys[key], issuer: issuer,
		notBefore: a.now.Add(-lifetime / 3), notAfter: a.now.Add(lifetime * 2 / 3),
	}
	c.set(basicConstraints(true, -1))
	c.set(keyUsage(usageCertificate | usageCRL))
	return c
}

// leaf returns the certificate of a server.
func (a *Authority) leaf(issuer *certificate, names ...generalName) *certificate {
	c := &certificate{
		subject: common("wontfix throw-away server"), key: a.keys["leaf"], issuer: issuer,
		notBefore: a.now.Add(-lifetime / 3), notAfter: a.now.Add(lifetime * 2 / 3),
	}
	c.set(basicConstraints(false, -1))
	c.set(keyUsage(usageSignature | usageEncipher))
	c.set(extKeyUsage(oidServerAuth))
	c.set(subjectAltName(names...))
	return c
}
