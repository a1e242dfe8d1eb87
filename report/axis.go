package report

import (
	"strconv"
	"strings"
	"time"

	"wontfix"
)

// A held is what a row says between two events, as the axis draws it.
type held uint8

const (
	heldNothing held = iota // no row
	heldUndecided
	heldOpen
	heldRefused
	heldClosed
)

// heldText has how each state is drawn and called.
var heldText = map[held]struct {
	sign  string
	name  string
	style style
}{
	heldNothing:   {" ", "", plain},
	heldUndecided: {"┄", "not judged", styleDim},
	heldOpen:      {"─", "open", styleWait},
	heldRefused:   {"━", "refused", styleNever},
	heldClosed:    {"═", "fixed or not affected", styleAvailable},
}

// heldBy returns the state that a tracker's word stands for; a word that is not
// known leaves the row open.
func heldBy(word string) held {
	switch word {
	case "", "DNE", "removed":
		return heldNothing
	case "needs-triage", "undetermined", "not-yet-assigned":
		return heldUndecided
	case "ignored", "no-dsa", "end-of-life", "wont-fix", "unimportant":
		return heldRefused
	case "released", "released-esm", "fixed", "resolved", "not-affected":
		return heldClosed
	}
	return heldOpen
}

// A mark is how an event is drawn on the axis. Of events in one column the
// weightier is drawn.
type mark uint8

const (
	markOther mark = iota
	markSweep
	markReversal
	markDecision
)

var markText = map[mark]struct{ sign, name string }{
	markOther:    {"·", "other change"},
	markSweep:    {"▪", "sweep or program"},
	markReversal: {"○", "refusal taken back"},
	markDecision: {"●", "decision"},
}

func markOf(e *wontfix.Event) mark {
	switch {
	case e.Reverses:
		return markReversal
	case e.Class == wontfix.ClassDecision:
		return markDecision
	case sweeps(e.Class):
		return markSweep
	}
	return markOther
}

// maxYears is how many years an axis has at most: a commit may claim any time.
const maxYears = 100

// axis draws the life of a row from its first event until a moment: its state,
// a mark for each event, the years below, and what the signs mean.
func (p *page) axis(events []wontfix.Event, until time.Time) {
	events = ordered(events)
	if len(events) == 0 {
		return
	}
	first, last := events[0].Time, events[len(events)-1].Time
	if until.After(last) {
		last = until
	}
	n := p.width - 4
	if last.Sub(first) < 48*time.Hour || last.Year()-first.Year() > maxYears {
		return
	}
	col := func(t time.Time) int {
		return min(max(int(t.Sub(first).Seconds()/last.Sub(first).Seconds()*float64(n-1)+0.5), 0), n-1)
	}
	cells := make([]span, n)
	drawn, states, marks := make([]int, n), map[held]bool{}, map[mark]bool{}
	for i := range events {
		from, to, h := col(events[i].Time), n, heldBy(events[i].To)
		if i+1 < len(events) {
			to = col(events[i+1].Time)
		}
		for c := from; c < to; c++ {
			cells[c] = in(heldText[h].style, heldText[h].sign)
			states[h] = states[h] || c > from
		}
	}
	for i := range events {
		c, m := col(events[i].Time), markOf(&events[i])
		if drawn[c] <= int(m) {
			drawn[c] = int(m) + 1
			cells[c] = in(heldText[heldBy(events[i].To)].style, markText[m].sign)
		}
	}
	for _, d := range drawn {
		if d > 0 {
			marks[mark(d-1)] = true
		}
	}
	p.space(2)
	for _, c := range cells {
		p.put(c.text, c.style)
	}
	p.blank()
	p.space(2)
	p.put(years(first, last, n, col), styleDim)
	p.blank()
	p.para(2, legend(marks, states)...)
}

// ordered returns events by time, those without a time left out: a commit may
// be older than the one that it was put on top of.
func ordered(events []wontfix.Event) (list []wontfix.Event) {
	var now time.Time
	for _, e := range events {
		if e.Time.IsZero() || e.Class == wontfix.ClassNote {
			continue
		}
		if e.Time.Before(now) {
			e.Time = now
		}
		now = e.Time
		list = append(list, e)
	}
	return list
}

// years writes a year where it begins, as many as n columns hold.
func years(first, last time.Time, n int, col func(time.Time) int) string {
	step := 1
	for span := last.Year() - first.Year() + 1; span*7 > n*step; step++ {
	}
	b, free := []byte(strings.Repeat(" ", n)), 0
	for y := first.Year() + 1; y <= last.Year(); y++ {
		c := col(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC))
		if (y-first.Year()-1)%step != 0 || c < free || c+4 > n || y < 1000 || y > 9999 {
			continue
		}
		copy(b[c:], strconv.Itoa(y))
		free = c + 6
	}
	return strings.TrimRight(string(b), " ")
}

func legend(marks map[mark]bool, states map[held]bool) (spans []span) {
	add := func(st style, sign, name string) {
		if spans != nil {
			spans = append(spans, gap)
		}
		spans = append(spans, in(st, sign), dim(nbsp+strings.ReplaceAll(name, " ", nbsp)))
	}
	for m := markDecision; ; m-- {
		if marks[m] {
			add(plain, markText[m].sign, markText[m].name)
		}
		if m == markOther {
			break
		}
	}
	for h := heldUndecided; h <= heldClosed; h++ {
		if states[h] {
			add(heldText[h].style, heldText[h].sign, heldText[h].name)
		}
	}
	return spans
}
