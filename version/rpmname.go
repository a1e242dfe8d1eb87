package version

import "strings"

// architectures are the endings of the names of binary rpms.
var architectures = map[string]bool{"src": true, "nosrc": true, "noarch": true, "i386": true, "i486": true, "i586": true, "i686": true, "x86_64": true,
	"ia64": true, "ppc": true, "ppc64": true, "ppc64le": true, "s390": true, "s390x": true, "aarch64": true, "armv6hl": true, "armv7hl": true,
	"armv7l": true, "riscv64": true, "x86_64_v2": true}

// SplitRPM takes the name of an rpm apart, name-epoch:version-release.arch,
// where epoch and architecture may be absent. Names have hyphens too: it is
// not ok, and the version "", unless version and release begin with a digit.
func SplitRPM(text string) (name, version, arch string, ok bool) {
	name = text
	if i := strings.LastIndexByte(name, '.'); i > 0 && architectures[name[i+1:]] {
		name, arch = name[:i], name[i+1:]
	}
	r := strings.LastIndexByte(name, '-')
	if r <= 0 {
		return text, "", arch, false
	}
	v := strings.LastIndexByte(name[:r], '-')
	if v <= 0 || !startsWithDigit(name[v+1:]) || !startsWithDigit(name[r+1:]) {
		return text, "", arch, false
	}
	return name[:v], name[v+1:], arch, true
}

func startsWithDigit(s string) bool { return s != "" && isDigit(s[0]) }
