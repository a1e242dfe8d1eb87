package history

import (
	"slices"
	"sync"
)

// A rowOf is what a line says of rows.
type rowOf struct{ key, value int32 }

// A numbers has the keys and values of one trace and their numbers. Its memory is
// used again.
type numbers struct {
	key    map[Key]int32
	value  map[Value]int32
	keys   []Key
	values []Value
}

var numbersPool sync.Pool

const numbersKept = 1 << 12

// readLines finds the rows in the lines, which everything needs that has to do
// with rows.
func (t *Trace) readLines() {
	if t.rows != nil {
		return
	}
	t.tables, t.plain = make([][]int32, len(t.file.texts)), make([]bool, len(t.file.texts))
	n, _ := numbersPool.Get().(*numbers)
	if n == nil {
		n = &numbers{key: make(map[Key]int32), value: make(map[Value]int32)}
	}
	defer func() {
		t.keys, t.values = slices.Clone(n.keys), slices.Clone(n.values)
		if len(n.keys)+len(n.values) < numbersKept { // it costs as much to clear as a map has ever had
			clear(n.key)
			clear(n.value)
			clear(n.keys)
			clear(n.values)
			n.keys, n.values = n.keys[:0], n.values[:0]
			numbersPool.Put(n)
		}
	}()
	t.rows = make([]rowOf, len(t.file.lines))
	for i, line := range t.file.lines {
		row := &t.rows[i]
		row.key = none
		t.format.Rows(line, func(k Key, v Value) {
			key, ok := n.key[k]
			if !ok {
				key = int32(len(n.keys))
				n.keys, n.key[k] = append(n.keys, k), key
			}
			value, ok := n.value[v]
			if !ok {
				value = int32(len(n.values))
				n.values, n.value[v] = append(n.values, v), value
			}
			if row.key == none {
				row.key, row.value = key, value
				return
			}
			if t.more == nil {
				t.more = make(map[int32][]rowOf)
			}
			t.more[int32(i)] = append(t.more[int32(i)], rowOf{key, value})
		})
	}
}

// anyRow reports whether is is true of any row in lines.
func (t *Trace) anyRow(lines []int32, is func(*rowOf) bool) bool {
	for _, line := range lines {
		row := &t.rows[line]
		if row.key == none {
			continue
		}
		if is(row) {
			return true
		}
		more := t.more[line]
		for i := range more {
			if is(&more[i]) {
				return true
			}
		}
	}
	return false
}

// table returns the rows of a text: of each key the value that it has first.
func (t *Trace) table(text int) []int32 {
	var way []int // texts, each made of the next
	from := text
	for !t.rough && t.tables[from] == nil && from < len(t.file.made) && t.file.made[from].base >= 0 {
		way = append(way, from)
		from = int(t.file.made[from].base)
	}
	if t.tables[from] == nil {
		t.tables[from] = t.readTable(from)
	}
	for _, n := range slices.Backward(way) {
		if t.tables[n] = t.nextTable(n, from); t.tables[n] == nil {
			t.tables[text], t.rough = t.readTable(text), true
			break
		}
		from = n
	}
	return t.tables[text]
}

// nextTable returns the rows of a text that is made of another, by what differs;
// nil if that does not tell.
func (t *Trace) nextTable(text, base int) []int32 {
	if !t.plain[base] {
		return nil
	}
	table := slices.Clone(t.tables[base])
	hunks := t.file.hunksOf(text)
	for h := range hunks.all() {
		t.anyRow(h.drop, func(r *rowOf) bool {
			table[r.key] = none
			return false
		})
	}
	for h := range hunks.all() {
		if t.anyRow(h.insert, func(r *rowOf) bool {
			had := table[r.key] != none
			table[r.key] = r.value
			return had || t.values[r.value].Word == ""
		}) {
			return nil
		}
	}
	t.plain[text] = true
	return table
}

// readTable returns the rows of a text by all of its lines.
func (t *Trace) readTable(text int) []int32 {
	table := make([]int32, len(t.keys))
	for i := range table {
		table[i] = none
	}
	plain := true
	for _, line := range t.file.linesOf(text) {
		row := &t.rows[line]
		if row.key == none {
			continue
		}
		more := t.more[line]
		plain = plain && table[row.key] == none && more == nil
		if table[row.key] == none {
			table[row.key] = row.value
		}
		for _, row := range more {
			if table[row.key] == none {
				table[row.key] = row.value
			}
		}
	}
	for i, v := range table {
		if v != none && t.values[v].Word == "" {
			table[i], plain = none, false
		}
	}
	t.plain[text] = plain
	return table
}

// A Row is a row that the entry has.
type Row struct {
	Key
	Value
	Line int // in its text, from 1; lines end with LF alone
	key  int32
}

// Rows returns the rows that the entry has at the commit, in the order of its
// text.
func (t *Trace) Rows() []Row {
	lines := t.rowsOf(t.at)
	if len(lines) == 0 {
		return nil
	}
	table := t.table(t.text(t.at))
	rows := make([]Row, len(lines))
	for i, r := range lines {
		rows[i] = Row{t.keys[r.key], t.values[table[r.key]], int(r.line), r.key}
	}
	return rows
}

// A rowLine is a row and its line, from 1.
type rowLine struct{ key, line int32 }

// rowsOf returns the rows of a record.
func (t *Trace) rowsOf(record int) []rowLine {
	text := t.text(record)
	if text < 0 {
		return nil
	}
	table := t.table(text)
	rows := make([]rowLine, 0, len(table))
	seen := make([]bool, len(t.keys))
	lines := t.file.linesOf(text)
	for i := range lines {
		t.anyRow(lines[i:i+1], func(r *rowOf) bool {
			if !seen[r.key] && table[r.key] != none {
				rows = append(rows, rowLine{r.key, int32(i + 1)})
			}
			seen[r.key] = true
			return false
		})
	}
	return rows
}
