package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"wontfix"
)

// scenarioOf is newScenario with one entry, whose rows are given.
func scenarioOf(t testing.TB, machine, entry string) *scenario {
	t.Helper()
	ar := txtar.Parse([]byte("-- active/CVE-2023-1000 --\n" + entry + "\n"))
	return newScenario(t, machine, trackerFiles(t, ar))
}

// brief says in a few words what became of each row.
func brief(findings []wontfix.Finding, dismissed []wontfix.Dismissal) string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s %s %s", f.Source, f.SourceVersion, f.Outlook))
	}
	for _, d := range dismissed {
		all = append(all, fmt.Sprintf("%s %s dismissed: %s", d.Source, d.SourceVersion, d.Kind))
	}
	return strings.Join(all, "; ")
}

// TestTraps has the mistakes that scanners of packages are known to make in
// comparing a machine with a tracker; the numbers are those of the project's
// list of them. Mistakes in reading the machine are tested in inventory.
func TestTraps(t *testing.T) {
	tests := []struct {
		row      int
		what     string
		packages string // lines; the machine is Ubuntu 20.04 in 2024
		entry    string
		want     string
		because  string                          // part of the first finding's reason
		finding  func(f *wontfix.Finding) string // of the first finding
		has      string                          // what it returns
	}{
		{row: 1, what: "binary version is not source version", packages: "package libldb2 2:2.6.2+samba4.17.12 samba 2:4.17.12",
			entry: "focal_samba: released (2:4.17.13)", want: "samba 2:4.17.12 available"},
		{row: 1, what: "a low binary version", packages: "package libldb2 2:2.6.2+samba4.17.12 samba 2:4.17.12",
			entry: "focal_samba: pending (2:4.17.12)", want: "samba 2:4.17.12 dismissed: fixed"},
		{row: 2, what: "source of the same name", packages: "package tar 1.0-1 tar 1.0-1",
			entry: "focal_tar: needed", want: "tar 1.0-1 open"},
		{row: 2, what: "binary with another source's name", packages: "package python 2.7.17-1 python-defaults 2.7.17-1",
			entry: "focal_python: needed"},
		{row: 3, what: "rebuild of a binary", packages: "package tar 1.27.1-2+b1 tar 1.27.1-2",
			entry: "focal_tar: released (1.27.1-2+a1)", want: "tar 1.27.1-2 available"},
		{row: 4, what: "one source in two versions", packages: "package cpp 4:9.3 gcc-defaults 1.185\npackage gcc 4:9.4 gcc-defaults 1.186",
			entry: "focal_gcc-defaults: pending (1.186)", want: "gcc-defaults 1.185 pending; gcc-defaults 1.186 dismissed: fixed"},
		{row: 6, what: "epoch of the machine", packages: "package a 1:1.0-1 a 1:1.0-1",
			entry: "focal_a: pending (2.0-1)", want: "a 1:1.0-1 dismissed: fixed"},
		{row: 6, what: "epoch of the fix", packages: "package a 1.0-1 a 1.0-1",
			entry: "focal_a: released (1:0.5-1)", want: "a 1.0-1 available"},
		{row: 8, what: "tilde", packages: "package python2.7 2.7.15-4ubuntu4~18.04 python2.7 2.7.15-4ubuntu4~18.04",
			entry: "focal_python2.7: pending (2.7.15~rc1-1ubuntu0.1)", want: "python2.7 2.7.15-4ubuntu4~18.04 dismissed: fixed"},
		{row: 8, what: "release candidate", packages: "package a 2.7.15~rc1-1 a 2.7.15~rc1-1",
			entry: "focal_a: released (2.7.15-1)", want: "a 2.7.15~rc1-1 available"},
		{row: 9, what: "+really", packages: "package a 2.0+really1.9-1 a 2.0+really1.9-1",
			entry: "focal_a: released (2.0+really1.9-1ubuntu1)", want: "a 2.0+really1.9-1 available"},
		{row: 10, what: "esm installed, series' row still needed", packages: "package a 1.0-2+esm1 a 1.0-2+esm1",
			entry: "focal_a: needed\nesm-infra/focal_a: released (1.0-2+esm1)", want: "a 1.0-2+esm1 dismissed: fixed"},
		{row: 10, what: "esm installed, and an older fix", packages: "package a 1.0-2+esm1 a 1.0-2+esm1",
			entry: "focal_a: needed\nesm-infra/focal_a: released (1.0-2+esm2)", want: "a 1.0-2+esm1 paid"},
		{row: 11, what: "products are not each other", packages: "products esm-apps\npackage a 1.0-2 a 1.0-2",
			entry: "focal_a: needed\nesm-infra/focal_a: released (1.0-2+esm1)", want: "a 1.0-2 paid"},
		{row: 11, what: "a product of other builds", packages: "package a 1.0-2 a 1.0-2",
			entry: "focal_a: needed\nfips-updates/focal_a: released (1.0-1)", want: "a 1.0-2 open"},
		{row: 12, what: "a backport is below the next suite", packages: "package a 2.0-1~bpo11+1 a 2.0-1~bpo11+1",
			entry: "focal_a: released (2.0-1)", want: "a 2.0-1~bpo11+1 available"},
		{row: 13, what: "fixed in proposed alone", packages: "package a 1.0-1 a 1.0-1",
			entry: "focal_a: pending (1.0-2)", want: "a 1.0-1 pending"},
		{row: 13, what: "fixed in the series under development alone", packages: "package a 1.0-1 a 1.0-1",
			entry: "focal_a: needed\ndevel_a: released (1.0-1)", want: "a 1.0-1 open"},
		{row: 14, what: "held", packages: "package a 1.0-1 a 1.0-1 held offer=1.0-2@Ubuntu/focal-updates/main",
			entry: "focal_a: released (1.0-2)", want: "a 1.0-1 available", because: "focal-updates/main has 1.0-2, and 1.0-1 is installed",
			finding: func(f *wontfix.Finding) string { return fmt.Sprint("held ", f.Held) + " offer " + f.Offer.Version }, has: "held true offer 1.0-2"},
		{row: 14, what: "not held", packages: "package a 1.0-1 a 1.0-1 offer=1.0-2@Ubuntu/focal-updates/main",
			entry: "focal_a: released (1.0-2)", want: "a 1.0-1 available",
			finding: func(f *wontfix.Finding) string { return fmt.Sprint("held ", f.Held) + " offer " + f.Offer.Version }, has: "held false offer 1.0-2"},
		{row: 14, what: "offered, and not the fix yet", packages: "package a 1.0-1 a 1.0-1 offer=1.0-2@Ubuntu/focal-updates/main",
			entry: "focal_a: released (1.0-3)", want: "a 1.0-1 available", because: "none of the package lists on the machine offers it"},
		{row: 15, what: "nothing of it is installed", packages: "package a 1.0-1 a 1.0-1", entry: "focal_linux: needed"},
		{row: 17, what: "two architectures", packages: "package libc6 2.31-0 glibc 2.31-0\npackage libc6 2.31-0 glibc 2.31-0",
			entry: "focal_glibc: needed", want: "glibc 2.31-0 open", finding: func(f *wontfix.Finding) string { return strings.Join(f.Binaries, " ") }, has: "libc6"},
		{row: 20, what: "signed image", packages: "running 5.15.0-91-generic\npackage linux-image-5.15.0-91-generic 5.15.0-91.101~20.04.1 linux-signed-hwe-5.15 5.15.0-91.101~20.04.1",
			entry: "focal_linux-hwe-5.15: needed\nfocal_linux: needed", want: "linux-hwe-5.15 5.15.0-91.101~20.04.1 open", finding: func(f *wontfix.Finding) string { return f.Kernel }, has: "running"},
		{row: 20, what: "another flavour runs", packages: "running 5.4.0-42-generic\npackage linux-image-5.4.0-42-lowlatency 5.4.0-42.46 linux 5.4.0-42.46",
			entry: "focal_linux: needed", want: "linux 5.4.0-42.46 open", finding: func(f *wontfix.Finding) string { return f.Kernel }, has: "not-running"},
		{row: 20, what: "headers are no kernel", packages: "running 5.4.0-42-generic\npackage linux-libc-dev 5.4.0-42.46 linux 5.4.0-42.46",
			entry: "focal_linux: needed", want: "linux 5.4.0-42.46 open", finding: func(f *wontfix.Finding) string { return "kernel " + f.Kernel }, has: "kernel "},
		{row: 22, what: "third party", packages: "package a 1.0-1 a 1.0-1 from=LP-PPA-ann/focal/main\npackage a-doc 1.0-1 a 1.0-1 from=LP-PPA-ann/focal/main",
			entry: "focal_a: needed", want: "a 1.0-1 open", because: "; it was installed from LP-PPA-ann, not from the distribution"},
		{row: 22, what: "third party, with a fix", packages: "package a 1.0-1 a 1.0-1 from=LP-PPA-ann/focal/main offer=9.0@LP-PPA-ann/focal/main",
			entry: "focal_a: pending (1.0-2)", want: "a 1.0-1 pending", because: "as version 1.0-2; it was installed from LP-PPA-ann"},
		{row: 22, what: "one package is the distribution's", packages: "package a 1.0-1 a 1.0-1 from=LP-PPA-ann/focal/main\npackage a-doc 1.0-1 a 1.0-1 from=Ubuntu/focal/main",
			entry: "focal_a: needed", want: "a 1.0-1 open", finding: notForeign, has: "true"},
		{row: 22, what: "nobody knows where one is from", packages: "package a 1.0-1 a 1.0-1 from=LP-PPA-ann/focal/main\npackage a-doc 1.0-1 a 1.0-1",
			entry: "focal_a: needed", want: "a 1.0-1 open", finding: notForeign, has: "true"},
		{row: 27, what: "no record is no judgement", packages: "package a 1.0-1 a 1.0-1", entry: "jammy_a: not-affected"},
		{row: 27, what: "nor is DNE", packages: "package a 1.0-1 a 1.0-1", entry: "focal_a: DNE"},
		{row: 29, what: "what a sweep has overwritten", packages: "package a 1.0-1 a 1.0-1",
			entry: "focal_a: ignored (end of life, was needed)", want: "a 1.0-1 never", because: "before that it was needed"},
		{row: 29, what: "the reason in a note", packages: "package a 1.0-1 a 1.0-1",
			entry: "Notes:\n ann> backporting this would be too intrusive\n  and break things\nfocal_a: ignored", want: "a 1.0-1 never",
			finding: func(f *wontfix.Finding) string { return fmt.Sprint(f.Reasons, f.Evidence, f.ReasonLine) }, has: "[too-intrusive] note 2"},
		{row: 29, what: "priority of a package", packages: "package a 1.0-1 a 1.0-1",
			entry: "Priority: low\nPriority_a: high\nfocal_a: needed", want: "a 1.0-1 open", finding: func(f *wontfix.Finding) string { return f.Priority }, has: "high"},
		{row: 35, what: "all binaries of a source", packages: "package libx-dev 1.0-1 x 1.0-1\npackage libx1 1.0-1 x 1.0-1\npackage x-doc 1.0-1 x 1.0-1",
			entry: "focal_x: needed", want: "x 1.0-1 open", finding: func(f *wontfix.Finding) string { return strings.Join(f.Binaries, " ") }, has: "libx-dev libx1 x-doc"},
		{row: 36, what: "rejected", packages: "package a 1.0-1 a 1.0-1",
			entry: "Description:\n ** REJECT ** Do not use.\nfocal_a: needed", want: "a 1.0-1 dismissed: withdrawn"},
		{row: 38, what: "priority is not severity", packages: "package a 1.0-1 a 1.0-1",
			entry: "Priority: low\nCVSS:\n nvd: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H [9.8 CRITICAL]\nfocal_a: needed", want: "a 1.0-1 open",
			finding: func(f *wontfix.Finding) string { return f.Priority }, has: "low"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("row %d: %s", tt.row, tt.what), func(t *testing.T) {
			s := scenarioOf(t, "release ubuntu/focal\nnow 2024-01-01\n"+tt.packages, tt.entry)
			findings, dismissed := s.match()
			if got := brief(findings, dismissed); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			if tt.because != "" && !strings.Contains(findings[0].Because, tt.because) {
				t.Errorf("because %q, want %q in it", findings[0].Because, tt.because)
			}
			if tt.finding != nil {
				if got := tt.finding(&findings[0]); got != tt.has {
					t.Errorf("the finding has %q, want %q", got, tt.has)
				}
			}
		})
	}
}

func notForeign(f *wontfix.Finding) string {
	return fmt.Sprint(!strings.Contains(f.Because, "not from the distribution"))
}

// TestRowsThatOthersDrop wants the rows that databases of other scanners leave
// out: they keep needed, deferred, pending and released alone.
func TestRowsThatOthersDrop(t *testing.T) {
	const rows = "focal_a: needed\nfocal_b: deferred\nfocal_c: pending\nfocal_d: released (2)\nfocal_e: ignored\nfocal_f: needs-triage\nfocal_g: ignored (end of life, was needs-triage)"
	machine := "release ubuntu/focal\nnow 2024-01-01\n"
	for _, name := range strings.Split("abcdefg", "") {
		machine += fmt.Sprintf("package %s 1 %[1]s 1\n", name)
	}
	findings, dismissed := scenarioOf(t, machine, rows).match()
	var words []string
	for _, f := range findings {
		words = append(words, f.Tracker.Status)
	}
	slices.Sort(words)
	want := []string{"deferred", "ignored", "ignored", "needed", "needs-triage", "pending", "released"}
	if !slices.Equal(words, want) || len(dismissed) > 0 {
		t.Errorf("findings of rows %q, want %q; dismissed %v", words, want, dismissed)
	}
}
