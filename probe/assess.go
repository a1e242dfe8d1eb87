package probe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"wontfix"
)

// ranks are the severities that a wrong answer can have, worst first.
var ranks = []Severity{Critical, High, Medium, Low}

// groups are the letters of the cases in the order in which they are shown.
const groups = "TNCKPRXMS"

// A ledger finds the outcomes of a probe.
type ledger struct {
	cases map[string]wontfix.Case
	of    map[string][]Outcome // by client
}

func newLedger(p *wontfix.Probe) ledger {
	l := ledger{map[string]wontfix.Case{}, map[string][]Outcome{}}
	for _, k := range p.Cases {
		l.cases[k.ID] = k
	}
	for _, o := range p.Outcomes {
		l.of[o.Client] = append(l.of[o.Client], o)
	}
	return l
}

// Unsafe reports whether a verdict is wrong in a case: the client accepted what
// it had to refuse, or refused it after it had sent its request.
func Unsafe(k wontfix.Case, v Verdict) bool {
	return k.Expect == ExpectReject && (v == Accept || v == Leak)
}

// worst returns the rank of a client: that of its worst failure, and above all
// of them 4 if it is undecided, 5 if it is safe.
func (l ledger) worst(client string) int {
	rank := len(ranks) + 1
	control := false
	for _, o := range l.of[client] {
		control = control || o.Case == "T01" && o.Verdict == Accept
		switch k := l.cases[o.Case]; {
		case Unsafe(k, o.Verdict):
			rank = min(rank, slices.Index(ranks, k.Severity))
		case Undecided(o):
			rank = min(rank, len(ranks))
		}
	}
	if !control {
		rank = min(rank, len(ranks))
	}
	return rank
}

// Undecided reports whether an outcome is no verdict where there could have
// been one. In some cases a client does nothing from which one follows.
func Undecided(o Outcome) bool {
	return o.Verdict == Timeout || o.Verdict == Error || o.Verdict == NoVerdict && o.Seen.Note == ""
}

// Assess completes a probe that has its cases, clients, outcomes and overrides:
// it sorts them, counts, and says what is wrong and what to do.
func Assess(p *wontfix.Probe) {
	slices.SortStableFunc(p.Cases, func(a, b wontfix.Case) int {
		return cmp.Or(cmp.Compare(strings.Index(groups, a.ID[:1]), strings.Index(groups, b.ID[:1])), strings.Compare(a.ID, b.ID))
	})
	l := newLedger(p)
	wrong := func(c wontfix.Client) int {
		return len(slices.DeleteFunc(slices.Clone(l.of[c.ID]), func(o Outcome) bool { return !Unsafe(l.cases[o.Case], o.Verdict) }))
	}
	slices.SortFunc(p.Clients, func(a, b wontfix.Client) int {
		return cmp.Or(cmp.Compare(l.worst(a.ID), l.worst(b.ID)), cmp.Compare(wrong(b), wrong(a)), strings.Compare(a.ID, b.ID))
	})
	clients, cases := map[string]int{}, map[string]int{}
	for i, c := range p.Clients {
		clients[c.ID] = i
	}
	for i, k := range p.Cases {
		cases[k.ID] = i
	}
	sortOutcomes := func(list []Outcome) {
		slices.SortFunc(list, func(a, b Outcome) int {
			return cmp.Or(cmp.Compare(clients[a.Client], clients[b.Client]), cmp.Compare(cases[a.Case], cases[b.Case]))
		})
	}
	sortOutcomes(p.Outcomes)
	if p.Shell != nil {
		sortOutcomes(p.Shell.Outcomes)
		p.Shell.Unsafe = 0
		in := newLedger(&wontfix.Probe{Cases: p.Cases, Outcomes: p.Shell.Outcomes})
		for _, c := range p.Clients {
			if in.worst(c.ID) < len(ranks) && l.worst(c.ID) >= len(ranks) {
				p.Shell.Unsafe++
			}
		}
	}
	p.Summary = wontfix.ProbeSummary{Clients: len(p.Clients), Cases: len(p.Cases), Overrides: len(p.Overrides)}
	for _, c := range p.Clients {
		switch rank := l.worst(c.ID); {
		case rank < len(ranks):
			p.Summary.Unsafe++
			if slices.ContainsFunc(l.of[c.ID], func(o Outcome) bool { return o.Verdict == Leak && Unsafe(l.cases[o.Case], o.Verdict) }) {
				p.Summary.Leaking++
			}
		case rank == len(ranks):
			p.Summary.Undecided++
		default:
			p.Summary.Safe++
		}
	}
	for _, o := range p.Overrides {
		if Effective(o) {
			p.Summary.Effective++
		}
	}
	p.Failures = newLedger(p).failures(p)
}

// Effective reports whether an override was seen to change what a client does.
func Effective(o wontfix.Override) bool {
	return o.Summary != "" && !strings.HasPrefix(o.Summary, "not measured") && rank(o.Summary) == 0
}

// A manner is the kind of what a client does wrong.
type manner int

const (
	checksNothing manner = iota // neither the chain nor the name
	checksNoChain
	checksNoName
	speaksFirst // refuses, too late
	acceptsSome // has holes
)

// A fault is what one client does wrong.
type fault struct {
	client         wontfix.Client
	manner         manner
	worst          Severity
	accepts, leaks []string
}

// fault returns what a client does wrong; ok is false if nothing is.
func (l ledger) fault(c wontfix.Client) (f fault, ok bool) {
	f.client = c
	rank := len(ranks)
	refused := map[string]bool{}
	for _, o := range l.of[c.ID] {
		switch k := l.cases[o.Case]; {
		case !Unsafe(k, o.Verdict):
			refused[o.Case] = o.Verdict == Reject
			continue
		case o.Verdict == Leak:
			f.leaks = append(f.leaks, o.Case)
			rank = min(rank, slices.Index(ranks, k.Severity))
		default:
			f.accepts = append(f.accepts, o.Case)
			rank = min(rank, slices.Index(ranks, k.Severity))
		}
	}
	if rank == len(ranks) {
		return f, false
	}
	f.worst = ranks[rank]
	has := func(list []string, ids ...string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(list, id) })
	}
	chain, name := has(f.accepts, "T02", "T03"), has(f.accepts, "N01")
	switch {
	case chain && name:
		f.manner = checksNothing
	case chain:
		f.manner = checksNoChain
	case name && (refused["T02"] || refused["T03"]):
		f.manner = checksNoName
	case has(f.leaks, "T02", "T03", "N01"):
		f.manner = speaksFirst
	default:
		f.manner = acceptsSome
	}
	return f, true
}

// failures puts clients that fail alike together.
func (l ledger) failures(p *wontfix.Probe) []wontfix.Failure {
	faults := map[string][]fault{}
	for _, c := range p.Clients {
		f, ok := l.fault(c)
		if !ok {
			continue
		}
		key := fmt.Sprint(f.manner, f.worst)
		if f.manner == acceptsSome {
			key += strings.Join(f.accepts, " ") + "!" + strings.Join(f.leaks, " ")
		}
		faults[key] = append(faults[key], f)
	}
	list := []wontfix.Failure{}
	for _, key := range slices.Sorted(maps.Keys(faults)) {
		alike := faults[key]
		f := wontfix.Failure{Severity: alike[0].worst, Accepts: alike[0].accepts, Leaks: alike[0].leaks, Decided: []wontfix.Decided{}}
		for _, a := range alike {
			f.Clients = append(f.Clients, a.client.ID)
			f.Accepts = both(f.Accepts, a.accepts)
			f.Leaks = both(f.Leaks, a.leaks)
		}
		f.Wrong, f.Means = l.says(alike[0].manner, f)
		f.Advice = advise(alike)
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b wontfix.Failure) int {
		return cmp.Or(cmp.Compare(slices.Index(ranks, a.Severity), slices.Index(ranks, b.Severity)), cmp.Compare(len(b.Accepts), len(a.Accepts)))
	})
	return list
}

// both returns what two lists have in common.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// says writes what is wrong with clients, and what follows from it.
func (l ledger) says(m manner, f wontfix.Failure) (wrong, means string) {
	switch m {
	case checksNothing:
		return "Takes any certificate: neither who signed it nor whose it is is checked.",
			"Whoever is between this machine and a server can pose as the server, and read and change all that is sent, passwords included."
	case checksNoChain:
		return "Does not check who signed a certificate.",
			"Whoever is between this machine and a server can pose as the server with a certificate of their own making."
	case checksNoName:
		return "Does not check whose certificate it is: one for any other name will do.",
			"Whoever has a good certificate for some name, which everybody can have, can pose as every other server."
	case speaksFirst:
		return "Sends its request first, and refuses the certificate afterwards.",
			"What a request carries, such as addresses, cookies and passwords, reaches whoever poses as the server. That the answer is refused comes too late."
	}
	ids := slices.Concat(f.Accepts, f.Leaks)
	slices.SortStableFunc(ids, func(a, b string) int {
		return cmp.Compare(slices.Index(ranks, l.cases[a].Severity), slices.Index(ranks, l.cases[b].Severity))
	})
	var words []string
	for _, id := range ids {
		words = append(words, l.cases[id].Presents)
	}
	if n := len(words); n > 4 {
		words = append(words[:3], fmt.Sprintf("and %d more", n-3))
	}
	verb := "Accepts: "
	if len(f.Accepts) == 0 {
		verb = "Sends its request before it refuses: "
	}
	var follows []string
	for _, id := range ids {
		if s := consequences[id[:1]]; !slices.Contains(follows, s) {
			follows = append(follows, s)
		}
	}
	return verb + strings.Join(words, "; ") + ".", strings.Join(follows[:min(2, len(follows))], " ")
}

// consequences says what follows from a wrong answer in a case, by its group.
var consequences = map[string]string{
	"T": "A certificate that counts no more, or that the server does not own, passes for a good one.",
	"N": "A certificate that was issued for something else passes for this server.",
	"C": "An authority that may issue for little, or a mere server, can issue for everybody.",
	"K": "The signature or the key can be forged.",
	"P": "The connection can be read or changed in spite of TLS.",
	"R": "A certificate that was withdrawn still counts.",
	"X": "What is meant for one server reaches another.",
	"M": "Mail, and the passwords for it, can be read on the way.",
	"S": "The pin adds to what the system trusts and does not replace it.",
}
