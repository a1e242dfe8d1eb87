package probe

import (
	"crypto"
	_ "crypto/md5" // for certificates that clients have to refuse
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // likewise
	_ "crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"time"
)

// A certificate is what a certificate says, RFC 5280 section 4.1, with the key
// that it is for. It is put into DER here and not by crypto/x509, which refuses
// to write most of what the cases need.
type certificate struct {
	v1         bool // X.509 version 1: no extensions
	subject    []attribute
	notBefore  time.Time
	notAfter   time.Time
	extensions []pkix.Extension
	hash       crypto.Hash // of the issuer's signature
	damaged    bool        // a bit of the signature is wrong

	key    *rsa.PrivateKey
	issuer *certificate // nil: it signs itself
	serial *big.Int
	raw    []byte // once it is written
}

// An attribute is one RDN of a name, or one more value of the RDN before it.
type attribute struct {
	oid   asn1.ObjectIdentifier
	value string
	joins bool // it belongs to the RDN of the attribute before
}

var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}

	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidNameConstraints  = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidTLSFeature       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	oidServerAuth       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidClientAuth       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	// oidUnknown is below the arc for examples, RFC 5612's number.
	oidUnknown = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}
)

// signatures are the identifiers of PKCS #1 v1.5 signatures, RFC 8017 and RFC
// 4055.
var signatures = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.MD5:    {1, 2, 840, 113549, 1, 1, 4},
	crypto.SHA1:   {1, 2, 840, 113549, 1, 1, 5},
	crypto.SHA256: {1, 2, 840, 113549, 1, 1, 11},
}

// The bits of keyUsage, RFC 5280 section 4.2.1.3.
const (
	usageSignature   = 0x80
	usageEncipher    = 0x20
	usageCertificate = 0x04
	usageCRL         = 0x02
)

// The tags of a GeneralName, RFC 5280 section 4.2.1.6.
const (
	tagMail    = 1
	tagDNS     = 2
	tagURI     = 6
	tagAddress = 7
)

// A generalName is one name of subjectAltName or one subtree of
// nameConstraints.
type generalName struct {
	tag   int
	value []byte
}

func dns(name string) generalName { return generalName{tagDNS, []byte(name)} }

func address(ip string) generalName { return generalName{tagAddress, net.ParseIP(ip).To4()} }

// common returns the name that has a common name and nothing else.
func common(name string) []attribute { return []attribute{{oid: oidCommonName, value: name}} }

// der puts v into DER. What it is given is made here, so it fails only where
// this file is wrong.
func der(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("probe: %v", err))
	}
	return b
}

func derName(list []attribute) asn1.RawValue {
	type value struct {
		Type  asn1.ObjectIdentifier
		Value string `asn1:"utf8"`
	}
	var rdns []byte
	for i := 0; i < len(list); {
		var members [][]byte
		for first := true; i < len(list) && (first || list[i].joins); i++ {
			members = append(members, der(value{list[i].oid, list[i].value}))
			first = false
		}
		slices.SortFunc(members, slices.Compare)
		rdns = append(rdns, der(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: slices.Concat(members...)})...)
	}
	return asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: rdns}
}

func basicConstraints(isCA bool, pathLen int) pkix.Extension {
	v := struct {
		IsCA    bool `asn1:"optional"`
		PathLen int  `asn1:"optional,default:-1"`
	}{isCA, pathLen}
	return pkix.Extension{Id: oidBasicConstraints, Critical: true, Value: der(v)}
}

func keyUsage(bits byte) pkix.Extension {
	unused := 0
	for bits>>unused&1 == 0 {
		unused++
	}
	return pkix.Extension{Id: oidKeyUsage, Critical: true, Value: der(asn1.BitString{Bytes: []byte{bits}, BitLength: 8 - unused})}
}

func extKeyUsage(purposes ...asn1.ObjectIdentifier) pkix.Extension {
	return pkix.Extension{Id: oidExtKeyUsage, Value: der(purposes)}
}

func subjectAltName(names ...generalName) pkix.Extension {
	var b []byte
	for _, n := range names {
		b = append(b, der(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: n.tag, Bytes: n.value})...)
	}
	return pkix.Extension{Id: oidSubjectAltName, Value: der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: b})}
}

// nameConstraints has subtrees of which names must be one, or must be none.
func nameConstraints(permitted, excluded []generalName) pkix.Extension {
	var b []byte
	for i, list := range [][]generalName{permitted, excluded} {
		var trees []byte
		for _, n := range list {
			base := der(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: n.tag, Bytes: n.value})
			trees = append(trees, der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: base})...)
		}
		if trees != nil {
			b = append(b, der(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: i, IsCompound: true, Bytes: trees})...)
		}
	}
	return pkix.Extension{Id: oidNameConstraints, Critical: true, Value: der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: b})}
}

// mustStaple is the TLS feature status_request, RFC 7633.
func mustStaple() pkix.Extension { return pkix.Extension{Id: oidTLSFeature, Value: der([]int{5})} }

// set replaces the extension of the same kind, or adds one.
func (c *certificate) set(e pkix.Extension) {
	c.remove(e.Id)
	c.extensions = append(c.extensions, e)
}

// remove takes an extension out.
func (c *certificate) remove(id asn1.ObjectIdentifier) {
	c.extensions = slices.DeleteFunc(slices.Clone(c.extensions), func(e pkix.Extension) bool { return e.Id.Equal(id) })
}

// keyID is the first method of RFC 5280 section 4.2.1.2, with a newer hash.
func keyID(key *rsa.PrivateKey) []byte {
	h := crypto.SHA256.New()
	h.Write(derKey(key))
	return h.Sum(nil)[:20]
}

func derKey(key *rsa.PrivateKey) []byte {
	return der(struct{ N, E *big.Int }{key.N, big.NewInt(int64(key.E))})
}

// write returns the certificate in DER, signed by its issuer. What is changed
// afterwards has no effect.
func (c *certificate) write() ([]byte, error) {
	if c.raw != nil {
		return c.raw, nil
	}
	signer := c
	if c.issuer != nil {
		signer = c.issuer
	}
	hash := c.hash
	if hash == 0 {
		hash = crypto.SHA256
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	c.serial = serial.Add(serial, big.NewInt(1))
	null := asn1.RawValue{Tag: asn1.TagNull}
	algorithm := pkix.AlgorithmIdentifier{Algorithm: signatures[hash], Parameters: null}
	tbs := struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     *big.Int
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		Validity   struct{ NotBefore, NotAfter time.Time }
		Subject    asn1.RawValue
		PublicKey  publicKeyInfo
		Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	}{
		Version: 2, Serial: serial, Algorithm: algorithm,
		Issuer: derName(signer.subject), Subject: derName(c.subject),
		PublicKey: publicKeyInfo{
			pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: null},
			asn1.BitString{Bytes: derKey(c.key), BitLength: 8 * len(derKey(c.key))},
		},
		Extensions: c.extensions,
	}
	tbs.Validity.NotBefore, tbs.Validity.NotAfter = c.notBefore.UTC(), c.notAfter.UTC()
	if c.v1 {
		tbs.Version, tbs.Extensions = 0, nil
	} else {
		ids := []pkix.Extension{{Id: oidSubjectKeyID, Value: der(keyID(c.key))}}
		if c.issuer != nil {
			ids = append(ids, pkix.Extension{Id: oidAuthorityKeyID, Value: der(struct {
				ID []byte `asn1:"optional,tag:0"`
			}{keyID(c.issuer.key)})})
		}
		tbs.Extensions = append(ids, c.extensions...)
	}
	raw := der(tbs)
	h := hash.New()
	h.Write(raw)
	signature, err := sign(signer.key, hash, h.Sum(nil))
	if err != nil {
		return nil, err
	}
	if c.damaged {
		signature[len(signature)/2] ^= 1
	}
	c.raw = der(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: raw}, algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	return c.raw, nil
}

type publicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// digestInfo are the bytes before a digest in a PKCS #1 v1.5 signature, RFC
// 8017 section 9.2.
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
}

// A signer signs for a server. Unlike a key of crypto/rsa it may be too short.
type signer struct{ *rsa.PrivateKey }

func (s signer) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if s.N.BitLen() >= 1024 {
		return s.PrivateKey.Sign(r, digest, o)
	}
	return sign(s.PrivateKey, o.HashFunc(), digest)
}

// sign makes a PKCS #1 v1.5 signature. Keys that crypto/rsa holds for too short
// to sign with are used by hand: what they sign is to be refused.
func sign(key *rsa.PrivateKey, hash crypto.Hash, digest []byte) ([]byte, error) {
	if key.N.BitLen() >= 1024 {
		return rsa.SignPKCS1v15(nil, key, hash, digest)
	}
	prefix, ok := digestInfo[hash]
	size := key.Size()
	if fill := size - 3 - len(prefix) - len(digest); ok && fill >= 8 {
		block := slices.Concat([]byte{0, 1}, slices.Repeat([]byte{0xff}, fill), []byte{0}, prefix, digest)
		n := new(big.Int).Exp(new(big.Int).SetBytes(block), key.D, key.N)
		return n.FillBytes(make([]byte, size)), nil
	}
	return nil, fmt.Errorf("a key of %d bits cannot sign %v", key.N.BitLen(), hash)
}

// newKey makes an RSA key. Of fewer than 1024 bits, which crypto/rsa does not
// make, it is for certificates that are to be refused.
func newKey(bits int) (*rsa.PrivateKey, error) {
	if bits >= 1024 {
		return rsa.GenerateKey(rand.Reader, bits)
	}
	e := big.NewInt(65537)
	one := big.NewInt(1)
	for {
		p, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			return nil, err
		}
		q, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			return nil, err
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if n := new(big.Int).Mul(p, q); d != nil && p.Cmp(q) != 0 && n.BitLen() == bits {
			return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}, nil
		}
	}
}
