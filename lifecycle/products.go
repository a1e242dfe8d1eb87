package lifecycle

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"wontfix"
)

//go:embed products.csv
var productsCSV string

// ProductsURL is where endoflife.date publishes what [ParseProducts] reads.
const ProductsURL = "https://endoflife.date/api/v1/products/full"

// products are the distributions by endoflife.date's names for them, with what
// their series are called here.
var products = map[string]struct {
	distribution string
	series       func(name string) string
}{
	"alpine-linux": {"alpine", func(s string) string { return "v" + s }}, "almalinux": {"almalinux", nil}, "amazon-linux": {"amzn", nil},
	"centos": {"centos", nil}, "centos-stream": {"centos", func(s string) string { return s + "-stream" }}, "debian": {"debian", nil},
	"fedora": {"fedora", nil}, "opensuse": {"opensuse-leap", nil}, "oracle-linux": {"ol", nil}, "rhel": {"rhel", nil},
	"rocky-linux": {"rocky", nil}, "sles": {"sles", nil}, "ubuntu": {"ubuntu", nil},
}

// maxProducts is more than ten times what endoflife.date publishes.
const maxProducts = 64 << 20

// Products returns the table of the distributions that number their releases,
// as endoflife.date and some of them say, that comes with the program.
var Products = sync.OnceValue(func() *Table {
	t, err := ReadTable(productsCSV)
	if err != nil {
		panic("lifecycle: products.csv: " + err.Error()) // the tests read it
	}
	return t
})

// ParseProducts reads what endoflife.date says of all products, the answer of
// its API of version 1 at [ProductsURL]. Products that are no Linux
// distribution are passed over. What it calls the end of life is the end of
// what everybody gets, the end of extended support that of the period after
// it, and the end of active support is [Release.Active]. A release that is said
// to have ended on no day, or that cannot be read, is reported, the former with
// its other dates kept. An error means that data is no such answer.
func ParseProducts(data []byte) (*Table, []wontfix.Problem, error) {
	if len(data) > maxProducts {
		return nil, nil, fmt.Errorf("%d bytes, more than the %d that such a list can have", len(data), maxProducts)
	}
	var answer struct {
		Version string `json:"schema_version"`
		Date    string `json:"generated_at"`
		Result  []struct {
			Name     string            `json:"name"`
			Releases []json.RawMessage `json:"releases"`
		} `json:"result"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, nil, fmt.Errorf("not an answer of endoflife.date: %w", err)
	}
	if major, _, _ := strings.Cut(answer.Version, "."); major != "1" || len(answer.Date) < len("2006-01-02") || len(answer.Result) == 0 {
		return nil, nil, fmt.Errorf("not an answer of endoflife.date's API of version 1: schema_version %.20q, generated_at %.20q, %d products",
			answer.Version, answer.Date, len(answer.Result))
	}
	day := wontfix.NewDate(answer.Date[:len("2006-01-02")])
	var releases []Release
	var problems []wontfix.Problem
	for _, p := range answer.Result {
		known, ok := products[p.Name]
		if !ok {
			continue
		}
		for i, raw := range p.Releases {
			problem := func(format string, args ...any) {
				problems = append(problems, wontfix.Problem{File: fmt.Sprintf("%s/%d", p.Name, i), Text: fmt.Sprintf(format, args...)})
			}
			var f productRelease
			if err := json.Unmarshal(raw, &f); err != nil || f.Name == "" || strings.ContainsAny(f.Name+f.Codename, ",\"\r\n") {
				problem("release: it cannot be read: %.80q", raw)
				continue
			}
			r := Release{
				Distribution: known.distribution, Version: f.Name, Codename: f.Codename, Series: f.Name, From: "endoflife.date",
				Released: f.date(problem, "released", f.Released, false), Active: f.date(problem, "active support", f.ActiveUntil, f.ActiveEnded),
				Standard: f.date(problem, "support", f.Until, f.Ended), Extended: f.date(problem, "extended support", f.ExtendedUntil, f.ExtendedEnded),
			}
			if known.series != nil {
				r.Series = known.series(f.Name)
				r.Version = strings.TrimPrefix(r.Series, "v")
			} else if word, _, _ := strings.Cut(f.Codename, " "); word != "" && Embedded().raw[r.Distribution] != nil {
				r.Series = strings.ToLower(word)
			}
			releases = append(releases, r)
		}
	}
	return newTable(releases, nil, day), problems, nil
}

// A productRelease is what endoflife.date says of a release.
type productRelease struct {
	Name          string `json:"name"`
	Codename      string `json:"codename"`
	Released      string `json:"releaseDate"`
	ActiveEnded   bool   `json:"isEoas"`
	ActiveUntil   string `json:"eoasFrom"`
	Ended         bool   `json:"isEol"`
	Until         string `json:"eolFrom"`
	ExtendedEnded bool   `json:"isEoes"`
	ExtendedUntil string `json:"eoesFrom"`
}

func (*productRelease) date(problem func(string, ...any), what, s string, ended bool) wontfix.Date {
	d := wontfix.NewDate(s)
	switch {
	case d.IsZero() && s != "":
		problem("%s: %.20q is not a date; want YYYY-MM-DD", what, s)
	case d.IsZero() && ended:
		problem("%s: it has ended, and on no day that is named", what)
	}
	return d
}

// Of returns the dates of a release: those of [Embedded] or, where it does not
// have it, those of later, a table that [ParseProducts] made and that may be nil,
// or of [Products], whichever is of a later day. The release may be a minor one:
// RHEL's 9.4 is 9. What a distribution says itself outranks what others say.
func Of(release wontfix.Release, later *Table) (Release, bool) {
	d, series := release.Distribution, release.Series
	if r, ok := Embedded().Lookup(d, series); ok {
		return r, true
	}
	tables := []*Table{Products()}
	if later != nil && !later.data.Before(Products().data.Time) {
		tables = []*Table{later, Products()}
	}
	for _, t := range tables {
		if r, ok := t.Lookup(d, series); ok {
			return r, true
		}
	}
	for _, t := range tables {
		if strings.HasSuffix(series, "-stream") {
			break
		}
		if r, ok := t.ByVersion(d, strings.TrimPrefix(series, "v")); ok {
			return r, true
		}
	}
	return Release{}, false
}
