package ubuntu

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"wontfix"
	"wontfix/internal/testkit"
)

var update = flag.Bool("update", false, "write what the code makes of testdata into it")

// cases returns the archives of testdata: a file of the tracker, and what
// Parse makes of it.
func cases(t testing.TB) []testCase {
	files, err := filepath.Glob("testdata/*.txtar")
	testkit.Must(t, err)
	if len(files) == 0 {
		t.Fatal("testdata has no cases")
	}
	var list []testCase
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		testkit.Must(t, err)
		if len(ar.Files) != 2 || ar.Files[1].Name != "want" {
			t.Fatalf("%s: want an entry and its meaning", file)
		}
		list = append(list, testCase{name: file, file: ar.Files[0].Name, text: ar.Files[0].Data, want: ar.Files[1].Data, archive: ar})
	}
	return list
}

func TestParse(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(c.name), ".txtar"), func(t *testing.T) {
			entry, problems := Parse(c.file, c.text)
			got := describe(entry, problems)
			if *update {
				c.archive.Files[1].Data = got
				testkit.Must(t, os.WriteFile(c.name, txtar.Format(c.archive), 0o644))
				return
			}
			if !bytes.Equal(got, c.want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// describe writes an entry in the words of the project, a line a statement.
func describe(e *wontfix.Entry, problems []wontfix.Problem) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s published %q priority %s", e.ID, e.PublishedAt(), e.PriorityFor("", "").Word)
	if e.Withdrawn != "" {
		fmt.Fprintf(&b, " withdrawn: %s", e.Withdrawn)
	}
	b.WriteByte('\n')
	for _, n := range e.Notes {
		fmt.Fprintf(&b, "note %d %s %q\n", n.Line, n.Author, n.Text)
	}
	for _, c := range e.CVSS {
		fmt.Fprintf(&b, "cvss %s %s %s %s\n", c.Source, c.Vector, c.Score, c.Severity)
	}
	for _, tag := range e.Tags {
		fmt.Fprintf(&b, "tag %q %s\n", tag.Key, strings.Join(tag.Words, " "))
	}
	for _, set := range e.Patches {
		for _, p := range set.Patches {
			fmt.Fprintf(&b, "patch %d %s %s %s\n", p.Line, set.Source, p.Kind, p.Text)
		}
	}
	for i := range e.Statements {
		s := &e.Statements[i]
		fmt.Fprintf(&b, "%d %s %s %s %s", s.Line, s.Source, s.Release, s.Status, s.Decision)
		for _, x := range []struct{ name, value string }{
			{"reasons", s.Reasons.String()}, {"fixed", s.Fixed}, {"was", s.Was}, {"was-detail", s.WasDetail}, {"successor", s.Successor},
			{"since", s.Since}, {"devel-of", s.DevelOf}, {"because", s.Because}, {"words", s.Words},
		} {
			if x.value != "" {
				fmt.Fprintf(&b, " %s=%q", x.name, x.value)
			}
		}
		if s.Reasons != 0 {
			fmt.Fprintf(&b, " from %s:%d", s.Evidence, s.EvidenceLine)
		}
		b.WriteByte('\n')
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "problem %v\n", p)
	}
	return b.Bytes()
}

func TestLabels(t *testing.T) {
	for label, want := range map[string]string{
		"trusty": "ubuntu/trusty", "ubuntu/jammy": "ubuntu/jammy", "trusty/esm": "ubuntu/trusty/esm-infra", "esm/trusty": "ubuntu/trusty/esm-infra",
		"esm-infra/xenial": "ubuntu/xenial/esm-infra", "esm-apps/focal": "ubuntu/focal/esm-apps", "fips-updates/bionic": "ubuntu/bionic/fips-updates",
		"ros-esm/kinetic": "ubuntu/xenial/ros-esm", "ros-esm/xenial": "ubuntu/xenial/ros-esm", "vivid/ubuntu-core": "ubuntu/vivid/ubuntu-core",
		"esm-infra-legacy/trusty": "ubuntu/trusty/esm-infra-legacy", "upstream": "upstream", "devel": "ubuntu/devel", "snap": "snap",
	} {
		if got, known := parseLabel(label); got.String() != want || !known {
			t.Errorf("parseLabel(%q) = %s, %v; want %s", label, got, known, want)
		}
		if r, _ := parseLabel(label); r.Distribution == "ubuntu" && r.Series != "devel" {
			if !contains(Labels(r.Series), label) {
				t.Errorf("Labels(%q) lacks %q", r.Series, label)
			}
		}
	}
	for _, label := range []string{"product", "zebra", "esm-infra/zebra", "a/b/c", ""} {
		if _, known := parseLabel(label); known {
			t.Errorf("parseLabel(%q) is known", label)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
