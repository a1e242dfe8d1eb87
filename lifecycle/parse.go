package lifecycle

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"wontfix"
)

//go:generate go test -run=^TestGenerated$ -update -count=1 .

//go:embed releases.csv
var releasesCSV string

//go:embed corrections.csv
var correctionsCSV string

// dateColumns are the columns of releases.csv that hold dates, in the order of
// [Release.dates].
var dateColumns = []string{"created", "released", "active", "standard", "extended", "legacy"}

const (
	releasesHeader    = "distribution,version,codename,series,created,released,active,standard,extended,legacy,source"
	correctionsHeader = "distribution,series,column,was,is,source"
)

// Limits of what [Parse] reads. The real tables have fewer than 60 lines.
const (
	maxSize = 1 << 20
	maxLine = 1 << 10
)

// Embedded returns the table that comes with the program.
var Embedded = sync.OnceValue(func() *Table {
	t, err := ReadTable(releasesCSV)
	if err == nil {
		var corrections []correction
		if corrections, err = parseCorrections(correctionsCSV); err == nil {
			return newTable(slices.Concat(slices.Collect(maps.Values(t.raw))...), corrections, t.data)
		}
	}
	panic("lifecycle: " + err.Error()) // the tests read both files
})

// ReadTable reads what [Table.Text] writes: a comment that ends with the day
// of the data, the names of the columns, the releases.
func ReadTable(text string) (*Table, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	data := wontfix.NewDate(lines[0][strings.LastIndexByte(lines[0], ' ')+1:])
	if len(lines) < 3 || data.IsZero() || lines[1] != releasesHeader {
		return nil, fmt.Errorf("want a comment that ends with a date, then %s", releasesHeader)
	}
	var releases []Release
	for i, line := range lines[2:] {
		f := strings.SplitN(line, ",", columns)
		if len(f) < columns {
			return nil, fmt.Errorf("line %d: %d fields, want %d", i+3, len(f), columns)
		}
		r := Release{Distribution: f[0], Version: f[1], Codename: f[2], Series: f[3], From: f[columns-1]}
		for k, cell := range r.dates() {
			if err := cell.UnmarshalText([]byte(f[4+k])); err != nil {
				return nil, fmt.Errorf("line %d: %v", i+3, err)
			}
		}
		releases = append(releases, r)
	}
	return newTable(releases, nil, data), nil
}

// columns is how many a table has: four names, the dates and the source.
const columns = 4 + 6 + 1

// Text writes the table without corrections under a comment that names its source.
func (t *Table) Text(comment string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s; data of %s\n%s\n", comment, t.data, releasesHeader)
	for _, d := range t.Distributions() {
		for _, r := range t.raw[d] {
			fmt.Fprintf(&b, "%s,%s,%s,%s", r.Distribution, r.Version, r.Codename, r.Series)
			for _, cell := range r.dates() {
				fmt.Fprintf(&b, ",%s", cell)
			}
			fmt.Fprintf(&b, ",%s\n", r.From)
		}
	}
	return b.String()
}

// parseCorrections reads corrections.csv: comments, the names of the columns,
// the corrections.
func parseCorrections(text string) ([]correction, error) {
	var corrections []correction
	header := false
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case !header:
			if line != correctionsHeader {
				return nil, fmt.Errorf("corrections.csv:%d: want %s", i+1, correctionsHeader)
			}
			header = true
			continue
		}
		f := strings.SplitN(line, ",", 6)
		if len(f) < 6 {
			return nil, fmt.Errorf("corrections.csv:%d: %d fields, want 6", i+1, len(f))
		}
		c := correction{distribution: f[0], series: f[1], column: f[2], was: wontfix.NewDate(f[3]), is: wontfix.NewDate(f[4]), source: f[5]}
		if (&Release{}).cell(c.column) == nil || c.is.IsZero() || c.source == "" {
			return nil, fmt.Errorf("corrections.csv:%d: want a column of dates, a date and a source", i+1)
		}
		corrections = append(corrections, c)
	}
	return corrections, nil
}

// Parse reads a table of the package distro-info-data, such as
// /usr/share/distro-info/ubuntu.csv: a line with the names of the columns, then
// a line for each series, of which trailing columns may be missing. Columns
// that it does not know are passed over, whatever their order. A line that
// cannot be read is left out and reported with its number; a date that cannot
// be read is reported and not known. The table is never nil.
func Parse(distribution string, data []byte) (*Table, []wontfix.Problem) {
	var problems []wontfix.Problem
	file := distribution + ".csv"
	problem := func(line int, format string, args ...any) {
		problems = append(problems, wontfix.Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	if len(data) > maxSize {
		problem(0, "table: %d bytes, more than the %d that such a table can have", len(data), maxSize)
		return newTable(nil, nil, wontfix.Date{}), problems
	}
	lines := strings.Split(string(data), "\n")
	column := make(map[string]int)
	for i, name := range strings.Split(clean(lines[0]), ",") {
		column[name] = i
	}
	if _, ok := column["series"]; !ok {
		problem(1, "header: no column series; this is not a table of distro-info")
		return newTable(nil, nil, wontfix.Date{}), problems
	}
	var releases []Release
	seen := make(map[string]bool)
	for i, line := range lines[1:] {
		n := i + 2
		if line = clean(line); line == "" || line[0] == '#' {
			continue
		}
		if len(line) > maxLine || strings.ContainsFunc(line, isControl) {
			problem(n, "line: too long, or with control characters")
			continue
		}
		f := strings.Split(line, ",")
		field := func(name string) string {
			if k, ok := column[name]; ok && k < len(f) {
				return strings.TrimSpace(f[k])
			}
			return ""
		}
		date := func(name string) wontfix.Date {
			s := field(name)
			d := wontfix.NewDate(s)
			if d.IsZero() && s != "" {
				problem(n, "%s: %q is not a date; want YYYY-MM-DD", name, s)
			}
			return d
		}
		r := Release{
			Distribution: distribution,
			Version:      field("version"),
			Codename:     field("codename"),
			Series:       field("series"),
			From:         "distro-info " + file,
			Created:      date("created"),
			Released:     date("release"),
			Standard:     later(date("eol"), date("eol-server")),
			Extended:     later(date("eol-esm"), date("eol-lts")),
			Legacy:       later(date("eol-legacy"), date("eol-elts")),
		}
		switch {
		case r.Series == "":
			problem(n, "line: no series")
		case seen[r.Series]:
			problem(n, "series %s: a second line; the first one counts", r.Series)
		default:
			seen[r.Series] = true
			releases = append(releases, r)
		}
	}
	return newTable(releases, nil, wontfix.Date{}), problems
}

func clean(line string) string { return strings.TrimSuffix(line, "\r") }

func isControl(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

func later(a, b wontfix.Date) wontfix.Date {
	if a.Before(b.Time) {
		return b
	}
	return a
}
