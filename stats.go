package wontfix

import "time"

// ChangesSchema names the form of [Changes] as JSON.
const ChangesSchema = "wontfix.changes/1"

// Changes is what was decided about a machine's packages, or about a release,
// between two times.
type Changes struct {
	Schema  string      `json:"schema"`
	Tool    string      `json:"tool"`
	Tracker Tracker     `json:"tracker"`
	Since   Revision    `json:"since"` // the tracker as it was before
	Until   Revision    `json:"until"`
	Machine *Machine    `json:"machine,omitempty"` // nil if no machine was looked at
	Release string      `json:"release,omitempty"` // in the tracker's spelling, if a release was asked for
	Rows    []RowChange `json:"rows"`              // by time, newest first
	Hidden  []Hidden    `json:"hidden"`            // what Rows leaves out, and why
}

// A RowChange is what became of one row.
type RowChange struct {
	ID       string   `json:"id"`
	Source   string   `json:"source"`
	Release  string   `json:"release"` // in the tracker's spelling
	Priority string   `json:"priority"`
	From     string   `json:"from"` // the tracker's word before; "" if there was no row
	FromText string   `json:"from_detail,omitempty"`
	To       string   `json:"to"` // "" if there is no row any more
	ToText   string   `json:"to_detail,omitempty"`
	Was      Decision `json:"was"`
	Is       Decision `json:"is"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	URL      string   `json:"url"`
	// Installed is the version of the source on the machine.
	Installed string  `json:"installed_version,omitempty"`
	Fixed     string  `json:"fixed_version,omitempty"`
	Origin    *Origin `json:"origin,omitempty"`
	Events    []Event `json:"events"` // oldest first
}

// StatsSchema names the form of [Stats] as JSON.
const StatsSchema = "wontfix.stats/1"

// Stats counts how a tracker decides.
type Stats struct {
	Schema   string         `json:"schema"`
	Tool     string         `json:"tool"`
	Tracker  Tracker        `json:"tracker"`
	Time     time.Time      `json:"time"`
	First    time.Time      `json:"first"` // when the history begins that was counted
	Commits  int            `json:"commits"`
	Releases []ReleaseStats `json:"releases"` // oldest release first
	Years    []YearStats    `json:"years"`    // in order; the year of the decision
}

// ReleaseStats is about the rows of one release, in the tracker's spelling.
type ReleaseStats struct {
	Release  string `json:"release"`
	Rows     int    `json:"rows"`
	Fixes    Wait   `json:"fixes"`    // from publication to the commit that says released
	Refusals Wait   `json:"refusals"` // from publication to the commit that says that it will not be fixed
	// NoReason is how many of the refusals have no reason anywhere.
	NoReason  int `json:"no_reason"`
	Reversals int `json:"reversals"` // rows of which a refusal was taken back
	Ended     int `json:"ended"`     // rows closed because the release or the package had ended
	Undecided int `json:"undecided"` // rows that nobody has judged
}

// A Wait is how long something took, in days.
type Wait struct {
	Count  int `json:"count"`  // how many there were, those without a date included
	Dated  int `json:"dated"`  // of these, how many have a date of publication
	Median int `json:"median"` // half took no longer
	Ninety int `json:"ninety"` // nine in ten took no longer
}

// YearStats is about the refusals of one year.
type YearStats struct {
	Year      int            `json:"year"`
	Refusals  int            `json:"refusals"`
	ByReason  map[string]int `json:"by_reason"` // a refusal can have several
	ByClass   map[string]int `json:"by_class"`
	NoReason  int            `json:"no_reason"`
	Reversals int            `json:"reversals"` // in that year
}
