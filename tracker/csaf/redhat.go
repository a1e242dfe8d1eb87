package csaf

import (
	"strings"

	"wontfix"
	"wontfix/purl"
	"wontfix/version"
)

// RedHat reads the VEX files and the advisories of Red Hat, in the layout of
// 2024 and in that of 2026.
var RedHat = &Publisher{
	Name:     "redhat",
	identify: identifyRedHat,
	fixes:    map[string]bool{"fixed": true},
	severity: true,
	terms: map[string]term{
		"will not fix":         {},
		"affected":             {},
		"out of support scope": {reasons: wontfix.SupportScope},
		"fix deferred":         {decision: wontfix.DecisionDeferred},
		"deferred":             {decision: wontfix.DecisionDeferred},
	},
}

// identifyRedHat reads the package URL. A component without one is the source
// package, or the thing that is no package, that its name says.
func identifyRedHat(p *product, fixed bool) component {
	u, err := purl.Parse(p.purl)
	if err != nil {
		name := p.name
		if name == "" {
			name = p.id
		}
		if n, v, arch, ok := version.SplitRPM(name); ok && strings.Contains(v, ":") {
			return component{name: n, version: v, binary: arch != "" && arch != "src"}
		}
		return component{name: strings.TrimSuffix(name, ".src")}
	}
	c := component{name: u.Name, version: u.Version, module: u.Module}
	switch u.Type {
	case "rpm":
		c.binary = !u.Source()
		// Without architecture and with a version it is one of the layout of
		// 2026, where it may be a package of any kind.
		c.alone = u.Arch == "" && u.Version != ""
		if c.version != "" && !strings.Contains(c.version, ":") {
			c.version = "0:" + c.version
		}
	case "oci":
		c.version = u.Tag
	}
	return c
}
