package inventory

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"wontfix"
)

// problems returns the texts of a machine's problems.
func problems(m *wontfix.Machine) (all []string) {
	for _, p := range m.Problems {
		all = append(all, p.Error())
	}
	return all
}

func TestReleases(t *testing.T) {
	for _, tt := range []struct {
		name, release, base string
		files               map[string]string // without the usual os-release
		problem             string
	}{
		{"trusty has no VERSION_CODENAME", "ubuntu/trusty", "ubuntu/trusty", map[string]string{
			"etc/os-release": "NAME=\"Ubuntu\"\nVERSION=\"14.04, Trusty Tahr\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"14.04\"\n"}, ""},
		{"lucid has no os-release", "ubuntu/lucid", "ubuntu/lucid", map[string]string{
			"etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\nDISTRIB_CODENAME=lucid\nDISTRIB_DESCRIPTION=\"Ubuntu 10.04.4 LTS\"\n", "etc/debian_version": "squeeze/sid\n"}, ""},
		{"jessie", "debian/jessie", "debian/jessie", map[string]string{"usr/lib/os-release": "ID=debian\nVERSION_ID=\"8\"\nVERSION=\"8 (jessie)\"\n", "etc/debian_version": "8.11\n"}, ""},
		{"squeeze", "debian/squeeze", "debian/squeeze", map[string]string{"etc/debian_version": "6.0.10\n"}, ""},
		{"testing", "debian/stretch", "debian/stretch", map[string]string{"etc/os-release": "ID=debian\n", "etc/debian_version": "stretch/sid\n"}, ""},
		{"Linux Mint", "linuxmint/virginia", "ubuntu/jammy", map[string]string{
			"etc/os-release": "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"21.3\"\nVERSION_CODENAME=virginia\nUBUNTU_CODENAME=jammy\n", "etc/debian_version": "bookworm/sid\n"}, ""},
		{"Linux Mint of old", "linuxmint/rosa", "ubuntu/trusty", map[string]string{
			"etc/os-release":                   "ID=ubuntu-derivative\n",
			"etc/lsb-release":                  "DISTRIB_ID=LinuxMint\nDISTRIB_RELEASE=17.3\nDISTRIB_CODENAME=rosa\n",
			"etc/upstream-release/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=14.04\nDISTRIB_CODENAME=trusty\n"}, ""},
		{"LMDE", "linuxmint/faye", "debian/bookworm", map[string]string{"etc/os-release": "ID=linuxmint\nID_LIKE=debian\nVERSION_CODENAME=faye\nDEBIAN_CODENAME=bookworm\n"}, ""},
		{"Pop", "pop/jammy", "ubuntu/jammy", map[string]string{"etc/os-release": "ID=pop\nID_LIKE=\"ubuntu debian\"\nVERSION_CODENAME=jammy\n"}, ""},
		{"Raspbian", "raspbian/bookworm", "debian/bookworm", map[string]string{"etc/os-release": "ID=raspbian\nID_LIKE=debian\nVERSION_CODENAME=bookworm\n"}, ""},
		{"Devuan", "devuan/daedalus", "debian/bookworm", map[string]string{"etc/os-release": "ID=devuan\nID_LIKE=debian\nVERSION_CODENAME=daedalus\n", "etc/debian_version": "12.4\n"}, ""},
		{"Kali", "kali/kali-rolling", "kali/kali-rolling", map[string]string{"etc/os-release": "ID=kali\nID_LIKE=debian\nVERSION_CODENAME=kali-rolling\n", "etc/debian_version": "kali-rolling\n"}, "built on is not known"},
		{"a link that became a file", "ubuntu/focal", "ubuntu/focal", map[string]string{"etc/os-release": "../usr/lib/os-release", "usr/lib/os-release": focalRelease}, ""},
		{"nothing", "", "", nil, "no ID"},
		{"a name with a slash", "", "", map[string]string{"etc/os-release": "ID=\"../x\"\nVERSION_CODENAME=\x1b[31m\n"}, "no names of a release"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys := root(tt.files)
			if tt.files["etc/os-release"] == "" || strings.Contains(tt.files["etc/os-release"], "ubuntu-derivative") {
				delete(fsys, "etc/os-release")
			}
			m := read(t, fsys)
			if m.Release.String() != tt.release || m.Base.String() != tt.base {
				t.Errorf("%s on %s, want %s on %s", m.Release, m.Base, tt.release, tt.base)
			}
			if all := strings.Join(problems(m), "\n"); (tt.problem == "") != (all == "") || !strings.Contains(all, tt.problem) {
				t.Errorf("problems %q, want one with %q", all, tt.problem)
			}
		})
	}
}

func TestGivenRelease(t *testing.T) {
	want := wontfix.Release{Distribution: "debian", Series: "sid"}
	m, err := Read(root(), Options{Release: want})
	if err != nil || m.Release != want || m.Base != want || m.OS.ID != "ubuntu" {
		t.Errorf("%s on %s of %+v, %v", m.Release, m.Base, m.OS, err)
	}
}

// TestFound: the base is told even if no package can be read after it.
func TestFound(t *testing.T) {
	var got []wontfix.Release
	o := Options{Found: func(base wontfix.Release) { got = append(got, base) }}
	fsys := fstest.MapFS{"etc/os-release": {Data: []byte("ID=ubuntu\nVERSION_ID=14.04\n")}}
	if _, err := Read(fsys, o); !errors.Is(err, ErrNoDatabase) {
		t.Fatalf("the error is %v", err)
	}
	if want := (wontfix.Release{Distribution: "ubuntu", Series: "trusty"}); len(got) != 1 || got[0] != want {
		t.Errorf("found %v, want %v, once", got, want)
	}
}

// A damaged status file costs what is damaged and nothing else.
func TestStatusProblems(t *testing.T) {
	good := stanzaOf("good amd64 1", ok)
	for _, tt := range []struct {
		name, text string
		packages   string // names with versions
		problem    string // "" for none
	}{
		{"whole", good, "good 1", ""},
		{"cut in a value", good + "Package: b\nStatus: install ok installed\nVersion: 1.2", "good 1", "status:12: the file ends in the middle"},
		{"cut before the version", good + "Package: b\nStatus: install ok installed\n", "good 1", `package "b" is installed and has no version`},
		{"cut in the status", good + "Package: b\nStatus: install o", "good 1", `package "b": its stanza is cut off`},
		{"cut behind a line", good + "Package: b\nStatus: install ok installed\nVersion: 1.2\n", "good 1 b 1.2", "status:12: the file ends without the empty line"},
		{"no Package", "Version: 1\nStatus: install ok installed\n\n" + good, "good 1", "status:1: stanza without a Package"},
		{"no Version", "Package: b\nStatus: install ok installed\n\n" + good, "good 1", `status:1: package "b" is installed and has no version`},
		{"no Status", "Package: b\nVersion: 1\n\n" + good, "good 1", `status:1: package "b" has no Status`},
		{"status of two words", "Package: b\nStatus: install ok\nVersion: 1\n\n" + good, "b 1 good 1", "has not three words"},
		{"unknown state", "Package: b\nStatus: install ok lost\nVersion: 1\n\n" + good, "b 1 good 1", `state "lost"`},
		{"old state", "Package: b\nStatus: install ok postinst-failed\nVersion: 1\n\n" + good, "b 1 good 1", ""},
		{"twice", good + good, "good 1", `status:10: second stanza of package "good"`},
		{"twice with two versions", good + stanzaOf("good amd64 2", ok), "good 1 good 2", "second stanza"},
		{"NUL", "Package: b\x00\nStatus: install ok installed\nVersion: 1\n\n" + good, "b\x00 1 good 1", "status:1: NUL byte"},
		{"escapes", stanzaOf("b\x1b[2J amd64 1\x1b]0;x", ok) + good, "b\x1b[2J 1\x1b]0;x good 1", `"b\x1b[2J" is no legal name`},
		{"long", "Package: b\nStatus: install ok installed\nVersion: " + strings.Repeat("1", maxFieldSize+1) + "\n\n" + good, "good 1", "status:3: Version field of 4097 bytes"},
		{"second field", "Package: b\nPackage: c\nStatus: install ok installed\nVersion: 1\n\n" + good, "b 1 good 1", "status:2: second Package field"},
		{"no field", "Package: b\nrubbish\nStatus: install ok installed\nVersion: 1\n\n" + good, "b 1 good 1", "status:2: neither a field"},
		{"bad source", "Package: b\nStatus: install ok installed\nSource: c (\nVersion: 1\n\n" + good, "b 1 good 1", "status:3: package \"b\": source"},
		{"carriage returns", strings.ReplaceAll(good, "\n", "\r\n"), "good 1", "without the empty line"},
		{"case", strings.Replace(good, "Package", "PACKAGE", 1), "good 1", ""},
		{"empty", "", "", "status: no installed package in it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := read(t, root(map[string]string{statusFile: tt.text}))
			var got []string
			for _, p := range m.Packages {
				got = append(got, p.Name, p.Version)
			}
			if s := strings.Join(got, " "); s != tt.packages {
				t.Errorf("packages %q, want %q", s, tt.packages)
			}
			all := strings.Join(problems(m), "\n")
			if (tt.problem == "") != (all == "") || !strings.Contains(all, tt.problem) {
				t.Errorf("problems %s\nwant one with %q", all, tt.problem)
			}
			if strings.ContainsAny(all, "\x00\x1b") {
				t.Errorf("problem with a control character: %q", all)
			}
		})
	}
}

func TestManyProblems(t *testing.T) {
	m := read(t, root(map[string]string{statusFile: strings.Repeat("Version: 1\n\n", 1000)}))
	if n := len(m.Problems); n != maxProblems+1 || !strings.Contains(m.Problems[n-1].Text, "1001 problems") {
		t.Errorf("%d problems, the last %v", n, m.Problems[n-1])
	}
}

// dpkg's journal takes the place of what the status file says.
func TestUpdates(t *testing.T) {
	m := read(t, root(map[string]string{
		statusFile:            stanzaOf("a amd64 1", ok) + stanzaOf("b amd64 1", ok) + stanzaOf("c amd64 1", ok),
		updatesDir + "/0000":  stanzaOf("a amd64 2", "install ok unpacked"),
		updatesDir + "/0001":  stanzaOf("b amd64 1", "deinstall ok config-files"),
		updatesDir + "/tmp.i": stanzaOf("c amd64 9", ok),
	}))
	got := ""
	for _, p := range m.Packages {
		got += p.Name + " " + p.Version + " " + p.State + "; "
	}
	if got != "c 1 installed; a 2 unpacked; " || m.Counts.Removed != 1 || len(m.Problems) > 0 {
		t.Errorf("%s, %d removed, %v", got, m.Counts.Removed, m.Problems)
	}
}

func TestReadStatus(t *testing.T) {
	release := wontfix.Release{Distribution: "ubuntu", Series: "xenial"}
	m, err := ReadStatus("stdin", strings.NewReader("Package: a\nVersion: 1\nArchitecture: arm64\n\n"+trapStatus), Options{Release: release})
	if err != nil {
		t.Fatal(err)
	}
	if m.Release != release || m.Base != release || find(m, "a").State != "installed" || m.Architecture != "amd64" || m.Packages[0].File != "stdin" || len(m.Problems) > 0 {
		t.Errorf("%+v", m)
	}
	if p := find(m, "tar"); p.Line != 15 {
		t.Errorf("tar is at line %d, want 15", p.Line)
	}
	if _, err := ReadStatus("photo.jpg", strings.NewReader("\xff\xd8\xff\n\n"), Options{}); err == nil || !strings.Contains(err.Error(), "photo.jpg: no package in it") {
		t.Errorf("error %v", err)
	}
}

func TestNoDatabase(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"etc/hosts", "looked for var/lib/dpkg/status"},
		{"var/lib/rpm/Packages", "usr/lib/sysimage/rpm, var/lib/rpm"}, // an empty file
	} {
		_, err := Read(fstest.MapFS{tt.file: {}}, Options{})
		if !errors.Is(err, ErrNoDatabase) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.file, err, tt.want)
		}
	}
	if _, err := ReadRoot(filepath.Join(t.TempDir(), "absent"), Options{}); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error %v", err)
	}
}

func TestMachineFacts(t *testing.T) {
	m := read(t, root(map[string]string{
		"etc/hostname":                "# comment\nweb-1.example\n",
		"var/lib/dpkg/arch":           "i386\namd64\n",
		"var/lib/apt/extended_states": "Package: libc6\nArchitecture: i386\nAuto-Installed: 1\n\nPackage: epoch\nArchitecture: i386\nAuto-Installed: 1\n\nPackage: tar\nArchitecture: amd64\nAuto-Installed: 0\n\n",
	}))
	if m.Name != "web-1.example" || m.Architecture != "i386" {
		t.Errorf("name %q, architecture %q", m.Name, m.Architecture)
	}
	auto := map[string]bool{"libc6:i386": true, "libc6:amd64": false, "epoch": true, "tar": false}
	for name, want := range auto {
		if got := find(m, name).Automatic; got != want {
			t.Errorf("%s: automatic %t, want %t", name, got, want)
		}
	}
	m = read(t, root(map[string]string{"etc/hostname": "\x1b[2J\n"}))
	if m.Name != "" || len(m.Problems) != 1 {
		t.Errorf("name %q, problems %v", m.Name, m.Problems)
	}
}

// Without a note of the Pro client, apt's sources say what is switched on.
func TestProducts(t *testing.T) {
	const list = "etc/apt/sources.list.d/ubuntu-esm-infra.list"
	for _, tt := range []struct {
		name, from string
		files      map[string]string
		want       []string
	}{
		{"none", "", nil, []string{}},
		{"list", list, map[string]string{list: "deb https://esm.ubuntu.com/infra/ubuntu xenial-infra-security main\n# deb https://esm.ubuntu.com/apps/ubuntu xenial-apps-security main\ndeb-src https://esm.ubuntu.com/fips/ubuntu xenial main\n"}, []string{"esm-infra"}},
		{"options", list, map[string]string{list: "deb [arch=amd64 signed-by=/x] https://esm.ubuntu.com/apps/ubuntu x main\n"}, []string{"esm-apps"}},
		{"first client", list, map[string]string{list: "deb https://esm.ubuntu.com/ubuntu trusty-security main\n"}, []string{"esm-infra"}},
		{"pinned", "", map[string]string{list: "deb https://esm.ubuntu.com/infra/ubuntu xenial-infra-security main\n", "etc/apt/preferences.d/ubuntu-esm-infra-xenial": "Package: *\nPin: release o=UbuntuESM, n=xenial\nPin-Priority: never\n"}, []string{}},
		{"another pinned", list, map[string]string{list: "deb https://esm.ubuntu.com/fips/ubuntu xenial main\n", "etc/apt/preferences.d/ubuntu-fips-updates-xenial": "Package: *\nPin-Priority: never\n"}, []string{"fips"}},
		{"deb822", "etc/apt/sources.list.d/e.sources", map[string]string{"etc/apt/sources.list.d/e.sources": "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu\n https://esm.ubuntu.com/apps/ubuntu\nSuites: jammy\n\nTypes: deb\nURIs: https://esm.ubuntu.com/infra/ubuntu\nEnabled: no\n\nTypes: deb-src\nURIs: https://esm.ubuntu.com/fips/ubuntu\n"}, []string{"esm-apps"}},
		{"another host", "", map[string]string{list: "deb https://esm.ubuntu.com.example/infra/ubuntu x main\n"}, []string{}},
		{"the client says no", proStatus, map[string]string{list: "deb https://esm.ubuntu.com/infra/ubuntu x main\n", proStatus: `{"services":[{"name":"esm-infra","status":"disabled"}]}`}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := read(t, root(tt.files))
			if !slices.Equal(m.Products, tt.want) || m.Products == nil || m.ProductsFrom != tt.from || len(m.Problems) > 0 {
				t.Errorf("%q from %q, problems %v, want %q from %q", m.Products, m.ProductsFrom, m.Problems, tt.want, tt.from)
			}
		})
	}
	m := read(t, root(map[string]string{proStatus: "{", list: "deb https://esm.ubuntu.com/infra/ubuntu x main\n"}))
	if !slices.Equal(m.Products, []string{"esm-infra"}) || len(m.Problems) != 1 {
		t.Errorf("half a note: %q, problems %v", m.Products, m.Problems)
	}
}

func TestNotices(t *testing.T) {
	m := read(t, root(map[string]string{
		"etc/os-release": "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n",
		statusFile:       stanzaOf("node-x all 1-1", ok) + stanzaOf("khtml amd64 1-1", ok) + stanzaOf("libnode amd64 1-1", ok, "Source: nodejs"),
		supportDir + "security-support-ended.deb12": "# comment\n\nnode-.*   0          2024-02-20   https://example.org  why\n(        1 2024-01-01 broken\nkhtml 1 never text\n",
		supportDir + "security-support-ended.deb11": "nodejs 0 2020-01-01 another release\n",
		supportDir + "security-support-limited":     "k.*ml   only for trusted content\nkhtml  second\n",
	}))
	want := []wontfix.Notice{
		{Source: "node-x", Kind: "ended", Since: wontfix.NewDate("2024-02-20"), Text: "https://example.org  why", File: supportDir + "security-support-ended.deb12", Line: 3},
		{Source: "khtml", Kind: "ended", Text: "text", File: supportDir + "security-support-ended.deb12", Line: 5},
		{Source: "khtml", Kind: "limited", Text: "only for trusted content", File: supportDir + "security-support-limited", Line: 1},
	}
	if !slices.Equal(m.Notices, want) {
		t.Errorf("notices %+v\nwant %+v", m.Notices, want)
	}
	if all := problems(m); len(all) != 2 || !strings.Contains(all[0], "deb12:4") || !strings.Contains(all[1], `"never" is no date`) {
		t.Errorf("problems %q", all)
	}
}

func compressed(t *testing.T, ext, text string) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch ext {
	case ".gz":
		z := gzip.NewWriter(&b)
		_, err = z.Write([]byte(text))
		err = errors.Join(err, z.Close())
	case ".lz4":
		z := lz4.NewWriter(&b)
		_, err = z.Write([]byte(text))
		err = errors.Join(err, z.Close())
	case ".zst":
		z, _ := zstd.NewWriter(&b)
		_, err = z.Write([]byte(text))
		err = errors.Join(err, z.Close())
	default:
		b.WriteString(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCompressedLists(t *testing.T) {
	const name = listsDir + "/archive.example_a%5fb_ubuntu_dists_focal_main_binary-amd64_Packages"
	release := map[string]string{listsDir + "/archive.example_a%5fb_ubuntu_dists_focal_InRelease": "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: Ubuntu\nSuite: focal\nDate: today\nSHA256:\n 00 1 x\n-----BEGIN PGP SIGNATURE-----\n"}
	text := listed("other", "1") + "\n\n" + listed("held", "2", "Source: big (3)") + listed("last", "1")
	for _, ext := range []string{"", ".gz", ".lz4", ".zst"} {
		m := read(t, root(release, map[string]string{name + ext: compressed(t, ext, text)}))
		p := find(m, "held")
		if p.Offer == nil || p.Offer.Version != "2" || p.Offer.SourceVersion != "3" || len(m.Problems) > 0 {
			t.Fatalf("%q: %+v, problems %v", ext, p.Offer, m.Problems)
		}
		want := wontfix.Archive{Origin: "Ubuntu", Suite: "focal", Component: "main", Site: "archive.example/a_b/ubuntu", Date: "today", File: name + ext}
		if *p.Offer.Archive != want || &m.Archives[0] != p.Offer.Archive {
			t.Errorf("%q: archive %+v, want %+v", ext, p.Offer.Archive, want)
		}
	}
	for _, ext := range []string{".gz", ".lz4", ".zst", ".bz2", ".xz"} {
		m := read(t, root(release, map[string]string{name + ext: "no such thing as a compressed file"}))
		if len(m.Problems) != 1 || m.Problems[0].File != name+ext || !strings.Contains(m.Problems[0].Text, "what this list offers is not known") {
			t.Errorf("%q: problems %q", ext, problems(m))
		}
	}
	m, err := Read(root(release, map[string]string{name: text}), Options{NoLists: true})
	if err != nil || len(m.Archives) > 0 || find(m, "held").Listed {
		t.Errorf("NoLists: %v, %+v", err, m.Archives)
	}
}

func TestListNames(t *testing.T) {
	for _, tt := range []struct {
		file, release string
		want          wontfix.Archive
	}{
		{"security.debian.org_dists_jessie_updates_main_binary-amd64_Packages", "security.debian.org_dists_jessie_updates_Release", wontfix.Archive{Component: "main", Site: "security.debian.org"}},
		{"repo.example_apt_._Packages", "repo.example_apt_._Release", wontfix.Archive{Site: "repo.example/apt"}},
		{"repo.example_flat_Packages", "repo.example_flat_InRelease", wontfix.Archive{Site: "repo.example/flat"}},
		{"a.example_dists_x_main_debug_binary-amd64_Packages", "a.example_dists_x_InRelease", wontfix.Archive{Component: "main/debug", Site: "a.example"}},
	} {
		m := read(t, root(map[string]string{listsDir + "/" + tt.file: "", listsDir + "/" + tt.release: "Origin: o\n"}))
		tt.want.Origin, tt.want.File = "o", listsDir+"/"+tt.file
		if len(m.Archives) != 1 || m.Archives[0] != tt.want || len(m.Problems) > 0 {
			t.Errorf("%+v, problems %v\nwant %+v", m.Archives, m.Problems, tt.want)
		}
	}
	m := read(t, root(map[string]string{listsDir + "/a.example_dists_x_main_binary-amd64_Packages": ""}))
	if len(m.Problems) != 1 || m.Archives[0].Suite != "x" || m.Archives[0].Component != "main" || m.Archives[0].Site != "a.example" {
		t.Errorf("without a Release file: %+v, problems %v", m.Archives, m.Problems)
	}
}

// The same version in several archives comes from the first of security,
// updates, release, and from the distribution before anybody else.
func TestFrom(t *testing.T) {
	held := listed("held", "1")
	files := []map[string]string{archive("zzz", "main", "Origin: Example\n", held)}
	for _, suite := range []string{"focal", "focal-updates", "focal-security"} {
		files = append(files, archive(suite, "main", ubuntu, held))
		m := read(t, root(files...))
		if p := find(m, "held"); p.From == nil || p.From.Archive.Suite != suite {
			t.Errorf("held comes from %+v, want %s", p.From, suite)
		}
	}
}

// No symbolic link leads out of a root.
func TestSymlinks(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write("outside", "ID=secret\nVERSION_CODENAME=secret\n")
	write("root/var/lib/dpkg/status", trapStatus)
	write("root/usr/lib/os-release", focalRelease)
	link := filepath.Join(dir, "root/etc/os-release")
	if err := os.Mkdir(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		target string
		from   string
		bad    bool
	}{
		{"../usr/lib/os-release", "etc/os-release", false},
		{"/usr/lib/os-release", "etc/os-release", false},
		{"/usr/../usr/lib/./os-release", "etc/os-release", false},
		{outside, "usr/lib/os-release", true},
		{"../../outside", "usr/lib/os-release", true},
		{"/etc/os-release", "usr/lib/os-release", true},
		{"../usr/lib", "usr/lib/os-release", true},
	} {
		os.Remove(link)
		if err := os.Symlink(tt.target, link); err != nil {
			t.Skip(err)
		}
		m, err := ReadRoot(filepath.Join(dir, "root"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m.OS.From != tt.from || m.Release.Series != "focal" {
			t.Errorf("link to %s: %s from %s", tt.target, m.Release, m.OS.From)
		}
		if all := problems(m); tt.bad != (len(all) == 1) || tt.bad && !strings.Contains(all[0], fmt.Sprintf("symbolic link to %q", tt.target)) {
			t.Errorf("link to %s: problems %q", tt.target, all)
		}
	}
}

const changes = `openssl (1.0.1f-1ubuntu9) utopic; urgency=medium

  * SECURITY UPDATE: not installed yet
    - CVE-2099-0001

 -- A <a@example.org>  Tue, 14 Oct 2014 12:00:00 -0400

openssl (1.0.1f-1ubuntu8) utopic; urgency=medium

  * Unrelated.
  * SECURITY UPDATE: denial of service
    - debian/patches/x.patch: check it.
    - CVE-2014-3513, CVE-2014-3567
    - CVE-14-1, CVE-2014-12, CVE-20145-1234
  * See cve-2014-0000 and CVE-2014-12345678.

 -- A <a@example.org>  Tue, 14 Oct 2014 12:00:00 -0400
`

func TestChangelog(t *testing.T) {
	p := wontfix.Package{Name: "libssl1.0.0", Version: "1.0.1f-1ubuntu8", Source: "openssl", SourceVersion: "1.0.1f-1ubuntu8"}
	fsys := fstest.MapFS{
		"usr/share/doc/libssl1.0.0/changelog.Debian.gz": {Data: []byte(compressed(t, ".gz", changes))},
		"usr/share/doc/other/changelog.Debian":          {Data: []byte(changes)},
		"usr/share/doc/broken/changelog.Debian.gz":      {Data: []byte("../libssl1.0.0/changelog.Debian.gz")},
		"usr/share/doc/native/changelog.gz":             {Data: []byte(compressed(t, ".gz", strings.ReplaceAll(changes, "openssl (1.0.1f-1ubuntu", "native (")))},
	}
	line, ok, err := Changelog(fsys, p, "CVE-2014-3567")
	const want = "openssl (1.0.1f-1ubuntu8) utopic * SECURITY UPDATE: denial of service - debian/patches/x.patch: check it. - CVE-2014-3513, CVE-2014-3567"
	if line != want || !ok || err != nil {
		t.Errorf("%q, %t, %v\nwant %q", line, ok, err, want)
	}
	for _, id := range []string{"CVE-2099-0001", "CVE-2014-356", "CVE-2014-1234567", ""} {
		if line, ok, err := Changelog(fsys, p, id); ok || err != nil {
			t.Errorf("%s: %q, %v", id, line, err)
		}
	}
	other := p
	other.Name = "other"
	native := wontfix.Package{Name: "native", Version: "8", Source: "native", SourceVersion: "8"}
	foreign := wontfix.Package{Name: "other", Version: "8", Source: "foreign", SourceVersion: "8"}
	broken := wontfix.Package{Name: "broken", Version: "8", Source: "broken", SourceVersion: "8"}
	up := wontfix.Package{Name: "../../etc", Version: "8", Source: "up", SourceVersion: "8"}
	bad := p
	bad.Name = "broken"
	got, found := Backports(fsys, []wontfix.Package{bad, p, other, native, foreign, up})
	ids := []string{"CVE-2014-12345678", "CVE-2014-3513", "CVE-2014-3567"}
	if len(got) != 2 || got[0].Source != "native" || got[1].Source != "openssl" || got[1].File != "usr/share/doc/libssl1.0.0/changelog.Debian.gz" ||
		!slices.Equal(got[0].IDs, ids) || !slices.Equal(got[1].IDs, ids) || len(found) != 0 {
		t.Errorf("%+v, problems %v", got, found)
	}
	if got, found := Backports(fsys, []wontfix.Package{broken}); len(got) != 0 || len(found) != 1 || found[0].File != "usr/share/doc/broken/changelog.Debian.gz" {
		t.Errorf("%+v, problems %v", got, found)
	}
}
