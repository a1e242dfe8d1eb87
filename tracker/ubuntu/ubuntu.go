// Package ubuntu reads the Ubuntu CVE Tracker: a Git repository with one text
// file for each vulnerability in the folders active, retired and ignored.
//
// A file is made of "Field: value" lines, continued by lines that begin with a
// space, and of status lines, one for each release and source package:
//
//	jammy_openssl: released (3.0.2-0ubuntu1.9)
//	esm-infra/xenial_openssl: needed
//
// There are two ways to read one. [Load] is strict: it accepts and rejects what
// the tracker's own loader does, a whole file at a time. [Parse] is tolerant:
// it reads files of every age, keeps what it understands and reports the rest,
// line by line. docs/formats/ubuntu-cve-tracker.md has the grammar.
package ubuntu

import (
	"path"
	"strings"

	"wontfix"
)

// Name is the tracker's name in the project.
const Name = "ubuntu"

// Version is the version of what this package makes of a text. It changes
// whenever the same text would give another entry, so that what was stored by
// an earlier version is read again.
const Version = "7"

// Load reads a file as the tracker's own loader does. If that loader would
// reject the file, the entry is nil and problems say why.
//
// The entry's strings are parts of one copy of text.
func Load(file string, text []byte) (*wontfix.Entry, []wontfix.Problem) {
	p := newParser(file, true)
	entry := p.parse(text)
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return entry, nil
}

// Parse reads a file of any age. It never gives up: the entry holds what could
// be read, problems say what could not or what the tracker's own loader would
// refuse, in order of line.
//
// The entry's strings are parts of one copy of text.
func Parse(file string, text []byte) (*wontfix.Entry, []wontfix.Problem) {
	p := newParser(file, false)
	return p.parse(text), p.problems
}

// ParseFile makes the change that a file's present text is.
func ParseFile(file string, text []byte) wontfix.Change {
	entry, problems := Parse(file, text)
	return wontfix.Change{File: file, ID: entry.ID, Entry: entry, Text: text, Problems: problems}
}

// IsEntry reports whether a file of that base name holds an entry: the folders
// have other files too.
func IsEntry(name string) bool {
	return strings.HasPrefix(name, "CVE-") || strings.HasPrefix(name, "EMB-") || strings.HasPrefix(name, "UEM-")
}

// folder returns the tracker's folder that a file is in.
func folder(file string) string { return path.Base(path.Dir(file)) }
