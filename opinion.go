package wontfix

// A Family gathers the decisions that are one opinion.
type Family uint8

// The families. A decision that is no judgement, such as the end of a release
// or silence, is NoOpinion.
const (
	NoOpinion         Family = iota
	FamilyFix                // fixed, being fixed, or fixed for subscribers
	FamilyNoFix              // refused or put off
	FamilyNotAffected        // judged not vulnerable
	FamilyOpen               // vulnerable or not yet judged, and nothing decided
)

var familyNames = names{"none", "fix", "no-fix", "not-affected", "open"}

func (f Family) String() string                { return familyNames.text(uint8(f)) }
func (f Family) MarshalText() ([]byte, error)  { return []byte(f.String()), nil }
func (f *Family) UnmarshalText(b []byte) error { return unmarshal(f, familyNames, "family", b) }

// FamilyOf returns the opinion that a decision is.
func FamilyOf(d Decision) Family {
	switch d {
	case DecisionFixed, DecisionFixPending, DecisionPaid:
		return FamilyFix
	case DecisionWontFix, DecisionDeferred:
		return FamilyNoFix
	case DecisionNotAffected:
		return FamilyNotAffected
	case DecisionAffected, DecisionUnderInvestigation:
		return FamilyOpen
	}
	return NoOpinion
}

// An Opinion is what one publisher says of a vulnerability in one package of
// one release, beside what others say. It is never merged with another.
type Opinion struct {
	Vendor string `json:"vendor"` // name of the tracker
	// Voice is the vendor whose decisions this one takes over: a rebuild of
	// another distribution is no second voice.
	Voice    string   `json:"voice"`
	Source   string   `json:"source"`
	Release  string   `json:"release"` // distribution/series/product
	Family   Family   `json:"family"`
	Status   Status   `json:"status"`
	Decision Decision `json:"decision"`
	Strength Strength `json:"strength"`
	Reasons  []string `json:"reasons"`
	// Words are the publisher's own that the reasons were read from.
	Words    string `json:"words,omitempty"`
	Fixed    string `json:"fixed_version,omitempty"`
	Advisory string `json:"advisory,omitempty"`
	Decided  string `json:"decided,omitempty"` // YYYY-MM-DD, where the publisher says it
	// Branch is the upstream branch that the package is of, such as "2.7",
	// and SameBranch says that it is that of the package that was asked for,
	// or an older one.
	Branch     string `json:"branch,omitempty"`
	SameBranch bool   `json:"same_branch,omitempty"`
	// Rolling says that the release takes new versions from upstream as they
	// come: that it has a fix says nothing about backports.
	Rolling bool `json:"rolling,omitempty"`
	Row     Row  `json:"row"`
}

// Opinions are what other publishers decided about the same vulnerability in
// the same project.
type Opinions struct {
	// Branch is the upstream branch of the package that was asked for, ""
	// if neither its name nor its version tells.
	Branch string    `json:"branch,omitempty"`
	List   []Opinion `json:"list"` // like with like first
	// FixedElsewhere are the voices that fixed it in a release that does not
	// roll, FixedSameBranch those of them that did so on the same upstream
	// branch or an older one: a backport is possible. RefusedElsewhere are
	// those that refused or put off.
	FixedElsewhere   []string `json:"fixed_elsewhere"`
	FixedSameBranch  []string `json:"fixed_same_branch"`
	RefusedElsewhere []string `json:"refused_elsewhere"`
	// NobodyFixed says that others have judged it and none has fixed it, not
	// even in a release that rolls.
	NobodyFixed bool `json:"nobody_fixed"`
	// Silent are the trackers of the database that say nothing of it, or
	// of other packages alone. Silence is no opinion.
	Silent []string `json:"silent"`
}

// ComparisonSchema names the form of [Comparison] as JSON.
const ComparisonSchema = "wontfix.comparison/1"

// A Comparison is what publishers decided about some vulnerabilities, side by
// side.
type Comparison struct {
	Schema   string     `json:"schema"`
	Tool     string     `json:"tool"`
	Trackers []Tracker  `json:"trackers"`
	IDs      []string   `json:"ids"` // as they were asked for
	Cells    []Compared `json:"cells"`
}

// Compared is what one publisher decided about one vulnerability.
type Compared struct {
	ID     string `json:"id"`
	Vendor string `json:"vendor"` // name of the tracker
	Voice  string `json:"voice"`  // see [Opinion]
	// Entry says that the publisher has an entry of the vulnerability.
	Entry    bool      `json:"entry"`
	Opinions []Opinion `json:"opinions"`
}
