package tracker

import (
	"bytes"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"wontfix"
	"wontfix/history"
	"wontfix/tracker/alas"
	"wontfix/tracker/arch"
	"wontfix/tracker/csaf"
	"wontfix/tracker/cve"
	"wontfix/tracker/cyclonedx"
	"wontfix/tracker/debian"
	"wontfix/tracker/errata"
	"wontfix/tracker/gentoo"
	"wontfix/tracker/hydra"
	"wontfix/tracker/launchpad"
	"wontfix/tracker/openssl"
	"wontfix/tracker/openvex"
	"wontfix/tracker/osv"
	"wontfix/tracker/oval"
	"wontfix/tracker/photon"
	"wontfix/tracker/secdb"
	"wontfix/tracker/ubuntu"
	"wontfix/tracker/updateinfo"
	"wontfix/tracker/wolfi"
)

var specs = []Spec{
	{
		Name:      "ubuntu",
		Title:     "Ubuntu CVE Tracker",
		URL:       "https://git.launchpad.net/ubuntu-cve-tracker",
		Branch:    "master",
		PageURL:   "https://ubuntu.com/security/{id}",
		LineURL:   "https://git.launchpad.net/ubuntu-cve-tracker/tree/{file}?id={revision}#n{line}",
		CommitURL: "https://git.launchpad.net/ubuntu-cve-tracker/commit/?id={commit}",
		Parser:    ubuntu.Version,
		Dirs:      ubuntuDirs,
		Match:     ubuntuName,
		Parse:     ubuntu.ParseFile,
		Labels:    func(_ map[string]wontfix.Release, base wontfix.Release) []string { return ubuntu.Labels(base.Series) },
		Cost:      "Git: today's files, or with --history all",
		Past: &history.Format{
			Rows: func(line string, fn func(history.Key, history.Value)) {
				ubuntu.Rows(line, func(label, source, word, detail string) {
					fn(history.Key{Label: label, Source: source}, history.Value{Word: word, Detail: detail})
				})
			},
			Meaning: ubuntu.Meaning,
			Notes:   ubuntu.Notes,
			Fields: func(text []byte) (fields []history.Field) {
				ubuntu.Fields(text, func(name, text string) { fields = append(fields, history.Field{Name: name, Text: text}) })
				return fields
			},
			Nick:    ubuntu.Nick,
			Parent:  ubuntu.Parent,
			Devel:   ubuntu.Devel,
			Family:  ubuntu.Family,
			Robot:   ubuntu.Robot,
			Folders: ubuntuDirs,
		},
	},
	{
		Name:    debian.Name,
		Title:   "Debian Security Tracker",
		URL:     "https://salsa.debian.org/security-tracker-team/security-tracker.git",
		Branch:  "master",
		PageURL: "https://security-tracker.debian.org/tracker/{id}",
		LineURL: "https://salsa.debian.org/security-tracker-team/security-tracker/-/blob/{revision}/{file}#L{line}",
		Parser:  debian.Version,
		Dirs:    []string{"data"},
		Match:   debianName,
		Parse:   Decode,
		Read:    debianEntries,
		Labels:  func(_ map[string]wontfix.Release, base wontfix.Release) []string { return debian.Labels(base.Series) },
		Cost:    "Git: the newest state",
	},
	{
		Name:    "redhat",
		Title:   "Red Hat's VEX files",
		URL:     "https://security.access.redhat.com/data/csaf/v2/vex/",
		PageURL: "https://access.redhat.com/security/cve/{id}",
		Parser:  csaf.Version + "/" + hydra.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Each(parseRedHat),
		Feed:    &Feed{Latest: "archive_latest.txt", Digest: ".sha256", Changes: "changes.csv", Deletions: "deletions.csv"},
		For:     []string{"rhel"},
		Cost:    "some hundred MB, then what changed",
	},
	{
		Name:    "suse",
		Title:   "SUSE's VEX files",
		URL:     "https://ftp.suse.com/pub/projects/security/",
		PageURL: "https://www.suse.com/security/cve/{id}.html",
		Parser:  csaf.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Each(csaf.SUSE.Parse),
		Feed:    &Feed{Files: []string{"csaf-vex.tar.bz2"}},
		For:     []string{"sles", "sled", "opensuse-leap", "opensuse-tumbleweed"},
		Cost:    "an archive of about 380 MB",
	},
	{
		Name:    "almalinux",
		Title:   "AlmaLinux's advisories",
		URL:     "https://github.com/AlmaLinux/osv-database.git",
		Branch:  "master",
		LineURL: "https://github.com/AlmaLinux/osv-database/blob/{revision}/{file}#L{line}",
		Parser:  osv.Version,
		Dirs:    []string{"advisories"},
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(osv.Parse),
		Cost:    "Git: the newest state",
	},
	{
		Name:   "rocky",
		Title:  "Rocky Linux's advisories",
		URL:    osvAddress,
		Parser: osv.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(osv.Parse),
		Feed:   &Feed{Files: []string{"Rocky Linux/all.zip"}},
		Cost:   "one archive",
	},
	{
		Name:    "alpine",
		Title:   "Alpine's security database",
		URL:     "https://secdb.alpinelinux.org/",
		PageURL: "https://security.alpinelinux.org/vuln/{id}",
		Parser:  secdb.Version,
		Match:   isSecDB,
		Parse:   Decode,
		Read:    Merged(secdb.Parse),
		Feed:    &Feed{Files: alpineFiles(), Some: true},
		Cost:    "under 1 MB a branch",
	},
	{
		Name:   "oracle",
		Title:  "Oracle Linux's OVAL definitions",
		URL:    "https://linux.oracle.com/security/oval/",
		Parser: oval.Version,
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(oval.ParseOracle),
		Feed:   &Feed{Files: []string{"com.oracle.elsa-all.xml.bz2"}},
		For:    []string{"ol"},
		Cost:   "one file",
	},
	{
		Name:   "azurelinux",
		Title:  "Azure Linux's OVAL definitions",
		URL:    "https://github.com/microsoft/AzureLinuxVulnerabilityData.git",
		Branch: "main",
		Parser: oval.Version,
		Dirs:   []string{"."},
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(oval.ParseAzure),
		For:    []string{"azurelinux", "mariner"},
		Cost:   "Git: today's files",
	},
	{
		Name:   "amazon",
		Title:  "Amazon Linux's updateinfo.xml",
		Parser: updateinfo.Version,
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(updateinfo.Parse),
		For:    []string{"amzn"},
		Cost:   "give a file",
	},
	{
		Name:   "photon",
		Title:  "Photon OS's CVE metadata",
		URL:    "https://packages.broadcom.com/photon/photon_cve_metadata/",
		Parser: photon.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(photon.Parse),
		Feed:   &Feed{Files: []string{"cve_data_photon3.0.json", "cve_data_photon4.0.json", "cve_data_photon5.0.json"}, Some: true},
		Cost:   "a file a release",
	},
	{
		Name:    "arch",
		Title:   "Arch Linux's security tracker",
		URL:     "https://security.archlinux.org/",
		PageURL: "https://security.archlinux.org/{id}",
		Parser:  arch.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(arch.Parse),
		Feed:    &Feed{Files: []string{"issues/all.json"}},
		Cost:    "one file",
	},
	{
		Name:    "gentoo",
		Title:   "Gentoo's security advisories",
		URL:     "https://anongit.gentoo.org/git/data/glsa.git",
		Branch:  "master",
		LineURL: "https://gitweb.gentoo.org/data/glsa.git/tree/{file}?id={revision}#n{line}",
		Parser:  gentoo.Version,
		Dirs:    []string{"."},
		Match:   isXML,
		Parse:   Decode,
		Read:    Merged(gentoo.Parse),
		Cost:    "Git: today's files",
	},
	{
		Name:   "wolfi",
		Title:  "Wolfi's advisories, of your own copy",
		Parser: wolfi.Version,
		Match:  func(name string) bool { return strings.HasSuffix(name, ".advisories.yaml") },
		Parse:  Decode,
		Read:   Merged(wolfi.Parse),
		Cost:   "give a folder",
	},
	{
		Name:   "openssl",
		Title:  "OpenSSL's own statements",
		URL:    "https://openssl-library.org/news/secjson/",
		Parser: openssl.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(openssl.Parse),
		Feed:   &Feed{Files: []string{"statements.json"}},
		For:    []string{"openssl-upstream"},
		Cost:   "one file",
	},
	{
		Name:    "ubuntu-vex",
		Title:   "Ubuntu's tracker as OpenVEX",
		URL:     "https://security-metadata.canonical.com/vex/",
		PageURL: "https://ubuntu.com/security/{id}",
		Parser:  openvex.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(openvex.Parse),
		Feed:    &Feed{Files: []string{"vex-all.tar.xz"}},
		Of:      "ubuntu",
		Cost:    "one archive",
	},
	{
		Name:    "ubuntu-api",
		Title:   "Ubuntu's tracker as its security API has it",
		PageURL: "https://ubuntu.com/security/{id}",
		Parser:  ubuntu.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(ubuntu.ParseAPI),
		Of:      "ubuntu",
		Cost:    "give a file",
	},
	{
		Name:    "ubuntu-osv",
		Title:   "Ubuntu's tracker as OSV",
		URL:     "https://security-metadata.canonical.com/osv/",
		PageURL: "https://ubuntu.com/security/{id}",
		Parser:  osv.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(osv.Parse),
		Feed:    &Feed{Files: []string{"osv-all.tar.xz"}},
		Of:      "ubuntu",
		Cost:    "one archive",
	},
	{
		Name:    "debian-osv",
		Title:   "Debian's tracker as OSV",
		URL:     osvAddress,
		PageURL: "https://security-tracker.debian.org/tracker/{id}",
		Parser:  osv.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(osv.Parse),
		Feed:    &Feed{Files: []string{"Debian/all.zip"}},
		Of:      "debian",
		Cost:    "one archive",
	},
	{
		Name:    "redhat-osv",
		Title:   "Red Hat's advisories as OSV",
		URL:     osvAddress,
		PageURL: "https://access.redhat.com/security/cve/{id}",
		Parser:  osv.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(osv.Parse),
		Feed:    &Feed{Files: []string{"Red Hat/all.zip"}},
		Of:      "redhat",
		Cost:    "one archive",
	},
	{
		Name:    "suse-osv",
		Title:   "SUSE's advisories as OSV",
		URL:     osvAddress,
		PageURL: "https://www.suse.com/security/cve/{id}.html",
		Parser:  osv.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(osv.Parse),
		Feed:    &Feed{Files: []string{"SUSE/all.zip", "openSUSE/all.zip"}, Some: true},
		Of:      "suse",
		Cost:    "two archives",
	},
	{
		Name:    "amazon-explorer",
		Title:   "Amazon Linux's explorer of vulnerabilities",
		PageURL: "https://explore.alas.aws.amazon.com/{id}.html",
		Parser:  alas.Version,
		Match:   isHTML,
		Parse:   Decode,
		Read:    Merged(alas.Parse),
		Of:      "amazon",
		Cost:    "give a folder",
	},
	{
		Name:   "almalinux-errata",
		Title:  "AlmaLinux's errata",
		URL:    "https://errata.almalinux.org/",
		Parser: errata.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(errata.Parse),
		Feed:   &Feed{Files: []string{"8/errata.full.json", "9/errata.full.json", "10/errata.full.json"}, Some: true},
		Of:     "almalinux",
		Cost:   "a file a release",
	},
	{
		Name:   "rocky-errata",
		Title:  "Rocky Linux's errata",
		Parser: errata.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(errata.Parse),
		Of:     "rocky",
		Cost:   "give a file or a folder",
	},
	{
		Name:   "suse-oval",
		Title:  "SUSE's OVAL definitions",
		Parser: oval.Version,
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(oval.ParseSUSE),
		Of:     "suse",
		Cost:   "give a file or a folder",
	},
	{
		Name:   "redhat-oval",
		Title:  "Red Hat's OVAL definitions",
		Parser: oval.Version,
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(oval.ParseRedHat),
		Of:     "redhat",
		Cost:   "give a file or a folder",
	},
	{
		Name:   "ubuntu-oval",
		Title:  "Ubuntu's OVAL definitions",
		Parser: oval.Version,
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(oval.ParseUbuntu),
		Of:     "ubuntu",
		Cost:   "give a file or a folder",
	},
	{
		Name:   "debian-oval",
		Title:  "Debian's OVAL definitions",
		Parser: oval.Version,
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(oval.ParseDebian),
		Of:     "debian",
		Cost:   "give a file or a folder",
	},
	{
		Name:   "photon-oval",
		Title:  "Photon OS's OVAL definitions",
		Parser: oval.Version,
		Match:  isXML,
		Parse:  Decode,
		Read:   Merged(oval.ParsePhoton),
		Of:     "photon",
		Cost:   "give a file or a folder",
	},
	{
		Name:   "launchpad",
		Title:  "Launchpad's bug tasks",
		Parser: launchpad.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(launchpad.Parse),
		Of:     "ubuntu",
		Cost:   "give a file or a folder",
	},
	{
		Name:    "cve",
		Title:   "CVE records",
		URL:     "https://github.com/CVEProject/cvelistV5.git",
		Branch:  "main",
		PageURL: "https://www.cve.org/CVERecord?id={id}",
		LineURL: "https://github.com/CVEProject/cvelistV5/blob/{revision}/{file}#L{line}",
		Parser:  cve.Version,
		Dirs:    []string{"cves"},
		Match:   cveRecord,
		Parse:   Decode,
		Read:    Each(cve.Parse),
		Context: true,
		Cost:    "Git: today's files, some 300,000",
	},
	{
		Name:    "nvd",
		Title:   "NVD's answers",
		PageURL: "https://nvd.nist.gov/vuln/detail/{id}",
		Parser:  cve.Version,
		Match:   isJSON,
		Parse:   Decode,
		Read:    Merged(cve.ParseNVD),
		Context: true,
		Cost:    "give a file or a folder",
	},
	{
		Name:   "openvex",
		Title:  "OpenVEX documents of your own",
		Parser: openvex.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(openvex.Parse),
		Cost:   "give a file or a folder",
	},
	{
		Name:   "csaf",
		Title:  "CSAF documents of any publisher",
		Parser: csaf.Version,
		Match:  isJSON,
		Parse:  Decode,
		Read:   Merged(csaf.Other("csaf").Parse),
		Feed:   &Feed{Provider: true},
		Cost:   "give a web site or a folder",
	},
	{
		Name:   "cyclonedx",
		Title:  "CycloneDX documents of your own",
		Parser: cyclonedx.Version,
		Match:  func(name string) bool { return isJSON(name) || path.Ext(name) == ".xml" },
		Parse:  Decode,
		Read:   Merged(cyclonedx.Parse),
		Cost:   "give a file or a folder",
	},
}

// osvAddress has an archive of each ecosystem.
const osvAddress = "https://osv-vulnerabilities.storage.googleapis.com/"

// parseRedHat reads a VEX file, or an answer of Red Hat's data service.
func parseRedHat(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	if !bytes.Contains(text, []byte(`"document"`)) && (bytes.Contains(text, []byte(`"affected_release"`)) || bytes.Contains(text, []byte(`"package_state"`))) {
		return hydra.Parse(file, text)
	}
	return csaf.RedHat.Parse(file, text)
}

func isSecDB(name string) bool { return isJSON(name) || path.Ext(name) == ".yaml" }

// alpineFiles returns the files of Alpine's branches. The newest may not be
// there yet.
func alpineFiles() (files []string) {
	for minor := range 31 {
		for _, part := range []string{"main", "community"} {
			files = append(files, fmt.Sprintf("v3.%d/%s.json", minor, part))
		}
	}
	return append(files, "edge/main.json", "edge/community.json")
}

// cveRecord reports whether a file is a record, and no list of changes.
func cveRecord(name string) bool { return isJSON(name) && strings.HasPrefix(path.Base(name), "CVE-") }

func isHTML(name string) bool { return path.Ext(name) == ".html" }

func isXML(name string) bool { return path.Ext(name) == ".xml" }

func isJSON(name string) bool { return path.Ext(name) == ".json" }

// debianName reports whether a file is one that Debian's entries are made of: one
// of the tracker's, its JSON export, or a list of debian-security-support.
func debianName(name string) bool {
	return slices.ContainsFunc(debian.Files(), func(f string) bool {
		return name == f || strings.HasSuffix(name, "/"+f) || strings.HasSuffix(f, "/"+name)
	}) ||
		isJSON(name) || debian.IsSupport(name)
}

// debianEntries makes entries of the tracker's files, which say together what
// counts, or of documents that stand for themselves. Of both, the files count:
// the JSON export is made of them.
func debianEntries(docs iter.Seq2[Document, error]) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		files := map[string][]byte{}
		var rest []Document
		for doc, err := range docs {
			if err != nil {
				yield(wontfix.Change{}, err)
				return
			}
			if slices.Contains(debian.Files(), doc.File) {
				files[doc.File] = doc.Text
			} else {
				rest = append(rest, doc)
			}
		}
		changes := Merged(debian.Parse)(func(yield func(Document, error) bool) {
			for _, doc := range rest {
				if !yield(doc, nil) {
					return
				}
			}
		})
		if len(files) > 0 {
			for _, doc := range rest {
				if debian.IsSupport(doc.File) {
					files[doc.File] = doc.Text
				} else if !yield(wontfix.Change{File: doc.File, Problems: []wontfix.Problem{problem(doc.File, "not read: the tracker's own files are beside it, and count")}}, nil) {
					return
				}
			}
			changes = debian.Merge(files)
		}
		for c, err := range changes {
			share(&c)
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// ubuntuDirs are the folders that hold Ubuntu's entries.
var ubuntuDirs = []string{"active", "retired", "ignored"}

// ubuntuName reports whether a file of Ubuntu's tracker is an entry: CVE-… is
// public, EMB-… and UEM-… are issues that had no CVE ID yet. Besides them lie
// templates, lists and makefiles, and now and then what an editor has left.
func ubuntuName(name string) bool {
	for _, prefix := range []string{"CVE-", "EMB-", "UEM-"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			return !strings.ContainsFunc(rest, func(r rune) bool {
				return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
			})
		}
	}
	return false
}
