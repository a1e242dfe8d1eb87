package inventory

import (
	"bytes"
	"strings"

	"wontfix"
	"wontfix/version"
)

// Where dpkg keeps what is installed; the second is distroless images' own.
const (
	statusFile   = "var/lib/dpkg/status"
	statusDir    = "var/lib/dpkg/status.d"
	updatesDir   = "var/lib/dpkg/updates"
	maxFieldSize = 4096
)

// A statusForm says which rules a status file follows.
type statusForm int

const (
	statusWhole   statusForm = iota // dpkg's own: each stanza has a Status field and ends with an empty line
	statusUpdate                    // dpkg's journal: stanzas take the place of those of the whole file
	statusLone                      // a file of unknown origin: the Status field may be absent
	statusPerFile                   // one of status.d: no Status field, no empty line at the end
)

// database reads dpkg's database and reports whether there is one.
func (r *reader) database() bool {
	b := r.file(statusFile, maxStatus)
	found := b != nil
	r.status(statusFile, b, statusWhole)
	for _, e := range r.dir(updatesDir) {
		if strings.Trim(e.Name(), "0123456789") == "" {
			r.status(updatesDir+"/"+e.Name(), r.file(updatesDir+"/"+e.Name(), maxStatus), statusUpdate)
		}
	}
	for _, e := range r.dir(statusDir) {
		if e.IsDir() || strings.HasSuffix(e.Name(), ".md5sums") {
			continue
		}
		name := statusDir + "/" + e.Name()
		b := r.file(name, maxStatus)
		found = found || b != nil
		r.status(name, b, statusPerFile)
	}
	return found
}

// A stanza is what a status file says of one package. The fields point into
// the file.
type stanza struct {
	line                                   int // of the first field; 0 if there is none yet
	name, status, version, arch, source    []byte
	hasStatus                              bool
	cut                                    bool // the file ends within a field
	nameLine, versionLine, archLine, sLine int
}

// status reads a status file into the machine and returns the number of its
// stanzas that name a package.
func (r *reader) status(file string, b []byte, form statusForm) (stanzas int) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		r.problem(file, 1+bytes.Count(b[:i], []byte("\n")), "NUL byte: dpkg would refuse the file; the rest is read nevertheless")
	}
	last := 1 + bytes.Count(b, []byte("\n")) // line of an unfinished field
	unfinished := len(b) > 0 && b[len(b)-1] != '\n' && form != statusPerFile
	if unfinished {
		r.problem(file, last, "the file ends in the middle of a field: it was cut off, and packages are missing")
	} else if len(b) > 1 && form == statusWhole && !bytes.HasSuffix(b, []byte("\n\n")) {
		r.problem(file, last-1, "the file ends without the empty line that dpkg writes behind each package: it may have been cut off")
	}
	var s stanza
	badLine := false
	eachField(b, func(line int, key, value []byte) {
		switch {
		case key == nil && value == nil:
			if s.line > 0 {
				if r.stanza(file, &s, form) {
					stanzas++
				}
			}
			s, badLine = stanza{}, false
			return
		case key == nil:
			return
		case len(key) == 0:
			if !badLine {
				r.problem(file, line, "neither a field nor its continuation: %.60q", value)
			}
			badLine = true
			return
		}
		if s.line == 0 {
			s.line = line
		}
		if unfinished && line == last {
			s.cut = true // half a value is worse than none
			return
		}
		r.field(file, &s, line, key, value)
	})
	return stanzas
}

// field keeps a field that the inventory needs.
func (r *reader) field(file string, s *stanza, line int, key, value []byte) {
	var to *[]byte
	at := new(int)
	switch {
	case isKey(key, "Package"):
		to, at = &s.name, &s.nameLine
	case isKey(key, "Status"):
		to, s.hasStatus = &s.status, true
	case isKey(key, "Version"):
		to, at = &s.version, &s.versionLine
	case isKey(key, "Architecture"):
		to, at = &s.arch, &s.archLine
	case isKey(key, "Source"):
		to, at = &s.source, &s.sLine
	default:
		return
	}
	if *to != nil {
		r.problem(file, line, "second %s field in one stanza: the first counts", key)
		return
	}
	if len(value) > maxFieldSize {
		r.problem(file, line, "%s field of %d bytes: left out", key, len(value))
		value = value[:0]
	}
	*to, *at = value, line
}

// stanza adds a package to the machine if it has files on disk. It reports
// whether the stanza is one of a package.
func (r *reader) stanza(file string, s *stanza, form statusForm) bool {
	if len(s.name) == 0 {
		r.problem(file, s.line, "stanza without a Package field: left out")
		return false
	}
	key := packageKey{string(s.name), string(s.arch)}
	want, state, ok := r.words(file, s, form)
	if !ok {
		return true
	}
	if form == statusUpdate {
		r.forget(key)
	}
	switch state {
	case "not-installed":
		return true
	case "config-files":
		r.m.Counts.Removed++
		return true
	}
	if len(s.version) == 0 {
		r.problem(file, s.line, "package %q is %s and has no version: left out", s.name, state)
		return true
	}
	p := wontfix.Package{
		Name: key.name, Version: string(s.version), Architecture: key.arch,
		State: state, Held: want == "hold", File: file, Line: s.line,
	}
	p.Source, p.SourceVersion = r.source(file, s, &p)
	r.check(file, s, &p)
	r.add(key, p)
	return true
}

// add keeps a package. A second stanza of one name and architecture is a
// problem, and both count if their versions differ: one of them is on disk.
func (r *reader) add(key packageKey, p wontfix.Package) {
	if i, dup := r.seen[key]; dup {
		first := &r.m.Packages[i]
		r.problem(p.File, p.Line, "second stanza of package %q (%s): the first is at %s:%d", key.name, key.arch, first.File, first.Line)
		if first.Version == p.Version {
			return
		}
	} else {
		r.seen[key] = len(r.m.Packages)
	}
	r.m.Packages = append(r.m.Packages, p)
}

// forget takes back what the whole status file said of a package.
func (r *reader) forget(key packageKey) {
	i, ok := r.seen[key]
	if !ok {
		return
	}
	delete(r.seen, key)
	r.m.Packages = append(r.m.Packages[:i], r.m.Packages[i+1:]...)
	for k, j := range r.seen {
		if j > i {
			r.seen[k] = j - 1
		}
	}
}

// words returns what is wanted of a package and the state it is in: the first
// and the third word of the Status field (dpkg(1), "Information about
// packages").
func (r *reader) words(file string, s *stanza, form statusForm) (want, state string, ok bool) {
	if !s.hasStatus {
		switch {
		case s.cut:
			r.problem(file, s.line, "package %q: its stanza is cut off before it says whether it is installed: left out", s.name)
			return "", "", false
		case form == statusPerFile || form == statusLone:
			return "install", "installed", true
		}
		r.problem(file, s.line, "package %q has no Status field: not installed, as dpkg sees it", s.name)
		return "", "", false
	}
	words := strings.Fields(string(s.status))
	if len(words) != 3 {
		r.problem(file, s.line, "package %q: status %.60q has not three words: counted as installed", s.name, s.status)
		return "", "installed", true
	}
	switch state = words[2]; state {
	case "not-installed", "config-files", "half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending", "installed":
	case "postinst-failed": // the names that dpkg gave two states before 1.16
		state = "half-configured"
	case "removal-failed":
		state = "half-installed"
	default:
		r.problem(file, s.line, "package %q: state %.60q is none that dpkg knows: counted as installed", s.name, state)
		state = "installed"
	}
	return words[0], state, true
}

// source returns name and version of the source package: the Source field is
// "name (version)", or the name where the versions are the same, or absent
// where the names are too.
func (r *reader) source(file string, s *stanza, p *wontfix.Package) (name, ver string) {
	if len(s.source) == 0 {
		return p.Name, p.Version
	}
	name, ver, versioned := strings.Cut(string(s.source), "(")
	name = strings.Trim(name, " \t")
	ver, closed := strings.CutSuffix(ver, ")")
	ver = strings.Trim(ver, " \t")
	if versioned && (!closed || ver == "") || name == "" {
		r.problem(file, s.sLine, "package %q: source %.60q is not of the form name (version): the package's own version is taken", p.Name, s.source)
		ver = ""
	}
	if name == "" {
		name = p.Name
	}
	if ver == "" {
		ver = p.Version
	}
	return name, ver
}

// check looks for names and versions that dpkg would not accept. They stay as
// they are.
func (r *reader) check(file string, s *stanza, p *wontfix.Package) {
	if !legalName(p.Name) {
		r.problem(file, s.nameLine, "%.60q is no legal name of a package: kept as it is", p.Name)
	}
	if !version.ValidDpkg(p.Version) {
		r.problem(file, s.versionLine, "package %.60q: %.60q is no legal version: kept as it is", p.Name, p.Version)
	}
	if !only(p.Architecture, "-") {
		r.problem(file, s.archLine, "package %.60q: %.60q is no legal architecture: kept as it is", p.Name, p.Architecture)
	}
	if s.sLine > 0 && (!legalName(p.Source) || !version.ValidDpkg(p.SourceVersion)) {
		r.problem(file, s.sLine, "package %.60q: %.60q is no legal source package: kept as it is", p.Name, s.source)
	}
}

// legalName reports whether dpkg takes s as the name of a package.
func legalName(s string) bool {
	return s != "" && only(s[:1], "") && only(s, "-+._")
}

// architecture finds the machine's own architecture: the first that dpkg
// lists, else the one that most packages have.
func (r *reader) architecture() {
	const name = "var/lib/dpkg/arch"
	first, _, _ := strings.Cut(string(r.file(name, maxSmall)), "\n")
	first = strings.TrimSpace(first)
	switch {
	case first != "" && len(first) < 64 && only(first, "-"):
		r.m.Architecture = first
		return
	case first != "":
		r.problem(name, 1, "%.60q is no architecture", first)
	}
	r.m.Architecture = commonArchitecture(r.m.Packages)
}

func commonArchitecture(packages []wontfix.Package) string {
	count := make(map[string]int)
	best := ""
	for i := range packages {
		a := packages[i].Architecture
		if a == "" || a == "all" || a == "noarch" || a == "any" { // of dpkg, of rpm and apk, of pacman
			continue
		}
		count[a]++
		if n := count[a]; best == "" || n > count[best] || n == count[best] && a < best {
			best = a
		}
	}
	return best
}

// automatic marks the packages that apt installed as dependencies.
func (r *reader) automatic() {
	type state struct {
		name, arch string
		auto       bool
	}
	var s state
	auto := make(map[packageKey]bool)
	eachField(r.file("var/lib/apt/extended_states", maxStatus), func(_ int, key, value []byte) {
		switch {
		case key == nil && value == nil:
			if s.auto {
				auto[packageKey{s.name, s.arch}] = true
			}
			s = state{}
		case isKey(key, "Package"):
			s.name = string(value)
		case isKey(key, "Architecture"):
			s.arch = string(value)
		case isKey(key, "Auto-Installed"):
			s.auto = string(value) == "1"
		}
	})
	for i := range r.m.Packages {
		p := &r.m.Packages[i]
		p.Automatic = auto[packageKey{p.Name, p.Architecture}] ||
			p.Architecture == "all" && auto[packageKey{p.Name, r.m.Architecture}]
	}
}
