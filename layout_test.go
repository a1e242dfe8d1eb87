package wontfix_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path that go.mod gives the project.
const module = "wontfix"

// layout says which packages of ours each package may import. Packages of one
// level do not know each other: a new line here is a decision about the shape
// of the project.
var layout = map[string][]string{
	"":          {},
	"version":   {},
	"cpe":       {""},
	"purl":      {"", "lifecycle"},
	"lifecycle": {""},
	"reason":    {""},
	"tracker": {"", "history", "internal/fetch", "internal/pack", "tracker/alas", "tracker/arch", "tracker/csaf", "tracker/cve", "tracker/cyclonedx", "tracker/debian", "tracker/errata", "tracker/gentoo", "tracker/hydra", "tracker/launchpad",
		"tracker/openssl", "tracker/openvex", "tracker/osv", "tracker/oval", "tracker/photon", "tracker/secdb", "tracker/ubuntu", "tracker/updateinfo", "tracker/wolfi"},
	"tracker/csaf":        {"", "cpe", "purl", "reason", "version"},
	"tracker/debian":      {"", "lifecycle", "reason", "version"},
	"tracker/hydra":       {"", "cpe", "internal/markup", "reason", "version"},
	"tracker/osv":         {"", "internal/markup", "lifecycle"},
	"internal/formattest": {"", "internal/markup", "internal/testkit"},
	"tracker/secdb":       {"", "internal/markup"},
	"tracker/openvex":     {"", "internal/markup", "purl", "reason"},
	"tracker/arch":        {"", "internal/markup"},
	"tracker/photon":      {"", "internal/markup"},
	"tracker/openssl":     {"", "internal/markup"},
	"tracker/oval":        {"", "cpe", "internal/markup", "lifecycle", "tracker/hydra"},
	"tracker/updateinfo":  {"", "internal/markup"},
	"tracker/errata":      {"", "internal/markup"},
	"tracker/cve":         {"", "internal/markup"},
	"tracker/alas":        {""},
	"tracker/launchpad":   {"", "internal/markup"},
	"tracker/wolfi":       {"", "reason"},
	"tracker/gentoo":      {"", "internal/markup"},
	"exploited":           {"", "internal/markup"},
	"tracker/ubuntu":      {"", "internal/markup", "lifecycle", "reason"},
	"history":             {"", "reason"},
	"inventory":           {"", "internal/rpmdb", "lifecycle", "version"},
	"match":               {"", "lifecycle", "version"},
	"query":               {""},
	"pin":                 {},
	"probe":               {""},
	"report":              {""},
	"internal/fetch":      {},
	"internal/lazyregexp": {},
	"internal/markup":     {},
	"internal/image":      {},
	"internal/pack":       {},
	"internal/rpmdb":      {},
	"internal/store":      {""},
	"internal/testkit":    {""},
	"cmd/wontfix": {"", "exploited", "history", "internal/fetch", "internal/image", "internal/store", "inventory", "lifecycle", "match", "pin", "probe", "query",
		"reason", "report", "tracker", "tracker/ubuntu", "version"},
	"tracker/cyclonedx": {"", "internal/markup", "purl", "reason"},
}

// anywhere may be imported by every package: it stands in for one of the
// standard library.
const anywhere = module + "/internal/lazyregexp"

// pure are the packages that do no input or output: what they return follows
// from what they are given.
var pure = []string{"", "version", "lifecycle", "reason", "match", "query", "history", "cpe", "purl"}

// outside are the packages of the standard library that reach beyond the
// process.
var outside = []string{"io/ioutil", "log", "log/slog", "net", "net/http", "os", "os/exec", "os/signal", "path/filepath", "plugin", "syscall"}

func TestLayout(t *testing.T) {
	imports := importsOf(t)
	for dir, list := range imports {
		allowed, ok := layout[dir]
		if !ok {
			t.Errorf("package %q is not in the table; say what it may import", dir)
			continue
		}
		for _, name := range list {
			ours := name != anywhere && (name == module || strings.HasPrefix(name, module+"/"))
			switch {
			case ours && !slices.Contains(allowed, strings.TrimPrefix(strings.TrimPrefix(name, module), "/")):
				t.Errorf("package %q imports %s", dir, name)
			case slices.Contains(pure, dir) && slices.Contains(outside, name):
				t.Errorf("package %q imports %s, and does no input or output", dir, name)
			case dir == "" && strings.Contains(strings.Split(name, "/")[0], "."):
				t.Errorf("the root package imports %s; it has the standard library alone", name)
			}
		}
	}
	for dir := range layout {
		if _, ok := imports[dir]; !ok {
			t.Errorf("there is no package %q any more; take it out of the table", dir)
		}
	}
}

// importsOf returns the imports of each folder that has Go files, tests left
// out.
func importsOf(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, name := range projectFiles(t, ".go") {
		dir := path.Dir(name)
		if dir == "." {
			dir = ""
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		list := imports[dir]
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		imports[dir] = list
	}
	return imports
}

// projectFiles returns the files of the project with one of the endings; those
// of testdata, of tools and of other modules are not among them.
func projectFiles(t *testing.T, endings ...string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := path.Base(name)
			if name != "." && (base[0] == '.' && base != ".ci" || base[0] == '_' || base == "testdata" || base == "dist" || base == "tools") {
				return fs.SkipDir
			}
			return nil
		}
		if slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(name, e) }) {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no file ends in %q", endings)
	}
	return files
}
