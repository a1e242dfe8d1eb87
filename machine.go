package wontfix

import (
	"encoding/json"
	"strconv"
	"time"
)

// A Machine is what an inventory found: the operating system and the packages
// that have files on its disk.
type Machine struct {
	Name         string  `json:"name,omitempty"`  // host name, if the root has one
	Place        string  `json:"place,omitempty"` // the root, image or file that was read, as its reader named it; empty for the machine that the program runs on
	OS           OS      `json:"os"`
	Release      Release `json:"release"` // what the machine says it is
	Base         Release `json:"base"`    // the release whose archive and tracker its packages come from; equal to Release unless a derivative
	Architecture string  `json:"architecture,omitempty"`
	Manager      string  `json:"manager,omitempty"` // whose packages they are: "dpkg", "rpm", "apk", "pacman"

	// Products are the subscriptions that are switched on: "esm-infra",
	// "esm-apps", "fips", "fips-updates". ProductsFrom is the file that says so.
	Products     []string `json:"products"`
	ProductsFrom string   `json:"products_from,omitempty"`

	Kernel  Kernel  `json:"kernel"`
	Support Support `json:"support"` // dates of Base

	Packages []Package    `json:"-"`
	Archives []Archive    `json:"-"` // the package lists that the machine holds
	Notices  []Notice     `json:"-"` // what the distribution says about the support of installed packages
	Problems []Problem    `json:"-"`
	Counts   PackageCount `json:"packages"`
}

// PackageCount says how many packages an inventory has.
type PackageCount struct {
	Binary int `json:"binary"` // binary packages with files on disk
	Source int `json:"source"` // source packages that they were built from
	// Removed packages have configuration files only; they are counted and
	// otherwise left out.
	Removed int `json:"removed"`
}

// OS is what os-release and lsb-release say.
type OS struct {
	ID         string   `json:"id"`
	IDLike     []string `json:"id_like,omitempty"`
	Name       string   `json:"name,omitempty"`
	PrettyName string   `json:"pretty_name,omitempty"`
	VersionID  string   `json:"version_id,omitempty"`
	Codename   string   `json:"codename,omitempty"`
	From       string   `json:"from,omitempty"` // the file that says so
}

// Kernel says which kernels a machine has.
type Kernel struct {
	Running   string   `json:"running,omitempty"`   // as uname -r prints it; empty if the root does not run
	Installed []string `json:"installed,omitempty"` // versions of installed images, as uname -r would print them
}

// Support has the dates of a release. A zero date is one that is not known.
type Support struct {
	Version  string `json:"version,omitempty"` // "14.04 LTS"
	Codename string `json:"codename,omitempty"`
	Released Date   `json:"released,omitzero"`
	Active   Date   `json:"active,omitzero"`   // end of the time in which more is mended than what is grave: full support (RHEL)
	Standard Date   `json:"standard,omitzero"` // end of what everybody gets
	Extended Date   `json:"extended,omitzero"` // end of the next period: ESM (Ubuntu), ELS (RHEL), LTSS (SUSE), paid; LTS (Debian), free
	Legacy   Date   `json:"legacy,omitzero"`   // end of the last period: Legacy (Ubuntu, paid), ELTS (Debian, paid)
	From     string `json:"from,omitempty"`    // where the dates come from
}

// A Date is a day in UTC.
type Date struct{ time.Time }

// NewDate reads YYYY-MM-DD. Any other text is the zero Date.
func NewDate(s string) Date {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}
	}
	return Date{t}
}

func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

// MarshalText writes YYYY-MM-DD, or nothing for the zero Date.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return err
	}
	*d = Date{t}
	return nil
}

// MarshalJSON writes what MarshalText writes. Without it JSON would take the
// form of the embedded time.
func (d Date) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(d.String())), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	return d.UnmarshalText([]byte(s))
}

// Past reports whether the day is known and over at time t.
func (d Date) Past(t time.Time) bool { return !d.IsZero() && !t.Before(d.AddDate(0, 0, 1)) }

// A Package is one binary package with files on disk.
//
// Versions are whole, as the package manager writes them: those of rpm are
// epoch:version-release, without an epoch of 0. An rpm names its source package
// without epoch; SourceVersion has the epoch of the package itself.
type Package struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Architecture  string `json:"architecture,omitempty"`
	Source        string `json:"source"`
	SourceVersion string `json:"source_version"`
	// Module is the modularity label of an rpm that is part of a module:
	// name:stream:version:context. Versions of two streams do not compare.
	Module string `json:"module,omitempty"`
	State  string `json:"state,omitempty"` // dpkg's third word: "installed", "half-configured", …
	Held   bool   `json:"held,omitempty"`
	// Automatic says that nobody asked for the package: it came as a
	// dependency of another.
	Automatic bool   `json:"automatic,omitempty"`
	File      string `json:"file,omitempty"` // the database file that has it
	Line      int    `json:"line,omitempty"`

	// From is the archive that offers the installed version, and Offer the
	// highest version above it that any archive offers. Both are nil if no
	// package list has one.
	From  *Offer `json:"from,omitempty"`
	Offer *Offer `json:"offer,omitempty"`
	// Listed says that some package list has the package in any version.
	Listed bool `json:"listed,omitempty"`
}

// An Archive is one part of an archive whose package list the machine holds.
type Archive struct {
	Origin    string `json:"origin,omitempty"` // the Release file's Origin: "Ubuntu"
	Label     string `json:"label,omitempty"`
	Suite     string `json:"suite,omitempty"` // "focal-security"
	Codename  string `json:"codename,omitempty"`
	Component string `json:"component,omitempty"` // "universe"
	Site      string `json:"site,omitempty"`      // host and path, as apt's file names have them
	Date      string `json:"date,omitempty"`      // of the Release file, as written
	File      string `json:"file"`
}

// Pocket returns what the suite adds to the series: "security", "updates",
// "backports", "proposed", or "" for the release pocket itself.
func (a *Archive) Pocket() string {
	for _, p := range []string{"security", "updates", "backports", "proposed", "infra-security", "infra-updates", "apps-security", "apps-updates"} {
		if len(a.Suite) > len(p) && a.Suite[len(a.Suite)-len(p)-1:] == "-"+p {
			return p
		}
	}
	return ""
}

// An Offer is a version of a binary package in an archive that the machine
// knows.
type Offer struct {
	Version       string   `json:"version"`
	SourceVersion string   `json:"source_version,omitempty"`
	Archive       *Archive `json:"archive"`
}

// A Notice is what the distribution itself says about the security support of
// one installed source package.
type Notice struct {
	Source string `json:"source"`
	Kind   string `json:"kind"` // "ended" or "limited"
	Since  Date   `json:"since,omitzero"`
	Text   string `json:"text,omitempty"` // the distribution's words
	File   string `json:"file"`
	Line   int    `json:"line"`
}
