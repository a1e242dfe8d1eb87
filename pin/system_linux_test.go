package pin

import (
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wontfix/internal/testkit"
)

// TestSystemStore: what the system trusts does not pass for a pin, and a server
// below a pinned authority that the system does not know is reached. This is
// the test's own program run again, since a process reads the system's store
// once.
func TestSystemStore(t *testing.T) {
	const variable = "PIN_TEST_SYSTEM_STORE"
	if urls := os.Getenv(variable); urls != "" {
		systemStore(t, strings.Fields(urls))
		return
	}
	own, public := makeCert(t, "own", nil, nil, nil), makeCert(t, "public", nil, nil, nil)
	dir := t.TempDir()
	store, ca := filepath.Join(dir, "store.pem"), filepath.Join(dir, "own.der")
	testkit.Must(t, os.WriteFile(store, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public.cert.Raw}), 0o644))
	testkit.Must(t, os.WriteFile(ca, own.cert.Raw, 0o644))
	mine, theirs := serve(t, makeCert(t, "localhost", own, nil, nil)), serve(t, makeCert(t, "localhost", public, nil, nil), public)
	cmd := exec.Command(os.Args[0], "-test.run=^TestSystemStore$", "-test.v")
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+store, "SSL_CERT_DIR=/nonexistent", variable+"="+strings.Join([]string{mine.URL, theirs.URL, ca}, " "))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestSystemStore") {
		t.Errorf("%v\n%s", err, out)
	}
}

func systemStore(t *testing.T, args []string) {
	mine, theirs := args[0], args[1]
	plain := func(url string) error {
		r, err := http.Get(url)
		if err == nil {
			r.Body.Close()
		}
		return err
	}
	data, err := os.ReadFile(args[2])
	testkit.Must(t, err)
	list, err := ParseCertificates(args[2], data)
	testkit.Must(t, err)
	pins := &Pins{CAs: list}
	for _, tt := range []struct {
		name string
		err  error
		ok   bool
	}{
		{"plain, one's own authority", plain(mine), false},
		{"plain, authority of the system", plain(theirs), true},
		{"pinned, one's own authority", get(t, pins, mine), true},
		{"pinned, authority of the system", get(t, pins, theirs), false},
		{"pinned by key, authority of the system", get(t, &Pins{Keys: []SPKI{SPKIOf(list[0])}}, named(theirs)), false},
	} {
		if (tt.err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, tt.err)
		}
	}
}
