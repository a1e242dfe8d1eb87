package inventory

import "bytes"

// eachField goes through the stanzas of a file in the control format of Debian
// (deb822(5)). It calls f with the number of the line, counted from 1, and
//
//   - key and value, without the blanks around them, for a field;
//   - a nil key and the line, without the blanks around it, for a continuation;
//   - an empty key and the line for one that is neither;
//   - a nil key and a nil value where a stanza ends.
//
// A line of # is a comment in files that people write and nothing else here.
func eachField(b []byte, f func(line int, key, value []byte)) {
	line, inside := 0, false
	for len(b) > 0 {
		line++
		var text []byte
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			text, b = b[:i], b[i+1:]
		} else {
			text, b = b, nil
		}
		switch {
		case len(text) == 0 || (len(text) == 1 && text[0] == '\r'):
			if inside {
				f(line, nil, nil)
			}
			inside = false
			continue
		case text[0] == '#':
			continue
		case text[0] == ' ' || text[0] == '\t':
			f(line, nil, notNil(bytes.TrimSpace(text)))
		default:
			i := bytes.IndexByte(text, ':')
			if i <= 0 {
				f(line, []byte{}, text)
			} else {
				f(line, bytes.TrimRight(text[:i], " \t"), bytes.Trim(text[i+1:], " \t\r"))
			}
		}
		inside = true
	}
	if inside {
		f(line, nil, nil)
	}
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// isKey reports whether a field's name is the given one. Names of fields have
// no case.
func isKey(key []byte, name string) bool {
	return len(key) == len(name) && bytes.EqualFold(key, []byte(name))
}
