package probe

import (
	"slices"
	"strings"
	"testing"

	"wontfix"
)

// lettered makes those of a client in the cases of ids, from a letter each: a
// accepts, l leaks, r rejects, t times out, e never connects, n has no verdict,
// s does nothing that shows it.
func lettered(client, ids, letters string) []Outcome {
	verdicts := map[byte]Verdict{'a': Accept, 'l': Leak, 'r': Reject, 't': Timeout, 'e': Error, 'n': NoVerdict, 's': NoVerdict}
	var list []Outcome
	for i, id := range strings.Fields(ids) {
		o := Outcome{Client: client, Case: id, Verdict: verdicts[letters[i]]}
		if letters[i] == 's' {
			o.Seen.Note = "nothing follows"
		}
		list = append(list, o)
	}
	return list
}

// probeOf makes a probe of clients that are "ID=letters", in no good order.
func probeOf(t *testing.T, ids string, clients ...string) *wontfix.Probe {
	t.Helper()
	p := &wontfix.Probe{}
	for _, c := range slices.Backward(clients) {
		id, letters, _ := strings.Cut(c, "=")
		p.Clients = append(p.Clients, wontfix.Client{ID: id, Kind: id})
		p.Outcomes = append(p.Outcomes, lettered(id, ids, letters)...)
	}
	for _, id := range slices.Backward(strings.Fields(ids)) {
		k, ok := CaseByID(id)
		if !ok {
			t.Fatalf("there is no case %s", id)
		}
		p.Cases = append(p.Cases, k.Case)
	}
	Assess(p)
	return p
}

func TestAssess(t *testing.T) {
	p := probeOf(t, "T01 T02 T05 N01 N18 P01 P04 P15",
		"nothing=aaaaaaaa", "nochain=aaarraaa", "noname=arraaaar", "lftp=allraarr", "old=arrraaar", "alsoold=arrrrrar",
		"silent=arrraars", "sleeps=arrtaarr", "dead=ennnnnnn", "safe=arrraarr", "picky=arrrrrrr")
	var order []string
	for _, c := range p.Clients {
		order = append(order, c.ID)
	}
	if have, want := strings.Join(order, " "), "nothing nochain lftp noname alsoold old dead sleeps picky safe silent"; have != want {
		t.Errorf("clients: %s, want %s", have, want)
	}
	if have, want := p.Summary, (wontfix.ProbeSummary{Clients: 11, Cases: 8, Unsafe: 6, Leaking: 1, Safe: 3, Undecided: 2}); have != want {
		t.Errorf("summary: %+v, want %+v", have, want)
	}
	for _, want := range []struct{ severity, clients, accepts, leaks, wrong string }{
		{"critical", "nothing", "T02 T05 N01 P04 P15", "", "neither who signed it nor whose it is"},
		{"critical", "noname", "N01 P04", "", "whose certificate it is"},
		{"critical", "nochain", "T02 T05 P04 P15", "", "who signed"},
		{"critical", "lftp", "", "T02 T05", "request first"},
		{"medium", "alsoold", "P04", "", "Accepts: TLS 1.0 only."},
	} {
		i := slices.IndexFunc(p.Failures, func(f wontfix.Failure) bool { return f.Clients[0] == want.clients })
		if i < 0 {
			t.Errorf("%s: no failure", want.clients)
			continue
		}
		f := p.Failures[i]
		if string(f.Severity) != want.severity || strings.Join(f.Accepts, " ") != want.accepts || strings.Join(f.Leaks, " ") != want.leaks || !strings.Contains(f.Wrong, want.wrong) {
			t.Errorf("%s: %+v", want.clients, f)
		}
		if f.Means == "" || len(f.Advice) == 0 || f.Decided == nil {
			t.Errorf("%s: says not what it means or what to do: %+v", want.clients, f)
		}
	}
	if n := len(p.Failures); n != 5 {
		t.Errorf("%d failures; those of old and alsoold are one", n)
	}
	if !slices.IsSortedFunc(p.Failures, func(a, b wontfix.Failure) int {
		return slices.Index(ranks, a.Severity) - slices.Index(ranks, b.Severity)
	}) {
		t.Error("failures: not worst first")
	}
	for name, want := range map[string]int{"unsafe": 6, "leak": 1, "critical": 4, "high": 4, "medium": 6, "low": 6, "override": 0, "undecided": 2} {
		trips, err := ParseGate(name)
		if err != nil {
			t.Fatal(err)
		}
		if have := trips(p); have != want {
			t.Errorf("gate %s: %d, want %d", name, have, want)
		}
	}
	p.Shell = &wontfix.ProbeInShell{Outcomes: append(lettered("safe", "T01 T02 N01", "aal"), lettered("nothing", "T01 T02", "aa")...)}
	Assess(p)
	if trips, _ := ParseGate("unsafe"); p.Shell.Unsafe != 1 || trips(p) != 7 {
		t.Errorf("in the shell: %d unsafe, gate %d; want 1 more", p.Shell.Unsafe, trips(p))
	}
	if _, err := ParseGate("worse"); err == nil || !strings.Contains(err.Error(), "unsafe, leak, critical") {
		t.Errorf("unknown gate: %v", err)
	}
}

// Every remedy is for a kind of client that there is, and every group of cases
// has words for what follows.
func TestAdviceTables(t *testing.T) {
	kinds := map[string]bool{}
	for _, r := range table() {
		kinds[r.name] = true
		for _, run := range r.runs {
			kinds[r.name+"/"+strings.TrimSuffix(run.name, "-starttls")] = true
		}
	}
	for _, r := range remedies {
		if !kinds[r.kind] {
			t.Errorf("there is no kind of client %q", r.kind)
		}
		if !strings.HasSuffix(r.text, ".") {
			t.Errorf("%s: %q is no sentence", r.kind, r.text)
		}
	}
	for _, k := range cases() {
		if consequences[k.ID[:1]] == "" {
			t.Errorf("%s: nothing is said of what follows", k.ID)
		}
	}
	for _, o := range []struct {
		summary string
		want    bool
	}{{"verification off (curl)", true}, {"host check off (perl/LWP); no effect (x)", true}, {"no effect (curl)", false}, {"not measured: it would run code", false},
		{"could not be measured: control T01 was not accepted (x)", false}, {"", false}, {"trust redirected: the control is no longer accepted (curl)", true}} {
		if have := Effective(wontfix.Override{Summary: o.summary}); have != o.want {
			t.Errorf("Effective(%q) = %t", o.summary, have)
		}
	}
}
