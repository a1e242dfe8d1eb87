package inventory

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"wontfix"
)

func TestOwners(t *testing.T) {
	fsys := fstest.MapFS{
		"var/lib/dpkg/info/curl.list":             {Data: []byte("/.\n/usr\n/usr/bin\n/usr/bin/curl\n")},
		"var/lib/dpkg/info/busybox.list":          {Data: []byte("/bin/busybox\n")},
		"var/lib/dpkg/info/python2.7:amd64.list":  {Data: []byte("/usr/bin/python2.7")},
		"var/lib/dpkg/info/gone.list":             {Data: []byte("/usr/bin/curl\n")}, // of a package that is not installed
		"var/lib/dpkg/info/curl-doc.list":         {Data: []byte("/usr/share/doc/curl\n/usr/bin/curl.1\n")},
		"var/lib/dpkg/info/libc6:amd64.list":      {Data: []byte("/lib/x86_64-linux-gnu/libc.so.6\n")},
		"var/lib/dpkg/info/unreadable.list/thing": {},
	}
	var packages []wontfix.Package
	for _, name := range []string{"unreadable", "curl-doc", "curl", "busybox", "python2.7", "libc6"} {
		packages = append(packages, wontfix.Package{Name: name, Architecture: "amd64", Version: "1-" + name})
	}
	have := map[string]string{}
	for p, pkg := range Owners(fsys, packages, []string{"/usr/bin/curl", "/usr/bin/busybox", "/usr/bin/python2.7", "/usr/local/bin/curl", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/../bin/curl.1"}) {
		have[p] = pkg.Version
	}
	want := map[string]string{"/usr/bin/curl": "1-curl", "/usr/bin/busybox": "1-busybox", "/usr/bin/python2.7": "1-python2.7",
		"/usr/lib/x86_64-linux-gnu/libc.so.6": "1-libc6", "/usr/bin/curl.1": "1-curl-doc"}
	if !maps.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

// A path is listed exactly if it is a line.
func FuzzFilesOf(f *testing.F) {
	f.Add("/usr/bin/curl\n/usr/bin/x\n", "/usr/bin/curl")
	f.Add("a\r\nb\x00\n\n", "")
	f.Fuzz(func(t *testing.T, list, path string) {
		have := slices.Contains(filesOf([]byte(list), map[string]string{path: path}), path)
		lines := strings.Split(list, "\n")
		if lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		if want := slices.Contains(lines, path); have != want {
			t.Errorf("filesOf(%q) has %q: %t, want %t", list, path, have, want)
		}
	})
}
