package match_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"wontfix"
	"wontfix/match"
)

// someFindings are five, each unlike the others.
func someFindings() []wontfix.Finding {
	return []wontfix.Finding{
		{ID: "CVE-1", Source: "a", Binaries: []string{"a", "liba1"}, Outlook: wontfix.Never, Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Priority: "high", Reasons: []string{"no-reason-given"}, FixedElsewhere: []string{"redhat"}, Exploitation: &wontfix.Exploitation{Listed: []wontfix.Listed{{Catalogue: "kev", Added: "2022-01-28"}}, EPSS: &wontfix.EPSS{Probability: 0.5}}},
		{ID: "CVE-1", Source: "b", Binaries: []string{"b"}, Outlook: wontfix.Never, Status: wontfix.Affected, Decision: wontfix.DecisionEndOfLife, Priority: "low", Reasons: []string{"eol-release", "superseded"}, Exploitation: &wontfix.Exploitation{EPSS: &wontfix.EPSS{Probability: 0.1}}},
		{ID: "CVE-2", Source: "a", Binaries: []string{"a"}, Outlook: wontfix.Open, Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Priority: "critical", Reasons: []string{"no-reason-given"}},
		{ID: "CVE-3", Source: "c", Binaries: []string{"c"}, Outlook: wontfix.Undecided, Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation, Priority: "untriaged", Published: "2023-10-03"},
		{ID: "CVE-4", Source: "c", Binaries: []string{"c"}, Outlook: wontfix.Never, Status: wontfix.Affected, Decision: wontfix.DecisionEndOfLife, Priority: "medium"},
	}
}

func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		what   string
		filter match.Filter
		kept   string // places in the list
		hidden string
	}{
		{"everything", match.Filter{}, "0 1 2 3 4", ""},
		{"outlooks", match.Filter{Outlooks: []wontfix.Outlook{wontfix.Open, wontfix.Undecided}}, "2 3", "3 --outlook leaves them out"},
		{"statuses", match.Filter{Statuses: []wontfix.Status{wontfix.UnderInvestigation}}, "3", "4 --status leaves them out"},
		{"any of the reasons", match.Filter{Reasons: wontfix.Superseded | wontfix.NoReason}, "0 1 2", "2 --reason leaves them out"},
		{"priorities", match.Filter{Priorities: []string{"high", "critical"}}, "0 2", "3 --priority leaves them out"},
		{"what others fixed", match.Filter{FixedElsewhere: true}, "0", "4 --others fixed leaves them out"},
		{"what is exploited", match.Filter{Exploited: true}, "0", "4 --exploited leaves them out"},
		{"source package", match.Filter{Packages: []string{"c"}}, "3 4", "3 --package leaves them out"},
		{"binary package", match.Filter{Packages: []string{"liba1"}}, "0", "4 --package leaves them out"},
		{"first cause counts", match.Filter{Outlooks: []wontfix.Outlook{wontfix.Never}, Priorities: []string{"high"}, Packages: []string{"b"}}, "",
			"2 --priority leaves them out, 1 --package leaves them out, 2 --outlook leaves them out"},
	} {
		all := someFindings()
		kept, hidden := tt.filter.Apply(all)
		var places []string
		for _, k := range kept {
			for i := range all {
				if reflect.DeepEqual(all[i], k) {
					places = append(places, fmt.Sprint(i))
				}
			}
		}
		if got := strings.Join(places, " "); got != tt.kept || kept == nil {
			t.Errorf("%s: kept %q, want %q", tt.what, got, tt.kept)
		}
		sum := len(kept)
		causes := make(map[string]bool)
		for _, h := range hidden {
			sum += h.Count
			causes[fmt.Sprint(h.Count, " ", h.Because)] = true
		}
		want := make(map[string]bool)
		for _, w := range strings.Split(tt.hidden, ", ") {
			if w != "" {
				want[w] = true
			}
		}
		if sum != len(all) || !reflect.DeepEqual(causes, want) {
			t.Errorf("%s: hidden %v, want %q; %d of %d are accounted for", tt.what, hidden, tt.hidden, sum, len(all))
		}
	}
}

func TestGates(t *testing.T) {
	now := day(t, "2024-01-01") // ninety days after 2023-10-03
	for _, tt := range []struct {
		gate string
		want int
	}{
		{"never", 3}, {"open", 1}, {"paid", 0}, {"undecided", 1},
		{"critical", 1}, {"high", 2}, {"low", 4}, {"untriaged", 5},
		{"undocumented", 1}, {"fixed-elsewhere", 1}, {"never+fixed-elsewhere", 1}, {"never+low+fixed-elsewhere", 1}, {"never+critical+fixed-elsewhere", 0}, {"open+fixed-elsewhere", 0}, {"never+open", 0},
		{"exploited", 1}, {"never+exploited", 1}, {"open+exploited", 0}, {"epss>=0.1", 2}, {"epss>=0.11", 1}, {"epss>=0", 2}, {"epss>=1", 0},
		{"undecided-older-than=89d", 1}, {"undecided-older-than=90d", 0}, {"undecided-older-than=36525d", 0}, {"undecided-older-than=0d", 1},
	} {
		g, err := match.ParseGate(tt.gate)
		if err != nil {
			t.Errorf("%s: %v", tt.gate, err)
			continue
		}
		if n := g.Trips(someFindings(), now); n != tt.want || g.String() != tt.gate {
			t.Errorf("%s trips for %d findings, want %d; it calls itself %s", tt.gate, n, tt.want, g)
		}
	}
	for _, s := range []string{"", "sometimes", "undecided-older-than=", "undecided-older-than=90", "undecided-older-than=-1d", "undecided-older-than=xd", "epss>=", "epss>=2", "epss>=NaN", "epss>=-1",
		"undecided-older-than=36526d", "undecided-older-than=99999999999999999999d"} {
		if _, err := match.ParseGate(s); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", s)) {
			t.Errorf("ParseGate(%q): %v, want an error with the words", s, err)
		}
	}
	undated := []wontfix.Finding{{Decision: wontfix.DecisionUnderInvestigation, Published: "soon"}}
	if g, err := match.ParseGate("undecided-older-than=0d"); err != nil || g.Trips(undated, now) != 0 {
		t.Errorf("a finding without a date has an age: %v", err)
	}
}

func TestSummarize(t *testing.T) {
	got := match.Summarize(someFindings(), []wontfix.Dismissal{{Kind: match.KindFixed}, {Kind: match.KindFixed}, {Kind: match.KindWithdrawn}},
		wontfix.Coverage{Unwatched: make([]wontfix.Unwatched, 2), Upgradable: make([]wontfix.Upgrade, 3)})
	want := wontfix.Summary{
		Findings: 5, Vulnerabilities: 4, Sources: 3,
		ByOutlook:     map[wontfix.Outlook]int{wontfix.Never: 3, wontfix.Open: 1, wontfix.Undecided: 1},
		NeverByReason: map[string]int{"no-reason-given": 1, "eol-release": 1, "superseded": 1, "other": 1},
		ByPriority:    map[string]int{"critical": 1, "high": 1, "medium": 1, "low": 1, "untriaged": 1},
		Dismissed:     3, DismissedBy: map[string]int{"fixed": 2, "withdrawn": 1}, Unwatched: 2, Upgradable: 3, Hidden: []wontfix.Hidden{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestCover(t *testing.T) {
	const lines = `release ubuntu/focal
now 2024-01-01
package a 1 a 1 from=Ubuntu/focal/main
package b 1 b 1 from=Ubuntu/focal-updates/universe offer=2@Ubuntu/focal-security/universe held
package b2 1 b 1 from=Ubuntu/focal/universe
package c 1 c 1 from=LP-PPA-ann/focal/main
package d 1 d 1
package e 1 e 1
package f 1 f 1 offer=2@Ubuntu/focal-updates/main
package g 1 g 1 from=UbuntuESM/focal-infra-security/main`
	m := newScenario(t, lines, nil).machine
	m.Packages[5].Listed = true // e
	c, unsaid := match.Cover(m)
	var unwatched, upgradable []string
	for _, u := range c.Unwatched {
		unwatched = append(unwatched, u.Name+" "+u.Kind)
	}
	for _, u := range c.Upgradable {
		upgradable = append(upgradable, fmt.Sprint(u.Name, " ", u.Offer.Version, " ", u.Held))
	}
	if want := []string{"c third-party", "d local", "e superseded"}; !reflect.DeepEqual(unwatched, want) {
		t.Errorf("unwatched %q, want %q", unwatched, want)
	}
	if want := []string{"b 2 true", "f 2 false"}; !reflect.DeepEqual(upgradable, want) {
		t.Errorf("upgradable %q, want %q", upgradable, want)
	}
	want := []wontfix.Components{{Origin: "Ubuntu", Component: "universe", Packages: 2}, {Origin: "LP-PPA-ann", Component: "main", Packages: 1},
		{Origin: "Ubuntu", Component: "main", Packages: 1}, {Origin: "UbuntuESM", Component: "main", Packages: 1}}
	if !reflect.DeepEqual(c.Components, want) {
		t.Errorf("components %v, want %v", c.Components, want)
	}
	if len(unsaid) > 0 {
		t.Errorf("unsaid %v", unsaid)
	}

	// Without the list of main nothing can be said of what no list has.
	m.Archives = m.Archives[1:2]
	c, unsaid = match.Cover(m)
	if len(c.Unwatched) != 1 || len(unsaid) != 1 || unsaid[0].Command != "apt-get update" || !strings.Contains(unsaid[0].Why, "the package list of focal main is not among") {
		t.Errorf("unwatched %v, unsaid %v", c.Unwatched, unsaid)
	}
	m.Archives = nil
	if _, unsaid = match.Cover(m); len(unsaid) != 1 || unsaid[0].Why != "the machine holds no package lists" {
		t.Errorf("unsaid %v", unsaid)
	}
}
