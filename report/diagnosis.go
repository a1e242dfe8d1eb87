package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"wontfix"
)

// DiagnosisFormats returns the formats that [WriteDiagnosis] knows.
func DiagnosisFormats() []string { return []string{"text", "json", "csv"} }

// WriteDiagnosis writes where feeds of one publisher differ, in one of
// [DiagnosisFormats]. CSV has a row for each difference.
func WriteDiagnosis(w io.Writer, format string, d *wontfix.Diagnosis, o Options) error {
	switch format {
	case "text":
		return textDiagnosis(w, d, o)
	case "json":
		return writeJSON(w, d, "  ")
	case "csv":
		return csvDiagnosis(w, d)
	}
	return formatError(format, DiagnosisFormats())
}

func textDiagnosis(w io.Writer, d *wontfix.Diagnosis, o Options) error {
	p := newPage(w, o)
	for i := range d.Pairs {
		pair := &d.Pairs[i]
		if i > 0 {
			p.blank()
		}
		p.rule(strong(pair.Tracker+" and "+pair.Feed), dim(" · "+many(pair.Shared, "row")+" in both"))
		switch {
		case pair.Shared == 0:
			p.para(2, text("No row is in both."))
		case len(pair.Differences) == 0:
			p.para(2, text("They say the same of all of them."))
		}
		if len(pair.Differences) == 0 {
			continue
		}
		p.para(2, strong(count(len(pair.Differences), "difference")))
		list := pair.Differences
		if o.Limit > 0 && len(list) > o.Limit {
			list = list[:o.Limit]
		}
		ids := 0
		for j := range list {
			ids = max(ids, columns(Clean(list[j].ID)))
		}
		for j := range list {
			x := &list[j]
			p.row(2, []field{{text(x.ID), ids + 2}}, strong(x.Source), text(" in "+x.Release))
			p.flow(ids+4, ids+6, claimSpans(pair.Tracker, &x.Tracker))
			p.flow(ids+4, ids+6, claimSpans(pair.Feed, &x.Feed))
		}
		if n := len(pair.Differences) - len(list); n > 0 {
			p.more(n, "difference")
		}
	}
	return p.end()
}

func claimSpans(name string, c *wontfix.Claim) []span {
	spans := []span{dim(name + ": "), text(DecisionPhrase(c.Decision))}
	if c.Fixed != "" {
		spans = append(spans, strong(" "+c.Fixed))
	}
	if where := place(c.Row); where != "" {
		spans = append(spans, gap, dim(where))
	}
	return spans
}

func csvDiagnosis(w io.Writer, d *wontfix.Diagnosis) error {
	cw := csv.NewWriter(w)
	cw.Write([]string{"id", "source", "release", "kind", "tracker", "tracker_decision", "tracker_fixed_version", "tracker_file", "tracker_line",
		"feed", "feed_decision", "feed_fixed_version", "feed_file", "feed_line"})
	for _, pair := range d.Pairs {
		for _, x := range pair.Differences {
			row := []string{x.ID, x.Source, x.Release, x.Kind,
				pair.Tracker, x.Tracker.Decision.String(), x.Tracker.Fixed, x.Tracker.Row.File, strconv.Itoa(x.Tracker.Row.Line),
				pair.Feed, x.Feed.Decision.String(), x.Feed.Fixed, x.Feed.Row.File, strconv.Itoa(x.Feed.Row.Line)}
			for i := range row {
				row[i] = cleanCell(row[i])
			}
			cw.Write(row)
		}
	}
	cw.Flush()
	return cw.Error()
}
