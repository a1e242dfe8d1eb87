package testkit

import (
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Samples returns the files below a folder of the corpus whose names have one
// of the endings, by their path in the folder. Those that end in .xz are
// unpacked, and lose that ending.
func Samples(t testing.TB, folder string, endings ...string) map[string][]byte {
	t.Helper()
	root := os.DirFS(Corpus(t, folder))
	files := make(map[string][]byte)
	Must(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, ending := range endings {
			if !strings.HasSuffix(name, ending) {
				continue
			}
			text, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			if bare, ok := strings.CutSuffix(name, ".xz"); ok {
				cmd := exec.Command(Program(t, "xz"), "-dc")
				cmd.Stdin = strings.NewReader(string(text))
				if text, err = cmd.Output(); err != nil {
					return err
				}
				name = bare
			}
			files[name] = text
		}
		return nil
	}))
	if len(files) == 0 {
		t.Fatalf("%s has no file that ends in %v", folder, endings)
	}
	return files
}

// Pointer returns the part of what json.Unmarshal made of a text that a JSON
// Pointer leads to, nil if there is none.
func Pointer(value any, pointer string) any {
	for _, part := range strings.Split(pointer, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// SameWords reports whether words are those of a list with commas, in any
// order.
func SameWords(words []string, list string) bool {
	want := strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
	if len(words) != len(want) {
		return false
	}
	for _, w := range want {
		found := false
		for _, have := range words {
			found = found || have == w
		}
		if !found {
			return false
		}
	}
	return true
}
