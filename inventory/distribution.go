package inventory

import (
	"slices"
	"strings"

	"wontfix"
)

// The package managers.
const (
	dpkg   = "dpkg"
	rpm    = "rpm"
	apk    = "apk"
	pacman = "pacman"
)

const rolling = "rolling" // the series of a distribution that has but one

// A distribution is one that names its releases by number, or has only one.
type distribution struct {
	manager string
	series  func(*wontfix.OS) string
	base    string // the distribution whose tracker speaks of its packages, unless its own does
}

// distributions are those that do not derive from Debian, by the ID of
// os-release(5). Whoever rebuilds RHEL and publishes advisories has a tracker
// of its own.
var distributions = map[string]distribution{
	"rhel": {rpm, asWritten, ""}, "centos": {rpm, centos, "rhel"}, "almalinux": {rpm, asWritten, ""},
	"rocky": {rpm, asWritten, ""}, "ol": {rpm, asWritten, ""}, "scientific": {rpm, asWritten, "rhel"},
	"eurolinux": {rpm, asWritten, "rhel"}, "springdale": {rpm, asWritten, "rhel"}, "circle": {rpm, asWritten, "rhel"},
	"fedora": {rpm, asWritten, ""}, "amzn": {rpm, asWritten, ""},
	"sles": {rpm, asWritten, ""}, "sled": {rpm, asWritten, ""}, "sles_sap": {rpm, asWritten, "sles"},
	"sle_hpc": {rpm, asWritten, "sles"}, "sle-micro": {rpm, asWritten, ""}, "sl-micro": {rpm, asWritten, ""},
	"opensuse-leap": {rpm, asWritten, ""}, "opensuse-tumbleweed": {rpm, onlyOne, ""}, "opensuse-microos": {rpm, onlyOne, "opensuse-tumbleweed"},
	"photon": {rpm, asWritten, ""}, "azurelinux": {rpm, asWritten, ""}, "mariner": {rpm, asWritten, ""},
	"alpine": {apk, branch, ""}, "wolfi": {apk, onlyOne, ""}, "chainguard": {apk, onlyOne, ""},
	"arch": {pacman, onlyOne, ""}, "archarm": {pacman, onlyOne, "arch"}, "endeavouros": {pacman, onlyOne, "arch"},
	"manjaro": {pacman, onlyOne, "arch"},
}

// managers says which package manager the unknown relatives of a distribution
// use, by the words of ID_LIKE.
var managers = map[string]string{"rhel": rpm, "fedora": rpm, "centos": rpm, "suse": rpm, "opensuse": rpm, "alpine": apk, "arch": pacman}

func asWritten(o *wontfix.OS) string { return strings.ToLower(o.VersionID) }

func onlyOne(*wontfix.OS) string { return rolling }

// centos tells CentOS Stream, which runs ahead of RHEL, from CentOS Linux,
// which was a rebuild of it.
func centos(o *wontfix.OS) string {
	if strings.Contains(o.Name, "Stream") {
		return o.VersionID + "-stream"
	}
	return o.VersionID
}

// branch returns Alpine's name of the branch that a version is of: v3.19 for
// 3.19.1, edge for 3.20.0_alpha20240329.
func branch(o *wontfix.OS) string {
	if strings.Contains(o.VersionID, "_") {
		return "edge"
	}
	major, rest, _ := strings.Cut(o.VersionID, ".")
	minor, _, _ := strings.Cut(rest, ".")
	if major == "" || minor == "" {
		return strings.ToLower(o.VersionID)
	}
	return "v" + major + "." + minor
}

// managerOf returns the package manager of the distribution that o names.
func managerOf(o *wontfix.OS) string {
	if d, ok := distributions[o.ID]; ok {
		return d.manager
	}
	for _, like := range o.IDLike {
		if m, ok := managers[like]; ok {
			return m
		}
	}
	return dpkg
}

// Names reports whether releases of a distribution, by its ID, are named by
// number, such as rhel/9.4, or there is only one, such as arch/rolling.
func Names(distribution string) bool {
	_, ok := distributions[distribution]
	return ok
}

// otherRelease sets the release and the base of a distribution that does not
// derive from Debian, and reports whether o is of one.
func (r *reader) otherRelease(o *wontfix.OS) bool {
	d, known := distributions[o.ID]
	if !known {
		if managerOf(o) == dpkg {
			return false
		}
		d.series = asWritten
		if slices.Contains(o.IDLike, "arch") || o.VersionID == "" {
			d.series = onlyOne
		}
	}
	release := wontfix.Release{Distribution: o.ID, Series: d.series(o)}
	if !only(release.Distribution, "-._") || !only(release.Series, "-._") {
		r.problem(o.From, 0, "distribution %.60q, series %.60q: no names of a release; give it by name", release.Distribution, release.Series)
		return true
	}
	if release.Series == "" {
		r.problem(o.From, 0, "%s: it has no VERSION_ID: the release is not known; give it by name", o.ID)
	}
	r.m.Release, r.m.Base = release, release
	switch {
	case d.base != "" && !strings.HasSuffix(release.Series, "-stream"):
		r.m.Base.Distribution = d.base
	case !known:
		r.problem(o.From, 0, "%s: the distribution whose tracker speaks of its packages is not known; give its release by name", release)
	}
	return true
}
