package pack

import (
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// corpusDirs are the folders whose blobs the corpus has.
var corpusDirs = []string{"active", "retired", "ignored"}

// hugeFile has 2,392 versions of up to 3 MB; they do not fit into one group.
const hugeFile = "not-for-us.txt"

// A history is all that is read of a repository's history.
type history struct {
	commits []ID
	pairs   []Pair
	of      []ID     // the commit of each pair
	files   []string // names of files
	groups  [][]ID   // the versions of each
	changes [][]FileChange
}

// readHistory finds all commits, compares each with all its parents, and
// groups the versions of files by name.
func readHistory(t testing.TB, r *Repository, tip ID) *history {
	h := readPairs(t, r, tip)
	h.compare(t, r)
	h.group()
	return h
}

// readPairs finds all commits and puts them in an order in which parents come
// first.
func readPairs(t testing.TB, r *Repository, tip ID) *history {
	type node struct {
		tree    ID
		parents []ID
	}
	nodes := map[ID]node{}
	err := r.Commits(t.Context(), tip, nil, func(id ID) { t.Errorf("%s is missing", id.Hex(20)) }, func(id ID, raw []byte) error {
		tree, _, _ := r.field(raw, "tree ")
		parents, err := r.parents(raw)
		nodes[id] = node{tree, parents}
		return err
	})
	testkit.Must(t, err)
	h := &history{}
	done := map[ID]bool{}
	for todo := []ID{tip}; len(todo) > 0; {
		id := todo[len(todo)-1]
		before := len(todo)
		for _, p := range nodes[id].parents {
			if !done[p] {
				todo = append(todo, p)
			}
		}
		if len(todo) > before {
			continue
		}
		todo = todo[:len(todo)-1]
		if done[id] {
			continue
		}
		done[id] = true
		h.commits = append(h.commits, id)
		n := nodes[id]
		if len(n.parents) == 0 {
			h.pairs, h.of = append(h.pairs, Pair{New: n.tree}), append(h.of, id)
		}
		for _, p := range n.parents {
			h.pairs, h.of = append(h.pairs, Pair{nodes[p].tree, n.tree}), append(h.of, id)
		}
	}
	return h
}

func (h *history) compare(t testing.TB, r *Repository) {
	h.changes = make([][]FileChange, len(h.pairs))
	err := r.Changes(t.Context(), h.pairs, corpusDirs, nil, func(pair int, changes []FileChange, err error) error {
		h.changes[pair] = changes
		return err
	})
	testkit.Must(t, err)
}

func (h *history) group() {
	names := map[string]int{}
	seen := map[ID]bool{}
	for _, list := range h.changes {
		for i := range list {
			for _, id := range []ID{list[i].Old, list[i].New} {
				if id == (ID{}) || seen[id] || list[i].Name == hugeFile {
					continue
				}
				seen[id] = true
				n, ok := names[list[i].Name]
				if !ok {
					n = len(h.files)
					names[list[i].Name] = n
					h.files, h.groups = append(h.files, list[i].Name), append(h.groups, nil)
				}
				h.groups[n] = append(h.groups[n], id)
			}
		}
	}
}

func corpusRepository(t testing.TB) (r *Repository, dir string, tip ID) {
	t.Helper()
	dir = testkit.Corpus(t, testkit.Tracker)
	r, err := Open(filepath.Join(dir, "objects"), false)
	testkit.Must(t, err)
	t.Cleanup(func() { testkit.Must(t, r.Close()) })
	out, err := exec.Command(testkit.Program(t, "git"), "-c", "safe.directory=*", "--git-dir="+dir, "rev-parse", "HEAD").Output()
	testkit.Must(t, err)
	tip, err = ParseID(strings.TrimSpace(string(out)))
	testkit.Must(t, err)
	return r, dir, tip
}

// peak returns the most memory that the process has had, in MB, and of that
// what is not mapped from files; 0 where the system does not say.
func peak() (rss, anon float64) {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		switch f[0] {
		case "VmHWM:":
			rss, _ = strconv.ParseFloat(f[1], 64)
		case "RssAnon:":
			anon, _ = strconv.ParseFloat(f[1], 64)
		}
	}
	return rss / 1024, anon / 1024
}

func BenchmarkCommits(b *testing.B) {
	r, _, tip := corpusRepository(b)
	n := 0
	for b.Loop() {
		testkit.Must(b, r.Commits(b.Context(), tip, nil, nil, func(ID, []byte) error { n++; return nil }))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "commits/s")
}

func BenchmarkChanges(b *testing.B) {
	r, _, tip := corpusRepository(b)
	h := readPairs(b, r, tip)
	var n atomic.Int64
	for b.Loop() {
		err := r.Changes(b.Context(), h.pairs, corpusDirs, nil, func(_ int, changes []FileChange, err error) error {
			n.Add(int64(len(changes)))
			return err
		})
		testkit.Must(b, err)
	}
	b.ReportMetric(float64(len(h.pairs)*b.N)/b.Elapsed().Seconds(), "pairs/s")
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "changes/s")
	rss, anon := peak()
	b.ReportMetric(rss, "peak-MB")
	b.ReportMetric(anon, "anon-MB")
}

func BenchmarkBlobs(b *testing.B) {
	r, _, tip := corpusRepository(b)
	h := readHistory(b, r, tip)
	runtime.GC()
	var n, size atomic.Int64
	for b.Loop() {
		err := r.Blobs(b.Context(), h.groups, func(group int, texts [][]byte, errs []error) error {
			for i, text := range texts {
				if errs[i] != nil {
					return errs[i]
				}
				size.Add(int64(len(text)))
			}
			n.Add(int64(len(texts)))
			return nil
		})
		testkit.Must(b, err)
	}
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "blobs/s")
	b.ReportMetric(float64(size.Load())/1e6/b.Elapsed().Seconds(), "MB/s")
	rss, anon := peak()
	b.ReportMetric(rss, "peak-MB")
	b.ReportMetric(anon, "anon-MB")
}

// TestCorpus compares random pairs and blobs of the corpus with what the git
// program says, and has all of it read once.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 500,000 blobs")
	}
	r, dir, tip := corpusRepository(t)
	g := &gitRepo{t, dir, 20}
	start := time.Now()
	h := readPairs(t, r, tip)
	t.Logf("%d commits in %v", len(h.commits), time.Since(start))
	if want := g.revList("HEAD"); !sameIDs(h.commits, want) {
		t.Errorf("%d commits, git has %d", len(h.commits), len(want))
	}
	start = time.Now()
	h.compare(t, r)
	t.Logf("%d pairs in %v", len(h.pairs), time.Since(start))
	rnd := rand.New(rand.NewPCG(2020, 4))
	for range 300 {
		i := rnd.IntN(len(h.pairs))
		if want := g.gitChanges(h.pairs[i], corpusDirs); !slices.Equal(h.changes[i], want) {
			t.Errorf("%s:\ngot  %s\nwant %s", h.of[i].Hex(20), show(h.changes[i]), show(want))
		}
	}
	h.group()
	var mu sync.Mutex
	sample := map[ID][32]byte{}
	size, n := 0, 0
	start = time.Now()
	err := r.Blobs(t.Context(), h.groups, func(group int, texts [][]byte, errs []error) error {
		mu.Lock()
		defer mu.Unlock()
		for i, text := range texts {
			if errs[i] != nil {
				return errs[i]
			}
			size += len(text)
			n++
			if id := h.groups[group][i]; id[0] == 0 && len(text) > 0 {
				sample[id] = sha256.Sum256(text)
			}
		}
		return nil
	})
	testkit.Must(t, err)
	t.Logf("%d blobs of %d files, %d MB, in %v", n, len(h.files), size/1e6, time.Since(start))
	rss, anon := peak()
	t.Logf("peak %.0f MB, now %.0f MB without files", rss, anon)
	var ask strings.Builder
	for id := range sample {
		ask.WriteString(id.Hex(20) + "\n")
	}
	objects := g.batch(g.git(ask.String(), "cat-file", "--batch"))
	for _, o := range objects {
		if sha256.Sum256(o.text) != sample[o.id] {
			t.Errorf("%s: other text than git's", o.id.Hex(20))
		}
	}
	if len(objects) != len(sample) || len(sample) < 1000 {
		t.Errorf("%d blobs in the sample, git has %d", len(sample), len(objects))
	}
}
