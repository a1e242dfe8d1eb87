package query

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// sample has the kinds of lines that a tracker has, and lines made to tell
// engines apart.
const sample = `Candidate: CVE-2014-9365
PublicDate: 2014-12-12 11:59:00 UTC
Description:
 The HTTP clients in the (1) httplib, (2) urllib libraries do not check
Notes:
 mdeslaur> backporting would be too intrusive
 tyhicks> naïve checks — “done” in 2016
precise_python2.7: ignored
precise_python3.2: ignored (reached end-of-life)
precise_chromium-browser: ignored (abandoned)
trusty_python2.7: needed
trusty/esm_python2.7: ignored (too intrusive)
abandoned: precise is ignored
We will not be fixing this in precise, marking as ignored
upstream_linux: released (3.19~rc1)
PRECISE_PYTHON: IGNORED
Priority: low

tab	separated	line
 two  spaces
foo.bar+baz(qux)[1]{2}|x^y$z\w
aaa aaaa aaaaa
abab abcabc xyzzy
word1 word_2 word-3
café Café CAFÉ straße
foobar foo bar
{literal} {,3} a{2} aa
carriage return` + "\r" + `
#hash and # comment
kelvin K k, long ſ s, dotless ı İ i I
bell` + "\a" + ` vertical` + "\v" + `tab form` + "\f" + `feed
no line feed at the end`

// patterns is Perl in wide use and in its corners. Perl says which lines each
// of them matches.
var patterns = []string{
	`precise.*ignored(?!.*abandoned)`,
	`precise.*ignored`,
	`^(?!precise)\w+_\S+: \w+`,
	`(?<=precise_)python`,
	`(?<!trusty_)python2\.7`,
	`^(?=.*python)(?=.*intrusive)`,
	`^(?=.*ignored)(?!.*\()`,
	`(?=.*low)Priority`,
	`^(?:precise|trusty)_[^:]+: (?:needed|ignored)$`,
	`(\w)\1`,
	`\b(\w+) \1`,
	`(?<x>ab)\k<x>`, `(?<x>ab)\k{x}`, `(?<x>ab)\k'x'`, `(?'x'ab)\g{x}`, `(?P<x>ab)(?P=x)`,
	`(a)(b)\g{-2}\g{2}`, `(abc)\g1`, `(x)?(y)\2?z`, `(a)(?<n>b)\1\2`, `(a)(?<n>b)\2?c`,
	`(?>a+)a`, `a++a`, `a++b`, `a{2,}+ `, `x*+y`, `[^:]++: ignored`,
	`a{2}`, `a{2,}`, `a{5,6}`, `a{,3}b`, `{literal}`, `{,3}`, `\{2\}`, `a{2}\b`, `a{4}?`, `x{2}|z{2}`, `a{ 2 }`,
	`\Qabc`, `foo\.bar\+baz`, `x\^y\$z\\w`, `[.]bar[+]`, `\|x`,
	`\t`, `\x09`, `\x{9}`, `\011`, `\cI`, `\o{11}`, `\e`, `\a`, `\f`, `[\x07]`, `\N{U+e9}`,
	`\h{2}`, `\H\h\H`, `^\h`, `\v`, `\R`, `a\sa`, `^\S+$`, `[\s]two`, `[\h]two`, `[^\S]two`, `[^\H]t`, `\Atab`, `end\z`, `end\Z`, `\Gword`, `\Ncafé|\Nclients`,
	`[[:upper:]]{4}`, `[[:alpha:]]+_[[:digit:]]`, `[^[:print:]]`, `[[:^print:]]`, `[[:punct:]]{3}`, `[[:^punct:]]{20}`, `^[[:^space:]]+$`,
	`[[:word:]-]+-3`, `[[:xdigit:]]{4}-[[:xdigit:]]{4}`, `[[:^alnum:]]{3}`, `[[:cntrl:]]`, `[[:^graph:]]{2}`, `[[:blank:]]{2}`, `[[:^ascii:]]`, `[^[:ascii:]]`, `^[[:^upper:]]+$`, `^[[:^lower:]]+$`, `[[:^xdigit:]]{12}`, `[[:^word:]]{3}`, `[[:^cntrl:]]{60}`, `[[:^blank:]]{20}`, `[[:^digit:]]{70}`, `[[:^alpha:]]{6}`,
	`[]]`, `[^]a]{9}`, `[a-c]{3}`, `[a\-c]{3}`, `[-a]{3}`, `[a-]{3}`, `[\w-]{18}`, `[\d.]{3}`, `[a-z-[aeiou]]`, `[[]`, `[&&]`, `[~]`, `[\]\[]1`, `[^\W_]{9}`, `[\D]{60}`, `[\S]{24}`, `[\b]`, `[^\w\s]{4}`, `[^\d\D]`, `[é-ü]`,
	`\bword\b`, `\Bar\b`, `\bcaf\b`, `\w+é`, `caf\W`, `naï`, `—`, `“d`, `.{70}`, `^.{19}$`, `straße`,
	`(?i)precise_python`, `(?i:PRECISE)_python`, `(?i)café`, `(?-i)precise`, `(?^:precise)`, `(?^i:precise_p)`, `(?i)k`, `(?i)[a-c]bandoned`, `((?i)PRECISE)_p`, `(?i)(a)B\1`, `(?i)ignored(?!.*ABANDONED)`,
	`(?x) precise .* ignored (?! .* abandoned ) # comment`, `(?x)two\ \ spaces`, `(?x)two[ ]`, `(?x: two )  s`, `(?x)a {2}\ `, `(?xi) PRECISE _ p`, `(?x)pre (?-x: is)`,
	`(?#comment)precise`, `pre(?#x)cise`, `(?s)Notes.`, `(?m)^Notes:$`, `(?a)caf\w`, `(?aa)café`,
	`(?|(a)b|(c)d)`, `foo\Kbar`, `\Kfoo`, `(?:)`, `()`, `^$`, `$`, `^`, `a|`, `|zzzz`, `(|a)b`,
	`.*`, `.`, `zzzzz`, `x?`, `(a|b)*c`, `(?:a|ab)(?:c|bcd)?abc`, `a+?b`, `(?:ab)+?abc`, `\.\+|\d{4}-`,
	`return$`, `return\r$`, `return.$`, `\r`, `[^\n]$`, `\n`, `a\nb`,
	`\#hash`, `#`, `\@|\-3`, `\_`, `\ two`, `\/esm`, `\p{Lu}{4}`, `\pL\pN`, `\P{L}{8}`, `\p{^L}{8}`, `[\p{Lu}_]{14}`, `[^\p{L}\s]{5}`,
	`(needed|ignored) \((?:too|reached)`, `(?:^| )(\w+)> (?!back)`, `^(?<rel>[a-z]+)(?:/esm)?_(?<pkg>[^:]+): (?<st>\w+)(?! \()`,
	`(?<![\w/])trusty`, `\w(?=_python(?!3))`, `(?<=\()\w+(?=\))`, `^((?!ignored).)*$`, `(?<!^)precise`, `(?=a)*b`, `(?:(?=a)|b)r`, `a(?=b)(?!bc)`,
}

// matchesOf returns the numbers of the lines of a text that a pattern matches,
// or "error".
func matchesOf(p *Pattern, err error, text []byte) string {
	if err != nil {
		return "error"
	}
	hits, err := Grep(text, "", p, GrepOptions{})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, h := range hits {
		fmt.Fprintf(&b, "%d ", h.Line)
	}
	return b.String()
}

// perlMatches asks Perl for what matchesOf returns, for each pattern.
func perlMatches(t testing.TB, flags string, patterns []string, text string) []string {
	t.Helper()
	dir := t.TempDir()
	in, list := filepath.Join(dir, "text"), filepath.Join(dir, "patterns")
	for path, content := range map[string]string{in: text, list: strings.Join(patterns, "\x00")} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const script = `
		no warnings;
		local $/; open my $f, "<", $ARGV[0]; my $all = <$f>; my @lines = split /\n/, $all, -1; pop @lines if $all =~ /\n\z/;
		open my $g, "<", $ARGV[1]; my @patterns = split /\0/, scalar <$g>;
		for my $p (@patterns) {
			my $re = eval { $ARGV[2] eq "i" ? qr/$p/ai : qr/$p/a };
			if (!$re) { print "error\n"; next }
			my $n = 0;
			for (@lines) { $n++; print "$n " if /$re/ }
			print "\n";
		}`
	out, err := exec.Command(testkit.Program(t, "perl"), "-CSD", "-e", script, in, list, flags).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func TestPatternsLikePerl(t *testing.T) {
	for _, flags := range []string{"", "i"} {
		want := perlMatches(t, flags, patterns, sample)
		if len(want) != len(patterns) {
			t.Fatalf("perl answered %d of %d patterns", len(want), len(patterns))
		}
		for i, pattern := range patterns {
			p, err := Compile(pattern, PatternOptions{IgnoreCase: flags == "i"})
			got := matchesOf(p, err, []byte(sample))
			if pattern == `\Qabc` { // quoting is Perl's before the pattern is made, and PCRE's within it
				continue
			}
			if got != want[i] {
				t.Errorf("%s with flags %q: lines %s, perl has %s (%v)", pattern, flags, got, want[i], err)
			}
		}
	}
}

func TestPatternsLikeGrep(t *testing.T) {
	grep := testkit.Program(t, "grep")
	for _, pattern := range []string{`\Qfoo.bar+\Ebaz`, `\Q(qux)[1]`, `\Qa.c\E|low`, `(?<!^)precise`, `a++b`, `foo\Kbar`, `precise.*ignored(?!.*abandoned)`} {
		cmd := exec.Command(grep, "-nP", "-a", pattern)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		cmd.Stdin = strings.NewReader(sample)
		out, err := cmd.Output()
		if err != nil && len(out) == 0 && cmd.ProcessState.ExitCode() != 1 {
			t.Fatalf("grep -P %s: %v", pattern, err)
		}
		want := ""
		for line := range strings.Lines(string(out)) {
			number, _, _ := strings.Cut(line, ":")
			want += number + " "
		}
		p, err := Compile(pattern, PatternOptions{})
		if got := matchesOf(p, err, []byte(sample)); got != want || want == "" {
			t.Errorf("%s: lines %s, grep has %s", pattern, got, want)
		}
	}
}

func TestPatternsLikeAck(t *testing.T) {
	ack := testkit.Program(t, "ack")
	dir := t.TempDir()
	lines := strings.Split(sample, "\n")
	for i := range lines { // files of three lines each, so that some match and some do not
		name := filepath.Join(dir, fmt.Sprintf("CVE-2014-%04d", i))
		if err := os.WriteFile(name, []byte(strings.Join(lines[i:min(i+3, len(lines))], "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		pattern string
		flags   []string
		options PatternOptions
	}{
		{`precise.*ignored(?!.*abandoned)`, nil, PatternOptions{}},
		{`precise.*ignored(?!.*abandoned)`, []string{"-i"}, PatternOptions{IgnoreCase: true}},
		{`foo.bar+baz(qux)[1]`, []string{"-Q"}, PatternOptions{Literal: true}},
		{`word`, []string{"-w"}, PatternOptions{Word: true}},
		{`is|word`, []string{"-w"}, PatternOptions{Word: true}},
		{`w\w+d`, []string{"-w", "-i"}, PatternOptions{Word: true, IgnoreCase: true}},
		{`return$`, nil, PatternOptions{}},
		{`^\s*$`, nil, PatternOptions{}},
		{`(?<!trusty_)python2`, nil, PatternOptions{}},
		{`caf\W`, nil, PatternOptions{}},
	} {
		for _, mode := range []string{"-l", "-c", "--nogroup"} {
			args := append(slices.Clone(test.flags), "--noenv", "--nofilter", "--nocolor", "--sort-files", mode)
			if mode != "-l" {
				args = append(args, "--with-filename")
			}
			args = append(args, "--", test.pattern, ".")
			cmd := exec.Command(ack, args...)
			cmd.Dir = dir
			out, err := cmd.Output()
			if err != nil && cmd.ProcessState.ExitCode() != 1 {
				t.Fatalf("ack %q: %v", args, err)
			}
			want := strings.TrimSpace(string(out))
			got := strings.TrimSpace(ackOutput(t, dir, mode, test.pattern, test.options))
			if mode == "--nogroup" { // ack prints lines as they are
				want = fmt.Sprint(strings.Count(want, "\n"))
				got = fmt.Sprint(strings.Count(got, "\n"))
			}
			if got != want {
				t.Errorf("%s %q: ours\n%s\nack\n%s", mode, test.pattern, got, want)
			}
		}
	}
}

func ackOutput(t *testing.T, dir, mode, pattern string, o PatternOptions) string {
	p, err := Compile(pattern, o)
	if err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	var b strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		hits, err := Grep(text, filepath.Base(name), p, GrepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case mode == "-c":
			fmt.Fprintf(&b, "%s:%d\n", filepath.Base(name), len(hits))
		case mode == "-l" && len(hits) > 0:
			fmt.Fprintln(&b, filepath.Base(name))
		case mode == "--nogroup":
			for _, h := range hits {
				fmt.Fprintf(&b, "%s:%d:%s\n", h.File, h.Line, h.Text)
			}
		}
	}
	return b.String()
}

func TestPatternErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`a(b`:                             "( without )",
		`ab)`:                             ") without (",
		`[abc`:                            "[ without ]",
		`[z-a]`:                           "ends before it begins",
		`*a`:                              "nothing that * could repeat",
		`a**`:                             "nothing that * could repeat",
		`a{3,2}`:                          "the wrong way round",
		`a{70000}`:                        "limit is 65534",
		`(?R)`:                            "recursion",
		`(a)(?1)`:                         "recursion",
		`(?&x)`:                           "recursion",
		`(?(1)a|b)`:                       "conditions",
		`(?{ 1 })`:                        "code",
		`(*SKIP)a`:                        "verbs",
		`\X`:                              `\X is not supported`,
		`\y`:                              `\y is not supported`,
		`[\R]`:                            "in brackets",
		`\2(a)`:                           "refers to group 2, and has 1",
		`\k<x>`:                           `called "x"`,
		`\g{-3}(a)`:                       "no group -3",
		`(?|(a)|(b))\1`:                   "back-references",
		`(?u)a`:                           "flag u",
		`[[:foo:]]`:                       "no class [:foo:]",
		`\x{110000}`:                      "no character",
		`a\`:                              `\ at the end`,
		"\xff":                            "not valid UTF-8",
		`\p{Nonsense}`:                    "",
		`(?#a`:                            "does not end",
		`\b{wb}`:                          "not supported",
		`(?<=\1(a)`:                       "( without )",
		"a\x1b[2J]\x07(":                  "( without )",
		strings.Repeat("a", maxPattern+1): "too long",
	} {
		_, err := Compile(pattern, PatternOptions{})
		var e *PatternError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", pattern, err, want)
		} else if strings.ContainsAny(err.Error(), "\x1b\x07") {
			t.Errorf("%.40q: the error has control characters", pattern)
		}
	}
	_, err := Compile(`x(?<`, PatternOptions{})
	want := "pattern: this kind of (? is not known\n  x(?<\n   ^"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

// bare returns the pattern without its prefilter.
func bare(p *Pattern) *Pattern {
	return &Pattern{text: p.text, std: p.std, net: p.net, limit: p.limit}
}

func TestLiterals(t *testing.T) {
	for _, test := range []struct {
		pattern string
		fold    bool
		want    []literalSet
	}{
		{`precise.*ignored(?!.*abandoned)`, false, []literalSet{{"precise"}, {"ignored"}}},
		{`^(?=.*python)(?=.*too intrusive)`, false, []literalSet{{"too intrusive"}, {"python"}}},
		{`pre(?:cise|pare)_`, false, []literalSet{{"precise_", "prepare_"}}},
		{`(?:foo|bar.*quux)`, false, []literalSet{{"foo", "quux"}}},
		{`x?y*[a-z]`, false, nil},
		{`(ab)\1c`, false, []literalSet{{"ab"}, {"c"}}},
		{`^[a-z]+_\S+: (?!DNE)\w+ \((?!end of)`, false, []literalSet{{": "}, {" ("}, {"_"}}},
		{`foo|`, false, nil},
		{`(?=foo)?bar`, false, []literalSet{{"bar"}}},
		{`(?=foo)|bar`, false, nil},
		{`2014-9365k`, true, []literalSet{{"2014-9365k", "2014-9365K", "2014-9365\u212a"}}},
	} {
		p, err := Compile(test.pattern, PatternOptions{IgnoreCase: test.fold})
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		for _, set := range test.want {
			slices.Sort(set)
		}
		if !slices.EqualFunc(p.literals, test.want, slices.Equal[literalSet]) {
			t.Errorf("%s: literals %q, want %q", test.pattern, p.literals, test.want)
		}
	}
}

func TestPrefilterChangesNothing(t *testing.T) {
	for _, pattern := range patterns {
		for _, fold := range []bool{false, true} {
			p, err := Compile(pattern, PatternOptions{IgnoreCase: fold})
			if err != nil {
				continue
			}
			got := matchesOf(p, nil, []byte(sample))
			if want := matchesOf(bare(p), nil, []byte(sample)); got != want {
				t.Errorf("%s: lines %s with the prefilter %q, %s without", pattern, got, p.literals, want)
			}
		}
	}
}

// The engines are of different families; on what both read they must agree.
func TestEnginesAgree(t *testing.T) {
	for _, pattern := range patterns {
		p, err := Compile(pattern, PatternOptions{})
		if err != nil || p.Backtracks() || pattern[0] == '{' { // behind (?=) a brace would be a quantifier
			continue
		}
		q, err := Compile(`(?=)`+pattern, PatternOptions{})
		if err != nil || !q.Backtracks() {
			t.Errorf("%s: with a look-ahead: %v", pattern, err)
			continue
		}
		got := matchesOf(q, nil, []byte(sample))
		if want := matchesOf(p, nil, []byte(sample)); got != want {
			t.Errorf("%s: lines %s by regexp2, %s by regexp", pattern, got, want)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	line := strings.Repeat("a", 4000) + "!"
	text := []byte(strings.Repeat(line+"\n", 50))
	const limit = 200 * time.Millisecond
	for _, pattern := range []string{`^(a+)+$(?!x)`, `(?=x*)(a|aa)+$`, `(?<!x)(a*)*b`, `(\w+)*(?=z)z?\d`} {
		p, err := Compile(pattern, PatternOptions{Timeout: limit})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = Count(text, bare(p).withLimitOf(p))
		took := time.Since(start)
		if err == nil {
			t.Errorf("%s: ended after %s without an error", pattern, took)
			continue
		}
		if !errors.Is(err, ErrTimeout) && !strings.Contains(err.Error(), "room for backtracking") {
			t.Errorf("%s: error %v", pattern, err)
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", pattern)) {
			t.Errorf("the error does not name the pattern: %v", err)
		}
		if took > 10*limit {
			t.Errorf("%s: took %s with a limit of %s", pattern, took, limit)
		}
	}
	// Many lines that each stay below the limit count together.
	p, err := Compile(`(?!x)(a?){18}(a){18}b`, PatternOptions{Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	many := []byte(strings.Repeat(strings.Repeat("a", 18)+"b\n", 20000))
	if _, err := Count(many, p); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "1ms") {
		t.Errorf("many slow lines: error %v, want the time limit", err)
	}
}

// withLimitOf gives the pattern the limit of another.
func (p *Pattern) withLimitOf(q *Pattern) *Pattern {
	p.limit = q.limit
	return p
}

func TestInvalidUTF8(t *testing.T) {
	text := []byte("good precise ignored\n\xff\xfe precise \x80 ignored \xc3\nprecise\xffignored (abandoned)\n\xe2\x82\n")
	for pattern, want := range map[string]string{
		`precise.*ignored(?!.*abandoned)`: "1 2 ",
		`precise.*ignored`:                "1 2 3 ",
		`precise.ignored`:                 "1 3 ",
		`^..$`:                            "4 ",
		`^..(?!.)`:                        "4 ",
		`(?i)PRECISE(?! )`:                "3 ",
	} {
		p, err := Compile(pattern, PatternOptions{})
		if got := matchesOf(p, err, text); got != want {
			t.Errorf("%s: lines %s, want %s (%v)", pattern, got, want, err)
		}
	}
}

func TestGrep(t *testing.T) {
	text := []byte("1 a\n2 x\n3 b\n4 c\n5 d\n6 x\n7 x\n8 e\r\n9 f\n10 g\n11 h\n12 x")
	for _, test := range []struct {
		o    GrepOptions
		want string
	}{
		{GrepOptions{}, "2 --6 7 --12"},
		{GrepOptions{Before: 1}, "1- 2 --5- 6 7 --11- 12"},
		{GrepOptions{After: 1}, "2 3- --6 7 8- --12"},
		{GrepOptions{Before: 2, After: 2}, "1- 2 3- 4- 5- 6 7 8- 9- 10- 11- 12"},
		{GrepOptions{Before: 99, After: 99}, "1- 2 3- 4- 5- 6 7 8- 9- 10- 11- 12"},
		{GrepOptions{Max: 2, After: 1}, "2 3- --6 7-"},
	} {
		p, err := Compile("x", PatternOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hits, err := Grep(text, "f", p, test.o)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, h := range hits {
			w := fmt.Sprint(h.Line)
			if first, _, _ := bytes.Cut(h.Text, []byte(" ")); string(first) != w || bytes.HasSuffix(h.Text, []byte("\r")) {
				t.Errorf("%+v: line %d has the text %q", test.o, h.Line, h.Text)
			}
			if h.Gap {
				w = "--" + w
			}
			if h.Context {
				w += "-"
			}
			words = append(words, w)
		}
		if got := strings.Join(words, " "); got != test.want {
			t.Errorf("%+v: %s, want %s", test.o, got, test.want)
		}
	}
}
