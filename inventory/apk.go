package inventory

import (
	"bytes"

	"wontfix"
)

// Where apk keeps what is installed; the first is that of apk 3.
var apkFiles = []string{"usr/lib/apk/db/installed", "lib/apk/db/installed"}

// apkDatabase reads apk's database (apk-package(5)): a letter, a colon and a
// value on each line, an empty line behind each package. It reports whether
// there is one.
func (r *reader) apkDatabase() (found bool) {
	for _, name := range apkFiles {
		b := r.file(name, maxStatus)
		if b == nil {
			continue
		}
		found = true
		before := len(r.m.Packages)
		r.apkPackages(name, b)
		if len(r.m.Packages) > before {
			return true
		}
	}
	return found
}

func (r *reader) apkPackages(name string, b []byte) {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		r.problem(name, 1+bytes.Count(b, []byte("\n")), "the file ends in the middle of a line: it was cut off, and packages are missing")
	}
	var p wontfix.Package
	begun, line := 0, 0
	end := func() {
		if begun > 0 {
			r.addApk(name, begun, &p)
		}
		p, begun = wontfix.Package{}, 0
	}
	for text := range bytes.Lines(b) {
		line++
		text = bytes.TrimRight(text, "\r\n")
		if len(text) == 0 {
			end()
			continue
		}
		if begun == 0 {
			begun = line
		}
		if len(text) < 2 || text[1] != ':' {
			r.problem(name, line, "not of the form letter:value: %.60q", text)
			continue
		}
		value := text[2:]
		if len(value) > maxFieldSize {
			continue // dependencies; no name and no version is as long
		}
		switch text[0] {
		case 'P':
			p.Name, p.Line = string(value), line
		case 'V':
			p.Version = string(value)
		case 'A':
			p.Architecture = string(value)
		case 'o':
			p.Source = string(value)
		}
	}
	end()
}

func (r *reader) addApk(name string, line int, p *wontfix.Package) {
	if p.Name == "" || p.Version == "" {
		r.problem(name, line, "package %.60q of version %.60q: name or version is missing: left out", p.Name, p.Version)
		return
	}
	if p.Source == "" {
		p.Source = p.Name
	}
	p.SourceVersion, p.State, p.File = p.Version, "installed", name
	r.m.Packages = append(r.m.Packages, *p)
}
