package core

import (
	"slices"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/observe"
)

// Waiting is what may wait for components that are down, and names them.
type Waiting interface{ Down() []string }

// WaitingPart marks a constructor's Waiting as one that ServeHealth asks.
func WaitingPart(constructor any) any {
	return fx.Annotate(constructor, fx.ResultTags(`group:"waiting"`))
}

type health struct {
	fx.In
	Metrics *observe.Metrics
	Waiting []Waiting `group:"waiting"`
}

// down lists the components that something waits for.
func (h health) down() []string {
	var down []string
	for _, w := range h.Waiting {
		down = append(down, w.Down()...)
	}
	slices.Sort(down)
	return slices.Compact(down)
}

// ServeHealth answers /healthz, /readyz and /metrics at an address; it serves nothing at config.NoServer. The named components,
// and each other one that was ever waited for, have their metric.
func ServeHealth(addr string, components ...string) fx.Option {
	return fx.Invoke(func(lc fx.Lifecycle, h health) {
		h.Metrics.BeforeGather(h.measure(components))
		if addr == config.NoServer {
			return
		}
		server := observe.NewServer(addr, h.Metrics, h.down)
		lc.Append(fx.StartStopHook(server.Start, server.Stop))
	})
}

// measure returns what sets metric.ComponentUp, not safe for concurrent use.
func (h health) measure(components []string) func() {
	known := slices.Clone(components)
	return func() {
		down := h.down()
		for _, component := range down {
			if !slices.Contains(known, component) {
				known = append(known, component)
			}
		}
		for _, component := range known {
			up := 1.0
			if slices.Contains(down, component) {
				up = 0
			}
			metric.ComponentUp.Set(h.Metrics, up, component)
		}
	}
}
