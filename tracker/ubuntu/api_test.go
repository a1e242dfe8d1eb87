package ubuntu_test

import (
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/formattest"
	"wontfix/tracker/ubuntu"
)

const apiSamples = "ubuntu-api/cves-*.json"

func TestAPI(t *testing.T) {
	for _, text := range formattest.Files(t, apiSamples) {
		entries, statements := 0, 0
		for c, err := range ubuntu.ParseAPI("x.json", text) {
			if err != nil || c.Entry == nil {
				t.Fatal(err, c.Problems)
			}
			entries++
			for _, s := range c.Entry.Statements {
				statements++
				if s.Line < 1 || s.Pointer == "" || s.Release.Distribution == "" || s.Meaning != ubuntu.Meaning(s.Word, s.Detail) {
					t.Errorf("%+v", s)
				}
			}
		}
		if entries == 0 || statements < 500 {
			t.Errorf("%d entries, %d statements", entries, statements)
		}
	}
	text := `{"cves": [{"id": "CVE-2031-0001", "priority": "medium", "packages": [{"name": "thing", "statuses": [
 {"release_codename": "jammy", "pocket": "security", "status": "ignored", "description": "too intrusive to backport"},
 {"release_codename": "xenial", "pocket": "esm-infra", "status": "released", "description": "1.2-3"},
 {"release_codename": "upstream", "pocket": "security", "status": "released", "description": "1.3"}]}]}, {"id": "x"}]}`
	var got []string
	for c, err := range ubuntu.ParseAPI("x.json", []byte(text)) {
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Problems {
			got = append(got, p.Error())
		}
		if c.Entry != nil {
			for _, s := range c.Entry.Statements {
				got = append(got, strings.Join([]string{s.Release.String(), s.Decision.String(), s.Reasons.String(), s.Fixed}, " "))
			}
		}
	}
	if s, want := strings.Join(got, "; "), "ubuntu/jammy wont-fix too-intrusive ; ubuntu/xenial/esm-infra fixed  1.2-3; upstream fixed  1.3; x.json:4: CVE: \"x\" is no CVE ID"; s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	for _, text := range []string{"", "{}", `{"notices": []}`} {
		for c, err := range ubuntu.ParseAPI("x.json", []byte(text)) {
			if err == nil || !strings.Contains(err.Error(), "x.json: answer of the API: ") {
				t.Errorf("%q: %v, %v", text, c, err)
			}
		}
	}
}

// FuzzParseAPI wants every statement to lead to its word.
func FuzzParseAPI(f *testing.F) {
	for _, text := range formattest.Files(f, apiSamples) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for c := range ubuntu.ParseAPI("x.json", text) {
			if c.Entry == nil {
				continue
			}
			for _, s := range c.Entry.Statements {
				if s.Line < 1 || s.Pointer == "" || s.Word == "" || s.Source == "" || s.Release == (wontfix.Release{}) {
					t.Errorf("%+v", s)
				}
			}
		}
	})
}
