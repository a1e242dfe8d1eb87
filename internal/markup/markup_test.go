package markup

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	text := []byte("{\n \"a\": [1,\n  {\"b/c\": \"x\\ty\"}, null],\n \"d\": \"e\"\n}\n")
	v, err := ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	x := v.Find("/a/1/b~1c")
	if x.Text() != "x\ty" || x.Line() != 3 || x.Pointer() != "/a/1/b~1c" {
		t.Errorf("got %q, line %d, %s", x.Text(), x.Line(), x.Pointer())
	}
	if d := v.Get("d"); d.Text() != "e" || d.Line() != 4 {
		t.Errorf("d: got %q, line %d", d.Text(), d.Line())
	}
	if v.Find("/a/2").Exists() || v.Get("nothing", "below").Exists() || v.Get("nothing").Line() != 0 {
		t.Error("a value that is not there exists")
	}
}

func TestJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{\n\"a\": 1,\n}": "line 3",
		"":                "line 1",
		"[1,\n2":          "line 2",
	} {
		if _, err := ParseJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzJSON wants each part to be what encoding/json makes of it, and each
// pointer to lead to its part.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x\"y",{}],"b":null}`, ` [ ] `, `"\ud800"`, `{"~/":{"":[true]}}`, "\ufeff[0]", `1e5`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := ParseJSON(text)
		if (err == nil) != json.Valid([]byte(strings.TrimPrefix(string(text), "\ufeff"))) {
			t.Fatalf("error %v", err)
		}
		if err != nil {
			return
		}
		var walk func(v Value) any
		walk = func(v Value) any {
			switch v.Raw()[0] {
			case '[':
				list := []any{}
				for _, e := range v.Elements() {
					list = append(list, walk(e))
				}
				return list
			case '{':
				object := map[string]any{}
				for name, m := range v.Members() {
					if _, ok := object[name]; !ok && m.Line() < v.Line() {
						t.Errorf("%s: line %d before that of its object", m.Pointer(), m.Line())
					}
					object[name] = walk(m)
				}
				return object
			}
			var x any
			if err := v.Decode(&x); err != nil {
				t.Fatal(err)
			}
			if s, ok := x.(string); ok && s != v.Text() {
				t.Errorf("%s: text %q, want %q", v.Pointer(), v.Text(), s)
			}
			return x
		}
		var want any
		if err := v.Decode(&want); err != nil {
			t.Skip() // a number that is out of range
		}
		if got := walk(v); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestElements(t *testing.T) {
	text := "<?xml version=\"1.0\"?>\n<!-- c -->\n<r xmlns:x=\"u\">\n <x:a id=\"1\">t<b/>\n  <b k=\"v\">&lt;u&gt;</b></x:a>\n <c/>\n <a/>\n</r>\n"
	var got []*Element
	for e, err := range Elements([]byte(text), "a") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != 2 || got[0].Line != 4 || got[1].Line != 7 || got[0].Attr("id") != "1" || got[0].Text != "t" {
		t.Fatalf("got %+v", got)
	}
	bs := slices.Collect(got[0].All("b"))
	if len(bs) != 2 || bs[1].Line != 5 || bs[1].Attr("k") != "v" || bs[1].Text != "<u>" {
		t.Errorf("got %+v", bs)
	}
	if got[1].Child("none", "below") != nil || got[1].ChildText("none") != "" {
		t.Error("an element that is not there exists")
	}
}

func TestElementsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "no element",
		"<r>\n<a></r>":              "line 2",
		"<r>\n<a>":                  "line 2",
		"</r>":                      "ends nothing",
		"<a>\n&bomb;</a>":           "line 1",
		strings.Repeat("<a>", 1000): "nested",
	} {
		var last error
		for _, err := range Elements([]byte(text), "a") {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), want) {
			t.Errorf("%.20q: got %v, want %s", text, last, want)
		}
	}
}

// FuzzElements wants each element's line to have its start.
func FuzzElements(f *testing.F) {
	f.Add([]byte("<r>\n<a x='1'>t</a>\n</r>"))
	f.Add([]byte("<a><a/><b>\n<a/></b></a>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Split(string(text), "\n")
		for e, err := range Elements(text, "a", "b") {
			if err != nil {
				return
			}
			for e := range e.Walk() {
				if e.Line < 1 || e.Line > len(lines) || !strings.Contains(lines[e.Line-1], "<") {
					t.Errorf("<%s>: line %d", e.Name, e.Line)
				}
			}
		}
	})
}
