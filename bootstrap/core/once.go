package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
)

// Once starts an app, runs do with a T that the app provides, and stops the app again. It returns the exit code, and
// writes errors to stderr for people. The end of ctx, as by a signal, ends do; the app is stopped all the same.
func Once[T any](ctx context.Context, stderr io.Writer, options fx.Option, do func(context.Context, T) error) int {
	var what T
	app := fx.New(options, fx.Invoke(func(t T) { what = t }))
	if err := app.Err(); err != nil {
		fmt.Fprintln(stderr, "error:", plain(err))
		return ExitUsage
	}
	if err := app.Start(ctx); err != nil {
		fmt.Fprintln(stderr, "start:", Interruption(ctx, plain(err)))
		return ExitCodeOf(ctx, plain(err))
	}
	err := do(ctx, what)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
	defer cancel()
	if stopErr := app.Stop(stopping); stopErr != nil {
		err = errors.Join(err, fmt.Errorf("stop: %w", stopErr))
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", Interruption(ctx, err))
	}
	return ExitCodeOf(ctx, err)
}

// errInterrupted is what a person reads whose signal ended a command.
var errInterrupted = errors.New("interrupted; what was done stays done, and it is safe to run it again")

// Interruption is the error of a command for people: where a signal has ended its context, and it says no more than that,
// it says so in their words.
func Interruption(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || strings.Contains(err.Error(), ctx.Err().Error())) { // not every driver wraps it
		return errInterrupted
	}
	return err
}

// Serve runs a long-running app until ctx ends or the app shuts itself down, and returns the exit code. Where ctx ends while
// the app starts, it is started and then stopped in order: work that has begun comes to its end.
func Serve(ctx context.Context, stderr io.Writer, options fx.Option) int {
	CollectGarbageAt(serviceGC)
	app := fx.New(options)
	if err := app.Err(); err != nil {
		fmt.Fprintln(stderr, "error:", plain(err))
		return ExitUsage
	}
	if err := app.Start(context.WithoutCancel(ctx)); err != nil {
		fmt.Fprintln(stderr, "start:", plain(err))
		return ExitFailed
	}
	debug.FreeOSMemory() // what the start left behind: a service with nothing to do collects no garbage
	code := ExitOK
	select {
	case <-ctx.Done():
	case end := <-app.Wait():
		code = end.ExitCode
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
	defer cancel()
	began := time.Now()
	if err := app.Stop(stopping); err != nil {
		fmt.Fprintf(stderr, "stop: not everything came to an end within %s: %v\n", time.Since(began).Round(time.Second), err)
		return ExitFailed
	}
	return code
}

// serviceGC lets a service's heap grow to 2.6 times what lives before garbage is collected. With thousands of calls under way a
// collection walks thousands of stacks, so Go's default of twice takes up to half as much processor time again; this keeps
// Delivery below 400 MB.
const serviceGC = 160

// plain is the error of a constructor without what fx adds about why it called the constructor.
func plain(err error) error { return dig.RootCause(err) }
