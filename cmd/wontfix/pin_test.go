package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"wontfix/pin"
)

// serveTLS is the command
//
//	servetls VARIABLE [smtp]
//
// of scripts: a server at localhost, whose port it puts into a variable, with a
// certificate below an authority that it writes to VARIABLE.pem and VARIABLE.der.
// The hash of the server's key is in VARIABLE_SPKI. With smtp it begins in clear.
func serveTLS(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: servetls VARIABLE [smtp]")
	}
	name := args[0]
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name + " authority"},
		NotBefore: today.AddDate(-1, 0, 0), NotAfter: today.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "\x1b[2Jserver"},
		NotBefore: ca.NotBefore, NotAfter: today.AddDate(0, 0, 20).Add(time.Hour), DNSNames: []string{"localhost", "intranet.test"},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	ts.Check(err)
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, leafKey.Public(), key)
	ts.Check(err)
	parsed, err := x509.ParseCertificate(der)
	ts.Check(err)
	for ext, data := range map[string][]byte{
		".der": root, ".pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}),
	} {
		ts.Check(writeFile(ts.MkAbs(name+ext), func(w io.Writer) error { _, err := w.Write(data); return err }))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(name, port)
	ts.Setenv(name+"_SPKI", pin.SPKIOf(parsed).String())
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: leafKey}}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(10 * time.Second))
				if len(args) == 1 || smtpUntilTLS(conn) {
					io.Copy(io.Discard, tls.Server(conn, config))
				}
			}()
		}
	}()
}

// smtpUntilTLS speaks SMTP until the client wants TLS.
func smtpUntilTLS(conn net.Conn) bool {
	fmt.Fprint(conn, "220 ready\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch word, _, _ := strings.Cut(lines.Text(), " "); word {
		case "EHLO":
			fmt.Fprint(conn, "250-here\r\n250 STARTTLS\r\n")
		case "STARTTLS":
			fmt.Fprint(conn, "220 go ahead\r\n")
			return true
		default:
			fmt.Fprint(conn, "502 what\r\n")
		}
	}
	return false
}
