package ubuntu

import (
	_ "embed"
	"encoding/csv"
	"strings"
	"sync"

	"wontfix"
	"wontfix/lifecycle"
)

//go:embed products.csv
var productsCSV string

// A product is a row of products.csv.
type product struct {
	name         string
	forms        []string // spellings, S for the series
	covers, paid string
}

var products = sync.OnceValue(func() []product {
	r := csv.NewReader(strings.NewReader(productsCSV))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		panic("products.csv: " + err.Error()) // it is part of the program
	}
	var list []product
	for _, row := range rows[1:] {
		p := product{name: row[0], forms: []string{row[1]}, covers: row[3], paid: row[4]}
		if row[2] != "" {
			p.forms = append(p.forms, row[2])
		}
		list = append(list, p)
	}
	return list
})

// rosSeries are the names of releases of ROS in the tracker, with the series
// that each runs on.
var rosSeries = map[string]string{"kinetic": "xenial", "melodic": "bionic"}

// formerLabels are releases of old files that nobody runs and that the
// tracker's loader no longer knows: kernels of phones, and Debian's. Any other
// unknown label may be a release newer than this program, and is kept.
var formerLabels = []string{"product", "sid"}

// Products returns the names of all products that need a subscription.
func Products() []string {
	var names []string
	for _, p := range products() {
		if p.paid == "yes" && (len(names) == 0 || names[len(names)-1] != p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Labels returns all spellings under which the tracker may speak of a series:
// the series itself, its products, and the series under development, which a
// statement's DevelOf dates.
func Labels(series string) []string {
	labels := []string{series, "devel", "ubuntu/" + series}
	for _, p := range products() {
		for _, form := range p.forms {
			labels = append(labels, strings.Replace(form, "S", series, 1))
		}
	}
	for ros, s := range rosSeries {
		if s == series {
			labels = append(labels, "ros-esm/"+ros)
		}
	}
	return labels
}

// labelCache keeps what parseLabel has found: a tracker has some sixty labels
// and millions of status lines.
var labelCache sync.Map // string -> labelled

type labelled struct {
	release wontfix.Release
	known   bool
}

// parseLabel reads the tracker's spelling of a release. An unknown one is kept
// as the series of a release of its own.
func parseLabel(label string) (release wontfix.Release, known bool) {
	if v, ok := labelCache.Load(label); ok {
		l := v.(labelled)
		return l.release, l.known
	}
	release, known = readLabel(label)
	if known {
		labelCache.Store(strings.Clone(label), labelled{release, known})
	}
	return release, known
}

func readLabel(label string) (wontfix.Release, bool) {
	label = strings.Clone(label)
	switch label {
	case "upstream", "snap":
		return wontfix.Release{Distribution: label}, true
	case "devel":
		return wontfix.Release{Distribution: "ubuntu", Series: label}, true
	}
	series := strings.TrimPrefix(label, "ubuntu/")
	if isSeries(series) {
		return wontfix.Release{Distribution: "ubuntu", Series: series}, true
	}
	for _, p := range products() {
		for _, form := range p.forms {
			series, ok := fit(form, label)
			if !ok {
				continue
			}
			if s := rosSeries[series]; s != "" && p.name == "ros-esm" {
				series = s
			} else if !isSeries(series) {
				continue
			}
			return wontfix.Release{Distribution: "ubuntu", Series: series, Product: p.name}, true
		}
	}
	return wontfix.Release{Distribution: "ubuntu", Series: strings.ReplaceAll(label, "/", "-")}, false
}

func isSeries(s string) bool {
	_, ok := lifecycle.Embedded().Lookup("ubuntu", s)
	return ok
}

// fit returns what stands in label where form has S.
func fit(form, label string) (string, bool) {
	before, after, _ := strings.Cut(form, "S")
	if len(label) <= len(before)+len(after) {
		return "", false
	}
	label, ok := strings.CutPrefix(label, before)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(label, after)
}
