package history

import (
	"slices"
	"strings"

	"wontfix"
)

// nicks counts, for each name that notes are signed with, how many notes each
// author has added under it.
type nicks map[string]map[string]int

// person returns what one author is known by whatever the address.
func person(c *wontfix.Commit) string { return personNamed(c.Author) }

// A writer is an author as commits name one.
type writer struct{ author, email string }

// writer returns the number of a commit's author among the writers of the log.
func (l *Log) writer(c *wontfix.Commit) int {
	w := writer{c.Author, c.Email}
	n, ok := l.numbers[w]
	if !ok {
		if l.numbers == nil {
			l.numbers = make(map[writer]int)
		}
		n = len(l.writers)
		l.writers, l.numbers[w] = append(l.writers, w), n
	}
	return n
}

// A persons says which names of authors are of one person: the first in order
// of those that have written from one address.
type persons map[string]string

// of returns the person behind a name.
func (p persons) of(name string) string {
	for {
		next, ok := p[name]
		if !ok || next == name {
			return name
		}
		name = next
	}
}

// newPersons joins the names that share an address. Addresses of teams and
// robots are nobody's.
func newPersons(writers []writer) persons {
	p := persons{}
	first := make(map[string]string) // the name that had an address first
	for _, w := range writers {
		name, address := personNamed(w.author), strings.ToLower(w.email)
		if address == "" || strings.Contains(address, "@lists.") || strings.Contains(address, "-team@") || strings.Contains(address, "noreply") {
			continue
		}
		other, ok := first[address]
		if !ok {
			first[address] = name
			continue
		}
		if a, b := p.of(name), p.of(other); a < b {
			p[b] = a
		} else if b < a {
			p[a] = b
		}
	}
	return p
}

// persons returns who the authors of the log are.
func (l *Log) persons() persons {
	known := l.people.Load()
	if known == nil {
		p := newPersons(l.writers)
		known = &p
		l.people.Store(known)
	}
	return *known
}

// personsBefore returns who the authors of the commits below first are, as these
// tell alone.
func (l *Log) personsBefore(first int) persons {
	before := &Log{}
	for i := range first {
		before.writer(l.Commit(i))
	}
	return before.persons()
}

func personNamed(author string) string { return strings.ToLower(strings.TrimSpace(author)) }

func (n nicks) add(nick, person string, count int) {
	if n[nick] == nil {
		n[nick] = map[string]int{}
	}
	n[nick][person] += count
}

// Owner returns the author, in lower case, who the history proves to be behind
// a nick: the one who has added most notes under it, at least two thirds of
// three or more. Others add them too: they paste a colleague's note, or a
// template has it. It is "" if nothing is proved.
func (l *Log) Owner(nick string) string { return l.signatures().owners[nick] }

func (l *Log) owner(nick string, people persons) string {
	best, count, sum := "", 0, 0
	notes := make(map[string]int)
	for author, n := range l.nicks[nick] {
		notes[people.of(author)] += n
	}
	for author, n := range notes {
		sum += n
		if n > count || n == count && author < best {
			best, count = author, n
		}
	}
	if count < 3 || 3*count < 2*sum {
		return ""
	}
	return best
}

// notesOf returns how many notes a person has added under a nick.
func (l *Log) notesOf(nick, who string) int {
	sum := 0
	for author, n := range l.nicks[nick] {
		if l.persons().of(author) == who {
			sum += n
		}
	}
	return sum
}

// owners returns who is behind each nick, "" where that is not proved: which of
// the authors of the commits below first are that person, after an ">".
func (l *Log) owners(first int, people persons) map[string]string {
	var authors []string
	for i := range first {
		authors = append(authors, person(l.Commit(i)))
	}
	slices.Sort(authors)
	names := make(map[string]string) // of each person
	for _, name := range slices.Compact(authors) {
		names[people.of(name)] += name + "\n"
	}
	owners := make(map[string]string, len(l.nicks))
	for nick := range l.nicks {
		owners[nick] = ""
		if owner := l.owner(nick, people); owner != "" {
			owners[nick] = ">" + names[owner]
		}
	}
	return owners
}

// Nick returns the name that an author signs notes with, of those that
// [Log.Owner] proves the author's the one with most of the author's notes; ""
// if there is none.
func (l *Log) Nick(author string) string {
	return l.signatures().nicks[l.persons().of(personNamed(author))]
}

// A signatures has what is proved of nicks.
type signatures struct {
	owners map[string]string // by nick, where there is one
	nicks  map[string]string // of each owner; of two with as many notes the first in order
}

// signatures returns what the log proves of nicks.
func (l *Log) signatures() *signatures {
	if s := l.signed.Load(); s != nil {
		return s
	}
	s := &signatures{map[string]string{}, map[string]string{}}
	for nick := range l.nicks {
		owner := l.owner(nick, l.persons())
		if owner == "" {
			continue
		}
		s.owners[nick] = owner
		other, ok := s.nicks[owner]
		if n, most := l.notesOf(nick, owner), l.notesOf(other, owner); !ok || n > most || n == most && nick < other {
			s.nicks[owner] = nick
		}
	}
	l.signed.Store(s)
	return s
}

// owns reports whether a note signed with a nick is the commit's author's own.
// A nick that resembles the author's name or address is; so is one that the
// history proves theirs.
func (l *Log) owns(c *wontfix.Commit, nick string) bool {
	who := l.persons().of(person(c))
	if owner := l.Owner(nick); owner != "" {
		return owner == who
	}
	return resembles(nick, c)
}

// plain takes out what is between the parts of a name.
var plain = strings.NewReplacer("-", "", ".", "", "_", "")

// resembles reports whether a nick is made of its author's name: the local part
// of the address, the names without spaces, or an initial and the beginning of
// the last name.
func resembles(nick string, c *wontfix.Commit) bool {
	nick = strings.ToLower(nick)
	if len(nick) < 3 {
		return false
	}
	local, _, _ := strings.Cut(strings.ToLower(c.Email), "@")
	names := strings.Fields(strings.ToLower(c.Author))
	if plain.Replace(nick) == plain.Replace(local) || plain.Replace(nick) == strings.Join(names, "") {
		return true
	}
	if len(names) < 2 {
		return len(names) == 1 && nick == names[0]
	}
	first, last := names[0], names[len(names)-1]
	rest, ok := strings.CutPrefix(nick, first[:1])
	return ok && len(rest) >= 3 && strings.HasPrefix(last, rest) || nick == first || nick == last
}
