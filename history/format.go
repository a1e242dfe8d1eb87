package history

import "wontfix"

// A Format says what the texts of a tracker mean. Its functions are called by
// several goroutines at once.
type Format struct {
	// Rows calls fn with each status line of a line of text, which may hold
	// more than one and ends as it does in the text. A word of "" is a line
	// that says nothing and whose place no later one takes.
	Rows func(line string, fn func(Key, Value))
	// Meaning says what a status means by itself.
	Meaning func(word, detail string) wontfix.Meaning
	// Notes returns the notes of a text.
	Notes func(text []byte) []wontfix.Note
	// Fields returns what a text has beside rows and notes, in its order.
	Fields func(text []byte) []Field
	// Nick returns the author of the note that begins on a line, or "".
	Nick func(line string) string
	// Parent returns the label that another's first rows are copied from, as
	// those of a product are from its release's, or "".
	Parent func(label string) string
	// Devel is the label of the release under development.
	Devel string
	// Family returns what a source is a variant of, or "": new variants start
	// with the rows of another.
	Family func(source string) string
	// Robot reports whether a commit is a program's doing.
	Robot func(c *wontfix.Commit) bool
	// Folders are the tracker's folders: see [Place].
	Folders []string
}

// A Key names a row of an entry.
type Key struct{ Label, Source string }

func (k Key) String() string { return k.Label + "_" + k.Source }

// A Value is what a row says.
type Value struct{ Word, Detail string }

// A Field is something that a text says of the whole entry, or of a source.
type Field struct{ Name, Text string }
