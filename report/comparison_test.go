package report

import (
	"bytes"
	"strings"
	"testing"

	"wontfix"
)

func TestComparison(t *testing.T) {
	cell := func(id, vendor string, decisions ...wontfix.Decision) wontfix.Compared {
		c := wontfix.Compared{ID: id, Vendor: vendor, Voice: vendor, Entry: len(decisions) > 0}
		for _, d := range decisions {
			c.Opinions = append(c.Opinions, wontfix.Opinion{Vendor: vendor, Source: "=evil", Release: vendor + "/1", Decision: d, Words: "a|b\x1b[31m"})
		}
		return c
	}
	c := &wontfix.Comparison{IDs: []string{"CVE-2014-9365", "CVE-2016-2781", "CVE-2019-1010022", "CVE-2023-38545", "CVE-2024-6923"}}
	for _, id := range c.IDs {
		c.Cells = append(c.Cells, cell(id, "ubuntu", wontfix.DecisionWontFix, wontfix.DecisionFixed, wontfix.DecisionWontFix), cell(id, "redhat"))
	}
	var b bytes.Buffer
	for _, width := range []int{40, 80, 200} {
		b.Reset()
		if err := WriteComparison(&b, "text", c, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := columns(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
		if n := strings.Count(b.String(), "F1 W2"); n != 5 || strings.Count(b.String(), "silent") != 5 {
			t.Errorf("%d columns: %d cells\n%s", width, n, b.String())
		}
	}
	if rows := strings.Count(b.String(), "Ubuntu"); rows != 1 {
		t.Errorf("at 200 columns there are %d tables\n%s", rows, b.String())
	}
	for _, format := range ComparisonFormats()[2:] {
		b.Reset()
		if err := WriteComparison(&b, format, c, Options{}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), ",=evil") {
			t.Errorf("%s has what may run\n%s", format, b.String())
		}
	}
	if err := WriteComparison(&b, "tex", c, Options{}); err == nil {
		t.Error("an unknown format: no error")
	}
}
