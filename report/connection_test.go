package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"wontfix"
)

func exampleConnection() *wontfix.Connection {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return &wontfix.Connection{
		Schema: wontfix.ConnectionSchema, Tool: "wontfix 1.0", Time: now, Server: "mail.example.org:25", Address: "192.0.2.7:25", Name: "mail.example.org", Protocol: "smtp",
		Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Group: "X25519MLKEM768",
		Chain: []wontfix.Certificate{
			{Subject: "CN=mail.example.org", Issuer: "CN=Our own authority,O=Our Company", Serial: "0a01", NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(0, 0, 20), DaysLeft: 20,
				Names: []string{"mail.example.org", "192.0.2.7", "imap.example.org", "pop.example.org", "smtp.example.org"}, Key: "ECDSA P-256", SHA256: strings.Repeat("5d", 32), SPKI: "sha256//2O26irO21SWhryKK3abHq++wFCReiy0RTdpgKj8lNes="},
			{Subject: "CN=Our own authority,O=Our Company", Issuer: "CN=Our own authority,O=Our Company", Serial: "01", NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(9, 0, 0), DaysLeft: 3287,
				Key: "RSA 4096", CA: true, SHA256: strings.Repeat("c8", 32), SPKI: "sha256//XGrOLwM2W8m9ueW4WPMEPMi8A2zCe+Dsrw+U53/flSs="},
		},
		Pins: []wontfix.Pin{
			{Kind: "certificate", Pin: "CN=Another authority", From: "others.pem"},
			{Kind: "certificate", Pin: "CN=Our own authority,O=Our Company", From: "our-ca.der", Match: 2},
			{Kind: "key", Pin: "sha256//2O26irO21SWhryKK3abHq++wFCReiy0RTdpgKj8lNes=", Match: 1},
		},
		Warnings: []string{"it does not say that it is for servers: no extended key usage"},
	}
}

func refusedConnection() *wontfix.Connection {
	c := exampleConnection()
	c.Version, c.Suite, c.Group, c.Address, c.Warnings = "", "", "", "", nil
	for i := range c.Pins {
		c.Pins[i].Match = 0
	}
	c.Chain[0].DaysLeft = -3
	c.Refusal = &wontfix.Refusal{Check: "dates", Error: "x509: certificate has expired", Advice: "Look at the clock of this machine."}
	return c
}

// hostileConnection has what a server can put into its certificates.
func hostileConnection() *wontfix.Connection {
	c := refusedConnection()
	c.Refusal.Error = "x509: certificate is valid for \x1b[2J\x1b[Hgood, not mail.example.org"
	c.Chain[0].Subject = "CN=a\nTrusted mail.example.org\r|<script>alert(1)</script>"
	c.Chain[0].Names = []string{"\u202egro.elpmaxe", "*.*|*", strings.Repeat("a", 300)}
	c.Chain = append(c.Chain, wontfix.Certificate{})
	return c
}

func TestConnection(t *testing.T) {
	for _, tt := range []struct {
		name, format string
		c            *wontfix.Connection
		o            Options
	}{
		{"connection-80.txt", "text", exampleConnection(), Options{Width: 80, Limit: 4}},
		{"connection-200-color.txt", "text", exampleConnection(), Options{Width: 200, Color: true}},
		{"connection.json", "json", exampleConnection(), Options{}},
		{"connection.md", "markdown", exampleConnection(), Options{}},
		{"connection-refused.txt", "text", refusedConnection(), Options{}},
		{"connection-none.txt", "text", &wontfix.Connection{Server: "x:443", Refusal: &wontfix.Refusal{Check: "handshake", Error: "EOF"}}, Options{}},
		{"connection-hostile.txt", "text", hostileConnection(), Options{}},
		{"connection-hostile.md", "markdown", hostileConnection(), Options{}},
	} {
		var b bytes.Buffer
		if err := WriteConnection(&b, tt.format, tt.c, tt.o); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		checkGolden(t, tt.name, b.Bytes())
		if tt.format != "text" {
			continue
		}
		for line := range strings.Lines(b.String()) {
			if n := columns(strings.TrimSuffix(line, "\n")); !tt.o.Color && n > tt.o.width() {
				t.Errorf("%s: %d columns: %q", tt.name, n, line)
			}
		}
	}
	if err := WriteConnection(&bytes.Buffer{}, "csv", exampleConnection(), Options{}); err == nil {
		t.Error("no error for a format that is not there")
	}
}

// TestConnectionJSON reads back what was written, and asks the schema.
func TestConnectionJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteConnection(&b, "json", hostileConnection(), Options{}); err != nil {
		t.Fatal(err)
	}
	if i := bytes.IndexFunc(b.Bytes(), func(r rune) bool { return r != '\n' && Clean(string(r)) != string(r) }); i >= 0 {
		t.Errorf("byte %d is not text", i)
	}
	schema := compileSchema(t, "../docs/connection.schema.json")
	validate(t, schema, b.Bytes())
	for _, c := range []*wontfix.Connection{exampleConnection(), refusedConnection(), {Schema: wontfix.ConnectionSchema}} {
		var b bytes.Buffer
		if err := WriteConnection(&b, "json", c, Options{}); err != nil {
			t.Fatal(err)
		}
		validate(t, schema, b.Bytes())
	}
	var c wontfix.Connection
	if err := json.Unmarshal(b.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	if c.Refusal.Error != hostileConnection().Refusal.Error || len(c.Chain) != 3 {
		t.Errorf("%+v", c)
	}
}
