package debian

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"wontfix"
)

// An exported is what the export says of one package in one release.
type exported struct {
	Status      string  `json:"status"`
	Fixed       string  `json:"fixed_version"`
	Urgency     string  `json:"urgency"`
	NoDSA       *string `json:"nodsa"`
	NoDSAReason *string `json:"nodsa_reason"` // "" is a value: no advisory, and no more said
	NextPoint   bool    `json:"next_point_update"`
}

// An exporter walks through the tracker's JSON export, an object of packages
// that are objects of vulnerabilities. It holds one of these at a time.
type exporter struct {
	file    string
	decoder *json.Decoder
	text    []byte
	line    int   // number of the line on which counted is
	counted int64 // offset up to which lines have been counted
}

// parseExport yields an entry for each package and vulnerability: one that
// concerns several packages comes once for each of them.
func parseExport(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		x := &exporter{file: file, decoder: json.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
		stopped := errors.New("stopped")
		err := x.object(func(source string) error {
			return x.object(func(id string) error {
				c, err := x.entry(source, id)
				if err == nil && !yield(c, nil) {
					return stopped
				}
				return err
			})
		})
		if err == nil {
			if _, err = x.decoder.Token(); errors.Is(err, io.EOF) {
				return
			}
			err = errors.New("there is more behind its end")
		}
		if !errors.Is(err, stopped) {
			yield(wontfix.Change{File: file}, fmt.Errorf("%s:%d: export: %w", file, x.at(), err))
		}
	}
}

// at returns the line of the last token.
func (x *exporter) at() int {
	to := min(x.decoder.InputOffset(), int64(len(x.text)))
	x.line += bytes.Count(x.text[x.counted:to], []byte{'\n'})
	x.counted = to
	return x.line
}

// object reads an object and calls member with each of its keys; member reads
// the value.
func (x *exporter) object(member func(key string) error) error {
	t, err := x.decoder.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("%v: want an object", t)
	}
	return x.members(member)
}

// objectOrNot is object where anything else is a problem: an array that is
// empty stands for an object that is.
func (x *exporter) objectOrNot(c *wontfix.Change, member func(key string) error) error {
	t, err := x.decoder.Token()
	switch {
	case err != nil:
		return err
	case t == json.Delim('{'):
		return x.members(member)
	}
	c.Problems = append(c.Problems, wontfix.Problem{File: x.file, Line: x.at(), Text: fmt.Sprintf("releases: %v, want an object", t)})
	if t == json.Delim('[') {
		var other json.RawMessage
		for x.decoder.More() {
			if err := x.decoder.Decode(&other); err != nil {
				return err
			}
		}
		_, err = x.decoder.Token()
	}
	return err
}

func (x *exporter) members(member func(key string) error) error {
	for x.decoder.More() {
		t, err := x.decoder.Token()
		if err != nil {
			return err
		}
		if err := member(t.(string)); err != nil { // a key is a string, or Token fails
			return err
		}
	}
	_, err := x.decoder.Token()
	return err
}

// entry reads what is said of one vulnerability in one package.
func (x *exporter) entry(source, id string) (wontfix.Change, error) {
	e := &wontfix.Entry{ID: id, File: x.file}
	c := wontfix.Change{File: x.file, ID: id, Entry: e}
	if !isCVE(id) && !(strings.HasPrefix(id, "TEMP-") && consists(id, "-")) {
		c.Problems = append(c.Problems, wontfix.Problem{File: x.file, Line: x.at(), Text: "vulnerability " + quote(id) + ": want a CVE or TEMP ID"})
		c.ID, c.Entry = "", nil
	}
	if !consists(source, ":.+-") {
		c.Problems = append(c.Problems, wontfix.Problem{File: x.file, Line: x.at(), Text: "package " + quote(source) + ": want letters, digits and : . + -"})
		c.ID, c.Entry = "", nil
	}
	pointer := "/" + source + "/" + id + "/releases/"
	err := x.object(func(key string) error {
		switch key {
		case "description":
			return x.decoder.Decode(&e.Description)
		case "debianbug":
			var bug int64
			if err := x.decoder.Decode(&bug); err != nil {
				return err
			}
			e.Bugs = append(e.Bugs, "https://bugs.debian.org/"+strconv.FormatInt(bug, 10))
			return nil
		case "releases":
			return x.objectOrNot(&c, func(series string) error {
				line := x.at()
				var r exported
				if err := x.decoder.Decode(&r); err != nil {
					return err
				}
				if !isCodename(series) {
					c.Problems = append(c.Problems, wontfix.Problem{File: x.file, Line: line, Text: "release " + quote(series) + ": want the name of a release in lower case"})
					return nil
				}
				base := wontfix.Statement{ID: id, Source: source, Release: release(series), Label: series, File: x.file, Line: line, Pointer: pointer + series}
				said := r.statements(base)
				if len(said) == 0 || said[0].Decision == wontfix.DecisionUnknown {
					c.Problems = append(c.Problems, wontfix.Problem{File: x.file, Line: line, Text: "status " + quote(r.Status) + ": not one that is known"})
				}
				e.Statements = append(e.Statements, said...)
				return nil
			})
		}
		var other json.RawMessage
		return x.decoder.Decode(&other)
	})
	return c, err
}

// statements returns what the export says: the state, and beside it that a fix
// is in the queue for the next point release. The queue is kept by the
// vulnerability and the release, so that it may be another package's.
func (r *exported) statements(s wontfix.Statement) []wontfix.Statement {
	s.Word, s.Priority = r.Status, r.Urgency
	switch {
	case r.Status == "resolved":
		s.Detail, s.Meaning = r.Fixed, fixedIn(r.Fixed, "")
		if r.Fixed == "" {
			s.Meaning = wontfix.Meaning{Status: wontfix.Fixed, Decision: wontfix.DecisionFixed}
		}
	case r.Status == "undetermined":
		s.Meaning = wontfix.Meaning{Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation,
			Reasons: wontfix.AnalysisPending, Evidence: wontfix.EvidenceWord}
	case r.Status != "open":
		return []wontfix.Statement{s}
	case r.Urgency == "end-of-life":
		s.Detail, s.Priority = r.Urgency, ""
		s.Meaning = says(wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionEndOfLife}, "", wontfix.SupportScope)
	case r.NoDSA != nil || r.NoDSAReason != nil:
		kind := "no-dsa"
		if r.NoDSAReason != nil && *r.NoDSAReason != "" {
			kind = *r.NoDSAReason
			s.Word = kind
		}
		if r.NoDSA != nil {
			s.Detail = *r.NoDSA
		}
		s.Meaning = noAdvisory(kind, s.Detail)
	case r.Urgency == unimportant:
		s.Meaning = wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionWontFix, Strength: wontfix.Derived,
			Reasons: wontfix.MinorImpact, Evidence: wontfix.EvidenceWord}
	default:
		s.Meaning = wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Reasons: wontfix.NoReason}
	}
	list := []wontfix.Statement{s}
	if r.NextPoint && s.Decision != wontfix.DecisionFixed && s.Decision != wontfix.DecisionNotAffected {
		s.Word, s.Detail, s.Pointer = "next_point_update", "", s.Pointer+"/next_point_update"
		s.Meaning = wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionFixPending, Strength: wontfix.Soft,
			Reasons: wontfix.Batched, Evidence: wontfix.EvidenceWord}
		list = slices.Insert(list, 1, s)
	}
	return list
}
