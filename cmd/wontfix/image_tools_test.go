package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"wontfix/internal/image"
	"wontfix/internal/testkit"
)

// tool runs a program and returns what it prints.
func tool(t *testing.T, program string, args ...string) string {
	t.Helper()
	var diag bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stderr = &diag
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, &diag)
	}
	return string(out)
}

const dpkgHead = "Status: install ok installed\nArchitecture: all\nMaintainer: Ann <ann@example.org>\nDescription: one\n"

// imageLayers are what happens to the root file system, layer by layer.
var imageLayers = []func(t *testing.T, root string){
	func(t *testing.T, root string) {
		write(t, root, "etc/os-release", "ID=debian\nVERSION_ID=\"11\"\nVERSION_CODENAME=bullseye\nPRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\n")
		write(t, root, "var/lib/dpkg/status", "Package: curl\nVersion: 7.74.0-1.3+deb11u1\n"+dpkgHead+"\nPackage: gone\nVersion: 1\n"+dpkgHead+"\n")
		write(t, root, "var/lib/dpkg/status.d/first", "Package: first\nVersion: 1:2.0-1\n"+dpkgHead+"\n")
		write(t, root, "usr/share/doc/a/changelog.Debian", "a (1) unstable\n")
		write(t, root, "usr/share/doc/b/changelog.Debian", "b (1) unstable\n")
		write(t, root, "opt/dir/1", "one\n")
		write(t, root, "opt/dir/2", "two\n")
		testkit.Must(t, os.Link(filepath.Join(root, "opt/dir/1"), filepath.Join(root, "opt/hard")))
		testkit.Must(t, os.Symlink("dir/2", filepath.Join(root, "opt/soft")))
	},
	func(t *testing.T, root string) { // a file goes, a folder is another, a package goes and one comes
		write(t, root, "var/lib/dpkg/status", "Package: curl\nVersion: 7.74.0-1.3+deb11u11\n"+dpkgHead+"\nPackage: new\nVersion: 3~rc1-1\n"+dpkgHead+"\n")
		testkit.Must(t, os.Remove(filepath.Join(root, "usr/share/doc/b/changelog.Debian")))
		testkit.Must(t, os.RemoveAll(filepath.Join(root, "opt/dir")))
		write(t, root, "opt/dir/3", "three\n")
	},
	func(t *testing.T, root string) { // a link becomes a file, what went comes back
		testkit.Must(t, os.Remove(filepath.Join(root, "opt/soft")))
		write(t, root, "opt/soft", "a file\n")
		write(t, root, "usr/share/doc/b/changelog.Debian", "b (2) unstable\n")
		testkit.Must(t, os.Remove(filepath.Join(root, "var/lib/dpkg/status.d/first")))
		write(t, root, "var/lib/dpkg/status.d/second", "Package: second\nVersion: 5\n"+dpkgHead+"\n")
	},
}

// TestImageTools has images made by umoci, copied into other forms by skopeo.
// What is in them is what umoci unpacks, file by file, and the packages are
// those that dpkg-query reads there.
func TestImageTools(t *testing.T) {
	umoci, skopeo, dpkg := testkit.Program(t, "umoci"), testkit.Program(t, "skopeo"), testkit.Program(t, "dpkg-query")
	dir := t.TempDir()
	layout := filepath.Join(dir, "layout")
	tool(t, umoci, "init", "--layout", layout)
	tool(t, umoci, "new", "--image", layout+":a")
	unpack := func(name string) string {
		bundle := filepath.Join(dir, name)
		args := []string{"unpack", "--image", layout + ":a", bundle}
		if os.Getuid() != 0 {
			args = slices.Insert(args, 1, "--rootless")
		}
		tool(t, umoci, args...)
		return bundle
	}
	for i, change := range imageLayers {
		bundle := unpack("bundle" + string(rune('0'+i)))
		change(t, filepath.Join(bundle, "rootfs"))
		tool(t, umoci, "repack", "--image", layout+":a", bundle)
	}
	root := filepath.Join(unpack("judge"), "rootfs")
	// The packages of distroless images lie in files of their own, which
	// dpkg-query does not read.
	packages := strings.Fields(strings.ReplaceAll(tool(t, dpkg, "--admindir", filepath.Join(root, "var/lib/dpkg"), "-W", "-f", "${Package}=${Version}\n"), "\n", " "))
	packages = append(packages, "second=5")
	slices.Sort(packages)

	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	hosted := strings.TrimPrefix(server.URL, "http://") + "/made/by-umoci:1"
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, form := range []struct {
		name, ref string
		copy      []string // of skopeo
	}{
		{"layout", layout, nil},
		{"oci archive", file("o.tar"), []string{"oci-archive:" + file("o.tar")}},
		{"docker archive", file("d.tar"), []string{"docker-archive:" + file("d.tar") + ":example.org/small:1"}},
		{"layout with zstd", file("z"), []string{"--dest-compress-format", "zstd", "--dest-compress", "oci:" + file("z") + ":a"}},
		{"registry", hosted, []string{"--dest-tls-verify=false", "docker://" + hosted}},
	} {
		t.Run(form.name, func(t *testing.T) {
			if form.copy != nil {
				tool(t, skopeo, slices.Concat([]string{"--insecure-policy", "copy", "--quiet"}, form.copy[:len(form.copy)-1], []string{"oci:" + layout + ":a"}, form.copy[len(form.copy)-1:])...)
			}
			e := &env{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
			m, _, closer, err := (&target{image: form.ref}).read(context.Background(), e)
			testkit.Must(t, err)
			defer closer.Close()
			var got []string
			for _, p := range m.Packages {
				got = append(got, p.Name+"="+p.Version)
			}
			slices.Sort(got)
			if !slices.Equal(got, packages) || m.Base.String() != "debian/bullseye" {
				t.Errorf("%s: got %v, want %v", m.Base, got, packages)
			}
			img, err := image.Open(context.Background(), form.ref, image.Options{Keep: func(string) bool { return true }})
			testkit.Must(t, err)
			defer img.Close()
			if got, want := filesIn(t, img), filesIn(t, os.DirFS(root)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// filesIn lists the regular files of a file system with their text.
func filesIn(t *testing.T, fsys fs.FS) string {
	var b strings.Builder
	testkit.Must(t, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := fs.ReadFile(fsys, name)
		b.WriteString(name + ": " + string(text))
		return err
	}))
	return b.String()
}
