package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"wontfix"
)

// listPackages writes packages as name version arch of source version [module].
func listPackages(m *wontfix.Machine) string {
	var all []string
	for _, p := range m.Packages {
		s := fmt.Sprintf("%s %s %s of %s %s", p.Name, p.Version, p.Architecture, p.Source, p.SourceVersion)
		if p.Module != "" {
			s += " in " + p.Module
		}
		all = append(all, s)
	}
	return strings.Join(all, "\n")
}

const (
	cycloneSyft = `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[
{"type":"library","name":"libssl3","purl":"pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.10?arch=amd64&distro=ubuntu-22.04&upstream=openssl"},
{"type":"library","name":"libldb2","purl":"pkg:deb/ubuntu/libldb2@2%3A2.4.4-0ubuntu0.1?arch=amd64&distro=ubuntu-22.04&upstream=ldb%402.4.4"},
{"type":"library","name":"left-pad","purl":"pkg:npm/left-pad@1.0.0"},
{"type":"library","name":"bad","purl":"not a purl"},
{"type":"operating-system","name":"ubuntu","version":"22.04"}]}`
	cycloneTrivy = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[
{"type":"operating-system","name":"redhat","version":"9.4"},
{"type":"library","name":"perl-libs","purl":"pkg:rpm/redhat/perl-libs@5.32.1-481.el9?arch=x86_64&distro=redhat-9.4&epoch=4",
 "properties":[{"name":"aquasecurity:trivy:SrcName","value":"perl"},{"name":"aquasecurity:trivy:SrcVersion","value":"5.32.1"},{"name":"aquasecurity:trivy:SrcRelease","value":"481.el9"},{"name":"aquasecurity:trivy:SrcEpoch","value":"4"}],
 "components":[{"type":"library","name":"nested","purl":"pkg:rpm/redhat/nested@1-1.el9?arch=noarch&upstream=outer-2-1.el9.src.rpm&rpmmod=perl:5.32"}]}]}`
	cycloneXML = `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1"><components>
<component type="library"><name>musl</name><purl>pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&amp;distro=alpine-3.19.1</purl></component></components></bom>`
	spdxTag = `SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: small
DocumentNamespace: http://example.org/small
Creator: Tool: test
Created: 2024-01-01T00:00:00Z

PackageName: pacman
SPDXID: SPDXRef-Package-pacman
PackageVersion: 6.0.2-9
PackageDownloadLocation: NOASSERTION
FilesAnalyzed: false
ExternalRef: PACKAGE-MANAGER purl pkg:alpm/arch/pacman@6.0.2-9?arch=x86_64&distro=arch-rolling
`
	spdxJSON = `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"small","dataLicense":"CC0-1.0","documentNamespace":"http://example.org/small",
"creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: test"]},"packages":[
{"name":"debian","SPDXID":"SPDXRef-OS","versionInfo":"12.5","primaryPackagePurpose":"OPERATING_SYSTEM","downloadLocation":"NONE"},
{"name":"libc6","SPDXID":"SPDXRef-1","versionInfo":"2.36-9","downloadLocation":"NONE","sourceInfo":"built package from: glibc 2.36-9","externalRefs":[
{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12.5"}]}]}`
)

func TestReadSBOM(t *testing.T) {
	for _, tt := range []struct{ name, text, base, manager, packages, problems string }{
		{"CycloneDX with upstream", cycloneSyft, "ubuntu/jammy", dpkg,
			"libssl3 3.0.2-0ubuntu1.10 amd64 of openssl 3.0.2-0ubuntu1.10\nlibldb2 2:2.4.4-0ubuntu0.1 amd64 of ldb 2.4.4", `"not a purl" is no package URL|1 components of type "npm"`},
		{"CycloneDX with properties", cycloneTrivy, "rhel/9.4", rpm,
			"perl-libs 4:5.32.1-481.el9 x86_64 of perl 4:5.32.1-481.el9\nnested 1-1.el9 noarch of outer 2-1.el9 in perl:5.32", ""},
		{"CycloneDX XML, release in the purl", cycloneXML, "alpine/v3.19", apk, "musl 1.2.4-r2 x86_64 of musl 1.2.4-r2", ""},
		{"SPDX JSON", spdxJSON, "debian/bookworm", dpkg, "libc6 2.36-9 amd64 of glibc 2.36-9", ""},
		{"SPDX tag-value", spdxTag, "arch/rolling", pacman, "pacman 6.0.2-9 x86_64 of pacman 6.0.2-9", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ReadSBOM("bom", strings.NewReader(tt.text), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := listPackages(m); got != tt.packages || m.Base.String() != tt.base || m.Manager != tt.manager {
				t.Errorf("%s with %s:\n%s\nwant %s with %s:\n%s", m.Base, m.Manager, got, tt.base, tt.manager, tt.packages)
			}
			all := strings.Join(problems(m), "\n")
			for want := range strings.SplitSeq(tt.problems, "|") {
				if !strings.Contains(all, want) || tt.problems == "" && all != "" {
					t.Errorf("problems %q, want %q", all, want)
				}
			}
		})
	}
}

func TestReadSBOMErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "neither CycloneDX", "{": "no JSON", `{"a":1}`: "neither CycloneDX", `{"@context":"https://example.org"}`: "SPDX 3",
		`{"bomFormat":"CycloneDX","specVersion":"1.5"}`: "no package of a distribution",
		`{"spdxVersion":"SPDX-9"}`:                      "SPDX:",
	} {
		if _, err := ReadSBOM("bom", strings.NewReader(text), Options{}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "bom: ") {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	none := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","purl":"pkg:deb/debian/a@1"}]}`
	if _, err := ReadSBOM("bom", strings.NewReader(none), Options{}); !errors.Is(err, ErrNoRelease) {
		t.Errorf("error %v", err)
	}
	given := wontfix.Release{Distribution: "debian", Series: "bookworm"}
	if m, err := ReadSBOM("bom", strings.NewReader(none), Options{Release: given}); err != nil || m.Base != given {
		t.Errorf("with a release: %v", err)
	}
}

func TestReadManifest(t *testing.T) {
	text := "bash\t5.1-6ubuntu1\nlibc6:amd64 2.35-0ubuntu3\nlibc6:i386 2.35-0ubuntu3\n\nsnap:core20\tlatest/stable\t1822\none\n../x 1\n"
	m, err := ReadManifest("jammy-server-cloudimg-amd64.manifest", strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "bash 5.1-6ubuntu1  of bash 5.1-6ubuntu1\nlibc6 2.35-0ubuntu3 amd64 of libc6 2.35-0ubuntu3\nlibc6 2.35-0ubuntu3 i386 of libc6 2.35-0ubuntu3"
	if got := listPackages(m); got != want || m.Base.String() != "ubuntu/jammy" || m.Manager != dpkg {
		t.Errorf("%s with %s:\n%s", m.Base, m.Manager, got)
	}
	all := strings.Join(problems(m), "\n")
	for _, want := range []string{":6: not a name and a version", ":7: \"../x\" is no legal name", "does not name source packages", "1 snaps"} {
		if !strings.Contains(all, want) {
			t.Errorf("problems %q, want %q", all, want)
		}
	}
	if _, err := ReadManifest("m", strings.NewReader(text), Options{}); !errors.Is(err, ErrNoRelease) {
		t.Errorf("error %v", err)
	}
	if _, err := ReadManifest("m", strings.NewReader("x"), Options{}); err == nil || !strings.Contains(err.Error(), "no package in it") {
		t.Errorf("error %v", err)
	}
}

// FuzzLists holds that what a bill or a manifest gives is whole: no package
// without a name, a version and a source.
func FuzzLists(f *testing.F) {
	for _, s := range []string{cycloneSyft, cycloneTrivy, cycloneXML, spdxJSON, spdxTag, "a 1\nb:amd64 2\nsnap:c x 1\n"} {
		f.Add([]byte(s))
	}
	given := wontfix.Release{Distribution: "ubuntu", Series: "jammy"}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func() (*wontfix.Machine, error){
			func() (*wontfix.Machine, error) { return ReadSBOM("f", bytes.NewReader(b), Options{Release: given}) },
			func() (*wontfix.Machine, error) {
				return ReadManifest("f", bytes.NewReader(b), Options{Release: given})
			},
		} {
			m, err := read()
			if err != nil {
				continue
			}
			if m.Base != given || m.Counts.Binary == 0 {
				t.Errorf("%s, %d packages", m.Base, m.Counts.Binary)
			}
			for _, p := range m.Packages {
				if p.Name == "" || p.Version == "" || p.Source == "" || p.SourceVersion == "" {
					t.Errorf("%+v lacks something", p)
				}
			}
		}
	})
}

// What an image keeps is all that is read of a root.
func TestWanted(t *testing.T) {
	for _, name := range []string{statusFile, "var/lib/dpkg/status.d/base", "usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "var/lib/rpm/Packages", "lib/apk/db/installed",
		pacmanDir + "/a-1-1/desc", "usr/share/doc/a/changelog.Debian.gz", "etc/os-release", "usr/share/distro-info/ubuntu.csv"} {
		if !Wanted(name) {
			t.Errorf("%s is not wanted", name)
		}
	}
	for _, name := range []string{"var/lib/rpm/__db.001", pacmanDir + "/a-1-1/files", "usr/share/doc/a/copyright", "var/lib/dpkg/status-old", "etc/passwd"} {
		if Wanted(name) {
			t.Errorf("%s is wanted", name)
		}
	}
}
