package ubuntu

import (
	"cmp"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/lifecycle"
	"wontfix/reason"
)

//go:embed brackets.tsv
var bracketsTSV string

// A bracket is a row of brackets.tsv.
type bracket struct {
	decision wontfix.Decision
	reasons  wontfix.Reasons
	pattern  *regexp.Regexp
}

var brackets = sync.OnceValue(func() []bracket {
	var list []bracket
	for line := range strings.Lines(bracketsTSV) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if line[0] == '#' {
			continue
		}
		decision, err := wontfix.ParseDecision(cells[0])
		if err != nil || len(cells) != 3 {
			panic(fmt.Sprintf("brackets.tsv: %q: %v", line, err)) // it is part of the program
		}
		b := bracket{decision: decision, pattern: regexp.MustCompile("(?i)" + cells[2])}
		if cells[1] != "" {
			if b.reasons, err = wontfix.ParseReason(cells[1]); err != nil {
				panic("brackets.tsv: " + err.Error())
			}
		}
		list = append(list, b)
	}
	return list
})

var (
	wasPart   = lazyregexp.New(`(?:^|,\s*|\s)was (needs-triage|needed|active|pending|released|deferred|DNE|ignored|not-affected)\b(?:\s*\[(.*)\])?`)
	successor = lazyregexp.New(`(?i)\b(?:supers[ec]+ded|replaced) by "?([a-z0-9][a-z0-9.+_-]*[a-z0-9+])`)
	seeNotes  = lazyregexp.New(`(?i)^see\s+notes?( above| below)?\.?$`)
	dashDate  = lazyregexp.New(`^(\d{4})[-.](\d{2})[-.](\d{2})$`)
)

// meanings keeps what Meaning has found: a tracker has millions of rows and
// some ten thousand different ones.
var meanings = struct {
	sync.RWMutex
	known map[[2]string]wontfix.Meaning
}{known: make(map[[2]string]wontfix.Meaning)}

// Meaning says what a status word with its detail means by itself, without the
// notes, the folder and the other lines of its entry.
func Meaning(word, detail string) wontfix.Meaning {
	meanings.RLock()
	m, ok := meanings.known[[2]string{word, detail}]
	meanings.RUnlock()
	if ok {
		return m
	}
	word, detail = strings.Clone(word), strings.Clone(detail)
	m = readMeaning(word, trim(detail))
	meanings.Lock()
	meanings.known[[2]string{word, detail}] = m
	meanings.Unlock()
	return m
}

func readMeaning(word, detail string) wontfix.Meaning {
	switch word {
	case "released":
		return wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: versionIn(detail), Evidence: wontfix.EvidenceWord}
	case "not-affected":
		return notAffected(detail)
	case "pending":
		return wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionFixPending, Fixed: versionIn(detail), Evidence: wontfix.EvidenceWord}
	case "needed", "active":
		return withReasons(wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected}, detail)
	case "deferred":
		m := wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionDeferred}
		if d := dashDate.FindStringSubmatch(detail); d != nil {
			if day := strings.Join(d[1:], "-"); !wontfix.NewDate(day).IsZero() {
				m.Since = day
			}
			detail = ""
		}
		return withReasons(m, detail)
	case "needs-triage":
		return wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation,
			Reasons: wontfix.AnalysisPending, Evidence: wontfix.EvidenceWord}
	case "DNE":
		m := wontfix.Meaning{Decision: wontfix.DecisionNotInRelease, Reasons: wontfix.ComponentNotPresent, Evidence: wontfix.EvidenceWord}
		_, m.Was, m.WasDetail = cutWas(detail)
		return m
	case "ignored":
		return ignored(detail)
	}
	return wontfix.Meaning{}
}

// versionIn returns detail if it is a version by the tracker's own test: it
// begins with a digit and has no white space.
func versionIn(detail string) string {
	if detail == "" || detail[0] < '0' || detail[0] > '9' || strings.ContainsFunc(detail, isSpace) {
		return ""
	}
	return detail
}

// notAffected reads not-affected. With a version it means that the fix was
// already in that version, so an older one is vulnerable.
func notAffected(detail string) wontfix.Meaning {
	if v := versionIn(detail); v != "" {
		return wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed, Fixed: v, Evidence: wontfix.EvidenceWord}
	}
	return withReasons(wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected}, detail)
}

// withReasons adds the reasons that detail gives.
func withReasons(m wontfix.Meaning, detail string) wontfix.Meaning {
	if detail == "" || seeNotes.MatchString(detail) {
		m.Reasons = wontfix.NoReason
		return m
	}
	m.Reasons, m.Evidence = reason.Read(detail), wontfix.EvidenceBracket
	return m
}

func ignored(detail string) wontfix.Meaning {
	head, was, wasDetail := cutWas(detail)
	m := wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Was: was, WasDetail: wasDetail}
	m = withReasons(m, head)
	for _, b := range brackets() {
		if head == "" || !b.pattern.MatchString(head) {
			continue
		}
		m.Decision, m.Reasons = b.decision, m.Reasons|b.reasons
		break
	}
	switch m.Decision {
	case wontfix.DecisionNotAffected:
		m.Status = wontfix.NotAffected
		m.Because = "the bracket says that it is no vulnerability here"
	case wontfix.DecisionWithdrawn:
		m.Status = wontfix.StatusUnknown
		m.Because = "the bracket says that the vulnerability was withdrawn or is counted under another ID"
	case wontfix.DecisionEndOfLife:
		switch v := versionIn(trim(wasDetail)); {
		case v != "" && (was == "not-affected" || was == "released"):
			m.Decision, m.Status, m.Fixed = wontfix.DecisionFixed, wontfix.Fixed, v
		case was == "not-affected":
			m.Decision, m.Status = wontfix.DecisionNotAffected, wontfix.NotAffected
			m.Because = "it was judged not affected before the release ended"
		case was == "needs-triage":
			m.Status = wontfix.UnderInvestigation
		}
	}
	if s := successor.FindStringSubmatch(head); s != nil {
		m.Successor = s[1]
	}
	return m
}

// cutWas takes "was STATUS [detail]", which a sweep leaves behind, out of a
// detail.
func cutWas(detail string) (head, was, wasDetail string) {
	loc := wasPart.FindStringSubmatchIndex(detail)
	if loc == nil {
		return detail, "", ""
	}
	was = detail[loc[2]:loc[3]]
	if loc[4] >= 0 {
		wasDetail = detail[loc[4]:loc[5]]
	}
	return strings.Trim(detail[:loc[0]]+detail[loc[1]:], " ,"), was, wasDetail
}

// explain gives every statement of an entry its meaning.
func explain(e *wontfix.Entry, values map[string]*field) {
	withdrawnLine := withdraw(e, values)
	published := e.PublishedAt()
	newest := newestSeries(e.Statements)
	n := noteReader{entry: e}
	for i := range e.Statements {
		s := &e.Statements[i]
		s.Meaning = Meaning(s.Word, s.Detail)
		s.Published = published
		s.Priority = e.PriorityFor(s.Source, s.Label).Word
		switch {
		case s.Evidence == wontfix.EvidenceBracket || s.Evidence == wontfix.EvidenceWord:
			s.EvidenceLine = s.Line
		case s.Word == "ignored" || s.Word == "deferred":
			n.read(s)
		}
		if s.Label == "devel" {
			s.DevelOf = newest[s.Source]
		}
		if e.Withdrawn != "" {
			if s.Decision != wontfix.DecisionNotAffected && s.Decision != wontfix.DecisionNotInRelease {
				s.Status, s.Decision, s.Because = wontfix.StatusUnknown, wontfix.DecisionWithdrawn, e.Withdrawn
				s.EvidenceLine = cmp.Or(withdrawnLine, s.Line)
			}
		}
	}
}

// withdraw says whether and why a whole entry does not count, and returns the
// line that says so, 0 if it is the folder that does.
func withdraw(e *wontfix.Entry, values map[string]*field) int {
	if d := trim(e.Description); strings.HasPrefix(d, "** REJECT **") || strings.HasPrefix(d, "Rejected reason:") {
		e.Withdrawn = "the description says that the vulnerability was rejected"
		return values["Description"].line
	}
	if folder(e.File) == "ignored" {
		e.Withdrawn = "the tracker keeps the entry in its folder for what was withdrawn or does not concern Ubuntu"
	}
	return 0
}

// newestSeries returns, for each package, the series that devel stands for: the
// one after the newest series that the entry names for that package. It says
// nothing of packages without any.
func newestSeries(statements []wontfix.Statement) map[string]string {
	newest := make(map[string]int)
	order, after := seriesOrder()
	for i := range statements {
		s := &statements[i]
		if n, ok := order[s.Label]; ok && n > newest[s.Source] {
			newest[s.Source] = n
		}
	}
	next := make(map[string]string, len(newest))
	for source, n := range newest {
		next[source] = after[n]
	}
	return next
}

// seriesOrder has the place of every series in time, the first being 1, and
// for each place the series after it.
var seriesOrder = sync.OnceValues(func() (place map[string]int, after []string) {
	releases := lifecycle.Embedded().Releases("ubuntu")
	place, after = make(map[string]int), make([]string, len(releases)+1)
	for i, r := range releases {
		place[r.Series], place["ubuntu/"+r.Series] = i+1, i+1
		after[i] = r.Series
	}
	return place, after
})

// A noteReader finds the note that gives the reason for a statement whose own
// line gives none.
type noteReader struct {
	entry *wontfix.Entry
	notes map[int]decidingNote // the notes with a word of decision
}

// A decidingNote is a note with a word of decision.
type decidingNote struct {
	decided
	names  map[string]bool // the words of the note that may be names
	source bool            // one of them is a package of the entry
	number bool            // one of them is the number of a series
}

// decided is what a note with a word of decision gives.
type decided struct {
	reasons wontfix.Reasons
	words   string // the sentences that have the decision or a reason
}

// read gives s the reasons of the notes that speak of it, if there are any.
//
// Notes are about an entry, not about one of its packages: a note counts if it
// has a word of decision, unless it names only other packages of the entry. The
// line of the one that also names the package or the release is the evidence.
func (n *noteReader) read(s *wontfix.Statement) {
	if n.notes == nil {
		n.prepare()
	}
	best := 0
	var words []string
	var reasons wontfix.Reasons
	for i, note := range n.entry.Notes {
		found, decides := n.notes[i]
		if !decides {
			continue
		}
		score := found.score(s)
		if score == 0 {
			continue
		}
		if score > best {
			best, s.EvidenceLine = score, note.Line
		}
		words, reasons = append(words, found.words), reasons|found.reasons
	}
	if words != nil {
		s.Reasons, s.Evidence, s.Words = reasons, wontfix.EvidenceNote, reason.Shorten(strings.Join(words, " … "))
	}
}

// prepare finds out what does not depend on the statement.
func (n *noteReader) prepare() {
	n.notes = make(map[int]decidingNote)
	for i, note := range n.entry.Notes {
		d := decidedIn(note.Text)
		if d.words == "" {
			continue
		}
		deciding := decidingNote{decided: d, names: make(map[string]bool)}
		for _, word := range strings.FieldsFunc(note.Text, func(r rune) bool { return r >= 0x80 || !inName(byte(r)) }) {
			word = strings.TrimRight(word, ".")
			deciding.names[word] = true
			deciding.number = deciding.number || seriesNumber.MatchString(word)
		}
		for k := range n.entry.Statements {
			if deciding.names[n.entry.Statements[k].Source] {
				deciding.source = true
				break
			}
		}
		n.notes[i] = deciding
	}
}

// notesRead keeps what decidedIn has found: many notes come from templates.
var notesRead sync.Map // string -> decided

// decidedIn reads a note; no words means that it decides nothing.
func decidedIn(text string) decided {
	if v, ok := notesRead.Load(text); ok {
		return v.(decided)
	}
	var d decided
	if reason.Decides(text) {
		d = decided{reason.Read(text), tellingSentences(text)}
	}
	notesRead.Store(strings.Clone(text), d)
	return d
}

// tellingSentences returns the sentences of a note that have a word of decision
// or give a reason, on one line.
func tellingSentences(text string) string {
	var kept []string
	rest := strings.Join(strings.Fields(text), " ")
	for rest != "" {
		sentence := rest
		if i := strings.Index(rest, ". "); i >= 0 {
			sentence = rest[:i+1]
		}
		rest = strings.TrimSpace(rest[len(sentence):])
		if reason.Decides(sentence) || reason.Read(sentence) != 0 {
			kept = append(kept, sentence)
		}
	}
	return strings.Join(kept, " ")
}

// seriesNumber is the form of a series' number.
var seriesNumber = lazyregexp.New(`^(?:[4-9]|[1-9]\d)\.(?:04|06|10)$`)

// score says how much the note speaks of s: not at all if it names packages of
// the entry or numbers of series, and not those of s.
func (d *decidingNote) score(s *wontfix.Statement) int {
	r, _ := lifecycle.Embedded().Lookup("ubuntu", s.Release.Series)
	number, _, _ := strings.Cut(r.Version, " ")
	series := d.names[s.Release.Series] || number != "" && d.names[number]
	source := d.names[s.Source]
	if d.number && !series || d.source && !source {
		return 0
	}
	score := 1
	if source {
		score += 2
	}
	if series {
		score++
	}
	return score
}

func inName(c byte) bool {
	return c == '-' || c == '+' || c == '.' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
