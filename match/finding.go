package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wontfix"
)

// finding makes the finding that the deciding row is.
func (j *judge) finding(r *wontfix.Statement) *wontfix.Finding {
	f := j.newFinding(r)
	for _, other := range j.own {
		if other != r {
			f.Others = append(f.Others, j.row(other))
		}
	}
	for _, other := range j.beside {
		f.Others = append(f.Others, j.row(other))
	}
	j.outlook(f, r)
	if r == j.derived {
		f.Because = j.why
	}
	j.fixElsewhere(f)
	j.pastEnd(f, r)
	j.tooLate(f, r)
	if r.Release.Product == "" {
		j.weighPaid(f, r)
	}
	j.offer(f)
	j.reachable(f)
	return f
}

// fixElsewhere looks for a fix in the other rows of the chain: a row of a product
// that still says needs-triage does not take back the fix of the series. A fix
// of a product that the machine has not switched on, and has once had, is for
// subscribers.
func (j *judge) fixElsewhere(f *wontfix.Finding) {
	var own, paid *wontfix.Statement
	for _, r := range j.chain {
		switch product := r.Release.Product; {
		case r.Decision != wontfix.DecisionFixed || !j.below(r):
		case product == "" || strings.HasPrefix(product, "fips") || slices.Contains(j.machine.Products, product):
			own = cmp.Or(own, r)
		default:
			paid = cmp.Or(paid, r)
		}
	}
	switch {
	case own != nil && f.Outlook != wontfix.Available:
		f.Status, f.Decision, f.Outlook, f.FixedVersion = wontfix.Affected, wontfix.DecisionFixed, wontfix.Available, own.Fixed
		f.Because = fmt.Sprintf("the fix is in %s (%s), and %s is installed", own.Fixed, own.Label, j.installed(own))
	case own == nil && paid != nil:
		f.Status, f.Decision, f.Outlook, f.FixedVersion = wontfix.Affected, wontfix.DecisionPaid, wontfix.Paid, paid.Fixed
		f.Product, f.Reasons = paid.Release.Product, addReason(f.Reasons, wontfix.PaidTierOnly)
		f.Because = fmt.Sprintf("fixed in %s, for subscribers of %s only", paid.Fixed, f.Product)
	}
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
	f.Binaries, f.Held = slices.Clone(j.in.binaries), j.in.held
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
		if !j.below(r) {
			f.Status, f.Outlook = wontfix.UnderInvestigation, wontfix.Undecided
			f.Because = fmt.Sprintf("the fix is in %s, and %s, a FIPS build, does not compare with it", r.Fixed, j.in.version)
			return
		}
		f.Status, f.Outlook = wontfix.Affected, wontfix.Available
		f.Because = fmt.Sprintf("the fix is in %s, and %s is installed", r.Fixed, j.installed(r))
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
	if r := j.memory(base); r != nil && r.Was == "needs-triage" {
		f.Status = wontfix.UnderInvestigation
		f.Because += "; " + r.Label + " remembers that nobody had judged it"
		if r == paid {
			f.Others = append(f.Others, j.row(paid))
		}
	}
	if paid == nil || paid.Decision == wontfix.DecisionNotInRelease {
		return
	}
	f.Others = append(f.Others, j.row(paid))
	if base.Decision == wontfix.DecisionFixed || f.Outlook == wontfix.Pending {
		return
	}
	ended := swept(base) || f.Evidence == wontfix.EvidenceRelease
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
		if ended {
			f.Because += fmt.Sprintf("; for subscribers of %s it is %s", paid.Release.Product, paid.Word)
			f.Reasons = addReason(f.Reasons, wontfix.PaidTierOnly)
			if paid.Decision == wontfix.DecisionUnderInvestigation && swept(base) && base.Was == "" {
				f.Status = wontfix.UnderInvestigation
			}
		}
	case wontfix.DecisionWontFix, wontfix.DecisionEndOfLife:
		if ended && !swept(paid) {
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
	if all != wontfix.NoReason {
		all &^= wontfix.NoReason // there is one now
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
	product := r.Release.Product
	if slices.Contains(j.machine.Products, product+"-legacy") {
		product += "-legacy" // it goes on where the product ends
	}
	end := j.rules.end(j.machine.Support, product)
	if r.Decision == wontfix.DecisionFixed || !end.Past(j.options.asOf()) {
		return
	}
	f.Outlook, f.Decision, f.Evidence = wontfix.Never, wontfix.DecisionEndOfLife, wontfix.EvidenceRelease
	f.Reasons = addReason(f.Reasons, wontfix.EOLRelease)
	still := fmt.Sprintf("the tracker's word is still %s", r.Word)
	if r == j.derived {
		still = j.why
	}
	f.Because = fmt.Sprintf("%s, and %s ended on %s", still, j.period(product), end)
	if last := j.machine.Support.Legacy; j.rules == debianRules && !last.IsZero() && !last.Past(j.options.asOf()) {
		f.Because += fmt.Sprintf("; ELTS, which has to be paid for, goes on until %s", last)
	}
}

// tooLate weighs a fix of the distribution that the machine's own rebuilds,
// where that one has ended and the other has not: what came later never came
// here.
func (j *judge) tooLate(f *wontfix.Finding, r *wontfix.Statement) {
	end := j.machine.Support.Standard
	if f.Outlook != wontfix.Available || !j.rebuilds() || !end.Past(j.options.asOf()) {
		return
	}
	if fixed := wontfix.NewDate(r.Decided); fixed.After(end.Time) {
		f.Outlook, f.Decision, f.Evidence = wontfix.Never, wontfix.DecisionEndOfLife, wontfix.EvidenceRelease
		f.Reasons = addReason(f.Reasons, wontfix.EOLRelease)
		f.Because = fmt.Sprintf("%s has the fix in %s since %s, and %s ended on %s", j.machine.Base, r.Fixed, fixed, j.period(""), end)
		return
	}
	f.Because += fmt.Sprintf("; %s ended on %s, and has it only if it was out by then", j.period(""), end)
}

// rebuilds reports whether the machine's distribution rebuilds the packages of
// the one whose tracker speaks, and ends on a day of its own.
func (j *judge) rebuilds() bool {
	return j.rules.binaries && j.machine.Release.Distribution != j.machine.Base.Distribution
}

// period names what ends: a series, or a product of it.
func (j *judge) period(product string) string {
	release := j.machine.Base.Series
	if j.rules.binaries { // a number alone says little
		release = j.machine.Release.String()
	}
	return cmp.Or(product, "the support") + " of " + release
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

// offer looks for the fixed version in the machine's own package lists. What
// other archives than the distribution's call by the same version proves
// nothing.
func (j *judge) offer(f *wontfix.Finding) {
	if f.FixedVersion == "" || f.Outlook != wontfix.Available && f.Outlook != wontfix.Pending && f.Outlook != wontfix.Paid {
		return
	}
	for _, p := range j.in.packages {
		if p.Offer == nil || p.Offer.Archive == nil || !own(j.machine, p.Offer.Archive) {
			continue
		}
		v := cmp.Or(p.Offer.SourceVersion, p.Offer.Version)
		if j.rules.compare(v, f.FixedVersion) >= 0 {
			f.Offer, f.Outlook, f.Decision, f.Product = p.Offer, wontfix.Available, wontfix.DecisionFixed, ""
			f.Reasons = slices.DeleteFunc(f.Reasons, func(w string) bool { return w == wontfix.PaidTierOnly.String() })
			f.Because = fmt.Sprintf("%s has %s, and %s is installed", archiveName(p.Offer.Archive), v, j.in.version)
			return
		}
	}
	if f.Outlook == wontfix.Available && len(j.machine.Archives) > 0 {
		f.Because += "; none of the package lists on the machine offers it"
	}
}

func archiveName(a *wontfix.Archive) string {
	if a.Suite != "" {
		return a.Suite + "/" + a.Component
	}
	return a.Site
}

// kernel says whether a kernel is the one that runs: its image is named after
// what uname -r prints.
func (j *judge) kernel() string {
	running := j.machine.Kernel.Running
	if running == "" || !strings.HasPrefix(j.in.source, "linux") {
		return ""
	}
	says := ""
	for _, p := range j.in.packages {
		if strings.HasPrefix(p.Name, "linux-image-") || strings.HasPrefix(p.Name, "linux-modules-") {
			if strings.HasSuffix(p.Name, "-"+running) {
				return "running"
			}
			says = "not-running"
		}
	}
	return says
}

// foreign returns an addition to a finding's reason that names the archive of
// another publisher from which all packages of the source came, "" if there is
// none.
func (j *judge) foreign() string {
	origin := ""
	for _, p := range j.in.packages {
		if p.From == nil || p.From.Archive == nil || own(j.machine, p.From.Archive) {
			return ""
		}
		origin = cmp.Or(origin, p.From.Archive.Origin, p.From.Archive.Site)
	}
	if origin == "" {
		return ""
	}
	return "; it was installed from " + origin + ", not from the distribution"
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
	if before.Decision == wontfix.DecisionWontFix {
		f.Decision = before.Decision
	}
	f.Reasons = addReason(nil, before.Reasons&^wontfix.NoReason|wontfix.EOLRelease)
	f.Evidence, f.ReasonText, f.ReasonLine = before.Evidence, ReasonText(before), before.EvidenceLine
	if f.ReasonText == "" {
		f.Evidence, f.ReasonLine = wontfix.EvidenceRelease, 0
	}
	f.Because = fmt.Sprintf("the entry has no row for %s, which ended on %s; %s, after it, has the fix in %s, %s is installed, and %s, before it, is %s",
		j.machine.Base.Series, end, after.Release.Series, after.Fixed, j.in.version, before.Release.Series, before.Word)
	return f
}

// onlyPaid makes a finding of the row of a product where the series itself has
// none: the tracker makes no rows for a series that only subscribers get fixes
// for.
func (j *judge) onlyPaid() *wontfix.Finding {
	r := j.paid
	f := j.newFinding(r)
	j.outlook(f, r)
	product, because := r.Release.Product, fmt.Sprintf("the entry has no row for %s itself; ", j.machine.Base.Series)
	if len(j.chain) > 0 {
		because = fmt.Sprintf("the row for %s says %s; ", j.machine.Base.Series, j.chain[0].Word)
	}
	switch {
	case f.Outlook == wontfix.Available:
		f.Status, f.Decision, f.Outlook, f.Product = wontfix.Affected, wontfix.DecisionPaid, wontfix.Paid, product
		f.Reasons = addReason(f.Reasons, wontfix.PaidTierOnly)
		f.Because = fmt.Sprintf("%sfixed in %s, for subscribers of %s only", because, r.Fixed, product)
	case f.Outlook != wontfix.Never && r.Decision != wontfix.DecisionFixed && End(j.machine.Support, "").Past(j.options.asOf()):
		f.Decision, f.Outlook, f.Evidence = wontfix.DecisionEndOfLife, wontfix.Never, wontfix.EvidenceRelease
		f.Reasons = addReason(f.Reasons, wontfix.EOLRelease|wontfix.PaidTierOnly)
		f.Because = fmt.Sprintf("%s%s ended on %s, and for subscribers of %s it is %s", because, j.period(""), End(j.machine.Support, ""), product, r.Word)
	default:
		f.Because = fmt.Sprintf("%sfor subscribers of %s it is %s", because, product, r.Word)
	}
	j.offer(f)
	return f
}
