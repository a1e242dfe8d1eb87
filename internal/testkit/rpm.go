package testkit

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// RpmSpecs are the packages of a small machine: an epoch, two packages of one
// source of which one has a version of its own, a tilde, a module.
var RpmSpecs = []string{
	"Name: alpha\nEpoch: 2\nVersion: 1.2~rc1\nRelease: 3.el9\n%package libs\nVersion: 7\nSummary: libs\n%description libs\nlibs\n%files libs\n",
	"Name: perl-moded\nVersion: 5.32\nRelease: 1.module+el8\nModularityLabel: perl:5.32:8060020211122104554:9fe1d287\n",
	"Name: kernel-core\nVersion: 5.14.0\nRelease: 427.el9\n",
	"Name: kernel-core\nVersion: 5.14.0\nRelease: 503.el9\n",
}

// RpmRoot makes a root file system with an rpm database in the folder dbpath.
// The packages are built and installed by rpm itself, one for each spec, which
// may lack what every package has.
func RpmRoot(t testing.TB, dbpath string, specs ...string) string {
	t.Helper()
	Program(t, "rpm")
	Program(t, "rpmbuild")
	top, root := t.TempDir(), t.TempDir()
	args := []string{"--root", root, "--dbpath", "/" + dbpath}
	run(t, "rpm", append(args, "--initdb")...)
	args = append(args, "--install", "--justdb", "--nodeps", "--noscripts", "--force", "--force-debian", "--nosignature")
	for i, spec := range specs {
		dir := filepath.Join(top, string(rune('a'+i)))
		Must(t, os.MkdirAll(dir, 0o755))
		file := filepath.Join(dir, "package.spec")
		preamble, rest, _ := strings.Cut(spec, "%package")
		if rest != "" {
			rest = "%package" + rest
		}
		text := "Summary: package\nLicense: MIT\nBuildArch: noarch\n" + preamble + "%description\npackage\n%files\n" + rest
		Must(t, os.WriteFile(file, []byte(text), 0o644))
		run(t, "rpmbuild", "--quiet", "-bb", "--define", "_topdir "+dir, "--define", "_build_id_links none", file)
		built, err := filepath.Glob(filepath.Join(dir, "RPMS/noarch/*.rpm"))
		Must(t, err)
		args = append(args, built...)
	}
	run(t, "rpm", args...)
	return root
}

// RpmQuery returns what rpm says of each installed package.
func RpmQuery(t testing.TB, root, dbpath, format string) []string {
	t.Helper()
	cmd := exec.Command(Program(t, "rpm"), "--root", root, "--dbpath", "/"+dbpath, "-qa", "--qf", format+"\\n")
	out, err := cmd.Output()
	Must(t, err)
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func run(t testing.TB, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v: %s", program, args, err, out.String())
	}
}
