package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"wontfix/internal/store"
	"wontfix/report"
)

func newDB(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Look at the database, pass it on, check it",
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "status",
			Short: "Say what the database has and how old it is",
			Long:  "Status says what the database has and how old it is. With -v it lists every line of the trackers that could not be read.",
			Args:  noArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return dbStatus(cmd.Context(), e) },
		},
		&cobra.Command{
			Use:   "export FILE",
			Short: "Write the database to one compressed file with its digest",
			Long: `Export writes the database to one compressed file. Meanwhile it takes five to
ten times the size of the database in the folder for temporary files (TMPDIR).`,
			Example: "  wontfix db export wontfix.export",
			Args:    exactArgs(1, "the file to write, or - for standard output"),
			RunE:    func(cmd *cobra.Command, args []string) error { return dbExport(cmd.Context(), e, args[0]) },
		},
		newImport(e),
		&cobra.Command{
			Use:   "verify",
			Short: "Check the whole database",
			Args:  noArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return dbVerify(cmd.Context(), e) },
		},
		newDump(e),
		newDoctor(e),
	)
	return cmd
}

func dbStatus(ctx context.Context, e *env) error {
	db, err := e.openDB()
	if err != nil {
		return err
	}
	defer db.Close()
	info, err := os.Stat(db.Path())
	if err != nil {
		return err
	}
	w := bufio.NewWriter(e.stdout)
	fmt.Fprintf(w, "%s\n  %.1f MB, schema %d\n", db.Path(), float64(info.Size())/1e6, store.Version)
	for _, t := range db.Trackers() {
		c := db.Counts(t.Name)
		fmt.Fprintf(w, "%s  %s\n  source      %s\n", t.Name, report.Clean(t.Title), report.Clean(t.Source))
		if t.Revision != "" {
			fmt.Fprintf(w, "  revision    %s\n", report.Clean(t.Revision))
		}
		fmt.Fprintf(w, "  made        %s%s\n", t.Time.UTC().Format(time.RFC3339), age(e.now(), t.Time))
		fmt.Fprintf(w, "  read        %s%s\n", t.Synced.UTC().Format(time.RFC3339), age(e.now(), t.Synced))
		fmt.Fprintf(w, "  entries     %d\n  statements  %d\n  problems    %d\n", c.Entries, c.Statements, c.Problems)
		if e.verbose {
			problems, err := db.Problems(ctx, t.Name)
			if err != nil {
				return err
			}
			for _, p := range problems {
				fmt.Fprintf(w, "    %s\n", report.Clean(p.Error()))
			}
		} else if c.Problems > 0 {
			fmt.Fprintln(w, "              -v lists them")
		}
	}
	about, done := e.exploitation(false)
	defer done()
	for _, x := range about {
		fmt.Fprintf(w, "%s  %s\n", x.Source, report.Clean(describeExploited(x.Head)))
	}
	return w.Flush()
}

func dbExport(ctx context.Context, e *env, file string) error {
	path, err := e.dbPath()
	if err != nil {
		return err
	}
	if file == "-" {
		_, err := store.Export(ctx, path, e.stdout)
		return err
	}
	if from, err := os.Stat(path); err == nil {
		if to, err := os.Stat(file); err == nil && os.SameFile(from, to) {
			return fmt.Errorf("db export %s: that is the database itself; give another file", file)
		}
	}
	var digest store.Digest
	err = writeFile(file, func(w io.Writer) (err error) {
		digest, err = store.Export(ctx, path, w)
		return err
	})
	if err != nil {
		return err
	}
	e.warn("%s: %.1f MB, sha256 %s; unpacked: %.1f MB, sha256 %s",
		file, float64(digest.FileSize)/1e6, digest.File, float64(digest.DatabaseSize)/1e6, digest.Database)
	return nil
}

func newImport(e *env) *cobra.Command {
	digest := ""
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take over a database that db export wrote, if its digest is right",
		Long: `Import takes over a database that db export wrote. The file carries the digest
of its content, which shows damage; --digest says which file it has to be.`,
		Example: "  wontfix db import wontfix.export",
		Args:    exactArgs(1, "the file to read, or - for standard input"),
		RunE:    func(cmd *cobra.Command, args []string) error { return dbImport(cmd.Context(), e, args[0], digest) },
	}
	cmd.Flags().StringVar(&digest, "digest", "", "take only the file, or what it unpacks to, with this `SHA256`")
	return cmd
}

func dbImport(ctx context.Context, e *env, file, digest string) error {
	path, err := e.dbPath()
	if err != nil {
		return err
	}
	in := e.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	d, err := store.Import(ctx, in, path, digest)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	e.warn("%s has now what is in %s; unpacked: sha256 %s", path, file, d.Database)
	return nil
}

func dbVerify(ctx context.Context, e *env) error {
	db, err := e.openDB()
	if err != nil {
		return err
	}
	defer db.Close()
	problems, err := db.Verify(ctx)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(e.stdout, report.Clean(p.Error()))
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s: %s; build it anew with `wontfix sync --full`", db.Path(), plural(len(problems), "problem"))
	}
	_, err = fmt.Fprintf(e.stdout, "%s: no problem found\n", db.Path())
	return err
}

// dumpRow is a line of db dump --statements.
type dumpRow struct {
	CVE     string `json:"cve"`
	Package string `json:"package"`
	Release string `json:"release"`
	Status  string `json:"status"`
	Detail  string `json:"detail"`
}

func newDump(e *env) *cobra.Command {
	statements := false
	cmd := &cobra.Command{
		Use:   "dump --statements",
		Short: "Write every statement as a line of JSON, in the tracker's own spelling",
		Long: `Dump writes every statement as a line of JSON with the fields cve, package,
release, status and detail in the tracker's own spelling, sorted by the code
points of cve, package and release.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !statements {
				return fmt.Errorf("db dump: say what to dump: --statements")
			}
			return dump(cmd.Context(), e)
		},
	}
	cmd.Flags().BoolVar(&statements, "statements", false, "dump the statements")
	return cmd
}

func dump(ctx context.Context, e *env) error {
	db, err := e.openDB()
	if err != nil {
		return err
	}
	defer db.Close()
	w := bufio.NewWriterSize(e.stdout, 1<<20)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, t := range db.Trackers() {
		for s, err := range db.Sorted(ctx, t.Name) {
			if err != nil {
				return err
			}
			if err := enc.Encode(dumpRow{s.ID, s.Source, s.Label, s.Word, s.Detail}); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}
