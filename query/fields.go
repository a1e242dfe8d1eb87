package query

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// A Record is a statement that an expression is asked about.
type Record struct {
	Statement *wontfix.Statement

	// Origin returns who decided what the statement says, or nil if that is
	// not known. It is called only where the statement alone does not decide:
	// see [Expr.NeedsOrigin].
	Origin func() *wontfix.Origin

	// Entry returns the entry that the statement is from, or nil. It is called
	// only where the others do not decide: see [Expr.NeedsEntry].
	Entry func() *wontfix.Entry
}

// entry returns the record's entry; one without contents if it has none.
func (r Record) entry() *wontfix.Entry {
	if r.Entry != nil {
		if e := r.Entry(); e != nil {
			return e
		}
	}
	return &wontfix.Entry{}
}

// origin returns who decided, nil if that is not known.
func (r Record) origin() *wontfix.Origin {
	if r.Origin == nil {
		return nil
	}
	return r.Origin()
}

// A kind says how the values of a field are compared.
type kind uint8

const (
	exactly  kind = iota // the same text; * and ? stand for any characters
	contains             // the value is a part of the text, in any case
	closed               // one of a list of words
	ordered              // has a rank or a date: < and > can be used
)

// A field is something of a record that a term can ask for.
type field struct {
	name  string
	kind  kind
	needs needs
	day   bool // it is a date, and a value a day, a month or a year
	// strict says that upper and lower case differ.
	strict bool
	// text returns what the statement has. Where there can be several, texts
	// returns them instead, and a term holds if it does for one of them.
	text  func(*wontfix.Statement) string
	texts func(Record) []string
	// check returns the value in the spelling that texts has, or an error that
	// says what values there are; nil if any value will do.
	check func(string) (string, error)
	// compare returns how a text of the record stands to a value that check
	// accepted, and false if it cannot be told; nil without order.
	compare func(text, value string) (int, bool)
}

// fields are all fields, in the order in which an error lists them.
var fields = []*field{
	{name: "id", strict: true, text: func(s *wontfix.Statement) string { return s.ID }, check: checkID},
	{name: "release", strict: true, texts: releaseTexts},
	{name: "package", strict: true, text: func(s *wontfix.Statement) string { return s.Source }},
	{name: "status", texts: func(r Record) []string { return []string{r.Statement.Word, r.Statement.Status.String()} }},
	{name: "word", text: func(s *wontfix.Statement) string { return s.Word }},
	{name: "decision", kind: closed, text: func(s *wontfix.Statement) string { return s.Decision.String() },
		check: func(v string) (string, error) { d, err := wontfix.ParseDecision(v); return d.String(), err }},
	{name: "reason", kind: closed, texts: func(r Record) []string { return r.Statement.Reasons.Words() },
		check: func(v string) (string, error) { q, err := wontfix.ParseReason(v); return q.String(), err }},
	{name: "evidence", kind: closed, needs: wantsOrigin, texts: evidences,
		check: func(v string) (string, error) {
			var e wontfix.Evidence
			err := e.UnmarshalText([]byte(v))
			return e.String(), err
		}},
	{name: "priority", kind: ordered, text: func(s *wontfix.Statement) string { return s.Priority }, compare: comparePriority},
	{name: "published", kind: ordered, day: true, text: func(s *wontfix.Statement) string { return s.Published }, check: checkDate, compare: compareDate},
	{name: "year", kind: ordered, text: func(s *wontfix.Statement) string { return yearOf(s.ID) }, check: checkYear,
		compare: func(text, value string) (int, bool) { return strings.Compare(text, value), text != "" }},
	{name: "detail", kind: contains, text: func(s *wontfix.Statement) string { return s.Detail }},
	{name: "fixed", text: func(s *wontfix.Statement) string { return s.Fixed }},
	{name: "was", text: func(s *wontfix.Statement) string { return s.Was }},
	{name: "file", strict: true, text: func(s *wontfix.Statement) string { return s.File }},
	{name: "in", strict: true, texts: func(r Record) []string { return foldersOf(r.Statement.File) }},
	{name: "author", needs: needsEntry, texts: func(r Record) []string {
		return notes(r.entry(), func(n *wontfix.Note) string { return n.Author })
	}},
	{name: "note", kind: contains, needs: needsEntry, texts: func(r Record) []string {
		return notes(r.entry(), func(n *wontfix.Note) string { return n.Text })
	}},
	{name: "tag", needs: needsEntry, texts: tags},
	{name: "text", kind: contains, needs: needsEntry, texts: allTexts},
	{name: "by", kind: contains, needs: needsOrigin, texts: deciders},
	{name: "decided", kind: ordered, day: true, needs: needsOrigin, texts: decided, check: checkDate, compare: compareDate},
	{name: "reversed", kind: closed, needs: needsOrigin, texts: reversed, check: checkYes},
	{name: "class", kind: closed, needs: needsOrigin, texts: class,
		check: func(v string) (string, error) { c, err := wontfix.ParseClass(v); return c.String(), err }},
	{name: "confidence", kind: closed, needs: needsOrigin, texts: confidence,
		check: func(v string) (string, error) {
			var c wontfix.Confidence
			err := c.UnmarshalText([]byte(v))
			return c.String(), err
		}},
	{name: "reason-then", kind: closed, needs: needsOrigin, texts: reasonsThen,
		check: func(v string) (string, error) { q, err := wontfix.ParseReason(v); return q.String(), err }},
}

// aliases are other names of fields.
var aliases = map[string]string{"cve": "id", "source": "package", "pkg": "package", "folder": "in"}

// dateFields are names for a field with an operator.
var dateFields = map[string]struct{ field, op string }{
	"decided-after":  {"decided", ">"},
	"decided-before": {"decided", "<"},
}

// fieldNamed returns a field, or nil.
func fieldNamed(name string) *field {
	name = strings.ToLower(name)
	if a, ok := aliases[name]; ok {
		name = a
	}
	for _, f := range fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

// Fields returns the names of all fields, for help and completion.
func Fields() []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// nearest returns the field whose name is most like the one given, or "" if
// none is much like it.
func nearest(name string) string {
	best, least := "", 3
	for _, f := range slices.Concat(Fields(), slices.Sorted(maps.Keys(dateFields))) {
		if d := editDistance(strings.ToLower(name), f); d < least && d < len(f) {
			best, least = f, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// ReleaseIs reports whether a value of the field release, spelled in any of
// the ways that a query may use, means a statement's release: the tracker's
// label (trusty/esm), distribution/series/product, series/product, or
// product/series. A series alone means the series and none of its products.
// The value may have * and ?.
func ReleaseIs(value, label string, r wontfix.Release) bool {
	if strings.ContainsAny(value, "*?") {
		return slices.ContainsFunc(releaseSpellings(label, r), func(s string) bool { return globMatch(value, s) })
	}
	return releaseIs(value, label, r)
}

// releaseIs is [ReleaseIs] for a value without * and ?: it is one of
// releaseSpellings, and none of them is made.
func releaseIs(value, label string, r wontfix.Release) bool {
	if value == label {
		return true
	}
	first, rest, cut := strings.Cut(value, "/")
	second, third, more := strings.Cut(rest, "/")
	switch {
	case !cut:
		return r.Product == "" && (r.Series == first || r.Series == "" && r.Distribution == first)
	case more:
		return r.Distribution == first && r.Series == second && r.Product == third && third != ""
	case r.Product == "":
		return r.Distribution == first && r.Series == second && second != ""
	}
	return r.Series == first && r.Product == second || r.Product == first && r.Series == second
}

func releaseTexts(r Record) []string {
	return releaseSpellings(r.Statement.Label, r.Statement.Release)
}

func releaseSpellings(label string, r wontfix.Release) []string {
	all := []string{label, r.String()}
	switch {
	case r.Series == "":
	case r.Product == "":
		all = append(all, r.Series)
	default:
		all = append(all, r.Series+"/"+r.Product, r.Product+"/"+r.Series)
	}
	return all
}

// checkID writes CVE in capitals, as every tracker has it.
func checkID(v string) (string, error) {
	if len(v) > 4 && strings.EqualFold(v[:4], "CVE-") {
		return strings.ToUpper(v), nil
	}
	return v, nil
}

// priorities are the ranks of the words that publishers use.
var priorities = map[string]int{
	"negligible": 1, "unimportant": 1,
	"low":    2,
	"medium": 3, "moderate": 3,
	"high": 4, "important": 4,
	"critical": 5,
}

// comparePriority compares ranks. A priority that is not known, such as
// untriaged, is neither above nor below another.
func comparePriority(text, value string) (int, bool) {
	a, b := priorities[strings.ToLower(text)], priorities[strings.ToLower(value)]
	return a - b, a > 0 && b > 0
}

// checkDate accepts a day, a month or a year.
func checkDate(v string) (string, error) {
	const form = "dddd-dd-dd"
	if len(v) != 4 && len(v) != 7 && len(v) != 10 {
		return "", errDate(v)
	}
	for i := range len(v) {
		if isDigit := '0' <= v[i] && v[i] <= '9'; isDigit != (form[i] == 'd') || !isDigit && v[i] != '-' {
			return "", errDate(v)
		}
	}
	return v, nil
}

func errDate(v string) error {
	return fmt.Errorf("date %q is not one; write 2015, 2015-06 or 2015-06-30", v)
}

// compareDate compares a day with a period: a day within it is equal to it.
func compareDate(text, value string) (int, bool) {
	if text == "" {
		return 0, false
	}
	return strings.Compare(text[:min(len(text), len(value))], value), true
}

func checkYear(v string) (string, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1000 || n > 9999 {
		return "", fmt.Errorf("year %q is not one; write it as 2015", v)
	}
	return strconv.Itoa(n), nil
}

// yearOf returns the year in an identifier such as CVE-2014-9365, or "".
func yearOf(id string) string {
	for part := range strings.SplitSeq(id, "-") {
		if len(part) == 4 && strings.Trim(part, "0123456789") == "" {
			return part
		}
	}
	return ""
}

// foldersOf returns the folders that a file is in, the innermost first; "" for
// a file in none.
func foldersOf(file string) []string {
	var all []string
	for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		all = append(all, dir)
	}
	if all == nil {
		return []string{""}
	}
	return all
}

func notes(e *wontfix.Entry, get func(*wontfix.Note) string) []string {
	all := make([]string, len(e.Notes))
	for i := range e.Notes {
		all[i] = get(&e.Notes[i])
	}
	return all
}

// tags returns the marks on the statement's package, and on it in the
// statement's release.
func tags(r Record) []string {
	var all []string
	for _, tag := range r.entry().Tags {
		if tag.Key == "" || tag.Key == r.Statement.Source || tag.Key == r.Statement.Source+"_"+r.Statement.Label {
			all = append(all, tag.Words...)
		}
	}
	return all
}

// allTexts returns what people wrote about the vulnerability and about the
// statement, and its names.
func allTexts(r Record) []string {
	s, e := r.Statement, r.entry()
	all := []string{s.ID, s.Source, s.Detail, s.WasDetail, s.Words, e.Description, e.VendorText, e.Mitigation, e.Priority.Reason}
	return slices.Concat(all, notes(e, func(n *wontfix.Note) string { return n.Text }))
}

// globMatch reports whether the text matches a pattern in which * stands for
// any characters and ? for one. The pattern "*" asks for a text that is not
// empty.
func globMatch(pattern, text string) bool {
	if pattern == "*" {
		return text != ""
	}
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
