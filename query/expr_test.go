package query

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"wontfix"
)

// records are statements about three vulnerabilities.
var records = func() []Record {
	python := &wontfix.Entry{
		ID: "CVE-2014-9365", Description: "HTTP clients do not check the certificate.",
		Notes: []wontfix.Note{
			{Author: "mdeslaur", Text: "backporting would be too intrusive"},
			{Author: "tyhicks", Text: "an opt-in fix\nis considered"},
		},
		Tags: []wontfix.Tag{{Key: "python2.7", Words: []string{"not-ue"}}, {Key: "python2.7_precise", Words: []string{"pie"}}, {Key: "other", Words: []string{"apparmor"}}},
	}
	trusty := wontfix.Release{Distribution: "ubuntu", Series: "trusty"}
	esm := wontfix.Release{Distribution: "ubuntu", Series: "trusty", Product: "esm-infra"}
	statements := []struct {
		s wontfix.Statement
		e *wontfix.Entry
	}{
		{wontfix.Statement{ID: "CVE-2014-9365", Source: "python2.7", Release: trusty, Label: "trusty", Word: "ignored", Detail: "too intrusive",
			File: "retired/CVE-2014-9365", Priority: "medium", Published: "2014-12-12",
			Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Reasons: wontfix.TooIntrusive | wontfix.MinorImpact, Evidence: wontfix.EvidenceBracket}}, python},
		{wontfix.Statement{ID: "CVE-2014-9365", Source: "python2.7", Release: esm, Label: "trusty/esm", Word: "DNE",
			File: "retired/CVE-2014-9365", Priority: "medium", Published: "2014-12-12",
			Meaning: wontfix.Meaning{Decision: wontfix.DecisionNotInRelease, Was: "needed"}}, python},
		{wontfix.Statement{ID: "CVE-2016-1000", Source: "linux-lts", Release: trusty, Label: "trusty", Word: "released", Detail: "4.4.0-1.2",
			File: "active/CVE-2016-1000", Priority: "high", Published: "2016-02-29",
			Meaning: wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: "4.4.0-1.2"}}, nil},
		{wontfix.Statement{ID: "CVE-2016-1001", Source: "linux", Release: wontfix.Release{Distribution: "ubuntu", Series: "xenial"}, Label: "xenial", Word: "needs-triage",
			File: "active/sub/CVE-2016-1001", Priority: "untriaged",
			Meaning: wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation}}, nil},
	}
	var all []Record
	for i := range statements {
		s := &statements[i]
		r := Record{Statement: &s.s}
		if s.e != nil {
			r.Entry = func() *wontfix.Entry { return s.e }
		}
		all = append(all, r)
	}
	return all
}()

// chosen returns the numbers of the records for which the expression holds.
func chosen(t testing.TB, e *Expr) string {
	t.Helper()
	var b strings.Builder
	for i, r := range records {
		ok, err := e.Match(r)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if ok {
			b.WriteByte(byte('0' + i))
		}
	}
	return b.String()
}

var expressions = []struct{ in, canonical, want string }{
	{`id:cve-2014-9365`, `id:CVE-2014-9365`, "01"},
	{`cve=CVE-2016-*`, `id:CVE-2016-*`, "23"},
	{`release:trusty`, `release:trusty`, "02"},
	{`release:trusty/esm`, `release:trusty/esm`, "1"},
	{`release:esm-infra/trusty`, `release:esm-infra/trusty`, "1"},
	{`release:trusty/esm-infra`, `release:trusty/esm-infra`, "1"},
	{`release:ubuntu/trusty/esm-infra`, `release:ubuntu/trusty/esm-infra`, "1"},
	{`release:ubuntu/trusty`, `release:ubuntu/trusty`, "02"},
	{`release:trusty*`, `release:trusty*`, "012"},
	{`package:linux*`, `package:linux*`, "23"},
	{`pkg:python2.?`, `package:python2.?`, "01"},
	{`package:"linux*"`, `package:"linux*"`, ""},
	{`source:linux,python2.7`, `package:linux,python2.7`, "013"},
	{`status:ignored,released`, `status:ignored,released`, "02"},
	{`status:affected`, `status:affected`, "0"},
	{`status:dne`, `status:dne`, "1"},
	{`word:affected`, `word:affected`, ""},
	{`decision:WONT-FIX`, `decision:wont-fix`, "0"},
	{`decision!=wont-fix`, `decision!=wont-fix`, "123"},
	{`reason:too-intrusive`, `reason:too-intrusive`, "0"},
	{`reason:disputed,minor-impact`, `reason:disputed,minor-impact`, "0"},
	{`evidence:bracket`, `evidence:bracket`, "0"},
	{`priority>=medium`, `priority>=medium`, "012"},
	{`priority>medium`, `priority>medium`, "2"},
	{`priority<important`, `priority<important`, "01"},
	{`priority:untriaged`, `priority:untriaged`, "3"},
	{`priority=important`, `priority:important`, ""},
	{`year:2016`, `year:2016`, "23"},
	{`year<2016`, `year<2016`, "01"},
	{`year<=2016 year>2014`, `year<=2016 and year>2014`, "23"},
	{`published:2014`, `published:2014`, "01"},
	{`published>=2016-02`, `published>=2016-02`, "2"},
	{`published>2016`, `published>2016`, ""},
	{`published<=2014-12-12`, `published<=2014-12-12`, "01"},
	{`published<2014-12-12`, `published<2014-12-12`, ""},
	{`published:""`, `published:""`, "3"},
	{`published:201?-12-*`, `published:201?-12-*`, "01"},
	{`detail:INTRUS`, `detail:INTRUS`, "0"},
	{`detail="Too Intrusive"`, `detail="Too Intrusive"`, "0"},
	{`detail=intrusive`, `detail=intrusive`, ""},
	{`detail~'^\d+\.\d'`, `detail~"^\\d+\\.\\d"`, "2"},
	{`detail~"^\d+\.\d"`, `detail~"^\\d+\\.\\d"`, "2"},
	{`detail!~"(?<!too )intrusive|^$"`, `detail!~"(?<!too )intrusive|^$"`, "02"},
	{`package~"^linux(?!-lts)"`, `package~"^linux(?!-lts)"`, "3"},
	{`fixed:*`, `fixed:*`, "2"},
	{`fixed:""`, `fixed:""`, "013"},
	{`was:needed`, `was:needed`, "1"},
	{`file:retired/*`, `file:retired/*`, "01"},
	{`in:active`, `in:active`, "23"},
	{`folder:active/sub`, `in:active/sub`, "3"},
	{`author:mdeslaur`, `author:mdeslaur`, "01"},
	{`note:"opt-in"`, `note:opt-in`, "01"},
	{`note~^is`, `note~^is`, "01"},
	{`tag:not-ue`, `tag:not-ue`, "01"},
	{`tag:pie`, `tag:pie`, ""},
	{`tag:apparmor`, `tag:apparmor`, ""},
	{`CERTIFICATE`, `text:CERTIFICATE`, "01"},
	{`"the certificate"`, `text:"the certificate"`, "01"},
	{`text=linux`, `text:linux`, "23"},
	{`CVE-2014-9365`, `text:CVE-2014-9365`, "01"},
	{`text!:linux`, `text!:linux`, "01"},
	{`text!=linux`, `text!:linux`, "01"},
	{`package!:linux`, `package!=linux`, "012"},
	{`release:trusty and not status:ignored`, `release:trusty and not status:ignored`, "2"},
	{`release:trusty -status:ignored`, `release:trusty and not status:ignored`, "2"},
	{`release:trusty !status:ignored`, `release:trusty and not status:ignored`, "2"},
	{`status:ignored or status:DNE and release:trusty`, `status:ignored or status:DNE and release:trusty`, "0"},
	{`(status:ignored or status:DNE) package:python*`, `(status:ignored or status:DNE) and package:python*`, "01"},
	{`not (status:ignored OR NOT release:trusty)`, `not (status:ignored or not release:trusty)`, "2"},
	{`not not year:2016`, `not not year:2016`, "23"},
	{`((year:2016 and (package:linux)))`, `year:2016 and package:linux`, "3"},
	{`(year:2014 or (year:2016 or year:2018))`, `year:2014 or year:2016 or year:2018`, "0123"},
}

func TestExpressions(t *testing.T) {
	for _, test := range expressions {
		e, err := Parse(test.in)
		if err != nil {
			if test.canonical != "" {
				t.Errorf("%s: %v", test.in, err)
			}
			continue
		}
		if test.canonical == "" {
			t.Errorf("%s: is read as %s, want an error", test.in, e)
			continue
		}
		if got := e.String(); got != test.canonical {
			t.Errorf("%s: canonical form %s, want %s", test.in, got, test.canonical)
		}
		if got := chosen(t, e); got != test.want {
			t.Errorf("%s: records %s, want %s", test.in, got, test.want)
		}
		again, err := Parse(e.String())
		if err != nil || again.String() != e.String() || chosen(t, again) != test.want {
			t.Errorf("%s: its canonical form %s is read as %v, %v", test.in, e, again, err)
		}
	}
}

func TestReleaseSpellings(t *testing.T) {
	var all []string
	for _, r := range records {
		all = append(all, releaseTexts(r)...)
	}
	all = append(all, "", "/", "ubuntu", "ubuntu/", "trusty/", "/trusty", "ubuntu/trusty/", "ubuntu/trusty/esm-infra/x", "debian/trusty")
	for _, r := range records {
		for _, v := range all {
			s := r.Statement
			if got, want := ReleaseIs(v, s.Label, s.Release), slices.Contains(releaseTexts(r), v); got != want {
				t.Errorf("%q means %s: %v, want %v", v, s.Release, got, want)
			}
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	for in, want := range map[string]string{
		``:                            "empty",
		`  `:                          "empty",
		`relaese:trusty`:              `no field "relaese"; did you mean release?`,
		`http://x`:                    `no field "http"`,
		`decision:wontfix`:            "it is one of unknown, fixed,",
		`reason:lazy`:                 "it is one of code-not-present",
		`evidence:x`:                  "it is one of none, word",
		`package>=a`:                  "no order",
		`priority>=urgent`:            "no rank",
		`year:20145`:                  "write it as 2015",
		`published>=12.12.2014`:       "write 2015",
		`year>=2014,2015`:             "takes one value",
		`year>=`:                      "value is missing",
		`package:`:                    "value is missing",
		`package:a,`:                  "value is missing",
		`(year:2014`:                  "( without )",
		`year:2014)`:                  ") without (",
		`year:2014 and`:               "a term is missing",
		`or year:2014`:                "a term is missing",
		`not`:                         "a term is missing",
		`package:"a`:                  "no second one",
		`package:a"b"`:                "within a word",
		`"a"b`:                        "no space",
		`package~^linux(?!-lts)`:      "within a word",
		`detail~"a("`:                 "( without )",
		"package:\x1b[2J":             "control character",
		"package:\xff":                "not valid UTF-8",
		strings.Repeat("(", 200):      "nested too deeply",
		strings.Repeat("not ", 200):   "nested too deeply",
		strings.Repeat("a ", 100_000): "too long",
	} {
		_, err := Parse(in)
		var e *SyntaxError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", in, err, want)
		} else if strings.ContainsAny(err.Error(), "\x1b") || !utf8.ValidString(err.Error()) {
			t.Errorf("%.40q: the error has what a terminal would obey: %q", in, err)
		}
	}
	_, err := Parse(`release:trusty decision:wontfix`)
	if err == nil || !strings.HasSuffix(err.Error(), "\n  release:trusty decision:wontfix\n                          ^") {
		t.Errorf("the mark is not below the value:\n%v", err)
	}
}

func TestHints(t *testing.T) {
	for in, want := range map[string]Hints{
		`id:CVE-1-1`:                              {IDs: []string{"CVE-1-1"}},
		`id:cve-2014-1 package:a,b`:               {IDs: []string{"CVE-2014-1"}, Sources: []string{"a", "b"}},
		`package:a,b package:c`:                   {Sources: []string{"c"}},
		`package:a or package:b release:x`:        {Sources: []string{"a", "b"}},
		`package:a or release:x`:                  {},
		`not package:a`:                           {},
		`package!=a`:                              {},
		`package:a*`:                              {},
		`package~a`:                               {},
		`(release:x or release:y) status:ignored`: {Releases: []string{"x", "y"}},
	} {
		e, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		got := e.Hints()
		if !slices.Equal(got.IDs, want.IDs) || !slices.Equal(got.Sources, want.Sources) || !slices.Equal(got.Releases, want.Releases) {
			t.Errorf("%s: hints %+v, want %+v", in, got, want)
		}
	}
}

// The entry is read from a store: it must not be asked for in vain.
func TestEntryIsAskedForLast(t *testing.T) {
	for in, want := range map[string]bool{
		`text:x status:released`:         false,
		`status:ignored author:nobody`:   true,
		`status:ignored or author:a`:     false,
		`status:ignored and package:a`:   false,
		`not (author:a status:released)`: false,
	} {
		e, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		asked := false
		r := Record{Statement: records[0].Statement, Entry: func() *wontfix.Entry { asked = true; return nil }}
		if _, err := e.Match(r); err != nil || asked != want {
			t.Errorf("%s: asked for the entry: %v, want %v (%v)", in, asked, want, err)
		}
		if e.NeedsEntry() != strings.ContainsAny(in, "xh") {
			t.Errorf("%s: NeedsEntry is %v", in, e.NeedsEntry())
		}
	}
}

func TestExpressionTimeLimit(t *testing.T) {
	e, err := Parse(`detail~"^(a+)+$(?!x)"`)
	if err != nil {
		t.Fatal(err)
	}
	e.root.(*term).pattern.limit = time.Millisecond
	e.root.(*term).pattern.net.MatchTimeout = time.Millisecond
	r := Record{Statement: &wontfix.Statement{Detail: strings.Repeat("a", 40) + "!"}}
	if _, err := e.Match(r); !errors.Is(err, ErrTimeout) {
		t.Errorf("error %v, want the time limit", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range expressions {
		f.Add(test.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		e, err := Parse(in)
		if err != nil {
			var s *SyntaxError
			if !errors.As(err, &s) || s.Offset < 0 || s.Offset > len(in) {
				t.Fatalf("%q: error %#v", in, err)
			}
			return
		}
		text := e.String()
		again, err := Parse(text)
		if err != nil {
			if len(text) > maxExpression { // quotation marks make it longer
				return
			}
			t.Fatalf("%q: its canonical form %q: %v", in, text, err)
		}
		if again.String() != text {
			t.Fatalf("%q: the canonical form of %q is %q", in, text, again)
		}
		h := e.Hints()
		for i, r := range records {
			a, err1 := e.Match(r)
			b, err2 := again.Match(r)
			if a != b || (err1 == nil) != (err2 == nil) {
				t.Fatalf("%q and its canonical form %q differ on record %d: %v and %v", in, text, i, a, b)
			}
			s := r.Statement
			if a && (h.IDs != nil && !slices.Contains(h.IDs, s.ID) || h.Sources != nil && !slices.Contains(h.Sources, s.Source) ||
				h.Releases != nil && !slices.ContainsFunc(h.Releases, func(v string) bool { return ReleaseIs(v, s.Label, s.Release) })) {
				t.Fatalf("%q matches record %d, and its hints %+v do not", in, i, h)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	e, err := Parse(`release:trusty status:ignored -detail:abandoned year>=2014 priority>=medium`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, r := range records {
			if _, err := e.Match(r); err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "statements/s")
}
