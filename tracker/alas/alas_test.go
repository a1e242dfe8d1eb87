package alas_test

import (
	"strings"
	"testing"

	"wontfix/internal/formattest"
	"wontfix/tracker/alas"
)

// No page of the explorer is among the samples. Its columns and words are those
// that the project's study of formats has; the pages here are made up.

const page = `<!doctype html><html><head><title>CVE-2031-0001</title></head><body>
<table><tr><td>Score</td><td>7.5</td></tr></table>
<table class="affected">
 <thead><tr>
  <th>Platform</th><th>Package</th>
  <th>Release Date</th><th>Advisory</th><th>Status</th>
 </tr></thead>
 <tbody>
 <tr><td>Amazon Linux 1</td><td>openssl</td><td></td><td></td>
  <td> No Fix Planned </td></tr>
 <tr><td>Amazon Linux 2 - Core</td><td>openssl</td><td>2031-02-03 04:05</td><td><a href="/AL2/ALAS-2031-1.html">ALAS2-2031-1</a></td><td><span>Fixed</span></td></tr>
 <tr><td>Amazon Linux 2 - Kernel-5.10 Extra</td><td>kernel</td><td></td><td></td><td>Pending Fix</td></tr>
 <tr><td>Amazon Linux 2023</td><td>openssl</td><td></td><td></td><td>Not Affected</td></tr>
 <tr><td>Amazon Linux 2023</td><td>edk2</td><td></td><td></td><td>Hesitated</td></tr>
 <tr><td>Bottlerocket</td><td>openssl</td><td></td><td></td><td>Fixed</td></tr>
 <tr><td>Amazon Linux 2023</td><td>short</td></tr>
 </tbody></table></body></html>`

func TestParse(t *testing.T) {
	changes, err := formattest.Changes(t, alas.Parse, "x.html", []byte(page))
	if err != nil || len(changes) != 1 || changes[0].ID != "CVE-2031-0001" {
		t.Fatal(changes, err)
	}
	var got []string
	for _, s := range changes[0].Entry.Statements {
		got = append(got, strings.Join(strings.Fields(strings.Join([]string{s.Release.String(), s.Source, s.Decision.String(), s.Advisory, s.Decided, s.Strength.String()}, " ")), " "))
	}
	for _, p := range changes[0].Problems {
		got = append(got, p.Error())
	}
	want := []string{
		"amzn/1 openssl wont-fix firm", "amzn/2 openssl fixed ALAS2-2031-1 2031-02-03 firm", "amzn/2/kernel-5.10 kernel fix-pending soft",
		"amzn/2023 openssl not-affected firm", "amzn/2023 edk2 unknown firm",
		`x.html:15: row: "Bottlerocket" is no platform that is known: left out`, "x.html:16: row: no package, or no status: left out",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for text, says := range map[string]string{
		"<html>CVE-2031-0001</html>": "no table of Platform", "<table><tr><th>Platform</table>": "neither its name nor its text has a CVE ID",
	} {
		if _, err := formattest.Changes(t, alas.Parse, "x.html", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", text, err, says)
		}
	}
}

func TestMapping(t *testing.T) { formattest.Mapping(t, alas.Parse) }

// FuzzParse wants every statement of any text to be traceable.
func FuzzParse(f *testing.F) {
	f.Add([]byte(page))
	f.Add([]byte("CVE-2031-0001<table><th>Status<th>Advisory<th>Release date<th>Package<th>Platform<tr><td>Fixed<td>\n\nA<td><td>b\n<td>Amazon\nLinux 2"))
	f.Fuzz(func(t *testing.T, text []byte) { formattest.Changes(t, alas.Parse, "CVE-2031-0001.html", text) })
}
