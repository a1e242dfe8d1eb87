package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"wontfix"
)

// textProbe writes a probe as text.
func textProbe(w io.Writer, p *wontfix.Probe, o Options) error {
	t := newPage(w, o)
	head, rest := probeSummary(p)
	st := styleStrong
	if p.Summary.Unsafe > 0 {
		st = styleNever
	}
	t.para(0, in(st, head), text(rest))
	if p.Shell != nil && p.Shell.Unsafe > 0 {
		t.para(0, in(styleNever, "In this shell "+count(p.Shell.Unsafe, "more client")+" "+isAre(p.Shell.Unsafe)+" unsafe"), text(", with your environment and home."))
	}
	if n := p.Summary.Overrides; n > 0 {
		t.para(0, strong(count(n, "override")), text(fmt.Sprintf(" of what clients verify; %d seen to work.", p.Summary.Effective)))
	}
	t.para(0, dim("Room: "+roomText(p.Room)+"."))
	if len(p.Clients) > 0 && len(p.Cases) > 0 {
		t.blank()
		table := newProbeTable(t, p)
		table.write()
		table.legend()
	}
	t.width = min(t.width, maxProse)
	for _, f := range p.Failures {
		t.blank()
		t.failure(f)
	}
	t.undecided(p)
	t.inShell(p)
	t.overrides(p)
	t.behaviour(p)
	t.untested(p)
	t.blank()
	t.para(0, dim(strings.TrimSpace(cmp.Or(p.Tool, o.Version)+" "+p.Time.UTC().Format(time.DateTime+" MST"))))
	return t.end()
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// failure writes what is wrong with clients, what it means, and what to do.
func (p *page) failure(f wontfix.Failure) {
	p.rule(in(styleNever, string(f.Severity)), dim(" · "+count(len(f.Clients), "client")))
	p.para(2, strong(foldIDs(f.Clients)))
	p.label("Wrong", text(f.Wrong))
	if len(f.Accepts) > 0 {
		p.label("Accepts", text(strings.Join(f.Accepts, " ")))
	}
	if len(f.Leaks) > 0 {
		p.label("Leaks", text("in "+strings.Join(f.Leaks, " ")))
	}
	p.label("Means", text(f.Means))
	for i, a := range f.Advice {
		label := ""
		if i == 0 {
			label = "Do"
		}
		if len(f.Advice) == 1 {
			p.label(label, text(a.Text))
			continue
		}
		p.label(label, strong(foldIDs(a.Clients)+":"), text(" "+a.Text))
	}
	for i, d := range f.Decided {
		label := ""
		if i == 0 {
			label = "Decided"
		}
		p.label(label, text(decidedText(d)+"."), gap, dim("wontfix"+nbsp+"why"+nbsp+d.ID))
	}
}

// undecided writes why clients have no verdict.
func (p *page) undecided(pr *wontfix.Probe) {
	n := 0
	for _, r := range probeRows(pr) {
		if probeRanks[r.rank] != "undecided" {
			continue
		}
		if n == 0 {
			p.blank()
			p.rule(in(styleWait, "undecided"), dim(" · "+count(pr.Summary.Undecided, "client")+" of which nothing is known"))
		}
		n++
		why, o := reasonOf(pr, r.clients[0].ID)
		spans := []span{strong(r.names()), text(": " + o.Case + " " + why)}
		if s := strings.TrimPrefix(o.Reason, "control T01 was not accepted: "); s != "" {
			spans = append(spans, text(": "), quote(cutWords(oneLine(s), 2*p.width-30)))
		}
		p.flow(2, 4, spans)
	}
}

// inShell writes what is different with the user's own environment.
func (p *page) inShell(pr *wontfix.Probe) {
	if pr.Shell == nil {
		return
	}
	p.blank()
	list := shellDifferences(pr)
	if len(list) == 0 {
		p.rule(strong("in this shell"), dim(" · with your environment and home"))
		p.para(2, text("Every client does the same."))
		return
	}
	p.rule(strong("in this shell"), dim(" · "+count(len(list), "difference")+" with your environment and home"))
	for _, d := range list {
		now, before := d.says()
		p.flow(2, 4, []span{strong(foldIDs(d.clients)), text(": "), in(markStyle(d.after), now), text(" in " + strings.Join(d.cases, " ") + ", else " + before)})
	}
}

// overrides writes what was found that changes the verification, and what it
// was seen to do.
func (p *page) overrides(pr *wontfix.Probe) {
	classes, by := overridesBy(pr.Overrides)
	for _, c := range classes {
		p.blank()
		p.rule(strong("overrides"), dim(" · "+count(len(by[c]), "setting")+" that "+singular(len(by[c]), overrideText[c])))
		for _, same := range sameOverrides(by[c]) {
			o := same[0]
			var places []string
			for _, s := range same {
				places = append(places, overridePlace(s))
			}
			p.flow(2, 4, []span{strong(o.Match), gap, dim(strings.Join(places, ", "))})
			spans := []span{text(effectText(o))}
			if o.Note != "" {
				spans = append(spans, dim(" ("+o.Note+")"))
			}
			if o.Summary != "" || o.Note != "" {
				p.para(4, spans...)
			}
		}
	}
}

// sameOverrides puts together those of a class that differ in their place alone.
func sameOverrides(list []wontfix.Override) [][]wontfix.Override {
	var groups [][]wontfix.Override
	for _, o := range list {
		i := slices.IndexFunc(groups, func(g []wontfix.Override) bool {
			return g[0].Match == o.Match && g[0].Summary == o.Summary && g[0].Note == o.Note
		})
		if i < 0 {
			groups = append(groups, []wontfix.Override{o})
			continue
		}
		groups[i] = append(groups[i], o)
	}
	return groups
}

// singular makes the verb of a phrase fit one subject: "switch verification
// off" becomes "switches verification off".
func singular(n int, phrase string) string {
	if n != 1 {
		return phrase
	}
	verb, rest, more := strings.Cut(phrase, " ")
	if strings.HasSuffix(verb, "ch") {
		verb += "e"
	}
	if more {
		rest = " " + rest
	}
	return verb + "s" + rest
}

// behaviour writes what the probe says of vulnerabilities.
func (p *page) behaviour(pr *wontfix.Probe) {
	if len(pr.Behaviour) == 0 {
		return
	}
	p.blank()
	p.rule(strong("vulnerabilities"), dim(" · what the behaviour shows, whatever the version says"))
	ids := 0
	for _, b := range pr.Behaviour {
		ids = max(ids, min(columns(Clean(b.ID)), 20))
	}
	for _, same := range byVulnerability(pr.Behaviour) {
		b := same[0]
		p.row(2, []field{{text(b.ID), ids + 1}, {in(showsStyle(b.Shows), string(b.Shows)), 11}}, text(foldIDs(clientsOf(same))+": "+b.Because))
	}
}

func showsStyle(s wontfix.Shows) style {
	if s == wontfix.ShowsVulnerable {
		return styleNever
	}
	return styleAvailable
}

// untested writes what was not tested, and why.
func (p *page) untested(pr *wontfix.Probe) {
	if len(pr.Untested) == 0 && len(pr.Absent) == 0 && len(pr.Room.Notes) == 0 {
		return
	}
	p.blank()
	p.rule(strong("not tested"))
	for _, u := range pr.Untested {
		p.flow(2, 4, []span{text(u.Path + ": "), text(u.Why)})
	}
	for _, n := range pr.Room.Notes {
		p.flow(2, 4, []span{text(n)})
	}
	if len(pr.Absent) > 0 {
		p.flow(2, 4, []span{text("Not found here: " + strings.Join(pr.Absent, ", "))})
	}
}
