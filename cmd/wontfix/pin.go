package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/pin"
	"wontfix/report"
)

// pinCmd is "wontfix pin".
type pinCmd struct {
	outputs
	cas, keys    []string
	keyOnly      bool
	strict       bool
	protocol     string
	name         string
	timeout      time.Duration
	dir          string
	certificates []string // where each of the pinned certificates is from
}

func newPin(e *env) *cobra.Command {
	c := &pinCmd{}
	cmd := &cobra.Command{
		Use:   "pin HOST[:PORT]",
		Short: "Connect to a server, trusting nothing but one's own certificates and keys",
		Long: `Pin connects to a server and trusts only what is pinned, and nothing that the
system trusts: the authorities, or the server's own certificate, of --ca, and of
them only chains with a key of --spki where keys are pinned. With --spki alone
the certificate with that key has to be sent by the server.

It shows the chain that it has verified, and which certificate is pinned. A
server that fails a check is refused with exit status 1, and what it has sent is
shown. Beside what crypto/x509 checks, no certificate of the chain may have a
DSA key or an RSA key of less than 2048 bits, and no name of the server's may be
good for a whole top-level domain. TLS is 1.2 at least. No proxy is used.

With --write nothing is connected to: the pins are written into a folder, in the
forms that other programs read, with a snippet for each that makes it trust the
pins and nothing else. HOST is then the server that the snippets ask. What is in
the folder and not its own, or was changed, is never overwritten.`,
		Example: `  wontfix pin intranet.example.org --ca our-ca.der
  wontfix pin mail.example.org --starttls smtp --ca our-ca.pem
  wontfix pin 192.0.2.7:8443 --ca our-ca.pem --servername intranet.example.org
  wontfix pin --write pins --ca our-ca.pem intranet.example.org`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && c.dir == "" {
				return fmt.Errorf("%s takes one server, HOST or HOST:PORT; see %[1]s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			server := ""
			if len(args) == 1 {
				server = args[0]
			}
			if c.dir != "" {
				return c.writePins(e, cmd, server)
			}
			return c.Run(cmd.Context(), e, server)
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&c.cas, "ca", nil, "pin the certificates in `FILE`, PEM or DER, one or many; may be repeated")
	fs.StringArrayVar(&c.keys, "spki", nil, "pin the public key with this `HASH`, sha256//BASE64 or 64 hexadecimal digits; may be repeated")
	fs.BoolVar(&c.keyOnly, "spki-only", false, "do not check the name: the server's own key is pinned, and says who it is")
	fs.StringVar(&c.name, "servername", "", "the certificate has to be for `NAME`, a name or an address (default HOST)")
	fs.StringVar(&c.protocol, "starttls", "", "begin in clear with `PROTOCOL`, and go on under TLS or not at all: "+strings.Join(pin.Protocols(), ", "))
	fs.BoolVar(&c.strict, "strict", false, "refuse a certificate that is not made for servers, where a warning is given else")
	fs.DurationVar(&c.timeout, "timeout", 10*time.Second, "give up after this `TIME`")
	fs.StringVar(&c.dir, "write", "", "write the pins for other programs into `DIR`")
	c.outputs.flags(fs, report.ConnectionFormats())
	fs.Lookup("limit").Usage = "show at most `N` names of a certificate in text, 0 for all (default all; 40 on a terminal)"
	complete(cmd, "format", report.ConnectionFormats())
	complete(cmd, "starttls", pin.Protocols())
	return cmd
}

// maxPEM is how many bytes a file of certificates may have; the bundles of
// systems have a quarter of a million.
const maxPEM = 16 << 20

// pins reads what is pinned.
func (c *pinCmd) pins() (*pin.Pins, error) {
	p := &pin.Pins{KeyOnly: c.keyOnly, Strict: c.strict}
	for _, name := range c.cas {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("--ca %w", err)
		}
		data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
		f.Close()
		if err == nil && len(data) > maxPEM {
			err = fmt.Errorf("%s: more than %d MB: want certificates", name, maxPEM>>20)
		}
		if err != nil {
			return nil, fmt.Errorf("--ca %w", err)
		}
		list, err := pin.ParseCertificates(name, data)
		if err != nil {
			return nil, fmt.Errorf("--ca %w", err)
		}
		p.CAs = append(p.CAs, list...)
		for range list {
			c.certificates = append(c.certificates, name)
		}
	}
	for _, s := range c.keys {
		key, err := pin.ParseSPKI(s)
		if err != nil {
			return nil, fmt.Errorf("--spki: %w", err)
		}
		p.Keys = append(p.Keys, key)
	}
	switch {
	case len(p.CAs) == 0 && len(p.Keys) == 0:
		return nil, fmt.Errorf("pin: %w, with --ca FILE or --spki HASH", pin.ErrNone)
	case c.keyOnly && (len(p.CAs) > 0 || len(p.Keys) == 0):
		return nil, errors.New("--spki-only: goes with --spki alone: with --ca the name of the server is always checked")
	}
	return p, nil
}

// writePins writes the pins for other programs.
func (c *pinCmd) writePins(e *env, cmd *cobra.Command, server string) error {
	for _, name := range []string{"format", "output", "spki-only", "servername", "starttls", "strict"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s: has no meaning with --write, which connects to nothing", name)
		}
	}
	p, err := c.pins()
	if err != nil {
		return err
	}
	written, removed, err := p.Write(c.dir, server)
	if err != nil {
		return fmt.Errorf("pin --write: %w", err)
	}
	for _, path := range written {
		if _, err := fmt.Fprintln(e.stdout, report.Clean(path)); err != nil {
			return err
		}
	}
	for _, path := range removed {
		e.warn("%s: no longer pinned, and removed", path)
	}
	e.warn("%s: %s; README.md says what they are", c.dir, plural(len(written), "file"))
	return nil
}

// Run connects and writes what came of it.
func (c *pinCmd) Run(ctx context.Context, e *env, server string) error {
	list, err := c.list(report.ConnectionFormats())
	if err != nil {
		return err
	}
	p, err := c.pins()
	if err != nil {
		return err
	}
	if c.protocol != "" && !slices.Contains(pin.Protocols(), c.protocol) {
		return fmt.Errorf("--starttls %s: want one of %s", c.protocol, strings.Join(pin.Protocols(), ", "))
	}
	if c.timeout <= 0 {
		return fmt.Errorf("--timeout %v: want more than 0", c.timeout)
	}
	host, port, err := pin.ParseServer(server)
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	if c.name != "" {
		if _, port, err := pin.ParseServer(c.name); err != nil || port != "" {
			return fmt.Errorf("--servername %q: want a name or an address", c.name)
		}
	}
	if e.offline {
		return fmt.Errorf("pin %s: connects, and --offline forbids it", server)
	}
	d := &pin.Dialer{Pins: p, Name: strings.Trim(c.name, "[]"), Protocol: c.protocol, Now: e.now}
	out := &wontfix.Connection{
		Schema: wontfix.ConnectionSchema, Tool: toolName(), Time: e.now().UTC(), Server: net.JoinHostPort(host, cmp.Or(port, pin.Port(c.protocol))),
		Name: cmp.Or(d.Name, host), Protocol: c.protocol, Chain: []wontfix.Certificate{}, Warnings: []string{},
	}
	if c.keyOnly {
		out.Name = ""
	}
	dialed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := d.Dial(dialed, out.Server)
	var v *pin.Verified
	if err == nil {
		state := conn.ConnectionState()
		out.Address = conn.RemoteAddr().String()
		conn.Close()
		out.Version, out.Suite = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
		if state.CurveID != 0 {
			out.Group = state.CurveID.String()
		}
		v, err = p.Verify(state.PeerCertificates, cmp.Or(d.Name, host), e.now())
	}
	c.describe(out, p, v)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("pin %s: no answer within %v; --timeout gives it more time", out.Server, c.timeout)
	case pin.CheckOf(err) == "":
		return fmt.Errorf("pin %s: %w", out.Server, err)
	default:
		c.refuse(out, err)
	}
	err = c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteConnection(w, format, out, o)
	})
	if err == nil && out.Refusal != nil {
		err = fmt.Errorf("pin %s: refused: %s: %s", out.Server, out.Refusal.Check, out.Refusal.Error)
		if !slices.Contains(list, output{format: "text"}) { // which has said it
			err = fmt.Errorf("%w\n%s", err, out.Refusal.Advice)
		}
	}
	return err
}

// describe says what was verified and which pins matched.
func (c *pinCmd) describe(out *wontfix.Connection, p *pin.Pins, v *pin.Verified) {
	for i, ca := range p.CAs {
		out.Pins = append(out.Pins, wontfix.Pin{Kind: "certificate", Pin: ca.Subject.String(), From: c.certificates[i]})
	}
	for _, key := range p.Keys {
		out.Pins = append(out.Pins, wontfix.Pin{Kind: "key", Pin: key.String()})
	}
	if v == nil {
		return
	}
	for _, m := range v.Matches {
		i := m.CA
		if m.Key >= 0 {
			i = len(p.CAs) + m.Key
		}
		out.Pins[i].Match = m.Certificate + 1
	}
	out.Warnings = append(out.Warnings, v.Warnings...)
	out.Chain = certificates(v.Chain, out.Time)
}

// advice is what to do about a check that failed.
var advice = map[pin.Check]string{
	pin.CheckAuthority: "No pinned certificate vouches for this one. Do not connect, unless the owner of the server confirms its authority: then pin that.",
	pin.CheckKey:       "The server has another key than the pinned one. Do not connect, unless its owner confirms the new key: then pin that.",
	pin.CheckName:      "Connect by a name that the certificate has, or say with --servername which one it has to be for.",
	pin.CheckDates:     "Look at the clock of this machine; if it is right, the owner of the server has to renew the certificate.",
	pin.CheckUse:       "The owner of the server needs a certificate that may be used for servers, from an authority that may issue it.",
	pin.CheckStrength:  "The owner has to replace that certificate: ECDSA, Ed25519, or RSA of at least 2048 bits, signed with SHA-256 or better.",
	pin.CheckWildcard:  "The owner of the server needs a certificate for the names that the server has.",
	pin.CheckRole:      "The owner of the server needs a certificate that is made for servers. Without --strict this is a warning.",
	pin.CheckStartTLS:  "Nothing was sent in clear but the request. Look whether the host, the port and the protocol are right, and whether somebody between strips TLS.",
	pin.CheckHandshake: "The server has to speak TLS 1.2 or 1.3 at once. If its protocol begins in clear, name it with --starttls.",
}

// refuse says which check failed, and shows what the server has sent.
func (c *pinCmd) refuse(out *wontfix.Connection, err error) {
	check := pin.CheckOf(err)
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) {
		out.Chain = certificates(bad.UnverifiedCertificates, out.Time)
		err = bad.Err
	}
	out.Version, out.Suite, out.Group = "", "", ""
	out.Refusal = &wontfix.Refusal{Check: string(check), Error: err.Error(), Advice: advice[check]}
}

// certificates describes certificates as they are at a time.
func certificates(list []*x509.Certificate, now time.Time) []wontfix.Certificate {
	out := []wontfix.Certificate{}
	for _, c := range list {
		names := slices.Clone(c.DNSNames)
		for _, ip := range c.IPAddresses {
			names = append(names, ip.String())
		}
		names = append(names, c.EmailAddresses...)
		for _, u := range c.URIs {
			names = append(names, u.String())
		}
		out = append(out, wontfix.Certificate{
			Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: fmt.Sprintf("%x", c.SerialNumber),
			NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), DaysLeft: int(math.Floor(c.NotAfter.Sub(now).Hours() / 24)),
			Names: names, Key: keyName(c), CA: c.IsCA, SHA256: fmt.Sprintf("%x", sha256.Sum256(c.Raw)), SPKI: pin.SPKIOf(c).String(),
		})
	}
	return out
}

// keyName names the kind and size of a certificate's key.
func keyName(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Params().Name
	}
	return c.PublicKeyAlgorithm.String()
}
