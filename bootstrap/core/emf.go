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

// emfPause is the time between two writes: CloudWatch keeps a value a minute.
const emfPause = time.Minute

// WriteEMF writes the essential metrics for CloudWatch where the configuration asks for it: each minute, and once at the end of
// the app, when everything else has ended. Give it before what it is to outlive.
func WriteEMF(c config.Metrics, service string, out io.Writer) fx.Option {
	if !c.EMF {
		return fx.Options()
	}
	// A module of its own: fx runs the invokes of modules before those beside them, in their order.
	return fx.Module("emf", fx.Invoke(func(lc fx.Lifecycle, metrics *observe.Metrics, clock port.Clock, log port.Log) {
		emf := observe.NewEMF(metrics, service, out)
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
						case <-clock.After(emfPause):
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
