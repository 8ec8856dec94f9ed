package operatorapp

import (
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/restorecheck"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// RestoreCheck is the app of who checks a restored database: it provides a *restorecheck.Checker.
func RestoreCheck(c config.RestoreCheck) fx.Option {
	const name = restorecheck.Program
	// One statement looks at bills until it has found a page of those that disagree with the ledger: where few do, at the whole month.
	c.Operator.Database.StatementTimeout = max(c.Operator.Database.StatementTimeout, 30*time.Minute)
	return fx.Options(
		core.Observe(c.Operator.Log),
		core.Quiet(),
		core.Identity(),
		core.Database(c.Operator.Database, name),
		fx.StopTimeout(10*time.Second),
		fx.Module("restore check", fx.Provide(func(identity *awsidentity.Identity) kafka.Cluster {
			return core.KafkaCluster(c.Kafka.Brokers, c.Kafka.KafkaAccess, name, identity)
		}, fx.Private), fx.Provide(
			func(lc fx.Lifecycle, cluster kafka.Cluster) (port.EventReader, error) {
				reader, err := kafka.NewReader(cluster)
				if err == nil {
					lc.Append(fx.StopHook(reader.Close))
				}
				return reader, err
			},
			func(lc fx.Lifecycle, cluster kafka.Cluster) (map[string]port.ConsumerGroup, error) {
				groups := map[string]port.ConsumerGroup{}
				for _, name := range []string{core.DeliveryGroup, core.SettlementGroup} {
					group, err := kafka.NewConsumerGroup(cluster, name)
					if err != nil {
						return nil, err
					}
					lc.Append(fx.StopHook(group.Close))
					groups[cluster.GroupName(name)] = group
				}
				return groups, nil
			},
			func(
				reader port.EventReader, groups map[string]port.ConsumerGroup, recovery port.Recovery, guard port.RestoreGuard, report port.Report, targets port.Targets,
				ledger port.Ledger, months port.Months, policies port.Policies, control port.Control, audit port.Audit, clock port.Clock, log port.Log,
			) *restorecheck.Checker {
				return restorecheck.New(restorecheck.Ports{
					Reader: reader, Groups: groups, Recovery: recovery, Guard: guard, Report: report, Targets: targets, Ledger: ledger, Months: months, Policies: policies,
					Control: control, Audit: audit, Clock: clock, Log: log,
				})
			},
		)),
		fx.Invoke(func(*restorecheck.Checker) {}),
	)
}
