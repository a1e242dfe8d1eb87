package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/testkit"
)

// TestExample is the case that all this began with, as three people made it:
// CVE-2014-9365 in python2.7 of trusty was refused, taken up again and refused
// again. Its siblings are copied, swept and fixed.
func TestExample(t *testing.T) {
	p := corpusPast(t)
	trace, err := p.trace(t.Context(), "CVE-2014-9365")
	testkit.Must(t, err)
	const (
		mdeslaur = "Marc Deslauriers"
		tyhicks  = "Tyler Hicks"
		refused  = "688028c3463" // decision 1
		taken    = "24b5560e8b0" // decision 2
		again    = "e1bd2332a64" // decision 3
		sweep    = "a1e09bfbc55"
		overlay  = "0e299dd046d"
	)
	type event struct {
		date, commit, author string
		entries              int
		row                  string
		class                wontfix.Class
		from, to             string
		evidence             wontfix.Evidence
		confidence           wontfix.Confidence
		reverses             bool
		words                string
	}
	begin := []event{
		{"2014-12-11", "182e45b76ba", mdeslaur, 24, "", wontfix.ClassCreate, "", "needs-triage", wontfix.EvidenceWord, wontfix.ConfidenceLow, false, ""},
		{"2015-01-08", refused, mdeslaur, 1, "", wontfix.ClassDecision, "needs-triage", "ignored", wontfix.EvidenceOwnNote, wontfix.ConfidenceHigh, false, "quite a large change to backport"},
		{"2016-01-28", taken, tyhicks, 1, "", wontfix.ClassDecision, "ignored", "needed", wontfix.EvidenceOwnNote, wontfix.ConfidenceHigh, true, "opt-in fix for this issue via PEP 493"},
		{"2016-01-28", "be7a427a87f", tyhicks, 1, "", wontfix.ClassNote, "needed", "needed", wontfix.EvidenceNone, wontfix.ConfidenceNone, false, ""},
	}
	of := func(row string, events []event) []event {
		events = slices.Clone(events)
		for i := range events {
			events[i].row = row
		}
		return events
	}
	third := event{"2018-04-25", again, mdeslaur, 7, "", wontfix.ClassDecision, "needed", "ignored", wontfix.EvidenceOwnNote, wontfix.ConfidenceHigh, false, "we will not be fixing this in Ubuntu 14.04 LTS before EoL"}
	note := event{"2018-04-25", again, mdeslaur, 7, "", wontfix.ClassNote, "", "", wontfix.EvidenceNone, wontfix.ConfidenceNone, false, ""}
	beside := func(value string) event { e := note; e.from, e.to = value, value; return e }
	fixed := event{"2016-01-28", taken, tyhicks, 1, "", wontfix.ClassDecision, "ignored", "released 3.4.3-1ubuntu1~14.04.2", wontfix.EvidenceWord, wontfix.ConfidenceHigh, true, ""}
	stays := begin[3]
	stays.from, stays.to = fixed.to, fixed.to
	for _, tt := range []struct {
		label, source string
		folded        int
		events        []event
		class         wontfix.Class
		decided       string
		wrote, copied string
		before        string
		reversals     int
	}{
		{"trusty", "python2.7", 12, append(slices.Clone(begin), third), wontfix.ClassDecision, again, "", "", "", 1},
		{"trusty/esm", "python2.7", 11, append(of("trusty_python2.7", append(slices.Clone(begin), third)),
			event{"2019-12-05", overlay, "Mark Morlino", 12208, "", wontfix.ClassCopyParent, "", "ignored", wontfix.EvidenceNote, wontfix.ConfidenceLow, false, "quite a large change"}),
			wontfix.ClassDecision, again, overlay, "trusty_python2.7", "", 1},
		{"precise", "python2.7", 11, append(slices.Clone(begin),
			event{"2017-05-10", sweep, tyhicks, 3977, "", wontfix.ClassEOLSweep, "needed", "ignored reached end-of-life", wontfix.EvidenceBracket, wontfix.ConfidencePolicy, false, "reached end-of-life"},
			beside("ignored reached end-of-life")), wontfix.ClassEOLSweep, sweep, "", "", taken + " needed", 1},
		{"precise/esm", "python2.7", 11, append(of("precise_python2.7", begin),
			event{"2017-05-10", "b15e0307dce", tyhicks, 6243, "", wontfix.ClassCopyParent, "", "needed", wontfix.EvidenceNone, wontfix.ConfidenceLow, false, ""},
			third), wontfix.ClassDecision, again, "", "", "", 1},
		{"trusty", "python3.4", 12, []event{begin[0], begin[1], fixed, stays, beside(fixed.to)}, wontfix.ClassDecision, taken, "", "", "", 1},
	} {
		k := history.Key{Label: tt.label, Source: tt.source}
		line := trace.Timeline(k)
		if line.Folded != tt.folded || line.Unseen != "" || len(line.Events) != len(tt.events) {
			t.Errorf("%v: %d events, %d folded, unseen %q; want %d, %d", k, len(line.Events), line.Folded, line.Unseen, len(tt.events), tt.folded)
			continue
		}
		for i, e := range line.Events {
			got := event{e.Time.Format(time.DateOnly), e.Commit[:11], e.Author, e.Entries, e.Row, e.Class, strings.TrimSpace(e.From + " " + e.FromDetail),
				strings.TrimSpace(e.To + " " + e.ToDetail), e.Evidence, e.Confidence, e.Reverses, tt.events[i].words}
			if got != tt.events[i] {
				t.Errorf("%v: event %d is %+v; want %+v", k, i, got, tt.events[i])
			}
			if !strings.Contains(e.Words, tt.events[i].words) {
				t.Errorf("%v: event %d: words %q; want %q", k, i, e.Words, tt.events[i].words)
			}
		}
		o, ok := trace.Origin(k)
		if !ok || o.Class != tt.class || !strings.HasPrefix(o.Decided.Commit, tt.decided) || o.CopiedFrom != tt.copied || o.Reversals != tt.reversals {
			t.Errorf("%v: origin %+v", k, o)
			continue
		}
		if wrote := o.Wrote; (wrote == nil) != (tt.wrote == "") || wrote != nil && !strings.HasPrefix(wrote.Commit, tt.wrote) {
			t.Errorf("%v: written by %+v", k, wrote)
		}
		before := ""
		if b := o.Before; b != nil {
			before = b.Commit[:11] + " " + b.Status
		}
		if before != tt.before {
			t.Errorf("%v: before it %q, want %q", k, before, tt.before)
		}
		if tt.decided == again && (!slices.Contains(o.Reasons, "too-intrusive") || o.Confidence != wontfix.ConfidenceHigh || o.Evidence != wontfix.EvidenceOwnNote) {
			t.Errorf("%v: reasons %v, %v, %v", k, o.Reasons, o.Confidence, o.Evidence)
		}
	}
	// What decision 2 did to the notes, and decision 3.
	events := trace.Timeline(history.Key{Label: "trusty", Source: "python2.7"}).Events
	if len(events) != 5 {
		t.Fatal("not the events that were wanted")
	}
	const refusal = "we will not be backporting this change to stable releases"
	notes := events[2].Notes
	if len(notes) != 2 || notes[0].Kind != history.Changed || notes[0].Author != "mdeslaur" || !strings.Contains(words(notes[0].Was), refusal) || strings.Contains(words(notes[0].Text), refusal) ||
		notes[1].Kind != history.Written || notes[1].Author != "tyhicks" || !strings.Contains(words(notes[1].Text), "PEP 493") {
		t.Errorf("decision 2: notes %+v", notes)
	}
	notes = events[4].Notes
	if len(notes) != 1 || notes[0].Kind != history.Written || notes[0].Author != "mdeslaur" || strings.Count(notes[0].Text, "\n") != 2 {
		t.Errorf("decision 3: notes %+v", notes)
	}
	if from, to := events[4].FromFolder, events[4].ToFolder; from != "active" || to != "retired" {
		t.Errorf("decision 3: from %q to %q", from, to)
	}
}

// words returns a text with its line ends as spaces.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }
