package command

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/demo"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/key"
)

const demoHelp = `Take 7,043 real customers of a telephone company through the whole life of a bill:
import, render, store, dispatch, deliver, settle, report. PostgreSQL, Kafka, S3 and the
gateways are embedded; the adapters are those of production.

The demo keeps its data. Run it again, also after Ctrl-C or kill -9, and it goes on where
it was: nothing is sent twice. --fresh begins anew. Its database ends with it: with --stay yes
it stays until Ctrl-C, and says how "balsong why" and "balsong status" can query it.

Its clock always shows an hour of the day at which customers may be reached.`

// newDemo is the subcommand "demo".
func newDemo() *cobra.Command {
	var (
		options demo.Options
		month   string
		file    string
		stay    string
	)
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Take a month's bills through their whole life, on this machine",
		Long:    demoHelp,
		Args:    cli.NoArguments,
		Example: "  balsong-dev demo\n  balsong-dev demo --fresh\n  balsong-dev demo --file my-bills.csv --month 2026-11",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if options.Month, err = key.ParseMonth(month); err != nil {
				return cli.Usagef("--month: %w", err)
			}
			if options.DataDir, err = demoDir(options.DataDir); err != nil {
				return err
			}
			options.Data = func() (io.Reader, error) { return demodata.Bills(demodata.Telco(), options.Month) }
			if file != "" {
				options.Data = func() (io.Reader, error) { return os.Open(file) }
			}
			if !slices.Contains([]string{"yes", "no", "auto"}, stay) {
				return cli.Usagef("--stay is %q (want yes, no or auto)", stay)
			}
			out := os.Stdout
			if cli.Output(cmd) == core.JSON {
				out = os.Stderr // stdout is for the answer
			}
			options.Out, options.Terminal = out, progress.IsTerminal(out)
			keep := stay == "yes" || (stay == "auto" && options.Terminal && progress.IsTerminal(os.Stdin))
			return runDemo(cmd, options, keep)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&month, "month", time.Now().Format("2006-01"), "billing month")
	flags.StringVar(&options.DataDir, "data", "", "keep the demo's data in this directory (default: one of this folder's own, in the cache directory)")
	flags.StringVar(&file, "file", "", "billing data of your own, in the canonical form (docs/contract/billing-csv.md)")
	flags.BoolVar(&options.Fresh, "fresh", false, "delete the data of earlier demos first")
	flags.StringVar(&stay, "stay", "auto", "stay at the end, with the inbox page and the database: yes, no, or auto (on a terminal)")
	flags.StringVar(&options.Postgres, "postgres", "", "embedded, a directory with PostgreSQL's programs, or a URL")
	flags.StringVar(&options.Kafka, "kafka", "", "kfake, apache, or addresses (host:port,…)")
	flags.DurationVar(&options.Limit, "limit", 3*time.Minute, "report as it stands after this long")
	output := core.Text
	flags.Var(&output, "output", core.OutputHelp)
	return cmd
}

func runDemo(cmd *cobra.Command, options demo.Options, keep bool) (err error) {
	ctx := cmd.Context()
	fmt.Fprintf(options.Out, "Balsong demo, %s. Its data: %s\n\n", options.Month, options.DataDir)
	running, err := demo.Run(ctx, options)
	defer func() { err = errors.Join(err, running.Stop()) }()
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "\nstopped; nothing is lost: run the demo again and it goes on")
			return cli.ExitError{Code: core.ExitInterrupted}
		}
		return err
	}
	if err := cli.Answer(cmd, running.Summary, func(w io.Writer) { fmt.Fprintln(w, running.Summary.Line()) }); err != nil {
		return err
	}
	ends := ending{program: os.Args[0], data: options.DataDir, named: cmd.Flags().Changed("data"), running: running, month: options.Month}
	if !keep {
		ends.left(options.Out)
		return nil
	}
	ends.stays(options.Out)
	<-ctx.Done()
	return nil
}

// ending says what can be done once a demo has reported.
type ending struct {
	program string // the command balsong-dev, as it was called
	data    string
	named   bool // whether the data's directory was named, so that other commands need its name too
	running *demo.Running
	month   key.Month
}

// operator is the operator's command: that which lies beside this one, else that of the PATH.
func (e ending) operator() string {
	beside := filepath.Join(filepath.Dir(e.program), "balsong")
	if _, err := os.Stat(beside); err == nil && strings.ContainsRune(e.program, filepath.Separator) {
		return beside
	}
	return "balsong"
}

// stays is for a demo that stays.
func (e ending) stays(out io.Writer) {
	fmt.Fprintf(out, "\n  Read the statements at %s\n  Ask about a customer, in another terminal:\n    export", e.running.Inbox)
	for _, variable := range e.running.Environment {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(out, " %s=%s", name, cli.Quote(value))
	}
	fmt.Fprintf(out, "\n    %[1]s why %[2]s 7590-VHVEG\n    %[1]s status\n", cli.Quote(e.operator()), e.month)
	e.removal(out)
	fmt.Fprintf(out, "  Ctrl-C ends the demo.\n")
}

// left is for a demo that ends: its database stops with it.
func (e ending) left(out io.Writer) {
	data := ""
	if e.named {
		data = " --data " + cli.Quote(e.data)
	}
	fmt.Fprintf(out, "\n  Read the statements: `%s inbox%s` shows them at http://%s/ (where that port is taken, at one that it names).\n", cli.Quote(e.program), data, inboxAddress)
	fmt.Fprintf(out, "  Ask about a customer (`why`, `status`): `%s demo --stay yes --month %s%s` goes on where this one was, sends nothing twice, stays, and says how.\n",
		cli.Quote(e.program), e.month, data)
	e.removal(out)
}

func (e ending) removal(out io.Writer) {
	fmt.Fprintf(out, "  Its data stays in %[1]s: `rm -r %[2]s` removes it once the demo has ended, --fresh begins anew.\n", e.data, cli.Quote(e.data))
}

// demoDir is the given directory, or one for the folder in which the demo is run: two clones do not share their data.
func demoDir(given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	cache, err := cachedir.Default()
	if err != nil {
		return "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(here))
	return filepath.Join(cache, "demo-"+hex.EncodeToString(sum[:4])), nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// inboxAddress is where the inbox is, unless it is told otherwise or something else is there.
const inboxAddress = "127.0.0.1:8026"

// newInbox is the subcommand "inbox".
func newInbox() *cobra.Command {
	var data, addr string
	cmd := &cobra.Command{
		Use:   "inbox",
		Short: "Read the statements that a gateway simulator accepted, the demo's or another",
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := demoDir(data)
			if err != nil {
				return err
			}
			if gateway := filepath.Join(dir, "gateway"); isDirectory(gateway) {
				dir = gateway
			}
			return serveInbox(cmd.Context(), dir, addr, cmd.Flags().Changed("addr"), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "the demo's directory, or that of balsong-dev gateway (default: that of this folder's demo)")
	cmd.Flags().StringVar(&addr, "addr", inboxAddress, "host:port of the page; where the usual one is taken, and none is named, a free one")
	return cmd
}
