package porttest

import (
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// HTTPGatewayBench makes a rig whose gateway calls the given far end.
type HTTPGatewayBench func(t testing.TB, far HTTPFarEnd, callDeadline time.Duration) GatewayRig

// HTTPGateway runs the suite of port.Gateway and what an HTTP/1.1 client promises besides: an answer is taken for the call
// that it answers, and for no other. Everything over plain TCP and over TLS 1.3.
func HTTPGateway(t *testing.T, bench HTTPGatewayBench) { HTTPGatewayOf(t, OwnContract(), bench) }

// HTTPGatewayOf is HTTPGateway for a provider with a contract of its own.
func HTTPGatewayOf(t *testing.T, contract *HTTPContract, bench HTTPGatewayBench) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("gateway", func(t *testing.T) {
				t.Parallel()
				Gateway(t, func(t testing.TB, deadline time.Duration) GatewayRig {
					r := bench(t, NewHTTPFarEnd(t, HTTPSettings{TLS: secure, Contract: contract}), deadline)
					r.Lacks = contract.Lacks
					return r
				})
			})
			for _, c := range strayCases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.check(t, contract, bench, secure)
				})
			}
			t.Run("keeps a connection for the next call", func(t *testing.T) {
				t.Parallel()
				keepsConnection(t, contract, bench, secure)
			})
			t.Run("takes an early answer for its own call", func(t *testing.T) {
				t.Parallel()
				earlyAnswer(t, contract, bench, secure)
			})
			t.Run("takes no answer that names another call", func(t *testing.T) {
				t.Parallel()
				if !contract.NamesCalls {
					t.Skip("this provider's answers name no call")
				}
				foreignAnswer(t, contract, bench, secure)
			})
			t.Run("takes no answer that came before the request", func(t *testing.T) {
				t.Parallel()
				if !contract.NamesCalls {
					t.Skip("one that comes just before the request is taken for its answer where answers name no call")
				}
				far := NewHTTPFarEnd(t, HTTPSettings{TLS: secure, Contract: contract, Greeting: contract.Accepted("m-stray", "2026-10/1/1/1")})
				if reply := bench(t, far, patience).send(t, 0); reply.Verdict != port.CallNotMade && reply.Verdict != port.CallUnknown {
					t.Errorf("got %+v", reply)
				}
			})
		})
	}
}

// strayCase is something behind the answer to the first call that the second call must not be given.
type strayCase struct {
	name   string
	pieces func(first, stray string) []string
}

var strayCases = []strayCase{
	{"two answers in one record", func(first, stray string) []string { return []string{first + stray} }},
	{"two answers in two records", func(first, stray string) []string { return []string{first, stray} }},
	{"two answers in two records of one segment", func(first, stray string) []string { return []string{HoldRest, first, stray} }},
	{"a second answer in parts", func(first, stray string) []string { return []string{first + stray[:20], stray[20:]} }},
	{"the beginning of a second answer", func(first, stray string) []string { return []string{first, stray[:20]} }},
	{"close_notify on an open connection", func(first, _ string) []string { return []string{first, CloseNotify} }},
}

// check lets the far end write something behind its first answer, and makes a second call once that is in the client's
// socket. The strays name no call, as the answers of a provider that does not repeat the key.
func (c strayCase) check(t *testing.T, contract *HTTPContract, bench HTTPGatewayBench, secure bool) {
	if !secure && strings.Contains(c.name, "close_notify") {
		t.Skip("without TLS there is no close_notify")
	}
	far := NewHTTPFarEnd(t, HTTPSettings{TLS: secure, Contract: contract, Answer: func(call int, _ string) []string {
		if call == 1 {
			return c.pieces(contract.Accepted("m-1", ""), contract.Accepted("m-stray", ""))
		}
		return []string{contract.Accepted("m-2", "")}
	}})
	r := bench(t, far, patience)
	for n, want := range []string{"m-1", "m-2"} {
		reply := r.send(t, int64(n))
		if reply.Verdict != port.CallAccepted || reply.MessageID != want {
			t.Errorf("call %d: %+v, want %s", n+1, reply, want)
		}
		<-far.Answered()
	}
	if far.Connections() != 2 || far.Begun() != 2 {
		t.Errorf("%d calls on %d connections, want 2 on 2", far.Begun(), far.Connections())
	}
}

func keepsConnection(t *testing.T, contract *HTTPContract, bench HTTPGatewayBench, secure bool) {
	far := NewHTTPFarEnd(t, HTTPSettings{TLS: secure, Contract: contract})
	r := bench(t, far, patience)
	for n := range int64(5) {
		if reply := r.send(t, n); reply.Verdict != port.CallAccepted {
			t.Errorf("call %d: %+v", n, reply)
		}
	}
	if n := far.Connections(); n != 1 {
		t.Errorf("five calls took %d connections", n)
	}
}

func earlyAnswer(t *testing.T, contract *HTTPContract, bench HTTPGatewayBench, secure bool) {
	far := NewHTTPFarEnd(t, HTTPSettings{TLS: secure, Contract: contract, Early: true})
	r := bench(t, far, patience)
	for n := range int64(3) {
		reply := r.send(t, n)
		if reply.Verdict != port.CallAccepted && reply.Verdict != port.CallUnknown {
			t.Errorf("call %d: %+v", n, reply)
		}
		<-far.Answered()
	}
	r.expect(t, port.Reply{Verdict: port.CallAccepted}, port.CallAccepted, 0, 1, 2)
}

func foreignAnswer(t *testing.T, contract *HTTPContract, bench HTTPGatewayBench, secure bool) {
	far := NewHTTPFarEnd(t, HTTPSettings{TLS: secure, Contract: contract, Answer: func(call int, key string) []string {
		if call == 1 {
			key = "2026-10/1/1/1"
		}
		return []string{contract.Accepted("m-17", key)}
	}})
	r := bench(t, far, patience)
	r.expect(t, r.send(t, 0), port.CallUnknown, 0)
	r.expect(t, r.send(t, 1), port.CallAccepted, 0, 1)
	if n := far.Connections(); n != 2 {
		t.Errorf("%d connections, want 2: the first one is not trusted any more", n)
	}
}
