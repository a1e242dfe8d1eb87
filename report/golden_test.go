package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"wontfix"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares output with a file of testdata.
func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the golden file (if that is right: go test ./report -update):\n%s", name, got)
	}
}

func TestGolden(t *testing.T) {
	limited := Options{Limit: 3}
	for _, c := range []struct {
		name, format string
		scan         *wontfix.Scan
		o            Options
	}{
		{"scan-80.txt", "text", exampleScan(), Options{Width: 80}},
		{"scan-200.txt", "text", exampleScan(), Options{Width: 200}},
		{"scan-80-color.txt", "text", exampleScan(), Options{Width: 80, Color: true}},
		{"scan-limit.txt", "text", exampleScan(), limited},
		{"scan-empty.txt", "text", &wontfix.Scan{}, Options{}},
		{"bare-80.txt", "text", exampleBare(), Options{Width: 80}},
		{"bare-200.txt", "text", exampleBare(), Options{Width: 200}},
		{"scan-hostile.txt", "text", hostileScan(), Options{}},
		{"scan-hostile.md", "markdown", hostileScan(), Options{}},
		{"scan-hostile.csv", "csv", hostileScan(), Options{}},
		{"scan.json", "json", exampleScan(), Options{}},
		{"scan.jsonl", "jsonl", exampleScan(), Options{}},
		{"scan.csv", "csv", exampleScan(), Options{}},
		{"scan.md", "markdown", exampleScan(), Options{}},
	} {
		var b bytes.Buffer
		if err := WriteScan(&b, c.format, c.scan, c.o); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		checkGolden(t, c.name, b.Bytes())
	}
	for _, c := range []struct {
		name, format string
		o            Options
	}{
		{"dossier-80.txt", "text", Options{Width: 80}},
		{"dossier-200.txt", "text", Options{Width: 200}},
		{"dossier-80-color.txt", "text", Options{Color: true}},
		{"dossier.json", "json", Options{}},
		{"dossier.md", "markdown", Options{}},
	} {
		var b bytes.Buffer
		if err := WriteDossiers(&b, c.format, []*wontfix.Dossier{exampleDossier()}, c.o); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		checkGolden(t, c.name, b.Bytes())
	}
}

// hostileScan has strings that try to leave their place.
func hostileScan() *wontfix.Scan {
	s := exampleScan()
	s.Machine.Name = "\x1b]0;owned\x07web\u202e3"
	s.Machine.OS.PrettyName = "Ubuntu\r\n\x1b[2J 14.04"
	s.Findings = s.Findings[:2]
	f := &s.Findings[0]
	f.Source = "=cmd|' /C calc'!A0"
	f.SourceVersion = "1\u200b.0\xff\u009b31m"
	f.Binaries = []string{"<script>alert(1)</script>", "a|b", "[x](javascript:alert(1))"}
	f.ReasonText = "line one\n\n# not a heading\n| not | a row |\u2028@everyone \U000e0041"
	f.Tracker.Detail = "\x1b[31m(red)\x1b[0m"
	f.Tracker.URL = "javascript:alert(1)"
	s.Findings[1].Tracker.URL = "https://tracker.example/)(<x>"
	s.Unsaid[0].Command = "rm -rf \u2066/\u2069"
	return s
}
