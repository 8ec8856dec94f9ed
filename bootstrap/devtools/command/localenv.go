package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
)

const localenvHelp = `Start PostgreSQL, a Kafka broker and an S3 server, without Docker.

With a command after "--": run it with the addresses in the BALSONG_TEST_*
variables, stop everything when it ends, and exit with its code.
Without: print the addresses and stay until SIGINT or SIGTERM.`

// newLocalenv is the subcommand "localenv".
func newLocalenv() *cobra.Command {
	var options localenv.Options
	cmd := &cobra.Command{
		Use:   "localenv [flags] [-- command arguments…]",
		Short: "Start PostgreSQL, Kafka and S3; run a command with them",
		Long:  localenvHelp,
		Example: `  balsong-dev localenv -- go test ./...
  balsong-dev localenv --postgres=/usr/lib/postgresql/15/bin --kafka=apache -- make test`,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			if len(arguments) > 0 && cmd.ArgsLenAtDash() != 0 {
				return cli.Usagef("unexpected argument %q: put -- before the command to run", arguments[0])
			}
			options.Durable = options.DataDir != ""
			return runLocalenv(cmd.Context(), options, arguments)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.Postgres, "postgres", orDefault(os.Getenv("DATABASE_URL"), localenv.Embedded),
		"embedded, a directory with PostgreSQL's programs, or a URL (default from DATABASE_URL)")
	flags.StringVar(&options.Kafka, "kafka", localenv.Kfake, "kfake, apache, or addresses (host:port,…)")
	flags.IntVar(&options.KafkaBrokers, "kafka-brokers", 1, "number of brokers, with --kafka=apache")
	flags.StringVar(&options.S3, "s3", localenv.Embedded, "embedded, or a URL (signs in with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION)")
	flags.StringVar(&options.DataDir, "data", "", "keep the data in this directory (default: temporary)")
	return cmd
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// runLocalenv keeps everything temporary in one directory, which is removed at the
// end, or by the caretaker if this process is killed.
func runLocalenv(ctx context.Context, options localenv.Options, arguments []string) (err error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, handledSignals()...)
	defer signal.Stop(signals)

	scratch, err := newScratch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.close()) }()

	options.S3Access = localenv.S3Access{
		AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), SecretKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), Region: os.Getenv("AWS_REGION"),
	}
	if options.DataDir == "" {
		options.DataDir = scratch.path("data")
	}
	// Found here, because the command gets another TMPDIR. Where there is none, the
	// part that needs it says so.
	options.CacheDir, _ = cachedir.Default()
	log, err := os.OpenFile(filepath.Join(scratch.dir, "components.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	options.Log = log

	set, err := startUnlessSignalled(ctx, options, signals)
	if err != nil {
		if !errors.As(err, new(cli.ExitError)) {
			printEnd(os.Stderr, log.Name())
		}
		return err
	}
	defer func() { err = errors.Join(err, set.Stop()) }()
	if len(arguments) == 0 {
		printAddresses(os.Stdout, set.Addresses())
		return stay(set, signals)
	}
	printAddresses(os.Stderr, set.Addresses())
	environment := append(set.Addresses().Environment(), cachedir.Variable+"="+options.CacheDir)
	return runCommand(arguments, environment, scratch, signals)
}

// handledSignals leaves out SIGHUP where it is ignored, as under nohup.
func handledSignals() []os.Signal {
	handled := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		handled = append(handled, syscall.SIGHUP)
	}
	return handled
}

func startUnlessSignalled(ctx context.Context, options localenv.Options, signals <-chan os.Signal) (*localenv.Set, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := make(chan struct{})
	caught := make(chan os.Signal, 1)
	go func() {
		defer close(caught)
		select {
		case s := <-signals:
			cancel()
			caught <- s
		case <-started:
		}
	}()
	set, err := localenv.Start(ctx, options)
	close(started)
	s, stopped := <-caught
	if !stopped {
		return set, err
	}
	if err == nil {
		err = set.Stop()
	} else {
		err = nil // it failed because we ended it
	}
	return nil, errors.Join(err, signalled(s))
}

// stay waits for a signal, or for the end of a part that should not end.
func stay(set *localenv.Set, signals <-chan os.Signal) error {
	fmt.Fprintln(os.Stderr, "ready; stop with Ctrl-C")
	var postgres, s3 <-chan struct{}
	if set.Postgres != nil {
		postgres = set.Postgres.Done()
	}
	if set.S3 != nil {
		s3 = set.S3.Done()
	}
	select {
	case <-signals:
		return nil
	case <-postgres:
		return errors.New("PostgreSQL ended")
	case <-s3:
		return errors.New("the S3 server ended")
	}
}

func printAddresses(out io.Writer, addresses localenv.Addresses) {
	for _, line := range addresses.Environment() {
		fmt.Fprintln(out, line)
	}
}

// printEnd shows the last lines of a log that is removed with the scratch
// directory.
func printEnd(out io.Writer, path string) {
	const limit = 4096
	content, err := os.ReadFile(path)
	if err == nil && len(content) > 0 {
		fmt.Fprintf(out, "%s\n", content[max(0, len(content)-limit):])
	}
}

// signalled is the exit code that shells give to a process that a signal ended.
func signalled(s os.Signal) error {
	if number, ok := s.(syscall.Signal); ok {
		return cli.ExitError{Code: 128 + int(number)}
	}
	return cli.ExitError{Code: 1}
}
