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

	made   []atomic.Pointer[wontfix.Commit] // the commits that were asked for
	mu     sync.Mutex
	zones  map[int]*time.Location
	ids    []byte // see packIDs
	all    bool   // all commits are wanted, in order: IDs and messages are parts of these
	idText string
	said   string   // the messages of the block that was read last
	saidOf int      // its number, plus one
	widest int      // the bytes of the longest ID
	blocks [][]byte // those that were read
	err    error
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
	p.made = make([]atomic.Pointer[wontfix.Commit], n)
	p.blocks = make([][]byte, (n+block-1)/block)
	p.zones = make(map[int]*time.Location)
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
	for n := range l.Len() {
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
	p := l.packed
	p.placing.Do(l.placePacked)
	commits := make([]wontfix.Commit, l.Len())
	p.mu.Lock()
	p.all = true
	for n := range commits {
		p.fill(l, n, &commits[n])
	}
	p.mu.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	l.commits, l.packed = commits, nil
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

// commit returns commit n.
func (p *packedLog) commit(l *Log, n int) *wontfix.Commit {
	if c := p.made[n].Load(); c != nil {
		return c
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.made[n].Load(); c != nil {
		return c
	}
	c := &wontfix.Commit{}
	p.fill(l, n, c)
	p.made[n].Store(c)
	return c
}

// fill makes c commit n.
func (p *packedLog) fill(l *Log, n int, c *wontfix.Commit) {
	if err := p.read(l, n, c); err != nil {
		*c = wontfix.Commit{}
		p.err = cmp.Or(p.err, err)
	}
	c.Parents = l.parents(n)
	_, c.Gap = slices.BinarySearch(p.gaps, n)
}

// read reads commit n.
func (p *packedLog) read(l *Log, n int, c *wontfix.Commit) error {
	if err := p.readID(n, c); err != nil {
		return err
	}
	from, k := n-n%block, n%block
	data := p.blocks[n/block]
	if data == nil {
		var err error
		if data, err = p.part(2 + n/block); err != nil {
			return err
		}
		p.blocks[n/block] = data
	}
	count := min(block, l.Len()-from)
	var row [columns]int64
	first := int64(0) // byte of the message
	at := 0
	for column, size := range columnSize {
		if len(data)-at < count*size {
			return ErrBytes
		}
		row[column] = number(data[at+k*size:][:size])
		if column == columnEnd && k > 0 {
			first = number(data[at+(k-1)*size:][:size])
		}
		at += count * size
	}
	when, zone, end := row[columnTime], int(row[columnZone]), row[columnEnd]
	messages := data[at:]
	switch {
	case zone < -24*60 || zone > 24*60 || when > 1<<40 || when < -1<<40:
		return ErrBytes
	case row[columnWriter] < 0 || row[columnWriter] >= int64(len(l.writers)) || row[columnEntries] < 0:
		return ErrBytes
	case first < 0 || end < first || end > int64(len(messages)) || k == count-1 && end != int64(len(messages)):
		return ErrBytes
	}
	w := l.writers[row[columnWriter]]
	c.Author, c.Email, c.Entries, c.Message = w.author, w.email, int(row[columnEntries]), p.message(messages, n/block, int(first), int(end))
	if p.zones[zone] == nil {
		p.zones[zone] = time.FixedZone("", zone*60)
	}
	c.Time = time.Unix(when, 0).In(p.zones[zone])
	c.Committed = time.Unix(when+row[columnCommitted], 0).UTC()
	return nil
}

// readID reads the ID of commit n, which stands as bytes and is shown in
// hexadecimal.
func (p *packedLog) readID(n int, c *wontfix.Commit) error {
	if p.ids == nil {
		ids, err := p.part(1)
		if err != nil {
			return err
		}
		widest, k := binary.Uvarint(ids)
		if k <= 0 || widest > 255 || uint64(len(ids)-k) != uint64(len(p.made))*(widest+1) {
			return ErrBytes
		}
		p.ids, p.widest = ids[k:], int(widest)
	}
	size := int(p.ids[n])
	if size > p.widest {
		return ErrBytes
	}
	if !p.all {
		c.ID = hex.EncodeToString(p.ids[len(p.made)+n*p.widest:][:size])
		return nil
	}
	if p.idText == "" {
		p.idText = hex.EncodeToString(p.ids[len(p.made):])
	}
	c.ID = p.idText[2*n*p.widest:][:2*size]
	return nil
}

// message returns a part of the messages of a block.
func (p *packedLog) message(messages []byte, block, from, to int) string {
	if !p.all {
		return string(messages[from:to])
	}
	if p.saidOf != block+1 {
		p.said, p.saidOf = string(messages), block+1
	}
	return p.said[from:to]
}

// number reads a number of a column.
func number(b []byte) int64 {
	var v uint64
	for i := range len(b) {
		v |= uint64(b[i]) << (8 * i)
	}
	free := 64 - 8*len(b)
	return int64(v<<free) >> free
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
