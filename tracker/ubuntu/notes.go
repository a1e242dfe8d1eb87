package ubuntu

import (
	"strings"

	"wontfix"
)

// A notesParser is the state machine that makes notes of lines. Consecutive
// lines of one author with one separator are one note.
type notesParser struct {
	strict bool
	notes  []wontfix.Note
	open   bool
	note   wontfix.Note
	sep    byte
}

// add takes one continuation line of Notes and returns what is wrong with it.
func (n *notesParser) add(line int, text string) (problems []string) {
	author, sep, rest, ok := authorLine(text)
	if ok && !n.strict && !plausible(author, text) && n.open {
		ok = false
	}
	if !ok && !n.strict {
		author, rest, ok = oldAuthorLine(text)
		sep = '>'
	}
	if !ok {
		if !n.open {
			problems = append(problems, "note with no author: "+quoteShort(trim(text)))
		}
		if !strings.HasPrefix(text, "  ") {
			problems = append(problems, "note continued with one space, want two: "+quoteShort(text))
		}
		if len(problems) > 0 && n.strict {
			return problems
		}
		author, sep, rest = n.note.Author, n.sep, trim(text)
	}
	switch {
	case !n.open || n.note.Text == "":
		n.open = true
		n.note, n.sep = wontfix.Note{Author: author, Text: rest, Line: line}, sep
	case author != n.note.Author || sep != n.sep:
		n.notes = append(n.notes, n.note)
		n.note, n.sep = wontfix.Note{Author: author, Text: rest, Line: line}, sep
	case sep == '|':
		n.note.Text += " " + rest
	default:
		n.note.Text += "\n" + rest
	}
	return problems
}

func (n *notesParser) finish() []wontfix.Note {
	if n.open {
		n.notes = append(n.notes, n.note)
	}
	return n.notes
}

// authorLine reads ` nick> text` or ` nick| text`, at any depth of indentation.
func authorLine(line string) (author string, sep byte, text string, ok bool) {
	s := strings.TrimLeftFunc(line, isSpace)
	i := 0
	for i < len(s) && (s[i] == '-' || '0' <= s[i] && s[i] <= '9' || 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z') {
		i++
	}
	if i == 0 || i == len(s) || s[i] != '>' && s[i] != '|' {
		return "", 0, "", false
	}
	return s[:i], s[i], strings.TrimLeft(s[i+1:], " "), true
}

// plausible tells authors from words of the text that happen to stand before a
// > or |, such as Digest->new: deeper than one space, an author is followed by
// a space and begins with a lower-case letter.
func plausible(author, line string) bool {
	if !strings.HasPrefix(line, "  ") {
		return true
	}
	i := strings.Index(line, author) + len(author) + 1
	return author[0] >= 'a' && author[0] <= 'z' && !strings.HasSuffix(author, "-") && (i == len(line) || line[i] == ' ')
}

// oldAuthorLine reads ` nick: text`, the form of notes before 2019.
func oldAuthorLine(line string) (author, text string, ok bool) {
	if len(line) < 2 || line[0] != ' ' || line[1] == ' ' {
		return "", "", false
	}
	author, text, ok = strings.Cut(line[1:], ": ")
	if !ok || len(author) < 2 || len(author) > 16 {
		return "", "", false
	}
	for i := range len(author) {
		if c := author[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return "", "", false
		}
	}
	return author, trim(text), true
}

func quoteShort(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return "\"" + s + "\""
}
