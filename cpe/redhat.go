package cpe

import (
	"strings"

	"wontfix"
)

// tiers are the support streams of Red Hat Enterprise Linux, as the ends of
// the names rhel_eus and, from release 10, enterprise_linux_eus.
var tiers = map[string]string{"eus": "eus", "aus": "aus", "tus": "tus", "e4s": "e4s", "els": "els", "eus_long_life": "eus-long-life"}

// redHat takes the release and the tier from the name alone: labels such as
// BaseOS-9.2.0.Z.MAIN.EUS speak of a tier that the repository is not part of.
func redHat(c Name, label string) wontfix.Release {
	r := wontfix.Release{Distribution: "rhel", Series: c.Version}
	switch tail, layered := strings.CutPrefix(c.Product, "rhel_"); {
	case c.Product == "enterprise_linux":
	case tiers[strings.TrimPrefix(c.Product, "enterprise_linux_")] != "":
		r.Product = tiers[strings.TrimPrefix(c.Product, "enterprise_linux_")]
	case layered && tiers[tail] != "":
		r.Product = tiers[tail]
	case c.Product == "rhel_software_collections":
		return wontfix.Release{Distribution: "rhscl", Series: c.Version, Product: c.Edition}
	default:
		return wontfix.Release{Distribution: "redhat-" + c.Product, Series: c.Version, Product: c.Edition}
	}
	if r.Series != "" && !strings.Contains(r.Series, ".") {
		r.Series += minor(label, r.Series)
	}
	return r
}

// minor returns the minor of a major in a label, with its dot: ".2" in
// BaseOS-9.2.0.Z.MAIN.EUS for 9; "" if there is none.
func minor(label, major string) string {
	for i := 0; ; {
		at := strings.Index(label[i:], major+".")
		if at < 0 {
			return ""
		}
		at += i
		i = at + len(major) + 1
		end := i
		for digit(label, end) {
			end++
		}
		if end > i && (at == 0 || label[at-1] != '.' && !digit(label, at-1)) {
			return label[i-1 : end]
		}
	}
}

func digit(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }
