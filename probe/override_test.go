package probe

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A wantOverride is a switch of the made machine below.
type wantOverride struct {
	file, text string // the file that has it, or none: env
	env        string
	match      string
	line       int
	class      Class
}

// secret stands for what must never be shown.
const secret = "s3cr3tvalue"

var wantOverrides = map[string]wantOverride{
	"PYTHONHTTPSVERIFY":            {env: "PYTHONHTTPSVERIFY=0", match: "PYTHONHTTPSVERIFY=0", class: Off},
	"NODE_TLS_REJECT_UNAUTHORIZED": {env: "NODE_TLS_REJECT_UNAUTHORIZED=0", match: "NODE_TLS_REJECT_UNAUTHORIZED=0", class: Off},
	"PERL_LWP_SSL_VERIFY_HOSTNAME": {env: "PERL_LWP_SSL_VERIFY_HOSTNAME=0", match: "PERL_LWP_SSL_VERIFY_HOSTNAME=0", class: Off},
	"GIT_SSL_NO_VERIFY":            {env: "GIT_SSL_NO_VERIFY=false", match: "GIT_SSL_NO_VERIFY=false", class: Off},
	"GOINSECURE":                   {env: "GOINSECURE=*." + secret, match: "GOINSECURE", class: Off},
	"java-hostname":                {env: "JAVA_TOOL_OPTIONS=-Dx.password=" + secret + " -Djdk.internal.httpclient.disableHostnameVerification", match: "JAVA_TOOL_OPTIONS: -Djdk.internal.httpclient.disableHostnameVerification", class: Off},
	"SSLKEYLOGFILE":                {env: "SSLKEYLOGFILE=/var/log/keys", match: "SSLKEYLOGFILE=/var/log/keys", class: KeyLeak},
	"SSL_CERT_FILE":                {env: "SSL_CERT_FILE=/nonexistent/ca.pem", match: "SSL_CERT_FILE=/nonexistent/ca.pem", class: Redirect},
	"proxy":                        {env: "https_proxy=http://user:" + secret + "@proxy.test:3128/", match: "https_proxy=http://proxy.test:3128", class: Redirect},
	"node-require":                 {env: "NODE_OPTIONS=--require=/x/" + secret + ".js", match: "NODE_OPTIONS: --require", class: Hook},
	"LD_PRELOAD":                   {env: "LD_PRELOAD=/x/" + secret, match: "LD_PRELOAD", class: Hook},
	"curl-insecure":                {file: "~/.curlrc", text: "# mine\r\nuser = me:" + secret + "\r\ninsecure = true\r\n", match: "insecure", line: 3, class: Off},
	"git-sslverify":                {file: "~/.gitconfig", text: "[user]\n\tname = x\n[http]\n\textraHeader = Authorization: " + secret + "\n\tsslVerify = \"false\" ; for now\n", match: "http.sslVerify = false", line: 5, class: Off},
	"git-sslverify-url":            {file: "~/.config/git/config", text: "[http \"https://u:" + secret + "@h.test/\"]\nsslverify = no\n", match: "http.https://h.test.sslverify = no", line: 2, class: Off},
	"npm-strict-ssl":               {file: "~/.npmrc", text: "//registry.test/:_authToken=" + secret + "\nstrict-ssl=false\n", match: "strict-ssl = false", line: 2, class: Off},
	"wget-check-certificate":       {file: "~/.wgetrc", text: "password = " + secret + "\nCheck_Certificate = off\n", match: "Check_Certificate = off", line: 2, class: Off},
	"gem-ssl-verify-mode":          {file: "~/.gemrc", text: "---\n:sources:\n- https://x:" + secret + "@gems.test/\n:ssl_verify_mode: 0\n", match: "ssl_verify_mode = 0", line: 4, class: Off},
	"pip-trusted-host":             {file: "~/.config/pip/pip.conf", text: "[global]\nindex-url = https://u:" + secret + "@pypi.test/simple\ntrusted-host = pypi.test\n", match: "global.trusted-host = pypi.test", line: 3, class: Off},
	"apt-verify-peer":              {file: "/etc/apt/apt.conf.d/99x", text: "/* a\nb */ Acquire {\n  https { // c\n    Verify-Peer \"false\"; };\n};\n", match: "Acquire::https::Verify-Peer = false", line: 4, class: Off},
	"axel-insecure":                {file: "~/.axelrc", text: "insecure = 1\n", match: "insecure = 1", line: 1, class: Off},
	"aria2-check-certificate":      {file: "~/.aria2/aria2.conf", text: "rpc-secret=" + secret + "\ncheck-certificate=false\n", match: "check-certificate = false", line: 2, class: Off},
	"lftp-verify":                  {file: "~/.lftprc", text: "set ssl:verify-certificate no\n", match: "ssl:verify-certificate = no", line: 1, class: Off},
	"w3m-verify-server":            {file: "~/.w3m/config", text: "ssl_verify_server 0\n", match: "ssl_verify_server = 0", line: 1, class: Off},
	"httpie-verify":                {file: "~/.config/httpie/config.json", text: "{\"default_options\": [\n \"--auth=u:" + secret + "\",\n \"--verify=no\"]}\n", match: "default_options = --verify=no", line: 3, class: Off},
	"hg-alias-insecure":            {file: "~/.hgrc", text: "[alias]\nidentify = identify --insecure\n", match: "alias.identify", line: 2, class: Off},
	"hg-hook":                      {file: "~/.config/hg/hgrc", text: "[hooks]\nincoming = mail " + secret + "\n", match: "hooks.incoming", line: 2, class: Hook},
	"debsecan-disable-https-check": {file: "/etc/default/debsecan", text: "# x\nDISABLE_HTTPS_CHECK=true\n", match: "DISABLE_HTTPS_CHECK = true", line: 2, class: Off},
	"lynx-force-ssl-prompt":        {file: "/etc/lynx/lynx.cfg", text: "FORCE_SSL_PROMPT:yes\n", match: "FORCE_SSL_PROMPT = yes", line: 1, class: Off},
	"MOJO_INSECURE":                {file: "~/.profile", text: "if true; then\n  export MOJO_INSECURE=1\nfi\n", match: "MOJO_INSECURE=1", line: 2, class: Off},
	"REQUESTS_CA_BUNDLE":           {file: "/etc/environment", text: "X=" + secret + "\nREQUESTS_CA_BUNDLE=\"/nonexistent/ca.pem\"\n", match: "REQUESTS_CA_BUNDLE=/nonexistent/ca.pem", line: 2, class: Redirect},
	"VAULT_SKIP_VERIFY":            {file: "/etc/systemd/system/v.service", text: "[Service]\nEnvironment=\"TOKEN=" + secret + "\" VAULT_SKIP_VERIFY=1\n", match: "VAULT_SKIP_VERIFY=1", line: 2, class: Off},
	"kube-insecure":                {file: "~/.kube/config", text: "users:\n- token: " + secret + "\n  insecure-skip-tls-verify: true\n", match: "insecure-skip-tls-verify = true", line: 3, class: Off},
	"python-cert-verification":     {file: "/etc/python/cert-verification.cfg", text: "[https]\nverify=disable\n", match: "https.verify = disable", line: 2, class: Off},
	"openssl-seclevel":             {file: "/etc/ssl/openssl.cnf", text: "[system_default_sect]\nCipherString = DEFAULT@SECLEVEL=0\n", match: "system_default_sect.CipherString = DEFAULT@SECLEVEL=0", line: 2, class: Weaker},
	"apt-trusted":                  {file: "/etc/apt/sources.list.d/x.list", text: "deb [trusted=yes] https://u:" + secret + "@deb.test/ x main\n", match: "trusted = yes", line: 1, class: Off},
	"docker-insecure-registries":   {file: "/etc/docker/daemon.json", text: "{\n\"insecure-registries\": [\"u:" + secret + "@r.test\"]}", match: "insecure-registries = r.test", line: 2, class: Off},
	"python-pth":                   {file: "~/.local/lib/python3.11/site-packages/x.pth", text: "lib\nimport x; x('" + secret + "')\n", match: "import", line: 2, class: Hook},
	"sudo-env-keep":                {file: "/etc/sudoers", text: "Defaults env_keep += \"LANG SSL_CERT_FILE\"\n", match: "env_keep SSL_CERT_FILE", line: 1, class: Redirect},
	"ldap-reqcert":                 {file: "/etc/ldap/ldap.conf", text: "TLS_REQCERT\tnever\n", match: "TLS_REQCERT = never", line: 1, class: Off},
	"emacs-nsm":                    {file: "~/.emacs", text: ";; x\n(setq network-security-level 'low)\n", match: "network-security-level = low", line: 2, class: Off},
}

// madeMachine writes the files of the overrides with these IDs, all if there
// are none.
func madeMachine(t *testing.T, ids ...string) OverrideOptions {
	t.Helper()
	dir := t.TempDir()
	o := OverrideOptions{Home: filepath.Join(dir, "home"), Root: filepath.Join(dir, "root")}
	if len(ids) == 0 {
		for id := range wantOverrides {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		w, ok := wantOverrides[id]
		if !ok {
			t.Fatal("no such override: ", id)
		}
		if w.env != "" {
			o.Env = append(o.Env, w.env)
			continue
		}
		write(t, o.path(w.file), w.text)
	}
	return o
}

func (o OverrideOptions) path(file string) string {
	if rest, ok := strings.CutPrefix(file, "~"); ok {
		return o.Home + rest
	}
	return o.Root + file
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFindOverrides(t *testing.T) {
	o := madeMachine(t)
	found, skipped := FindOverrides(o)
	if len(skipped) > 0 {
		t.Error("skipped: ", skipped)
	}
	have := map[string]Override{}
	for _, f := range found {
		if h, twice := have[f.ID]; twice {
			t.Errorf("found twice: %+v, %+v", h, f)
		}
		have[f.ID] = f
		if _, ok := wantOverrides[f.ID]; !ok {
			t.Errorf("not asked for: %+v", f)
		}
	}
	for id, w := range wantOverrides {
		f, ok := have[id]
		if !ok {
			t.Errorf("%s: not found", id)
			continue
		}
		source := o.path(w.file)
		if w.env != "" {
			source, _, _ = strings.Cut(w.env, "=")
		}
		if f.Source != source || f.Line != w.line || f.Match != w.match || f.Class != w.class {
			t.Errorf("%s: %s:%d %q %s, want %s:%d %q %s", id, f.Source, f.Line, f.Match, f.Class, source, w.line, w.match, w.class)
		}
	}
	b, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), secret) {
		t.Errorf("a secret is shown: %s", b)
	}
}

// TestNothingToOverride has what looks like switches, and is none.
func TestNothingToOverride(t *testing.T) {
	o := OverrideOptions{Home: t.TempDir(), Root: t.TempDir(), Env: []string{
		"PYTHONHTTPSVERIFY=1", "NODE_TLS_REJECT_UNAUTHORIZED=1", "PERL_LWP_SSL_VERIFY_HOSTNAME=1", "npm_config_strict_ssl=true", "GODEBUG=tlsrsakex=0", "NODE_OPTIONS=--max-old-space-size=4096", "VAULT_SKIP_VERIFY=false", "https_proxy=", "PATH=/bin",
	}}
	for file, text := range map[string]string{
		"~/.curlrc": "#insecure\n--no-insecure\n-o k\n-ok\nsilent\n", "~/.gitconfig": "[http]\nsslVerify\n;sslVerify=false\n[other]\nsslVerify=false\n", "~/.npmrc": "strict-ssl=true\n; strict-ssl=false\n",
		"~/.wgetrc": "check_certificate = on\n", "/etc/apt/apt.conf": "# Acquire::https::Verify-Peer \"false\";\nAcquire::https::Verify-Peer \"true\";\n/* Acquire::https::Verify-Peer \"false\"; */\n",
		"~/.profile": "# export PYTHONHTTPSVERIFY=0\nunset PYTHONHTTPSVERIFY\n", "~/.local/lib/python3.11/site-packages/x.pth": "lib\n# import x\n", "/etc/python3.11/sitecustomize.py": "# nothing\n\n",
	} {
		write(t, o.path(file), text)
	}
	found, skipped := FindOverrides(o)
	if len(found)+len(skipped) > 0 {
		t.Errorf("%+v %v", found, skipped)
	}
}

// TestUnreadable has files that cannot be read: each is named, and the rest is.
func TestUnreadable(t *testing.T) {
	o := OverrideOptions{Home: t.TempDir(), Root: t.TempDir()}
	write(t, o.path("~/.curlrc"), strings.Repeat("#", maxOverride)+"\ninsecure\n")
	write(t, o.path("~/.wgetrc"), "\x00check_certificate=off\n")
	if err := os.Symlink(".npmrc", o.path("~/.npmrc")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(o.path("~/.gemrc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(o.path("~/.hgrc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, o.path("~/.axelrc"), "insecure=1\n")
	found, skipped := FindOverrides(o)
	if len(found) != 1 || found[0].ID != "axel-insecure" {
		t.Errorf("found %+v", found)
	}
	var have []string
	for _, s := range skipped {
		have = append(have, filepath.Base(s.Path)+" "+s.Why)
	}
	want := ".curlrc not read for overrides: larger than 1 MB, .wgetrc not read for overrides: no text, .npmrc not read for overrides: too many levels of symbolic links, .gemrc not read for overrides: no regular file"
	if have := strings.Join(have, ", "); have != want {
		t.Errorf("%s\nwant %s", have, want)
	}
}

func TestFollowedOverrides(t *testing.T) {
	o := OverrideOptions{Home: t.TempDir(), Root: t.TempDir()}
	o.Env = []string{"CURL_HOME=" + o.Home + "/c", "GIT_CONFIG_KEY_0=http.sslVerify", "GIT_CONFIG_VALUE_0=0", "XDG_CONFIG_HOME=" + o.Home + "/xdg"}
	write(t, o.path("~/c/.curlrc"), "-sk\n")
	write(t, o.path("~/.gitconfig"), "[include]\npath = more\n")
	write(t, o.path("~/more"), "[http] sslVerify = off\n[include]\npath = more\n")
	write(t, o.path("~/xdg/pip/pip.conf"), "[install]\ntrusted-host =\n a.test\n b.test\n")
	var have []string
	found, _ := FindOverrides(o)
	for _, f := range found {
		have = append(have, fmt.Sprintf("%s:%d %s", filepath.Base(f.Source), f.Line, f.Match))
	}
	want := "GIT_CONFIG_KEY_0:0 http.sslVerify = 0, .curlrc:1 -k, more:1 http.sslVerify = off, pip.conf:2 install.trusted-host"
	if have := strings.Join(have, ", "); have != want {
		t.Errorf("%s\nwant %s", have, want)
	}
}
