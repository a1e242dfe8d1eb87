package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/store"
	"wontfix/inventory"
	"wontfix/match"
	"wontfix/report"
	"wontfix/tracker"
)

// whyCmd is "wontfix why".
type whyCmd struct {
	target
	outputs
	id      string
	sources []string
	asOf    string
}

func newWhy(e *env) *cobra.Command {
	c := &whyCmd{}
	cmd := &cobra.Command{
		Use:   "why CVE [PACKAGE]...",
		Short: "Say what was decided about a vulnerability, why, and where that is written",
		Long: `Why shows the dossier of one vulnerability: the row as the tracker has it, the
decision and its reason, the notes, what upstream did, which other releases and
packages have the fix.

With --root it speaks of the packages of that machine, with --release of that
release. With neither it speaks of this machine, if its distribution has a
tracker, and otherwise of every release.`,
		Example: `  wontfix why CVE-2014-9365 python2.7 --release trusty
  wontfix why CVE-2014-9365 --root /mnt/image`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s takes the ID of a vulnerability, such as CVE-2014-9365, and source packages; see %[1]s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c.id, c.sources = normalID(args[0]), args[1:]
			return c.Run(cmd.Context(), e)
		},
	}
	fs := cmd.Flags()
	c.target.flags(fs)
	fs.StringVar(&c.release, "release", "", "speak of `RELEASE`: trusty, trusty/esm-infra, ubuntu/14.04")
	asOfFlag(fs, &c.asOf)
	c.outputs.flags(fs, report.DossierFormats())
	complete(cmd, "format", report.DossierFormats())
	complete(cmd, "platform", platforms)
	return cmd
}

// normalID completes what people type: cve-2014-9365, 2014-9365. What can be no
// ID stays as it is.
func normalID(s string) string {
	if !isID(s) {
		return s
	}
	s = strings.ToUpper(s)
	if len(s) > 5 && s[4] == '-' && strings.Trim(s[:4], "0123456789") == "" {
		return "CVE-" + s
	}
	return s
}

// isID reports whether s has a hyphen and a digit, as IDs of vulnerabilities do.
func isID(s string) bool { return strings.Contains(s, "-") && strings.ContainsAny(s, "0123456789") }

// noEntry says that no tracker has an entry of an ID.
func noEntry(id string) error {
	if !isID(id) {
		return fmt.Errorf("%s: want the ID of a vulnerability, such as CVE-2014-9365; of a source package, `wontfix history %[1]s` and `wontfix scan --package %[1]s` tell", id)
	}
	return fmt.Errorf("%s: no tracker in the database has an entry of that ID; `wontfix db status` says how old they are", id)
}

// Run writes the dossier.
func (c *whyCmd) Run(ctx context.Context, e *env) error {
	defer collectLittle()()
	list, err := c.list(report.DossierFormats())
	if err != nil {
		return err
	}
	defer e.expectDB()()
	e.expect("")
	o := match.DossierOptions{Sources: c.sources}
	var root fs.FS
	if c.given() || c.release == "" {
		m, fsys, closer, err := c.read(ctx, e)
		switch {
		case err == nil:
			defer closer.Close()
			if _, err := tracker.ForDistribution(m.Base.Distribution); err == nil || c.given() {
				o.Machine, root = m, fsys
			}
		case c.given():
			return err
		}
	}
	if o.Machine == nil {
		if o.Release, err = parseRelease(c.release); err != nil {
			return err
		}
	}
	v, err := e.openView(ctx, c.asOf)
	if err != nil {
		return err
	}
	defer v.Close()
	if o.Machine != nil && !c.given() && !v.speaksOf(o.Machine) {
		o.Machine, root = nil, nil
	}
	o.Now = v.now
	for _, t := range v.Trackers() {
		v.expectPast(t.Name)
		if otherForm(v.DB, t.Name) {
			e.warn("who decided is not known: %v", noHistory(v.DB, t.Name))
		}
	}
	dossiers, err := c.dossiers(ctx, v, o)
	if err != nil {
		return err
	}
	about, done := e.exploitation(false)
	defer done()
	for _, d := range dossiers {
		d.Exploitation = exploitedSay(about, d.ID, d.AsOf)
		if o.Machine != nil && root != nil {
			d.Machine = strings.TrimSpace(o.Machine.Name + " " + c.place())
			addChangelogs(d, o.Machine, root)
		}
		if o.Machine != nil && c.asOf == "" && c.running() {
			match.DossierBehaviour(o.Machine, e.behaviour(), d)
		}
	}
	return c.write(e, list, func(w io.Writer, format string, ro report.Options) error {
		return report.WriteDossiers(w, format, dossiers, ro)
	})
}

// dossiers returns the dossier of the tracker that speaks of the machine or the
// release, with what others decided beside it. If that tracker has no such
// entry, or none was asked for, it is that of the first one that has.
func (c *whyCmd) dossiers(ctx context.Context, v *view, o match.DossierOptions) ([]*wontfix.Dossier, error) {
	said, silent, err := v.entries(ctx, c.id)
	if err != nil {
		return nil, err
	}
	if len(said) == 0 {
		return nil, noEntry(c.id)
	}
	first, err := c.chosen(said, o)
	if err != nil {
		return nil, err
	}
	own := said[first]
	if err := checkSources(own.Entry, c.sources); err != nil {
		return nil, err
	}
	o.Tracker = own.Tracker
	if o.Packages, err = v.packageRows(ctx, own, o.Machine); err != nil {
		return nil, err
	}
	d := match.Dossier(own.Entry, o)
	d.Problems = own.problems
	if err := v.addContext(ctx, d); err != nil {
		return nil, err
	}
	if v.asOf {
		d.AsOf = v.now.UTC()
	}
	if err := v.addHistory(ctx, d); err != nil {
		return nil, err
	}
	if len(said)+len(silent) > 1 {
		for i := range d.Subjects {
			s := &d.Subjects[i]
			s.Opinions = match.Opinions(own.Tracker.Name, s.Source, cmp.Or(s.Installed, s.Fixed), plain(said))
			s.Opinions.Silent = append(s.Opinions.Silent, silent...)
		}
	}
	return []*wontfix.Dossier{d}, nil
}

// packageRows returns what an entry's tracker says of its packages as a whole,
// where m is of the distribution whose tracker does so.
func (v *view) packageRows(ctx context.Context, of entrySaid, m *wontfix.Machine) ([]wontfix.Statement, error) {
	if m == nil || m.Base.Distribution != "debian" || of.Tracker.Name != "debian" {
		return nil, nil
	}
	spec, err := tracker.Find(of.Tracker.Name)
	if err != nil {
		return nil, err
	}
	var sources []string
	for i := range of.Entry.Statements {
		sources = append(sources, of.Entry.Statements[i].Source)
	}
	slices.Sort(sources)
	rows, err := v.Statements(ctx, spec.Name, spec.LabelsFor(v.Labels(spec.Name), m.Base), slices.Compact(sources), nil)
	return slices.DeleteFunc(rows, func(s wontfix.Statement) bool { return s.Scope != wontfix.ScopePackage }), err
}

// speaksOf reports whether the database has the tracker of a machine's
// distribution.
func (v *view) speaksOf(m *wontfix.Machine) bool {
	spec, err := tracker.ForDistribution(m.Base.Distribution)
	return err == nil && slices.ContainsFunc(v.Trackers(), func(t wontfix.Tracker) bool { return t.Name == spec.Name })
}

// chosen returns the number of the entry that a dossier is of.
func (c *whyCmd) chosen(said []entrySaid, o match.DossierOptions) (int, error) {
	distribution := o.Release.Distribution
	if o.Machine != nil {
		distribution = o.Machine.Base.Distribution
	}
	spec, err := tracker.ForDistribution(distribution)
	for i := range said {
		if err == nil && said[i].Tracker.Name == spec.Name {
			return i, nil
		}
	}
	if c.given() || c.release != "" {
		var names []string
		for _, s := range said {
			names = append(names, s.Tracker.Name)
		}
		return 0, fmt.Errorf("%s: the tracker of %s has no entry of that ID; there is one of %s", c.id, distribution, strings.Join(names, ", "))
	}
	return 0, nil
}

// An entrySaid is an entry with the lines of it that could not be read.
type entrySaid struct {
	match.Said
	problems []wontfix.Problem
}

func plain(list []entrySaid) []match.Said {
	said := make([]match.Said, len(list))
	for i := range list {
		said[i] = list[i].Said
	}
	return said
}

// entries returns what the trackers of the database say of a vulnerability, in
// the order of the list of trackers, and the names of those that say nothing.
// A publisher's lesser feeds speak only where the one that counts was not read.
func (v *view) entries(ctx context.Context, id string) (said []entrySaid, silent []string, err error) {
	have := map[string]wontfix.Tracker{}
	for _, t := range v.Trackers() {
		have[t.Name] = t
	}
	for _, spec := range tracker.Trackers() {
		t, ok := have[spec.Name]
		if _, better := have[spec.Of]; !ok || better || spec.Context {
			continue
		}
		file, text, err := v.Text(ctx, t.Name, id)
		if errors.Is(err, store.ErrNotFound) {
			silent = append(silent, t.Name)
			continue
		} else if err != nil {
			return nil, nil, err
		}
		change := spec.Parse(file, text)
		if change.Entry == nil {
			silent = append(silent, t.Name)
			continue
		}
		said = append(said, entrySaid{match.Said{Tracker: t, Entry: change.Entry}, change.Problems})
	}
	return said, silent, nil
}

// addContext adds what stands around a decision: ratings, and what CVE records
// and NVD say of the vulnerability as a whole.
func (v *view) addContext(ctx context.Context, d *wontfix.Dossier) error {
	for _, t := range v.Trackers() {
		spec, err := tracker.Find(t.Name)
		if err != nil || !spec.Context {
			continue
		}
		file, text, err := v.Text(ctx, t.Name, d.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		e := spec.Parse(file, text).Entry
		if e == nil {
			continue
		}
		for _, c := range e.CVSS {
			if !slices.Contains(d.CVSS, c) {
				d.CVSS = append(d.CVSS, c)
			}
		}
		for i := range e.Statements {
			d.Context = append(d.Context, match.RowOf(&t, &e.Statements[i]))
		}
	}
	return nil
}

// addHistory says of each row of a dossier how it came to what it says.
func (v *view) addHistory(ctx context.Context, d *wontfix.Dossier) error {
	p, err := v.partOfPast(d.Tracker.Name)
	if p == nil || err != nil {
		return err
	}
	trace, err := p.trace(ctx, d.ID)
	if trace == nil || err != nil {
		return err
	}
	for i := range d.Subjects {
		s := &d.Subjects[i]
		if s.Row == nil {
			continue
		}
		key := history.Key{Label: s.Row.Release, Source: s.Row.Package}
		if key.Source == "" {
			key.Source = s.Source
		}
		if o, ok := trace.Origin(key); ok {
			line := trace.Timeline(key)
			s.Origin, s.History = &o, &line
			if reasons, ok := reworded(&o, s.Reasons); ok {
				s.Reasons, s.ReasonText, s.Evidence, s.ReasonLine = reasons, o.Words, o.Evidence, 0
				if s.Finding != nil {
					s.Finding.Reasons, s.Finding.ReasonText, s.Finding.Evidence = reasons, o.Words, o.Evidence
				}
			}
		}
	}
	return p.checked()
}

// checkSources says which packages an entry does speak of, if not of the ones
// asked for.
func checkSources(e *wontfix.Entry, asked []string) error {
	var known []string
	for i := range e.Statements {
		if s := e.Statements[i].Source; !slices.Contains(known, s) {
			known = append(known, s)
		}
	}
	for _, s := range asked {
		if !slices.Contains(known, s) {
			if len(known) > 12 {
				known = append(known[:12], fmt.Sprintf("and %d more", len(known)-12))
			}
			return fmt.Errorf("%s: the entry says nothing of source package %q; it speaks of %s", e.ID, s, strings.Join(known, ", "))
		}
	}
	return nil
}

// addChangelogs adds the line of an installed changelog that names the
// vulnerability: proof of a fix that a version number does not show.
func addChangelogs(d *wontfix.Dossier, m *wontfix.Machine, root fs.FS) {
	for i := range d.Subjects {
		s := &d.Subjects[i]
		for _, p := range m.Packages {
			if p.Source != s.Source || s.Installed == "" {
				continue
			}
			if line, ok, err := inventory.Changelog(root, p, d.ID); err == nil && ok {
				s.Changelog = line
				break
			}
		}
	}
}
