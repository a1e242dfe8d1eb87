package history

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix"
	"wontfix/tracker/ubuntu"
)

// testFormat is that of the tracker that this package was made for.
var testFormat = &Format{
	Rows: func(line string, fn func(Key, Value)) {
		ubuntu.Rows(line, func(label, source, word, detail string) { fn(Key{label, source}, Value{word, detail}) })
	},
	Fields: func(text []byte) (fields []Field) {
		ubuntu.Fields(text, func(name, text string) { fields = append(fields, Field{name, text}) })
		return fields
	},
	Meaning: ubuntu.Meaning, Notes: ubuntu.Notes, Nick: ubuntu.Nick, Parent: ubuntu.Parent, Devel: ubuntu.Devel,
	Family: ubuntu.Family, Robot: ubuntu.Robot, Folders: []string{"active", "retired", "ignored"},
}

// A handMade is a history that a test writes down commit by commit.
type handMade struct {
	commits []wontfix.Commit
	trees   []map[string]string // by "folder/ID"; "?" stands for a text that is not at hand
}

const (
	ann = "Ann Author <ann@example.org>"
	bob = "Bob Builder <bob@example.org>"
	bot = "Kernel Bot <bot@example.org>"
)

// commit adds a commit. Files are those that differ from the first parent;
// with "" they are gone. Without parents it goes on from the last one.
func (h *handMade) commit(who, message string, files map[string]string, parents ...int) int {
	n := len(h.commits)
	tree := map[string]string{}
	if parents == nil && n > 0 {
		parents = []int{n - 1}
	}
	if len(parents) > 0 {
		maps.Copy(tree, h.trees[parents[0]])
	}
	for name, text := range files {
		if tree[name] = text; text == "" {
			delete(tree, name)
		}
	}
	author, email, _ := strings.Cut(strings.TrimSuffix(who, ">"), " <")
	at := time.Date(2020, 1, 1+n, 0, 0, 0, 0, time.UTC)
	h.commits = append(h.commits, wontfix.Commit{ID: fmt.Sprintf("%040x", n+0xabc000), Parents: parents, Author: author, Email: email, Time: at, Committed: at, Message: message})
	h.trees = append(h.trees, tree)
	return n
}

// read returns the history as Build makes it of all commits at once.
func (h *handMade) read(t testing.TB) (*Log, map[string]*File, map[string]*Origins) {
	t.Helper()
	log, packed := h.readParts(t, len(h.commits))
	files, origins := map[string]*File{}, map[string]*Origins{}
	for id, p := range packed {
		var err error
		if files[id], err = Unpack(id, p.Versions, h.text(len(h.commits)-1, id)); err != nil {
			t.Fatal(err)
		}
		if origins[id], err = UnpackOrigins(log, p.Origins, nil); err != nil {
			t.Fatal(err)
		}
	}
	return log, files, origins
}

// text returns the text of an entry in a commit, nil if there is none.
func (h *handMade) text(commit int, id string) []byte {
	for _, dir := range testFormat.Folders {
		if text, ok := h.trees[commit][dir+"/"+id]; ok && text != "?" {
			return []byte(text)
		}
	}
	return nil
}

// readParts returns what Build makes of the commits in parts, of which each ends
// before one of the given commits.
func (h *handMade) readParts(t testing.TB, ends ...int) (*Log, map[string]Packed) {
	t.Helper()
	log, err := NewLog(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := map[string]Packed{}
	first := 0
	for _, end := range ends {
		if err := log.Append(slices.Clone(h.commits[first:end])); err != nil {
			t.Fatal(err)
		}
		in := h.input(first, end)
		if first > 0 {
			in.Old = func(_ context.Context, ids []string, fn func(id string, packed, today []byte) error) error {
				return each(ids, packed, func(p Packed) error { return fn(p.ID, p.Versions, h.text(first-1, p.ID)) })
			}
			in.Judged = func(_ context.Context, ids []string, fn func(id string, packed []byte) error) error {
				return each(ids, packed, func(p Packed) error { return fn(p.ID, p.Origins) })
			}
			in.Known = func(context.Context) ([]string, error) { return slices.Sorted(maps.Keys(packed)), nil }
		}
		fresh := map[string]Packed{}
		for p, err := range Build(t.Context(), log, first, testFormat, in) {
			if err != nil {
				t.Fatal(err)
			}
			fresh[p.ID] = p
		}
		maps.Copy(packed, fresh)
		first = end
	}
	return log, packed
}

// each calls fn with those of some entries that are packed.
func each(ids []string, packed map[string]Packed, fn func(Packed) error) error {
	for _, id := range ids {
		if p, ok := packed[id]; ok {
			if err := fn(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// input is what a reading finds of the commits from first to before end.
func (h *handMade) input(first, end int) Input {
	steps, texts := map[string][]Step{}, map[string][][]byte{}
	for c := first; c < end; c++ {
		parents := h.commits[c].Parents
		for k := range max(len(parents), 1) {
			was := map[string]string{}
			if len(parents) > 0 {
				was = h.trees[parents[k]]
			}
			names := slices.Sorted(maps.Keys(was))
			names = append(names, slices.Sorted(maps.Keys(h.trees[c]))...)
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				text, ok := h.trees[c][name]
				if old, had := was[name]; had == ok && old == text {
					continue
				}
				dir, id, _ := strings.Cut(name, "/")
				s := Step{Commit: c, Parent: k, Dir: slices.Index(testFormat.Folders, dir), Text: Gone}
				if ok {
					s.Text = len(texts[id])
					data := []byte(text)
					if text == "?" {
						data = nil
					}
					texts[id] = append(texts[id], data)
				}
				steps[id] = append(steps[id], s)
			}
		}
	}
	in := Input{IDs: slices.Sorted(maps.Keys(steps))}
	in.Steps = func(i int) []Step { return slices.Clone(steps[in.IDs[i]]) }
	in.Texts = func(ctx context.Context, fn func(int, [][]byte) error) error {
		for i, id := range in.IDs {
			if err := fn(i, texts[id]); err != nil {
				return err
			}
		}
		return nil
	}
	return in
}

// trace returns the trace of an entry at the last commit.
func (h *handMade) trace(t testing.TB, id string) *Trace {
	t.Helper()
	log, files, _ := h.read(t)
	return NewTrace(log, testFormat, files[id], log.Tip())
}

// entry returns the text of an entry with some rows; a line that begins with a
// space is a note.
func entry(lines ...string) string {
	notes, rows := "Candidate: x\nNotes:\n", "Priority: low\n\n"
	for _, l := range lines {
		if strings.HasPrefix(l, " ") {
			notes += l + "\n"
		} else {
			rows += l + "\n"
		}
	}
	return notes + rows
}

// others are n more entries with some rows.
func others(n int, lines ...string) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("active/CVE-2019-%04d", i)] = entry(lines...)
	}
	return m
}

// with adds the entry that a test is about.
func with(m map[string]string, lines ...string) map[string]string {
	m["active/CVE-2020-1"] = entry(lines...)
	return m
}

func only(lines ...string) map[string]string { return with(map[string]string{}, lines...) }
