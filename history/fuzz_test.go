package history

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// FuzzUnpack: what is unpacked packs to bytes that unpack to the same.
func FuzzUnpack(f *testing.F) {
	file := NewFile("x")
	file.Records = []Record{{0, nil, []Place{{0, file.AddText([]byte("a\nb\n"))}}}, {3, []int{0}, []Place{{1, file.AddText([]byte("a\nc"))}, {2, Missing}}}, {4, []int{1, -1}, nil}}
	f.Add(file.Pack(nil), []byte(nil))
	f.Add(file.Pack([]byte("a\nb\n")), []byte("a\nb\n"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, data, today []byte) {
		got, err := Unpack("x", data, today)
		if err != nil {
			if !errors.Is(err, ErrBytes) {
				t.Fatal(err)
			}
			return
		}
		again, err := Unpack("x", got.Pack(today), today)
		if err != nil {
			t.Fatalf("what was unpacked cannot be read when it is packed again: %v", err)
		}
		if a, b := describe(got), describe(again); a != b {
			t.Fatalf("packed again\n%s\nwas\n%s", b, a)
		}
		got.AddText([]byte("a\n" + string(today) + "b\n"))
		for n := range got.texts {
			again, err := Unpack("x", got.packCut(n), got.Text(n))
			if err != nil {
				t.Fatalf("text %d today: what was unpacked cannot be read when it is packed again: %v", n, err)
			}
			if a, b := describe(got), describe(again); a != b {
				t.Fatalf("text %d today: packed again\n%s\nwas\n%s", n, b, a)
			}
		}
	})
}

// FuzzUnpackLog: what is unpacked packs to bytes that unpack to the same.
func FuzzUnpackLog(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		log := randomLog(f, r, 1+r.IntN(5))
		log.spread[0] = []string{"trusty"}
		log.nicks.add("ann", "ann author", 3)
		parts := log.Pack()
		f.Add(parts[0], parts[1], parts[2])
	}
	f.Fuzz(func(t *testing.T, head, ids, block []byte) {
		log, err := UnpackLog(func(n int) ([]byte, error) {
			if n > 2 {
				return nil, ErrBytes
			}
			return [][]byte{head, ids, block}[n], nil
		})
		if err == nil {
			err = log.Load()
		}
		if err != nil {
			if !errors.Is(err, ErrBytes) {
				t.Fatal(err)
			}
			return
		}
		packed := log.Pack()
		again, err := UnpackLog(partsOf(packed))
		if err == nil {
			err = again.Load()
		}
		if err != nil {
			t.Fatalf("what was unpacked cannot be read when it is packed again: %v", err)
		}
		if !slices.EqualFunc(again.Pack(), packed, bytes.Equal) {
			t.Fatal("packs otherwise the second time")
		}
	})
}

// FuzzUnpackOrigins: what is unpacked packs to bytes that unpack to the same.
func FuzzUnpackOrigins(f *testing.F) {
	var h handMade
	h.commit(ann, "new", only("trusty_a: needed", "xenial_a: DNE"))
	h.commit(bob, "no fix", only(" bob> too intrusive", "trusty_a: ignored (too intrusive)", "trusty/esm_a: ignored (too intrusive)", "xenial_a: ignored (end of life)"))
	log, files, _ := h.read(f)
	f.Add(NewTrace(log, testFormat, files["CVE-2020-1"], log.Tip()).Origins().Pack())
	f.Add([]byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := UnpackOrigins(log, data, nil)
		if err != nil {
			if !errors.Is(err, ErrBytes) {
				t.Fatal(err)
			}
			return
		}
		for i, line := range o.lines {
			some, err := UnpackOrigins(log, data, []int{-1, int(line)})
			if err != nil || !reflect.DeepEqual(some.At(int(line)), o.At(int(line))) {
				t.Fatalf("line %d alone: %v, %+v; want %+v", line, err, some, *o.origins[o.rows[i]])
			}
		}
		packed := o.Pack()
		again, err := UnpackOrigins(log, packed, nil)
		if err != nil {
			t.Fatalf("what was unpacked cannot be read when it is packed again: %v", err)
		}
		if !bytes.Equal(again.Pack(), packed) {
			t.Fatal("packs otherwise the second time")
		}
		for line := range 4 {
			o.At(line)
		}
	})
}
