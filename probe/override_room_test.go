package probe

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// roomArgument makes the test binary the probe in the room.
const roomArgument = "in-the-room-of-a-test"

func missing(t *testing.T, text string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// TestOverrideEffects tries the overrides with the clients of this machine.
func TestOverrideEffects(t *testing.T) {
	const all, host = "verification off", "host check off"
	tests := []struct {
		id, client, want string
		rare             bool // distributions have it no more
	}{
		{"PYTHONHTTPSVERIFY", "python2.7/urllib", all, true},
		{"PYTHONHTTPSVERIFY", "python3.11/urllib", "no effect", true},
		{"PYTHONHTTPSVERIFY", "python3", "no effect", false},
		{"curl-insecure", "curl", all, false},
		{"git-sslverify", "git", all, false},
		{"git-sslverify-url", "git", all, false},
		{"GIT_SSL_NO_VERIFY", "git", all, false},
		{"npm-strict-ssl", "npm", all, false},
		{"wget-check-certificate", "wget", all, false},
		{"NODE_TLS_REJECT_UNAUTHORIZED", "node/https", all, false},
		{"NODE_TLS_REJECT_UNAUTHORIZED", "npm", "no effect", false},
		{"PERL_LWP_SSL_VERIFY_HOSTNAME", "perl/LWP", host, false},
		{"gem-ssl-verify-mode", "ruby/gem", all, false},
		{"pip-trusted-host", "python3", all, false},
		{"apt-verify-peer", "apt", all, false},
		{"debsecan-disable-https-check", "debsecan", all, false},
		{"aria2-check-certificate", "aria2c", all, false},
		{"axel-insecure", "axel", all, false},
		{"lftp-verify", "lftp", all, false},
		{"w3m-verify-server", "w3m", "chain check off", false},
		{"lynx-force-ssl-prompt", "lynx", all, false},
		{"httpie-verify", "httpie", all, false},
		{"hg-alias-insecure", "hg", all, false},
		{"MOJO_INSECURE", "perl/Mojo", all, false},
		{"GOINSECURE", "go", "no effect", false},
		{"SSL_CERT_FILE", "curl", "trust redirected: the control is no longer accepted", false},
		{"SSLKEYLOGFILE", "python3", "keys are written", false},
	}
	var ids []string
	for _, test := range tests {
		if !slices.Contains(ids, test.id) {
			ids = append(ids, test.id)
		}
	}
	ids = append(ids, "hg-hook", "node-require", "proxy", "VAULT_SKIP_VERIFY")
	o := madeMachine(t, ids...)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Find: FindOptions{Path: "/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin", Home: home}, Overrides: &o,
		Clients: []string{"python2.7/urllib", "python3.11/", "python3/", "curl", "git", "npm", "wget", "node/https", "perl", "ruby/gem", "apt", "debsecan", "aria2c", "axel", "lftp", "w3m", "lynx", "httpie", "hg", "go"}}
	have := map[string]Override{}
	clients := map[string]bool{}
	for m, err := range Isolated(t.Context(), r, os.Args[0], roomArgument) {
		if errors.Is(err, ErrNoRoom) {
			missing(t, err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Client != nil {
			clients[m.Client.ID] = true
		}
		if m.Override != nil {
			have[m.Override.ID] = *m.Override
		}
	}
	for _, test := range tests {
		t.Run(test.id+" "+test.client, func(t *testing.T) {
			f, ok := have[test.id]
			if !ok {
				t.Fatal("not reported")
			}
			if !slices.ContainsFunc(f.Effect, func(e Effect) bool { return strings.HasPrefix(e.Client, test.client) }) && !strings.Contains(f.Summary, "("+test.client) {
				if test.rare {
					t.Skip(test.client + ": not on this machine")
				}
				missing(t, test.client+": not on this machine: "+f.Summary)
			}
			for part := range strings.SplitSeq(f.Summary, "); ") {
				said, who, _ := strings.Cut(strings.TrimSuffix(part, ")"), " (")
				if (strings.HasPrefix(who, test.client) || strings.Contains(who, ", "+test.client)) && said == test.want {
					return
				}
			}
			t.Errorf("%s %+v, want %s for %s", f.Summary, f.Effect, test.want, test.client)
		})
	}
	for id, want := range map[string]string{
		"hg-hook": "not measured: it would run code", "node-require": "not measured: it would run code", "proxy": "not measured: the room has no proxy", "VAULT_SKIP_VERIFY": "not measured: no client of the probe reads it",
	} {
		if f := have[id]; f.Summary != want || len(f.Effect) > 0 {
			t.Errorf("%s: %q %v, want %q", id, f.Summary, f.Effect, want)
		}
	}
}
