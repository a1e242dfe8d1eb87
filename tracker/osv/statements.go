package osv

import (
	"strings"

	"wontfix"
	"wontfix/internal/markup"
)

// An event is one end of a range. A document has them in order.
type event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// read makes the statements of every affected element.
func (r *reader) read() {
	list := r.value.Get("affected")
	for _, a := range list.Elements() {
		for _, rng := range a.Get("ranges").Elements() {
			r.versioned = r.versioned || rng.Get("type").Text() != "GIT"
		}
	}
	for _, a := range list.Elements() {
		r.affected(a)
	}
}

func (r *reader) affected(v markup.Value) {
	var a affected
	if err := v.Decode(&a); err != nil {
		r.problem(v.Line(), "affected package: %v", err)
		return
	}
	place, known := r.place(&a)
	if !known {
		r.problem(v.Get("package", "ecosystem").Line(), "ecosystem %q is not known, and what is said of its packages is left out", a.Package.Ecosystem)
		return
	}
	if place.layered {
		return
	}
	s := wontfix.Statement{Source: a.Package.Name, Binary: place.binary, Release: place.release, Label: place.label,
		File: r.file, Priority: a.Specific.Priority}
	if s.Source == "" {
		s.Source = place.software
	}
	if s.Source == "" {
		r.problem(v.Line(), "affected package: no name")
		return
	}
	if a.Specific.Urgency != "" {
		s.Priority = a.Specific.Urgency
	}
	var only map[string][]severity
	if m := a.Database.Map.CVEs; len(m) > 0 {
		only = make(map[string][]severity)
		for _, c := range m {
			only[c.ID] = c.Severity
		}
	}
	add := func(at markup.Value, s wontfix.Statement) {
		s.Line, s.Pointer = at.Line(), at.Pointer()
		r.statements = append(r.statements, statement{s, only})
	}
	if r.document.Withdrawn != "" {
		s.Word, s.Detail = "withdrawn", r.document.Withdrawn
		s.Meaning = wontfix.Meaning{Decision: wontfix.DecisionWithdrawn, Decided: day(r.document.Withdrawn), Because: "the publisher has withdrawn it"}
		add(r.value.Get("withdrawn"), s)
		return
	}
	if place.events {
		r.components(v, s, add)
		return
	}
	ranges := v.Get("ranges")
	if !ranges.Exists() {
		r.problem(v.Line(), "affected package %s: versions without a range", s.Source)
	}
	for _, rng := range ranges.Elements() {
		if rng.Get("type").Text() == "GIT" && r.versioned {
			r.patch(rng, s.Source)
			continue
		}
		r.events(rng, s, &a, place, add)
	}
}

// events makes a statement of each stretch of versions.
func (r *reader) events(rng markup.Value, s wontfix.Statement, a *affected, place place, add func(markup.Value, wontfix.Statement)) {
	var open markup.Value
	from := ""
	for _, v := range rng.Get("events").Elements() {
		var e event
		if err := v.Decode(&e); err != nil {
			r.problem(v.Line(), "event: %v", err)
			continue
		}
		next := s
		next.Introduced = from
		switch {
		case e.Introduced != "":
			if open.Exists() {
				r.open(open, s, from, a, add)
			}
			from, open = e.Introduced, v
			if from == "0" {
				from = ""
			}
		case e.Fixed != "":
			next.Word, next.Detail, next.Fixed = "fixed", e.Fixed, e.Fixed
			next.Status, next.Decision = wontfix.Fixed, wontfix.DecisionFixed
			if place.paid {
				next.Status, next.Decision, next.Reasons, next.Evidence = wontfix.Affected, wontfix.DecisionPaid, wontfix.PaidTierOnly, wontfix.EvidenceWord
			}
			if place.paid && a.Specific.Availability != "" {
				next.Detail = a.Specific.Availability
			}
			open = markup.Value{}
			add(v, next)
		case e.LastAffected != "":
			// The last vulnerable version, and no word on the one that follows.
			next.Word, next.Detail = "last_affected", e.LastAffected
			next.Status, next.Decision = wontfix.Affected, wontfix.DecisionAffected
			next.Strength, next.Reasons = wontfix.Derived, wontfix.NoReason
			next.LastAffected = e.LastAffected
			open = markup.Value{}
			add(v, next)
		}
	}
	if open.Exists() {
		r.open(open, s, from, a, add)
	}
}

// open makes the statement of a stretch that no event ends.
func (r *reader) open(v markup.Value, s wontfix.Statement, from string, a *affected, add func(markup.Value, wontfix.Statement)) {
	s.Word, s.Introduced = "introduced", from
	s.Detail = v.Get("introduced").Text()
	s.Status, s.Decision, s.Strength, s.Reasons = wontfix.Affected, wontfix.DecisionAffected, wontfix.Derived, wontfix.NoReason
	if s.Release.Distribution == "debian" {
		switch a.Specific.Urgency {
		case "unimportant":
			s.Detail = a.Specific.Urgency
			s.Decision, s.Reasons, s.Evidence = wontfix.DecisionWontFix, wontfix.MinorImpact, wontfix.EvidenceWord
		case "end-of-life":
			s.Detail = a.Specific.Urgency
			s.Decision, s.Reasons, s.Evidence = wontfix.DecisionEndOfLife, wontfix.SupportScope, wontfix.EvidenceWord
		}
	}
	add(v, s)
}

// patch keeps the commits of a range that versions are given for too.
func (r *reader) patch(rng markup.Value, source string) {
	set := wontfix.PatchSet{Source: source, Line: rng.Line()}
	repository := strings.TrimSuffix(rng.Get("repo").Text(), ".git")
	for _, v := range rng.Get("events").Elements() {
		if commit := v.Get("fixed").Text(); commit != "" {
			set.Patches = append(set.Patches, wontfix.Patch{Kind: "upstream", Text: repository + "/commit/" + commit, Line: v.Line()})
		}
	}
	if len(set.Patches) > 0 {
		r.patches = append(r.patches, set)
	}
}

// eventMeanings has what Chainguard's events say when they are the latest of a
// package.
var eventMeanings = map[string]wontfix.Meaning{
	"fixed":                        {Status: wontfix.Fixed, Decision: wontfix.DecisionFixed},
	"detection":                    {Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Strength: wontfix.Derived, Reasons: wontfix.AnalysisPending},
	"true_positive_determination":  {Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason},
	"false_positive_determination": {Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason},
	"pending_upstream_fix":         {Status: wontfix.Affected, Decision: wontfix.DecisionDeferred, Reasons: wontfix.UpstreamUnfixed, Evidence: wontfix.EvidenceWord},
	"fix_not_planned":              {Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.NoReason},
	"analysis_not_planned":         {Decision: wontfix.DecisionUnknown, Reasons: wontfix.NoReason},
}

// components makes the statements of a package whose components say what the
// latest event was. A fix is read from the ranges, which have the version.
func (r *reader) components(v markup.Value, s wontfix.Statement, add func(markup.Value, wontfix.Statement)) {
	var a affected
	said := ""
	for _, c := range v.Get("ecosystem_specific", "components").Elements() {
		word := c.Get("latest_event_status")
		if word.Text() == "" || word.Text() == "fixed" || word.Text() == said {
			continue
		}
		m, ok := eventMeanings[word.Text()]
		if !ok {
			r.problem(word.Line(), "event %q of %s is not known", word.Text(), s.Source)
			continue
		}
		next := s
		said = word.Text()
		next.Word, next.Meaning = said, m
		add(word, next)
	}
	if said == "" {
		for _, rng := range v.Get("ranges").Elements() {
			r.events(rng, s, &a, place{}, add)
		}
	}
}

// day returns the date of a time of RFC 3339, "" if it is none.
func day(s string) string {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return ""
	}
	return s[:10]
}
