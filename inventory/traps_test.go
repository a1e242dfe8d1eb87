package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"wontfix"
)

// stanzaOf writes a stanza of a status file: "name arch version" and further
// fields.
func stanzaOf(nameArchVersion, status string, more ...string) string {
	f := strings.Fields(nameArchVersion)
	s := "Package: " + f[0] + "\nStatus: " + status + "\nArchitecture: " + f[1] + "\nVersion: " + f[2] + "\n"
	for _, m := range more {
		s += m + "\n"
	}
	return s + "Description: one line\n and a second: with a colon\n .\n Package: not a field\n\n"
}

const ok = "install ok installed"

// trapStatus has a stanza of each form that readers get wrong.
var trapStatus = strings.Join([]string{
	stanzaOf("libldb2 amd64 2:2.6.2+samba4.17.12+dfsg-0+deb12u1", ok, "Source: samba (2:4.17.12+dfsg-0+deb12u1)"),
	stanzaOf("tar amd64 1.27.1-2+b1", ok, "Source: tar (1.27.1-2)"),
	stanzaOf("gcc amd64 4:12.2.0-3", ok, "Source: gcc-defaults (1.203)"),
	stanzaOf("cpp amd64 4:12.2.0-2", ok, "Source: gcc-defaults (1.202)"),
	stanzaOf("libc6 amd64 2.36-9", ok, "Multi-Arch: same", "Source: glibc"),
	stanzaOf("libc6 i386 2.36-9", ok, "Multi-Arch: same", "Source: glibc"),
	stanzaOf("linux-image-5.4.0-42-generic amd64 5.4.0-42.46", "deinstall ok config-files"),
	stanzaOf("purged amd64 1", "purge ok not-installed"),
	stanzaOf("wanted amd64 1", "install ok config-files"),
	stanzaOf("unwanted amd64 1", "deinstall ok installed"),
	stanzaOf("held amd64 1", "hold ok installed"),
	stanzaOf("pending amd64 1", "install ok triggers-pending", "Triggers-Pending: x"),
	stanzaOf("awaited amd64 1", "install ok triggers-awaited", "Triggers-Awaited: pending"),
	stanzaOf("unpacked amd64 1", "install ok unpacked"),
	stanzaOf("half amd64 1", "install ok half-configured", "Config-Version: 1"),
	stanzaOf("halfer amd64 1", "install reinstreq half-installed"),
	stanzaOf("epoch all 1:0.9+really2.0~rc1-1", ok),
}, "")

const focalRelease = "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"20.04\"\nVERSION_CODENAME=focal\n"

// list returns the files of an archive with one package list.
func archive(suite, component, release, packages string) map[string]string {
	name := listsDir + "/archive.example_ubuntu_dists_" + suite
	return map[string]string{
		name + "_Release": "Suite: " + suite + "\nCodename: focal\n" + release,
		name + "_" + component + "_binary-amd64_Packages": packages,
	}
}

func listed(name, version string, more ...string) string {
	return "Package: " + name + "\nArchitecture: amd64\nVersion: " + version + "\n" + strings.Join(append(more, ""), "\n") + "\n"
}

// root makes a file system; later maps win.
func root(files ...map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{
		statusFile:       {Data: []byte(trapStatus)},
		"etc/os-release": {Data: []byte(focalRelease)},
	}
	for _, m := range files {
		for name, text := range m {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return fsys
}

func read(t testing.TB, fsys fstest.MapFS) *wontfix.Machine {
	t.Helper()
	m, err := Read(fsys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// find returns a package as "version source sourceversion", by name:arch.
func find(m *wontfix.Machine, name string) *wontfix.Package {
	name, arch, _ := strings.Cut(name, ":")
	i := slices.IndexFunc(m.Packages, func(p wontfix.Package) bool {
		return p.Name == name && (arch == "" || p.Architecture == arch)
	})
	if i < 0 {
		return &wontfix.Package{}
	}
	return &m.Packages[i]
}

func facts(p *wontfix.Package) string {
	if p.Name == "" {
		return "absent"
	}
	s := p.Version + " of " + p.Source + " " + p.SourceVersion
	for _, o := range []struct {
		what string
		*wontfix.Offer
	}{{"from", p.From}, {"offer", p.Offer}} {
		if o.Offer != nil {
			s += fmt.Sprintf(", %s %s/%s", o.what, o.Archive.Origin, o.Archive.Suite)
			if o.what == "offer" {
				s += " " + o.Version
			}
		}
	}
	return s
}

const ubuntu = "Origin: Ubuntu\nLabel: Ubuntu\n"

// TestTraps has the traps that readers of dpkg's database are known to have
// fallen into. The numbers are those of the project's list of pitfalls.
func TestTraps(t *testing.T) {
	debian := map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n"}
	for _, tt := range []struct {
		row     int
		what    string
		files   map[string]string
		pkg     string
		want    string
		machine func(*wontfix.Machine) string // "" if all is well
	}{
		{row: 1, what: "binary version is not source version", pkg: "libldb2", want: "2:2.6.2+samba4.17.12+dfsg-0+deb12u1 of samba 2:4.17.12+dfsg-0+deb12u1"},
		{row: 2, what: "source of the same name", pkg: "held", want: "1 of held 1"},
		{row: 3, what: "rebuild of a binary", pkg: "tar", want: "1.27.1-2+b1 of tar 1.27.1-2"},
		{row: 4, what: "one source in two versions", pkg: "cpp", want: "4:12.2.0-2 of gcc-defaults 1.202"},
		{row: 4, what: "one source in two versions", pkg: "gcc", want: "4:12.2.0-3 of gcc-defaults 1.203"},
		{row: 5, what: "no list has the binary any more", pkg: "held", want: "1 of held 1", files: archive("focal", "main", ubuntu, listed("other", "2")),
			machine: func(m *wontfix.Machine) string {
				if find(m, "held").Listed {
					return "held is listed"
				}
				return ""
			}},
		{row: 6, what: "epoch", pkg: "held", want: "1 of held 1, offer Ubuntu/focal 1:0.5", files: archive("focal", "main", ubuntu, listed("held", "1:0.5"))},
		{row: 8, what: "tilde", pkg: "held", want: "1 of held 1", files: archive("focal", "main", ubuntu, listed("held", "1~rc1"))},
		{row: 9, what: "+really", pkg: "epoch", want: "1:0.9+really2.0~rc1-1 of epoch 1:0.9+really2.0~rc1-1"},
		{row: 10, what: "esm enabled", pkg: "libssl", want: "1.1-1+esm2 of libssl 1.1-1+esm2, from UbuntuESM/focal-infra-security",
			files: merge(archive("focal-infra-security", "main", "Origin: UbuntuESM\n", listed("libssl", "1.1-1+esm2")),
				map[string]string{statusFile: stanzaOf("libssl amd64 1.1-1+esm2", ok), proStatus: `{"services":[{"name":"esm-infra","status":"enabled"},{"name":"esm-apps","status":"disabled"}]}`}),
			machine: products("esm-infra")},
		{row: 11, what: "products are not each other", pkg: "held", want: "1 of held 1",
			files:   map[string]string{proStatus: `{"services":[{"name":"fips-updates","status":"enabled"},{"name":"esm-apps","status":"enabled"},{"name":"ros","status":"enabled"},{"name":"esm-infra-legacy","status":"enabled"}]}`},
			machine: products("esm-apps", "esm-infra-legacy", "fips-updates", "ros-esm")},
		{row: 12, what: "backport", pkg: "bpo", want: "2~bpo12+1 of bpo 2~bpo12+1, from Debian/bookworm-backports, offer Debian/bookworm-backports 3~bpo12+1",
			files: merge(debian, map[string]string{statusFile: stanzaOf("bpo amd64 2~bpo12+1", ok)},
				archive("bookworm-backports", "main", "Origin: Debian\nNotAutomatic: yes\nButAutomaticUpgrades: yes\n", listed("bpo", "2~bpo12+1")+listed("bpo", "3~bpo12+1")),
				archive("bookworm", "main", "Origin: Debian\n", listed("bpo", "1")))},
		{row: 12, what: "backport of what is not one", pkg: "held", want: "1 of held 1, from Ubuntu/focal",
			files: merge(archive("focal-backports", "main", ubuntu+"NotAutomatic: yes\nButAutomaticUpgrades: yes\n", listed("held", "2~bpo1")),
				archive("focal", "main", ubuntu, listed("held", "1")))},
		{row: 12, what: "archive for those who ask", pkg: "held", want: "1 of held 1", files: archive("experimental", "main", ubuntu+"NotAutomatic: yes\n", listed("held", "2"))},
		{row: 13, what: "fixed in proposed alone", pkg: "held", want: "1 of held 1", files: archive("focal-proposed", "main", ubuntu, listed("held", "2"))},
		{row: 14, what: "held and phased", pkg: "held", want: "1 of held 1, offer Ubuntu/focal-updates 2", files: archive("focal-updates", "main", ubuntu, listed("held", "2", "Phased-Update-Percentage: 10")),
			machine: func(m *wontfix.Machine) string {
				if !find(m, "held").Held {
					return "held is not held"
				}
				return ""
			}},
		{row: 15, what: "configuration files only", pkg: "linux-image-5.4.0-42-generic", want: "absent", machine: func(m *wontfix.Machine) string {
			if m.Counts.Removed != 2 || len(m.Kernel.Installed) != 0 {
				return fmt.Sprintf("%d removed, kernels %q", m.Counts.Removed, m.Kernel.Installed)
			}
			return ""
		}},
		{row: 16, what: "wanted, with configuration files only", pkg: "wanted", want: "absent"},
		{row: 16, what: "unwanted, and installed", pkg: "unwanted", want: "1 of unwanted 1"},
		{row: 16, what: "other states with files", pkg: "pending", want: "1 of pending 1", machine: states},
		{row: 17, what: "two architectures", pkg: "libc6:i386", want: "2.36-9 of glibc 2.36-9"},
		{row: 17, what: "two architectures", pkg: "libc6:amd64", want: "2.36-9 of glibc 2.36-9, offer Ubuntu/focal-security 2.36-10", files: archive("focal-security", "main", ubuntu, listed("libc6", "2.36-10")),
			machine: func(m *wontfix.Machine) string {
				if p := find(m, "libc6:i386"); p.Offer != nil {
					return "the offer for amd64 went to i386"
				}
				return ""
			}},
		{row: 18, what: "distroless", pkg: "base-files", want: "12 of base-files 12", files: merge(debian, map[string]string{
			statusDir + "/base":         "Package: base-files\nVersion: 12\nArchitecture: amd64",
			statusDir + "/base.md5sums": "0123  usr/lib/os-release\n",
			"opt/vcpkg/status":          "Package: zlib\nVersion: 1\nStatus: install ok installed\n\n"}),
			machine: func(m *wontfix.Machine) string {
				if p := find(m, "zlib"); p.Name != "" || len(m.Problems) > 0 {
					return fmt.Sprintf("zlib %+v, problems %v", p, m.Problems)
				}
				return ""
			}},
		{row: 19, what: "two databases in one root", pkg: "libc6:amd64", want: "2.36-9 of glibc 2.36-9", files: merge(debian, map[string]string{statusDir + "/libc6": "Package: libc6\nSource: glibc\nVersion: 2.31-1ubuntu1\nArchitecture: amd64\n"}),
			machine: func(m *wontfix.Machine) string {
				n := 0
				for _, p := range m.Packages {
					if p.Name == "libc6" {
						n++
					}
				}
				if n != 3 || len(m.Problems) != 1 || m.Release.String() != "debian/bookworm" {
					return fmt.Sprintf("libc6 %d times, problems %v, %s", n, m.Problems, m.Release)
				}
				return ""
			}},
		{row: 20, what: "kernels", pkg: "linux-image-5.15.0-91-generic", want: "5.15.0-91.101~20.04.1 of linux-signed-hwe-5.15 5.15.0-91.101~20.04.1",
			files: map[string]string{"proc/sys/kernel/osrelease": "5.4.0-42-generic\n", statusFile: stanzaOf("linux-image-5.15.0-91-generic amd64 5.15.0-91.101~20.04.1", ok, "Source: linux-signed-hwe-5.15") +
				stanzaOf("linux-image-unsigned-5.4.0-42-generic amd64 5.4.0-42.46", ok) + stanzaOf("linux-image-generic amd64 5.4.0.42.45", ok) +
				stanzaOf("linux-image-2.6-686 amd64 2.6.26+17", ok) + stanzaOf("linux-image-6.1.0-18-amd64-dbg amd64 6.1.76-1", ok) + stanzaOf("linux-libc-dev amd64 5.4.0-42.46", ok)},
			machine: func(m *wontfix.Machine) string {
				if m.Kernel.Running != "5.4.0-42-generic" || !slices.Equal(m.Kernel.Installed, []string{"5.4.0-42-generic", "5.15.0-91-generic"}) {
					return fmt.Sprintf("%+v", m.Kernel)
				}
				return ""
			}},
		{row: 21, what: "livepatch brings no package", pkg: "held", want: "1 of held 1", files: map[string]string{proStatus: `{"services":[{"name":"livepatch","status":"enabled"}]}`}, machine: products()},
		{row: 22, what: "third party with the distribution's maintainer", pkg: "ppa", want: "2-1ubuntu1~ppa1 of ppa 2-1ubuntu1~ppa1, from LP-PPA-someone/focal",
			files: merge(archive("focal", "main", "Origin: LP-PPA-someone\n", listed("ppa", "2-1ubuntu1~ppa1", "Maintainer: Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>")),
				map[string]string{statusFile: stanzaOf("ppa amd64 2-1ubuntu1~ppa1", ok, "Maintainer: Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>")})},
	} {
		t.Run(fmt.Sprintf("row %d: %s", tt.row, tt.what), func(t *testing.T) {
			m := read(t, root(tt.files))
			if got := facts(find(m, tt.pkg)); got != tt.want {
				t.Errorf("%s is %s, want %s", tt.pkg, got, tt.want)
			}
			if tt.machine != nil {
				if wrong := tt.machine(m); wrong != "" {
					t.Error(wrong)
				}
			}
		})
	}
}

func merge(all ...map[string]string) map[string]string {
	m := make(map[string]string)
	for _, a := range all {
		maps.Copy(m, a)
	}
	return m
}

func products(want ...string) func(*wontfix.Machine) string {
	return func(m *wontfix.Machine) string {
		if !slices.Equal(m.Products, want) || m.ProductsFrom != proStatus {
			return fmt.Sprintf("products %q from %s, want %q", m.Products, m.ProductsFrom, want)
		}
		return ""
	}
}

func states(m *wontfix.Machine) string {
	want := map[string]string{"pending": "triggers-pending", "awaited": "triggers-awaited", "unpacked": "unpacked", "half": "half-configured", "halfer": "half-installed"}
	for name, state := range want {
		if p := find(m, name); p.State != state {
			return fmt.Sprintf("%s is %q, want %q", name, p.State, state)
		}
	}
	return ""
}
