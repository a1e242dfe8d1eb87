package tracker

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzRolie: whatever a feed is, its documents stay in their folder and come by
// the scheme of the feed.
func FuzzRolie(f *testing.F) {
	f.Add([]byte(`{"feed": {"entry": [{"updated": "2026-11-03T00:00:00Z", "content": {"src": "a/b.json"}, "link": [{"rel": "hash", "href": "b.json.sha512"}]}]}}`))
	f.Add([]byte(`{"feed": {"entry": [{"updated": "2026-11-03T00:00:00Z", "link": [{"rel": "self", "href": "https://example.com/../../x.json?y"}]}]}}`))
	feed, _ := url.Parse("https://example.org/feeds/white.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parseRolie(feed, "1-0", text)
		if err != nil {
			return
		}
		for _, p := range list {
			if !filepath.IsLocal(p.Path) || !strings.HasPrefix(p.Path, "1-0/") || !strings.HasPrefix(p.url, "https://") || p.Time.IsZero() {
				t.Errorf("%+v", p)
			}
		}
	})
}
