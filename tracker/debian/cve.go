package debian

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"iter"
	"strings"

	"wontfix"
)

// parseCVEs yields the entries of data/CVE/list. Each is cut out of text, of
// which nothing is copied but the entry at hand. What other files say of it is
// added where side is not nil.
func parseCVEs(file string, text []byte, side *sideFiles) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		line := 1
		for len(text) > 0 {
			n, count := entryEnd(text)
			part := textOf(text[:n])
			text = text[n:]
			if c, ok := parseCVE(file, part, line); ok {
				if side != nil {
					side.join(&c)
				}
				if !yield(c, nil) {
					return
				}
			}
			line += count
		}
	}
}

// entryEnd returns where the entry at the beginning of text ends, and how many
// lines it has: it ends before the next line that begins with neither white
// space nor a hyphen.
func entryEnd(text []byte) (end, count int) {
	for {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return len(text), count + 1
		}
		end, count = end+i+1, count+1
		if end == len(text) || !isBlank(text[end]) && text[end] != '-' {
			return end, count
		}
	}
}

// A cveParser reads one entry.
type cveParser struct {
	change   wontfix.Change
	entry    *wontfix.Entry
	noteEnd  int // the line on which the last note ended
	bugs     []string
	words    string             // RESERVED, REJECTED
	ruling   *wontfix.Statement // what NOT-FOR-US: or TODO: say
	unnamed  bool               // its name does not tell it from others
	headline int
}

// parseCVE reads the entry whose first line has the given number. Lines that
// are no entry, such as a claim or an empty line, give none.
func parseCVE(file, text string, number int) (wontfix.Change, bool) {
	p := &cveParser{change: wontfix.Change{File: file}, headline: number}
	for n, line := range lines(text, number) {
		indented := line != "" && isBlank(line[0])
		switch line = strings.Trim(line, blanks); {
		case line == "" || strings.HasPrefix(line, "--"):
		case !indented && p.entry == nil:
			if !p.header(line, n) {
				return p.change, len(p.change.Problems) > 0
			}
		case p.entry == nil:
			p.problem(n, "annotation %s: it belongs to no entry", quote(line))
			return p.change, true
		default:
			p.annotation(line, n)
		}
	}
	if p.entry == nil {
		return p.change, false
	}
	p.finish()
	return p.change, true
}

func (p *cveParser) problem(line int, format string, args ...any) {
	p.change.Problems = append(p.change.Problems, wontfix.Problem{File: p.change.File, Line: line, Text: fmt.Sprintf(format, args...)})
}

// header reads "CVE-2014-9365 (The HTTP clients in ...)".
func (p *cveParser) header(line string, n int) bool {
	id, rest := word(line)
	e := &wontfix.Entry{ID: id, File: p.change.File}
	switch {
	case isCVE(id), strings.HasPrefix(id, "TEMP-") && consists(id, "-"):
	case len(id) == len("CVE-2000-XXXX") && strings.HasSuffix(id, "-XXXX") && isCVE(id[:9]+"0000"):
		p.unnamed = true
	case strings.HasPrefix(line, "STOP:"), strings.HasPrefix(line, "begin claimed by "), strings.HasPrefix(line, "end claimed by "):
		return false
	default:
		p.problem(n, "header %s: want CVE-YEAR-NUMBER, CVE-YEAR-XXXX or TEMP-…", quote(line))
		return false
	}
	switch {
	case rest == "":
	case rest[0] == '(' && rest[len(rest)-1] == ')':
		e.Description = rest[1 : len(rest)-1]
	case rest[0] == '[' && rest[len(rest)-1] == ']':
		e.VendorText = rest[1 : len(rest)-1]
	default:
		p.problem(n, "description %s: want it in round or square brackets", quote(rest))
	}
	p.entry, p.change.Entry = e, e
	return true
}

// annotation reads one of the lines below a header.
func (p *cveParser) annotation(line string, n int) {
	switch {
	case line[0] == '{':
		p.references(line, n)
	case isRow(line):
		if r, ok := p.row(line, n); ok {
			p.add(r)
		}
	case line == "RESERVED", line == "REJECTED":
		p.words = line
		p.ruling = &wontfix.Statement{Word: line, Line: n}
		if line == "REJECTED" {
			p.ruling.Meaning = rejected()
		}
	default:
		key, text, _ := strings.Cut(line, ":")
		switch text = strings.TrimLeft(text, blanks); key {
		case "NOTE":
			p.note(text, n)
		case "TODO":
			p.note(line, n)
			if p.ruling == nil {
				p.ruling = &wontfix.Statement{Word: "TODO:", Detail: text, Line: n, Meaning: wontfix.Meaning{Status: wontfix.UnderInvestigation,
					Decision: wontfix.DecisionUnderInvestigation, Reasons: wontfix.AnalysisPending, Strength: wontfix.Soft, Evidence: wontfix.EvidenceWord}}
			}
		case "NOT-FOR-US":
			p.ruling = &wontfix.Statement{Word: "NOT-FOR-US:", Detail: text, Line: n, Meaning: wontfix.Meaning{Status: wontfix.NotAffected,
				Decision: wontfix.DecisionNotInRelease, Reasons: wontfix.ComponentNotPresent, Evidence: wontfix.EvidenceWord}}
		default:
			p.problem(n, "annotation %s: not one that is known", quote(line))
		}
	}
}

// references reads {DSA-5673-1 DLA-3807-1}.
func (p *cveParser) references(line string, n int) {
	if line[len(line)-1] != '}' {
		p.problem(n, "cross-reference %s: it lacks its }", quote(line))
		return
	}
	p.entry.References = append(p.entry.References, strings.Fields(line[1:len(line)-1])...)
}

// row reads a line about a package.
func (p *cveParser) row(line string, n int) (row, bool) {
	r, ok, why := parseRow(line, n)
	if why != "" {
		p.problem(n, "%s", why)
	}
	if ok && r.release == "" && noAdvisory(r.pseudo(), "").Decision != wontfix.DecisionUnknown {
		p.problem(n, "%s lacks the release that it is for", r.word)
		ok = false
	}
	return r, ok
}

// add keeps a row. Of two about the same package in the same release the one
// that leaves more open counts.
func (p *cveParser) add(r row) {
	for _, bug := range r.bugs {
		p.bugs = append(p.bugs, "https://bugs.debian.org/"+bug)
	}
	if len(p.entry.Statements) == maxRows {
		p.problem(r.line, "package %s: the entry has more than %d: this one is left out", r.source, maxRows)
		return
	}
	s := r.statement(p.change.File, p.entry.ID)
	for i := range p.entry.Statements {
		old := &p.entry.Statements[i]
		if old.Source != s.Source || old.Label != s.Label || beside(old) != beside(&s) {
			continue
		}
		p.problem(r.line, "package %s: line %d speaks of the same release", s.Source, old.Line)
		if compareRows(&s, old) > 0 {
			*old = s
		}
		return
	}
	p.entry.Statements = append(p.entry.Statements, s)
}

// note keeps a line of text. One that begins in lower case goes on with the
// sentence of the line above it.
func (p *cveParser) note(text string, n int) {
	notes := p.entry.Notes
	switch {
	case text == "":
	case strings.Contains(text, "://") && !strings.ContainsAny(text, blanks):
		p.entry.References = append(p.entry.References, text)
	case len(notes) > 0 && p.noteEnd == n-1 && text[0] >= 'a' && text[0] <= 'z' && !strings.Contains(text[:min(len(text), 8)], "://"):
		notes[len(notes)-1].Text += "\n" + text
		p.noteEnd = n
	default:
		p.entry.Notes = append(notes, wontfix.Note{Text: text, Line: n})
		p.noteEnd = n
	}
}

// finish brings together what the lines said.
func (p *cveParser) finish() {
	e := p.entry
	e.Bugs = p.bugs
	if p.unnamed {
		e.ID = temporary(p.bugs, e.Description+e.VendorText)
	}
	p.change.ID = e.ID
	if p.words == "REJECTED" {
		e.Withdrawn = "rejected"
	}
	switch n := len(e.Statements); {
	case n > 0 && p.ruling != nil && p.ruling.Word == "NOT-FOR-US:":
		p.problem(p.ruling.Line, "NOT-FOR-US: there are lines about packages too")
	case n == 0 && p.ruling != nil:
		p.ruling.Release = release("")
		p.ruling.File = e.File
		e.Statements = append(e.Statements, *p.ruling)
	}
	urgency := map[string]string{}
	for i := range e.Statements {
		s := &e.Statements[i]
		s.ID = e.ID
		addNotes(s, e.Notes)
		if p.words == "REJECTED" {
			s.Meaning = rejected()
		}
		if s.Label == Unstable && s.Priority != "" {
			urgency[s.Source] = s.Priority
			e.Priorities = append(e.Priorities, wontfix.PriorityOverride{Source: s.Source, Priority: wontfix.Priority{Word: s.Priority, Line: s.Line}})
		}
	}
	for i := range e.Statements {
		if s := &e.Statements[i]; s.Priority == "" && urgency[s.Source] != unimportant {
			s.Priority = urgency[s.Source]
		}
	}
}

// rejected is what a row means in an entry that the CVE project has withdrawn.
func rejected() wontfix.Meaning {
	return wontfix.Meaning{Decision: wontfix.DecisionWithdrawn, Evidence: wontfix.EvidenceWord, Because: "the CVE project rejected it"}
}

// temporary returns the ID that the tracker gives to what has no number yet:
// it is made of the first bug and the description.
func temporary(bugs []string, description string) string {
	bug := "0"
	if len(bugs) > 0 {
		bug = bugs[0][strings.LastIndexByte(bugs[0], '/')+1:]
	}
	sum := md5.Sum([]byte(description))
	return fmt.Sprintf("TEMP-%s%s-%X", strings.Repeat("0", max(0, 7-len(bug))), bug, sum[:3])
}
