package core

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/balsong/balsong/bootstrap/config"
)

// Exit codes of every command.
const (
	ExitOK     = 0
	ExitFailed = 1 // it did not finish; it is safe to run again
	ExitUsage  = 2 // wrong arguments or configuration
)

// ExitCodeOfFlags is the exit code of a flag error; asking for help is none.
func ExitCodeOfFlags(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return ExitOK
	}
	return ExitUsage
}

// Once starts an app, runs do with something of it, and stops the app again. It returns the exit code, and writes
// errors for people.
func Once[T any](ctx context.Context, stderr io.Writer, options fx.Option, do func(context.Context, T) error) int {
	var what T
	app := fx.New(options, fx.Invoke(func(t T) { what = t }))
	if err := app.Err(); err != nil {
		fmt.Fprintln(stderr, "error:", plain(err))
		return ExitUsage
	}
	if err := app.Start(ctx); err != nil {
		fmt.Fprintln(stderr, "start:", plain(err))
		return ExitFailed
	}
	err := do(ctx, what)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
	defer cancel()
	if stopErr := app.Stop(stopping); stopErr != nil {
		err = errors.Join(err, fmt.Errorf("stop: %w", stopErr))
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		if errors.Is(err, config.ErrInvalid) {
			return ExitUsage
		}
		return ExitFailed
	}
	return ExitOK
}

// Serve runs a long-running app until ctx ends or the app shuts itself down, and returns the exit code.
func Serve(ctx context.Context, stderr io.Writer, options fx.Option) int {
	app := fx.New(options)
	if err := app.Err(); err != nil {
		fmt.Fprintln(stderr, "error:", plain(err))
		return ExitUsage
	}
	if err := app.Start(ctx); err != nil {
		fmt.Fprintln(stderr, "start:", plain(err))
		return ExitFailed
	}
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

// plain leaves out fx's own words about how it came to call a constructor.
func plain(err error) error { return dig.RootCause(err) }
