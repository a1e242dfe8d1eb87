package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"wontfix"
)

// scanColumns are the columns of a scan as CSV: the name of each and how it is
// taken from a finding.
var scanColumns = []struct {
	name string
	cell func(*wontfix.Finding) string
}{
	{"outlook", func(f *wontfix.Finding) string { return f.Outlook.String() }},
	{"id", func(f *wontfix.Finding) string { return f.ID }},
	{"source", func(f *wontfix.Finding) string { return f.Source }},
	{"source_version", func(f *wontfix.Finding) string { return f.SourceVersion }},
	{"installed_source", func(f *wontfix.Finding) string { return f.Installed }},
	{"binaries", func(f *wontfix.Finding) string { return strings.Join(f.Binaries, " ") }},
	{"priority", func(f *wontfix.Finding) string { return f.Priority }},
	{"published", func(f *wontfix.Finding) string { return f.Published }},
	{"status", func(f *wontfix.Finding) string { return f.Status.String() }},
	{"decision", func(f *wontfix.Finding) string { return f.Decision.String() }},
	{"reasons", func(f *wontfix.Finding) string { return strings.Join(f.Reasons, " ") }},
	{"reason_evidence", func(f *wontfix.Finding) string { return f.Evidence.String() }},
	{"reason_text", func(f *wontfix.Finding) string { return f.ReasonText }},
	{"reason_line", func(f *wontfix.Finding) string { return number(f.ReasonLine) }},
	{"fixed_version", func(f *wontfix.Finding) string { return f.FixedVersion }},
	{"product", func(f *wontfix.Finding) string { return f.Product }},
	{"successor", func(f *wontfix.Finding) string { return f.Successor }},
	{"offer", func(f *wontfix.Finding) string {
		if f.Offer == nil {
			return ""
		}
		return f.Offer.Version
	}},
	{"held", func(f *wontfix.Finding) string { return strconv.FormatBool(f.Held) }},
	{"kernel", func(f *wontfix.Finding) string { return f.Kernel }},
	{"because", func(f *wontfix.Finding) string { return f.Because }},
	{"tracker", func(f *wontfix.Finding) string { return f.Tracker.Name }},
	{"tracker_release", func(f *wontfix.Finding) string { return f.Tracker.Release }},
	{"tracker_package", func(f *wontfix.Finding) string { return f.Tracker.Package }},
	{"tracker_status", func(f *wontfix.Finding) string { return f.Tracker.Status }},
	{"tracker_detail", func(f *wontfix.Finding) string { return f.Tracker.Detail }},
	{"tracker_file", func(f *wontfix.Finding) string { return f.Tracker.File }},
	{"tracker_line", func(f *wontfix.Finding) string { return number(f.Tracker.Line) }},
	{"tracker_revision", func(f *wontfix.Finding) string { return f.Tracker.Revision }},
	{"tracker_url", func(f *wontfix.Finding) string { return f.Tracker.URL }},
	{"origin_class", ofOrigin(func(o *wontfix.Origin) string { return o.Class.String() })},
	{"origin_time", ofDecided(func(r *wontfix.Revision) string { return moment(r.Time) })},
	{"origin_author", ofDecided(func(r *wontfix.Revision) string { return r.Author })},
	{"origin_commit", ofDecided(func(r *wontfix.Revision) string { return r.Commit })},
	{"origin_subject", ofDecided(func(r *wontfix.Revision) string { return r.Subject })},
	{"origin_entries", ofDecided(func(r *wontfix.Revision) string { return strconv.Itoa(r.Entries) })},
	{"origin_copied_from", ofOrigin(func(o *wontfix.Origin) string { return o.CopiedFrom })},
	{"origin_reasons", ofOrigin(func(o *wontfix.Origin) string { return strings.Join(o.Reasons, " ") })},
	{"origin_evidence", ofOrigin(func(o *wontfix.Origin) string { return o.Evidence.String() })},
	{"origin_words", ofOrigin(func(o *wontfix.Origin) string { return o.Words })},
	{"origin_confidence", ofOrigin(func(o *wontfix.Origin) string { return o.Confidence.String() })},
	{"origin_reversals", ofOrigin(func(o *wontfix.Origin) string { return strconv.Itoa(o.Reversals) })},
	{"before_status", ofBefore(func(s *wontfix.Said) string { return stated(s.Status, s.Detail) })},
	{"before_time", ofBefore(func(s *wontfix.Said) string { return moment(s.Time) })},
	{"before_author", ofBefore(func(s *wontfix.Said) string { return s.Author })},
	{"exploited_since", func(f *wontfix.Finding) string {
		since := ""
		if f.Exploitation != nil {
			for _, l := range f.Exploitation.Listed {
				if since == "" || l.Added < since {
					since = l.Added
				}
			}
		}
		return since
	}},
	{"epss", func(f *wontfix.Finding) string {
		if f.Exploitation == nil || f.Exploitation.EPSS == nil {
			return ""
		}
		return strconv.FormatFloat(f.Exploitation.EPSS.Probability, 'g', -1, 64)
	}},
}

// ofOrigin makes a cell of who decided, which is empty where that is not known.
func ofOrigin(cell func(*wontfix.Origin) string) func(*wontfix.Finding) string {
	return func(f *wontfix.Finding) string {
		if f.Origin == nil {
			return ""
		}
		return cell(f.Origin)
	}
}

func ofDecided(cell func(*wontfix.Revision) string) func(*wontfix.Finding) string {
	return ofOrigin(func(o *wontfix.Origin) string {
		if o.Decided == nil {
			return ""
		}
		return cell(o.Decided)
	})
}

func ofBefore(cell func(*wontfix.Said) string) func(*wontfix.Finding) string {
	return ofOrigin(func(o *wontfix.Origin) string {
		if o.Before == nil {
			return ""
		}
		return cell(o.Before)
	})
}

// moment writes a moment as RFC 3339 in the time zone that it has, "" if it is
// not known.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// number writes a line number; 0 means that there is none.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func csvScan(w io.Writer, s *wontfix.Scan, _ Options) error {
	cells := make([]string, len(scanColumns))
	for i, c := range scanColumns {
		cells[i] = c.name
	}
	cw := csv.NewWriter(w)
	cw.Write(cells)
	for i := range s.Findings {
		for j, c := range scanColumns {
			cells[j] = cleanCell(c.cell(&s.Findings[i]))
		}
		cw.Write(cells)
	}
	cw.Flush()
	return cw.Error()
}
