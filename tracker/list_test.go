package tracker_test

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/tracker"
)

// TestSamples reads the corpus' samples of each tracker as a source of its
// own: every one has entries, every statement can be traced to a line or a
// pointer, and what is kept says the same.
func TestSamples(t *testing.T) {
	for name, samples := range map[string][]string{
		"redhat":           {"redhat-vex-v1/clair", "redhat-vex-v2", "redhat-hydra"},
		"suse":             {"suse-csaf-vex"},
		"almalinux":        {"osv-almalinux"},
		"rocky":            {"osv-rocky"},
		"alpine":           {"alpine-secdb"},
		"oracle":           {"oracle-oval"},
		"azurelinux":       {"azurelinux"},
		"amazon":           {"amazon-alas"},
		"photon":           {"photon"},
		"arch":             {"arch"},
		"gentoo":           {"gentoo-glsa"},
		"openssl":          {"openssl-secjson/statements.json"},
		"csaf":             {"azurelinux/msrc_cve-2025-25186.json"},
		"openvex":          {"ubuntu-vex"},
		"ubuntu-api":       {"ubuntu-api/cves-offset20-limit20.json"},
		"debian":           {"debian-json"},
		"almalinux-errata": {"almalinux-errata"},
		"rocky-errata":     {"rocky-errata"},
		"suse-oval":        {"suse-oval"},
		"redhat-oval":      {"redhat-oval-v2"},
		"ubuntu-oval":      {"ubuntu-oval"},
		"debian-oval":      {"debian-oval"},
		"photon-oval":      {"photon"},
		"launchpad":        {"launchpad"},
		"cve":              {"cve-v5"},
		"nvd":              {"nvd-api2"},
		"ubuntu-vex":       {"ubuntu-vex"},
		"ubuntu-osv":       {"ubuntu-osv"},
		"debian-osv":       {"osv-debian"},
		"redhat-osv":       {"osv-redhat"},
		"suse-osv":         {"osv-suse"},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := tracker.Find(name)
			testkit.Must(t, err)
			for _, sample := range samples {
				s, err := tracker.Open(context.Background(), spec, filepath.FromSlash(testkit.Corpus(t, "vendors/"+sample)), tracker.Options{})
				testkit.Must(t, err)
				defer s.Close()
				changes, _, err := s.Changes(context.Background(), "")
				testkit.Must(t, err)
				entries, statements := 0, 0
				files := map[string]bool{}
				for c, err := range changes {
					testkit.Must(t, err)
					if c.Entry == nil {
						t.Logf("%v", c.Problems)
						continue
					}
					if files[c.File] {
						t.Errorf("two entries in %s", c.File)
					}
					files[c.File] = true
					entries++
					statements += len(c.Entry.Statements)
					for _, x := range c.Entry.Statements {
						if x.File == "" || x.Line < 1 && x.Pointer == "" || x.ID != c.ID || x.Release == (wontfix.Release{}) && x.Decision != wontfix.DecisionUnknown {
							t.Errorf("statement %+v cannot be traced", x)
						}
					}
					if kept := spec.Parse(c.File, c.Text); len(kept.Problems) > 0 || len(kept.Entry.Statements) != len(c.Entry.Statements) {
						t.Errorf("%s is kept as %+v with %v", c.File, kept.Entry, kept.Problems)
					}
				}
				if entries == 0 || statements == 0 && !spec.Context {
					t.Errorf("%s: %d entries, %d statements", sample, entries, statements)
				}
			}
		})
	}
}

// TestDebianFiles: what lies beside the tracker's own files is read with them, or
// it is said that it is not.
func TestDebianFiles(t *testing.T) {
	docs := func(names ...string) iter.Seq2[tracker.Document, error] {
		text := map[string]string{"data/CVE/list": "CVE-2023-0001\n\t- a 1\n", "data/security-support-limited": "c a text\n", "data/export.json": `{"a":{}}`}
		return func(yield func(tracker.Document, error) bool) {
			for _, name := range names {
				if !yield(tracker.Document{File: name, Text: []byte(text[name])}, nil) {
					return
				}
			}
		}
	}
	spec, err := tracker.Find("debian")
	testkit.Must(t, err)
	var got []string
	for c, err := range spec.Read(docs("data/export.json", "data/CVE/list", "data/security-support-limited")) {
		testkit.Must(t, err)
		for _, p := range c.Problems {
			got = append(got, p.Error())
		}
		if c.Entry != nil {
			for _, s := range c.Entry.Statements {
				got = append(got, fmt.Sprintf("%s %s %s:%d", s.ID, s.Source, s.File, s.Line))
			}
		}
	}
	want := []string{
		"data/export.json: not read: the tracker's own files are beside it, and count",
		"CVE-2023-0001 a data/CVE/list:2",
		"* c data/security-support-limited:1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNamed(t *testing.T) {
	for title, want := range map[string]string{"Ubuntu CVE Tracker": "the Ubuntu CVE Tracker", "AlmaLinux's advisories": "AlmaLinux's advisories", "CVE records": "CVE records"} {
		if got := tracker.Named(title); got != want {
			t.Errorf("Named(%q) = %q, want %q", title, got, want)
		}
	}
}
