package ubuntu

import (
	"slices"
	"strings"
	"unicode/utf8"

	"wontfix"
)

// Rows calls fn with each status line that a line of a file makes, of which
// there are more than one only if it has line ends other than LF. Together with
// the rule that the first line of a name counts they are the statements of
// [Parse]. A word of "" says that the line is a status line and makes no
// statement.
func Rows(line string, fn func(label, source, word, detail string)) {
	if strings.IndexByte(line, '_') < 0 {
		return // the name of a status line has one
	}
	if !utf8.ValidString(line) {
		line = strings.ToValidUTF8(line, "\uFFFD")
	}
	if !hasBreak(line) {
		statusLine(line, fn)
		return
	}
	for _, part := range lines(line) {
		statusLine(part, fn)
	}
}

// statusLine calls fn with the status line that a line is, if it is one.
func statusLine(line string, fn func(label, source, word, detail string)) {
	line = trimRight(strings.TrimSuffix(line, "\n"))
	if line == "" || line[0] == '#' || line[0] == ' ' {
		return
	}
	name, value, ok := strings.Cut(line, ":")
	if name = trim(name); !ok || fieldOf(name) != statusField {
		return
	}
	label, source, word, detail, ok := readStatus(name, trim(value))
	if !ok || slices.Contains(formerLabels, label) {
		word = ""
	}
	fn(label, source, word, detail)
}

// Notes returns the notes of a file's text, as [Parse] does.
func Notes(text []byte) []wontfix.Note {
	s := string(text)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	p := notesParser{}
	in, seen := false, false
	for n, line := range lines(s) {
		line = trimRight(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == ' ':
			if in {
				p.add(n, line)
			}
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				continue // a bad line, after which its field goes on
			}
			in = trim(name) == "Notes" && !seen
			if in {
				seen = true
				if value = trim(value); value != "" {
					p.add(n, " "+value)
				}
			}
		}
	}
	return p.finish()
}

// Fields calls fn with the fields of a file's text other than status lines and
// notes, each with the lines that continue it; of fields of one name with the
// first.
func Fields(text []byte, fn func(name, text string)) {
	s := string(text)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	name, value := "", ""
	seen := make(map[string]bool)
	end := func() {
		if name != "" && !seen[name] {
			seen[name] = true
			fn(name, strings.TrimSpace(value))
		}
		name = ""
	}
	for _, line := range lines(s) {
		line = trimRight(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == ' ':
			value += "\n" + trim(line)
		default:
			key, rest, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			end()
			if key = trim(key); fieldOf(key) != statusField && key != "Notes" {
				name, value = key, trim(rest)
			}
		}
	}
	end()
}

// Nick returns the name that a note is signed with which begins on a line, ""
// if none does.
func Nick(line string) string {
	if len(line) < 3 || line[0] != ' ' || line[1] == ' ' {
		return ""
	}
	if author, _, _, ok := authorLine(line); ok && plausible(author, line) {
		return author
	}
	return ""
}

// Parent returns the label of the release whose rows the tracker copies when it
// begins to speak of a product, "" if label is no product's.
func Parent(label string) string {
	release, known := parseLabel(label)
	if !known || release.Product == "" {
		return ""
	}
	return release.Series
}

// Family returns what a source package is a variant of: the tracker has a row
// for each of some hundred kernels, and starts a new one with another's rows.
// It is "" for packages without variants.
func Family(source string) string {
	if source == "linux" || strings.HasPrefix(source, "linux-") {
		return "linux"
	}
	return ""
}

// Devel is the label of the release under development.
const Devel = "devel"

// Robot reports whether a commit is the work of a program: of the kernel team's
// robots, or their output that a person committed.
func Robot(c *wontfix.Commit) bool {
	switch c.Author {
	case "Kernel Bot", "CVE Autotriage":
		return true
	}
	return strings.Contains(strings.ToLower(c.Subject()), "autotriage")
}
