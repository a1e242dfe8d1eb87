package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wontfix"
	"wontfix/match"
	"wontfix/report"
)

// compareCmd is "wontfix compare".
type compareCmd struct {
	outputs
	packages []string
}

func newCompare(e *env) *cobra.Command {
	c := &compareCmd{}
	cmd := &cobra.Command{
		Use:   "compare CVE...",
		Short: "Set side by side what publishers decided about vulnerabilities",
		Long: `Compare has a row for each tracker of the database and a column for each
vulnerability, and counts what the releases of each publisher say. No two
publishers are made into one verdict, and silence is no opinion.`,
		Example: `  wontfix compare CVE-2014-9365 CVE-2016-2781 --package python2.7,coreutils
  wontfix compare CVE-2014-9365 -f csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s takes the IDs of vulnerabilities, such as CVE-2014-9365; see %[1]s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.Run(cmd.Context(), e, args) },
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&c.packages, "package", nil, "speak only of the upstream projects of these `PACKAGES`")
	c.outputs.flags(fs, report.ComparisonFormats())
	complete(cmd, "format", report.ComparisonFormats())
	return cmd
}

// Run writes the comparison.
func (c *compareCmd) Run(ctx context.Context, e *env, args []string) error {
	list, err := c.list(report.ComparisonFormats())
	if err != nil {
		return err
	}
	v, err := e.openView(ctx, "")
	if err != nil {
		return err
	}
	defer v.Close()
	out := &wontfix.Comparison{Schema: wontfix.ComparisonSchema, Tool: toolName(), Trackers: v.Trackers(), IDs: []string{}, Cells: []wontfix.Compared{}}
	unknown := slices.Clone(c.packages) // of which no entry has said anything yet
	var absent []error
	asked := map[string]bool{}
	for _, arg := range args {
		id := normalID(arg)
		if asked[id] {
			continue
		}
		asked[id] = true
		said, silent, err := v.entries(ctx, id)
		if err != nil {
			return err
		}
		if len(said) == 0 {
			absent = append(absent, noEntry(id))
			continue
		}
		out.IDs = append(out.IDs, id)
		for _, s := range said {
			unknown = slices.DeleteFunc(unknown, func(p string) bool { return len(match.Compare(s.Said, []string{p})) > 0 })
			out.Cells = append(out.Cells, wontfix.Compared{ID: id, Vendor: s.Tracker.Name, Voice: match.Voice(s.Tracker.Name), Entry: true, Opinions: match.Compare(s.Said, c.packages)})
		}
		for _, name := range silent {
			out.Cells = append(out.Cells, wontfix.Compared{ID: id, Vendor: name, Voice: match.Voice(name), Opinions: []wontfix.Opinion{}})
		}
	}
	if len(out.IDs) == 0 {
		return errors.Join(absent...)
	}
	for _, err := range absent {
		e.warn("%v", err) // a list may well have some that nobody speaks of
	}
	if len(unknown) > 0 {
		return fmt.Errorf("--package %s: no tracker in the database says anything of it in %s; without --package all packages are shown",
			strings.Join(unknown, ","), strings.Join(out.IDs, ", "))
	}
	return c.write(e, list, func(w io.Writer, format string, o report.Options) error {
		return report.WriteComparison(w, format, out, o)
	})
}
