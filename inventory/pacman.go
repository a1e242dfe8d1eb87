package inventory

import (
	"strings"

	"wontfix"
)

const (
	pacmanDir     = "var/lib/pacman/local"
	maxPacmanDirs = 100_000
)

// pacmanDatabase reads pacman's database: a folder for each package, with a
// file desc of headings in percent signs and values below them. It reports
// whether there is one.
func (r *reader) pacmanDatabase() (found bool) {
	for i, e := range r.dir(pacmanDir) {
		if !e.IsDir() {
			found = found || e.Name() == "ALPM_DB_VERSION"
			continue
		}
		if i >= maxPacmanDirs {
			r.problem(pacmanDir, 0, "more than %d folders: the rest is not read", maxPacmanDirs)
			break
		}
		found = true
		name := pacmanDir + "/" + e.Name() + "/desc"
		b := r.file(name, maxSmall)
		if b == nil {
			r.problem(name, 0, "no such file: package %.60q is left out", e.Name())
			continue
		}
		r.pacmanPackage(name, b)
	}
	return found
}

func (r *reader) pacmanPackage(name string, b []byte) {
	p := wontfix.Package{State: "installed", File: name}
	heading, line := "", 0
	for text := range strings.Lines(string(b)) {
		line++
		text = strings.TrimRight(text, "\r\n")
		switch {
		case text == "":
			heading = ""
			continue
		case heading == "":
			heading = text
			continue
		case len(text) > maxFieldSize:
			continue
		}
		switch heading {
		case "%NAME%":
			p.Name, p.Line = text, line
		case "%VERSION%":
			p.Version = text
		case "%ARCH%":
			p.Architecture = text
		case "%BASE%":
			p.Source = text
		case "%REASON%":
			p.Automatic = text == "1"
		}
	}
	if p.Name == "" || p.Version == "" {
		r.problem(name, 0, "package %.60q of version %.60q: name or version is missing: left out", p.Name, p.Version)
		return
	}
	if p.Source == "" {
		p.Source = p.Name
	}
	p.SourceVersion = p.Version
	r.m.Packages = append(r.m.Packages, p)
}
