// Package arch reads the list of issues of Arch Linux's security tracker: a
// JSON array of groups (AVG), each of which has packages, the CVEs that it is
// about, and a status. docs/formats/arch.md has the form.
package arch

import (
	"fmt"
	"iter"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

// meanings are the words of a group's status.
var meanings = map[string]wontfix.Meaning{
	"Fixed":        {Status: wontfix.Fixed, Decision: wontfix.DecisionFixed},
	"Testing":      {Status: wontfix.Affected, Decision: wontfix.DecisionFixPending, Reasons: wontfix.Batched, Evidence: wontfix.EvidenceWord},
	"Vulnerable":   {Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason},
	"Not affected": {Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason},
	"Unknown":      {Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Reasons: wontfix.AnalysisPending},
}

var cveForm = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// Parse yields an entry for each CVE of each group. The error is for a text
// that is no list of groups.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		if err == nil && v.Raw()[0] != '[' {
			err = fmt.Errorf("want a JSON array")
		}
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: groups: %w", file, err))
			return
		}
		for _, e := range v.Elements() {
			for _, c := range group(file, e) {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// group makes the changes of one group.
func group(file string, v markup.Value) []wontfix.Change {
	var g struct {
		Name       string   `json:"name"`
		Packages   []string `json:"packages"`
		Status     string   `json:"status"`
		Severity   string   `json:"severity"`
		Fixed      string   `json:"fixed"`
		Issues     []string `json:"issues"`
		Advisories []string `json:"advisories"`
	}
	problem := func(format string, args ...any) []wontfix.Change {
		return []wontfix.Change{{File: file, Problems: []wontfix.Problem{{File: file, Line: v.Line(), Text: fmt.Sprintf(format, args...)}}}}
	}
	if err := v.Decode(&g); err != nil {
		return problem("group: %v", err)
	}
	m, ok := meanings[g.Status]
	if !ok {
		return problem("group %s: status %q is not known", g.Name, g.Status)
	}
	switch m.Decision {
	case wontfix.DecisionFixed:
		m.Fixed = g.Fixed
		if len(g.Advisories) > 0 {
			m.Advisory = g.Advisories[0]
		}
	case wontfix.DecisionFixPending:
		m.Fixed = g.Fixed
	}
	status := v.Get("status")
	var changes []wontfix.Change
	for _, id := range g.Issues {
		if !cveForm.MatchString(id) {
			changes = append(changes, problem("group %s: issue %q is no CVE ID", g.Name, id)...)
			continue
		}
		e := &wontfix.Entry{ID: id, File: file, Priority: wontfix.Priority{Word: g.Severity, Line: v.Get("severity").Line()}}
		for _, name := range g.Packages {
			if name == "" {
				continue
			}
			e.Statements = append(e.Statements, wontfix.Statement{ID: id, Source: name, Binary: true, Label: "rolling",
				Release: wontfix.Release{Distribution: "arch", Series: "rolling"}, File: file, Line: status.Line(), Pointer: status.Pointer(),
				Word: g.Status, Priority: g.Severity, Meaning: m})
		}
		changes = append(changes, wontfix.Change{File: file, ID: id, Entry: e})
	}
	return changes
}
