package probe

import (
	"bytes"
	"encoding/json"
	"strings"

	"wontfix/internal/lazyregexp"
)

// A setting is a line of a file that sets something.
type setting struct {
	line  int
	key   string // in lower case, with the section: "http.sslverify"
	name  string // as it is shown: "http.sslVerify"
	value string
	text  string // what has to stand in a file for the same
}

// Words for yes and no, in the languages of configuration files.

func isFalse(s string) bool {
	return oneOf("0", "false", "no", "off", "n", "f", "disable", "disabled")(s)
}
func isTrue(s string) bool {
	return oneOf("", "1", "true", "yes", "on", "y", "t", "enable", "enabled")(s)
}
func isSet(s string) bool { return s != "" }

// oneOf returns a test for some words.
func oneOf(words ...string) func(string) bool {
	return func(s string) bool {
		for _, w := range words {
			if strings.EqualFold(w, s) {
				return true
			}
		}
		return false
	}
}

func having(part string) func(string) bool {
	return func(s string) bool { return strings.Contains(strings.ToLower(s), part) }
}

// lines calls f with each line, from 1, without the white space around it.
func lines(data []byte, f func(n int, line string)) {
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		n++
		f(n, strings.TrimSpace(strings.ReplaceAll(line, "\r", "\n")))
	}
}

func comment(line string, marks string) bool {
	return line == "" || strings.ContainsRune(marks, rune(line[0]))
}

// unquote takes quotes from around a value.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// bare takes a comment from behind a value, and its quotes.
func bare(s string) string {
	s = strings.TrimSpace(s)
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if end := strings.IndexByte(s[1:], s[0]); end >= 0 {
			return s[1 : 1+end]
		}
	}
	for i := range len(s) {
		if (s[i] == '#' || s[i] == ';') && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			s = strings.TrimSpace(s[:i])
			break
		}
	}
	return s
}

// split returns a key and its value, which stands behind the first of some
// characters, or behind white space.
func split(line, separators string) (key, value string) {
	i := strings.IndexFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || strings.ContainsRune(separators, r) })
	if i < 0 {
		return line, ""
	}
	key, value = line[:i], strings.TrimSpace(line[i:])
	if value != "" && strings.ContainsRune(separators, rune(value[0])) {
		value = value[1:]
	}
	return key, bare(value)
}

// scanPlain reads lines of a key and a value: those of wget, axel, aria2, msmtp,
// ldap, and many more.
func scanPlain(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if comment(line, "#;!") {
			return
		}
		key, value := split(line, "=:")
		list = append(list, setting{n, strings.ToLower(key), key, value, line + "\n"})
	})
	return list
}

// scanWgetrc reads wget's lines: hyphens and underscores in a key are nothing.
func scanWgetrc(data []byte) []setting {
	list := scanPlain(data)
	for i := range list {
		list[i].key = strings.NewReplacer("-", "", "_", "").Replace(list[i].key)
	}
	return list
}

// scanSpaced reads lines of a key, white space, and a value.
func scanSpaced(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if comment(line, "#") {
			return
		}
		line = strings.TrimPrefix(line, "set ")
		key, value := split(strings.TrimSpace(line), "=")
		list = append(list, setting{n, strings.ToLower(key), key, value, "set " + key + " " + value + "\n"})
	})
	return list
}

// scanWords reads the lines of w3m and links, which have no set.
func scanWords(data []byte) []setting {
	list := scanSpaced(data)
	for i := range list {
		list[i].text = strings.TrimPrefix(list[i].text, "set ")
	}
	return list
}

// scanINI reads sections of keys and values. In git's a section may have a
// quoted part, and a key alone is true.
func scanINI(data []byte) (list []setting) {
	var section, head string
	lines(data, func(n int, line string) {
		if comment(line, "#;") {
			return
		}
		if line[0] == '[' {
			end := strings.LastIndexByte(line, ']')
			if end < 0 {
				return
			}
			if first := strings.IndexByte(line, ']'); !strings.Contains(line[:end], `"`) && first < end && line[1] != '[' {
				end = first
			}
			head = line[:end+1]
			name, quoted, ok := strings.Cut(strings.Trim(head, "[]"), `"`)
			section = strings.TrimSpace(name)
			if ok {
				section += "." + strings.TrimSuffix(quoted, `"`)
			}
			if line = strings.TrimSpace(line[end+1:]); comment(line, "#;") {
				return
			}
		}
		var key, value string
		if i := strings.IndexAny(line, "=:"); i >= 0 {
			// hg has colons in keys.
			if j := strings.IndexByte(line, '='); j >= 0 {
				i = j
			}
			key, value = strings.TrimSpace(line[:i]), bare(line[i+1:])
		} else {
			key = bare(line)
		}
		if section != "" {
			list = append(list, setting{n, strings.ToLower(section + "." + key), section + "." + key, value, head + "\n" + line + "\n"})
			return
		}
		list = append(list, setting{n, strings.ToLower(key), key, value, line + "\n"})
	})
	return list
}

// scanCurlrc reads curl's options: with or without hyphens, short ones in
// clusters.
func scanCurlrc(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if comment(line, "#") {
			return
		}
		key, value := split(line, "=:")
		if len(key) >= 2 && key[0] == '-' && key[1] != '-' {
			if before, _, ok := strings.Cut(key[1:], "k"); ok && !strings.ContainsAny(before, curlWithValue) {
				list = append(list, setting{n, "insecure", "-k", "", "-k\n"})
				return
			}
			if key[1] == 'x' {
				list = append(list, setting{n, "proxy", "-x", strings.TrimSpace(key[2:] + value), line + "\n"})
			}
			return
		}
		key = strings.TrimPrefix(key, "--")
		list = append(list, setting{n, strings.ToLower(key), key, value, line + "\n"})
	})
	return list
}

// curlWithValue are curl's short options behind which a value stands.
const curlWithValue = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"

// assignment matches a variable that a shell sets, as sh, csh and fish do, and
// those of a Dockerfile-like list.
var assignment = lazyregexp.New(`(?:^|[\s;&"'])(?:export\s+|declare\s+-x\s+|set\s+-\w+\s+|setenv\s+)?([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^\s;&"']*)`)

var spacedAssignment = lazyregexp.New(`^(?:setenv|set\s+-\w+)\s+([A-Za-z_]\w*)\s+("[^"]*"|'[^']*'|[^\s;&]*)`)

// scanAssignments reads the variables that a file sets. It knows no shell: what
// a condition guards is found too.
func scanAssignments(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if comment(line, "#;") {
			return
		}
		if m := spacedAssignment.FindStringSubmatch(line); m != nil {
			list = append(list, setting{line: n, key: m[1], name: m[1], value: unquote(m[2])})
			return
		}
		for _, m := range assignment.FindAllStringSubmatch(line, -1) {
			list = append(list, setting{line: n, key: m[1], name: m[1], value: unquote(m[2])})
		}
	})
	return list
}

// scanUnit reads the variables that systemd sets.
func scanUnit(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		for _, key := range []string{"Environment=", "DefaultEnvironment=", "ManagerEnvironment="} {
			if rest, ok := strings.CutPrefix(line, key); ok {
				for _, s := range scanAssignments([]byte(rest)) {
					s.line = n
					list = append(list, s)
				}
			}
		}
	})
	return list
}

// scanSudoers reads which variables survive sudo.
func scanSudoers(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		_, rest, ok := strings.Cut(line, "env_keep")
		if comment(line, "#") || !ok {
			return
		}
		for _, name := range strings.Fields(strings.Trim(rest, `+= "`)) {
			name = strings.Trim(name, `"`)
			list = append(list, setting{line: n, key: "env_keep." + strings.ToLower(name), name: "env_keep " + name})
		}
	})
	return list
}

// scanYAML reads keys and values of YAML wherever they stand in it.
func scanYAML(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "- "))
		if comment(line, "#") {
			return
		}
		colon := strings.HasPrefix(line, ":") // a symbol of Ruby
		key, value, ok := strings.Cut(strings.TrimPrefix(line, ":"), ":")
		if !ok || value != "" && value[0] != ' ' && value[0] != '\t' {
			return
		}
		text := line + "\n"
		if colon {
			text = "---\n" + text
		}
		key = unquote(key)
		list = append(list, setting{n, strings.ToLower(key), key, bare(value), text})
	})
	return list
}

// scanJSON reads the scalars of a JSON text, with dots between the keys. What
// stands behind an error is not read.
func scanJSON(data []byte) (list []setting) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	type level struct {
		object bool
		key    string
		want   bool // a key is next
	}
	var stack []level
	last, line := 0, 1
	for len(stack) < 100 {
		t, err := d.Token()
		if err != nil {
			return list
		}
		end := min(int(d.InputOffset()), len(data))
		line += bytes.Count(data[last:end], []byte("\n"))
		last = end
		if t == json.Delim('{') || t == json.Delim('[') {
			stack = append(stack, level{object: t == json.Delim('{'), want: t == json.Delim('{')})
			continue
		}
		if _, ok := t.(json.Delim); ok {
			stack = stack[:len(stack)-1]
		} else if n := len(stack) - 1; n >= 0 && stack[n].want {
			stack[n].key, _ = t.(string)
			stack[n].want = false
			continue
		} else {
			var keys []string
			for _, l := range stack {
				if l.object {
					keys = append(keys, l.key)
				}
			}
			b, _ := json.Marshal(t)
			key := strings.Join(keys, ".")
			list = append(list, setting{line: line, key: strings.ToLower(key), name: key, value: unquote(string(b))})
		}
		if n := len(stack) - 1; n >= 0 && stack[n].object {
			stack[n].want = true
		}
	}
	return list
}

// scanApt reads apt's settings, apt.conf(5): nested in braces, or with colons.
func scanApt(data []byte) (list []setting) {
	var stack, words []string
	n, began := 1, 1
	end := func() {
		if len(words) > 0 {
			key := strings.Join(append(stack[:len(stack):len(stack)], words[0]), "::")
			if value := strings.Join(words[1:], " "); len(words) > 1 && !strings.ContainsAny(key, " \t\r\n;{}\"") {
				list = append(list, setting{began, strings.ToLower(key), key, value, key + ` "` + value + "\";\n"})
			}
		}
		words = nil
	}
	for i := 0; i < len(data); {
		c := data[i]
		rest := data[i:]
		switch {
		case c == '\n':
			n++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#' || bytes.HasPrefix(rest, []byte("//")):
			for i < len(data) && data[i] != '\n' {
				i++
			}
		case bytes.HasPrefix(rest, []byte("/*")):
			stop := bytes.Index(rest, []byte("*/"))
			if stop < 0 {
				return list
			}
			n += bytes.Count(rest[:stop], []byte("\n"))
			i += stop + 2
		case c == ';':
			end()
			i++
		case c == '{':
			name := strings.Join(words, " ")
			words = nil
			if stack = append(stack, name); len(stack) > 100 {
				return list
			}
			i++
		case c == '}':
			end()
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
			i++
		default:
			if len(words) == 0 {
				began = n
			}
			word, size := aptWord(rest)
			n += strings.Count(word, "\n")
			words = append(words, word)
			i += size
		}
	}
	return list
}

// aptWord returns the word at the beginning of a text, and how long it is there.
func aptWord(data []byte) (string, int) {
	if data[0] == '"' {
		if i := bytes.IndexByte(data[1:], '"'); i >= 0 {
			return string(data[1 : 1+i]), i + 2
		}
		return string(data[1:]), len(data)
	}
	i := bytes.IndexAny(data, " \t\r\n;{}\"")
	if i < 0 {
		i = len(data)
	}
	return string(data[:i]), max(i, 1)
}

// scanSources reads the options of apt's sources, in both formats.
func scanSources(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if comment(line, "#") {
			return
		}
		if key, value, ok := strings.Cut(line, ":"); ok && !strings.ContainsAny(key, " [") {
			list = append(list, setting{line: n, key: strings.ToLower(key), name: key, value: strings.TrimSpace(value)})
			return
		}
		_, rest, _ := strings.Cut(line, "[")
		options, _, _ := strings.Cut(rest, "]")
		for _, o := range strings.Fields(options) {
			key, value, _ := strings.Cut(o, "=")
			list = append(list, setting{line: n, key: strings.ToLower(key), name: key, value: value})
		}
	})
	return list
}

// scanCode reports the first line of a file that is code.
func scanCode(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if len(list) == 0 && !comment(line, "#") {
			list = append(list, setting{line: n, key: "code", name: "code"})
		}
	})
	return list
}

// scanPth reports the lines of a .pth file that Python executes.
func scanPth(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t") {
			list = append(list, setting{line: n, key: "code", name: "import"})
		}
	})
	return list
}

// lisp matches a variable of Emacs that is set.
var lisp = lazyregexp.New(`\(?(network-security-level|gnutls-verify-error|tls-checktrust|gnutls-algorithm-priority)\s+'?([\w-]+)`)

// scanEmacs reads the variables of Emacs that verification depends on.
func scanEmacs(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		if comment(line, ";") {
			return
		}
		for _, m := range lisp.FindAllStringSubmatch(line, -1) {
			list = append(list, setting{line: n, key: m[1], name: m[1], value: m[2]})
		}
	})
	return list
}

// scanOptions reads a file of command-line options, one or more on a line.
func scanOptions(data []byte) (list []setting) {
	lines(data, func(n int, line string) {
		for _, w := range strings.Fields(line) {
			key, value, _ := strings.Cut(w, "=")
			list = append(list, setting{line: n, key: strings.ToLower(key), name: key, value: value})
		}
	})
	return list
}
