package core_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// What counts until the very end of the app is in the last line; and nothing is written where nobody asked for it.
func TestTheLastLineIsWrittenWhenEverythingElseHasEnded(t *testing.T) {
	t.Parallel()
	for installation, want := range map[string]float64{"bills": 3, "": 0} {
		var out bytes.Buffer
		app := fxtest.New(t,
			core.Observe(config.Log{Level: "error", Format: "json"}), core.Quiet(),
			core.WriteEMF(config.Metrics{Installation: installation}, port.ServiceDelivery, &out),
			fx.Module("work", fx.Invoke(func(lc fx.Lifecycle, metrics port.Metrics) {
				lc.Append(fx.StartStopHook(func() { metric.DeadLetters.Add(metrics, 1) }, func() { metric.DeadLetters.Add(metrics, 2) }))
			})),
		)
		app.RequireStart().RequireStop()
		var line struct {
			Letters float64 `json:"balsong_dead_letters_total"`
		}
		asked := installation != ""
		if err := json.Unmarshal(bytes.TrimSpace(out.Bytes()), &line); asked && err != nil || line.Letters != want || !asked && out.Len() > 0 {
			t.Errorf("asked %t, it writes %q (%v)", asked, out.String(), err)
		}
	}
}

// slow is what is written to: it takes a third of a minute, by the clock of the app.
type slow struct {
	clock *memory.Clock
	lines chan []byte
}

func (s slow) Write(line []byte) (int, error) {
	s.clock.Advance(20 * time.Second)
	s.lines <- bytes.Clone(line)
	return len(line), nil
}

func TestEachMinuteHasItsLineThoughWritingTakesTime(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, time.November, 30, 12, 0, 13, 0, time.UTC)
	clock := memory.NewClock(began)
	out := slow{clock, make(chan []byte, 1)}
	app := fxtest.New(t,
		core.Observe(config.Log{Level: "error", Format: "json"}), core.Quiet(),
		fx.Decorate(func(port.Clock) port.Clock { return clock }),
		core.WriteEMF(config.Metrics{Installation: "bills"}, port.ServiceSettlement, out),
		fx.Module("work", fx.Invoke(func(metrics port.Metrics) { metric.Halted.Set(metrics, 0) })),
	)
	app.RequireStart()
	for minute := 1; minute <= 10; minute++ {
		if err := clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Set(began.Truncate(time.Minute).Add(time.Duration(minute) * time.Minute))
		var line struct {
			AWS struct{ Timestamp int64 } `json:"_aws"`
		}
		select {
		case written := <-out.lines:
			if err := json.Unmarshal(written, &line); err != nil {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("minute %d has no line", minute)
		}
		if at := time.UnixMilli(line.AWS.Timestamp).UTC(); at.Sub(began.Truncate(time.Minute)) != time.Duration(minute)*time.Minute {
			t.Errorf("line %d is of %s", minute, at)
		}
	}
	app.RequireStop()
}
