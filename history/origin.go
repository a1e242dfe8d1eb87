package history

import (
	"slices"
	"strings"

	"wontfix"
	"wontfix/reason"
)

// An origin is who decided what a row says. Commits are numbers plus one; 0
// stands for none.
type origin struct {
	class      wontfix.Class
	wroteClass wontfix.Class
	evidence   wontfix.Evidence
	confidence wontfix.Confidence
	reversals  int32
	decided    int32
	wrote      int32
	before     int32
	reasons    wontfix.Reasons
	words      string
	copied     string // the row that was decided about, if it is another
	said       Value  // what stood there before a sweep
}

// Origin returns who decided what a row says, false if there is no such row.
func (t *Trace) Origin(k Key) (wontfix.Origin, bool) {
	key := t.keyOf(k)
	if key == none || t.value(t.at, key) == none {
		return wontfix.Origin{}, false
	}
	o := t.origin(key)
	return o.expand(t.log), true
}

// origin walks back from the change that wrote a row to the one that decided:
// past other words for the same status, and from a copy to what was copied.
func (t *Trace) origin(key int32) origin {
	chain := t.chain(key)
	if len(chain) == 0 {
		return origin{}
	}
	n := 0
	class, from := t.class(chain[0])
	o := origin{wroteClass: class}
	for ; n+1 < len(chain) && (from != none || class == wontfix.ClassReword); n++ {
		if from != none {
			o.copied = t.keys[from].String()
		}
		class, from = t.class(chain[n+1])
	}
	c := chain[n]
	o.class, o.decided = class, t.number(c)
	if n > 0 {
		o.wrote = t.number(chain[0])
	} else {
		o.wroteClass = wontfix.ClassUnknown
	}
	t.explain(&o, c)
	t.beforeSweep(&o, chain[n:])
	for _, e := range chain {
		if t.reverses(e) {
			o.reversals++
		}
	}
	return o
}

// copiedFrom returns the change that brought what a copy was made of: as it
// was before the commit, or, where the commit changed both rows, as it left it.
func (t *Trace) copiedFrom(c change, from int32) change {
	record := c.from
	if v := t.value(record, from); v == none || v != c.new && t.value(c.record, from) == c.new {
		record = c.record
	}
	return t.introduced(record, from)
}

func (t *Trace) number(c change) int32 { return int32(t.file.Records[c.record].Commit + 1) }

// chain returns the changes that led to what a row says, newest first: of a
// copy also those of the row that it was made of.
func (t *Trace) chain(key int32) []change {
	if t.at < 0 {
		return nil
	}
	var chain []change
	c := t.introduced(t.at, key)
	if c.old == none && c.new == none {
		return nil
	}
	for ok := true; ok; {
		chain = append(chain, c)
		if _, from := t.class(c); from != none {
			c = t.copiedFrom(c, from)
		} else {
			c, ok = t.before(c)
		}
	}
	return chain
}

// reverses reports whether a change took a refusal back: the row is open again,
// or a fix was made after all. That a package is not affected, or not there, is
// another finding and takes nothing back.
func (t *Trace) reverses(c change) bool {
	if c.old == none || c.new == none {
		return false
	}
	if t.meaning(c.old).Decision != wontfix.DecisionWontFix {
		return false
	}
	switch t.meaning(c.new).Decision {
	case wontfix.DecisionAffected, wontfix.DecisionUnderInvestigation, wontfix.DecisionDeferred, wontfix.DecisionFixPending:
		return true
	case wontfix.DecisionFixed:
		return t.values[c.new].Word == "released"
	}
	return false
}

// beforeSweep finds what a person had last said before a sweep, a robot or a
// bulk change, which is the first of chain.
func (t *Trace) beforeSweep(o *origin, chain []change) {
	switch o.class {
	case wontfix.ClassEOLSweep, wontfix.ClassGone, wontfix.ClassRobot, wontfix.ClassBulk:
	default:
		return
	}
	for i, c := range chain[1:] {
		if _, from := t.class(chain[i]); from == none && c.new == none {
			return
		}
		class, _ := t.class(c)
		if class == wontfix.ClassDecision || class == wontfix.ClassCreate && t.considered(c) {
			o.before, o.said = t.number(c), t.values[c.new]
			return
		}
	}
}

// considered reports whether the commit that made an entry was about few of
// them and its author wrote a note: then the first rows are a judgement, and
// not a template's.
func (t *Trace) considered(c change) bool {
	commit := t.commit(c.record)
	if commit.Entries > fewEntries {
		return false
	}
	for _, n := range t.noteChanges(c.record) {
		if n.Kind == Written && t.log.owns(commit, n.Author) {
			return true
		}
	}
	return false
}

// explain finds the reasons of a change, where they stand, and how sure it is
// who decided. The first of these that gives any counts: the text in the row,
// a note that its author wrote in the same commit, the commit's message, the
// entry's other notes.
func (t *Trace) explain(o *origin, c change) {
	if c.new == none {
		return
	}
	commit := t.commit(c.record)
	m := t.meaning(c.new)
	o.reasons, o.evidence = m.Reasons, m.Evidence
	if m.Evidence == wontfix.EvidenceBracket {
		o.words = t.values[c.new].Detail
	}
	own := t.ownNotes(c)
	if o.evidence == wontfix.EvidenceNone {
		switch {
		case o.class == wontfix.ClassUnseen:
		case own != "":
			t.set(o, wontfix.EvidenceOwnNote, own)
			if said := t.saidOf(c); o.reasons == wontfix.NoReason && t.reasonsIn(said) != 0 {
				t.set(o, wontfix.EvidenceOwnNote, own+" … "+said)
			}
		default:
			if said := t.saidOf(c); said != "" {
				t.set(o, wontfix.EvidenceMessage, said)
			}
		}
		if words := t.otherNotes(c); o.evidence == wontfix.EvidenceNone && words != "" {
			t.set(o, wontfix.EvidenceNote, words)
		}
	}
	o.words = reason.Shorten(o.words)
	switch o.class {
	case wontfix.ClassDecision:
		o.confidence = wontfix.ConfidenceMedium
		if own != "" {
			o.confidence = wontfix.ConfidenceHigh
		} else if commit.Entries > fewEntries {
			o.confidence = wontfix.ConfidencePolicy
		}
	case wontfix.ClassCreate:
		o.confidence = wontfix.ConfidenceLow
		if t.considered(c) {
			o.confidence = wontfix.ConfidenceMedium
		}
	case wontfix.ClassEOLSweep, wontfix.ClassGone, wontfix.ClassRobot, wontfix.ClassBulk:
		o.confidence = wontfix.ConfidencePolicy
	default:
		o.confidence = wontfix.ConfidenceLow
	}
}

func (t *Trace) set(o *origin, e wontfix.Evidence, words string) {
	o.evidence, o.words = e, words
	o.reasons &^= wontfix.NoReason
	o.reasons |= t.reasonsIn(words)
	if o.reasons == 0 {
		o.reasons = wontfix.NoReason
	}
}

// reasonsIn returns the reasons that words give. One note or message speaks of
// many rows of an entry and is read once.
func (t *Trace) reasonsIn(words string) wontfix.Reasons {
	r, ok := t.reasons[words]
	if !ok {
		r = reason.Read(words)
		if t.reasons == nil {
			t.reasons = make(map[string]wontfix.Reasons)
		}
		t.reasons[words] = r
	}
	return r
}

// saidOf returns what the message of a change's commit says that was decided
// about the row.
func (t *Trace) saidOf(c change) string {
	return t.log.message(t.file.Records[c.record].Commit).about(t.commit(c.record).Entries <= 1, t.file.ID, t.keys[c.key])
}

// ownNotes returns what the author of a change wrote into the notes in the same
// commit.
func (t *Trace) ownNotes(c change) string {
	commit := t.commit(c.record)
	if commit.Entries >= manyEntries || t.robot(c.record) {
		return ""
	}
	if words, ok := t.own[c.record]; ok {
		return words
	}
	var words []string
	for _, n := range t.noteChanges(c.record) {
		if n.Kind != Deleted && t.log.owns(commit, n.Author) {
			words = append(words, added(n.Was, n.Text))
		}
	}
	if t.own == nil {
		t.own = make(map[int]string)
	}
	all := strings.Join(words, " … ")
	t.own[c.record] = all
	return all
}

// A decidingNote is a note that says that something was decided.
type decidingNote struct {
	text  string
	about []string // the sources of the entry that it names
}

// otherNotes returns the notes that stood there at a change and say that
// something was decided, unless they name only other sources of the entry.
func (t *Trace) otherNotes(c change) string {
	switch t.values[c.new].Word {
	case "ignored", "deferred":
	default:
		return ""
	}
	text := t.text(c.record)
	if text < 0 {
		return ""
	}
	set := t.noteSetOf(text)
	if !set.decides {
		set.decides = true
		for _, n := range set.notes {
			if reason.Decides(n.Text) {
				set.deciding = append(set.deciding, decidingNote{squeeze(n.Text), t.sourcesIn(n.Text)})
			}
		}
	}
	var words []string
	for _, n := range set.deciding {
		if n.about == nil || slices.Contains(n.about, t.keys[c.key].Source) {
			words = append(words, n.text)
		}
	}
	return strings.Join(words, " … ")
}

// sourcesIn returns the sources of the entry that a note names.
func (t *Trace) sourcesIn(note string) []string {
	var names []string
	for _, word := range strings.FieldsFunc(note, func(r rune) bool {
		return r >= 0x80 || r != '-' && r != '+' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) {
		word = strings.TrimRight(word, ".")
		if slices.ContainsFunc(t.keys, func(k Key) bool { return k.Source == word }) {
			names = append(names, word)
		}
	}
	return names
}

// expand makes of an origin what others see.
func (o *origin) expand(log *Log) wontfix.Origin {
	w := wontfix.Origin{
		Class: o.class, Decided: log.revision(o.decided), Wrote: log.revision(o.wrote), WroteClass: o.wroteClass,
		CopiedFrom: o.copied, Evidence: o.evidence, Reasons: o.reasons.Words(), Words: o.words,
		Confidence: o.confidence, Reversals: int(o.reversals),
	}
	if o.before > 0 {
		w.Before = &wontfix.Said{Revision: *log.revision(o.before), Status: o.said.Word, Detail: o.said.Detail}
	}
	return w
}

// revision returns what is shown of commit n-1; nil for 0.
func (l *Log) revision(n int32) *wontfix.Revision {
	if n == 0 {
		return nil
	}
	r := l.Revision(int(n - 1))
	return &r
}

// Revision returns what is shown of a commit.
func (l *Log) Revision(commit int) wontfix.Revision {
	c := l.Commit(commit)
	r := wontfix.Revision{Commit: c.ID, Author: c.Author, Nick: l.Nick(c.Author), Time: c.Time, Subject: c.Subject(), Entries: c.Entries}
	if l.URL != nil && c.ID != "" {
		r.URL = l.URL(c.ID)
	}
	return r
}
