package probe

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// A half is the first half of a handshake of TLS 1.2 or older, for what
// crypto/tls does not play: the server's hello, its certificate, its key, and
// then a look at what the client sends. A ClientKeyExchange means that the
// client has accepted all of it. No broken cipher has to be known for that, and
// it tells as well what a client does with a suite that it has not offered.
type half struct {
	version, suite uint16
	exchange       func() ([]byte, error) // the parameters of ServerKeyExchange; nil is none
	anonymous      bool                   // no certificate and no signature
	wrong          bool                   // a bit of the signature is wrong
	downgraded     bool                   // the random ends as RFC 8446 section 4.1.3 says
	insecure       bool                   // no renegotiation_info, RFC 5746
	early          bool                   // ChangeCipherSpec before the server's hello is done

	hello  clientHello
	chain  [][]byte
	key    *rsa.PrivateKey
	random [32]byte
}

// The types of records and of handshake messages, RFC 5246.
const (
	recordChange      = 20
	recordAlert       = 21
	recordHandshake   = 22
	recordApplication = 23

	messageClientHello       = 1
	messageServerHello       = 2
	messageCertificate       = 11
	messageServerKeyExchange = 12
	messageServerHelloDone   = 14
	messageClientKeyExchange = 16
)

const (
	extensionServerName = 0
	extensionGroups     = 10
	extensionVersions   = 43

	alertBadRecord  = 20
	alertDecryption = 21
	maxHello        = 1 << 16
)

// oakley2 is the prime of 1024 bits of RFC 2409 section 6.2.
var oakley2 = unhex("ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd" +
	"ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed" +
	"ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff")

// prime512 is a prime of 512 bits, made for this, of which the half less one is
// a prime as well.
var prime512 = unhex("b194a50952c08e73ca302892074151216854427430" +
	"3b816ad28c25b4f2c9d8b59f97226e95d8f914449749c352651de21f5f7f0b719cdd2a1faa1263714a264f")

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("probe: " + err.Error())
	}
	return b
}

// A clientHello is what a half handshake has to know of the client's.
type clientHello struct {
	random   []byte
	name     string   // server_name, RFC 6066
	suites   []uint16 // cipher_suites
	groups   []uint16 // supported_groups, RFC 8422
	versions []uint16 // supported_versions, RFC 8446; without them the old field alone
}

// parseClientHello reads the body of a ClientHello, RFC 8446 section 4.1.2.
func parseClientHello(b []byte) (clientHello, error) {
	var h clientHello
	bad := errors.New("the client's hello is damaged")
	s := cryptobyte.String(b)
	var version uint16
	var session, suites, compression, extensions cryptobyte.String
	if !s.ReadUint16(&version) || !s.ReadBytes(&h.random, 32) || !s.ReadUint8LengthPrefixed(&session) ||
		!s.ReadUint16LengthPrefixed(&suites) || len(suites)%2 != 0 || !s.ReadUint8LengthPrefixed(&compression) {
		return h, bad
	}
	h.versions = []uint16{version}
	h.suites = readUint16s(suites)
	if s.Empty() {
		return h, nil // older than extensions
	}
	if !s.ReadUint16LengthPrefixed(&extensions) || !s.Empty() {
		return h, bad
	}
	for !extensions.Empty() {
		var kind uint16
		var body, list cryptobyte.String
		if !extensions.ReadUint16(&kind) || !extensions.ReadUint16LengthPrefixed(&body) {
			return h, bad
		}
		switch kind {
		case extensionServerName:
			var nameType uint8
			var name cryptobyte.String
			if !body.ReadUint16LengthPrefixed(&list) || !list.ReadUint8(&nameType) || !list.ReadUint16LengthPrefixed(&name) {
				return h, bad
			}
			h.name = string(name)
		case extensionGroups:
			if !body.ReadUint16LengthPrefixed(&list) || len(list)%2 != 0 {
				return h, bad
			}
			h.groups = readUint16s(list)
		case extensionVersions:
			if !body.ReadUint8LengthPrefixed(&list) || len(list)%2 != 0 {
				return h, bad
			}
			h.versions = readUint16s(list)
		}
	}
	return h, nil
}

func readUint16s(s cryptobyte.String) []uint16 {
	var list []uint16
	for !s.Empty() {
		var v uint16
		s.ReadUint16(&v)
		list = append(list, v)
	}
	return list
}

// readRecord reads one record, RFC 5246 section 6.2.1.
func readRecord(r io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0] < recordChange || head[0] > recordApplication || head[1] != 3 {
		return 0, nil, fmt.Errorf("no TLS: begins with %q", head[:])
	}
	body = make([]byte, binary.BigEndian.Uint16(head[3:]))
	_, err = io.ReadFull(r, body)
	return head[0], body, err
}

// readHello reads records until they have a whole ClientHello.
func readHello(r io.Reader) (clientHello, error) {
	var b []byte
	for {
		kind, body, err := readRecord(r)
		if err != nil {
			return clientHello{}, err
		}
		if kind != recordHandshake {
			return clientHello{}, fmt.Errorf("record of type %d instead of a hello", kind)
		}
		b = append(b, body...)
		if len(b) > maxHello {
			return clientHello{}, errors.New("the client's hello is too long")
		}
		if len(b) < 4 {
			continue
		}
		if b[0] != messageClientHello {
			return clientHello{}, fmt.Errorf("message of type %d instead of a hello", b[0])
		}
		if n := int(b[1])<<16 | int(b[2])<<8 | int(b[3]); len(b) >= 4+n {
			return parseClientHello(b[4 : 4+n])
		}
	}
}

// message puts the head of a handshake message before its body.
func message(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// record writes a record, in pieces of 2^14 bytes.
func (h *half) record(kind byte, body []byte) []byte {
	var b []byte
	for piece := range slices.Chunk(body, 1<<14) {
		b = append(b, kind, byte(h.version>>8), byte(h.version), byte(len(piece)>>8), byte(len(piece)))
		b = append(b, piece...)
	}
	return b
}

// answer returns all that the server sends after the client's hello.
func (h *half) answer() ([]byte, error) {
	if _, err := rand.Read(h.random[:]); err != nil {
		return nil, err
	}
	if h.downgraded {
		copy(h.random[24:], "DOWNGRD\x01")
	}
	hello := slices.Concat([]byte{byte(h.version >> 8), byte(h.version)}, h.random[:], []byte{0, byte(h.suite >> 8), byte(h.suite), 0})
	if h.version > 0x0300 && !h.insecure {
		hello = append(hello, 0, 5, 0xff, 0x01, 0, 1, 0) // renegotiation_info, empty
	}
	out := message(messageServerHello, hello)
	if !h.anonymous {
		var list []byte
		for _, c := range h.chain {
			list = append(list, byte(len(c)>>16), byte(len(c)>>8), byte(len(c)))
			list = append(list, c...)
		}
		out = append(out, message(messageCertificate, append([]byte{byte(len(list) >> 16), byte(len(list) >> 8), byte(len(list))}, list...))...)
	}
	if h.exchange != nil {
		params, err := h.exchange()
		if err != nil {
			return nil, err
		}
		if !h.anonymous {
			if params, err = h.signed(params); err != nil {
				return nil, err
			}
		}
		out = append(out, message(messageServerKeyExchange, params)...)
	}
	records := h.record(recordHandshake, out)
	if h.early {
		records = append(records, h.record(recordChange, []byte{1})...)
	}
	return append(records, h.record(recordHandshake, message(messageServerHelloDone, nil))...), nil
}

// signed adds the signature of TLS 1.2, RFC 5246 section 7.4.3: SHA-256 with
// RSA.
func (h *half) signed(params []byte) ([]byte, error) {
	d := crypto.SHA256.New()
	d.Write(h.hello.random)
	d.Write(h.random[:])
	d.Write(params)
	signature, err := sign(h.key, crypto.SHA256, d.Sum(nil))
	if err != nil {
		return nil, err
	}
	if h.wrong {
		signature[0] ^= 1
		signature[len(signature)/2] ^= 1
	}
	return slices.Concat(params, []byte{4, 1, byte(len(signature) >> 8), byte(len(signature))}, signature), nil
}

// ecdhe returns the parameters of an exchange over P-256, or over X25519 for a
// client that does not know P-256.
func (h *half) ecdhe() ([]byte, error) {
	curve, group := ecdh.P256(), uint16(23)
	if !slices.Contains(h.hello.groups, 23) && slices.Contains(h.hello.groups, 29) {
		curve, group = ecdh.X25519(), 29
	}
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	point := key.PublicKey().Bytes()
	return append([]byte{3, byte(group >> 8), byte(group), byte(len(point))}, point...), nil
}

// dhe returns what makes the parameters of an exchange over the numbers below a
// prime, with the generator 2.
func (h *half) dhe(prime []byte) func() ([]byte, error) {
	return func() ([]byte, error) {
		p := new(big.Int).SetBytes(prime)
		x, err := rand.Int(rand.Reader, p)
		if err != nil {
			return nil, err
		}
		y := new(big.Int).Exp(big.NewInt(2), x, p).FillBytes(make([]byte, len(prime)))
		return slices.Concat(vector(prime), vector([]byte{2}), vector(y)), nil
	}
}

// export returns the short RSA key of RFC 2246 section 7.4.3.
func (h *half) export() ([]byte, error) {
	key, err := newKey(512)
	if err != nil {
		return nil, err
	}
	return append(vector(key.N.Bytes()), vector(big.NewInt(int64(key.E)).Bytes())...), nil
}

func vector(b []byte) []byte { return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...) }

// A halfEnd is how a half handshake ended.
type halfEnd struct {
	accepted bool
	note     string // why nothing follows from it; empty if something does
}

// play does the handshake over a connection. An error is the client's end of
// it: the alert, if it sent one, was seen by the sniffer below.
func (h *half) play(conn io.ReadWriter) (clientHello, halfEnd, error) {
	var end halfEnd
	hello, err := readHello(conn)
	if err != nil {
		return hello, end, err
	}
	h.hello = hello
	if h.downgraded && !slices.Contains(hello.versions, 0x0304) {
		end.note = "the client does not offer TLS 1.3, from which it could be downgraded"
	}
	out, err := h.answer()
	if err != nil {
		return hello, end, err
	}
	if _, err := conn.Write(out); err != nil {
		return hello, end, err
	}
	for {
		kind, body, err := readRecord(conn)
		switch {
		case err != nil:
			return hello, end, err
		case kind == recordHandshake && len(body) > 0 && body[0] == messageClientKeyExchange:
			end.accepted = true
			return hello, end, nil
		case kind == recordAlert && len(body) == 2 && h.early:
			// A client that has taken the early ChangeCipherSpec tries to decrypt
			// what comes after it.
			end.accepted = body[1] == alertBadRecord || body[1] == alertDecryption
			return hello, end, nil
		case kind == recordAlert && len(body) == 2 && body[0] == 1 && body[1] != 0:
			// a warning
		default:
			return hello, end, nil
		}
	}
}
