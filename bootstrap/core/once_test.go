package core_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

type thing struct{ name string }

func provided(hooks ...fx.Hook) fx.Option {
	return fx.Options(fx.NopLogger, fx.Provide(func() *memory.Log { return &memory.Log{} }, func(l *memory.Log) port.Log { return l },
		func(lc fx.Lifecycle) *thing {
			for _, h := range hooks {
				lc.Append(h)
			}
			return &thing{name: "ready"}
		}))
}

func TestOnceRunsWhatItWasGivenAndStopsTheApp(t *testing.T) {
	t.Parallel()
	var stopped bool
	code := core.Once(t.Context(), &bytes.Buffer{}, provided(fx.Hook{OnStop: func(context.Context) error { stopped = true; return nil }}),
		func(_ context.Context, what *thing) error {
			if what.name != "ready" || stopped {
				t.Error("it runs without the app")
			}
			return nil
		})
	if code != core.ExitOK || !stopped {
		t.Fatalf("exit code %d, stopped %v", code, stopped)
	}
}

func TestTheExitCodeSaysWhetherTheUserOrTheWorldIsAtFault(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, *thing) error { return nil }
	failing := func(err error) func(context.Context, *thing) error {
		return func(context.Context, *thing) error { return err }
	}
	for name, c := range map[string]struct {
		options fx.Option
		do      func(context.Context, *thing) error
		code    int
	}{
		"done":                     {provided(), nothing, core.ExitOK},
		"it failed":                {provided(), failing(errors.New("the gateway is on fire")), core.ExitFailed},
		"wrongly configured":       {provided(), failing(fmt.Errorf("%w: BALSONG_X", config.ErrInvalid)), core.ExitUsage},
		"a constructor refuses":    {fx.Options(provided(), fx.Invoke(func() error { return errors.New("no such thing") })), nothing, core.ExitUsage},
		"the start fails":          {provided(fx.Hook{OnStart: func(context.Context) error { return errors.New("port taken") }}), nothing, core.ExitFailed},
		"done, but does not stop":  {provided(fx.Hook{OnStop: func(context.Context) error { return errors.New("stuck") }}), nothing, core.ExitFailed},
		"an app that is not whole": {fx.NopLogger, nothing, core.ExitUsage},
	} {
		var stderr bytes.Buffer
		code := core.Once(t.Context(), &stderr, c.options, c.do)
		if code != c.code || (code != core.ExitOK) != (stderr.Len() > 0) {
			t.Errorf("%s: exit code %d, want %d; it says %q", name, code, c.code, stderr.String())
		}
	}
}

func TestASignalIsToldInPeoplesWords(t *testing.T) {
	t.Parallel()
	for words, failed := range map[string]func(context.Context) error{
		"error: interrupted; what was done stays done, and it is safe to run it again\n": func(ctx context.Context) error {
			return fmt.Errorf("read the policies: %w", ctx.Err())
		},
		"error: interrupted; what was done stays done, and it is safe to run it again\n ": func(ctx context.Context) error {
			return errors.New("read the policies: timeout: " + ctx.Err().Error()) // of a driver that wraps nothing
		},
		"error: stopped before everything due was dispatched\n": func(context.Context) error { return errors.New("stopped before everything due was dispatched") },
	} {
		ctx, stop := context.WithCancel(t.Context())
		var stderr bytes.Buffer
		code := core.Once(ctx, &stderr, provided(), func(ctx context.Context, _ *thing) error {
			stop()
			return failed(ctx)
		})
		if code != core.ExitInterrupted || stderr.String() != strings.TrimSuffix(words, " ") {
			t.Errorf("exit code %d; it says %q, want %q", code, stderr.String(), words)
		}
	}
}

// serving runs Serve with one piece of work and returns its exit code once it has ended.
func serving(t *testing.T, ctx context.Context, run func(context.Context) error, more ...fx.Option) (code int, said string) { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	var stderr bytes.Buffer
	code = core.Serve(ctx, &stderr, fx.Options(provided(), fx.Invoke(func(lc fx.Lifecycle, shutdown fx.Shutdowner, log port.Log) {
		core.Work(lc, shutdown, log, "work", run)
	}), fx.Options(more...)))
	return code, stderr.String()
}

func TestServeEndsWithItsContextAndWaitsForTheWork(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	ended := false
	code, said := serving(t, ctx, func(ctx context.Context) error {
		stop()
		<-ctx.Done()
		ended = true
		return ctx.Err()
	})
	if code != core.ExitOK || !ended || said != "" {
		t.Fatalf("exit code %d, ended %v: %s", code, ended, said)
	}
}

func TestAStopDuringTheStartEndsTheWorkInOrder(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	ended := false
	code, said := serving(t, ctx, func(ctx context.Context) error {
		<-ctx.Done()
		ended = true
		return ctx.Err()
	}, fx.Invoke(func(lc fx.Lifecycle) { lc.Append(fx.StartHook(stop)) }))
	if code != core.ExitOK || !ended || said != "" {
		t.Fatalf("exit code %d, ended %v: %s", code, ended, said)
	}
}

func TestWorkThatFailsEndsTheAppWithAnExitCode(t *testing.T) {
	t.Parallel()
	if code, _ := serving(t, t.Context(), func(context.Context) error { return errors.New("it broke") }); code != core.ExitFailed {
		t.Fatalf("exit code %d", code)
	}
	if code, _ := serving(t, t.Context(), func(context.Context) error { return nil }); code != core.ExitOK {
		t.Fatalf("work that ends by itself: exit code %d", code)
	}
}

func TestWorkThatDoesNotEndIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	code, said := serving(t, ctx, func(context.Context) error {
		stop()
		<-release
		return nil
	}, fx.StopTimeout(200*time.Millisecond))
	if code != core.ExitFailed || !strings.Contains(said, "not everything came to an end") {
		t.Fatalf("exit code %d: %s", code, said)
	}
}
