package wontfix

import (
	"encoding/json"
	"testing"
)

func TestDateJSON(t *testing.T) {
	for _, s := range []string{`"2019-04-25"`, `""`} {
		var d Date
		if err := json.Unmarshal([]byte(s), &d); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(d)
		if err != nil || string(b) != s {
			t.Errorf("%s comes back as %s, %v", s, b, err)
		}
	}
	for _, s := range []string{`"2019-04-25T00:00:00Z"`, `"25 April"`, `2019`} {
		var d Date
		if err := json.Unmarshal([]byte(s), &d); err == nil {
			t.Errorf("%s is read as %v", s, d)
		}
	}
}
