package probe

import "sync"

// The clients that many switches concern.
var (
	pythonHTTP = []string{"python/urllib", "python/http.client", "python/xmlrpc"}
	openSSL    = []string{"python/urllib", "python/httpx", "ruby/Net::HTTP", "php/file_get_contents", "openssl", "curl", "svn", "debsecan", "go"}
	gnuTLS     = []string{"wget", "wget2", "git", "apt", "gnutls-cli", "aria2c", "lftp", "elinks", "emacs"}
	nodes      = []string{"node/https", "node/fetch", "node/tls"}
	proxied    = []string{"curl", "wget", "wget2", "git", "apt", "python", "ruby", "php", "perl", "npm", "go", "hg", "svn", "lynx", "w3m", "links", "aria2c", "lftp", "cargo"}
)

const (
	noProxy   = "the room has no proxy"
	notClient = "no client of the probe reads it"
)

func off(id, key string, bad func(string) bool, clients ...string) knob {
	return knob{id: id, class: Off, key: key, bad: bad, show: showValue, clients: clients}
}

// unread is a switch of a program that is not one of the probe's clients.
func unread(id, key string, bad func(string) bool) knob {
	return knob{id: id, class: Off, key: key, bad: bad, show: showWord, clients: []string{}, why: notClient}
}

// trusts is a variable or key with the path of what is trusted.
func trusts(id, key string, clients ...string) knob {
	k := knob{id: id, class: Redirect, key: key, bad: isSet, show: showValue, clients: clients}
	if clients == nil {
		k.why = notClient
	}
	return k
}

// through is one with the URL of a proxy.
func through(id, key string, clients ...string) knob {
	return knob{id: id, class: Redirect, key: key, bad: isSet, show: showHost, clients: clients, why: noProxy}
}

// hook is one that loads code.
func hook(id, key string, clients ...string) knob {
	return knob{id: id, class: Hook, key: key, bad: isSet, show: showName, clients: clients}
}

func weaker(id, key string, bad func(string) bool, clients ...string) knob {
	return knob{id: id, class: Weaker, key: key, bad: bad, show: showValue, clients: clients}
}

// as changes what of the value may be seen.
func (k knob) as(s show) knob { k.show = s; return k }

func (k knob) noted(note string) knob { k.note = note; return k }

// with is put in force instead of the value, which names hosts.
func (k knob) with(text string) knob {
	k.instead = text
	k.note = "for the hosts that it names; tried with that of the probe"
	return k
}

// alone is put in force instead of the value, which may have more.
func (k knob) alone(text string) knob { k.instead = text; return k }

func (k knob) unmeasured(why string) knob { k.why = why; return k }

// falsy is what Perl takes for false.
func falsy(s string) bool  { return s == "" || s == "0" }
func truthy(s string) bool { return !falsy(s) }

// variables are the variables of the environment. References: PEP 493, node(1),
// git(1), pip's and npm's manuals, LWP::UserAgent(3pm), HTTP::Tiny(3pm),
// Mojo::UserAgent(3pm), the go command's environment, and the manuals of each.
var variables = sync.OnceValue(func() []knob {
	return []knob{
		off("PYTHONHTTPSVERIFY", "PYTHONHTTPSVERIFY", oneOf("0"), pythonHTTP...).noted("Python 2.7.9 to 2.7.18 alone read it"),
		off("NODE_TLS_REJECT_UNAUTHORIZED", "NODE_TLS_REJECT_UNAUTHORIZED", oneOf("0"), "node/https", "node/fetch", "node/tls", "npm"),
		off("npm-strict-ssl", "npm_config_strict_ssl", isFalse, "npm"),
		off("GIT_SSL_NO_VERIFY", "GIT_SSL_NO_VERIFY", nil, "git").as(showWord).noted("whatever its value is"),
		off("git-sslverify", "GIT_CONFIG_PARAMETERS", having("sslverify=false"), "git").as(showName).alone("'http.sslVerify=false'"),
		off("pip-trusted-host", "PIP_TRUSTED_HOST", isSet, "python/pip").as(showHost).with("{host} {host}:{port}"),
		off("PERL_LWP_SSL_VERIFY_HOSTNAME", "PERL_LWP_SSL_VERIFY_HOSTNAME", falsy, "perl/LWP"),
		off("PERL_HTTP_TINY_SSL_INSECURE_BY_DEFAULT", "PERL_HTTP_TINY_SSL_INSECURE_BY_DEFAULT", truthy, "perl/HTTP::Tiny").as(showWord),
		off("MOJO_INSECURE", "MOJO_INSECURE", truthy, "perl/Mojo").as(showWord),
		off("GOINSECURE", "GOINSECURE", isSet, "go").as(showName).with("*"),
		unread("uv-insecure-host", "UV_INSECURE_HOST", isSet).as(showHost),
		unread("conda-ssl-verify", "CONDA_SSL_VERIFY", isFalse),
		unread("yarn-strict-ssl", "YARN_ENABLE_STRICT_SSL", isFalse),
		unread("bundle-ssl-verify-mode", "BUNDLE_SSL_VERIFY_MODE", oneOf("0", "none")).as(showValue),
		unread("VAULT_SKIP_VERIFY", "VAULT_SKIP_VERIFY", isTrue),
		unread("CONSUL_HTTP_SSL_VERIFY", "CONSUL_HTTP_SSL_VERIFY", isFalse),
		unread("NOMAD_SKIP_VERIFY", "NOMAD_SKIP_VERIFY", isTrue),
		unread("AZURE_CLI_DISABLE_CONNECTION_VERIFICATION", "AZURE_CLI_DISABLE_CONNECTION_VERIFICATION", isSet),
		unread("ldap-reqcert", "LDAPTLS_REQCERT", oneOf("never", "allow", "try")).as(showValue),
		unread("pg-sslmode", "PGSSLMODE", oneOf("disable", "allow", "prefer", "require", "verify-ca")).as(showValue),

		trusts("SSL_CERT_FILE", "SSL_CERT_FILE", openSSL...),
		trusts("SSL_CERT_DIR", "SSL_CERT_DIR", openSSL...),
		trusts("CURL_CA_BUNDLE", "CURL_CA_BUNDLE", "curl", "python/requests", "php/curl"),
		trusts("REQUESTS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "python/requests", "python/pip", "httpie"),
		trusts("PIP_CERT", "PIP_CERT", "python/pip"),
		trusts("NODE_EXTRA_CA_CERTS", "NODE_EXTRA_CA_CERTS", "node/https", "node/fetch", "node/tls", "npm"),
		trusts("npm-cafile", "npm_config_cafile", "npm"),
		trusts("npm-ca", "npm_config_ca", "npm").as(showName),
		trusts("GIT_SSL_CAINFO", "GIT_SSL_CAINFO", "git"),
		trusts("GIT_SSL_CAPATH", "GIT_SSL_CAPATH", "git"),
		trusts("HTTPLIB2_CA_CERTS", "HTTPLIB2_CA_CERTS", "python/httplib2"),
		trusts("PERL_LWP_SSL_CA_FILE", "PERL_LWP_SSL_CA_FILE", "perl/LWP"),
		trusts("PERL_LWP_SSL_CA_PATH", "PERL_LWP_SSL_CA_PATH", "perl/LWP"),
		trusts("HTTPS_CA_FILE", "HTTPS_CA_FILE", "perl/LWP"),
		trusts("MOJO_CA_FILE", "MOJO_CA_FILE", "perl/Mojo"),
		trusts("GUILE_TLS_CERTIFICATE_DIRECTORY", "GUILE_TLS_CERTIFICATE_DIRECTORY", "guile/web"),
		trusts("CARGO_HTTP_CAINFO", "CARGO_HTTP_CAINFO", "cargo"),
		trusts("AWS_CA_BUNDLE", "AWS_CA_BUNDLE"),
		trusts("NIX_SSL_CERT_FILE", "NIX_SSL_CERT_FILE"),
		trusts("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"),
		trusts("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE"),
		trusts("DENO_CERT", "DENO_CERT"),
		through("proxy", "[hH][tT][tT][pP][sS]_[pP][rR][oO][xX][yY]", proxied...),
		through("proxy", "[hH][tT][tT][pP]_[pP][rR][oO][xX][yY]", proxied...),
		through("proxy", "[aA][lL][lL]_[pP][rR][oO][xX][yY]", proxied...),
		through("npm-proxy", "npm_config_https_proxy", "npm"),
		through("npm-proxy", "npm_config_proxy", "npm"),

		weaker("OPENSSL_CONF", "OPENSSL_CONF", isSet, openSSL...).unmeasured("the file may load code"),
		weaker("GNUTLS_SYSTEM_PRIORITY_FILE", "GNUTLS_SYSTEM_PRIORITY_FILE", isSet, gnuTLS...),
		weaker("GIT_SSL_VERSION", "GIT_SSL_VERSION", oneOf("sslv2", "sslv3", "tlsv1.0", "tlsv1.1"), "git"),
		weaker("GIT_SSL_CIPHER_LIST", "GIT_SSL_CIPHER_LIST", isSet, "git").as(showName),

		hook("PYTHONSTARTUP", "PYTHONSTARTUP", "python").noted("interactive Python alone runs it"),
		hook("PYTHONPATH", "PYTHONPATH", "python").noted("a sitecustomize.py there runs in every Python"),
		hook("PYTHONHOME", "PYTHONHOME", "python"),
		hook("PERL5OPT", "PERL5OPT", "perl"),
		hook("PERL5LIB", "PERL5LIB", "perl"),
		hook("RUBYOPT", "RUBYOPT", "ruby"),
		hook("RUBYLIB", "RUBYLIB", "ruby"),
		hook("PHP_INI_SCAN_DIR", "PHP_INI_SCAN_DIR", "php"),
		hook("PHPRC", "PHPRC", "php"),
		hook("LD_PRELOAD", "LD_PRELOAD"),
		hook("LD_LIBRARY_PATH", "LD_LIBRARY_PATH"),
		hook("LD_AUDIT", "LD_AUDIT"),
		hook("OPENSSL_ENGINES", "OPENSSL_ENGINES"),
		hook("OPENSSL_MODULES", "OPENSSL_MODULES"),
		hook("BASH_ENV", "BASH_ENV"),

		{id: "SSLKEYLOGFILE", class: KeyLeak, key: "SSLKEYLOGFILE", bad: isSet, show: showValue, clients: append([]string{"curl", "wget2", "gnutls-cli", "git"}, pythonHTTP...), instead: "{dir}/" + keyLog},
	}
})

// A token is a word in a variable that has several.
type token struct {
	variables  []string
	separators string
	knobs      []knob
}

var tokens = sync.OnceValue(func() []token {
	return []token{
		{[]string{"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}, " \t\n\"'", []knob{
			off("java-hostname", "-Djdk.internal.httpclient.disableHostnameVerification", isTrue, "java/HttpClient"),
			trusts("java-truststore", "-Djavax.net.ssl.trustStore", "java/HttpsURLConnection", "java/HttpClient", "java/SSLSocket"),
			weaker("java-security-properties", "-Djava.security.properties", isSet, "java/HttpsURLConnection", "java/HttpClient"),
			weaker("java-protocols", "-Djdk.tls.client.protocols", isSet, "java/HttpsURLConnection", "java/HttpClient"),
			through("java-proxy", "-Dhttps.proxyHost", "java").as(showName),
			hook("java-agent", "-javaagent:*", "java").withAny(), hook("java-agent", "-agentlib:*", "java").withAny(), hook("java-agent", "-agentpath:*", "java").withAny(),
			hook("java-agent", "-Xbootclasspath*", "java").withAny(),
		}},
		{[]string{"MAVEN_OPTS", "JAVA_TOOL_OPTIONS", "GRADLE_OPTS"}, " \t\n\"'", []knob{
			unread("maven-ssl-insecure", "-Dmaven.wagon.http.ssl.insecure", isTrue), unread("maven-ssl-insecure", "-Dmaven.wagon.http.ssl.allowall", isTrue),
		}},
		{[]string{"NODE_OPTIONS"}, " \t\n", []knob{
			hook("node-require", "--require", nodes...).withAny(), hook("node-require", "-r", nodes...).withAny(), hook("node-require", "--import", nodes...).withAny(),
			hook("node-require", "--loader", nodes...).withAny(), hook("node-require", "--experimental-loader", nodes...).withAny(),
			weaker("node-tls-min", "--tls-min-v1.[01]", nil, nodes...), weaker("node-ciphers", "--tls-cipher-list", isSet, nodes...).as(showName),
			trusts("node-openssl-ca", "--use-openssl-ca", nodes...).withAny(),
			{id: "node-keylog", class: KeyLeak, key: "--tls-keylog", show: showName, clients: nodes, why: "it is not tried"},
		}},
		{[]string{"GODEBUG"}, ", \t", []knob{
			weaker("godebug", "tlsrsakex", oneOf("1"), "go"), weaker("godebug", "tls3des", oneOf("1"), "go"), weaker("godebug", "rsa1024min", oneOf("0"), "go"),
			weaker("godebug", "tlsunsafeekm", oneOf("1"), "go"), weaker("godebug", "tlssha1", oneOf("1"), "go"), weaker("godebug", "x509sha1", oneOf("1"), "go"),
			weaker("godebug", "x509ignoreCN", oneOf("0"), "go"), weaker("godebug", "tls10server", oneOf("1")).unmeasured("it is for servers"),
			weaker("godebug", "x509keypairleaf", oneOf("0")).unmeasured("it is for servers"), weaker("godebug", "x509negativeserial", oneOf("1"), "go"),
		}},
	}
})

// withAny takes the word however it goes on.
func (k knob) withAny() knob { k.bad = nil; return k }

// gitKnobs are the keys of git, git-config(1).
func gitKnobs() []knob {
	return []knob{
		off("git-sslverify", "http.sslverify", isFalse),
		off("git-sslverify-url", "http.?*.sslverify", isFalse).as(showGitURL).with("[http \"https://{host}:{port}\"]\n\tsslVerify = false\n"),
		trusts("git-cainfo", "http.sslcainfo", "git"), trusts("git-capath", "http.sslcapath", "git"),
		through("git-proxy", "http.proxy", "git"), through("git-proxy", "https.proxy", "git"),
		weaker("git-sslversion", "http.sslversion", oneOf("sslv2", "sslv3", "tlsv1.0", "tlsv1.1")),
		{id: "git-alias", class: Hook, key: "alias.*", bad: func(s string) bool { return len(s) > 0 && s[0] == '!' }},
		{id: "git-hook", class: Hook, key: "core.sshcommand", bad: isSet}, {id: "git-hook", class: Hook, key: "core.hookspath", bad: isSet}, {id: "git-hook", class: Hook, key: "core.fsmonitor", bad: having("/")},
	}
}

// pipKnobs are those of any section of pip's files.
func pipKnobs() []knob {
	return []knob{
		off("pip-trusted-host", "*.trusted-host", nil).as(showHost).with("[global]\ntrusted-host =\n\t{host}\n\t{host}:{port}\n"),
		trusts("pip-cert", "*.cert", "python/pip"), through("pip-proxy", "*.proxy", "python/pip"),
	}
}

func wgetKnobs() []knob {
	return []knob{
		off("wget-check-certificate", "checkcertificate", isFalse), trusts("wget-cacertificate", "cacertificate", "wget", "wget2"), trusts("wget-cadirectory", "cadirectory", "wget", "wget2"),
		through("wget-proxy", "httpsproxy", "wget", "wget2"), weaker("wget-secureprotocol", "secureprotocol", oneOf("sslv2", "sslv3", "tlsv1", "tlsv1_1")),
	}
}

func opensslKnobs() []knob {
	return []knob{
		weaker("openssl-minprotocol", "*minprotocol", oneOf("ssl3", "sslv3", "tlsv1", "tlsv1.0", "tlsv1.1", "none")), weaker("openssl-seclevel", "*cipherstring", having("seclevel=0")),
		weaker("openssl-renegotiation", "*options", having("unsafelegacyrenegotiation")), {id: "openssl-module", class: Hook, key: "*dynamic_path", bad: isSet},
	}
}

// places are the files. References: the manual of each program.
func places() []place {
	return []place{
		{paths: []string{"~/.curlrc", "~/.config/curlrc", "/etc/curlrc"}, vars: []string{"CURL_HOME/.curlrc"}, syntax: scanCurlrc, clients: []string{"curl"}, knobs: []knob{
			off("curl-insecure", "insecure", nil).as(showName), off("curl-proxy-insecure", "proxy-insecure", nil).as(showName).unmeasured(noProxy),
			trusts("curl-cacert", "cacert", "curl"), trusts("curl-capath", "capath", "curl"), through("curl-proxy", "proxy", "curl"),
			weaker("curl-tls", "tlsv1.[01]", nil), weaker("curl-tls", "sslv[23]", nil), weaker("curl-ciphers", "ciphers", having("seclevel=0")),
		}},
		{paths: []string{"~/.gitconfig", "~/.config/git/config"}, vars: []string{"GIT_CONFIG_GLOBAL"}, syntax: scanINI, clients: []string{"git"}, knobs: gitKnobs()},
		{paths: []string{"/etc/gitconfig", "/usr/local/etc/gitconfig"}, vars: []string{"GIT_CONFIG_SYSTEM"}, point: "GIT_CONFIG_SYSTEM", syntax: scanINI, clients: []string{"git"}, knobs: gitKnobs()},
		{paths: []string{"~/.wgetrc"}, vars: []string{"WGETRC"}, syntax: scanWgetrc, clients: []string{"wget"}, knobs: wgetKnobs()},
		{paths: []string{"/etc/wgetrc", "/usr/local/etc/wgetrc"}, vars: []string{"SYSTEM_WGETRC"}, point: "SYSTEM_WGETRC", syntax: scanWgetrc, clients: []string{"wget"}, knobs: wgetKnobs()},
		{paths: []string{"~/.wget2rc", "~/.config/wget/wget2rc"}, vars: []string{"WGET2RC"}, syntax: scanWgetrc, clients: []string{"wget2"}, knobs: wgetKnobs()},
		{paths: []string{"/etc/wget2rc"}, vars: []string{"SYSTEM_WGET2RC"}, point: "SYSTEM_WGET2RC", syntax: scanWgetrc, clients: []string{"wget2"}, knobs: wgetKnobs()},
		{paths: []string{"~/.npmrc"}, vars: []string{"NPM_CONFIG_USERCONFIG", "npm_config_userconfig"}, syntax: scanPlain, clients: []string{"npm"}, knobs: npmKnobs()},
		{paths: []string{"/usr/etc/npmrc", "/etc/npmrc", "/usr/local/etc/npmrc"}, vars: []string{"NPM_CONFIG_GLOBALCONFIG", "npm_config_globalconfig"}, point: "npm_config_globalconfig", syntax: scanPlain, clients: []string{"npm"}, knobs: npmKnobs()},
		{paths: []string{"~/.config/pip/pip.conf", "~/.pip/pip.conf"}, vars: []string{"PIP_CONFIG_FILE"}, syntax: scanINI, clients: []string{"python/pip"}, knobs: pipKnobs()},
		{paths: []string{"/etc/pip.conf", "/etc/xdg/pip/pip.conf"}, point: "PIP_CONFIG_FILE", syntax: scanINI, clients: []string{"python/pip"}, knobs: pipKnobs()},
		{paths: []string{"~/.gemrc"}, vars: []string{"GEMRC"}, syntax: scanYAML, clients: []string{"ruby/gem"}, knobs: gemKnobs()},
		{paths: []string{"/etc/gemrc"}, point: "GEMRC", syntax: scanYAML, clients: []string{"ruby/gem"}, knobs: gemKnobs()},
		{paths: []string{"/etc/apt/apt.conf", "/etc/apt/apt.conf.d/*"}, vars: []string{"APT_CONFIG"}, point: "APT_CONFIG", syntax: scanApt, clients: []string{"apt"}, knobs: []knob{
			off("apt-verify-peer", "acquire::https*::verify-peer", isFalse).with("Acquire::https::Verify-Peer \"false\";\n"), off("apt-verify-host", "acquire::https*::verify-host", isFalse).with("Acquire::https::Verify-Host \"false\";\n"),
			off("apt-allow-insecure", "acquire::allowinsecurerepositories", isTrue).unmeasured("it is about signatures of archives, not TLS"),
			off("apt-allow-unauthenticated", "apt::get::allowunauthenticated", isTrue).unmeasured("it is about signatures of archives, not TLS"),
			trusts("apt-cainfo", "acquire::https*::cainfo", "apt"), through("apt-proxy", "acquire::http*::proxy", "apt"),
		}},
		{paths: []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"}, syntax: scanSources, clients: []string{"apt"}, why: "it is about signatures of archives, not TLS",
			knobs: []knob{off("apt-trusted", "trusted", isTrue), off("apt-allow-insecure", "allow-insecure", isTrue)}},
		{paths: []string{"~/.hgrc", "~/.config/hg/hgrc"}, vars: []string{"HGRCPATH"}, syntax: scanINI, clients: []string{"hg"}, knobs: hgKnobs()},
		{paths: []string{"/etc/mercurial/hgrc", "/etc/mercurial/hgrc.d/*.rc"}, point: "HGRCPATH", syntax: scanINI, clients: []string{"hg"}, knobs: hgKnobs()},
		{paths: []string{"~/.subversion/servers", "/etc/subversion/servers"}, to: "svn/servers", syntax: scanINI, clients: []string{"svn"}, knobs: []knob{
			trusts("svn-authority-files", "*.ssl-authority-files", "svn"), {id: "svn-default-ca", class: Redirect, key: "*.ssl-trust-default-ca", bad: isFalse, show: showValue}, through("svn-proxy", "*.http-proxy-host", "svn"),
		}},
		{paths: []string{"~/.aria2/aria2.conf", "~/.config/aria2/aria2.conf"}, syntax: scanPlain, clients: []string{"aria2c"}, knobs: []knob{
			off("aria2-check-certificate", "check-certificate", isFalse), trusts("aria2-ca", "ca-certificate", "aria2c"), through("aria2-proxy", "*-proxy", "aria2c"), weaker("aria2-tls", "min-tls-version", oneOf("TLSv1", "TLSv1.1")),
		}},
		{paths: []string{"~/.lftprc", "~/.lftp/rc", "~/.config/lftp/rc", "/etc/lftp.conf"}, syntax: scanSpaced, clients: []string{"lftp"}, knobs: []knob{
			off("lftp-verify", "ssl:verify-certificate", isFalse), off("lftp-verify-host", "ssl:verify-certificate/*", isFalse).as(showName).with("set ssl:verify-certificate no\n"), off("lftp-check-hostname", "ssl:check-hostname", isFalse),
			trusts("lftp-ca", "ssl:ca-file", "lftp"), through("lftp-proxy", "*:proxy", "lftp"),
		}},
		{paths: []string{"~/.axelrc", "/etc/axelrc"}, syntax: scanPlain, clients: []string{"axel"}, knobs: []knob{off("axel-insecure", "insecure", isTrue)}},
		{paths: []string{"~/.w3m/config", "/etc/w3m/config"}, syntax: scanWords, clients: []string{"w3m"}, knobs: []knob{
			off("w3m-verify-server", "ssl_verify_server", isFalse), trusts("w3m-ca", "ssl_ca_file", "w3m"), trusts("w3m-ca", "ssl_ca_path", "w3m"), through("w3m-proxy", "https_proxy", "w3m"),
		}},
		{paths: []string{"~/.elinks/elinks.conf", "/etc/elinks/elinks.conf"}, syntax: scanSpaced, clients: []string{"elinks"}, knobs: []knob{off("elinks-cert-verify", "connection.ssl.cert_verify", isFalse)}},
		{paths: []string{"~/.links/links.cfg", "~/.links2/links.cfg"}, syntax: scanWords, clients: []string{"links"}, knobs: []knob{off("links-certificates", "ssl.certificates", isFalse)}},
		{paths: []string{"/etc/lynx/lynx.cfg", "/etc/lynx.cfg", "/etc/lynx/local.cfg"}, vars: []string{"LYNX_CFG"}, point: "LYNX_CFG", syntax: scanPlain, clients: []string{"lynx"}, knobs: []knob{off("lynx-force-ssl-prompt", "force_ssl_prompt", isTrue), trusts("lynx-ca", "ssl_cert_file", "lynx")}},
		{paths: []string{"~/.config/httpie/config.json", "~/.httpie/config.json"}, to: "httpie/config.json", syntax: scanJSON, clients: []string{"httpie"}, knobs: []knob{
			{id: "httpie-verify", class: Off, key: "default_options", bad: oneOf("--verify=no", "--verify=false", "--verify=0"), show: showValue, instead: `{"default_options": ["--verify=no"]}`},
		}},
		{paths: []string{"/etc/default/debsecan"}, point: "--config", syntax: scanPlain, clients: []string{"debsecan"}, knobs: []knob{off("debsecan-disable-https-check", "disable_https_check", isTrue)}},
		{paths: []string{"~/.cargo/config.toml", "~/.cargo/config"}, to: "cargo/config.toml", syntax: scanINI, clients: []string{"cargo"}, knobs: []knob{trusts("cargo-cainfo", "http.cainfo", "cargo"), through("cargo-proxy", "http.proxy", "cargo"), weaker("cargo-check-revoke", "http.check-revoke", isFalse)}},
		{paths: []string{"~/.emacs", "~/.emacs.el", "~/.emacs.d/init.el", "~/.config/emacs/init.el"}, syntax: scanEmacs, clients: []string{"emacs"}, why: "it is a part of a program", knobs: []knob{
			off("emacs-nsm", "network-security-level", oneOf("low")), off("emacs-gnutls", "gnutls-verify-error", oneOf("nil")), off("emacs-checktrust", "tls-checktrust", oneOf("nil")),
		}},
		{paths: []string{"/etc/ssl/openssl.cnf", "/usr/local/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"}, vars: []string{"OPENSSL_CONF"}, syntax: scanINI, clients: openSSL, knobs: opensslKnobs(), why: "it is in force for every run: see the verdicts of the client"},
		{paths: []string{"/etc/gnutls/config", "/etc/crypto-policies/back-ends/gnutls.config"}, syntax: scanINI, clients: gnuTLS, knobs: []knob{weaker("gnutls-versions", "*enabled-version", oneOf("SSL3.0", "TLS1.0", "TLS1.1"))}},
		{paths: []string{"/etc/python/cert-verification.cfg"}, syntax: scanINI, clients: pythonHTTP, knobs: []knob{off("python-cert-verification", "https.verify", oneOf("disable")).noted("Python 2.7 of some distributions reads it, PEP 493")}},
		{paths: []string{"~/.local/lib/python*/site-packages/usercustomize.py", "~/.local/lib/python*/site-packages/sitecustomize.py", "/usr/lib/python*/sitecustomize.py", "/usr/local/lib/python*/*-packages/sitecustomize.py", "/usr/local/lib/python*/sitecustomize.py", "/etc/python*/sitecustomize.py", "~/.pyenv/versions/*/lib/python*/site-packages/sitecustomize.py"},
			syntax: scanCode, clients: []string{"python"}, knobs: []knob{{id: "python-customize", class: Hook, key: "code"}}},
		{paths: []string{"~/.local/lib/python*/site-packages/*.pth", "/usr/local/lib/python*/*-packages/*.pth", "/usr/lib/python3/dist-packages/*.pth", "~/.pyenv/versions/*/lib/python*/site-packages/*.pth"}, syntax: scanPth, clients: []string{"python"}, knobs: []knob{{id: "python-pth", class: Hook, key: "code"}}},
		{paths: []string{"~/.condarc", "~/.conda/.condarc", "/etc/conda/.condarc"}, vars: []string{"CONDARC"}, syntax: scanYAML, knobs: []knob{unread("conda-ssl-verify", "ssl_verify", isFalse)}},
		{paths: []string{"~/.config/uv/uv.toml", "/etc/uv/uv.toml"}, syntax: scanINI, knobs: []knob{unread("uv-insecure-host", "*allow-insecure-host", isSet).as(showName)}},
		{paths: []string{"~/.yarnrc"}, syntax: scanWords, knobs: []knob{unread("yarn-strict-ssl", "strict-ssl", isFalse)}},
		{paths: []string{"~/.yarnrc.yml"}, syntax: scanYAML, knobs: []knob{unread("yarn-strict-ssl", "enablestrictssl", isFalse)}},
		{paths: []string{"~/.bundle/config"}, syntax: scanYAML, knobs: []knob{unread("bundle-ssl-verify-mode", "bundle_ssl_verify_mode", oneOf("0", "none")).as(showValue)}},
		{paths: []string{"~/.config/composer/config.json", "~/.composer/config.json"}, syntax: scanJSON, knobs: []knob{unread("composer-disable-tls", "config.disable-tls", isTrue), unread("composer-secure-http", "config.secure-http", isFalse)}},
		{paths: []string{"~/.mvn/jvm.config", "~/.mavenrc", "/etc/mavenrc"}, syntax: scanOptions, knobs: []knob{unread("maven-ssl-insecure", "-dmaven.wagon.http.ssl.insecure", isTrue)}},
		{paths: []string{"~/.kube/config"}, vars: []string{"KUBECONFIG"}, syntax: scanYAML, knobs: []knob{unread("kube-insecure", "insecure-skip-tls-verify", isTrue)}},
		{paths: []string{"/etc/docker/daemon.json", "~/.config/docker/daemon.json"}, syntax: scanJSON, knobs: []knob{unread("docker-insecure-registries", "insecure-registries", isSet).as(showHost)}},
		{paths: []string{"/etc/containers/registries.conf", "/etc/containers/registries.conf.d/*.conf", "~/.config/containers/registries.conf"}, syntax: scanINI, knobs: []knob{unread("containers-insecure", "*insecure", isTrue)}},
		{paths: []string{"/etc/ldap/ldap.conf", "/etc/openldap/ldap.conf", "~/.ldaprc"}, syntax: scanWords, knobs: []knob{unread("ldap-reqcert", "tls_reqcert", oneOf("never", "allow", "try")).as(showValue)}},
		{paths: []string{"~/.pg_service.conf", "/etc/postgresql-common/pg_service.conf"}, syntax: scanINI, knobs: []knob{unread("pg-sslmode", "*.sslmode", oneOf("disable", "allow", "prefer", "require", "verify-ca")).as(showValue)}},
		{paths: []string{"~/.my.cnf", "/etc/my.cnf", "/etc/mysql/my.cnf", "/etc/mysql/conf.d/*.cnf", "/etc/mysql/mariadb.conf.d/*.cnf"}, syntax: scanINI, knobs: []knob{
			unread("mysql-verify", "*ssl-verify-server-cert", isFalse), unread("mysql-verify", "*ssl_verify_server_cert", isFalse), unread("mysql-verify", "*disable-ssl-verify-server-cert", nil), unread("mysql-verify", "*skip-ssl", nil),
		}},
		{paths: []string{"~/.msmtprc", "~/.config/msmtp/config", "/etc/msmtprc"}, syntax: scanWords, knobs: []knob{unread("msmtp-certcheck", "tls_certcheck", isFalse)}},
		{paths: []string{"/etc/java*/security/java.security"}, syntax: scanPlain, clients: []string{"java"}, knobs: []knob{
			{id: "java-disabled-algorithms", class: Weaker, key: "jdk.tls.disabledalgorithms", bad: func(s string) bool { return s == "" }, show: showValue},
		}},
		{paths: []string{"/etc/sudoers", "/etc/sudoers.d/*"}, syntax: scanSudoers, knobs: []knob{
			{id: "sudo-env-keep", class: Redirect, key: "env_keep.*ssl*", why: "it passes a variable on"}, {id: "sudo-env-keep", class: Redirect, key: "env_keep.*proxy", why: "it passes a variable on"},
			{id: "sudo-env-keep", class: Hook, key: "env_keep.ld_*"}, {id: "sudo-env-keep", class: Hook, key: "env_keep.python*"}, {id: "sudo-env-keep", class: Hook, key: "env_keep.perl*"}, {id: "sudo-env-keep", class: Off, key: "env_keep.node_tls*", why: "it passes a variable on"},
		}},
	}
}

func npmKnobs() []knob {
	return []knob{
		off("npm-strict-ssl", "strict-ssl", isFalse), trusts("npm-cafile", "cafile", "npm"), trusts("npm-ca", "ca", "npm").as(showName), trusts("npm-ca", `ca\[\]`, "npm").as(showName),
		through("npm-proxy", "https-proxy", "npm"), through("npm-proxy", "proxy", "npm"), hook("npm-node-options", "node-options", "npm"),
	}
}

func gemKnobs() []knob {
	return []knob{off("gem-ssl-verify-mode", "ssl_verify_mode", oneOf("0")), trusts("gem-ca", "ssl_ca_cert", "ruby/gem")}
}

func hgKnobs() []knob {
	return []knob{
		off("hg-alias-insecure", "alias.*", having("--insecure")).as(showName).alone("[alias]\nidentify = identify --insecure\n").noted("tried with the command of the probe"), {id: "hg-alias", class: Hook, key: "alias.*", bad: func(s string) bool { return len(s) > 0 && s[0] == '!' }},
		{id: "hg-hook", class: Hook, key: "hooks.*", bad: isSet}, {id: "hg-extension", class: Hook, key: "extensions.*", bad: having("/")},
		trusts("hg-cacerts", "web.cacerts", "hg"), trusts("hg-fingerprints", "hostsecurity.*:fingerprints", "hg").as(showName), trusts("hg-fingerprints", "hostfingerprints.*", "hg").as(showName),
		trusts("hg-verifycertsfile", "hostsecurity.*:verifycertsfile", "hg").as(showName), weaker("hg-minimumprotocol", "hostsecurity.*minimumprotocol", oneOf("tls1.0", "tls1.1")), through("hg-proxy", "http_proxy.host", "hg"),
	}
}

// profiles are the files that set variables of the environment.
func profiles() []place {
	return []place{
		{paths: []string{"/etc/environment", "/etc/environment.d/*.conf", "/etc/profile", "/etc/profile.d/*.sh", "/etc/bash.bashrc", "/etc/zsh/zshenv", "/etc/zsh/zshrc", "/etc/security/pam_env.conf", "/etc/default/*",
			"~/.profile", "~/.bash_profile", "~/.bash_login", "~/.bashrc", "~/.zshenv", "~/.zshrc", "~/.zprofile", "~/.config/fish/config.fish", "~/.cshrc", "~/.pam_environment", "~/.config/environment.d/*.conf"}, syntax: scanAssignments},
		{paths: []string{"/etc/systemd/system.conf", "/etc/systemd/user.conf", "/etc/systemd/system.conf.d/*.conf", "/etc/systemd/system/*.service", "/etc/systemd/system/*.d/*.conf", "/etc/systemd/user/*.service", "~/.config/systemd/user/*.service", "~/.config/systemd/user/*.d/*.conf"}, syntax: scanUnit},
	}
}
