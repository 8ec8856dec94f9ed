// Package operatorapp wires what people's acts and questions need: the database alone.
package operatorapp

import (
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Options is the app: it provides operate.Ports.
func Options(c config.Operator) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.Quiet(),
		core.Database(c.Database, "balsong-operator"),
		fx.StopTimeout(10*time.Second),
		fx.Module("operator", fx.Provide(func(p operatorPorts) operate.Ports { return p.ports() })),
		fx.Invoke(func(operate.Ports) {}),
	)
}

// operatorPorts is what fx finds for an operator.
type operatorPorts struct {
	fx.In
	Targets      port.Targets
	Ledger       port.Ledger
	Sweeps       port.Sweeps
	Policies     port.Policies
	Control      port.Control
	Months       port.Months
	Suppressions port.Suppressions
	Report       port.Report
	Audit        port.Audit
	Clock        port.Clock
	Log          port.Log
}

func (p operatorPorts) ports() operate.Ports {
	return operate.Ports{
		Targets: p.Targets, Ledger: p.Ledger, Sweeps: p.Sweeps, Policies: p.Policies, Control: p.Control, Months: p.Months,
		Suppressions: p.Suppressions, Report: p.Report, Audit: p.Audit, Clock: p.Clock, Log: p.Log,
	}
}
