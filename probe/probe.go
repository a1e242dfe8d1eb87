// Package probe offers the TLS clients of a machine bad certificates and sees
// what they do.
//
// A version number is not behaviour. A [Case] says how a server misbehaves, a
// [Client] is a program of the machine, an [Outcome] is what the program did.
// The verdict is the server's: what counts is whether the client sent its
// request after a handshake that it had to refuse, not its exit status and not
// its words. A client has a verdict only where it has accepted the valid
// certificate of the control.
package probe

import (
	"time"
)

// A Verdict says what a client did in one case.
type Verdict string

// The verdicts.
const (
	Accept    Verdict = "accept"     // the request, with our token, came after the handshake
	Leak      Verdict = "leak"       // it came, and the client refused the certificate afterwards
	Reject    Verdict = "reject"     // the client connected and sent no request
	Timeout   Verdict = "timeout"    // the limit was reached twice: no verdict
	Error     Verdict = "error"      // the client never connected: no verdict
	NoVerdict Verdict = "no-verdict" // the control was not accepted: nothing follows from the rest
)

// An Expect says what a client in its default configuration that trusts the
// probe's authority should do.
type Expect string

// What is expected.
const (
	ExpectAccept Expect = "accept"
	ExpectReject Expect = "reject"
	ExpectEither Expect = "either" // reported, never counted
)

// A Severity says how bad a wrong verdict is.
type Severity string

// The severities, worst first. Control and Interop are those of cases that a
// client has to accept.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
	Interop  Severity = "interop"
	Control  Severity = "control"
)

// A Seen is what the server saw of one run of a client.
type Seen struct {
	Connections int    `json:"connections"`
	SNI         string `json:"sni,omitempty"`     // the name that the client asked for
	Alert       int    `json:"alert,omitempty"`   // the client's alert, RFC 8446 section 6; 0 is none
	Request     bool   `json:"request"`           // application data that carried the token
	Foreign     string `json:"foreign,omitempty"` // the first line of a request that is not ours
	Handshake   bool   `json:"handshake"`         // the handshake came to its end
	Hop         bool   `json:"hop,omitempty"`     // the client followed the redirect
	Note        string `json:"note,omitempty"`    // why nothing follows from what was seen
}

// An Outcome is what one client did in one case.
type Outcome struct {
	Client   string        `json:"client"` // [Client.ID]
	Case     string        `json:"case"`   // [Case.ID]
	Verdict  Verdict       `json:"verdict"`
	Reason   string        `json:"reason,omitempty"` // the alert's name, or the client's words: at most 300 characters
	Seen     Seen          `json:"seen"`
	Duration time.Duration `json:"duration"`
}

// Judge returns the verdict of one run: what the server saw, whether the client
// was stopped at the limit, and whether it said that it had failed.
func Judge(s Seen, stopped, failed bool) Verdict {
	switch {
	case s.Request && failed:
		return Leak
	case s.Request:
		return Accept
	case stopped:
		return Timeout
	case s.Connections == 0:
		return Error
	}
	return Reject
}
