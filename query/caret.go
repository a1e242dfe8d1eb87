package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// caret returns two lines: the text, and a mark below the byte at offset.
// Control characters are shown as ones that a terminal can print, and of a
// long text the part around the mark is shown.
func caret(text string, offset int) string {
	const before, after = 60, 40
	offset = min(max(offset, 0), len(text))
	head := []rune(printable(text[:offset]))
	tail := []rune(printable(text[offset:]))
	if len(head) > before {
		head = append([]rune("…"), head[len(head)-before:]...)
	}
	if len(tail) > after {
		tail = append(tail[:after:after], '…')
	}
	return "  " + string(head) + string(tail) + "\n  " + strings.Repeat(" ", len(head)) + "^"
}

// printable replaces the characters that a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '·'
		}
		return r
	}, s)
}
