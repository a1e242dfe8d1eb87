package pin

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"wontfix/internal/lazyregexp"
)

// A Dialer connects to servers that the pins vouch for. It uses no proxy.
type Dialer struct {
	Pins *Pins
	// Name is what the certificate must be for, a name or an address. It is the
	// host of the server if it is empty.
	Name string
	// Protocol is one of [Protocols], and empty where TLS begins at once.
	Protocol string
	// Now is the clock by which certificates are judged. It is [time.Now] if nil.
	Now func() time.Time
}

// Dial connects to HOST:PORT. The context ends the dialogue and the handshake
// as well, and should have a deadline. [CheckOf] says whether an error is that
// of a check, and where the server had sent certificates the error is a
// [tls.CertificateVerificationError] that has them.
func (d *Dialer) Dial(ctx context.Context, server string) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	config, err := d.Pins.Config(cmp.Or(d.Name, host))
	if err != nil {
		return nil, err
	}
	config.Time = d.Now
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if d.Protocol != "" {
		if err := startTLS(ctx, raw, d.Protocol); err != nil {
			raw.Close()
			return nil, &checkError{CheckStartTLS, err}
		}
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		if CheckOf(err) == "" {
			err = &checkError{CheckHandshake, err}
		}
		return nil, err
	}
	return conn, nil
}

// startTLS is StartTLS until the context ends.
func startTLS(ctx context.Context, conn net.Conn, protocol string) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := StartTLS(conn, protocol); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	return nil
}

var hostName = lazyregexp.New(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$`)

// ParseServer reads HOST or HOST:PORT, where an IPv6 address with a port is in
// brackets. The port is empty if there is none. The host is a name in ASCII or
// an address.
func ParseServer(server string) (host, port string, err error) {
	host = server
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() && a.Zone() == "" {
		return host, "", nil
	}
	if i := strings.LastIndexByte(server, ':'); i >= 0 && !strings.HasSuffix(server, "]") {
		host, port = server[:i], server[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '+' {
			return "", "", fmt.Errorf("host %q: want HOST or HOST:PORT, with IPv6 addresses in brackets", server)
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		host = strings.TrimSuffix(inner, "]")
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", "", fmt.Errorf("host %q: no IPv6 address in the brackets", server)
		}
	} else if !hostName.MatchString(host) {
		return "", "", fmt.Errorf("host %q: want letters, digits, dots and hyphens; write other names with xn--", server)
	}
	return host, port, nil
}
