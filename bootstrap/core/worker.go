package core

import (
	"context"
	"sync"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/observe"
)

// Work adds run to the app as its work: it starts with the app, and when the app stops its context ends and its return is
// waited for. When run returns before that the app is shut down, with exit code 1 where run failed. name stands in the log.
func Work(lc fx.Lifecycle, shutdown fx.Shutdowner, log port.Log, name string, run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			running.Go(func() {
				err := run(ctx)
				if ctx.Err() != nil {
					return
				}
				code := 0
				if err != nil {
					code = 1
					log.Error("a part of the app has failed", port.Field{Key: "work", Value: name}, port.Field{Key: "error", Value: err})
				}
				_ = shutdown.Shutdown(fx.ExitCode(code)) // fails only where the app is going down already
			})
			return nil
		},
		OnStop: func(stopping context.Context) error {
			stop()
			ended := make(chan struct{})
			go func() {
				running.Wait()
				close(ended)
			}()
			select {
			case <-ended:
				return nil
			case <-stopping.Done():
				return stopping.Err()
			}
		},
	})
}

// Announce logs when the work of a long-running app begins and when it has ended in an orderly way. Call it before Work:
// stop hooks run in reverse order.
func Announce(lc fx.Lifecycle, log port.Log, name string) {
	field := port.Field{Key: "work", Value: name}
	lc.Append(fx.StartStopHook(
		func() { log.Info("started", field) },
		func() { log.Info("ended", field, port.Field{Key: "peak_memory_bytes", Value: observe.PeakMemory()}) },
	))
}
