package deliver_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// journal keeps the order in which Delivery uses its ports.
type journal struct {
	mu    sync.Mutex
	steps []string
}

func (j *journal) note(step string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.steps = append(j.steps, step)
}

func (j *journal) list() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.steps)
}

type notedPacks struct {
	port.Packs
	*journal
}

func (p notedPacks) Get(ctx context.Context, ref port.StatementRef, buffer []byte) ([]byte, error) {
	p.note("fetch")
	return p.Packs.Get(ctx, ref, buffer)
}

type notedCipher struct {
	port.Cipher
	*journal
}

func (c notedCipher) Open(sealed []byte, purpose port.Purpose) ([]byte, error) {
	c.note("decrypt " + purpose.Kind)
	return c.Cipher.Open(sealed, purpose)
}

type notedPermits struct {
	port.Permits
	*journal
}

func (p notedPermits) Acquire(ctx context.Context) (port.Permit, error) {
	p.note("permit")
	permit, err := p.Permits.Acquire(ctx)
	return notedPermit{permit, p.journal}, err
}

type notedPermit struct {
	port.Permit
	*journal
}

func (p notedPermit) Release(reply port.Reply) {
	p.note("permit released: " + string(reply.Verdict))
	p.Permit.Release(reply)
}

func (p notedPermit) Cancel() {
	p.note("permit released: " + string(port.CallNotMade))
	p.Permit.Cancel()
}

type notedGateway struct {
	port.Gateway
	*journal
}

func (g notedGateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	g.note("call")
	return g.Gateway.Send(ctx, d)
}

type notedPublisher struct {
	port.Publisher
	*journal
}

func (p notedPublisher) Publish(ctx context.Context, topic port.Topic, messages []port.Message) []error {
	p.note("publish " + string(topic))
	return p.Publisher.Publish(ctx, topic, messages)
}

func TestDeliveryKeepsToTheOrderOfTheProtocol(t *testing.T) {
	t.Parallel()
	j := &journal{}
	w := newWorld(t, func(w *world) {
		w.packsPort, w.cipherPort = notedPacks{w.packs, j}, notedCipher{w.cipher, j}
		w.permits, w.publisher = notedPermits{w.permits, j}, notedPublisher{w.publisher, j}
		w.gateways[channel.Email] = notedGateway{w.email, j}
	})
	w.bill(t, 1)
	w.dispatch(t)
	w.store.Fail(func(op string) error {
		if strings.HasPrefix(op, "ledger.") || strings.HasPrefix(op, "suppressions.") {
			j.note(op)
		}
		return nil
	})
	stop := w.start(t)
	w.awaitDrained(t)
	stop()
	want := []string{
		"suppressions.suppressed", "suppressions.suppressed/done",
		"decrypt destination", "decrypt statement_ref", "fetch", "decrypt statement",
		"permit", "ledger.claim", "ledger.claim/done", "call", "permit released: accepted",
		"ledger.record", "ledger.record/done", "publish dispatch-results.v1",
	}
	if got := j.list(); !slices.Equal(got, want) {
		t.Fatalf("Delivery did\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	call := w.email.Calls()[0]
	if call.Key.String() != "2026-11/1/0/0" || call.Delivery.Destination != "kim@example.com" || call.Delivery.Content.Subject != "your bill" {
		t.Fatalf("the gateway was given %s", call.Key)
	}
	row := w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
	if row.Provider != "test-EMAIL" || row.ProviderMessageID == "" || row.Channel != channel.Email || row.Unknown != attempt.Hold || row.RunID == 0 {
		t.Fatalf("the row is %+v", row)
	}
}

func TestTwoCopiesOfAMessageLeadToOneCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	w.copyRequests(t, 3)
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 1)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 0)
}

// copyRequests publishes everything in the request topic again.
func (w *world) copyRequests(t *testing.T, times int) {
	t.Helper()
	for range times {
		for _, m := range w.broker.Messages(port.TopicRequests) {
			w.publish(t, m.Message)
		}
	}
}

func (w *world) publish(t *testing.T, m port.Message) {
	t.Helper()
	if err := w.broker.Publisher().Publish(t.Context(), port.TopicRequests, []port.Message{m})[0]; err != nil {
		t.Fatal(err)
	}
}

func TestALateCopyOfAFinishedDeliveryRepeatsItsResultAndCallsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	stop := w.start(t)
	w.awaitDrained(t)
	w.copyRequests(t, 1)
	w.awaitDrained(t)
	stop()
	w.expectCalls(t, w.email, 1)
	results := w.broker.Messages(port.TopicResults)
	if len(results) != 2 {
		t.Fatalf("%d results were published, want the first and its repetition", len(results))
	}
	for _, m := range results {
		r, err := event.DecodeResult(m.Message)
		if err != nil || r.Outcome != attempt.Succeeded || r.Delivery() != w.row(1, 0, 0).Key {
			t.Fatalf("the result is %+v: %v", r, err)
		}
	}
}

func TestACopyDuringTheCallLeavesTheKeyToItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(memory.GatewayAnswer{Block: true})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-w.email.Blocked()
	w.copyRequests(t, 1)
	eventually(t, "the copy is passed over", func() bool { return w.metrics.Counted(metric.ClaimsLost.Metric) == 1 && w.lag() == 0 })
	w.email.Release()
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 1)
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
}

func TestTwoDeliveriesShareTheTopicAndCallOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user := int64(1); user <= 40; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.copyRequests(t, 1)
	w.start(t)
	first := w.service
	w.service = w.newService(t)
	w.start(t)
	eventually(t, "all is done", func() bool { return w.lag() == 0 && w.service.InFlight() == 0 && first.InFlight() == 0 })
	w.settle(t)
	for user := int64(1); user <= 40; user++ {
		w.expect(t, user, billing.Succeeded, 0, 0)
	}
	w.expectCalls(t, w.email, 40)
}

func TestAMessageIsDoneAsSoonAsItsKeyHasARow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.broker = memory.NewBroker(1, w.clock); w.publisher = w.broker.Publisher() })
	w.email.Script(memory.GatewayAnswer{Block: true})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-w.email.Blocked()
	w.bill(t, 2)
	w.dispatch(t)
	eventually(t, "the offset passes the slow call and the one behind it", func() bool { return w.lag() == 0 && w.service.InFlight() == 1 })
	w.expectRow(t, 1, 0, 0, attempt.Claimed, "")
	w.expectRow(t, 2, 0, 0, attempt.Succeeded, "")
	w.email.Release()
	w.awaitDrained(t)
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
}

func TestNoMoreMessagesAreInFlightThanConfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.config = deliver.Config{Limits: deliver.Limits{InFlight: 3}} })
	w.email.Answer(func(port.Delivery) memory.GatewayAnswer { return memory.GatewayAnswer{Block: true} })
	for user := int64(1); user <= 40; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.start(t)
	for range 3 {
		<-w.email.Blocked()
	}
	eventually(t, "the next message of each partition waits", func() bool { return w.service.Preparing() == 4 })
	if n := w.service.InFlight(); n != 3 || len(w.email.Blocked()) != 0 {
		t.Fatalf("%d messages are in flight, and %d more calls are made", n, len(w.email.Blocked()))
	}
	w.email.Answer(func(port.Delivery) memory.GatewayAnswer { return memory.GatewayAnswer{} })
	w.email.Release()
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 40)
}

func TestALostResultIsFoundByTheSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broker.SetFault(func(topic port.Topic, _ port.Message) memory.Fault {
		if topic == port.TopicResults {
			return memory.FaultDropped
		}
		return memory.FaultNone
	})
	w.bill(t, 1)
	w.dispatch(t)
	stop := w.start(t)
	w.awaitDrained(t)
	stop()
	if n := w.metrics.Counted(metric.ResultsUnpublished.Metric); n != 1 {
		t.Fatalf("%d results count as unpublished", n)
	}
	w.expect(t, 1, billing.Requested, 0, 0)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 0)
}

// silentPublisher acknowledges nothing until it is released.
type silentPublisher struct {
	port.Publisher
	released chan struct{}
}

func (p silentPublisher) Publish(ctx context.Context, topic port.Topic, messages []port.Message) []error {
	<-p.released
	return p.Publisher.Publish(ctx, topic, messages)
}

func TestAResultThatIsNotAcknowledgedYetHoldsNoPlace(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	w := newWorld(t, func(w *world) {
		w.config.Limits.InFlight = 2
		w.publisher = silentPublisher{w.publisher, released}
	})
	for user := range int64(4) {
		w.bill(t, 1+user)
	}
	w.dispatch(t)
	stop := w.start(t)
	eventually(t, "more outcomes are stored than have a place", func() bool {
		stored := 0
		for user := range int64(4) {
			for _, row := range w.store.Rows(w.key(1 + user)) {
				if row.State == attempt.Succeeded {
					stored++
				}
			}
		}
		return stored == 4
	})
	if n := len(w.broker.Messages(port.TopicResults)); n != 0 {
		t.Fatalf("%d results are published", n)
	}
	close(released)
	stop()
	if n := len(w.broker.Messages(port.TopicResults)); n != 4 {
		t.Fatalf("when Delivery has ended, %d results are published, want all 4", n)
	}
}

func TestADestinationIsNeverInALogLineAnEventOrALedgerRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: "no such user kim@example.com"}})
	w.bill(t, 1)
	w.bill(t, 2)
	w.packs.Spoil(w.pack(2), 20)
	w.dispatch(t)
	stop := w.start(t)
	w.awaitDrained(t)
	stop()
	var text strings.Builder
	for _, line := range w.log.Lines() {
		text.WriteString(line.Message)
		for _, f := range line.Fields {
			if err, ok := f.Value.(error); ok {
				f.Value = err.Error()
			}
			if s, ok := f.Value.(string); ok {
				text.WriteString(" " + s)
			}
		}
	}
	for _, topic := range []port.Topic{port.TopicRequests, port.TopicResults, port.TopicDeadLetter} {
		for _, m := range w.broker.Messages(topic) {
			text.Write(m.Value)
			for _, h := range m.Headers {
				text.WriteString(h.Value)
			}
		}
	}
	for _, user := range []int64{1, 2} {
		for _, row := range w.store.Rows(w.key(user)) {
			text.WriteString(string(row.Reason) + row.ProviderMessageID)
		}
	}
	for _, secret := range []string{"kim", "example.com", "1012345678"} {
		if strings.Contains(text.String(), secret) {
			t.Fatalf("%q shows in logs, events or the ledger:\n%s", secret, text.String())
		}
	}
}

func TestAProviderWhoseLeaseDoesNotCoverItsCallIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ports := w.ports()
	for _, spare := range []time.Duration{-time.Second, 0} { // without any, no call would ever begin
		ports.Lanes = map[channel.Kind]deliver.Lane{channel.SMS: {{
			Gateway: memory.NewGateway(port.Provider{Name: "hasty", Channel: channel.SMS, CallDeadline: time.Minute, Lease: time.Minute + time.Second + spare, Margin: time.Second}, w.clock),
			Permits: w.permits,
		}}}
		_, err := deliver.New(ports, deliver.Config{})
		if err == nil || !strings.Contains(err.Error(), "hasty") || !strings.Contains(err.Error(), "lease") {
			t.Fatalf("%s to spare: the error is %v", spare, err)
		}
	}
	for _, config := range []deliver.Config{{Bulk: deliver.Bulk{Batch: 1001}}, {Limits: deliver.Limits{InFlight: -1}}} {
		if _, err := deliver.New(w.ports(), config); err == nil {
			t.Fatalf("%+v is accepted", config)
		}
	}
}
