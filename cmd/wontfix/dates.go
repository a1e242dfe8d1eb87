package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"wontfix/internal/fetch"
	"wontfix/lifecycle"
)

// The dates that endoflife.date gives for releases are newer than those that
// come with the program. They are kept beside the database.

const datesName = "lifecycle"

func (e *env) datesPath() (string, error) {
	db, err := e.dbPath()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(db), datesName+".csv"), nil
}

// laterDates returns the dates that were synced, or nil. Those that cannot be
// read are a warning.
func (e *env) laterDates() *lifecycle.Table {
	path, err := e.datesPath()
	if err != nil {
		return nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var t *lifecycle.Table
	if err == nil {
		t, err = lifecycle.ReadTable(string(data))
	}
	if err != nil {
		e.warn("%s: %v: it is left out; `wontfix sync %s` writes it anew", path, err, datesName)
		return nil
	}
	return t
}

// syncDates reads the dates of releases from a URL or a file.
func (c *syncCmd) syncDates(ctx context.Context, e *env, from string) error {
	path, err := e.datesPath()
	if err != nil {
		return err
	}
	p := newProgress(e)
	defer p.done()
	text, err := e.document(ctx, datesName, from, p)
	if err != nil {
		return err
	}
	from = fetch.Redacted(from)
	t, problems, err := lifecycle.ParseProducts(text)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	rows, before := 0, 0
	for _, d := range t.Distributions() {
		rows += len(t.Releases(d))
	}
	if old, err := os.ReadFile(path); err == nil {
		if t, err := lifecycle.ReadTable(string(old)); err == nil {
			for _, d := range t.Distributions() {
				before += len(t.Releases(d))
			}
		}
	}
	if rows == 0 || 10*rows < 9*before && !c.full {
		return fmt.Errorf("%s: %d releases, and there were %d before: too few to be true; what was read before stays in use, --full takes them all the same", from, rows, before)
	}
	sum := sha256.Sum256(text)
	comment := fmt.Sprintf("of endoflife.date, sha256 %x", sum)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := writeFile(path, func(w io.Writer) error { _, err := io.WriteString(w, t.Text(comment)); return err }); err != nil {
		return err
	}
	p.done()
	e.warnFew(problems, "more releases that could not be read whole")
	e.warn("%s: %s of %s, as endoflife.date had them on %s", datesName, plural(rows, "release"), plural(len(t.Distributions()), "distribution"), t.Data())
	return nil
}
