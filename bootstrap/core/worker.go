package core

import (
	"context"
	"sync"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/port"
)

// Work runs something for the app's whole life: started with the app, asked to end when it stops, and waited for. When
// it ends by itself the app is shut down, with exit code 1 where it failed.
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

// Announce tells when the work of a long-running app begins and when it has ended in order. Call it before Work: hooks
// stop in reverse.
func Announce(lc fx.Lifecycle, log port.Log, name string) {
	field := port.Field{Key: "work", Value: name}
	lc.Append(fx.StartStopHook(
		func() { log.Info("started", field) },
		func() { log.Info("ended", field) },
	))
}
