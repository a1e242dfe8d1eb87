package inventory

import (
	"fmt"
	"io"
	"path"
	"strings"

	"wontfix"
)

// ReadManifest reads the list of packages that is published with an image: a
// name and a version on each line, with blanks between them; a name may end in
// a colon and an architecture. Snaps, which such lists have too, are left out.
// name is what problems call it. The release is o.Release, or the one whose
// name is a part of the file's; else the error is [ErrNoRelease].
//
// A manifest does not say which source package a package is of; each is taken
// for one of its own name, and a problem says so.
func ReadManifest(name string, rd io.Reader, o Options) (*wontfix.Machine, error) {
	b, err := io.ReadAll(io.LimitReader(rd, maxSBOM+1))
	if err == nil && len(b) > maxSBOM {
		err = fmt.Errorf("larger than %d bytes", maxSBOM)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	r := newReader(nil)
	line, snaps := 0, 0
	for text := range strings.Lines(string(b)) {
		line++
		f := strings.Fields(text)
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "#"):
		case strings.HasPrefix(f[0], "snap:"):
			snaps++
		case len(f) != 2 || len(text) > maxFieldSize:
			r.problem(name, line, "not a name and a version: %.60q", strings.TrimSpace(text))
		default:
			r.listed(name, line, f[0], f[1])
		}
	}
	if len(r.m.Packages) == 0 {
		return nil, fmt.Errorf("%s: no package in it: want lines with a name and a version", name)
	}
	release := o.Release
	if release == (wontfix.Release{}) {
		release = releaseIn(path.Base(name))
	}
	if release == (wontfix.Release{}) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoRelease)
	}
	r.m.Manager = managerOf(&wontfix.OS{ID: release.Distribution})
	r.m.Release, r.m.Base = release, release
	r.m.Architecture = commonArchitecture(r.m.Packages)
	r.problem(name, 0, "a manifest does not name source packages: each of the %d packages is taken for one of its own name, and what is said of libssl3's source openssl is not found", len(r.m.Packages))
	if snaps > 0 {
		r.problem(name, 0, "%d snaps: no packages of a distribution, left out", snaps)
	}
	r.kernel()
	return r.done(), nil
}

// listed keeps a package of a manifest.
func (r *reader) listed(file string, line int, name, version string) {
	name, arch, _ := strings.Cut(name, ":")
	if !legalName(name) {
		r.problem(file, line, "%.60q is no legal name of a package: left out", name)
		return
	}
	r.add(packageKey{name, arch}, wontfix.Package{Name: name, Version: version, Architecture: arch, Source: name, SourceVersion: version,
		State: "installed", File: file, Line: line})
}

// releaseIn returns the release that a file's name has a series of, such as
// jammy-server-cloudimg-amd64.manifest.
func releaseIn(name string) wontfix.Release {
	for part := range strings.FieldsFuncSeq(strings.ToLower(name), func(c rune) bool { return c == '-' || c == '_' || c == '.' }) {
		for _, d := range table().Distributions() {
			if _, ok := table().Lookup(d, part); ok {
				return wontfix.Release{Distribution: d, Series: part}
			}
		}
	}
	return wontfix.Release{}
}
