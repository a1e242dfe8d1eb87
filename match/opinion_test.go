package match

import (
	"reflect"
	"testing"

	"wontfix"
)

func TestProjects(t *testing.T) {
	for _, test := range []struct{ name, version, project, branch string }{
		{"python2.7", "2.7.6-8ubuntu0.5", "python", "2.7"},
		{"python", "0:2.7.5-58.el7", "python", "2.7"},
		{"python39", "", "python", "3.9"},
		{"python3.11", "", "python", "3.11"},
		{"python3", "3.6.8-1", "python", "3.6"},
		{"rh-python34-python", "", "python", "3.4"},
		{"python27-python", "0:2.7.13-3.el6", "python", "2.7"},
		{"python27-mod_wsgi", "0:4.5.13-1.el6", "python27-mod_wsgi", "4.5"},
		{"openssl", "1:1.0.1f-1", "openssl", "1.0"},
		{"openssl-1_1", "1.1.1d", "openssl", "1.1"},
		{"openssl1.0", "", "openssl", "1.0"},
		{"compat-libtiff3", "3.9.4", "tiff", "3.9"},
		{"libxml2", "2.9.1", "libxml2", "2.9"},
		{"kernel", "3.10.0-1.el7", "linux", "3.10"},
		{"linux-aws-5.4", "", "linux", "5.4"},
		{"gnupg2", "2.2.20", "gnupg2", "2.2"},
		{"gnupg", "1.4.20", "gnupg2", "1.4"},
		{"coreutils", "", "coreutils", ""},
		{"eglibc", "2.19", "glibc", "2.19"},
		{"apache2", "2.4.7", "httpd", "2.4"},
		{"glib2.0", "2.66.8-1", "glib2", "2.66"},
		{"glib2", "2.56.4-1.el8", "glib2", "2.56"},
		{"gst-plugins-base1.0", "1.18.4-2", "gst-plugins-base", "1.18"},
		{"libssh2", "1.9.0-2", "libssh2", "1.9"},
		{"libssh", "0.9.5-1", "libssh", "0.9"},
		{"linux-firmware", "20210315-3", "linux-firmware", "20210315"},
		{"linux-oem-5.14", "5.14.0-1059.67", "linux", "5.14"},
		{"", "", "", ""},
	} {
		if p, b := projectOf(test.name), branchOf(test.name, test.version); p != test.project || b != test.branch {
			t.Errorf("%s %s: project %q, branch %q; want %q, %q", test.name, test.version, p, b, test.project, test.branch)
		}
	}
}

// said makes an entry of a tracker with rows of release, source, decision and
// first fixed version.
func said(tracker string, rows ...[4]string) Said {
	e := &wontfix.Entry{ID: "CVE-2014-9365"}
	for i, r := range rows {
		release, err := wontfix.ParseRelease(r[0])
		if err != nil {
			panic(err)
		}
		d, err := wontfix.ParseDecision(r[2])
		if err != nil {
			panic(err)
		}
		s := wontfix.Statement{ID: e.ID, Source: r[1], Release: release, Label: r[0], Line: i + 1, File: "f"}
		s.Decision, s.Fixed = d, r[3]
		e.Statements = append(e.Statements, s)
	}
	return Said{wontfix.Tracker{Name: tracker}, e}
}

func TestOpinions(t *testing.T) {
	debian := said("debian", [4]string{"debian/wheezy", "python2.7", "deferred", ""}, [4]string{"debian/sid", "python3.4", "fixed", "3.4.3-1"}, [4]string{"debian/sid", "pypy", "fixed", "2.5"})
	redhat := said("redhat", [4]string{"rhel/7", "python", "fixed", "0:2.7.5-58.el7"}, [4]string{"rhel/7", "python", "fixed", "0:2.7.5-58.el7"}, [4]string{"rhel/6", "python", "wont-fix", ""})
	alma := said("almalinux", [4]string{"almalinux/8", "python36", "fixed", "3.6.8"})
	derived := said("suse", [4]string{"sles/12", "python", "fixed", "2.7.9"})
	derived.Entry.Statements[0].Strength = wontfix.Derived

	o := Opinions("ubuntu", "python2.7", "2.7.6", []Said{debian, redhat, alma, derived, said("ubuntu", [4]string{"ubuntu/utopic", "python2.7", "wont-fix", ""})})
	type row struct {
		release, source string
		same            bool
	}
	var rows []row
	for _, x := range o.List {
		rows = append(rows, row{x.Release, x.Source, x.SameBranch})
	}
	want := []row{
		{"debian/wheezy", "python2.7", true}, {"rhel/7", "python", true}, {"sles/12", "python", true},
		{"almalinux/8", "python36", false}, {"debian/sid", "python3.4", false}, {"rhel/6", "python", false},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("rows %v\nwant %v", rows, want)
	}
	if !reflect.DeepEqual(o.FixedElsewhere, []string{"redhat"}) || !reflect.DeepEqual(o.FixedSameBranch, []string{"redhat"}) ||
		!reflect.DeepEqual(o.RefusedElsewhere, []string{"debian", "redhat"}) || o.NobodyFixed {
		t.Errorf("fixed by %v, on the same branch by %v, refused by %v, nobody %v", o.FixedElsewhere, o.FixedSameBranch, o.RefusedElsewhere, o.NobodyFixed)
	}

	if o.Branch != "2.7" || len(o.Silent) > 0 {
		t.Errorf("branch %q, silent %v", o.Branch, o.Silent)
	}
	// Two reasons are two opinions, and who speaks of other packages is silent.
	two := said("redhat", [4]string{"rhel/6", "python", "wont-fix", ""}, [4]string{"rhel/6", "python", "wont-fix", ""})
	two.Entry.Statements[1].Words = "too old"
	o = Opinions("ubuntu", "python2.7", "2.7.6", []Said{two, said("debian", [4]string{"debian/sid", "pypy", "fixed", "2.5"})})
	if len(o.List) != 2 || !reflect.DeepEqual(o.Silent, []string{"debian"}) {
		t.Errorf("opinions %v, silent %v", o.List, o.Silent)
	}

	// A rebuild is no second voice, neither for others nor against its source.
	o = Opinions("redhat", "python36", "3.6.8", []Said{alma})
	if len(o.List) != 1 || len(o.FixedElsewhere) != 0 || o.NobodyFixed {
		t.Errorf("a rebuild: %+v", o)
	}
	o = Opinions("almalinux", "python", "3.6.8", []Said{said("redhat", [4]string{"rhel/8", "python", "fixed", "3.6.8-2"}), said("debian", [4]string{"debian/wheezy", "python2.7", "wont-fix", ""})})
	if o.NobodyFixed {
		t.Errorf("what it is rebuilt from fixed it: %+v", o)
	}
	o = Opinions("ubuntu", "python2.7", "", []Said{said("debian", [4]string{"debian/wheezy", "python2.7", "wont-fix", ""})})
	if !o.NobodyFixed {
		t.Errorf("one that refuses: %+v", o)
	}
	o = Opinions("ubuntu", "python2.7", "", []Said{said("debian", [4]string{"debian/wheezy", "python2.7", "not-affected", ""}, [4]string{"debian/jessie", "python2.7", "end-of-life", ""})})
	if o.NobodyFixed {
		t.Errorf("not affected, and an end: nobody has to fix it: %+v", o)
	}
	o = Opinions("ubuntu", "python2.7", "", []Said{said("debian", [4]string{"debian/wheezy", "python2.7", "wont-fix", ""}, [4]string{"debian/sid", "python2.7", "fixed", "2.7.9-1"})})
	if o.NobodyFixed || len(o.FixedElsewhere) > 0 {
		t.Errorf("a release that rolls: %+v", o)
	}
}
