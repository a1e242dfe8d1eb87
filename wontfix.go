// Package wontfix has the nouns of the project: what a tracker says
// ([Entry], [Statement]), what a machine has ([Machine], [Package]), and what
// follows for its owner ([Finding], [Dismissal], [Scan], [Dossier]).
//
// It does no input or output and imports the standard library alone. The verbs
// are in the folders beside it: tracker reads what publishers decided,
// inventory reads what is installed, match compares the two, report writes the
// answer. docs/architecture.md is the tour.
package wontfix

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Tracker is a publisher's running record of vulnerabilities, as it was at
// one revision.
type Tracker struct {
	Name     string    `json:"name"`               // "ubuntu"
	Title    string    `json:"title,omitempty"`    // "Ubuntu CVE Tracker"
	Source   string    `json:"source,omitempty"`   // where it was read from: a URL or a path
	Revision string    `json:"revision,omitempty"` // commit id; empty for a plain directory
	Time     time.Time `json:"time,omitzero"`      // when the revision was made
	Synced   time.Time `json:"synced,omitzero"`    // when it was read

	// PageURL and LineURL are templates of links. {id}, {file}, {revision}
	// and {line} stand for the parts of a fact's provenance.
	PageURL string `json:"-"`
	LineURL string `json:"-"`
}

// Page returns the address of the publisher's page about a vulnerability, or
// "" if it has none.
func (t *Tracker) Page(id string) string {
	return strings.ReplaceAll(t.PageURL, "{id}", id)
}

// Line returns the address that shows one line of one of the tracker's files
// at the tracker's revision. Without a revision or a template it is "".
func (t *Tracker) Line(file string, line int) string {
	if t.LineURL == "" || t.Revision == "" {
		return ""
	}
	var url strings.Builder
	rest := t.LineURL
	for {
		before, behind, ok := strings.Cut(rest, "{")
		url.WriteString(before)
		if !ok {
			return url.String()
		}
		name, after, _ := strings.Cut(behind, "}")
		switch rest = after; name {
		case "file":
			url.WriteString(file)
		case "revision":
			url.WriteString(t.Revision)
		case "line":
			url.WriteString(strconv.Itoa(line))
		default:
			url.WriteByte('{')
			rest = behind
		}
	}
}

// An Entry is all that one tracker says about one vulnerability.
type Entry struct {
	Tracker    string   `json:"tracker,omitzero"`
	ID         string   `json:"id,omitzero"`        // the vulnerability: "CVE-2014-9365"
	Aliases    []string `json:"aliases,omitzero"`   // other IDs of the same vulnerability
	File       string   `json:"file,omitzero"`      // path in the tracker: "retired/CVE-2014-9365"
	Candidate  string   `json:"candidate,omitzero"` // the ID as the text itself gives it
	Withdrawn  string   `json:"withdrawn,omitzero"` // why the whole entry does not count, in one phrase; "" if it does
	Published  string   `json:"published,omitzero"` // effective date of publication as written; see [Entry.PublishedAt]
	PublicDate string   `json:"public_date,omitzero"`
	DateAtUSN  string   `json:"date_at_usn,omitzero"` // PublicDate as it was when the first advisory went out
	CRD        string   `json:"crd,omitzero"`         // coordinated release date

	Description  string `json:"description,omitzero"` // the public text about the vulnerability
	VendorText   string `json:"vendor_text,omitzero"` // the publisher's own text about it
	Mitigation   string `json:"mitigation,omitzero"`
	DiscoveredBy string `json:"discovered_by,omitzero"`
	AssignedTo   string `json:"assigned_to,omitzero"`

	References []string           `json:"references,omitzero"`
	Bugs       []string           `json:"bugs,omitzero"`
	Notes      []Note             `json:"notes,omitzero"`
	Priority   Priority           `json:"priority,omitzero"`
	Priorities []PriorityOverride `json:"priorities,omitzero"`
	CVSS       []CVSS             `json:"cvss,omitzero"`
	Tags       []Tag              `json:"tags,omitzero"`
	Patches    []PatchSet         `json:"patches,omitzero"`
	Statements []Statement        `json:"statements,omitzero"`
}

// A Note is what one author wrote beside an entry, in the author's words.
type Note struct {
	Author string `json:"author"`
	Text   string `json:"text"`
	Line   int    `json:"line"`
}

// A Priority is the publisher's urgency. It is not a severity: see [CVSS].
type Priority struct {
	Word   string `json:"word,omitzero"` // as the tracker has it: "medium"
	Reason string `json:"reason,omitzero"`
	Line   int    `json:"line,omitzero"`
}

// A PriorityOverride is a priority for one package, or for one package in one
// release, that takes the place of the entry's.
type PriorityOverride struct {
	Source  string `json:"source,omitzero"`
	Release string `json:"release,omitzero"` // in the tracker's spelling; "" for every release
	Priority
}

// CVSS is one rating of severity by one source.
type CVSS struct {
	Source   string `json:"source"`
	Vector   string `json:"vector"`
	Score    string `json:"score,omitempty"`
	Severity string `json:"severity,omitempty"`
}

// A Tag is a list of the tracker's marks on a package.
type Tag struct {
	Key   string   `json:"key,omitzero"` // package, or package_release
	Words []string `json:"words,omitzero"`
	Line  int      `json:"line,omitzero"`
}

// A PatchSet is the list of patches for one package.
type PatchSet struct {
	Source  string  `json:"source,omitzero"`
	Patches []Patch `json:"patches,omitzero"`
	Line    int     `json:"line,omitzero"`
}

// A Patch is one place where a fix can be found.
type Patch struct {
	Kind string `json:"kind"` // "upstream", "break-fix", "debdiff", …, as written
	Text string `json:"text"` // mostly a URL; for break-fix two fields of commit ids
	Line int    `json:"line"`
}

// PriorityFor returns the priority of a source package in a release, in the
// tracker's spelling: the override for both, else the one for the package,
// else the entry's, else "untriaged".
func (e *Entry) PriorityFor(source, release string) Priority {
	best, rank := e.Priority, 0
	for _, o := range e.Priorities {
		switch {
		case o.Source != source:
		case o.Release == release && release != "":
			return o.Priority
		case o.Release == "" && rank < 1:
			best, rank = o.Priority, 1
		}
	}
	if best.Word == "" {
		best.Word = "untriaged"
	}
	return best
}

// PublishedAt returns the effective date of publication as YYYY-MM-DD, or ""
// if the entry has none that can be read.
func (e *Entry) PublishedAt() string {
	if len(e.Published) < 10 {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, e.Published[:10]); err != nil {
		return ""
	}
	return e.Published[:10]
}

// A Statement is what an entry says of one source package in one release: the
// tracker's words, where they stand, and what they mean.
type Statement struct {
	ID     string `json:"id,omitzero"`     // of the vulnerability
	Source string `json:"source,omitzero"` // source package
	// Binary says that Source names a binary package: there are publishers
	// that speak of what is installed, and not of what it was built from.
	Binary bool `json:"binary,omitzero"`
	// Module is the module and stream, as in "python39:3.9", that a package of
	// a modular distribution has to be from for the statement to speak of it.
	Module  string  `json:"module,omitzero"`
	Release Release `json:"release,omitzero"`
	Label   string  `json:"label,omitzero"`  // the release in the tracker's spelling: "trusty/esm"
	Word    string  `json:"word,omitzero"`   // the tracker's status word: "ignored"
	Detail  string  `json:"detail,omitzero"` // the text that goes with it, usually from brackets
	File    string  `json:"file,omitzero"`
	Line    int     `json:"line,omitzero"`
	// Pointer says where in File the statement stands if Line alone does not:
	// a JSON Pointer (RFC 6901), or the ID of an element. It is known right
	// after parsing; a database keeps the line.
	Pointer string `json:"pointer,omitzero"`

	// DevelOf is set where the release is the one under development: the
	// series that it was when the entry was last worked on.
	DevelOf string `json:"devel_of,omitzero"`

	// Origin says who decided; nil where that was not asked for.
	Origin *Origin `json:"origin,omitzero"`

	Priority  string `json:"priority,omitzero"`  // the publisher's urgency for this package and release
	Published string `json:"published,omitzero"` // effective date of publication, YYYY-MM-DD

	Meaning
}

// Meaning is what the words of a statement say in the project's terms.
type Meaning struct {
	Status   Status   `json:"status,omitzero"`
	Decision Decision `json:"decision,omitzero"`
	Reasons  Reasons  `json:"reasons,omitzero"`
	Evidence Evidence `json:"evidence,omitzero"` // where the reasons were read
	// EvidenceLine is the line of the file that holds the evidence.
	EvidenceLine int `json:"evidence_line,omitzero"`

	// Strength is how much weight the publisher puts on it, and Scope what it
	// was said of.
	Strength Strength `json:"strength,omitzero"`
	Scope    Scope    `json:"scope,omitzero"`

	Introduced string `json:"introduced,omitzero"` // first version that is vulnerable; "" if all before Fixed are
	Fixed      string `json:"fixed,omitzero"`      // first version with the fix
	Advisory   string `json:"advisory,omitzero"`   // the advisory that brought the fix
	Was        string `json:"was,omitzero"`        // status word that a sweep has overwritten
	WasDetail  string `json:"was_detail,omitzero"`
	Successor  string `json:"successor,omitzero"` // source package that carries the work on
	// Words are the tracker's own words that the reasons were read from, where
	// they are not in Detail.
	Words string `json:"words,omitzero"`
	Since string `json:"since,omitzero"` // date that the tracker puts beside a deferral, YYYY-MM-DD
	// Decided is the date that the publisher itself gives for the decision,
	// YYYY-MM-DD.
	Decided string `json:"decided,omitzero"`
	// Because says in a phrase why an open word means that there is nothing
	// to fix. It is set for decisions not-affected and withdrawn only.
	Because string `json:"because,omitzero"`
	// LastAffected is the last version that is known to be vulnerable, where
	// no version with the fix is named.
	LastAffected string `json:"last_affected,omitzero"`
}

// A Change is what became of one entry between two revisions of a tracker.
type Change struct {
	File  string
	ID    string
	Entry *Entry // nil if the entry is gone
	Text  []byte // the file, byte for byte; nil if the entry is gone
	// Problems are the lines that could not be read, in order of line.
	Problems []Problem
}

// A Problem is something wrong at one line of a file. It is an error.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"` // 0 if it is about the whole file
	Text string `json:"text"` // begins with the thing, not with "failed"
}

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}
