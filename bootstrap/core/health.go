package core

import (
	"slices"

	"go.uber.org/fx"

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

// ServeHealth answers /healthz, /readyz and /metrics at an address; it serves nothing at config.NoServer.
func ServeHealth(addr string) fx.Option {
	if addr == config.NoServer {
		return fx.Options()
	}
	return fx.Invoke(func(lc fx.Lifecycle, h health) {
		server := observe.NewServer(addr, h.Metrics, func() []string {
			var down []string
			for _, w := range h.Waiting {
				down = append(down, w.Down()...)
			}
			slices.Sort(down)
			return slices.Compact(down)
		})
		lc.Append(fx.StartStopHook(server.Start, server.Stop))
	})
}
