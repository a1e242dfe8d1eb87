package wontfix

import "time"

// A Class says what kind of commit brought a row to read as it does.
type Class uint8

// The classes, in the order in which they are looked for. Of all of them only
// ClassDecision is a decision by somebody who had this entry before them.
const (
	ClassUnknown     Class = iota
	ClassUnseen            // the commit is not at hand
	ClassCreate            // the row was born with the entry
	ClassCopyDevel         // a new release took over what was said of the one under development
	ClassCopyParent        // a product took over what was said of its release
	ClassCopySibling       // a source took over what was said of the one that it derives from
	ClassReword            // the same status in other words, in very many entries
	ClassRemoved           // the row was taken out
	ClassEOLSweep          // the release, or the package in it, had reached its end
	ClassGone              // the package was superseded, replaced or abandoned
	ClassRobot             // a program's doing
	ClassBulk              // one change to very many entries
	ClassDecision
	ClassNote // the row stayed as it was, and notes beside it changed
)

var classNames = names{"unknown", "unseen", "create", "copy-devel", "copy-parent", "copy-sibling", "reword", "removed",
	"eol-sweep", "gone", "robot", "bulk", "decision", "note"}

func (c Class) String() string                { return classNames.text(uint8(c)) }
func (c Class) MarshalText() ([]byte, error)  { return []byte(c.String()), nil }
func (c *Class) UnmarshalText(b []byte) error { return unmarshal(c, classNames, "class", b) }

// ParseClass reads the word that [Class.String] writes.
func ParseClass(s string) (Class, error) { return parse[Class](classNames, "class", s) }

// Classes returns the words of all classes.
func Classes() []string { return append([]string(nil), classNames...) }

// Confidence says how sure it is who decided.
type Confidence uint8

// The degrees of confidence.
const (
	ConfidenceNone   Confidence = iota
	ConfidenceLow               // a template's or a copy's word, and nothing behind it
	ConfidencePolicy            // a rule applied to many entries at once
	ConfidenceMedium            // one person's change, without their own words beside it
	ConfidenceHigh              // one person's change with their own words
)

var confidenceNames = names{"none", "low", "policy", "medium", "high"}

func (c Confidence) String() string               { return confidenceNames.text(uint8(c)) }
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
func (c *Confidence) UnmarshalText(b []byte) error {
	return unmarshal(c, confidenceNames, "confidence", b)
}

// A Revision is what is shown of a [Commit].
type Revision struct {
	Commit  string    `json:"commit"`
	URL     string    `json:"url,omitempty"`
	Author  string    `json:"author"`
	Nick    string    `json:"nick,omitempty"` // the name that the author signs notes with, where the history proves it
	Time    time.Time `json:"time"`           // when the author made it
	Subject string    `json:"subject"`        // first line of the message
	Entries int       `json:"entries"`        // how many entries it changed
}

// An Origin says who decided what a row says.
type Origin struct {
	Class Class `json:"class"`
	// Decided is the commit that brought the decision: of a person, or, as
	// Class says, a sweep or a robot, whose author is credited with no decision.
	Decided *Revision `json:"decided,omitempty"`
	// Wrote is the commit that wrote the row as it reads today, where that is
	// another one: a copy of the row decided about, or other words for it.
	Wrote *Revision `json:"wrote,omitempty"`
	// WroteClass is the class of Wrote.
	WroteClass Class  `json:"wrote_class,omitempty"`
	CopiedFrom string `json:"copied_from,omitempty"` // the row that was decided about, "release_source", where it is another

	// Before is what a person had last said before a sweep, a robot or a bulk
	// change went over it.
	Before *Said `json:"before,omitempty"`

	Evidence   Evidence   `json:"evidence"` // where the reasons stood at the time
	Reasons    []string   `json:"reasons"`
	Words      string     `json:"words,omitempty"` // the evidence itself
	Confidence Confidence `json:"confidence"`
	Reversals  int        `json:"reversals"` // how often a refusal was taken back
}

// Said is a row at one time, and who wrote it.
type Said struct {
	Revision
	Status string `json:"status"` // the tracker's word
	Detail string `json:"detail,omitempty"`
}

// An Event is one change of a row.
type Event struct {
	Revision
	// Row is "release_source" where the event is one of the row that this one
	// was copied from later.
	Row        string     `json:"row,omitempty"`
	Class      Class      `json:"class"`
	From       string     `json:"from"` // the tracker's word; "" if there was no row
	FromDetail string     `json:"from_detail,omitempty"`
	To         string     `json:"to"` // "" if the row was taken out
	ToDetail   string     `json:"to_detail,omitempty"`
	FromFolder string     `json:"from_folder,omitempty"`
	ToFolder   string     `json:"to_folder,omitempty"`
	CopiedFrom string     `json:"copied_from,omitempty"` // "release_source"
	Evidence   Evidence   `json:"evidence"`
	Reasons    []string   `json:"reasons"`
	Words      string     `json:"words,omitempty"`
	Confidence Confidence `json:"confidence"`
	// Reverses says that a refusal was taken back.
	Reverses bool         `json:"reverses,omitempty"`
	Notes    []NoteChange `json:"notes"` // what the same commit did to the notes
}

// A NoteChange is what a commit did to a note.
type NoteChange struct {
	Kind   string `json:"kind"` // "written", "changed" or "deleted"
	Author string `json:"author"`
	Text   string `json:"text"`          // of a deleted note, as it was
	Was    string `json:"was,omitempty"` // of a changed note
}

// A Timeline is what became of one row. Events that changed nothing in it are
// counted and left out.
type Timeline struct {
	Events []Event `json:"events"` // oldest first
	// Folded is how many commits changed the entry without this row.
	Folded int `json:"folded"`
	// Unseen says what is not at hand, "" if everything is.
	Unseen string `json:"unseen,omitempty"`
}

// HistorySchema names the form of [EntryHistory] as JSON.
const HistorySchema = "wontfix.history/1"

// An EntryHistory is what became of one vulnerability, or, across
// vulnerabilities, of one source package.
type EntryHistory struct {
	Schema  string        `json:"schema"`
	Tool    string        `json:"tool"`
	Tracker Tracker       `json:"tracker"`
	ID      string        `json:"id,omitempty"`      // the vulnerability, if it was asked for
	Package string        `json:"package,omitempty"` // the source package, if it was asked for
	Rows    []RowHistory  `json:"rows"`
	Commits []EntryCommit `json:"commits"` // that changed the entry of ID, oldest first
}

// A RowHistory is one row as it reads today, and how it came to that.
type RowHistory struct {
	ID       string   `json:"id"`
	Source   string   `json:"source"`
	Release  string   `json:"release"` // in the tracker's spelling
	Status   string   `json:"status"`  // the tracker's word; "" if there is no row any more
	Detail   string   `json:"detail,omitempty"`
	Origin   *Origin  `json:"origin,omitempty"`
	Timeline Timeline `json:"timeline"`
}

// An EntryCommit is what one commit did to an entry.
type EntryCommit struct {
	Revision
	FromFolder string        `json:"from_folder,omitempty"` // "" if the entry is new
	ToFolder   string        `json:"to_folder,omitempty"`   // "" if it was taken out
	Rows       int           `json:"rows"`                  // how many rows it changed
	Notes      []NoteChange  `json:"notes"`
	Fields     []FieldChange `json:"fields"`
}

// A FieldChange is what a commit did to a field of an entry other than a row or
// a note, such as its priority.
type FieldChange struct {
	Name string `json:"name"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}
