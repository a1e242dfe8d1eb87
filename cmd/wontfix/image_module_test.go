package main

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"wontfix/internal/testkit"
)

// TestIndependentModule installs, by rpm, packages of a module and one that is
// of none. The same root as a layer of an image, made by umoci, and the image as
// one of several platforms, copied by skopeo, have the same findings.
func TestIndependentModule(t *testing.T) {
	umoci, skopeo := testkit.Program(t, "umoci"), testkit.Program(t, "skopeo")
	fixes := fixesOfAlma(t, "AlmaLinux:8", true)
	const label = "ModularityLabel: python39:3.9:8090020230403194117:d47b87a4\n"
	var specs []string
	want := map[string]bool{}
	for _, p := range []struct{ name, version, release, label string }{
		{"python39", "3.9.16", "1.module_el8.9.0+3500+1", label},
		{"python39-setuptools", "50.3.2", "5.module_el8.10.0+3765+2f9a457d", label},
		{"python39-numpy", "1.19.4", "3.module_el8.6.0+3248+c431e88c", label}, // has the fix
		{"python39-lxml", "1.0", "1.el8", ""},                                 // of no module: nothing is said of it
	} {
		specs = append(specs, fmt.Sprintf("Name: %s\nVersion: %s\nRelease: %s\n%s", p.name, p.version, p.release, p.label))
		for _, f := range fixes[p.name] {
			if p.label != "" && rpmLower(t, p.version+"-"+p.release, f[1]) {
				want[f[0]+" "+p.name] = true
			}
		}
	}
	if len(want) < 4 || len(fixes["python39-lxml"]) == 0 {
		t.Fatalf("too little is open: %v", want)
	}
	root := testkit.RpmRoot(t, "var/lib/rpm", specs...)
	write(t, root, "etc/os-release", "ID=\"almalinux\"\nVERSION_ID=\"8.10\"\nPRETTY_NAME=\"AlmaLinux 8.10\"\n")
	source := testkit.Corpus(t, "vendors/osv-almalinux")
	sameFindings(t, foundIn(t, "almalinux", source, "--root", root), want)

	dir := t.TempDir()
	layout := filepath.Join(dir, "layout")
	tool(t, umoci, "init", "--layout", layout)
	tool(t, umoci, "new", "--image", layout+":a")
	for _, part := range []string{"etc", "var"} {
		args := []string{"insert", "--image", layout + ":a", filepath.Join(root, part), "/" + part}
		if os.Getuid() != 0 {
			args = slices.Insert(args, 1, "--rootless")
		}
		tool(t, umoci, args...)
	}
	sameFindings(t, foundIn(t, "almalinux", source, "--image", layout), want)

	// An index of that image and an empty one, as a registry has it.
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	tool(t, skopeo, "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "oci:"+layout+":a", "docker://"+host+"/one:1")
	ref := func(s string) name.Reference {
		r, err := name.ParseReference(host + s)
		testkit.Must(t, err)
		return r
	}
	img, err := remote.Image(ref("/one:1"))
	testkit.Must(t, err)
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: empty.Image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "mips64le"}}})
	testkit.Must(t, remote.WriteIndex(ref("/many:1"), index))
	many := filepath.Join(dir, "many")
	tool(t, skopeo, "--insecure-policy", "copy", "--quiet", "--all", "--src-tls-verify=false", "docker://"+host+"/many:1", "oci:"+many+":a")
	for _, image := range []string{many, host + "/many:1"} {
		sameFindings(t, foundIn(t, "almalinux", source, "--image", image, "--platform", "linux/mips64le"), want)
		for platform, says := range map[string]string{"linux/s390x": "no package database", "linux/riscv64": "linux/riscv64"} {
			_, _, err := wontfixIn(t.TempDir(), "scan", "--image", image, "--platform", platform)
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s for %s: %v, want %s", image, platform, err, says)
			}
		}
	}
}
