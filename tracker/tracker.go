// Package tracker has the list of trackers and reads one from where it is
// kept: a Git server, a repository, a bundle or a plain folder; all of it, or
// what has changed since an earlier reading.
//
// It runs the git program for everything that is kept in Git. What a file says
// is the business of a package for its format, such as tracker/ubuntu.
package tracker

import (
	"fmt"
	"slices"
	"strings"

	"wontfix"
	"wontfix/history"
)

// A Format reads one file of a tracker. File is the path in the tracker and
// text its bytes, which the change may keep. It is called from several
// goroutines at once and must not panic, whatever the text.
type Format func(file string, text []byte) wontfix.Change

// A Spec describes a tracker: a row of the list that [Trackers] returns.
type Spec struct {
	Name    string // "ubuntu"
	Title   string // "Ubuntu CVE Tracker"
	URL     string // where the publisher keeps it
	Branch  string // the branch that counts there
	PageURL string // see [wontfix.Tracker.Page]
	LineURL string // see [wontfix.Tracker.Line]
	// CommitURL is the address of the page that shows a commit: {commit}
	// stands for its ID.
	CommitURL string

	// Parser is the version of what Parse makes of a text. Who keeps the
	// entries keeps it beside them and reads everything anew when it differs.
	Parser string
	// Dirs are the folders that hold entries. If an ID has a file in more
	// than one, the first folder in this order counts.
	Dirs []string
	// Match reports whether a file of such a folder is an entry, by its name.
	// The name is the ID.
	Match func(name string) bool
	// Parse reads the text of an entry, as it is kept.
	Parse Format
	// Read, if not nil, says that the tracker is made of documents that are not
	// each an entry. Match is then asked about paths, Dirs are the folders with
	// documents, at any depth, and Parse is Decode.
	Read Reader
	// Feed says how documents are fetched if the URL is one of a web server;
	// nil if it is one of a Git server.
	Feed *Feed
	// For are the distributions whose machines the tracker speaks of, as
	// os-release has them; nil means the one that it has the name of.
	For []string
	// Of names the tracker that is the same publisher's and counts, for an export
	// of it that says less; "" if it counts itself. Such a feed is no second
	// opinion, and speaks only where that tracker has not been read.
	Of string
	// Context says that it decides nothing for any distribution: what it says of
	// a vulnerability stands around the decisions of others.
	Context bool
	// Labels returns the labels to ask for of a machine's release, out of all
	// that the tracker has; nil means those of the same series.
	Labels func(all map[string]wontfix.Release, base wontfix.Release) []string
	// Cost says what a first sync brings over the network, in a few words.
	Cost string
	// Past says what the versions of the entries mean; nil if the tracker's
	// history is not read. Its Folders are Dirs.
	Past *history.Format
}

// Trackers returns the trackers that can be read.
func Trackers() []Spec { return slices.Clone(specs) }

// Find returns the tracker with a name.
func Find(name string) (Spec, error) {
	var names []string
	for _, s := range specs {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Spec{}, fmt.Errorf("tracker %q: not known; there is %s", name, strings.Join(names, ", "))
}

// Named returns the title of a tracker as it stands in a sentence: "the Ubuntu CVE
// Tracker", "AlmaLinux's advisories".
func Named(title string) string {
	if strings.HasSuffix(title, " Tracker") {
		return "the " + title
	}
	return title
}

// ForDistribution returns the tracker that speaks of the machines of a
// distribution, as os-release names it.
func ForDistribution(name string) (Spec, error) {
	for _, s := range specs {
		if slices.Contains(s.For, name) || s.For == nil && s.Name == name {
			return s, nil
		}
	}
	return Spec{}, fmt.Errorf("distribution %q: no tracker of it can be read", name)
}

// LabelsFor returns which of a tracker's labels speak of a release, in order:
// those of its series with all products.
func (s *Spec) LabelsFor(all map[string]wontfix.Release, base wontfix.Release) []string {
	if s.Labels != nil {
		return s.Labels(all, base)
	}
	var list []string
	for label, r := range all {
		if r.Distribution == base.Distribution && sameSeries(r.Series, base.Series) {
			list = append(list, label)
		}
	}
	slices.Sort(list)
	return list
}

// sameSeries reports whether what is said of one series holds for machines of
// another: a fix that came in 9.2 is one for 9.4, too.
func sameSeries(a, b string) bool {
	major := func(s string) string { m, _, _ := strings.Cut(s, "."); return m }
	return a == b || major(a) == major(b)
}
