package inventory

import (
	"path"
	"slices"
	"strings"
)

// Wanted reports whether [Read], [Backports] or the dates of a release read the
// content of a file. Whoever unpacks an image keeps only those.
func Wanted(name string) bool {
	switch name {
	case "etc/os-release", "usr/lib/os-release", "etc/lsb-release", "etc/debian_version", "etc/upstream-release/lsb-release", "etc/hostname",
		"etc/apt/sources.list", "var/lib/apt/extended_states", "var/lib/dpkg/arch", statusFile, proStatus:
		return true
	}
	if slices.Contains(apkFiles, name) {
		return true
	}
	for _, dir := range []string{statusDir, updatesDir, listsDir, pacmanDir, "etc/apt/sources.list.d", "etc/apt/preferences.d", "usr/share/distro-info", strings.TrimSuffix(supportDir, "/")} {
		if strings.HasPrefix(name, dir+"/") {
			return dir != pacmanDir || path.Base(name) == "desc" || path.Base(name) == "ALPM_DB_VERSION"
		}
	}
	dir, base := path.Split(name)
	switch {
	case slices.Contains(rpmFolders, strings.TrimSuffix(dir, "/")):
		return slices.Contains(rpmFiles, strings.TrimSuffix(base, "-wal"))
	case strings.HasPrefix(dir, "usr/share/doc/"):
		return strings.HasPrefix(base, "changelog")
	}
	return false
}
