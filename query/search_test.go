package query

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// FuzzPrefilter searches a text with the literals that a pattern implies and
// without: the lines must be the same, and in order.
func FuzzPrefilter(f *testing.F) {
	for i, pattern := range patterns {
		f.Add(pattern, sample, i%2 == 0)
	}
	f.Add(`(?i)kelvin|ſ`, "KELVIN\nSs\xff\n", true)
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		if len(pattern) > 200 || len(text) > 2000 {
			return
		}
		p, err := Compile(pattern, PatternOptions{IgnoreCase: fold, Timeout: 100 * time.Millisecond})
		if err != nil {
			return
		}
		want, err := lineSpans(bare(p), text)
		if err != nil {
			return // the prefilter may well spare the engine the line that takes too long
		}
		got, err := lineSpans(p, text)
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q in %q: %v with the literals %q, %v without", pattern, text, got, p.literals, want)
		}
	})
}

func lineSpans(p *Pattern, text string) ([]Span, error) {
	var all []Span
	for s, err := range p.Lines([]byte(text)) {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// FuzzEngines gives a pattern that needs no backtracking to both engines: they
// are of different families, and must find the same lines.
func FuzzEngines(f *testing.F) {
	for i, pattern := range patterns {
		f.Add(pattern, sample, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		if len(pattern) > 100 || len(text) > 2000 {
			return
		}
		if strings.IndexFunc(pattern, func(r rune) bool { return r > '~' }) >= 0 || strings.ContainsAny(pattern, "xpPNo") {
			return // beyond ASCII their tables of cases and properties differ
		}
		if strings.ContainsAny(text, "İı") {
			text = strings.NewReplacer("İ", "", "ı", "").Replace(text) // i in another case for regexp2 alone
		}
		o := PatternOptions{IgnoreCase: fold, Timeout: 100 * time.Millisecond}
		p, err := Compile(pattern, o)
		if err != nil || p.Backtracks() || strings.HasPrefix(pattern, "{") {
			return
		}
		q, err := Compile("(?=)"+pattern, o)
		if err != nil {
			return
		}
		got, err := lineSpans(q, text)
		if err != nil {
			return
		}
		want, err := lineSpans(p, text)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q in %q: %v by regexp2, %v by regexp (%v)", pattern, text, got, want, err)
		}
	})
}

// A pattern from outside must not keep Compile busy.
func TestCompileIsQuick(t *testing.T) {
	for _, pattern := range []string{
		strings.Repeat("(", 4000) + strings.Repeat(")", 4000),
		strings.Repeat("(?=", 2000) + strings.Repeat(")", 2000),
		strings.Repeat("(?:a?", 2000) + strings.Repeat("){3}", 2000),
		"(((a{60000}){60000}){60000}){60000}(?!x)",
		strings.Repeat("(?i:a|b)", 1200),
		strings.Repeat("[^a]?", 1900) + "(?!x)",
		strings.Repeat("a|", 4900) + "(?!x)",
		strings.Repeat(`\w*`, 3000) + "(?!x)",
		strings.Repeat(`(a|b|c)`, 1400) + "(?!x)",
		strings.Repeat("k", 9000),
	} {
		start := time.Now()
		_, err := Compile(pattern, PatternOptions{IgnoreCase: true})
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.20q…: took %s (%v)", pattern, took, err)
		} else {
			t.Logf("%.20q…: %s, error %v", pattern, took, err != nil)
		}
	}
}

// FuzzGrep asks for context: every line of the answer has the number and the
// text that it has in the input, no line comes twice, and those that match are
// those that Lines yields.
func FuzzGrep(f *testing.F) {
	f.Add("a\nx\r\nb\n\nx", 1, 1)
	f.Add(sample, 3, 0)
	p, err := Compile("x", PatternOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, before, after int) {
		if before < 0 || after < 0 {
			return
		}
		hits, err := Grep([]byte(text), "", p, GrepOptions{Before: before, After: after})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(text, "\n")
		last, matches := 0, 0
		for _, h := range hits {
			if h.Line <= last || h.Gap != (last > 0 && h.Line > last+1) {
				t.Fatalf("%q: line %d follows line %d, gap %v", text, h.Line, last, h.Gap)
			}
			last = h.Line
			if want := strings.TrimRight(lines[h.Line-1], "\r"); string(h.Text) != want {
				t.Fatalf("%q: line %d is %q, want %q", text, h.Line, h.Text, want)
			}
			if !h.Context {
				matches++
			}
		}
		if n, err := Count([]byte(text), p); err != nil || n != matches {
			t.Fatalf("%q: %d hits, Lines has %d (%v)", text, matches, n, err)
		}
	})
}

// trackerText returns about n bytes of lines as a tracker has them, in the
// proportions of the real one: one line in a hundred has both words.
func trackerText(n int) []byte {
	releases := []string{"upstream", "dapper", "hardy", "lucid", "precise", "trusty", "trusty/esm", "xenial", "bionic", "focal", "devel"}
	words := []string{"DNE", "not-affected", "released (1:2.7.6-8ubuntu0.%d)", "ignored (reached end-of-life)", "needed", "needs-triage", "DNE", "ignored", "not-affected (2.%d)", "DNE"}
	var b bytes.Buffer
	b.Grow(n + 200)
	for i := 0; b.Len() < n; i++ {
		if i%40 == 0 {
			fmt.Fprintf(&b, "Candidate: CVE-%d-%04d\nDescription:\n A flaw in the parser of package number %d lets remote attackers\n cause a denial of service via a crafted file, as ignored before.\n", 2005+i%20, i%10000, i)
		}
		word := words[(i*7+i/11)%len(words)]
		if strings.Contains(word, "%d") {
			word = fmt.Sprintf(word, i%100)
		}
		fmt.Fprintf(&b, "%s_package%d: %s\n", releases[i%len(releases)], i%3000, word)
	}
	return b.Bytes()
}

// BenchmarkLines searches 160 MB, the size of a whole tracker, for a pattern
// with look-ahead, for one that says nothing about literals, and for one that
// needs no look-ahead, with as many goroutines as there are processors.
func BenchmarkLines(b *testing.B) {
	text := trackerText(160 << 20)
	for _, bench := range []struct {
		name, pattern string
		fold          bool
	}{
		{"look-ahead", `precise.*ignored(?!.*abandoned)`, false},
		{"linear", `precise.*ignored`, false},
		{"fold", `precise.*ignored(?!.*abandoned)`, true},
		{"common-literal", `^[a-z]+_\S+: (?!DNE|not-affected)\w+ \((?!end of)`, false},
		{"no-literal", `^\w+$`, false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				p, err := Compile(bench.pattern, PatternOptions{IgnoreCase: bench.fold, Timeout: time.Minute})
				if err != nil {
					b.Fatal(err)
				}
				var wait sync.WaitGroup
				for part := range bytesParts(text, runtime.GOMAXPROCS(0)) {
					wait.Go(func() {
						if _, err := Count(part, p); err != nil {
							b.Error(err)
						}
					})
				}
				wait.Wait()
			}
			b.ReportMetric(float64(len(text))*float64(b.N)/1e6/b.Elapsed().Seconds(), "MB/s")
		})
	}
}

// bytesParts cuts a text into n parts at line ends.
func bytesParts(text []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; n > 1 && len(text) > 0; n-- {
			cut := len(text) / n
			cut += bytes.IndexByte(text[cut:], '\n') + 1
			if !yield(text[:cut]) {
				return
			}
			text = text[cut:]
		}
		yield(text)
	}
}
