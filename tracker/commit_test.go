package tracker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"wontfix"
)

// formatCommit writes what parseCommit reads.
func formatCommit(c rawCommit, size int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.tree.Hex(size))
	for _, p := range c.parents {
		fmt.Fprintf(&b, "parent %s\n", p.Hex(size))
	}
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return fmt.Sprintf(" %d %s", t.Unix(), t.Format("-0700"))
	}
	fmt.Fprintf(&b, "author %s <%s>%s\ncommitter C <c>%s\n", c.commit.Author, c.commit.Email, date(c.commit.Time), date(c.commit.Committed))
	fmt.Fprintf(&b, "gpgsig x\n author Not <me> 1 +0000\n\n%s", c.commit.Message)
	return b.Bytes()
}

// FuzzParseCommit: what is read is text that can be shown and stored, and can
// be written and read again.
func FuzzParseCommit(f *testing.F) {
	tree, parent := "tree "+strings.Repeat("12", 20)+"\n", "parent "+strings.Repeat("ab", 20)+"\n"
	f.Add([]byte(tree+parent+parent+"author A B <a@example.org> 1420675200 -0500\ncommitter C <c@example> 1420675201 +0000\n\nsubject\n\nbody\n"), false)
	f.Add([]byte(tree+"author J\xfcrg <j> 1 +0530\ncommitter x\nencoding latin1\ngpgsig a\n b\n c\n\nGr\xfc\xdfe"), false)
	f.Add([]byte(tree+"author a>b <c<d> 9> 99999999999 +9999\n"), false)
	f.Add([]byte("tree "+strings.Repeat("12", 32)+"\nauthor <> 5\n\n\x00"), true)
	f.Fuzz(func(t *testing.T, raw []byte, sha256 bool) {
		size := 20
		if sha256 {
			size = 32
		}
		c, err := parseCommit(raw, size)
		if err != nil {
			return
		}
		lines := strings.Split(string(raw), "\n")
		if want := "tree " + c.tree.Hex(size); lines[0] != want {
			t.Fatalf("tree %q, want %q", lines[0], want)
		}
		for i, p := range c.parents {
			if lines[1+i] != "parent "+p.Hex(size) {
				t.Fatalf("parent %d is %q", i, lines[1+i])
			}
		}
		for _, s := range []string{c.commit.Author, c.commit.Email, c.commit.Message} {
			if !utf8.ValidString(s) {
				t.Fatalf("%q is not UTF-8", s)
			}
		}
		if _, err := json.Marshal(c.commit); err != nil {
			t.Fatal(err)
		}
		again, err := parseCommit(formatCommit(c, size), size)
		if err != nil {
			t.Fatal(err)
		}
		if have, want := show(again.commit), show(c.commit); have != want || len(again.parents) != len(c.parents) {
			t.Fatalf("read again:\n%s, want\n%s", have, want)
		}
	})
}

func show(c wontfix.Commit) string {
	return fmt.Sprintf("%q %q %s %s %q", c.Author, c.Email, c.Time.Format(time.RFC3339), c.Committed.Format(time.RFC3339), c.Message)
}

// TestParseIdent compares with git where git has an answer, and without one
// with what a reader would take the line for.
func TestParseIdent(t *testing.T) {
	r := three(t)
	tree := r.git("rev-parse", "HEAD^{tree}")
	for _, test := range []struct{ line, want string }{
		{"A B <a@example.org> 1420675200 -0500", ""},
		{"A B<a@example.org>1420675200 +0100", ""},
		{"Leonidas <leo.barbosa@canonical> 1420675200 +0000", ""},
		{"<a@example.org> 1420675200 +0530", ""},
		{"A <a<b@example.org> 1420675200 +0000", ""},
		{"A <a@example.org> 1420675200> 1420675201 +0200", ""},
		{"  A   <a@example.org>   1420675200   -0330", ""},
		{"A <a@example.org> soon", "A|a@example.org|-62135596800 +0000"},
		{"A <a@example.org", "A|a@example.org|-62135596800 +0000"},
		{"A B", "A B||-62135596800 +0000"},
		{"A <a@example.org> 99999999999999999999 +0000", "A|a@example.org|-62135596800 +0000"},
		{"A <a@example.org> 1420675200 +9999", "A|a@example.org|1420675200 +0000"},
		{"", "||-62135596800 +0000"},
	} {
		want := test.want
		if want == "" {
			cmd := r.cmd("hash-object", "-t", "commit", "-w", "--literally", "--stdin")
			cmd.Stdin = strings.NewReader("tree " + tree + "\nauthor " + test.line + "\ncommitter C <c> 1420675200 +0000\n\nx\n")
			id, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			want = r.git("log", "--no-walk", "--date=raw", "--format=%an|%ae|%ad", strings.TrimSpace(string(id)))
		}
		name, email, when := parseIdent([]byte(test.line))
		if have := fmt.Sprintf("%s|%s|%d %s", name, email, when.Unix(), when.Format("-0700")); have != want {
			t.Errorf("%q: %s, want %s", test.line, have, want)
		}
	}
}

// TestParseCommitErrors: a commit without its tree is none; one whose author is
// lost has the committer's time.
func TestParseCommitErrors(t *testing.T) {
	tree := "tree " + strings.Repeat("12", 20) + "\n"
	for _, raw := range []string{"", "x", "tree 12\nauthor A <a> 1 +0000\n", tree, tree + "parent 12\nauthor A <a> 1 +0000\n",
		strings.ToUpper(tree) + "author A <a> 1 +0000\n", tree + "\nauthor A <a> 1 +0000\n"} {
		if _, err := parseCommit([]byte(raw), 20); err == nil || !strings.HasPrefix(err.Error(), "commit: ") {
			t.Errorf("%q: error %v", raw, err)
		}
	}
	c, err := parseCommit([]byte(tree+"author A\ncommitter C <c> 1420675200 +0100\n\nx"), 20)
	if err != nil || c.commit.Time.Unix() != 1420675200 || c.commit.Author != "A" {
		t.Errorf("%+v, %v", c, err)
	}
}

// FuzzParseRaw: what is read can be written and read again, and nothing behind
// it is touched.
func FuzzParseRaw(f *testing.F) {
	id, none := strings.Repeat("0123456789", 4), strings.Repeat("0", 40)
	f.Add([]byte(":100644 100644 " + id + " " + none + " M\x00active/CVE-2014-9365\x00rest"))
	f.Add([]byte(":000000 120000 " + none + " " + id + " A\x00a\nb\x00:"))
	f.Add([]byte(":100644 000000 " + id + " " + none + " D\x00" + strings.Repeat("long/", 2000) + "\x00"))
	f.Add([]byte(":9 1 " + id + " " + none + " M\x00x\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(data), 16)
		c, err := parseRaw(r, 20)
		if err != nil {
			return
		}
		var rest bytes.Buffer
		r.WriteTo(&rest)
		if used := data[:len(data)-rest.Len()]; bytes.Count(used, []byte{0}) != 2 || used[len(used)-1] != 0 {
			t.Fatalf("%q was read of %q", used, data)
		}
		text := fmt.Sprintf(":%06o %06o %s %s X\x00%s\x00", c.OldMode, c.NewMode, c.Old.Hex(20), c.New.Hex(20), c.Name)
		again, err := parseRaw(bufio.NewReader(strings.NewReader(text)), 20)
		if err != nil || again != c {
			t.Fatalf("%v: %+v, want %+v", err, again, c)
		}
	})
}

// FuzzSubtrees: every tree that is found stands behind the name of a folder,
// and one more at the end is one more that is found.
func FuzzSubtrees(f *testing.F) {
	f.Add([]byte("100644 a\x0001234567890123456789"+"40000 active\x0001234567890123456789"), 0)
	f.Add([]byte("40000 CVE\x0001234567890123456789"+"40000 data\x0001234567890123456789"), 1)
	f.Add([]byte("40000 active\x00012"), 0)
	dirs := []string{"active", "data/CVE"}
	f.Fuzz(func(t *testing.T, tree []byte, depth int) {
		depth = int(uint(depth) % 3)
		ids, err := subtrees(tree, 20, depth, dirs)
		if err != nil {
			if ids != nil {
				t.Fatal("trees beside an error")
			}
			return
		}
		for _, id := range ids {
			if !bytes.Contains(tree, append([]byte("active\x00"), id[:20]...)) && !bytes.Contains(tree, append([]byte("data\x00"), id[:20]...)) &&
				!bytes.Contains(tree, append([]byte("CVE\x00"), id[:20]...)) {
				t.Fatalf("%s is none of %q", id.Hex(20), tree)
			}
		}
		for _, name := range []string{"active", "data", "CVE", "other"} {
			want := len(ids)
			if depth == 0 && (name == "active" || name == "data") || depth == 1 && name == "CVE" {
				want++
			}
			more, err := subtrees(fmt.Appendf(bytes.Clone(tree), "40000 %s\x00%s", name, strings.Repeat("x", 20)), 20, depth, dirs)
			if err != nil || len(more) != want {
				t.Fatalf("%d trees with %s, want %d: %v", len(more), name, want, err)
			}
		}
	})
}
