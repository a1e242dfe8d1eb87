package probe

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"wontfix/internal/testkit"
)

// The programs that read what a room writes are asked whether it is right.

// TestSubjectHash asks OpenSSL for the number of a name, and to find each
// authority in the folder of a room.
func TestSubjectHash(t *testing.T) {
	openssl := testkit.Program(t, "openssl")
	a := newAuthority(t)
	dir := t.TempDir()
	names := [][]attribute{
		a.root.subject, a.expired.subject, a.weak.subject, a.other.subject,
		common("A"), common("  Many   spaces \t and TABS "), common("UPPER lower 123 +-.,/()"), common(strings.Repeat("long ", 12)),
		{{oid: oidOrganization, value: "wontfix throw-away"}},
		{{oid: oidOrganization, value: "Two RDNs"}, {oid: oidCommonName, value: "of one Name"}},
	}
	for _, name := range names {
		c := a.authority("", "root", nil)
		c.subject = name
		raw, err := c.write()
		testkit.Must(t, err)
		file := filepath.Join(dir, "c.der")
		testkit.Must(t, os.WriteFile(file, raw, 0o644))
		out := output(t, nil, openssl, "x509", "-inform", "DER", "-noout", "-hash", "-in", file)
		if have, want := fmt.Sprintf("%08x", subjectHash(name)), strings.TrimSpace(out); have != want {
			t.Errorf("%v: %s, OpenSSL has %s", name, have, want)
		}
	}
}

// TestRoomFolder has OpenSSL trust the folder of a room alone.
func TestRoomFolder(t *testing.T) {
	openssl := testkit.Program(t, "openssl")
	a, room := newRoom(t)
	raw, err := a.leaf(a.other, dns("x.test")).write()
	testkit.Must(t, err)
	leaf := filepath.Join(t.TempDir(), "leaf.pem")
	testkit.Must(t, os.WriteFile(leaf, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o644))
	output(t, nil, openssl, "verify", "-no-CAfile", "-no-CAstore", "-CApath", room.certs(), leaf)
	output(t, nil, openssl, "verify", "-no-CApath", "-no-CAstore", "-CAfile", room.bundle(), leaf)
	if err := exec.Command(openssl, "verify", "-no-CAfile", "-no-CAstore", "-CApath", room.empty(), leaf).Run(); err == nil {
		t.Error("OpenSSL verifies it with an empty folder, too")
	}
}

// TestKeystore has Java's own tool read the store, with its password and
// without, and refuse it when a byte of it is another.
func TestKeystore(t *testing.T) {
	keytool := testkit.Program(t, "keytool")
	_, room := newRoom(t)
	list := []string{"-list", "-rfc", "-keystore", room.keystore(), "-storepass", "changeit"}
	out := output(t, nil, keytool, list...)
	bundle, err := os.ReadFile(room.bundle())
	testkit.Must(t, err)
	if have, want := ders([]byte(out)), ders(bundle); len(want) != 4 || !bytes.Equal(bytes.Join(have, nil), bytes.Join(want, nil)) {
		t.Errorf("%d certificates, want those %d of the bundle:\n%s", len(have), len(want), out)
	}
	data, err := os.ReadFile(room.keystore())
	testkit.Must(t, err)
	data[len(data)/2] ^= 1
	testkit.Must(t, os.WriteFile(room.keystore(), data, 0o644))
	if out, err := exec.Command(keytool, list...).CombinedOutput(); err == nil {
		t.Errorf("keytool reads a damaged store:\n%s", out)
	}
}

// TestKeystoreInJava has a program of Java trust the store, as its own and by a
// variable: it accepts the control and refuses the rest.
func TestKeystoreInJava(t *testing.T) {
	java, javac := testkit.Program(t, "java"), testkit.Program(t, "javac")
	a, room := newRoom(t)
	dir := t.TempDir()
	source, err := stubs.ReadFile("stubs/Probe.java")
	testkit.Must(t, err)
	file := filepath.Join(dir, "Probe.java")
	testkit.Must(t, os.WriteFile(file, source, 0o644))
	output(t, cleanEnv(dir), javac, "-d", dir, file)
	for id, accepted := range map[string]bool{"T01": true, "T02": false} {
		k, _ := CaseByID(id)
		s, err := a.Serve(k, ServeOptions{Local: true})
		testkit.Must(t, err)
		cmd := exec.Command(java, "-XX:TieredStopAtLevel=1", "-Djavax.net.ssl.trustStore="+room.keystore(), "-cp", dir, "Probe", "HttpsURLConnection", s.URL(), s.Host, fmt.Sprint(s.Addr.Port()), s.Token)
		cmd.Env = cleanEnv(dir)
		out, _ := cmd.CombinedOutput()
		if seen := s.Close(); seen.Request != accepted || seen.Connections == 0 || strings.Contains(string(out), s.Proof) != accepted {
			t.Errorf("%s: %+v\n%s", id, seen, out)
		}
	}
}

func newAuthority(t *testing.T) *Authority {
	t.Helper()
	a, err := theAuthority()
	testkit.Must(t, err)
	return a
}

// newRoom returns a room that is not isolated.
func newRoom(t *testing.T) (*Authority, *Room) {
	t.Helper()
	a := newAuthority(t)
	room := &Room{Dir: t.TempDir()}
	testkit.Must(t, room.furnish(a))
	return a, room
}

// output runs a program that has to succeed.
func output(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

// ders returns the certificates in PEM among text.
func ders(text []byte) [][]byte {
	var list [][]byte
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return list
		}
		list, text = append(list, block.Bytes), rest
	}
}

func TestClip(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"  words \n", "words"},
		{"two\nlines\tand a tab", "two lines and a tab"},
		{"\x1b[31mred\x1b[0m\x07\x00", "[31mred[0m"},
		{"title \x1b]0;owned\x07end", "title ]0;ownedend"},
		{"8-bit \u009b31m and \u202egnp.exe\u200b", "8-bit 31m and gnp.exe"},
		{"caf\u00e9 \u65e5\u672c", "caf\u00e9 \u65e5\u672c"},
		{"bad \xff utf-8", "bad \ufffd utf-8"},
		{strings.Repeat("x", maxReason), strings.Repeat("x", maxReason)},
		{strings.Repeat("x", maxReason+1), strings.Repeat("x", maxReason-1) + "\u2026"},
		{strings.Repeat("\u65e5", 2*maxReason), strings.Repeat("\u65e5", maxReason-1) + "\u2026"},
		{"\x1b" + strings.Repeat(" ", 400) + "far", "far"},
	} {
		if have := clip(test.in); have != test.want {
			t.Errorf("clip(%q) = %q, want %q", test.in, have, test.want)
		}
	}
}

// FuzzClip: the words of a client can be printed on one line, whatever they
// are.
func FuzzClip(f *testing.F) {
	f.Add("\x1b[31mred \u202e\xff\n")
	f.Fuzz(func(t *testing.T, s string) {
		have := clip(s)
		if len([]rune(have)) > maxReason || strings.ContainsFunc(have, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) {
			t.Errorf("clip(%q) = %q", s, have)
		}
		if again := clip(have); again != have {
			t.Errorf("clip(%q) = %q, and again %q", s, have, again)
		}
	})
}

func TestReason(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, test := range []struct {
		name           string
		outcome        Outcome
		err            error
		stderr, stdout string
		want           string
	}{
		{"accepted", Outcome{Verdict: Accept}, nil, "a warning", "", ""},
		{"alert, and words", Outcome{Verdict: Reject, Seen: Seen{Alert: 48}}, failed, "curl: (60)", "", "alert unknown certificate authority"},
		{"alert of a leak", Outcome{Verdict: Leak, Seen: Seen{Alert: 48}}, failed, "refused afterwards", "", "refused afterwards"},
		{"note", Outcome{Verdict: NoVerdict, Seen: Seen{Note: "no password", Alert: 48}}, failed, "words", "", "no password"},
		{"last line", Outcome{Verdict: Reject}, failed, "Traceback\n  File x\nSSLError: bad\n\n", "", "SSLError: bad"},
		{"stack of Java and Node", Outcome{Verdict: Reject}, failed, "SSLHandshakeException: bad\n\tat java.base/x\n\tat y\n", "", "SSLHandshakeException: bad"},
		{"cause in Java", Outcome{Verdict: Reject}, failed, "Exception in thread \"main\" java.io.IOException: closed\n\tat x\nCaused by: SSLHandshakeException: No name matching\n\t... 23 more\n", "", "Caused by: SSLHandshakeException: No name matching"},
		{"words after the cause", Outcome{Verdict: Reject}, failed, "Could not fetch URL: SSLError: bad\nERROR: No matching distribution found\n", "", "Could not fetch URL: SSLError: bad"},
		{"advice", Outcome{Verdict: Reject}, failed, "ERROR: cannot verify x's certificate\nTo connect to x insecurely, use `--no-check-certificate'.\n", "", "ERROR: cannot verify x's certificate"},
		{"stderr before stdout", Outcome{Verdict: Reject}, failed, "stderr", "stdout", "stderr"},
		{"blank stderr", Outcome{Verdict: Reject}, failed, " \n\t\n", "REJECT bad", "REJECT bad"},
		{"no words", Outcome{Verdict: Reject}, failed, "", "", "exit status 1"},
		{"nothing at all", Outcome{Verdict: Reject}, nil, "", "", ""},
		{"control characters", Outcome{Verdict: Error}, failed, "\x1b[2Jgone", "", "[2Jgone"},
		{"control characters alone", Outcome{Verdict: Error}, failed, "\x1b\x07", "said", "said"},
		{"carriage returns", Outcome{Verdict: Error}, failed, "SSLError: bad\r\n\r\n", "", "SSLError: bad"},
	} {
		if have := reason(test.outcome, Client{}, test.err, test.stderr, test.stdout); have != test.want {
			t.Errorf("%s: %q, want %q", test.name, have, test.want)
		}
	}
}

// TestCleanEnv sets what commonly changes what clients trust, and looks for it.
func TestCleanEnv(t *testing.T) {
	for _, name := range foreignVariables {
		t.Setenv(name, "/of/ours/"+name)
	}
	allowed := map[string]bool{"PATH": true, "HOME": true, "TMPDIR": true, "LANG": true, "TERM": true, "NO_COLOR": true}
	for _, v := range cleanEnv("/the/folder") {
		name, value, _ := strings.Cut(v, "=")
		if !allowed[name] || strings.Contains(value, "/of/ours/") {
			t.Errorf("%s", v)
		}
		delete(allowed, name)
		if (name == "HOME" || name == "TMPDIR") && value != "/the/folder" {
			t.Errorf("%s", v)
		}
	}
	if len(allowed) != 0 {
		t.Errorf("it lacks %v", allowed)
	}
}

// foreignVariables are some of a user's environment that change what a client
// trusts, where it connects, what it runs or what it gives away.
var foreignVariables = []string{
	"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY",
	"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "SSLKEYLOGFILE", "PYTHONPATH", "PYTHONHTTPSVERIFY", "PERL5LIB", "RUBYLIB", "LD_LIBRARY_PATH",
	"OPENSSL_CONF", "NODE_TLS_REJECT_UNAUTHORIZED", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "NETRC",
}
