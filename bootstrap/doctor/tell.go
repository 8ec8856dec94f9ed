package doctor

import (
	"context"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// Tell examines what a service is about to use and logs each problem once, with what to do. It keeps nobody from
// starting: what is down may come back, and what is wrong may be mended meanwhile.
func Tell(ctx context.Context, c config.Deliverer, clock port.Clock, log port.Log) {
	for _, f := range Examine(ctx, c, clock) {
		if ctx.Err() != nil {
			return
		}
		if f.Level == Problem {
			log.Warn("a problem with the configuration, or with what it names",
				port.Field{Key: "part", Value: f.Part}, port.Field{Key: "looked_at", Value: f.Looked},
				port.Field{Key: "found", Value: f.Found}, port.Field{Key: "do", Value: f.Do})
		}
	}
}
