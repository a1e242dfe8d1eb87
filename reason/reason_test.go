package reason

import (
	"strings"
	"testing"

	"wontfix"
)

func TestRead(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"change too intrusive", "too-intrusive"},
		{"end of standard support", "eol-release"},
		{"reached end-of-life", "eol-release"},
		{"end of kernel support", "eol-release"},
		{"disputed as not a vulnerability", "disputed"},
		{"overlayfs is working as intended", "disputed"},
		{"no update available", "upstream-unfixed"},
		{"no new nvidia releases", ""},
		{"superseded by linux-azure-5.3", "superseded"},
		{"replaced by linux-raspi", "superseded"},
		{"abandoned", "upstream-dead"},
		{"code-not-compiled", "not-exploitable-here"},
		{"code not present", "code-not-present"},
		{"ESM criteria, Arm64 not supported", "support-scope"},
		{"present but unused and fix is too risky to backport", "not-exploitable-here,too-intrusive"},
		{"fix is intrusive, breaks current installs", "too-intrusive"},
		{"2019-09-06", ""},
		{"see notes", ""},
		{"libv8 not supported", "support-scope"},
		{"no security support", "support-scope"},
		{"DoS only", "minor-impact"},
		{"we will not be fixing this before EoL", ""},
		{"it reached EoL", "eol-release"},
	} {
		if got := Read(tt.text).String(); got != tt.want {
			t.Errorf("Read(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestRules checks that every rule is for a reason of its own and that a bad
// file is refused by line.
func TestRules(t *testing.T) {
	var all wontfix.Reasons
	for _, r := range rules() {
		if all.Has(r.reason) {
			t.Errorf("two rules for %s", r.reason)
		}
		all |= r.reason
	}
	if all|wontfix.NoReason != 1<<len(wontfix.ReasonNames())-1 {
		t.Errorf("rules for %s only", all)
	}
	for text, want := range map[string]string{"x": "rules.tsv:1", "\nnope\tx": "rules.tsv:2: reason \"nope\"", "removed\t(": "rules.tsv:1"} {
		if _, err := parseRules(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseRules(%q): %v, want %s", text, err, want)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	text := strings.Repeat("this is quite a large change to make and most certainly will break certain setups ", 8)
	b.SetBytes(int64(len(text)))
	lower := fold(text)
	for b.Loop() {
		for _, r := range rules() {
			r.match(text, lower)
		}
	}
}

// FuzzRead checks that looking for plain words first changes nothing.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"", "Not An Issue", "end-of-ESM support", "change in behaviour", "only for use on \x00\xff", "upſtream is dead"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want wontfix.Reasons
		for _, r := range rules() {
			if r.matchSlow(text) {
				want |= r.reason
			}
		}
		if got := Read(text); got != want {
			t.Errorf("Read(%q) = %s, want %s", text, got, want)
		}
	})
}

func TestFit(t *testing.T) {
	all := wontfix.Batched | wontfix.CodeNotPresent | wontfix.TooIntrusive
	for d, want := range map[wontfix.Decision]wontfix.Reasons{
		wontfix.DecisionWontFix:     wontfix.TooIntrusive,
		wontfix.DecisionDeferred:    wontfix.Batched | wontfix.TooIntrusive,
		wontfix.DecisionNotAffected: all,
	} {
		if got := Fit(d, all); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	if got := Quote(" two\n words\t"); got != "two words" {
		t.Errorf("got %q", got)
	}
	long := strings.Repeat("éa ", 400)
	got := Shorten(long)
	if len(got) > longestWords+len(" …") || !strings.HasSuffix(got, "a …") || !strings.HasPrefix(long, strings.TrimSuffix(got, " …")) {
		t.Errorf("got %d bytes that end in %q", len(got), got[len(got)-8:])
	}
}
