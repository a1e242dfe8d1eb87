// Package launchpad reads bug tasks of Launchpad's web service: what the bug
// tracker of Ubuntu and of many projects says of a package in a release. It is a
// weaker word than the security team's. docs/formats/launchpad.md has the form.
package launchpad

import (
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/internal/markup"
)

// Version is the version of what [Parse] makes of a text.
const Version = "1"

var (
	cveForm = lazyregexp.New(`\bCVE-\d{4}-\d{4,}\b`)
	number  = lazyregexp.New(`^\d+$`)
	// target is a package of a distribution, in a series or in the one under
	// development: python2.7 (Ubuntu Trusty), python2.7 (Ubuntu).
	target = lazyregexp.New(`^(\S+) \((\w+)(?: ([\w.]+))?\)$`)
)

// meanings are what the words of a task's status mean.
var meanings = map[string]wontfix.Meaning{
	"New":            {Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Reasons: wontfix.AnalysisPending},
	"Incomplete":     {Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Reasons: wontfix.AnalysisPending},
	"Opinion":        {Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.Disputed},
	"Invalid":        {Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected, Reasons: wontfix.NoReason},
	"Won't Fix":      {Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.NoReason},
	"Expired":        {Reasons: wontfix.NoReason},
	"Confirmed":      {Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason},
	"Triaged":        {Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason},
	"In Progress":    {Status: wontfix.Affected, Decision: wontfix.DecisionFixPending},
	"Fix Committed":  {Status: wontfix.Affected, Decision: wontfix.DecisionFixPending},
	"Fix Released":   {Status: wontfix.Fixed, Decision: wontfix.DecisionFixed},
	"Deferred":       {Status: wontfix.Affected, Decision: wontfix.DecisionDeferred, Reasons: wontfix.NoReason},
	"Does Not Exist": {Status: wontfix.NotAffected, Decision: wontfix.DecisionNotInRelease, Reasons: wontfix.ComponentNotPresent},
	"Unknown":        {},
}

// Parse yields the entries of one bug task, or of a collection of them: one for
// each CVE that the title names, or else one for the bug, "LP:1458945". The
// error is for a text that is neither.
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: bug task: %w", file, err))
			return
		}
		tasks := []markup.Value{v}
		if list := v.Get("entries"); list.Exists() {
			tasks = nil
			for _, t := range list.Elements() {
				tasks = append(tasks, t)
			}
		} else if !v.Get("status").Exists() {
			yield(wontfix.Change{}, fmt.Errorf("%s: bug task: no status, and no entries", file))
			return
		}
		entries := map[string]*wontfix.Change{}
		var order []string
		for _, t := range tasks {
			ids, s, problem := task(file, t)
			if problem != "" {
				if !yield(wontfix.Change{File: file, Problems: []wontfix.Problem{{File: file, Line: t.Line(), Text: problem}}}, nil) {
					return
				}
				continue
			}
			for _, id := range ids {
				c := entries[id]
				if c == nil {
					c = &wontfix.Change{File: file, ID: id, Entry: &wontfix.Entry{ID: id, File: file, Published: day(t.Get("date_created"))}}
					entries[id], order = c, append(order, id)
				}
				s.ID = id
				c.Entry.Statements = append(c.Entry.Statements, s)
				if link := t.Get("web_link").Text(); link != "" && !slices.Contains(c.Entry.Bugs, link) {
					c.Entry.Bugs = append(c.Entry.Bugs, link)
				}
			}
		}
		for _, id := range order {
			if !yield(*entries[id], nil) {
				return
			}
		}
	}
}

// task reads one bug task: what it is about, and what it says.
func task(file string, t markup.Value) (ids []string, s wontfix.Statement, problem string) {
	title, status := t.Get("title").Text(), t.Get("status")
	for _, id := range cveForm.FindAllString(title, -1) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if bug := path.Base(t.Get("bug_link").Text()); len(ids) == 0 && number.MatchString(bug) {
		ids = []string{"LP:" + bug}
	}
	m, known := meanings[status.Text()]
	name := t.Get("bug_target_name").Text()
	switch {
	case len(ids) == 0:
		return nil, s, "bug task: the title names no CVE, and there is no bug_link"
	case status.Text() == "":
		return nil, s, "bug task: no status"
	case name == "":
		return nil, s, "bug task: no bug_target_name"
	}
	if !known {
		m = wontfix.Meaning{Reasons: wontfix.NoReason}
	}
	m.Strength, m.Decided = wontfix.Soft, day(t.Get("date_closed"))
	if m.Reasons != 0 {
		m.Evidence = wontfix.EvidenceWord
	}
	s = wontfix.Statement{Source: name, Release: wontfix.Release{Distribution: "launchpad"}, Label: "launchpad", File: file,
		Line: status.Line(), Pointer: status.Pointer(), Word: status.Text(), Priority: t.Get("importance").Text(), Meaning: m}
	if p := target.FindStringSubmatch(name); p != nil {
		s.Source, s.Release = p[1], wontfix.Release{Distribution: strings.ToLower(p[2]), Series: strings.ToLower(p[3])}
		s.Label = strings.TrimSuffix(name[len(p[1])+2:], ")")
	}
	return ids, s, ""
}

func day(v markup.Value) string {
	if s := v.Text(); len(s) >= 10 && s[4] == '-' && s[7] == '-' {
		return s[:10]
	}
	return ""
}
