package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns s with every character that a terminal, a spreadsheet or a
// reader's eye could be deceived by made visible. Tabs, line ends and every
// other kind of space but the no-break space become one space each. Each other control character (C0,
// DEL, C1: with them go all terminal escapes), each format character (the
// orders and overrides of bidirectional text, zero-width characters, soft
// hyphens, tags), each character that has no shape, and each byte that is not
// UTF-8 becomes U+FFFD. It replaces and does not remove, so that two strings
// which differ do not come to look alike.
func Clean(s string) string {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for _, r := range s[i:] {
		b.WriteRune(shown(r))
	}
	return b.String()
}

// shown returns the rune that is written for r in text.
func shown(r rune) rune {
	switch {
	case r >= ' ' && r < 0x7f:
		return r
	case isSpace(r):
		return ' '
	case hidden(r):
		return utf8.RuneError
	}
	return r
}

func isSpace(r rune) bool {
	return r >= '\t' && r <= '\r' || r == 0x85 || r != 0xa0 && unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp)
}

// hidden reports whether a reader cannot see r: Unicode's general categories
// Cc, Cf, Zl, Zp, and the rest of its default ignorable code points.
func hidden(r rune) bool {
	if r < 0x7f {
		return r < ' '
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r >= 0xe0000 && r <= 0xe0fff
}

// cleanCell returns s for a cell of CSV. A spreadsheet takes a cell that begins
// with one of = + - @ for a formula; an apostrophe in front makes it text.
func cleanCell(s string) string {
	s = strings.ReplaceAll(Clean(s), nbsp, " ")
	if t := strings.TrimLeft(s, " "); t != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}

var markdownEscapes = strings.NewReplacer(
	"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "~", "\\~", "[", "\\[", "]", "\\]", "#", "\\#",
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", "://", ":&#47;/", "www.", "www&#46;", "!", "\\!")

// cleanMarkdown returns s as plain text in Markdown: no character of it is
// markup, HTML, the end of a cell, a mention or a link.
func cleanMarkdown(s string) string {
	return markdownEscapes.Replace(strings.ReplaceAll(Clean(s), nbsp, " "))
}

// cleanLink returns s as the target of a link in Markdown, or "" if it is not an
// address of the web or has a character that could end the link.
func cleanLink(s string) string {
	if !isURL(s) || strings.ContainsAny(s, " <>()[]|\\`\"") || Clean(s) != s {
		return ""
	}
	return s
}

// isURL reports whether s begins as an address of the web does.
func isURL(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}
