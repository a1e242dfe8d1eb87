package cpe

import (
	"strings"

	"wontfix"
)

// suseProducts are the names in CPEs of what installs as one distribution: ID
// of os-release, and the product of it.
var suseProducts = map[string][2]string{
	"sles": {"sles", ""}, "suse_sles": {"sles", ""}, "sle-server": {"sles", ""},
	"sled": {"sled", ""}, "suse_sled": {"sled", ""},
	"sles_sap": {"sles", "sap"}, "suse_sles_sap": {"sles", "sap"}, "sles-sap": {"sles", "sap"},
	"sle-hpc": {"sle_hpc", ""}, "sle_hpc": {"sle_hpc", ""},
	"sles_teradata": {"sles", "teradata"}, "sles-teradata": {"sles", "teradata"},
	"sle_rt": {"sles", "rt"}, "sle-rt": {"sles", "rt"},
	"sle-ha": {"sles", "ha"}, "sle-sdk": {"sles", "sdk"}, "sle-we": {"sles", "we"},
	"packagehub": {"sles", "packagehub"},
	"sle-micro":  {"sle-micro", ""}, "suse-microos": {"sle-micro", ""}, "sl-micro": {"sl-micro", ""},
}

// suse takes the modules as part of the service pack that they are for.
func suse(c Name) wontfix.Release {
	series := c.Version
	if sp, ok := strings.CutPrefix(c.Update, "sp"); ok && sp != "" {
		series += "." + sp
	}
	if c.Vendor == "opensuse" {
		switch {
		case c.Product == "tumbleweed":
			return wontfix.Release{Distribution: "opensuse-tumbleweed", Series: "rolling"}
		case c.Product == "opensuse" && strings.HasPrefix(c.Version, "tumbleweed"):
			return wontfix.Release{Distribution: "opensuse-tumbleweed", Series: "rolling"}
		}
		return wontfix.Release{Distribution: "opensuse-" + c.Product, Series: series}
	}
	product, tier := c.Product, ""
	for _, name := range []string{"ltss-extended-security", "ltss", "espos", "ltss-core"} {
		for _, mark := range []string{"-", "_"} {
			if before, after, found := strings.Cut(product, mark+name); found {
				product, tier = before+after, "ltss"
			}
		}
	}
	if strings.HasPrefix(product, "sle-module-") || strings.HasPrefix(product, "sle_module") {
		return wontfix.Release{Distribution: "sles", Series: series, Product: tier}
	}
	known, ok := suseProducts[product]
	if !ok {
		return wontfix.Release{Distribution: "suse-" + strings.TrimPrefix(product, "suse-"), Series: series, Product: tier}
	}
	r := wontfix.Release{Distribution: known[0], Series: series, Product: known[1]}
	if tier != "" {
		r.Product = tier
	}
	return r
}
