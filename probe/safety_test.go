package probe

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// What a probe must never do, and what the clients that it runs must not be
// able to do. Those that need a room are in safety_linux_test.go.

// roles are what the test binary is when it is called with one of these words.
var roles = map[string]func(args []string) int{
	"probe-room":     func([]string) int { return inside() },
	"probe-outer":    func(args []string) int { return outside(true, args) },
	"probe-fallback": func(args []string) int { return outside(false, args) },
}

// inside is the process in the room.
func inside() int {
	if err := Inside(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// outside is a process that probes, as wontfix does: with a request on its
// input, and a line for each message.
func outside(isolated bool, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var r Request
	if err := json.NewDecoder(os.Stdin).Decode(&r); err != nil {
		return 3
	}
	messages := r.Fallback(ctx, "a test")
	if isolated {
		messages = Isolated(ctx, r, os.Args[0], append([]string{"probe-room"}, args...)...)
	}
	enc := json.NewEncoder(os.Stdout)
	for m, err := range messages {
		if err != nil {
			m.Error = err.Error()
		}
		enc.Encode(m)
	}
	return 0
}

// probed returns what a probe says.
func probed(t *testing.T, isolated bool, r Request) []Message {
	t.Helper()
	messages := r.Fallback(t.Context(), "a test")
	if isolated {
		messages = Isolated(t.Context(), r, os.Args[0], "probe-room")
	}
	var list []Message
	for m, err := range messages {
		if errors.Is(err, ErrNoRoom) && os.Getenv("CI") != "true" {
			t.Skipf("%v: this machine allows no namespaces", err)
		}
		testkit.Must(t, err)
		list = append(list, m)
	}
	return list
}

// outcomes returns those of some messages.
func outcomes(list []Message) []Outcome {
	var all []Outcome
	for _, m := range list {
		if m.Outcome != nil {
			all = append(all, *m.Outcome)
		}
	}
	return all
}

// asks runs a script of the shell as a client and returns the last line that it
// writes. It does not connect.
func asks(t *testing.T, isolated bool, r Request, text string) string {
	t.Helper()
	r.Command, r.Cases = []string{"/bin/sh", "-c", text, "sh", "{url}"}, []string{"T01"}
	list := outcomes(probed(t, isolated, r))
	if len(list) != 1 || list[0].Verdict != Error {
		t.Fatalf("%+v", list)
	}
	return list[0].Reason
}

// ways runs a test with a room and without.
func ways(t *testing.T, test func(t *testing.T, isolated bool)) {
	t.Run("room", func(t *testing.T) { test(t, true) })
	t.Run("fallback", func(t *testing.T) { test(t, false) })
}

// TestS01Listeners: no server listens but on a loopback address.
func TestS01Listeners(t *testing.T) {
	a := newAuthority(t)
	for _, c := range Cases() {
		protocol := "https"
		if !c.applies(protocol) {
			protocol = c.Protocols[0]
		}
		s, err := a.Serve(c, ServeOptions{Protocol: protocol})
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		if !s.Addr.Addr().IsLoopback() {
			t.Errorf("%s listens on %s", c.ID, s.Addr)
		}
		if s.second != nil && !strings.HasPrefix(s.second.Addr().String(), "127.0.0.1:") {
			t.Errorf("%s leads to %s", c.ID, s.second.Addr())
		}
		s.Close()
	}
}

// TestS01Command: a command that is not told where the server is would go
// somewhere else.
func TestS01Command(t *testing.T) {
	for _, command := range [][]string{{"/bin/sh", "-c", "exit 1"}, {"/bin/sh", "https://example.test/"}, {"/bin/sh", "{token}", "{ca}"}} {
		r := Request{Command: command, Cases: []string{"T01"}}
		var failed error
		for _, err := range r.Fallback(t.Context(), "a test") {
			failed = errors.Join(failed, err)
		}
		if failed == nil || !strings.Contains(failed.Error(), "{url}") {
			t.Errorf("%q: %v", command, failed)
		}
	}
}

// TestS03 walks the folder of a room while a client runs: there is no key in
// it.
func TestS03(t *testing.T) {
	a := newAuthority(t)
	room := &Room{Dir: t.TempDir()}
	testkit.Must(t, room.furnish(a))
	var secrets [][]byte
	for _, key := range a.keys {
		secrets = append(secrets, key.D.Bytes(), key.Primes[0].Bytes(), key.Primes[1].Bytes())
	}
	looked := 0
	r := Request{Command: []string{os.Args[0], "{url}", "{ca}"}, Cases: []string{"T02"}, Env: []string{"PROBE_CLIENT=strict"}}
	look := func(Message, error) bool {
		err := filepath.WalkDir(room.Dir, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() { // a run has ended
				return nil
			}
			b, err := os.ReadFile(path)
			looked++
			if bytes.Contains(b, []byte("PRIVATE KEY")) || slices.ContainsFunc(secrets, func(s []byte) bool { return bytes.Contains(b, s) }) {
				t.Errorf("%s has a key", path)
			}
			return err
		})
		testkit.Must(t, err)
		return true
	}
	r.in(t.Context(), a, room, look)
	if looked < 20 {
		t.Errorf("looked at %d files", looked)
	}
}

// TestS03Certificates: all of them say what they are, and soon end.
func TestS03Certificates(t *testing.T) {
	a := newAuthority(t)
	check := func(where string, raw []byte) {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return // one that crypto/x509 does not read, of a case that says so
		}
		if life := c.NotAfter.Sub(c.NotBefore); life > 72*time.Hour || c.NotAfter.After(a.now.Add(72*time.Hour)) {
			t.Errorf("%s: %s is good for %v, until %v", where, c.Subject, life, c.NotAfter)
		}
		if c.IsCA && !strings.Contains(c.Subject.String(), "throw-away") {
			t.Errorf("%s: the authority %s does not say that it is to be thrown away", where, c.Subject)
		}
	}
	list := ders(a.PEM())
	for _, raw := range list {
		check("trusted", raw)
	}
	for _, c := range Cases() {
		chain, err := a.plan(c, c.Host).chain()
		testkit.Must(t, err)
		list = append(list, chain.Certificate...)
		for _, raw := range chain.Certificate {
			check(c.ID, raw)
		}
	}
	if len(list) < len(Cases()) {
		t.Errorf("only %d certificates", len(list))
	}
}

// TestS05 sets what may change a client, and looks for it in the client.
func TestS05(t *testing.T) {
	for _, name := range foreignVariables {
		t.Setenv(name, "/of/ours/"+name)
	}
	ways(t, func(t *testing.T, isolated bool) {
		have := asks(t, isolated, Request{}, "env | cut -d= -f1 | sort | tr '\\n' ' '; env | grep -c /of/ours/")
		allowed := []string{"HOME", "LANG", "NO_COLOR", "OLDPWD", "PATH", "PWD", "SHLVL", "TERM", "TMPDIR", "_", "0"}
		if !isolated { // whom to trust
			allowed = append(allowed, "SSL_CERT_DIR", "SSL_CERT_FILE")
		}
		words := strings.Fields(have)
		for _, name := range words {
			if !slices.Contains(allowed, name) {
				t.Errorf("the client has %s", name)
			}
		}
		if !slices.Contains(words, "HOME") || words[len(words)-1] != "0" {
			t.Errorf("the client says %q", have)
		}
	})
	t.Run("find", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "env")
		dir := t.TempDir()
		script(t, dir, "curl", "env >'"+file+"'\n"+sayCurl)
		clients, _ := find(t, kinds(t, "curl"), dir)
		b, err := os.ReadFile(file)
		if err != nil || len(clients) == 0 || !strings.Contains(string(b), "HOME=") || strings.Contains(string(b), "/of/ours/") {
			t.Errorf("%v\n%s", err, b)
		}
	})
}

// TestS06Home: the home of a client is empty, and that of the user is not
// named.
func TestS06Home(t *testing.T) {
	home := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(home, ".netrc"), []byte("default login a password b\n"), 0o600))
	t.Setenv("HOME", home)
	ways(t, func(t *testing.T, isolated bool) {
		have := asks(t, isolated, Request{Find: FindOptions{Home: home}}, `echo "[$(ls -A ~)] [$(cat ~/.netrc 2>/dev/null)] [$(env | grep -c '`+home+`')]"`)
		if have != "[] [] [0]" {
			t.Error(have)
		}
	})
}

// TestS06Words: little is kept of what a client says, and none of it moves the
// cursor.
func TestS06Words(t *testing.T) {
	ways(t, func(t *testing.T, isolated bool) {
		have := asks(t, isolated, Request{}, `printf '\033[31m'; head -c 10000000 /dev/zero | tr '\0' x`)
		if len([]rune(have)) != maxReason || !strings.HasPrefix(have, "[31mxxx") {
			t.Errorf("%d bytes: %q", len(have), have)
		}
	})
}

// TestS08 counts the clients that run at a time.
func TestS08(t *testing.T) {
	dir := t.TempDir()
	r := Request{Command: []string{os.Args[0], "{url}", "{ca}"}, Env: []string{"PROBE_CLIENT=counts", "PROBE_FOLDER=" + dir}}
	limit := runtime.NumCPU() + 1
	for _, c := range Cases() {
		if c.Local() && c.Needs() == "T01" && c.Expect == ExpectReject && c.applies("https") && len(r.Cases) < limit+3 {
			r.Cases = append(r.Cases, c.ID)
		}
	}
	list := outcomes(probed(t, false, r))
	names, err := filepath.Glob(filepath.Join(dir, "most-*"))
	testkit.Must(t, err)
	most := 0
	for _, name := range names {
		most = max(most, len(name)-len(filepath.Join(dir, "most-")))
	}
	if len(list) != len(r.Cases)+1 || most != limit {
		t.Errorf("%d at a time, want %d; %d outcomes of %d cases", most, limit, len(list), len(r.Cases))
	}
	for _, o := range list {
		if o.Verdict != Accept && o.Verdict != Reject {
			t.Errorf("%+v", o)
		}
	}
}

// countingClient leaves a file whose name is as long as there are clients that
// run while this one does.
func countingClient(dir string, get func() error) int {
	f, err := os.CreateTemp(dir, "runs-")
	if err != nil {
		return 3
	}
	time.Sleep(300 * time.Millisecond)
	running, _ := filepath.Glob(filepath.Join(dir, "runs-*"))
	os.WriteFile(filepath.Join(dir, "most-"+strings.Repeat("n", len(running))), nil, 0o644)
	err = get()
	os.Remove(f.Name())
	if err != nil {
		return 1
	}
	return 0
}

// TestS09Stdin: a client that asks a question is not answered, and does not
// wait.
func TestS09Stdin(t *testing.T) {
	ways(t, func(t *testing.T, isolated bool) {
		r := Request{Command: []string{"/bin/sh", "-c", "read line; echo read: $?", "sh", "{url}"}, Cases: []string{"T01"}}
		list := outcomes(probed(t, isolated, r))
		if len(list) != 1 || list[0].Verdict != Error || list[0].Reason != "read: 1" || list[0].Duration > 5*time.Second {
			t.Errorf("%+v", list)
		}
	})
}

// TestS10 has programs of version managers: one in the owner's home is a client,
// one that others can change is not started, and neither is one that is somebody
// else's. (TestFindSkips and TestFindForeign have the other reasons.)
func TestS10(t *testing.T) {
	dir, err := os.MkdirTemp("", "wontfix-test-") // those of the test cannot be reached by nobody
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	testkit.Must(t, os.Chmod(dir, 0o755))
	const census = "printf 'version\\t3.9.2\\n'"
	own, lax, other := filepath.Join(dir, "own"), filepath.Join(dir, "lax"), filepath.Join(dir, "other")
	for home, mode := range map[string]os.FileMode{own: 0o755, lax: 0o777, other: 0o755} {
		path := script(t, filepath.Join(home, ".pyenv", "versions", "3.9.2", "bin"), "python", census)
		testkit.Must(t, os.Chmod(path, mode))
		if home == other && os.Getuid() == 0 {
			testkit.Must(t, os.Chown(path, nobody, nobody))
		}
	}
	rows := kinds(t, "python")
	rows[0].places = []string{"~/.pyenv/versions/*/bin/python"}
	for home, want := range map[string]string{own: "", lax: "others than its owner can change it", other: "belongs to the user"} {
		if home == other && os.Getuid() != 0 {
			continue
		}
		clients, skipped, err := FindOptions{Home: home, Dir: t.TempDir()}.find(t.Context(), rows)
		testkit.Must(t, err)
		if want == "" && (len(clients) == 0 || len(skipped) != 0) || want != "" && (len(clients) != 0 || len(skipped) != 1 || !strings.Contains(skipped[0].Why, want)) {
			t.Errorf("%s: %d clients, skipped %v, want %q", filepath.Base(home), len(clients), skipped, want)
		}
	}
	if clients, skipped, err := (FindOptions{Dir: t.TempDir()}).find(t.Context(), rows); err != nil || len(clients)+len(skipped) > 0 {
		t.Errorf("found without a home: %v, %v, %v", clients, skipped, err)
	}
}

// TestS12 has a folder of programs of which none is run: each is named with the
// reason, in the messages of a probe.
func TestS12(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "curl", sayCurl)
	testkit.Must(t, os.Chmod(filepath.Join(dir, "curl"), 0o777))
	script(t, dir, "wget", "echo BusyBox")
	script(t, dir, "socat", "sleep 60")
	r := Request{Find: FindOptions{Path: dir, Limit: time.Second}, Clients: []string{"none"}, Cases: []string{"T01"}}
	ways(t, func(t *testing.T, isolated bool) {
		why := map[string]string{}
		for _, m := range probed(t, isolated, r) {
			if m.Skipped != nil && filepath.Dir(m.Skipped.Path) == dir {
				why[filepath.Base(m.Skipped.Path)] = m.Skipped.Why
			}
		}
		for name, want := range map[string]string{"curl": "change it", "wget": "GNU Wget", "socat": "within 1s"} {
			if !strings.Contains(why[name], want) {
				t.Errorf("%s: %q, want %q", name, why[name], want)
			}
		}
	})
}
