package pin

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// A world has two authorities: that which is pinned, and that which the system
// trusts, each with a server below it.
type world struct {
	own, public        *made
	pinned, system     *httptest.Server
	leaf               *made // of the pinned server
	store, home, hosts string
	cover              [][2]string // what is mounted over the machine's
	mu                 sync.Mutex
	asked              map[string]bool // the tokens of the requests that servers had
	runs               int
}

func newWorld(t *testing.T) *world {
	w := &world{own: makeCert(t, "own", nil, nil, nil), public: makeCert(t, "public", nil, nil, nil), asked: map[string]bool{}}
	w.leaf = makeCert(t, "localhost", w.own, nil, nil)
	w.pinned, w.system = w.serve(t, w.leaf), w.serve(t, makeCert(t, "localhost", w.public, nil, nil))
	dir := t.TempDir()
	// Programs that leave their rights behind have to get there.
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		testkit.Must(t, os.Chmod(d, 0o755))
	}
	w.store, w.home, w.hosts = filepath.Join(dir, "certs"), filepath.Join(dir, "home"), filepath.Join(dir, "hosts")
	for _, d := range []string{w.store, filepath.Join(w.store, "java"), w.home} {
		testkit.Must(t, os.Mkdir(d, 0o755))
	}
	put(t, w.hosts, "127.0.0.1 localhost\n")
	bundle := filepath.Join(w.store, "ca-certificates.crt")
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.public.cert.Raw}))
	put(t, bundle, text)
	hash := output(t, nil, testkit.Program(t, "openssl"), "x509", "-in", bundle, "-noout", "-subject_hash")
	put(t, filepath.Join(w.store, strings.TrimSpace(hash)+".0"), text)
	if keytool, err := exec.LookPath("keytool"); err == nil {
		output(t, nil, keytool, "-importcert", "-noprompt", "-storetype", "JKS", "-storepass", "changeit", "-alias", "public",
			"-file", bundle, "-keystore", filepath.Join(w.store, "java", "cacerts"))
	}
	w.cover = [][2]string{{w.hosts, "/etc/hosts"}}
	for _, path := range []string{"/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/ssl/cert.pem", "/usr/lib/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"} {
		at, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			w.cover = append(w.cover, [2]string{w.store, at})
		} else if !strings.HasPrefix(at, "/etc/ssl/certs/") {
			w.cover = append(w.cover, [2]string{bundle, at})
		}
	}
	return w
}

// serve starts a server that is enough of a web server, of an archive and of a
// git repository for all clients.
func (w *world) serve(t *testing.T, leaf *made) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		token, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		w.mu.Lock()
		w.asked[token] = true
		w.mu.Unlock()
		switch rest {
		case "info/refs":
			fmt.Fprintf(rw, "%040d\trefs/heads/here\n", 1)
		case "HEAD":
			io.WriteString(rw, "ref: refs/heads/here\n")
		default:
			io.WriteString(rw, "here\n")
		}
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// run runs a client on a machine whose system store has the public authority
// alone, and reports whether it got what the server has. The server and the
// client have to agree.
func (w *world) run(t *testing.T, s *httptest.Server, env []string, argv ...string) (bool, string) {
	t.Helper()
	w.runs++
	token := fmt.Sprintf("t%d", w.runs)
	var script strings.Builder
	script.WriteString("set -e\n")
	for _, c := range w.cover {
		fmt.Fprintf(&script, "mount --bind '%s' '%s'\n", c[0], c[1])
	}
	script.WriteString(`echo mounted >&2; exec "$@"`)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append([]string{"-c", script.String(), "sh"}, argv...)
	cmd := exec.CommandContext(ctx, "/bin/sh", append(args, named(s.URL)+"/"+token)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0"}, env...)
	cmd.Dir = w.home
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		Pdeathsig:   syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	words := fmt.Sprintf("%q: %v\n%s%s", argv, err, &stdout, strings.TrimPrefix(stderr.String(), "mounted\n"))
	if !strings.HasPrefix(stderr.String(), "mounted\n") {
		lacking(t, "namespaces of users and mounts are not allowed here: "+words)
	}
	w.mu.Lock()
	asked := w.asked[token]
	w.mu.Unlock()
	got := err == nil && strings.Contains(stdout.String(), "here")
	if asked != got {
		t.Fatalf("the server had the request: %v; the client had the answer: %v: %s", asked, got, words)
	}
	return got, words
}

// A client is a program, what runs a snippet with it, and what it does without.
type client struct {
	name, program  string
	snippet, plain []string
}

func clients() []client {
	const goPlain = `package main
import ("io"; "log"; "net/http"; "os")
func main() {
	r, err := http.Get(os.Args[1])
	if err != nil { log.Fatal(err) }
	io.Copy(os.Stdout, r.Body)
}`
	py := `import sys
try:
    from urllib.request import urlopen
except ImportError:
    from urllib2 import urlopen
print(urlopen(sys.argv[1]).read())`
	rb := `require "open-uri"; print URI.open(ARGV[0]).read`
	list := []client{
		{"curl", "curl", []string{"sh", "curl.sh"}, []string{"curl", "-sS"}},
		{"git", "git", []string{"sh", "git.sh"}, []string{"git", "ls-remote"}},
		{"wget", "wget", []string{"sh", "wget.sh"}, []string{"wget", "-nv", "-O", "-"}},
		{"apt", "/usr/lib/apt/apt-helper", []string{"sh", "apt.sh"}, []string{"sh", "-c", `/usr/lib/apt/apt-helper download-file "$0" apt.out >&2 && cat apt.out && rm apt.out`}},
		{"openssl", "openssl", []string{"sh", "openssl.sh"}, []string{"sh", "-c", `h=${0#https://}; printf 'GET /%s HTTP/1.0\r\n\r\n' "${h#*/}" | openssl s_client -quiet -verify_return_error -verify_hostname localhost -connect "${h%%/*}"`}},
		{"node", "node", []string{"node", "node.cjs"}, []string{"node", "-e", `require('https').get(process.argv[1], (r) => r.pipe(process.stdout))`}},
		{"java", "java", []string{"sh", "java.sh"}, []string{"java", "Get.java"}},
		{"ruby", "ruby", []string{"ruby", "ruby.rb"}, []string{"ruby", "-e", rb}},
		{"php", "php", []string{"php", "php.php"}, []string{"php", "-r", `$b = file_get_contents($argv[1]); if ($b === false) exit(1); echo $b;`}},
		{"perl", "perl", []string{"perl", "perl.pl"}, []string{"perl", "-MHTTP::Tiny", "-e", `my $r = HTTP::Tiny->new(verify_SSL => 1)->get(shift); die $r->{content} unless $r->{success}; print $r->{content}`}},
		{"go", "go", []string{"go", "run", "go.go"}, []string{"go", "run", goPlain}},
	}
	for _, python := range pythons() {
		list = append(list, client{python[0], python[1], []string{python[1], "python.py"}, []string{python[1], "-c", py}})
	}
	return list
}

// pythons returns the interpreters: a name, and the path or nothing. One that
// is found in PATH may be a script that chooses another.
func pythons() [][2]string {
	home, _ := os.UserHomeDir()
	more, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", "*", "bin", "python"))
	var list [][2]string
	found := map[string]bool{}
	for _, name := range append([]string{"/usr/bin/python3", "python3", "python2.7"}, more...) {
		out, err := exec.Command(name, "-c", `import sys; print("python%d.%d %s" % (sys.version_info[:2] + (sys.executable,)))`).Output()
		label, path, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
		if err == nil && ok && !found[path] {
			found[path], found[label] = true, true
			list = append(list, [2]string{label, path})
		}
	}
	if len(list) == 0 {
		list = append(list, [2]string{"python3", "python3"})
	}
	if !found["python2.7"] {
		list = append(list, [2]string{"python2.7", ""})
	}
	return list
}

// TestSnippets runs what was written for each runtime: without it the server
// below the authority of the system is reached and that below one's own is not,
// and with it the other way round. The authority is given as DER.
func TestSnippets(t *testing.T) {
	w := newWorld(t)
	list, err := ParseCertificates("own.der", w.own.cert.Raw)
	testkit.Must(t, err)
	dir := filepath.Join(filepath.Dir(w.home), "pins of one's own")
	_, _, err = (&Pins{CAs: list}).Write(dir, "")
	testkit.Must(t, err)
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			if c.program == "" {
				t.Skip(c.name + ": not on this machine")
			}
			testkit.Program(t, c.program)
			env := w.environment(t, c.name)
			plain := w.plain(t, dir, c)
			want := func(what string, s *httptest.Server, want bool, env []string, argv []string) {
				if got, words := w.run(t, s, env, argv...); got != want {
					t.Errorf("%s: reached: %v: %s", what, got, words)
				}
			}
			// Node has roots of its own, and the variable adds those of the system.
			add := env
			if c.name == "node" {
				add = append(env, "NODE_EXTRA_CA_CERTS="+filepath.Join(w.store, "ca-certificates.crt"))
			}
			want("without the snippet, authority of the system", w.system, true, add, plain)
			want("without the snippet, one's own authority", w.pinned, false, add, plain)
			pin := inFolder(dir, c.snippet)
			want("with the snippet, authority of the system", w.system, false, add, pin)
			want("with the snippet, one's own authority", w.pinned, true, add, pin)
			hostile := append(add, w.hostile(t)...)
			want("all is done to trust the system, authority of the system", w.system, false, hostile, pin)
			want("all is done to trust the system, one's own authority", w.pinned, true, hostile, pin)
			w.unhostile(t)
		})
	}
}

// inFolder returns a command with its last word, a file of the folder, as path.
func inFolder(dir string, argv []string) []string {
	argv = append([]string(nil), argv...)
	argv[len(argv)-1] = filepath.Join(dir, argv[len(argv)-1])
	return argv
}

// plain returns the command of a client that has no snippet.
func (w *world) plain(t *testing.T, dir string, c client) []string {
	switch c.name {
	case "java":
		return inFolder(dir, c.plain)
	case "go":
		path := filepath.Join(w.home, "plain.go")
		put(t, path, c.plain[2])
		return []string{"go", "run", path}
	}
	return c.plain
}

// environment returns what a client needs that has nothing to do with trust.
func (w *world) environment(t *testing.T, name string) []string {
	switch name {
	case "apt": // in the namespace there is no other user
		path := filepath.Join(w.home, "apt.conf")
		put(t, path, "APT::Sandbox::User \"root\";\n")
		return []string{"APT_CONFIG=" + path}
	case "go":
		env := []string{"GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS="}
		for _, v := range []string{"GOCACHE", "GOMODCACHE", "GOROOT"} {
			env = append(env, v+"="+strings.TrimSpace(output(t, nil, "go", "env", v)))
		}
		return env
	}
	return nil
}

// hostile returns variables, and writes files, that make clients trust the
// authority of the system or anything at all.
func (w *world) hostile(t *testing.T) []string {
	bundle := filepath.Join(w.store, "ca-certificates.crt")
	put(t, filepath.Join(w.home, ".curlrc"), "insecure\n")
	put(t, filepath.Join(w.home, ".wgetrc"), "check_certificate=off\n")
	put(t, filepath.Join(w.home, "php.ini"), "openssl.capath="+w.store+"\nopenssl.cafile="+bundle+"\n")
	put(t, filepath.Join(w.home, ".gitconfig"), fmt.Sprintf("[http]\nsslVerify=false\n[http %q]\nsslVerify=false\nsslCAInfo=%s\n[http %q]\nsslVerify=false\n",
		named(w.system.URL), bundle, named(w.pinned.URL)))
	apt := filepath.Join(w.home, "hostile.conf")
	put(t, apt, fmt.Sprintf("APT::Sandbox::User \"root\";\nAcquire::https::Verify-Peer \"false\";\nAcquire::https::localhost::Verify-Peer \"false\";\nAcquire::https::localhost::CaInfo %q;\n", bundle))
	env := []string{"APT_CONFIG=" + apt, "PHPRC=" + w.home, "SSL_CERT_DIR=" + w.store, "GIT_SSL_CAPATH=" + w.store,
		"GIT_SSL_NO_VERIFY=1", "PYTHONHTTPSVERIFY=0", "NODE_TLS_REJECT_UNAUTHORIZED=0", "PERL_HTTP_TINY_SSL_INSECURE_BY_DEFAULT=1",
		"JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=" + filepath.Join(w.store, "java", "cacerts")}
	for _, v := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"} {
		env = append(env, v+"="+bundle)
	}
	return env
}

// unhostile takes away the files of hostile.
func (w *world) unhostile(t *testing.T) {
	for _, name := range []string{".curlrc", ".wgetrc", ".gitconfig", "php.ini"} {
		testkit.Must(t, os.Remove(filepath.Join(w.home, name)))
	}
}

// lacking ends a test that cannot be done here.
func lacking(t *testing.T, text string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	testkit.Must(t, os.WriteFile(path, []byte(text), 0o644))
}

// output returns what a program prints.
func output(t *testing.T, in []byte, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// TestKeySnippets runs those that compare keys: the server with the pinned key
// is reached, and below the same authority none with another.
func TestKeySnippets(t *testing.T) {
	w := newWorld(t)
	sibling := w.serve(t, makeCert(t, "localhost", w.own, nil, nil))
	cas, keys := []*x509.Certificate{w.own.cert}, []SPKI{SPKIOf(w.leaf.cert)}
	for name, tt := range map[string]struct {
		pins Pins
		want []string // clients
	}{
		"keys alone":        {Pins{Keys: keys}, []string{"curl", "go"}},
		"authority and key": {Pins{CAs: cas, Keys: keys}, []string{"curl", "git", "wget", "go"}},
	} {
		dir := filepath.Join(filepath.Dir(w.home), name)
		_, _, err := tt.pins.Write(dir, "")
		testkit.Must(t, err)
		for _, c := range clients() {
			if !slices.Contains(tt.want, c.name) {
				continue
			}
			t.Run(name+"/"+c.name, func(t *testing.T) {
				testkit.Program(t, c.program)
				env, pin := w.environment(t, c.name), inFolder(dir, c.snippet)
				for _, s := range []struct {
					what   string
					server *httptest.Server
					want   bool
				}{{"the pinned key", w.pinned, true}, {"another key below the same authority", sibling, false}, {"authority of the system", w.system, false}} {
					if got, words := w.run(t, s.server, env, pin...); got != s.want {
						t.Errorf("%s: reached: %v: %s", s.what, got, words)
					}
				}
			})
		}
	}
}
