// Package wolfi reads Wolfi's advisories: a YAML document for each package with
// the events of each vulnerability. The latest event is what counts.
// docs/formats/wolfi.md has the form.
//
// The publisher's licence forbids to pass the data on: none of it is in this
// repository, and the cases of the tests are made up.
package wolfi

import (
	"fmt"
	"iter"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/reason"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

// meanings are the types of events, as the latest.
var meanings = map[string]wontfix.Meaning{
	"detection":                   {Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Strength: wontfix.Derived, Reasons: wontfix.AnalysisPending},
	"true-positive-determination": {Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason},
	"fixed":                       {Status: wontfix.Fixed, Decision: wontfix.DecisionFixed},
	"pending-upstream-fix":        {Status: wontfix.Affected, Decision: wontfix.DecisionDeferred, Reasons: wontfix.UpstreamUnfixed, Evidence: wontfix.EvidenceWord},
	"fix-not-planned":             {Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.NoReason},
	"analysis-not-planned":        {Decision: wontfix.DecisionUnknown, Reasons: wontfix.NoReason},
}

// falsePositives are the types of a false-positive-determination: a reason that
// the publisher declares, which beats any that could be read from the note.
var falsePositives = map[string]wontfix.Reasons{
	"vulnerability-record-analysis-contested":           wontfix.Disputed,
	"component-vulnerability-mismatch":                  wontfix.ComponentNotPresent,
	"vulnerable-code-version-not-used":                  wontfix.CodeNotPresent,
	"vulnerable-code-not-included-in-package":           wontfix.CodeNotPresent,
	"vulnerable-code-not-in-execution-path":             wontfix.NotExploitableHere,
	"vulnerable-code-cannot-be-controlled-by-adversary": wontfix.NotExploitableHere,
	"inline-mitigations-exist":                          wontfix.MitigatedElsewhere,
}

// A document has the advisories of one package. Nodes keep their lines.
type document struct {
	Package struct {
		Name string `yaml:"name"`
	} `yaml:"package"`
	Advisories []struct {
		ID      string      `yaml:"id"`
		Aliases []string    `yaml:"aliases"`
		Events  []yaml.Node `yaml:"events"`
	} `yaml:"advisories"`
}

type event struct {
	Timestamp string `yaml:"timestamp"`
	Type      string `yaml:"type"`
	Data      struct {
		Type  string `yaml:"type"`
		Note  string `yaml:"note"`
		Fixed string `yaml:"fixed-version"`
	} `yaml:"data"`
}

var (
	cveForm   = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)
	otherForm = lazyregexp.New(`^(CGA|GHSA)(-[0-9a-z]{4}){3}$`)
)

// Parse yields an entry for each advisory of one package. The error is for a
// text that is no document of advisories.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		var d document
		if err := yaml.Unmarshal(text, &d); err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: advisories: %w", file, err))
			return
		}
		if d.Package.Name == "" {
			yield(wontfix.Change{}, fmt.Errorf("%s: advisories: no package with a name", file))
			return
		}
		for i, a := range d.Advisories {
			c := wontfix.Change{File: file}
			names := append([]string{a.ID}, a.Aliases...)
			for _, form := range []*lazyregexp.Regexp{cveForm, otherForm} {
				for _, n := range names {
					if c.ID == "" && form.MatchString(n) {
						c.ID = n
					}
				}
			}
			problem := func(line int, format string, args ...any) {
				c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
			}
			if c.ID == "" {
				problem(0, "advisory %d: neither the ID %q nor an alias is one that is known", i, a.ID)
			} else {
				c.Entry = &wontfix.Entry{ID: c.ID, File: file}
				for _, n := range names {
					if n != c.ID && n != "" {
						c.Entry.Aliases = append(c.Entry.Aliases, n)
					}
				}
				if s, ok := latest(a.Events, problem); ok {
					s.ID, s.Source, s.File = c.ID, d.Package.Name, file
					s.Release, s.Label = wontfix.Release{Distribution: "wolfi", Series: "rolling"}, "rolling"
					s.Pointer = "/advisories/" + strconv.Itoa(i) + "/events/" + s.Pointer
					c.Entry.Statements = append(c.Entry.Statements, s)
				}
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// latest makes the statement that the latest of the events is. Of events with
// one time it is the last.
func latest(events []yaml.Node, problem func(int, string, ...any)) (wontfix.Statement, bool) {
	var s wontfix.Statement
	var at time.Time
	found := false
	for i := range events {
		n := &events[i]
		var e event
		if err := n.Decode(&e); err != nil {
			problem(n.Line, "event: %v", err)
			continue
		}
		when, err := time.Parse(time.RFC3339, e.Timestamp)
		if err != nil {
			problem(n.Line, "event %q: time %q is none", e.Type, e.Timestamp)
			continue
		}
		if found && when.Before(at) {
			continue
		}
		m, word, ok := meaning(&e)
		if !ok {
			problem(n.Line, "event %q with type %q is not known", e.Type, e.Data.Type)
		}
		m.Decided = when.UTC().Format(time.DateOnly)
		s = wontfix.Statement{Word: word, Detail: e.Data.Note, Line: n.Line, Pointer: strconv.Itoa(i), Meaning: m}
		at, found = when, true
	}
	return s, found && s.Word != ""
}

// meaning returns what an event says as the latest, and the word that says it.
func meaning(e *event) (m wontfix.Meaning, word string, ok bool) {
	if e.Type == "false-positive-determination" {
		r, ok := falsePositives[e.Data.Type]
		if !ok {
			return wontfix.Meaning{}, e.Type, false
		}
		return wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: r, Evidence: wontfix.EvidenceWord}, e.Data.Type, true
	}
	m, ok = meanings[e.Type]
	switch m.Decision {
	case wontfix.DecisionFixed:
		if m.Fixed = e.Data.Fixed; m.Fixed == "" {
			return wontfix.Meaning{}, e.Type, false
		}
	case wontfix.DecisionWontFix:
		if r := reason.Read(e.Data.Note); r != 0 {
			m.Reasons, m.Evidence = r, wontfix.EvidenceBracket
			if r.Has(wontfix.EOLRelease) {
				m.Decision = wontfix.DecisionEndOfLife
			}
		}
	}
	return m, e.Type, ok
}
