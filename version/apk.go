package version

import "strings"

// Apk compares two versions of Alpine packages, each
// number{.number}[letter]{_suffix[number]}[~hash][-rnumber], as apk does
// (apk-package(5)). It returns -1 if a is lower than b, 0 if they are equal
// and +1 if a is higher.
//
// Every string has a place in the order. What does not follow the grammar is
// lower than an end; apk itself gives it no order, here it is compared as rpm
// would, so that the old version 5.7.1p1-r0 is lower than 5.7.1p1-r1.
func Apk(a, b string) int {
	if a == b {
		return 0
	}
	x, y := apkToken{rest: a}, apkToken{rest: b}
	for {
		x.next()
		y.next()
		if x.kind != y.kind {
			return sign(x.kind - y.kind)
		}
		switch x.kind {
		case apkEnd:
			return 0
		case apkInvalid:
			return rpmPart(x.rest, y.rest)
		}
		if c := x.compare(&y); c != 0 {
			return c
		}
	}
}

// The kinds of parts, from the lowest: what each kind says of a version that
// has it where the other has another kind. A suffix such as _rc makes a version
// lower than one that ends, everything else higher.
const (
	apkPre = iota // _alpha, _beta, _pre, _rc
	apkInvalid
	apkEnd
	apkRevision
	apkHash
	apkSuffixNumber
	apkPost // _cvs, _svn, _git, _hg, _p
	apkLetter
	apkNumber
	apkFirst
)

// An apkToken is one part of a version, and what follows it.
type apkToken struct {
	kind  int
	text  string
	order int // of a suffix among those of its kind
	begun bool
	rest  string
}

var apkSuffixes = [...]struct {
	name string
	kind int
}{{"alpha", apkPre}, {"beta", apkPre}, {"pre", apkPre}, {"rc", apkPre}, {"cvs", apkPost}, {"svn", apkPost}, {"git", apkPost}, {"hg", apkPost}, {"p", apkPost}}

// next reads the next part.
func (t *apkToken) next() {
	before := t.kind
	if !t.begun {
		t.begun = true
		t.take(apkFirst, 0, isDigit)
		return
	}
	if t.rest == "" {
		t.kind, t.text = apkEnd, ""
		return
	}
	number := before == apkFirst || before == apkNumber
	suffix := before == apkPre || before == apkPost
	switch c := t.rest[0]; {
	case c == '.' && number:
		t.take(apkNumber, 1, isDigit)
	case isDigit(c) && number: // a letter would have to come between
		t.take(apkNumber, 0, isDigit)
	case isDigit(c) && suffix:
		t.take(apkSuffixNumber, 0, isDigit)
	case 'a' <= c && c <= 'z' && number:
		t.kind, t.text, t.rest = apkLetter, t.rest[:1], t.rest[1:]
	case c == '_' && (number || suffix || before == apkLetter || before == apkSuffixNumber):
		t.take(apkPost, 1, func(c byte) bool { return 'a' <= c && c <= 'z' })
		t.suffix()
	case c == '~' && before != apkHash && before != apkRevision:
		t.take(apkHash, 1, func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' })
	case strings.HasPrefix(t.rest, "-r") && before != apkRevision:
		t.take(apkRevision, 2, isDigit)
	default:
		t.kind = apkInvalid
	}
}

// take makes the bytes after the first skip that are of a class the next part.
func (t *apkToken) take(kind, skip int, is func(byte) bool) {
	i := skip
	for i < len(t.rest) && is(t.rest[i]) {
		i++
	}
	t.kind, t.text, t.rest = kind, t.rest[skip:i], t.rest[i:]
	if t.text == "" {
		t.kind = apkInvalid
	}
}

// suffix tells which suffix has been taken.
func (t *apkToken) suffix() {
	for i, s := range apkSuffixes {
		if t.kind != apkInvalid && s.name == t.text {
			t.kind, t.order = s.kind, i
			return
		}
	}
	t.kind = apkInvalid
}

// compare compares two parts of one kind.
func (t *apkToken) compare(u *apkToken) int {
	switch t.kind {
	case apkPre, apkPost:
		if t.order != u.order {
			return sign(t.order - u.order)
		}
		return 0
	case apkNumber:
		// As digits behind a point, if a zero leads either: 1.05 < 1.1.
		if t.text[0] == '0' || u.text[0] == '0' {
			return strings.Compare(t.text, u.text)
		}
	case apkLetter, apkHash:
		return strings.Compare(t.text, u.text)
	}
	return compareRun(t.text, u.text)
}
