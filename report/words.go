package report

import "wontfix"

// The tables of this file are the only place where the project's words are put
// into everyday language.

// decisionText has, for each decision, a phrase for lists and a sentence whose
// %s is the publisher.
var decisionText = map[wontfix.Decision]struct{ phrase, sentence string }{
	wontfix.DecisionUnknown:            {"nothing said", "%s says nothing about this."},
	wontfix.DecisionFixed:              {"fixed", "%s has fixed this."},
	wontfix.DecisionFixPending:         {"fix on its way", "%s says that a fix is on its way."},
	wontfix.DecisionPaid:               {"fixed for subscribers only", "%s has fixed this in a product that needs a subscription."},
	wontfix.DecisionNotAffected:        {"not affected", "%s says that this package is not affected."},
	wontfix.DecisionAffected:           {"vulnerable, nothing decided", "%s agrees that this is vulnerable and has not said whether it will be fixed."},
	wontfix.DecisionDeferred:           {"put off", "%s has put this off."},
	wontfix.DecisionWontFix:            {"will not be fixed", "%s decided not to fix this."},
	wontfix.DecisionEndOfLife:          {"past its end", "%s makes no more fixes for this release, or for this package in it."},
	wontfix.DecisionUnderInvestigation: {"not judged yet", "%s has not judged this yet."},
	wontfix.DecisionNotInRelease:       {"package not in this release", "%s does not have this package in this release."},
	wontfix.DecisionWithdrawn:          {"withdrawn", "This vulnerability was withdrawn; %s follows it no more."},
}

// reasonText has, for each reason, a phrase for counts and one that explains.
var reasonText = map[string]struct{ phrase, why string }{
	"code-not-present":      {"code not present", "the vulnerable code is not in this version"},
	"component-not-present": {"part not shipped", "the vulnerable part, or the package, is not shipped"},
	"not-exploitable-here":  {"not exploitable here", "the code is there, but not reachable or not used as it was built"},
	"mitigated-elsewhere":   {"stopped elsewhere", "another layer stops it"},
	"minor-impact":          {"minor impact", "it is real and was judged too small to act on"},
	"disputed":              {"disputed", "the publisher or the authors say that it is no vulnerability"},
	"too-intrusive":         {"too intrusive", "the fix is too large, or would break what works"},
	"upstream-unfixed":      {"no upstream fix", "the authors of the software have no fix, or refuse one"},
	"upstream-dead":         {"upstream dead", "nobody maintains the software any more"},
	"eol-release":           {"release ended", "the release is past its end"},
	"support-scope":         {"not covered", "the release is alive, but this package or kind of flaw is not covered"},
	"paid-tier-only":        {"subscribers only", "it is covered for subscribers only"},
	"superseded":            {"superseded", "another package or vulnerability carries the work on"},
	"removed":               {"removed", "the package left the archive"},
	"batched":               {"waits for a batch", "it waits for the next round of updates"},
	"analysis-pending":      {"analysis pending", "nobody has looked to the end"},
	"no-reason-given":       {"no reason given", "no reason given"},
}

// outlookText has, for each outlook, what it means for the owner of the
// machine, and the colour of its name.
var outlookText = map[wontfix.Outlook]struct {
	means string
	style style
}{
	wontfix.Never:     {"no fix will come: upgrade, replace or shield", styleNever},
	wontfix.Paid:      {"fixed in a subscription that is not on: buy, or never", stylePaid},
	wontfix.Deferred:  {"put off: perhaps some day", styleWait},
	wontfix.Open:      {"acknowledged, no word on when", styleWait},
	wontfix.Undecided: {"nobody has judged it yet", styleWait},
	wontfix.Pending:   {"a fix is on its way: wait", stylePending},
	wontfix.Available: {"a fixed version is out: install it", styleAvailable},
	wontfix.Untracked: {"no row for this release, or nobody watches: you decide", styleUntracked},
}

// evidenceText says where the reasons of a decision were read.
var evidenceText = map[wontfix.Evidence]string{
	wontfix.EvidenceNone:    "",
	wontfix.EvidenceWord:    "given by the status word",
	wontfix.EvidenceBracket: "given beside the status word",
	wontfix.EvidenceNote:    "given in the notes",
	wontfix.EvidenceRelease: "given by the dates of the release",
	wontfix.EvidenceMessage: "given in the message of the change",
}

// DecisionPhrase returns a decision in everyday words: "will not be fixed".
func DecisionPhrase(d wontfix.Decision) string {
	if t, ok := decisionText[d]; ok {
		return t.phrase
	}
	return d.String()
}

// ReasonPhrase returns a reason in everyday words: "release ended". A word that
// is not a reason is returned as it is.
func ReasonPhrase(word string) string {
	if t, ok := reasonText[word]; ok {
		return t.phrase
	}
	return Clean(word)
}

// OutlookMeaning returns what an outlook means for the owner of a machine.
func OutlookMeaning(o wontfix.Outlook) string { return outlookText[o].means }
