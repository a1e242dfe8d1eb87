package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/match"
	"wontfix/tracker"
)

// debianFiles lays the corpus' samples of Debian's tracker out as its
// repository has them.
func debianFiles(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for to, from := range map[string]string{
		"data/CVE/list": "CVE-list.excerpt", "data/DSA/list": "DSA-list", "data/DLA/list": "DLA-list", "data/DTSA/list": "DTSA-list",
		"data/dla-needed.txt": "dla-needed.txt", "data/dsa-needed.txt": "dsa-needed.txt", "data/next-point-update.txt": "next-point-update.txt",
		"data/next-oldstable-point-update.txt": "next-oldstable-point-update.txt", "static/distributions.json": "static-distributions.json",
	} {
		text, err := os.ReadFile(testkit.Corpus(t, "vendors/debian-tracker/"+from))
		testkit.Must(t, err)
		testkit.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755))
		testkit.Must(t, os.WriteFile(filepath.Join(dir, to), text, 0o644))
	}
	return dir
}

// vendors returns a database with the samples of all publishers, and, if asked
// for, Ubuntu's tracker.
func vendors(t testing.TB, more ...string) (home, db string) {
	t.Helper()
	home = t.TempDir()
	db = filepath.Join(home, "db")
	sample := func(name string) string { return testkit.Corpus(t, "vendors/"+name) }
	redhat := filepath.Join(home, "redhat")
	testkit.Must(t, os.MkdirAll(redhat, 0o755))
	for _, name := range []string{"redhat-hydra", "redhat-vex-v1/clair", "redhat-vex-v1/vuls"} {
		testkit.Must(t, os.CopyFS(filepath.Join(redhat, filepath.Base(name)), os.DirFS(sample(name))))
	}
	args := append([]string{"sync", "--db", db, "debian=" + debianFiles(t), "redhat=" + redhat, "suse=" + sample("suse-csaf-vex"),
		"almalinux=" + sample("osv-almalinux"), "alpine=" + sample("alpine-secdb")}, more...)
	_, _, err := wontfixIn(home, args...)
	testkit.Must(t, err)
	return home, db
}

// TestSeedEverywhere is CVE-2014-9365 from end to end: Ubuntu refused it in
// trusty, Debian put it off in wheezy, Red Hat refused it in RHEL 6, and fixed
// it in RHEL 7 on the very branch that Ubuntu's package is of.
func TestSeedEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("reads Ubuntu's whole tracker; run without -short")
	}
	tree := t.TempDir()
	for name, text := range trackerTree(t) {
		if strings.Contains(name, "CVE-2014-") {
			testkit.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755))
			testkit.Must(t, os.WriteFile(filepath.Join(tree, name), text, 0o644))
		}
	}
	home, db := vendors(t, "ubuntu="+tree)
	out, _, err := wontfixIn(home, "why", "CVE-2014-9365", "python2.7", "--release", "trusty", "--db", db, "--limit", "0")
	testkit.Must(t, err)
	said := words(out)
	for _, want := range []string{
		"trusty_python2.7: ignored retired/CVE-2014-9365:", "Ubuntu decided not to fix this.", "too intrusive",
		"Red Hat fixed it on the same upstream branch: a backport is possible.",
		"debian/wheezy put off too intrusive · “Too intrusive to backport” · soft",
		"debian/jessie python3.4 will not be fixed too intrusive · “Backporting to stable would break existing applications”",
		"rhel/7 python fixed 0:2.7.5-58.el7 RHSA-2017:1868 · the same upstream branch 2.7",
		"rhel/6 python will not be fixed", "Beside it python3.4 is fixed in",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it is not said: %s\n%s", want, out)
		}
	}
}

// TestScanRPM scans a root that rpm itself made with what Red Hat says.
func TestScanRPM(t *testing.T) {
	root := testkit.RpmRoot(t, "var/lib/rpm",
		"Name: python\nVersion: 2.7.5\nRelease: 50.el7\n%package libs\nSummary: libs\n%description libs\nlibs\n%files libs\n",
		"Name: coreutils\nVersion: 8.22\nRelease: 24.el7\n", "Name: gnupg2\nVersion: 2.0.22\nRelease: 5.el7\n")
	testkit.Must(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	testkit.Must(t, os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=\"rhel\"\nVERSION_ID=\"7.9\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 7.9\"\n"), 0o644))
	home, db := vendors(t)
	out, _, err := wontfixIn(home, "scan", "--root", root, "--db", db, "--others", "fixed", "-f", "json")
	testkit.Must(t, err)
	scan := readScan(t, out)
	if len(scan.Trackers) != 1 || scan.Trackers[0].Name != "redhat" {
		t.Fatalf("trackers %+v", scan.Trackers)
	}
	out, _, err = wontfixIn(home, "scan", "--root", root, "--db", db, "-f", "json")
	testkit.Must(t, err)
	want := map[string]string{ // what hydra's and the VEX samples say of RHEL 7
		"CVE-2014-9365 python":    "available 0:2.7.5-58.el7",
		"CVE-2016-2781 coreutils": "never ",
		"CVE-2024-6923 python":    "never ",
	}
	for _, f := range readScan(t, out).Findings {
		key := f.ID + " " + f.Source
		if w, ok := want[key]; ok {
			if got := f.Outlook.String() + " " + f.FixedVersion; got != w {
				t.Errorf("%s: %s; want %s", key, got, w)
			}
			delete(want, key)
		}
		if f.Source == "python" && !slices.Equal(f.Binaries, []string{"python", "python-libs"}) {
			t.Errorf("%s: binaries %v", key, f.Binaries)
		}
		if f.Tracker.File == "" || f.Tracker.Line == 0 {
			t.Errorf("%s: no place: %+v", key, f.Tracker)
		}
	}
	for key := range want {
		t.Errorf("%s: no finding", key)
	}
}

// TestScanAPK scans a root of Alpine with its security database.
func TestScanAPK(t *testing.T) {
	root := t.TempDir()
	write(t, root, "etc/os-release", "ID=alpine\nVERSION_ID=3.11.2\nPRETTY_NAME=\"Alpine Linux v3.11\"\n")
	write(t, root, "lib/apk/db/installed", "P:libcurl\nV:7.65.0-r0\nA:x86_64\no:curl\n\nP:zlib\nV:1.2.11-r3\nA:x86_64\no:zlib\n\n")
	home, db := vendors(t)
	out, _, err := wontfixIn(home, "scan", "--root", root, "--db", db, "-f", "json")
	testkit.Must(t, err)
	found := false
	for _, f := range readScan(t, out).Findings {
		if f.ID == "CVE-2019-5481" {
			found = f.Source == "curl" && f.FixedVersion == "7.66.0-r0" && f.Outlook == wontfix.Available
		}
		if f.Source == "zlib" {
			t.Errorf("%s in zlib, of which nothing is said", f.ID)
		}
	}
	if !found {
		t.Errorf("CVE-2019-5481 in curl is not found\n%.2000s", out)
	}
}

// TestFeedsAreOneVoice: a feed that is another tracker's publisher's speaks with
// its voice; match has a table of its own, for it knows no trackers.
func TestFeedsAreOneVoice(t *testing.T) {
	for _, s := range tracker.Trackers() {
		if s.Of != "" && match.Voice(s.Name) != match.Voice(s.Of) {
			t.Errorf("%s is a feed of %s: its voice is %s, want %s", s.Name, s.Of, match.Voice(s.Name), match.Voice(s.Of))
		}
	}
}
