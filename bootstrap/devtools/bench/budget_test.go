package bench

import (
	"bytes"
	"os"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// The whole claim, for a minute and with how much of the limit is used, is what `balsong-dev bench budget` measures.
func TestAFleetThatComesAndGoesKeepsToTheLimit(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp(child.TempDir(), "balsong-budget-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	_, err = with(t.Context(), Options{What: Budget, DataDir: dir, Kafka: localenv.Kfake, Quick: true, Out: &said}, func(b *bench) error {
		if err := b.budgetStage(t.Context()); err != nil {
			return err
		}
		c := b.calls[0]
		t.Logf("%+v: %.1f%% of the limit are used", c, 100*c.Used())
		if float64(c.Worst) > budgetCeiling*c.Limit {
			t.Errorf("%d calls in a second", c.Worst)
		}
		if c.Calls == 0 {
			t.Error("no call was made")
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
}
