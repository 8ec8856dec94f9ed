package bench

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

func TestATrialSendsEachTargetOnceWithSettingsOfItsOwn(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp(child.TempDir(), "balsong-trial-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	latency := behaviour.ChannelSettings{Latency: behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(50 * time.Millisecond)}}
	var said bytes.Buffer
	_, err = Trials(t.Context(), Options{DataDir: dir, Kafka: localenv.Kfake, StatementBytes: 500, Out: &said}, func(run func(context.Context, Trial) (TrialResult, error)) error {
		for _, trial := range []Trial{
			{Targets: 1200, Partitions: 5, Tasks: 2, InFlight: 100, Page: 500, Gateway: latency},
			{Targets: 1000, Partitions: 2, Tasks: 1, InFlight: 50, Page: 200, Rate: 400, Gateway: latency},
		} {
			result, err := run(t.Context(), trial)
			if err != nil {
				return err
			}
			t.Logf("%+v", result.CPU)
			if result.Accepted != trial.Targets || result.Settled != trial.Targets || result.Twice != 0 {
				t.Errorf("%d targets: accepted %d, settled %d, twice %d", trial.Targets, result.Accepted, result.Settled, result.Twice)
			}
			for _, p := range result.Points {
				if p.InFlight > trial.Tasks*trial.InFlight {
					t.Errorf("%d calls at once in %+v", p.InFlight, trial)
				}
			}
			if least := (float64(trial.Targets) - 400) / trial.Rate; trial.Rate > 0 && result.Seconds < least {
				t.Errorf("%d targets in %.2f s are more than %.0f a second", trial.Targets, result.Seconds, trial.Rate)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
}
