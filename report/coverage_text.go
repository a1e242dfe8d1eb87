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

// unwatchedText says what each kind of package that no tracker follows is.
var unwatchedText = []struct{ kind, phrase, title string }{
	{"local", "in no archive", "No archive offers these in any version: nobody sends updates for them"},
	{"superseded", "superseded", "No archive offers these in the version that is installed"},
	{"third-party", "third-party", "These come from third parties: the distribution does not watch them"},
}

// coverage writes what the machine alone can say, without a tracker: what its
// release, its package lists and its changelogs tell about its support.
func (t *scanText) coverage() {
	c := t.s.Coverage
	t.para(0, strong("What this machine's own files say"), text(" about who still fixes its packages:"))
	t.blank()
	upgradable, security := len(c.Upgradable), securityUpgrades(c.Upgradable)
	switch {
	case len(c.Archives) == 0:
		t.label("Updates", text("not known: the machine holds no package lists"))
	case upgradable == 0 && t.listsIncomplete():
		t.label("Updates", text("not known: the package lists of the machine are not complete"))
	case upgradable == 0:
		t.label("Updates", in(styleAvailable, "none waiting"), text(" in "+count(len(c.Archives), "package list")+listAge(c.Archives, t.s.Time)))
	default:
		t.label("Updates", strong(count(upgradable, "package")+" can be upgraded"), text(fmt.Sprintf(", %d from a security pocket, by %s%s",
			security, count(len(c.Archives), "package list"), listAge(c.Archives, t.s.Time))))
	}
	if len(c.Components) > 0 {
		t.label("From", text(componentText(c.Components)))
	}
	if n := len(c.Unwatched); n > 0 {
		t.label("Unwatched", text(count(n, "package")+unwatchedKinds(c.Unwatched)))
	}
	for _, n := range noticeCounts(c.Notices) {
		t.label("Notices", text(n))
	}
	if len(c.Backports) > 0 {
		ids := map[string]bool{}
		for _, b := range c.Backports {
			for _, id := range b.IDs {
				ids[id] = true
			}
		}
		name := "vulnerabilities"
		if len(ids) == 1 {
			name = "vulnerability"
		}
		t.label("Fixed here", text(fmt.Sprintf("%d %s, by the changelogs of %s", len(ids), name, count(len(c.Backports), "source package"))))
	}
	t.upgrades()
	t.notices()
	t.unwatched()
}

// upgrades lists what can be upgraded, security pockets first.
func (t *scanText) upgrades() {
	list := slices.Clone(t.s.Coverage.Upgradable)
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b wontfix.Upgrade) int {
		return cmp.Or(cmp.Compare(pocketRank(a), pocketRank(b)), strings.Compare(a.Source, b.Source), strings.Compare(a.Name, b.Name))
	})
	t.blank()
	t.rule(strong("Can be upgraded now"), dim(" · "+count(len(list), "package")))
	rows := upgradeRows(list)
	nameWidth, versionWidth := 0, 0
	for _, r := range rows {
		nameWidth = max(nameWidth, min(columns(Clean(r.name)), t.width/3))
		versionWidth = max(versionWidth, min(columns(Clean(r.Version)), t.width/3))
	}
	shown := 0
	for i, r := range rows {
		if t.limit > 0 && i == t.limit {
			t.more(len(list)-shown, "package")
			break
		}
		shown += r.packages
		spans := []span{text("→ "), strong(r.Offer.Version)}
		if r.Held {
			spans = append(spans, text(" on hold"))
		}
		st := plain
		if pocketRank(r.Upgrade) == 0 {
			st = styleAvailable
		}
		spans = append(spans, gap, in(st, pocketName(r.Offer.Archive)))
		if r.packages > 1 {
			spans = append(spans, gap, dim("×"+strconv.Itoa(r.packages)))
		}
		t.row(2, []field{{text(r.name), nameWidth + 1}, {dim(r.Version), versionWidth + 1}}, spans...)
	}
}

// An upgradeRow is the binary packages of one source that go from one version
// to another together.
type upgradeRow struct {
	wontfix.Upgrade
	name     string // of the package, or of the source if there are several
	packages int
}

func upgradeRows(list []wontfix.Upgrade) []upgradeRow {
	var rows []upgradeRow
	for _, u := range list {
		if n := len(rows) - 1; n >= 0 {
			r := &rows[n]
			if r.Source == u.Source && r.Version == u.Version && r.Held == u.Held && r.Offer.Version == u.Offer.Version && pocketName(r.Offer.Archive) == pocketName(u.Offer.Archive) {
				r.name, r.packages = u.Source, r.packages+1
				continue
			}
		}
		rows = append(rows, upgradeRow{u, u.Name, 1})
	}
	return rows
}

// pocketName names the place of an upgrade as shortly as can be.
func pocketName(a *wontfix.Archive) string {
	if a == nil {
		return ""
	}
	return cmp.Or(a.Pocket(), a.Suite, archiveName(a))
}

// more writes how many rows a limit has cut off a list.
func (p *page) more(n int, noun string) {
	p.para(2, strong(count(n, "more "+noun)+" not shown"), text(": --limit 0 lists all, -f json holds all."))
}

// notices lists what the distribution says about the support of packages.
func (t *scanText) notices() {
	list := t.s.Coverage.Notices
	if len(list) == 0 {
		return
	}
	t.blank()
	t.rule(strong("The distribution's own notices"))
	for i, n := range list {
		if t.limit > 0 && i == t.limit {
			t.more(len(list)-i, "notice")
			break
		}
		spans := []span{strong(n.Source), text(": support " + n.Kind)}
		if !n.Since.IsZero() {
			spans = append(spans, text(" since "+n.Since.String()))
		}
		if n.Text != "" {
			spans = append(spans, gap, quote(n.Text))
		}
		spans = append(spans, gap, dim(n.File+":"+strconv.Itoa(n.Line)))
		t.flow(2, 4, spans)
	}
}

// unwatched lists the packages that no tracker follows, by kind and archive.
func (t *scanText) unwatched() {
	for _, k := range unwatchedText {
		byPlace := map[string][]string{}
		var places []string
		for _, u := range t.s.Coverage.Unwatched {
			if u.Kind != k.kind {
				continue
			}
			place := ""
			if u.Archive != nil {
				place = archiveName(u.Archive)
			}
			if byPlace[place] == nil {
				places = append(places, place)
			}
			byPlace[place] = append(byPlace[place], u.Name+" "+u.Version)
		}
		if places == nil {
			continue
		}
		slices.Sort(places)
		t.blank()
		t.para(0, strong(k.title))
		left := t.limit
		for _, place := range places {
			list := byPlace[place]
			n := len(list)
			if t.limit > 0 {
				n = min(n, left)
				left -= n
			}
			if n > 0 {
				var spans []span
				if place != "" {
					spans = []span{dim(place + ": ")}
				}
				t.flow(2, 4, append(spans, text(strings.Join(list[:n], ", "))))
			}
			if n < len(list) {
				t.more(len(list)-n, "package")
			}
		}
	}
}

// pocketRank is 0 for an upgrade from a security pocket, and 1 for any other.
func pocketRank(u wontfix.Upgrade) int {
	if u.Offer.Archive != nil && strings.HasSuffix(u.Offer.Archive.Pocket(), "security") {
		return 0
	}
	return 1
}

func securityUpgrades(list []wontfix.Upgrade) (n int) {
	for _, u := range list {
		n += 1 - pocketRank(u)
	}
	return n
}

func kindCount(list []wontfix.Unwatched, kind string) (n int) {
	for _, u := range list {
		if u.Kind == kind {
			n++
		}
	}
	return n
}

// unwatchedKinds writes the counts of each kind in brackets.
func unwatchedKinds(list []wontfix.Unwatched) string {
	var parts []string
	for _, k := range unwatchedText {
		if n := kindCount(list, k.kind); n > 0 {
			parts = append(parts, strings.ReplaceAll(k.phrase, " ", nbsp)+nbsp+strconv.Itoa(n))
		}
	}
	if parts == nil {
		return ""
	}
	return ": " + strings.Join(parts, " · ")
}

// noticeCounts says how many source packages the distribution has given up or
// limited, and which.
func noticeCounts(list []wontfix.Notice) (lines []string) {
	names := map[string][]string{}
	for _, n := range list {
		if !slices.Contains(names[n.Kind], n.Source) {
			names[n.Kind] = append(names[n.Kind], n.Source)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(names)) {
		lines = append(lines, fmt.Sprintf("support %s for %s: %s", kind, count(len(names[kind]), "source package"), some(names[kind], 50)))
	}
	return lines
}

func componentText(list []wontfix.Components) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = strings.TrimSpace(c.Origin+nbsp+c.Component) + nbsp + strconv.Itoa(c.Packages)
	}
	return strings.Join(parts, " · ")
}

// listsIncomplete reports whether the scan says that package lists are missing,
// so that an update may be out without any list telling.
func (t *scanText) listsIncomplete() bool {
	return slices.ContainsFunc(t.s.Unsaid, func(u wontfix.Unsaid) bool { return u.Command == "apt-get update" })
}

// listAge says of when the newest package list is, where its date can be read.
func listAge(list []wontfix.Archive, now time.Time) string {
	var newest time.Time
	for _, a := range list {
		for _, form := range []string{time.RFC1123, time.RFC1123Z, "Mon, _2 Jan 2006 15:04:05 MST", "Mon, _2 Jan 2006 15:04:05 -0700"} {
			if d, err := time.Parse(form, a.Date); err == nil {
				if d.After(newest) {
					newest = d
				}
				break
			}
		}
	}
	switch {
	case newest.IsZero():
		return ""
	case now.IsZero():
		return " of " + newest.UTC().Format(time.DateOnly)
	}
	return " of " + newest.UTC().Format(time.DateOnly) + ", " + period(newest, now) + " old"
}
