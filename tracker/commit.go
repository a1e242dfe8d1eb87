package tracker

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wontfix"
)

// A rawCommit is what a commit object says. The ID and the numbers of the
// parents are not set.
type rawCommit struct {
	commit  wontfix.Commit
	tree    objectID
	parents []objectID
}

// parseCommit reads a commit object of Git: lines with a keyword, of which the
// tree and the parents come first, then an empty line and the message. Lines
// that begin with a space go on the one before. Size is that of an object ID
// in bytes. Who and when are read as far as they can be, since history is full
// of broken ones; only a commit without its tree is an error.
func parseCommit(raw []byte, size int) (rawCommit, error) {
	var c rawCommit
	head, message, _ := bytes.Cut(raw, []byte("\n\n"))
	id := func(line []byte, key string) (objectID, bool) {
		hex, ok := bytes.CutPrefix(line, []byte(key))
		if !ok || len(hex) != 2*size {
			return objectID{}, false
		}
		return parseID(string(hex))
	}
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	var ok bool
	if c.tree, ok = id(line, "tree "); !ok {
		return c, fmt.Errorf("commit: first line %.80q; want its tree", line)
	}
	for bytes.HasPrefix(rest, []byte("parent ")) {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		parent, ok := id(line, "parent ")
		if !ok {
			return c, fmt.Errorf("commit: line %.80q; want a parent", line)
		}
		c.parents = append(c.parents, parent)
	}
	var author, committer, encoding []byte
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		key, value, _ := bytes.Cut(line, []byte(" "))
		switch {
		case string(key) == "author" && author == nil:
			author = value
		case string(key) == "committer" && committer == nil:
			committer = value
		case string(key) == "encoding" && encoding == nil:
			encoding = value
		}
	}
	if author == nil && committer == nil {
		return c, errors.New("commit: has neither author nor committer")
	}
	decode := decoder(string(encoding))
	name, email, when := parseIdent(author)
	_, _, c.commit.Committed = parseIdent(committer)
	if when.IsZero() {
		when = c.commit.Committed
	}
	if c.commit.Committed.IsZero() {
		c.commit.Committed = when
	}
	// Git's own programs take a message to end at a zero byte.
	message, _, _ = bytes.Cut(message, []byte{0})
	c.commit.Author, c.commit.Email, c.commit.Time = strings.TrimSpace(decode(name)), decode(email), when
	c.commit.Message = decode(message)
	return c, nil
}

// parseIdent reads "NAME <EMAIL> SECONDS ZONE". Like Git it takes the name up
// to the first "<", the address up to the first ">" behind it and the time
// after the last one. What is not there is empty.
func parseIdent(line []byte) (name, email []byte, when time.Time) {
	open := bytes.IndexByte(line, '<')
	if open < 0 {
		return bytes.TrimSpace(line), nil, time.Time{}
	}
	name = bytes.TrimSpace(line[:open])
	end := bytes.IndexByte(line[open:], '>')
	if end < 0 {
		return name, bytes.TrimSpace(line[open+1:]), time.Time{}
	}
	email = line[open+1 : open+end]
	f := strings.Fields(string(line[bytes.LastIndexByte(line, '>')+1:]))
	if len(f) == 0 {
		return name, email, time.Time{}
	}
	seconds, err := strconv.ParseUint(f[0], 10, 63)
	if err != nil || seconds > maxSeconds {
		return name, email, time.Time{}
	}
	zone := time.UTC
	if len(f) > 1 {
		zone = parseZone(f[1])
	}
	return name, email, time.Unix(int64(seconds), 0).In(zone)
}

// maxSeconds is the end of the year 9999, less a day for time zones.
const maxSeconds = 253402300799 - 86400

// parseZone reads "+0100"; anything else is UTC.
func parseZone(s string) *time.Location {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return time.UTC
	}
	hours, minutes := n/100, n%100
	if hours < -23 || hours > 23 || minutes < -59 || minutes > 59 || n == 0 {
		return time.UTC
	}
	return time.FixedZone("", hours*3600+minutes*60)
}

// decoder returns what makes UTF-8 of the bytes of a commit. Git knows the
// names of many encodings; in trackers there were two.
func decoder(encoding string) func([]byte) string {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1":
		return func(b []byte) string {
			s := make([]byte, 0, len(b)+8)
			for _, c := range b {
				s = utf8.AppendRune(s, rune(c))
			}
			return string(s)
		}
	}
	return func(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }
}
