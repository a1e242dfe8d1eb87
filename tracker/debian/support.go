package debian

import (
	"fmt"
	"path"
	"strings"

	"wontfix"
	"wontfix/lifecycle"
)

// parseSupport reads a list of the package debian-security-support:
// security-support-ended.debN with lines "source version date text" or
// security-support-limited with lines "source text". The source is a regular
// expression for the whole name, and is kept as such. Without a number in its
// name a list speaks of the release that it was installed on, whichever that is.
func parseSupport(file string, text []byte) wontfix.Change {
	base := path.Base(file)
	c := wontfix.Change{File: file, ID: AnyID, Entry: &wontfix.Entry{ID: AnyID, File: file}}
	problem := func(line int, format string, args ...any) {
		c.Problems = append(c.Problems, wontfix.Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	series := ""
	if number, ok := strings.CutPrefix(path.Ext(base), ".deb"); ok {
		r, known := lifecycle.Embedded().ByVersion(Name, number)
		if !known {
			problem(0, "Debian %s: not a release that is known", number)
			return c
		}
		series = r.Series
	}
	for n, line := range lines(textOf(text), 1) {
		line = strings.TrimLeft(line, blanks)
		if line == "" || line[0] == '#' {
			continue
		}
		s := wontfix.Statement{ID: AnyID, Release: release(series), Label: series, File: file, Line: n}
		s.Source, s.Detail = word(line)
		s.Scope, s.Status = wontfix.ScopePackage, wontfix.Affected
		if strings.HasPrefix(base, supportEnded) {
			version, rest := word(s.Detail)
			s.Since, s.Detail = word(rest)
			if day := s.Since; wontfix.NewDate(day).IsZero() {
				s.Since = ""
				problem(n, "%s is no date: the day on which support ended is not known", quote(day))
			}
			if version == "" {
				problem(n, "line %s: want source, version, date and text", quote(line))
				continue
			}
			s.Word, s.Decision = supportEnded, wontfix.DecisionEndOfLife
		} else {
			s.Word, s.Decision, s.Strength = supportLimited, wontfix.DecisionWontFix, wontfix.Soft
		}
		s.Meaning = says(s.Meaning, s.Detail, wontfix.SupportScope)
		s.Reasons |= wontfix.SupportScope // the list itself says so, whatever its text adds
		c.Entry.Statements = append(c.Entry.Statements, s)
	}
	return c
}
