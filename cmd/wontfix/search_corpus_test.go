package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/query"
	"wontfix/tracker"
)

// searchCorpus runs a search of the corpus' database.
func searchCorpus(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	db := database(t)
	stdout, stderr, err := wontfixIn(filepath.Dir(db), append([]string{"search", "--db", db}, args...)...)
	testkit.Must(t, err)
	return stdout, stderr
}

// TestSearchAsOf asks for the tracker as it stood at a commit, by its ID and by
// its day, by fields and by pattern.
func TestSearchAsOf(t *testing.T) {
	const expr = "release:precise status:ignored in:retired -detail:abandoned"
	var files string
	for _, at := range []string{"3e4b9608005", "2015-12-24"} {
		_, told := searchCorpus(t, "--as-of", at, expr, "-f", "csv")
		if want := "wontfix: 451 statements, as ubuntu stood at 3e4b9608005c of 2015-12-24\n"; told != want {
			t.Errorf("%s: %q, want %q", at, told, want)
		}
		byField, _ := searchCorpus(t, "--as-of", at, expr, "-l")
		byPattern, _ := searchCorpus(t, "--as-of", at, "--grep", "precise.*ignored(?!.*abandoned)", "--in", "retired", "-l")
		if n := strings.Count(byField, "\n"); n != 326 {
			t.Errorf("%s: %d files, want 326", at, n)
		}
		if byField != byPattern {
			t.Errorf("%s: %d files by field, and %d by pattern or others", at, strings.Count(byField, "\n"), strings.Count(byPattern, "\n"))
		}
		if files != "" && byField != files {
			t.Errorf("%s has other files", at)
		}
		files = byField
	}
}

// TestSearchWho asks who decided about the case that all this began with.
func TestSearchWho(t *testing.T) {
	for expr, want := range map[string]int{
		`release:trusty by:"marc deslauriers" decided:2018-04-25 reversed class:decision`: 1,
		`release:trusty by=mdeslaur confidence:high`:                                      1,
		`release:trusty decided-after:2018-04-25`:                                         0,
		`release:trusty -reversed`:                                                        0,
		`release:precise class:eol-sweep`:                                                 1,
		`release:precise by:""`:                                                           0,
		`release:precise -by:""`:                                                          1,
	} {
		out, told := searchCorpus(t, "id:CVE-2014-9365 package:python2.7 "+expr, "-f", "files")
		if got := strings.HasPrefix(told, "wontfix: 1 statement\n"); got != (want == 1) {
			t.Errorf("%s: %q, %q, want %d", expr, out, told, want)
		}
	}
}

// TestSearchReadsOrigins holds two ways of a search against each other: the
// origins of a few entries, and all of them.
func TestSearchReadsOrigins(t *testing.T) {
	e := &env{db: database(t), now: time.Now}
	v, err := e.openView(context.Background(), "")
	testkit.Must(t, err)
	defer v.Close()
	spec, err := tracker.Find("ubuntu")
	testkit.Must(t, err)
	for _, text := range []string{
		"release:trusty status:ignored (by:mdeslaur or evidence:bracket)",
		"package:python* -class:decision,create",
		"release:trusty reversed author:mdeslaur",
	} {
		expr, err := query.Parse(text)
		testkit.Must(t, err)
		var lists [2][]wontfix.Statement
		for i, most := range []int{1 << 30, 0} {
			f := finder{v: v, spec: spec, expr: expr, mostOpen: most}
			lists[i], err = f.find(context.Background())
			testkit.Must(t, err)
			for n := range lists[i] {
				lists[i][n].Origin = nil // is there where it was asked for
			}
		}
		if len(lists[0]) == 0 || !slices.Equal(lists[0], lists[1]) {
			t.Errorf("%s: %d statements with the origins of some, %d with those of all", text, len(lists[0]), len(lists[1]))
		}
		t.Logf("%s: %d statements", text, len(lists[0]))
	}
}
