// Package monitor turns how far delivery is into numbers for alarms and for scaling: the lag monitor. Nothing that it measures
// changes anything, and a source that fails costs its own metrics alone.
package monitor

import (
	"cmp"
	"context"
	"math"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// Ports are the driven ports that the monitor uses.
type Ports struct {
	Group        port.ConsumerGroup
	Months       port.Months
	Backlog      port.Backlog
	Sweeps       port.Sweeps
	Policies     port.Policies
	Control      port.Control
	ChannelHalts port.ChannelHalts
	Runs         port.Runs
	Replication  port.Replication
	Budgets      port.Budgets
	Clock        port.Clock
	Log          port.Log
	Metrics      port.Metrics
}

// MostUnknown is up to how many UNKNOWN targets are counted: for an alarm it is all the same how many more there are.
const MostUnknown = 10_000

// patience is how long one source is waited for: a number that comes later is of no use, and the next look asks again.
const patience = 10 * time.Second

// Monitor looks at its sources again and again. Make it with New and run it once.
type Monitor struct {
	Ports
	every time.Duration
	rate  rate
	left  time.Duration // until what is not committed will be, as of the last look; 0 where nobody knows
	down  map[string]bool
	rated []string // providers whose rates are shown
}

// usualPause is the pause between two looks where none is given: two looks in each minute of which CloudWatch keeps a value.
const usualPause = 30 * time.Second

// New returns a monitor that is not running yet; it does no I/O. every is the pause between two looks; 0 stands for 30 s.
func New(ports Ports, every time.Duration) *Monitor {
	return &Monitor{Ports: ports, every: cmp.Or(every, usualPause), down: map[string]bool{}}
}

// Run looks, and looks again after each pause, until the context ends, which is no error.
func (m *Monitor) Run(ctx context.Context) error {
	for {
		m.Look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-m.Clock.After(m.every):
		}
	}
}

// source is something that is asked for numbers: look sets its metrics, and clear takes them away.
type source struct {
	name  string
	look  func(ctx context.Context) error
	clear []metric.Gauge
}

// Look asks every source once. The metrics of a source that fails are taken away, because an old number would pass for a new
// one, and the failure is logged once.
func (m *Monitor) Look(ctx context.Context) {
	for _, s := range []source{
		{"lag", m.lookAtLag, []metric.Gauge{metric.DeliveryLag, metric.DeliveryTasks, metric.DeliveryBacklogPerTask, metric.DeliveryTimeLeft, metric.OldestRequestAge}},
		{"unknown targets", m.lookAtUnknown, []metric.Gauge{metric.TargetsUnknown}},
		{"deadlines", m.lookAtDeadlines, []metric.Gauge{metric.DeadlineMargin}},
		{"runs", m.lookAtRuns, []metric.Gauge{metric.DispatchLastRun}},
		{"halt", m.lookAtHalt, []metric.Gauge{metric.Halted}},
		{"halts of channels", m.lookAtChannelHalts, nil},
		{"standbys", m.lookAtStandbys, []metric.Gauge{metric.StandbyLag, metric.StandbysSynchronous}},
		{"rates", m.lookAtRates, nil},
	} {
		err := m.ask(ctx, s)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			for _, gauge := range s.clear {
				gauge.Clear(m.Metrics)
			}
		}
		m.report(s.name, err)
	}
}

func (m *Monitor) ask(ctx context.Context, s source) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.look(ctx)
}

// report logs a source's first failure, and its return.
func (m *Monitor) report(source string, err error) {
	field := port.Field{Key: "source", Value: source}
	switch {
	case err != nil && !m.down[source]:
		m.Log.Warn("a source of the lag monitor fails; its metrics are absent meanwhile", field, port.Field{Key: "error", Value: err})
	case err == nil && m.down[source]:
		m.Log.Info("a source of the lag monitor answers again", field)
	}
	m.down[source] = err != nil
}

func (m *Monitor) lookAtLag(ctx context.Context) error {
	m.left = 0
	at, err := m.Group.Position(ctx)
	if err != nil {
		return err
	}
	members, err := m.Group.Members(ctx)
	if err != nil {
		return err
	}
	now := m.Clock.Now()
	metric.DeliveryLag.Set(m.Metrics, float64(at.Lag))
	metric.DeliveryTasks.Set(m.Metrics, float64(members))
	metric.DeliveryBacklogPerTask.Set(m.Metrics, float64(at.Lag)/float64(max(1, members)))
	age := 0.0
	if !at.Oldest.IsZero() {
		age = max(0, now.Sub(at.Oldest).Seconds())
	}
	metric.OldestRequestAge.Set(m.Metrics, age)
	m.rate.add(now, at.Committed)
	m.measureTimeLeft(at.Lag)
	return nil
}

// measureTimeLeft divides what is left by the rate at which requests were committed of late. While none is, the time is
// infinite; before there are two looks, nobody knows.
func (m *Monitor) measureTimeLeft(lag int64) {
	perSecond, known := m.rate.perSecond()
	switch {
	case lag == 0:
		metric.DeliveryTimeLeft.Set(m.Metrics, 0)
	case !known:
		metric.DeliveryTimeLeft.Clear(m.Metrics)
	case perSecond == 0:
		metric.DeliveryTimeLeft.Set(m.Metrics, math.Inf(1))
	default:
		seconds := float64(lag) / perSecond
		metric.DeliveryTimeLeft.Set(m.Metrics, seconds)
		m.left = time.Duration(seconds * float64(time.Second))
	}
}
