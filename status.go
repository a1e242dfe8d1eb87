package wontfix

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// names is a closed list of words, one for each value of a small integer type.
type names []string

func (n names) text(i uint8) string {
	if int(i) < len(n) {
		return n[i]
	}
	return "unknown"
}

func (n names) parse(what, s string) (uint8, error) {
	if i := slices.Index(n, s); i >= 0 {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("%s %q is not known; it is one of %s", what, s, strings.Join(n, ", "))
}

// A Status is one of the four that VEX has.
type Status uint8

// The statuses. The zero Status says nothing.
const (
	StatusUnknown Status = iota
	Affected
	NotAffected
	Fixed
	UnderInvestigation
)

var statusNames = names{"unknown", "affected", "not_affected", "fixed", "under_investigation"}

func (s Status) String() string                { return statusNames.text(uint8(s)) }
func (s Status) MarshalText() ([]byte, error)  { return []byte(s.String()), nil }
func (s *Status) UnmarshalText(b []byte) error { return unmarshal(s, statusNames, "status", b) }

// ParseStatus reads the word that [Status.String] writes.
func ParseStatus(s string) (Status, error) { return parse[Status](statusNames, "status", s) }

// Statuses returns the words of all statuses.
func Statuses() []string { return slices.Clone(statusNames) }

// A Decision is what a publisher has decided about a vulnerability in a
// package of a release.
type Decision uint8

// The decisions. Silence is DecisionUnknown, never DecisionNotAffected.
const (
	DecisionUnknown    Decision = iota
	DecisionFixed               // a fixed version is out
	DecisionFixPending          // the publisher says that a fix is being made or staged
	DecisionPaid                // fixed, in a product that needs a subscription
	DecisionNotAffected
	DecisionAffected // acknowledged, and nobody has said what will happen
	DecisionDeferred
	DecisionWontFix
	DecisionEndOfLife // the release, or the package in it, gets no more fixes
	DecisionUnderInvestigation
	DecisionNotInRelease
	DecisionWithdrawn
)

var decisionNames = names{"unknown", "fixed", "fix-pending", "needs-paid-support", "not-affected", "affected-no-decision",
	"deferred", "wont-fix", "end-of-life", "under-investigation", "not-in-release", "withdrawn"}

func (d Decision) String() string                { return decisionNames.text(uint8(d)) }
func (d Decision) MarshalText() ([]byte, error)  { return []byte(d.String()), nil }
func (d *Decision) UnmarshalText(b []byte) error { return unmarshal(d, decisionNames, "decision", b) }

// ParseDecision reads the word that [Decision.String] writes.
func ParseDecision(s string) (Decision, error) {
	return parse[Decision](decisionNames, "decision", s)
}

// Decisions returns the words of all decisions.
func Decisions() []string { return slices.Clone(decisionNames) }

// Reasons is a set of reasons for a decision.
type Reasons uint32

// The reasons. NoReason is one of them: that nobody has said why is a finding.
const (
	CodeNotPresent Reasons = 1 << iota
	ComponentNotPresent
	NotExploitableHere
	MitigatedElsewhere
	MinorImpact
	Disputed
	TooIntrusive
	UpstreamUnfixed
	UpstreamDead
	EOLRelease
	SupportScope
	PaidTierOnly
	Superseded
	Removed
	Batched
	AnalysisPending
	NoReason
)

var reasonNames = names{"code-not-present", "component-not-present", "not-exploitable-here", "mitigated-elsewhere", "minor-impact",
	"disputed", "too-intrusive", "upstream-unfixed", "upstream-dead", "eol-release", "support-scope", "paid-tier-only",
	"superseded", "removed", "batched", "analysis-pending", "no-reason-given"}

// ParseReason reads one reason's word.
func ParseReason(s string) (Reasons, error) {
	i, err := reasonNames.parse("reason", s)
	if err != nil {
		return 0, err
	}
	return 1 << i, nil
}

// ReasonNames returns the words of all reasons.
func ReasonNames() []string { return slices.Clone(reasonNames) }

// Has reports whether all of q are in r.
func (r Reasons) Has(q Reasons) bool { return r&q == q }

// Words returns the words of the reasons in r, in their fixed order.
func (r Reasons) Words() []string {
	words := make([]string, 0, bits.OnesCount32(uint32(r)))
	for i, name := range reasonNames {
		if r&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return words
}

func (r Reasons) String() string { return strings.Join(r.Words(), ",") }

// Evidence says where the reasons of a decision were read.
type Evidence uint8

// The kinds of evidence.
const (
	EvidenceNone    Evidence = iota
	EvidenceWord             // the status word itself says it
	EvidenceBracket          // the text in brackets behind the status word
	EvidenceNote             // a note of the same entry
	EvidenceRelease          // the dates of the release
	EvidenceMessage          // the message of the commit that decided
	EvidenceOwnNote          // a note that the deciding commit's author wrote in it
)

var evidenceNames = names{"none", "word", "bracket", "note", "release", "message", "own-note"}

func (e Evidence) String() string                { return evidenceNames.text(uint8(e)) }
func (e Evidence) MarshalText() ([]byte, error)  { return []byte(e.String()), nil }
func (e *Evidence) UnmarshalText(b []byte) error { return unmarshal(e, evidenceNames, "evidence", b) }

// Strength says how firmly a publisher stands behind a statement.
type Strength uint8

// The strengths.
const (
	Firm    Strength = iota // somebody wrote it about this vulnerability and release
	Soft                    // written, and the publisher says that it can go either way
	Derived                 // worked out by comparing versions or names
)

var strengthNames = names{"firm", "soft", "derived"}

func (s Strength) String() string                { return strengthNames.text(uint8(s)) }
func (s Strength) MarshalText() ([]byte, error)  { return []byte(s.String()), nil }
func (s *Strength) UnmarshalText(b []byte) error { return unmarshal(s, strengthNames, "strength", b) }

// Scope is what a statement was said of.
type Scope uint8

// The scopes.
const (
	ScopeVulnerability Scope = iota // this vulnerability in this package
	ScopePackage                    // every vulnerability of the package
	ScopeRelease                    // every package of the release
)

var scopeNames = names{"cve", "package", "release"}

func (s Scope) String() string                { return scopeNames.text(uint8(s)) }
func (s Scope) MarshalText() ([]byte, error)  { return []byte(s.String()), nil }
func (s *Scope) UnmarshalText(b []byte) error { return unmarshal(s, scopeNames, "scope", b) }

// An Outlook is what waiting will bring to the owner of a machine.
type Outlook uint8

// The outlooks, in the order in which they are shown: worst first.
const (
	Never     Outlook = iota // won't-fix, or the release or the package is past its end
	Paid                     // fixed, only in a product that this machine has not enabled
	Deferred                 // put off
	Open                     // acknowledged, no word on when
	Undecided                // nobody has judged it yet
	Pending                  // a fix is on its way
	Available                // a fixed version is out
	Untracked                // nobody watches this package
)

var outlookNames = names{"never", "paid", "deferred", "open", "undecided", "pending", "available", "untracked"}

func (o Outlook) String() string                { return outlookNames.text(uint8(o)) }
func (o Outlook) MarshalText() ([]byte, error)  { return []byte(o.String()), nil }
func (o *Outlook) UnmarshalText(b []byte) error { return unmarshal(o, outlookNames, "outlook", b) }

// ParseOutlook reads the word that [Outlook.String] writes.
func ParseOutlook(s string) (Outlook, error) { return parse[Outlook](outlookNames, "outlook", s) }

// Outlooks returns the words of all outlooks, worst first.
func Outlooks() []string { return slices.Clone(outlookNames) }

func parse[T ~uint8](n names, what, s string) (T, error) {
	i, err := n.parse(what, s)
	return T(i), err
}

func unmarshal[T ~uint8](p *T, n names, what string, b []byte) error {
	v, err := parse[T](n, what, string(b))
	if err == nil {
		*p = v
	}
	return err
}
