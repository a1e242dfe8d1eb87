package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/match"
	"wontfix/tracker/debian"
)

// debianStatements returns what the tracker's files say of a series, in the
// form in which a database gives it.
func debianStatements(t testing.TB, series string, files map[string][]byte) []wontfix.Statement {
	t.Helper()
	var all []wontfix.Statement
	for c, err := range debian.Merge(files) {
		testkit.Must(t, err)
		if c.Entry == nil {
			continue
		}
		for _, s := range c.Entry.Statements {
			if slices.Contains(debian.Labels(series), s.Label) {
				all = append(all, s)
			}
		}
	}
	return all
}

// newDebian is newScenario with the files of Debian's tracker: those of an
// archive's text by their names in it, or, if the text has no names, what
// data/CVE/list says of CVE-2023-0001.
func newDebian(t testing.TB, machine, text string) *scenario {
	t.Helper()
	files := map[string][]byte{"static/distributions.json": []byte(`{"bullseye": {"support": "lts"}, "bookworm": {"support": "security"}}`)}
	name := "data/CVE/list"
	files[name] = []byte("CVE-2023-0001 (x)\n")
	for line := range strings.Lines(text + "\n") {
		if file, ok := strings.CutPrefix(line, "@ "); ok {
			name = strings.TrimSpace(file)
			continue
		}
		files[name] = append(files[name], line...)
	}
	s := newScenario(t, machine, nil)
	s.options.Tracker.Name = debian.Name
	s.statements = debianStatements(t, s.machine.Base.Series, files)
	return s
}

// TestDebian has what the rows of Debian's tracker mean for a machine, and the
// mistakes that scanners make with them; the numbers are those of the project's
// list of formats.
func TestDebian(t *testing.T) {
	const bookworm = "release debian/bookworm\nnow 2024-01-01\n"
	const a = "package liba1 1.0-1 a 1.0-1\n"
	for _, tt := range []struct {
		what, machine, text string
		want                string // outcome
		because             string // part of the first finding's reason
		decision            string // of the first finding, with its reasons
	}{
		{what: "4.2.1: the series' own row", machine: bookworm + a, text: "\t- a 2.0-1\n\t[bookworm] - a 1.0-1+deb12u1", want: "a 1.0-1 available", because: "the fix is in 1.0-1+deb12u1"},
		{what: "4.2.1: and the fix is in", machine: bookworm + "package a 1 a 1.0-1+deb12u1", text: "\t- a 2.0-1\n\t[bookworm] - a 1.0-1+deb12u1"},
		{what: "4.2.2: the unmarked row, below it", machine: bookworm + a, text: "\t- a 2.0-1 (bug #1)", want: "a 1.0-1 open",
			because: "unstable has the fix in 2.0-1, 1.0-1 is installed, and nothing is said of bookworm", decision: "affected-no-decision no-reason-given"},
		{what: "4.2.2: the unmarked row, not below it", machine: bookworm + "package a 1 a 2.0-1", text: "\t- a 2.0-1"},
		{what: "4.2.3: unfixed", machine: bookworm + a, text: "\t- a <unfixed>", want: "a 1.0-1 open", because: "unstable has no fix, and nothing is said of bookworm", decision: "affected-no-decision no-reason-given"},
		{what: "18.7: removed is about unstable", machine: bookworm + a, text: "\t- a <removed>", want: "a 1.0-1 open",
			because: "the package was removed from unstable, and is installed", decision: "affected-no-decision removed"},
		{what: "4.2.4: an advisory's row", machine: bookworm + a, text: "\t- a 2.0-1\n@ data/DSA/list\n[1 Jan 2024] DSA-1-1 a - x\n\t{CVE-2023-0001}\n\t[bookworm] - a 1.0-1+deb12u1", want: "a 1.0-1 available"},
		{what: "4.2.4: an unfixed row wins", machine: bookworm + "package a 1 a 1.0-2", text: "\t[bookworm] - a <unfixed>\n@ data/DSA/list\n[1 Jan 2024] DSA-1-1 a - x\n\t{CVE-2023-0001}\n\t[bookworm] - a 1.0-2", want: "a 1.0-2 open"},
		{what: "18.1: silence", machine: bookworm + a, text: "\t- b <unfixed>\n\t[bullseye] - a <unfixed>\n\t[experimental] - a 3"},
		{what: "18.5: never vulnerable", machine: bookworm + a, text: "\t- a <not-affected> (Windows only)"},
		{what: "18.5: never vulnerable in the series", machine: bookworm + a, text: "\t- a <unfixed>\n\t[bookworm] - a <not-affected> (Vulnerable code introduced later)"},
		{what: "18.8: fixed without a patch", machine: bookworm + a, text: "\t- a 2.0-1\n\t[bookworm] - a <ignored> (Minor issue)\n\tNOTE: the kernel side solves it since 2.0-1", want: "a 1.0-1 never",
			because: "the publisher decided not to fix it", decision: "wont-fix minor-impact"},
		{what: "18.17: the next point release is of one package", machine: bookworm + a + "package b 1 b 1.0-1",
			text: "\t- a <unfixed>\n\t- b <unfixed>\n\t[bookworm] - a <no-dsa> (Minor issue)\n@ data/next-point-update.txt\nCVE-2023-0001\n\t[bookworm] - a 1.0-2",
			want: "b 1.0-1 open; a 1.0-1 pending", decision: "affected-no-decision no-reason-given"},
		{what: "18.19: the end of a package's support, and a decision of its own", machine: bookworm + a + "ended a 2023-12-01 unmaintained",
			text: "\t- a <unfixed>\n\t[bookworm] - a <ignored> (Minor issue)", want: "a 1.0-1 never",
			because: "the publisher decided not to fix it; the support of the package ended on 2023-12-01", decision: "wont-fix minor-impact"},
		{what: "18.19: the end of a package's support alone", machine: bookworm + a + "ended a 2023-12-01 unmaintained", text: "\t- a <unfixed>", want: "a 1.0-1 never",
			because: "; the support of the package ended on 2023-12-01", decision: "end-of-life support-scope"},
		{what: "the end of support lies ahead", machine: bookworm + a + "ended a 2024-12-01 unmaintained", text: "\t- a <unfixed>", want: "a 1.0-1 open",
			because: "; the support of the package will end on 2024-12-01", decision: "affected-no-decision no-reason-given"},
		{what: "limited support", machine: bookworm + a + "limited a - trusted content only", text: "\t- a <unfixed>", want: "a 1.0-1 never",
			because: "; the package has limited support only", decision: "wont-fix support-scope"},
		{what: "limited support, and put off", machine: bookworm + a + "limited a - trusted content only", text: "\t- a 2\n\t[bookworm] - a <no-dsa> (Minor issue)", want: "a 1.0-1 deferred", decision: "deferred minor-impact"},
		{what: "an update is to come", machine: bookworm + a, text: "\t- a <unfixed>\n@ data/dsa-needed.txt\n--\na (ann)\n--", want: "a 1.0-1 pending",
			because: "; dsa-needed has the package: an update is to come", decision: "fix-pending "},
		{what: "an update is to come for another", machine: bookworm + a, text: "\t- a <unfixed>\n@ data/dla-needed.txt\n--\na (ann)\n--", want: "a 1.0-1 open"},
		{what: "an update is to come, and this was put off", machine: bookworm + a, text: "\t[bookworm] - a <no-dsa> (x)\n@ data/dsa-needed.txt\n--\na\n--", want: "a 1.0-1 deferred"},
		{what: "no-dsa", machine: bookworm + a, text: "\t- a 2\n\t[bookworm] - a <no-dsa> (Minor issue)", want: "a 1.0-1 deferred", because: "put off", decision: "deferred minor-impact"},
		{what: "no-dsa, and installed from elsewhere above the fix", machine: bookworm + "package a 1 a 2.0-1~bpo12+1", text: "\t- a 1.9\n\t[bookworm] - a <no-dsa> (Minor issue)", want: "a 2.0-1~bpo12+1 dismissed: fixed"},
		{what: "no-dsa, and fixed since", machine: bookworm + a, text: "\t- a 2\n\t[bookworm] - a <no-dsa> (Minor issue)\n@ data/DSA/list\n[1 Jan 2024] DSA-1-1 a - x\n\t{CVE-2023-0001}\n\t[bookworm] - a 1.0-2", want: "a 1.0-1 available"},
		{what: "ignored", machine: bookworm + a, text: "\t- a 2\n\t[bookworm] - a <ignored> (Too intrusive to backport)", want: "a 1.0-1 never", decision: "wont-fix too-intrusive"},
		{what: "postponed", machine: bookworm + a, text: "\t- a 2\n\t[bookworm] - a <postponed> (soon)", want: "a 1.0-1 deferred", decision: "deferred batched"},
		{what: "end-of-life", machine: bookworm + a, text: "\t- a 2\n\t[bookworm] - a <end-of-life> (see DSA 1)", want: "a 1.0-1 never", decision: "end-of-life support-scope"},
		{what: "unimportant", machine: bookworm + a, text: "\t- a <unfixed> (unimportant)", want: "a 1.0-1 never", because: "Debian counts it as unimportant", decision: "wont-fix minor-impact"},
		{what: "unimportant, and fixed in unstable", machine: bookworm + a, text: "\t- a 2 (unimportant)", want: "a 1.0-1 never",
			because: "no work on it; unstable has the fix in 2", decision: "wont-fix minor-impact"},
		{what: "undetermined", machine: bookworm + a, text: "\t- a <undetermined>", want: "a 1.0-1 undecided", decision: "under-investigation analysis-pending"},
		{what: "not packaged yet", machine: bookworm + a, text: "\t- a <itp> (bug #1)"},
		{what: "rejected", machine: bookworm + a, text: "\tREJECTED\n\t- a <unfixed>", want: "a 1.0-1 dismissed: withdrawn"},
		{what: "a point release has it, and it is installed", machine: bookworm + "package a 1 a 1.0-2", text: "\t- a <unfixed>\n\t[bookworm] - a <no-dsa> (x)\n@ data/next-point-update.txt\nCVE-2023-0001\n\t[bookworm] - a 1.0-2", want: "a 1.0-2 dismissed: fixed"},
		{what: "rebuilt for one architecture", machine: bookworm + "package a 1.0-2+b1 a 1.0-2+b1", text: "\t[bookworm] - a 1.0-2+a1", want: "a 1.0-2 available"},
		{what: "the version of a signed kernel is that of its binaries", machine: bookworm + "running 6.1.0-10-amd64\npackage linux-image-6.1.0-10-amd64 6.1.38-1 linux-signed-amd64 6.1.38+1",
			text: "\t[bookworm] - linux 6.1.38-1"},
		{what: "a signed kernel", machine: bookworm + "running 6.1.0-10-amd64\npackage linux-image-6.1.0-10-amd64 6.1.37-1 linux-signed-amd64 6.1.37+1",
			text: "\t[bookworm] - linux 6.1.38-1", want: "linux 6.1.37-1 available"},
		{what: "backports have the fix", machine: bookworm + "package a 1.0-1 a 1.0-1 offer=2.0-1~bpo12+1@Debian/bookworm-backports/main", text: "\t- a 1.9", want: "a 1.0-1 available",
			because: "bookworm-backports/main has 2.0-1~bpo12+1", decision: "fixed no-reason-given"},
		{what: "others have the fix", machine: bookworm + "package a 1.0-1 a 1.0-1 offer=2.0-1@Vendor/x/main", text: "\t- a 1.9", want: "a 1.0-1 open"},
		{what: "in the time of LTS", machine: "release debian/bullseye\nnow 2025-01-01\n" + a, text: "\t- a 2", want: "a 1.0-1 open"},
		{what: "past LTS", machine: "release debian/buster\nnow 2025-01-01\n" + a, text: "\t- a 2", want: "a 1.0-1 never",
			because: "nothing is said of buster, and the support of buster ended on 2024-06-30; ELTS, which has to be paid for, goes on until 2029-06-30", decision: "end-of-life eol-release"},
		{what: "past LTS, put off", machine: "release debian/buster\nnow 2025-01-01\n" + a, text: "\t- a 2\n\t[buster] - a <postponed> (Minor issue)", want: "a 1.0-1 never",
			because: "the tracker's word is still <postponed>", decision: "end-of-life minor-impact,eol-release"},
		{what: "past ELTS", machine: "release debian/wheezy\nnow 2025-01-01\n" + a, text: "\t- a <unfixed>", want: "a 1.0-1 never", because: "nothing is said of wheezy, and the support of wheezy ended on"},
		{what: "unstable", machine: "release debian/sid\nnow 2024-01-01\n" + a, text: "\t- a 2.0-1", want: "a 1.0-1 available"},
		{what: "removed from unstable", machine: "release debian/sid\nnow 2024-01-01\n" + a, text: "\t- a <removed>", want: "a 1.0-1 never", because: "no fix will come", decision: "end-of-life removed"},
		{what: "testing", machine: "release debian/forky\nnow 2026-01-01\n" + a, text: "\t- a 2.0-1", want: "a 1.0-1 open"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			findings, dismissed := newDebian(t, tt.machine, tt.text).match()
			if got := brief(findings, dismissed); got != tt.want {
				t.Fatalf("got %q, want %q: %v", got, tt.want, string(describe(findings, dismissed)))
			}
			if tt.because != "" && !strings.Contains(findings[0].Because, tt.because) {
				t.Errorf("because %q, want %q in it", findings[0].Because, tt.because)
			}
			if got := fmt.Sprint(firstDecision(findings)); tt.decision != "" && got != tt.decision {
				t.Errorf("decision %q, want %q", got, tt.decision)
			}
		})
	}
}

func firstDecision(findings []wontfix.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	return findings[0].Decision.String() + " " + strings.Join(findings[0].Reasons, ",")
}

// TestDebianPackageScope has what lists say of packages by regular expression.
func TestDebianPackageScope(t *testing.T) {
	s := newDebian(t, "release debian/bookworm\nnow 2026-01-01\npackage a 1 golang-x 1\npackage b 1 golan 1", "\t- golang-x <unfixed>\n\t- golan <unfixed>")
	for c, err := range debian.Parse("security-support-limited", []byte("golang.*   See the release notes\n")) {
		testkit.Must(t, err)
		s.statements = append(s.statements, c.Entry.Statements...)
	}
	findings, _ := s.match()
	if got := brief(findings, nil); got != "golang-x 1 never; golan 1 open" {
		t.Fatalf("got %s", got)
	}
	f := findings[0]
	if last := f.Others[len(f.Others)-1]; f.ReasonText != "See the release notes" || last.File != "security-support-limited" || last.Line != 1 || last.Status != "security-support-limited" {
		t.Errorf("%+v", f)
	}
}

// TestDebianDossier has what is said where nothing is installed.
func TestDebianDossier(t *testing.T) {
	for c, err := range debian.Parse("data/CVE/list", []byte("CVE-2023-0001 (x)\n\t- a 2.0-1\n\t[bullseye] - a <no-dsa> (Minor issue)\n")) {
		testkit.Must(t, err)
		for release, want := range map[string]string{"bullseye": "deferred deferred", "bookworm": "affected-no-decision open", "sid": "fixed nothing"} {
			d := match.Dossier(c.Entry, match.DossierOptions{Now: day(t, "2024-01-01"), Release: wontfix.Release{Distribution: "debian", Series: release}})
			sub := d.Subjects[0]
			outlook := "nothing"
			if sub.Outlook != nil {
				outlook = sub.Outlook.String()
			}
			if got := sub.Decision.String() + " " + outlook; got != want {
				t.Errorf("%s: %s, want %s", release, got, want)
			}
		}
	}
}
