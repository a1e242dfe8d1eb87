// Package cpe says which release of which distribution a name of the Common
// Platform Enumeration stands for.
//
// The names are NISTIR 7695 and, in the older form that distributions use, the
// URI binding of CPE 2.2. What their parts mean for a distribution is the
// distribution's own matter, and told here for each.
package cpe

import (
	"strings"

	"wontfix"
)

// A Name is a name of the enumeration, version 2.2 or 2.3. Parts that may have
// any value are "".
type Name struct{ Vendor, Product, Version, Update, Edition string }

// Parse reads cpe:/part:vendor:product:version:update:edition and
// cpe:2.3:part:vendor:product:version:update:edition:…. It is not ok without
// vendor and product.
func Parse(text string) (n Name, ok bool) {
	rest, ok := strings.CutPrefix(text, "cpe:/")
	if !ok {
		if rest, ok = strings.CutPrefix(text, "cpe:2.3:"); !ok {
			return n, false
		}
	}
	f := append(strings.Split(strings.ReplaceAll(rest, `\:`, "%3a"), ":"), "", "", "", "", "", "")
	for i := range f {
		if f[i] == "*" || f[i] == "-" {
			f[i] = ""
		}
		f[i] = unescape.Replace(f[i])
	}
	return Name{f[1], f[2], f[3], f[4], f[5]}, f[1] != "" && f[2] != ""
}

var unescape = strings.NewReplacer(`\`, "", "%2b", "+", "%3a", ":", "%7e", "~")

// Release returns the release that a name stands for. The label is what the
// publisher calls the platform: Red Hat gives the minor of the main stream in
// it alone. Of names of no known distribution it is the zero Release.
func Release(n Name, label string) wontfix.Release {
	var r wontfix.Release
	switch n.Vendor {
	case "redhat":
		r = redHat(n, label)
	case "suse", "opensuse":
		r = suse(n)
	default:
		if id := osNames[n.Vendor+":"+n.Product]; id != "" {
			r = wontfix.Release{Distribution: id, Series: n.Version}
		}
	}
	return clean(r)
}

// clean makes a release one that can be written down and read back.
func clean(r wontfix.Release) wontfix.Release {
	for _, s := range []*string{&r.Distribution, &r.Series, &r.Product} {
		*s = strings.Map(func(c rune) rune {
			if c == '/' || c <= ' ' || c == 0x7f {
				return '_'
			}
			return c
		}, *s)
	}
	if r.Series == "" {
		r.Product = ""
	}
	return r
}

// osNames are the names in CPEs of distributions that have another ID in
// os-release.
var osNames = map[string]string{"microsoft:azure_linux": "azurelinux", "microsoft:cbl-mariner": "mariner", "almalinux:almalinux": "almalinux",
	"rocky:rocky": "rocky", "oracle:linux": "ol", "amazon:linux": "amzn", "fedoraproject:fedora": "fedora", "alpinelinux:alpine_linux": "alpine"}

// Paid reports whether a product of a release needs a subscription beyond that
// of the release itself.
func Paid(product string) bool {
	switch product {
	case "eus", "aus", "tus", "e4s", "els", "eus-long-life", "ltss":
		return true
	}
	return false
}
