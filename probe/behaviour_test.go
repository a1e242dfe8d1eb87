package probe

import (
	"slices"
	"strings"
	"testing"

	"wontfix"
)

func TestBehaviours(t *testing.T) {
	const ids = "T01 T02 T03 N01 N14 N17"
	packages := []wontfix.Package{
		{Name: "liblwp-protocol-https-perl", Version: "6.68-1", Source: "liblwp-protocol-https-perl"},
		{Name: "libwww-perl", Version: "6.68-1", Source: "libwww-perl"},
		{Name: "perl-base", Version: "5.36.0-7", Source: "perl"},
	}
	for _, test := range []struct {
		client, letters string
		version, source string // of the module, and of the package that has the program
		want            string // vulnerability, what it shows, package
	}{
		{"python2.7/urllib", "aaaaaa", "", "python2.7", "CVE-2014-9365 vulnerable pkg"},
		{"python2.7/urllib", "arrrra", "", "python2.7", "CVE-2014-9365 fixed pkg, CVE-2013-4238 fixed pkg, CVE-2013-7440 vulnerable pkg"},
		{"python2.7/urllib", "arrarr", "", "python2.7", "CVE-2014-9365 vulnerable pkg"},
		{"python2.7/urllib", "arrrnr", "", "python2.7", "CVE-2014-9365 fixed pkg, CVE-2013-7440 fixed pkg"},
		{"python2.7/urllib", "annnnn", "", "python2.7", ""},
		{"python2.7/urllib", "allrrr", "", "python2.7", "CVE-2013-4238 fixed pkg, CVE-2013-7440 fixed pkg"}, // leaks: neither
		{"python2.7/urllib", "arrrrr", "", "", "CVE-2014-9365 fixed -, CVE-2013-4238 fixed -, CVE-2013-7440 fixed -"},
		{"python2.7/requests", "aaaaaa", "", "python2.7", ""},
		{"perl/HTTP::Tiny", "aaaaaa", "0.080", "perl", "CVE-2023-31486 vulnerable pkg"},
		{"perl/LWP", "arrrrr", "6.68", "perl", "CVE-2011-0633 fixed libwww-perl"},
		{"perl/LWP", "arrrrr", "6.77", "perl", "CVE-2011-0633 fixed -"}, // from elsewhere
		{"perl/LWP", "arrrrr", "6.68", "", "CVE-2011-0633 fixed -"},
	} {
		p := probeOf(t, ids, test.client+"="+test.letters)
		c := &p.Clients[0]
		prog, lib, _ := strings.Cut(c.ID, "/")
		c.Kind, c.Version = strings.TrimRight(prog, "0123456789.")+"/"+lib, test.version
		if test.source != "" {
			c.Source, c.Package, c.PackageVersion = test.source, "pkg", "1"
		}
		var have []string
		for _, b := range Behaviours(p, packages) {
			pkg := b.Package
			if pkg == "" {
				pkg = "-"
			}
			have = append(have, b.ID+" "+string(b.Shows)+" "+pkg)
			if b.Because == "" || len(b.Sources) == 0 || b.Client != test.client {
				t.Errorf("%+v", b)
			}
		}
		if s := strings.Join(have, ", "); s != test.want {
			t.Errorf("%s %s of %q: %s, want %s", test.client, test.letters, test.source, s, test.want)
		}
	}
}

// Every symptom is of cases and kinds that there are, and the cases have to be
// refused by a client that has the fix.
func TestSymptoms(t *testing.T) {
	kinds := map[string]bool{}
	for _, r := range table() {
		for _, run := range r.runs {
			kinds[strings.TrimSuffix(r.name+"/"+run.name, "/")] = true
		}
	}
	for _, s := range symptoms {
		for _, k := range s.kinds {
			if !kinds[k] {
				t.Errorf("%s: there is no client %q", s.id, k)
			}
		}
		for _, id := range slices.Concat(s.cases, s.given) {
			if k, ok := CaseByID(id); !ok || k.Expect != ExpectReject {
				t.Errorf("%s: case %s is none that a client has to refuse", s.id, id)
			}
		}
		if len(s.sources) == 0 || len(s.cases) == 0 {
			t.Errorf("%s: incomplete", s.id)
		}
	}
}
