package history

import (
	"slices"

	"wontfix"
)

// An Origins is who decided what the rows of an entry say.
type Origins struct {
	log     *Log
	rows    []int32 // which of origins each row has
	lines   []int32 // the line of each row, ascending
	origins []origin
	made    []*wontfix.Origin // of origins, when asked for
}

// Origins finds out who decided what each row of the entry says.
func (t *Trace) Origins() *Origins {
	o := &Origins{log: t.log}
	index := map[origin]int32{}
	for _, row := range t.Rows() {
		x := t.origin(row.key)
		n, ok := index[x]
		if !ok {
			n = int32(len(o.origins))
			index[x] = n
			o.origins = append(o.origins, x)
		}
		o.rows, o.lines = append(o.rows, n), append(o.lines, int32(row.Line))
	}
	return o
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
	w := logWriter{numbers: map[string]int{}}
	w.uint(len(o.origins))
	for i := range o.origins {
		x := &o.origins[i]
		w.data = append(w.data, byte(x.class), byte(x.wroteClass), byte(x.evidence), byte(x.confidence))
		w.uint(x.reversals)
		w.uint(int(x.reasons))
		w.uint(x.decided)
		w.uint(x.wrote)
		w.uint(x.before)
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
	t := logWriter{}
	t.uint(len(w.table))
	for _, s := range w.table {
		t.bytes([]byte(s))
	}
	return append(t.data, w.data...)
}

// UnpackOrigins reads what [Origins.Pack] has written: the origins of the rows
// on the given lines, or of all rows if lines is nil. The error is [ErrBytes].
func UnpackOrigins(log *Log, data []byte, lines []int) (*Origins, error) {
	r := newReader(data)
	for range r.uint(len(data)) {
		r.table = append(r.table, r.text())
	}
	o := &Origins{log: log}
	count := r.uint(len(r.data))
	origins := *r
	for range count {
		x := r.origin(log.Len())
		if r.bad {
			return nil, ErrBytes
		}
		if lines == nil {
			o.origins = append(o.origins, x)
		}
	}
	line := 0
	for range r.uint(len(r.data)) {
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
		o.origins = append(o.origins, x)
	}
	o.rows = at
}

// origin reads an origin.
func (r *reader) origin(commits int) origin {
	return origin{
		class: wontfix.Class(r.uint(127)), wroteClass: wontfix.Class(r.uint(127)),
		evidence: wontfix.Evidence(r.uint(127)), confidence: wontfix.Confidence(r.uint(127)),
		reversals: r.uint(1 << 30), reasons: wontfix.Reasons(r.uint(1<<32 - 1)),
		decided: r.uint(commits), wrote: r.uint(commits), before: r.uint(commits),
		words: r.string(), copied: r.string(), said: Value{r.string(), r.string()},
	}
}
