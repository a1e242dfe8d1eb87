package debian

import (
	"strings"

	"wontfix"
	"wontfix/reason"
	"wontfix/version"
)

// unimportant is the urgency of what Debian does not count as open work.
const unimportant = "unimportant"

// never is the version by which the tracker says that no version of a package
// was ever vulnerable.
const never = "0"

// meaning says what the row means by itself.
func (r *row) meaning() wontfix.Meaning {
	switch p := r.pseudo(); p {
	case "":
		return fixedIn(r.word, r.urgency)
	case "unfixed":
		if r.urgency == unimportant {
			return wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Strength: wontfix.Derived,
				Reasons: wontfix.MinorImpact, Evidence: wontfix.EvidenceBracket}
		}
		return wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason}
	case "removed":
		m := wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotInRelease,
			Reasons: wontfix.Removed, Evidence: wontfix.EvidenceWord}
		if r.urgency == unimportant {
			m.Reasons |= wontfix.MinorImpact
		}
		return m
	case "itp":
		return wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotInRelease,
			Reasons: wontfix.ComponentNotPresent, Evidence: wontfix.EvidenceWord}
	case "undetermined":
		return wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation,
			Reasons: wontfix.AnalysisPending, Evidence: wontfix.EvidenceWord}
	case "not-affected":
		return says(wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected}, r.inner, wontfix.CodeNotPresent)
	case "end-of-life":
		return says(wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionEndOfLife}, "", wontfix.SupportScope)
	default:
		return noAdvisory(p, r.inner)
	}
}

// fixedIn is what a version says. Where the flaw counts for nothing that is
// known of the versions below it too, and so kept.
func fixedIn(version, urgency string) wontfix.Meaning {
	if version == never {
		return says(wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected}, "", wontfix.CodeNotPresent)
	}
	m := wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: version}
	if urgency == unimportant {
		m.Reasons, m.Evidence = wontfix.MinorImpact, wontfix.EvidenceBracket
	}
	return m
}

// noAdvisory is what Debian says of a vulnerability that gets no advisory of
// its own: "ignored", "postponed", or "no-dsa" if it is neither. Any other word
// is one that is not known.
func noAdvisory(kind, text string) wontfix.Meaning {
	m := wontfix.Meaning{Status: wontfix.Affected}
	switch kind {
	case "ignored":
		m.Decision = wontfix.DecisionWontFix
		return says(m, text, 0)
	case "postponed":
		m.Decision = wontfix.DecisionDeferred
		return says(m, text, wontfix.Batched)
	case "no-dsa":
		m.Decision, m.Strength = wontfix.DecisionDeferred, wontfix.Soft
		return says(m, text, 0)
	}
	return wontfix.Meaning{}
}

// says adds the reasons that a text gives or, where it gives none, the one that
// the word itself does; 0 is no reason.
func says(m wontfix.Meaning, text string, byWord wontfix.Reasons) wontfix.Meaning {
	switch found := reason.Read(text); {
	case text != "" && found != 0:
		m.Reasons, m.Evidence = found, wontfix.EvidenceBracket
	case byWord != 0:
		m.Reasons, m.Evidence = byWord, wontfix.EvidenceWord
	default:
		m.Reasons = wontfix.NoReason
	}
	return m
}

// BugTag says what a word of Debian's bug tracking system means for the
// vulnerability that a bug is about: the tag "wontfix" or "pending". Other tags
// and fields decide nothing. A bug is a maintainer's, and about more than one
// vulnerability as often as not, so that what it says is soft.
func BugTag(tag string) wontfix.Meaning {
	switch tag {
	case "wontfix":
		return wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Strength: wontfix.Soft, Reasons: wontfix.NoReason}
	case "pending":
		return wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionFixPending, Strength: wontfix.Soft, Evidence: wontfix.EvidenceWord}
	}
	return wontfix.Meaning{Strength: wontfix.Soft}
}

// addNotes adds to a row the reasons that notes of its entry give. Notes are
// about all of the entry, so that they count for what Debian calls unimportant,
// where nothing else says why; and for a fix of which a note with its very
// version says that something else than the package keeps the flaw from harm.
func addNotes(s *wontfix.Statement, notes []wontfix.Note) {
	fix := s.Decision == wontfix.DecisionFixed && s.Priority != unimportant
	if !fix && s.Priority != unimportant || s.Decision == wontfix.DecisionNotAffected || s.Decision == wontfix.DecisionUnderInvestigation {
		return
	}
	var words []string
	for i := range notes {
		if fix && !names(notes[i].Text, s.Fixed) {
			continue
		}
		found := readNote(notes[i].Text)
		if fix {
			found &= wontfix.MitigatedElsewhere
		}
		if found&^s.Reasons == 0 {
			continue
		}
		if len(words) == 0 {
			s.Evidence, s.EvidenceLine = wontfix.EvidenceNote, notes[i].Line
		}
		words = append(words, notes[i].Text)
		s.Reasons |= found
	}
	s.Words = strings.Join(words, "\n")
}

// names reports whether a text has a version as a word.
func names(text, version string) bool {
	if !strings.Contains(text, version) {
		return false
	}
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\t(),;", r) }) {
		if f == version {
			return true
		}
	}
	return false
}

// links begin notes that say where a change is, and not why anything was
// decided.
var links = []string{"fix", "introduced", "regression", "backport", "todo:"}

// readNote returns the reasons that a note gives; those in the addresses of
// other texts are none.
func readNote(text string) wontfix.Reasons {
	lower := strings.ToLower(text)
	for _, l := range links {
		if strings.HasPrefix(lower, l) {
			return 0
		}
	}
	fields := strings.Fields(text)
	kept := fields[:0]
	for _, f := range fields {
		if !strings.Contains(f, "://") {
			kept = append(kept, f)
		}
	}
	return reason.Read(strings.Join(kept, " "))
}

// compareRows orders rows about one package in one release by how much they
// leave open: a version, then what is not determined, then what is not fixed.
// Where two say different things the higher one counts.
func compareRows(a, b *wontfix.Statement) int {
	if n := openness(a) - openness(b); n != 0 {
		return n
	}
	if openness(a) > 0 {
		return 0
	}
	return version.Dpkg(fixed(a), fixed(b))
}

func openness(s *wontfix.Statement) int {
	switch {
	case s.Decision == wontfix.DecisionFixed, s.Decision == wontfix.DecisionNotAffected:
		return 0
	case s.Decision == wontfix.DecisionUnderInvestigation:
		return 1
	}
	return 2
}

func fixed(s *wontfix.Statement) string {
	if s.Fixed == "" {
		return never
	}
	return s.Fixed
}

// beside reports whether a row stands beside what is fixed where, and changes
// nothing in it: one that says that there will be no advisory.
func beside(s *wontfix.Statement) bool {
	return s.Word == "<no-dsa>" || s.Word == "<ignored>" || s.Word == "<postponed>"
}
