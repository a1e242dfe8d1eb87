package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"wontfix"
	"wontfix/history"
	"wontfix/internal/testkit"
)

// moveTo makes a commit the tip of a repository.
func (m *madeRepo) moveTo(t testing.TB, c int) {
	t.Helper()
	gitIn(t, m.dir, nil, "update-ref", "refs/heads/master", m.commits[c].id)
}

// checkTip compares the state of each entry at the tip of a history with that
// of a commit: its folder and its text. Of an entry in several folders the
// first counts.
func (m *madeRepo) checkTip(t *testing.T, p *past, c int) {
	t.Helper()
	want := map[string]string{}
	for _, dir := range p.spec.Dirs {
		for name, text := range m.commits[c].tree {
			if _, ok := want[path.Base(name)]; path.Dir(name) == dir && !ok {
				want[path.Base(name)] = dir + " " + text
			}
		}
	}
	got := map[string]string{}
	var mu sync.Mutex
	testkit.Must(t, p.files(t.Context(), allOf(t, p), func(f *history.File) error {
		n := f.At(p.log, p.log.Tip())
		if n < 0 {
			return nil
		}
		if place, ok := f.Records[n].Place(); ok {
			mu.Lock()
			got[f.ID] = p.spec.Dirs[place.Dir] + " " + string(f.Text(place.Text))
			mu.Unlock()
		}
		return nil
	}))
	if !maps.Equal(got, want) {
		t.Errorf("at commit %d: %q, want %q", c, got, want)
	}
}

// synced matches the time of a sync, where the database has it.
var synced = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(https://ubuntu\.com/security/)`)

// TestKilledHistory kills first and later syncs while they read the history of two
// some thousand commits, at ten random moments each. The next one makes the
// database that an undisturbed one makes, to the byte.
func TestKilledHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty kills take a while")
	}
	m := makeRepo(t, 4, 2000)
	dir := t.TempDir()
	file := filepath.Join(dir, "wontfix.db")
	// Of the time of the sync alone nothing is known.
	read := func() []byte { return synced.ReplaceAll(readFile(t, file), []byte("____-__-__T__:__:__Z$1")) }
	sync := func() []byte {
		t.Helper()
		wants(t, dir, exitOK, "", "sync", "-q", "ubuntu="+m.dir)
		return read()
	}
	line := m.cuts(rand.New(rand.NewPCG(1, 1)), 1, true)
	m.moveTo(t, line[0])
	before := sync()
	m.moveTo(t, len(m.commits)-1)
	later := sync()
	for name, tt := range map[string]struct{ before, after []byte }{"first": {nil, nil}, "later": {before, later}} {
		t.Run(name, func(t *testing.T) {
			put := func() {
				testkit.Must(t, os.RemoveAll(file))
				if tt.before != nil {
					testkit.Must(t, os.WriteFile(file, tt.before, 0o644))
				}
			}
			put()
			start := time.Now()
			undisturbed := sync()
			whole := time.Since(start)
			if tt.after != nil && !bytes.Equal(undisturbed, tt.after) {
				t.Fatal("two undisturbed syncs differ")
			}
			r := rand.New(rand.NewPCG(3, 4))
			killed := 0
			for i := range 10 {
				put()
				cmd := wontfixProcess(dir, "sync", "-q", "ubuntu="+m.dir)
				testkit.Must(t, cmd.Start())
				time.Sleep(time.Duration((float64(i) + r.Float64()) / 10 * float64(whole)))
				testkit.Must(t, cmd.Process.Kill())
				if err := cmd.Wait(); err != nil {
					killed++
				}
				if _, err := os.Stat(file); tt.before != nil || err == nil {
					if left := read(); !bytes.Equal(left, tt.before) && !bytes.Equal(left, undisturbed) {
						t.Fatalf("kill %d: the database is neither the old nor the new one", i)
					}
				}
				if !bytes.Equal(sync(), undisturbed) {
					t.Fatalf("kill %d: the sync after it gives another database", i)
				}
			}
			if killed < 5 {
				t.Errorf("%d of 10 were killed before they were done", killed)
			}
			left, err := filepath.Glob(filepath.Join(dir, "*.new-*"))
			testkit.Must(t, err)
			if len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			t.Logf("%d of 10 killed, in %v", killed, whole)
		})
	}
	m.checkTip(t, pastOf(t, file), len(m.commits)-1)
}

// TestHistoryLater syncs what has no history at hand: a server without
// --history, or a folder. What changed between two readings is known, with a
// gap; everything is, when the history comes.
func TestHistoryLater(t *testing.T) {
	m := makeRepo(t, 21, 120)
	last := len(m.commits) - 1
	line := m.cuts(rand.New(rand.NewPCG(9, 9)), 3, true)
	if len(line) != 4 {
		t.Fatalf("cut at %v; want four places", line)
	}
	folder := func(c int) string {
		dir := t.TempDir()
		for name, text := range m.commits[c].tree {
			write(t, dir, name, text)
		}
		return dir
	}
	server := func(c int) string {
		m.moveTo(t, c)
		return "file://" + m.dir
	}
	for name, source := range map[string]func(int) string{"server": server, "folder": folder} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			db := filepath.Join(home, "db")
			sync := func(says string, args ...string) *past {
				t.Helper()
				_, diag, err := wontfixIn(home, append(append([]string{"sync"}, args...), "--db", db)...)
				testkit.Must(t, err)
				if !strings.Contains(diag, says) {
					t.Errorf("sync says %q; want %q", diag, says)
				}
				return pastOf(t, db)
			}
			p := sync("history", "ubuntu="+source(line[0]))
			m.checkTip(t, p, line[0])
			if p.log.Len() != 1 || !p.log.Commit(0).Gap {
				t.Errorf("the first reading makes %d commits", p.log.Len())
			}
			differ := 0
			for n, c := range line[1:3] {
				p = sync("not at hand", "ubuntu="+source(c))
				m.checkTip(t, p, c)
				if p.log.Len() != n+2 || !p.log.Commit(n+1).Gap {
					t.Errorf("reading %d makes %d commits", n+2, p.log.Len())
				}
				differ += m.checkGap(t, p, line[n], c)
			}
			if differ < 5 {
				t.Errorf("%d rows differ between two readings; choose another seed", differ)
			}
			m.moveTo(t, line[2])
			if name == "server" {
				p = sync("its whole history is at hand now", "--history", "ubuntu="+source(line[2]))
			} else {
				p = sync("its whole history is at hand now", "ubuntu="+m.dir)
			}
			if gaps := p.log.Gaps(); len(gaps) > 0 {
				t.Errorf("gaps: %v", gaps)
			}
			m.checkTip(t, p, line[2])
			m.moveTo(t, last)
			if name == "server" { // goes on with history
				p = sync("commit", "ubuntu="+source(last))
			} else {
				p = sync("commit", "ubuntu="+m.dir)
			}
			m.check(t, p)
		})
	}
}

// checkGap checks what a history says of the rows that differ between its tip
// and the reading before, of which nobody knows who changed them. It returns
// how many there are.
func (m *madeRepo) checkGap(t *testing.T, p *past, was, is int) int {
	t.Helper()
	n := 0
	for _, id := range madeFiles {
		trace, err := p.trace(t.Context(), id)
		testkit.Must(t, err)
		if trace == nil {
			continue
		}
		for _, row := range trace.Rows() {
			line := trace.Timeline(row.Key)
			if line.Unseen == "" {
				t.Errorf("%s %v: does not say that something is not at hand", id, row.Key)
			}
			old, had := m.value(m.commits[was].tree, id, row.Key)
			if had && old == row.Value {
				continue
			}
			n++
			if len(line.Events) == 0 {
				t.Errorf("%s %v: changed between two readings, and no event", id, row.Key)
				continue
			}
			e := line.Events[len(line.Events)-1]
			if e.Class != wontfix.ClassUnseen || (history.Value{Word: e.From, Detail: e.FromDetail}) != old || (history.Value{Word: e.To, Detail: e.ToDetail}) != row.Value || e.Author != "" {
				data, _ := json.Marshal(e)
				t.Errorf("%s %v: was %v, is %v; the last event is %s", id, row.Key, old, row.Value, data)
			}
			if o, ok := trace.Origin(row.Key); !ok || o.Class != wontfix.ClassUnseen || o.Decided.Author != "" || o.Confidence > wontfix.ConfidenceLow {
				t.Errorf("%s %v: origin %+v", id, row.Key, o)
			}
		}
	}
	return n
}

// TestHistoryPartial syncs a partial clone, which has the texts of its tip
// alone: what it lacks is said and nobody is credited with it.
func TestHistoryPartial(t *testing.T) {
	m := makeRepo(t, 31, 120)
	gitIn(t, m.dir, nil, "config", "uploadpack.allowFilter", "true")
	home := t.TempDir()
	clone := filepath.Join(home, "clone")
	gitIn(t, home, nil, "clone", "-q", "--filter=blob:none", "file://"+m.dir, clone)
	db := filepath.Join(home, "db")
	_, diag, err := wontfixIn(home, "sync", "ubuntu="+clone, "--db", db)
	testkit.Must(t, err)
	if !strings.Contains(diag, "versions cannot be read") {
		t.Errorf("sync says %q", diag)
	}
	p := pastOf(t, db)
	if p.log.Len() != len(m.commits) {
		t.Errorf("%d commits", p.log.Len())
	}
	m.checkTip(t, p, len(m.commits)-1)
	unseen := 0
	for name := range m.commits[len(m.commits)-1].tree {
		trace, err := p.trace(t.Context(), path.Base(name))
		testkit.Must(t, err)
		for _, row := range trace.Rows() {
			if o, _ := trace.Origin(row.Key); o.Class == wontfix.ClassUnseen {
				unseen++
				if o.Confidence > wontfix.ConfidenceLow {
					t.Errorf("%s %v: %+v", name, row.Key, o)
				}
				if trace.Timeline(row.Key).Unseen == "" {
					t.Errorf("%s %v: the timeline does not say what is missing", name, row.Key)
				}
			}
		}
	}
	if unseen == 0 {
		t.Error("no row has an unseen origin")
	}
	_, diag, err = wontfixIn(home, "sync", "--full", "ubuntu="+m.dir, "--db", db)
	testkit.Must(t, err)
	m.check(t, pastOf(t, db))
	t.Logf("%d rows of unseen origin\n%s", unseen, diag)
}

// TestHistoryRewritten: a branch that does not lead from what was read is said
// to be rewritten, and read anew, or with a gap where its past is not at hand.
func TestHistoryRewritten(t *testing.T) {
	m := makeRepo(t, 41, 120)
	last := len(m.commits) - 1
	line := m.cuts(rand.New(rand.NewPCG(2, 2)), 1, true)
	for name, source := range map[string]string{"repository": m.dir, "server": "file://" + m.dir, "history": "file://" + m.dir} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			db := filepath.Join(home, "db")
			args := []string{"sync", "ubuntu=" + source, "--db", db}
			if name == "history" {
				args = append(args, "--history")
			}
			m.moveTo(t, last)
			_, _, err := wontfixIn(home, args...)
			testkit.Must(t, err)
			m.moveTo(t, line[0])
			_, diag, err := wontfixIn(home, args...)
			testkit.Must(t, err)
			p := pastOf(t, db)
			m.checkTip(t, p, line[0])
			if got := p.log.Commit(p.log.Tip()).ID; got != m.commits[line[0]].id {
				t.Errorf("the tip is %s", got)
			}
			if want := map[bool]string{true: "not at hand", false: "read anew"}[name == "server"]; !strings.Contains(diag, want) {
				t.Errorf("sync says %q, want %q", diag, want)
			}
			m.moveTo(t, last)
			_, _, err = wontfixIn(home, args...)
			testkit.Must(t, err)
			if p = pastOf(t, db); name == "server" {
				m.checkTip(t, p, last)
			} else {
				m.check(t, p)
			}
		})
	}
}

// TestHistoryHealed: what a source lacked is read when another has it, at the
// same revision and without being asked to.
func TestHistoryHealed(t *testing.T) {
	m := makeRepo(t, 33, 60)
	gitIn(t, m.dir, nil, "config", "uploadpack.allowFilter", "true")
	home := t.TempDir()
	bare := filepath.Join(home, "bare.git")
	gitIn(t, home, nil, "clone", "-q", "--bare", "--filter=blob:none", "file://"+m.dir, bare)
	db := filepath.Join(home, "db")
	for _, source := range []string{bare, m.dir} {
		_, _, err := wontfixIn(home, "sync", "ubuntu="+source, "--db", db)
		testkit.Must(t, err)
	}
	m.check(t, pastOf(t, db))

	// A folder's state has no commit that a repository could know.
	folder, shallow := filepath.Join(home, "folder"), filepath.Join(home, "shallow.git")
	for name, text := range m.commits[40].tree {
		write(t, folder, name, text)
	}
	gitIn(t, home, nil, "clone", "-q", "--bare", "--depth=1", "file://"+m.dir, shallow)
	db = filepath.Join(home, "db2")
	for _, source := range []string{folder, shallow, m.dir} {
		_, _, err := wontfixIn(home, "sync", "ubuntu="+source, "--db", db)
		testkit.Must(t, err)
		if source == shallow {
			p := pastOf(t, db)
			m.checkTip(t, p, len(m.commits)-1)
			if n := p.log.Len(); n != 2 {
				t.Errorf("%d commits after a folder and a shallow clone, want 2", n)
			}
		}
	}
	m.check(t, pastOf(t, db))
}

// TestOtherForm: a history that another version of wontfix has written is not
// read, which is said; a sync reads it anew.
func TestOtherForm(t *testing.T) {
	dir := home(t)
	db, err := sql.Open("sqlite", filepath.Join(dir, "wontfix.db"))
	testkit.Must(t, err)
	_, err = db.Exec("update tracker set history = '0/' || history where history <> ''")
	testkit.Must(t, err)
	testkit.Must(t, db.Close())
	const says = "the history of ubuntu from another version of wontfix; read it anew with `wontfix sync ubuntu`"
	wants(t, dir, exitOK, says, "why", "CVE-2024-0001")
	wants(t, dir, exitError, says, "history", "CVE-2024-0001")
	wants(t, dir, exitError, says, "search", "by:lee")
	wants(t, dir, exitError, says, "scan", "--root", "root", "--as-of", "2015-12-26")
	if r := wants(t, dir, exitOK, "", "scan", "--root", "root", "-f", "json"); !strings.Contains(r.stdout, `"what": "who decided, and when"`) {
		t.Errorf("a scan does not say it:\n%s", r.stdout)
	}
	wants(t, dir, exitOK, "", "sync", "ubuntu=tracker")
	if r := wants(t, dir, exitOK, "", "why", "CVE-2024-0001"); r.stderr != "" {
		t.Errorf("after a sync: %s", r.stderr)
	}
}
