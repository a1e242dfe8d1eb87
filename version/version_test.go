package version

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// ordered is a list of groups from low to high; the versions of one group are
// equal.
var ordered = [][]string{
	{"~~"},
	{"~~a"},
	{"~"},
	{"", "0", "0-0", "0:0", "00", " 0\t", "+0:0"},
	{"0a"},
	{"0+"},
	{"0.1"},
	{"1.0~beta1~svc1245"},
	{"1.0~beta1"},
	{"1.0", "1.00", "0:1.0-0"},
	{"1.0-0ubuntu0.1"},
	{"1.0-0ubuntu1"},
	{"1.0-1"},
	{"1.0-1+b1"},
	{"1.0a-1"},
	{"1.0+really0.9-1"},
	{"1.0.1-1"},
	{"1.27.1-2~bpo8+1"},
	{"1.27.1-2"},
	{"1.27.1-2+b1"},
	{"2.7.15~rc1-1ubuntu0.1"},
	{"2.7.15-4ubuntu4~18.04"},
	{"2.7.15-4ubuntu4"},
	{"2.7.15-4ubuntu4+esm1"},
	{"2.7.15-4ubuntu4.1"},
	{"9999999999999999999999999999999"},
	{"1:0.1"},
	{"1:1.2+3"},
	{"1:1.2:3-4-5"},
	{"2:0~"},
	{"4294967296:0"},
	{"99999999999999999999999:0"},
}

func TestDpkg(t *testing.T) {
	for i, low := range ordered {
		for j, high := range ordered {
			want := 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			for _, a := range low {
				for _, b := range high {
					if got := Dpkg(a, b); got != want {
						t.Errorf("Dpkg(%q, %q) = %d, want %d", a, b, got, want)
					}
				}
			}
		}
	}
}

// A colon after anything but a number is a part of the version.
func TestDpkgNoEpoch(t *testing.T) {
	if got := Dpkg("a:1", "1:1"); got != -1 {
		t.Errorf("Dpkg(a:1, 1:1) = %d: a is no epoch, so that the other's is higher", got)
	}
}

var validity = map[string]bool{
	"1": true, "1-1": true, "0:1": true, "1:1:1-1": true, " 1 ": true, "2147483647:1": true, "1.0-1-1": true, "+1:1": true,
	"": false, "a1": false, "1-": false, ":1": false, "1:": false, "-1:1": false, "2147483648:1": false,
	"1_1": false, "1-1:1": false, "1 1": false, "1\n": false, "1\x1b[31m": false, "x:1": false, "1é": false, "1\x00": false,
	"1:1-1:1": false, "00000000000000001:1": true, "1:-1": false, "1--1": true,
}

func TestValidDpkg(t *testing.T) {
	for v, want := range validity {
		if got := ValidDpkg(v); got != want {
			t.Errorf("ValidDpkg(%q) = %t, want %t", v, got, want)
		}
	}
}

// TestConfirm asks dpkg itself about versions made of the pieces that matter.
func TestConfirm(t *testing.T) {
	dpkg := testkit.Program(t, "dpkg")
	for v, want := range validity {
		if strings.ContainsRune(v, 0) {
			continue // no argument of a process can hold it
		}
		if got := exec.Command(dpkg, "--validate-version", v).Run() == nil; got != want {
			t.Errorf("dpkg --validate-version %q = %t, table says %t", v, got, want)
		}
	}
	n := 2000
	if testing.Short() {
		n = 100
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range n / 2 {
		a := generate(r)
		b := generate(r)
		if r.IntN(2) == 0 {
			b = a + pieces[r.IntN(len(pieces))]
		}
		if !ValidDpkg(a) || !ValidDpkg(b) {
			t.Fatalf("generate made the invalid version %q or %q", a, b)
		}
		relation := [...]string{"lt", "eq", "gt"}[Dpkg(a, b)+1]
		if err := exec.Command(dpkg, "--compare-versions", a, relation, b).Run(); err != nil {
			t.Errorf("dpkg does not think that %q %s %q: %v", a, relation, b, err)
		}
	}
}

var pieces = []string{"0", "1", "10", "007", "99", ".", "~", "+", "a", "Z", "ubuntu", "esm", "really", "~rc1", "+b1", ".1", "ubuntu0.1", "dfsg", "+deb12u1"}

func generate(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(4) == 0 {
		b.WriteString([]string{"0:", "1:", "2:", "01:"}[r.IntN(4)])
	}
	b.WriteByte(byte('0' + r.IntN(3)))
	for range r.IntN(4) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	if r.IntN(2) == 0 {
		b.WriteByte('-')
		for range 1 + r.IntN(3) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
	}
	return b.String()
}

// FuzzDpkg holds that Dpkg is an order on all strings.
func FuzzDpkg(f *testing.F) {
	f.Add("1:1.0-1", "1.0~rc1-1ubuntu0.1", "a:\x00-é")
	f.Add("", "~", "0")
	f.Add("00:00-", "+:1", "1::--")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, bc, ac := Dpkg(a, b), Dpkg(b, c), Dpkg(a, c)
		if Dpkg(a, a) != 0 {
			t.Errorf("%q is not equal to itself", a)
		}
		if ba := Dpkg(b, a); ba != -ab {
			t.Errorf("Dpkg(%q, %q) = %d and the other way round %d", a, b, ab, ba)
		}
		if ab <= 0 && bc <= 0 && ac > 0 || ab >= 0 && bc >= 0 && ac < 0 {
			t.Errorf("%q, %q, %q: %d and %d, but %d", a, b, c, ab, bc, ac)
		}
		if ab == 0 && ac != bc {
			t.Errorf("%q equals %q, but against %q: %d and %d", a, b, c, ac, bc)
		}
	})
}

func BenchmarkDpkg(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	versions := make([]string, 1024)
	for i := range versions {
		versions[i] = generate(r)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for i := range versions {
			Dpkg(versions[i], versions[(i*7+1)&1023])
		}
		n += len(versions)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "comparisons/s")
}
