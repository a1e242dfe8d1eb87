package probe

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the hash of OpenSSL's folders
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"wontfix"
)

// A Room is where clients run: what the names of the cases mean there, what is
// trusted, and what can be written.
type Room struct {
	wontfix.Room
	Dir string `json:"-"` // for the files of the runs
}

// The files of a room.
func (r *Room) bundle() string   { return filepath.Join(r.Dir, "certs", "ca-certificates.crt") }
func (r *Room) keystore() string { return filepath.Join(r.Dir, "certs", "java", "cacerts") }
func (r *Room) certs() string    { return filepath.Join(r.Dir, "certs") }
func (r *Room) hosts() string    { return filepath.Join(r.Dir, "hosts") }
func (r *Room) empty() string    { return filepath.Join(r.Dir, "empty") }
func (r *Room) mono() string     { return filepath.Join(r.Dir, "mono") }

// bundles are the files that clients of the various distributions read as the
// system's store.
var bundles = []string{
	"/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/tls/cert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ca-certificates/extracted/tls-ca-bundle.pem", "/var/lib/ca-certificates/ca-bundle.pem",
	"/usr/local/etc/openssl/cert.pem", "/usr/local/ssl/cert.pem", "/usr/lib/ssl/cert.pem",
}

// folders are those that have a file for each certificate.
var folders = []string{"/etc/ssl/certs", "/etc/pki/tls/certs", "/usr/local/ssl/certs", "/usr/lib/ssl/certs"}

// furnish writes the store and the names into the folder of the room.
func (r *Room) furnish(a *Authority) error {
	monos := []string{filepath.Join(r.mono(), "certs", "Trust"), filepath.Join(r.mono(), "new-certs", "Trust")}
	for _, dir := range append(monos, r.certs(), filepath.Join(r.certs(), "java"), r.empty()) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	files := map[string][]byte{
		r.bundle(): a.PEM(),
		filepath.Join(r.certs(), "ca-bundle.crt"): a.PEM(),
		r.hosts(): []byte("127.0.0.1 localhost " + strings.Join(Hosts(), " ") + "\n"),
	}
	var ders [][]byte
	for rest := a.PEM(); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = more
		ders = append(ders, block.Bytes)
	}
	for i, c := range []*certificate{a.root, a.expired, a.weak, a.other} {
		name := fmt.Sprintf("%08x.0", subjectHash(c.subject))
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ders[i]})
		files[filepath.Join(r.certs(), name)] = text
		// Mono's own TLS reads the former, what it has of BoringSSL the latter.
		files[filepath.Join(monos[0], fmt.Sprintf("wontfix%d.cer", i))] = ders[i]
		files[filepath.Join(monos[1], name)] = text
	}
	files[r.keystore()] = keystore(ders)
	for name, data := range files {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// subjectHash is the number in the name of a file of OpenSSL's folders: the
// first four bytes of the SHA-1 of the canonical name. It knows the names that
// authorities here have: ASCII, one attribute.
func subjectHash(name []attribute) uint32 {
	canonical := make([]attribute, len(name))
	for i, a := range name {
		a.value = strings.ToLower(strings.Join(strings.Fields(a.value), " "))
		canonical[i] = a
	}
	sum := sha1.Sum(derName(canonical).Bytes)
	return binary.LittleEndian.Uint32(sum[:])
}

// keystore writes certificates as Java reads them without a password: the JKS
// format, version 2. Its digest is keyed with the customary "changeit".
func keystore(ders [][]byte) []byte {
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.BigEndian, v) }
	text := func(s string) { put(uint16(len(s))); b.WriteString(s) }
	put(uint32(0xfeedfeed))
	put(uint32(2))
	put(uint32(len(ders)))
	for i, d := range ders {
		put(uint32(2)) // a trusted certificate
		text(fmt.Sprintf("wontfix%d", i))
		put(uint64(0))
		text("X.509")
		put(uint32(len(d)))
		b.Write(d)
	}
	h := sha1.New()
	for _, u := range utf16.Encode([]rune("changeit")) {
		binary.Write(h, binary.BigEndian, u)
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(b.Bytes())
	return h.Sum(b.Bytes())
}
