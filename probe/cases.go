package probe

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"wontfix"
)

// The names that the cases use. All of them lead to the loopback address, and
// none can be registered, RFC 6761.
const (
	HostGood  = "good.tlsprobe.test"
	HostOther = "other.tlsprobe.test" // where redirects lead
	hostDeep  = "a.b.tlsprobe.test"
	hostTop   = "probe.test"
	hostIDN   = "xn--bcher-kva.tlsprobe.test"
	hostDot   = HostGood + "."
	hostIP    = "127.0.0.1"
)

// Hosts returns the names that have to lead to the loopback address for the
// cases to be played.
func Hosts() []string {
	return []string{HostGood, HostOther, hostDeep, hostTop, hostIDN, hostDot}
}

// A Case says how a server misbehaves. Each differs from the control in one
// property.
type Case struct {
	wontfix.Case

	change func(*plan)       // what is different in the certificates
	config func(*tls.Config) // and in the protocol
	half   func(*half)       // a handshake that crypto/tls does not play
	act    action            // what is different after the handshake
	proxy  bool              // the client is told to use the server as its proxy
}

// A plan is what a server presents.
type plan struct {
	a                  *Authority
	host               string
	leaf, issuer, root *certificate
	send               []*certificate  // after the leaf; nil is the issuer
	key                *rsa.PrivateKey // that the server holds; nil is the leaf's
	staple             func(*plan) ([]byte, error)
}

// Cases returns all cases, the control first.
func Cases() []Case { return slices.Clone(cases()) }

// CaseByID returns the case with an ID.
func CaseByID(id string) (Case, bool) {
	i := slices.IndexFunc(cases(), func(c Case) bool { return c.ID == id })
	if i < 0 {
		return Case{}, false
	}
	return cases()[i], true
}

// applies reports whether a case can be played for a client's protocol.
func (c Case) applies(protocol string) bool {
	if len(c.Protocols) > 0 {
		return slices.Contains(c.Protocols, protocol)
	}
	return true
}

var (
	web   = []string{"https"}
	start = []string{"smtp", "imap", "pop3"}
)

func reject(id, presents string, s Severity, reference string, change func(*plan), cves ...string) Case {
	return Case{Case: wontfix.Case{ID: id, Presents: presents, Expect: ExpectReject, Severity: s, Reference: reference, Host: HostGood, CVEs: cves}, change: change}
}

func accept(id, presents, reference string, change func(*plan)) Case {
	return Case{Case: wontfix.Case{ID: id, Presents: presents, Expect: ExpectAccept, Severity: Interop, Reference: reference, Host: HostGood}, change: change}
}

func either(id, presents string, s Severity, reference string, change func(*plan)) Case {
	return Case{Case: wontfix.Case{ID: id, Presents: presents, Expect: ExpectEither, Severity: s, Reference: reference, Host: HostGood}, change: change}
}

// at moves a case to another name.
func (c Case) at(host string) Case { c.Host = host; return c }

// control makes one whose acceptance the other verdicts of its kind rest on.
func (c Case) control() Case { c.Severity = Control; return c }

// in says which protocols a case is for.
func (c Case) in(protocols ...string) Case { c.Protocols = protocols; return c }

// with sets how the protocol differs.
func (c Case) with(f func(*tls.Config)) Case { c.config = f; return c }

// played sets the half handshake.
func (c Case) played(f func(*half)) Case { c.half = f; return c }

// then sets what the server does after the handshake.
func (c Case) then(a action) Case { c.act = a; return c }

// proxied tells the client to use the server as its proxy.
func (c Case) proxied() Case { c.proxy = true; return c }

// pinned says that it is for clients that trust one authority only.
func (c Case) pinned() Case { c.Pinned = true; return c }

// names replaces the names of the leaf.
func names(list ...generalName) func(*plan) {
	return func(p *plan) { p.leaf.set(subjectAltName(list...)) }
}

// leafWith and issuerWith put an extension into a certificate.
func leafWith(e pkix.Extension) func(*plan) { return func(p *plan) { p.leaf.set(e) } }

func issuerWith(e pkix.Extension) func(*plan) { return func(p *plan) { p.issuer.set(e) } }

func critical(e pkix.Extension, yes bool) pkix.Extension { e.Critical = yes; return e }

// nameless puts a name into the subject and takes the others away.
func nameless(cn string) func(*plan) {
	return func(p *plan) {
		p.leaf.subject = common(cn)
		p.leaf.remove(oidSubjectAltName)
	}
}

// weakKey gives the leaf a short key.
func weakKey(name string) func(*plan) { return func(p *plan) { p.leaf.key = p.a.keys[name] } }

// only limits the versions of TLS.
func only(version uint16) func(*tls.Config) {
	return func(c *tls.Config) { c.MinVersion, c.MaxVersion = version, version }
}

var unknownExtension = pkix.Extension{Id: oidUnknown, Value: []byte{0x05, 0x00}}

// cases are made when they are first asked for, and so are the other tables of
// this package: else each start of the program, whatever it is for, makes them.
var cases = sync.OnceValue(func() []Case {
	return markCore(slices.Concat(trustCases(), nameCases(), constraintCases(), keyCases(), protocolCases(), revocationCases(), webCases(), mailCases(), pinCases()),
		"T01", "T02", "T03", "T05", "T07", "T09", "T11", "N01", "N08", "N14", "C01", "K02")
})

func markCore(list []Case, ids ...string) []Case {
	for i := range list {
		list[i].Core = slices.Contains(ids, list[i].ID)
	}
	return list
}

func trustCases() []Case {
	return []Case{
		accept("T01", "valid chain", "RFC 5280 6.1", nil).control(),
		reject("T02", "untrusted root", Critical, "RFC 5280 6.1.1(d)", func(p *plan) {
			p.root = p.a.authority("wontfix throw-away untrusted root", "stranger", nil)
			p.issuer.issuer = p.root
			p.send = []*certificate{p.issuer, p.root}
		}, "CVE-2014-9365", "CVE-2023-31486"),
		reject("T03", "self-signed leaf", Critical, "RFC 5280 6.1", func(p *plan) {
			p.leaf.issuer, p.leaf.subject = nil, common(p.host)
			p.send = []*certificate{}
		}, "CVE-2014-9365", "CVE-2023-31486"),
		reject("T04", "missing intermediate", Low, "RFC 8446 4.4.2", func(p *plan) { p.send = []*certificate{} }),
		reject("T05", "expired leaf", High, "RFC 5280 6.1.3(a)(2)", func(p *plan) { p.leaf.notAfter = p.a.now.Add(-time.Hour) }),
		reject("T06", "leaf not yet valid", High, "RFC 5280 6.1.3(a)(2)", func(p *plan) { p.leaf.notBefore = p.a.now.Add(24 * time.Hour) }),
		reject("T07", "expired intermediate", High, "RFC 5280 6.1.3(a)(2)", func(p *plan) { p.issuer.notAfter = p.a.now.Add(-time.Hour) }),
		reject("T08", "expired but trusted root", Medium, "RFC 5280 6.1 leaves it open", func(p *plan) {
			p.root = p.a.expired
			p.issuer.issuer = p.root
		}),
		reject("T09", "impostor root: the trusted root's name, another key", Critical, "RFC 5280 6.1.3(a)(1)", func(p *plan) {
			p.root = p.a.authority("", "stranger", nil)
			p.root.subject = p.a.root.subject
			p.issuer.issuer = p.root
			p.send = []*certificate{p.issuer, p.root}
		}),
		reject("T10", "damaged signature on the leaf", Critical, "RFC 5280 6.1.3(a)(1)", func(p *plan) { p.leaf.damaged = true }, "CVE-2008-5077"),
		reject("T11", "stolen certificate: the server does not hold its key", Critical, "RFC 8446 4.4.3", func(p *plan) { p.key = p.a.keys["stranger"] }, "CVE-2014-1266"),
		accept("T12", "chain out of order, with an unrelated certificate", "RFC 8446 4.4.2", func(p *plan) {
			p.send = []*certificate{p.a.leaf(p.issuer, dns("unrelated.tlsprobe.test")), p.root, p.issuer}
		}),
		accept("T13", "two paths, one through an expired root", "RFC 4158", func(p *plan) {
			cross := p.a.authority("", "root", p.a.expired)
			cross.subject = p.root.subject
			p.send = []*certificate{p.issuer, cross}
		}),
		reject("T14", "a hundred intermediates that sign each other", High, "RFC 4158", func(p *plan) {
			one, two := p.a.authority("wontfix throw-away loop one", "issuer", nil), p.a.authority("wontfix throw-away loop two", "stranger", nil)
			p.leaf.issuer, p.send = one, nil
			for range 50 {
				p.send = append(p.send, p.a.authority("wontfix throw-away loop one", "issuer", two), p.a.authority("wontfix throw-away loop two", "stranger", one))
			}
		}, "CVE-2024-28835"),
	}
}

func nameCases() []Case {
	return []Case{
		reject("N01", "wrong host", Critical, "RFC 9525 6", names(dns("wrong.tlsprobe.test")), "CVE-2014-9365", "CVE-2023-31486"),
		accept("N02", "wildcard *.tlsprobe.test", "RFC 9525 6.3", names(dns("*.tlsprobe.test"))).control(),
		reject("N03", "wildcard for two labels", High, "RFC 9525 6.3", names(dns("*.tlsprobe.test"))).at(hostDeep),
		reject("N04", "wildcard of a top-level domain", Medium, "RFC 9525 7.1", names(dns("*.test"))).at(hostTop),
		reject("N05", "partial wildcard go*.tlsprobe.test", Medium, "RFC 9525 6.3", names(dns("go*.tlsprobe.test"))),
		reject("N06", "bare wildcard *", High, "RFC 9525 6.3", names(dns("*"))),
		reject("N07", "name in the common name only", Low, "RFC 9525 6.1", nameless(HostGood)),
		reject("N08", "common name right, subjectAltName another", High, "RFC 6125 6.4.4", func(p *plan) {
			p.leaf.subject = common(p.host)
			p.leaf.set(subjectAltName(dns("wrong.tlsprobe.test")))
		}),
		accept("N09", "IP address in iPAddress", "RFC 9110 4.3.5", names(address(hostIP))).at(hostIP).control(),
		reject("N10", "IP address written in a dNSName", Medium, "RFC 9525 6.5", names(dns(hostIP))).at(hostIP),
		reject("N11", "IP address in the common name only", Medium, "RFC 9110 4.3.5", nameless(hostIP)).at(hostIP),
		reject("N12", "wrong IP address", Critical, "RFC 9110 4.3.5", names(address("127.0.0.2"))).at(hostIP),
		reject("N13", "wildcard dNSName for an IP address", High, "RFC 9525 6.3", names(dns("*.0.0.1")), "CVE-2014-0139", "CVE-2010-3170").at(hostIP),
		reject("N14", "NUL inside a dNSName", Critical, "RFC 5280 4.2.1.6", names(dns(HostGood+"\x00.wrong.test")), "CVE-2009-2408", "CVE-2013-4238", "CVE-2013-4073"),
		reject("N15", "NUL inside the common name", Critical, "RFC 5280 4.2.1.6", nameless(HostGood+"\x00.wrong.test"), "CVE-2009-2408", "CVE-2009-2417"),
		accept("N16", "internationalised name as an A-label", "RFC 9525 6.3", names(dns(hostIDN))).at(hostIDN),
		reject("N17", "wildcard inside an A-label", Medium, "RFC 6125 6.4.3", names(dns("xn--b*.tlsprobe.test")), "CVE-2013-7440", "CVE-2015-1855").at(hostIDN),
		either("N18", "trailing dot in a dNSName", Info, "RFC 5280 4.2.1.6", names(dns(HostGood+"."))),
		accept("N19", "dNSName in upper case", "RFC 9525 6.3", names(dns("GOOD.TLSPROBE.TEST"))),
		reject("N20", "leading dot .tlsprobe.test", Medium, "RFC 9525 6.3", names(dns(".tlsprobe.test"))),
		reject("N21", "parent domain tlsprobe.test", High, "RFC 9525 6.3", names(dns("tlsprobe.test"))),
		reject("N22", "mail address only, common name right", Low, "RFC 9525 6.1", func(p *plan) {
			p.leaf.subject = common(p.host)
			p.leaf.set(subjectAltName(generalName{tagMail, []byte("root@" + p.host)}))
		}),
		reject("N23", "wildcard in the middle good.*.test", Medium, "RFC 9525 6.3", names(dns("good.*.test"))),
		reject("N24", "names joined by a comma in one dNSName", Medium, "RFC 5280 4.2.1.6", names(dns("wrong.test, DNS:"+HostGood)), "CVE-2021-44532"),
		either("N25", "trailing dot in the URL", Info, "RFC 9525 6.3", names(dns(HostGood))).at(hostDot),
		reject("N26", "internationalised name in UTF-8", Medium, "RFC 5280 7.2", names(dns("bücher.tlsprobe.test"))).at(hostIDN),
		reject("N27", "IPv4 address mapped into 16 bytes", Medium, "RFC 5280 4.2.1.6",
			names(generalName{tagAddress, []byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}})).at(hostIP),
		accept("N28", "a thousand names, ours the last", "RFC 5280 4.2.1.6", func(p *plan) {
			list := make([]generalName, 0, 1000)
			for i := range 999 {
				list = append(list, dns(fmt.Sprintf("host%03d.tlsprobe.test", i)))
			}
			p.leaf.set(subjectAltName(append(list, dns(p.host))...))
		}),
		reject("N29", "name in a URI only", Medium, "RFC 9525 6.1", names(generalName{tagURI, []byte("https://" + HostGood + "/")}), "CVE-2021-44531"),
		reject("N30", "common name smuggled into another attribute", Medium, "RFC 5280 4.1.2.4", func(p *plan) {
			p.leaf.subject = []attribute{
				{oid: oidCommonName, value: "wrong.test"},
				{oid: oidOrganization, value: "x\nCN=" + p.host, joins: true},
			}
			p.leaf.remove(oidSubjectAltName)
		}, "CVE-2021-44533"),
		accept("N31", "right certificate only for a client that names the host", "RFC 6066 3", nil).with(func(c *tls.Config) {
			right := c.Certificates[0]
			wrong := c.Certificates[1]
			c.Certificates = nil
			c.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if h.ServerName == "" {
					return &wrong, nil
				}
				return &right, nil
			}
		}),
	}
}

func constraintCases() []Case {
	return []Case{
		reject("C01", "issuer is no authority (CA:false)", Critical, "RFC 5280 6.1.4(k)", issuerWith(basicConstraints(false, -1)), "CVE-2002-0862", "CVE-2011-0228", "CVE-2021-3450"),
		reject("C02", "issuer without basicConstraints", Critical, "RFC 5280 6.1.4(k)", func(p *plan) { p.issuer.remove(oidBasicConstraints) }, "CVE-2009-5138", "CVE-2014-1959"),
		reject("C03", "path length 0 exceeded", High, "RFC 5280 6.1.4(l)", func(p *plan) {
			upper := p.a.authority("wontfix throw-away upper intermediate", "stranger", p.root)
			upper.set(basicConstraints(true, 0))
			p.issuer.issuer = upper
			p.send = []*certificate{p.issuer, upper}
		}),
		reject("C04", "issuer may name another domain only", High, "RFC 5280 4.2.1.10", issuerWith(nameConstraints([]generalName{dns("permitted.test")}, nil))),
		reject("C05", "issuer may not name our domain", High, "RFC 5280 4.2.1.10", issuerWith(nameConstraints(nil, []generalName{dns("tlsprobe.test")}))),
		accept("C06", "issuer may name our domain", "RFC 5280 4.2.1.10", issuerWith(nameConstraints([]generalName{dns("tlsprobe.test")}, nil))),
		reject("C07", "leaf is for clients (extKeyUsage)", High, "RFC 5280 4.2.1.12", leafWith(extKeyUsage(oidClientAuth))),
		reject("C08", "issuer is for clients (extKeyUsage)", Medium, "CABF BR 7.1.2.10.6", issuerWith(extKeyUsage(oidClientAuth))),
		reject("C09", "leaf's key is for signing certificates only", Low, "RFC 5280 4.2.1.3", leafWith(keyUsage(usageCertificate))),
		reject("C10", "issuer's key is not for signing certificates", High, "RFC 5280 6.1.4(n)", issuerWith(keyUsage(usageCRL))),
		reject("C11", "unknown critical extension in the leaf", High, "RFC 5280 6.1.5(f)", leafWith(critical(unknownExtension, true))),
		reject("C12", "unknown critical extension in the issuer", High, "RFC 5280 6.1.4(o)", issuerWith(critical(unknownExtension, true))),
		accept("C13", "unknown extension, not critical", "RFC 5280 4.2", leafWith(unknownExtension)),
		reject("C14", "issuer of X.509 version 1", Critical, "RFC 5280 6.1.4(k)", func(p *plan) { p.issuer.v1 = true }, "CVE-2009-5138", "CVE-2014-1959"),
		either("C15", "certificate of an authority as the server's", Low, "RFC 5280 4.2.1.9", leafWith(basicConstraints(true, -1))),
		reject("C16", "issuer may name other addresses only", High, "RFC 5280 4.2.1.10", func(p *plan) {
			p.leaf.set(subjectAltName(address(hostIP)))
			p.issuer.set(nameConstraints([]generalName{{tagAddress, []byte{10, 0, 0, 0, 255, 0, 0, 0}}}, nil))
		}).at(hostIP),
		reject("C17", "wildcard over a name that the issuer may not name", High, "RFC 5280 4.2.1.10", func(p *plan) {
			p.leaf.set(subjectAltName(dns("*.tlsprobe.test")))
			p.issuer.set(nameConstraints(nil, []generalName{dns(HostGood)}))
		}),
	}
}

func keyCases() []Case {
	return []Case{
		reject("K01", "leaf signed with SHA-1", High, "RFC 9155", func(p *plan) { p.leaf.hash = crypto.SHA1 }),
		reject("K02", "leaf signed with MD5", Critical, "RFC 6151", func(p *plan) { p.leaf.hash = crypto.MD5 }, "CVE-2004-2761"),
		reject("K03", "leaf's key RSA of 512 bits", Critical, "NIST SP 800-131A", weakKey("rsa512")).with(only(tls.VersionTLS12)),
		reject("K04", "leaf's key RSA of 1024 bits", Medium, "NIST SP 800-131A", weakKey("rsa1024")),
		reject("K05", "issuer signed with SHA-1", High, "RFC 8446 4.4.2.4", func(p *plan) { p.issuer.hash = crypto.SHA1 }),
		reject("K06", "issuer signed with MD5", Critical, "RFC 6151", func(p *plan) { p.issuer.hash = crypto.MD5 }, "CVE-2004-2761"),
		either("K07", "trusted root with RSA of 1024 bits", Info, "NIST SP 800-131A", func(p *plan) {
			p.root = p.a.weak
			p.issuer.issuer = p.root
		}),
	}
}

func protocolCases() []Case {
	return []Case{
		accept("P01", "TLS 1.3 only", "RFC 8446", nil).with(only(tls.VersionTLS13)),
		accept("P02", "TLS 1.2 only", "RFC 9325 3.1.1", nil).with(only(tls.VersionTLS12)),
		reject("P03", "TLS 1.1 only", Medium, "RFC 8996", nil).with(only(tls.VersionTLS11)),
		reject("P04", "TLS 1.0 only", Medium, "RFC 8996", nil, "CVE-2011-3389").with(only(tls.VersionTLS10)),
		reject("P05", "SSL 3.0 only", High, "RFC 7568", nil, "CVE-2014-3566").played(func(h *half) { h.version, h.suite = 0x0300, 0x002f }),
		reject("P06", "RC4 only", High, "RFC 7465", nil, "CVE-2013-2566").played(func(h *half) { h.suite, h.exchange = 0xc011, h.ecdhe }),
		reject("P07", "3DES only", Medium, "RFC 9325 4.1", nil, "CVE-2016-2183").played(func(h *half) { h.suite, h.exchange = 0xc012, h.ecdhe }),
		reject("P08", "no encryption (NULL)", Critical, "RFC 9325 4.1", nil).played(func(h *half) { h.suite, h.exchange = 0xc010, h.ecdhe }),
		reject("P09", "anonymous DH, no certificate", Critical, "RFC 5246 7.4.3", nil).played(func(h *half) {
			h.suite, h.exchange, h.anonymous = 0x0034, h.dhe(oakley2), true
		}),
		reject("P10", "anonymous ECDH, no certificate", Critical, "RFC 8422", nil).played(func(h *half) {
			h.suite, h.exchange, h.anonymous = 0xc018, h.ecdhe, true
		}),
		reject("P11", "Diffie-Hellman of 512 bits (Logjam)", High, "RFC 9325 4.2", nil, "CVE-2015-4000").played(func(h *half) { h.suite, h.exchange = 0x009e, h.dhe(prime512) }),
		reject("P12", "Diffie-Hellman of 1024 bits", Medium, "RFC 9325 4.2", nil, "CVE-2015-4000").played(func(h *half) { h.suite, h.exchange = 0x009e, h.dhe(oakley2) }),
		reject("P13", "export key for another suite (FREAK)", Critical, "RFC 5246 7.4.3", nil, "CVE-2015-0204").played(func(h *half) { h.suite, h.exchange = 0x002f, h.export }),
		reject("P14", "key exchange with a wrong signature", Critical, "RFC 5246 7.4.3", nil, "CVE-2014-1266").played(func(h *half) { h.exchange, h.wrong = h.ecdhe, true }),
		reject("P15", "TLS 1.2 with the mark of a downgrade from 1.3", High, "RFC 8446 4.1.3", nil).played(func(h *half) { h.exchange, h.downgraded = h.ecdhe, true }),
		either("P16", "RSA key exchange only, no forward secrecy", Info, "RFC 9325 4.1", nil).with(func(c *tls.Config) {
			only(tls.VersionTLS12)(c)
			c.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}),
		either("P17", "no renegotiation_info", Low, "RFC 5746", nil).played(func(h *half) { h.exchange, h.insecure = h.ecdhe, true }),
		reject("P18", "ChangeCipherSpec before its time", Critical, "RFC 5246 7.1", nil, "CVE-2014-0224").played(func(h *half) { h.exchange, h.early = h.ecdhe, true }),
	}
}

func revocationCases() []Case {
	return []Case{
		reject("R01", "stapled answer says revoked", Medium, "RFC 6960", func(p *plan) { p.staple = revoked }),
		reject("R02", "must staple, and does not", Low, "RFC 7633", leafWith(mustStaple())),
		either("R03", "stapled answer expired", Medium, "RFC 6960 4.2.2", func(p *plan) { p.staple = outdated }),
	}
}

func webCases() []Case {
	return []Case{
		either("X01", "redirect from https to http", Medium, "RFC 9110 15.4", nil).in(web...).then(redirectClear),
		accept("X02", "through a CONNECT proxy", "RFC 9110 9.3.6", nil).control().in(web...).proxied(),
		reject("X03", "through a CONNECT proxy, certificate names the proxy", Critical, "RFC 9110 9.3.6", names(dns(HostOther), address(hostIP)), "CVE-2021-28363").in(web...).proxied(),
		reject("X04", "redirect to a host with an untrusted certificate", Critical, "RFC 9110 15.4", nil).in(web...).then(redirectUntrusted),
		reject("X05", "password after a redirect to another host", High, "RFC 9110 15.4", nil, "CVE-2018-18074", "CVE-2018-1000007").in(web...).then(redirectPassword),
	}
}

func mailCases() []Case {
	return []Case{
		reject("M01", "SMTP with a mail server's self-made certificate", High, "RFC 8314", snakeOil).in("smtps", "smtp"),
		reject("M02", "IMAP with a mail server's self-made certificate", High, "RFC 8314", snakeOil).in("imaps", "imap"),
		reject("M03", "POP3 with a mail server's self-made certificate", High, "RFC 8314", snakeOil).in("pop3s", "pop3"),
		reject("M04", "FTP with a server's self-made certificate", High, "RFC 7817", snakeOil).in("ftps"),
		reject("M05", "STARTTLS not offered although asked for", High, "RFC 8314", nil, "CVE-2021-38371").in(start...).then(withoutSTARTTLS),
	}
}

// pinCases are for clients that trust one authority only: to all others their
// certificates are good.
func pinCases() []Case {
	return []Case{
		reject("S01", "chain from another root that the system trusts", High, "RFC 7469 2.6", func(p *plan) {
			p.root = p.a.other
			p.issuer.issuer = p.root
		}).pinned(),
	}
}

// snakeOil is what an installation makes for itself: self-signed, for the
// machine's own name.
func snakeOil(p *plan) {
	p.leaf.issuer, p.leaf.subject = nil, common("mail.localdomain")
	p.leaf.set(subjectAltName(dns("mail.localdomain")))
	p.send = []*certificate{}
}

// plan returns what a server of the case presents for a host.
func (a *Authority) plan(c Case, host string) *plan {
	p := &plan{a: a, host: host, root: a.root}
	p.issuer = a.authority("wontfix throw-away intermediate", "issuer", p.root)
	p.leaf = a.leaf(p.issuer, dns(host))
	if ip := net.ParseIP(host); ip != nil {
		p.leaf.set(subjectAltName(address(host)))
	}
	if c.change != nil {
		c.change(p)
	}
	return p
}

// chain writes the certificates and the key that the server signs with.
func (p *plan) chain() (tls.Certificate, error) {
	var out tls.Certificate
	send := p.send
	if send == nil {
		send = []*certificate{p.issuer}
	}
	for _, c := range append([]*certificate{p.leaf}, send...) {
		raw, err := c.write()
		if err != nil {
			return out, err
		}
		out.Certificate = append(out.Certificate, raw)
	}
	key := p.leaf.key
	if p.key != nil {
		key = p.key
	}
	out.PrivateKey = signer{key}
	if p.staple != nil {
		staple, err := p.staple(p)
		if err != nil {
			return out, err
		}
		out.OCSPStaple = staple
	}
	return out, nil
}
