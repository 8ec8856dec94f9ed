package deliver_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

func reasonOf(m port.Received) string {
	for _, h := range m.Headers {
		if h.Name == "balsong-reason" {
			return h.Value
		}
	}
	return ""
}

func TestAnUndecodableRequestIsADeadLetterWithItsReasonBeforeItsOffsetMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broker.SetFault(func(topic port.Topic, _ port.Message) memory.Fault {
		if topic == port.TopicDeadLetter {
			return memory.FaultDropped
		}
		return memory.FaultNone
	})
	w.publish(t, port.Message{Key: "1", Value: []byte("{{{")})
	w.start(t)
	w.whileTimePasses(t, "the event log is known to be down", func() bool { return len(w.service.Down()) == 1 })
	if w.lag() != 1 {
		t.Fatal("the offset moved before the dead letter was written")
	}
	w.broker.SetFault(nil)
	w.whileTimePasses(t, "the dead letter is written", w.drained)
	letters := w.broker.Messages(port.TopicDeadLetter)
	if len(letters) != 1 || string(letters[0].Value) != "{{{" || letters[0].Key != "1" || !strings.Contains(reasonOf(letters[0]), "ce_type") {
		t.Fatalf("the dead letters are %v", letters)
	}
	w.expectCalls(t, w.email, 0)
}

func TestAnUndecodableRequestWhoseIDCanBeReadPausesItsBill(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(m *port.Message){
		"value is no JSON":          func(m *port.Message) { m.Value = []byte(`{"billing_month":`) },
		"value is empty":            func(m *port.Message) { m.Value = nil },
		"channel is unknown":        func(m *port.Message) { m.Value = []byte(strings.Replace(string(m.Value), `"EMAIL"`, `"FAX"`, 1)) },
		"encoded twice":             func(m *port.Message) { m.Value = []byte(`"` + strings.ReplaceAll(string(m.Value), `"`, `\"`) + `"`) },
		"value is too long":         func(m *port.Message) { m.Value = append(m.Value, make([]byte, event.MaxBytes)...) },
		"unknown policy is no such": func(m *port.Message) { m.Value = []byte(strings.Replace(string(m.Value), `"hold"`, `"maybe"`, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bill(t, 1)
			w.dispatch(t)
			m := w.broker.Messages(port.TopicRequests)[0].Message
			spoil(&m)
			w.broker = memory.NewBroker(4, w.clock)
			w.publisher = w.broker.Publisher()
			w.wire(t)
			w.publish(t, m)
			w.start(t)
			w.awaitDrained(t)
			w.expectCalls(t, w.email, 0)
			w.expectContent(t, 1)
			if letters := w.broker.Messages(port.TopicDeadLetter); len(letters) != 1 || reasonOf(letters[0]) == "" {
				t.Fatalf("the dead letters are %v", letters)
			}
		})
	}
}

// Its key cannot be closed, because the ledger has no room for it: that makes no second letter.
func TestARefusedRequestOfAMonthThatWasNeverOpenedIsOneDeadLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(t, port.Message{Key: "1", Value: []byte("{{{"), Headers: []port.Header{{Name: "ce_id", Value: "2031-01/1/0/0"}}})
	w.start(t)
	w.awaitDrained(t)
	letters := w.broker.Messages(port.TopicDeadLetter)
	if len(letters) != 1 || !strings.Contains(reasonOf(letters[0]), "ce_type") {
		t.Fatalf("the dead letters are %v", letters)
	}
}

func TestAMessageThatNamesTwoDeliveriesClosesNeither(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	m := w.broker.Messages(port.TopicRequests)[0].Message
	for i, h := range m.Headers {
		if h.Name == "ce_id" {
			m.Headers[i].Value = "2026-11/2/0/0"
		}
	}
	w.broker = memory.NewBroker(4, w.clock)
	w.publisher = w.broker.Publisher()
	w.wire(t)
	w.publish(t, m)
	w.start(t)
	w.awaitDrained(t)
	if len(w.store.Rows(w.key(1)))+len(w.store.Rows(w.key(2))) != 0 || len(w.broker.Messages(port.TopicDeadLetter)) != 1 {
		t.Fatal("a row was written for a message whose identity is in doubt")
	}
}

// expectContent checks that a bill is PAUSED(content), after settling, with its key closed as FAILED(content).
func (w *world) expectContent(t *testing.T, user int64) {
	t.Helper()
	row := w.expectRow(t, user, 0, 0, attempt.Failed, attempt.ReasonContent)
	if row.Class != attempt.Content {
		t.Fatalf("the class is %s", row.Class)
	}
	w.settle(t)
	w.settle(t)
	if s := w.expect(t, user, billing.Paused, 0, 0); s.Pause != billing.PauseContent {
		t.Fatalf("it is paused for %s", s.Pause)
	}
}

func TestContentThatIsNotWhatItShouldBeIsNeverSent(t *testing.T) {
	t.Parallel()
	swap := func(w *world, what func(one, two *memory.Seeded)) func(t *testing.T) {
		return func(t *testing.T) {
			t.Helper()
			var two memory.Seeded
			w.bill(t, 2, func(s *memory.Seeded) { two = *s; s.State.AvailableAt = w.clock.Now().Add(time.Hour) })
			w.bill(t, 1, func(s *memory.Seeded) { what(s, &two) })
		}
	}
	for name, make := range map[string]func(w *world) func(t *testing.T){
		"wrong hash": func(w *world) func(t *testing.T) {
			return func(t *testing.T) { t.Helper(); w.bill(t, 1); w.packs.Spoil(w.pack(1), 30) }
		},
		"pack is gone": func(w *world) func(t *testing.T) {
			return func(t *testing.T) { t.Helper(); w.bill(t, 1); w.packs.Drop(w.pack(1)) }
		},
		"reference of another customer": func(w *world) func(t *testing.T) {
			return swap(w, func(one, two *memory.Seeded) { one.Statement = two.Statement })
		},
		"destination of another customer": func(w *world) func(t *testing.T) {
			return swap(w, func(one, two *memory.Seeded) { one.Destinations = two.Destinations })
		},
		"destination of another channel": func(w *world) func(t *testing.T) {
			return func(t *testing.T) {
				t.Helper()
				w.bill(t, 1, func(s *memory.Seeded) {
					for i := range s.Destinations {
						s.Destinations[i].Channel = map[channel.Kind]channel.Kind{channel.Email: channel.SMS, channel.SMS: channel.Email}[s.Destinations[i].Channel]
					}
				})
			}
		},
		"statement of another customer behind an own reference": func(w *world) func(t *testing.T) {
			return func(t *testing.T) {
				t.Helper()
				w.bill(t, 1, func(s *memory.Seeded) { s.Statement = w.statement(t, 2, 1, "of somebody else") })
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			make(w)(t)
			w.dispatch(t)
			w.start(t)
			w.awaitDrained(t)
			w.expectCalls(t, w.email, 0)
			w.expectContent(t, 1)
			w.dispatch(t)
			w.awaitDrained(t)
			w.expectCalls(t, w.sms, 0) // nor on another channel
			if letters := w.broker.Messages(port.TopicDeadLetter); len(letters) != 1 || reasonOf(letters[0]) == "" {
				t.Fatalf("the dead letters are %v", letters)
			}
		})
	}
}

func TestAVariantThatIsMissingIsContentAndNotSentAsAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) {
		w.spec.Route[0].Channel = channel.Push
		push := w.gateway(channel.Push, 10)
		w.gateways[channel.Push] = push
	})
	w.bill(t, 1, func(s *memory.Seeded) {
		sealed, err := w.cipher.Seal([]byte("token"), port.Purpose{Kind: port.KindDestination, Target: w.key(1), Channel: channel.Push})
		if err != nil {
			t.Fatal(err)
		}
		s.Destinations = append(s.Destinations, port.Destination{Channel: channel.Push, Sealed: sealed})
		s.State.Reachable = channel.NewSet(channel.Push, channel.SMS)
	})
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.expectContent(t, 1)
}

func TestFiveContentsInARowHaltEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user := int64(1); user <= 5; user++ {
		w.bill(t, user)
		w.packs.Spoil(w.pack(user), 30)
	}
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	halt, err := w.store.Control().Halted(t.Context())
	if err != nil || !halt.On || halt.Reason == "" || halt.Actor == "" {
		t.Fatalf("the halt is %+v: %v", halt, err)
	}
	w.bill(t, 6)
	if _, err := w.runner.Run(t.Context(), w.month, by(), nil); err == nil {
		t.Fatal("a run goes on while everything is halted")
	}
	w.liftAndHaltAgain(t)
	w.awaitDrained(t)
	w.expectRow(t, 6, 0, 0, attempt.Succeeded, "")
}

// liftAndHaltAgain lets one run dispatch and Delivery continue.
func (w *world) liftAndHaltAgain(t *testing.T) {
	t.Helper()
	if _, err := w.operator.LiftHalt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	w.dispatch(t)
	w.whileTimePasses(t, "Delivery reads that the halt is lifted", func() bool { return len(w.log.Find("the halt is lifted")) == 1 })
}

func TestAGoodContentBetweenBadOnesHaltsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(t)
	for user := int64(1); user <= 12; user++ {
		w.bill(t, user)
		if user%3 != 0 {
			w.packs.Spoil(w.pack(user), 30)
		}
		w.dispatch(t)
		w.awaitDrained(t)
	}
	if halt, err := w.store.Control().Halted(t.Context()); err != nil || halt.On {
		t.Fatalf("halted: %+v, %v", halt, err)
	}
	w.expectCalls(t, w.email, 4)
}

func TestUndecodableMessagesHaltNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10 {
		w.publish(t, port.Message{Key: "1", Value: []byte("garbage")})
	}
	w.start(t)
	w.awaitDrained(t)
	if halt, err := w.store.Control().Halted(t.Context()); err != nil || halt.On {
		t.Fatalf("halted: %+v, %v", halt, err)
	}
	if n := len(w.broker.Messages(port.TopicDeadLetter)); n != 10 {
		t.Fatalf("%d dead letters", n)
	}
}

func TestCorrectedContentIsSentAndTheOldCopyNever(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.packs.Spoil(w.pack(1), 30)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.expectContent(t, 1)
	if _, err := w.operator.Resume(t.Context(), w.key(1), by()); !errors.Is(err, billing.ErrRefused) {
		t.Fatalf("resuming without a correction: %v", err)
	}
	w.correct(t, 1)
	w.expect(t, 1, billing.Paused, 0, 1)
	w.renderAgain(t, 1)
	if _, err := w.operator.Resume(t.Context(), w.key(1), by()); err != nil {
		t.Fatal(err)
	}
	w.dispatch(t)
	w.awaitDrained(t)
	w.copyRequests(t, 1)
	w.awaitDrained(t)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 1)
	w.expectCalls(t, w.email, 1)
	if text := w.email.Calls()[0].Delivery.Content.Text; text != "corrected" {
		t.Fatalf("what was sent says %q", text)
	}
}

func TestACorrectionInTheTopicsShadowNeverLetsTheOlderCopyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t) // the old data is in the topic, nobody has consumed it
	w.correct(t, 1)
	w.expect(t, 1, billing.Ready, 0, 1)
	w.renderAgain(t, 1)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 1)
	w.expectCalls(t, w.email, 1)
	if text := w.email.Calls()[0].Delivery.Content.Text; text != "corrected" {
		t.Fatalf("what was sent says %q", text)
	}
	w.expectRow(t, 1, 0, 0, attempt.Revoked, attempt.ReasonCorrect)
}

func TestACorrectionDuringTheCallIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(memory.GatewayAnswer{Block: true})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-w.email.Blocked()
	if err := w.tryCorrect(t, 1); !errors.Is(err, billing.ErrRefused) {
		t.Fatalf("the correction came to %v", err)
	}
	w.email.Release()
	w.awaitDrained(t)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 0)
	if err := w.tryCorrect(t, 1); !errors.Is(err, billing.ErrRefused) {
		t.Fatalf("a correction of a bill that has gone out came to %v", err)
	}
}
