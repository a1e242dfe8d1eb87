package match_test

import (
	"testing"

	"wontfix"
	"wontfix/match"
)

func TestDiffer(t *testing.T) {
	say := func(distribution string, d wontfix.Decision, fixed string) *wontfix.Statement {
		return &wontfix.Statement{Release: wontfix.Release{Distribution: distribution, Series: "9"}, Meaning: wontfix.Meaning{Decision: d, Fixed: fixed}}
	}
	for _, test := range []struct {
		of   string
		a, b wontfix.Decision
		x, y string
		want string
	}{
		{"debian", wontfix.DecisionFixed, wontfix.DecisionFixed, "1.0-1", "1.0-1", ""},
		{"debian", wontfix.DecisionFixed, wontfix.DecisionFixed, "1.0-1", "1.00-1", ""}, // the same to dpkg
		{"debian", wontfix.DecisionFixed, wontfix.DecisionFixed, "1.0-1", "1.0~1-1", match.DiffersInVersion},
		{"rhel", wontfix.DecisionFixed, wontfix.DecisionFixed, "0:1.0-1.el9", "1.0-1.el9", ""},
		{"rhel", wontfix.DecisionFixed, wontfix.DecisionFixed, "1:1.0-1.el9", "1.0-1.el9", match.DiffersInVersion},
		{"debian", wontfix.DecisionFixed, wontfix.DecisionFixed, "1.0-1", "", ""},
		{"debian", wontfix.DecisionFixed, wontfix.DecisionNotAffected, "1.0-1", "", match.DiffersInDecision},
		{"debian", wontfix.DecisionWontFix, wontfix.DecisionFixed, "", "1.0-1", match.DiffersInDecision},
		{"debian", wontfix.DecisionWontFix, wontfix.DecisionAffected, "", "", ""},
		{"debian", wontfix.DecisionDeferred, wontfix.DecisionFixPending, "", "", ""},
		{"debian", wontfix.DecisionPaid, wontfix.DecisionAffected, "1.0-1", "", match.DiffersInDecision},
		{"debian", wontfix.DecisionNotAffected, wontfix.DecisionAffected, "", "", match.DiffersInDecision},
	} {
		a, b := say(test.of, test.a, test.x), say(test.of, test.b, test.y)
		if got := match.Differ(a, b); got != test.want || match.Differ(b, a) != test.want {
			t.Errorf("%s: %s %s and %s %s: %q, %q; want %q", test.of, test.a, test.x, test.b, test.y, got, match.Differ(b, a), test.want)
		}
	}
	byVersion := say("ubuntu", wontfix.DecisionFixed, "3.0.3-1")
	byVersion.Word = "not-affected"
	if got := match.Differ(byVersion, say("ubuntu", wontfix.DecisionNotAffected, "")); got != "" {
		t.Errorf("not-affected by a version: %q", got)
	}
	for _, test := range []struct {
		s    wontfix.Statement
		want bool
	}{
		{*say("debian", wontfix.DecisionFixed, "1"), true},
		{*say("debian", wontfix.DecisionUnknown, ""), false},
		{*say("debian", wontfix.DecisionEndOfLife, ""), false},
		{*say("debian", wontfix.DecisionUnderInvestigation, ""), false},
		{wontfix.Statement{Meaning: wontfix.Meaning{Decision: wontfix.DecisionFixed}}, false},
		{wontfix.Statement{Meaning: wontfix.Meaning{Decision: wontfix.DecisionFixed}, Release: wontfix.Release{Distribution: "rhel", Series: "9"}, Binary: true}, true},
	} {
		if got := match.Judged(&test.s); got != test.want {
			t.Errorf("%+v: %t", test.s, got)
		}
	}
}
