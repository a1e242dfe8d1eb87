package report

import (
	"fmt"
	"slices"
	"strings"

	"wontfix"
)

// behaviourText says what clients were seen to do: "2026-11-25: shows it to be
// fixed: python2.7/urllib refuses …".
func behaviourText(list []wontfix.Behaviour) (texts []string) {
	for _, same := range sameBehaviour(list) {
		b := same[0]
		verdict := "shows it to be fixed"
		if b.Shows == wontfix.ShowsVulnerable {
			verdict = "shows it to be vulnerable"
		}
		texts = append(texts, fmt.Sprintf("the probe of %s %s: %s: %s", day(b.Time.UTC()), verdict, foldIDs(clientsOf(same)), b.Because))
	}
	return texts
}

// clientsOf returns the IDs of those that behaved.
func clientsOf(list []wontfix.Behaviour) (ids []string) {
	for _, b := range list {
		ids = append(ids, b.Client)
	}
	return ids
}

// sameBehaviour puts together those that differ in the client alone.
func sameBehaviour(list []wontfix.Behaviour) [][]wontfix.Behaviour {
	var groups [][]wontfix.Behaviour
	for _, b := range list {
		i := slices.IndexFunc(groups, func(g []wontfix.Behaviour) bool {
			return g[0].ID == b.ID && g[0].Shows == b.Shows && g[0].Because == b.Because && g[0].Package == b.Package && g[0].VersionSays == b.VersionSays && day(g[0].Time.UTC()) == day(b.Time.UTC())
		})
		if i < 0 {
			groups = append(groups, []wontfix.Behaviour{b})
			continue
		}
		groups[i] = append(groups[i], b)
	}
	return groups
}

// byVulnerability puts clients of a probe together whatever package they are of,
// and what is vulnerable first.
func byVulnerability(list []wontfix.Behaviour) [][]wontfix.Behaviour {
	list = slices.Clone(list)
	for i := range list {
		list[i].Package = ""
	}
	slices.SortStableFunc(list, func(a, b wontfix.Behaviour) int { return -strings.Compare(string(a.Shows), string(b.Shows)) })
	return sameBehaviour(list)
}

// versionSays puts [wontfix.Behaviour.VersionSays] into words.
func versionSays(b wontfix.Behaviour) string {
	switch b.VersionSays {
	case "vulnerable":
		return "the version says vulnerable"
	case "not-vulnerable":
		return "the version says not vulnerable"
	}
	return "of the version nothing is said"
}

// worthShowing returns the behaviour of a scan that no finding shows as well:
// what contradicts a version, and what is vulnerable without a finding.
func worthShowing(s *wontfix.Scan) []wontfix.Behaviour {
	var list []wontfix.Behaviour
	for _, b := range s.Behaviour {
		if b.Disagrees() || b.Shows == wontfix.ShowsVulnerable && b.VersionSays != "vulnerable" {
			list = append(list, b)
		}
	}
	return list
}

// behaviour writes where what was seen and what the version says differ.
func (t *scanText) behaviour() {
	list := worthShowing(t.s)
	if len(list) == 0 {
		return
	}
	t.blank()
	t.rule(strong("Seen by a probe"), dim(" · where the version says otherwise, or nothing"))
	for _, same := range sameBehaviour(list) {
		b := same[0]
		t.flow(2, 4, []span{strong(b.Package), text(" " + b.Version + ", " + b.ID + ": " + versionSays(b) + "; "), in(showsStyle(b.Shows), behaviourText(same)[0])})
	}
}
