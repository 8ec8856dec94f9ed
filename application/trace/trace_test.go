package trace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

const november = key.Month(2026*12 + 10)

func TestTwoBillsNeverShareATraceAndOneBillHasTheSameEverywhere(t *testing.T) {
	t.Parallel()
	seen := map[port.TraceID]string{}
	for _, installation := range []string{"abcdef", "abcdeg"} {
		for month := november; month < november+3; month++ {
			for user := int64(1); user <= 20_000; user++ {
				bill := key.Target{Month: month, UserID: user}
				id, name := trace.OfBill(installation, bill), installation+" "+bill.String()
				if other, taken := seen[id]; taken {
					t.Fatalf("%s and %s share a trace", name, other)
				}
				seen[id] = name
			}
		}
	}
	bill := key.Target{Month: november, UserID: 4711}
	if first := trace.OfBill("abcdef", bill); first != trace.OfBill("abcdef", bill) || first == trace.OfBill("abcdef", bill.Copy(1)) {
		t.Fatal("the trace does not follow from the target alone")
	}
}

func TestTheSpanOfAPublicationFollowsFromDeliveryAndRunAlone(t *testing.T) {
	t.Parallel()
	k := key.Delivery{Month: november, UserID: 4711}
	id := trace.OfBill("abcdef", k.Target())
	seen := map[port.SpanID]bool{}
	for _, round := range []int16{0, 1, 300} {
		for _, try := range []int16{0, 1, 300} {
			for run := int64(1); run < 1000; run++ {
				k.Attempt, k.Round = try, round
				span := trace.Publication(id, k, run)
				if seen[span] || span != trace.Publication(id, k, run) || span == (port.SpanID{}) {
					t.Fatalf("attempt %d, round %d, run %d: %x", try, round, run, span)
				}
				seen[span] = true
			}
		}
	}
}

func TestTheStepsOfADeliveryThatBeginAtOnceHaveSpansOfTheirOwn(t *testing.T) {
	t.Parallel()
	id, now := trace.OfBill("abcdef", key.Target{Month: november, UserID: 1}), time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC).UnixNano()
	seen := map[port.SpanID]trace.Step{}
	for step := trace.StepWhole; step <= trace.StepSendResult; step++ {
		span := trace.SpanAt(id, step, now)
		if other, taken := seen[span]; taken {
			t.Errorf("steps %d and %d share the span %x", step, other, span)
		}
		seen[span] = step
	}
}

func TestATraceparentReadsBackAsItWasWrittenAndNothingElseIsOne(t *testing.T) {
	t.Parallel()
	for _, sampled := range []bool{false, true} {
		want := port.SpanContext{Trace: trace.OfBill("abcdef", key.Target{Month: november, UserID: 1}), Span: port.SpanID{1, 2, 255}, Sampled: sampled}
		text := trace.Parent(want)
		if got, ok := trace.ParseParent(text); !ok || got != want {
			t.Fatalf("%q reads back as %+v", text, got)
		}
	}
	good := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	if _, ok := trace.ParseParent(good); !ok {
		t.Fatalf("%q is not read", good)
	}
	for _, bad := range []string{
		"", good[1:], good + "0", strings.ToUpper(good), strings.Replace(good, "4bf9", "4bg9", 1), strings.Replace(good, "-", "_", 2),
		"01" + good[2:], "00-" + strings.Repeat("0", 32) + good[35:], good[:36] + strings.Repeat("0", 16) + "-01", strings.Repeat("é", 27) + "x",
	} {
		if got, ok := trace.ParseParent(bad); ok {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func FuzzParseParent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := trace.ParseParent(text); ok && trace.Parent(c)[:53] != text[:53] {
			t.Fatalf("%q was read, and is written as %q", text, trace.Parent(c))
		}
	})
}

func TestTheBillsOfASmallShareAreAmongThoseOfALargerOne(t *testing.T) {
	t.Parallel()
	metrics := &memory.Metrics{}
	shares := []float64{0, 0.01, 0.1, 1}
	count := make([]int, len(shares))
	for user := int64(1); user <= 100_000; user++ {
		id, before := trace.OfBill("abcdef", key.Target{Month: november, UserID: user}), false
		for i, share := range shares {
			sampled := trace.New(&memory.Traces{}, share, metrics).Sampled(id)
			if before && !sampled {
				t.Fatalf("user %d is among the bills of a smaller share and not of %v", user, share)
			}
			if before = sampled; sampled {
				count[i]++
			}
		}
	}
	if count[0] != 0 || count[1] < 800 || count[1] > 1200 || count[2] < 9500 || count[2] > 10_500 || count[3] != 100_000 {
		t.Fatalf("of 100,000 bills the shares %v take %v", shares, count)
	}
}

func TestWhatFailsIsRecordedOfOtherBillsTooAsLongAsThatIsLittle(t *testing.T) {
	t.Parallel()
	metrics, now := &memory.Metrics{}, time.Unix(1_800_000_000, 0)
	tracer := trace.New(&memory.Traces{}, 0, metrics)
	id := trace.OfBill("abcdef", key.Target{Month: november, UserID: 1})
	if tracer.Wants(id, false, now) {
		t.Fatal("a step that did not fail is recorded")
	}
	recorded := 0
	for range 100 {
		if tracer.Wants(id, true, now) {
			recorded++
		}
	}
	dropped := metrics.Counted(metric.SpansDropped.Metric, trace.DroppedLimit)
	if recorded != 20 || dropped != 80 {
		t.Fatalf("of 100 failures in a second %d are recorded and %d counted as dropped", recorded, dropped)
	}
	if !tracer.Wants(id, true, now.Add(time.Second)) {
		t.Fatal("the next second's failures are not recorded")
	}
	if all := trace.New(&memory.Traces{}, 1, metrics); !all.Wants(id, false, now) {
		t.Fatal("a sampled bill's step is not recorded")
	}
}

func TestATracerThatIsNilRecordsNothing(t *testing.T) {
	t.Parallel()
	var off *trace.Tracer
	id := trace.OfBill("abcdef", key.Target{Month: november, UserID: 1})
	if off.On() || off.Sampled(id) || off.Wants(id, true, time.Time{}) {
		t.Fatal("it wants spans")
	}
	off.Add(port.TraceSpan{})
}

func TestADeliveryThatWaitsForABetterHourHasNotFailed(t *testing.T) {
	t.Parallel()
	for reason, want := range map[attempt.Reason]bool{
		attempt.ReasonWindow: false, attempt.ReasonThrottled: false, attempt.ReasonNotCalled: true, attempt.ReasonNoGateway: true, attempt.ReasonExpired: true,
	} {
		if trace.Failed(attempt.NotSent, reason) != want {
			t.Errorf("NOT_SENT because of %s: failed is not %v", reason, want)
		}
	}
	if trace.Failed(attempt.Succeeded, "") || trace.Failed(attempt.Revoked, attempt.ReasonCancel) ||
		!trace.Failed(attempt.Failed, attempt.ReasonRefused) || !trace.Failed(attempt.Unknown, attempt.ReasonNoAnswer) {
		t.Error("an outcome is taken for another")
	}
}
