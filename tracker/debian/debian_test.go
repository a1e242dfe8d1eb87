package debian

import (
	"fmt"
	"strings"
	"testing"

	"wontfix"
	"wontfix/internal/testkit"
)

// brief writes a statement on a line.
func brief(s *wontfix.Statement) string {
	parts := []string{strings.TrimSpace(s.Label + " " + s.Source), s.Word, s.Decision.String(), s.Strength.String(), "[" + s.Reasons.String() + "]"}
	for _, p := range []string{s.Fixed, s.Advisory, s.Decided, s.Since, s.Priority} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return fmt.Sprintf("%s %s:%d", strings.Join(parts, " "), s.File, s.Line)
}

// merge returns a line for each statement and problem of a repository's files.
func merge(t testing.TB, files map[string]string) string {
	t.Helper()
	texts := map[string][]byte{}
	for name, text := range files {
		texts[name] = []byte(text)
	}
	var b strings.Builder
	for c, err := range Merge(texts) {
		testkit.Must(t, err)
		e := entryOf(c)
		for i := range e.Statements {
			fmt.Fprintf(&b, "%s %s\n", e.ID, brief(&e.Statements[i]))
		}
		for _, p := range c.Problems {
			fmt.Fprintf(&b, "problem %v\n", p)
		}
	}
	return b.String()
}

const suitesOf2023 = `{"wheezy": {"support": "end-of-life"}, "buster": {"support": "lts"}, "bullseye": {"support": "security"}, "bookworm": {"support": "security"}, "sid": {"support": "none"}}`

// TestMerge has the rules by which the files make one answer.
func TestMerge(t *testing.T) {
	const advisory = "[29 Mar 2023] DSA-1-1 a - security update\n\t{CVE-2023-0001}\n"
	for _, tt := range []struct {
		what  string
		files map[string]string
		want  string
	}{
		{"an advisory's line is copied", map[string]string{fileCVE: "CVE-2023-0001\n\t{DSA-1-1}\n\t- a 2-1\n", fileDSA: advisory + "\t[bullseye] - a 1-1+deb11u1\n"},
			"CVE-2023-0001 sid a 2-1 fixed firm [] 2-1 data/CVE/list:3\n" +
				"CVE-2023-0001 bullseye a 1-1+deb11u1 fixed firm [] 1-1+deb11u1 DSA-1-1 2023-03-29 data/DSA/list:3\n"},
		{"the higher version wins, the copy", map[string]string{fileCVE: "CVE-2023-0001\n\t[bullseye] - a 1-1\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 bullseye a 1-2 fixed firm [] 1-2 DSA-1-1 2023-03-29 data/DSA/list:3\n"},
		{"the higher version wins, its own", map[string]string{fileCVE: "CVE-2023-0001\n\t[bullseye] - a 1-3\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 bullseye a 1-3 fixed firm [] 1-3 data/CVE/list:2\n"},
		{"of two advisories", map[string]string{fileCVE: "CVE-2023-0001\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n", fileDLA: "[1 Apr 2023] DLA-2-1 a - security update\n\t{CVE-2023-0001}\n\t[bullseye] - a 1-10\n"},
			"CVE-2023-0001 bullseye a 1-10 fixed firm [] 1-10 DLA-2-1 2023-04-01 data/DLA/list:3\n"},
		{"an explicit unfixed wins", map[string]string{fileCVE: "CVE-2023-0001\n\t[bullseye] - a <unfixed>\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 bullseye a <unfixed> affected-no-decision firm [no-reason-given] data/CVE/list:2\n"},
		{"an explicit end wins", map[string]string{fileCVE: "CVE-2023-0001\n\t[bullseye] - a <end-of-life> (see release notes)\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 bullseye a <end-of-life> end-of-life firm [support-scope] data/CVE/list:2\n"},
		{"not-affected is version 0", map[string]string{fileCVE: "CVE-2023-0001\n\t[bullseye] - a <not-affected> (introduced later)\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 bullseye a 1-2 fixed firm [] 1-2 DSA-1-1 2023-03-29 data/DSA/list:3\n"},
		{"no-dsa stands beside a fix", map[string]string{fileCVE: "CVE-2023-0001\n\t- a 2-1\n\t[bullseye] - a <no-dsa> (Minor issue)\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 sid a 2-1 fixed firm [] 2-1 data/CVE/list:2\n" +
				"CVE-2023-0001 bullseye a <no-dsa> deferred soft [minor-impact] data/CVE/list:3\n" +
				"CVE-2023-0001 bullseye a 1-2 fixed firm [] 1-2 DSA-1-1 2023-03-29 data/DSA/list:3\n"},
		{"other releases and packages are not touched", map[string]string{fileCVE: "CVE-2023-0001\n\t[buster] - a 1-9\n\t[bullseye] - b 1-9\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 buster a 1-9 fixed firm [] 1-9 data/CVE/list:2\n" +
				"CVE-2023-0001 bullseye b 1-9 fixed firm [] 1-9 data/CVE/list:3\n" +
				"CVE-2023-0001 bullseye a 1-2 fixed firm [] 1-2 DSA-1-1 2023-03-29 data/DSA/list:3\n"},
		{"only an advisory knows it", map[string]string{fileCVE: "CVE-2023-0002\n\tRESERVED\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0002  RESERVED unknown firm [] data/CVE/list:2\n" +
				"CVE-2023-0001 bullseye a 1-2 fixed firm [] 1-2 DSA-1-1 2023-03-29 data/DSA/list:3\n"},
		{"reserved, and an advisory is out", map[string]string{fileCVE: "CVE-2023-0001\n\tRESERVED\n\t{DSA-1-1}\n", fileDSA: advisory + "\t[bullseye] - a 1-2\n"},
			"CVE-2023-0001 bullseye a 1-2 fixed firm [] 1-2 DSA-1-1 2023-03-29 data/DSA/list:3\n"},
		{"an advisory without a CVE ID", map[string]string{fileCVE: "\n", fileDTSA: "[August 26th, 2005] DTSA-1-1 a - various\n\t[etch] - a 1-0etch1 (high)\n"},
			"DTSA-1-1 etch a 1-0etch1 fixed firm [] 1-0etch1 DTSA-1-1 2005-08-26 high data/DTSA/list:2\n"},
		{"the next point release", map[string]string{fileCVE: "CVE-2023-0001\n\t- a 2-1\n\t[bullseye] - a <no-dsa> (Minor issue)\n", filePoint: "CVE-2023-0001\n\t[bullseye] - a 1-2\n", fileOldPoint: "CVE-2023-0003\n\t[buster] - b 1-3\n"},
			"CVE-2023-0001 sid a 2-1 fixed firm [] 2-1 data/CVE/list:2\n" +
				"CVE-2023-0001 bullseye a <no-dsa> deferred soft [minor-impact] data/CVE/list:3\n" +
				"CVE-2023-0001 bullseye a 1-2 fix-pending firm [batched] 1-2 data/next-point-update.txt:2\n" +
				"CVE-2023-0003 buster b 1-3 fix-pending firm [batched] 1-3 data/next-oldstable-point-update.txt:2\n"},
		{"what is being worked on", map[string]string{fileCVE: "\n", fileSuites: suitesOf2023, fileNeedDLA: "For people.\nmore\n\n--\na (ann)\n  NOTE: 20230101: first\n--\n", fileNeedDSA: "--\nb\n--\nc/stable\n--\nd/oldstable\n--\ne/sid (ben)\n--\n"},
			"* bullseye b dsa-needed fix-pending soft [] data/dsa-needed.txt:2\n" +
				"* bookworm b dsa-needed fix-pending soft [] data/dsa-needed.txt:2\n" +
				"* bookworm c dsa-needed fix-pending soft [] data/dsa-needed.txt:4\n" +
				"* bullseye d dsa-needed fix-pending soft [] data/dsa-needed.txt:6\n" +
				"* sid e dsa-needed fix-pending soft [] data/dsa-needed.txt:8\n" +
				"* buster a dla-needed fix-pending soft [] data/dla-needed.txt:5\n"},
		{"lists of debian-security-support", map[string]string{fileCVE: "\n", fileSuites: suitesOf2023, fileNeedDSA: "--\nb\n--\n", "data/security-support-ended.deb11": "a 1-1 2023-05-01 gone\n", "data/security-support-limited": "# text\nc only behind a firewall\n"},
			"* bullseye b dsa-needed fix-pending soft [] data/dsa-needed.txt:2\n" +
				"* bookworm b dsa-needed fix-pending soft [] data/dsa-needed.txt:2\n" +
				"* bullseye a security-support-ended end-of-life firm [support-scope] 2023-05-01 data/security-support-ended.deb11:1\n" +
				"* c security-support-limited wont-fix soft [support-scope] data/security-support-limited:2\n"},
		{"releases are not known", map[string]string{fileCVE: "\n", fileNeedDLA: "--\na (ann)\n--\nb/buster\n--\n"},
			"* buster b dla-needed fix-pending soft [] data/dla-needed.txt:4\n" +
				"problem data/dla-needed.txt: packages without a release are left out: static/distributions.json is needed to know which releases have support\n"},
		{"a release past its end", map[string]string{fileCVE: "CVE-2023-0001\n\t[wheezy] - a <end-of-life> (Not supported)\n\t[buster] - a <end-of-life> (Not supported)\n", fileSuites: suitesOf2023},
			"CVE-2023-0001 wheezy a <end-of-life> end-of-life firm [eol-release] data/CVE/list:2\n" +
				"CVE-2023-0001 buster a <end-of-life> end-of-life firm [support-scope] data/CVE/list:3\n"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			if got := merge(t, tt.files); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
	for _, err := range Merge(map[string][]byte{fileDSA: nil}) {
		if err == nil || !strings.Contains(err.Error(), fileCVE) {
			t.Errorf("without %s the error is %v", fileCVE, err)
		}
	}
}

// TestList has the grammar of data/CVE/list.
func TestList(t *testing.T) {
	for _, tt := range []struct{ what, text, want string }{
		{"experimental informs", "CVE-2023-0001\n\t[experimental] - a 3-1\n\t- a <unfixed>\n",
			"CVE-2023-0001 experimental a 3-1 fixed firm [] 3-1 data/CVE/list:2\nCVE-2023-0001 sid a <unfixed> affected-no-decision firm [no-reason-given] data/CVE/list:3\n"},
		{"neither a version nor a pseudo-version", "CVE-2023-0001\n\t- a (low)\n", "CVE-2023-0001 sid a - affected-no-decision firm [no-reason-given] low data/CVE/list:2\n"},
		{"blanks, empty lines, claims", "begin claimed by ann\nCVE-2023-0001 (x)\n        - a 1\n\n--\n        - b 2\nend claimed by ann\nSTOP: here\n",
			"CVE-2023-0001 sid a 1 fixed firm [] 1 data/CVE/list:3\nCVE-2023-0001 sid b 2 fixed firm [] 2 data/CVE/list:6\n"},
		{"a carriage return", "CVE-2023-0001 (x)\r\n\t- a 1 (bug #1; low)\r\n", "CVE-2023-0001 sid a 1 fixed firm [] 1 low data/CVE/list:2\n"},
		{"an urgency counts for the suites", "CVE-2023-0001\n\t- a 1 (low; bug #816320)\n\t[bookworm] - a <ignored> (Minor issue)\n",
			"CVE-2023-0001 sid a 1 fixed firm [] 1 low data/CVE/list:2\nCVE-2023-0001 bookworm a <ignored> wont-fix firm [minor-impact] low data/CVE/list:3\n"},
		{"a sentence on two lines", "CVE-2023-0001\n\t- a <unfixed> (unimportant)\n\tNOTE: Fixed by: https://x.test/not-a-bug\n\tNOTE: This is intended\n\tNOTE: behaviour\n",
			"CVE-2023-0001 sid a <unfixed> wont-fix derived [minor-impact,disputed] unimportant data/CVE/list:2\n"},
		{"a fix that is none", "CVE-2023-0001\n\t- a 9.4-1\n\t- b 9\n\tNOTE: the kernel side solved it, which marks the first upload after that (9.4-1)\n",
			"CVE-2023-0001 sid a 9.4-1 fixed firm [mitigated-elsewhere] 9.4-1 data/CVE/list:2\nCVE-2023-0001 sid b 9 fixed firm [] 9 data/CVE/list:3\n"},
		{"version 0", "CVE-2023-0001\n\t- a 0\n", "CVE-2023-0001 sid a 0 not-affected firm [code-not-present] data/CVE/list:2\n"},
		{"reserved with a line", "CVE-2023-0001\n\tRESERVED\n\t- a 1\n", "CVE-2023-0001 sid a 1 fixed firm [] 1 data/CVE/list:3\n"},
		{"rejected with a line", "CVE-2023-0001\n\tREJECTED\n\t- a <unfixed>\n", "CVE-2023-0001 sid a <unfixed> withdrawn firm [] data/CVE/list:3\n"},
		{"not for us, with a line", "CVE-2023-0001\n\tNOT-FOR-US: x\n\t- a 1\n",
			"CVE-2023-0001 sid a 1 fixed firm [] 1 data/CVE/list:3\nproblem data/CVE/list:2: NOT-FOR-US: there are lines about packages too\n"},
		{"the same twice", "CVE-2023-0001\n\t- a 1\n\t- a 2\n\t- a <not-affected>\n",
			"CVE-2023-0001 sid a 2 fixed firm [] 2 data/CVE/list:3\nproblem data/CVE/list:3: package a: line 2 speaks of the same release\nproblem data/CVE/list:4: package a: line 3 speaks of the same release\n"},
		{"what is wrong", "CVE-2023-0001 no brackets\n\t- a <new>\n\t- b <no-dsa> (x)\n\t[buster] - c <ignored>\n\t- d <itp>\n\t- e 1 (what)\n\t[Buster] - f 1\n\t- g! 1\n\t- h 1 x\n\t{DSA-1\n\tWHAT\n\t-i\n\t- j <x\n",
			"CVE-2023-0001 sid a <new> unknown firm [] data/CVE/list:2\n" +
				"CVE-2023-0001 buster c <ignored> wont-fix firm [no-reason-given] data/CVE/list:4\n" +
				"CVE-2023-0001 sid d <itp> not-in-release firm [component-not-present] data/CVE/list:5\n" +
				"CVE-2023-0001 sid e 1 fixed firm [] 1 data/CVE/list:6\n" +
				"problem data/CVE/list:1: description \"no brackets\": want it in round or square brackets\n" +
				"problem data/CVE/list:2: pseudo-version \"<new>\" is not known\n" +
				"problem data/CVE/list:3: <no-dsa> lacks the release that it is for\n" +
				"problem data/CVE/list:4: <ignored> lacks its reason in round brackets\n" +
				"problem data/CVE/list:5: <itp> lacks its bug number\n" +
				"problem data/CVE/list:6: inner annotation \"what\": want bug #NUMBER or an urgency\n" +
				"problem data/CVE/list:7: release \"Buster\": want the name of a release in lower case\n" +
				"problem data/CVE/list:8: package \"g!\": want letters, digits and : . + -\n" +
				"problem data/CVE/list:9: line \"- h 1 x\": want nothing but round brackets behind the version\n" +
				"problem data/CVE/list:10: cross-reference \"{DSA-1\": it lacks its }\n" +
				"problem data/CVE/list:11: annotation \"WHAT\": not one that is known\n" +
				"problem data/CVE/list:12: line \"-i\": want a hyphen and a blank before the package\n" +
				"problem data/CVE/list:13: line \"- j <x\": a pseudo-version lacks its >\n"},
		{"a header that is none", "CVE-12-1 (x)\n\t- a 1\nCVE-2023-0001\n\t- a 1\n",
			"problem data/CVE/list:1: header \"CVE-12-1 (x)\": want CVE-YEAR-NUMBER, CVE-YEAR-XXXX or TEMP-…\nCVE-2023-0001 sid a 1 fixed firm [] 1 data/CVE/list:4\n"},
		{"no header at all", "\t- a 1\n", "problem data/CVE/list:1: annotation \"- a 1\": it belongs to no entry\n"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			if got := merge(t, map[string]string{fileCVE: tt.text}); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// TestEntry has what an entry holds beside its statements.
func TestEntry(t *testing.T) {
	const text = "CVE-2023-0001 (A flaw in a ...)\n\t{DSA-1-1 DLA-2-1}\n\t- a <unfixed> (bug #12; medium)\n\tNOTE: https://a.test/1\n\tNOTE: Fixed by: https://a.test/2\n\tTODO: check, whether b is affected\n" +
		"CVE-2023-XXXX [Privilege escalation possible to other user than root]\n\t- bash <unfixed> (unimportant; bug #841856)\n"
	var entries []*wontfix.Entry
	for c, err := range Parse("x/data/CVE/list", []byte(text)) {
		testkit.Must(t, err)
		if c.ID != c.Entry.ID || c.File != "x/data/CVE/list" || len(c.Problems) > 0 {
			t.Errorf("change %+v", c)
		}
		entries = append(entries, c.Entry)
	}
	e := entries[0]
	if got, want := fmt.Sprint(e.ID, e.Description, e.References, e.Bugs, e.Notes, e.PriorityFor("a", "").Word, e.PriorityFor("b", "").Word),
		"CVE-2023-0001A flaw in a ...[DSA-1-1 DLA-2-1 https://a.test/1] [https://bugs.debian.org/12] [{ Fixed by: https://a.test/2 5} { TODO: check, whether b is affected 6}]mediumuntriaged"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if e := entries[1]; e.ID != "TEMP-0841856-B18BAF" || e.VendorText == "" || e.Description != "" || e.Statements[0].ID != e.ID {
		t.Errorf("%+v", e)
	}
}
