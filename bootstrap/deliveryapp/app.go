// Package deliveryapp wires the Consumer: the delivery role, the settlement role, or both in one process, and the feedback role.
package deliveryapp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/monitor"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/bootstrap/certificates"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/domain/attempt"
)

// Role is what a process does.
type Role string

// The roles.
const (
	Delivery   Role = "delivery"
	Settlement Role = "settlement"
	Both       Role = "both" // delivery and settlement
	Feedback   Role = "feedback"
)

// ErrRole is returned for a role that does not exist.
var ErrRole = errors.New("no such role")

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	switch role := Role(s); role {
	case Delivery, Settlement, Both, Feedback:
		return role, nil
	default:
		return "", fmt.Errorf("%w: %q (want delivery, settlement, both or feedback)", ErrRole, s)
	}
}

// settlementStop is how long a shutdown of the settlement role alone waits for the transactions under way.
const settlementStop = 90 * time.Second

// Options is the app. It starts although components are down, and waits for them.
func Options(role Role, c config.Deliverer) fx.Option {
	if role == Both && c.Metrics.Installation != "" {
		return fx.Error(fmt.Errorf("%w: BALSONG_EMF_INSTALLATION is set, and the role is both: alarms and scaling read the numbers of delivery and of settlement, each run by itself", config.ErrInvalid))
	}
	if role == Feedback {
		return feedbackOptions(c)
	}
	stop := settlementStop
	if role != Settlement {
		stop = c.Delivery.StopsWithin()
	}
	components := []string{port.ComponentDatabase, port.ComponentEventLog}
	if role != Settlement {
		components = append(components, port.ComponentStatements, port.ComponentKeys)
	}
	options := []fx.Option{
		core.Observe(c.Log),
		core.WriteEMF(c.Metrics, port.Service(role), os.Stdout),
		core.Traces(c.Traces, "balsong-"+string(role)),
		core.Quiet(),
		core.Identity(),
		core.Database(c.Database, "balsong-"+string(role)),
		core.Events(c.Kafka, "balsong-"+string(role)),
		fx.StopTimeout(stop),
		core.ServeHealth(c.Health.Addr, components...),
		certificates.Module(c),
	}
	if role != Settlement {
		options = append(options, delivery(c))
	}
	if role != Delivery {
		options = append(options, settlement(c))
	}
	uses := doctor.ComponentsOf(c)
	if role == Settlement {
		uses = doctor.Components{Database: &c.Database, Kafka: &c.Kafka}
	}
	return fx.Options(append(options, fx.Invoke(checkComponents(uses)))...)
}

// feedbackOptions is the app of the role feedback.
func feedbackOptions(c config.Deliverer) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.WriteEMF(c.Metrics, port.ServiceFeedback, os.Stdout),
		core.Quiet(),
		core.Identity(),
		core.Database(c.Database, "balsong-feedback"),
		fx.StopTimeout(feedbackStop),
		core.ServeHealth(c.Health.Addr, port.ComponentDatabase),
		certificates.Module(config.Deliverer{Database: c.Database}),
		receiving(c),
		fx.Invoke(checkComponents(doctor.Components{Database: &c.Database, Feedback: &c.Feedback})),
	)
}

// checkComponents logs problems beside the service that starts, which waits for nothing that is found; by the machine's own clock.
func checkComponents(uses doctor.Components) any {
	return func(lc fx.Lifecycle, shutdown fx.Shutdowner, log port.Log, identity *awsidentity.Identity) {
		uses.Identity = identity
		core.Work(lc, shutdown, log, "check of the components", func(ctx context.Context) error {
			doctor.LogProblems(ctx, uses, observe.Clock{}, log)
			<-ctx.Done()
			return nil
		})
	}
}

// reading is a consumer. It names the brokers as down where it waits for them and nothing else asks them anything.
type reading struct{ port.Consumer }

// Down implements core.Waiting.
func (r reading) Down() []string {
	if w, ok := r.Consumer.(core.Waiting); ok {
		return w.Down()
	}
	return nil
}

func delivery(c config.Deliverer) fx.Option {
	return fx.Module("delivery",
		core.Statements(c.S3, c.Keys),
		core.Gateways(c.Gateways),
		fx.Provide(
			deliveryPorts,
			func(ports deliver.Ports) (*deliver.Service, error) {
				return deliver.New(ports, deliver.Config{
					Limits:   deliver.Limits{InFlight: c.Delivery.InFlight, Decryptions: runtime.GOMAXPROCS(0)},
					Bulk:     deliver.Bulk{Batch: c.Delivery.Batch, Linger: c.Delivery.Linger},
					Halt:     deliver.HaltRules{Poll: c.Delivery.HaltPoll, Contents: c.Delivery.ContentLimit},
					Patience: deliver.Patience{Drain: c.Delivery.DrainFor},
				})
			},
			core.WaitingPart(func(s *deliver.Service) core.Waiting { return s }),
		),
		fx.Invoke(func(metrics *observe.Metrics, s *deliver.Service) { metrics.BeforeGather(s.Measure) }),
		fx.Provide(core.WaitingPart(func(c core.RequestConsumer) core.Waiting { return reading{c.Consumer} })),
		fx.Invoke(func(lc fx.Lifecycle, shutdown fx.Shutdowner, log port.Log, s *deliver.Service) {
			lc.Append(fx.StartHook(func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				return doctor.Refused(ctx, doctor.Components{S3: &c.S3}, observe.Clock{})
			}))
			core.Announce(lc, log, "delivery")
			core.Work(lc, shutdown, log, "delivery", s.Run)
		}),
	)
}

func deliveryPorts(
	requests core.RequestConsumer, publisher port.Publisher, ledger port.Ledger, suppressions port.Suppressions, control port.Control, channelHalts port.ChannelHalts,
	packs port.Packs, cipher port.Cipher, lanes core.Lanes, clock port.Clock, log port.Log, metrics port.Metrics, tracer *trace.Tracer,
) deliver.Ports {
	return deliver.Ports{
		Requests: requests, Publisher: publisher, Ledger: ledger, Suppressions: suppressions, Control: control, ChannelHalts: channelHalts,
		Packs: packs, Cipher: cipher, Lanes: lanes, Clock: clock, Log: log, Metrics: metrics, Tracer: tracer, NewToken: newToken,
	}
}

func newToken() (token attempt.Token) {
	_, _ = rand.Read(token[:]) // never fails (crypto/rand)
	return token
}

func settlement(c config.Deliverer) fx.Option {
	return fx.Module("settlement",
		fx.Provide(
			settlementPorts,
			func(ports settle.Ports) (*settle.Settler, error) {
				return settle.New(ports, settle.Config{
					Batch: c.Settlement.Batch, Linger: c.Settlement.Linger, SweepEvery: c.Settlement.SweepEvery, LeaseEvery: c.Settlement.LeaseEvery,
					ReapEvery: c.Settlement.ReapEvery, ReapGrace: c.Settlement.ReapGrace,
				})
			},
			core.WaitingPart(func(s *settle.Settler) core.Waiting { return s }),
			monitorPorts,
			func(ports monitor.Ports) *monitor.Monitor { return monitor.New(ports, c.Monitor.Every) },
		),
		fx.Provide(core.WaitingPart(func(c core.ResultConsumer) core.Waiting { return reading{c.Consumer} })),
		fx.Invoke(func(lc fx.Lifecycle, shutdown fx.Shutdowner, log port.Log, s *settle.Settler, m *monitor.Monitor) {
			core.Announce(lc, log, "settlement")
			core.Work(lc, shutdown, log, "settlement", s.Run)
			core.Work(lc, shutdown, log, "lag monitor", m.Run)
		}),
	)
}

func monitorPorts(
	group port.ConsumerGroup, months port.Months, backlog port.Backlog, sweeps port.Sweeps, policies port.Policies, control port.Control, channelHalts port.ChannelHalts,
	runs port.Runs, replication port.Replication, budgets port.Budgets, clock port.Clock, log port.Log, metrics port.Metrics,
) monitor.Ports {
	return monitor.Ports{
		Group: group, Months: months, Backlog: backlog, Sweeps: sweeps, Policies: policies, Control: control, ChannelHalts: channelHalts,
		Runs: runs, Replication: replication, Budgets: budgets, Clock: clock, Log: log, Metrics: metrics,
	}
}

func settlementPorts(
	targets port.Targets, sweeps port.Sweeps, requests port.Requests, months port.Months, policies port.Policies,
	group port.ConsumerGroup, results core.ResultConsumer, clock port.Clock, log port.Log, metrics port.Metrics,
	installation port.Installation, tracer *trace.Tracer,
) settle.Ports {
	return settle.Ports{
		Targets: targets, Sweeps: sweeps, Requests: requests, Months: months, Policies: policies,
		Group: group, Results: results, Clock: clock, Log: log, Metrics: metrics,
		Installation: installation, Tracer: tracer,
	}
}
