package deliver

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// nowhere drops spans.
type nowhere struct{}

func (nowhere) Record(...port.TraceSpan) {}

// BenchmarkTracing is what traces cost one delivery that succeeds: docs/adr/0054 has the numbers.
func BenchmarkTracing(b *testing.B) {
	for name, tracer := range map[string]*trace.Tracer{
		"off": nil, "1%": trace.New(nowhere{}, 0.01, &memory.Metrics{}), "all": trace.New(nowhere{}, 1, &memory.Metrics{}),
	} {
		b.Run(name, func(b *testing.B) {
			s := &Service{tracer: tracer, clock: realClock{}}
			messages := make([]port.Message, 1000)
			for i := range messages {
				id := trace.OfBill("abcdef", key.Target{Month: 2026*12 + 10, UserID: int64(i + 1)})
				messages[i].Headers = []port.Header{{Name: "traceparent", Value: trace.Parent(port.SpanContext{Trace: id, Span: trace.Span(id, 1), Sampled: true})}}
			}
			result := &event.Result{Outcome: attempt.Succeeded, Provider: "smtp"}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d := &delivery{message: port.Received{Message: messages[i%len(messages)]}, via: &provider{}, request: event.Requested{Identity: event.Identity{Month: 2026*12 + 10, UserID: 1, Channel: channel.Email}}}
				s.trace(d)
				for _, name := range []string{trace.Check, trace.Prepare, trace.Permit, trace.Claim, trace.Call, trace.RecordOutcome} {
					s.step(d, name)
				}
				s.traced(d, result)
			}
		})
	}
}

// realClock is the machine's.
type realClock struct{ port.Clock }

func (realClock) Now() time.Time { return time.Now().UTC() }
