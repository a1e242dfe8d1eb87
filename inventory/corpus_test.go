package inventory

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// host returns the place of a real machine of the corpus.
func host(t testing.TB, name string) string {
	t.Helper()
	return testkit.Corpus(t, "hosts/"+name)
}

func TestHosts(t *testing.T) {
	for _, tt := range []struct {
		name     string
		release  string
		counts   wontfix.PackageCount
		arch     string
		archives int
	}{
		{"trusty", "ubuntu/trusty", wontfix.PackageCount{Binary: 184, Source: 126}, "armhf", 1},
		{"utopic", "ubuntu/utopic", wontfix.PackageCount{Binary: 686, Source: 440}, "armhf", 1},
		{"focal", "ubuntu/focal", wontfix.PackageCount{Binary: 326, Source: 199, Removed: 1}, "armhf", 10},
		{"bullseye", "debian/bullseye", wontfix.PackageCount{Binary: 142, Source: 108}, "amd64", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ReadRoot(host(t, tt.name), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Release.String() != tt.release || m.Base != m.Release {
				t.Errorf("release %s, base %s, want %s", m.Release, m.Base, tt.release)
			}
			if m.Counts != tt.counts {
				t.Errorf("counts %+v, want %+v", m.Counts, tt.counts)
			}
			if m.Architecture != tt.arch || len(m.Archives) != tt.archives {
				t.Errorf("%s with %d archives, want %s with %d", m.Architecture, len(m.Archives), tt.arch, tt.archives)
			}
			if len(m.Products) != 0 || m.Products == nil {
				t.Errorf("products %#v, want an empty list", m.Products)
			}
			for _, p := range m.Problems {
				t.Errorf("problem: %v", p)
			}
		})
	}
}

// TestConfirm asks dpkg-query what is installed on the machines of the corpus.
func TestConfirm(t *testing.T) {
	query := testkit.Program(t, "dpkg-query")
	for _, name := range []string{"trusty", "utopic", "focal", "bullseye"} {
		t.Run(name, func(t *testing.T) {
			status, err := os.ReadFile(filepath.Join(host(t, name), "var/lib/dpkg/status"))
			if err != nil {
				t.Fatal(err)
			}
			confirm(t, query, status)
		})
	}
	t.Run("traps", func(t *testing.T) { confirm(t, query, []byte(trapStatus)) })
}

// confirm compares the packages of a status file with what dpkg-query lists.
func confirm(t *testing.T, query string, status []byte) {
	t.Helper()
	admin := t.TempDir()
	for _, dir := range []string{"info", "updates"} {
		if err := os.Mkdir(filepath.Join(admin, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(admin, "status"), status, 0o644); err != nil {
		t.Fatal(err)
	}
	const format = "${db:Status-Status} ${db:Status-Want} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n"
	out, err := exec.Command(query, "--admindir="+admin, "-W", "-f="+format).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(out)) {
		state, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if state == "not-installed" || state == "config-files" {
			continue
		}
		wanted, rest, _ := strings.Cut(rest, " ")
		want = append(want, fmt.Sprintf("%s held=%t %s", state, wanted == "hold", rest))
	}
	m, err := ReadStatus("status", bytes.NewReader(status), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range m.Packages {
		got = append(got, fmt.Sprintf("%s held=%t %s %s %s %s %s", p.State, p.Held, p.Name, p.Version, p.Architecture, p.Source, p.SourceVersion))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("dpkg-query lists %d packages, the inventory %d", len(want), len(got))
		for _, p := range got {
			if !slices.Contains(want, p) {
				t.Errorf("not known to dpkg: %s", p)
			}
		}
		for _, p := range want {
			if !slices.Contains(got, p) {
				t.Errorf("missing: %s", p)
			}
		}
	}
}

// The focal machine holds lists of security, updates and backports, but not
// those of main in the release and in updates.
func TestHostLists(t *testing.T) {
	m, err := ReadRoot(host(t, "focal"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Packages, func(p wontfix.Package) bool { return p.Name == "openssl" })
	if i < 0 {
		t.Fatal("openssl is not in the inventory")
	}
	p := m.Packages[i]
	if p.From == nil || p.Offer != nil || !p.Listed {
		t.Fatalf("openssl is the newest of -security, not %+v", p)
	}
	a := *p.From.Archive
	a.File = ""
	want := wontfix.Archive{Origin: "Ubuntu", Label: "Ubuntu", Suite: "focal-security", Codename: "focal", Component: "main",
		Site: "ports.ubuntu.com/ubuntu-ports", Date: "Sun, 12 Jun 2022 13:38:48 UTC"}
	if a != want {
		t.Errorf("openssl comes from %+v, want %+v", a, want)
	}
}

// TestConfirmOffers asks apt what it would upgrade to.
func TestConfirmOffers(t *testing.T) {
	cache := testkit.Program(t, "apt-cache")
	root := host(t, "focal")
	m, err := ReadRoot(root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const site = "[trusted=yes] http://ports.ubuntu.com/ubuntu-ports focal"
	candidates := askApt(t, cache, root, "deb "+site+" main restricted universe multiverse\ndeb "+site+"-updates main restricted universe multiverse\n"+
		"deb "+site+"-backports main universe\ndeb "+site+"-security main restricted universe multiverse\n", m.Packages)
	offers := 0
	for _, p := range m.Packages {
		want := p.Version
		if p.Offer != nil {
			want = p.Offer.Version
			offers++
		}
		if candidates[p.Name] != want {
			t.Errorf("%s: apt would install %q, the inventory says %q", p.Name, candidates[p.Name], want)
		}
	}
	if offers == 0 || len(candidates) != len(m.Packages) {
		t.Errorf("%d offers, %d candidates for %d packages: nothing was confirmed", offers, len(candidates), len(m.Packages))
	}
}

// askApt returns the version that apt-cache policy calls the candidate, by
// name of package.
func askApt(t *testing.T, cache, root, sources string, packages []wontfix.Package) map[string]string {
	t.Helper()
	dir := t.TempDir()
	lists := filepath.Join(dir, "state", "lists")
	if err := os.CopyFS(lists, os.DirFS(filepath.Join(root, listsDir))); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{filepath.Join(lists, "partial"), filepath.Join(dir, "cache", "archives", "partial"), filepath.Join(dir, "etc")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(dir, "sources.list")
	if err := os.WriteFile(list, []byte(sources), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"policy"}
	for key, value := range map[string]string{
		"Dir::State": filepath.Join(dir, "state"), "Dir::State::status": filepath.Join(root, statusFile), "Dir::Cache": filepath.Join(dir, "cache"),
		"Dir::Etc": filepath.Join(dir, "etc"), "Dir::Etc::SourceList": list,
		"APT::Architecture": "armhf", "APT::Architectures": "armhf",
	} {
		args = append(args, "-o", key+"="+value)
	}
	for i := range packages {
		args = append(args, packages[i].Name)
	}
	cmd := exec.Command(cache, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	candidates := make(map[string]string)
	name := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if n, ok := strings.CutSuffix(line, ":"); ok && line[0] != ' ' {
			name = n
		}
		if c, ok := strings.CutPrefix(line, "  Candidate: "); ok {
			candidates[name] = c
		}
	}
	return candidates
}

// The utopic machine holds the lists of a third party alone, none of whose
// packages are installed.
func TestHostThirdParty(t *testing.T) {
	m, err := ReadRoot(host(t, "utopic"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Archives) != 1 || m.Archives[0].Label != "Linaro Overlay (utopic)" || m.Archives[0].Site != "repo.linaro.org/ubuntu/linaro-overlay" || m.Archives[0].Component != "main" {
		t.Errorf("archives %+v", m.Archives)
	}
	for _, p := range m.Packages {
		if p.Listed || p.From != nil || p.Offer != nil {
			t.Errorf("%s: listed, and the overlay has no such package", p.Name)
		}
	}
}

func TestHostBackports(t *testing.T) {
	root := host(t, "utopic")
	m, err := ReadRoot(root, Options{NoLists: true})
	if err != nil {
		t.Fatal(err)
	}
	fsys := os.DirFS(root)
	backports, problems := Backports(fsys, m.Packages)
	for _, p := range problems {
		t.Errorf("problem: %v", p)
	}
	ids := 0
	for _, b := range backports {
		ids += len(b.IDs)
		if b.Source != "openssl" {
			continue
		}
		for _, id := range b.IDs[len(b.IDs)-2:] {
			line, ok, err := Changelog(fsys, m.Packages[slices.IndexFunc(m.Packages, func(p wontfix.Package) bool { return p.Source == "openssl" })], id)
			t.Logf("%s: %t %v %s", id, ok, err, line)
		}
	}
	t.Logf("%d sources name %d vulnerabilities", len(backports), ids)
	if len(backports) < 50 || ids < 150 {
		t.Errorf("%d sources name %d vulnerabilities: too few", len(backports), ids)
	}
}

// TestThisMachine reads the machine that the test runs on.
func TestThisMachine(t *testing.T) {
	if _, err := os.Stat("/" + statusFile); err != nil {
		t.Skip("not a Debian or a derivative")
	}
	m, err := ReadRoot("/", Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s on %s, %+v, kernel %+v, %d archives, problems %v", m.Release, m.Base, m.Counts, m.Kernel, len(m.Archives), m.Problems)
	running, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err == nil && strings.TrimSpace(string(running)) != m.Kernel.Running {
		t.Errorf("running kernel %q, want %q", m.Kernel.Running, running)
	}
	if m.Base.Series == "" {
		t.Errorf("base %s has no series", m.Base)
	}
}
