package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"wontfix/internal/fetch"
)

// A provider of CSAF documents says in provider-metadata.json where they are
// (CSAF 2.0, section 7.1): in folders with a list of changes, or in ROLIE feeds.
// There is no archive: the first sync fetches each, later ones what has changed.

const (
	wellKnown    = "/.well-known/csaf/provider-metadata.json"
	maxProvided  = 200_000 // documents of a provider
	maxLists     = 100     // folders and feeds
	keepProvided = 200     // documents, after which what has come is written down
)

// A provided is a document that a provider has.
type provided struct {
	delta
	url, digest string // digest: URL, "" if there is none
}

// metadata is what is read of provider-metadata.json.
type metadata struct {
	Version       string `json:"metadata_version"`
	Distributions []struct {
		Directory string `json:"directory_url"`
		Rolie     struct {
			Feeds []struct {
				URL   string `json:"url"`
				Label string `json:"tlp_label"`
			} `json:"feeds"`
		} `json:"rolie"`
	} `json:"distributions"`
}

// rolie is what is read of a feed (RFC 8322, as CSAF has it).
type rolie struct {
	Feed struct {
		Entry []struct {
			Updated time.Time `json:"updated"`
			Link    []struct {
				Rel  string `json:"rel"`
				Href string `json:"href"`
			} `json:"link"`
			Content struct {
				Src string `json:"src"`
			} `json:"content"`
		} `json:"entry"`
	} `json:"feed"`
}

// downloadProvided fetches the documents of a provider that are new or have
// changed. address is that of its metadata, or of its web site.
func (s *Source) downloadProvided(ctx context.Context, c *fetch.Client, address *url.URL) error {
	dir := s.feed.dir
	if !strings.HasSuffix(address.Path, ".json") {
		address = address.ResolveReference(&url.URL{Path: wellKnown})
	}
	text, err := c.Text(ctx, address.String(), 1<<20)
	if err != nil {
		return fmt.Errorf("%s: %w", fetch.Redacted(address.String()), err)
	}
	var m metadata
	if err = json.Unmarshal(text, &m); err == nil && m.Version == "" {
		err = errors.New("it has no metadata_version")
	}
	if err != nil {
		return fmt.Errorf("%s: no metadata of a CSAF provider: %w", fetch.Redacted(address.String()), err)
	}
	all, err := s.listProvided(ctx, c, address, &m)
	if err != nil {
		return err
	}
	have, err := readDeltas(dir)
	if err != nil {
		have = nil // all is fetched again
	}
	known := map[delta]bool{}
	last := map[string]delta{}
	for _, d := range have {
		known[delta{Path: d.Path, Time: d.Time, Gone: d.Gone, Refused: d.Refused}] = true
		last[d.Path] = d
	}
	there := map[string]bool{}
	for _, p := range all {
		there[p.Path] = true
	}
	for _, d := range have {
		if last[d.Path] == d && !d.Gone && !there[d.Path] {
			have = append(have, delta{Path: d.Path, Time: d.Time, Gone: true})
		}
	}
	all = slices.DeleteFunc(all, func(p provided) bool { return known[p.delta] && !last[p.Path].Gone })
	failed := 0
	for i := range all {
		p := &all[i]
		s.meter.report("receiving documents", int64(i), int64(len(all)))
		_, _, err := c.Get(ctx, dir, fetch.Resource{URL: p.url, Name: path.Join("documents", p.Path), Digest: p.digest, MaxSize: maxDocument})
		if err != nil {
			if failed++; failed > maxRefused || ctx.Err() != nil || len(have) == 0 {
				return errors.Join(err, writeDeltas(dir, have))
			}
			p.Refused = err.Error()
			if known[p.delta] {
				continue
			}
		}
		have = append(have, p.delta)
		if i%keepProvided == 0 {
			if err := writeDeltas(dir, have); err != nil {
				return err
			}
		}
	}
	return writeDeltas(dir, have)
}

// listProvided returns the documents of all distributions, the oldest first.
func (s *Source) listProvided(ctx context.Context, c *fetch.Client, address *url.URL, m *metadata) (all []provided, err error) {
	lists := 0
	resolve := func(to string) (*url.URL, error) {
		u, err := address.Parse(to)
		if err == nil && (u.Scheme != address.Scheme || u.Host == "") {
			err = fmt.Errorf("%s: not the scheme that the metadata came by", fetch.Redacted(u.String()))
		}
		if lists++; err == nil && lists > maxLists {
			err = fmt.Errorf("more than %d folders and feeds", maxLists)
		}
		return u, err
	}
	for i, d := range m.Distributions {
		place := strconv.Itoa(i)
		var some []provided
		if d.Directory != "" {
			u, err := resolve(d.Directory)
			if err != nil {
				return nil, err
			}
			if some, err = s.listFolder(ctx, c, u, place); err != nil {
				return nil, err
			}
		}
		for k, f := range d.Rolie.Feeds {
			if f.Label != "" && f.Label != "WHITE" && f.Label != "CLEAR" {
				continue // not for everybody
			}
			u, err := resolve(f.URL)
			if err != nil {
				return nil, err
			}
			more, err := listRolie(ctx, c, u, place+"-"+strconv.Itoa(k))
			if err != nil {
				return nil, err
			}
			some = append(some, more...)
		}
		if all = append(all, some...); len(all) > maxProvided {
			return nil, fmt.Errorf("more than %d documents", maxProvided)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: it names no folder or feed with a document that anybody may have", fetch.Redacted(address.String()))
	}
	// A document may be in a folder and in feeds.
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(p provided) bool {
		again := seen[p.url]
		seen[p.url] = true
		return again
	})
	slices.SortStableFunc(all, func(a, b provided) int { return a.Time.Compare(b.Time) })
	return all, nil
}

// listFolder returns the documents that a folder's changes.csv names.
func (s *Source) listFolder(ctx context.Context, c *fetch.Client, folder *url.URL, place string) (list []provided, err error) {
	changes := fetch.Resource{URL: folder.JoinPath("changes.csv").String(), Name: place + "-changes.csv", MaxSize: 256 << 20}
	if _, _, err := c.Get(ctx, s.feed.dir, changes); err != nil {
		return nil, err
	}
	deltas, err := changedSince(filepath.Join(s.feed.dir, changes.Name), time.Time{}, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fetch.Redacted(changes.URL), err)
	}
	ending, asked := "", false
	for _, d := range deltas {
		if !s.spec.Match(d.Path) {
			continue
		}
		address := folder.JoinPath(d.Path).String()
		if !asked {
			asked = true
			if ending, err = digestEnding(ctx, c, address); err != nil {
				return nil, err
			}
		}
		p := provided{delta: d, url: address}
		p.Path = path.Join(place, d.Path)
		if ending != "" {
			p.digest = address + ending
		}
		list = append(list, p)
	}
	return list, nil
}

// digestEnding finds out which digests lie beside a document: a provider has one
// of two kinds, a mere publisher may have none.
func digestEnding(ctx context.Context, c *fetch.Client, address string) (string, error) {
	for _, ending := range []string{".sha512", ".sha256"} {
		_, err := c.Text(ctx, address+ending, 4096)
		if err == nil || !errors.Is(err, fetch.ErrGone) {
			return ending, err
		}
	}
	return "", nil
}

// listRolie returns the documents of a feed.
func listRolie(ctx context.Context, c *fetch.Client, feed *url.URL, place string) (list []provided, err error) {
	text, err := c.Text(ctx, feed.String(), 256<<20)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fetch.Redacted(feed.String()), err)
	}
	return parseRolie(feed, place, text)
}

// parseRolie reads the text of a feed. The paths of its documents lie in the
// folder place, and lead nowhere else.
func parseRolie(feed *url.URL, place string, text []byte) (list []provided, err error) {
	var r rolie
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: no ROLIE feed: %w", fetch.Redacted(feed.String()), err)
	}
	for i, e := range r.Feed.Entry {
		src, digest := e.Content.Src, ""
		for _, l := range e.Link {
			switch {
			case l.Rel == "self" && src == "":
				src = l.Href
			case l.Rel == "hash" && digest == "":
				digest = l.Href
			}
		}
		u, err := feed.Parse(src)
		if err == nil && (src == "" || u.Scheme != feed.Scheme || u.Host == "" || e.Updated.IsZero()) {
			err = errors.New("no address of the scheme of the feed, or no date")
		}
		name := ""
		if err == nil {
			name = strings.TrimPrefix(path.Clean("/"+u.Path), "/")
		}
		if err == nil && (!filepath.IsLocal(filepath.FromSlash(name)) || path.Ext(name) != ".json") {
			err = errors.New("the name is not that of a JSON file")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: entry %d, %.80q: no document: %w", fetch.Redacted(feed.String()), i, src, err)
		}
		p := provided{delta: delta{Path: path.Join(place, name), Time: e.Updated.UTC()}, url: u.String()}
		if digest != "" {
			d, err := feed.Parse(digest)
			if err != nil {
				return nil, fmt.Errorf("%s: entry %d: %w", fetch.Redacted(feed.String()), i, err)
			}
			p.digest = d.String()
		}
		list = append(list, p)
	}
	return list, nil
}
