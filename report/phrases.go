package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"wontfix"
)

// priorities are the words of urgency, most urgent first.
var priorities = []string{"critical", "high", "medium", "low", "negligible", "untriaged"}

// count writes a number with its noun: "1 package", "2 vulnerabilities", "0 days".
func count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay"):
		noun = noun[:len(noun)-1] + "ies"
	default:
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// counts writes a map of counts as "word 3 · other 1": in the given order and
// then by name, or, if order is nil, greatest first.
func counts(by map[string]int, order []string, word func(string) string) string {
	keys := slices.Collect(maps.Keys(by))
	slices.SortFunc(keys, func(a, b string) int {
		if order == nil {
			return cmp.Or(cmp.Compare(by[b], by[a]), strings.Compare(a, b))
		}
		return cmp.Or(rank(order, a)-rank(order, b), strings.Compare(a, b))
	})
	var parts []string
	for _, k := range keys {
		if by[k] != 0 {
			parts = append(parts, strings.ReplaceAll(word(k), " ", nbsp)+nbsp+strconv.Itoa(by[k]))
		}
	}
	return strings.Join(parts, " · ")
}

// rank returns the place of s in order; what is not in it comes last.
func rank(order []string, s string) int {
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

// plainWord returns a word of a closed list for reading: without hyphens.
func plainWord(s string) string {
	if s == "" {
		return "none"
	}
	return strings.ReplaceAll(s, "-", " ")
}

func reasonList(words []string) string {
	phrases := make([]string, len(words))
	for i, w := range words {
		phrases[i] = ReasonPhrase(w)
	}
	return strings.Join(phrases, ", ")
}

// some writes as many of list as fit into n columns, at least one, and how many
// more there are.
func some(list []string, n int) string {
	out := ""
	for i, s := range list {
		next := s
		if i > 0 {
			next = out + ", " + s
		}
		more := fmt.Sprintf(" and %d more", len(list)-i-1)
		if i == len(list)-1 {
			more = ""
		}
		if i > 0 && columns(Clean(next))+len(more) > n {
			return out + fmt.Sprintf(" and %d more", len(list)-i)
		}
		out = next
	}
	return out
}

// year returns the year of a date YYYY-MM-DD, or "".
func year(date string) string {
	if len(date) < 4 {
		return ""
	}
	return date[:4]
}

// period returns the time between two moments in the largest unit that says
// enough, with a no-break space.
func period(from, to time.Time) string {
	return strings.ReplaceAll(elapsed(from, to), " ", nbsp)
}

func elapsed(from, to time.Time) string {
	if to.Before(from) {
		from, to = to, from
	}
	days := int(to.Sub(from).Hours() / 24)
	if days < 60 {
		return count(days, "day")
	}
	from, to = from.UTC(), to.UTC()
	months := (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	if to.Day() < from.Day() {
		months--
	}
	if months < 24 {
		return count(months, "month")
	}
	return count(months/12, "year")
}

// supportPeriods names the periods of support that a distribution has, and the
// product that the second and third need.
var supportPeriods = map[string]struct {
	names    [3]string
	products [3]string
}{
	"ubuntu": {[3]string{"standard support", "ESM", "Legacy"}, [3]string{"", "esm-infra", "esm-infra-legacy"}},
	"debian": {[3]string{"security support", "LTS", "ELTS (paid)"}, [3]string{}},
	"rhel":   {[3]string{"support", "ELS", ""}, [3]string{"", "els", ""}},
	"sles":   {[3]string{"general support", "LTSS", ""}, [3]string{"", "ltss", ""}},
	"ol":     {[3]string{"Premier Support", "Extended Support (paid)", ""}, [3]string{}},
}

// supportSpans says for each period of support of the machine's release when it
// ends or ended.
func supportSpans(m *wontfix.Machine, now time.Time) (spans []span) {
	words, ok := supportPeriods[m.Base.Distribution]
	if !ok {
		words.names = [3]string{"standard support", "extended support", "legacy support"}
	}
	if a := m.Support.Active; !a.IsZero() && a.Before(m.Support.Standard.Time) {
		until := " until "
		if a.Past(now) && !now.IsZero() {
			until = " ended "
		}
		spans = append(spans, text("full support"+until+a.String()))
	}
	last := wontfix.Date{}
	for i, end := range []wontfix.Date{m.Support.Standard, m.Support.Extended, m.Support.Legacy} {
		if end.IsZero() || i > 0 && !end.After(last.Time) {
			continue
		}
		last = end
		if spans != nil {
			spans = append(spans, text(" · "))
		}
		switch {
		case end.Past(now) && !now.IsZero():
			spans = append(spans, text(words.names[i]+" "), in(styleNever, "ended "+end.String()))
			if i == 0 {
				spans = append(spans, text(", "+period(end.Time, now)+" ago"))
			}
			continue
		case now.IsZero():
			spans = append(spans, text(words.names[i]+" until "+end.String()))
		default:
			spans = append(spans, text(words.names[i]+" until "), in(styleAvailable, end.String()), text(", "+period(now, end.Time)+" left"))
		}
		if p := words.products[i]; p != "" && slices.Contains(m.Products, p) {
			spans = append(spans, text(" (on)"))
		} else if p != "" {
			spans = append(spans, text(" ("), strong("off"+nbsp+"here"), text(")"))
		}
	}
	if spans == nil {
		spans = []span{text("the dates of this release are not known")}
	}
	return spans
}

// systemName names the operating system as its owner knows it, with the series.
func systemName(m *wontfix.Machine) string {
	name := m.OS.PrettyName
	if name == "" {
		name = strings.TrimSpace(m.OS.Name + " " + m.OS.VersionID)
	}
	if name == "" {
		name = m.Release.String()
	}
	if name == "" {
		return "release unknown"
	}
	if s := m.Release.Series; s != "" && !strings.Contains(strings.ToLower(name), strings.ToLower(s)) {
		name += " (" + s + ")"
	}
	return name
}

func kernelText(k wontfix.Kernel) string {
	others := slices.DeleteFunc(slices.Clone(k.Installed), func(s string) bool { return s == k.Running })
	switch {
	case k.Running != "" && len(others) > 0:
		return "running " + k.Running + "; also installed: " + strings.Join(others, ", ")
	case k.Running != "":
		return "running " + k.Running
	case len(others) > 0:
		return "installed: " + strings.Join(others, ", ")
	}
	return ""
}

// shortRevision cuts a commit id to what is enough to find it.
func shortRevision(s string) string {
	if len(s) == 40 || len(s) == 64 {
		return s[:12]
	}
	return s
}

// staleAfter is the age from which a tracker's age is pointed out.
const staleAfter = 7 * 24 * time.Hour

func trackerSpans(t wontfix.Tracker, now time.Time) []span {
	spans := []span{text(cmp.Or(t.Title, t.Name))}
	if t.Revision != "" {
		spans = append(spans, text(" at "+shortRevision(t.Revision)))
	}
	if t.Time.IsZero() {
		return spans
	}
	spans = append(spans, text(" of "+t.Time.UTC().Format(time.DateOnly)))
	if now.IsZero() {
		return spans
	}
	age := span{", " + period(t.Time, now) + " old", plain}
	if now.Sub(t.Time) > staleAfter {
		age.style = styleWait
	}
	return append(spans, age)
}

// statementSpans writes a row as its tracker has it: word and detail, with the
// release where it is another than the reader expects.
func statementSpans(r wontfix.Row, release string) (spans []span) {
	if r.Release != "" && r.Release != release && release != "" {
		spans = append(spans, dim(r.Release+": "))
	}
	spans = append(spans, text(statusWord(r.Status)))
	if r.Detail != "" {
		spans = append(spans, text(" ("+r.Detail+")"))
	}
	return spans
}

// statusWord writes a tracker's word for the status. Debian's is the version
// with the fix, where there is one.
func statusWord(s string) string {
	if isVersion(s) {
		return "fixed in " + s
	}
	return s
}

// isVersion reports whether a word is a version: no tracker has a word that
// begins with a digit.
func isVersion(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// place writes where a row stands.
func place(r wontfix.Row) string {
	if r.Line == 0 {
		return r.File
	}
	return r.File + ":" + strconv.Itoa(r.Line)
}

// archiveName writes a part of an archive: suite, component, and whose it is.
func archiveName(a *wontfix.Archive) string {
	if a == nil {
		return "an archive"
	}
	name := strings.Trim(cmp.Or(a.Suite, a.Codename)+"/"+a.Component, "/")
	if name == "" {
		name = cmp.Or(a.Site, a.File)
	}
	if o := cmp.Or(a.Origin, a.Label); o != "" {
		name += " (" + o + ")"
	}
	return name
}

// publishers are those whose name is not just that of their tracker.
var publishers = map[string]string{
	"redhat": "Red Hat", "suse": "SUSE", "almalinux": "AlmaLinux", "rocky": "Rocky Linux", "azurelinux": "Azure Linux", "arch": "Arch Linux", "photon": "Photon OS", "openvex": "OpenVEX documents", "csaf": "CSAF documents", "cyclonedx": "CycloneDX documents", "openssl": "OpenSSL",
	"ubuntu-vex": "Ubuntu (VEX)", "ubuntu-api": "Ubuntu (API)", "ubuntu-osv": "Ubuntu (OSV)", "debian-osv": "Debian (OSV)", "redhat-osv": "Red Hat (OSV)", "suse-osv": "SUSE (OSV)",
	"ubuntu-oval": "Ubuntu (OVAL)", "debian-oval": "Debian (OVAL)", "redhat-oval": "Red Hat (OVAL)", "suse-oval": "SUSE (OVAL)", "photon-oval": "Photon OS (OVAL)",
	"almalinux-errata": "AlmaLinux (errata)", "rocky-errata": "Rocky Linux (errata)", "launchpad": "Launchpad", "cve": "CVE record", "nvd": "NVD",
}

// publisher names who runs a tracker: "Ubuntu".
func publisher(name string) string {
	if name == "" {
		return "The tracker"
	}
	if p, ok := publishers[name]; ok {
		return p
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// A findingGroup is the findings of one source package with one outlook.
type findingGroup struct {
	outlook  wontfix.Outlook
	findings []*wontfix.Finding
}

// group gathers findings by outlook, source package and version. Groups and
// their findings keep the order of the list, which puts the weightiest first;
// only outlooks are put in order.
func group(list []wontfix.Finding) []findingGroup {
	type key struct {
		outlook wontfix.Outlook
		source  string
		version string
	}
	var groups []findingGroup
	place := map[key]int{}
	for i := range list {
		f := &list[i]
		k := key{f.Outlook, f.Source, f.SourceVersion}
		n, ok := place[k]
		if !ok {
			n = len(groups)
			place[k], groups = n, append(groups, findingGroup{outlook: f.Outlook})
		}
		groups[n].findings = append(groups[n].findings, f)
	}
	slices.SortStableFunc(groups, func(x, y findingGroup) int { return cmp.Compare(x.outlook, y.outlook) })
	return groups
}

// timeOf returns the time that a scan is of: ages are counted from there.
func timeOf(s *wontfix.Scan) time.Time {
	if !s.AsOf.IsZero() {
		return s.AsOf
	}
	return s.Time
}
