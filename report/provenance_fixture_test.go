package report

import (
	"time"

	"wontfix"
)

// exampleRevisions are commits of the example tracker, by the beginning of
// their names.
var exampleRevisions = map[string]wontfix.Revision{
	"182e45b7": revisionOf("182e45b76baa0e7d5a3f7bd4d31a1b7c4d1f1a01", "Marc Deslauriers", "2014-12-11T13:50:12-05:00", "process_cves run", 24),
	"688028c3": revisionOf("688028c3463f5b9a3c1d7e0f2a4b6c8d0e1f3a02", "Marc Deslauriers", "2015-01-08T15:14:02-05:00",
		"mark python ssl CVE as ignored since backporting would be too intrusive", 1),
	"24b5560e": revisionOf("24b5560e8b0d1c2e3f4a5b6c7d8e9f0a1b2c3d03", "Tyler Hicks", "2016-01-28T23:40:55-06:00", "Unretire CVE-2014-9365", 1),
	"7c1a90d2": revisionOf("7c1a90d2aa10b2c3d4e5f60718293a4b5c6d7e04", "Tyler Hicks", "2017-05-10T10:02:11+00:00",
		"precise-esm: end the standard support of precise, and open precise/esm for what stays", 4321),
	"e1bd2332": revisionOf("e1bd2332a64d5e6f708192a3b4c5d6e7f8091a05", "Marc Deslauriers", "2018-04-25T08:31:44-04:00",
		"research python2.7 CVEs. Marked CVE-2014-9365 as ignored again as fix is intrusive, would break existing installs and there is no time left before 14.04 reaches its end", 7),
	"0b5e7d11": revisionOf("0b5e7d11c9d8e7f60514233241506f7e8d9cab06", "Kernel Bot", "2020-04-07T02:00:00+00:00", "autotriage: linux", 212),
	"50eb57c3": revisionOf("50eb57c3d7201a2b3c4d5e6f708192a3b4c5d607", "David Fernandez Gonzalez", "2023-06-27T11:20:00+02:00",
		"Bulk update of CVEs to use new EOL tags", 34275),
	"eff1fd1d": revisionOf("eff1fd1d3c4a5b6c7d8e9f0a1b2c3d4e5f6a7b08", "Mark Esler", "2022-06-17T16:45:09-05:00", "glibc research", 12),
}

func revisionOf(commit, author, when, subject string, entries int) wontfix.Revision {
	t, err := time.Parse(time.RFC3339, when)
	if err != nil {
		panic(err)
	}
	return wontfix.Revision{Commit: commit, URL: "https://tracker.example/commit/?id=" + commit, Author: author, Time: t, Subject: subject, Entries: entries}
}

func exampleCommit(name string) *wontfix.Revision {
	r := exampleRevisions[name]
	return &r
}

const exampleOwnNote = "we will not be fixing this in Ubuntu 14.04 LTS before EoL."

// exampleOrigins are who decided about findings of [exampleScan], by number.
func exampleOrigins() map[int]*wontfix.Origin {
	tyler := &wontfix.Said{Revision: *exampleCommit("24b5560e"), Status: "needed"}
	return map[int]*wontfix.Origin{
		0: {Class: wontfix.ClassDecision, Decided: exampleCommit("e1bd2332"), Evidence: wontfix.EvidenceOwnNote, Words: exampleOwnNote,
			Reasons: []string{"too-intrusive", "eol-release"}, Confidence: wontfix.ConfidenceHigh, Reversals: 1},
		1: {Class: wontfix.ClassDecision, Decided: exampleCommit("e1bd2332"), Evidence: wontfix.EvidenceMessage, CopiedFrom: "",
			Reasons: []string{"no-reason-given"}, Confidence: wontfix.ConfidenceMedium},
		2: {Class: wontfix.ClassEOLSweep, Decided: exampleCommit("7c1a90d2"), Wrote: exampleCommit("50eb57c3"), WroteClass: wontfix.ClassReword,
			Before: tyler, Evidence: wontfix.EvidenceBracket, Words: "reached end-of-life", Reasons: []string{"eol-release"}, Confidence: wontfix.ConfidencePolicy},
		4: {Class: wontfix.ClassDecision, Decided: exampleCommit("eff1fd1d"), Wrote: exampleCommit("50eb57c3"), WroteClass: wontfix.ClassReword,
			Evidence: wontfix.EvidenceBracket, Words: "change too intrusive", Reasons: []string{"too-intrusive"}, Confidence: wontfix.ConfidencePolicy},
		6: {Class: wontfix.ClassRobot, Decided: exampleCommit("0b5e7d11"), Confidence: wontfix.ConfidencePolicy},
	}
}

// exampleTimeline is the life of trusty_python2.7 in CVE-2014-9365.
func exampleTimeline() *wontfix.Timeline {
	const opinion = "Before this was implemented in python 2.7.9 and 3.4.3, applications needed to verify certificate validity themselves. " +
		"This is quite a large change to backport into stable releases, and the change in behaviour most certainly will break certain setups."
	return &wontfix.Timeline{Folded: 12, Events: []wontfix.Event{
		{Revision: *exampleCommit("182e45b7"), Class: wontfix.ClassCreate, To: "needs-triage", ToFolder: "active", Confidence: wontfix.ConfidenceLow},
		{Revision: *exampleCommit("688028c3"), Class: wontfix.ClassDecision, From: "needs-triage", To: "ignored", FromFolder: "active", ToFolder: "retired",
			Evidence: wontfix.EvidenceOwnNote, Reasons: []string{"too-intrusive"}, Words: opinion, Confidence: wontfix.ConfidenceHigh,
			Notes: []wontfix.NoteChange{{Kind: "written", Author: "mdeslaur", Text: opinion + " We will not be backporting this to stable releases."}}},
		{Revision: *exampleCommit("24b5560e"), Class: wontfix.ClassDecision, From: "ignored", To: "needed", FromFolder: "retired", ToFolder: "active", Reverses: true,
			Evidence: wontfix.EvidenceOwnNote, Confidence: wontfix.ConfidenceHigh,
			Notes: []wontfix.NoteChange{
				{Kind: "changed", Author: "mdeslaur", Text: opinion, Was: opinion + " We will not be backporting this to stable releases."},
				{Kind: "written", Author: "tyhicks", Text: "We're considering the possibility of offering an opt-in fix for this issue via PEP 493 if the backport is not too invasive"}}},
		{Revision: *exampleCommit("e1bd2332"), Class: wontfix.ClassDecision, From: "needed", To: "ignored", FromFolder: "active", ToFolder: "retired",
			Evidence: wontfix.EvidenceOwnNote, Reasons: []string{"too-intrusive", "eol-release"}, Words: exampleOwnNote, Confidence: wontfix.ConfidenceHigh,
			Notes: []wontfix.NoteChange{{Kind: "written", Author: "mdeslaur", Text: exampleOwnNote}}},
	}}
}

func exampleChange(id, source, release, priority string, is wontfix.Decision, e wontfix.Event) wontfix.RowChange {
	return wontfix.RowChange{ID: id, Source: source, Release: release, Priority: priority, From: e.From, FromText: e.FromDetail, To: e.To, ToText: e.ToDetail,
		Was: wontfix.DecisionAffected, Is: is, File: "retired/" + id, Line: 45, URL: "https://tracker.example/tree/retired/" + id + "#n45", Events: []wontfix.Event{e}}
}

// exampleChanges are a day of decisions, a release, and a sweep.
func exampleChanges() *wontfix.Changes {
	refused := exampleTimeline().Events[3]
	low, fixed, put, swept := refused, refused, refused, refused
	low.Words, low.Evidence, low.Reasons = "", wontfix.EvidenceNone, []string{"no-reason-given"}
	fixed.From, fixed.To, fixed.ToDetail, fixed.Reasons, fixed.Words = "needed", "released", "3.4.3-1ubuntu1~14.04.7", nil, ""
	fixed.Revision = revisionOf("9d8c7b6a594837261504f3e2d1c0b9a897867509", "Leonidas S. Barbosa", "2018-04-23T12:00:00-03:00", "Process USN-3604-1", 2)
	put.From, put.To, put.ToDetail, put.Reasons, put.Words = "needs-triage", "deferred", "2018-04-20", nil, ""
	put.Revision = revisionOf("1f2e3d4c5b6a79880716253443526170f1e2d310", "Steve Beattie", "2018-04-23T09:30:00-07:00", "glibc triage", 1)
	swept.Class, swept.Words, swept.ToDetail, swept.Reasons, swept.Revision = wontfix.ClassEOLSweep, "", "reached end-of-life", []string{"eol-release"}, *exampleCommit("7c1a90d2")
	m := exampleMachine()
	c := &wontfix.Changes{Schema: wontfix.ChangesSchema, Tool: "wontfix 1.0.0", Tracker: exampleTracker(), Since: *exampleCommit("24b5560e"), Until: *exampleCommit("e1bd2332"), Machine: m,
		Rows: []wontfix.RowChange{
			exampleChange("CVE-2014-9365", "python2.7", "trusty", "medium", wontfix.DecisionWontFix, refused),
			exampleChange("CVE-2014-9365", "python2.7", "trusty/esm", "medium", wontfix.DecisionWontFix, refused),
			exampleChange("CVE-2013-7040", "python2.7", "trusty", "low", wontfix.DecisionWontFix, low),
			exampleChange("CVE-2017-18207", "python2.7", "trusty", "low", wontfix.DecisionWontFix, low),
			exampleChange("CVE-2016-0772", "python3.4", "trusty", "medium", wontfix.DecisionFixed, fixed),
			exampleChange("CVE-2016-10228", "eglibc", "trusty", "negligible", wontfix.DecisionDeferred, put),
		},
		Hidden: []wontfix.Hidden{{Count: 18, Because: "not affected before and after (--all)"}}}
	c.Rows[0].Installed = "2.7.6-8"
	for _, id := range []string{"CVE-2015-1234", "CVE-2015-2345", "CVE-2015-3456", "CVE-2015-4567", "CVE-2015-5678"} {
		c.Rows = append(c.Rows, exampleChange(id, "systemd", "precise", "medium", wontfix.DecisionEndOfLife, swept))
	}
	return c
}

func exampleStats() *wontfix.Stats {
	s := &wontfix.Stats{Schema: wontfix.StatsSchema, Tool: "wontfix 1.0.0", Tracker: exampleTracker(), Time: exampleTracker().Time,
		First: exampleCommit("182e45b7").Time, Commits: 40731}
	for i, name := range []string{"precise", "precise/esm", "trusty", "trusty/esm", "xenial"} {
		n := i + 1
		s.Releases = append(s.Releases, wontfix.ReleaseStats{Release: name, Rows: 20000 * n, Fixes: wontfix.Wait{Count: 3000 * n, Dated: 2900 * n, Median: 61 / n, Ninety: 420 / n},
			Refusals: wontfix.Wait{Count: 900 * n, Dated: 800 * n, Median: 110 * n, Ninety: 1200 + 70*n}, NoReason: 210 * n, Reversals: 7 * n, Ended: 8000 / n, Undecided: 50 * i})
	}
	for i, n := range []int{120, 455, 1900, 5210, 12, 0, 2204} {
		s.Years = append(s.Years, wontfix.YearStats{Year: 2014 + i, Refusals: n, NoReason: n / 3, Reversals: n / 100,
			ByReason: map[string]int{"eol-release": n / 2, "too-intrusive": n / 9, "no-reason-given": n / 3, "disputed": n / 50},
			ByClass:  map[string]int{"eol-sweep": n / 2, "decision": n / 4, "create": n / 4}})
	}
	return s
}

// exampleHistory is the history of CVE-2014-9365.
func exampleHistory() *wontfix.EntryHistory {
	const id = "CVE-2014-9365"
	h := &wontfix.EntryHistory{Schema: wontfix.HistorySchema, Tool: "wontfix 1.0.0", Tracker: exampleTracker(), ID: id,
		Rows: []wontfix.RowHistory{{ID: id, Source: "python2.7", Release: "trusty", Status: "ignored", Origin: exampleOrigins()[0], Timeline: *exampleTimeline()}}}
	for _, e := range exampleTimeline().Events {
		c := wontfix.EntryCommit{Revision: e.Revision, FromFolder: e.FromFolder, ToFolder: e.ToFolder, Rows: 1, Notes: e.Notes}
		if e.Class == wontfix.ClassCreate {
			c.Fields = []wontfix.FieldChange{{Name: "Priority", To: "untriaged"}, {Name: "PublicDate", To: "2014-12-12"}}
		}
		h.Commits = append(h.Commits, c)
	}
	h.Commits[1].Fields = []wontfix.FieldChange{{Name: "Priority", From: "untriaged", To: "medium"}, {Name: "Assigned-to", To: "mdeslaur"}}
	h.Commits = append(h.Commits,
		wontfix.EntryCommit{Revision: revisionOf("6e40a96485ef0e1d2c3b4a5968778695a4b3c211", "Seth Arnold", "2019-10-02T11:11:11-07:00", "CVE-triage Wed", 30572),
			FromFolder: "retired", ToFolder: "retired", Fields: []wontfix.FieldChange{{Name: "PublicDate", From: "2014-12-12", To: "2014-12-12 11:59:00 UTC"}}},
		wontfix.EntryCommit{Revision: *exampleCommit("50eb57c3"), FromFolder: "retired", ToFolder: "retired"})
	return h
}

// examplePackageHistory is the history of a package over two vulnerabilities.
func examplePackageHistory() *wontfix.EntryHistory {
	swept := wontfix.Event{Revision: *exampleCommit("7c1a90d2"), Class: wontfix.ClassEOLSweep, From: "needed", To: "ignored", ToDetail: "reached end-of-life"}
	return &wontfix.EntryHistory{Schema: wontfix.HistorySchema, Tool: "wontfix 1.0.0", Tracker: exampleTracker(), Package: "python2.7",
		Rows: []wontfix.RowHistory{
			{ID: "CVE-2014-9365", Source: "python2.7", Release: "trusty", Status: "ignored", Timeline: *exampleTimeline()},
			{ID: "CVE-2014-9365", Source: "python2.7", Release: "precise", Status: "ignored", Detail: "end of life",
				Timeline: wontfix.Timeline{Events: []wontfix.Event{swept}, Unseen: "what came before 2016-01-28: the history was fetched from there on"}},
		}}
}
