package operatorapp

import (
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/retain"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Retention is the app of who removes old months: it provides a *retain.Keeper.
func Retention(c config.Retention) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.Quiet(),
		core.Database(c.Database, "balsong-retention"),
		core.Packs(c.S3),
		fx.StopTimeout(10*time.Second),
		fx.Module("retention", fx.Provide(func(p keeperPorts) (*retain.Keeper, error) {
			return retain.New(p.ports(), retain.Rule{Months: c.Kept.Months, AuditMonths: c.Kept.AuditMonths})
		})),
		fx.Invoke(func(*retain.Keeper) {}),
	)
}

// keeperPorts is what fx finds for a keeper.
type keeperPorts struct {
	fx.In
	Months    port.Months
	Report    port.Report
	Sweeps    port.Sweeps
	Retention port.Retention
	Packs     port.PackStore
	Audit     port.Audit
	Clock     port.Clock
	Log       port.Log
}

func (p keeperPorts) ports() retain.Ports {
	return retain.Ports{
		Months: p.Months, Report: p.Report, Sweeps: p.Sweeps, Retention: p.Retention, Packs: p.Packs, Audit: p.Audit, Clock: p.Clock, Log: p.Log,
	}
}
