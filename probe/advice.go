package probe

import (
	"slices"
	"strings"

	"wontfix"
)

// A remedy says what to do about a kind of client. Kind is the beginning of
// [wontfix.Client.Kind], up to a slash; manners are those of failing that it
// helps against, none is all.
type remedy struct {
	kind    string
	manners []manner
	text    string
}

// noCheck are the manners of a client that skips a check which it could make.
var noCheck = []manner{checksNothing, checksNoChain, checksNoName}

// remedies has the first fitting row for a client. They are from the manuals of
// the programs.
var remedies = []remedy{
	{"python/urllib", noCheck, "Python checks by itself since 2.7.9 and 3.4.3 (PEP 476): move to Python 3. Until then pass context=ssl.create_default_context() where the version has it, or use requests."},
	{"python/http.client", noCheck, "Python checks by itself since 2.7.9 and 3.4.3 (PEP 476): move to Python 3, or pass context=ssl.create_default_context()."},
	{"python/xmlrpc", noCheck, "Python checks by itself since 2.7.9 and 3.4.3 (PEP 476): move to Python 3, or pass context=ssl.create_default_context()."},
	{"python/ssl.wrap_socket", noCheck, "ssl.wrap_socket never checks by itself: use ssl.create_default_context().wrap_socket(sock, server_hostname=host)."},
	{"python/ssl", noCheck, "Use ssl.create_default_context() and server_hostname=; a bare SSLContext checks nothing."},
	{"python/smtplib", noCheck, "Pass context=ssl.create_default_context() to SMTP_SSL and starttls(): without it Python's mail modules check nothing."},
	{"python/imaplib", noCheck, "Pass ssl_context=ssl.create_default_context() to IMAP4_SSL and starttls(): without it Python's mail modules check nothing."},
	{"python/poplib", noCheck, "Pass context=ssl.create_default_context() to POP3_SSL and stls(): without it Python's mail modules check nothing."},
	{"python/ftplib", noCheck, "Pass context=ssl.create_default_context() to FTP_TLS: without it ftplib checks nothing."},
	{"python/tornado", noCheck, "Tornado checks since 2.0: upgrade it, and leave validate_cert alone."},
	{"perl/HTTP::Tiny", noCheck, "Upgrade to HTTP::Tiny 0.083 (Perl 5.38), which checks by itself, or say HTTP::Tiny->new(verify_SSL => 1) in every program."},
	{"perl/LWP", noCheck, "Upgrade to libwww-perl 6 with LWP::Protocol::https, and leave PERL_LWP_SSL_VERIFY_HOSTNAME and ssl_opts alone."},
	{"perl/IO::Socket::SSL", []manner{checksNoName}, "Say SSL_verifycn_scheme => 'http' (or the protocol's own): IO::Socket::SSL compares the name only if it is told how."},
	{"perl/IO::Socket::SSL", []manner{acceptsSome}, "Say SSL_verifycn_scheme => 'http', or that of the protocol: the default one looks at the common name as well, and takes more wildcards."},
	{"perl/Mojo", []manner{acceptsSome}, "It compares names by the default scheme of IO::Socket::SSL, which looks at the common name as well: use LWP where that matters."},
	{"perl/IO::Socket::SSL", noCheck, "Say SSL_verify_mode => SSL_VERIFY_PEER and SSL_verifycn_scheme => 'http'."},
	{"perl/Net::SSLeay", noCheck, "Net::SSLeay's get_https and the like check nothing: use LWP, or HTTP::Tiny with verify_SSL => 1."},
	{"ruby/gem", noCheck, "Upgrade RubyGems to 1.8.23 or later, and take :ssl_verify_mode: out of ~/.gemrc."},
	{"ruby", noCheck, "Set http.verify_mode = OpenSSL::SSL::VERIFY_PEER, which is the default since Ruby 1.9."},
	{"php", noCheck, "PHP checks streams since 5.6: upgrade, or set the context's verify_peer, verify_peer_name and cafile."},
	{"node", noCheck, "Leave rejectUnauthorized alone, and see to it that NODE_TLS_REJECT_UNAUTHORIZED is set nowhere."},
	{"java/SSLSocket", []manner{checksNoName}, "A socket of JSSE compares the name only if it is told so: SSLParameters.setEndpointIdentificationAlgorithm(\"HTTPS\")."},
	{"openssl/s_client", nil, "It is a tool for looking at servers and refuses nothing by itself. In scripts add -verify_return_error -verify_hostname HOST."},
	{"gnutls-cli", noCheck, "Leave --insecure and --no-ca-verification away; in scripts add --verify-hostname HOST."},
	{"socat", noCheck, "Say OPENSSL:HOST:PORT,verify=1,commonname=HOST."},
	{"ncat", noCheck, "Add --ssl-verify, and --ssl-trustfile FILE where the system's store is not enough."},
	{"w3m", noCheck, "Put ssl_verify_server 1 into ~/.w3m/config or /etc/w3m/config."},
	{"links", noCheck, "Set ssl.certificates 2 in ~/.links/links.cfg, or use curl."},
	{"elinks", noCheck, "Put set connection.ssl.cert_verify = 1 into /etc/elinks/elinks.conf, or use curl."},
	{"lynx", noCheck, "With -dump nobody is there to answer lynx's question about a bad certificate: use curl in scripts, and take FORCE_SSL_PROMPT out of lynx.cfg."},
	{"emacs", noCheck, "Put (setq gnutls-verify-error t network-security-level 'high) into the init file: in batch mode Emacs asks nobody."},
	{"busybox", noCheck, "BusyBox' own TLS checks nothing: install openssl beside it, which its wget then uses, or use curl or wget."},
	{"aria2c", noCheck, "Leave --check-certificate at true, and look into ~/.aria2/aria2.conf."},
	{"axel", noCheck, "Upgrade to axel 2.17.8 or later, and take insecure out of ~/.axelrc."},
	{"lftp", nil, "Put set ssl:verify-certificate yes and set ssl:check-hostname yes into /etc/lftp.conf; for what must not be read by others use curl."},
	{"lua", noCheck, "Say verify = \"peer\" and cafile = in each request. LuaSec compares no names: use another library where that matters."},
	{"tclsh", noCheck, "Say ::tls::socket -require 1 -cadir /etc/ssl/certs. Before tcltls 1.8 the name is not compared: use curl."},
	{"guile", noCheck, "Upgrade to Guile 3.0.1 or later, whose (web client) checks."},
	{"erlang", noCheck, "Upgrade to Erlang/OTP 26, which checks by itself; before it pass {ssl, [{verify, verify_peer}, {cacerts, public_key:cacerts_get()}, {customize_hostname_check, …}]}."},
	{"debsecan", noCheck, "Take DISABLE_HTTPS_CHECK out of /etc/default/debsecan."},
	{"mono", noCheck, "Upgrade to Mono 5 or later, which uses BoringSSL, and leave ServicePointManager.ServerCertificateValidationCallback alone."},
}

// general is the advice for a client that has no row, by the group of the worst
// case.
var general = map[string]string{
	"P": "Upgrade it, or forbid what is old for the whole system: MinProtocol and CipherString in /etc/ssl/openssl.cnf, /etc/gnutls/config.",
	"K": "Upgrade it, or raise the security level for the whole system: CipherString = DEFAULT@SECLEVEL=2 in /etc/ssl/openssl.cnf.",
	"R": "Where withdrawn certificates matter use a client that asks for OCSP, such as curl --cert-status.",
	"S": "Take away the other ways to trust as well: see the snippets of wontfix pin.",
}

const replace = "Upgrade it, or use another program for what matters."

// advise says what to do about clients that fail alike, those with the same
// advice together.
func advise(alike []fault) []wontfix.Advice {
	list := []wontfix.Advice{}
	for _, f := range alike {
		text := remedyFor(f)
		i := slices.IndexFunc(list, func(a wontfix.Advice) bool { return a.Text == text })
		if i < 0 {
			i = len(list)
			list = append(list, wontfix.Advice{Text: text})
		}
		list[i].Clients = append(list[i].Clients, f.client.ID)
	}
	return list
}

func remedyFor(f fault) string {
	for _, r := range remedies {
		within := f.client.Kind == r.kind || strings.HasPrefix(f.client.Kind, r.kind+"/") || strings.HasPrefix(f.client.Kind, r.kind+"-")
		if within && (r.manners == nil || slices.Contains(r.manners, f.manner)) {
			return r.text
		}
	}
	if f.manner == acceptsSome {
		if s := general[slices.Concat(f.accepts, f.leaks)[0][:1]]; s != "" {
			return s
		}
	}
	return replace
}
