package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/generate"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
)

// The roles: the commands, as people call them, each in a process of its own.
var (
	generateRole   = child.Register("bench-generate", app(command(generate.NewCommand)))
	batchRole      = child.Register("bench-batch", app(command(batchapp.NewCommand)))
	dispatcherRole = child.Register("bench-dispatcher", app(command(dispatcherapp.NewCommand)))
	deliveryRole   = child.Register("bench-delivery", app(command(deliveryapp.NewCommand)))
	settlementRole = child.Register("bench-settlement", app(command(deliveryapp.NewCommand)))
)

// orders are what a process gets from the one that starts it.
type orders struct {
	Environment map[string]string `json:"environment"`
	Arguments   []string          `json:"arguments"`
	Output      string            `json:"output"`   // file for what it answers
	Usage       string            `json:"usage"`    // file for what it used, at its end
	Profiles    string            `json:"profiles"` // what the files of its profiles begin with; "": none
}

// run is an app's work. It returns the exit code.
type run func(ctx context.Context, arguments []string, stdout io.Writer) int

func command(root func() *cobra.Command) run {
	return func(ctx context.Context, arguments []string, stdout io.Writer) int {
		return cli.Run(ctx, root(), arguments, stdout, os.Stderr)
	}
}

// app is a role that does an app's work with the environment in its orders, and none of this machine's configuration.
func app(work run) child.Run {
	return func(ctx context.Context, link *child.Link) (err error) {
		var o orders
		if ctx, err = link.Spec(ctx, &o); err != nil {
			return err
		}
		for _, name := range foreign(os.Environ()) {
			err = errors.Join(err, os.Unsetenv(name))
		}
		for name, value := range o.Environment {
			err = errors.Join(err, os.Setenv(name, value))
		}
		output, failed := os.Create(o.Output)
		if err := errors.Join(err, failed); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, output.Close()) }()
		if err := link.Ready(struct{}{}); err != nil {
			return err
		}
		stop, err := profile(o.Profiles)
		if err != nil {
			return err
		}
		code := work(ctx, o.Arguments, output)
		if err := errors.Join(stop(), writeJSON(o.Usage, usageOf(os.Getpid()))); err != nil {
			return err
		}
		if code != core.ExitOK {
			return fmt.Errorf("%s ended with exit code %d", strings.Join(o.Arguments, " "), code)
		}
		return nil
	}
}

// foreign names the variables of an environment that configure the product, each read directly or from the file that it names.
func foreign(environment []string) (names []string) {
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "BALSONG_") || name == "DATABASE_URL" || name == "DATABASE_URL_FILE" {
			names = append(names, name)
		}
	}
	return names
}

// profile writes CPU and allocation profiles to files until stop is called; nothing where their name is "".
func profile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(name + ".cpu.pprof")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		allocations, err := os.Create(name + ".allocs.pprof")
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(allocations, 0), allocations.Close(), cpu.Close())
	}, nil
}

// launch starts an app under a name that its files have.
func (b *bench) launch(ctx context.Context, s *stage, role child.Role, name string, arguments []string) (*child.Process, orders, error) {
	o := orders{Environment: s.environment, Arguments: arguments, Output: b.path(name + ".json"), Usage: b.path(name + ".usage.json")}
	if b.Profiles != "" {
		o.Profiles = filepath.Join(b.Profiles, name)
	}
	process, err := b.startChild(ctx, role, o)
	return process, o, err
}

// command runs a command to its end and decodes what it answered. The run is how long it took, and what processes used
// meanwhile, its own under its name.
func (b *bench) command(ctx context.Context, s *stage, role child.Role, name string, answer any, arguments ...string) (run StageRun, err error) {
	before, began := usages(), time.Now()
	process, o, err := b.launch(ctx, s, role, name, arguments)
	if err != nil {
		return run, err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		return run, ctx.Err()
	}
	run = StageRun{Seconds: time.Since(began).Seconds(), CPU: between(before, usages())}
	if err := process.Err(); err != nil {
		return run, fmt.Errorf("%s: %w (its log: %s)", name, err, b.path(string(role)+".log"))
	}
	var own usage
	err = errors.Join(readJSON(o.Output, answer), readJSON(o.Usage, &own))
	run.CPU[name], run.PeakRSS = own.CPU, own.PeakRSS
	return run, err
}

// service is a running delivery or settlement.
type service struct {
	*child.Process
	url string // of its metrics
}

// service starts a delivery or settlement.
func (b *bench) service(ctx context.Context, s *stage, role child.Role) (service, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return service{}, err
	}
	address := listener.Addr().String() // nobody listens there in a moment
	if err := listener.Close(); err != nil {
		return service{}, err
	}
	own := *s
	own.environment = maps.Clone(s.environment)
	own.environment["BALSONG_HEALTH_ADDR"] = address
	name := strings.TrimPrefix(string(role), "bench-")
	process, _, err := b.launch(ctx, &own, role, name, []string{"--role", name})
	return service{process, "http://" + address}, err
}

func writeJSON(path string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

func readJSON(path string, v any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, v)
}
