package core

import (
	"github.com/jmoiron/sqlx"
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// Database provides the storage ports. application names the process to the database.
func Database(c config.Database, application string) fx.Option {
	return fx.Module("database",
		fx.Provide(func(lc fx.Lifecycle, identity *awsidentity.Identity) (*sqlx.DB, error) {
			at := DatabaseLogin(c, identity)
			at.Application, at.MaxConns = application, c.MaxConns
			at.StatementTimeout, at.LockTimeout = c.StatementTimeout, c.LockTimeout
			db, err := postgres.Open(at)
			if err != nil {
				return nil, err
			}
			lc.Append(fx.StopHook(db.Close))
			return db, nil
		}),
		fx.Provide(
			fx.Annotate(postgres.NewTargets, fx.As(new(port.Targets))),
			fx.Annotate(postgres.NewBacklog, fx.As(new(port.Backlog))),
			fx.Annotate(postgres.NewRequests, fx.As(new(port.Requests))),
			fx.Annotate(postgres.NewLedger, fx.As(new(port.Ledger))),
			fx.Annotate(postgres.NewSweeps, fx.As(new(port.Sweeps))),
			fx.Annotate(postgres.NewSuppressions, fx.As(new(port.Suppressions))),
			fx.Annotate(postgres.NewMonths, fx.As(new(port.Months))),
			fx.Annotate(postgres.NewControl, fx.As(new(port.Control))),
			fx.Annotate(postgres.NewChannelHalts, fx.As(new(port.ChannelHalts))),
			fx.Annotate(postgres.NewInstallation, fx.As(new(port.Installation))),
			fx.Annotate(postgres.NewPolicies, fx.As(new(port.Policies))),
			fx.Annotate(postgres.NewAudit, fx.As(new(port.Audit))),
			fx.Annotate(postgres.NewRuns, fx.As(new(port.Runs))),
			fx.Annotate(postgres.NewReport, fx.As(new(port.Report))),
			fx.Annotate(postgres.NewSealedBills, fx.As(new(port.SealedBills))),
			fx.Annotate(postgres.NewImports, fx.As(new(port.Imports)), fx.As(fx.Self())),
			fx.Annotate(postgres.NewPastImports, fx.As(new(port.PastImports))),
			fx.Annotate(postgres.NewCopies, fx.As(new(port.Copies))),
			fx.Annotate(postgres.NewRecovery, fx.As(new(port.Recovery))),
			fx.Annotate(postgres.NewRestoreGuard, fx.As(new(port.RestoreGuard))),
			fx.Annotate(postgres.NewMappings, fx.As(new(port.Mappings))),
			fx.Annotate(postgres.NewRefusedRows, fx.As(new(port.RefusedRows))),
			fx.Annotate(postgres.NewTemplateSets, fx.As(new(port.TemplateSets))),
			fx.Annotate(postgres.NewRenders, fx.As(new(port.Renders))),
			fx.Annotate(postgres.NewRetention, fx.As(new(port.Retention))),
			fx.Annotate(postgres.NewReplication, fx.As(new(port.Replication))),
			fx.Annotate(postgres.NewCorrections, fx.As(new(port.Corrections))),
			fx.Annotate(postgres.NewBudgets, fx.As(new(port.Budgets))),
			fx.Annotate(postgres.NewReports, fx.As(new(port.Reports))),
			fx.Annotate(postgres.NewInquiries, fx.As(new(port.Inquiries))),
		),
	)
}
