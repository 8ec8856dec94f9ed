package deliveryapp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
)

func TestEachErrorOfAServiceThatCannotStartIsALineOfJSON(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		set  map[string]string
		code int
	}{
		"unknown flag":   {[]string{"--rolle", "both"}, nil, core.ExitUsage},
		"unknown role":   {[]string{"--role", "both "}, nil, core.ExitUsage},
		"not configured": {nil, map[string]string{"DATABASE_URL": "unset"}, core.ExitUsage},
		"log level":      {nil, map[string]string{"BALSONG_LOG_LEVEL": "loud"}, core.ExitUsage},
		"health address": {nil, map[string]string{"BALSONG_HEALTH_ADDR": "256.0.0.1:1"}, core.ExitFailed},
		"collector":      {nil, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"}, core.ExitUsage},
		"nobody to ask":  {[]string{"health"}, map[string]string{"BALSONG_HEALTH_ADDR": "127.0.0.1:1"}, core.ExitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			t.Setenv("BALSONG_LOG_FORMAT", "json")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var stdout, stderr bytes.Buffer
			if code := cli.Run(ctx, deliveryapp.NewCommand(), c.args, &stdout, &stderr); code != c.code || stdout.Len() > 0 || stderr.Len() == 0 {
				t.Fatalf("it ends with %d, and says %q and %q", code, stdout.String(), stderr.String())
			}
			for line := range bytes.Lines(stderr.Bytes()) {
				var said struct{ Level, Time, Msg, Error string }
				if err := json.Unmarshal(line, &said); err != nil || said.Level != "error" || said.Msg == "" || said.Error == "" {
					t.Errorf("%q is no error in JSON: %v", line, err)
				}
				if _, err := time.Parse(time.RFC3339Nano, said.Time); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
