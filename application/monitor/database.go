package monitor

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

func (m *Monitor) lookAtUnknown(ctx context.Context) error {
	months, err := m.Months.List(ctx)
	if err != nil {
		return err
	}
	total := 0
	for _, month := range months {
		n, err := m.Sweeps.Unknown(ctx, month, MostUnknown-total)
		if err != nil {
			return err
		}
		if total += n; total >= MostUnknown {
			break
		}
	}
	metric.TargetsUnknown.Set(m.Metrics, float64(total))
	return nil
}

// lookAtDeadlines compares the earliest deadline that the ACTIVE policy gives an open month with bills on their way with the
// time that delivery still needs. While nothing is worked off, or nobody knows how fast, the time until the deadline counts
// alone: a stop of some minutes is no danger days before it.
func (m *Monitor) lookAtDeadlines(ctx context.Context) error {
	earliest, err := m.earliestDeadline(ctx)
	switch {
	case err != nil:
		return err
	case earliest.IsZero():
		metric.DeadlineMargin.Clear(m.Metrics)
	default:
		metric.DeadlineMargin.Set(m.Metrics, (earliest.Sub(m.Clock.Now()) - m.left).Seconds())
	}
	return nil
}

// earliestDeadline returns the zero time where there is none. Bills with an earlier deadline of their own are not looked for:
// no index finds them.
func (m *Monitor) earliestDeadline(ctx context.Context) (earliest time.Time, err error) {
	versions, err := m.Policies.Versions(ctx)
	if err != nil {
		return earliest, err
	}
	months, err := m.Months.List(ctx)
	if err != nil {
		return earliest, err
	}
	for _, version := range versions {
		if version.Status() != policy.Active {
			continue
		}
		for _, month := range months {
			deadline := version.Deadline(month.Start(version.Zone()))
			if deadline.IsZero() || !earliest.IsZero() && !deadline.Before(earliest) {
				continue
			}
			waits, err := m.onTheirWay(ctx, month)
			if err != nil {
				return earliest, err
			}
			if waits {
				earliest = deadline
			}
		}
	}
	return earliest, nil
}

// onTheirWay reports whether a month has candidates or REQUESTED targets.
func (m *Monitor) onTheirWay(ctx context.Context, month key.Month) (bool, error) {
	requested, err := m.Backlog.InFlight(ctx, month, 1)
	if err != nil || requested > 0 {
		return requested > 0, err
	}
	next, err := m.Backlog.NextDue(ctx, month)
	return !next.IsZero(), err
}

func (m *Monitor) lookAtRuns(ctx context.Context) error {
	runs, err := m.Runs.Latest(ctx, 0, 1)
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		metric.DispatchLastRun.Set(m.Metrics, float64(runs[0].StartedAt.UnixMilli())/1000)
	}
	return nil
}

func (m *Monitor) lookAtHalt(ctx context.Context) error {
	halt, err := m.Control.Halted(ctx)
	if err != nil {
		return err
	}
	halted := 0.0
	if halt.On {
		halted = 1
	}
	metric.Halted.Set(m.Metrics, halted)
	return nil
}

// lookAtChannelHalts shows each channel, also one that was never halted. Where they cannot be read nothing is shown.
func (m *Monitor) lookAtChannelHalts(ctx context.Context) error {
	switches, err := m.ChannelHalts.All(ctx)
	halted := port.HaltedChannels(switches)
	for _, kind := range channel.All {
		value := 0.0
		if halted.Has(kind) {
			value = 1
		}
		if err != nil {
			metric.ChannelHalted.Clear(m.Metrics, kind)
		} else {
			metric.ChannelHalted.Set(m.Metrics, value, kind)
		}
	}
	return err
}

// lookAtStandbys shows no number where the database shows no standby: 0 would be an alarm on RDS, whose standby is none of
// PostgreSQL's.
func (m *Monitor) lookAtStandbys(ctx context.Context) error {
	standbys, err := m.Replication.Standbys(ctx)
	if err != nil {
		return err
	}
	if standbys.Shown {
		metric.StandbysSynchronous.Set(m.Metrics, float64(standbys.Synchronous))
	} else {
		metric.StandbysSynchronous.Clear(m.Metrics)
	}
	if standbys.Shown && standbys.Connected > 0 {
		metric.StandbyLag.Set(m.Metrics, standbys.Lag.Seconds())
	} else {
		metric.StandbyLag.Clear(m.Metrics)
	}
	return nil
}

// lookAtRates shows how many calls a second may be made to each provider that was called of late.
func (m *Monitor) lookAtRates(ctx context.Context) error {
	budgets, err := m.Budgets.All(ctx)
	for _, provider := range m.rated {
		if !slices.ContainsFunc(budgets, func(b port.Budget) bool { return b.Provider == provider }) {
			metric.ProviderRate.Clear(m.Metrics, provider)
			metric.ProviderRateLimit.Clear(m.Metrics, provider)
		}
	}
	m.rated = m.rated[:0]
	for _, b := range budgets {
		metric.ProviderRate.Set(m.Metrics, b.Rate, b.Provider)
		metric.ProviderRateLimit.Set(m.Metrics, b.Limit, b.Provider)
		m.rated = append(m.rated, b.Provider)
	}
	return err
}
