package history

import (
	"testing"

	"wontfix"
)

// An author signs with the nick that most of the author's notes have, and with
// none that is another's or that too few notes prove.
func TestNick(t *testing.T) {
	log, err := NewLog([]wontfix.Commit{{ID: "01", Author: " Marc Deslauriers"}, {ID: "02", Author: "Jamie"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []struct {
		nick, author string
		count        int
	}{
		{"mdeslaur", "marc deslauriers", 40}, {"mdeslaur", "jamie", 5},
		{"marc", "marc deslauriers", 7}, {"zmarc", "marc deslauriers", 40},
		{"jdstrand", "jamie", 2},
		{"a", "tyler hicks", 3}, {"b", "tyler hicks", 3},
	} {
		log.nicks.add(n.nick, n.author, n.count)
	}
	for author, want := range map[string]string{"Marc Deslauriers": "mdeslaur", "Jamie": "", "TYLER HICKS ": "a", "": ""} {
		if got := log.Nick(author); got != want {
			t.Errorf("%q signs with %q, want %q", author, got, want)
		}
	}
	if r := log.Revision(0); r.Nick != "mdeslaur" {
		t.Errorf("the revision has nick %q", r.Nick)
	}
	s := NewSurvey(2)
	log.nicks.add("jdstrand", "jamie", 9)
	log.Apply(s)
	if got := log.Nick("Jamie"); got != "jdstrand" {
		t.Errorf("after a survey Jamie signs with %q", got)
	}
}
