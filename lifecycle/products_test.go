package lifecycle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// TestProductsGenerated makes the rows of products.csv that come from
// endoflife.date anew from its pages. With -update it writes them.
func TestProductsGenerated(t *testing.T) {
	rows := Products().raw
	var releases []Release
	for d := range rows {
		for _, r := range rows[d] {
			if r.From != "endoflife.date" {
				releases = append(releases, r)
			}
		}
	}
	field := regexp.MustCompile(`(?m)^(?:  - |    )(releaseCycle|releaseDate|eoas|eol|eoes): *"?([^"\n]*?)"?\s*(?:#.*)?$`)
	for name, known := range products {
		if Embedded().raw[known.distribution] != nil || rows[known.distribution] != nil && rows[known.distribution][0].From != "endoflife.date" {
			continue
		}
		if name == "fedora" { // no page of it is in the corpus
			continue
		}
		page, err := os.ReadFile(testkit.Corpus(t, filepath.Join("vendors/endoflife-date", name+".md")))
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(page), "\nreleases:\n")
		list, _, _ = strings.Cut(list, "\n---")
		for _, one := range strings.Split("\n"+list, "\n  - ")[1:] {
			r := Release{Distribution: known.distribution, From: "endoflife.date"}
			for _, m := range field.FindAllStringSubmatch("  - "+one, -1) {
				d := wontfix.NewDate(m[2])
				switch m[1] {
				case "releaseCycle":
					r.Version, r.Series = m[2], m[2]
					if known.series != nil {
						r.Series = known.series(m[2])
					}
				case "releaseDate":
					r.Released = d
				case "eoas":
					r.Active = d
				case "eol":
					r.Standard = d
				case "eoes":
					r.Extended = d
				}
			}
			releases = append(releases, r)
		}
	}
	comment, _, _ := strings.Cut(strings.TrimPrefix(productsCSV, "# "), ";")
	got := newTable(releases, nil, Products().data).Text(comment)
	if *update {
		if err := os.WriteFile("products.csv", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != productsCSV {
		t.Error("products.csv differs from what the pages of endoflife.date say; run go test -run ProductsGenerated -update")
	}
}

func answer(releases string) []byte {
	return []byte(`{"schema_version": "1.2.0", "generated_at": "2026-11-20T00:00:00+00:00", "result": [{"name": "rhel", "releases": [` + releases + `]}]}`)
}

// TestMapping has each way in which endoflife.date says that a period ends.
func TestMapping(t *testing.T) {
	text, err := os.ReadFile("testdata/mapping.tsv")
	testkit.Must(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		f := append(strings.Split(line, "\t"), "")
		table, problems, err := ParseProducts(answer(`{"name": "9", "codename": null, "releaseDate": "2022-05-17", ` + f[4] + `}`))
		if err != nil {
			t.Fatal(line, err)
		}
		r, ok := table.Lookup("rhel", "9")
		if !ok || r.Released.String() != "2022-05-17" {
			t.Fatalf("%s: release 9: %+v %v", line, r, ok)
		}
		var got []string
		for i, d := range r.dates()[2:] {
			if !d.IsZero() {
				got = append(got, dateColumns[2+i]+"="+d.String())
			}
		}
		for _, p := range problems {
			got = append(got, p.Text)
		}
		if s := strings.Join(got, " "); s != f[5] {
			t.Errorf("%s: got %s, want %s", f[4], s, f[5])
		}
	}
}

// TestProducts reads what endoflife.date published: its dates of Ubuntu agree
// with the distribution's own but for what is listed.
func TestProducts(t *testing.T) {
	data, err := os.ReadFile(testkit.Corpus(t, "vendors/endoflife-date/products-full.json"))
	testkit.Must(t, err)
	table, problems, err := ParseProducts(data)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if got := table.Distributions(); len(got) != 1 || got[0] != "ubuntu" || table.Data().String() != "2025-07-02" {
		t.Fatalf("distributions %v of %s", got, table.Data())
	}
	n := 0
	for _, r := range table.Releases("ubuntu") {
		own, ok := Embedded().Lookup("ubuntu", r.Series)
		if !ok {
			t.Errorf("%s (%s) is no series of Ubuntu", r.Series, r.Version)
			continue
		}
		if d := r.Standard.Sub(own.Standard.Time).Hours() / 24; d < -45 || d > 45 {
			t.Logf("%s: standard support ends on %s, and by distro-info-data on %s", r.Series, r.Standard, own.Standard)
			n++
		}
	}
	if n > 3 {
		t.Errorf("%d of %d releases end on quite another day than Ubuntu says", n, len(table.Releases("ubuntu")))
	}
	// What Ubuntu says itself outranks it.
	r, _ := Of(wontfix.Release{Distribution: "ubuntu", Series: "trusty"}, table)
	if r.From == "endoflife.date" {
		t.Errorf("trusty: from %s", r.From)
	}
}

func TestOf(t *testing.T) {
	later, _, err := ParseProducts(answer(`{"name": "9", "eolFrom": "2033-01-01"}, {"name": "12", "eolFrom": "2040-01-01"}`))
	testkit.Must(t, err)
	for _, test := range []struct {
		release string
		later   *Table
		want    string
	}{
		{"ubuntu/trusty", nil, "2019-04-25"}, {"rhel/9", nil, "2032-05-31"}, {"rhel/9.4", nil, "2032-05-31"}, {"rhel/10", nil, "2035-05-31"},
		{"rhel/1", nil, ""}, {"centos/8", nil, "2021-12-31"}, {"centos/8-stream", nil, "2024-05-31"}, {"centos/10-stream", nil, ""},
		{"alpine/v3.19", nil, "2025-11-01"}, {"alpine/edge", nil, ""}, {"sles/15.6", nil, "2025-12-31"}, {"opensuse-leap/15.6", nil, "2026-04-30"},
		{"amzn/2", nil, "2026-06-30"}, {"amzn/2023", nil, "2029-06-30"}, {"arch/rolling", nil, ""}, {"", nil, ""},
		{"rhel/12.1", later, "2040-01-01"}, {"centos/8", later, "2021-12-31"}, {"ubuntu/trusty", later, "2019-04-25"},
	} {
		var release wontfix.Release
		if test.release != "" {
			var err error
			if release, err = wontfix.ParseRelease(test.release); err != nil {
				t.Fatal(err)
			}
		}
		r, ok := Of(release, test.later)
		if got := r.Standard.String(); got != test.want || ok != (test.want != "") {
			t.Errorf("%s ends on %q, want %q", test.release, got, test.want)
		}
	}
}

// FuzzParseProducts: what is read can be written and read again, and each
// release is of a distribution that is known.
func FuzzParseProducts(f *testing.F) {
	f.Add(answer(`{"name": "9", "codename": "Plow", "releaseDate": "2022-05-17", "isEol": false, "eolFrom": "2032-05-31"}`))
	f.Add(answer(`{"name": "9,\n"}, 7, {"name": "10", "isEol": true}`))
	f.Add([]byte(`{"schema_version": "1", "generated_at": "2026-11-20", "result": [{"name": "alpine-linux", "releases": [{"name": "3.19"}, {"name": "3.19"}]}, {"name": "ubuntu", "releases": [{"name": "14.04", "codename": "Trusty Tahr"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, _, err := ParseProducts(data)
		if err != nil || table.Data().IsZero() || len(table.Distributions()) == 0 {
			return
		}
		again, err := ReadTable(table.Text("of a test"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := again.Text("x"), table.Text("x"); got != want {
			t.Fatalf("round trip:\n%s\nwant\n%s", got, want)
		}
	})
}
