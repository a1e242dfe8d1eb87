package tracker

import (
	"strings"

	"wontfix/history"
	"wontfix/tracker/ubuntu"
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
