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
	day := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(err)
		}
		return at
	}
	origins := []*wontfix.Origin{
		{Class: wontfix.ClassDecision, Decided: &wontfix.Revision{Author: "Marc Deslauriers", Nick: "mdeslaur", Time: day("2018-04-25T22:00:00-04:00")},
			Evidence: wontfix.EvidenceOwnNote, Reasons: []string{"too-intrusive", "minor-impact"}, Confidence: wontfix.ConfidenceHigh, Reversals: 1},
		{Class: wontfix.ClassEOLSweep, Decided: &wontfix.Revision{Author: "Steve Beattie", Nick: "sbeattie", Time: day("2019-12-31T23:30:00Z")},
			Evidence: wontfix.EvidenceNone, Confidence: wontfix.ConfidencePolicy},
		nil,
		{Class: wontfix.ClassCreate, Decided: &wontfix.Revision{Author: "Jamie Strandboge", Time: day("2016-03-01T00:10:00Z")},
			Evidence: wontfix.EvidenceMessage, Reasons: []string{"no-reason-given"}, Confidence: wontfix.ConfidenceMedium},
	}
	var all []Record
	for i := range statements {
		s := &statements[i]
		r := Record{Statement: &s.s, Origin: func() *wontfix.Origin { return origins[i] }}
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
	{`evidence:own-note`, `evidence:own-note`, "0"},
	{`evidence:none`, `evidence:none`, "12"},
	{`evidence!:none`, `evidence!=none`, "03"},
	{`evidence:message,bracket`, `evidence:message,bracket`, "03"},
	{`by:MARC`, `by:MARC`, "0"},
	{`by:deslaur`, `by:deslaur`, "0"},
	{`by:"marc d"`, `by:"marc d"`, "0"},
	{`by=mdeslaur`, `by=mdeslaur`, "0"},
	{`by="marc deslauriers"`, `by="marc deslauriers"`, "0"},
	{`by=marc`, `by=marc`, ""},
	{`by:beattie,jamie`, `by:beattie,jamie`, "3"},
	{`by:""`, `by:""`, "03"},
	{`by!:marc`, `by!:marc`, "123"},
	{`by~^M.*s$`, `by~"^M.*s$"`, "0"},
	{`decided:2018`, `decided:2018`, "0"},
	{`decided=2018-04-25`, `decided:2018-04-25`, "0"},
	{`decided:2018-04-26`, `decided:2018-04-26`, ""},
	{`decided:20??-*-31`, `decided:20??-*-31`, "1"},
	{`decided>2016`, `decided>2016`, "01"},
	{`decided>=2016`, `decided>=2016`, "013"},
	{`decided<2018-04-25`, `decided<2018-04-25`, "3"},
	{`decided<=2018-04`, `decided<=2018-04`, "03"},
	{`decided:""`, `decided:""`, "2"},
	{`decided-after:2018-04-24`, `decided>2018-04-24`, "01"},
	{`Decided-Before=2018`, `decided<2018`, "3"},
	{`-decided-before:2018`, `not decided<2018`, "012"},
	{`reversed`, `reversed:yes`, "0"},
	{`REVERSED release:trusty`, `reversed:yes and release:trusty`, "0"},
	{`-reversed`, `not reversed:yes`, "123"},
	{`reversed:no`, `reversed:no`, "13"},
	{`reversed!:no`, `reversed!=no`, "02"},
	{`"reversed"`, `text:reversed`, ""},
	{`'reversed'`, `text:reversed`, ""},
	{`text:reversed`, `text:reversed`, ""},
	{`reversed-engineered`, `text:reversed-engineered`, ""},
	{`class:eol-sweep,create`, `class:eol-sweep,create`, "13"},
	{`class:Decision`, `class:decision`, "0"},
	{`class:unknown`, `class:unknown`, "2"},
	{`class~sweep`, `class~sweep`, "1"},
	{`confidence:high`, `confidence:high`, "0"},
	{`confidence:none,low`, `confidence:none,low`, "2"},
	{`reason-then:minor-impact`, `reason-then:minor-impact`, "0"},
	{`reason-then!:too-intrusive`, `reason-then!=too-intrusive`, "123"},
	{`opt-in`, `text:opt-in`, "01"},
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
		`class:sweep`:                 "it is one of unknown, unseen,",
		`confidence:x`:                "it is one of none, low",
		`reason-then:lazy`:            "it is one of code-not-present",
		`reversed:maybe`:              "it is yes or no",
		`decided>2018-4`:              "write 2015",
		`decided-after:`:              "value is missing",
		`decided-after:x`:             "write 2015",
		`decided-after>2015`:          "decided-after goes with a colon",
		`decided-before!:2015`:        "decided-before goes with a colon",
		`decided-before:2015,2016`:    "takes one value",
		`decided-aftre:2015`:          "did you mean decided-after?",
		`reason-than:disputed`:        "did you mean reason-then?",
		`by>marc`:                     "no order; priority, published, decided and year have",
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

// Origins and entries are read from a store: they must not be asked for in
// vain, and origins before entries.
func TestCostlyIsAskedForLast(t *testing.T) {
	for _, test := range []struct {
		in                        string
		asked                     string
		needsOrigin, needsEntries bool
	}{
		{`text:x status:released`, "", false, true},
		{`status:ignored author:nobody`, "e", false, true},
		{`status:ignored or author:a`, "", false, true},
		{`author:a or status:ignored`, "", false, true},
		{`status:ignored and package:a`, "", false, false},
		{`not (author:a status:released)`, "", false, true},
		{`by:x status:released`, "", true, false},
		{`by:x or status:ignored`, "", true, false},
		{`text:x by:x status:ignored`, "o", true, true},
		{`text:x or class:unknown`, "o", true, true},
		{`text:x or (by:x and status:ignored) or status:released`, "oe", true, true},
		{`text:x not by:x`, "oe", true, true},
		{`evidence:note status:ignored`, "o", false, false},
		{`evidence:note status:released`, "", false, false},
		{`reversed`, "o", true, false},
		{`confidence:low reason-then:disputed`, "o", true, false},
		{`decided:2018`, "o", true, false},
	} {
		e, err := Parse(test.in)
		if err != nil {
			t.Fatal(err)
		}
		asked := ""
		r := Record{
			Statement: records[0].Statement,
			Origin:    func() *wontfix.Origin { asked += "o"; return nil },
			Entry:     func() *wontfix.Entry { asked += "e"; return nil },
		}
		if _, err := e.Match(r); err != nil {
			t.Fatal(err)
		}
		var once string // a term that asks again asks for what is known
		for _, c := range asked {
			if !strings.ContainsRune(once, c) {
				once += string(c)
			}
		}
		if once != test.asked {
			t.Errorf("%s: asked for %q, want %q", test.in, once, test.asked)
		}
		if e.NeedsOrigin() != test.needsOrigin || e.NeedsEntry() != test.needsEntries {
			t.Errorf("%s: NeedsOrigin is %v, NeedsEntry %v", test.in, e.NeedsOrigin(), e.NeedsEntry())
		}
		if _, err := e.Match(Record{Statement: records[0].Statement}); err != nil {
			t.Errorf("%s: of a record without origin and entry: %v", test.in, err)
		}
	}
}

func TestReleases(t *testing.T) {
	for in, want := range map[string][]string{
		`release:trusty,xenial* -(release:nonsense or package:a)`: {"trusty", "nonsense"},
		`release:a or release!=a`:                                 {"a"},
		`release~a package:b "c"`:                                 nil,
	} {
		e, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Releases(); !slices.Equal(got, want) {
			t.Errorf("%s: releases %q, want %q", in, got, want)
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
