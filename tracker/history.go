package tracker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"wontfix"
)

var (
	// ErrNoHistory says that a source has no commits: it is a plain folder.
	ErrNoHistory = errors.New("history: a plain folder has none")
	// ErrRewritten says that what was known of a history is not part of it.
	ErrRewritten = errors.New("history: was rewritten, or is that of another repository")
)

// A History is the commits that led to a source's revision and what each of
// them did to the entries.
type History struct {
	// Commits are in topological order: parents before their children, and
	// lines of development together. It depends on the revision and on what
	// was known and on nothing else. Their Parents are numbers of commits;
	// those that the caller knew already come first. Entries is not set.
	Commits []wontfix.Commit
	First   int           // the number of Commits[0]: how many were known
	Files   []FileHistory // in order of ID
	// Unseen is what the source lacks, and what follows. Each of them is one
	// problem, whose File is "history". [History.Texts] adds the versions that
	// it could not read.
	Unseen []wontfix.Problem

	source *Source
	seen   int // how many of Unseen were there before Texts
}

// A FileHistory is what became of the entry with one ID, in whatever folder.
type FileHistory struct {
	ID    string
	Steps []Step // in order of Commit, Parent, Dir

	texts []objectID
	odd   map[int]string // texts that are not regular files: what they are
}

// Texts returns how many different texts the file has had.
func (f *FileHistory) Texts() int { return len(f.texts) }

// A Step says that a path is not the same in a commit and in one of its
// parents.
type Step struct {
	Commit int32 // its number
	Parent int32 // which of its parents: index in Commit.Parents; 0 for a commit without parents
	Dir    int32 // index in Spec.Dirs
	Text   int32 // which of the file's texts it has now; -1 if the path is gone
}

// Whole reports whether the source has commits and none of them is cut off
// from those before it, as they are in a shallow clone. Objects may still be
// missing: [History.Unseen] has them.
func (s *Source) Whole() bool {
	if s.git == nil {
		return false
	}
	cut, err := readShallow(s.shallow)
	return err == nil && len(cut) == 0
}

// History reads the commits that led to the source's revision and are not
// among known, whose IDs are given in the order of their numbers (parents
// before children, as [History.Commits] has them); with known == nil, all of
// them. The last known commit must be an ancestor of the revision, or it;
// otherwise the error is an [ErrRewritten] that names it, and the caller asks
// again with nil. It is an ErrRewritten too where the history that leads to it
// is not at hand: [Source.Whole] tells them apart.
//
// Each commit is compared with each of its parents; one without parents, and
// one whose parents are not at hand, with nothing. A path is Dir/Name with a
// name that [Spec.Match] takes. A folder is none, and a change of mode between
// two regular files is no change.
//
// Objects that the repository lacks are in Unseen and fetched from nowhere. A
// plain folder has no commits: the error is ErrNoHistory.
func (s *Source) History(ctx context.Context, known []string) (*History, error) {
	if s.git == nil {
		return nil, fmt.Errorf("%s: %w", s.name, ErrNoHistory)
	}
	h, err := s.history(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return h, nil
}

func (s *Source) history(ctx context.Context, known []string) (*History, error) {
	r := s.objects()
	g, err := s.walk(ctx, r, known)
	if err != nil {
		return nil, err
	}
	h := &History{First: len(known), source: s}
	order := g.order(g.tip)
	h.Commits = make([]wontfix.Commit, 0, len(order))
	var pairs []treePair
	var of []edge // of pairs
	lost := &lostTrees{commits: map[int32]bool{}}
	for i, n := range order {
		h.Commits = append(h.Commits, n.commit)
		number := int32(len(known) + i)
		if len(n.commit.Parents) == 0 {
			pairs, of = append(pairs, treePair{New: n.tree}), append(of, edge{number, 0})
		}
		for k, p := range n.kept {
			old, ok := g.tree(p)
			switch {
			case !ok: // a known commit that is not there any more
				h.Commits[i].Gap = true
				lost.commits[number] = true
			case old != n.tree:
				pairs, of = append(pairs, treePair{Old: old, New: n.tree}), append(of, edge{number, int32(k)})
			}
		}
	}
	h.Unseen = g.unseen()
	if err := h.compare(ctx, r, pairs, of, lost); err != nil {
		return nil, err
	}
	h.Unseen = append(h.Unseen, lost.problem()...)
	h.seen = len(h.Unseen)
	return h, nil
}

// An edge is a commit and the index of one of its parents.
type edge struct{ commit, parent int32 }

// lostTrees are the comparisons that could not be made.
type lostTrees struct {
	commits map[int32]bool
	example error
}

func (l *lostTrees) problem() []wontfix.Problem {
	n := count(len(l.commits), "commit")
	switch {
	case len(l.commits) == 0:
		return nil
	case l.example == nil:
		return []wontfix.Problem{problem("history", "commits that were read earlier are missing now: what %s changed is not known", n)}
	}
	return []wontfix.Problem{problem("history", "lists of files are missing: what %s changed is not known; one of them: %s", n, printable(l.example.Error()))}
}

// A fileStep is a Step whose text is not numbered yet.
type fileStep struct {
	of   int32 // index of the edge
	dir  int16
	mode uint32
	id   objectID
}

// compare compares pairs of trees and sets h.Files. A pair of which a tree is
// missing makes a gap.
func (h *History) compare(ctx context.Context, r objects, pairs []treePair, of []edge, lost *lostTrees) error {
	s := h.source
	var mu sync.Mutex
	files := map[string][]fileStep{}
	done, first := 0, len(pairs)
	err := r.changes(ctx, pairs, &s.spec, func(pair int, changes []fileChange, err error) error {
		mu.Lock()
		defer mu.Unlock()
		done++
		s.meter.report("comparing trees", int64(done), int64(len(pairs)))
		if err != nil {
			n := of[pair].commit
			h.Commits[int(n)-h.First].Gap = true
			lost.commits[n] = true
			if pair < first {
				first, lost.example = pair, err
			}
			return nil
		}
		for _, c := range changes {
			if c.Old == c.New && (kindOfMode(c.OldMode) == kindOfMode(c.NewMode)) {
				continue
			}
			files[c.Name] = append(files[c.Name], fileStep{int32(pair), int16(c.Dir), c.NewMode, c.New})
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.Files = make([]FileHistory, 0, len(files))
	for id, steps := range files {
		h.Files = append(h.Files, fileHistory(id, steps, of))
	}
	slices.SortFunc(h.Files, func(a, b FileHistory) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// fileHistory orders the steps of a file and numbers its texts in the order in
// which they appear.
func fileHistory(id string, steps []fileStep, of []edge) FileHistory {
	slices.SortFunc(steps, func(a, b fileStep) int { // pairs are in order of commit and parent
		return cmp.Or(cmp.Compare(a.of, b.of), cmp.Compare(a.dir, b.dir))
	})
	type text struct {
		id   objectID
		kind string
	}
	f := FileHistory{ID: id, Steps: make([]Step, len(steps))}
	numbers := make(map[text]int32, len(steps))
	for i, st := range steps {
		e := of[st.of]
		f.Steps[i] = Step{e.commit, e.parent, int32(st.dir), -1}
		kind := kindOfMode(st.mode)
		if kind == "" {
			continue
		}
		key := text{st.id, kind}
		n, ok := numbers[key]
		if !ok {
			n = int32(len(f.texts))
			numbers[key] = n
			f.texts = append(f.texts, st.id)
			if kind != regular {
				if f.odd == nil {
					f.odd = map[int]string{}
				}
				f.odd[int(n)] = kind
			}
		}
		f.Steps[i].Text = n
	}
	f.texts = slices.Clip(f.texts)
	return f
}

// kindOfMode returns the kind of a file by Git's mode; "" if there is none.
func kindOfMode(mode uint32) string {
	switch mode & 0o170000 {
	case 0:
		return ""
	case 0o100000:
		return regular
	case 0o120000:
		return symlink
	case 0o160000:
		return submodule
	case 0o040000:
		return "" // a folder is no entry
	}
	return special
}

// Texts calls fn once for each of h.Files, from several goroutines at once, in
// any order; texts[i] is what Step.Text i means, nil where errs[i] says why it
// cannot be had. The texts are valid until fn returns. An error that fn
// returns ends the work and is returned. The source must still be open.
func (h *History) Texts(ctx context.Context, fn func(file int, texts [][]byte, errs []error) error) error {
	s := h.source
	r := s.objects()
	groups := make([][]objectID, len(h.Files))
	for i := range h.Files {
		f := &h.Files[i]
		groups[i] = f.texts
		if f.odd != nil {
			groups[i] = nil
			for k, id := range f.texts {
				if f.odd[k] == "" {
					groups[i] = append(groups[i], id)
				}
			}
		}
	}
	var mu sync.Mutex
	done, missing, total := 0, 0, 0
	err := r.blobs(ctx, groups, func(file int, texts [][]byte, errs []error) error {
		lost := 0
		for i := range texts {
			if errs[i] != nil {
				lost++
				texts[i] = nil
			} else if texts[i] == nil {
				texts[i] = []byte{}
			}
		}
		mu.Lock()
		done++
		missing += lost
		total += len(texts)
		s.meter.report("reading versions", int64(done), int64(len(groups)))
		mu.Unlock()
		if h.Files[file].odd != nil {
			texts, errs = h.Files[file].withOdd(texts, errs)
		}
		return fn(file, texts, errs)
	})
	h.Unseen = h.Unseen[:h.seen]
	if missing > 0 {
		h.Unseen = append(h.Unseen, problem("history", "%d of %s cannot be read: the repository lacks them, as a partial clone does, or is damaged", missing, count(total, "version")))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// withOdd adds to the texts of a file those that are not regular files.
func (f *FileHistory) withOdd(texts [][]byte, errs []error) ([][]byte, []error) {
	allTexts, allErrs := make([][]byte, len(f.texts)), make([]error, len(f.texts))
	for i := range f.texts {
		if kind := f.odd[i]; kind != "" {
			allErrs[i] = fmt.Errorf("entry is a %s; want a regular file", kind)
			continue
		}
		allTexts[i], allErrs[i] = texts[0], errs[0]
		texts, errs = texts[1:], errs[1:]
	}
	return allTexts, allErrs
}

// readShallow reads the file in which Git lists the commits of a repository
// whose parents it does not have. Name may be empty.
func readShallow(name string) (map[objectID]bool, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cut := map[objectID]bool{}
	for line := range bytes.Lines(text) {
		id, ok := parseID(string(bytes.TrimSpace(line)))
		if !ok {
			return nil, fmt.Errorf("file %s: line %.80q is not an object ID", name, line)
		}
		cut[id] = true
	}
	return cut, nil
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
