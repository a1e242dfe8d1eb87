package wontfix

import "time"

// ConnectionSchema names the form of [Connection] as JSON. docs/scan-json.md
// describes it.
const ConnectionSchema = "wontfix/connection/1"

// A Connection is what became of connecting to a server while trusting nothing
// but what was pinned.
type Connection struct {
	Schema string    `json:"schema"`
	Tool   string    `json:"tool"` // name and version of the program
	Time   time.Time `json:"time"` // when; the days that certificates have left count from here

	Server   string `json:"server"`             // HOST:PORT as asked for
	Address  string `json:"address,omitempty"`  // IP:PORT
	Name     string `json:"name,omitempty"`     // what the certificate had to be for; empty if no name was checked
	Protocol string `json:"starttls,omitempty"` // the one that TLS began in

	Version string `json:"version,omitempty"` // TLS 1.2, TLS 1.3; empty if the server was refused
	Suite   string `json:"suite,omitempty"`   // as IANA names it
	Group   string `json:"group,omitempty"`   // of the key exchange

	// Chain is the verified chain, which begins with the server's certificate. If
	// the server was refused it is what the server has sent, and none of it is
	// verified.
	Chain    []Certificate `json:"chain"`
	Pins     []Pin         `json:"pins"`
	Warnings []string      `json:"warnings"`
	Refusal  *Refusal      `json:"refusal,omitempty"`
}

// A Pin is what one of the pins is and what it has matched.
type Pin struct {
	Kind  string `json:"kind"` // certificate, key
	Pin   string `json:"pin"`  // the subject of the certificate, or sha256//BASE64
	From  string `json:"from,omitempty"`
	Match int    `json:"match,omitempty"` // which certificate of the chain, from 1
}

// A Refusal says why a server was not trusted.
type Refusal struct {
	Check  string `json:"check"`  // the one that failed, as package pin names it; else handshake or starttls
	Error  string `json:"error"`  // what was wrong
	Advice string `json:"advice"` // what to do
}

// A Certificate has what people compare of an X.509 certificate.
type Certificate struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"` // hexadecimal
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	DaysLeft  int       `json:"days_left"`       // whole days; below 0 if it has expired
	Names     []string  `json:"names,omitempty"` // subject alternative names
	Key       string    `json:"key"`             // RSA 2048, ECDSA P-256, Ed25519
	CA        bool      `json:"ca,omitempty"`
	SHA256    string    `json:"sha256"` // of the certificate, hexadecimal
	SPKI      string    `json:"spki"`   // of the public key, sha256//BASE64
}
