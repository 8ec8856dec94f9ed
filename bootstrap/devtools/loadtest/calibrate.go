package loadtest

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/bench"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// The calibration's runs: one that wants more processors than there are, one that waits for its few places alone.
const (
	calibrationAnswer = 100 * time.Millisecond
	calibrationPlaces = 100
)

// calibrate measures what work takes on this machine, and how many cores it gives.
func (m *Measured) calibrate(ctx context.Context, run trials, published capacity.Calibration, out io.Writer) error {
	gateway := capacity.Gateway{Latency: capacity.Latency{P50: calibrationAnswer}}
	full, err := run(ctx, trialOf(capacity.Settings{Partitions: 12, Tasks: 1, InFlight: 10_000, Page: 1000}, m.Targets, gateway))
	if err != nil {
		return err
	}
	few := max(1000, m.Targets/10)
	waiting, err := run(ctx, trialOf(capacity.Settings{Partitions: 12, Tasks: 1, InFlight: calibrationPlaces, Page: 1000}, few, gateway))
	if err != nil {
		return err
	}
	m.Calibration = costsOf(full, m.Targets, published)
	m.Calibration.Lead = 1000 * max(0, first(waiting.Points)-calibrationAnswer.Seconds())
	m.Calibration.Measured = fmt.Sprintf("%s, %d cores, everything on one machine, %d targets", time.Now().UTC().Format(time.DateOnly), m.Machine.Cores, m.Targets)
	m.Cores = bench.Total(full.CPU) / max(full.Seconds-m.Calibration.Lead/1000, 0.1)
	if rate := steadyRate(waiting.Points); rate > 0 {
		m.Calibration.Handling = 1000 * max(0, calibrationPlaces/rate-calibrationAnswer.Seconds())
	}
	fmt.Fprintf(out, "           calibrated: %.0f µs of processors a target, %.2f cores, a message is in flight for %.0f ms beside its call, the first call after %.0f ms\n",
		m.work(), m.Cores, m.Calibration.Handling, m.Calibration.Lead)
	return m.Calibration.Validate()
}

// costsOf shares out what the processes used; the database's part of the dispatcher is the published one.
func costsOf(result bench.TrialResult, targets int, published capacity.Calibration) capacity.Calibration {
	each := func(process string) float64 { return result.CPU[process] / float64(targets) * 1e6 }
	c := published
	dispatching := published.DispatchDatabase / (published.DispatchDatabase + published.Database)
	c.Delivery, c.Settlement, c.Storage, c.GatewayWork = each("delivery"), each("settlement"), each("s3"), each("gateway")
	c.Broker, c.DispatchRow = each("apache-kafka"), each("dispatcher")
	c.Database, c.DispatchDatabase = each("postgres")*(1-dispatching), each("postgres")*dispatching
	return c
}

// first is when the first message was accepted.
func first(points []bench.TrialPoint) float64 {
	for _, p := range points {
		if p.Accepted > 0 {
			return p.Seconds
		}
	}
	return 0
}

// steadyRate is how many were accepted a second between a tenth and nine tenths.
func steadyRate(points []bench.TrialPoint) float64 {
	all := float64(points[len(points)-1].Accepted)
	var from, to bench.TrialPoint
	for _, p := range points {
		if float64(p.Accepted) <= all/10 {
			from = p
		}
		if float64(p.Accepted) <= all*0.9 {
			to = p
		}
	}
	if to.Seconds <= from.Seconds {
		return 0
	}
	return float64(to.Accepted-from.Accepted) / (to.Seconds - from.Seconds)
}
