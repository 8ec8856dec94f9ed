package memory

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// GatewayCall is one call that a Gateway's provider may have accepted.
type GatewayCall struct {
	Key      key.Delivery
	At       time.Time // by the gateway's clock, when the message had arrived
	Delivery port.Delivery
	Whole    bool // the message arrived whole
	Accepted bool // by the provider, whether or not the caller was told
}

// GatewayAnswer is what the provider does with one message. The zero value accepts it.
type GatewayAnswer struct {
	Reply   port.Reply // a Verdict of "" accepts
	Dropped bool       // the message is accepted and the answer lost: the caller is told CallUnknown
	Partly  bool       // the line breaks inside the message: not accepted, and the caller is told CallUnknown
	Block   bool       // the answer waits for Release
}

// Gateway is a scripted provider. The call deadline goes by its clock, which a test may move. Safe for concurrent use.
type Gateway struct {
	provider port.Provider
	clock    port.Clock
	blocked  chan struct{}

	mu      sync.Mutex
	script  []GatewayAnswer
	answer  func(port.Delivery) GatewayAnswer
	absent  bool
	calls   []GatewayCall
	release chan struct{}
}

var _ port.Gateway = (*Gateway)(nil)

// NewGateway returns a provider that accepts everything until it is told otherwise.
func NewGateway(provider port.Provider, clock port.Clock) *Gateway {
	return &Gateway{
		provider: provider, clock: clock,
		blocked: make(chan struct{}, 100_000), release: make(chan struct{}),
		answer: func(port.Delivery) GatewayAnswer { return GatewayAnswer{} },
	}
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Script says what becomes of the next messages, in the order of their arrival.
func (g *Gateway) Script(answers ...GatewayAnswer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.script = append(g.script, answers...)
}

// Answer says what becomes of messages that no script is left for.
func (g *Gateway) Answer(answer func(port.Delivery) GatewayAnswer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = answer
}

// SetAbsent makes the provider unreachable, or reachable again.
func (g *Gateway) SetAbsent(absent bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.absent = absent
}

// Blocked delivers one value for each call that waits for Release.
func (g *Gateway) Blocked() <-chan struct{} { return g.blocked }

// Release answers all calls that wait.
func (g *Gateway) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.release)
	g.release = make(chan struct{})
}

// Calls returns the calls so far, in the order of their arrival.
func (g *Gateway) Calls() []GatewayCall {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]GatewayCall(nil), g.calls...)
}

// Accepted counts how often each target's messages were accepted, over all attempts.
func (g *Gateway) Accepted() map[key.Target]int {
	counts := map[key.Target]int{}
	for _, call := range g.Calls() {
		if call.Accepted {
			counts[call.Key.Target()]++
		}
	}
	return counts
}

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	deadline := g.clock.After(g.provider.CallDeadline)
	answer, at, release, ok := g.arrive(ctx, d)
	if !ok {
		return port.Reply{Verdict: port.CallNotMade, Detail: cmp.Or(answer.Reply.Detail, "no connection")}
	}
	if answer.Block {
		g.blocked <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
			return port.Reply{Verdict: port.CallUnknown, Detail: "the context ended before the answer"}
		case <-deadline:
			return port.Reply{Verdict: port.CallUnknown, Detail: "the call deadline passed before the answer"}
		}
	}
	if answer.Dropped || answer.Partly {
		return port.Reply{Verdict: port.CallUnknown, Detail: "the line broke"}
	}
	reply := answer.Reply
	if reply.Verdict == "" || reply.Verdict == port.CallAccepted {
		reply.Verdict = port.CallAccepted
		if reply.MessageID == "" {
			reply.MessageID = "memory-" + at.String()
		}
	}
	return reply
}

// arrive notes the call and returns what becomes of the message; ok is false if no byte was sent.
func (g *Gateway) arrive(ctx context.Context, d port.Delivery) (answer GatewayAnswer, k key.Delivery, release <-chan struct{}, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.absent || ctx.Err() != nil || d.Channel != g.provider.Channel {
		return answer, d.Key, nil, false
	}
	if len(g.script) > 0 {
		answer, g.script = g.script[0], g.script[1:]
	} else {
		answer = g.answer(d)
	}
	if answer.Reply.Verdict == port.CallNotMade {
		return answer, d.Key, nil, false
	}
	accepted := answer.Dropped || answer.Reply.Verdict == "" || answer.Reply.Verdict == port.CallAccepted
	g.calls = append(g.calls, GatewayCall{
		Key: d.Key, At: g.clock.Now(), Delivery: d,
		Whole: !answer.Partly, Accepted: accepted && !answer.Partly,
	})
	return answer, d.Key, g.release, true
}
