package tracker

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// formatTree writes what parseTree reads.
func formatTree(files []file) []byte {
	var b bytes.Buffer
	for _, f := range files {
		modes := map[string]string{regular: "100644 blob", symlink: "120000 blob", folder: "040000 tree", submodule: "160000 commit", special: "100000 blob"}
		fmt.Fprintf(&b, "%s %s\t%s\x00", modes[f.kind], f.oid, f.path)
	}
	return b.Bytes()
}

// FuzzParseTree: what is read can be written and read again, no record is lost
// or made up, and from any list of files the items are the same in whatever
// order the files come.
func FuzzParseTree(f *testing.F) {
	oid := strings.Repeat("0123456789", 4)
	f.Add([]byte("100644 blob " + oid + "\tactive/CVE-2014-9365\x00120000 blob " + oid + "\tretired/CVE-2014-9365\x00"))
	f.Add([]byte("160000 commit " + oid + "\tactive/CVE-2014-9365\nx\x00040000 tree " + strings.Repeat("a", 64) + "\ta\tb\x00"))
	f.Add([]byte("100644 blob " + oid + "\tactive/CVE-2014-9365"))
	spec := testSpec()
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := parseTree(data)
		if err != nil {
			if files != nil {
				t.Fatal("files beside an error")
			}
			return
		}
		if len(files) != bytes.Count(data, []byte{0}) {
			t.Fatalf("%d files of %d records", len(files), bytes.Count(data, []byte{0}))
		}
		again, err := parseTree(formatTree(files))
		if err != nil || !slices.Equal(again, files) {
			t.Fatalf("%v: %+v, want %+v", err, again, files)
		}
		items := resolve(&spec, files)
		slices.Reverse(again)
		if !slices.EqualFunc(items, resolve(&spec, again), same) && distinct(files) {
			t.Fatalf("%+v, in reverse %+v", items, resolve(&spec, again))
		}
		if c := changed(items, items); len(c) != 0 {
			t.Fatalf("changed from itself: %+v", c)
		}
	})
}

func same(a, b item) bool {
	return a.file == b.file && a.id == b.id && a.gone == b.gone && slices.Equal(a.others, b.others)
}

func distinct(files []file) bool {
	seen := make(map[string]bool)
	for _, f := range files {
		if seen[f.path] {
			return false
		}
		seen[f.path] = true
	}
	return true
}

// FuzzReadBlob: an answer that is read is the one for the object asked for,
// byte for byte; and whatever came before, the next answer is found.
func FuzzReadBlob(f *testing.F) {
	oid := strings.Repeat("0123456789", 4)
	f.Add([]byte(oid+" blob 3\nabc\n"), []byte("x"))
	f.Add([]byte(oid+" missing\n"), []byte("\n"))
	f.Add([]byte(oid+" tree 0\n\n"), []byte{})
	f.Add([]byte(oid+" blob -1\n\n"), []byte{0, 1})
	f.Add([]byte(oid+" blob 99999999\n"), []byte{})
	f.Fuzz(func(t *testing.T, data, text []byte) {
		end := fmt.Sprintf("%s blob %d\n%s\n", oid, len(text), text)
		r := bufio.NewReader(io.MultiReader(bytes.NewReader(data), strings.NewReader(end)))
		got, why, err := readBlob(r, oid)
		if err != nil {
			return
		}
		head := fmt.Sprintf("%s blob %d\n", oid, len(got))
		whole := string(data) + end
		switch {
		case why == "" && !strings.HasPrefix(whole, head+string(got)+"\n"):
			t.Fatalf("read %q from %q", got, whole)
		case why != "" && got != nil:
			t.Fatalf("%s, and yet a text", why)
		case strings.ContainsAny(why, "\n\x1b"):
			t.Fatalf("control characters in %q", why)
		}
		// What is left begins with an answer if the data were one answer.
		if rest, err := io.ReadAll(r); err == nil && string(rest) == end {
			next, why, err := readBlob(bufio.NewReader(bytes.NewReader(rest)), oid)
			if err != nil || why != "" && len(text) <= maxFile || !bytes.Equal(next, text) {
				t.Fatalf("next answer: %q, %s, %v", next, why, err)
			}
		}
	})
}

// TestRandomHistory makes random changes, and after each some of them reads
// what has changed since the last time: the sum must be what a full reading
// gives, for a repository and for a mirror, over branches and merges too.
func TestRandomHistory(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 8
	}
	rng := rand.New(rand.NewPCG(2014, 9365))
	r := three(t)
	mirror := "file://" + r.dir
	o := Options{Cache: t.TempDir()}
	local, remote := state{}, state{}
	var atLocal, atRemote string
	dirs := testSpec().Dirs
	where := map[string]string{"CVE-2014-9365": "active", "CVE-2015-0001": "retired", "CVE-2016-0002": "ignored"}
	heads := []string{r.git("rev-parse", "HEAD")}
	for round := range rounds {
		for range rng.IntN(8) {
			id := fmt.Sprintf("CVE-2020-%d", rng.IntN(20))
			d, ok := where[id]
			switch {
			case !ok, rng.IntN(4) == 0:
				if ok {
					r.write(filepath.Join(d, id), "")
				}
				where[id] = dirs[rng.IntN(3)]
				r.write(filepath.Join(where[id], id), fmt.Sprint("text ", rng.IntN(5), "\n"))
			case rng.IntN(3) == 0:
				r.write(filepath.Join(d, id), "")
				delete(where, id)
			default:
				r.write(filepath.Join(d, id), fmt.Sprint("text ", rng.IntN(5), "\n"))
			}
		}
		heads = append(heads, r.commit())
		switch rng.IntN(6) {
		case 0: // merge an old commit, in name only
			r.git("merge", "-q", "-s", "ours", "--allow-unrelated-histories", "-m", "merge", heads[rng.IntN(len(heads))])
		case 1: // the same files with another history
			r.git("reset", "-q", "--soft", heads[rng.IntN(len(heads))])
			heads = append(heads, r.commit())
		}
		if rng.IntN(3) > 0 {
			atLocal, _, _ = local.readAll(t, r.dir, atLocal, Options{})
			check(t, round, "repository", local, r, where)
		}
		if rng.IntN(3) > 0 {
			var full bool
			atRemote, _, full = remote.readAll(t, mirror, atRemote, o)
			check(t, round, "mirror", remote, r, where)
			if full && round > 10 {
				t.Errorf("round %d: the mirror was read in full", round)
			}
		}
	}
}

// check compares what a consumer holds with a full reading and with what was
// written.
func check(t *testing.T, round int, name string, st state, r *repo, where map[string]string) {
	t.Helper()
	whole := state{}
	whole.readAll(t, r.dir, "", Options{})
	if len(whole) != len(where) || len(st) != len(where) {
		t.Fatalf("round %d: %s has %d entries, in full %d, written %d", round, name, len(st), len(whole), len(where))
	}
	for id, want := range whole {
		if st[id] != want || want[0] != where[id]+"/"+id {
			t.Fatalf("round %d: %s: %s is %q, in full %q, written in %s", round, name, id, st[id], want, where[id])
		}
	}
}
