// Package core holds the fx modules that the apps share: logs and metrics, the database, the event log, statements and
// gateways. Constructors do no I/O; what is down at the start is waited for by the use cases.
package core

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/observe"
)

// Observe provides the clock, the log and the metrics. Another clock is put in by fx.Replace or fx.Decorate.
func Observe(c config.Log) fx.Option {
	return fx.Module("observe",
		fx.Provide(
			func() (*zap.Logger, error) {
				logger, err := observe.NewZap(c.Level, c.Format)
				if err == nil {
					zap.RedirectStdLog(logger) // where libraries complain that know no other log, such as net/http
				}
				return logger, err
			},
			fx.Annotate(observe.NewLog, fx.As(new(port.Log))),
			fx.Annotate(observe.NewMetrics, fx.As(new(port.Metrics)), fx.As(fx.Self())),
			func() port.Clock { return observe.Clock{} },
		),
	)
}

// Quiet keeps fx's own events out of the log. A failure is the error of the app's start, which is reported once.
func Quiet() fx.Option { return fx.NopLogger }
