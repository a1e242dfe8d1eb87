package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/lifecycle"
	"wontfix/version"
)

// A judge weighs the rows of one vulnerability for one installed version of a
// source package.
//
// Where a release has ended and an entry has no row for it, the rows of the
// series before and after it may leave no doubt; see between.
//
// The rows that count for a machine are its chain: those of the products that
// it has switched on, then that of its series. Rows of products that it has
// not are looked at too, since they say what money would bring, and because a
// row of the series that was overwritten when the series ended knows less than
// the product's row that went on being worked on.
type judge struct {
	machine *wontfix.Machine
	options *Options
	rules   *rules
	in      *installed

	chain []*wontfix.Statement // product rows in force, then the series' own row
	own   []*wontfix.Statement // all rows of the series and of what is switched on
	paid  *wontfix.Statement   // best row of a product that is not switched on
	devel *wontfix.Statement   // row of the series under development

	before, after *wontfix.Statement // rows of the nearest series on either side

	derived *wontfix.Statement   // row that was worked out from that of another series
	why     string               // what derived says, in a phrase
	general *wontfix.Statement   // Debian's unmarked row, if it names a version
	beside  []*wontfix.Statement // further rows to show with a finding
	scoped  []scoped             // what is said of the package as a whole
}

// productOrder is the order in which rows of products count, the most specific
// first.
var productOrder = []string{"fips-updates", "fips", "fips-preview", "realtime", "bluefield", "ros-esm", "esm-apps-legacy", "esm-infra-legacy", "esm-apps", "esm-infra"}

// supportProducts are those that continue a series for all of its packages, so
// that their rows speak of the series' own code.
var supportProducts = []string{"esm-infra", "esm-apps", "esm-infra-legacy", "esm-apps-legacy"}

// verdict returns the finding that the rows of one entry about one source
// package make, or the dismissals of those that say open without cause, or
// neither.
func (j *judge) verdict(rows []*wontfix.Statement) (*wontfix.Finding, []wontfix.Dismissal) {
	j.rules.arrange(j, rows)
	if says, kind, because := j.exonerate(); says != nil {
		return nil, j.dismiss(says, kind, because)
	}
	var f *wontfix.Finding
	row := j.deciding()
	switch {
	case row != nil:
		if j.open(row) {
			f = j.finding(row)
		} else {
			return nil, j.dismiss(row, KindNotAffected, fmt.Sprintf("the row of %s counts, and leaves nothing open", row.Label))
		}
	case j.paid != nil && j.paid.Status != wontfix.NotAffected && j.paid.Decision != wontfix.DecisionWithdrawn && j.open(j.paid):
		f = j.onlyPaid()
	case len(j.chain) > 0:
	case j.before != nil && j.after != nil:
		f = j.between()
	case j.devel != nil:
		f = j.inferred()
	}
	if f != nil {
		j.weighScoped(f)
		f.Because += j.foreign()
	}
	return f, nil
}

// arrangeUbuntu sorts rows into the chain, the best paid row and the devel row.
func (j *judge) arrangeUbuntu(rows []*wontfix.Statement) {
	series := j.machine.Base.Series
	fips, esm := j.in.fips, j.in.esm
	var products, base, paid []*wontfix.Statement
	for _, r := range rows {
		switch product := r.Release.Product; {
		case r.Label == "devel":
			j.devel = r
		case r.Release.Base() != j.machine.Base:
			if product == "" {
				j.neighbour(r)
			}
		case product == "":
			base = append(base, r)
		case strings.HasPrefix(product, "fips"):
			if fips {
				products = append(products, r)
			} else if slices.Contains(j.machine.Products, product) {
				j.own = append(j.own, r)
			}
		case slices.Contains(j.machine.Products, product), esm && (product == "esm-infra" || product == "esm-apps"):
			products = append(products, r)
		case slices.Contains(supportProducts, product) && !fips:
			paid = append(paid, r)
		}
	}
	byProduct := func(a, b *wontfix.Statement) int {
		return slices.Index(productOrder, a.Release.Product) - slices.Index(productOrder, b.Release.Product)
	}
	slices.SortStableFunc(products, byProduct)
	slices.SortStableFunc(paid, byProduct)
	j.chain = append(products, base...)
	if len(base) == 0 && !fips && j.devel != nil && j.devel.DevelOf == series {
		j.chain, j.devel = append(j.chain, j.devel), nil
	}
	j.own = append(j.own, j.chain...)
	if fips {
		j.chain = onlyFIPS(j.chain)
	}
	j.paid = bestPaid(paid)
	if j.devel != nil && !j.developedBefore(j.devel) {
		j.devel = nil
	}
}

// esmVersion finds the mark of a version that was made for subscribers.
var esmVersion = lazyregexp.New(`[+~]esm\d`)

// isFIPS reports whether a version or a source package is of the FIPS products:
// builds of their own, about which the rows of other products and of the
// series say little, and whose versions compare with none of theirs.
func isFIPS(s string) bool { return strings.Contains(strings.ToLower(s), "fips") }

// onlyFIPS returns the FIPS rows of a chain if one of them says something, else
// the whole chain.
func onlyFIPS(chain []*wontfix.Statement) []*wontfix.Statement {
	var fips []*wontfix.Statement
	says := false
	for _, r := range chain {
		if strings.HasPrefix(r.Release.Product, "fips") {
			fips = append(fips, r)
			says = says || r.Decision != wontfix.DecisionNotInRelease
		}
	}
	if says {
		return fips
	}
	return chain
}

// neighbour keeps r if its series is the one before or after the machine's.
func (j *judge) neighbour(r *wontfix.Statement) {
	d := j.machine.Base.Distribution
	if r.Decision == wontfix.DecisionNotInRelease || r.Release.Distribution != d {
		return
	}
	if next, _ := lifecycle.Embedded().Next(d, r.Release.Series); next == j.machine.Base.Series {
		j.before = r
	} else if j.isAfter(r) {
		j.after = r
	}
}

// bestPaid chooses the row that says most: a fix, a judgement, any row that is
// not merely "does not exist".
func bestPaid(rows []*wontfix.Statement) *wontfix.Statement {
	rank := func(r *wontfix.Statement) int {
		switch r.Decision {
		case wontfix.DecisionFixed:
			return 3
		case wontfix.DecisionNotAffected:
			return 2
		case wontfix.DecisionNotInRelease:
			return 0
		}
		return 1
	}
	var best *wontfix.Statement
	for _, r := range rows {
		if best == nil || rank(r) > rank(best) {
			best = r
		}
	}
	return best
}

// compare orders the installed version and the first fixed one of r. It is not
// known if r has none, or if a FIPS build meets a row of other builds and only
// the revisions behind the last hyphen differ.
func (j *judge) compare(r *wontfix.Statement) (order int, known bool) {
	if r.Fixed == "" {
		return 0, false
	}
	if !j.in.fipsVersion || strings.HasPrefix(r.Release.Product, "fips") {
		return j.rules.compare(j.installed(r), r.Fixed), true
	}
	order = version.Dpkg(upstream(j.in.version), upstream(r.Fixed))
	return order, order != 0
}

// installed returns the version that a row's compares with: that of the source,
// or of the binary package that the row names, which may have one of its own.
func (j *judge) installed(r *wontfix.Statement) string {
	if r.Binary {
		for _, p := range j.in.packages {
			if p.Name == r.Source {
				return p.Version
			}
		}
	}
	return j.in.version
}

// upstream returns a version without its revision.
func upstream(v string) string {
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return v[:i]
	}
	return v
}

// below reports whether the installed version is lower than the first fixed
// one of r.
func (j *judge) below(r *wontfix.Statement) bool {
	order, known := j.compare(r)
	return known && order < 0
}

// has reports whether the installed version has the fix that r names.
func (j *judge) has(r *wontfix.Statement) bool {
	order, known := j.compare(r)
	return known && order >= 0
}

// Kinds of dismissals.
const (
	KindWithdrawn   = "withdrawn"    // the vulnerability itself does not count
	KindNotAffected = "not-affected" // a row or its bracket says that it is none here
	KindFixed       = "fixed"        // the installed version has the fix
)

// exonerate returns the row that says that the installed version is not
// vulnerable, if there is one.
func (j *judge) exonerate() (says *wontfix.Statement, kind, because string) {
	for _, r := range j.chain {
		if r.Decision == wontfix.DecisionWithdrawn {
			return r, KindWithdrawn, r.Because
		}
	}
	for _, r := range j.chain {
		if j.has(r) {
			return r, KindFixed, fmt.Sprintf("the installed version has the fix: %s says %s", r.Label, withVersion(r))
		}
	}
	for _, r := range j.chain {
		if r.Decision != wontfix.DecisionNotAffected {
			continue
		}
		if d := j.deciding(); r.Was != "" && d != r && j.open(d) && d.Decision != wontfix.DecisionUnderInvestigation {
			continue // what the series' row remembers is older than the product's row
		}
		return r, KindNotAffected, cmp.Or(r.Because, fmt.Sprintf("judged not affected in the row of %s", r.Label))
	}
	if len(j.chain) == 0 {
		return nil, "", ""
	}
	base, paid := j.chain[len(j.chain)-1], j.paid
	if r := j.memory(base); r != nil && r.Was == "not-affected" && !j.belowRemembered(r) {
		return r, KindNotAffected, fmt.Sprintf("judged not affected before the series ended: %s remembers it", r.Label)
	}
	if paid == nil || j.rules.binaries && slices.ContainsFunc(j.chain, func(r *wontfix.Statement) bool { return r.Decision == wontfix.DecisionFixed && j.below(r) }) {
		return nil, "", "" // a tier of another minor has versions that do not compare
	}
	switch {
	case j.has(paid) && (paid.Word != "pending" || base.Word == "ignored"):
		return paid, KindFixed, fmt.Sprintf("the installed version has the fix that the row of %s names: %s (%s)", paid.Label, paid.Word, paid.Fixed)
	case base.Word != "ignored":
	case paid.Decision == wontfix.DecisionNotAffected:
		return paid, KindNotAffected, fmt.Sprintf("judged not affected in the row of %s, which was worked on after the series ended", paid.Label)
	}
	return nil, "", ""
}

// withVersion returns the word of a row with the version that it names.
func withVersion(r *wontfix.Statement) string {
	if r.Word == r.Fixed {
		return r.Word
	}
	return r.Word + " (" + r.Fixed + ")"
}

// memory returns the row of a product that does not cover the package, and
// still has the status that the series' row had before it was swept.
func (j *judge) memory(base *wontfix.Statement) *wontfix.Statement {
	if !swept(base) || base.Was != "" {
		return nil
	}
	for _, r := range append(slices.Clone(j.chain), j.paid) {
		if r != nil && r.Decision == wontfix.DecisionNotInRelease && r.Was != "" {
			return r
		}
	}
	return nil
}

// belowRemembered reports whether a remembered detail is a version above the
// installed one: "was not-affected [2.0-1]" says that 2.0-1 has the fix.
func (j *judge) belowRemembered(r *wontfix.Statement) bool {
	d := strings.TrimSpace(r.WasDetail)
	return d != "" && d[0] >= '0' && d[0] <= '9' && version.ValidDpkg(d) && version.Dpkg(j.in.version, d) < 0
}

// swept reports whether a row was closed because a release ended, by itself
// no judgement about the vulnerability.
func swept(r *wontfix.Statement) bool {
	return r.Decision == wontfix.DecisionEndOfLife && r.Reasons.Has(wontfix.EOLRelease)
}

// deciding returns the row of the chain that counts: the most specific one that
// says something.
func (j *judge) deciding() *wontfix.Statement {
	for _, r := range j.chain {
		if r.Decision != wontfix.DecisionNotInRelease {
			return r
		}
	}
	return nil
}

// open reports whether a row's own word leaves the installed version without
// a fix.
func (j *judge) open(r *wontfix.Statement) bool { return j.rules.open(j, r) }

func (j *judge) openUbuntu(r *wontfix.Statement) bool {
	switch r.Word {
	case "DNE":
		return false
	case "released":
		return !j.has(r)
	case "not-affected":
		return r.Fixed != "" && !j.has(r)
	}
	return true
}

// settledUbuntu: of the series around the machine's own only a fix above the
// installed version counts, and of the series under development only what was
// said before the machine's own was out; see between and inferred.
func (j *judge) settledUbuntu(r *wontfix.Statement) bool {
	switch {
	case !j.openUbuntu(r):
		return true
	case r.Label == "devel":
		return r.DevelOf != j.machine.Base.Series && !j.developedBefore(r)
	case r.Release.Base() != j.machine.Base:
		return !j.isAfter(r) || !j.below(r)
	}
	return false
}

// isAfter reports whether a row is of the series after the machine's own.
func (j *judge) isAfter(r *wontfix.Statement) bool {
	next, ok := lifecycle.Embedded().Next(j.machine.Base.Distribution, j.machine.Base.Series)
	return ok && next == r.Release.Series
}

// developedBefore reports whether a row of the series under development was of
// one before the machine's own.
func (j *judge) developedBefore(r *wontfix.Statement) bool {
	return lifecycle.Embedded().Older(j.machine.Base.Distribution, r.DevelOf, j.machine.Base.Series)
}

// dismiss makes a dismissal of every row of the chain whose own word says open.
func (j *judge) dismiss(says *wontfix.Statement, kind, because string) []wontfix.Dismissal {
	var list []wontfix.Dismissal
	for _, r := range j.own {
		if !j.open(r) || r.Word == "not-affected" {
			continue
		}
		line := j.row(says)
		if says.EvidenceLine > 0 && kind == KindWithdrawn {
			line.Line = says.EvidenceLine
			line.URL = j.link(says.File, line.Line, says.ID)
		}
		list = append(list, wontfix.Dismissal{ID: r.ID, Source: r.Source, SourceVersion: j.in.version, Tracker: j.row(r), Kind: kind, Because: because, Says: line})
	}
	return list
}

func (j *judge) row(r *wontfix.Statement) wontfix.Row { return RowOf(&j.options.Tracker, r) }

func (j *judge) link(file string, line int, id string) string {
	return link(&j.options.Tracker, file, line, id)
}

// RowOf returns a statement as its tracker has it.
func RowOf(t *wontfix.Tracker, s *wontfix.Statement) wontfix.Row {
	return wontfix.Row{Name: t.Name, Release: s.Label, Package: s.Source, Status: s.Word, Detail: s.Detail,
		File: s.File, Line: s.Line, Revision: t.Revision, URL: link(t, s.File, s.Line, s.ID)}
}

func link(t *wontfix.Tracker, file string, line int, id string) string {
	if url := t.Line(file, line); url != "" {
		return url
	}
	return t.Page(id)
}
