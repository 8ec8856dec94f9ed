package porttest_test

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
)

// brokenGateway sends through another one, and breaks a promise on the way.
type brokenGateway struct {
	port.Gateway
	send     func(ctx context.Context, inner port.Gateway, d port.Delivery) port.Reply
	provider func(port.Provider) port.Provider
}

func (b brokenGateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if b.send == nil {
		return b.Gateway.Send(ctx, d)
	}
	return b.send(ctx, b.Gateway, d)
}

func (b brokenGateway) Provider() port.Provider {
	if b.provider == nil {
		return b.Gateway.Provider()
	}
	return b.provider(b.Gateway.Provider())
}

func benchOf(broken brokenGateway) func(testing.TB) porttest.GatewayBench {
	return func(testing.TB) porttest.GatewayBench {
		return func(t testing.TB, deadline time.Duration) porttest.GatewayRig {
			rig, inner := memoryGatewayRig(t, deadline)
			broken.Gateway = inner
			rig.Gateway = broken
			return rig
		}
	}
}

// changing breaks the reply alone.
func changing(change func(d port.Delivery, r *port.Reply)) brokenGateway {
	return brokenGateway{send: func(ctx context.Context, inner port.Gateway, d port.Delivery) port.Reply {
		reply := inner.Send(ctx, d)
		change(d, &reply)
		return reply
	}}
}

func TestTheGatewaySuiteRejectsBrokenGateways(t *testing.T) {
	t.Parallel()
	checks := porttest.GatewayChecks()
	callsTwice := brokenGateway{send: func(ctx context.Context, inner port.Gateway, d port.Delivery) port.Reply {
		reply := inner.Send(ctx, d)
		if reply.Verdict == port.CallUnknown {
			return inner.Send(ctx, d)
		}
		return reply
	}}
	doubles := brokenGateway{send: func(ctx context.Context, inner port.Gateway, d port.Delivery) port.Reply {
		inner.Send(ctx, d)
		return inner.Send(ctx, d)
	}}
	deaf := brokenGateway{send: func(ctx context.Context, inner port.Gateway, d port.Delivery) port.Reply {
		return inner.Send(context.WithoutCancel(ctx), d)
	}}
	mute := brokenGateway{send: func(context.Context, port.Gateway, port.Delivery) port.Reply {
		return port.Reply{Verdict: port.CallAccepted, MessageID: "m-17"}
	}}
	porttest.Reject(t, checks, benchOf(callsTwice),
		"calls unknown what no contract names",
		"makes one call when the line breaks after the message", "makes one call when the line breaks inside the message",
		"makes one call on a kept line that breaks after the message", "makes one call on a kept line that breaks inside the message")
	porttest.Reject(t, checks, benchOf(doubles),
		"calls once, with the key, and tells the provider's id", "never repeats a call on a kept line that was closed",
		"serves many calls at once, each once")
	porttest.Reject(t, checks, benchOf(deaf), "makes no call once the context has ended")
	porttest.Reject(t, checks, benchOf(mute), "makes no call where nobody listens", "serves many calls at once, each once")
	porttest.Reject(t, checks, benchOf(changing(func(_ port.Delivery, r *port.Reply) {
		if r.Verdict == port.CallUnknown {
			r.Verdict = port.CallNotMade
		}
	})), "gives up a call when the context ends", "gives up a call at the call deadline",
		"takes no late answer for another message", "makes one call when the line breaks after the message")
	porttest.Reject(t, checks, benchOf(changing(func(_ port.Delivery, r *port.Reply) {
		if r.Class == attempt.Content {
			r.Class = attempt.Permanent
		}
		r.NotBefore = 0
	})), "tells refusals by their class", "tells throttling and how long to wait")
	porttest.Reject(t, checks, benchOf(changing(func(d port.Delivery, r *port.Reply) {
		r.Detail += d.Destination
	})), "names no destination in its details")
	porttest.Reject(t, checks, benchOf(brokenGateway{provider: func(p port.Provider) port.Provider {
		p.Lease = p.CallDeadline - 1
		return p
	}}), "describes a provider whose claims outlast its calls")
}
