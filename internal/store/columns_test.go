package store

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"wontfix"
)

// randomBlobs packs rows of some vulnerabilities into blobs of a few sources.
func randomBlobs(r *rand.Rand, n int) (sources []string, blobs [][]byte) {
	p := packer{dict: newDictionary()}
	says := []uint32{}
	for i, word := range []string{"needed", "released", "ignored", "käse"} {
		s := wontfix.Statement{Word: word, Line: 1, Meaning: wontfix.Meaning{EvidenceLine: i % 3}}
		says = append(says, p.dict.add(&s, "", ""))
	}
	for i := range n {
		var rows []row
		for range r.IntN(40) {
			v := row{saying: says[r.IntN(len(says))], line: r.Uint32N(300)}
			if p.dict.sayings[v.saying].mode == evidenceOwn {
				v.evidence = r.Uint32N(maxLine)
			}
			if v.code = code(2014<<32 | r.Uint64N(60)); r.IntN(4) == 0 {
				v.code, v.name = 0, []string{"EMB-1", "TEMP-2", "x"}[r.IntN(3)]
			}
			rows = append(rows, v)
		}
		slices.SortStableFunc(rows, compareRows)
		sources = append(sources, []string{"", "linux", "openssl"}[3*i/n])
		blobs = append(blobs, p.pack(nil, rows))
	}
	return sources, blobs
}

// TestColumns: what is turned into columns and back is as it was.
func TestColumns(t *testing.T) {
	for seed := range uint64(200) {
		sources, blobs := randomBlobs(rand.New(rand.NewPCG(seed, 7)), 12)
		var there, back columns
		for i, b := range blobs {
			exported, err := there.turn(sources[i], b, true)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			got, err := back.turn(sources[i], exported, false)
			if err != nil || !bytes.Equal(got, b) {
				t.Fatalf("seed %d: blob %d comes back with %d bytes, and had %d; %v", seed, i, len(got), len(b), err)
			}
		}
	}
}

// FuzzColumns: what can be turned back from columns is a blob, of which the
// columns are the same.
func FuzzColumns(f *testing.F) {
	sources, blobs := randomBlobs(rand.New(rand.NewPCG(1, 7)), 6)
	var c columns
	for i := range blobs {
		exported, err := c.turn(sources[i], blobs[i], true)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(exported)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var back, there, again columns
		blob, err := back.turn("x", data, false)
		if err != nil {
			return
		}
		var in opened
		if err := in.read(blob, &wontfix.Statement{}); err != nil {
			t.Fatalf("a blob that cannot be read: %v", err)
		}
		exported, err := there.turn("x", blob, true)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := again.turn("x", exported, false); err != nil || !bytes.Equal(same, blob) {
			t.Fatalf("comes back with %d bytes, and had %d; %v", len(same), len(blob), err)
		}
	})
}
