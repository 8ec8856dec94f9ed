package dispatcherapp_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
)

// nowhere is a configuration whose parts are not there: to wire the app needs none of them.
func nowhere() config.Dispatcher {
	return config.Dispatcher{
		Database: config.Database{URL: "postgres://user@127.0.0.1:1/none?sslmode=disable", MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second},
		Kafka:    config.Kafka{Brokers: []string{"127.0.0.1:1"}, Partitions: 1, Replication: 1, MinInSync: 1},
		Dispatch: config.Dispatch{Page: 1000, AckTimeout: time.Second, LingerPoll: time.Second},
		Log:      config.Log{Level: "error", Format: "json"},
	}
}

func TestTheAppProvidesARunner(t *testing.T) {
	t.Parallel()
	options := dispatcherapp.Options(nowhere())
	if err := fx.ValidateApp(options); err != nil {
		t.Fatal(err)
	}
	var runner *dispatch.Runner
	if err := fx.New(options, fx.Populate(&runner)).Err(); err != nil || runner == nil {
		t.Fatalf("the constructors need something of the world: %v", err)
	}
}

func TestAPageThatCannotWorkIsRefusedThoughNobodyAsksForTheRunner(t *testing.T) {
	t.Parallel()
	c := nowhere()
	c.Dispatch.Page = 1001
	if err := fx.New(dispatcherapp.Options(c)).Err(); err == nil || !strings.Contains(err.Error(), "1,000") {
		t.Fatalf("the error is %v: the app must invoke its runner itself", err)
	}
}

func environment(t *testing.T, more map[string]string) {
	t.Helper()
	all := map[string]string{
		"DATABASE_URL": "postgres://user@127.0.0.1:1/none?sslmode=disable", "BALSONG_KAFKA_BROKERS": "127.0.0.1:1", "BALSONG_LOG_LEVEL": "error",
	}
	for name, value := range more {
		all[name] = value
	}
	for _, v := range config.Variables[config.Dispatcher]() {
		value, ok := all[v.Name]
		t.Setenv(v.Name, value)
		if !ok || value == "unset" {
			if err := os.Unsetenv(v.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheExitCodesOfTheDispatcher(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		set  map[string]string
		code int
		says string
	}{
		"help":           {[]string{"--help"}, nil, core.ExitOK, "BALSONG_DISPATCH_CAP"},
		"version":        {[]string{"--version"}, nil, core.ExitOK, "dispatcher"},
		"unknown flag":   {[]string{"--mont", "x"}, nil, core.ExitUsage, "mont"},
		"bad month":      {[]string{"--month", "2026-13"}, nil, core.ExitUsage, "2026-13"},
		"not configured": {nil, map[string]string{"BALSONG_KAFKA_BROKERS": "unset"}, core.ExitUsage, "BALSONG_KAFKA_BROKERS is not set"},
		"page too large": {nil, map[string]string{"BALSONG_DISPATCH_PAGE": "5000"}, core.ExitUsage, "1,000"},
		"ack too long":   {nil, map[string]string{"BALSONG_DISPATCH_ACK_TIMEOUT": "1m"}, core.ExitUsage, "5s"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			var stdout, stderr bytes.Buffer
			code := cli.Run(t.Context(), dispatcherapp.NewCommand(), c.args, &stdout, &stderr)
			said, silent := &stderr, &stdout
			if c.code == core.ExitOK { // help that was asked for is an answer
				said, silent = &stdout, &stderr
			}
			if code != c.code || !strings.Contains(said.String(), c.says) || silent.Len() != 0 {
				t.Fatalf("exit code %d, want %d; it says:\n%s\nand elsewhere:\n%s", code, c.code, said, silent)
			}
		})
	}
}

func TestADispatcherThatWasStoppedWhileTheDatabaseIsDownFailsAndSaysSo(t *testing.T) {
	environment(t, nil)
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond) // as somebody who loses patience
	defer stop()
	var stderr bytes.Buffer
	if code := cli.Run(ctx, dispatcherapp.NewCommand(), nil, io.Discard, &stderr); code != core.ExitInterrupted || stderr.Len() == 0 {
		t.Fatalf("exit code %d; it says:\n%s", code, stderr.String())
	}
}

func TestALingeringDispatcherServesItsMetricsAndSaysWhatItWaitsFor(t *testing.T) {
	addr := observetest.FreeAddr(t)
	environment(t, map[string]string{"BALSONG_HEALTH_ADDR": addr, "BALSONG_DISPATCH_LINGER": "true"})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- cli.Run(ctx, dispatcherapp.NewCommand(), nil, io.Discard, io.Discard) }()
	waittest.Until(t, "it is not ready, and says what it waits for", func() bool {
		status, body := observetest.Get(t, "http://"+addr+"/readyz")
		return status == http.StatusServiceUnavailable && bytes.Contains(body, []byte(`"down":["database"]`))
	})
	if status, body := observetest.Get(t, "http://"+addr+"/metrics"); status != http.StatusOK || !bytes.Contains(body, []byte("go_goroutines")) {
		t.Errorf("/metrics answers %d", status)
	}
	stop()
	if code := <-ended; code != core.ExitInterrupted {
		t.Errorf("exit code %d", code)
	}
}

// It may run beside a service of the same machine and the same environment.
func TestADispatcherThatDoesNotLingerNeedsNoHealthAddress(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for linger, refused := range map[bool]bool{false: false, true: true} {
		c := nowhere()
		c.Dispatch.Linger, c.Health.Addr = linger, taken.Addr().String()
		app := fx.New(dispatcherapp.Options(c))
		if err := app.Start(t.Context()); refused != (err != nil && strings.Contains(err.Error(), "BALSONG_HEALTH_ADDR")) {
			t.Errorf("lingering %t: %v", linger, err)
		}
		_ = app.Stop(t.Context())
	}
	environment(t, map[string]string{"BALSONG_HEALTH_ADDR": "unset"})
	if c, err := config.Load[config.Dispatcher](t.Context()); err != nil || c.Health.Addr != config.NoServer {
		t.Errorf("by default it answers at %q (%v)", c.Health.Addr, err)
	}
}
