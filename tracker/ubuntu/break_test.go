package ubuntu

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A line end other than LF is found wherever it stands.
func TestHasBreak(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	pieces := []string{"a", "b_c: needed", "\n", "\t", " ", "ü", "…", "\x7f", "\r", "\v", "\x00", "\x1f", "\u0085", "\u2028", "\u2029", "\xc2", "\xe2\x80"}
	found := 0
	for range 20000 {
		var b strings.Builder
		for range rnd.IntN(12) {
			n := len(pieces)
			if rnd.IntN(4) > 0 {
				n = 8 // of these none is one
			}
			b.WriteString(pieces[rnd.IntN(n)])
		}
		s := b.String()
		want := strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r > 0x7f && isBreak(r) })
		if got := hasBreak(s); got != want {
			t.Fatalf("%q: %v; want %v", s, got, want)
		}
		if want {
			found++
		}
	}
	if found < 2000 || found > 18000 {
		t.Errorf("%d of 20000 have one", found)
	}
}
