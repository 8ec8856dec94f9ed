package core

import (
	"context"
	"io"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/observe"
)

// WriteEMF writes the essential metrics for CloudWatch where the configuration asks for it: at each full minute, and once at the end
// of the app, when everything else has ended. Give it before what it is to outlive.
func WriteEMF(c config.Metrics, service port.Service, out io.Writer) fx.Option {
	if c.Installation == "" {
		return fx.Options()
	}
	// A module of its own: fx runs the invokes of modules before those beside them, in their order.
	return fx.Module("emf", fx.Invoke(func(lc fx.Lifecycle, metrics *observe.Metrics, clock port.Clock, log port.Log) {
		emf := observe.NewEMF(metrics, c.Installation, service, out)
		write := func() {
			if err := emf.Write(clock.Now()); err != nil {
				log.Warn("the metrics for CloudWatch could not be written", port.Field{Key: "error", Value: err})
			}
		}
		ctx, stop := context.WithCancel(context.Background())
		var writing sync.WaitGroup
		lc.Append(fx.StartStopHook(
			func() {
				writing.Go(func() {
					for {
						select {
						case <-ctx.Done():
							return
						case <-clock.After(untilMinute(clock.Now())):
							write()
						}
					}
				})
			},
			func() {
				stop()
				writing.Wait()
				write()
			},
		))
	}))
}

// untilMinute is the time until the next minute begins: CloudWatch keeps a value a minute, and a pause of a minute after each write
// would let a minute now and then have none, which some alarms take for silence.
func untilMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}
