// Package version compares versions of packages: those of dpkg, rpm, apk and
// pacman, each as the program itself does.
//
// It imports the standard library alone and allocates nothing.
package version

import "strings"

// Dpkg compares two versions of Debian packages as Debian Policy 5.6.12 says
// and dpkg does: epoch, then upstream version, then revision. It returns -1 if
// a is lower than b, 0 if they are equal and +1 if a is higher.
//
// Every string has a place in the order. A part before a colon that is not a
// number is no epoch but belongs to the upstream version; an epoch may have
// any number of digits. Versions that dpkg calls valid ([ValidDpkg]) compare
// as dpkg compares them.
func Dpkg(a, b string) int {
	if a == b {
		return 0
	}
	ae, av, ar := split(a)
	be, bv, br := split(b)
	if c := comparePart(ae, be); c != 0 {
		return c
	}
	if c := comparePart(av, bv); c != 0 {
		return c
	}
	return comparePart(ar, br)
}

// split returns the three parts of a version. Absent ones are "", which
// compares as "0" does.
func split(s string) (epoch, upstream, revision string) {
	s = strings.Trim(s, " \t")
	if i := strings.IndexByte(s, ':'); i >= 0 {
		if e, ok := epochDigits(s[:i]); ok {
			epoch, s = e, s[i+1:]
		}
	}
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return epoch, s[:i], s[i+1:]
	}
	return epoch, s, ""
}

// epochDigits returns the digits of an epoch. dpkg reads it with strtol, so
// that a plus sign before the digits is allowed.
func epochDigits(s string) (string, bool) {
	s = strings.TrimPrefix(s, "+")
	for i := range len(s) {
		if !isDigit(s[i]) {
			return "", false
		}
	}
	return s, s != ""
}

// comparePart compares an upstream version or a revision: in turn what is not
// a digit, byte by byte in the order of [order], and what is, as numbers.
func comparePart(a, b string) int {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for (i < len(a) && !isDigit(a[i])) || (j < len(b) && !isDigit(b[j])) {
			if d := order(a, i) - order(b, j); d != 0 {
				return sign(d)
			}
			i++
			j++
		}
		for i < len(a) && a[i] == '0' {
			i++
		}
		for j < len(b) && b[j] == '0' {
			j++
		}
		first := 0
		for i < len(a) && isDigit(a[i]) && j < len(b) && isDigit(b[j]) {
			if first == 0 {
				first = int(a[i]) - int(b[j])
			}
			i++
			j++
		}
		if i < len(a) && isDigit(a[i]) {
			return 1
		}
		if j < len(b) && isDigit(b[j]) {
			return -1
		}
		if first != 0 {
			return sign(first)
		}
	}
	return 0
}

// order returns the weight of the byte at i: tilde first, then the end or a
// digit, then letters, then everything else.
func order(s string, i int) int {
	if i >= len(s) {
		return 0
	}
	switch c := s[i]; {
	case isDigit(c):
		return 0
	case isAlpha(c):
		return int(c)
	case c == '~':
		return -1
	default:
		return int(c) + 256
	}
}

// ValidDpkg reports whether dpkg --validate-version accepts a version: an
// epoch that fits into an int, an upstream version that begins with a digit,
// a revision that is not empty if there is a hyphen, and no byte but letters,
// digits and . + ~, in the upstream version also - and :. Blanks around it
// are ignored.
func ValidDpkg(s string) bool {
	s = strings.Trim(s, " \t")
	if i := strings.IndexByte(s, ':'); i >= 0 {
		e, ok := epochDigits(s[:i])
		e = strings.TrimLeft(e, "0")
		if !ok || len(e) > 10 || (len(e) == 10 && e > "2147483647") {
			return false
		}
		s = s[i+1:]
	}
	upstream, revision := s, ""
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		upstream, revision = s[:i], s[i+1:]
		if revision == "" {
			return false
		}
	}
	if upstream == "" || !isDigit(upstream[0]) {
		return false
	}
	return legal(upstream, ".-+~:") && legal(revision, ".+~")
}

func legal(s, marks string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) && !isAlpha(s[i]) && strings.IndexByte(marks, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func sign(d int) int {
	if d < 0 {
		return -1
	}
	return 1
}
