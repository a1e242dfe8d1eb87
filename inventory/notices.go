package inventory

import (
	"regexp"
	"slices"
	"strings"

	"wontfix"
)

const supportDir = "usr/share/debian-security-support/"

// notices reads the lists of Debian's package debian-security-support, as far
// as they name a source package that is installed.
func (r *reader) notices() {
	if r.m.Base.Distribution != "debian" {
		return
	}
	var ended, limited []string
	if known, ok := table().Lookup("debian", r.m.Base.Series); ok && known.Version != "" {
		number, _, _ := strings.Cut(known.Version, ".")
		ended = append(ended, supportDir+"security-support-ended.deb"+number)
		limited = append(limited, supportDir+"security-support-limited.deb"+number)
	}
	sources := make(map[string]struct{})
	for i := range r.m.Packages {
		sources[r.m.Packages[i].Source] = struct{}{}
	}
	names := make([]string, 0, len(sources))
	for s := range sources {
		names = append(names, s)
	}
	slices.Sort(names)
	for _, file := range ended {
		r.supportList(file, "ended", names)
	}
	for _, file := range append(limited, supportDir+"security-support-limited") {
		if r.supportList(file, "limited", names) {
			break
		}
	}
}

// supportList reads one list and reports whether it is there. Its lines are
// "source text" (limited) or "source version date text" (ended), where source
// is a regular expression for the whole name; the first line that fits a
// package counts. Dates may lie ahead.
func (r *reader) supportList(file, kind string, sources []string) bool {
	b := r.file(file, maxSmall)
	if b == nil {
		return false
	}
	told := make(map[string]bool)
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		notice := wontfix.Notice{Kind: kind, File: file, Line: n}
		pattern, rest := word(line)
		notice.Text = rest
		if kind == "ended" {
			var date string
			_, rest = word(rest) // the last version with support
			date, notice.Text = word(rest)
			if notice.Since = wontfix.NewDate(date); notice.Since.IsZero() {
				r.problem(file, n, "%.60q is no date: the day on which support ended is not known", date)
			}
		}
		fits, err := matcher(pattern)
		if err != nil {
			r.problem(file, n, "%.60q is no regular expression for the name of a package: left out", pattern)
			continue
		}
		for _, s := range sources {
			if !told[s] && fits(s) {
				told[s] = true
				notice.Source = s
				r.m.Notices = append(r.m.Notices, notice)
			}
		}
	}
	return true
}

// matcher returns a test for a whole name. Most patterns are plain names.
func matcher(pattern string) (func(string) bool, error) {
	if !strings.ContainsAny(pattern, `*+?()[]{}|\^$`) {
		return func(s string) bool { return s == pattern }, nil
	}
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return nil, err
	}
	return func(s string) bool { return s == pattern || re.MatchString(s) }, nil
}

// word splits off the first word.
func word(s string) (first, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}
