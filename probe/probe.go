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

import "wontfix"

// The nouns are those of the root package, under the names that this one calls
// them by.
type (
	Verdict  = wontfix.Verdict
	Expect   = wontfix.Expect
	Severity = wontfix.Severity
	Seen     = wontfix.Seen
	Outcome  = wontfix.Outcome
	Effect   = wontfix.Effect
	Class    = wontfix.OverrideClass
	Skipped  = wontfix.Untested
)

// The words of the nouns.
const (
	Accept    = wontfix.VerdictAccept
	Leak      = wontfix.VerdictLeak
	Reject    = wontfix.VerdictReject
	Timeout   = wontfix.VerdictTimeout
	Error     = wontfix.VerdictError
	NoVerdict = wontfix.VerdictNone

	ExpectAccept = wontfix.ExpectAccept
	ExpectReject = wontfix.ExpectReject
	ExpectEither = wontfix.ExpectEither

	Critical = wontfix.SeverityCritical
	High     = wontfix.SeverityHigh
	Medium   = wontfix.SeverityMedium
	Low      = wontfix.SeverityLow
	Info     = wontfix.SeverityInfo
	Interop  = wontfix.SeverityInterop
	Control  = wontfix.SeverityControl

	Off      = wontfix.OverrideOff
	Weaker   = wontfix.OverrideWeaker
	Redirect = wontfix.OverrideRedirect
	Hook     = wontfix.OverrideHook
	KeyLeak  = wontfix.OverrideKeyLeak
)

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
