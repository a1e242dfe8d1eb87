package report

import (
	"fmt"
	"time"

	"wontfix"
)

const exampleRevision = "95f1af5b8013bdf2e5663cf4f43ac2986c8f5c4a"

// exampleRow makes a row of the example tracker.
func exampleRow(id, release, source, status, detail string, line int) wontfix.Row {
	file := "retired/" + id
	return wontfix.Row{Name: "ubuntu", Release: release, Package: source, Status: status, Detail: detail, File: file, Line: line,
		Revision: exampleRevision, URL: fmt.Sprintf("https://tracker.example/tree/%s?id=%s#n%d", file, exampleRevision, line)}
}

func exampleTracker() wontfix.Tracker {
	return wontfix.Tracker{Name: "ubuntu", Title: "Ubuntu CVE Tracker", Source: "https://tracker.example/ubuntu-cve-tracker", Revision: exampleRevision,
		Time: time.Date(2020, 4, 7, 13, 14, 44, 0, time.UTC), Synced: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
}

func exampleMachine() *wontfix.Machine {
	return &wontfix.Machine{
		Name: "web3",
		OS: wontfix.OS{ID: "ubuntu", IDLike: []string{"debian"}, Name: "Ubuntu", PrettyName: "Ubuntu 14.04.1 LTS",
			VersionID: "14.04", Codename: "trusty", From: "etc/os-release"},
		Release:      wontfix.Release{Distribution: "ubuntu", Series: "trusty"},
		Base:         wontfix.Release{Distribution: "ubuntu", Series: "trusty"},
		Architecture: "armhf",
		Products:     []string{},
		Kernel:       wontfix.Kernel{Running: "3.13.0-32-generic", Installed: []string{"3.13.0-24-generic", "3.13.0-32-generic"}},
		Support: wontfix.Support{Version: "14.04 LTS", Codename: "Trusty Tahr", Released: wontfix.NewDate("2014-04-17"), Standard: wontfix.NewDate("2019-04-25"),
			Extended: wontfix.NewDate("2024-04-25"), Legacy: wontfix.NewDate("2029-04-25"), From: "embedded data of 2026-10-22"},
		Counts: wontfix.PackageCount{Binary: 686, Source: 341, Removed: 3},
	}
}

// exampleBehaviour is what a probe saw of python2.7, as the version says, and of
// two others, against it.
func exampleBehaviour() []wontfix.Behaviour {
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	vulnerable := wontfix.Behaviour{ID: "CVE-2014-9365", Sources: []string{"python2.7"}, Time: at, Client: "python2.7/urllib", Path: "/usr/bin/python2.7", Shows: wontfix.ShowsVulnerable,
		Because: "accepts untrusted root (T02), self-signed leaf (T03), wrong host (N01)", Package: "python2.7-minimal", Version: "2.7.6-8", VersionSays: "vulnerable"}
	same := vulnerable
	same.Client = "python2.7/xmlrpc"
	return []wontfix.Behaviour{vulnerable, same,
		{ID: "CVE-2012-5821", Sources: []string{"lynx"}, Time: at, Client: "lynx", Path: "/usr/bin/lynx", Shows: wontfix.ShowsFixed, Because: "refuses untrusted root (T02), self-signed leaf (T03)",
			Package: "lynx-cur", Version: "2.8.8pre4-1", VersionSays: "vulnerable"},
		{ID: "CVE-2018-1000500", Sources: []string{"busybox"}, Time: at, Client: "busybox/wget", Path: "/bin/busybox", Shows: wontfix.ShowsVulnerable, Because: "accepts untrusted root (T02)",
			Package: "busybox-static", Version: "1:1.21.0-1ubuntu1", VersionSays: "not-vulnerable"}}
}

// exampleScan is a machine with a finding of each outlook.
func exampleScan() *wontfix.Scan {
	security := &wontfix.Archive{Origin: "Ubuntu", Label: "Ubuntu", Suite: "trusty-security", Codename: "trusty", Component: "main",
		Site: "ports.example/ubuntu-ports", Date: "Thu, 25 Apr 2019 10:00:00 UTC", File: "var/lib/apt/lists/security_main_Packages"}
	updates := &wontfix.Archive{Origin: "Ubuntu", Suite: "trusty-updates", Codename: "trusty", Component: "main", File: "var/lib/apt/lists/updates_main_Packages"}
	overlay := &wontfix.Archive{Origin: "LP-PPA-linaro-overlay", Suite: "trusty", Component: "main", File: "var/lib/apt/lists/overlay_Packages"}
	python := []string{"libpython2.7-minimal", "libpython2.7-stdlib", "python2.7", "python2.7-minimal"}
	s := &wontfix.Scan{
		Schema: wontfix.ScanSchema, Tool: "wontfix 1.0.0", Time: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC),
		Behaviour: exampleBehaviour(),
		Machine:   exampleMachine(), Trackers: []wontfix.Tracker{exampleTracker()},
		Findings: []wontfix.Finding{
			{ID: "CVE-2014-9365", Source: "python2.7", SourceVersion: "2.7.6-8", Binaries: python,
				Tracker: exampleRow("CVE-2014-9365", "trusty", "python2.7", "ignored", "", 45), Status: wontfix.Affected, Decision: wontfix.DecisionWontFix,
				Reasons: []string{"too-intrusive", "eol-release"}, Evidence: wontfix.EvidenceNote,
				ReasonText: "This is quite a large change to backport into stable releases, and the change in behaviour most certainly will break certain setups.",
				ReasonLine: 22, Outlook: wontfix.Never, Priority: "medium", Published: "2014-12-12", Because: "the tracker has ignored for python2.7 in trusty", Behaviour: exampleBehaviour()[:2]},
			{ID: "CVE-2013-7040", Source: "python2.7", SourceVersion: "2.7.6-8", Binaries: python,
				Tracker: exampleRow("CVE-2013-7040", "trusty", "python2.7", "ignored", "", 31), Status: wontfix.Affected, Decision: wontfix.DecisionWontFix,
				Reasons: []string{"no-reason-given"}, Outlook: wontfix.Never, Priority: "low", Published: "2014-05-19", Because: "the tracker has ignored"},
			{ID: "CVE-2018-20839", Source: "systemd", SourceVersion: "204-5ubuntu20", Binaries: []string{"libudev1", "udev", "systemd-services", "libsystemd-login0", "libpam-systemd"},
				Tracker: exampleRow("CVE-2018-20839", "trusty", "systemd", "ignored", "reached end-of-life", 27), Status: wontfix.Affected, Decision: wontfix.DecisionEndOfLife,
				Reasons: []string{"eol-release"}, Evidence: wontfix.EvidenceBracket, ReasonText: "reached end-of-life", ReasonLine: 27,
				Outlook: wontfix.Never, Priority: "medium", Published: "2019-05-17", Because: "the tracker has ignored"},
			{ID: "CVE-2019-9636", Source: "python3.4", SourceVersion: "3.4.0-2", Binaries: []string{"python3.4"},
				Tracker: exampleRow("CVE-2019-9636", "trusty/esm", "python3.4", "released", "3.4.3-1ubuntu1~14.04.7+esm2", 60), Status: wontfix.Affected, Decision: wontfix.DecisionPaid,
				Reasons: []string{"paid-tier-only"}, Evidence: wontfix.EvidenceWord, Outlook: wontfix.Paid, FixedVersion: "3.4.3-1ubuntu1~14.04.7+esm2",
				Priority: "medium", Published: "2019-03-08", Product: "esm-infra", Because: "fixed in esm-infra, which is not on here"},
			{ID: "CVE-2016-10228", Source: "eglibc", SourceVersion: "2.19-0ubuntu6", Binaries: []string{"libc-bin", "libc6", "multiarch-support"},
				Tracker: exampleRow("CVE-2016-10228", "trusty", "eglibc", "deferred", "2019-09-06", 33), Status: wontfix.Affected, Decision: wontfix.DecisionDeferred,
				Reasons: []string{"no-reason-given"}, Outlook: wontfix.Deferred, Priority: "negligible", Published: "2017-03-02", Because: "deferred"},
			{ID: "CVE-2016-2781", Source: "coreutils", SourceVersion: "8.21-1ubuntu5", Binaries: []string{"coreutils"},
				Tracker: exampleRow("CVE-2016-2781", "trusty", "coreutils", "needed", "", 40), Status: wontfix.Affected, Decision: wontfix.DecisionAffected,
				Outlook: wontfix.Open, Priority: "low", Published: "2017-02-07", Because: "needed", Held: true},
			{ID: "CVE-2020-11669", Source: "linux", SourceVersion: "3.13.0-24.46", Binaries: []string{"linux-image-3.13.0-24-generic"},
				Tracker: exampleRow("CVE-2020-11669", "trusty", "linux", "needs-triage", "", 90), Status: wontfix.UnderInvestigation, Decision: wontfix.DecisionUnderInvestigation,
				Outlook: wontfix.Undecided, Priority: "untriaged", Published: "2020-04-07", Because: "needs-triage", Kernel: "not-running", Successor: "linux-lts-xenial"},
			{ID: "CVE-2020-1938", Source: "tomcat7", SourceVersion: "7.0.52-1", Installed: "tomcat7-local", Binaries: []string{"tomcat7"},
				Tracker: exampleRow("CVE-2020-1938", "trusty", "tomcat7", "pending", "7.0.52-1ubuntu0.17", 51), Status: wontfix.Affected, Decision: wontfix.DecisionFixPending,
				Outlook: wontfix.Pending, FixedVersion: "7.0.52-1ubuntu0.17", Priority: "high", Published: "2020-02-24", Because: "pending"},
			{ID: "CVE-2014-6271", Source: "bash", SourceVersion: "4.3-6ubuntu1", Binaries: []string{"bash"},
				Tracker: exampleRow("CVE-2014-6271", "trusty", "bash", "released", "4.3-7ubuntu1.1", 29), Status: wontfix.Fixed, Decision: wontfix.DecisionFixed,
				Outlook: wontfix.Available, FixedVersion: "4.3-7ubuntu1.1", Priority: "critical", Published: "2014-09-24", Because: "4.3-6ubuntu1 < 4.3-7ubuntu1.1",
				Offer: &wontfix.Offer{Version: "4.3-7ubuntu1.8", SourceVersion: "4.3-7ubuntu1.8", Archive: security}},
			{ID: "CVE-2018-1000030", Source: "hwpack-linaro", SourceVersion: "20140601", Binaries: []string{"hwpack-linaro"},
				Tracker: wontfix.Row{Name: "ubuntu"}, Decision: wontfix.DecisionUnknown, Outlook: wontfix.Untracked, Priority: "untriaged",
				Because: "no statement about this package in trusty"},
		},
		Dismissed: []wontfix.Dismissal{
			{ID: "CVE-2017-5754", Source: "linux", SourceVersion: "3.13.0-24.46", Tracker: exampleRow("CVE-2017-5754", "trusty", "linux", "needed", "", 12),
				Kind: "not-affected", Because: "the notes say that armhf is not affected", Says: exampleRow("CVE-2017-5754", "trusty", "linux", "needed", "", 9)},
		},
		Coverage: exampleCoverage(security, updates, overlay),
		Unsaid:   []wontfix.Unsaid{{What: "1 third-party package", Why: "no tracker that is loaded follows its archive", Command: "wontfix scan -f json"}},
		Problems: []wontfix.Problem{{File: "var/lib/dpkg/status", Line: 812, Text: "stanza has no Version; the package is left out"}},
	}
	for i, o := range exampleOrigins() {
		s.Findings[i].Origin = o
	}
	s.Findings[0].Exploitation = &wontfix.Exploitation{
		Listed: []wontfix.Listed{{Catalogue: "kev", Added: "2022-01-28", Due: "2022-07-28", Ransomware: "Known", Action: "Apply updates per vendor instructions."}},
		EPSS:   &wontfix.EPSS{Probability: 0.94215, Percentile: 0.99912, Model: "v2025.03.14", Date: "2026-11-22"},
	}
	s.Summary = wontfix.Summary{Findings: 10, Vulnerabilities: 10, Sources: 9, Dismissed: 1, DismissedBy: map[string]int{"not-affected": 1},
		ByOutlook: map[wontfix.Outlook]int{}, ByPriority: map[string]int{}, NeverByReason: map[string]int{},
		Unwatched: len(s.Coverage.Unwatched), Upgradable: len(s.Coverage.Upgradable),
		Hidden: []wontfix.Hidden{{Count: 4, Because: "published before 2010 (--since)"}}}
	for _, f := range s.Findings {
		s.Summary.ByOutlook[f.Outlook]++
		s.Summary.ByPriority[f.Priority]++
		for _, r := range f.Reasons {
			if f.Outlook == wontfix.Never {
				s.Summary.NeverByReason[r]++
			}
		}
	}
	return s
}

func exampleCoverage(security, updates, overlay *wontfix.Archive) wontfix.Coverage {
	return wontfix.Coverage{
		Upgradable: []wontfix.Upgrade{
			{Name: "apt", Source: "apt", Version: "1.0.1ubuntu2", Held: true, Offer: wontfix.Offer{Version: "1.0.1ubuntu2.24", SourceVersion: "1.0.1ubuntu2.24", Archive: updates}},
			{Name: "bash", Source: "bash", Version: "4.3-6ubuntu1", Offer: wontfix.Offer{Version: "4.3-7ubuntu1.8", SourceVersion: "4.3-7ubuntu1.8", Archive: security}},
			{Name: "libc6", Source: "eglibc", Version: "2.19-0ubuntu6", Offer: wontfix.Offer{Version: "2.19-0ubuntu6.15", SourceVersion: "2.19-0ubuntu6.15", Archive: security}},
		},
		Unwatched: []wontfix.Unwatched{
			{Name: "hwpack-linaro", Source: "hwpack-linaro", Version: "20140601", Kind: "third-party", Archive: overlay},
			{Name: "our-agent", Source: "our-agent", Version: "2.0", Kind: "local"},
			{Name: "our-certificates", Source: "our-certificates", Version: "2014.1", Kind: "local"},
			{Name: "linux-image-3.13.0-24-generic", Source: "linux", Version: "3.13.0-24.46", Kind: "superseded"},
		},
		Notices: []wontfix.Notice{{Source: "webkitgtk", Kind: "limited", Since: wontfix.NewDate("2014-06-01"), Text: "Only for use with trustworthy content",
			File: "usr/share/debian-security-support/security-support-limited", Line: 14}},
		Backports: []wontfix.Backport{{Source: "openssl", Version: "1.0.1f-1ubuntu2.5", IDs: []string{"CVE-2014-0160", "CVE-2014-0224"}, File: "usr/share/doc/openssl/changelog.Debian.gz"}},
		Archives:  []wontfix.Archive{*security, *updates, *overlay},
		Components: []wontfix.Components{{Origin: "Ubuntu", Component: "main", Packages: 610}, {Origin: "Ubuntu", Component: "universe", Packages: 72},
			{Origin: "LP-PPA-linaro-overlay", Component: "main", Packages: 1}},
	}
}

// exampleBare is the same machine without a tracker.
func exampleBare() *wontfix.Scan {
	s := exampleScan()
	s.Trackers, s.Findings, s.Dismissed, s.Problems = nil, nil, nil, nil
	s.Summary = wontfix.Summary{Unwatched: 4, Upgradable: 3}
	s.Unsaid = []wontfix.Unsaid{{What: "Which vulnerabilities stay open", Why: "no tracker has been read yet; one read takes about a minute and works offline after it", Command: "wontfix sync"}}
	return s
}

// exampleDossier is the dossier of CVE-2014-9365 in the words of the tracker.
func exampleDossier() *wontfix.Dossier {
	const id = "CVE-2014-9365"
	row := func(release, source, status, detail string, line int) wontfix.Row {
		return exampleRow(id, release, source, status, detail, line)
	}
	trusty, upstream, never := row("trusty", "python2.7", "ignored", "", 45), row("upstream", "python2.7", "released", "2.7.9-1", 42), wontfix.Never
	return &wontfix.Dossier{
		Schema: wontfix.DossierSchema, ID: id, Tracker: exampleTracker(), File: "retired/" + id, Page: "https://tracker.example/" + id,
		Published: "2014-12-12", Priority: "medium", Revision: exampleRevision, Machine: "web3",
		Description: "The HTTP clients in the (1) httplib, (2) urllib, (3) urllib2, and (4)\nxmlrpclib libraries in CPython (aka Python) 2.x before 2.7.9 and 3.x before\n3.4.3, when accessing an HTTPS URL, do not (a) check the certificate\nagainst a trust store or verify that the server hostname matches a domain\nname in the subject's (b) Common Name or (c) subjectAltName field of the\nX.509 certificate, which allows man-in-the-middle attackers to spoof SSL\nservers via an arbitrary valid certificate.",
		Subjects: []wontfix.Subject{{
			Source: "python2.7", Release: "trusty", Row: &trusty, Status: wontfix.Affected, Decision: wontfix.DecisionWontFix,
			Reasons: []string{"too-intrusive", "eol-release"}, Evidence: wontfix.EvidenceNote, ReasonLine: 29,
			ReasonText: "we will not be fixing this in Ubuntu 14.04 LTS before EoL.",
			Outlook:    &never, Priority: "medium", Installed: "2.7.6-8", Upstream: &upstream,
			Origin: exampleOrigins()[0], History: exampleTimeline(),
			Elsewhere: []wontfix.Other{
				{Source: "python2.7", Release: "precise", Row: row("precise", "python2.7", "ignored", "reached end-of-life", 43), Decision: wontfix.DecisionEndOfLife},
				{Source: "python2.7", Release: "vivid", Row: row("vivid", "python2.7", "not-affected", "2.7.9-2ubuntu3", 47), Decision: wontfix.DecisionNotAffected},
				{Source: "python2.7", Release: "wily", Row: row("wily", "python2.7", "not-affected", "", 50), Decision: wontfix.DecisionNotAffected},
				{Source: "python2.7", Release: "xenial", Row: row("xenial", "python2.7", "not-affected", "", 51), Decision: wontfix.DecisionNotAffected},
			},
			Siblings: []wontfix.Other{
				{Source: "python3.4", Release: "trusty", Row: row("trusty", "python3.4", "released", "3.4.3-1ubuntu1~14.04.2", 61), Decision: wontfix.DecisionFixed, Fixed: "3.4.3-1ubuntu1~14.04.2", Installed: "3.4.0-2"},
				{Source: "python3.2", Release: "trusty", Row: row("trusty", "python3.2", "DNE", "", 77), Decision: wontfix.DecisionNotInRelease},
			},
		}},
		Notes: []wontfix.Note{
			{Author: "mdeslaur", Text: "This is https://www.python.org/dev/peps/pep-0476/", Line: 17},
			{Author: "mdeslaur", Text: "Before this was implemented in python 2.7.9 and 3.4.3, applications needed to verify certificate validity themselves. This is quite a large change to backport into stable releases, and the change in behaviour most certainly will break certain setups.", Line: 18},
			{Author: "tyhicks", Text: "We're considering the possibility of offering an opt-in fix for this issue via PEP 493 if the backport is not too invasive", Line: 23},
			{Author: "mdeslaur", Text: "we will not be fixing this in Ubuntu 14.04 LTS before EoL.", Line: 28},
		},
		Bugs: []string{"https://bugs.example/1401322"},
	}
}
