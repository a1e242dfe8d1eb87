package version

import "strings"

// Rpm compares two versions of rpm packages, each [epoch:]version[-release],
// as rpm does (rpm-version(7)): epoch, then version, then release. It returns
// -1 if a is lower than b, 0 if they are equal and +1 if a is higher.
//
// An absent epoch is 0, an absent release lower than any. Every string has a
// place in the order.
func Rpm(a, b string) int {
	if a == b {
		return 0
	}
	x, y := splitEVR(a), splitEVR(b)
	if c := rpmPart(x.epoch, y.epoch); c != 0 {
		return c
	}
	if c := rpmPart(x.version, y.version); c != 0 {
		return c
	}
	switch {
	case x.released && !y.released:
		return 1
	case y.released && !x.released:
		return -1
	}
	return rpmPart(x.release, y.release)
}

// An evr is a version of rpm or pacman, taken apart.
type evr struct {
	epoch, version, release string
	released                bool // it has a release
}

// splitEVR takes a version apart: digits before a colon are the epoch, what
// follows the last hyphen is the release.
func splitEVR(s string) evr {
	v := evr{epoch: "0"}
	digits := run(s)
	if digits < len(s) && s[digits] == ':' && (digits == 0 || isDigit(s[0])) {
		if digits > 0 {
			v.epoch = s[:digits]
		}
		s = s[digits+1:]
	}
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		s, v.release, v.released = s[:i], s[i+1:], true
	}
	v.version = s
	return v
}

// rpmPart compares epochs, versions or releases: in turn their runs of digits
// and of letters. A tilde is lower than the end; a caret is higher than the
// end and lower than anything else. All other bytes do nothing but separate.
func rpmPart(a, b string) int {
	for {
		a, b = rpmTrim(a), rpmTrim(b)
		x, y := rpmRank(a), rpmRank(b)
		switch {
		case x != y:
			return sign(x - y)
		case a == "":
			return 0
		case x == rankTilde || x == rankCaret:
			a, b = a[1:], b[1:]
			continue
		}
		i, j := run(a), run(b)
		if c := compareRun(a[:i], b[:j]); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
}

// rpmTrim takes separators off the front.
func rpmTrim(s string) string {
	for s != "" && !isDigit(s[0]) && !isAlpha(s[0]) && s[0] != '~' && s[0] != '^' {
		s = s[1:]
	}
	return s
}

const (
	rankTilde = iota
	rankEnd
	rankCaret
	rankAlpha
	rankDigit
)

// rpmRank returns the place of what a part goes on with.
func rpmRank(s string) int {
	switch {
	case s == "":
		return rankEnd
	case s[0] == '~':
		return rankTilde
	case s[0] == '^':
		return rankCaret
	case isDigit(s[0]):
		return rankDigit
	}
	return rankAlpha
}

// run returns the length of the digits or the letters that s begins with.
func run(s string) int {
	if s == "" {
		return 0
	}
	is := isAlpha
	if isDigit(s[0]) {
		is = isDigit
	}
	i := 0
	for i < len(s) && is(s[i]) {
		i++
	}
	return i
}

// compareRun compares two runs of digits as numbers, of letters as bytes.
func compareRun(a, b string) int {
	if a != "" && isDigit(a[0]) {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return sign(len(a) - len(b))
		}
	}
	return strings.Compare(a, b)
}
