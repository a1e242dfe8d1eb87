package tracker

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wontfix"
	"wontfix/internal/fetch"
)

// A delta is a document that was fetched by itself.
type delta struct {
	Path string    `json:"path"`
	Time time.Time `json:"time"`
	Gone bool      `json:"gone,omitempty"`
	// Refused is why the publisher did not give it; it is asked for again the
	// next time.
	Refused string `json:"refused,omitempty"`
}

// downloadDeltas fetches the documents that have changed since the archive was
// made. It reports whether that was possible: there is an archive, and no more of
// them than limit.
func (s *Source) downloadDeltas(ctx context.Context, c *fetch.Client, base *url.URL, limit int) (bool, error) {
	feed, dir := s.spec.Feed, s.feed.dir
	since, ok := archived(filepath.Join(dir, "files"), feed)
	if !ok {
		return false, nil
	}
	have, err := readDeltas(dir)
	if err != nil {
		return false, nil // the archive has it all again
	}
	type change struct {
		path string
		time time.Time
		gone bool
	}
	known, refused := map[change]bool{}, map[change]delta{}
	for _, d := range have {
		k := change{d.Path, d.Time, d.Gone}
		known[k] = true
		if k.gone = false; d.Refused != "" {
			refused[k] = d
		} else {
			delete(refused, k)
		}
		if d.Time.After(since) {
			since = d.Time
		}
	}
	var news []delta
	for _, d := range refused {
		d.Refused = ""
		news = append(news, d)
	}
	for _, list := range []struct {
		name string
		gone bool
	}{{feed.Changes, false}, {feed.Deletions, true}} {
		if list.name == "" {
			continue
		}
		r := fetch.Resource{URL: base.JoinPath(list.name).String(), Name: path.Base(list.name), MaxSize: 256 << 20}
		if _, _, err := c.Get(ctx, dir, r); err != nil {
			return false, err
		}
		some, err := changedSince(filepath.Join(dir, path.Base(list.name)), since, list.gone)
		if err != nil {
			return false, fmt.Errorf("%s: %w", r.URL, err)
		}
		news = append(news, slices.DeleteFunc(some, func(d delta) bool {
			return known[change{d.Path, d.Time, d.Gone}] || known[change{d.Path, d.Time, true}] // or found to be gone
		})...)
	}
	if len(have)+len(news) > limit {
		return false, nil
	}
	// The oldest first: what was fetched when the run is cut off is kept, and
	// the next one goes on behind it.
	slices.SortStableFunc(news, func(a, b delta) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Path, b.Path))
	})
	missing, failed := 0, 0
	for i := range news {
		d := &news[i]
		s.meter.report("receiving documents", int64(i), int64(len(news)))
		if !d.Gone && s.spec.Match(d.Path) {
			_, _, err := c.Get(ctx, dir, fetch.Resource{URL: base.JoinPath(path.Dir(feed.Changes), d.Path).String(), Name: path.Join("documents", d.Path), MaxSize: maxDocument})
			if errors.Is(err, fetch.ErrGone) {
				d.Gone, err = true, nil
				if missing++; missing > max(maxMissing, len(news)/10) {
					return false, fmt.Errorf("%s: %d of the documents that it names are not on the server: not a list of what there is", base.JoinPath(feed.Changes), missing)
				}
			}
			if err != nil {
				if failed++; failed > maxRefused || ctx.Err() != nil {
					return false, errors.Join(err, writeDeltas(dir, have))
				}
				d.Refused = err.Error()
			}
		}
		if _, before := refused[change{d.Path, d.Time, false}]; before && d.Refused != "" {
			continue // it stands there already
		}
		have = append(have, *d)
	}
	return true, writeDeltas(dir, have)
}

// archived returns the time from which on changes may not be in the archive
// that is there: it is a day old when it is put on the server, at the most.
func archived(dir string, feed *Feed) (since time.Time, ok bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return time.Time{}, false
	}
	for _, e := range entries {
		if feed.has(e.Name()) {
			continue
		}
		if s, ok := fetch.ReadState(filepath.Join(dir, e.Name())); ok {
			return s.Modified().Add(-24 * time.Hour), true
		}
	}
	return time.Time{}, false
}

// changedSince reads a CSV of paths and times and returns the rows of that time
// and of later ones.
func changedSince(file string, since time.Time, gone bool) ([]delta, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReader(f))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	var list []delta
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if len(row) < 2 {
			return nil, fmt.Errorf("line %d: %d fields; want a path and a time", line, len(row))
		}
		t, err := time.Parse(time.RFC3339, row[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if t.Before(since) {
			continue
		}
		name := strings.Clone(row[0])
		if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
			return nil, fmt.Errorf("line %d: path %q leads out of the feed", line, name)
		}
		list = append(list, delta{Path: name, Time: t.UTC(), Gone: gone})
	}
}

// stillRefused returns the documents that no later change of the same name has
// brought.
func stillRefused(deltas []delta) (problems []wontfix.Problem) {
	last := map[string]delta{}
	for _, d := range deltas {
		last[d.Path] = d
	}
	for _, d := range deltas {
		if d.Refused != "" && last[d.Path] == d {
			problems = append(problems, wontfix.Problem{File: d.Path, Text: "not received, and asked for again next time; what was there before stays: " + d.Refused})
		}
	}
	return problems
}

func readDeltas(dir string) ([]delta, error) {
	text, err := os.ReadFile(filepath.Join(dir, "deltas.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []delta
	return list, json.Unmarshal(text, &list)
}

func writeDeltas(dir string, list []delta) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	next := filepath.Join(dir, "deltas.json.next")
	if err := os.WriteFile(next, text, 0o644); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(dir, "deltas.json"))
}
