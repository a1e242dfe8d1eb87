package probe

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"wontfix/internal/lazyregexp"
)

// Limits of a run.
const (
	runLimit    = 25 * time.Second
	afterAnswer = 3 * time.Second
	maxOutput   = 64 << 10
	maxReason   = 300
	maxAgain    = 4 // runs of a client that has leaked, in a case in which it has not
)

// Needs returns the ID of the case that a client has to accept for a refusal of
// this one to mean anything; the control itself needs none.
func (c Case) Needs() string {
	switch {
	case c.Severity == Control && c.ID == "T01":
		return ""
	case c.Severity == Control:
		return "T01"
	case c.proxy:
		return "X02"
	case c.Host == hostIP:
		return "N09"
	case slices.Contains([]string{"N03", "N04", "N05", "N06", "N17", "N23", "C17"}, c.ID):
		return "N02"
	}
	return "T01"
}

// A runner runs clients against cases, some at a time.
type runner struct {
	r     Request
	a     *Authority
	room  *Room
	slots chan struct{}
	out   chan Message
}

// run yields the outcome of each client in each case that applies to it, as
// they come.
func (r Request) run(ctx context.Context, a *Authority, room *Room, clients []Client) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		n := &runner{r: r, a: a, room: room, slots: make(chan struct{}, runtime.NumCPU()+1), out: make(chan Message)}
		var wg sync.WaitGroup
		for _, c := range clients {
			wg.Go(func() { n.client(ctx, c) })
		}
		go func() {
			wg.Wait()
			close(n.out)
		}()
		stopped := false
		for m := range n.out {
			if !stopped && !yield(m) {
				stopped = true
				cancel()
			}
		}
	}
}

// client runs the controls of a client and then, where they were accepted, what
// rests on them. One that leaks in a case is run again in those in which it
// refuses as late.
func (n *runner) client(ctx context.Context, c Client) {
	var list []Case
	wanted := map[string]bool{"T01": true}
	for _, id := range n.r.Cases {
		if k, ok := CaseByID(id); ok && k.applies(c.Protocol) && (n.room.Isolated || k.Local()) && !(k.proxy && c.Protocol != "https") {
			wanted[id] = true
			if need := k.Needs(); need != "" {
				wanted[need] = true
			}
		}
	}
	for _, k := range cases() {
		if wanted[k.ID] {
			list = append(list, k)
		}
	}
	built, err := n.build(ctx, c)
	if err != nil {
		n.out <- Message{Outcome: &Outcome{Client: c.ID, Case: "T01", Verdict: Error, Reason: clip(err.Error())}}
		list = slices.DeleteFunc(list, func(k Case) bool { return k.ID == "T01" })
	}
	accepted := map[string]success{}
	why := map[string]Outcome{}
	for _, level := range []string{"", "T01", "rest"} {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var again []func() // what may come out otherwise
		leaks := false
		for _, k := range list {
			need := k.Needs()
			now := need
			if need != "" && k.Severity != Control {
				now = "rest"
			}
			if now != level {
				continue
			}
			mu.Lock()
			like, ok := accepted[need]
			said := why[need].Reason
			mu.Unlock()
			if need != "" && !ok {
				reason := "control " + need + " was not accepted"
				if said != "" {
					reason += ": " + said
				}
				n.out <- Message{Outcome: &Outcome{Client: c.ID, Case: k.ID, Verdict: NoVerdict, Reason: clip(reason)}}
				continue
			}
			wg.Go(func() {
				o, how := n.judge(ctx, c, k, built, like)
				mu.Lock()
				why[k.ID] = o
				if o.Verdict == Accept {
					accepted[k.ID] = how
				}
				leaks = leaks || o.Verdict == Leak
				// A client that refuses when the handshake is over may have sent its
				// request, and whether it has can be a matter of luck: in lftp of which
				// of two buffers wakes first.
				late := o.Verdict == Reject && o.Seen.Handshake
				if late {
					again = append(again, func() {
						for i := 0; i < maxAgain && leaks && o.Verdict == Reject; i++ {
							if other, h := n.judge(ctx, c, k, built, like); other.Verdict == Leak {
								o, how = other, h
							}
						}
						n.out <- Message{Outcome: &o, CPU: how.cpu}
					})
				}
				mu.Unlock()
				if !late {
					n.out <- Message{Outcome: &o, CPU: how.cpu}
				}
			})
		}
		wg.Wait()
		for _, f := range again {
			f()
		}
	}
}

// A success is how a client says that it has got the answer, seen when it had.
type success struct {
	known   bool
	exit    bool // its status was 0
	printed bool // and it printed the answer
	keys    bool // it wrote the keys of the connection
	cpu     time.Duration
}

// judge runs a client in a case, once more if it comes to no end.
func (n *runner) judge(ctx context.Context, c Client, k Case, built string, like success) (Outcome, success) {
	var o Outcome
	var how success
	for range 2 {
		n.slots <- struct{}{}
		o, how = n.once(ctx, c, k, built, like)
		<-n.slots
		if o.Verdict != Timeout || ctx.Err() != nil {
			break
		}
	}
	return o, how
}

// once runs a client in a case. An error is an outcome: it means that nothing
// was found out.
func (n *runner) once(ctx context.Context, c Client, k Case, built string, like success) (Outcome, success) {
	o := Outcome{Client: c.ID, Case: k.ID, Verdict: Error}
	fail := func(err error) (Outcome, success) {
		o.Reason = clip(err.Error())
		return o, success{}
	}
	s, err := n.a.Serve(k, ServeOptions{Protocol: c.Protocol, Local: !n.room.Isolated})
	if err != nil {
		return fail(err)
	}
	dir, err := os.MkdirTemp(n.room.Dir, "run-")
	if err != nil {
		s.Close()
		return fail(err)
	}
	defer os.RemoveAll(dir)
	asNobody := n.room.Nobody && n.r.Env == nil && reachable(c.Path)
	if asNobody {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			s.Close()
			return fail(err)
		}
	}
	limit := cmp.Or(n.r.Limit, runLimit)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	fill := n.fill(s, dir, c, built)
	if err := c.how.put(dir, fill); err != nil {
		s.Close()
		return fail(err)
	}
	cmd := exec.CommandContext(ctx, c.Path, filled(fill, append(slices.Clip(c.how.args), c.Args...))...)
	process(cmd, asNobody)
	cmd.Dir = dir
	cmd.Env = cleanEnv(dir)
	if n.r.Env != nil {
		cmd.Env = n.r.Env
	}
	cmd.Env = append(cmd.Env, filled(fill, c.Env)...)
	if c.NeedsTrustEnv && n.r.Env == nil || !n.room.Isolated || n.r.Trust {
		cmd.Env = append(cmd.Env, filled(fill, c.TrustEnv)...)
	}
	if k.proxy {
		p := "http://" + s.Addr.String()
		cmd.Env = append(cmd.Env, "https_proxy="+p, "HTTPS_PROXY="+p, "http_proxy="+p, "no_proxy=")
	}
	cmd.Env = append(cmd.Env, filled(fill, c.how.env)...)
	stdout, stderr := &limited{left: maxOutput}, &limited{left: maxOutput}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	var stdin io.WriteCloser
	if c.Stdin != "" {
		if stdin, err = cmd.StdinPipe(); err != nil {
			s.Close()
			return fail(err)
		}
	}
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = time.Second
	began := time.Now()
	if err = launch(cmd, n.room.Isolated); err == nil {
		if stdin != nil {
			// It stays open: at its end some clients go before the answer comes.
			io.WriteString(stdin, filled(fill, []string{c.Stdin})[0])
			go func() {
				select {
				case <-ended:
				case <-s.Answered:
				case <-time.After(limit / 2):
				}
				stdin.Close()
			}()
		}
		go func() { // one that has its answer and does not go
			select {
			case <-ended:
				return
			case <-s.Answered:
			}
			select {
			case <-ended:
			case <-time.After(afterAnswer):
				cancel()
			}
		}()
		err = cmd.Wait()
	}
	killGroup(cmd) // what it has left behind
	o.Duration = time.Since(began)
	stopped := ctx.Err() != nil
	o.Seen = s.Close()
	how := success{known: true, exit: err == nil, printed: strings.Contains(stdout.String(), s.Proof) || n.wrote(dir, s.Proof), keys: keysWritten(dir)}
	if p := cmd.ProcessState; p != nil {
		how.cpu = p.UserTime() + p.SystemTime()
	}
	// One that was stopped had its status from us, but nothing kept it from printing.
	failed := like.known && (like.exit && !how.exit && !stopped || like.printed && !how.printed)
	if k.half != nil || k.act != answerPlainly {
		failed = false
	}
	o.Verdict = Judge(o.Seen, stopped, failed)
	if o.Seen.Note != "" && o.Verdict != Error && o.Verdict != Timeout {
		o.Verdict = NoVerdict
	}
	o.Reason = reason(o, c, err, stderr.String(), stdout.String())
	return o, how
}

// wrote reports whether a client has put the answer into its file.
func (n *runner) wrote(dir, proof string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "out"))
	return err == nil && bytes.Contains(b, []byte(proof))
}

// fill has the values for the placeholders of a run.
func (n *runner) fill(s *Server, dir string, c Client, built string) *strings.Replacer {
	return strings.NewReplacer(
		"{url}", s.URL(), "{host}", s.Host, "{port}", strconv.Itoa(int(s.Addr.Port())), "{token}", s.Token, "{dir}", dir, "{out}", built,
		"{stub}", filepath.Join(n.room.Dir, "stubs", c.Stub), "{ca}", n.room.bundle(), "{cadir}", n.room.empty(), "{jks}", n.room.keystore(),
	)
}

func filled(r *strings.Replacer, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = r.Replace(s)
	}
	return out
}

// build makes what a client runs from its stub, and returns the folder of it.
func (n *runner) build(ctx context.Context, c Client) (string, error) {
	if len(c.Build) == 0 {
		return "", nil
	}
	n.slots <- struct{}{}
	defer func() { <-n.slots }()
	dir, err := os.MkdirTemp(n.room.Dir, "build-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*runLimit)
	defer cancel()
	args := filled(strings.NewReplacer("{out}", dir, "{stub}", filepath.Join(n.room.Dir, "stubs", c.Stub)), c.Build)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	process(cmd, false)
	cmd.Env = cleanEnv(dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err = launch(cmd, n.room.Isolated); err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(args[0]), err, &out)
	}
	return dir, nil
}

// aboutTLS are words of what a client says of a certificate, and advice is what
// it says to do about it.
var (
	aboutTLS = lazyregexp.New(`(?i)certificate|\bcert|ssl|\btls|handshake`)
	advice   = lazyregexp.New(`insecure|More details`)
)

// reason says why an outcome is what it is, in few words: the alert, or what
// the client says.
func reason(o Outcome, c Client, err error, stderr, stdout string) string {
	switch {
	case o.Seen.Note != "":
		return o.Seen.Note
	case o.Verdict == Accept:
		return ""
	case o.Verdict == Reject && o.Seen.Alert != 0:
		return "alert " + AlertName(o.Seen.Alert)
	}
	for _, text := range []string{stderr, stdout} {
		last := ""
		for _, line := range slices.Backward(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })) {
			line = clip(line)
			switch {
			case line == "" || strings.HasPrefix(line, "at ") || strings.HasPrefix(line, "... "): // of a stack
			case aboutTLS.MatchString(line) && !advice.MatchString(line):
				return line
			case last == "":
				last = line
			}
		}
		if last != "" {
			return last
		}
	}
	if err != nil {
		return clip(err.Error())
	}
	return ""
}

// clip makes a client's words fit to be kept.
func clip(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s))
	if r := []rune(s); len(r) > maxReason {
		s = string(r[:maxReason-1]) + "…"
	}
	return s
}
