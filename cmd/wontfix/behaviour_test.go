package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"wontfix"
)

// FuzzParseBehaviour reads arbitrary bytes as what probes have seen. What it
// takes is complete, and comes back as it was after it was written.
func FuzzParseBehaviour(f *testing.F) {
	good, err := json.Marshal(behaviourFile{behaviourSchema, []wontfix.Behaviour{{ID: "CVE-2014-9365", Client: "python2.7/urllib", Time: time.Unix(1e9, 0).UTC(), Shows: wontfix.ShowsFixed}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":"wontfix/behaviour/1","behaviour":null}`))
	f.Add([]byte(`{"schema":"wontfix/behaviour/1","behaviour":[{"id":"x"}]}`))
	f.Add(append(good, good...))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseBehaviour(data)
		if err != nil {
			return
		}
		for _, b := range list {
			if b.ID == "" || b.Client == "" || b.Time.IsZero() || b.Shows != wontfix.ShowsFixed && b.Shows != wontfix.ShowsVulnerable {
				t.Errorf("incomplete: %+v", b)
			}
		}
		again, err := json.Marshal(behaviourFile{behaviourSchema, list})
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseBehaviour(again)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if third, _ := json.Marshal(behaviourFile{behaviourSchema, back}); !bytes.Equal(again, third) {
			t.Errorf("comes back as another:\n%s\n%s", again, third)
		}
	})
}

func TestParseBehaviourErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "EOF",
		"[]":                               "cannot unmarshal array",
		"{}":                               `schema ""`,
		`{"schema":"wontfix/behaviour/2"}`: `schema "wontfix/behaviour/2", and "wontfix/behaviour/1" is read here`,
		`{"schema":"wontfix/behaviour/1","behaviour":[{"id":"CVE-1","client":"c","time":"2026-01-01T00:00:00Z","shows":"perhaps"}]}`: `behaviour of "c" for "CVE-1" is incomplete`,
		`{"schema":"wontfix/behaviour/1"} {}`: "more than one value",
		strings.Repeat(" ", maxBehaviour+1):   "larger than 8 MB",
	} {
		if _, err := parseBehaviour([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", in, err, want)
		}
	}
}
