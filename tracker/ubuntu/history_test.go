package ubuntu

import (
	"reflect"
	"strings"
	"testing"
)

// rowsOf reads the rows of a text a line at a time.
func rowsOf(text string) []string {
	var rows []string
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		Rows(line, func(label, source, word, detail string) {
			if key := label + "_" + source; !seen[key] {
				seen[key] = true
				if word != "" {
					rows = append(rows, key+"|"+word+"|"+detail)
				}
			}
		})
	}
	return rows
}

// sameAsParse checks that a text read line by line is what Parse makes of it.
func sameAsParse(t *testing.T, text []byte) {
	t.Helper()
	entry, _ := Parse("active/CVE-2020-1", text)
	var want []string
	for _, s := range entry.Statements {
		want = append(want, s.Label+"_"+s.Source+"|"+s.Word+"|"+s.Detail)
	}
	if got := rowsOf(string(text)); !reflect.DeepEqual(got, want) {
		t.Errorf("rows of %q:\n%q\nParse has\n%q", text, got, want)
	}
	if got := Notes(text); !reflect.DeepEqual(got, entry.Notes) {
		t.Errorf("notes of %q:\n%+v\nParse has\n%+v", text, got, entry.Notes)
	}
}

func TestRows(t *testing.T) {
	for _, text := range []string{
		"trusty_python2.7: ignored\n",
		"trusty_python2.7: ignored\ntrusty_python2.7: needed\n",
		"a_b: [x]\na_b: needed\nsid_x: needed\nsid_x: ignored\n",
		"a_b: x [y]\na_b: needed\n",
		"trusty_a: 1.2\ntrusty_b:\ntrusty_c: released (1.2)\r\n",
		"Priority_a: low\nPatches_a:\n x_y: z\nTags_a: pie\nupstream_a: needed\x0bdevel_a: DNE\n",
		"trusty_\xffa: needed (\xfe)\n",
		"Notes:\n mdeslaur> one\n  two\nbad line\n  three\n kees> four\nNotes: again\n x> y\n",
		"Notes: sbeattie> one\n two\n#x\n\n  three",
		"trusty_a : needed\n trusty_b: x\n\ttrusty_c: y\n",
	} {
		sameAsParse(t, []byte(text))
	}
}

// FuzzRows checks that reading a line at a time, as the history does, gives the
// rows and notes that reading the file does.
func FuzzRows(f *testing.F) {
	f.Add([]byte("Notes:\n kees> x\ntrusty_a: ignored (end of life)\ntrusty_a: needed\n"))
	f.Add([]byte("a_b: \x1c\xc2\x85c_d: e\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) { sameAsParse(t, text) })
}

func TestParent(t *testing.T) {
	for label, want := range map[string]string{"trusty/esm": "trusty", "esm-infra/xenial": "xenial", "trusty": "", "devel": "", "upstream": "", "nonsense/x": ""} {
		if got := Parent(label); got != want {
			t.Errorf("Parent(%q) = %q, want %q", label, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	var got []string
	Fields([]byte("Candidate: CVE-1\nDescription:\n one\n two\n#x\nNotes:\n kees> three\nPriority: low\n because\na_b: needed\n four\nPriority: high\nBugs:\n"),
		func(name, text string) { got = append(got, name+"="+text) })
	want := []string{"Candidate=CVE-1", "Description=one\ntwo", "Priority=low\nbecause", "Bugs="}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
