package csaf

import "wontfix/version"

// SUSE reads the VEX files and the advisories of SUSE. There the fix is the
// version that is recommended; first_fixed can be later than that.
var SUSE = &Publisher{
	Name:     "suse",
	identify: identifySUSE,
	fixes:    map[string]bool{"recommended": true, "fixed": true},
	ignores:  map[string]bool{"first_fixed": true},
	severity: true,
}

// identifySUSE reads the name of a component. SUSE names what is installed,
// and source packages among it without a mark.
func identifySUSE(p *product, fixed bool) component {
	if p.purl != "" {
		return identifyAny(p, fixed)
	}
	name := p.name
	if name == "" {
		name = p.id
	}
	n, v, arch, ok := version.SplitRPM(name)
	if ok && (fixed || versioned(v)) {
		return component{name: n, version: v, binary: arch != "src", alone: true}
	}
	return component{name: name, binary: true, alone: true}
}
