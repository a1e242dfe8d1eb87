package report

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// StatsFormats returns the formats that [WriteStats] knows.
func StatsFormats() []string { return []string{"text", "json", "csv", "markdown"} }

// WriteStats writes how a tracker decides, in one of [StatsFormats]. CSV has a
// row for each number: the table, the release or year, what was counted, and
// the number.
func WriteStats(w io.Writer, format string, s *wontfix.Stats, o Options) error {
	switch format {
	case "text":
		return textStats(w, s, o)
	case "json":
		return writeJSON(w, s, "  ")
	case "csv":
		return csvStats(w, s)
	case "markdown":
		return markdownStats(w, s)
	}
	return formatError(format, StatsFormats())
}

// releaseColumns are the columns of the table of releases.
var releaseColumns = []struct {
	name  string
	value func(*wontfix.ReleaseStats) int
}{
	{"rows", func(r *wontfix.ReleaseStats) int { return r.Rows }},
	{"fixed", func(r *wontfix.ReleaseStats) int { return r.Fixes.Count }},
	{"refused", func(r *wontfix.ReleaseStats) int { return r.Refusals.Count }},
	{"ended", func(r *wontfix.ReleaseStats) int { return r.Ended }},
	{"no reason", func(r *wontfix.ReleaseStats) int { return r.NoReason }},
	{"reversed", func(r *wontfix.ReleaseStats) int { return r.Reversals }},
	{"undecided", func(r *wontfix.ReleaseStats) int { return r.Undecided }},
}

// statsText writes statistics as text.
type statsText struct {
	*page
	s     *wontfix.Stats
	names int // columns of the names of releases and years
}

func textStats(w io.Writer, s *wontfix.Stats, o Options) error {
	p := newPage(w, o)
	p.width = min(p.width, maxProse)
	t := statsText{p, s, 7}
	for i := range s.Releases {
		t.names = max(t.names, min(columns(Clean(s.Releases[i].Release)), 18, p.width/4))
	}
	p.flow(0, 2, []span{strong("How " + publisher(s.Tracker.Name) + " decides"), text(" · " + many(s.Commits, "commit") + " from " + day(s.First) + " to " + day(s.Time))})
	t.releases()
	t.waits("Days to the fix", func(r *wontfix.ReleaseStats) wontfix.Wait { return r.Fixes }, styleAvailable)
	t.waits("Days to the refusal", func(r *wontfix.ReleaseStats) wontfix.Wait { return r.Refusals }, styleNever)
	t.years()
	return p.end()
}

// columnWidth is how wide a column of the table of releases is.
func columnWidth(i int) int { return max(len(releaseColumns[i].name)+2, 8) }

func (t statsText) releases() {
	if len(t.s.Releases) == 0 {
		return
	}
	t.blank()
	t.rule(strong("Rows by release"))
	shown, used := 0, 2+t.names
	for shown < len(releaseColumns) && used+columnWidth(shown) <= t.width {
		used += columnWidth(shown)
		shown++
	}
	list := releaseColumns[:shown]
	line := func(name string, st style, cell func(i int) string) {
		t.space(2)
		t.put(pad(cut(name, t.names), t.names), st)
		for i := range list {
			t.put(padLeft(cell(i), columnWidth(i)), st)
		}
		t.blank()
	}
	line("", styleDim, func(i int) string { return list[i].name })
	for i := range t.s.Releases {
		r := &t.s.Releases[i]
		line(Clean(r.Release), plain, func(i int) string { return dash(list[i].value(r)) })
	}
}

// dash writes a number with commas, nothing for 0 but a dash.
func dash(n int) string {
	if n == 0 {
		return "-"
	}
	return thousands(n)
}

func pad(s string, n int) string     { return s + strings.Repeat(" ", max(n-columns(s), 0)) }
func padLeft(s string, n int) string { return strings.Repeat(" ", max(n-columns(s), 0)) + s }

// bar draws a number as a bar, the greatest as n columns. What is not 0 has at
// least an eighth of a column.
func bar(value, greatest, n int) string {
	if value <= 0 || greatest <= 0 || n <= 0 {
		return ""
	}
	eighths := max(int(float64(value)/float64(greatest)*float64(n)*8+0.5), 1)
	eighths = min(eighths, n*8)
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return s
}

// waits draws how long something took in each release.
func (t statsText) waits(title string, of func(*wontfix.ReleaseStats) wontfix.Wait, st style) {
	greatest, dated := 0, 0
	for i := range t.s.Releases {
		w := of(&t.s.Releases[i])
		greatest, dated = max(greatest, w.Median), dated+w.Dated
	}
	if dated == 0 {
		return
	}
	t.blank()
	t.rule(strong(title), dim(" · from publication, for half of them and nine in ten"))
	for i := range t.s.Releases {
		r := &t.s.Releases[i]
		w := of(r)
		if w.Dated == 0 {
			continue
		}
		t.space(2)
		t.put(pad(cut(Clean(r.Release), t.names), t.names), plain)
		t.put(padLeft(thousands(w.Median), 8), styleStrong)
		t.put(padLeft(thousands(w.Ninety), 8), styleDim)
		t.space(2)
		t.put(bar(w.Median, greatest, min(t.width-t.names-20, 60)), st)
		t.blank()
	}
}

// years draws the refusals of each year, with what they gave as a reason.
func (t statsText) years() {
	greatest := 0
	for i := range t.s.Years {
		greatest = max(greatest, t.s.Years[i].Refusals)
	}
	if greatest == 0 {
		return
	}
	t.blank()
	t.rule(strong("Refusals by year"), dim(" · the share without a reason, and the reasons"))
	width := max(min((t.width-2-6-9-2-11)/4, 24), 4)
	for i := range t.s.Years {
		y := &t.s.Years[i]
		t.space(2)
		t.put(pad(strconv.Itoa(y.Year), 6), plain)
		t.put(padLeft(dash(y.Refusals), 9), styleStrong)
		t.space(2)
		drawn := bar(y.Refusals, greatest, width)
		t.put(drawn, styleNever)
		t.space(width - columns(drawn) + 2)
		none := percent(y.NoReason, y.Refusals)
		t.put(padLeft(none, 5), styleDim)
		t.space(2)
		t.put(cut(topReasons(y.ByReason, 3, max(t.width-width-28, 12), true), max(t.width-width-28, 0)), plain)
		t.blank()
	}
	by, n := map[string]int{}, 0
	for i := range t.s.Years {
		for k, c := range t.s.Years[i].ByClass {
			by[k] += c
		}
		n += t.s.Years[i].Reversals
	}
	t.blank()
	if len(by) > 0 {
		t.label("Refused by", text(counts(by, nil, classPhrase)))
	}
	if n > 0 {
		t.label("Taken back", text(many(n, "refusal")))
	}
}

// percent writes a share of a whole; what is not 0 is never written as 0.
func percent(n, of int) string {
	switch {
	case of <= 0:
		return "-"
	case n > 0 && n*100 < of:
		return "<1%"
	}
	return strconv.Itoa(n*100/of) + "%"
}

// classPhrase returns a class in everyday words.
func classPhrase(word string) string {
	if c, err := wontfix.ParseClass(word); err == nil {
		return classText[c]
	}
	return Clean(word)
}

// topReasons writes the n most frequent reasons, fewer if width columns do not
// hold them, and leaves out those that say that there is none if without is true.
func topReasons(by map[string]int, n, width int, without bool) string {
	keys := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(cmp.Compare(by[b], by[a]), strings.Compare(a, b)) })
	var parts []string
	for _, k := range keys {
		if len(parts) == n || without && k == "no-reason-given" || by[k] == 0 {
			continue
		}
		next := append(parts, ReasonPhrase(k)+" "+thousands(by[k]))
		if len(parts) > 0 && columns(strings.Join(next, " · ")) > width {
			break
		}
		parts = next
	}
	return strings.Join(parts, " · ")
}

func csvStats(w io.Writer, s *wontfix.Stats) error {
	cw := csv.NewWriter(w)
	cw.Write([]string{"table", "key", "what", "number"})
	for i := range s.Releases {
		r := &s.Releases[i]
		for _, c := range releaseColumns {
			writeCells(cw, "release", r.Release, c.name, strconv.Itoa(c.value(r)))
		}
		for _, wait := range []struct {
			name string
			wontfix.Wait
		}{{"fix", r.Fixes}, {"refusal", r.Refusals}} {
			writeCells(cw, "release", r.Release, wait.name+" dated", strconv.Itoa(wait.Dated))
			writeCells(cw, "release", r.Release, wait.name+" median days", strconv.Itoa(wait.Median))
			writeCells(cw, "release", r.Release, wait.name+" ninety days", strconv.Itoa(wait.Ninety))
		}
	}
	for i := range s.Years {
		y := &s.Years[i]
		key := strconv.Itoa(y.Year)
		writeCells(cw, "year", key, "refusals", strconv.Itoa(y.Refusals))
		writeCells(cw, "year", key, "no reason", strconv.Itoa(y.NoReason))
		writeCells(cw, "year", key, "reversals", strconv.Itoa(y.Reversals))
		for _, by := range []struct {
			name   string
			counts map[string]int
		}{{"reason ", y.ByReason}, {"class ", y.ByClass}} {
			for _, k := range slices.Sorted(maps.Keys(by.counts)) {
				writeCells(cw, "year", key, by.name+k, strconv.Itoa(by.counts[k]))
			}
		}
	}
	cw.Flush()
	return cw.Error()
}

func markdownStats(w io.Writer, s *wontfix.Stats) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# How %s decides\n\n- %s from %s to %s\n", cleanMarkdown(publisher(s.Tracker.Name)), many(s.Commits, "commit"), day(s.First), day(s.Time))
	fmt.Fprint(b, "\n## Releases\n\n")
	names := []string{"release"}
	for _, c := range releaseColumns {
		names = append(names, c.name)
	}
	markdownTable(b, append(names, "days to the fix (half, nine in ten)", "days to the refusal (half, nine in ten)")...)
	for i := range s.Releases {
		r := &s.Releases[i]
		cells := []string{cleanMarkdown(r.Release)}
		for _, c := range releaseColumns {
			cells = append(cells, dash(c.value(r)))
		}
		for _, wait := range []wontfix.Wait{r.Fixes, r.Refusals} {
			if wait.Dated == 0 {
				cells = append(cells, "-")
			} else {
				cells = append(cells, thousands(wait.Median)+", "+thousands(wait.Ninety))
			}
		}
		markdownRow(b, cells...)
	}
	fmt.Fprint(b, "\n## Refusals by year\n\n")
	markdownTable(b, "year", "refusals", "no reason", "taken back", "reasons")
	for i := range s.Years {
		y := &s.Years[i]
		markdownRow(b, strconv.Itoa(y.Year), dash(y.Refusals), percent(y.NoReason, y.Refusals), dash(y.Reversals), cleanMarkdown(topReasons(y.ByReason, len(y.ByReason), 1000, false)))
	}
	return b.Flush()
}
