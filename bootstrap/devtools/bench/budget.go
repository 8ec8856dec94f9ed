package bench

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// The fleet of stage budget.
const (
	budgetMost    = 6                // processes at once
	budgetSettled = 12 * time.Second // after so long a process has partitions, also where another was killed: the last of these stays
	budgetFloor   = 0.9              // of the limit, that is used while there is work
	budgetCeiling = 1.05             // of the limit, in any second
)

// Calls are what a gateway's log shows of the calls of a fleet.
type Calls struct {
	Limit   float64       `json:"limit"`
	Calls   int           `json:"calls"`
	Lasted  time.Duration `json:"lasted_ns"`
	Worst   int           `json:"worst_second"` // calls
	Longest time.Duration `json:"longest_pause_ns"`
}

// Used is the share of the limit that was used.
func (c Calls) Used() float64 { return float64(c.Calls) / c.Lasted.Seconds() / c.Limit }

// readCalls reads a log, from one instant to another.
func readCalls(path string, limit float64, from, to time.Time) (Calls, error) {
	var at []time.Time
	_, err := acceptlog.ReadFile(path, func(r acceptlog.Record) error {
		at = append(at, r.Time)
		return nil
	})
	return countCalls(at, limit, from, to), err
}

// countCalls looks at calls from one instant to another.
func countCalls(at []time.Time, limit float64, from, to time.Time) Calls {
	at = slices.DeleteFunc(at, func(t time.Time) bool { return t.Before(from) || !t.Before(to) })
	slices.SortFunc(at, time.Time.Compare)
	c := Calls{Limit: limit, Calls: len(at), Lasted: to.Sub(from)}
	oldest := 0
	for i := range at {
		for at[i].Sub(at[oldest]) >= time.Second {
			oldest++
		}
		c.Worst = max(c.Worst, i-oldest+1)
		if i > 0 {
			c.Longest = max(c.Longest, at[i].Sub(at[i-1]))
		}
	}
	return c
}

// text says whether the limit was kept.
func (c Calls) text() string {
	verdict := "reached"
	if float64(c.Worst) > budgetCeiling*c.Limit {
		verdict = "MISSED"
	}
	return fmt.Sprintf("worst second: %d calls, %.1f%% of the limit (at most %.0f%%: %s); used: %.1f%% of the limit; longest pause: %s",
		c.Worst, 100*float64(c.Worst)/c.Limit, 100*budgetCeiling, verdict, 100*c.Used(), c.Longest.Round(time.Millisecond))
}

// budgetStage lets delivery processes begin, end and be killed under one limit, and counts by the gateway's clock.
func (b *bench) budgetStage(ctx context.Context) error {
	limit := 200.0
	if b.Quick {
		limit = 20
	}
	if own, set := b.Set["BALSONG_SMS_RATE"]; set {
		var err error
		if limit, err = strconv.ParseFloat(own, 64); err != nil || limit <= 0 {
			return fmt.Errorf("%w: BALSONG_SMS_RATE is %q: no limit is measured", ErrOptions, own)
		}
	}
	rows := max(1000, int(5*limit*b.lasts.Seconds()))
	measured := &Stage{
		Name: Budget, Rows: rows, Target: Target{Rate: budgetFloor * limit},
		Label: fmt.Sprintf("calls by the gateway's log over %s, 1 to %d delivery processes that begin, end in order and are killed at random, a limit of %g a second for all together", b.lasts, budgetMost, limit),
	}
	return b.repeat(ctx, Budget, 1, func(ctx context.Context, s *stage) ([]StageRun, error) {
		s.environment["BALSONG_KAFKA_SESSION_TIMEOUT"] = "6s"
		s.environment["BALSONG_SMS_RATE"] = strconv.FormatFloat(limit, 'f', -1, 64)
		if err := b.filled(ctx, s, rows, instantBytes); err != nil {
			return nil, err
		}
		run, counted, fleet, err := b.budgetOnce(ctx, s, limit)
		if err != nil {
			return nil, err
		}
		b.calls = append(b.calls, counted)
		measured.Details = append(measured.Details, counted.text(), fleet.text())
		return []StageRun{run}, nil
	}, measured)
}

// budgetOnce runs a fleet over a filled topic.
func (b *bench) budgetOnce(ctx context.Context, s *stage, limit float64) (run StageRun, counted Calls, fleet *budgetFleet, err error) {
	settings := answering(100 * time.Millisecond)
	first := 0.0
	settings.AcceptAt = &first // logged as it comes
	gateway, err := b.startGateway(ctx, "budget-gateway", gatewaysim.Settings{Seed: 1, SMS: settings})
	if err != nil {
		return run, counted, nil, err
	}
	s.environment["BALSONG_SMS_URL"] = "http://" + gateway.HTTP
	fleet = &budgetFleet{bench: b, stage: s, random: rand.New(rand.NewPCG(b.seed(), 1))} //nolint:gosec // no secret
	for range 2 {
		if err := fleet.start(ctx); err != nil {
			return run, counted, nil, err
		}
	}
	if err := b.firstCall(ctx, gateway); err != nil {
		return run, counted, nil, err
	}
	if err := b.wait(ctx, b.warmup); err != nil {
		return run, counted, nil, err
	}
	before, from := usages(), time.Now()
	if err := fleet.run(ctx, b.lasts); err != nil {
		return run, counted, nil, err
	}
	to, after := time.Now(), usages()
	if err := fleet.stop(); err != nil {
		return run, counted, nil, err
	}
	if err := gateway.Stop(); err != nil {
		return run, counted, nil, err
	}
	counted, err = readCalls(gatewaysim.AcceptLogPath(b.path("budget-gateway")), limit, from, to)
	return StageRun{Rows: counted.Calls, Seconds: counted.Lasted.Seconds(), CPU: between(before, after)}, counted, fleet, err
}

// seed is another one for each run, and is said, so that a run can be looked at again.
func (b *bench) seed() uint64 {
	seed := uint64(b.began.UnixNano())
	b.say("budget: seed %d", seed)
	return seed
}

func (b *bench) firstCall(ctx context.Context, g gateway) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for limit := time.Now().Add(2 * time.Minute); ; {
		if err := b.nextTick(ctx, ticker.C, g.Process); err != nil {
			return err
		}
		stats, err := g.stats(ctx)
		switch {
		case err != nil:
			return err
		case stats.Accepted > 0:
			return nil
		case time.Now().After(limit):
			return fmt.Errorf("nothing was delivered within two minutes (logs: %s)", b.DataDir)
		}
	}
}

// budgetFleet is delivery processes that come and go.
type budgetFleet struct {
	*bench
	stage   *stage
	random  *rand.Rand
	running []member
	started int
	ended   int // in order
	killed  int
	stops   []<-chan error // of those that end in order
}

type member struct {
	*child.Process
	since time.Time
}

func (f *budgetFleet) start(ctx context.Context) error {
	own, err := f.service(ctx, f.stage, deliveryRole)
	if err != nil {
		return err
	}
	f.started++
	f.running = append(f.running, member{own.Process, time.Now()})
	return nil
}

// run changes the fleet about every two seconds.
func (f *budgetFleet) run(ctx context.Context, lasts time.Duration) error {
	for end := time.Now().Add(lasts); ; {
		pause := min(time.Until(end), time.Duration(f.random.Int64N(int64(4*time.Second))))
		if pause <= 0 {
			return nil
		}
		if err := f.wait(ctx, pause); err != nil {
			return err
		}
		if time.Now().Before(end) {
			if err := f.change(ctx); err != nil {
				return err
			}
		}
	}
}

// change starts a process, or ends or kills one. One that has had the time to get partitions stays.
func (f *budgetFleet) change(ctx context.Context) error {
	settled := 0
	for _, m := range f.running {
		select {
		case <-m.Done():
			return fmt.Errorf("a process ended by itself: %w (logs: %s)", m.Err(), f.DataDir)
		default:
		}
		if time.Since(m.since) > budgetSettled {
			settled++
		}
	}
	victim := f.random.IntN(len(f.running))
	alone := settled == 0 || settled == 1 && time.Since(f.running[victim].since) > budgetSettled
	if alone && len(f.running) == budgetMost {
		return nil
	}
	if alone || len(f.running) < budgetMost && f.random.IntN(5) < 2 {
		return f.start(ctx)
	}
	m := f.running[victim]
	f.running = slices.Delete(f.running, victim, victim+1)
	if f.random.IntN(2) == 0 {
		f.killed++
		return m.Kill()
	}
	f.ended++
	over := make(chan error, 1)
	f.stops = append(f.stops, over)
	go func() { over <- m.Stop() }()
	return nil
}

// stop ends all that are left.
func (f *budgetFleet) stop() (err error) {
	for _, m := range f.running {
		err = cmp.Or(err, m.Stop())
	}
	for _, over := range f.stops {
		err = cmp.Or(err, <-over)
	}
	return err
}

func (f *budgetFleet) text() string {
	return fmt.Sprintf("%d processes were started, %d ended in order, %d were killed", f.started, f.ended, f.killed)
}
