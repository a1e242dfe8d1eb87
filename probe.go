package wontfix

import "time"

// ProbeSchema names the form of [Probe] as JSON. docs/scan-json.md describes it.
const ProbeSchema = "wontfix/probe/1"

// A Probe is what the TLS clients of a machine did with bad certificates. Its
// JSON is the probe itself: every other format is made from it.
type Probe struct {
	Schema    string        `json:"schema"`
	Tool      string        `json:"tool"` // name and version of the program
	Time      time.Time     `json:"time"`
	Room      Room          `json:"room"`
	Summary   ProbeSummary  `json:"summary"`
	Cases     []Case        `json:"cases"`    // those that were played
	Clients   []Client      `json:"clients"`  // worst first
	Outcomes  []Outcome     `json:"outcomes"` // in the order of clients, then of cases
	Failures  []Failure     `json:"failures"` // what is wrong, worst first
	Overrides []Override    `json:"overrides"`
	Shell     *ProbeInShell `json:"shell,omitempty"` // a second pass with the environment of the user
	Behaviour []Behaviour   `json:"behaviour"`       // what it says of vulnerabilities
	Untested  []Untested    `json:"untested"`
	Absent    []string      `json:"absent"` // kinds of clients that are known and were not found
}

// ProbeSummary counts the clients of a probe.
type ProbeSummary struct {
	Clients   int `json:"clients"`
	Cases     int `json:"cases"`
	Unsafe    int `json:"unsafe"`    // accepted what they had to refuse, or sent their request before they refused
	Leaking   int `json:"leaking"`   // of these, those that sent it before
	Safe      int `json:"safe"`      // refused all that they had to refuse
	Undecided int `json:"undecided"` // have no verdict in some case, and none that is wrong
	Overrides int `json:"overrides"`
	Effective int `json:"effective"` // overrides that were seen to change what a client does
}

// A Room says where clients ran.
type Room struct {
	// Isolated is set in namespaces of our own: there is no network but the
	// loopback address, nothing can be written outside a folder in memory, and
	// the system's store of trusted certificates has those of the probe alone.
	Isolated bool     `json:"isolated"`
	Why      string   `json:"why,omitempty"` // why it is not isolated
	Nobody   bool     `json:"nobody"`        // clients ran as nobody where they could
	Notes    []string `json:"notes,omitempty"`
}

// A Case says how a server misbehaves.
type Case struct {
	ID        string   `json:"id"` // T for trust, N names, C constraints, K keys, P protocol, R revocation, X HTTP, M mail, S pins
	Presents  string   `json:"presents"`
	Expect    Expect   `json:"expect"`
	Severity  Severity `json:"severity"` // of a wrong answer
	Reference string   `json:"reference,omitempty"`
	CVEs      []string `json:"cves,omitempty"`      // vulnerabilities whose behaviour it is
	Host      string   `json:"host"`                // the name in the URL
	Core      bool     `json:"core,omitempty"`      // one of those that a probe plays if not told which
	Pinned    bool     `json:"pinned,omitempty"`    // for clients that trust one authority only
	Protocols []string `json:"protocols,omitempty"` // that it can be played in; empty is all
}

// A Verdict says what a client did in one case.
type Verdict string

// The verdicts.
const (
	VerdictAccept  Verdict = "accept"     // the request, with our token, came after the handshake
	VerdictLeak    Verdict = "leak"       // it came, and the client refused the certificate afterwards
	VerdictReject  Verdict = "reject"     // the client connected and sent no request
	VerdictTimeout Verdict = "timeout"    // the limit was reached twice: no verdict
	VerdictError   Verdict = "error"      // the client never connected: no verdict
	VerdictNone    Verdict = "no-verdict" // the control was not accepted: nothing follows from the rest
)

// Verdicts returns the words for all verdicts.
func Verdicts() []string {
	return texts(VerdictAccept, VerdictLeak, VerdictReject, VerdictTimeout, VerdictError, VerdictNone)
}

// An Expect says what a client in its default configuration that trusts the
// probe's authority should do.
type Expect string

// What is expected.
const (
	ExpectAccept Expect = "accept"
	ExpectReject Expect = "reject"
	ExpectEither Expect = "either" // reported, never counted
)

// Expects returns the words for all that can be expected.
func Expects() []string { return texts(ExpectAccept, ExpectReject, ExpectEither) }

// A Severity says how bad a wrong verdict is.
type Severity string

// The severities, worst first. Control and interop are those of cases that a
// client has to accept.
const (
	SeverityCritical Severity = "critical"
	SeverityHigh     Severity = "high"
	SeverityMedium   Severity = "medium"
	SeverityLow      Severity = "low"
	SeverityInfo     Severity = "info"
	SeverityInterop  Severity = "interop"
	SeverityControl  Severity = "control"
)

// Severities returns the words for all severities, worst first.
func Severities() []string {
	return texts(SeverityCritical, SeverityHigh, SeverityMedium, SeverityLow, SeverityInfo, SeverityInterop, SeverityControl)
}

// A Client is a program of a machine, or one library of an interpreter, that
// speaks TLS.
type Client struct {
	ID       string   `json:"id"`   // unique on the machine: "curl", "python3.11/urllib"
	Kind     string   `json:"kind"` // the program, and its library if it has several: "python/urllib"
	Path     string   `json:"path"`
	Version  string   `json:"version,omitempty"`
	Library  string   `json:"library,omitempty"` // for TLS, as it says itself
	Protocol string   `json:"protocol"`          // https, smtps, imaps, pop3s; smtp, imap, pop3, ftps with STARTTLS; tls
	Args     []string `json:"args"`              // with {url}, {host}, {port} for the server
	// Package is the binary package that has the file, Source the one that it was
	// built from. They are empty if no package has it.
	Package        string `json:"package,omitempty"`
	PackageVersion string `json:"package_version,omitempty"`
	Source         string `json:"source,omitempty"`
}

// A Seen is what the server saw of one run of a client.
type Seen struct {
	Connections int    `json:"connections"`
	SNI         string `json:"sni,omitempty"`     // the name that the client asked for
	Alert       int    `json:"alert,omitempty"`   // the client's alert, RFC 8446 section 6; 0 is none
	Request     bool   `json:"request"`           // application data that carried the token
	Foreign     string `json:"foreign,omitempty"` // the first line of a request that is not ours
	Handshake   bool   `json:"handshake"`         // the handshake came to its end
	Hop         bool   `json:"hop,omitempty"`     // the client followed the redirect
	Note        string `json:"note,omitempty"`    // why nothing follows from what was seen
}

// An Outcome is what one client did in one case.
type Outcome struct {
	Client   string        `json:"client"` // [Client.ID]
	Case     string        `json:"case"`   // [Case.ID]
	Verdict  Verdict       `json:"verdict"`
	Reason   string        `json:"reason,omitempty"` // the alert's name, or the client's words: at most 300 characters
	Seen     Seen          `json:"seen"`
	Duration time.Duration `json:"duration"` // nanoseconds
}

// A Failure is what clients do wrong alike.
type Failure struct {
	Severity Severity  `json:"severity"` // of the worst of the cases
	Clients  []string  `json:"clients"`  // their IDs
	Accepts  []string  `json:"accepts"`  // cases that all of them accepted and had to refuse
	Leaks    []string  `json:"leaks"`    // cases in which all of them refused after they had sent their request
	Wrong    string    `json:"wrong"`    // what is wrong, in a sentence
	Means    string    `json:"means"`    // what follows from it
	Advice   []Advice  `json:"advice"`   // what to do
	Decided  []Decided `json:"decided"`  // what the distribution decided about it
}

// Advice says what to do about clients.
type Advice struct {
	Clients []string `json:"clients"`
	Text    string   `json:"text"`
}

// A Decided is what a tracker says of a vulnerability that a client shows.
type Decided struct {
	ID       string   `json:"id"`
	Source   string   `json:"source"`
	Release  string   `json:"release"`
	Decision Decision `json:"decision"`
	Reasons  []string `json:"reasons"`
	Fixed    string   `json:"fixed_version,omitempty"`
	Origin   *Origin  `json:"origin,omitempty"` // who decided; nil if the database has no history
}

// An OverrideClass says what an override does.
type OverrideClass string

// The classes of overrides.
const (
	OverrideOff      OverrideClass = "off"      // no verification, or none of the name
	OverrideWeaker   OverrideClass = "weaker"   // protocols, ciphers or keys that are refused otherwise
	OverrideRedirect OverrideClass = "redirect" // other certificates are trusted, or all goes through a proxy
	OverrideHook     OverrideClass = "hook"     // code that is not the program's runs in it
	OverrideKeyLeak  OverrideClass = "keyleak"  // the keys of connections are written to a file
)

// OverrideClasses returns the words for all classes of overrides, worst first.
func OverrideClasses() []string {
	return texts(OverrideOff, OverrideKeyLeak, OverrideHook, OverrideWeaker, OverrideRedirect)
}

// An Override is a variable or a line of a file that changes how clients verify
// what they are offered.
type Override struct {
	ID     string        `json:"id"`   // of the switch: "curl-insecure"
	Kind   string        `json:"kind"` // env or file
	Class  OverrideClass `json:"class"`
	Source string        `json:"source"`         // the variable, or the file
	Line   int           `json:"line,omitempty"` // of the file
	// Match is the switch, and nothing else of what stands there: values that may
	// be secret are left out.
	Match   string   `json:"match"`
	Clients []string `json:"clients"` // kinds of clients that are known to read it
	Note    string   `json:"note,omitempty"`
	Effect  []Effect `json:"effect,omitempty"`
	Summary string   `json:"summary,omitempty"` // of the effect, or why there is none
}

// An Effect is what one client did in one case without an override, and with
// it.
type Effect struct {
	Client string  `json:"client"`
	Case   string  `json:"case"`
	Before Verdict `json:"before"`
	After  Verdict `json:"after"`
}

// ProbeInShell is a second pass: the clients with the environment and the home
// of the user.
type ProbeInShell struct {
	Unsafe   int       `json:"unsafe"` // clients that are unsafe there, and not else
	Outcomes []Outcome `json:"outcomes"`
}

// Untested is a program that was found and not run, or a file that was not
// read.
type Untested struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// A Behaviour is what a client did, as far as it shows whether it has a
// vulnerability. It stands beside what the version says, and never in its
// place.
type Behaviour struct {
	ID      string    `json:"id"`      // of the vulnerability
	Sources []string  `json:"sources"` // source packages that trackers file it under for this client
	Time    time.Time `json:"time"`    // of the probe
	Client  string    `json:"client"`  // [Client.ID]
	Path    string    `json:"path"`
	Shows   Shows     `json:"shows"`
	Because string    `json:"because"` // what the client did, in a few words
	// Package and Version are of the binary package that the client belongs to.
	Package string `json:"package,omitempty"`
	Version string `json:"version,omitempty"`
	// VersionSays is what follows from the version alone: "vulnerable" if it is a
	// finding, "not-vulnerable" if the tracker has a row and it is none, "nothing"
	// if there is no row. It is empty outside of scans and dossiers.
	VersionSays string `json:"version_says,omitempty"`
}

// Disagrees reports whether the behaviour shows the opposite of what the version
// says.
func (b *Behaviour) Disagrees() bool {
	return b.Shows == ShowsFixed && b.VersionSays == "vulnerable" || b.Shows == ShowsVulnerable && b.VersionSays == "not-vulnerable"
}

// Shows says whether a behaviour is that of the vulnerability, or of its fix.
type Shows string

// What a behaviour can show.
const (
	ShowsVulnerable Shows = "vulnerable"
	ShowsFixed      Shows = "fixed"
)

// BehaviourShows returns the words for all that a behaviour can show.
func BehaviourShows() []string { return texts(ShowsVulnerable, ShowsFixed) }

// texts returns words as strings.
func texts[T ~string](words ...T) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return list
}
