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

// markdownProbe writes a table of clients by cases, and a section for each way
// in which clients fail.
func markdownProbe(w io.Writer, p *wontfix.Probe, o Options) error {
	b := bufio.NewWriter(w)
	head, rest := probeSummary(p)
	fmt.Fprintf(b, "# %s\n\n", cleanMarkdown(head+strings.TrimSuffix(rest, ".")))
	fmt.Fprintf(b, "- room: %s\n", cleanMarkdown(roomText(p.Room)))
	if n := p.Summary.Overrides; n > 0 {
		fmt.Fprintf(b, "- %s of what clients verify, %d seen to work\n", count(n, "override"), p.Summary.Effective)
	}
	fmt.Fprintf(b, "- %s %s\n", cleanMarkdown(cmp.Or(p.Tool, o.Version)), p.Time.UTC().Format(time.DateTime+" MST"))
	if len(p.Clients) > 0 {
		fmt.Fprint(b, "\n## Clients\n\n")
		names := []string{"", "client", "version"}
		for _, k := range p.Cases {
			names = append(names, cleanMarkdown(k.ID))
		}
		markdownTable(b, names...)
		seen := map[probeMark]bool{}
		for _, r := range probeRows(p) {
			cells := []string{probeRanks[r.rank], cleanMarkdown(r.names()), cleanMarkdown(r.version())}
			for _, m := range r.marks {
				seen[m] = true
				cells = append(cells, strings.ReplaceAll(cleanMarkdown(string(m)), "-", "−"))
			}
			markdownRow(b, cells...)
		}
		fmt.Fprintln(b)
		for _, m := range marks {
			if seen[m.mark] {
				fmt.Fprintf(b, "- %s %s\n", strings.NewReplacer("-", "−", "+", "&#43;").Replace(cleanMarkdown(string(m.mark))), m.means)
			}
		}
		fmt.Fprint(b, "\n## Cases\n\n")
		markdownTable(b, "case", "the server presents", "a client should", "severity", "reference", "precedents")
		for _, k := range p.Cases {
			markdownRow(b, cleanMarkdown(k.ID), cleanMarkdown(k.Presents), cleanMarkdown(string(k.Expect)), cleanMarkdown(string(k.Severity)), cleanMarkdown(k.Reference), cleanMarkdown(strings.Join(k.CVEs, ", ")))
		}
	}
	for _, f := range p.Failures {
		fmt.Fprintf(b, "\n## %s: %s\n\n", cleanMarkdown(string(f.Severity)), cleanMarkdown(foldIDs(f.Clients)))
		fmt.Fprintf(b, "%s\n\n%s\n\n", cleanMarkdown(f.Wrong), cleanMarkdown(f.Means))
		if len(f.Accepts) > 0 {
			fmt.Fprintf(b, "- accepts %s\n", cleanMarkdown(strings.Join(f.Accepts, " ")))
		}
		if len(f.Leaks) > 0 {
			fmt.Fprintf(b, "- leaks in %s\n", cleanMarkdown(strings.Join(f.Leaks, " ")))
		}
		for _, a := range f.Advice {
			fmt.Fprintf(b, "- %s: %s\n", cleanMarkdown(foldIDs(a.Clients)), cleanMarkdown(a.Text))
		}
		for _, d := range f.Decided {
			fmt.Fprintf(b, "- %s\n", cleanMarkdown(decidedText(d)))
		}
	}
	markdownRest(b, p)
	return b.Flush()
}

// markdownRest writes what is not in the table.
func markdownRest(w io.Writer, p *wontfix.Probe) {
	if p.Summary.Undecided > 0 {
		fmt.Fprint(w, "\n## Undecided\n\n")
		for _, r := range probeRows(p) {
			if probeRanks[r.rank] == "undecided" {
				why, o := reasonOf(p, r.clients[0].ID)
				fmt.Fprintf(w, "- %s: %s %s: %s\n", cleanMarkdown(r.names()), cleanMarkdown(o.Case), why, cleanMarkdown(oneLine(o.Reason)))
			}
		}
	}
	if p.Shell != nil {
		fmt.Fprint(w, "\n## With the environment of the user\n\n")
		list := shellDifferences(p)
		for _, d := range list {
			now, before := d.says()
			fmt.Fprintf(w, "- %s: %s in %s, else %s\n", cleanMarkdown(foldIDs(d.clients)), now, cleanMarkdown(strings.Join(d.cases, " ")), before)
		}
		if len(list) == 0 {
			fmt.Fprintln(w, "Every client does the same.")
		}
	}
	if len(p.Overrides) > 0 {
		fmt.Fprint(w, "\n## Overrides\n\n")
		markdownTable(w, "class", "setting", "where", "effect")
		classes, by := overridesBy(p.Overrides)
		for _, c := range classes {
			for _, o := range by[c] {
				markdownRow(w, cleanMarkdown(string(c)), cleanMarkdown(o.Match), cleanMarkdown(overridePlace(o)), cleanMarkdown(effectText(o)))
			}
		}
	}
	if len(p.Behaviour) > 0 {
		fmt.Fprint(w, "\n## Vulnerabilities\n\n")
		markdownTable(w, "vulnerability", "clients", "behaviour", "because")
		for _, same := range byVulnerability(p.Behaviour) {
			b := same[0]
			markdownRow(w, cleanMarkdown(b.ID), cleanMarkdown(foldIDs(clientsOf(same))), cleanMarkdown(string(b.Shows)), cleanMarkdown(b.Because))
		}
	}
	if len(p.Untested)+len(p.Absent)+len(p.Room.Notes) > 0 {
		fmt.Fprint(w, "\n## Not tested\n\n")
		for _, u := range p.Untested {
			fmt.Fprintf(w, "- %s: %s\n", cleanMarkdown(u.Path), cleanMarkdown(u.Why))
		}
		for _, n := range p.Room.Notes {
			fmt.Fprintf(w, "- %s\n", cleanMarkdown(n))
		}
		if len(p.Absent) > 0 {
			fmt.Fprintf(w, "- not found here: %s\n", cleanMarkdown(strings.Join(p.Absent, ", ")))
		}
	}
}
