package osv

import (
	"strings"

	"wontfix"
	"wontfix/lifecycle"
)

// A place is where a package is: the release, and how its names are to be
// taken.
type place struct {
	release  wontfix.Release
	label    string
	binary   bool
	paid     bool   // fixes need a subscription
	layered  bool   // no release of a distribution but a product that is put on one
	events   bool   // the package's components have events
	software string // the name of what has no package name
}

// An ecosystem is a publisher's row: how the part of the name behind the first
// colon gives the release.
type ecosystem struct {
	distribution string
	binary       bool
	release      func(e ecosystem, version string) (place, bool)
}

// ecosystems are the distributions of the OSV schema that are read.
var ecosystems = map[string]ecosystem{
	"AlmaLinux":   {"almalinux", true, plain},
	"Rocky Linux": {"rocky", false, plain},
	"Alpine":      {"alpine", false, alpine},
	"Debian":      {"debian", false, dated},
	"Ubuntu":      {"ubuntu", false, ubuntu},
	"Red Hat":     {"rhel", true, redhat},
	"SUSE":        {"sles", false, suse},
	"openSUSE":    {"opensuse-leap", false, suse},
	"Wolfi":       {"wolfi", false, rolling},
	"Chainguard":  {"chainguard", false, rolling},
}

// upstreams are the projects that publish OSV of their own software, by how
// the IDs begin. They name no package.
var upstreams = []struct{ prefix, distribution, software string }{
	{"PSF-", "python-upstream", "cpython"},
	{"CURL-", "curl-upstream", "curl"},
}

// place returns where an affected package is, and whether that is known.
func (r *reader) place(a *affected) (place, bool) {
	name := a.Package.Ecosystem
	if name == "" {
		for _, u := range upstreams {
			if strings.HasPrefix(r.document.ID, u.prefix) {
				return place{release: wontfix.Release{Distribution: u.distribution}, label: "all", software: u.software}, true
			}
		}
		return place{}, false
	}
	head, version, _ := strings.Cut(name, ":")
	e, ok := ecosystems[head]
	if !ok {
		return place{}, false
	}
	p, ok := e.release(e, version)
	if p.label == "" {
		p.label = name
	}
	if e.distribution == "ubuntu" {
		p.availability(a.Specific.Availability)
	}
	return p, ok
}

func (e ecosystem) place(series string) (place, bool) {
	return place{release: wontfix.Release{Distribution: e.distribution, Series: series}, binary: e.binary}, series != "" && !strings.Contains(series, "/")
}

func plain(e ecosystem, version string) (place, bool) { return e.place(version) }

func alpine(e ecosystem, version string) (place, bool) {
	if version == "" {
		version = "edge"
	}
	return e.place(version)
}

func rolling(e ecosystem, _ string) (place, bool) {
	p, ok := e.place("rolling")
	p.events = true
	return p, ok
}

// dated finds the series that has a version.
func dated(e ecosystem, version string) (place, bool) {
	r, ok := lifecycle.Embedded().ByVersion(e.distribution, version)
	p, _ := e.place(r.Series)
	return p, ok
}

// proWords are the products of Ubuntu Pro whose builds have an ecosystem of
// their own.
var proWords = map[string]string{"FIPS": "fips", "FIPS-updates": "fips-updates", "FIPS-preview": "fips-preview", "Realtime": "realtime"}

// ubuntu reads "22.04:LTS", "Pro:14.04:LTS" and "Pro:FIPS-updates:20.04:LTS".
func ubuntu(e ecosystem, version string) (place, bool) {
	product := ""
	if rest, ok := strings.CutPrefix(version, "Pro:"); ok {
		product, version = "pro", rest
		if word, rest, ok := strings.Cut(version, ":"); ok && proWords[word] != "" {
			product, version = proWords[word], rest
		}
	}
	p, ok := dated(e, strings.TrimSuffix(version, ":LTS"))
	p.release.Product, p.paid = product, product != ""
	return p, ok
}

// availability makes the product finer by the text that says who gets a fix.
// Without one the ecosystem alone says that it is one of Ubuntu Pro's.
func (p *place) availability(text string) {
	product, words := "", ""
	switch {
	case strings.HasPrefix(text, "Available with Ubuntu Pro (Infra-only)"):
		product, words = "esm-infra", "Infra-only"
	case strings.HasPrefix(text, "Available with Ubuntu Pro"):
		product, words = "esm-apps", "Available with Ubuntu Pro"
	case strings.HasPrefix(text, "Livepatch subscription required"):
		product, words = "livepatch", "Livepatch"
	default:
		return
	}
	p.paid = true
	if p.release.Product == "" || p.release.Product == "pro" {
		p.release.Product = product
		p.label += " (" + words + ")"
	}
}

// redhat reads what is left of a CPE: "rhel_eus:8.8::baseos",
// "enterprise_linux:9::appstream".
func redhat(e ecosystem, version string) (place, bool) {
	product, rest, _ := strings.Cut(version, ":")
	series, _, _ := strings.Cut(rest, ":")
	p, ok := e.place(series)
	switch product {
	case "enterprise_linux":
		if major, _, minor := strings.Cut(series, "."); minor {
			p.release.Series = major // everybody's newest minor
		}
	case "rhel_eus", "rhel_aus", "rhel_tus", "rhel_e4s", "rhel_els", "enterprise_linux_eus":
		_, p.release.Product, _ = cutLast(product, "_")
		p.paid = true
	default:
		return place{layered: true}, true
	}
	return p, ok
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// suseProducts are the names of SUSE's products, longest first where one
// begins another: the os-release ID of the distribution, and the product on it.
var suseProducts = []struct{ prefix, distribution, product string }{
	{"Linux Enterprise Server for SAP Applications ", "sles", "sap"},
	{"Linux Enterprise Server ", "sles", ""},
	{"Linux Enterprise Desktop ", "sled", ""},
	{"Linux Enterprise High Performance Computing ", "sle_hpc", ""},
	{"Linux Enterprise Micro ", "sle-micro", ""},
	{"Linux Micro ", "sl-micro", ""},
	{"Linux Enterprise Live Patching ", "sles", "live-patching"},
	{"Linux Enterprise Module for Live Patching ", "sles", "live-patching"},
	{"Linux Enterprise High Availability Extension ", "sles", "ha"},
	{"Linux Enterprise Workstation Extension ", "sled", "we"},
	{"Linux Enterprise Software Development Kit ", "sles", "sdk"},
	{"Package Hub ", "sles", "packagehub"},
	{"Leap ", "opensuse-leap", ""},
	{"Tumbleweed", "opensuse-tumbleweed", ""},
}

// suse reads "Linux Enterprise Server 15 SP5-LTSS", "Package Hub 12",
// "Leap 15.5" and "Tumbleweed".
func suse(e ecosystem, version string) (place, bool) {
	if rest, ok := strings.CutPrefix(version, "Linux Enterprise Module for "); ok && !strings.HasPrefix(rest, "Live Patching") {
		// Part of the server's own subscription: "Basesystem 15 SP5".
		if i := strings.LastIndex(rest, " 1"); i > 0 {
			version = "Linux Enterprise Server " + rest[i+1:]
		}
	}
	for _, s := range suseProducts {
		rest, ok := strings.CutPrefix(version, s.prefix)
		if !ok {
			continue
		}
		if s.distribution == "opensuse-tumbleweed" {
			return place{release: wontfix.Release{Distribution: s.distribution, Series: "rolling"}}, true
		}
		number, tier, _ := strings.Cut(rest, "-")
		series := strings.Replace(number, " SP", ".", 1)
		r := wontfix.Release{Distribution: s.distribution, Series: series, Product: s.product}
		if tier != "" {
			r.Product = "ltss" // LTSS, LTSS Core, ESPOS
		}
		return place{release: r, paid: tier != ""}, series != "" && !strings.ContainsAny(series, " /")
	}
	return place{layered: true}, version != ""
}
