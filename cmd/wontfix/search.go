package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wontfix"
	"wontfix/internal/store"
	"wontfix/query"
	"wontfix/report"
)

// searchCmd is "wontfix search".
type searchCmd struct {
	outputs
	expr    string
	grep    string
	in      []string
	asOf    string
	files   bool
	count   bool
	after   int
	before  int
	context int
	query.PatternOptions
}

func newSearch(e *env) *cobra.Command {
	c := &searchCmd{}
	cmd := &cobra.Command{
		Use:   "search [EXPR] [--grep PATTERN]",
		Short: "Search all decisions by field, or the trackers' own lines by pattern",
		Long: `Search finds statements by their fields:

  release package status word decision reason evidence priority author note
  year published tag text detail id file in fixed was

and by what the tracker's history says of who decided:

  by decided decided-after decided-before reversed class confidence reason-then

Terms are joined with and, or, not and parentheses; two terms side by side
mean and. A field is followed by : or =, !=, <, <=, >, >= or ~ (a pattern); a
list of values separated by commas means any of them; * stands for any text.

The field by is a part of the name of who decided, or the nick that signs notes;
a sweep and a robot are nobody. Decided is a day, a month or a year. Reversed
asks for refusals that were taken back at least once. Class is the kind of the
commit: decision, create, eol-sweep, bulk, robot and others. Reason-then is why,
as it was said at the time.

With --grep it searches the lines of the trackers' files for a pattern in the
syntax of Perl, look-ahead included, as ack does on a checkout.`,
		Example: `  wontfix search 'release:trusty status:ignored reason:too-intrusive'
  wontfix search 'package:linux-* and decision:wont-fix and year>=2018'
  wontfix search by:mdeslaur decided-after:2018-01 reversed
  wontfix search --as-of 2015-12-24 release:precise status:ignored in:retired
  wontfix search --grep 'precise.*ignored(?!.*abandoned)' --in retired -l`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.expr = strings.Join(args, " ")
			if err := c.check(cmd.Flags()); err != nil {
				return err
			}
			return c.Run(cmd.Context(), e)
		},
	}
	fs := cmd.Flags()
	c.outputs.flags(fs, report.StatementFormats())
	asOfFlag(fs, &c.asOf)
	fs.StringVar(&c.grep, "grep", "", "search the lines of the trackers' files for `PATTERN`")
	fs.StringSliceVar(&c.in, "in", nil, "search only these `FOLDERS` of the tracker: active, retired, ignored")
	fs.BoolVarP(&c.files, "files-with-matches", "l", false, "print only the names of files")
	fs.BoolVarP(&c.count, "count", "c", false, "print only how many matches each file has")
	fs.IntVarP(&c.after, "after-context", "A", 0, "print `N` lines after each match")
	fs.IntVarP(&c.before, "before-context", "B", 0, "print `N` lines before each match")
	fs.IntVarP(&c.context, "context", "C", 0, "print `N` lines before and after each match")
	fs.BoolVarP(&c.IgnoreCase, "ignore-case", "i", false, "take upper and lower case for the same, in --grep")
	fs.BoolVarP(&c.Literal, "literal", "Q", false, "take the pattern of --grep for plain text")
	fs.BoolVarP(&c.Word, "word-regexp", "w", false, "match whole words only, in --grep")
	fs.DurationVar(&c.Timeout, "timeout", 10*time.Second, "give up a pattern that backtracks for longer than `DURATION`")
	complete(cmd, "format", report.StatementFormats())
	complete(cmd, "in", folders)
	return cmd
}

// folders are the folders of a tracker that hold entries.
var folders = []string{"active", "retired", "ignored"}

// check refuses flags that would do nothing beside the others.
func (c *searchCmd) check(fs *pflag.FlagSet) error {
	if (c.expr == "") == (c.grep == "") {
		return errors.New("search: give an expression, such as release:trusty, or --grep PATTERN, and not both; see wontfix search --help")
	}
	for _, name := range []string{"after-context", "before-context", "context"} {
		if n, _ := fs.GetInt(name); n < 0 {
			return fmt.Errorf("--%s %d: want 0 or more", name, n)
		}
	}
	if c.Timeout <= 0 {
		return fmt.Errorf("--timeout %s: want more than 0", c.Timeout)
	}
	for _, dir := range c.in {
		if !slices.Contains(folders, dir) {
			return fmt.Errorf("--in %s: want active, retired or ignored", dir)
		}
	}
	if c.grep == "" {
		for _, name := range []string{"after-context", "before-context", "context", "ignore-case", "literal", "word-regexp"} {
			if fs.Changed(name) {
				return fmt.Errorf("--%s: goes with --grep, and there is none", name)
			}
		}
	}
	if (c.files || c.count) && fs.Changed("format") {
		return errors.New("--format: -l and -c write lines of their own; leave one or the other away")
	}
	return nil
}

// Run searches and writes what it finds.
func (c *searchCmd) Run(ctx context.Context, e *env) error {
	list, err := c.list(report.StatementFormats())
	if err != nil {
		return err
	}
	v, err := e.openView(ctx, c.asOf)
	if err != nil {
		return err
	}
	defer v.Close()
	if c.grep != "" {
		return c.grepLines(ctx, e, v, list)
	}
	return c.statements(ctx, e, v, list)
}

// statements searches by fields.
func (c *searchCmd) statements(ctx context.Context, e *env, v *view, list []output) error {
	expr, err := query.Parse(c.expr)
	if err != nil {
		return err
	}
	if expr.NeedsOrigin() {
		if err := v.checkOrigins(ctx, e); err != nil {
			return err
		}
	}
	v.checkReleases(e, expr.Releases())
	found := c.find(ctx, v, expr)
	if c.files || c.count {
		return c.filesOf(e, found)
	}
	return c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		n, err := report.WriteStatements(w, format, found, o)
		if err == nil {
			e.warn("%s%s", plural(n, "statement"), v.at())
		}
		return err
	})
}

// filesOf writes the files that hold what was found, each once, with -c how
// many statements it has.
func (c *searchCmd) filesOf(e *env, found iter.Seq2[*wontfix.Statement, error]) error {
	counts := make(map[string]int)
	var files []string
	for s, err := range found {
		if err != nil {
			return err
		}
		if counts[s.File]++; counts[s.File] == 1 {
			files = append(files, s.File)
		}
	}
	slices.Sort(files)
	w := bufio.NewWriter(e.stdout)
	for _, f := range files {
		if c.count {
			fmt.Fprintf(w, "%s:%d\n", report.Clean(f), counts[f])
		} else {
			fmt.Fprintln(w, report.Clean(f))
		}
	}
	return w.Flush()
}

// A grepped is what a pattern found in one file.
type grepped struct {
	file  string
	count int
	hits  []query.Hit
}

// grepLines searches the trackers' own lines.
func (c *searchCmd) grepLines(ctx context.Context, e *env, v *view, list []output) error {
	if list[0].format != "text" || list[0].file != "" {
		return errors.New("search --grep writes text to standard output: leave -f and -o away")
	}
	p, err := query.Compile(c.grep, c.PatternOptions)
	if err != nil {
		return fmt.Errorf("--grep: %w", err)
	}
	var mu sync.Mutex
	var all []grepped
	for _, t := range v.Trackers() {
		err := v.Frames(ctx, t.Name, nil, func(f *store.Frame) error {
			found, err := c.grepFrame(p, f)
			mu.Lock()
			all = append(all, found...)
			mu.Unlock()
			return err
		})
		if err != nil {
			return fmt.Errorf("--grep: %w", err)
		}
	}
	slices.SortFunc(all, func(a, b grepped) int { return strings.Compare(a.file, b.file) })
	return c.print(e, all)
}

func (c *searchCmd) grepFrame(p *query.Pattern, f *store.Frame) ([]grepped, error) {
	var found []grepped
	o := query.GrepOptions{Before: max(c.before, c.context), After: max(c.after, c.context)}
	for _, span := range f.Files {
		if len(c.in) > 0 && !slices.Contains(c.in, path.Dir(span.File)) {
			continue
		}
		text := f.Text[span.Offset : span.Offset+span.Len]
		g := grepped{file: span.File}
		var err error
		switch {
		case c.files:
			var ok bool
			if ok, err = p.Match(text); ok {
				g.count = 1
			}
		case c.count:
			g.count, err = query.Count(text, p)
		default:
			g.hits, err = query.Grep(text, span.File, p, o)
			g.count = len(g.hits)
			for i := range g.hits { // the frame is gone when this returns
				g.hits[i].Text = slices.Clone(g.hits[i].Text)
			}
		}
		if err != nil {
			return found, err
		}
		if g.count > 0 {
			found = append(found, g)
		}
	}
	return found, nil
}

// print writes what ack would write into a pipe.
func (c *searchCmd) print(e *env, all []grepped) error {
	w := bufio.NewWriter(e.stdout)
	for i, g := range all {
		file := report.Clean(g.file)
		switch {
		case c.files:
			fmt.Fprintln(w, file)
		case c.count:
			fmt.Fprintf(w, "%s:%d\n", file, g.count)
		default:
			for k, h := range g.hits {
				if h.Gap || k == 0 && i > 0 && max(c.before, c.after, c.context) > 0 {
					fmt.Fprintln(w, "--")
				}
				sep := byte(':')
				if h.Context {
					sep = '-'
				}
				fmt.Fprintf(w, "%s%c%d%c%s\n", file, sep, h.Line, sep, report.Clean(string(h.Text)))
			}
		}
	}
	return w.Flush()
}
