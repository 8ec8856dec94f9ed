// Package dispatcherapp wires the Producer: one run over a month, or over every open month.
package dispatcherapp

import (
	"os"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Options is the app: it provides the runner, which the command runs.
func Options(c config.Dispatcher) fx.Option {
	addr := config.NoServer // who ends soon is not asked
	if c.Dispatch.Linger {
		addr = c.Health.Addr
	}
	return fx.Options(
		core.Observe(c.Log),
		core.WriteEMF(c.Metrics, port.ServiceDispatcher, os.Stderr),
		core.Traces(c.Traces, "balsong-dispatcher"),
		core.Quiet(),
		core.Identity(),
		core.Database(c.Database, "balsong-dispatcher"),
		core.Events(c.Kafka, "balsong-dispatcher"),
		fx.StopTimeout(30*time.Second),
		fx.Module("dispatch", fx.Provide(runnerPorts, func(ports dispatch.Ports) (*dispatch.Runner, error) {
			return dispatch.New(ports, dispatch.Config{
				Page: c.Dispatch.Page, Cap: c.Dispatch.Cap, AckTimeout: c.Dispatch.AckTimeout,
				Linger: c.Dispatch.Linger, LingerPoll: c.Dispatch.LingerPoll,
			})
		}), fx.Provide(core.WaitingPart(func(r *dispatch.Runner) core.Waiting { return r }))),
		core.ServeHealth(addr, port.ComponentDatabase),
		fx.Invoke(func(*dispatch.Runner) {}),
	)
}

func runnerPorts(
	targets port.Targets, backlog port.Backlog, months port.Months, policies port.Policies, control port.Control, channelHalts port.ChannelHalts, runs port.Runs,
	publisher port.Publisher, clock port.Clock, log port.Log, metrics port.Metrics, installation port.Installation, tracer *trace.Tracer,
) dispatch.Ports {
	return dispatch.Ports{
		Targets: targets, Backlog: backlog, Months: months, Policies: policies, Control: control, ChannelHalts: channelHalts,
		Runs: runs, Publisher: publisher, Clock: clock, Log: log, Metrics: metrics,
		Installation: installation, Tracer: tracer,
	}
}
