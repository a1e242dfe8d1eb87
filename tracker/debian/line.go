package debian

import (
	"strings"

	"wontfix"
)

// A row is a line about a package:
//
//	[release] - package version (inner)
//	[release] - package <pseudo> (inner)
type row struct {
	release string // "" for a line without one
	source  string
	word    string // the version or, with its angle brackets, the pseudo-version; "-" if there is neither
	inner   string // what is in the round brackets
	urgency string
	bugs    []string
	line    int
}

// pseudo reports whether the row has a pseudo-version, and which.
func (r *row) pseudo() string {
	switch {
	case r.word == "-":
		return "unfixed"
	case r.word[0] == '<':
		return r.word[1 : len(r.word)-1]
	}
	return ""
}

// isRow reports whether a line is meant to be about a package.
func isRow(line string) bool {
	return line[0] == '-' || line[0] == '[' && strings.Contains(line, "]")
}

// parseRow reads a line without the white space around it. A line that cannot
// be read gives why, and so does a part that is left out.
func parseRow(line string, number int) (r row, ok bool, why string) {
	r.line = number
	rest := line
	if rest[0] == '[' {
		end := strings.IndexByte(rest, ']')
		r.release, rest = rest[1:end], strings.TrimLeft(rest[end+1:], blanks)
		if !isCodename(r.release) {
			return r, false, "release " + quote(r.release) + ": want the name of a release in lower case"
		}
	}
	mark, rest := word(rest)
	if mark != "-" {
		return r, false, "line " + quote(line) + ": want a hyphen and a blank before the package"
	}
	r.source, rest = word(rest)
	if !consists(r.source, ":.+-") {
		return r, false, "package " + quote(r.source) + ": want letters, digits and : . + -"
	}
	r.word = "-"
	switch {
	case strings.HasPrefix(rest, "<"):
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return r, false, "line " + quote(line) + ": a pseudo-version lacks its >"
		}
		r.word, rest = rest[:end+1], strings.TrimLeft(rest[end+1:], blanks)
	case rest != "" && rest[0] != '(':
		r.word, rest = word(rest)
		if !consists(r.word, ":.+~-") || r.word == "-" {
			return r, false, "version " + quote(r.word) + ": want letters, digits and : . + ~ -"
		}
	}
	if rest != "" {
		if rest[0] != '(' || rest[len(rest)-1] != ')' {
			return r, false, "line " + quote(line) + ": want nothing but round brackets behind the version"
		}
		r.inner = rest[1 : len(rest)-1]
	}
	return r, true, r.check()
}

// check reads the inner part where it has a form, and says what is wrong with
// the row.
func (r *row) check() (why string) {
	switch p := r.pseudo(); p {
	case "no-dsa", "ignored", "postponed":
		if r.inner == "" {
			return "<" + p + "> lacks its reason in round brackets"
		}
		return ""
	case "not-affected", "end-of-life":
		return ""
	case "", "unfixed", "removed", "itp", "undetermined":
	default:
		return "pseudo-version " + quote("<"+p+">") + " is not known"
	}
	for part := range strings.SplitSeq(r.inner, ";") {
		switch part = strings.Trim(part, blanks); part {
		case "", "bug filed":
		case "unimportant", "low", "medium", "high":
			if r.urgency != "" {
				why = "it has two urgencies, " + r.urgency + " and " + part
			}
			r.urgency = part
		default:
			if bug, ok := strings.CutPrefix(part, "bug #"); ok && digits(bug) {
				r.bugs = append(r.bugs, bug)
			} else {
				why = "inner annotation " + quote(part) + ": want bug #NUMBER or an urgency"
			}
		}
	}
	if r.word == "<itp>" && len(r.bugs) == 0 {
		why = "<itp> lacks its bug number"
	}
	return why
}

// statement returns what the row says, without what the rest of its entry adds.
func (r *row) statement(file, id string) wontfix.Statement {
	s := wontfix.Statement{ID: id, Source: r.source, Release: release(r.release), Label: r.release,
		Word: r.word, Detail: r.inner, File: file, Line: r.line, Priority: r.urgency, Meaning: r.meaning()}
	if r.release == "" {
		s.Release, s.Label = release(Unstable), Unstable
	}
	return s
}

// quote makes a short quotation of foreign text.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return `"` + strings.ReplaceAll(s, `"`, `'`) + `"`
}
