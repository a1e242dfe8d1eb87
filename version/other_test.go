package version

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// ladders are lists of groups from low to high, of each order; the versions
// of one group are equal.
var ladders = map[string]struct {
	compare func(a, b string) int
	groups  [][]string
}{
	"Rpm": {Rpm, [][]string{
		{"~~", "~.~"},
		{"~"},
		{"", ".", "0:", ":", "é"},
		{"^"},
		{"a", "a.", "_a"},
		{"0", "00", "0:0", "000:0"},
		{"1.0~rc1^git1"},
		{"1.0~rc1.1"},
		{"1.0", "1_0", "1.00", "01.0", "0:1.0", "1.0."},
		{"1.0-~1"},
		{"1.0-1.el9~"},
		{"1.0-1.el9", "1.0-1_el9", "1.0-01.el9", "0:1.0-1.el9"},
		{"1.0-1.el9_2.1"},
		{"1.0-1.el10"},
		{"1.0-10.el9"},
		{"1.0^20240101-1"},
		{"1.0a", "1.0.a"},
		{"1.0.0"},
		{"1.1-2-1.el9"},
		{"2.0.1-1"},
		{"99999999999999999999999999-1"},
		{"1:0"},
		{"1:0-1"},
		{"18446744073709551617:0"},
	}},
	"Apk": {Apk, [][]string{
		{"", "."},
		{"a"},
		{"b"},
		{"0_rc1"},
		{"0", "00"},
		{"1.0_alpha"},
		{"1.0_alpha1"},
		{"1.0_alpha2"},
		{"1.0_beta"},
		{"1.0_pre3"},
		{"1.0_rc1_alpha"},
		{"1.0_rc1"},
		{"1.0_rc1-r0"},
		{"1.0_rc1_p1"},
		{"1.0_rc10"},
		{"1.0_frob"},
		{"1.0"},
		{"1.0-r0"},
		{"1.0-r1", "1.0-r01"},
		{"1.0-r10"},
		{"1.0~1234-r5"},
		{"1.0~abc-r0"},
		{"1.0_cvs"},
		{"1.0_svn20"},
		{"1.0_git20240101"},
		{"1.0_p1"},
		{"1.0_p1-r0"},
		{"1.0_p2"},
		{"1.0a"},
		{"1.0b-r0"},
		{"1.0.0"},
		{"1.0.1"},
		{"1.05"},
		{"1.1"},
		{"1.1p1-r0"}, // not of the grammar
		{"1.1p1-r1"},
		{"1.1p"},
		{"1.1p-r0"},
		{"1.5"},
		{"1.10"},
		{"10.0"},
		{"99999999999999999999999999.0"},
	}},
	"Pacman": {Pacman, [][]string{
		{"a-1"},
		{"0-1", "00-1", "0:0-1", ":0-1"},
		{"1.0alpha-1"},
		{"1.0beta-1"},
		{"1.0rc2-1"},
		{"1.0-1", "01.0-1", "1_0-1"},
		{"1.0-1.1"},
		{"1.0-2"},
		{"1.0-10"},
		{"1.0.a-1"},
		{"1.0.1-1"},
		{"1.0.1.1-1"},
		{"1.1a-1"},
		{"1.1-1"},
		{"1.1.r12.gabc-1"},
		{"1.10-1"},
		{"20240101-1"},
		{"1:0.1-1"},
		{"2:0-1"},
	}},
}

func TestLadders(t *testing.T) {
	for name, l := range ladders {
		for i, low := range l.groups {
			for j, high := range l.groups {
				want := 0
				if i != j {
					want = sign(i - j)
				}
				for _, a := range low {
					for _, b := range high {
						if got := l.compare(a, b); got != want {
							t.Errorf("%s(%q, %q) = %d, want %d", name, a, b, got, want)
						}
					}
				}
			}
		}
	}
}

// A release that is missing on one side says nothing in pacman's order, and
// something in rpm's.
func TestNoRelease(t *testing.T) {
	if Pacman("1.0", "1.0-5") != 0 || Pacman("1.0-5", "1.0") != 0 || Pacman("1.1", "1.0-5") != 1 {
		t.Error("Pacman: 1.0 is as high as 1.0-5, and 1.1 higher")
	}
	if Rpm("1.0", "1.0-5") != -1 || Rpm("1.0-5", "1.0") != 1 || Rpm("1.0-", "1.0") != 1 {
		t.Error("Rpm: 1.0 is lower than 1.0-5")
	}
}

// A sample of pairs made of the pieces that matter in each order.
func pairs(n int, pieces []string, epochs, releases bool) (all [][2]string) {
	r := rand.New(rand.NewPCG(7, 8))
	version := func() string {
		var b strings.Builder
		if epochs && r.IntN(4) == 0 {
			b.WriteString([]string{"0:", "1:", "2:", "01:", "10:"}[r.IntN(5)])
		}
		b.WriteByte(byte('0' + r.IntN(3)))
		for range r.IntN(5) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		if releases && r.IntN(3) > 0 {
			b.WriteString([]string{"-", "-r"}[r.IntN(2)])
			b.WriteByte(byte('0' + r.IntN(3)))
			for range r.IntN(2) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
		}
		return b.String()
	}
	for range n {
		a, b := version(), version()
		if r.IntN(2) == 0 {
			b = a + pieces[r.IntN(len(pieces))]
		}
		all = append(all, [2]string{a, b})
	}
	return all
}

var rpmPieces = []string{"0", "1", "10", "007", "99", ".", "~", "^", "_", "+", "a", "Z", "rc", ".el9", "~rc1", "^git1", ".1", ".module+el8", ".."}

func TestConfirmRpm(t *testing.T) {
	rpm := testkit.Program(t, "rpm")
	sample := pairs(2000, rpmPieces, true, true)
	var script strings.Builder
	for _, p := range sample {
		fmt.Fprintf(&script, "print(rpm.vercmp(%q, %q) .. ' ')\n", p[0], p[1])
	}
	file := filepath.Join(t.TempDir(), "compare.lua")
	testkit.Must(t, os.WriteFile(file, []byte(script.String()), 0o644))
	out, err := exec.Command(rpm, "--eval", "%{lua:dofile('"+file+"')}").CombinedOutput()
	if err != nil {
		t.Fatalf("rpm: %v: %s", err, out)
	}
	agree(t, "rpm", Rpm, sample, string(out))
}

// agree compares an order with what a program said of each pair, in a line
// each.
func agree(t *testing.T, program string, compare func(a, b string) int, sample [][2]string, out string) {
	t.Helper()
	lines := strings.Fields(out)
	if len(lines) != len(sample) {
		t.Fatalf("%s gave %d answers to %d questions", program, len(lines), len(sample))
	}
	for i, p := range sample {
		if got := fmt.Sprint(compare(p[0], p[1])); got != lines[i] {
			t.Errorf("%q and %q: %s, and %s says %s", p[0], p[1], got, program, lines[i])
		}
	}
}

// Debian has pacman without vercmp: a program of our own asks the library.
const vercmp = `#include <stdio.h>
#include <string.h>
int alpm_pkg_vercmp(const char *, const char *);
int main(void) {
	char a[512], b[512];
	while (fgets(a, sizeof a, stdin) && fgets(b, sizeof b, stdin)) {
		a[strcspn(a, "\n")] = b[strcspn(b, "\n")] = 0;
		printf("%d\n", alpm_pkg_vercmp(a, b));
	}
	return 0;
}
`

func TestConfirmPacman(t *testing.T) {
	testkit.Program(t, "pacman")
	gcc := testkit.Program(t, "gcc")
	libraries, err := filepath.Glob("/usr/lib/*/libalpm.so.*")
	if err != nil || len(libraries) == 0 {
		t.Fatalf("pacman is there and no libalpm.so: %v", err)
	}
	dir := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "vercmp.c"), []byte(vercmp), 0o644))
	program := filepath.Join(dir, "vercmp")
	if out, err := exec.Command(gcc, "-o", program, filepath.Join(dir, "vercmp.c"), libraries[0]).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v: %s", err, out)
	}
	sample := pairs(20000, []string{"0", "1", "10", "007", "99", ".", "..", "_", "+", "a", "Z", "rc", "rc1", ".1", ".r12.g", "beta", "^", "~"}, true, true)
	cmd := exec.Command(program)
	var in strings.Builder
	for _, p := range sample {
		fmt.Fprintf(&in, "%s\n%s\n", p[0], p[1])
	}
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	testkit.Must(t, err)
	agree(t, "libalpm", Pacman, sample, string(out))
}

// Debian has no apk; where there is one, it is asked.
func TestConfirmApk(t *testing.T) {
	apk, err := exec.LookPath("apk")
	if err != nil {
		t.Skip("apk: not on this machine, and not in Debian")
	}
	n := 1000
	if testing.Short() {
		n = 100
	}
	for _, p := range pairs(n, []string{"0", "1", "10", "05", ".0", ".1", ".10", "a", "_rc1", "_alpha", "_p2", "_git20240101", "~abc", ".05"}, false, true) {
		valid := exec.Command(apk, "version", "--check", "--quiet", p[0], p[1]).Run() == nil
		if !valid {
			continue
		}
		out, err := exec.Command(apk, "version", "--test", p[0], p[1]).Output()
		testkit.Must(t, err)
		want := map[string]int{"<": -1, "=": 0, ">": 1}[strings.TrimSpace(string(out))]
		if got := Apk(p[0], p[1]); got != want {
			t.Errorf("Apk(%q, %q) = %d, and apk says %s", p[0], p[1], got, out)
		}
	}
}

// order checks that a comparison is an order on three strings.
func checkOrder(t *testing.T, name string, compare func(a, b string) int, a, b, c string) {
	t.Helper()
	ab, bc, ac := compare(a, b), compare(b, c), compare(a, c)
	if ba := compare(b, a); ba != -ab {
		t.Errorf("%s(%q, %q) = %d and the other way round %d", name, a, b, ab, ba)
	}
	if ab <= 0 && bc <= 0 && ac > 0 || ab >= 0 && bc >= 0 && ac < 0 || ab == 0 && ac != bc {
		t.Errorf("%s: %q, %q, %q: %d and %d, but %d", name, a, b, c, ab, bc, ac)
	}
}

func FuzzRpm(f *testing.F) {
	f.Add("1:1.0-1.el9", "1.0~rc1^git-2", "a:\x00-é")
	f.Add("", "~", "^")
	f.Add("00:00-", ":1", "1.a")
	f.Fuzz(func(t *testing.T, a, b, c string) { checkOrder(t, "Rpm", Rpm, a, b, c) })
}

func FuzzApk(f *testing.F) {
	f.Add("1.0_rc1-r0", "1.0~abc", "1.0a_p")
	f.Add("1.05", "1.5", "1.0x9-r1")
	f.Fuzz(func(t *testing.T, a, b, c string) { checkOrder(t, "Apk", Apk, a, b, c) })
}

// proper are versions on which vercmp is an order.
var proper = regexp.MustCompile(`^([0-9]+:)?[0-9A-Za-z]+([.+_][0-9A-Za-z]+)*-[0-9]+(\.[0-9]+)?$`)

func FuzzPacman(f *testing.F) {
	f.Add("1:1.0-1", "1.0rc1-2", "1.0.a-1")
	f.Add("1-1", "1", "1..a-")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if ab, ba := Pacman(a, b), Pacman(b, a); ab != -ba {
			t.Errorf("Pacman(%q, %q) = %d and the other way round %d", a, b, ab, ba)
		}
		if proper.MatchString(a) && proper.MatchString(b) && proper.MatchString(c) {
			checkOrder(t, "Pacman", Pacman, a, b, c)
		}
	})
}

func BenchmarkRpm(b *testing.B) {
	sample := pairs(1024, rpmPieces, true, true)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for i := range sample {
			Rpm(sample[i][0], sample[i][1])
		}
		n += len(sample)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "comparisons/s")
}
