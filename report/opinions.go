package report

import (
	"cmp"
	"slices"
	"strings"

	"wontfix"
)

// maxOpinions is how many opinions text shows of one package: those of the same
// upstream branch are first.
const maxOpinions = 12

// opinions writes what other publishers decided, one below the other.
func (t dossierText) opinions(s *wontfix.Subject) {
	o := s.Opinions
	if o == nil {
		return
	}
	t.label("Others", opinionSentence(o)...)
	release, word := 0, 0
	list := o.List
	if t.limit > 0 && len(list) > maxOpinions {
		list = list[:maxOpinions]
	}
	for i := range list {
		release = max(release, columns(Clean(opinionName(&list[i], s.Source))))
		word = max(word, columns(DecisionPhrase(list[i].Decision)))
	}
	release, word = min(release, 30), min(word, 22)
	for i := range list {
		x := &list[i]
		st := plain
		if x.Family == wontfix.FamilyFix {
			st = styleStrong
		}
		t.row(2, []field{{dim(opinionName(x, s.Source)), release + 2}, {in(st, DecisionPhrase(x.Decision)), word + 2}}, opinionSpans(x, o.Branch)...)
	}
	if n := len(o.List) - len(list); n > 0 {
		t.more(n, "opinion")
	}
	if len(o.Silent) > 0 {
		t.para(2, dim("Silent, which is no opinion: "+strings.Join(o.Silent, ", ")))
	}
}

// opinionName names the release, and the package where it is called otherwise.
func opinionName(x *wontfix.Opinion, source string) string {
	name := x.Release
	if x.Source != source {
		name += " " + x.Source
	}
	if x.Voice != x.Vendor {
		name += " (after " + publisher(x.Voice) + ")"
	}
	return name
}

// sameBranch reports whether two branches are one as far as both are known: 2 and
// 2.7 are.
func sameBranch(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// opinionSpans writes why, since when and where, for who has a package of an
// upstream branch.
func opinionSpans(x *wontfix.Opinion, branch string) (spans []span) {
	add := func(s span) {
		if len(spans) > 0 {
			spans = append(spans, text(" · "))
		}
		spans = append(spans, s)
	}
	if x.Fixed != "" {
		add(strong(strings.TrimSpace(x.Fixed + " " + x.Advisory)))
	}
	switch {
	case x.Family != wontfix.FamilyFix:
	case x.Rolling:
		add(dim("a rolling release"))
	case x.SameBranch && sameBranch(x.Branch, branch):
		add(text("the same upstream branch " + x.Branch))
	case x.SameBranch:
		add(text("the older upstream branch " + x.Branch))
	}
	none := wontfix.NoReason.String()
	if r := reasonList(x.Reasons); r != "" && !slices.Equal(x.Reasons, []string{none}) {
		add(text(r))
	} else if x.Family == wontfix.FamilyNoFix {
		add(text(ReasonPhrase(none)))
	}
	if words := cmp.Or(x.Words, x.Row.Detail); words != "" && x.Family != wontfix.FamilyFix {
		add(quote(cutWords(oneLine(words), 160)))
	}
	if x.Decided != "" {
		add(text(x.Decided))
	}
	if x.Strength != wontfix.Firm {
		add(dim(x.Strength.String()))
	}
	return spans
}

// opinionSentence says in one sentence what the opinions come to.
func opinionSentence(o *wontfix.Opinions) []span {
	names := func(list []string) string {
		named := make([]string, len(list))
		for i, v := range list {
			named[i] = publisher(v)
		}
		return strings.Join(named, ", ")
	}
	switch {
	case len(o.FixedSameBranch) > 0 && !slices.ContainsFunc(o.List, func(x wontfix.Opinion) bool {
		return x.SameBranch && x.Family == wontfix.FamilyFix && !x.Rolling && sameBranch(x.Branch, o.Branch)
	}):
		return []span{strong(names(o.FixedSameBranch) + " fixed it on an older upstream branch"), text(": a backport may be possible.")}
	case len(o.FixedSameBranch) > 0:
		return []span{strong(names(o.FixedSameBranch) + " fixed it on the same upstream branch"), text(": a backport is possible.")}
	case len(o.FixedElsewhere) > 0 && len(o.RefusedElsewhere) > 0:
		return []span{strong(names(o.FixedElsewhere) + " fixed it"), text(", on another branch; " + names(o.RefusedElsewhere) + " refused or put it off.")}
	case len(o.FixedElsewhere) > 0:
		return []span{strong(names(o.FixedElsewhere) + " fixed it"), text(", on another branch.")}
	case len(o.RefusedElsewhere) > 0 && o.NobodyFixed:
		return []span{strong("Nobody fixed it"), text("; " + names(o.RefusedElsewhere) + " refused or put it off, too.")}
	case len(o.RefusedElsewhere) > 0:
		return []span{strong(names(o.RefusedElsewhere) + " refused it or put it off"), text(", too; fixed in rolling releases alone.")}
	case o.NobodyFixed:
		return []span{strong("Nobody fixed it.")}
	case len(o.List) == 0:
		return []span{text("No other publisher in the database says anything of it.")}
	}
	return []span{text("Others say:")}
}
