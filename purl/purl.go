// Package purl says which package of which release a package URL names.
//
// Package URLs are ECMA-427. What their qualifiers mean for packages of
// distributions is in the types deb, rpm and apk of the specification; Red Hat
// adds rpmmod, the module that a package is part of.
package purl

import (
	"fmt"
	"strings"

	"github.com/package-url/packageurl-go"

	"wontfix"
	"wontfix/internal/lazyregexp"
	"wontfix/lifecycle"
)

// A Package is what a package URL names.
type Package struct {
	Type    string // "rpm", "deb", "apk", "oci", "maven", …
	Name    string // with the namespace, for the types where that is part of the name
	Version string // with its epoch if the URL has one; "" for every version
	Epoch   string // as the URL has it
	Arch    string // "src" and "source" stand for source packages
	Module  string // name and stream of the module: "python39:3.9"
	Tag     string // of a container image
	// Release is the one that namespace and distro qualifier name. It has no
	// series if the URL does not say which.
	Release wontfix.Release
}

// Source reports whether the URL names a source package.
func (p *Package) Source() bool { return p.Arch == "src" || p.Arch == "source" }

// Parse reads a package URL.
func Parse(text string) (Package, error) {
	u, err := packageurl.FromString(text)
	if err != nil {
		return Package{}, fmt.Errorf("package URL %q: %w", text, err)
	}
	p := Package{Type: u.Type, Name: u.Name, Version: u.Version}
	distro := ""
	for _, q := range u.Qualifiers {
		switch q.Key {
		case "arch":
			p.Arch = q.Value
		case "epoch":
			p.Epoch = q.Value
		case "distro":
			distro = q.Value
		case "tag":
			p.Tag = q.Value
		case "rpmmod":
			p.Module = Module(q.Value)
		}
	}
	switch u.Type {
	case "rpm", "deb", "apk", "alpm":
		p.Release = release(u.Namespace, distro)
		if p.Epoch != "" && p.Epoch != "0" && p.Version != "" && !strings.Contains(p.Version, ":") {
			p.Version = p.Epoch + ":" + p.Version
		}
	case "rpmmod":
		p.Module = Module(u.Name + ":" + u.Version)
	case "oci":
	default:
		if u.Namespace != "" {
			p.Name = u.Namespace + "/" + u.Name
		}
	}
	return p, nil
}

// Module returns the name and the stream of a module, of what is written as
// name:stream:version:context:architecture.
func Module(text string) string {
	if i := strings.IndexByte(text, ':'); i >= 0 {
		if n := strings.IndexByte(text[i+1:], ':'); n >= 0 {
			return text[:i+1+n]
		}
	}
	return text
}

// distributions are the namespaces that are not the ID of os-release.
var distributions = map[string]string{"redhat": "rhel", "suse": "sles", "opensuse": "opensuse-leap", "oracle": "ol", "oraclelinux": "ol",
	"amazon": "amzn", "amazonlinux": "amzn", "rockylinux": "rocky", "alma": "almalinux", "azure-linux": "azurelinux"}

// alpineVersion is a version of Alpine, of which all of one branch are one
// release: v3.18.
var alpineVersion = lazyregexp.New(`^v?(\d+\.\d+)(\.\d+)*$`)

// release reads a namespace and a distro qualifier. The qualifier has many
// forms: "bookworm", "debian-12", "fedora-38", "esm-infra/xenial",
// "ubuntu-22.04", "opensuse-leap-15.5", "alpine-3.18.4".
func release(namespace, distro string) wontfix.Release {
	if strings.Contains(namespace, "/") {
		return wontfix.Release{}
	}
	r := wontfix.Release{Distribution: namespace}
	if d := distributions[namespace]; d != "" {
		r.Distribution = d
	}
	if product, series, ok := strings.Cut(distro, "/"); ok {
		r.Product, distro = product, series
	}
	for _, prefix := range []string{r.Distribution, namespace} {
		if rest, ok := strings.CutPrefix(strings.ToLower(distro), prefix+"-"); ok && prefix != "" {
			distro = rest
			break
		}
	}
	if known, ok := lifecycle.Embedded().ByVersion(r.Distribution, distro); ok {
		distro = known.Series
	}
	if r.Distribution == "alpine" && alpineVersion.MatchString(distro) {
		distro = "v" + alpineVersion.FindStringSubmatch(distro)[1]
	}
	r.Series = distro
	if r.Series == "" || strings.ContainsAny(r.String(), " \t\n") || strings.Contains(r.Series, "/") {
		r.Series, r.Product = "", ""
	}
	return r
}
