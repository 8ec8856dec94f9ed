// Package command is the command line of balsong-dev, one file for each subcommand: what runs on a developer's machine alone,
// and the services beside it.
package command

import (
	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/devtools/generate"
)

// The groups of the list of commands.
const (
	groupServices = "services"
	groupLocal    = "local"
)

// New returns the command balsong-dev.
func New() *cobra.Command {
	root := &cobra.Command{Use: "balsong-dev", Short: "Demo, test and measure Balsong on this machine; not for production"}
	root.AddGroup(
		&cobra.Group{ID: groupLocal, Title: "On this machine:"},
		&cobra.Group{ID: groupServices, Title: "Services, as their own binaries:"},
	)
	ended := []*cobra.Command{newDemo(), newInbox(), generate.NewCommand(), newBench(), newLoadtest(), newCost(), newScaling(), newImages(), newKillTest(), newUpgradeTest()}
	for _, local := range ended {
		endWithSignals(local)
	}
	for _, local := range append(ended, Gateway(), newLocalenv()) { // the last two see to signals themselves
		local.GroupID = groupLocal
		root.AddCommand(local)
	}
	root.AddCommand(newServices()...)
	return root
}
