package match

import (
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/version"
)

// rules are what differs between distributions: how their trackers' rows speak
// of a machine.
type rules struct {
	// source returns the name under which the tracker speaks of the source of a
	// package, and the version of it that is installed; ok is false for one of
	// which nothing can be said.
	source func(p *wontfix.Package) (name, version string, ok bool)
	// compare orders two versions.
	compare func(a, b string) int
	// arrange sorts the rows of an entry into those that count for the machine.
	arrange func(j *judge, rows []*wontfix.Statement)
	// open reports whether a row's own word leaves the installed version
	// without a fix.
	open func(j *judge, r *wontfix.Statement) bool
	// settled reports whether a row, whatever others say, leaves nothing open in
	// the installed version. It is nil where a row alone does not tell.
	settled func(j *judge, r *wontfix.Statement) bool
	// end returns the last day of what everybody gets of a product of a release,
	// or with "" of the release itself.
	end func(s wontfix.Support, product string) wontfix.Date
	// neighbours says that the rows of an ended series may have to be worked out
	// from those of the series around it.
	neighbours bool
	// binaries says that the tracker may speak of binary packages.
	binaries bool
}

var (
	ubuntuRules = &rules{source: ubuntuSource, compare: version.Dpkg, arrange: (*judge).arrangeUbuntu, open: (*judge).openUbuntu, settled: (*judge).settledUbuntu, end: End, neighbours: true}
	debianRules = &rules{source: debianSource, compare: version.Dpkg, arrange: (*judge).arrangeDebian, open: (*judge).openDebian, settled: (*judge).settledDebian, end: debianEnd}
)

// rulesOf returns the rules for the tracker of m's distribution.
func rulesOf(m *wontfix.Machine) *rules {
	switch m.Base.Distribution {
	case "ubuntu":
		return ubuntuRules
	case "debian":
		return debianRules
	case "rhel", "centos", "almalinux", "rocky", "ol", "fedora", "amzn", "sles", "sled", "opensuse-leap", "opensuse-tumbleweed", "photon", "azurelinux", "mariner":
		return rpmRules
	case "alpine", "wolfi", "chainguard":
		return apkRules
	case "arch":
		return pacmanRules
	}
	switch m.Manager {
	case "rpm":
		return rpmRules
	case "apk":
		return apkRules
	case "pacman":
		return pacmanRules
	}
	return ubuntuRules
}

// ubuntuSource: signed kernels are built from linux-signed-X, and tracked as
// linux-X; linux-meta-X has no code of its own and a version of another kind,
// so that nothing can be said of it.
func ubuntuSource(p *wontfix.Package) (name, version string, ok bool) {
	name = p.Source
	if rest, ok := strings.CutPrefix(name, "linux-signed"); ok && (rest == "" || rest[0] == '-') {
		return "linux" + rest, p.SourceVersion, true
	}
	if rest, ok := strings.CutPrefix(name, "linux-meta"); ok && (rest == "" || rest[0] == '-') {
		return "", "", false
	}
	return name, p.SourceVersion, true
}

// binNMU is what a rebuild of a binary alone adds to its version.
var binNMU = lazyregexp.New(`\+b[0-9]+$`)

// debianSource: signed kernels are built from linux-signed-ARCHITECTURE, and
// tracked as linux, of which the binary packages bear the version. A source
// package is never rebuilt for one architecture, so that the mark of such a
// rebuild is no part of its version.
func debianSource(p *wontfix.Package) (name, version string, ok bool) {
	name, version = p.Source, p.SourceVersion
	if strings.HasPrefix(name, "linux-signed-") {
		name, version = "linux", p.Version
	}
	return name, binNMU.ReplaceAllString(version, ""), true
}

// debianEnd: LTS is Debian's own and free. What comes after it, ELTS, is not.
func debianEnd(s wontfix.Support, product string) wontfix.Date {
	if product == "" && !s.Extended.IsZero() {
		return s.Extended
	}
	return End(s, product)
}
