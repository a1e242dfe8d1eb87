// Package debian reads what Debian says about vulnerabilities: the text files
// of its security tracker, the tracker's JSON export, and the lists of the
// package debian-security-support.
//
// The text files are the primary source. data/CVE/list has an entry for each
// vulnerability, data/DSA/list and its sisters the advisories whose lines count
// for every vulnerability that they name, and smaller files say what is being
// worked on. [Merge] makes one entry of all of them, [Parse] reads one file.
// docs/formats/debian.md has the grammar and the meaning.
package debian

import (
	"fmt"
	"iter"
	"path"
	"strings"
	"unicode/utf8"

	"wontfix"
)

// Name is the tracker's name in the project.
const Name = "debian"

// Version is the version of what this package makes of a text. It changes
// whenever the same text would give another entry.
const Version = "1"

// AnyID is the ID of what is said of a package, whatever the vulnerability.
const AnyID = "*"

// Unstable is the series of which Debian speaks where a line names none. What
// it says of unstable holds for every other series, as far as versions go.
const Unstable = "sid"

// Files of the tracker's repository that [Merge] reads.
const (
	fileCVE        = "data/CVE/list"
	fileDSA        = "data/DSA/list"
	fileDLA        = "data/DLA/list"
	fileDTSA       = "data/DTSA/list"
	fileNeedDSA    = "data/dsa-needed.txt"
	fileNeedDLA    = "data/dla-needed.txt"
	filePoint      = "data/next-point-update.txt"
	fileOldPoint   = "data/next-oldstable-point-update.txt"
	fileSuites     = "static/distributions.json"
	supportEnded   = "security-support-ended"
	supportLimited = "security-support-limited"
)

// Files returns the paths in the tracker's repository of the files that [Merge]
// reads. All but the first may be missing.
func Files() []string {
	return []string{fileCVE, fileDSA, fileDLA, fileDTSA, fileNeedDSA, fileNeedDLA, filePoint, fileOldPoint, fileSuites}
}

// Labels returns the labels of the statements that count for a machine of a
// series: those of the series itself, of unstable, and of all series.
func Labels(series string) []string {
	if series == Unstable {
		return []string{Unstable, ""}
	}
	return []string{series, Unstable, ""}
}

// Parse yields the entries of one file, one for each vulnerability that it
// names. The path's end says what the file is: one of [Files], a list of
// debian-security-support, or the tracker's JSON export, which ends in .json
// or has no ending. What is said of packages is in an entry of the ID [AnyID].
//
// The lines of dsa-needed.txt and dla-needed.txt that name no release are left
// out: which releases are meant says another file; see [Merge].
func Parse(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	base := path.Base(file)
	switch {
	case isFile(file, fileCVE):
		return parseCVEs(file, text, nil)
	case isFile(file, fileDSA), isFile(file, fileDLA), isFile(file, fileDTSA):
		return one(func() []wontfix.Change { return parseAdvisories(file, text, nil).changes() })
	case base == path.Base(filePoint), base == path.Base(fileOldPoint):
		return one(func() []wontfix.Change { return parsePoint(file, text).changes() })
	case base == path.Base(fileNeedDSA), base == path.Base(fileNeedDLA):
		return one(func() []wontfix.Change { return parseNeeded(file, text, nil).changes() })
	case IsSupport(file):
		return one(func() []wontfix.Change { return []wontfix.Change{parseSupport(file, text)} })
	case strings.HasSuffix(base, ".json"), path.Ext(base) == "":
		return parseExport(file, text)
	}
	return func(yield func(wontfix.Change, error) bool) {
		yield(wontfix.Change{File: file}, fmt.Errorf("%s: not a file of Debian's security tracker; those that are read end in %s, %s*, %s* or .json",
			file, strings.Join(Files(), ", "), supportEnded, supportLimited))
	}
}

// IsSupport reports whether a path leads to a list of debian-security-support.
func IsSupport(file string) bool {
	base := path.Base(file)
	return strings.HasPrefix(base, supportEnded) || strings.HasPrefix(base, supportLimited)
}

// isFile reports whether a path leads to a file of the repository, wherever
// the repository is.
func isFile(file, want string) bool {
	for range 2 {
		if file == want || strings.HasSuffix(file, "/"+want) {
			return true
		}
		_, want, _ = strings.Cut(want, "/")
	}
	return false
}

// one yields the changes that read makes.
func one(read func() []wontfix.Change) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		for _, c := range read() {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// release returns the release of a series.
func release(series string) wontfix.Release {
	return wontfix.Release{Distribution: Name, Series: series}
}

// lines yields the lines of text with their numbers, from first on, without
// the white space at their end.
func lines(text string, first int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for n := first; text != ""; n++ {
			line := text
			if i := strings.IndexByte(text, '\n'); i >= 0 {
				line, text = text[:i], text[i+1:]
			} else {
				text = ""
			}
			if !yield(n, strings.TrimRight(line, blanks)) {
				return
			}
		}
	}
}

// blanks are what the tracker's programs take for white space.
const blanks = " \t\r\n\v\f"

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }

// word splits off what stands before the first white space.
func word(s string) (first, rest string) {
	i := strings.IndexAny(s, blanks)
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], blanks)
}

// consists reports whether s has a byte and all of them are letters, digits or
// among marks.
func consists(s, marks string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return s != ""
}

// isCodename reports whether s may name a release: lower-case letters.
func isCodename(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return s != ""
}

// isCVE reports whether s is a CVE ID.
func isCVE(s string) bool {
	year, number, ok := strings.Cut(strings.TrimPrefix(s, "CVE-"), "-")
	return ok && len(s) > 4 && s[:4] == "CVE-" && len(year) == 4 && len(number) >= 4 && digits(year) && digits(number)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// textOf returns a copy of text that is valid UTF-8.
func textOf(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}
