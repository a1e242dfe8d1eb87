package match

import (
	"fmt"
	"slices"
	"strings"

	"wontfix"
	"wontfix/version"
)

// finding makes the finding that the deciding row is.
func (j *judge) finding(r *wontfix.Statement) *wontfix.Finding {
	f := j.newFinding(r)
	for _, other := range j.chain {
		if other != r {
			f.Others = append(f.Others, j.row(other))
		}
	}
	j.outlook(f, r)
	if r.Release.Product == "" {
		j.weighPaid(f, r)
	}
	j.pastEnd(f, r)
	j.offer(f)
	return f
}

func (j *judge) newFinding(r *wontfix.Statement) *wontfix.Finding {
	f := &wontfix.Finding{
		ID: r.ID, Source: r.Source, SourceVersion: j.in.version, Tracker: j.row(r),
		Status: r.Status, Decision: r.Decision, Reasons: r.Reasons.Words(), Evidence: r.Evidence,
		ReasonText: ReasonText(r), ReasonLine: r.EvidenceLine,
		FixedVersion: r.Fixed, Priority: r.Priority, Published: r.Published, Successor: r.Successor,
		Kernel: j.kernel(),
	}
	if j.in.own != r.Source {
		f.Installed = j.in.own
	}
	for _, p := range j.in.packages {
		if !slices.Contains(f.Binaries, p.Name) {
			f.Binaries = append(f.Binaries, p.Name)
		}
		f.Held = f.Held || p.Held
	}
	slices.Sort(f.Binaries)
	return f
}

// ReasonText returns the tracker's own words that a statement's reasons were
// read from, "" if there are none.
func ReasonText(s *wontfix.Statement) string {
	switch {
	case s.Words != "":
		return s.Words
	case s.Evidence == wontfix.EvidenceBracket:
		return s.Detail
	}
	return ""
}

// outlook says what the row alone means for the owner.
func (j *judge) outlook(f *wontfix.Finding, r *wontfix.Statement) {
	switch r.Decision {
	case wontfix.DecisionFixed:
		if r.Fixed == "" {
			f.Status, f.Outlook = wontfix.UnderInvestigation, wontfix.Undecided
			f.Because = "a fix was released, and the tracker does not say in which version"
			return
		}
		f.Status, f.Outlook = wontfix.Affected, wontfix.Available
		f.Because = fmt.Sprintf("the fix is in %s, and %s is installed", r.Fixed, j.in.version)
		if r.Word == "not-affected" {
			f.Because += "; not-affected with a version means that it was fixed by that version"
		}
	case wontfix.DecisionFixPending:
		f.Outlook, f.Because = wontfix.Pending, "a fix is on its way"
		if r.Fixed != "" {
			f.Because += ", as version " + r.Fixed
		}
	case wontfix.DecisionDeferred:
		f.Outlook, f.Because = wontfix.Deferred, "the fix was put off"
		if r.Since != "" {
			f.Because += " on " + r.Since
		}
	case wontfix.DecisionAffected:
		f.Outlook, f.Because = wontfix.Open, "vulnerable, with no word on when a fix will come"
	case wontfix.DecisionUnderInvestigation:
		f.Outlook, f.Because = wontfix.Undecided, "nobody has judged it yet"
	case wontfix.DecisionWontFix:
		f.Outlook, f.Because = wontfix.Never, "the publisher decided not to fix it"
	case wontfix.DecisionEndOfLife:
		f.Outlook, f.Because = wontfix.Never, endOfLife(r)
	default:
		f.Status, f.Outlook = wontfix.UnderInvestigation, wontfix.Undecided
		f.Because = fmt.Sprintf("the tracker's status %q is not one that wontfix knows", r.Word)
	}
}

func endOfLife(r *wontfix.Statement) string {
	var because string
	switch {
	case r.Successor != "":
		because = "this source package gets no more fixes: " + r.Successor + " carries it on"
	case r.Reasons.Has(wontfix.Superseded):
		because = "this source package gets no more fixes: another one carries it on"
	case r.Reasons.Has(wontfix.EOLRelease):
		because = "its release gets no more fixes"
	default:
		because = "this source package gets no more fixes"
	}
	if r.Was != "" {
		because += "; before that it was " + r.Was
	}
	return because
}

// weighPaid adds what a product that the machine has not switched on says.
func (j *judge) weighPaid(f *wontfix.Finding, base *wontfix.Statement) {
	paid := j.paid
	if paid == nil || paid.Decision == wontfix.DecisionNotInRelease {
		if paid != nil && paid.Was == "needs-triage" && swept(base) && base.Was == "" {
			f.Status = wontfix.UnderInvestigation
			f.Because += "; " + paid.Label + " remembers that nobody had judged it"
			f.Others = append(f.Others, j.row(paid))
		}
		return
	}
	f.Others = append(f.Others, j.row(paid))
	if f.Outlook == wontfix.Available {
		return
	}
	switch paid.Decision {
	case wontfix.DecisionFixed:
		if paid.Fixed == "" {
			return
		}
		f.FixedVersion, f.Status = paid.Fixed, wontfix.Affected
		if paid.Word == "not-affected" && !strings.Contains(paid.Fixed, "esm") {
			// The fix was there before the product began: it is in the series.
			f.Outlook, f.Decision = wontfix.Available, wontfix.DecisionFixed
			f.Because = fmt.Sprintf("%s says that %s has the fix, a version of the series itself; %s is installed", paid.Label, paid.Fixed, j.in.version)
			return
		}
		f.Outlook, f.Decision, f.Product = wontfix.Paid, wontfix.DecisionPaid, paid.Release.Product
		f.Because = fmt.Sprintf("fixed in %s, for subscribers of %s only", paid.Fixed, paid.Release.Product)
		f.Reasons = addReason(f.Reasons, wontfix.PaidTierOnly)
	case wontfix.DecisionAffected, wontfix.DecisionDeferred, wontfix.DecisionFixPending, wontfix.DecisionUnderInvestigation:
		if f.Outlook == wontfix.Never && swept(base) {
			f.Because += fmt.Sprintf("; for subscribers of %s it is %s", paid.Release.Product, paid.Word)
			f.Reasons = addReason(f.Reasons, wontfix.PaidTierOnly)
			if paid.Decision == wontfix.DecisionUnderInvestigation {
				f.Status = wontfix.UnderInvestigation
			}
		}
	case wontfix.DecisionWontFix, wontfix.DecisionEndOfLife:
		if swept(base) && !swept(paid) {
			f.Because += fmt.Sprintf("; %s will not fix it either", paid.Release.Product)
			f.Reasons = addReason(f.Reasons, paid.Reasons&^wontfix.NoReason)
			if text := ReasonText(paid); text != "" {
				f.ReasonText, f.ReasonLine, f.Evidence = text, paid.EvidenceLine, paid.Evidence
			}
		}
	}
}

func addReason(words []string, r wontfix.Reasons) []string {
	all := r
	for _, w := range words {
		one, _ := wontfix.ParseReason(w) // they come from Reasons.Words
		all |= one
	}
	return all.Words()
}

// pastEnd turns an open row into "never" where the release, or the product
// that the row is of, is past its end and nobody has closed the row.
func (j *judge) pastEnd(f *wontfix.Finding, r *wontfix.Statement) {
	switch f.Outlook {
	case wontfix.Pending, wontfix.Open, wontfix.Undecided, wontfix.Deferred:
	default:
		return
	}
	end := End(j.machine.Support, r.Release.Product)
	if r.Decision == wontfix.DecisionFixed || !end.Past(j.options.asOf()) {
		return
	}
	f.Outlook, f.Decision, f.Evidence = wontfix.Never, wontfix.DecisionEndOfLife, wontfix.EvidenceRelease
	f.Reasons = addReason(f.Reasons, wontfix.EOLRelease)
	f.Because = fmt.Sprintf("the tracker's word is still %s, and %s ended on %s", r.Word, j.period(r), end)
}

// period names what ends: a series, or a product of it.
func (j *judge) period(r *wontfix.Statement) string {
	if r.Release.Product == "" {
		return "the support of " + j.machine.Base.Series
	}
	return r.Release.Product + " for " + j.machine.Base.Series
}

// End returns the day on which a product of a release, or with "" the support
// that everybody gets, ends or ended. The zero Date means that it is not known.
func End(s wontfix.Support, product string) wontfix.Date {
	switch {
	case product == "":
		return s.Standard
	case strings.HasSuffix(product, "-legacy"):
		return s.Legacy
	case strings.HasPrefix(product, "esm-"), strings.HasPrefix(product, "fips"):
		return s.Extended
	}
	return wontfix.Date{}
}

// offer looks for the fixed version in the machine's own package lists.
func (j *judge) offer(f *wontfix.Finding) {
	if f.FixedVersion == "" || f.Outlook != wontfix.Available && f.Outlook != wontfix.Pending && f.Outlook != wontfix.Paid {
		return
	}
	for _, p := range j.in.packages {
		if p.Offer == nil {
			continue
		}
		v := p.Offer.SourceVersion
		if v == "" {
			v = p.Offer.Version
		}
		if version.Dpkg(v, f.FixedVersion) >= 0 {
			f.Offer, f.Outlook = p.Offer, wontfix.Available
			f.Because = fmt.Sprintf("%s has %s, and %s is installed", archiveName(p.Offer.Archive), v, j.in.version)
			return
		}
	}
	if f.Outlook == wontfix.Available && len(j.machine.Archives) > 0 {
		f.Because += "; none of the package lists on the machine offers it"
	}
}

func archiveName(a *wontfix.Archive) string {
	if a == nil {
		return "an archive"
	}
	if a.Suite != "" {
		return a.Suite + "/" + a.Component
	}
	return a.Site
}

// kernel says whether a kernel package is the one that runs.
func (j *judge) kernel() string {
	running := j.machine.Kernel.Running
	if running == "" || !strings.HasPrefix(j.in.source, "linux") {
		return ""
	}
	image := false
	for _, p := range j.in.packages {
		image = image || strings.HasPrefix(p.Name, "linux-image-") || strings.HasPrefix(p.Name, "linux-modules-")
	}
	if !image {
		return ""
	}
	// A kernel of source version 5.4.0-42.46~18.04.1 calls itself 5.4.0-42-FLAVOUR.
	upstream, abi, _ := strings.Cut(j.in.version, "-")
	abi = strings.TrimRightFunc(abi[:min(len(abi), leadingDigits(abi))], func(r rune) bool { return r == '.' })
	if strings.HasPrefix(running+"-", upstream+"-"+abi+"-") {
		return "running"
	}
	return "not-running"
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// inferred makes a finding of a row of the series under development, where the
// entry has no row for the machine's own, later series. A fix was inherited; an
// open word is the last that is known.
func (j *judge) inferred() *wontfix.Finding {
	r := j.devel
	if !j.open(r) || r.Decision == wontfix.DecisionNotAffected || r.Decision == wontfix.DecisionWithdrawn || r.Decision == wontfix.DecisionFixed && r.Fixed == "" {
		return nil
	}
	f := j.newFinding(r)
	f.Status, f.Decision, f.Outlook = wontfix.UnderInvestigation, wontfix.DecisionUnknown, wontfix.Untracked
	f.Because = fmt.Sprintf("the entry has no row for %s; its last word was about %s while that was under development: %s", j.machine.Base.Series, r.DevelOf, r.Word)
	return f
}

// between makes a finding where a release has ended, the entry has no row for
// it, and the rows around it leave no doubt: the series before was judged to be
// vulnerable, and the series after has the fix in a version above the installed
// one. The tracker removes rows of ended releases, and makes none for them in
// new entries.
func (j *judge) between() *wontfix.Finding {
	before, after := j.before, j.after
	end := End(j.machine.Support, "")
	if !end.Past(j.options.asOf()) || !j.below(after) || before.Status != wontfix.Affected || swept(before) {
		return nil
	}
	f := j.newFinding(after)
	f.Others = []wontfix.Row{j.row(before)}
	f.Status, f.Decision, f.Outlook = wontfix.Affected, wontfix.DecisionEndOfLife, wontfix.Never
	f.Reasons = addReason(nil, before.Reasons&^wontfix.NoReason|wontfix.EOLRelease)
	f.Evidence, f.ReasonText, f.ReasonLine = before.Evidence, ReasonText(before), before.EvidenceLine
	if f.ReasonText == "" {
		f.Evidence, f.ReasonLine = wontfix.EvidenceRelease, 0
	}
	f.Because = fmt.Sprintf("the entry has no row for %s, which ended on %s; %s, after it, has the fix in %s, %s is installed, and %s, before it, is %s",
		j.machine.Base.Series, end, after.Release.Series, after.Fixed, j.in.version, before.Release.Series, before.Word)
	return f
}

// onlyPaid makes a finding of a fix in a product where the series itself has
// no row.
func (j *judge) onlyPaid() *wontfix.Finding {
	r := j.paid
	f := j.newFinding(r)
	f.Status, f.Decision, f.Outlook, f.Product = wontfix.Affected, wontfix.DecisionPaid, wontfix.Paid, r.Release.Product
	f.Reasons = addReason(f.Reasons, wontfix.PaidTierOnly)
	f.Because = fmt.Sprintf("the entry has no row for %s itself; fixed in %s, for subscribers of %s only", j.machine.Base.Series, r.Fixed, r.Release.Product)
	j.offer(f)
	return f
}
