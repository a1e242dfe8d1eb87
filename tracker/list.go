package tracker

import (
	"strings"

	"wontfix/tracker/ubuntu"
)

var specs = []Spec{
	{
		Name:    "ubuntu",
		Title:   "Ubuntu CVE Tracker",
		URL:     "https://git.launchpad.net/ubuntu-cve-tracker",
		Branch:  "master",
		PageURL: "https://ubuntu.com/security/{id}",
		LineURL: "https://git.launchpad.net/ubuntu-cve-tracker/tree/{file}?id={revision}#n{line}",
		Parser:  ubuntu.Version,
		Dirs:    []string{"active", "retired", "ignored"},
		Match:   ubuntuName,
		Parse:   ubuntu.ParseFile,
	},
}

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
