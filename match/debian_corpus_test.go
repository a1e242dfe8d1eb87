package match_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
	"wontfix/inventory"
	"wontfix/lifecycle"
	"wontfix/match"
	"wontfix/tracker/debian"
	"wontfix/version"
)

// plainDebian works out what Debian's files say of a series by its tracker's
// rules alone, in a way of its own: it knows lines, and neither entries nor
// statements. The answer has an outcome for each vulnerability, package and
// version that is open.
type plainDebian struct {
	series   string
	versions map[string]map[string]string // by vulnerability and "package release": the version, or the pseudo-version
	urgency  map[string]map[string]string
	comment  map[string]map[string]string // no-dsa, ignored, postponed
	queued   map[string]map[string]string
	less     func(a, b string) bool
}

var (
	plainHead = regexp.MustCompile(`^(?:\[.*?\] )?(CVE-\d+-\d{4,}|CVE-\d+-XXXX|D[A-Z]*A-\S+)`)
	plainLine = regexp.MustCompile(`^\s+(?:\[(\w+)\] )?- (\S+) +(\S+)(?: \((.*)\))?\s*$`)
	plainXref = regexp.MustCompile(`^\s+\{(.*)\}`)
)

func (p *plainDebian) set(into map[string]map[string]string, id, key, value string) {
	if into[id] == nil {
		into[id] = map[string]string{}
	}
	into[id][key] = value
}

// read takes in the lines of a file. The rows of advisories are for the
// vulnerabilities that they name.
func (p *plainDebian) read(text string, advisories bool) {
	var ids []string
	for line := range strings.Lines(text) {
		if m := plainHead.FindStringSubmatch(line); m != nil {
			ids = []string{m[1]}
			continue
		}
		if m := plainXref.FindStringSubmatch(line); m != nil && advisories {
			ids = strings.Fields(m[1])
			continue
		}
		m := plainLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		release, source, word, inner := m[1], m[2], m[3], m[4]
		for _, id := range ids {
			key := source + " " + release
			switch word {
			case "<no-dsa>", "<ignored>", "<postponed>":
				p.set(p.comment, id, key, word)
				continue
			case "<not-affected>":
				word = "0"
			}
			if advisories {
				if have, ok := p.versions[id][key]; ok && (strings.HasPrefix(have, "<") || !p.less(have, word)) {
					continue
				}
			}
			p.set(p.versions, id, key, word)
			if slices.Contains(strings.Split(inner, "; "), "unimportant") {
				p.set(p.urgency, id, key, "unimportant")
			}
		}
	}
}

func (p *plainDebian) readQueue(text string) {
	id := ""
	for line := range strings.Lines(text) {
		if m := plainHead.FindStringSubmatch(line); m != nil {
			id = m[1]
		} else if m := plainLine.FindStringSubmatch(line); m != nil {
			p.set(p.queued, id, m[2]+" "+m[1], m[3])
		}
	}
}

// outlook returns what is open in an installed version, "" for nothing.
func (p *plainDebian) outlook(id, source, installed string) string {
	own, all := source+" "+p.series, source+" "
	v, ok := p.versions[id][own]
	key, is := own, ok
	if !ok {
		v, is = p.versions[id][all]
		key = all
	}
	queued, comment := p.queued[id][own], p.comment[id][own]
	if !is && queued == "" && comment == "" {
		return ""
	}
	fixed := is && !strings.HasPrefix(v, "<") && !p.less(installed, v)
	switch {
	case fixed, v == "<itp>" && comment == "" && queued == "", queued != "" && !p.less(installed, queued):
		return ""
	case ok && !strings.HasPrefix(v, "<"):
		return "available"
	case ok && v == "<end-of-life>":
		return "never"
	case ok && v == "<unfixed>":
		return "open"
	case queued != "":
		return "pending"
	case comment == "<ignored>":
		return "never"
	case comment != "":
		return "deferred"
	case p.urgency[id][key] != "", v == "<end-of-life>":
		return "never"
	case v == "<undetermined>":
		return "undecided"
	}
	return "open"
}

// dpkgLess asks dpkg which of two versions is lower, and keeps the answers. Where
// there is no dpkg it asks this project.
func dpkgLess(t testing.TB) func(a, b string) bool {
	dpkg, err := exec.LookPath("dpkg")
	known := map[[2]string]bool{}
	return func(a, b string) bool {
		if err != nil {
			return version.Dpkg(a, b) < 0
		}
		k := [2]string{a, b}
		less, ok := known[k]
		if !ok {
			less = exec.Command(dpkg, "--compare-versions", a, "lt", b).Run() == nil
			known[k] = less
		}
		return less
	}
}

// comparePlain compares the findings for a machine with what plainDebian works
// out of the same files, and returns how many of each outcome there are.
func comparePlain(t *testing.T, m *wontfix.Machine, now string, files map[string][]byte) map[string]int {
	t.Helper()
	less := dpkgLess(t)
	p := &plainDebian{series: m.Base.Series, less: less,
		versions: map[string]map[string]string{}, urgency: map[string]map[string]string{}, comment: map[string]map[string]string{}, queued: map[string]map[string]string{}}
	sources := map[string]string{}
	for _, pkg := range m.Packages {
		source, v := pkg.Source, pkg.SourceVersion
		if strings.HasPrefix(source, "linux-signed-") {
			source, v = "linux", pkg.Version
		}
		sources[source+" "+v] = source
	}
	// Advisories name thousands of packages that are not installed: their
	// versions need no comparing.
	only := regexp.MustCompile(`(?m)^\s+\[\w+\] - (\S+) .*\n`)
	installed := func(text []byte) string {
		return only.ReplaceAllStringFunc(string(text), func(line string) string {
			name := only.FindStringSubmatch(line)[1]
			for _, source := range sources {
				if source == name {
					return line
				}
			}
			return ""
		})
	}
	p.read(string(files["data/CVE/list"]), false)
	for _, name := range []string{"data/DSA/list", "data/DLA/list"} {
		p.read(installed(files[name]), true)
	}
	p.readQueue(string(files["data/next-point-update.txt"]))
	want := map[string]string{}
	ids := map[string]bool{}
	for _, table := range []map[string]map[string]string{p.versions, p.comment, p.queued} {
		for id := range table {
			ids[id] = strings.HasPrefix(id, "CVE-") && !strings.HasSuffix(id, "XXXX")
		}
	}
	for key, source := range sources {
		installed := strings.TrimPrefix(key, source+" ")
		for id, yes := range ids {
			if outlook := p.outlook(id, source, installed); yes && outlook != "" {
				want[id+" "+key] = outlook
			}
		}
	}

	got, counts := map[string]string{}, map[string]int{}
	bare := *m
	bare.Notices, bare.Archives = nil, nil
	bare.Packages = slices.Clone(m.Packages)
	for i := range bare.Packages {
		bare.Packages[i].Offer, bare.Packages[i].From = nil, nil
	}
	statements := debianStatements(t, m.Base.Series, files)
	kept := slices.DeleteFunc(slices.Clone(statements), func(s wontfix.Statement) bool { return s.Scope == wontfix.ScopePackage })
	findings, dismissed := matched(t, &bare, kept, match.Options{Tracker: wontfix.Tracker{Name: debian.Name}, Now: day(t, now)})
	for _, f := range findings {
		if strings.HasPrefix(f.ID, "CVE-") {
			got[f.ID+" "+f.Source+" "+f.SourceVersion] = f.Outlook.String()
			counts[f.Outlook.String()]++
		}
	}
	counts["dismissed"] = len(dismissed)
	for key, outlook := range want {
		if got[key] != outlook {
			t.Errorf("%s: %q, worked out plainly %q", key, got[key], outlook)
		}
	}
	for key, outlook := range got {
		if want[key] == "" {
			t.Errorf("%s: %q, worked out plainly it is not open", key, outlook)
		}
	}
	return counts
}

// trackerSamples returns the corpus' files of Debian's tracker.
func trackerSamples(t testing.TB) map[string][]byte {
	t.Helper()
	dir := testkit.Corpus(t, "vendors/debian-tracker")
	files := map[string][]byte{}
	for sample, name := range map[string]string{"CVE-list.excerpt": "data/CVE/list", "DSA-list": "data/DSA/list", "DLA-list": "data/DLA/list",
		"next-point-update.txt": "data/next-point-update.txt", "dsa-needed.txt": "data/dsa-needed.txt", "dla-needed.txt": "data/dla-needed.txt",
		"static-distributions.json": "static/distributions.json"} {
		text, err := os.ReadFile(filepath.Join(dir, sample))
		testkit.Must(t, err)
		files[name] = text
	}
	return files
}

// TestDebianHost compares a real machine with Debian 11.
func TestDebianHost(t *testing.T) {
	m, err := inventory.ReadRoot(testkit.Corpus(t, "hosts/bullseye"), inventory.Options{})
	testkit.Must(t, err)
	setDates(m)
	counts := comparePlain(t, m, "2023-04-02", trackerSamples(t))
	t.Logf("%d packages: %v", len(m.Packages), counts)
	for _, outlook := range []string{"never", "deferred", "open", "available"} {
		if counts[outlook] == 0 {
			t.Errorf("nothing came to %s: %v", outlook, counts)
		}
	}
}

func setDates(m *wontfix.Machine) {
	if r, ok := lifecycle.Embedded().Lookup(m.Base.Distribution, m.Base.Series); ok {
		m.Support = r.Support()
	}
}

// TestDebianHere compares the machine on which the test runs, if it is Debian's:
// with the corpus, and with files that were made up about its own packages.
func TestDebianHere(t *testing.T) {
	testkit.Program(t, "dpkg")
	m, err := inventory.ReadRoot("/", inventory.Options{})
	testkit.Must(t, err)
	if m.Base.Distribution != debian.Name {
		t.Skipf("this machine is %s", m.Base)
	}
	setDates(m)
	now := m.Support.Released.AddDate(0, 6, 0).Format("2006-01-02")
	t.Run("corpus", func(t *testing.T) {
		t.Logf("%d packages: %v", len(m.Packages), comparePlain(t, m, now, trackerSamples(t)))
	})
	t.Run("made up", func(t *testing.T) {
		counts := comparePlain(t, m, now, inventDebian(m, rand.New(rand.NewPCG(1, 2))))
		t.Logf("%d packages: %v", len(m.Packages), counts)
		for _, outlook := range []string{"never", "deferred", "open", "undecided", "pending", "available", "dismissed"} {
			if counts[outlook] == 0 {
				t.Errorf("nothing came to %s: %v", outlook, counts)
			}
		}
	})
}

// inventDebian makes files of the tracker about the packages of m, with versions
// around those that are installed.
func inventDebian(m *wontfix.Machine, r *rand.Rand) map[string][]byte {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	near := func(v string) string { return pick(v, v+"+deb99u1", v+"~rc1", "9999:0", "0~1", v+".1") }
	var list, advisories, queue strings.Builder
	for i := range 800 {
		p := &m.Packages[r.IntN(len(m.Packages))]
		source, v, id := p.Source, p.SourceVersion, fmt.Sprintf("CVE-2020-%04d", i)
		if strings.HasPrefix(source, "linux-signed-") {
			source, v = "linux", p.Version
		}
		fmt.Fprintf(&list, "%s (made up)\n", id)
		if r.IntN(2) == 0 {
			fmt.Fprintf(&advisories, "[01 Jan 2023] DSA-%d-1 %s - x\n\t{%s}\n\t[%s] - %s %s\n", i+1, source, id, pick(m.Base.Series, "woody"), source, near(v))
		}
		if r.IntN(8) > 0 {
			fmt.Fprintf(&list, "\t- %s %s\n", source, pick(near(v), near(v), near(v)+" (unimportant)", near(v)+" (low; bug #1)",
				"<unfixed>", "<unfixed> (unimportant; bug #2)", "<removed>", "<undetermined>", "<not-affected> (x)", "<itp> (bug #3)"))
		}
		switch release := pick(m.Base.Series, m.Base.Series, "woody", "experimental"); r.IntN(4) {
		case 0:
			fmt.Fprintf(&list, "\t[%s] - %s %s\n", release, source, pick(near(v), "<unfixed>", "<end-of-life> (x)", "<not-affected> (y)"))
		case 1:
			fmt.Fprintf(&list, "\t[%s] - %s %s (Minor issue)\n", strings.Replace(release, "experimental", "woody", 1), source, pick("<no-dsa>", "<ignored>", "<postponed>"))
		case 2:
			if r.IntN(2) == 0 {
				fmt.Fprintf(&queue, "%s\n\t[%s] - %s %s\n", id, release, source, near(v))
			}
		}
	}
	return map[string][]byte{"data/CVE/list": []byte(list.String()), "data/DSA/list": []byte(advisories.String()), "data/next-point-update.txt": []byte(queue.String())}
}
