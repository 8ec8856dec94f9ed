package deliveryapp

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/observe"
)

const usage = `delivery consumes requests, claims each delivery key, calls the gateway once and stores the outcome (role delivery);
or brings targets in line with the ledger, turns claims whose lease has ended into UNKNOWN, and makes targets READY again
whose request was lost (role settlement); or both.

It runs until SIGTERM, then takes nothing new and waits for the calls under way. Killed at any moment it loses nothing:
what cannot be known becomes UNKNOWN and is shown.

Usage: delivery [--role delivery|settlement|both]

It ends with 0 after SIGINT or SIGTERM, and says how much memory it needed at most.

`

func help(out io.Writer, flags *flag.FlagSet) {
	fmt.Fprint(out, usage)
	flags.PrintDefaults()
	fmt.Fprintln(out)
	core.DescribeExitCodes(out, core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitUnavailable)
	config.Describe[config.Deliverer](out)
}

// Main is the command. ctx ends with SIGINT or SIGTERM.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := core.NewFlags("delivery", args, stdout, stderr, help)
	name := flags.String("role", string(Both), "delivery, settlement or both")
	version := flags.Bool("version", false, "print the version")
	if code, ok := core.ParseFlags(flags, args); !ok {
		return code
	}
	if *version {
		fmt.Fprintln(stdout, "balsong delivery", core.Version())
		return core.ExitOK
	}
	role, err := ParseRole(*name)
	if err != nil {
		fmt.Fprintln(stderr, "delivery: --role:", err)
		return core.ExitUsage
	}
	c, err := Load(ctx, role)
	if err != nil {
		fmt.Fprintln(stderr, "delivery:", err)
		return core.ExitCodeOf(ctx, err)
	}
	code := core.Serve(ctx, stderr, Options(role, c))
	if code == core.ExitOK {
		observe.TellMemory(stdout)
	}
	return code
}

// Load reads what a role needs: settlement sends nothing, so it needs no statements, keys or gateways.
func Load(ctx context.Context, role Role) (config.Deliverer, error) {
	if role != Settlement {
		return config.Load[config.Deliverer](ctx)
	}
	c, err := config.Load[config.Settler](ctx)
	return config.Deliverer{Database: c.Database, Kafka: c.Kafka, Settlement: c.Settlement, Health: c.Health, Log: c.Log, Delivery: c.Delivery}, err
}
