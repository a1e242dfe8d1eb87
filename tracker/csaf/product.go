package csaf

import (
	"cmp"
	"strings"

	"wontfix"
	"wontfix/cpe"
	"wontfix/internal/lazyregexp"
	"wontfix/purl"
)

// A component is the package that a product is, or has as a part.
type component struct {
	name    string
	binary  bool
	module  string
	version string // epoch:version-release for rpms; "" for every version
	// alone says that no row of a source package speaks of this binary
	// package too.
	alone bool
}

// build returns the release number of an rpm's version.
func (c *component) build() string { return c.version[strings.LastIndexByte(c.version, '-')+1:] }

// A platform is the release that a product is, or is part of.
type platform struct {
	release wontfix.Release
	label   string // the ID of the product
	final   bool   // the label says that it is the release as it is kept up to date
}

// finals is how the labels of kept-up releases of Red Hat look: rhel-8.10.z,
// BaseOS-9.2.0.Z.MAIN.EUS.
var finals = lazyregexp.New(`(?i)\d\.z\b`)

// resolve says which package and which release the number of a product stands
// for.
func (j *joiner) resolve(number int32, fixed bool) (component, platform) {
	products := j.document.products
	part, whole := number, number
	module := ""
	for depth := 0; products[whole].related && depth < 8; depth++ {
		p := &products[whole]
		if depth == 0 {
			part = p.component
		} else if u, err := purl.Parse(products[p.component].purl); err == nil && u.Type == "rpmmod" {
			module = u.Module
		}
		whole = p.platform
	}
	c, ok := j.components[part]
	if !ok {
		c = j.publisher.identify(&products[part], fixed)
		j.components[part] = c
	}
	c.module = cmp.Or(c.module, module)
	at, ok := j.platforms[whole]
	if !ok {
		p := &products[whole]
		at = platform{j.publisher.release(p), p.id, finals.MatchString(p.id)}
		j.platforms[whole] = at
	}
	return c, at
}

// versioned is the form of what can only be a version and a release: a dot is
// in one of them.
func versioned(version string) bool { return strings.Contains(version, ".") }

// identifyAny reads the package URL of a component, else takes its name.
func identifyAny(p *product, _ bool) component {
	if u, err := purl.Parse(p.purl); err == nil {
		c := component{name: u.Name, version: u.Version, module: u.Module, alone: true}
		c.binary = (u.Type == "rpm" || u.Type == "deb" || u.Type == "apk") && !u.Source()
		return c
	}
	if c, ok := cpe.Parse(p.cpe); ok {
		return component{name: c.Product, version: c.Version}
	}
	return component{name: cmp.Or(p.branch, p.name, p.id), version: firstVersion.FindString(p.version)}
}

// firstVersion finds a plain version in the name of a branch, where ranges and
// words stand as well.
var firstVersion = lazyregexp.New(`^v?[0-9][0-9A-Za-z.+:~_-]*$`)

// release reads the CPE of a platform, or else its package URL. What has
// neither, or one of no known distribution, is the publisher's.
func (p *Publisher) release(platform *product) wontfix.Release {
	name, named := cpe.Parse(platform.cpe)
	if r := cpe.Release(name, platform.id); named && r.Distribution != "" {
		return r
	}
	if u, err := purl.Parse(platform.purl); err == nil && u.Release.Distribution != "" {
		return u.Release
	}
	r := wontfix.Release{Distribution: p.Name}
	if named && !strings.Contains(name.Version, "/") {
		r.Series = name.Version
	}
	return r
}
