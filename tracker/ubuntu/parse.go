package ubuntu

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"wontfix"
)

// required are the fields without which the tracker's loader refuses a file.
var required = []string{"Candidate", "PublicDate", "References", "Description", "Ubuntu-Description", "Notes", "Bugs",
	"Priority", "Discovered-by", "Assigned-to", "CVSS"}

var optional = []string{"CRD", "PublicDateAtUSN", "Mitigation"}

var statusWords = []string{"needs-triage", "needed", "active", "pending", "released", "deferred", "DNE", "ignored", "not-affected"}

var priorityWords = []string{"untriaged", "not-for-us", "negligible", "low", "medium", "high", "critical"}

var tagWords = []string{"not-ue", "universe-binary", "apparmor", "symlink-restriction", "stack-protector", "hardlink-restriction",
	"fortify-source", "heap-protector", "pie"}

// reasonsSince is the date after which a priority that is not medium needs a
// reason.
const reasonsSince = "2023-07-11"

// A parser reads one file. Its methods follow the order in which the tracker's
// loader looks at a line.
type parser struct {
	file     string
	strict   bool
	problems []wontfix.Problem

	entry  *wontfix.Entry
	values map[string]*field // header fields by name
	seen   map[string]int    // every field's first line
	last   string            // the field that a continuation line belongs to
	skip   bool              // the last field was refused: so are its continuations
	notes  notesParser
	line   int
	// lacking has, for each package with a status line and no upstream line so
	// far, the first status line's number.
	lacking map[string]int
	crashed bool // the tracker's loader would die here, not report
}

// A field is the text of a header field: the value behind the colon, and each
// continuation line behind a newline.
type field struct {
	text strings.Builder
	line int
}

func newParser(file string, strict bool) *parser {
	return &parser{
		file: file, strict: strict,
		entry:   &wontfix.Entry{Tracker: Name, File: file, ID: path.Base(file)},
		values:  make(map[string]*field, len(required)),
		seen:    make(map[string]int, 64),
		lacking: make(map[string]int),
		notes:   notesParser{strict: strict},
	}
}

func (p *parser) problem(line int, format string, args ...any) {
	p.problems = append(p.problems, wontfix.Problem{File: p.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

func (p *parser) parse(text []byte) *wontfix.Entry {
	if !utf8.Valid(text) {
		p.problem(0, "text is not UTF-8")
		text = []byte(strings.ToValidUTF8(string(text), "\uFFFD"))
	}
	s := string(text)
	p.entry.Statements = make([]wontfix.Statement, 0, strings.Count(s, "\n"))
	for line, part := range lines(s) {
		p.line = line
		p.addLine(trimRight(part))
		if p.crashed && p.strict {
			break
		}
	}
	p.finish()
	slices.SortStableFunc(p.problems, func(a, b wontfix.Problem) int { return a.Line - b.Line })
	p.entry.Statements = slices.Clip(p.entry.Statements)
	return p.entry
}

// lines yields the lines of s as Python's str.splitlines cuts them, each with
// the number of the line that LF alone would give it.
func lines(s string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		exotic := hasBreak(s)
		for n := 1; s != ""; n++ {
			line, rest, _ := strings.Cut(s, "\n")
			s = rest
			if !exotic {
				if !yield(n, line) {
					return
				}
				continue
			}
			for _, part := range strings.FieldsFunc(line, isBreak) {
				if !yield(n, part) {
					return
				}
			}
		}
	}
}

// hasBreak reports whether s may have a line end other than LF. It is called
// for every file and every line, and looks at eight bytes at once.
func hasBreak(s string) bool {
	for i := 0; i < len(s); i++ {
		for len(s)-i >= 8 && plainWord(s[i:i+8]) {
			i += 8
		}
		if i == len(s) || !mayBreak[s[i]] {
			continue
		}
		if s[i] < ' ' || strings.HasPrefix(s[i:], "\u0085") || strings.HasPrefix(s[i:], "\u2028") || strings.HasPrefix(s[i:], "\u2029") {
			return true
		}
	}
	return false
}

// plainWord reports whether eight bytes are ASCII without control characters. It
// may say no where they are.
func plainWord(s string) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	return (w|(w-' '*each))&high == 0
}

// mayBreak has the bytes with which a line end begins, and other control
// characters.
var mayBreak = func() (t [256]bool) {
	for c := range ' ' {
		t[c] = c != '\n' && c != '\t'
	}
	t["\u0085"[0]], t["\u2028"[0]] = true, true
	return t
}()

// isBreak reports whether r ends a line for Python, LF apart.
func isBreak(r rune) bool {
	switch r {
	case '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// isSpace reports whether r is white space for Python's str.strip.
func isSpace(r rune) bool {
	switch {
	case r <= ' ':
		return r == ' ' || '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f
	case r < 0x1680:
		return r == 0x85 || r == 0xa0
	}
	return r == 0x1680 || 0x2000 <= r && r <= 0x200a || r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f || r == 0x3000
}

// trim takes white space away from both ends. Mostly there is none.
func trim(s string) string {
	if s != "" && isPlain(s[0]) && isPlain(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, isSpace)
}

// trimRight takes white space away from the end.
func trimRight(s string) string {
	if s != "" && isPlain(s[len(s)-1]) {
		return s
	}
	return strings.TrimRightFunc(s, isSpace)
}

// isPlain reports whether c is a character of ASCII by itself and no white space.
func isPlain(c byte) bool { return ' ' < c && c < 0x80 }

func (p *parser) addLine(line string) {
	switch {
	case line == "" || line[0] == '#':
		return
	case line[0] == ' ':
		if !p.skip {
			p.continuation(line)
		}
		return
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		p.problem(p.line, "bad line %q: want \"Field: value\"", line)
		return
	}
	name, value = trim(name), trim(value)
	p.last, p.skip = name, false
	first, repeated := p.seen[name]
	if repeated {
		p.problem(p.line, "repeated field %q, first on line %d", name, first)
		p.skip = true
	} else {
		p.seen[name] = p.line
	}
	switch fieldOf(name) {
	case candidateField:
		p.header(name, value, repeated)
		if value != "" && !IsEntry(value) {
			p.problem(p.line, "unknown Candidate %q: want CVE-, UEM- or EMB-", value)
		}
	case priorityField:
		p.priority(name, value, repeated)
	case patchesField:
		p.patches(name, value)
	case tagsField:
		p.tags(name, value)
	case statusField:
		if !repeated {
			p.status(name, value)
		}
	case headerField:
		p.header(name, value, repeated)
	default:
		p.problem(p.line, "unknown field %q", name)
		if name == "Tags" && value != "" { // newer than the loader that we follow
			p.entry.Tags = append(p.entry.Tags, wontfix.Tag{Words: strings.Fields(value), Line: p.line})
		}
		p.skip = true
	}
}

// The kinds of fields.
const (
	unknownField = iota
	candidateField
	priorityField
	patchesField
	tagsField
	statusField
	headerField
)

// fieldOf returns the kind of a field, by what its name holds: the first that
// fits, as the tracker's loader has it.
func fieldOf(name string) int {
	switch {
	case strings.IndexByte(name, '_') >= 0 && strings.IndexByte(name, 'P') < 0 && strings.IndexByte(name, 'T') < 0:
		return statusField // said at once: nearly all lines are
	case name == "Candidate":
		return candidateField
	case strings.Contains(name, "Priority"):
		return priorityField
	case strings.Contains(name, "Patches_"):
		return patchesField
	case strings.Contains(name, "Tags_"):
		return tagsField
	case strings.Contains(name, "_"):
		return statusField
	case slices.Contains(required, name) || slices.Contains(optional, name):
		return headerField
	}
	return unknownField
}

func (p *parser) header(name, value string, repeated bool) {
	if repeated {
		return
	}
	f := &field{line: p.line}
	f.text.WriteString(value)
	p.values[name] = f
	if name == "Notes" && value != "" && !p.strict {
		p.notes.add(p.line, " "+value)
	}
}

// continuation adds a line that begins with a space to the field before it.
func (p *parser) continuation(line string) {
	switch name := p.last; {
	case name == "Notes":
		for _, text := range p.notes.add(p.line, line) {
			p.problem(p.line, "%s", text)
		}
	case strings.Contains(name, "Priority"): // before Patches_, as in addLine
		p.priorityReason(name, trim(line))
	case strings.Contains(name, "Patches_"):
		kind, text, ok := strings.Cut(line, ":")
		if !ok {
			p.problem(p.line, "patch %q has no kind: want \"kind: text\"", trim(line))
			return
		}
		set := &p.entry.Patches[len(p.entry.Patches)-1]
		set.Patches = append(set.Patches, wontfix.Patch{Kind: trim(kind), Text: trim(text), Line: p.line})
	case name == "CVSS":
		p.cvss(line)
	default:
		f := p.values[name]
		if f == nil {
			p.problem(p.line, "bad line %q: nothing can follow %q", line, name)
			return
		}
		f.text.WriteByte('\n')
		f.text.WriteString(line[1:])
	}
}

func (p *parser) priority(name, value string, repeated bool) {
	if i := strings.IndexByte(value, ' '); i >= 0 {
		value = value[:i]
	}
	if !slices.Contains(priorityWords, value) {
		p.problem(p.line, "unknown Priority %q: want one of %s", value, strings.Join(priorityWords, " "))
	}
	if repeated {
		return
	}
	priority := wontfix.Priority{Word: value, Line: p.line}
	_, key, ok := strings.Cut(name, "_")
	if !ok {
		p.values["Priority"] = &field{line: p.line}
		p.entry.Priority = priority
		return
	}
	source, release, _ := strings.Cut(key, "_")
	p.entry.Priorities = append(p.entry.Priorities, wontfix.PriorityOverride{Source: source, Release: release, Priority: priority})
}

// priorityReason adds a line of reason. The tracker's loader files the reason
// for a package in one release under the package, and dies if that has no
// priority of its own; the tolerant reader files it where it belongs.
func (p *parser) priorityReason(name, text string) {
	_, key, ok := strings.Cut(name, "_")
	if !ok {
		p.entry.Priority.Reason = join(p.entry.Priority.Reason, text)
		return
	}
	source, release, _ := strings.Cut(key, "_")
	if p.strict {
		release = ""
	}
	for i := range p.entry.Priorities {
		if o := &p.entry.Priorities[i]; o.Source == source && o.Release == release {
			o.Reason = join(o.Reason, text)
			return
		}
	}
	p.problem(p.line, "reason for %q, and no Priority_%s to go with it", name, source)
	p.crashed = true
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

func (p *parser) patches(name, value string) {
	_, source, _ := strings.Cut(name, "_")
	if value != "" {
		p.problem(p.line, "%q should have no value, and has %q", name, value)
		if p.strict {
			p.skip = true
			return
		}
	}
	p.skip = false
	p.entry.Patches = append(p.entry.Patches, wontfix.PatchSet{Source: source, Line: p.line})
}

func (p *parser) tags(name, value string) {
	_, key, _ := strings.Cut(name, "_")
	tag := wontfix.Tag{Key: key, Line: p.line}
	for word := range strings.FieldsSeq(value) {
		if !slices.Contains(tagWords, word) {
			p.problem(p.line, "invalid tag %q of %q: want one of %s", word, name, strings.Join(tagWords, " "))
			if p.strict {
				continue
			}
		}
		tag.Words = append(tag.Words, word)
	}
	p.entry.Tags = append(p.entry.Tags, tag)
}

// readStatus reads a status line: release_package: word [(detail)]. It is not
// ok if the detail begins with a bracket that has no place there.
func readStatus(name, value string) (label, source, word, detail string, ok bool) {
	label, source, _ = strings.Cut(name, "_")
	word, detail, _ = strings.Cut(value, " ")
	detail = trim(detail)
	if word == "" {
		word = "needs-triage"
	}
	if strings.HasPrefix(detail, "[") {
		return label, source, word, detail, false
	}
	detail = strings.TrimSuffix(strings.TrimPrefix(detail, "("), ")")
	if detail == "" && '0' <= word[0] && word[0] <= '9' {
		word, detail = "released", word
	}
	return label, source, word, detail, true
}

// status adds the statement of a status line.
func (p *parser) status(name, value string) {
	label, source, word, detail, ok := readStatus(name, value)
	if !ok {
		p.problem(p.line, "%s has a detail that starts with a bracket: %q", name, detail)
		return
	}
	if !slices.Contains(statusWords, word) {
		p.problem(p.line, "%s has the unknown status %q: want one of %s", name, word, strings.Join(statusWords, " "))
		if p.strict {
			return
		}
	}
	if word == "active" {
		assigned := p.values["Assigned-to"]
		if assigned == nil || trim(assigned.text.String()) == "" {
			p.problem(p.line, "%s is active, and no Assigned-to before it says by whom", name)
			p.crashed = assigned == nil
			if p.strict {
				return
			}
		}
	}
	release, known := parseLabel(label)
	if !known {
		p.problem(p.line, "unknown release %q", label)
		if p.strict || slices.Contains(formerLabels, label) {
			return
		}
	}
	if label == "upstream" {
		p.lacking[source] = 0
	} else if _, has := p.lacking[source]; !has {
		p.lacking[source] = p.line
	}
	p.entry.Statements = append(p.entry.Statements, wontfix.Statement{
		ID: p.entry.ID, Source: source, Release: release, Label: label, Word: word, Detail: detail, File: p.file, Line: p.line,
	})
}

// finish does what can be done only when the whole file is known.
func (p *parser) finish() {
	e := p.entry
	e.Notes = p.notes.finish()
	for _, name := range required {
		if p.values[name] == nil {
			p.problem(p.line, "missing field %q", name)
		}
	}
	for source, line := range p.lacking {
		if line > 0 {
			p.problem(line, "missing upstream_%s", source)
		}
	}
	e.Candidate = p.value("Candidate")
	e.PublicDate = p.value("PublicDate")
	e.DateAtUSN = p.value("PublicDateAtUSN")
	e.CRD = p.value("CRD")
	e.Published = e.PublicDate
	if p.values["PublicDateAtUSN"] != nil {
		e.Published = e.DateAtUSN
	}
	if e.CRD != "" {
		e.Published = e.CRD
	}
	e.Description = p.value("Description")
	e.VendorText = p.value("Ubuntu-Description")
	e.Mitigation = p.value("Mitigation")
	e.DiscoveredBy = p.value("Discovered-by")
	e.AssignedTo = p.value("Assigned-to")
	e.References = list(p.value("References"))
	e.Bugs = list(p.value("Bugs"))
	if pr := e.Priority; e.Published > reasonsSince && pr.Reason == "" && (pr.Word == "low" || pr.Word == "high" || pr.Word == "critical") {
		p.problem(pr.Line, "priority needs a reason for being %q", pr.Word)
	}
	if !p.strict {
		explain(e, p.values)
	}
}

// value returns a header field's text without the newline that an empty first
// line leaves.
func (p *parser) value(name string) string {
	if f := p.values[name]; f != nil {
		return strings.TrimPrefix(f.text.String(), "\n")
	}
	return ""
}

func list(s string) []string {
	var items []string
	for line := range strings.SplitSeq(s, "\n") {
		if line = trim(line); line != "" {
			items = append(items, line)
		}
	}
	return items
}
