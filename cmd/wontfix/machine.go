package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"wontfix"
	"wontfix/inventory"
	"wontfix/lifecycle"
	"wontfix/tracker"
	"wontfix/tracker/ubuntu"
)

// A target is the machine to look at, as flags.
type target struct {
	root    string
	status  string
	release string
}

func (t *target) flags(fs *pflag.FlagSet) {
	fs.StringVar(&t.root, "root", "", "look at the machine whose root folder is `DIR` (default /)")
	fs.StringVar(&t.status, "dpkg-status", "", "look at the packages of a dpkg status `FILE` alone, - for standard input; needs --release")
}

// given reports whether a machine was asked for.
func (t *target) given() bool { return t.root != "" || t.status != "" }

// read returns the machine, with the dates of its release, and its root, which
// is nil for a lone status file. The closer must be closed.
func (t *target) read(e *env) (*wontfix.Machine, fs.FS, io.Closer, error) {
	release, err := parseRelease(t.release)
	if err != nil {
		return nil, nil, nil, err
	}
	product := release.Product
	release.Product = "" // a machine has a release, and products besides
	if t.status != "" {
		m, err := t.readStatus(e, release)
		addProduct(m, product)
		return m, nil, io.NopCloser(nil), err
	}
	root := t.root
	if root == "" {
		root = "/"
	}
	fsys, closer, err := inventory.OpenRoot(root)
	if err != nil {
		return nil, nil, nil, err
	}
	m, err := inventory.Read(fsys, inventory.Options{Release: release})
	if err != nil {
		closer.Close()
		return nil, nil, nil, fmt.Errorf("%s: %w", root, err)
	}
	setSupport(m, ownDates(fsys, m))
	addProduct(m, product)
	return m, fsys, closer, nil
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

func (t *target) readStatus(e *env, release wontfix.Release) (*wontfix.Machine, error) {
	switch {
	case t.root != "":
		return nil, errors.New("--root and --dpkg-status: give one of them")
	case release == wontfix.Release{}:
		return nil, errors.New("--dpkg-status: the file does not say of which release it is; add --release, such as --release ubuntu/trusty")
	}
	in, name := e.stdin, "standard input"
	if t.status != "-" {
		f, err := os.Open(t.status)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, name = f, t.status
	}
	m, err := inventory.ReadStatus(name, in, inventory.Options{Release: release})
	if err != nil {
		return nil, err
	}
	setSupport(m, lifecycle.Embedded())
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
	return wontfix.Release{}, fmt.Errorf("--release %s: no such release; want a series such as trusty, or trusty/esm-infra, or ubuntu/14.04", s)
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

func setSupport(m *wontfix.Machine, table *lifecycle.Table) {
	if r, ok := table.Lookup(m.Base.Distribution, m.Base.Series); ok {
		m.Support = r.Support()
	}
}
