package history

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"wontfix"
)

// A packedLog is what the commits of a log are read from.
type packedLog struct {
	part    func(n int) ([]byte, error)
	joints  []int   // the commits with other parents than the one before them
	parents [][]int // of each of joints
	gaps    []int
	placing sync.Once // see [Log.placePacked]

	ready []atomic.Bool // of blocks
	mu    sync.Mutex
	err   error
}

// UnpackLog reads the parts that [Log.Pack] has written, of which part returns
// one: the first at once, the others when their commits are asked for. The
// error is [ErrBytes], or one of part.
func UnpackLog(part func(n int) ([]byte, error)) (*Log, error) {
	data, err := part(0)
	if err != nil {
		return nil, err
	}
	r := newReader(data)
	for range r.uint(len(data)) {
		r.table = append(r.table, r.text())
	}
	l := &Log{spread: map[int][]string{}, nicks: nicks{}, numbers: map[writer]int{}, packed: &packedLog{part: part}}
	for range r.uint(len(r.data)) {
		w := writer{r.string(), r.string()}
		if _, ok := l.numbers[w]; ok {
			r.fail()
		}
		l.numbers[w] = len(l.writers)
		l.writers = append(l.writers, w)
	}
	n := r.uint(1 << 26)
	p := l.packed
	p.joints = r.ascending(n, func(i int) {
		parents := make([]int, 0, 2)
		for range r.uint(len(r.data)) {
			if parent := i - r.uint(i); parent < i {
				parents = append(parents, parent)
			} else {
				r.fail()
			}
		}
		if follows(i, parents) {
			r.fail()
		}
		p.parents = append(p.parents, parents)
	})
	p.gaps = r.ascending(n, func(int) {})
	if n > 0 && (len(p.joints) == 0 || p.joints[0] != 0) {
		r.fail() // the first commit has no parent
	}
	if r.bad {
		return nil, ErrBytes
	}
	l.commits = make([]wontfix.Commit, n)
	p.ready = make([]atomic.Bool, (n+block-1)/block)
	r.rest(l)
	if r.bad || len(r.data) > 0 {
		return nil, ErrBytes
	}
	return l, nil
}

// ascending reads numbers below n that ascend, and calls fn behind each.
func (r *reader) ascending(n int, fn func(int)) []int {
	var list []int
	at := 0
	for i := range r.uint(len(r.data)) {
		step := r.uint(n)
		if at += step; at >= n || i > 0 && step == 0 {
			r.fail()
		}
		if r.bad {
			return nil
		}
		list = append(list, at)
		fn(at)
	}
	return list
}

// parents returns the numbers of a commit's parents.
func (l *Log) parents(n int) []int {
	if l.packed == nil {
		return l.commits[n].Parents
	}
	if i, ok := slices.BinarySearch(l.packed.joints, n); ok {
		return l.packed.parents[i]
	}
	return []int{n - 1}
}

// Gaps returns the numbers of the commits that are gaps, in order.
func (l *Log) Gaps() []int {
	if l.packed != nil {
		return l.packed.gaps
	}
	var gaps []int
	for i := range l.commits {
		if l.commits[i].Gap {
			gaps = append(gaps, i)
		}
	}
	return gaps
}

// placePacked finds the place of all commits in the graph.
func (l *Log) placePacked() {
	l.run = make([]int32, 0, l.Len())
	joints, parents := l.packed.joints, l.packed.parents
	one := []int{0}
	for n := range l.commits {
		if len(joints) > 0 && joints[0] == n {
			l.place(n, parents[0])
			joints, parents = joints[1:], parents[1:]
			continue
		}
		one[0] = n - 1
		l.place(n, one)
	}
}

// Load reads all commits, so that no error can come later.
func (l *Log) Load() error {
	if l.packed == nil {
		return nil
	}
	for b := range l.packed.ready {
		l.packed.read(l, b*block)
	}
	if err := l.Err(); err != nil {
		return err
	}
	l.packed.placing.Do(l.placePacked)
	l.packed = nil
	return nil
}

// Err returns what was wrong with the commits that have been asked for: one
// that cannot be read says nothing.
func (l *Log) Err() error {
	if l.packed == nil {
		return nil
	}
	l.packed.mu.Lock()
	defer l.packed.mu.Unlock()
	return l.packed.err
}

// read reads the block that commit n is in, if it was not read before.
func (p *packedLog) read(l *Log, n int) {
	b := n / block
	if p.ready[b].Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready[b].Load() {
		return
	}
	from := b * block
	cs := l.commits[from:min(from+block, len(l.commits))]
	data, err := p.part(b + 1)
	if err == nil {
		r := newReader(data)
		if r.block(cs, l.writers); r.bad || len(r.data) > 0 {
			err = ErrBytes
		}
	}
	if err != nil {
		clear(cs)
		p.err = cmp.Or(p.err, err)
	}
	parents := make([]int, len(cs))
	i, _ := slices.BinarySearch(p.joints, from)
	for k := range cs {
		if i < len(p.joints) && p.joints[i] == from+k {
			cs[k].Parents = p.parents[i]
			i++
			continue
		}
		parents[k] = from + k - 1
		cs[k].Parents = parents[k : k+1 : k+1]
	}
	for _, g := range p.gaps {
		if g >= from && g < from+len(cs) {
			cs[g-from].Gap = true
		}
	}
	p.ready[b].Store(true)
}

// block reads what is packed of commits. Their strings are parts of one copy of
// the data.
func (r *reader) block(cs []wontfix.Commit, writers []writer) {
	r.ids(cs)
	for i := range cs {
		n := r.uint(len(writers))
		if n >= len(writers) {
			r.fail()
			return
		}
		cs[i].Author, cs[i].Email = writers[n].author, writers[n].email
	}
	zones := map[int]*time.Location{}
	at := int64(0)
	for i := range cs {
		at += r.int()
		zone := int(r.int())
		if zone < -24*60 || zone > 24*60 || at > 1<<40 || at < -1<<40 {
			r.fail()
			return
		}
		if zones[zone] == nil {
			zones[zone] = time.FixedZone("", zone*60)
		}
		cs[i].Time = time.Unix(at, 0).In(zones[zone])
		cs[i].Committed = time.Unix(at+r.int(), 0).UTC()
	}
	for i := range cs {
		cs[i].Entries = r.uint(1 << 40)
	}
	lengths := make([]int, len(cs))
	for i := range cs {
		lengths[i] = r.uint(len(r.data))
	}
	for i, n := range lengths {
		if n > len(r.data) {
			r.fail()
			return
		}
		cs[i].Message, r.data = r.data[:n], r.data[n:]
	}
}

// ids reads the IDs of commits, which stand as bytes and are shown in
// hexadecimal.
func (r *reader) ids(cs []wontfix.Commit) {
	all := make([]byte, 0, 40*len(cs))
	ends := make([]int, len(cs))
	for i := range cs {
		all = hex.AppendEncode(all, []byte(r.text()))
		ends[i] = len(all)
	}
	text, from := string(all), 0
	for i := range cs {
		cs[i].ID = text[from:ends[i]]
		from = ends[i]
	}
}

// rest reads what a log has beside its commits.
func (r *reader) rest(l *Log) {
	for range r.uint(len(r.data)) {
		c := r.uint(l.Len())
		for range r.uint(len(r.data)) {
			l.spread[c] = append(l.spread[c], r.string())
		}
	}
	for range r.uint(len(r.data)) {
		nick := r.string()
		for range r.uint(len(r.data)) {
			who := r.string()
			l.nicks.add(nick, who, r.uint(1<<40))
		}
	}
	for range r.uint(len(r.data)) {
		n := r.uint(l.Len())
		r.bad = r.bad || n >= l.Len()
		l.tips = append(l.tips, n)
	}
	l.Holes, l.Implied = r.uint(1<<40), r.uint(1) == 1
}

// A reader reads numbers and strings. After the first that is not there it is
// bad, and all that it reads is zero.
type reader struct {
	data  string
	table []string
	bad   bool
}

func newReader(data []byte) *reader { return &reader{data: string(data)} }

func (r *reader) fail() {
	r.bad, r.data = true, ""
}

// varint reads an unsigned varint, as encoding/binary has it.
func (r *reader) varint() uint64 {
	var v uint64
	for i := range min(len(r.data), binary.MaxVarintLen64) {
		b := r.data[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.data = r.data[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

// uint reads a number up to limit.
func (r *reader) uint(limit int) int {
	v := r.varint()
	if v > uint64(limit) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) int() int64 {
	v := r.varint()
	return int64(v>>1) ^ -int64(v&1)
}

// text reads a string that follows its length.
func (r *reader) text() string {
	n := r.uint(len(r.data))
	if n > len(r.data) {
		r.fail()
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}

// string reads the number of a string of the table.
func (r *reader) string() string {
	n := r.uint(len(r.table))
	if n >= len(r.table) {
		r.fail()
		return ""
	}
	return r.table[n]
}
