package lazyregexp

import (
	"reflect"
	"regexp"
	"testing"
)

// TestMethods: each method answers as that of the same name of regexp.
func TestMethods(t *testing.T) {
	const text, in, by = `(\w)(\d+)?`, "a1 b2 c", "<$2>"
	lazy, want := New(text), regexp.MustCompile(text)
	for name, got := range map[string][2]any{
		"MatchString":             {lazy.MatchString(in), want.MatchString(in)},
		"FindString":              {lazy.FindString(in), want.FindString(in)},
		"FindStringSubmatch":      {lazy.FindStringSubmatch(in), want.FindStringSubmatch(in)},
		"FindStringSubmatchIndex": {lazy.FindStringSubmatchIndex(in), want.FindStringSubmatchIndex(in)},
		"FindAllString":           {lazy.FindAllString(in, 2), want.FindAllString(in, 2)},
		"FindAllStringSubmatch":   {lazy.FindAllStringSubmatch(in, -1), want.FindAllStringSubmatch(in, -1)},
		"ReplaceAllString":        {lazy.ReplaceAllString(in, by), want.ReplaceAllString(in, by)},
	} {
		if !reflect.DeepEqual(got[0], got[1]) {
			t.Errorf("%s: %v, want %v", name, got[0], got[1])
		}
	}
}

// TestMistake: in a test a mistake is found at once, elsewhere at the first use.
func TestMistake(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return false
	}
	if !panics(func() { New("(") }) {
		t.Error("New does not panic in a test")
	}
	defer func(was bool) { inTest = was }(inTest)
	inTest = false
	var r *Regexp
	if panics(func() { r = New("(") }) || !panics(func() { r.MatchString("") }) {
		t.Error("want a panic when it is used")
	}
}
