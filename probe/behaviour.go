package probe

import (
	"slices"
	"strings"

	"wontfix"
)

// A symptom says in which cases a client shows whether it has a vulnerability:
// it does if it accepts one of them, and it has the fix if it refuses them all.
type symptom struct {
	id    string
	kinds []string // of clients, as [wontfix.Client.Kind]
	cases []string
	// Given are cases that it has to refuse for anything to follow: a client that
	// checks no name at all says nothing about how it reads one.
	given []string
	// Sources are the source packages that trackers file it under; {program} is
	// the client's, "python2.7".
	sources []string
}

// unchecked are the cases that a client accepts which checks nothing.
var unchecked = []string{"T02", "T03", "N01"}

// symptoms are from the texts of the vulnerabilities, and what was done about
// them: the fix has to be one that the cases see.
var symptoms = []symptom{
	{id: "CVE-2014-9365", kinds: []string{"python/urllib", "python/http.client", "python/xmlrpc"}, cases: unchecked, sources: []string{"{program}"}},
	{id: "CVE-2013-4238", kinds: []string{"python/urllib", "python/http.client"}, cases: []string{"N14"}, given: []string{"N01"}, sources: []string{"{program}"}},
	{id: "CVE-2013-7440", kinds: []string{"python/urllib", "python/http.client"}, cases: []string{"N17"}, given: []string{"N01"}, sources: []string{"{program}"}},
	{id: "CVE-2023-31486", kinds: []string{"perl/HTTP::Tiny"}, cases: unchecked, sources: []string{"perl", "libhttp-tiny-perl"}},
	{id: "CVE-2011-0633", kinds: []string{"perl/LWP"}, cases: unchecked, sources: []string{"libwww-perl", "liblwp-protocol-https-perl"}},
	{id: "CVE-2013-4073", kinds: []string{"ruby/Net::HTTP", "ruby/open-uri"}, cases: []string{"N14"}, given: []string{"N01"}, sources: []string{"ruby1.8", "ruby1.9.1", "ruby2.0", "{program}"}},
	{id: "CVE-2015-1855", kinds: []string{"ruby/Net::HTTP", "ruby/open-uri"}, cases: []string{"N17"}, given: []string{"N01"}, sources: []string{"ruby1.8", "ruby1.9.1", "ruby2.0", "ruby2.1", "{program}"}},
	{id: "CVE-2012-2126", kinds: []string{"ruby/gem"}, cases: unchecked, sources: []string{"rubygems", "ruby1.9.1", "{program}"}},
	{id: "CVE-2013-4248", kinds: []string{"php/file_get_contents", "php/stream_socket_client"}, cases: []string{"N14"}, given: []string{"N01"}, sources: []string{"php5", "{program}"}},
	{id: "CVE-2021-44531", kinds: []string{"node/https", "node/tls"}, cases: []string{"N29"}, given: []string{"N01"}, sources: []string{"nodejs"}},
	{id: "CVE-2021-44532", kinds: []string{"node/https", "node/tls"}, cases: []string{"N24"}, given: []string{"N01"}, sources: []string{"nodejs"}},
	{id: "CVE-2021-44533", kinds: []string{"node/https", "node/tls"}, cases: []string{"N30"}, given: []string{"N01"}, sources: []string{"nodejs"}},
	{id: "CVE-2009-2417", kinds: []string{"curl"}, cases: []string{"N15"}, given: []string{"N01"}, sources: []string{"curl"}},
	{id: "CVE-2014-0139", kinds: []string{"curl"}, cases: []string{"N13"}, given: []string{"N12"}, sources: []string{"curl"}},
	{id: "CVE-2009-3490", kinds: []string{"wget"}, cases: []string{"N15"}, given: []string{"N01"}, sources: []string{"wget"}},
	{id: "CVE-2010-4237", kinds: []string{"hg"}, cases: []string{"N01"}, sources: []string{"mercurial"}},
	{id: "CVE-2014-3522", kinds: []string{"svn"}, cases: []string{"N03"}, given: []string{"N01"}, sources: []string{"subversion"}},
	{id: "CVE-2010-2074", kinds: []string{"w3m"}, cases: []string{"N14", "N15"}, given: []string{"N01"}, sources: []string{"w3m"}},
	{id: "CVE-2012-5821", kinds: []string{"lynx"}, cases: []string{"T02", "T03"}, sources: []string{"lynx", "lynx-cur"}},
	{id: "CVE-2012-6709", kinds: []string{"elinks", "links"}, cases: unchecked, sources: []string{"elinks", "links2", "links"}},
	{id: "CVE-2018-1000500", kinds: []string{"busybox/wget"}, cases: unchecked, sources: []string{"busybox"}},
	{id: "CVE-2020-13614", kinds: []string{"axel"}, cases: []string{"N01"}, given: []string{"T02"}, sources: []string{"axel"}},
	{id: "CVE-2009-2730", kinds: []string{"gnutls-cli"}, cases: []string{"N14", "N15"}, given: []string{"N01"}, sources: []string{"gnutls26", "gnutls28"}},
	{id: "CVE-2009-5138", kinds: []string{"gnutls-cli"}, cases: []string{"C14"}, given: []string{"T02"}, sources: []string{"gnutls26", "gnutls28"}},
	{id: "CVE-2014-0224", kinds: []string{"openssl/s_client"}, cases: []string{"P18"}, sources: []string{"openssl", "openssl098"}},
	{id: "CVE-2015-0204", kinds: []string{"openssl/s_client"}, cases: []string{"P13"}, sources: []string{"openssl", "openssl098"}},
	{id: "CVE-2015-2319", kinds: []string{"mono/WebClient"}, cases: []string{"P13"}, sources: []string{"mono"}},
}

// Behaviours returns what the outcomes of a probe say of vulnerabilities. The
// packages are those of the machine: a library belongs to the one of its source
// that has its version, everything else to the one that has the program.
func Behaviours(p *wontfix.Probe, packages []wontfix.Package) []wontfix.Behaviour {
	l := newLedger(p)
	list := []wontfix.Behaviour{}
	for _, s := range symptoms {
		for _, c := range p.Clients {
			if !slices.Contains(s.kinds, c.Kind) {
				continue
			}
			shows, because := s.of(l, c.ID)
			if shows == "" {
				continue
			}
			b := wontfix.Behaviour{ID: s.id, Time: p.Time, Client: c.ID, Path: c.Path, Shows: shows, Because: because}
			program, _, _ := strings.Cut(c.ID, "/")
			for _, source := range s.sources {
				b.Sources = append(b.Sources, strings.ReplaceAll(source, "{program}", program))
			}
			b.Package, b.Version = packageOf(c, b.Sources, packages)
			list = append(list, b)
		}
	}
	return list
}

// of returns what a client's outcomes show, "" for nothing.
func (s symptom) of(l ledger, client string) (shows wontfix.Shows, because string) {
	verdicts := map[string]Verdict{}
	for _, o := range l.of[client] {
		verdicts[o.Case] = o.Verdict
	}
	for _, id := range s.given {
		if verdicts[id] != Reject {
			return "", ""
		}
	}
	var accepted []string
	refused := 0
	for _, id := range s.cases {
		switch verdicts[id] {
		case Accept:
			accepted = append(accepted, id)
		case Reject:
			refused++
		}
	}
	words := func(ids []string) string {
		var list []string
		for _, id := range ids {
			list = append(list, l.cases[id].Presents+" ("+id+")")
		}
		return strings.Join(list, ", ")
	}
	switch {
	case len(accepted) > 0:
		return wontfix.ShowsVulnerable, "accepts " + words(accepted)
	case refused == len(s.cases):
		return wontfix.ShowsFixed, "refuses " + words(s.cases)
	}
	return "", ""
}

// packageOf returns the binary package that a client belongs to, as far as a
// tracker would file the vulnerability under its source.
func packageOf(c wontfix.Client, sources []string, packages []wontfix.Package) (name, version string) {
	if c.Package == "" {
		return "", "" // the interpreter is not the distribution's, so neither is what it loads
	}
	if slices.Contains(sources, c.Source) {
		return c.Package, c.PackageVersion
	}
	for _, source := range sources { // the likeliest first
		for _, p := range packages {
			if p.Source == source && c.Version != "" && strings.HasPrefix(upstream(p.Version), c.Version) {
				return p.Name, p.Version
			}
		}
	}
	return "", ""
}

// upstream returns the part of a package's version that is the software's own.
func upstream(version string) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		version = version[:i]
	}
	return version
}
