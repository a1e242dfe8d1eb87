package csaf

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"wontfix"
	"wontfix/cpe"
	"wontfix/internal/lazyregexp"
	"wontfix/reason"
)

// A fold is what the statements have in common that are made one: only the
// architecture and the repository of a package differ.
type fold struct {
	release                  wontfix.Release
	module, source           string
	binary                   bool
	word, detail             string
	fixed, advisory, decided string
}

// A row is a statement in the making.
type row struct {
	wontfix.Statement
	said      *said
	component component
	final     bool // the platform is the release as it is kept up to date, and not as it came out
}

// statements makes the statements of a vulnerability: one for each package,
// release and decision.
func (j *joiner) statements(e *wontfix.Entry, v *vulnerability) []wontfix.Statement {
	decisions := j.decisions(v)
	rows := make([]row, 0, 16)
	seen := make(map[fold]int)
	published := e.PublishedAt()
	note := sync.OnceValue(func() noteReason { return readNotes(e) })
	for i := range v.said {
		s := &v.said[i]
		if j.publisher.ignores[s.status] {
			continue
		}
		m, word, detail, ok := j.meaning(v, decisions, s)
		if !ok {
			continue
		}
		c, at := j.resolve(s.product, m.Status == wontfix.Fixed)
		if c.name == "" {
			continue
		}
		release := at.release
		if m.Decision == wontfix.DecisionFixed && m.Status == wontfix.Fixed {
			m.Fixed = c.version
			if cpe.Paid(release.Product) {
				m.Decision, m.Status, m.Reasons = wontfix.DecisionPaid, wontfix.Affected, wontfix.PaidTierOnly
			}
		}
		f := fold{release, c.module, c.name, c.binary, word, detail, m.Fixed, m.Advisory, m.Decided}
		if first, ok := seen[f]; ok {
			rows[first].final = rows[first].final || at.final
			continue
		}
		seen[f] = len(rows)
		next := row{said: s, component: c, final: at.final}
		next.Statement = wontfix.Statement{ID: e.ID, Source: c.name, Binary: c.binary, Module: c.module, Release: release, Label: at.label,
			Word: word, Detail: detail, File: j.file, Published: published, Priority: cmp.Or(decisions[s.product].impact, e.Priority.Word), Meaning: m}
		rows = append(rows, next)
	}
	rows = slices.DeleteFunc(rows, covered(rows))
	rows = slices.DeleteFunc(rows, outdated(rows))
	list := make([]wontfix.Statement, len(rows))
	for i := range rows {
		s := &list[i]
		*s = rows[i].Statement
		s.Line, s.Pointer = j.lines.at(rows[i].said.offset), v.pointer(rows[i].said)
		if s.Evidence == wontfix.EvidenceWord && s.EvidenceLine == 0 {
			s.EvidenceLine = s.Line
		}
		if s.Decision == wontfix.DecisionWontFix || s.Decision == wontfix.DecisionDeferred {
			note().apply(s)
		}
		if e.Withdrawn != "" && s.Decision != wontfix.DecisionNotAffected {
			s.Status, s.Decision, s.Because = wontfix.StatusUnknown, wontfix.DecisionWithdrawn, e.Withdrawn
		}
	}
	return list
}

// A verdict is what is said of a product beside its status.
type verdict struct {
	said   bool // there is a status
	remedy int  // index of the remediation that decides, -1
	fix    int  // index of the remediation that brings the fix, -1
	flag   *onProducts
	impact string // the publisher's rating
	why    *onProducts
}

// strongest says which of two remediations of a product decides: a word about
// what will be done beats one that there is nothing yet.
var strongest = map[string]int{"no_fix_planned": 3, "fix_planned": 2, "none_available": 1}

// decisions gathers the remediations, flags and threats of each product, by
// its number.
func (j *joiner) decisions(v *vulnerability) []verdict {
	all := make([]verdict, len(j.document.products))
	for i := range v.said {
		all[v.said[i].product] = verdict{said: true, remedy: -1, fix: -1}
	}
	each := func(products []int32, groups []string, fn func(*verdict)) {
		for _, n := range products {
			if all[n].said {
				fn(&all[n])
			}
		}
		for _, g := range groups {
			for _, n := range j.document.groups[g] {
				if all[n].said {
					fn(&all[n])
				}
			}
		}
	}
	for i := range v.remedies {
		y := &v.remedies[i]
		switch {
		case mitigates(y.category):
		case y.category == "vendor_fix" || y.category == "optional_patch":
			if last := y.url[strings.LastIndexByte(y.url, '/')+1:]; advisory.MatchString(last) {
				y.advisory = last
			}
			each(y.products, y.groups, func(d *verdict) {
				if d.fix < 0 || v.remedies[d.fix].category == "optional_patch" {
					d.fix = i
				}
			})
		default:
			each(y.products, y.groups, func(d *verdict) {
				if d.remedy < 0 || strongest[y.category] > strongest[v.remedies[d.remedy].category] {
					d.remedy = i
				}
			})
		}
	}
	for i := range v.flags {
		f := &v.flags[i]
		each(f.products, f.groups, func(d *verdict) { d.flag = f })
	}
	for i := range v.impacts {
		t := &v.impacts[i]
		switch {
		case j.publisher.severity && t.all || strings.EqualFold(t.text.text, j.document.severity.text):
		case j.publisher.severity:
			each(t.products, t.groups, func(d *verdict) { d.impact = t.text.text })
		case t.all:
			for n := range all {
				all[n].why = t
			}
		default:
			each(t.products, t.groups, func(d *verdict) { d.why = t })
		}
	}
	return all
}

// advisory is the form of the IDs that advisories have in links.
var advisory = lazyregexp.New(`^[A-Z][A-Za-z]+-[A-Za-z0-9]+[:-][A-Za-z0-9:-]+$`)

// meaning says what a product's status means with what else is said of the
// product; word and detail are the document's words. It is not ok if that is
// nothing.
func (j *joiner) meaning(v *vulnerability, decisions []verdict, s *said) (m wontfix.Meaning, word, detail string, ok bool) {
	d := decisions[s.product]
	switch {
	case j.publisher.fixes[s.status]:
		m.Status, m.Decision, m.Evidence = wontfix.Fixed, wontfix.DecisionFixed, wontfix.EvidenceWord
		j.fixedBy(&m, v, d.fix)
		return m, s.status, "", true
	case s.status == "known_not_affected":
		m.Status, m.Decision, m.Reasons = wontfix.NotAffected, wontfix.DecisionNotAffected, wontfix.NoReason
		switch {
		case d.flag != nil:
			detail = d.flag.text.text
			if r, ok := justifications[detail]; ok {
				m.Reasons, m.Evidence = r, wontfix.EvidenceWord
			}
			m.EvidenceLine = j.lines.at(d.flag.text.offset)
		case d.why != nil:
			detail = d.why.text.text
			j.readReasons(&m, d.why.text)
		}
		return m, s.status, detail, true
	case s.status == "under_investigation":
		return wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation,
			Reasons: wontfix.AnalysisPending, Evidence: wontfix.EvidenceWord}, s.status, "", true
	case s.status == "known_affected" || s.status == "first_affected" || s.status == "last_affected":
		m.Status, m.Decision, m.Reasons = wontfix.Affected, wontfix.DecisionAffected, wontfix.NoReason
		y := d.fix
		if d.remedy >= 0 {
			y = d.remedy
		}
		if y < 0 {
			return m, s.status, "", true
		}
		j.decide(&m, v, y)
		return m, cmp.Or(v.remedies[y].category, s.status), v.remedies[y].details.text, true
	}
	return m, "", "", false
}

// fixedBy adds what the remediation says that brings the fix, if there is one.
func (j *joiner) fixedBy(m *wontfix.Meaning, v *vulnerability, fix int) {
	if strings.HasSuffix(j.document.category.text, "security_advisory") {
		m.Advisory = j.document.id.text
	}
	if fix < 0 {
		return
	}
	y := &v.remedies[fix]
	m.Advisory = cmp.Or(m.Advisory, y.advisory)
	if day, _, _ := strings.Cut(y.date, "T"); len(day) == len("2006-01-02") {
		m.Decided = day
	}
}

// decide reads the remediation of a product that is affected.
func (j *joiner) decide(m *wontfix.Meaning, v *vulnerability, remedy int) {
	y := &v.remedies[remedy]
	switch y.category {
	case "no_fix_planned":
		m.Decision = wontfix.DecisionWontFix
	case "fix_planned":
		m.Decision = wontfix.DecisionFixPending
	case "vendor_fix":
		m.Decision, m.Reasons, m.Evidence = wontfix.DecisionFixed, 0, wontfix.EvidenceWord
		j.fixedBy(m, v, remedy)
		return
	case "optional_patch":
		m.Decision, m.Reasons, m.Evidence = wontfix.DecisionFixed, wontfix.MinorImpact, wontfix.EvidenceWord
		j.fixedBy(m, v, remedy)
		return
	}
	if t, ok := j.publisher.terms[strings.ToLower(strings.TrimSpace(y.details.text))]; ok {
		if t.decision != wontfix.DecisionUnknown {
			m.Decision = t.decision
		}
		if t.reasons != 0 {
			m.Reasons, m.Evidence, m.EvidenceLine = t.reasons, wontfix.EvidenceWord, j.lines.at(y.details.offset)
		}
		return
	}
	j.readReasons(m, y.details)
}

// readReasons reads reasons from the text that goes with a status.
func (j *joiner) readReasons(m *wontfix.Meaning, text place) {
	if r := reason.Read(text.text); r != 0 {
		m.Reasons, m.Evidence, m.EvidenceLine = r, wontfix.EvidenceBracket, j.lines.at(text.offset)
	}
}

// justifications are the labels of flags.
var justifications = map[string]wontfix.Reasons{
	"component_not_present":                             wontfix.ComponentNotPresent,
	"vulnerable_code_not_present":                       wontfix.CodeNotPresent,
	"vulnerable_code_not_in_execute_path":               wontfix.NotExploitableHere,
	"vulnerable_code_cannot_be_controlled_by_adversary": wontfix.NotExploitableHere,
	"inline_mitigations_already_exist":                  wontfix.MitigatedElsewhere,
}

// A noteReason is what the notes of an entry give as reasons for not fixing.
type noteReason struct {
	reasons wontfix.Reasons
	line    int
	words   string
}

// readNotes reads the publisher's statement about a vulnerability. It is about
// the vulnerability as a whole, and so a reason for every product that gets no
// fix.
func readNotes(e *wontfix.Entry) (n noteReason) {
	for _, note := range e.Notes {
		r := reason.Read(note.Text)
		if r == 0 {
			continue
		}
		if n.reasons == 0 {
			n.line, n.words = note.Line, reason.Quote(note.Text)
		}
		n.reasons |= r
	}
	return n
}

// apply gives the reasons to a product that gets no fix.
func (n noteReason) apply(s *wontfix.Statement) {
	r := reason.Fit(s.Decision, n.reasons)
	if r == 0 {
		return
	}
	if s.Evidence == wontfix.EvidenceNone {
		s.Reasons, s.Evidence, s.EvidenceLine = 0, wontfix.EvidenceNote, n.line
	}
	s.Reasons, s.Words = s.Reasons|r, n.words
}

// covered finds the binary packages of which another row speaks already: that
// of their source package, in the same update or, where no versions are given,
// with the same decision.
func covered(rows []row) func(row) bool {
	type update struct {
		release          wontfix.Release
		module           string
		word, detail     string
		advisory, number string // the release number of the package, which an update has in common
	}
	of := func(r *row) update {
		return update{r.Release, r.Module, r.Word, r.Detail, r.Advisory, r.component.build()}
	}
	sources := make(map[update]bool)
	for i := range rows {
		if r := &rows[i]; !r.Binary {
			u := of(r)
			sources[u] = true
			if r.Fixed == "" { // its version is one of those affected, and binaries have none
				u.number = ""
				sources[u] = true
			}
		}
	}
	return func(r row) bool { return r.Binary && !r.component.alone && sources[of(&r)] }
}

// outdated finds the open rows of a release as it came out, where another row
// speaks of the same package in the release as it is kept up to date.
func outdated(rows []row) func(row) bool {
	type key struct {
		release        wontfix.Release
		module, source string
	}
	final := make(map[key]bool)
	for i := range rows {
		if r := &rows[i]; r.final {
			final[key{r.Release, r.Module, r.Source}] = true
		}
	}
	return func(r row) bool {
		return !r.final && r.Status != wontfix.Fixed && r.Status != wontfix.NotAffected && r.Decision != wontfix.DecisionPaid &&
			final[key{r.Release, r.Module, r.Source}]
	}
}

func quote(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return strconv.Quote(s)
}

// escape makes a name a part of a JSON Pointer.
func escape(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
