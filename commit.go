package wontfix

import (
	"strings"
	"time"
)

// A Commit is one revision of a tracker: who changed it, when, and what they
// said of it.
type Commit struct {
	ID      string // hexadecimal
	Parents []int  // numbers of the commits before it
	Author  string
	Email   string
	Time    time.Time // when the author made it, in the author's time zone
	// Committed is when it became part of the tracker. It differs from Time
	// where a commit was made again on top of others.
	Committed time.Time
	Message   string // whole; see [Commit.Subject]
	Entries   int    // how many entries it changed in a way that none of its parents has
	// Gap says that what came before it is not at hand, or not all of it: a
	// change that it seems to make may be older, and by somebody else.
	Gap bool
}

// Subject returns the first paragraph of the message on one line, as git does.
func (c *Commit) Subject() string {
	s, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n\n")
	return strings.Join(strings.Fields(s), " ")
}

// Said returns the message without the lines that tools add at its end
// ("Signed-off-by: …"), on one line.
func (c *Commit) Said() string {
	var kept []string
	for line := range strings.Lines(c.Message) {
		line = strings.TrimSpace(line)
		if key, _, ok := strings.Cut(line, ": "); ok && strings.HasSuffix(strings.ToLower(key), "-by") && !strings.Contains(key, " ") {
			continue
		}
		if line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, " ")
}
