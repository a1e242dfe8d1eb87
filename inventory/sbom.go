package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/package-url/packageurl-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/tagvalue"

	"wontfix"
)

const maxSBOM = 256 << 20

// ErrNoRelease says that a list of packages does not tell of which release
// they are.
var ErrNoRelease = errors.New("it does not say which release of which distribution its packages are of")

// ReadSBOM reads a bill of materials: CycloneDX (JSON or XML), or SPDX 2 (JSON
// or tag-value). The packages are its components with a package URL of type
// deb, rpm, apk or alpm; the release is what a component that is an operating
// system says, or the qualifier distro of the package URLs. name is what
// problems call it. The error is [ErrNoRelease] if neither says it and
// o.Release is zero.
func ReadSBOM(name string, rd io.Reader, o Options) (*wontfix.Machine, error) {
	b, err := io.ReadAll(io.LimitReader(rd, maxSBOM+1))
	if err == nil && len(b) > maxSBOM {
		err = fmt.Errorf("larger than %d bytes", maxSBOM)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	s := &sbom{reader: newReader(nil), file: name, others: make(map[string]int), distros: make(map[string]int)}
	if err := s.parse(b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(s.m.Packages) == 0 {
		return nil, fmt.Errorf("%s: no package of a distribution in it: want components with a package URL of type deb, rpm, apk or alpm", name)
	}
	if err := s.release(o.Release); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if s.m.Manager == rpm {
		sourceEpochs(s.m.Packages)
	}
	s.m.Architecture = commonArchitecture(s.m.Packages)
	for _, kind := range sortedKeys(s.others) {
		s.problem(name, 0, "%d components of type %.40q: no packages of a distribution, left out", s.others[kind], kind)
	}
	s.kernel()
	return s.done(), nil
}

// An sbom is a bill of materials that is being read.
type sbom struct {
	*reader
	file    string
	os      [2]string      // ID and version of the operating system
	others  map[string]int // components that are no packages, by type
	distros map[string]int // values of the qualifier, with the namespace before them
}

// A billed package is what any bill says of a package.
type billed struct {
	purl                  string
	source, sourceVersion string // if it is said beside the package URL
}

// parse tells the format by what it begins with.
func (s *sbom) parse(b []byte) error {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(b, []byte("<")):
		return s.cyclone(b, cyclonedx.BOMFileFormatXML)
	case bytes.HasPrefix(b, []byte("{")):
		var kind struct {
			BomFormat   string `json:"bomFormat"`
			SPDXVersion string `json:"spdxVersion"`
			Context     any    `json:"@context"`
		}
		if err := json.Unmarshal(b, &kind); err != nil {
			return fmt.Errorf("no JSON: %w", err)
		}
		switch {
		case kind.BomFormat == "CycloneDX":
			return s.cyclone(b, cyclonedx.BOMFileFormatJSON)
		case kind.SPDXVersion != "":
			doc, err := spdxjson.Read(bytes.NewReader(b))
			return s.spdx(doc, err)
		case kind.Context != nil:
			return errors.New("JSON-LD, perhaps of SPDX 3, which is not supported: want SPDX 2.3")
		}
	case bytes.HasPrefix(b, []byte("SPDXVersion:")) || bytes.Contains(b[:min(len(b), 4096)], []byte("\nSPDXVersion:")):
		doc, err := tagvalue.Read(bytes.NewReader(b))
		return s.spdx(doc, err)
	}
	return errors.New("neither CycloneDX (JSON, XML) nor SPDX 2 (JSON, tag-value)")
}

func (s *sbom) cyclone(b []byte, format cyclonedx.BOMFileFormat) error {
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(b), format).Decode(&bom); err != nil {
		return fmt.Errorf("CycloneDX: %w", err)
	}
	if m := bom.Metadata; m != nil && m.Component != nil {
		s.cycloneComponent(m.Component)
	}
	s.cycloneComponents(bom.Components)
	return nil
}

func (s *sbom) cycloneComponents(list *[]cyclonedx.Component) {
	if list == nil {
		return
	}
	for i := range *list {
		s.cycloneComponent(&(*list)[i])
	}
}

func (s *sbom) cycloneComponent(c *cyclonedx.Component) {
	of := make(map[string]string)
	if c.Properties != nil {
		for _, p := range *c.Properties {
			of[p.Name] = p.Value
		}
	}
	if c.Type == cyclonedx.ComponentTypeOS && s.os[0] == "" {
		s.os = [2]string{osID(first(of["syft:distro:id"], c.Name)), first(of["syft:distro:versionID"], c.Version)}
	}
	const trivy = "aquasecurity:trivy:"
	version := of[trivy+"SrcVersion"]
	if version != "" {
		version = evr(of[trivy+"SrcEpoch"], version, of[trivy+"SrcRelease"])
	}
	if c.PackageURL != "" {
		s.component(billed{c.PackageURL, of[trivy+"SrcName"], version})
	}
	s.cycloneComponents(c.Components)
}

func (s *sbom) spdx(doc *spdx.Document, err error) error {
	if err != nil {
		return fmt.Errorf("SPDX: %w", err)
	}
	for _, p := range doc.Packages {
		if p == nil {
			continue
		}
		if strings.EqualFold(strings.ReplaceAll(p.PrimaryPackagePurpose, "_", "-"), "operating-system") && s.os[0] == "" {
			s.os = [2]string{osID(p.PackageName), p.PackageVersion}
		}
		var c billed
		if built, ok := strings.CutPrefix(p.PackageSourceInfo, "built package from: "); ok { // of Trivy
			c.source, c.sourceVersion, _ = strings.Cut(built, " ")
		}
		for _, ref := range p.PackageExternalReferences {
			if ref != nil && ref.RefType == "purl" {
				c.purl = ref.Locator
				s.component(c)
				break
			}
		}
	}
	return nil
}

// component keeps a package.
func (s *sbom) component(c billed) {
	u, err := packageurl.FromString(c.purl)
	if err != nil {
		s.problem(s.file, 0, "%.120q is no package URL: left out", c.purl)
		return
	}
	manager := map[string]string{"deb": dpkg, "rpm": rpm, "apk": apk, "alpm": pacman}[u.Type]
	if manager == "" {
		s.others[u.Type]++
		return
	}
	if u.Name == "" || u.Version == "" || u.Name == "gpg-pubkey" {
		if u.Name != "gpg-pubkey" {
			s.problem(s.file, 0, "%.120q has no version: left out", c.purl)
		}
		return
	}
	q := u.Qualifiers.Map()
	p := wontfix.Package{Name: u.Name, Version: u.Version, Architecture: q["arch"], State: "installed", File: s.file, Module: first(q["rpmmod"], q["modularitylabel"])}
	epoch, rest, has := strings.Cut(p.Version, ":")
	if !has {
		epoch, rest = q["epoch"], p.Version
	}
	p.Version = evr(epoch, rest, "")
	p.Source, p.SourceVersion = p.Name, p.Version
	switch up := q["upstream"]; {
	case c.source != "":
		p.Source, p.SourceVersion = c.source, first(c.sourceVersion, p.Version)
	case strings.HasSuffix(up, ".rpm"):
		if source, version, release, ok := sourceRPM(up); ok {
			p.Source, p.SourceVersion = source, evr(epoch, version, release)
		}
	case up != "":
		source, version, _ := strings.Cut(up, "@")
		p.Source, p.SourceVersion = source, first(version, p.Version)
	}
	s.m.Manager = manager
	s.m.Packages = append(s.m.Packages, p)
	if d := q["distro"]; d != "" {
		s.distros[u.Namespace+"\x00"+d]++
	}
}

// release finds the release. given takes the place of what is said.
func (s *sbom) release(given wontfix.Release) error {
	if s.os[0] == "" {
		s.os = s.fromDistros()
	}
	if s.os[0] == "" && given == (wontfix.Release{}) {
		return ErrNoRelease
	}
	vars := map[string]string{"ID": s.os[0], "VERSION_ID": s.os[1]}
	if s.os[1] != "" && (s.os[1][0] < '0' || s.os[1][0] > '9') {
		vars = map[string]string{"ID": s.os[0], "VERSION_CODENAME": s.os[1]}
	}
	s.m.OS.From = s.file
	s.setRelease(vars, nil, "", given)
	return nil
}

// fromDistros returns the operating system that most package URLs name.
func (s *sbom) fromDistros() [2]string {
	best, most := "", 0
	for _, d := range sortedKeys(s.distros) {
		if n := s.distros[d]; n > most {
			best, most = d, n
		}
	}
	if len(s.distros) > 1 {
		s.problem(s.file, 0, "packages of %d distributions: they are judged as those of the most", len(s.distros))
	}
	namespace, distro, _ := strings.Cut(best, "\x00")
	distro = strings.ToLower(distro)
	id, version := distro, ""
	for i := len(distro) - 1; i > 0; i-- { // opensuse-leap-15.5, opensuse-tumbleweed
		if distro[i] == '-' && i+1 < len(distro) && '0' <= distro[i+1] && distro[i+1] <= '9' {
			id, version = distro[:i], distro[i+1:]
			break
		}
	}
	if version == "" && osID(namespace) != "" && distributions[osID(distro)].manager == "" {
		id, version = namespace, strings.TrimPrefix(distro, namespace+"-") // a code name
	}
	return [2]string{osID(id), version}
}

// osID returns the ID of os-release for a distribution as bills name it.
func osID(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if id, ok := map[string]string{
		"redhat": "rhel", "red hat enterprise linux": "rhel", "alma": "almalinux", "oracle": "ol", "oraclelinux": "ol", "amazon": "amzn", "amazonlinux": "amzn",
		"suse": "sles", "suse linux enterprise server": "sles", "opensuse": "opensuse-leap", "opensuse.leap": "opensuse-leap",
		"opensuse.tumbleweed": "opensuse-tumbleweed", "cbl-mariner": "mariner", "azure": "azurelinux", "archlinux": "arch", "rockylinux": "rocky",
	}[name]; ok {
		return id
	}
	return name
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
