package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/internal/store"
	"wontfix/inventory"
	"wontfix/match"
	"wontfix/report"
	"wontfix/tracker"
)

// staleAfter is the age from which a copy of a tracker is called stale.
const staleAfter = 7 * 24 * time.Hour

// scanCmd is "wontfix scan".
type scanCmd struct {
	target
	outputs
	statuses, outlooks, reasons, priorities, packages []string
	failOn                                            []string
	others                                            string
	exploited                                         bool
	sync, strict, changelogs                          bool
	asOf                                              string
}

func newScan(e *env) *cobra.Command {
	c := &scanCmd{}
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "Say what this machine will never get, and what may still come",
		Long: `Scan reads the packages of a machine and says what is open on each of them:
first what will never be fixed, with the reason, then what may still come.

Without a database it says what the machine itself can tell: the end of its
release, the updates that are out, the packages that nobody watches.`,
		Example: `  wontfix scan
  wontfix scan --root /mnt/image -f json -o scan.json
  wontfix scan --outlook never --reason too-intrusive,no-reason-given
  wontfix scan --fail-on never,undocumented`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.Run(cmd.Context(), e) },
	}
	fs := cmd.Flags()
	c.target.flags(fs)
	fs.StringVar(&c.release, "release", "", "take the machine for `RELEASE`, whatever it says of itself; with a product, as in jammy/esm-apps, for one that has it on")
	c.outputs.flags(fs, report.ScanFormats())
	fs.StringSliceVar(&c.statuses, "status", nil, "show only findings of these `STATUSES`: "+strings.Join(wontfix.Statuses(), ", "))
	fs.StringSliceVar(&c.outlooks, "outlook", nil, "show only findings with these `OUTLOOKS`: "+strings.Join(wontfix.Outlooks(), ", "))
	fs.StringSliceVar(&c.reasons, "reason", nil, "show only findings with one of these `REASONS`: "+strings.Join(wontfix.ReasonNames(), ", "))
	fs.StringSliceVar(&c.priorities, "priority", nil, "show only findings of these `PRIORITIES`: "+strings.Join(match.Priorities(), ", "))
	fs.StringSliceVar(&c.packages, "package", nil, "show only findings of these source or binary `PACKAGES`")
	fs.StringSliceVar(&c.failOn, "fail-on", nil, "exit with status 2 if there is a finding that meets one of these `CONDITIONS`: an outlook, a priority (or a more urgent one), undocumented, fixed-elsewhere, exploited, epss>=0.1, undecided-older-than=90d; with a + between them, all of several")
	fs.StringVar(&c.others, "others", "", "show only findings that other publishers `DECIDED` so: fixed")
	fs.BoolVar(&c.exploited, "exploited", false, "show only findings of vulnerabilities that are known to be exploited")
	asOfFlag(fs, &c.asOf)
	fs.BoolVar(&c.sync, "sync", false, "bring the database up to date first, if the network allows")
	fs.BoolVar(&c.strict, "strict", false, "exit with status 3 if the data are stale or partial")
	fs.BoolVar(&c.changelogs, "changelogs", false, "read the changelogs of installed packages, also where there is a tracker")
	complete(cmd, "format", report.ScanFormats())
	complete(cmd, "platform", platforms)
	complete(cmd, "status", wontfix.Statuses())
	complete(cmd, "outlook", wontfix.Outlooks())
	complete(cmd, "reason", wontfix.ReasonNames())
	complete(cmd, "priority", match.Priorities())
	complete(cmd, "fail-on", slices.Concat(wontfix.Outlooks(), match.Priorities(), []string{"undocumented", match.FixedElsewhere, match.Exploited}))
	complete(cmd, "others", []string{"fixed"})
	return cmd
}

// Run scans and writes the answer.
func (c *scanCmd) Run(ctx context.Context, e *env) error {
	defer collectLittle()()
	list, err := c.list(report.ScanFormats())
	if err != nil {
		return err
	}
	filter, err := c.filter()
	if err != nil {
		return err
	}
	var gates []match.Gate
	for _, s := range c.failOn {
		g, err := match.ParseGate(s)
		if err != nil {
			return fmt.Errorf("--fail-on: %w", err)
		}
		gates = append(gates, g)
	}
	if !c.sync {
		defer e.expectDB()()
	}
	machine, root, closer, err := c.read(ctx, e)
	if err != nil {
		return err
	}
	defer closer.Close()
	if c.sync && c.asOf == "" {
		syncFor(ctx, e, machine)
	}
	scan, partial, err := c.scan(ctx, e, machine, root, list)
	if err != nil {
		return err
	}
	for _, name := range c.packages {
		if !slices.ContainsFunc(machine.Packages, func(p wontfix.Package) bool { return p.Name == name || p.Source == name }) &&
			!slices.Contains(match.Sources(machine), name) { // as the tracker calls it
			e.warn("--package %s: no package of that name is installed", name)
		}
	}
	all := scan.Findings
	scan.Findings, scan.Summary.Hidden = filter.Apply(all)
	if err := c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteScan(w, format, scan, o)
	}); err != nil {
		return err
	}
	tripped := false
	for _, g := range gates {
		if n := g.Trips(all, cmp.Or(scan.AsOf, e.now())); n > 0 {
			e.warn("--fail-on %s: %s", g, plural(n, "finding"))
			tripped = true
		}
	}
	switch {
	case tripped:
		return exitCode(exitGate)
	case partial && c.strict:
		e.warn("--strict: the data are stale or partial")
		return exitCode(exitStale)
	}
	return nil
}

// collectLittle lets the heap grow for an answer that is over before there is
// much to collect, unless a machine has package lists of a hundred megabytes. It
// returns what ends that.
func collectLittle() (restore func()) {
	percent, limit := debug.SetGCPercent(800), debug.SetMemoryLimit(64<<20)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

func (c *scanCmd) filter() (f match.Filter, err error) {
	for _, s := range c.statuses {
		v, err := wontfix.ParseStatus(s)
		if err != nil {
			return f, fmt.Errorf("--status: %w", err)
		}
		f.Statuses = append(f.Statuses, v)
	}
	for _, s := range c.outlooks {
		v, err := wontfix.ParseOutlook(s)
		if err != nil {
			return f, fmt.Errorf("--outlook: %w", err)
		}
		f.Outlooks = append(f.Outlooks, v)
	}
	for _, s := range c.reasons {
		v, err := wontfix.ParseReason(s)
		if err != nil {
			return f, fmt.Errorf("--reason: %w", err)
		}
		f.Reasons |= v
	}
	for _, s := range c.priorities {
		if !slices.Contains(match.Priorities(), s) {
			return f, fmt.Errorf("--priority: %q is not known; it is one of %s", s, strings.Join(match.Priorities(), ", "))
		}
	}
	if c.others != "" && c.others != "fixed" {
		return f, fmt.Errorf("--others: %q is not known; it is fixed", c.others)
	}
	f.Priorities, f.Packages, f.FixedElsewhere = c.priorities, c.packages, c.others != ""
	f.Exploited = c.exploited
	return f, nil
}

// scan makes the answer for the given outputs. partial says that it rests on
// old data or lacks some.
func (c *scanCmd) scan(ctx context.Context, e *env, m *wontfix.Machine, root fs.FS, outs []output) (s *wontfix.Scan, partial bool, err error) {
	s = &wontfix.Scan{Schema: wontfix.ScanSchema, Tool: toolName(), Time: e.now().UTC().Truncate(time.Second), Machine: m,
		Trackers: []wontfix.Tracker{}, Findings: []wontfix.Finding{}, Dismissed: []wontfix.Dismissal{}, Problems: append([]wontfix.Problem{}, m.Problems...)}
	var unsaid []wontfix.Unsaid
	v, missing, err := c.viewFor(ctx, e, m)
	if err != nil {
		return nil, false, err
	}
	now := e.now()
	var t *wontfix.Tracker
	var statements []wontfix.Statement
	var seen []wontfix.Behaviour
	if c.asOf == "" && c.running() {
		seen = e.behaviour()
	}
	if v != nil {
		defer v.Close()
		now = v.now
		var matters func(*wontfix.Statement) bool
		if len(seen) == 0 { // else it is said of each whether the version has it
			matters = match.Matters(m)
		}
		if t, statements, missing, err = statementsFor(ctx, v, m, matters); err != nil {
			return nil, false, err
		}
		if t != nil {
			s.Trackers = append(s.Trackers, *t)
			s.Findings, s.Dismissed = match.Match(m, statements, match.Options{Tracker: *t, Now: now})
			shown := func(f *wontfix.Finding) bool {
				return slices.ContainsFunc(outs, func(o output) bool { return report.ShowsOrigin(o.format, f) })
			}
			if err := v.addOrigins(ctx, t.Name, s.Findings, shown); err != nil {
				return nil, false, err
			}
			if c.asksOthers() {
				if len(v.Trackers()) == 1 {
					return nil, false, fmt.Errorf("what others decided: the database has %s alone; `wontfix sync NAME` reads another, one of %s", tracker.Named(t.Title), strings.Join(trackerNames(), ", "))
				}
				if err := v.addOthers(ctx, t.Name, s.Findings); err != nil {
					return nil, false, err
				}
			}
		}
	}
	if c.asOf != "" {
		s.AsOf = now.UTC()
	}
	if !e.addExploitation(s.Findings, s.AsOf) && c.asksExploited() {
		return nil, false, errors.New("what is exploited: nothing is known of it yet; `wontfix sync kev epss` reads it")
	}
	s.Behaviour = match.Behaviour(m, seen, s.Findings, statements)
	if missing != nil {
		unsaid = append(unsaid, *missing)
	}
	if t != nil {
		if age := now.Sub(t.Time); !t.Time.IsZero() && age > staleAfter {
			unsaid = append(unsaid, wontfix.Unsaid{What: "what was decided after " + t.Time.UTC().Format(time.DateOnly),
				Why: fmt.Sprintf("the copy of %s is %d days old", tracker.Named(t.Title), int(age.Hours()/24)), Command: "wontfix sync"})
		}
	}
	rebuilt := m.Base != m.Release && m.Manager == "rpm" // and the tracker goes on
	if end := m.Support.Standard; t != nil && m.Support.Extended.IsZero() && end.Past(now) && !rebuilt {
		unsaid = append(unsaid, wontfix.Unsaid{What: "what was found after " + m.Base.Series + " ended on " + end.String(),
			Why: "the tracker makes no rows for a release that has ended; its silence about newer vulnerabilities is not safety"})
	}
	if t != nil && otherForm(v.DB, t.Name) {
		unsaid = append(unsaid, wontfix.Unsaid{What: "who decided, and when",
			Why: fmt.Sprintf("the database has the history of %s from another version of wontfix", tracker.Named(t.Title)), Command: "wontfix sync " + t.Name})
	}
	coverage, more := match.Cover(m)
	s.Coverage, unsaid = coverage, append(unsaid, more...)
	if root != nil && m.Manager == "dpkg" && (t == nil || c.changelogs) {
		var problems []wontfix.Problem
		s.Coverage.Backports, problems = inventory.Backports(root, m.Packages)
		s.Problems = append(s.Problems, problems...)
	}
	s.Unsaid = append([]wontfix.Unsaid{}, unsaid...)
	s.Summary = match.Summarize(s.Findings, s.Dismissed, s.Coverage)
	return s, len(unsaid) > 0 || len(s.Problems) > 0, nil
}

// viewFor opens the database for the tracker of m's distribution. Where there is
// none, missing says so.
func (c *scanCmd) viewFor(ctx context.Context, e *env, m *wontfix.Machine) (v *view, missing *wontfix.Unsaid, err error) {
	missing = &wontfix.Unsaid{What: unsaidAll}
	spec, err := tracker.ForDistribution(m.Base.Distribution)
	if err != nil {
		missing.Why = "wontfix reads no tracker of " + m.Base.Distribution + " yet"
		return nil, missing, nil
	}
	v, err = e.openView(ctx, c.asOf)
	// After a sync that failed it has been told already that there is none.
	if errors.Is(err, errNoPlace) || errors.Is(err, store.ErrMissing) && (e.db == "" || c.sync) {
		missing.Why, missing.Command = "there is no copy of "+tracker.Named(spec.Title)+" yet", "wontfix sync"
		return nil, missing, nil
	}
	return v, nil, err
}

// unsaidAll is what a scan cannot say without a tracker.
const unsaidAll = "which vulnerabilities are open on this machine, and which will never be fixed"

// statementsFor returns the tracker of m's distribution with what it says of
// m's packages, as far as it matters. Where there is none, missing says so.
func statementsFor(ctx context.Context, v *view, m *wontfix.Machine, matters func(*wontfix.Statement) bool) (t *wontfix.Tracker, statements []wontfix.Statement, missing *wontfix.Unsaid, err error) {
	spec, err := tracker.ForDistribution(m.Base.Distribution)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, have := range v.Trackers() {
		if have.Name == spec.Name {
			t = &have
		}
	}
	if t == nil {
		return nil, nil, &wontfix.Unsaid{What: unsaidAll, Why: "the database has no copy of " + tracker.Named(spec.Title), Command: "wontfix sync " + spec.Name}, nil
	}
	v.expectPast(t.Name)
	all := v.Labels(t.Name)
	labels := append(spec.LabelsFor(all, m.Base), match.Neighbours(m, v.now)...)
	if statements, err = v.Statements(ctx, t.Name, labels, match.Sources(m), matters); err != nil {
		return nil, nil, nil, err
	}
	if !slices.ContainsFunc(labels, func(l string) bool { r, ok := all[l]; return r.Base() == m.Base || ok && spec.Labels == nil }) {
		missing = &wontfix.Unsaid{What: "what was decided about " + m.Base.Series,
			Why: fmt.Sprintf("this copy of %s has no row for %s", tracker.Named(t.Title), m.Base), Command: "wontfix sync"}
	}
	return t, statements, missing, nil
}

// asksOthers reports whether what other publishers decided is asked for.
func (c *scanCmd) asksOthers() bool {
	return c.others != "" || slices.ContainsFunc(c.failOn, func(s string) bool { return slices.Contains(strings.Split(s, "+"), match.FixedElsewhere) })
}

// asksExploited reports whether what is exploited is asked for.
func (c *scanCmd) asksExploited() bool {
	return c.exploited || slices.ContainsFunc(c.failOn, func(s string) bool { return strings.Contains(s, match.Exploited) || strings.Contains(s, "epss") })
}

// addOthers says of findings which other publishers fixed them.
func (v *view) addOthers(ctx context.Context, own string, findings []wontfix.Finding) error {
	said := map[string][]match.Said{}
	for i := range findings {
		f := &findings[i]
		others, ok := said[f.ID]
		if !ok {
			list, _, err := v.entries(ctx, f.ID)
			if err != nil {
				return err
			}
			others = plain(list)
			said[f.ID] = others
		}
		f.FixedElsewhere = match.Opinions(own, f.Source, f.SourceVersion, others).FixedElsewhere
	}
	return nil
}

// addOrigins says of findings who decided: of those that are shown with it, and
// of those whose reasons it can change; see [reworded]. Where a fix is out and no
// reason is given there is none to be changed.
func (v *view) addOrigins(ctx context.Context, name string, findings []wontfix.Finding, shown func(*wontfix.Finding) bool) error {
	p, err := v.partOfPast(name)
	if p == nil || err != nil {
		return err
	}
	refused := func(f *wontfix.Finding) bool { return f.Outlook != wontfix.Available || len(f.Reasons) > 0 }
	lines := make(map[string][]int, len(findings))
	for i := range findings {
		if f := &findings[i]; refused(f) || shown(f) {
			lines[f.ID] = append(lines[f.ID], f.Tracker.Line)
		}
	}
	origins, err := p.origins(ctx, slices.Sorted(maps.Keys(lines)), lines)
	if err != nil {
		return err
	}
	for i := range findings {
		f := &findings[i]
		f.Origin = origins.of(f.ID, f.Tracker.Line)
		if reasons, ok := reworded(f.Origin, f.Reasons); ok && refused(f) {
			f.Reasons, f.ReasonText, f.Evidence = reasons, f.Origin.Words, f.Origin.Evidence
		}
	}
	return p.checked()
}

// reworded returns the reasons of a decision where other words have been put
// over them since: those of the time first, then what the words of today say.
func reworded(o *wontfix.Origin, today []string) ([]string, bool) {
	none := wontfix.NoReason.String()
	if o == nil || o.WroteClass != wontfix.ClassReword || o.Words == "" || len(o.Reasons) == 0 || slices.Contains(o.Reasons, none) || slices.Equal(o.Reasons, today) {
		return nil, false
	}
	reasons := slices.Clone(o.Reasons)
	for _, r := range today {
		if r != none && !slices.Contains(reasons, r) {
			reasons = append(reasons, r)
		}
	}
	return reasons, true
}

// expectDB begins to open the database while something else is read. What it
// returns is to be called in the end.
func (e *env) expectDB() (forget func()) {
	open := sync.OnceValues(e.openNow)
	e.opening = open
	e.ahead.Go(func() { open() })
	return func() {
		e.ahead.Wait()
		if e.opening == nil {
			return // it was taken
		}
		e.opening = nil
		if db, err := open(); err == nil {
			db.Close()
		}
	}
}

// expect begins to read what answers about a tracker need, or about all if name
// is "", of a database that is expected.
func (e *env) expect(name string) {
	open := e.opening
	if open == nil {
		return
	}
	e.ahead.Go(func() {
		db, err := open()
		if err != nil {
			return // it is said when the database is needed
		}
		for _, t := range db.Trackers() {
			if name == "" || t.Name == name {
				db.Expect(t.Name)
			}
		}
	})
}

// openDB opens the database.
func (e *env) openDB() (*store.DB, error) {
	if open := e.opening; open != nil {
		e.opening = nil
		return open()
	}
	return e.openNow()
}

func (e *env) openNow() (*store.DB, error) {
	path, err := e.dbPath()
	if err != nil {
		return nil, err
	}
	return store.Open(path)
}

// noArgs is cobra.NoArgs with a message that helps.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no argument, and got %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// newReport is "wontfix report": a saved scan in another form.
func newReport(e *env) *cobra.Command {
	o := &outputs{}
	cmd := &cobra.Command{
		Use:     "report SCAN.json",
		Short:   "Write a saved scan in another format",
		Example: "  wontfix scan -f json -o scan.json\n  wontfix report -f markdown scan.json",
		Args:    exactArgs(1, "the JSON file of a scan, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := o.list(report.ScanFormats())
			if err != nil {
				return err
			}
			in := e.stdin
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			scan, err := report.ReadScan(in)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return o.write(e, list, func(w io.Writer, format string, ro report.Options) error {
				return report.WriteScan(w, format, scan, ro)
			})
		},
	}
	o.flags(cmd.Flags(), report.ScanFormats())
	complete(cmd, "format", report.ScanFormats())
	return cmd
}

func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("%s takes %s; see %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}
