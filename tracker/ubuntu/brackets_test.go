package ubuntu

import (
	"testing"

	"wontfix"
)

// TestBrackets holds what a text behind "ignored" decides. In doubt it must be
// a refusal: only words that say so plainly make a row harmless.
func TestBrackets(t *testing.T) {
	for want, texts := range map[wontfix.Decision][]string{
		wontfix.DecisionNotAffected: {"overlayfs is working as intended", "NULL pointer derefence is not possible", "not a security issue", "not a vulnerability",
			"code-not-compiled", "code not present", "RHEL specific", "CVE in User Mode Linux", "uses system xulrunner", "double fetched value is not used", "not an issue",
			"upstream won't fix -- NOTABUG", "no security impact", "not vulnerable", "end of life, was not-affected"},
		wontfix.DecisionWithdrawn: {"CVE rejected", "REJECT see alternate CVE numbers", "duplicate CVE", "CVE REJECTED"},
		wontfix.DecisionEndOfLife: {"end of life", "reached end-of-life, does not affect buildd", "out of standard support", "superseded by linux-hwe-5.4", "abandoned",
			"upstream sun-java5 is EoL", "no longer updated", "end of kernel support, was needed"},
		wontfix.DecisionWontFix: {"", "see notes", "change too intrusive", "disputed as not a vulnerability", "vendor disputes CVE", "no update available", "ESM criteria, Arm64 not supported",
			"fix not possible", "backporting not possible", "no security support", "no security updates from upstream", "no bug fix releases anymore",
			"code is not maintained", "test suite fails with the patch", "regression only affects amd64, too risky", "insecure by design", "not enabled by default",
			"ppc not supported in vivid anymore", "rejected upstream", "fix is a duplicate effort", "not remotely exploitable", "uses its own embedded webkit"},
	} {
		for _, text := range texts {
			if m := Meaning("ignored", text); m.Decision != want {
				t.Errorf("ignored (%s) is %s, want %s", text, m.Decision, want)
			}
		}
	}
}
