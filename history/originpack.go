package history

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"wontfix"
)

// An Origins is who decided what the rows of an entry say.
type Origins struct {
	log     *Log
	rows    []int32 // which of origins each row has
	lines   []int32 // the line of each row, ascending
	origins []*origin
	made    []*wontfix.Origin // of origins, when asked for
}

// Origins finds out who decided what each row of the entry says.
func (t *Trace) Origins() *Origins {
	return t.originsOf(nil, func(int32) int32 { return none })
}

// originsOf makes the origins of the rows. Those of which known gives a number
// have that one of old.
func (t *Trace) originsOf(old []*origin, known func(key int32) int32) *Origins {
	rows := t.rowsOf(t.at)
	o := &Origins{log: t.log, rows: make([]int32, len(rows)), lines: make([]int32, len(rows)), origins: make([]*origin, 0, len(old)+8)}
	kept := make([]int32, len(old)) // the number of each of old now, plus one
	keep := func(k int32) int32 {
		if kept[k] == 0 {
			o.origins = append(o.origins, old[k])
			kept[k] = int32(len(o.origins))
		}
		return kept[k] - 1
	}
	found := make(map[origin]int32)
	for i, row := range rows {
		o.lines[i] = row.line
		if k := known(row.key); k != none {
			o.rows[i] = keep(k)
			continue
		}
		x := t.origin(row.key)
		n, ok := found[x]
		if !ok {
			if k := slices.IndexFunc(old, func(o *origin) bool { return *o == x }); k >= 0 {
				n = keep(int32(k))
			} else {
				n = int32(len(o.origins))
				fresh := x
				o.origins = append(o.origins, &fresh)
			}
			found[x] = n
		}
		o.rows[i] = n
	}
	return o
}

// originsSince is as Origins and takes what is still true of old, which are the
// origins at an earlier commit, from there: those of the rows that say the same
// in every record since. What led to them lies before that commit, and nothing
// that came later is looked at, but for the names of the entry's sources, which
// notes are searched for.
func (t *Trace) originsSince(commit int, old *Origins) *Origins {
	way, ok := t.wayTo(t.file.At(t.log, commit))
	if !ok {
		return t.Origins()
	}
	was := way[len(way)-1]
	rows := t.rowsOf(was)
	if len(rows) != len(old.rows) || t.newSources(was, rows) {
		return t.Origins()
	}
	known := make([]int32, len(t.keys))
	for key := range known {
		known[key] = none
	}
	for i, row := range rows {
		known[row.key] = old.rows[i]
	}
	return t.originsOf(old.origins, func(key int32) int32 {
		if known[key] != none && slices.ContainsFunc(way, func(r int) bool { return t.value(r, key) != t.value(was, key) }) {
			return none
		}
		return known[key]
	})
}

// wayTo returns the records from the one that holds to an earlier one, false if
// there is no such record or merges are between them.
func (t *Trace) wayTo(was int) (way []int, ok bool) {
	if t.at < 0 || was < 0 {
		return nil, false
	}
	for r := t.at; ; r = t.file.Records[r].Parents[0] {
		way = append(way, r)
		if r == was {
			return way, true
		}
		if p := t.file.Records[r].Parents; len(p) != 1 || p[0] < was {
			return nil, false
		}
	}
}

// newSources reports whether a note may name a source that the entry did not
// have in a record, which had these rows, and has got since.
func (t *Trace) newSources(was int, rows []rowLine) bool {
	had := make([]bool, len(t.keys))
	for _, row := range rows {
		had[row.key] = true
	}
	var fresh []string
	add := func(row *rowOf) bool {
		if had[row.key] {
			return false
		}
		had[row.key] = true
		source := t.keys[row.key].Source
		if !slices.Contains(fresh, source) && !slices.ContainsFunc(rows, func(r rowLine) bool { return t.keys[r.key].Source == source }) {
			fresh = append(fresh, source)
		}
		return false
	}
	for i := was + 1; i < len(t.file.Records); i++ {
		for _, p := range t.file.Records[i].Places {
			if p.Text >= 0 {
				t.anyRow(t.file.linesOf(p.Text), add)
			}
		}
	}
	if fresh == nil {
		return false
	}
	for i, line := range t.file.lines {
		if t.rows[i].key != none {
			continue
		}
		if name, rest, ok := strings.Cut(line, ":"); ok && !strings.Contains(name, " ") {
			line = rest // a field, which can be one of the source
		}
		if slices.ContainsFunc(fresh, func(s string) bool { return strings.Contains(line, s) }) {
			return true
		}
	}
	return false
}

// At returns who decided what the row on a line says, nil if there is no row on
// it. It is not for more than one goroutine, and what it returns is shared.
func (o *Origins) At(line int) *wontfix.Origin {
	i, ok := slices.BinarySearch(o.lines, int32(line))
	if !ok {
		return nil
	}
	if o.made == nil {
		o.made = make([]*wontfix.Origin, len(o.origins))
	}
	n := o.rows[i]
	if o.made[n] == nil {
		w := o.origins[n].expand(o.log)
		o.made[n] = &w
	}
	return o.made[n]
}

// Pack packs the origins of an entry: a table of strings; the number of
// distinct origins and their fields; the number of rows, and for each the
// distance to the line before and its origin.
func (o *Origins) Pack() []byte {
	w, _ := originWriters.Get().(*logWriter)
	if w == nil {
		w = &logWriter{numbers: map[string]int{}}
	}
	defer func() {
		clear(w.numbers)
		clear(w.table)
		w.table, w.data = w.table[:0], w.data[:0]
		originWriters.Put(w)
	}()
	w.uint(len(o.origins))
	for i := range o.origins {
		x := o.origins[i]
		w.data = append(w.data, byte(x.class), byte(x.wroteClass), byte(x.evidence), byte(x.confidence))
		w.uint(int(x.reversals))
		w.uint(int(x.reasons))
		w.uint(int(x.decided))
		w.uint(int(x.wrote))
		w.uint(int(x.before))
		w.string(x.words)
		w.string(x.copied)
		w.string(x.said.Word)
		w.string(x.said.Detail)
	}
	w.uint(len(o.rows))
	last := int32(0)
	for i, n := range o.rows {
		w.uint(int(o.lines[i] - last))
		w.uint(int(n))
		last = o.lines[i]
	}
	size := binary.MaxVarintLen64 + len(w.data)
	for _, s := range w.table {
		size += binary.MaxVarintLen32 + len(s)
	}
	data := binary.AppendUvarint(make([]byte, 0, size), uint64(len(w.table)))
	for _, s := range w.table {
		data = append(binary.AppendUvarint(data, uint64(len(s))), s...)
	}
	return append(data, w.data...)
}

// originWriters have memory that is used for one entry after the other.
var originWriters sync.Pool

// leastOrigin is how many bytes an origin has at least when it is packed.
const leastOrigin = 13

// UnpackOrigins reads what [Origins.Pack] has written: the origins of the rows
// on the given lines, or of all rows if lines is nil. The error is [ErrBytes].
func UnpackOrigins(log *Log, data []byte, lines []int) (*Origins, error) {
	r := newReader(data)
	for range r.uint(len(data)) {
		r.table = append(r.table, r.text())
	}
	o := &Origins{log: log}
	count := r.uint(len(r.data) / leastOrigin)
	origins := *r
	var all []origin
	if lines == nil {
		all, o.origins = make([]origin, count), make([]*origin, count)
	}
	for i := range count {
		x := r.origin(log.Len())
		if r.bad {
			return nil, ErrBytes
		}
		if lines == nil {
			all[i], o.origins[i] = x, &all[i]
		}
	}
	line := 0
	rows := r.uint(len(r.data) / 2)
	if lines == nil {
		o.lines, o.rows = make([]int32, 0, rows), make([]int32, 0, rows)
	}
	for range rows {
		line += r.uint(1 << 24)
		n := r.uint(count)
		if r.bad || n >= count || line > 1<<30 {
			return nil, ErrBytes
		}
		if lines == nil || slices.Contains(lines, line) {
			o.lines, o.rows = append(o.lines, int32(line)), append(o.rows, int32(n))
		}
	}
	if r.bad || len(r.data) > 0 {
		return nil, ErrBytes
	}
	if lines != nil {
		o.only(&origins, count)
	}
	return o, nil
}

// only reads those of count origins that rows have.
func (o *Origins) only(r *reader, count int) {
	at := make([]int32, len(o.rows)) // the place of the origin of each row
	for n := range count {
		x := r.origin(o.log.Len())
		if !slices.Contains(o.rows, int32(n)) {
			continue
		}
		for i, of := range o.rows {
			if of == int32(n) {
				at[i] = int32(len(o.origins))
			}
		}
		wanted := x // x itself stays off the heap
		o.origins = append(o.origins, &wanted)
	}
	o.rows = at
}

// origin reads an origin.
func (r *reader) origin(commits int) origin {
	return origin{
		class: wontfix.Class(r.uint(127)), wroteClass: wontfix.Class(r.uint(127)),
		evidence: wontfix.Evidence(r.uint(127)), confidence: wontfix.Confidence(r.uint(127)),
		reversals: int32(r.uint(1 << 30)), reasons: wontfix.Reasons(r.uint(1<<32 - 1)),
		decided: int32(r.uint(commits)), wrote: int32(r.uint(commits)), before: int32(r.uint(commits)),
		words: r.string(), copied: r.string(), said: Value{r.string(), r.string()},
	}
}
