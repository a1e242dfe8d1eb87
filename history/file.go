package history

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"sync"
)

// A File is every version of one entry, known by its ID whatever folder it is
// in.
//
// Versions of one entry have nearly all their lines in common: a text is kept
// as the numbers of its lines.
type File struct {
	ID      string
	Records []Record // in order of Commit

	lines []string  // distinct lines with their ends
	texts [][]int32 // see linesOf
	made  []made    // of the texts that were unpacked
	hunks hunks     // that make them: see hunksOf
	near  *near     // for adding texts
	index map[string]int32
	looks int // how many lines were looked for without an index
}

// A made says how a text was packed: the text that it is made of, -1 for the
// empty one, and where the hunks that make it begin. Packed again, most texts are
// made of the same ones.
type made struct{ base, head, line int32 }

// hunksOf returns the hunks that make a text that was unpacked.
func (f *File) hunksOf(text int) hunks {
	from, heads, lines := f.made[text], len(f.hunks.heads), len(f.hunks.lines)
	if text+1 < len(f.made) {
		heads, lines = int(f.made[text+1].head), int(f.made[text+1].line)
	}
	return hunks{f.hunks.heads[from.head:heads], f.hunks.lines[from.line:lines]}
}

// linesOf returns the lines of a text, none for -1. Those of one that was unpacked
// are put together when they are asked for: few are. On the way to it every so
// many are kept.
func (f *File) linesOf(n int) []int32 {
	const keptEvery = 16
	var way []int
	for ; n >= 0 && f.texts[n] == nil; n = int(f.made[n].base) {
		way = append(way, n)
	}
	var lines []int32
	if n >= 0 {
		lines = f.texts[n]
	}
	if len(way) == 0 {
		return lines
	}
	room := unpackRooms.Get().(*unpackRoom)
	defer room.done()
	for i, n := range slices.Backward(way) {
		if i%keptEvery == 0 {
			h := f.hunksOf(n)
			lines = h.apply(make([]int32, 0, h.size(len(lines))), lines)
			f.texts[n] = lines
			continue
		}
		to := room.recent(i)
		*to = f.hunksOf(n).apply((*to)[:0], lines)
		lines = *to
	}
	return lines
}

// unmade is the base of a text that was packed as a whole.
const unmade = -2

// A Record is what an entry was from a commit on.
type Record struct {
	Commit  int
	Parents []int   // for each parent of the commit, the record that held there; -1: none
	Places  []Place // where it is, in order of folder; none if it is gone
}

// A Place is one path of an entry. An entry in more than one folder has
// several; the first that can be read counts.
type Place struct {
	Dir  int // index in the tracker's folders
	Text int // index of its text; [Missing] if the text cannot be had
}

// Missing stands for a text that is not at hand.
const Missing = -1

// A Step says that a path is not the same in a commit and in one of its
// parents.
type Step struct {
	Commit int
	Parent int // index in the commit's Parents; 0 for a commit without any
	Dir    int
	Text   int // [Missing], [Gone], or what AddText has returned
	// Only says that the entry is in no other folder: of a state that was
	// read as such, and not as a difference.
	Only bool
}

// Gone stands for a path that is there no more.
const Gone = -2

// NewFile returns the history of an entry that has none yet.
func NewFile(id string) *File { return &File{ID: id} }

// Place returns where the entry is in a record, and false if it is gone.
func (r *Record) Place() (Place, bool) {
	for _, p := range r.Places {
		if p.Text >= 0 {
			return p, true
		}
	}
	if len(r.Places) > 0 {
		return r.Places[0], true
	}
	return Place{}, false
}

// Text returns the bytes of a text. It is not for more than one goroutine.
func (f *File) Text(text int) []byte {
	return f.appendText(nil, text)
}

func (f *File) appendText(to []byte, text int) []byte {
	lines := f.linesOf(text)
	size := 0
	for _, n := range lines {
		size += len(f.lines[n])
	}
	to = slices.Grow(to, size)
	for _, n := range lines {
		to = append(to, f.lines[n]...)
	}
	return to
}

// At returns the number of the record that holds at a commit, -1 if there was
// no such entry yet. The record may say that the entry is gone.
//
// Where sides that were merged have made the same of the entry, it is the
// record of the commit that was made first: which of them has the lower number
// depends on what was read when.
func (f *File) At(log *Log, commit int) int {
	best := -1
	var newest []int // commits of which none leads to another
	for i := len(f.Records) - 1; i >= 0; i-- {
		c := f.Records[i].Commit
		if !log.Reaches(commit, c) || slices.ContainsFunc(newest, func(n int) bool { return log.Reaches(n, c) }) {
			continue
		}
		newest = append(newest, c)
		if best < 0 || slices.Equal(f.Records[i].Places, f.Records[best].Places) && log.earlier(c, f.Records[best].Commit) {
			best = i
		}
	}
	return best
}

// Extend adds what became of the entry: all steps of commits above those of
// the records that it has, in order of Commit.
func (f *File) Extend(log *Log, steps []Step) error {
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].Commit == steps[0].Commit {
			n++
		}
		if err := f.extend(log, steps[0].Commit, steps[:n]); err != nil {
			return fmt.Errorf("%s: %w", f.ID, err)
		}
		steps = steps[n:]
	}
	return nil
}

func (f *File) extend(log *Log, commit int, steps []Step) error {
	if n := len(f.Records); n > 0 && commit <= f.Records[n-1].Commit || commit >= log.Len() {
		return fmt.Errorf("commit number %d: want one above the last record's and of the log", commit)
	}
	var parents []int
	for _, p := range log.parents(commit) {
		parents = append(parents, f.At(log, p))
	}
	var places []Place
	if len(parents) > 0 && parents[0] >= 0 {
		places = slices.Clone(f.Records[parents[0]].Places)
	}
	for _, s := range steps {
		if s.Parent != 0 {
			continue
		}
		if s.Only {
			places = nil
		}
		if s.Text >= len(f.texts) {
			return fmt.Errorf("commit number %d: text %d: want one of %d", commit, s.Text, len(f.texts))
		}
		i, found := slices.BinarySearchFunc(places, s.Dir, func(p Place, dir int) int { return p.Dir - dir })
		switch {
		case s.Text == Gone && found:
			places = slices.Delete(places, i, i+1)
		case s.Text == Gone:
		case found:
			places[i].Text = s.Text
		default:
			places = slices.Insert(places, i, Place{s.Dir, s.Text})
		}
	}
	// What the rule of the package says of the commit without a record of
	// its own: a commit with one parent is as that parent, and a merge as the
	// later side.
	last := f.At(log, commit)
	if last >= 0 && slices.Equal(f.Records[last].Places, places) || last < 0 && len(places) == 0 {
		return nil
	}
	f.Records = append(f.Records, Record{commit, parents, places})
	return nil
}

// near is the text that was added last, by which the next one is read faster.
type near struct {
	text  []byte
	ends  []int // the offset behind each line
	spare []int // memory for the next ends
	lines []int32
	room  []byte // memory for the first text
}

var nears = sync.Pool{New: func() any { return &near{} }}

// added takes back the memory that adding texts has needed.
func (f *File) added() {
	if f.near != nil {
		f.near.text, f.near.lines = nil, nil
		nears.Put(f.near)
	}
	f.near, f.index = nil, nil
}

// AddText adds a text, if it is not the same as one that is there, and returns
// its number. The bytes of the text must stay as they are until the next one is
// added.
func (f *File) AddText(text []byte) int {
	known := len(f.lines)
	lines := f.number(text)
	if len(f.lines) == known { // one with a new line is new
		for i := len(f.texts) - 1; i >= 0; i-- {
			if slices.Equal(f.linesOf(i), lines) {
				return i
			}
		}
	}
	f.texts = append(f.texts, lines)
	return len(f.texts) - 1
}

// fewLooks is how many lines of a file are looked for without an index.
const fewLooks = 16

// lineNumber returns the number of a line, which gets one if it is new.
func (f *File) lineNumber(line []byte) int32 {
	if f.index == nil && f.looks == fewLooks {
		f.index = make(map[string]int32, 2*len(f.lines)+64)
		for i, line := range slices.Backward(f.lines) { // the first of equal ones counts
			f.index[line] = int32(i)
		}
	}
	if f.index != nil {
		if n, ok := f.index[string(line)]; ok {
			return n
		}
	} else {
		f.looks++
		for i, known := range f.lines {
			if known == string(line) {
				return int32(i)
			}
		}
	}
	n := int32(len(f.lines))
	f.lines = append(f.lines, string(line))
	if f.index != nil {
		f.index[f.lines[n]] = n
	}
	return n
}

// nearest makes near of the text that was the last one when the file was
// packed, if none was added yet.
func (f *File) nearest() *near {
	if f.near != nil {
		return f.near
	}
	n := nears.Get().(*near)
	n.ends = n.ends[:0]
	if len(f.texts) > 0 {
		n.room, n.lines = f.appendText(n.room[:0], 0), f.linesOf(0)
		n.text = n.room
		at := 0
		for _, line := range n.lines {
			at += len(f.lines[line])
			n.ends = append(n.ends, at)
		}
	}
	f.near = n
	return n
}

// number cuts a text into lines and returns their numbers. Lines at both ends
// that are those of the text before are taken from there.
func (f *File) number(text []byte) []int32 {
	old := f.nearest()
	head := prefix(old.text, text)
	keep := sort.Search(len(old.ends), func(i int) bool { return old.ends[i] > head }) // lines
	if keep > 0 && old.ends[keep-1] == len(old.text) && old.text[len(old.text)-1] != '\n' {
		keep-- // its last line has no end, and may go on in text
	}
	head = 0
	if keep > 0 {
		head = old.ends[keep-1]
	}
	// Behind the first line end that both have in the same place, whole lines
	// are the same.
	first, end := len(old.lines), len(text)
	tail := suffix(old.text[head:], text[head:])
	if i := bytes.IndexByte(text[len(text)-tail:], '\n'); i >= 0 {
		end += i + 1 - tail
		first, _ = slices.BinarySearch(old.ends, len(old.text)-tail+i+1)
		first++
	}
	lines := make([]int32, 0, keep+len(old.lines)-first+8)
	ends := old.spare[:0]
	lines = append(lines, old.lines[:keep]...)
	ends = append(ends, old.ends[:keep]...)
	for at := head; at < end; {
		n := bytes.IndexByte(text[at:end], '\n') + 1
		if n == 0 {
			n = end - at
		}
		lines = append(lines, f.lineNumber(text[at:at+n]))
		at += n
		ends = append(ends, at)
	}
	shift := len(text) - len(old.text)
	for i := first; i < len(old.lines); i++ {
		lines, ends = append(lines, old.lines[i]), append(ends, old.ends[i]+shift)
	}
	old.text, old.ends, old.spare, old.lines = text, ends, old.ends, lines
	return lines
}

// prefix returns how many bytes a and b have in common at their beginning.
func prefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+64 <= n && bytes.Equal(a[i:i+64], b[i:i+64]); i += 64 {
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// suffix returns how many bytes a and b have in common at their end.
func suffix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+64 <= n && bytes.Equal(a[len(a)-i-64:len(a)-i], b[len(b)-i-64:len(b)-i]); i += 64 {
	}
	for i < n && a[len(a)-1-i] == b[len(b)-1-i] {
		i++
	}
	return i
}

// differing appends to before the lines that text a has and b has not, and to
// after those that b has and a has not; -1 stands for no text. There may be more
// in both, but not whole texts where it is known how one is made of the other.
func (f *File) differing(before, after []int32, a, b int) (_, _ []int32) {
	if f.madeOf(a, b) {
		for h := range f.hunksOf(a).all() {
			before, after = append(before, h.insert...), append(after, h.drop...)
		}
		return before, after
	}
	if f.madeOf(b, a) {
		after, before = f.differing(after, before, b, a)
		return before, after
	}
	x, y := between(f.linesOf(a), f.linesOf(b))
	return append(before, x...), append(after, y...)
}

// madeOf reports whether it is known how a text is made of another.
func (f *File) madeOf(a, b int) bool {
	return a >= 0 && a < len(f.made) && b >= 0 && int(f.made[a].base) == b
}

// trim forgets the texts that no record has: those of merges that are as one of
// their sides.
func (f *File) trim() {
	used := make([]int, len(f.texts))
	for i := range f.Records {
		for _, p := range f.Records[i].Places {
			if p.Text >= 0 {
				used[p.Text] = 1
			}
		}
	}
	if !slices.Contains(used, 0) {
		return
	}
	if slices.Contains(used[:len(f.made)], 0) {
		for i := range f.made {
			f.linesOf(i)
		}
		f.made, f.hunks = nil, hunks{}
	}
	n := 0
	for i, u := range used {
		if u > 0 {
			f.texts[n], used[i] = f.texts[i], n
			n++
		}
	}
	f.texts = f.texts[:n]
	for i := range f.Records {
		places := slices.Clone(f.Records[i].Places)
		for k := range places {
			if places[k].Text >= 0 {
				places[k].Text = used[places[k].Text]
			}
		}
		f.Records[i].Places = places
	}
}
