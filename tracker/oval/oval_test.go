package oval_test

import (
	"bytes"
	"compress/bzip2"
	"io"
	"iter"
	"path"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/internal/testkit"
	"wontfix/tracker/oval"
)

var samples = []string{"azurelinux/*-oval.xml", "oracle-oval/*.xml", "suse-oval/*.xml", "ubuntu-oval/*.xml", "debian-oval/*.xml", "photon/*.xml"}

// parsers are by the beginning of a file's name.
var parsers = map[string]func(string, []byte) iter.Seq2[wontfix.Change, error]{
	"azurelinux": oval.ParseAzure, "mariner": oval.ParseAzure, "elsa": oval.ParseOracle, "elba": oval.ParseOracle, "ELSA": oval.ParseOracle, "com.oracle": oval.ParseOracle,
	"suse": oval.ParseSUSE, "opensuse": oval.ParseSUSE, "oci.com.ubuntu": oval.ParseUbuntu, "oval-definitions": oval.ParseDebian,
	"com.vmware": oval.ParsePhoton, "rhel": oval.ParseRedHat, "ansible": oval.ParseRedHat, "dotnet": oval.ParseRedHat,
}

func parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	for prefix, p := range parsers {
		if strings.HasPrefix(path.Base(file), prefix) {
			return p(file, text)
		}
	}
	panic(file + " is of no known publisher")
}

// redhat returns the samples of Red Hat, which are compressed.
func redhat(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	for name, text := range formattest.Files(t, "redhat-oval-v2/*.bz2") {
		plain, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(text)))
		testkit.Must(t, err)
		files[strings.TrimSuffix(name, ".bz2")] = plain
	}
	return files
}

// statements returns what changes say, a line each.
func statements(t *testing.T, changes []wontfix.Change) map[string]bool {
	said := map[string]bool{}
	for _, c := range changes {
		for _, p := range c.Problems {
			t.Errorf("%v", p)
		}
		if c.Entry == nil {
			continue
		}
		for _, s := range c.Entry.Statements {
			said[strings.Join(strings.Fields(strings.Join([]string{s.ID, s.Release.String(), s.Module, s.Source, s.Decision.String(), s.Fixed, s.Advisory}, " ")), " ")] = true
		}
	}
	return said
}

// TestPublishers wants some statements of each publisher's samples.
func TestPublishers(t *testing.T) {
	files := redhat(t)
	for name, text := range formattest.Files(t, samples[2:]...) {
		files[name] = text
	}
	want := map[string][]string{
		"redhat-oval-v2/rhel-9-including-unpatched.oval.xml": {
			"CVE-2005-2541 rhel/9 tar wont-fix", "CVE-2002-0059 rhel/9 zlib-devel not-affected", "CVE-2022-1802 rhel/9 firefox fixed 0:91.9.1-1.el9_0 RHSA-2022:4765"},
		"suse-oval/suse.linux.enterprise.16-affected.xml": {"CVE-2001-1267 sles/16.0 tar-doc fixed 1.35-160000.2.2"},
		"suse-oval/opensuse.leap.15.2.xml":                {"CVE-2010-2322 opensuse-leap/15.2 fastjar fixed 0.98-lp152.4.3.1"},
		"suse-oval/opensuse.tumbleweed.xml":               {"CVE-2001-1267 opensuse-tumbleweed/rolling tar fixed 1.34-2.2"},
		"suse-oval/suse.linux.enterprise.12-affected.xml": nil,
		"suse-oval/suse.linux.enterprise.15-affected.xml": nil,
		"suse-oval/suse.linux.enterprise.16-patch.xml":    nil,
		"ubuntu-oval/oci.com.ubuntu.jammy.cve.oval.xml":   {"CVE-2023-48795 ubuntu/jammy openssh fixed 1:8.9p1-3ubuntu0.5"},
		"ubuntu-oval/oci.com.ubuntu.jammy.pkg.oval.xml":   {"CVE-2023-48795 ubuntu/jammy libssh fixed 0.9.6-2ubuntu0.22.04.2"},
		"debian-oval/oval-definitions-bullseye.xml": {"CVE-2016-5405 debian/bullseye 389-ds-base fixed 1.3.5.15-1",
			"CVE-2016-5416 debian/bullseye 389-ds-base not-affected", "CVE-2022-31625 debian/bullseye php7.4 fixed 7.4.30-1+deb11u1 DSA-5179"},
		"photon/com.vmware.phsa-photon3.xml": {"CVE-2019-16168 photon/3.0 sqlite-libs fixed 0:3.27.2-5.ph3 PHSA:00001:3.0:0036"},
	}
	for name, text := range files {
		changes, err := formattest.Changes(t, parse, name, text)
		testkit.Must(t, err)
		said := statements(t, changes)
		for _, w := range want[name] {
			if !said[w] {
				t.Errorf("%s does not say %s, but %d statements", name, w, len(said))
			}
		}
		if notices := strings.HasSuffix(name, ".usn.oval.xml"); notices != (len(said) == 0) {
			t.Errorf("%s: %d statements", name, len(said))
		}
		t.Logf("%s: %d", name, len(said))
	}
}

// TestUbuntuWords has the phrases that the samples lack.
func TestUbuntuWords(t *testing.T) {
	for phrase, want := range map[string]wontfix.Decision{
		"is affected and needs fixing": wontfix.DecisionAffected,
		"is affected, but a decision has been made to defer addressing it (note: 'x')": wontfix.DecisionDeferred,
		"is not affected": wontfix.DecisionNotAffected,
		"is affected. An update containing the fix has been completed and is pending publication (note: '1.2')": wontfix.DecisionFixPending,
		"is affected. While related to the CVE in some way, a decision has been made to ignore this issue":      wontfix.DecisionWontFix,
	} {
		text := `<definitions><definition class="vulnerability" id="oval:x:def:1"><metadata><reference source="CVE" ref_id="CVE-2031-0001"/></metadata>
<criteria><criterion comment="thing package in jammy ` + phrase + `."/></criteria></definition></definitions>`
		changes, err := formattest.Changes(t, oval.ParseUbuntu, "x.xml", []byte(text))
		if err != nil || len(changes) != 1 || changes[0].Entry == nil || changes[0].Entry.Statements[0].Decision != want {
			t.Errorf("%s: %+v, %v", phrase, changes, err)
		}
	}
}

func TestSamples(t *testing.T) {
	all := formattest.Samples(t, parse, samples...)
	if got := len(all["azurelinux/azurelinux-3.0-oval.xml"]); got != 1222 {
		t.Errorf("Azure Linux 3.0: %d entries, want 1222", got)
	}
	var got []string
	for _, c := range all["azurelinux/mariner-truncated-2.0-oval.xml"] {
		s := c.Entry.Statements[0]
		got = append(got, s.Source+" "+s.Decision.String()+" "+s.Introduced+"-"+s.Fixed)
	}
	want := "golang fixed 1.19.0-1.20.7-1, glibc not-affected -, mysql fixed -8.0.33-1, mysql fixed -8.0.33-1, bind affected-no-decision -"
	if strings.Join(got, ", ") != want {
		t.Errorf("CBL-Mariner: got %s", strings.Join(got, ", "))
	}
	elsa := all["oracle-oval/ELSA-2007-0057.xml"]
	if len(elsa) != 2 || len(elsa[0].Entry.Statements) != 8 || elsa[0].Entry.Statements[0].Advisory != "ELSA-2007-0057" {
		t.Errorf("ELSA-2007-0057: got %+v", elsa)
	}
}

func TestGolden(t *testing.T) {
	formattest.Golden(t, parse, "azurelinux", func(stream, _ string) wontfix.Release {
		return wontfix.Release{Distribution: "azurelinux", Series: stream}
	}, nil)
}

func TestMapping(t *testing.T) {
	formattest.Mapping(t, parse, "azurelinux", "oracle-oval", "suse-oval", "redhat-oval2")
}

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	for _, text := range formattest.Files(f, "azurelinux/mariner-*.xml", "oracle-oval/ELSA-*.xml") {
		f.Add(text)
	}
	for _, text := range formattest.Files(f, "suse-oval/*.xml", "ubuntu-oval/*.xml", "debian-oval/*.xml") {
		f.Add(text)
	}
	for _, text := range redhat(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, p := range []formattest.Parse{oval.ParseSUSE, oval.ParseRedHat, oval.ParseUbuntu, oval.ParseDebian, oval.ParsePhoton} {
			formattest.Changes(t, p, "x.xml", text)
		}
		formattest.Changes(t, parse, "azurelinux-3.0-oval.xml", text)
		formattest.Changes(t, parse, "elsa.xml", text)
	})
}

func BenchmarkParse(b *testing.B) { formattest.Benchmark(b, parse, samples...) }
