package probe

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// keyLog is the file of a run to which a client is told to write its keys.
const keyLog = "keylog"

func keysWritten(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, keyLog))
	return err == nil && info.Size() > 0
}

// put writes the files of an override into the home of a run.
func (h how) put(dir string, fill interface{ Replace(string) string }) error {
	for name, text := range h.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		// The client may be another user, who writes beside it.
		for at := filepath.Dir(path); at != dir; at = filepath.Dir(at) {
			if err := os.Chmod(at, 0o777); err != nil {
				return err
			}
		}
		if err := os.WriteFile(path, []byte(fill.Replace(text)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// overrides finds what changes the clients' verification, and tries it.
func (r Request) overrides(ctx context.Context, a *Authority, room *Room, clients []Client, yield func(Message, error) bool) {
	found, skipped := FindOverrides(*r.Overrides)
	for _, s := range skipped {
		if !yield(Message{Skipped: &s}, nil) {
			return
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.Env = nil // of the user: one override at a time
	m := &measurer{
		runner: &runner{r: r, a: a, room: room, slots: make(chan struct{}, runtime.NumCPU()+1)},
		known:  map[string]func() (Outcome, success){},
	}
	done := make([]chan struct{}, len(found))
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range found {
		done[i] = make(chan struct{})
		wg.Go(func() {
			m.measure(ctx, &found[i], clients)
			close(done[i])
		})
	}
	for i := range found {
		<-done[i]
		if !yield(Message{Override: &found[i]}, nil) {
			cancel()
			return
		}
	}
}

// A measurer tries overrides. It plays each case once for a client however many
// overrides are compared with it.
type measurer struct {
	*runner
	mu    sync.Mutex
	known map[string]func() (Outcome, success)
}

// play runs a client in a case.
func (m *measurer) play(ctx context.Context, c Client, id string, like success) (Outcome, success) {
	var key strings.Builder
	key.WriteString(c.ID + "\n" + id + "\n" + strings.Join(slices.Concat(c.how.env, c.how.args), "\n"))
	for _, name := range slices.Sorted(maps.Keys(c.how.files)) {
		key.WriteString("\n" + name + "\n" + c.how.files[name])
	}
	m.mu.Lock()
	f, ok := m.known[key.String()]
	if !ok {
		var o Outcome
		var s success
		var once sync.Once
		f = func() (Outcome, success) {
			once.Do(func() {
				k, _ := CaseByID(id)
				built, err := m.build(ctx, c)
				if err != nil {
					o = Outcome{Client: c.ID, Case: id, Verdict: Error, Reason: clip(err.Error())}
					return
				}
				o, s = m.judge(ctx, c, k, built, like)
			})
			return o, s
		}
		m.known[key.String()] = f
	}
	m.mu.Unlock()
	return f()
}

// tried are the cases that an override is tried in, by class. Each that is
// refused without it and accepted with it is an effect.
var tried = map[Class][]string{
	Off:      {"T02", "N01"},
	Weaker:   {"T02", "N01", "K01", "K04", "P04"},
	Redirect: {"T01", "T02"},
	KeyLeak:  {"T01"},
}

// measure tries an override with each client that reads it.
func (m *measurer) measure(ctx context.Context, o *Override, clients []Client) {
	if o.how.why != "" {
		o.Summary = "not measured: " + o.how.why
		return
	}
	var wanted []Client
	for _, c := range clients {
		if slices.ContainsFunc(o.Clients, c.Reads) {
			wanted = append(wanted, c)
		}
	}
	if len(wanted) == 0 {
		o.Summary = "not measured: none of " + strings.Join(o.Clients, ", ") + " was probed"
		return
	}
	said := make([]string, len(wanted))
	effects := make([][]Effect, len(wanted))
	var wg sync.WaitGroup
	for i, c := range wanted {
		wg.Go(func() { effects[i], said[i] = m.compare(ctx, o, c) })
	}
	wg.Wait()
	o.Effect = slices.Concat(effects...)
	var order []string
	by := map[string][]string{}
	for i, s := range said {
		if by[s] == nil {
			order = append(order, s)
		}
		by[s] = append(by[s], wanted[i].ID)
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	var parts []string
	for _, s := range order {
		parts = append(parts, s+" ("+strings.Join(by[s], ", ")+")")
	}
	o.Summary = strings.Join(parts, "; ")
}

// rank puts those that do something first.
func rank(said string) int {
	switch {
	case strings.HasPrefix(said, "no effect"):
		return 1
	case strings.HasPrefix(said, "could not be measured"):
		return 2
	}
	return 0
}

// Reads reports whether a client is of one of the kinds that [wontfix.Override]
// names: "python", or "python/urllib" alone.
func (c Client) Reads(kind string) bool {
	return c.Kind == kind || strings.HasPrefix(c.Kind, kind+"/")
}

// compare runs a client without an override and with it, and says what it does.
func (m *measurer) compare(ctx context.Context, o *Override, c Client) ([]Effect, string) {
	if name := clash(o, c); name != "" && (c.NeedsTrustEnv || !m.room.Isolated || m.r.Trust) {
		return nil, "could not be measured: the probe itself needs " + name
	}
	plain, with := c, c
	if o.how.before != nil {
		plain.how = *o.how.before
	}
	with.how = o.how
	control, like := m.play(ctx, plain, "T01", success{})
	if control.Verdict != Accept && plain.how.env != nil { // it needs what the system's file has beside
		plain.how = how{}
		control, like = m.play(ctx, plain, "T01", success{})
	}
	if control.Verdict != Accept {
		return nil, "could not be measured: control T01 was not accepted"
	}
	var list []Effect
	now := map[string]bool{}
	already := true
	for _, id := range tried[o.Class] {
		k, _ := CaseByID(id)
		if !m.room.Isolated && !k.Local() || !k.applies(c.Protocol) {
			continue
		}
		before, _ := m.play(ctx, plain, id, like)
		after, result := m.play(ctx, with, id, like)
		for _, v := range []Outcome{before, after} {
			if v.Verdict == Error || v.Verdict == Timeout || v.Verdict == NoVerdict {
				return list, "could not be measured: " + id + " ended in " + string(v.Verdict)
			}
		}
		list = append(list, Effect{Client: c.ID, Case: id, Before: before.Verdict, After: after.Verdict})
		now[id] = before.Verdict != Accept && after.Verdict != Reject && before.Verdict != after.Verdict
		already = already && before.Verdict == Accept
		switch {
		case o.Class == KeyLeak && result.keys:
			return list, "keys are written"
		case id == "T01" && after.Verdict == Reject:
			return list, "trust redirected: the control is no longer accepted"
		}
	}
	return list, says(o.Class, now, already)
}

// clash returns the variable of the probe's own that an override sets, too.
func clash(o *Override, c Client) string {
	for _, e := range o.how.env {
		name, _, _ := strings.Cut(e, "=")
		for _, t := range c.TrustEnv {
			if n, _, _ := strings.Cut(t, "="); strings.EqualFold(n, name) {
				return n
			}
		}
	}
	return ""
}

// says names an effect: now has the cases that are accepted with the override
// alone, already says that all were accepted without.
func says(class Class, now map[string]bool, already bool) string {
	var weak []string
	for _, id := range []string{"K01", "K04", "P04"} {
		if k, _ := CaseByID(id); now[id] {
			weak = append(weak, k.Presents)
		}
	}
	switch {
	case now["T02"] && now["N01"]:
		return "verification off"
	case now["N01"]:
		return "host check off"
	case now["T02"]:
		return "chain check off"
	case len(weak) > 0:
		return "accepts " + strings.Join(weak, ", ")
	case class == Redirect:
		return "no effect on the control"
	case class == Off && already:
		return "no effect: it accepts without it, too"
	}
	return "no effect"
}
