package deliveryapp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
)

// environment sets the variables of a delivery whose parts are all down.
func environment(t *testing.T, more map[string]string) {
	t.Helper()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"DATABASE_URL": "postgres://user@127.0.0.1:1/none?sslmode=disable", "BALSONG_KAFKA_BROKERS": "127.0.0.1:1",
		"BALSONG_S3_BUCKET": "none", "BALSONG_S3_ENDPOINT": "http://127.0.0.1:1", "BALSONG_S3_ACCESS_KEY": "a", "BALSONG_S3_SECRET_KEY": "s",
		"BALSONG_KEYSET": string(keyset), "BALSONG_SMS_URL": "http://127.0.0.1:1", "BALSONG_HEALTH_ADDR": "", "BALSONG_LOG_LEVEL": "error", "BALSONG_LOG_FORMAT": "text",
	}
	for name, value := range more {
		all[name] = value
	}
	for _, v := range config.Variables[config.Deliverer]() {
		value, ok := all[v.Name]
		t.Setenv(v.Name, value)
		if !ok || value == "unset" {
			if err := os.Unsetenv(v.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheExitCodesOfDelivery(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		set  map[string]string
		code int
		says string
	}{
		"help":            {[]string{"--help"}, nil, core.ExitOK, "BALSONG_SMTP_LEASE"},
		"version":         {[]string{"--version"}, nil, core.ExitOK, "delivery"},
		"unknown flag":    {[]string{"--rolle", "both"}, nil, core.ExitUsage, "rolle"},
		"unknown role":    {[]string{"--role", "both "}, nil, core.ExitUsage, "delivery, settlement, both or feedback"},
		"not configured":  {nil, map[string]string{"DATABASE_URL": "unset"}, core.ExitUsage, "DATABASE_URL is not set"},
		"short lease":     {nil, map[string]string{"BALSONG_SMS_LEASE": "1s"}, core.ExitUsage, "BALSONG_SMS_LEASE"},
		"log level":       {nil, map[string]string{"BALSONG_LOG_LEVEL": "loud"}, core.ExitUsage, `"loud"`},
		"keyset":          {nil, map[string]string{"BALSONG_KEYSET": "{}"}, core.ExitUsage, "keyset"},
		"health address":  {nil, map[string]string{"BALSONG_HEALTH_ADDR": "256.0.0.1:1"}, core.ExitFailed, "BALSONG_HEALTH_ADDR"},
		"batch too large": {nil, map[string]string{"BALSONG_SETTLE_BATCH": "1001"}, core.ExitUsage, "1,000"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var stdout, stderr bytes.Buffer
			code := cli.Run(ctx, deliveryapp.NewCommand(), c.args, &stdout, &stderr)
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

func TestDeliveryStartsWithEverythingDownSaysSoAndEndsWhenAsked(t *testing.T) {
	addr := observetest.FreeAddr(t)
	environment(t, map[string]string{"BALSONG_HEALTH_ADDR": addr})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- cli.Run(ctx, deliveryapp.NewCommand(), nil, io.Discard, io.Discard) }()
	ready := struct {
		Status string
		Down   []string
	}{}
	waittest.Until(t, "it is not ready, and says what it waits for", func() bool {
		status, body := observetest.Get(t, "http://"+addr+"/readyz")
		return status == http.StatusServiceUnavailable && json.Unmarshal(body, &ready) == nil && len(ready.Down) > 0 && ready.Down[0] == "database"
	})
	if status, _ := observetest.Get(t, "http://"+addr+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d: a process that waits is alive", status)
	}
	if status, body := observetest.Get(t, "http://"+addr+"/metrics"); status != http.StatusOK || !bytes.Contains(body, []byte("go_goroutines")) {
		t.Errorf("/metrics answers %d", status)
	}
	stop()
	select {
	case code := <-ended:
		if code != core.ExitOK {
			t.Fatalf("exit code %d", code)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}
