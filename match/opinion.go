package match

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
)

// voices are the publishers that rebuild what another one decides.
var voices = map[string]string{
	"almalinux": "redhat", "rocky": "redhat", "oracle": "redhat",
	"ubuntu-vex": "ubuntu", "ubuntu-api": "ubuntu", "ubuntu-osv": "ubuntu", "debian-osv": "debian", "redhat-osv": "redhat", "suse-osv": "suse",
	"ubuntu-oval": "ubuntu", "debian-oval": "debian", "redhat-oval": "redhat", "suse-oval": "suse", "photon-oval": "photon", "launchpad": "ubuntu",
	"amazon-explorer": "amazon", "almalinux-errata": "redhat", "rocky-errata": "redhat",
}

// Voice returns the vendor whose decisions a tracker repeats: mostly itself.
func Voice(tracker string) string { return cmp.Or(voices[tracker], tracker) }

// A Said is an entry of a tracker.
type Said struct {
	Tracker wontfix.Tracker
	Entry   *wontfix.Entry
}

// Opinions returns what publishers other than own say of the project that a
// source package is of: the same upstream project, whatever its packages are
// called there. Those of the same upstream branch come first. version is the
// installed one, or "".
func Opinions(own, source, version string, others []Said) *wontfix.Opinions {
	o := &wontfix.Opinions{List: []wontfix.Opinion{}, FixedElsewhere: []string{}, FixedSameBranch: []string{}, RefusedElsewhere: []string{}, Silent: []string{}}
	project, branch := projectOf(source), branchOf(source, version)
	o.Branch = branch
	for _, said := range others {
		if said.Tracker.Name == own {
			continue
		}
		before := len(o.List)
		for i := range said.Entry.Statements {
			s := &said.Entry.Statements[i]
			if projectOf(s.Source) != project || s.Decision == wontfix.DecisionNotInRelease || s.Decision == wontfix.DecisionUnknown {
				continue
			}
			o.List = append(o.List, opinion(&said, s, branch))
		}
		if len(o.List) == before {
			o.Silent = append(o.Silent, said.Tracker.Name)
		}
	}
	o.List = fold(o.List)
	slices.SortStableFunc(o.List, func(a, b wontfix.Opinion) int {
		return cmp.Or(-compareBool(a.SameBranch, b.SameBranch), cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Release, b.Release), cmp.Compare(a.Source, b.Source))
	})
	weigh(o, Voice(own))
	return o
}

// Compare returns what an entry says as opinions, in order of release; of the
// projects that the given packages are of, or of all if there are none.
func Compare(said Said, packages []string) []wontfix.Opinion {
	list := []wontfix.Opinion{}
	for i := range said.Entry.Statements {
		s := &said.Entry.Statements[i]
		project := projectOf(s.Source)
		if s.Decision == wontfix.DecisionNotInRelease || s.Decision == wontfix.DecisionUnknown ||
			len(packages) > 0 && !slices.ContainsFunc(packages, func(p string) bool { return projectOf(p) == project }) {
			continue
		}
		list = append(list, opinion(&said, s, ""))
	}
	list = fold(list)
	slices.SortStableFunc(list, func(a, b wontfix.Opinion) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Release, b.Release))
	})
	return list
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func opinion(said *Said, s *wontfix.Statement, branch string) wontfix.Opinion {
	x := wontfix.Opinion{
		Vendor: said.Tracker.Name, Voice: Voice(said.Tracker.Name), Source: s.Source, Release: s.Release.String(),
		Family: wontfix.FamilyOf(s.Decision), Status: s.Status, Decision: s.Decision, Strength: s.Strength,
		Reasons: s.Reasons.Words(), Words: ReasonText(s), Fixed: s.Fixed, Advisory: s.Advisory, Decided: s.Decided,
		Branch: branchOf(s.Source, s.Fixed), Row: RowOf(&said.Tracker, s), Rolling: rolls(s.Release),
	}
	x.SameBranch = x.Branch != "" && branch != "" && compareBranches(x.Branch, branch) <= 0
	return x
}

// rolls reports whether a release takes what upstream makes.
func rolls(r wontfix.Release) bool {
	return slices.Contains([]string{"sid", "experimental", "rolling", "edge", "rawhide"}, r.Series) ||
		slices.Contains([]string{"arch", "gentoo", "wolfi", "chainguard", "opensuse-tumbleweed"}, r.Distribution)
}

// fold makes one opinion of those that a publisher repeats for each of a
// release's products or parts with the same words.
func fold(list []wontfix.Opinion) []wontfix.Opinion {
	type key struct {
		vendor, source, release, fixed, reasons, words string
		decision                                       wontfix.Decision
		strength                                       wontfix.Strength
	}
	seen := map[key]bool{}
	return slices.DeleteFunc(list, func(x wontfix.Opinion) bool {
		k := key{x.Vendor, x.Source, x.Release, x.Fixed, strings.Join(x.Reasons, " "), x.Words, x.Decision, x.Strength}
		if seen[k] {
			return true
		}
		seen[k] = true
		return false
	})
}

// weigh says what the opinions come to. What was worked out by comparing
// versions is none, and neither is what a rebuild of own says.
func weigh(o *wontfix.Opinions, own string) {
	judged, rolling, kin := false, false, false
	add := func(to *[]string, voice string) {
		if !slices.Contains(*to, voice) {
			*to = append(*to, voice)
		}
	}
	for i := range o.List {
		x := &o.List[i]
		kin = kin || x.Voice == own && x.Family == wontfix.FamilyFix && x.Strength != wontfix.Derived
		if x.Voice == own || x.Strength == wontfix.Derived || x.Family == wontfix.NoOpinion {
			continue
		}
		judged = judged || x.Family != wontfix.FamilyNotAffected
		switch {
		case x.Family == wontfix.FamilyFix && x.Rolling:
			rolling = true
		case x.Family == wontfix.FamilyFix:
			add(&o.FixedElsewhere, x.Voice)
			if x.SameBranch {
				add(&o.FixedSameBranch, x.Voice)
			}
		case x.Family == wontfix.FamilyNoFix:
			add(&o.RefusedElsewhere, x.Voice)
		}
	}
	o.NobodyFixed = judged && !rolling && !kin && len(o.FixedElsewhere) == 0
	for _, list := range []*[]string{&o.FixedElsewhere, &o.FixedSameBranch, &o.RefusedElsewhere} {
		slices.Sort(*list)
	}
}

var (
	// collection is what Red Hat's software collections put before a name.
	collection = lazyregexp.New(`^(?:rh-|compat-|mingw-|mingw32-|mingw64-)`)
	// digits splits a name where its version begins: python2.7, python39,
	// openssl1.0, gcc-12, openssl-1_1.
	digits = lazyregexp.New(`^(.*?[a-z+])[-_]?([0-9]+(?:[._][0-9]+)*)$`)
	// firstVersion reads the first two parts of an upstream version.
	firstVersion = lazyregexp.New(`^(?:[0-9]+:)?([0-9]+)(?:\.([0-9]+))?`)
)

// projects are names of one project that no rule brings together.
var projects = map[string]string{
	"kernel": "linux", "kernel-source": "linux", "kernel-default": "linux", "kernel-rt": "linux", "linux-image": "linux",
	"apache2": "httpd", "bind9": "bind", "gnupg": "gnupg2", "libxml": "libxml2", "glib": "glib2", "cpython": "python",
	"mysql-community-server": "mysql", "mozilla-nss": "nss", "libtiff-devel": "tiff", "libtiff": "tiff", "libcurl": "curl",
	"eglibc": "glibc", "firefox-esr": "firefox", "db": "libdb",
}

// whole are names whose digits are no version.
var whole = map[string]bool{"libssh2": true, "libidn2": true, "imlib2": true, "python-oauth2": true, "ruby-oauth2": true, "libxml2": true, "gnupg2": true, "glib2": true, "bzip2": true, "pcre2": true, "log4j2": true, "x11": true, "h2o": true, "s3": true, "jbig2": true, "lz4": true, "e2fsprogs": true, "p11-kit": true}

// noKernel are second words of names that begin with linux and are of no
// kernel: linux-firmware, linux-atm.
var noKernel = map[string]bool{"apfs": true, "atm": true, "base": true, "firmware": true, "ftpd": true, "igd": true, "minidisc": true, "show": true, "user": true, "wlan": true}

// projectOf returns the name of the project that a package is of, as far as
// names tell: without versions in it, and without what a distribution puts
// around it.
func projectOf(name string) string {
	name = strings.ToLower(name)
	if p, ok := projects[name]; ok {
		return p
	}
	if rest, ok := strings.CutPrefix(name, "linux-"); ok {
		if first, _, _ := strings.Cut(rest, "-"); noKernel[first] {
			return name
		}
		return "linux"
	}
	name = collection.ReplaceAllString(name, "")
	if before, after, ok := strings.Cut(name, "-"); ok && digits.MatchString(before) && strings.TrimRight(before, "0123456789") == after {
		name = after // rh-python34-python
	}
	if whole[name] {
		return name
	}
	if m := digits.FindStringSubmatch(name); m != nil {
		name = strings.TrimRight(m[1], "-_.")
	}
	return cmp.Or(projects[name], name)
}

// branchOf returns the upstream branch that a package is of, "2.7": as its
// name has it, or the first two parts of a version; "" if neither tells.
func branchOf(name, version string) string {
	bare := collection.ReplaceAllString(strings.ToLower(name), "")
	if before, after, ok := strings.Cut(bare, "-"); ok && strings.TrimRight(before, "0123456789") == after {
		bare = before
	}
	if m := digits.FindStringSubmatch(bare); m != nil && !whole[bare] {
		v := strings.ReplaceAll(m[2], "_", ".")
		switch {
		case strings.Contains(v, ".") && (version == "" || hasNumber(withoutEpoch(version), v)):
			return v // that of glib2.0 is of its interface, and no branch of 2.66
		case len(v) > 1 && v[0] <= '3' && strings.HasPrefix(bare, "python"): // python39 is 3.9
			return v[:1] + "." + v[1:]
		}
	}
	if m := firstVersion.FindStringSubmatch(version); m != nil {
		if m[2] == "" {
			return m[1]
		}
		return m[1] + "." + m[2]
	}
	return ""
}

// compareBranches orders branches by their numbers.
func compareBranches(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return cmp.Compare(x, y)
		}
	}
	return 0
}
