package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"wontfix"
)

func probeText(t testing.TB, p *wontfix.Probe, format string, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteProbe(&b, format, p, o); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.Bytes()
}

func TestGoldenProbe(t *testing.T) {
	p := exampleProbe()
	checkGolden(t, "probe-80.txt", probeText(t, p, "text", Options{Width: 80}))
	checkGolden(t, "probe-200.txt", probeText(t, p, "text", Options{Width: 200}))
	checkGolden(t, "probe-80-color.txt", probeText(t, p, "text", Options{Width: 80, Color: true}))
	checkGolden(t, "probe-40.txt", probeText(t, p, "text", Options{Width: 40}))
	checkGolden(t, "probe.json", probeText(t, p, "json", Options{}))
	checkGolden(t, "probe.md", probeText(t, p, "markdown", Options{}))
	safe := &wontfix.Probe{Summary: wontfix.ProbeSummary{Clients: 1, Cases: 10, Safe: 1}, Cases: p.Cases, Clients: p.Clients[6:7], Outcomes: exampleOutcomes("curl", "arrrr-arr "),
		Room: wontfix.Room{Why: "no room of its own: operation not permitted"}, Time: p.Time, Tool: p.Tool, Shell: &wontfix.ProbeInShell{}}
	checkGolden(t, "probe-safe.txt", probeText(t, safe, "text", Options{}))
}

// However many cases there are, no line is wider than the terminal, every case
// is shown once, and no group is cut in two that fits into a part.
func TestProbeTableFits(t *testing.T) {
	p := exampleProbe()
	p.Cases, p.Outcomes = nil, nil
	for _, group := range "TNCKPRXM" {
		for n := range 20 {
			id := string(group) + string([]byte{'0' + byte(n/10), '0' + byte(n%10)})
			p.Cases = append(p.Cases, wontfix.Case{ID: id, Presents: "case " + id, Expect: wontfix.ExpectReject, Severity: wontfix.SeverityHigh})
			for _, c := range p.Clients {
				p.Outcomes = append(p.Outcomes, wontfix.Outcome{Client: c.ID, Case: id, Verdict: wontfix.VerdictReject})
			}
		}
	}
	p.Failures = nil
	for _, width := range []int{40, 60, 80, 100, 132, 200, 250} {
		text := string(probeText(t, p, "text", Options{Width: width}))
		marks := 0
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			if n := columns(line); n > width {
				t.Errorf("%d columns: line of %d: %q", width, n, line)
			}
			if strings.Contains(line, "curl") && strings.Contains(line, "·") {
				marks += strings.Count(line, "·")
			}
		}
		if marks != len(p.Cases) {
			t.Errorf("%d columns: curl has %d marks for %d cases", width, marks, len(p.Cases))
		}
	}
}

// Clients are folded only with those of the same program that did the same.
func TestProbeRows(t *testing.T) {
	var have []string
	for _, r := range probeRows(exampleProbe()) {
		have = append(have, probeRanks[r.rank]+" "+r.names())
	}
	want := []string{"critical python2.7/http.client, urllib", "critical python2.7/smtplib", "critical lftp", "medium oldtool", "undecided busybox/wget", "safe curl", "safe perl/LWP, Mojo"}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	for in, want := range map[string]string{
		"curl":                         "curl",
		"curl;wget":                    "curl; wget",
		"a/x;a/y;b/x;b/y":              "a, b: x, y",
		"a/x (/p);a/y (/p);a/z (/q);c": "a/x, y (/p); a/z (/q); c",
		"a;a/x":                        "a; a/x",
		"a/x;b/x;c/y;d/y":              "a, b: x; c, d: y",
		"a/x;b;a/y":                    "a/x, y; b",
		"a/x (/p);b/x":                 "a (/p), b: x",
	} {
		if have := foldIDs(strings.Split(in, ";")); have != want {
			t.Errorf("foldIDs(%s) = %q, want %q", in, have, want)
		}
	}
}

func TestEffectText(t *testing.T) {
	for in, want := range map[string]string{
		"verification off (curl)": "verification off (curl)",
		"verification off (python3.8/pip, python3.9/pip (/usr/bin/python3.9)); no effect (a, b/c, b/d)": "verification off (python3.8, python3.9 (/usr/bin/python3.9): pip); no effect (a; b/c, d)",
		"no effect on the control (a, b, c (/p), d)":                                                    "no effect on the control (4 clients)",
		"host check off (a, b, c, d); could not be measured: control T01 was not accepted (e)":          "host check off (a; b; c; d); could not be measured: control T01 was not accepted (e)",
		"not measured: it would run code":                                                               "not measured: it would run code",
	} {
		if have := effectText(wontfix.Override{Summary: in, Effect: []wontfix.Effect{{}}}); have != want {
			t.Errorf("effectText(%q) = %q, want %q", in, have, want)
		}
	}
}

func TestProbeAsJSON(t *testing.T) {
	schema := compileSchema(t, "../docs/probe.schema.json")
	probes := []*wontfix.Probe{exampleProbe(), {Schema: wontfix.ProbeSchema}}
	for n := range 3 {
		p := new(wontfix.Probe)
		fill(reflect.ValueOf(p).Elem(), func() string { return "x" }, func() int { return n })
		closeLists(reflect.ValueOf(p).Elem())
		p.Schema = wontfix.ProbeSchema
		probes = append(probes, p)
	}
	for i, p := range probes {
		text := probeText(t, p, "json", Options{})
		if i != 1 { // its words are not set
			validate(t, schema, text)
		}
		back := new(wontfix.Probe)
		if err := json.Unmarshal(text, back); err != nil {
			t.Fatal(err)
		}
		if again := probeText(t, back, "json", Options{}); !bytes.Equal(again, text) {
			t.Errorf("a probe comes back as another:\n%s\n%s", text, again)
		}
	}
}

// FuzzProbe puts arbitrary texts into every field of a probe.
func FuzzProbe(f *testing.F) {
	f.Add("T01", "python3/urllib (/usr/bin/x)", "accept", uint8(40), uint8(1))
	f.Add("\x1b]0;x\x07", "a\u202eb\u2028c\r\n", "\xff\xc0 \u009b31m", uint8(0), uint8(2))
	f.Add("世界", "e\u0301\u0302", strings.Repeat("x", 200), uint8(3), uint8(1))
	f.Add("", "a/b; c", "=1+1", uint8(130), uint8(3))
	f.Fuzz(func(t *testing.T, a, b, c string, extra, size uint8) {
		if len(a)+len(b)+len(c) > 2000 {
			t.Skip("each text is written some thousand times")
		}
		list := []string{a, b, c, a + b, b + "/" + c, "reject", "http://" + c}
		i, n := 0, 0
		word := func() string { i++; return list[i%len(list)] }
		number := func() int { n++; return min(int(size)%3+n%2, 2) }
		p := new(wontfix.Probe)
		fill(reflect.ValueOf(p).Elem(), word, number)
		o := Options{Width: minWidth + int(extra)}
		plain := string(probeText(t, p, "text", o))
		checkText(t, "probe", plain, o.Width)
		o.Color = true
		if got := sgr.ReplaceAllString(string(probeText(t, p, "text", o)), ""); got != plain {
			t.Errorf("colour changes more than colours:\n%q\n%q", got, plain)
		}
		md := string(probeText(t, p, "markdown", o))
		if strings.ContainsFunc(strings.ReplaceAll(md, "\n", ""), hidden) || strings.ContainsAny(md, "<>") {
			t.Errorf("markdown has a hidden character or HTML: %q", md)
		}
	})
}

func TestProbeErrors(t *testing.T) {
	broken := failing{errors.New("pipe is closed")}
	for _, f := range ProbeFormats() {
		if err := WriteProbe(broken, f, exampleProbe(), Options{}); !errors.Is(err, broken.err) {
			t.Errorf("%s: error is lost: %v", f, err)
		}
	}
	if err := WriteProbe(io.Discard, "xml", exampleProbe(), Options{}); err == nil || !strings.Contains(err.Error(), "text, json, markdown") {
		t.Errorf("unknown format: %v", err)
	}
}
