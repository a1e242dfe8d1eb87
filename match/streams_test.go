package match

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wontfix"
	"wontfix/lifecycle"
)

// TestStreams has what the rows of publishers of rpm and apk mean for a
// machine. A row is release source[!module][*] decision
// fixed, and the day of the fix.
func TestStreams(t *testing.T) {
	for _, test := range []struct {
		what, release, products string
		installed               string // source/version[/module]
		rows                    []string
		want                    string // outlook and fixed version, or the kind of a dismissal, or nothing
	}{
		{"a fix above", "rhel/9.4", "", "curl/7.76.1-20.el9", []string{"rhel/9.2 curl fixed 0:7.76.1-23.el9_2.4"}, "available 0:7.76.1-23.el9_2.4"},
		{"a fix that is in", "rhel/9.4", "", "curl/7.76.1-29.el9_4", []string{"rhel/9.2 curl fixed 0:7.76.1-23.el9_2.4"}, ""},
		{"a fix of a later minor", "rhel/9.0", "", "curl/7.76.1-14.el9_0", []string{"rhel/9.2 curl fixed 0:7.76.1-23.el9_2.4"}, ""},
		{"a fix for subscribers", "rhel/9.0", "", "curl/7.76.1-14.el9_0", []string{"rhel/9.0/eus curl needs-paid-support 0:7.76.1-14.el9_0.9"}, "paid 0:7.76.1-14.el9_0.9"},
		{"and for one of them", "rhel/9.0", "eus", "curl/7.76.1-14.el9_0", []string{"rhel/9.0/eus curl needs-paid-support 0:7.76.1-14.el9_0.9"}, "available 0:7.76.1-14.el9_0.9"},
		{"refused", "rhel/7.9", "", "python/2.7.5-90.el7", []string{"rhel/7 python wont-fix"}, "never"},
		{"put off", "rhel/8.10", "", "libtiff/4.0.9-32.el8", []string{"rhel/8 libtiff deferred"}, "deferred"},
		{"another major", "rhel/9.4", "", "python/3.9", []string{"rhel/8 python wont-fix"}, ""},
		{"a fix beside the first day's row", "rhel/8.10", "", "libtiff/4.0.9-31.el8", []string{"rhel/8.10 libtiff affected-no-decision", "rhel/8.10 libtiff fixed 0:4.0.9-32.el8_10"}, "available 0:4.0.9-32.el8_10"},
		{"not affected", "rhel/8.10", "", "curl/7.61", []string{"rhel/8 curl not-affected"}, ""},
		{"a part that is not affected", "sles/15.5", "", "curl/7.61", []string{"sles/15.5 libcurl-doc* not-affected", "sles/15.5 curl wont-fix"}, "never"},
		{"a binary package", "sles/15.5", "", "curl/7.61-1", []string{"sles/15.5 libcurl4* fixed 7.61-2"}, "available 7.61-2"},
		{"another module", "rhel/8.10", "", "python39/3.9.1/python39:3.9:80:x", []string{"rhel/8 python39!python39:3.8 wont-fix"}, ""},
		{"the module", "rhel/8.10", "", "python39/3.9.1/python39:3.9:80:x", []string{"rhel/8 python39!python39:3.9 wont-fix"}, "never"},
		{"no module", "rhel/8.10", "", "python39/3.9.1", []string{"rhel/8 python39!python39:3.9 wont-fix"}, ""},
		{"a module that the row does not name", "almalinux/8.10", "", "nodejs/1:18.17.0-1.module_el8/nodejs:18:80:x", []string{"almalinux/8 nodejs fixed 1:18.19.1-1.module_el8.9.0+1"}, "available 1:18.19.1-1.module_el8.9.0+1"},
		{"another stream of it", "almalinux/8.10", "", "nodejs/1:16.17.0-1.module_el8/nodejs:16:80:x", []string{"almalinux/8 nodejs fixed 1:18.19.1-1.module_el8.9.0+1"}, ""},
		{"a stream without a number", "almalinux/8.10", "", "podman/4.0-1/container-tools:rhel8:80:x", []string{"almalinux/8 podman fixed 4.9-1.module_el8.9.0+1"}, "available 4.9-1.module_el8.9.0+1"},
		{"of no module", "almalinux/8.10", "", "perl/5.26.3-1.el8", []string{"almalinux/8 perl fixed 5.32.1-1.module_el8.9.0+1"}, ""},
		{"an epoch", "rhel/8.10", "", "x/1:1.0-1", []string{"rhel/8.10 x fixed 0:2.0-1"}, ""},
		{"another service pack", "sles/15.5", "", "openssl-1_1/1.1.1l-150500.17.1", []string{"sles/15.5 openssl-1_1 fixed 1.1.1l-150500.17.22.1", "sles/15.4 openssl-1_1 fixed 1.1.1l-150400.7.57.1"}, "available 1.1.1l-150500.17.22.1"},
		{"a tier of an earlier minor", "rhel/8", "", "kernel/4.18.0-305.el8", []string{"rhel/8.1/eus kernel needs-paid-support 0:4.18.0-147.57.el8_1", "rhel/8.4 kernel fixed 0:4.18.0-348.el8"}, "available 0:4.18.0-348.el8"},
		{"a fix after the end of a rebuild", "centos/8", "", "curl/7.61.1-22.el8", []string{"rhel/8 curl fixed 7.61.1-34.el8 2024-05-22"}, "never 7.61.1-34.el8"},
		{"a fix before it", "centos/8", "", "curl/7.61.1-18.el8", []string{"rhel/8 curl fixed 7.61.1-22.el8 2021-11-09"}, "available 7.61.1-22.el8"},
		{"an open row after the end", "centos/8", "", "curl/7.61.1-22.el8", []string{"rhel/8 curl affected-no-decision"}, "never"},
		{"an open row of who goes on", "rhel/8", "", "curl/7.61.1-22.el8", []string{"rhel/8 curl affected-no-decision"}, "open"},
		{"put off, after the end", "rhel/7.9", "", "curl/7.61.1-22.el7", []string{"rhel/7 curl deferred"}, "never"},
		{"put off, with ELS", "rhel/7.9", "els", "curl/7.61.1-22.el7", []string{"rhel/7.9/els curl deferred"}, "deferred"},
		{"not affected in an earlier minor", "rhel/9.4", "", "curl/7.76.1-29.el9", []string{"rhel/9.4 curl affected-no-decision", "rhel/9.0 curl not-affected"}, "open"},
		{"not affected, and affected in an earlier minor", "rhel/9.4", "", "curl/7.76.1-29.el9", []string{"rhel/9.4 curl not-affected", "rhel/9.0 curl affected-no-decision"}, ""},
		{"an earlier minor's fix, and another one of its own", "rhel/9.4", "", "curl/7.76.1-25.el9", []string{"rhel/9.2 curl fixed 0:7.76.1-23.el9_2.4", "rhel/9.4 curl fixed 0:7.76.1-29.el9_4.1"}, "available 0:7.76.1-29.el9_4.1"},
		{"fixes of two minors, and which one it is is not known", "rhel/8", "", "kernel/4.18.0-147.57.el8_1", []string{"rhel/8.1 kernel fixed 0:4.18.0-147.57.el8_1", "rhel/8.4 kernel fixed 0:4.18.0-348.el8"}, ""},
		{"a tier of the major version", "rhel/7.9", "", "curl/7.29.0-59.el7_9.1", []string{"rhel/7/els curl needs-paid-support 0:7.29.0-59.el7_9.2"}, "paid 0:7.29.0-59.el7_9.2"},
		{"an add-on that costs nothing", "sles/15.5", "", "x/1.0-1", []string{"sles/15.5/packagehub x fixed 1.0-2"}, "available 1.0-2"},
		{"an add-on that does", "sles/15.5", "", "x/1.0-1", []string{"sles/15.5/ha x fixed 1.0-2"}, "paid 1.0-2"},
		{"a part of a numbered module", "almalinux/8.10", "", "buildah/1:1.24.2-4.module_el8.6.0/container-tools:4.0:80:x", []string{"almalinux/8 buildah fixed 1:1.24.6-5.module_el8.9.0"}, "available 1:1.24.6-5.module_el8.9.0"},
		{"and of another stream", "almalinux/8.10", "", "buildah/1:1.24.2-4.module_el8.6.0/container-tools:4.0:80:x", []string{"almalinux/8 buildah fixed 2:1.33.8-4.module_el8.10.0"}, ""},
		{"a stream's number, and not a longer one", "almalinux/8.10", "", "nodejs/1:18.17.0-1.module_el8/nodejs:18:80:x", []string{"almalinux/8 nodejs fixed 1:180.1-1.module_el8.9.0+1"}, ""},
		{"apk", "alpine/v3.11", "", "curl/7.65.1-r0", []string{"alpine/v3.11 curl fixed 7.66.0-r0"}, "available 7.66.0-r0"},
		{"another branch of Alpine", "alpine/v3.12", "", "curl/7.65.1-r0", []string{"alpine/v3.11 curl fixed 7.66.0-r0"}, ""},
	} {
		base, err := wontfix.ParseRelease(test.release)
		if err != nil {
			t.Fatal(err)
		}
		m := &wontfix.Machine{Release: base, Base: base, Products: strings.Fields(test.products)}
		if base.Distribution == "centos" {
			m.Base.Distribution = "rhel"
		}
		if r, ok := lifecycle.Of(m.Release, nil); ok {
			m.Support = r.Support()
		}
		f := append(strings.SplitN(test.installed, "/", 3), "")
		for _, name := range []string{f[0], "lib" + f[0] + "4"} {
			m.Packages = append(m.Packages, wontfix.Package{Name: name, Version: f[1], Source: f[0], SourceVersion: f[1], Module: f[2]})
		}
		var rows []wontfix.Statement
		for i, row := range test.rows {
			g := append(strings.Fields(row), "", "")
			s := wontfix.Statement{ID: "CVE-2014-9365", File: "f", Line: i + 1, Label: g[0]}
			s.Source, s.Module, _ = strings.Cut(g[1], "!")
			s.Source, s.Binary = strings.TrimSuffix(s.Source, "*"), strings.HasSuffix(s.Source, "*")
			if s.Release, err = wontfix.ParseRelease(g[0]); err != nil {
				t.Fatal(err)
			}
			if s.Decision, err = wontfix.ParseDecision(g[2]); err != nil {
				t.Fatal(err)
			}
			s.Status, s.Fixed, s.Decided = wontfix.Affected, g[3], g[4]
			switch s.Decision {
			case wontfix.DecisionNotAffected:
				s.Status = wontfix.NotAffected
			case wontfix.DecisionFixed:
				s.Status = wontfix.Fixed
			}
			rows = append(rows, s)
		}
		findings, _ := Match(m, rows, Options{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		var got []string
		for _, f := range findings {
			got = append(got, strings.TrimSpace(fmt.Sprint(f.Outlook, " ", f.FixedVersion)))
		}
		if s := strings.Join(got, ", "); s != test.want {
			t.Errorf("%s: %q; want %q", test.what, s, test.want)
		}
	}
}

// TestBinaryVersion has a binary package with a version of its own, lower than
// its source's: what compares with a fix of it is its own.
func TestBinaryVersion(t *testing.T) {
	base := wontfix.Release{Distribution: "almalinux", Series: "9"}
	for version, want := range map[string]int{"2.5.1-160.el9": 1, "2.5.1-161.el9": 0} {
		m := &wontfix.Machine{Release: base, Base: base, Packages: []wontfix.Package{
			{Name: "ruby", Version: "3.0.4-160.el9", Source: "ruby", SourceVersion: "3.0.4-160.el9"},
			{Name: "rubygem-json", Version: version, Source: "ruby", SourceVersion: "3.0.4-160.el9"},
		}}
		rows := []wontfix.Statement{{ID: "CVE-2031-0001", Source: "rubygem-json", Binary: true, Release: base, Label: "AlmaLinux:9", File: "f", Line: 1,
			Meaning: wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: "2.5.1-161.el9"}}}
		findings, _ := Match(m, rows, Options{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		if len(findings) != want {
			t.Errorf("rubygem-json %s: %d findings, want %d", version, len(findings), want)
		}
	}
}
