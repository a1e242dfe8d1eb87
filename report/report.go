// Package report writes what was found: a scan, dossiers, the statements that
// a search found, as text for a terminal and in forms for programs.
//
// It writes to an [io.Writer] and does nothing else: no clock, no files, no
// look at the terminal. The time that ages are counted from is the scan's own,
// and the width and colour of text are options. The JSON of a scan is the scan:
// [ReadScan] reads it back, and every other form is made from it.
//
// What trackers and machines say is foreign. [Clean] says what becomes of its
// control characters; every form but JSON passes each foreign string through
// it, and JSON escapes the same characters.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"wontfix"
)

// Options say how a report looks. The zero value is text of 80 columns without
// colour or limit.
type Options struct {
	// Width is the number of columns of text. 0 is 80; fewer than 40 is 40.
	Width int
	// Color adds colour to text. It carries no meaning that the words lack.
	Color bool
	// Limit is the most rows that a list in text or Markdown has; 0 is no
	// limit. What it cuts off is counted.
	Limit int
	// Version is the name and version of the program, which text and Markdown
	// of a scan name where the scan itself does not.
	Version string
}

const (
	defaultWidth = 80
	minWidth     = 40
)

func (o Options) width() int {
	if o.Width == 0 {
		return defaultWidth
	}
	return max(o.Width, minWidth)
}

type scanFormat struct {
	name  string
	write func(io.Writer, *wontfix.Scan, Options) error
}

var scanFormats = []scanFormat{
	{"text", textScan},
	{"json", jsonScan},
	{"jsonl", jsonlScan},
	{"csv", csvScan},
	{"markdown", markdownScan},
}

// ScanFormats returns the formats that [WriteScan] knows.
func ScanFormats() []string {
	var list []string
	for _, f := range scanFormats {
		list = append(list, f.name)
	}
	return list
}

// WriteScan writes a scan in one of [ScanFormats].
func WriteScan(w io.Writer, format string, s *wontfix.Scan, o Options) error {
	for _, f := range scanFormats {
		if f.name == format {
			return f.write(w, s, o)
		}
	}
	return formatError(format, ScanFormats())
}

// DossierFormats returns the formats that [WriteDossiers] knows.
func DossierFormats() []string { return []string{"text", "json", "markdown"} }

// WriteDossiers writes dossiers in one of [DossierFormats]. JSON is an array,
// whatever the number of dossiers.
func WriteDossiers(w io.Writer, format string, ds []*wontfix.Dossier, o Options) error {
	switch format {
	case "text":
		return textDossiers(w, ds, o)
	case "json":
		if ds == nil {
			ds = []*wontfix.Dossier{}
		}
		return writeJSON(w, ds, "  ")
	case "markdown":
		return markdownDossiers(w, ds, o)
	}
	return formatError(format, DossierFormats())
}

// CheckFormat returns an error that names the formats to choose from if format
// is not one of list.
func CheckFormat(format string, list []string) error {
	if slices.Contains(list, format) {
		return nil
	}
	return formatError(format, list)
}

func formatError(format string, list []string) error {
	return fmt.Errorf("format %q is not known here; choose one of %s", format, strings.Join(list, ", "))
}
