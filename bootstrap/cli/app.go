package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Once loads a command's configuration, starts its app, and runs work with what the app provides.
func Once[C, T any](cmd *cobra.Command, app func(C) fx.Option, work func(context.Context, C, T) error) error {
	c, err := config.Load[C](cmd.Context())
	if err != nil {
		return err
	}
	var usage usageError
	code := core.Once(cmd.Context(), cmd.ErrOrStderr(), app(c), func(ctx context.Context, t T) error {
		err := work(ctx, c, t)
		errors.As(err, &usage)
		return err
	})
	if code == core.ExitFailed && usage.error != nil {
		code = core.ExitUsage // what only the app could tell
	}
	return Exit(code)
}
