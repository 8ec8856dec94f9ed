// Package dispatcherapp wires the Producer: one run over a month, or over every open month.
package dispatcherapp

import (
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Options is the app: it provides the runner, which the command runs.
func Options(c config.Dispatcher) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.Quiet(),
		core.Database(c.Database, "balsong-dispatcher"),
		core.Events(c.Kafka, "balsong-dispatcher"),
		fx.StopTimeout(30*time.Second),
		fx.Module("dispatch", fx.Provide(func(p ports) (*dispatch.Runner, error) {
			return dispatch.New(p.ports(), dispatch.Config{
				Page: c.Dispatch.Page, Cap: c.Dispatch.Cap, AckTimeout: c.Dispatch.AckTimeout,
				Linger: c.Dispatch.Linger, LingerPoll: c.Dispatch.LingerPoll,
			})
		})),
		fx.Invoke(func(*dispatch.Runner) {}),
	)
}

// ports is what fx finds for a runner.
type ports struct {
	fx.In
	Targets   port.Targets
	Backlog   port.Backlog
	Months    port.Months
	Policies  port.Policies
	Control   port.Control
	Runs      port.Runs
	Publisher port.Publisher
	Clock     port.Clock
	Log       port.Log
	Metrics   port.Metrics
}

func (p ports) ports() dispatch.Ports {
	return dispatch.Ports{
		Targets: p.Targets, Backlog: p.Backlog, Months: p.Months, Policies: p.Policies, Control: p.Control,
		Runs: p.Runs, Publisher: p.Publisher, Clock: p.Clock, Log: p.Log, Metrics: p.Metrics,
	}
}
