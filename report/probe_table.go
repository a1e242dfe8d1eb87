package report

import (
	"slices"
	"strings"

	"wontfix"
)

// A probeTable lays the cases of a probe out in columns.
type probeTable struct {
	*page
	cases   []wontfix.Case
	rows    []probeRow
	name    int // columns of the clients
	version int // and of their versions; 0 is none
	cell    int // columns of a case: 4 has its ID above, 2 and 1 its digits
}

// maxName is the most columns that the names of clients take.
const maxName = 34

// newProbeTable chooses the widest cells with which all cases fit, and the
// narrowest where none do.
func newProbeTable(p *page, pr *wontfix.Probe) *probeTable {
	t := &probeTable{page: p, cases: pr.Cases, rows: probeRows(pr)}
	for _, r := range t.rows {
		for _, w := range strings.Fields(r.names()) {
			t.name = max(t.name, columns(Clean(w)))
		}
	}
	most := 0
	for _, r := range t.rows {
		most = max(most, columns(Clean(r.names())))
	}
	limit := min(maxName, p.width/2)
	t.name = min(max(t.name, min(most, p.width/3)), limit)
	for _, t.cell = range []int{4, 2, 1} {
		if t.left()+t.wide(t.cases) <= p.width {
			break
		}
	}
	for _, r := range t.rows {
		t.version = max(t.version, min(columns(Clean(r.version())), 32))
	}
	if t.left()+t.wide(t.cases) > p.width {
		t.version = 0
	}
	return t
}

// left returns how many columns there are before the first case.
func (t *probeTable) left() int {
	n := 2 + t.name + 2
	if t.version > 0 {
		n += t.version + 2
	}
	return n
}

// wide returns how many columns cases take.
func (t *probeTable) wide(cases []wontfix.Case) int {
	n := 0
	for i := range cases {
		n += t.cell + t.gapBefore(cases, i)
	}
	if t.cell > 1 {
		n -= 1 // the space behind the last
	}
	return n
}

// gapBefore returns how many columns are left free where a group begins.
func (t *probeTable) gapBefore(cases []wontfix.Case, i int) int {
	if i > 0 && letter(cases[i]) != letter(cases[i-1]) {
		return 1
	}
	return 0
}

// letter is the group of a case.
func letter(k wontfix.Case) string { return prefix(Clean(k.ID), 1) }

// write writes the table, in several parts if the cases are too many for one.
func (t *probeTable) write() {
	from := 0
	for from < len(t.cases) {
		to := from + 1
		for to < len(t.cases) && t.left()+t.wide(t.cases[from:to+1]) <= t.width {
			to++
		}
		// A group is not divided if it can begin the next part.
		if to < len(t.cases) && letter(t.cases[to]) == letter(t.cases[to-1]) {
			if i := slices.IndexFunc(t.cases[from:to], func(k wontfix.Case) bool { return letter(k) == letter(t.cases[to]) }); i > 0 {
				to = from + i
			}
		}
		if from > 0 {
			t.blank()
		}
		t.part(from, to)
		from = to
	}
}

func (t *probeTable) part(from, to int) {
	cases := t.cases[from:to]
	t.head(cases)
	last := -1
	for _, r := range t.rows {
		list := r.marks[from:to]
		if from > 0 && !slices.ContainsFunc(list, func(m probeMark) bool { return m != markNone }) {
			continue // none of these cases is for it
		}
		if r.rank != last {
			t.para(0, in(rankStyle(r.rank), probeRanks[r.rank]))
			last = r.rank
		}
		t.row(r, cases, list)
	}
}

// head writes the IDs of the cases: in a line, or downwards.
func (t *probeTable) head(cases []wontfix.Case) {
	lines := 1
	if t.cell < 4 {
		lines = 3
	}
	for line := range lines {
		t.space(t.left())
		for i, k := range cases {
			t.space(t.gapBefore(cases, i))
			s := Clean(k.ID)
			if lines > 1 {
				s = string([]rune(s + "   ")[line])
				if line == 0 && i > 0 && letter(cases[i-1]) == letter(k) {
					s = " "
				}
			}
			s = cut(s, max(1, t.cell-1))
			t.put(s, styleStrong)
			t.space(t.cell - columns(s))
		}
		t.blank()
	}
}

// row writes the clients of a row, and their marks in the first line of them.
func (t *probeTable) row(r probeRow, cases []wontfix.Case, list []probeMark) {
	names := wrapCells(Clean(r.names()), t.name)
	version := cut(Clean(r.version()), t.version)
	for i, s := range names {
		indent := 2
		if i > 0 {
			indent = 4
		}
		t.space(indent)
		t.put(s, plain)
		if i > 0 {
			t.blank()
			continue
		}
		t.space(2 + t.name + 2 - indent - columns(s))
		if t.version > 0 {
			t.put(version, styleDim)
			t.space(t.version + 2 - columns(version))
		}
		for j, m := range list {
			t.space(t.gapBefore(cases, j))
			if t.cell == 4 {
				t.space(1)
			}
			t.put(string(m), markStyle(m))
			t.space(t.cell - 1)
			if t.cell == 4 {
				t.gap--
			}
		}
		t.blank()
	}
}

// wrapCells breaks text into lines of at most n columns, those after the first
// two shorter. A word that is longer is broken.
func wrapCells(s string, n int) []string {
	lines := []string{""}
	for _, w := range strings.Fields(s) {
		for w != "" {
			last, limit := lines[len(lines)-1], n
			if len(lines) > 1 {
				limit = n - 2
			}
			switch {
			case last == "" && columns(w) <= limit:
				lines[len(lines)-1], w = w, ""
			case last == "":
				head := prefix(w, limit)
				lines[len(lines)-1], w = head, w[len(head):]
				lines = append(lines, "")
			case columns(last)+1+columns(w) <= limit:
				lines[len(lines)-1], w = last+" "+w, ""
			default:
				lines = append(lines, "")
			}
		}
	}
	return lines
}

// version writes the version of a row's program, and its library for TLS.
func (r probeRow) version() string {
	c := r.clients[0]
	s := c.Version
	for _, other := range r.clients[1:] {
		if other.Version != c.Version {
			s = "" // of libraries that have versions of their own
		}
	}
	if c.Library != "" && !strings.Contains(s, c.Library) {
		s += " " + c.Library
	}
	return strings.TrimSpace(s)
}

// legend writes what the marks mean that occur, and the cases that are not
// right everywhere.
func (t *probeTable) legend() {
	seen := map[probeMark]bool{}
	var spoken []span
	odd := make([]bool, len(t.cases))
	for _, r := range t.rows {
		for i, m := range r.marks {
			seen[m] = true
			odd[i] = odd[i] || m == markAccepts || m == markLeaks || m == markRefuses
		}
	}
	for _, m := range marks {
		if seen[m.mark] {
			spoken = append(spoken, gap, in(m.style, string(m.mark)+nbsp), text(m.means))
		}
	}
	t.blank()
	t.flow(2, 2, spoken)
	var list []span
	for i, k := range t.cases {
		if odd[i] {
			list = append(list, gap, strong(k.ID+nbsp), text(k.Presents))
		}
	}
	if len(list) > 0 {
		t.flow(2, 2, list)
	}
}
