package probe

import "testing"

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name            string
		seen            Seen
		stopped, failed bool
		want            Verdict
	}{
		{"request", Seen{Connections: 1, Handshake: true, Request: true}, false, false, Accept},
		{"request, stopped while it waits for more", Seen{Connections: 1, Request: true}, true, false, Accept},
		{"request before the refusal", Seen{Connections: 1, Handshake: true, Request: true}, false, true, Leak},
		{"alert", Seen{Connections: 1, Alert: 48}, false, true, Reject},
		{"handshake to its end, and closed without a word", Seen{Connections: 1, Handshake: true}, false, true, Reject},
		{"refused, and says that all is well", Seen{Connections: 1}, false, false, Reject},
		{"request that is not ours", Seen{Connections: 1, Handshake: true, Foreign: "GET /latest.json"}, false, true, Reject},
		{"never connected", Seen{}, false, true, Error},
		{"never connected, and says that all is well", Seen{}, false, false, Error},
		{"stopped in the handshake", Seen{Connections: 1}, true, true, Timeout},
		{"stopped before it connected", Seen{}, true, true, Timeout},
	} {
		if got := Judge(test.seen, test.stopped, test.failed); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
