// Package lifecycle knows when the releases of distributions came out and when
// each period of their support ends.
//
// The dates are data, not code. Of Ubuntu and Debian, releases.csv holds the
// facts of the distributions' own distro-info-data package, corrections.csv
// what has been announced since ([Embedded]); of those that number their
// releases, products.csv holds what endoflife.date says, and the projects that
// it does not cover ([Products]). All are embedded and dated. The package reads
// no file: the caller passes the bytes of a machine's own table to [Parse], or
// of a later answer of endoflife.date to [ParseProducts].
package lifecycle

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// A Release is one series of a distribution with its dates. A zero date is one
// that is not known or does not exist.
type Release struct {
	Distribution string // "ubuntu"
	Version      string // "14.04 LTS", as the distribution writes it; "" for a series that is never released, such as sid
	Codename     string // "Trusty Tahr"
	Series       string // "trusty"

	Created  wontfix.Date // when work on it began: the release of its predecessor
	Released wontfix.Date
	Active   wontfix.Date // last day on which more is mended than what is grave: of RHEL's full support
	Standard wontfix.Date // last day of what everybody gets: the later of Ubuntu's eol and eol-server
	Extended wontfix.Date // last day of Ubuntu's ESM, of Debian's LTS, of RHEL's ELS, of SUSE's LTSS
	Legacy   wontfix.Date // last day of Ubuntu's Legacy support, of Debian's ELTS

	From string // where the dates come from
}

// Support returns the release's dates in the form that a machine shows them.
func (r Release) Support() wontfix.Support {
	return wontfix.Support{
		Version:  r.Version,
		Codename: r.Codename,
		Released: r.Released,
		Active:   r.Active,
		Standard: r.Standard,
		Extended: r.Extended,
		Legacy:   r.Legacy,
		From:     r.From,
	}
}

// dates returns the cells that a later table can fill or change.
func (r *Release) dates() []*wontfix.Date {
	return []*wontfix.Date{&r.Created, &r.Released, &r.Active, &r.Standard, &r.Extended, &r.Legacy}
}

// A correction replaces one date of one release.
type correction struct {
	distribution, series string
	column               string // name of the column in releases.csv
	was, is              wontfix.Date
	source               string
}

// A Table has the releases of one or more distributions. It does not change
// once made and may be used by several goroutines.
type Table struct {
	releases    map[string][]Release // by distribution, oldest first, corrected
	raw         map[string][]Release // the same before correction
	places      map[place]int        // of a series among its distribution's releases
	corrections []correction
	data        wontfix.Date
}

type place struct{ distribution, series string }

func newTable(releases []Release, corrections []correction, data wontfix.Date) *Table {
	t := &Table{
		releases:    make(map[string][]Release),
		raw:         make(map[string][]Release),
		places:      make(map[place]int),
		corrections: corrections,
		data:        data,
	}
	for _, r := range releases {
		t.raw[r.Distribution] = append(t.raw[r.Distribution], r)
	}
	for d, rs := range t.raw {
		slices.SortStableFunc(rs, compare)
		t.releases[d] = correct(rs, corrections)
		for i := len(rs) - 1; i >= 0; i-- {
			t.places[place{d, rs[i].Series}] = i
		}
	}
	return t
}

// correct returns the releases with the corrections applied that still hold.
func correct(releases []Release, corrections []correction) []Release {
	out := slices.Clone(releases)
	for _, c := range corrections {
		i := slices.IndexFunc(out, func(r Release) bool {
			return r.Distribution == c.distribution && r.Series == c.series
		})
		if i < 0 {
			continue
		}
		cell := out[i].cell(c.column)
		if cell != nil && (cell.IsZero() || cell.Equal(c.was.Time)) {
			*cell = c.is
			out[i].From += "; " + c.column + ": " + c.source
		}
	}
	return out
}

// cell returns the date of a column of releases.csv, or nil if it has no such
// column.
func (r *Release) cell(column string) *wontfix.Date {
	if i := slices.Index(dateColumns, column); i >= 0 {
		return r.dates()[i]
	}
	return nil
}

// Data returns the day of the embedded data. A table that [Parse] made has
// none and returns the zero Date; [Table.With] keeps the day of the table that
// it is called on.
func (t *Table) Data() wontfix.Date { return t.data }

// Distributions returns the names of the distributions in the table, sorted.
func (t *Table) Distributions() []string {
	names := make([]string, 0, len(t.releases))
	for d := range t.releases {
		names = append(names, d)
	}
	slices.Sort(names)
	return names
}

// Releases returns the series of a distribution, oldest first. Series without
// a version, such as Debian's sid, come last.
func (t *Table) Releases(distribution string) []Release {
	return slices.Clone(t.releases[distribution])
}

// Lookup returns the release with a series name: "trusty".
func (t *Table) Lookup(distribution, series string) (Release, bool) {
	if i := t.index(distribution, series); i >= 0 {
		return t.releases[distribution][i], true
	}
	return Release{}, false
}

// ByVersion returns the release with a version as os-release and
// debian_version write it. Point releases belong to their release: "14.04.5"
// is 14.04, Debian's "8.11" is 8.
func (t *Table) ByVersion(distribution, version string) (Release, bool) {
	version, _, _ = strings.Cut(strings.TrimSpace(version), " ")
	for version != "" {
		for _, r := range t.releases[distribution] {
			if v, _, _ := strings.Cut(r.Version, " "); v == version {
				return r, true
			}
		}
		version = version[:max(strings.LastIndexByte(version, '.'), 0)]
	}
	return Release{}, false
}

// Older reports whether series a came before series b. It is false if the
// table does not know both, or if either has no version.
func (t *Table) Older(distribution, a, b string) bool {
	i, j := t.index(distribution, a), t.index(distribution, b)
	if i < 0 || j < 0 {
		return false
	}
	rs := t.releases[distribution]
	return i < j && rs[i].Version != "" && rs[j].Version != ""
}

// Next returns the series that follows another: utopic after trusty. It
// reports false if the table does not know the series or has none after it.
func (t *Table) Next(distribution, series string) (string, bool) {
	i := t.index(distribution, series)
	rs := t.releases[distribution]
	if i < 0 || i+1 >= len(rs) || rs[i].Version == "" || rs[i+1].Version == "" {
		return "", false
	}
	return rs[i+1].Series, true
}

func (t *Table) index(distribution, series string) int {
	if i, ok := t.places[place{distribution, series}]; ok {
		return i
	}
	return -1
}

// With returns a table in which, for each distribution, the newer of t and
// other has won as a whole. other is newer if it has a series that t lacks, or
// if it has all series and dates of t and besides one more date, or a later
// one and none that is earlier. Corrections that t holds are applied to what
// other says wherever other does not contradict what they correct.
func (t *Table) With(other *Table) *Table {
	if other == nil {
		return t
	}
	var all []Release
	for d, rs := range t.raw {
		if !newer(other.raw[d], rs) {
			all = append(all, rs...)
		}
	}
	for d, rs := range other.raw {
		if newer(rs, t.raw[d]) {
			all = append(all, rs...)
		}
	}
	return newTable(all, t.corrections, t.data)
}

// newer reports whether a knows more than b.
func newer(a, b []Release) bool {
	find := func(rs []Release, series string) int {
		return slices.IndexFunc(rs, func(r Release) bool { return r.Series == series })
	}
	for i := range a {
		if find(b, a[i].Series) < 0 {
			return true
		}
	}
	more, later := false, false
	for i := range b {
		j := find(a, b[i].Series)
		if j < 0 {
			return false
		}
		as, bs := a[j].dates(), b[i].dates()
		for k := range bs {
			switch {
			case as[k].Before(bs[k].Time): // also if a has none
				return false
			case bs[k].IsZero() && !as[k].IsZero():
				more = true
			case as[k].After(bs[k].Time):
				later = true
			}
		}
	}
	return more || later
}

// compare orders releases: by the day on which work on them began, then by
// version; those without a version last, by name.
func compare(a, b Release) int {
	if c := cmp.Compare(unversioned(a), unversioned(b)); c != 0 {
		return c
	}
	if a.Version == "" {
		return cmp.Compare(a.Series, b.Series)
	}
	return cmp.Or(a.Created.Compare(b.Created.Time), compareVersions(a.Version, b.Version), cmp.Compare(a.Series, b.Series))
}

func unversioned(r Release) int {
	if r.Version == "" {
		return 1
	}
	return 0
}

// compareVersions compares the numbers between the dots of two release
// versions. What is no number counts as 0.
func compareVersions(a, b string) int {
	numbers := func(s string) (n []uint64) {
		s, _, _ = strings.Cut(s, " ")
		for part := range strings.SplitSeq(s, ".") {
			v, _ := strconv.ParseUint(part, 10, 32)
			n = append(n, v)
		}
		return n
	}
	return slices.Compare(numbers(a), numbers(b))
}
