package core_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// What counts until the very end of the app is in the last line; and nothing is written where nobody asked for it.
func TestTheLastLineIsWrittenWhenEverythingElseHasEnded(t *testing.T) {
	t.Parallel()
	for asked, want := range map[bool]float64{true: 3, false: 0} {
		var out bytes.Buffer
		app := fxtest.New(t,
			core.Observe(config.Log{Level: "error", Format: "json"}), core.Quiet(),
			core.WriteEMF(config.Metrics{EMF: asked}, "delivery", &out),
			fx.Module("work", fx.Invoke(func(lc fx.Lifecycle, metrics port.Metrics) {
				lc.Append(fx.StartStopHook(func() { metric.DeadLetters.Add(metrics, 1) }, func() { metric.DeadLetters.Add(metrics, 2) }))
			})),
		)
		app.RequireStart().RequireStop()
		var line struct {
			Letters float64 `json:"balsong_dead_letters_total"`
		}
		if err := json.Unmarshal(bytes.TrimSpace(out.Bytes()), &line); asked && err != nil || line.Letters != want || !asked && out.Len() > 0 {
			t.Errorf("asked %t, it writes %q (%v)", asked, out.String(), err)
		}
	}
}
