package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// tlsclient is a made-up client for scripts: "tlsclient MANNER URL". Careful
// checks, careless does not, nameless checks all but the name, late sends its
// request and refuses afterwards, absent never connects, liar checks and says
// that it did not, and shell does as TLSCLIENT_INSECURE says.
func tlsclient() {
	manner, url := os.Args[1], os.Args[2]
	if manner == "absent" {
		fmt.Fprintln(os.Stderr, "ACCEPT \x1b[31mall is well\x1b[0m")
		os.Exit(0)
	}
	config := &tls.Config{InsecureSkipVerify: manner == "careless" || manner == "late" || manner == "shell" && os.Getenv("TLSCLIENT_INSECURE") != ""}
	if manner == "nameless" {
		config.InsecureSkipVerify = true
		config.VerifyConnection = chainOnly
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		if manner == "liar" {
			fmt.Println("ACCEPT")
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer answer.Body.Close()
	if manner == "late" && verified(answer.TLS) != nil {
		fmt.Fprintln(os.Stderr, "REJECT: certificate is not good")
		os.Exit(1)
	}
	io.Copy(os.Stdout, answer.Body)
}

// chainOnly checks who signed, and not the name.
func chainOnly(s tls.ConnectionState) error {
	_, err := s.PeerCertificates[0].Verify(verifyOptions(s))
	return err
}

// verifyOptions are those of a client that trusts the system's authorities.
func verifyOptions(s tls.ConnectionState) x509.VerifyOptions {
	o := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	return o
}

// verified checks all.
func verified(s *tls.ConnectionState) error {
	if err := chainOnly(*s); err != nil {
		return err
	}
	return s.PeerCertificates[0].VerifyHostname(s.ServerName)
}

func TestListenAddress(t *testing.T) {
	for in, want := range map[string]string{
		"8443": "127.0.0.1:8443 true", ":8443": "127.0.0.1:8443 true", "localhost:1": "127.0.0.1:1 true", "127.0.0.2:1": "127.0.0.2:1 true", "0": "127.0.0.1:0 true",
		"192.0.2.1:8443": "192.0.2.1:8443 false", "0.0.0.0:1": "0.0.0.0:1 false", "[::1]:1": "[::1]:1 true", "[::]:1": "[::]:1 false",
		"example.org:1": "is no address", "x": "is no port", "1.2.3.4:99999": "is no port", "::1": "want a port", "1.2.3.4:": "is no port",
	} {
		address, loopback, err := listenAddress(in)
		have := fmt.Sprint(address, " ", loopback)
		if err != nil {
			have = err.Error()
		}
		if have != want && (err == nil || !strings.Contains(have, want)) {
			t.Errorf("%s: %s, want %s", in, have, want)
		}
	}
}
