package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"wontfix/report"
)

// An output is one form in which an answer is written.
type output struct {
	format string
	file   string // "" for standard output
}

// outputs are the flags that say where an answer goes.
type outputs struct {
	formats []string
	file    string
	limit   int
}

func (o *outputs) flags(fs *pflag.FlagSet, formats []string) {
	fs.StringSliceVarP(&o.formats, "format", "f", []string{"text"}, "write the answer as `FORMAT[=FILE]`: "+strings.Join(formats, ", ")+"; may be repeated (default text)")
	fs.StringVarP(&o.file, "output", "o", "", "write the answer to `FILE`")
	fs.IntVar(&o.limit, "limit", -1, "show at most `N` rows of a list in text, 0 for all (default all; 40 on a terminal)")
	fs.Lookup("format").DefValue, fs.Lookup("limit").DefValue = "[]", "0" // the text says it better
}

// list checks the flags against the formats that there are.
func (o *outputs) list(formats []string) ([]output, error) {
	if o.limit < -1 {
		return nil, fmt.Errorf("--limit %d: want 0 or more", o.limit)
	}
	var list []output
	stdout := 0
	for _, f := range o.formats {
		format, file, _ := strings.Cut(f, "=")
		if err := report.CheckFormat(format, formats); err != nil {
			return nil, fmt.Errorf("--format %s: %w", f, err)
		}
		if file == "" {
			file = o.file
			stdout++
		}
		if file == "-" {
			file = ""
		}
		list = append(list, output{format, file})
	}
	if stdout > 1 {
		return nil, fmt.Errorf("--format %s: one of them at most can go to standard output; give the others a file, as in -f json=scan.json", strings.Join(o.formats, ","))
	}
	return list, nil
}

// write calls f for each output. A file is written aside and renamed, so that
// an answer that could not be made leaves the old one.
func (o *outputs) write(e *env, list []output, f func(w io.Writer, format string, ro report.Options) error) error {
	for _, out := range list {
		if out.file == "" {
			ro := e.reportOptions(e.stdout)
			ro.Limit = max(o.limit, 0)
			if _, tty := terminal(e.stdout); tty && o.limit < 0 {
				ro.Limit = 40
			}
			if err := f(e.stdout, out.format, ro); err != nil {
				return err
			}
			continue
		}
		ro := report.Options{Version: toolName(), Limit: max(o.limit, 0)}
		if err := writeFile(out.file, func(w io.Writer) error { return f(w, out.format, ro) }); err != nil {
			return err
		}
	}
	return nil
}

// writeFile makes a file of what f writes. If f fails, a file that was there
// stays as it was.
func writeFile(name string, f func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		w, err := os.OpenFile(name, os.O_WRONLY, 0) // a device or a pipe
		if err != nil {
			return err
		}
		if err := f(w); err != nil {
			w.Close()
			return err
		}
		return w.Close()
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-*")
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return fmt.Errorf("write %s: in folder %s: %w", name, filepath.Dir(name), failed.Err) // not of the file that was to be aside
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	if err := f(tmp); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
