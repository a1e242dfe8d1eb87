package store

import (
	"hash/maphash"
	"strings"

	"wontfix"
)

// How a statement has the line of its evidence.
const (
	evidenceNowhere = iota // it has none
	evidenceSame           // the statement's own line
	evidenceOwn            // another line, kept with the row
)

// A saying is what a statement says, apart from which vulnerability it speaks
// of and where it stands. Strings are numbers of a dictionary; 0 is "".
type saying struct {
	word, detail, priority, devel  uint32
	fixed, was, wasDetail          uint32
	successor, words, since, cause uint32
	module, introduced, last       uint32
	advisory, decided              uint32
	release                        uint32 // where it is not the label's
	file                           uint32 // where it is not the entry's
	reasons                        wontfix.Reasons
	status                         wontfix.Status
	decision                       wontfix.Decision
	evidence                       wontfix.Evidence
	kind                           uint8 // see kindOf
	mode                           uint8 // evidenceNowhere …
}

// The parts of a saying's kind: whether it speaks of a binary package, its
// strength, and its scope.
const (
	kindBinary   = 1
	kindStrength = 1 // shift of two bits
	kindScope    = 3 // shift of two bits
	allKinds     = 1<<5 - 1
)

// kindOf packs the small fields of a statement that are mostly zero.
func kindOf(s *wontfix.Statement) uint8 {
	kind := uint8(s.Strength)&3<<kindStrength | uint8(s.Scope)&3<<kindScope
	if s.Binary {
		kind |= kindBinary
	}
	return kind
}

func setKind(s *wontfix.Statement, kind uint8) {
	s.Binary = kind&kindBinary != 0
	s.Strength, s.Scope = wontfix.Strength(kind>>kindStrength&3), wontfix.Scope(kind>>kindScope&3)
}

// A dictionary numbers strings and sayings, each distinct one once.
type dictionary struct {
	seed    maphash.Seed
	strings []string
	numbers map[string]uint32
	sayings []saying
	ids     map[saying]uint32
	recent  []recent
}

// A recent is a statement that was numbered a short time ago.
type recent struct {
	statement wontfix.Statement
	release   string
	file      string
	mode      uint8
	id        uint32 // one more than the number; 0 if the place is free
}

const recents = 1 << 12

func newDictionary() *dictionary {
	return &dictionary{
		seed:    maphash.MakeSeed(),
		strings: []string{""},
		numbers: map[string]uint32{"": 0},
		ids:     map[saying]uint32{},
		recent:  make([]recent, recents),
	}
}

// number returns the number of a string. The dictionary keeps a copy, so that
// it does not hold the file that s is a part of.
func (d *dictionary) number(s string) uint32 {
	if s == "" {
		return 0
	}
	n, ok := d.numbers[s]
	if !ok {
		n = uint32(len(d.strings))
		s = strings.Clone(s)
		d.strings = append(d.strings, s)
		d.numbers[s] = n
	}
	return n
}

// evidenceMode returns how the line of the evidence is kept.
func evidenceMode(s *wontfix.Statement) uint8 {
	switch s.EvidenceLine {
	case 0:
		return evidenceNowhere
	case s.Line:
		return evidenceSame
	}
	return evidenceOwn
}

// add returns the number of what s says. release is the text of its release
// if that is not the one that its label stands for, and file its file if that
// is not the entry's. Trackers repeat themselves: most calls are answered by
// the place of a recent statement.
func (d *dictionary) add(s *wontfix.Statement, release, file string) uint32 {
	mode := evidenceMode(s)
	h := maphash.String(d.seed, s.Detail) ^ uint64(s.Decision)<<7 ^ uint64(s.Reasons)<<3 ^ uint64(len(s.Word))<<1 ^ uint64(mode)<<5
	if len(s.Priority) > 0 {
		h ^= uint64(s.Priority[0]) << 2
	}
	h ^= uint64(len(s.Words))*31 ^ uint64(len(s.Because))*17 ^ uint64(len(s.Fixed))*13
	r := &d.recent[h%recents]
	if r.id != 0 && r.mode == mode && r.release == release && r.file == file && sameSaying(&r.statement, s) {
		return r.id - 1
	}
	v := saying{
		word: d.number(s.Word), detail: d.number(s.Detail), priority: d.number(s.Priority), devel: d.number(s.DevelOf),
		fixed: d.number(s.Fixed), was: d.number(s.Was), wasDetail: d.number(s.WasDetail),
		successor: d.number(s.Successor), words: d.number(s.Words), since: d.number(s.Since), cause: d.number(s.Because),
		module: d.number(s.Module), introduced: d.number(s.Introduced), last: d.number(s.LastAffected), advisory: d.number(s.Advisory), decided: d.number(s.Decided), kind: kindOf(s),
		release: d.number(release), file: d.number(file), reasons: s.Reasons, status: s.Status, decision: s.Decision, evidence: s.Evidence, mode: mode,
	}
	id, ok := d.ids[v]
	if !ok {
		id = uint32(len(d.sayings))
		d.sayings = append(d.sayings, v)
		d.ids[v] = id
	}
	*r = recent{mode: mode, id: id + 1, release: d.strings[v.release], file: d.strings[v.file]}
	d.statement(&v, &r.statement)
	return id
}

// sameSaying compares all that a saying has, apart from mode, release and file.
func sameSaying(a, b *wontfix.Statement) bool {
	return a.Word == b.Word && a.Detail == b.Detail && a.Priority == b.Priority && a.DevelOf == b.DevelOf &&
		a.Status == b.Status && a.Decision == b.Decision && a.Reasons == b.Reasons && a.Evidence == b.Evidence &&
		a.Fixed == b.Fixed && a.Was == b.Was && a.WasDetail == b.WasDetail && a.Successor == b.Successor &&
		a.Words == b.Words && a.Since == b.Since && a.Because == b.Because && kindOf(a) == kindOf(b) &&
		a.Module == b.Module && a.Introduced == b.Introduced && a.LastAffected == b.LastAffected && a.Advisory == b.Advisory && a.Decided == b.Decided
}

// statement fills the parts of s that a saying has, apart from its release and file.
func (d *dictionary) statement(v *saying, s *wontfix.Statement) {
	s.Word, s.Detail, s.Priority, s.DevelOf = d.strings[v.word], d.strings[v.detail], d.strings[v.priority], d.strings[v.devel]
	s.Status, s.Decision, s.Reasons, s.Evidence = v.status, v.decision, v.reasons, v.evidence
	s.Fixed, s.Was, s.WasDetail = d.strings[v.fixed], d.strings[v.was], d.strings[v.wasDetail]
	s.Successor, s.Words, s.Since, s.Because = d.strings[v.successor], d.strings[v.words], d.strings[v.since], d.strings[v.cause]
	s.Module, s.Introduced, s.Advisory, s.Decided = d.strings[v.module], d.strings[v.introduced], d.strings[v.advisory], d.strings[v.decided]
	s.LastAffected = d.strings[v.last]
	setKind(s, v.kind)
}

// again numbers what was read from a blob of a label with the given release.
func (d *dictionary) again(s *wontfix.Statement, mode uint8, release wontfix.Release) uint32 {
	// The mode is told from the lines, so s is given such lines.
	s.Line, s.EvidenceLine = 1, int([...]uint8{evidenceNowhere: 0, evidenceSame: 1, evidenceOwn: 2}[mode])
	other := ""
	if s.Release != release {
		if other = s.Release.String(); other == "" {
			other = noRelease
		}
	}
	return d.add(s, other, s.File)
}
