package wolfi_test

import (
	"strings"
	"testing"

	"wontfix/internal/formattest"
	"wontfix/internal/testkit"
	"wontfix/tracker/wolfi"
)

func TestMapping(t *testing.T) { formattest.Mapping(t, wolfi.Parse, "wolfi") }

const document = `schema-version: 2.0.2
package:
  name: thing
advisories:
  - id: CGA-aaaa-bbbb-cccc
    aliases:
      - CVE-2031-0001
    events:
      - timestamp: 2031-03-01T00:00:00Z
        type: fixed
        data:
          fixed-version: 1.2-r3
      - timestamp: 2031-01-01T00:00:00Z
        type: detection
        data:
          type: manual
      - timestamp: 2031-02-01T00:00:00Z
        type: fix-not-planned
        data:
          note: nobody wants it
  - id: CGA-aaaa-bbbb-dddd
    events:
      - timestamp: 2031-01-01T00:00:00Z
        type: surprise
      - timestamp: yesterday
        type: fixed
  - id: nonsense
`

// TestLatest wants the latest event by time, not by place, and each thing that
// cannot be read to be named.
func TestLatest(t *testing.T) {
	changes, err := formattest.Changes(t, wolfi.Parse, "thing.advisories.yaml", []byte(document))
	testkit.Must(t, err)
	if len(changes) != 3 || changes[0].ID != "CVE-2031-0001" || changes[1].ID != "CGA-aaaa-bbbb-dddd" {
		t.Fatalf("got %+v", changes)
	}
	s := changes[0].Entry.Statements[0]
	if s.Word != "fixed" || s.Fixed != "1.2-r3" || s.Line != 9 || s.Pointer != "/advisories/0/events/0" || s.Decided != "2031-03-01" {
		t.Errorf("got %+v", s)
	}
	if s := changes[1].Entry.Statements; len(s) != 1 || s[0].Word != "surprise" || s[0].Decision != 0 {
		t.Errorf("an unknown event: got %+v", s)
	}
	var problems []string
	for _, c := range changes {
		for _, p := range c.Problems {
			problems = append(problems, p.Error())
		}
	}
	if len(problems) != 3 || !strings.Contains(problems[0], ":23:") || !strings.Contains(problems[1], "yesterday") {
		t.Errorf("problems %q", problems)
	}
}

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	f.Add([]byte(document))
	f.Fuzz(func(t *testing.T, text []byte) {
		for c, err := range wolfi.Parse("x.yaml", text) {
			if err != nil || c.Entry == nil {
				continue
			}
			for _, s := range c.Entry.Statements {
				if s.Line < 1 || s.Line > strings.Count(string(text), "\n")+1 || s.Pointer == "" || s.Word == "" {
					t.Fatalf("statement without a trace: %+v", s)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte(document)
	n := 0
	for b.Loop() {
		for c := range wolfi.Parse("x.yaml", text) {
			if c.Entry != nil {
				n += len(c.Entry.Statements)
			}
		}
	}
	b.ReportMetric(float64(len(text)*b.N)/1e6/b.Elapsed().Seconds(), "MB/s")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "statements/s")
}
