package porttest_test

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// wallClock is the machine's clock: the suite measures real deadlines.
type wallClock struct{}

func (wallClock) Now() time.Time                         { return time.Now() }
func (wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// memoryFar is the far end of a memory gateway: the gateway itself.
type memoryFar struct{ *memory.Gateway }

func (f memoryFar) Script(acts ...porttest.FarAct) {
	refuse := func(verdict port.Verdict, class attempt.FailureClass) memory.GatewayAnswer {
		return memory.GatewayAnswer{Reply: port.Reply{Verdict: verdict, Class: class, Detail: "no message for that destination"}}
	}
	throttle := refuse(port.CallThrottled, "")
	throttle.Reply.NotBefore = 7 * time.Second
	answers := map[porttest.FarAct]memory.GatewayAnswer{
		porttest.ActAccept:          {Reply: port.Reply{MessageID: "m-17"}},
		porttest.ActAcceptThenClose: {Reply: port.Reply{MessageID: "m-17"}},
		porttest.ActRefusePermanent: refuse(port.CallRefused, attempt.Permanent),
		porttest.ActRefuseTemporary: refuse(port.CallRefused, attempt.Temporary),
		porttest.ActRefuseContent:   refuse(port.CallRefused, attempt.Content),
		porttest.ActThrottle:        throttle,
		porttest.ActGarble:          refuse(port.CallUnknown, ""),
		porttest.ActDrop:            {Dropped: true},
		porttest.ActDropMidway:      {Partly: true},
		porttest.ActHold:            {Block: true},
	}
	for _, act := range acts {
		f.Gateway.Script(answers[act])
	}
}

func (f memoryFar) Arrived() []string {
	var keys []string
	for _, call := range f.Calls() {
		if call.Whole {
			keys = append(keys, call.Key.String())
		}
	}
	return keys
}

func (f memoryFar) Begun() int               { return len(f.Calls()) }
func (f memoryFar) Holding() <-chan struct{} { return f.Blocked() }
func (f memoryFar) Shut()                    { f.SetAbsent(true) }

func memoryGatewayRig(_ testing.TB, deadline time.Duration) (porttest.GatewayRig, *memory.Gateway) {
	gateway := memory.NewGateway(port.Provider{
		Name: "memory", Channel: channel.Email, CallDeadline: deadline, Lease: deadline + time.Second, InFlight: 100,
	}, wallClock{})
	gateway.Answer(func(port.Delivery) memory.GatewayAnswer {
		return memory.GatewayAnswer{Reply: port.Reply{MessageID: "m-17"}}
	})
	return porttest.GatewayRig{Gateway: gateway, Far: memoryFar{gateway}}, gateway
}

func TestTheMemoryGatewayKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Gateway(t, func(t testing.TB, deadline time.Duration) porttest.GatewayRig {
		rig, _ := memoryGatewayRig(t, deadline)
		return rig
	})
}

func TestTheMemoryGatewayCountsWhatWasAcceptedWhateverTheCallerWasTold(t *testing.T) {
	t.Parallel()
	_, gateway := memoryGatewayRig(t, time.Second)
	gateway.Script(memory.GatewayAnswer{Dropped: true}, memory.GatewayAnswer{Partly: true}, memory.GatewayAnswer{})
	d := port.Delivery{Channel: channel.Email}
	for range 3 {
		gateway.Send(context.Background(), d)
	}
	if n := gateway.Accepted()[d.Key.Target()]; n != 2 {
		t.Errorf("%d messages count as accepted, want 2", n)
	}
}
