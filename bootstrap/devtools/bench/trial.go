package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// Trial is one run of the whole line, from READY targets to accepted messages, with settings of its own.
type Trial struct {
	Targets    int
	Partitions int
	Tasks      int     // delivery processes
	InFlight   int     // messages in flight of each
	Page       int     // rows of a dispatcher's page
	Rate       float64 // calls a second of all delivery processes together; 0: no bound
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
// those about the components, the statements and the processes' variables count. A trial takes minutes at most; the context ends it.
func Trials(ctx context.Context, o Options, do func(run func(context.Context, Trial) (TrialResult, error)) error) (*Report, error) {
	o.What = Delivery
	return with(ctx, o, func(b *bench) error { return do(b.trial) })
}

// trial makes a database and topics of its own, seeds them, starts the line, and dispatches.
func (b *bench) trial(ctx context.Context, t Trial) (result TrialResult, err error) {
	kept := len(b.stops)
	defer func() { err = errors.Join(err, b.stopAll(kept)) }() // what the trial started and did not stop itself
	b.trials++
	err = b.openWith(ctx, fmt.Sprintf("trial%d", b.trials), t.Partitions, func(ctx context.Context, s *stage) error {
		if err := s.seed(ctx, firstMonth, t.Targets, b.StatementBytes); err != nil {
			return err
		}
		maps.Copy(s.environment, map[string]string{
			"BALSONG_DELIVERY_IN_FLIGHT": strconv.Itoa(t.InFlight), "BALSONG_SMS_IN_FLIGHT": strconv.Itoa(t.InFlight),
			"BALSONG_SMS_RATE": strconv.FormatFloat(t.Rate, 'f', -1, 64), "BALSONG_DISPATCH_PAGE": strconv.Itoa(t.Page),
		})
		l, err := b.startLine(ctx, s, fmt.Sprintf("gateway%d", b.trials), t.Gateway, t.Tasks)
		if err != nil {
			return err
		}
		if err := b.joined(ctx, l, t.Tasks); err != nil {
			return err
		}
		if result, err = b.watch(ctx, l, t); err != nil {
			return err
		}
		accepted, settled, err := b.end(ctx, l)
		result.Accepted, result.Twice, result.Settled = int(accepted.Accepted), int(accepted.AcceptedAgain), settled
		return err
	})
	return result, err
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
		groups, err := admin.DescribeConsumerGroups([]string{l.Kafka.TopicPrefix + core.DeliveryGroup})
		if err == nil && len(groups) == 1 && groups[0].State == "Stable" && len(groups[0].Members) == tasks {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("the delivery processes did not all join their group within two minutes (logs: %s)", b.DataDir)
		}
		if err := b.nextTick(ctx, ticker.C, l.processes()...); err != nil {
			return err
		}
	}
}

// watch dispatches, and looks at the gateway until it has accepted every message.
func (b *bench) watch(ctx context.Context, l *line, t Trial) (result TrialResult, err error) {
	var times []time.Time
	run, _, said, err := b.whileDispatching(ctx, l, func(ctx context.Context) error {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for last := (TrialPoint{}); last.Accepted < t.Targets; {
			if err := b.nextTick(ctx, ticker.C, l.processes()...); err != nil {
				return err
			}
			stats, err := l.gateway.stats(ctx)
			if err != nil {
				return err
			}
			last = TrialPoint{Accepted: int(stats.Accepted), InFlight: int(stats.InFlight)}
			result.Points, times = append(result.Points, last), append(times, time.Now())
		}
		return nil
	})
	if err != nil {
		return result, err
	}
	for i := range result.Points {
		result.Points[i].Seconds = times[i].Sub(said.StartedAt).Seconds()
	}
	result.Seconds = result.Points[len(result.Points)-1].Seconds
	result.Dispatch = said.FinishedAt.Sub(said.StartedAt).Seconds()
	result.CPU = run.CPU
	return result, nil
}
