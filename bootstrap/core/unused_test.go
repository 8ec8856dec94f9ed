package core_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/channel"
)

// lateBudgets answer each reservation when half of what it reserved has passed.
type lateBudgets struct{ port.Budgets }

// Reserve implements port.Budgets.
func (lateBudgets) Reserve(_ context.Context, _ string, _ float64, calls int, _ time.Duration) (port.Reservation, error) {
	time.Sleep(100 * time.Millisecond)
	apart := 200 * time.Millisecond / time.Duration(calls)
	return port.Reservation{First: time.Now().Add(-100 * time.Millisecond), Apart: apart, Calls: calls}, nil
}

func TestCallsThatAreReservedAndLostAreCountedAndLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		metrics, log := &memory.Metrics{}, &memory.Log{}
		provider := config.HTTPGateway{URL: "http://127.0.0.1:1", HTTPCalls: config.HTTPCalls{CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 10, Rate: 100}}
		var lanes core.Lanes
		app := fx.New(fx.NopLogger, core.Gateways(config.Gateways{SMS: provider}), fx.Populate(&lanes), fx.Provide(
			func() port.Installation { return installation{} }, func() port.Log { return log }, func() port.Budgets { return lateBudgets{} },
			func() port.Clock { return machine{} }, func() port.Metrics { return metrics },
		))
		if err := app.Err(); err != nil {
			t.Fatal(err)
		}
		permits := lanes[channel.SMS][0].Permits
		begin := func(ctx context.Context) bool {
			permit, err := permits.Acquire(ctx)
			if err != nil {
				return false
			}
			permit.Begin()
			permit.Release(port.Reply{Verdict: port.CallAccepted})
			return true
		}
		ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
		defer cancel()
		for range 4 {
			go func() {
				for begin(ctx) {
				}
			}()
		}
		<-ctx.Done()
		time.Sleep(time.Second) // the last statement ends
		lost := metrics.Counted(metric.CallsUnused.Metric, "sms/http")
		lines := 0
		for _, line := range log.Lines() {
			if strings.Contains(line.Message, "called less often than its rate allows") {
				lines++
			}
		}
		if lost < 50 || lines != 2 {
			t.Errorf("%d lost calls are counted, and %d lines logged in 75 s, want 2", lost, lines)
		}
	})
}

// machine is the machine's clock.
type machine struct{}

// Now implements port.Clock.
func (machine) Now() time.Time { return time.Now() }

// After implements port.Clock.
func (machine) After(d time.Duration) <-chan time.Time { return time.After(d) }
