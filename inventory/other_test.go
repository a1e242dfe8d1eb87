package inventory

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"wontfix"
	"wontfix/internal/testkit"
)

func TestOtherReleases(t *testing.T) {
	for _, tt := range []struct{ osRelease, release, base, manager string }{
		{"ID=rhel\nVERSION_ID=\"9.4\"\nID_LIKE=fedora", "rhel/9.4", "rhel/9.4", rpm},
		{"ID=centos\nVERSION_ID=\"7\"\nNAME=\"CentOS Linux\"\nID_LIKE=\"rhel fedora\"", "centos/7", "rhel/7", rpm},
		{"ID=centos\nVERSION_ID=\"9\"\nNAME=\"CentOS Stream\"\nID_LIKE=\"rhel fedora\"", "centos/9-stream", "centos/9-stream", rpm},
		{"ID=almalinux\nVERSION_ID=\"9.4\"\nID_LIKE=\"rhel centos fedora\"", "almalinux/9.4", "almalinux/9.4", rpm},
		{"ID=\"rocky\"\nVERSION_ID=\"8.9\"\nID_LIKE=\"rhel centos fedora\"", "rocky/8.9", "rocky/8.9", rpm},
		{"ID=ol\nVERSION_ID=\"8.10\"\nID_LIKE=fedora", "ol/8.10", "ol/8.10", rpm},
		{"ID=fedora\nVERSION_ID=40", "fedora/40", "fedora/40", rpm},
		{"ID=amzn\nVERSION_ID=\"2\"\nID_LIKE=\"centos rhel fedora\"", "amzn/2", "amzn/2", rpm},
		{"ID=sles\nVERSION_ID=\"15.5\"\nID_LIKE=suse", "sles/15.5", "sles/15.5", rpm},
		{"ID=sles_sap\nVERSION_ID=\"15.5\"\nID_LIKE=suse", "sles_sap/15.5", "sles/15.5", rpm},
		{"ID=sled\nVERSION_ID=\"15.5\"\nID_LIKE=suse", "sled/15.5", "sled/15.5", rpm},
		{"ID=opensuse-leap\nVERSION_ID=\"15.5\"\nID_LIKE=\"suse opensuse\"", "opensuse-leap/15.5", "opensuse-leap/15.5", rpm},
		{"ID=opensuse-tumbleweed\nVERSION_ID=\"20240101\"\nID_LIKE=\"opensuse suse\"", "opensuse-tumbleweed/rolling", "opensuse-tumbleweed/rolling", rpm},
		{"ID=photon\nVERSION_ID=5.0", "photon/5.0", "photon/5.0", rpm},
		{"ID=azurelinux\nVERSION_ID=\"3.0\"", "azurelinux/3.0", "azurelinux/3.0", rpm},
		{"ID=mariner\nVERSION_ID=\"2.0\"", "mariner/2.0", "mariner/2.0", rpm},
		{"ID=alpine\nVERSION_ID=3.19.1", "alpine/v3.19", "alpine/v3.19", apk},
		{"ID=alpine\nVERSION_ID=3.20.0_alpha20240329", "alpine/edge", "alpine/edge", apk},
		{"ID=wolfi\nVERSION_ID=\"20230201\"", "wolfi/rolling", "wolfi/rolling", apk},
		{"ID=chainguard\nVERSION_ID=\"20230214\"", "chainguard/rolling", "chainguard/rolling", apk},
		{"ID=arch\nBUILD_ID=rolling", "arch/rolling", "arch/rolling", pacman},
		{"ID=manjaro\nID_LIKE=arch", "manjaro/rolling", "arch/rolling", pacman},
	} {
		fsys := withDatabase(tt.manager, tt.osRelease+"\n")
		m := read(t, fsys)
		if m.Release.String() != tt.release || m.Base.String() != tt.base || m.Manager != tt.manager || len(m.Problems) > 0 {
			t.Errorf("%q: %s on %s with %s, problems %q; want %s on %s with %s", tt.osRelease, m.Release, m.Base, m.Manager, problems(m), tt.release, tt.base, tt.manager)
		}
	}
	m := read(t, withDatabase(rpm, "ID=nobody\nID_LIKE=\"rhel fedora\"\nVERSION_ID=9.1\n"))
	if m.Release.String() != "nobody/9.1" || m.Base != m.Release || !strings.Contains(strings.Join(problems(m), ""), "tracker speaks of its packages is not known") {
		t.Errorf("an unknown relative of RHEL: %s on %s, problems %q", m.Release, m.Base, problems(m))
	}
}

// withDatabase is a root with one package.
func withDatabase(manager, osRelease string) fstest.MapFS {
	files := map[string]string{
		"lib/apk/db/installed":             "P:musl\nV:1.2.4_git20230717-r4\nA:x86_64\n\n",
		pacmanDir + "/pacman-6.0.2-9/desc": "%NAME%\npacman\n\n%VERSION%\n6.0.2-9\n",
		"var/lib/rpm/Packages.db":          string(onePackage()),
	}
	fsys := fstest.MapFS{"etc/os-release": {Data: []byte(osRelease)}}
	for name, text := range files {
		if strings.Contains(name, manager) {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return fsys
}

// onePackage is an ndb database with the package bash 0:5.1-1.
func onePackage() []byte {
	var index, data []byte
	for i, s := range []string{"bash", "5.1", "1"} {
		index = append(index, be(1000+i, 6, len(data), 1)...)
		data = append(append(data, s...), 0)
	}
	header := append(append(be(3, len(data)), index...), data...)
	db := make([]byte, 4096)
	copy(db, "RpmP")
	copy(db[12:], le(1))
	for i := 32; i < len(db); i += 16 {
		copy(db[i:], "Slot")
	}
	copy(db[36:], le(1, 256, 1))
	return append(append(db, append([]byte("BlbS"), le(1, 0, len(header))...)...), header...)
}

func be(all ...int) (b []byte) {
	for _, n := range all {
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return b
}

func le(all ...int) (b []byte) {
	for _, n := range all {
		b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return b
}

// TestSourceEpochs has packages of one source with epochs of their own.
func TestSourceEpochs(t *testing.T) {
	list := func(rows ...string) (packages []wontfix.Package) {
		for _, row := range rows {
			f := strings.Fields(row)
			packages = append(packages, wontfix.Package{Name: f[0], Version: f[1], Source: f[2], SourceVersion: f[3]})
		}
		return packages
	}
	for _, test := range []struct {
		packages []wontfix.Package
		want     string
	}{
		{list("perl-libs 4:5.32-1 perl 4:5.32-1", "perl-Carp 1.50-1 perl 5.32-1"), "4:5.32-1 4:5.32-1"},
		{list("a 1-1 a 1-1", "a-doc 3:1-1 a 3:1-1"), "1-1 1-1"},
		{list("a-libs 2:1-1 a 2:1-1", "a-doc 3:1-1 a 3:1-1", "a-data 2:1-1 a 2:1-1"), "2:1-1 2:1-1 2:1-1"},
		{list("ruby-json 5:2.5-1 ruby 5:3.0-1"), "5:3.0-1"}, // nothing better is known
		{list("a 1:1-1 a 1:1-1", "a 2:2-1 a 2:2-1"), "1:1-1 2:2-1"},
	} {
		sourceEpochs(test.packages)
		var got []string
		for _, p := range test.packages {
			got = append(got, p.SourceVersion)
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%v: %s, want %s", test.packages, s, test.want)
		}
	}
}

// TestConfirmRpm compares with what rpm says of a root that it has made.
func TestConfirmRpm(t *testing.T) {
	for _, dbpath := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm"} {
		root := testkit.RpmRoot(t, dbpath, testkit.RpmSpecs...)
		testkit.Must(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
		testkit.Must(t, os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=rhel\nVERSION_ID=9.4\n"), 0o644))
		m, err := ReadRoot(root, Options{})
		testkit.Must(t, err)
		var got []string
		for _, p := range m.Packages {
			got = append(got, fmt.Sprintf("%s %s %s <%s> %s", p.Name, p.Version, p.Architecture, p.Module, strings.TrimPrefix(p.Source+"-"+p.SourceVersion, "2:")))
		}
		want := testkit.RpmQuery(t, root, dbpath, "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH} <%|MODULARITYLABEL?{%{MODULARITYLABEL}}|> %{SOURCERPM}")
		for i := range want {
			want[i] = strings.TrimSuffix(want[i], ".src.rpm")
		}
		for i := range got {
			got[i] = strings.Replace(got[i], "-2:", "-", 1) // of alpha's source; rpm's file names have no epoch
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(m.Problems) > 0 {
			t.Errorf("%s:\n%q, and rpm says\n%q; problems %q", dbpath, got, want, problems(m))
		}
		if libs := find(m, "alpha-libs"); libs.Source != "alpha" || libs.SourceVersion != "2:1.2~rc1-3.el9" || libs.Version != "2:7-3.el9" {
			t.Errorf("alpha-libs: %+v", libs)
		}
		if want := []string{"5.14.0-427.el9.noarch", "5.14.0-503.el9.noarch"}; !slices.Equal(m.Kernel.Installed, want) {
			t.Errorf("kernels %q, want %q", m.Kernel.Installed, want)
		}
	}
}

const apkInstalled = `C:Q1pSfwHmIgBhVkSBzPQOzvUwCA0FE=
P:musl
V:1.2.4_git20230717-r4
A:x86_64
S:407278
T:the musl c library (libc) implementation
o:musl
t:1699271533
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:busybox-binsh
V:1.36.1-r15
A:x86_64
o:busybox
r:busybox-initscripts

P:broken

P:noorigin
V:1-r0
A:noarch
junk
`

func TestApk(t *testing.T) {
	for _, name := range apkFiles {
		m := read(t, fstest.MapFS{"etc/os-release": {Data: []byte("ID=alpine\nVERSION_ID=3.19.1\n")}, name: {Data: []byte(apkInstalled)}})
		var got []string
		for _, p := range m.Packages {
			got = append(got, fmt.Sprintf("%s %s of %s %s at %s:%d", p.Name, p.Version, p.Source, p.SourceVersion, p.File, p.Line))
		}
		want := []string{
			"musl 1.2.4_git20230717-r4 of musl 1.2.4_git20230717-r4 at " + name + ":2",
			"busybox-binsh 1.36.1-r15 of busybox 1.36.1-r15 at " + name + ":14",
			"noorigin 1-r0 of noorigin 1-r0 at " + name + ":22",
		}
		if !slices.Equal(got, want) || m.Architecture != "x86_64" {
			t.Errorf("%q, want %q", got, want)
		}
		if all := strings.Join(problems(m), "\n"); len(m.Problems) != 2 || !strings.Contains(all, name+":20: package \"broken\"") || !strings.Contains(all, name+":25: not of the form") {
			t.Errorf("problems %q", all)
		}
	}
}

func TestPacman(t *testing.T) {
	m := read(t, fstest.MapFS{
		"etc/os-release":                      {Data: []byte("ID=arch\n")},
		pacmanDir + "/ALPM_DB_VERSION":        {Data: []byte("9\n")},
		pacmanDir + "/gcc-libs-13.2.1-5/desc": {Data: []byte("%NAME%\ngcc-libs\n\n%VERSION%\n13.2.1-5\n\n%BASE%\ngcc\n\n%DESC%\n%NAME%\n\n%ARCH%\nx86_64\n\n%REASON%\n1\n\n%DEPENDS%\na\nb\n\n")},
		pacmanDir + "/shadow-1:4.14-1/desc":   {Data: []byte("%NAME%\nshadow\n\n%VERSION%\n1:4.14-1\n")},
		pacmanDir + "/half-1-1/files":         {Data: []byte("%FILES%\n")},
	})
	want := []wontfix.Package{
		{Name: "gcc-libs", Version: "13.2.1-5", Architecture: "x86_64", Source: "gcc", SourceVersion: "13.2.1-5", State: "installed", Automatic: true, File: pacmanDir + "/gcc-libs-13.2.1-5/desc", Line: 2},
		{Name: "shadow", Version: "1:4.14-1", Source: "shadow", SourceVersion: "1:4.14-1", State: "installed", File: pacmanDir + "/shadow-1:4.14-1/desc", Line: 2},
	}
	if !slices.Equal(m.Packages, want) {
		t.Errorf("%+v, want %+v", m.Packages, want)
	}
	if all := problems(m); len(all) != 1 || !strings.Contains(all[0], `package "half-1-1" is left out`) {
		t.Errorf("problems %q", all)
	}
}

// A root may have a second package manager, with or without packages.
func TestManagers(t *testing.T) {
	fsys := withDatabase(rpm, "ID=fedora\nVERSION_ID=40\n")
	fsys[statusFile] = &fstest.MapFile{Data: []byte(stanzaOf("dpkg amd64 1", ok))}
	if m := read(t, fsys); m.Manager != rpm || len(m.Packages) != 1 || m.Packages[0].Name != "bash" {
		t.Errorf("Fedora with dpkg: %s, %+v", m.Manager, m.Packages)
	}
	fsys["etc/os-release"] = &fstest.MapFile{Data: []byte(focalRelease)}
	if m := read(t, fsys); m.Manager != dpkg || len(m.Packages) != 1 || m.Packages[0].Name != "dpkg" {
		t.Errorf("Ubuntu with rpm: %s, %+v", m.Manager, m.Packages)
	}
	delete(fsys, statusFile)
	if m := read(t, fsys); m.Manager != rpm || !strings.Contains(strings.Join(problems(m), ""), "ubuntu uses dpkg") {
		t.Errorf("Ubuntu with rpm alone: %s, problems %q", m.Manager, problems(m))
	}
}

func TestSourceRPM(t *testing.T) {
	for in, want := range map[string]string{
		"bash-5.1.8-6.el9.src.rpm": "bash 5.1.8 6.el9", "java-1.8.0-openjdk-1.8.0.412-1.el8.nosrc.rpm": "java-1.8.0-openjdk 1.8.0.412 1.el8",
		"bash": "", "a-1.src.rpm": "", "-1-1.src.rpm": "", "a--1.src.rpm": "", "(none)": "",
	} {
		name, version, release, ok := sourceRPM(in)
		if got := strings.TrimSpace(name + " " + version + " " + release); ok != (want != "") || ok && got != want {
			t.Errorf("sourceRPM(%q) = %q, %t", in, got, ok)
		}
	}
}

// FuzzOther holds that the packages of apk and pacman that are read from
// foreign files can be written and read again as they are.
func FuzzOther(f *testing.F) {
	f.Add([]byte(apkInstalled), []byte("%NAME%\na\n\n%VERSION%\n1-1\n"))
	f.Add([]byte("P:a\r\nV:1\n\n\n\nP:"), []byte("\n%NAME%\n%NAME%\n"))
	f.Fuzz(func(t *testing.T, installed, desc []byte) {
		for _, fsys := range []fs.FS{
			fstest.MapFS{"lib/apk/db/installed": {Data: installed}},
			fstest.MapFS{pacmanDir + "/a-1/desc": {Data: desc}},
		} {
			m, err := Read(fsys, Options{})
			if err != nil {
				continue
			}
			var text strings.Builder
			for _, p := range m.Packages {
				if p.Name == "" || p.Version == "" || p.Source == "" || p.SourceVersion != p.Version || p.Line < 1 {
					t.Errorf("%+v lacks something", p)
				}
				fmt.Fprintf(&text, "P:%s\nV:%s\nA:%s\no:%s\n\n", p.Name, p.Version, p.Architecture, p.Source)
			}
			if len(m.Packages) == 0 || strings.Contains(text.String(), "\r\n") {
				continue
			}
			again := read(t, fstest.MapFS{"lib/apk/db/installed": {Data: []byte(text.String())}})
			if len(again.Packages) != len(m.Packages) {
				t.Fatalf("%d packages, then %d", len(m.Packages), len(again.Packages))
			}
			for i, p := range m.Packages {
				if q := again.Packages[i]; p.Name != q.Name || p.Version != q.Version || p.Source != q.Source || p.Architecture != q.Architecture {
					t.Errorf("%+v, then %+v", p, q)
				}
			}
		}
	})
}
