package porttest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// GatewayRig is a gateway and the provider at its far end.
type GatewayRig struct {
	Gateway port.Gateway
	Far     FarEnd
	Lacks   []FarAct // what the provider has no words for
}

// GatewayBench makes a rig whose provider has the given call deadline.
type GatewayBench func(t testing.TB, callDeadline time.Duration) GatewayRig

// Gateway runs the suite of port.Gateway.
func Gateway(t *testing.T, bench GatewayBench) {
	Run(t, GatewayChecks(), func(testing.TB) GatewayBench { return bench })
}

// patience is longer than any call of the suite takes, and shorter than a test may take.
const patience = 20 * time.Second

// GatewayChecks are the promises of port.Gateway.
func GatewayChecks() []Check[GatewayBench] {
	return []Check[GatewayBench]{
		{"describes a provider whose claims outlast its calls", gatewayDescribes},
		{"calls once, with the key, and tells the provider's id", gatewayAccepts},
		{"tells refusals by their class", gatewayRefusals},
		{"tells throttling and how long to wait", gatewayThrottled},
		{"calls unknown what no contract names", gatewayGarbled},
		{"makes one call when the line breaks after the message", gatewayDropped(ActDrop, 1)},
		{"makes one call when the line breaks inside the message", gatewayDropped(ActDropMidway, 0)},
		{"makes one call on a kept line that breaks after the message", gatewayDroppedKept(ActDrop, 1)},
		{"makes one call on a kept line that breaks inside the message", gatewayDroppedKept(ActDropMidway, 0)},
		{"never repeats a call on a kept line that was closed", gatewayClosedLine},
		{"makes no call where nobody listens", gatewayAbsent},
		{"makes no call once the context has ended", gatewayEndedBefore},
		{"gives up a call when the context ends", gatewayEndedInside},
		{"gives up a call at the call deadline", gatewayDeadline},
		{"takes no late answer for another message", gatewayLateAnswer},
		{"serves many calls at once, each once", gatewayConcurrent},
		{"names no destination in its details", gatewayMasks},
	}
}

// delivery returns the n-th message for the rig's channel. No two have the same destination.
func (r GatewayRig) delivery(n int64) port.Delivery {
	month, _ := key.NewMonth(2026, time.November)
	kind := r.Gateway.Provider().Channel
	to := map[channel.Kind]string{
		channel.Email:    "kim.chulsoo@example.com",
		channel.SMS:      "010-1234-5678",
		channel.Push:     "f4k3T0ken:APA91bHun4MxP5egoKMwt2KZFBaFUH",
		channel.AlimTalk: "010-1234-5678",
	}
	template := ""
	if kind == channel.AlimTalk {
		template = port.AlimTalk{
			Codes: map[string]string{r.Gateway.Provider().Name: "BILL_01"}, Variables: map[string]string{"금액": "52,000원"},
			Buttons: []port.AlimTalkButton{{Type: "WL", Name: "청구서 보기", Mobile: "https://example.com/"}},
		}.Encode()
	}
	return port.Delivery{
		Key:     key.Delivery{Month: month, UserID: 4_711 + n, Attempt: 1, Round: 2},
		Channel: kind, Destination: to[kind],
		Content: port.Variant{Subject: "청구서 11월", HTML: "<p>청구서</p>", Text: "청구서: 52,000원\n.\n.끝", Title: "청구서", Class: "", Template: template},
	}
}

// send makes a call that must end by itself.
func (r GatewayRig) send(t testing.TB, n int64) port.Reply {
	t.Helper()
	return r.sendWithin(t.Context(), t, n)
}

func (r GatewayRig) sendWithin(ctx context.Context, t testing.TB, n int64) port.Reply {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer := make(chan port.Reply, 1)
	go func() { answer <- r.Gateway.Send(ctx, r.delivery(n)) }()
	select {
	case reply := <-answer:
		return reply
	case <-limit.Done():
		t.Fatalf("Send has not returned after %s", patience)
		return port.Reply{}
	}
}

// expect fails unless the reply has the verdict and exactly these messages have arrived whole at the far end.
func (r GatewayRig) expect(t testing.TB, reply port.Reply, verdict port.Verdict, arrived ...int64) {
	t.Helper()
	if reply.Verdict != verdict {
		t.Errorf("the verdict is %q (%s), want %q", reply.Verdict, reply.Detail, verdict)
	}
	if (reply.Class != "") != (reply.Verdict == port.CallRefused) {
		t.Errorf("the class is %q with the verdict %q", reply.Class, reply.Verdict)
	}
	want := make([]string, 0, len(arrived))
	for _, n := range arrived {
		want = append(want, r.delivery(n).Key.String())
	}
	if got := r.Far.Arrived(); !slices.Equal(got, want) {
		t.Errorf("the provider got %q, want %q", got, want)
	}
}

func gatewayDescribes(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, 3*time.Second)
	p := r.Gateway.Provider()
	if p.Name == "" || !p.Channel.Valid() || p.InFlight < 1 || p.CallDeadline != 3*time.Second || p.Lease <= p.CallDeadline+p.Margin {
		t.Errorf("the provider is %+v", p)
	}
}

func gatewayAccepts(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	for n := range int64(3) {
		reply := r.send(t, n)
		r.expect(t, reply, port.CallAccepted, []int64{0, 1, 2}[:n+1]...)
		if reply.MessageID != "m-17" {
			t.Errorf("the provider's id is %q, want m-17", reply.MessageID)
		}
	}
}

func gatewayRefusals(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	var all []int64
	for i, c := range []struct {
		act   FarAct
		class attempt.FailureClass
	}{
		{ActRefusePermanent, attempt.Permanent},
		{ActRefuseTemporary, attempt.Temporary},
		{ActRefuseContent, attempt.Content},
	} {
		if slices.Contains(r.Lacks, c.act) {
			continue
		}
		r.Far.Script(c.act)
		all = append(all, int64(i))
		reply := r.send(t, int64(i))
		r.expect(t, reply, port.CallRefused, all...)
		if reply.Class != c.class {
			t.Errorf("%s: the class is %q, want %q", c.act, reply.Class, c.class)
		}
	}
	r.expect(t, r.send(t, 9), port.CallAccepted, append(all, 9)...)
}

func gatewayThrottled(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	r.Far.Script(ActThrottle)
	reply := r.send(t, 0)
	r.expect(t, reply, port.CallThrottled, 0)
	if reply.NotBefore != 7*time.Second {
		t.Errorf("to wait: %s, want 7s", reply.NotBefore)
	}
}

func gatewayGarbled(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	r.Far.Script(ActGarble)
	r.expect(t, r.send(t, 0), port.CallUnknown, 0)
}

func gatewayDropped(act FarAct, arrived int) func(testing.TB, func(testing.TB) GatewayBench) {
	return func(t testing.TB, open func(testing.TB) GatewayBench) {
		r := open(t)(t, patience)
		r.Far.Script(act)
		r.expect(t, r.send(t, 0), port.CallUnknown, []int64{0}[:arrived]...)
		if n := r.Far.Begun(); n != 1 {
			t.Errorf("%d messages began, want 1", n)
		}
	}
}

func gatewayDroppedKept(act FarAct, arrived int) func(testing.TB, func(testing.TB) GatewayBench) {
	return func(t testing.TB, open func(testing.TB) GatewayBench) {
		r := open(t)(t, patience)
		r.Far.Script(ActAccept, ActAccept, act)
		r.send(t, 0)
		r.send(t, 1)
		r.expect(t, r.send(t, 2), port.CallUnknown, []int64{0, 1, 2}[:2+arrived]...)
		if n := r.Far.Begun(); n != 3 {
			t.Errorf("%d messages began, want 3", n)
		}
	}
}

// gatewayClosedLine closes the connection without the gateway's knowledge. Whether the next call finds out before its
// first byte is a race; whatever it reports must be true.
func gatewayClosedLine(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	for n := int64(0); n < 60; n += 2 {
		r.Far.Script(ActAcceptThenClose)
		r.checkTruth(t, n, r.send(t, n))
		r.checkTruth(t, n+1, r.send(t, n+1)) // on the closed line, or on a new one
	}
}

func (r GatewayRig) checkTruth(t testing.TB, n int64, last port.Reply) {
	t.Helper()
	calls := 0
	for _, arrived := range r.Far.Arrived() {
		if arrived == r.delivery(n).Key.String() {
			calls++
		}
	}
	lied := map[port.Verdict]bool{port.CallAccepted: calls == 0, port.CallNotMade: calls > 0}
	if calls > 1 || lied[last.Verdict] {
		t.Fatalf("the provider got message %d %d times; the verdict was %q", n, calls, last.Verdict)
	}
}

func gatewayAbsent(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	r.Far.Shut()
	r.expect(t, r.send(t, 0), port.CallNotMade)
}

func gatewayEndedBefore(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	r.send(t, 0) // so that a line is kept
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.expect(t, r.sendWithin(ctx, t, 1), port.CallNotMade, 0)
	if n := r.Far.Begun(); n != 1 {
		t.Errorf("%d messages began, want 1", n)
	}
}

func gatewayEndedInside(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, 10*patience)
	r.Far.Script(ActHold)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-r.Far.Holding()
		cancel()
	}()
	r.expect(t, r.sendWithin(ctx, t, 0), port.CallUnknown, 0)
}

// gatewayDeadline lengthens the deadline until the message arrives before it: how long that takes is the machine's affair.
func gatewayDeadline(t testing.TB, open func(testing.TB) GatewayBench) {
	for deadline := 300 * time.Millisecond; ; deadline *= 3 {
		r := open(t)(t, deadline)
		r.Far.Script(ActHold)
		reply := r.send(t, 0)
		if len(r.Far.Arrived()) == 0 && deadline < patience/6 {
			r.checkTruth(t, 0, reply)
			continue
		}
		r.expect(t, reply, port.CallUnknown, 0)
		return
	}
}

func gatewayLateAnswer(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, 10*patience)
	r.Far.Script(ActHold, ActRefusePermanent)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-r.Far.Holding()
		cancel()
	}()
	r.expect(t, r.sendWithin(ctx, t, 0), port.CallUnknown, 0)
	r.Far.Release()
	r.expect(t, r.send(t, 1), port.CallRefused, 0, 1)
}

func gatewayConcurrent(t testing.TB, open func(testing.TB) GatewayBench) {
	const calls = 64
	r := open(t)(t, patience)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	verdicts := make([]port.Verdict, calls)
	for n := range calls {
		all.Go(func() { verdicts[n] = r.Gateway.Send(ctx, r.delivery(int64(n))).Verdict })
	}
	all.Wait()
	got := r.Far.Arrived()
	slices.Sort(got)
	if len(got) != calls || len(slices.Compact(got)) != calls {
		t.Errorf("the provider got %d messages of %d", len(got), calls)
	}
	for n, verdict := range verdicts {
		if verdict != port.CallAccepted {
			t.Errorf("message %d: %q", n, verdict)
		}
	}
}

func gatewayMasks(t testing.TB, open func(testing.TB) GatewayBench) {
	r := open(t)(t, patience)
	r.Far.Script(ActRefusePermanent, ActRefuseTemporary) // the latter may leave its outcome unknown, with the provider's words
	to := r.delivery(0).Destination
	for n := range int64(2) {
		reply := r.send(t, n)
		if reply.Detail == "" || strings.Contains(reply.Detail, to) {
			t.Errorf("the detail is %q: it must say something, and not where the message went", reply.Detail)
		}
	}
}
