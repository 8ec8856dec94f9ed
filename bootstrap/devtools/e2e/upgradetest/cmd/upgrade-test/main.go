// Command upgrade-test runs the upgrade test: see the package upgradetest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/e2e/upgradetest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

func main() {
	child.Main()
	os.Exit(run())
}

func run() int {
	o := upgradetest.Options{Out: os.Stdout}
	flag.StringVar(&o.Old, "old", "", "directory with batch, dispatcher, delivery and balsong of the old version")
	flag.StringVar(&o.New, "new", "bin", "the same of the new version")
	flag.IntVar(&o.Customers, "customers", 5000, "bills of the month")
	flag.StringVar(&o.Kafka, "kafka", "apache", "apache (needs Java, and Maven once) or kfake")
	flag.DurationVar(&o.Limit, "limit", 4*time.Minute, "longest time that a stage may take")
	flag.StringVar(&o.DataDir, "data", "", "keep input and logs here (default: temporary, kept where something was found)")
	flag.Parse()
	if o.Old == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "upgrade-test: --old is needed, and no argument (see --help)")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := inDirectory(ctx, o)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, upgradetest.ErrViolated):
		fmt.Fprintln(os.Stderr, "upgrade-test:", err)
		return 1
	default:
		fmt.Fprintln(os.Stderr, "upgrade-test could not run:", err)
		return 3
	}
}

// inDirectory runs in a temporary directory where none is given, and removes that if all is as expected.
func inDirectory(ctx context.Context, o upgradetest.Options) (err error) {
	for _, directory := range []*string{&o.Old, &o.New} {
		if *directory, err = filepath.Abs(*directory); err != nil {
			return err
		}
	}
	if o.DataDir != "" {
		return upgradetest.Run(ctx, o)
	}
	if o.DataDir, err = os.MkdirTemp("", "balsong-upgrade-test-"); err != nil {
		return err
	}
	if err := upgradetest.Run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "input and logs are kept in", o.DataDir)
		return err
	}
	return os.RemoveAll(o.DataDir)
}
