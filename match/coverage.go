package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wontfix"
)

// Cover says who watches the packages of m, as far as the machine's own package
// lists tell, and what they do not tell.
func Cover(m *wontfix.Machine) (wontfix.Coverage, []wontfix.Unsaid) {
	c := wontfix.Coverage{
		Upgradable: []wontfix.Upgrade{}, Unwatched: []wontfix.Unwatched{}, Notices: append([]wontfix.Notice{}, m.Notices...),
		Archives: append([]wontfix.Archive{}, m.Archives...), Components: []wontfix.Components{},
	}
	var unsaid []wontfix.Unsaid
	complete := hasMain(m)
	if !complete {
		unsaid = append(unsaid, wontfix.Unsaid{
			What:    "which packages no archive offers, and which updates are out and not installed",
			Why:     listsMissing(m),
			Command: "apt-get update",
		})
		if m.Manager != "" && m.Manager != "dpkg" {
			u := &unsaid[len(unsaid)-1]
			u.Why, u.Command = "wontfix does not read the repositories of "+m.Manager, ""
		}
	}
	counts := make(map[[2]string]int)
	for i := range m.Packages {
		p := &m.Packages[i]
		if p.Offer != nil {
			c.Upgradable = append(c.Upgradable, wontfix.Upgrade{Name: p.Name, Source: p.Source, Version: p.Version, Held: p.Held, Offer: *p.Offer})
		}
		if p.From != nil && p.From.Archive != nil {
			counts[[2]string{p.From.Archive.Origin, p.From.Archive.Component}]++
		}
		if kind := unwatched(m, p, complete); kind != "" {
			u := wontfix.Unwatched{Name: p.Name, Source: p.Source, Version: p.Version, Kind: kind}
			if p.From != nil {
				u.Archive = p.From.Archive
			}
			c.Unwatched = append(c.Unwatched, u)
		}
	}
	for k, n := range counts {
		c.Components = append(c.Components, wontfix.Components{Origin: k[0], Component: k[1], Packages: n})
	}
	slices.SortFunc(c.Components, func(a, b wontfix.Components) int {
		return cmp.Or(cmp.Compare(b.Packages, a.Packages), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Component, b.Component))
	})
	return c, unsaid
}

// hasMain reports whether m holds the package list of its own release's main
// component, without which nothing can be said of a package that no list has.
func hasMain(m *wontfix.Machine) bool {
	return slices.ContainsFunc(m.Archives, func(a wontfix.Archive) bool {
		return a.Component == "main" && a.Pocket() == "" && own(m, &a) && (a.Suite == m.Base.Series || a.Codename == m.Base.Series)
	})
}

func listsMissing(m *wontfix.Machine) string {
	if len(m.Archives) == 0 {
		return "the machine holds no package lists"
	}
	return fmt.Sprintf("the package list of %s main is not among those that the machine holds (%d)", m.Base.Series, len(m.Archives))
}

// own reports whether an archive is the distribution's own.
func own(m *wontfix.Machine, a *wontfix.Archive) bool {
	origin := strings.ToLower(a.Origin)
	for _, d := range []string{m.Base.Distribution, m.Release.Distribution} {
		if d != "" && strings.HasPrefix(origin, d) {
			return true
		}
	}
	return false
}

// unwatched returns the kind of an unwatched package, "" for all others.
func unwatched(m *wontfix.Machine, p *wontfix.Package, complete bool) string {
	switch {
	case p.From != nil && p.From.Archive != nil:
		if !own(m, p.From.Archive) {
			return "third-party"
		}
	case !complete || p.Offer != nil:
	case p.Listed:
		return "superseded"
	default:
		return "local"
	}
	return ""
}
