package wontfix

import (
	"fmt"
	"strings"
)

// A Release is what a publisher maintains as one thing: a distribution, a
// series of it, and, for what is served apart from the series itself, a
// product.
type Release struct {
	Distribution string // "ubuntu"
	Series       string // "trusty"
	Product      string // "esm-infra"; "" for the series itself
}

// String returns the release as distribution/series or
// distribution/series/product.
func (r Release) String() string {
	s := r.Distribution
	if r.Series != "" {
		s += "/" + r.Series
	}
	if r.Product != "" {
		s += "/" + r.Product
	}
	return s
}

// ParseRelease reads what [Release.String] writes.
func ParseRelease(s string) (Release, error) {
	parts := strings.Split(s, "/")
	if len(parts) > 3 || parts[0] == "" || (len(parts) > 1 && parts[1] == "") || (len(parts) > 2 && parts[2] == "") {
		return Release{}, fmt.Errorf("release %q: want distribution/series or distribution/series/product, such as ubuntu/trusty", s)
	}
	parts = append(parts, "", "")
	return Release{parts[0], parts[1], parts[2]}, nil
}

// MarshalText writes the release as [Release.String] does.
func (r Release) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (r *Release) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*r = Release{}
		return nil
	}
	*r, err = ParseRelease(string(b))
	return err
}

// Base returns the release without its product.
func (r Release) Base() Release { return Release{r.Distribution, r.Series, ""} }
