package probe

import (
	"fmt"
	"slices"
	"strings"

	"wontfix"
)

// gates are the conditions that [ParseGate] knows, with what each counts.
var gates = []struct {
	name  string
	trips func(*wontfix.Probe) int
}{
	{"unsafe", func(p *wontfix.Probe) int {
		n := p.Summary.Unsafe
		if p.Shell != nil {
			n += p.Shell.Unsafe
		}
		return n
	}},
	{"leak", func(p *wontfix.Probe) int { return p.Summary.Leaking }},
	{"critical", func(p *wontfix.Probe) int { return failing(p, Critical) }},
	{"high", func(p *wontfix.Probe) int { return failing(p, High) }},
	{"medium", func(p *wontfix.Probe) int { return failing(p, Medium) }},
	{"low", func(p *wontfix.Probe) int { return failing(p, Low) }},
	{"override", func(p *wontfix.Probe) int { return p.Summary.Effective }},
	{"undecided", func(p *wontfix.Probe) int { return p.Summary.Undecided }},
}

// failing returns how many clients fail a case of a severity or a worse one.
func failing(p *wontfix.Probe, s Severity) int {
	n := 0
	for _, f := range p.Failures {
		if slices.Index(ranks, f.Severity) <= slices.Index(ranks, s) {
			n += len(f.Clients)
		}
	}
	return n
}

// Gates returns the names of the conditions that a probe can be held against.
func Gates() []string {
	var list []string
	for _, g := range gates {
		list = append(list, g.name)
	}
	return list
}

// ParseGate returns the condition of a name. It says how many clients, or for
// "override" how many overrides, of a probe that was assessed meet it.
func ParseGate(name string) (trips func(*wontfix.Probe) int, err error) {
	for _, g := range gates {
		if g.name == name {
			return g.trips, nil
		}
	}
	return nil, fmt.Errorf("%q is not known; it is one of %s", name, strings.Join(Gates(), ", "))
}
