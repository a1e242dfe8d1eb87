package testkit

import (
	"io/fs"
	"os"
	"os/exec"
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
