package inventory

import (
	"slices"
	"strings"

	"wontfix"
	"wontfix/lifecycle"
)

// readRelease finds out what the machine is and what it is built on. given
// takes the place of both unless it is zero.
func (r *reader) readRelease(given wontfix.Release) {
	var osr, lsb map[string]string
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		// A link that was copied as a file has no ID in it, hence the check.
		if osr = r.variables(name); osr["ID"] != "" {
			r.m.OS.From = name
			break
		}
	}
	lsb = r.variables("etc/lsb-release")
	debian, _, _ := strings.Cut(string(r.file("etc/debian_version", maxSmall)), "\n")
	debian = strings.TrimSpace(debian)
	r.setRelease(osr, lsb, debian, given)
}

// setRelease finds the release in what the files say.
func (r *reader) setRelease(osr, lsb map[string]string, debian string, given wontfix.Release) {
	r.setOS(osr, lsb, debian)
	if given != (wontfix.Release{}) {
		r.m.Release, r.m.Base = given, given
		return
	}
	o := &r.m.OS
	if o.ID == "" {
		r.problem("etc/os-release", 0, "no ID in it, nor in usr/lib/os-release, etc/lsb-release or etc/debian_version: the release is not known; give it by name")
		return
	}
	if r.otherRelease(o) {
		return
	}
	series := ownSeries(o, osr, lsb, debian)
	if o.Codename == "" {
		o.Codename = series
	}
	if !only(o.ID, "-._") || !only(series, "-._") {
		r.problem(o.From, 0, "distribution %.60q, series %.60q: no names of a release; give it by name", o.ID, series)
		return
	}
	r.m.Release = wontfix.Release{Distribution: o.ID, Series: series}
	if series == "" {
		r.problem(o.From, 0, "%s %.60q: the series is not known; give the release by name", o.ID, o.VersionID)
	}
	r.m.Base = r.m.Release
	if o.ID != "ubuntu" && o.ID != "debian" {
		r.base(osr, debian)
	}
}

// setOS keeps what the files say, os-release before the others.
func (r *reader) setOS(osr, lsb map[string]string, debian string) {
	o := &r.m.OS
	o.ID = strings.ToLower(osr["ID"])
	o.IDLike = strings.Fields(strings.ToLower(osr["ID_LIKE"]))
	o.Name = osr["NAME"]
	o.PrettyName = osr["PRETTY_NAME"]
	o.VersionID = osr["VERSION_ID"]
	o.Codename = osr["VERSION_CODENAME"]
	if o.ID != "" {
		return
	}
	switch {
	case lsb["DISTRIB_ID"] != "": // Ubuntu before 12.04 has no os-release
		o.ID = strings.ToLower(lsb["DISTRIB_ID"])
		o.Name = lsb["DISTRIB_ID"]
		o.PrettyName = lsb["DISTRIB_DESCRIPTION"]
		o.VersionID = lsb["DISTRIB_RELEASE"]
		o.Codename = lsb["DISTRIB_CODENAME"]
		o.From = "etc/lsb-release"
	case debian != "": // Debian before 7
		o.ID, o.Name, o.VersionID = "debian", "Debian", debian
		o.From = "etc/debian_version"
	}
}

// ownSeries returns the name of the series in the distribution's own terms, or
// its version where it has no such name.
func ownSeries(o *wontfix.OS, osr, lsb map[string]string, debian string) string {
	names := []string{o.Codename}
	if o.ID == "ubuntu" {
		names = append(names, osr["UBUNTU_CODENAME"])
	}
	if strings.EqualFold(lsb["DISTRIB_ID"], o.ID) {
		names = append(names, lsb["DISTRIB_CODENAME"])
	}
	if known, ok := table().ByVersion(o.ID, o.VersionID); ok {
		names = append(names, known.Series)
	}
	if o.ID == "debian" { // "forky/sid" in testing and unstable
		s, _, slash := strings.Cut(debian, "/")
		if known, ok := table().ByVersion("debian", s); ok {
			names = append(names, known.Series)
		} else if slash {
			names = append(names, s)
		}
	}
	names = append(names, o.VersionID)
	for _, n := range names {
		if n != "" {
			return strings.ToLower(n)
		}
	}
	return ""
}

// base finds the release of Ubuntu or Debian that a derivative is built on.
func (r *reader) base(osr map[string]string, debian string) {
	o := &r.m.OS
	upstream := r.variables("etc/upstream-release/lsb-release") // Linux Mint, elementary
	ubuntu := slices.Contains(o.IDLike, "ubuntu")
	type candidate struct {
		distribution, series string
		sure                 bool // said in so many words
	}
	candidates := []candidate{
		{"ubuntu", osr["UBUNTU_CODENAME"], true},
		{"debian", osr["DEBIAN_CODENAME"], true},
		{strings.ToLower(upstream["DISTRIB_ID"]), strings.ToLower(upstream["DISTRIB_CODENAME"]), false},
	}
	if ubuntu {
		candidates = append(candidates, candidate{"ubuntu", o.Codename, false})
	} else {
		candidates = append(candidates, candidate{"debian", o.Codename, false})
		// Ubuntu's own debian_version names a testing of Debian and is no base.
		s, _, _ := strings.Cut(debian, "/")
		if known, ok := table().ByVersion("debian", s); ok {
			s = known.Series
		}
		candidates = append(candidates, candidate{"debian", s, false})
	}
	for _, c := range candidates {
		if c.series == "" || !only(c.series, "-._") {
			continue
		}
		if _, known := table().Lookup(c.distribution, c.series); known || c.sure {
			r.m.Base = wontfix.Release{Distribution: c.distribution, Series: c.series}
			return
		}
	}
	r.problem(o.From, 0, "%s: the release of Ubuntu or Debian that it is built on is not known; give it by name", r.m.Release)
}

func table() *lifecycle.Table { return lifecycle.Embedded() }

// variables reads a file of shell assignments, as os-release(5) has them.
func (r *reader) variables(name string) map[string]string {
	vars := make(map[string]string)
	for line := range strings.Lines(string(r.file(name, maxSmall))) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") || len(value) > maxFieldSize {
			continue
		}
		vars[key] = unquote(value)
	}
	return vars
}

// unquote takes the quotes of the shell off a value.
func unquote(s string) string {
	if len(s) < 2 || (s[0] != '"' && s[0] != '\'') || s[len(s)-1] != s[0] {
		return s
	}
	if s[0] == '\'' {
		return s[1 : len(s)-1]
	}
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i+1 < len(s)-1 && strings.IndexByte("\\\"$`", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
