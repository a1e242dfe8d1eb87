package report

import (
	"time"

	"wontfix"
)

// exampleCases are some cases of each group.
func exampleCases() []wontfix.Case {
	reject := func(id, presents string, s wontfix.Severity, reference string, cves ...string) wontfix.Case {
		return wontfix.Case{ID: id, Presents: presents, Expect: wontfix.ExpectReject, Severity: s, Reference: reference, CVEs: cves, Host: "good.tlsprobe.test"}
	}
	return []wontfix.Case{
		{ID: "T01", Presents: "valid chain", Expect: wontfix.ExpectAccept, Severity: wontfix.SeverityControl, Reference: "RFC 5280 6.1", Host: "good.tlsprobe.test", Core: true},
		reject("T02", "untrusted root", wontfix.SeverityCritical, "RFC 5280 6.1.1(d)", "CVE-2014-9365"),
		reject("T03", "self-signed leaf", wontfix.SeverityCritical, "RFC 5280 6.1", "CVE-2014-9365"),
		reject("T05", "expired leaf", wontfix.SeverityHigh, "RFC 5280 6.1.3(a)(2)"),
		reject("N01", "wrong host", wontfix.SeverityCritical, "RFC 9525 6", "CVE-2014-9365"),
		{ID: "N18", Presents: "trailing dot in a dNSName", Expect: wontfix.ExpectEither, Severity: wontfix.SeverityInfo, Host: "good.tlsprobe.test"},
		{ID: "P01", Presents: "TLS 1.3 only", Expect: wontfix.ExpectAccept, Severity: wontfix.SeverityInterop, Host: "good.tlsprobe.test"},
		reject("P04", "TLS 1.0 only", wontfix.SeverityMedium, "RFC 8996"),
		reject("P15", "sign of a downgrade is ignored", wontfix.SeverityHigh, "RFC 8446 4.1.3"),
		reject("M01", "SMTP with a mail server's self-made certificate", wontfix.SeverityHigh, "RFC 8314"),
	}
}

// exampleOutcomes makes the outcomes of a client from a letter a case: a
// accepts, l leaks, r rejects, t times out, e never connects, n has no verdict,
// s does nothing that shows it; a space is a case that is not for it.
func exampleOutcomes(client, letters string) []wontfix.Outcome {
	verdicts := map[rune]wontfix.Verdict{'a': wontfix.VerdictAccept, 'l': wontfix.VerdictLeak, 'r': wontfix.VerdictReject, 't': wontfix.VerdictTimeout,
		'e': wontfix.VerdictError, 'n': wontfix.VerdictNone, 's': wontfix.VerdictNone}
	var list []wontfix.Outcome
	cases := exampleCases()
	for i, r := range letters {
		if r == ' ' {
			continue
		}
		o := wontfix.Outcome{Client: client, Case: cases[i].ID, Verdict: verdicts[r], Seen: wontfix.Seen{Connections: 1, Request: r == 'a' || r == 'l'}, Duration: 120 * time.Millisecond}
		switch r {
		case 's':
			o.Seen.Note = "the client offers no TLS 1.3"
			o.Reason = o.Seen.Note
		case 'e':
			o.Reason = "wget: error getting response: Connection reset by peer"
		case 'n':
			o.Reason = "control T01 was not accepted: wget: error getting response: Connection reset by peer"
		case 'r':
			o.Seen.Alert, o.Reason = 48, "alert unknown certificate authority"
		}
		list = append(list, o)
	}
	return list
}

// exampleProbe has a client of each kind of failure, and some of none.
func exampleProbe() *wontfix.Probe {
	p := &wontfix.Probe{
		Schema: wontfix.ProbeSchema, Tool: "wontfix 1.0.0", Time: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC),
		Room:    wontfix.Room{Isolated: true, Nobody: true},
		Summary: wontfix.ProbeSummary{Clients: 9, Cases: 10, Unsafe: 5, Leaking: 1, Safe: 3, Undecided: 1, Overrides: 3, Effective: 1},
		Cases:   exampleCases(),
	}
	for _, c := range []struct{ id, kind, path, version, library, protocol, letters string }{
		{"python2.7/http.client", "python/http.client", "/usr/bin/python2.7", "2.7.6", "OpenSSL 1.0.1f", "https", "aaaaaaaa  "},
		{"python2.7/urllib", "python/urllib", "/usr/bin/python2.7", "2.7.6", "OpenSSL 1.0.1f", "https", "aaaaaaaa  "},
		{"python2.7/smtplib", "python/smtplib", "/usr/bin/python2.7", "2.7.6", "OpenSSL 1.0.1f", "smtps", "aaaaaaaasa"},
		{"lftp", "lftp", "/usr/bin/lftp", "4.9.2", "GnuTLS 3.7.9", "https", "allrlaarr "},
		{"oldtool", "oldtool", "/opt/oldtool/bin/oldtool", "0.9", "", "https", "arrrrrrar "},
		{"busybox/wget", "busybox/wget", "/bin/busybox", "1.35.0", "", "https", "ennnnnnnn "},
		{"curl", "curl", "/usr/bin/curl", "7.88.1", "OpenSSL 3.0.19", "https", "arrrraarr "},
		{"perl/LWP", "perl/LWP", "/usr/bin/perl", "6.68", "OpenSSL 3.0.19", "https", "arrrraarr "},
		{"perl/Mojo", "perl/Mojo", "/usr/bin/perl", "9.31", "OpenSSL 3.0.19", "https", "arrrraarr "},
	} {
		p.Clients = append(p.Clients, wontfix.Client{ID: c.id, Kind: c.kind, Path: c.path, Version: c.version, Library: c.library, Protocol: c.protocol, Args: []string{"{url}"}})
		p.Outcomes = append(p.Outcomes, exampleOutcomes(c.id, c.letters)...)
	}
	python := []string{"python2.7/http.client", "python2.7/urllib", "python2.7/smtplib"}
	p.Failures = []wontfix.Failure{
		{Severity: wontfix.SeverityCritical, Clients: python, Accepts: []string{"T02", "T03", "T05", "N01", "P04"},
			Wrong: "Takes any certificate: neither who signed it nor whose it is is checked.", Means: "Whoever is between this machine and a server can pose as the server.",
			Advice: []wontfix.Advice{{Clients: python[:2], Text: "Move to Python 3."}, {Clients: python[2:], Text: "Pass context=ssl.create_default_context()."}},
			Decided: []wontfix.Decided{{ID: "CVE-2014-9365", Source: "python2.7", Release: "trusty", Decision: wontfix.DecisionWontFix, Reasons: []string{"too-intrusive"},
				Origin: &wontfix.Origin{Class: wontfix.ClassDecision, Decided: &wontfix.Revision{Commit: "e1bd2332a64d", Author: "Marc Deslauriers", Time: time.Date(2018, 4, 25, 12, 0, 0, 0, time.UTC)}}}}},
		{Severity: wontfix.SeverityCritical, Clients: []string{"lftp"}, Leaks: []string{"T02", "T03", "N01"}, Wrong: "Sends its request first, and refuses the certificate afterwards.",
			Means: "What a request carries reaches whoever poses as the server.", Advice: []wontfix.Advice{{Clients: []string{"lftp"}, Text: "For what must not be read by others use curl."}}},
		{Severity: wontfix.SeverityMedium, Clients: []string{"oldtool"}, Accepts: []string{"P04"}, Wrong: "Accepts: TLS 1.0 only.", Means: "The connection can be read or changed in spite of TLS.",
			Advice: []wontfix.Advice{{Clients: []string{"oldtool"}, Text: "Upgrade it."}}},
	}
	p.Overrides = []wontfix.Override{
		{ID: "curl-insecure", Kind: "file", Class: wontfix.OverrideOff, Source: "/etc/curlrc", Line: 3, Match: "insecure", Clients: []string{"curl"}, Summary: "verification off (curl)",
			Effect: []wontfix.Effect{{Client: "curl", Case: "T02", Before: wontfix.VerdictReject, After: wontfix.VerdictAccept}}},
		{ID: "proxy", Kind: "env", Class: wontfix.OverrideRedirect, Source: "https_proxy", Match: "https_proxy=http://proxy.example:3128", Clients: []string{"curl"}, Summary: "not measured: the room has no proxy"},
		{ID: "NODE_OPTIONS", Kind: "env", Class: wontfix.OverrideHook, Source: "NODE_OPTIONS", Match: "NODE_OPTIONS", Clients: []string{"node/https"}, Summary: "not measured: it would run code", Note: "with --require alone"},
	}
	p.Shell = &wontfix.ProbeInShell{Unsafe: 1, Outcomes: append(exampleOutcomes("curl", "aaaaaaarr "), exampleOutcomes("perl/LWP", "arrrraarr ")...)}
	p.Behaviour = []wontfix.Behaviour{
		{ID: "CVE-2014-9365", Sources: []string{"python2.7"}, Time: p.Time, Client: "python2.7/urllib", Path: "/usr/bin/python2.7", Shows: wontfix.ShowsVulnerable, Because: "accepts T02, T03, N01",
			Package: "python2.7-minimal", Version: "2.7.6-8"},
		{ID: "CVE-2023-31486", Sources: []string{"perl"}, Time: p.Time, Client: "perl/HTTP::Tiny", Path: "/usr/bin/perl", Shows: wontfix.ShowsFixed, Because: "refuses T02, T03, N01"},
	}
	p.Untested = []wontfix.Untested{{Path: "/usr/bin/lua5.4", Why: "what it says of itself has no \"luasec\""}}
	p.Absent = []string{"ruby", "php"}
	return p
}
