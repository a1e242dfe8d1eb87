package version

// Pacman compares two versions of Arch packages, each
// [epoch:]version[-release], as vercmp(8) does. It returns -1 if a is lower
// than b, 0 if they are equal and +1 if a is higher.
//
// The release counts only if both versions have one, so that 1 equals 1-1 and
// 1-2. Of versions that all have a release, or all have none, and that no
// separator ends or doubles, it is an order.
func Pacman(a, b string) int {
	if a == b {
		return 0
	}
	x, y := splitEVR(a), splitEVR(b)
	if c := pacmanPart(x.epoch, y.epoch); c != 0 {
		return c
	}
	if c := pacmanPart(x.version, y.version); c != 0 || !x.released || !y.released {
		return c
	}
	return pacmanPart(x.release, y.release)
}

// pacmanPart compares epochs, versions or releases: in turn their runs of
// digits and of letters. Of two equal beginnings the longer one is higher, but
// if it goes on with a letter: 1.0beta < 1.0 < 1.0.1.
func pacmanPart(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" && b != "" {
		i, j := separators(a), separators(b)
		a, b = a[i:], b[j:]
		switch {
		case a == "" || b == "":
			continue
		case i != j:
			return sign(i - j)
		case isDigit(a[0]) != isDigit(b[0]):
			if isDigit(a[0]) {
				return 1
			}
			return -1
		}
		i, j = run(a), run(b)
		if c := compareRun(a[:i], b[:j]); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
	switch {
	case a == "" && b == "":
		return 0
	case a == "":
		return -pacmanRest(b)
	}
	return pacmanRest(a)
}

// pacmanRest says whether a version is higher for what follows.
func pacmanRest(s string) int {
	if isAlpha(s[0]) {
		return -1
	}
	return 1
}

// separators returns how many bytes s begins with that are neither digits nor
// letters.
func separators(s string) int {
	i := 0
	for i < len(s) && !isDigit(s[i]) && !isAlpha(s[i]) {
		i++
	}
	return i
}
