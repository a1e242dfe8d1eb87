package pin

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// folder reads the files of a folder.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return files
	}
	testkit.Must(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(b)
		return err
	}))
	return files
}

func TestWrite(t *testing.T) {
	one, two := makeCert(t, "one", nil, nil, nil), makeCert(t, "two", nil, nil, nil)
	dir := filepath.Join(t.TempDir(), "a", "b")
	written, removed, err := (&Pins{CAs: []*x509.Certificate{one.cert, two.cert}}).Write(dir, "example.org:8443")
	testkit.Must(t, err)
	files := folder(t, dir)
	if len(written) != len(files) || len(removed) != 0 || !slices.Contains(written, filepath.Join(dir, "ca-2.der")) {
		t.Errorf("written %q, removed %q, and there is %q", written, removed, slices.Sorted(maps.Keys(files)))
	}
	list, err := ParseCertificates("ca.pem", []byte(files["ca.pem"]))
	if err != nil || len(list) != 2 || files["ca-1.der"] != string(one.cert.Raw) || files["spki.txt"] != SPKIOf(one.cert).String()+"\n"+SPKIOf(two.cert).String()+"\n" {
		t.Errorf("%v, %q", err, files["spki.txt"])
	}
	for _, s := range snippets {
		if !strings.Contains(files[s.Name], "https://example.org:8443/") {
			t.Errorf("%s has not the server: %q", s.Name, files[s.Name])
		}
		if !strings.Contains(files["README.md"], "| `"+s.Name+"` |") {
			t.Errorf("README.md does not name %s", s.Name)
		}
	}
	// sha256sum would say the same.
	sums, err := parseManifest([]byte(files[manifest]))
	if err != nil || len(sums) != len(files)-1 {
		t.Errorf("%d sums of %d files, %v", len(sums), len(files), err)
	}

	// Again, with less: what is no longer pinned goes, what is another's stays.
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "notes"), []byte("mine"), 0o600))
	_, removed, err = (&Pins{CAs: []*x509.Certificate{two.cert}}).Write(dir, "")
	if err != nil || !slices.Equal(removed, []string{filepath.Join(dir, "ca-2.der")}) {
		t.Errorf("removed %q, %v", removed, err)
	}
	again := folder(t, dir)
	if again["ca-1.der"] != string(two.cert.Raw) || again["notes"] != "mine" || strings.Contains(again["ca.pem"], strings.Split(files["ca.pem"], "\n")[1]+"\n"+strings.Split(files["ca.pem"], "\n")[2]) {
		t.Error("the folder has not what is pinned now")
	}
}

// TestWriteRefuses: what is not its own it leaves, and then it writes nothing.
func TestWriteRefuses(t *testing.T) {
	p := &Pins{CAs: []*x509.Certificate{makeCert(t, "one", nil, nil, nil).cert}}
	other := &Pins{CAs: []*x509.Certificate{makeCert(t, "two", nil, nil, nil).cert}}
	for name, tt := range map[string]struct {
		own  bool // the folder was written before
		do   func(dir string) error
		want string
	}{
		"a file of somebody's": {false, func(dir string) error { return os.WriteFile(filepath.Join(dir, "go.go"), nil, 0o644) }, "go.go: is there already"},
		"a link of somebody's": {false, func(dir string) error { return os.Symlink("nowhere", filepath.Join(dir, "ca.pem")) }, "ca.pem: is there already"},
		"changed":              {true, func(dir string) error { return os.WriteFile(filepath.Join(dir, "curl.sh"), []byte("mine"), 0o644) }, "curl.sh: somebody has changed it"},
		"gone":                 {true, func(dir string) error { return os.Remove(filepath.Join(dir, "ca.pem")) }, ""},
		"a folder in its place": {true, func(dir string) error {
			path := filepath.Join(dir, "ca.pem")
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o755)
		}, "ca.pem: is no regular file"},
		"a manifest that leads out": {false, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, manifest), fmt.Appendf(nil, "%064x  ../x\n", 0), 0o644)
		}, manifest + ":1: want the SHA-256"},
		"a file as folder": {false, func(dir string) error {
			if err := os.Remove(dir); err != nil {
				return err
			}
			return os.WriteFile(dir, nil, 0o644)
		}, "not a directory"},
	} {
		dir := filepath.Join(t.TempDir(), "pins")
		testkit.Must(t, os.Mkdir(dir, 0o755))
		if tt.own {
			_, _, err := p.Write(dir, "")
			testkit.Must(t, err)
		}
		testkit.Must(t, tt.do(dir))
		before := folder(t, dir)
		written, removed, err := other.Write(dir, "")
		if tt.want == "" {
			testkit.Must(t, err)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(written)+len(removed) > 0 {
			t.Errorf("%s: %q, %v, want %q", name, written, err, tt.want)
		}
		if !maps.Equal(before, folder(t, dir)) {
			t.Errorf("%s: the folder is not as it was", name)
		}
	}
	if _, _, err := new(Pins).Write(filepath.Join(t.TempDir(), "pins"), ""); err != ErrNone {
		t.Error(err)
	}
}

// TestWriteKeys: what cannot compare keys is left out, and said so.
func TestWriteKeys(t *testing.T) {
	own := makeCert(t, "own", nil, nil, nil)
	leaf := makeCert(t, "localhost", own, nil, nil)
	for name, tt := range map[string]struct {
		pins Pins
		want []string
	}{
		"keys alone":        {Pins{Keys: []SPKI{SPKIOf(leaf.cert)}}, []string{"README.md", "curl.sh", "go.go", "spki.txt", manifest}},
		"authority and key": {Pins{CAs: []*x509.Certificate{own.cert}, Keys: []SPKI{SPKIOf(leaf.cert)}}, []string{"README.md", "ca-1.der", "ca.p12", "ca.pem", "curl.sh", "git.sh", "go.go", "spki.txt", "wget.sh", manifest}},
	} {
		dir := filepath.Join(t.TempDir(), "pins")
		_, _, err := tt.pins.Write(dir, "")
		testkit.Must(t, err)
		files := folder(t, dir)
		if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, slices.Sorted(slices.Values(tt.want))) {
			t.Errorf("%s: %q", name, got)
		}
		if files["spki.txt"] != SPKIOf(leaf.cert).String()+"\n" || !strings.Contains(files["README.md"], "- `python.py`") {
			t.Errorf("%s: %s", name, files["README.md"])
		}
	}
}

// TestWriteHostile: neither the name of a host nor that of an authority becomes
// part of a program.
func TestWriteHostile(t *testing.T) {
	evil := "x`\n$(id)\";'|*/<!--"
	own := makeCert(t, "own", nil, nil, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: evil, Organization: []string{"[a](http://b)"}}
	})
	p := &Pins{CAs: []*x509.Certificate{own.cert}}
	dir := t.TempDir()
	for _, host := range []string{"a;id", "a\nb", "$(id)", "a'b", `a"b`, "a b", "-a", "a/b", "a?b", "a:", "a:99999", "user@a", "[::1", "[fe80::1%25eth0]"} {
		if _, _, err := p.Write(filepath.Join(dir, "no"), host); err == nil {
			t.Errorf("%q: no error", host)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "no")); err == nil {
		t.Error("something was written for a host that is none")
	}
	_, _, err := p.Write(filepath.Join(dir, "yes"), "[2001:db8::1]:8443")
	testkit.Must(t, err)
	for name, text := range folder(t, filepath.Join(dir, "yes")) {
		if strings.HasSuffix(name, ".der") || name == "ca.p12" {
			continue
		}
		if strings.Contains(text, "$(id)") && (name != "README.md" || !strings.Contains(text, "- `\"CN=x'\\n$(id)")) {
			t.Errorf("%s has the name of the authority: %s", name, text)
		}
	}
}

// FuzzManifest: what is read has names of the folder itself alone, and written
// again it is read the same.
func FuzzManifest(f *testing.F) {
	f.Add(fmt.Appendf(nil, "%064x  ca.pem\n%064x  go.go\n", 1, 2))
	f.Add(fmt.Appendf(nil, "%064x  ../ca.pem\n", 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		sums, err := parseManifest(data)
		if err != nil {
			return
		}
		var text bytes.Buffer
		for _, s := range sums {
			if filepath.Base(s.name) != s.name || s.name == ".." || s.name == "." {
				t.Fatalf("%q leads out", s.name)
			}
			fmt.Fprintf(&text, "%x  %s\n", s.sum, s.name)
		}
		again, err := parseManifest(text.Bytes())
		if err != nil || !slices.Equal(again, sums) {
			t.Fatalf("%v, then %v, %v", sums, again, err)
		}
	})
}
