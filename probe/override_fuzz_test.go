package probe

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// FuzzOverrides wants of every scanner that its lines are lines of the file, and
// of what is found that it can be printed on one line of a terminal.
func FuzzOverrides(f *testing.F) {
	kinds := append(places(), profiles()...)
	for i, p := range kinds {
		for _, w := range wantOverrides {
			for _, pattern := range p.paths {
				if ok, _ := filepath.Match(pattern, w.file); ok {
					f.Add(uint8(i), []byte(w.text))
				}
			}
		}
	}
	f.Add(uint8(0), []byte("\ufeff-k\r--insecure\x1b[0m\u0085insecure\r\n"))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		p := kinds[int(kind)%len(kinds)]
		count := bytes.Count(data, []byte("\n")) + 1
		for _, s := range p.syntax(data) {
			if s.line < 1 || s.line > count {
				t.Fatalf("line %d of %d", s.line, count)
			}
			fd := finder{env: map[string]string{}}
			fd.variable("file", "x", s.line, s.key, s.value)
			for _, k := range p.knobs {
				if matches(k.key, s.key) {
					fd.add("file", "x", s.line, k, s.name, s.value, " = ", how{})
				}
			}
			for _, o := range fd.found {
				if o.Match == "" || strings.ContainsFunc(o.Match, func(r rune) bool { return unicode.IsControl(r) || !unicode.IsPrint(r) }) {
					t.Fatalf("%s: %q", o.ID, o.Match)
				}
			}
		}
	})
}
