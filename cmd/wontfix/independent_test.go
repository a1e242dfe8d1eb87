package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// The findings of machines that are not of Debian's kind, compared with what a
// few lines make of the publishers' documents. They share no code with the
// packages that are tested, and ask rpm for the order of versions.

var (
	cveInText = regexp.MustCompile(`CVE-\d{4}-\d{4,}`)
	xsaInText = regexp.MustCompile(`XSA-\d+`)
)

// foundIn returns the findings in a place, such as --root DIR, as "CVE package".
func foundIn(t *testing.T, tracker, source string, place ...string) map[string]bool {
	t.Helper()
	home := t.TempDir()
	db := filepath.Join(home, "db")
	_, _, err := wontfixIn(home, "sync", "--db", db, tracker+"="+source)
	testkit.Must(t, err)
	out, _, err := wontfixIn(home, append([]string{"scan", "--db", db, "-f", "json"}, place...)...)
	testkit.Must(t, err)
	got := map[string]bool{}
	for _, f := range readScan(t, out).Findings {
		got[f.ID+" "+f.Source] = true
	}
	return got
}

func sameFindings(t *testing.T, got, want map[string]bool) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !got[key] {
			t.Errorf("%s: not found", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if !want[key] {
			t.Errorf("%s: found, and should not be", key)
		}
	}
	t.Logf("%d findings", len(want))
}

// TestIndependentApk installs every package of a branch once below and once
// above all versions that have a fix. It reads the lines of the samples, and not
// their YAML.
func TestIndependentApk(t *testing.T) {
	source := t.TempDir()
	want, names := map[string]bool{}, map[string]bool{}
	name, version := "", ""
	for _, file := range []string{"v3.11-main.yaml", "v3.11-community.yaml"} {
		text, err := os.ReadFile(testkit.Corpus(t, "vendors/alpine-secdb/"+file))
		testkit.Must(t, err)
		testkit.Must(t, os.WriteFile(filepath.Join(source, file), text, 0o644))
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if rest, ok := strings.CutPrefix(line, "name: "); ok {
				name = rest
				names[name] = true
			} else if rest, ok := strings.CutSuffix(line, ":"); ok {
				version = strings.Trim(rest, `"'`)
			} else if strings.HasPrefix(line, "- ") && version != "0" {
				ids := cveInText.FindAllString(line, -1)
				if len(ids) == 0 {
					ids = xsaInText.FindAllString(line, -1) // one that has no CVE
				}
				for _, id := range ids {
					want[id+" "+name] = true
				}
			}
		}
	}
	if len(want) == 0 {
		t.Fatal("no fix in the samples")
	}
	for version, want := range map[string]map[string]bool{"0.0.0-r0": want, "999999-r0": {}} {
		root := t.TempDir()
		write(t, root, "etc/os-release", "ID=alpine\nVERSION_ID=3.11.13\nPRETTY_NAME=\"Alpine Linux v3.11\"\n")
		var db strings.Builder
		for _, name := range slices.Sorted(maps.Keys(names)) {
			fmt.Fprintf(&db, "P:%s\nV:%s\nA:x86_64\no:%s\n\n", name, version, name)
		}
		write(t, root, "lib/apk/db/installed", db.String())
		sameFindings(t, foundIn(t, "alpine", source, "--root", root), want)
	}
}

// rpmLower asks rpm whether a is lower than b, both epoch:version-release.
func rpmLower(t *testing.T, a, b string) bool {
	t.Helper()
	split := func(s string) []string {
		epoch, rest, ok := strings.Cut(s, ":")
		if !ok {
			epoch, rest = "0", s
		}
		version, release, _ := strings.Cut(rest, "-")
		return []string{epoch, version, release}
	}
	x, y := split(a), split(b)
	for i := range x {
		out, err := exec.Command(testkit.Program(t, "rpm"), "--eval", fmt.Sprintf("%%{lua:print(rpm.vercmp(%q, %q))}", x[i], y[i])).Output()
		testkit.Must(t, err)
		if order := strings.TrimSpace(string(out)); order != "0" {
			return order == "-1"
		}
	}
	return false
}

// TestIndependentRpm installs, by rpm, packages of AlmaLinux 9 below, at and
// between the versions that have a fix.
func TestIndependentRpm(t *testing.T) {
	fixes := fixesOfAlma(t, "AlmaLinux:9", false)
	var specs []string
	want := map[string]bool{}
	names := slices.Sorted(maps.Keys(fixes))
	// Those with the most fixes say most.
	slices.SortStableFunc(names, func(a, b string) int { return len(fixes[b]) - len(fixes[a]) })
	names = names[:min(12, len(names))]
	for i, name := range names {
		installed := []string{"0-0", fixes[name][0][1], fixes[name][len(fixes[name])-1][1]}[i%3]
		epoch, rest, ok := strings.Cut(installed, ":")
		if !ok {
			epoch, rest = "0", installed
		}
		version, release, _ := strings.Cut(rest, "-")
		specs = append(specs, fmt.Sprintf("Name: %s\nEpoch: %s\nVersion: %s\nRelease: %s\n", name, epoch, version, release))
		for _, f := range fixes[name] {
			if rpmLower(t, installed, f[1]) {
				want[f[0]+" "+name] = true
			}
		}
	}
	root := testkit.RpmRoot(t, "var/lib/rpm", specs...)
	write(t, root, "etc/os-release", "ID=\"almalinux\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"AlmaLinux 9.4\"\n")
	if len(want) == 0 {
		t.Fatal("nothing is open")
	}
	sameFindings(t, foundIn(t, "almalinux", testkit.Corpus(t, "vendors/osv-almalinux"), "--root", root), want)
}

// fixesOfAlma returns what the samples of AlmaLinux's advisories say of an
// ecosystem's packages: for each the vulnerabilities with the fixed versions.
func fixesOfAlma(t *testing.T, ecosystem string, modular bool) map[string][][2]string {
	t.Helper()
	fixes := map[string][][2]string{}
	files, err := filepath.Glob(filepath.Join(testkit.Corpus(t, "vendors/osv-almalinux"), "almalinux*.json"))
	testkit.Must(t, err)
	for _, file := range files {
		var doc struct {
			Related, Aliases, Upstream []string
			Affected                   []struct {
				Package struct{ Ecosystem, Name string }
				Ranges  []struct{ Events []struct{ Fixed string } }
			}
		}
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		testkit.Must(t, json.Unmarshal(text, &doc))
		for _, a := range doc.Affected {
			if a.Package.Ecosystem != ecosystem || strings.Contains(string(text), "module") != modular {
				continue
			}
			for _, r := range a.Ranges {
				for _, e := range r.Events {
					for _, id := range slices.Concat(doc.Related, doc.Aliases, doc.Upstream) {
						if e.Fixed != "" && cveInText.MatchString(id) {
							fixes[a.Package.Name] = append(fixes[a.Package.Name], [2]string{id, e.Fixed})
						}
					}
				}
			}
		}
	}
	return fixes
}
