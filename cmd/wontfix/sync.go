package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/exploited"
	"wontfix/internal/store"
	"wontfix/lifecycle"
	"wontfix/tracker"
)

// syncCmd is "wontfix sync".
type syncCmd struct {
	git     string
	full    bool
	history bool
	all     bool
}

func newSync(e *env) *cobra.Command {
	c := &syncCmd{}
	names := trackerNames()
	cmd := &cobra.Command{
		Use:   "sync [NAME[=SOURCE]]...",
		Short: "Bring the database up to date with the trackers",
		Long: "Sync reads trackers into the database. Without a NAME it reads the tracker of\nthis machine's distribution. NAME is one of:\n\n" + trackerTable(func(s *tracker.Spec) bool { return s.Of == "" && !s.Context }) + `
or, of the same publishers, what says less, for db doctor:

` + trackerTable(func(s *tracker.Spec) bool { return s.Of != "" }) + `
or what decides nothing, and stands around decisions:

` + trackerTable(func(s *tracker.Spec) bool { return s.Context }) + `
and, for what is known of vulnerabilities being exploited:

` + exploitedTable() + `
or, for when the support of releases ends:

  lifecycle   endoflife.date's dates of Linux distributions

SOURCE is the URL of a Git or web server, a local repository (bare, shallow or
with objects missing, too), a Git bundle, a plain folder, or, of trackers that
are made of documents, a document or an archive of them; without it, the
publisher's own URL.

Of a repository the whole history is read too: who decided what, when and why.
Of a server it is fetched only with --history, as it is ten times the bytes;
without it, history begins with the first sync.

What changed since the last time is read, or everything if there was no last
time. It may be cut off at any point: the old database stays in use, and the
next run goes on.`,
		Example: `  wontfix sync
  wontfix sync ubuntu debian redhat
  wontfix sync ubuntu=/srv/mirrors/ubuntu-cve-tracker.git`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.Run(cmd.Context(), e, args) },
	}
	cmd.ValidArgsFunction = cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoSpace)
	cmd.Flags().BoolVar(&c.full, "full", false, "read everything, and not only what has changed")
	cmd.Flags().BoolVar(&c.all, "all", false, "read every tracker, for second opinions")
	cmd.Flags().BoolVar(&c.history, "history", false, "fetch a tracker's whole history from its server, and not only today's state")
	cmd.Flags().StringVar(&c.git, "git", "", "run `PROGRAM` as git")
	return cmd
}

// Run reads the trackers that args name, or all.
func (c *syncCmd) Run(ctx context.Context, e *env, args []string) error {
	switch {
	case c.all && len(args) > 0:
		return fmt.Errorf("sync %s: --all and names: give one of them", strings.Join(args, " "))
	case c.all:
		for _, s := range tracker.Trackers() {
			if s.URL != "" && s.Of == "" && !s.Context {
				args = append(args, s.Name)
			}
		}
		for _, s := range exploited.Sources() {
			if s.URL != "" {
				args = append(args, s.Name)
			}
		}
		args = append(args, datesName)
	case len(args) == 0:
		name, err := c.ownTracker(ctx, e)
		if err != nil {
			return err
		}
		args = []string{name}
	}
	type job struct {
		name string
		run  func() error
	}
	var jobs []job
	for _, arg := range args {
		name, source, given := strings.Cut(arg, "=")
		spec, err := tracker.Find(name)
		about, isAbout := exploited.Find(name)
		switch {
		case isAbout:
			spec, err = tracker.Spec{Name: name, URL: about.URL}, nil
		case name == datesName:
			spec, err = tracker.Spec{Name: name, URL: lifecycle.ProductsURL}, nil
		}
		if err != nil && !given && strings.ContainsAny(name, "/.") {
			return fmt.Errorf("sync %s: of which tracker is it? Say NAME=SOURCE, as in ubuntu=%[1]s", name)
		}
		if err != nil {
			return fmt.Errorf("sync %s: nothing of that name is known; there is %s", name, strings.Join(trackerNames(), ", "))
		}
		if given && source == "" {
			return fmt.Errorf("sync %s: no source behind the =; want a URL, a repository, a bundle or a folder", arg)
		}
		if !given {
			source = spec.URL
		}
		if source == "" {
			return fmt.Errorf("sync %s: it has no address; say where the documents are, as in %[1]s=vex.json", name)
		}
		run := func() error { return c.sync(ctx, e, spec, source) }
		switch {
		case isAbout:
			run = func() error { return c.syncExploited(ctx, e, about, source) }
		case name == datesName:
			run = func() error { return c.syncDates(ctx, e, source) }
		}
		jobs = append(jobs, job{name, run})
	}
	// One publisher that cannot be reached is no reason to leave the others out.
	var failed []error
	for _, j := range jobs {
		if err := j.run(); err != nil {
			failed = append(failed, fmt.Errorf("sync %s: %w%s", j.name, err, e.stillThere(j.name)))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

func trackerNames() (names []string) {
	for _, s := range tracker.Trackers() {
		names = append(names, s.Name)
	}
	for _, s := range exploited.Sources() {
		names = append(names, s.Name)
	}
	return append(names, datesName)
}

func exploitedTable() string {
	var b strings.Builder
	for _, s := range exploited.Sources() {
		cost := ""
		if s.URL == "" {
			cost = " (give a file)"
		}
		fmt.Fprintf(&b, "  %-10s  %s%s\n", s.Name, s.Title, cost)
	}
	return b.String()
}

// trackerTable says of some trackers what a first sync of them brings.
func trackerTable(some func(*tracker.Spec) bool) string {
	list := slices.DeleteFunc(tracker.Trackers(), func(s tracker.Spec) bool { return !some(&s) })
	width := 0
	for _, s := range list {
		width = max(width, len(s.Name))
	}
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "  %-*s  %s", width, s.Name, s.Title)
		if s.Cost != "" {
			fmt.Fprintf(&b, " (%s)", s.Cost)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// ownTracker returns the tracker that this machine needs, or the one that the
// database has.
func (c *syncCmd) ownTracker(ctx context.Context, e *env) (string, error) {
	why := "this machine's distribution is not known"
	if m, _, closer, err := (&target{}).read(ctx, e); err == nil {
		closer.Close()
		spec, err := tracker.ForDistribution(m.Base.Distribution)
		if err == nil {
			return spec.Name, nil
		}
		why = err.Error()
	}
	if db, err := e.openDB(); err == nil {
		defer db.Close()
		if list := db.Trackers(); len(list) == 1 {
			return list[0].Name, nil
		}
	}
	return "", fmt.Errorf("sync: %s; name a tracker, one of %s", why, strings.Join(trackerNames(), ", "))
}

// stillThere says what a failed sync leaves.
func (e *env) stillThere(name string) string {
	db, err := e.openDB()
	if err != nil {
		return ""
	}
	defer db.Close()
	for _, t := range db.Trackers() {
		if t.Name == name {
			return fmt.Sprintf("\nThe database is as it was: %s of %s%s.", t.Name, t.Time.UTC().Format(time.DateOnly), age(e.now(), t.Time))
		}
	}
	return ""
}

func age(now, t time.Time) string {
	switch days := int(now.Sub(t).Hours() / 24); {
	case t.IsZero() || days < 1:
		return ""
	case days == 1:
		return ", 1 day old"
	default:
		return fmt.Sprintf(", %d days old", days)
	}
}

func (c *syncCmd) sync(ctx context.Context, e *env, spec tracker.Spec, source string) error {
	path, err := e.dbPath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	cache, err := e.cacheDir()
	if err != nil {
		cache = filepath.Dir(path)
	}
	// A tighter collector costs a little of the time and saves much of the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(65))
	start := time.Now()
	p := newProgress(e)
	defer p.done()
	src, err := tracker.Open(ctx, spec, source, tracker.Options{Cache: filepath.Join(cache, "mirrors"), Offline: e.offline, Progress: p.show, Git: c.git, History: c.history, Agent: "wontfix"})
	if err != nil {
		return err
	}
	defer src.Close()
	for _, problem := range src.Refused() {
		p.done()
		e.warn("%v", problem)
	}
	old, cursor := known(path, spec)
	if old != nil {
		defer old.Close()
	}
	if c.full || lacksVersions(ctx, old, spec) && src.Whole() {
		cursor = ""
	}
	var reading sync.WaitGroup // of the old history, beside what follows
	oldPast := sync.OnceValues(func() (*past, error) { return loadPast(ctx, old, spec) })
	if cursor != "" && cursor != src.Cursor() {
		reading.Go(func() { oldPast() })
	}
	changes, full, err := src.Changes(ctx, cursor)
	reading.Wait()
	if err != nil {
		return err
	}
	if full && !c.full && old != nil && spec.Read != nil {
		changes = tracker.Shrunk(old.Counts(spec.Name).Entries, changes)
	}
	t := src.Tracker()
	if !full && cursor == src.Cursor() && !c.wantsPast(ctx, src, old, spec) {
		p.done()
		e.warn("%s is up to date: %s", spec.Name, describeTracker(t))
		return nil
	}
	if !full {
		debug.SetGCPercent(200) // of an update it costs an eighth, and there is little to save
	}
	update := store.Update{Tracker: t, Tool: toolName(), Cursor: src.Cursor(), Parser: spec.Parser, Full: full, Base: cursor, Replace: c.full}
	var past *pastReading
	var skipped []wontfix.Problem
	apply := func(old *store.DB, anew bool) (stats store.Stats, err error) {
		if spec.Past != nil {
			if past, err = readPast(ctx, e, src, spec, old, oldPast, full, anew); err != nil {
				return stats, err
			}
			if full {
				defer past.makeRoom()()
			}
			update.History = past.update(ctx, full)
			changes = past.watch(changes)
		}
		skipped = nil
		return store.Apply(ctx, path, update, unreadable(changes, &skipped))
	}
	stats, err := apply(old, c.full)
	if err != nil && c.full && past != nil && past.old != nil && ctx.Err() == nil {
		// The old history may be what cannot be read: what there is now can.
		e.warn("%v; its history begins anew", err)
		if changes, full, err = src.Changes(ctx, ""); err != nil {
			return err
		}
		stats, err = apply(nil, true)
	}
	p.done()
	if err != nil {
		return err
	}
	if stats.Discarded != nil {
		e.warn("the old database could not be read, and was built anew: %v", stats.Discarded)
	}
	e.warnFew(skipped, "more files that could not be read; `wontfix db status -v` lists them")
	said := ""
	if past != nil {
		past.warnUnseen()
		said = "; " + past.said()
	}
	e.warn("%s: %d entries read of %s, %d statements in all, %d problems in their text%s; %.1f MB, %.1f s",
		spec.Name, stats.Changes, describeTracker(t), stats.Statements, stats.Problems, said, float64(stats.Size)/1e6, time.Since(start).Seconds())
	return nil
}

// unreadable passes changes on and notes the files that could not be read at
// all, apart from lines that could not.
func unreadable(changes iter.Seq2[wontfix.Change, error], skipped *[]wontfix.Problem) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		for c, err := range changes {
			if err == nil && c.Entry == nil {
				*skipped = append(*skipped, c.Problems...)
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// known returns the database, nil if there is none that can be read, and where
// the last reading of the tracker ended, "" if everything has to be read.
func known(path string, spec tracker.Spec) (*store.DB, string) {
	db, err := store.Open(path)
	if err != nil {
		return nil, "" // Apply says what is wrong with it
	}
	cursor, parser := db.Cursor(spec.Name)
	if parser != spec.Parser {
		cursor = ""
	}
	return db, cursor
}

// lacksVersions reports whether the database was read from a source that lacked
// versions of entries, and so may lack entries of today.
func lacksVersions(ctx context.Context, db *store.DB, spec tracker.Spec) bool {
	if db == nil {
		return false
	}
	p, err := openPast(ctx, db, spec)
	return err == nil && p != nil && p.log.Holes > 0
}

// wantsPast reports whether there is more history to be had than the database
// has, of the same revision.
func (c *syncCmd) wantsPast(ctx context.Context, src *tracker.Source, db *store.DB, spec tracker.Spec) bool {
	if spec.Past == nil {
		return false
	}
	p, err := openPast(ctx, db, spec)
	if p == nil || err != nil || db.HistoryVersion(spec.Name) != pastVersion(&spec) {
		return true
	}
	return src.Whole() && p.cutOff()
}

func describeTracker(t wontfix.Tracker) string {
	s := t.Source
	if t.Revision != "" {
		s += " at " + t.Revision[:min(len(t.Revision), 12)]
	}
	if !t.Time.IsZero() {
		s += " of " + t.Time.UTC().Format(time.DateOnly)
	}
	return s
}

// syncFor brings up to date what a machine needs. A failure is a warning: the
// answer without it is still true.
func syncFor(ctx context.Context, e *env, m *wontfix.Machine) {
	spec, err := tracker.ForDistribution(m.Base.Distribution)
	if err != nil || e.offline {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	if err := (&syncCmd{}).sync(ctx, e, spec, spec.URL); err != nil && !errors.Is(err, fs.ErrPermission) {
		e.warn("sync %s: %v", spec.Name, err)
	} else if err != nil {
		e.warn("sync %s: %v; give a place that can be written with --db FILE", spec.Name, err)
	}
}

// A progress is one line on a terminal that is written over and over.
type progress struct {
	e    *env
	on   bool
	last int
}

func newProgress(e *env) *progress {
	_, tty := terminal(e.stderr)
	return &progress{e: e, on: tty && !e.quiet}
}

func (p *progress) show(x tracker.Progress) {
	if !p.on {
		return
	}
	line := fmt.Sprintf("%s %d", x.Phase, x.Done)
	if x.Total > 0 {
		line = fmt.Sprintf("%s %3d %% (%d/%d)", x.Phase, 100*x.Done/x.Total, x.Done, x.Total)
	}
	fmt.Fprintf(p.e.stderr, "\r%-*s", p.last, line)
	p.last = len(line)
}

func (p *progress) done() {
	if p.on && p.last > 0 {
		fmt.Fprintf(p.e.stderr, "\r%*s\r", p.last, "")
		p.last = 0
	}
}
