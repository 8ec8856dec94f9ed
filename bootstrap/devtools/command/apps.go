package command

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
)

// appMain is a service's own main function.
type appMain func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// newApps are the services, and the batch's command for templates, as subcommands: the same functions, flags and
// variables as in their own binaries.
func newApps() []*cobra.Command {
	return []*cobra.Command{
		newApp("batch", groupServices, "Prepare a month's statements: migrate, import, render", batchapp.Main),
		newApp("dispatcher", groupServices, "Publish a request for every statement that is due (the Producer)", dispatcherapp.Main),
		newApp("delivery", groupServices, "Deliver what is requested and settle it (the Consumer)", deliveryapp.Main),
		newApp("templates", groupPeople, "Write the texts of bills out as files, check yours, list what they may use", batchapp.TemplatesMain),
	}
}

func newApp(name, group, short string, main appMain) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              short,
		DisableFlagParsing: true,
		GroupID:            group,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			if code := main(ctx, args, os.Stdout, os.Stderr); code != 0 {
				return ExitError{Code: code}
			}
			return nil
		},
	}
}
