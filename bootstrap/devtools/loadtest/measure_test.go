package loadtest

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/bench"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// machine is a machine that keeps to the model, with costs that the measurement does not know.
func machine(t *testing.T, cores float64, costs func(trial int) capacity.Calibration) trials {
	t.Helper()
	n := 0
	return func(_ context.Context, trial bench.Trial) (bench.TrialResult, error) {
		c := costs(n)
		n++
		mean := time.Duration(trial.Gateway.Latency.Mean)
		p, err := capacity.Run(capacity.Setup{
			Question: capacity.Question{
				Targets: trial.Targets, Within: time.Hour,
				Gateway: capacity.Gateway{Latency: capacity.Latency{P50: mean}, TPS: trial.Rate, CallDeadline: 30 * time.Second},
			},
			Settings:       capacity.Settings{Partitions: trial.Partitions, Tasks: trial.Tasks, MinTasks: trial.Tasks, InFlight: trial.InFlight, Page: trial.Page},
			Infrastructure: capacity.Infrastructure{SharedCores: cores}, Calibration: c,
		}, 7)
		result := bench.TrialResult{Seconds: p.Finish, Accepted: trial.Targets, Settled: trial.Targets, CPU: map[string]float64{
			"delivery": c.Delivery, "postgres": c.Database + c.DispatchDatabase, "settlement": c.Settlement,
			"apache-kafka": c.Broker, "s3": c.Storage, "gateway": c.GatewayWork, "dispatcher": c.DispatchRow,
		}}
		for name := range result.CPU {
			result.CPU[name] *= float64(trial.Targets) / 1e6
		}
		sum, before := 0.0, 0.0
		for _, point := range p.Points {
			sum, before = sum+point.Rate*(point.Seconds-before), point.Seconds
			result.Points = append(result.Points, bench.TrialPoint{Seconds: point.Seconds, Accepted: int(sum)})
		}
		return result, err
	}
}

func asked() Options {
	prices, err := ReadPrices("")
	if err != nil {
		panic(err)
	}
	return Options{
		Question: capacity.Question{
			Targets: 5_000_000, Start: 9 * 60, Within: 9 * time.Hour,
			Gateway: capacity.Gateway{Latency: capacity.Latency{P50: 500 * time.Millisecond}, CallDeadline: 30 * time.Second},
		},
		Infrastructure: capacity.Cloud(), Calibration: capacity.PublishedCalibration(), Prices: prices, Seeds: 11,
		Grid:    capacity.Grid{Partitions: []int{6, 12}, Tasks: []int{1, 2, 4}, InFlight: []int{1000, 3000}, Page: []int{1000}},
		Measure: &Measure{Targets: 20_000, Runs: 3, Pairs: 3, Out: &bytes.Buffer{}},
		Tell:    func(int, int) {},
	}
}

// costly are costs that differ from the published ones in each part.
func costly() capacity.Calibration {
	c := capacity.PublishedCalibration()
	c.Delivery, c.Database, c.Broker, c.DispatchRow, c.Handling, c.Lead, c.Spread = 500, 90, 60, 50, 60, 400, 0
	return c
}

func TestACalibratedModelPredictsTheMachineThatItWasCalibratedOn(t *testing.T) {
	t.Parallel()
	for name, tps := range map[string]float64{"as fast as it goes": 0, "a gateway with a limit": 900} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := asked()
			o.Question.Gateway.TPS = tps
			m := &Measured{Targets: o.Measure.Targets, Runs: o.Measure.Runs}
			if err := m.compare(t.Context(), machine(t, 1.7, func(int) capacity.Calibration { return costly() }), o); err != nil {
				t.Fatal(err)
			}
			if math.Abs(m.Cores-1.7) > 0.2 || math.Abs(m.Calibration.Handling-60) > 15 || math.Abs(m.Calibration.Delivery-500) > 1 {
				t.Errorf("calibrated: %.2f cores, %+v", m.Cores, m.Calibration)
			}
			if len(m.Pairs) != 3 {
				t.Fatalf("%d pairs", len(m.Pairs))
			}
			for _, p := range m.Pairs {
				if !p.Within || len(p.Measured) != 3 || len(p.Points) == 0 || p.Why != "" {
					t.Errorf("%+v: predicted %.1f, measured %.1f: %s", p.Settings, p.Predicted.Mid, p.Median, p.Why)
				}
			}
		})
	}
}

func TestAMachineThatChangesAfterTheCalibrationIsToldWithTheReason(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]struct {
		costs func(trial int) capacity.Calibration
		busy  bool
	}{
		"when calibrated": {costs: func(trial int) capacity.Calibration {
			c := costly()
			if trial > 1 {
				c.Delivery *= 2
			}
			return c
		}},
		"something else was using the machine": {costs: func(int) capacity.Calibration { return costly() }, busy: true},
	} {
		o := asked()
		o.Measure.Pairs = 1
		m := &Measured{Targets: o.Measure.Targets, Runs: o.Measure.Runs}
		quiet, busy, n := machine(t, 1.7, change.costs), machine(t, 0.8, change.costs), 0
		err := m.compare(t.Context(), func(ctx context.Context, trial bench.Trial) (bench.TrialResult, error) {
			if n++; n > 2 && change.busy {
				return busy(ctx, trial)
			}
			return quiet(ctx, trial)
		}, o)
		if err != nil {
			t.Fatal(err)
		}
		if p := m.Pairs[0]; p.Within || !strings.Contains(p.Why, want) {
			t.Errorf("want %q, got %q (predicted %.1f, measured %.1f)", want, p.Why, p.Predicted.Mid, p.Median)
		}
	}
}

func TestATrialThatLosesATargetIsAnError(t *testing.T) {
	t.Parallel()
	o, n := asked(), 0
	m := &Measured{Targets: o.Measure.Targets, Runs: 1}
	whole := machine(t, 1.7, func(int) capacity.Calibration { return costly() })
	err := m.compare(t.Context(), func(ctx context.Context, trial bench.Trial) (bench.TrialResult, error) {
		result, err := whole(ctx, trial)
		if n++; n == 3 {
			result.Accepted--
		}
		return result, err
	}, o)
	if err == nil || !strings.Contains(err.Error(), "19999 of 20000") {
		t.Error(err)
	}
}

func TestTheSimulatorTakesTheGatewayThatIsAskedFor(t *testing.T) {
	t.Parallel()
	gateways := map[string]capacity.Latency{"constant": {P50: time.Second}, "at once": {}, "lognormal": {P50: 800 * time.Millisecond, P99: 3 * time.Second}}
	for name, latency := range gateways {
		trial := trialOf(capacity.Settings{Tasks: 2}, 1000, capacity.Gateway{Latency: latency, TPS: 100})
		settings := gatewaysim.Settings{SMS: trial.Gateway}.WithDefaults()
		if err := settings.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if trial.Rate != 100 {
			t.Errorf("two tasks make %v calls a second together", trial.Rate)
		}
		if name == "lognormal" && (trial.Gateway.Latency.Kind != behaviour.Lognormal || time.Duration(trial.Gateway.Latency.P99).Round(time.Millisecond) != 3*time.Second) {
			t.Errorf("%+v", trial.Gateway.Latency)
		}
	}
}
