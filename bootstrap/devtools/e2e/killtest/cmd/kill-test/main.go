// Command kill-test runs the kill test: see the package killtest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // time zones are needed where the machine has none

	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

const usage = `kill-test kills dispatchers, deliveries and settlement at six points of the protocol, and checks that no
customer is served twice, nobody is forgotten, and every doubt names its cause.

Usage: kill-test [--customers N] [--kills N] [--kafka apache|kfake] [--limit DURATION] [--data DIR]
       kill-test --around GUARD | --without GUARD        a short run with one guard, or without it

Exit codes: 0 everything holds · 1 something does not · 2 wrong arguments · 3 the test could not run

`

func main() {
	child.Main()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	o := killtest.Options{Out: os.Stdout}
	flags := flag.NewFlagSet("kill-test", flag.ContinueOnError)
	flags.IntVar(&o.Customers, "customers", 10000, "rows of the input of the full run")
	flags.IntVar(&o.Kills, "kills", 6, "kills at each point of the full run")
	flags.StringVar(&o.Kafka, "kafka", "apache", "apache (needs Java, and Maven once) or kfake")
	flags.DurationVar(&o.Limit, "limit", 8*time.Minute, "longest time that the work may take")
	flags.StringVar(&o.DataDir, "data", "", "keep input, logs and records here (default: temporary, kept where something was found)")
	flags.Uint64Var(&o.Seed, "seed", 1, "seed of the gateway's draws and of the kills")
	around := flags.String("around", "", "a short run that puts one guard to the test: claim, token, revoke or send-by")
	without := flags.String("without", "", "the same short run with that guard left out: the checker must find something")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	name := *around
	if *without != "" {
		name, o.Without = *without, true
	}
	var err error
	if o.Around, err = killtest.ParseGuard(name); err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "kill-test: %v (see --help)\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err = inDirectory(ctx, o)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, killtest.ErrViolated):
		fmt.Fprintln(os.Stderr, "kill-test:", err)
		return 1
	default:
		fmt.Fprintln(os.Stderr, "kill-test could not run:", err)
		return 3
	}
}

// inDirectory runs in a temporary directory where none is given, and removes that if all is as expected.
func inDirectory(ctx context.Context, o killtest.Options) error {
	if o.DataDir != "" {
		return killtest.Run(ctx, o)
	}
	dir, err := os.MkdirTemp("", "balsong-kill-test-")
	if err != nil {
		return err
	}
	o.DataDir = dir
	err = killtest.Run(ctx, o)
	if err == nil || (o.Without && errors.Is(err, killtest.ErrViolated)) {
		return errors.Join(err, os.RemoveAll(dir))
	}
	fmt.Fprintln(os.Stderr, "input, logs and records are kept in", dir)
	return err
}
