package probe

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"wontfix/internal/testkit"
)

// The clients of this machine, all of them.

// ofPackages are the clients that a machine has which has a package of Debian
// 12. It is not made from the table.
var ofPackages = map[string]string{
	"apt": "apt", "aria2": "aria2c", "axel": "axel", "busybox": "busybox/wget", "cargo": "cargo/git", "curl": "curl curl/smtps curl/imaps curl/pop3s curl/smtp-starttls curl/imap-starttls curl/pop3-starttls", "debsecan": "debsecan",
	"elinks": "elinks", "emacs-nox": "emacs", "erlang-inets": "erlang/httpc", "git": "git", "gnutls-bin": "gnutls-cli", "guile-gnutls": "guile/web", "httpie": "httpie", "lftp": "lftp",
	"libio-socket-ssl-perl": "perl/IO::Socket::SSL perl/HTTP::Tiny", "liblwp-protocol-https-perl": "perl/LWP", "libmojolicious-perl": "perl/Mojo",
	"libnet-ssleay-perl": "perl/Net::SSLeay", "links": "links", "lua-sec": "lua/luasec", "lynx": "lynx", "mercurial": "hg", "mono-runtime": "mono/WebClient", "ncat": "ncat",
	"nodejs": "node/https node/fetch node/tls", "openjdk-17-jre-headless": "java/HttpsURLConnection java/HttpClient java/SSLSocket", "openssl": "openssl/s_client",
	"php8.2-cli": "php/file_get_contents php/stream_socket_client", "php8.2-curl": "php/curl", "pypy3": "python/urllib", "python3-aiohttp": "python/aiohttp",
	"python3-httplib2": "python/httplib2", "python3-httpx": "python/httpx", "python3-pip": "python/pip", "python3-pycurl": "python/pycurl",
	"python3-requests": "python/requests", "python3-tornado": "python/tornado", "python3-urllib3": "python/urllib3", "ruby3.1": "ruby/Net::HTTP ruby/open-uri ruby/gem",
	"socat": "socat", "subversion": "svn", "tcl-tls": "tclsh/tls", "w3m": "w3m", "wget": "wget", "wget2": "wget2",
	"libpython3.11-stdlib": "python/urllib python/http.client python/xmlrpc python/ssl python/ssl.wrap_socket python/asyncio python/smtplib python/smtplib-starttls " +
		"python/imaplib python/imaplib-starttls python/poplib python/poplib-starttls python/ftplib",
}

// interpreters are programs of version managers and the like; each that is
// there has a client, with its ID's beginning for a version.
var interpreters = []string{
	"~/.pyenv/versions/*/bin/python", "~/.nvm/versions/node/*/bin/node", "~/.rbenv/versions/*/bin/ruby", "~/.rustup/toolchains/*/bin/cargo",
	"/usr/local/go/bin/go", "/usr/lib/jvm/*/bin/java", "/usr/bin/npm", "/usr/bin/pypy3", "/usr/bin/python3.[0-9]*[0-9]",
}

// A machineTable is what a probe found.
type machineTable struct {
	clients  map[string]Client
	skipped  []Skipped
	outcomes []Message // with an outcome
	took     time.Duration
}

// machine probes with a command, which is this test's binary.
func machine(t *testing.T, cmd *exec.Cmd, r Request) machineTable {
	t.Helper()
	request, err := json.Marshal(r)
	testkit.Must(t, err)
	cmd.Stdin = bytes.NewReader(request)
	began := time.Now()
	out, err := cmd.Output()
	testkit.Must(t, err)
	list := machineTable{clients: map[string]Client{}, took: time.Since(began)}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var m Message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return list
		} else if err != nil || m.Error != "" {
			t.Fatal(err, m.Error)
		}
		switch {
		case m.Client != nil:
			if _, ok := list.clients[m.Client.ID]; ok {
				t.Errorf("two clients are called %s", m.Client.ID)
			}
			list.clients[m.Client.ID] = *m.Client
		case m.Skipped != nil:
			list.skipped = append(list.skipped, *m.Skipped)
		case m.Outcome != nil:
			list.outcomes = append(list.outcomes, m)
		}
	}
}

// cells returns the verdicts of some cases.
func (m machineTable) cells(cases []string) map[string]Verdict {
	cells := map[string]Verdict{}
	for _, o := range m.outcomes {
		if slices.Contains(cases, o.Outcome.Case) {
			cells[o.Outcome.Client+" "+o.Outcome.Case] = o.Outcome.Verdict
		}
	}
	return cells
}

// TestMachine probes every client of this machine with the core cases and those
// of mail, or with all cases: none is missing, and there is no verdict without a
// control and no gap without a reason. Then again with the core cases and those
// of mail, and once more where there is no network: the table is the same. Of
// /etc nothing has changed (S02). It takes all cores for half an hour or an hour,
// and clients that have to share them with other tests come to no end in time: it
// runs where it is asked for.
func TestMachine(t *testing.T) {
	asked := os.Getenv("WONTFIX_TEST_MACHINE")
	if asked == "" {
		t.Skip("probes all clients of the machine; set WONTFIX_TEST_MACHINE=core or all, and run nothing beside it")
	}
	needRoom(t)
	home, err := os.UserHomeDir()
	testkit.Must(t, err)
	r := Request{Find: FindOptions{Path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin", Home: home, Limit: time.Minute}, Limit: time.Minute}
	var all, core []string
	for _, c := range Cases() {
		all = append(all, c.ID)
		if c.Core || c.ID[0] == 'M' {
			core = append(core, c.ID)
		}
	}
	r.Cases = core
	if asked == "all" {
		r.Cases = all
	}
	before := hashes(t, "/etc")
	first := machine(t, exec.Command(os.Args[0], "probe-outer"), r)
	t.Run("clients", func(t *testing.T) { checkClients(t, first, home) })
	t.Run("controls", func(t *testing.T) { checkOutcomes(t, first, r.Cases) })
	t.Run("time", func(t *testing.T) { logTime(t, first) })
	r.Cases = core
	for name, cmd := range map[string]*exec.Cmd{"again": exec.Command(os.Args[0], "probe-outer"), "without a network": inNetwork(os.Args[0], "probe-outer")} {
		t.Run(name, func(t *testing.T) {
			before, table := first.cells(r.Cases), machine(t, cmd, r)
			after := table.cells(r.Cases)
			for cell, verdict := range before {
				if after[cell] != verdict {
					t.Errorf("%s: %s, was %s", cell, after[cell], verdict)
				}
			}
			if len(after) != len(before) {
				t.Errorf("%d outcomes, were %d", len(after), len(before))
			}
			logTime(t, table)
		})
	}
	after := hashes(t, "/etc")
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if after[path] != before[path] {
			t.Errorf("%s: was %s, is %s", path, before[path], after[path])
		}
	}
	if len(after) != len(before) {
		t.Errorf("/etc had %d files, has %d", len(before), len(after))
	}
}

// checkClients compares the clients with the packages and the files of the
// machine.
func checkClients(t *testing.T, table machineTable, home string) {
	kinds := map[string]bool{}
	for _, c := range table.clients {
		kinds[c.Kind] = true
	}
	if dpkg, err := exec.LookPath("dpkg-query"); err == nil {
		out, err := exec.Command(dpkg, "-W", "-f", "${db:Status-Status} ${Package}\n").Output()
		testkit.Must(t, err)
		installed := 0
		for line := range strings.Lines(string(out)) {
			status, name, _ := strings.Cut(strings.TrimSpace(line), " ")
			if status != "installed" || ofPackages[name] == "" {
				continue
			}
			installed++
			for kind := range strings.FieldsSeq(ofPackages[name]) {
				if !kinds[kind] {
					t.Errorf("%s is installed, and there is no client %s", name, kind)
				}
			}
		}
		t.Logf("%d of %d packages are installed, %d clients of %d kinds", installed, len(ofPackages), len(table.clients), len(kinds))
	}
	real := map[string]bool{}
	for _, c := range table.clients {
		if path, err := filepath.EvalSymlinks(c.Path); err == nil {
			real[path] = true
		}
	}
	for _, pattern := range interpreters {
		files, err := filepath.Glob(strings.Replace(pattern, "~", home, 1))
		testkit.Must(t, err)
		for _, file := range files {
			path, err := filepath.EvalSymlinks(file)
			if err != nil {
				continue // leads nowhere
			}
			if said := slices.ContainsFunc(table.skipped, func(s Skipped) bool { return s.Path == file || s.Path == path }); !real[path] && !said {
				t.Errorf("%s is there, and is neither a client nor said to be none", file)
			}
			if version, ok := strings.CutPrefix(file, home+"/.pyenv/versions/2.7"); ok && !kinds["python/urllib"] {
				t.Errorf("Python 2.7%s has no urllib", version)
			}
		}
	}
	// CVE-2014-9365 is about Python 2.7: where there is one, it has its rows.
	if old, _ := filepath.Glob(home + "/.pyenv/versions/2.7*/bin/python"); len(old) > 0 {
		for _, library := range []string{"urllib", "http.client", "xmlrpc", "ssl", "ssl.wrap_socket", "smtplib", "imaplib", "poplib"} {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(table.clients)), func(id string) bool { return strings.HasPrefix(id+" ", "python2.7/"+library+" ") }) {
				t.Errorf("%s is there, and there is no python2.7/%s", old[0], library)
			}
		}
	}
	for _, s := range table.skipped {
		if s.Why == "" || s.Path == "" {
			t.Errorf("not run, without a reason: %+v", s)
		}
		t.Logf("not run: %s: %s", s.Path, s.Why)
	}
}

// checkOutcomes wants an outcome for each client and case, verdicts of those
// alone that have accepted their control, and a reason for each of the others.
func checkOutcomes(t *testing.T, table machineTable, cases []string) {
	have := table.cells(cases)
	for id, c := range table.clients {
		for _, name := range cases {
			if k, _ := CaseByID(name); k.applies(c.Protocol) && have[id+" "+name] == "" {
				t.Errorf("%s has no outcome in %s", id, name)
			}
		}
	}
	count := map[Verdict]int{}
	for _, m := range table.outcomes {
		o := m.Outcome
		count[o.Verdict]++
		k, _ := CaseByID(o.Case)
		switch need := k.Needs(); {
		case o.Verdict == Error || o.Verdict == Timeout || o.Verdict == NoVerdict:
			if o.Reason == "" {
				t.Errorf("%s has no verdict in %s, without a reason: %s", o.Client, o.Case, o.Verdict)
			}
			if _, ok := table.clients[o.Client]; o.Case == "T01" || !ok {
				t.Logf("no control: %s: %s: %s", o.Client, o.Verdict, o.Reason)
			}
		case need != "" && have[o.Client+" "+need] != Accept:
			t.Errorf("%s: %s in %s, and its control %s is %s", o.Client, o.Verdict, o.Case, need, have[o.Client+" "+need])
		case o.Seen.Connections == 0:
			t.Errorf("%s: %s in %s without a connection", o.Client, o.Verdict, o.Case)
		case (o.Verdict == Accept || o.Verdict == Leak) != o.Seen.Request:
			t.Errorf("%s: %s in %s, and the server saw %+v", o.Client, o.Verdict, o.Case, o.Seen)
		}
	}
	t.Logf("%d outcomes: %v", len(table.outcomes), count)
	if count[Reject] < len(table.clients) || count[Accept] < len(table.clients)/2 {
		t.Errorf("verdicts: %v", count)
	}
}

// logTime says what a probe cost, and which runs took longer than their client
// needs: than its control and a second.
func logTime(t *testing.T, table machineTable) {
	control, cpu := map[string]time.Duration{}, time.Duration(0)
	var bound time.Duration
	for _, m := range table.outcomes {
		cpu += m.CPU
		if m.Outcome.Case == "T01" {
			control[m.Outcome.Client] = m.Outcome.Duration
		}
	}
	over := func(m Message) time.Duration { return m.Outcome.Duration - control[m.Outcome.Client] }
	for _, m := range table.outcomes {
		bound += control[m.Outcome.Client]
	}
	cores := time.Duration(runtime.NumCPU())
	t.Logf("%d outcomes in %v; processor time of the clients / %d cores: %v; time of the control x cases / cores: %v", len(table.outcomes), table.took.Round(time.Second), cores, (cpu / cores).Round(time.Second), (bound / cores).Round(time.Second))
	slow := slices.DeleteFunc(slices.Clone(table.outcomes), func(m Message) bool { return over(m) < time.Second })
	slices.SortFunc(slow, func(a, b Message) int { return cmp.Compare(over(b), over(a)) })
	for i, m := range slow {
		if i == 20 {
			t.Logf("and %d more", len(slow)-i)
			break
		}
		t.Logf("%s %s: %v, control %v, processor %v: %s", m.Outcome.Client, m.Outcome.Case, m.Outcome.Duration.Round(time.Millisecond), control[m.Outcome.Client].Round(time.Millisecond), m.CPU.Round(time.Millisecond), m.Outcome.Reason)
	}
}
