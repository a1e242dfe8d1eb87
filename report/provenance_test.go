package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"wontfix"
)

// A document is one of changes, statistics and histories with its writer.
type document struct {
	name    string
	formats []string
	schema  string
	write   func(w io.Writer, format string, o Options) error
	fresh   func() any // for reading its JSON back
}

func documentsOf(c *wontfix.Changes, s *wontfix.Stats, h []*wontfix.EntryHistory) []document {
	return []document{
		{"changes", ChangesFormats(), "../docs/changes.schema.json",
			func(w io.Writer, f string, o Options) error { return WriteChanges(w, f, c, o) }, func() any { return new(wontfix.Changes) }},
		{"stats", StatsFormats(), "../docs/stats.schema.json",
			func(w io.Writer, f string, o Options) error { return WriteStats(w, f, s, o) }, func() any { return new(wontfix.Stats) }},
		{"history", HistoryFormats(), "../docs/history.schema.json",
			func(w io.Writer, f string, o Options) error { return WriteHistory(w, f, h, o) }, func() any { return new([]*wontfix.EntryHistory) }},
	}
}

func exampleDocuments() []document {
	return documentsOf(exampleChanges(), exampleStats(), []*wontfix.EntryHistory{exampleHistory(), examplePackageHistory()})
}

func (d document) text(t testing.TB, format string, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.write(&b, format, o); err != nil {
		t.Fatalf("%s as %s: %v", d.name, format, err)
	}
	return b.Bytes()
}

func TestGoldenDocuments(t *testing.T) {
	for _, d := range exampleDocuments() {
		checkGolden(t, d.name+"-80.txt", d.text(t, "text", Options{Width: 80}))
		checkGolden(t, d.name+"-200.txt", d.text(t, "text", Options{Width: 200}))
		checkGolden(t, d.name+"-80-color.txt", d.text(t, "text", Options{Width: 80, Color: true}))
		checkGolden(t, d.name+".json", d.text(t, "json", Options{}))
		checkGolden(t, d.name+".csv", d.text(t, "csv", Options{}))
		checkGolden(t, d.name+".md", d.text(t, "markdown", Options{}))
	}
}

// What is written as JSON fits its schema, and is the same after it was read.
func TestDocumentsAsJSON(t *testing.T) {
	for n := range 3 {
		c, s, h := new(wontfix.Changes), new(wontfix.Stats), new(wontfix.EntryHistory)
		for _, v := range []any{c, s, h} {
			fill(reflect.ValueOf(v).Elem(), func() string { return "x" }, func() int { return n })
			closeLists(reflect.ValueOf(v).Elem())
		}
		c.Schema, s.Schema, h.Schema = wontfix.ChangesSchema, wontfix.StatsSchema, wontfix.HistorySchema
		for _, d := range append(documentsOf(c, s, []*wontfix.EntryHistory{h}), exampleDocuments()...) {
			text := d.text(t, "json", Options{})
			validate(t, compileSchema(t, d.schema), text)
			v := d.fresh()
			if err := json.Unmarshal(text, v); err != nil {
				t.Fatalf("%s: %v", d.name, err)
			}
			if again, err := marshal(reflect.Indirect(reflect.ValueOf(v)).Interface(), "  "); err != nil || !bytes.Equal(again, text) {
				t.Errorf("%s comes back as another (%v):\n%s\n%s", d.name, err, text, again)
			}
		}
	}
}

// FuzzDocuments puts arbitrary texts into every field of changes, statistics
// and histories.
func FuzzDocuments(f *testing.F) {
	f.Add("CVE-2014-9365", "ignored", "https://tracker.example/x", uint8(40), uint8(1))
	f.Add("\x1b]0;x\x07", "a\u202eb\u2028c\r\n", "\xff\xc0 \u009b31m", uint8(0), uint8(2))
	f.Add(strings.Repeat("x", 300), strings.Repeat("世 界", 60), strings.Repeat("e\u0301\u0302", 99), uint8(3), uint8(1))
	f.Add("\u00a0", "=1+1", "\u05d0\u05d1 \u2067", uint8(130), uint8(3))
	f.Fuzz(func(t *testing.T, a, b, c string, extra, size uint8) {
		if len(a)+len(b)+len(c) > 2000 {
			t.Skip("each text is written some thousand times")
		}
		list := []string{a, b, c, a + b, b + " " + c, "ignored", "http://" + c}
		i, n := 0, 0
		word := func() string { i++; return list[i%len(list)] }
		number := func() int { n++; return min(int(size)%3+n%2, 2) }
		ch, st, hi := new(wontfix.Changes), new(wontfix.Stats), new(wontfix.EntryHistory)
		for _, v := range []any{ch, st, hi} {
			fill(reflect.ValueOf(v).Elem(), word, number)
		}
		o := Options{Width: minWidth + int(extra)}
		for _, d := range documentsOf(ch, st, []*wontfix.EntryHistory{hi, {}}) {
			plain := string(d.text(t, "text", o))
			checkText(t, d.name, plain, min(o.Width, maxProse))
			color := o
			color.Color = true
			if got := sgr.ReplaceAllString(string(d.text(t, "text", color)), ""); got != plain {
				t.Errorf("%s: colour changes more than colours:\n%q\n%q", d.name, got, plain)
			}
			checkCellsAlone(t, d.name, d.text(t, "csv", o))
			md := string(d.text(t, "markdown", o))
			if strings.ContainsFunc(strings.ReplaceAll(md, "\n", ""), hidden) || strings.ContainsAny(md, "<>") {
				t.Errorf("%s: markdown has a hidden character or HTML: %q", d.name, md)
			}
		}
	})
}

func checkCellsAlone(t *testing.T, name string, text []byte) {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, row := range all {
		for _, cell := range row {
			if strings.ContainsFunc(cell, hidden) || strings.IndexAny(strings.TrimSpace(cell), "=+-@") == 0 {
				t.Errorf("%s: cell %q is a formula or has a hidden character", name, cell)
			}
		}
	}
}

func TestDocumentErrors(t *testing.T) {
	broken := failing{errors.New("pipe is closed")}
	for _, d := range exampleDocuments() {
		for _, f := range d.formats {
			if err := d.write(broken, f, Options{}); !errors.Is(err, broken.err) {
				t.Errorf("%s as %s: error is lost: %v", d.name, f, err)
			}
		}
		if err := d.write(io.Discard, "xml", Options{}); err == nil || !strings.Contains(err.Error(), "text, json, csv, markdown") {
			t.Errorf("%s: unknown format: %v", d.name, err)
		}
	}
}

// Nobody is credited with a sweep, and a reason that other words hide is shown.
func TestOriginText(t *testing.T) {
	list := exampleOrigins()
	for i, want := range map[int]string{
		0: "decided 2018-04-25 by Marc Deslauriers in e1bd2332a64d: research",
		2: "swept 2017-05-10 by a commit to 4,321 entries (precise-esm: end the standard support …), which decided nothing about this one; last word before: needed, Tyler Hicks, 2016-01-28",
		6: "set 2020-04-07 by a program, Kernel Bot (autotriage: linux)",
	} {
		if got := originText(list[i], 40); !strings.HasPrefix(got, want) {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
	if got := originText(list[2], 100); strings.Contains(got, "by Tyler") {
		t.Errorf("credits a sweep's author: %q", got)
	}
	list[0].CopiedFrom = "trusty_python2.7"
	if got := originText(list[0], 0); got != "a copy of trusty_python2.7: decided 2018-04-25 by Marc Deslauriers in e1bd2332a64d" {
		t.Errorf("copy: %q", got)
	}
	template := &wontfix.Origin{Class: wontfix.ClassCreate, Decided: exampleCommit("182e45b7"), Confidence: wontfix.ConfidenceLow}
	if got := originText(template, 40); got != "as the entry was made, 2014-12-11, from a template" {
		t.Errorf("template: %q", got)
	}
	want := "the reason then: too intrusive “change too intrusive”, reworded 2023-06-27, to 34,275 entries"
	if got := hiddenText(list[4], []string{"eol-release"}); got != want {
		t.Errorf("hidden reason: %q", got)
	}
	if got := hiddenText(list[4], []string{"too-intrusive"}); got != "" {
		t.Errorf("a reason that the row gives is called hidden: %q", got)
	}
}

// The words of closed lists have their everyday words.
func TestOriginWords(t *testing.T) {
	for i, w := range wontfix.Classes() {
		if classText[wontfix.Class(i)] == "" {
			t.Errorf("class %q has no words", w)
		}
	}
	for c := wontfix.ConfidenceNone; c <= wontfix.ConfidenceHigh; c++ {
		if confidenceText[c] == "" {
			t.Errorf("confidence %q has no words", c)
		}
	}
	for e := wontfix.EvidenceNone; e <= wontfix.EvidenceOwnNote; e++ {
		if sourceText[e] == "" {
			t.Errorf("evidence %q has no words", e)
		}
	}
}

func TestDifference(t *testing.T) {
	for _, c := range [][4]string{
		{"a b c", "a c", "b", ""},
		{"a b", "a b", "", ""},
		{"", "new words", "", "new words"},
		{"it will not be fixed", "it may be fixed", "will not", "may"},
	} {
		if was, is := difference(c[0], c[1]); was != c[2] || is != c[3] {
			t.Errorf("%q, %q: %q, %q", c[0], c[1], was, is)
		}
	}
}

// The axis shows each state, is as wide as the page at most, and is left out
// where there is no terminal.
func TestAxis(t *testing.T) {
	for _, width := range []int{40, 80, 120} {
		var b bytes.Buffer
		p := newPage(&b, Options{Width: width})
		p.axis(exampleTimeline().Events, exampleTracker().Time)
		if err := p.end(); err != nil {
			t.Fatal(err)
		}
		checkText(t, "axis", b.String(), width)
		line, _, _ := strings.Cut(b.String(), "\n")
		if strings.Count(line, "●") != 2 || strings.Count(line, "○") != 1 || !strings.Contains(line, "━○─") || !strings.Contains(line, "─●━") {
			t.Errorf("%d columns:\n%s", width, b.String())
		}
	}
	far := exampleTimeline().Events
	far[3].Time = time.Unix(1<<55, 0)
	var b bytes.Buffer
	p := newPage(&b, Options{})
	if p.axis(far, exampleTracker().Time); p.end() != nil || b.Len() > 0 {
		t.Errorf("draws a thousand million years: %q", b.String())
	}
	if err := WriteDossiers(&b, "text", []*wontfix.Dossier{exampleDossier()}, Options{}); err != nil || strings.Contains(b.String(), "●") {
		t.Errorf("%v: draws without a terminal:\n%s", err, b.String())
	}
}

// Each row is shown or counted, whatever the limit.
func TestChangesLimit(t *testing.T) {
	c := exampleChanges()
	c.Rows = c.Rows[:4] // of one commit, each decided about
	for limit := 1; limit <= 4; limit++ {
		var b bytes.Buffer
		if err := WriteChanges(&b, "text", c, Options{Width: 120, Limit: limit}); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(b.String(), "more row")
		shown := 0
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(line, "  CVE-") {
				shown += 1 + strings.Count(line, "trusty, trusty/esm")
			}
		}
		if more := strings.Contains(rest, "not shown"); more != (shown < 4) || shown < limit {
			t.Errorf("limit %d: %d rows, says that there are more: %t\n%s", limit, shown, more, b.String())
		}
	}
}

// The axis of a copied row has what became of the row that it was copied from.
func TestAxisOfCopy(t *testing.T) {
	events := exampleTimeline().Events
	copied := wontfix.Event{Class: wontfix.ClassCopyParent, To: events[len(events)-1].To, CopiedFrom: "trusty_python2.7"}
	copied.Time = events[len(events)-1].Time.AddDate(1, 0, 0)
	for i := range events {
		events[i].Row = copied.CopiedFrom
	}
	var b bytes.Buffer
	p := newPage(&b, Options{Width: 80})
	p.axis(append(events, copied), exampleTracker().Time)
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	for _, sign := range []string{"●", "○", "·"} {
		if !strings.Contains(b.String(), sign) {
			t.Errorf("no %s in\n%s", sign, b.String())
		}
	}
}
