package wontfix

import "time"

// ScanSchema names the form of [Scan] as JSON. docs/scan-json.md describes it.
const ScanSchema = "wontfix/scan/1"

// A Scan is the answer for one machine. Its JSON is the scan itself: every
// other format is made from it.
type Scan struct {
	Schema string    `json:"schema"`
	Tool   string    `json:"tool"` // name and version of the program
	Time   time.Time `json:"time"`
	// AsOf is the time that the answer is of, if that is not Time: what the
	// tracker said then of the packages of today.
	AsOf      time.Time   `json:"as_of,omitzero"`
	Machine   *Machine    `json:"machine"`
	Trackers  []Tracker   `json:"trackers"`
	Summary   Summary     `json:"summary"`
	Findings  []Finding   `json:"findings"`
	Dismissed []Dismissal `json:"dismissed"`
	Coverage  Coverage    `json:"coverage"`
	// Behaviour is what the clients of the machine were last seen to do, whether
	// there is a finding or not.
	Behaviour []Behaviour `json:"behaviour"`
	Unsaid    []Unsaid    `json:"unsaid"`
	Problems  []Problem   `json:"problems"`
}

// Unsaid is something that the scan could not say.
type Unsaid struct {
	What    string `json:"what"`
	Why     string `json:"why"`
	Command string `json:"command,omitempty"` // what would bring the answer
}

// A Summary counts. Maps have a key for each value that occurs.
type Summary struct {
	Findings        int             `json:"findings"`
	Vulnerabilities int             `json:"vulnerabilities"` // distinct IDs among the findings
	Sources         int             `json:"sources"`         // source packages with a finding
	ByOutlook       map[Outlook]int `json:"by_outlook"`
	NeverByReason   map[string]int  `json:"never_by_reason"`
	ByPriority      map[string]int  `json:"by_priority"`
	Dismissed       int             `json:"dismissed"`
	DismissedBy     map[string]int  `json:"dismissed_by"`
	Unwatched       int             `json:"unwatched"`
	Upgradable      int             `json:"upgradable"`
	Hidden          []Hidden        `json:"hidden"`
}

// Hidden counts the findings that a filter left out of the list.
type Hidden struct {
	Count   int    `json:"count"`
	Because string `json:"because"`
}

// A Row is a statement as its tracker has it, with the place where it stands.
type Row struct {
	Name     string `json:"name"`    // of the tracker
	Release  string `json:"release"` // in the tracker's spelling
	Package  string `json:"package,omitempty"`
	Status   string `json:"status"` // the tracker's word
	Detail   string `json:"detail"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Revision string `json:"revision"`
	URL      string `json:"url"` // of the line, if the tracker has such an address, else of the page
}

// A Finding is a source package on a machine with the statement that says it
// is vulnerable, or that nobody has judged it.
type Finding struct {
	ID            string   `json:"id"`
	Source        string   `json:"source"` // as the tracker calls it
	SourceVersion string   `json:"source_version"`
	Installed     string   `json:"installed_source,omitempty"` // the machine's own name of the source, where it differs
	Binaries      []string `json:"binaries"`
	Tracker       Row      `json:"tracker"`
	Status        Status   `json:"status"`
	Decision      Decision `json:"decision"`
	Reasons       []string `json:"reasons"`
	Evidence      Evidence `json:"reason_evidence"`
	ReasonText    string   `json:"reason_text"` // the tracker's words that the reasons were read from
	ReasonLine    int      `json:"reason_line,omitempty"`
	Outlook       Outlook  `json:"outlook"`
	FixedVersion  string   `json:"fixed_version"`
	Priority      string   `json:"priority"`
	Published     string   `json:"published"`
	Because       string   `json:"because"`           // why this is a finding, in one sentence
	Product       string   `json:"product,omitempty"` // the product that has the fix, for outlook paid
	Successor     string   `json:"successor,omitempty"`
	Offer         *Offer   `json:"offer,omitempty"` // the fixed version in a package list of the machine
	Held          bool     `json:"held,omitempty"`  // a binary of it is on hold
	// Kernel is "running" or "not-running" for a kernel whose machine is up.
	Kernel string `json:"kernel,omitempty"`
	Others []Row  `json:"others,omitempty"` // further rows that were weighed

	// Behaviour is what clients of the package were last seen to do. It never
	// changes the finding.
	Behaviour []Behaviour `json:"behaviour,omitempty"`

	// Origin says who decided; nil if the database has no history.
	Origin *Origin `json:"origin,omitempty"`

	// Exploitation is what is known of it being exploited; nil for nothing.
	Exploitation *Exploitation `json:"exploitation,omitempty"`

	// FixedElsewhere are the other publishers that fixed it; nil if that was
	// not asked for.
	FixedElsewhere []string `json:"fixed_elsewhere,omitempty"`
}

// A Dismissal is an open row that is nevertheless no finding.
type Dismissal struct {
	ID            string `json:"id"`
	Source        string `json:"source"`
	SourceVersion string `json:"source_version"`
	Tracker       Row    `json:"tracker"`
	Kind          string `json:"kind"`
	Because       string `json:"because"`
	Says          Row    `json:"says"` // the row that says so; often the same
}

// Coverage says who watches the packages of a machine. It needs no tracker.
type Coverage struct {
	Upgradable []Upgrade    `json:"upgradable"`
	Unwatched  []Unwatched  `json:"unwatched"`
	Notices    []Notice     `json:"notices"`
	Backports  []Backport   `json:"backports,omitempty"`
	Archives   []Archive    `json:"archives"`
	Components []Components `json:"components"`
}

// An Upgrade is an installed package for which an archive has a higher version.
type Upgrade struct {
	Name    string `json:"name"`
	Source  string `json:"source"`
	Version string `json:"version"`
	Held    bool   `json:"held,omitempty"`
	Offer   Offer  `json:"offer"`
}

// An Unwatched is a package whose holes no tracker of the distribution follows.
type Unwatched struct {
	Name    string   `json:"name"`
	Source  string   `json:"source"`
	Version string   `json:"version"`
	Kind    string   `json:"kind"` // "third-party", "local" (no archive offers it), "superseded" (archives have other versions only)
	Archive *Archive `json:"archive,omitempty"`
}

// A Backport is a list of vulnerabilities that the changelog of an installed
// package names: proof that the fix is in, whatever the version number says.
type Backport struct {
	Source  string   `json:"source"`
	Version string   `json:"version"`
	IDs     []string `json:"ids"`
	File    string   `json:"file"`
}

// Components counts installed packages by the part of the archive they come from.
type Components struct {
	Origin    string `json:"origin"`
	Component string `json:"component"`
	Packages  int    `json:"packages"`
}

// A Dossier is all that can be said about one vulnerability.
type Dossier struct {
	Schema      string  `json:"schema"`
	ID          string  `json:"id"`
	Tracker     Tracker `json:"tracker"`
	File        string  `json:"file"`
	Page        string  `json:"page"` // the publisher's page
	Published   string  `json:"published"`
	Priority    string  `json:"priority"`
	PriorityWhy string  `json:"priority_reason,omitempty"`
	Withdrawn   string  `json:"withdrawn,omitempty"`
	Description string  `json:"description"`
	VendorText  string  `json:"vendor_text,omitempty"`
	Mitigation  string  `json:"mitigation,omitempty"`
	CVSS        []CVSS  `json:"cvss"`

	Exploitation *Exploitation `json:"exploitation,omitempty"` // nil for nothing known

	// Context is what is said of the vulnerability as a whole by those who
	// decide nothing: a CVE record that is disputed or rejected, say.
	Context    []Row     `json:"context,omitempty"`
	Subjects   []Subject `json:"subjects"`
	Notes      []Note    `json:"notes"`
	Bugs       []string  `json:"bugs"`
	References []string  `json:"references"`
	AssignedTo string    `json:"assigned_to,omitempty"`
	Machine    string    `json:"machine,omitempty"` // what was looked at, if a machine was
	AsOf       time.Time `json:"as_of,omitzero"`    // the time that the answer is of, if that is not today
	Revision   string    `json:"revision"`
	Problems   []Problem `json:"problems,omitempty"`
}

// DossierSchema names the form of [Dossier] as JSON.
const DossierSchema = "wontfix/dossier/1"

// A Subject is one source package in one release, within a dossier.
type Subject struct {
	Source    string     `json:"source"`
	Release   string     `json:"release"`
	Row       *Row       `json:"row,omitempty"` // nil if the tracker says nothing
	Finding   *Finding   `json:"finding,omitempty"`
	Dismissal *Dismissal `json:"dismissal,omitempty"`
	Status    Status     `json:"status"`
	Decision  Decision   `json:"decision"`
	Reasons   []string   `json:"reasons"`
	Evidence  Evidence   `json:"reason_evidence"`
	// ReasonText are the tracker's words that the reasons were read from.
	ReasonText string   `json:"reason_text,omitempty"`
	ReasonLine int      `json:"reason_line,omitempty"`
	Outlook    *Outlook `json:"outlook,omitempty"` // nil if there is nothing to wait for
	Fixed      string   `json:"fixed_version,omitempty"`
	Priority   string   `json:"priority"`
	Installed  string   `json:"installed_version,omitempty"`
	Successor  string   `json:"successor,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Patches    []Patch  `json:"patches"`
	Upstream   *Row     `json:"upstream,omitempty"`
	Changelog  string   `json:"changelog,omitempty"` // the installed package's changelog line that names the vulnerability
	Elsewhere  []Other  `json:"elsewhere"`           // the same package in other releases
	Siblings   []Other  `json:"siblings"`            // other packages of the entry in this release
	// Behaviour is what clients of the installed package were last seen to do.
	Behaviour []Behaviour `json:"behaviour,omitempty"`

	// Origin says who decided what the row says, and History how it came to
	// that. Both are nil if the database has no history.
	Origin  *Origin   `json:"origin,omitempty"`
	History *Timeline `json:"history,omitempty"`

	// Opinions are what other publishers say; nil if the database has no
	// other tracker.
	Opinions *Opinions `json:"opinions,omitempty"`
}

// An Other is a statement beside the one that was asked for.
type Other struct {
	Source    string   `json:"source"`
	Release   string   `json:"release"`
	Row       Row      `json:"row"`
	Decision  Decision `json:"decision"`
	Fixed     string   `json:"fixed_version,omitempty"`
	Installed string   `json:"installed_version,omitempty"`
}
