package wontfix_test

import (
	"bytes"
	"errors"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the project's folder: tests of the root package run in it.
var root = os.DirFS(".")

func TestFormat(t *testing.T) {
	for _, name := range projectFiles(t, ".go") {
		src := read(t, name)
		formatted, err := format.Source(src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(src, formatted) {
			t.Errorf("%s: is not as gofmt writes it; run gofmt -w %[1]s", name)
		}
	}
}

func TestVet(t *testing.T) {
	if testing.Short() {
		t.Skip("go vet takes a while; run without -short")
	}
	run(t, "go", "vet", "./...")
}

func TestModuleIsTidy(t *testing.T) {
	if testing.Short() {
		t.Skip("go mod tidy takes a while; run without -short")
	}
	run(t, "go", "mod", "tidy", "-diff")
}

func TestStaticcheck(t *testing.T) {
	if testing.Short() {
		t.Skip("staticcheck takes a while; run without -short")
	}
	run(t, "go", "tool", "-modfile=tools/go.mod", "staticcheck", "./...")
}

// offline matches what the go command says when it needs a module that is not
// on the machine and cannot be fetched.
var offline = regexp.MustCompile(`dial tcp|no such host|module lookup disabled|proxyconnect|i/o timeout|network is unreachable|connection refused`)

// run runs a command whose silence is success.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err == nil {
		return
	}
	if offline.Match(out) && os.Getenv("CI") != "true" {
		t.Skipf("%s %s: needs modules that are not on this machine, and there is no network", name, strings.Join(args, " "))
	}
	t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
}

// TestNoPlaces looks for paths of one machine and for hosts that only some
// network has: a clone must build anywhere.
func TestNoPlaces(t *testing.T) {
	places := regexp.MustCompile(`(?:^|[^\w./-])/(?:work|farm|home/\w+|root/\w+|Users/\w+|tmp/(?:out|brief|bash)\w*)(?:/|\b)|\b(?:artifactory|nexus|goproxy|verdaccio|devpi)[\w-]*\.[a-z]`)
	for _, name := range projectFiles(t, ".go", ".md", ".sh", ".mod", ".sum", ".json", ".txt", ".yml", ".yaml", ".tsv", ".csv", ".html", ".tmpl", ".ci/run") {
		if name == "style_test.go" { // has the words that it looks for
			continue
		}
		for i, line := range strings.Split(string(read(t, name)), "\n") {
			if m := places.FindString(line); m != "" {
				t.Errorf("%s:%d: %q is a place on one machine or network", name, i+1, strings.TrimSpace(m))
			}
		}
	}
}

// TestErrorTexts wants errors that begin with the thing.
func TestErrorTexts(t *testing.T) {
	failing := regexp.MustCompile(`(?:errors\.New|fmt\.Errorf)\("(?:[Ff]ailed|[Uu]nable|[Cc]ould not|[Cc]annot|[Ee]rror)\b`)
	for _, name := range projectFiles(t, ".go") {
		if m := failing.Find(read(t, name)); m != nil && name != "style_test.go" {
			t.Errorf("%s: %s…: name the thing first, then what is wrong with it", name, m)
		}
	}
}

// TestDocComments wants a comment above everything that other packages see. A
// method that only makes a type satisfy a well-known interface needs none.
func TestDocComments(t *testing.T) {
	packages := map[string]bool{}
	for _, name := range projectFiles(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		packages[path.Dir(name)] = packages[path.Dir(name)] || file.Doc != nil
		if file.Name.Name == "main" {
			continue
		}
		for _, decl := range file.Decls {
			for _, id := range undocumented(decl) {
				t.Errorf("%s: %s has no comment", fset.Position(id.Pos()), id.Name)
			}
		}
	}
	for dir, documented := range packages {
		if !documented {
			t.Errorf("%s: the package has no comment", dir)
		}
	}
}

// wellKnown are methods whose meaning is that of an interface.
var wellKnown = map[string]bool{"String": true, "Error": true, "Unwrap": true, "Len": true, "Less": true, "Swap": true,
	"MarshalText": true, "UnmarshalText": true, "MarshalJSON": true, "UnmarshalJSON": true, "Close": true}

// undocumented returns the exported names of a declaration that have no
// comment. In a group one comment above the group is enough for constants and
// variables.
func undocumented(decl ast.Decl) []*ast.Ident {
	var names []*ast.Ident
	add := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		for _, d := range docs {
			if d != nil {
				return
			}
		}
		if id.IsExported() {
			names = append(names, id)
		}
	}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || receiverIsExported(d) && !wellKnown[d.Name.Name] {
			add(d.Name, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				add(s.Name, d.Doc, s.Doc)
			case *ast.ValueSpec:
				for _, id := range s.Names {
					add(id, d.Doc, s.Doc, s.Comment)
				}
			}
		}
	}
	return names
}

func receiverIsExported(d *ast.FuncDecl) bool {
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	complete = regexp.MustCompile(`(?m)^package \w+$`)
)

// TestGoInDocs compiles the Go examples in the documents: those that are whole
// files, which their package clause says.
func TestGoInDocs(t *testing.T) {
	for _, name := range projectFiles(t, ".md") {
		for i, m := range fence.FindAllSubmatch(read(t, name), -1) {
			if !complete.Match(m[1]) {
				continue
			}
			dir, err := os.MkdirTemp(".", "_docs")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			if err := os.WriteFile(filepath.Join(dir, "main.go"), m[1], 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "vet", "./"+dir).CombinedOutput(); err != nil {
				t.Errorf("%s: Go example %d: %v\n%s", name, i+1, err, out)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)[^)]*\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	code    = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
)

// TestLinksInDocs follows the links from one document to another file of the
// project, and to headings.
func TestLinksInDocs(t *testing.T) {
	for _, name := range projectFiles(t, ".md") {
		for _, m := range link.FindAllSubmatch(code.ReplaceAll(read(t, name), nil), -1) {
			target := string(m[1])
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			where := name
			if file != "" {
				where = path.Join(path.Dir(name), file)
			}
			_, err := fs.Stat(root, where)
			switch {
			case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
				t.Errorf("%s: the link to %s leads nowhere", name, target)
			case err != nil:
				t.Errorf("%s: the link to %s: %v", name, target, err)
			case anchor != "" && strings.HasSuffix(where, ".md") && !hasAnchor(read(t, where), anchor):
				t.Errorf("%s: %s has no heading for #%s", name, where, anchor)
			}
		}
	}
}

// hasAnchor reports whether a heading of the text gets the anchor, by GitHub's
// rule: lower case, spaces to hyphens, other signs left out.
func hasAnchor(text []byte, anchor string) bool {
	signs := regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	for _, m := range heading.FindAllSubmatch(text, -1) {
		h := signs.ReplaceAllString(strings.ToLower(string(m[1])), "")
		if strings.ReplaceAll(h, " ", "-") == anchor {
			return true
		}
	}
	return false
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
