package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// Trial is one run of the whole line, from READY targets to accepted messages, with settings of its own.
type Trial struct {
	Targets    int
	Partitions int
	Tasks      int     // delivery processes
	InFlight   int     // messages in flight of each
	Page       int     // rows of a dispatcher's page
	Rate       float64 // calls a second of each delivery process; 0: no bound
	Gateway    behaviour.ChannelSettings
}

// TrialResult is what a trial came to. Times count from the dispatch run's own start.
type TrialResult struct {
	Seconds  float64            `json:"seconds"`          // until the gateway had accepted every message
	Dispatch float64            `json:"dispatch_seconds"` // until everything was published
	Accepted int                `json:"accepted"`
	Twice    int                `json:"accepted_twice"`
	Settled  int                `json:"settled"`
	CPU      map[string]float64 `json:"cpu_seconds"` // by process
	Points   []TrialPoint       `json:"points"`
}

// TrialPoint is one look at the gateway during a trial.
type TrialPoint struct {
	Seconds  float64 `json:"seconds"`
	Accepted int     `json:"accepted"` // so far
	InFlight int     `json:"in_flight"`
}

// Trials starts the components and hands out a function that runs one trial after the other on them. Of the options only
// those about the components, the statements and bulk statements count. A trial takes minutes at most; the context ends it.
func Trials(ctx context.Context, o Options, do func(run func(context.Context, Trial) (TrialResult, error)) error) (report *Report, err error) {
	o.What = Delivery
	o = o.WithDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	b := &bench{Options: o, partitions: partitions, began: time.Now(), report: newReport(o)}
	defer func() { err = errors.Join(err, b.stopAll()) }()
	if err := b.start(ctx); err != nil {
		return nil, err
	}
	return b.report, do(b.trial)
}

// trial makes a database and topics of its own, seeds them, starts the line, and dispatches.
func (b *bench) trial(ctx context.Context, t Trial) (result TrialResult, err error) {
	kept := len(b.stops)
	defer func() { // whatever the trial started and did not stop itself
		mine := &bench{stops: b.stops[kept:]}
		b.stops = b.stops[:kept]
		err = errors.Join(err, mine.stopAll())
	}()
	b.trials++
	b.partitions, b.InFlight = t.Partitions, t.InFlight
	b.report.Delivery = &DeliveryMeasurement{}
	err = b.open(ctx, fmt.Sprintf("trial%d", b.trials), func(ctx context.Context, s *stage) error {
		l := &line{stage: s, month: firstMonth}
		if err := s.seed(ctx, l.month, t.Targets, b.StatementBytes); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		if err := b.startGateway(ctx, l, fmt.Sprintf("gateway%d", b.trials), t.Gateway); err != nil {
			return err
		}
		l.config.Gateways.SMS.Rate = t.Rate
		deliveries, err := b.startTasks(ctx, l, t.Tasks)
		if err != nil {
			return err
		}
		if result, err = b.watch(ctx, l, t); err != nil {
			return err
		}
		for _, d := range deliveries {
			if err := d.Stop(); err != nil {
				return err
			}
		}
		err = b.closeLine(ctx, l)
		measured := b.report.Delivery
		result.Accepted, result.Twice, result.Settled = measured.Accepted, measured.AcceptedTwice, measured.Settled
		return err
	})
	return result, err
}

// startTasks starts settlement and the delivery processes, and waits until all of these are members of their group.
func (b *bench) startTasks(ctx context.Context, l *line, tasks int) (deliveries []*child.Process, err error) {
	if l.settlement, err = b.startService(ctx, l, settlementRole, &l.settleHealth); err != nil {
		return nil, err
	}
	for range tasks {
		if l.delivery, err = b.startService(ctx, l, deliveryRole, &l.deliveryHealth); err != nil {
			return nil, err
		}
		deliveries = append(deliveries, l.delivery)
	}
	return deliveries, b.joined(ctx, l, tasks)
}

// joined waits until the delivery group is stable, with so many members.
func (b *bench) joined(ctx context.Context, l *line, tasks int) error {
	admin, err := sarama.NewClusterAdmin(b.components.Addresses().KafkaBrokers, sarama.NewConfig())
	if err != nil {
		return fmt.Errorf("ask Kafka who is there: %w", err)
	}
	defer func() { _ = admin.Close() }()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for limit := time.Now().Add(2 * time.Minute); ; {
		groups, err := admin.DescribeConsumerGroups([]string{l.config.Kafka.TopicPrefix + core.DeliveryGroup})
		if err == nil && len(groups) == 1 && groups[0].State == "Stable" && len(groups[0].Members) == tasks {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("the delivery processes did not all join their group within two minutes (logs: %s)", b.DataDir)
		}
		if err := l.waitFor(ctx, ticker.C); err != nil {
			return err
		}
	}
}

// watch dispatches, and looks at the gateway until it has accepted every message.
func (b *bench) watch(ctx context.Context, l *line, t Trial) (result TrialResult, err error) {
	before := usages()
	dispatching := make(chan error, 1)
	var run dispatched
	go func() {
		var err error
		run, err = b.dispatcher(ctx, l.stage, l.month, t.Page)
		dispatching <- err
	}()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	var times []time.Time
	for last := (TrialPoint{}); last.Accepted < t.Targets; {
		if err := l.waitFor(ctx, ticker.C); err != nil {
			return result, err
		}
		var stats gatewaysim.Stats
		if err := getJSON(ctx, l.gatewayAdmin+"/stats", &stats); err != nil {
			return result, err
		}
		last = TrialPoint{Accepted: int(stats.Accepted), InFlight: int(stats.InFlight)}
		result.Points, times = append(result.Points, last), append(times, time.Now())
	}
	after := usages()
	if err := <-dispatching; err != nil {
		return result, err
	}
	for i := range result.Points {
		result.Points[i].Seconds = times[i].Sub(run.Run.StartedAt).Seconds()
	}
	result.Seconds = result.Points[len(result.Points)-1].Seconds
	result.Dispatch = run.Run.FinishedAt.Sub(run.Run.StartedAt).Seconds()
	result.CPU = map[string]float64{"dispatcher": run.UserTime + run.SysTime}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if name != "bench" && name != "dispatcher" {
			result.CPU[name] = after[name].CPU() - before[name].CPU()
		}
	}
	return result, nil
}
