package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"wontfix"
	"wontfix/internal/store"
	"wontfix/inventory"
	"wontfix/match"
	"wontfix/probe"
	"wontfix/tracker"
)

// belong says of each client which package has it, and of the probe what that
// means for vulnerabilities. It returns the machine, nil where there is no
// package database that can be read.
func belong(p *wontfix.Probe) *wontfix.Machine {
	fsys, closer, err := inventory.OpenRoot("/")
	if err != nil {
		p.Behaviour = probe.Behaviours(p, nil)
		return nil
	}
	defer closer.Close()
	m, err := inventory.Read(fsys, inventory.Options{NoLists: true})
	if err != nil {
		p.Behaviour = probe.Behaviours(p, nil)
		return nil
	}
	real := map[string]string{}
	var paths []string
	for _, c := range p.Clients {
		real[c.Path] = c.Path
		if r, err := filepath.EvalSymlinks(c.Path); err == nil {
			real[c.Path] = r
		}
		paths = append(paths, c.Path, real[c.Path])
	}
	owners := inventory.Owners(fsys, m.Packages, paths)
	for i := range p.Clients {
		c := &p.Clients[i]
		pkg, ok := owners[c.Path]
		if !ok {
			pkg = owners[real[c.Path]]
		}
		c.Package, c.PackageVersion, c.Source = pkg.Name, pkg.Version, pkg.Source
	}
	p.Behaviour = probe.Behaviours(p, m.Packages)
	return m
}

// decided adds to the failures of a probe what the distribution decided about
// the vulnerabilities that they show, as far as there is a database: that of
// the machine's release, or of the one that was asked for.
func (c *probeCmd) decided(ctx context.Context, e *env, p *wontfix.Probe, m *wontfix.Machine) error {
	o := match.DossierOptions{}
	var err error
	if o.Release, err = parseRelease(c.release); err != nil {
		return err
	}
	if c.release == "" {
		if m == nil {
			return nil
		}
		o.Release = m.Base
	}
	if _, err := tracker.Find(o.Release.Distribution); err != nil {
		return nil
	}
	v, err := e.openView(ctx, "")
	if errors.Is(err, errNoPlace) || errors.Is(err, store.ErrMissing) && c.release == "" {
		return nil
	} else if err != nil {
		return err
	}
	defer v.Close()
	o.Now = v.now
	for i := range p.Failures {
		f := &p.Failures[i]
		for _, b := range p.Behaviour {
			if b.Shows != wontfix.ShowsVulnerable || !slices.Contains(f.Clients, b.Client) {
				continue
			}
			list, err := v.decisions(ctx, b, o)
			if err != nil {
				return err
			}
			for _, d := range list {
				if !slices.ContainsFunc(f.Decided, func(have wontfix.Decided) bool { return have.ID == d.ID && have.Source == d.Source }) {
					f.Decided = append(f.Decided, d)
				}
			}
		}
	}
	return nil
}

// decisions returns what the trackers say of a vulnerability in the sources of a
// behaviour, in one release.
func (v *view) decisions(ctx context.Context, b wontfix.Behaviour, o match.DossierOptions) ([]wontfix.Decided, error) {
	var list []wontfix.Decided
	for _, t := range v.Trackers() {
		spec, err := tracker.Find(t.Name)
		if err != nil {
			continue // a database of a program that knows more trackers
		}
		file, text, err := v.Text(ctx, t.Name, b.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		change := spec.Parse(file, text)
		o.Tracker, o.Sources = t, b.Sources
		d := match.Dossier(change.Entry, o)
		if err := v.addHistory(ctx, d); err != nil {
			return nil, err
		}
		for _, s := range d.Subjects {
			if s.Row != nil && s.Decision != wontfix.DecisionNotInRelease && slices.Contains(b.Sources, s.Source) {
				list = append(list, wontfix.Decided{ID: b.ID, Source: s.Source, Release: s.Row.Release, Decision: s.Decision, Reasons: s.Reasons, Fixed: s.Fixed, Origin: s.Origin})
			}
		}
	}
	return list, nil
}
