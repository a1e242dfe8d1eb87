package tracker_test

import (
	"context"
	"crypto/sha512"
	"fmt"
	"strings"
	"testing"

	"wontfix/internal/testkit"
	"wontfix/tracker"
)

var providedToys = func() tracker.Spec {
	s := toy
	s.Read = tracker.Merged(parseToy)
	s.Feed = &tracker.Feed{Provider: true}
	return s
}()

// TestProvider reads what a CSAF provider has in a folder and in a feed.
func TestProvider(t *testing.T) {
	s, cache := newVEXServer(t), t.TempDir()
	put := func(name, text string) {
		s.files[name] = []byte(text)
		s.files[name+".sha512"] = fmt.Appendf(nil, "%x  %s\n", sha512.Sum512([]byte(text)), name)
	}
	meta := fmt.Sprintf(`{"metadata_version": "2.0", "distributions": [{"directory_url": "%s/vex/white/"},
		{"rolie": {"feeds": [{"tlp_label": "AMBER", "url": "%[1]s/vex/amber.json"}, {"tlp_label": "WHITE", "url": "%[1]s/vex/feed.json"}]}}]}`, s.URL)
	s.files["/.well-known/csaf/provider-metadata.json"] = []byte(meta)
	put("white/2026/a.json", `{"A":"one"}`)
	put("white/2026/b.json", `{"B":"one"}`)
	put("rolie/c.json", `{"A":"other", "C":"one"}`)
	changes := func(a string) {
		s.files["white/changes.csv"] = []byte("\"2026/a.json\",\"2026-11-" + a + "T00:00:00Z\"\n\"2026/b.json\",\"2026-11-01T00:00:00Z\"\n")
	}
	changes("02")
	s.files["feed.json"] = fmt.Appendf(nil, `{"feed": {"entry": [{"updated": "2026-11-03T00:00:00Z", "content": {"src": "%s/vex/rolie/c.json"}, "link": [{"rel": "hash", "href": "%[1]s/vex/rolie/c.json.sha512"}]},
		{"updated": "2026-11-02T00:00:00Z", "link": [{"rel": "self", "href": "%[1]s/vex/white/2026/a.json"}]}]}}`, s.URL)
	want := func(when, cursor, words string, asked ...string) string {
		t.Helper()
		s.asked = nil
		got, full, next, err := read(t, providedToys, s.URL, cache, cursor)
		if g := strings.Trim(fmt.Sprint(got), "map[]"); err != nil || g != words {
			t.Fatalf("%s: %s, full %v, %v; want %s", when, g, full, err, words)
		}
		fetched := ""
		for _, name := range s.asked {
			if strings.HasSuffix(name, ".json") && strings.Count(name, "/") > 0 && !strings.HasPrefix(name, "/") {
				fetched += name + " "
			}
		}
		if f := strings.TrimSpace(fetched); f != strings.Join(asked, " ") {
			t.Errorf("%s: fetched %q, want %q", when, f, asked)
		}
		return next
	}
	cursor := want("at first", "", "A:0/2026/a.json=one 1-1/vex/rolie/c.json=other B:0/2026/b.json=one C:1-1/vex/rolie/c.json=one", "white/2026/b.json", "white/2026/a.json", "rolie/c.json")
	cursor = want("again", cursor, "")
	put("white/2026/a.json", `{"A":"two"}`)
	changes("04")
	cursor = want("a change", cursor, "A:1-1/vex/rolie/c.json=other 0/2026/a.json=two B:0/2026/b.json=one C:1-1/vex/rolie/c.json=one", "white/2026/a.json")

	// What cannot be had keeps what was there.
	put("white/2026/a.json", `{"A":"three"}`)
	s.files["white/2026/a.json.sha512"] = []byte(strings.Repeat("0", 128))
	changes("05")
	cursor = want("a wrong digest", cursor, "A:1-1/vex/rolie/c.json=other 0/2026/a.json=two B:0/2026/b.json=one C:1-1/vex/rolie/c.json=one", "white/2026/a.json")
	src, err := tracker.Open(context.Background(), providedToys, s.URL, tracker.Options{Cache: cache})
	testkit.Must(t, err)
	if r := src.Refused(); len(r) != 1 || !strings.Contains(r[0].Text, "the publisher says 0000") {
		t.Errorf("refused: %v", r)
	}
	src.Close()
	put("white/2026/a.json", `{"A":"three"}`)
	s.files["white/changes.csv"] = []byte("\"2026/a.json\",\"2026-11-05T00:00:00Z\"\n")
	want("a document that is gone", cursor, "A:1-1/vex/rolie/c.json=other 0/2026/a.json=three C:1-1/vex/rolie/c.json=one", "white/2026/a.json")

	for text, says := range map[string]string{
		`{"publisher": {}}`: "no metadata of a CSAF provider",
		`{"metadata_version": "2.0", "distributions": [{"directory_url": "ftp://example.org/x/"}]}`:                               "not the scheme that the metadata came by",
		`{"metadata_version": "2.0", "distributions": [{"rolie": {"feeds": [{"tlp_label": "RED", "url": "/vex/amber.json"}]}}]}`:  "no folder or feed",
		`{"metadata_version": "2.0", "distributions": [{"rolie": {"feeds": [{"tlp_label": "CLEAR", "url": "/vex/gone.json"}]}}]}`: "gone.json",
		`{"metadata_version": "2.0", "distributions": [{"rolie": {"feeds": [{"url": "/vex/white/2026/a.json"}]}}]}`:               "no folder or feed",
	} {
		s.files["/.well-known/csaf/provider-metadata.json"] = []byte(text)
		if _, _, _, err := read(t, providedToys, s.URL, t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", text, err, says)
		}
	}
}
