package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"wontfix"
	"wontfix/internal/image"
	"wontfix/inventory"
	"wontfix/lifecycle"
	"wontfix/tracker"
	"wontfix/tracker/ubuntu"
)

// A target is the machine to look at, as flags.
type target struct {
	root, image, sbom, manifest, status string
	platform                            string // of image
	release                             string
}

func (t *target) flags(fs *pflag.FlagSet) {
	fs.StringVar(&t.root, "root", "", "look at the machine whose root folder is `DIR` (default /)")
	fs.StringVar(&t.image, "image", "", "look at a container image: an archive of docker save, an OCI layout, or the `REFERENCE` of one in a registry, with the account that docker login or podman login has kept for it")
	fs.StringVar(&t.platform, "platform", "", "look at the image for `OS/ARCH` (default linux on this architecture)")
	fs.StringVar(&t.sbom, "sbom", "", "look at the packages in a CycloneDX or SPDX `FILE`, - for standard input")
	fs.StringVar(&t.manifest, "manifest", "", "look at the packages in a `FILE` of names and versions, as cloud images have them, - for standard input")
	fs.StringVar(&t.status, "dpkg-status", "", "look at the packages of a dpkg status `FILE` alone, - for standard input; needs --release")
}

// platforms are what --platform completes to.
var platforms = []string{"linux/386", "linux/amd64", "linux/arm", "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x"}

// places are the flags that name a machine, of which one may be given.
func (t *target) places() (given []string) {
	for _, f := range []struct{ name, value string }{
		{"--root", t.root}, {"--image", t.image}, {"--sbom", t.sbom}, {"--manifest", t.manifest}, {"--dpkg-status", t.status},
	} {
		if f.value != "" {
			given = append(given, f.name)
		}
	}
	return given
}

// given reports whether a machine was asked for.
func (t *target) given() bool { return len(t.places()) > 0 }

// place names the machine that was asked for, as the user did.
func (t *target) place() string {
	return cmp.Or(t.root, t.image, t.sbom, t.manifest, t.status)
}

// read returns the machine, with the dates of its release, and its root, which
// is nil for a list of packages. The closer must be closed.
func (t *target) read(ctx context.Context, e *env) (*wontfix.Machine, fs.FS, io.Closer, error) {
	m, root, closer, err := t.readPlace(ctx, e)
	switch {
	case err != nil || t.running():
	case t.place() == "-":
		m.Place = "standard input"
	default:
		m.Place = t.place()
	}
	return m, root, closer, err
}

func (t *target) readPlace(ctx context.Context, e *env) (*wontfix.Machine, fs.FS, io.Closer, error) {
	release, err := parseRelease(t.release)
	if err != nil {
		return nil, nil, nil, err
	}
	if p := t.places(); len(p) > 1 {
		return nil, nil, nil, fmt.Errorf("%s: give one of them", strings.Join(p, " and "))
	}
	if t.platform != "" && t.image == "" {
		return nil, nil, nil, errors.New("--platform: it is about --image, which is not given")
	}
	product := release.Product
	release.Product = "" // a machine has a release, and products besides
	o := inventory.Options{Release: release}
	if t.sbom != "" || t.manifest != "" || t.status != "" {
		m, err := t.readList(e, o)
		addProduct(m, product)
		return m, nil, io.NopCloser(nil), err
	}
	fsys, closer, err := t.openRoot(ctx, e)
	if err != nil {
		return nil, nil, nil, err
	}
	o.Found = func(base wontfix.Release) {
		if spec, err := tracker.ForDistribution(base.Distribution); err == nil {
			e.expect(spec.Name)
		}
	}
	m, err := inventory.Read(fsys, o)
	if err != nil {
		closer.Close()
		return nil, nil, nil, fmt.Errorf("%s: %w", cmp.Or(t.place(), "/"), err)
	}
	e.setSupport(m, ownDates(fsys, m))
	addProduct(m, product)
	return m, fsys, closer, nil
}

// openRoot opens the root file system of a folder or an image.
func (t *target) openRoot(ctx context.Context, e *env) (fs.FS, io.Closer, error) {
	if t.image == "" {
		return inventory.OpenRoot(cmp.Or(t.root, "/"))
	}
	img, err := image.Open(ctx, t.image, image.Options{Keep: inventory.Wanted, Platform: t.platform, Offline: e.offline})
	if err != nil {
		return nil, nil, err
	}
	return img.FS, img, nil
}

// addProduct adds the product of --release to those that m says are on.
func addProduct(m *wontfix.Machine, product string) {
	if m == nil || product == "" || slices.Contains(m.Products, product) {
		return
	}
	m.Products = append(m.Products, product)
	slices.Sort(m.Products)
	if m.ProductsFrom == "" {
		m.ProductsFrom = "--release"
	}
}

// readList reads a machine from a list of packages.
func (t *target) readList(e *env, o inventory.Options) (*wontfix.Machine, error) {
	read, flag := inventory.ReadStatus, "--dpkg-status"
	switch {
	case t.sbom != "":
		read, flag = inventory.ReadSBOM, "--sbom"
	case t.manifest != "":
		read, flag = inventory.ReadManifest, "--manifest"
	case o.Release == wontfix.Release{}:
		return nil, errors.New("--dpkg-status: the file does not say of which release it is; add --release, such as --release ubuntu/trusty")
	}
	in, name := e.stdin, "standard input"
	if t.place() != "-" {
		f, err := os.Open(t.place())
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, name = f, t.place()
	}
	m, err := read(name, in, o)
	if errors.Is(err, inventory.ErrNoRelease) {
		return nil, fmt.Errorf("%s: %w; add --release, such as --release ubuntu/jammy", flag, err)
	}
	if err != nil {
		return nil, err
	}
	e.setSupport(m, lifecycle.Embedded())
	return m, nil
}

// parseRelease reads a release as a user writes it: a series such as trusty,
// trusty/esm-infra, or in full ubuntu/trusty/esm-infra. "" is the zero Release.
func parseRelease(s string) (wontfix.Release, error) {
	if s == "" {
		return wontfix.Release{}, nil
	}
	table := lifecycle.Embedded()
	// 14.04 is Ubuntu's before it is a point release of Debian 14.
	distributions := table.Distributions()
	slices.SortStableFunc(distributions, func(a, b string) int { return tracked(b) - tracked(a) })
	for _, d := range distributions {
		for _, full := range []string{s, d + "/" + s} {
			r, err := wontfix.ParseRelease(full)
			if err != nil || r.Distribution != d || r.Series == "" {
				continue
			}
			if known, ok := table.ByVersion(d, r.Series); ok {
				r.Series = known.Series
			}
			if _, ok := table.Lookup(d, r.Series); ok {
				if r.Product == "esm" {
					r.Product = "esm-infra"
				}
				if r.Product != "" && !slices.Contains(ubuntu.Products(), r.Product) {
					return r, fmt.Errorf("--release %s: no such product; it is one of %s", s, strings.Join(ubuntu.Products(), ", "))
				}
				return r, nil
			}
		}
	}
	if r, err := wontfix.ParseRelease(s); err == nil && r.Series != "" && inventory.Names(r.Distribution) {
		return r, nil
	}
	return wontfix.Release{}, fmt.Errorf("--release %s: no such release; want a series such as trusty, or trusty/esm-infra, ubuntu/14.04 or rhel/9.4", s)
}

// tracked is 1 for a distribution whose tracker can be read.
func tracked(distribution string) int {
	if _, err := tracker.ForDistribution(distribution); err != nil {
		return 0
	}
	return 1
}

// ownDates returns the dates that come with the program or, where it knows
// more, with the machine.
func ownDates(fsys fs.FS, m *wontfix.Machine) *lifecycle.Table {
	table := lifecycle.Embedded()
	name := "usr/share/distro-info/" + m.Base.Distribution + ".csv"
	if info, err := fs.Stat(fsys, name); err != nil || !info.Mode().IsRegular() {
		return table // what is no file is not opened: a pipe would wait for a writer
	}
	f, err := fsys.Open(name)
	if err != nil {
		return table
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return table
	}
	own, _ := lifecycle.Parse(m.Base.Distribution, data) // a damaged file is not newer
	return table.With(own)
}

// setSupport sets when the support of m's release ends: that of its own
// distribution if it numbers its releases, and rebuilds another's packages, or
// else that of the release that it is built on.
func (e *env) setSupport(m *wontfix.Machine, table *lifecycle.Table) {
	r, ok := table.Lookup(m.Base.Distribution, m.Base.Series)
	if !ok {
		later := e.laterDates()
		if r, ok = lifecycle.Of(m.Release, later); !ok {
			r, ok = lifecycle.Of(m.Base, later)
		}
	}
	if ok {
		m.Support = r.Support()
	}
}
