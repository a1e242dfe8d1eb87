package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"wontfix"
)

// markdownTable writes the head of a table.
func markdownTable(w io.Writer, names ...string) {
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(names, " | "), strings.Repeat(" --- |", len(names)))
}

// markdownRow writes a row of cells, which are Markdown already.
func markdownRow(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// link writes text with a link, or the text alone if there is no usable target.
func link(label, target string) string {
	if target = cleanLink(target); target == "" {
		return cleanMarkdown(label)
	}
	return "[" + cleanMarkdown(label) + "](" + target + ")"
}

// says writes a row's word and detail.
func says(r wontfix.Row) string {
	if r.Detail == "" {
		return statusWord(r.Status)
	}
	return statusWord(r.Status) + " (" + r.Detail + ")"
}

// plainSpans writes spans as Markdown without their styles.
func plainSpans(spans []span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.text)
	}
	return cleanMarkdown(b.String())
}

// markdownScan writes a summary and a table of findings.
func markdownScan(w io.Writer, s *wontfix.Scan, o Options) error {
	b := bufio.NewWriter(w)
	title := "machine"
	if m := s.Machine; m != nil {
		title = cmp.Or(m.Name, m.Place, title) + ", " + systemName(m)
	}
	fmt.Fprintf(b, "# What stays open: %s\n\n", cleanMarkdown(title))
	if m := s.Machine; m != nil {
		fmt.Fprintf(b, "- %s\n", plainSpans(supportSpans(m, timeOf(s))))
		fmt.Fprintf(b, "- %s from %s\n", count(m.Counts.Binary, "package"), count(m.Counts.Source, "source package"))
	}
	for _, t := range s.Trackers {
		fmt.Fprintf(b, "- %s\n", plainSpans(trackerSpans(t, timeOf(s))))
	}
	if !s.AsOf.IsZero() {
		fmt.Fprintf(b, "- as of %s: what the tracker said then of the packages of today\n", day(s.AsOf.UTC()))
	}
	if tool := cmp.Or(s.Tool, o.Version); tool != "" || !s.Time.IsZero() {
		fmt.Fprintf(b, "- %s %s\n", cleanMarkdown(tool), s.Time.UTC().Format(time.DateTime+" MST"))
	}
	markdownSummary(b, s)
	markdownFindings(b, s, o)
	if list := worthShowing(s); len(list) > 0 {
		fmt.Fprint(b, "\n## Seen by a probe\n\n")
		for _, same := range sameBehaviour(list) {
			fmt.Fprintf(b, "- %s in %s: %s; %s\n", cleanMarkdown(same[0].ID), cleanMarkdown(same[0].Package), versionSays(same[0]), cleanMarkdown(behaviourText(same)[0]))
		}
	}
	if len(s.Unsaid) > 0 {
		fmt.Fprint(b, "\n## What this scan could not say\n\n")
		for _, u := range s.Unsaid {
			fmt.Fprintf(b, "- %s: %s", cleanMarkdown(u.What), cleanMarkdown(u.Why))
			if u.Command != "" {
				fmt.Fprintf(b, " (%s)", cleanMarkdown(u.Command))
			}
			fmt.Fprintln(b)
		}
	}
	return b.Flush()
}

func markdownSummary(w io.Writer, s *wontfix.Scan) {
	sum := s.Summary
	if len(s.Trackers) > 0 {
		fmt.Fprintf(w, "\n## %s%s\n\n", count(sum.Findings, "finding"), findingsOf(sum))
		markdownTable(w, "outlook", "findings", "means")
		for i, name := range wontfix.Outlooks() {
			o := wontfix.Outlook(i)
			if n := sum.ByOutlook[o]; n > 0 {
				means := outlookText[o].means
				if o == wontfix.Never && len(sum.NeverByReason) > 0 {
					means += " (" + counts(sum.NeverByReason, nil, ReasonPhrase) + ")"
				}
				markdownRow(w, name, fmt.Sprint(n), cleanMarkdown(means))
			}
		}
	}
	fmt.Fprintln(w)
	for _, h := range sum.Hidden {
		fmt.Fprintf(w, "- %s not in the list: %s\n", count(h.Count, "finding"), cleanMarkdown(h.Because))
	}
	if sum.Dismissed > 0 {
		fmt.Fprintf(w, "- %s of the tracker dismissed: %s\n", count(sum.Dismissed, "open row"), cleanMarkdown(counts(sum.DismissedBy, nil, plainWord)))
	}
	c := s.Coverage
	if n := max(sum.Upgradable, len(c.Upgradable)); n > 0 {
		fmt.Fprintf(w, "- %s can be upgraded, %d from a security pocket\n", count(n, "package"), securityUpgrades(c.Upgradable))
	}
	if n := max(sum.Unwatched, len(c.Unwatched)); n > 0 {
		fmt.Fprintf(w, "- %s that no tracker follows%s\n", count(n, "package"), cleanMarkdown(unwatchedKinds(c.Unwatched)))
	}
	for _, n := range noticeCounts(c.Notices) {
		fmt.Fprintf(w, "- %s\n", cleanMarkdown(n))
	}
}

func markdownFindings(w io.Writer, s *wontfix.Scan, o Options) {
	if len(s.Findings) == 0 {
		return
	}
	fmt.Fprint(w, "\n## Findings\n\n")
	markdownTable(w, "outlook", "source package", "vulnerability", "priority", "published", "tracker says", "reason", "who decided")
	n := 0
	for _, g := range group(s.Findings) {
		for _, f := range g.findings {
			if n++; o.Limit > 0 && n > o.Limit {
				continue
			}
			words := f.ReasonText
			if words == f.Tracker.Detail {
				words = ""
			}
			tracker := cmp.Or(says(f.Tracker), f.Because)
			if f.FixedVersion != "" && !strings.Contains(tracker, f.FixedVersion) {
				tracker += ", fixed in " + f.FixedVersion
			}
			markdownRow(w, f.Outlook.String(), cleanMarkdown(f.Source+" "+f.SourceVersion), link(f.ID, f.Tracker.URL),
				cleanMarkdown(f.Priority), cleanMarkdown(f.Published), cleanMarkdown(tracker), cleanMarkdown(reasonCell(f.Reasons, words)), cleanMarkdown(findingOrigin(f, 100)))
		}
	}
	if o.Limit > 0 && n > o.Limit {
		fmt.Fprintf(w, "\n%s not shown.\n", count(n-o.Limit, "more finding"))
	}
}

// reasonCell writes reasons and the words that give them; words that no reason is
// known for stand alone.
func reasonCell(reasons []string, words string) string {
	if words != "" {
		words = "“" + oneLine(words) + "”"
	}
	list := reasonList(reasons)
	if list == "" || words == "" {
		return list + words
	}
	return list + ": " + words
}

// markdownDossiers writes a section for each dossier.
func markdownDossiers(w io.Writer, ds []*wontfix.Dossier, _ Options) error {
	b := bufio.NewWriter(w)
	for i, d := range ds {
		if i > 0 {
			fmt.Fprintln(b)
		}
		markdownDossier(b, d)
	}
	return b.Flush()
}

func markdownDossier(w io.Writer, d *wontfix.Dossier) {
	fmt.Fprintf(w, "# %s\n\n", link(d.ID, d.Page))
	fmt.Fprintf(w, "- priority: %s\n", cleanMarkdown(cmp.Or(d.Priority, "none")))
	if d.Published != "" {
		fmt.Fprintf(w, "- published: %s\n", cleanMarkdown(d.Published))
	}
	if !d.AsOf.IsZero() {
		fmt.Fprintf(w, "- as of: %s\n", day(d.AsOf.UTC()))
	}
	fmt.Fprintf(w, "- %s: %s\n", plainSpans(trackerSpans(d.Tracker, cmp.Or(d.AsOf, d.Tracker.Synced))), cleanMarkdown(d.File))
	if d.Withdrawn != "" {
		fmt.Fprintf(w, "- withdrawn: %s\n", cleanMarkdown(d.Withdrawn))
	}
	if s := oneLine(cmp.Or(d.Description, d.VendorText)); s != "" {
		fmt.Fprintf(w, "\n%s\n", cleanMarkdown(s))
	}
	if len(d.Subjects) > 0 {
		fmt.Fprint(w, "\n## Packages\n\n")
		markdownTable(w, "package", "release", "tracker says", "decision", "reason", "outlook")
		for i := range d.Subjects {
			s := &d.Subjects[i]
			tracker, outlook := "nothing", ""
			if s.Row != nil {
				tracker = link(says(*s.Row), s.Row.URL)
			}
			if s.Outlook != nil {
				outlook = s.Outlook.String()
			}
			name := strings.TrimSpace(s.Source + " " + s.Installed)
			markdownRow(w, cleanMarkdown(name), cleanMarkdown(s.Release), tracker, cleanMarkdown(DecisionPhrase(s.Decision)), cleanMarkdown(reasonCell(s.Reasons, s.ReasonText)), outlook)
		}
	}
	io.WriteString(w, markdownProvenance(d))
	if len(d.Notes) > 0 {
		fmt.Fprint(w, "\n## Notes\n\n")
		for _, n := range d.Notes {
			fmt.Fprintf(w, "- %s: %s\n", cleanMarkdown(n.Author), cleanMarkdown(oneLine(n.Text)))
		}
	}
	for _, list := range []struct {
		name  string
		items []string
	}{{"Bugs", d.Bugs}, {"References", d.References}} {
		if len(list.items) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n## %s\n\n", list.name)
		for _, s := range list.items {
			fmt.Fprintf(w, "- %s\n", link(s, s))
		}
	}
}
