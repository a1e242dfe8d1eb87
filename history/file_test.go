package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTexts adds texts that have much in common and asks for them back.
func TestTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		f := NewFile("CVE-2020-1")
		var want [][]byte
		text := []byte("a\nb\nc\n")
		for range 30 {
			text = mutate(r, text)
			n := f.AddText(text)
			if n == len(want) {
				want = append(want, text)
			}
			if got := f.Text(n); !bytes.Equal(got, text) {
				t.Fatalf("text %d: got %q, want %q", n, got, text)
			}
		}
		for i, w := range want {
			if got := f.Text(i); !bytes.Equal(got, w) {
				t.Errorf("text %d: got %q, want %q", i, got, w)
			}
			var whole []int32
			for line := range strings.Lines(string(w)) {
				whole = append(whole, int32(slices.Index(f.lines, line)))
			}
			if !slices.Equal(whole, f.linesOf(i)) {
				t.Errorf("text %d %q: lines %v, want %v", i, w, f.texts[i], whole)
			}
		}
	}
}

// mutate returns text with one change.
func mutate(r *rand.Rand, text []byte) []byte {
	lines := strings.SplitAfter(string(text), "\n")
	i := r.IntN(len(lines))
	switch r.IntN(6) {
	case 0:
		lines = slices.Insert(lines, i, fmt.Sprintf("line %d\n", r.IntN(20)))
	case 1:
		lines = slices.Delete(lines, i, i+1)
	case 2:
		lines[i] = strings.Repeat("x", r.IntN(100)) + "\n"
	case 3:
		lines[i] = strings.TrimSuffix(lines[i], "\n")
	case 4:
		lines = append(lines, "end")
	case 5:
		lines = slices.Insert(lines, i, lines[r.IntN(len(lines))])
	}
	return []byte(strings.Join(lines, ""))
}

// TestPack packs histories of random shape and reads them again.
func TestPack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		f := NewFile("CVE-2020-1")
		text := []byte("a\nb\nc\n")
		for i := range r.IntN(20) {
			rec := Record{Commit: 2*i + r.IntN(2)}
			for range r.IntN(3) {
				rec.Parents = append(rec.Parents, r.IntN(i+1)-1)
			}
			for dir := range r.IntN(3) {
				if text = mutate(r, text); r.IntN(5) == 0 && len(f.texts) > 0 {
					text = f.Text(r.IntN(len(f.texts)))
				}
				rec.Places = append(rec.Places, Place{dir, f.AddText(text)})
			}
			if r.IntN(9) == 0 {
				rec.Places = append(rec.Places, Place{3, Missing})
			}
			f.Records = append(f.Records, rec)
		}
		today := text
		if r.IntN(4) == 0 {
			today = nil
		}
		got, err := Unpack(f.ID, f.Pack(today), today)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := describe(f), describe(got); a != b {
			t.Fatalf("packed\n%s\nunpacked\n%s", a, b)
		}
		if a, b := f.Pack(today), got.Pack(today); !bytes.Equal(a, b) {
			t.Fatal("what was unpacked is packed otherwise")
		}
	}
}

// describe writes a history with its texts in full.
func describe(f *File) string {
	var b strings.Builder
	for _, r := range f.Records {
		fmt.Fprintf(&b, "%d %v", r.Commit, r.Parents)
		for _, p := range r.Places {
			fmt.Fprintf(&b, " %d ", p.Dir)
			if p.Text == Missing {
				b.WriteString("missing")
			} else {
				fmt.Fprintf(&b, "%q", f.Text(p.Text))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// What differs between two texts is the same whether they were packed or added,
// but for lines that both have.
func TestDiffering(t *testing.T) {
	f := NewFile("CVE-2020-1")
	random := rand.New(rand.NewPCG(1, 2))
	var lines []string
	for i := range 60 {
		for range 3 {
			at := random.IntN(len(lines) + 1)
			lines = slices.Insert(lines, at, fmt.Sprintf("line %d\n", random.IntN(90)))
		}
		if n := random.IntN(len(lines)); i%4 == 3 {
			lines = slices.Delete(lines, n, n+1)
		}
		record := Record{Commit: i, Places: []Place{{0, f.AddText([]byte(strings.Join(lines, "")))}}}
		if i > 0 {
			record.Parents = []int{i - 1}
		}
		f.Records = append(f.Records, record)
	}
	today := f.Text(f.Records[len(f.Records)-1].Places[0].Text)
	f, err := Unpack(f.ID, f.Pack(today), today)
	if err != nil {
		t.Fatal(err)
	}
	fewer := 0 // pairs of which less is looked at than lies between what both begin and end with
	for i := 1; i < len(f.Records); i++ {
		a := f.Records[i-1].Places[0].Text
		for _, b := range []int{f.Records[i].Places[0].Text, f.Records[i/2].Places[0].Text, -1} {
			before, after := f.differing(nil, nil, a, b)
			var now []int32
			if b >= 0 {
				now = f.linesOf(b)
			}
			if x, y := between(f.linesOf(a), now); len(before)+len(after) < len(x)+len(y) {
				fewer++
			}
			count := map[int32]int{}
			for _, line := range slices.Concat(f.linesOf(a), after) {
				count[line]++
			}
			for _, line := range slices.Concat(before, now) {
				count[line]--
			}
			for line, n := range count {
				if n != 0 {
					t.Errorf("text %d to %d, %q: %d too many", a, b, f.lines[line], n)
				}
			}
		}
	}
	if fewer < 5 {
		t.Errorf("the hunks say less of %d pairs; want 5 or more", fewer)
	}
}

// A text of a history that nobody has packed, which has one line by two numbers, is
// no text of today to pack the others by.
func TestPackCut(t *testing.T) {
	f := NewFile("CVE-2020-1")
	f.lines, f.texts = []string{"A\n", "A\n", "B\n"}, [][]int32{{0}, {0, 1, 2}, {2, 0, 1, 2}}
	for i := range f.texts {
		f.Records = append(f.Records, Record{Commit: i, Places: []Place{{0, i}}})
	}
	odd, err := Unpack(f.ID, f.pack(0), []byte("A\n"))
	if err != nil {
		t.Fatal(err)
	}
	for text := range odd.texts {
		got, err := Unpack(f.ID, odd.packCut(text), odd.Text(text))
		if err != nil {
			t.Fatalf("text %d today: %v", text, err)
		}
		if a, b := describe(odd), describe(got); a != b {
			t.Errorf("text %d today:\n%s\nwant\n%s", text, b, a)
		}
	}
}
