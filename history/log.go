// Package history has what became of a tracker's entries, commit by commit,
// and says who decided what, when, and with which words.
//
// A [Log] is the commits, a [File] every version of one entry, a [Trace] what
// follows for its rows. What a line means is the business of a package for the
// tracker's format, which comes as a [Format].
//
// History in Git is a graph, and the past of a row is not a list: side
// branches decide, merges carry content, and a date is no place in it. The one
// rule that everything here rests on is this: commits are numbered so that
// parents come before their children, and the state of an entry at a commit is
// the last of its records among the commit's ancestors. A merge that made
// anything else of its parents gets a record of its own.
package history

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"wontfix"
	"wontfix/reason"
)

// A Log is the commits of a tracker, numbered so that parents come before
// their children. It may be read by several goroutines.
//
// A log that was unpacked reads its commits when they are asked for: an answer
// needs few of them.
type Log struct {
	commits []wontfix.Commit
	packed  *packedLog // what commits are read from; nil if all are there
	// URL, if not nil, returns the address of the page that shows a commit.
	URL func(id string) string
	// spread has, for each commit, the labels of which it added first rows to
	// many entries.
	spread map[int][]string
	nicks  nicks
	tips   []int // the commits that readings ended at, in order
	// Holes is how many versions and commits were not at hand when the history
	// was read, as in a partial clone.
	Holes int
	// Implied says that the history begins with the state of its first commit,
	// and that an entry without a history has been as it is since then.
	Implied bool

	signed atomic.Pointer[signatures] // nil until it is asked for
	people atomic.Pointer[persons]    // nil until it is asked for

	writers []writer // who made commits, in the order in which they came
	numbers map[writer]int

	runs []run
	run  []int32 // the run that a commit is in

	messages sync.Map // commit -> *message
}

// A message is what a commit's message says about a decision.
type message struct {
	text      string
	decides   bool
	sentences []string // in lower case, those that say that something was decided
	said      []string // the same as they are written
}

// message returns what the message of a commit says. That of a commit to very
// many entries decides about none of them.
func (l *Log) message(commit int) *message {
	if m, ok := l.messages.Load(commit); ok {
		return m.(*message)
	}
	m := &message{}
	if c := l.Commit(commit); c.Entries < manyEntries {
		m.text = c.Said()
		m.decides = reason.Decides(m.text)
		if m.decides {
			for _, s := range sentences(m.text) {
				if reason.Decides(s) {
					m.sentences, m.said = append(m.sentences, strings.ToLower(s)), append(m.said, s)
				}
			}
		}
	}
	l.messages.Store(commit, m)
	return m
}

// sentences cuts a text at the ends of sentences, at semicolons and at the
// dashes that begin items.
func sentences(text string) []string {
	for _, end := range []string{". ", "; ", " - ", " * "} {
		text = strings.ReplaceAll(text, end, end[:1]+"\x00")
	}
	return strings.Split(text, "\x00")
}

// about returns the part of the message that decides about a row: all of it if
// the commit is about its entry alone, else the sentences that name the entry,
// the source or the release.
func (m *message) about(alone bool, id string, k Key) string {
	if !m.decides {
		return ""
	}
	if alone {
		return m.text
	}
	stem := strings.TrimRight(k.Source, "0123456789.-")
	if i := strings.IndexByte(stem, '-'); i >= 4 {
		stem = stem[:i]
	}
	var words []string
	for i, s := range m.sentences {
		if strings.Contains(s, strings.ToLower(id)) || len(stem) >= 3 && strings.Contains(s, stem) || strings.Contains(s, k.Label) {
			words = append(words, m.said[i])
		}
	}
	return strings.Join(words, " … ")
}

// A run is commits of which each is the only parent of the next.
type run struct {
	members spans
	last    int
	base    spans // the ancestors of its first commit
}

// NewLog returns a log of commits whose Parents are numbers below their own. It
// keeps them.
func NewLog(commits []wontfix.Commit) (*Log, error) {
	l := &Log{commits: commits, run: make([]int32, 0, len(commits)), spread: map[int][]string{}, nicks: nicks{}}
	return l, l.placeFrom(0)
}

// Len returns the number of commits.
func (l *Log) Len() int {
	if l.packed != nil {
		return len(l.packed.made)
	}
	return len(l.commits)
}

// Commit returns commit n, which is not to be changed. See [Log.Err].
func (l *Log) Commit(n int) *wontfix.Commit {
	if l.packed != nil {
		return l.packed.commit(l, n)
	}
	return &l.commits[n]
}

// Imply says that the history begins with one state of so many entries: see
// Implied.
func (l *Log) Imply(entries int) {
	l.Implied = true
	l.commits[0].Entries = entries
}

// Append adds commits to a log of which all have been read, see [Log.Load]. The
// last one is where a reading ended.
func (l *Log) Append(commits []wontfix.Commit) error {
	n := len(l.commits)
	l.commits = append(l.commits, commits...)
	l.people.Store(nil)
	l.signed.Store(nil)
	return l.placeFrom(n)
}

// placeFrom finds the place in the graph of all commits from number n on.
func (l *Log) placeFrom(n int) error {
	if n == len(l.commits) {
		return nil
	}
	for ; n < len(l.commits); n++ {
		c := &l.commits[n]
		for _, p := range c.Parents {
			if p < 0 || p >= n {
				return fmt.Errorf("commit %.12s: its parent is number %d; want one below %d", c.ID, p, n)
			}
		}
		l.place(n, c.Parents)
		l.writer(c)
	}
	l.tips = append(l.tips, n-1)
	return nil
}

// place puts commit n in a run: that of its parent if that is the only one and
// still the run's last, else a new one.
func (l *Log) place(n int, parents []int) {
	if len(parents) == 1 {
		r := l.run[parents[0]]
		if l.runs[r].last == parents[0] {
			l.runs[r].members = l.runs[r].members.add(n)
			l.runs[r].last = n
			l.run = append(l.run, r)
			return
		}
	}
	var base spans
	for _, p := range parents {
		r := &l.runs[l.run[p]]
		base = base.union(r.base).union(r.members.upTo(p))
	}
	l.run = append(l.run, int32(len(l.runs)))
	l.runs = append(l.runs, run{members: spans{{n, n}}, last: n, base: base})
}

// Reaches reports whether ancestor is commit c or one of its ancestors.
func (l *Log) Reaches(c, ancestor int) bool {
	if ancestor >= c {
		return ancestor == c
	}
	if l.packed != nil {
		l.packed.placing.Do(l.placePacked)
	}
	r := l.run[c]
	return l.run[ancestor] == r || l.runs[r].base.has(ancestor)
}

// earlier reports whether commit a was made before commit b, by their authors'
// clocks; of two at the same time it is the one with the lower ID.
func (l *Log) earlier(a, b int) bool {
	x, y := l.Commit(a), l.Commit(b)
	if n := x.Time.Compare(y.Time); n != 0 {
		return n < 0
	}
	return x.ID < y.ID
}

// Tip returns the number of the newest commit that was read, -1 if there is
// none.
func (l *Log) Tip() int {
	if len(l.tips) == 0 {
		return -1
	}
	return l.tips[len(l.tips)-1]
}

// Find returns the number of the commit whose ID begins with prefix.
func (l *Log) Find(prefix string) (int, error) {
	prefix = strings.ToLower(prefix)
	found := -1
	for i := range l.Len() {
		if id := l.Commit(i).ID; id != "" && strings.HasPrefix(id, prefix) {
			if found >= 0 {
				return 0, fmt.Errorf("commit %s: more than one begins like this: %s and %s", prefix, l.Commit(found).ID, id)
			}
			found = i
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("commit %s: not in the history that is at hand, which has %d commits", prefix, l.Len())
	}
	return found, nil
}

// At returns the number of the commit that was the newest of the tracker at a
// time: of the line of first parents that ends in the tip, the last one that
// was committed no later. It is -1 if the history begins later than that.
//
// Dates in Git are what somebody's clock said, so the line need not be in
// their order.
func (l *Log) At(t time.Time) int {
	for c := l.Tip(); c >= 0; {
		if !l.Commit(c).Committed.After(t) {
			return c
		}
		if len(l.parents(c)) == 0 {
			break
		}
		c = l.parents(c)[0]
	}
	return -1
}

// First returns the time of the oldest commit on the line that [Log.At] walks.
func (l *Log) First() time.Time {
	c := l.Tip()
	if c < 0 {
		return time.Time{}
	}
	for len(l.parents(c)) > 0 {
		c = l.parents(c)[0]
	}
	return l.Commit(c).Committed
}

// IDs returns the IDs of all commits, in the order of their numbers.
func (l *Log) IDs() []string {
	ids := make([]string, l.Len())
	for i := range ids {
		ids[i] = l.Commit(i).ID
	}
	return ids
}

// A span is numbers from lo to hi, both included.
type span struct{ lo, hi int }

// Spans are sets of numbers: spans in order that do not touch. Commits that
// belong together have numbers that do, so there are few.
type spans []span

func (s spans) has(n int) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].hi >= n })
	return i < len(s) && s[i].lo <= n
}

// add adds a number above all others.
func (s spans) add(n int) spans {
	if k := len(s) - 1; k >= 0 && s[k].hi == n-1 {
		s[k].hi = n
		return s
	}
	return append(s, span{n, n})
}

// upTo returns the numbers that are not above n.
func (s spans) upTo(n int) spans {
	i := sort.Search(len(s), func(i int) bool { return s[i].hi > n })
	if i == len(s) || s[i].lo > n {
		return s[:i:i]
	}
	return append(s[:i:i], span{s[i].lo, n})
}

func (s spans) union(t spans) spans {
	all := append(slices.Clone(s), t...) // a copy: the last span of a run grows
	if len(s) == 0 || len(t) == 0 {
		return all
	}
	slices.SortFunc(all, func(a, b span) int { return a.lo - b.lo })
	out := all[:1]
	for _, x := range all[1:] {
		if last := &out[len(out)-1]; x.lo <= last.hi+1 {
			last.hi = max(last.hi, x.hi)
		} else {
			out = append(out, x)
		}
	}
	return slices.Clip(out)
}

const (
	// Form is the version of the bytes that this package packs. It changes
	// when they do.
	Form = "3"
	// Judgement is the version of what this package makes of a history. It
	// changes whenever the same versions would give other origins, so that
	// entries that were judged by an earlier version are judged again.
	Judgement = "1"
)
