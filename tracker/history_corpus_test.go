package tracker

import (
	"bufio"
	"crypto/sha1"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"wontfix/internal/testkit"
)

// TestCorpusHistory reads the whole history of a tracker of 2020 and compares
// every step with git log's, and the texts with their names.
func TestCorpusHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a million steps")
	}
	needGit(t)
	spec, err := Find("ubuntu")
	if err != nil {
		t.Fatal(err)
	}
	dir := testkit.Corpus(t, testkit.Tracker)
	s, err := Open(t.Context(), spec, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h, err := s.History(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Commits) != 25124 || len(h.Unseen) > 0 || !s.Whole() {
		t.Errorf("%d commits, unseen %v", len(h.Commits), h.Unseen)
	}
	checkOrder(t, h)
	n, sum := 0, uint64(0)
	for i := range h.Files {
		f := &h.Files[i]
		for _, st := range f.Steps {
			id := objectID{}
			if st.Text >= 0 {
				id = f.texts[st.Text]
			}
			n++
			sum += stepSum(h.Commits[st.Commit].ID, s.spec.Dirs[st.Dir]+"/"+f.ID, id.Hex(20))
		}
	}
	if wantN, want := logSum(t, dir); n != wantN || sum != want {
		t.Errorf("%d steps with sum %x; git log has %d with %x", n, sum, wantN, want)
	}
	checkTexts(t, h)
	checkIncrement(t, s, h)
}

// stepSum is a number for a step; the sum of all does not depend on their
// order.
func stepSum(commit, path, id string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, commit+" "+path+" "+id)
	return h.Sum64()
}

// logSum returns the number and the sum of the steps that git log knows.
func logSum(t *testing.T, dir string) (n int, sum uint64) {
	t.Helper()
	cmd := exec.Command("git", "--git-dir="+dir, "log", "--full-history", "-m", "--root", "--raw", "--no-abbrev", "--no-renames", "--format=%H")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	commit := ""
	for sc := bufio.NewScanner(out); sc.Scan(); {
		head, path, ok := strings.Cut(sc.Text(), "\t")
		if !ok {
			if head != "" {
				commit = head
			}
			continue
		}
		f := strings.Fields(head)
		if !entryName.MatchString(path) || f[2] == f[3] && strings.HasPrefix(f[0], ":100") && strings.HasPrefix(f[1], "100") {
			continue
		}
		n++
		sum += stepSum(commit, path, f[3])
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return n, sum
}

// checkTexts reads all texts and hashes one in twenty: a blob's name is that of
// "blob", its size, a zero byte and the text.
func checkTexts(t *testing.T, h *History) {
	t.Helper()
	var mu sync.Mutex
	versions, hashed := 0, 0
	err := h.Texts(t.Context(), func(file int, texts [][]byte, errs []error) error {
		mu.Lock()
		versions += len(texts)
		mu.Unlock()
		rnd := rand.New(rand.NewPCG(uint64(file), 1))
		for i, text := range texts {
			if errs[i] != nil {
				return fmt.Errorf("%s: %w", h.Files[file].ID, errs[i])
			}
			if rnd.IntN(20) > 0 {
				continue
			}
			sum := sha1.New()
			fmt.Fprintf(sum, "blob %d\x00%s", len(text), text)
			if want := h.Files[file].texts[i].Hex(20); fmt.Sprintf("%x", sum.Sum(nil)) != want {
				return fmt.Errorf("%s: text %d is not %s", h.Files[file].ID, i, want)
			}
			mu.Lock()
			hashed++
			mu.Unlock()
		}
		return nil
	})
	if err != nil || hashed < versions/40 {
		t.Errorf("%d of %d versions hashed: %v", hashed, versions, err)
	}
	t.Logf("%d files, %d versions", len(h.Files), versions)
}

// checkIncrement asks for what came after some of the commits.
func checkIncrement(t *testing.T, s *Source, whole *History) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 3 {
		// All that the i-th commit has behind it, in the order of the numbers.
		i := rnd.IntN(len(whole.Commits))
		behind := map[int]bool{i: true}
		for k := i; k >= 0; k-- {
			if behind[k] {
				for _, p := range whole.Commits[k].Parents {
					behind[p] = true
				}
			}
		}
		var known []string
		for k := range whole.Commits {
			if behind[k] {
				known = append(known, whole.Commits[k].ID)
			}
		}
		h, err := s.History(t.Context(), known)
		if err != nil {
			t.Fatal(err)
		}
		var have, want []string
		for _, c := range h.Commits {
			have = append(have, c.ID)
		}
		for k, c := range whole.Commits {
			if !behind[k] {
				want = append(want, c.ID)
			}
		}
		if !slices.Equal(have, want) {
			t.Errorf("%d commits after %d; want %d in the order of the whole", len(have), len(known), len(want))
		}
		steps := func(h *History) (n int) {
			for i := range h.Files {
				for _, st := range h.Files[i].Steps {
					if k := int(st.Commit); h != whole || !behind[k] {
						n++
					}
				}
			}
			return n
		}
		if a, b := steps(h), steps(whole); a != b {
			t.Errorf("%d steps after %d commits, want %d", a, len(known), b)
		}
	}
}
