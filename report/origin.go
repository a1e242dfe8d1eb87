package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wontfix"
)

// classText has, for each class, a phrase for what a commit did to a row.
var classText = map[wontfix.Class]string{
	wontfix.ClassUnknown:     "not known how",
	wontfix.ClassUnseen:      "by a commit that is not at hand",
	wontfix.ClassCreate:      "made with the entry",
	wontfix.ClassCopyDevel:   "copied as the release was opened",
	wontfix.ClassCopyParent:  "copied from the release",
	wontfix.ClassCopySibling: "copied from another source",
	wontfix.ClassReword:      "the same in other words",
	wontfix.ClassRemoved:     "row taken out",
	wontfix.ClassEOLSweep:    "swept, support had ended",
	wontfix.ClassGone:        "swept, package superseded or gone",
	wontfix.ClassRobot:       "set by a program",
	wontfix.ClassBulk:        "swept with many others",
	wontfix.ClassDecision:    "decided",
	wontfix.ClassNote:        "notes",
}

// confidenceText says how sure it is who decided.
var confidenceText = map[wontfix.Confidence]string{
	wontfix.ConfidenceNone:   "none: it is not known who decided",
	wontfix.ConfidenceLow:    "low: a template's or a copy's word, and nothing behind it",
	wontfix.ConfidencePolicy: "a rule that was applied to many entries at once",
	wontfix.ConfidenceMedium: "medium: one person's change, without their own words beside it",
	wontfix.ConfidenceHigh:   "high: one person's change, with their own words",
}

// sourceText says where the reasons of a decision stood when it was made.
var sourceText = map[wontfix.Evidence]string{
	wontfix.EvidenceNone:    "none",
	wontfix.EvidenceWord:    "the status word itself",
	wontfix.EvidenceBracket: "the text in brackets",
	wontfix.EvidenceNote:    "another note of the entry",
	wontfix.EvidenceRelease: "the dates of the release",
	wontfix.EvidenceMessage: "the commit's message",
	wontfix.EvidenceOwnNote: "own note in the same commit",
}

// sweeps reports whether a class is of commits that decide about no single
// vulnerability.
func sweeps(c wontfix.Class) bool {
	switch c {
	case wontfix.ClassEOLSweep, wontfix.ClassGone, wontfix.ClassRobot, wontfix.ClassBulk:
		return true
	}
	return false
}

// manyEntries is how many entries a commit changes at least to be called a
// commit to so many.
const manyEntries = 10

// day writes the day of a moment, in the time zone that it has: the author's.
func day(t time.Time) string {
	if t.IsZero() {
		return "an unknown day"
	}
	return t.Format(time.DateOnly)
}

// thousands writes a number with commas: "34,275".
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// many writes a number with commas and its noun: "34,275 entries".
func many(n int, noun string) string {
	s := count(n, noun)
	return thousands(n) + s[strings.IndexByte(s, ' '):]
}

// subject writes the first line of a commit's message.
func subject(r *wontfix.Revision) string {
	if unseen(r) {
		return "the commits before it are not at hand"
	}
	return cmp.Or(oneLine(r.Subject), "no message")
}

func author(r *wontfix.Revision) string {
	if unseen(r) {
		return "a reading of the tracker"
	}
	return cmp.Or(oneLine(r.Author), "somebody")
}

// unseen reports whether a revision stands for commits that are not at hand.
func unseen(r *wontfix.Revision) bool { return r.Author == "" && r.Subject == "" }

// stated writes a word of a tracker with what stands beside it in brackets.
func stated(word, detail string) string { return says(wontfix.Row{Status: word, Detail: detail}) }

// originText says in one sentence without an end who decided what a row says,
// with n columns of the commit's subject, none if n is too small for any.
// Sweeps and programs are called what they are, and nobody is credited with
// them. It is "" where there is nothing to say.
func originText(o *wontfix.Origin, n int) string {
	if o == nil || o.Decided == nil {
		return ""
	}
	r, said := o.Decided, ""
	if n >= 16 {
		said = cutWords(subject(r), n)
	}
	s := ""
	switch o.Class {
	case wontfix.ClassDecision:
		s = "decided " + day(r.Time) + " by " + author(r) + " in " + shortRevision(r.Commit) + among(r.Entries) + after(said)
	case wontfix.ClassCreate:
		s = "as the entry was made, " + day(r.Time) + ", from a template"
		if o.Confidence >= wontfix.ConfidenceMedium {
			s = "as the entry was made, " + day(r.Time) + ", by " + author(r) + " in " + shortRevision(r.Commit) + after(said)
		}
	case wontfix.ClassEOLSweep, wontfix.ClassGone, wontfix.ClassBulk, wontfix.ClassRobot:
		s = sweepText(o, said)
	case wontfix.ClassCopyDevel, wontfix.ClassCopyParent, wontfix.ClassCopySibling, wontfix.ClassReword:
		s = classText[o.Class] + ", " + day(r.Time) + after(said)
	default:
		return ""
	}
	if o.CopiedFrom != "" {
		s = "a copy of " + o.CopiedFrom + ": " + s
	}
	return s
}

func after(said string) string {
	if said == "" {
		return ""
	}
	return ": " + said
}

func among(entries int) string {
	if entries < manyEntries {
		return ""
	}
	return ", to " + many(entries, "entry")
}

// sweepText says what kind of sweep wrote a row, and what a person had last
// said before.
func sweepText(o *wontfix.Origin, said string) (s string) {
	r, in := o.Decided, ""
	if said != "" {
		in = " (" + said + ")"
	}
	s = "swept " + day(r.Time)
	by := " by a commit to " + many(r.Entries, "entry") + in + ", which decided nothing about this one"
	if r.Entries < manyEntries {
		by = in
	}
	switch o.Class {
	case wontfix.ClassRobot:
		s = "set " + day(r.Time) + " by a program, " + author(r) + in
	case wontfix.ClassGone:
		s += " as the package was superseded or gone" + by
	case wontfix.ClassEOLSweep:
		if r.Entries < manyEntries {
			s = "closed " + day(r.Time) + " as support had ended"
		}
		s += by
	default:
		s += by
	}
	if b := o.Before; b != nil {
		s += "; last word before: " + stated(b.Status, b.Detail) + ", " + author(&b.Revision) + ", " + day(b.Time)
	}
	return s
}

// hiddenReasons returns the reasons of the time of the decision that the row
// no longer gives.
func hiddenReasons(o *wontfix.Origin, given []string) (list []string) {
	if o == nil {
		return nil
	}
	for _, r := range o.Reasons {
		if r != "no-reason-given" && !slices.Contains(given, r) {
			list = append(list, r)
		}
	}
	return list
}

// hiddenText writes the reasons that the row no longer gives, and why not.
func hiddenText(o *wontfix.Origin, given []string) string {
	list := hiddenReasons(o, given)
	if len(list) == 0 {
		return ""
	}
	s := "the reason then: " + reasonList(list)
	if o.Evidence == wontfix.EvidenceBracket && o.Words != "" {
		s += " “" + oneLine(o.Words) + "”"
	}
	if o.Wrote != nil && o.WroteClass == wontfix.ClassReword {
		s += ", reworded " + day(o.Wrote.Time) + among(o.Wrote.Entries)
	}
	return s
}

// originLines is how many lines of text a finding spends on who decided.
const originLines = 2

// ShowsOrigin reports whether [WriteScan] writes in a format who decided about
// f. Text and Markdown say it where a reader asks for it: of the outlooks that
// somebody chose.
func ShowsOrigin(format string, f *wontfix.Finding) bool {
	return format != "text" && format != "markdown" || chosen(f)
}

func chosen(f *wontfix.Finding) bool {
	return f.Outlook == wontfix.Never || f.Outlook == wontfix.Deferred
}

// findingOrigin writes who decided about a finding.
func findingOrigin(f *wontfix.Finding, room int) string {
	if !chosen(f) {
		return ""
	}
	least := originText(f.Origin, 0)
	if least == "" {
		return ""
	}
	hidden := hiddenText(f.Origin, f.Reasons)
	left := room*originLines - columns(Clean(least)) - columns(Clean(hidden)) - 8
	s := originText(f.Origin, left)
	if hidden != "" {
		s += "; " + hidden
	}
	return s
}

// asAbove says in a few words that a finding has the origin of the one above.
func asAbove(f *wontfix.Finding) string {
	switch {
	case sweeps(f.Origin.Class):
		return "swept as the one above"
	case f.Origin.Class == wontfix.ClassCreate:
		return "made as the one above"
	}
	return "decided as the one above"
}
