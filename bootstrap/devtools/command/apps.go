package command

import (
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
)

// newServices are the services as subcommands: the same as their own binaries.
func newServices() []*cobra.Command {
	services := []*cobra.Command{batchapp.NewCommand(), dispatcherapp.NewCommand(), deliveryapp.NewCommand()}
	for _, cmd := range services {
		cmd.GroupID = groupServices
		endWithSignals(cmd)
	}
	return services
}

// endWithSignals lets the context of a command and its subcommands end with SIGINT or SIGTERM.
func endWithSignals(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			cmd.SetContext(ctx)
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		endWithSignals(sub)
	}
}
