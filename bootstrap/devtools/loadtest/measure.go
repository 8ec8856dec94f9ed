package loadtest

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/bench"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// Measure says how to run the real components at a reduced scale, everything on this machine.
type Measure struct {
	Targets        int
	Runs           int // of each pair; the median counts
	Pairs          int // settings that are measured: the best by the model, then its neighbours
	StatementBytes int
	DataDir        string // of components and logs; has to exist
	Kafka          string // as bench.Options.Kafka
	Postgres       string // as bench.Options.Postgres
	Out            io.Writer
}

// Measured is the model beside the real components.
type Measured struct {
	Machine     bench.Machine        `json:"machine"`
	Kafka       string               `json:"kafka"`
	Targets     int                  `json:"targets"`
	Runs        int                  `json:"runs"`
	Cores       float64              `json:"cores"` // of this machine, that the calibration got
	Calibration capacity.Calibration `json:"costs"` // by the calibration
	Pairs       []Pair               `json:"pairs"`
}

// Pair is one combination of settings, predicted and measured. Times are in seconds.
type Pair struct {
	capacity.Settings
	Predicted  capacity.Interval   `json:"predicted_seconds"`
	Measured   []float64           `json:"measured_seconds"` // of each run
	Median     float64             `json:"measured_median_seconds"`
	Off        float64             `json:"off"`    // of the median from the prediction, as a share of it
	Within     bool                `json:"within"` // the allowance
	Why        string              `json:"why,omitempty"`
	Bottleneck capacity.Bottleneck `json:"bottleneck"`
	Points     []bench.TrialPoint  `json:"points"`   // of the run nearest to the median
	Model      []capacity.Point    `json:"expected"` // of the model
}

// allowance is how far a median may lie from its prediction.
const allowance = 0.15

func (m Measure) validate(q capacity.Question) error {
	wrong := func(field, format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", capacity.ErrImpossible, field, fmt.Sprintf(format, args...))
	}
	switch tps := q.Gateway.TPS; {
	case m.Targets < 1000 || m.Targets > 1_000_000:
		return wrong("--measured-targets", "%d (want 1,000 to 1,000,000)", m.Targets)
	case m.Runs < 1 || m.Runs > 100:
		return wrong("--runs", "%d (want 1 to 100)", m.Runs)
	case m.Pairs < 1 || m.Pairs > 10:
		return wrong("--pairs", "%d (want 1 to 10)", m.Pairs)
	case tps > 0 && float64(m.Targets)/tps > 1800:
		return wrong("--measured-targets", "%d at %g a second would take more than half an hour a run (fewer, or --model-only)", m.Targets, tps)
	}
	return nil
}

// smallGrid is what is tried at the reduced scale.
func smallGrid() capacity.Grid {
	return capacity.Grid{Partitions: []int{4, 12}, Tasks: []int{1, 2}, InFlight: []int{100, 300, 1000, 3000, 10_000}, Page: []int{200, 1000}}
}

// trials runs one trial after the other.
type trials func(context.Context, bench.Trial) (bench.TrialResult, error)

// measure calibrates, asks the model for the best settings on this machine, and compares it with runs of them.
func measure(ctx context.Context, o Options, r *Report) (m *Measured, err error) {
	want := o.Measure
	m = &Measured{Machine: bench.ThisMachine(), Targets: want.Targets, Runs: want.Runs}
	report, err := bench.Trials(ctx, bench.Options{
		DataDir: want.DataDir, Statements: max(1000, want.Targets*(2+want.Runs*want.Pairs)), StatementBytes: want.StatementBytes,
		Kafka: want.Kafka, Postgres: want.Postgres, Out: want.Out,
	}, func(run func(context.Context, bench.Trial) (bench.TrialResult, error)) error {
		return m.compare(ctx, run, o)
	})
	if report != nil {
		m.Kafka, r.Notes = report.Kafka, append(r.Notes, report.Notes...)
	}
	return m, err
}

// compare runs the calibration, and then each pair.
func (m *Measured) compare(ctx context.Context, run trials, o Options) error {
	if err := m.calibrate(ctx, run, o.Calibration, o.Measure.Out); err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	setup, err := m.choose(o)
	if err != nil {
		return err
	}
	for i := range m.Pairs {
		if err := m.pair(ctx, run, setup, &m.Pairs[i], o); err != nil {
			return err
		}
	}
	return nil
}

// choose takes the best settings for this machine and their neighbours, and predicts them.
func (m *Measured) choose(o Options) (capacity.Setup, error) {
	setup := capacity.Setup{
		Question:       capacity.Question{Targets: m.Targets, Gateway: o.Question.Gateway, Start: 0, Within: 24 * time.Hour},
		Infrastructure: capacity.Infrastructure{SharedCores: m.Cores, Rebalance: o.Infrastructure.Rebalance, Session: o.Infrastructure.Session}, Calibration: m.Calibration,
	}
	grid := smallGrid()
	all, err := capacity.Sweep(setup, grid, o.Prices, func(int, int) error { return nil })
	if err != nil {
		return setup, err
	}
	best := capacity.Choose(all)
	picked := []capacity.Settings{all[best].Settings}
	neighbours := capacity.Neighbours(grid, all, best)
	slices.SortStableFunc(neighbours, func(a, b capacity.Neighbour) int { return telling(a) - telling(b) })
	for _, n := range neighbours {
		picked = append(picked, n.Settings)
	}
	for _, settings := range picked[:min(len(picked), o.Measure.Pairs)] {
		setup.Settings = settings
		f, err := capacity.Predict(setup, o.Seeds)
		if err != nil {
			return setup, err
		}
		m.Pairs = append(m.Pairs, Pair{Settings: settings, Predicted: f.Finish, Bottleneck: f.Run.Bottleneck, Model: f.Run.Points})
	}
	return setup, nil
}

// telling puts first what a measurement shows the most of.
func telling(n capacity.Neighbour) int {
	return slices.Index([]string{"in flight", "tasks", "page", "partitions"}, n.Differs)
}

// pair measures one combination of settings.
func (m *Measured) pair(ctx context.Context, run trials, setup capacity.Setup, p *Pair, o Options) error {
	work, got := []float64{}, []float64{}
	best := math.Inf(1)
	kept := map[float64][]bench.TrialPoint{}
	for n := range m.Runs {
		result, err := run(ctx, trialOf(p.Settings, m.Targets, setup.Question.Gateway))
		if err != nil {
			return err
		}
		if result.Accepted != m.Targets || result.Twice != 0 {
			return fmt.Errorf("%d of %d targets were accepted, %d twice", result.Accepted, m.Targets, result.Twice)
		}
		p.Measured = append(p.Measured, result.Seconds)
		kept[result.Seconds] = result.Points
		work, got = append(work, bench.Total(result.CPU)/float64(m.Targets)*1e6), append(got, bench.Total(result.CPU)/result.Seconds)
		fmt.Fprintf(o.Measure.Out, "           %d partitions, %d tasks, %d in flight, pages of %d: run %d of %d took %.1f s, predicted %.1f (%.1f to %.1f)\n",
			p.Partitions, p.Tasks, p.InFlight, p.Page, n+1, m.Runs, result.Seconds, p.Predicted.Mid, p.Predicted.Low, p.Predicted.High)
	}
	p.Median = bench.Median(p.Measured)
	for seconds, points := range kept {
		if off := math.Abs(seconds - p.Median); off < best {
			best, p.Points = off, points
		}
	}
	p.Off = p.Median/p.Predicted.Mid - 1
	p.Within = math.Abs(p.Off) <= allowance
	if !p.Within {
		p.Why = m.why(p, bench.Median(work), bench.Median(got))
	}
	return nil
}

// why looks for what was other than the model assumed: work is microseconds of processors a target, cores what the run got.
func (m *Measured) why(p *Pair, work, cores float64) string {
	calibrated := m.work()
	switch {
	case math.Abs(work/calibrated-1) > allowance/2 && p.Bottleneck == capacity.ByMachine:
		return fmt.Sprintf("a target took %.0f µs of this machine's processors, when calibrated %.0f", work, calibrated)
	case p.Bottleneck == capacity.ByMachine:
		return fmt.Sprintf("the run got %.2f cores, the calibration %.2f: something else was using the machine", cores, m.Cores)
	case p.Off > 0 && cores > 0.8*m.Cores:
		return fmt.Sprintf("the model has room on the processors, and the run used %.2f of the %.2f cores that the calibration got: messages waited for a processor", cores, m.Cores)
	}
	return fmt.Sprintf("not explained by the processors (%.2f cores used, %.0f µs a target): how long a message is in flight beside its call may differ from the %.0f ms of the calibration", cores, work, m.Calibration.Handling)
}

// work is a target's microseconds of processors by the calibration.
func (m *Measured) work() float64 {
	c := m.Calibration
	return c.Delivery + c.Database + c.Settlement + c.Broker + c.Storage + c.GatewayWork + c.DispatchRow + c.DispatchDatabase
}

// trialOf is a run of the real components with these settings. The gateway has 5% room over its limit, for calls that come a
// little early; what bounds them are the tasks, as in production.
func trialOf(s capacity.Settings, targets int, gateway capacity.Gateway) bench.Trial {
	answered := 1.0
	t := bench.Trial{
		Targets: targets, Partitions: s.Partitions, Tasks: s.Tasks, InFlight: s.InFlight, Page: s.Page, Rate: gateway.TPS,
		Gateway: behaviour.ChannelSettings{TPS: 1.05 * gateway.TPS, AcceptAt: &answered},
	}
	p50, p99 := gateway.Latency.Quantile(0.5), gateway.Latency.Quantile(0.99)
	duration := func(s float64) behaviour.Duration { return behaviour.Duration(s * float64(time.Second)) }
	t.Gateway.Latency = behaviour.Latency{Kind: behaviour.Fixed, Mean: duration(p50)}
	if sigma := math.Log(p99/p50) / 2.3263478740408408; p50 > 0 && sigma > 1e-6 {
		t.Gateway.Latency = behaviour.Latency{Kind: behaviour.Lognormal, Mean: duration(p50 * math.Exp(sigma*sigma/2)), P99: duration(p99)}
	}
	return t
}
