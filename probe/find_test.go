package probe

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"wontfix/internal/testkit"
)

// kinds returns rows of the table, to be looked for in PATH alone.
func kinds(t *testing.T, names ...string) []row {
	t.Helper()
	var rows []row
	for _, name := range names {
		i := slices.IndexFunc(table(), func(r row) bool { return r.name == name })
		if i < 0 {
			t.Fatalf("no row %s", name)
		}
		r := table()[i]
		r.places = nil
		rows = append(rows, r)
	}
	return rows
}

// script writes a program and returns its path.
func script(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	testkit.Must(t, os.MkdirAll(dir, 0o755))
	testkit.Must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	return path
}

// marking returns the text of a program that leaves a line in a file when it
// runs, and a function that counts the lines.
func marking(t *testing.T, text string) (string, func() int) {
	mark := filepath.Join(t.TempDir(), "mark")
	return "echo >>'" + mark + "'\n" + text, func() int {
		b, _ := os.ReadFile(mark)
		return strings.Count(string(b), "\n")
	}
}

// find looks for programs of some rows in some folders.
func find(t *testing.T, rows []row, dirs ...string) ([]Client, []Skipped) {
	t.Helper()
	o := FindOptions{Path: strings.Join(dirs, string(os.PathListSeparator)), Dir: t.TempDir(), Limit: 2 * time.Second}
	clients, skipped, err := o.find(t.Context(), rows)
	testkit.Must(t, err)
	return clients, skipped
}

const sayCurl = "echo 'curl 8.9.1 (x86_64-pc-linux-gnu) libcurl/8.9.1 OpenSSL/3.0.13 zlib/1.3'"

func TestFindProgram(t *testing.T) {
	dir := t.TempDir()
	path := script(t, dir, "curl", sayCurl)
	clients, skipped := find(t, kinds(t, "curl", "wget"), dir)
	if len(clients) == 0 || len(skipped) != 0 {
		t.Fatalf("%v, %v", clients, skipped)
	}
	for _, c := range clients {
		if c.Path != path {
			t.Errorf("%+v", c)
		}
	}
	if c := clients[0]; c.ID != "curl" || c.Path != path || c.Version != "8.9.1" || c.Library != "OpenSSL 3.0.13" || c.Protocol != "https" {
		t.Errorf("%+v", c)
	}
}

// TestFindSkips has programs that must not be run, or of which nothing can be
// said. Each is named with the reason.
func TestFindSkips(t *testing.T) {
	for _, test := range []struct {
		name, row, program, text string
		change                   func(path string) error
		started                  bool
		why                      string
	}{
		{"hangs", "curl", "curl", "sleep 60", nil, true, "does not say who it is within 300ms"},
		{"hangs and ignores signals", "curl", "curl", "trap '' TERM HUP INT; sleep 60; sleep 60", nil, true, "within 300ms"},
		{"leaves a child that hangs", "curl", "curl", "sleep 60 &\nwait", nil, true, "within 300ms"},
		{"says nothing", "python", "python3", "exit 3", nil, true, "exit status 3"},
		{"is another program of the name", "wget", "wget", "echo BusyBox v1.35", nil, true, "GNU Wget"},
		{"has no library for TLS", "tclsh", "tclsh", "printf 'version\\t8.6\\n'", nil, true, "no library for TLS"},
		{"group can write", "curl", "curl", sayCurl, mode(0o775), false, "others than its owner can change it"},
		{"all can write", "curl", "curl", sayCurl, mode(0o757), false, "others than its owner can change it"},
		{"all can replace it", "curl", "curl", sayCurl, func(path string) error { return os.Chmod(filepath.Dir(path), 0o777) }, false, "others can put another in its place"},
		{"is no program", "curl", "curl", sayCurl, mode(0o644), false, "no program"},
		{"is a folder", "curl", "curl", "", func(path string) error { os.Remove(path); return os.Mkdir(path, 0o755) }, false, "no program"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, count := marking(t, test.text)
			dir := filepath.Join(t.TempDir(), "bin")
			path := script(t, dir, test.program, text)
			if test.change != nil {
				testkit.Must(t, test.change(path))
			}
			began := time.Now()
			o := FindOptions{Path: dir, Dir: t.TempDir(), Limit: 300 * time.Millisecond}
			clients, skipped, err := o.find(t.Context(), kinds(t, test.row))
			testkit.Must(t, err)
			if len(clients) != 0 {
				t.Errorf("found %v", clients)
			}
			if len(skipped) != 1 || skipped[0].Path != path || !strings.Contains(skipped[0].Why, test.why) {
				t.Errorf("skipped %q, want %s: %s", skipped, path, test.why)
			}
			if n := count(); (n > 0) != test.started {
				t.Errorf("started %d times", n)
			}
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func mode(m os.FileMode) func(string) error {
	return func(path string) error { return os.Chmod(path, m) }
}

// TestFindForeign has a program that another user owns.
func TestFindForeign(t *testing.T) {
	text, count := marking(t, sayCurl)
	dir := t.TempDir()
	path := script(t, dir, "curl", text)
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	testkit.Must(t, os.Chown(path, nobody, nobody))
	clients, skipped := find(t, kinds(t, "curl"), dir)
	if len(clients) != 0 || len(skipped) != 1 || !strings.Contains(skipped[0].Why, "belongs to the user 65534") || count() != 0 {
		t.Errorf("%v, %v, started %d times", clients, skipped, count())
	}
}

// TestFindOnce has one program under several names: it is asked once.
func TestFindOnce(t *testing.T) {
	text, count := marking(t, "printf 'version\\t3.9.2\\n'")
	top := t.TempDir()
	bin, other, linked := filepath.Join(top, "bin"), filepath.Join(top, "other"), filepath.Join(top, "linked")
	path := script(t, bin, "python3", text)
	testkit.Must(t, os.Mkdir(other, 0o755))
	testkit.Must(t, os.Symlink(path, filepath.Join(other, "python")))
	testkit.Must(t, os.Symlink("python3", filepath.Join(bin, "python")))
	testkit.Must(t, os.Link(path, filepath.Join(other, "python3.9")))
	testkit.Must(t, os.Symlink(bin, linked))
	clients, skipped := find(t, kinds(t, "python"), linked, bin, other, bin+"/")
	if len(skipped) != 0 || count() != 1 {
		t.Errorf("asked %d times, skipped %v", count(), skipped)
	}
	seen := map[string]bool{}
	for _, c := range clients {
		if seen[c.ID] || strings.Contains(c.ID, "(") {
			t.Errorf("%s: more than once", c.ID)
		}
		seen[c.ID] = true
	}
	if !seen["python3.9/urllib"] {
		t.Errorf("found %v", clients)
	}
}

// TestFindNames has programs whose names begin like those of interpreters. To
// start them may do harm: pypy3clean deletes files.
func TestFindNames(t *testing.T) {
	text, count := marking(t, "printf 'version\\t3.9.2\\n'")
	dir := t.TempDir()
	for _, name := range []string{
		"pypy3clean", "pypy3compile", "python3-config", "python3.11-config", "python3.11-x86_64-config", "pythontex", "python3-pasteurize", "python.old", "python3.11.bak", "python~",
		"ruby-build", "ruby3.1-config", "php-fpm8.2", "php8.2-cgi", "tclsh-setup", "lua5.4-c89", "guile-config", "guile-snarf", "curl-config", "perl5db", "nodejs-clean",
	} {
		script(t, dir, name, text)
	}
	clients, skipped := find(t, kinds(t, "python", "perl", "ruby", "php", "node", "curl", "lua", "tclsh", "guile"), dir)
	if len(clients) != 0 || len(skipped) != 0 || count() != 0 {
		t.Errorf("found %v, skipped %v, started %d times", clients, skipped, count())
	}
}

// TestFindPath: a folder of PATH that depends on where one is, is none.
func TestFindPath(t *testing.T) {
	text, count := marking(t, sayCurl)
	dir := t.TempDir()
	script(t, dir, "curl", text)
	script(t, filepath.Join(dir, "sub"), "curl", text)
	script(t, filepath.Join(dir, "shims"), "curl", text)
	t.Chdir(dir)
	clients, skipped := find(t, kinds(t, "curl"), "", ".", "sub", "./sub", "", filepath.Join(dir, "shims"), filepath.Join(dir, "missing"))
	if len(clients) != 0 || len(skipped) != 0 || count() != 0 {
		t.Errorf("found %v, skipped %v, started %d times", clients, skipped, count())
	}
}

// TestFindWords has programs that say too much: what is kept of it is short
// and can be printed.
func TestFindWords(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "curl", "printf 'curl '\nhead -c 10000000 /dev/zero | tr '\\0' 1")
	script(t, dir, "wget", "printf 'GNU Wget \\033]0;owned\\007 1.2\\033[31m.3'")
	script(t, dir, "python3", `printf 'version\t3.9.2\033[31m\nlibrary\tOpenSSL \033c3\nmodule\trequests\t2\2331.0\n'; printf 'store\t%s\n' relative /abs/cert.pem`)
	clients, skipped := find(t, kinds(t, "curl", "wget", "python"), dir)
	if len(skipped) != 0 {
		t.Errorf("skipped %v", skipped)
	}
	have := map[string]bool{}
	for _, c := range clients {
		row, _, _ := strings.Cut(c.Kind, "/")
		have[row] = true
		for _, s := range []string{c.ID, c.Version, c.Library} {
			if len([]rune(s)) > maxReason || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("%s: keeps %.80q (%d bytes)", row, s, len(s))
			}
		}
		if row == "python" && !slices.Equal(c.Stores, []string{"/abs/cert.pem"}) {
			t.Errorf("%s: stores %q", c.ID, c.Stores)
		}
	}
	if len(have) != 3 {
		t.Errorf("found %v", have)
	}
}

// TestFindNameApart has two interpreters of one version.
func TestFindNameApart(t *testing.T) {
	one, two, three := t.TempDir(), t.TempDir(), t.TempDir()
	for i, dir := range []string{one, two, three} {
		script(t, dir, "python3", "printf 'version\\t3."+[]string{"9.1", "9.2", "10.1"}[i]+"\\n'")
	}
	clients, _ := find(t, kinds(t, "python"), one, two, three)
	ids := map[string]bool{}
	for _, c := range clients {
		if ids[c.ID] {
			t.Errorf("two clients are called %s", c.ID)
		}
		ids[c.ID] = true
	}
	for _, want := range []string{"python3.9/urllib (" + one + "/python3)", "python3.9/urllib (" + two + "/python3)", "python3.10/urllib"} {
		if !ids[want] {
			t.Errorf("no %s among %v", want, ids)
		}
	}
}

// TestFindSince has programs of which only the newer one can do all.
func TestFindSince(t *testing.T) {
	for _, test := range []struct{ version, want string }{
		{"1.65.0", "cargo/git"}, {"1.68.0", "cargo/git cargo/sparse"}, {"1.100.0-nightly", "cargo/git cargo/sparse"}, {"1.9", "cargo/git"},
	} {
		dir := t.TempDir()
		script(t, dir, "cargo", "echo cargo "+test.version)
		var have []string
		clients, _ := find(t, kinds(t, "cargo"), dir)
		for _, c := range clients {
			have = append(have, c.ID)
		}
		if have := strings.Join(have, " "); have != test.want {
			t.Errorf("%s: %s, want %s", test.version, have, test.want)
		}
	}
}

func TestFindNoFolder(t *testing.T) {
	_, _, err := Find(context.Background(), FindOptions{Dir: filepath.Join(t.TempDir(), "missing")})
	if err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("%v", err)
	}
}

// TestTableNamesServer: a client that is not told where the server is would go
// somewhere else.
func TestTableNamesServer(t *testing.T) {
	for _, r := range table() {
		for _, use := range r.runs {
			words := strings.Join(slices.Concat(use.args, use.env, []string{use.stdin}), " ")
			if !strings.Contains(words, "{url}") && !(strings.Contains(words, "{host}") && strings.Contains(words, "{port}")) {
				t.Errorf("%s/%s: %s", r.name, use.name, words)
			}
		}
	}
}

// FuzzDescribe: whatever a program says of itself, what is kept can be printed.
func FuzzDescribe(f *testing.F) {
	f.Add("version\t3.9\nlibrary\tOpenSSL 3.0\nmodule\tpip\t1\nstore\t/x", true)
	f.Add("curl 8.9.1 OpenSSL/3.0.13 \x1b[31m", false)
	f.Fuzz(func(t *testing.T, out string, census bool) {
		r := row{name: "made"}
		if census {
			r.census = "census"
		}
		d := describe(r, out)
		words := []string{d.version, d.library}
		for _, version := range d.modules {
			words = append(words, version)
		}
		for _, s := range words {
			if len([]rune(s)) > maxReason || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("keeps %q", s)
			}
		}
		for _, s := range d.stores {
			if !filepath.IsAbs(s) {
				t.Errorf("store %q", s)
			}
		}
	})
}
