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
		core.Identity(),
		core.Database(c.Database, "balsong-retention"),
		core.Packs(c.S3),
		fx.StopTimeout(10*time.Second),
		fx.Module("retention", fx.Provide(func(
			months port.Months, report port.Report, sweeps port.Sweeps, data port.Retention, packs port.PackStore,
			audit port.Audit, clock port.Clock, log port.Log,
		) (*retain.Keeper, error) {
			return retain.New(retain.Ports{
				Months: months, Report: report, Sweeps: sweeps, Retention: data, Packs: packs, Audit: audit, Clock: clock, Log: log,
			}, retain.Rule{Months: c.Kept.Months, AuditMonths: c.Kept.AuditMonths})
		})),
		fx.Invoke(func(*retain.Keeper) {}),
	)
}
