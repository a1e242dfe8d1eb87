package probe

import "wontfix"

// A Client is a program of the machine, or one library of an interpreter, that
// speaks TLS. In Args, Env, Stdin, Build and TrustEnv stand {url}, {host},
// {port} and {token} for the server, {dir} for a folder of the run, {stub} and
// {out} for the stub and what Build makes of it, {ca}, {cadir} and {jks} for
// what is to be trusted.
type Client struct {
	wontfix.Client
	Env   []string `json:"env,omitempty"`
	Stdin string   `json:"stdin,omitempty"`
	Stub  string   `json:"stub,omitempty"`
	Build []string `json:"build,omitempty"`
	// Stores are the files of trusted certificates that it reads beside those of
	// the system.
	Stores []string `json:"stores,omitempty"`
	// TrustEnv makes this process trust the authority. It is used where the
	// system's store cannot be covered, and with NeedsTrustEnv everywhere: the
	// client does not read the system's store.
	TrustEnv      []string `json:"trustEnv,omitempty"`
	NeedsTrustEnv bool     `json:"needsTrustEnv,omitempty"`

	how how // an override that is in force
}

// A row is a kind of program. Programs and Places are patterns of file names,
// in PATH, and of paths: ~ is the user's home.
type row struct {
	name     string
	programs []string
	places   []string
	numbered bool     // versions live side by side: the ID has the version's first two numbers
	describe []string // arguments that make it print its version
	census   string   // or a stub that says what there is
	only     string   // what the description has to contain
	trust    []string
	needs    bool // trust is needed in the room, too
	runs     []run
}

// A run is one way to use a program.
type run struct {
	name     string // "" is the program itself
	module   string // of the census; "" is always there
	least    string // version of the program that has it; "" is every one
	protocol string // "" is https
	stub     string
	args     []string
	env      []string
	stdin    string
	build    []string
	trust    []string // instead of the row's
}

// trustOpenSSL makes what uses OpenSSL's defaults trust one bundle only.
var trustOpenSSL = []string{"SSL_CERT_FILE={ca}", "SSL_CERT_DIR={cadir}"}

// stubbed is a library that a stub uses: its arguments are the library and the
// server.
func stubbed(stub, library string) run {
	return run{name: library, stub: stub, args: []string{"{stub}", library, "{url}", "{host}", "{port}", "{token}"}}
}

func (r run) having(module string) run    { r.module = module; return r }
func (r run) since(version string) run    { r.least = version; return r }
func (r run) over(protocol string) run    { r.protocol = protocol; return r }
func (r run) trusting(env ...string) run  { r.trust = env; return r }
func (r run) calling(args ...string) run  { r.args = append(args, r.args...); return r }
func (r run) built(command ...string) run { r.build = command; return r }
func called(name string) func(...string) run {
	return func(args ...string) run { return run{name: name, args: args} }
}

// plain is a program that takes the URL among its arguments.
func plain(args ...string) []run { return []run{{args: args}} }

// table has a row for each kind of client. A new one is a row and, for an
// interpreter, a stub.
func table() []row {
	return []row{
		{
			name: "python", numbered: true, census: "census.py", trust: trustOpenSSL,
			programs: []string{"python", "python[0-9]*", "pypy", "pypy[0-9]*"},
			places:   []string{"/usr/bin/python*", "/usr/local/bin/python*", "~/.pyenv/versions/*/bin/python", "/opt/*/bin/python*", "~/.local/bin/python*"},
			runs: []run{
				stubbed("python.py", "urllib"),
				stubbed("python.py", "http.client").having("http.client"),
				stubbed("python.py", "xmlrpc"),
				stubbed("python.py", "ssl").over("tls"),
				stubbed("python.py", "ssl.wrap_socket").having("ssl.wrap_socket").over("tls"),
				stubbed("python.py", "asyncio").having("asyncio").over("tls"),
				stubbed("python.py", "smtplib").over("smtps"),
				stubbed("python.py", "smtplib-starttls").over("smtp"),
				stubbed("python.py", "imaplib").over("imaps"),
				stubbed("python.py", "imaplib-starttls").having("IMAP4.starttls").over("imap"),
				stubbed("python.py", "poplib").over("pop3s"),
				stubbed("python.py", "poplib-starttls").having("POP3.stls").over("pop3"),
				stubbed("python.py", "ftplib").over("ftps"),
				stubbed("python.py", "requests").having("requests").trusting("REQUESTS_CA_BUNDLE={ca}"),
				stubbed("python.py", "urllib3").having("urllib3"),
				stubbed("python.py", "aiohttp").having("aiohttp"),
				stubbed("python.py", "httpx").having("httpx"),
				stubbed("python.py", "httplib2").having("httplib2").trusting("HTTPLIB2_CA_CERTS={ca}"),
				stubbed("python.py", "tornado").having("tornado"),
				stubbed("python.py", "pycurl").having("pycurl").trusting("CURL_CA_BUNDLE={ca}"),
				called("pip")("-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--retries", "0", "--timeout", "10",
					"--index-url", "{url}/simple/", "-d", "{dir}", "wontfix-probe").having("pip").trusting("PIP_CERT={ca}"),
			},
		},
		{
			name: "perl", census: "census.pl", trust: trustOpenSSL, programs: []string{"perl"}, places: []string{"~/.plenv/versions/*/bin/perl", "~/perl5/perlbrew/perls/*/bin/perl"},
			runs: []run{
				stubbed("perl.pl", "LWP").having("LWP::Protocol::https").trusting("PERL_LWP_SSL_CA_FILE={ca}"),
				stubbed("perl.pl", "HTTP::Tiny").having("IO::Socket::SSL"),
				stubbed("perl.pl", "IO::Socket::SSL").having("IO::Socket::SSL").over("tls"),
				stubbed("perl.pl", "Mojo").having("Mojo::UserAgent").trusting("MOJO_CA_FILE={ca}"),
				stubbed("perl.pl", "Net::SSLeay").having("Net::SSLeay"),
			},
		},
		{
			name: "ruby", census: "census.rb", trust: trustOpenSSL, programs: []string{"ruby", "ruby[0-9]*"}, places: []string{"~/.rbenv/versions/*/bin/ruby", "~/.rvm/rubies/*/bin/ruby"},
			runs: []run{
				stubbed("ruby.rb", "Net::HTTP"),
				stubbed("ruby.rb", "open-uri"),
				called("gem")("-S", "gem", "fetch", "--clear-sources", "--source", "{url}/", "wontfix-probe"),
			},
		},
		{
			name: "php", census: "census.php", trust: trustOpenSSL, programs: []string{"php", "php[0-9]*"},
			runs: []run{
				stubbed("php.php", "file_get_contents").having("openssl"),
				stubbed("php.php", "stream_socket_client").having("openssl").over("tls"),
				stubbed("php.php", "curl").having("curl").trusting("CURL_CA_BUNDLE={ca}"),
			},
		},
		{
			name: "node", describe: []string{"-p", "process.version + ' OpenSSL ' + process.versions.openssl"}, needs: true, trust: []string{"NODE_EXTRA_CA_CERTS={ca}"},
			programs: []string{"node", "nodejs"}, places: []string{"~/.nvm/versions/node/*/bin/node", "~/.nodenv/versions/*/bin/node"},
			runs: []run{stubbed("node.js", "https"), stubbed("node.js", "fetch"), stubbed("node.js", "tls").over("tls")},
		},
		{
			name: "npm", describe: []string{"--version"}, programs: []string{"npm"}, needs: true, trust: []string{"npm_config_cafile={ca}"},
			runs: []run{{args: []string{"view", "wontfix", "description", "--registry", "{url}/", "--fetch-retries=0", "--fetch-timeout=10000", "--no-update-notifier", "--logs-max=0"}, env: []string{"npm_config_cache={dir}/npm"}}},
		},
		{
			name: "java", numbered: true, describe: []string{"-version"}, programs: []string{"java"}, places: []string{"/usr/lib/jvm/*/bin/java", "~/.sdkman/candidates/java/*/bin/java", "/opt/*/bin/java"},
			trust: []string{"JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore={jks} -Djavax.net.ssl.trustStorePassword=changeit"},
			runs: []run{
				javaRun("HttpsURLConnection"), javaRun("HttpClient"), javaRun("SSLSocket").over("tls"),
			},
		},
		{
			name: "go", describe: []string{"version"}, programs: []string{"go"}, places: []string{"/usr/local/go/bin/go", "~/go/bin/go", "~/sdk/go*/bin/go"}, trust: trustOpenSSL,
			runs: []run{{args: []string{"list", "-m", "example.test/x@v1.0.0"}, env: []string{
				"GOPROXY={url}", "GONOSUMDB=*", "GONOSUMCHECK=1", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local", "GOPATH={dir}/go", "GOCACHE={dir}/cache", "GOENV=off", "GOTELEMETRY=off", "GOMODCACHE={dir}/mod",
			}}},
		},
		{name: "curl", describe: []string{"--version"}, programs: []string{"curl"}, trust: []string{"CURL_CA_BUNDLE={ca}"}, runs: []run{
			{args: curlArgs}, {name: "smtps", protocol: "smtps", args: curlArgs}, {name: "imaps", protocol: "imaps", args: curlArgs}, {name: "pop3s", protocol: "pop3s", args: curlArgs},
			curlRun("smtp"), curlRun("imap"), curlRun("pop3"),
		}},
		{name: "wget", describe: []string{"--version"}, programs: []string{"wget"}, only: "GNU Wget", runs: plain("-nv", "-t", "1", "-T", "10", "-O", "-", "{url}")},
		{name: "wget2", describe: []string{"--version"}, programs: []string{"wget2"}, runs: plain("-nv", "--tries=1", "--timeout=10", "-O", "-", "{url}")},
		{name: "git", describe: []string{"--version"}, programs: []string{"git"}, trust: []string{"GIT_SSL_CAINFO={ca}"}, runs: []run{{args: []string{"ls-remote", "{url}"}, env: []string{"GIT_TERMINAL_PROMPT=0"}}}},
		{
			name: "apt", describe: []string{"--version"}, programs: []string{"apt-helper"}, places: []string{"/usr/lib/apt/apt-helper"},
			runs: plain("-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=0", "-o", "Acquire::https::Timeout=10", "-o", "Dir::State={dir}", "-o", "Dir::Cache={dir}", "-o", "Dir::Log={dir}",
				"download-file", "{url}", "{dir}/out"),
		},
		{
			name: "openssl", describe: []string{"version"}, programs: []string{"openssl"}, trust: trustOpenSSL,
			runs: []run{{name: "s_client", protocol: "tls", args: []string{"s_client", "-quiet", "-servername", "{host}", "-connect", "{host}:{port}"}, stdin: "GET /{token} HTTP/1.0\r\n\r\n"}},
		},
		{name: "gnutls-cli", describe: []string{"--version"}, programs: []string{"gnutls-cli"}, runs: []run{{protocol: "tls", args: []string{"-p", "{port}", "{host}"}, stdin: "GET /{token} HTTP/1.0\r\n\r\n"}}},
		{name: "svn", describe: []string{"--version"}, programs: []string{"svn"}, trust: trustOpenSSL, runs: plain("ls", "--non-interactive", "--config-dir", "{dir}/svn", "{url}")},
		{name: "hg", describe: []string{"version"}, programs: []string{"hg"}, runs: plain("identify", "--noninteractive", "{url}")},
		{name: "lynx", describe: []string{"-version"}, programs: []string{"lynx"}, trust: trustOpenSSL[:1], runs: plain("-dump", "-connect_timeout=10", "-read_timeout=10", "{url}")},
		{name: "w3m", describe: []string{"-version"}, programs: []string{"w3m"}, trust: trustOpenSSL, runs: plain("-dump", "{url}")},
		{name: "links", describe: []string{"-version"}, programs: []string{"links", "links2"}, only: "Links", trust: trustOpenSSL, runs: plain("-dump", "{url}")},
		{name: "elinks", describe: []string{"-version"}, programs: []string{"elinks"}, runs: plain("-dump", "{url}")},
		{name: "emacs", describe: []string{"--version"}, programs: []string{"emacs"}, runs: []run{{stub: "emacs.el", args: []string{"-Q", "--batch", "-l", "{stub}", "{url}"}}}},
		{name: "busybox", describe: []string{}, programs: []string{"busybox"}, only: "wget", runs: []run{{name: "wget", args: []string{"wget", "-O", "-", "{url}"}, trust: trustOpenSSL}}},
		{name: "aria2c", describe: []string{"--version"}, programs: []string{"aria2c"}, runs: plain("-q", "--async-dns=false", "--max-tries=1", "--timeout=10", "--connect-timeout=10", "-d", "{dir}", "-o", "out", "{url}")},
		{name: "axel", describe: []string{"--version"}, programs: []string{"axel"}, trust: trustOpenSSL, runs: plain("-q", "-n", "1", "-T", "10", "-o", "{dir}/out", "{url}")},
		// Its cat does not come back from a fatal error where the output is a pipe.
		{name: "lftp", describe: []string{"--version"}, programs: []string{"lftp"}, runs: plain("-c", "set net:max-retries 1; set net:timeout 10; set net:persist-retries 0; set cmd:fail-exit yes; get {url} -o {dir}/out")},
		{name: "socat", describe: []string{"-V"}, programs: []string{"socat"}, only: "define WITH_OPENSSL", trust: trustOpenSSL, runs: []run{{protocol: "tls", args: []string{"-T", "10", "-t", "5", "-", "OPENSSL:{host}:{port}"}, stdin: "GET /{token} HTTP/1.0\r\n\r\n"}}},
		{name: "ncat", describe: []string{"--version"}, programs: []string{"ncat"}, runs: []run{{protocol: "tls", args: []string{"--ssl", "{host}", "{port}"}, stdin: "GET /{token} HTTP/1.0\r\n\r\n"}}},
		{name: "lua", numbered: true, describe: []string{"-e", "require('ssl.https') print(_VERSION .. ' luasec ' .. require('ssl')._VERSION)"}, programs: []string{"lua", "lua5.*", "luajit"}, only: "luasec", runs: []run{{name: "luasec", stub: "lua.lua", args: []string{"{stub}", "{url}"}}}},
		{name: "tclsh", census: "census.tcl", programs: []string{"tclsh", "tclsh[0-9]*"}, runs: []run{{name: "tls", module: "tls", stub: "tcl.tcl", args: []string{"{stub}", "{url}"}}}},
		{name: "guile", describe: []string{"-c", "(use-modules (gnutls)) (display (string-append \"guile \" (version) \" gnutls \" (gnutls-version)))"}, programs: []string{"guile", "guile-*"}, only: "gnutls",
			trust: []string{"GUILE_TLS_CERTIFICATE_DIRECTORY={cadir}"}, runs: []run{{name: "web", stub: "guile.scm", args: []string{"--no-auto-compile", "{stub}", "{url}"}}}},
		{name: "erlang", programs: []string{"escript"}, runs: []run{{name: "httpc", stub: "erlang.escript", args: []string{"{stub}", "{url}"}}}},
		{name: "debsecan", describe: []string{"--version"}, programs: []string{"debsecan"}, trust: trustOpenSSL, runs: plain("--suite", "bookworm", "--source", "{url}")},
		{name: "httpie", describe: []string{"--version"}, programs: []string{"http"}, only: ".", trust: []string{"REQUESTS_CA_BUNDLE={ca}"},
			runs: []run{{args: []string{"--ignore-stdin", "--check-status", "--follow", "--timeout", "10", "GET", "{url}"}, env: []string{"HTTPIE_CONFIG_DIR={dir}/httpie"}}}},
		{name: "mono", describe: []string{"--version"}, programs: []string{"mono"}, only: "Mono", runs: []run{{name: "WebClient", stub: "Probe.cs", build: []string{"mcs", "-out:{out}/Probe.exe", "{stub}"}, args: []string{"{out}/Probe.exe", "{url}"}}}},
		{name: "cargo", describe: []string{"--version"}, programs: []string{"cargo"}, places: []string{"~/.rustup/toolchains/*/bin/cargo"}, only: "cargo 1.", trust: []string{"CARGO_HTTP_CAINFO={ca}"},
			runs: []run{cargoRun("git", "{url}/"), cargoRun("sparse", "sparse+{url}/").since("1.68")}},
	}
}

var curlArgs = []string{"-sSL", "--max-time", "10", "{url}"}

// curlRun speaks a protocol of mail in which TLS is asked for.
func curlRun(protocol string) run {
	return run{name: protocol + "-starttls", protocol: protocol, args: append([]string{"--ssl-reqd"}, curlArgs...)}
}

func javaRun(library string) run {
	r := stubbed("Probe.java", library).built("{bin}/javac", "-d", "{out}", "{stub}")
	r.args[0] = "Probe"
	return r.calling("-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto", "-cp", "{out}")
}

// cargoRun asks a registry, by one of the two ways that it has to reach one.
func cargoRun(name, index string) run {
	return run{name: name, args: []string{"search", "--registry", "probe", "--limit", "1", "wontfix"},
		env: []string{"CARGO_HOME={dir}/cargo", "CARGO_REGISTRIES_PROBE_INDEX=" + index, "CARGO_NET_RETRY=0", "CARGO_HTTP_TIMEOUT=10"}}
}
