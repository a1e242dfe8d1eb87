package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wontfix"
)

// FuzzStatus holds that whatever stands in a status file, a good stanza behind
// an empty line is found, and that a machine that is written out and read
// again is the same.
func FuzzStatus(f *testing.F) {
	f.Add([]byte(trapStatus))
	f.Add([]byte("Package: a\nVersion 1\n\n\n \nSource: (\n"))
	f.Add([]byte("Package: a\nArchitecture: all\nVersion: \v1\n"))
	f.Add([]byte("Package: sentinel\nArchitecture: amd64\nVersion: 2\r\n\r\nStatus: x\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		good := stanzaOf("sentinel amd64 1:2-3", ok, "Source: whole (4)")
		m, err := ReadStatus("status", bytes.NewReader(slices.Concat(b, []byte("\n\n"+good))), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(m.Packages, func(p wontfix.Package) bool { return p.Name == "sentinel" && p.SourceVersion == "4" }) {
			// A stanza before may have the same name, architecture and version.
			if !bytes.Contains(b, []byte("sentinel")) {
				t.Errorf("the last stanza is lost: %+v", m.Packages)
			}
		}
		var text strings.Builder
		for _, p := range m.Packages {
			if p.Name == "" || p.Version == "" || p.Source == "" || p.SourceVersion == "" || p.Line < 1 {
				t.Errorf("%+v lacks something", p)
			}
			fmt.Fprintf(&text, "Package: %s\nArchitecture: %s\nVersion: %s\nStatus: install ok %s\n", p.Name, p.Architecture, p.Version, p.State)
			if strings.ContainsAny(p.Source+p.SourceVersion, "()") {
				return // cannot be written so that it reads the same
			}
			fmt.Fprintf(&text, "Source: %s (%s)\n\n", p.Source, p.SourceVersion)
		}
		again, err := ReadStatus("status", strings.NewReader(text.String()), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m.Architecture != again.Architecture || len(m.Packages) != len(again.Packages) {
			t.Fatalf("%d packages, then %d of %q", len(m.Packages), len(again.Packages), text.String())
		}
		for i, p := range m.Packages {
			q := again.Packages[i]
			p.Line, q.Line, p.Held, q.Held = 0, 0, false, false
			if p != q {
				t.Errorf("%+v, then %+v", p, q)
			}
		}
	})
}

// FuzzScanPackages holds that the size of the buffer does not change what is
// seen, and that nothing of the file is lost.
func FuzzScanPackages(f *testing.F) {
	f.Add([]byte(listed("a", "1")+"\n"+listed("b", "2")), 3)
	f.Add([]byte("\n\n\n\nPackage: a\n\n\n\nb"), 1)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		if size < 1 || size > 1<<16 {
			return
		}
		scan := func(size int) (all []string) {
			if _, err := scanPackages(bytes.NewReader(b), make([]byte, size), func(s []byte) { all = append(all, string(s)) }); err != nil {
				t.Fatal(err)
			}
			return slices.DeleteFunc(all, func(s string) bool { return strings.Trim(s, "\n") == "" })
		}
		small, whole := scan(size), scan(len(b)+1)
		for i := range min(len(small), len(whole)) {
			if strings.Trim(small[i], "\n") != strings.Trim(whole[i], "\n") {
				t.Fatalf("%q with %d bytes, %q at once", small[i], size, whole[i])
			}
		}
		if len(small) != len(whole) {
			t.Errorf("%d stanzas with %d bytes, %d at once", len(small), size, len(whole))
		}
		if got, want := strings.ReplaceAll(strings.Join(whole, ""), "\n", ""), strings.ReplaceAll(string(b), "\n", ""); got != want {
			t.Errorf("%q of %q", got, want)
		}
	})
}

// FuzzRead holds that a machine is one whatever its small files say: its
// release can be written and read, its products are known ones, its problems
// have no control characters.
func FuzzRead(f *testing.F) {
	f.Add([]byte(focalRelease), []byte("deb https://esm.ubuntu.com/infra/ubuntu x main\n"), []byte(`{"services":[{"name":"fips","status":"enabled"}]}`), []byte("a.* 1 2020-01-01 text\n"), []byte("Origin: a\n\nb"))
	f.Add([]byte("ID=debian\nVERSION_ID='12'\n"), []byte("Types: deb\nURIs:\n https://esm.ubuntu.com/apps\n"), []byte("{"), []byte("(\x9b\x19 0 0"), []byte("-----BEGIN PGP SIGNED MESSAGE-----\n\nSuite: a/b-security\n"))
	f.Fuzz(func(t *testing.T, release, sources, pro, ended, archive []byte) {
		files := map[string]string{
			"etc/os-release": string(release), "etc/lsb-release": string(release), "etc/debian_version": string(release), "etc/hostname": string(release),
			"etc/apt/sources.list": string(sources), "etc/apt/sources.list.d/x.sources": string(sources), "etc/apt/preferences.d/ubuntu-fips": string(sources),
			supportDir + "security-support-ended.deb12": string(ended), supportDir + "security-support-limited": string(ended),
			listsDir + "/a_dists_b_Release": string(archive), listsDir + "/a_dists_b_main_binary-amd64_Packages": string(archive),
		}
		if len(pro) > 0 {
			files[proStatus] = string(pro)
		}
		m := read(t, root(files))
		for _, r := range []wontfix.Release{m.Release, m.Base} {
			if back, err := wontfix.ParseRelease(r.String()); r != (wontfix.Release{}) && (err != nil || back != r) {
				t.Errorf("%#v reads again as %#v: %v", r, back, err)
			}
		}
		known := make(map[string]bool)
		for _, p := range services {
			known[p] = true
		}
		for _, p := range m.Products {
			if !known[p] || m.ProductsFrom == "" {
				t.Errorf("product %q from %q", p, m.ProductsFrom)
			}
		}
		for _, p := range m.Problems {
			if strings.ContainsFunc(p.Error(), func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }) {
				t.Errorf("problem with a control character: %q", p.Error())
			}
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}

var cve = regexp.MustCompile(`CVE-[0-9]{4}-[0-9]{4,}`)

// FuzzChangelog compares the search for names of vulnerabilities with a
// regular expression, and holds that each name found is found again by itself.
func FuzzChangelog(f *testing.F) {
	f.Add([]byte(changes))
	f.Add([]byte("a (1) b; c\n CVE-2014-CVE-2014-1234CVE-2014-12345678901234567890 CVE-2014-0001\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var want []string
		for _, id := range cve.FindAllString(string(b), -1) {
			if len(id) <= len("CVE-2014-")+19 {
				want = append(want, id)
			}
		}
		var got []string
		eachID(b, func(at, end int) bool {
			got = append(got, string(b[at:end]))
			return true
		})
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		eachEntry(b, func(heading, body []byte) bool {
			eachID(body, func(at, end int) bool {
				id := string(body[at:end])
				if i := findID(body, id); i < 0 || i > at || !bytes.Contains(item(body, i), []byte(id)) {
					t.Errorf("%s is at %d of %q, not at %d", id, at, body, i)
				}
				return true
			})
			return true
		})
	})
}

// FuzzUnquote holds that a value in double or single quotes reads as it was.
func FuzzUnquote(f *testing.F) {
	f.Add(`Ubuntu "$x" \ 14.04`)
	f.Fuzz(func(t *testing.T, s string) {
		double := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s) + `"`
		for _, quoted := range []string{double, "'" + s + "'"} {
			if got := unquote(quoted); got != s {
				t.Errorf("unquote(%s) = %q, want %q", quoted, got, s)
			}
		}
	})
}

func BenchmarkReadStatus(b *testing.B) {
	const packages = 2000
	var text strings.Builder
	for i := range packages {
		text.WriteString(stanzaOf(fmt.Sprintf("package%d amd64 1:2.%d-3ubuntu1.%d", i, i, i%7), ok, fmt.Sprintf("Source: source%d (2.%d-3)", i/2, i),
			"Depends: "+strings.Repeat("libc6 (>= 2.35), ", 20), strings.Repeat(" a line of text as descriptions have it\n", 8)+" the end"))
	}
	b.ReportAllocs()
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		m, err := ReadStatus("status", strings.NewReader(text.String()), Options{})
		if err != nil || len(m.Packages) != packages {
			b.Fatal(err, len(m.Packages))
		}
	}
	b.ReportMetric(float64(packages*b.N)/b.Elapsed().Seconds(), "packages/s")
}

// BenchmarkLists reads four lists of 16 MB, in which each tenth package is an
// installed one.
func BenchmarkLists(b *testing.B) {
	var status strings.Builder
	lists := make([]strings.Builder, 4)
	size := 0
	for i := range 16000 {
		name := fmt.Sprintf("package%d", i)
		if i%10 == 0 {
			status.WriteString(stanzaOf(name+" amd64 1.0-1", ok))
		}
		for j := range lists {
			lists[j].WriteString(listed(name, fmt.Sprintf("1.0-%d", j), "Depends: "+strings.Repeat("libc6 (>= 2.35), ", 40), "SHA256: "+strings.Repeat("0123456789abcdef", 4), "Description-md5: 0") + "\n")
		}
	}
	files := []map[string]string{{statusFile: status.String()}}
	for j := range lists {
		size += lists[j].Len()
		files = append(files, archive(fmt.Sprintf("focal-%d", j), "main", ubuntu, lists[j].String()))
	}
	fsys := root(files...)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if m := read(b, fsys); find(m, "package10").Offer.Version != "1.0-3" {
			b.Fatal("no offer")
		}
	}
	b.ReportMetric(float64(16000*len(lists)*b.N)/b.Elapsed().Seconds(), "stanzas/s")
}

// BenchmarkHost reads a real machine as a scan does.
func BenchmarkHost(b *testing.B) {
	root := host(b, "focal")
	packages := 0
	for b.Loop() {
		m, err := ReadRoot(root, Options{})
		if err != nil {
			b.Fatal(err)
		}
		packages = m.Counts.Binary
	}
	b.ReportMetric(float64(packages*b.N)/b.Elapsed().Seconds(), "packages/s")
}
