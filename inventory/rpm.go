package inventory

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"

	"wontfix"
	"wontfix/internal/rpmdb"
)

// Where rpm keeps what is installed: the folders of SUSE, Fedora and RHEL 10,
// of RHEL up to 9, and of systems of ostree; in each the databases from the
// newest format to the oldest.
var (
	rpmFolders = []string{"usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm"}
	rpmFiles   = []string{"rpmdb.sqlite", "Packages.db", "Packages"}
)

const (
	maxRpm        = 4 << 30 // a database
	maxRpmCopied  = 512 << 20
	maxRpmPackage = 200_000
)

// rpmDatabase reads rpm's database, the first that has a package, and reports
// whether there is one.
func (r *reader) rpmDatabase() (found bool) {
	for _, folder := range rpmFolders {
		for _, file := range rpmFiles {
			name := folder + "/" + file
			db := r.section(name)
			if db == nil {
				continue
			}
			found = true
			var log *section
			if strings.HasSuffix(name, ".sqlite") {
				log = r.section(name + "-wal")
			}
			before := len(r.m.Packages)
			r.rpmPackages(name, db, log)
			db.close()
			log.close()
			if len(r.m.Packages) > before {
				sourceEpochs(r.m.Packages[before:])
				return true
			}
		}
	}
	return found
}

// A section is an open file with its size.
type section struct {
	*io.SectionReader
	file fs.File
}

func (s *section) close() {
	if s != nil {
		s.file.Close()
	}
}

// section opens a file to read here and there in it. It returns nil if there is
// none, or an empty one.
func (r *reader) section(name string) *section {
	f, err := openFile(r.fsys, name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) || r.dangling(name) {
			r.problem(name, 0, "%s", r.why(name, err))
		}
		return nil
	}
	info, err := f.Stat()
	switch {
	case err != nil || info.Size() == 0:
		f.Close()
		return nil
	case info.Size() > maxRpm:
		f.Close()
		r.problem(name, 0, "not read: larger than %d bytes", maxRpm)
		return nil
	}
	if at, ok := f.(io.ReaderAt); ok {
		return &section{io.NewSectionReader(at, 0, info.Size()), f}
	}
	f.Close()
	b := r.file(name, maxRpmCopied)
	return &section{io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))), f}
}

func (r *reader) rpmPackages(name string, db, log *section) {
	var wal *io.SectionReader
	if log != nil {
		wal = log.SectionReader
	}
	for p, err := range rpmdb.Packages(db.SectionReader, wal) {
		switch {
		case rpmdb.Fatal(err):
			r.problem(name, 0, "%v: packages are missing", err)
			return
		case err != nil:
			r.problem(name, 0, "a package is left out: %v", err)
			continue
		case p.Name == "gpg-pubkey": // a key, and no package
			continue
		case len(r.m.Packages) >= maxRpmPackage:
			r.problem(name, 0, "more than %d packages: the rest is not read", maxRpmPackage)
			return
		}
		r.addRpm(name, &p)
	}
}

func (r *reader) addRpm(name string, p *rpmdb.Package) {
	own := evr(p.Epoch, p.Version, p.Release)
	out := wontfix.Package{
		Name: p.Name, Version: own, Architecture: p.Arch, State: "installed", File: name, Module: p.Module,
		Source: p.Name, SourceVersion: own,
	}
	if p.Version == "" || p.Release == "" {
		r.problem(name, 0, "package %.60q has no version or no release: kept as it is", p.Name)
	}
	if p.SourceRPM != "" {
		source, version, release, ok := sourceRPM(p.SourceRPM)
		if ok {
			out.Source, out.SourceVersion = source, evr(p.Epoch, version, release)
		} else {
			r.problem(name, 0, "package %.60q: source %.80q is not of the form name-version-release.src.rpm: the package's own name is taken", p.Name, p.SourceRPM)
		}
	}
	r.m.Packages = append(r.m.Packages, out)
}

// sourceEpochs gives the sources of packages their epochs, which the name of a
// source package lacks: that of the package that is called as the source, or
// that most packages with the source's version have. Other packages of it may
// have versions and epochs of their own.
func sourceEpochs(packages []wontfix.Package) {
	type source struct{ name, version string }
	of := func(p *wontfix.Package) source {
		_, version := cutEpoch(p.SourceVersion)
		return source{p.Source, version}
	}
	const main = 1 << 30 // more than there are packages
	votes := make(map[source]map[string]int)
	for i := range packages {
		p := &packages[i]
		epoch, version := cutEpoch(p.Version)
		if s := of(p); version == s.version {
			if votes[s] == nil {
				votes[s] = make(map[string]int)
			}
			votes[s][epoch]++
			if p.Name == p.Source {
				votes[s][epoch] += main
			}
		}
	}
	for i := range packages {
		p := &packages[i]
		s, most := of(p), 0
		for epoch, n := range votes[s] {
			if n > most || n == most && epoch < strings.TrimSuffix(p.SourceVersion, s.version) {
				most = n
				p.SourceVersion = epoch + s.version
			}
		}
	}
}

// cutEpoch splits a version behind its epoch: "2:", "1.2-3".
func cutEpoch(v string) (epoch, rest string) {
	i := strings.IndexByte(v, ':') + 1
	return v[:i], v[i:]
}

// evr writes a version as rpm does; an epoch of 0 is none.
func evr(epoch, version, release string) string {
	s := version
	if release != "" {
		s += "-" + release
	}
	if epoch != "" && epoch != "0" {
		s = epoch + ":" + s
	}
	return s
}

// sourceRPM takes the file name of a source package apart:
// bash-5.1.8-6.el9.src.rpm.
func sourceRPM(s string) (name, version, release string, ok bool) {
	s, ok = strings.CutSuffix(s, ".rpm")
	if !ok {
		return "", "", "", false
	}
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		s = s[:i] // src, nosrc
	}
	i := strings.LastIndexByte(s, '-')
	if i <= 0 {
		return "", "", "", false
	}
	s, release = s[:i], s[i+1:]
	if i = strings.LastIndexByte(s, '-'); i <= 0 {
		return "", "", "", false
	}
	name, version = s[:i], s[i+1:]
	return name, version, release, version != "" && release != ""
}

// rpmKernels finds the installed kernels by the packages that hold one.
func (r *reader) rpmKernels() (all []string) {
	modular := make(map[string]bool) // kernel is an empty package where kernel-core is
	for i := range r.m.Packages {
		modular[r.m.Packages[i].Name] = true
	}
	for i := range r.m.Packages {
		p := &r.m.Packages[i]
		switch p.Name {
		case "kernel-core", "kernel-rt-core", "kernel-64k-core", "kernel-uek-core":
		case "kernel", "kernel-rt", "kernel-uek":
			if modular[p.Name+"-core"] {
				continue
			}
		default:
			continue
		}
		_, version, ok := strings.Cut(p.Version, ":")
		if !ok {
			version = p.Version
		}
		all = append(all, version+"."+p.Architecture)
	}
	return all
}
