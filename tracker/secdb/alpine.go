package secdb

import (
	"fmt"
	"iter"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"wontfix"
	"wontfix/internal/markup"
)

// ParseState yields the entry of one document of Alpine's tracker: what a
// machine found by comparing names and versions, so that what is open there is
// derived. What it has as fixed is left to the database, which has the version.
func ParseState(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		v, err := markup.ParseJSON(text)
		if err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: tracker's document: %w", file, err))
			return
		}
		id := path.Base(v.Get("id").Text())
		if names := cveForm.FindAllString(id, -1); len(names) != 1 || names[0] != id || !v.Get("state").Exists() {
			yield(wontfix.Change{}, fmt.Errorf("%s: tracker's document: want an id that is a CVE and a state, got id %q", file, id))
			return
		}
		l := list{file: file, index: make(map[string]int)}
		e := l.entry(id)
		for _, state := range v.Get("state").Elements() {
			var s struct {
				Fixed   *bool  `json:"fixed"`
				Repo    string `json:"repo"`
				Name    string `json:"packageName"`
				Version string `json:"packageVersion"`
			}
			err := state.Decode(&s)
			branch, _, ok := strings.Cut(s.Repo, "-")
			if err != nil || s.Fixed == nil || !ok || s.Name == "" || strings.Contains(branch, "/") || branch == "" {
				l.problem(state.Line(), "state: want fixed, packageName and a repo such as 3.20-main")
				continue
			}
			if *s.Fixed {
				continue
			}
			if branch != "edge" {
				branch = "v" + branch
			}
			e.Statements = append(e.Statements, wontfix.Statement{ID: id, Source: s.Name, Release: wontfix.Release{Distribution: "alpine", Series: branch},
				Label: s.Repo, File: file, Line: state.Line(), Pointer: state.Pointer(), Word: "fixed", Detail: "false",
				Meaning: wontfix.Meaning{Status: wontfix.Affected, Decision: wontfix.DecisionAffected, Strength: wontfix.Derived, Reasons: wontfix.NoReason}})
		}
		l.yield(yield)
	}
}

// ParseRejections yields the entries of a list of rejections: for each package
// the vulnerabilities that Alpine does not take for any, in every release.
func ParseRejections(file string, text []byte) iter.Seq2[wontfix.Change, error] {
	return func(yield func(wontfix.Change, error) bool) {
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			yield(wontfix.Change{}, fmt.Errorf("%s: rejections: %w", file, err))
			return
		}
		root := content(&doc)
		if root == nil || root.Kind != yaml.MappingNode {
			yield(wontfix.Change{}, fmt.Errorf("%s: rejections: want a mapping of packages to lists of CVE IDs", file))
			return
		}
		l := list{file: file, index: make(map[string]int)}
		for i := 0; i+1 < len(root.Content); i += 2 {
			name := scalar(root.Content[i])
			for j, n := range root.Content[i+1].Content {
				names := cveForm.FindAllString(scalar(n), -1)
				if len(names) == 0 || name == "" {
					l.problem(n.Line, "rejection of %q: %q has no package or no CVE ID", name, scalar(n))
					continue
				}
				for _, id := range names {
					e := l.entry(id)
					e.Statements = append(e.Statements, wontfix.Statement{ID: id, Source: name, Release: wontfix.Release{Distribution: "alpine"},
						Label: strings.TrimSuffix(path.Base(file), ".yaml"), File: file, Line: n.Line, Pointer: "/" + name + "/" + strconv.Itoa(j),
						Word: id, Meaning: wontfix.Meaning{Status: wontfix.NotAffected, Decision: wontfix.DecisionNotAffected,
							Reasons: wontfix.Disputed, Evidence: wontfix.EvidenceWord}})
				}
			}
		}
		l.yield(yield)
	}
}
