package wontfix

// DiagnosisSchema names the form of [Diagnosis] as JSON.
const DiagnosisSchema = "wontfix.diagnosis/1"

// A Diagnosis says where feeds of one publisher do not say the same.
type Diagnosis struct {
	Schema   string     `json:"schema"`
	Tool     string     `json:"tool"`
	Trackers []Tracker  `json:"trackers"`
	Pairs    []FeedPair `json:"pairs"`
}

// A FeedPair is two feeds of one publisher, the one that counts first.
type FeedPair struct {
	Tracker string `json:"tracker"` // name of the one that counts
	Feed    string `json:"feed"`    // name of the other
	// Shared is how many rows both have: of one vulnerability, package and
	// release, and judged in both.
	Shared      int          `json:"shared"`
	Differences []Difference `json:"differences"` // in order of ID, package and release
}

// A Difference is a row of which two feeds of one publisher say different
// things.
type Difference struct {
	ID      string `json:"id"`
	Source  string `json:"source"`
	Release string `json:"release"` // distribution/series/product
	// Kind is "decision" if one says fixed or not affected and the other does
	// not, "version" if both say fixed, in different versions.
	Kind    string `json:"kind"`
	Tracker Claim  `json:"tracker"`
	Feed    Claim  `json:"feed"`
}

// A Claim is what one feed says of a row.
type Claim struct {
	Decision Decision `json:"decision"`
	Fixed    string   `json:"fixed_version,omitempty"`
	Row      Row      `json:"row"`
}
